/* Squared error: l(y, eta) = (y - eta)^2 / 2. */
#include "squared.h"

static double gaussian_start(sp_loss *l) { return sp_squared_mean(l, 0, NULL); }

const sp_loss_ops sp_loss_gaussian = {
    .name = "gaussian",
    .flags = SP_LOSS_QUADRATIC,
    .value = sp_squared_value,
    .grad_hess = sp_squared_grad_hess,
    .saturated = sp_squared_saturated,
    .fenchel_young = sp_squared_fenchel_young,
    .start = gaussian_start,
};
