#include "heldout.h"

#include <string.h>

#include "../base/par.h"
#include "../base/vec.h"

static void sift(int *cols, double *vals, int root, int n) {
  for (int child; (child = 2 * root + 1) < n; root = child) {
    if (child + 1 < n && cols[child + 1] > cols[child]) child++;
    if (cols[root] >= cols[child]) return;
    const int c = cols[root];
    const double v = vals[root];
    cols[root] = cols[child], vals[root] = vals[child];
    cols[child] = c, vals[child] = v;
  }
}

/* pairs by increasing column, in place */
static void heap_sort(int *cols, double *vals, int n) {
  for (int i = n / 2 - 1; i >= 0; i--) sift(cols, vals, i, n);
  for (int i = n - 1; i > 0; i--) {
    const int c = cols[0];
    const double v = vals[0];
    cols[0] = cols[i], vals[0] = vals[i];
    cols[i] = c, vals[i] = v;
    sift(cols, vals, 0, i);
  }
}

int sp_heldout_room(const sp_task *t, int l) { return t->points[l].count + (t->m.nu - t->m.nu0) * t->m.K; }

static void take(const sp_model *m, int *cols, double *vals, int *count, double *a0, int j, double b) {
  const int base = sp_model_base(m, j);
  double val = b * m->iscale[base];
  /* a limit that the solution stands at is returned as it was given */
  if (m->upper && b > 0 && val > m->upper[base]) val = m->upper[base];
  if (m->lower && b < 0 && val < m->lower[base]) val = m->lower[base];
  cols[*count] = j;
  vals[(*count)++] = val;
  a0[j - base * m->K] -= val * m->mean[base];
}

void sp_heldout_coef(const sp_task *t, int l, int *cols, double *vals, int *count, double *a0) {
  const sp_model *m = &t->m;
  const sp_point *pt = &t->points[l];
  const int K = m->K, free_shift = (m->loss.ops->flags & SP_LOSS_SHIFT_FREE) != 0;
  int c = 0, sorted = 1;
  for (int k = 0; k < K; k++) a0[k] = 0;
  for (int i = 0; i < pt->count; i++) {
    if (pt->b[i] != 0) take(m, cols, vals, &c, a0, pt->cols[i], pt->b[i]);
  }
  for (int h = 0; h < m->nu0; h++) a0[-1 - m->ucol[h]] += pt->gamma[h];
  for (int h = m->nu0; h < m->nu;) { /* the predictors of one column at a time */
    const int base = sp_model_base(m, m->ucol[h]);
    int next = h;
    double sum = 0;
    for (; next < m->nu && sp_model_base(m, m->ucol[next]) == base; next++) sum += pt->gamma[next];
    const double shift = free_shift ? sum / K : 0; /* where nothing else says which, the one that sums to 0 */
    for (int k = 0; k < K; k++) {
      const int in = h < next && m->ucol[h] == base * K + k;
      const double b = in ? pt->gamma[h++] - shift : -shift;
      if (b != 0) take(m, cols, vals, &c, a0, base * K + k, b);
    }
  }
  if (free_shift && m->nu0) {
    double mean = 0;
    for (int k = 0; k < K; k++) mean += a0[k] / K;
    for (int k = 0; k < K; k++) a0[k] -= mean;
  }
  *count = c;
  for (int i = 1; i < c; i++) sorted &= cols[i - 1] < cols[i];
  if (!sorted) heap_sort(cols, vals, c);
}

typedef struct job {
  sp_path *path;
  const int *which;
  int R;
  double *out;
} job;

static sp_status predict_task(void *arg, int task) {
  const job *jb = arg;
  sp_path *path = jb->path;
  const sp_task *t = &path->tasks[task];
  const sp_design *d = path->spec.design;
  const ptrdiff_t n = d->n;
  const int L = path->L, p = d->p, K = t->m.K;
  sp_status st = SP_OK;
  ptrdiff_t rows = 0;
  int cols = 0;
  for (ptrdiff_t i = 0; i < n * jb->R; i++) rows += jb->which[i] == task + 1;
  if (!rows) return SP_OK;
  int *slot = sp_alloc(path->ctx, (size_t)p, sizeof *slot);
  ptrdiff_t *row = sp_alloc(path->ctx, (size_t)rows, sizeof *row);
  double *x = sp_alloc(path->ctx, (size_t)n, sizeof *x), *xs = NULL, *eta = sp_alloc(path->ctx, (size_t)(rows * K), sizeof *eta);
  if (!slot || !row || !x || !eta) {
    st = SP_ENOMEM;
    goto done;
  }
  for (ptrdiff_t i = 0, k = 0; i < n * jb->R; i++) {
    if (jb->which[i] == task + 1) row[k++] = i;
  }
  for (int j = 0; j < p; j++) slot[j] = -1;
  for (int l = 0; l < L; l++) {
    for (int i = 0; i < t->points[l].count; i++) {
      const int j = sp_model_base(&t->m, t->points[l].cols[i]);
      if (slot[j] < 0) slot[j] = cols++;
    }
  }
  for (int h = 0; h < t->m.nu; h++) {
    const int j = t->m.ucol[h] < 0 ? -1 : sp_model_base(&t->m, t->m.ucol[h]);
    if (j >= 0 && slot[j] < 0) slot[j] = cols++;
  }
  xs = sp_alloc(path->ctx, (size_t)rows * (size_t)(cols + 1), sizeof *xs);
  if (!xs) {
    st = SP_ENOMEM;
    goto done;
  }
  for (int j = 0; j < p; j++) { /* standardized columns of the union of supports, held-out rows only */
    if (slot[j] < 0) continue;
    double *to = xs + slot[j] * rows;
    /* without an intercept nothing would make up for the centre */
    const double mean = t->m.intercept ? t->m.mean[j] : 0;
    d->ops->gather(d, j, x);
    for (ptrdiff_t k = 0; k < rows; k++) to[k] = (x[row[k] % n] - mean) * t->m.iscale[j];
  }
  for (int l = 0; l < L; l++) {
    const sp_point *pt = &t->points[l];
    for (ptrdiff_t k = 0; k < rows * K; k++) {
      eta[k] = path->spec.offset ? path->spec.offset[row[k % rows] % n + n * (k / rows)] : 0;
    }
    for (int i = 0; i < pt->count; i++) {
      const int j = sp_model_base(&t->m, pt->cols[i]);
      if (pt->b[i] != 0) sp_axpy(pt->b[i], xs + slot[j] * rows, eta + (pt->cols[i] - j * K) * rows, rows);
    }
    for (int h = 0; h < t->m.nu; h++) {
      const int c = t->m.ucol[h];
      if (c >= 0) {
        const int j = sp_model_base(&t->m, c);
        sp_axpy(pt->gamma[h], xs + slot[j] * rows, eta + (c - j * K) * rows, rows);
      } else {
        for (ptrdiff_t k = 0; k < rows; k++) eta[k + (-1 - c) * rows] += pt->gamma[h];
      }
    }
    for (ptrdiff_t k = 0; k < rows * K; k++) {
      const ptrdiff_t at = row[k % rows];
      jb->out[at % n + n * (k / rows + K * (l + L * (at / n)))] = eta[k];
    }
  }
done:
  sp_free(path->ctx, slot);
  sp_free(path->ctx, row);
  sp_free(path->ctx, x);
  sp_free(path->ctx, xs);
  sp_free(path->ctx, eta);
  return st;
}

sp_status sp_heldout_predict(sp_path *path, const int *which, int R, double *out) {
  job jb = {path, which, R, out};
  return sp_par_for(path->ctx, path->spec.B, predict_task, &jb);
}
