#include "tall.h"
#include "reach.h"

#include <math.h>
#include <string.h>

#include "../base/blas.h"
#include "../base/vec.h"

#define ROWS 256         /* rows per block: a block of 1,000 columns stays in the second-level cache */
#define MIN_PIVOT 1e-10  /* relative squared pivot; below, the factor of Z'Z has lost what a direct solve on X would keep */

/* Rows i0..i0+ni-1 of Z (of the rows the model sees), leading dimension ROWS; columns left out are zero. */
static void standardized_block(const sp_model *m, ptrdiff_t i0, ptrdiff_t ni, double *Z) {
  const sp_design *d = m->design;
  if (!m->rows) {
    d->ops->gather_rows(d, NULL, d->p, i0, ni, Z, ROWS);
  } else { /* scattered rows: whole range they span, then picked in place (rows increase) */
    for (ptrdiff_t i = 0; i < ni;) {
      ptrdiff_t run = 1;
      while (i + run < ni && m->rows[i0 + i + run] == m->rows[i0 + i] + run) run++;
      d->ops->gather_rows(d, NULL, d->p, m->rows[i0 + i], run, Z + i, ROWS);
      i += run;
    }
  }
  for (int j = 0; j < m->p; j++) {
    double *z = Z + (ptrdiff_t)j * ROWS;
    if (m->iscale[j] == 0) memset(z, 0, (size_t)ni * sizeof *z);
    else sp_scale_col(z, m->sw + i0, m->mean[j], m->iscale[j], z, ni);
  }
}

static void swap_problem(sp_model *m, const sp_view *view, int k0) {
  sp_reach_reset(m);
  sp_free(m->ctx, m->refs);
  m->refs = NULL;
  m->qp.view = *view;
  m->qp.n = m->qp.rank = view->n;
  m->qp.k0 = k0;
}

/* The vectors of the qp that are as long as its rows */
static sp_status resize_rows(sp_qp *q, ptrdiff_t n) {
  double **vs[] = {&q->r, &q->u, &q->e};
  for (int i = 0; i < 3; i++) {
    sp_free(q->ctx, *vs[i]);
    if (!(*vs[i] = sp_calloc(q->ctx, (size_t)n, sizeof(double)))) return SP_ENOMEM;
  }
  /* XA has the new number of rows from here on */
  sp_free(q->ctx, q->XA);
  q->XA = sp_calloc(q->ctx, (size_t)q->L * (size_t)n, sizeof(double));
  for (int i = 0; i < q->a; i++) {
    q->ia[q->A[i]] = -1;
  }
  q->a = 0;
  return q->XA ? SP_OK : SP_ENOMEM;
}

sp_status sp_tall_reduce(sp_model *m, int *done_) {
  sp_status st = SP_OK;
  const int p = m->p, one_i = 1;
  const double one = 1;
  int info = 0;
  const size_t sp = (size_t)p;
  double *Z = sp_alloc(m->ctx, ROWS * sp, sizeof *Z), *y = sp_calloc(m->ctx, sp, sizeof *y);
  double *G = sp_calloc(m->ctx, sp * sp, sizeof *G), *part = sp_alloc(m->ctx, sp, sizeof *part);
  *done_ = 0;
  if (!Z || !y || !G || !part) {
    st = SP_ENOMEM;
    goto done;
  }
  for (ptrdiff_t i0 = 0; i0 < m->n; i0 += ROWS) {
    const int ni = (int)(m->n - i0 < ROWS ? m->n - i0 : ROWS), ld = ROWS;
    standardized_block(m, i0, ni, Z);
    dsyrk_("U", "T", &p, &ni, &one, Z, &ld, &one, G, &p, 1, 1);
    sp_gemv_t(Z, ROWS, ni, p, m->target + i0, part);
    for (int j = 0; j < p; j++) y[j] += part[j];
  }
  for (int j = 0; j < p; j++) {
    if (m->iscale[j] == 0) G[(ptrdiff_t)j * p + j] = 1; /* never looked at; keeps the factor going */
  }
  dpotrf_("U", &p, G, &p, &info, 1);
  if (info) goto done;
  for (int j = 0; j < p; j++) {
    const double piv = G[(ptrdiff_t)j * p + j];
    if (piv * piv < MIN_PIVOT) goto done;
    memset(G + (ptrdiff_t)j * p + j + 1, 0, (size_t)(p - 1 - j) * sizeof *G);
  }
  dtrsv_("U", "T", "N", &p, G, &p, y, &one_i, 1, 1, 1);
  m->red_rest = fmax(0, sp_nrm2sq(m->target, m->n) - sp_nrm2sq(y, p));
  m->red = G;
  G = NULL;
  m->red_design.ops = &sp_design_dense;
  m->red_design.n = p;
  m->red_design.p = p;
  m->red_design.x = m->red;
  m->target_full = m->target;
  m->target = y;
  y = NULL;
  m->reduced = 1;
  const sp_view view = {.design = &m->red_design, .n = p, .full = m->full, .column = m->column, .K = 1, .sums = m->sums};
  swap_problem(m, &view, 0);
  SP_TRY(resize_rows(&m->qp, p));
  memcpy(m->qp.r, m->target, sp * sizeof(double));
  *done_ = 1;
done:
  sp_free(m->ctx, Z);
  sp_free(m->ctx, y);
  sp_free(m->ctx, G);
  sp_free(m->ctx, part);
  return st;
}

sp_status sp_tall_expand(sp_model *m) {
  sp_status st = SP_OK;
  sp_view view = sp_model_view(m);
  view.sm = m->sm;
  sp_free(m->ctx, m->target);
  m->target = m->target_full;
  m->target_full = NULL;
  sp_free(m->ctx, m->red);
  m->red = NULL;
  m->reduced = 0;
  swap_problem(m, &view, m->nu);
  SP_TRY(resize_rows(&m->qp, m->n));
  SP_TRY(sp_qp_from_b(&m->qp));
  SP_TRY(sp_qp_residual(&m->qp, m->target));
  sp_qp_corr_all(&m->qp);
  m->c_fresh = 1;
done:
  return st;
}

sp_status sp_tall_residuals(sp_model *m, const double *B, int L, double *rt, double *C) {
  const int p = m->p, n = (int)m->n, ld = ROWS;
  const double one = 1, minus = -1;
  double *Z = sp_alloc(m->ctx, ROWS * (size_t)p, sizeof *Z);
  if (!Z) return SP_ENOMEM;
  memset(C, 0, (size_t)p * (size_t)L * sizeof *C);
  for (int l = 0; l < L; l++) memcpy(rt + (ptrdiff_t)l * n, m->target_full, (size_t)n * sizeof *rt);
  for (ptrdiff_t i0 = 0; i0 < n; i0 += ROWS) {
    const int ni = (int)(n - i0 < ROWS ? n - i0 : ROWS);
    standardized_block(m, i0, ni, Z);
    dgemm_("N", "N", &ni, &L, &p, &minus, Z, &ld, B, &p, &one, rt + i0, &n, 1, 1);
    dgemm_("T", "N", &p, &L, &ni, &one, Z, &ld, rt + i0, &n, &one, C, &p, 1, 1);
  }
  sp_free(m->ctx, Z);
  return SP_OK;
}
