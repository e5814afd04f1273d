/* A small quadratic problem twice: as the sp_qp that solvers work on, seen through a view with rows left out, centring, scaling,
 * a metric and unpenalized directions; and as plain arrays in extended precision, with its solution by other means. */
#ifndef QUADRATIC_H
#define QUADRATIC_H

#include <float.h>
#include <math.h>
#include "matrix.h"
#include "solver/qp.h"

typedef long double real;

enum { Q_NORMAL, Q_TIES, Q_COPIES, Q_SPARSE, Q_KINDS }; /* columns: independent, of few values, with copies, sparse */

typedef struct quadratic {
  int n, p, k0;
  sp_ctx ctx;
  matrix x;
  int *rows;                                  /* [n] of the design's rows */
  double *mean, *iscale, *sm, *full, *column, sum; /* of the view */
  real *Z;                                    /* [n x p] columns in the metric, projected */
  double *y;                                  /* [n] projected response */
  double *t, *k, *lo, *hi;                    /* [p] */
  sp_qp q;                                    /* working set: position j is column j */
} quadratic;

static real inner(const real *a, const real *b, int n) {
  real sum = 0;
  for (int i = 0; i < n; i++) sum += a[i] * b[i];
  return sum;
}

static double *random_full(int n, int p, int kind) {
  double *x = sp_block((size_t)n * (size_t)p, sizeof *x);
  for (int j = 0; j < p; j++) {
    const int copied = kind == Q_COPIES && j > 0 && sp_below(3) == 0, from = j > 0 ? sp_below(j) : 0;
    const double sign = sp_below(2) ? 1 : -1;
    for (int i = 0; i < n; i++) {
      double *at = x + j * n + i;
      if (copied) *at = sign * x[from * n + i];
      else if (kind == Q_TIES) *at = sp_below(3) - 1;
      else *at = kind == Q_SPARSE && sp_below(3) ? 0 : sp_normal();
    }
  }
  return x;
}

/* Z from its definition, in the present metric; call again after the metric or Q0 has changed */
static void reference_columns(quadratic *s) {
  for (int j = 0; j < s->p; j++) {
    real *z = s->Z + j * s->n;
    for (int i = 0; i < s->n; i++) {
      z[i] = s->sm[i] * ((real)cell(&s->x, s->rows[i], j) - s->mean[j]) * s->iscale[j];
    }
    for (int h = 0; h < 2 * s->k0; h++) { /* twice */
      const double *Q = s->q.Q0 + h % s->k0 * s->n;
      real d = 0;
      for (int i = 0; i < s->n; i++) d += Q[i] * z[i];
      for (int i = 0; i < s->n; i++) z[i] -= Q[i] * d;
    }
  }
}

static void random_basis(quadratic *s, int k0) {
  s->q.Q0 = sp_alloc(&s->ctx, (size_t)(k0 + 1) * (size_t)s->n, sizeof(double));
  for (int h = 0; h < k0; h++) {
    double *Q = s->q.Q0 + h * s->n, norm = 0;
    for (int i = 0; i < s->n; i++) Q[i] = h == 0 ? s->sm[i] : s->sm[i] * sp_normal();
    for (int rep = 0; rep < 3; rep++) {
      for (int l = 0; l < h; l++) {
        double d = 0;
        for (int i = 0; i < s->n; i++) d += Q[i] * s->q.Q0[l * s->n + i];
        for (int i = 0; i < s->n; i++) Q[i] -= d * s->q.Q0[l * s->n + i];
      }
    }
    for (int i = 0; i < s->n; i++) norm += Q[i] * Q[i];
    for (int i = 0; i < s->n; i++) Q[i] /= sqrt(norm);
  }
  s->k0 = s->q.k0 = k0;
}

/* All in the working set, at zero, thresholds `lambda` (times a factor each when `uneven`), ridge terms `ridge`. */
static void open_quadratic(quadratic *s, int n, int p, int k0, int kind, int csc, double lambda, double ridge,
                           int limits, int uneven) {
  memset(s, 0, sizeof *s);
  sp_ctx_init(&s->ctx);
  const int n_full = n + sp_below(3);
  const size_t sn = (size_t)n, sp = (size_t)p;
  s->n = n;
  s->p = p;
  s->x = matrix_of(n_full, p, random_full(n_full, p, kind), NULL);
  s->rows = sp_block(sn, sizeof(int));
  s->mean = sp_block(sp, sizeof(double));
  s->iscale = sp_block(sp, sizeof(double));
  s->sm = sp_block(sn, sizeof(double));
  s->full = sp_block((size_t)n_full, sizeof(double));
  s->column = sp_block((size_t)n_full, sizeof(double));
  s->Z = sp_block(sn * sp, sizeof(real));
  s->y = sp_block(sn, sizeof(double));
  s->t = sp_block(sp, sizeof(double));
  s->k = sp_block(sp, sizeof(double));
  s->lo = sp_block(sp, sizeof(double));
  s->hi = sp_block(sp, sizeof(double));
  for (int i = 0, skip = n_full - n; i < n; i++) { /* increasing, n_full - n rows left out */
    s->rows[i] = i + (n_full - n) - skip;
    while (skip > 0 && sp_below(4) == 0) {
      s->rows[i]++;
      skip--;
    }
  }
  const int plain = kind == Q_TIES || kind == Q_COPIES; /* keep ties and copies exact */
  for (int j = 0; j < p; j++) {
    s->mean[j] = plain || k0 == 0 ? 0 : 0.1 * sp_normal(); /* centring is a projection: it takes the first column of Q0 */
    s->iscale[j] = plain ? 1 : 0.5 + sp_uniform();
  }
  for (int i = 0; i < n; i++) s->sm[i] = plain ? 1 : 0.5 + sp_uniform();
  const sp_view view = {.design = csc ? &s->x.csc : &s->x.dense, .n = n, .rows = n == n_full ? NULL : s->rows, .mean = s->mean,
                        .iscale = s->iscale, .sm = s->sm, .full = s->full, .column = s->column, .K = 1, .sums = &s->sum};
  if (sp_qp_init(&s->q, &s->ctx, &view, p) != SP_OK) exit(2);
  random_basis(s, k0);
  reference_columns(s);
  sp_qp *q = &s->q;
  q->lambda = lambda;
  q->noise = 1e-15;
  q->has_ridge = ridge > 0;
  q->kappa = q->kappaP = 1;
  const int no_threshold = ridge > 0 && sp_below(4) == 0; /* alpha = 0 */
  for (int j = 0; j < p; j++) {
    int k;
    if (sp_qp_add_column(q, j, &k) != SP_OK || k != j) exit(2);
    const double factor = uneven ? 0.3 + sp_uniform() : 1;
    s->lo[j] = limits && sp_below(2) ? -0.5 * sp_uniform() * sp_below(4) : -INFINITY;
    s->hi[j] = limits && sp_below(2) ? 0.5 * sp_uniform() * sp_below(4) : INFINITY;
    /* no threshold: when limits keep a column in the active set's hands */
    const int held = limits && isfinite(s->lo[j]) && isfinite(s->hi[j]) && ridge == 0 && sp_below(4) == 0;
    s->t[j] = no_threshold || held ? 0 : lambda * factor;
    s->k[j] = ridge * factor * factor;
    q->t[j] = q->t1[j] = s->t[j];
    q->k[j] = q->k1[j] = q->kv[j] = s->k[j];
    q->vs[j] = s->t[j] > 0 ? factor : 1;
    q->lo[j] = s->lo[j];
    q->hi[j] = s->hi[j];
    q->ref[j] = -1;
  }
  for (int i = 0; i < n; i++) s->y[i] = kind == Q_TIES ? sp_below(7) - 3 : sp_normal();
  sp_qp_project(q, s->y);
  memcpy(q->r, s->y, sn * sizeof(double));
}

static void close_quadratic(quadratic *s) {
  sp_qp_free(&s->q);
  SP_CHECK(s->ctx.n_live == 0, "%ld blocks leaked", s->ctx.n_live);
  free_matrix(&s->x);
  void *all[] = {s->rows, s->mean, s->iscale, s->sm, s->full, s->column, s->Z, s->y, s->t, s->k, s->lo, s->hi};
  for (size_t i = 0; i < sizeof all / sizeof *all; i++) free(all[i]);
}

/* the column at position k of the working set */
SPUNIT_MAYBE static const real *reference_column(const quadratic *s, int k) { return s->Z + s->q.W[k] * s->n; }

#endif
