/* The piecewise linear path of a gaussian lasso, all of it, knot by knot, and least angle regression. With unit = what a coefficient
 * is multiplied with in the penalty (its column's standard deviation, or 1):
 *
 *   1/2 sum_i w_i (y_i - b0 - x_i'b)^2  +  lambda sum_j unit_j |b_j|  +  lambda2 / 2 sum_j (unit_j b_j)^2,   sum_i w_i = 1,
 *
 * for all lambda from where the first coefficient leaves zero down to lambda_min. Efron, Hastie, Johnstone, Tibshirani (2004); ties
 * and columns that leave by the optimal direction among all columns at their threshold. */
#ifndef SP_LARS_H
#define SP_LARS_H

#include "../path/path.h"

enum sp_lars_type { SP_LARS_LASSO = 0, SP_LARS_LAR = 1 };
enum sp_lars_end { SP_LARS_COMPLETE = 0, SP_LARS_RESIDUAL, SP_LARS_STEPS, SP_LARS_STUCK };

typedef struct sp_lars_knot {
  double lambda, value;   /* value: 1/2 sum w r^2 */
  double gap, kkt;        /* gap of the objective, not divided by anything (NaN for LAR); violation / lambda (at 0: / lambda_max) */
  ptrdiff_t start;        /* of its coefficients in cols, b */
  int count;
  double a0;
} sp_lars_knot;

typedef struct sp_lars {
  sp_path path;           /* the fitted null model: data, standardization, active set */
  enum sp_lars_type type;
  double lambda2, lambda_min, residual; /* residual: stop where sum w r^2 = residual^2 */
  int max_steps;
  sp_lars_knot *knots;
  int K, cap_knots;
  int *cols;              /* [size] columns with a coefficient, increasing within a knot */
  double *b;              /* [size] in units of x */
  ptrdiff_t size, cap;
  int *action, *action_knot, A, cap_A; /* + 1 + column: it joins, - (1 + column): it leaves, at a knot */
  int *refused, *refused_knot, F, cap_F; /* columns that depend on the active ones when they should join, the first time */
  double *dual;           /* [design->n] slope in lambda of w (y - b0 - X b) in the last segment */
  double null_value, lambda_max;
  enum sp_lars_end end;
  /* while it runs */
  double lambda;
  char *out;              /* [p] positions not to be considered until a column leaves */
  char *fresh;            /* [p] joined at this knot with coefficient 0 */
  char *reported;         /* [p] */
  double *dir, *old;      /* [p] directions by position */
  double *u;              /* [n] XA dir */
  double *rhs;            /* [design->n x 2], [2 p] scratch of the pass */
  double *dots;
  int *bound, n_bound;    /* [p] positions at their threshold */
  double *gain;           /* [p] */
} sp_lars;

/* spec: gaussian, one task, no offset, no limits, factors 1; lambda is ignored. lars must be freed whatever the status. */
sp_status sp_lars_run(sp_lars *lars, sp_ctx *ctx, const sp_spec *spec, enum sp_lars_type type, double lambda2, double lambda_min,
                      double residual, int max_steps);
void sp_lars_free(sp_lars *lars);

#endif
