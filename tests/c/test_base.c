/* status, context, allocator, poll, parallel loop */
#include <sys/types.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include "base/ctx.h"
#include "base/par.h"
#include "spunit.h"

static void test_status(void) {
  for (int s = SP_OK; s <= SP_EARG; s++) {
    for (int t = SP_OK; t < s; t++) {
      SP_CHECK(strcmp(sp_status_name((sp_status)s), sp_status_name((sp_status)t)) != 0, "%d and %d", s, t);
    }
  }
  SP_CHECK(strcmp(sp_status_name(SP_OK), "ok") == 0, "%s", sp_status_name(SP_OK));
  SP_CHECK(strcmp(sp_status_name((sp_status)99), "unknown") == 0, "%s", sp_status_name((sp_status)99));
}

static sp_status leave_early(sp_status first, int *reached) {
  sp_status st = SP_OK;
  SP_TRY(first);
  *reached = 1;
done:
  return st;
}

static void test_try(void) {
  int reached = 0;
  SP_CHECK(leave_early(SP_ECORRUPT, &reached) == SP_ECORRUPT && !reached, "reached %d", reached);
  SP_CHECK(leave_early(SP_OK, &reached) == SP_OK && reached, "reached %d", reached);
}

static void test_alloc(void) {
  sp_ctx ctx;
  sp_ctx_init(&ctx);
  SP_CHECK(ctx.threads == 1 && ctx.where == -1 && ctx.n_live == 0 && ctx.msg[0] == 0, "fresh context");
  void *kept[40];
  for (size_t k = 0; k < 40; k++) {
    kept[k] = sp_alloc(&ctx, k * k, k % 5);
    SP_CHECK(kept[k] != NULL && (uintptr_t)kept[k] % 64 == 0, "k = %zu at %p", k, kept[k]);
    if (kept[k] != NULL) memset(kept[k], 1, k * k * (k % 5));
  }
  SP_CHECK(ctx.n_live == 40 && ctx.n_alloc == 40, "live %ld of %ld", ctx.n_live, ctx.n_alloc);
  for (size_t k = 0; k < 40; k++) sp_free(&ctx, kept[k]);
  sp_free(&ctx, NULL);
  SP_CHECK(ctx.n_live == 0, "live %ld", ctx.n_live);

  unsigned char *z = sp_calloc(&ctx, 1000, 3);
  int dirty = 0;
  for (size_t k = 0; z != NULL && k < 3000; k++) dirty |= z[k];
  SP_CHECK(z != NULL && dirty == 0, "calloc clears");
  sp_free(&ctx, z);

  SP_CHECK(sp_alloc(&ctx, SIZE_MAX, 2) == NULL, "overflow of the product");
  SP_CHECK(sp_alloc(&ctx, SIZE_MAX / 8 + 2, 8) == NULL, "overflow by one element");
  SP_CHECK(sp_alloc(&ctx, SIZE_MAX - 8, 1) == NULL, "no room for the header");
  SP_CHECK(sp_alloc(&ctx, (size_t)PTRDIFF_MAX, 1) == NULL, "beyond ptrdiff_t");
  SP_CHECK(sp_calloc(&ctx, SIZE_MAX, SIZE_MAX) == NULL, "calloc");
  SP_CHECK(ctx.n_live == 0, "live %ld", ctx.n_live);
}

static void test_grow(void) {
  sp_ctx ctx;
  sp_ctx_init(&ctx);
  double *x = NULL;
  size_t have = 0;
  for (size_t want = 1; want < 5000; want = want * 3 / 2 + 1) {
    SP_CHECK(sp_grow(&ctx, &x, have, want, sizeof *x) == SP_OK, "to %zu", want);
    int kept = 1;
    for (size_t k = 0; k < have; k++) kept &= x[k] == (double)k;
    SP_CHECK(kept, "content after growing from %zu to %zu", have, want);
    for (size_t k = have; k < want; k++) x[k] = (double)k;
    have = want;
  }
  double *before = x;
  SP_CHECK(sp_grow(&ctx, &x, have, SIZE_MAX / 2, sizeof *x) == SP_ENOMEM && x == before && x[have - 1] > 0,
           "a failed growth leaves the block");
  SP_CHECK(sp_grow(&ctx, &x, have, 2, sizeof *x) == SP_OK && x[0] == 0 && x[1] == 1, "fewer elements");
  SP_CHECK(ctx.n_live == 1, "live %ld", ctx.n_live);
  sp_free(&ctx, x);
  SP_CHECK(ctx.n_live == 0, "live %ld", ctx.n_live);
}

typedef struct poll_count {
  int calls, stop_at;
} poll_count;

static int poll_counting(void *data) {
  poll_count *c = data;
  return ++c->calls == c->stop_at;
}

static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static void test_poll(void) {
  sp_ctx ctx;
  sp_ctx_init(&ctx);
  SP_CHECK(sp_poll(&ctx) == SP_OK, "no host");
  poll_count c = {0, 3};
  ctx.poll = poll_counting;
  ctx.poll_data = &c;
  SP_CHECK(sp_poll(&ctx) == SP_OK && c.calls == 1, "the first call asks: %d", c.calls);
  double start = now();
  long turns = 0;
  sp_status st = SP_OK;
  while (st == SP_OK && now() - start < 5.0) {
    st = sp_poll(&ctx);
    turns++;
  }
  double took = now() - start;
  SP_CHECK(st == SP_EINTERRUPT && c.calls == 3, "status %d after %d calls", (int)st, c.calls);
  SP_CHECK(took > 0.08 && turns > c.calls, "rate limited: %g s, %ld turns", took, turns);
}

enum { TASKS = 1000 };

typedef struct loop {
  sp_ctx *ctx;
  int visits[TASKS];
  double value[TASKS];
  int fail_a, fail_b;
} loop;

static sp_status visit(void *arg, int i) {
  loop *l = arg;
  l->visits[i]++;
  double s = 0.0;
  for (int k = 1; k <= 50 + i % 7; k++) s += 1.0 / (k + i);
  l->value[i] = s;
  void *block = sp_alloc(l->ctx, 10, 8);
  if (block == NULL) return SP_ENOMEM;
  sp_free(l->ctx, block);
  if (i == l->fail_a) return SP_ECORRUPT;
  if (i == l->fail_b) return SP_EARG;
  return SP_OK;
}

static sp_status inner(void *arg, int i) {
  int *sum = arg;
  sum[i]++;
  return SP_OK;
}

static sp_status outer(void *arg, int i) {
  loop *l = arg;
  int sum[5] = {0};
  sp_status st = sp_par_for(l->ctx, 5, inner, sum);
  for (int k = 0; k < 5; k++) l->visits[i] += sum[k];
  return st;
}

static void test_par(void) {
  sp_ctx ctx;
  sp_ctx_init(&ctx);
  static loop serial, parallel;
  serial = (loop){.ctx = &ctx, .fail_a = -1, .fail_b = -1};
  SP_CHECK(sp_par_for(&ctx, TASKS, visit, &serial) == SP_OK, "serial");
  SP_CHECK(sp_par_for(&ctx, 0, visit, &serial) == SP_OK, "nothing to do");
  for (int threads = 1; threads <= 6; threads++) {
    ctx.threads = threads;
    ctx.n_alloc = 0;
    parallel = (loop){.ctx = &ctx, .fail_a = -1, .fail_b = -1};
    SP_CHECK(sp_par_for(&ctx, TASKS, visit, &parallel) == SP_OK, "%d threads", threads);
    int once = 1;
    for (int i = 0; i < TASKS; i++) once &= parallel.visits[i] == 1;
    SP_CHECK(once, "%d threads: every task once", threads);
    SP_CHECK(sp_same_bits(serial.value, parallel.value, TASKS), "%d threads", threads);
    SP_CHECK(ctx.n_alloc == TASKS && ctx.n_live == 0, "%ld allocations, %ld live", ctx.n_alloc, ctx.n_live);

    for (int trial = 0; trial < 50; trial++) {
      int a = sp_below(TASKS), b = sp_below(TASKS);
      parallel = (loop){.ctx = &ctx, .fail_a = a, .fail_b = b};
      sp_status st = sp_par_for(&ctx, TASKS, visit, &parallel);
      SP_CHECK(st == (a <= b ? SP_ECORRUPT : SP_EARG), "%d threads, failures at %d and %d: %s", threads, a, b,
               sp_status_name(st));
      int lower = 1;
      for (int i = 0; i < (a < b ? a : b); i++) lower &= parallel.visits[i] == 1;
      SP_CHECK(lower, "tasks below the failure at %d and %d all ran", a, b);
    }

    parallel = (loop){.ctx = &ctx, .fail_a = -1, .fail_b = -1};
    SP_CHECK(sp_par_for(&ctx, 20, outer, &parallel) == SP_OK, "nested");
    int five = 1;
    for (int i = 0; i < 20; i++) five &= parallel.visits[i] == 5;
    SP_CHECK(five, "nested loops, %d threads", threads);
  }
  SP_CHECK(sp_par_available() >= 1, "%d", sp_par_available());
  SP_CHECK(sp_par_compiled() == 0 || sp_par_compiled() == 1, "%d", sp_par_compiled());
}

/* a child must neither hang nor give other results; the thread pool of the parent is warm by now */
static void test_fork(void) {
  sp_ctx ctx;
  sp_ctx_init(&ctx);
  ctx.threads = 4;
  static loop l;
  l = (loop){.ctx = &ctx, .fail_a = -1, .fail_b = -1};
  fflush(stdout);
  pid_t child = fork();
  if (child == 0) {
    alarm(10);
    int fine = sp_par_for(&ctx, TASKS, visit, &l) == SP_OK && sp_par_available() == 1;
    for (int i = 0; i < TASKS; i++) fine &= l.visits[i] == 1;
    _exit(fine ? 0 : 1);
  }
  int status = -1;
  SP_CHECK(child > 0 && waitpid(child, &status, 0) == child, "fork");
  SP_CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0, "child ended with %d", status);
}

int main(void) {
  test_status();
  test_try();
  test_alloc();
  test_grow();
  test_poll();
  test_par();
  test_fork();
  return spunit_end("test_base");
}
