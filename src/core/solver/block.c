/* Group lasso and sparse group lasso on the working set. Two ways to move:
 *
 * - a sweep: each block goes to its own minimizer. That of the group lasso solves (M + mu I) u = z, mu |u| = T, a secular equation in
 *   mu (as Moré & Sorensen 1983, section 4, for trust regions), in the eigenvectors of M; with an L1 part a few proximal gradient steps
 *   do, and with limits too. A block is set to zero when |S(z)| <= T, exactly.
 *   Sweeps never increase the objective, and are extrapolated every few. They keep
 *   either the correlations, by the Gram matrix, or the residual, whichever is shorter;
 * - a Newton step over the coefficients that are not zero, where the penalty is smooth with curvature T / h (I - u u' / h^2) for a
 *   block of norm h. It is taken in polar form: the norm and the direction of a block move apart, so that a norm cannot change its
 *   sign. A step that does not reduce the objective is halved, then given up for sweeps.
 *
 * Where the penalty of a norm is a function P (q->norm), T is its slope: a block goes to its own minimizer by the slope there, and Newton's
 * matrix has the true curvature. One that is not positive definite gives no step.
 *
 * The cheaper way is taken, by the contraction that sweeps have shown. The last factor, of this lambda or the one before, serves as long as
 * steps with it and a sweep after each contract well. Violators are looked for as soon as the residual is small. */
#include "block_work.h"

#include <math.h>
#include <string.h>

#include "../base/blas.h"
#include "../base/vec.h"
#include "../penalty/penalty.h"

#define ROUNDS 400
#define GATE 0.05        /* violators are looked for below this residual / lambda */
#define LOOK 0.1         /* and again when it has fallen to this much of that */
#define DONE 2e-11       /* residual / lambda at which the active blocks are solved */
#define ROUNDING 1e-10   /* below this a residual that does not fall any more is the rounding level */
#define NEWTON_STEPS 0.3 /* flops of sweeps that the rest of a solve may take for each flop of a factorization */
#define NEWTON_SWEEPS 6  /* what the steps of a new factor cost, in sweeps */
#define CHORD 0.3        /* residual / lambda below which a factor of another lambda or support is tried, */
#define CHORD_RATE 0.3   /* and what a step with it may leave of the residual */
#define CHORD_SWEEPS 3.5 /* its cost in sweeps, with the sweep that follows */
#define AT_FIRST 3       /* such steps expected before the first one has shown what it does */
#define SMOOTH 0.05      /* a step that leaves more than this of the residual is followed by a sweep: what it leaves is within blocks */
#define GRAM_SHARE 5e-3  /* of the cost of the Gram matrix that a sweep has to bear */
#define BLOCK_COST 1e3   /* what the equation of one block costs beside its products, in flops */
#define SECANTS 8        /* for the slope at the minimizer of a block */
#define PATIENCE 3       /* doublings of the sweeps between Newton steps that are refused */
#define DEPTH 4          /* sweeps between extrapolations */
#define WILD 1e3         /* sum of the sizes of an extrapolation's weights beyond which it is not tried */

double sp_block_soft_norm(const sp_qp *q, int k, const double *c, double share) {
  double ss = 0;
  for (int j = 0; j < q->len[k]; j++) {
    const double x = sp_soft(c[j], share * q->t[k + j]) / q->unit[k + j];
    if (q->boxed && (x > 0 ? q->hi[k + j] : q->lo[k + j]) == 0) continue; /* a limit holds it */
    ss += x * x;
  }
  return sqrt(ss);
}

double sp_block_norm(const sp_qp *q, int k) {
  double ss = 0;
  for (int j = k; j < k + q->len[k]; j++) ss += q->unit[j] * q->unit[j] * q->b[j] * q->b[j];
  return sqrt(ss);
}

double sp_block_bend(const sp_qp *q, int k, double h) {
  double curve = 0;
  if (q->norm && h > 0) q->norm->slope(q->norm_of, k, h, &curve);
  return curve;
}

void sp_block_tangent(sp_qp *q) {
  double curve;
  if (!q->norm) return;
  for (int s = 0; s < q->a; s += q->len[q->A[s]]) q->T[q->A[s]] = q->norm->slope(q->norm_of, q->A[s], sp_block_norm(q, q->A[s]), &curve);
}

double sp_block_noise(const sp_qp *q, int k) { return q->noise * sqrt((double)q->len[k]) / q->unit[k]; }

/* the gradient's distance from the subdifferential, with correlations c [len] */
static double violation(const sp_qp *q, int k, const double *c) {
  const double h = sp_block_norm(q, k);
  double ss = 0;
  if (h == 0) return sp_max(0, sp_block_soft_norm(q, k, c, 1) - q->T[k]);
  for (int j = 0; j < q->len[k]; j++) {
    const int at = k + j;
    const double unit = q->unit[at], b = q->b[at], t = q->t[at];
    const double e = b == 0 ? sp_soft(c[j], t) / unit : (c[j] - (b > 0 ? t : -t) - q->k[at] * b) / unit - q->T[k] / h * (unit * b);
    if (q->boxed && ((e > 0 && b >= q->hi[at]) || (e < 0 && b <= q->lo[at]))) continue;
    ss += e * e;
  }
  return sqrt(ss);
}

double sp_block_violation(const sp_qp *q, int k) { return violation(q, k, q->c + k); }

double sp_block_kkt(const sp_qp *q) {
  double worst = 0;
  for (int k = 0; k < q->nW; k += q->len[k]) {
    double v = sp_block_violation(q, k);
    if (q->ia[k] < 0 && v <= sp_block_noise(q, k)) v = 0;
    v /= q->lambda * q->wt[k];
    if (!(v <= worst)) worst = v;
  }
  return worst;
}

/* ---- the active set ---------------------------------------------------------------------------- */

/* Where the column of slot i is not zero: all of it, or with several predictors and a diagonal metric the rows of its own. */
static double *segment(const sp_qp *q, int i, ptrdiff_t *from, ptrdiff_t *length) {
  const sp_view *v = &q->view;
  if (q->packed) {
    *from = i % v->K * v->n;
    *length = v->n;
    return q->XA + (ptrdiff_t)(i / v->K) * v->n;
  }
  const int apart = v->K > 1 && !v->root;
  *from = apart ? q->W[q->A[i]] % v->K * v->n : 0;
  *length = apart ? v->n : q->n;
  return q->XA + (ptrdiff_t)i * q->n + *from;
}

/* c_i = XA_i'r of slots i .. i + count - 1, whole blocks */
static void slot_products(const sp_qp *q, int i, int count, double *c) {
  ptrdiff_t from, length;
  const int K = q->view.K;
  for (int j = 0; j < count; j += q->packed ? K : 1) {
    const double *x = segment(q, i + j, &from, &length);
    if (q->packed) sp_cols_dot(&x, 1, length, q->r, length, K, c + j, K); /* one read for all */
    else c[j] = sp_dot(x, q->r + from, length);
  }
}

/* out [a] = XA'r */
void sp_block_products(const sp_qp *q, const double *r, double *out) {
  if (!q->packed) {
    sp_gemv_t(q->XA, q->n, q->n, q->a, r, out);
    return;
  }
  if (by_shares(q)) {
    memcpy(q->view.fit, r, (size_t)q->n * sizeof *r);
    q->view.root->ops->root(q->view.root, SP_ROOT_T, q->view.fit);
    r = q->view.fit;
  }
  const int n = (int)q->view.n, K = q->view.K, count = columns(q);
  const double one = 1, zero = 0;
  if (count) dgemm_("T", "N", &K, &count, &n, &one, r, &n, q->XA, &n, &zero, out, &K, 1, 1);
}

/* out [n] += XA d */
void sp_block_fit(const sp_qp *q, const double *d, double *out) {
  if (!q->packed) {
    sp_gemv_n(q->XA, q->n, q->n, q->a, d, out);
    return;
  }
  const int n = (int)q->view.n, K = q->view.K, count = columns(q);
  const double one = 1, zero = 0;
  if (!count) return;
  if (!by_shares(q)) {
    dgemm_("N", "T", &n, &K, &count, &one, q->XA, &n, d, &K, &one, out, &n, 1, 1);
    return;
  }
  dgemm_("N", "T", &n, &K, &count, &one, q->XA, &n, d, &K, &zero, q->view.fit, &n, 1, 1);
  q->view.root->ops->root(q->view.root, SP_ROOT, q->view.fit);
  sp_qp_project(q, q->view.fit);
  sp_axpy(1, q->view.fit, out, q->n);
}

static sp_status reserve_products(sp_qp *q) {
  const size_t need = (size_t)q->L * (size_t)slot_size(q);
  if (need <= q->capD) return SP_OK;
  const sp_status st = sp_grow(q->ctx, &q->D, q->capD, need, sizeof *q->D);
  if (st == SP_OK) q->capD = need;
  return st;
}

/* V'MV = diag(l), V by columns of leading dimension ld, by cyclic Jacobi rotations; M is V'MV for the V given, and destroyed. What is
 * left beside the diagonal does not matter to the fixed point of sweeps. */
static void jacobi(int m, double *M, double *V, ptrdiff_t ld) {
  for (int round = 0; round < 30; round++) {
    double off = 0, diag = 0;
    for (int j = 0; j < m; j++) {
      diag += M[j * m + j] * M[j * m + j];
      for (int i = 0; i < j; i++) off += M[j * m + i] * M[j * m + i];
    }
    if (!(off > 1e-16 * diag)) return;
    for (int j = 1; j < m; j++) {
      for (int i = 0; i < j; i++) {
        const double e = M[j * m + i];
        if (e == 0) continue;
        const double theta = (M[j * m + j] - M[i * m + i]) / (2 * e);
        const double t = fabs(theta) > 1e150 ? 0.5 / theta : (theta < 0 ? -1 : 1) / (fabs(theta) + sqrt(theta * theta + 1));
        const double c = 1 / sqrt(t * t + 1), s = t * c;
        for (int h = 0; h < m; h++) { /* columns */
          const double x = M[i * m + h], y = M[j * m + h], vx = V[i * ld + h], vy = V[j * ld + h];
          M[i * m + h] = c * x - s * y;
          M[j * m + h] = s * x + c * y;
          V[i * ld + h] = c * vx - s * vy;
          V[j * ld + h] = s * vx + c * vy;
        }
        for (int h = 0; h < m; h++) { /* rows */
          const double x = M[h * m + i], y = M[h * m + j];
          M[h * m + i] = c * x - s * y;
          M[h * m + j] = s * x + c * y;
        }
      }
    }
  }
}

/* Eigenvalues and eigenvectors of the block of slots s..; with an L1 part they would not help. */
static sp_status decompose(sp_qp *q, int s, int again) {
  enum { SMALL = 16 };
  const int k = q->A[s], m = q->len[k];
  const ptrdiff_t ld = slot_size(q);
  double small[SMALL * SMALL], rotated[SMALL * SMALL], *M = small, *scratch = NULL, uneven = 0, top = 0;
  for (int j = 0; j < m; j++) {
    const double *col = products(q, s + j), uj = q->unit[k + j];
    if (q->t[k + j] > 0 || q->boxed) return SP_OK;
    top = sp_max(top, col[j] / (uj * uj));
    uneven = sp_max(uneven, fabs(col[j] / (uj * uj) - products(q, s)[0] / (q->unit[k] * q->unit[k])));
    for (int i = 0; i < j; i++) uneven = sp_max(uneven, fabs(col[i]) / (q->unit[k + i] * uj));
  }
  const int was_smooth = again && curvature(q, s)[1] == 0;
  curvature(q, s)[1] = uneven <= 1e-15 * top;
  if (curvature(q, s)[1] > 0) {
    for (int j = 0; j < m; j++) curvature(q, s + j)[0] = top;
    return SP_OK;
  }
  const int room = 34 * m;
  if (m > SMALL) {
    M = sp_alloc(q->ctx, (size_t)m * (size_t)m + (size_t)room + (size_t)m, sizeof *M);
    if (!M) return SP_ENOMEM;
    scratch = M + (ptrdiff_t)m * m;
  }
  for (int j = 0; j < m; j++) {
    for (int i = 0; i < m; i++) M[j * m + i] = products(q, s + j)[i] / (q->unit[k + i] * q->unit[k + j]);
  }
  if (m <= SMALL) {
    double *V = direction(q, s);
    if (was_smooth) { /* in the directions of the former metric it is nearly diagonal */
      double MV[SMALL];
      for (int j = 0; j < m; j++) {
        memset(MV, 0, (size_t)m * sizeof *MV);
        sp_gemv_n(M, m, m, m, V + j * ld, MV);
        sp_gemv_t(V, ld, m, m, MV, rotated + j * m);
      }
      M = rotated;
    } else {
      for (int j = 0; j < m; j++) {
        for (int i = 0; i < m; i++) V[j * ld + i] = i == j;
      }
    }
    jacobi(m, M, V, ld);
    for (int j = 0; j < m; j++) curvature(q, s + j)[0] = sp_max(0, M[j * m + j]);
  } else {
    int info;
    double *values = scratch + room;
    dsyev_("V", "U", &m, M, &m, values, scratch, &room, &info, 1, 1);
    for (int j = 0; j < m; j++) {
      memcpy(direction(q, s + j), M + (ptrdiff_t)j * m, (size_t)m * sizeof *M);
      curvature(q, s + j)[0] = sp_max(0, values[j]);
    }
    sp_free(q->ctx, M);
  }
  return SP_OK;
}

/* XA and D of the slots from `from` on: whole blocks */
static sp_status load(sp_qp *q, int from, int columns_too) {
  sp_status st = SP_OK;
  const int K = q->packed ? q->view.K : 1, free_of_metric = by_shares(q);
  sp_view view = q->view;
  if (free_of_metric) {
    SP_TRY(sp_block_take_shares(q));
    view.sm = NULL;
    view.root = NULL;
  }
  if (q->gram > from / K || free_of_metric) q->gram = free_of_metric ? 0 : from / K;
  for (int i = from; i < q->a && columns_too; i += K) {
    double *x = q->packed ? q->u : q->XA + (ptrdiff_t)i * q->n;
    sp_view_column(&view, q->W[q->A[i]], x);
    if (!free_of_metric) sp_qp_project(q, x);
    if (q->packed) memcpy(q->XA + (ptrdiff_t)(i / K) * q->view.n, x, (size_t)q->view.n * sizeof *x);
    const double norm = sp_nrm2sq(x, q->n);
    for (int k = 0; k < K; k++) q->nx[i + k] = norm;
  }
  for (int s = from; s < q->a; s += q->len[q->A[s]]) {
    const int m = q->len[q->A[s]];
    *outer_number(q, s) = -1;
    if (free_of_metric) sp_block_share_products(q, s);
    for (int j = 0; j < m && !free_of_metric; j++) {
      ptrdiff_t at, ai, length;
      const double *x = segment(q, s + j, &at, &length);
      for (int i = 0; i <= j; i++) {
        const double *y = segment(q, s + i, &ai, &length);
        const double e = at == ai ? sp_dot(x, y, length) : 0;
        products(q, s + j)[i] = products(q, s + i)[j] = e;
      }
    }
    SP_TRY(decompose(q, s, !columns_too));
  }
done:
  return st;
}

/* G of all columns of XA */
sp_status sp_block_complete_gram(sp_qp *q) {
  const int n = (int)(q->packed ? q->view.n : q->n), a = by_shares(q) ? q->a : columns(q), from = q->gram, m = a - from;
  const double one = 1, zero = 0;
  if (!m) return SP_OK;
  if (a > q->capG) {
    const int room = q->packed && !by_shares(q) ? q->L / q->view.K + 1 : q->L;
    double *G = sp_alloc(q->ctx, (size_t)room * (size_t)room, sizeof *G);
    if (!G) return SP_ENOMEM;
    for (int j = 0; j < from; j++) memcpy(G + (ptrdiff_t)j * room, q->G + (ptrdiff_t)j * q->capG, (size_t)from * sizeof *G);
    sp_free(q->ctx, q->G);
    q->G = G;
    q->capG = room;
  }
  if (by_shares(q)) return sp_block_share_gram(q);
  dgemm_("T", "N", &a, &m, &n, &one, q->XA, &n, q->XA + (ptrdiff_t)from * n, &n, &zero, q->G + (ptrdiff_t)from * q->capG, &q->capG, 1, 1);
  for (int j = from; j < a; j++) {
    for (int i = 0; i < j; i++) q->G[(ptrdiff_t)i * q->capG + j] = q->G[(ptrdiff_t)j * q->capG + i];
  }
  q->gram = a;
  return SP_OK;
}

static sp_status take_block(sp_qp *q, int k) {
  sp_status st = sp_qp_reserve_active(q, q->a + q->len[k]);
  for (int j = k; st == SP_OK && j < k + q->len[k]; j++) {
    q->A[q->a] = j;
    q->ia[j] = q->a++;
    q->st[j] = SP_FREE;
  }
  return st == SP_OK ? reserve_products(q) : st;
}

sp_status sp_block_reload(sp_qp *q) {
  const sp_status st = reserve_products(q);
  q->shares_fresh = 0;
  if (q->work) {
    q->work->chord = 0;
    q->work->reloads = 1;
    sp_block_forget_outer(q->work);
  }
  return st == SP_OK ? load(q, 0, !by_shares(q)) : st;
}

sp_status sp_block_from_b(sp_qp *q) {
  sp_status st = SP_OK;
  for (int i = 0; i < q->a; i++) q->ia[q->A[i]] = -1;
  if (q->work) {
    q->work->chord = 0;
    sp_block_forget_outer(q->work);
  }
  q->a = 0;
  q->stale = 2;
  for (int k = 0; k < q->nW; k += q->len[k]) {
    const int on = sp_block_norm(q, k) > 0;
    for (int j = k; j < k + q->len[k]; j++) q->st[j] = SP_ZERO;
    if (on) SP_TRY(take_block(q, k));
  }
  SP_TRY(load(q, 0, 1));
done:
  return st;
}

/* Blocks that are zero leave A for V; w->c and w->b0 go along. */
static void drop_zero_blocks(sp_qp *q, sp_block_work *w) {
  const int K = q->packed ? q->view.K : 1;
  const ptrdiff_t n = q->packed ? q->view.n : q->n;
  int o = 0, known = 0; /* slots kept; columns of them that G has */
  for (int s = 0; s < q->a;) {
    const int k = q->A[s], len = q->len[k], keep = sp_block_norm(q, k) > 0, number = (int)*outer_number(q, s);
    if (!keep && number >= 0) w->unused[w->unused_count++] = number;
    for (int i = s; i < s + len; i++) {
      const int pos = q->A[i];
      if (!keep) {
        q->ia[pos] = -1;
        q->st[pos] = SP_ZERO;
        q->b[pos] = 0;
        q->V[q->nV++] = pos;
        w->kept_count = 0;
        w->on[i] = -1;
        continue;
      }
      if (o != i) {
        q->A[o] = pos;
        q->ia[pos] = o;
        q->nx[o] = q->nx[i];
        w->c[o] = w->c[i];
        w->b0[o] = w->b0[i];
        if (o % K == 0) memcpy(q->XA + o / K * n, q->XA + i / K * n, (size_t)n * sizeof *q->XA);
        memcpy(products(q, o), products(q, i), (size_t)slot_size(q) * sizeof *q->D);
      }
      if (o % K == 0) {
        known += i / K < q->gram;
        q->acol[o / K] = i / K;
      }
      w->on[i] = o++;
    }
    s += len;
  }
  for (int j = 0; j < known && o < q->a && !by_shares(q); j++) { /* columns */
    const double *from = q->G + (ptrdiff_t)q->acol[j] * q->capG;
    double *to = q->G + (ptrdiff_t)j * q->capG;
    for (int i = 0; i < known; i++) to[i] = from[q->acol[i]];
  }
  q->gram = by_shares(q) ? (o == q->a ? q->gram : 0) : known;
  if (o < q->a && (w->as_packed || q->norm)) w->chord = 0;
  for (int j = 0; w->chord && o < q->a && j < w->s; j++) w->S[j] = w->S[j] < 0 ? -1 : w->on[w->S[j]];
  q->a = o;
}

/* ---- one block --------------------------------------------------------------------------------- */

/* x with (l_i + mu) x_i = z_i, mu = T / |x|, |z| > T, l_i >= 0; h: a guess of |x|, or 0 */
static void secular(int m, const double *l, double T, const double *z, double nz, double h, double *x) {
  double top = 0, sum = 0;
  for (int i = 0; i < m; i++) {
    top = sp_max(top, l[i]);
    sum += l[i];
  }
  double lo = 0, hi = T * top / (nz - T), mu = h > 0 ? T / h : T * (sum / m) / (nz - T);
  if (!(mu < hi)) mu = hi;
  for (int it = 0; it < 60; it++) {
    double ss = 0, fall = 0; /* |x|^2, and half of what it loses by mu */
    for (int i = 0; i < m; i++) {
      const double inv = 1 / (l[i] + mu);
      x[i] = z[i] * inv;
      ss += x[i] * x[i];
      fall += x[i] * x[i] * inv;
    }
    const double nx = sqrt(ss), f = mu * nx - T;
    if (fabs(f) <= 2e-15 * T) return;
    if (f > 0) hi = mu;
    else lo = mu;
    const double slope = fall / (nx * ss) - 1 / T, next = mu - (1 / nx - mu / T) / slope, old = mu;
    mu = next > lo && next < hi ? next : lo > 0 ? sqrt(lo * hi) : hi / 16;
    if (fabs(mu - old) <= 1e-15 * old) return;
  }
}

/* proximal gradient steps for 1/2 x'M x - z'x + sum t |x| + T |x|, from x; box: of limits, or NULL */
static void proximal(int m, const double *M, double T, const double *t, const double *z, const sp_pen_block *box, double *x, double *v) {
  double top = 0;
  for (int j = 0; j < m; j++) {
    double row = 0;
    for (int i = 0; i < m; i++) row += fabs(M[j * m + i]);
    top = sp_max(top, row);
  }
  if (!(top > 0)) return;
  for (int it = 0; it < 10; it++) {
    double ss = 0, moved = 0;
    for (int j = 0; j < m; j++) {
      double g = z[j];
      for (int i = 0; i < m; i++) g -= M[j * m + i] * x[i];
      v[j] = box ? x[j] + g / top : sp_soft(x[j] + g / top, t[j] / top);
      ss += v[j] * v[j];
    }
    if (box) sp_prox_in_box(box, 1 / top, v, T / top, 1, v);
    const double nv = sqrt(ss), shrink = box ? 1 : nv > T / top ? 1 - T / top / nv : 0;
    for (int j = 0; j < m; j++) {
      const double to = shrink * v[j];
      moved += (to - x[j]) * (to - x[j]);
      x[j] = to;
    }
    if (moved <= 1e-6 * ss) break;
  }
}

/* x [m] minimizes over the block of slots s.., whose u is given and z is M u + the correlations; ridge is part of M. */
static void minimize_smooth(const sp_qp *q, sp_block_work *w, int s, double ridge, double T, double hu, const double *u, double *x) {
  const int m = q->len[q->A[s]];
  double *z = w->g, *l = w->v, *t = w->M, ss = 0;
  if (curvature(q, s)[1] > 0) { /* a multiple of the identity */
    const double e = curvature(q, s)[0];
    for (int j = 0; j < m; j++) {
      z[j] += e * u[j];
      ss += z[j] * z[j];
    }
    const double nz = sqrt(ss), share = nz > T && e + ridge > 0 ? (1 - T / nz) / (e + ridge) : 0;
    for (int j = 0; j < m; j++) x[j] = share * z[j];
    return;
  }
  const ptrdiff_t ld = slot_size(q);
  sp_gemv_t(direction(q, s), ld, m, m, z, t);
  sp_gemv_t(direction(q, s), ld, m, m, u, w->F);
  for (int j = 0; j < m; j++) {
    const double e = curvature(q, s + j)[0];
    t[j] += e * w->F[j];
    l[j] = e + ridge;
    ss += t[j] * t[j];
  }
  const double nz = sqrt(ss);
  for (int j = 0; j < m; j++) x[j] = 0;
  if (nz <= T) return;
  if (T > 0) {
    secular(m, l, T, t, nz, hu, w->F);
  } else {
    double top = 0; /* what M does not see stays as it is */
    for (int j = 0; j < m; j++) top = sp_max(top, l[j]);
    for (int j = 0; j < m; j++) w->F[j] = l[j] > 1e-13 * top ? t[j] / l[j] : w->F[j];
  }
  sp_gemv_n(direction(q, s), ld, m, m, w->F, x);
}

/* The same for P(|x|): T such that it is the slope at its own minimizer, by the secant method; what that cannot find is left to the
 * slope of the moment, whose minimizer lowers the objective in any case. */
static void minimize_norm(sp_qp *q, sp_block_work *w, int s, double ridge, double hu, const double *u, double *x) {
  const int k = q->A[s], m = q->len[k];
  const double T0 = q->T[k];
  double T = T0, last_T = 0, last_off = 0, curve, h = hu;
  const double most = q->norm->slope(q->norm_of, k, 0, &curve);
  memcpy(w->gd, w->g, (size_t)m * sizeof *w->gd);
  for (int it = 0; it <= SECANTS; it++) {
    double ss = 0;
    if (it == SECANTS) T = T0;
    if (it) memcpy(w->g, w->gd, (size_t)m * sizeof *w->g);
    minimize_smooth(q, w, s, ridge, T, h, u, x);
    for (int j = 0; j < m; j++) ss += x[j] * x[j];
    h = sqrt(ss);
    const double off = q->norm->slope(q->norm_of, k, h, &curve) - T, bend = (off - last_off) / (T - last_T);
    q->T[k] = T + off;
    if (fabs(off) <= 1e-14 * T0 || h == 0) break;
    const double next = it && bend < -0.05 ? T - off / bend : T + off;
    last_T = T;
    last_off = off;
    T = fmin(sp_max(0, next), most);
  }
}

/* the same with an L1 part, or limits */
static void minimize_sparse(const sp_qp *q, sp_block_work *w, int s, double T, const double *u, double *x) {
  const int k = q->A[s], m = q->len[k];
  double *z = w->g, *t = w->v, nz = 0;
  sp_pen_block box = {m, 0, 0, t, 1, 0, w->lo, w->hi};
  for (int j = 0; j < m; j++) t[j] = q->t[k + j] / q->unit[k + j];
  for (int j = 0; j < m && q->boxed; j++) {
    w->lo[j] = q->unit[k + j] * q->lo[k + j];
    w->hi[j] = q->unit[k + j] * q->hi[k + j];
  }
  for (int j = 0; j < m; j++) {
    const double *col = products(q, s + j);
    for (int i = 0; i < m; i++) {
      w->M[j * m + i] = col[i] / (q->unit[k + i] * q->unit[k + j]);
      z[i] += w->M[j * m + i] * u[j];
    }
    w->M[j * m + j] += q->k[k + j] / (q->unit[k + j] * q->unit[k + j]);
  }
  for (int j = 0; j < m; j++) {
    const double x0 = sp_soft(z[j], t[j]);
    if (!q->boxed || (x0 > 0 ? w->hi[j] : w->lo[j]) != 0) nz += x0 * x0;
  }
  memcpy(x, u, (size_t)m * sizeof *x);
  if (sqrt(nz) <= T) memset(x, 0, (size_t)m * sizeof *x);
  else proximal(m, w->M, T, t, z, q->boxed ? &box : NULL, x, w->F);
}

/* w->c of slots s.. from w->rho = S'r */
static void share_dots(const sp_qp *q, sp_block_work *w, int s, int m) {
  const int K = q->view.K;
  for (int j = s; j < s + m; j += K) {
    const double *x = q->XA + (ptrdiff_t)(j / K) * q->view.n;
    sp_cols_dot(&x, 1, q->view.n, w->rho, q->view.n, K, w->c + j, K);
  }
}

/* w->rho += M (X d - level), the step d [m] of the block at slot s */
static void share_move(const sp_qp *q, sp_block_work *w, int s, int m, const double *d) {
  const ptrdiff_t n = q->view.n;
  const int K = q->view.K;
  double *level = q->share_level + K * K;
  for (int j = 0; j < m; j += K) {
    memset(level, 0, (size_t)K * sizeof *level);
    if (q->k0) sp_gemv_n(levels(q, s + j), slot_size(q), K, K, d + j, level);
    sp_shares(q->XA + (s + j) / K * n, d + j, level, q->shares, q->share_inv, n, K, w->rho);
  }
}

/* The block of slots s.. to its minimizer. By the Gram matrix w->c follows, otherwise r does and w->c is left behind. */
static void update_block(sp_qp *q, sp_block_work *w, int s, int by_gram) {
  const int k = q->A[s], m = q->len[k];
  double l1 = 0, moved = 0, uu = 0, ss = 0;
  ptrdiff_t from, length;
  double *u = w->u, *x = w->x;
  const int whole = segment_length(q) == q->n && !q->packed, shares = by_shares(q);
  if (!by_gram && shares) share_dots(q, w, s, m);
  else if (!by_gram && whole) sp_gemv_t(q->XA + (ptrdiff_t)s * q->n, q->n, q->n, m, q->r, w->c + s);
  else if (!by_gram) slot_products(q, s, m, w->c + s);
  for (int j = 0; j < m; j++) {
    const double uj = q->unit[k + j];
    u[j] = uj * q->b[k + j];
    uu += u[j] * u[j];
    w->g[j] = w->c[s + j] / uj;
    l1 += q->t[k + j];
  }
  if (l1 > 0 || q->boxed) minimize_sparse(q, w, s, q->T[k], u, x);
  else if (q->norm) minimize_norm(q, w, s, q->k[k] / (q->unit[k] * q->unit[k]), sqrt(uu), u, x);
  else minimize_smooth(q, w, s, q->k[k] / (q->unit[k] * q->unit[k]), q->T[k], sqrt(uu), u, x);
  for (int j = 0; j < m; j++) {
    double b = x[j] / q->unit[k + j];
    if (q->boxed) b = sp_block_inside(q, k + j, b);
    const double d = b - q->b[k + j];
    ss += x[j] * x[j];
    moved += fabs(d);
    q->b[k + j] = b;
    u[j] = -d;
    if (!by_gram && !shares) w->b0[s + j] = b;
  }
  const int support_changed = (uu > 0) != (ss > 0);
  if (q->norm) { /* as b has it */
    double curve;
    q->T[k] = q->norm->slope(q->norm_of, k, sp_block_norm(q, k), &curve);
  }
  if ((w->as_packed || q->norm) && support_changed) w->chord = 0; /* needs its very support */
  if (moved == 0) return;
  if (by_gram && q->packed && !shares) {
    const int K = q->view.K, count = columns(q);
    for (int j = 0; j < m; j += K) {
      const double *g = q->G + (ptrdiff_t)((s + j) / K) * q->capG;
      for (int i = 0; i < count; i++) {
        for (int h = 0; h < K; h++) w->c[i * K + h] += g[i] * u[j + h];
      }
    }
  } else if (by_gram) {
    sp_gemv_n(q->G + (ptrdiff_t)s * q->capG, q->capG, q->a, m, u, w->c);
  } else if (whole) {
    sp_gemv_n(q->XA + (ptrdiff_t)s * q->n, q->n, q->n, m, u, q->r);
  } else if (shares) {
    share_move(q, w, s, m, u);
  } else {
    for (int j = 0; j < m; j++) {
      const double *col = segment(q, s + j, &from, &length);
      sp_axpy(u[j], col, q->r + from, length);
    }
  }
}

/* By the Gram matrix? As far as it is missing it has to be made first, by BLAS 3, and then serves many sweeps. */
static int prefers_gram(const sp_qp *q) {
  if (by_shares(q)) return q->gram == q->a && 2.0 * q->a < 16.0 * (double)q->view.n;
  const double a = columns(q), length = (double)segment_length(q);
  return (q->packed ? 12 : 2) * a + GRAM_SHARE * (a - q->gram) * length < 4 * length;
}

static void sweep(sp_qp *q, sp_block_work *w, int by_gram) {
  for (int s = 0; s < q->a; s += q->len[q->A[s]]) update_block(q, w, s, by_gram);
}

/* of the penalty from b to b + d, without cancellation; *size: of its terms */
double sp_block_penalty_change(const sp_qp *q, const double *d, double *size) {
  double f = 0;
  *size = 0;
  for (int s = 0; s < q->a; s += q->len[q->A[s]]) {
    const int k = q->A[s];
    double old = 0, to = 0, cross = 0;
    for (int j = 0; j < q->len[k]; j++) {
      const double unit = q->unit[k + j], b = q->b[k + j], e = d[s + j];
      const double change = q->t[k + j] * (fabs(b + e) - fabs(b)) + q->k[k + j] * e * (b + e / 2);
      f += change;
      *size += fabs(change);
      old += unit * unit * b * b;
      to += unit * unit * (b + e) * (b + e);
      cross += unit * unit * e * (2 * b + e);
    }
    const double sum = sqrt(old) + sqrt(to), by = sum > 0 ? cross / sum : 0;
    const double change = q->norm ? q->norm->rise(q->norm_of, k, sqrt(old), by) : q->T[k] * by;
    f += change;
    *size += fabs(change);
  }
  return f;
}

double sp_block_residual(const sp_qp *q, const sp_block_work *w) {
  double worst = 0;
  for (int s = 0; s < q->a; s += q->len[q->A[s]]) {
    const int k = q->A[s];
    const double v = violation(q, k, w->c + s) / (q->lambda * q->wt[k]);
    if (!(v <= worst)) worst = v;
  }
  return worst;
}

/* flops of a sweep, with the equations of the blocks in the same measure */
static double sweep_cost(const sp_qp *q) {
  double cost = q->a * (by_shares(q) ? (q->gram == q->a ? fmin(2.0 * q->a, 16.0 * (double)q->view.n) : 16.0 * (double)q->view.n)
                                     : fmin(2.0 * columns(q), 4.0 * (double)segment_length(q)));
  for (int s = 0; s < q->a; s += q->len[q->A[s]]) {
    const double m = q->len[q->A[s]];
    cost += BLOCK_COST + 6 * m * m;
  }
  return cost;
}

/* ---- the solver -------------------------------------------------------------------------------- */

static sp_status reserve(sp_qp *q, sp_block_work *w) {
  sp_status st = SP_OK;
  if (q->a > w->cap) {
    const size_t from = (size_t)w->cap, to = (size_t)q->a + (size_t)q->a / 4 + 8;
    double **reals[] = {&w->c, &w->d, &w->gd, &w->b0, &w->u, &w->g, &w->x, &w->v, &w->k, &w->m, &w->dir, &w->lo, &w->hi};
    for (size_t i = 0; i < sizeof reals / sizeof *reals; i++) SP_TRY(sp_grow(q->ctx, reals[i], from, to, sizeof(double)));
    SP_TRY(sp_grow(q->ctx, &w->S, from, to, sizeof(int)));
    SP_TRY(sp_grow(q->ctx, &w->on, from, to, sizeof(int)));
    SP_TRY(sp_grow(q->ctx, &w->block, from, to, sizeof(int)));
    w->cap = (int)to;
  }
  int longest = 0;
  for (int s = 0; s < q->a; s += q->len[q->A[s]]) longest = q->len[q->A[s]] > longest ? q->len[q->A[s]] : longest;
  if (longest > w->cap_M) {
    sp_free(q->ctx, w->M);
    sp_free(q->ctx, w->F);
    w->M = sp_alloc(q->ctx, (size_t)longest * (size_t)longest, sizeof *w->M);
    w->F = sp_alloc(q->ctx, (size_t)longest * (size_t)longest, sizeof *w->F);
    if (!w->M || !w->F) return SP_ENOMEM;
    w->cap_M = longest;
  }
done:
  return st;
}

/* r and c anew after b has moved */
static void synchronize(sp_qp *q, sp_block_work *w, int moved) {
  if (moved) {
    for (int i = 0; i < q->a; i++) w->d[i] = w->b0[i] - q->b[q->A[i]];
    sp_block_fit(q, w->d, q->r);
  }
  for (int i = 0; i < q->a; i++) w->b0[i] = q->b[q->A[i]];
  if (q->a) sp_block_products(q, q->r, w->c);
}

/* out [a] = X'rho */
static void share_correlations(const sp_qp *q, const double *rho, double *out) {
  const int n = (int)q->view.n, K = q->view.K, count = columns(q);
  const double one = 1, zero = 0;
  if (count) dgemm_("T", "N", &K, &count, &n, &one, rho, &n, q->XA, &n, &zero, out, &K, 1, 1);
}

/* Remember b after a sweep, and after DEPTH of them extrapolate (Anderson; Bertrand & Massias 2021, algorithm 1): the affine combination
 * of the last iterates whose sum of steps is smallest. It is taken where it lowers the objective. Residuals (or correlations) combine
 * as the coefficients do, so that X is not needed. */
static sp_status accelerate(sp_qp *q, sp_block_work *w, int by_gram) {
  const ptrdiff_t a = q->a, length = by_gram ? a : q->n, stride = a + length;
  const size_t need = (DEPTH + 1) * (size_t)stride;
  if (need > w->cap_kept) {
    const sp_status st = sp_grow(q->ctx, &w->kept, w->cap_kept, need + need / 4, sizeof *w->kept);
    if (st != SP_OK) return st;
    w->cap_kept = need + need / 4;
    w->kept_count = 0;
  }
  if (w->kept_gram != by_gram || w->kept_a != q->a) w->kept_count = 0;
  w->kept_gram = by_gram;
  w->kept_a = q->a;
  double *last = w->kept + w->kept_count * stride, *state = by_gram ? w->c : by_shares(q) ? w->rho : q->r;
  for (int i = 0; i < q->a; i++) last[i] = q->b[q->A[i]];
  memcpy(last + a, state, (size_t)length * sizeof *last);
  if (++w->kept_count <= DEPTH) return SP_OK;
  double M[DEPTH * DEPTH], weight[DEPTH], sum = 0, size = 0, trace = 0;
  for (int j = 0; j < DEPTH; j++) {
    const double *x = w->kept + j * stride, *x1 = x + stride;
    for (int i = 0; i <= j; i++) {
      const double *y = w->kept + i * stride, *y1 = y + stride;
      double e = 0;
      for (int h = 0; h < q->a; h++) e += (x1[h] - x[h]) * (y1[h] - y[h]);
      M[i * DEPTH + j] = M[j * DEPTH + i] = e;
    }
    weight[j] = 1;
    trace += M[j * DEPTH + j];
  }
  for (int j = 0; j < DEPTH; j++) M[j * DEPTH + j] += 1e-12 * trace;
  const int solved = sp_block_small_factor(DEPTH, M);
  if (solved) sp_block_small_solve(DEPTH, M, weight);
  for (int j = 0; j < DEPTH && solved; j++) sum += weight[j];
  for (int j = 0; j < DEPTH && solved; j++) size += fabs(weight[j] /= sum);
  int take = solved && size < WILD;
  if (take) {
    double *to = w->kept, gain = 0; /* the first iterate has no part in it */
    memset(to, 0, (size_t)stride * sizeof *to);
    for (int j = 0; j < DEPTH; j++) sp_axpy(weight[j], w->kept + (j + 1) * stride, to, stride);
    for (int i = 0; i < q->a; i++) w->d[i] = to[i] - last[i];
    for (int i = 0; i < q->a && q->boxed; i++) take &= to[i] >= q->lo[q->A[i]] && to[i] <= q->hi[q->A[i]];
    if (by_gram || by_shares(q)) {
      const double *old = last + a, *now = to + a;
      if (!by_gram) { /* correlations from S'r */
        share_correlations(q, old, w->g);
        share_correlations(q, now, w->x);
        old = w->g;
        now = w->x;
      }
      for (ptrdiff_t i = 0; i < a; i++) gain += (now[i] + old[i]) * w->d[i];
    } else {
      for (ptrdiff_t i = 0; i < length; i++) gain += (last[a + i] + to[a + i]) * (last[a + i] - to[a + i]);
    }
    double terms;
    take &= sp_block_penalty_change(q, w->d, &terms) - gain / 2 <= SP_BLOCK_SLACK * terms;
    if (take) {
      memcpy(state, to + a, (size_t)length * sizeof *state);
      for (int i = 0; i < q->a; i++) {
        q->b[q->A[i]] = to[i];
        if (!by_gram && !by_shares(q)) w->b0[i] = to[i];
      }
      sp_block_tangent(q);
      w->kept_count = 1;
    }
  }
  if (!take) {
    memmove(w->kept, last, (size_t)stride * sizeof *last);
    w->kept_count = 1;
  }
  return SP_OK;
}

/* `count` sweeps, and their correlations. *moved: r is behind b */
static sp_status sweeps(sp_qp *q, sp_block_work *w, int count, int *moved) {
  const int by_gram = prefers_gram(q);
  sp_status st = SP_OK;
  if (by_gram) {
    SP_TRY(sp_block_complete_gram(q));
  } else if (*moved) {
    synchronize(q, w, 1);
    *moved = 0;
  }
  if (!by_gram && by_shares(q)) {
    memcpy(w->rho, q->r, (size_t)q->n * sizeof *q->r);
    q->view.root->ops->root(q->view.root, SP_ROOT_T, w->rho);
  }
  for (int i = 0; i < count; i++) {
    sweep(q, w, by_gram);
    SP_TRY(accelerate(q, w, by_gram));
  }
  q->n_cd += count;
  if (by_gram) *moved = 1;
  else if (by_shares(q)) {
    share_correlations(q, w->rho, w->c);
    *moved = 1;
  } else synchronize(q, w, 0);
done:
  return st;
}

/* Has a block with the correlations of that at k, a copy by all appearances, been taken into the slots from `from` on? */
static int twin_taken(const sp_qp *q, int k, int from) {
  for (int s = from; s < q->a; s += q->len[q->A[s]]) {
    const double *c = q->c + k, *other = q->c + q->A[s];
    int j = 0;
    if (q->len[q->A[s]] != q->len[k]) continue;
    while (j < q->len[k] && fabs(c[j] - other[j]) <= 1e-13 * fabs(c[j])) j++;
    if (j == q->len[k]) return 1;
  }
  return 0;
}

/* violators among V join A; how many blocks. What the residual E of A may account for does not let a block in: a copy of an active one
 * would, and take its place or not from one lambda to the next. */
static sp_status enter(sp_qp *q, sp_block_work *w, double E, int c_fresh, int *count) {
  enum { TWINS = 20 }; /* left out in one call; where everything is tied they must not enter one by one */
  sp_status st = SP_OK;
  const int from = q->a;
  int left = 0, twins = 0;
  *count = 0;
  if (!c_fresh) {
    sp_qp_corr(q, q->V, q->nV, q->r, q->val);
    for (int v = 0; v < q->nV; v++) q->c[q->V[v]] = q->val[v];
  }
  for (int v = q->nV; v-- > 0;) { /* those that have just left come last in V: before their copies */
    const int k = q->V[v];
    if (q->len[k] == 0 || q->ia[k] >= 0) continue;
    const double excess = sp_block_violation(q, k), tol = sp_max(SP_TOL_ENTER, E) * q->lambda * q->wt[k];
    if (!(excess > tol + sp_block_noise(q, k))) continue;
    if (twins < TWINS && twin_taken(q, k, from)) {
      twins++;
      continue;
    }
    SP_TRY(take_block(q, k));
    ++*count;
  }
  if (!*count) return SP_OK;
  for (int v = 0; v < q->nV; v++) {
    if (q->ia[q->V[v]] < 0) q->V[left++] = q->V[v];
  }
  q->nV = left;
  SP_TRY(load(q, from, 1));
  SP_TRY(reserve(q, w));
  for (int i = from; i < q->a; i++) {
    w->c[i] = q->c[q->A[i]];
    w->b0[i] = q->b[q->A[i]];
  }
  w->kept_count = 0;
  if (w->as_packed || q->norm) w->chord = 0;
done:
  return st;
}

/* On a segment of the path coefficients move in proportion to lambda: as far again, where that lowers the objective. A norm keeps its
 * sign. */
static void predict(sp_qp *q, sp_block_work *w) {
  double terms, slope = 0;
  for (int s = 0; s < q->a; s += q->len[q->A[s]]) {
    const int k = q->A[s], m = q->len[k];
    double old = 0, along = 0;
    for (int j = 0; j < m; j++) {
      const double unit = q->unit[k + j];
      w->d[s + j] = q->ahead * q->step[k + j];
      if (q->t[k + j] > 0 && (q->b[k + j] + w->d[s + j]) * q->b[k + j] <= 0) w->d[s + j] = -q->b[k + j];
      if (q->boxed) w->d[s + j] = sp_block_inside(q, k + j, q->b[k + j] + w->d[s + j]) - q->b[k + j];
      old += unit * unit * q->b[k + j] * q->b[k + j];
      along += unit * unit * q->b[k + j] * w->d[s + j];
    }
    if (along < -0.9 * old) memset(w->d + s, 0, (size_t)m * sizeof *w->d);
  }
  memset(q->u, 0, (size_t)q->n * sizeof *q->u);
  sp_block_fit(q, w->d, q->u);
  for (ptrdiff_t i = 0; i < q->n; i++) slope += q->u[i] * (q->r[i] - q->u[i] / 2);
  if (!(sp_block_penalty_change(q, w->d, &terms) - slope < 0)) return;
  sp_axpy(-1, q->u, q->r, q->n);
  for (int i = 0; i < q->a; i++) {
    const int pos = q->A[i];
    q->b[pos] += w->d[i];
    if (q->boxed) q->b[pos] = sp_block_inside(q, pos, q->b[pos]);
  }
  sp_block_tangent(q);
}

sp_status sp_blocks(sp_qp *q, int c_fresh, int *ok) {
  sp_status st = SP_OK;
  if (!q->work && !(q->work = sp_calloc(q->ctx, 1, sizeof *q->work))) return SP_ENOMEM;
  sp_block_work *w = q->work;
  const double goal = sp_max(DONE, q->goal);
  double rate = 0, last = INFINITY, looked = INFINITY; /* contraction of a sweep; 0: not known */
  int moved = 0, refused = 0, refusals = 0;
  *ok = 0;
  sp_block_tangent(q);
  if (q->norm || w->ruled) w->chord = 0; /* the factor of another curvature */
  w->ruled = q->norm != NULL;
  SP_TRY(reserve(q, w));
  if (by_shares(q) && !w->rho && !(w->rho = sp_alloc(q->ctx, (size_t)q->n, sizeof *w->rho))) {
    st = SP_ENOMEM;
    goto done;
  }
  if (q->ahead > 0 && q->a) {
    predict(q, w);
    c_fresh = 0;
  }
  q->ahead = 0;
  w->newton_rate = 0;
  w->kept_count = 0;
  synchronize(q, w, 0);
  for (int round = 0; round < ROUNDS; round++) {
    double E = sp_block_residual(q, w);
    const int stuck = E <= ROUNDING && E > 0.5 * last;
    if (E <= goal || E * q->lambda <= q->noise || stuck || E <= fmin(GATE, LOOK * looked)) {
      int entered;
      if (moved) synchronize(q, w, 1);
      moved = 0;
      drop_zero_blocks(q, w);
      E = sp_block_residual(q, w);
      SP_TRY(enter(q, w, E, c_fresh, &entered));
      c_fresh = 0;
      looked = entered ? INFINITY : E;
      if (entered) {
        SP_TRY(sweeps(q, w, 2, &moved));
        rate = w->sweep_rate; /* as before */
        w->newton_rate = 1;   /* the old factor does not know them */
        last = INFINITY;
        continue;
      }
    }
    if (looked < INFINITY && E <= GATE) {
      if (E <= goal || E * q->lambda <= q->noise || stuck) {
        *ok = 1;
        break;
      }
      last = E;
    }
    c_fresh = 0;
    if (!isfinite(E)) break;
    /* what is left to do, either way */
    const double left = rate == 0 ? 0 : rate < 1 ? log(goal / E) / log(rate) : INFINITY;
    const double steps = w->newton_rate > 0 ? log(goal / E) / log(w->newton_rate) : AT_FIRST;
    const double again = CHORD_SWEEPS * steps, anew = NEWTON_STEPS * sp_block_factor_cost(q) / sweep_cost(q) + NEWTON_SWEEPS;
    const int usable = w->chord && w->s > 0.7 * sp_block_support(q) && E < CHORD && w->newton_rate < CHORD_RATE;
    if (usable && !refused && again < anew && (rate == 0 || again < left)) {
      if (moved) synchronize(q, w, 1);
      moved = 0;
      drop_zero_blocks(q, w);
      if (w->chord && !sp_block_newton(q, w, E, 1, &moved)) w->chord = 0;
      w->kept_count = 0;
      if (!w->chord || w->newton_rate > SMOOTH) SP_TRY(sweeps(q, w, 1, &moved));
      w->newton_rate = sp_block_residual(q, w) / E;
    } else if (refused || left * sweep_cost(q) <= NEWTON_STEPS * sp_block_factor_cost(q)) {
      const int most = refused ? 20 << (q->norm && refusals > 1 ? (refusals - 1 < PATIENCE ? refusals - 1 : PATIENCE) : 0) : rate == 0 ? 3 : (int)sp_max(2, fmin(10, left));
      refused = 0;
      SP_TRY(sweeps(q, w, most, &moved));
      rate = fmin(1, sp_max(1e-3, pow(sp_block_residual(q, w) / E, 1.0 / most)));
      w->sweep_rate = rate;
    } else {
      if (moved) synchronize(q, w, 1);
      moved = 0;
      drop_zero_blocks(q, w);
      SP_TRY(sp_block_reserve_newton(q, w));
      const int step = sp_block_newton(q, w, E, 0, &moved);
      refused = !step;
      refusals = refused ? refusals + 1 : 0;
      w->kept_count = 0;
      if (step == 1 && (!w->chord || w->newton_rate > 0.1)) SP_TRY(sweeps(q, w, 1, &moved));
    }
  }
  synchronize(q, w, moved);
  for (int i = 0; i < q->a; i++) q->c[q->A[i]] = w->c[i];
  drop_zero_blocks(q, w);
done:
  return st;
}

void sp_block_free(sp_qp *q) {
  sp_block_work *w = q->work;
  if (!w) return;
  void *all[] = {w->c, w->d, w->gd, w->b0, w->u, w->g, w->x, w->v, w->H, w->M, w->F, w->S, w->on, w->N, w->k, w->m, w->dir, w->block, w->kept, w->rho, w->lo, w->hi};
  for (size_t i = 0; i < sizeof all / sizeof *all; i++) sp_free(q->ctx, all[i]);
  for (int i = 0; w->outer && i < w->most_outer; i++) sp_free(q->ctx, w->outer[i]);
  sp_free(q->ctx, w->outer);
  sp_free(q->ctx, w->unused);
  sp_free(q->ctx, w->packed);
  sp_free(q->ctx, w);
  q->work = NULL;
}
