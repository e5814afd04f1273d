/* What the parts of the block solver share: block.c, block_newton.c, block_shares.c. */
#ifndef SP_BLOCK_WORK_H
#define SP_BLOCK_WORK_H

#include <math.h>

#include "block.h"

#define SP_BLOCK_SLACK 1e-13 /* rounding of a change of the objective, relative to its terms */

typedef struct sp_block_work {
  double *c, *d, *gd, *b0;   /* [a] XA'r; step; G d; b that r belongs to */
  double *u, *g, *x, *v;     /* [a] a block's or the support's, penalized units */
  double *H, *M, *F;         /* [s x s] Newton matrix; [len x len] of one block */
  double *N, *X, *V, *C;     /* with more coefficients than rows: see factor_rows() */
  double *k, *m, *dir;       /* [a] Dk, scratch, u_g by coefficient of the support */
  int *block, blocks, by_rows, as_packed, with_gram; /* [a] block of a coefficient of the support, their number */
  size_t cap_rows, room_C;
  float **outer;             /* [most_outer] X_g X_g' of blocks, lower triangles by columns; see factor_rows() */
  int *unused;               /* [most_outer] numbers that are free */
  int most_outer, outers, unused_count, reloads;
  double *packed;            /* [n (n + 1) / 2 + SP_FLOATS] their sum */
  int *S, *on;               /* [a] slots of the support that was factored, -1 where it has left A; of those that a step moves */
  int moving;
  int cap, cap_H, cap_M, s;
  double *lo, *hi;           /* [a] limits of a block, penalized units */
  double *rho;               /* [n] by shares: S'r, while sweeps move it */
  double *kept;              /* [(DEPTH + 1) x (a + max(a, n))] b and r (or c) after each of the last sweeps */
  size_t cap_kept;
  int kept_count, kept_gram, kept_a;
  int chord;                 /* there is a factor, of this problem or one like it */
  int ruled;                 /* of a problem whose norms have a rule */
  double newton_rate;        /* what the last Newton step left of the residual, 0: none yet */
  double sweep_rate;         /* what the last sweeps left each, 0: none yet */
} sp_block_work;

/* Packed: blocks have whole columns of the design in all K predictors. XA has each of them once, [view.n], and c, b by slots are
 * [K x columns]. The metric is one for all predictors and in XA, or that of shares s [view.n x K], diag(s_i) - s_i s_i' / sum s_i for row
 * i, with columns free of it. */
static inline int by_shares(const sp_qp *q) { return q->packed && q->view.root; }
static inline int columns(const sp_qp *q) { return q->packed ? q->a / q->view.K : q->a; }

static inline ptrdiff_t segment_length(const sp_qp *q) { return q->view.K > 1 && !q->view.root ? q->view.n : q->n; }

/* Slot i of D: products with the slots of its block [longest], its eigenvector [longest] and eigenvalue of the block in penalized units,
 * whether that is a multiple of the identity, and at the first slot the number of the block's matrix among w->outer, or -1. */
static inline ptrdiff_t slot_size(const sp_qp *q) { return 2 * q->longest + 3 + (by_shares(q) ? q->view.K : 0); }
static inline double *products(const sp_qp *q, int i) { return q->D + (ptrdiff_t)i * slot_size(q); }
static inline double *levels(const sp_qp *q, int i) { return products(q, i) + 2 * q->longest + 3; } /* by shares: of the intercepts */
static inline double *direction(const sp_qp *q, int i) { return products(q, i) + q->longest; }
static inline double *curvature(const sp_qp *q, int i) { return products(q, i) + 2 * q->longest; }

static inline double *outer_number(const sp_qp *q, int i) { return products(q, i) + 2 * q->longest + 2; }

/* of slots i and j */
static inline double gram(const sp_qp *q, int i, int j) {
  const int K = q->packed && !by_shares(q) ? q->view.K : 1;
  return i % K == j % K ? q->G[(ptrdiff_t)(j / K) * q->capG + i / K] : 0;
}

/* b within the limits of position k, and at one that it misses by rounding only */
static inline double sp_block_inside(const sp_qp *q, int k, double b) {
  const double hi = q->hi[k], lo = q->lo[k];
  if (isfinite(hi) && b >= hi * (1 - 4e-16)) return hi;
  if (isfinite(lo) && b <= lo * (1 - 4e-16)) return lo;
  return b;
}

/* Does a limit hold the coefficient at position k, whatever it is? Newton steps leave it where it is. */
static inline int sp_block_held(const sp_qp *q, int k) { return q->boxed && (q->b[k] >= q->hi[k] || q->b[k] <= q->lo[k]); }

/* block.c */
void sp_block_tangent(sp_qp *q); /* T of the active blocks, where the penalty of a norm has a rule */
sp_status sp_block_complete_gram(sp_qp *q); /* G of all columns of XA */
double sp_block_residual(const sp_qp *q, const sp_block_work *w); /* relative to lambda, from w->c */
/* of the penalty from b to b + d, without cancellation; *size: of its terms */
double sp_block_penalty_change(const sp_qp *q, const double *d, double *size);

/* block_newton.c */
enum { SP_BLOCK_SHORTENED = 2 };
sp_status sp_block_reserve_newton(sp_qp *q, sp_block_work *w);
int sp_block_newton(sp_qp *q, sp_block_work *w, double E, int again, int *moved); /* again: by the last factor */
int sp_block_support(const sp_qp *q);        /* coefficients of A that are not zero, nor held by a limit */
double sp_block_factor_cost(const sp_qp *q); /* flops of a factorization */

void sp_block_forget_outer(sp_block_work *w);

/* block_shares.c */
sp_status sp_block_take_shares(sp_qp *q);
void sp_block_share_products(sp_qp *q, int s);
sp_status sp_block_share_gram(sp_qp *q);
int sp_block_small_factor(int m, double *M); /* M [m x m] <- its lower Cholesky factor; 0: not positive definite */
void sp_block_small_solve(int m, const double *M, double *x);

#endif
