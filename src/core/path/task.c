#include "task.h"

#include <math.h>
#include <string.h>

#include "../base/vec.h"

void sp_point_free(sp_ctx *ctx, sp_point *pt) {
  sp_free(ctx, pt->cols);
  sp_free(ctx, pt->b);
  sp_free(ctx, pt->s);
  sp_free(ctx, pt->c);
  sp_free(ctx, pt->st);
  sp_free(ctx, pt->gamma);
  memset(pt, 0, sizeof *pt);
}

void sp_task_free(sp_task *t, int grid) {
  sp_ctx *ctx = t->m.ctx;
  if (!ctx) return;
  for (int l = 0; t->points && l < grid; l++) sp_point_free(ctx, &t->points[l]);
  sp_free(ctx, t->points);
  sp_free(ctx, t->c);
  sp_free(ctx, t->rt);
  sp_free(ctx, t->eta);
  sp_free(ctx, t->viol);
  sp_model_free(&t->m);
}

static void judge(sp_point *pt, const sp_penalty *pen, double lambda, double unit, const sp_coord *co, double b, double c) {
  pt->kkt = fmax(pt->kkt, pen->ops->violation(pen, lambda, co, b, c) / (unit * (co->v > 0 ? co->v : 1)));
  pt->scale = fmin(pt->scale, pen->ops->scale(pen, lambda, co, c));
  if (b == 0) pt->slack += pen->ops->fenchel_young(pen, lambda, co, 0, c);
}

void sp_task_judge(sp_task *t, sp_point *pt, double lambda, const double *b, const double *c) {
  const double unit = lambda > 0 ? lambda : t->m.qp.lambda;
  pt->kkt = pt->slack = 0;
  pt->scale = 1;
  for (int j = 0; j < t->m.p; j++) {
    if (!sp_model_usable(&t->m, j)) continue;
    const sp_coord co = sp_model_coord(&t->m, j);
    judge(pt, t->m.pen, lambda, unit, &co, b[j], c[j]);
  }
  for (int i = 0; i < pt->count; i++) pt->c[i] = c[pt->cols[i]];
}

/* KKT, dual scale and slack of the working set at the present solution; c is fresh */
static void measure(sp_task *t, sp_point *pt, double lambda) {
  const sp_qp *q = &t->m.qp;
  const sp_penalty *pen = t->m.pen;
  const double unit = lambda > 0 ? lambda : q->lambda;
  pt->scale = 1;
  pt->slack = 0;
  for (int k = 0; k < q->nW; k++) {
    if (q->b[k] == 0 && fabs(q->c[k]) <= q->t[k]) continue; /* nothing to add */
    const sp_coord co = {q->t[k] == 0 && q->kv[k] == 0 ? 0 : q->vs[k], q->kv[k], q->lo[k], q->hi[k]};
    judge(pt, pen, lambda, unit, &co, q->b[k], q->c[k]);
  }
}

sp_status sp_task_record(sp_task *t, sp_point *pt, double lambda, int slot, double kkt, int limit) {
  sp_model *m = &t->m;
  sp_qp *q = &m->qp;
  sp_ctx *ctx = m->ctx;
  const ptrdiff_t n = m->n;
  int count = 0;
  sp_point_free(ctx, pt);
  for (int k = 0; k < q->nW; k++) count += q->st[k] != SP_ZERO || q->b[k] != 0;
  const size_t sc = (size_t)count + 1;
  pt->cols = sp_alloc(ctx, sc, sizeof *pt->cols);
  pt->b = sp_alloc(ctx, sc, sizeof *pt->b);
  pt->s = sp_alloc(ctx, sc, sizeof *pt->s);
  pt->c = sp_alloc(ctx, sc, sizeof *pt->c);
  pt->st = sp_alloc(ctx, sc, sizeof *pt->st);
  pt->gamma = sp_alloc(ctx, (size_t)m->nu + 1, sizeof *pt->gamma);
  if (!pt->cols || !pt->b || !pt->s || !pt->c || !pt->st || !pt->gamma) return SP_ENOMEM;
  for (int k = 0; k < q->nW; k++) {
    if (q->st[k] == SP_ZERO && q->b[k] == 0) continue;
    const int i = pt->count++;
    pt->cols[i] = q->W[k];
    pt->b[i] = q->b[k];
    pt->s[i] = q->s[k];
    pt->c[i] = q->c[k];
    pt->st[i] = q->st[k];
    pt->df += q->b[k] != 0;
  }
  pt->limit = limit;
  pt->kkt = isfinite(kkt) ? 0 : kkt;
  const sp_status st = sp_model_unpenalized(m);
  if (st != SP_OK) return st;
  memcpy(pt->gamma, m->gamma, (size_t)(m->nu + 1) * sizeof *pt->gamma);
  for (int h = 0; h < m->nu; h++) pt->df += m->ucol[h] >= 0 && m->gamma[h] != 0;
  measure(t, pt, lambda);
  double *rt = t->rt + slot * n;
  if (m->reduced) {
    /* rt comes from the true X, for the whole batch at once */
  } else if (m->loss->flags & SP_LOSS_QUADRATIC) {
    memcpy(rt, q->r, (size_t)n * sizeof *rt);
  } else {
    m->loss->grad_hess(n, m->y, m->w, m->eta, m->g, m->h);
    for (ptrdiff_t i = 0; i < n; i++) rt[i] = m->g[i] / m->sw[i];
    memcpy(t->eta + slot * n, m->eta, (size_t)n * sizeof *m->eta);
    /* the dual point must be orthogonal to the unpenalized columns: what is left of their scores is charged with
     * the size of their coefficients */
    for (int h = 0; h < m->nu; h++) {
      const double score = fabs(sp_dot(m->U + h * n, m->g, n));
      pt->slack += score * (1 + fabs(m->gamma[h]));
      pt->kkt = fmax(pt->kkt, score / (lambda > 0 ? lambda : q->lambda));
    }
  }
  pt->value = sp_model_value(m);
  return SP_OK;
}

sp_status sp_task_restore(sp_task *t, const sp_point *pt, int slot) {
  return sp_model_restore(&t->m, pt->count, pt->cols, pt->b, pt->s, pt->st,
                          t->m.loss->flags & SP_LOSS_QUADRATIC ? NULL : t->eta + slot * t->m.n);
}

void sp_task_certify(sp_task *t, sp_point *pt, double lambda, int slot, double thresh) {
  const sp_model *m = &t->m;
  const sp_penalty *pen = m->pen;
  double gap = pt->slack;
  const double s = pt->scale;
  for (int i = 0; i < pt->count; i++) {
    const sp_coord co = sp_model_coord(m, pt->cols[i]);
    gap += pen->ops->fenchel_young(pen, lambda, &co, pt->b[i], s * pt->c[i]);
  }
  if (m->loss->flags & SP_LOSS_QUADRATIC) {
    gap += (1 - s) * (1 - s) * pt->value;
  } else {
    gap += m->loss->fenchel_young(m->n, m->y, m->w, t->eta + slot * m->n, s);
  }
  pt->gap = m->null_value > 0 ? gap / m->null_value : gap;
  pt->status = pt->gap <= thresh ? SP_POINT_OK : pt->limit ? SP_POINT_LIMIT : SP_POINT_MISSED;
}
