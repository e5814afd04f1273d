/* Trend filtering of a signal at even steps (Kim, Koh, Boyd, Gorinevsky 2009; Tibshirani 2014):
 *
 *   minimize over b [n]   1/2 sum_i w_i (y_i - b_i)^2  +  lambda | D b |_1,   w_i > 0,
 *
 * D [n - k - 1 x n] the differences of order k + 1, k = 1, 2, 3: b is piecewise a polynomial of degree k. Interior point method on
 * the dual, min 1/2 |W^-1/2 D'z|^2 - y'D'z with |z| <= lambda, whose b = y - W^-1 D'z comes with a duality gap at every step. */
#ifndef SP_TREND_H
#define SP_TREND_H

#include "../base/ctx.h"

enum { SP_TREND_MOST = 3 };

typedef struct sp_trend {
  double gap;      /* objective above its minimum by no more than this */
  double objective;
  int steps, knots;
} sp_trend;

/* b [n], is_knot [n - k - 1] (1 where the polynomial changes); stops when the gap is below `enough` or does not shrink any more */
sp_status sp_trend_fit(sp_ctx *ctx, ptrdiff_t n, int k, const double *y, const double *w, double lambda, double enough, double *b,
                       int *is_knot, sp_trend *out);
/* smallest lambda for which b is one polynomial */
sp_status sp_trend_lambda_max(sp_ctx *ctx, ptrdiff_t n, int k, const double *y, const double *w, double *lambda);

#endif
