/* Model: one fit's data and state, from raw rows to the quadratic problem of the moment. Ties loss, penalty, view and qp together;
 * knows nothing of grids, screening or other fits. */
#ifndef SP_MODEL_H
#define SP_MODEL_H

#include "../loss/loss.h"
#include "../penalty/penalty.h"
#include "qp.h"

#define SP_REFERENCES 24

typedef struct sp_model {
  sp_ctx *ctx;
  const sp_design *design; /* the raw design, always */
  sp_loss loss;            /* the instance of this model */
  const sp_penalty *pen;
  int K;                   /* linear predictors */
  int p;                   /* coefficients: columns of the design times K; coefficient j belongs to column j / K, predictor j % K */
  int intercept;
  int centred;             /* columns are centred: an intercept, or a loss that does not see constants */
  ptrdiff_t rows_n;        /* rows of positive weight */
  ptrdiff_t n;             /* length of vectors over them: rows_n K, predictor by predictor */
  int *rows;               /* [rows_n], or NULL when all rows have positive weight */
  double *yscale;          /* [K] what responses and offsets are divided by, or NULL: 1 */
  double *y, *w, *sw, *off, *eta; /* [n]; w sums to 1 in each predictor, sw its square root */
  double *g, *h, *r0, *deta, *eta_old; /* [n] scratch of the Newton loop */
  double *full, *column, *sums; /* [design->n x K], [design->n], [K] scratch of the view */
  double *ranks;           /* scratch of the view, where the design is made of fewer columns */

  double *mean, *iscale;   /* [design->p] centre and 1 / weighted norm of the centred column; iscale 0: column left out */
  double *ratio;           /* [design->p] penalized unit / weighted norm (1 / norm without standardization), or NULL: 1 */
  const double *v;         /* [design->p] penalty factors of the user, or [p] one for each coefficient, borrowed */
  int v_own;               /* is there one for each coefficient? */
  const double *gw;        /* [groups] weights of the norms, borrowed */
  const double *lower, *upper; /* [design->p] or NULL, borrowed */
  int blocks;              /* the penalty has norms of blocks */
  double *wt;              /* [groups] blocks: what a coefficient of the group is penalized with in all, lambda and alpha apart */
  int longest;             /* coefficients of the largest block */
  int bilevel;             /* groups without norms: bilevel.h */
  double ridge_scale;      /* multiplies the ridge part: 1 / s_y */
  double null_value, null_dev, sat_value; /* F of the intercept-only model (with offset), F(null) - F(sat), F(sat) */
  double floor;            /* smallest curvature of a metric, relative to the weight of the row */
  double unit;             /* size of a gradient at the null model: |sw o (y - mu)| ; scales rounding levels */

  int nu, nu0;             /* unpenalized basis: independent intercepts (nu0 of them), then independent free columns */
  int *ucol;               /* [nu] coefficient; -1 - k for the intercept of predictor k */
  double *U;               /* [n x nu] standardized, metric free */
  double *UR;              /* [nu x nu] upper: S U = Q0 UR */
  double *gamma;           /* [nu] coefficients of U in standardized units */
  double *gamma_step;      /* [nu] as qp.step */
  char *is_u;              /* [p] 1: in U or dependent on it (coefficient 0); such columns are never in the working set */

  double *sm;              /* [n] metric of the qp, where it is diagonal */
  double *fit;             /* [n] scratch of the view, where it is not */
  int metric_set;
  double *target;          /* [qp.n] quadratic loss: sw o (y - off), projected; Q'y in a reduced problem */
  double *target_full;     /* [n] the former, while reduced */
  sp_qp qp;
  int eta_of_b;            /* eta and gamma are those of sp_model_unpenalized() */
  int c_fresh;             /* qp.c belongs to qp.r for the whole working set */
  int no_classed;          /* left classed.c once */
  int no_iterative;        /* conjugate gradients failed once: dependent columns */
  int use_dual;            /* ridge: the dual engine has taken over */
  int force_cd;            /* tests: coordinate descent first */
  double curvature;        /* non-convex penalties: what they are measured by, see sp_model_coord() */
  int concave;             /* the penalty is non-convex, and taken as it is, not by its tangent: concave.h */
  struct sp_gram *gram;    /* concave.c */
  struct sp_secant *secant; /* secant.c */
  double lambda;
  double stepped;          /* by how much lambda fell in the step that qp.step belongs to; 0: none known */
  double predicted;        /* residual / lambda that a predicted start must not exceed; 0: none */
  int max_iter;
  double cg;               /* passed on to the qp */

  /* reduced problem of a tall gaussian design: the triangular factor of the standardized X */
  int reduced;
  sp_design red_design;
  double *red;             /* [p x p] */
  double red_rest;         /* |y|^2 - |Q'y|^2, what no coefficient can fit */

  /* residuals that correlations of the working set are known for: reach.h */
  double *refs;            /* [n x SP_REFERENCES] of unit length */
  int n_ref;

  int *near, n_near;       /* [capacity of the working set] positions near their threshold */
  size_t cap_near;
  double *b_old;           /* [cap_near] */
  double n_newton, n_metric, n_linesearch, n_sweeps, n_tangent;
} sp_model;

/* Rows of positive weight, normalized weights, starting intercept. weights [n], y and offset (or NULL) [n x K] are over the design's rows. */
sp_status sp_model_init(sp_model *m, sp_ctx *ctx, const sp_design *design, const sp_loss_ops *loss,
                        const sp_loss_data *data, const sp_penalty *pen, const double *y, const double *offset,
                        const double *weights, int intercept);
/* The intercept-only model: eta, null_value, null_dev, sat_value, and its gradient in g. */
void sp_model_null(sp_model *m);
/* After mean, iscale, ratio are set: unpenalized basis (fitted where it is more than the intercept), qp. */
sp_status sp_model_start(sp_model *m);
void sp_model_free(sp_model *m);

/* the columns of the design, centred and scaled, metric free */
sp_view sp_model_view(const sp_model *m);
static inline int sp_model_base(const sp_model *m, int j) { return m->K == 1 ? j : j / m->K; }
/* penalty factor of a coefficient */
static inline double sp_model_factor(const sp_model *m, int j) { return m->v[m->v_own ? j : sp_model_base(m, j)]; }
sp_coord sp_model_coord(const sp_model *m, int j);
/* may column j be in the working set? */
int sp_model_usable(const sp_model *m, int j);
sp_status sp_model_add(sp_model *m, int j); /* to the working set, with the rest of its block or group */

/* Blocks, numbered from 0. */
int sp_model_blocks(const sp_model *m);
int sp_model_block_of(const sp_model *m, int coefficient);
/* The usable coefficients of block g in coef [longest], the factors of their L1 part in v [longest] */
sp_pen_block sp_model_block(const sp_model *m, int g, int *coef, double *v); /* v [3 longest]: factors, limits */
double sp_model_tolerance(const sp_model *m, const sp_pen_block *bl); /* the unit of a block's tolerances, / lambda; 1 without a penalty */
double sp_model_unit(const sp_model *m, int coefficient); /* penalized unit: u = unit b */

/* The solution at lambda on the working set, from the current state (that of lambda_prev). *kkt: largest violation / lambda over the
 * working set; *limit: 1 when an iteration limit was hit. */
sp_status sp_model_solve(sp_model *m, double lambda, double lambda_prev, double *kkt, int *limit);
/* qp.V <- the positions of `near` that are not active */
void sp_model_look_near(sp_model *m);
/* products with the root S of the metric of the qp */
void sp_model_root(const sp_model *m, enum sp_root op, double *x);
/* The metric of the qp from the curvatures h at eta, with basis and active columns in it. */
sp_status sp_model_set_metric(sp_model *m, const double *h);
/* Q0 and UR in the metric of the qp */
void sp_model_orthonormal_basis(sp_model *m);
/* UR alone, for a qp of scores whose metric is set */
void sp_model_basis_factor(sp_model *m);
/* Set lambda-dependent thresholds without solving. */
void sp_model_set_lambda(sp_model *m, double lambda);
/* States from (columns, b, state, sign) lists, eta for a non-quadratic loss. */
sp_status sp_model_restore(sp_model *m, int count, const int *cols, const double *b, const double *s, const char *st,
                           const double *eta);
/* gamma from the current state (and eta anew from b and gamma for a non-quadratic loss) */
sp_status sp_model_unpenalized(sp_model *m);
/* resid [design->n x K] = g = w (y - mu) scattered to all rows; sum [K]: its column sums. From eta (quadratic: from qp.r). */
void sp_model_gradient(sp_model *m, double *resid, double *sum);
double sp_model_value(sp_model *m); /* F at the current solution */

#endif
