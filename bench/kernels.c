/* Speed of the dense kernels, for each kernel set of this processor, next to the BLAS of this machine.
 *
 *   make -C tests/c bench-kernels && tests/c/build/bench-kernels [seconds per cell]
 *
 * Per cell: the fastest of repeated passes, kernel sets and BLAS taken in turn so that a busy machine slows
 * all of them alike. GB/s counts X once; GFLOP/s counts 2 n p q. */
#ifndef _POSIX_C_SOURCE
#define _POSIX_C_SOURCE 200809L
#endif
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include "../src/core/base/blas.h"
#include "../src/core/base/vec.h"
#include "../src/core/design/design.h"

void dgemv_(const char *, const int *, const int *, const double *, const double *, const int *,
            const double *, const int *, const double *, double *, const int *, size_t);

static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static double uniform(unsigned long long *state) {
  *state = *state * 6364136223846793005ULL + 1442695040888963407ULL;
  return (double)(*state >> 11) / 9007199254740992.0 - 0.5;
}

static double *vector(size_t n) { /* 64-byte aligned, as the data of a large R vector are */
  static unsigned long long state = 1;
  double *x = aligned_alloc(64, (n * sizeof *x + 63) / 64 * 64);
  if (x == NULL) {
    fprintf(stderr, "out of memory\n");
    exit(1);
  }
  for (size_t i = 0; i < n; i++) x[i] = uniform(&state);
  return x;
}

enum { SETS = 3, KINDS = SETS + 1 };
static const char *const names[KINDS] = {"portable", "avx2", "avx512", "blas"};

typedef struct job {
  int n, p, q;
  double *x, *r, *out;
  const double **cols;
  int *idx;
  const char *what;
} job;

static void run(const job *b, int kind) {
  const double one = 1.0, zero = 0.0;
  const int inc = 1;
  const int blas = kind == SETS;
  switch (b->what[0]) {
    case 'p': /* pass */
      if (!blas) {
        sp_cols_dot(b->cols, b->p, b->n, b->r, b->n, b->q, b->out, b->q);
      } else if (b->q == 1) {
        dgemv_("T", &b->n, &b->p, &one, b->x, &b->n, b->r, &inc, &zero, b->out, &inc, 1);
      } else {
        dgemm_("T", "N", &b->q, &b->p, &b->n, &one, b->r, &b->n, b->x, &b->n, &zero, b->out, &b->q, 1, 1);
      }
      break;
    case 't': /* gemv_t */
      if (!blas) {
        sp_gemv_t(b->x, b->n, b->n, b->p, b->r, b->out);
      } else {
        dgemv_("T", &b->n, &b->p, &one, b->x, &b->n, b->r, &inc, &zero, b->out, &inc, 1);
      }
      break;
    case 'n': /* gemv_n */
      if (!blas) {
        sp_gemv_n(b->x, b->n, b->n, b->p, b->out, b->r);
      } else {
        dgemv_("N", &b->n, &b->p, &one, b->x, &b->n, b->out, &inc, &one, b->r, &inc, 1);
      }
      break;
    case 'm': { /* moments */
      sp_design d = {&sp_design_dense, b->n, b->p, b->x, NULL, NULL};
      ptrdiff_t step = (ptrdiff_t)b->p * b->q;
      sp_design_dense.cols_moments(&d, 0, b->p, b->r, b->r, NULL, b->q, b->out, b->out + step,
                                   b->out + 2 * step, b->out + 3 * step, b->r + (ptrdiff_t)b->n * b->q);
      break;
    }
    default: break;
  }
}

static void cell(const char *what, int n, int p, int q, double seconds) {
  job b = {n, p, q, vector((size_t)n * (size_t)p), vector((size_t)n * (size_t)(q + 3)),
           vector(4 * (size_t)p * (size_t)q), malloc((size_t)p * sizeof(double *)), NULL, what};
  if (b.cols == NULL) exit(1);
  for (int j = 0; j < p; j++) b.cols[j] = b.x + (ptrdiff_t)j * n;
  double best[KINDS], spent = 0.0;
  for (int k = 0; k < KINDS; k++) best[k] = 1e9;
  for (int round = 0; round < 3 || spent < seconds; round++) {
    for (int k = 0; k < KINDS; k++) {
      if (k < SETS && !sp_vec_force(names[k])) continue;
      if (k == SETS && what[0] == 'm') continue; /* no such thing in the BLAS */
      if (what[0] == 'n') for (int i = 0; i < n; i++) b.r[i] = 0.0;
      /* small panels: several calls per measurement, so that the clock does not matter */
      int reps = 1 + (int)(2e6 / ((double)n * p * q + 1.0));
      double t = now();
      for (int i = 0; i < reps; i++) run(&b, k);
      t = now() - t;
      spent += t;
      if (t / reps < best[k]) best[k] = t / reps;
    }
  }
  printf("%-8s n %6d p %7d q %3d ", what, n, p, q);
  for (int k = 0; k < KINDS; k++) {
    if (best[k] > 1e8) continue;
    double flops = 2.0 * n * (double)p * q * (what[0] == 'm' ? 3 : 1);
    printf("| %s %8.4f ms %5.1f GB/s %5.1f GF/s ", names[k], 1e3 * best[k], 8e-9 * n * (double)p / best[k],
           1e-9 * flops / best[k]);
  }
  printf("\n");
  fflush(stdout);
  free(b.x);
  free(b.r);
  free(b.out);
  free((void *)b.cols);
}

/* sparse columns with one entry in `every` rows on average; nanoseconds per entry and right-hand side */
static void sparse_cell(int n, int p, int every, int q, double seconds) {
  static unsigned long long state = 7;
  ptrdiff_t room = 0, nnz = 0;
  int *ptr = malloc(((size_t)p + 1) * sizeof *ptr), *rows = NULL;
  if (ptr == NULL) exit(1);
  ptr[0] = 0;
  for (int j = 0; j < p; j++) {
    for (int i = 0; i < n; i++) {
      if ((uniform(&state) + 0.5) * every >= 1.0) continue;
      if (nnz == room) {
        room = 2 * room + 1000;
        rows = realloc(rows, (size_t)room * sizeof *rows);
        if (rows == NULL) exit(1);
      }
      rows[nnz++] = i;
    }
    ptr[j + 1] = (int)nnz;
  }
  double *x = vector((size_t)nnz), *r = vector((size_t)n * (size_t)q), *out = vector((size_t)p * (size_t)q);
  double best = 1e9, spent = 0.0;
  sp_design d = {&sp_design_csc, n, p, x, rows, ptr};
  for (int round = 0; round < 3 || spent < seconds; round++) {
    double t = now();
    d.ops->cols_dot(&d, NULL, 0, p, r, n, q, out, q);
    t = now() - t;
    spent += t;
    if (t < best) best = t;
  }
  printf("csc pass n %6d p %7d q %3d nnz %td | %8.4f ms %.2f ns\n", n, p, q, nnz, 1e3 * best,
         1e9 * best / ((double)nnz * q));
  free(ptr);
  free(rows);
  free(x);
  free(r);
  free(out);
}

int main(int argc, char **argv) {
  double s = argc > 1 ? atof(argv[1]) : 0.5;
  static const int q200[] = {1, 2, 3, 4, 6, 10, 24, 66};
  static const int q1000[] = {1, 2, 10, 24};
  for (int k = 0; k < 8; k++) cell("pass", 200, 20000, q200[k], s);
  for (int k = 0; k < 4; k++) cell("pass", 1000, 40000, q1000[k], s);
  cell("pass", 72, 7129, 1, s);
  cell("pass", 105, 22283, 2, s);
  cell("pass", 10000, 1000, 1, s);
  cell("pass", 10000, 1000, 24, s);
  cell("t panel", 200, 20, 1, s);
  cell("t panel", 200, 100, 1, s);
  cell("t panel", 200, 400, 1, s);
  cell("t panel", 1000, 400, 1, s);
  cell("n panel", 200, 20, 1, s);
  cell("n panel", 200, 100, 1, s);
  cell("n panel", 1000, 400, 1, s);
  cell("moments", 200, 20000, 1, s);
  cell("moments", 200, 20000, 11, s);
  sparse_cell(1000, 20000, 20, 1, s);
  sparse_cell(1000, 20000, 20, 24, s);
  return 0;
}
