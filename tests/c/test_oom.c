/* Failing allocator: for k = 1, 2, ... the k-th allocation of a scenario fails, until it needs no more. Each
 * time the scenario must say SP_ENOMEM, free all it had, and leave nothing that a later free would trip over.
 * A scenario does all its work on the context it is given; add one here for everything that allocates. */
#include "problem.h"

static sp_status blocks(sp_ctx *ctx) {
  sp_status st = SP_OK;
  double *a = NULL, *b = NULL;
  a = sp_alloc(ctx, 100, sizeof *a);
  if (a == NULL) {
    st = SP_ENOMEM;
    goto done;
  }
  b = sp_calloc(ctx, 1, sizeof *b);
  if (b == NULL) {
    st = SP_ENOMEM;
    goto done;
  }
  b[0] = 42.0;
  SP_TRY(sp_grow(ctx, &b, 1, 1000, sizeof *b));
  SP_TRY(sp_grow(ctx, &b, 1000, 2000, sizeof *b));
done:
  SP_CHECK(b == NULL || b[0] == 42.0, "content survives a failed growth");
  sp_free(ctx, b);
  sp_free(ctx, a);
  return st;
}

static sp_status task(void *arg, int i) {
  sp_ctx *ctx = arg;
  char *block = sp_alloc(ctx, (size_t)i + 1, 1);
  if (block == NULL) return SP_ENOMEM;
  block[i] = 1;
  sp_free(ctx, block);
  return SP_OK;
}

static sp_status threads(sp_ctx *ctx) {
  ctx->threads = 3;
  return sp_par_for(ctx, 20, task, ctx);
}

/* A whole fit and its predictions. The same problem every time: numbers start from the same seed. */
typedef struct fit {
  uint64_t seed;
  int n, p, B, threads;
  double alpha, ratio;
  unsigned what;
} fit;

static sp_status run_fit(sp_ctx *ctx, const fit *f) {
  problem q;
  sp_path path;
  spunit_seed = f->seed;
  open_problem(&q, f->n, f->p, f->B, f->alpha, f->what);
  q.spec.nlambda = f->n > 200 ? 2 : 6;
  q.spec.lambda_min_ratio = f->ratio;
  ctx->threads = f->threads;
  sp_status st = run_problem(&q, ctx, &path);
  if (st == SP_OK) {
    int *which = sp_block((size_t)f->n, sizeof *which);
    double *out = sp_block((size_t)f->n * (size_t)path.L, sizeof *out);
    for (int i = 0; i < f->n; i++) which[i] = i % f->B + 1;
    st = sp_heldout_predict(&path, which, 1, out);
    if ((f->what & P_FACTORS) && !(f->what & P_LIMITS)) SP_CHECK(path.tasks[0].m.nu > 1, "no column without penalty");
    if (f->n > 200) SP_CHECK(path.tasks[0].m.qp.e2 != NULL, "no conjugate gradients");
    for (int l = 0; st == SP_OK && l < path.L; l++) {
      for (int t = 0; t < f->B; t++) {
        SP_CHECK(path.tasks[t].points[l].status == SP_POINT_OK, "lambda %d, task %d: gap %g", l, t,
                 path.tasks[t].points[l].gap);
      }
    }
    sp_path_free(&path);
    free(which);
    free(out);
  }
  close_problem(&q);
  return st;
}

#define FIT(name, ...)                 \
  static sp_status name(sp_ctx *ctx) { \
    const fit f = {__VA_ARGS__};       \
    return run_fit(ctx, &f);           \
  }
FIT(dense_gaussian, 4711, 15, 30, 1, 1, 1, 0.05, P_WEIGHTS | P_OFFSET)
FIT(sparse_binomial, 4711, 30, 40, 1, 1, 0.5, 0.05, P_CSC | P_SPARSE | P_BINOMIAL)
FIT(options, 4712, 30, 20, 1, 1, 0.5, 0.05, P_LIMITS | P_FACTORS | P_NO_STANDARDIZE)
FIT(unpenalized_binomial, 4713, 45, 20, 1, 1, 1, 0.05, P_FACTORS | P_BINOMIAL | P_PROPORTIONS)
FIT(no_intercept, 4711, 20, 25, 1, 1, 1, 0.05, P_NO_INTERCEPT)
FIT(folds, 4711, 24, 40, 4, 1, 1, 0.1, 0)
FIT(folds_threads, 4711, 24, 600, 4, 3, 1, 0.2, P_BINOMIAL)
FIT(tall, 4711, 60, 8, 3, 1, 1, 0.01, 0)
FIT(tall_dependent, 4711, 60, 12, 1, 1, 1, 0.01, P_TIES)
FIT(ridge_dual, 4711, 8, 40, 1, 1, 0, 0.01, 0)
FIT(mixed_dual, 4711, 8, 60, 1, 1, 0.05, 0.001, P_BINOMIAL)
FIT(mcp_gaussian, 4711, 20, 40, 2, 1, 1, 0.3, P_MCP)
FIT(scad_binomial, 4711, 40, 20, 1, 1, 0.8, 0.4, P_SCAD | P_BINOMIAL | P_CSC)
FIT(iterative, 4810, 700, 360, 1, 1, 1, 0.01, P_CSC | P_SPARSE | P_THIN)

/* groups of three columns; two responses; with predictions */
static sp_status groups_of(sp_ctx *ctx, const char *loss, int K, double tau, int B, enum sp_method method) {
  enum { N = 14, P = 18 };
  sp_path path;
  problem q;
  int of[P], ptr[P / 3 + 1], cols[P];
  double w[P / 3], y[2 * N], *out = NULL;
  spunit_seed = 4711;
  open_problem(&q, N, P, B, 0.9, strcmp(loss, "binomial") == 0 ? P_BINOMIAL : 0);
  for (int j = 0; j < P; j++) {
    of[j] = j / 3;
    cols[j] = j;
    ptr[j / 3] = j / 3 * 3;
    w[j / 3] = 1.7;
  }
  ptr[P / 3] = P;
  w[0] = strcmp(loss, "binomial") == 0 ? 1.7 : 0;
  const sp_groups groups = {P / 3, of, ptr, cols, w, 1};
  for (int i = 0; i < N; i++) {
    y[i] = q.y[i];
    y[i + N] = -2 * q.y[i] + sp_normal();
  }
  for (int i = 0; sp_registry_penalties[i] != NULL; i++) {
    if (strcmp(sp_registry_penalties[i]->name, "group") == 0) q.pen.ops = sp_registry_penalties[i];
  }
  q.pen.tau = tau;
  q.pen.groups = &groups;
  q.spec.loss = find_loss(loss);
  q.spec.data.K = K;
  q.spec.data.scale_response = K > 1;
  q.spec.y = y;
  q.spec.nlambda = 6;
  q.spec.method = method;
  if (method) {
    q.spec.nlambda = 2;
    q.spec.max_iter = 6;
  }
  sp_status st = run_problem(&q, ctx, &path);
  if (st == SP_OK) {
    int which[N];
    out = sp_block((size_t)(N * K * path.L), sizeof *out);
    for (int i = 0; i < N; i++) which[i] = i % B + 1;
    st = sp_heldout_predict(&path, which, 1, out);
    for (int l = 0; st == SP_OK && l < path.L; l++) {
      SP_CHECK(method || path.tasks[0].points[l].status == SP_POINT_OK, "groups, lambda %d", l);
    }
    sp_path_free(&path);
    free(out);
  }
  close_problem(&q);
  return st;
}
static sp_status groups_gaussian(sp_ctx *ctx) { return groups_of(ctx, "gaussian", 1, 0, 3, SP_METHOD_DIRECT); }
static sp_status groups_binomial(sp_ctx *ctx) { return groups_of(ctx, "binomial", 1, 0.5, 1, SP_METHOD_DIRECT); }
static sp_status groups_mgaussian(sp_ctx *ctx) { return groups_of(ctx, "mgaussian", 2, 0, 2, SP_METHOD_DIRECT); }

/* all stretches of two chains of columns, with limits; two tasks */
static sp_status stretches(sp_ctx *ctx) {
  enum { N = 20, P = 14, ALL = 9 * 10 / 2 + 5 * 6 / 2 };
  int col[P], first[P];
  double step[P], share[P], limit[P], factor[ALL], lower[ALL];
  sp_cumsum sums = {0};
  sp_intervals intervals = {0};
  sp_design running, all;
  sp_path path;
  problem q;
  spunit_seed = 4711;
  open_problem(&q, N, P, 2, 1, P_CSC | P_SPARSE | P_NO_STANDARDIZE);
  for (int k = 0; k < P; k++) {
    col[k] = k;
    first[k] = k == 0 || k == 9;
    step[k] = 0.8;
    share[k] = 0.2;
    limit[k] = k == 3 ? 0 : -INFINITY;
  }
  q.spec.pen = &q.pen;
  sp_status st = sp_cumsum_open(ctx, &q.x.csc, col, first, &sums, &running);
  if (st == SP_OK) st = sp_intervals_open(ctx, &running, first, &intervals, &all);
  if (st == SP_OK) {
    SP_CHECK(all.p == ALL, "%d stretches", all.p);
    sp_intervals_each(&intervals, step, share, factor);
    sp_intervals_limits(&intervals, limit, lower);
    double *upper = sp_block(ALL, sizeof *upper);
    for (int j = 0; j < ALL; j++) upper[j] = INFINITY;
    q.spec.design = &all;
    q.spec.v = factor;
    q.spec.lower = lower;
    q.spec.upper = upper;
    q.spec.nlambda = 5;
    q.spec.lambda_min_ratio = 0.1;
    q.spec.dfmax = q.spec.pmax = ALL + 1;
    q.spec.reduce = 0;
    st = sp_path_run(&path, ctx, &q.spec);
    for (int l = 0; st == SP_OK && l < path.L; l++) SP_CHECK(path.tasks[1].points[l].status == SP_POINT_OK, "stretches, lambda %d", l);
    sp_path_free(&path);
    free(upper);
  }
  sp_intervals_close(ctx, &intervals);
  sp_cumsum_close(ctx, &sums);
  close_problem(&q);
  return st;
}

static sp_status descent(sp_ctx *ctx) {
  sp_path path;
  problem q;
  spunit_seed = 4711;
  open_problem(&q, 15, 30, 1, 1, P_BINOMIAL);
  q.spec.nlambda = 3;
  q.spec.force_cd = 1;
  const sp_status st = run_problem(&q, ctx, &path);
  if (st == SP_OK) sp_path_free(&path);
  close_problem(&q);
  return st;
}

/* textbook methods: a few iterations of each, blocks too */
static sp_status textbook(sp_ctx *ctx) {
  sp_status st = SP_OK;
  for (int method = SP_METHOD_ISTA; st == SP_OK && method <= SP_METHOD_ADMM; method++) {
    for (int what = 0; st == SP_OK && what < 2; what++) {
      sp_path path;
      problem q;
      spunit_seed = 4711;
      open_problem(&q, 50, what ? 60 : 12, 2, 0.8, what ? P_BINOMIAL | P_LIMITS | P_WEIGHTS : P_FACTORS | P_CSC);
      q.spec.nlambda = 2;
      q.spec.method = (enum sp_method)method;
      q.spec.restart = what;
      q.spec.max_iter = 4;
      st = run_problem(&q, ctx, &path);
      if (st == SP_OK) {
        const sp_trace *tr = &path.tasks[1].ref->trace;
        SP_CHECK(tr->n >= 2 && tr->n <= 10 && tr->lambda[tr->n - 1] == 1, "trace of %d", tr->n);
        sp_path_free(&path);
      }
      close_problem(&q);
    }
    if (st == SP_OK) st = groups_of(ctx, "binomial", 1, 0.5, 1, (enum sp_method)method);
    if (st == SP_OK) st = groups_of(ctx, "mgaussian", 2, 0, 2, (enum sp_method)method);
  }
  return st;
}

static const struct {
  const char *name;
  sp_status (*run)(sp_ctx *ctx);
} scenarios[] = {
    {"blocks", blocks},
    {"threads", threads},
    {"gaussian, dense", dense_gaussian},
    {"binomial, csc", sparse_binomial},
    {"limits and factors", options},
    {"unpenalized columns, binomial", unpenalized_binomial},
    {"no intercept", no_intercept},
    {"folds", folds},
    {"folds, threads", folds_threads},
    {"tall", tall},
    {"tall, dependent columns", tall_dependent},
    {"ridge", ridge_dual},
    {"nearly ridge, binomial", mixed_dual},
    {"mcp", mcp_gaussian},
    {"scad, binomial, csc", scad_binomial},
    {"conjugate gradients", iterative},
    {"coordinate descent", descent},
    {"groups", groups_gaussian},
    {"sparse groups, binomial", groups_binomial},
    {"groups of responses", groups_mgaussian},
    {"textbook methods", textbook},
    {"stretches of columns", stretches},
};

int main(void) {
  for (size_t s = 0; s < sizeof scenarios / sizeof *scenarios; s++) {
    sp_status st = SP_ENOMEM;
    long k = 1;
    for (; st != SP_OK && k < 100000; k++) {
      sp_ctx ctx;
      sp_ctx_init(&ctx);
      ctx.fail_at = k;
      st = scenarios[s].run(&ctx);
      SP_CHECK(ctx.n_live == 0, "%s, allocation %ld: %ld blocks leaked", scenarios[s].name, k, ctx.n_live);
      SP_CHECK(st == (ctx.n_alloc >= k ? SP_ENOMEM : SP_OK), "%s, allocation %ld of %ld: %s",
               scenarios[s].name, k, ctx.n_alloc, sp_status_name(st));
    }
    SP_CHECK(st == SP_OK && k > 1, "%s never succeeded", scenarios[s].name);
  }
  return spunit_end("test_oom");
}
