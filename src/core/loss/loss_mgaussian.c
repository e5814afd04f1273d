/* Squared error of K responses. */
#include "squared.h"

static double mgaussian_start(sp_loss *l) {
  (void)l;
  return 0;
}

static void mgaussian_intercepts(sp_loss *l, const double *off, double *b) {
  for (int k = 0; k < l->K; k++) b[k] = sp_squared_mean(l, k, off + k * l->n);
}

const sp_loss_ops sp_loss_mgaussian = {
    .name = "mgaussian",
    .flags = SP_LOSS_QUADRATIC,
    .value = sp_squared_value,
    .grad_hess = sp_squared_grad_hess,
    .saturated = sp_squared_saturated,
    .fenchel_young = sp_squared_fenchel_young,
    .start = mgaussian_start,
    .intercepts = mgaussian_intercepts,
};
