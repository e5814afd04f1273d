/* Compressed sparse columns: the slots of a dgCMatrix, read where they lie. Rows increase inside a column
 * (sp_design_check). Stored zeros are allowed and are entries like any other. */
#include "design.h"

#include <string.h>

typedef struct entries { /* the stored entries of one column */
  const double *x;
  const int *i;
  ptrdiff_t n;
} entries;

static entries column(const sp_design *d, int j) {
  ptrdiff_t from = d->ptr[j];
  return (entries){d->x + from, d->i + from, d->ptr[j + 1] - from};
}

/* Order of additions of one output, the same for any number of right-hand sides: groups of four entries go to four sums, because one
 * would wait for each addition; what is left over goes to the first. Arguments are plain pointers: most columns are so short that
 * a structure passed through memory costs more than their products. */
static inline double dot1(const double *x, const int *i, ptrdiff_t n, const double *r) {
  double s0 = 0.0, s1 = 0.0, s2 = 0.0, s3 = 0.0;
  ptrdiff_t k = 0;
  for (; k + 4 <= n; k += 4) {
    s0 += x[k] * r[i[k]];
    s1 += x[k + 1] * r[i[k + 1]];
    s2 += x[k + 2] * r[i[k + 2]];
    s3 += x[k + 3] * r[i[k + 3]];
  }
  for (; k < n; k++) s0 += x[k] * r[i[k]];
  return (s0 + s2) + (s1 + s3);
}

/* two right-hand sides with one read of the entries: loads are what takes the time */
static inline void dot2(const double *x, const int *i, ptrdiff_t n, const double *r, const double *t, double *out) {
  double s0 = 0.0, s1 = 0.0, s2 = 0.0, s3 = 0.0;
  double t0 = 0.0, t1 = 0.0, t2 = 0.0, t3 = 0.0;
  ptrdiff_t k = 0;
  for (; k + 4 <= n; k += 4) {
    const double x0 = x[k], x1 = x[k + 1], x2 = x[k + 2], x3 = x[k + 3];
    const int i0 = i[k], i1 = i[k + 1], i2 = i[k + 2], i3 = i[k + 3];
    s0 += x0 * r[i0];
    s1 += x1 * r[i1];
    s2 += x2 * r[i2];
    s3 += x3 * r[i3];
    t0 += x0 * t[i0];
    t1 += x1 * t[i1];
    t2 += x2 * t[i2];
    t3 += x3 * t[i3];
  }
  for (; k < n; k++) {
    s0 += x[k] * r[i[k]];
    t0 += x[k] * t[i[k]];
  }
  out[0] = (s0 + s2) + (s1 + s3);
  out[1] = (t0 + t2) + (t1 + t3);
}

static void csc_cols_dot(const sp_design *d, const int *idx, int j0, int m, const double *R, ptrdiff_t ldr,
                         int q, double *out, ptrdiff_t ldo) {
  for (int a = 0; a < m; a++, out += ldo) {
    entries e = column(d, idx == NULL ? j0 + a : idx[a]);
    int h = 0;
    for (; h + 2 <= q; h += 2) dot2(e.x, e.i, e.n, R + h * ldr, R + (h + 1) * ldr, out + h);
    if (h < q) out[h] = dot1(e.x, e.i, e.n, R + h * ldr);
  }
}

static void csc_cols_axpy(const sp_design *d, const int *idx, int m, const double *coef, double *y) {
  for (int a = 0; a < m; a++) {
    const entries e = column(d, idx[a]);
    const double c = coef[a];
    for (ptrdiff_t k = 0; k < e.n; k++) y[e.i[k]] += c * e.x[k];
  }
}

static void csc_gather(const sp_design *d, int j, double *x) {
  entries e = column(d, j);
  for (ptrdiff_t i = 0; i < d->n; i++) x[i] = 0.0;
  for (ptrdiff_t k = 0; k < e.n; k++) x[e.i[k]] = e.x[k];
}

/* sums over the stored entries, e being their centred values; even and odd ones apart, again for speed */
typedef struct sums {
  double w, we, wee;
} sums;

static sums stored_sums(entries col, const double *e, const double *w) {
  sums s = {0.0, 0.0, 0.0}, t = {0.0, 0.0, 0.0};
  ptrdiff_t k = 0;
  for (; k + 2 <= col.n; k += 2) {
    const double a = w[col.i[k]], b = w[col.i[k + 1]];
    const double ae = a * e[k], be = b * e[k + 1];
    s.w += a;
    t.w += b;
    s.we += ae;
    t.we += be;
    s.wee += ae * e[k];
    t.wee += be * e[k + 1];
  }
  if (k < col.n) {
    const double a = w[col.i[k]], ae = a * e[k];
    s.w += a;
    s.we += ae;
    s.wee += ae * e[k];
  }
  return (sums){s.w + t.w, s.we + t.we, s.wee + t.wee};
}

/* The entries that are not stored are all -c after centring, so their sums follow from the weight left over:
 *   sum W e   = sum_stored W (x - c)   - c   (1 - sum_stored W)
 *   sum W e^2 = sum_stored W (x - c)^2 + c^2 (1 - sum_stored W)
 * A sum of squares around c, not x^2 - c^2, so that nothing cancels; with every row stored nothing is left
 * over, and rounding may not pretend otherwise. */
static void csc_cols_moments(const sp_design *d, int j0, int m, const double *W, const double *V,
                             const double *sumV, int B, double *centre, double *s1, double *s2, double *sv,
                             double *work) {
  const ptrdiff_t n = d->n;
  double *e = work;
  for (int a = 0; a < m; a++) {
    const entries col = column(d, j0 + a);
    const int full = col.n == n;
    const double c = dot1(col.x, col.i, col.n, W);
    centre[a] = c;
    for (ptrdiff_t k = 0; k < col.n; k++) e[k] = col.x[k] - c;
    for (int t = 0; t < B; t++) {
      const ptrdiff_t at = (ptrdiff_t)a * B + t;
      const sums s = stored_sums(col, e, W + t * n);
      const double left = full || s.w > 1.0 ? 0.0 : 1.0 - s.w;
      s1[at] = s.we - c * left;
      s2[at] = s.wee + c * c * left;
      if (V == NULL) continue;
      const sums v = stored_sums(col, e, V + t * n);
      sv[at] = full ? v.we : v.we - c * (sumV[t] - v.w);
    }
  }
}

/* first entry in row i or below it */
static ptrdiff_t lower_bound(entries e, ptrdiff_t i) {
  ptrdiff_t lo = 0, hi = e.n;
  while (lo < hi) {
    ptrdiff_t mid = lo + (hi - lo) / 2;
    if (e.i[mid] < i) {
      lo = mid + 1;
    } else {
      hi = mid;
    }
  }
  return lo;
}

static void csc_gather_rows(const sp_design *d, const int *idx, int m, ptrdiff_t i0, ptrdiff_t ni,
                            double *out, ptrdiff_t ldo) {
  int count = idx == NULL ? d->p : m;
  for (int a = 0; a < count; a++) {
    entries e = column(d, idx == NULL ? a : idx[a]);
    double *x = out + a * ldo;
    for (ptrdiff_t i = 0; i < ni; i++) x[i] = 0.0;
    for (ptrdiff_t k = lower_bound(e, i0); k < e.n && e.i[k] < i0 + ni; k++) x[e.i[k] - i0] = e.x[k];
  }
}

static ptrdiff_t csc_cols_entries(const sp_design *d, const int *idx, int m) {
  ptrdiff_t n = 0;
  for (int a = 0; a < m; a++) n += column(d, idx[a]).n;
  return n;
}

static void csc_cols_copy(const sp_design *d, const int *idx, int m, const int *row, int *ptr, int *i, double *x) {
  int at = 0;
  for (int a = 0; a < m; a++) {
    const entries e = column(d, idx[a]);
    ptr[a] = at;
    for (ptrdiff_t k = 0; k < e.n; k++) {
      const int to = row ? row[e.i[k]] : e.i[k];
      if (to < 0) continue;
      i[at] = to;
      x[at++] = e.x[k];
    }
  }
  ptr[m] = at;
}

const sp_design_ops sp_design_csc = {
    .name = "csc",
    .flags = SP_DESIGN_SPARSE,
    .cols_dot = csc_cols_dot,
    .cols_axpy = csc_cols_axpy,
    .gather = csc_gather,
    .cols_moments = csc_cols_moments,
    .cols_entries = csc_cols_entries,
    .cols_copy = csc_cols_copy,
    .gather_rows = csc_gather_rows,
};
