/* View: how one problem sees the columns of a design, standardized and in its own metric, without a copy:
 *   z_j = S (x_j - mean_j) * iscale_j   on the rows of positive weight, S = diag(sm) or the root of a loss.
 * With K linear predictors vectors over the rows are [n x K], and column j K + k of the problem is column j of the design in the
 * predictor k, zero in the others. mean and iscale belong to columns of the design.
 * A view may also look at a reduced problem (the triangular factor of a tall design): then rows is NULL and mean, iscale
 * are NULL. Centring and scaling exist nowhere else. */
#ifndef SP_VIEW_H
#define SP_VIEW_H

#include "../design/design.h"
#include "../loss/loss.h"

typedef struct sp_view {
  const sp_design *design;
  ptrdiff_t n;          /* rows seen */
  const int *rows;      /* [n] rows of the design, or NULL: all */
  const double *mean;   /* [p] or NULL: 0 */
  const double *iscale; /* [p] or NULL: 1 */
  const double *sm;     /* [n x K] square roots of the metric, or NULL: 1 */
  double *full;         /* [design->n x K] scratch of the owner */
  double *column;       /* [design->n] scratch of the owner */
  const sp_loss *root;  /* whose root is S, instead of sm; or NULL */
  double *fit;          /* with a root: [n x K] scratch of the owner */
  int K;                /* linear predictors */
  double *sums;         /* [K] scratch of the owner */
  double *ranks;        /* scratch of the owner, for a design that is made of fewer columns: that many; or NULL */
} sp_view;

/* Centring by algebra, x'q - mean sum(q), loses |mean| / sd in accuracy; columns beyond this ratio are centred entry by entry. */
#define SP_VIEW_SHIFT 1e3
int sp_view_shifted(const sp_view *v, int j); /* j: column of the problem, as everywhere here */
static inline int sp_view_base(const sp_view *v, int j) { return v->K == 1 ? j : j / v->K; }

/* out [n x K] = z_j */
void sp_view_column(const sp_view *v, int j, double *out);
/* out[a] = z_idx[a]' r, r [n x K] */
void sp_view_dot(const sp_view *v, const int *idx, int m, const double *r, double *out);
/* the same for q [design->n x K] = S'r and its sums [K] */
void sp_view_dot_raw(const sp_view *v, const int *idx, int m, const double *q, const double *sum, double *out);
/* y [n x K] += Z[, idx] coef; zero coefficients are skipped. work [m] doubles, iwork [m] ints */
void sp_view_axpy(const sp_view *v, const int *idx, int m, const double *coef, double *y, double *work, int *iwork);
/* full [design->n x K] = S'r at the rows seen, 0 elsewhere; sum [K] its column sums */
void sp_view_scatter(const sp_view *v, const double *r, double *full, double *sum);

#endif
