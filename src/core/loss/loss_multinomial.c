/* Multinomial logistic: l(y, eta) = log(sum_k exp eta_k) sum_k y_k - sum_k y_k eta_k, with K classes, y [n x K] of rows that sum to 1
 * (classes or proportions). With P = softmax(eta) the gradient is w (y - P), the curvature of a row w (diag(P) - P P').
 *
 * That is the Laplacian of a complete graph with edges w P_i P_j. Eliminating its vertices in order leaves complete graphs again, with
 * edges w P_i P_j / T_k, T_k = P_k + ... + P_K, so the triangular root has rows
 *
 *   (S x)_k = d_k ( x_k - mean of the later x, weighted by P ),   d_k^2 = w P_k T_(k+1) / T_k,
 *
 * the last one exactly zero. Nothing is subtracted on the way. */
#include <math.h>
#include <string.h>

#include "entropy.h"
#include "loss.h"

#define PIVOT_FLOOR 1e-10 /* of a row of the metric, relative to the row's weight */
#define SCALINGS 5        /* steps of iterative scaling before Newton's, for the intercepts */

typedef struct multinomial {
  double *d, *t; /* [n x K] size of the row of S; share of x_k in the mean from k on */
  double *eta;   /* [n x K] scratch of the intercepts */
  double *b, *H; /* [3 K], [K x K] the same */
  double *p;     /* [K] probabilities of a row */
  double *acc;   /* [n] scratch of the root */
  double *s;     /* [n x K] weight times probability, of the metric */
} multinomial;

static sp_status multinomial_open(sp_loss *l) {
  const size_t K = (size_t)l->K, nK = (size_t)l->n * K;
  multinomial *s = l->state = sp_calloc(l->ctx, 1, sizeof *s);
  if (!s) return SP_ENOMEM;
  s->d = sp_calloc(l->ctx, 4 * nK + 4 * K + K * K + (size_t)l->n, sizeof *s->d);
  if (!s->d) return SP_ENOMEM;
  s->t = s->d + nK;
  s->eta = s->t + nK;
  s->b = s->eta + nK;
  s->p = s->b + 3 * K;
  s->H = s->p + K;
  s->acc = s->H + K * K;
  s->s = s->acc + l->n;
  return SP_OK;
}

static void multinomial_close(sp_loss *l) {
  multinomial *s = l->state;
  if (!s) return;
  sp_free(l->ctx, s->d);
  sp_free(l->ctx, s);
}

/* exp(eta - largest) of row i and their sum; *top: the class of the largest */
static double row_exp(const sp_loss *l, const double *eta, ptrdiff_t i, double *e, int *top) {
  double sum = 0;
  *top = 0;
  for (int k = 1; k < l->K; k++) {
    if (eta[i + k * l->n] > eta[i + *top * l->n]) *top = k;
  }
  const double most = eta[i + *top * l->n];
  for (int k = 0; k < l->K; k++) sum += e[k] = exp(eta[i + k * l->n] - most);
  return sum;
}

/* log of the sum of the e, of which the top one is 1 */
static double log_sum(const double *e, int K, int top) {
  double rest = 0;
  for (int k = 0; k < K; k++) rest += k == top ? 0 : e[k];
  return log1p(rest);
}

static double multinomial_value(sp_loss *l, const double *eta) {
  const multinomial *s = l->state;
  double f = 0;
  for (ptrdiff_t i = 0; i < l->n; i++) {
    if (!(l->w[i] > 0)) continue;
    int top;
    row_exp(l, eta, i, s->p, &top);
    const double log_total = log_sum(s->p, l->K, top);
    double row = 0; /* sum of y_k (log total - eta_k), each term non-negative */
    for (int k = 0; k < l->K; k++) {
      const double y = l->y[i + k * l->n];
      if (y > 0) row += y * (log_total + (eta[i + top * l->n] - eta[i + k * l->n]));
    }
    f += l->w[i] * row;
  }
  return f;
}

/* y - P; that of the largest P from the others, so that it keeps its relative accuracy near 1 */
static void multinomial_grad_hess(sp_loss *l, const double *eta, double *g, double *h) {
  const multinomial *s = l->state;
  const ptrdiff_t n = l->n;
  for (ptrdiff_t i = 0; i < n; i++) {
    if (!(l->w[i] > 0)) {
      for (int k = 0; k < l->K; k++) g[i + k * n] = h[i + k * n] = 0;
      continue;
    }
    int top;
    const double w = l->w[i], sum = row_exp(l, eta, i, s->p, &top);
    double others = 0, y_others = 0;
    for (int k = 0; k < l->K; k++) {
      if (k == top) continue;
      const double p = s->p[k] / sum, y = l->y[i + k * n];
      others += p;
      y_others += y;
      g[i + k * n] = w * (y - p);
      h[i + k * n] = w * p * (1 - p);
    }
    g[i + top * n] = w * (others - y_others);
    h[i + top * n] = w * others * (s->p[top] / sum);
  }
}


static double multinomial_saturated(sp_loss *l) {
  double f = 0;
  for (int k = 0; k < l->K; k++) {
    for (ptrdiff_t i = 0; i < l->n; i++) {
      if (l->w[i] > 0) f -= l->w[i] * sp_xlogx(l->y[i + k * l->n]);
    }
  }
  return f;
}

/* KL of q = s P + (1 - s) y from P, row by row */
static double multinomial_fenchel_young(sp_loss *l, const double *eta, double s) {
  const multinomial *st = l->state;
  double f = 0;
  if (s >= 1) return 0;
  for (ptrdiff_t i = 0; i < l->n; i++) {
    if (!(l->w[i] > 0)) continue;
    int top;
    const double sum = row_exp(l, eta, i, st->p, &top), log_total = log_sum(st->p, l->K, top);
    double row = 0;
    for (int k = 0; k < l->K; k++) {
      const double p = st->p[k] / sum, log_p = eta[i + k * l->n] - eta[i + top * l->n] - log_total;
      row += sp_kl_term(s * p + (1 - s) * l->y[i + k * l->n], p, log_p);
    }
    f += l->w[i] * row;
  }
  return f;
}

/* the observed share of each class */
static void proportions(const sp_loss *l, double *y) {
  for (int k = 0; k < l->K; k++) {
    y[k] = 0;
    for (ptrdiff_t i = 0; i < l->n; i++) y[k] += l->w[i] > 0 ? l->w[i] * l->y[i + k * l->n] : 0;
  }
}

static void centre(double *b, int K) {
  double mean = 0;
  for (int k = 0; k < K; k++) mean += b[k] / K;
  for (int k = 0; k < K; k++) b[k] -= mean;
}

static double multinomial_start(sp_loss *l) {
  (void)l;
  return 0;
}

static double shifted_value(sp_loss *l, const double *off, const double *b) {
  multinomial *s = l->state;
  for (int k = 0; k < l->K; k++) {
    for (ptrdiff_t i = 0; i < l->n; i++) s->eta[i + k * l->n] = off[i + k * l->n] + b[k];
  }
  return multinomial_value(l, s->eta);
}

/* H d = g without the last class, whose d is 0; Cholesky in place. 0: not positive definite */
static int newton_step(double *H, int K, const double *g, double *d) {
  const int m = K - 1;
  for (int j = 0; j < m; j++) {
    for (int i = 0; i < j; i++) {
      double x = H[j * K + i];
      for (int h = 0; h < i; h++) x -= H[i * K + h] * H[j * K + h];
      H[j * K + i] = x / H[i * K + i];
    }
    double pivot = H[j * K + j];
    const double whole = pivot;
    for (int h = 0; h < j; h++) pivot -= H[j * K + h] * H[j * K + h];
    if (!(pivot > 1e-14 * whole)) return 0;
    H[j * K + j] = sqrt(pivot);
  }
  for (int j = 0; j < m; j++) {
    double x = g[j];
    for (int h = 0; h < j; h++) x -= H[j * K + h] * d[h];
    d[j] = x / H[j * K + j];
  }
  for (int j = m - 1; j >= 0; j--) {
    double x = d[j];
    for (int h = j + 1; h < m; h++) x -= H[h * K + j] * d[h];
    d[j] = x / H[j * K + j];
  }
  d[m] = 0;
  return 1;
}

/* Without offset the log proportions. With one Newton's method, and where that fails a step of iterative scaling (Darroch & Ratcliff
 * 1972), b_k += log(observed / fitted), which never increases F. */
static void multinomial_intercepts(sp_loss *l, const double *off, double *b) {
  multinomial *s = l->state;
  const int K = l->K;
  double *y = s->b, *g = s->b + K, *d = s->b + 2 * K;
  int plain = 1;
  proportions(l, y);
  for (int k = 0; k < K; k++) b[k] = log(fmax(y[k], 1e-300));
  centre(b, K);
  for (ptrdiff_t i = 0; i < l->n * K && plain; i++) plain = off[i] == 0;
  if (plain) return;
  double f = shifted_value(l, off, b);
  for (int it = 0; it < 1000; it++) {
    double size = 0, step = 0;
    for (int k = 0; k < K; k++) g[k] = d[k] = 0;
    memset(s->H, 0, (size_t)K * (size_t)K * sizeof *s->H);
    for (ptrdiff_t i = 0; i < l->n; i++) { /* d: fitted proportions, for the time being */
      if (!(l->w[i] > 0)) continue;
      int top;
      const double w = l->w[i], sum = row_exp(l, s->eta, i, s->p, &top);
      for (int k = 0; k < K; k++) s->p[k] /= sum;
      for (int k = 0; k < K; k++) {
        double others = 0;
        for (int h = 0; h < K; h++) {
          if (h == k) continue;
          others += s->p[h];
          s->H[k * K + h] -= w * s->p[k] * s->p[h];
        }
        s->H[k * K + k] += w * s->p[k] * others;
        d[k] += w * s->p[k];
        g[k] += w * (l->y[i + k * l->n] - s->p[k]);
      }
    }
    for (int k = 0; k < K; k++) size = fmax(size, fabs(g[k]));
    if (size <= 1e-17) break;
    const double *fitted = d;
    double *scaled = s->p;
    for (int k = 0; k < K; k++) scaled[k] = log(fmax(y[k], 1e-300)) - log(fmax(fitted[k], 1e-300));
    double *to = d;
    int good = 0;
    if (it >= SCALINGS && newton_step(s->H, K, g, d)) {
      for (int k = 0; k < K; k++) step = fmax(step, fabs(d[k]));
      double *trial = g; /* not needed any more */
      for (int k = 0; k < K; k++) trial[k] = b[k] + to[k];
      memcpy(s->H, scaled, (size_t)K * sizeof *scaled); /* the value needs p */
      const double fn = shifted_value(l, off, trial);
      if (fn <= f + 1e-15 * fabs(f)) {
        memcpy(b, trial, (size_t)K * sizeof *b);
        f = fn;
        good = 1;
      } else {
        memcpy(scaled, s->H, (size_t)K * sizeof *scaled);
      }
    }
    if (!good) {
      step = INFINITY;
      for (int k = 0; k < K; k++) b[k] += scaled[k];
      f = shifted_value(l, off, b);
    }
    double level = 0;
    for (int k = 0; k < K; k++) level = fmax(level, fabs(b[k]));
    if (step <= 1e-15 * (1 + level)) break;
  }
  centre(b, K);
}

static sp_status multinomial_metric(sp_loss *l, const double *eta) {
  multinomial *s = l->state;
  const ptrdiff_t n = l->n;
  const int K = l->K;
  for (ptrdiff_t i = 0; i < n; i++) {
    int top;
    const double w = l->w[i], sum = w > 0 ? row_exp(l, eta, i, s->p, &top) : 1;
    double rest = 0; /* T_(k+1), in units of sum */
    for (int k = K - 1; k >= 0; k--) {
      const ptrdiff_t at = i + k * n;
      const double e = w > 0 ? s->p[k] : 0, all = rest + e;
      s->t[at] = all > 0 ? e / all : 1.0 / (K - k);
      s->d[at] = k == K - 1 || !(w > 0) ? 0 : sqrt(w * fmax(s->t[at] * (rest / sum), PIVOT_FLOOR));
      s->s[at] = w * (e / sum);
      rest = all;
    }
  }
  return SP_OK;
}

static void multinomial_shares(const sp_loss *l, double *out) {
  const multinomial *s = l->state;
  memcpy(out, s->s, (size_t)l->n * (size_t)l->K * sizeof *out);
}

/* s (x - mean), the mean weighted by P. Blocks of rows, so that the second look at x finds it in the cache. */
static void multinomial_curve(const sp_loss *l, const double *x, double *out) {
  enum { ROWS = 256 };
  const multinomial *st = l->state;
  const ptrdiff_t n = l->n;
  double *restrict mean = st->acc;
  for (ptrdiff_t from = 0; from < n; from += ROWS) {
    const ptrdiff_t to = n - from < ROWS ? n : from + ROWS;
    for (ptrdiff_t i = from; i < to; i++) mean[i] = 0;
    for (int k = 0; k < l->K; k++) {
      const double *restrict s = st->s + k * n, *restrict v = x + k * n;
      for (ptrdiff_t i = from; i < to; i++) mean[i] += s[i] * v[i];
    }
    for (ptrdiff_t i = from; i < to; i++) mean[i] = l->w[i] > 0 ? mean[i] / l->w[i] : 0;
    for (int k = 0; k < l->K; k++) {
      const double *restrict s = st->s + k * n, *restrict v = x + k * n;
      double *restrict o = out + k * n;
      for (ptrdiff_t i = from; i < to; i++) o[i] = s[i] * (v[i] - mean[i]);
    }
  }
}

/* Class by class, so that rows go in step. */
static void multinomial_root(const sp_loss *l, enum sp_root op, double *x) {
  const multinomial *s = l->state;
  const ptrdiff_t n = l->n;
  const int K = l->K;
  double *restrict acc = s->acc; /* mean of the later ones, or what it is owed */
  memset(acc, 0, (size_t)n * sizeof *acc);
  for (int step = 0; step < K; step++) {
    const int forward = op == SP_ROOT_T || op == SP_ROOT_SOLVE_T, k = forward ? step : K - 1 - step;
    const double *restrict d = s->d + k * n, *restrict t = s->t + k * n;
    double *restrict v = x + k * n;
    switch (op) {
      case SP_ROOT:
        for (ptrdiff_t i = 0; i < n; i++) {
          const double old = v[i];
          v[i] = d[i] * (old - acc[i]);
          acc[i] += t[i] * (old - acc[i]);
        }
        break;
      case SP_ROOT_SOLVE:
        for (ptrdiff_t i = 0; i < n; i++) {
          v[i] = (d[i] > 0 ? v[i] / d[i] : 0) + acc[i];
          acc[i] += t[i] * (v[i] - acc[i]);
        }
        break;
      case SP_ROOT_T:
        for (ptrdiff_t i = 0; i < n; i++) {
          const double part = t[i] * acc[i], scaled = d[i] * v[i];
          v[i] = scaled + part;
          acc[i] -= part + scaled;
        }
        break;
      default:
        for (ptrdiff_t i = 0; i < n; i++) {
          const double part = t[i] * acc[i], scaled = v[i] - part;
          v[i] = d[i] > 0 ? scaled / d[i] : 0;
          acc[i] -= part + scaled;
        }
    }
  }
}

const sp_loss_ops sp_loss_multinomial = {
    .name = "multinomial",
    .flags = SP_LOSS_SHIFT_FREE,
    .open = multinomial_open,
    .close = multinomial_close,
    .value = multinomial_value,
    .grad_hess = multinomial_grad_hess,
    .saturated = multinomial_saturated,
    .metric = multinomial_metric,
    .root = multinomial_root,
    .curve = multinomial_curve,
    .shares = multinomial_shares,
    .fenchel_young = multinomial_fenchel_young,
    .start = multinomial_start,
    .intercepts = multinomial_intercepts,
};
