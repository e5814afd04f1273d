/* Norms of blocks in the quadratic problem of qp.h:
 *
 *   minimize  1/2 |y - Z b|^2 + sum_k ( t_k |b_k| + k_k b_k^2 / 2 ) + sum_g T_g |u_g|_2,   u_k = unit_k b_k.
 *
 * A block is a run of positions in the working set: q->len at its first one, 0 at the others. When q->blocks is set, the active set A
 * is made of whole blocks, in order, and q->G is the Gram matrix of XA; there is no factor P. With q->packed XA has a column of the design
 * once for all K predictors. */
#ifndef SP_BLOCK_H
#define SP_BLOCK_H

#include "qp.h"

/* The penalty of the norm h of the block at k, where it is not T h. T of the qp is then the slope at the norm of the moment, kept so by
 * every part of the solver, and what is minimized has P(h) in place of T h. P need not be convex. */
typedef struct sp_norm_rule {
  double (*slope)(const void *of, int k, double h, double *curve); /* P'(h); *curve: P''(h) */
  double (*rise)(const void *of, int k, double h, double by);      /* P(h + by) - P(h) */
} sp_norm_rule;

/* From A, V and q->r: exact block coordinate descent and Newton steps over A, violators among V enter. */
sp_status sp_blocks(sp_qp *q, int c_fresh, int *ok);
sp_status sp_block_from_b(sp_qp *q);  /* A, XA, G from the values b */
void sp_block_products(const sp_qp *q, const double *r, double *out); /* out [a] = XA'r */
void sp_block_fit(const sp_qp *q, const double *d, double *out);      /* out [n] += XA d */
sp_status sp_block_reload(sp_qp *q);  /* XA and G anew from the view (metric changed) */
double sp_block_violation(const sp_qp *q, int k); /* of the block at k, c and b fresh; penalized units */
double sp_block_noise(const sp_qp *q, int k);     /* of that violation */
double sp_block_kkt(const sp_qp *q);
double sp_block_soft_norm(const sp_qp *q, int k, const double *c, double share); /* |S(c)| / share of the thresholds; c [len] */
double sp_block_norm(const sp_qp *q, int k);      /* |u| */
double sp_block_bend(const sp_qp *q, int k, double h); /* P''(h), 0 without a rule */
void sp_block_free(sp_qp *q);                     /* q->work */

#endif
