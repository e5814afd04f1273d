/* clock_gettime() is POSIX, not C11: ask for it, in case the compiler runs in strict mode. */
#if !defined(_WIN32) && !defined(_POSIX_C_SOURCE)
#define _POSIX_C_SOURCE 200809L
#endif

#include "ctx.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#ifdef _WIN32
#include <windows.h>
#else
#include <time.h>
#endif

enum { ALIGN = 64 };

static const double POLL_INTERVAL = 0.05; /* seconds: quick enough for a person, free in a loop */

void sp_ctx_init(sp_ctx *ctx) {
  memset(ctx, 0, sizeof *ctx);
  ctx->threads = 1;
  ctx->where = -1;
  ctx->last_poll = -1.0;
}

/* Tasks of a parallel loop allocate at the same time; the counters are the only thing they share. */
#if defined(__GNUC__) || defined(__clang__)
static long add_atomic(long *x, long by) { return __atomic_add_fetch(x, by, __ATOMIC_RELAXED); }
#else
static long add_atomic(long *x, long by) { return *x += by; }
#endif

void *sp_alloc(sp_ctx *ctx, size_t count, size_t size) {
  long number = add_atomic(&ctx->n_alloc, 1);
  if (ctx->fail_at > 0 && number == ctx->fail_at) return NULL;
  /* room for aligning by hand and for the address that malloc() gave, kept just below the block; by hand,
   * because aligned_alloc() is not everywhere and _aligned_malloc() needs its own free() */
  const size_t extra = ALIGN + sizeof(void *);
  if (size == 0) size = 1;
  /* ptrdiff_t indices must reach the last byte, hence PTRDIFF_MAX and not SIZE_MAX */
  if (count > ((size_t)PTRDIFF_MAX - extra) / size) return NULL;
  char *raw = malloc(count * size + extra);
  if (raw == NULL) return NULL;
  size_t shift = ALIGN - (size_t)((uintptr_t)(raw + sizeof(void *)) % ALIGN);
  if (shift == ALIGN) shift = 0;
  char *block = raw + sizeof(void *) + shift;
  memcpy(block - sizeof(void *), &raw, sizeof raw);
  add_atomic(&ctx->n_live, 1);
  return block;
}

void *sp_calloc(sp_ctx *ctx, size_t count, size_t size) {
  void *block = sp_alloc(ctx, count, size);
  if (block != NULL) memset(block, 0, count * size);
  return block;
}

void sp_free(sp_ctx *ctx, void *ptr) {
  if (ptr == NULL) return;
  void *raw;
  memcpy(&raw, (char *)ptr - sizeof raw, sizeof raw);
  free(raw);
  add_atomic(&ctx->n_live, -1);
}

sp_status sp_grow(sp_ctx *ctx, void *pptr, size_t old_count, size_t new_count, size_t size) {
  /* pptr is the address of a pointer of any type; memcpy reads and writes it without an aliasing violation */
  void *old;
  memcpy(&old, pptr, sizeof old);
  void *fresh = sp_alloc(ctx, new_count, size);
  if (fresh == NULL) return SP_ENOMEM;
  size_t keep = old_count < new_count ? old_count : new_count;
  if (old != NULL && keep > 0) memcpy(fresh, old, keep * size);
  sp_free(ctx, old);
  memcpy(pptr, &fresh, sizeof fresh);
  return SP_OK;
}

static double now_seconds(void) {
#ifdef _WIN32
  return 1e-3 * (double)GetTickCount64();
#else
  struct timespec t;
  if (clock_gettime(CLOCK_MONOTONIC, &t) != 0) return 0.0;
  return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
#endif
}

sp_status sp_poll(sp_ctx *ctx) {
  if (ctx->poll == NULL) return SP_OK;
  double now = now_seconds();
  if (ctx->last_poll >= 0.0 && now - ctx->last_poll < POLL_INTERVAL) return SP_OK;
  ctx->last_poll = now;
  return ctx->poll(ctx->poll_data) ? SP_EINTERRUPT : SP_OK;
}
