/* The maintained factor P'P = XA'XA + K of the active set (P upper triangular, leading dimension L).
 * A factor, never the inverse: after a tiny pivot the inverse holds huge entries whose later cancellation leaves an absolute error
 * for good, while dropping a column by Givens rotations is backward stable. */
#include <math.h>
#include <string.h>

#include "../base/blas.h"
#include "../base/vec.h"
#include "block.h"

/* A pivot below this fraction of the column's norm is recomputed from the explicit remainder. */
#define PIVOT_DOUBT 1e-3
/* A block with a relative squared pivot below this is added one column at a time, with the accurate test. */
#define PIVOT_BLOCK 1e-4

/* Column by column; for the short columns of most active sets a BLAS call costs more than the work. */
void sp_factor_solve(const sp_qp *q, double *x) {
  const int a = q->a;
  for (int i = 0; i < a; i++) {
    const double *col = q->P + (ptrdiff_t)i * q->L;
    x[i] = (x[i] - sp_dot(col, x, i)) / col[i];
  }
  for (int i = a - 1; i >= 0; i--) {
    const double *col = q->P + (ptrdiff_t)i * q->L;
    x[i] /= col[i];
    sp_axpy(-x[i], col, x, i);
  }
}

void sp_active_t(sp_qp *q, const double *x, double *out) {
  if (q->packed) {
    sp_block_products(q, x, out);
    return;
  }
  if (q->classed) { /* x has been projected */
    sp_view_scatter(&q->view, x, q->view.full, q->view.sums);
    sp_classed_dot(q, q->a, q->view.full, q->view.sums, out);
    return;
  }
  if (!q->iterative) {
    sp_gemv_t(q->XA, q->n, q->n, q->a, x, out);
    return;
  }
  if (q->scores) { /* what x is made of has been projected */
    q->sub.ops->cols_dot(&q->sub, NULL, 0, q->a, x, q->n, 1, out, 1);
    return;
  }
  /* the projection is taken off x once instead of off every column; it centres them too */
  double *z = q->e2;
  memcpy(z, x, (size_t)q->n * sizeof *z);
  sp_qp_project(q, z);
  q->sub.ops->cols_dot(&q->sub, NULL, 0, q->a, z, q->n, 1, out, 1);
}

/* With several predictors a column of XA is K times as long as that of the design: products of the latter are cheaper. They centre by
 * algebra, and must not where that cancels. */
static int by_design(const sp_qp *q) {
  if (q->view.K == 1 || !q->view.root || q->iterative || !q->a) return 0;
  for (int i = 0; i < q->a; i++) {
    if (sp_view_shifted(&q->view, q->W[q->A[i]])) return 0;
  }
  return 1;
}

void sp_active_corr(sp_qp *q, int m) {
  if (q->classed) {
    for (int i = 0; i < m; i++) q->idx[i] = q->W[q->V[i]];
    sp_view_scatter(&q->view, q->r, q->view.full, q->view.sums);
    sp_view_dot_raw(&q->view, q->idx, m, q->view.full, q->view.sums, q->val);
    sp_classed_dot(q, q->a, q->view.full, q->view.sums, q->g);
    q->n_dots += m + q->a;
  } else if (by_design(q)) { /* all in one */
    memcpy(q->V + m, q->A, (size_t)q->a * sizeof *q->V);
    sp_qp_corr(q, q->V, m + q->a, q->r, q->val);
    memcpy(q->g, q->val + m, (size_t)q->a * sizeof *q->g);
  } else {
    sp_qp_corr(q, q->V, m, q->r, q->val);
    sp_active_t(q, q->r, q->g);
  }
}

void sp_active_n(sp_qp *q, const double *d, double *out) {
  if (q->classed) {
    sp_classed_fit(q, d, out);
    return;
  }
  if (by_design(q)) {
    for (int i = 0; i < q->a; i++) q->acol[i] = q->W[q->A[i]];
    sp_view_axpy(&q->view, q->acol, q->a, d, out, q->vv, q->idx);
    sp_qp_project(q, out);
    return;
  }
  if (q->packed) {
    sp_block_fit(q, d, out);
    return;
  }
  if (!q->iterative) {
    sp_gemv_n(q->XA, q->n, q->n, q->a, d, out);
    return;
  }
  double *z = q->e2;
  memset(z, 0, (size_t)q->n * sizeof *z);
  q->sub.ops->cols_axpy(&q->sub, q->every, q->a, d, z);
  if (q->scores) {
    sp_scores_fit(q, z, out);
    return;
  }
  sp_qp_project(q, z);
  sp_axpy(1, z, out, q->n);
}

/* Slots in the order of predictors and of the lengths of their columns: loops over short columns cost what the processor mispredicts
 * of their ends. An iterative qp has no factor that would care. */
static void order_by_length(sp_qp *q) {
  enum { LONG = 256 };
  const sp_design *d = q->view.design;
  int *order = q->every, done = 0;
  for (int h = 0; h < q->view.K; h++) {
    int start[LONG + 2] = {0};
    for (int pass = 0; pass < 2; pass++) {
      for (int i = 0; i < q->a; i++) {
        const int j = sp_view_base(&q->view, q->W[q->A[i]]);
        if (q->view.K > 1 && q->W[q->A[i]] - j * q->view.K != h) continue;
        const ptrdiff_t len = d->ops->cols_entries(d, &j, 1);
        const int bin = len < LONG ? (int)len : LONG;
        if (pass) order[done + start[bin]++] = q->A[i];
        else start[bin + 1]++;
      }
      for (int b = 0; !pass && b <= LONG; b++) start[b + 1] += start[b];
    }
    done += start[LONG + 1];
  }
  for (int i = 0; i < q->a; i++) {
    q->A[i] = order[i];
    q->ia[q->A[i]] = i;
  }
}

/* the stored columns into q->sub, of which the rows of predictor k are k n and following */
static sp_status copy_columns(sp_qp *q) {
  sp_status st = SP_OK;
  const sp_design *d = q->view.design;
  const int n = (int)q->view.n;
  for (int i = 0; i < q->a; i++) {
    q->acol[i] = sp_view_base(&q->view, q->W[q->A[i]]);
    q->every[i] = i;
  }
  const size_t need = (size_t)d->ops->cols_entries(d, q->acol, q->a) + 1;
  if (need > q->cap_sub) {
    const size_t to = need + need / 4;
    SP_TRY(sp_grow(q->ctx, &q->sub_i, q->cap_sub, to, sizeof *q->sub_i));
    SP_TRY(sp_grow(q->ctx, &q->sub_x, q->cap_sub, to, sizeof *q->sub_x));
    q->cap_sub = to;
  }
  d->ops->cols_copy(d, q->acol, q->a, q->row_of, q->sub_ptr, q->sub_i, q->sub_x);
  for (int i = 0; i < q->a; i++) {
    const double is = q->view.iscale[q->acol[i]];
    const int from = (q->W[q->A[i]] - q->acol[i] * q->view.K) * n;
    for (int e = q->sub_ptr[i]; e < q->sub_ptr[i + 1]; e++) {
      q->sub_x[e] *= q->scores ? is : is * q->view.sm[q->sub_i[e]];
      q->sub_i[e] += from;
    }
  }
done:
  return st;
}

sp_status sp_active_refresh(sp_qp *q) {
  if (!q->iterative) return SP_OK;
  sp_status st = SP_OK;
  if (!q->sub_fresh) {
    order_by_length(q);
    SP_TRY(copy_columns(q));
    q->sub.ops = &sp_design_csc;
    q->sub.n = q->n;
    q->sub.p = q->a;
    q->sub.x = q->sub_x;
    q->sub.i = q->sub_i;
    q->sub.ptr = q->sub_ptr;
    q->diag_fresh = 0;
  }
  q->sub_fresh = 1;
  if (q->scores && !q->diag_fresh) sp_scores_diagonal(q);
  q->diag_fresh = 1;
done:
  return st;
}

sp_status sp_qp_set_iterative(sp_qp *q, int on) {
  int failed;
  if (on == q->iterative) return SP_OK;
  q->iterative = on;
  q->classed = 0;
  if (on) {
    sp_free(q->ctx, q->XA);
    sp_free(q->ctx, q->P);
    q->XA = q->P = NULL;
    q->L = 0;
    q->sub_fresh = 0;
    q->scores = q->view.root != NULL;
    if (q->scores) {
      const sp_status opened = sp_scores_open(q);
      if (opened != SP_OK) return opened;
    }
    if (!q->e2 && !(q->e2 = sp_alloc(q->ctx, (size_t)q->n, sizeof *q->e2))) return SP_ENOMEM;
    if (q->view.rows && !q->row_of) {
      const ptrdiff_t n = q->view.design->n;
      if (!(q->row_of = sp_alloc(q->ctx, (size_t)n, sizeof *q->row_of))) return SP_ENOMEM;
      for (ptrdiff_t i = 0; i < n; i++) q->row_of[i] = -1;
      for (ptrdiff_t i = 0; i < q->view.n; i++) q->row_of[q->view.rows[i]] = (int)i;
    }
    return sp_active_refresh(q);
  }
  sp_status st = sp_qp_reserve_active(q, q->a);
  if (st == SP_OK) st = sp_factor_reload(q, &failed);
  if (st == SP_OK && failed) st = sp_qp_from_b(q); /* one by one, with the test of dependence */
  return st;
}

static int cholesky(sp_qp *q) {
  const int a = q->a, n = (int)q->n;
  const double one = 1, zero = 0;
  int info = 0;
  if (q->classed) sp_classed_gram(q, 0, a, q->P, q->L);
  else dsyrk_("U", "T", &a, &n, &one, q->XA, &n, &zero, q->P, &q->L, 1, 1);
  for (int i = 0; i < a; i++) q->P[(ptrdiff_t)i * q->L + i] += q->k[q->A[i]];
  dpotrf_("U", &a, q->P, &q->L, &info, 1);
  return info != 0;
}

/* P from the QR factorization of [XA; sqrt(K)]: works to condition numbers where XA'XA is numerically singular */
static sp_status householder(sp_qp *q, int *failed) {
  sp_status st = SP_OK;
  const int a = q->a, m = (int)q->n + a, lwork = 64 * a;
  int info = 0;
  double *T = sp_calloc(q->ctx, (size_t)m * (size_t)a, sizeof *T);
  double *tau = sp_alloc(q->ctx, (size_t)a + (size_t)lwork, sizeof *tau);
  if (!T || !tau) {
    st = SP_ENOMEM;
    goto done;
  }
  for (int i = 0; i < a; i++) {
    memcpy(T + (ptrdiff_t)i * m, q->XA + (ptrdiff_t)i * q->n, (size_t)q->n * sizeof *T);
    T[(ptrdiff_t)i * m + q->n + i] = sqrt(q->k[q->A[i]]);
  }
  dgeqrf_(&m, &a, T, &m, tau, tau + a, &lwork, &info);
  *failed = info != 0;
  for (int i = 0; i < a; i++) {
    const double *t = T + (ptrdiff_t)i * m;
    double *col = q->P + (ptrdiff_t)i * q->L;
    for (int j = 0; j <= i; j++) col[j] = t[j];
    if (!(fabs(col[i]) > 1e-14 * sqrt(q->nx[i] + q->k[q->A[i]]))) *failed = 1;
  }
done:
  sp_free(q->ctx, T);
  sp_free(q->ctx, tau);
  return st;
}

sp_status sp_factor_rebuild(sp_qp *q, int *failed) {
  *failed = 0;
  if (q->iterative) return SP_OK;
  q->stale = 0;
  q->kappaP = q->kappa;
  if (!q->a) return SP_OK;
  q->n_rebuild++;
  if (!cholesky(q)) return SP_OK;
  if (q->classed) {
    const sp_status st = sp_qp_set_classed(q, 0);
    return st == SP_OK ? sp_factor_reload(q, failed) : st;
  }
  return householder(q, failed);
}

sp_status sp_factor_reload(sp_qp *q, int *failed) {
  *failed = 0;
  q->sub_fresh = q->scores && q->sub_fresh; /* its columns are free of the metric, */
  q->diag_fresh = 0;                        /* their norms are not */
  if (q->iterative) return sp_active_refresh(q);
  if (q->classed) {
    double raw;
    sp_classed_basis(q);
    sp_classed_sort(q);
    for (int i = 0; i < q->a; i++) sp_classed_column(q, i, q->A[i], &raw, &q->nx[i]);
  }
  for (int i = 0; i < q->a && !q->classed; i++) {
    double *x = q->XA + (ptrdiff_t)i * q->n;
    sp_view_column(&q->view, q->W[q->A[i]], x);
    sp_qp_project(q, x);
    q->nx[i] = sp_nrm2sq(x, q->n);
  }
  return sp_factor_rebuild(q, failed);
}

static void fit_active(sp_qp *q, const double *d, double *out) {
  memset(out, 0, (size_t)q->n * sizeof *out);
  sp_active_n(q, d, out);
}

static void take(sp_qp *q, int k, double sign) {
  q->sub_fresh = 0;
  q->A[q->a] = k;
  q->ia[k] = q->a++;
  q->s[k] = sign;
  q->st[k] = SP_FREE;
}

/* Rank cap: without a ridge no more columns than dimensions; nothing else may decide there. */
static int rank_full(const sp_qp *q, int more) { return !q->has_ridge && q->a + more > q->rank - q->k0; }

sp_status sp_factor_add(sp_qp *q, int k, double sign, int *dependent) {
  const sp_status st = sp_qp_reserve_active(q, q->a + 1);
  if (st != SP_OK) return st;
  const int a = q->a, L = q->L, one = 1;
  const ptrdiff_t n = q->n;
  double *x = q->classed ? q->e2 : q->XA + a * n, *w = q->w, raw, nx;
  *dependent = 0;
  if (q->iterative) { /* apart from the rank cap, dependence shows as a solve that does not converge */
    if (rank_full(q, 1)) *dependent = 1;
    else take(q, k, sign);
    return SP_OK;
  }
  if (q->classed) {
    sp_classed_column(q, a, k, &raw, &nx);
    sp_classed_cross(q, a, a, 1, q->g, a);
  } else {
    sp_view_column(&q->view, q->W[k], x);
    raw = sp_nrm2sq(x, n);
    sp_qp_project(q, x);
    nx = sp_nrm2sq(x, n);
    sp_active_t(q, x, q->g);
  }
  const double scale = nx + q->k[k];
  memcpy(w, q->g, (size_t)a * sizeof *w);
  sp_factor_solve(q, w);
  double pivot = scale - sp_dot(q->g, w, a);
  if (a && pivot < PIVOT_DOUBT * scale) {
    /* sum of non-negative terms instead of a difference; one correction of w in between */
    if (q->classed) {
      sp_view_column(&q->view, q->W[k], x);
      sp_qp_project(q, x);
    }
    for (int rep = 0; rep < 2; rep++) {
      fit_active(q, w, q->e);
      for (ptrdiff_t i = 0; i < n; i++) q->e[i] = x[i] - q->e[i];
      pivot = sp_nrm2sq(q->e, n) + q->k[k];
      for (int i = 0; i < a; i++) pivot += q->k[q->A[i]] * w[i] * w[i];
      if (rep == 0) {
        sp_active_t(q, q->e, q->d);
        for (int i = 0; i < a; i++) q->d[i] -= q->k[q->A[i]] * w[i];
        sp_factor_solve(q, q->d);
        for (int i = 0; i < a; i++) w[i] += q->d[i];
      }
    }
  }
  /* in the span of the unpenalized columns: it can contribute nothing */
  if (!(nx > 1e-18 * raw)) {
    *dependent = 2;
    return SP_OK;
  }
  const int full = rank_full(q, 1);
  if (full || !(pivot > SP_DEPENDENT * scale)) {
    q->n_dependent++;
    *dependent = 1;
    return SP_OK;
  }
  double *col = q->P + (ptrdiff_t)a * L;
  memcpy(col, w, (size_t)a * sizeof *col);
  if (a) dtrmv_("U", "N", "N", &a, q->P, &L, col, &one, 1, 1, 1);
  col[a] = sqrt(pivot);
  q->nx[a] = nx;
  take(q, k, sign);
  return SP_OK;
}

void sp_factor_drop(sp_qp *q, int slot, int state) {
  const int a = q->a, L = q->L, k = q->A[slot];
  double *cs = q->h1, *sn = q->h2;
  q->ia[k] = -1;
  q->st[k] = (char)state;
  if (q->iterative) {
    q->sub_fresh = 0;
    for (int c = slot; c < a - 1; c++) {
      q->A[c] = q->A[c + 1];
      q->ia[q->A[c]] = c;
    }
    q->a = a - 1;
    memset(q->blk, 0, (size_t)q->nW);
    return;
  }
  for (int c = slot; c < a - 1; c++) {
    double *to = q->P + (ptrdiff_t)c * L;
    const double *from = q->P + (ptrdiff_t)(c + 1) * L;
    memcpy(to, from, (size_t)(c + 2) * sizeof *to);
    for (int i = slot; i < c; i++) {
      const double x = to[i], y = to[i + 1];
      to[i] = cs[i] * x + sn[i] * y;
      to[i + 1] = cs[i] * y - sn[i] * x;
    }
    const double x = to[c], y = to[c + 1], h = hypot(x, y);
    cs[c] = h > 0 ? x / h : 1;
    sn[c] = h > 0 ? y / h : 0;
    to[c] = h;
    q->A[c] = q->A[c + 1];
    q->ia[q->A[c]] = c;
    q->nx[c] = q->nx[c + 1];
  }
  const size_t size = sp_qp_column_size(q);
  memmove(q->XA + (size_t)slot * size, q->XA + (size_t)(slot + 1) * size, size * (size_t)(a - 1 - slot) * sizeof(double));
  q->a = a - 1;
  if (q->nW) memset(q->blk, 0, (size_t)q->nW);
}

sp_status sp_factor_add_block(sp_qp *q, const int *ks, const double *signs, int m, int *refused) {
  *refused = 1;
  if (rank_full(q, m)) return SP_OK;
  const sp_status st = sp_qp_reserve_active(q, q->a + m);
  if (st != SP_OK) return st;
  if (q->iterative) {
    for (int e = 0; e < m; e++) take(q, ks[e], signs[e]);
    *refused = 0;
    return SP_OK;
  }
  const int a = q->a, L = q->L, n = (int)q->n;
  const double one = 1, zero = 0, minus = -1;
  double *XE = q->classed ? q->XA : q->XA + a * q->n, *Z = q->P + (ptrdiff_t)a * L, *C = Z + a;
  int info = 0;
  for (int e = 0; e < m; e++) {
    double *x = q->classed ? XE : XE + e * q->n, raw;
    if (q->classed) {
      sp_classed_column(q, a + e, ks[e], &raw, &q->nx[a + e]);
    } else {
      sp_view_column(&q->view, q->W[ks[e]], x);
      raw = sp_nrm2sq(x, n);
      sp_qp_project(q, x);
      q->nx[a + e] = sp_nrm2sq(x, n);
    }
    if (!(q->nx[a + e] > 1e-18 * raw)) return SP_OK;
  }
  if (q->classed) sp_classed_gram(q, a, m, C, L);
  else dsyrk_("U", "T", &m, &n, &one, XE, &n, &zero, C, &L, 1, 1);
  for (int e = 0; e < m; e++) C[(ptrdiff_t)e * L + e] += q->k[ks[e]];
  if (a) {
    if (q->classed) sp_classed_cross(q, a, a, m, Z, L);
    else dgemm_("T", "N", &a, &m, &n, &one, q->XA, &n, XE, &n, &zero, Z, &L, 1, 1);
    dtrsm_("L", "U", "T", "N", &a, &m, &one, q->P, &L, Z, &L, 1, 1, 1, 1);
    dsyrk_("U", "T", &m, &a, &minus, Z, &L, &one, C, &L, 1, 1);
  }
  dpotrf_("U", &m, C, &L, &info, 1);
  if (info) return SP_OK;
  for (int e = 0; e < m; e++) {
    const double piv = C[(ptrdiff_t)e * L + e];
    if (piv * piv < PIVOT_BLOCK * (q->nx[a + e] + q->k[ks[e]])) return SP_OK;
  }
  for (int e = 0; e < m; e++) take(q, ks[e], signs[e]);
  *refused = 0;
  return SP_OK;
}

static void precondition(const sp_qp *q, const double *h, double *z) {
  if (q->scores) {
    for (int i = 0; i < q->a; i++) z[i] = h[i] / q->nx[i];
  } else if (!q->iterative) {
    memcpy(z, h, (size_t)q->a * sizeof *z);
    sp_factor_solve(q, z);
  }
}

/* Conjugate gradients for H d = rhs until the largest residual is below `tol`; preconditioned by the factor when there is one, by the
 * diagonal where columns are not of unit length. d starts at `d` as given. Returns the number of steps, -1 when it broke down. */
static int conjugate_gradients(sp_qp *q, const double *rhs, double tol, int max_steps) {
  const int a = q->a;
  double *h = q->h1, *z = !q->iterative || q->scores ? q->h2 : q->h1, *pd = q->h3, *hp = q->g;
  fit_active(q, q->d, q->u);
  sp_active_t(q, q->u, h);
  for (int i = 0; i < a; i++) h[i] = rhs[i] - h[i] - q->k[q->A[i]] * q->d[i];
  precondition(q, h, z);
  memcpy(pd, z, (size_t)a * sizeof *pd);
  double rz = sp_dot(h, z, a);
  for (int it = 0; it < max_steps; it++) {
    double m = 0;
    for (int i = 0; i < a; i++) m = sp_max(m, fabs(h[i]));
    if (m <= tol) return it;
    if (!(rz > 0)) return -1;
    q->n_cg++;
    fit_active(q, pd, q->e);
    sp_active_t(q, q->e, hp);
    double curv = q->scores ? sp_dot(hp, pd, a) : sp_nrm2sq(q->e, q->n), size = q->scores ? 0 : sp_nrm2sq(pd, a);
    for (int i = 0; i < a; i++) {
      hp[i] += q->k[q->A[i]] * pd[i];
      curv += q->k[q->A[i]] * pd[i] * pd[i];
      if (q->scores) size += q->nx[i] * pd[i] * pd[i];
    }
    if (!(curv > 1e-14 * size)) return -1; /* a flat direction: dependent columns */
    const double al = rz / curv;
    sp_axpy(al, pd, q->d, a);
    sp_axpy(-al, hp, h, a);
    sp_axpy(al, q->e, q->u, q->n);
    precondition(q, h, z);
    const double rz2 = sp_dot(h, z, a), be = rz2 / rz;
    rz = rz2;
    for (int i = 0; i < a; i++) pd[i] = z[i] + be * pd[i];
  }
  return max_steps;
}

/* H d = rhs. With an exact factor one solve; with a stale one (the ridge term has moved) conjugate gradients
 * preconditioned by it, which need a handful of steps as long as lambda has moved by less than a third; without a factor
 * plain conjugate gradients to the tolerance asked for. */
sp_status sp_qp_solve_active(sp_qp *q, const double *rhs, int *trouble) {
  const int a = q->a;
  *trouble = 0;
  if (q->iterative) {
    const sp_status st = sp_active_refresh(q);
    if (st != SP_OK) return st;
    memset(q->d, 0, (size_t)a * sizeof *q->d);
    const int steps = conjugate_gradients(q, rhs, q->tol, 2000);
    *trouble = steps < 0 || steps == 2000;
    return SP_OK;
  }
  if (q->stale == 2) {
    const sp_status st = sp_factor_rebuild(q, trouble);
    if (st != SP_OK) return st;
  }
  memcpy(q->d, rhs, (size_t)a * sizeof *rhs);
  sp_factor_solve(q, q->d);
  fit_active(q, q->d, q->u);
  if (!q->stale || !a) return SP_OK;
  double scale = 0;
  for (int i = 0; i < a; i++) scale = fmax(scale, fabs(rhs[i]));
  if (conjugate_gradients(q, rhs, 1e-13 * scale, 12) > 5) q->stale = 2;
  return SP_OK;
}
