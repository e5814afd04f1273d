/* Laws of the non-convex penalties of the registry: pieces that join, values that are integrals of slopes, minima of one variable that
 * a grid cannot beat, and the certificate of their local linear approximation. */
#include "problem.h"

/* the definition: the slope at x = |b|, for a coordinate of unit v */
static double mcp(double t, double gamma, double cv, double x) { return fmax(0, t - cv * x / gamma); }

static double scad(double t, double gamma, double cv, double x) {
  return cv * x <= t ? t : fmax(0, gamma * t - cv * x) / (gamma - 1);
}

static const struct {
  const char *name;
  double (*slope)(double t, double gamma, double cv, double x);
  double least;
} references[] = {{"mcp", mcp, 1}, {"scad", scad, 2}};

enum { REFERENCES = sizeof references / sizeof *references };

typedef struct subject {
  sp_penalty pen;
  sp_coord co;
  double lambda, t, ridge;
  int ref;
} subject;

static subject draw(const sp_penalty_ops *ops, int ref) {
  subject s = {.ref = ref};
  s.pen.ops = ops;
  s.pen.alpha = sp_below(2) ? 1 : 0.2 + 0.8 * sp_uniform();
  s.pen.gamma = references[ref].least + exp(2 * sp_normal());
  s.co.v = exp(sp_normal());
  s.co.kv = exp(sp_normal());
  s.co.cv = exp(sp_normal());
  s.co.one = 1;
  s.co.lo = -INFINITY;
  s.co.hi = INFINITY;
  s.lambda = exp(sp_normal());
  s.t = s.lambda * s.pen.alpha * s.co.v;
  s.ridge = s.lambda * (1 - s.pen.alpha) * s.co.kv;
  return s;
}

static double slope(const subject *s, double b) { return references[s->ref].slope(s->t, s->pen.gamma, s->co.cv, fabs(b)); }

/* by the trapezoid rule on a fine grid that has the kinks */
static double area(const subject *s, double b) {
  enum { CELLS = 64 };
  const double x = fabs(b), ends[] = {0, fmin(x, s->t / s->co.cv), fmin(x, s->pen.gamma * s->t / s->co.cv), x};
  double sum = 0;
  for (int h = 0; h < 3; h++) {
    const double w = (ends[h + 1] - ends[h]) / CELLS;
    for (int i = 0; i < CELLS; i++) sum += w * (slope(s, ends[h] + i * w) + slope(s, ends[h] + (i + 1) * w)) / 2;
  }
  return sum + s->ridge * b * b / 2;
}

static void test_pieces(const subject *s) {
  sp_piece pieces[SP_MAX_PIECES];
  double t, k, from = 0, curve;
  const int count = s->pen.ops->pieces(&s->pen, s->lambda, &s->co, pieces);
  s->pen.ops->l1_ridge(&s->pen, s->lambda, &s->co, &t, &k);
  SP_CHECK(fabs(t - s->t) <= 1e-14 * s->t && fabs(k - s->ridge) <= 1e-14 * s->ridge, "%s", s->pen.ops->name);
  SP_CHECK(pieces[0].t == t, "%s: begins at %g, not %g", s->pen.ops->name, pieces[0].t, t);
  SP_CHECK(pieces[count - 1].t == 0 && pieces[count - 1].k == 0 && isinf(pieces[count - 1].upto), "%s", s->pen.ops->name);
  for (int h = 0; h + 1 < count; h++) {
    const double x = pieces[h].upto, left = pieces[h].t + pieces[h].k * x, right = pieces[h + 1].t + pieces[h + 1].k * x;
    SP_CHECK(pieces[h].k <= 0 && x > from && fabs(left - right) <= 1e-12 * t, "%s piece %d: %g and %g", s->pen.ops->name, h, left, right);
    from = x;
  }
  for (int i = 0; i < 20; i++) {
    const double b = 2 * from * sp_normal(), got = sp_penalty_slope(&s->pen, s->lambda, &s->co, b, &curve);
    SP_CHECK(fabs(got - slope(s, b)) <= 1e-12 * t, "%s at %g: slope %g, not %g", s->pen.ops->name, b, got, slope(s, b));
    const double value = s->pen.ops->value(&s->pen, s->lambda, &s->co, b), expected = area(s, b);
    SP_CHECK(fabs(value - expected) <= 1e-12 * (1 + expected), "%s at %g: value %g, not %g", s->pen.ops->name, b, value, expected);
    const double h = 1e-4 * from, near = sp_penalty_slope(&s->pen, s->lambda, &s->co, fabs(b) + h, &curve);
    SP_CHECK(near <= got + 1e-12 * t, "%s: slope rises at %g", s->pen.ops->name, b);
  }
}

static void test_minimum(const subject *s) {
  for (int i = 0; i < 20; i++) {
    const double a = exp(2 * sp_normal()), z = 3 * s->t * sp_normal();
    sp_coord co = s->co; /* with limits in every other trial */
    if (i % 2) {
      co.lo = sp_below(3) ? -3 * s->t * sp_uniform() : 0;
      co.hi = sp_below(3) ? 3 * s->t * sp_uniform() : 0;
    }
    const double b = sp_penalty_minimum(&s->pen, s->lambda, &co, a, z);
    const double f = a * b * b / 2 - z * b + area(s, b), reach = 1 + 2 * fabs(z) / a;
    for (int g = -200; g <= 200; g++) {
      const double x = fmin(fmax(reach * g / 200, co.lo), co.hi), at = a * x * x / 2 - z * x + area(s, x);
      SP_CHECK(f <= at + 1e-10 * (1 + fabs(at)), "%s gamma %g a %g z %g: %g at %g, %g at %g", s->pen.ops->name, s->pen.gamma, a, z, f, b, at, x);
    }
    const double viol = s->pen.ops->violation(&s->pen, s->lambda, &co, b, z - a * b);
    SP_CHECK(viol <= 1e-10 * (s->t + fabs(z)), "%s a %g z %g: minimum %g violates by %g", s->pen.ops->name, a, z, b, viol);
  }
}

/* t |b| + k b^2 / 2 with t the slope at b: value + conjugate - z b, the conjugate from its maximizer */
static void test_certificate(const subject *s) {
  for (int i = 0; i < 20; i++) {
    const double b = sp_below(3) ? s->t * sp_normal() : 0, t = b == 0 ? s->t : slope(s, b);
    const double z = t * (2 * sp_uniform() - 1);
    const double got = s->pen.ops->fenchel_young(&s->pen, s->lambda, &s->co, b, z);
    const double expected = t * fabs(b) + s->ridge * b * b / 2 - z * b; /* |z| <= t: the conjugate is 0 */
    SP_CHECK(fabs(got - expected) <= 1e-12 * (1 + fabs(expected)), "%s: term %g, not %g", s->pen.ops->name, got, expected);
    SP_CHECK(s->pen.ops->scale(&s->pen, s->lambda, &s->co, z) == 1, "%s", s->pen.ops->name);
    const double c = s->t * (1 + sp_uniform()), scale = s->pen.ops->scale(&s->pen, s->lambda, &s->co, c);
    SP_CHECK(fabs(scale - (s->ridge > 0 ? 1 : s->t / c)) <= 1e-14, "%s: scale %g", s->pen.ops->name, scale);
    SP_CHECK(fabs(s->pen.ops->gauge(&s->pen, &s->co, s->t) - s->lambda) <= 1e-12 * s->lambda, "%s", s->pen.ops->name);
    if (b != 0) {
      const double c0 = (b > 0 ? t : -t) + s->ridge * b;
      SP_CHECK(s->pen.ops->violation(&s->pen, s->lambda, &s->co, b, c0) <= 1e-13 * s->t, "%s", s->pen.ops->name);
      SP_CHECK(fabs(s->pen.ops->violation(&s->pen, s->lambda, &s->co, b, c0 + 0.5) - 0.5) <= 1e-12, "%s", s->pen.ops->name);
    }
  }
}

/* the same penalty of the norm of a block */
static void test_blocks(const subject *s) {
  enum { M = 5 };
  const int m = 1 + sp_below(M);
  double v[M], u[M], z[M], zero[M] = {0}, T, tv, k, h = 0, nz = 0, dot = 0;
  const char *name = s->pen.ops->name;
  for (int j = 0; j < m; j++) {
    v[j] = 1;
    u[j] = s->t * sp_normal();
    h += u[j] * u[j];
  }
  h = sqrt(h);
  const sp_pen_block bl = {m, s->co.v, s->co.kv, v, 1, s->co.cv, NULL, NULL};
  s->pen.ops->block_norms(&s->pen, s->lambda, &bl, &T, &tv, &k);
  SP_CHECK(fabs(T - s->t) <= 1e-14 * T && tv == 0 && fabs(k - s->ridge) <= 1e-14 * k, "%s", name);
  SP_CHECK(fabs(s->pen.ops->block_value(&s->pen, s->lambda, &bl, u) - area(s, h)) <= 1e-12 * (1 + area(s, h)), "%s", name);
  for (int j = 0; j < m; j++) z[j] = (slope(s, h) / h + s->ridge) * u[j];
  SP_CHECK(s->pen.ops->block_violation(&s->pen, s->lambda, &bl, u, z) <= 1e-13 * (s->t + h), "%s", name);
  z[0] += 0.5;
  SP_CHECK(fabs(s->pen.ops->block_violation(&s->pen, s->lambda, &bl, u, z) - 0.5) <= 1e-12 * (1 + s->t), "%s", name);
  for (int j = 0; j < m; j++) nz += z[j] * z[j];
  nz = sqrt(nz);
  SP_CHECK(fabs(s->pen.ops->block_violation(&s->pen, s->lambda, &bl, zero, z) - fmax(0, nz - s->t)) <= 1e-12 * (1 + nz), "%s", name);
  SP_CHECK(fabs(s->pen.ops->block_gauge(&s->pen, &bl, z) * s->pen.alpha * s->co.v - nz) <= 1e-12 * nz, "%s", name);
  const double scale = s->pen.ops->block_scale(&s->pen, s->lambda, &bl, z), expected = s->ridge > 0 || nz <= s->t ? 1 : s->t / nz;
  SP_CHECK(fabs(scale - expected) <= 1e-13, "%s: scale %g, not %g", name, scale, expected);
  for (int j = 0; j < m; j++) {
    z[j] *= 0.9 * slope(s, h) / nz; /* inside: the conjugate is 0 */
    dot += z[j] * u[j];
  }
  const double fy = s->pen.ops->block_fenchel_young(&s->pen, s->lambda, &bl, u, z), term = slope(s, h) * h + s->ridge * h * h / 2 - dot;
  SP_CHECK(fabs(fy - term) <= 1e-12 * (1 + term), "%s: term %g, not %g", name, fy, term);
}

/* Whole fits: what is called solved is stationary, in every column, by products with the raw design */
static void test_fits(void) {
  for (int trial = 0; trial < 200; trial++) {
    problem q;
    sp_path path;
    sp_ctx ctx;
    const int tall = trial % 3 == 0, B = 1 + trial % 2;
    const unsigned what = ((unsigned)sp_below(P_ALL + 1) & ~(unsigned)P_NO_STANDARDIZE) | (trial % 2 ? P_MCP : P_SCAD);
    open_problem(&q, tall ? 60 : 30, tall ? 12 : 60, B, trial % 4 == 0 ? 0.7 : 1, what);
    q.spec.early_stop = 1;
    q.spec.fdev = -INFINITY;
    q.spec.lambda_min_ratio = 0.05;
    sp_ctx_init(&ctx);
    const sp_status st = run_problem(&q, &ctx, &path);
    if (st == SP_OK) {
      for (int l = 0; l < path.L; l++) {
        const sp_point *pt = &path.tasks[0].points[l];
        const sp_model *m = &path.tasks[0].m;
        SP_CHECK(pt->status == SP_POINT_OK && pt->kkt <= 1e-6, "trial %d, lambda %d: status %d, kkt %g", trial, l, pt->status, pt->kkt);
        if (what & (P_BINOMIAL | P_TIES)) continue;
        /* weighted residuals from the coefficients alone */
        double *r = sp_block((size_t)q.x.n, sizeof *r), total = 0, mean = 0;
        for (int i = 0; i < q.x.n; i++) {
          r[i] = q.y[i] - (q.offset ? q.offset[i] : 0);
          for (int k = 0; k < pt->count; k++) r[i] -= pt->b[k] * m->iscale[pt->cols[k]] * cell(&q.x, i, pt->cols[k]);
          total += q.weights[i];
          mean += q.weights[i] * r[i];
        }
        for (int j = 0; j < q.x.p && m->nu == m->nu0; j++) {
          if (!(m->iscale[j] > 0) || !isfinite(q.v[j])) continue;
          double c = 0, centre = 0, b = 0, curve;
          for (int i = 0; i < q.x.n; i++) centre += q.weights[i] / total * cell(&q.x, i, j);
          if (!q.spec.intercept) centre = 0;
          for (int i = 0; i < q.x.n; i++) {
            c += q.weights[i] / total * (cell(&q.x, i, j) - centre) * (r[i] - (q.spec.intercept ? mean / total : 0)) * m->iscale[j];
          }
          for (int k = 0; k < pt->count; k++) b += pt->cols[k] == j ? pt->b[k] : 0;
          const sp_coord co = sp_model_coord(m, j);
          const double t = sp_penalty_slope(&q.pen, path.lambda[l], &co, b, &curve), ridge = path.lambda[l] * (1 - q.pen.alpha) * co.kv;
          const double g = c - ridge * b, d = b > 0 ? g - t : b < 0 ? g + t : g > t ? g - t : g < -t ? g + t : 0;
          const double off = (b >= co.hi && d > 0) || (b <= co.lo && d < 0) ? 0 : fabs(d);
          SP_CHECK(b <= co.hi && b >= co.lo, "trial %d, lambda %d, column %d", trial, l, j);
          SP_CHECK(off <= 1e-6 * path.lambda[l] * co.v + 1e-12, "trial %d, lambda %d, column %d: off by %g", trial, l, j, off / path.lambda[l]);
        }
        free(r);
      }
      sp_path_free(&path);
    }
    SP_CHECK(st == SP_OK || st == SP_ESEPARATION, "trial %d: %s", trial, sp_status_name(st));
    SP_CHECK(ctx.n_live == 0, "%ld blocks leaked", ctx.n_live);
    close_problem(&q);
  }
}

int main(void) {
  int found = 0;
  for (int i = 0; sp_registry_penalties[i]; i++) {
    const sp_penalty_ops *ops = sp_registry_penalties[i];
    if (!ops->pieces || ops->outer) continue; /* test_bilevel.c */
    int ref = -1;
    for (int r = 0; r < REFERENCES; r++) {
      if (strcmp(references[r].name, ops->name) == 0) ref = r;
    }
    SP_CHECK(ref >= 0, "no reference for %s", ops->name);
    if (ref < 0) continue;
    found++;
    for (int rep = 0; rep < 100; rep++) {
      const subject s = draw(ops, ref);
      test_pieces(&s);
      test_minimum(&s);
      test_certificate(&s);
      test_blocks(&s);
    }
  }
  SP_CHECK(found == REFERENCES, "%d", found);
  test_fits();
  return spunit_end("test_concave");
}
