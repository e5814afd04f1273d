#include "task.h"

#include <math.h>
#include <string.h>

#include "../base/vec.h"
#include "../solver/bilevel.h"
#include "../solver/block.h"
#include "../solver/concave.h"
#include "reference.h"

#define STATIONARY 10 /* without a dual, a violation / lambda of this many times the promised gap will do */

void sp_point_free_scratch(sp_ctx *ctx, sp_point *pt) {
  sp_free(ctx, pt->s);
  pt->s = pt->c = NULL;
  pt->st = NULL;
}

void sp_point_free(sp_ctx *ctx, sp_point *pt) {
  sp_free(ctx, pt->b);
  sp_free(ctx, pt->s);
  memset(pt, 0, sizeof *pt);
}

/* Two blocks, one that stays and one for the batch. */
static sp_status reserve_point(sp_ctx *ctx, sp_point *pt, int count, int nu) {
  const size_t c = (size_t)count, g = (size_t)nu + 1;
  pt->b = sp_alloc(ctx, c + g + (c + 1) / 2, sizeof(double));
  pt->s = sp_alloc(ctx, 2 * c + c / 8 + 1, sizeof(double));
  if (!pt->b || !pt->s) return SP_ENOMEM;
  pt->gamma = pt->b + c;
  pt->cols = (int *)(void *)(pt->gamma + g);
  pt->c = pt->s + c;
  pt->st = (char *)(pt->c + c);
  return SP_OK;
}

void sp_task_free(sp_task *t, int grid) {
  sp_ctx *ctx = t->m.ctx;
  if (!ctx) return;
  for (int l = 0; t->points && l < grid; l++) sp_point_free(ctx, &t->points[l]);
  sp_free(ctx, t->points);
  sp_free(ctx, t->c);
  sp_free(ctx, t->seen);
  sp_free(ctx, t->bv);
  sp_free(ctx, t->bcoef);
  sp_free(ctx, t->rt);
  sp_free(ctx, t->eta);
  sp_free(ctx, t->viol);
  sp_reference_free(ctx, t->ref);
  sp_model_free(&t->m);
}

/* unit: of a violation. Where a threshold can be tiny beside lambda, what an accepted solution leaves is not scaled away, but charged. */
static void judge(sp_point *pt, const sp_penalty *pen, double lambda, double unit, const sp_coord *co, double b, double c) {
  pt->kkt = fmax(pt->kkt, pen->ops->violation(pen, lambda, co, b, c) / unit);
  pt->scale = fmin(pt->scale, pen->ops->scale(pen, lambda, co, pen->ops->outer ? sp_soft(c, SP_TOL_ACCEPT * unit) : c));
  if (b == 0) pt->slack += pen->ops->fenchel_young(pen, lambda, co, 0, c);
}

void sp_task_judge(sp_task *t, sp_point *pt, double lambda, const double *b, const double *c) {
  const double unit = lambda > 0 ? lambda : t->m.qp.lambda;
  pt->kkt = pt->slack = 0;
  pt->scale = 1;
  for (int j = 0; j < t->m.p; j++) {
    if (!sp_model_usable(&t->m, j)) continue;
    const sp_coord co = sp_model_coord(&t->m, j);
    judge(pt, t->m.pen, lambda, unit * (co.v > 0 ? co.v : 1), &co, b[j], c[j]);
  }
  for (int i = 0; i < pt->count; i++) pt->c[i] = c[pt->cols[i]];
}

sp_status sp_task_reserve_blocks(sp_task *t) {
  const size_t room = (size_t)t->m.longest;
  if (!t->m.blocks) return SP_OK;
  t->bcoef = sp_alloc(t->m.ctx, room, sizeof *t->bcoef);
  t->bv = sp_alloc(t->m.ctx, 5 * room, sizeof *t->bv);
  if (!t->bcoef || !t->bv) return SP_ENOMEM;
  t->bu = t->bv + 3 * room;
  t->bz = t->bu + room;
  return SP_OK;
}

/* Of the block at position k: kkt, scale and, where it is zero, slack */
static void judge_block(sp_task *t, sp_point *pt, double lambda, int k) {
  const sp_model *m = &t->m;
  const sp_qp *q = &m->qp;
  const sp_penalty *pen = m->pen;
  const sp_pen_block bl = sp_model_block(m, sp_model_block_of(m, q->W[k]), t->bcoef, t->bv);
  int zero = 1;
  for (int j = 0; j < bl.m; j++) {
    t->bu[j] = q->unit[k + j] * q->b[k + j];
    t->bz[j] = q->c[k + j] / q->unit[k + j];
    zero &= q->b[k + j] == 0;
  }
  pt->kkt = fmax(pt->kkt, pen->ops->block_violation(pen, lambda, &bl, t->bu, t->bz) / (lambda * q->wt[k]));
  pt->scale = fmin(pt->scale, pen->ops->block_scale(pen, lambda, &bl, t->bz));
  if (zero) pt->slack += pen->ops->block_fenchel_young(pen, lambda, &bl, t->bu, t->bz);
}

/* The positions of the working set with a coefficient or a state, in qp.ent; kkt, scale and slack of the working set on the way (c
 * is fresh). */
static int measure(sp_task *t, sp_point *pt, double lambda) {
  sp_qp *q = &t->m.qp;
  const sp_penalty *pen = t->m.pen;
  const double unit = lambda > 0 ? lambda : q->lambda;
  int count = 0;
  pt->scale = 1;
  for (int k = 0; k < q->nW && q->blocks; k += q->len[k]) {
    const int active = q->st[k] != SP_ZERO;
    if (!active && sp_block_soft_norm(q, k, q->c + k, 1) <= q->T[k]) continue;
    judge_block(t, pt, lambda, k);
    for (int j = k; j < k + q->len[k] && active; j++) q->ent[count++] = j; /* in the order of the block */
  }
  for (int k = 0; k < q->nW && !q->blocks; k++) {
    const int empty = q->st[k] == SP_ZERO && q->b[k] == 0;
    if (empty && fabs(q->c[k]) <= q->t[k]) continue; /* nothing to add */
    const sp_coord co = t->m.bilevel && lambda > 0 ? sp_bilevel_at(&t->m, k) : sp_model_coord(&t->m, q->W[k]);
    judge(pt, pen, lambda, unit * q->vs[k], &co, q->b[k], q->c[k]);
    if (!empty) q->ent[count++] = k;
  }
  return count;
}

/* Columns of the design with a coefficient in any predictor */
static int columns_of(sp_task *t, const sp_point *pt) {
  const sp_model *m = &t->m;
  int df = 0;
  for (int set = 1; set >= 0; set--) {
    for (int i = 0; i < pt->count; i++) {
      char *seen = &t->seen[pt->cols[i] / m->K];
      df += set && pt->b[i] != 0 && !*seen;
      if (pt->b[i] != 0) *seen = (char)set;
    }
    for (int h = 0; h < m->nu; h++) {
      if (m->ucol[h] < 0 || pt->gamma[h] == 0) continue;
      char *seen = &t->seen[m->ucol[h] / m->K];
      df += set && !*seen;
      *seen = (char)set;
    }
  }
  return df;
}

sp_status sp_task_record(sp_task *t, sp_point *pt, double lambda, int slot, double kkt, int limit) {
  sp_model *m = &t->m;
  sp_qp *q = &m->qp;
  sp_ctx *ctx = m->ctx;
  const ptrdiff_t n = m->n;
  sp_point_free(ctx, pt);
  if (!isfinite(kkt)) pt->kkt = kkt;
  const int count = measure(t, pt, lambda);
  sp_status st = reserve_point(ctx, pt, count, m->nu);
  if (st != SP_OK) return st;
  pt->count = count;
  for (int i = 0; i < count; i++) {
    const int k = q->ent[i];
    pt->cols[i] = q->W[k];
    pt->b[i] = q->b[k];
    pt->s[i] = q->s[k];
    pt->c[i] = q->c[k];
    pt->st[i] = q->st[k];
    pt->nnz += q->b[k] != 0;
  }
  pt->limit = limit;
  pt->lambda = lambda;
  st = m->eta_of_b ? SP_OK : sp_model_unpenalized(m);
  if (st != SP_OK) return st;
  memcpy(pt->gamma, m->gamma, (size_t)(m->nu + 1) * sizeof *pt->gamma);
  for (int h = 0; h < m->nu; h++) pt->nnz += m->ucol[h] >= 0 && m->gamma[h] != 0;
  pt->df = m->K > 1 ? columns_of(t, pt) : pt->nnz;
  double *rt = t->rt + slot * n;
  if (m->reduced) {
    /* rt comes from the true X, for the whole batch at once */
  } else if (m->loss.ops->flags & SP_LOSS_QUADRATIC) {
    memcpy(rt, q->r, (size_t)n * sizeof *rt);
  } else {
    m->loss.ops->grad_hess(&m->loss, m->eta, m->g, m->h);
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
  if (!sp_concave_active(m)) return SP_OK;
  const sp_point *before = pt > t->points ? pt - 1 : NULL;
  return sp_concave_local(m, !before || before->local == SP_LOCAL_CONVEX, &pt->local);
}

sp_status sp_task_restore(sp_task *t, const sp_point *pt, int slot) {
  return sp_model_restore(&t->m, pt->count, pt->cols, pt->b, pt->s, pt->st,
                          t->m.loss.ops->flags & SP_LOSS_QUADRATIC ? NULL : t->eta + slot * t->m.n);
}

void sp_task_certify(sp_task *t, sp_point *pt, double lambda, int slot, double thresh) {
  sp_model *m = &t->m;
  const sp_penalty *pen = m->pen;
  if (!m->loss.ops->fenchel_young) { /* stationary or not is all that can be said */
    pt->gap = NAN;
    pt->status = pt->kkt <= sp_max(STATIONARY * thresh, SP_TOL_ACCEPT) ? SP_POINT_OK : pt->limit ? SP_POINT_LIMIT : SP_POINT_MISSED;
    return;
  }
  double gap = pt->slack, primal = pt->value;
  const double s = pt->scale;
  const int blocks = m->blocks && lambda > 0 && pen->alpha > 0;
  for (int i = 0; i < pt->count && blocks;) { /* a block's coefficients come together, zeros included */
    const sp_pen_block bl = sp_model_block(m, sp_model_block_of(m, pt->cols[i]), t->bcoef, t->bv);
    for (int j = 0; j < bl.m; j++, i++) {
      const double unit = sp_model_unit(m, pt->cols[i]);
      t->bu[j] = unit * pt->b[i];
      t->bz[j] = s * pt->c[i] / unit;
    }
    primal += pen->ops->block_value(pen, lambda, &bl, t->bu);
    gap += pen->ops->block_fenchel_young(pen, lambda, &bl, t->bu, t->bz);
  }
  const int bilevel = m->bilevel && lambda > 0;
  for (int i = 0, run; i < pt->count && bilevel; i += run) { /* a group's coefficients come together */
    const int g = sp_model_block_of(m, pt->cols[i]);
    for (run = 1; i + run < pt->count && sp_model_block_of(m, pt->cols[i + run]) == g;) run++;
    const sp_outer f = sp_bilevel_outer(m, lambda, sp_bilevel_size(m, pt->cols[i]), pt->cols + i, pt->b + i, run);
    primal += f.value;
    for (int j = i; j < i + run; j++) {
      const sp_coord co = sp_bilevel_coord(m, lambda, pt->cols[j], f.slope);
      gap += pen->ops->fenchel_young(pen, lambda, &co, pt->b[j], s * pt->c[j]);
    }
  }
  for (int i = 0; i < pt->count && !blocks && !bilevel; i++) {
    const sp_coord co = sp_model_coord(m, pt->cols[i]);
    primal += pen->ops->value(pen, lambda, &co, pt->b[i]);
    gap += pen->ops->fenchel_young(pen, lambda, &co, pt->b[i], s * pt->c[i]);
  }
  if (m->loss.ops->flags & SP_LOSS_QUADRATIC) {
    gap += (1 - s) * (1 - s) * pt->value;
  } else {
    gap += m->loss.ops->fenchel_young(&m->loss, t->eta + slot * m->n, s);
  }
  /* the null model is feasible: nothing can be nearer to the optimum than it is to the null model (where there is one optimum) */
  if (!pen->ops->pieces) gap = sp_max(gap, primal - m->null_value);
  /* a likelihood has no units: a response that the null model fits perfectly is judged in absolute terms */
  const double unit = m->loss.ops->flags & SP_LOSS_QUADRATIC ? m->null_value : sp_max(m->null_value, 1e-8);
  pt->gap = unit > 0 ? gap / unit : gap;
  const int stationary = !pen->ops->pieces || pt->kkt <= SP_STATIONARY_CONCAVE;
  pt->status = pt->gap <= thresh && stationary ? SP_POINT_OK : pt->limit ? SP_POINT_LIMIT : SP_POINT_MISSED;
}
