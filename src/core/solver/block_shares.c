/* The metric of shares: classes whose columns do not depend on it. Row i has diag(s_i) - s_i s_i' / sum s_i. */
#include "block_work.h"

#include <math.h>
#include <string.h>

#include "../base/blas.h"
#include "../base/vec.h"

/* M [m x m] <- its lower Cholesky factor; 0: not positive definite */
int sp_block_small_factor(int m, double *M) {
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

void sp_block_small_solve(int m, const double *M, double *x) {
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
sp_status sp_block_take_shares(sp_qp *q) {
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
  if (!sp_block_small_factor(K, M)) { /* classes without weight */
    weigh(q, ones, q->share_root, M);
    for (int k = 0; k < K * K; k++) M[k] += trace / (K * K) + (k % (K + 1) == 0 ? 1e-10 * trace + 1e-300 : 0);
    sp_block_small_factor(K, M);
  }
  return SP_OK;
}

static double *products(const sp_qp *q, int i);
static double *levels(const sp_qp *q, int i);

/* D and levels of the block of slots s.. in the metric: with A_j = sum x_ij M_i, the intercepts follow a column by level_j = A^-1 A_j */
void sp_block_share_products(sp_qp *q, int s) {
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
      sp_block_small_solve(K, q->share_level, level);
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

/* G of all slots: X'diag(s_k)X - X'diag(s_k s_l / sum s)X for classes k and l, less the part of the intercepts */
sp_status sp_block_share_gram(sp_qp *q) {
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
