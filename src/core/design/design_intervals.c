/* Sums of neighbouring columns: column (i, k) is x_i + ... + x_(k-1), for every i < k of one chain, in the order of i, then k. It
 * is a difference of two running sums, S_i - S_k with S_k = 0 at the end of the chain, so that the products of all p (p + 1) / 2
 * columns with a vector cost one pass over X and a subtraction each. */
#include "design.h"

#include <limits.h>
#include <string.h>

#include "../base/vec.h"

enum { SOME = 128, COLS = 32, RHS = 8, ROWS = 256 };

/* Position after its last, or -1 when that is the end of the chain */
static int after(const sp_intervals *v, int j) {
  const int i = v->from[j], length = j - v->begin[i] + 1;
  return length == v->begin[i + 1] - v->begin[i] ? -1 : i + length;
}

/* The different ends of up to SOME intervals, increasing: e [2 SOME], returns how many; up[a], down[a]: which of them interval a
 * has (down: -1 at the end of a chain) */
static int ends_of(const sp_intervals *v, const int *idx, int j0, int m, int *e, int *up, int *down) {
  ptrdiff_t key[2 * SOME];
  int n = 0, count = 0;
  for (int a = 0; a < m; a++) {
    const int j = idx ? idx[a] : j0 + a, k = after(v, j);
    down[a] = -1;
    key[n++] = (ptrdiff_t)v->from[j] * 2 * SOME + 2 * a;
    if (k >= 0) key[n++] = (ptrdiff_t)k * 2 * SOME + 2 * a + 1;
  }
  for (int gap = n > 13 ? 57 : 4; gap; gap = gap == 57 ? 13 : gap == 13 ? 4 : gap == 4 ? 1 : 0) { /* Shell's sort */
    for (int b = gap; b < n; b++) {
      const ptrdiff_t x = key[b];
      int at = b;
      for (; at >= gap && key[at - gap] > x; at -= gap) key[at] = key[at - gap];
      key[at] = x;
    }
  }
  for (int b = 0; b < n; b++) {
    const int position = (int)(key[b] / (2 * SOME)), slot = (int)(key[b] % (2 * SOME));
    if (!count || e[count - 1] != position) e[count++] = position;
    (slot % 2 ? down : up)[slot / 2] = count - 1;
  }
  return count;
}

static void intervals_cols_dot(const sp_design *d, const int *idx, int j0, int m, const double *R, ptrdiff_t ldr, int q, double *out,
                               ptrdiff_t ldo) {
  const sp_intervals *v = d->intervals;
  int e[2 * SOME], up[SOME], down[SOME];
  double dots[2 * SOME * RHS];
  for (int a = 0; a < m; a += SOME) {
    const int some = m - a < SOME ? m - a : SOME, count = ends_of(v, idx ? idx + a : NULL, j0 + a, some, e, up, down);
    for (int h = 0; h < q; h += RHS) {
      const int w = q - h < RHS ? q - h : RHS;
      v->sums->ops->cols_dot(v->sums, e, 0, count, R + h * ldr, ldr, w, dots, w);
      for (int b = 0; b < some; b++) {
        double *to = out + (a + b) * ldo + h;
        for (int g = 0; g < w; g++) to[g] = dots[up[b] * w + g] - (down[b] < 0 ? 0 : dots[down[b] * w + g]);
      }
    }
  }
}

/* As one vector of coefficients of the columns that are summed */
static void intervals_cols_axpy(const sp_design *d, const int *idx, int m, const double *coef, double *y) {
  const sp_intervals *v = d->intervals;
  const sp_cumsum *c = v->sums->sums;
  int e[2 * SOME], up[SOME], down[SOME];
  double change[2 * SOME], b[COLS];
  for (int a = 0; a < m; a += SOME) {
    const int some = m - a < SOME ? m - a : SOME, count = ends_of(v, idx + a, 0, some, e, up, down);
    memset(change, 0, sizeof change);
    for (int s = 0; s < some; s++) {
      change[up[s]] += coef[a + s];
      if (down[s] >= 0) change[down[s]] -= coef[a + s];
    }
    double total = 0;
    for (int s = 0; s < count; s++) {
      total = s > 0 && v->chain[e[s]] != v->chain[e[s - 1]] ? change[s] : total + change[s];
      if (total == 0) continue;
      const int to = s + 1 < count && v->chain[e[s + 1]] == v->chain[e[s]] ? e[s + 1] : v->chain[e[s]];
      for (int k = e[s]; k < to; k += COLS) {
        const int size = to - k < COLS ? to - k : COLS;
        for (int h = 0; h < size; h++) b[h] = total;
        c->inner->ops->cols_axpy(c->inner, c->col + k, size, b, y);
      }
    }
  }
}

static void intervals_gather_rows(const sp_design *d, const int *idx, int m, ptrdiff_t i0, ptrdiff_t ni, double *out, ptrdiff_t ldo) {
  const sp_intervals *v = d->intervals;
  double other[ROWS];
  for (int a = 0; a < m; a++) {
    const int j = idx ? idx[a] : a, i = v->from[j], k = after(v, j);
    for (ptrdiff_t at = 0; at < ni; at += ROWS) {
      const ptrdiff_t rows = ni - at < ROWS ? ni - at : ROWS;
      double *x = out + a * ldo + at;
      v->sums->ops->gather_rows(v->sums, &i, 1, i0 + at, rows, x, ROWS);
      if (k < 0) continue;
      v->sums->ops->gather_rows(v->sums, &k, 1, i0 + at, rows, other, ROWS);
      for (ptrdiff_t r = 0; r < rows; r++) x[r] -= other[r];
    }
  }
}

static void intervals_gather(const sp_design *d, int j, double *x) { intervals_gather_rows(d, &j, 1, 0, d->n, x, d->n); }

static void intervals_cols_moments(const sp_design *d, int j0, int m, const double *W, const double *V, const double *sumV, int B,
                                   double *centre, double *s1, double *s2, double *sv, double *work) {
  (void)sumV;
  const sp_intervals *v = d->intervals;
  const sp_cumsum *c = v->sums->sums;
  const ptrdiff_t n = d->n;
  const double one = 1, *column = work + 2 * n;
  double *top = work, *rest = work + n, *x = work + 2 * n;
  for (int a = 0, length; a < m; a += length) { /* the intervals from one position on, the longest first */
    const int i = v->from[j0 + a], left = v->begin[i + 1] - (j0 + a);
    length = left < m - a ? left : m - a;
    int k = after(v, j0 + a + length - 1);
    v->sums->ops->gather(v->sums, i, top);
    if (k >= 0) v->sums->ops->gather(v->sums, k, rest);
    else memset(rest, 0, (size_t)n * sizeof *rest);
    k = i + (j0 + a + length - 1 - v->begin[i]) + 1;
    for (int b = a + length - 1; b >= a; b--) {
      const ptrdiff_t at = (ptrdiff_t)b * B;
      for (ptrdiff_t r = 0; r < n; r++) x[r] = top[r] - rest[r];
      sp_cols_moments(&column, 1, n, W, V, n, B, centre + b, s1 + at, s2 + at, V == NULL ? NULL : sv + at);
      k--;
      if (b > a) c->inner->ops->cols_axpy(c->inner, c->col + k, 1, &one, rest);
    }
  }
}

static int intervals_ranks(const sp_design *d) { return d->intervals->p; }

static void intervals_project(const sp_design *d, const double *R, ptrdiff_t ldr, int q, double *P) {
  const sp_design *sums = d->intervals->sums;
  sums->ops->cols_dot(sums, NULL, 0, sums->p, R, ldr, q, P, q);
}

static void intervals_cols_from(const sp_design *d, const double *P, int q, const int *idx, int j0, int m, double *out,
                                ptrdiff_t ldo) {
  const sp_intervals *v = d->intervals;
  for (int a = 0; a < m; a++) {
    const int j = idx ? idx[a] : j0 + a, k = after(v, j);
    const double *up = P + (ptrdiff_t)v->from[j] * q, *down = P + (ptrdiff_t)(k < 0 ? 0 : k) * q;
    for (int h = 0; h < q; h++) out[a * ldo + h] = k < 0 ? up[h] : up[h] - down[h];
  }
}

const sp_design_ops sp_design_intervals = {
    .name = "intervals",
    .flags = 0,
    .cols_dot = intervals_cols_dot,
    .cols_axpy = intervals_cols_axpy,
    .gather = intervals_gather,
    .cols_moments = intervals_cols_moments,
    .gather_rows = intervals_gather_rows,
    .ranks = intervals_ranks,
    .project = intervals_project,
    .cols_from = intervals_cols_from,
};

sp_status sp_intervals_open(sp_ctx *ctx, const sp_design *sums, const int *first, sp_intervals *v, sp_design *d) {
  const int p = sums->p;
  ptrdiff_t count = 0;
  memset(v, 0, sizeof *v);
  v->sums = sums;
  v->p = p;
  v->begin = sp_alloc(ctx, (size_t)p + 1, sizeof *v->begin);
  v->chain = sp_alloc(ctx, (size_t)p, sizeof *v->chain);
  if (!v->begin || !v->chain) {
    sp_intervals_close(ctx, v);
    return SP_ENOMEM;
  }
  for (int i = p - 1; i >= 0; i--) v->chain[i] = i == p - 1 || first[i + 1] ? i + 1 : v->chain[i + 1];
  for (int i = 0; i < p; i++) {
    v->begin[i] = (int)count;
    count += v->chain[i] - i;
    if (count > INT_MAX - 1) {
      sp_intervals_close(ctx, v);
      return SP_ENOMEM;
    }
  }
  v->begin[p] = (int)count;
  if (!(v->from = sp_alloc(ctx, (size_t)count, sizeof *v->from))) {
    sp_intervals_close(ctx, v);
    return SP_ENOMEM;
  }
  for (int i = 0; i < p; i++) {
    for (int j = v->begin[i]; j < v->begin[i + 1]; j++) v->from[j] = i;
  }
  memset(d, 0, sizeof *d);
  d->ops = &sp_design_intervals;
  d->n = sums->n;
  d->p = (int)count;
  d->sums = sums->sums;
  d->intervals = v;
  return SP_OK;
}

void sp_intervals_each(const sp_intervals *v, const double *step, const double *share, double *factor) {
  for (int i = 0, j = 0; i < v->p; i++) {
    double inside = 0;
    for (int k = i + 1; k <= v->chain[i]; k++, j++) {
      inside += share[k - 1];
      factor[j] = (i > 0 && v->chain[i - 1] == v->chain[i] ? step[i] : 0) + (k < v->chain[i] ? step[k] : 0) + inside;
    }
  }
}

void sp_intervals_limits(const sp_intervals *v, const double *limit, double *each) {
  for (int i = 0, j = 0; i < v->p; i++) {
    double all = limit[i];
    for (int k = i + 1; k <= v->chain[i]; k++, j++) {
      if (limit[k - 1] == 0) all = 0;
      each[j] = all;
    }
  }
}

void sp_intervals_close(sp_ctx *ctx, sp_intervals *v) {
  sp_free(ctx, v->begin);
  sp_free(ctx, v->chain);
  sp_free(ctx, v->from);
  memset(v, 0, sizeof *v);
}
