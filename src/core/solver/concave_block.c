/* Non-convex penalties of the norms of blocks on the working set. The block solver takes P(h) of the norm h as it is: slope P' as its
 * threshold, curvature P'/h (I - u u') + P'' u u', u the direction of the block, in Newton's matrix. What is here says what P is, and judges
 * the curvature of a solution. */
#include "concave.h"

#include <math.h>

#include "../base/blas.h"
#include "../base/vec.h"
#include "block_work.h"

/* the norm of the block at position k as the penalty sees it */
static sp_coord coord(const sp_model *m, int k) {
  const int g = m->pen->groups->of[sp_model_base(m, m->qp.W[k])];
  return (sp_coord){m->gw[g], m->wt[g] * m->ridge_scale, -INFINITY, INFINITY, m->curvature, 1};
}

static double slope(const void *of, int k, double h, double *curve) {
  const sp_model *m = of;
  const sp_coord co = coord(m, k);
  const double T = sp_penalty_slope(m->pen, m->lambda, &co, h, curve);
  return h > 0 ? T : m->lambda * m->qp.T1[k];
}

void sp_concave_block_tangent(sp_model *m) {
  sp_qp *q = &m->qp;
  double curve;
  for (int k = 0; k < q->nW; k += q->len[k]) q->T[k] = slope(m, k, sp_block_norm(q, k), &curve);
}

static double rise(const void *of, int k, double h, double by) {
  const sp_model *m = of;
  const sp_coord co = coord(m, k);
  return sp_penalty_rise(m->pen, m->lambda, &co, h, by);
}

const sp_norm_rule sp_concave_norms = {slope, rise};

void sp_concave_use(sp_model *m, int on) {
  sp_qp *q = &m->qp;
  m->concave = on;
  q->norm = on && q->blocks ? &sp_concave_norms : NULL;
  q->norm_of = m;
  q->hold = q->norm && (m->loss.ops->flags & SP_LOSS_SHIFT_FREE) && m->pen->groups->across;
}

double sp_concave_block_penalty(const sp_model *m, int k) {
  const sp_coord co = coord(m, k);
  const double h = sp_block_norm(&m->qp, k);
  return h > 0 ? m->pen->ops->value(m->pen, m->lambda, &co, h) : 0;
}

/* Are all predictors of the column at position k free to move? */
static int moves_together(const sp_qp *q, int k) {
  const int base = q->W[k] / q->view.K;
  for (int h = 0; h < q->view.K; h++) {
    if (sp_block_held(q, q->pos[base * q->view.K + h])) return 0;
  }
  return 1;
}

/* A loss that does not see what its predictors have in common leaves the coefficients of a column free to move together, and a norm that
 * has become flat does not hold them: among such solutions the one with the sum of the moment is meant. */
static void hold_sums(const sp_model *m, int s, int len) {
  const sp_qp *q = &m->qp;
  sp_gram *g = m->gram;
  double size = 0; /* the same for all: what is held must not touch the differences */
  for (int j = s; j < s + len; j++) size += gram(q, j, j) / (len * q->unit[q->A[j]] * q->unit[q->A[j]]);
  for (int j = s; j < s + len; j++) {
    for (int i = s; i <= j; i++) {
      if (sp_model_base(m, q->W[q->A[i]]) == sp_model_base(m, q->W[q->A[j]]) && moves_together(q, q->A[j])) g->C[(ptrdiff_t)j * g->ld + i] += size;
    }
  }
}

static sp_status reserve(sp_model *m) {
  const size_t a = (size_t)m->qp.a, ld = a + a / 4 + 16;
  sp_gram *g = m->gram;
  if (!g && !(g = m->gram = sp_calloc(m->ctx, 1, sizeof *g))) return SP_ENOMEM;
  if (m->qp.a <= g->ld) return SP_OK;
  sp_free(m->ctx, g->C);
  g->ld = 0;
  if (!(g->C = sp_alloc(m->ctx, ld * ld, sizeof *g->C))) return SP_ENOMEM;
  g->ld = (int)ld;
  return SP_OK;
}

sp_status sp_concave_block_factor(sp_model *m, int worst, int *definite) {
  sp_qp *q = &m->qp;
  const int a = q->a;
  sp_status st = SP_OK;
  int info = 0, flat = 0;
  const int shifts = (m->loss.ops->flags & SP_LOSS_SHIFT_FREE) != 0 && m->pen->groups->across;
  *definite = 0;
  for (int s = 0; s < a; s += q->len[q->A[s]]) {
    if (q->T[q->A[s]] == 0 && !q->has_ridge) flat += q->len[q->A[s]];
  }
  if (flat + q->k0 > q->n || (worst && !q->has_ridge && !q->boxed && a + q->k0 > q->n)) return SP_OK;
  SP_TRY(reserve(m));
  SP_TRY(sp_block_complete_gram(q));
  sp_gram *g = m->gram;
  for (int s = 0; s < a && !info; s += q->len[q->A[s]]) {
    const int k = q->A[s], len = q->len[k];
    const sp_coord co = coord(m, k);
    const double h = sp_block_norm(q, k);
    double curve, round = q->T[k] / h;
    if (!(h > 0)) goto done;
    sp_penalty_slope(m->pen, m->lambda, &co, h, &curve);
    if (worst) {
      curve = sp_penalty_concavity(m->pen, m->lambda, &co);
      round = curve; /* whatever the direction */
    }
    for (int j = s; j < s + len; j++) {
      double *col = g->C + (ptrdiff_t)j * g->ld;
      const double unit = q->unit[q->A[j]], uj = unit * q->b[q->A[j]] / h;
      if (sp_block_held(q, q->A[j])) { /* does not move */
        for (int i = 0; i < j; i++) col[i] = 0;
        col[j] = 1;
        continue;
      }
      for (int i = 0; i <= j; i++) col[i] = sp_block_held(q, q->A[i]) ? 0 : gram(q, i, j) / (unit * q->unit[q->A[i]]);
      for (int i = s; i <= j; i++) col[i] += sp_block_held(q, q->A[i]) ? 0 : (curve - round) * uj * (q->unit[q->A[i]] * q->b[q->A[i]] / h);
      col[j] += q->k[q->A[j]] / (unit * unit) + round;
      if (!(col[j] > SP_DEPENDENT)) info = 1;
    }
    if (shifts) hold_sums(m, s, len);
  }
  if (a && !info) dpotrf_("U", &a, g->C, &g->ld, &info, 1);
  for (int i = 0; i < a && !info; i++) {
    const double d = g->C[(ptrdiff_t)i * g->ld + i], unit = q->unit[q->A[i]];
    if (sp_block_held(q, q->A[i])) continue;
    if (!(d * d > SP_DEPENDENT * (gram(q, i, i) + q->k[q->A[i]]) / (unit * unit))) info = 1;
  }
  *definite = !info;
done:
  return st;
}
