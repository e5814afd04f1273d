/* The quadratic problem that every direct solver works on, with its active-set state:
 *
 *   minimize over b   1/2 || y - Z b ||^2 + sum_k ( t_k |b_k| + k_k b_k^2 / 2 ),   lo_k <= b_k <= hi_k,
 *
 * where the columns of Z are the working set, in the metric of the view, projected off the orthonormal basis Q0 (intercept and
 * unpenalized columns), and r = y - Z b is kept instead of y. A gaussian fit is one such problem whose thresholds move with
 * lambda; a generalized linear model replaces metric and r at each Newton step.
 *
 * Position k in the working set: column W[k], state st[k]. FREE columns are the active set: slot ia[k] of A, XA (their columns
 * in the metric, projected) and P (upper Cholesky factor of XA'XA + K). HI and LO stand at a limit with a fixed value. */
#ifndef SP_QP_H
#define SP_QP_H

#include "view.h"

enum { SP_ZERO = 0, SP_FREE = 1, SP_HI = 2, SP_LO = 3 };

static inline double sp_max(double a, double b) { return a > b ? a : b; }

/* Tolerances, each used in one sense only. Refining is finer than entering, entering finer than accepting: a solution in which
 * nothing is left to enter can always be refined until it is accepted. */
#define SP_TOL_ENTER 1e-10  /* a zero coefficient enters when |c| > t (1 + this) */
#define SP_TOL_ACCEPT 1e-9  /* KKT residual / lambda at which a solution over the working set is accepted */
#define SP_TOL_REFINE 1e-13 /* refinement of the active equations stops here (relative to lambda) */
#define SP_DEPENDENT 1e-9   /* relative squared pivot below which a column counts as dependent */

typedef struct sp_qp {
  sp_ctx *ctx;
  sp_view view;
  ptrdiff_t n;        /* length of vectors: view.n view.K */
  ptrdiff_t rank;     /* dimension of the space that columns lie in: n, or less where the metric has null directions */
  int p;              /* coefficients */
  int k0;             /* columns of Q0 */
  double *Q0;         /* [n x k0] orthonormal in the metric */
  double lambda;      /* the unit of tolerances: about lambda alpha */
  double noise;       /* absolute rounding level of a computed correlation */
  int has_ridge;      /* some k > 0 */

  int nW, capW;       /* working set */
  int *W, *pos;       /* [capW] columns, [p] position or -1 */
  double *c, *t, *k, *b, *q, *s, *av, *lo, *hi, *vs; /* [capW]; vs: lambda-free scale of t (1 when unpenalized) */
  double *t1, *k1;    /* [capW] t and k at lambda = 1 */
  double *step;       /* [capW] how b moved from the last lambda but one to the last: a prediction of the next step */
  double *c0, *rest;  /* [capW] reach.h: last product / |its residual|, what it leaves open */
  double *unit, *T, *T1, *wt; /* [capW] block.h: penalized unit of b; at the first position of a block its threshold, that at lambda = 1, and
                                 the unit of its tolerances. unit, wt without norms: bilevel.c */
  int *len;           /* [capW] block.h: positions of the block that begins here, 0 inside one; 1 without blocks */
  int *ref;           /* [capW] the residual it was formed with, or -1 */
  char *st, *blk;     /* [capW] state; blocked: dependent, may not enter until something leaves */
  int *ia;            /* [capW] slot in A, or -1 */

  int a, L;           /* active columns, capacity */
  int *A;             /* [capA] positions in the working set */
  double *XA, *P, *nx; /* [n x L], [L x L], [capA] squared norms of the columns of XA */
  int capA;           /* capacity of the vectors of the active set (L: of XA and P, which an iterative qp does without) */
  int iterative;      /* sparse design, large active set: conjugate gradients on the design itself, no XA, no P */
  int scores;         /* iterative, the metric has a root: rows hold S'r where else r, so that products need no root; see scores.c */
  const double *U, *UR; /* scores, classed: the basis metric free, U'MU = UR'UR; [n x k0], [k0 x k0] of the model, */
  const int *ucol;    /* and its columns, see model.h */
  double *diag;       /* [n] scores, classed: diagonal of the metric */
  int diag_fresh;     /* nx belongs to it */
  int classed;        /* a column of XA is kept in two parts instead of K, see classed.c */
  double *shares;     /* [n] classed, blocks: those of the metric */
  double *parts;      /* [2 view.n x k0] classed: the basis */
  int *seen;          /* [p / K] classed: -1, scratch of sp_classed_dot() */
  double cg;          /* iterative: residual / lambda at which a solution is good enough for the promised gap */
  sp_design sub;      /* iterative: the active columns in the metric (scores: free of it), uncentred (projection centres them);
                         sub_i, sub_x, sub_ptr */
  int *sub_i, *sub_ptr, sub_fresh;
  double *sub_x;
  size_t cap_sub;
  int *row_of;        /* [view.design->n] position of a row among the rows seen, or -1; NULL: all rows */
  double tol;         /* iterative: largest residual of the active equations that a solve may leave */
  int blocks;         /* norms of blocks are in force: block.h has what differs */
  double *G;          /* [capG x capG] blocks: Gram matrix of XA, of its first `gram` slots */
  int capG, gram;
  double *D;          /* [L x (2 longest + 2)] blocks: what belongs to a slot within its block, see block.c */
  size_t capD;
  int longest;        /* coefficients of the largest block */
  int packed;         /* blocks of whole columns in K predictors with one metric: XA [view.n x L / K], see block.c */
  double *share_root, *share_work, *share_inv, *share_mean, *share_level; /* packed, with a metric of shares: block.c */
  int boxed;          /* blocks: some coefficient may have a limit */
  int shares_fresh;   /* shares are those of the metric */
  const struct sp_norm_rule *norm; /* blocks: the penalty of a norm h where it is not T h, block.h; or NULL */
  const void *norm_of;
  int hold;           /* with a rule: the loss does not see what the predictors of a column have in common */
  double ahead;       /* blocks: how much of `step` to go ahead at first, 0: nothing */
  struct sp_block_work *work; /* blocks: what their solver keeps from one problem to the next */
  double goal;        /* blocks: residual / lambda at which the active blocks are solved, 0: as exactly as possible */
  int stale;          /* 0: P is exact; 1: P belongs to another ridge term and is a preconditioner; 2: rebuild */
  double kappaP;      /* kappa of the ridge term in P */
  double *r, *u, *e;  /* [n] residual, XA d, scratch */
  double *g, *w, *d, *h1, *h2, *h3, *rhs; /* [capA] */
  int *acol, *every;  /* [capA] columns of A; 0, 1, 2, ... */
  double *e2;         /* [n] iterative only; scores: [3 n + k0] */

  int nV, *V;         /* [capW] positions looked at by the running solver */
  int *idx;           /* [capW] columns of V, scratch */
  double *val;        /* [capW] */
  double *vv;         /* [capW] */
  int *ent;           /* [capW] entering positions */
  double *esg;        /* [capW] their signs */

  /* dual (ridge) engine, made on first use */
  double *K;          /* [n x n] sum over inK of x~ x~' / kv, metric free */
  char *inK;          /* [p] */
  int ageK;
  double *kv;         /* [capW] lambda-free ridge scale */
  double kappa;       /* k = kappa kv */

  /* counters */
  double n_cg, n_rounds, n_homotopy, n_events, n_exchange, n_dependent, n_rebuild, n_cd, n_dual, n_dots;
} sp_qp;

sp_status sp_qp_init(sp_qp *q, sp_ctx *ctx, const sp_view *view, int p);
void sp_qp_free(sp_qp *q);

/* Add column j to the working set as ZERO (no effect when it is there). The caller sets t, k, lo, hi. */
sp_status sp_qp_add_column(sp_qp *q, int j, int *k_out);
/* Forget the ZERO columns for which drop[k] is set. */
void sp_qp_compact(sp_qp *q, const char *drop);
void sp_qp_forget_active(sp_qp *q); /* A is empty, and its storage free to take another form; b, r stay */
sp_status sp_qp_reserve_active(sp_qp *q, int a);

/* factor.c */
sp_status sp_factor_rebuild(sp_qp *q, int *failed);          /* from XA: Cholesky, then QR where that fails */
sp_status sp_factor_reload(sp_qp *q, int *failed);           /* columns of XA anew from the view (metric changed), then rebuild */
sp_status sp_factor_add(sp_qp *q, int k, double sign, int *dependent);
/* dependent: 1 on the active columns (q->w has the combination), 2 on the unpenalized ones */
void sp_factor_drop(sp_qp *q, int slot, int state);
sp_status sp_factor_add_block(sp_qp *q, const int *ks, const double *signs, int m, int *refused);
void sp_factor_solve(const sp_qp *q, double *x);             /* x <- (P'P)^-1 x */
sp_status sp_qp_solve_active(sp_qp *q, const double *rhs, int *trouble); /* H d = rhs -> q->d, q->u = XA d */

void sp_active_t(sp_qp *q, const double *x, double *out);    /* out [a] = XA'x */
void sp_active_corr(sp_qp *q, int m);                        /* val [m] = z' r of q->V [m], g [a] = XA'r */
void sp_active_n(sp_qp *q, const double *d, double *out);    /* out [n] += XA d; what out has in the unpenalized basis may go */
sp_status sp_active_refresh(sp_qp *q);                       /* iterative: before products, when the set has changed */
sp_status sp_qp_set_iterative(sp_qp *q, int on);

/* classed.c */
sp_status sp_qp_set_classed(sp_qp *q, int on); /* A without columns; the metric must be made anew */
void sp_classed_basis(sp_qp *q); /* after a change of the metric */
void sp_classed_column(sp_qp *q, int slot, int k, double *raw, double *nx); /* slot <- column of position k; squared norms before and after */
void sp_classed_cross(const sp_qp *q, int a, int from, int m, double *Z, int ld); /* Z [a x m] = XA[, 0..a)' XA[, from..from + m) */
void sp_classed_gram(const sp_qp *q, int from, int m, double *C, int ld); /* upper half of XA'XA of slots from..from + m */
void sp_classed_sort(sp_qp *q); /* slots of one predictor one after the other */
void sp_classed_dot(const sp_qp *q, int a, const double *full, const double *sums, double *out); /* out [a] = z_A' of what sp_view_scatter() made */
void sp_classed_project(const sp_qp *q, double *x);
void sp_classed_fit(sp_qp *q, const double *d, double *out); /* out += XA d */
static inline int sp_qp_no_basis(const sp_qp *q) { return q->scores || q->classed; } /* UR and U stand for Q0 */
static inline size_t sp_qp_column_size(const sp_qp *q) { return q->classed ? 2 * (size_t)q->view.n + (size_t)q->k0 : (size_t)q->n; }

/* scores.c */
sp_status sp_scores_open(sp_qp *q);
void sp_scores_curve(const sp_qp *q, const double *x, double *out); /* out = M x */
void sp_scores_basis(const sp_qp *q, const double *x, double *out); /* out [k0] = U'x */
void sp_scores_solve(const sp_qp *q, double *z, int both); /* z <- UR'^-1 z; both: (UR'UR)^-1 z */
void sp_scores_solve_upper(const sp_qp *q, double *z); /* z <- UR^-1 z */
void sp_scores_add(const sp_qp *q, double by, const double *z, double *x); /* x += by U z */
void sp_scores_project(const sp_qp *q, double *x); /* x <- x - MU (U'MU)^-1 U'x */
void sp_scores_fit(sp_qp *q, double *y, double *out); /* out += M (y - U (U'MU)^-1 U'M y); y is lost */
void sp_scores_diagonal(sp_qp *q); /* nx [a]: about the diagonal of H */

/* qp.c: shared pieces */
void sp_qp_project(const sp_qp *q, double *x);               /* x <- x - Q0 Q0'x, twice */
double sp_qp_violation(const sp_qp *q, int k, double *dir);  /* of an inactive column; dir: where it wants to go */
double sp_qp_entry(const sp_qp *q);                          /* relative excess over a threshold that makes a violator */
double sp_qp_accept(const sp_qp *q);                         /* KKT residual / lambda of an accepted solution */
double sp_qp_entry_tol(const sp_qp *q, int k);
double sp_qp_free_sign(const sp_qp *q, int k, double dir);
int sp_qp_leaving(const sp_qp *q, int slot, double *value);  /* state that a FREE column must take, or -1 */
void sp_qp_corr(sp_qp *q, const int *ks, int m, const double *r, double *out); /* out[a] = z_{ks[a]}' r */
sp_status sp_qp_set_y(sp_qp *q, double *y); /* y = r + Z b */
sp_status sp_qp_residual(sp_qp *q, const double *y);         /* r = y - Z b from scratch */
void sp_qp_corr_all(sp_qp *q);                               /* c over the working set, exact for FREE ones through XA */
double sp_qp_kkt(sp_qp *q);                                  /* largest violation / (lambda vs) over the working set, c fresh */
void sp_qp_take_all(sp_qp *q);                               /* V <- every inactive position */
sp_status sp_qp_from_b(sp_qp *q);                            /* states, A, factor from the values b */

/* the solvers; each works on A and V, leaves r, b, states consistent, sets *ok */
sp_status sp_pdas(sp_qp *q, int c_fresh, int *ok);
sp_status sp_homotopy(sp_qp *q, int *ok);
sp_status sp_cd(sp_qp *q, int max_sweeps, int *ok);
sp_status sp_dual(sp_qp *q, const double *y, int *ok);

#endif
