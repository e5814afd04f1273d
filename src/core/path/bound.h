/* The certified check of all columns for a range of lambdas of several tasks in one read of X.
 * Residuals of neighbouring lambdas span a space of low dimension: rt_l = Q S_l + e_l with two or three orthonormal columns Q.
 * With z_j = x~_j'Q,  |c_jl| <= |S_l'z_j| + sqrt(1 - |z_j|^2) |e_l|  (Cauchy-Schwarz on the remainder), which settles almost every
 * (column, lambda); the rest get an exact product. Nothing is decided by an estimate. */
#ifndef SP_BOUND_H
#define SP_BOUND_H

#include "task.h"

typedef struct sp_counts {
  double reads; /* columns read */
  double dots;  /* dot products of full columns */
  double exact; /* of which exact products that the bound left open */
} sp_counts;

/* Check tasks[0..B-1] over their ranges ls..l1-1 (slots of rt: l - l0). Columns outside the working set that violate go to
 * task->viol, with task->first; points get their kkt, scale and slack; task->c becomes the correlation at lambda[l1 - 1]. */
sp_status sp_bound_check(sp_ctx *ctx, const sp_design *design, sp_task *const *tasks, int B, const double *lambda, int l0,
                         sp_counts *counts);

#endif
