/* A matrix three times: in full, as a dense design, as a csc design; in blocks of exactly the right size. */
#ifndef MATRIX_H
#define MATRIX_H

#include "design/design.h"
#include "spunit.h"

typedef struct matrix {
  int n, p;
  double *full; /* [n x p] */
  double *values;
  int *rows, *ptr;
  sp_design dense, csc;
} matrix;

/* Takes over full [n x p]; stored [n x p]: the entries that the csc design stores (NULL: those that are not 0). */
SPUNIT_MAYBE static matrix matrix_of(int n, int p, double *full, const char *stored) {
  matrix a = {.n = n, .p = p, .full = full};
  const size_t cells = (size_t)n * (size_t)p;
  size_t at = 0;
  a.ptr = sp_block((size_t)p + 1, sizeof(int));
  for (size_t k = 0; k < cells; k++) {
    a.ptr[k / (size_t)n + 1] += stored != NULL ? stored[k] != 0 : full[k] != 0.0;
  }
  for (int j = 0; j < p; j++) a.ptr[j + 1] += a.ptr[j];
  a.values = sp_block((size_t)a.ptr[p], sizeof(double));
  a.rows = sp_block((size_t)a.ptr[p], sizeof(int));
  for (size_t k = 0; k < cells; k++) {
    if (stored != NULL ? !stored[k] : full[k] == 0.0) continue;
    a.values[at] = full[k];
    a.rows[at++] = (int)(k % (size_t)n);
  }
  a.dense = (sp_design){.ops = &sp_design_dense, .n = n, .p = p, .x = a.full};
  a.csc = (sp_design){.ops = &sp_design_csc, .n = n, .p = p, .x = a.values, .i = a.rows, .ptr = a.ptr};
  return a;
}

SPUNIT_MAYBE static void free_matrix(matrix *a) {
  free(a->full);
  free(a->values);
  free(a->rows);
  free(a->ptr);
}

SPUNIT_MAYBE static double cell(const matrix *a, int i, int j) {
  return a->full[(size_t)j * (size_t)a->n + (size_t)i];
}

#endif
