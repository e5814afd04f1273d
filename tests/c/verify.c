#include "verify.h"

#include <float.h>
#include <math.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef long double real;

struct verify {
  verify_data data;
  int n, p;        /* rows that count, columns */
  real *z;         /* [n x p] centred (with an intercept) and scaled columns */
  real *y, *o, *w; /* [n] */
  real *mean, *s;  /* [p] */
  char *out;       /* [p] constant or left out */
  real centre;     /* gaussian: y has o and this taken off, so that a large mean costs no digits */
  real sy, null, saturated, lambda_max;
};

static void *block(int count, size_t size) {
  void *b = calloc(count > 0 ? (size_t)count : 1, size);
  if (b == NULL) {
    printf("out of memory in a test\n");
    exit(2);
  }
  return b;
}

/* ---- the loss ------------------------------------------------------------------------------------ */

static real mean_of(const verify *v, real eta) { return v->data.binomial ? 1 / (1 + expl(-eta)) : eta; }
static real curvature(const verify *v, real eta) { return v->data.binomial ? 1 / ((1 + expl(-eta)) * (1 + expl(eta))) : 1; }

static real loss(const verify *v, const real *eta) {
  real f = 0;
  for (int i = 0; i < v->n; i++) {
    const real e = eta[i], y = v->y[i];
    /* without cancellation for y on the right side of a large eta */
    const real up = (e < 0 ? -e : 0) + log1pl(expl(-fabsl(e))), down = (e > 0 ? e : 0) + log1pl(expl(-fabsl(e)));
    f += v->w[i] * (v->data.binomial ? y * up + (1 - y) * down : (y - e) * (y - e) / 2);
  }
  return f;
}

static real xlogx(real x) { return x > 0 ? x * logl(x) : 0; }

/* sum_i w_i l*(y_i, -u_i) of the conjugate at minus u */
static real conjugate(const verify *v, const real *u) {
  real f = 0;
  for (int i = 0; i < v->n; i++) {
    const real q = v->y[i] - u[i];
    f += v->w[i] * (v->data.binomial ? xlogx(q) + xlogx(1 - q) : u[i] * u[i] / 2 - u[i] * v->y[i]);
  }
  return f;
}

/* ---- unpenalized coefficients -------------------------------------------------------------------- */

/* A x = b for a positive semidefinite A [m x m], destroyed; directions without curvature get 0 */
static void solve(int m, real *A, real *b) {
  char *dead = block(m, 1);
  real *scale = block(m, sizeof *scale);
  for (int c = 0; c < m; c++) scale[c] = A[c * m + c];
  for (int c = 0; c < m; c++) {
    dead[c] = !(A[c * m + c] > 1e-13L * scale[c]);
    if (dead[c]) continue;
    for (int r = c + 1; r < m; r++) {
      const real f = A[c * m + r] / A[c * m + c];
      for (int k = c; k < m; k++) A[k * m + r] -= f * A[k * m + c];
      b[r] -= f * b[c];
    }
  }
  for (int c = m - 1; c >= 0; c--) {
    for (int k = c + 1; k < m; k++) b[c] -= A[k * m + c] * b[k];
    b[c] = dead[c] ? 0 : b[c] / A[c * m + c];
  }
  free(dead);
  free(scale);
}

static const real *direction(const verify *v, int j) { return v->z + (ptrdiff_t)j * v->n; }

/* eta moves to the minimum of the loss over the span of the intercept and the m columns `free_columns`: Newton's method with halving */
static void profile(const verify *v, const int *free_columns, int m, real *eta) {
  const int n = v->n, k = m + (v->data.intercept != 0);
  real *H = block(k * k, sizeof *H), *g = block(k, sizeof *g), *step = block(n, sizeof *step), *to = block(n, sizeof *to);
  real f = loss(v, eta), last = INFINITY;
  for (int it = 0; k > 0 && it < 200; it++) {
    memset(H, 0, (size_t)(k * k) * sizeof *H);
    memset(g, 0, (size_t)k * sizeof *g);
    for (int i = 0; i < n; i++) {
      const real r = v->w[i] * (v->y[i] - mean_of(v, eta[i])), h = v->w[i] * curvature(v, eta[i]);
      for (int a = 0; a < k; a++) {
        const real za = a < m ? direction(v, free_columns[a])[i] : 1;
        g[a] += za * r;
        for (int b = 0; b < k; b++) H[b * k + a] += za * h * (b < m ? direction(v, free_columns[b])[i] : 1);
      }
    }
    real largest = 0, taken = 1;
    for (int a = 0; a < k; a++) largest = fmaxl(largest, fabsl(g[a]));
    solve(k, H, g);
    for (int i = 0; i < n; i++) {
      step[i] = 0;
      for (int a = 0; a < k; a++) step[i] += g[a] * (a < m ? direction(v, free_columns[a])[i] : 1);
    }
    for (; taken > 1e-10L; taken /= 2) {
      for (int i = 0; i < n; i++) to[i] = eta[i] + taken * step[i];
      if (loss(v, to) <= f + 1e-16L * f + 1e-18L) break;
    }
    if (taken <= 1e-10L) break;
    memcpy(eta, to, (size_t)n * sizeof *eta);
    f = loss(v, eta);
    if (largest < 1e-12L && largest >= last / 2) break; /* down to rounding */
    last = largest;
  }
  free(H);
  free(g);
  free(step);
  free(to);
}

/* ---- the problem --------------------------------------------------------------------------------- */

static void standardize(verify *v, const int *rows) {
  for (int j = 0; j < v->p; j++) {
    const double *x = v->data.x + (ptrdiff_t)j * v->data.n;
    real *z = v->z + (ptrdiff_t)j * v->n, mean = 0, var = 0;
    int constant = 1;
    for (int i = 0; i < v->n; i++) mean += v->w[i] * x[rows[i]];
    for (int i = 0; i < v->n; i++) {
      var += v->w[i] * (x[rows[i]] - mean) * (x[rows[i]] - mean);
      constant &= x[rows[i]] == x[rows[0]];
    }
    v->out[j] = (char)(constant || isinf(v->data.v[j]));
    v->mean[j] = v->data.intercept ? mean : 0;
    v->s[j] = v->data.standardize && !constant ? sqrtl(var) : 1;
    for (int i = 0; i < v->n; i++) z[i] = v->out[j] ? 0 : (x[rows[i]] - v->mean[j]) / v->s[j];
  }
}

static real penalty_factor(const verify *v, int j) { return v->data.v[j]; }
static real lower(const verify *v, int j) { return v->data.lower != NULL ? v->data.lower[j] * v->s[j] : -INFINITY; }
static real upper(const verify *v, int j) { return v->data.upper != NULL ? v->data.upper[j] * v->s[j] : INFINITY; }
static real ridge(const verify *v, real lambda, int j) {
  return v->sy > 0 ? lambda * (1 - v->data.alpha) * penalty_factor(v, j) / v->sy : 0;
}

/* columns that nothing holds: neither penalty nor limits */
static int find_free(const verify *v, real lambda, int *columns) {
  int m = 0;
  for (int j = 0; j < v->p; j++) {
    if (!v->out[j] && lambda * penalty_factor(v, j) == 0 && isinf(lower(v, j)) && isinf(upper(v, j))) columns[m++] = j;
  }
  return m;
}

static real correlation(const verify *v, int j, const real *residual) {
  real c = 0;
  for (int i = 0; i < v->n; i++) c += v->w[i] * direction(v, j)[i] * residual[i];
  return c;
}

static void residual_of(const verify *v, const real *eta, real *r) {
  for (int i = 0; i < v->n; i++) r[i] = v->y[i] - mean_of(v, eta[i]);
}

verify *verify_open(const verify_data *data) {
  verify *v = block(1, sizeof *v);
  int *rows = block(data->n, sizeof *rows), *columns = block(data->p, sizeof *columns);
  real total = 0;
  v->data = *data;
  v->p = data->p;
  for (int i = 0; i < data->n; i++) {
    if (data->w[i] > 0) rows[v->n++] = i;
    if (data->w[i] > 0) total += data->w[i];
  }
  v->z = block(v->n * v->p, sizeof(real));
  v->y = block(v->n, sizeof(real));
  v->o = block(v->n, sizeof(real));
  v->w = block(v->n, sizeof(real));
  v->mean = block(v->p, sizeof(real));
  v->s = block(v->p, sizeof(real));
  v->out = block(v->p, 1);
  for (int i = 0; i < v->n; i++) {
    v->y[i] = data->y[rows[i]];
    v->o[i] = data->o != NULL ? data->o[rows[i]] : 0;
    v->w[i] = data->w[rows[i]] / total;
    if (data->intercept && !data->binomial) v->centre += v->w[i] * (v->y[i] - v->o[i]);
    v->saturated -= data->binomial ? v->w[i] * (xlogx(v->y[i]) + xlogx(1 - v->y[i])) : 0;
  }
  standardize(v, rows);
  for (int i = 0; i < v->n && !data->binomial; i++) {
    v->y[i] -= v->o[i] + v->centre;
    v->o[i] = 0;
    v->sy += v->w[i] * v->y[i] * v->y[i];
  }
  v->sy = data->binomial ? 1 : sqrtl(v->sy);
  real *eta = block(v->n, sizeof *eta), *r = block(v->n, sizeof *r);
  memcpy(eta, v->o, (size_t)v->n * sizeof *eta);
  profile(v, NULL, 0, eta);
  v->null = loss(v, eta);
  profile(v, columns, find_free(v, 1, columns), eta);
  residual_of(v, eta, r);
  for (int j = 0; j < v->p; j++) {
    if (v->out[j] || penalty_factor(v, j) == 0) continue;
    v->lambda_max = fmaxl(v->lambda_max, fabsl(correlation(v, j, r)) / penalty_factor(v, j) / fmaxl(data->alpha, 1e-3L));
  }
  free(eta);
  free(r);
  free(rows);
  free(columns);
  return v;
}

void verify_close(verify *v) {
  free(v->z);
  free(v->y);
  free(v->o);
  free(v->w);
  free(v->mean);
  free(v->s);
  free(v->out);
  free(v);
}

double verify_null(const verify *v) { return (double)v->null; }
double verify_saturated(const verify *v) { return (double)v->saturated; }
double verify_lambda_max(const verify *v) { return (double)v->lambda_max; }

/* ---- one solution -------------------------------------------------------------------------------- */

/* max over lo <= b <= hi of c b - t |b| - k b^2 / 2; INFINITY outside the domain */
static real penalty_conjugate(real c, real t, real k, real lo, real hi) {
  const real over = c > t ? c - t : c < -t ? c + t : 0;
  if (over == 0) return 0;
  real b = k > 0 ? over / k : over > 0 ? INFINITY : -INFINITY;
  b = fminl(fmaxl(b, lo), hi);
  return isinf(b) ? INFINITY : over * b - k * b * b / 2;
}

/* P - D with the dual point s (y - mu) at the profiled eta, orthogonal to all that is unpenalized; s as large as feasible */
static real duality_gap(const verify *v, real lambda, real primal, const real *eta) {
  const int n = v->n;
  int *columns = block(v->p, sizeof *columns);
  char *is_free = block(v->p, 1);
  real *best = block(n, sizeof *best), *u = block(n, sizeof *u), *c = block(v->p, sizeof *c), scale = 1, dual = 0;
  const int m = find_free(v, lambda, columns);
  for (int a = 0; a < m; a++) is_free[columns[a]] = 1;
  memcpy(best, eta, (size_t)n * sizeof *best);
  profile(v, columns, m, best);
  residual_of(v, best, u);
  for (int j = 0; j < v->p; j++) {
    const real t = lambda * v->data.alpha * penalty_factor(v, j);
    if (v->out[j] || is_free[j]) continue;
    c[j] = correlation(v, j, u);
    if (ridge(v, lambda, j) > 0 || fabsl(c[j]) <= t || !isinf(c[j] > 0 ? upper(v, j) : lower(v, j))) continue;
    scale = fminl(scale, t / fabsl(c[j]));
  }
  for (int i = 0; i < n; i++) u[i] *= scale;
  dual = -conjugate(v, u);
  for (int i = 0; i < n; i++) dual -= v->w[i] * u[i] * v->o[i];
  for (int j = 0; j < v->p; j++) {
    const real t = lambda * v->data.alpha * penalty_factor(v, j), cut = scale * c[j] * (1 - 4 * LDBL_EPSILON);
    if (!v->out[j] && !is_free[j]) dual -= penalty_conjugate(cut, t, ridge(v, lambda, j), lower(v, j), upper(v, j));
  }
  free(columns);
  free(is_free);
  free(best);
  free(u);
  free(c);
  return scale > 0 && !isinf(dual) ? primal - dual : NAN;
}

verdict verify_solution(const verify *v, double lambda_, double b0, const double *reported) {
  const int n = v->n;
  const real lambda = lambda_;
  verdict d = {0};
  real *eta = block(n, sizeof *eta), *r = block(n, sizeof *r), *b = block(v->p, sizeof *b), shift = b0 - v->centre, penalty = 0;
  for (int j = 0; j < v->p; j++) {
    b[j] = reported[j] * v->s[j];
    shift += reported[j] * v->mean[j];
    d.df += reported[j] != 0;
    if (v->out[j] && reported[j] != 0) d.outside = INFINITY;
    d.outside = fmax(d.outside, (double)fmaxl(b[j] - upper(v, j), lower(v, j) - b[j]));
  }
  for (int i = 0; i < n; i++) {
    eta[i] = v->o[i] + shift;
    for (int j = 0; j < v->p; j++) eta[i] += direction(v, j)[i] * b[j];
  }
  for (int j = 0; j < v->p; j++) {
    if (v->out[j]) continue;
    penalty += lambda * v->data.alpha * penalty_factor(v, j) * fabsl(b[j]) + ridge(v, lambda, j) / 2 * b[j] * b[j];
  }
  residual_of(v, eta, r);
  real worst = 0;
  for (int j = 0; j < v->p; j++) {
    if (v->out[j]) continue;
    const real t = lambda * v->data.alpha * penalty_factor(v, j), c = correlation(v, j, r) - ridge(v, lambda, j) * b[j];
    const real room = 1e-12L * fabsl(b[j]); /* a limit that was scaled and scaled back */
    const real up = b[j] >= upper(v, j) - room ? 0 : c - (b[j] >= 0 ? t : -t);
    const real down = b[j] <= lower(v, j) + room ? 0 : -c - (b[j] <= 0 ? t : -t);
    worst = fmaxl(worst, fmaxl(up, down));
  }
  d.kkt = (double)(worst / (lambda > 0 ? lambda : v->lambda_max > 0 ? v->lambda_max : 1));
  real score = 0;
  for (int i = 0; i < n; i++) score += v->w[i] * r[i];
  d.score = v->data.intercept && v->sy > 0 ? (double)(fabsl(score) / v->sy) : 0;
  const real f = loss(v, eta);
  d.loss = (double)f;
  d.objective = (double)(f + penalty);
  d.gap = (double)(duality_gap(v, lambda, f + penalty, eta) / (v->null > 0 ? v->null : 1));
  free(eta);
  free(r);
  free(b);
  return d;
}
