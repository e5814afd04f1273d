/* A small unit-test harness: include it once, in a program with main().
 *
 *   SP_CHECK(a == b, "n = %d", n);       one line per failed check, with file, line and the message
 *   return spunit_end("test_x");         prints the counts; the exit status
 *
 * Random numbers come from a fixed seed per program, so that a failure repeats. */
#ifndef SPUNIT_H
#define SPUNIT_H

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#if defined(__GNUC__) || defined(__clang__)
#define SPUNIT_MAYBE __attribute__((unused))
#define SPUNIT_PRINTF __attribute__((format(printf, 4, 5)))
#else
#define SPUNIT_MAYBE
#define SPUNIT_PRINTF
#endif

static long spunit_checks, spunit_failed;
static uint64_t spunit_seed = 20240229;

enum { SPUNIT_SHOWN = 30 }; /* failures printed: one mistake in a kernel fails thousands of checks */

SPUNIT_MAYBE SPUNIT_PRINTF static void spunit_fail(const char *file, int line, const char *what,
                                                   const char *format, ...) {
  spunit_failed++;
  if (spunit_failed > SPUNIT_SHOWN) return;
  printf("%s:%d: failed: %s: ", file, line, what);
  va_list args;
  va_start(args, format);
  vprintf(format, args);
  va_end(args);
  printf("\n");
}

#define SP_CHECK(condition, ...)                                                       \
  do {                                                                                 \
    spunit_checks++;                                                                   \
    if (!(condition)) spunit_fail(__FILE__, __LINE__, #condition, __VA_ARGS__);        \
  } while (0)

SPUNIT_MAYBE static int spunit_end(const char *name) {
  if (spunit_failed > SPUNIT_SHOWN) printf("%s: %ld more failures\n", name, spunit_failed - SPUNIT_SHOWN);
  printf("%s: %ld checks, %ld failed\n", name, spunit_checks, spunit_failed);
  return spunit_failed == 0 ? 0 : 1;
}

/* equal as bits: NaN equals itself, 0 differs from -0 */
SPUNIT_MAYBE static int sp_same_bits(const double *a, const double *b, size_t n) {
  return n == 0 || memcmp(a, b, n * sizeof *a) == 0;
}

SPUNIT_MAYBE static uint64_t sp_random(void) { /* splitmix64 (Steele, Lea, Flood 2014) */
  uint64_t z = (spunit_seed += 0x9e3779b97f4a7c15u);
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
  return z ^ (z >> 31);
}

SPUNIT_MAYBE static double sp_uniform(void) { return (double)(sp_random() >> 11) / 9007199254740992.0; }

/* near normal: mean 0, variance 1 */
SPUNIT_MAYBE static double sp_normal(void) {
  double s = 0.0;
  for (int k = 0; k < 12; k++) s += sp_uniform();
  return s - 6.0;
}

SPUNIT_MAYBE static int sp_below(int n) { return (int)(sp_random() % (uint64_t)n); }

/* exactly n elements on the heap (at least one), so that sanitizers see every step outside */
SPUNIT_MAYBE static void *sp_block(size_t count, size_t size) {
  void *block = calloc(count == 0 ? 1 : count, size);
  if (block == NULL) {
    printf("out of memory in a test\n");
    exit(2);
  }
  return block;
}

SPUNIT_MAYBE static double *sp_normals(size_t n) {
  double *x = sp_block(n, sizeof *x);
  for (size_t i = 0; i < n; i++) x[i] = sp_normal();
  return x;
}

#endif
