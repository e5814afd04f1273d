/* Triangular square root of the Laplacian of an interval graph: node i lives from first[i] to last[i], and only nodes whose lives
 * overlap have an edge. Eliminating nodes in the order of their last moment creates no edge that was not there, and adds to
 * weights only. Row i of the root S: d_i (x_i - sum over the nodes that overlap and end later of p_ij x_j), the p_ij summing to 1. */
#ifndef SP_INTERVAL_H
#define SP_INTERVAL_H

#include "loss.h"

typedef struct sp_interval {
  sp_ctx *ctx;
  ptrdiff_t n;
  int live;              /* nodes with first <= last; the others have no edge, and rows of zeros */
  int *order;            /* [live] by last */
  ptrdiff_t *ptr;        /* [live + 1] row i: entries ptr[i] .. ptr[i + 1] - 1 */
  int *node;             /* [entries] */
  double *p, *d;         /* [entries], [live] */
  int *enter, *entered;  /* [live] nodes by first; [live + 1] how many of them are there when row i is eliminated */
  int *slot, width;      /* [n] place in the front, -1: never there; its size */
  double *front, *row;   /* [width x width] edges among the nodes that are alive, [width] */
} sp_interval;

sp_status sp_interval_open(sp_interval *f, sp_ctx *ctx, ptrdiff_t n, const int *first, const int *last);
void sp_interval_close(sp_interval *f);
/* edge(data, i, j) >= 0; d_i^2 is at least least[i] where the row is not empty */
void sp_interval_factor(sp_interval *f, double (*edge)(const void *, int, int), const void *data, const double *least);
void sp_interval_root(const sp_interval *f, enum sp_root op, double *x);

#endif
