/* Columns of several classes for a dense factor. With shares s of the rows' weights w the metric of a row is diag(s) - s s' / w, so that
 * for columns x, y of the classes k, l
 *
 *   z_x'z_y = sum_i h_ik x_i y_i  (k = l),   - sum_i (s_ik x_i) (s_il y_i) / w_i  (else),   h = s (1 - s / w) the diagonal.
 *
 * A slot of XA is [ s x / sqrt(w); Q0'z; sqrt(h) x ], two numbers for a row instead of one for each class, and Gram matrices cost 1 / K of
 * what whole columns cost. The projection off Q0 takes the products of the middle part away. Nothing else reads XA: products of the active
 * set go through the design. */
#include <math.h>
#include <string.h>

#include "../base/blas.h"
#include "../base/vec.h"
#include "qp.h"

#define FEW 8         /* new columns up to which products with the design are cheaper than BLAS 3 */
#define SPANNED 1e-13 /* share of a squared norm off the basis that is nothing but rounding */

/* Q0 = S U UR^-1 */
static void form_basis(sp_qp *q) {
  for (int h = 0; h < q->k0; h++) {
    const double *R = q->UR + (ptrdiff_t)h * q->k0;
    double *Q = q->Q0 + h * q->n;
    memcpy(Q, q->U + h * q->n, (size_t)q->n * sizeof *Q);
    q->view.root->ops->root(q->view.root, SP_ROOT, Q);
    for (int l = 0; l < h; l++) sp_axpy(-R[l], q->Q0 + l * q->n, Q, q->n);
    for (ptrdiff_t i = 0; i < q->n; i++) Q[i] = R[h] > 0 ? Q[i] / R[h] : 0;
  }
}

sp_status sp_qp_set_classed(sp_qp *q, int on) {
  const size_t n = (size_t)q->n;
  if (on == q->classed) return SP_OK;
  if (!on) form_basis(q);
  sp_free(q->ctx, q->XA);
  q->XA = NULL;
  q->classed = on;
  if (on) {
    const sp_status st = sp_scores_open(q);
    if (st != SP_OK) return st;
    if (!q->shares && !(q->shares = sp_calloc(q->ctx, n, sizeof *q->shares))) return SP_ENOMEM;
    const size_t columns = (size_t)q->p / (size_t)q->view.K;
    if (!q->seen) {
      if (!(q->seen = sp_alloc(q->ctx, columns + 1, sizeof *q->seen))) return SP_ENOMEM;
      for (size_t j = 0; j < columns; j++) q->seen[j] = -1;
    }
    if (!q->parts && !(q->parts = sp_alloc(q->ctx, 2 * (size_t)q->view.n * (size_t)q->k0 + 1, sizeof *q->parts))) return SP_ENOMEM;
  }
  q->XA = sp_alloc(q->ctx, (size_t)q->L * sp_qp_column_size(q) + 1, sizeof *q->XA);
  return q->XA ? SP_OK : SP_ENOMEM;
}

static int predictor(const sp_qp *q, int slot) {
  const int j = q->W[q->A[slot]];
  return j - sp_view_base(&q->view, j) * q->view.K;
}

/* the end of the run of slots of one predictor that begins at `slot` */
static int run(const sp_qp *q, int slot, int end) {
  const int h = predictor(q, slot);
  do slot++;
  while (slot < end && predictor(q, slot) == h);
  return slot;
}

void sp_classed_sort(sp_qp *q) {
  int *order = q->every, c = 0;
  for (int h = 0; h < q->view.K; h++) {
    for (int i = 0; i < q->a; i++) {
      if (predictor(q, i) == h) order[c++] = q->A[i];
    }
  }
  for (int i = 0; i < q->a; i++) {
    q->A[i] = order[i];
    q->ia[q->A[i]] = i;
  }
}

/* the two parts of column x of predictor h */
static void parts(const sp_qp *q, const double *x, int h, double *first, double *second) {
  const ptrdiff_t n = q->view.n;
  const double *s = q->shares + h * n, *d = q->diag + h * n, *w = q->view.root->w;
  for (ptrdiff_t i = 0; i < n; i++) {
    first[i] = s[i] * x[i] / sqrt(w[i]);
    second[i] = sqrt(d[i]) * x[i];
  }
}

/* of the intercept or unpenalized column h of the basis */
static int basis_predictor(const sp_qp *q, int h) {
  const int j = q->ucol[h];
  return j < 0 ? -1 - j : j - sp_view_base(&q->view, j) * q->view.K;
}

void sp_classed_basis(sp_qp *q) {
  const ptrdiff_t n = q->view.n;
  for (int h = 0; h < q->k0; h++) {
    const int own = basis_predictor(q, h);
    parts(q, q->U + h * q->n + own * n, own, q->parts + 2 * h * n, q->parts + (2 * h + 1) * n);
  }
}

void sp_classed_column(sp_qp *q, int slot, int k, double *raw, double *nx) {
  const ptrdiff_t n = q->view.n;
  const int j = q->W[k], own = j - sp_view_base(&q->view, j) * q->view.K;
  double *first = q->XA + (size_t)slot * sp_qp_column_size(q), *g = first + n, *second = g + q->k0, *x = q->e2;
  sp_view plain = q->view;
  plain.root = NULL;
  plain.sm = NULL;
  plain.K = 1;
  q->A[slot] = k; /* a new slot's predictor is asked for before it counts */
  sp_view_column(&plain, sp_view_base(&q->view, j), x);
  parts(q, x, own, first, second);
  *raw = *nx = sp_nrm2sq(second, n);
  for (int h = 0; h < q->k0; h++) {
    const double *u = q->parts + 2 * h * n;
    g[h] = basis_predictor(q, h) == own ? sp_dot(u + n, second, n) : -sp_dot(u, first, n);
  }
  sp_scores_solve(q, g, 0);
  *nx -= sp_nrm2sq(g, q->k0);
  if (*nx < SPANNED * *raw) *nx = 0;
}

/* One read of a column serves all its predictors. */
void sp_classed_dot(const sp_qp *q, int a, const double *full, const double *sums, double *out) {
  enum { COLUMNS = 64, MOST = 32 };
  const sp_view *v = &q->view;
  const int K = v->K;
  int idx[COLUMNS];
  double part[COLUMNS * MOST];
  int done = 0;
  if (K > MOST) {
    for (int i = 0; i < a; i++) q->acol[i] = q->W[q->A[i]];
    sp_view_dot_raw(v, q->acol, a, full, sums, out);
    return;
  }
  for (int i = 0; i < a; i++) q->acol[i] = 0;
  while (done < a) { /* the next columns that have not been read */
    int m = 0;
    for (int i = 0; i < a && m < COLUMNS; i++) {
      const int j = q->W[q->A[i]] / K;
      if (q->acol[i] || q->seen[j] >= 0) continue;
      q->seen[j] = m;
      idx[m++] = j;
    }
    v->design->ops->cols_dot(v->design, idx, 0, m, full, v->design->n, K, part, K);
    for (int i = 0; i < a; i++) {
      const int j = q->W[q->A[i]] / K, h = q->W[q->A[i]] - j * K;
      if (q->acol[i] || q->seen[j] < 0) continue;
      out[i] = (part[q->seen[j] * K + h] - v->mean[j] * sums[h]) * v->iscale[j];
      q->acol[i] = 1;
      done++;
    }
    for (int c = 0; c < m; c++) q->seen[idx[c]] = -1;
  }
}

void sp_classed_project(const sp_qp *q, double *x) {
  const sp_loss *l = q->view.root;
  double *fit = q->e2 + q->n, *z = q->e2 + 3 * q->n;
  memcpy(fit, x, (size_t)q->n * sizeof *fit);
  l->ops->root(l, SP_ROOT_T, fit);
  sp_scores_basis(q, fit, z);
  sp_scores_solve(q, z, 1);
  memset(fit, 0, (size_t)q->n * sizeof *fit);
  sp_scores_add(q, 1, z, fit);
  l->ops->root(l, SP_ROOT, fit);
  sp_axpy(-1, fit, x, q->n);
}

/* S (Z d - U UR^-1 (Q0'S Z) d), the product in brackets from the columns */
void sp_classed_fit(sp_qp *q, const double *d, double *out) {
  const size_t size = sp_qp_column_size(q);
  double *fit = q->e2 + q->n, *z = q->e2 + 3 * q->n;
  sp_view plain = q->view;
  if (!q->a) return;
  plain.root = NULL;
  plain.sm = NULL;
  for (int h = 0; h < q->k0; h++) z[h] = 0;
  for (int i = 0; i < q->a; i++) {
    const double *g = q->XA + (size_t)i * size + q->view.n;
    q->acol[i] = q->W[q->A[i]];
    for (int h = 0; h < q->k0; h++) z[h] += g[h] * d[i];
  }
  sp_scores_solve_upper(q, z);
  memset(fit, 0, (size_t)q->n * sizeof *fit);
  sp_view_axpy(&plain, q->acol, q->a, d, fit, q->vv, q->idx);
  sp_scores_add(q, -1, z, fit);
  q->view.root->ops->root(q->view.root, SP_ROOT, fit);
  sp_axpy(1, fit, out, q->n);
}

/* by the products of M z with the design */
static void cross_one(const sp_qp *q, int a, int slot, double *out) {
  const size_t size = sp_qp_column_size(q);
  const int j = q->W[q->A[slot]];
  const double *g = q->XA + (size_t)slot * size + q->view.n;
  double *z = q->e2 + q->n, *curve = z + q->n;
  sp_view plain = q->view;
  plain.root = NULL;
  plain.sm = NULL;
  sp_view_column(&plain, j, z);
  sp_scores_curve(q, z, curve);
  sp_view_scatter(&plain, curve, q->view.full, q->view.sums);
  sp_classed_dot(q, a, q->view.full, q->view.sums, out);
  for (int i = 0; i < a; i++) out[i] -= sp_dot(g, q->XA + (size_t)i * size + q->view.n, q->k0);
}

void sp_classed_cross(const sp_qp *q, int a, int from, int m, double *Z, int ld) {
  const int size = (int)sp_qp_column_size(q), n = (int)q->view.n, k0 = q->k0, both = n + k0;
  const double one = 1, zero = 0, minus = -1;
  const double *XE = q->XA + (size_t)from * (size_t)size;
  if (!a || !m) return;
  if (m <= FEW) { /* not worth another arrangement of all columns */
    for (int e = 0; e < m; e++) cross_one(q, a, from + e, Z + (ptrdiff_t)e * ld);
    return;
  }
  dgemm_("T", "N", &a, &m, &both, &minus, q->XA, &size, XE, &size, &zero, Z, &ld, 1, 1);
  for (int e = 0, to; e < m; e = to) {
    to = run(q, from + e, from + m) - from;
    const int columns = to - e;
    for (int i = 0, end; i < a; i = end) {
      end = run(q, i, a);
      if (predictor(q, i) != predictor(q, from + e)) continue;
      const int rows = end - i;
      const double *x = q->XA + (size_t)i * (size_t)size + n, *y = XE + (size_t)e * (size_t)size + n;
      double *out = Z + (ptrdiff_t)e * ld + i;
      dgemm_("T", "N", &rows, &columns, &n, &one, x + k0, &size, y + k0, &size, &zero, out, &ld, 1, 1);
      if (k0) dgemm_("T", "N", &rows, &columns, &k0, &minus, x, &size, y, &size, &one, out, &ld, 1, 1);
    }
  }
}

void sp_classed_gram(const sp_qp *q, int from, int m, double *C, int ld) {
  const int size = (int)sp_qp_column_size(q), n = (int)q->view.n, k0 = q->k0, both = n + k0;
  const double one = 1, zero = 0, minus = -1;
  const double *X = q->XA + (size_t)from * (size_t)size;
  dsyrk_("U", "T", &m, &both, &minus, X, &size, &zero, C, &ld, 1, 1);
  for (int i = 0, end; i < m; i = end) {
    end = run(q, from + i, from + m) - from;
    for (int e = i, to; e < m; e = to) {
      to = run(q, from + e, from + m) - from;
      if (predictor(q, from + e) != predictor(q, from + i)) continue;
      const int rows = end - i, columns = to - e;
      const double *x = X + (size_t)i * (size_t)size + n, *y = X + (size_t)e * (size_t)size + n;
      double *out = C + (ptrdiff_t)e * ld + i;
      if (e == i) {
        dsyrk_("U", "T", &rows, &n, &one, x + k0, &size, &zero, out, &ld, 1, 1);
        if (k0) dsyrk_("U", "T", &rows, &k0, &minus, x, &size, &one, out, &ld, 1, 1);
      } else {
        dgemm_("T", "N", &rows, &columns, &n, &one, x + k0, &size, y + k0, &size, &zero, out, &ld, 1, 1);
        if (k0) dgemm_("T", "N", &rows, &columns, &k0, &minus, x, &size, y, &size, &one, out, &ld, 1, 1);
      }
    }
  }
}
