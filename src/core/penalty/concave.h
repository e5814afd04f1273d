/* What the non-convex penalties share: everything follows from their pieces. Each adds a ridge part, lambda (1 - alpha) kv b^2 / 2.
 * The certificate is that of the local linear approximation: the convex problem with the weights p'(|b|) of the present
 * coefficients. It proves that they solve that problem, which makes them stationary; it is silent on other minima. */
#ifndef SP_CONCAVE_H
#define SP_CONCAVE_H

#include "penalty.h"

/* lambda alpha v and lambda (1 - alpha) kv */
void sp_concave_l1_ridge(const sp_penalty *pen, double lambda, const sp_coord *co, double *t, double *k);
double sp_concave_gauge(const sp_penalty *pen, const sp_coord *co, double c);
double sp_concave_value(const sp_penalty *pen, double lambda, const sp_coord *co, double b);
double sp_concave_violation(const sp_penalty *pen, double lambda, const sp_coord *co, double b, double c);
double sp_concave_scale(const sp_penalty *pen, double lambda, const sp_coord *co, double c);
double sp_concave_fenchel_young(const sp_penalty *pen, double lambda, const sp_coord *co, double b, double z);

#endif
