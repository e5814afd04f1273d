/* Squared error of K responses: l(y, eta) = sum_k (y_k - eta_k)^2 / 2. */
#include "loss.h"

static double mgaussian_value(sp_loss *l, const double *eta) {
  double f = 0;
  for (int k = 0; k < l->K; k++) {
    const double *y = l->y + k * l->n, *e = eta + k * l->n;
    for (ptrdiff_t i = 0; i < l->n; i++) {
      if (l->w[i] > 0) f += l->w[i] * (y[i] - e[i]) * (y[i] - e[i]);
    }
  }
  return f / 2;
}

static void mgaussian_grad_hess(sp_loss *l, const double *eta, double *g, double *h) {
  for (int k = 0; k < l->K; k++) {
    const ptrdiff_t from = k * l->n;
    for (ptrdiff_t i = 0; i < l->n; i++) {
      g[from + i] = l->w[i] > 0 ? l->w[i] * (l->y[from + i] - eta[from + i]) : 0;
      h[from + i] = l->w[i];
    }
  }
}

static double mgaussian_saturated(sp_loss *l) {
  (void)l;
  return 0;
}

static double mgaussian_fenchel_young(sp_loss *l, const double *eta, double s) {
  return (1 - s) * (1 - s) * mgaussian_value(l, eta);
}

static double mgaussian_start(sp_loss *l) {
  (void)l;
  return 0;
}

static void mgaussian_intercepts(sp_loss *l, const double *off, double *b) {
  for (int k = 0; k < l->K; k++) {
    const double *y = l->y + k * l->n, *o = off + k * l->n;
    b[k] = 0;
    for (ptrdiff_t i = 0; i < l->n; i++) b[k] += l->w[i] > 0 ? l->w[i] * (y[i] - o[i]) : 0;
  }
}

const sp_loss_ops sp_loss_mgaussian = {
    .name = "mgaussian",
    .flags = SP_LOSS_QUADRATIC,
    .value = mgaussian_value,
    .grad_hess = mgaussian_grad_hess,
    .saturated = mgaussian_saturated,
    .fenchel_young = mgaussian_fenchel_young,
    .start = mgaussian_start,
    .intercepts = mgaussian_intercepts,
};
