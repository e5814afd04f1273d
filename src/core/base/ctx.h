/* Context of one call into the core: allocation, interrupt poll, threads, message buffer.
 * A context belongs to one call; it is never shared between calls and holds no global state. */
#ifndef SP_CTX_H
#define SP_CTX_H

#include <stddef.h>
#include "status.h"

typedef struct sp_ctx {
  int (*poll)(void *);           /* non-zero: stop. Called on the main thread only. May be NULL */
  void *poll_data;
  void (*progress)(void *, double fraction); /* may be NULL; main thread only */
  void *progress_data;
  int threads;                   /* >= 1 */
  long fail_at;                  /* tests: the fail_at-th allocation fails (1-based); 0: never */
  long n_alloc;                  /* allocations so far (atomic) */
  long n_live;                   /* allocations not yet freed (atomic) */
  ptrdiff_t where;               /* position that a status refers to, or -1 */
  char msg[256];
  double last_poll;              /* private to sp_poll(): time of the last call of poll, < 0: none */
} sp_ctx;

void sp_ctx_init(sp_ctx *ctx);

/* Checked allocation of count * size bytes, 64-byte aligned; NULL on overflow or failure. Thread safe.
 * sp_alloc does not clear, sp_calloc does. count 0 gives a valid pointer. */
void *sp_alloc(sp_ctx *ctx, size_t count, size_t size);
void *sp_calloc(sp_ctx *ctx, size_t count, size_t size);
/* Grow *pptr from old_count to new_count elements, keeping the content; SP_ENOMEM leaves it as it was. */
sp_status sp_grow(sp_ctx *ctx, void *pptr, size_t old_count, size_t new_count, size_t size);
void sp_free(sp_ctx *ctx, void *ptr); /* NULL is fine */

/* SP_EINTERRUPT when the host wants to stop, else SP_OK. Main thread only; rate limited to about 20 calls a
 * second of the host's poll, so that it may stand in inner loops. */
sp_status sp_poll(sp_ctx *ctx);

#endif
