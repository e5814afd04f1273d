#include "bound.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "../base/par.h"
#include "../base/vec.h"

#define RANK_STOP 0.4 /* the basis grows until every remainder is below this fraction of the threshold */
#define BLOCK 64      /* columns per kernel call */
#define SAMPLE 1000   /* columns looked at for a typical threshold, at most */
#define CHUNK 512     /* columns per parallel work item: a constant, so that results do not depend on threads */

/* One task's residuals of the batch, factored. Those of its K predictors are residuals in their own right: number l K + k. */
typedef struct lowrank {
  sp_task *task;
  int q, L, K, offset;  /* rank, lambdas, predictors, first column in the common basis */
  int raw;              /* first column in the matrix of raw residuals */
  double *S, *e;        /* [L K x q] row l K + k: S_lk; [L K] */
  double *amax, *emax;  /* [K x q] row k: max_l |S_lkh| / lambda_l; [K] max_l e_lk / lambda_l */
} lowrank;

typedef struct violator {
  int task, col, l;
} violator;

typedef struct chunk_result {
  violator *viol;
  int n, cap;
  double exact;
  double *kkt, *scale, *slack; /* [total lambdas] */
} chunk_result;

typedef struct check {
  const sp_groups *groups; /* norms of blocks: columns are read group by group */
  int *chunk;           /* [chunks + 1] groups: first group of each work item */
  int longest;          /* columns of the largest group */
  sp_ctx *ctx;
  const sp_design *design;
  int B, qt, total;
  lowrank *lr;
  const double *lambda; /* of the whole grid */
  double *basis, *bsum; /* [n x qt] raw metric, their sums */
  double *ranks, *each; /* products of basis and residuals with what the columns are made of, where they are made of fewer; else NULL */
  double *resid, *rsum; /* [n x total], their sums */
  chunk_result *res;    /* [chunks] */
} check;

/* Pivoted Gram-Schmidt of the residuals E [n x L K] (overwritten by the remainders); Q [n x L K]. */
static void factor_residuals(lowrank *f, ptrdiff_t n, double *E, double *Q, const double *lambda, double alpha, double stop) {
  const int L = f->L * f->K, K = f->K;
  f->q = 0;
  for (int l = 0; l < L; l++) f->e[l] = sqrt(sp_nrm2sq(E + l * n, n));
  while (f->q < L) {
    int best = -1;
    double worst = 0;
    for (int l = 0; l < L; l++) {
      const double x = f->e[l] / (lambda[l / K] * alpha);
      if (x > worst) {
        worst = x;
        best = l;
      }
    }
    if (best < 0 || worst <= stop) break;
    double *qv = Q + f->q * n;
    const double inv = 1 / f->e[best];
    for (ptrdiff_t i = 0; i < n; i++) qv[i] = E[best * n + i] * inv;
    /* once more against the earlier ones, then exactly unit length */
    for (int h = 0; h < f->q; h++) sp_axpy(-sp_dot(Q + h * n, qv, n), Q + h * n, qv, n);
    const double norm = sqrt(sp_nrm2sq(qv, n));
    for (ptrdiff_t i = 0; i < n; i++) qv[i] /= norm;
    for (int l = 0; l < L; l++) {
      const double s = sp_dot(qv, E + l * n, n);
      f->S[l * L + f->q] = s;
      sp_axpy(-s, qv, E + l * n, n);
      f->e[l] = sqrt(sp_nrm2sq(E + l * n, n));
    }
    f->q++;
  }
  for (int k = 0; k < K; k++) f->emax[k] = 0;
  for (int h = 0; h < K * f->q; h++) f->amax[h] = 0;
  for (int l = 0; l < L; l++) {
    double *amax = f->amax + l % K * f->q;
    f->emax[l % K] = fmax(f->emax[l % K], f->e[l] / lambda[l / K]);
    for (int h = 0; h < f->q; h++) amax[h] = fmax(amax[h], fabs(f->S[l * L + h]) / lambda[l / K]);
  }
}

static sp_status add_violator(sp_ctx *ctx, chunk_result *r, int task, int col, int l) {
  if (r->n == r->cap) {
    const int cap = r->cap ? 2 * r->cap : 32;
    const sp_status st = sp_grow(ctx, &r->viol, (size_t)r->cap, (size_t)cap, sizeof *r->viol);
    if (st != SP_OK) return st;
    r->cap = cap;
  }
  r->viol[r->n++] = (violator){task, col, l};
  return SP_OK;
}

/* Exact product of column j with the residual l K + predictor of a lambda: measured for the certificate, a violator if it is one. */
static sp_status exact(const check *ck, chunk_result *r, int k, int j, int lk, const sp_view *view, double *c_out, int *is_viol) {
  const lowrank *f = &ck->lr[k];
  const sp_model *m = &f->task->m;
  const int col = f->raw + lk, l = lk / f->K, coefficient = j * f->K + lk % f->K;
  const double lam = ck->lambda[f->task->ls + l];
  double c, dir = 0;
  if (ck->each && !sp_view_shifted(view, j)) {
    ck->design->ops->cols_from(ck->design, ck->each + (ptrdiff_t)col * ck->design->ops->ranks(ck->design), 1, &j, 0, 1, &c, 1);
    c = (c - m->mean[j] * ck->rsum[col]) * m->iscale[j];
  } else {
    sp_view_dot_raw(view, &j, 1, ck->resid + col * ck->design->n, &ck->rsum[col], &c);
  }
  r->exact++;
  *c_out = c;
  const sp_coord co = sp_model_coord(m, coefficient);
  double t, ridge;
  m->pen->ops->l1_ridge(m->pen, lam, &co, &t, &ridge);
  if (c > t && co.hi > 0) dir = c - t;
  if (-c > t && co.lo < 0) dir = -c - t;
  *is_viol = dir > sp_qp_entry(&m->qp) * lam * co.v + 4e-15 * m->unit;
  if (*is_viol) return add_violator(ck->ctx, r, k, coefficient, l);
  if (dir > 0) {
    r->kkt[col] = fmax(r->kkt[col], dir / (lam * co.v));
    r->scale[col] = fmin(r->scale[col], m->pen->ops->scale(m->pen, lam, &co, c));
    r->slack[col] += m->pen->ops->fenchel_young(m->pen, lam, &co, 0, c);
  }
  return SP_OK;
}

/* One task, columns j0..j0+m-1, products z [m x qt] with the common basis; zs [qt] scratch */
static sp_status check_task(const check *ck, chunk_result *r, int k, int j0, int m, const double *z, double *zs, double *column) {
  const lowrank *f = &ck->lr[k];
  sp_task *t = f->task;
  const sp_model *md = &t->m;
  const double alpha = md->pen->alpha;
  const int q = f->q, L = f->L, K = f->K, rows = L * K;
  /* of the columns of the design */
  const sp_view view = {.design = ck->design, .n = md->rows_n, .rows = md->rows, .mean = md->mean, .iscale = md->iscale,
                        .column = column, .K = 1};
  for (int a = 0; a < m; a++) {
    const int j = j0 + a;
    const double is = md->iscale[j], mean = md->mean[j];
    if (is == 0) continue; /* sp_model_usable(), inline */
    const double *za = z + (ptrdiff_t)a * ck->qt + f->offset;
    const int open = fabs(mean) * is > SP_VIEW_SHIFT;
    double zz = 0;
    for (int h = 0; h < q; h++) {
      zs[h] = (za[h] - mean * ck->bsum[f->offset + h]) * is;
      zz += zs[h] * zs[h];
    }
    const double rest = sqrt(fmax(0, 1 - zz) + 1e-14);
    for (int p = 0; p < K; p++) {
      const int coefficient = j * K + p;
      const double v = sp_model_factor(md, coefficient), vj = alpha * v * (md->ratio ? md->ratio[j] : 1);
      if (md->qp.pos[coefficient] >= 0 || md->is_u[coefficient] || !isfinite(v)) continue;
      double c = 0, tt = 0;
      if (!open) {
        const double *amax = f->amax + p * q, *last = f->S + (rows - K + p) * rows;
        for (int h = 0; h < q; h++) {
          tt += amax[h] * fabs(zs[h]);
          c += last[h] * zs[h];
        }
        if (tt + rest * f->emax[p] <= vj) {
          t->c[coefficient] = c;
          continue;
        }
      }
      for (int l = 0; l < L; l++) {
        const int lk = l * K + p;
        const double thr = ck->lambda[t->ls + l] * vj;
        if (!open) {
          double cl = 0;
          for (int h = 0; h < q; h++) cl += f->S[lk * rows + h] * zs[h];
          if (l == L - 1) c = cl;
          if (fabs(cl) + rest * f->e[lk] <= thr) continue;
        }
        double ce;
        int viol;
        const sp_status st = exact(ck, r, k, j, lk, &view, &ce, &viol);
        if (st != SP_OK) return st;
        if (l == L - 1 || viol) c = ce;
        if (viol) break;
      }
      t->c[coefficient] = c;
    }
  }
  return SP_OK;
}

/* Scratch of one thread for the blocks of a group; see check_group(). */
typedef struct block_room {
  int *coef;                    /* [longest], coefficients */
  double *v, *c, *zero;         /* [3 longest], [longest] */
  double *zs, *rest;            /* [columns x qt], [columns] */
} block_room;

/* Exact correlations of a block with the residuals of lambda l: c [m], penalized units */
static sp_status exact_block(const check *ck, chunk_result *r, int k, int l, const sp_view *view, const sp_pen_block *bl,
                             const block_room *w, int *is_viol) {
  const lowrank *f = &ck->lr[k];
  const sp_model *m = &f->task->m;
  const double lam = ck->lambda[f->task->ls + l];
  for (int i = 0; i < bl->m; i++) {
    const int j = sp_model_base(m, w->coef[i]), col = f->raw + l * f->K + (w->coef[i] - j * f->K);
    sp_view_dot_raw(view, &j, 1, ck->resid + col * ck->design->n, &ck->rsum[col], &w->c[i]);
    w->c[i] /= sp_model_unit(m, w->coef[i]);
  }
  r->exact += bl->m;
  const double wt = sp_model_tolerance(m, bl), excess = m->pen->ops->block_violation(m->pen, lam, bl, w->zero, w->c);
  *is_viol = excess > SP_TOL_ENTER * lam * wt + 4e-15 * m->unit * sqrt((double)bl->m) / sp_model_unit(m, w->coef[0]);
  if (*is_viol) return add_violator(ck->ctx, r, k, w->coef[0], l);
  if (excess > 0) {
    const int at = f->raw + l * f->K;
    r->kkt[at] = fmax(r->kkt[at], excess / (lam * wt));
    r->scale[at] = fmin(r->scale[at], m->pen->ops->block_scale(m->pen, lam, bl, w->c));
    r->slack[at] += m->pen->ops->block_fenchel_young(m->pen, lam, bl, w->zero, w->c);
  }
  return SP_OK;
}

/* Largest |S(c)| in the directions that limits allow, c within `err` of the approximation; a column far from its mean is always open */
static double reach(const sp_pen_block *bl, int i, double t, double c, double err) {
  if (!(err < INFINITY)) return INFINITY;
  return fmax(fabs(sp_pen_allowed(bl, i, sp_soft(c + err, t))), fabs(sp_pen_allowed(bl, i, sp_soft(c - err, t))));
}

/* Within the threshold at every lambda? Both sides in units of lambda; see check_task(). */
static int never_near(const check *ck, const lowrank *f, const sp_pen_block *bl, const int *cols, const block_room *w) {
  const sp_model *md = &f->task->m;
  double T, tv, ridge, ss = 0;
  md->pen->ops->block_norms(md->pen, 1, bl, &T, &tv, &ridge);
  for (int i = 0, a = 0; i < bl->m; i++) {
    const int j = sp_model_base(md, w->coef[i]), k = w->coef[i] - j * f->K;
    while (cols[a] != j) a++;
    const double *zs = w->zs + (ptrdiff_t)a * ck->qt, *amax = f->amax + (ptrdiff_t)k * f->q;
    double top = w->rest[a] * f->emax[k];
    for (int h = 0; h < f->q; h++) top += amax[h] * fabs(zs[h]);
    const double x = reach(bl, i, tv * w->v[i], 0, top / sp_model_unit(md, w->coef[i]));
    ss += x * x;
  }
  return sqrt(ss) <= T;
}

/* One task, one block of group g; z~ and rest of the group's columns are in w. |c_jk - S_lk'z_j| <= rest_j e_lk bounds each |S(c)|. */
static sp_status check_one_block(const check *ck, chunk_result *r, int k, int g, int number, const sp_view *view, const block_room *w) {
  const lowrank *f = &ck->lr[k];
  sp_task *t = f->task;
  const sp_model *md = &t->m;
  const int *cols = ck->groups->cols + ck->groups->ptr[g], K = f->K, rows = f->L * K;
  const sp_pen_block bl = sp_model_block(md, number, w->coef, w->v);
  if (!bl.m || md->qp.pos[w->coef[0]] >= 0) return SP_OK;
  const int far = never_near(ck, f, &bl, cols, w);
  for (int l = far ? f->L - 1 : 0; l < f->L; l++) {
    double T, tv, ridge, ss = 0;
    md->pen->ops->block_norms(md->pen, ck->lambda[t->ls + l], &bl, &T, &tv, &ridge);
    for (int i = 0, a = 0; i < bl.m; i++) {
      const int j = sp_model_base(md, w->coef[i]), lk = l * K + (w->coef[i] - j * K);
      const double unit = sp_model_unit(md, w->coef[i]);
      while (cols[a] != j) a++;
      const double *S = f->S + (ptrdiff_t)lk * rows, *zs = w->zs + (ptrdiff_t)a * ck->qt;
      double c = 0;
      for (int h = 0; h < f->q; h++) c += S[h] * zs[h];
      w->c[i] = c / unit;
      const double x = far ? 0 : reach(&bl, i, tv * w->v[i], w->c[i], w->rest[a] * f->e[lk] / unit);
      ss += x * x;
    }
    int viol = 0;
    if (!(sqrt(ss) <= T)) {
      const sp_status st = exact_block(ck, r, k, l, view, &bl, w, &viol);
      if (st != SP_OK) return st;
    }
    if (l == f->L - 1 || viol) {
      for (int i = 0; i < bl.m; i++) t->c[w->coef[i]] = w->c[i] * sp_model_unit(md, w->coef[i]);
    }
    if (viol) break;
  }
  return SP_OK;
}

static sp_status check_group(const check *ck, chunk_result *r, int k, int g, const double *z, double *column, const block_room *w) {
  const lowrank *f = &ck->lr[k];
  const sp_model *md = &f->task->m;
  const sp_groups *gr = ck->groups;
  const int *cols = gr->cols + gr->ptr[g], m = gr->ptr[g + 1] - gr->ptr[g];
  const sp_view view = {.design = ck->design, .n = md->rows_n, .rows = md->rows, .mean = md->mean, .iscale = md->iscale,
                        .column = column, .K = 1};
  sp_status st = SP_OK;
  for (int a = 0; a < m; a++) {
    const double is = md->iscale[cols[a]], mean = md->mean[cols[a]], *za = z + (ptrdiff_t)a * ck->qt + f->offset;
    double zz = 0, *zs = w->zs + (ptrdiff_t)a * ck->qt;
    for (int h = 0; h < f->q; h++) {
      zs[h] = (za[h] - mean * ck->bsum[f->offset + h]) * is;
      zz += zs[h] * zs[h];
    }
    w->rest[a] = fabs(mean) * is > SP_VIEW_SHIFT ? INFINITY : sqrt(fmax(0, 1 - zz) + 1e-14);
  }
  if (gr->across) return check_one_block(ck, r, k, g, g, &view, w);
  for (int p = 0; p < f->K && st == SP_OK; p++) st = check_one_block(ck, r, k, g, g * f->K + p, &view, w);
  return st;
}

/* Work items of about CHUNK columns, in whole groups */
static sp_status divide_groups(check *ck, const sp_groups *gr, int *chunks) {
  int columns = CHUNK, count = 0;
  ck->groups = gr;
  ck->chunk = sp_alloc(ck->ctx, (size_t)gr->G + 1, sizeof *ck->chunk);
  if (!ck->chunk) return SP_ENOMEM;
  for (int g = 0; g < gr->G; g++) {
    const int m = gr->ptr[g + 1] - gr->ptr[g];
    if (columns >= CHUNK) {
      ck->chunk[count++] = g;
      columns = 0;
    }
    columns += m;
    if (m > ck->longest) ck->longest = m;
  }
  ck->chunk[count] = gr->G;
  *chunks = count;
  return SP_OK;
}

/* The groups of one work item: the columns of several small groups, or those of one large one, at a time. */
static sp_status check_groups(const check *ck, chunk_result *r, int chunk, double *z, double *column) {
  const sp_groups *gr = ck->groups;
  const size_t most = (size_t)ck->longest * (size_t)ck->lr[0].K, columns = (size_t)ck->longest, qt = (size_t)ck->qt;
  sp_status st = SP_OK;
  block_room w = {.coef = sp_alloc(ck->ctx, most, sizeof(int)), .v = sp_calloc(ck->ctx, 5 * most + columns * (qt + 1), sizeof(double))};
  if (!w.coef || !w.v) {
    st = SP_ENOMEM;
    goto done;
  }
  w.c = w.v + 3 * most;
  w.zero = w.c + most;
  w.zs = w.zero + most;
  w.rest = w.zs + columns * qt;
  for (int g = ck->chunk[chunk]; g < ck->chunk[chunk + 1];) {
    int last = g + 1;
    while (last < ck->chunk[chunk + 1] && gr->ptr[last + 1] - gr->ptr[g] <= BLOCK) last++;
    const int *cols = gr->cols + gr->ptr[g], m = gr->ptr[last] - gr->ptr[g];
    if (ck->qt) ck->design->ops->cols_dot(ck->design, cols, 0, m, ck->basis, ck->design->n, ck->qt, z, ck->qt);
    for (int k = 0; k < ck->B; k++) {
      for (int h = g; h < last; h++) {
        SP_TRY(check_group(ck, r, k, h, z + (ptrdiff_t)(gr->ptr[h] - gr->ptr[g]) * ck->qt, column, &w));
      }
    }
    g = last;
  }
done:
  sp_free(ck->ctx, w.coef);
  sp_free(ck->ctx, w.v);
  return st;
}

static sp_status check_chunk(void *arg, int chunk) {
  const check *ck = arg;
  chunk_result *r = &ck->res[chunk];
  sp_status st = SP_OK;
  const int from = chunk * CHUNK, to = from + CHUNK < ck->design->p ? from + CHUNK : ck->design->p;
  const size_t columns = ck->longest > BLOCK ? (size_t)ck->longest : BLOCK;
  double *z = sp_alloc(ck->ctx, (columns + 1) * (size_t)ck->qt + 1, sizeof *z);
  double *column = sp_alloc(ck->ctx, (size_t)ck->design->n, sizeof *column);
  double *acc = sp_alloc(ck->ctx, 3 * (size_t)ck->total, sizeof *acc);
  r->kkt = acc;
  if (!z || !column || !acc) {
    st = SP_ENOMEM;
    goto done;
  }
  r->scale = acc + ck->total;
  r->slack = acc + 2 * ck->total;
  for (int i = 0; i < ck->total; i++) {
    r->kkt[i] = r->slack[i] = 0;
    r->scale[i] = 1;
  }
  if (ck->groups) {
    SP_TRY(check_groups(ck, r, chunk, z, column));
    goto done;
  }
  for (int j0 = from; j0 < to; j0 += BLOCK) {
    const int m = j0 + BLOCK < to ? BLOCK : to - j0;
    if (ck->ranks) {
      ck->design->ops->cols_from(ck->design, ck->ranks, ck->qt, NULL, j0, m, z, ck->qt);
    } else if (ck->qt) {
      ck->design->ops->cols_dot(ck->design, NULL, j0, m, ck->basis, ck->design->n, ck->qt, z, ck->qt);
    }
    for (int k = 0; k < ck->B; k++) SP_TRY(check_task(ck, r, k, j0, m, z, z + (ptrdiff_t)BLOCK * ck->qt, column));
  }
done:
  sp_free(ck->ctx, z);
  sp_free(ck->ctx, column);
  return st;
}

static int by_size(const void *a, const void *b) {
  const double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

/* Median of the thresholds of single columns in units of lambda alpha: 1 but for factors and columns that are not standardized */
static double typical_threshold(const sp_model *m, int p) {
  double seen[SAMPLE];
  int n = 0;
  for (int i = 0; i < SAMPLE && i < p; i++) {
    const int j = p <= SAMPLE ? i : (int)((double)i * p / SAMPLE);
    const double v = sp_model_factor(m, j * m->K);
    if (m->iscale[j] > 0 && v > 0 && isfinite(v)) seen[n++] = v * (m->ratio ? m->ratio[j] : 1);
  }
  if (!n) return 1;
  qsort(seen, (size_t)n, sizeof *seen, by_size);
  return seen[n / 2];
}

/* Factor the residuals of each task and lay basis and residuals out in the raw metric, over all rows. */
static sp_status prepare(check *ck, sp_task *const *tasks, int l0) {
  sp_status st = SP_OK;
  const ptrdiff_t nf = ck->design->n;
  double *Q = NULL, *E = NULL;
  int Lmax = 0;
  ck->total = 0;
  for (int k = 0; k < ck->B; k++) {
    ck->lr[k].task = tasks[k];
    ck->lr[k].L = tasks[k]->l1 - tasks[k]->ls;
    ck->lr[k].K = tasks[k]->m.K;
    ck->lr[k].raw = ck->total;
    const int rows = ck->lr[k].L * ck->lr[k].K;
    ck->total += rows;
    if (rows > Lmax) Lmax = rows;
  }
  const size_t sL = (size_t)Lmax, st_ = (size_t)ck->total, sn = (size_t)nf;
  ck->resid = sp_calloc(ck->ctx, sn * st_, sizeof *ck->resid);
  ck->rsum = sp_alloc(ck->ctx, st_, sizeof *ck->rsum);
  ck->bsum = sp_alloc(ck->ctx, st_, sizeof *ck->bsum);
  Q = sp_alloc(ck->ctx, sn * sL, sizeof *Q);
  E = sp_alloc(ck->ctx, sn * sL, sizeof *E);
  if (!ck->resid || !ck->rsum || !ck->bsum || !Q || !E) {
    st = SP_ENOMEM;
    goto done;
  }
  ck->qt = 0;
  size_t cap = 0;
  for (int k = 0; k < ck->B; k++) {
    lowrank *f = &ck->lr[k];
    sp_model *m = &tasks[k]->m;
    const ptrdiff_t n = m->rows_n;
    const size_t K = (size_t)f->K, L = (size_t)f->L * K;
    if (!(f->S = sp_calloc(ck->ctx, L * L + L + K * L + K, sizeof *f->S))) {
      st = SP_ENOMEM;
      goto done;
    }
    f->e = f->S + L * L;
    f->amax = f->e + L;
    f->emax = f->amax + K * L;
    const double *rt = tasks[k]->rt + (tasks[k]->ls - l0) * m->n;
    memcpy(E, rt, (size_t)n * L * sizeof *E);
    /* a block over K predictors adds up the remainders of all of them */
    const double stop = ck->groups && ck->groups->across ? RANK_STOP / sqrt((double)f->K) : RANK_STOP;
    factor_residuals(f, n, E, Q, ck->lambda + tasks[k]->ls, m->pen->alpha * (ck->groups ? 1 : typical_threshold(m, ck->design->p)), stop);
    f->offset = ck->qt;
    const size_t need = sn * (size_t)(ck->qt + f->q);
    if (need > cap) {
      const size_t to = need + sn * 8;
      SP_TRY(sp_grow(ck->ctx, &ck->basis, cap, to, sizeof *ck->basis));
      cap = to;
    }
    const sp_view v = {.design = ck->design, .n = n, .rows = m->rows, .sm = m->sw, .K = 1};
    for (int h = 0; h < f->q; h++) {
      sp_view_scatter(&v, Q + h * n, ck->basis + ck->qt * nf, &ck->bsum[ck->qt]);
      ck->qt++;
    }
    for (int l = 0; l < f->L * f->K; l++) sp_view_scatter(&v, rt + l * n, ck->resid + (f->raw + l) * nf, &ck->rsum[f->raw + l]);
  }
done:
  sp_free(ck->ctx, Q);
  sp_free(ck->ctx, E);
  return st;
}

/* Of a design that is made of fewer columns, the products of those with all that columns may be compared with */
static sp_status project(check *ck) {
  const sp_design *d = ck->design;
  const size_t ranks = (size_t)d->ops->ranks(d);
  ck->ranks = sp_alloc(ck->ctx, ranks * (size_t)ck->qt, sizeof *ck->ranks);
  ck->each = sp_alloc(ck->ctx, ranks * (size_t)ck->total, sizeof *ck->each);
  if (!ck->ranks || !ck->each) return SP_ENOMEM;
  d->ops->project(d, ck->basis, d->n, ck->qt, ck->ranks);
  for (int l = 0; l < ck->total; l++) d->ops->project(d, ck->resid + l * d->n, d->n, 1, ck->each + (size_t)l * ranks);
  return SP_OK;
}

static sp_status collect(check *ck, int chunks) {
  for (int k = 0; k < ck->B; k++) {
    ck->lr[k].task->n_viol = 0;
    ck->lr[k].task->first = ck->lr[k].task->l1;
  }
  for (int ch = 0; ch < chunks; ch++) {
    const chunk_result *r = &ck->res[ch];
    for (int k = 0; k < ck->B; k++) {
      const lowrank *f = &ck->lr[k];
      for (int l = 0; l < f->L * f->K; l++) {
        sp_point *pt = &f->task->points[f->task->ls + l / f->K];
        pt->kkt = fmax(pt->kkt, r->kkt[f->raw + l]);
        pt->scale = fmin(pt->scale, r->scale[f->raw + l]);
        pt->slack += r->slack[f->raw + l];
      }
    }
    for (int i = 0; i < r->n; i++) {
      sp_task *t = ck->lr[r->viol[i].task].task;
      if (t->n_viol == t->cap_viol) {
        const int cap = t->cap_viol ? 2 * t->cap_viol : 64;
        const sp_status st = sp_grow(ck->ctx, &t->viol, (size_t)t->cap_viol, (size_t)cap, sizeof *t->viol);
        if (st != SP_OK) return st;
        t->cap_viol = cap;
      }
      t->viol[t->n_viol++] = r->viol[i].col;
      if (t->ls + r->viol[i].l < t->first) t->first = t->ls + r->viol[i].l;
    }
  }
  return SP_OK;
}

sp_status sp_bound_check(sp_ctx *ctx, const sp_design *design, sp_task *const *tasks, int B, const double *lambda, int l0,
                         sp_counts *counts) {
  sp_status st = SP_OK;
  int chunks = (design->p - 1) / CHUNK + 1;
  check ck = {.ctx = ctx, .design = design, .B = B, .lambda = lambda};
  if (tasks[0]->m.blocks) SP_TRY(divide_groups(&ck, tasks[0]->m.pen->groups, &chunks));
  ck.lr = sp_calloc(ctx, (size_t)B, sizeof *ck.lr);
  ck.res = sp_calloc(ctx, (size_t)chunks, sizeof *ck.res);
  if (!ck.lr || !ck.res) {
    st = SP_ENOMEM;
    goto done;
  }
  SP_TRY(prepare(&ck, tasks, l0));
  if (design->ops->project && ck.qt) SP_TRY(project(&ck));
  SP_TRY(sp_par_for(ctx, chunks, check_chunk, &ck));
  SP_TRY(collect(&ck, chunks));
  counts->reads += ck.qt > 0 ? design->p : 0;
  counts->dots += (double)design->p * ck.qt;
  for (int ch = 0; ch < chunks; ch++) counts->exact += ck.res[ch].exact;
done:
  for (int ch = 0; ck.res && ch < chunks; ch++) {
    sp_free(ctx, ck.res[ch].viol);
    sp_free(ctx, ck.res[ch].kkt);
  }
  for (int k = 0; ck.lr && k < B; k++) sp_free(ctx, ck.lr[k].S);
  sp_free(ctx, ck.res);
  sp_free(ctx, ck.chunk);
  sp_free(ctx, ck.lr);
  sp_free(ctx, ck.basis);
  sp_free(ctx, ck.bsum);
  sp_free(ctx, ck.ranks);
  sp_free(ctx, ck.each);
  sp_free(ctx, ck.resid);
  sp_free(ctx, ck.rsum);
  return st;
}
