/* An independent verifier: from the data, a penalty and coefficients alone, how far from optimal are they? In extended precision,
 * written from the objective; it includes no header of the core and shares no code with it.
 *
 *   minimize  F + lambda sum_j v_j (alpha |s_j b_j| + (1 - alpha) / 2 (s_j b_j)^2 / s_y),   lower <= b <= upper,
 *   F = sum_i w_i l(y_i, o_i + b0 + x_i'b)
 *
 * w scaled to sum 1; s_j the weighted standard deviation of column j (1 unless standardize); s_y that of y - o for a gaussian
 * response (root mean square without an intercept), 1 otherwise. Constant columns and those with infinite v are out. */
#ifndef VERIFY_H
#define VERIFY_H

typedef struct verify_data {
  int n, p;
  const double *x;             /* [n x p] column-major */
  const double *y, *o, *w;     /* [n]; o may be NULL; rows with w 0 do not count */
  const double *v, *lower, *upper; /* [p]; limits may be NULL */
  double alpha;
  int binomial, standardize, intercept;
} verify_data;

typedef struct verify verify;

typedef struct verdict {
  double objective, loss;
  double gap;     /* relative to the objective of the intercept-only model; NAN where a limit without penalty leaves no dual point */
  double kkt;     /* largest violation of the optimality conditions of any column, / lambda (lambda_max when lambda is 0) */
  double score;   /* |derivative| in the intercept, / s_y */
  double outside; /* how far beyond a limit */
  int df;
} verdict;

verify *verify_open(const verify_data *data);
void verify_close(verify *v);
verdict verify_solution(const verify *v, double lambda, double b0, const double *b); /* b [p] as reported */

double verify_null(const verify *v);       /* F of the intercept-only model */
double verify_saturated(const verify *v);  /* its smallest possible value */
double verify_lambda_max(const verify *v); /* smallest lambda without a penalized coefficient (that of alpha 0.001 below it) */

#endif
