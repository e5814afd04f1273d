/* Bi-level penalties: laws of the outer function, and whole fits judged by formulas written here. */
#include "problem.h"

enum { N = 30, TALL = 60, P = 40, SIZE = 4, GROUPS = P / SIZE };

/* slopes of a group of m coefficients with threshold t, from the papers: MCPs with the root of t; an exponential */
static void slopes(const char *name, double gamma, double t, double h, int m, const double *u, double *out) {
  double sum = 0;
  if (strcmp(name, "gel") == 0) {
    for (int j = 0; j < m; j++) sum += fabs(u[j]);
    for (int j = 0; j < m; j++) out[j] = t * exp(-h * sum / (gamma * t));
    return;
  }
  /* f(x) = l x - x^2 / (2 a) up to a l, x = |u| h / l: the curvature of the inner one is h / l of the paper's */
  const double l = sqrt(t), outer = m * gamma * l / 2;
  for (int j = 0; j < m; j++) {
    const double x = fabs(u[j]) * h / l;
    sum += x < gamma * l ? l * x - x * x / (2 * gamma) : gamma * l * l / 2;
  }
  for (int j = 0; j < m; j++) {
    const double x = fabs(u[j]) * h / l;
    out[j] = fmax(0, l - x / gamma) * fmax(0, l - sum / outer);
  }
}

static void test_outer(const sp_penalty_ops *ops) {
  for (int trial = 0; trial < 500; trial++) {
    const sp_penalty pen = {.ops = ops, .alpha = 1, .gamma = exp(sp_normal())};
    const double t = exp(sp_normal()), curvature = exp(sp_normal()), one = exp(sp_normal());
    const double h = ops->shape(&pen, t, curvature, one), c = exp(sp_normal());
    const int m = 1 + sp_below(6);
    const double most = t * t * pen.gamma / h * m, S = most * sp_uniform(), e = 1e-4 * most;
    const sp_outer zero = ops->outer(&pen, t, h, m, 0), at = ops->outer(&pen, t, h, m, S), more = ops->outer(&pen, t, h, m, S + e);
    SP_CHECK(h > 0 && zero.value == 0 && zero.slope == 1, "%s", ops->name);
    SP_CHECK(at.slope >= 0 && at.slope <= 1 && at.curve <= 0 && at.curve >= zero.curve * (1 + 1e-12), "%s: %g %g", ops->name, at.slope, at.curve);
    const sp_outer half = ops->outer(&pen, t, h, m, S + e / 2);
    const double area = e * (at.slope + 4 * half.slope + more.slope) / 6, bend = e * (at.curve + more.curve) / 2;
    if (at.curve < 0 && more.curve < 0) {
      SP_CHECK(fabs(more.value - at.value - area) <= 1e-12 * (most + at.value), "%s: %g, not %g", ops->name, more.value - at.value, area);
      SP_CHECK(fabs(more.slope - at.slope - bend) <= 1e-7 * e * fabs(zero.curve), "%s: %g, not %g", ops->name, more.slope - at.slope, bend);
    }
    /* another unit of the response: thresholds and coefficients have it, curvatures do not */
    SP_CHECK(fabs(ops->shape(&pen, c * t, curvature, c * one) - h) <= 1e-14 * h, "%s", ops->name);
    /* another unit of the loss: thresholds and curvatures have it */
    SP_CHECK(fabs(ops->shape(&pen, c * t, c * curvature, one) - c * h) <= 1e-13 * c * h, "%s", ops->name);
    double u[6], expected[6], inner = 0, curve;
    for (int j = 0; j < m; j++) u[j] = sp_below(4) ? pen.gamma * t / h * sp_normal() : 0;
    slopes(ops->name, pen.gamma, t, h, m, u, expected);
    const sp_coord co = {.v = t, .kv = 0, .lo = -INFINITY, .hi = INFINITY, .cv = h, .one = 1};
    for (int j = 0; j < m; j++) inner += ops->value(&pen, 1, &co, u[j]);
    const double f = ops->outer(&pen, t, h, m, inner).slope;
    for (int j = 0; j < m; j++) {
      const sp_coord scaled = {.v = f * t, .kv = 0, .lo = -INFINITY, .hi = INFINITY, .cv = f * h, .one = 1};
      const double got = sp_penalty_slope(&pen, 1, &scaled, u[j], &curve);
      SP_CHECK(fabs(got - expected[j]) <= 1e-12 * t, "%s: slope %g, not %g", ops->name, got, expected[j]);
    }
  }
}

/* stationary by products with the raw design, groups of SIZE neighbours */
static void judge(const problem *q, const sp_path *path, int l) {
  const sp_point *pt = &path->tasks[0].points[l];
  const sp_model *m = &path->tasks[0].m;
  const int n = q->x.n;
  double *r = sp_block((size_t)n, sizeof *r), total = 0, mean = 0, b[P] = {0};
  for (int k = 0; k < pt->count; k++) b[pt->cols[k]] = pt->b[k];
  for (int i = 0; i < n; i++) {
    r[i] = q->y[i] - (q->offset ? q->offset[i] : 0);
    for (int j = 0; j < P; j++) r[i] -= b[j] * m->iscale[j] * cell(&q->x, i, j);
    total += q->weights[i];
    mean += q->weights[i] * r[i];
  }
  mean = q->spec.intercept ? mean / total : 0;
  for (int g = 0; g < GROUPS; g++) {
    double u[SIZE], t[SIZE];
    int col[SIZE], size = 0;
    for (int j = g * SIZE; j < (g + 1) * SIZE; j++) {
      if (!(m->iscale[j] > 0) || !isfinite(q->v[j])) continue;
      col[size] = j;
      u[size++] = b[j] * (m->ratio ? m->ratio[j] : 1);
    }
    const double level = path->lambda[l] * q->pen.alpha;
    if (size) slopes(q->pen.ops->name, q->pen.gamma, level, q->pen.ops->shape(&q->pen, level, 1, m->unit), size, u, t);
    for (int i = 0; i < size; i++) {
      const int j = col[i];
      const double unit = m->ratio ? m->ratio[j] : 1;
      double c = 0, centre = 0;
      for (int h = 0; h < n; h++) centre += q->weights[h] / total * cell(&q->x, h, j);
      if (!q->spec.intercept) centre = 0;
      for (int h = 0; h < n; h++) c += q->weights[h] / total * (cell(&q->x, h, j) - centre) * (r[h] - mean) * m->iscale[j];
      const double z = c / unit - path->lambda[l] * (1 - q->pen.alpha) * m->ridge_scale * u[i], d = u[i] > 0 ? z - t[i] : u[i] < 0 ? z + t[i] : z > t[i] ? z - t[i] : z < -t[i] ? z + t[i] : 0;
      const sp_coord co = sp_model_coord(m, j);
      const double off = (b[j] >= co.hi && d > 0) || (b[j] <= co.lo && d < 0) ? 0 : fabs(d);
      SP_CHECK(b[j] <= co.hi && b[j] >= co.lo, "column %d at %g", j, b[j]);
      SP_CHECK(off <= 1e-6 * path->lambda[l] + 1e-12, "%s, lambda %d, column %d: off by %g", q->pen.ops->name, l, j, off / path->lambda[l]);
    }
  }
  free(r);
}

static void test_fits(void) {
  int of[P], ptr[GROUPS + 1], cols[P];
  double w[GROUPS];
  for (int j = 0; j < P; j++) {
    of[j] = j / SIZE;
    cols[j] = j;
  }
  for (int g = 0; g <= GROUPS; g++) ptr[g] = g * SIZE;
  for (int g = 0; g < GROUPS; g++) w[g] = 1;
  const sp_groups groups = {GROUPS, of, ptr, cols, w, 0};
  for (int trial = 0; trial < 150; trial++) {
    problem q;
    sp_path path;
    sp_ctx ctx;
    const unsigned what = (unsigned)sp_below(P_ALL + 1) & ~(unsigned)P_FACTORS;
    open_problem(&q, trial % 3 ? N : TALL, P, 1 + trial % 2, trial % 4 == 0 ? 0.7 : 1, what);
    for (int j = 0; j < P; j++) q.v[j] = sp_below(12) ? 1 : INFINITY;
    q.pen.ops = find_penalty(trial % 2 ? "cmcp" : "gel");
    q.pen.gamma = trial % 5 ? 3 : 1;
    q.pen.groups = &groups;
    q.spec.early_stop = 1;
    q.spec.fdev = -INFINITY;
    q.spec.lambda_min_ratio = 0.1;
    sp_ctx_init(&ctx);
    const sp_status st = run_problem(&q, &ctx, &path);
    if (st == SP_OK) {
      for (int l = 0; l < path.L; l++) {
        const sp_point *pt = &path.tasks[0].points[l];
        SP_CHECK(pt->status == SP_POINT_OK && pt->kkt <= 1e-6, "trial %d, lambda %d: status %d, kkt %g", trial, l, pt->status, pt->kkt);
        if (!(what & P_BINOMIAL)) judge(&q, &path, l);
      }
      sp_path_free(&path);
    }
    SP_CHECK(st == SP_OK, "trial %d: %s", trial, sp_status_name(st));
    SP_CHECK(ctx.n_live == 0, "%ld blocks leaked", ctx.n_live);
    close_problem(&q);
  }
}

int main(void) {
  int found = 0;
  for (int i = 0; sp_registry_penalties[i]; i++) {
    if (!sp_registry_penalties[i]->outer) continue;
    found++;
    test_outer(sp_registry_penalties[i]);
  }
  SP_CHECK(found == 2, "%d", found);
  test_fits();
  return spunit_end("test_bilevel");
}
