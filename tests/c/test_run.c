/* How a path begins and ends: refusals, interrupts, rules for stopping early, predictions for rows that a task did not see. */
#include "problem.h"

/* ---- early stops --------------------------------------------------------------------------------- */

/* the rules, from the points of the whole grid: number of lambdas */
static int rule(const sp_path *whole, const sp_spec *spec, enum sp_end *end) {
  const sp_model *m = &whole->tasks[0].m;
  char *ever = sp_block((size_t)m->p, 1);
  double before = 0;
  int l = 0, many = 0;
  *end = SP_END_COMPLETE;
  for (; l < whole->L; l++) {
    const sp_point *pt = &whole->tasks[0].points[l];
    for (int i = 0; i < pt->count; i++) {
      many += pt->b[i] != 0 && !ever[pt->cols[i]];
      ever[pt->cols[i]] |= pt->b[i] != 0;
    }
    const double dev = 1 - (pt->value - m->sat_value) / (m->null_value - m->sat_value);
    if (many > spec->pmax && l > 0) *end = SP_END_PMAX;
    else if (pt->df > spec->dfmax) *end = SP_END_DFMAX;
    else if (spec->early_stop && l >= 4 && dev > spec->devmax) *end = SP_END_DEVMAX;
    else if (spec->early_stop && l >= 4 && dev - before < spec->fdev * (spec->fdev_relative ? dev : 1)) *end = SP_END_FDEV;
    if (*end != SP_END_COMPLETE) break;
    before = dev;
  }
  free(ever);
  return *end == SP_END_PMAX || *end == SP_END_COMPLETE ? l : l + 1; /* one that has too many columns is left out */
}

static void test_stops(void) {
  int seen[SP_END_PMAX + 1] = {0};
  for (int trial = 0; trial < 80; trial++) {
    problem q;
    sp_ctx ctx;
    sp_path whole, path;
    const int tall = trial % 3 == 0;
    open_problem(&q, tall ? 100 : 30, tall ? 10 : 60, 1 + trial % 3, trial % 5 == 0 ? 0.5 : 1, trial % 2 ? P_BINOMIAL : 0);
    q.spec.nlambda = 60;
    q.spec.lambda_min_ratio = tall ? 1e-6 : 1e-2;
    sp_ctx_init(&ctx);
    ctx.threads = 1 + trial % 2;
    if (run_problem(&q, &ctx, &whole) != SP_OK) exit(2);
    q.spec.early_stop = trial % 4 != 0;
    q.spec.fdev = sp_below(2) ? 1e-5 : 1e-3;
    q.spec.devmax = sp_below(2) ? 0.999 : 0.8;
    if (sp_below(3) == 0) q.spec.dfmax = 1 + sp_below(12);
    if (sp_below(4) == 0) q.spec.pmax = 1 + sp_below(12);
    enum sp_end end;
    const int length = rule(&whole, &q.spec, &end);
    if (run_problem(&q, &ctx, &path) != SP_OK) exit(2);
    SP_CHECK(path.L == length && path.end == end, "%d: ends at %d of %d with %d, the rule says %d with %d", trial, path.L,
             path.grid, (int)path.end, length, (int)end);
    seen[path.end]++;
    for (int t = 0; t < q.spec.B; t++) { /* every task goes to the end of task 0, and is as good as without a stop */
      const sp_task *task = &path.tasks[t];
      verify *v = open_verify(&q, t);
      double *b = sp_block((size_t)q.x.p, sizeof *b), b0;
      SP_CHECK(task->n_points == path.L, "%d: task %d has %d of %d points", trial, t, task->n_points, path.L);
      for (int l = 0; l < path.L; l++) {
        coefficients(&path, t, l, b, &b0);
        const verdict d = verify_solution(v, path.lambda[l], b0, b);
        SP_CHECK(d.gap < 1e-8 && task->points[l].gap < 1e-8, "%d: task %d, lambda %d: gap %g, reported %g", trial, t, l,
                 d.gap, task->points[l].gap);
      }
      free(b);
      verify_close(v);
    }
    sp_path_free(&path);
    sp_path_free(&whole);
    SP_CHECK(ctx.n_live == 0, "%ld blocks leaked", ctx.n_live);
    close_problem(&q);
  }
  SP_CHECK(seen[SP_END_COMPLETE] && seen[SP_END_DEVMAX] && seen[SP_END_FDEV] && seen[SP_END_DFMAX] &&
               seen[SP_END_PMAX],
           "ends seen: %d complete, %d devmax, %d fdev, %d dfmax, %d pmax", seen[SP_END_COMPLETE], seen[SP_END_DEVMAX],
           seen[SP_END_FDEV], seen[SP_END_DFMAX], seen[SP_END_PMAX]);
}

/* ---- interrupts, progress ------------------------------------------------------------------------ */

typedef struct host {
  sp_ctx *ctx;
  long calls, stop_at;
  int reports;
  double last;
} host;

static int asked(void *data) {
  host *h = data;
  h->ctx->last_poll = -1; /* no waiting between questions: each of them is answered here */
  return ++h->calls == h->stop_at;
}

static void told(void *data, double fraction) {
  host *h = data;
  SP_CHECK(fraction > h->last && fraction <= 1, "progress from %g to %g", h->last, fraction);
  h->last = fraction;
  h->reports++;
}

static void test_interrupt(void) {
  for (int kind = 0; kind < 5; kind++) {
    problem q;
    sp_path path;
    const unsigned what = kind == 1 ? P_BINOMIAL : kind == 3 ? P_CSC | P_SPARSE : 0;
    open_problem(&q, kind == 2 ? 80 : 30, kind == 2 ? 10 : 60, kind == 4 ? 6 : 1 + kind % 2, kind == 3 ? 0.05 : 1, what);
    q.spec.nlambda = kind == 2 ? 70 : 30; /* reduced problems are checked, and tell of it, every 50 lambdas */
    sp_status st = SP_EINTERRUPT;
    long k = 1;
    for (; st != SP_OK && k < 100000; k++) {
      sp_ctx ctx;
      sp_ctx_init(&ctx);
      host h = {&ctx, 0, k, 0, 0};
      ctx.poll = asked;
      ctx.poll_data = &h;
      ctx.progress = told;
      ctx.progress_data = &h;
      ctx.threads = kind == 4 ? 2 : 1;
      st = run_problem(&q, &ctx, &path);
      SP_CHECK(st == (h.calls >= k ? SP_EINTERRUPT : SP_OK), "kind %d, stop at question %ld of %ld: %s", kind, k, h.calls,
               sp_status_name(st));
      if (st != SP_OK) continue;
      SP_CHECK(h.last == 1 && h.reports >= 2, "kind %d: %d reports, the last %g", kind, h.reports, h.last);
      sp_path_free(&path);
      SP_CHECK(ctx.n_live == 0, "kind %d: %ld blocks leaked", kind, ctx.n_live);
    }
    SP_CHECK(st == SP_OK && k > 5, "kind %d: %ld questions", kind, k);
    close_problem(&q);
  }
}

/* ---- refusals ------------------------------------------------------------------------------------ */

static void test_nonfinite(void) {
  static const double bad[] = {NAN, INFINITY, -INFINITY};
  for (int trial = 0; trial < 90; trial++) {
    problem q;
    sp_ctx ctx;
    sp_path path;
    const unsigned what = (trial % 2 ? P_CSC | P_SPARSE : 0) | (trial % 3 ? P_WEIGHTS : 0) | (trial % 5 ? 0 : P_BINOMIAL);
    open_problem(&q, 20, trial % 4 == 0 ? 700 : 12, 1 + trial % 3, 1, what);
    int column = sp_below(q.x.p);
    sp_ctx_init(&ctx);
    ctx.threads = 1 + trial % 3;
    if (what & P_CSC) {
      while (q.x.ptr[column + 1] == q.x.ptr[column]) column = (column + 1) % q.x.p;
      q.x.values[q.x.ptr[column] + sp_below(q.x.ptr[column + 1] - q.x.ptr[column])] = bad[trial % 3];
    } else {
      q.x.full[column * q.x.n + sp_below(q.x.n)] = bad[trial % 3]; /* a row of weight 0 counts, too */
    }
    const sp_status st = run_problem(&q, &ctx, &path);
    SP_CHECK(st == SP_ENONFINITE && ctx.where == column, "%s at %td, not %d", sp_status_name(st), ctx.where, column);
    if (st == SP_OK) sp_path_free(&path);
    close_problem(&q);
  }
}

static void test_refusals(void) {
  problem q;
  sp_ctx ctx;
  sp_path path;
  sp_status st;
  open_problem(&q, 30, 5, 2, 1, 0);
  for (int i = 0; i < 30; i++) q.weights[30 + i] = 0;
  sp_ctx_init(&ctx);
  st = run_problem(&q, &ctx, &path);
  SP_CHECK(st == SP_EARG, "a task without rows: %s", sp_status_name(st));
  close_problem(&q);

  open_problem(&q, 30, 5, 1, 1, P_BINOMIAL);
  q.v[1] = 0;
  for (int i = 0; i < 30; i++) q.x.full[30 + i] = q.y[i] + 0.1 * sp_uniform();
  sp_ctx_init(&ctx);
  st = run_problem(&q, &ctx, &path);
  SP_CHECK(st == SP_ESEPARATION && strstr(ctx.msg, "separation") != NULL, "separated by an unpenalized column: %s, %s",
           sp_status_name(st), ctx.msg);
  close_problem(&q);
}

/* nothing to explain, nothing to explain it with */
static void test_degenerate(void) {
  for (int kind = 0; kind < 8; kind++) {
    problem q;
    sp_ctx ctx;
    sp_path path;
    const int n = kind == 6 ? 2 : 20, p = kind == 5 ? 1 : 6;
    open_problem(&q, n, p, 1, kind % 2 ? 1 : 0.5, kind == 7 ? P_BINOMIAL | P_PROPORTIONS : 0);
    for (int i = 0; i < n; i++) {
      if (kind == 0) q.y[i] = 4;                                           /* constant response */
      if (kind == 1) q.y[i] = 0;
      for (int j = 0; j < p && kind == 2; j++) q.x.full[j * n + i] = j;    /* constant columns */
      if (kind == 3) q.y[i] = i % 2, q.x.full[i] = i % 2;                  /* a perfect fit */
      if (kind == 7) q.y[i] = 0.5;
    }
    for (int j = 0; j < p && kind == 4; j++) q.v[j] = INFINITY; /* all left out */
    sp_ctx_init(&ctx);
    const sp_status st = run_problem(&q, &ctx, &path);
    SP_CHECK(st == SP_OK, "kind %d: %s", kind, sp_status_name(st));
    if (st == SP_OK) {
      verify *v = open_verify(&q, 0);
      for (int l = 0; l < path.L; l++) {
        double b[6], b0;
        coefficients(&path, 0, l, b, &b0);
        const verdict d = verify_solution(v, path.lambda[l], b0, b);
        SP_CHECK(path.lambda[l] > 0 && path.tasks[0].points[l].status == SP_POINT_OK, "kind %d, lambda %d: status %d", kind,
                 l, path.tasks[0].points[l].status);
        SP_CHECK(d.gap <= 1e-10 && d.outside <= 0, "kind %d, lambda %d: gap %g", kind, l, d.gap);
        SP_CHECK(d.df == 0 || kind == 3 || kind > 4, "kind %d: %d coefficients", kind, d.df);
      }
      verify_close(v);
      sp_path_free(&path);
    }
    SP_CHECK(ctx.n_live == 0, "kind %d: %ld blocks leaked", kind, ctx.n_live);
    close_problem(&q);
  }
}

/* ---- predictions --------------------------------------------------------------------------------- */

static void test_heldout(void) {
  static const double canary = -777.25;
  for (int trial = 0; trial < 40; trial++) {
    problem q;
    sp_ctx ctx;
    sp_path path;
    const unsigned what = (unsigned)sp_random() & (P_WEIGHTS | P_OFFSET | P_LIMITS | P_FACTORS | P_NO_INTERCEPT | P_NO_STANDARDIZE | P_CSC |
                                         P_SPARSE | P_BINOMIAL);
    const int R = 1 + sp_below(3), tall = trial % 3 == 0, n = tall ? 70 : 20;
    open_problem(&q, n, tall ? 8 : 40, 1 + sp_below(4), trial % 4 == 0 ? 0 : 1, what);
    sp_ctx_init(&ctx);
    ctx.threads = 1 + trial % 3;
    if (run_problem(&q, &ctx, &path) != SP_OK) exit(2);
    const size_t size = (size_t)n * (size_t)path.L * (size_t)R;
    int *which = sp_block((size_t)(n * R), sizeof *which);
    double *out = sp_block(size, sizeof *out), *b = sp_block((size_t)q.x.p, sizeof *b), b0;
    for (int i = 0; i < n * R; i++) which[i] = sp_below(q.spec.B + 1);
    for (size_t i = 0; i < size; i++) out[i] = canary;
    const sp_status st = sp_heldout_predict(&path, which, R, out);
    SP_CHECK(st == SP_OK, "%s", sp_status_name(st));
    for (int t = 0; t < q.spec.B; t++) {
      for (int l = 0; l < path.L; l++) {
        coefficients(&path, t, l, b, &b0);
        for (int k = 0; k < n * R; k++) {
          const int i = k % n, r = k / n;
          const double got = out[i + n * (l + path.L * r)];
          long double want = (q.offset != NULL ? q.offset[i] : 0) + (long double)b0;
          double room = 1 + fabs(b0);
          if (which[k] == 0) SP_CHECK(got == canary, "row %d is nobody's, yet written", i);
          if (which[k] != t + 1) continue;
          for (int j = 0; j < q.x.p; j++) {
            want += (long double)b[j] * cell(&q.x, i, j);
            room += fabs(b[j]) * (fabs(cell(&q.x, i, j)) + 10);
          }
          SP_CHECK(fabsl(got - want) <= 1e-14L * room, "row %d, lambda %d, task %d: %.17g not %.17Lg", i, l, t, got, want);
        }
      }
    }
    free(which);
    free(out);
    free(b);
    sp_path_free(&path);
    SP_CHECK(ctx.n_live == 0, "%ld blocks leaked", ctx.n_live);
    close_problem(&q);
  }
}

int main(void) {
  test_stops();
  test_interrupt();
  test_nonfinite();
  test_refusals();
  test_degenerate();
  test_heldout();
  return spunit_end("test_run");
}
