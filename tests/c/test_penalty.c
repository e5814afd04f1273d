/* Laws of a penalty, for every penalty of the registry: each operation is what the definition of the penalty makes of it, by
 * minimizing functions of one variable on a grid that closes in. */
#include <float.h>
#include <math.h>
#include "registry.h"
#include "spunit.h"

typedef long double real;

/* One coordinate's penalty in extended precision, without the box: the definition. New penalties need a row in references[]. */
typedef real (*definition)(const sp_penalty *pen, double lambda, const sp_coord *co, real b);

static real enet(const sp_penalty *pen, double lambda, const sp_coord *co, real b) {
  const real alpha = pen->alpha;
  return lambda * (alpha * co->v * fabsl(b) + (1 - alpha) / 2 * co->kv * b * b);
}

static const struct {
  const char *name;
  definition omega;
} references[] = {{"enet", enet}};

/* one coordinate of one penalty at one lambda */
typedef struct subject {
  const sp_penalty *pen;
  definition omega;
  double lambda;
  sp_coord co;
} subject;

static const char *describe(const subject *s) {
  static char text[200];
  snprintf(text, sizeof text, "%s alpha %g lambda %g v %g kv %g box [%g, %g]", s->pen->ops->name, s->pen->alpha,
           s->lambda, s->co.v, s->co.kv, s->co.lo, s->co.hi);
  return text;
}

static real omega(const subject *s, real b) { return s->omega(s->pen, s->lambda, &s->co, b); }

/* The minimizer over the box of curvature b^2 / 2 - z b + Omega(b), all b within `reach`: a grid around 0 and the ends of the box,
 * where kinks are, closing in on its best point. *value: the minimum. */
static real minimize(const subject *s, real curvature, real z, real reach, real *value) {
  enum { POINTS = 16, ROUNDS = 60 };
  real lo = fmaxl(s->co.lo, -reach), hi = fminl(s->co.hi, reach), best = 0, least = 0;
  const real width = hi - lo;
  real from = lo, to = hi;
  for (int round = 0; round < ROUNDS && to - from > 1e-19L * width; round++) {
    for (int k = 0; k <= POINTS; k++) {
      const real b = k == POINTS ? to : from + (to - from) * k / POINTS;
      const real f = curvature * b * b / 2 - z * b + omega(s, b);
      if (f < least) {
        least = f;
        best = b;
      }
    }
    const real step = 2 * (to - from) / POINTS;
    from = fmaxl(lo, best - step);
    to = fminl(hi, best + step);
  }
  if (fabsl(best - lo) <= 1e-12L * width) best = lo; /* the grid cannot tell them apart */
  if (fabsl(best - hi) <= 1e-12L * width) best = hi;
  if (value != NULL) *value = least;
  return best;
}

/* The distance of c from the subdifferential at b of Omega plus the indicator of the box, whose ends are one-sided slopes. */
static real distance(const subject *s, real b, real c) {
  const real d = 1e-9L * (1 + fabsl(b));
  if (b > s->co.hi || b < s->co.lo) return INFINITY;
  const real right = b >= s->co.hi ? INFINITY : (omega(s, b + d) - omega(s, b)) / d;
  const real left = b <= s->co.lo ? -INFINITY : (omega(s, b) - omega(s, b - d)) / d;
  return fmaxl(0, fmaxl(left - c, c - right));
}

static double draw_size(void) { return pow(10.0, 4 * sp_uniform() - 2); }

static sp_coord draw_coord(void) {
  static const double limits[] = {0.0, 0.3, 2.0, 100.0, INFINITY, INFINITY, INFINITY};
  sp_coord co = {.v = sp_below(5) == 0 ? 0.0 : draw_size(), .one = 1};
  co.kv = co.v * draw_size();
  co.lo = -limits[sp_below(7)];
  co.hi = limits[sp_below(7)];
  return co;
}

static double draw_coefficient(const sp_coord *co) {
  const int kind = sp_below(4);
  const double b = kind == 0 ? 0.0 : kind == 1 ? co->hi : kind == 2 ? co->lo : draw_size() * (sp_below(2) ? 1 : -1);
  return fmin(fmax(isfinite(b) ? b : 0.0, co->lo), co->hi);
}

static real size_of(const subject *s, real b, real c) {
  return fabsl(c) * (1 + fabsl(b)) + omega(s, 1) + omega(s, b) + 2 * s->lambda * s->co.kv * fabsl(b);
}

static void check_value(const subject *s) {
  const double b = draw_coefficient(&s->co);
  const double got = s->pen->ops->value(s->pen, s->lambda, &s->co, b);
  SP_CHECK(fabsl(got - omega(s, b)) <= 8 * DBL_EPSILON * omega(s, b), "%s: value at %g: %g", describe(s), b, got);
  if (s->pen->ops->flags & SP_PENALTY_L1_RIDGE) {
    double t, k;
    s->pen->ops->l1_ridge(s->pen, s->lambda, &s->co, &t, &k);
    SP_CHECK(t >= 0 && k >= 0, "%s: %g, %g", describe(s), t, k);
    SP_CHECK(fabsl(t * fabs(b) + k * (real)b * b / 2 - omega(s, b)) <= 8 * DBL_EPSILON * omega(s, b),
             "%s: t |b| + k b^2 / 2 with %g, %g", describe(s), t, k);
  }
}

/* the violation is the distance from the subdifferential; it is zero exactly where b minimizes (x - b - c)^2 / 2 + Omega(x) */
static void check_violation(const subject *s) {
  const double b = draw_coefficient(&s->co), c = (sp_below(2) ? 1 : -1) * draw_size();
  const double got = s->pen->ops->violation(s->pen, s->lambda, &s->co, b, c);
  const real want = distance(s, b, c), size = size_of(s, b, c), z = (real)b + c;
  SP_CHECK(got >= 0 && fabsl(got - want) <= 2e-9L * size, "%s: violation at b = %g, c = %g: %g not %g", describe(s), b,
           c, got, (double)want);
  const real prox = minimize(s, 1, z, 2 * fabsl(z) + 1, NULL);
  SP_CHECK(fabsl(prox - b) <= got + 1e-9L * (1 + fabsl(z)), "%s: b = %g, c = %g moves to %g, violation %g", describe(s),
           b, c, (double)prox, got);
  SP_CHECK(got <= 1e-7L * size || fabsl(prox - b) > 0, "%s: violation %g at the fixed point %g", describe(s), got, b);
  /* the fixed point itself: what the minimization finds is optimal for c = z - prox */
  const double at = (double)prox, there = (double)(z - at);
  const double none = s->pen->ops->violation(s->pen, s->lambda, &s->co, at, there);
  SP_CHECK(none <= 1e-8L * (1 + s->lambda * s->co.kv) * (1 + fabsl(z)), "%s: violation %g at the minimum %g, c = %g",
           describe(s), none, at, there);
  SP_CHECK(isinf(s->pen->ops->violation(s->pen, s->lambda, &s->co, nextafter(s->co.hi, INFINITY), c)) ||
               isinf(s->co.hi),
           "%s: beyond the upper limit", describe(s));
  SP_CHECK(isinf(s->pen->ops->violation(s->pen, s->lambda, &s->co, nextafter(s->co.lo, -INFINITY), c)) ||
               isinf(s->co.lo),
           "%s: beyond the lower limit", describe(s));
}

/* gauge: the smallest lambda at which b = 0 minimizes b^2 / 2 - c b + Omega(b); limits are left aside, as in a grid of lambdas */
static void check_gauge(const subject *s) {
  subject t = *s;
  const double c = (sp_below(2) ? 1 : -1) * draw_size(), gauge = s->pen->ops->gauge(s->pen, &s->co, c);
  SP_CHECK(s->pen->ops->gauge(s->pen, &s->co, 0.0) == 0, "%s: gauge of 0", describe(s));
  if (s->co.v == 0) {
    SP_CHECK(gauge == 0, "%s: unpenalized: gauge %g", describe(s), gauge);
    return;
  }
  if (s->pen->alpha < 1e-3) {
    /* no lambda will do: the grid starts where alpha = 0.001 would, as glmnet's */
    SP_CHECK(fabs(gauge * s->co.v * 1e-3 / fabs(c) - 1) <= 8 * DBL_EPSILON, "%s: gauge %g", describe(s), gauge);
    return;
  }
  t.lambda = gauge * (1 + 1e-12);
  SP_CHECK(s->pen->ops->violation(s->pen, t.lambda, &s->co, 0.0, c) == 0, "%s: not zero at the gauge %g of %g",
           describe(s), gauge, c);
  SP_CHECK(minimize(&t, 1, c, 2 * fabs(c) + 1, NULL) == 0, "%s: minimum not at zero at the gauge %g", describe(s), gauge);
  if (!(c > 0 ? s->co.hi > 0 : s->co.lo < 0)) return;
  t.lambda = gauge * (1 - 1e-7);
  SP_CHECK(s->pen->ops->violation(s->pen, t.lambda, &s->co, 0.0, c) > 0, "%s: zero below the gauge %g of %g",
           describe(s), gauge, c);
  t.lambda = gauge * (1 - 1e-3);
  SP_CHECK(minimize(&t, 1, c, 2 * fabs(c) + 1, NULL) != 0, "%s: minimum at zero below the gauge %g", describe(s), gauge);
}

/* Omega*(z) finite? It is when the growth of Omega, or the box, holds z b back on both sides. */
static int in_domain(const subject *s, real z) {
  const real far = 1e12L;
  if (isinf(s->co.hi) && omega(s, 2 * far) - omega(s, far) < z * far * (1 - 1e-15L)) return 0;
  if (isinf(s->co.lo) && omega(s, -2 * far) - omega(s, -far) < -z * far * (1 - 1e-15L)) return 0;
  return 1;
}

static void check_scale(const subject *s) {
  const double c = (sp_below(2) ? 1 : -1) * draw_size();
  const double scale = s->pen->ops->scale(s->pen, s->lambda, &s->co, c);
  SP_CHECK(scale >= 0 && scale <= 1, "%s: scale %g", describe(s), scale);
  if (omega(s, 1) == 0) return; /* unpenalized: no scale helps, the Fenchel-Young term charges it instead */
  SP_CHECK(in_domain(s, (real)scale * c), "%s: %g c outside the domain, c = %g", describe(s), scale, c);
  SP_CHECK(scale == 1 || !in_domain(s, (real)scale * c * (1 + 1e-9L)), "%s: scale %g too small for %g", describe(s),
           scale, c);
}

static void check_fenchel_young(const subject *s) {
  const double b = draw_coefficient(&s->co), c = (sp_below(2) ? 1 : -1) * draw_size();
  const double z = c * s->pen->ops->scale(s->pen, s->lambda, &s->co, c);
  const double got = s->pen->ops->fenchel_young(s->pen, s->lambda, &s->co, b, z);
  const real size = size_of(s, b, z);
  SP_CHECK(got >= 0, "%s: term %g at b = %g, z = %g", describe(s), got, b, z);
  if (!in_domain(s, z)) {
    SP_CHECK(got >= fabs(z) * (1 + fabs(b)) * (1 - 8 * DBL_EPSILON), "%s: charge %g for z = %g, b = %g", describe(s),
             got, z, b);
    return;
  }
  /* Omega*(z) = max over b of z b - Omega(b); with a ridge part the maximizer lies within |z| / (lambda (1 - alpha) kv) */
  const real ridge = 2 * (omega(s, 2) - 2 * omega(s, 1)) / 2, bound = isfinite(s->co.hi) ? s->co.hi : 0;
  const real reach = ridge > 0 ? 2 * fabsl(z) / ridge + 1 : fmaxl(bound, isfinite(s->co.lo) ? -s->co.lo : 0) + 1;
  real least;
  minimize(s, 0, z, reach, &least);
  const real want = omega(s, b) - least - (real)z * b;
  SP_CHECK(fabsl(got - want) <= 64 * DBL_EPSILON * (size + fabsl(least)), "%s: term at b = %g, z = %g: %.17g not %.17Lg",
           describe(s), b, z, got, want);
  /* zero at the maximizer, in the units of the term itself, not of what cancels in it */
  if (ridge > 0) {
    const double at = (double)minimize(s, 0, z, reach, NULL);
    const double zero = s->pen->ops->fenchel_young(s->pen, s->lambda, &s->co, at, z);
    SP_CHECK(zero <= 1e-14L * size_of(s, at, z), "%s: term %g at the maximizer %g of z = %g", describe(s), zero, at, z);
  }
}

/* the prox is the minimizer of (b - x)^2 / (2 step) + Omega(b), found on a grid and by its optimality condition */
static void check_prox(const subject *s) {
  const double x = (sp_below(2) ? 1 : -1) * draw_size(), step = draw_size();
  const double got = s->pen->ops->prox(s->pen, s->lambda, &s->co, x, step);
  const real want = minimize(s, 1 / (real)step, (real)x / step, fabsl(x) + 1, NULL);
  SP_CHECK(fabsl(got - want) <= 1e-8L * (1 + fabsl(x)), "%s: prox of %g, step %g: %g not %g", describe(s), x, step, got, (double)want);
  const double left = (x - got) / step, none = s->pen->ops->violation(s->pen, s->lambda, &s->co, got, left);
  SP_CHECK(none <= 1e-13 * (fabs(x) / step + (double)size_of(s, got, left)), "%s: violation %g at the prox of %g, step %g", describe(s), none, x, step);
}

/* zero on both sides of the threshold, to the last bit */
static void check_threshold(const subject *s) {
  double t, k;
  if (!(s->pen->ops->flags & SP_PENALTY_L1_RIDGE)) return;
  s->pen->ops->l1_ridge(s->pen, s->lambda, &s->co, &t, &k);
  const double over = nextafter(t, INFINITY);
  SP_CHECK(s->pen->ops->violation(s->pen, s->lambda, &s->co, 0.0, t) == 0, "%s: at the threshold", describe(s));
  SP_CHECK(s->pen->ops->violation(s->pen, s->lambda, &s->co, 0.0, -t) == 0, "%s: at the threshold", describe(s));
  SP_CHECK((s->pen->ops->violation(s->pen, s->lambda, &s->co, 0.0, over) > 0) == (s->co.hi > 0), "%s: over",
           describe(s));
  SP_CHECK((s->pen->ops->violation(s->pen, s->lambda, &s->co, 0.0, -over) > 0) == (s->co.lo < 0), "%s: over",
           describe(s));
}

int main(void) {
  static const double alphas[] = {0.0, 0.05, 0.5, 1.0};
  int count = 0;
  for (int i = 0; sp_registry_penalties[i] != NULL; i++) {
    const sp_penalty_ops *ops = sp_registry_penalties[i];
    if (ops->flags & SP_PENALTY_BLOCKS || ops->pieces) continue; /* test_group.c, test_concave.c */
    count++;
    definition omega_of = NULL;
    for (size_t k = 0; k < sizeof references / sizeof *references; k++) {
      if (strcmp(references[k].name, ops->name) == 0) omega_of = references[k].omega;
    }
    SP_CHECK(omega_of != NULL, "no reference for %s", ops->name);
    SP_CHECK(ops->flags & SP_PENALTY_CONVEX, "%s: these laws are those of a convex penalty", ops->name);
    for (int trial = 0; omega_of != NULL && trial < 4000; trial++) {
      const sp_penalty pen = {.ops = ops, .alpha = alphas[trial % 4]};
      const subject s = {&pen, omega_of, trial % 11 == 0 ? 0.0 : draw_size(), draw_coord()};
      check_value(&s);
      check_violation(&s);
      check_gauge(&s);
      check_scale(&s);
      check_fenchel_young(&s);
      check_threshold(&s);
      check_prox(&s);
    }
  }
  SP_CHECK(count == (int)(sizeof references / sizeof *references), "%d separable penalties in the registry", count);
  return spunit_end("test_penalty");
}
