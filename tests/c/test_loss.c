/* Laws of a loss, for every loss of the registry: its values, gradients and curvatures are those of the formula in its
 * header, evaluated here in extended precision; its bounds are bounds; its Fenchel-Young term is what the definition says. */
#include <float.h>
#include <math.h>
#include "registry.h"
#include "spunit.h"

typedef long double real;

/* The definition of one loss: l(y, eta), its derivatives in eta, its conjugate l*(y, u) = max over eta of u eta - l(y, eta), the
 * minimum over eta, and responses to try. New losses need a row here. */
typedef struct reference {
  const char *name;
  real (*value)(real y, real eta);
  real (*slope)(real y, real eta);
  real (*curvature)(real y, real eta);
  real (*conjugate)(real y, real u);
  real (*lowest)(real y);
  double (*draw)(void);
  real (*minimizer)(real y); /* where a majorizer holds only as far as there, or NULL: everywhere */
} reference;

static real gaussian_value(real y, real eta) { return (y - eta) * (y - eta) / 2; }
static real gaussian_slope(real y, real eta) { return eta - y; }
static real gaussian_curvature(real y, real eta) { return 1 + 0 * (y + eta); }
static real gaussian_conjugate(real y, real u) { return u * u / 2 + u * y; }
static real gaussian_lowest(real y) { return 0 * y; }
static double gaussian_draw(void) { return 3 * sp_normal(); }

static real xlogx(real x) { return x > 0 ? x * logl(x) : 0; }
static real logistic(real eta) { return 1 / (1 + expl(-eta)); }
static real binomial_value(real y, real eta) {
  return y * log1pl(expl(-eta)) + (1 - y) * (eta > 0 ? eta + log1pl(expl(-eta)) : log1pl(expl(eta)));
}
static real binomial_slope(real y, real eta) { return (1 - y) * logistic(eta) - y * logistic(-eta); }
static real binomial_curvature(real y, real eta) { return logistic(eta) * logistic(-eta) + 0 * y; }
static real binomial_conjugate(real y, real u) { return xlogx(y + u) + xlogx(1 - y - u); }
static real binomial_lowest(real y) { return -xlogx(y) - xlogx(1 - y); }
static double binomial_draw(void) {
  const int kind = sp_below(4); /* classes, proportions, proportions next to a class */
  return kind == 0 ? 0.0 : kind == 1 ? 1.0 : kind == 2 ? sp_uniform() : sp_uniform() * 1e-8;
}

static real poisson_mean(real eta) { return expl(fminl(eta, 700)); } /* a straight line beyond */
static real poisson_value(real y, real eta) {
  return poisson_mean(eta) * (1 + fmaxl(eta - 700, 0)) - y * (1 + eta) + xlogx(y);
}
static real poisson_slope(real y, real eta) { return poisson_mean(eta) - y; }
static real poisson_curvature(real y, real eta) { return poisson_mean(eta) + 0 * y; }
static real poisson_conjugate(real y, real u) { return xlogx(y + u) - u - xlogx(y); }
static real poisson_lowest(real y) { return 0 * y; }
static real poisson_minimizer(real y) { return y > 0 ? logl(y) : -1e4L; }
static double poisson_draw(void) {
  const int kind = sp_below(5); /* counts, not whole, large, tiny */
  return kind == 0 ? 0.0 : kind == 1 ? 1.0 + sp_below(9) : kind == 2 ? 3 * sp_uniform() : kind == 3 ? 1e5 * sp_uniform() : 1e-8;
}

static const reference references[] = {
    {"binomial", binomial_value, binomial_slope, binomial_curvature, binomial_conjugate, binomial_lowest,
     binomial_draw, NULL},
    {"gaussian", gaussian_value, gaussian_slope, gaussian_curvature, gaussian_conjugate, gaussian_lowest,
     gaussian_draw, NULL},
    {"poisson", poisson_value, poisson_slope, poisson_curvature, poisson_conjugate, poisson_lowest,
     poisson_draw, poisson_minimizer},
};

/* n rows; some have weight 0, and then NaN everywhere else */
typedef struct rows {
  int n;
  double *y, *w, *eta, *g, *h;
} rows;

static rows random_rows(const reference *ref, int n, double spread, int holes) {
  rows r = {.n = n};
  r.y = sp_block((size_t)n, sizeof(double));
  r.w = sp_block((size_t)n, sizeof(double));
  r.eta = sp_block((size_t)n, sizeof(double));
  r.g = sp_block((size_t)n, sizeof(double));
  r.h = sp_block((size_t)n, sizeof(double));
  double total = 0.0;
  for (int i = 0; i < n; i++) total += r.w[i] = holes && i > 0 && sp_below(3) == 0 ? 0.0 : 0.01 + sp_uniform();
  for (int i = 0; i < n; i++) {
    r.w[i] /= total;
    r.y[i] = r.w[i] > 0 ? ref->draw() : NAN;
    r.eta[i] = r.w[i] > 0 ? spread * sp_normal() : NAN;
  }
  return r;
}

static void free_rows(rows *r) {
  free(r->y);
  free(r->w);
  free(r->eta);
  free(r->g);
  free(r->h);
}

/* the instance of a loss without state, on these rows */
static sp_loss *with_rows(sp_loss *loss, const rows *r) {
  loss->n = r->n;
  loss->y = r->y;
  loss->w = r->w;
  return loss;
}

static int near(double got, real want, real room) {
  return fabsl((real)got - want) <= room * DBL_EPSILON + 1e-320L;
}

/* the references themselves: derivatives against differences, the conjugate against its definition */
static void check_reference(const reference *ref) {
  for (int trial = 0; trial < 300; trial++) {
    const real y = (real)ref->draw(), eta = (real)(4 * sp_normal()), d = 1e-4L;
    const real slope = ref->slope(y, eta), curvature = ref->curvature(y, eta);
    /* fourth order: the error is about d^4 */
    const real dv = (8 * (ref->value(y, eta + d) - ref->value(y, eta - d)) -
                     (ref->value(y, eta + 2 * d) - ref->value(y, eta - 2 * d))) /
                    (12 * d);
    const real ds = (8 * (ref->slope(y, eta + d) - ref->slope(y, eta - d)) -
                     (ref->slope(y, eta + 2 * d) - ref->slope(y, eta - 2 * d))) /
                    (12 * d);
    const real size = 1 + fabsl(y * eta) + fabsl(y) + fabsl(eta) + curvature;
    SP_CHECK(fabsl(dv - slope) <= 1e-12L * size, "%s: slope at y = %g, eta = %g", ref->name,
             (double)y, (double)eta);
    SP_CHECK(fabsl(ds - curvature) <= 1e-12L * size, "%s: curvature at y = %g, eta = %g",
             ref->name, (double)y, (double)eta);
    /* l(eta) + l*(u) >= u eta, with equality at u = l'(eta) */
    const real other = eta + (real)sp_normal();
    const real gap = ref->value(y, eta) + ref->conjugate(y, slope) - slope * eta;
    SP_CHECK(fabsl(gap) <= 1e-16L * (size + fabsl(slope * eta) + fabsl(y * y)), "%s: conjugate: %g", ref->name,
             (double)gap);
    SP_CHECK(ref->value(y, other) + ref->conjugate(y, slope) - slope * other >= -1e-16L * (size + fabsl(slope * other)), "%s: conjugate", ref->name);
    SP_CHECK(ref->lowest(y) <= ref->value(y, eta) + 1e-17L * size, "%s: lowest", ref->name);
  }
}

static void check_values(sp_loss *loss, const reference *ref, double spread, int holes) {
  rows r = random_rows(ref, 1 + sp_below(40), spread, holes);
  real value = 0, size = 0, lowest = 0, low_size = 0;
  loss->ops->grad_hess(with_rows(loss, &r), r.eta, r.g, r.h);
  for (int i = 0; i < r.n; i++) {
    const real w = r.w[i], y = r.y[i], eta = r.eta[i];
    if (!(w > 0)) {
      SP_CHECK(r.g[i] == 0 && r.h[i] == 0, "%s: row of weight 0", loss->ops->name);
      continue;
    }
    const real l = w * ref->value(y, eta), slope = ref->slope(y, eta), low = w * ref->lowest(y);
    value += l;
    size += fabsl(l) + w * (fabsl(slope) + 1e-3L * y); /* the fitted value is rounded, and so is the reference */
    lowest += low;
    low_size += fabsl(low);
    /* y - mu to the accuracy that its two terms allow; relative accuracy where it is a single term */
    const real terms = y == 0 || (y == 1 && ref->minimizer == NULL) ? fabsl(slope) : fabsl(slope) + fabsl(y) + fabsl(eta);
    SP_CHECK(near(r.g[i], -w * slope, 8 * w * terms), "%s: g at y = %g, eta = %g: %.17g not %.17Lg", loss->ops->name,
             r.y[i], r.eta[i], r.g[i], -w * slope);
    SP_CHECK(near(r.h[i], w * ref->curvature(y, eta), 8 * w * ref->curvature(y, eta)),
             "%s: h at eta = %g: %.17g not %.17Lg", loss->ops->name, r.eta[i], r.h[i], w * ref->curvature(y, eta));
    if (loss->ops->flags & SP_LOSS_QUADRATIC) SP_CHECK(r.h[i] == r.w[i], "%s: quadratic", loss->ops->name);
  }
  const double got = loss->ops->value(with_rows(loss, &r), r.eta), sat = loss->ops->saturated(with_rows(loss, &r));
  SP_CHECK(near(got, value, (r.n + 8) * size), "%s: value %.17g not %.17Lg", loss->ops->name, got, value);
  /* 1 - y has an absolute error of its own when y is next to 0 */
  SP_CHECK(near(sat, lowest, (r.n + 8) * low_size + 2), "%s: saturated %.17g not %.17Lg", loss->ops->name, sat, lowest);
  SP_CHECK(sat <= got * (1 + (r.n + 8) * DBL_EPSILON), "%s: saturated %g above %g", loss->ops->name, sat, got);
  free_rows(&r);
}

/* the quadratic with the majorizer's curvature touches F at eta and lies above it, far away too (or, for losses without such a
 * bound, as far as the minimum of the row, which is its own) */
static void check_majorizer(sp_loss *loss, const reference *ref, double spread) {
  rows r = random_rows(ref, 1 + sp_below(20), spread, 1);
  double *bound = sp_block((size_t)r.n, sizeof *bound);
  loss->ops->grad_hess(with_rows(loss, &r), r.eta, r.g, r.h);
  if (loss->ops->majorizer != NULL) loss->ops->majorizer(with_rows(loss, &r), r.eta, bound);
  else memcpy(bound, r.h, (size_t)r.n * sizeof *bound);
  for (int i = 0; i < r.n; i++) {
    if (!(r.w[i] > 0)) {
      SP_CHECK(bound[i] == 0, "%s: majorizer, row of weight 0", loss->ops->name);
      continue;
    }
    const real w = r.w[i], y = r.y[i], eta = r.eta[i], h = bound[i] / w;
    SP_CHECK((bound[i] > 0 || r.h[i] == 0) && bound[i] >= r.h[i] * (1 - 8 * DBL_EPSILON), "%s: majorizer %g below curvature %g",
             loss->ops->name, bound[i], r.h[i]);
    for (int k = 0; k < 40; k++) {
      real step = (k % 2 ? 1 : -1) * powl(2, k / 2 - 10);
      if (ref->minimizer != NULL) { /* shares of the way there */
        const real way = ref->minimizer(y) - eta;
        step = way * (k + 1) / 40;
      }
      const real to = eta + step;
      const real above = ref->value(y, eta) + ref->slope(y, eta) * step + h * step * step / 2;
      SP_CHECK(ref->value(y, to) <= above + 1e-14L * (1 + fabsl(above) + fabsl(y * to)), "%s: majorizer at y = %g, eta = %g below F at %g",
               loss->ops->name, r.y[i], r.eta[i], (double)to);
    }
    /* reject one that is merely large: the tightest for a logistic loss also touches at -eta (Jaakkola & Jordan) */
    if (ref->minimizer == NULL) SP_CHECK(h <= 1, "%s: majorizer %g", loss->ops->name, (double)h);
    else if (ref->slope(y, eta) < 0) { /* and this one has its minimum where the row has */
      const real way = ref->minimizer(y) - eta;
      SP_CHECK(fabsl(-ref->slope(y, eta) / h - way) <= 1e-3L * way, "%s: majorizer %g", loss->ops->name, (double)h);
    } else SP_CHECK(bound[i] <= r.h[i] * (1 + 8 * DBL_EPSILON), "%s: majorizer %g", loss->ops->name, (double)h);
  }
  free(bound);
  free_rows(&r);
}

/* F(eta) + F*(-s g) + s g'eta, row by row, by definition */
static void check_fenchel_young(sp_loss *loss, const reference *ref, double spread, int holes) {
  static const double scales[] = {0.0, 1e-12, 0.1, 0.5, 0.9, 0.999, 1 - 1e-6, 1 - 1e-9, 1.0};
  rows r = random_rows(ref, 1 + sp_below(30), spread, holes);
  for (size_t k = 0; k < sizeof scales / sizeof *scales; k++) {
    const double s = scales[k], got = loss->ops->fenchel_young(with_rows(loss, &r), r.eta, s);
    real want = 0, size = 0, far = 1;
    for (int i = 0; i < r.n; i++) {
      if (!(r.w[i] > 0)) continue;
      far = fmaxl(far, fabs(r.eta[i]));
      const real y = r.y[i], eta = r.eta[i], slope = ref->slope(y, eta);
      const real f = ref->value(y, eta), c = ref->conjugate(y, s * slope), product = s * slope * eta;
      want += r.w[i] * (f + c - product);
      size += r.w[i] * (fabsl(f) + fabsl(c) + fabsl(product));
    }
    /* Extended precision resolves its own sum to 1e-19 of the terms; the rest must agree in relative terms. A relative error u in
     * s q + (1 - s) y is one of u / (1 - s) in the small difference that the term is made of; 1e-9 where a series takes over;
     * 1 - y of a proportion next to 0 is rounded. */
    const real room = (1e-9L / DBL_EPSILON + 40 * (r.n + 10) / (s < 1 ? 1 - (real)s : 1)) * want + 4 * (1 - s) * far;
    SP_CHECK(got >= 0, "%s: s = %g: %g", loss->ops->name, s, got);
    SP_CHECK(fabsl(got - want) <= room * DBL_EPSILON + 1e-17L * size + 1e-18L, "%s: s = %g: %.17g not %.17Lg", loss->ops->name, s, got,
             want);
    if (s >= 1) SP_CHECK(got == 0, "%s: %g at s = 1", loss->ops->name, got);
  }
  free_rows(&r);
}

/* rows of weight 0 removed: the same numbers, bit for bit */
static void check_holes(sp_loss *loss, const reference *ref) {
  rows r = random_rows(ref, 2 + sp_below(30), 3.0, 1), q = random_rows(ref, r.n, 1.0, 0);
  q.n = 0;
  for (int i = 0; i < r.n; i++) {
    if (!(r.w[i] > 0)) continue;
    q.y[q.n] = r.y[i];
    q.w[q.n] = r.w[i];
    q.eta[q.n++] = r.eta[i];
  }
  const double with[] = {loss->ops->value(with_rows(loss, &r), r.eta), loss->ops->saturated(with_rows(loss, &r)),
                         loss->ops->fenchel_young(with_rows(loss, &r), r.eta, 0.3), loss->ops->start(with_rows(loss, &r))};
  const double without[] = {loss->ops->value(with_rows(loss, &q), q.eta), loss->ops->saturated(with_rows(loss, &q)),
                            loss->ops->fenchel_young(with_rows(loss, &q), q.eta, 0.3), loss->ops->start(with_rows(loss, &q))};
  SP_CHECK(sp_same_bits(with, without, 4), "%s: rows of weight 0 are looked at", loss->ops->name);
  for (int k = 0; k < 4; k++) SP_CHECK(isfinite(with[k]), "%s: number %d is %g", loss->ops->name, k, with[k]);
  free_rows(&r);
  free_rows(&q);
}

/* the constant model: the score vanishes at the start, wherever that is finite */
static void check_start(sp_loss *loss, const reference *ref) {
  rows r = random_rows(ref, 2 + sp_below(30), 1.0, 1);
  const double start = loss->ops->start(with_rows(loss, &r));
  real score = 0, size = 0, low = 0, high = 0, rounded = 0;
  for (int i = 0; i < r.n; i++) {
    if (!(r.w[i] > 0)) continue;
    const real s = r.w[i] * ref->slope(r.y[i], start);
    score += s;
    size += fabsl(s);
    rounded += r.w[i] * ref->curvature(r.y[i], start) * fabsl(start) * DBL_EPSILON;
    low += r.w[i] * ref->slope(r.y[i], -50);
    high += r.w[i] * ref->slope(r.y[i], 50);
  }
  SP_CHECK(isfinite(start), "%s: start %g", loss->ops->name, start);
  /* one class alone has its optimum at infinity */
  if (low < 0 && high > 0) {
    SP_CHECK(fabsl(score) <= 1e-13L * size + 1e-14L + 4 * rounded, "%s: score %g at the start", loss->ops->name, (double)score);
  }
  free_rows(&r);
}

/* fitted values that no exponential reaches: everything stays finite and on the right side of 0 */
static void check_extreme(sp_loss *loss, const reference *ref) {
  static const double far[] = {-1e3, -745, -710, -500, -40, 0, 40, 500, 710, 745, 1e3};
  for (size_t k = 0; k < sizeof far / sizeof *far; k++) {
    for (int trial = 0; trial < 20; trial++) {
      const double y = ref->draw(), w = 1, eta = far[k];
      double g, h, bound = 1;
      sp_loss one = *loss;
      one.n = 1;
      one.y = &y;
      one.w = &w;
      loss->ops->grad_hess(&one, &eta, &g, &h);
      if (loss->ops->majorizer != NULL) loss->ops->majorizer(&one, &eta, &bound);
      const double value = loss->ops->value(&one, &eta);
      SP_CHECK(isfinite(value) && near(value, ref->value(y, eta), 20 * fabsl(ref->value(y, eta))), "%s: value %g at %g",
               loss->ops->name, value, eta);
      SP_CHECK(isfinite(g) && isfinite(h) && h >= 0 && isfinite(bound) && bound >= h, "%s: g %g, h %g, bound %g at %g",
               loss->ops->name, g, h, bound, eta);
      for (double s = 0; s <= 1; s += 0.25) {
        const double fy = loss->ops->fenchel_young(&one, &eta, s);
        const real u = s * ref->slope(y, eta), f = ref->value(y, eta), c = ref->conjugate(y, u);
        const real want = f + c - u * eta, size = fabsl(f) + fabsl(c) + fabsl(u * eta);
        SP_CHECK(isfinite(fy) && fy >= 0 && near(fy, want, 100 * want + 1e-2L * size + 4 * fabs(eta) + 8),
                 "%s: term %g not %Lg at y = %g, eta = %g, s = %g", loss->ops->name, fy, want, y, eta, s);
      }
    }
  }
}

int main(void) {
  int count = 0, others = 0;
  for (; sp_registry_losses[count] != NULL; count++) {
    sp_loss instance = {.ops = sp_registry_losses[count], .K = 1}, *loss = &instance;
    /* rows that are not each on their own or have several predictors, or that a host evaluates: tests of their own, test_cox.c,
     * test_group.c and test_callback.c */
    if (loss->ops->root != NULL || loss->ops->intercepts != NULL || loss->ops->fenchel_young == NULL) {
      others++;
      continue;
    }
    const reference *ref = NULL;
    for (size_t k = 0; k < sizeof references / sizeof *references; k++) {
      if (strcmp(references[k].name, loss->ops->name) == 0) ref = &references[k];
    }
    SP_CHECK(ref != NULL, "no reference for %s", loss->ops->name);
    if (ref == NULL) continue;
    check_reference(ref);
    for (int trial = 0; trial < 300; trial++) {
      const double spread = pow(10.0, -4.0 + 6.0 * sp_uniform());
      check_values(loss, ref, spread, trial % 2);
      check_majorizer(loss, ref, spread);
      check_fenchel_young(loss, ref, spread, trial % 2);
      check_holes(loss, ref);
      check_start(loss, ref);
    }
    check_extreme(loss, ref);
  }
  SP_CHECK(count - others == (int)(sizeof references / sizeof *references), "%d losses in the registry", count);
  return spunit_end("test_loss");
}
