/* Newton's method for the quadratic problem with a penalty of linear-quadratic pieces. For given pieces, support and signs the
 * stationarity equations are linear with the matrix H = XA'XA + ridge + K, K the (negative) curvature of the pieces; one solve is
 * exact, and pieces, support and signs are then read off again. Where H is not positive definite, or its step does not descend,
 * coordinate descent over the support does: each of its moves is the minimum in that coordinate. Zhang (2010), Breheny & Huang
 * (2011) for the coordinate minimum; Zou & Li (2008) for the approximation that the caller falls back on. */
#include "concave.h"

#include <math.h>
#include <string.h>

#include "../base/blas.h"
#include "../base/vec.h"
#include "bilevel.h"
#include "block.h"

#define MAX_ROUNDS 200
#define MAX_NEWTON 40    /* without coordinate descent */
#define HALVINGS 6
#define SWEEPS 3         /* of coordinate descent, where Newton's step is no use */
#define MORE_SWEEPS 30   /* once that has happened often */
#define OFTEN 20
#define SETTLED 0.05     /* below this residual / lambda violators are let in */
#define CONVERGED 1e-12  /* residual of the active equations / lambda */
#define FORCING 0.05     /* iterative: share of the residual that conjugate gradients may leave of it */
#define LOCAL_MOST 1500  /* iterative: most active columns whose curvature is factored to see its sign */

int sp_concave_active(const sp_model *m) { return m->pen->ops->pieces && m->lambda > 0; }

void sp_concave_free(sp_model *m) {
  sp_gram *g = m->gram;
  if (!g) return;
  sp_free(m->ctx, g->G);
  sp_free(m->ctx, g->C);
  sp_free(m->ctx, g->col);
  sp_free(m->ctx, g->slot);
  sp_free(m->ctx, g);
  m->gram = NULL;
}

/* the coordinate of position k as the penalty sees it */
static sp_coord coord(const sp_model *m, int k) { return m->bilevel ? sp_bilevel_at(m, k) : sp_model_coord(m, m->qp.W[k]); }

static double slope(const sp_model *m, int k, double *curve) {
  const sp_coord co = coord(m, k);
  return sp_penalty_slope(m->pen, m->lambda, &co, m->qp.b[k], curve);
}

static void tangent_at(sp_model *m, int k) {
  sp_qp *q = &m->qp;
  double curve;
  q->t[k] = q->b[k] == 0 && !m->bilevel ? m->lambda * q->t1[k] : slope(m, k, &curve);
  if (q->b[k] != 0) q->s[k] = q->t[k] == 0 ? 0 : q->b[k] > 0 ? 1 : -1;
}

void sp_concave_tangent(sp_model *m) {
  if (m->qp.blocks) {
    sp_concave_block_tangent(m);
    return;
  }
  if (m->bilevel) {
    sp_bilevel_tangent(m);
    return;
  }
  for (int k = 0; k < m->qp.nW; k++) tangent_at(m, k);
}

double sp_concave_penalty(const sp_model *m, int k) {
  const double b = m->qp.b[k];
  if (!m->concave) return m->qp.t[k] * fabs(b) + m->qp.k[k] * b * b / 2;
  if (b == 0) return 0;
  const sp_coord co = coord(m, k);
  return m->pen->ops->value(m->pen, m->lambda, &co, b);
}

/* Of sparse columns as they lie, projected by their products with the basis. */
static sp_status sparse_gram(sp_model *m) {
  sp_qp *q = &m->qp;
  sp_gram *g = m->gram;
  const int a = q->a, k0 = q->k0;
  double *z = sp_alloc(m->ctx, (size_t)a * (size_t)k0 + (size_t)q->n, sizeof *z);
  if (!z) return SP_ENOMEM;
  double *x = z + (ptrdiff_t)a * k0;
  if (k0) q->sub.ops->cols_dot(&q->sub, NULL, 0, a, q->Q0, q->n, k0, z, k0);
  memset(x, 0, (size_t)q->n * sizeof *x);
  for (int i = 0; i < a; i++) {
    double *to = g->G + (ptrdiff_t)i * g->ld;
    for (int e = q->sub_ptr[i]; e < q->sub_ptr[i + 1]; e++) x[q->sub_i[e]] = q->sub_x[e];
    q->sub.ops->cols_dot(&q->sub, NULL, 0, i + 1, x, q->n, 1, to, 1);
    for (int h = 0; h <= i; h++) to[h] -= sp_dot(z + (ptrdiff_t)i * k0, z + (ptrdiff_t)h * k0, k0);
    for (int e = q->sub_ptr[i]; e < q->sub_ptr[i + 1]; e++) x[q->sub_i[e]] = 0;
    q->nx[i] = to[i];
  }
  sp_free(m->ctx, z);
  return SP_OK;
}

sp_status sp_concave_gram(sp_model *m) {
  sp_qp *q = &m->qp;
  sp_gram *g = m->gram;
  const int a = q->a, n = (int)q->n;
  if (!g) {
    if (!(g = m->gram = sp_calloc(m->ctx, 1, sizeof *g))) return SP_ENOMEM;
    if (!(g->slot = sp_alloc(m->ctx, (size_t)m->p, sizeof *g->slot))) return SP_ENOMEM;
    for (int j = 0; j < m->p; j++) g->slot[j] = -1;
    g->stamp = -1;
  }
  if (a > g->ld) {
    const size_t ld = (size_t)a + (size_t)a / 4 + 16;
    for (int i = 0; i < g->a; i++) g->slot[g->col[i]] = -1;
    sp_free(m->ctx, g->G);
    sp_free(m->ctx, g->C);
    sp_free(m->ctx, g->col);
    g->G = g->C = NULL;
    g->col = NULL;
    g->a = g->ld = 0;
    g->G = sp_alloc(m->ctx, ld * ld, sizeof(double));
    g->C = sp_alloc(m->ctx, ld * ld, sizeof(double));
    g->col = sp_alloc(m->ctx, ld, sizeof(int));
    if (!g->G || !g->C || !g->col) return SP_ENOMEM;
    g->ld = (int)ld;
  }
  if (q->iterative) {
    const sp_status st = sp_active_refresh(q);
    if (st != SP_OK) return st;
  }
  const int ld = g->ld;
  int fresh = 0, same = g->a == a;
  const int known = g->stamp == m->n_metric;
  for (int i = 0; i < a; i++) {
    const int j = q->W[q->A[i]];
    fresh += g->slot[j] < 0;
    same &= i < g->a && g->col[i] == j;
  }
  if (known && same) return SP_OK;
  if (q->iterative) {
    const sp_status st = sparse_gram(m);
    if (st != SP_OK) return st;
  } else if (known && fresh <= a / 4) {
    for (int i = 0; i < a; i++) {
      const int si = g->slot[q->W[q->A[i]]];
      double *to = g->C + (ptrdiff_t)i * ld;
      if (si < 0) {
        sp_gemv_t(q->XA, q->n, q->n, i + 1, q->XA + i * q->n, to);
        continue;
      }
      for (int h = 0; h <= i; h++) {
        const int sh = g->slot[q->W[q->A[h]]];
        if (sh < 0) to[h] = sp_dot(q->XA + i * q->n, q->XA + h * q->n, q->n);
        else to[h] = sh < si ? g->G[(ptrdiff_t)si * ld + sh] : g->G[(ptrdiff_t)sh * ld + si];
      }
    }
    double *swap = g->G;
    g->G = g->C;
    g->C = swap;
  } else if (a) {
    const double one = 1, zero = 0;
    dsyrk_("U", "T", &a, &n, &one, q->XA, &n, &zero, g->G, &ld, 1, 1);
  }
  for (int i = 0; i < g->a; i++) g->slot[g->col[i]] = -1;
  g->a = a;
  for (int i = 0; i < a; i++) {
    g->col[i] = q->W[q->A[i]];
    g->slot[g->col[i]] = i;
  }
  g->stamp = m->n_metric;
  return SP_OK;
}

/* The factor of XA'XA + ridge + curvature in gram->C; *definite 0 where there is none. WORST: the largest concavity that the
 * penalty has anywhere instead of that at b. */
enum { STEP, HERE, WORST };
static sp_status factor(sp_model *m, int what, int *definite) {
  sp_qp *q = &m->qp;
  const int worst = what == WORST;
  if (q->blocks) return sp_concave_block_factor(m, worst, definite);
  const sp_status st = sp_concave_gram(m);
  if (st != SP_OK) return st;
  sp_gram *g = m->gram;
  const int a = q->a;
  int info = 0;
  for (int i = 0; i < a; i++) {
    const int k = q->A[i];
    double *col = g->C + (ptrdiff_t)i * g->ld, curve;
    memcpy(col, g->G + (ptrdiff_t)i * g->ld, (size_t)(i + 1) * sizeof *col);
    slope(m, k, &curve);
    if (worst) {
      const sp_coord co = coord(m, k);
      curve = sp_penalty_concavity(m->pen, m->lambda, &co);
    }
    col[i] += q->k[k] + curve;
    /* where the loss has saturated its curvature is small, and counts beside itself; for `local` it has to hold beside the penalty's */
    if (!(col[i] > SP_DEPENDENT * (what == STEP ? q->nx[i] + q->k[k] : m->curvature))) info = 1;
  }
  if (m->bilevel) sp_bilevel_curvature(m, worst, g->C, g->ld);
  if (a && !info) dpotrf_("U", &a, g->C, &g->ld, &info, 1);
  for (int i = 0; i < a && !info; i++) {
    const double d = g->C[(ptrdiff_t)i * g->ld + i];
    if (!(d * d > SP_DEPENDENT * (q->nx[i] + q->k[q->A[i]]))) info = 1;
  }
  *definite = !info;
  return SP_OK;
}

sp_status sp_concave_local(sp_model *m, int ask_convex, int *local) {
  sp_status st = SP_OK;
  int definite;
  *local = SP_LOCAL_NONE;
  if (m->qp.iterative && m->qp.a > LOCAL_MOST) return SP_OK;
  if (ask_convex) { /* and then it is positive definite here */
    SP_TRY(factor(m, WORST, &definite));
    if (definite) *local = SP_LOCAL_CONVEX;
    if (definite) return SP_OK;
  }
  SP_TRY(factor(m, HERE, &definite));
  if (definite) *local = SP_LOCAL_MINIMUM;
done:
  return st;
}

static double penalty_active(const sp_model *m) {
  const sp_qp *q = &m->qp;
  double f = 0;
  if (m->bilevel) {
    f = sp_bilevel_penalty(m);
  } else if (q->blocks) {
    for (int s = 0; s < q->a; s += q->len[q->A[s]]) f += sp_concave_block_penalty(m, q->A[s]);
  } else {
    for (int i = 0; i < q->a; i++) f += sp_concave_penalty(m, q->A[i]);
  }
  return f;
}

double sp_concave_objective(const sp_model *m) { return sp_nrm2sq(m->qp.r, m->qp.n) / 2 + penalty_active(m); }

int sp_concave_accept(sp_model *m, const double *step, double before) {
  sp_qp *q = &m->qp;
  memset(q->u, 0, (size_t)q->n * sizeof *q->u);
  sp_active_n(q, step, q->u);
  double change = 0; /* |r - u|^2 - |r|^2 as a product: no cancellation */
  for (ptrdiff_t i = 0; i < q->n; i++) change += q->u[i] * (q->u[i] / 2 - q->r[i]);
  const double after = sp_nrm2sq(q->r, q->n) / 2 + change + penalty_active(m);
  if (!(after <= before + 1e-13 * (before + q->lambda * q->lambda))) return 0;
  sp_axpy(-1, q->u, q->r, q->n);
  return 1;
}

/* what a coefficient's value makes of it */
static int state_of(const sp_qp *q, int k) {
  const double b = q->b[k];
  return b == 0 ? SP_ZERO : b >= q->hi[k] ? SP_HI : b <= q->lo[k] ? SP_LO : SP_FREE;
}

static void drop_leaving(sp_qp *q) {
  for (int i = q->a - 1; i >= 0; i--) {
    const int k = q->A[i], state = state_of(q, k);
    if (state == SP_FREE) continue;
    sp_factor_drop(q, i, state);
    q->V[q->nV++] = k;
  }
}

/* b <- b + d, what changes sign stops at 0, and what meets its limit there; d is halved until the objective does not rise, *moved 0 when
 * that did not help. */
static void newton_move(sp_model *m, int *moved) {
  sp_qp *q = &m->qp;
  const int a = q->a;
  double *from = q->h1, *step = q->h3;
  const double before = sp_concave_objective(m);
  for (int i = 0; i < a; i++) from[i] = q->b[q->A[i]];
  double len = 1;
  for (int it = 0; it <= HALVINGS; it++, len /= 2) {
    for (int i = 0; i < a; i++) {
      double to = from[i] + len * q->d[i];
      if (to * from[i] < 0) to = 0;
      to = fmin(fmax(to, q->lo[q->A[i]]), q->hi[q->A[i]]);
      q->b[q->A[i]] = to;
      step[i] = to - from[i];
    }
    if (sp_concave_accept(m, step, before)) {
      *moved = 1;
      return;
    }
  }
  for (int i = 0; i < a; i++) q->b[q->A[i]] = from[i];
  *moved = 0;
}

/* tangent: the minimum of its tangent, where the penalty may bend more than the loss */
static double coordinate_move(sp_model *m, int i, int tangent) {
  sp_qp *q = &m->qp;
  const int k = q->A[i];
  const double *x = q->iterative ? q->e : q->XA + i * q->n;
  const sp_coord co = coord(m, k);
  if (q->iterative) { /* there is no XA */
    sp_view_column(&q->view, q->W[k], q->e);
    sp_qp_project(q, q->e);
    q->nx[i] = sp_nrm2sq(q->e, q->n);
  }
  const double z = sp_dot(x, q->r, q->n) + q->nx[i] * q->b[k], a = q->nx[i] + q->k[k];
  const int bent = tangent && !(a + sp_penalty_concavity(m->pen, m->lambda, &co) > SP_DEPENDENT * a);
  const double b = bent ? fmin(fmax(sp_soft(z, q->t[k]) / a, co.lo), co.hi) : sp_penalty_minimum(m->pen, m->lambda, &co, q->nx[i], z);
  const double d = b - q->b[k];
  if (d != 0) sp_axpy(-d, x, q->r, q->n);
  q->b[k] = b;
  return fabs(d);
}

/* the entering positions q->ent with signs q->esg, one after the other */
static sp_status let_in(sp_model *m, int enter, int tangent, int *moved) {
  sp_status st = SP_OK;
  sp_qp *q = &m->qp;
  *moved = 0;
  for (int e = 0; e < enter; e++) {
    int dependent;
    const int k = q->ent[e];
    SP_TRY(sp_factor_add(q, k, q->esg[e], &dependent));
    if (dependent) {
      q->blk[k] = 1;
      continue;
    }
    if (coordinate_move(m, q->a - 1, tangent) > 0) *moved = 1;
    /* another one has done its work, or straight to a limit */
    if (state_of(q, k) != SP_FREE) sp_factor_drop(q, q->a - 1, state_of(q, k));
  }
  int count = 0; /* V holds every inactive position looked at, once */
  for (int v = 0; v < q->nV; v++) {
    if (q->ia[q->V[v]] < 0) q->V[count++] = q->V[v];
  }
  q->nV = count;
done:
  return st;
}

/* Newton's step for the present pieces in q->d; *definite 0 where their matrix is not positive definite, as far as conjugate
 * gradients meet it */
static sp_status newton_step(sp_model *m, double worst, int *definite) {
  sp_status st = SP_OK;
  sp_qp *q = &m->qp;
  const int one = 1;
  int info = 0;
  if (!q->iterative) {
    SP_TRY(factor(m, STEP, definite));
    if (!*definite) return SP_OK;
    memcpy(q->d, q->rhs, (size_t)q->a * sizeof *q->d);
    dpotrs_("U", &q->a, &one, m->gram->C, &m->gram->ld, q->d, &q->a, &info, 1);
    return SP_OK;
  }
  const double tol = q->tol;
  double curve;
  q->tol = q->lambda * sp_max(q->cg / 2, FORCING * worst);
  for (int i = 0; i < q->a; i++) { /* q->k is anew at every lambda, and put back here */
    q->h2[i] = q->k[q->A[i]];
    slope(m, q->A[i], &curve);
    q->k[q->A[i]] += curve;
  }
  st = sp_qp_solve_active(q, q->rhs, &info);
  for (int i = 0; i < q->a; i++) q->k[q->A[i]] = q->h2[i];
  q->tol = tol;
  *definite = !info;
done:
  return st;
}

sp_status sp_concave(sp_model *m, int newton_only, int *ok) {
  sp_status st = SP_OK;
  sp_qp *q = &m->qp;
  int futile = 0, looked = 0;
  *ok = 0;
  for (int round = 0; round < (newton_only ? MAX_NEWTON : MAX_ROUNDS); round++) {
    double worst = 0, dir;
    int definite = 0, moved = 0, enter = 0, blocked = 0;
    q->n_rounds++;
    SP_TRY(sp_active_refresh(q));
    for (int i = 0; i < q->a; i++) tangent_at(m, q->A[i]);
    sp_active_t(q, q->r, q->g);
    for (int i = 0; i < q->a; i++) {
      const int k = q->A[i];
      q->c[k] = q->g[i];
      q->rhs[i] = q->g[i] - q->k[k] * q->b[k] - q->t[k] * q->s[k];
      worst = sp_max(worst, fabs(q->rhs[i]) / (q->lambda * q->vs[k]));
    }
    const int settled = worst <= (q->iterative ? q->cg : CONVERGED) || worst * q->lambda <= q->noise;
    if (!settled) {
      SP_TRY(newton_step(m, worst, &definite));
      if (definite) newton_move(m, &moved);
      if (!moved) {
        if (worst <= sp_qp_accept(q)) { /* rounding level */
          looked = 1;
        } else if (newton_only) {
          if (round == 0) *ok = SP_CONCAVE_UNMOVED;
          break;
        } else {
          const int sweeps = ++futile > OFTEN ? MORE_SWEEPS : SWEEPS;
          m->n_sweeps += sweeps;
          for (int s = 0; s < sweeps; s++) {
            double most = 0;
            for (int i = 0; i < q->a; i++) most = sp_max(most, coordinate_move(m, i, 0));
            if (most == 0) break;
          }
        }
      }
      drop_leaving(q);
    }
    if (worst > SETTLED) continue;
    sp_qp_corr(q, q->V, q->nV, q->r, q->val);
    for (int v = 0; v < q->nV; v++) {
      const int k = q->V[v];
      q->c[k] = q->val[v];
      tangent_at(m, k);
      if (sp_qp_violation(q, k, &dir) <= sp_qp_entry_tol(q, k) + worst * q->t[k] / 2) continue;
      if (q->blk[k]) {
        blocked++;
      } else {
        q->ent[enter] = k;
        q->esg[enter++] = sp_qp_free_sign(q, k, dir);
      }
    }
    if (!enter && (settled || looked)) {
      *ok = !blocked;
      break;
    }
    SP_TRY(let_in(m, enter, newton_only, &moved));
  }
  for (int i = 0; i < q->a; i++) tangent_at(m, q->A[i]);
done:
  return st;
}
