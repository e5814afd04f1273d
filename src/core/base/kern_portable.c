/* Kernels in plain C: vectors of the compiler's where it has them (SSE2 on x86-64, NEON on arm64), else
 * doubles. */
#include "kern.h"

#define SP_SET portable
#define SP_FN
#define SP_TILE_Q 3
#define SP_LANES 2

#if defined(__GNUC__) || defined(__clang__)

#define SP_INLINE static inline __attribute__((always_inline))
typedef double sp_v __attribute__((vector_size(16)));
/* the same in memory: no alignment is promised */
typedef double sp_v_mem __attribute__((vector_size(16), aligned(8), may_alias));

SP_INLINE sp_v v_set(double a) { return (sp_v){a, a}; }
SP_INLINE sp_v v_load(const double *p) { return *(const sp_v_mem *)p; }
SP_INLINE void v_store(double *p, sp_v v) { *(sp_v_mem *)p = v; }
SP_INLINE sp_v v_fma(sp_v a, sp_v b, sp_v c) { return a * b + c; }
SP_INLINE sp_v v_mul(sp_v a, sp_v b) { return a * b; }
SP_INLINE sp_v v_sub(sp_v a, sp_v b) { return a - b; }
SP_INLINE double v_lane(sp_v v, int k) { return v[k]; }
#define v_prefetch(p) __builtin_prefetch(p)

#else

#define SP_INLINE static inline
typedef struct sp_v {
  double lo, hi;
} sp_v;

SP_INLINE sp_v v_set(double a) { return (sp_v){a, a}; }
SP_INLINE sp_v v_load(const double *p) { return (sp_v){p[0], p[1]}; }
SP_INLINE void v_store(double *p, sp_v v) {
  p[0] = v.lo;
  p[1] = v.hi;
}
SP_INLINE sp_v v_fma(sp_v a, sp_v b, sp_v c) { return (sp_v){a.lo * b.lo + c.lo, a.hi * b.hi + c.hi}; }
SP_INLINE sp_v v_mul(sp_v a, sp_v b) { return (sp_v){a.lo * b.lo, a.hi * b.hi}; }
SP_INLINE sp_v v_sub(sp_v a, sp_v b) { return (sp_v){a.lo - b.lo, a.hi - b.hi}; }
SP_INLINE double v_lane(sp_v v, int k) { return k == 0 ? v.lo : v.hi; }
#define v_prefetch(p) ((void)(p))

#endif

SP_INLINE sp_v v_load_float(const float *p) { return (sp_v){p[0], p[1]}; }
SP_INLINE sp_v v_zero(void) { return v_set(0.0); }
SP_INLINE double v_sum(sp_v v) { return v_lane(v, 0) + v_lane(v, 1); }
/* a partial group of two is one */
SP_INLINE sp_v v_load_part(const double *p, ptrdiff_t k) {
  (void)k;
  return (sp_v){p[0], 0.0};
}
SP_INLINE void v_store_part(double *p, sp_v v, ptrdiff_t k) {
  (void)k;
  p[0] = v_lane(v, 0);
}

#include "t_kernels.h"
