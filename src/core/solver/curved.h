/* Newton's step with the curvature as it is, for a loss that is not convex everywhere. */
#ifndef SP_CURVED_H
#define SP_CURVED_H

#include "model.h"

/* The metric of the qp must be of the place (grad_hess at m->eta), m->r0, c and the list V as newton_residual() leaves them. Where
 * the loss has replaced curvatures, the active set is right and its signs survive the step: b of the active set and m->deta
 * become the step to the stationary point of the quadratic with the true ones. *taken 0: nothing has changed. */
sp_status sp_curved_step(sp_model *m, int *taken);

#endif
