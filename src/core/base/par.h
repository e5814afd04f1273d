/* Parallel loop: the only module that knows OpenMP.
 * fn(arg, i) is called once for each i in 0..n-1, in any order, from up to ctx->threads threads. Chunking is the
 * caller's: results must depend on i alone, so they are the same for any number of threads. fn must not
 * touch the host (no poll). Every call writes its own status slot; the first failing one (lowest i) is returned. */
#ifndef SP_PAR_H
#define SP_PAR_H

#include "ctx.h"

typedef sp_status (*sp_par_fn)(void *arg, int i);
sp_status sp_par_for(sp_ctx *ctx, int n, sp_par_fn fn, void *arg);
int sp_par_available(void);    /* processors that a loop may use, 1 without OpenMP */
int sp_par_compiled(void);     /* 1 when built with OpenMP */

#endif
