/* Running sums of the columns of another design, from each to the end of its chain: column k is x_k + x_(k+1) + ... . With
 * b_j = theta_1 + ... + theta_j, X b = Z theta, so that differences of neighbouring coefficients become coefficients.
 *
 * The other design is read where it lies. What is stored is the sum of every STRIDE-th column (`anchor`), so that one column costs
 * at most STRIDE columns, and a pass over all costs one pass over X. Additions go from the end of the chain to its start, one column
 * after the other, wherever one begins: the same bits whichever columns are asked for. */
#include "design.h"

#include <math.h>
#include <string.h>

#include "../base/vec.h"

enum { STRIDE = 32, COLS = 32, RHS = 8, ROWS = 256 };

static const double one = 1.0;

static void add(const sp_cumsum *c, int k, double *y) { c->inner->ops->cols_axpy(c->inner, c->col + k, 1, &one, y); }

/* y = the sum of all columns after the block of position k */
static void begin(const sp_cumsum *c, ptrdiff_t n, int b, double *y) {
  if (c->anchor[b]) {
    memcpy(y, c->anchor[b], (size_t)n * sizeof *y);
  } else {
    memset(y, 0, (size_t)n * sizeof *y);
  }
}

/* Length of the stretch of positions from `a` on that lie in one block and go one way; its lowest position, and whether it goes up */
static int stretch(const sp_cumsum *c, const int *idx, int j0, int a, int m, int *low, int *up) {
  const int first = idx ? idx[a] : j0 + a, b = c->block[first];
  int z = a + 1, last = first;
  *up = 0;
  for (; z < m; z++) {
    const int k = idx ? idx[z] : j0 + z;
    if (c->block[k] != b) break;
    if (z == a + 1) *up = k > first;
    if (*up ? k <= last : k > last) break;
    last = k;
  }
  *low = first < last ? first : last;
  return z - a;
}

static void cumsum_cols_dot(const sp_design *d, const int *idx, int j0, int m, const double *R, ptrdiff_t ldr, int q, double *out,
                            ptrdiff_t ldo) {
  const sp_cumsum *c = d->sums;
  double sum[RHS], dots[COLS * RHS];
  for (int a = 0, length; a < m; a += length) {
    int low, up;
    length = stretch(c, idx, j0, a, m, &low, &up);
    const int b = c->block[low];
    for (int h = 0; h < q; h += RHS) {
      const int w = q - h < RHS ? q - h : RHS;
      const double *r = R + h * ldr;
      memset(sum, 0, sizeof sum);
      if (c->anchor[b]) sp_cols_dot(&c->anchor[b], 1, d->n, r, ldr, w, sum, w);
      int next = up ? a + length - 1 : a; /* by decreasing position */
      for (int j = c->end[b]; j > low;) {
        const int size = j - low < COLS ? j - low : COLS;
        c->inner->ops->cols_dot(c->inner, c->col + j - size, 0, size, r, ldr, w, dots, w);
        for (int k = size - 1; k >= 0; k--) {
          for (int g = 0; g < w; g++) sum[g] += dots[k * w + g];
          while (next >= a && next < a + length && (idx ? idx[next] : j0 + next) == j - size + k) {
            memcpy(out + next * ldo + h, sum, (size_t)w * sizeof *sum);
            next += up ? -1 : 1;
          }
        }
        j -= size;
      }
    }
  }
}

static void cumsum_cols_axpy(const sp_design *d, const int *idx, int m, const double *coef, double *y) {
  const sp_cumsum *c = d->sums;
  double b[COLS];
  for (int a = 0, length; a < m; a += length) {
    int low, up;
    length = stretch(c, idx, 0, a, m, &low, &up);
    const int block = c->block[low];
    int next = up ? a : a + length - 1, size = 0; /* by increasing position */
    double total = 0;
    for (int j = low; j < c->end[block]; j++) {
      for (; next >= a && next < a + length && idx[next] == j; next += up ? 1 : -1) total += coef[next];
      b[size++] = total;
      if (size < COLS && j + 1 < c->end[block]) continue;
      c->inner->ops->cols_axpy(c->inner, c->col + j + 1 - size, size, b, y);
      size = 0;
    }
    if (c->anchor[block]) sp_axpy(total, c->anchor[block], y, d->n);
  }
}

static void cumsum_gather(const sp_design *d, int k, double *x) {
  const sp_cumsum *c = d->sums;
  const int b = c->block[k];
  begin(c, d->n, b, x);
  for (int j = c->end[b] - 1; j >= k; j--) add(c, j, x);
}

static void cumsum_cols_moments(const sp_design *d, int j0, int m, const double *W, const double *V, const double *sumV, int B,
                                double *centre, double *s1, double *s2, double *sv, double *work) {
  (void)sumV;
  const sp_cumsum *c = d->sums;
  const double *column = work;
  for (int a = m - 1; a >= 0; a--) {
    const int k = j0 + a;
    const ptrdiff_t at = (ptrdiff_t)a * B;
    if (a == m - 1 || k + 1 == c->end[c->block[k]]) {
      cumsum_gather(d, k, work);
    } else {
      add(c, k, work);
    }
    sp_cols_moments(&column, 1, d->n, W, V, d->n, B, centre + a, s1 + at, s2 + at, V == NULL ? NULL : sv + at);
  }
}

/* One column, rows i0..i0+ni-1 */
static void part(const sp_design *d, int k, ptrdiff_t i0, ptrdiff_t ni, double *x) {
  const sp_cumsum *c = d->sums;
  const int b = c->block[k];
  double more[ROWS];
  for (ptrdiff_t i = 0; i < ni; i += ROWS) {
    const ptrdiff_t rows = ni - i < ROWS ? ni - i : ROWS;
    for (ptrdiff_t r = 0; r < rows; r++) x[i + r] = c->anchor[b] ? c->anchor[b][i0 + i + r] : 0.0;
    for (int j = c->end[b] - 1; j >= k; j--) {
      c->inner->ops->gather_rows(c->inner, c->col + j, 1, i0 + i, rows, more, ROWS);
      for (ptrdiff_t r = 0; r < rows; r++) x[i + r] += more[r];
    }
  }
}

static void cumsum_gather_rows(const sp_design *d, const int *idx, int m, ptrdiff_t i0, ptrdiff_t ni, double *out, ptrdiff_t ldo) {
  const sp_cumsum *c = d->sums;
  if (ni <= 0) return;
  if (idx) {
    for (int a = 0; a < m; a++) part(d, idx[a], i0, ni, out + a * ldo);
    return;
  }
  c->inner->ops->gather_rows(c->inner, c->col, d->p, i0, ni, out, ldo);
  for (int k = d->p - 2; k >= 0; k--) {
    const int b = c->block[k];
    if (k + 1 == c->end[b] && !c->anchor[b]) continue; /* the chain ends here */
    double *x = out + k * ldo;
    for (ptrdiff_t i = 0; i < ni; i++) x[i] += x[i + ldo];
  }
}

const sp_design_ops sp_design_cumsum = {
    .name = "cumsum",
    .flags = 0,
    .cols_dot = cumsum_cols_dot,
    .cols_axpy = cumsum_cols_axpy,
    .gather = cumsum_gather,
    .cols_moments = cumsum_cols_moments,
    .gather_rows = cumsum_gather_rows,
};

/* A dense column costs n numbers, a sparse one its entries: there anchors lie further apart */
static int stride_of(const sp_design *d) {
  if (!(d->ops->flags & SP_DESIGN_SPARSE)) return STRIDE;
  const double cells = (double)d->n * d->p, apart = cells / (d->ptr[d->p] + 1.0);
  return apart < STRIDE ? STRIDE : apart < d->p ? (int)apart : d->p;
}

static int all_finite(const double *x, ptrdiff_t n) {
  int all = 1;
  for (ptrdiff_t i = 0; i < n; i++) all &= isfinite(x[i]) != 0;
  return all;
}

sp_status sp_cumsum_open(sp_ctx *ctx, const sp_design *inner, const int *col, const int *first, sp_cumsum *c, sp_design *d) {
  const int p = inner->p, stride = stride_of(inner);
  const ptrdiff_t n = inner->n;
  sp_status st = SP_OK;
  double *y = NULL;
  int blocks = 0, kept = 0;
  memset(c, 0, sizeof *c);
  c->inner = inner;
  c->col = col;
  c->block = sp_alloc(ctx, (size_t)p, sizeof *c->block);
  y = sp_calloc(ctx, (size_t)n, sizeof *y);
  if (!c->block || !y) {
    st = SP_ENOMEM;
    goto done;
  }
  for (int k = 0, size = 0; k < p; k++, size++) {
    if (k == 0 || first[k] || size == stride) blocks++, size = 0;
    c->block[k] = blocks - 1;
  }
  c->end = sp_alloc(ctx, (size_t)blocks, sizeof *c->end);
  c->anchor = sp_calloc(ctx, (size_t)blocks, sizeof *c->anchor);
  if (!c->end || !c->anchor) {
    st = SP_ENOMEM;
    goto done;
  }
  for (int k = 0; k < p; k++) c->end[c->block[k]] = k + 1;
  for (int b = 0; b + 1 < blocks; b++) kept += !first[c->end[b]];
  c->sums = sp_alloc(ctx, (size_t)kept * (size_t)n, sizeof *c->sums);
  if (!c->sums) {
    st = SP_ENOMEM;
    goto done;
  }
  for (int b = blocks - 1, from; b >= 0; b--) {
    const int end = c->end[b];
    if (b == blocks - 1 || first[end]) {
      memset(y, 0, (size_t)n * sizeof *y);
    } else {
      double *to = c->sums + (ptrdiff_t)--kept * n;
      memcpy(to, y, (size_t)n * sizeof *y);
      c->anchor[b] = to;
    }
    from = b > 0 ? c->end[b - 1] : 0;
    for (int k = end - 1; k >= from; k--) add(c, k, y);
    if (!all_finite(y, n)) {
      begin(c, n, b, y);
      int k = end;
      do add(c, --k, y);
      while (all_finite(y, n));
      ctx->where = col[k];
      st = SP_ENONFINITE;
      goto done;
    }
    SP_TRY(sp_poll(ctx));
  }
  memset(d, 0, sizeof *d);
  d->ops = &sp_design_cumsum;
  d->n = n;
  d->p = p;
  d->sums = c;
done:
  sp_free(ctx, y);
  if (st != SP_OK) sp_cumsum_close(ctx, c);
  return st;
}

void sp_cumsum_close(sp_ctx *ctx, sp_cumsum *c) {
  sp_free(ctx, c->block);
  sp_free(ctx, c->end);
  sp_free(ctx, c->anchor);
  sp_free(ctx, c->sums);
  memset(c, 0, sizeof *c);
}
