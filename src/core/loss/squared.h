/* Squared error of the K predictors of a loss: l(y, eta) = sum_k (y_k - eta_k)^2 / 2. */
#ifndef SP_SQUARED_H
#define SP_SQUARED_H

#include "loss.h"

static inline double sp_squared_value(sp_loss *l, const double *eta) {
  const ptrdiff_t n = l->n;
  double f = 0;
  for (int k = 0; k < l->K; k++) {
    const double *y = l->y + k * n, *e = eta + k * n;
    for (ptrdiff_t i = 0; i < n; i++) {
      if (l->w[i] > 0) f += l->w[i] * (y[i] - e[i]) * (y[i] - e[i]);
    }
  }
  return f / 2;
}

static inline void sp_squared_grad_hess(sp_loss *l, const double *eta, double *g, double *h) {
  for (int k = 0; k < l->K; k++) {
    const ptrdiff_t from = k * l->n;
    for (ptrdiff_t i = 0; i < l->n; i++) {
      g[from + i] = l->w[i] > 0 ? l->w[i] * (l->y[from + i] - eta[from + i]) : 0;
      h[from + i] = l->w[i];
    }
  }
}

static inline double sp_squared_saturated(sp_loss *l) {
  (void)l;
  return 0;
}

static inline double sp_squared_fenchel_young(sp_loss *l, const double *eta, double s) {
  return (1 - s) * (1 - s) * sp_squared_value(l, eta);
}

/* weighted mean of predictor k less off, which may be NULL */
static inline double sp_squared_mean(const sp_loss *l, int k, const double *off) {
  const double *y = l->y + k * l->n;
  double m = 0;
  for (ptrdiff_t i = 0; i < l->n; i++) m += l->w[i] > 0 ? l->w[i] * (off ? y[i] - off[i] : y[i]) : 0;
  return m;
}

#endif
