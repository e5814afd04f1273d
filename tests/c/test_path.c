/* Whole paths against the independent verifier: whatever the options, every solution is optimal, and the certificate that comes
 * with it is no smaller than the true gap. Then: one problem told in different ways has one answer. */
#include "problem.h"

static const double alphas[] = {1, 0.5, 0.05, 0};

/* ---- one solution -------------------------------------------------------------------------------- */

/* what the rounding of the reported coefficients alone can make */
static double rounding = 2e-12;

static void check_solution(const sp_path *path, int task, int l, const verify *v, const char *name) {
  const sp_task *t = &path->tasks[task];
  const sp_point *pt = &t->points[l];
  const double lambda = path->lambda[l];
  double *b = sp_block((size_t)path->spec.design->p, sizeof *b), b0;
  coefficients(path, task, l, b, &b0);
  const verdict d = verify_solution(v, lambda, b0, b);
  SP_CHECK(pt->status == SP_POINT_OK, "%s: lambda %d (%g): status %d", name, l, lambda, pt->status);
  /* direct solvers: down to rounding; conjugate gradients without a factor (they need e2): as promised */
  const double limit = t->m.qp.e2 != NULL ? path->spec.thresh : 1e-10 + 10 * rounding;
  SP_CHECK(!(d.gap > limit), "%s: lambda %d (%g): gap %g", name, l, lambda, d.gap);
  SP_CHECK(!(d.gap < -1e-16), "%s: lambda %d (%g): the verifier's gap is negative: %g", name, l, lambda, d.gap);
  SP_CHECK(!(d.gap > 1.5 * pt->gap + rounding), "%s: lambda %d (%g): gap %g, reported %g", name, l, lambda, d.gap, pt->gap);
  SP_CHECK(d.kkt <= 1e-8 + 1e4 * rounding, "%s: lambda %d (%g): violation %g", name, l, lambda, d.kkt);
  SP_CHECK(d.score <= 1e-9, "%s: lambda %d (%g): score of the intercept %g", name, l, lambda, d.score);
  SP_CHECK(d.outside <= 1e-15, "%s: lambda %d (%g): %g beyond a limit", name, l, lambda, d.outside);
  SP_CHECK(d.df == pt->df, "%s: lambda %d: %d coefficients, df %d", name, l, d.df, pt->df);
  SP_CHECK(fabs(d.loss - pt->value) <= 1e-9 * verify_null(v), "%s: lambda %d: loss %.15g, reported %.15g", name, l, d.loss,
           pt->value);
  free(b);
}

static void check_path(const problem *q, const sp_path *path, const char *name) {
  for (int t = 0; t < q->spec.B; t++) {
    verify *v = open_verify(q, t);
    for (int l = 0; l < path->L; l++) check_solution(path, t, l, v, name);
    const double null = path->tasks[t].m.null_value, saturated = path->tasks[t].m.sat_value;
    SP_CHECK(fabs(null - verify_null(v)) <= 1e-12 * verify_null(v), "%s: null model %.15g not %.15g", name, null,
             verify_null(v));
    SP_CHECK(fabs(saturated - verify_saturated(v)) <= 1e-13, "%s: saturated %g not %g", name, saturated,
             verify_saturated(v));
    if (t == 0 && q->spec.lambda == NULL && verify_lambda_max(v) > 1e-9) {
      const double ratio = path->grid > 1 ? pow(q->spec.lambda_min_ratio, 1.0 / (path->grid - 1)) : 1;
      SP_CHECK(fabs(path->lambda[0] / verify_lambda_max(v) - 1) <= 1e-9, "%s: the grid starts at %g, lambda_max is %g",
               name, path->lambda[0], verify_lambda_max(v));
      for (int l = 1; l < path->L; l++) {
        SP_CHECK(fabs(path->lambda[l] / path->lambda[l - 1] / ratio - 1) <= 1e-12, "%s: grid at %d", name, l);
      }
    }
    verify_close(v);
  }
}

static void fit_and_check(problem *q, const char *name) {
  sp_ctx ctx;
  sp_path path;
  sp_ctx_init(&ctx);
  const sp_status st = run_problem(q, &ctx, &path);
  SP_CHECK(st == SP_OK, "%s: %s %s", name, sp_status_name(st), ctx.msg);
  if (st != SP_OK) return;
  SP_CHECK(path.L == path.grid && path.end == SP_END_COMPLETE, "%s: %d of %d lambdas", name, path.L, path.grid);
  check_path(q, &path, name);
  sp_path_free(&path);
  SP_CHECK(ctx.n_live == 0, "%s: %ld blocks leaked", name, ctx.n_live);
}

/* ---- the verifier itself ------------------------------------------------------------------------- */

/* Orthogonal columns: soft thresholding gives the answer by hand; and what is wrong must look wrong. */
static void test_verifier(void) {
  enum { N = 8, P = 3 };
  static const int signs[P][N] = {
      {1, 1, 1, 1, -1, -1, -1, -1}, {1, 1, -1, -1, 1, 1, -1, -1}, {1, -1, 1, -1, 1, -1, 1, -1}};
  double x[N * P], y[N], w[N], v[P] = {1, 1, 1}, b[P] = {0};
  for (int i = 0; i < N; i++) {
    for (int j = 0; j < P; j++) x[j * N + i] = 10 + 2.0 * signs[j][i];
    y[i] = 5 + 3 * signs[0][i] - 1 * signs[1][i] + 0.25 * signs[2][i];
    w[i] = 7;
  }
  for (int standardize = 0; standardize < 2; standardize++) {
    const verify_data data = {.n = N, .p = P, .x = x, .y = y, .w = w, .v = v, .alpha = 1, .standardize = standardize,
                              .intercept = 1};
    verify *check = verify_open(&data);
    const double lambda = standardize ? 0.5 : 1.0; /* standard deviation 2: thresholds 0.5 on the scale of the signs */
    b[0] = 2.5 / 2;
    b[1] = -0.5 / 2;
    const double b0 = 5 - 10 * (b[0] + b[1] + b[2]);
    verdict d = verify_solution(check, lambda, b0, b);
    SP_CHECK(fabs(verify_lambda_max(check) - (standardize ? 3 : 6)) < 1e-12, "lambda_max %g", verify_lambda_max(check));
    SP_CHECK(fabs(verify_null(check) - (9 + 1 + 0.0625) / 2) < 1e-12, "null %g", verify_null(check));
    SP_CHECK(fabs(d.gap) < 1e-15 && d.kkt < 1e-15 && d.score < 1e-15 && d.df == 2, "gap %g, kkt %g, score %g", d.gap,
             d.kkt, d.score);
    SP_CHECK(fabs(d.objective - ((0.25 + 0.25 + 0.0625) / 2 + 0.5 * 3)) < 1e-12, "objective %g", d.objective);
    b[0] += 1e-6;
    d = verify_solution(check, lambda, b0 - 1e-5, b);
    SP_CHECK(d.kkt > 1e-6 && d.gap > 1e-14, "moved: gap %g, kkt %g", d.gap, d.kkt);
    b[0] -= 1e-6;
    b[2] = 1e-6;
    d = verify_solution(check, lambda, b0 - 1e-5, b);
    SP_CHECK(d.kkt > 0.1 && d.gap > 1e-8, "a wrong column: gap %g, kkt %g", d.gap, d.kkt);
    b[2] = 0;
    d = verify_solution(check, lambda, b0 + 1e-6, b);
    SP_CHECK(d.score > 1e-7 && d.gap > 1e-14, "a wrong intercept: gap %g, score %g", d.gap, d.score);
    d = verify_solution(check, lambda * 1.001, b0, b);
    SP_CHECK(d.kkt > 9e-4 && d.gap > 1e-8, "another lambda: gap %g, kkt %g", d.gap, d.kkt);
    verify_close(check);
  }
}

/* ---- every option -------------------------------------------------------------------------------- */

static void test_random(void) {
  for (int trial = 0; trial < 500; trial++) {
    problem q;
    char name[120];
    const unsigned what = (unsigned)sp_random() & (unsigned)sp_random() & P_ALL;
    const int n = 6 + sp_below(50), p = 1 + sp_below(60);
    open_problem(&q, n, p, 1 + (sp_below(4) == 0) * sp_below(4), alphas[trial % 4], what);
    q.spec.screen = sp_below(4) != 0;
    q.spec.force_cd = sp_below(6) == 0;
    snprintf(name, sizeof name, "random %d (%d x %d, B %d, alpha %g, what %u)", trial, n, p, q.spec.B, q.pen.alpha, what);
    fit_and_check(&q, name);
    close_problem(&q);
  }
}

/* each option alone, for both losses and every alpha: what a random draw might miss */
static void test_each_option(void) {
  for (unsigned option = 0; option <= P_PROPORTIONS; option = option ? 2 * option : 1) {
    for (int loss = 0; loss < 2; loss++) {
      for (int a = 0; a < 4; a++) {
        problem q;
        char name[80];
        open_problem(&q, 30, a % 2 ? 12 : 45, 1, alphas[a], option | (loss ? P_BINOMIAL : 0));
        snprintf(name, sizeof name, "option %u, %s, alpha %g", option, q.spec.loss->name, alphas[a]);
        fit_and_check(&q, name);
        close_problem(&q);
      }
    }
  }
}

/* The engines that small problems do not reach. */
static void test_engines(void) {
  static const struct {
    const char *name;
    int n, p, B;
    double alpha;
    unsigned what;
    double ratio;
  } cases[] = {
      {"conjugate gradients", 600, 700, 1, 1, P_CSC | P_SPARSE | P_THIN, 0.005},
      {"conjugate gradients, ridge", 450, 800, 1, 0.6, P_CSC | P_SPARSE | P_THIN, 0.0005},
      {"conjugate gradients, folds", 600, 700, 2, 1, P_CSC | P_SPARSE | P_THIN | P_WEIGHTS, 0.005},
      {"conjugate gradients, binomial", 900, 800, 1, 1, P_CSC | P_SPARSE | P_THIN | P_BINOMIAL, 0.005},
      {"dual", 20, 150, 2, 0.05, 0, 1e-3},
      {"dual, binomial", 20, 150, 1, 0.05, P_BINOMIAL, 1e-3},
      {"dual, alpha 0, limits", 20, 150, 1, 0, P_LIMITS, 1e-3},
      {"dual, alpha 0, binomial", 20, 150, 1, 0, P_BINOMIAL | P_WEIGHTS, 1e-3},
      {"tall", 500, 25, 3, 0.5, P_WEIGHTS | P_OFFSET, 1e-4},
      {"tall, sparse", 500, 25, 1, 1, P_CSC | P_SPARSE, 1e-4},
      {"tall, dependent columns", 300, 30, 1, 1, P_TIES, 1e-3},
      {"saturated", 40, 300, 1, 1, 0, 1e-3},
      {"several chunks of columns", 30, 1400, 2, 1, P_WEIGHTS, 0.1},
  };
  for (size_t k = 0; k < sizeof cases / sizeof *cases; k++) {
    problem q;
    open_problem(&q, cases[k].n, cases[k].p, cases[k].B, cases[k].alpha, cases[k].what);
    q.spec.lambda_min_ratio = cases[k].ratio;
    q.spec.thresh = 1e-9;
    sp_ctx ctx;
    sp_path path;
    sp_ctx_init(&ctx);
    const sp_status st = run_problem(&q, &ctx, &path);
    SP_CHECK(st == SP_OK, "%s: %s", cases[k].name, sp_status_name(st));
    if (st == SP_OK) {
      const sp_model *m = &path.tasks[0].m;
      if (strstr(cases[k].name, "conjugate") != NULL) SP_CHECK(m->qp.e2 != NULL, "%s: not used", cases[k].name);
      if (strstr(cases[k].name, "dual") != NULL) SP_CHECK(m->qp.n_dual > 0, "%s: not used", cases[k].name);
      if (strcmp(cases[k].name, "tall") == 0) SP_CHECK(m->reduced, "%s: not reduced", cases[k].name);
      if (strstr(cases[k].name, "dependent") != NULL) SP_CHECK(!m->reduced, "%s: reduced", cases[k].name);
      check_path(&q, &path, cases[k].name);
      sp_path_free(&path);
    }
    SP_CHECK(ctx.n_live == 0, "%s: %ld blocks leaked", cases[k].name, ctx.n_live);
    close_problem(&q);
  }
}

/* Tall problems of increasing correlation: reduced as long as that loses nothing, the rows of X after that. */
static void test_tall_conditioning(void) {
  const double usual = rounding;
  rounding = 1e-10;
  for (int digits = 1; digits <= 9; digits += 2) {
    problem q;
    char name[60];
    open_problem(&q, 200, 12, 1, 1, 0);
    double *x = q.x.full;
    for (int j = 1; j < 12; j += 2) {
      for (int i = 0; i < 200; i++) x[j * 200 + i] = x[(j - 1) * 200 + i] + pow(10, -digits) * x[j * 200 + i];
    }
    snprintf(name, sizeof name, "tall, pairs 1e-%d apart", digits);
    fit_and_check(&q, name);
    close_problem(&q);
  }
  rounding = usual;
}

/* columns and response far from zero */
static void test_far_from_zero(void) {
  const double usual = rounding;
  rounding = 1e-10;
  for (int trial = 0; trial < 8; trial++) {
    problem q;
    open_problem(&q, 40, trial % 2 ? 15 : 60, 1, 1, trial / 2 % 2 ? P_BINOMIAL : 0);
    for (int k = 0; k < q.x.n * q.x.p; k++) q.x.full[k] += trial / 4 ? 1e5 : 300;
    for (int i = 0; i < q.x.n && !(q.what & P_BINOMIAL); i++) q.y[i] += 1e4;
    fit_and_check(&q, "far from zero");
    close_problem(&q);
  }
  rounding = usual;
}

/* lambda = 0: least squares, the maximum of the likelihood, the box's minimum */
static void test_lambda_zero(void) {
  static const double grid[] = {0.3, 0.02, 0};
  for (int trial = 0; trial < 48; trial++) {
    problem q;
    char name[80];
    const unsigned what = ((unsigned)sp_random() & (P_WEIGHTS | P_OFFSET | P_FACTORS | P_NO_INTERCEPT | P_NO_STANDARDIZE | P_CSC)) |
                          (trial % 2 ? P_BINOMIAL | P_PROPORTIONS : 0) | (trial % 6 == 0 ? P_LIMITS : 0);
    open_problem(&q, 40 + sp_below(20), 1 + sp_below(8), 1, alphas[trial / 2 % 4], what);
    q.spec.lambda = grid;
    q.spec.nlambda = 3;
    snprintf(name, sizeof name, "lambda 0, %d (alpha %g, what %u)", trial, q.pen.alpha, what);
    fit_and_check(&q, name);
    close_problem(&q);
  }
}

/* ---- one problem, several ways ------------------------------------------------------------------- */

/* largest difference of the linear predictors' parts: coefficients times the spread of their columns, and the fitted losses */
static double difference(const problem *q, const sp_path *a, int ta, const sp_path *b, int tb) {
  const int p = q->x.p;
  double *x = sp_block(2 * (size_t)p, sizeof *x), *y = x + p, a0, b0, worst = 0, size = 1;
  for (int l = 0; l < a->L; l++) {
    coefficients(a, ta, l, x, &a0);
    coefficients(b, tb, l, y, &b0);
    for (int j = 0; j < p; j++) {
      size = fmax(size, fabs(x[j]));
      worst = fmax(worst, fabs(x[j] - y[j]));
    }
    worst = fmax(worst, fabs(a0 - b0));
    worst = fmax(worst, fabs(a->tasks[ta].points[l].value - b->tasks[tb].points[l].value));
  }
  free(x);
  return worst / size;
}

static void compare(problem *q, const sp_path *base, double limit, const char *name) {
  sp_ctx ctx;
  sp_path path;
  sp_ctx_init(&ctx);
  const sp_status st = run_problem(q, &ctx, &path);
  SP_CHECK(st == SP_OK && path.L == base->L, "%s: %s", name, sp_status_name(st));
  if (st != SP_OK) return;
  for (int l = 0; l < path.L; l++) SP_CHECK(fabs(path.lambda[l] / base->lambda[l] - 1) < 1e-12, "%s: grid", name);
  for (int t = 0; t < q->spec.B; t++) {
    const double d = difference(q, base, t, &path, t);
    SP_CHECK(d <= limit, "%s: %d x %d, B %d, alpha %g, what %u: task %d differs by %g", name, q->x.n, q->x.p, q->spec.B,
             q->pen.alpha, q->what, t, d);
  }
  sp_path_free(&path);
}

static void test_equivalent(void) {
  for (int trial = 0; trial < 40; trial++) {
    problem q;
    sp_ctx ctx;
    sp_path base;
    const unsigned what = ((unsigned)sp_random() & (P_WEIGHTS | P_OFFSET | P_LIMITS | P_FACTORS | P_NO_INTERCEPT | P_NO_STANDARDIZE)) |
                          (trial % 2 ? P_BINOMIAL : 0);
    const int tall = trial % 3 == 0;
    open_problem(&q, tall ? 80 : 25, tall ? 15 : 50, 1 + trial % 4, alphas[trial / 2 % 4], what);
    sp_ctx_init(&ctx);
    if (run_problem(&q, &ctx, &base) != SP_OK) {
      SP_CHECK(0, "equivalent %d: %s", trial, ctx.msg);
      close_problem(&q);
      continue;
    }
    const sp_spec spec = q.spec;
    q.what ^= P_CSC;
    compare(&q, &base, 1e-8, "other storage");
    q.what ^= P_CSC;
    q.spec.screen = 0;
    compare(&q, &base, 1e-8, "no screening");
    q.spec = spec;
    q.spec.reduce = 0;
    compare(&q, &base, 1e-8, "not reduced");
    q.spec = spec;
    q.spec.force_cd = 1;
    compare(&q, &base, 1e-7, "coordinate descent first");
    q.spec = spec;
    q.spec.lambda = base.lambda;
    compare(&q, &base, 1e-12, "grid given");
    q.spec = spec;
    for (int i = 0; i < q.x.n * q.spec.B; i++) q.weights[i] *= 1024;
    compare(&q, &base, 0, "weights in another unit");
    sp_path_free(&base);
    SP_CHECK(ctx.n_live == 0, "%ld blocks leaked", ctx.n_live);
    close_problem(&q);
  }
}

/* B tasks in lockstep are the B fits one by one */
static void test_lockstep(void) {
  for (int trial = 0; trial < 24; trial++) {
    problem q;
    sp_ctx ctx;
    sp_path all, one;
    const unsigned what = ((unsigned)sp_random() & (P_WEIGHTS | P_OFFSET | P_LIMITS | P_NO_INTERCEPT | P_CSC)) |
                          (trial % 2 ? P_BINOMIAL : 0);
    const int tall = trial % 3 == 0;
    open_problem(&q, tall ? 90 : 40, tall ? 12 : 70, 2 + sp_below(5), alphas[trial / 2 % 4], what);
    sp_ctx_init(&ctx);
    if (run_problem(&q, &ctx, &all) != SP_OK) exit(2);
    const int B = q.spec.B;
    q.spec.lambda = all.lambda;
    q.spec.B = 1;
    for (int t = 0; t < B; t++) {
      q.spec.weights = q.weights + (ptrdiff_t)t * q.x.n;
      if (run_problem(&q, &ctx, &one) != SP_OK) exit(2);
      const double d = difference(&q, &all, t, &one, 0);
      SP_CHECK(one.L == all.L && d <= 1e-10, "task %d of %d alone differs by %g (what %u, alpha %g)", t, B, d, what,
               q.pen.alpha);
      sp_path_free(&one);
    }
    sp_path_free(&all);
    SP_CHECK(ctx.n_live == 0, "%ld blocks leaked", ctx.n_live);
    close_problem(&q);
  }
}

static int same_path(const sp_path *a, const sp_path *b) {
  int same = a->L == b->L && a->end == b->end && sp_same_bits(a->lambda, b->lambda, (size_t)a->L);
  for (int t = 0; same && t < a->spec.B; t++) {
    for (int l = 0; same && l < a->L; l++) {
      const sp_point *x = &a->tasks[t].points[l], *y = &b->tasks[t].points[l];
      const double u[] = {x->value, x->kkt, x->scale, x->slack, x->gap}, w[] = {y->value, y->kkt, y->scale, y->slack, y->gap};
      same = x->count == y->count && x->df == y->df && x->status == y->status && sp_same_bits(u, w, 5) &&
             memcmp(x->cols, y->cols, (size_t)x->count * sizeof *x->cols) == 0 && sp_same_bits(x->b, y->b, (size_t)x->count) &&
             sp_same_bits(x->gamma, y->gamma, (size_t)a->tasks[t].m.nu);
    }
  }
  return same && a->counts.reads == b->counts.reads && a->counts.dots == b->counts.dots && a->counts.exact == b->counts.exact;
}

/* bit for bit the same with 1, 2, 3, 4 threads, and from run to run */
static void test_threads(void) {
  for (int trial = 0; trial < 12; trial++) {
    problem q;
    sp_ctx ctx;
    sp_path serial, parallel;
    const unsigned what = ((unsigned)sp_random() & (P_WEIGHTS | P_OFFSET | P_LIMITS | P_FACTORS | P_CSC | P_TIES)) |
                          (trial % 2 ? P_BINOMIAL : 0);
    const int tall = trial % 4 == 0;
    open_problem(&q, tall ? 120 : 30, tall ? 20 : 1200, 1 + trial % 5, alphas[trial / 2 % 4], what);
    sp_ctx_init(&ctx);
    if (run_problem(&q, &ctx, &serial) != SP_OK) exit(2);
    for (int threads = 1; threads <= 4; threads++) {
      ctx.threads = threads;
      if (run_problem(&q, &ctx, &parallel) != SP_OK) exit(2);
      SP_CHECK(same_path(&serial, &parallel), "%d threads, %d x %d, B %d, alpha %g, what %u", threads, q.x.n, q.x.p,
               q.spec.B, q.pen.alpha, what);
      sp_path_free(&parallel);
    }
    sp_path_free(&serial);
    SP_CHECK(ctx.n_live == 0, "%ld blocks leaked", ctx.n_live);
    close_problem(&q);
  }
}

int main(void) {
  test_verifier();
  test_random();
  test_each_option();
  test_engines();
  test_tall_conditioning();
  test_far_from_zero();
  test_lambda_zero();
  test_equivalent();
  test_lockstep();
  test_threads();
  return spunit_end("test_path");
}
