#include "design.h"

static sp_status corrupt(sp_ctx *ctx, int j) {
  ctx->where = j;
  return SP_ECORRUPT;
}

sp_status sp_design_check(sp_ctx *ctx, const sp_design *d) {
  if (d->n < 0 || d->p < 0) return SP_EARG;
  if (!(d->ops->flags & SP_DESIGN_SPARSE)) return SP_OK;
  /* all pointers first: only then is it safe to follow any of them into the row indices */
  if (d->ptr[0] != 0) return corrupt(ctx, 0);
  for (int j = 0; j < d->p; j++) {
    if (d->ptr[j + 1] < d->ptr[j]) return corrupt(ctx, j);
  }
  for (int j = 0; j < d->p; j++) {
    ptrdiff_t last = -1;
    for (int k = d->ptr[j]; k < d->ptr[j + 1]; k++) {
      if (d->i[k] <= last || d->i[k] >= d->n) return corrupt(ctx, j);
      last = d->i[k];
    }
  }
  return SP_OK;
}
