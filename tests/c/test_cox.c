/* The partial likelihood against its definition, evaluated naively in extended precision: each term a sum over all rows. */
#include <float.h>
#include <math.h>
#include "registry.h"
#include "spunit.h"

typedef long double real;

typedef struct sample {
  int n, status[64], strata[64];
  double y[64], w[64], entry[64], eta[64];
  sp_loss_data data;
} sample;

static const sp_loss_ops *find_cox(void) {
  for (int k = 0; sp_registry_losses[k] != NULL; k++) {
    if (strcmp(sp_registry_losses[k]->name, "cox") == 0) return sp_registry_losses[k];
  }
  return NULL;
}

/* few times: many ties; status may be 0 throughout a stratum */
static void draw(sample *s, int n, int times, int n_strata, int efron, int delayed, double spread) {
  double total = 0;
  memset(s, 0, sizeof *s);
  s->n = n;
  for (int i = 0; i < n; i++) {
    s->y[i] = 1 + sp_below(times);
    s->entry[i] = s->y[i] - 1 - sp_below(times);
    s->status[i] = sp_below(3) > 0;
    s->strata[i] = 3 * sp_below(n_strata);
    s->eta[i] = spread * sp_normal();
    total += s->w[i] = 0.05 + sp_uniform();
  }
  for (int i = 0; i < n; i++) s->w[i] /= total;
  s->data.status = s->status;
  s->data.strata = n_strata > 1 ? s->strata : NULL;
  s->data.entry = delayed ? s->entry : NULL;
  s->data.efron = efron;
}

static int same_stratum(const sample *s, int i, int j) { return !s->data.strata || s->strata[i] == s->strata[j]; }

/* Term `l` of the tie group of death i, taken up for the first death of a group only: share of each row in p [n], returns the mass
 * (0: no such term). risk: log of the sum; least: the smallest that mass (risk - mean eta of the deaths) can be */
static real term(const sample *s, const real *eta, int i, int l, real *p, real *y, real *risk, real *least) {
  int m = 0, dead[64];
  real mass = 0, sum = 0, top = -INFINITY;
  if (!s->status[i]) return 0;
  for (int j = 0; j < s->n; j++) {
    dead[j] = s->status[j] && s->y[j] == s->y[i] && same_stratum(s, i, j);
    if (dead[j] && j < i) return 0;
    m += dead[j];
    mass += dead[j] ? s->w[j] : 0;
    top = fmaxl(top, eta[j]);
  }
  if (l >= (s->data.efron ? m : 1)) return 0;
  const real a = s->data.efron ? 1 - (real)l / m : 1;
  for (int j = 0; j < s->n; j++) {
    const int at_risk = same_stratum(s, i, j) && s->y[j] >= s->y[i] && (!s->data.entry || s->entry[j] < s->y[i]);
    p[j] = at_risk ? s->w[j] * expl(eta[j] - top) * (dead[j] ? a : 1) : 0;
    y[j] = dead[j] ? s->w[j] / mass : 0;
    sum += p[j];
  }
  for (int j = 0; j < s->n; j++) p[j] /= sum;
  *risk = logl(sum) + top;
  *least = logl(mass * a);
  return s->data.efron ? mass / m : mass;
}

static real value(const sample *s, const real *eta, real *size) {
  real f = 0, p[64], y[64], risk, least;
  *size = 0;
  for (int i = 0; i < s->n; i++) {
    for (int l = 0; l < s->n; l++) {
      const real mass = term(s, eta, i, l, p, y, &risk, &least);
      if (mass == 0) break;
      real fit = 0;
      for (int j = 0; j < s->n; j++) fit += y[j] * eta[j];
      f += mass * (risk - fit - least);
      *size += mass * (fabsl(risk) + fabsl(fit) + fabsl(least));
    }
  }
  return f;
}

static void derivatives(const sample *s, const real *eta, real *g, real *M) {
  real p[64], y[64], risk, least;
  const int n = s->n;
  for (int j = 0; j < n; j++) g[j] = 0;
  for (int j = 0; j < n * n; j++) M[j] = 0;
  for (int i = 0; i < n; i++) {
    for (int l = 0; l < n; l++) {
      const real mass = term(s, eta, i, l, p, y, &risk, &least);
      if (mass == 0) break;
      for (int j = 0; j < n; j++) {
        g[j] += mass * (y[j] - p[j]);
        M[j * n + j] += mass * p[j];
        for (int k = 0; k < n; k++) M[j * n + k] -= mass * p[j] * p[k];
      }
    }
  }
}

static real divergence(const sample *s, const real *eta, real scale) {
  real f = 0, p[64], y[64], risk, least;
  for (int i = 0; i < s->n; i++) {
    for (int l = 0; l < s->n; l++) {
      const real mass = term(s, eta, i, l, p, y, &risk, &least);
      if (mass == 0) break;
      for (int j = 0; j < s->n; j++) {
        const real q = scale * p[j] + (1 - scale) * y[j];
        if (q > 0) f += mass * q * logl(q / p[j]);
      }
    }
  }
  return f;
}

/* the naive value against its own derivatives */
static void check_reference(const sample *s) {
  real eta[64] = {0}, g[64], M[64 * 64], size;
  for (int i = 0; i < s->n; i++) eta[i] = s->eta[i];
  derivatives(s, eta, g, M);
  for (int i = 0; i < s->n; i++) {
    const real at = eta[i], d = 1e-3L;
    real f[5];
    for (int k = -2; k <= 2; k++) {
      eta[i] = at + k * d;
      f[k + 2] = value(s, eta, &size);
    }
    eta[i] = at;
    const real slope = (8 * (f[3] - f[1]) - (f[4] - f[0])) / (12 * d);
    const real curvature = (16 * (f[3] + f[1]) - (f[4] + f[0]) - 30 * f[2]) / (12 * d * d);
    SP_CHECK(fabsl(slope + g[i]) <= 1e-10L * (1 + size), "slope %Lg not %Lg", slope, -g[i]);
    SP_CHECK(fabsl(curvature - M[i * s->n + i]) <= 1e-8L * (1 + size), "curvature %Lg not %Lg", curvature, M[i * s->n + i]);
  }
}

static void check_loss(sample *s, const char *name) {
  static real M[64 * 64], eta[64], g[64];
  static double S[64 * 64], St[64 * 64], x[64], z[64], grad[64], hess[64];
  const sp_loss_ops *ops = find_cox();
  const int n = s->n;
  sp_ctx ctx;
  sp_loss loss;
  real size, spread = 0;
  sp_ctx_init(&ctx);
  SP_CHECK(sp_loss_open(&loss, &ctx, ops, n, NULL, s->y, s->w, &s->data) == SP_OK, "%s: open", name);
  for (int i = 0; i < n; i++) {
    eta[i] = s->eta[i];
    spread = fmaxl(spread, fabsl(eta[i]));
  }
  const real f = value(s, eta, &size);
  SP_CHECK(fabsl(ops->value(&loss, s->eta) - f) <= 20 * n * DBL_EPSILON * (size + 1e-300L), "%s: value %.17g not %.17Lg", name,
           ops->value(&loss, s->eta), f);
  SP_CHECK(ops->value(&loss, s->eta) >= ops->saturated(&loss) - 20 * n * DBL_EPSILON * (double)size, "%s: below the least", name);
  derivatives(s, eta, g, M);
  ops->grad_hess(&loss, s->eta, grad, hess);
  for (int i = 0; i < n; i++) {
    const real room = (40 + n + spread) * DBL_EPSILON;
    SP_CHECK(fabsl(grad[i] - g[i]) <= room * 2 * s->w[i] + room * fabsl(g[i]), "%s: g[%d] %.17g not %.17Lg", name, i, grad[i], g[i]);
    SP_CHECK(fabsl(hess[i] - M[i * n + i]) <= room * 2 * (s->w[i] + fabsl(g[i])), "%s: h[%d] %.17g not %.17Lg", name, i, hess[i],
             M[i * n + i]);
  }
  SP_CHECK(ops->metric(&loss, s->eta) == SP_OK, "%s: metric", name);
  for (int j = 0; j < n; j++) {
    memset(x, 0, sizeof x);
    x[j] = 1;
    ops->root(&loss, SP_ROOT, x);
    memcpy(S + j * n, x, (size_t)n * sizeof *x);
    memset(x, 0, sizeof x);
    x[j] = 1;
    ops->root(&loss, SP_ROOT_T, x);
    for (int i = 0; i < n; i++) St[i * n + j] = x[i];
  }
  for (int i = 0; i < n; i++) {
    for (int j = 0; j < n; j++) {
      real m = 0, scale = 0;
      for (int k = 0; k < n; k++) m += (real)S[i * n + k] * S[j * n + k];
      scale = sqrtl((fabsl(M[i * n + i]) + 1e-10L * s->w[i]) * (fabsl(M[j * n + j]) + 1e-10L * s->w[j]));
      /* pivots have a floor of 1e-10 of the weight */
      SP_CHECK(fabsl(m - M[i * n + j]) <= 1e-13L * n * scale + 1.1e-10L * fmin(s->w[i], s->w[j]) * n, "%s: (S'S)[%d, %d] = %.17Lg not %.17Lg", name, i, j, m,
               M[i * n + j]);
      SP_CHECK(fabs(St[i * n + j] - S[i * n + j]) <= 1e-13 * (fabs(S[i * n + j]) + (double)sqrtl(M[j * n + j] + 1e-10L * s->w[j])), "%s: S' [%d, %d]", name, i, j);
    }
  }
  /* S'r = g has a solution, and S (S^-1 S x) = S x */
  memcpy(x, grad, (size_t)n * sizeof *x);
  ops->root(&loss, SP_ROOT_SOLVE_T, x);
  ops->root(&loss, SP_ROOT_T, x);
  for (int i = 0; i < n; i++) SP_CHECK(fabs(x[i] - grad[i]) <= 1e-13 * n, "%s: S' S'^-1 g: %g not %g", name, x[i], grad[i]);
  for (int i = 0; i < n; i++) x[i] = sp_normal();
  ops->root(&loss, SP_ROOT, x);
  memcpy(z, x, sizeof z);
  ops->root(&loss, SP_ROOT_SOLVE, x);
  ops->root(&loss, SP_ROOT, x);
  for (int i = 0; i < n; i++) SP_CHECK(fabs(x[i] - z[i]) <= 1e-12 * (fabs(z[i]) + 1e-3), "%s: S S^-1: %g not %g", name, x[i], z[i]);
  for (int k = 0; k <= 10; k++) {
    const double by = k == 9 ? 1 - 1e-6 : k / 10.0, got = ops->fenchel_young(&loss, s->eta, by);
    const real want = k == 10 ? 0 : divergence(s, eta, by);
    SP_CHECK(got >= 0 && fabsl(got - want) <= 1e-9L * want + 1e-13L * (1 - by) * (1 + spread), "%s: term at %g: %.17g not %.17Lg", name, by, got, want);
  }
  sp_loss_close(&loss);
  SP_CHECK(ctx.n_live == 0, "%s: %ld blocks left", name, ctx.n_live);
}

/* any range of eta */
static void check_extreme(sample *s, const char *name) {
  double grad[64], hess[64];
  sp_ctx ctx;
  sp_loss loss;
  sp_ctx_init(&ctx);
  for (int i = 0; i < s->n; i++) s->eta[i] *= 1000;
  sp_loss_open(&loss, &ctx, find_cox(), s->n, NULL, s->y, s->w, &s->data);
  SP_CHECK(isfinite(loss.ops->value(&loss, s->eta)), "%s: value", name);
  loss.ops->grad_hess(&loss, s->eta, grad, hess);
  loss.ops->metric(&loss, s->eta);
  loss.ops->root(&loss, SP_ROOT_SOLVE_T, grad);
  for (int i = 0; i < s->n; i++) SP_CHECK(isfinite(grad[i]) && isfinite(hess[i]), "%s: %g %g", name, grad[i], hess[i]);
  SP_CHECK(isfinite(loss.ops->fenchel_young(&loss, s->eta, 0.5)), "%s: term", name);
  sp_loss_close(&loss);
}

int main(void) {
  sample s;
  char name[99];
  for (int trial = 0; trial < 400; trial++) {
    const int n = 1 + sp_below(40), times = trial % 3 == 0 ? 1000 : 1 + sp_below(12), strata = 1 + 2 * (trial % 2), efron = trial % 5 > 2;
    const int delayed = trial % 7 < 3;
    const double spread = trial % 4 ? 1 : 6;
    draw(&s, n, times, strata, efron, delayed, spread);
    snprintf(name, sizeof name, "trial %d: n = %d, %d times, %d strata%s%s", trial, n, times, strata, efron ? ", Efron" : "", delayed ? ", entry" : "");
    if (trial < 40) check_reference(&s);
    check_loss(&s, name);
    check_extreme(&s, name);
  }
  return spunit_end("test_cox");
}
