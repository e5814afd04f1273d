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

void sp_heldout_coef(const sp_task *t, int l, int *cols, double *vals, int *count, double *a0) {
  const sp_model *m = &t->m;
  const sp_point *pt = &t->points[l];
  double shift = 0;
  int c = 0, sorted = 1;
  *a0 = 0;
  for (int i = 0; i < pt->count; i++) {
    if (pt->b[i] == 0) continue;
    cols[c] = pt->cols[i];
    vals[c] = pt->b[i] * m->iscale[pt->cols[i]];
    /* a limit that the solution stands at is returned as it was given */
    if (m->upper && pt->b[i] > 0 && vals[c] > m->upper[cols[c]]) vals[c] = m->upper[cols[c]];
    if (m->lower && pt->b[i] < 0 && vals[c] < m->lower[cols[c]]) vals[c] = m->lower[cols[c]];
    shift += vals[c] * m->mean[cols[c]];
    c++;
  }
  for (int h = 0; h < m->nu; h++) {
    const int j = m->ucol[h];
    if (j < 0) {
      *a0 = pt->gamma[h];
    } else if (pt->gamma[h] != 0) {
      cols[c] = j;
      vals[c] = pt->gamma[h] * m->iscale[j];
      shift += vals[c] * m->mean[j];
      c++;
    }
  }
  *a0 -= shift;
  *count = c;
  for (int i = 1; i < c; i++) sorted &= cols[i - 1] < cols[i];
  if (sorted) return;
  heap_sort(cols, vals, c);
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
  const int L = path->L, p = d->p;
  sp_status st = SP_OK;
  ptrdiff_t rows = 0;
  int cols = 0;
  for (ptrdiff_t i = 0; i < n * jb->R; i++) rows += jb->which[i] == task + 1;
  if (!rows) return SP_OK;
  int *slot = sp_alloc(path->ctx, (size_t)p, sizeof *slot);
  ptrdiff_t *row = sp_alloc(path->ctx, (size_t)rows, sizeof *row);
  double *x = sp_alloc(path->ctx, (size_t)n, sizeof *x), *xs = NULL, *eta = sp_alloc(path->ctx, (size_t)rows, sizeof *eta);
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
      if (slot[t->points[l].cols[i]] < 0) slot[t->points[l].cols[i]] = cols++;
    }
  }
  for (int h = 0; h < t->m.nu; h++) {
    const int j = t->m.ucol[h];
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
    for (ptrdiff_t k = 0; k < rows; k++) eta[k] = path->spec.offset ? path->spec.offset[row[k] % n] : 0;
    for (int i = 0; i < pt->count; i++) {
      if (pt->b[i] != 0) sp_axpy(pt->b[i], xs + slot[pt->cols[i]] * rows, eta, rows);
    }
    for (int h = 0; h < t->m.nu; h++) {
      const int j = t->m.ucol[h];
      if (j >= 0) {
        sp_axpy(pt->gamma[h], xs + slot[j] * rows, eta, rows);
      } else {
        for (ptrdiff_t k = 0; k < rows; k++) eta[k] += pt->gamma[h];
      }
    }
    for (ptrdiff_t k = 0; k < rows; k++) jb->out[row[k] % n + n * (l + L * (row[k] / n))] = eta[k];
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
