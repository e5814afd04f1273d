#include "qp.h"

#include <math.h>
#include <string.h>

#include "../base/vec.h"
#include "block.h"

#define ROOM_AT_ONCE 3.3e7 /* bytes for the active columns and their factor */

sp_status sp_qp_init(sp_qp *q, sp_ctx *ctx, const sp_view *view, int p) {
  memset(q, 0, sizeof *q);
  q->ctx = ctx;
  q->view = *view;
  q->n = q->rank = view->n * view->K;
  q->p = p;
  q->cg = 3e-8;
  q->pos = sp_alloc(ctx, (size_t)p, sizeof *q->pos);
  q->r = sp_calloc(ctx, (size_t)q->n, sizeof *q->r);
  q->u = sp_calloc(ctx, (size_t)q->n, sizeof *q->u);
  q->e = sp_calloc(ctx, (size_t)q->n, sizeof *q->e);
  if (!q->pos || !q->r || !q->u || !q->e) return SP_ENOMEM;
  for (int j = 0; j < p; j++) q->pos[j] = -1;
  return sp_qp_reserve_active(q, 8);
}

void sp_qp_free(sp_qp *q) {
  void *all[] = {q->W,  q->pos, q->c,  q->t, q->k, q->b,  q->q,  q->s,  q->av, q->lo,  q->hi,  q->vs,  q->kv,
                 q->st, q->blk, q->ia, q->A, q->XA, q->P, q->nx, q->r, q->u, q->e, q->g,  q->w,   q->d,   q->h1,
                 q->h2, q->h3,  q->rhs, q->V, q->idx, q->val, q->vv, q->ent, q->esg, q->K, q->inK, q->Q0,
                 q->acol, q->every, q->e2, q->sub_i, q->sub_x, q->sub_ptr, q->row_of, q->t1, q->k1, q->c0, q->rest, q->ref, q->step,
                 q->unit, q->T, q->T1, q->wt, q->len, q->G, q->D, q->shares, q->diag, q->parts, q->seen};
  if (!q->ctx) return;
  sp_block_free(q);
  for (size_t i = 0; i < sizeof all / sizeof *all; i++) sp_free(q->ctx, all[i]);
  memset(q, 0, sizeof *q);
}

static sp_status grow_working_set(sp_qp *q) {
  const size_t from = (size_t)q->capW;
  const int cap = q->capW < 128 ? 256 : q->capW > q->p / 2 ? q->p : q->capW * 2;
  const size_t to = (size_t)(cap > q->capW ? cap : q->capW + 1);
  sp_status st = SP_OK;
  double **reals[] = {&q->c,  &q->t,  &q->k,  &q->b,  &q->q,   &q->s,  &q->av, &q->lo,
                      &q->hi, &q->vs, &q->kv, &q->val, &q->vv, &q->esg, &q->t1, &q->k1, &q->c0, &q->rest, &q->step,
                      &q->unit, &q->T, &q->T1, &q->wt};
  int **ints[] = {&q->W, &q->ia, &q->V, &q->idx, &q->ent, &q->ref, &q->len};
  char **chars[] = {&q->st, &q->blk};
  for (size_t i = 0; i < sizeof reals / sizeof *reals; i++) SP_TRY(sp_grow(q->ctx, reals[i], from, to, sizeof(double)));
  for (size_t i = 0; i < sizeof ints / sizeof *ints; i++) SP_TRY(sp_grow(q->ctx, ints[i], from, to, sizeof(int)));
  for (size_t i = 0; i < sizeof chars / sizeof *chars; i++) SP_TRY(sp_grow(q->ctx, chars[i], from, to, 1));
  q->capW = (int)to;
done:
  return st;
}

sp_status sp_qp_add_column(sp_qp *q, int j, int *k_out) {
  if (q->pos[j] >= 0) {
    *k_out = q->pos[j];
    return SP_OK;
  }
  if (q->nW == q->capW) {
    const sp_status st = grow_working_set(q);
    if (st != SP_OK) return st;
  }
  const int k = q->nW++;
  q->W[k] = j;
  q->pos[j] = k;
  q->st[k] = SP_ZERO;
  q->blk[k] = 0;
  q->ia[k] = -1;
  q->c[k] = q->b[k] = q->q[k] = q->s[k] = q->av[k] = q->step[k] = q->T[k] = q->T1[k] = 0;
  q->unit[k] = q->wt[k] = 1;
  q->len[k] = 1;
  *k_out = k;
  return SP_OK;
}

void sp_qp_compact(sp_qp *q, const char *drop) {
  int o = 0;
  double *reals[] = {q->c, q->t, q->k, q->b, q->q, q->s, q->lo, q->hi, q->vs, q->kv, q->t1, q->k1, q->c0, q->rest, q->step,
                     q->unit, q->T, q->T1, q->wt};
  for (int k = 0; k < q->nW; k++) {
    if (drop[k] && q->st[k] == SP_ZERO) {
      q->pos[q->W[k]] = -1;
      continue;
    }
    if (o != k) {
      for (size_t i = 0; i < sizeof reals / sizeof *reals; i++) reals[i][o] = reals[i][k];
      q->W[o] = q->W[k];
      q->ref[o] = q->ref[k];
      q->len[o] = q->len[k];
      q->st[o] = q->st[k];
      q->blk[o] = q->blk[k];
      q->ia[o] = q->ia[k];
      q->pos[q->W[o]] = o;
      if (q->ia[o] >= 0) q->A[q->ia[o]] = o;
    }
    o++;
  }
  q->nW = o;
  q->nV = 0;
}

/* Without a ridge term at most n columns become active. Where room for so many is modest it is asked for at once: pages that are
 * never written cost no memory, while growing leaves holes behind, and cross-validation holds one factor for each fold. */
static int active_room(const sp_qp *q, int a) {
  const int step = a + a / 10 + 24, most = q->n < q->p ? (int)q->n : q->p;
  const double bytes = 8.0 * most * ((double)q->n + most);
  return most > step && bytes <= ROOM_AT_ONCE ? most : step;
}

static size_t column_room(const sp_qp *q, int slots) {
  return q->packed ? ((size_t)slots / (size_t)q->view.K + 1) * (size_t)q->view.n : (size_t)slots * sp_qp_column_size(q);
}

sp_status sp_qp_reserve_active(sp_qp *q, int a) {
  sp_status st = SP_OK;
  double *P = NULL;
  const int room = active_room(q, a);
  if (a > q->capA) {
    const size_t from = (size_t)q->capA, to = (size_t)room;
    double **reals[] = {&q->nx, &q->g, &q->w, &q->d, &q->h1, &q->h2, &q->h3, &q->rhs};
    int **ints[] = {&q->A, &q->acol, &q->every};
    for (size_t i = 0; i < sizeof reals / sizeof *reals; i++) SP_TRY(sp_grow(q->ctx, reals[i], from, to, sizeof(double)));
    for (size_t i = 0; i < sizeof ints / sizeof *ints; i++) SP_TRY(sp_grow(q->ctx, ints[i], from, to, sizeof(int)));
    SP_TRY(sp_grow(q->ctx, &q->sub_ptr, from, to + 1, sizeof(int)));
    q->capA = room;
  }
  if (a > q->L && !q->iterative) {
    if (!q->blocks) {
      P = sp_alloc(q->ctx, (size_t)room * (size_t)room, sizeof *P);
      if (!P) return SP_ENOMEM;
      for (int j = 0; j < q->a && j < q->L; j++) {
        memcpy(P + (ptrdiff_t)j * room, q->P + (ptrdiff_t)j * q->L, (size_t)(j + 1) * sizeof *P);
      }
    }
    SP_TRY(sp_grow(q->ctx, &q->XA, column_room(q, q->L), column_room(q, room), sizeof(double)));
    if (!q->blocks) {
      sp_free(q->ctx, q->P);
      q->P = P;
      P = NULL;
    }
    q->L = room;
  }
done:
  sp_free(q->ctx, P);
  return st;
}

void sp_qp_forget_active(sp_qp *q) {
  for (int i = 0; i < q->a; i++) q->ia[q->A[i]] = -1;
  q->a = q->L = q->gram = q->capG = 0;
  q->capD = 0;
  sp_block_free(q);
  double **all[] = {&q->XA, &q->P, &q->G, &q->D};
  for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
    sp_free(q->ctx, *all[i]);
    *all[i] = NULL;
  }
}

/* A second round where the first has taken away so much that its rounding counts */
void sp_qp_project(const sp_qp *q, double *x) {
  enum { MOST = 16 };
  double c[MOST];
  if (!q->k0) return;
  if (q->scores) {
    sp_scores_project(q, x);
    return;
  }
  if (q->classed) {
    sp_classed_project(q, x);
    return;
  }
  const double all = sp_nrm2sq(x, q->n);
  for (int rep = 0; rep < 2; rep++) {
    double taken = 0;
    for (int from = 0; from < q->k0; from += MOST) {
      const int m = q->k0 - from < MOST ? q->k0 - from : MOST;
      const double *Q = q->Q0 + from * q->n;
      sp_gemv_t(Q, q->n, q->n, m, x, c);
      for (int h = 0; h < m; h++) {
        taken += c[h] * c[h];
        c[h] = -c[h];
      }
      sp_gemv_n(Q, q->n, q->n, m, c, x);
    }
    if (taken <= 0.5 * all) return;
  }
}

double sp_qp_violation(const sp_qp *q, int k, double *dir) {
  const double c = q->c[k], t = q->t[k];
  *dir = 0;
  if (q->st[k] == SP_ZERO) {
    if (c > t && q->hi[k] > 0) {
      *dir = 1;
      return c - t;
    }
    if (-c > t && q->lo[k] < 0) {
      *dir = -1;
      return -c - t;
    }
    return 0;
  }
  const double g = c - q->k[k] * q->b[k];
  if (q->st[k] == SP_HI && g < t) {
    *dir = -1;
    return t - g;
  }
  if (q->st[k] == SP_LO && g > -t) {
    *dir = 1;
    return g + t;
  }
  return 0;
}

/* after an iterative solve a copy of an active column may exceed its threshold by what the solve left */
double sp_qp_entry(const sp_qp *q) { return q->iterative ? 1.5 * q->cg : SP_TOL_ENTER; }

double sp_qp_accept(const sp_qp *q) { return q->iterative ? 4 * q->cg : SP_TOL_ACCEPT; }

double sp_qp_entry_tol(const sp_qp *q, int k) {
  double rel = sp_qp_entry(q);
  if (q->iterative) rel = fmax(rel, 1.5 * q->tol / q->lambda);
  return rel * q->lambda * q->vs[k] + q->noise;
}

double sp_qp_free_sign(const sp_qp *q, int k, double dir) {
  if (q->t[k] == 0) return 0;
  return q->st[k] == SP_ZERO ? dir : q->st[k] == SP_HI ? 1 : -1;
}

int sp_qp_leaving(const sp_qp *q, int slot, double *value) {
  const int k = q->A[slot];
  const double b = q->b[k];
  if (b * q->s[k] < 0) {
    *value = 0;
    return SP_ZERO;
  }
  if (b > q->hi[k]) {
    *value = q->hi[k];
    return SP_HI;
  }
  if (b < q->lo[k]) {
    *value = q->lo[k];
    return SP_LO;
  }
  return -1;
}

void sp_qp_corr(sp_qp *q, const int *ks, int m, const double *r, double *out) {
  if (!m) return;
  for (int a = 0; a < m; a++) q->idx[a] = q->W[ks[a]];
  sp_view view = q->view;
  if (q->scores) view.root = NULL, view.sm = NULL;
  sp_view_dot(&view, q->idx, m, r, out);
  q->n_dots += m;
}

/* y += sign * Z b, active part through XA (projected columns), the rest through the view */
static sp_status add_fit(sp_qp *q, double sign, double *y) {
  const sp_status st = sp_active_refresh(q);
  if (st != SP_OK) return st;
  for (int i = 0; i < q->a; i++) q->d[i] = sign * q->b[q->A[i]];
  sp_active_n(q, q->d, y);
  int m = 0;
  for (int k = 0; k < q->nW; k++) {
    if (q->ia[k] < 0 && q->b[k] != 0) {
      q->idx[m] = q->W[k];
      q->val[m++] = sign * q->b[k];
    }
  }
  if (m) {
    memset(q->e, 0, (size_t)q->n * sizeof *q->e);
    sp_view_axpy(&q->view, q->idx, m, q->val, q->e, q->vv, q->ent);
    sp_qp_project(q, q->e);
    sp_axpy(1, q->e, y, q->n);
  }
  return SP_OK;
}

sp_status sp_qp_set_y(sp_qp *q, double *y) {
  memcpy(y, q->r, (size_t)q->n * sizeof *y);
  return add_fit(q, 1, y);
}

sp_status sp_qp_residual(sp_qp *q, const double *y) {
  memcpy(q->r, y, (size_t)q->n * sizeof *y);
  const sp_status st = add_fit(q, -1, q->r);
  sp_qp_project(q, q->r);
  return st;
}

void sp_qp_corr_all(sp_qp *q) {
  int m = 0;
  for (int k = 0; k < q->nW; k++) {
    if (q->ia[k] < 0) q->V[m++] = k;
  }
  sp_active_corr(q, m);
  for (int a = 0; a < m; a++) q->c[q->V[a]] = q->val[a];
  for (int i = 0; i < q->a; i++) q->c[q->A[i]] = q->g[i];
  q->nV = m;
}

double sp_qp_kkt(sp_qp *q) {
  double worst = 0;
  if (q->blocks) return sp_block_kkt(q);
  for (int k = 0; k < q->nW; k++) {
    double v, dir, value;
    if (q->st[k] == SP_ZERO && fabs(q->c[k]) <= q->t[k]) continue;
    if (q->ia[k] >= 0) {
      v = fabs(q->c[k] - q->k[k] * q->b[k] - q->t[k] * q->s[k]);
      if (sp_qp_leaving(q, q->ia[k], &value) >= 0) v = INFINITY;
    } else if (q->st[k] == SP_FREE) { /* dual engine: free without a slot */
      v = fabs(q->c[k] - q->k[k] * q->b[k] - q->t[k] * q->s[k]);
    } else {
      v = sp_qp_violation(q, k, &dir);
      if (v <= q->noise) v = 0;
    }
    v /= q->lambda * q->vs[k];
    if (v > worst) worst = v;
  }
  return worst;
}

void sp_qp_take_all(sp_qp *q) {
  q->nV = 0;
  for (int k = 0; k < q->nW; k++) {
    if (q->ia[k] < 0) q->V[q->nV++] = k;
  }
}

/* How far b_k may move along d until it vanishes or reaches a limit; *state: what it becomes there. */
static double way_out(const sp_qp *q, int k, double sign, double d, int *state) {
  if (sign * d < 0) {
    *state = SP_ZERO;
    return sp_max(0, -q->b[k] / d);
  }
  *state = d > 0 ? SP_HI : SP_LO;
  const double limit = d > 0 ? q->hi[k] : q->lo[k];
  return isfinite(limit) ? sp_max(0, (limit - q->b[k]) / d) : INFINITY;
}

static void settle(sp_qp *q, int k, int state) {
  q->b[k] = state == SP_HI ? q->hi[k] : state == SP_LO ? q->lo[k] : 0;
  q->st[k] = (char)state;
}

/* A dependent support (fewer independent columns than coefficients) has a null direction: slide along it, downhill in
 * sum t s b, until one coefficient vanishes or reaches a limit; the fit does not change. Column k is q->w on the active ones. */
static sp_status slide(sp_qp *q, int k, double sign) {
  double slope = q->t[k] * sign, wmax = 0;
  for (int i = 0; i < q->a; i++) {
    slope -= q->w[i] * q->t[q->A[i]] * q->s[q->A[i]];
    wmax = sp_max(wmax, fabs(q->w[i]));
  }
  double dir = slope > 0 ? -1 : 1;
  for (int tries = 0; tries < 2; tries++, dir = -dir) {
    int state, who = -1, to;
    double tau = way_out(q, k, sign, dir, &state);
    for (int i = 0; i < q->a; i++) {
      if (fabs(q->w[i]) < 1e-7 * wmax) continue; /* rounding, not a direction */
      const double T = way_out(q, q->A[i], q->s[q->A[i]], -dir * q->w[i], &to);
      if (T < tau) {
        tau = T;
        who = i;
        state = to;
      }
    }
    if (!isfinite(tau)) continue;
    for (int i = 0; i < q->a; i++) q->b[q->A[i]] -= dir * tau * q->w[i];
    q->b[k] += dir * tau;
    if (who < 0) {
      settle(q, k, state);
      return SP_OK;
    }
    const int leaver = q->A[who];
    int dep;
    sp_factor_drop(q, who, state);
    settle(q, leaver, state);
    const sp_status st = sp_factor_add(q, k, sign, &dep);
    if (st == SP_OK && dep) settle(q, k, SP_ZERO);
    return st;
  }
  settle(q, k, SP_ZERO);
  return SP_OK;
}

sp_status sp_qp_from_b(sp_qp *q) {
  if (q->blocks) return sp_block_from_b(q);
  for (int i = 0; i < q->a; i++) q->ia[q->A[i]] = -1;
  q->a = 0;
  q->stale = 0;
  if (q->nW) memset(q->blk, 0, (size_t)q->nW);
  for (int k = 0; k < q->nW; k++) {
    const double b = q->b[k];
    if (b == 0) {
      q->st[k] = SP_ZERO;
    } else if (b >= q->hi[k]) {
      q->st[k] = SP_HI;
    } else if (b <= q->lo[k]) {
      q->st[k] = SP_LO;
    } else {
      int dep;
      const double sign = q->t[k] == 0 ? 0 : b > 0 ? 1 : -1;
      q->st[k] = SP_ZERO;
      sp_status st = sp_factor_add(q, k, sign, &dep);
      if (st == SP_OK && dep == 1) st = slide(q, k, sign);
      if (dep == 2) q->b[k] = 0;
      if (st != SP_OK) return st;
    }
  }
  return SP_OK;
}
