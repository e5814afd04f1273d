/* Composite MCP (Breheny & Huang 2009): an MCP of the sum of the MCPs of the coefficients of a group. The paper's lambda is
 * the square root of ours, so that ours is the threshold of a coefficient whose group is zero: the inner slope, times the root of
 * lambda, is t - cv |u| / gamma with cv = root(t) in units where response and curvature are 1. The outer function is flat where all
 * coefficients of the group are. */
#include <math.h>

#include "concave.h"

static int cmcp_pieces(const sp_penalty *pen, double lambda, const sp_coord *co, sp_piece *out) {
  const double t = lambda * pen->alpha * co->v, k = co->cv / pen->gamma;
  out[0] = (sp_piece){t, -k, k > 0 ? t / k : INFINITY};
  out[1] = (sp_piece){0, 0, INFINITY};
  return 2;
}

static double cmcp_shape(const sp_penalty *pen, double t, double curvature, double one) {
  (void)pen;
  return sqrt(curvature * t / one);
}

/* S - S^2 / (2 top), top = m times the most that one coefficient adds */
static sp_outer cmcp_outer(const sp_penalty *pen, double t, double cv, int m, double S) {
  const double top = m * pen->gamma * t * t / (2 * cv);
  if (!(S < top)) return (sp_outer){top / 2, 0, 0};
  return (sp_outer){S - S * S / (2 * top), 1 - S / top, -1 / top};
}

const sp_penalty_ops sp_penalty_cmcp = {
    .name = "cmcp",
    .flags = SP_PENALTY_BOUNDS,
    .l1_ridge = sp_concave_l1_ridge,
    .gauge = sp_concave_gauge,
    .value = sp_concave_value,
    .violation = sp_concave_violation,
    .scale = sp_concave_scale,
    .fenchel_young = sp_concave_fenchel_young,
    .pieces = cmcp_pieces,
    .shape = cmcp_shape,
    .outer = cmcp_outer,
};
