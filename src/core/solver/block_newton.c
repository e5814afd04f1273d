/* Newton steps of the block solver: the matrix of the support, by columns, by rows, once for all responses or once for each class, and the
 * step in polar form. */
#include "block_work.h"

#include <math.h>
#include <string.h>

#include "../base/blas.h"
#include "../base/vec.h"

#define DEPENDENT 1e-9 /* with a rule: relative pivot below which a matrix is taken for singular, not indefinite */

int sp_block_support(const sp_qp *q) {
  int count = 0;
  for (int i = 0; i < q->a; i++) count += q->b[q->A[i]] != 0 && !sp_block_held(q, q->A[i]);
  return count;
}

/* Products of the support for a single factor: from G, or made anew where G lacks more than they cost? */
static int from_gram(const sp_qp *q) {
  const double s = sp_block_support(q), missing = columns(q) - q->gram;
  return q->packed || 2 * missing * columns(q) <= s * s;
}

/* A loss that does not see what its predictors have in common leaves the coefficients of a column free to move together, and a norm that
 * has become flat does not hold them: among such solutions the one with the sum of the moment is meant. */
static void hold_sums(const sp_qp *q, sp_block_work *w, int from, int to) {
  const int s = w->s, K = q->view.K;
  double size = 0; /* the same for all: what is held must not touch the differences */
  for (int j = from; j < to; j++) size += w->H[(ptrdiff_t)j * s + j] / (to - from);
  for (int j = from; j < to; j++) {
    int free = 0;
    for (int i = from; i < to; i++) free += q->W[q->A[w->S[i]]] / K == q->W[q->A[w->S[j]]] / K;
    for (int i = from; i <= j && free == K; i++) {
      if (q->W[q->A[w->S[i]]] / K == q->W[q->A[w->S[j]]] / K) w->H[(ptrdiff_t)j * s + i] += size;
    }
  }
}

/* H of the support, factored; 0 when it cannot be */
static int factor(sp_qp *q, sp_block_work *w) {
  int s = 0, info = 1;
  double trace = 0;
  for (int i = 0; i < q->a; i++) {
    if (q->b[q->A[i]] != 0 && !sp_block_held(q, q->A[i])) w->S[s++] = i;
  }
  w->s = s;
  if (!s) return 0;
  if (!w->with_gram) {
    for (int j = 0; j < s; j++) {
      const double *x = q->XA + (ptrdiff_t)w->S[j] * q->n, scale = 1 / q->unit[q->A[w->S[j]]];
      for (ptrdiff_t i = 0; i < q->n; i++) w->N[j * q->n + i] = scale * x[i];
    }
  }
  const double first = q->norm ? DEPENDENT : 1e-14;
  for (double jitter = 0; info && jitter <= (q->norm ? DEPENDENT : 1e-6); jitter = jitter > 0 ? jitter * 100 : first) {
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
      const double h = sp_block_norm(q, head), curve = q->T[head] / h, round = curve - sp_block_bend(q, head, h);
      for (int j = j0; j < j1; j++) {
        const int pj = q->A[w->S[j]];
        double *to = w->H + (ptrdiff_t)j * s;
        to[j] += curve;
        for (int i = j0; i <= j; i++) {
          const int pi = q->A[w->S[i]];
          to[i] -= round * (q->unit[pj] * q->b[pj] / h) * (q->unit[pi] * q->b[pi] / h);
        }
        trace += to[j];
      }
      if (q->hold && curve == 0 && !q->has_ridge) hold_sums(q, w, j0, j1);
      j0 = j1;
    }
    for (int j = 0; j < s; j++) w->H[(ptrdiff_t)j * s + j] += jitter * trace / s;
    for (int j = 0; j < s && q->norm; j++) w->x[j] = w->H[(ptrdiff_t)j * s + j];
    for (int j = 0; j < s && q->norm; j++) {
      if (!(w->x[j] > 0)) return 0;
    }
    dpotrf_("U", &s, w->H, &s, &info, 1);
    if (q->norm && info > 0 && w->H[(ptrdiff_t)(info - 1) * (s + 1)] < -DEPENDENT * w->x[info - 1]) return 0; /* not by rounding */
    for (int j = 0; j < s && q->norm && !info && jitter == 0; j++) { /* a flat penalty does not hold dependent columns */
      const double d = w->H[(ptrdiff_t)j * s + j];
      info = !(d * d > DEPENDENT * w->x[j]);
    }
  }
  return !info;
}

/* The same with s > n, in the rows. With X the columns of the support in penalized units, k_g = T / h, Dk = k_g + ridge and U the
 * directions u_g, H = M - U k U' with M = X'X + Dk, and
 *
 *   M^-1 g = Dk^-1 (g - X'N^-1 X Dk^-1 g),  N = I + X Dk^-1 X';   H^-1 g = M^-1 g + M^-1 U C^-1 U'M^-1 g,
 *   C = k^-1 - U'M^-1 U = ridge / (k (k + ridge)) + W'N^-1 W,  W = X Dk^-1 U:
 *
 * nothing is subtracted, and N and C are positive definite when the fits X u_g are independent. With a curvature e of P the matrix has
 * k - e in place of the second k, C (ridge + e) / ((k - e) (k + ridge)), and H is positive definite when C is.
 *
 * N - I is the sum of X_g X_g' over dk_g, and only the dk_g differ from one factorization to the next: X_g X_g' of long blocks is kept, in
 * single precision, since reading it is all that it costs. N is then known to eight digits, which is plenty for a step. */
#define OUTER_LENGTH 8    /* of a block from which on its X_g X_g' is kept */
#define OUTER_ROOM 3.3e7  /* bytes that these may take */
#define OUTER_TRACE 1e5   /* of N - I, beyond which single precision is not enough */
#define STRIP 128         /* columns of other blocks that go into N at a time */

static ptrdiff_t outer_size(const sp_qp *q) { return (q->n * (q->n + 1) / 2 + SP_FLOATS - 1) / SP_FLOATS * SP_FLOATS; }

static int most_outer(const sp_qp *q) { return (int)fmin(1e4, OUTER_ROOM / (sizeof(float) * (double)outer_size(q))); }

void sp_block_forget_outer(sp_block_work *w) {
  w->unused_count = 0;
  for (int i = w->outers; i-- > 0;) w->unused[w->unused_count++] = i;
}

/* A metric that moves would have them all made again. */
static int keeps_outer(const sp_qp *q, const sp_block_work *w, int k) {
  return !(w && w->reloads) && !q->packed && q->len[k] >= OUTER_LENGTH && q->len[k] <= STRIP && q->t[k] == 0;
}

/* columns of slots s .. s + m - 1 in penalized units times `scale`, to X */
static void scaled_columns(const sp_qp *q, int s, int m, double scale, double *X) {
  for (int j = 0; j < m; j++) {
    const double *col = q->XA + (ptrdiff_t)(s + j) * q->n, f = scale / q->unit[q->A[s + j]];
    for (ptrdiff_t i = 0; i < q->n; i++) X[j * q->n + i] = f * col[i];
  }
}

/* X_g X_g' of the active blocks that have none yet; w->N and w->X are free */
static sp_status make_outer(sp_qp *q, sp_block_work *w) {
  const int n = (int)q->n;
  const ptrdiff_t size = outer_size(q);
  const double one = 1, zero = 0;
  sp_status st = SP_OK;
  for (int s = 0; s < q->a; s += q->len[q->A[s]]) {
    const int m = q->len[q->A[s]];
    if (*outer_number(q, s) >= 0 || !keeps_outer(q, w, q->A[s])) continue;
    if (!w->outer) {
      w->most_outer = most_outer(q);
      w->outer = sp_calloc(q->ctx, (size_t)w->most_outer + 1, sizeof *w->outer);
      w->unused = sp_calloc(q->ctx, (size_t)w->most_outer + 1, sizeof *w->unused);
      w->packed = sp_alloc(q->ctx, (size_t)size, sizeof *w->packed);
      if (!w->outer || !w->unused || !w->packed) return SP_ENOMEM;
    }
    if (!w->unused_count) {
      if (w->outers == w->most_outer) break;
      if (!(w->outer[w->outers] = sp_alloc(q->ctx, (size_t)size, sizeof **w->outer))) return SP_ENOMEM;
      w->unused[w->unused_count++] = w->outers++;
    }
    const int number = w->unused[--w->unused_count];
    float *to = w->outer[number];
    scaled_columns(q, s, m, 1, w->X);
    dsyrk_("L", "N", &n, &m, &one, w->X, &n, &zero, w->N, &n, 1, 1);
    for (int j = 0; j < n; j++) {
      for (int i = j; i < n; i++) *to++ = (float)w->N[(ptrdiff_t)j * n + i];
    }
    while (to < w->outer[number] + size) *to++ = 0;
    *outer_number(q, s) = number;
  }
  return st;
}

/* w->N lower <- I + X Dk^-1 X' for the support described in w */
static void fill_rows(const sp_qp *q, sp_block_work *w) {
  enum { MOST = 64 };
  const int n = (int)q->n;
  const double one = 1;
  const float *outer[MOST];
  double by[MOST], trace = 0;
  int waiting = 0, columns_waiting = 0, summed = 0;
  memset(w->N, 0, (size_t)n * (size_t)n * sizeof *w->N);
  for (int i = 0; i < n; i++) w->N[(ptrdiff_t)i * n + i] = 1;
  for (int j = 0; j < w->s; j++) trace += q->nx[w->S[j]] / (q->unit[q->A[w->S[j]]] * q->unit[q->A[w->S[j]]] * w->k[j]);
  for (int j0 = 0; j0 < w->s;) {
    int j1 = j0, even = 1;
    while (j1 < w->s && w->block[j1] == w->block[j0]) even &= fabs(w->k[j1++] - w->k[j0]) <= 1e-9 * w->k[j0];
    const int s = w->S[j0], whole = q->len[q->A[s]] == j1 - j0, number = whole && trace <= OUTER_TRACE ? (int)*outer_number(q, s) : -1;
    if (even && number >= 0) {
      if (!summed) memset(w->packed, 0, (size_t)outer_size(q) * sizeof *w->packed);
      summed = 1;
      outer[waiting] = w->outer[number];
      by[waiting++] = 1 / w->k[j0];
      if (waiting == MOST) {
        sp_floats_axpy(outer, waiting, outer_size(q), by, w->packed);
        waiting = 0;
      }
    } else {
      for (int j = j0; j < j1; j++) {
        scaled_columns(q, w->S[j], 1, 1 / sqrt(w->k[j]), w->X + (ptrdiff_t)columns_waiting++ * n);
        if (columns_waiting == STRIP) {
          dsyrk_("L", "N", &n, &columns_waiting, &one, w->X, &n, &one, w->N, &n, 1, 1);
          columns_waiting = 0;
        }
      }
    }
    j0 = j1;
  }
  if (columns_waiting) dsyrk_("L", "N", &n, &columns_waiting, &one, w->X, &n, &one, w->N, &n, 1, 1);
  if (waiting) sp_floats_axpy(outer, waiting, outer_size(q), by, w->packed);
  const double *from = w->packed;
  for (int j = 0; j < n && summed; j++) {
    for (int i = j; i < n; i++) w->N[(ptrdiff_t)j * n + i] += *from++;
  }
}

static int factor_rows(sp_qp *q, sp_block_work *w) {
  const int n = (int)q->n;
  const double one = 1, zero = 0;
  int s = 0, blocks = 0, info;
  for (int s0 = 0; s0 < q->a; s0 += q->len[q->A[s0]]) {
    const int head = q->A[s0], from = s;
    const double h = sp_block_norm(q, head), k = h > 0 ? q->T[head] / h : 0;
    const double bend = sp_block_bend(q, head, h);
    double *v = w->gd, mend = 0;
    for (int i = s0; i < s0 + q->len[head]; i++) {
      const int pos = q->A[i];
      v[i - s0] = 0;
      if (q->b[pos] == 0) continue;
      const double ridge = q->k[pos] / (q->unit[pos] * q->unit[pos]), dk = k + ridge;
      if (!(dk > 0)) return 0; /* neither norm nor ridge */
      w->S[s] = i;
      w->block[s] = blocks;
      w->k[s] = dk;
      w->dir[s] = k > 0 ? q->unit[pos] * q->b[pos] / h : 0; /* without a norm there is nothing to take off */
      v[i - s0] = w->dir[s] / (dk * q->unit[pos]);
      mend = k > 0 ? (ridge + bend) / ((k - bend) * dk) : 1;
      s++;
    }
    if (s == from) continue;
    memset(w->V + (ptrdiff_t)blocks * n, 0, (size_t)n * sizeof *w->V);
    sp_gemv_n(q->XA + (ptrdiff_t)s0 * n, n, n, q->len[head], v, w->V + (ptrdiff_t)blocks * n);
    w->m[blocks++] = mend;
  }
  w->s = s;
  w->blocks = blocks;
  fill_rows(q, w);
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
static void solve_rows(const sp_qp *q, sp_block_work *w) {
  const int n = (int)q->n, s = w->s, one = 1;
  double *y = q->u, *t = w->m, *x = w->x, *z = w->gd;
  int info;
  memset(y, 0, (size_t)n * sizeof *y);
  memset(t, 0, (size_t)w->blocks * sizeof *t);
  memset(z, 0, (size_t)q->a * sizeof *z);
  for (int j = 0; j < s; j++) {
    const double e = x[j] / w->k[j]; /* Dk^-1 g */
    t[w->block[j]] += w->dir[j] * e;
    if (w->S[j] >= 0) z[w->S[j]] = e / q->unit[q->A[w->S[j]]];
  }
  sp_gemv_n(q->XA, n, n, q->a, z, y);
  dtrsv_("L", "N", "N", &n, w->N, &n, y, &one, 1, 1, 1); /* L^-1 X Dk^-1 g */
  sp_gemv_t(w->V, n, n, w->blocks, y, w->g);
  for (int g = 0; g < w->blocks; g++) t[g] -= w->g[g]; /* U'M^-1 g */
  dpotrs_("U", &w->blocks, &one, w->C, &w->blocks, t, &w->blocks, &info, 1);
  sp_gemv_n(w->V, n, n, w->blocks, t, y); /* L^-1 (X Dk^-1 g + W t) */
  dtrsv_("L", "T", "N", &n, w->N, &n, y, &one, 1, 1, 1);
  sp_gemv_t(q->XA, n, n, q->a, y, z);
  for (int j = 0; j < s; j++) {
    const double fit = w->S[j] < 0 ? 0 : z[w->S[j]] / q->unit[q->A[w->S[j]]];
    x[j] = (x[j] + w->dir[j] * t[w->block[j]] - fit) / w->k[j];
  }
}

/* k_g and the like of packed blocks: w->k what is added to the curvature, by column, w->dir the directions, w->m the ridge's part of C */
static void describe_blocks(const sp_qp *q, sp_block_work *w) {
  const int K = q->view.K;
  int blocks = 0;
  for (int s = 0; s < q->a; s += q->len[q->A[s]]) {
    const int head = q->A[s];
    const double h = sp_block_norm(q, head), k = q->T[head] / h, bend = sp_block_bend(q, head, h);
    for (int i = s; i < s + q->len[head]; i++) {
      const int pos = q->A[i];
      const double unit = q->unit[pos], ridge = q->k[pos] / (unit * unit);
      w->S[i] = i;
      w->dir[i] = unit * q->b[pos] / h;
      w->k[i / K] = k + ridge;
      w->block[i / K] = blocks;
      w->m[blocks] = (ridge + bend) / ((k - bend) * (k + ridge));
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
static int factor_shares(sp_qp *q, sp_block_work *w) {
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
static void shares_inverse(const sp_qp *q, sp_block_work *w, const double *x, double *out) {
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

static void solve_shares(const sp_qp *q, sp_block_work *w) {
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

/* The same for packed columns, whose support is whole: M = I_K (x) (X'X + Dk) for all predictors, so with the scaled
 *
 *   P = (Dk^-1/2 X'X Dk^-1/2 + I)^-1 = I - Y'Y,   Y = L^-1 X Dk^-1/2,  L L' = I + X Dk^-1 X',
 *
 * by columns or in the rows, C is the sum over the columns of two blocks of (I - P) o (u_g'u_h): one factorization of the size of the
 * columns or of the rows, and one of the number of blocks, for all K. */
static double columns_cost(const sp_qp *q) {
  const double c = columns(q), n = (double)q->view.n;
  return c * c * c + 2 * n * c * (c - q->gram);
}

static double rows_cost(const sp_qp *q) {
  const double c = columns(q), n = (double)q->view.n;
  return 2 * n * n * c + n * c * c + n * n * n / 3;
}

static int factor_packed(sp_qp *q, sp_block_work *w) {
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
static void times_p(const sp_qp *q, sp_block_work *w, const double *x, double *out) {
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

static void solve_packed(const sp_qp *q, sp_block_work *w) {
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

/* flops with the metric of shares, see factor_shares() */
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
  if (q->boxed) return 0; /* directions of part of a block have no unit length */
  for (int s = 0; s < q->a && q->norm && !q->has_ridge; s += q->len[q->A[s]]) {
    if (q->T[q->A[s]] == 0) return 0; /* a norm that has become flat */
  }
  return segment_length(q) == q->n && q->a > 1.2 * (double)q->n && sp_block_support(q) > 1.2 * (double)q->n;
}

/* flops of a factorization */
double sp_block_factor_cost(const sp_qp *q) {
  const double a = q->packed ? q->a : sp_block_support(q), n = (double)q->n;
  if (by_shares(q)) return goes_packed(q) ? shares_cost(q) : dense_cost(q);
  if (q->packed && whole_support(q)) return fmin(rows_cost(q), columns_cost(q)) + pow(columns(q), 3) / 3;
  if (by_rows(q)) { /* in the measure of BLAS 3: reading what is kept is like the product of OUTER_LENGTH / 2 columns */
    double sum = 0;
    int room = most_outer(q);
    for (int s = 0; s < q->a; s += q->len[q->A[s]]) {
      const int kept = keeps_outer(q, q->work, q->A[s]) && room-- > 0;
      sum += (kept ? OUTER_LENGTH / 2 : q->len[q->A[s]]) + 2;
    }
    return n * n * sum + n * n * n / 3;
  }
  if (!from_gram(q)) return a * a * a / 3 + n * a * a;
  return a * a * a / 3 + 2 * (double)(q->packed ? q->view.n : q->n) * columns(q) * (columns(q) - q->gram);
}

/* b + the step d (w->x, penalized units, by w->on) times `len` in polar form, as w->d [a] in units of b */
static void polar(const sp_qp *q, sp_block_work *w, double len) {
  memset(w->d, 0, (size_t)q->a * sizeof *w->d);
  for (int j0 = 0; j0 < w->moving;) {
    int head = q->A[w->on[j0]], j1 = j0;
    while (q->len[head] == 0) head--;
    while (j1 < w->moving && q->A[w->on[j1]] < head + q->len[head] && q->A[w->on[j1]] >= head) j1++;
    const double h = sp_block_norm(q, head);
    double along = 0, ss = 0, part = 0;
    for (int j = j0; j < j1; j++) {
      const double dir = q->unit[q->A[w->on[j]]] * q->b[q->A[w->on[j]]] / h;
      along += dir * w->x[j];
      part += dir * dir;
    }
    for (int j = j0; j < j1; j++) {
      const int pos = q->A[w->on[j]];
      const double dir = q->unit[pos] * q->b[pos] / h, e = dir + len * (w->x[j] - along * dir) / h;
      w->u[j] = e;
      ss += e * e;
    }
    const double to = sp_max(h + len * along, 0.1 * h) / sqrt(ss);
    const int whole = q->T[head] > 0 && part > 1 - 1e-12; /* nothing of it stays where it is */
    for (int j = j0; j < j1; j++) {
      const int pos = q->A[w->on[j]];
      const double old = q->unit[pos] * q->b[pos];
      double now = whole ? to * w->u[j] : old + len * w->x[j];
      if (q->t[pos] > 0 && now * old < 0) now = 0;
      w->d[w->on[j]] = (now - old) / q->unit[pos];
      if (q->boxed) w->d[w->on[j]] = sp_block_inside(q, pos, q->b[pos] + w->d[w->on[j]]) - q->b[pos];
    }
    j0 = j1;
  }
}

/* The same up to where the first coefficient vanishes or meets a limit, in a straight line: with dependent columns in the support steps are long, and
 * none of those that cut signs off helps. 0: none does. */
static int boundary(const sp_qp *q, sp_block_work *w) {
  double len = 1, end = 0; /* of the first */
  int first = -1;
  for (int j = 0; j < w->moving; j++) {
    const int pos = q->A[w->on[j]];
    const double u = q->unit[pos] * q->b[pos];
    if (q->boxed) {
      const double limit = w->x[j] > 0 ? q->hi[pos] : q->lo[pos], reach = (q->unit[pos] * limit - u) / w->x[j];
      if (isfinite(limit) && w->x[j] != 0 && reach < len) {
        len = reach;
        first = j;
        end = limit;
      }
    }
    if (!(q->t[pos] > 0) || !(u * w->x[j] < 0) || !(-u / w->x[j] < len)) continue;
    len = -u / w->x[j];
    first = j;
    end = 0;
  }
  if (first < 0) return 0;
  memset(w->d, 0, (size_t)q->a * sizeof *w->d);
  for (int j = 0; j < w->moving; j++) w->d[w->on[j]] = len * w->x[j] / q->unit[q->A[w->on[j]]];
  w->d[w->on[first]] = end - q->b[q->A[w->on[first]]];
  return 1;
}

/* One step; 0: none that helps, SHORTENED: a coefficient has vanished, and the others are to be solved for first. E: the residual
 * before; again: with the last factor, whatever has entered or left the support since. */
int sp_block_newton(sp_qp *q, sp_block_work *w, double E, int again, int *moved) {
  const int one = 1;
  int info;
  if (!again) {
    w->by_rows = by_rows(q);
    w->as_packed = goes_packed(q);
    if (!(w->as_packed ? factor_packed : w->by_rows ? factor_rows : factor)(q, w)) return w->chord = 0;
  }
  w->chord = 1;
  w->moving = 0;
  for (int j = 0; j < w->s; j++) { /* of an earlier factor's support, what is still in the support */
    const int slot = w->S[j], pos = slot < 0 ? 0 : q->A[slot];
    const double unit = q->unit[pos], b = q->b[pos];
    int head = pos;
    w->x[j] = 0;
    if (slot < 0 || (b == 0 && q->t[pos] > 0) || sp_block_held(q, pos)) continue;
    while (q->len[head] == 0) head--;
    const double h = sp_block_norm(q, head);
    if (h == 0) continue;
    w->x[j] = (w->c[slot] - (b > 0 ? q->t[pos] : -q->t[pos]) - q->k[pos] * b) / unit - q->T[head] / h * unit * b;
    w->on[w->moving++] = j;
  }
  if (w->as_packed) solve_packed(q, w);
  else if (w->by_rows) solve_rows(q, w);
  else dpotrs_("U", &w->s, &one, w->H, &w->s, w->x, &w->s, &info, 1);
  for (int i = 0; i < w->moving; i++) {
    w->x[i] = w->x[w->on[i]];
    w->on[i] = w->S[w->on[i]];
  }
  q->n_rounds++;
  const int by_fit = w->by_rows || q->packed || q->gram < q->a;
  double len = 1, terms;
  for (int it = 0; it < 9; it++) {
    if (it == 2) { /* two tries with signs cut off */
      if (!boundary(q, w)) continue;
    } else {
      polar(q, w, len);
      len /= 2;
    }
    double curve;
    if (by_fit) {
      memset(q->u, 0, (size_t)q->n * sizeof *q->u);
      sp_block_fit(q, w->d, q->u);
      sp_block_products(q, q->u, w->gd);
      curve = sp_nrm2sq(q->u, q->n);
    } else {
      memset(w->gd, 0, (size_t)q->a * sizeof *w->gd);
      sp_gemv_n(q->G, q->capG, q->a, q->a, w->d, w->gd);
      curve = sp_dot(w->gd, w->d, q->a);
    }
    const double df = curve / 2 - sp_dot(w->c, w->d, q->a) + sp_block_penalty_change(q, w->d, &terms);
    if (!(df <= SP_BLOCK_SLACK * terms)) continue;
    for (int i = 0; i < q->a; i++) {
      const int pos = q->A[i];
      q->b[pos] += w->d[i];
      if (q->boxed && w->d[i] != 0) q->b[pos] = sp_block_inside(q, pos, q->b[pos]);
      if (w->d[i] != 0 && fabs(q->b[pos]) <= 1e-17 * fabs(w->d[i])) q->b[pos] = 0;
      w->c[i] -= w->gd[i];
    }
    if (by_fit) {
      sp_axpy(-1, q->u, q->r, q->n);
      for (int i = 0; i < q->a; i++) w->b0[i] = q->b[q->A[i]];
    }
    *moved = !by_fit;
    sp_block_tangent(q);
    w->newton_rate = sp_block_residual(q, w) / E;
    return it == 2 ? SP_BLOCK_SHORTENED : 1;
  }
  w->chord = 0;
  return 0;
}

sp_status sp_block_reserve_newton(sp_qp *q, sp_block_work *w) {
  sp_status st = SP_OK;
  const int rows = by_rows(q), packed = goes_packed(q), shares = packed && by_shares(q);
  const size_t n = (size_t)(packed ? q->view.n : q->n), c = (size_t)columns(q);
  size_t m = 0;
  for (int s = 0; s < q->a; s += q->len[q->A[s]]) m++;
  const int with_gram = from_gram(q);
  if (!rows && with_gram) SP_TRY(sp_block_complete_gram(q));
  if (rows || packed) {
    const size_t K = (size_t)q->view.K, N = rows ? n * n : c * c, X = rows ? n * (packed ? c : STRIP) : 0;
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
    return rows && !packed ? make_outer(q, w) : SP_OK;
  }
  w->with_gram = with_gram;
  if (!with_gram) {
    const size_t need = n * (size_t)sp_block_support(q);
    if (need > w->cap_rows) {
      SP_TRY(sp_grow(q->ctx, &w->N, w->cap_rows, need + need / 4, sizeof *w->N));
      w->cap_rows = need + need / 4;
      w->chord = 0;
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
