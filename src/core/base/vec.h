/* Dense kernels. Chosen at first use for this processor (AVX-512, AVX2+FMA, or portable C), the same functions
 * for all. Vectors need no alignment. Per output, the order of additions depends on n (and the kernel set)
 * only, not on m, q or the position of the column: results do not depend on how work was divided. */
#ifndef SP_VEC_H
#define SP_VEC_H

#include <stddef.h>

double sp_dot(const double *x, const double *y, ptrdiff_t n);
double sp_nrm2sq(const double *x, ptrdiff_t n);
void sp_axpy(double a, const double *x, double *y, ptrdiff_t n); /* y += a x */

/* out[j] = X[, j]' v, X [n x m] with leading dimension ld */
void sp_gemv_t(const double *X, ptrdiff_t ld, ptrdiff_t n, ptrdiff_t m, const double *v, double *out);
/* y += X c, X [n x m] with leading dimension ld */
void sp_gemv_n(const double *X, ptrdiff_t ld, ptrdiff_t n, ptrdiff_t m, const double *c, double *y);
/* out[a * ldo + h] = cols[a]' R[, h] for m columns given by pointers and q right-hand sides R [n x q],
 * leading dimension ldr. The pass over X: register blocked over columns and right-hand sides. */
void sp_cols_dot(const double *const *cols, ptrdiff_t m, ptrdiff_t n, const double *R, ptrdiff_t ldr, int q,
                 double *out, ptrdiff_t ldo);
/* y += sum_a c[a] cols[a], y [n] */
void sp_cols_axpy(const double *const *cols, ptrdiff_t m, ptrdiff_t n, const double *c, double *y);
/* the same for columns in single precision, n a multiple of SP_FLOATS */
enum { SP_FLOATS = 16 };
void sp_floats_axpy(const float *const *cols, ptrdiff_t m, ptrdiff_t n, const double *c, double *y);
/* Weighted moments of m columns for B weightings W, V [n x B] (leading dimension ldw): centre[a] = cols[a]'
 * W[, 0] and, with e = cols[a] - centre[a], s1[a * B + t] = W_t' e, s2[a * B + t] = W_t' e^2, sv[a * B + t] =
 * V_t' e. V may be NULL: sv is not written. Each column is read from memory once. */
void sp_cols_moments(const double *const *cols, ptrdiff_t m, ptrdiff_t n, const double *W, const double *V,
                     ptrdiff_t ldw, int B, double *centre, double *s1, double *s2, double *sv);
/* dst[i] = sm[i] * (x[i] - centre) * scale */
void sp_scale_col(const double *x, const double *sm, double centre, double scale, double *dst, ptrdiff_t n);
/* out[, k] += s[, k] * (u_k - inv * sum_l s[, l] u_l), u_k = d[k] x - level[k]; s, out [n x K] */
void sp_shares(const double *x, const double *d, const double *level, const double *s, const double *inv, ptrdiff_t n, int K,
               double *out);

/* The kernel set in use: "avx512", "avx2", "portable". sp_vec_force() selects one by name (tests,
 * benchmarks), NULL: the best one; returns 0 when this processor lacks it. Not thread safe. */
const char *sp_vec_isa(void);
int sp_vec_force(const char *isa);

#endif
