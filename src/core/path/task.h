/* Task: one fit of the batch along the grid. Its model, the correlations that screening works from, the solved points. */
#ifndef SP_TASK_H
#define SP_TASK_H

#include "../solver/model.h"

enum { SP_POINT_OK = 0, SP_POINT_MISSED = 1, SP_POINT_LIMIT = 2 };

/* The solution at one lambda: columns with a coefficient, standardized units. */
typedef struct sp_point {
  int count, df, nnz;     /* entries; columns of the design with a coefficient, coefficients */
  double *b;              /* [count]; owns gamma and cols too */
  double *gamma;          /* [nu] */
  int *cols;              /* [count] increasing only in the output */
  double *s, *c;          /* [count] signs, correlations: only while the batch runs; s owns c and st */
  char *st;               /* [count] states */
  double lambda;
  double value;           /* F */
  double kkt;             /* largest violation / lambda, all columns once certified */
  double scale;           /* largest s such that s theta is dual feasible */
  double slack;           /* penalty Fenchel-Young terms of columns with coefficient 0, and charge for unpenalized scores */
  double gap;             /* relative to the null objective; NaN: the loss has no dual, kkt decides */
  int status, limit;
  int local;              /* non-convex penalties: solver/concave.h */
} sp_point;

struct sp_reference;

typedef struct sp_task {
  sp_model m;
  struct sp_reference *ref; /* textbook methods: their state and trace; NULL otherwise */
  char *seen;             /* [design->p] scratch; K > 1 only */
  int *bcoef;             /* [m.longest] scratch of a block; blocks only. It owns bv, bu, bz */
  double *bv, *bu, *bz;   /* [m.longest] */
  double *c;              /* [p] last known correlation of unit columns, for screening only */
  double lambda_c;        /* the lambda that c belongs to */
  sp_point *points;       /* [grid] */
  int n_points;           /* solved and certified */
  double *rt;             /* [m.n x batch] residuals (y - mu) sqrt(w) of the running batch */
  double *eta;            /* [m.n x batch] linear predictors, non-quadratic losses only */
  int ls, l1;             /* unresolved range of the running batch */
  int *viol, n_viol, cap_viol; /* violators found by the last check */
  int first;              /* first lambda that they invalidate */
} sp_task;

void sp_point_free(sp_ctx *ctx, sp_point *pt);
void sp_point_free_scratch(sp_ctx *ctx, sp_point *pt); /* what only the running batch needs */
/* The model's present solution as a point; also its rt and eta into column `slot` of the batch. */
sp_status sp_task_record(sp_task *t, sp_point *pt, double lambda, int slot, double kkt, int limit);
/* kkt, scale, slack of a point from coefficients b [p] and correlations c [p] of every column */
void sp_task_judge(sp_task *t, sp_point *pt, double lambda, const double *b, const double *c);
sp_status sp_task_restore(sp_task *t, const sp_point *pt, int slot);
/* Gap, KKT and status of a point whose columns outside the working set have been checked. */
void sp_task_certify(sp_task *t, sp_point *pt, double lambda, int slot, double thresh);
sp_status sp_task_reserve_blocks(sp_task *t); /* after the model has started */
void sp_task_free(sp_task *t, int grid);

#endif
