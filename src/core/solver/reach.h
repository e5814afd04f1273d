#ifndef SP_REACH_H
#define SP_REACH_H

#include "model.h"

/* qp.c over the working set for the present residual, exact wherever it could decide anything. A column's correlation
 * with residual r is within e sqrt(1 - (c0 / |r0|)^2) of a c0 / |r0|, where c0 belongs to an earlier residual r0, a = r'r0 / |r0| and
 * e = |r - a r0 / |r0||; where even that is below the threshold the product is not formed, and a c0 / |r0| stands for it.
 * r is the residual in the metric of the weights (unit columns), qp.r the one that products are formed with. */
sp_status sp_reach_correlations(sp_model *m, const double *r, ptrdiff_t n);
/* The columns have changed: earlier residuals are void. */
void sp_reach_reset(sp_model *m);

#endif
