/* The solution at one lambda on the working set. A quadratic loss is one quadratic problem, solved exactly and refined; any
 * other loss is a sequence of them (proximal Newton), whose metric is kept while the steps contract well. Escalation inside a
 * quadratic problem: active set, homotopy, coordinate descent with polish; ridge problems with more active columns than
 * rows go to the dual engine. Every loop is bounded; what is not accepted is reported, never hidden. */
#include <math.h>
#include <string.h>

#include "../base/vec.h"
#include "bilevel.h"
#include "block.h"
#include "concave.h"
#include "curved.h"
#include "model.h"
#include "reach.h"
#include "secant.h"

#define ATTEMPTS 4         /* per quadratic problem */
#define REFINEMENTS 8
#define NEAR 0.5           /* columns with |c| > alpha v (lambda' - NEAR (lambda - lambda')) are looked at from the start */
#define CONTRACTION 0.1    /* keep the metric while a step reduces the residual at least this much */
#define CONTRACTION_CLASSED 0.3 /* where a metric costs tens of steps */
#define TRUST 0.1          /* below this residual / lambda a step is taken without looking at the objective */
#define TINY 1e-6          /* below this one the objective cannot tell, its rounding is larger than what is left to gain */
#define CHEAP 32           /* a metric for at most this many active columns costs less than the steps it saves */
#define SETTLED 2e-2       /* below this residual / lambda the steps of the old metric contract well enough */
#define PACKED 3e-3        /* the same for packed blocks, whose columns do not depend on the metric */
#define FORCING 2e-2       /* blocks: what the quadratic model may leave of the residual */
#define MOST_HOPELESS 50    /* steps that lessen the residual no more: rounding */
#define MOST_POLISHED 8    /* times that rounding has undone the last step */
#define CURVED 0.5         /* below this residual / lambda the active set may be right: sp_curved_step() */
#define CONVERGED 1e-11    /* Newton stops here, relative to lambda */
#define CONVERGED_BLOCKS 3e-11 /* the same with norms of blocks */
#define ITERATIVE_SIZE 5e7 /* n a^2 from which conjugate gradients may beat a dense factor, */
#define CLASSED_SIZE 2e8   /* the same for the columns of classed.c */
#define ITERATIVE_FILL 32  /* when the active columns fill at most one place in this many */
#define CG_SCORES 2e-10    /* Newton's last step is far more exact than asked for, so that asking for more costs little */
#define MOST_INEXACT 8     /* conjugate gradients: see inexactness() */
#define LEAST_INEXACT 0.05
#define STRAINED 1e3       /* residual of a row in the metric, relative to the root of its weight, from which the step is not read off it */
#define TANGENTS 10         /* rounds of a non-convex quadratic problem and its local linear approximation */
#define ROUNDS 2            /* of a non-convex problem with another loss */
#define HALVINGS 12         /* of a step whose model is not convex: it need not descend however short it is */
#define SLOW 0.2            /* non-convex: a step that leaves more than this of the residual is tried at greater length */
#define DEEPER 1e-2         /* non-convex: floor of the curvature, times that of other problems: saturated rows must not hold the others */
#define FARTHEST 8          /* times the step, */
#define FARTHEST_ETA 50     /* and in units of the linear predictor */
#define STUCK 0.5           /* non-convex: slow steps that have left more than this of the residual, */
#define WINDOW 25           /* this many of them, */
#define STILL 1e-6          /* and have not lowered the objective by this much of the null deviance, are given up */
#define SATURATED 1e-4      /* of the null deviance: see run_away() */
#define GROWTH 1.25
#define MOST_TANGENTS 16    /* steps by the tangent before the pieces are tried again */
#define CD_SWEEPS 50        /* of the tangent's quadratic model, where its active set does not settle */
#define LOOK 8              /* non-convex norms: Newton steps after which it is seen again whether the fit is saturated */
#define SATURATED_NORMS 1e-3 /* of the null deviance: problems with non-convex norms are given up below */

static sp_status reserve_near(sp_model *m) {
  const size_t need = (size_t)m->qp.capW + 1;
  if (need <= m->cap_near) return SP_OK;
  sp_status st = SP_OK;
  SP_TRY(sp_grow(m->ctx, &m->near, m->cap_near, need, sizeof(int)));
  SP_TRY(sp_grow(m->ctx, &m->b_old, m->cap_near, need, sizeof(double)));
  m->cap_near = need;
done:
  return st;
}

/* Positions whose last known correlation is within reach of the threshold at the new lambda. */
static void choose_near(sp_model *m, double lambda, double lambda_prev) {
  sp_qp *q = &m->qp;
  /* where the penalty lets go of active coefficients the others' correlations move faster */
  const double near = m->concave ? 2 * NEAR : NEAR;
  const double margin = lambda_prev > lambda ? near * (lambda_prev - lambda) / lambda : 0;
  m->n_near = 0;
  for (int k = 0; q->blocks && k < q->nW; k += q->len[k]) {
    const int far = q->ia[k] < 0 && sp_block_soft_norm(q, k, q->c + k, 1 - margin) < q->T[k] * (1 - margin);
    for (int j = k; j < k + q->len[k] && !far; j++) m->near[m->n_near++] = j;
  }
  for (int k = 0; m->bilevel && k < q->nW; k += q->len[k]) { /* one coefficient lowers the thresholds of its group */
    int any = !(lambda > 0);
    for (int j = k; j < k + q->len[k]; j++) any |= q->st[j] != SP_ZERO || fabs(q->c[j]) >= q->t[j] * (1 - margin);
    for (int j = k; j < k + q->len[k] && any; j++) m->near[m->n_near++] = j;
  }
  for (int k = 0; !q->blocks && !m->bilevel && k < q->nW; k++) {
    if (q->st[k] != SP_ZERO || !(lambda > 0) || fabs(q->c[k]) >= q->t[k] * (1 - margin)) m->near[m->n_near++] = k;
  }
}

void sp_model_look_near(sp_model *m) {
  sp_qp *q = &m->qp;
  q->nV = 0;
  for (int i = 0; i < m->n_near; i++) {
    if (q->ia[m->near[i]] < 0) q->V[q->nV++] = m->near[i];
  }
}

/* r anew from y and b, refinement of the active equations, c over the working set; returns the KKT residual / lambda. */
static sp_status refresh(sp_model *m, const double *y, double *kkt) {
  sp_status st = SP_OK;
  sp_qp *q = &m->qp;
  double last = INFINITY;
  int level = 0, failed, trouble;
  SP_TRY(sp_qp_residual(q, y));
  for (int rep = 0; rep < REFINEMENTS && q->a; rep++) {
    double worst = 0;
    sp_active_t(q, q->r, q->g);
    for (int i = 0; i < q->a; i++) {
      const int k = q->A[i];
      q->rhs[i] = q->g[i] - q->k[k] * q->b[k] - q->t[k] * q->s[k];
      worst = sp_max(worst, fabs(q->rhs[i]) / (q->lambda * q->vs[k]));
    }
    if (worst <= (q->iterative ? 2 * q->cg : SP_TOL_REFINE) || worst * q->lambda <= q->noise || (worst <= 1e-11 && worst > 0.5 * last)) break;
    if (rep && worst > 0.1 * last && worst > 1e-11 && !q->iterative) { /* contracts badly: a better factor, then what there is */
      if (++level > 2) break;
      SP_TRY(sp_factor_rebuild(q, &failed));
    }
    last = worst;
    SP_TRY(sp_qp_solve_active(q, q->rhs, &trouble));
    if (trouble) break;
    for (int i = 0; i < q->a; i++) {
      const int k = q->A[i];
      double b = q->b[k] + q->d[i];
      /* rounding must not carry a coefficient past its limit */
      if (b > q->hi[k] && b < q->hi[k] + 1e-12 * (1 + fabs(q->hi[k]))) b = q->hi[k];
      if (b < q->lo[k] && b > q->lo[k] - 1e-12 * (1 + fabs(q->lo[k]))) b = q->lo[k];
      q->b[k] = b;
    }
    sp_axpy(-1, q->u, q->r, q->n);
  }
  SP_TRY(sp_reach_correlations(m, q->r, q->n));
  m->c_fresh = 1;
  *kkt = sp_qp_kkt(q);
done:
  return st;
}

static sp_status leave_iterative(sp_model *m) {
  m->no_iterative = 1;
  if (m->qp.scores) { /* back to residuals in the metric */
    m->qp.scores = 0;
    sp_model_orthonormal_basis(m);
    sp_model_root(m, SP_ROOT_SOLVE_T, m->qp.r);
    sp_qp_project(&m->qp, m->qp.r);
    sp_model_root(m, SP_ROOT_SOLVE_T, m->r0);
  }
  return sp_qp_set_iterative(&m->qp, 0);
}

/* After an active-set run that did not settle: back to where it started, from where the homotopy has few events to go through. */
static sp_status back_to_start(sp_model *m) {
  for (int i = 0; i < m->n_near; i++) m->qp.b[m->near[i]] = m->b_old[i];
  return sp_qp_from_b(&m->qp);
}

static void keep_start(sp_model *m) {
  for (int i = 0; i < m->n_near; i++) m->b_old[i] = m->qp.b[m->near[i]];
}

/* With norms of blocks: one engine, started again while that helps. */
static sp_status solve_blocks(sp_model *m, const double *y, double *kkt) {
  sp_status st = SP_OK;
  sp_qp *q = &m->qp;
  double last = INFINITY;
  int ok;
  for (int number = 0; number < ATTEMPTS + 2; number++) {
    sp_model_look_near(m);
    SP_TRY(sp_blocks(q, number == 0 && m->c_fresh, &ok));
    SP_TRY(sp_qp_residual(q, y));
    SP_TRY(sp_reach_correlations(m, q->r, q->n));
    m->c_fresh = 1;
    *kkt = sp_qp_kkt(q);
    if (*kkt <= sp_qp_accept(q) || (ok && *kkt > 0.5 * last)) break;
    last = *kkt;
    choose_near(m, q->lambda, 1.2 * q->lambda);
  }
done:
  return st;
}

/* One attempt at the quadratic problem with response y, from wherever it stands. */
static sp_status attempt(sp_model *m, const double *y, int number, int c_fresh) {
  sp_status st = SP_OK;
  sp_qp *q = &m->qp;
  int ok = 0;
  if (m->force_cd && number == 0) {
    SP_TRY(sp_cd(q, 5000, &ok));
    c_fresh = 0;
  }
  if (number < 2) {
    sp_model_look_near(m);
    keep_start(m);
    SP_TRY(sp_pdas(q, c_fresh, &ok));
    if (!ok && q->iterative) {
      SP_TRY(leave_iterative(m)); /* the other engines need the factor */
    } else if (!ok) {
      if (number == 0) {
        SP_TRY(back_to_start(m));
        SP_TRY(sp_qp_residual(q, y));
      }
      SP_TRY(sp_homotopy(q, &ok));
    }
  } else if (number < 3) {
    if (q->iterative) SP_TRY(leave_iterative(m));
    SP_TRY(sp_homotopy(q, &ok));
  } else {
    if (q->iterative) SP_TRY(leave_iterative(m));
    SP_TRY(sp_cd(q, 5000, &ok));
    sp_qp_take_all(q);
    SP_TRY(sp_pdas(q, 0, &ok));
  }
done:
  return st;
}

/* The quadratic problem with response y to SP_TOL_ACCEPT over the working set. */
static sp_status solve_quadratic(sp_model *m, const double *y, double *kkt) {
  sp_status st = SP_OK;
  sp_qp *q = &m->qp;
  *kkt = INFINITY;
  for (int number = 0; number < ATTEMPTS; number++) {
    SP_TRY(attempt(m, y, number, number == 0 && m->c_fresh));
    SP_TRY(refresh(m, y, kkt));
    if (*kkt <= sp_qp_accept(&m->qp)) break;
    choose_near(m, q->lambda, 1.2 * q->lambda);
  }
done:
  return st;
}

static int count_free(const sp_qp *q) {
  int c = 0;
  for (int k = 0; k < q->nW; k++) c += q->st[k] == SP_FREE;
  return c;
}

/* Ridge with more active columns than rows: the dual has fewer unknowns. Near alpha = 1 it is ill conditioned. */
static int wants_dual(const sp_model *m) {
  if (!m->qp.has_ridge || m->reduced || m->qp.blocks || m->qp.scores || m->pen->ops->pieces) return 0;
  const double alpha = m->pen->alpha;
  for (int k = 0; k < m->qp.nW; k++) {
    if (m->qp.kv[k] == 0) return 0; /* limits without penalty: no ridge on that column */
  }
  if (alpha == 0) return m->qp.nW > m->qp.n;
  return m->use_dual || count_free(&m->qp) > (alpha <= 0.5 ? 1.0 : 2.5) * (double)m->qp.n;
}

static sp_status solve_dual(sp_model *m, const double *y, double *kkt, int *done_) {
  sp_status st = SP_OK;
  int ok;
  *done_ = 0;
  for (int rep = 0; rep < 3; rep++) {
    m->use_dual = 1;
    SP_TRY(sp_dual(&m->qp, y, &ok));
    m->c_fresh = 1;
    *kkt = sp_qp_kkt(&m->qp);
    if (*kkt <= sp_qp_accept(&m->qp)) {
      *done_ = 1;
      return SP_OK;
    }
  }
  if (m->pen->alpha == 0 && m->qp.nW > 4 * m->qp.n) { /* nothing else handles a full support as well */
    *done_ = 1;
    return SP_OK;
  }
  m->use_dual = 0;
  SP_TRY(sp_qp_from_b(&m->qp));
  SP_TRY(sp_qp_residual(&m->qp, y));
  sp_qp_corr_all(&m->qp);
  choose_near(m, m->qp.lambda, 1.2 * m->qp.lambda);
done:
  return st;
}

static sp_status solve_any(sp_model *m, const double *y, double *kkt) {
  sp_status st = SP_OK;
  if (m->qp.blocks) return solve_blocks(m, y, kkt);
  if (wants_dual(m)) {
    int finished;
    SP_TRY(solve_dual(m, y, kkt, &finished));
    if (finished) return SP_OK;
  }
  st = solve_quadratic(m, y, kkt);
done:
  return st;
}

/* Every nonzero coefficient is at a position in `near`. */
static double penalty_value(const sp_model *m) {
  double f = 0;
  const sp_qp *q = &m->qp;
  if (m->bilevel && m->concave) return sp_bilevel_penalty(m);
  for (int i = 0; i < m->n_near; i++) {
    const int k = m->near[i];
    if (q->blocks && m->concave) {
      if (q->len[k]) f += sp_concave_block_penalty(m, k);
      continue;
    }
    f += sp_concave_penalty(m, k);
    if (q->blocks && q->len[k]) f += q->T[k] * sp_block_norm(q, k);
  }
  return f;
}

/* root and basis of the metric; the active columns are those of the old one yet */
static sp_status change_metric(sp_model *m, const double *h) {
  m->n_metric++;
  if (m->loss.ops->metric) {
    const sp_status st = m->loss.ops->metric(&m->loss, m->eta);
    if (st != SP_OK) return st;
    if (m->qp.classed) m->loss.ops->shares(&m->loss, m->qp.shares);
  } else {
    const double floor = m->floor * (m->pen->ops->pieces && !m->qp.blocks ? DEEPER : 1);
    for (ptrdiff_t i = 0; i < m->n; i++) m->sm[i] = sqrt(fmax(h[i], floor * m->w[i]));
  }
  if (sp_qp_no_basis(&m->qp)) {
    memcpy(m->qp.diag, h, (size_t)m->n * sizeof *h);
    sp_model_basis_factor(m);
  } else {
    sp_model_orthonormal_basis(m);
  }
  m->metric_set = 1;
  return SP_OK;
}

sp_status sp_model_set_metric(sp_model *m, const double *h) {
  sp_status st = SP_OK;
  sp_qp *q = &m->qp;
  int failed;
  SP_TRY(change_metric(m, h));
  if (q->blocks) SP_TRY(sp_block_reload(q));
  else SP_TRY(sp_factor_reload(q, &failed));
done:
  return st;
}

/* State of one Newton iteration: r0 = S'^-1 g, qp.r its projection, c over `near` (or everything) and A. *worst: largest residual
 * of the active equations, of the unpenalized scores, and of inactive columns looked at, / lambda. */
static sp_status newton_residual(sp_model *m, int everything, double *worst) {
  sp_qp *q = &m->qp;
  double top = 0, dir;
  sp_status st = sp_active_refresh(q);
  if (st != SP_OK) return st;
  memcpy(m->r0, m->g, (size_t)m->n * sizeof *m->r0);
  if (!q->scores) sp_model_root(m, SP_ROOT_SOLVE_T, m->r0);
  memcpy(q->r, m->r0, (size_t)m->n * sizeof *m->r0);
  if (sp_qp_no_basis(q)) {
    double *z = q->e2 + 3 * q->n;
    sp_scores_basis(q, m->g, z);
    sp_scores_solve(q, z, 0);
    for (int h = 0; h < m->nu; h++) top = sp_max(top, fabs(z[h]));
  } else {
    for (int h = 0; h < m->nu; h++) top = sp_max(top, fabs(sp_dot(q->Q0 + h * m->n, q->r, m->n)));
  }
  sp_qp_project(q, q->r);
  if (everything && m->use_dual) {
    sp_qp_corr_all(q);
  } else if (everything) {
    for (ptrdiff_t i = 0; i < m->n; i++) m->h[i] = m->g[i] / m->sw[i];
    st = sp_reach_correlations(m, m->h, m->n);
    if (st != SP_OK) return st;
  } else {
    sp_model_look_near(m);
    sp_active_corr(q, q->nV);
    for (int v = 0; v < q->nV; v++) q->c[q->V[v]] = q->val[v];
    for (int i = 0; i < q->a; i++) q->c[q->A[i]] = q->g[i];
  }
  if (m->use_dual) { /* free columns have no slot */
    for (int k = 0; k < q->nW; k++) {
      if (q->st[k] == SP_FREE) top = sp_max(top, fabs(q->c[k] - q->k[k] * q->b[k] - q->t[k] * q->s[k]) / q->vs[k]);
    }
  }
  for (int i = 0; i < q->a && q->blocks; i++) {
    const int k = q->A[i];
    if (q->len[k]) top = sp_max(top, sp_block_violation(q, k) / q->wt[k]);
  }
  for (int v = 0; v < q->nV && q->blocks; v++) {
    const int k = q->V[v];
    if (!q->len[k]) continue;
    const double viol = sp_block_violation(q, k);
    if (viol > SP_TOL_ENTER * q->lambda * q->wt[k] + sp_block_noise(q, k)) top = sp_max(top, viol / q->wt[k]);
  }
  for (int i = 0; i < q->a && !q->blocks; i++) {
    const int k = q->A[i];
    top = sp_max(top, fabs(q->c[k] - q->k[k] * q->b[k] - q->t[k] * q->s[k]) / q->vs[k]);
  }
  for (int v = 0; v < q->nV && !q->blocks; v++) {
    const int k = q->V[v];
    const double viol = sp_qp_violation(q, k, &dir);
    if (viol > sp_qp_entry_tol(q, k)) top = sp_max(top, viol / q->vs[k]);
  }
  *worst = top / q->lambda;
  return SP_OK;
}

static void remember(sp_model *m) {
  for (int i = 0; i < m->n_near; i++) m->b_old[i] = m->qp.b[m->near[i]];
  memcpy(m->eta_old, m->eta, (size_t)m->n * sizeof *m->eta);
}

/* States and factor from b. A non-convex problem has been where b is, with this support: columns that the metric of the moment takes for
 * dependent, because the rows in which they differ are saturated, must not be traded for each other. */
static sp_status states_from_b(sp_model *m) {
  sp_qp *q = &m->qp;
  int failed = 1;
  if (!m->concave || q->blocks || q->iterative) return sp_qp_from_b(q);
  for (int i = 0; i < q->a; i++) q->ia[q->A[i]] = -1;
  q->a = 0;
  if (q->nW) memset(q->blk, 0, (size_t)q->nW);
  for (int k = 0; k < q->nW; k++) {
    const double b = q->b[k];
    q->st[k] = b == 0 ? SP_ZERO : b >= q->hi[k] ? SP_HI : b <= q->lo[k] ? SP_LO : SP_FREE;
    if (q->st[k] != SP_FREE) continue;
    const sp_status st = sp_qp_reserve_active(q, q->a + 1);
    if (st != SP_OK) return st;
    q->s[k] = q->t[k] == 0 ? 0 : b > 0 ? 1 : -1;
    q->A[q->a] = k;
    q->ia[k] = q->a++;
  }
  if (q->a <= q->rank - q->k0 || q->has_ridge) {
    const sp_status st = sp_factor_reload(q, &failed);
    if (st != SP_OK) return st;
  }
  return failed ? sp_qp_from_b(q) : SP_OK;
}

/* Where that had to give up a dependent coefficient eta follows. */
static sp_status rebuild_from_b(sp_model *m) {
  const sp_status st = states_from_b(m);
  return st == SP_OK ? sp_model_unpenalized(m) : st;
}

/* The same in the metric of the place. The old one has no say: where the curvature has changed by orders of magnitude, columns that
 * it took for dependent are not, and what it would slide along is no null direction of the objective. */
static sp_status rebuild_in_place(sp_model *m) {
  sp_status st = SP_OK;
  m->loss.ops->grad_hess(&m->loss, m->eta, m->g, m->h);
  SP_TRY(m->loss.status);
  SP_TRY(change_metric(m, m->h));
  SP_TRY(rebuild_from_b(m));
done:
  return st;
}

/* back to what remember() saw */
static sp_status go_back(sp_model *m) {
  for (int i = 0; i < m->n_near; i++) m->qp.b[m->near[i]] = m->b_old[i];
  memcpy(m->eta, m->eta_old, (size_t)m->n * sizeof *m->eta);
  return rebuild_from_b(m);
}

/* b and eta at `len` times the step from what remember() saw to (b_new, eta_old + deta); the objective there */
static double move_along(sp_model *m, const double *b_new, double len) {
  sp_qp *q = &m->qp;
  for (ptrdiff_t i = 0; i < m->n; i++) m->eta[i] = m->eta_old[i] + len * m->deta[i];
  for (int i = 0; i < m->n_near; i++) {
    q->b[m->near[i]] = len == 1 ? b_new[i] : m->b_old[i] + len * (b_new[i] - m->b_old[i]);
  }
  m->n_linesearch += len != 1;
  return m->loss.ops->value(&m->loss, m->eta) + penalty_value(m);
}

/* The largest multiple of the step that keeps signs and limits; 1 where it ends at one */
static double longest(const sp_model *m, const double *b_new) {
  const sp_qp *q = &m->qp;
  double most = INFINITY;
  for (int i = 0; i < m->n_near; i++) {
    const int k = m->near[i];
    const double from = m->b_old[i], d = b_new[i] - from;
    if (d == 0) continue;
    if (from * d < 0) most = fmin(most, b_new[i] * from > 0 ? -from / d : 1);
    const double limit = d > 0 ? q->hi[k] : q->lo[k];
    if (isfinite(limit)) most = fmin(most, (limit - from) / d);
  }
  return most;
}

/* Move from what remember() saw along the step to (b, eta_old + deta): the full step unless the objective rises; `far`: multiples of it
 * while the objective falls, for steps of a model that is too cautious. *len: the fraction to begin with, then that taken, 0 when none
 * helped. */
static void line_search(sp_model *m, double f_old, int halvings, int far, double *len) {
  sp_qp *q = &m->qp;
  double *b_new = q->av; /* not in use between solvers */
  const double noise = 1e-13 * (fabs(f_old) + m->null_value); /* what a sum of n terms resolves */
  for (int i = 0; i < m->n_near; i++) b_new[i] = q->b[m->near[i]];
  for (int it = 0; it < halvings; it++, *len /= 2) {
    double f = move_along(m, b_new, *len);
    if (!(f <= f_old + noise)) continue;
    const double most = far && *len == 1 ? fmin(FARTHEST, longest(m, b_new)) : 1, worth = 0.01 * (f_old - f);
    while (2 * *len <= most) {
      const double next = move_along(m, b_new, 2 * *len);
      if (!(next < f - noise - worth)) {
        move_along(m, b_new, *len);
        break;
      }
      f = next;
      *len *= 2;
    }
    return;
  }
  *len = 0;
}

/* A row with a score but hardly any curvature has a huge residual in the metric, and the step read off it has few digits there. */
static int strained(const sp_model *m) {
  for (ptrdiff_t i = 0; i < m->n; i++) {
    if (fabs(m->qp.r[i]) > STRAINED * m->sw[i]) return 1;
  }
  return 0;
}

/* deta from the coefficients instead */
static sp_status step_from_b(sp_model *m) {
  memcpy(m->eta_old, m->eta, (size_t)m->n * sizeof *m->eta);
  for (ptrdiff_t i = 0; i < m->n; i++) m->eta[i] += m->deta[i];
  const sp_status st = sp_model_unpenalized(m);
  for (ptrdiff_t i = 0; i < m->n; i++) m->deta[i] = m->eta[i] - m->eta_old[i];
  memcpy(m->eta, m->eta_old, (size_t)m->n * sizeof *m->eta);
  return st;
}

/* Where the step began: the homotopy has few events to go through from there. */
static sp_status step_back(sp_model *m) {
  sp_qp *q = &m->qp;
  for (int i = 0; i < m->n_near; i++) q->b[m->near[i]] = m->b_old[i];
  memcpy(q->r, m->r0, (size_t)m->n * sizeof *q->r);
  sp_qp_project(q, q->r);
  return states_from_b(m);
}

/* deta = Z (b - b_old), and what follows for the basis */
static sp_status step_of_scores(sp_model *m) {
  sp_qp *q = &m->qp;
  const sp_view plain = sp_model_view(m);
  double *curve = q->e2, *z = q->e2 + 3 * q->n;
  int c = 0;
  for (int i = 0; i < m->n_near; i++) {
    const int k = m->near[i];
    if (q->b[k] == m->b_old[i]) continue;
    q->idx[c] = q->W[k];
    q->val[c++] = q->b[k] - m->b_old[i];
  }
  memset(m->deta, 0, (size_t)m->n * sizeof *m->deta);
  sp_view_axpy(&plain, q->idx, c, q->val, m->deta, q->vv, q->ent);
  if (!m->nu) return SP_OK;
  sp_scores_curve(q, m->deta, curve);
  for (ptrdiff_t i = 0; i < m->n; i++) curve[i] = m->r0[i] - curve[i];
  sp_scores_basis(q, curve, z);
  sp_scores_solve(q, z, 1);
  sp_scores_add(q, 1, z, m->deta);
  return SP_OK;
}

/* The quadratic model of the moment: active set first, then whatever works. What leaves `near` is taken into it. */
/* *tangent: a non-convex penalty is replaced by its tangent, for a step that must descend; set where the pieces have none. */
static sp_status newton_step(sp_model *m, double worst, int *tangent) {
  sp_status st = SP_OK;
  sp_qp *q = &m->qp;
  double qkkt;
  int ok = 0, wandered = 0, plain = 0, c_fresh = !m->force_cd; /* plain: the active set stayed as it was */
  sp_model_look_near(m);
  if (q->iterative) q->tol = q->lambda * sp_max(q->cg, fmin(0.05, worst) * worst); /* and no more than that for columns to enter */
  if (m->concave && !*tangent && !q->blocks) {
    SP_TRY(sp_concave(m, 1, &ok));
    if (ok != 1) {
      if (ok != SP_CONCAVE_UNMOVED) {
        SP_TRY(step_back(m));
        c_fresh = 0;
      }
      *tangent = 1;
      sp_concave_tangent(m);
      sp_model_look_near(m);
    }
  }
  if (m->concave && !*tangent && !q->blocks) {
    /* it has done all */
  } else if (q->blocks) {
    q->goal = FORCING * worst; /* the next step starts from a new gradient */
    SP_TRY(sp_blocks(q, 1, &ok));
    q->goal = 0;
  } else if (wants_dual(m)) {
    int finished;
    double *y = m->deta; /* not in use before the step is known */
    memset(q->e, 0, (size_t)m->n * sizeof *q->e);
    sp_view_axpy(&q->view, q->W, q->nW, q->b, q->e, q->vv, q->ent);
    sp_qp_project(q, q->e);
    for (ptrdiff_t i = 0; i < m->n; i++) y[i] = q->r[i] + q->e[i];
    SP_TRY(solve_dual(m, y, &qkkt, &finished));
    if (!finished) SP_TRY(solve_quadratic(m, y, &qkkt));
    wandered = 1;
  } else {
    if (m->force_cd) {
      SP_TRY(sp_cd(q, 200, &ok));
      sp_model_look_near(m);
    }
    const double rounds = q->n_rounds;
    SP_TRY(sp_pdas(q, c_fresh, &ok));
    plain = ok && q->n_rounds == rounds + 1 && !m->force_cd && !q->iterative && !q->stale && !m->concave;
    if (!ok && q->iterative) {
      SP_TRY(leave_iterative(m));
      SP_TRY(sp_pdas(q, 0, &ok));
    }
    /* without thresholds on large coefficients a problem that stalls is near saturation, and the homotopy would wander */
    if (!ok && m->concave) {
      wandered = 1;
      SP_TRY(step_back(m));
      SP_TRY(sp_cd(q, CD_SWEEPS, &ok));
    } else if (!ok) {
      wandered = 1;
      SP_TRY(step_back(m));
      SP_TRY(sp_homotopy(q, &ok));
    }
    if (!ok && !m->concave) {
      SP_TRY(sp_cd(q, 500, &ok));
      sp_qp_take_all(q);
      SP_TRY(sp_pdas(q, 0, &ok));
    }
  }
  if (wandered || (m->force_cd && !q->blocks)) { /* positions outside near may have moved: they were 0 */
    const int before = m->n_near;
    char *seen = sp_calloc(m->ctx, (size_t)q->nW + 1, 1);
    if (!seen) return SP_ENOMEM;
    for (int i = 0; i < before; i++) seen[m->near[i]] = 1;
    for (int k = 0; k < q->nW; k++) {
      if (seen[k] || (q->b[k] == 0 && q->st[k] == SP_ZERO)) continue;
      m->b_old[m->n_near] = 0;
      m->near[m->n_near++] = k;
    }
    sp_free(m->ctx, seen);
  }
  if (q->scores) return step_of_scores(m);
  for (ptrdiff_t i = 0; i < m->n; i++) m->deta[i] = m->r0[i] - q->r[i];
  const int rough = strained(m);
  if (plain && !rough) SP_TRY(sp_secant_step(m, m->deta));
  else sp_secant_break(m);
  sp_model_root(m, SP_ROOT_SOLVE, m->deta);
  if (rough) SP_TRY(step_from_b(m));
done:
  return st;
}

/* All active coefficients without a slope, and the loss all but at its infimum: what they separate they separate better when they are
 * larger. Newton's step is the fit of the rows with the most curvature, and none for the others. 1: all have grown. */
static int run_away(sp_model *m) {
  sp_qp *q = &m->qp;
  if (m->loss.ops->value(&m->loss, m->eta) - m->sat_value > SATURATED * m->null_dev) return 0;
  for (int i = 0; i < q->a; i++) {
    const int k = q->A[i];
    if (q->k[k] > 0 || q->t[k] > 0) return 0;
    if (GROWTH * q->b[k] > q->hi[k] || GROWTH * q->b[k] < q->lo[k]) return 0;
  }
  for (int i = 0; i < q->a; i++) q->b[q->A[i]] *= GROWTH;
  for (ptrdiff_t i = 0; i < m->n; i++) m->eta[i] += (GROWTH - 1) * (m->eta[i] - m->off[i]);
  return 1;
}

/* A non-convex norm lets go of large blocks: where the loss can be driven to its infimum there is nothing to find. */
static int saturated(sp_model *m) {
  return !(m->loss.ops->flags & SP_LOSS_QUADRATIC) && m->loss.ops->value(&m->loss, m->eta) - m->sat_value < SATURATED_NORMS * m->null_dev;
}

static double largest(const double *x, ptrdiff_t n) {
  double top = 0;
  for (ptrdiff_t i = 0; i < n; i++) top = sp_max(top, fabs(x[i]));
  return top;
}

static sp_status solve_newton(sp_model *m, double *kkt, int *limit) {
  sp_status st = SP_OK;
  sp_qp *q = &m->qp;
  double last = INFINITY, goal = q->iterative ? 2 * q->cg : q->blocks ? CONVERGED_BLOCKS : CONVERGED, worst, worst_before = 1;
  const int pieces = m->concave && !q->blocks;
  const int bounded = (m->loss.ops->flags & SP_LOSS_DOMAIN) != 0;
  double stepped_from = INFINITY; /* residual at the last step */
  int everything = 0, foreseen = 0, fresh = 0, majorize = 0, polished = 0, careful = 0, failed_trust = 0, trusted = 0;
  double least = INFINITY; /* residual so far */
  int hopeless = 0;        /* steps with norms of blocks that have not lessened it */
  double window = INFINITY, f_window = INFINITY; /* residual and objective some slow steps ago */
  int slow_steps = 0, growing = 0, stretching = 0, wait = 0, patience = 1; /* steps by the tangent to come; the next time the pieces fail */
  *kkt = INFINITY;
  *limit = 0;
  sp_secant_reset(m);
  for (int it = 0; it < m->max_iter; it++) {
    m->n_newton++;
    if (m->concave) sp_concave_tangent(m);
    m->loss.ops->grad_hess(&m->loss, m->eta, m->g, m->h);
    if (majorize && m->loss.ops->majorizer) m->loss.ops->majorizer(&m->loss, m->eta, m->h);
    if (!m->metric_set || fresh || majorize || q->iterative || (q->packed && worst_before > PACKED) ||
        (q->a <= CHEAP && worst_before > SETTLED && !m->loss.costly)) {
      SP_TRY(sp_model_set_metric(m, m->h));
      fresh = 1;
    }
    SP_TRY(m->loss.status);
    SP_TRY(newton_residual(m, everything || m->use_dual, &worst));
    *kkt = worst_before = worst;
    if (m->predicted > 0 && worst > m->predicted) { /* worse than the solution before; active set and factor are still its own */
      m->predicted = 0;
      for (int i = 0; i < m->n_near; i++) q->b[m->near[i]] = m->b_old[i];
      memcpy(m->eta, m->eta_old, (size_t)m->n * sizeof *m->eta);
      continue;
    }
    m->predicted = 0;
    if ((trusted || (pieces && last <= sp_qp_accept(q))) && !(worst <= last)) { /* a step taken on trust did not help: back, and look this time */
      SP_TRY(go_back(m));
      sp_secant_break(m);
      if (pieces && last <= sp_qp_accept(q)) goal = sp_qp_accept(q); /* no better than that */
      if (growing == 1) growing = -1;
      else if (stretching == 1) stretching = -1;
      else careful = failed_trust = 1;
      trusted = 0;
      last = INFINITY;
      continue;
    }
    if (worst < 0.9 * least) {
      least = worst;
      hopeless = 0;
    } else if (++hopeless > MOST_HOPELESS && q->blocks && !m->concave) {
      break;
    }
    trusted = 0;
    growing = growing < 0 ? -1 : 0;
    stretching = stretching < 0 ? -1 : 0;
    if (worst <= sp_qp_accept(q) && worst > 0.5 * last) goal = sp_qp_accept(q); /* rounding level reached */
    /* where curvature has vanished Newton steps creep, and rounding undoes them */
    if (m->concave && q->blocks && it % LOOK == 0 && saturated(m)) {
      goal = sp_max(goal, sp_qp_accept(q));
      if (it >= 16 * LOOK) break;
    }
    if (worst <= goal) {
      if (!everything) {
        /* the whole working set has the last word, on eta from scratch: its updates drift, and what is reported must belong to
         * the coefficients */
        SP_TRY(sp_model_unpenalized(m));
        if (++polished > 2) goal = sp_max(goal, sp_qp_accept(q)); /* rounding keeps undoing the last step */
        if (polished > MOST_POLISHED) break;
        everything = 1;
        last = INFINITY;
        continue;
      }
      m->c_fresh = m->eta_of_b = 1;
      goto done;
    }
    if (everything) {
      if (!foreseen) choose_near(m, q->lambda, 1.2 * q->lambda);
      everything = foreseen = 0;
    }
    if (worst > (q->classed ? CONTRACTION_CLASSED : CONTRACTION) * last && !fresh && !majorize && !q->iterative) { /* the metric is too old */
      fresh = 1;
      last = INFINITY;
      continue;
    }
    const double ratio = worst / last; /* 0 at first, and after a new metric */
    last = worst;
    /* a coefficient without a slope on its way to infinity: the loss falls exponentially, and Newton's steps all have the same length */
    const int slow = pieces && worst > SLOW * stepped_from, far = slow && worst > TINY;
    stepped_from = worst;
    if (slow && ++slow_steps % WINDOW == 0) {
      const double f = m->loss.ops->value(&m->loss, m->eta) + penalty_value(m);
      if (worst > STUCK * window && !(f < f_window - STILL * m->null_dev)) break;
      window = worst;
      f_window = f;
    }
    careful |= worst > TRUST || majorize || far;
    if (worst < TINY && !majorize && !failed_trust) careful = 0;
    if (q->blocks && m->pen->ops->pieces && !m->concave && saturated(m)) break;
    const double penalty = careful || bounded || pieces ? penalty_value(m) : 0;
    double f_old = careful ? m->loss.ops->value(&m->loss, m->eta) + penalty : 0;
    remember(m);
    int curved = 0, tangent = pieces && (wait > 0 || majorize);
    if (fresh && !majorize && worst < CURVED && !pieces) SP_TRY(sp_curved_step(m, &curved));
    if (slow && growing >= 0 && run_away(m)) {
      trusted = growing = 1;
      continue;
    }
    if (!curved) SP_TRY(newton_step(m, worst, &tangent));
    wait -= wait > 0;
    const double reach = pieces && !bounded ? FARTHEST_ETA / largest(m->deta, m->n) : INFINITY;
    double len = fmin(1, reach);
    if (slow && !far && stretching >= 0 && !bounded) { /* the objective cannot tell, the residual can */
      for (int i = 0; i < m->n_near; i++) q->av[i] = q->b[m->near[i]];
      move_along(m, q->av, fmin(fmin(FARTHEST, reach), longest(m, q->av)));
      trusted = stretching = 1;
    } else if (!careful && len == 1) {
      for (ptrdiff_t i = 0; i < m->n; i++) m->eta[i] += m->deta[i];
      trusted = !bounded || m->loss.ops->defined(&m->loss, m->eta);
    }
    if (!trusted) {
      if (!careful) f_old = m->loss.ops->value(&m->loss, m->eta_old) + penalty;
      /* a coefficient left beyond its limit by an unfinished solve is brought back */
      for (int i = 0; i < m->n_near; i++) {
        const int k = m->near[i];
        if (q->b[k] > q->hi[k]) q->b[k] = q->hi[k];
        if (q->b[k] < q->lo[k]) q->b[k] = q->lo[k];
      }
      line_search(m, f_old, m->concave && !tangent ? HALVINGS : 40, far, &len);
    }
    if (pieces && !tangent && len < 0.1) {
      wait = patience;
      if (patience < MOST_TANGENTS) patience *= 2;
    }
    if (len < 1) {
      sp_secant_break(m);
      if (len == 0) SP_TRY(go_back(m));
      else SP_TRY(rebuild_in_place(m));
      last = INFINITY;
      /* first a metric of the place, then one that cannot fail */
      if (majorize && len == 0) break;
      majorize = len < 0.1 && (fresh || majorize) && (tangent || !pieces);
      fresh = 1;
    } else {
      fresh = curved;
      majorize = 0;
      if (ratio * worst <= 0.5 * goal && ratio > 0 && !m->concave && !q->blocks) { /* the end, if it goes on like that: see at once */
        SP_TRY(sp_model_unpenalized(m));
        everything = foreseen = 1;
      }
    }
  }
  SP_TRY(sp_model_unpenalized(m));
  if (!m->concave && !(m->loss.ops->value(&m->loss, m->eta) + penalty_value(m) <= m->null_value)) { /* worse than nothing */
    if (q->nW) memset(q->b, 0, (size_t)q->nW * sizeof *q->b);
    SP_TRY(sp_qp_from_b(q));
    sp_model_null(m);
  }
  if (m->concave) sp_concave_tangent(m);
  m->loss.ops->grad_hess(&m->loss, m->eta, m->g, m->h);
  SP_TRY(m->loss.status);
  SP_TRY(newton_residual(m, 1, kkt));
  *limit = *kkt > sp_qp_accept(q);
  if (*limit) sp_reach_reset(m); /* its bounds rest on vanishing scores */
  m->c_fresh = 1;
done:
  return st;
}

/* Products of the active set are centred by projection there, which cancels for columns far from their mean. */
static int any_shifted(const sp_qp *q) {
  for (int k = 0; k < q->nW; k++) {
    if (sp_view_shifted(&q->view, q->W[k])) return 1;
  }
  return 0;
}

/* Columns of several classes in two parts, where that saves much and no curvature vanishes for want of rows */
static int wants_classed(const sp_model *m) {
  const sp_qp *q = &m->qp;
  const double na = (double)m->n * q->a;
  if (!m->loss.ops->shares || m->K < 3 || m->blocks || m->reduced || q->iterative || m->pen->ops->pieces || m->no_classed) return 0;
  return (q->classed || (na * q->a > CLASSED_SIZE && q->a < m->rows_n)) && !wants_dual(m) && !any_shifted(q);
}

static int wants_iterative(const sp_model *m) {
  const sp_qp *q = &m->qp;
  const double na = (double)m->n * q->a;
  ptrdiff_t entries = 0;
  if (q->iterative || m->blocks || m->bilevel || na * q->a <= ITERATIVE_SIZE || !(m->design->ops->flags & SP_DESIGN_SPARSE)) return 0;
  if (m->reduced || m->no_iterative || any_shifted(q)) return 0;
  if (m->loss.ops->root && (m->pen->ops->pieces || wants_dual(m))) return 0;
  for (int i = 0; i < q->a; i++) {
    const int j = sp_model_base(m, q->W[q->A[i]]);
    entries += m->design->ops->cols_entries(m->design, &j, 1);
  }
  return (double)entries * ITERATIVE_FILL < na;
}

static sp_status choose_columns(sp_model *m) {
  const int on = wants_classed(m);
  if (on == m->qp.classed) return SP_OK;
  m->no_classed |= !on;
  m->qp.U = m->U;
  m->qp.UR = m->UR;
  m->qp.ucol = m->ucol;
  m->metric_set = 0;
  return sp_qp_set_classed(&m->qp, on);
}

/* On a segment of the path coefficients move in proportion to lambda. A factor solves for the step at once; conjugate gradients
 * start from the last step instead of nothing. */
static sp_status predict_step(sp_model *m, double lambda, double lambda_prev) {
  sp_qp *q = &m->qp;
  const double share = m->stepped > 0 ? (lambda_prev - lambda) / m->stepped : 0;
  q->ahead = q->blocks && share < 2 ? share : 0;
  if (!q->iterative || q->scores || !(share > 0 && share < 2) || (m->loss.ops->flags & SP_LOSS_DOMAIN)) return SP_OK;
  const sp_status st = sp_active_refresh(q);
  if (st != SP_OK) return st;
  for (int i = 0; i < q->a; i++) {
    const int k = q->A[i];
    double to = q->b[k] + share * q->step[k];
    if (to * q->b[k] < 0) to = 0;
    to = fmin(fmax(to, q->lo[k]), q->hi[k]);
    q->d[i] = to - q->b[k];
    q->b[k] = to;
  }
  if (m->loss.ops->flags & SP_LOSS_QUADRATIC) {
    for (int i = 0; i < q->a; i++) q->d[i] = -q->d[i];
    sp_active_n(q, q->d, q->r);
  } else {
    const sp_view plain = sp_model_view(m);
    sp_view_axpy(&plain, q->acol, q->a, q->d, m->eta, q->vv, q->ent);
  }
  m->c_fresh = 0;
  return SP_OK;
}

/* Without a quadratic loss a start on the line through the last two solutions, over the logarithm of lambda, saves the steps that
 * the curvature of the path would cost. Solutions between which the support changed are near it too. m->predicted: residual /
 * lambda at the start that is better than this residual without it, or 0. */
static sp_status extrapolate(sp_model *m, double lambda, double lambda_prev) {
  sp_qp *q = &m->qp;
  m->predicted = 0;
  if (!(m->stepped > 0) || !(lambda_prev > lambda && lambda > 0) || !q->a || (q->iterative && !q->scores) || q->blocks || m->use_dual || m->concave) return SP_OK;
  const double share = log(lambda_prev / lambda) / log1p(m->stepped / lambda_prev);
  if (!(share > 0 && share < 1.5)) return SP_OK;
  remember(m);
  for (int i = 0; i < q->a; i++) {
    const int k = q->A[i];
    double to = q->b[k] + share * q->step[k];
    if (to * q->b[k] <= 0) to = q->b[k];
    to = fmin(fmax(to, q->lo[k]), q->hi[k]);
    q->acol[i] = q->W[k];
    q->d[i] = to - q->b[k];
    q->b[k] = to;
  }
  const sp_view plain = sp_model_view(m);
  sp_view_axpy(&plain, q->acol, q->a, q->d, m->eta, q->vv, q->ent);
  for (int h = 0; h < m->nu; h++) sp_axpy(share * m->gamma_step[h], m->U + h * m->n, m->eta, m->n);
  m->predicted = (lambda_prev - lambda) / lambda;
  return SP_OK;
}

static void keep_step(sp_model *m, double lambda, double lambda_prev, const double *from, const double *gamma) {
  sp_qp *q = &m->qp;
  for (int k = 0; k < q->nW; k++) q->step[k] = q->b[k] - from[k];
  for (int h = 0; h < m->nu; h++) m->gamma_step[h] = m->gamma[h] - gamma[h];
  m->stepped = lambda_prev - lambda;
}

/* Residual / lambda at which conjugate gradients may stop. It costs the dual point a factor 1 - residual / lambda, and the gap
 * that fraction of the penalty: what the promised gap leaves for it, within limits. */
static double inexactness(const sp_model *m) {
  const sp_qp *q = &m->qp;
  double penalty = 0;
  if (m->loss.ops->root) return fmin(m->cg, CG_SCORES);
  if (m->concave) { /* a coefficient is charged for its residual whether its slope has become flat or not */
    for (int i = 0; i < q->a; i++) penalty += m->lambda * q->t1[q->A[i]] * fabs(q->b[q->A[i]]);
    return sp_max(LEAST_INEXACT * m->cg, fmin(m->cg, m->cg * m->null_dev / sp_max(penalty, 1e-300)));
  }
  for (int i = 0; i < q->a; i++) penalty += q->t[q->A[i]] * fabs(q->b[q->A[i]]);
  return sp_max(m->cg, fmin(MOST_INEXACT * m->cg, m->cg * m->null_dev / sp_max(penalty, 1e-300)));
}

/* The quadratic problem with response y and a non-convex penalty, over the whole working set. */
static sp_status solve_pieces(sp_model *m, const double *y, double *kkt) {
  sp_status st = SP_OK;
  sp_qp *q = &m->qp;
  int ok;
  *kkt = INFINITY;
  for (int rep = 0; rep < ATTEMPTS; rep++) {
    sp_model_look_near(m);
    SP_TRY(sp_concave(m, 0, &ok));
    SP_TRY(sp_qp_residual(q, y));
    sp_model_look_near(m);
    SP_TRY(sp_concave(m, 0, &ok)); /* what rounding has left */
    SP_TRY(sp_reach_correlations(m, q->r, q->n));
    m->c_fresh = 1;
    *kkt = sp_qp_kkt(q);
    if (*kkt <= sp_qp_accept(q)) break;
    choose_near(m, q->lambda, 1.2 * q->lambda);
  }
done:
  return st;
}

/* A non-convex penalty. The safeguard is its local linear approximation, a convex problem for the same engine; each of its
 * solutions lowers the objective, and from there Newton is tried again. Of another loss only its quadratic model is ever solved, in the
 * steps of Newton's method. */
static sp_status solve_concave(sp_model *m, double *kkt, int *limit) {
  sp_status st = SP_OK;
  const int quadratic = (m->loss.ops->flags & SP_LOSS_QUADRATIC) != 0, approximate = quadratic || m->qp.blocks;
  for (int round = 0; round < (approximate ? TANGENTS : ROUNDS); round++) {
    if (round && approximate) {
      sp_concave_use(m, 0);
      m->n_tangent++;
      if (quadratic) SP_TRY(solve_any(m, m->target, kkt));
      else SP_TRY(solve_newton(m, kkt, limit));
    }
    sp_concave_use(m, 1);
    sp_concave_tangent(m);
    if (round) choose_near(m, m->qp.lambda, 1.2 * m->qp.lambda);
    if (quadratic) SP_TRY((m->qp.blocks ? solve_blocks : solve_pieces)(m, m->target, kkt));
    else SP_TRY(solve_newton(m, kkt, limit));
    *limit = !(*kkt <= sp_qp_accept(&m->qp));
    if (!*limit || (m->qp.blocks ? saturated(m) : !quadratic && *kkt <= SP_STATIONARY_CONCAVE)) break;
  }
  if (!quadratic) { /* the curvature of the solution: for sp_concave_local(), and a good start for the next lambda */
    m->loss.ops->grad_hess(&m->loss, m->eta, m->g, m->h);
    SP_TRY(sp_model_set_metric(m, m->h));
  }
done:
  return st;
}

sp_status sp_model_solve(sp_model *m, double lambda, double lambda_prev, double *kkt, int *limit) {
  sp_status st = SP_OK;
  double *from = NULL;
  const int blocks = m->qp.blocks, active = m->qp.a, width = m->qp.capW;
  *limit = 0;
  m->predicted = 0;
  SP_TRY(reserve_near(m));
  sp_model_set_lambda(m, lambda);
  if (m->qp.blocks != blocks && active) { /* lambda = 0 after others: the engines keep A differently */
    SP_TRY(sp_qp_from_b(&m->qp));
    if (m->target) SP_TRY(sp_qp_residual(&m->qp, m->target));
    m->c_fresh = 0;
  }
  sp_concave_use(m, sp_concave_active(m));
  m->qp.cg = inexactness(m);
  m->qp.tol = m->qp.cg * m->qp.lambda;
  if (wants_iterative(m)) SP_TRY(sp_qp_set_iterative(&m->qp, 1));
  SP_TRY(choose_columns(m));
  if (m->qp.nW) memset(m->qp.blk, 0, (size_t)m->qp.nW);
  const int straight = !(m->loss.ops->flags & (SP_LOSS_QUADRATIC | SP_LOSS_DOMAIN)) && m->eta_of_b;
  const int predicting = m->qp.iterative || m->qp.blocks || straight;
  m->eta_of_b = 0;
  if (predicting) {
    from = sp_alloc(m->ctx, (size_t)width + (size_t)m->nu + 1, sizeof *from);
    if (!from) return SP_ENOMEM;
    if (m->qp.nW) memcpy(from, m->qp.b, (size_t)m->qp.nW * sizeof *from);
    if (m->nu) memcpy(from + width, m->gamma, (size_t)m->nu * sizeof *from);
  }
  if (m->loss.ops->flags & SP_LOSS_QUADRATIC) {
    if (!m->c_fresh) sp_qp_corr_all(&m->qp);
    m->c_fresh = 1;
    choose_near(m, lambda, lambda_prev);
    SP_TRY(predict_step(m, lambda, lambda_prev));
    if (m->concave) SP_TRY(solve_concave(m, kkt, limit));
    else SP_TRY(solve_any(m, m->target, kkt));
  } else {
    choose_near(m, lambda, lambda_prev);
    SP_TRY(predict_step(m, lambda, lambda_prev));
    if (straight) SP_TRY(extrapolate(m, lambda, lambda_prev));
    if (m->concave) SP_TRY(solve_concave(m, kkt, limit));
    else SP_TRY(solve_newton(m, kkt, limit));
  }
  if (!predicting || !(lambda_prev > lambda)) m->stepped = 0;
  else keep_step(m, lambda, lambda_prev, from, from + width);
done:
  sp_free(m->ctx, from);
  return st;
}
