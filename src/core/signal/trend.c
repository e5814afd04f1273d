#include "trend.h"

#include <math.h>
#include <string.h>

enum { WIDTH = SP_TREND_MOST + 2, MOST_STEPS = 120 }; /* entries of a row of D */

#define SHORTEN 0.995 /* of the way to the boundary */

typedef struct banded {
  ptrdiff_t n, m; /* m = n - k - 1 */
  int width;      /* k + 2 */
  double c[WIDTH]; /* a row of D */
  const double *w;
  double *R;      /* [m x width] triangular factor, by rows */
} banded;

static void set_order(banded *d, ptrdiff_t n, int k, const double *w) {
  d->n = n;
  d->m = n - k - 1;
  d->width = k + 2;
  d->w = w;
  memset(d->c, 0, sizeof d->c);
  d->c[0] = 1;
  for (int order = 0; order <= k; order++) {
    for (int l = order + 1; l >= 0; l--) d->c[l] = (l > 0 ? d->c[l - 1] : 0) - d->c[l];
  }
}

/* out [m] = D x */
static void differences(const banded *d, const double *x, double *out) {
  for (ptrdiff_t j = 0; j < d->m; j++) {
    double s = 0;
    for (int l = 0; l < d->width; l++) s += d->c[l] * x[j + l];
    out[j] = s;
  }
}

/* out [n] = D'z */
static void adjoint(const banded *d, const double *z, double *out) {
  memset(out, 0, (size_t)d->n * sizeof *out);
  for (ptrdiff_t j = 0; j < d->m; j++) {
    for (int l = 0; l < d->width; l++) out[j + l] += d->c[l] * z[j];
  }
}

/* Fold a row that starts at the first column of the window, its right-hand side last, into the triangle T, by Givens rotations. */
static void fold(double T[WIDTH][WIDTH + 1], double *row, int width) {
  for (int i = 0; i < width; i++) {
    if (row[i] == 0) continue;
    const double h = hypot(T[i][i], row[i]), cs = T[i][i] / h, sn = row[i] / h;
    for (int l = i; l <= width; l++) {
      const double a = T[i][l], b = row[l];
      T[i][l] = cs * a + sn * b;
      row[l] = cs * b - sn * a;
    }
  }
}

/* x [m] minimizes |W^-1/2 (D'x - top)|^2 + |J^1/2 x - J^-1/2 low|^2, by QR: D W^-1 D' is never formed, so that only the root of its
 * condition number counts, which grows as n^(2k + 2), and rounding in `top`, a difference of large numbers, stays where it is. Without
 * J the first part alone. */
static void solve(banded *d, const double *J, const double *top, const double *low, double *x) {
  const int width = d->width;
  double T[WIDTH][WIDTH + 1] = {{0}}, row[WIDTH + 1];
  ptrdiff_t next = 0; /* row of D' */
  for (ptrdiff_t j = 0; j < d->m; j++) {
    for (; next < d->n && next - (width - 1) <= j; next++) { /* rows whose first column is j */
      const double scale = 1 / sqrt(d->w[next]);
      for (int l = 0; l < width; l++) {
        const ptrdiff_t at = next - (j + l);
        row[l] = j + l < d->m && at >= 0 && at < width ? d->c[at] * scale : 0;
      }
      row[width] = top[next] * scale;
      fold(T, row, width);
    }
    if (J) {
      memset(row, 0, sizeof row);
      row[0] = sqrt(J[j]);
      row[width] = low[j] / row[0];
      fold(T, row, width);
    }
    memcpy(d->R + j * width, T[0], (size_t)width * sizeof(double));
    x[j] = T[0][width];
    for (int i = 0; i < width; i++) {
      for (int l = 0; l < width; l++) T[i][l] = i + 1 < width && l + 1 < width ? T[i + 1][l + 1] : 0;
      T[i][width] = i + 1 < width ? T[i + 1][width] : 0;
    }
  }
  for (ptrdiff_t j = d->m - 1; j >= 0; j--) {
    const double *r = d->R + j * width;
    for (int l = 1; l < width && j + l < d->m; l++) x[j] -= r[l] * x[j + l];
    x[j] = r[0] != 0 ? x[j] / r[0] : 0;
  }
}

/* rest [n] = w (y - b) - D'z, db [m] = D b, and the duality gap of b and z */
static double measure(const banded *d, const double *y, const double *b, const double *z, double lambda, double *rest, double *db) {
  double gap = 0;
  adjoint(d, z, rest);
  for (ptrdiff_t i = 0; i < d->n; i++) {
    rest[i] = d->w[i] * (y[i] - b[i]) - rest[i];
    gap += rest[i] * rest[i] / (2 * d->w[i]);
  }
  differences(d, b, db);
  for (ptrdiff_t j = 0; j < d->m; j++) gap += lambda * fabs(db[j]) - z[j] * db[j];
  return gap;
}

sp_status sp_trend_lambda_max(sp_ctx *ctx, ptrdiff_t n, int k, const double *y, const double *w, double *lambda) {
  banded d;
  set_order(&d, n, k, w);
  const size_t m = (size_t)d.m;
  double *block = sp_calloc(ctx, m * (size_t)(d.width + 1) + (size_t)n, sizeof *block);
  if (!block) return SP_ENOMEM;
  d.R = block;
  double *z = d.R + m * (size_t)d.width, *top = z + m;
  for (ptrdiff_t i = 0; i < n; i++) top[i] = w[i] * y[i];
  solve(&d, NULL, top, NULL, z);
  *lambda = 0;
  for (size_t j = 0; j < m; j++) *lambda = fmax(*lambda, fabs(z[j]));
  sp_free(ctx, block);
  return SP_OK;
}

/* One step of the interior point method: predictor straight to the solution, corrector to the middle, with what the predictor has
 * taught of the curvature (Mehrotra 1992). s1, s2: slacks lambda -+ z, m1, m2: their multipliers, in the end the two signs of D b. */
typedef struct point {
  double *z, *b, *m1, *m2, *s1, *s2, *J, *dz, *d1, *d2, *low, *rest, *db, *spare;
} point;

static double complementarity(const point *p, ptrdiff_t m, double by) {
  double sum = 0;
  for (ptrdiff_t j = 0; j < m; j++) {
    sum += (p->m1[j] + by * p->d1[j]) * (p->s1[j] - by * p->dz[j]) + (p->m2[j] + by * p->d2[j]) * (p->s2[j] + by * p->dz[j]);
  }
  return sum / (2 * (double)m);
}

static void advance(banded *d, point *p, double lambda) {
  const ptrdiff_t m = d->m;
  double tau = 0;
  for (ptrdiff_t j = 0; j < m; j++) {
    p->s1[j] = lambda - p->z[j];
    p->s2[j] = lambda + p->z[j];
    p->J[j] = p->m1[j] / p->s1[j] + p->m2[j] / p->s2[j];
  }
  const double mu = complementarity(p, m, 0);
  for (int corrector = 0; corrector < 2; corrector++) {
    for (ptrdiff_t j = 0; j < m; j++) { /* d1, d2: what m1 s1, m2 s2 are to be */
      p->d1[j] = corrector ? tau + p->dz[j] * p->d1[j] : 0;
      p->d2[j] = corrector ? tau - p->dz[j] * p->d2[j] : 0;
      p->low[j] = p->db[j] - p->d1[j] / p->s1[j] + p->d2[j] / p->s2[j];
    }
    solve(d, p->J, p->rest, p->low, p->dz);
    double by = 1 / SHORTEN;
    for (ptrdiff_t j = 0; j < m; j++) {
      p->d1[j] = (p->d1[j] + p->m1[j] * p->dz[j]) / p->s1[j] - p->m1[j];
      p->d2[j] = (p->d2[j] - p->m2[j] * p->dz[j]) / p->s2[j] - p->m2[j];
      if (p->s1[j] - by * p->dz[j] < 0) by = p->s1[j] / p->dz[j];
      if (p->s2[j] + by * p->dz[j] < 0) by = -p->s2[j] / p->dz[j];
      if (p->m1[j] + by * p->d1[j] < 0) by = -p->m1[j] / p->d1[j];
      if (p->m2[j] + by * p->d2[j] < 0) by = -p->m2[j] / p->d2[j];
    }
    if (!corrector) {
      tau = mu * pow(fmax(complementarity(p, m, fmin(by, 1)), 0) / mu, 3);
      continue;
    }
    by = fmin(by * SHORTEN, 1);
    adjoint(d, p->dz, p->spare);
    for (ptrdiff_t i = 0; i < d->n; i++) p->b[i] += by * (p->rest[i] - p->spare[i]) / d->w[i];
    for (ptrdiff_t j = 0; j < m; j++) {
      p->z[j] += by * p->dz[j];
      p->m1[j] += by * p->d1[j];
      p->m2[j] += by * p->d2[j];
    }
  }
}

sp_status sp_trend_fit(sp_ctx *ctx, ptrdiff_t n, int k, const double *y, const double *w, double lambda, double enough, double *b,
                       int *is_knot, sp_trend *out) {
  sp_status st = SP_OK;
  banded d;
  set_order(&d, n, k, w);
  const ptrdiff_t m = d.m;
  const size_t sm = (size_t)m, sn = (size_t)n;
  memset(out, 0, sizeof *out);
  memcpy(b, y, sn * sizeof *b);
  double *block = sp_calloc(ctx, sm * (size_t)(d.width + 11) + 3 * sn, sizeof *block);
  if (!block) return SP_ENOMEM;
  d.R = block;
  point p;
  double **parts[] = {&p.z, &p.m1, &p.m2, &p.s1, &p.s2, &p.J, &p.dz, &p.d1, &p.d2, &p.low, &p.db}, *at = d.R + sm * (size_t)d.width;
  for (size_t i = 0; i < sizeof parts / sizeof *parts; i++, at += m) *parts[i] = at;
  p.b = at;
  p.rest = p.b + n;
  p.spare = p.rest + n;
  memcpy(p.b, y, sn * sizeof *b);
  double least = INFINITY, top = 0;
  int stalled = 0;
  differences(&d, y, p.db);
  for (ptrdiff_t j = 0; j < m; j++) {
    top = fmax(top, fabs(p.db[j]));
    is_knot[j] = lambda == 0 && p.db[j] != 0;
  }
  if (lambda > 0 && top > 0) {
    for (ptrdiff_t j = 0; j < m; j++) p.m1[j] = p.m2[j] = top;
    for (int step = 0; step < MOST_STEPS; step++) {
      SP_TRY(sp_poll(ctx));
      const double gap = measure(&d, y, p.b, p.z, lambda, p.rest, p.db);
      out->steps = step;
      stalled = gap < 0.9 * least ? 0 : stalled + 1;
      if (gap < least) {
        least = gap;
        memcpy(b, p.b, sn * sizeof *b);
        for (ptrdiff_t j = 0; j < m; j++) is_knot[j] = fmax(p.m1[j], p.m2[j]) / top > (lambda - fabs(p.z[j])) / lambda;
      }
      if (least <= enough || stalled > 8 || !isfinite(gap)) break;
      advance(&d, &p, lambda);
    }
    out->gap = least;
  }
  differences(&d, b, p.db);
  for (ptrdiff_t i = 0; i < n; i++) out->objective += w[i] * (y[i] - b[i]) * (y[i] - b[i]) / 2;
  for (ptrdiff_t j = 0; j < m; j++) {
    out->objective += lambda * fabs(p.db[j]);
    out->knots += is_knot[j];
  }
done:
  sp_free(ctx, block);
  return st;
}
