/* Design: raw storage of X [n x p], read where it lies. No centring, no weights, no response.
 * A new storage is one file that ends in a const sp_design_ops. Column indices are int (R's limit), offsets ptrdiff_t.
 * All operations are thread safe and allocate nothing. */
#ifndef SP_DESIGN_H
#define SP_DESIGN_H

#include <stddef.h>
#include "../base/ctx.h"

typedef struct sp_design sp_design;

enum { SP_DESIGN_SPARSE = 1 };

typedef struct sp_design_ops {
  const char *name;
  unsigned flags;
  /* out[a * ldo + h] = X[, j(a)]' R[, h], a = 0..m-1, h = 0..q-1; j(a) = idx[a], or j0 + a when idx is NULL.
   * R [n x q], leading dimension ldr. One read of each column serves all q right-hand sides. */
  void (*cols_dot)(const sp_design *d, const int *idx, int j0, int m, const double *R, ptrdiff_t ldr, int q,
                   double *out, ptrdiff_t ldo);
  /* y += X[, idx] coef, y [n] */
  void (*cols_axpy)(const sp_design *d, const int *idx, int m, const double *coef, double *y);
  /* x [n] = X[, j] */
  void (*gather)(const sp_design *d, int j, double *x);
  /* Weighted moments of the columns j0..j0+m-1 for B weightings in one read of each column. W, V [n x B], columns of W sum
   * to 1. centre[a] is the mean under W[, 0]; with e = x - centre:
   * s1[a * B + t] = sum W_t e, s2[a * B + t] = sum W_t e^2, sv[a * B + t] = sum V_t e.  V may be NULL (then sv is not written).
   * work [3 n]. A non-finite entry makes centre[a] or s2[a * B] non-finite. For a sparse column the cost is O(nnz B). sumV[B] = column sums of V. */
  void (*cols_moments)(const sp_design *d, int j0, int m, const double *W, const double *V, const double *sumV, int B,
                       double *centre, double *s1, double *s2, double *sv, double *work);
  /* rows i0..i0+ni-1 of the columns idx[m] (NULL: all p) into out, leading dimension ldo */
  void (*gather_rows)(const sp_design *d, const int *idx, int m, ptrdiff_t i0, ptrdiff_t ni, double *out, ptrdiff_t ldo);
  /* Sparse storages (NULL for others): stored entries of the columns idx[m], and a copy of them as compressed columns,
   * ptr [m + 1], i and x [entries], without the rows i for which row[i] < 0, row i renamed to row[i] (NULL: all, as they are). */
  ptrdiff_t (*cols_entries)(const sp_design *d, const int *idx, int m);
  void (*cols_copy)(const sp_design *d, const int *idx, int m, const int *row, int *ptr, int *i, double *x);
  /* Storages whose columns are made of fewer, ranks() of them (NULL for others): P [ranks x q] = their products with R, row by row;
   * then out as from cols_dot(), at the cost of a few additions. */
  int (*ranks)(const sp_design *d);
  void (*project)(const sp_design *d, const double *R, ptrdiff_t ldr, int q, double *P);
  void (*cols_from)(const sp_design *d, const double *P, int q, const int *idx, int j0, int m, double *out, ptrdiff_t ldo);
} sp_design_ops;

struct sp_design {
  const sp_design_ops *ops;
  ptrdiff_t n;
  int p;
  /* borrowed buffers; which are set depends on the storage */
  const double *x;   /* dense: [n x p]; csc: values [nnz] */
  const int *i;      /* csc: row indices [nnz] */
  const int *ptr;    /* csc: column pointers [p + 1] */
  const struct sp_cumsum *sums; /* cumsum, intervals */
  const struct sp_intervals *intervals; /* intervals */
};

extern const sp_design_ops sp_design_dense; /* design_dense.c */
extern const sp_design_ops sp_design_csc;   /* design_csc.c: the slots of a dgCMatrix */
extern const sp_design_ops sp_design_cumsum; /* design_cumsum.c: running sums of the columns of another design */
extern const sp_design_ops sp_design_intervals; /* design_intervals.c: sums of neighbouring columns of another design */

/* What a cumsum design has beside the design it reads */
typedef struct sp_cumsum {
  const sp_design *inner; /* borrowed */
  const int *col;         /* [p] borrowed: the column of `inner` at each position */
  int *block;             /* [p] block of each position; a block has neighbours of one chain */
  int *end;               /* [blocks] the position after its last */
  const double **anchor;  /* [blocks] sum [n] of the columns from there to the end of the chain; NULL: there are none */
  double *sums;           /* buffer of the anchors */
} sp_cumsum;

/* Make d the running sums of `inner`: column k of d = sum of the columns col[k], col[k + 1], ... up to the end of the chain. A chain
 * starts where first[k] is not zero, and at 0. One pass over `inner`; a non-finite entry is SP_ENONFINITE. d lives as long as c. */
sp_status sp_cumsum_open(sp_ctx *ctx, const sp_design *inner, const int *col, const int *first, sp_cumsum *c, sp_design *d);
void sp_cumsum_close(sp_ctx *ctx, sp_cumsum *c); /* also after a failure */

/* What an intervals design has beside the running sums it reads */
typedef struct sp_intervals {
  const sp_design *sums; /* borrowed: a cumsum design */
  int p;                 /* positions */
  int *begin;            /* [p + 1] the first interval that begins at each position; the number of all */
  int *chain;            /* [p] the position after the chain of each */
  int *from;             /* [intervals] where each begins */
} sp_intervals;

/* Make d the intervals of the chains of `sums`, which start where first[k] is not zero. More than INT_MAX - 1: SP_ENOMEM. */
sp_status sp_intervals_open(sp_ctx *ctx, const sp_design *sums, const int *first, sp_intervals *v, sp_design *d);
/* factor [d->p]: step[k] for each end that is a step to a neighbour, and the share[k] of every position inside */
void sp_intervals_each(const sp_intervals *v, const double *step, const double *share, double *factor);
/* each [d->p]: zero where a limit inside is, else infinite as they are; limits are 0 or infinite */
void sp_intervals_limits(const sp_intervals *v, const double *limit, double *each);
void sp_intervals_close(sp_ctx *ctx, sp_intervals *v); /* also after a failure */

/* Check a csc design (pointers monotone, rows in range and strictly increasing inside a column): SP_ECORRUPT otherwise. O(nnz). */
sp_status sp_design_check(sp_ctx *ctx, const sp_design *d);

#endif
