/* Non-convex penalties of the norms of blocks on the working set. Two moves, in this order:
 *
 * - Newton's step over the active blocks, where the penalty P(h) of the norm h is smooth with curvature P'/h (I - u u') + P'' u u', u the
 *   direction of the block. It is taken in polar form, as in block.c; where the matrix is not positive definite, a norm would all but
 *   vanish, or the objective would rise, there is none;
 * - the local linear approximation (Zou & Li 2008): the thresholds P'(h) of the moment make a group lasso, for the solver of block.c. Its
 *   solution lowers the objective, lets violators in and puts blocks to zero exactly. */
#include "concave.h"

#include <math.h>

#include "../base/blas.h"
#include "../base/vec.h"
#include "block.h"

#define MAX_ROUNDS 200
#define HALVINGS 6
#define FUTILE 40        /* rounds without Newton after which there is nothing to hope for */
#define SETTLED 0.05     /* below this residual / lambda violators are let in */
#define CONVERGED 1e-12  /* residual of the active blocks / lambda */
#define ROUNDING 1e-9    /* below this a Newton step that does not descend has met rounding */
#define FORCING 0.3      /* what the approximation may leave of the residual */
#define VANISHING 0.1    /* share of its norm below which a block is not followed by Newton */

/* the norm of the block at position k as the penalty sees it */
static sp_coord coord(const sp_model *m, int k) {
  const int g = m->pen->groups->of[sp_model_base(m, m->qp.W[k])];
  return (sp_coord){m->gw[g], m->wt[g] * m->ridge_scale, -INFINITY, INFINITY, m->curvature, 1};
}

void sp_concave_block_tangent(sp_model *m) {
  sp_qp *q = &m->qp;
  double curve;
  for (int k = 0; k < q->nW; k += q->len[k]) {
    const sp_coord co = coord(m, k);
    const double h = sp_block_norm(q, k);
    q->T[k] = h > 0 ? sp_penalty_slope(m->pen, m->lambda, &co, h, &curve) : m->lambda * q->T1[k];
  }
}

double sp_concave_block_penalty(const sp_model *m, int k) {
  const sp_coord co = coord(m, k);
  const double h = sp_block_norm(&m->qp, k);
  return h > 0 ? m->pen->ops->value(m->pen, m->lambda, &co, h) : 0;
}

/* A loss that does not see what its predictors have in common leaves the coefficients of a column free to move together, and a norm that
 * has become flat does not hold them: among such solutions the one with the sum of the moment is meant. */
static void hold_sums(const sp_model *m, int s, int len) {
  const sp_qp *q = &m->qp;
  sp_gram *g = m->gram;
  double size = 0; /* the same for all: what is held must not touch the differences */
  for (int j = s; j < s + len; j++) size += g->G[(ptrdiff_t)j * g->ld + j] / (len * q->unit[q->A[j]] * q->unit[q->A[j]]);
  for (int j = s; j < s + len; j++) {
    for (int i = s; i <= j; i++) {
      if (sp_model_base(m, q->W[q->A[i]]) == sp_model_base(m, q->W[q->A[j]])) g->C[(ptrdiff_t)j * g->ld + i] += size;
    }
  }
}

sp_status sp_concave_block_factor(sp_model *m, int worst, int *definite) {
  sp_qp *q = &m->qp;
  const int a = q->a;
  int info = 0, flat = 0;
  const int shifts = (m->loss.ops->flags & SP_LOSS_SHIFT_FREE) != 0 && m->pen->groups->across;
  *definite = 0;
  for (int s = 0; s < a; s += q->len[q->A[s]]) {
    if (q->T[q->A[s]] == 0 && !q->has_ridge) flat += q->len[q->A[s]];
  }
  if (flat + q->k0 > q->n) return SP_OK;
  const sp_status st = sp_concave_gram(m);
  if (st != SP_OK) return st;
  sp_gram *g = m->gram;
  for (int s = 0; s < a && !info; s += q->len[q->A[s]]) {
    const int k = q->A[s], len = q->len[k];
    const sp_coord co = coord(m, k);
    const double h = sp_block_norm(q, k);
    double curve, round = q->T[k] / h;
    if (!(h > 0)) return SP_OK;
    sp_penalty_slope(m->pen, m->lambda, &co, h, &curve);
    if (worst) {
      curve = sp_penalty_concavity(m->pen, m->lambda, &co);
      round = curve; /* whatever the direction */
    }
    for (int j = s; j < s + len; j++) {
      double *col = g->C + (ptrdiff_t)j * g->ld;
      const double *from = g->G + (ptrdiff_t)j * g->ld, unit = q->unit[q->A[j]], uj = unit * q->b[q->A[j]] / h;
      for (int i = 0; i <= j; i++) col[i] = from[i] / (unit * q->unit[q->A[i]]);
      for (int i = s; i <= j; i++) col[i] += (curve - round) * uj * (q->unit[q->A[i]] * q->b[q->A[i]] / h);
      col[j] += q->k[q->A[j]] / (unit * unit) + round;
      if (!(col[j] > SP_DEPENDENT)) info = 1;
    }
    if (shifts) hold_sums(m, s, len);
  }
  if (a && !info) dpotrf_("U", &a, g->C, &g->ld, &info, 1);
  for (int i = 0; i < a && !info; i++) {
    const double d = g->C[(ptrdiff_t)i * g->ld + i], unit = q->unit[q->A[i]];
    if (!(d * d > SP_DEPENDENT * (g->G[(ptrdiff_t)i * g->ld + i] + q->k[q->A[i]]) / (unit * unit))) info = 1;
  }
  *definite = !info;
  return SP_OK;
}

/* The step q->d (penalized units) times `len` in polar form; q->h3: how b moves. 0: a norm would all but vanish */
static int polar(const sp_model *m, double len) {
  const sp_qp *q = &m->qp;
  for (int s = 0; s < q->a; s += q->len[q->A[s]]) {
    const int k = q->A[s], to = s + q->len[k];
    const double h = sp_block_norm(q, k);
    double along = 0, ss = 0;
    for (int j = s; j < to; j++) along += q->unit[q->A[j]] * q->b[q->A[j]] / h * q->d[j];
    if (h + len * along < VANISHING * h) return 0;
    for (int j = s; j < to; j++) {
      const double unit = q->unit[q->A[j]], dir = unit * q->b[q->A[j]] / h;
      q->h3[j] = dir + len * (q->d[j] - along * dir) / h;
      ss += q->h3[j] * q->h3[j];
    }
    const double size = (h + len * along) / sqrt(ss);
    for (int j = s; j < to; j++) {
      const double unit = q->unit[q->A[j]];
      q->h3[j] = q->T[k] > 0 ? size * q->h3[j] / unit - q->b[q->A[j]] : len * q->d[j] / unit;
    }
  }
  return 1;
}

/* b along Newton's step, halved until the objective does not rise; *moved 0 when there is none that helps */
static void newton_move(sp_model *m, int *moved) {
  sp_qp *q = &m->qp;
  const int a = q->a;
  double *from = q->h1, len = 1;
  const double before = sp_concave_objective(m);
  *moved = 0;
  for (int i = 0; i < a; i++) from[i] = q->b[q->A[i]];
  for (int it = 0; it <= HALVINGS; it++, len /= 2) {
    if (!polar(m, len)) return;
    for (int i = 0; i < a; i++) q->b[q->A[i]] = from[i] + q->h3[i];
    if (sp_concave_accept(m, q->h3, before)) {
      *moved = 1;
      return;
    }
    for (int i = 0; i < a; i++) q->b[q->A[i]] = from[i];
  }
}

static sp_status newton(sp_model *m, int *moved) {
  sp_status st = SP_OK;
  sp_qp *q = &m->qp;
  int definite, info = 0;
  const int one = 1;
  *moved = 0;
  SP_TRY(sp_concave_block_factor(m, 0, &definite));
  if (!definite) return SP_OK;
  for (int s = 0; s < q->a; s += q->len[q->A[s]]) {
    const int k = q->A[s];
    const double h = sp_block_norm(q, k);
    for (int j = s; j < s + q->len[k]; j++) {
      const int pos = q->A[j];
      const double unit = q->unit[pos], b = q->b[pos];
      q->d[j] = (q->c[pos] - q->k[pos] * b) / unit - q->T[k] / h * unit * b;
    }
  }
  dpotrs_("U", &q->a, &one, m->gram->C, &m->gram->ld, q->d, &q->a, &info, 1);
  newton_move(m, moved);
done:
  return st;
}

/* Of the active blocks, / lambda */
static double residual(sp_model *m) {
  sp_qp *q = &m->qp;
  double worst = 0;
  sp_active_t(q, q->r, q->g);
  for (int i = 0; i < q->a; i++) q->c[q->A[i]] = q->g[i];
  for (int s = 0; s < q->a; s += q->len[q->A[s]]) {
    const int k = q->A[s];
    const double v = sp_block_violation(q, k) / (q->lambda * q->wt[k]);
    if (!(v <= worst)) worst = v;
  }
  return worst;
}

/* The largest violation among V, / lambda, 0 when there is none that counts; c of V is then fresh. */
static double largest_violation(sp_model *m, double E) {
  sp_qp *q = &m->qp;
  double worst = 0;
  sp_qp_corr(q, q->V, q->nV, q->r, q->val);
  for (int v = 0; v < q->nV; v++) q->c[q->V[v]] = q->val[v];
  for (int v = 0; v < q->nV; v++) {
    const int k = q->V[v];
    if (!q->len[k] || q->ia[k] >= 0) continue;
    const double tol = sp_max(SP_TOL_ENTER, 0.1 * E) * q->lambda * q->wt[k] + sp_block_noise(q, k);
    const double excess = sp_block_violation(q, k);
    if (excess > tol) worst = sp_max(worst, excess / (q->lambda * q->wt[k]));
  }
  return worst;
}

sp_status sp_concave_blocks(sp_model *m, int *ok) {
  sp_status st = SP_OK;
  sp_qp *q = &m->qp;
  int futile = 0;
  *ok = 0;
  for (int round = 0; round < MAX_ROUNDS && futile < FUTILE; round++) {
    int moved = 0;
    double enter = 0;
    q->n_rounds++;
    sp_concave_block_tangent(m);
    const double E = residual(m);
    if (!isfinite(E)) break;
    int settled = E <= CONVERGED || E * q->lambda <= q->noise;
    if (!settled) {
      SP_TRY(newton(m, &moved));
      if (!moved && E <= ROUNDING) settled = 1;
      if (moved && E > SETTLED) continue;
    }
    if (settled || moved) {
      sp_concave_block_tangent(m);
      sp_model_look_near(m);
      enter = largest_violation(m, E);
      if (enter == 0 && settled) {
        *ok = 1;
        break;
      }
      if (enter == 0) continue;
    } else {
      futile++;
    }
    const double goal = q->goal;
    int solved;
    sp_model_look_near(m);
    m->n_tangent++;
    q->goal = sp_max(goal, FORCING * sp_max(E, enter));
    st = sp_blocks(q, enter > 0, &solved);
    q->goal = goal;
    if (st != SP_OK) goto done;
  }
  sp_concave_block_tangent(m);
done:
  return st;
}
