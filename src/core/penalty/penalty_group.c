/* Norms of groups, with an L1 and a ridge part: for each block
 *
 *   T |u|_2 + sum_j t_j |u_j| + k |u|_2^2 / 2,   T = lambda alpha (1 - tau) w,  t_j = lambda alpha tau v_j,  k = lambda (1 - alpha) kv,
 *
 * u in penalized units. tau = 0: the group lasso (Yuan & Lin 2006, eq. 2.1) with a ridge part; between: the sparse group lasso (Simon et
 * al. 2013, eq. 3). S is the soft threshold at t: a block is zero if and only if |S(z)| <= T, over the directions that limits allow. */
#include <math.h>

#include "penalty.h"

static void group_norms(const sp_penalty *pen, double lambda, const sp_pen_block *bl, double *T, double *t_by_v, double *k) {
  *T = lambda * pen->alpha * (1 - pen->tau) * bl->w;
  *t_by_v = lambda * pen->alpha * pen->tau;
  *k = lambda * (1 - pen->alpha) * bl->kv;
}

/* Which coordinates count: all, those that may leave zero towards the side of x, those without a limit on that side */
enum side { ALL, ALLOWED, OPEN };

static double seen(const sp_pen_block *bl, enum side side, int j, double x) {
  if (side == ALL || !bl->lo) return x;
  if (side == ALLOWED) return sp_pen_allowed(bl, j, x);
  return isfinite(x > 0 ? bl->hi[j] : bl->lo[j]) ? 0 : x;
}

/* |S(z)|, by scaling */
static double soft_norm(const sp_pen_block *bl, enum side side, double t, const double *z) {
  double top = 0, ss = 0;
  for (int j = 0; j < bl->m; j++) top = fmax(top, fabs(seen(bl, side, j, sp_soft(z[j], t * bl->v[j]))));
  if (!(top > 0)) return 0;
  for (int j = 0; j < bl->m; j++) {
    const double x = seen(bl, side, j, sp_soft(z[j], t * bl->v[j])) / top;
    ss += x * x;
  }
  return top * sqrt(ss);
}

double sp_pen_norm(const double *u, int m) {
  double top = 0, ss = 0;
  for (int j = 0; j < m; j++) top = fmax(top, fabs(u[j]));
  if (!(top > 0)) return 0;
  for (int j = 0; j < m; j++) ss += (u[j] / top) * (u[j] / top);
  return top * sqrt(ss);
}

/* Smallest x with |S(z; x tv)| <= x Tw. The left side falls in x, the right one grows, and phi(x) = |S(z; x tv)| - x Tw is convex: Newton
 * from the left meets the root from below, without overshooting. */
static double root(const sp_pen_block *bl, enum side side, double tv, double Tw, const double *z) {
  double x = 0;
  for (int j = 0; j < bl->m; j++) { /* each coordinate alone is a lower bound */
    const double d = tv * bl->v[j] + Tw;
    if (seen(bl, side, j, z[j]) != 0) x = fmax(x, d > 0 ? fabs(z[j]) / d : INFINITY);
  }
  if (!isfinite(x) || tv == 0) return Tw > 0 ? soft_norm(bl, side, 0, z) / Tw : x;
  for (int it = 0; it < 100; it++) {
    double slope = 0;
    const double ns = soft_norm(bl, side, x * tv, z);
    if (!(ns > x * Tw)) break;
    for (int j = 0; j < bl->m; j++) slope += fabs(seen(bl, side, j, sp_soft(z[j], x * tv * bl->v[j]))) / ns * tv * bl->v[j];
    const double next = x + (ns - x * Tw) / (slope + Tw);
    if (!(next > x * (1 + 4e-16))) break;
    x = next;
  }
  return x;
}

/* At alpha = 0 no finite lambda gives zero; as in glmnet the grid starts where alpha = 0.001 would, and does not know of limits. */
static double group_gauge(const sp_penalty *pen, const sp_pen_block *bl, const double *z) {
  double l1 = 0;
  for (int j = 0; j < bl->m; j++) l1 += pen->tau * bl->v[j];
  if (l1 == 0 && (1 - pen->tau) * bl->w == 0) return 0;
  return root(bl, ALL, pen->tau, (1 - pen->tau) * bl->w, z) / fmax(pen->alpha, 1e-3);
}

static double group_value(const sp_penalty *pen, double lambda, const sp_pen_block *bl, const double *u) {
  double T, t, k, l1 = 0;
  group_norms(pen, lambda, bl, &T, &t, &k);
  const double h = sp_pen_norm(u, bl->m);
  for (int j = 0; j < bl->m; j++) l1 += bl->v[j] * fabs(u[j]);
  return T * h + t * l1 + k * h * h / 2;
}

static double group_violation(const sp_penalty *pen, double lambda, const sp_pen_block *bl, const double *u, const double *z) {
  double T, t, k, ss = 0;
  group_norms(pen, lambda, bl, &T, &t, &k);
  const double h = sp_pen_norm(u, bl->m);
  for (int j = 0; j < bl->m && bl->lo; j++) {
    if (u[j] < bl->lo[j] || u[j] > bl->hi[j]) return INFINITY;
  }
  if (h == 0) return fmax(0, soft_norm(bl, ALLOWED, t, z) - T);
  for (int j = 0; j < bl->m; j++) {
    const double tj = t * bl->v[j];
    const double d = u[j] == 0 ? sp_soft(z[j], tj) : z[j] - (u[j] > 0 ? tj : -tj) - (T / h + k) * u[j];
    if (bl->lo && ((u[j] >= bl->hi[j] && d > 0) || (u[j] <= bl->lo[j] && d < 0))) continue;
    ss += d * d;
  }
  return sqrt(ss);
}

/* Only directions without a limit can make the conjugate infinite. */
static double group_scale(const sp_penalty *pen, double lambda, const sp_pen_block *bl, const double *z) {
  double T, t, k;
  group_norms(pen, lambda, bl, &T, &t, &k);
  if (k > 0 || soft_norm(bl, OPEN, t, z) <= T || (T == 0 && t == 0)) return 1;
  return 1 / root(bl, OPEN, t, T, z);
}

/* |u(h)| / h falls in h: Newton's method within a bracket, for sum min(|s_j| / (T + k h), limit_j / h)^2 = 1, s = S(z). */
double sp_norm_in_box(const sp_pen_block *bl, double t, const double *z, double T, double k) {
  double limits = 0;
  const double all = soft_norm(bl, ALLOWED, t, z), open = soft_norm(bl, OPEN, t, z);
  if (!(all > T)) return 0;
  if (k == 0 && open >= T * (1 - 1e-15) && open > 0) return INFINITY;
  for (int j = 0; j < bl->m; j++) {
    const double s = sp_soft(z[j], t * bl->v[j]), limit = s > 0 ? bl->hi[j] : bl->lo[j];
    if (s != 0 && isfinite(limit)) limits += limit * limit;
  }
  double below = 0, above = k > 0 ? (all - T) / k : open > 0 ? sqrt(limits / ((1 - open / T) * (1 + open / T))) : sqrt(limits);
  if (open == 0) above = fmin(above, sqrt(limits));
  double h = above;
  for (int it = 0; it < 200; it++) {
    double f = -1, slope = 0;
    for (int j = 0; j < bl->m; j++) {
      const double s = sp_soft(z[j], t * bl->v[j]), x = fabs(s) / (T + k * h), y = fabs(s > 0 ? bl->hi[j] : bl->lo[j]) / h;
      if (x <= y) {
        f += x * x;
        slope -= 2 * x * x * k / (T + k * h);
      } else {
        f += y * y;
        slope -= 2 * y * y / h;
      }
    }
    if (fabs(f) <= 4e-16) break;
    if (f > 0) below = h;
    else above = h;
    double next = slope < 0 ? h - f / slope : below;
    if (!(next > below && next < above)) next = below > 0 ? below + (above - below) / 2 : above / 16;
    if (next == h || above - below <= 2e-16 * above) break;
    h = next;
  }
  return h;
}

/* For any p with |p| <= T the term is at most T |u| - p'u plus those of t_j |u_j| + k u_j^2 / 2 in the box at z_j - p_j, and equal to that
 * at p = T u* / |u*|, u* the maximizer of the conjugate. */
static double in_box_fenchel_young(double T, double t, double k, const sp_pen_block *bl, const double *u, const double *z) {
  const double hu = sp_pen_norm(u, bl->m), h = T > 0 ? sp_norm_in_box(bl, t, z, T, k) : 0;
  double rest = 0, sum = 0, size = 0, cut = 1;
  sp_coord co = {0, 0, 0, 0, 0, bl->one};
  for (int pass = 0; pass < 2; pass++) { /* |p|, the terms */
    for (int j = 0; j < bl->m; j++) {
      const double tj = t * bl->v[j], s = sp_soft(z[j], tj), limit = fabs(s > 0 ? bl->hi[j] : bl->lo[j]);
      double p = 0;
      if (T > 0 && limit > 0) {
        p = h > 0 ? fmin(isinf(h) ? fabs(s) : fabs(s) / (1 + k * h / T), isinf(limit) ? INFINITY : T * (limit / h)) : fabs(s);
        p = cut * (s > 0 ? p : -p);
      }
      if (pass == 0) {
        size += p * p;
        continue;
      }
      co.lo = bl->lo[j];
      co.hi = bl->hi[j];
      rest += (hu > 0 ? T * (u[j] / hu) - p : 0) * u[j];
      sum += sp_l1_ridge_fenchel_young(tj, k, &co, u[j], z[j] - p);
    }
    size = sqrt(size);
    if (pass == 0 && size > T) cut = T > 0 ? T / size : 0;
  }
  return fmax(0, rest) + sum;
}

/* With z = z1 + z2, z1 = clip(z, t), z2 = S(z): at the maximizer u* = (|z2| - T)+ / k z2 / |z2| of the conjugate the subgradient of the
 * norms is z1 + p2, p2 = z2 cut to length T, and the term is
 *   (T |u| - p2'u) + sum (t_j |u_j| - z1_j u_j) + k |u - u*|^2 / 2. */
double sp_norms_fenchel_young(double T, double t, double k, const sp_pen_block *bl, const double *u, const double *z) {
  double charge = 0, rest = 0, quad = 0;
  if (bl->lo) return in_box_fenchel_young(T, t, k, bl, u, z);
  const double h = sp_pen_norm(u, bl->m), nz = soft_norm(bl, ALL, t, z), over = nz - T;
  const double cut = over > 0 ? T / nz : 1, star = over > 0 && k > 0 ? over / (k * nz) : 0;
  if (over > 0 && !(k > 0)) charge = over * (bl->one + h); /* outside the domain by rounding only: as if |u| could be one unit larger */
  for (int j = 0; j < bl->m; j++) {
    const double tj = t * bl->v[j], z2 = sp_soft(z[j], tj), z1 = z[j] - z2, d = u[j] - star * z2;
    /* T |u| = sum of (T u_j / h) u_j */
    rest += (h > 0 ? T * (u[j] / h) - cut * z2 : 0) * u[j] + fmax(0, tj * fabs(u[j]) - z1 * u[j]);
    quad += d * d;
  }
  return fmax(0, rest) + k * quad / 2 + charge;
}

static double group_fenchel_young(const sp_penalty *pen, double lambda, const sp_pen_block *bl, const double *u, const double *z) {
  double T, t, k;
  group_norms(pen, lambda, bl, &T, &t, &k);
  return sp_norms_fenchel_young(T, t, k, bl, u, z);
}

void sp_prox_in_box(const sp_pen_block *bl, double t, const double *x, double T, double k, double *u) {
  const double h = T > 0 ? sp_norm_in_box(bl, t, x, T, k) : 1;
  for (int j = 0; j < bl->m; j++) {
    const double s = sp_soft(x[j], t * bl->v[j]);
    u[j] = h > 0 ? fmin(fmax(s / (T / h + k), bl->lo[j]), bl->hi[j]) : 0;
  }
}

/* Soft threshold, then the whole block towards zero by T, then the ridge part's shrinkage (Parikh & Boyd 2014, section 6.5.4). */
static void group_prox(const sp_penalty *pen, double lambda, const sp_pen_block *bl, const double *x, double step, double *u) {
  double T, t, k;
  group_norms(pen, lambda, bl, &T, &t, &k);
  if (bl->lo) {
    sp_prox_in_box(bl, step * t, x, step * T, 1 + step * k, u);
    return;
  }
  for (int j = 0; j < bl->m; j++) u[j] = sp_soft(x[j], step * t * bl->v[j]);
  const double h = sp_pen_norm(u, bl->m), share = h > step * T ? (1 - step * T / h) / (1 + step * k) : 0;
  for (int j = 0; j < bl->m; j++) u[j] *= share;
}

/* A coefficient on its own: where alpha or lambda is 0 there are no norms, and the solvers for coordinates take the ridge part. */
static void group_l1_ridge(const sp_penalty *pen, double lambda, const sp_coord *co, double *t, double *k) {
  *t = lambda * pen->alpha * pen->tau * co->v;
  *k = lambda * (1 - pen->alpha) * co->kv;
}

static sp_pen_block alone(const sp_coord *co) {
  const sp_pen_block bl = {1, 0, co->kv, &co->v, co->one, co->cv, &co->lo, &co->hi};
  return bl;
}

static double alone_gauge(const sp_penalty *pen, const sp_coord *co, double c) {
  const sp_pen_block bl = alone(co);
  return group_gauge(pen, &bl, &c);
}

static double alone_value(const sp_penalty *pen, double lambda, const sp_coord *co, double b) {
  const sp_pen_block bl = alone(co);
  return group_value(pen, lambda, &bl, &b);
}

static double alone_violation(const sp_penalty *pen, double lambda, const sp_coord *co, double b, double c) {
  const sp_pen_block bl = alone(co);
  return group_violation(pen, lambda, &bl, &b, &c);
}

static double alone_scale(const sp_penalty *pen, double lambda, const sp_coord *co, double c) {
  const sp_pen_block bl = alone(co);
  return group_scale(pen, lambda, &bl, &c);
}

static double alone_fenchel_young(const sp_penalty *pen, double lambda, const sp_coord *co, double b, double z) {
  const sp_pen_block bl = alone(co);
  return group_fenchel_young(pen, lambda, &bl, &b, &z);
}

static double alone_prox(const sp_penalty *pen, double lambda, const sp_coord *co, double x, double step) {
  double t, k;
  group_l1_ridge(pen, lambda, co, &t, &k);
  return fmin(fmax(sp_soft(x, step * t) / (1 + step * k), co->lo), co->hi);
}

const sp_penalty_ops sp_penalty_group = {
    .name = "group",
    .flags = SP_PENALTY_CONVEX | SP_PENALTY_BOUNDS | SP_PENALTY_BLOCKS,
    .l1_ridge = group_l1_ridge,
    .gauge = alone_gauge,
    .value = alone_value,
    .violation = alone_violation,
    .scale = alone_scale,
    .fenchel_young = alone_fenchel_young,
    .prox = alone_prox,
    .block_norms = group_norms,
    .block_gauge = group_gauge,
    .block_value = group_value,
    .block_violation = group_violation,
    .block_scale = group_scale,
    .block_fenchel_young = group_fenchel_young,
    .block_prox = group_prox,
};
