/* Kernels for AVX2 with FMA. */
#include "kern.h"

#ifdef SP_KERN_X86

#include <immintrin.h>

#define SP_SET avx2
#define SP_FN __attribute__((target("avx2,fma")))
#define SP_INLINE static inline __attribute__((always_inline, target("avx2,fma")))
#define SP_TILE_Q 3
#define SP_LANES 4
typedef __m256d sp_v;

SP_INLINE sp_v v_zero(void) { return _mm256_setzero_pd(); }
SP_INLINE sp_v v_set(double a) { return _mm256_set1_pd(a); }
SP_INLINE sp_v v_load(const double *p) { return _mm256_loadu_pd(p); }
SP_INLINE sp_v v_load_float(const float *p) { return _mm256_cvtps_pd(_mm_loadu_ps(p)); }
SP_INLINE void v_store(double *p, sp_v v) { _mm256_storeu_pd(p, v); }
SP_INLINE __m256i first_lanes(ptrdiff_t k) {
  return _mm256_cmpgt_epi64(_mm256_set1_epi64x((long long)k), _mm256_setr_epi64x(0, 1, 2, 3));
}
SP_INLINE sp_v v_load_part(const double *p, ptrdiff_t k) { return _mm256_maskload_pd(p, first_lanes(k)); }
SP_INLINE void v_store_part(double *p, sp_v v, ptrdiff_t k) { _mm256_maskstore_pd(p, first_lanes(k), v); }
SP_INLINE sp_v v_fma(sp_v a, sp_v b, sp_v c) { return _mm256_fmadd_pd(a, b, c); }
SP_INLINE sp_v v_mul(sp_v a, sp_v b) { return _mm256_mul_pd(a, b); }
SP_INLINE sp_v v_sub(sp_v a, sp_v b) { return _mm256_sub_pd(a, b); }
SP_INLINE double v_sum(sp_v v) {
  __m128d s = _mm_add_pd(_mm256_castpd256_pd128(v), _mm256_extractf128_pd(v, 1));
  return _mm_cvtsd_f64(_mm_add_sd(s, _mm_unpackhi_pd(s, s)));
}
#define v_prefetch(p) _mm_prefetch((const char *)(p), _MM_HINT_T0)

#include "t_kernels.h"

#endif
