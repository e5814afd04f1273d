/* What stands beside the engine: fused lasso and trend filtering of a signal, gaussian lasso from knot to knot. Optimality is judged by
 * the verifier, the two algorithms of the fused lasso by each other; and the n-th allocation fails, for every n. */
#include "problem.h"

/* ---- fused lasso --------------------------------------------------------------------------------- */

static void signal_of(int n, int kind, double *y, double *w) {
  double level = 0;
  for (int i = 0; i < n; i++) {
    if (sp_below(8) == 0) level = 2 * sp_normal();
    y[i] = level + 0.4 * sp_normal() + (kind & 1 ? 1e4 : 0);
    if (kind & 2) y[i] = round(y[i]);
    w[i] = kind & 4 ? 0.1 + 3 * sp_uniform() : 1;
  }
}

static double fused_objective(int n, const double *y, const double *w, const double *b, double lambda, double lambda1) {
  double value = 0;
  for (int i = 0; i < n; i++) {
    value += w[i] * (y[i] - b[i]) * (y[i] - b[i]) / 2 + lambda1 * w[i] * fabs(b[i]);
    if (i > 0) value += lambda * fabs(b[i] - b[i - 1]);
  }
  return value;
}

static void test_fused(int n, int kind) {
  sp_ctx ctx;
  sp_ctx_init(&ctx);
  const size_t size = (size_t)n;
  double *y = sp_block(size, sizeof *y), *w = sp_block(size, sizeof *w), *b = sp_block(size, sizeof *b);
  double *a = sp_block(size, sizeof *a), *fuse = sp_block(size, sizeof *fuse), *c = sp_block(size, sizeof *c);
  signal_of(n, kind, y, w);
  SP_CHECK(sp_fused_path(&ctx, n, y, w, fuse) == SP_OK, "n %d kind %d", n, kind);
  for (int l = 0; l < 8; l++) {
    const double lambda = l == 0 ? 0 : n > 1 && l < 4 ? fuse[sp_below(n - 1)] : pow(10, 3 * sp_uniform() - 2);
    const double lambda1 = l % 2 ? sp_uniform() : 0;
    SP_CHECK(sp_fused_fit(&ctx, n, y, w, lambda, b) == SP_OK, "n %d kind %d", n, kind);
    SP_CHECK(sp_fused_at(&ctx, n, y, w, fuse, lambda, a) == SP_OK, "n %d kind %d", n, kind);
    for (int i = 0; i < n; i++) {
      SP_CHECK(fabs(a[i] - b[i]) <= 1e-11 * (1 + fabs(y[i])), "n %d kind %d lambda %g at %d: %.15g %.15g", n, kind, lambda, i, a[i], b[i]);
    }
    sp_fused_verdict v;
    sp_fused_certify(n, y, w, lambda, lambda1, b, &v);
    const double value = fused_objective(n, y, w, b, lambda, lambda1);
    SP_CHECK(fabs(v.objective - value) <= 1e-12 * (value + 1e-6), "n %d kind %d: objective %g, is %g", n, kind, v.objective, value);
    SP_CHECK(v.gap >= 0 && v.gap <= 1e-13 * (1 + value), "n %d kind %d lambda %g: gap %g", n, kind, lambda, v.gap);
    for (int trial = 0; trial < 5; trial++) { /* nothing near is better; and what is worse has a gap that says so */
      const double size_of = pow(10, -4 * sp_uniform());
      for (int i = 0; i < n; i++) c[i] = b[i] + size_of * (trial % 2 ? 1 : sp_normal());
      const double other = fused_objective(n, y, w, c, lambda, lambda1);
      SP_CHECK(other >= value - 1e-9 * (1 + value), "n %d kind %d lambda %g: %.12g below %.12g", n, kind, lambda, other, value);
      sp_fused_certify(n, y, w, lambda, 0, c, &v);
      SP_CHECK(lambda1 > 0 || v.gap >= other - value - 1e-9 * (1 + value), "n %d kind %d: gap %g, off by %g", n, kind, v.gap, other - value);
    }
  }
  SP_CHECK(ctx.n_live == 0, "%ld blocks leaked", ctx.n_live);
  free(y), free(w), free(b), free(a), free(fuse), free(c);
}

/* ---- trend filtering ----------------------------------------------------------------------------- */

static double trend_objective(int n, int k, const double *y, const double *w, const double *b, double lambda) {
  double value = 0, *d = sp_block((size_t)n, sizeof *d);
  for (int i = 0; i < n; i++) {
    d[i] = b[i];
    value += w[i] * (y[i] - b[i]) * (y[i] - b[i]) / 2;
  }
  for (int order = 0; order <= k; order++) {
    for (int i = 0; i + 1 < n - order; i++) d[i] = d[i + 1] - d[i];
  }
  for (int j = 0; j < n - k - 1; j++) value += lambda * fabs(d[j]);
  free(d);
  return value;
}

static void test_trend(int n, int k, int kind) {
  sp_ctx ctx;
  sp_trend t;
  sp_ctx_init(&ctx);
  const size_t size = (size_t)n;
  double *y = sp_block(size, sizeof *y), *w = sp_block(size, sizeof *w), *b = sp_block(size, sizeof *b), *c = sp_block(size, sizeof *c);
  double top;
  int *knot = sp_block(size, sizeof *knot);
  signal_of(n, kind, y, w);
  SP_CHECK(sp_trend_lambda_max(&ctx, n, k, y, w, &top) == SP_OK, "n %d", n);
  for (int l = 0; l < 4; l++) {
    const double lambda = l == 0 ? 0 : top * pow(10, 0.1 - l);
    SP_CHECK(sp_trend_fit(&ctx, n, k, y, w, lambda, 0, b, knot, &t) == SP_OK, "n %d", n);
    const double value = trend_objective(n, k, y, w, b, lambda), scale = trend_objective(n, k, y, w, y, lambda) + 1e-6;
    SP_CHECK(fabs(t.objective - value) <= 1e-9 * scale, "n %d k %d: objective %g, is %g", n, k, t.objective, value);
    SP_CHECK(t.gap >= 0 && t.gap <= 1e-8 * scale, "n %d k %d kind %d lambda %g: gap %g of %g", n, k, kind, lambda, t.gap, scale);
    for (int trial = 0; trial < 6; trial++) {
      const double by = pow(10, -5 * sp_uniform());
      for (int i = 0; i < n; i++) c[i] = b[i] + by * (trial % 2 ? pow(i - n / 2.0, trial % 4) / n : sp_normal());
      const double other = trend_objective(n, k, y, w, c, lambda);
      SP_CHECK(other >= value - t.gap - 1e-9 * scale, "n %d k %d lambda %g: %.12g below %.12g", n, k, lambda, other, value);
    }
  }
  SP_CHECK(ctx.n_live == 0, "%ld blocks leaked", ctx.n_live);
  free(y), free(w), free(b), free(c), free(knot);
}

/* ---- exact gaussian path ------------------------------------------------------------------------- */

static sp_status run_lars(problem *q, sp_ctx *ctx, sp_lars *lars, enum sp_lars_type type) {
  q->spec.pen = &q->pen;
  q->spec.design = q->what & P_CSC ? &q->x.csc : &q->x.dense;
  const sp_status st = sp_lars_run(lars, ctx, &q->spec, type, 0, 0, 0, 100000);
  if (st != SP_OK) sp_lars_free(lars);
  return st;
}

static void test_lars(int n, int p, unsigned what) {
  sp_ctx ctx;
  sp_lars lars;
  problem q;
  sp_ctx_init(&ctx);
  open_problem(&q, n, p, 1, 1, what);
  SP_CHECK(run_lars(&q, &ctx, &lars, SP_LARS_LASSO) == SP_OK, "%d x %d, %u: %s", n, p, what, ctx.msg);
  SP_CHECK(lars.end == SP_LARS_COMPLETE, "%d x %d, %u: ends as %d", n, p, what, (int)lars.end);
  verify *v = open_verify(&q, 0);
  double *b = sp_block((size_t)p, sizeof *b);
  for (int l = 0; l < lars.K; l++) {
    const sp_lars_knot *kn = &lars.knots[l];
    if (kn->lambda < 1e-8 * lars.lambda_max) continue;
    memset(b, 0, (size_t)p * sizeof *b);
    for (int i = 0; i < kn->count; i++) b[lars.cols[kn->start + i]] = lars.b[kn->start + i];
    const verdict d = verify_solution(v, kn->lambda, kn->a0, b);
    SP_CHECK(d.gap <= 1e-10, "%d x %d, %u: knot %d (%g): gap %g", n, p, what, l, kn->lambda, d.gap);
    SP_CHECK(d.kkt <= 1e-7, "%d x %d, %u: knot %d (%g): violation %g", n, p, what, l, kn->lambda, d.kkt);
    SP_CHECK(d.gap <= 1.5 * kn->gap / lars.null_value + 1e-11, "%d x %d, %u: knot %d: gap %g, reported %g", n, p, what, l, d.gap, kn->gap);
  }
  verify_close(v);
  sp_lars_free(&lars);
  SP_CHECK(ctx.n_live == 0, "%ld blocks leaked", ctx.n_live);
  close_problem(&q);
  free(b);
}

/* ---- allocations that fail ----------------------------------------------------------------------- */

static sp_status fail_fused(sp_ctx *ctx) {
  double y[40], w[40], b[40];
  spunit_seed = 5;
  signal_of(40, 4, y, w);
  sp_status st = sp_fused_fit(ctx, 40, y, w, 0.5, b);
  if (st == SP_OK) st = sp_fused_path(ctx, 40, y, w, b);
  sp_trend t;
  int knot[40];
  double top;
  if (st == SP_OK) st = sp_trend_lambda_max(ctx, 40, 2, y, w, &top);
  if (st == SP_OK) st = sp_trend_fit(ctx, 40, 2, y, w, top / 50, 0, b, knot, &t);
  return st;
}

static sp_status fail_lars(sp_ctx *ctx) {
  sp_lars lars;
  problem q;
  spunit_seed = 6;
  open_problem(&q, 20, 50, 1, 1, P_TIES);
  const sp_status st = run_lars(&q, ctx, &lars, SP_LARS_LASSO);
  if (st == SP_OK) sp_lars_free(&lars);
  close_problem(&q);
  return st;
}

static void test_failures(sp_status (*run)(sp_ctx *ctx), const char *name) {
  sp_status st = SP_ENOMEM;
  long k = 1;
  for (; st != SP_OK && k < 10000; k++) {
    sp_ctx ctx;
    sp_ctx_init(&ctx);
    ctx.fail_at = k;
    st = run(&ctx);
    SP_CHECK(ctx.n_live == 0, "%s, allocation %ld: %ld blocks leaked", name, k, ctx.n_live);
    SP_CHECK(st == (ctx.n_alloc >= k ? SP_ENOMEM : SP_OK), "%s, allocation %ld: %s", name, k, sp_status_name(st));
  }
  SP_CHECK(st == SP_OK && k > 1, "%s never succeeded", name);
}

int main(void) {
  for (int kind = 0; kind < 8; kind++) {
    for (int n = 1; n < 8; n++) test_fused(n, kind);
    test_fused(60, kind);
    test_fused(500, kind);
  }
  for (int k = 1; k <= 3; k++) {
    for (int n = k + 2; n < 12; n += 2) test_trend(n, k, n % 2 ? 4 : 0);
    test_trend(80, k, 0);
    test_trend(80, k, 6);
  }
  for (int rep = 0; rep < 6; rep++) {
    test_lars(30, 8, 0);
    test_lars(15, 40, 0);
    test_lars(15, 40, P_WEIGHTS | P_NO_STANDARDIZE);
    test_lars(20, 30, P_NO_INTERCEPT);
    test_lars(40, 60, P_CSC | P_SPARSE);
  }
  for (int rep = 0; rep < 20; rep++) test_lars(10, 12, P_TIES | (rep % 2 ? P_NO_STANDARDIZE : 0));
  test_failures(fail_fused, "fused");
  test_failures(fail_lars, "lars");
  return spunit_end("test_exact");
}
