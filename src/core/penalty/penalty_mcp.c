/* Minimax concave penalty (Zhang 2010): slope t - cv |b| / gamma, t = lambda alpha v, down to 0 at |b| = gamma t / cv. */
#include <math.h>

#include "concave.h"

static int mcp_pieces(const sp_penalty *pen, double lambda, const sp_coord *co, sp_piece *out) {
  const double t = lambda * pen->alpha * co->v, k = co->cv / pen->gamma;
  out[0] = (sp_piece){t, -k, k > 0 ? t / k : INFINITY};
  out[1] = (sp_piece){0, 0, INFINITY};
  return 2;
}

const sp_penalty_ops sp_penalty_mcp = {
    .name = "mcp",
    .flags = SP_PENALTY_BOUNDS | SP_PENALTY_BLOCKS,
    .l1_ridge = sp_concave_l1_ridge,
    .gauge = sp_concave_gauge,
    .value = sp_concave_value,
    .violation = sp_concave_violation,
    .scale = sp_concave_scale,
    .fenchel_young = sp_concave_fenchel_young,
    .pieces = mcp_pieces,
    .block_norms = sp_concave_block_norms,
    .block_gauge = sp_concave_block_gauge,
    .block_value = sp_concave_block_value,
    .block_violation = sp_concave_block_violation,
    .block_scale = sp_concave_block_scale,
    .block_fenchel_young = sp_concave_block_fenchel_young,
};
