/* Poisson, log link, y >= 0 (whole or not): l(y, eta) = e^eta - y eta + y log y - y, half the unit deviance, which is 0 at its
 * least. Beyond eta = 700 it goes on along its tangent: finite and convex. */
#include <math.h>

#include "entropy.h"
#include "loss.h"

#define TOP 700

static double mean(double eta) { return exp(eta < TOP ? eta : TOP); }

static double poisson_value(sp_loss *l, const double *eta) {
  const ptrdiff_t n = l->n;
  const double *y = l->y, *w = l->w;
  double f = 0;
  for (ptrdiff_t i = 0; i < n; i++) {
    if (!(w[i] > 0)) continue;
    const double mu = mean(eta[i]);
    if (eta[i] > TOP) f += w[i] * (mu * (1 + (eta[i] - TOP)) + sp_xlogx(y[i]) - y[i] * (1 + eta[i]));
    else f += w[i] * sp_kl_term(y[i], mu, eta[i]);
  }
  return f;
}

static void poisson_grad_hess(sp_loss *l, const double *eta, double *g, double *h) {
  const ptrdiff_t n = l->n;
  const double *y = l->y, *w = l->w;
  for (ptrdiff_t i = 0; i < n; i++) {
    if (!(w[i] > 0)) {
      g[i] = h[i] = 0;
      continue;
    }
    const double mu = mean(eta[i]);
    g[i] = w[i] * (y[i] - mu);
    h[i] = w[i] * mu;
  }
}

/* No quadratic lies above an exponential everywhere. This one does from eta to the minimum of its row, which it shares: its
 * curvature is the slope of the secant of the derivative, the logarithmic mean of mu and y (below the minimum; above it mu will
 * do). The Newton step from far below would overshoot by the factor y / mu. */
static void poisson_majorizer(sp_loss *l, const double *eta, double *h) {
  const ptrdiff_t n = l->n;
  const double *y = l->y, *w = l->w;
  for (ptrdiff_t i = 0; i < n; i++) {
    h[i] = 0;
    if (!(w[i] > 0)) continue;
    const double mu = mean(eta[i]), r = y[i] - mu;
    h[i] = w[i] * (r > 1e-3 * mu ? r / (log(y[i]) - eta[i]) : r > 0 ? y[i] : mu);
  }
}

static double poisson_saturated(sp_loss *l) {
  (void)l;
  return 0;
}

/* Poisson KL of q = y - s (y - mu) >= 0 from mu */
static double poisson_fenchel_young(sp_loss *l, const double *eta, double s) {
  const ptrdiff_t n = l->n;
  const double *y = l->y, *w = l->w;
  if (s >= 1) return 0;
  double f = 0;
  for (ptrdiff_t i = 0; i < n; i++) {
    if (!(w[i] > 0)) continue;
    const double mu = mean(eta[i]);
    f += w[i] * sp_kl_term(s * mu + (1 - s) * y[i], mu, eta[i] < TOP ? eta[i] : TOP);
    if (eta[i] > TOP) f += w[i] * (1 - s) * (mu - y[i]) * (eta[i] - TOP);
  }
  return f;
}

static double poisson_start(sp_loss *l) {
  const ptrdiff_t n = l->n;
  const double *y = l->y, *w = l->w;
  double m = 0;
  for (ptrdiff_t i = 0; i < n; i++) m += w[i] > 0 ? w[i] * y[i] : 0;
  return m > 0 ? log(m) : 0;
}

const sp_loss_ops sp_loss_poisson = {
    .name = "poisson",
    .flags = 0,
    .value = poisson_value,
    .grad_hess = poisson_grad_hess,
    .majorizer = poisson_majorizer,
    .saturated = poisson_saturated,
    .fenchel_young = poisson_fenchel_young,
    .start = poisson_start,
};
