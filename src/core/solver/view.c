#include "view.h"

#include <math.h>
#include <string.h>

#include "../base/vec.h"

void sp_view_column(const sp_view *v, int j, double *out) {
  const double mean = v->mean ? v->mean[j] : 0, is = v->iscale ? v->iscale[j] : 1;
  if (!v->rows) {
    v->design->ops->gather(v->design, j, out);
  } else {
    v->design->ops->gather(v->design, j, v->full);
    for (ptrdiff_t i = 0; i < v->n; i++) out[i] = v->full[v->rows[i]];
  }
  if (v->sm && !v->root) {
    sp_scale_col(out, v->sm, mean, is, out, v->n);
  } else if (mean != 0 || is != 1) {
    for (ptrdiff_t i = 0; i < v->n; i++) out[i] = (out[i] - mean) * is;
  }
  if (v->root) v->root->ops->root(v->root, SP_ROOT, out);
}

double sp_view_scatter(const sp_view *v, const double *r, double *full) {
  const double *sm = v->sm;
  double sum = 0;
  if (v->root) {
    memcpy(v->fit, r, (size_t)v->n * sizeof *r);
    v->root->ops->root(v->root, SP_ROOT_T, v->fit);
    r = v->fit;
    sm = NULL;
  }
  if (v->rows) {
    memset(full, 0, (size_t)v->design->n * sizeof *full);
    for (ptrdiff_t i = 0; i < v->n; i++) sum += full[v->rows[i]] = sm ? sm[i] * r[i] : r[i];
  } else {
    for (ptrdiff_t i = 0; i < v->n; i++) sum += full[i] = sm ? sm[i] * r[i] : r[i];
  }
  return sum;
}

/* z_j' r with the centring done entry by entry; q [design->n] = S'r */
static double centred_dot(const sp_view *v, int j, const double *q) {
  double s = 0;
  v->design->ops->gather(v->design, j, v->column);
  for (ptrdiff_t i = 0; i < v->n; i++) {
    const ptrdiff_t row = v->rows ? v->rows[i] : i;
    s += (v->column[row] - v->mean[j]) * q[row];
  }
  return s * v->iscale[j];
}

int sp_view_shifted(const sp_view *v, int j) { return v->mean && fabs(v->mean[j]) * v->iscale[j] > SP_VIEW_SHIFT; }

void sp_view_dot_raw(const sp_view *v, const int *idx, int m, const double *q, double sum, double *out) {
  v->design->ops->cols_dot(v->design, idx, 0, m, q, v->design->n, 1, out, 1);
  if (!v->iscale) return;
  for (int a = 0; a < m; a++) {
    const int j = idx[a];
    out[a] = sp_view_shifted(v, j) ? centred_dot(v, j, q) : (out[a] - v->mean[j] * sum) * v->iscale[j];
  }
}

void sp_view_dot(const sp_view *v, const int *idx, int m, const double *r, double *out) {
  const double sum = sp_view_scatter(v, r, v->full);
  sp_view_dot_raw(v, idx, m, v->full, sum, out);
}

void sp_view_axpy(const sp_view *v, const int *idx, int m, const double *coef, double *y, double *work, int *iwork) {
  double shift = 0;
  int k = 0;
  if (v->root) {
    sp_view plain = *v;
    plain.root = NULL;
    plain.sm = NULL;
    memset(v->fit, 0, (size_t)v->n * sizeof *v->fit);
    sp_view_axpy(&plain, idx, m, coef, v->fit, work, iwork);
    v->root->ops->root(v->root, SP_ROOT, v->fit);
    sp_axpy(1, v->fit, y, v->n);
    return;
  }
  for (int a = 0; a < m; a++) {
    if (coef[a] == 0) continue;
    if (sp_view_shifted(v, idx[a])) { /* entry by entry, as in the products */
      const double scale = coef[a] * v->iscale[idx[a]], mean = v->mean[idx[a]];
      v->design->ops->gather(v->design, idx[a], v->column);
      for (ptrdiff_t i = 0; i < v->n; i++) {
        const double e = scale * (v->column[v->rows ? v->rows[i] : i] - mean);
        y[i] += v->sm ? v->sm[i] * e : e;
      }
      continue;
    }
    iwork[k] = idx[a];
    work[k] = v->iscale ? coef[a] * v->iscale[idx[a]] : coef[a];
    if (v->mean) shift += work[k] * v->mean[idx[a]];
    k++;
  }
  if (!k) return;
  memset(v->full, 0, (size_t)v->design->n * sizeof *v->full);
  v->design->ops->cols_axpy(v->design, iwork, k, work, v->full);
  for (ptrdiff_t i = 0; i < v->n; i++) {
    const double e = v->full[v->rows ? v->rows[i] : i] - shift;
    y[i] += v->sm ? v->sm[i] * e : e;
  }
}
