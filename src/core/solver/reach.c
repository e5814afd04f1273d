#include "reach.h"

#include <math.h>
#include <string.h>

#include "../base/vec.h"
#include "block.h"

/* The same for a block: are all its correlations known well enough? They are then in q->c. */
static int block_settled(sp_qp *q, int k, const double *a, const double *e) {
  double ss = 0;
  for (int j = k; j < k + q->len[k]; j++) {
    const int s = q->ref[j];
    if (s < 0 || q->st[j] != SP_ZERO) return 0;
    const double most = fabs(a[s] * q->c0[j]) + e[s] * q->rest[j], x = sp_max(0, most - q->t[j]) / q->unit[j];
    ss += x * x;
  }
  if (!(ss <= q->T[k] * q->T[k])) return 0;
  for (int j = k; j < k + q->len[k]; j++) q->c[j] = a[q->ref[j]] * q->c0[j];
  return 1;
}

void sp_reach_reset(sp_model *m) {
  m->n_ref = 0;
  for (int k = 0; k < m->qp.nW; k++) m->qp.ref[k] = -1;
}

sp_status sp_reach_correlations(sp_model *m, const double *r, ptrdiff_t n) {
  sp_qp *q = &m->qp;
  double a[SP_REFERENCES], e[SP_REFERENCES];
  if (!m->refs && !(m->refs = sp_alloc(m->ctx, SP_REFERENCES * (size_t)n, sizeof *m->refs))) return SP_ENOMEM;
  if (m->n_ref == SP_REFERENCES) sp_reach_reset(m);
  const double rr = sp_nrm2sq(r, n), norm = sqrt(rr);
  for (int s = 0; s < m->n_ref; s++) {
    const double d = sp_dot(m->refs + s * n, r, n), rest = rr - d * d;
    a[s] = d;
    e[s] = sqrt(rest > 0 ? rest : 0) + 1e-7 * norm; /* the square root of the rounding of rest */
  }
  int count = 0;
  for (int k = 0; k < q->nW; k++) {
    if (q->ia[k] >= 0) continue;
    const int s = q->ref[k];
    if (q->blocks) {
      if (q->len[k] && block_settled(q, k, a, e)) k += q->len[k] - 1;
      else q->V[count++] = k;
      continue;
    }
    if (s >= 0 && q->st[k] == SP_ZERO) {
      const double c = a[s] * q->c0[k];
      if (fabs(c) + e[s] * q->rest[k] <= q->t[k]) {
        q->c[k] = c;
        continue;
      }
    }
    q->V[count++] = k;
  }
  q->nV = count;
  sp_active_corr(q, count);
  for (int v = 0; v < count; v++) {
    const int k = q->V[v];
    const double c = q->val[v], x = norm > 0 ? 1 - (c / norm) * (c / norm) : 1;
    q->c[k] = c;
    q->c0[k] = c / norm;
    q->rest[k] = sqrt(x > 0 ? x + 1e-14 : 1e-14);
    q->ref[k] = m->n_ref;
  }
  if (count && norm > 0 && isfinite(norm)) {
    double *u = m->refs + m->n_ref++ * n; /* of unit length, so that no product of sizes can overflow */
    for (ptrdiff_t i = 0; i < n; i++) u[i] = r[i] / norm;
  } else {
    for (int v = 0; v < count; v++) q->ref[q->V[v]] = -1;
  }
  for (int i = 0; i < q->a; i++) q->c[q->A[i]] = q->g[i];
  return SP_OK;
}
