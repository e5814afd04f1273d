#ifndef SP_SECANT_H
#define SP_SECANT_H

#include "model.h"

/* Steps in a metric that is kept contract at a fixed rate. What earlier ones have done to the residual tells of the curvature along
 * them, and the step is corrected by that: Anderson's method (1965) in the norm of the metric, for as long as active set, metric and
 * lambda stay. (Pairs from the end of the lambda before hold hardly any digits: their steps were tiny.)
 *
 * fit [n]: the step proposed for S eta; qp.d: for the active coefficients, which have taken it. Both are replaced, unless a
 * coefficient would change its sign or leave its limits. */
sp_status sp_secant_step(sp_model *m, double *fit);
void sp_secant_break(sp_model *m); /* the last step was not taken as it was proposed */
void sp_secant_reset(sp_model *m); /* the problem is another one */
void sp_secant_free(sp_model *m);

#endif
