/* The metric has positive curvatures h' in place of some of the true h, so that steps in it converge linearly, at a rate that
 * may be near 1. Near a solution the matrix of the active set is positive definite all the same. With fit Q0 u + XA d it is
 *
 *   [Q0 XA]' D [Q0 XA] + K,   D = h / h',
 *
 * and the one that is factored has D = 1: conjugate gradients preconditioned by it need about as many steps as there are rows
 * with D != 1. */
#include "curved.h"

#include <math.h>
#include <string.h>

#include "../base/vec.h"

#define STEPS 60
#define ENOUGH 1e-6 /* residual left, in the norm of the preconditioner */

/* Every column looked at obeys its threshold. */
static int is_settled(sp_qp *q) {
  double dir;
  for (int v = 0; v < q->nV; v++) {
    if (sp_qp_violation(q, q->V[v], &dir) > sp_qp_entry_tol(q, q->V[v])) return 0;
  }
  return 1;
}

static int keeps_signs(const sp_qp *q, const double *d) {
  for (int i = 0; i < q->a; i++) {
    const int k = q->A[i];
    const double b = q->b[k] + d[i];
    if ((q->t[k] > 0 && b * q->s[k] < 0) || b > q->hi[k] || b < q->lo[k] || !isfinite(b)) return 0;
  }
  return 1;
}

/* z = (preconditioner)^-1 r, both [k0 + a] */
static void precondition(const sp_qp *q, const double *r, double *z) {
  memcpy(z, r, (size_t)(q->k0 + q->a) * sizeof *z);
  sp_factor_solve(q, z + q->k0);
}

/* fit [n] = Q0 u + XA d */
static void fit_of(sp_qp *q, const double *x, double *fit) {
  memset(fit, 0, (size_t)q->n * sizeof *fit);
  sp_gemv_n(q->Q0, q->n, q->n, q->k0, x, fit);
  sp_active_n(q, x + q->k0, fit);
}

sp_status sp_curved_step(sp_model *m, int *taken) {
  sp_qp *q = &m->qp;
  const ptrdiff_t n = m->n;
  const int a = q->a, k0 = q->k0;
  const size_t size = (size_t)(k0 + a) + 1;
  *taken = 0;
  if (!m->loss.ops->curvature || q->iterative || q->blocks || m->use_dual || q->stale || a == 0 || !is_settled(q)) return SP_OK;
  double *D = sp_alloc(m->ctx, 2 * (size_t)n + 5 * size, sizeof *D);
  if (!D) return SP_ENOMEM;
  double *fit = D + n, *x = fit + n, *r = x + size, *z = r + size, *p = z + size, *Hp = p + size, rz = 0, first = 0;
  int replaced = 0;
  m->loss.ops->curvature(&m->loss, m->eta, D);
  for (ptrdiff_t i = 0; i < n; i++) {
    const double ratio = D[i] / (m->sm[i] * m->sm[i]);
    D[i] = fabs(ratio - 1) > 1e-6 ? ratio : 1;
    replaced += D[i] != 1;
  }
  if (!replaced) goto done;
  sp_gemv_t(q->Q0, n, n, k0, m->r0, r);
  for (int i = 0; i < a; i++) {
    const int k = q->A[i];
    r[k0 + i] = q->c[k] - q->k[k] * q->b[k] - q->t[k] * q->s[k];
  }
  memset(x, 0, size * sizeof *x);
  for (int it = 0; it < STEPS; it++) {
    precondition(q, r, z);
    const double next = sp_dot(r, z, k0 + a);
    if (it == 0) first = next;
    if (!(next > ENOUGH * ENOUGH * first)) break;
    for (int i = 0; i < k0 + a; i++) p[i] = it ? z[i] + next / rz * p[i] : z[i];
    rz = next;
    fit_of(q, p, fit);
    for (ptrdiff_t i = 0; i < n; i++) fit[i] *= D[i];
    sp_gemv_t(q->Q0, n, n, k0, fit, Hp);
    sp_active_t(q, fit, Hp + k0);
    for (int i = 0; i < a; i++) Hp[k0 + i] += q->k[q->A[i]] * p[k0 + i];
    const double bend = sp_dot(p, Hp, k0 + a);
    if (!(bend > 1e-12 * rz)) goto done; /* not positive definite: not near a minimum */
    sp_axpy(rz / bend, p, x, k0 + a);
    sp_axpy(-rz / bend, Hp, r, k0 + a);
  }
  if (!keeps_signs(q, x + k0)) goto done;
  for (int i = 0; i < a; i++) q->b[q->A[i]] += x[k0 + i];
  fit_of(q, x, m->deta);
  sp_model_root(m, SP_ROOT_SOLVE, m->deta);
  *taken = 1;
done:
  sp_free(m->ctx, D);
  return SP_OK;
}
