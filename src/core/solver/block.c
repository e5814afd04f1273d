/* Group lasso and sparse group lasso on the working set. Two ways to move:
 *
 * - a sweep: each block goes to its own minimizer. That of the group lasso solves (M + mu I) u = z, mu |u| = T, a secular equation in
 *   mu (as Moré & Sorensen 1983, section 4, for trust regions); with an L1 part a few proximal gradient steps do. A block is set to
 *   zero when |S(z)| <= T, exactly. Sweeps never increase the objective. They keep either the correlations, by the Gram matrix, or the
 *   residual, whichever is shorter;
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
#include "../penalty/penalty.h"

#define ROUNDS 400
#define GATE 0.05        /* violators are looked for below this residual / lambda */
#define LOOK 0.02        /* and again when it has fallen to this much of that */
#define DONE 2e-11       /* residual / lambda at which the active blocks are solved */
#define ROUNDING 1e-10   /* below this a residual that does not fall any more is the rounding level */
#define CHORD 1e-2       /* below this residual / lambda an old factor may serve again */
#define NEWTON_STEPS 0.3 /* flops of sweeps that the rest of a solve may take for each flop of a factorization */
#define GRAM_SHARE 5e-3  /* of the cost of the Gram matrix that a sweep has to bear */
#define BLOCK_COST 1e3   /* what the equation of one block costs beside its products, in flops */
#define DEPTH 4          /* sweeps between extrapolations */
#define SLACK 1e-13      /* rounding of a change of the objective, relative to its terms */
#define WILD 1e3         /* sum of the sizes of an extrapolation's weights beyond which it is not tried */

typedef struct work {
  double *c, *d, *gd, *b0;   /* [a] XA'r; step; G d; b that r belongs to */
  double *u, *g, *x, *v;     /* [a] a block's or the support's, penalized units */
  double *H, *M, *F;         /* [s x s] Newton matrix; [len x len] of one block */
  double *N, *X, *V, *C;     /* with more coefficients than rows: see factor_rows() */
  double *k, *m, *dir;       /* [a] Dk, scratch, u_g by coefficient of the support */
  int *block, blocks, by_rows, as_packed, with_gram; /* [a] block of a coefficient of the support, their number */
  size_t cap_rows, room_C;
  int *S;                    /* [a] slots of the support */
  int cap, cap_H, cap_M, s;
  double *rho;               /* [n] by shares: S'r, while sweeps move it */
  double *kept;              /* [(DEPTH + 1) x (a + max(a, n))] b and r (or c) after each of the last sweeps */
  size_t cap_kept;
  int kept_count, kept_gram, kept_a;
  int chord;                 /* H is the factor of the present support */
  double newton_rate;        /* what the last Newton step left of the residual */
} work;

double sp_block_soft_norm(const sp_qp *q, int k, const double *c, double share) {
  double ss = 0;
  for (int j = 0; j < q->len[k]; j++) {
    const double x = sp_soft(c[j], share * q->t[k + j]) / q->unit[k + j];
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
    const double e = b == 0 ? sp_soft(c[j], t) / unit : (c[j] - (b > 0 ? t : -t) - q->k[at] * b) / unit - q->T[k] / h * (unit * b);
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

/* Packed: blocks have whole columns of the design in all K predictors. XA has each of them once, [view.n], and c, b by slots are
 * [K x columns]. The metric is one for all predictors and in XA, or that of shares s [view.n x K], diag(s_i) - s_i s_i' / sum s_i for row
 * i, with columns free of it. */
static int by_shares(const sp_qp *q) { return q->packed && q->view.root; }
static int columns(const sp_qp *q) { return q->packed ? q->a / q->view.K : q->a; }

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

static ptrdiff_t segment_length(const sp_qp *q) { return q->view.K > 1 && !q->view.root ? q->view.n : q->n; }

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

/* ---- the metric of shares ---------------------------------------------------------------------- */

/* M [m x m] <- its lower Cholesky factor; 0: not positive definite */
static int small_factor(int m, double *M) {
  for (int j = 0; j < m; j++) {
    for (int i = j; i < m; i++) {
      double e = M[j * m + i];
      for (int h = 0; h < j; h++) e -= M[h * m + i] * M[h * m + j];
      if (i == j && !(e > 0)) return 0;
      M[j * m + i] = i == j ? sqrt(e) : e / M[j * m + j];
    }
  }
  return 1;
}

static void small_solve(int m, const double *M, double *x) {
  for (int j = 0; j < m; j++) {
    for (int h = 0; h < j; h++) x[j] -= M[h * m + j] * x[h];
    x[j] /= M[j * m + j];
  }
  for (int j = m - 1; j >= 0; j--) {
    for (int h = j + 1; h < m; h++) x[j] -= M[j * m + h] * x[h];
    x[j] /= M[j * m + j];
  }
}

/* out [K x K] = sum over rows of x_i M_i; v: x times shares over the root of their sum, [view.n x K] */
static void weigh(const sp_qp *q, const double *x, const double *v, double *out) {
  const ptrdiff_t n = q->view.n;
  const int K = q->view.K;
  for (int l = 0; l < K; l++) {
    sp_gemv_t(v, n, n, K, q->share_root + l * n, out + l * K);
    for (int k = 0; k < K; k++) out[l * K + k] = -out[l * K + k];
    out[l * K + l] += sp_dot(x, q->shares + l * n, n);
  }
}

/* Shares of the metric in force, and the Cholesky factor of the intercepts' own matrix, whose null direction is filled in. */
static sp_status take_shares(sp_qp *q) {
  const ptrdiff_t n = q->view.n;
  const int K = q->view.K;
  if (q->shares_fresh) return SP_OK;
  if (!q->shares) {
    const size_t across = (size_t)(q->longest / K + 2);
    q->shares = sp_alloc(q->ctx, (size_t)n * (size_t)K * (across + 2) + 3 * (size_t)n + 4 * (size_t)(K * K), sizeof *q->shares);
    if (!q->shares) return SP_ENOMEM;
    q->share_root = q->shares + n * K;
    q->share_work = q->share_root + n * K;
    q->share_inv = q->share_work + n * K * (ptrdiff_t)across;
    q->share_mean = q->share_inv + n;
    q->share_level = q->share_mean + 2 * n; /* [K x K], and room for 3 more; before it n that are scratch */
  }
  q->view.root->ops->shares(q->view.root, q->shares);
  for (ptrdiff_t i = 0; i < n; i++) {
    double sum = 0;
    for (int k = 0; k < K; k++) sum += q->shares[i + k * n];
    q->share_inv[i] = sum > 0 ? 1 / sum : 0;
    for (int k = 0; k < K; k++) q->share_root[i + k * n] = sum > 0 ? q->shares[i + k * n] / sqrt(sum) : 0;
  }
  q->shares_fresh = 1;
  if (!q->k0) return SP_OK;
  double *ones = q->share_mean, trace = 0, *M = q->share_level;
  for (ptrdiff_t i = 0; i < n; i++) ones[i] = 1;
  weigh(q, ones, q->share_root, M);
  for (int k = 0; k < K; k++) trace += M[k * K + k];
  for (int k = 0; k < K * K; k++) M[k] += trace / (K * K);
  if (!small_factor(K, M)) { /* classes without weight */
    weigh(q, ones, q->share_root, M);
    for (int k = 0; k < K * K; k++) M[k] += trace / (K * K) + (k % (K + 1) == 0 ? 1e-10 * trace + 1e-300 : 0);
    small_factor(K, M);
  }
  return SP_OK;
}

static double *products(const sp_qp *q, int i);
static double *levels(const sp_qp *q, int i);

/* D and levels of the block of slots s.. in the metric: with A_j = sum x_ij M_i, the intercepts follow a column by level_j = A^-1 A_j */
static void share_products(sp_qp *q, int s) {
  const ptrdiff_t n = q->view.n;
  const int K = q->view.K, m = q->len[q->A[s]], count = m / K;
  double *A = q->share_level + K * K, *one = q->share_mean, *v = q->share_work;
  for (int j = 0; j < count; j++) {
    const double *x = q->XA + (ptrdiff_t)((s + j * K) / K) * n;
    for (int k = 0; k < K; k++) {
      double *vk = v + (j * K + k) * n;
      for (ptrdiff_t i = 0; i < n; i++) vk[i] = x[i] * q->share_root[i + k * n];
    }
  }
  for (int j = 0; j < count; j++) {
    const double *x = q->XA + (ptrdiff_t)((s + j * K) / K) * n;
    for (int k = 0; k < K; k++) {
      double *to = products(q, s + j * K + k);
      sp_gemv_t(v, n, n, (j + 1) * K, v + (j * K + k) * n, to);
      for (int i = 0; i < (j + 1) * K; i++) to[i] = -to[i];
      for (ptrdiff_t i = 0; i < n; i++) one[i] = x[i] * q->shares[i + k * n];
      for (int h = 0; h <= j; h++) to[h * K + k] += sp_dot(one, q->XA + (ptrdiff_t)((s + h * K) / K) * n, n);
    }
    if (!q->k0) continue;
    weigh(q, x, v + j * K * n, A);
    for (int k = 0; k < K; k++) {
      double *level = levels(q, s + j * K + k);
      memcpy(level, A + k * K, (size_t)K * sizeof *level);
      small_solve(K, q->share_level, level);
    }
    for (int k = 0; k < K; k++) {
      double *to = products(q, s + j * K + k);
      for (int i = 0; i < (j + 1) * K; i++) {
        const double *level = levels(q, s + i);
        for (int h = 0; h < K; h++) to[i] -= A[k * K + h] * level[h];
      }
    }
  }
  for (int j = 0; j < m; j++) {
    for (int i = 0; i < j; i++) products(q, s + i)[j] = products(q, s + j)[i];
    q->nx[s + j] = products(q, s + j)[j];
  }
}

/* ---- the active set, continued ----------------------------------------------------------------- */

/* Slot i of D: products with the slots of its block [longest], its eigenvector [longest] and eigenvalue of the block in penalized units,
 * and whether that is a multiple of the identity. */
static ptrdiff_t slot_size(const sp_qp *q) { return 2 * q->longest + 2 + (by_shares(q) ? q->view.K : 0); }
static double *products(const sp_qp *q, int i) { return q->D + (ptrdiff_t)i * slot_size(q); }
static double *levels(const sp_qp *q, int i) { return products(q, i) + 2 * q->longest + 2; } /* by shares: of the intercepts */
static double *direction(const sp_qp *q, int i) { return products(q, i) + q->longest; }
static double *curvature(const sp_qp *q, int i) { return products(q, i) + 2 * q->longest; }

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
    if (q->t[k + j] > 0) return SP_OK;
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
    SP_TRY(take_shares(q));
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
    if (free_of_metric) share_products(q, s);
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

/* G of all slots: X'diag(s_k)X - X'diag(s_k s_l / sum s)X for classes k and l, less the part of the intercepts */
static sp_status share_gram(sp_qp *q) {
  const int n = (int)q->view.n, K = q->view.K, count = columns(q);
  const double one = 1, zero = 0;
  const size_t size = (size_t)n * (size_t)count;
  double *Y = sp_alloc(q->ctx, size * (size_t)K + (size_t)count * (size_t)count, sizeof *Y), *to = Y + size * (size_t)K;
  if (!Y) return SP_ENOMEM;
  for (int k = 0; k < K; k++) {
    for (int j = 0; j < count; j++) {
      const double *x = q->XA + (ptrdiff_t)j * n, *v = q->share_root + (ptrdiff_t)k * n;
      double *y = Y + size * (size_t)k + (ptrdiff_t)j * n;
      for (int i = 0; i < n; i++) y[i] = x[i] * v[i];
    }
  }
  for (int l = 0; l < K; l++) {
    for (int k = 0; k <= l; k++) {
      const double *left = Y + size * (size_t)k;
      dgemm_("T", "N", &count, &count, &n, &one, left, &n, Y + size * (size_t)l, &n, &zero, to, &count, 1, 1);
      for (int j = 0; j < count; j++) {
        for (int i = 0; i < count; i++) {
          q->G[(ptrdiff_t)(j * K + l) * q->capG + i * K + k] = q->G[(ptrdiff_t)(i * K + k) * q->capG + j * K + l] = -to[j * count + i];
        }
      }
    }
  }
  for (int k = 0; k < K; k++) {
    for (int j = 0; j < count; j++) {
      const double *x = q->XA + (ptrdiff_t)j * n, *s = q->shares + (ptrdiff_t)k * n;
      double *y = Y + (ptrdiff_t)j * n;
      for (int i = 0; i < n; i++) y[i] = x[i] * s[i];
    }
    dgemm_("T", "N", &count, &count, &n, &one, q->XA, &n, Y, &n, &zero, to, &count, 1, 1);
    for (int j = 0; j < count; j++) {
      for (int i = 0; i < count; i++) q->G[(ptrdiff_t)(j * K + k) * q->capG + i * K + k] += to[j * count + i];
    }
  }
  if (q->k0) { /* A_j'level_i; A_j = M level_j for the matrix of the intercepts */
    const int a = q->a;
    const double minus = -1;
    double *A = sp_alloc(q->ctx, 2 * (size_t)a * (size_t)K, sizeof *A), *L = A + (ptrdiff_t)a * K, *v = q->share_work;
    if (!A) {
      sp_free(q->ctx, Y);
      return SP_ENOMEM;
    }
    for (int j = 0; j < count; j++) {
      const double *x = q->XA + (ptrdiff_t)j * n;
      for (int k = 0; k < K; k++) {
        for (int i = 0; i < n; i++) v[(ptrdiff_t)k * n + i] = x[i] * q->share_root[(ptrdiff_t)k * n + i];
      }
      weigh(q, x, v, A + (ptrdiff_t)j * K * K);
      for (int k = 0; k < K; k++) memcpy(L + (ptrdiff_t)(j * K + k) * K, levels(q, j * K + k), (size_t)K * sizeof *L);
    }
    dgemm_("T", "N", &a, &a, &K, &minus, A, &K, L, &K, &one, q->G, &q->capG, 1, 1);
    sp_free(q->ctx, A);
  }
  sp_free(q->ctx, Y);
  q->gram = q->a;
  return SP_OK;
}

/* G of all columns of XA */
static sp_status complete_gram(sp_qp *q) {
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
  if (by_shares(q)) return share_gram(q);
  dgemm_("T", "N", &a, &m, &n, &one, q->XA, &n, q->XA + (ptrdiff_t)from * n, &n, &zero, q->G + (ptrdiff_t)from * q->capG, &q->capG, 1, 1);
  for (int j = from; j < a; j++) {
    for (int i = 0; i < j; i++) q->G[(ptrdiff_t)i * q->capG + j] = q->G[(ptrdiff_t)j * q->capG + i];
  }
  q->gram = a;
  return SP_OK;
}

/* of slots i and j */
static double gram(const sp_qp *q, int i, int j) {
  const int K = q->packed && !by_shares(q) ? q->view.K : 1;
  return i % K == j % K ? q->G[(ptrdiff_t)(j / K) * q->capG + i / K] : 0;
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
  return st == SP_OK ? load(q, 0, !by_shares(q)) : st;
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
  SP_TRY(load(q, 0, 1));
done:
  return st;
}

/* Blocks that are zero leave A for V; w->c and w->b0 go along. */
static void drop_zero_blocks(sp_qp *q, work *w) {
  const int K = q->packed ? q->view.K : 1;
  const ptrdiff_t n = q->packed ? q->view.n : q->n;
  int o = 0, known = 0; /* slots kept; columns of them that G has */
  for (int s = 0; s < q->a;) {
    const int k = q->A[s], len = q->len[k], keep = sp_block_norm(q, k) > 0;
    for (int i = s; i < s + len; i++) {
      const int pos = q->A[i];
      if (!keep) {
        q->ia[pos] = -1;
        q->st[pos] = SP_ZERO;
        q->b[pos] = 0;
        q->V[q->nV++] = pos;
        w->chord = w->kept_count = 0;
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
      o++;
    }
    s += len;
  }
  for (int j = 0; j < known && o < q->a && !by_shares(q); j++) { /* columns */
    const double *from = q->G + (ptrdiff_t)q->acol[j] * q->capG;
    double *to = q->G + (ptrdiff_t)j * q->capG;
    for (int i = 0; i < known; i++) to[i] = from[q->acol[i]];
  }
  q->gram = by_shares(q) ? (o == q->a ? q->gram : 0) : known;
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
      v[j] = sp_soft(x[j] + g / top, t[j] / top);
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

/* x [m] minimizes over the block of slots s.., whose u is given and z is M u + the correlations; ridge is part of M. */
static void minimize_smooth(const sp_qp *q, work *w, int s, double ridge, double T, double hu, const double *u, double *x) {
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
    const double floor = 1e-14 * *curvature(q, s + m - 1) + 1e-300;
    for (int j = 0; j < m; j++) w->F[j] = t[j] / (l[j] + floor);
  }
  sp_gemv_n(direction(q, s), ld, m, m, w->F, x);
}

/* the same with an L1 part */
static void minimize_sparse(const sp_qp *q, work *w, int s, double T, const double *u, double *x) {
  const int k = q->A[s], m = q->len[k];
  double *z = w->g, *t = w->v, nz = 0;
  for (int j = 0; j < m; j++) t[j] = q->t[k + j] / q->unit[k + j];
  for (int j = 0; j < m; j++) {
    const double *col = products(q, s + j);
    for (int i = 0; i < m; i++) {
      w->M[j * m + i] = col[i] / (q->unit[k + i] * q->unit[k + j]);
      z[i] += w->M[j * m + i] * u[j];
    }
    w->M[j * m + j] += q->k[k + j] / (q->unit[k + j] * q->unit[k + j]);
  }
  for (int j = 0; j < m; j++) nz += sp_soft(z[j], t[j]) * sp_soft(z[j], t[j]);
  memcpy(x, u, (size_t)m * sizeof *x);
  if (sqrt(nz) <= T) memset(x, 0, (size_t)m * sizeof *x);
  else proximal(m, w->M, T, t, z, x, w->F);
}

/* w->c of slots s.. from w->rho = S'r */
static void share_dots(const sp_qp *q, work *w, int s, int m) {
  const int K = q->view.K;
  for (int j = s; j < s + m; j += K) {
    const double *x = q->XA + (ptrdiff_t)(j / K) * q->view.n;
    sp_cols_dot(&x, 1, q->view.n, w->rho, q->view.n, K, w->c + j, K);
  }
}

/* w->rho += M (X d - level), the step d [m] of the block at slot s */
static void share_move(const sp_qp *q, work *w, int s, int m, const double *d) {
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
static void update_block(sp_qp *q, work *w, int s, int by_gram) {
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
  if (l1 > 0) minimize_sparse(q, w, s, q->T[k], u, x);
  else minimize_smooth(q, w, s, q->k[k] / (q->unit[k] * q->unit[k]), q->T[k], sqrt(uu), u, x);
  for (int j = 0; j < m; j++) {
    const double b = x[j] / q->unit[k + j], d = b - q->b[k + j];
    ss += x[j] * x[j];
    moved += fabs(d);
    q->b[k + j] = b;
    u[j] = -d;
    if (!by_gram && !shares) w->b0[s + j] = b;
  }
  if ((uu > 0) != (ss > 0) || (moved > 0 && l1 > 0)) w->chord = 0; /* the support may have changed */
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
  return 2 * a + GRAM_SHARE * (a - q->gram) * length < 4 * length;
}

static void sweep(sp_qp *q, work *w, int by_gram) {
  for (int s = 0; s < q->a; s += q->len[q->A[s]]) update_block(q, w, s, by_gram);
}

/* of the penalty from b to b + d, without cancellation; *size: of its terms */
static double penalty_change(const sp_qp *q, const double *d, double *size) {
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
    const double sum = sqrt(old) + sqrt(to), change = sum > 0 ? q->T[k] * (cross / sum) : 0;
    f += change;
    *size += fabs(change);
  }
  return f;
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

static int support(const sp_qp *q) {
  int count = 0;
  for (int i = 0; i < q->a; i++) count += q->b[q->A[i]] != 0;
  return count;
}

/* Products of the support for a single factor: from G, or made anew where G lacks more than they cost? */
static int from_gram(const sp_qp *q) {
  const double s = support(q), missing = columns(q) - q->gram;
  return q->packed || 2 * missing * columns(q) <= s * s;
}

/* H of the support, factored; 0 when it cannot be */
static int factor(sp_qp *q, work *w) {
  int s = 0, info = 1;
  double trace = 0;
  for (int i = 0; i < q->a; i++) {
    if (q->b[q->A[i]] != 0) w->S[s++] = i;
  }
  w->s = s;
  if (!s) return 0;
  if (!w->with_gram) {
    for (int j = 0; j < s; j++) {
      const double *x = q->XA + (ptrdiff_t)w->S[j] * q->n, scale = 1 / q->unit[q->A[w->S[j]]];
      for (ptrdiff_t i = 0; i < q->n; i++) w->N[j * q->n + i] = scale * x[i];
    }
  }
  for (double jitter = 0; info && jitter <= 1e-6; jitter = jitter > 0 ? jitter * 100 : 1e-14) {
    if (!w->with_gram) {
      const int n = (int)q->n;
      const double one = 1, zero = 0;
      dsyrk_("U", "T", &s, &n, &one, w->N, &n, &zero, w->H, &s, 1, 1);
    }
    for (int j = 0; j < s; j++) {
      const int pj = q->A[w->S[j]];
      if (!w->with_gram) {
        w->H[(ptrdiff_t)j * s + j] += q->k[pj] / (q->unit[pj] * q->unit[pj]);
        continue;
      }
      const double *col = q->packed && !by_shares(q) ? NULL : q->G + (ptrdiff_t)w->S[j] * q->capG, uj = q->unit[pj];
      double *to = w->H + (ptrdiff_t)j * s;
      for (int i = 0; i <= j; i++) to[i] = (col ? col[w->S[i]] : gram(q, w->S[i], w->S[j])) / (uj * q->unit[q->A[w->S[i]]]);
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

/* The same with s > n, in the rows. With X the columns of the support in penalized units, k_g = T / h, Dk = k_g + ridge and U the
 * directions u_g, H = M - U k U' with M = X'X + Dk, and
 *
 *   M^-1 g = Dk^-1 (g - X'N^-1 X Dk^-1 g),  N = I + X Dk^-1 X';   H^-1 g = M^-1 g + M^-1 U C^-1 U'M^-1 g,
 *   C = k^-1 - U'M^-1 U = ridge / (k (k + ridge)) + W'N^-1 W,  W = X Dk^-1 U:
 *
 * nothing is subtracted, and N and C are positive definite when the fits X u_g are independent. X is kept scaled by Dk^-1/2. */
static int factor_rows(sp_qp *q, work *w) {
  const int n = (int)q->n;
  const double one = 1, zero = 0;
  int s = 0, blocks = 0, info;
  for (int i = 0; i < q->a; i++) {
    if (q->b[q->A[i]] != 0) w->S[s++] = i;
  }
  w->s = s;
  memset(w->N, 0, (size_t)n * (size_t)n * sizeof *w->N);
  for (int j = 0, last = -1; j < s; j++) {
    const int pos = q->A[w->S[j]];
    int head = pos;
    while (q->len[head] == 0) head--;
    if (head != last) {
      memset(w->V + (ptrdiff_t)blocks * n, 0, (size_t)n * sizeof *w->V);
      w->m[blocks++] = 0;
      last = head;
    }
    const double h = sp_block_norm(q, head), ridge = q->k[pos] / (q->unit[pos] * q->unit[pos]), k = q->T[head] / h, dk = k + ridge;
    if (!(dk > 0)) return 0; /* neither norm nor ridge */
    double *x = w->X + (ptrdiff_t)j * n;
    const double scale = 1 / (q->unit[pos] * sqrt(dk)), *col = q->XA + (ptrdiff_t)w->S[j] * q->n;
    for (int i = 0; i < n; i++) x[i] = scale * col[i];
    w->block[j] = blocks - 1;
    w->k[j] = dk;
    w->dir[j] = k > 0 ? q->unit[pos] * q->b[pos] / h : 0; /* without a norm there is nothing to take off */
    w->m[blocks - 1] = k > 0 ? ridge / (k * dk) : 1;
    sp_axpy(w->dir[j] / sqrt(dk), x, w->V + (ptrdiff_t)(blocks - 1) * n, n);
  }
  w->blocks = blocks;
  dsyrk_("L", "N", &n, &s, &one, w->X, &n, &zero, w->N, &n, 1, 1);
  for (int i = 0; i < n; i++) w->N[(ptrdiff_t)i * n + i] += 1;
  dpotrf_("L", &n, w->N, &n, &info, 1);
  if (info) return 0;
  dtrsm_("L", "L", "N", "N", &n, &blocks, &one, w->N, &n, w->V, &n, 1, 1, 1, 1);
  dsyrk_("U", "T", &blocks, &n, &one, w->V, &n, &zero, w->C, &blocks, 1, 1);
  double trace = 0;
  for (int g = 0; g < blocks; g++) trace += w->C[(ptrdiff_t)g * blocks + g] += w->m[g];
  for (int g = 0; g < blocks; g++) w->C[(ptrdiff_t)g * blocks + g] += 1e-14 * trace / blocks;
  dpotrf_("U", &blocks, w->C, &blocks, &info, 1);
  return info == 0;
}

/* w->x [s] <- H^-1 w->x by what factor_rows() made. The directions are those of the factor, kept in w->dir */
static void solve_rows(const sp_qp *q, work *w) {
  const int n = (int)q->n, s = w->s, one = 1;
  double *y = q->u, *t = w->m, *x = w->x;
  int info;
  memset(y, 0, (size_t)n * sizeof *y);
  for (int j = 0; j < s; j++) x[j] /= sqrt(w->k[j]); /* Dk^-1/2 g */
  sp_gemv_n(w->X, n, n, s, x, y);
  dtrsv_("L", "N", "N", &n, w->N, &n, y, &one, 1, 1, 1); /* L^-1 X g */
  memcpy(q->e, y, (size_t)n * sizeof *y);
  dtrsv_("L", "T", "N", &n, w->N, &n, q->e, &one, 1, 1, 1);
  sp_gemv_t(w->X, n, n, s, q->e, w->g);
  for (int j = 0; j < s; j++) x[j] -= w->g[j]; /* Dk^1/2 M^-1 g */
  memset(t, 0, (size_t)w->blocks * sizeof *t);
  for (int j = 0; j < s; j++) t[w->block[j]] += w->dir[j] * x[j] / sqrt(w->k[j]);
  dpotrs_("U", &w->blocks, &one, w->C, &w->blocks, t, &w->blocks, &info, 1);
  memset(y, 0, (size_t)n * sizeof *y);
  sp_gemv_n(w->V, n, n, w->blocks, t, y); /* L^-1 W t */
  dtrsv_("L", "T", "N", &n, w->N, &n, y, &one, 1, 1, 1);
  sp_gemv_t(w->X, n, n, s, y, w->g);
  for (int j = 0; j < s; j++) x[j] = (x[j] + w->dir[j] * t[w->block[j]] / sqrt(w->k[j]) - w->g[j]) / sqrt(w->k[j]);
}

/* The same for packed columns, whose support is whole: M = I_K (x) (X'X + Dk) for all predictors, so with the scaled
 *
 *   P = (Dk^-1/2 X'X Dk^-1/2 + I)^-1 = I - Y'Y,   Y = L^-1 X Dk^-1/2,  L L' = I + X Dk^-1 X',
 *
 * by columns or in the rows, C is the sum over the columns of two blocks of (I - P) o (u_g'u_h): one factorization of the size of the
 * columns or of the rows, and one of the number of blocks, for all K. */
/* k_g and the like of packed blocks: w->k what is added to the curvature, by column, w->dir the directions, w->m the ridge's part of C */
static void describe_blocks(const sp_qp *q, work *w) {
  const int K = q->view.K;
  int blocks = 0;
  for (int s = 0; s < q->a; s += q->len[q->A[s]]) {
    const int head = q->A[s];
    const double h = sp_block_norm(q, head), k = q->T[head] / h;
    for (int i = s; i < s + q->len[head]; i++) {
      const int pos = q->A[i];
      const double unit = q->unit[pos], ridge = q->k[pos] / (unit * unit);
      w->S[i] = i;
      w->dir[i] = unit * q->b[pos] / h;
      w->k[i / K] = k + ridge;
      w->block[i / K] = blocks;
      w->m[blocks] = ridge / (k * (k + ridge));
    }
    blocks++;
  }
  w->s = q->a;
  w->blocks = blocks;
}

/* The metric of shares. In the rows M is (M_i)^+ + X Dk^-1 X' in each predictor, whose inverse is, with D_k = diag(s_k),
 *
 *   E_k on the diagonal less E_k F^-1 E_l,   E_k = D_k^1/2 (I + D_k^1/2 X Dk^-1 X' D_k^1/2)^-1 D_k^1/2,   F = sum E_k
 *
 * (Williams & Barber 1998, section 4; Rasmussen & Williams 2006, eq. 3.44). An intercept is a column of no penalty: E_k - E_k 1 1'E_k / 1'E_k 1.
 * K + 1 factorizations of the size of the rows in place of one of K times that. w->V: E_k, then X'EX's parts. */
static int factor_shares(sp_qp *q, work *w) {
  const int n = (int)q->view.n, K = q->view.K, count = columns(q), step = 1;
  const ptrdiff_t nn = (ptrdiff_t)n * n;
  const double one = 1, zero = 0, minus = -1;
  int info;
  double *F = w->N, *T = w->X, *E = w->V, *Y = E + K * nn, *P = w->C + (ptrdiff_t)w->room_C, *half = q->share_mean, *e = half + n;
  describe_blocks(q, w);
  const int blocks = w->blocks;
  memset(F, 0, (size_t)nn * sizeof *F);
  memset(Y, 0, (size_t)n * (size_t)count * sizeof *Y);
  memset(P, 0, (size_t)count * (size_t)count * sizeof *P);
  for (int j = 0; j < count; j++) {
    const double scale = 1 / (q->unit[q->A[j * K]] * sqrt(w->k[j])), *x = q->XA + (ptrdiff_t)j * n;
    for (int i = 0; i < n; i++) T[(ptrdiff_t)j * n + i] = scale * x[i];
  }
  dsyrk_("L", "N", &n, &count, &one, T, &n, &zero, F, &n, 1, 1); /* X Dk^-1 X', for the time being */
  for (int k = 0; k < K; k++) {
    double *L = E + k * nn, sum = 0;
    for (int i = 0; i < n; i++) half[i] = sqrt(q->shares[i + (ptrdiff_t)k * n]);
    for (int j = 0; j < n; j++) {
      for (int i = j; i < n; i++) L[(ptrdiff_t)j * n + i] = half[i] * half[j] * F[(ptrdiff_t)j * n + i] + (i == j);
    }
    dpotrf_("L", &n, L, &n, &info, 1);
    if (info) return 0;
    for (int j = 0; j < count; j++) {
      const double scale = w->dir[j * K + k] / (q->unit[q->A[j * K]] * w->k[j]), *x = q->XA + (ptrdiff_t)j * n;
      for (int i = 0; i < n; i++) T[(ptrdiff_t)j * n + i] = scale * x[i] * half[i];
    }
    dtrsm_("L", "L", "N", "N", &n, &count, &one, L, &n, T, &n, 1, 1, 1, 1);
    if (q->k0) {
      memcpy(e, half, (size_t)n * sizeof *e);
      dtrsv_("L", "N", "N", &n, L, &n, e, &step, 1, 1, 1);
      const double norm = sp_nrm2sq(e, n);
      for (int j = 0; j < count && norm > 0; j++) {
        double *t = T + (ptrdiff_t)j * n;
        sp_axpy(-sp_dot(e, t, n) / norm, e, t, n);
      }
    }
    dsyrk_("U", "T", &count, &n, &one, T, &n, &one, P, &count, 1, 1);
    dtrsm_("L", "L", "T", "N", &n, &count, &one, L, &n, T, &n, 1, 1, 1, 1);
    for (int j = 0; j < count; j++) {
      for (int i = 0; i < n; i++) Y[(ptrdiff_t)j * n + i] += half[i] * T[(ptrdiff_t)j * n + i];
    }
    dpotri_("L", &n, L, &n, &info, 1);
    for (int j = 0; j < n; j++) {
      for (int i = j; i < n; i++) L[(ptrdiff_t)j * n + i] *= half[i] * half[j];
      for (int i = 0; i < j; i++) L[(ptrdiff_t)j * n + i] = L[(ptrdiff_t)i * n + j];
    }
    if (q->k0) {
      for (int j = 0; j < n; j++) {
        e[j] = 0;
        for (int i = 0; i < n; i++) e[j] += L[(ptrdiff_t)j * n + i];
        sum += e[j];
      }
      for (int j = 0; j < n && sum > 0; j++) sp_axpy(-e[j] / sum, e, L + (ptrdiff_t)j * n, n);
    }
  }
  double trace = 0;
  memset(F, 0, (size_t)nn * sizeof *F);
  for (int k = 0; k < K; k++) sp_axpy(1, E + k * nn, F, nn);
  for (int i = 0; i < n; i++) trace += F[(ptrdiff_t)i * n + i];
  for (ptrdiff_t i = 0; i < nn && q->k0; i++) F[i] += trace / ((double)n * n);
  for (int i = 0; i < n; i++) F[(ptrdiff_t)i * n + i] += 1e-13 * trace / n;
  dpotrf_("L", &n, F, &n, &info, 1);
  if (info) return 0;
  dtrsm_("L", "L", "N", "N", &n, &count, &one, F, &n, Y, &n, 1, 1, 1, 1);
  dsyrk_("U", "T", &count, &n, &minus, Y, &n, &one, P, &count, 1, 1);
  memset(w->C, 0, (size_t)blocks * (size_t)blocks * sizeof *w->C);
  for (int j = 0; j < count; j++) {
    for (int i = 0; i <= j; i++) {
      w->C[(ptrdiff_t)w->block[j] * blocks + w->block[i]] += (i < j && w->block[i] == w->block[j] ? 2 : 1) * P[(ptrdiff_t)j * count + i];
    }
  }
  trace = 0;
  for (int g = 0; g < blocks; g++) trace += w->C[(ptrdiff_t)g * blocks + g] += w->m[g];
  for (int g = 0; g < blocks; g++) w->C[(ptrdiff_t)g * blocks + g] += 1e-13 * trace / blocks;
  dpotrf_("U", &blocks, w->C, &blocks, &info, 1);
  return info == 0;
}

/* out [K x columns] = M^-1 x */
static void shares_inverse(const sp_qp *q, work *w, const double *x, double *out) {
  const int n = (int)q->view.n, K = q->view.K, count = columns(q), step = 1;
  const ptrdiff_t nn = (ptrdiff_t)n * n;
  const double one = 1, zero = 0;
  double *V = q->share_work, *f = q->share_mean, *E = w->V;
  for (int i = 0; i < q->a; i++) out[i] = x[i] / (q->unit[q->A[i]] * w->k[i / K]);
  dgemm_("N", "T", &n, &K, &count, &one, q->XA, &n, out, &K, &zero, V, &n, 1, 1);
  memset(f, 0, (size_t)n * sizeof *f);
  for (int k = 0; k < K; k++) {
    memset(f + n, 0, (size_t)n * sizeof *f);
    sp_gemv_n(E + k * nn, n, n, n, V + (ptrdiff_t)k * n, f + n);
    memcpy(V + (ptrdiff_t)k * n, f + n, (size_t)n * sizeof *V);
    sp_axpy(1, f + n, f, n);
  }
  dtrsv_("L", "N", "N", &n, w->N, &n, f, &step, 1, 1, 1);
  dtrsv_("L", "T", "N", &n, w->N, &n, f, &step, 1, 1, 1);
  for (ptrdiff_t i = 0; i < n; i++) f[i] = -f[i];
  for (int k = 0; k < K; k++) sp_gemv_n(E + k * nn, n, n, n, f, V + (ptrdiff_t)k * n);
  dgemm_("T", "N", &K, &count, &n, &one, V, &n, q->XA, &n, &zero, out, &K, 1, 1);
  for (int i = 0; i < q->a; i++) out[i] = (x[i] - out[i] / q->unit[q->A[i]]) / w->k[i / K];
}

static void solve_shares(const sp_qp *q, work *w) {
  const int K = q->view.K, one = 1;
  double *x = w->x, *y = w->g, *t = w->m;
  int info;
  shares_inverse(q, w, x, y);
  memset(t, 0, (size_t)w->blocks * sizeof *t);
  for (int i = 0; i < q->a; i++) t[w->block[i / K]] += w->dir[i] * y[i];
  dpotrs_("U", &w->blocks, &one, w->C, &w->blocks, t, &w->blocks, &info, 1);
  for (int i = 0; i < q->a; i++) x[i] += w->dir[i] * t[w->block[i / K]];
  shares_inverse(q, w, x, y);
  memcpy(x, y, (size_t)q->a * sizeof *x);
}

static double columns_cost(const sp_qp *q) {
  const double c = columns(q), n = (double)q->view.n;
  return c * c * c + 2 * n * c * (c - q->gram);
}

static double rows_cost(const sp_qp *q) {
  const double c = columns(q), n = (double)q->view.n;
  return 2 * n * n * c + n * c * c + n * n * n / 3;
}

static int factor_packed(sp_qp *q, work *w) {
  if (by_shares(q)) return factor_shares(q, w);
  const int n = (int)q->view.n, K = q->view.K, count = columns(q);
  const double one = 1, zero = 0;
  int info;
  describe_blocks(q, w);
  const int blocks = w->blocks;
  for (int j = 0; j < count; j++) w->k[j] = sqrt(w->k[j]);
  double *P = w->by_rows ? w->V : w->N; /* P, or I - P */
  if (w->by_rows) {
    for (int j = 0; j < count; j++) {
      const double scale = 1 / (q->unit[q->A[j * K]] * w->k[j]), *col = q->XA + (ptrdiff_t)j * n;
      double *x = w->X + (ptrdiff_t)j * n;
      for (int i = 0; i < n; i++) x[i] = scale * col[i];
    }
    dsyrk_("L", "N", &n, &count, &one, w->X, &n, &zero, w->N, &n, 1, 1);
    for (int i = 0; i < n; i++) w->N[(ptrdiff_t)i * n + i] += 1;
    dpotrf_("L", &n, w->N, &n, &info, 1);
    if (info) return 0;
    dtrsm_("L", "L", "N", "N", &n, &count, &one, w->N, &n, w->X, &n, 1, 1, 1, 1);
    dsyrk_("U", "T", &count, &n, &one, w->X, &n, &zero, P, &count, 1, 1);
  } else {
    for (int j = 0; j < count; j++) {
      const double scale = 1 / (q->unit[q->A[j * K]] * w->k[j]), *g = q->G + (ptrdiff_t)j * q->capG;
      double *to = P + (ptrdiff_t)j * count;
      for (int i = 0; i <= j; i++) to[i] = g[i] * scale / (q->unit[q->A[i * K]] * w->k[i]);
      to[j] += 1;
    }
    dpotrf_("U", &count, P, &count, &info, 1);
    if (info) return 0;
    dpotri_("U", &count, P, &count, &info, 1);
  }
  memset(w->C, 0, (size_t)blocks * (size_t)blocks * sizeof *w->C);
  for (int j = 0; j < count; j++) {
    const double *p = P + (ptrdiff_t)j * count, *uj = w->dir + (ptrdiff_t)j * K;
    double *to = w->C + (ptrdiff_t)w->block[j] * blocks;
    for (int i = 0; i <= j; i++) {
      const double *ui = w->dir + (ptrdiff_t)i * K, e = w->by_rows ? p[i] : (i == j) - p[i];
      double uu = 0;
      for (int k = 0; k < K; k++) uu += ui[k] * uj[k];
      to[w->block[i]] += (i < j && w->block[i] == w->block[j] ? 2 : 1) * e * uu / (w->k[i] * w->k[j]);
    }
  }
  if (!w->by_rows) {
    for (int j = 0; j < count; j++) {
      for (int i = 0; i < j; i++) P[(ptrdiff_t)i * count + j] = P[(ptrdiff_t)j * count + i];
    }
  }
  double trace = 0;
  for (int g = 0; g < blocks; g++) trace += w->C[(ptrdiff_t)g * blocks + g] += w->m[g];
  for (int g = 0; g < blocks; g++) w->C[(ptrdiff_t)g * blocks + g] += 1e-14 * trace / blocks;
  dpotrf_("U", &blocks, w->C, &blocks, &info, 1);
  return info == 0;
}

/* out [K x columns] = x P */
static void times_p(const sp_qp *q, work *w, const double *x, double *out) {
  const int n = (int)q->view.n, K = q->view.K, count = columns(q);
  const double one = 1, zero = 0, minus = -1;
  if (w->by_rows) {
    memcpy(out, x, (size_t)q->a * sizeof *out);
    dgemm_("N", "T", &n, &K, &count, &one, w->X, &n, x, &K, &zero, q->u, &n, 1, 1);
    dgemm_("T", "N", &K, &count, &n, &minus, q->u, &n, w->X, &n, &one, out, &K, 1, 1);
  } else {
    dgemm_("N", "N", &K, &count, &count, &one, x, &K, w->N, &count, &zero, out, &K, 1, 1);
  }
}

static void solve_packed(const sp_qp *q, work *w) {
  if (by_shares(q)) {
    solve_shares(q, w);
    return;
  }
  const int K = q->view.K, one = 1;
  double *x = w->x, *y = w->g, *t = w->m;
  int info;
  for (int i = 0; i < q->a; i++) x[i] /= w->k[i / K];
  times_p(q, w, x, y); /* Dk^1/2 M^-1 g */
  memset(t, 0, (size_t)w->blocks * sizeof *t);
  for (int i = 0; i < q->a; i++) t[w->block[i / K]] += w->dir[i] * y[i] / w->k[i / K];
  dpotrs_("U", &w->blocks, &one, w->C, &w->blocks, t, &w->blocks, &info, 1);
  for (int i = 0; i < q->a; i++) x[i] += w->dir[i] * t[w->block[i / K]] / w->k[i / K];
  times_p(q, w, x, y);
  for (int i = 0; i < q->a; i++) x[i] = y[i] / w->k[i / K];
}

/* Has every block a norm, and no coefficient that is zero? */
static int whole_support(const sp_qp *q) {
  for (int s = 0; s < q->a; s += q->len[q->A[s]]) {
    const int k = q->A[s];
    if (!(q->T[k] > 0) || !(sp_block_norm(q, k) > 0)) return 0;
    for (int j = k; j < k + q->len[k]; j++) {
      if (q->b[j] == 0 && q->t[j] > 0) return 0;
    }
  }
  return 1;
}

/* with the metric of shares, see factor_shares() */
static double shares_cost(const sp_qp *q) {
  const double c = columns(q), n = (double)q->view.n, K = q->view.K;
  return K * (n * n * n + 2 * n * n * c + n * c * c) + 2 * n * n * c + n * n * n / 3 + n * c * c + c * c * c / 3;
}

static double dense_cost(const sp_qp *q) {
  const double a = q->a, c = columns(q);
  return a * a * a / 3 + (q->gram < q->a ? (a + c) * c * (double)q->view.n : 0);
}

/* One factorization for all predictors? */
static int goes_packed(const sp_qp *q) { return q->packed && whole_support(q) && (!by_shares(q) || shares_cost(q) < dense_cost(q)); }

/* Is a factor in the rows cheaper? */
static int by_rows(const sp_qp *q) {
  if (by_shares(q)) return goes_packed(q);
  if (q->packed) return whole_support(q) && rows_cost(q) < columns_cost(q);
  return segment_length(q) == q->n && q->a > 1.2 * (double)q->n && support(q) > 1.2 * (double)q->n;
}

/* flops of a factorization */
static double factor_cost(const sp_qp *q) {
  const double a = q->packed ? q->a : support(q), n = (double)q->n;
  if (by_shares(q)) return goes_packed(q) ? shares_cost(q) : dense_cost(q);
  if (q->packed && whole_support(q)) return fmin(rows_cost(q), columns_cost(q)) + pow(columns(q), 3) / 3;
  if (by_rows(q)) return n * (n + 12) * a + n * n * n / 3;
  if (!from_gram(q)) return a * a * a / 3 + n * a * a;
  return a * a * a / 3 + 2 * (double)(q->packed ? q->view.n : q->n) * columns(q) * (columns(q) - q->gram);
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

/* The same up to where the first coefficient vanishes, in a straight line: with dependent columns in the support steps are long, and
 * none of those that cut signs off helps. 0: no coefficient vanishes. */
static int boundary(const sp_qp *q, work *w) {
  double len = 1;
  int first = -1;
  for (int j = 0; j < w->s; j++) {
    const int pos = q->A[w->S[j]];
    const double u = q->unit[pos] * q->b[pos];
    if (!(q->t[pos] > 0) || !(u * w->x[j] < 0) || !(-u / w->x[j] < len)) continue;
    len = -u / w->x[j];
    first = j;
  }
  if (first < 0) return 0;
  memset(w->d, 0, (size_t)q->a * sizeof *w->d);
  for (int j = 0; j < w->s; j++) w->d[w->S[j]] = len * w->x[j] / q->unit[q->A[w->S[j]]];
  w->d[w->S[first]] = -q->b[q->A[w->S[first]]];
  return 1;
}

enum { SHORTENED = 2 };

/* One step; 0: none that helps, SHORTENED: a coefficient has vanished, and the others are to be solved for first. E: the residual before */
static int newton(sp_qp *q, work *w, double E) {
  const int one = 1;
  int info;
  const int again = w->chord && E < CHORD && w->newton_rate < 0.1;
  if (!again) {
    w->by_rows = by_rows(q);
    w->as_packed = goes_packed(q);
    if (!(w->as_packed ? factor_packed : w->by_rows ? factor_rows : factor)(q, w)) return w->chord = 0;
  }
  w->chord = 1;
  for (int j = 0; j < w->s; j++) {
    const int slot = w->S[j], pos = q->A[slot];
    int head = pos;
    while (q->len[head] == 0) head--;
    const double unit = q->unit[pos], b = q->b[pos], h = sp_block_norm(q, head);
    if ((b == 0 && q->t[pos] > 0) || h == 0) return w->chord = 0;
    w->x[j] = (w->c[slot] - (b > 0 ? q->t[pos] : -q->t[pos]) - q->k[pos] * b) / unit - q->T[head] / h * unit * b;
  }
  if (w->as_packed) solve_packed(q, w);
  else if (w->by_rows) solve_rows(q, w);
  else dpotrs_("U", &w->s, &one, w->H, &w->s, w->x, &w->s, &info, 1);
  q->n_rounds++;
  double len = 1, terms;
  for (int it = 0; it < 9; it++) {
    if (it == 2) { /* two tries with signs cut off */
      if (!boundary(q, w)) continue;
    } else {
      polar(q, w, len);
      len /= 2;
    }
    double curve;
    if (w->by_rows || q->packed || q->gram < q->a) {
      memset(q->u, 0, (size_t)q->n * sizeof *q->u);
      sp_block_fit(q, w->d, q->u);
      sp_block_products(q, q->u, w->gd);
      curve = sp_nrm2sq(q->u, q->n);
    } else {
      memset(w->gd, 0, (size_t)q->a * sizeof *w->gd);
      sp_gemv_n(q->G, q->capG, q->a, q->a, w->d, w->gd);
      curve = sp_dot(w->gd, w->d, q->a);
    }
    const double df = curve / 2 - sp_dot(w->c, w->d, q->a) + penalty_change(q, w->d, &terms);
    if (!(df <= SLACK * terms)) continue;
    for (int i = 0; i < q->a; i++) {
      const int pos = q->A[i];
      q->b[pos] += w->d[i];
      if (w->d[i] != 0 && fabs(q->b[pos]) <= 1e-17 * fabs(w->d[i])) q->b[pos] = 0;
      if (w->d[i] != 0 && q->b[pos] == 0) w->chord = 0;
      w->c[i] -= w->gd[i];
    }
    w->newton_rate = residual(q, w) / E;
    return it == 2 ? SHORTENED : 1;
  }
  w->chord = 0;
  return 0;
}

/* ---- the solver -------------------------------------------------------------------------------- */

static sp_status reserve(sp_qp *q, work *w) {
  sp_status st = SP_OK;
  if (q->a > w->cap) {
    const size_t from = (size_t)w->cap, to = (size_t)q->a + (size_t)q->a / 4 + 8;
    double **reals[] = {&w->c, &w->d, &w->gd, &w->b0, &w->u, &w->g, &w->x, &w->v, &w->k, &w->m, &w->dir};
    for (size_t i = 0; i < sizeof reals / sizeof *reals; i++) SP_TRY(sp_grow(q->ctx, reals[i], from, to, sizeof(double)));
    SP_TRY(sp_grow(q->ctx, &w->S, from, to, sizeof(int)));
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

static sp_status reserve_newton(sp_qp *q, work *w) {
  sp_status st = SP_OK;
  const int rows = by_rows(q), packed = goes_packed(q), shares = packed && by_shares(q);
  const size_t n = (size_t)(packed ? q->view.n : q->n), c = (size_t)columns(q);
  size_t m = 0;
  for (int s = 0; s < q->a; s += q->len[q->A[s]]) m++;
  const int with_gram = from_gram(q);
  if (!rows && with_gram) SP_TRY(complete_gram(q));
  if (rows || packed) {
    const size_t K = (size_t)q->view.K, N = rows ? n * n : c * c, X = rows ? n * c : 0;
    const size_t V = shares ? K * n * n + n * c : packed ? (rows ? c * c : 0) : n * m, need = N + X + V + (shares ? c * c : 0) + m * m;
    if (need > w->cap_rows) {
      SP_TRY(sp_grow(q->ctx, &w->N, w->cap_rows, need + need / 4, sizeof *w->N));
      w->cap_rows = need + need / 4;
      w->chord = 0;
    }
    w->X = w->N + N;
    w->V = w->X + X;
    w->C = w->V + V;
    w->room_C = m * m;
    return SP_OK;
  }
  if (!w->chord) w->with_gram = with_gram;
  if (!with_gram) {
    const size_t need = n * (size_t)support(q);
    if (need > w->cap_rows) {
      SP_TRY(sp_grow(q->ctx, &w->N, w->cap_rows, need + need / 4, sizeof *w->N));
      w->cap_rows = need + need / 4;
      w->chord = 0;
      w->with_gram = with_gram;
    }
  }
  if (q->a > w->cap_H) {
    const int to = q->a + q->a / 4;
    sp_free(q->ctx, w->H);
    w->cap_H = 0;
    w->chord = 0;
    if (!(w->H = sp_alloc(q->ctx, (size_t)to * (size_t)to, sizeof *w->H))) return SP_ENOMEM;
    w->cap_H = to;
  }
done:
  return st;
}

/* r and c anew after b has moved */
static void synchronize(sp_qp *q, work *w, int moved) {
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
static sp_status accelerate(sp_qp *q, work *w, int by_gram) {
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
  const int solved = small_factor(DEPTH, M);
  if (solved) small_solve(DEPTH, M, weight);
  for (int j = 0; j < DEPTH && solved; j++) sum += weight[j];
  for (int j = 0; j < DEPTH && solved; j++) size += fabs(weight[j] /= sum);
  int take = solved && size < WILD;
  if (take) {
    double *to = w->kept, gain = 0; /* the first iterate has no part in it */
    memset(to, 0, (size_t)stride * sizeof *to);
    for (int j = 0; j < DEPTH; j++) sp_axpy(weight[j], w->kept + (j + 1) * stride, to, stride);
    for (int i = 0; i < q->a; i++) w->d[i] = to[i] - last[i];
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
    take = penalty_change(q, w->d, &terms) - gain / 2 <= SLACK * terms;
    if (take) {
      memcpy(state, to + a, (size_t)length * sizeof *state);
      for (int i = 0; i < q->a; i++) {
        q->b[q->A[i]] = to[i];
        if (!by_gram && !by_shares(q)) w->b0[i] = to[i];
      }
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
static sp_status sweeps(sp_qp *q, work *w, int count, int *moved) {
  const int by_gram = prefers_gram(q);
  sp_status st = SP_OK;
  if (by_gram) {
    SP_TRY(complete_gram(q));
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
  SP_TRY(load(q, from, 1));
  SP_TRY(reserve(q, w));
  for (int i = from; i < q->a; i++) {
    w->c[i] = q->c[q->A[i]];
    w->b0[i] = q->b[q->A[i]];
  }
  w->chord = w->kept_count = 0;
done:
  return st;
}

/* On a segment of the path coefficients move in proportion to lambda: as far again, where that lowers the objective. A norm keeps its
 * sign. */
static void predict(sp_qp *q, work *w) {
  double terms, slope = 0;
  for (int s = 0; s < q->a; s += q->len[q->A[s]]) {
    const int k = q->A[s], m = q->len[k];
    double old = 0, along = 0;
    for (int j = 0; j < m; j++) {
      const double unit = q->unit[k + j];
      w->d[s + j] = q->ahead * q->step[k + j];
      if (q->t[k + j] > 0 && (q->b[k + j] + w->d[s + j]) * q->b[k + j] <= 0) w->d[s + j] = -q->b[k + j];
      old += unit * unit * q->b[k + j] * q->b[k + j];
      along += unit * unit * q->b[k + j] * w->d[s + j];
    }
    if (along < -0.9 * old) memset(w->d + s, 0, (size_t)m * sizeof *w->d);
  }
  memset(q->u, 0, (size_t)q->n * sizeof *q->u);
  sp_block_fit(q, w->d, q->u);
  for (ptrdiff_t i = 0; i < q->n; i++) slope += q->u[i] * (q->r[i] - q->u[i] / 2);
  if (!(penalty_change(q, w->d, &terms) - slope < 0)) return;
  sp_axpy(-1, q->u, q->r, q->n);
  for (int i = 0; i < q->a; i++) q->b[q->A[i]] += w->d[i];
}

sp_status sp_blocks(sp_qp *q, int c_fresh, int *ok) {
  sp_status st = SP_OK;
  work w = {0};
  const double goal = sp_max(DONE, q->goal);
  double rate = 0, last = INFINITY, looked = INFINITY; /* contraction of a sweep; 0: not known */
  int moved = 0, refused = 0;
  *ok = 0;
  SP_TRY(reserve(q, &w));
  if (by_shares(q) && !(w.rho = sp_alloc(q->ctx, (size_t)q->n, sizeof *w.rho))) {
    st = SP_ENOMEM;
    goto done;
  }
  if (q->ahead > 0 && q->a) {
    predict(q, &w);
    c_fresh = 0;
  }
  q->ahead = 0;
  synchronize(q, &w, 0);
  for (int round = 0; round < ROUNDS; round++) {
    double E = residual(q, &w);
    const int stuck = E <= ROUNDING && E > 0.5 * last;
    if (E <= goal || E * q->lambda <= q->noise || stuck || E <= fmin(GATE, LOOK * looked)) {
      int entered;
      if (moved) synchronize(q, &w, 1);
      moved = 0;
      drop_zero_blocks(q, &w);
      E = residual(q, &w);
      SP_TRY(enter(q, &w, E, c_fresh, &entered));
      c_fresh = 0;
      looked = entered ? INFINITY : E;
      if (entered) {
        SP_TRY(sweeps(q, &w, 1, &moved));
        rate = 0;
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
    if (refused || left * sweep_cost(q) <= NEWTON_STEPS * factor_cost(q)) {
      const int most = refused ? 20 : rate == 0 ? 3 : (int)sp_max(2, fmin(10, left));
      refused = 0;
      SP_TRY(sweeps(q, &w, most, &moved));
      rate = fmin(1, sp_max(1e-3, pow(residual(q, &w) / E, 1.0 / most)));
    } else {
      synchronize(q, &w, moved);
      moved = 0;
      drop_zero_blocks(q, &w);
      SP_TRY(reserve_newton(q, &w));
      const int step = newton(q, &w, E);
      refused = !step;
      w.kept_count = 0;
      moved |= !refused;
      if (step == 1 && (!w.chord || w.newton_rate > 0.1)) SP_TRY(sweeps(q, &w, 1, &moved));
    }
  }
  synchronize(q, &w, moved);
  for (int i = 0; i < q->a; i++) q->c[q->A[i]] = w.c[i];
  drop_zero_blocks(q, &w);
done:;
  void *all[] = {w.c, w.d, w.gd, w.b0, w.u, w.g, w.x, w.v, w.H, w.M, w.F, w.S, w.N, w.k, w.m, w.dir, w.block, w.kept, w.rho};
  for (size_t i = 0; i < sizeof all / sizeof *all; i++) sp_free(q->ctx, all[i]);
  return st;
}
