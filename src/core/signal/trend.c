#include "trend.h"

#include <math.h>
#include <string.h>

#include "../base/dd.h"

enum { WIDTH = SP_TREND_MOST + 2, MOST_STEPS = 120 }; /* entries of a row of D */

#define SHORTEN 0.995 /* of the way to the boundary */
#define AGAIN 1e4     /* a gap above so many times what is asked for: again, with twice the digits */

#define REAL double
#define FN(name) name##_double
#define OF(x) ((double)(x))
#define LOW(x) (x)
#define ADD(a, b) ((a) + (b))
#define SUB(a, b) ((a) - (b))
#define MUL(a, b) ((a) * (b))
#define DIV(a, b) ((a) / (b))
#define ROOT(a) sqrt(a)
#define SCALE(a, b) ((a) * (b))
#include "t_trend.h"

#define REAL sp_dd
#define FN(name) name##_pair
#define OF(x) sp_dd_of((double)(x))
#define LOW(x) sp_dd_low(x)
#define ADD(a, b) sp_dd_add(a, b)
#define SUB(a, b) sp_dd_sub(a, b)
#define MUL(a, b) sp_dd_mul(a, b)
#define DIV(a, b) sp_dd_div(a, b)
#define ROOT(a) sp_dd_sqrt(a)
#define SCALE(a, b) sp_dd_scale(a, b)
#include "t_trend.h"

sp_status sp_trend_lambda_max(sp_ctx *ctx, ptrdiff_t n, int k, const double *y, const double *w, double *lambda) {
  banded_pair d;
  set_order_pair(&d, n, k, w);
  const size_t m = (size_t)d.m;
  sp_dd *block = sp_calloc(ctx, m * (size_t)(d.width + 1) + (size_t)n, sizeof *block);
  if (!block) return SP_ENOMEM;
  d.R = block;
  sp_dd *z = d.R + m * (size_t)d.width, *top = z + m;
  for (ptrdiff_t i = 0; i < n; i++) top[i] = sp_dd_scale(w[i], sp_dd_of(y[i]));
  solve_pair(&d, NULL, top, NULL, z);
  *lambda = 0;
  for (size_t j = 0; j < m; j++) *lambda = fmax(*lambda, fabs(sp_dd_low(z[j])));
  sp_free(ctx, block);
  return SP_OK;
}

/* The data themselves: for lambda = 0, or where they are one polynomial */
static int interpolates(ptrdiff_t n, int k, const double *y, const double *w, double lambda, double *b, int *is_knot, sp_trend *out) {
  banded_double d;
  int polynomial = 1;
  set_order_double(&d, n, k, w);
  for (ptrdiff_t j = 0; j < d.m; j++) {
    double s = 0;
    for (int l = 0; l < d.width; l++) s += d.c[l] * y[j + l];
    is_knot[j] = lambda == 0 && s != 0;
    out->knots += is_knot[j];
    polynomial &= s == 0;
  }
  memcpy(b, y, (size_t)n * sizeof *b);
  return lambda == 0 || polynomial;
}

sp_status sp_trend_fit(sp_ctx *ctx, ptrdiff_t n, int k, const double *y, const double *w, double lambda, double enough, double *b,
                       int *is_knot, sp_trend *out) {
  memset(out, 0, sizeof *out);
  if (interpolates(n, k, y, w, lambda, b, is_knot, out)) return SP_OK;
  const sp_status st = fit_double(ctx, n, k, y, w, lambda, enough, b, is_knot, out);
  if (st != SP_OK || out->gap <= AGAIN * enough) return st;
  return fit_pair(ctx, n, k, y, w, lambda, enough, b, is_knot, out);
}
