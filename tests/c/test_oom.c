/* Failing allocator: for k = 1, 2, ... the k-th allocation of a scenario fails, until it needs no more. Each
 * time the scenario must say SP_ENOMEM, free all it had, and leave nothing that a later free would trip over.
 * A scenario does all its work on the context it is given; add one here for everything that allocates. */
#include "base/ctx.h"
#include "base/par.h"
#include "spunit.h"

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

static const struct {
  const char *name;
  sp_status (*run)(sp_ctx *ctx);
} scenarios[] = {
    {"blocks", blocks},
    {"threads", threads},
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
