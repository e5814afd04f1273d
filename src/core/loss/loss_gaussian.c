/* Squared error: l(y, eta) = (y - eta)^2 / 2. */
#include "loss.h"

static double gaussian_value(ptrdiff_t n, const double *y, const double *w, const double *eta) {
  double f = 0;
  for (ptrdiff_t i = 0; i < n; i++) {
    if (w[i] > 0) f += w[i] * (y[i] - eta[i]) * (y[i] - eta[i]);
  }
  return f / 2;
}

static void gaussian_grad_hess(ptrdiff_t n, const double *y, const double *w, const double *eta, double *g, double *h) {
  for (ptrdiff_t i = 0; i < n; i++) {
    g[i] = w[i] > 0 ? w[i] * (y[i] - eta[i]) : 0;
    h[i] = w[i];
  }
}

static double gaussian_saturated(ptrdiff_t n, const double *y, const double *w) {
  (void)n;
  (void)y;
  (void)w;
  return 0;
}

static double gaussian_fenchel_young(ptrdiff_t n, const double *y, const double *w, const double *eta, double s) {
  return (1 - s) * (1 - s) * gaussian_value(n, y, w, eta);
}

static double gaussian_start(ptrdiff_t n, const double *y, const double *w) {
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
