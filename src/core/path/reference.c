/* Proximal gradient (ISTA), accelerated (FISTA: Beck & Teboulle 2009, sections 2.2 and 4, backtracking in both; restart: O'Donoghue &
 * Candes 2015, equation 13), subgradient descent with step a / sqrt(k), ADMM in scaled form (Boyd et al. 2011, sections 3.1.1, 6.3,
 * 6.4). */
#include "reference.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "../base/blas.h"
#include "../base/vec.h"
#include "../solver/block.h"

#define GROWTH 2.0        /* of L, when a step is too long */
#define BACKTRACKS 100
#define RESOLVED 1e-10    /* differences of F below this fraction of F are lost in rounding */
#define BALANCE 10.0      /* Boyd et al. 2011, equation 3.13: residuals may differ by this factor, */
#define RHO_STEP 2.0      /* and rho changes by this one, */
#define RHO_ROUNDS 300    /* in so many iterations */
#define DENSE_ROOM 2.5e8  /* doubles: what admm may copy */
#define INNER 50          /* Newton steps of one minimization inside */
#define KEPT 0.1          /* a metric is kept as long as each of its steps leaves this fraction of the gradient */

/* what one solve needs at hand */
typedef struct run {
  sp_path *path;
  sp_task *t;
  sp_model *m;
  sp_reference *ref;
  sp_point *pt;
  double lambda;
  int l, slot, it, done;
} run;

void sp_reference_free(sp_ctx *ctx, sp_reference *ref) {
  if (!ref) return;
  void *all[] = {ref->unit, ref->b, ref->y, ref->c, ref->x, ref->d, ref->u, ref->gamma, ref->z, ref->Z, ref->G, ref->H, ref->v,
                 ref->trace.lambda, ref->trace.iteration, ref->trace.objective, ref->trace.gap};
  for (size_t i = 0; i < sizeof all / sizeof *all; i++) sp_free(ctx, all[i]);
  sp_free(ctx, ref);
}

static sp_status reserve(sp_task *t) {
  sp_status st = SP_OK;
  sp_model *m = &t->m;
  if (!t->ref && !(t->ref = sp_calloc(m->ctx, 1, sizeof *t->ref))) return SP_ENOMEM;
  sp_reference *ref = t->ref;
  const size_t from = (size_t)ref->cap, to = (size_t)m->qp.nW + 1;
  if (to > from) {
    double **reals[] = {&ref->unit, &ref->b, &ref->y, &ref->c, &ref->x, &ref->d, &ref->u};
    for (size_t i = 0; i < sizeof reals / sizeof *reals; i++) {
      SP_TRY(sp_grow(m->ctx, reals[i], from, to, sizeof(double)));
      memset(*reals[i] + from, 0, (to - from) * sizeof(double));
    }
    ref->cap = (int)to;
  }
  if (!ref->gamma) {
    ref->gamma = sp_calloc(m->ctx, (size_t)m->nu + 1, sizeof *ref->gamma);
    ref->z = sp_calloc(m->ctx, (size_t)m->nu + 1, sizeof *ref->z);
    if (!ref->gamma || !ref->z) return SP_ENOMEM;
    SP_TRY(sp_model_unpenalized(m)); /* of the null model: where a family is defined in a part of the space only, zero may be outside */
    memcpy(ref->gamma, m->gamma, (size_t)m->nu * sizeof *ref->gamma);
  }
  ref->m = m->qp.nW;
  for (int k = 0; k < ref->m; k++) ref->unit[k] = sp_model_unit(m, m->qp.W[k]);
done:
  return st;
}

static sp_status note(run *r, double objective) {
  sp_status st = SP_OK;
  sp_trace *tr = &r->ref->trace;
  if (tr->n == tr->cap) {
    const size_t from = (size_t)tr->cap, to = 2 * from + 256;
    SP_TRY(sp_grow(r->m->ctx, &tr->lambda, from, to, sizeof(int)));
    SP_TRY(sp_grow(r->m->ctx, &tr->iteration, from, to, sizeof(int)));
    SP_TRY(sp_grow(r->m->ctx, &tr->objective, from, to, sizeof(double)));
    SP_TRY(sp_grow(r->m->ctx, &tr->gap, from, to, sizeof(double)));
    tr->cap = (int)to;
  }
  tr->lambda[tr->n] = r->l;
  tr->iteration[tr->n] = r->it;
  tr->objective[tr->n] = objective;
  tr->gap[tr->n++] = r->pt->gap;
done:
  return st;
}

/* ---- f and its gradient ------------------------------------------------------------------------ */

/* the Newton step of the unpenalized coefficients, UR'UR z = score, in ref->z */
static void unpenalized_step(const sp_model *m, double *z) {
  const ptrdiff_t nu = m->nu;
  for (ptrdiff_t h = 0; h < nu; h++) {
    const double pivot = m->UR[h * nu + h];
    for (ptrdiff_t l = 0; l < h; l++) z[h] -= m->UR[h * nu + l] * z[l];
    z[h] = pivot > 0 ? z[h] / pivot : 0;
  }
  for (ptrdiff_t h = nu - 1; h >= 0; h--) {
    const double pivot = m->UR[h * nu + h];
    for (ptrdiff_t l = h + 1; l < nu; l++) z[h] -= m->UR[l * nu + h] * z[l];
    z[h] = pivot > 0 ? z[h] / pivot : 0;
  }
}

/* f(b): m->eta and ref->gamma of the minimum over the unpenalized coefficients, m->g and m->h there. Infinite outside the domain. */
static sp_status evaluate(run *r, const double *b, double *f) {
  sp_status st = SP_OK;
  sp_model *m = r->m;
  sp_qp *q = &m->qp;
  const sp_view plain = sp_model_view(m);
  const int nu = m->nu, quadratic = (m->loss.ops->flags & SP_LOSS_QUADRATIC) != 0;
  double last = INFINITY, *gamma = r->ref->gamma, *z = r->ref->z;
  m->eta_of_b = 0;
  memcpy(m->eta, m->off, (size_t)m->n * sizeof *m->eta);
  if (r->ref->m) sp_view_axpy(&plain, q->W, r->ref->m, b, m->eta, q->vv, q->ent);
  if (nu) sp_gemv_n(m->U, m->n, m->n, nu, gamma, m->eta);
  *f = m->loss.ops->value(&m->loss, m->eta);
  SP_TRY(m->loss.status);
  if (!isfinite(*f)) return SP_OK;
  for (int it = 0; it < INNER; it++) {
    double worst = 0, len = 1;
    m->loss.ops->grad_hess(&m->loss, m->eta, m->g, m->h);
    SP_TRY(m->loss.status);
    if (!nu) break;
    sp_gemv_t(m->U, m->n, m->n, nu, m->g, z);
    for (int h = 0; h < nu; h++) worst = sp_max(worst, fabs(z[h]));
    if (worst <= q->noise || (worst <= 1e-11 * m->unit && worst > 0.5 * last)) break;
    last = worst;
    if (!quadratic) SP_TRY(sp_model_set_metric(m, m->h));
    unpenalized_step(m, z);
    memcpy(m->eta_old, m->eta, (size_t)m->n * sizeof *m->eta);
    double now = INFINITY;
    for (int half = 0; half < 50; half++, len /= 2) {
      memcpy(m->eta, m->eta_old, (size_t)m->n * sizeof *m->eta);
      for (int h = 0; h < nu; h++) sp_axpy(len * z[h], m->U + h * m->n, m->eta, m->n);
      now = m->loss.ops->value(&m->loss, m->eta);
      SP_TRY(m->loss.status);
      if (now <= *f + 1e-14 * fabs(*f)) break;
    }
    if (!(now <= *f + 1e-14 * fabs(*f))) { /* rounding */
      memcpy(m->eta, m->eta_old, (size_t)m->n * sizeof *m->eta);
      m->loss.ops->grad_hess(&m->loss, m->eta, m->g, m->h);
      break;
    }
    *f = now;
    for (int h = 0; h < nu; h++) gamma[h] += len * z[h];
  }
done:
  return st;
}

/* qp.c = minus the gradient of f where it was evaluated last */
static void correlate(run *r) {
  sp_qp *q = &r->m->qp;
  const sp_view plain = sp_model_view(r->m);
  if (!r->ref->m) return;
  sp_view_dot(&plain, q->W, r->ref->m, r->m->g, q->c);
  q->n_dots += r->ref->m;
}

/* ---- the penalty ------------------------------------------------------------------------------- */

static sp_coord coord(const sp_qp *q, int k) {
  const sp_coord co = {q->t1[k] == 0 && q->kv[k] == 0 ? 0 : q->vs[k], q->kv[k], q->lo[k], q->hi[k], 0, 1};
  return co;
}

static sp_pen_block block(const run *r, int k) {
  return sp_model_block(r->m, sp_model_block_of(r->m, r->m->qp.W[k]), r->t->bcoef, r->t->bv);
}

/* argmin |u - x|^2 / (2 step) + Omega, all in penalized units: x and out are coefficients */
static void prox(const run *r, const double *x, double step, double *out) {
  const sp_qp *q = &r->m->qp;
  const sp_penalty *pen = r->m->pen;
  const double *unit = r->ref->unit;
  for (int k = 0; k < r->ref->m && q->blocks; k += q->len[k]) {
    const sp_pen_block bl = block(r, k);
    for (int j = 0; j < bl.m; j++) r->t->bz[j] = unit[k + j] * x[k + j];
    pen->ops->block_prox(pen, r->lambda, &bl, r->t->bz, step, r->t->bu);
    for (int j = 0; j < bl.m; j++) out[k + j] = r->t->bu[j] / unit[k + j];
  }
  for (int k = 0; k < r->ref->m && !q->blocks; k++) {
    const sp_coord co = coord(q, k);
    out[k] = pen->ops->prox(pen, r->lambda, &co, x[k], step / (unit[k] * unit[k]));
  }
}

static double penalty(const run *r, const double *b) {
  const sp_qp *q = &r->m->qp;
  const sp_penalty *pen = r->m->pen;
  double sum = 0;
  for (int k = 0; k < r->ref->m && q->blocks; k += q->len[k]) {
    const sp_pen_block bl = block(r, k);
    for (int j = 0; j < bl.m; j++) r->t->bu[j] = r->ref->unit[k + j] * b[k + j];
    sum += pen->ops->block_value(pen, r->lambda, &bl, r->t->bu);
  }
  for (int k = 0; k < r->ref->m && !q->blocks; k++) {
    const sp_coord co = coord(q, k);
    sum += pen->ops->value(pen, r->lambda, &co, b[k]);
  }
  return sum;
}

/* b - step (gradient of f + a subgradient of Omega), inside the limits. A subgradient of |u| at 0 is 0. */
static void subgradient_step(const run *r, const double *b, double step, double *out) {
  const sp_qp *q = &r->m->qp;
  for (int k = 0; k < r->ref->m; k++) {
    const double unit = r->ref->unit[k], s = b[k] > 0 ? 1 : b[k] < 0 ? -1 : 0;
    out[k] = b[k] + step / (unit * unit) * (q->c[k] - q->t[k] * s - q->k[k] * b[k]);
    out[k] = fmin(fmax(out[k], q->lo[k]), q->hi[k]);
  }
  for (int k = 0; k < r->ref->m && q->blocks; k += q->len[k]) {
    double ss = 0;
    for (int j = k; j < k + q->len[k]; j++) ss += r->ref->unit[j] * b[j] * r->ref->unit[j] * b[j];
    for (int j = k; j < k + q->len[k] && ss > 0; j++) out[j] -= step * q->T[k] / sqrt(ss) * b[j]; /* unit b / |u|, back by unit */
  }
}

/* ---- verdict ----------------------------------------------------------------------------------- */

/* The iterate b, at which f was evaluated last and correlated, as a point with its certificate. */
static sp_status certify(run *r, const double *b, double f, double *objective) {
  sp_status st = SP_OK;
  sp_model *m = r->m;
  sp_qp *q = &m->qp;
  *objective = f + penalty(r, b);
  for (int k = 0; k < r->ref->m; k += q->blocks ? q->len[k] : 1) {
    const int len = q->blocks ? q->len[k] : 1;
    int any = 0;
    for (int j = k; j < k + len; j++) any |= (q->b[j] = b[j]) != 0;
    for (int j = k; j < k + len; j++) q->st[j] = any ? SP_FREE : SP_ZERO;
  }
  m->c_fresh = 1;
  if (m->loss.ops->flags & SP_LOSS_QUADRATIC) {
    for (ptrdiff_t i = 0; i < m->n; i++) q->r[i] = m->g[i] / m->sw[i];
  }
  SP_TRY(sp_task_record(r->t, r->pt, r->lambda, r->slot, 0, 0));
  sp_task_certify(r->t, r->pt, r->lambda, r->slot, r->path->spec.thresh);
  SP_TRY(m->loss.status);
  r->done = r->pt->status == SP_POINT_OK;
  SP_TRY(note(r, *objective));
  SP_TRY(sp_poll(m->ctx));
done:
  return st;
}

/* ---- gradient methods -------------------------------------------------------------------------- */

/* d'd in penalized units, d = to - from in ref->d */
static double difference(const run *r, const double *to, const double *from) {
  double ss = 0;
  for (int k = 0; k < r->ref->m; k++) {
    const double d = r->ref->d[k] = to[k] - from[k];
    ss += r->ref->unit[k] * r->ref->unit[k] * d * d;
  }
  return ss;
}

/* From y, where f was evaluated (fy, correlations c, m->g copied to g): out = prox step with the smallest L tried that the quadratic
 * upper model allows. f is evaluated at out in the end. *moved: |out - y|^2. */
static sp_status backtrack(run *r, const double *y, const double *c, double fy, const double *g, double *out, double *f,
                           double *moved) {
  sp_status st = SP_OK;
  sp_reference *ref = r->ref;
  sp_model *m = r->m;
  for (int it = 0; it < BACKTRACKS; it++, ref->curve *= GROWTH) {
    const double step = 1 / ref->curve;
    for (int k = 0; k < ref->m; k++) ref->x[k] = y[k] + step / (ref->unit[k] * ref->unit[k]) * c[k];
    prox(r, ref->x, step, out);
    SP_TRY(evaluate(r, out, f));
    const double dd = *moved = difference(r, out, y);
    double above;
    if (dd == 0) break;
    if (!isfinite(*f)) continue;
    if (ref->curve / 2 * dd > RESOLVED * fabs(fy)) {
      above = *f - fy + sp_dot(c, ref->d, ref->m);
    } else { /* half the change of the gradient along d is the same to second order, and does not cancel */
      const sp_view plain = sp_model_view(m);
      double *e = m->deta;
      memset(e, 0, (size_t)m->n * sizeof *e);
      sp_view_axpy(&plain, m->qp.W, ref->m, ref->d, e, m->qp.vv, m->qp.ent);
      above = 0;
      for (ptrdiff_t i = 0; i < m->n; i++) above += (g[i] - m->g[i]) * e[i] / 2;
    }
    if (above <= ref->curve / 2 * dd * (1 + 1e-9)) break;
  }
done:
  return st;
}

/* curvature to begin with: that of the longest column at the null model, the least that L can be for a gaussian */
static void first_curve(run *r) {
  sp_model *m = r->m;
  double top = 0, h = 0;
  for (int k = 0; k < r->ref->m; k++) top = sp_max(top, 1 / (r->ref->unit[k] * r->ref->unit[k]));
  for (ptrdiff_t i = 0; i < m->n; i++) h += m->h[i];
  h /= m->K;
  r->ref->curve = top * h > 0 ? top * h : 1;
}

/* ISTA, and with momentum FISTA */
static sp_status gradient_method(run *r, int fast) {
  sp_status st = SP_OK;
  sp_reference *ref = r->ref;
  sp_model *m = r->m;
  const size_t bytes = (size_t)ref->m * sizeof(double);
  double f, fy, objective, moved, theta = 1, *g = NULL, *old = NULL;
  g = sp_alloc(m->ctx, (size_t)m->n, sizeof *g);
  old = sp_alloc(m->ctx, (size_t)ref->m + 1, sizeof *old);
  if (!g || !old) {
    st = SP_ENOMEM;
    goto done;
  }
  SP_TRY(evaluate(r, ref->b, &f));
  if (ref->curve == 0) first_curve(r);
  else ref->curve /= GROWTH;
  correlate(r);
  SP_TRY(certify(r, ref->b, f, &objective));
  memcpy(ref->y, ref->b, bytes);
  memcpy(ref->c, m->qp.c, bytes);
  memcpy(g, m->g, (size_t)m->n * sizeof *g);
  fy = f;
  while (!r->done && r->it < r->path->spec.max_iter) {
    r->it++;
    memcpy(old, ref->b, bytes);
    SP_TRY(backtrack(r, ref->y, ref->c, fy, g, ref->b, &f, &moved));
    correlate(r);
    SP_TRY(certify(r, ref->b, f, &objective));
    if (r->done || (!fast && moved == 0)) break;
    memcpy(ref->y, ref->b, bytes);
    if (fast) {
      double uphill = 0, next = (1 + sqrt(1 + 4 * theta * theta)) / 2;
      /* ref->d is still b - y */
      for (int k = 0; k < ref->m; k++) uphill -= ref->unit[k] * ref->unit[k] * ref->d[k] * (ref->b[k] - old[k]);
      if (r->path->spec.restart && uphill > 0) {
        theta = 1;
      } else {
        for (int k = 0; k < ref->m; k++) ref->y[k] = ref->b[k] + (theta - 1) / next * (ref->b[k] - old[k]);
        theta = next;
        SP_TRY(evaluate(r, ref->y, &fy));
        if (isfinite(fy)) {
          correlate(r);
          memcpy(ref->c, m->qp.c, bytes);
          memcpy(g, m->g, (size_t)m->n * sizeof *g);
          continue;
        }
        theta = 1; /* outside the domain */
        memcpy(ref->y, ref->b, bytes);
        SP_TRY(evaluate(r, ref->b, &f));
        correlate(r);
      }
    }
    memcpy(ref->c, m->qp.c, bytes);
    memcpy(g, m->g, (size_t)m->n * sizeof *g);
    fy = f;
  }
done:
  sp_free(m->ctx, g);
  sp_free(m->ctx, old);
  return st;
}

/* The largest curvature of the penalty: the ridge part, in penalized units */
static double ridge_curve(const run *r) {
  double top = 0;
  for (int k = 0; k < r->ref->m; k++) top = sp_max(top, r->m->qp.k[k] / (r->ref->unit[k] * r->ref->unit[k]));
  return top;
}

/* Step a / sqrt(k), 1 / a = L of one proximal step and the ridge part, which a proximal step leaves to the prox; the best iterate is the
 * answer. */
static sp_status subgradient_method(run *r) {
  sp_status st = SP_OK;
  sp_reference *ref = r->ref;
  sp_model *m = r->m;
  const size_t bytes = (size_t)ref->m * sizeof(double);
  double f, objective, best, moved;
  const double ridge = ridge_curve(r);
  double *g = sp_alloc(m->ctx, (size_t)m->n, sizeof *g);
  if (!g) return SP_ENOMEM;
  SP_TRY(evaluate(r, ref->b, &f));
  if (ref->curve == 0) first_curve(r);
  correlate(r);
  SP_TRY(certify(r, ref->b, f, &best));
  memcpy(ref->y, ref->b, bytes);
  memcpy(ref->c, m->qp.c, bytes);
  memcpy(g, m->g, (size_t)m->n * sizeof *g);
  if (!r->done) SP_TRY(backtrack(r, ref->y, ref->c, f, g, ref->u, &f, &moved));
  memcpy(m->qp.c, ref->c, bytes);
  while (!r->done && r->it < r->path->spec.max_iter) {
    r->it++;
    for (;;) {
      subgradient_step(r, ref->b, 1 / ((ref->curve + ridge) * sqrt(r->it)), ref->u);
      SP_TRY(evaluate(r, ref->u, &f));
      if (isfinite(f) || !isfinite(ref->curve)) break;
      ref->curve *= GROWTH;
    }
    memcpy(ref->b, ref->u, bytes);
    correlate(r);
    SP_TRY(certify(r, ref->b, f, &objective));
    if (objective < best) {
      best = objective;
      memcpy(ref->y, ref->b, bytes);
    }
  }
  if (!r->done) {
    memcpy(ref->b, ref->y, bytes);
    SP_TRY(evaluate(r, ref->b, &f));
    correlate(r);
    SP_TRY(certify(r, ref->b, f, &objective));
    r->ref->trace.n--; /* the best iterate is in the trace already */
  }
done:
  sp_free(m->ctx, g);
  return st;
}

/* ---- admm -------------------------------------------------------------------------------------- */

/* Z and G in the present metric, penalized units */
static sp_status gram(run *r) {
  sp_reference *ref = r->ref;
  sp_model *m = r->m;
  const int n = (int)m->n, p = ref->m;
  const double one = 1, zero = 0;
  if (!ref->Z) {
    ref->size = p < n ? p : n;
    const double size = ref->size;
    if ((double)n * p + 2 * size * size > DENSE_ROOM) {
      snprintf(m->ctx->msg, sizeof m->ctx->msg, "solver \"admm\" copies x and factors a matrix of its smaller side: too large here");
      return SP_EUNSUPPORTED;
    }
    ref->Z = sp_alloc(m->ctx, (size_t)n * (size_t)p + 1, sizeof(double));
    ref->G = sp_alloc(m->ctx, (size_t)ref->size * (size_t)ref->size + 1, sizeof(double));
    ref->H = sp_alloc(m->ctx, (size_t)ref->size * (size_t)ref->size + 1, sizeof(double));
    ref->v = sp_alloc(m->ctx, (size_t)n, sizeof(double));
    if (!ref->Z || !ref->G || !ref->H || !ref->v) return SP_ENOMEM;
  }
  for (int k = 0; k < p; k++) {
    double *z = ref->Z + (ptrdiff_t)k * n;
    sp_view_column(&m->qp.view, m->qp.W[k], z);
    sp_qp_project(&m->qp, z);
    for (int i = 0; i < n; i++) z[i] /= ref->unit[k];
  }
  dsyrk_("U", p <= n ? "T" : "N", &ref->size, p <= n ? &n : &p, &one, ref->Z, &n, &zero, ref->G, &ref->size, 1, 1);
  ref->gram = 1;
  ref->rho_H = 0;
  return SP_OK;
}

/* x <- (Z'Z + rho)^-1 x, through rows where there are fewer of them (Boyd et al. 2011, section 4.2.4) */
static sp_status solve(run *r, double *x) {
  sp_reference *ref = r->ref;
  const ptrdiff_t n = r->m->n;
  const int one = 1, s = ref->size;
  int info = 0;
  if (ref->rho_H != ref->rho) {
    memcpy(ref->H, ref->G, (size_t)s * (size_t)s * sizeof *ref->H);
    for (ptrdiff_t j = 0; j < s; j++) ref->H[j * s + j] += ref->rho;
    if (s) dpotrf_("U", &s, ref->H, &s, &info, 1);
    if (info) return SP_EUNSUPPORTED;
    ref->rho_H = ref->rho;
  }
  if (!s) return SP_OK;
  if (ref->m <= n) {
    dpotrs_("U", &s, &one, ref->H, &s, x, &s, &info, 1);
    return SP_OK;
  }
  memset(ref->v, 0, (size_t)n * sizeof *ref->v);
  sp_gemv_n(ref->Z, n, n, ref->m, x, ref->v);
  dpotrs_("U", &s, &one, ref->H, &s, ref->v, &s, &info, 1);
  for (int k = 0; k < ref->m; k++) x[k] = (x[k] - sp_dot(ref->Z + k * n, ref->v, n)) / ref->rho;
  return SP_OK;
}

/* x in ref->y: minimize f(x) + rho / 2 |x - z + u|^2 from where it is; one step for a quadratic loss, else by Newton's method. Its metric is
 * that of an earlier iteration until that is too slow: iterates move less and less, and a metric costs a factorization. */
static sp_status update_x(run *r) {
  sp_status st = SP_OK;
  sp_reference *ref = r->ref;
  sp_model *m = r->m;
  const int quadratic = (m->loss.ops->flags & SP_LOSS_QUADRATIC) != 0;
  double f, last = INFINITY, *x = ref->y, *step = ref->d, *from = ref->x;
  for (int it = 0; it < INNER; it++) {
    double worst = 0, size = 0, len = 1;
    SP_TRY(evaluate(r, x, &f));
    correlate(r);
    for (int k = 0; k < ref->m; k++) {
      const double off = ref->unit[k] * (x[k] - ref->b[k]) + ref->u[k];
      step[k] = m->qp.c[k] / ref->unit[k] - ref->rho * off;
      worst = sp_max(worst, fabs(step[k]));
      size += off * off;
    }
    if (it && (quadratic || worst <= 1e-12 * m->unit || (worst <= 1e-9 * m->unit && worst > 0.5 * last))) break;
    if (!ref->gram || (it && worst > KEPT * last)) {
      if (!quadratic) SP_TRY(sp_model_set_metric(m, m->h));
      SP_TRY(gram(r));
    }
    last = worst;
    SP_TRY(solve(r, step));
    const double before = f + ref->rho / 2 * size;
    memcpy(from, x, (size_t)ref->m * sizeof *x);
    for (int half = 0; half < 50; half++, len /= 2) {
      double now = 0;
      for (int k = 0; k < ref->m; k++) {
        x[k] = from[k] + len * step[k] / ref->unit[k];
        const double off = ref->unit[k] * (x[k] - ref->b[k]) + ref->u[k];
        now += ref->rho / 2 * off * off;
      }
      if (quadratic) break;
      SP_TRY(evaluate(r, x, &f));
      now += f;
      if (now <= before + 1e-13 * fabs(before)) break;
    }
    if (quadratic) break;
  }
done:
  return st;
}

/* z in ref->b */
static sp_status admm(run *r) {
  sp_status st = SP_OK;
  sp_reference *ref = r->ref;
  const double fixed = r->path->spec.rho;
  double f, objective;
  if (ref->rho == 0) {
    SP_TRY(evaluate(r, ref->b, &f));
    first_curve(r);
    ref->rho = fixed > 0 ? fixed : ref->curve;
  }
  memcpy(ref->y, ref->b, (size_t)ref->m * sizeof *ref->y);
  SP_TRY(evaluate(r, ref->b, &f));
  correlate(r);
  SP_TRY(certify(r, ref->b, f, &objective));
  while (!r->done && r->it < r->path->spec.max_iter) {
    double primal = 0, dual = 0;
    r->it++;
    SP_TRY(update_x(r));
    for (int k = 0; k < ref->m; k++) ref->x[k] = ref->y[k] + ref->u[k] / ref->unit[k];
    memcpy(ref->d, ref->b, (size_t)ref->m * sizeof *ref->d);
    prox(r, ref->x, 1 / ref->rho, ref->b);
    for (int k = 0; k < ref->m; k++) {
      const double unit = ref->unit[k], gone = unit * (ref->y[k] - ref->b[k]), moved = ref->rho * unit * (ref->b[k] - ref->d[k]);
      ref->u[k] += gone;
      primal += gone * gone;
      dual += moved * moved;
    }
    SP_TRY(evaluate(r, ref->b, &f));
    if (!isfinite(f)) continue; /* outside the domain: not yet a solution */
    correlate(r);
    SP_TRY(certify(r, ref->b, f, &objective));
    if (fixed > 0 || r->it > RHO_ROUNDS) continue;
    const double change = primal > BALANCE * BALANCE * dual ? RHO_STEP : dual > BALANCE * BALANCE * primal ? 1 / RHO_STEP : 1;
    ref->rho *= change;
    for (int k = 0; k < ref->m; k++) ref->u[k] /= change;
  }
done:
  return st;
}

sp_status sp_reference_solve(sp_path *path, sp_task *t, int l, int slot) {
  sp_status st = SP_OK;
  sp_model *m = &t->m;
  if (!m->pen->ops->prox || (m->blocks && !m->pen->ops->block_prox)) {
    snprintf(path->ctx->msg, sizeof path->ctx->msg, "the reference solvers (`sparsepath.control(solver = )`) are for convex penalties");
    return SP_EUNSUPPORTED;
  }
  SP_TRY(reserve(t));
  sp_model_set_lambda(m, path->lambda[l]);
  run r = {.path = path, .t = t, .m = m, .ref = t->ref, .pt = &t->points[l], .lambda = path->lambda[l], .l = l, .slot = slot};
  switch (path->spec.method) {
  case SP_METHOD_SUBGRADIENT: SP_TRY(subgradient_method(&r)); break;
  case SP_METHOD_ADMM: SP_TRY(admm(&r)); break;
  case SP_METHOD_FISTA: SP_TRY(gradient_method(&r, 1)); break;
  default: SP_TRY(gradient_method(&r, 0)); break;
  }
  m->qp.n_rounds += r.it;
  r.pt->limit = r.it >= path->spec.max_iter;
done:
  return st;
}
