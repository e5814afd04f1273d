#include "vec.h"

#include <string.h>
#include "kern.h"

/* room: the only mutable state of the core besides the process number in par.c: the kernel set in use. It is a
 * property of the processor, not of a call; every thread that finds it unset computes the same value, so a
 * pointer stored atomically is enough. */
static const sp_kern *active = NULL;

#if defined(__GNUC__) || defined(__clang__)
static const sp_kern *load_active(void) { return __atomic_load_n(&active, __ATOMIC_ACQUIRE); }
static void store_active(const sp_kern *k) { __atomic_store_n(&active, k, __ATOMIC_RELEASE); }
#else
static const sp_kern *load_active(void) { return active; }
static void store_active(const sp_kern *k) { active = k; }
#endif

/* The set of this name, or the best one for NULL; NULL when this processor (or its system) lacks it. */
static const sp_kern *find(const char *isa) {
#ifdef SP_KERN_X86
  __builtin_cpu_init();
  if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512vl") &&
      (isa == NULL || strcmp(isa, sp_kern_avx512.name) == 0)) {
    return &sp_kern_avx512;
  }
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") &&
      (isa == NULL || strcmp(isa, sp_kern_avx2.name) == 0)) {
    return &sp_kern_avx2;
  }
#endif
  if (isa == NULL || strcmp(isa, sp_kern_portable.name) == 0) return &sp_kern_portable;
  return NULL;
}

static const sp_kern *kern(void) {
  const sp_kern *k = load_active();
  if (k == NULL) {
    k = find(NULL);
    store_active(k);
  }
  return k;
}

const char *sp_vec_isa(void) { return kern()->name; }

int sp_vec_force(const char *isa) {
  const sp_kern *k = find(isa);
  if (k == NULL) return 0;
  store_active(k);
  return 1;
}

double sp_dot(const double *x, const double *y, ptrdiff_t n) { return kern()->dot(x, y, n); }

double sp_nrm2sq(const double *x, ptrdiff_t n) { return kern()->dot(x, x, n); }

void sp_axpy(double a, const double *x, double *y, ptrdiff_t n) { kern()->axpy(a, x, y, n); }

void sp_gemv_t(const double *X, ptrdiff_t ld, ptrdiff_t n, ptrdiff_t m, const double *v, double *out) {
  kern()->gemv_t(X, ld, n, m, v, out);
}

void sp_gemv_n(const double *X, ptrdiff_t ld, ptrdiff_t n, ptrdiff_t m, const double *c, double *y) {
  kern()->gemv_n(X, ld, n, m, c, y);
}

void sp_cols_dot(const double *const *cols, ptrdiff_t m, ptrdiff_t n, const double *R, ptrdiff_t ldr, int q,
                 double *out, ptrdiff_t ldo) {
  kern()->cols_dot(cols, m, n, R, ldr, q, out, ldo);
}

void sp_cols_axpy(const double *const *cols, ptrdiff_t m, ptrdiff_t n, const double *c, double *y) {
  kern()->cols_axpy(cols, m, n, c, y);
}

void sp_floats_axpy(const float *const *cols, ptrdiff_t m, ptrdiff_t n, const double *c, double *y) {
  kern()->floats_axpy(cols, m, n, c, y);
}

void sp_cols_moments(const double *const *cols, ptrdiff_t m, ptrdiff_t n, const double *W, const double *V,
                     ptrdiff_t ldw, int B, double *centre, double *s1, double *s2, double *sv) {
  kern()->cols_moments(cols, m, n, W, V, ldw, B, centre, s1, s2, sv);
}

void sp_scale_col(const double *x, const double *sm, double centre, double scale, double *dst, ptrdiff_t n) {
  kern()->scale_col(x, sm, centre, scale, dst, n);
}

void sp_shares(const double *x, const double *d, const double *level, const double *s, const double *inv, ptrdiff_t n, int K,
               double *out) {
  kern()->shares(x, d, level, s, inv, n, K, out);
}
