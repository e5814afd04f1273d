/* The path: a batch of problems that share a design march down one grid of lambdas. The only loop over lambda. */
#ifndef SP_PATH_H
#define SP_PATH_H

#include "bound.h"
#include "task.h"

enum sp_end { SP_END_COMPLETE = 0, SP_END_DEVMAX, SP_END_FDEV, SP_END_DFMAX, SP_END_PMAX, SP_END_STALLED };

/* How a point is solved: by the direct engine, or by a textbook method (reference.h). */
enum sp_method { SP_METHOD_DIRECT = 0, SP_METHOD_ISTA, SP_METHOD_FISTA, SP_METHOD_SUBGRADIENT, SP_METHOD_ADMM };

/* What to fit. All arrays are borrowed. */
typedef struct sp_spec {
  const sp_design *design;
  const sp_loss_ops *loss;
  sp_loss_data data;     /* what the family needs beyond y and weights */
  const sp_penalty *pen;
  const double *y;       /* [n x K], K = data.K */
  const double *offset;  /* [n x K] or NULL */
  const double *weights; /* [n x B], one column per task; 0: the row is held out */
  int B;
  const double *v;       /* [p] penalty factors that sum to p; Inf: column left out */
  int y_each, v_each;    /* y is [n x K x B], v is [p x B]: one for each task */
  int v_own;             /* v is [K x p] (x B): a factor for each coefficient, where there are no blocks */
  int w_each;            /* the weights of the groups are [G x B] */
  const double *curvature; /* [B] or NULL: unit of a non-convex penalty's concavity */
  const double *lower, *upper; /* [p] or NULL */
  const double *lambda;  /* [nlambda] decreasing, or NULL: from task 0 */
  int nlambda;
  double lambda_min_ratio;
  int standardize, intercept;
  int early_stop;        /* glmnet's rules on task 0 */
  double fdev, devmax;
  int fdev_span, fdev_relative; /* the deviance ratio must grow by fdev within so many lambdas: 0 absolute, 1 as a fraction of itself,
                                   2 of what is left to explain */
  int dfmax, pmax;
  double thresh;
  int max_iter, screen, force_cd, reduce; /* reduce: tall problems may use their triangular factor */
  enum sp_method method; /* other than direct: no screening, no reduction, tasks one after the other, max_iter iterations */
  int restart;           /* fista: give up the momentum where it points uphill */
  double rho;            /* admm: penalty parameter, 0: adapted */
} sp_spec;

typedef struct sp_path {
  sp_ctx *ctx;
  sp_spec spec;
  sp_task *tasks;        /* [B] */
  double *lambda;        /* [grid] */
  int grid, L;           /* length asked for, length reached */
  enum sp_end end;
  sp_counts counts;
  int stride, redone;    /* non-convex norms: lambdas between checks; whether a range was solved again */
} sp_path;

/* Fit. On any status the path must be freed; results are valid with SP_OK only. */
sp_status sp_path_run(sp_path *path, sp_ctx *ctx, const sp_spec *spec);
void sp_path_free(sp_path *path);

#endif
