/* Dense kernels: every kernel set of this processor against a long-double reference, and the order contract
 * bit by bit. */
#ifndef _DEFAULT_SOURCE
#define _DEFAULT_SOURCE /* MAP_ANONYMOUS */
#endif
#include <float.h>
#include <math.h>
#include <sys/mman.h>
#include <unistd.h>
#include "base/ctx.h"
#include "base/par.h"
#include "base/vec.h"
#include "spunit.h"

static const char *const sets[] = {"portable", "avx2", "avx512"};
enum { SETS = 3, MOST_M = 9, MOST_Q = 30 };
static const double canary = 12345.678;

/* |error| of a sum of n products in any order, each addition and product rounded once */
static double dot_bound(const double *x, const double *y, int n) {
  double s = 0.0;
  for (int i = 0; i < n; i++) s += fabs(x[i] * y[i]);
  return (n + 3) * DBL_EPSILON * s;
}

static double dot_reference(const double *x, const double *y, int n) {
  long double s = 0.0L;
  for (int i = 0; i < n; i++) s += (long double)x[i] * y[i];
  return (double)s;
}

/* All sizes of one n: dot products against the reference; then every m and q against the dot products, bit by
 * bit. */
static void check_dots(const char *set, int n, int most_m, int most_q, int every_q) {
  const int ldr = n + 3, ldo = most_q + 2;
  double *R = sp_normals((size_t)ldr * (size_t)most_q);
  double *X = sp_normals((size_t)most_m * (size_t)(n + 1)); /* odd strides: columns of every alignment */
  const double **cols = sp_block((size_t)most_m, sizeof *cols);
  double *dots = sp_block((size_t)most_m * (size_t)most_q, sizeof *dots);
  double *out = sp_block((size_t)most_m * (size_t)ldo, sizeof *out);
  for (int a = 0; a < most_m; a++) cols[a] = X + (ptrdiff_t)((a * 5) % most_m) * (n + 1);
  for (int a = 0; a < most_m; a++) {
    for (int h = 0; h < most_q; h++) {
      const double *r = R + (ptrdiff_t)h * ldr;
      double d = dots[a * most_q + h] = sp_dot(cols[a], r, n);
      double want = dot_reference(cols[a], r, n);
      SP_CHECK(fabs(d - want) <= dot_bound(cols[a], r, n), "%s n = %d: %.17g, not %.17g", set, n, d, want);
    }
  }
  for (int m = 0; m <= most_m; m++) {
    for (int q = 0; q <= most_q; q += (q < 8 ? 1 : every_q)) {
      for (int k = 0; k < most_m * ldo; k++) out[k] = canary;
      int at = most_m - m; /* the last m columns, so that positions differ */
      sp_cols_dot(cols + at, m, n, R, ldr, q, out, ldo);
      int same = 1, clean = 1;
      for (int a = 0; a < most_m; a++) {
        for (int h = 0; h < ldo; h++) {
          if (a < m && h < q) {
            same &= sp_same_bits(&out[a * ldo + h], &dots[(at + a) * most_q + h], 1);
          } else {
            clean &= out[a * ldo + h] == canary;
          }
        }
      }
      SP_CHECK(same, "%s cols_dot n = %d m = %d q = %d depends on the tile", set, n, m, q);
      SP_CHECK(clean, "%s cols_dot n = %d m = %d q = %d writes outside", set, n, m, q);
    }
  }
  free(R);
  free(X);
  free((void *)cols);
  free(dots);
  free(out);
}

static void check_matrix(const char *set, int n, int m) {
  const int ld = n + 1;
  double *X = sp_normals((size_t)ld * (size_t)m + 1), *v = sp_normals((size_t)n), *c = sp_normals((size_t)m);
  double *out = sp_block((size_t)m + 1, sizeof *out), *y = sp_normals((size_t)n + 1),
    *z = sp_normals((size_t)n + 1);
  double *u = sp_normals((size_t)n + 1);
  const double **cols = sp_block((size_t)m, sizeof *cols);
  for (int a = 0; a < m; a++) cols[a] = X + (ptrdiff_t)a * ld;
  out[m] = canary;
  sp_gemv_t(X, ld, n, m, v, out);
  int same = 1;
  for (int a = 0; a < m; a++) {
    double d = sp_dot(cols[a], v, n);
    same &= sp_same_bits(&out[a], &d, 1);
  }
  SP_CHECK(same && out[m] == canary, "%s gemv_t n = %d m = %d", set, n, m);

  for (int i = 0; i < n; i++) z[i] = u[i] = y[i];
  y[n] = z[n] = u[n] = canary;
  sp_gemv_n(X, ld, n, m, c, y);
  sp_cols_axpy(cols, m, n, c, u);
  for (int a = 0; a < m; a++) sp_axpy(c[a], cols[a], z, n);
  SP_CHECK(sp_same_bits(y, z, (size_t)n + 1), "%s gemv_n n = %d m = %d differs from axpy", set, n, m);
  SP_CHECK(sp_same_bits(u, z, (size_t)n + 1), "%s cols_axpy n = %d m = %d differs from axpy", set, n, m);
  free(X);
  free(v);
  free(c);
  free(out);
  free(y);
  free(z);
  free(u);
  free((void *)cols);
}

/* out += diag(s) u - s s'u / sum s row by row, u = x d' - 1 level' */
static void check_shares(const char *set, int n, const double *x) {
  enum { K = 3 };
  double *s = sp_block((size_t)n * K + 1, sizeof *s), *inv = sp_block((size_t)n + 1, sizeof *inv), *out = sp_normals((size_t)n * K + 1);
  double *was = sp_block((size_t)n * K + 1, sizeof *was);
  const double d[K] = {sp_normal(), sp_normal(), sp_normal()}, level[K] = {sp_normal(), 0, sp_normal()};
  for (int i = 0; i < n * K; i++) s[i] = sp_uniform();
  for (int i = 0; i < n; i++) inv[i] = 1 / (s[i] + s[i + n] + s[i + 2 * n]);
  out[n * K] = canary;
  memcpy(was, out, ((size_t)n * K + 1) * sizeof *out);
  sp_shares(x, d, level, s, inv, n, K, out);
  int near = 1;
  for (int i = 0; i < n; i++) {
    double mean = 0;
    for (int k = 0; k < K; k++) mean += s[i + k * n] * inv[i] * (x[i] * d[k] - level[k]);
    for (int k = 0; k < K; k++) {
      const double u = x[i] * d[k] - level[k] - mean, size = fabs(was[i + k * n]) + 10 * (1 + fabs(x[i]));
      near &= fabs(out[i + k * n] - was[i + k * n] - s[i + k * n] * u) <= 1e-14 * size;
    }
  }
  SP_CHECK(near && out[n * K] == canary, "%s shares n = %d", set, n);
  free(s);
  free(inv);
  free(out);
  free(was);
}

static void check_vectors(const char *set, int n) {
  double *x = sp_normals((size_t)n), *y = sp_normals((size_t)n + 1), *z = sp_block((size_t)n + 1, sizeof *z);
  double a = sp_normal(), centre = sp_normal(), scale = sp_normal();
  double d = sp_dot(x, x, n), s = sp_nrm2sq(x, n);
  SP_CHECK(sp_same_bits(&d, &s, 1), "%s nrm2sq n = %d", set, n);
  memcpy(z, y, (size_t)n * sizeof *z);
  z[n] = canary;
  sp_axpy(a, x, z, n);
  int near = 1;
  for (int i = 0; i < n; i++) {
    near &= fabs(z[i] - (a * x[i] + y[i])) <= 2 * DBL_EPSILON * (fabs(a * x[i]) + fabs(y[i]));
  }
  SP_CHECK(near && z[n] == canary, "%s axpy n = %d", set, n);
  sp_scale_col(x, y, centre, scale, z, n);
  int exact = 1;
  for (int i = 0; i < n; i++) exact &= z[i] == y[i] * (x[i] - centre) * scale;
  SP_CHECK(exact && z[n] == canary, "%s scale_col n = %d", set, n);
  check_shares(set, n, x);
  free(x);
  free(y);
  free(z);
}

/* y += sum c_k cols_k, columns in single precision */
static void check_floats(const char *set, int n, int m) {
  double *y = sp_normals((size_t)n + 1), *c = sp_normals((size_t)m), *was = sp_block((size_t)n, sizeof *was);
  float *X = sp_block((size_t)n * (size_t)m, sizeof *X);
  const float **cols = sp_block((size_t)m, sizeof *cols);
  for (int i = 0; i < n * m; i++) X[i] = (float)sp_normal();
  for (int k = 0; k < m; k++) cols[k] = X + (ptrdiff_t)k * n;
  memcpy(was, y, (size_t)n * sizeof *y);
  y[n] = canary;
  sp_floats_axpy(cols, m, n, c, y);
  int near = 1;
  for (int i = 0; i < n; i++) {
    double sum = was[i], size = fabs(was[i]);
    for (int k = 0; k < m; k++) {
      sum += c[k] * (double)cols[k][i];
      size += fabs(c[k] * (double)cols[k][i]);
    }
    near &= fabs(y[i] - sum) <= (m + 1) * DBL_EPSILON * size;
  }
  SP_CHECK(near && y[n] == canary, "%s floats_axpy n = %d, m = %d", set, n, m);
  free(y);
  free(c);
  free(was);
  free(X);
  free((void *)cols);
}

/* moments against a reference in long double; with fewer columns or weightings the same bits */
static void check_moments(const char *set, int n, int m, int B) {
  const int ldw = n + 2;
  const size_t cells = (size_t)m * (size_t)B;
  double *X = sp_normals((size_t)m * (size_t)(n + 1));
  double *W = sp_block((size_t)ldw * (size_t)B, sizeof *W), *V = sp_normals((size_t)ldw * (size_t)B);
  const double **cols = sp_block((size_t)m, sizeof *cols);
  double *centre = sp_block((size_t)m, sizeof *centre), *s1 = sp_block(cells, sizeof *s1);
  double *s2 = sp_block(cells, sizeof *s2), *sv = sp_block(cells, sizeof *sv);
  for (int a = 0; a < m; a++) {
    double *x = X + (ptrdiff_t)a * (n + 1);
    for (int i = 0; i < n; i++) x[i] += 10.0 * a;
    cols[a] = x;
  }
  for (int t = 0; t < B; t++) {
    double *w = W + (ptrdiff_t)t * ldw, total = 0.0;
    for (int i = 0; i < n; i++) {
      w[i] = t > 0 && i > 0 && sp_below(3) == 0 ? 0.0 : sp_uniform() + 0.1;
      total += w[i];
    }
    for (int i = 0; i < n; i++) w[i] /= total;
  }
  sp_cols_moments(cols, m, n, W, V, ldw, B, centre, s1, s2, sv);
  for (int a = 0; a < m; a++) {
    const double *x = cols[a];
    double c = sp_dot(x, W, n);
    SP_CHECK(sp_same_bits(&c, &centre[a], 1), "%s moments n = %d m = %d B = %d: centre", set, n, m, B);
    for (int t = 0; t < B; t++) {
      const double *w = W + (ptrdiff_t)t * ldw, *v = V + (ptrdiff_t)t * ldw;
      long double r1 = 0, r2 = 0, rv = 0;
      double b1 = 0, b2 = 0, bv = 0;
      for (int i = 0; i < n; i++) {
        long double e = (long double)x[i] - c;
        r1 += w[i] * e;
        r2 += w[i] * e * e;
        rv += v[i] * e;
        /* rounding of e relative to x and c, then of the sums */
        double f = fabs((double)e), g = fabs(x[i]) + fabs(c);
        b1 += w[i] * (f * n + g);
        b2 += w[i] * f * (f * n + 2 * g);
        bv += fabs(v[i]) * (f * n + g);
      }
      const size_t k = (size_t)a * (size_t)B + (size_t)t;
      SP_CHECK(fabs(s1[k] - (double)r1) <= 4 * DBL_EPSILON * b1, "%s s1 n = %d m = %d B = %d: %g not %g",
               set, n, m, B, s1[k], (double)r1);
      SP_CHECK(fabs(s2[k] - (double)r2) <= 4 * DBL_EPSILON * b2, "%s s2 n = %d m = %d B = %d: %g not %g",
               set, n, m, B, s2[k], (double)r2);
      SP_CHECK(fabs(sv[k] - (double)rv) <= 4 * DBL_EPSILON * bv, "%s sv n = %d m = %d B = %d: %g not %g",
               set, n, m, B, sv[k], (double)rv);
    }
  }
  double *t1 = sp_block(cells, sizeof *t1), *t2 = sp_block(cells, sizeof *t2), *tv = sp_block(cells,
                                                                                              sizeof *tv);
  for (int less = 1; less <= B; less++) {
    int from = less % m, few = m - from;
    for (size_t k = 0; k < cells; k++) tv[k] = canary;
    double c[MOST_M];
    int with_v = less % 2;
    sp_cols_moments(cols + from, few, n, W, with_v ? V : NULL, ldw, less, c, t1, t2, tv);
    int same = sp_same_bits(c, centre + from, (size_t)few);
    for (int a = 0; a < few; a++) {
      for (int t = 0; t < less; t++) {
        const size_t k = (size_t)(a * less + t), l = (size_t)((from + a) * B + t);
        same &= sp_same_bits(&t1[k], &s1[l], 1) && sp_same_bits(&t2[k], &s2[l], 1);
        same &= with_v ? sp_same_bits(&tv[k], &sv[l], 1) : tv[k] == canary;
      }
    }
    SP_CHECK(same, "%s moments n = %d: %d columns, %d weightings differ", set, n, few, less);
  }
  free(X);
  free(W);
  free(V);
  free((void *)cols);
  free(centre);
  free(s1);
  free(s2);
  free(sv);
  free(t1);
  free(t2);
  free(tv);
}

/* NaN and Inf are not lost, wherever they stand */
static void check_nonfinite(const char *set) {
  for (int n = 1; n <= 40; n++) {
    double *x = sp_normals((size_t)n), *y = sp_normals((size_t)n);
    for (int i = 0; i < n; i++) {
      double keep = x[i];
      x[i] = NAN;
      SP_CHECK(isnan(sp_dot(x, y, n)), "%s NaN at %d of %d", set, i, n);
      x[i] = -INFINITY;
      SP_CHECK(isinf(sp_dot(x, y, n)), "%s Inf at %d of %d", set, i, n);
      x[i] = keep;
    }
    SP_CHECK(isfinite(sp_dot(x, y, n)), "%s n = %d", set, n);
    free(x);
    free(y);
  }
}

/* Vectors that end where the next page may not be touched: partial groups are not read or written beyond. */
static void check_page_end(const char *set) {
  const long page = sysconf(_SC_PAGESIZE);
  char *map = mmap(NULL, (size_t)page * 4, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  SP_CHECK(map != MAP_FAILED, "mmap");
  if (map == MAP_FAILED) return;
  SP_CHECK(mprotect(map + page, (size_t)page, PROT_NONE) == 0, "mprotect");
  SP_CHECK(mprotect(map + 3 * page, (size_t)page, PROT_NONE) == 0, "mprotect");
  double *end_x = (double *)(void *)(map + page), *end_y = (double *)(void *)(map + 3 * page);
  for (int n = 0; n <= 70; n++) {
    double *x = end_x - n, *y = end_y - n, out[8], c[2] = {0.5, 0.25};
    const double *cols[4] = {x, x, x, x};
    for (int i = 0; i < n; i++) x[i] = y[i] = 1.0;
    sp_cols_dot(cols, 4, n, y, 0, 2, out, 2);
    int fine = 1;
    for (int k = 0; k < 8; k++) fine &= out[k] == n;
    sp_cols_axpy(cols, 2, n, c, y);
    for (int i = 0; i < n; i++) fine &= y[i] == 1.75;
    sp_scale_col(x, x, 3.0, 0.5, y, n);
    for (int i = 0; i < n; i++) fine &= y[i] == -1.0;
    SP_CHECK(fine, "%s at the end of a page, n = %d", set, n);
  }
  munmap(map, (size_t)page * 4);
}

typedef struct dots {
  const double *x, *y;
  double out[64];
} dots;

static sp_status dot_task(void *arg, int i) {
  dots *d = arg;
  d->out[i] = sp_dot(d->x, d->y, i);
  return SP_OK;
}

/* first use from several threads at once: before anything here has chosen a set */
static void test_first_use(void) {
  sp_ctx ctx;
  sp_ctx_init(&ctx);
  ctx.threads = 4;
  dots d = {.x = sp_normals(64), .y = sp_normals(64)};
  SP_CHECK(sp_par_for(&ctx, 64, dot_task, &d) == SP_OK, "loop");
  for (int i = 0; i < 64; i++) {
    double want = sp_dot(d.x, d.y, i);
    SP_CHECK(sp_same_bits(&want, &d.out[i], 1), "n = %d", i);
  }
  free((void *)d.x);
  free((void *)d.y);
}

static void test_force(void) {
  const char *best = sp_vec_isa();
  SP_CHECK(!sp_vec_force("mmx"), "an unknown set");
  SP_CHECK(sp_vec_isa() == best, "still %s", best);
  SP_CHECK(sp_vec_force("portable") && strcmp(sp_vec_isa(), "portable") == 0, "%s", sp_vec_isa());
  SP_CHECK(sp_vec_force(NULL) && sp_vec_isa() == best, "%s", sp_vec_isa());
}

int main(void) {
  static const int large[] = {127, 128, 255, 256, 257, 263, 264, 511, 513, 777, 1031};
  test_first_use();
  test_force();
  for (int s = 0; s < SETS; s++) {
    if (!sp_vec_force(sets[s])) {
      printf("test_vec: no %s here\n", sets[s]);
      continue;
    }
    for (int n = 0; n <= 70; n++) {
      check_dots(sets[s], n, MOST_M, MOST_Q, 1);
      check_vectors(sets[s], n);
      for (int m = 0; m <= 17; m++) check_matrix(sets[s], n, m);
      if (n > 0 && n % 3 == 0) check_moments(sets[s], n, 1 + n % MOST_M, 1 + n % 11);
    }
    for (size_t k = 0; k < sizeof large / sizeof *large; k++) {
      check_dots(sets[s], large[k], MOST_M, MOST_Q, 1);
      check_dots(sets[s], large[k], 71, 60, 13);
      check_vectors(sets[s], large[k]);
      check_floats(sets[s], (int)(large[k] / SP_FLOATS + 1) * SP_FLOATS, 3 + 8 * (int)k);
      for (int m = 60; m <= 140; m += 16) check_matrix(sets[s], large[k], m + (int)k % 8);
      check_moments(sets[s], large[k], MOST_M, 1 + (int)k);
    }
    check_nonfinite(sets[s]);
    check_page_end(sets[s]);
  }
  return spunit_end("test_vec");
}
