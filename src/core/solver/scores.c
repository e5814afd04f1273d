/* Conjugate gradients where the metric M = S'S of a loss is no diagonal. Vectors over the rows are kept as S'r, in the space of the
 * gradient of the loss: columns z'(S'r) need no root, and with y = Z d a product is S'S y, which costs less than two roots. The
 * orthonormal basis Q0 is replaced by UR of U'MU = UR'UR: Q0 = S U UR^-1 is never formed, for K - 1 intercepts it has K times as many
 * numbers as r. The projection off Q0 is x - MU (U'MU)^-1 U'x here. */
#include <math.h>
#include <string.h>

#include "../base/vec.h"
#include "qp.h"

#define CENTRED 1e-3 /* least share of a column's squared norm that centring may leave of the preconditioner */

sp_status sp_scores_open(sp_qp *q) {
  if (!q->e2 && !(q->e2 = sp_alloc(q->ctx, 3 * (size_t)q->n + (size_t)q->k0, sizeof *q->e2))) return SP_ENOMEM;
  if (!q->diag && !(q->diag = sp_calloc(q->ctx, (size_t)q->n, sizeof *q->diag))) return SP_ENOMEM;
  return SP_OK;
}

void sp_scores_curve(const sp_qp *q, const double *x, double *out) {
  const sp_loss *l = q->view.root;
  if (l->ops->curve) {
    l->ops->curve(l, x, out);
    return;
  }
  memcpy(out, x, (size_t)q->n * sizeof *out);
  l->ops->root(l, SP_ROOT, out);
  l->ops->root(l, SP_ROOT_T, out);
}

void sp_scores_basis(const sp_qp *q, const double *x, double *out) {
  const ptrdiff_t n = q->view.n;
  for (int h = 0; h < q->k0; h++) {
    if (q->ucol[h] < 0) { /* an intercept */
      const double *part = x + (-1 - q->ucol[h]) * n;
      double s0 = 0, s1 = 0, s2 = 0, s3 = 0;
      ptrdiff_t i = 0;
      for (; i + 4 <= n; i += 4) s0 += part[i], s1 += part[i + 1], s2 += part[i + 2], s3 += part[i + 3];
      for (; i < n; i++) s0 += part[i];
      out[h] = (s0 + s2) + (s1 + s3);
    } else {
      out[h] = sp_dot(q->U + h * q->n, x, q->n);
    }
  }
}

void sp_scores_solve(const sp_qp *q, double *z, int both) {
  const int nu = q->k0;
  for (int h = 0; h < nu; h++) {
    const double *R = q->UR + (ptrdiff_t)h * nu;
    for (int l = 0; l < h; l++) z[h] -= R[l] * z[l];
    z[h] = R[h] > 0 ? z[h] / R[h] : 0;
  }
  if (both) sp_scores_solve_upper(q, z);
}

void sp_scores_solve_upper(const sp_qp *q, double *z) {
  const int nu = q->k0;
  for (int h = nu - 1; h >= 0; h--) {
    const double *R = q->UR + (ptrdiff_t)h * nu;
    z[h] = R[h] > 0 ? z[h] / R[h] : 0;
    for (int l = 0; l < h; l++) z[l] -= R[l] * z[h];
  }
}

void sp_scores_add(const sp_qp *q, double by, const double *z, double *x) {
  const ptrdiff_t n = q->view.n;
  for (int h = 0; h < q->k0; h++) {
    const double add = by * z[h];
    if (q->ucol[h] < 0) {
      double *part = x + (-1 - q->ucol[h]) * n;
      for (ptrdiff_t i = 0; i < n; i++) part[i] += add;
    } else {
      sp_axpy(add, q->U + h * q->n, x, q->n);
    }
  }
}

void sp_scores_project(const sp_qp *q, double *x) {
  double *fit = q->e2 + q->n, *curve = fit + q->n, *z = curve + q->n;
  if (!q->k0) return;
  sp_scores_basis(q, x, z);
  sp_scores_solve(q, z, 1);
  memset(fit, 0, (size_t)q->n * sizeof *fit);
  sp_scores_add(q, 1, z, fit);
  sp_scores_curve(q, fit, curve);
  sp_axpy(-1, curve, x, q->n);
}

void sp_scores_fit(sp_qp *q, double *y, double *out) {
  double *curve = q->e2 + q->n, *z = curve + 2 * q->n;
  sp_scores_curve(q, y, curve);
  if (q->k0) {
    sp_scores_basis(q, curve, z);
    sp_scores_solve(q, z, 1);
    sp_scores_add(q, -1, z, y);
    sp_scores_curve(q, y, curve);
  }
  sp_axpy(1, curve, out, q->n);
}

/* Those of the columns, centred in the curvatures of their own predictor alone. */
void sp_scores_diagonal(sp_qp *q) {
  const ptrdiff_t n = q->view.n;
  int own = -1;
  double total = 0;
  for (int i = 0; i < q->a; i++) {
    const int k = q->A[i], h = q->W[k] - sp_view_base(&q->view, q->W[k]) * q->view.K;
    if (h != own) {
      own = h;
      total = 0;
      for (ptrdiff_t r = 0; r < n; r++) total += q->diag[h * n + r];
    }
    double s = 0, ss = 0;
    for (int e = q->sub_ptr[i]; e < q->sub_ptr[i + 1]; e++) {
      const double zh = q->sub_x[e] * q->diag[q->sub_i[e]];
      s += zh;
      ss += zh * q->sub_x[e];
    }
    const double d = sp_max(ss - (total > 0 ? s * s / total : 0), CENTRED * ss) + q->k[k];
    q->nx[i] = d > 0 ? d : 1;
  }
}
