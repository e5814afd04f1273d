/* Fused lasso of a signal (the identity as design):
 *
 *   minimize over b [n]   1/2 sum_i w_i (y_i - b_i)^2  +  lambda sum_i |b_(i+1) - b_i|,   w_i > 0.
 *
 * One lambda: dynamic programming, Johnson (2013), O(n). All lambdas: as lambda grows, neighbours fuse and never part again
 * (Friedman et al. 2007; Hoefling 2010), so that one number for each pair of neighbours, the lambda at which it fuses, is the path. */
#ifndef SP_FUSED_H
#define SP_FUSED_H

#include "../base/ctx.h"

/* b [n] at one lambda >= 0; y, w [n] */
sp_status sp_fused_fit(sp_ctx *ctx, ptrdiff_t n, const double *y, const double *w, double lambda, double *b);
/* fuse [n - 1]: smallest lambda at which b_i = b_(i+1) */
sp_status sp_fused_path(sp_ctx *ctx, ptrdiff_t n, const double *y, const double *w, double *fuse);
/* b [n] at lambda from the path */
sp_status sp_fused_at(sp_ctx *ctx, ptrdiff_t n, const double *y, const double *w, const double *fuse, double lambda, double *b);

typedef struct sp_fused_verdict {
  double objective; /* of the sparse fused problem below, at soft(b, lambda1) */
  double gap;       /* above its minimum by no more than this */
  ptrdiff_t segments, nonzero; /* constant pieces of b; those of them that soft-thresholding leaves */
} sp_fused_verdict;

/* The certificate of b and, with lambda1 > 0, of soft(b, lambda1) for the objective with + lambda1 sum_i w_i |b_i|. The dual
 * point is the running sums of w (b - y), clipped to [-lambda, lambda]. b is replaced by soft(b, lambda1). */
void sp_fused_certify(ptrdiff_t n, const double *y, const double *w, double lambda, double lambda1, double *b,
                      sp_fused_verdict *out);

#endif
