/* Terms of entropies and divergences, accurate where their parts cancel. */
#ifndef SP_ENTROPY_H
#define SP_ENTROPY_H

#include <float.h>
#include <math.h>

static inline double sp_xlogx(double x) { return x > 0 ? x * log(x) : 0; }

/* q log(q / m) - q + m >= 0, m = exp(log_m). With v = (q - m) / (q + m) it is (q - m) v + 2 q (atanh v - v), a series without
 * cancellation for q near m. The logarithm is given, so that it stays right where m itself has underflowed. */
static inline double sp_kl_term(double q, double m, double log_m) {
  if (q <= 0) return m;
  const double v = (q - m) / (q + m);
  if (fabs(v) < 0.25) {
    const double v2 = v * v;
    double power = v * v2, sum = 0;
    for (int k = 3; k < 40; k += 2, power *= v2) {
      const double term = power / k;
      if (fabs(term) <= 1e-17 * fabs(v)) break;
      sum += term;
    }
    return (q - m) * v + 2 * q * sum;
  }
  const double ratio = m > DBL_MIN ? q / m : 0;
  return q * (ratio > DBL_MIN && ratio < DBL_MAX ? log(ratio) : log(q) - log_m) - q + m;
}

#endif
