/* Elastic net with penalty factors and box limits: lambda (alpha v |b| + (1 - alpha) / 2 kv b^2) + indicator of [lo, hi]. */
#include <math.h>

#include "penalty.h"

static void enet_l1_ridge(const sp_penalty *pen, double lambda, const sp_coord *co, double *t, double *k) {
  *t = lambda * pen->alpha * co->v;
  *k = lambda * (1 - pen->alpha) * co->kv;
}

/* At alpha = 0 no finite lambda gives zero; as in glmnet the grid starts where alpha = 0.001 would. */
static double enet_gauge(const sp_penalty *pen, const sp_coord *co, double c) {
  return co->v > 0 ? fabs(c) / (co->v * fmax(pen->alpha, 1e-3)) : 0;
}

static double enet_value(const sp_penalty *pen, double lambda, const sp_coord *co, double b) {
  double t, k;
  enet_l1_ridge(pen, lambda, co, &t, &k);
  return t * fabs(b) + k * b * b / 2;
}

static double enet_violation(const sp_penalty *pen, double lambda, const sp_coord *co, double b, double c) {
  double t, k;
  enet_l1_ridge(pen, lambda, co, &t, &k);
  const double g = c - k * b; /* must be in t * sign(b), plus the normal cone of the box */
  double d;
  if (b > co->hi || b < co->lo) return INFINITY;
  if (b > 0) d = g - t;
  else if (b < 0) d = g + t;
  else d = g > t ? g - t : g < -t ? g + t : 0;
  if (b >= co->hi && d > 0) return 0;
  if (b <= co->lo && d < 0) return 0;
  return fabs(d);
}

static double enet_scale(const sp_penalty *pen, double lambda, const sp_coord *co, double c) {
  double t, k;
  enet_l1_ridge(pen, lambda, co, &t, &k);
  if (k > 0 || fabs(c) <= t || t == 0) return 1; /* t = 0, unpenalized: see the charge below */
  if (isfinite(co->hi) && c > 0) return 1; /* the box makes the conjugate finite on that side */
  if (isfinite(co->lo) && c < 0) return 1;
  return t / fabs(c);
}

/* Omega*(z) = max over b in [lo, hi] of z b - t |b| - k b^2 / 2, attained at bs = clip(S(z, t) / k); with it the term is
 * evaluated as differences that vanish together, never as Omega + Omega* - z b. */
double sp_l1_ridge_fenchel_young(double t, double k, const sp_coord *co, double b, double z) {
  double term;
  double over = sp_soft(z, t);
  double bs, charge = 0;
  if (k > 0) {
    bs = over / k;
  } else {
    bs = over > 0 ? co->hi : over < 0 ? co->lo : b;
    if (!isfinite(bs)) {
      /* outside the domain by rounding only (enet_scale has seen to it): charged as if |b| could be one unit larger */
      charge = fabs(over) * (co->one + fabs(b));
      over = 0;
    }
  }
  if (bs > co->hi) bs = co->hi;
  if (bs < co->lo) bs = co->lo;
  if (over == 0) bs = 0;
  /* [t|b| + k b^2/2 - z b] - [t|bs| + k bs^2/2 - z bs] */
  if (bs == 0) {
    term = (t * fabs(b) - z * b) + k * b * b / 2;
  } else {
    const double sg = bs > 0 ? 1 : -1, slack = z - sg * t - k * bs; /* >= 0 towards the limit that bs stands at, else 0 */
    /* t|b| = t sg b + t (|b| - sg b) */
    term = t * (fabs(b) - sg * b) + (bs - b) * slack + k * (b - bs) * (b - bs) / 2;
  }
  return (term > 0 ? term : 0) + charge;
}

static double enet_fenchel_young(const sp_penalty *pen, double lambda, const sp_coord *co, double b, double z) {
  double t, k;
  enet_l1_ridge(pen, lambda, co, &t, &k);
  return sp_l1_ridge_fenchel_young(t, k, co, b, z);
}

/* Soft threshold, shrinkage, then the box: in one dimension the nearest feasible point is the minimizer. */
static double enet_prox(const sp_penalty *pen, double lambda, const sp_coord *co, double x, double step) {
  double t, k;
  enet_l1_ridge(pen, lambda, co, &t, &k);
  t *= step;
  const double b = sp_soft(x, t) / (1 + step * k);
  return b > co->hi ? co->hi : b < co->lo ? co->lo : b;
}

const sp_penalty_ops sp_penalty_enet = {
    .name = "enet",
    .flags = SP_PENALTY_CONVEX | SP_PENALTY_L1_RIDGE | SP_PENALTY_BOUNDS,
    .l1_ridge = enet_l1_ridge,
    .gauge = enet_gauge,
    .value = enet_value,
    .violation = enet_violation,
    .scale = enet_scale,
    .fenchel_young = enet_fenchel_young,
    .prox = enet_prox,
};
