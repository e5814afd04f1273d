/* A loss that the host evaluates, with hosts in C: against the built-in family where there is one, against the definition of a
 * stationary point where there is none; hosts that fail, and families that are defined in a part of the space only. */
#include "problem.h"

enum { LOGISTIC, GAMMA_LOG, GAMMA_INVERSE, GAUSS_LOG, FAMILIES };
static const char *const names[] = {"logistic", "gamma, log", "gamma, inverse", "gaussian, log"};

typedef struct family {
  int which;
  long calls, fail_at, outside;
} family;

/* half the unit deviance and its derivatives, from the formulas; gamma has no dual here, the gaussian is not convex */
static int evaluate(void *data, ptrdiff_t n, const double *eta, const double *y, double *loss, double *score, double *curvature,
                    double *expected) {
  family *f = data;
  if (++f->calls == f->fail_at) return -1;
  for (ptrdiff_t i = 0; i < n && f->which == GAMMA_INVERSE; i++) {
    if (eta[i] > 0) continue;
    f->outside++;
    return 1;
  }
  for (ptrdiff_t i = 0; i < n; i++) {
    const double e = eta[i], m = exp(e), q = 1 / (1 + exp(-e));
    double unasked, *value = loss ? &loss[i] : &unasked;
    switch (f->which) {
      case LOGISTIC:
        *value = (e > 0 ? e + log1p(exp(-e)) : log1p(m)) - y[i] * e;
        score[i] = y[i] - q;
        curvature[i] = expected[i] = q * (1 - q);
        break;
      case GAMMA_LOG:
        *value = y[i] / m - 1 - log(y[i] / m);
        score[i] = y[i] / m - 1;
        curvature[i] = y[i] / m;
        expected[i] = 1;
        break;
      case GAMMA_INVERSE:
        *value = y[i] * e - 1 - log(y[i] * e);
        score[i] = 1 / e - y[i];
        curvature[i] = expected[i] = 1 / (e * e);
        break;
      default:
        *value = (y[i] - m) * (y[i] - m) / 2;
        score[i] = (y[i] - m) * m;
        curvature[i] = 2 * m * m - y[i] * m;
        expected[i] = m * m;
    }
  }
  return 0;
}

static int link_of(void *data, double mean, double *eta) {
  const family *f = data;
  if (!(mean > 0) || (f->which == LOGISTIC && !(mean < 1))) return 1;
  *eta = f->which == LOGISTIC ? log(mean / (1 - mean)) : f->which == GAMMA_INVERSE ? 1 / mean : log(mean);
  return 0;
}

/* a response of the family in place of the problem's */
static void respond(problem *q, int which) {
  for (int i = 0; i < q->x.n && which != LOGISTIC; i++) {
    const double m = exp(0.3 * cell(&q->x, i, 0) - 0.3 * cell(&q->x, i, q->x.p > 1));
    const double u = sp_uniform();
    q->y[i] = m * (which == GAUSS_LOG ? 0.2 + 4 * u * u * u : 0.3 + u + sp_uniform()); /* y > 2 mu: negative curvature */
    if (q->offset) q->offset[i] *= 0.05;
  }
}

static void use_host(problem *q, sp_loss_host *host, family *f) {
  *host = (sp_loss_host){f, evaluate, link_of};
  q->spec.loss = find_loss("glm");
  q->spec.data.host = host;
}

/* ---- the instance ------------------------------------------------------------------------------------ */

static void test_instance(void) {
  for (int which = 0; which < FAMILIES; which++) {
    enum { N = 40 };
    double y[N], w[N], eta[N], g[N], h[N], up[N], total = 0;
    family f = {.which = which};
    const sp_loss_host host = {&f, evaluate, link_of};
    const sp_loss_data data = {.host = &host};
    sp_loss loss;
    sp_ctx ctx;
    sp_ctx_init(&ctx);
    for (int i = 0; i < N; i++) {
      y[i] = which == LOGISTIC ? i % 2 : 0.2 + 2 * sp_uniform();
      eta[i] = which == GAMMA_INVERSE ? 0.2 + sp_uniform() : sp_normal();
      total += w[i] = i % 7 == 3 ? 0 : sp_uniform();
    }
    for (int i = 0; i < N; i++) w[i] /= total;
    SP_CHECK(sp_loss_open(&loss, &ctx, find_loss("glm"), N, NULL, y, w, &data) == SP_OK, "%s: open", names[which]);
    const double value = loss.ops->value(&loss, eta);
    loss.ops->grad_hess(&loss, eta, g, h);
    loss.ops->majorizer(&loss, eta, up);
    SP_CHECK(f.calls == 1, "%s: %ld evaluations at one point", names[which], f.calls);
    for (int i = 0; i < N; i++) {
      double e[N];
      memcpy(e, eta, sizeof e);
      e[i] += 1e-5;
      const double right = loss.ops->value(&loss, e);
      e[i] -= 2e-5;
      const double left = loss.ops->value(&loss, e), slope = (right - left) / 2e-5;
      SP_CHECK(fabs(slope + g[i]) <= 1e-9, "%s, row %d: slope %g, gradient %g", names[which], i, slope, g[i]);
      SP_CHECK(w[i] == 0 ? g[i] == 0 && h[i] == 0 : h[i] > 0 && up[i] >= h[i], "%s, row %d: curvature %g", names[which], i, h[i]);
      if (which != GAUSS_LOG && w[i] > 0) {
        const double bend = (right - 2 * value + left) / 1e-10;
        SP_CHECK(fabs(bend - h[i]) <= 1e-4 * (1 + fabs(h[i])), "%s, row %d: %g not %g", names[which], i, h[i], bend);
      }
    }
    if (which == GAMMA_INVERSE) { /* no value outside, and no failure */
      eta[0] = -1;
      SP_CHECK(w[0] > 0 && loss.ops->value(&loss, eta) == INFINITY && loss.status == SP_OK, "a value outside");
      loss.ops->grad_hess(&loss, eta, g, h);
      SP_CHECK(loss.status == SP_EDOMAIN, "a gradient outside: %s", sp_status_name(loss.status));
    } else { /* nothing is asked once the host has failed */
      f.fail_at = f.calls + 1;
      SP_CHECK(isnan(loss.ops->value(&loss, y)) && loss.status == SP_EHOST, "%s: %s", names[which], sp_status_name(loss.status));
      SP_CHECK(isnan(loss.ops->value(&loss, eta)) && f.calls == f.fail_at, "%s: asked again", names[which]);
    }
    sp_loss_close(&loss);
    SP_CHECK(ctx.n_live == 0, "%ld blocks leaked", ctx.n_live);
  }
}

/* ---- whole fits ------------------------------------------------------------------------------------- */

/* the same problem by the built-in family: the same solutions, and a gap for one of them only */
static void test_as_built_in(void) {
  for (int trial = 0; trial < 60; trial++) {
    problem q;
    sp_ctx ctx;
    sp_path path[2];
    sp_loss_host host;
    family f = {.which = LOGISTIC};
    const unsigned what = P_BINOMIAL | ((unsigned)sp_random() & (P_WEIGHTS | P_OFFSET | P_LIMITS | P_FACTORS | P_NO_INTERCEPT |
                                                                 P_NO_STANDARDIZE | P_CSC | P_PROPORTIONS));
    const double alpha = trial % 3 == 0 ? 0.4 : 1;
    open_problem(&q, 50, trial % 2 ? 8 : 40, 1 + trial % 3, alpha, what);
    sp_ctx_init(&ctx);
    ctx.threads = 1 + trial % 2;
    if (run_problem(&q, &ctx, &path[0]) != SP_OK) exit(2);
    use_host(&q, &host, &f);
    const sp_status st = run_problem(&q, &ctx, &path[1]);
    SP_CHECK(st == SP_OK, "%d: %s", trial, sp_status_name(st));
    if (st != SP_OK) exit(2);
    double *b = sp_block(2 * (size_t)q.x.p, sizeof *b), *other = b + q.x.p, b0, other0;
    SP_CHECK(path[0].L == path[1].L, "%d: %d lambdas, not %d", trial, path[1].L, path[0].L);
    for (int l = 0; l < path[0].L && l < path[1].L; l++) {
      SP_CHECK(fabs(path[1].lambda[l] / path[0].lambda[l] - 1) < 1e-12, "%d: lambda %d", trial, l);
      for (int t = 0; t < q.spec.B; t++) {
        const sp_point *pt = &path[1].tasks[t].points[l];
        double apart = 0, size = 1;
        coefficients(&path[0], t, l, b, &b0);
        coefficients(&path[1], t, l, other, &other0);
        for (int j = 0; j < q.x.p; j++) {
          size = fmax(size, fabs(b[j]));
          apart = fmax(apart, fabs(b[j] - other[j]));
        }
        SP_CHECK(fmax(apart, fabs(b0 - other0)) <= 1e-7 * size, "%d: task %d, lambda %d: apart by %g", trial, t, l, apart);
        SP_CHECK(isnan(pt->gap) && pt->kkt <= 1e-6 && pt->status == SP_POINT_OK, "%d: gap %g, kkt %g, status %d", trial, pt->gap,
                 pt->kkt, pt->status);
      }
    }
    free(b);
    for (int k = 0; k < 2; k++) sp_path_free(&path[k]);
    SP_CHECK(ctx.n_live == 0, "%ld blocks leaked", ctx.n_live);
    close_problem(&q);
  }
}

/* largest violation / lambda of the optimality conditions, from the definition (no limits, factors 1, standardized, intercept) */
static double violation(const problem *q, const sp_path *path, int l, const double *b, double b0, family *f) {
  const int n = q->x.n, p = q->x.p;
  const double lambda = path->lambda[l], alpha = q->pen.alpha;
  double *eta = sp_block(5 * (size_t)n, sizeof *eta), *loss = eta + n, *score = loss + n, *bend = score + n, *expected = bend + n;
  double worst = 0, total = 0, sum = 0;
  for (int i = 0; i < n; i++) {
    eta[i] = b0 + (q->offset ? q->offset[i] : 0);
    for (int j = 0; j < p; j++) eta[i] += b[j] * cell(&q->x, i, j);
    if (q->weights[i] == 0) eta[i] = 1; /* may be anywhere */
    total += q->weights[i];
  }
  SP_CHECK(evaluate(f, n, eta, q->y, loss, score, bend, expected) == 0, "%s: a solution outside", names[f->which]);
  for (int i = 0; i < n; i++) sum += q->weights[i] / total * score[i];
  worst = fabs(sum) / lambda;
  for (int j = 0; j < p; j++) {
    double mean = 0, var = 0, c = 0;
    for (int i = 0; i < n; i++) mean += q->weights[i] / total * cell(&q->x, i, j);
    for (int i = 0; i < n; i++) {
      const double e = cell(&q->x, i, j) - mean;
      var += q->weights[i] / total * e * e;
      c += q->weights[i] / total * score[i] * e;
    }
    const double sd = sqrt(var), z = c / sd - lambda * (1 - alpha) * b[j] * sd;
    const double off = b[j] == 0 ? fmax(0, fabs(z) - lambda * alpha) : fabs(z - (b[j] > 0 ? 1 : -1) * lambda * alpha);
    worst = fmax(worst, off / lambda);
  }
  free(eta);
  return worst;
}

static void test_stationary(void) {
  for (int trial = 0; trial < 60; trial++) {
    problem q;
    sp_ctx ctx;
    sp_path path, again;
    sp_loss_host host;
    family f = {.which = GAMMA_LOG + trial % 3};
    open_problem(&q, 60, trial % 2 ? 6 : 80, 1 + trial % 4, trial % 5 == 0 ? 0.3 : 1, (trial % 3 ? P_WEIGHTS : 0) | (trial % 7 ? 0 : P_OFFSET));
    respond(&q, f.which);
    use_host(&q, &host, &f);
    q.spec.lambda_min_ratio = 0.05;
    sp_ctx_init(&ctx);
    const sp_status st = run_problem(&q, &ctx, &path);
    SP_CHECK(st == SP_OK, "%s: %s", names[f.which], sp_status_name(st));
    if (st != SP_OK) exit(2);
    ctx.threads = 3;
    if (run_problem(&q, &ctx, &again) != SP_OK) exit(2);
    double *b = sp_block((size_t)q.x.p, sizeof *b), b0;
    for (int l = 0; l < path.L; l++) {
      for (int t = 0; t < q.spec.B; t++) { /* bit for bit the same with any number of threads */
        const sp_point *one = &path.tasks[t].points[l], *two = &again.tasks[t].points[l];
        SP_CHECK(one->count == two->count && sp_same_bits(one->b, two->b, (size_t)one->count) && one->kkt == two->kkt,
                 "%s: lambda %d, task %d depends on threads", names[f.which], l, t);
        SP_CHECK(one->status == SP_POINT_OK, "%s: lambda %d, task %d: kkt %g", names[f.which], l, t, one->kkt);
      }
      coefficients(&path, 0, l, b, &b0);
      const double v = violation(&q, &path, l, b, b0, &f);
      SP_CHECK(v <= 1e-7, "%s: lambda %d of %d: violation %g, reported %g", names[f.which], l, path.L, v,
               path.tasks[0].points[l].kkt);
    }
    /* quadratic convergence, also where curvatures are negative */
    SP_CHECK(path.tasks[0].m.n_newton <= 12 * path.L, "%s: %g Newton steps for %d lambdas", names[f.which],
             path.tasks[0].m.n_newton, path.L);
    free(b);
    sp_path_free(&path);
    sp_path_free(&again);
    SP_CHECK(ctx.n_live == 0, "%ld blocks leaked", ctx.n_live);
    close_problem(&q);
  }
}

/* the host fails at its k-th call, for every k: the status says so, nothing leaks, and it is not asked again */
static void test_failure(void) {
  for (int which = 0; which < FAMILIES; which++) {
    problem q;
    sp_ctx ctx;
    sp_path path;
    sp_loss_host host;
    sp_status st = SP_EHOST;
    long k = 1;
    open_problem(&q, 40, 10, 3, 1, which == LOGISTIC ? P_BINOMIAL : P_OFFSET);
    respond(&q, which);
    q.spec.nlambda = 5;
    q.spec.lambda_min_ratio = 0.1;
    for (; st != SP_OK && k < 100000; k++) {
      family f = {.which = which, .fail_at = k};
      use_host(&q, &host, &f);
      sp_ctx_init(&ctx);
      st = run_problem(&q, &ctx, &path);
      SP_CHECK(st == (f.calls >= k ? SP_EHOST : SP_OK) && f.calls <= k, "%s, call %ld of %ld: %s", names[which], k, f.calls,
               sp_status_name(st));
      if (st == SP_OK) sp_path_free(&path);
      SP_CHECK(ctx.n_live == 0, "%ld blocks leaked", ctx.n_live);
    }
    SP_CHECK(st == SP_OK && k > 20, "%s: %ld calls", names[which], k);
    close_problem(&q);
  }
}

/* a null model that is not defined, and offsets that leave a narrow choice of intercepts */
static void test_domain(void) {
  problem q;
  sp_ctx ctx;
  sp_path path;
  sp_loss_host host;
  family f = {.which = GAMMA_INVERSE};
  open_problem(&q, 40, 5, 1, 1, P_NO_INTERCEPT);
  respond(&q, f.which);
  use_host(&q, &host, &f);
  sp_ctx_init(&ctx);
  sp_status st = run_problem(&q, &ctx, &path);
  SP_CHECK(st == SP_EDOMAIN, "zero predictors: %s", sp_status_name(st));
  close_problem(&q);

  for (int trial = 0; trial < 20; trial++) {
    open_problem(&q, 40, 5, 1, 1, P_OFFSET);
    respond(&q, f.which);
    for (int i = 0; i < 40; i++) q.offset[i] = pow(10, trial % 5) * sp_uniform() - (trial % 2 ? 1e3 : 0);
    use_host(&q, &host, &f);
    q.spec.nlambda = 2;
    q.spec.lambda_min_ratio = 0.9;
    sp_ctx_init(&ctx);
    st = run_problem(&q, &ctx, &path);
    SP_CHECK(st == SP_OK, "spread offsets: %s", sp_status_name(st));
    if (st == SP_OK) {
      double b[5], b0;
      coefficients(&path, 0, 0, b, &b0);
      SP_CHECK(violation(&q, &path, 0, b, b0, &f) <= 1e-6, "spread offsets, %d: violation %g", trial,
               violation(&q, &path, 0, b, b0, &f));
      sp_path_free(&path);
    }
    SP_CHECK(ctx.n_live == 0, "%ld blocks leaked", ctx.n_live);
    close_problem(&q);
  }
  SP_CHECK(f.outside > 0, "nothing was ever outside");
}

static void test_memory(void) {
  sp_status st = SP_ENOMEM;
  for (long k = 1; st != SP_OK && k < 100000; k++) {
    problem q;
    sp_ctx ctx;
    sp_path path;
    sp_loss_host host;
    family f = {.which = GAMMA_LOG};
    spunit_seed = 99;
    open_problem(&q, 20, 15, 2, 1, 0);
    respond(&q, f.which);
    use_host(&q, &host, &f);
    q.spec.nlambda = 4;
    sp_ctx_init(&ctx);
    ctx.fail_at = k;
    st = run_problem(&q, &ctx, &path);
    SP_CHECK(st == (ctx.n_alloc >= k ? SP_ENOMEM : SP_OK), "allocation %ld of %ld: %s", k, ctx.n_alloc, sp_status_name(st));
    if (st == SP_OK) sp_path_free(&path);
    SP_CHECK(ctx.n_live == 0, "allocation %ld: %ld blocks leaked", k, ctx.n_live);
    close_problem(&q);
  }
}

int main(void) {
  test_instance();
  test_as_built_in();
  test_stationary();
  test_failure();
  test_domain();
  test_memory();
  return spunit_end("test_callback");
}
