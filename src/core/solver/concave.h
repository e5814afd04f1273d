/* Non-convex penalties on the working set. Thresholds t of the qp are the slopes p'(|b|) at the present b ("tangent"), so that
 * residuals and violations of the qp are those of the true problem, and the convex engines, which take t as fixed, solve its
 * local linear approximation. */
#ifndef SP_SOLVER_CONCAVE_H
#define SP_SOLVER_CONCAVE_H

#include "block.h"
#include "model.h"

#define SP_STATIONARY_CONCAVE 1e-6 /* largest violation / lambda of a point that counts as solved */

/* is the penalty of this model non-convex at the present lambda? */
int sp_concave_active(const sp_model *m);
/* t and s of the qp from b */
void sp_concave_tangent(sp_model *m);
/* penalty of position k; by its tangent unless m->concave */
double sp_concave_penalty(const sp_model *m, int k);
/* The penalty of the qp: the non-convex one, or its tangent. */
void sp_concave_use(sp_model *m, int on);
/* A stationary point of the quadratic problem with the true penalty, from A and the positions V; the objective never rises. r,
 * b, states and t agree on return. newton_only: gives up where Newton's step is no use; *ok then is 0, or SP_CONCAVE_UNMOVED where b is
 * what it was. */
enum { SP_CONCAVE_UNMOVED = -1 };
sp_status sp_concave(sp_model *m, int newton_only, int *ok);
/* Of the present point: SP_LOCAL_NONE, SP_LOCAL_MINIMUM where the curvature on its support is positive, SP_LOCAL_CONVEX where it
 * stays so whatever the size of the coefficients on the support. */
enum { SP_LOCAL_NONE = 0, SP_LOCAL_MINIMUM = 1, SP_LOCAL_CONVEX = 2 };
sp_status sp_concave_local(sp_model *m, int ask_convex, int *local);
void sp_concave_free(sp_model *m);

/* |r|^2 / 2 and the true penalty of the active set */
double sp_concave_objective(const sp_model *m);
/* b has moved by `step` [a], which r does not know yet: 1 and r follows when the objective has not risen from `before`, else 0 */
int sp_concave_accept(sp_model *m, const double *step, double before);

/* XA'XA of the present active set: what is known stays, new columns are added. */
typedef struct sp_gram {
  double *G, *C;         /* [ld x ld] XA'XA by slots, upper (of blocks: that of the qp); [ld x ld] scratch */
  int *col, *slot;       /* [ld] column of each slot; [p] slot of a column, -1 */
  int a, ld;
  double stamp;          /* the metric that G belongs to */
} sp_gram;
sp_status sp_concave_gram(sp_model *m);

/* The same for norms of blocks: concave_block.c. T of the qp from b; penalty of the block at position k, its ridge part included; the
 * factor of XA'XA + ridge + curvature in penalized units. */
void sp_concave_block_tangent(sp_model *m);
double sp_concave_block_penalty(const sp_model *m, int k);
sp_status sp_concave_block_factor(sp_model *m, int worst, int *definite);
extern const sp_norm_rule sp_concave_norms; /* of a sp_model */

#endif
