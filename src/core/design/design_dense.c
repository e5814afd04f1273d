/* Dense columns of doubles in memory: x [n x p], column-major, leading dimension n. */
#include "design.h"

#include <string.h>
#include "../base/vec.h"

enum { BLOCK = 64 }; /* columns whose addresses are kept on the stack */

static const double *column(const sp_design *d, int j) { return d->x + (ptrdiff_t)j * d->n; }

static void dense_cols_dot(const sp_design *d, const int *idx, int j0, int m, const double *R, ptrdiff_t ldr,
                           int q, double *out, ptrdiff_t ldo) {
  const double *cols[BLOCK];
  for (int a = 0; a < m; a += BLOCK) {
    int c = m - a < BLOCK ? m - a : BLOCK;
    for (int k = 0; k < c; k++) cols[k] = column(d, idx == NULL ? j0 + a + k : idx[a + k]);
    sp_cols_dot(cols, c, d->n, R, ldr, q, out + a * ldo, ldo);
  }
}

static void dense_cols_axpy(const sp_design *d, const int *idx, int m, const double *coef, double *y) {
  const double *cols[BLOCK];
  for (int a = 0; a < m; a += BLOCK) {
    int c = m - a < BLOCK ? m - a : BLOCK;
    for (int k = 0; k < c; k++) cols[k] = column(d, idx[a + k]);
    sp_cols_axpy(cols, c, d->n, coef + a, y);
  }
}

static void dense_gather(const sp_design *d, int j, double *x) {
  if (d->n > 0) memcpy(x, column(d, j), (size_t)d->n * sizeof *x);
}

static void dense_cols_moments(const sp_design *d, int j0, int m, const double *W, const double *V,
                               const double *sumV, int B, double *centre, double *s1, double *s2, double *sv,
                               double *work) {
  (void)sumV; /* of use where zeros are not stored */
  (void)work;
  const double *cols[BLOCK];
  for (int a = 0; a < m; a += BLOCK) {
    const int c = m - a < BLOCK ? m - a : BLOCK;
    const ptrdiff_t at = (ptrdiff_t)a * B;
    for (int k = 0; k < c; k++) cols[k] = column(d, j0 + a + k);
    sp_cols_moments(cols, c, d->n, W, V, d->n, B, centre + a, s1 + at, s2 + at, V == NULL ? NULL : sv + at);
  }
}

static void dense_gather_rows(const sp_design *d, const int *idx, int m, ptrdiff_t i0, ptrdiff_t ni,
                              double *out, ptrdiff_t ldo) {
  if (ni <= 0) return;
  int count = idx == NULL ? d->p : m;
  for (int a = 0; a < count; a++) {
    memcpy(out + a * ldo, column(d, idx == NULL ? a : idx[a]) + i0, (size_t)ni * sizeof *out);
  }
}

const sp_design_ops sp_design_dense = {
    .name = "dense",
    .flags = 0,
    .cols_dot = dense_cols_dot,
    .cols_axpy = dense_cols_axpy,
    .gather = dense_gather,
    .cols_moments = dense_cols_moments,
    .gather_rows = dense_gather_rows,
};
