/* Standardization of every task in one read of X, starting correlations, lambda_max. */
#include "setup.h"

#include <math.h>
#include <string.h>

#include "../base/par.h"
#include "../base/vec.h"

#define CHUNK 256
#define CONSTANT 1e-14 /* weighted norm below this fraction of the magnitude: the column is constant (about 64 rounding units) */
#define CANCELLED 1e-6 /* variance below this fraction of the moment about the common centre: computed again, entry by entry */

typedef struct moments {
  sp_path *path;
  double *W, *V, *sumV, *sumW; /* [n x B], [B] */
} moments;

/* mean and sums of column j for one task, two passes over the gathered column */
static void exact_moments(const sp_path *path, const double *W, const double *V, int j, double *x, double *mean, double *norm2,
                          double *dot) {
  const sp_design *d = path->spec.design;
  double m = 0, corr = 0, s2 = 0, sv = 0;
  d->ops->gather(d, j, x);
  for (ptrdiff_t i = 0; i < d->n; i++) m += W[i] * x[i];
  for (ptrdiff_t i = 0; i < d->n; i++) corr += W[i] * (x[i] - m);
  m += corr;
  for (ptrdiff_t i = 0; i < d->n; i++) {
    const double e = x[i] - m;
    s2 += W[i] * e * e;
    sv += V[i] * e;
  }
  *mean = m;
  *norm2 = s2;
  *dot = sv;
}

/* Scaling of one column for one task, from moments about `centre`; c too, where there is one predictor. */
static void set_column(const moments *mo, int t, int j, double centre, double s1, double s2, double sv, double *x) {
  const sp_spec *sp = &mo->path->spec;
  sp_task *task = &mo->path->tasks[t];
  sp_model *m = &task->m;
  const ptrdiff_t n = sp->design->n;
  double mean = centre + s1, var = s2 - s1 * s1, dot = sv - s1 * mo->sumV[t];
  if (var <= CANCELLED * s2 || var <= 1e-8 * mean * mean) {
    exact_moments(mo->path, mo->W + t * n, mo->V + t * n, j, x, &mean, &var, &dot);
  }
  const double sd = sqrt(fmax(var, 0));
  if (m->K == 1) task->c[j] = 0;
  /* constant, or left out; a running sum may be constant, as the level of a chain, where there is no intercept to stand for it */
  const int level = sp->design->sums != NULL && !m->centred && mean != 0;
  int kept = 0;
  for (int k = 0; k < m->K; k++) kept |= isfinite(sp_model_factor(m, j * m->K + k)) != 0;
  if (!kept || (!level && (!(sd > CONSTANT * fabs(mean)) || !(sd > 0)))) return;
  if (m->centred) {
    m->mean[j] = mean;
    m->iscale[j] = 1 / sd;
    if (m->K == 1) task->c[j] = dot / sd;
    if (m->ratio) m->ratio[j] = 1 / sd;
  } else { /* glmnet: not centred, yet scaled by the centred standard deviation */
    const double norm = sqrt(var + mean * mean);
    m->iscale[j] = 1 / norm;
    if (m->K == 1) task->c[j] = (dot + mean * mo->sumV[t]) / norm;
    if (m->ratio) m->ratio[j] = (sp->standardize ? sd : 1) / norm;
  }
}

/* The lowest of the bad columns, whatever the number of threads */
static void bad_column(sp_ctx *ctx, ptrdiff_t j) {
  ptrdiff_t seen = __atomic_load_n(&ctx->where, __ATOMIC_RELAXED);
  while ((seen < 0 || j < seen) &&
         !__atomic_compare_exchange_n(&ctx->where, &seen, j, 0, __ATOMIC_RELAXED, __ATOMIC_RELAXED)) {
  }
}

static sp_status moments_chunk(void *arg, int chunk) {
  const moments *mo = arg;
  const sp_spec *sp = &mo->path->spec;
  sp_ctx *ctx = mo->path->ctx;
  const sp_design *d = sp->design;
  const int B = sp->B, from = chunk * CHUNK, m = from + CHUNK < d->p ? CHUNK : d->p - from;
  const size_t sB = (size_t)B, sm = (size_t)m, n = (size_t)d->n;
  sp_status st = SP_OK;
  double *buf = sp_alloc(ctx, sm * (1 + 3 * sB) + 4 * n, sizeof *buf);
  if (!buf) return SP_ENOMEM;
  double *centre = buf, *s1 = centre + m, *s2 = s1 + sm * sB, *sv = s2 + sm * sB, *work = sv + sm * sB, *x = work + 3 * n;
  d->ops->cols_moments(d, from, m, mo->W, mo->V, mo->sumV, B, centre, s1, s2, sv, work);
  for (int a = 0; a < m; a++) {
    if (!isfinite(centre[a]) || !isfinite(s2[(ptrdiff_t)a * B])) {
      st = SP_ENONFINITE;
      bad_column(ctx, from + a);
      break;
    }
    for (int t = 0; t < B; t++) {
      const ptrdiff_t k = (ptrdiff_t)a * B + t;
      set_column(mo, t, from + a, centre[a], s1[k], s2[k], sv[k], x);
    }
  }
  sp_free(ctx, buf);
  return st;
}

sp_status sp_setup_columns(sp_path *path) {
  const sp_spec *sp = &path->spec;
  sp_ctx *ctx = path->ctx;
  const ptrdiff_t n = sp->design->n;
  const size_t nB = (size_t)n * (size_t)sp->B;
  sp_status st = SP_OK;
  moments mo = {path, NULL, NULL, NULL, NULL};
  mo.W = sp_calloc(ctx, nB, sizeof(double));
  mo.V = sp_calloc(ctx, nB, sizeof(double));
  mo.sumV = sp_calloc(ctx, (size_t)sp->B, sizeof(double));
  if (!mo.W || !mo.V || !mo.sumV) {
    st = SP_ENOMEM;
    goto done;
  }
  for (int t = 0; t < sp->B; t++) {
    const sp_model *m = &path->tasks[t].m;
    for (ptrdiff_t i = 0; i < m->rows_n; i++) { /* with more than one predictor V goes unused */
      const ptrdiff_t row = m->rows ? m->rows[i] : i;
      mo.W[t * n + row] = m->w[i];
      mo.V[t * n + row] = m->g[i];
      mo.sumV[t] += m->g[i];
    }
  }
  SP_TRY(sp_par_for(ctx, (sp->design->p - 1) / CHUNK + 1, moments_chunk, &mo));
  path->counts.reads += sp->design->p;
  path->counts.dots += (double)sp->design->p * sp->B;
done:
  sp_free(ctx, mo.W);
  sp_free(ctx, mo.V);
  sp_free(ctx, mo.sumV);
  return st;
}

sp_status sp_setup_correlations(sp_path *path, sp_task *t) {
  sp_model *m = &t->m;
  const sp_design *d = m->design;
  const sp_view view = sp_model_view(m);
  const int K = m->K;
  double *sum = sp_calloc(path->ctx, ((size_t)d->n + 1) * (size_t)K, sizeof *sum), *resid = sum + K;
  if (!sum) return SP_ENOMEM;
  sp_model_gradient(m, resid, sum);
  double *ranks = NULL;
  if (d->ops->project) {
    if (!(ranks = sp_alloc(path->ctx, (size_t)d->ops->ranks(d) * (size_t)K, sizeof *ranks))) {
      sp_free(path->ctx, sum);
      return SP_ENOMEM;
    }
    d->ops->project(d, resid, d->n, K, ranks);
  }
  for (int from = 0; from < d->p; from += CHUNK) { /* one read serves all predictors */
    const int count = from + CHUNK < d->p ? CHUNK : d->p - from;
    double *c = t->c + (ptrdiff_t)from * K;
    if (ranks) d->ops->cols_from(d, ranks, K, NULL, from, count, c, K);
    else d->ops->cols_dot(d, NULL, from, count, resid, d->n, K, c, K);
    for (int a = 0; a < count * K; a++) {
      const int j = from + a / K, at = from * K + a;
      if (sp_view_shifted(&view, at)) sp_view_dot_raw(&view, &at, 1, resid, sum, c + a);
      else c[a] = (c[a] - m->mean[j] * sum[a % K]) * m->iscale[j];
    }
  }
  for (int j = 0; j < m->p; j++) {
    if (m->is_u[j] || m->iscale[sp_model_base(m, j)] == 0) t->c[j] = 0;
  }
  sp_free(path->ctx, ranks);
  sp_free(path->ctx, sum);
  path->counts.reads += d->p;
  path->counts.dots += m->p;
  return SP_OK;
}

double sp_setup_lambda_max(const sp_task *t) {
  double top = 0;
  for (int g = 0; t->m.blocks && g < sp_model_blocks(&t->m); g++) {
    const sp_pen_block bl = sp_model_block(&t->m, g, t->bcoef, t->bv);
    for (int j = 0; j < bl.m; j++) t->bz[j] = t->c[t->bcoef[j]] / sp_model_unit(&t->m, t->bcoef[j]);
    if (bl.m) top = fmax(top, t->m.pen->ops->block_gauge(t->m.pen, &bl, t->bz));
  }
  for (int j = 0; j < t->m.p && !t->m.blocks; j++) {
    if (!sp_model_usable(&t->m, j)) continue;
    const sp_coord co = sp_model_coord(&t->m, j);
    top = fmax(top, t->m.pen->ops->gauge(t->m.pen, &co, t->c[j]));
  }
  return top;
}
