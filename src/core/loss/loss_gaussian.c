/* Squared error: l(y, eta) = (y - eta)^2 / 2. */
#include "loss.h"

static double gaussian_value(sp_loss *l, const double *eta) {
  const ptrdiff_t n = l->n;
  const double *y = l->y, *w = l->w;
  double f = 0;
  for (ptrdiff_t i = 0; i < n; i++) {
    if (w[i] > 0) f += w[i] * (y[i] - eta[i]) * (y[i] - eta[i]);
  }
  return f / 2;
}

static void gaussian_grad_hess(sp_loss *l, const double *eta, double *g, double *h) {
  const ptrdiff_t n = l->n;
  const double *y = l->y, *w = l->w;
  for (ptrdiff_t i = 0; i < n; i++) {
    g[i] = w[i] > 0 ? w[i] * (y[i] - eta[i]) : 0;
    h[i] = w[i];
  }
}

static double gaussian_saturated(sp_loss *l) {
  (void)l;
  return 0;
}

static double gaussian_fenchel_young(sp_loss *l, const double *eta, double s) {
  return (1 - s) * (1 - s) * gaussian_value(l, eta);
}

static double gaussian_start(sp_loss *l) {
  const ptrdiff_t n = l->n;
  const double *y = l->y, *w = l->w;
  double m = 0;
  for (ptrdiff_t i = 0; i < n; i++) m += w[i] > 0 ? w[i] * y[i] : 0;
  return m;
}

const sp_loss_ops sp_loss_gaussian = {
    .name = "gaussian",
    .flags = SP_LOSS_QUADRATIC,
    .value = gaussian_value,
    .grad_hess = gaussian_grad_hess,
    .saturated = gaussian_saturated,
    .fenchel_young = gaussian_fenchel_young,
    .start = gaussian_start,
};
