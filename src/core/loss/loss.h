/* Loss: functions of the linear predictor eta [n] only; no X, no coefficients, no penalty.
 * F(eta) = sum_i w_i l(y_i, eta_i) with weights w that sum to 1. A new family is one file that ends in a const sp_loss_ops.
 * Rows of weight zero contribute nothing and must not be looked at (their eta may be anything). */
#ifndef SP_LOSS_H
#define SP_LOSS_H

#include <stddef.h>

enum {
  SP_LOSS_QUADRATIC = 1 /* l = (y - eta)^2 / 2: the curvature is w, one Newton step is exact */
};

typedef struct sp_loss_ops {
  const char *name;
  unsigned flags;
  /* F(eta) */
  double (*value)(ptrdiff_t n, const double *y, const double *w, const double *eta);
  /* g = -dF/d eta = w (y - mu), h = d2F/d eta2 >= 0 (diagonal) */
  void (*grad_hess)(ptrdiff_t n, const double *y, const double *w, const double *eta, double *g, double *h);
  /* curvature h of a quadratic that lies above F and touches it at eta (so that its minimizer never increases F), or NULL
   * when grad_hess already gives one: the rescue of a Newton step that fails far from the solution */
  void (*majorizer)(ptrdiff_t n, const double *y, const double *w, const double *eta, double *h);
  /* smallest value F can take: sum w l(y, saturated) */
  double (*saturated)(ptrdiff_t n, const double *y, const double *w);
  /* Fenchel-Young term F(eta) + F*(-s g) + s g'eta >= 0 of the dual point s g(eta), 0 <= s <= 1, as a sum of
   * non-negative terms; 0 at s = 1. */
  double (*fenchel_young)(ptrdiff_t n, const double *y, const double *w, const double *eta, double s);
  /* eta of the constant model without offset: a start for the intercept */
  double (*start)(ptrdiff_t n, const double *y, const double *w);
} sp_loss_ops;

#endif
