/* What the non-convex penalties share: everything follows from their pieces. Each adds a ridge part, lambda (1 - alpha) kv b^2 / 2.
 * The certificate is that of the local linear approximation: the convex problem with the weights p'(|b|) of the present
 * coefficients. It proves that they solve that problem, which makes them stationary; it is silent on other minima.
 *
 * Where the coefficients are in groups, the same function is that of the norm of each group, with its weight as factor (Huang, Breheny &
 * Ma 2012, section 2.2; Breheny & Huang 2015). */
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

void sp_concave_block_norms(const sp_penalty *pen, double lambda, const sp_pen_block *bl, double *T, double *t_by_v, double *k);
double sp_concave_block_gauge(const sp_penalty *pen, const sp_pen_block *bl, const double *z);
double sp_concave_block_value(const sp_penalty *pen, double lambda, const sp_pen_block *bl, const double *u);
double sp_concave_block_violation(const sp_penalty *pen, double lambda, const sp_pen_block *bl, const double *u, const double *z);
double sp_concave_block_scale(const sp_penalty *pen, double lambda, const sp_pen_block *bl, const double *z);
double sp_concave_block_fenchel_young(const sp_penalty *pen, double lambda, const sp_pen_block *bl, const double *u, const double *z);

#endif
