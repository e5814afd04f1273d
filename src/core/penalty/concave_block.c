/* The non-convex penalties of norms: a block's penalty is that of one coefficient, its norm. Limits are those of its coefficients. */
#include <math.h>

#include "concave.h"

/* the norm as a coefficient */
static sp_coord coord_of(const sp_pen_block *bl) { return (sp_coord){bl->w, bl->kv, -INFINITY, INFINITY, bl->cv, bl->one}; }

void sp_concave_block_norms(const sp_penalty *pen, double lambda, const sp_pen_block *bl, double *T, double *t_by_v, double *k) {
  const sp_coord co = coord_of(bl);
  sp_concave_l1_ridge(pen, lambda, &co, T, k);
  *t_by_v = 0;
}

double sp_concave_block_gauge(const sp_penalty *pen, const sp_pen_block *bl, const double *z) {
  const sp_coord co = coord_of(bl);
  return sp_concave_gauge(pen, &co, sp_pen_norm(z, bl->m));
}

double sp_concave_block_value(const sp_penalty *pen, double lambda, const sp_pen_block *bl, const double *u) {
  const sp_coord co = coord_of(bl);
  return sp_concave_value(pen, lambda, &co, sp_pen_norm(u, bl->m));
}

double sp_concave_block_violation(const sp_penalty *pen, double lambda, const sp_pen_block *bl, const double *u, const double *z) {
  const sp_coord co = coord_of(bl);
  const double h = sp_pen_norm(u, bl->m);
  double T, k, curve, ss = 0;
  sp_concave_l1_ridge(pen, lambda, &co, &T, &k);
  for (int j = 0; j < bl->m && bl->lo; j++) {
    if (u[j] < bl->lo[j] || u[j] > bl->hi[j]) return INFINITY;
  }
  if (h == 0) {
    for (int j = 0; j < bl->m; j++) ss = hypot(ss, sp_pen_allowed(bl, j, z[j]));
    return fmax(0, ss - T);
  }
  T = sp_penalty_slope(pen, lambda, &co, h, &curve);
  for (int j = 0; j < bl->m; j++) {
    const double d = z[j] - (T / h + k) * u[j];
    if (bl->lo && ((u[j] >= bl->hi[j] && d > 0) || (u[j] <= bl->lo[j] && d < 0))) continue;
    ss += d * d;
  }
  return sqrt(ss);
}

double sp_concave_block_scale(const sp_penalty *pen, double lambda, const sp_pen_block *bl, const double *z) {
  const sp_coord co = coord_of(bl);
  double open = 0; /* a limit makes the conjugate finite on its side */
  for (int j = 0; j < bl->m; j++) open = hypot(open, bl->lo && isfinite(z[j] > 0 ? bl->hi[j] : bl->lo[j]) ? 0 : z[j]);
  return sp_concave_scale(pen, lambda, &co, open);
}

double sp_concave_block_fenchel_young(const sp_penalty *pen, double lambda, const sp_pen_block *bl, const double *u, const double *z) {
  const sp_coord co = coord_of(bl);
  const double h = sp_pen_norm(u, bl->m);
  double T, k, curve;
  sp_concave_l1_ridge(pen, lambda, &co, &T, &k);
  if (h > 0) T = sp_penalty_slope(pen, lambda, &co, h, &curve);
  return sp_norms_fenchel_young(T, 0, k, bl, u, z);
}
