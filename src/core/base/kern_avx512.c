/* Kernels for AVX-512. VL is there for the 128-bit ends of sums, which otherwise reach only 16 of the
 * registers and make clang spill. */
#include "kern.h"

#ifdef SP_KERN_X86

#include <immintrin.h>

#define SP_SET avx512
#define SP_FN __attribute__((target("avx512f,avx512vl")))
#define SP_INLINE static inline __attribute__((always_inline, target("avx512f,avx512vl")))
#define SP_TILE_Q 6
#define SP_LANES 8
typedef __m512d sp_v;

SP_INLINE sp_v v_zero(void) { return _mm512_setzero_pd(); }
SP_INLINE sp_v v_set(double a) { return _mm512_set1_pd(a); }
SP_INLINE sp_v v_load(const double *p) { return _mm512_loadu_pd(p); }
SP_INLINE sp_v v_load_float(const float *p) { return _mm512_cvtps_pd(_mm256_loadu_ps(p)); }
SP_INLINE void v_store(double *p, sp_v v) { _mm512_storeu_pd(p, v); }
SP_INLINE __mmask8 first_lanes(ptrdiff_t k) { return (__mmask8)((1u << k) - 1u); }
SP_INLINE sp_v v_load_part(const double *p, ptrdiff_t k) { return _mm512_maskz_loadu_pd(first_lanes(k), p); }
SP_INLINE void v_store_part(double *p, sp_v v, ptrdiff_t k) { _mm512_mask_storeu_pd(p, first_lanes(k), v); }
SP_INLINE sp_v v_fma(sp_v a, sp_v b, sp_v c) { return _mm512_fmadd_pd(a, b, c); }
SP_INLINE sp_v v_mul(sp_v a, sp_v b) { return _mm512_mul_pd(a, b); }
SP_INLINE sp_v v_sub(sp_v a, sp_v b) { return _mm512_sub_pd(a, b); }
SP_INLINE double v_sum(sp_v v) {
  __m256d q = _mm256_add_pd(_mm512_castpd512_pd256(v), _mm512_extractf64x4_pd(v, 1));
  __m128d s = _mm_add_pd(_mm256_castpd256_pd128(q), _mm256_extractf128_pd(q, 1));
  return _mm_cvtsd_f64(_mm_add_sd(s, _mm_unpackhi_pd(s, s)));
}
#define v_prefetch(p) _mm_prefetch((const char *)(p), _MM_HINT_T0)

#include "t_kernels.h"

#endif
