/* Loss: functions of the linear predictor eta [n] only; no X, no coefficients, no penalty. With K linear predictors eta, y, g and h
 * are [n x K], w stays [n].
 * F(eta) = sum_i w_i l(y_i, eta_i) with weights w that sum to 1, or any other function of eta, convex unless it has no dual. A new family is one file
 * that ends in a const sp_loss_ops. Rows of weight zero contribute nothing and must not be looked at (their eta may be anything).
 *
 * Each model has an instance of its own: the rows it sees, what `open` made of them, scratch. One thread at a time uses it. */
#ifndef SP_LOSS_H
#define SP_LOSS_H

#include <stddef.h>

#include "../base/ctx.h"

enum {
  SP_LOSS_QUADRATIC = 1, /* l = (y - eta)^2 / 2: the curvature is w, one Newton step is exact */
  SP_LOSS_LEVEL_FREE = 2, /* F(eta + c) = F(eta) for every constant c: no intercept, and columns may be centred */
  SP_LOSS_SHIFT_FREE = 4, /* F does not change when all K predictors of a row move by the same amount */
  SP_LOSS_MAIN_THREAD = 8, /* asks the host: tasks run one after the other on the calling thread */
  SP_LOSS_DOMAIN = 16      /* F is finite in a part of the space only: value() is INFINITY elsewhere, the rest must not be asked there */
};

/* Products with the square root S of a curvature S'S = M, in place: x <- S x, S'x, some S^-1 x, and S'^-1 x for x in the range of
 * S'. M may have null directions; S^-1 chooses along them. */
enum sp_root { SP_ROOT, SP_ROOT_T, SP_ROOT_SOLVE, SP_ROOT_SOLVE_T };

/* A family that the host evaluates, each row on its own, with weight 1; on the calling thread only. */
typedef struct sp_loss_host {
  void *data;
  /* l (NULL: not asked for), -dl/d eta, d2l/d eta2 and its expectation, all [n]. 0: done; 1: eta is outside the region where the family is defined;
   * anything else: the host failed, and knows why */
  int (*evaluate)(void *data, ptrdiff_t n, const double *eta, const double *y, double *loss, double *score, double *curvature,
                  double *expected);
  /* eta whose mean is `mean`; returns as above */
  int (*link)(void *data, double mean, double *eta);
} sp_loss_host;

/* What a family needs to know of the data beyond y and weights, over the rows of the design. Borrowed, the same for all models; each
 * family reads its own fields, 0 or NULL where nothing was given. */
typedef struct sp_loss_data {
  int K;                /* linear predictors; 0: one */
  int scale_response;   /* divide each response by its standard deviation; the model does it */
  const double *entry;  /* [n] cox: time of entry, at risk in (entry, y]; NULL: always */
  const int *status;    /* [n] cox: 1 event at y, 0 censored */
  const int *strata;    /* [n] cox: labels of strata; NULL: one */
  int efron;            /* cox: ties by Efron's approximation, else Breslow's */
  const sp_loss_host *host; /* glm: the functions of the family */
} sp_loss_data;

typedef struct sp_loss_ops sp_loss_ops;

/* The loss of one model. */
typedef struct sp_loss {
  const sp_loss_ops *ops;
  sp_ctx *ctx;
  ptrdiff_t n;              /* rows */
  int K;                    /* linear predictors */
  const double *y, *w;      /* [n x K], [n], borrowed */
  const int *rows;          /* [n] rows of the design, or NULL: all; borrowed */
  const sp_loss_data *data; /* or NULL; borrowed */
  void *state;              /* made by open, freed by close */
  int costly;               /* a metric costs more than the steps that a fresh one saves */
  sp_status status;         /* a function that fails says so here and returns NaN; the engine stops. SP_OK for those that cannot */
} sp_loss;

struct sp_loss_ops {
  const char *name;
  unsigned flags;
  /* state from rows, y, w, data; NULL: the loss has none. close must cope with an open that failed half-way */
  sp_status (*open)(sp_loss *l);
  void (*close)(sp_loss *l);
  /* F(eta) */
  double (*value)(sp_loss *l, const double *eta);
  /* g = -dF/d eta, h = diagonal of d2F/d eta2, >= 0 */
  void (*grad_hess)(sp_loss *l, const double *eta, double *g, double *h);
  /* SP_LOSS_DOMAIN: is F defined at eta? */
  int (*defined)(sp_loss *l, const double *eta);
  /* h = diagonal of d2F/d eta2 with its signs, where that of grad_hess is made positive. NULL: it need not be */
  void (*curvature)(sp_loss *l, const double *eta, double *h);
  /* Curvatures M = d2F/d eta2 that are not diagonal: `metric` makes the square root at eta, `root` applies the last one made. F is
   * constant along the null directions of M. NULL: M is diag(h) */
  sp_status (*metric)(sp_loss *l, const double *eta);
  void (*root)(const sp_loss *l, enum sp_root op, double *x);
  /* out = M x, of the last metric made. NULL: by the root and its transpose */
  void (*curve)(const sp_loss *l, const double *x, double *out);
  /* s [n x K], where M is diag(s_i) - s_i s_i' / sum s_i in row i, of the last metric made. NULL: it has another form */
  void (*shares)(const sp_loss *l, double *s);
  /* curvature h of a quadratic that lies above F and touches it at eta (so that its minimizer never increases F), or NULL
   * when grad_hess already gives one: the rescue of a Newton step that fails far from the solution */
  void (*majorizer)(sp_loss *l, const double *eta, double *h);
  /* smallest value F can take: sum w l(y, saturated) */
  double (*saturated)(sp_loss *l);
  /* Fenchel-Young term F(eta) + F*(-s g) + s g'eta >= 0 of the dual point s g(eta), 0 <= s <= 1, as a sum of
   * non-negative terms; 0 at s = 1. NULL: no dual is known, F may not be convex; solutions are then judged by their optimality
   * conditions (sp_point.kkt) and have no gap. */
  double (*fenchel_young)(sp_loss *l, const double *eta, double s);
  /* eta of the constant model without offset: a start for the intercept */
  double (*start)(sp_loss *l);
  /* the intercepts b [K] that minimize F(off + b), off [n x K]. NULL (K = 1 only): found from `start` */
  void (*intercepts)(sp_loss *l, const double *off, double *b);
};

/* l must be zero or closed. rows, y, w, data stay where they are until sp_loss_close(). */
sp_status sp_loss_open(sp_loss *l, sp_ctx *ctx, const sp_loss_ops *ops, ptrdiff_t n, const int *rows, const double *y,
                       const double *w, const sp_loss_data *data);
void sp_loss_close(sp_loss *l);

#endif
