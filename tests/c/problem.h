/* Random problems for whole fits: everything that sp_path_run() takes, in blocks of exactly the right size. */
#ifndef PROBLEM_H
#define PROBLEM_H

#include <float.h>
#include <math.h>
#include "matrix.h"
#include "sparsepath.h"
#include "verify.h"

enum { /* what is unusual about a problem */
  P_WEIGHTS = 1,          /* weights, some of them 0 */
  P_OFFSET = 2,
  P_LIMITS = 4,           /* on some columns, one-sided or two-sided */
  P_FACTORS = 8,          /* penalty factors, some 0, some infinite */
  P_NO_INTERCEPT = 16,
  P_NO_STANDARDIZE = 32,
  P_CSC = 64,             /* fitted from the sparse storage */
  P_TIES = 128,           /* few values, copies, a constant column */
  P_SPARSE = 256,         /* nine entries in ten are 0 */
  P_BINOMIAL = 512,
  P_PROPORTIONS = 1024,   /* a binomial response between 0 and 1 */
  P_ALL = 2047,           /* what random draws choose from */
  P_THIN = 2048,          /* with P_SPARSE: 49 in 50 */
  P_MCP = 4096,           /* not convex; without limits */
  P_SCAD = 8192
};

typedef struct problem {
  unsigned what;
  matrix x;
  double *y, *offset, *weights, *v, *lower, *upper;
  sp_penalty pen;
  sp_spec spec;
} problem;

static const sp_loss_ops *find_loss(const char *name) {
  for (int k = 0; sp_registry_losses[k] != NULL; k++) {
    if (strcmp(sp_registry_losses[k]->name, name) == 0) return sp_registry_losses[k];
  }
  return NULL;
}

static const sp_penalty_ops *find_penalty(const char *name) {
  for (int k = 0; sp_registry_penalties[k] != NULL; k++) {
    if (strcmp(sp_registry_penalties[k]->name, name) == 0) return sp_registry_penalties[k];
  }
  return NULL;
}

static double *problem_columns(int n, int p, unsigned what) {
  double *x = sp_block((size_t)n * (size_t)p, sizeof *x), *common = sp_normals((size_t)n);
  for (int j = 0; j < p; j++) {
    const int copy = (what & P_TIES) && j > 0 && sp_below(6) == 0, from = j > 0 ? sp_below(j) : 0;
    const double scale = pow(10, sp_uniform() - 0.5), shift = what & P_SPARSE ? 0 : 2 * sp_normal();
    for (int i = 0; i < n; i++) {
      double *at = x + (ptrdiff_t)j * n + i;
      if (copy) *at = x[(ptrdiff_t)from * n + i];
      else if (what & P_TIES) *at = j % 9 == 4 ? 1 : sp_below(3) - 1;
      else if (what & P_SPARSE) *at = sp_below(what & P_THIN ? 50 : 10) == 0 ? scale * sp_normal() : 0;
      else *at = scale * (sp_normal() + 0.5 * common[i]) + shift;
    }
  }
  free(common);
  return x;
}

/* B tasks: task 0 has the weights of the problem, the others leave every B-th row out. Lambdas: automatic, `nlambda` of them. */
static void open_problem(problem *q, int n, int p, int B, double alpha, unsigned what) {
  memset(q, 0, sizeof *q);
  const size_t sn = (size_t)n, sp = (size_t)p;
  q->what = what;
  q->x = matrix_of(n, p, problem_columns(n, p, what), NULL);
  q->y = sp_block(sn, sizeof(double));
  q->offset = what & P_OFFSET ? sp_normals(sn) : NULL;
  q->weights = sp_block(sn * (size_t)B, sizeof(double));
  q->v = sp_block(sp, sizeof(double));
  q->lower = what & P_LIMITS ? sp_block(sp, sizeof(double)) : NULL;
  q->upper = what & P_LIMITS ? sp_block(sp, sizeof(double)) : NULL;
  /* unpenalized columns that separate two classes have no finite coefficient: only where that does not happen by chance */
  const int unpenalized = !(what & P_BINOMIAL) ? 2 : n >= 40 && !(what & (P_TIES | P_SPARSE));
  double total = 0;
  for (int j = 0; j < p; j++) {
    q->v[j] = !(what & P_FACTORS) ? 1 : sp_below(12) == 0 ? INFINITY : j < unpenalized && sp_below(2) ? 0 : 0.3 + sp_uniform();
    total += isinf(q->v[j]) ? 1 : q->v[j];
    if (what & P_LIMITS) {
      q->lower[j] = sp_below(2) ? -INFINITY : -0.3 * sp_uniform() * sp_below(3);
      q->upper[j] = sp_below(2) ? INFINITY : 0.3 * sp_uniform() * sp_below(3);
    }
  }
  for (int j = 0; total > 0 && j < p; j++) q->v[j] *= p / total;
  for (int i = 0; i < n; i++) {
    double eta = sp_normal();
    for (int j = 0; j < p && j < 5; j++) {
      const double xij = cell(&q->x, i, j);
      eta += (j % 2 ? -0.6 : 0.8) * xij;
    }
    if (!(what & P_BINOMIAL)) q->y[i] = what & P_TIES ? round(eta) : eta + 3;
    else if (what & P_PROPORTIONS) q->y[i] = sp_below(4) == 0 ? sp_below(2) : sp_uniform();
    else q->y[i] = i == 0 || i == B ? i > 0 : eta + 1.5 * sp_normal() > 0; /* both classes in every task */
  }
  for (int t = 0; t < B; t++) {
    for (int i = 0; i < n; i++) {
      double *w = q->weights + (ptrdiff_t)t * n + i;
      if (t == 0) *w = !(what & P_WEIGHTS) ? 1 : i > 3 && i != B && sp_below(5) == 0 ? 0 : 0.2 + sp_uniform();
      else *w = i % B == t ? 0 : q->weights[i];
    }
  }
  q->pen.ops = find_penalty(what & P_MCP ? "mcp" : what & P_SCAD ? "scad" : "enet");
  q->pen.gamma = what & P_BINOMIAL ? 12 : 3;
  q->pen.alpha = alpha;
  q->spec = (sp_spec){.loss = find_loss(what & P_BINOMIAL ? "binomial" : "gaussian"),
                      .y = q->y,
                      .offset = q->offset,
                      .weights = q->weights,
                      .B = B,
                      .v = q->v,
                      .lower = q->lower,
                      .upper = q->upper,
                      .nlambda = 12,
                      .lambda_min_ratio = n < p ? 0.05 : 1e-3,
                      .standardize = !(what & P_NO_STANDARDIZE),
                      .intercept = !(what & P_NO_INTERCEPT),
                      .fdev = 1e-5,
                      .fdev_relative = !(what & P_BINOMIAL),
                      .devmax = 0.999,
                      .dfmax = p + 1,
                      .pmax = p + 1,
                      .thresh = 1e-7,
                      .max_iter = 200,
                      .screen = 1,
                      .reduce = 1};
}

static void close_problem(problem *q) {
  free_matrix(&q->x);
  void *all[] = {q->y, q->offset, q->weights, q->v, q->lower, q->upper};
  for (size_t i = 0; i < sizeof all / sizeof *all; i++) free(all[i]);
}

/* Fit with the problem's spec; everything is freed again when that fails. */
SPUNIT_MAYBE static sp_status run_problem(problem *q, sp_ctx *ctx, sp_path *path) {
  q->spec.pen = &q->pen;
  q->spec.design = q->what & P_CSC ? &q->x.csc : &q->x.dense;
  const sp_status st = sp_path_run(path, ctx, &q->spec);
  if (st != SP_OK) {
    sp_path_free(path);
    SP_CHECK(ctx->n_live == 0, "%s: %ld blocks leaked", sp_status_name(st), ctx->n_live);
  }
  return st;
}

/* the problem of one task, for the verifier */
SPUNIT_MAYBE static verify *open_verify(const problem *q, int task) {
  const verify_data d = {.n = q->x.n,
                         .p = q->x.p,
                         .x = q->x.full,
                         .y = q->y,
                         .o = q->offset,
                         .w = q->weights + (ptrdiff_t)task * q->x.n,
                         .v = q->v,
                         .lower = q->lower,
                         .upper = q->upper,
                         .alpha = q->pen.alpha,
                         .binomial = (q->what & P_BINOMIAL) != 0,
                         .standardize = q->spec.standardize,
                         .intercept = q->spec.intercept};
  return verify_open(&d);
}

/* coefficients of a task at lambda l in the units of X, b [p]; also that they are listed as they should be */
SPUNIT_MAYBE static void coefficients(const sp_path *path, int task, int l, double *b, double *b0) {
  const int p = path->spec.design->p;
  int *cols = sp_block((size_t)p, sizeof *cols), count, increasing = 1, nonzero = 1;
  double *vals = sp_block((size_t)p, sizeof *vals);
  sp_heldout_coef(&path->tasks[task], l, cols, vals, &count, b0);
  for (int j = 0; j < p; j++) b[j] = 0;
  for (int k = 0; k < count; k++) {
    increasing &= k == 0 || cols[k] > cols[k - 1];
    nonzero &= vals[k] != 0;
    b[cols[k]] = vals[k];
  }
  SP_CHECK(increasing && nonzero && count == path->tasks[task].points[l].df, "coefficients of task %d, lambda %d", task, l);
  free(cols);
  free(vals);
}

#endif
