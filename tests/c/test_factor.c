/* What the direct solvers stand on: views, the maintained factor of the active set, correlations by bound. */
#include "quadratic.h"
#include "solver/reach.h"

static double entry(const quadratic *s, int i, int j) { /* of XA, by definition */
  return (double)reference_column(s, s->q.A[j])[i];
}

/* H_ij = (XA'XA + K)_ij by definition */
static real gram(const quadratic *s, int i, int j) {
  const int a = s->q.A[i], b = s->q.A[j];
  return inner(reference_column(s, a), reference_column(s, b), s->n) + (i == j ? s->q.k[a] : 0);
}

/* units of rounding that P'P may be off: it grows with the coefficients of one active column in terms of the others */
static const double room = 1e4;

/* bookkeeping, columns, and P'P = XA'XA + K */
static void check_factor(const quadratic *s, const char *after) {
  const sp_qp *q = &s->q;
  int free_columns = 0;
  double worst = 0;
  for (int k = 0; k < q->nW; k++) {
    free_columns += q->st[k] == SP_FREE;
    SP_CHECK((q->st[k] == SP_FREE) == (q->ia[k] >= 0), "%s: position %d", after, k);
    SP_CHECK(q->ia[k] < 0 || q->A[q->ia[k]] == k, "%s: slot of position %d", after, k);
    SP_CHECK(q->pos[q->W[k]] == k, "%s: column %d", after, q->W[k]);
  }
  SP_CHECK(free_columns == q->a, "%s: %d free, %d slots", after, free_columns, q->a);
  for (int j = 0; j < q->a; j++) {
    double off = 0, norm = 0;
    for (int i = 0; i < s->n; i++) {
      off = fmax(off, fabs(q->XA[(ptrdiff_t)j * s->n + i] - entry(s, i, j)));
      norm += entry(s, i, j) * entry(s, i, j);
    }
    SP_CHECK(off <= 1e-14 * (1 + sqrt(norm)), "%s: column %d of the active set: off by %g", after, j, off);
    SP_CHECK(fabs(q->nx[j] - norm) <= 1e-13 * norm, "%s: norm %g not %g", after, q->nx[j], norm);
    for (int i = 0; i <= j; i++) {
      real pp = 0;
      for (int h = 0; h <= i; h++) pp += (real)q->P[(ptrdiff_t)i * q->L + h] * q->P[(ptrdiff_t)j * q->L + h];
      const real unit = DBL_EPSILON * sqrtl(gram(s, i, i) * gram(s, j, j));
      worst = fmax(worst, (double)(fabsl(pp - gram(s, i, j)) / unit));
    }
  }
  SP_CHECK(worst <= room, "%s: P'P is off by %g units of rounding, a = %d", after, worst, q->a);
}

/* H x = rhs through the factor: backward stable */
static void check_solve(quadratic *s) {
  sp_qp *q = &s->q;
  double *x = sp_normals((size_t)q->a), *rhs = sp_block((size_t)q->a, sizeof *rhs);
  memcpy(rhs, x, (size_t)q->a * sizeof *x);
  sp_factor_solve(q, x);
  for (int i = 0; i < q->a; i++) {
    real sum = 0, size = fabs(rhs[i]);
    for (int j = 0; j < q->a; j++) {
      sum += gram(s, i, j) * x[j];
      size += sqrtl(gram(s, i, i) * gram(s, j, j)) * fabs(x[j]);
    }
    SP_CHECK(fabsl(sum - rhs[i]) <= 200 * DBL_EPSILON * size, "solve, a = %d: residual %g of %g", q->a,
             (double)(sum - rhs[i]), (double)size);
  }
  free(x);
  free(rhs);
}

static int random_zero(const sp_qp *q) {
  int k = sp_below(q->nW);
  for (int tries = 0; tries < q->nW && q->st[k] != SP_ZERO; tries++) k = (k + 1) % q->nW;
  return q->st[k] == SP_ZERO ? k : -1;
}

/* distance of position k's column from the span of the active ones, relative to its norm, by orthogonalization in long double */
static double independence(const quadratic *s, int k) {
  const sp_qp *q = &s->q;
  real *basis = sp_block((size_t)(q->a + 1) * (size_t)s->n, sizeof *basis);
  double left = 0;
  for (int c = 0; c <= q->a; c++) {
    const real *z = reference_column(s, c < q->a ? q->A[c] : k);
    real *v = basis + c * s->n;
    memcpy(v, z, (size_t)s->n * sizeof *v);
    const real before = sqrtl(inner(v, v, s->n));
    if (c == q->a && before < 1e-12L) left = 0; /* in the span of Q0 */
    if (c == q->a && before < 1e-12L) break;
    for (int rep = 0; rep < 2; rep++) {
      for (int h = 0; h < c; h++) {
        const real d = inner(basis + h * s->n, v, s->n);
        for (int i = 0; i < s->n; i++) v[i] -= d * basis[h * s->n + i];
      }
    }
    const real after = sqrtl(inner(v, v, s->n));
    left = before > 0 ? (double)(after / before) : 0;
    for (int i = 0; i < s->n; i++) v[i] = after > 1e-12L * before ? v[i] / after : 0;
  }
  free(basis);
  return left;
}

static void add_one(quadratic *s) {
  sp_qp *q = &s->q;
  const int k = random_zero(q), a = q->a;
  int dependent;
  if (k < 0) return;
  const double left = independence(s, k);
  const int fits = q->has_ridge || a < s->n - s->k0;
  if (sp_factor_add(q, k, 1, &dependent) != SP_OK) exit(2);
  SP_CHECK(q->a == a + !dependent, "%d columns after adding to %d", q->a, a);
  if (q->has_ridge && left > 1e-8) SP_CHECK(!dependent, "refused at %g with a ridge term", left);
  if (!q->has_ridge) {
    SP_CHECK(dependent || left > 1e-6, "accepted at %g, a = %d", left, a);
    SP_CHECK(!dependent || left < 1e-3 || !fits, "refused at %g, a = %d", left, a);
  }
  if (dependent == 1 && fits && left < 1e-9) { /* w is the combination */
    for (int i = 0; i < s->n; i++) {
      real sum = 0, size = 0;
      for (int h = 0; h < a; h++) {
        sum += q->w[h] * (real)entry(s, i, h);
        size += fabs(q->w[h] * entry(s, i, h));
      }
      SP_CHECK(fabsl(sum - reference_column(s, k)[i]) <= 1e-9L * (1 + size), "combination of a dependent column");
    }
  }
  check_factor(s, "add");
}

static void add_block(quadratic *s) {
  sp_qp *q = &s->q;
  int ks[6], m = 0, refused;
  double signs[6];
  for (int tries = 0; tries < 12 && m < 6; tries++) {
    const int k = random_zero(q);
    int seen = k < 0;
    for (int e = 0; e < m; e++) seen |= ks[e] == k;
    if (seen) continue;
    ks[m] = k;
    signs[m++] = sp_below(2) ? 1 : -1;
  }
  const int a = q->a;
  if (m == 0) return;
  if (sp_factor_add_block(q, ks, signs, m, &refused) != SP_OK) exit(2);
  SP_CHECK(q->a == (refused ? a : a + m), "%d columns after a block of %d to %d", q->a, m, a);
  for (int e = 0; !refused && e < m; e++) SP_CHECK(q->s[ks[e]] == signs[e], "sign of position %d", ks[e]);
  check_factor(s, refused ? "refused block" : "block");
}

static void drop_one(quadratic *s) {
  sp_qp *q = &s->q;
  if (q->a == 0) return;
  const int slot = sp_below(q->a), k = q->A[slot], state = sp_below(3) == 0 ? SP_HI : SP_ZERO;
  sp_factor_drop(q, slot, state);
  SP_CHECK(q->st[k] == state && q->ia[k] == -1, "dropped position %d", k);
  q->st[k] = SP_ZERO;
  check_factor(s, "drop");
}

/* forget some columns at zero: positions move, columns and factor do not */
static void compact(quadratic *s) {
  sp_qp *q = &s->q;
  char *drop = sp_block((size_t)q->nW, 1);
  for (int k = 0; k < q->nW; k++) drop[k] = sp_below(4) == 0;
  const int before = q->nW;
  int gone = 0;
  for (int k = 0; k < q->nW; k++) gone += drop[k] && q->st[k] == SP_ZERO;
  sp_qp_compact(q, drop);
  free(drop);
  SP_CHECK(q->nW == before - gone, "%d of %d left", q->nW, before);
  for (int i = 0; i < q->a; i++) SP_CHECK(q->ia[q->A[i]] == i && q->pos[q->W[q->A[i]]] == q->A[i], "slot %d", i);
  for (int j = 0; j < s->p; j++) { /* back in, at other positions */
    int k;
    if (sp_qp_add_column(q, j, &k) != SP_OK) exit(2);
    SP_CHECK(q->W[k] == j && q->pos[j] == k, "column %d at %d", j, k);
    q->k[k] = s->k[j];
    q->t[k] = s->t[j];
    q->vs[k] = 1;
    q->lo[k] = s->lo[j];
    q->hi[k] = s->hi[j];
  }
}

static void change_metric(quadratic *s) {
  int failed;
  for (int i = 0; i < s->n; i++) s->sm[i] *= 0.7 + 0.6 * sp_uniform();
  reference_columns(s);
  if (sp_factor_reload(&s->q, &failed) != SP_OK) exit(2);
  SP_CHECK(!failed, "reload of %d columns", s->q.a);
  check_factor(s, "reload");
}

/* the ridge terms have moved: the old factor is a preconditioner, or is made anew */
static void stale_solve(quadratic *s) {
  sp_qp *q = &s->q;
  int trouble;
  if (!q->has_ridge || q->a == 0) return;
  const double by = 0.75 + 0.5 * sp_uniform();
  for (int k = 0; k < q->nW; k++) s->k[q->W[k]] = q->k[k] *= by;
  q->stale = 1 + sp_below(2);
  double *rhs = sp_normals((size_t)q->a), largest = 0;
  for (int i = 0; i < q->a; i++) largest = fmax(largest, fabs(rhs[i]));
  if (sp_qp_solve_active(q, rhs, &trouble) != SP_OK) exit(2);
  for (int i = 0; i < q->a; i++) {
    real sum = 0, size = largest;
    for (int j = 0; j < q->a; j++) {
      sum += gram(s, i, j) * q->d[j];
      size += fabsl(gram(s, i, j) * q->d[j]);
    }
    SP_CHECK(!trouble && fabsl(sum - rhs[i]) <= 1e-12L * size, "stale factor, residual %g of %g", (double)(sum - rhs[i]),
             (double)size);
  }
  for (int i = 0; i < s->n; i++) {
    real sum = 0;
    for (int j = 0; j < q->a; j++) sum += entry(s, i, j) * (real)q->d[j];
    SP_CHECK(fabsl(sum - q->u[i]) <= 1e-11L * (1 + fabsl(sum)), "u = XA d");
  }
  free(rhs);
  if (sp_factor_rebuild(q, &trouble) != SP_OK) exit(2);
  SP_CHECK(!trouble && q->stale == 0, "rebuild");
  check_factor(s, "rebuild");
}

static void test_sequences(void) {
  for (int trial = 0; trial < 48; trial++) {
    quadratic s;
    const int kind = trial % Q_KINDS, n = kind == Q_TIES ? 24 : 6 + sp_below(20), p = 8 + sp_below(30);
    open_quadratic(&s, n, p, sp_below(3), kind, trial % 2, 0.1, trial / 2 % 2 ? 0.05 : 0, 0, 1);
    for (int step = 0; step < 120; step++) {
      switch (sp_below(9)) {
        case 0: case 1: case 2: add_one(&s); break;
        case 3: add_block(&s); break;
        case 4: case 5: case 6: drop_one(&s); break;
        case 7: compact(&s); break;
        default:
          if (sp_below(2)) stale_solve(&s);
          else if (!s.k0) change_metric(&s); /* Q0 belongs to a metric */
      }
      check_solve(&s);
    }
    close_quadratic(&s);
  }
}

/* nearly dependent columns: the factor is dropped and added to down to the smallest pivots without losing P'P = H */
static void test_ill_conditioned(void) {
  for (int trial = 0; trial < 20; trial++) {
    quadratic s;
    open_quadratic(&s, 30, 12, 1, Q_NORMAL, 0, 0.1, trial % 2 ? 1e-9 : 0, 0, 0);
    for (int j = 1; j < 12; j += 2) { /* pairs that differ by little */
      double *x = (double *)s.x.full + j * s.x.n;
      for (int i = 0; i < s.x.n; i++) x[i] = x[i - s.x.n] + 1e-3 * pow(10, -(trial % 3) / 2.0) * x[i];
      s.mean[j] = s.mean[j - 1];
      s.iscale[j] = s.iscale[j - 1];
    }
    reference_columns(&s);
    for (int step = 0; step < 60; step++) {
      if (s.q.a < 2 || sp_below(2)) add_one(&s);
      else drop_one(&s);
    }
    close_quadratic(&s);
  }
}

/* views: column, products, sums, scatter are one and the same z_j, also when |mean| / sd is large */
static void test_views(void) {
  for (int trial = 0; trial < 60; trial++) {
    quadratic s;
    open_quadratic(&s, 5 + sp_below(30), 3 + sp_below(10), 0, Q_NORMAL, trial % 2, 0.1, 0, 0, 0);
    const double far = trial % 3 == 0 ? 1e6 : trial % 3 == 1 ? 3e2 : 0; /* beyond and below where centring changes its way */
    const int n = s.n, p = s.p;
    for (int j = 0; j < p; j++) {
      s.mean[j] += far;
      for (int i = 0; i < s.x.n; i++) s.x.full[j * s.x.n + i] += far;
    }
    for (int e = 0; e < s.x.ptr[p]; e++) s.x.values[e] += far;
    reference_columns(&s);
    const sp_view *v = &s.q.view;
    SP_CHECK(sp_view_shifted(v, 0) == (far == 1e6), "shifted");
    double *r = sp_normals((size_t)n), *out = sp_block((size_t)p, sizeof(double)), *z = sp_block((size_t)n, sizeof(double));
    double *coef = sp_normals((size_t)p), *work = sp_block((size_t)p, sizeof(double));
    int *idx = sp_block((size_t)p, sizeof(int)), *iwork = sp_block((size_t)p, sizeof(int));
    const double u = DBL_EPSILON * (far > 0 && far < 1e5 ? far : 1) * 50;
    for (int a = 0; a < p; a++) idx[a] = sp_below(p);
    coef[0] = 0;
    sp_view_dot(v, idx, p, r, out);
    double *y = sp_normals((size_t)n), *start = sp_block((size_t)n, sizeof(double));
    memcpy(start, y, (size_t)n * sizeof *y);
    sp_view_axpy(v, idx, p, coef, y, work, iwork);
    for (int a = 0; a < p; a++) {
      real dot = 0;
      sp_view_column(v, idx[a], z);
      for (int i = 0; i < n; i++) {
        const real want = s.Z[idx[a] * n + i];
        dot += want * r[i];
        /* x - mean is exact to the rounding of its entries, whatever the mean */
        SP_CHECK(fabsl(z[i] - want) <= 8 * DBL_EPSILON * fabsl(want), "column %d: %.17g not %.17Lg", idx[a], z[i], want);
      }
      SP_CHECK(fabsl(out[a] - dot) <= u * n * 5, "product with column %d, mean %g: %g not %g", idx[a], far, out[a],
               (double)dot);
    }
    for (int i = 0; i < n; i++) {
      real want = start[i];
      for (int a = 0; a < p; a++) want += coef[a] * s.Z[idx[a] * n + i];
      SP_CHECK(fabsl(y[i] - want) <= u * p * 5, "sum of columns, mean %g: %g not %g", far, y[i], (double)want);
    }
    real total = 0;
    double sum;
    sp_view_scatter(v, r, s.full, &sum);
    for (int i = 0; i < n; i++) {
      SP_CHECK(s.full[s.rows[i]] == s.sm[i] * r[i], "scatter of row %d", i);
      total += s.full[s.rows[i]];
    }
    SP_CHECK(fabsl(sum - total) <= 1e-14L * n, "sum of a scatter");
    void *all[] = {r, out, z, coef, work, idx, iwork, y, start};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) free(all[i]);
    close_quadratic(&s);
  }
}

/* correlations by bound: formed exactly, or shown to lie below the threshold */
static void test_reach(void) {
  int skipped = 0, total = 0;
  for (int trial = 0; trial < 30; trial++) {
    quadratic s;
    sp_model m;
    const int n = 10 + sp_below(30), p = 20 + sp_below(60);
    memset(&m, 0, sizeof m);
    open_quadratic(&s, n, p, 0, trial % 2 ? Q_NORMAL : Q_SPARSE, trial % 2, 0.3, 0, 0, 1);
    for (int i = 0; i < n; i++) s.sm[i] = 1;
    for (int j = 0; j < p; j++) { /* unit columns: what the bound is for */
      s.mean[j] = 0;
      s.iscale[j] = 1;
    }
    reference_columns(&s);
    for (int j = 0; j < p; j++) s.iscale[j] = 1 / (double)sqrtl(fmaxl(1e-30L, inner(s.Z + j * n, s.Z + j * n, n)));
    reference_columns(&s);
    m.ctx = &s.ctx;
    m.qp = s.q;
    sp_reach_reset(&m);
    for (int step = 0; step < 60; step++) {
      const double change = pow(10, -3 * sp_uniform()), shrink = 0.9 + 0.15 * sp_uniform();
      int dependent;
      for (int i = 0; i < n; i++) m.qp.r[i] = shrink * m.qp.r[i] + 0.1 * change * sp_normal();
      if (step % 10 == 3 && m.qp.a < 4) {
        const int k = random_zero(&m.qp);
        if (k >= 0 && sp_factor_add(&m.qp, k, 1, &dependent) != SP_OK) exit(2);
      }
      for (int k = 0; k < p; k++) m.qp.t[k] = s.t[k] * (1 + step % 7);
      if (sp_reach_correlations(&m, m.qp.r, n) != SP_OK) exit(2);
      for (int k = 0; k < p; k++) {
        real c = 0;
        for (int i = 0; i < n; i++) c += s.Z[k * n + i] * m.qp.r[i];
        const int exact = fabsl(c - m.qp.c[k]) <= 1e-13L * (1 + fabsl(c));
        total++;
        skipped += !exact;
        SP_CHECK(exact || (m.qp.st[k] == SP_ZERO && fabsl(c) <= m.qp.t[k] && fabs(m.qp.c[k]) <= m.qp.t[k]),
                 "step %d, column %d: %g stands for %g, threshold %g", step, k, m.qp.c[k], (double)c, m.qp.t[k]);
      }
    }
    sp_free(&s.ctx, m.refs);
    s.q = m.qp;
    close_quadratic(&s);
  }
  SP_CHECK(skipped > total / 20, "the bound settled %d of %d", skipped, total);
}

int main(void) {
  test_views();
  test_sequences();
  test_ill_conditioned();
  test_reach();
  return spunit_end("test_factor");
}
