/* Smoothly clipped absolute deviation (Fan & Li 2001): slope t = lambda alpha v up to |b| = t / cv, then
 * (gamma t - cv |b|) / (gamma - 1), down to 0 at |b| = gamma t / cv. */
#include <math.h>

#include "concave.h"

static int scad_pieces(const sp_penalty *pen, double lambda, const sp_coord *co, sp_piece *out) {
  const double t = lambda * pen->alpha * co->v, g = pen->gamma;
  out[0] = (sp_piece){t, 0, co->cv > 0 ? t / co->cv : INFINITY};
  out[1] = (sp_piece){g / (g - 1) * t, -co->cv / (g - 1), co->cv > 0 ? g * t / co->cv : INFINITY};
  out[2] = (sp_piece){0, 0, INFINITY};
  return 3;
}

const sp_penalty_ops sp_penalty_scad = {
    .name = "scad",
    .flags = SP_PENALTY_BOUNDS | SP_PENALTY_BLOCKS,
    .l1_ridge = sp_concave_l1_ridge,
    .gauge = sp_concave_gauge,
    .value = sp_concave_value,
    .violation = sp_concave_violation,
    .scale = sp_concave_scale,
    .fenchel_young = sp_concave_fenchel_young,
    .pieces = scad_pieces,
    .block_norms = sp_concave_block_norms,
    .block_gauge = sp_concave_block_gauge,
    .block_value = sp_concave_block_value,
    .block_violation = sp_concave_block_violation,
    .block_scale = sp_concave_block_scale,
    .block_fenchel_young = sp_concave_block_fenchel_young,
};
