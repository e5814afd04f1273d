#include "lars.h"

#include <math.h>
#include <string.h>

#include "../base/par.h"
#include "../base/vec.h"
#include "../penalty/penalty.h"

#define TIE 1e-12  /* events closer than this fraction of lambda are simultaneous */
#define RATE 1e-10 /* a threshold and a correlation whose rates differ by less move together */
#define SNAP 1e-11 /* an event nearer than this to the end is the end */
#define FLOOR 1e-13 /* of lambda_max: below, an event is rounding */
#define CHUNK 512

static double size_of(const sp_lars *s) { return 4e-15 * s->path.tasks->m.unit; } /* rounding of a correlation */

/* ---- products with all columns ----------------------------------------------------------------- */

typedef struct pass_arg {
  const sp_lars *s;
  int q;
} pass_arg;

static sp_status pass_chunk(void *arg, int chunk) {
  const pass_arg *pa = arg;
  const sp_design *d = pa->s->path.spec.design;
  const int from = chunk * CHUNK, m = from + CHUNK < d->p ? CHUNK : d->p - from;
  d->ops->cols_dot(d, NULL, from, m, pa->s->rhs, d->n, pa->q, pa->s->dots + (ptrdiff_t)from * pa->q, pa->q);
  return SP_OK;
}

/* c <- Z'r and, with u, av <- Z'u over the working set, in one read of X */
static sp_status pass(sp_lars *s, int with_u) {
  sp_model *m = &s->path.tasks->m;
  sp_qp *q = &m->qp;
  const sp_design *d = m->design;
  const int Q = 1 + with_u;
  double sums[2] = {0, 0};
  sp_view_scatter(&q->view, q->r, s->rhs, sums);
  if (with_u) sp_view_scatter(&q->view, s->u, s->rhs + d->n, sums + 1);
  pass_arg arg = {s, Q};
  const sp_status st = sp_par_for(s->path.ctx, (d->p - 1) / CHUNK + 1, pass_chunk, &arg);
  if (st != SP_OK) return st;
  for (int k = 0; k < q->nW; k++) {
    const int j = q->W[k];
    for (int h = 0; h < Q; h++) {
      double v = s->dots[(ptrdiff_t)j * Q + h];
      if (sp_view_shifted(&q->view, j)) sp_view_dot_raw(&q->view, &j, 1, s->rhs + h * d->n, sums + h, &v);
      else v = (v - m->mean[j] * sums[h]) * m->iscale[j];
      if (h) q->av[k] = v;
      else q->c[k] = v;
    }
  }
  return SP_OK;
}

/* ---- the active set ---------------------------------------------------------------------------- */

/* H d = rhs [a], refined once; q->d, and u when asked for */
static sp_status solve(sp_lars *s, const double *rhs, double *u) {
  sp_qp *q = &s->path.tasks->m.qp;
  int trouble;
  sp_status st = sp_qp_solve_active(q, rhs, &trouble);
  if (st != SP_OK) return st;
  sp_active_t(q, q->u, q->h3);
  memcpy(q->h1, q->d, (size_t)q->a * sizeof *q->d);
  for (int i = 0; i < q->a; i++) q->h3[i] = rhs[i] - q->h3[i] - q->k[q->A[i]] * q->h1[i];
  st = sp_qp_solve_active(q, q->h3, &trouble);
  if (st != SP_OK) return st;
  for (int i = 0; i < q->a; i++) q->d[i] += q->h1[i];
  if (u) {
    memset(u, 0, (size_t)q->n * sizeof *u);
    sp_active_n(q, q->d, u);
  }
  return SP_OK;
}

/* the direction in which the coefficients move as lambda falls, for the present active set and its signs */
static sp_status follow(sp_lars *s) {
  sp_qp *q = &s->path.tasks->m.qp;
  for (int i = 0; i < q->a; i++) q->rhs[i] = q->vs[q->A[i]] * q->s[q->A[i]];
  const sp_status st = solve(s, q->rhs, s->u);
  if (st != SP_OK) return st;
  for (int i = 0; i < q->a; i++) s->dir[q->A[i]] = q->d[i];
  return SP_OK;
}

static sp_status grow_pair(sp_ctx *ctx, int **a, int **b, int *cap, int n) {
  if (n < *cap) return SP_OK;
  const int to = *cap ? 2 * *cap : 64;
  sp_status st = sp_grow(ctx, a, (size_t)*cap, (size_t)to, sizeof **a);
  if (st == SP_OK) st = sp_grow(ctx, b, (size_t)*cap, (size_t)to, sizeof **b);
  if (st == SP_OK) *cap = to;
  return st;
}

static sp_status note(sp_lars *s, int column, int sign) {
  const sp_status st = grow_pair(s->path.ctx, &s->action, &s->action_knot, &s->cap_A, s->A);
  if (st != SP_OK) return st;
  s->action[s->A] = sign * (1 + column);
  s->action_knot[s->A++] = s->K; /* the knot that is recorded next */
  return SP_OK;
}

static sp_status refuse(sp_lars *s, int k) {
  s->out[k] = 1;
  if (s->reported[k] || s->lambda < 1e-8 * s->lambda_max) return SP_OK; /* near 0 rounding puts columns to their threshold */
  s->reported[k] = 1;
  const sp_status st = grow_pair(s->path.ctx, &s->refused, &s->refused_knot, &s->cap_F, s->F);
  if (st != SP_OK) return st;
  s->refused[s->F] = s->path.tasks->m.qp.W[k];
  s->refused_knot[s->F++] = s->K;
  return SP_OK;
}

static sp_status join(sp_lars *s, int k, int *dependent) {
  sp_qp *q = &s->path.tasks->m.qp;
  const double sign = q->c[k] > 0 ? 1 : -1;
  sp_status st = sp_factor_add(q, k, sign, dependent);
  if (st != SP_OK) return st;
  if (*dependent) return refuse(s, k);
  s->fresh[k] = 1;
  s->dir[k] = 0;
  return SP_OK;
}

static void drop(sp_lars *s, int k) {
  sp_qp *q = &s->path.tasks->m.qp;
  sp_factor_drop(q, q->ia[k], SP_ZERO);
  q->b[k] = 0;
  s->dir[k] = 0;
}

/* Columns at their threshold that are not active */
static void find_bound(sp_lars *s) {
  const sp_qp *q = &s->path.tasks->m.qp;
  s->n_bound = 0;
  for (int k = 0; k < q->nW; k++) {
    if (q->ia[k] < 0 && !s->out[k] && fabs(q->c[k]) >= q->vs[k] * s->lambda * (1 - TIE) - size_of(s)) s->bound[s->n_bound++] = k;
  }
}

/* Least angle: all of them join. */
static sp_status turn_lar(sp_lars *s) {
  sp_status st = SP_OK;
  for (int i = 0; i < s->n_bound; i++) {
    int dependent;
    SP_TRY(join(s, s->bound[i], &dependent));
    if (!dependent) SP_TRY(note(s, s->path.tasks->m.qp.W[s->bound[i]], 1));
  }
  SP_TRY(follow(s));
done:
  return st;
}

/* Joined columns keep to their side: from `old` towards dir as far as all of them do; what stops there leaves again. */
static int step_back(sp_lars *s, int joined) {
  sp_qp *q = &s->path.tasks->m.qp;
  double part = 1;
  int who = -1;
  for (int i = 0; i < q->a; i++) {
    const int k = q->A[i];
    const double to = q->s[k] * s->dir[k], from = q->s[k] * s->old[k];
    if (!s->fresh[k] || to > 0 || (k == joined && from == 0)) continue; /* the new one moves to its side, but for rounding */
    if (from / (from - to) < part) part = from / (from - to), who = k;
  }
  if (who < 0) return 0;
  for (int i = 0; i < q->a; i++) s->dir[q->A[i]] = s->old[q->A[i]] + part * (s->dir[q->A[i]] - s->old[q->A[i]]);
  s->fresh[who] = 0;
  drop(s, who);
  return 1;
}

/* The column at its threshold that would cross it fastest, or -1. rate: by position, or NULL for av. A column that moves with the
 * active ones does so by dependence, which is recorded, or by chance. */
static sp_status fastest(sp_lars *s, int known, int *best) {
  sp_qp *q = &s->path.tasks->m.qp;
  sp_status st = SP_OK;
  double most = RATE;
  int n = 0;
  *best = -1;
  for (int i = 0; i < s->n_bound; i++) {
    if (q->ia[s->bound[i]] < 0 && !s->out[s->bound[i]]) q->V[n++] = s->bound[i];
  }
  if (!known) sp_qp_corr(q, q->V, n, s->u, s->gain);
  for (int i = 0; i < n; i++) {
    const int k = q->V[i];
    const double rate = known ? q->av[k] : s->gain[i];
    s->gain[i] = 1 - (q->c[k] > 0 ? rate : -rate) / q->vs[k];
    if (s->gain[i] > most) most = s->gain[i], *best = k;
  }
  for (int i = 0; i < n; i++) {
    const int k = q->V[i];
    int dependent;
    if (fabs(s->gain[i]) > RATE || s->reported[k]) continue;
    SP_TRY(sp_factor_add(q, k, 1, &dependent));
    if (dependent) SP_TRY(refuse(s, k));
    else drop(s, k);
  }
done:
  return st;
}

/* The lasso leaves a knot in the direction that minimizes |Z d|^2 / 2 + sum k d^2 / 2 - sum v s d, where coefficients at zero may
 * only move to their side: non-negative least squares (Lawson & Hanson 1974, chapter 23) among the columns at their threshold. With
 * one such column, the usual case, it joins. `moved`: a column has left, dir and av do not belong to the active set. */
static sp_status turn_lasso(sp_lars *s, int moved) {
  sp_qp *q = &s->path.tasks->m.qp;
  sp_status st = SP_OK;
  int known = !moved, best, dependent;
  memset(s->fresh, 0, (size_t)q->nW);
  if (moved) SP_TRY(follow(s));
  for (int round = 0; round < 10 * s->n_bound + 10; round++) {
    SP_TRY(fastest(s, known, &best));
    if (best < 0) break;
    SP_TRY(join(s, best, &dependent));
    if (dependent) continue;
    do {
      for (int i = 0; i < q->a; i++) s->old[q->A[i]] = s->dir[q->A[i]];
      SP_TRY(follow(s));
    } while (step_back(s, best));
    known = 0;
  }
  for (int i = 0; i < q->a; i++) {
    if (s->fresh[q->A[i]]) SP_TRY(note(s, q->W[q->A[i]], 1));
  }
done:
  return st;
}

/* ---- knots ------------------------------------------------------------------------------------- */

/* kkt and gap from exact correlations */
static void certify(sp_lars *s, sp_lars_knot *kn) {
  const sp_qp *q = &s->path.tasks->m.qp;
  const double noise = 25 * size_of(s), unit = fmax(s->lambda, 1e-5 * s->lambda_max);
  double scale = 1, gap = 0, kkt = 0, charge = 0;
  for (int k = 0; k < q->nW; k++) {
    const double t = q->vs[k] * s->lambda, over = fabs(q->c[k]) - t;
    const double off = q->ia[k] >= 0 ? fabs(q->c[k] - q->k[k] * q->b[k] - t * q->s[k]) : fmax(0, over);
    if (s->type == SP_LARS_LASSO || q->ia[k] >= 0) kkt = fmax(kkt, off / (unit * q->vs[k]));
    if (q->k[k] > 0 || over <= 0) continue;
    if (over <= noise) charge += over * (1 + fabs(q->b[k]));
    else scale = fmin(scale, t / fabs(q->c[k]));
  }
  for (int k = 0; k < q->nW; k++) {
    const double t = q->vs[k] * s->lambda, b = q->b[k], z = scale * q->c[k];
    const double best = q->k[k] > 0 ? sp_soft(z, t) / q->k[k] : 0, v = z - sp_soft(z, t);
    gap += t * fabs(b) - v * b + q->k[k] * (b - best) * (b - best) / 2;
  }
  kn->kkt = kkt;
  kn->gap = s->type == SP_LARS_LASSO ? fmax(gap, 0) + (1 - scale) * (1 - scale) * kn->value + charge : NAN;
}

static sp_status record(sp_lars *s) {
  sp_model *m = &s->path.tasks->m;
  sp_qp *q = &m->qp;
  sp_ctx *ctx = s->path.ctx;
  sp_status st = SP_OK;
  if (s->K == s->cap_knots) {
    const int to = s->cap_knots ? 2 * s->cap_knots : 64;
    SP_TRY(sp_grow(ctx, &s->knots, (size_t)s->cap_knots, (size_t)to, sizeof *s->knots));
    s->cap_knots = to;
  }
  if (s->size + q->a > s->cap) {
    const ptrdiff_t to = 2 * s->cap + q->a + 256;
    SP_TRY(sp_grow(ctx, &s->cols, (size_t)s->cap, (size_t)to, sizeof *s->cols));
    SP_TRY(sp_grow(ctx, &s->b, (size_t)s->cap, (size_t)to, sizeof *s->b));
    s->cap = to;
  }
  sp_lars_knot *kn = &s->knots[s->K++];
  memset(kn, 0, sizeof *kn);
  kn->lambda = s->lambda;
  kn->value = sp_nrm2sq(q->r, q->n) / 2;
  kn->start = s->size;
  kn->a0 = m->intercept ? m->gamma[0] : 0;
  for (int k = 0; k < q->nW; k++) { /* positions are in the order of the columns */
    if (q->b[k] == 0) continue;
    const int j = q->W[k];
    s->cols[s->size] = j;
    s->b[s->size] = q->b[k] * m->iscale[j];
    kn->a0 -= s->b[s->size++] * m->mean[j];
    kn->count++;
  }
  certify(s, kn);
done:
  return st;
}

/* r from scratch, and what rounding has left of the equations of the active columns taken out, before any column joins and before
 * the correlations are formed: what is not taken out here would be amplified from knot to knot. */
static sp_status settle(sp_lars *s) {
  sp_qp *q = &s->path.tasks->m.qp;
  sp_status st = SP_OK;
  SP_TRY(sp_qp_residual(q, s->path.tasks->m.target));
  for (int rep = 0; rep < 2 && q->a; rep++) {
    double worst = 0;
    sp_active_t(q, q->r, q->rhs);
    for (int i = 0; i < q->a; i++) {
      const int k = q->A[i];
      q->rhs[i] -= q->k[k] * q->b[k] + s->lambda * q->vs[k] * q->s[k];
      worst = fmax(worst, fabs(q->rhs[i]));
    }
    if (worst <= size_of(s) / 8) break;
    SP_TRY(solve(s, q->rhs, NULL));
    for (int i = 0; i < q->a; i++) {
      const int k = q->A[i];
      const double b = q->b[k] + q->d[i];
      if (s->type == SP_LARS_LAR || b * q->s[k] >= 0) q->b[k] = b;
    }
    SP_TRY(sp_qp_residual(q, s->path.tasks->m.target));
  }
  /* at lambda = 0 least squares: small correlations are not yet a small residual when columns are nearly dependent, so its
   * remainder is fitted again (corrected seminormal equations, Bjorck 1987) */
  for (int rep = 0; rep < 4 && q->a && s->lambda == 0 && !q->has_ridge; rep++) {
    const double before = sp_nrm2sq(q->r, q->n);
    sp_active_t(q, q->r, q->rhs);
    SP_TRY(solve(s, q->rhs, NULL));
    for (int i = 0; i < q->a; i++) {
      s->old[q->A[i]] = q->b[q->A[i]];
      q->b[q->A[i]] += q->d[i];
    }
    SP_TRY(sp_qp_residual(q, s->path.tasks->m.target));
    if (sp_nrm2sq(q->r, q->n) < before / 4) continue;
    if (sp_nrm2sq(q->r, q->n) > before) {
      for (int i = 0; i < q->a; i++) q->b[q->A[i]] = s->old[q->A[i]];
      SP_TRY(sp_qp_residual(q, s->path.tasks->m.target));
    }
    break;
  }
done:
  return st;
}

/* How far lambda may fall until a column joins or leaves */
static double next_event(const sp_lars *s, double most) {
  const sp_qp *q = &s->path.tasks->m.qp;
  double step = most;
  for (int k = 0; k < q->nW; k++) {
    if (q->ia[k] >= 0) {
      const double d = s->dir[k];
      if (s->type == SP_LARS_LASSO && !s->fresh[k] && q->s[k] * d < 0) step = fmin(step, fmax(0, -q->b[k] / d));
      continue;
    }
    if (s->out[k]) continue;
    const double v = q->vs[k], t = v * s->lambda, c = q->c[k], a = q->av[k];
    const int at = fabs(c) >= t * (1 - TIE) - size_of(s); /* it has been decided that it stays */
    if (v - a > RATE * v && !(at && c > 0)) step = fmin(step, fmax(0, (t - c) / (v - a)));
    if (v + a > RATE * v && !(at && c < 0)) step = fmin(step, fmax(0, (t + c) / (v + a)));
  }
  return step;
}

/* step to |r - step u| = residual, or infinity */
static double to_residual(const sp_lars *s) {
  const sp_qp *q = &s->path.tasks->m.qp;
  const double rr = sp_nrm2sq(q->r, q->n), ru = sp_dot(q->r, s->u, q->n), uu = sp_nrm2sq(s->u, q->n);
  const double left = rr - s->residual * s->residual, disc = ru * ru - uu * left;
  if (left <= 0) return 0;
  return ru > 0 && disc >= 0 ? left / (ru + sqrt(disc)) : INFINITY;
}

static sp_status advance(sp_lars *s, double step, int *left) {
  sp_qp *q = &s->path.tasks->m.qp;
  sp_status st = SP_OK;
  const double tie = TIE * s->lambda;
  *left = 0;
  for (int i = q->a - 1; i >= 0; i--) {
    const int k = q->A[i];
    const double d = s->dir[k];
    const int leaves = s->type == SP_LARS_LASSO && !s->fresh[k] && q->s[k] * d < 0 && -q->b[k] / d <= step + tie;
    q->b[k] += step * d;
    if (!leaves) continue;
    SP_TRY(note(s, q->W[k], -1));
    drop(s, k);
    *left = 1;
  }
  for (int k = 0; k < q->nW; k++) q->c[k] -= step * q->av[k];
  s->lambda -= step;
  if (s->lambda <= s->lambda_min) s->lambda = s->lambda_min;
  if (*left) memset(s->out, 0, (size_t)q->nW);
  SP_TRY(settle(s));
done:
  return st;
}

static sp_status march(sp_lars *s) {
  sp_model *m = &s->path.tasks->m;
  sp_qp *q = &m->qp;
  sp_status st = SP_OK;
  int left = 0, still = 0;
  SP_TRY(pass(s, 0));
  for (int k = 0; k < q->nW; k++) s->lambda_max = fmax(s->lambda_max, fabs(q->c[k]) / q->vs[k]);
  s->lambda = s->lambda_max;
  s->null_value = sp_nrm2sq(q->r, q->n) / 2;
  if (!(s->lambda_max > s->lambda_min) || s->lambda_max <= 0 || sqrt(2 * s->null_value) <= s->residual) {
    s->lambda = fmax(s->lambda_max, s->lambda_min);
    return record(s);
  }
  for (;;) {
    SP_TRY(sp_poll(s->path.ctx));
    const int last = s->lambda <= s->lambda_min || s->end == SP_LARS_RESIDUAL;
    memset(s->fresh, 0, (size_t)q->nW);
    if (!last) {
      find_bound(s);
      SP_TRY(s->type == SP_LARS_LASSO ? turn_lasso(s, left) : turn_lar(s));
    }
    SP_TRY(pass(s, !last));
    SP_TRY(record(s));
    if (last) break;
    if (s->K > s->max_steps) {
      s->end = SP_LARS_STEPS;
      break;
    }
    const double most = s->lambda - s->lambda_min;
    double step = next_event(s, most);
    if (step >= most * (1 - SNAP) || s->lambda - step < FLOOR * s->lambda_max) step = most;
    const double stop = s->residual > 0 ? to_residual(s) : INFINITY;
    if (stop <= step) {
      step = stop;
      s->end = SP_LARS_RESIDUAL;
    }
    still = step > TIE * s->lambda ? 0 : still + 1;
    if (still > 50) {
      s->end = SP_LARS_STUCK;
      break;
    }
    SP_TRY(advance(s, step, &left));
  }
  sp_view_scatter(&q->view, s->u, s->dual, m->sums);
done:
  return st;
}

sp_status sp_lars_run(sp_lars *s, sp_ctx *ctx, const sp_spec *spec, enum sp_lars_type type, double lambda2, double lambda_min,
                      double residual, int max_steps) {
  sp_status st = SP_OK;
  static const double nothing = 1e150; /* a lambda at which every coefficient is zero */
  memset(s, 0, sizeof *s);
  sp_spec sp = *spec;
  sp.lambda = &nothing;
  sp.nlambda = 1;
  sp.early_stop = sp.reduce = 0;
  sp.screen = 1;
  s->type = type;
  s->lambda2 = lambda2;
  s->lambda_min = lambda_min;
  s->residual = residual;
  s->max_steps = max_steps;
  s->path.ctx = ctx;
  SP_TRY(sp_path_run(&s->path, ctx, &sp));
  sp_model *m = &s->path.tasks->m;
  sp_qp *q = &m->qp;
  for (int j = 0; j < m->p; j++) {
    if (sp_model_usable(m, j)) SP_TRY(sp_model_add(m, j));
  }
  SP_TRY(sp_qp_set_iterative(q, 0));
  for (int k = 0; k < q->nW; k++) q->k[k] = lambda2 * q->vs[k] * q->vs[k];
  q->has_ridge = lambda2 > 0;
  q->stale = 0;
  const size_t p = (size_t)m->p, n = (size_t)spec->design->n;
  char **chars[] = {&s->out, &s->fresh, &s->reported};
  double **reals[] = {&s->dir, &s->old, &s->gain};
  for (size_t i = 0; i < 3; i++) {
    *chars[i] = sp_calloc(ctx, p, 1);
    *reals[i] = sp_calloc(ctx, p, sizeof(double));
    if (!*chars[i] || !*reals[i]) return SP_ENOMEM;
  }
  s->dots = sp_alloc(ctx, 2 * p, sizeof(double));
  s->bound = sp_alloc(ctx, p, sizeof(int));
  s->u = sp_calloc(ctx, (size_t)q->n, sizeof(double));
  s->rhs = sp_calloc(ctx, 2 * n, sizeof(double));
  s->dual = sp_calloc(ctx, n, sizeof(double));
  if (!s->dots || !s->bound || !s->u || !s->rhs || !s->dual) return SP_ENOMEM;
  SP_TRY(sp_model_unpenalized(m));
  SP_TRY(march(s));
done:
  return st;
}

void sp_lars_free(sp_lars *s) {
  sp_ctx *ctx = s->path.ctx;
  if (!ctx) return;
  void *all[] = {s->knots, s->cols, s->b, s->action, s->action_knot, s->refused, s->refused_knot, s->dual, s->out, s->fresh,
                 s->reported, s->dir, s->old, s->u, s->rhs, s->dots, s->bound, s->gain};
  for (size_t i = 0; i < sizeof all / sizeof *all; i++) sp_free(ctx, all[i]);
  sp_path_free(&s->path);
  memset(s, 0, sizeof *s);
}
