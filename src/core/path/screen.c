#include "screen.h"

#include <math.h>
#include <string.h>

#define TAU 0.6    /* columns with |c| >= TAU alpha v lambda_end are candidates */
#define KEEP 0.5   /* working-set columns below this fraction of the candidates' threshold are dropped */
#define BINS 4096
#define BLOCKS 50 /* blocks that a working set has room for, whatever their length */

/* A size that rarely has to be extended: the final active set has at most about n columns. The columns of a sparse design are
 * short: where its active set has outgrown the cap, looking at more of them costs less than solving a range again. Norms of blocks
 * have several times n active coefficients, and come in whole blocks. */
static int working_set_size(const sp_model *m) {
  const ptrdiff_t n = 4 * m->n;
  const double size = (double)(n < 150 ? 150 : n > 4000 ? 4000 : n) + (m->qp.iterative || m->blocks ? 2.0 * m->qp.a : 0) +
                      (m->blocks ? BLOCKS * (double)m->p / sp_model_blocks(m) : 0);
  return (int)fmin(size, m->p);
}

/* blocks: score of each block, NULL without */
static double score(const sp_task *t, const double *blocks, int j) {
  const sp_model *m = &t->m;
  if (!sp_model_usable(m, j)) return -1;
  if (blocks) return blocks[sp_model_block_of(m, j)];
  const double v = sp_model_factor(m, j) * sp_model_unit(m, j);
  return v > 0 ? fabs(t->c[j]) / v : INFINITY;
}

/* A score that about `rank` columns reach, from a histogram. */
static double kth_largest(const sp_task *t, const double *blocks, int rank) {
  double top = 0;
  int bins[BINS] = {0}, seen = 0, b = BINS - 1;
  for (int j = 0; j < t->m.p; j++) {
    const double s = score(t, blocks, j);
    if (isfinite(s)) top = fmax(top, s);
  }
  if (!(top > 0)) return 0;
  const double scale = (BINS - 1) / top;
  for (int j = 0; j < t->m.p; j++) {
    const double s = score(t, blocks, j);
    if (s >= 0 && isfinite(s)) bins[(int)(s * scale)]++;
  }
  for (; b >= 0; b--) {
    seen += bins[b];
    if (seen >= rank) break;
  }
  return b < 0 ? 0 : b / scale;
}

/* The gauge of each block, in units of lambda alpha. */
static sp_status score_blocks(const sp_task *t, double **out) {
  const sp_model *m = &t->m;
  sp_status st = SP_OK;
  const int G = sp_model_blocks(m);
  double *scores = *out = sp_calloc(m->ctx, (size_t)G, sizeof *scores);
  int *coef = sp_alloc(m->ctx, (size_t)m->longest, sizeof *coef);
  double *v = sp_alloc(m->ctx, 4 * (size_t)m->longest, sizeof *v), *z = v + 3 * (ptrdiff_t)m->longest;
  if (!scores || !coef || !v) {
    st = SP_ENOMEM;
    goto done;
  }
  for (int g = 0; g < G; g++) {
    const sp_pen_block bl = sp_model_block(m, g, coef, v);
    for (int i = 0; i < bl.m; i++) z[i] = t->c[coef[i]] / sp_model_unit(m, coef[i]);
    scores[g] = bl.m == 0 ? -1 : bl.kv > 0 ? m->pen->ops->block_gauge(m->pen, &bl, z) * fmax(m->pen->alpha, 1e-3) : INFINITY;
  }
done:
  sp_free(m->ctx, coef);
  sp_free(m->ctx, v);
  return st;
}

/* Groups without norms: the largest score of a column; groups with a coefficient stay. */
static sp_status score_groups(const sp_task *t, double **out) {
  const sp_model *m = &t->m;
  double *scores = *out = sp_calloc(m->ctx, (size_t)sp_model_blocks(m), sizeof *scores);
  if (!scores) return SP_ENOMEM;
  for (int j = 0; j < m->p; j++) {
    double *to = &scores[sp_model_block_of(m, j)];
    *to = fmax(*to, m->qp.pos[j] >= 0 && m->qp.st[m->qp.pos[j]] != SP_ZERO ? INFINITY : score(t, NULL, j));
  }
  return SP_OK;
}

sp_status sp_screen_choose(sp_task *t, double lambda_end, int all) {
  sp_status st = SP_OK;
  sp_model *m = &t->m;
  const double alpha = m->pen->alpha;
  double thr = 0, *blocks = NULL;
  if (m->blocks) SP_TRY(score_blocks(t, &blocks));
  else if (m->bilevel) SP_TRY(score_groups(t, &blocks));
  if (!all && alpha > 0) {
    const int size = working_set_size(m);
    thr = TAU * alpha * lambda_end;
    if (m->p > size) thr = fmax(thr, kth_largest(t, blocks, size));
    thr = fmin(thr, 0.97 * alpha * t->lambda_c);
    if (!m->use_dual && m->qp.nW) { /* the dual engine's running sum knows its columns: never compacted */
      char *drop = sp_calloc(m->ctx, (size_t)m->qp.nW, 1);
      if (!drop) {
        st = SP_ENOMEM;
        goto done;
      }
      for (int k = 0; k < m->qp.nW; k++) drop[k] = score(t, blocks, m->qp.W[k]) < KEEP * thr;
      sp_qp_compact(&m->qp, drop);
      sp_free(m->ctx, drop);
    }
  }
  for (int j = 0; j < m->p; j++) {
    const double s = score(t, blocks, j);
    if (s >= thr && s >= 0) SP_TRY(sp_model_add(m, j));
  }
done:
  sp_free(m->ctx, blocks);
  return st;
}
