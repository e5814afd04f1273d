/* Coordinate descent over the working set, then the support it found is handed to the direct solvers. Last resort. */
#include <math.h>
#include <string.h>

#include "../base/vec.h"
#include "qp.h"

sp_status sp_cd(sp_qp *q, int max_sweeps, int *ok) {
  sp_status st = SP_OK;
  const ptrdiff_t n = q->n;
  /* columns are copied once; what would take more than this many doubles is left to the caller to report */
  const double limit = 2.5e8;
  double *y = sp_alloc(q->ctx, (size_t)n, sizeof *y), *Z = NULL, *nx = NULL;
  *ok = 0;
  if (!y) return SP_ENOMEM;
  if ((double)n * q->nW > limit) goto done;
  Z = sp_alloc(q->ctx, (size_t)n * (size_t)q->nW, sizeof *Z);
  nx = sp_alloc(q->ctx, (size_t)q->nW, sizeof *nx);
  if (!Z || !nx) {
    st = SP_ENOMEM;
    goto done;
  }
  q->n_cd++;
  SP_TRY(sp_qp_set_y(q, y));
  for (int k = 0; k < q->nW; k++) {
    double *z = Z + k * n;
    sp_view_column(&q->view, q->W[k], z);
    const double raw = sp_nrm2sq(z, n);
    sp_qp_project(q, z);
    nx[k] = sp_nrm2sq(z, n);
    if (!(nx[k] > 1e-18 * raw)) nx[k] = q->b[k] = 0; /* contributes nothing */
  }
  SP_TRY(sp_qp_residual(q, y));
  for (int sweep = 0; sweep < max_sweeps; sweep++) {
    double moved = 0;
    for (int k = 0; k < q->nW; k++) {
      if (nx[k] == 0) continue;
      const double *z = Z + k * n;
      const double c = sp_dot(z, q->r, n) + nx[k] * q->b[k], t = q->t[k];
      double b = (c > t ? c - t : c < -t ? c + t : 0) / (nx[k] + q->k[k]);
      if (b > q->hi[k]) b = q->hi[k];
      if (b < q->lo[k]) b = q->lo[k];
      const double d = b - q->b[k];
      if (d == 0) continue;
      sp_axpy(-d, z, q->r, n);
      q->b[k] = b;
      moved = fmax(moved, fabs(d) * nx[k] / q->vs[k]);
    }
    if (moved < 1e-10 * q->lambda) {
      *ok = 1;
      break;
    }
  }
  SP_TRY(sp_qp_from_b(q));
  SP_TRY(sp_qp_residual(q, y));
  sp_qp_corr_all(q);
done:
  sp_free(q->ctx, y);
  sp_free(q->ctx, Z);
  sp_free(q->ctx, nx);
  return st;
}
