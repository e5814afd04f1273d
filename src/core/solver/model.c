#include "model.h"

#include <math.h>
#include <string.h>

#include "../base/vec.h"
#include "block.h"
#include "concave.h"
#include "secant.h"

#define CURVATURE_FLOOR 1e-10
#define U_TOL 1e-10 /* an unpenalized column whose remainder is below this fraction of its norm depends on the earlier ones */

/* Each response, without its offset, to unit standard deviation; offsets along with it. A constant one stays as it is. */
static sp_status scale_responses(sp_model *m) {
  if (!(m->yscale = sp_alloc(m->ctx, (size_t)m->K, sizeof *m->yscale))) return SP_ENOMEM;
  for (int k = 0; k < m->K; k++) {
    double *y = m->y + k * m->rows_n, *off = m->off + k * m->rows_n, mean = 0, ss = 0;
    for (ptrdiff_t i = 0; i < m->rows_n; i++) mean += m->w[i] * (y[i] - off[i]);
    for (ptrdiff_t i = 0; i < m->rows_n; i++) ss += m->w[i] * (y[i] - off[i] - mean) * (y[i] - off[i] - mean);
    const double scale = m->yscale[k] = ss > 0 ? sqrt(ss) : 1;
    for (ptrdiff_t i = 0; i < m->rows_n; i++) {
      y[i] /= scale;
      off[i] /= scale;
    }
  }
  return SP_OK;
}

sp_status sp_model_init(sp_model *m, sp_ctx *ctx, const sp_design *design, const sp_loss_ops *loss,
                        const sp_loss_data *data, const sp_penalty *pen, const double *y, const double *offset,
                        const double *weights, int intercept) {
  memset(m, 0, sizeof *m);
  m->ctx = ctx;
  m->design = design;
  m->pen = pen;
  m->K = data && data->K > 1 ? data->K : 1;
  m->p = design->p * m->K;
  m->intercept = intercept;
  m->blocks = pen->groups != NULL && !pen->ops->outer;
  m->bilevel = pen->ops->outer != NULL;
  if (m->blocks) m->gw = pen->groups->w;
  m->centred = intercept || (loss->flags & SP_LOSS_LEVEL_FREE);
  m->ridge_scale = m->curvature = 1;
  m->max_iter = 200;
  m->cg = 3e-8;
  const ptrdiff_t nf = design->n;
  double total = 0;
  ptrdiff_t n = 0;
  for (ptrdiff_t i = 0; i < nf; i++) {
    if (weights[i] > 0) {
      n++;
      total += weights[i];
    }
  }
  if (n == 0) return SP_EARG;
  const ptrdiff_t K = m->K;
  m->rows_n = n;
  m->n = n * K;
  const size_t sn = (size_t)m->n;
  double **reals[] = {&m->y, &m->w, &m->sw, &m->off, &m->eta, &m->g, &m->h, &m->r0, &m->deta, &m->eta_old, &m->sm};
  for (size_t i = 0; i < sizeof reals / sizeof *reals; i++) {
    if (!(*reals[i] = sp_calloc(ctx, sn, sizeof(double)))) return SP_ENOMEM;
  }
  if (loss->root && !(m->fit = sp_calloc(ctx, sn, sizeof(double)))) return SP_ENOMEM;
  m->full = sp_calloc(ctx, (size_t)(nf * K), sizeof(double));
  m->column = sp_calloc(ctx, (size_t)nf, sizeof(double));
  m->sums = sp_calloc(ctx, (size_t)K, sizeof(double));
  if (!m->full || !m->column || !m->sums) return SP_ENOMEM;
  if (design->ops->ranks && !(m->ranks = sp_alloc(ctx, (size_t)design->ops->ranks(design), sizeof(double)))) return SP_ENOMEM;
  if (n < nf && !(m->rows = sp_alloc(ctx, (size_t)n, sizeof(int)))) return SP_ENOMEM;
  for (ptrdiff_t i = 0, k = 0; i < nf; i++) {
    if (!(weights[i] > 0)) continue;
    if (m->rows) m->rows[k] = (int)i;
    for (ptrdiff_t h = 0; h < K; h++) {
      const ptrdiff_t at = k + h * n;
      m->y[at] = y[i + h * nf];
      m->off[at] = offset ? offset[i + h * nf] : 0;
      m->w[at] = weights[i] / total;
      m->sw[at] = sqrt(m->w[at]);
    }
    k++;
  }
  if (data && data->scale_response) {
    const sp_status scaled = scale_responses(m);
    if (scaled != SP_OK) return scaled;
  }
  m->mean = sp_calloc(ctx, (size_t)design->p, sizeof(double));
  m->iscale = sp_calloc(ctx, (size_t)design->p, sizeof(double));
  m->is_u = sp_calloc(ctx, (size_t)m->p, 1);
  if (!m->mean || !m->iscale || !m->is_u) return SP_ENOMEM;
  return sp_loss_open(&m->loss, ctx, loss, n, m->rows, m->y, m->w, data);
}

void sp_model_free(sp_model *m) {
  if (!m->ctx) return;
  sp_loss_close(&m->loss);
  void *all[] = {m->rows, m->y,  m->w,    m->sw,    m->off,  m->eta,   m->g,     m->h,      m->r0,  m->deta, m->eta_old,
                 m->full, m->column, m->ranks, m->mean, m->iscale, m->ratio, m->ucol, m->U, m->UR, m->gamma, m->gamma_step, m->is_u, m->sm,
                 m->wt, m->yscale, m->target, m->target_full, m->red, m->near, m->b_old, m->refs, m->fit, m->sums};
  for (size_t i = 0; i < sizeof all / sizeof *all; i++) sp_free(m->ctx, all[i]);
  sp_concave_free(m);
  sp_secant_free(m);
  sp_qp_free(&m->qp);
  memset(m, 0, sizeof *m);
}

sp_view sp_model_view(const sp_model *m) {
  const sp_view v = {.design = m->design, .n = m->rows_n, .rows = m->rows, .mean = m->mean, .iscale = m->iscale,
                     .full = m->full, .column = m->column, .fit = m->fit, .K = m->K, .sums = m->sums, .ranks = m->ranks};
  return v;
}

/* Standardized coefficients have the units of a response, where it has any. */
static double unit_of_coefficients(const sp_model *m) { return m->loss.ops->flags & SP_LOSS_QUADRATIC ? m->unit : 1; }

sp_coord sp_model_coord(const sp_model *m, int coefficient) {
  const int j = sp_model_base(m, coefficient);
  const double ratio = m->ratio ? m->ratio[j] : 1;
  double d = m->iscale[j] > 0 ? 1 / m->iscale[j] : 0;
  sp_coord co;
  co.v = sp_model_factor(m, coefficient) * ratio;
  co.kv = (m->blocks ? m->wt[m->pen->groups->of[j]] : sp_model_factor(m, coefficient)) * ratio * ratio * m->ridge_scale;
  co.cv = ratio * ratio * m->curvature;
  co.one = unit_of_coefficients(m);
  if (m->yscale) d /= m->yscale[coefficient - j * m->K];
  co.lo = m->lower && isfinite(m->lower[j]) ? m->lower[j] * d : -INFINITY;
  co.hi = m->upper && isfinite(m->upper[j]) ? m->upper[j] * d : INFINITY;
  return co;
}

int sp_model_usable(const sp_model *m, int coefficient) {
  return m->iscale[sp_model_base(m, coefficient)] > 0 && isfinite(sp_model_factor(m, coefficient)) && !m->is_u[coefficient];
}

double sp_model_unit(const sp_model *m, int coefficient) {
  return m->ratio ? m->ratio[sp_model_base(m, coefficient)] : 1;
}

int sp_model_blocks(const sp_model *m) {
  const sp_groups *gr = m->pen->groups;
  return gr->G * (gr->across ? 1 : m->K);
}

int sp_model_block_of(const sp_model *m, int coefficient) {
  const sp_groups *gr = m->pen->groups;
  const int j = sp_model_base(m, coefficient);
  return gr->across ? gr->of[j] : gr->of[j] * m->K + (coefficient - j * m->K);
}

sp_pen_block sp_model_block(const sp_model *m, int g, int *coef, double *v) {
  const sp_groups *gr = m->pen->groups;
  const int group = gr->across ? g : g / m->K, from = gr->across ? 0 : g % m->K, to = gr->across ? m->K : from + 1;
  sp_pen_block bl = {0, m->gw[group], m->wt[group] * m->ridge_scale, v, unit_of_coefficients(m), m->curvature, NULL, NULL};
  double *lo = v + m->longest, *hi = lo + m->longest;
  if (m->lower || m->upper) {
    bl.lo = lo;
    bl.hi = hi;
  }
  for (int i = gr->ptr[group]; i < gr->ptr[group + 1]; i++) {
    for (int k = from; k < to; k++) {
      const int c = gr->cols[i] * m->K + k;
      if (!sp_model_usable(m, c)) continue;
      coef[bl.m] = c;
      if (bl.lo) {
        const sp_coord co = sp_model_coord(m, c);
        lo[bl.m] = co.lo * sp_model_unit(m, c);
        hi[bl.m] = co.hi * sp_model_unit(m, c);
      }
      v[bl.m++] = m->v[gr->cols[i]];
    }
  }
  return bl;
}

double sp_model_tolerance(const sp_model *m, const sp_pen_block *bl) { return bl->kv > 0 ? bl->kv / m->ridge_scale : 1; }

static sp_status weigh_groups(sp_model *m) {
  const sp_groups *gr = m->pen->groups;
  if (!m->blocks) return SP_OK;
  if (!(m->wt = sp_calloc(m->ctx, (size_t)gr->G + 1, sizeof *m->wt))) return SP_ENOMEM;
  for (int g = 0; g < gr->G; g++) {
    double sum = 0;
    int count = 0;
    for (int i = gr->ptr[g]; i < gr->ptr[g + 1]; i++) {
      const double v = m->v[gr->cols[i]];
      if (!isfinite(v)) continue;
      sum += v;
      count++;
    }
    m->wt[g] = (1 - m->pen->tau) * m->gw[g] + (count ? m->pen->tau * sum / count : 0);
    const int size = (gr->ptr[g + 1] - gr->ptr[g]) * (gr->across ? m->K : 1);
    if (size > m->longest) m->longest = size;
  }
  return SP_OK;
}

/* An unpenalized column without limits belongs to the basis; with limits it stays in the active-set core with threshold 0. */
static int is_free_column(const sp_model *m, int coefficient) {
  const int j = sp_model_base(m, coefficient);
  if (m->blocks && (m->wt[m->pen->groups->of[j]] > 0 || !isfinite(m->v[j]))) return 0;
  return (m->blocks || sp_model_factor(m, coefficient) == 0) && m->iscale[j] > 0 && !(m->lower && isfinite(m->lower[j])) && !(m->upper && isfinite(m->upper[j]));
}

/* The intercept that solves sum g(off + b0) = 0, g falling in b0: bracketed Newton, so that any offset works. */
static void fit_intercept(sp_model *m) {
  double lo = -INFINITY, hi = INFINITY, b = m->loss.ops->start(&m->loss), om = 0, step = 1;
  for (ptrdiff_t i = 0; i < m->n; i++) om += m->w[i] * m->off[i];
  b -= om;
  for (int it = 0; it < 500; it++) {
    double g = 0, h = 0, mag = 0;
    for (ptrdiff_t i = 0; i < m->n; i++) m->eta[i] = m->off[i] + b;
    m->loss.ops->grad_hess(&m->loss, m->eta, m->g, m->h);
    for (ptrdiff_t i = 0; i < m->n; i++) {
      g += m->g[i];
      mag += fabs(m->g[i]);
      h += m->h[i];
    }
    if (fabs(g) <= 1e-16 * mag || g == 0) break;
    if (g > 0) lo = b;
    else hi = b;
    double next = h > 0 ? b + g / h : g > 0 ? INFINITY : -INFINITY;
    const int bracketed = isfinite(lo) && isfinite(hi);
    /* where a mean falls off exponentially Newton's steps are short far out: without a bracket they have to grow */
    if (!(next > lo && next < hi) || fabs(next - b) > 50 * step || (!bracketed && it >= 8)) {
      if (bracketed) {
        next = lo + (hi - lo) / 2;
      } else {
        next = g > 0 ? b + step : b - step;
        step *= 2;
      }
    }
    if (next == b || (bracketed && hi - lo <= 1e-15 * fmax(fabs(lo), fabs(hi)))) break;
    b = next;
  }
}

/* One for each predictor; the family knows how. */
static void fit_intercepts(sp_model *m) {
  m->loss.ops->intercepts(&m->loss, m->off, m->sums);
  for (int k = 0; k < m->K; k++) {
    const ptrdiff_t from = k * m->rows_n;
    for (ptrdiff_t i = 0; i < m->rows_n; i++) m->eta[from + i] = m->off[from + i] + m->sums[k];
  }
}

void sp_model_root(const sp_model *m, enum sp_root op, double *x) {
  if (m->loss.ops->root) {
    m->loss.ops->root(&m->loss, op, x);
  } else if (op == SP_ROOT || op == SP_ROOT_T) {
    for (ptrdiff_t i = 0; i < m->n; i++) x[i] *= m->sm[i];
  } else {
    for (ptrdiff_t i = 0; i < m->n; i++) x[i] /= m->sm[i];
  }
}

/* Q0 and UR: modified Gram-Schmidt, twice, of S U */
void sp_model_orthonormal_basis(sp_model *m) {
  sp_qp *q = &m->qp;
  const ptrdiff_t n = q->n;
  for (int h = 0; h < m->nu; h++) {
    double *Q = q->Q0 + h * n, *R = m->UR + (ptrdiff_t)h * m->nu;
    const double *u = m->U + h * n;
    memset(R, 0, (size_t)m->nu * sizeof *R);
    memcpy(Q, u, (size_t)n * sizeof *Q);
    sp_model_root(m, SP_ROOT, Q);
    for (int rep = 0; rep < 2; rep++) {
      for (int l = 0; l < h; l++) {
        const double c = sp_dot(q->Q0 + l * n, Q, n);
        sp_axpy(-c, q->Q0 + l * n, Q, n);
        R[l] += c;
      }
    }
    const double norm = sqrt(sp_nrm2sq(Q, n));
    R[h] = norm;
    for (ptrdiff_t i = 0; i < n && norm > 0; i++) Q[i] /= norm;
  }
  q->k0 = m->nu;
}

void sp_model_basis_factor(sp_model *m) {
  sp_qp *q = &m->qp;
  double *curve = q->e2;
  q->U = m->U;
  q->UR = m->UR;
  q->ucol = m->ucol;
  q->k0 = m->nu;
  for (int h = 0; h < m->nu; h++) {
    double *R = m->UR + (ptrdiff_t)h * m->nu;
    sp_scores_curve(q, m->U + h * q->n, curve);
    sp_scores_basis(q, curve, R);
    const double whole = R[h];
    double pivot = whole;
    for (int l = 0; l < h; l++) {
      const double *L = m->UR + (ptrdiff_t)l * m->nu;
      R[l] = L[l] > 0 ? (R[l] - sp_dot(L, R, l)) / L[l] : 0;
      pivot -= R[l] * R[l];
    }
    memset(R + h, 0, (size_t)(m->nu - h) * sizeof *R);
    R[h] = pivot > 1e-14 * whole ? sqrt(pivot) : 0;
  }
}

/* Independent columns of [1, free columns] in the metric of the weights (or the root of the loss), earlier ones preferred. */
static sp_status build_basis(sp_model *m) {
  int count = m->intercept * m->K;
  for (int j = 0; j < m->p; j++) {
    if (is_free_column(m, j)) {
      m->is_u[j] = 1;
      count++;
    }
  }
  const ptrdiff_t n = m->n;
  const size_t sc = (size_t)(count < n ? count : n) + 1;
  m->ucol = sp_alloc(m->ctx, sc, sizeof(int));
  m->gamma = sp_calloc(m->ctx, sc, sizeof(double));
  m->gamma_step = sp_calloc(m->ctx, sc, sizeof(double));
  m->U = sp_alloc(m->ctx, sc * (size_t)n, sizeof(double));
  m->UR = sp_calloc(m->ctx, sc * sc, sizeof(double));
  m->qp.Q0 = NULL;
  double *Q = sp_alloc(m->ctx, sc * (size_t)n, sizeof(double));
  if (!m->ucol || !m->gamma || !m->gamma_step || !m->U || !m->UR || !Q) {
    sp_free(m->ctx, Q);
    return SP_ENOMEM;
  }
  const sp_view plain = sp_model_view(m);
  for (int j = m->intercept ? -m->K : 0; j < m->p && m->nu < n; j++) {
    if (j >= 0 && !m->is_u[j]) continue;
    double *u = m->U + m->nu * n, *x = Q + m->nu * n;
    if (j < 0) {
      const ptrdiff_t from = (m->K + j) * m->rows_n; /* the first predictor's first */
      memset(u, 0, (size_t)n * sizeof *u);
      for (ptrdiff_t i = 0; i < m->rows_n; i++) u[from + i] = 1;
    } else {
      sp_view_column(&plain, j, u);
    }
    for (ptrdiff_t i = 0; i < n; i++) x[i] = m->sw[i] * u[i];
    const double before = sqrt(sp_nrm2sq(x, n));
    if (m->loss.ops->root) { /* in the metric of the null model: a column that F does not see is not there */
      memcpy(x, u, (size_t)n * sizeof *x);
      sp_model_root(m, SP_ROOT, x);
    }
    for (int rep = 0; rep < 2; rep++) {
      for (int l = 0; l < m->nu; l++) sp_axpy(-sp_dot(Q + l * n, x, n), Q + l * n, x, n);
    }
    const double after = sqrt(sp_nrm2sq(x, n));
    if (!(after > U_TOL * before)) continue;
    for (ptrdiff_t i = 0; i < n; i++) x[i] /= after;
    m->ucol[m->nu++] = j < 0 ? -1 - (m->K + j) : j;
    m->nu0 += j < 0;
  }
  sp_free(m->ctx, Q);
  return SP_OK;
}

void sp_model_null(sp_model *m) {
  const ptrdiff_t n = m->n;
  memcpy(m->eta, m->off, (size_t)n * sizeof *m->eta);
  if (m->intercept) (m->loss.ops->intercepts ? fit_intercepts : fit_intercept)(m);
  m->null_value = m->loss.ops->value(&m->loss, m->eta);
  m->sat_value = m->loss.ops->saturated(&m->loss);
  m->null_dev = m->null_value - m->sat_value;
  m->loss.ops->grad_hess(&m->loss, m->eta, m->g, m->h);
  double ss = 0, curvature = 0;
  for (ptrdiff_t i = 0; i < n; i++) {
    ss += m->g[i] * m->g[i] / m->w[i];
    curvature += m->h[i];
  }
  /* a family of the host has units of its own */
  m->floor = CURVATURE_FLOOR * (m->loss.ops->flags & SP_LOSS_DOMAIN ? curvature : 1);
  m->unit = sqrt(ss);
  /* glmnet's convention: a gaussian response is scaled to unit variance before it is penalized */
  if ((m->loss.ops->flags & SP_LOSS_QUADRATIC) && m->K == 1 && m->unit > 0) m->ridge_scale = 1 / m->unit;
}

sp_status sp_model_start(sp_model *m) {
  sp_status st = SP_OK;
  const ptrdiff_t n = m->n;
  memcpy(m->sm, m->sw, (size_t)n * sizeof *m->sm);
  if (m->loss.ops->metric) SP_TRY(m->loss.ops->metric(&m->loss, m->eta));
  SP_TRY(weigh_groups(m));
  SP_TRY(build_basis(m));
  sp_view view = sp_model_view(m);
  view.sm = m->sm;
  view.root = m->loss.ops->root ? &m->loss : NULL;
  SP_TRY(sp_qp_init(&m->qp, m->ctx, &view, m->p));
  m->qp.cg = m->cg;
  if (m->loss.ops->flags & SP_LOSS_SHIFT_FREE) m->qp.rank = m->n - m->rows_n;
  m->qp.Q0 = sp_alloc(m->ctx, (size_t)(m->nu + 1) * (size_t)n, sizeof(double));
  if (!m->qp.Q0) return SP_ENOMEM;
  sp_model_orthonormal_basis(m);
  m->metric_set = 1;
  if (m->loss.ops->flags & SP_LOSS_QUADRATIC) {
    /* centred before it is projected: a large mean of y must not cost accuracy */
    m->target = sp_alloc(m->ctx, (size_t)n, sizeof(double));
    if (!m->target) return SP_ENOMEM;
    for (ptrdiff_t i = 0; i < n; i++) m->target[i] = m->sw[i] * (m->y[i] - m->eta[i]);
    sp_qp_project(&m->qp, m->target);
    memcpy(m->qp.r, m->target, (size_t)n * sizeof(double));
  } else if (m->nu > m->nu0) {
    double kkt;
    int limit;
    const double scale = 0.01 * m->unit;
    SP_TRY(sp_model_solve(m, scale, scale, &kkt, &limit)); /* nothing penalized is in the working set yet */
  }
done:
  return st;
}

/* the whole block as one run of positions */
static sp_status add_block(sp_model *m, int j) {
  sp_status st = SP_OK;
  sp_qp *q = &m->qp;
  const int g = sp_model_block_of(m, j);
  double T, t, ridge;
  if (q->pos[j] >= 0) return SP_OK;
  int *coef = sp_alloc(m->ctx, (size_t)m->longest, sizeof *coef);
  double *v = sp_alloc(m->ctx, 3 * (size_t)m->longest, sizeof *v);
  if (!coef || !v) {
    st = SP_ENOMEM;
    goto done;
  }
  const sp_pen_block bl = sp_model_block(m, g, coef, v);
  m->pen->ops->block_norms(m->pen, 1, &bl, &T, &t, &ridge);
  for (int i = 0; i < bl.m; i++) {
    int k;
    SP_TRY(sp_qp_add_column(q, coef[i], &k));
    const sp_coord co = sp_model_coord(m, coef[i]);
    const double unit = sp_model_unit(m, coef[i]), wt = sp_model_tolerance(m, &bl);
    q->lo[k] = co.lo;
    q->hi[k] = co.hi;
    q->kv[k] = co.kv;
    q->vs[k] = wt * unit;
    q->unit[k] = unit;
    q->t1[k] = t * v[i] * unit;
    q->k1[k] = ridge * unit * unit;
    q->t[k] = m->lambda * q->t1[k];
    q->k[k] = m->lambda * q->k1[k];
    q->len[k] = i == 0 ? bl.m : 0;
    q->T1[k] = i == 0 ? T : 0;
    q->T[k] = m->lambda * q->T1[k];
    q->wt[k] = wt;
    q->ref[k] = -1;
  }
  m->c_fresh = 0;
done:
  sp_free(m->ctx, coef);
  sp_free(m->ctx, v);
  return st;
}

static sp_status add_coefficient(sp_model *m, int j) {
  int k;
  const int before = m->qp.nW;
  const sp_status st = sp_qp_add_column(&m->qp, j, &k);
  if (st != SP_OK || m->qp.nW == before) return st;
  const sp_coord co = sp_model_coord(m, j);
  sp_qp *q = &m->qp;
  q->lo[k] = co.lo;
  q->hi[k] = co.hi;
  q->kv[k] = co.kv;
  q->vs[k] = co.v > 0 ? co.v : 1;
  m->pen->ops->l1_ridge(m->pen, 1, &co, &q->t1[k], &q->k1[k]);
  q->t[k] = m->lambda * q->t1[k];
  q->k[k] = m->lambda * q->k1[k];
  q->ref[k] = -1;
  m->c_fresh = 0;
  return SP_OK;
}

/* the whole group as one run of positions */
static sp_status add_group(sp_model *m, int j) {
  const sp_groups *gr = m->pen->groups;
  sp_qp *q = &m->qp;
  const int base = sp_model_base(m, j), g = gr->of[base], from = gr->across ? 0 : j - base * m->K, to = gr->across ? m->K : from + 1;
  const int first = q->nW;
  if (q->pos[j] >= 0) return SP_OK;
  for (int i = gr->ptr[g]; i < gr->ptr[g + 1]; i++) {
    for (int k = from; k < to; k++) {
      const int c = gr->cols[i] * m->K + k;
      const sp_status st = sp_model_usable(m, c) ? add_coefficient(m, c) : SP_OK;
      if (st != SP_OK) return st;
    }
  }
  for (int k = first; k < q->nW; k++) {
    q->len[k] = k == first ? q->nW - first : 0;
    q->unit[k] = 0;
  }
  return SP_OK;
}

sp_status sp_model_add(sp_model *m, int j) {
  return m->blocks ? add_block(m, j) : m->bilevel ? add_group(m, j) : add_coefficient(m, j);
}

void sp_model_set_lambda(sp_model *m, double lambda) {
  sp_qp *q = &m->qp;
  /* the unit of tolerances: the size of thresholds; at and near lambda = 0 the size of the data takes over */
  q->lambda = fmax(lambda * fmax(m->pen->alpha, 1e-3), 1e-5 * m->unit);
  if (!(q->lambda > 0)) q->lambda = 1;
  q->noise = 4e-15 * m->unit;
  q->kappa = lambda * (1 - m->pen->alpha);
  q->has_ridge = 0;
  m->lambda = lambda;
  q->longest = m->longest;
  const int blocks = m->blocks && lambda > 0 && m->pen->alpha > 0; /* else there are no norms: coordinates on their own */
  if (blocks != q->blocks) sp_qp_forget_active(q);
  q->blocks = blocks;
  q->boxed = blocks && (m->lower || m->upper);
  q->packed = blocks && !q->boxed && m->K > 1 && m->pen->groups->across &&
    (m->loss.ops->root ? m->loss.ops->shares && m->nu == m->nu0 : (m->loss.ops->flags & SP_LOSS_QUADRATIC) != 0);
  for (int k = 0; k < q->nW; k++) {
    q->t[k] = lambda * q->t1[k];
    q->k[k] = lambda * q->k1[k];
    q->T[k] = lambda * q->T1[k];
    if (q->k[k] > 0) q->has_ridge = 1;
  }
  if (sp_concave_active(m)) sp_concave_tangent(m);
  if (lambda == 0 && q->nW) memset(q->s, 0, (size_t)q->nW * sizeof *q->s); /* no thresholds, no signs */
  if (q->a && q->kappaP != q->kappa) {
    /* small factors are cheaper rebuilt than used as a preconditioner */
    q->stale = q->a <= 40 || fabs(q->kappaP - q->kappa) > 0.35 * q->kappa ? 2 : 1;
  }
}

sp_status sp_model_restore(sp_model *m, int count, const int *cols, const double *b, const double *s, const char *state,
                           const double *eta) {
  sp_qp *q = &m->qp;
  int failed;
  for (int i = 0; i < q->a; i++) q->ia[q->A[i]] = -1;
  q->a = 0;
  for (int k = 0; k < q->nW; k++) {
    q->b[k] = q->s[k] = 0;
    q->st[k] = SP_ZERO;
    q->blk[k] = 0;
  }
  for (int i = 0; i < count; i++) {
    const int k = q->pos[cols[i]];
    q->b[k] = b[i];
    q->s[k] = s[i];
    q->st[k] = state[i];
    if (state[i] == SP_FREE && !m->use_dual && !q->blocks) {
      const sp_status st = sp_qp_reserve_active(q, q->a + 1);
      if (st != SP_OK) return st;
      q->A[q->a] = k;
      q->ia[k] = q->a++;
    }
  }
  if (sp_concave_active(m)) sp_concave_tangent(m);
  sp_status st = q->blocks ? sp_block_from_b(q) : sp_factor_reload(q, &failed);
  if (st == SP_OK && !q->blocks && failed) st = sp_qp_from_b(q); /* one by one, with the test of dependence */
  if (st != SP_OK) return st;
  m->stepped = 0;
  m->eta_of_b = 0;
  if (eta) memcpy(m->eta, eta, (size_t)m->n * sizeof *eta);
  if (m->loss.ops->flags & SP_LOSS_QUADRATIC) {
    st = sp_qp_residual(q, m->target);
    sp_qp_corr_all(q);
    m->c_fresh = 1;
  } else {
    m->c_fresh = 0;
  }
  return st;
}

/* e [n] = X~ b over the working set, metric free */
static void plain_fit(sp_model *m, double *e) {
  sp_qp *q = &m->qp;
  const sp_view plain = sp_model_view(m);
  int c = 0;
  for (int k = 0; k < q->nW; k++) {
    if (q->b[k] != 0) {
      q->idx[c] = q->W[k];
      q->val[c++] = q->b[k];
    }
  }
  memset(e, 0, (size_t)m->n * sizeof *e);
  if (c) sp_view_axpy(&plain, q->idx, c, q->val, e, q->vv, q->ent);
}

/* gamma from the fit that is left to it, r0, without a root; then eta. Two rounds, as below. */
static void unpenalized_scores(sp_model *m, const double *fit) {
  sp_qp *q = &m->qp;
  double *curve = q->e2, *z = q->e2 + 3 * q->n;
  memset(m->gamma, 0, (size_t)(m->nu + 1) * sizeof *m->gamma);
  for (int rep = 0; rep < 2 && m->nu; rep++) {
    sp_scores_curve(q, m->r0, curve);
    sp_scores_basis(q, curve, z);
    sp_scores_solve(q, z, 1);
    for (int h = 0; h < m->nu; h++) m->gamma[h] += z[h];
    sp_scores_add(q, -1, z, m->r0);
  }
  for (ptrdiff_t i = 0; i < m->n; i++) m->eta[i] = m->off[i] + fit[i];
  sp_scores_add(q, 1, m->gamma, m->eta);
}

sp_status sp_model_unpenalized(sp_model *m) {
  const int quadratic = (m->loss.ops->flags & SP_LOSS_QUADRATIC) != 0;
  const ptrdiff_t n = m->n;
  sp_qp *q = &m->qp;
  double *e = m->deta;
  if (quadratic && m->nu == m->nu0) {
    /* sum w x~ = 0, so the intercept is the mean of y - off */
    for (int h = 0; h < m->nu; h++) {
      const ptrdiff_t from = (-1 - m->ucol[h]) * m->rows_n;
      double s = 0, om = 0;
      for (ptrdiff_t i = 0; i < m->rows_n; i++) om += m->w[from + i];
      for (ptrdiff_t i = 0; i < m->rows_n; i++) s += m->w[from + i] * (m->y[from + i] - m->off[from + i]);
      m->gamma[h] = s / om;
    }
    return SP_OK;
  }
  plain_fit(m, e);
  const double *from = quadratic ? m->y : m->eta;
  for (ptrdiff_t i = 0; i < n; i++) m->r0[i] = from[i] - m->off[i] - e[i];
  if (sp_qp_no_basis(q)) {
    unpenalized_scores(m, e);
    return SP_OK;
  }
  sp_model_root(m, SP_ROOT, m->r0);
  memset(m->gamma, 0, (size_t)(m->nu + 1) * sizeof *m->gamma);
  /* two rounds: the second removes what the first left by rounding */
  for (int rep = 0; rep < 2; rep++) {
    double *z = q->rhs;
    const sp_status st = sp_qp_reserve_active(q, m->nu);
    if (st != SP_OK) return st;
    z = q->rhs;
    sp_gemv_t(q->Q0, n, n, m->nu, m->r0, z);
    for (int h = m->nu - 1; h >= 0; h--) {
      for (int l = h + 1; l < m->nu; l++) z[h] -= m->UR[(ptrdiff_t)l * m->nu + h] * z[l];
      const double pivot = m->UR[(ptrdiff_t)h * m->nu + h];
      z[h] = pivot > 0 ? z[h] / pivot : 0;
    }
    for (int h = 0; h < m->nu; h++) {
      m->gamma[h] += z[h];
      memcpy(m->h, m->U + h * n, (size_t)n * sizeof *m->h);
      sp_model_root(m, SP_ROOT, m->h);
      sp_axpy(-z[h], m->h, m->r0, n);
    }
  }
  if (!quadratic) {
    for (ptrdiff_t i = 0; i < n; i++) m->eta[i] = m->off[i] + e[i];
    sp_gemv_n(m->U, n, n, m->nu, m->gamma, m->eta);
  }
  return SP_OK;
}

void sp_model_gradient(sp_model *m, double *resid, double *sum) {
  sp_view v = sp_model_view(m);
  v.sm = m->sw;
  if (m->loss.ops->flags & SP_LOSS_QUADRATIC) {
    sp_view_scatter(&v, m->qp.r, resid, sum);
    return;
  }
  m->loss.ops->grad_hess(&m->loss, m->eta, m->g, m->h);
  v.sm = NULL;
  sp_view_scatter(&v, m->g, resid, sum);
}

double sp_model_value(sp_model *m) {
  if (m->loss.ops->flags & SP_LOSS_QUADRATIC) return (sp_nrm2sq(m->qp.r, m->qp.n) + (m->reduced ? m->red_rest : 0)) / 2;
  return m->loss.ops->value(&m->loss, m->eta);
}
