/* Template of a kernel set: included once by each kern_*.c, which defines before
 *
 *   SP_SET            name of the set, a bare word: sp_kern_<SP_SET>
 *   SP_FN             attributes of every function here (target, inlining of the lane operations is theirs)
 *   sp_v, SP_LANES    a group of SP_LANES doubles, and
 *   v_zero(), v_set(a), v_load(p), v_store(p, v)
 *   v_load_float(p)   SP_LANES single precision numbers
 *   v_load_part(p, k), v_store_part(p, v, k)   the first k lanes, 0 < k < SP_LANES: the others are loaded as
 *                     zero, and neither read nor written in memory
 *   v_fma(a, b, c)    a * b + c;  v_mul, v_sub, v_sum(v): sum of the lanes, in a fixed order
 *   v_prefetch(p)     the cache lines of the group at p
 *   SP_TILE_Q         right-hand sides in the widest 4-column tile that fits the registers: 3 or 6
 *
 * The order of additions. One output is one group of accumulators: row i is added to lane i % SP_LANES, a
 * partial last group goes into the same lanes, and v_sum() ends it. All tiles are the same in this; only the
 * number of outputs that they hold differs. So a result never depends on the tile that made it. */

#define SP_CAT2(a, b) a##b
#define SP_CAT(a, b) SP_CAT2(a, b)
#define SP_STR2(a) #a
#define SP_STR(a) SP_STR2(a)

/* Repetition by hand: CRAN's -O2 does not unroll, and accumulators in an array would leave the registers. */
#define SP_Q1(F) F(0)
#define SP_Q2(F) F(0) F(1)
#define SP_Q3(F) F(0) F(1) F(2)
#define SP_Q4(F) SP_Q3(F) F(3)
#define SP_Q5(F) SP_Q4(F) F(4)
#define SP_Q6(F) SP_Q5(F) F(5)

#define SP_RHS(h) const double *r##h = R + (h) * ldr + rows.from;

#define SP_PTR1 const double *x0 = cols[a] + rows.from, *p0 = cols[a + next] + rows.from;
#define SP_PTR2 SP_PTR1 const double *x1 = cols[a + 1] + rows.from, *p1 = cols[a + next + 1] + rows.from;
#define SP_PTR4                                                                                             \
  SP_PTR2 const double *x2 = cols[a + 2] + rows.from, *p2 = cols[a + next + 2] + rows.from;                 \
  const double *x3 = cols[a + 3] + rows.from, *p3 = cols[a + next + 3] + rows.from;

#define SP_ACC1(h) sp_v s0##h = v_zero();
#define SP_ACC2(h) SP_ACC1(h) sp_v s1##h = v_zero();
#define SP_ACC4(h) SP_ACC2(h) sp_v s2##h = v_zero(), s3##h = v_zero();

#define SP_KEPT(c, h) (kept + ((a + (c)) * width + (h)) * SP_LANES)
#define SP_TAKE1(h) s0##h = v_load(SP_KEPT(0, h));
#define SP_TAKE2(h) SP_TAKE1(h) s1##h = v_load(SP_KEPT(1, h));
#define SP_TAKE4(h) SP_TAKE2(h) s2##h = v_load(SP_KEPT(2, h)); s3##h = v_load(SP_KEPT(3, h));
#define SP_KEEP1(h) v_store(SP_KEPT(0, h), s0##h);
#define SP_KEEP2(h) SP_KEEP1(h) v_store(SP_KEPT(1, h), s1##h);
#define SP_KEEP4(h) SP_KEEP2(h) v_store(SP_KEPT(2, h), s2##h); v_store(SP_KEPT(3, h), s3##h);

#define SP_AHEAD1 v_prefetch(p0 + i);
#define SP_AHEAD2 SP_AHEAD1 v_prefetch(p1 + i);
#define SP_AHEAD4 SP_AHEAD2 v_prefetch(p2 + i); v_prefetch(p3 + i);

#define SP_FULL(p) v_load((p) + i)
#define SP_PART(p) v_load_part((p) + i, n - i)

/* One group of rows: all right-hand sides first, then column by column. 4 x 3 outputs, 3 right-hand sides and
 * a column are the 16 registers of AVX2. */
#define SP_RFULL(h) const sp_v b##h = SP_FULL(r##h);
#define SP_RPART(h) const sp_v b##h = SP_PART(r##h);
#define SP_FMA0(h) s0##h = v_fma(v, b##h, s0##h);
#define SP_FMA1(h) s1##h = v_fma(v, b##h, s1##h);
#define SP_FMA2(h) s2##h = v_fma(v, b##h, s2##h);
#define SP_FMA3(h) s3##h = v_fma(v, b##h, s3##h);
#define SP_STEP1(Q, load) { const sp_v v = load(x0); SP_Q##Q(SP_FMA0) }
#define SP_STEP2(Q, load) SP_STEP1(Q, load) { const sp_v v = load(x1); SP_Q##Q(SP_FMA1) }
#define SP_STEP4(Q, load)                                                                                   \
  SP_STEP2(Q, load) { const sp_v v = load(x2); SP_Q##Q(SP_FMA2) }                                           \
  { const sp_v v = load(x3); SP_Q##Q(SP_FMA3) }

#define SP_OUT1(h) out[h] = v_sum(s0##h);
#define SP_OUT2(h) SP_OUT1(h) out[ldo + (h)] = v_sum(s1##h);
#define SP_OUT4(h) SP_OUT2(h) out[2 * ldo + (h)] = v_sum(s2##h); out[3 * ldo + (h)] = v_sum(s3##h);

/* A block of rows. Only the last one may end in a partial group, which is why the order of additions is the
 * same with and without blocks: the accumulators wait in `kept` for the next block. */
typedef struct row_block {
  ptrdiff_t from, count;
  int first, last;
} row_block;

/* m / C blocks of C columns by Q right-hand sides. `cols` has `avail` >= m columns; while one block is worked
 * on, the one AHEAD columns later is prefetched, as columns are too short a stream for the hardware to see it
 * in time. kept: m Q groups; unused (NULL) when the rows come in one block. */
enum { AHEAD = 4 };
#define SP_TILE(C, Q)                                                                                       \
  SP_FN static void tile_##C##x##Q(const double *const *cols, ptrdiff_t m, ptrdiff_t avail,                 \
                                   row_block rows, const double *R, ptrdiff_t ldr, double *kept, double *out,\
                                   ptrdiff_t ldo) {                                                         \
    const ptrdiff_t n = rows.count, width = Q;                                                              \
    SP_Q##Q(SP_RHS)                                                                                         \
    for (ptrdiff_t a = 0; a + C <= m; a += C) {                                                             \
      const ptrdiff_t next = a + AHEAD + C <= avail ? AHEAD : 0;                                            \
      SP_PTR##C                                                                                             \
      SP_Q##Q(SP_ACC##C)                                                                                    \
      if (!rows.first) {                                                                                    \
        SP_Q##Q(SP_TAKE##C)                                                                                 \
      }                                                                                                     \
      ptrdiff_t i = 0;                                                                                      \
      for (; i + SP_LANES <= n; i += SP_LANES) {                                                            \
        SP_AHEAD##C                                                                                         \
        SP_Q##Q(SP_RFULL)                                                                                   \
        SP_STEP##C(Q, SP_FULL)                                                                              \
      }                                                                                                     \
      if (i < n) {                                                                                          \
        SP_Q##Q(SP_RPART)                                                                                   \
        SP_STEP##C(Q, SP_PART)                                                                              \
      }                                                                                                     \
      if (rows.last) {                                                                                      \
        SP_Q##Q(SP_OUT##C)                                                                                  \
        out += C * ldo;                                                                                     \
      } else {                                                                                              \
        SP_Q##Q(SP_KEEP##C)                                                                                 \
      }                                                                                                     \
    }                                                                                                       \
  }

SP_TILE(1, 1)
SP_TILE(1, 2)
SP_TILE(1, 3)
SP_TILE(2, 1)
SP_TILE(2, 2)
SP_TILE(2, 3)
SP_TILE(4, 1)
SP_TILE(4, 2)
SP_TILE(4, 3)
#if SP_TILE_Q == 6
SP_TILE(1, 4)
SP_TILE(1, 5)
SP_TILE(1, 6)
SP_TILE(2, 4)
SP_TILE(2, 5)
SP_TILE(2, 6)
SP_TILE(4, 4)
SP_TILE(4, 5)
SP_TILE(4, 6)
#endif

typedef void (*tile_fn)(const double *const *, ptrdiff_t, ptrdiff_t, row_block, const double *, ptrdiff_t,
                        double *, double *, ptrdiff_t);

#if SP_TILE_Q == 6
#define SP_ROW(C) {tile_##C##x1, tile_##C##x2, tile_##C##x3, tile_##C##x4, tile_##C##x5, tile_##C##x6}
#else
#define SP_ROW(C) {tile_##C##x1, tile_##C##x2, tile_##C##x3}
#endif
static const tile_fn tiles1[SP_TILE_Q] = SP_ROW(1);
static const tile_fn tiles2[SP_TILE_Q] = SP_ROW(2);
static const tile_fn tiles4[SP_TILE_Q] = SP_ROW(4);

static double *kept_at(double *kept, ptrdiff_t groups) {
  return kept == NULL ? NULL : kept + groups * SP_LANES;
}

/* m columns by q <= SP_TILE_Q right-hand sides */
static void strip(const double *const *cols, ptrdiff_t m, ptrdiff_t avail, row_block rows, const double *R,
                  ptrdiff_t ldr, int q, double *kept, double *out, ptrdiff_t ldo) {
  ptrdiff_t a = m & ~(ptrdiff_t)3;
  if (a > 0) tiles4[q - 1](cols, a, avail, rows, R, ldr, kept, out, ldo);
  if (m & 2) {
    tiles2[q - 1](cols + a, 2, avail - a, rows, R, ldr, kept_at(kept, a * q), out + a * ldo, ldo);
    a += 2;
  }
  if (m & 1) tiles1[q - 1](cols + a, 1, avail - a, rows, R, ldr, kept_at(kept, a * q), out + a * ldo, ldo);
}

/* m columns by q right-hand sides, in pieces of even width: 7 right-hand sides are 4 + 3, not 6 + 1 */
static void pieces(const double *const *cols, ptrdiff_t m, ptrdiff_t avail, row_block rows, const double *R,
                   ptrdiff_t ldr, int q, double *kept, double *out, ptrdiff_t ldo) {
  for (int h = 0, k = (q + SP_TILE_Q - 1) / SP_TILE_Q; k > 0; k--) {
    int w = (q - h + k - 1) / k;
    strip(cols, m, avail, rows, R + h * ldr, ldr, w, kept_at(kept, h * m), out + h, ldo);
    h += w;
  }
}

/* Beyond ROWS rows, R and a few columns no longer fit the L1 cache: blocks of ROWS rows, WIDE columns and RHS
 * right-hand sides. Measured: a third less time at n = 10000, q = 24; no gain when one tile holds all
 * of q. */
enum { ROWS = 256, WIDE = 32, RHS = 24 };

static void blocked(const double *const *cols, ptrdiff_t m, ptrdiff_t n, const double *R, ptrdiff_t ldr,
                    int q, double *out, ptrdiff_t ldo) {
  double kept[WIDE * RHS * SP_LANES];
  for (int h = 0; h < q; h += RHS) {
    const int w = q - h < RHS ? q - h : RHS;
    for (ptrdiff_t a = 0; a < m; a += WIDE) {
      const ptrdiff_t c = m - a < WIDE ? m - a : WIDE;
      for (ptrdiff_t i = 0; i < n; i += ROWS) {
        const ptrdiff_t left = n - i;
        const row_block rows = {i, left < ROWS ? left : ROWS, i == 0, left <= ROWS};
        pieces(cols + a, c, m - a, rows, R + h * ldr, ldr, w, kept, out + a * ldo + h, ldo);
      }
    }
  }
}

static void k_cols_dot(const double *const *cols, ptrdiff_t m, ptrdiff_t n, const double *R, ptrdiff_t ldr,
                       int q, double *out, ptrdiff_t ldo) {
  if (q > SP_TILE_Q && n > ROWS) {
    blocked(cols, m, n, R, ldr, q, out, ldo);
    return;
  }
  const row_block all = {0, n, 1, 1};
  /* several pieces: a few columns at a time, so that they stay in L1 for all of them */
  const ptrdiff_t step = q > SP_TILE_Q ? 4 : m;
  for (ptrdiff_t a = 0; a < m; a += step) {
    pieces(cols + a, m - a < step ? m - a : step, m - a, all, R, ldr, q, NULL, out + a * ldo, ldo);
  }
}

enum { BLOCK = 64 }; /* columns whose addresses are kept on the stack */

static void k_gemv_t(const double *X, ptrdiff_t ld, ptrdiff_t n, ptrdiff_t m, const double *v, double *out) {
  const double *cols[BLOCK + AHEAD + 4];
  const row_block all = {0, n, 1, 1};
  for (ptrdiff_t a = 0; a < m; a += BLOCK) {
    ptrdiff_t c = m - a < BLOCK ? m - a : BLOCK;
    ptrdiff_t avail = m - a < BLOCK + AHEAD + 4 ? m - a : BLOCK + AHEAD + 4;
    for (ptrdiff_t k = 0; k < avail; k++) cols[k] = X + (a + k) * ld;
    strip(cols, c, avail, all, v, n, 1, NULL, out + a, 1);
  }
}

static double k_dot(const double *x, const double *y, ptrdiff_t n) {
  double out;
  tile_1x1(&x, 1, 1, (row_block){0, n, 1, 1}, y, n, NULL, &out, 1);
  return out;
}

/* y += sum c_k cols_k. Every element of y takes its columns in order, one at a time, so this is the same as
 * that many calls of axpy; blocks of columns only save reading and writing y. */
#define SP_N1(F) F(0)
#define SP_N2(F) F(0) F(1)
#define SP_N4(F) F(0) F(1) F(2) F(3)
#define SP_N8(F) SP_N4(F) F(4) F(5) F(6) F(7)
#define SP_NCOL(k) const double *x##k = cols[k]; const sp_v c##k = v_set(c[k]);
#define SP_NTWO(k) s = v_fma(v_load(x##k + i), c##k, s); t = v_fma(v_load(x##k + i + SP_LANES), c##k, t);
#define SP_NONE(k) s = v_fma(v_load(x##k + i), c##k, s);
#define SP_NPART(k) s = v_fma(v_load_part(x##k + i, n - i), c##k, s);

#define SP_SWEEP(C)                                                                                         \
  SP_FN static void sweep_##C(const double *const *cols, ptrdiff_t n, const double *c, double *y) {         \
    SP_N##C(SP_NCOL)                                                                                        \
    ptrdiff_t i = 0;                                                                                        \
    for (; i + 2 * SP_LANES <= n; i += 2 * SP_LANES) {                                                      \
      sp_v s = v_load(y + i), t = v_load(y + i + SP_LANES);                                                 \
      SP_N##C(SP_NTWO)                                                                                      \
      v_store(y + i, s);                                                                                    \
      v_store(y + i + SP_LANES, t);                                                                         \
    }                                                                                                       \
    if (i + SP_LANES <= n) {                                                                                \
      sp_v s = v_load(y + i);                                                                               \
      SP_N##C(SP_NONE)                                                                                      \
      v_store(y + i, s);                                                                                    \
      i += SP_LANES;                                                                                        \
    }                                                                                                       \
    if (i < n) {                                                                                            \
      sp_v s = v_load_part(y + i, n - i);                                                                   \
      SP_N##C(SP_NPART)                                                                                     \
      v_store_part(y + i, s, n - i);                                                                        \
    }                                                                                                       \
  }

SP_SWEEP(1)
SP_SWEEP(2)
SP_SWEEP(4)
SP_SWEEP(8)

static void k_cols_axpy(const double *const *cols, ptrdiff_t m, ptrdiff_t n, const double *c, double *y) {
  ptrdiff_t a = 0;
  for (; a + 8 <= m; a += 8) sweep_8(cols + a, n, c + a, y);
  if (m & 4) {
    sweep_4(cols + a, n, c + a, y);
    a += 4;
  }
  if (m & 2) {
    sweep_2(cols + a, n, c + a, y);
    a += 2;
  }
  if (m & 1) sweep_1(cols + a, n, c + a, y);
}

static void k_gemv_n(const double *X, ptrdiff_t ld, ptrdiff_t n, ptrdiff_t m, const double *c, double *y) {
  const double *cols[BLOCK];
  for (ptrdiff_t a = 0; a < m; a += BLOCK) {
    const ptrdiff_t w = m - a < BLOCK ? m - a : BLOCK;
    for (ptrdiff_t k = 0; k < w; k++) cols[k] = X + (a + k) * ld;
    k_cols_axpy(cols, w, n, c + a, y);
  }
}

/* The same for columns in single precision; n is a multiple of 16. */
#define SP_FCOL(k) const float *x##k = cols[k]; const sp_v c##k = v_set(c[k]);
#define SP_FTWO(k) s = v_fma(v_load_float(x##k + i), c##k, s); t = v_fma(v_load_float(x##k + i + SP_LANES), c##k, t);
#define SP_SINGLE(C)                                                                                        \
  SP_FN static void floats_##C(const float *const *cols, ptrdiff_t n, const double *c, double *y) {         \
    SP_N##C(SP_FCOL)                                                                                        \
    for (ptrdiff_t i = 0; i < n; i += 2 * SP_LANES) {                                                       \
      sp_v s = v_load(y + i), t = v_load(y + i + SP_LANES);                                                 \
      SP_N##C(SP_FTWO)                                                                                      \
      v_store(y + i, s);                                                                                    \
      v_store(y + i + SP_LANES, t);                                                                         \
    }                                                                                                       \
  }

SP_SINGLE(1)
SP_SINGLE(8)

static void k_floats_axpy(const float *const *cols, ptrdiff_t m, ptrdiff_t n, const double *c, double *y) {
  ptrdiff_t a = 0;
  for (; a + 8 <= m; a += 8) floats_8(cols + a, n, c + a, y);
  for (; a < m; a++) floats_1(cols + a, n, c + a, y);
}

static void k_axpy(double a, const double *x, double *y, ptrdiff_t n) { sweep_1(&x, n, &a, y); }

SP_FN static void k_scale_col(const double *x, const double *sm, double centre, double scale, double *dst,
                              ptrdiff_t n) {
  sp_v c = v_set(centre), f = v_set(scale);
  ptrdiff_t i = 0;
  for (; i + SP_LANES <= n; i += SP_LANES) {
    v_store(dst + i, v_mul(v_mul(v_load(sm + i), v_sub(v_load(x + i), c)), f));
  }
  if (i < n) {
    ptrdiff_t k = n - i;
    v_store_part(dst + i, v_mul(v_mul(v_load_part(sm + i, k), v_sub(v_load_part(x + i, k), c)), f), k);
  }
}

#define SP_SHARES(load, store)                                                                              \
  {                                                                                                         \
    const sp_v v = load(x);                                                                                 \
    sp_v mean = v_zero();                                                                                   \
    for (int k = 0; k < K; k++) {                                                                           \
      mean = v_fma(load(s + k * n), v_sub(v_mul(v, v_set(d[k])), v_set(level[k])), mean);                   \
    }                                                                                                       \
    mean = v_mul(mean, load(inv));                                                                          \
    for (int k = 0; k < K; k++) {                                                                           \
      double *to = out + k * n;                                                                             \
      const sp_v u = v_sub(v_sub(v_mul(v, v_set(d[k])), v_set(level[k])), mean);                            \
      store(to, v_fma(load(s + k * n), u, load(to)));                                                       \
    }                                                                                                       \
  }
#define SP_STORE_FULL(p, e) v_store((p) + i, e)
#define SP_STORE_PART(p, e) v_store_part((p) + i, e, n - i)
SP_FN static void k_shares(const double *x, const double *d, const double *level, const double *s, const double *inv, ptrdiff_t n,
                           int K, double *out) {
  ptrdiff_t i = 0;
  for (; i + SP_LANES <= n; i += SP_LANES) SP_SHARES(SP_FULL, SP_STORE_FULL)
  if (i < n) SP_SHARES(SP_PART, SP_STORE_PART)
}

/* Weighted moments of C columns for T weightings: x is centred and squared in registers. */
#define SP_MPTR(t) const double *w##t = W + (t) * ldw, *u##t = V + (t) * ldw;
#define SP_MCOL1 (void)ldo; const double *x0 = cols[0]; const sp_v c0 = v_set(centre[0]);
#define SP_MCOL2 SP_MCOL1 const double *x1 = cols[1]; const sp_v c1 = v_set(centre[1]);
#define SP_MACC1(t) sp_v f0##t = v_zero(), g0##t = v_zero(), h0##t = v_zero();
#define SP_MACC2(t) SP_MACC1(t) sp_v f1##t = v_zero(), g1##t = v_zero(), h1##t = v_zero();
#define SP_MLOAD1(load) const sp_v e0 = v_sub(load(x0), c0), q0 = v_mul(e0, e0);
#define SP_MLOAD2(load) SP_MLOAD1(load) const sp_v e1 = v_sub(load(x1), c1), q1 = v_mul(e1, e1);
#define SP_MFMA1(t) f0##t = v_fma(e0, w, f0##t); g0##t = v_fma(q0, w, g0##t); h0##t = v_fma(e0, u, h0##t);
#define SP_MFMA2(t) \
  SP_MFMA1(t)       \
  f1##t = v_fma(e1, w, f1##t); g1##t = v_fma(q1, w, g1##t); h1##t = v_fma(e1, u, h1##t);
#define SP_MSTEP1(t) { const sp_v w = SP_FULL(w##t), u = SP_FULL(u##t); SP_MFMA1(t) }
#define SP_MSTEP2(t) { const sp_v w = SP_FULL(w##t), u = SP_FULL(u##t); SP_MFMA2(t) }
#define SP_MLAST1(t) { const sp_v w = SP_PART(w##t), u = SP_PART(u##t); SP_MFMA1(t) }
#define SP_MLAST2(t) { const sp_v w = SP_PART(w##t), u = SP_PART(u##t); SP_MFMA2(t) }
#define SP_MOUT1(t)                                                                                         \
  s1[t] = v_sum(f0##t);                                                                                     \
  s2[t] = v_sum(g0##t);                                                                                     \
  if (sv != NULL) sv[t] = v_sum(h0##t);
#define SP_MOUT2(t)                                                                                         \
  SP_MOUT1(t)                                                                                               \
  s1[ldo + (t)] = v_sum(f1##t);                                                                             \
  s2[ldo + (t)] = v_sum(g1##t);                                                                             \
  if (sv != NULL) sv[ldo + (t)] = v_sum(h1##t);

#define SP_MOMENTS(C, T)                                                                                    \
  SP_FN static void moments_##C##x##T(const double *const *cols, ptrdiff_t n, const double *W,              \
                                      const double *V, ptrdiff_t ldw, const double *centre, double *s1,     \
                                      double *s2, double *sv, ptrdiff_t ldo) {                              \
    SP_MCOL##C                                                                                              \
    SP_Q##T(SP_MPTR)                                                                                        \
    SP_Q##T(SP_MACC##C)                                                                                     \
    ptrdiff_t i = 0;                                                                                        \
    for (; i + SP_LANES <= n; i += SP_LANES) {                                                              \
      SP_MLOAD##C(SP_FULL)                                                                                  \
      SP_Q##T(SP_MSTEP##C)                                                                                  \
    }                                                                                                       \
    if (i < n) {                                                                                            \
      SP_MLOAD##C(SP_PART)                                                                                  \
      SP_Q##T(SP_MLAST##C)                                                                                  \
    }                                                                                                       \
    SP_Q##T(SP_MOUT##C)                                                                                     \
  }

SP_MOMENTS(1, 1)
SP_MOMENTS(1, 2)
SP_MOMENTS(1, 3)
SP_MOMENTS(2, 1)
#if SP_TILE_Q == 6
SP_MOMENTS(2, 2)
SP_MOMENTS(2, 3)
#endif

typedef void (*moments_fn)(const double *const *, ptrdiff_t, const double *, const double *, ptrdiff_t,
                           const double *, double *, double *, double *, ptrdiff_t);

enum { MOMENTS_T = 3 };
static const moments_fn moments1[MOMENTS_T] = {moments_1x1, moments_1x2, moments_1x3};
#if SP_TILE_Q == 6
static const moments_fn moments2[MOMENTS_T] = {moments_2x1, moments_2x2, moments_2x3};
#else /* two columns by two weightings do not fit 16 registers */
static const moments_fn moments2[MOMENTS_T] = {moments_2x1, NULL, NULL};
#endif

static void k_cols_moments(const double *const *cols, ptrdiff_t m, ptrdiff_t n, const double *W,
                           const double *V, ptrdiff_t ldw, int B, double *centre, double *s1, double *s2,
                           double *sv) {
  const row_block all = {0, n, 1, 1};
  if (V == NULL) {
    V = W; /* something to read; its sums are not kept */
    sv = NULL;
  }
  for (ptrdiff_t a = 0; a < m; a += 4) {
    const ptrdiff_t c = m - a < 4 ? m - a : 4;
    strip(cols + a, c, m - a, all, W, ldw, 1, NULL, centre + a, 1); /* brings the columns into cache */
    for (int t = 0, k = (B + MOMENTS_T - 1) / MOMENTS_T; k > 0; k--) {
      const int w = (B - t + k - 1) / k;
      const int wide = moments2[w - 1] != NULL;
      for (ptrdiff_t b = a; b < a + c;) {
        const int two = wide && b + 2 <= a + c;
        const ptrdiff_t at = b * B + t;
        const moments_fn run = two ? moments2[w - 1] : moments1[w - 1];
        run(cols + b, n, W + t * ldw, V + t * ldw, ldw, centre + b, s1 + at, s2 + at,
            sv == NULL ? NULL : sv + at, B);
        b += two ? 2 : 1;
      }
      t += w;
    }
  }
}

const sp_kern SP_CAT(sp_kern_, SP_SET) = {
    SP_STR(SP_SET), k_dot,       k_axpy,         k_gemv_t,    k_gemv_n,
    k_cols_dot,     k_cols_axpy, k_cols_moments, k_scale_col, k_shares,  k_floats_axpy,
};
