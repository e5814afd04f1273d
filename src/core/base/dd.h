/* Numbers with 32 digits, as unevaluated sums of two doubles (Dekker 1971; Hida, Li, Bailey 2001). Errors are a few units of 2^-104 of the
 * largest operand. Needs round-to-nearest, and no compiler that reorders sums. */
#ifndef SP_DD_H
#define SP_DD_H

#include <math.h>

typedef struct sp_dd {
  double h, l; /* |l| at most half a unit of h */
} sp_dd;

static inline sp_dd sp_dd_of(double x) { return (sp_dd){x, 0}; }
static inline double sp_dd_low(sp_dd a) { return a.h + a.l; }

/* |a| >= |b| or a = 0 */
static inline sp_dd sp_dd_normal(double a, double b) {
  const double s = a + b;
  return (sp_dd){s, b - (s - a)};
}

static inline sp_dd sp_dd_add(sp_dd a, sp_dd b) {
  const double s = a.h + b.h, v = s - a.h, e = (a.h - (s - v)) + (b.h - v);
  return sp_dd_normal(s, e + (a.l + b.l));
}

static inline sp_dd sp_dd_sub(sp_dd a, sp_dd b) { return sp_dd_add(a, (sp_dd){-b.h, -b.l}); }

static inline sp_dd sp_dd_mul(sp_dd a, sp_dd b) {
  const double p = a.h * b.h, e = fma(a.h, b.h, -p);
  return sp_dd_normal(p, e + (a.h * b.l + a.l * b.h));
}

static inline sp_dd sp_dd_scale(double a, sp_dd b) {
  const double p = a * b.h, e = fma(a, b.h, -p);
  return sp_dd_normal(p, e + a * b.l);
}

static inline sp_dd sp_dd_div(sp_dd a, sp_dd b) {
  const double first = a.h / b.h;
  sp_dd rest = sp_dd_sub(a, sp_dd_scale(first, b));
  const double second = rest.h / b.h;
  rest = sp_dd_sub(rest, sp_dd_scale(second, b));
  return sp_dd_add(sp_dd_normal(first, second), sp_dd_of(rest.h / b.h));
}

static inline sp_dd sp_dd_sqrt(sp_dd a) {
  if (!(a.h > 0)) return sp_dd_of(0);
  const double x = sqrt(a.h), p = x * x, e = fma(x, x, -p);
  return sp_dd_normal(x, (((a.h - p) - e) + a.l) / (2 * x));
}

#endif
