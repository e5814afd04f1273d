/* Logistic: l(y, eta) = log(1 + e^eta) - y eta, y in [0, 1] (proportions allowed). */
#include <math.h>

#include "entropy.h"
#include "loss.h"

static double binomial_value(sp_loss *l, const double *eta) {
  const ptrdiff_t n = l->n;
  const double *y = l->y, *w = l->w;
  double f = 0;
  for (ptrdiff_t i = 0; i < n; i++) {
    if (w[i] > 0) {
      /* log(1 + e^eta) - y eta without overflow or cancellation for y near mu: split by the sign of eta */
      const double e = eta[i];
      f += w[i] * (e > 0 ? (1 - y[i]) * e + log1p(exp(-e)) : log1p(exp(e)) - y[i] * e);
    }
  }
  return f;
}

static void binomial_grad_hess(sp_loss *l, const double *eta, double *g, double *h) {
  const ptrdiff_t n = l->n;
  const double *y = l->y, *w = l->w;
  for (ptrdiff_t i = 0; i < n; i++) {
    if (!(w[i] > 0)) {
      g[i] = h[i] = 0;
      continue;
    }
    const double z = exp(-fabs(eta[i])), big = 1 / (1 + z), small = z / (1 + z);
    /* y - mu from the smaller of mu, 1 - mu keeps its relative accuracy for fitted probabilities near 0 and 1 */
    const double d = eta[i] > 0 ? small - (1 - y[i]) : y[i] - small;
    g[i] = w[i] * d;
    h[i] = w[i] * big * small;
  }
}

/* w tanh(eta / 2) / (2 eta), the bound of Jaakkola & Jordan (2000): 1/4 at 0, falling like 1 / (2 |eta|) */
static void binomial_majorizer(sp_loss *l, const double *eta, double *h) {
  const ptrdiff_t n = l->n;
  const double *w = l->w;
  for (ptrdiff_t i = 0; i < n; i++) {
    const double e = w[i] > 0 ? fabs(eta[i]) : 0;
    h[i] = e < 1e-4 ? w[i] / 4 : w[i] * tanh(e / 2) / (2 * e);
  }
}

static double binomial_saturated(sp_loss *l) {
  const ptrdiff_t n = l->n;
  const double *y = l->y, *w = l->w;
  double f = 0;
  for (ptrdiff_t i = 0; i < n; i++) {
    if (w[i] > 0) f -= w[i] * (sp_xlogx(y[i]) + sp_xlogx(1 - y[i]));
  }
  return f;
}

/* Bernoulli KL of q = y - s (y - mu) from mu (q is in [0, 1], being between y and mu) */
static double binomial_fenchel_young(sp_loss *l, const double *eta, double s) {
  const ptrdiff_t n = l->n;
  const double *y = l->y, *w = l->w;
  if (s >= 1) return 0;
  double f = 0;
  for (ptrdiff_t i = 0; i < n; i++) {
    if (!(w[i] > 0)) continue;
    const double a = fabs(eta[i]), z = exp(-a), big = 1 / (1 + z), small = z / (1 + z), log_big = -log1p(z);
    const double y_big = eta[i] > 0 ? y[i] : 1 - y[i]; /* the share of the outcome that is fitted as likely */
    f += w[i] * (sp_kl_term(s * big + (1 - s) * y_big, big, log_big) +
                 sp_kl_term(s * small + (1 - s) * (1 - y_big), small, log_big - a));
  }
  return f;
}

static double binomial_start(sp_loss *l) {
  const ptrdiff_t n = l->n;
  const double *y = l->y, *w = l->w;
  double m = 0;
  for (ptrdiff_t i = 0; i < n; i++) m += w[i] > 0 ? w[i] * y[i] : 0;
  return m > 0 && m < 1 ? log(m / (1 - m)) : 0;
}

const sp_loss_ops sp_loss_binomial = {
    .name = "binomial",
    .flags = 0,
    .value = binomial_value,
    .grad_hess = binomial_grad_hess,
    .majorizer = binomial_majorizer,
    .saturated = binomial_saturated,
    .fenchel_young = binomial_fenchel_young,
    .start = binomial_start,
};
