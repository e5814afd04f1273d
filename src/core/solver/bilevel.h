/* Bi-level penalties: groups without norms. A coefficient is penalized with f_inner times the slope of f_outer, which the other
 * coefficients of its group have a say in; of a group that is zero that slope is 1. Groups enter the working set whole, so that
 * every column outside has the threshold lambda alone. */
#ifndef SP_SOLVER_BILEVEL_H
#define SP_SOLVER_BILEVEL_H

#include "model.h"

/* f_outer of a group of `size` usable coefficients, of which `count` are listed with their values; the others are 0 */
sp_outer sp_bilevel_outer(const sp_model *m, double lambda, int size, const int *coef, const double *b, int count);
/* a coefficient as the functions of a coordinate see it when its group has this slope of f_outer */
sp_coord sp_bilevel_coord(const sp_model *m, double lambda, int coefficient, double slope);
int sp_bilevel_size(const sp_model *m, int coefficient); /* usable coefficients of its group */

/* Of the working set: the coordinate at position k, t and s of all, the penalty with its ridge part. */
sp_coord sp_bilevel_at(const sp_model *m, int k);
void sp_bilevel_tangent(sp_model *m);
double sp_bilevel_penalty(const sp_model *m);
/* H [ld x ld] += the part of the penalty's curvature that links the active coefficients of a group; worst: a diagonal below it, wherever the
 * coefficients are */
void sp_bilevel_curvature(const sp_model *m, int worst, double *H, int ld);

#endif
