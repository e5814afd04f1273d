#include "loss.h"

#include <string.h>

sp_status sp_loss_open(sp_loss *l, sp_ctx *ctx, const sp_loss_ops *ops, ptrdiff_t n, const int *rows, const double *y,
                       const double *w, const sp_loss_data *data) {
  memset(l, 0, sizeof *l);
  l->ops = ops;
  l->ctx = ctx;
  l->n = n;
  l->K = data && data->K > 1 ? data->K : 1;
  l->rows = rows;
  l->y = y;
  l->w = w;
  l->data = data;
  return ops->open ? ops->open(l) : SP_OK;
}

void sp_loss_close(sp_loss *l) {
  if (l->ops && l->ops->close) l->ops->close(l);
  memset(l, 0, sizeof *l);
}
