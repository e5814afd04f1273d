/* Dual semismooth Newton for ridge-type problems whose active set outgrows n: the unknown is the residual r in n dimensions,
 *   minimize over r (Q0'r = 0)   |r|^2 / 2 - y'r + sum_k phi_k(z_k'r),   b_k = phi_k'(c) = clip(S(c, t_k) / k_k),
 * with Newton matrix I + Z_S K_S^-1 Z_S'. The sum over the free set S, without metric and lambda, is kept and updated by
 * the columns that change, so one n x n Cholesky factorization per step is all that remains. Globally convergent by line search;
 * the relative of Li, Sun & Toh (2018). Poor near alpha = 1, where k is tiny: the caller does not use it there. */
#include <math.h>
#include <string.h>

#include "../base/blas.h"
#include "../base/vec.h"
#include "qp.h"

#define MAX_STEPS 60
#define REBUILD_AFTER 60 /* calls between fresh sums, against drift of up- and downdates */
#define BLOCK 128        /* columns gathered at a time */

static double coefficient(const sp_qp *q, int k, double c) {
  const double t = q->t[k], z = c > t ? c - t : c < -t ? c + t : 0;
  const double b = z / q->k[k];
  return b > q->hi[k] ? q->hi[k] : b < q->lo[k] ? q->lo[k] : b;
}

/* phi(r); c and b over the working set go to q->av and bn */
static double dual_value(sp_qp *q, const double *y, const double *r, double *bn) {
  double f = sp_nrm2sq(r, q->n) / 2 - sp_dot(y, r, q->n);
  sp_view_dot(&q->view, q->W, q->nW, r, q->av);
  q->n_dots += q->nW;
  for (int k = 0; k < q->nW; k++) {
    const double c = q->av[k], t = q->t[k], z = c > t ? c - t : c < -t ? c + t : 0, b = coefficient(q, k, c);
    bn[k] = b;
    f += z * b - q->k[k] * b * b / 2;
  }
  return f;
}

/* Bring q->K up to date with the free set of bn; *changed counts the columns that moved in or out. */
static sp_status update_sum(sp_qp *q, const double *bn, double *buf, int *changed) {
  const int n = (int)q->n;
  const double one = 1, minus = -1;
  sp_view plain = q->view;
  plain.sm = NULL;
  plain.root = NULL;
  *changed = 0;
  for (int leaving = 0; leaving < 2; leaving++) {
    int m = 0;
    for (int k = 0; k <= q->nW; k++) {
      if (k < q->nW) {
        const int j = q->W[k], in = bn[k] != 0 && bn[k] < q->hi[k] && bn[k] > q->lo[k];
        if (in == q->inK[j] || in == leaving) continue;
        double *x = buf + (ptrdiff_t)m * n;
        const double sc = 1 / sqrt(q->kv[k]);
        sp_view_column(&plain, j, x);
        for (int i = 0; i < n; i++) x[i] *= sc;
        q->inK[j] = (char)in;
        m++;
        ++*changed;
      }
      if (m == BLOCK || (k == q->nW && m)) {
        dsyrk_("L", "N", &n, &m, leaving ? &minus : &one, buf, &n, &one, q->K, &n, 1, 1);
        m = 0;
      }
    }
    /* columns no longer in the working set would stay in the sum: the caller never compacts in dual mode */
  }
  return SP_OK;
}

/* M = S K S' from the lower triangle of K: S K, transposed, times S from the left again */
static void in_metric(const sp_qp *q, double *M) {
  const ptrdiff_t n = q->n;
  const sp_loss *loss = q->view.root;
  for (ptrdiff_t j = 0; j < n; j++) {
    for (ptrdiff_t i = 0; i < n; i++) M[j * n + i] = i < j ? q->K[i * n + j] : q->K[j * n + i];
    loss->ops->root(loss, SP_ROOT, M + j * n);
  }
  for (ptrdiff_t j = 0; j < n; j++) {
    for (ptrdiff_t i = 0; i < j; i++) {
      const double x = M[j * n + i];
      M[j * n + i] = M[i * n + j];
      M[i * n + j] = x;
    }
  }
  for (ptrdiff_t j = 0; j < n; j++) loss->ops->root(loss, SP_ROOT, M + j * n);
}

/* M = I + S K S' / kappa (lower), factored; then QM = M^-1 Q0 and the small matrix of the constraint */
static int factor_newton(const sp_qp *q, double *M, double *QM, double *S) {
  const int n = (int)q->n;
  int info = 0;
  if (q->view.root) in_metric(q, M);
  for (int j = 0; j < n && q->view.root; j++) {
    for (int i = j; i < n; i++) M[(ptrdiff_t)j * n + i] /= q->kappa;
    M[(ptrdiff_t)j * n + j] += 1;
  }
  for (int j = 0; j < n && !q->view.root; j++) {
    const double dj = (q->view.sm ? q->view.sm[j] : 1) / q->kappa;
    for (int i = j; i < n; i++) {
      M[(ptrdiff_t)j * n + i] = q->K[(ptrdiff_t)j * n + i] * dj * (q->view.sm ? q->view.sm[i] : 1);
    }
    M[(ptrdiff_t)j * n + j] += 1;
  }
  dpotrf_("L", &n, M, &n, &info, 1);
  if (info || !q->k0) return info;
  memcpy(QM, q->Q0, (size_t)n * (size_t)q->k0 * sizeof *QM);
  dpotrs_("L", &n, &q->k0, M, &n, QM, &n, &info, 1);
  for (int j = 0; j < q->k0; j++) sp_gemv_t(q->Q0, n, n, q->k0, QM + (ptrdiff_t)j * n, S + (ptrdiff_t)j * q->k0);
  dpotrf_("L", &q->k0, S, &q->k0, &info, 1);
  return info;
}

static void newton_direction(const sp_qp *q, const double *M, const double *QM, const double *S, const double *grad,
                             double *dr, double *small) {
  const int n = (int)q->n, one = 1;
  int info;
  memcpy(dr, grad, (size_t)n * sizeof *dr);
  dpotrs_("L", &n, &one, M, &n, dr, &n, &info, 1);
  if (q->k0) {
    sp_gemv_t(q->Q0, n, n, q->k0, dr, small);
    dpotrs_("L", &q->k0, &one, S, &q->k0, small, &q->k0, &info, 1);
    for (int h = 0; h < q->k0; h++) sp_axpy(-small[h], QM + (ptrdiff_t)h * n, dr, n);
    sp_qp_project(q, dr);
  }
}

static void fit_of(sp_qp *q, const double *bn, double *out) {
  memset(out, 0, (size_t)q->n * sizeof *out);
  sp_view_axpy(&q->view, q->W, q->nW, bn, out, q->vv, q->ent);
  sp_qp_project(q, out);
}

sp_status sp_dual(sp_qp *q, const double *y, int *ok) {
  sp_status st = SP_OK;
  const size_t n = (size_t)q->n, k0 = (size_t)q->k0;
  *ok = 0;
  if (!q->K) {
    q->K = sp_alloc(q->ctx, n * n, sizeof *q->K);
    q->inK = sp_calloc(q->ctx, (size_t)q->p, 1);
    q->ageK = REBUILD_AFTER;
    if (!q->K || !q->inK) return SP_ENOMEM;
  }
  double *M = sp_alloc(q->ctx, n * n, sizeof *M), *buf = sp_alloc(q->ctx, n * BLOCK, sizeof *buf);
  double *bn = sp_alloc(q->ctx, 2 * (size_t)q->nW + 1, sizeof *bn);
  double *v = sp_alloc(q->ctx, 3 * n + n * k0 + k0 * k0 + k0, sizeof *v);
  if (!M || !buf || !bn || !v) {
    st = SP_ENOMEM;
    goto done;
  }
  double *grad = v, *dr = v + n, *rn = v + 2 * n, *QM = v + 3 * n, *S = QM + n * k0, *small = S + k0 * k0;
  if (q->ageK >= REBUILD_AFTER) {
    memset(q->K, 0, n * n * sizeof *q->K);
    memset(q->inK, 0, (size_t)q->p);
    q->ageK = 0;
  }
  q->ageK++;
  for (int i = 0; i < q->a; i++) q->ia[q->A[i]] = -1;
  q->a = 0;
  q->stale = 0;
  const double ny = sqrt(sp_nrm2sq(y, q->n));
  double f = dual_value(q, y, q->r, bn), last = INFINITY;
  int same = 0, factored = 0, full = 0;
  for (int step = 0; step < MAX_STEPS; step++) {
    q->n_dual++;
    fit_of(q, bn, grad);
    for (size_t i = 0; i < n; i++) grad[i] += q->r[i] - y[i];
    const double norm = sqrt(sp_nrm2sq(grad, q->n));
    if (norm <= 1e-15 * ny || (norm < 1e-13 * ny && norm > 0.5 * last)) {
      *ok = 1;
      break;
    }
    last = norm;
    int changed;
    SP_TRY(update_sum(q, bn, buf, &changed));
    if (step && !changed && full) { /* the set has settled: the next steps only polish */
      if (++same >= 3 || norm < 1e-14 * ny) {
        *ok = 1;
        break;
      }
    } else {
      same = 0;
    }
    if (changed || !factored) {
      if (factor_newton(q, M, QM, S)) {
        q->ageK = REBUILD_AFTER;
        break;
      }
      factored = 1;
    }
    newton_direction(q, M, QM, S, grad, dr, small);
    const double slope = -sp_dot(grad, dr, q->n);
    double len = 1, fn = f;
    for (int ls = 0; ls < 30; ls++, len /= 2) {
      for (size_t i = 0; i < n; i++) rn[i] = q->r[i] - len * dr[i];
      fn = dual_value(q, y, rn, bn);
      /* near the solution the value cannot resolve the step any more */
      if (norm < 1e-8 * ny || fn <= f + 1e-4 * len * slope + 1e-14 * (fabs(f) + ny * ny)) break;
    }
    memcpy(q->r, rn, n * sizeof *rn);
    f = fn;
    full = len == 1;
  }
  for (int k = 0; k < q->nW; k++) {
    const double b = q->b[k] = bn[k];
    q->st[k] = b == 0 ? SP_ZERO : b >= q->hi[k] ? SP_HI : b <= q->lo[k] ? SP_LO : SP_FREE;
    q->s[k] = q->t[k] == 0 ? 0 : b > 0 ? 1 : b < 0 ? -1 : 0;
  }
  fit_of(q, bn, rn);
  for (size_t i = 0; i < n; i++) q->r[i] = y[i] - rn[i];
  sp_view_dot(&q->view, q->W, q->nW, q->r, q->c);
  q->n_dots += q->nW;
done:
  sp_free(q->ctx, M);
  sp_free(q->ctx, buf);
  sp_free(q->ctx, bn);
  sp_free(q->ctx, v);
  return st;
}
