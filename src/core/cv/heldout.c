#include "heldout.h"

#include <math.h>
#include <string.h>

#include "../base/par.h"
#include "../base/vec.h"

#define SNAP 1e-15

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


int sp_heldout_room(const sp_task *t, int l) { return (t->points[l].count + t->m.nu - t->m.nu0 + 1) * t->m.K; }

/* The value with `m` smaller ones, the first of equal ones. */
static int ranked(const double *v, int K, int m) {
  for (int k = 0; k < K; k++) {
    int less = 0, equal = 0;
    for (int h = 0; h < K; h++) {
      less += v[h] < v[k];
      equal += v[h] == v[k];
    }
    if (less <= m && m < less + equal) return k;
  }
  return 0;
}

/* The value at which half of the weight v is reached */
static double middle(const double *b, const double *v, int K) {
  double half = 0, best = INFINITY;
  for (int k = 0; k < K; k++) half += v[k] / 2;
  for (int k = 0; k < K; k++) {
    double upto = 0;
    for (int h = 0; h < K; h++) upto += b[h] <= b[k] ? v[h] : 0;
    if (upto >= half && b[k] < best) best = b[k];
  }
  return best;
}

/* Where only differences between the K coefficients of a column count: unpenalized ones sum to 0, and of those with an L1 penalty
 * alone the median is 0, by which the penalty is least: weighted by the factors, where each coefficient has its own, and not at all
 * where one of them is left out. Of the two middle ones of an even K it is that of the first class. */
static void settle_shift(const sp_model *m, double lambda, int base, double *v) {
  const int K = m->K, free_ = m->blocks ? m->wt[m->pen->groups->of[base]] == 0 : sp_model_factor(m, base * K) == 0;
  double shift = 0;
  if ((m->upper && isfinite(m->upper[base])) || (m->lower && isfinite(m->lower[base]))) return;
  if (!free_ && (m->pen->alpha < 1 || m->pen->ops->pieces) && lambda > 0) return; /* the ridge part settles it, or what is not convex */
  if (!free_ && m->blocks && m->pen->tau < 1 && lambda > 0) return; /* so do norms of blocks */
  for (int k = 0; k < K && m->v_own; k++) {
    if (!isfinite(m->v[base * K + k])) return;
  }
  if (free_ || m->pen->alpha == 0) {
    for (int k = 0; k < K; k++) shift += v[k] / K;
  } else if (m->v_own) {
    shift = middle(v, m->v + (ptrdiff_t)base * K, K);
  } else {
    const int lower = ranked(v, K, (K - 1) / 2), upper = ranked(v, K, K / 2);
    shift = v[lower < upper ? lower : upper];
  }
  for (int k = 0; k < K; k++) v[k] -= shift;
}

/* Nonzero coefficients of point l in standardized units, by increasing column; cols, vals [sp_heldout_room()] */
static int standardized(const sp_task *t, int l, int *cols, double *vals) {
  const sp_model *m = &t->m;
  const sp_point *pt = &t->points[l];
  const int K = m->K;
  int c = 0, sorted = 1, groups = 0, out = 0;
  for (int i = 0; i < pt->count; i++) {
    if (pt->b[i] != 0) cols[c] = pt->cols[i], vals[c++] = pt->b[i];
  }
  for (int h = m->nu0; h < m->nu; h++) {
    if (pt->gamma[h] != 0) cols[c] = m->ucol[h], vals[c++] = pt->gamma[h];
  }
  for (int i = 1; i < c; i++) sorted &= cols[i - 1] < cols[i];
  if (!sorted) heap_sort(cols, vals, c);
  if (!(m->loss.ops->flags & SP_LOSS_SHIFT_FREE)) return c;
  for (int i = 0; i < c; i++) groups += i == 0 || cols[i - 1] / K != cols[i] / K;
  for (int g = groups - 1, from = c - 1; g >= 0; g--) { /* all K of each column, from the last one on: nothing unread is overwritten */
    const int base = cols[from] / K;
    for (int k = K - 1; k >= 0; k--) {
      const int in = from >= 0 && cols[from] == base * K + k;
      vals[g * K + k] = in ? vals[from--] : 0;
      cols[g * K + k] = base * K + k;
    }
    settle_shift(m, pt->lambda, base, vals + g * K);
  }
  for (int i = 0; i < groups * K; i++) {
    if (vals[i] != 0) cols[out] = cols[i], vals[out++] = vals[i];
  }
  return out;
}

/* Those of centred columns, a0 [K] */
static void intercepts(const sp_task *t, const sp_point *pt, double *a0) {
  for (int k = 0; k < t->m.K; k++) a0[k] = 0;
  for (int h = 0; h < t->m.nu0; h++) a0[-1 - t->m.ucol[h]] += pt->gamma[h];
}

void sp_heldout_coef(const sp_task *t, int l, int *cols, double *vals, int *count, double *a0) {
  const sp_model *m = &t->m;
  const sp_point *pt = &t->points[l];
  const int K = m->K;
  intercepts(t, pt, a0);
  *count = standardized(t, l, cols, vals);
  for (int i = 0; i < *count; i++) {
    const int base = sp_model_base(m, cols[i]);
    const double scale = m->yscale ? m->yscale[cols[i] % K] : 1;
    double val = vals[i] * m->iscale[base] * scale;
    /* a limit that the solution stands at, but for rounding, is returned as it was given */
    if (m->upper && vals[i] > 0 && val >= m->upper[base] * (1 - SNAP)) val = m->upper[base];
    if (m->lower && vals[i] < 0 && val <= m->lower[base] * (1 - SNAP)) val = m->lower[base];
    vals[i] = val;
    a0[cols[i] - base * K] -= val / scale * m->mean[base];
  }
  for (int k = 0; k < K && m->yscale; k++) a0[k] *= m->yscale[k];
  if ((m->loss.ops->flags & SP_LOSS_SHIFT_FREE) && m->nu0) {
    double mean = 0;
    for (int k = 0; k < K; k++) mean += a0[k] / K;
    for (int k = 0; k < K; k++) a0[k] -= mean;
  }
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
  int cols = 0, room = 1;
  for (ptrdiff_t i = 0; i < n * jb->R; i++) rows += jb->which[i] == task + 1;
  if (!rows) return SP_OK;
  int *slot = sp_alloc(path->ctx, (size_t)p, sizeof *slot);
  ptrdiff_t *row = sp_alloc(path->ctx, (size_t)rows, sizeof *row);
  for (int l = 0; l < L; l++) room = sp_heldout_room(t, l) > room ? sp_heldout_room(t, l) : room;
  int *at = sp_alloc(path->ctx, (size_t)room, sizeof *at);
  double *x = sp_alloc(path->ctx, (size_t)n, sizeof *x), *xs = NULL, *eta = sp_alloc(path->ctx, (size_t)(rows * K), sizeof *eta),
         *b = sp_alloc(path->ctx, (size_t)(room + K), sizeof *b), *a0 = b ? b + room : NULL;
  if (!slot || !row || !x || !eta || !at || !b) {
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
    memset(eta, 0, (size_t)(rows * K) * sizeof *eta);
    const int count = standardized(t, l, at, b);
    intercepts(t, pt, a0);
    if ((t->m.loss.ops->flags & SP_LOSS_SHIFT_FREE) && t->m.nu0) { /* the level that sp_heldout_coef() gives the intercepts */
      double level = 0;
      for (int k = 0; k < K; k++) level += a0[k] / K;
      for (int i = 0; i < count; i++) {
        const int j = sp_model_base(&t->m, at[i]);
        level -= b[i] * t->m.iscale[j] * t->m.mean[j] / K;
      }
      for (int k = 0; k < K; k++) a0[k] -= level;
    }
    for (ptrdiff_t k = 0; k < rows * K; k++) eta[k] += a0[k / rows];
    for (int i = 0; i < count; i++) {
      const int j = sp_model_base(&t->m, at[i]);
      sp_axpy(b[i], xs + slot[j] * rows, eta + (at[i] - j * K) * rows, rows);
    }
    for (ptrdiff_t k = 0; k < rows * K && t->m.yscale; k++) eta[k] *= t->m.yscale[k / rows];
    for (ptrdiff_t k = 0; k < rows * K && path->spec.offset; k++) eta[k] += path->spec.offset[row[k % rows] % n + n * (k / rows)];
    for (ptrdiff_t k = 0; k < rows * K; k++) {
      const ptrdiff_t i = row[k % rows];
      jb->out[i % n + n * (k / rows + K * (l + L * (i / n)))] = eta[k];
    }
  }
done:
  sp_free(path->ctx, slot);
  sp_free(path->ctx, row);
  sp_free(path->ctx, at);
  sp_free(path->ctx, b);
  sp_free(path->ctx, x);
  sp_free(path->ctx, xs);
  sp_free(path->ctx, eta);
  return st;
}

sp_status sp_heldout_predict(sp_path *path, const int *which, int R, double *out) {
  job jb = {path, which, R, out};
  return sp_par_for(path->ctx, path->spec.B, predict_task, &jb);
}
