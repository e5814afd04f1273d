/* Group exponential lasso (Breheny 2015): (t^2 / (tau cv)) (1 - exp(-tau cv |u|_1 / t)) for each group. gamma is 1 / tau. */
#include <math.h>

#include "concave.h"

/* a lasso within the group */
static int gel_pieces(const sp_penalty *pen, double lambda, const sp_coord *co, sp_piece *out) {
  out[0] = (sp_piece){lambda * pen->alpha * co->v, 0, INFINITY};
  return 1;
}

static double gel_shape(const sp_penalty *pen, double t, double curvature, double one) {
  (void)pen;
  (void)t;
  (void)one;
  return curvature;
}

/* S = t |u|_1 */
static sp_outer gel_outer(const sp_penalty *pen, double t, double cv, int m, double S) {
  const double rate = cv / (pen->gamma * t * t);
  (void)m;
  return (sp_outer){-expm1(-rate * S) / rate, exp(-rate * S), -rate * exp(-rate * S)};
}

const sp_penalty_ops sp_penalty_gel = {
    .name = "gel",
    .flags = SP_PENALTY_BOUNDS,
    .l1_ridge = sp_concave_l1_ridge,
    .gauge = sp_concave_gauge,
    .value = sp_concave_value,
    .violation = sp_concave_violation,
    .scale = sp_concave_scale,
    .fenchel_young = sp_concave_fenchel_young,
    .pieces = gel_pieces,
    .shape = gel_shape,
    .outer = gel_outer,
};
