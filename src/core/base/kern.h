/* The kernel sets behind vec.h: private to base. One set is one kern_*.c, which defines the lane type and its
 * operations and includes t_kernels.h; vec.c chooses among them. */
#ifndef SP_KERN_H
#define SP_KERN_H

#include <stddef.h>

typedef struct sp_kern {
  const char *name;
  double (*dot)(const double *x, const double *y, ptrdiff_t n);
  void (*axpy)(double a, const double *x, double *y, ptrdiff_t n);
  void (*gemv_t)(const double *X, ptrdiff_t ld, ptrdiff_t n, ptrdiff_t m, const double *v, double *out);
  void (*gemv_n)(const double *X, ptrdiff_t ld, ptrdiff_t n, ptrdiff_t m, const double *c, double *y);
  void (*cols_dot)(const double *const *cols, ptrdiff_t m, ptrdiff_t n, const double *R, ptrdiff_t ldr, int q,
                   double *out, ptrdiff_t ldo);
  void (*cols_axpy)(const double *const *cols, ptrdiff_t m, ptrdiff_t n, const double *c, double *y);
  void (*cols_moments)(const double *const *cols, ptrdiff_t m, ptrdiff_t n, const double *W, const double *V,
                       ptrdiff_t ldw, int B, double *centre, double *s1, double *s2, double *sv);
  void (*scale_col)(const double *x, const double *sm, double centre, double scale, double *dst, ptrdiff_t n);
  void (*shares)(const double *x, const double *d, const double *level, const double *s, const double *inv, ptrdiff_t n, int K, double *out);
  void (*floats_axpy)(const float *const *cols, ptrdiff_t m, ptrdiff_t n, const double *c, double *y);
} sp_kern;

extern const sp_kern sp_kern_portable;

/* gcc on Windows spills 32- and 64-byte vectors with aligned moves to a stack that is aligned to 16 bytes
 * only (GCC bug 54412), so there the wide sets need an assembler told to use unaligned moves
 * (-Wa,-muse-unaligned-vector-move) and this macro saying so. */
#if defined(__x86_64__) && (defined(__GNUC__) || defined(__clang__))
#if !defined(_WIN32) || defined(__clang__) || defined(SP_UNALIGNED_VECTOR_MOVES)
#define SP_KERN_X86 1
#endif
#endif

#ifdef SP_KERN_X86
extern const sp_kern sp_kern_avx2;
extern const sp_kern sp_kern_avx512;
#endif

#endif
