/* Textbook first-order methods on the operation tables, for checking and teaching: every iterate is recorded and certified like any
 * solution, and leaves a line in a trace.
 *
 * All work in penalized units u_j = unit_j b_j on f(b) + Omega(b), f(b) = min over intercepts and unpenalized coefficients of F. The
 * working set is every usable column. A method ends when the certificate is good enough or max_iter iterations are over. */
#ifndef SP_REFERENCE_H
#define SP_REFERENCE_H

#include "path.h"

/* What happened: one line for each iterate, that of iteration 0 being the start. */
typedef struct sp_trace {
  int n, cap;
  int *lambda, *iteration; /* [n] index of the lambda, number of the iteration */
  double *objective, *gap; /* [n] F and penalty; relative gap */
} sp_trace;

typedef struct sp_reference {
  int m, cap;         /* coefficients */
  double curve;       /* gradient methods: L of the step 1 / L */
  double rho;         /* admm */
  double *unit;       /* [m] penalized units */
  double *b, *y, *c, *x, *d, *u; /* [m] iterate, extrapolation, its gradient, scratch, scratch, scaled dual of admm */
  double *gamma, *z;  /* [nu + 1] unpenalized coefficients, scratch */
  double *Z, *G, *H;  /* admm: columns in the metric [n x m], their Gram matrix or that of the rows, its factor with rho */
  double *v;          /* [n] */
  int size, gram;     /* of G and H; G is that of the present metric */
  double rho_H;       /* rho in H, 0: none */
  sp_trace trace;
} sp_reference;

/* The solution at path->lambda[l], from the present one. */
sp_status sp_reference_solve(sp_path *path, sp_task *t, int l, int slot);
void sp_reference_free(sp_ctx *ctx, sp_reference *ref); /* NULL is fine */

#endif
