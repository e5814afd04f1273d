#include "view.h"

#include <math.h>
#include <string.h>

#include "../base/vec.h"

enum { BLOCK = 256 /* column indices kept on the stack */, SEVERAL = 32 /* that one product may cost of those it is made of */ };

/* the column of the design that j belongs to, centred and scaled, on the rows seen; times sm of its predictor */
static void base_column(const sp_view *v, int j, const double *sm, double *out) {
  const double mean = v->mean ? v->mean[j] : 0, is = v->iscale ? v->iscale[j] : 1;
  if (!v->rows) {
    v->design->ops->gather(v->design, j, out);
  } else {
    v->design->ops->gather(v->design, j, v->full);
    for (ptrdiff_t i = 0; i < v->n; i++) out[i] = v->full[v->rows[i]];
  }
  if (sm) {
    sp_scale_col(out, sm, mean, is, out, v->n);
  } else if (mean != 0 || is != 1) {
    for (ptrdiff_t i = 0; i < v->n; i++) out[i] = (out[i] - mean) * is;
  }
}

void sp_view_column(const sp_view *v, int j, double *out) {
  const int base = sp_view_base(v, j), k = j - base * v->K;
  const ptrdiff_t at = k * v->n;
  if (v->K > 1) memset(out, 0, (size_t)v->n * (size_t)v->K * sizeof *out);
  base_column(v, base, v->sm && !v->root ? v->sm + at : NULL, out + at);
  if (v->root) v->root->ops->root(v->root, SP_ROOT, out);
}

void sp_view_scatter(const sp_view *v, const double *r, double *full, double *sums) {
  const double *sm = v->sm;
  if (v->root) {
    memcpy(v->fit, r, (size_t)v->n * (size_t)v->K * sizeof *r);
    v->root->ops->root(v->root, SP_ROOT_T, v->fit);
    r = v->fit;
    sm = NULL;
  }
  for (int k = 0; k < v->K; k++) {
    double sum = 0;
    if (v->rows) {
      memset(full, 0, (size_t)v->design->n * sizeof *full);
      for (ptrdiff_t i = 0; i < v->n; i++) sum += full[v->rows[i]] = sm ? sm[i] * r[i] : r[i];
    } else {
      for (ptrdiff_t i = 0; i < v->n; i++) sum += full[i] = sm ? sm[i] * r[i] : r[i];
    }
    sums[k] = sum;
    full += v->design->n;
    r += v->n;
    if (sm) sm += v->n;
  }
}

/* x~_j' q of column j of the design with the centring done entry by entry; q [design->n] */
static double centred_dot(const sp_view *v, int j, const double *q) {
  double s = 0;
  v->design->ops->gather(v->design, j, v->column);
  for (ptrdiff_t i = 0; i < v->n; i++) {
    const ptrdiff_t row = v->rows ? v->rows[i] : i;
    s += (v->column[row] - v->mean[j]) * q[row];
  }
  return s * v->iscale[j];
}

static int shifted(const sp_view *v, int base) { return v->mean && fabs(v->mean[base]) * v->iscale[base] > SP_VIEW_SHIFT; }

int sp_view_shifted(const sp_view *v, int j) { return shifted(v, sp_view_base(v, j)); }

static void base_dot(const sp_view *v, const int *idx, int m, const double *q, double sum, double *out) {
  v->design->ops->cols_dot(v->design, idx, 0, m, q, v->design->n, 1, out, 1);
  if (!v->iscale) return;
  for (int a = 0; a < m; a++) {
    const int j = idx[a];
    out[a] = shifted(v, j) ? centred_dot(v, j, q) : (out[a] - v->mean[j] * sum) * v->iscale[j];
  }
}

/* The same for a design that is made of fewer columns, from the products of those: worth it for more than a few */
static void ranked_dot(const sp_view *v, const int *idx, int m, const double *q, const double *sum, double *out) {
  const sp_design *d = v->design;
  for (int k = 0; k < v->K; k++) {
    const double *own = q + k * d->n;
    d->ops->project(d, own, d->n, 1, v->ranks);
    for (int a = 0; a < m; a++) {
      const int j = sp_view_base(v, idx[a]);
      if (idx[a] - j * v->K != k) continue;
      d->ops->cols_from(d, v->ranks, 1, &j, 0, 1, out + a, 1);
      if (v->iscale) out[a] = shifted(v, j) ? centred_dot(v, j, own) : (out[a] - v->mean[j] * sum[k]) * v->iscale[j];
    }
  }
}

void sp_view_dot_raw(const sp_view *v, const int *idx, int m, const double *q, const double *sum, double *out) {
  if (v->ranks && m >= v->design->ops->ranks(v->design) / SEVERAL) {
    ranked_dot(v, idx, m, q, sum, out);
    return;
  }
  if (v->K == 1) {
    base_dot(v, idx, m, q, *sum, out);
    return;
  }
  int own[BLOCK], predictor[BLOCK], base[BLOCK], at[BLOCK];
  double part[BLOCK];
  for (int from = 0; from < m; from += BLOCK) { /* a block of columns, one predictor after the other */
    const int size = m - from < BLOCK ? m - from : BLOCK;
    for (int a = 0; a < size; a++) {
      own[a] = idx[from + a] / v->K;
      predictor[a] = idx[from + a] - own[a] * v->K;
    }
    for (int k = 0; k < v->K; k++) {
      int c = 0;
      for (int a = 0; a < size; a++) {
        if (predictor[a] != k) continue;
        base[c] = own[a];
        at[c++] = from + a;
      }
      if (c) base_dot(v, base, c, q + k * v->design->n, sum[k], part);
      for (int b = 0; b < c; b++) out[at[b]] = part[b];
    }
  }
}

void sp_view_dot(const sp_view *v, const int *idx, int m, const double *r, double *out) {
  sp_view_scatter(v, r, v->full, v->sums);
  sp_view_dot_raw(v, idx, m, v->full, v->sums, out);
}

/* the part of predictor k: y [n] */
static void base_axpy(const sp_view *v, const int *idx, int m, const double *coef, int k, const double *sm, double *y, double *work,
                      int *iwork) {
  const double share = 1.0 / v->K;
  double shift = 0;
  int c = 0;
  for (int a = 0; a < m; a++) {
    if (coef[a] == 0) continue;
    const int j = (int)((idx[a] + 0.5) * share); /* the quotient, without a division for each predictor */
    if (v->K > 1 && idx[a] - j * v->K != k) continue;
    if (shifted(v, j)) { /* entry by entry, as in the products */
      const double scale = coef[a] * v->iscale[j], mean = v->mean[j];
      v->design->ops->gather(v->design, j, v->column);
      for (ptrdiff_t i = 0; i < v->n; i++) {
        const double e = scale * (v->column[v->rows ? v->rows[i] : i] - mean);
        y[i] += sm ? sm[i] * e : e;
      }
      continue;
    }
    iwork[c] = j;
    work[c] = v->iscale ? coef[a] * v->iscale[j] : coef[a];
    if (v->mean) shift += work[c] * v->mean[j];
    c++;
  }
  if (!c) return;
  memset(v->full, 0, (size_t)v->design->n * sizeof *v->full);
  v->design->ops->cols_axpy(v->design, iwork, c, work, v->full);
  for (ptrdiff_t i = 0; i < v->n; i++) {
    const double e = v->full[v->rows ? v->rows[i] : i] - shift;
    y[i] += sm ? sm[i] * e : e;
  }
}

void sp_view_axpy(const sp_view *v, const int *idx, int m, const double *coef, double *y, double *work, int *iwork) {
  if (v->root) {
    sp_view plain = *v;
    const ptrdiff_t length = v->n * v->K;
    plain.root = NULL;
    plain.sm = NULL;
    memset(v->fit, 0, (size_t)length * sizeof *v->fit);
    sp_view_axpy(&plain, idx, m, coef, v->fit, work, iwork);
    v->root->ops->root(v->root, SP_ROOT, v->fit);
    sp_axpy(1, v->fit, y, length);
    return;
  }
  for (int k = 0; k < v->K; k++) base_axpy(v, idx, m, coef, k, v->sm ? v->sm + k * v->n : NULL, y + k * v->n, work, iwork);
}
