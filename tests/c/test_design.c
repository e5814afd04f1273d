/* Laws of a design: every operation of every storage equals a naive reference on the same matrix. */
#include <float.h>
#include <math.h>
#include "base/vec.h"
#include "matrix.h"

/* density: chance of an entry; some columns are empty, some full, some entries are stored zeros */
static matrix random_matrix(int n, int p, double density) {
  const size_t cells = (size_t)n * (size_t)p;
  double *full = sp_block(cells, sizeof(double));
  char *stored = sp_block(cells, 1);
  for (int j = 0; j < p; j++) {
    int kind = sp_below(8);
    double chance = kind == 0 ? 0.0 : kind == 1 ? 1.0 : density;
    for (int i = 0; i < n; i++) {
      size_t k = (size_t)j * (size_t)n + (size_t)i;
      if (sp_uniform() >= chance) continue;
      stored[k] = 1;
      full[k] = sp_below(12) == 0 ? 0.0 : sp_normal() + 5.0 * (kind == 2);
    }
  }
  matrix a = matrix_of(n, p, full, stored);
  free(stored);
  return a;
}

static int *random_columns(int m, int p) {
  int *idx = sp_block((size_t)m, sizeof *idx);
  for (int a = 0; a < m; a++) idx[a] = sp_below(p);
  return idx;
}

static const double canary = -777.25;

static void check_dot(const matrix *x, const sp_design *d, const int *idx, int j0, int m, int q) {
  const int n = x->n, ldr = n + sp_below(3), ldo = q + sp_below(3);
  double *R = sp_normals((size_t)ldr * (size_t)q), *out = sp_block((size_t)m * (size_t)ldo, sizeof *out);
  double *one = sp_block((size_t)q + 1, sizeof *one);
  for (int k = 0; k < m * ldo; k++) out[k] = canary;
  d->ops->cols_dot(d, idx, j0, m, R, ldr, q, out, ldo);
  for (int a = 0; a < m; a++) {
    const int j = idx == NULL ? j0 + a : idx[a];
    /* order contract: one column and one right-hand side alone give the same bits */
    int h0 = q > 0 ? sp_below(q) : 0;
    if (q > 0) {
      d->ops->cols_dot(d, &j, 0, 1, R + (ptrdiff_t)h0 * ldr, ldr, 1, one, 1);
      SP_CHECK(sp_same_bits(one, &out[a * ldo + h0], 1), "%s n = %d m = %d q = %d: order", d->ops->name, n,
               m, q);
    }
    for (int h = 0; h < q; h++) {
      long double s = 0.0L;
      double bound = 0.0;
      for (int i = 0; i < n; i++) {
        double t = R[(size_t)h * (size_t)ldr + (size_t)i];
        s += (long double)cell(x, i, j) * t;
        bound += fabs(cell(x, i, j) * t);
      }
      SP_CHECK(fabs(out[a * ldo + h] - (double)s) <= (n + 3) * DBL_EPSILON * bound,
               "%s cols_dot n = %d j = %d q = %d h = %d: %g not %g", d->ops->name, n, j, q, h,
    out[a * ldo + h], (double)s);
    }
    for (int h = q; h < ldo; h++) SP_CHECK(out[a * ldo + h] == canary, "%s writes beyond q = %d",
                                           d->ops->name, q);
  }
  free(R);
  free(out);
  free(one);
}

static void check_axpy(const matrix *x, const sp_design *d, int m) {
  const int n = x->n;
  int *idx = random_columns(m, x->p);
  double *coef = sp_normals((size_t)m), *y = sp_normals((size_t)n);
  double *start = sp_block((size_t)n, sizeof *start);
  memcpy(start, y, (size_t)n * sizeof *y);
  d->ops->cols_axpy(d, idx, m, coef, y);
  for (int i = 0; i < n; i++) {
    long double s = start[i];
    double bound = fabs(start[i]);
    for (int a = 0; a < m; a++) {
      s += (long double)cell(x, i, idx[a]) * coef[a];
      bound += fabs(cell(x, i, idx[a]) * coef[a]);
    }
    SP_CHECK(fabs(y[i] - (double)s) <= (m + 2) * DBL_EPSILON * bound, "%s cols_axpy n = %d m = %d",
             d->ops->name, n, m);
  }
  free(idx);
  free(coef);
  free(y);
  free(start);
}

static void check_gather(const matrix *x, const sp_design *d) {
  const int n = x->n, p = x->p;
  double *col = sp_block((size_t)n, sizeof *col);
  for (int j = 0; j < p; j++) {
    for (int i = 0; i < n; i++) col[i] = canary;
    d->ops->gather(d, j, col);
    int same = 1;
    for (int i = 0; i < n; i++) same &= col[i] == cell(x, i, j);
    SP_CHECK(same, "%s gather j = %d", d->ops->name, j);
  }
  free(col);
  for (int trial = 0; trial < 4; trial++) {
    int i0 = sp_below(n + 1), ni = sp_below(n - i0 + 1), m = trial == 0 ? p : sp_below(6);
    int ldo = ni + sp_below(3);
    if (trial == 1) i0 = 0, ni = n, ldo = n;
    int *idx = trial == 0 ? NULL : random_columns(m, p);
    double *out = sp_block((size_t)m * (size_t)ldo, sizeof *out);
    for (int k = 0; k < m * ldo; k++) out[k] = canary;
    d->ops->gather_rows(d, idx, trial == 0 ? -1 : m, i0, ni, out, ldo);
    int same = 1;
    for (int a = 0; a < m; a++) {
      for (int i = 0; i < ldo; i++) {
        double want = i < ni ? cell(x, i0 + i, idx == NULL ? a : idx[a]) : canary;
        same &= out[(size_t)a * (size_t)ldo + (size_t)i] == want;
      }
    }
    SP_CHECK(same, "%s gather_rows %d..%d of %d, m = %d", d->ops->name, i0, i0 + ni, n, m);
    free(idx);
    free(out);
  }
}

/* weightings: W sums to one with zeros here and there; V of either sign with zeros; sumV */
typedef struct weightings {
  int B;
  double *W, *V, *sumV;
} weightings;

static weightings random_weightings(int n, int B) {
  weightings w = {.B = B};
  w.W = sp_block((size_t)n * (size_t)B, sizeof(double));
  w.V = sp_block((size_t)n * (size_t)B, sizeof(double));
  w.sumV = sp_block((size_t)B, sizeof(double));
  for (int t = 0; t < B; t++) {
    double *a = w.W + (size_t)t * (size_t)n, *v = w.V + (size_t)t * (size_t)n, total = 0.0;
    for (int i = 0; i < n; i++) {
      a[i] = i > 0 && sp_below(3) == 0 ? 0.0 : 0.05 + sp_uniform();
      v[i] = a[i] == 0.0 ? 0.0 : a[i] * sp_normal();
      total += a[i];
    }
    for (int i = 0; i < n; i++) {
      a[i] /= total;
      w.sumV[t] += v[i];
    }
  }
  return w;
}

static void free_weightings(weightings *w) {
  free(w->W);
  free(w->V);
  free(w->sumV);
}

static void check_moments(const matrix *x, const sp_design *d, int j0, int m, int B, int with_v) {
  const int n = x->n;
  weightings w = random_weightings(n, B);
  const size_t cells = (size_t)m * (size_t)B;
  double *centre = sp_block((size_t)m, sizeof(double)), *s1 = sp_block(cells, sizeof(double));
  double *s2 = sp_block(cells, sizeof(double)), *sv = with_v ? sp_block(cells, sizeof(double)) : NULL;
  double *work = sp_block(3 * (size_t)n, sizeof(double));
  d->ops->cols_moments(d, j0, m, w.W, with_v ? w.V : NULL, with_v ? w.sumV : NULL, B, centre, s1, s2, sv,
                       work);
  for (int a = 0; a < m; a++) {
    const int j = j0 + a;
    long double mean = 0.0L;
    double size = 0.0;
    for (int i = 0; i < n; i++) {
      mean += (long double)w.W[i] * cell(x, i, j);
      size += w.W[i] * fabs(cell(x, i, j));
    }
    const double c = centre[a];
    SP_CHECK(fabs(c - (double)mean) <= (n + 3) * DBL_EPSILON * size, "%s centre j = %d", d->ops->name, j);
    for (int t = 0; t < B; t++) {
      const double *wt = w.W + (size_t)t * (size_t)n, *vt = w.V + (size_t)t * (size_t)n;
      const size_t k = (size_t)a * (size_t)B + (size_t)t;
      long double r1 = 0.0L, r2 = 0.0L, rv = 0.0L;
      double b1 = 0.0, b2 = 0.0, bv = 0.0;
      for (int i = 0; i < n; i++) {
        long double e = (long double)cell(x, i, j) - c;
        double f = fabs(cell(x, i, j)) + fabs(c);
        r1 += wt[i] * e;
        r2 += wt[i] * e * e;
        rv += vt[i] * e;
        b1 += wt[i] * f;
        b2 += wt[i] * f * f;
        bv += fabs(vt[i]) * f;
      }
      const double unit = 3 * (n + 3) * DBL_EPSILON;
      SP_CHECK(fabs(s1[k] - (double)r1) <= unit * b1, "%s s1 j = %d t = %d: %g not %g", d->ops->name, j, t,
               s1[k], (double)r1);
      SP_CHECK(fabs(s2[k] - (double)r2) <= unit * b2, "%s s2 j = %d t = %d: %g not %g", d->ops->name, j, t,
               s2[k], (double)r2);
      SP_CHECK(s2[k] >= 0.0, "%s s2 j = %d t = %d negative: %g", d->ops->name, j, t, s2[k]);
      if (with_v) {
        SP_CHECK(fabs(sv[k] - (double)rv) <= unit * bv, "%s sv j = %d t = %d: %g not %g", d->ops->name, j, t,
                 sv[k], (double)rv);
      }
    }
  }
  free_weightings(&w);
  free(centre);
  free(s1);
  free(s2);
  free(sv);
  free(work);
}

/* the compact copy holds exactly the stored entries of the rows kept, renamed, in order */
static void check_copy(const matrix *x, const sp_design *d) {
  if (!(d->ops->flags & SP_DESIGN_SPARSE)) return;
  const int m = 1 + sp_below(9), all = sp_below(2);
  int *idx = random_columns(m, x->p), *row = sp_block((size_t)x->n, sizeof *row), kept = 0, want = 0;
  for (int i = 0; i < x->n; i++) row[i] = all || sp_below(3) ? kept++ : -1;
  for (int a = 0; a < m; a++) want += x->ptr[idx[a] + 1] - x->ptr[idx[a]];
  SP_CHECK(d->ops->cols_entries(d, idx, m) == want, "%s entries", d->ops->name);
  int *ptr = sp_block((size_t)m + 1, sizeof *ptr), *i = sp_block((size_t)want + 1, sizeof *i);
  double *value = sp_block((size_t)want + 1, sizeof *value);
  d->ops->cols_copy(d, idx, m, all ? NULL : row, ptr, i, value);
  int at = 0;
  for (int a = 0; a < m; a++) {
    SP_CHECK(ptr[a] == at, "%s copy: column %d starts at %d not %d", d->ops->name, a, ptr[a], at);
    for (int k = x->ptr[idx[a]]; k < x->ptr[idx[a] + 1]; k++) {
      const int to = row[x->rows[k]];
      if (to < 0) continue;
      SP_CHECK(i[at] == to && sp_same_bits(&value[at], &x->values[k], 1), "%s copy: entry %d", d->ops->name, at);
      at++;
    }
  }
  SP_CHECK(ptr[m] == at, "%s copy: %d entries not %d", d->ops->name, ptr[m], at);
  free(idx);
  free(row);
  free(ptr);
  free(i);
  free(value);
}

static void test_laws(int n, int p, double density) {
  matrix x = random_matrix(n, p, density);
  const sp_design *const designs[] = {&x.dense, &x.csc};
  sp_ctx ctx;
  sp_ctx_init(&ctx);
  for (int k = 0; k < 2; k++) {
    const sp_design *d = designs[k];
    SP_CHECK(sp_design_check(&ctx, d) == SP_OK && ctx.where == -1, "%s n = %d p = %d", d->ops->name, n, p);
    SP_CHECK(((d->ops->flags & SP_DESIGN_SPARSE) != 0) == (d == &x.csc), "%s flags", d->ops->name);
    for (int trial = 0; trial < 10; trial++) {
      int j0 = sp_below(p), m = sp_below(p - j0 + 1), q = sp_below(30);
      check_dot(&x, d, NULL, j0, m, q);
      int many = sp_below(9);
      int *idx = random_columns(many, p);
      check_dot(&x, d, idx, -1, many, q);
      free(idx);
      check_moments(&x, d, j0, m, 1 + sp_below(13), trial % 4 != 0);
      check_copy(&x, d);
    }
    check_dot(&x, d, NULL, 0, p, 1);
    check_dot(&x, d, NULL, 0, p, 24);
    check_moments(&x, d, 0, p, 1, 1);
    check_axpy(&x, d, 0);
    check_axpy(&x, d, 1 + sp_below(10));
    check_axpy(&x, d, 130);
    check_gather(&x, d);
  }
  free_matrix(&x);
}

/* NaN or Inf anywhere shows in centre or s2, also in rows of weight zero */
static void test_nonfinite(void) {
  static const double bad[] = {NAN, INFINITY, -INFINITY};
  for (int trial = 0; trial < 300; trial++) {
    const int n = 1 + sp_below(40), p = 1 + sp_below(12);
    matrix x = random_matrix(n, p, 0.4);
    if (x.ptr[x.p] > 0) {
      int at = sp_below(x.ptr[x.p]), column = 0;
      while (x.ptr[column + 1] <= at) column++;
      x.values[at] = bad[trial % 3];
      x.full[(size_t)column * (size_t)x.n + (size_t)x.rows[at]] = bad[trial % 3];
      const sp_design *const designs[] = {&x.dense, &x.csc};
      for (int k = 0; k < 2; k++) {
        const sp_design *d = designs[k];
        const int B = 1 + trial % 3;
        weightings w = random_weightings(x.n, B);
        const size_t cells = (size_t)x.p * (size_t)B;
        double *centre = sp_normals((size_t)x.p), *s1 = sp_normals(cells), *s2 = sp_normals(cells);
        double *sv = sp_normals(cells), *work = sp_normals(3 * (size_t)x.n);
        d->ops->cols_moments(d, 0, x.p, w.W, w.V, w.sumV, B, centre, s1, s2, sv, work);
        for (int j = 0; j < x.p; j++) {
          int seen = !isfinite(centre[j]) || !isfinite(s2[(size_t)j * (size_t)B]);
          SP_CHECK(seen == (j == column), "%s: column %d, bad one %d, weight %g", d->ops->name, j, column,
                   w.W[x.rows[at]]);
        }
        free_weightings(&w);
        free(centre);
        free(s1);
        free(s2);
        free(sv);
        free(work);
      }
    }
    free_matrix(&x);
  }
}

/* a large mean and a small spread: a full sparse column must not lose what a dense one keeps */
static void test_large_mean(void) {
  enum { N = 100 };
  double x[N], w[N], v[N], work[3 * N], sum = 0.0, centre, s1, s2, sv, want = 0.0;
  int rows[N];
  const int ptr[2] = {0, N};
  for (int i = 0; i < N; i++) {
    x[i] = 1e6 + (i % 2 == 0 ? 1e-3 : -1e-3);
    w[i] = 1.0 / N;
    v[i] = sp_normal() / N;
    sum += v[i];
    rows[i] = i;
  }
  sp_design d = {.ops = &sp_design_csc, .n = N, .p = 1, .x = x, .i = rows, .ptr = ptr};
  d.ops->cols_moments(&d, 0, 1, w, v, &sum, 1, &centre, &s1, &s2, &sv, work);
  for (int i = 0; i < N; i++) want += w[i] * (x[i] - centre) * (x[i] - centre);
  SP_CHECK(fabs(s2 - want) <= 1e-10 * want, "%g not %g", s2, want);
}

static void test_corrupt(void) {
  enum { N = 10, P = 4 };
  const int good_ptr[P + 1] = {0, 3, 3, 6, 8}, good_i[8] = {0, 4, 9, 2, 3, 5, 0, 9};
  const double x[8] = {0};
  static const struct {
    const char *what;
    int in_ptr, at, value, where;
  } cases[] = {
      {"first pointer", 1, 0, 1, 0},       {"negative first pointer", 1, 0, -1, 0},
      {"pointers decrease", 1, 2, 1, 1},   {"last pointer decreases", 1, 4, 5, 3},
      {"negative row", 0, 0, -1, 0},       {"row = n", 0, 2, N, 0},
      {"row twice", 0, 4, 2, 2},           {"rows decrease", 0, 5, 1, 2},
      {"row far outside", 0, 7, 1 << 30, 3},
  };
  sp_ctx ctx;
  sp_ctx_init(&ctx);
  int ptr[P + 1], rows[8];
  sp_design d = {.ops = &sp_design_csc, .n = N, .p = P, .x = x, .i = rows, .ptr = ptr};
  memcpy(ptr, good_ptr, sizeof ptr);
  memcpy(rows, good_i, sizeof rows);
  SP_CHECK(sp_design_check(&ctx, &d) == SP_OK, "a sound design");
  for (size_t k = 0; k < sizeof cases / sizeof *cases; k++) {
    memcpy(ptr, good_ptr, sizeof ptr);
    memcpy(rows, good_i, sizeof rows);
    (cases[k].in_ptr ? ptr : rows)[cases[k].at] = cases[k].value;
    ctx.where = -1;
    sp_status st = sp_design_check(&ctx, &d);
    SP_CHECK(st == SP_ECORRUPT && ctx.where == cases[k].where, "%s: %s at %td", cases[k].what,
             sp_status_name(st), ctx.where);
  }
  d.p = -1;
  SP_CHECK(sp_design_check(&ctx, &d) == SP_EARG, "negative p");
  d.p = 0;
  memcpy(ptr, good_ptr, sizeof ptr);
  SP_CHECK(sp_design_check(&ctx, &d) == SP_OK, "no columns");
}

/* Running sums along chains: the laws again, on the matrix made entry by entry; also the bits of columns however they are asked for */
static void test_cumsum(int n, int p, double density) {
  matrix x = random_matrix(n, p, density);
  const sp_design *const designs[] = {&x.dense, &x.csc};
  int *col = sp_block((size_t)p, sizeof *col), *first = sp_block((size_t)p, sizeof *first);
  double *want = sp_block((size_t)n * (size_t)p, sizeof *want), *size = sp_block((size_t)n * (size_t)p, sizeof *size);
  for (int k = 0; k < p; k++) col[k] = k;
  for (int k = p - 1; k > 0; k--) {
    const int h = sp_below(k + 1), c = col[k];
    col[k] = col[h];
    col[h] = c;
  }
  for (int k = 0; k < p; k++) first[k] = sp_below(50) == 0;
  for (int k = p - 1; k >= 0; k--) {
    const int on = k + 1 < p && !first[k + 1];
    for (int i = 0; i < n; i++) {
      const ptrdiff_t at = (ptrdiff_t)k * n + i;
      want[at] = cell(&x, i, col[k]) + (on ? want[at + n] : 0);
      size[at] = fabs(cell(&x, i, col[k])) + (on ? size[at + n] : 0);
    }
  }
  sp_ctx ctx;
  sp_ctx_init(&ctx);
  for (int storage = 0; storage < 2; storage++) {
    sp_cumsum c;
    sp_design d;
    SP_CHECK(sp_cumsum_open(&ctx, designs[storage], col, first, &c, &d) == SP_OK, "open n = %d p = %d", n, p);
    double *column = sp_block((size_t)n, sizeof *column), *all = sp_block((size_t)n * (size_t)p, sizeof *all);
    d.ops->gather_rows(&d, NULL, p, 0, n, all, n);
    for (int k = 0; k < p; k++) {
      d.ops->gather(&d, k, column);
      SP_CHECK(sp_same_bits(column, want + (ptrdiff_t)k * n, (size_t)n), "gather %d of %s", k, designs[storage]->ops->name);
      SP_CHECK(sp_same_bits(column, all + (ptrdiff_t)k * n, (size_t)n), "gather_rows %d", k);
    }
    for (int trial = 0; trial < 12; trial++) {
      const int way = trial % 4, m = 1 + sp_below(way == 0 ? p : 40), q = 1 + sp_below(20), j0 = sp_below(p), i0 = sp_below(n);
      const int count = way == 0 && j0 + m > p ? p - j0 : m, ni = sp_below(n - i0) + 1;
      int *idx = way == 0 ? NULL : random_columns(count, p);
      for (int a = 1; a < count && way > 1; a++) { /* up or down, some twice */
        for (int z = a; z > 0 && (way == 2 ? idx[z] < idx[z - 1] : idx[z] > idx[z - 1]); z--) {
          const int h = idx[z];
          idx[z] = idx[z - 1];
          idx[z - 1] = h;
        }
      }
      double *R = sp_normals((size_t)n * (size_t)q), *out = sp_block((size_t)count * (size_t)q, sizeof *out), alone;
      d.ops->cols_dot(&d, idx, j0, count, R, n, q, out, q);
      double *coef = sp_normals((size_t)count), *y = sp_normals((size_t)n), *yw = sp_block((size_t)n, sizeof *yw),
             *yb = sp_block((size_t)n, sizeof *yb), *rows = sp_block((size_t)(idx ? count : p) * (size_t)ni, sizeof *rows);
      for (int i = 0; i < n; i++) yw[i] = y[i], yb[i] = fabs(y[i]);
      d.ops->gather_rows(&d, idx, way == 0 ? 0 : count, i0, ni, rows, ni);
      for (int a = 0; a < count; a++) {
        const int k = idx ? idx[a] : j0 + a, h0 = sp_below(q);
        d.ops->cols_dot(&d, &k, 0, 1, R + (ptrdiff_t)h0 * n, n, 1, &alone, 1);
        SP_CHECK(sp_same_bits(&alone, &out[a * q + h0], 1), "cumsum order: column %d of %d, way %d", k, p, way);
        for (int h = 0; h < q; h++) {
          double s = 0, bound = 0;
          for (int i = 0; i < n; i++) {
            s += want[(ptrdiff_t)k * n + i] * R[(ptrdiff_t)h * n + i];
            bound += size[(ptrdiff_t)k * n + i] * fabs(R[(ptrdiff_t)h * n + i]);
          }
          SP_CHECK(fabs(out[a * q + h] - s) <= (n + p + 3) * DBL_EPSILON * bound, "cumsum cols_dot k = %d: %g not %g", k, out[a * q + h], s);
        }
        for (int i = 0; i < n; i++) {
          yw[i] += coef[a] * want[(ptrdiff_t)k * n + i];
          yb[i] += fabs(coef[a]) * size[(ptrdiff_t)k * n + i];
        }
        if (idx) SP_CHECK(sp_same_bits(rows + (ptrdiff_t)a * ni, want + (ptrdiff_t)k * n + i0, (size_t)ni), "cumsum rows of %d", k);
      }
      if (idx) {
        d.ops->cols_axpy(&d, idx, count, coef, y);
        for (int i = 0; i < n; i++) SP_CHECK(fabs(y[i] - yw[i]) <= (count + p + 3) * DBL_EPSILON * yb[i], "cumsum axpy way %d", way);
      } else {
        weightings w = random_weightings(n, 3);
        double *mo = sp_block(10 * (size_t)count + 3 * (size_t)n, sizeof *mo), *s2 = mo + 4 * count;
        d.ops->cols_moments(&d, j0, count, w.W, w.V, w.sumV, 3, mo, mo + count, s2, s2 + 3 * count, s2 + 6 * count);
        for (int a = 0; a < count; a++) {
          double mean, one[9], *k = want + (ptrdiff_t)(j0 + a) * n;
          const double *cols = k;
          sp_cols_moments(&cols, 1, n, w.W, w.V, n, 3, &mean, one, one + 3, one + 6);
          SP_CHECK(sp_same_bits(&mean, &mo[a], 1) && sp_same_bits(one + 3, s2 + 3 * a, 3) && sp_same_bits(one + 6, s2 + 3 * count + 3 * a, 3),
                   "cumsum moments of %d", j0 + a);
        }
        free_weightings(&w);
        free(mo);
      }
      free(idx), free(R), free(out), free(coef), free(y), free(yw), free(yb), free(rows);
    }
    sp_cumsum_close(&ctx, &c);
    free(column), free(all);
    /* a bad entry is found where it is */
    const int bad = sp_below(p);
    if (x.ptr[bad + 1] > x.ptr[bad]) {
      const int at = x.ptr[bad];
      const double was = x.values[at];
      double *in_full = &x.full[(size_t)bad * (size_t)n + (size_t)x.rows[at]];
      x.values[at] = *in_full = storage ? INFINITY : NAN;
      ctx.where = -1;
      SP_CHECK(sp_cumsum_open(&ctx, designs[storage], col, first, &c, &d) == SP_ENONFINITE && ctx.where == bad, "bad %d at %td", bad, ctx.where);
      x.values[at] = *in_full = was;
    }
    /* out of memory at each allocation */
    for (int k = 1; k <= 5; k++) {
      ctx.fail_at = ctx.n_alloc + k;
      SP_CHECK(sp_cumsum_open(&ctx, designs[storage], col, first, &c, &d) == SP_ENOMEM, "allocation %d of %s", k, designs[storage]->ops->name);
    }
    ctx.fail_at = 0;
    SP_CHECK(ctx.n_live == 0, "%ld left", ctx.n_live);
  }
  free(col), free(first), free(want), free(size);
  free_matrix(&x);
}

/* Sums of neighbouring columns: the laws against columns added up one by one */
static void test_intervals(int n, int p, double density) {
  matrix x = random_matrix(n, p, density);
  const sp_design *const designs[] = {&x.dense, &x.csc};
  int *col = sp_block((size_t)p, sizeof *col), *first = sp_block((size_t)p, sizeof *first), P = 0;
  for (int k = 0; k < p; k++) col[k] = p - 1 - k, first[k] = sp_below(30) == 0;
  const size_t most = (size_t)p * (size_t)(p + 1) / 2;
  int *from = sp_block(most, sizeof *from), *to = sp_block(most, sizeof *to);
  for (int i = 0; i < p; i++) {
    for (int k = i; k < p && (k == i || !first[k]); k++) from[P] = i, to[P++] = k;
  }
  double *want = sp_block((size_t)n * (size_t)P, sizeof *want), *size = sp_block((size_t)n * (size_t)P, sizeof *size);
  for (int i = 0; i < n; i++) {
    for (int j = 0; j < P; j++) {
      double sum = 0, bound = 0;
      for (int k = from[j]; k <= to[j]; k++) sum += cell(&x, i, col[k]);
      for (int k = from[j]; k < p && (k == from[j] || !first[k]); k++) bound += fabs(cell(&x, i, col[k])); /* of the running sum */
      want[(ptrdiff_t)j * n + i] = sum;
      size[(ptrdiff_t)j * n + i] = bound;
    }
  }
  sp_ctx ctx;
  sp_ctx_init(&ctx);
  for (int storage = 0; storage < 2; storage++) {
    sp_cumsum c;
    sp_intervals v;
    sp_design sums, d;
    SP_CHECK(sp_cumsum_open(&ctx, designs[storage], col, first, &c, &sums) == SP_OK, "open n = %d p = %d", n, p);
    for (int k = 1; k <= 3; k++) {
      ctx.fail_at = ctx.n_alloc + k;
      SP_CHECK(sp_intervals_open(&ctx, &sums, first, &v, &d) == SP_ENOMEM, "allocation %d", k);
    }
    ctx.fail_at = 0;
    SP_CHECK(sp_intervals_open(&ctx, &sums, first, &v, &d) == SP_OK && d.p == P && d.n == n, "%d intervals, not %d", d.p, P);
    double *column = sp_block((size_t)n, sizeof *column);
    for (int j = 0; j < P; j++) {
      d.ops->gather(&d, j, column);
      for (int i = 0; i < n; i++) {
        const ptrdiff_t at = (ptrdiff_t)j * n + i;
        SP_CHECK(fabs(column[i] - want[at]) <= (p + 3) * DBL_EPSILON * size[at], "gather %d: %g not %g", j, column[i], want[at]);
      }
    }
    for (int trial = 0; trial < 10; trial++) {
      const int way = trial % 2, m = 1 + sp_below(way == 0 ? P : 400), q = 1 + sp_below(20), j0 = sp_below(P), i0 = sp_below(n);
      const int count = way == 0 && j0 + m > P ? P - j0 : m, ni = sp_below(n - i0) + 1;
      int *idx = way == 0 ? NULL : random_columns(count, P);
      double *R = sp_normals((size_t)n * (size_t)q), *out = sp_block((size_t)count * (size_t)q, sizeof *out),
             *quick = sp_block((size_t)count * (size_t)q, sizeof *quick), *ranks = sp_block((size_t)p * (size_t)q, sizeof *ranks);
      d.ops->cols_dot(&d, idx, j0, count, R, n, q, out, q);
      SP_CHECK(d.ops->ranks(&d) == p, "ranks");
      d.ops->project(&d, R, n, q, ranks);
      d.ops->cols_from(&d, ranks, q, idx, j0, count, quick, q);
      SP_CHECK(sp_same_bits(out, quick, (size_t)count * (size_t)q), "the products both ways");
      double *coef = sp_normals((size_t)count), *y = sp_normals((size_t)n), *yw = sp_block((size_t)n, sizeof *yw),
             *yb = sp_block((size_t)n, sizeof *yb), *rows = sp_block((size_t)count * (size_t)ni, sizeof *rows);
      for (int i = 0; i < n; i++) yw[i] = y[i], yb[i] = fabs(y[i]);
      if (idx) d.ops->gather_rows(&d, idx, count, i0, ni, rows, ni);
      for (int a = 0; a < count; a++) {
        const int j = idx ? idx[a] : j0 + a;
        for (int h = 0; h < q; h++) {
          double s = 0, bound = 0;
          for (int i = 0; i < n; i++) {
            s += want[(ptrdiff_t)j * n + i] * R[(ptrdiff_t)h * n + i];
            bound += size[(ptrdiff_t)j * n + i] * fabs(R[(ptrdiff_t)h * n + i]);
          }
          SP_CHECK(fabs(out[a * q + h] - s) <= 2 * (n + p + 3) * DBL_EPSILON * bound, "cols_dot %d: %g not %g", j, out[a * q + h], s);
        }
        for (int i = 0; i < n; i++) {
          yw[i] += coef[a] * want[(ptrdiff_t)j * n + i];
          yb[i] += fabs(coef[a]) * size[(ptrdiff_t)j * n + i];
        }
        if (!idx) continue;
        d.ops->gather(&d, j, column);
        SP_CHECK(sp_same_bits(rows + (ptrdiff_t)a * ni, column + i0, (size_t)ni), "rows of %d", j);
      }
      if (idx) {
        d.ops->cols_axpy(&d, idx, count, coef, y);
        for (int i = 0; i < n; i++) SP_CHECK(fabs(y[i] - yw[i]) <= 2 * (count + p + 3) * DBL_EPSILON * yb[i], "axpy: %g not %g", y[i], yw[i]);
      } else {
        weightings w = random_weightings(n, 3);
        double *mo = sp_block(10 * (size_t)count + 3 * (size_t)n, sizeof *mo), *s2 = mo + 4 * count;
        d.ops->cols_moments(&d, j0, count, w.W, w.V, w.sumV, 3, mo, mo + count, s2, s2 + 3 * count, s2 + 6 * count);
        for (int a = 0; a < count; a++) {
          double mean, one[9];
          const double *cols = column;
          d.ops->gather(&d, j0 + a, column);
          sp_cols_moments(&cols, 1, n, w.W, w.V, n, 3, &mean, one, one + 3, one + 6);
          SP_CHECK(sp_same_bits(&mean, &mo[a], 1) && sp_same_bits(one + 3, s2 + 3 * a, 3) && sp_same_bits(one + 6, s2 + 3 * count + 3 * a, 3),
                   "moments of %d", j0 + a);
        }
        free_weightings(&w);
        free(mo);
      }
      free(idx), free(R), free(out), free(quick), free(ranks), free(coef), free(y), free(yw), free(yb), free(rows);
    }
    /* factors and limits */
    double *step = sp_normals((size_t)p), *share = sp_normals((size_t)p), *limit = sp_normals((size_t)p), *each = sp_block((size_t)P, sizeof *each);
    for (int k = 0; k < p; k++) limit[k] = sp_below(4) ? INFINITY : 0;
    sp_intervals_each(&v, step, share, each);
    for (int j = 0; j < P; j++) {
      double f = (from[j] > 0 && !first[from[j]] ? step[from[j]] : 0) + (to[j] + 1 < p && !first[to[j] + 1] ? step[to[j] + 1] : 0);
      for (int k = from[j]; k <= to[j]; k++) f += share[k];
      SP_CHECK(fabs(each[j] - f) < 1e-12 * (p + 2), "factor of %d: %g not %g", j, each[j], f);
    }
    sp_intervals_limits(&v, limit, each);
    for (int j = 0; j < P; j++) {
      int held = 0;
      for (int k = from[j]; k <= to[j]; k++) held |= limit[k] == 0;
      SP_CHECK(held ? each[j] == 0 : isinf(each[j]), "limit of %d", j);
    }
    free(step), free(share), free(limit), free(each), free(column);
    sp_intervals_close(&ctx, &v);
    sp_cumsum_close(&ctx, &c);
    SP_CHECK(ctx.n_live == 0, "%ld left", ctx.n_live);
  }
  free(col), free(first), free(from), free(to), free(want), free(size);
  free_matrix(&x);
}

int main(void) {
  test_laws(1, 1, 0.5);
  test_laws(1, 7, 0.5);
  test_laws(2, 3, 0.5);
  for (int trial = 0; trial < 40; trial++) {
    const int n = 1 + sp_below(60), p = 1 + sp_below(90);
    test_laws(n, p, trial % 4 == 0 ? 1.0 : sp_uniform());
  }
  test_laws(700, 40, 0.1);
  test_laws(300, 200, 0.05);
  for (int trial = 0; trial < 20; trial++) test_cumsum(1 + sp_below(60), 1 + sp_below(200), trial % 3 == 0 ? 1.0 : 0.05 + 0.5 * sp_uniform());
  for (int trial = 0; trial < 10; trial++) test_intervals(1 + sp_below(40), 1 + sp_below(70), trial % 3 == 0 ? 1.0 : 0.05 + 0.5 * sp_uniform());
  test_nonfinite();
  test_large_mean();
  test_corrupt();
  return spunit_end("test_design");
}
