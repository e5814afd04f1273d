/* Group lasso and sparse group lasso on the working set. Two ways to move, both within the Gram matrix of the active blocks:
 *
 * - a sweep: each block goes to its own minimizer. That of the group lasso solves (M + mu I) u = z, mu |u| = T, a secular equation in
 *   mu (as Moré & Sorensen 1983, section 4, for trust regions); with an L1 part a few proximal gradient steps do. A block is set to
 *   zero when |S(z)| <= T, exactly. Sweeps never increase the objective;
 * - a Newton step over the coefficients that are not zero, where the penalty is smooth with curvature T / h (I - u u' / h^2) for a
 *   block of norm h. It is taken in polar form: the norm and the direction of a block move apart, so that a norm cannot change its
 *   sign. A step that does not reduce the objective is halved, then given up for sweeps.
 *
 * The cheaper way is taken, by the contraction that sweeps have shown. Violators are looked for as soon as the residual is small. */
#include "block.h"

#include <math.h>
#include <string.h>

#include "../base/blas.h"
#include "../base/vec.h"

#define ROUNDS 400
#define GATE 0.05        /* violators are looked for below this residual / lambda */
#define DONE 1e-12       /* residual / lambda at which the active blocks are solved */
#define ROUNDING 1e-10   /* below this a residual that does not fall any more is the rounding level */
#define CHORD 1e-2       /* below this residual / lambda an old factor may serve again */
#define NEWTON_STEPS 3   /* factorizations that the rest of a solve is expected to take */

typedef struct work {
  double *c, *d, *gd, *b0;   /* [a] XA'r; step; G d; b that r belongs to */
  double *u, *g, *x, *v;     /* [a] a block's or the support's, penalized units */
  double *H, *M, *F;         /* [s x s] Newton matrix; [len x len] of one block */
  int *S;                    /* [a] slots of the support */
  int cap, cap_H, cap_M, s;
  int chord;                 /* H is the factor of the present support */
  double newton_rate;        /* what the last Newton step left of the residual */
} work;

static double soft(double z, double t) { return z > t ? z - t : z < -t ? z + t : 0; }

double sp_block_soft_norm(const sp_qp *q, int k, const double *c, double share) {
  double ss = 0;
  for (int j = 0; j < q->len[k]; j++) {
    const double x = soft(c[j], share * q->t[k + j]) / q->unit[k + j];
    ss += x * x;
  }
  return sqrt(ss);
}

double sp_block_norm(const sp_qp *q, int k) {
  double ss = 0;
  for (int j = k; j < k + q->len[k]; j++) ss += q->unit[j] * q->unit[j] * q->b[j] * q->b[j];
  return sqrt(ss);
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
    const double e = b == 0 ? soft(c[j], t) / unit : (c[j] - (b > 0 ? t : -t) - q->k[at] * b) / unit - q->T[k] / h * (unit * b);
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

static sp_status reserve_gram(sp_qp *q) {
  if (q->L <= q->capG) return SP_OK;
  double *G = sp_alloc(q->ctx, (size_t)q->L * (size_t)q->L, sizeof *G);
  if (!G) return SP_ENOMEM;
  for (int j = 0; j < q->a && j < q->capG; j++) {
    memcpy(G + (ptrdiff_t)j * q->L, q->G + (ptrdiff_t)j * q->capG, (size_t)(q->a < q->capG ? q->a : q->capG) * sizeof *G);
  }
  sp_free(q->ctx, q->G);
  q->G = G;
  q->capG = q->L;
  return SP_OK;
}

/* XA and G of the slots from `from` on */
static void load(sp_qp *q, int from) {
  const int n = (int)q->n, a = q->a, m = a - from;
  const double one = 1, zero = 0;
  if (!m) return;
  for (int i = from; i < a; i++) {
    double *x = q->XA + (ptrdiff_t)i * q->n;
    sp_view_column(&q->view, q->W[q->A[i]], x);
    sp_qp_project(q, x);
    q->nx[i] = sp_nrm2sq(x, q->n);
  }
  dgemm_("T", "N", &a, &m, &n, &one, q->XA, &n, q->XA + (ptrdiff_t)from * q->n, &n, &zero, q->G + (ptrdiff_t)from * q->capG,
         &q->capG, 1, 1);
  for (int j = from; j < a; j++) {
    for (int i = 0; i < j; i++) q->G[(ptrdiff_t)i * q->capG + j] = q->G[(ptrdiff_t)j * q->capG + i];
  }
}

static sp_status take_block(sp_qp *q, int k) {
  sp_status st = sp_qp_reserve_active(q, q->a + q->len[k]);
  for (int j = k; st == SP_OK && j < k + q->len[k]; j++) {
    q->A[q->a] = j;
    q->ia[j] = q->a++;
    q->st[j] = SP_FREE;
  }
  return st == SP_OK ? reserve_gram(q) : st;
}

sp_status sp_block_reload(sp_qp *q) {
  const sp_status st = reserve_gram(q);
  if (st == SP_OK) load(q, 0);
  return st;
}

sp_status sp_block_from_b(sp_qp *q) {
  sp_status st = SP_OK;
  for (int i = 0; i < q->a; i++) q->ia[q->A[i]] = -1;
  q->a = 0;
  q->stale = 2;
  for (int k = 0; k < q->nW; k += q->len[k]) {
    const int on = sp_block_norm(q, k) > 0;
    for (int j = k; j < k + q->len[k]; j++) q->st[j] = SP_ZERO;
    if (on) SP_TRY(take_block(q, k));
  }
  load(q, 0);
done:
  return st;
}

/* blocks that are zero leave A */
static void drop_zero_blocks(sp_qp *q) {
  int o = 0;
  for (int s = 0; s < q->a;) {
    const int k = q->A[s], len = q->len[k], keep = sp_block_norm(q, k) > 0;
    for (int i = s; i < s + len; i++) {
      const int pos = q->A[i];
      if (!keep) {
        q->ia[pos] = -1;
        q->st[pos] = SP_ZERO;
        q->b[pos] = 0;
        continue;
      }
      if (o != i) {
        q->A[o] = pos;
        q->ia[pos] = o;
        q->nx[o] = q->nx[i];
        memcpy(q->XA + (ptrdiff_t)o * q->n, q->XA + (ptrdiff_t)i * q->n, (size_t)q->n * sizeof *q->XA);
      }
      q->acol[o++] = i;
    }
    s += len;
  }
  for (int j = 0; j < o && o < q->a; j++) {
    const double *from = q->G + (ptrdiff_t)q->acol[j] * q->capG;
    double *to = q->G + (ptrdiff_t)j * q->capG;
    for (int i = 0; i < o; i++) to[i] = from[q->acol[i]];
  }
  q->a = o;
}

/* ---- one block --------------------------------------------------------------------------------- */

/* x with (M + T / |x|) x = z, |z| > T; M [m x m], F scratch of its size */
static void secular(int m, const double *M, double T, const double *z, double nz, double *F, double *x, double *v) {
  const int one = 1;
  double top = 0, trace = 0;
  for (int j = 0; j < m; j++) {
    double row = 0;
    for (int i = 0; i < m; i++) row += fabs(M[j * m + i]);
    top = sp_max(top, row);
    trace += M[j * m + j];
  }
  const double jitter = 1e-14 * trace / m + 1e-300;
  double lo = 0, hi = T * top / (nz - T), mu = T * (trace / m) / (nz - T);
  if (!(mu < hi)) mu = hi;
  for (int it = 0; it < 60; it++) {
    int info = 0;
    memcpy(F, M, (size_t)m * (size_t)m * sizeof *F);
    for (int j = 0; j < m; j++) F[j * m + j] += mu + jitter;
    dpotrf_("U", &m, F, &m, &info, 1);
    if (info) {
      lo = mu;
      mu = 2 * mu + jitter;
      continue;
    }
    memcpy(x, z, (size_t)m * sizeof *x);
    dpotrs_("U", &m, &one, F, &m, x, &m, &info, 1);
    const double nx = sqrt(sp_nrm2sq(x, m)), f = mu * nx - T;
    if (T == 0 || fabs(f) <= 2e-15 * T) return;
    if (f > 0) hi = mu;
    else lo = mu;
    memcpy(v, x, (size_t)m * sizeof *v);
    dtrsv_("U", "T", "N", &m, F, &m, v, &one, 1, 1, 1);
    const double slope = sp_nrm2sq(v, m) / (nx * nx * nx) - 1 / T, next = mu - (1 / nx - mu / T) / slope;
    const double old = mu;
    mu = next > lo && next < hi ? next : lo > 0 ? sqrt(lo * hi) : hi / 16;
    if (fabs(mu - old) <= 1e-15 * old) return;
  }
}

/* proximal gradient steps for 1/2 x'M x - z'x + sum t |x| + T |x|, from x */
static void proximal(int m, const double *M, double T, const double *t, const double *z, double *x, double *v) {
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
      v[j] = soft(x[j] + g / top, t[j] / top);
      ss += v[j] * v[j];
    }
    const double nv = sqrt(ss), shrink = nv > T / top ? 1 - T / top / nv : 0;
    for (int j = 0; j < m; j++) {
      const double to = shrink * v[j];
      moved += (to - x[j]) * (to - x[j]);
      x[j] = to;
    }
    if (moved <= 1e-6 * ss) break;
  }
}

/* The block of slots s.. to its minimizer, w->c follows. */
static void update_block(sp_qp *q, work *w, int s) {
  const int k = q->A[s], m = q->len[k];
  const double T = q->T[k];
  double l1 = 0, nz = 0, moved = 0;
  double *u = w->u, *z = w->g, *x = w->x, *t = w->v;
  for (int j = 0; j < m; j++) {
    const double uj = q->unit[k + j];
    u[j] = uj * q->b[k + j];
    z[j] = w->c[s + j] / uj;
    t[j] = q->t[k + j] / uj;
    l1 += t[j];
  }
  for (int j = 0; j < m; j++) {
    const double *col = q->G + (ptrdiff_t)(s + j) * q->capG + s;
    for (int i = 0; i < m; i++) {
      w->M[j * m + i] = col[i] / (q->unit[k + i] * q->unit[k + j]);
      z[i] += w->M[j * m + i] * u[j];
    }
    w->M[j * m + j] += q->k[k + j] / (q->unit[k + j] * q->unit[k + j]);
  }
  for (int j = 0; j < m; j++) nz += soft(z[j], t[j]) * soft(z[j], t[j]);
  nz = sqrt(nz);
  if (nz <= T) {
    for (int j = 0; j < m; j++) x[j] = 0;
  } else if (m == 1) {
    x[0] = w->M[0] > 0 ? (z[0] > 0 ? 1 : -1) * (nz - T) / w->M[0] : 0;
  } else if (l1 > 0) {
    memcpy(x, u, (size_t)m * sizeof *x);
    proximal(m, w->M, T, t, z, x, w->F);
  } else {
    secular(m, w->M, T, z, nz, w->F, x, w->v);
  }
  for (int j = 0; j < m; j++) {
    const double b = x[j] / q->unit[k + j], d = b - q->b[k + j];
    moved += fabs(d);
    q->b[k + j] = b;
    if (d != 0) sp_axpy(-d, q->G + (ptrdiff_t)(s + j) * q->capG, w->c, q->a);
  }
  if (moved > 0 && l1 > 0) w->chord = 0; /* the support may have changed */
}

static void sweep(sp_qp *q, work *w) {
  for (int s = 0; s < q->a; s += q->len[q->A[s]]) {
    const int k = q->A[s], was = sp_block_norm(q, k) > 0;
    update_block(q, w, s);
    if (was != (sp_block_norm(q, k) > 0)) w->chord = 0;
  }
}

static double residual(const sp_qp *q, const work *w) {
  double worst = 0;
  for (int s = 0; s < q->a; s += q->len[q->A[s]]) {
    const int k = q->A[s];
    const double v = violation(q, k, w->c + s) / (q->lambda * q->wt[k]);
    if (!(v <= worst)) worst = v;
  }
  return worst;
}

/* ---- Newton ------------------------------------------------------------------------------------ */

/* H of the support, factored; 0 when it cannot be */
static int factor(sp_qp *q, work *w) {
  int s = 0, info = 1;
  double trace = 0;
  for (int i = 0; i < q->a; i++) {
    if (q->b[q->A[i]] != 0) w->S[s++] = i;
  }
  w->s = s;
  if (!s) return 0;
  for (double jitter = 0; info && jitter <= 1e-6; jitter = jitter > 0 ? jitter * 100 : 1e-14) {
    for (int j = 0; j < s; j++) {
      const int pj = q->A[w->S[j]];
      const double *col = q->G + (ptrdiff_t)w->S[j] * q->capG, uj = q->unit[pj];
      double *to = w->H + (ptrdiff_t)j * s;
      for (int i = 0; i <= j; i++) to[i] = col[w->S[i]] / (uj * q->unit[q->A[w->S[i]]]);
      to[j] += q->k[pj] / (uj * uj);
    }
    trace = 0;
    for (int j0 = 0; j0 < s;) { /* block by block */
      int head = q->A[w->S[j0]], j1 = j0;
      while (q->len[head] == 0) head--;
      while (j1 < s && q->A[w->S[j1]] < head + q->len[head] && q->A[w->S[j1]] >= head) j1++;
      const double h = sp_block_norm(q, head), curve = q->T[head] / h;
      for (int j = j0; j < j1; j++) {
        const int pj = q->A[w->S[j]];
        double *to = w->H + (ptrdiff_t)j * s;
        to[j] += curve;
        for (int i = j0; i <= j; i++) {
          const int pi = q->A[w->S[i]];
          to[i] -= curve * (q->unit[pj] * q->b[pj] / h) * (q->unit[pi] * q->b[pi] / h);
        }
        trace += to[j];
      }
      j0 = j1;
    }
    for (int j = 0; j < s; j++) w->H[(ptrdiff_t)j * s + j] += jitter * trace / s;
    dpotrf_("U", &s, w->H, &s, &info, 1);
  }
  return !info;
}

/* b + the step d (w->x, penalized units, by support) times `len` in polar form, as w->d [a] in units of b */
static void polar(const sp_qp *q, work *w, double len) {
  memset(w->d, 0, (size_t)q->a * sizeof *w->d);
  for (int j0 = 0; j0 < w->s;) {
    int head = q->A[w->S[j0]], j1 = j0;
    while (q->len[head] == 0) head--;
    while (j1 < w->s && q->A[w->S[j1]] < head + q->len[head] && q->A[w->S[j1]] >= head) j1++;
    const double h = sp_block_norm(q, head);
    double along = 0, ss = 0, to = 0;
    for (int j = j0; j < j1; j++) along += q->unit[q->A[w->S[j]]] * q->b[q->A[w->S[j]]] / h * w->x[j];
    for (int j = j0; j < j1; j++) {
      const int pos = q->A[w->S[j]];
      const double dir = q->unit[pos] * q->b[pos] / h, e = dir + len * (w->x[j] - along * dir) / h;
      w->u[j] = e;
      ss += e * e;
    }
    to = sp_max(h + len * along, 0.1 * h) / sqrt(ss);
    for (int j = j0; j < j1; j++) {
      const int pos = q->A[w->S[j]];
      const double old = q->unit[pos] * q->b[pos];
      double now = q->T[head] > 0 ? to * w->u[j] : old + len * w->x[j];
      if (q->t[pos] > 0 && now * old < 0) now = 0;
      w->d[w->S[j]] = (now - old) / q->unit[pos];
    }
    j0 = j1;
  }
}

static double penalty(const sp_qp *q, const work *w, double step) {
  double f = 0;
  for (int s = 0; s < q->a; s += q->len[q->A[s]]) {
    const int k = q->A[s];
    double ss = 0;
    for (int j = 0; j < q->len[k]; j++) {
      const double b = q->b[k + j] + step * w->d[s + j], u = q->unit[k + j] * b;
      f += q->t[k + j] * fabs(b) + q->k[k + j] * b * b / 2;
      ss += u * u;
    }
    f += q->T[k] * sqrt(ss);
  }
  return f;
}

/* One step; 0: none that helps. E: the residual before */
static int newton(sp_qp *q, work *w, double E) {
  const int one = 1;
  int info;
  const int again = w->chord && E < CHORD && w->newton_rate < 0.1;
  if (!again && !factor(q, w)) return 0;
  w->chord = 1;
  for (int j = 0; j < w->s; j++) {
    const int slot = w->S[j], pos = q->A[slot];
    int head = pos;
    while (q->len[head] == 0) head--;
    const double unit = q->unit[pos], b = q->b[pos], h = sp_block_norm(q, head);
    if (b == 0 || h == 0) return w->chord = 0;
    w->x[j] = (w->c[slot] - (b > 0 ? q->t[pos] : -q->t[pos]) - q->k[pos] * b) / unit - q->T[head] / h * unit * b;
  }
  dpotrs_("U", &w->s, &one, w->H, &w->s, w->x, &w->s, &info, 1);
  q->n_rounds++;
  const double before = penalty(q, w, 0);
  double len = 1;
  for (int it = 0; it < 8; it++, len /= 2) {
    polar(q, w, len);
    memset(w->gd, 0, (size_t)q->a * sizeof *w->gd);
    sp_gemv_n(q->G, q->capG, q->a, q->a, w->d, w->gd);
    const double df = sp_dot(w->gd, w->d, q->a) / 2 - sp_dot(w->c, w->d, q->a) + (penalty(q, w, 1) - before);
    if (!(df <= 1e-14 * before)) continue;
    for (int i = 0; i < q->a; i++) {
      const int pos = q->A[i];
      q->b[pos] += w->d[i];
      if (w->d[i] != 0 && fabs(q->b[pos]) <= 1e-17 * fabs(w->d[i])) q->b[pos] = 0;
      if (w->d[i] != 0 && q->b[pos] == 0) w->chord = 0;
      w->c[i] -= w->gd[i];
    }
    w->newton_rate = residual(q, w) / E;
    return 1;
  }
  w->chord = 0;
  return 0;
}

/* ---- the solver -------------------------------------------------------------------------------- */

static sp_status reserve(sp_qp *q, work *w) {
  sp_status st = SP_OK;
  if (q->a > w->cap) {
    const size_t from = (size_t)w->cap, to = (size_t)q->a + (size_t)q->a / 4 + 8;
    double **reals[] = {&w->c, &w->d, &w->gd, &w->b0, &w->u, &w->g, &w->x, &w->v};
    for (size_t i = 0; i < sizeof reals / sizeof *reals; i++) SP_TRY(sp_grow(q->ctx, reals[i], from, to, sizeof(double)));
    SP_TRY(sp_grow(q->ctx, &w->S, from, to, sizeof(int)));
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

static sp_status reserve_newton(sp_qp *q, work *w) {
  if (q->a <= w->cap_H) return SP_OK;
  const int to = q->a + q->a / 4;
  sp_free(q->ctx, w->H);
  w->cap_H = 0;
  w->chord = 0;
  w->H = sp_alloc(q->ctx, (size_t)to * (size_t)to, sizeof *w->H);
  if (!w->H) return SP_ENOMEM;
  w->cap_H = to;
  return SP_OK;
}

/* r and c anew after b has moved */
static void synchronize(sp_qp *q, work *w, int moved) {
  if (moved) {
    for (int i = 0; i < q->a; i++) w->d[i] = w->b0[i] - q->b[q->A[i]];
    sp_gemv_n(q->XA, q->n, q->n, q->a, w->d, q->r);
  }
  for (int i = 0; i < q->a; i++) w->b0[i] = q->b[q->A[i]];
  if (q->a) sp_gemv_t(q->XA, q->n, q->n, q->a, q->r, w->c);
}

/* violators among V join A; how many blocks */
static sp_status enter(sp_qp *q, work *w, double E, int c_fresh, int *count) {
  sp_status st = SP_OK;
  const int from = q->a;
  int left = 0;
  *count = 0;
  if (!c_fresh) {
    sp_qp_corr(q, q->V, q->nV, q->r, q->val);
    for (int v = 0; v < q->nV; v++) q->c[q->V[v]] = q->val[v];
  }
  for (int v = 0; v < q->nV; v++) {
    const int k = q->V[v];
    if (q->len[k] == 0 || q->ia[k] >= 0) continue;
    const double excess = sp_block_violation(q, k), tol = sp_max(SP_TOL_ENTER, 0.1 * E) * q->lambda * q->wt[k];
    if (!(excess > tol + sp_block_noise(q, k))) continue;
    SP_TRY(take_block(q, k));
    ++*count;
  }
  if (!*count) return SP_OK;
  for (int v = 0; v < q->nV; v++) {
    if (q->ia[q->V[v]] < 0) q->V[left++] = q->V[v];
  }
  q->nV = left;
  load(q, from);
  SP_TRY(reserve(q, w));
  for (int i = from; i < q->a; i++) {
    w->c[i] = q->c[q->A[i]];
    w->b0[i] = q->b[q->A[i]];
  }
  w->chord = 0;
done:
  return st;
}

sp_status sp_blocks(sp_qp *q, int c_fresh, int *ok) {
  sp_status st = SP_OK;
  work w = {0};
  double rate = 0, last = INFINITY; /* contraction of a sweep; 0: not known */
  int moved = 0, refused = 0;
  *ok = 0;
  SP_TRY(reserve(q, &w));
  synchronize(q, &w, 0);
  for (int round = 0; round < ROUNDS; round++) {
    double E = residual(q, &w);
    if (E <= GATE) {
      int entered;
      synchronize(q, &w, moved);
      moved = 0;
      E = residual(q, &w);
      SP_TRY(enter(q, &w, E, c_fresh, &entered));
      c_fresh = 0;
      if (entered) {
        sweep(q, &w);
        moved = 1;
        rate = 0;
        last = INFINITY;
        continue;
      }
      if (E <= DONE || E * q->lambda <= q->noise || (E <= ROUNDING && E > 0.5 * last)) {
        *ok = 1;
        break;
      }
      last = E;
    } else {
      c_fresh = 0;
    }
    if (!isfinite(E)) break;
    /* what is left to do, either way */
    const double a = q->a, left = rate > 0 && rate < 1 ? log(DONE / E) / log(rate) : rate == 0 ? 0 : INFINITY;
    const int sweeping = refused > 0 || left * 2 * a * a <= NEWTON_STEPS * a * a * (a / 3 + 4);
    moved = 1;
    if (sweeping) {
      int most = refused > 0 ? 20 : rate == 0 ? 3 : (int)sp_max(3, fmin(10, left)), done = 0;
      double now = E;
      refused = 0;
      for (; done < most && now > DONE; done++) {
        sweep(q, &w);
        q->n_cd++;
        now = residual(q, &w);
        if (E > GATE && now <= GATE) {
          done++;
          break;
        }
      }
      if (done > 1) rate = sp_max(1e-3, pow(now / E, 1.0 / done));
      if (!(rate < 1)) rate = 1;
    } else {
      SP_TRY(reserve_newton(q, &w));
      if (newton(q, &w, E)) {
        if (!w.chord || w.newton_rate > 0.1) sweep(q, &w);
      } else {
        refused = 1;
      }
    }
  }
  synchronize(q, &w, moved);
  for (int i = 0; i < q->a; i++) q->c[q->A[i]] = w.c[i];
  drop_zero_blocks(q);
done:;
  void *all[] = {w.c, w.d, w.gd, w.b0, w.u, w.g, w.x, w.v, w.H, w.M, w.F, w.S};
  for (size_t i = 0; i < sizeof all / sizeof *all; i++) sp_free(q->ctx, all[i]);
  return st;
}
