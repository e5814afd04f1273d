/* Penalties with norms of blocks: the laws of the operations on a block, and whole fits judged by formulas written here. */
#include "problem.h"

/* ---- one block --------------------------------------------------------------------------------- */

static double dot_of(const double *a, const double *b, int m) {
  double s = 0;
  for (int j = 0; j < m; j++) s += a[j] * b[j];
  return s;
}

static double soft_of(double z, double t) { return z > t ? z - t : z < -t ? z + t : 0; }

/* argmin |u - a|^2 / 2 + T |u| + sum t_j |u_j| + k |u|^2 / 2 */
static void prox(int m, double T, const double *t, double k, const double *a, double *u) {
  for (int j = 0; j < m; j++) u[j] = soft_of(a[j], t[j]);
  const double nu = sqrt(dot_of(u, u, m)), f = nu > T ? (1 - T / nu) / (1 + k) : 0;
  for (int j = 0; j < m; j++) u[j] *= f;
}

static const sp_penalty_ops *group_ops(void) {
  for (int i = 0; sp_registry_penalties[i] != NULL; i++) {
    if (strcmp(sp_registry_penalties[i]->name, "group") == 0) return sp_registry_penalties[i];
  }
  return NULL;
}

static void test_laws(void) {
  static const double alphas[] = {1, 0.5, 0.05}, taus[] = {0, 0.05, 0.5, 0.95, 1};
  for (int trial = 0; trial < 6000; trial++) {
    const int m = 1 + sp_below(7);
    const sp_penalty pen = {.ops = group_ops(), .alpha = alphas[trial % 3], .tau = taus[trial % 5]};
    double v[8], a[8], u[8], z[8], t[8], e[8], zero[8] = {0}, l1 = 0;
    for (int j = 0; j < m; j++) v[j] = 0.2 + sp_uniform();
    const sp_pen_block bl = {m, 0.3 + 2 * sp_uniform(), 0.5 + sp_uniform(), v, 1, 0, NULL, NULL};
    const double lambda = pow(10, 2 * sp_uniform() - 1), size = lambda * pow(10, 2 * sp_uniform() - 0.5);
    const double T = lambda * pen.alpha * (1 - pen.tau) * bl.w, k = lambda * (1 - pen.alpha) * bl.kv;
    for (int j = 0; j < m; j++) {
      t[j] = lambda * pen.alpha * pen.tau * v[j];
      a[j] = size * sp_normal();
    }
    prox(m, T, t, k, a, u);
    for (int j = 0; j < m; j++) {
      z[j] = a[j] - u[j]; /* a subgradient at u */
      l1 += t[j] * fabs(u[j]);
    }
    const double nu = sqrt(dot_of(u, u, m)), value = T * nu + l1 + k * nu * nu / 2, unit = lambda + size;
    SP_CHECK(fabs(pen.ops->block_value(&pen, lambda, &bl, u) - value) <= 1e-14 * value, "value, trial %d", trial);
    SP_CHECK(pen.ops->block_violation(&pen, lambda, &bl, u, z) <= 1e-13 * unit, "violation %g, trial %d",
             pen.ops->block_violation(&pen, lambda, &bl, u, z), trial);
    SP_CHECK(pen.ops->block_fenchel_young(&pen, lambda, &bl, u, z) <= 1e-13 * unit * (1 + nu), "equality, trial %d", trial);
    /* the prox with a step: that of the penalty times the step */
    double stepped[8], byhand[8];
    const double step = pow(10, 2 * sp_uniform() - 1);
    for (int j = 0; j < m; j++) e[j] = step * t[j];
    prox(m, step * T, e, step * k, a, byhand);
    pen.ops->block_prox(&pen, lambda, &bl, a, step, stepped);
    for (int j = 0; j < m; j++) {
      SP_CHECK(fabs(stepped[j] - byhand[j]) <= 1e-13 * unit, "prox, trial %d", trial);
      e[j] = (a[j] - stepped[j]) / step;
    }
    const double none = pen.ops->block_violation(&pen, lambda, &bl, stepped, e);
    SP_CHECK(none <= 1e-12 * unit * (1 + 1 / step), "violation %g at the prox, step %g, trial %d", none, step, trial);
    pen.ops->block_prox(&pen, lambda, &bl, a, step, a); /* in place */
    for (int j = 0; j < m; j++) {
      SP_CHECK(a[j] == stepped[j], "prox in place, trial %d", trial);
      a[j] = stepped[j] + step * e[j];
    }
    /* distance from the subdifferential where that is one point */
    int inside = nu > 0;
    for (int j = 0; j < m; j++) {
      inside &= u[j] != 0;
      e[j] = sp_normal();
    }
    double moved[8];
    for (int j = 0; j < m; j++) moved[j] = z[j] + e[j];
    if (inside) {
      SP_CHECK(fabs(pen.ops->block_violation(&pen, lambda, &bl, u, moved) - sqrt(dot_of(e, e, m))) <= 1e-12 * (unit + 3),
               "distance, trial %d", trial);
    }
    /* gauge: zero is optimal from there on */
    const double g = pen.ops->block_gauge(&pen, &bl, a);
    SP_CHECK(pen.ops->block_violation(&pen, g * (1 + 1e-12), &bl, zero, a) == 0, "gauge above, trial %d", trial);
    SP_CHECK(pen.ops->block_violation(&pen, g * (1 - 1e-9), &bl, zero, a) > 0, "gauge below, trial %d", trial);
    /* scale: into the domain of the conjugate, and no further */
    const double s = pen.ops->block_scale(&pen, lambda, &bl, a);
    double ss = 0, beyond = 0;
    for (int j = 0; j < m; j++) {
      ss += soft_of(s * a[j], t[j]) * soft_of(s * a[j], t[j]);
      beyond += soft_of(1.0001 * s * a[j], t[j]) * soft_of(1.0001 * s * a[j], t[j]);
    }
    SP_CHECK(s > 0 && s <= 1 && (k > 0 ? s == 1 : sqrt(ss) <= T + 1e-12 * unit && (s == 1 || sqrt(beyond) > T)), "scale %g, trial %d", s, trial);
    /* Fenchel-Young: not less than any point of the conjugate's supremum shows, and that much at its maximizer */
    double w[8], zs[8], best = -INFINITY;
    for (int j = 0; j < m; j++) {
      zs[j] = s * a[j];
      w[j] = size * sp_normal() / (1 + k);
    }
    const double fy = pen.ops->block_fenchel_young(&pen, lambda, &bl, w, zs), omega = pen.ops->block_value(&pen, lambda, &bl, w);
    for (int i = 0; i < 40; i++) {
      double x[8], cut = 0;
      if (i == 0) { /* the maximizer */
        for (int j = 0; j < m; j++) cut += soft_of(zs[j], t[j]) * soft_of(zs[j], t[j]);
        cut = sqrt(cut);
        for (int j = 0; j < m; j++) x[j] = cut > T && k > 0 ? (1 - T / cut) / k * soft_of(zs[j], t[j]) : 0;
      } else {
        for (int j = 0; j < m; j++) x[j] = (i % 4) * size * sp_normal() / (1 + k);
      }
      best = fmax(best, dot_of(zs, x, m) - pen.ops->block_value(&pen, lambda, &bl, x));
    }
    SP_CHECK(fabs(fy - (omega - dot_of(zs, w, m) + best)) <= 1e-10 * (omega + fabs(best) + unit * unit), "conjugate: %g, not %g, trial %d", fy,
             omega - dot_of(zs, w, m) + best, trial);
  }
}

/* ---- whole fits -------------------------------------------------------------------------------- */

enum { F_GAUSSIAN, F_BINOMIAL, F_POISSON, F_MGAUSSIAN, F_MULTINOMIAL, FAMILIES };
static const char *const family_names[] = {"gaussian", "binomial", "poisson", "mgaussian", "multinomial"};

typedef struct fit {
  problem q;
  sp_groups gr;
  int *of, *ptr, *cols;
  double *w, *y;
  int family, K;
} fit;

/* p columns in groups of 1 to 5, shuffled */
static void open_fit(fit *f, int n, int p, int B, int family, double alpha, double tau, unsigned what, int across) {
  memset(f, 0, sizeof *f);
  open_problem(&f->q, n, p, B, alpha, (what & ~(unsigned)(P_LIMITS | P_BINOMIAL | P_PROPORTIONS | P_FACTORS)) |
                                          (family == F_BINOMIAL ? P_BINOMIAL : 0));
  f->family = family;
  f->K = family >= F_MGAUSSIAN ? 3 : 1;
  f->of = sp_block((size_t)p, sizeof(int));
  f->ptr = sp_block((size_t)p + 1, sizeof(int));
  f->cols = sp_block((size_t)p, sizeof(int));
  f->w = sp_block((size_t)p, sizeof(double));
  /* an unpenalized group may fit a response that is not gaussian perfectly: only where that does not happen by chance */
  const int free_group = family == F_GAUSSIAN || family == F_MGAUSSIAN || (n >= 80 && !(what & (P_TIES | P_SPARSE)));
  int G = 0;
  for (int j = 0, left = 0; j < p; j++) {
    if (!left--) {
      left = sp_below(5);
      G++;
    }
    f->of[j] = G - 1;
  }
  for (int j = p - 1; j > 0 && !(what & P_TIES); j--) {
    const int i = sp_below(j + 1), keep = f->of[i];
    f->of[i] = f->of[j];
    f->of[j] = keep;
  }
  int at = 0;
  for (int g = 0; g < G; g++) {
    f->ptr[g] = at;
    for (int j = 0; j < p; j++) {
      if (f->of[j] == g) f->cols[at++] = j;
    }
    f->w[g] = sqrt(at - f->ptr[g]) * (what & P_FACTORS ? (g == 0 && free_group ? 0 : 0.5 + sp_uniform()) : 1);
  }
  f->ptr[G] = at;
  if (what & P_FACTORS) {
    for (int j = 0; j < p; j++) f->q.v[j] = f->w[f->of[j]] == 0 ? 0 : 0.5 + sp_uniform();
  }
  f->gr = (sp_groups){G, f->of, f->ptr, f->cols, f->w, across};
  f->q.pen = (sp_penalty){.ops = group_ops(), .alpha = alpha, .tau = tau, .groups = &f->gr};
  f->y = sp_block((size_t)(n * f->K), sizeof(double));
  for (int i = 0; i < n; i++) {
    const double base = family == F_BINOMIAL ? 0 : f->q.y[i];
    int class = sp_below(3);
    if (base > 4 && sp_below(3)) class = 2;
    if (base < 2 && sp_below(3)) class = 0;
    if (i < 2 * f->K) class = i % f->K; /* every class in every task */
    for (int k = 0; k < f->K; k++) {
      double *y = &f->y[i + k * n];
      if (family == F_MULTINOMIAL) *y = class == k;
      else if (family == F_MGAUSSIAN) *y = (k - 0.7) * base + sp_normal();
      else if (family == F_POISSON) *y = floor(fmin(20, exp(0.4 * base - 0.5) + sp_uniform()));
      else *y = f->q.y[i];
    }
  }
  f->q.spec.loss = find_loss(family_names[family]);
  f->q.spec.data.K = f->K;
  f->q.spec.y = f->y;
  if (f->K > 1 && f->q.offset) {
    free(f->q.offset);
    f->q.offset = sp_normals((size_t)(n * f->K));
    f->q.spec.offset = f->q.offset;
  }
  f->q.spec.v = f->q.v;
  f->q.spec.lambda_min_ratio = 0.05;
  f->q.spec.fdev_relative = 1;
}

static void close_fit(fit *f) {
  close_problem(&f->q);
  void *all[] = {f->of, f->ptr, f->cols, f->w, f->y};
  for (size_t i = 0; i < sizeof all / sizeof *all; i++) free(all[i]);
}

static void mean_of_row(int family, int K, const double *eta, double *mu) {
  double sum = 0;
  for (int k = 0; k < K; k++) {
    mu[k] = family == F_BINOMIAL ? 1 / (1 + exp(-eta[k])) : family == F_POISSON || family == F_MULTINOMIAL ? exp(eta[k]) : eta[k];
    sum += mu[k];
  }
  for (int k = 0; k < K && family == F_MULTINOMIAL; k++) mu[k] /= sum;
}

typedef struct judged {
  double kkt, score, penalty, loss, *b;
} judged;

/* Largest violation of the optimality conditions / lambda, from the data and the coefficients in the units of X. b [p K] */
static judged judge_fit(const fit *f, int task, double lambda, const double *b, const double *b0) {
  const int n = f->q.x.n, p = f->q.x.p, K = f->K;
  const sp_penalty *pen = &f->q.pen;
  judged out = {0};
  double total = 0, sy = 1, *r = sp_block((size_t)(n * K), sizeof *r), *z = sp_block((size_t)(p * K), sizeof *z),
         *u = sp_block((size_t)(p * K), sizeof *u);
  const double *wt = f->q.weights + (ptrdiff_t)task * n;
  char *constant = sp_block((size_t)p, 1);
  for (int i = 0; i < n; i++) total += wt[i];
  if (f->family == F_GAUSSIAN) {
    double m = 0, s = 0;
    for (int i = 0; i < n; i++) m += wt[i] / total * (f->y[i] - (f->q.offset ? f->q.offset[i] : 0));
    if (!f->q.spec.intercept) m = 0;
    for (int i = 0; i < n; i++) s += wt[i] / total * pow(f->y[i] - (f->q.offset ? f->q.offset[i] : 0) - m, 2);
    sy = sqrt(s);
  }
  for (int i = 0; i < n; i++) {
    double eta[3], mu[3];
    for (int k = 0; k < K; k++) {
      eta[k] = b0[k] + (f->q.offset ? f->q.offset[i + k * n] : 0);
      for (int j = 0; j < p; j++) eta[k] += cell(&f->q.x, i, j) * b[j * K + k];
    }
    mean_of_row(f->family, K, eta, mu);
    for (int k = 0; k < K; k++) r[i + k * n] = wt[i] / total * (f->y[i + k * n] - mu[k]);
  }
  for (int k = 0; k < K && f->q.spec.intercept; k++) {
    double s = 0;
    for (int i = 0; i < n; i++) s += r[i + k * n];
    out.score = fmax(out.score, fabs(s));
  }
  for (int j = 0; j < p; j++) {
    double m = 0, s2 = 0;
    for (int i = 0; i < n; i++) m += wt[i] / total * cell(&f->q.x, i, j);
    for (int i = 0; i < n; i++) s2 += wt[i] / total * pow(cell(&f->q.x, i, j) - m, 2);
    constant[j] = sqrt(s2) <= 1e-13 * fabs(m) || s2 == 0;
    const double sd = f->q.spec.standardize && !constant[j] ? sqrt(s2) : 1;
    for (int k = 0; k < K; k++) {
      double c = 0;
      for (int i = 0; i < n; i++) c += r[i + k * n] * (cell(&f->q.x, i, j) - (f->q.spec.intercept ? m : 0));
      z[j * K + k] = constant[j] ? 0 : c / sd;
      u[j * K + k] = b[j * K + k] * sd;
    }
  }
  for (int g = 0; g < f->gr.G; g++) {
    for (int k0 = 0; k0 < (f->gr.across ? 1 : K); k0++) {
      const int k1 = f->gr.across ? K : k0 + 1;
      double h = 0, ss = 0, vbar = 0;
      for (int a = f->ptr[g]; a < f->ptr[g + 1]; a++) {
        vbar += f->q.v[f->cols[a]] / (f->ptr[g + 1] - f->ptr[g]);
        for (int k = k0; k < k1; k++) h += pow(u[f->cols[a] * K + k], 2);
      }
      h = sqrt(h);
      const double T = lambda * pen->alpha * (1 - pen->tau) * f->w[g], wt_g = (1 - pen->tau) * f->w[g] + pen->tau * vbar;
      const double ridge = lambda * (1 - pen->alpha) * wt_g / sy;
      for (int a = f->ptr[g]; a < f->ptr[g + 1]; a++) {
        const int j = f->cols[a];
        const double t = lambda * pen->alpha * pen->tau * f->q.v[j];
        for (int k = k0; k < k1; k++) {
          const double x = u[j * K + k], c = z[j * K + k];
          const double e = x == 0 ? soft_of(c, t) : c - (x > 0 ? t : -t) - ridge * x - T * x / h;
          ss += e * e;
        }
      }
      const double viol = h > 0 ? sqrt(ss) : fmax(0, sqrt(ss) - T);
      out.kkt = fmax(out.kkt, viol / (lambda * (wt_g > 0 ? wt_g : 1)));
    }
  }
  free(r);
  free(z);
  free(u);
  free(constant);
  return out;
}

static void all_coefficients(const sp_path *path, int task, int l, double *b, double *b0) {
  const sp_task *t = &path->tasks[task];
  const int room = sp_heldout_room(t, l) + 1;
  int *cols = sp_block((size_t)room, sizeof *cols), count;
  double *vals = sp_block((size_t)room, sizeof *vals);
  sp_heldout_coef(t, l, cols, vals, &count, b0);
  for (int c = 0; c < t->m.p; c++) b[c] = 0;
  for (int i = 0; i < count; i++) b[cols[i]] = vals[i];
  free(cols);
  free(vals);
}

static void test_fits(void) {
  static const double alphas[] = {1, 1, 0.5, 0.05}, taus[] = {0, 0, 0.5, 0.05, 0.95};
  double worst = 0, worst_gap = 0;
  for (int trial = 0; trial < 240; trial++) {
    const int family = trial % FAMILIES, tall = sp_below(3) == 0, n = tall ? 90 : 45, p = tall ? 25 : 80;
    const double alpha = alphas[sp_below(4)], tau = taus[sp_below(5)];
    unsigned what = (unsigned)sp_below(P_ALL + 1);
    if (what & P_TIES && sp_below(2)) what &= ~(unsigned)P_TIES;
    const int across = sp_below(3) > 0, B = 1 + 2 * (sp_below(3) == 0);
    fit f;
    sp_ctx ctx;
    sp_path path;
    open_fit(&f, n, p, B, family, alpha, tau, what, across);
    f.q.spec.screen = sp_below(4) > 0;
    sp_ctx_init(&ctx);
    ctx.threads = 1 + sp_below(2);
    const sp_status st = run_problem(&f.q, &ctx, &path);
    SP_CHECK(st == SP_OK, "trial %d: %s", trial, sp_status_name(st));
    if (st != SP_OK) continue;
    double *b = sp_block((size_t)(p * f.K), sizeof *b), b0[3];
    for (int t = 0; t < B; t++) {
      for (int l = 0; l < path.L; l++) {
        all_coefficients(&path, t, l, b, b0);
        const judged j = judge_fit(&f, t, path.lambda[l], b, b0);
        const sp_point *pt = &path.tasks[t].points[l];
        SP_CHECK(pt->gap <= 1e-7 && j.kkt <= 1e-6 && j.score <= 1e-6 * path.lambda[l],
                 "%s, trial %d, alpha %g tau %g across %d what %u, n %d, task %d, lambda %d: gap %g, kkt %g (reported %g), score %g", family_names[family],
                 trial, alpha, tau, across, what, n, t, l, pt->gap, j.kkt, pt->kkt, j.score);
        if (l == 0 && t == 0 && family != F_POISSON) {
          SP_CHECK(pt->df == 0 || (what & P_FACTORS), "trial %d: %d coefficients at lambda_max", trial, pt->df);
        }
        worst = fmax(worst, j.kkt);
        worst_gap = fmax(worst_gap, pt->gap);
      }
    }
    free(b);
    sp_path_free(&path);
    SP_CHECK(ctx.n_live == 0, "trial %d: %ld blocks leaked", trial, ctx.n_live);
    close_fit(&f);
  }
  printf("fits: worst kkt %.1e, worst gap %.1e\n", worst, worst_gap);
}

/* groups of one column are the lasso; so is a sparse group lasso without norms; no alpha, no groups */
static void test_identities(void) {
  for (int trial = 0; trial < 60; trial++) {
    const int family = trial % 3 == 2 ? F_BINOMIAL : F_GAUSSIAN, kind = trial % 4, n = 50, p = 40;
    const double alpha = kind == 3 ? 0 : trial % 2 ? 0.5 : 1;
    fit f;
    sp_ctx ctx;
    sp_path one, other;
    double *b = sp_block((size_t)p, sizeof *b), *c = sp_block((size_t)p, sizeof *c), b0, c0;
    open_fit(&f, n, p, 1, family, alpha, kind == 1 ? 1 : kind == 2 ? 0.4 : 0, trial % 5 ? P_WEIGHTS | P_OFFSET : P_NO_STANDARDIZE, 1);
    if (kind != 1) { /* column j alone in group j */
      f.gr.G = p;
      for (int j = 0; j < p; j++) {
        f.of[j] = f.cols[j] = f.ptr[j] = j;
        f.w[j] = f.q.v[j] = 0.5 + sp_uniform();
      }
      f.ptr[p] = p;
    }
    sp_ctx_init(&ctx);
    if (run_problem(&f.q, &ctx, &one) != SP_OK) exit(2);
    f.q.pen = (sp_penalty){.ops = find_penalty("enet"), .alpha = alpha};
    if (run_problem(&f.q, &ctx, &other) != SP_OK) exit(2);
    for (int l = 0; l < one.L; l++) {
      double apart = 0, size = 0;
      all_coefficients(&one, 0, l, b, &b0);
      all_coefficients(&other, 0, l, c, &c0);
      for (int j = 0; j < p; j++) {
        apart = fmax(apart, fabs(b[j] - c[j]));
        size = fmax(size, fabs(c[j]));
      }
      SP_CHECK(fabs(one.lambda[l] / other.lambda[l] - 1) < 1e-12, "kind %d: lambda %g, not %g", kind, one.lambda[l], other.lambda[l]);
      SP_CHECK(apart <= 1e-7 * (size + 1e-3), "kind %d, family %d, alpha %g, lambda %d: %g apart", kind, family, alpha, l, apart);
    }
    sp_path_free(&one);
    sp_path_free(&other);
    close_fit(&f);
    free(b);
    free(c);
  }
}

/* Proximal gradient from nothing, on standardized columns: 1/2 sum w (y - x'b)^2 + penalty. Gaussian, tau and T as they are. */
static double slow_objective(const fit *f, double lambda, const double *b, double b0, int minimize) {
  const int n = f->q.x.n, p = f->q.x.p;
  double *X = sp_block((size_t)(n * p), sizeof *X), *r = sp_block((size_t)n, sizeof *r), *u = sp_block((size_t)p, sizeof *u),
         *old = sp_block((size_t)p, sizeof *old), *at = sp_block((size_t)p, sizeof *at), sy = 0, my = 0, top = 0, obj = 0, momentum = 1;
  for (int i = 0; i < n; i++) my += f->y[i] / n;
  for (int i = 0; i < n; i++) sy += pow(f->y[i] - my, 2) / n;
  sy = sqrt(sy);
  for (int j = 0; j < p; j++) {
    double m = 0, s = 0;
    for (int i = 0; i < n; i++) m += cell(&f->q.x, i, j) / n;
    for (int i = 0; i < n; i++) s += pow(cell(&f->q.x, i, j) - m, 2) / n;
    for (int i = 0; i < n; i++) X[j * n + i] = (cell(&f->q.x, i, j) - m) / sqrt(s);
    u[j] = minimize ? 0 : b[j] * sqrt(s);
    top += 1; /* trace of X'X / n */
  }
  (void)b0;
  const sp_penalty *pen = &f->q.pen;
  for (int it = 0; it <= (minimize ? 20000 : 0); it++) {
    if (minimize) { /* Nesterov, started again every 200 steps */
      const double next = (1 + sqrt(1 + 4 * momentum * momentum)) / 2;
      for (int j = 0; j < p; j++) at[j] = u[j] + (momentum - 1) / next * (u[j] - old[j]);
      momentum = it % 200 == 199 ? 1 : next;
      memcpy(old, u, (size_t)p * sizeof *u);
      for (int i = 0; i < n; i++) r[i] = f->y[i] - my;
      for (int j = 0; j < p; j++) {
        for (int i = 0; i < n && at[j] != 0; i++) r[i] -= X[j * n + i] * at[j];
      }
      for (int j = 0; j < p; j++) {
        double g = 0;
        for (int i = 0; i < n; i++) g += X[j * n + i] * r[i] / n;
        at[j] += g / top;
      }
      for (int g = 0; g < f->gr.G; g++) {
        const int m = f->ptr[g + 1] - f->ptr[g];
        double a[8], out[8], t[8];
        for (int i = 0; i < m; i++) {
          a[i] = at[f->cols[f->ptr[g] + i]];
          t[i] = lambda * pen->alpha * pen->tau / top;
        }
        prox(m, lambda * pen->alpha * (1 - pen->tau) * f->w[g] / top, t,
             lambda * (1 - pen->alpha) * ((1 - pen->tau) * f->w[g] + pen->tau) / sy / top, a, out);
        for (int i = 0; i < m; i++) u[f->cols[f->ptr[g] + i]] = out[i];
      }
    }
  }
  for (int i = 0; i < n; i++) r[i] = f->y[i] - my;
  for (int j = 0; j < p; j++) {
    for (int i = 0; i < n && u[j] != 0; i++) r[i] -= X[j * n + i] * u[j];
  }
  for (int i = 0; i < n; i++) obj += r[i] * r[i] / n / 2;
  for (int g = 0; g < f->gr.G; g++) {
    double ss = 0;
    for (int a = f->ptr[g]; a < f->ptr[g + 1]; a++) {
      ss += u[f->cols[a]] * u[f->cols[a]];
      obj += lambda * pen->alpha * pen->tau * fabs(u[f->cols[a]]);
    }
    obj += lambda * pen->alpha * (1 - pen->tau) * f->w[g] * sqrt(ss) +
           lambda * (1 - pen->alpha) * ((1 - pen->tau) * f->w[g] + pen->tau) * ss / 2 / sy;
  }
  void *all[] = {X, r, u, old, at};
  for (size_t i = 0; i < sizeof all / sizeof *all; i++) free(all[i]);
  return obj;
}

static void test_slow(void) {
  for (int trial = 0; trial < 9; trial++) {
    const int n = 30, p = 16;
    fit f;
    sp_ctx ctx;
    sp_path path;
    double *b = sp_block((size_t)p, sizeof *b), b0;
    open_fit(&f, n, p, 1, F_GAUSSIAN, trial % 2 ? 0.6 : 1, trial % 3 * 0.4, 0, 1);
    sp_ctx_init(&ctx);
    if (run_problem(&f.q, &ctx, &path) != SP_OK) exit(2);
    for (int l = 3; l < path.L; l += 4) {
      all_coefficients(&path, 0, l, b, &b0);
      const double ours = slow_objective(&f, path.lambda[l], b, b0, 0), theirs = slow_objective(&f, path.lambda[l], b, b0, 1);
      SP_CHECK(ours <= theirs + 1e-13 * theirs && theirs - ours < 1e-6 * ours, "trial %d, lambda %d: objective %.15g, proximal gradient %.15g",
               trial, l, ours, theirs);
    }
    sp_path_free(&path);
    close_fit(&f);
    free(b);
  }
}

/* minimizer of k |u|^2 / 2 - a'u + T |u| + sum t |u| in the box, |u| by bisection */
static void box_minimum(int m, double T, const double *t, double k, const double *a, const double *lo, const double *hi, double *u) {
  double from = 0, to = 1e6, ss;
  for (int it = 0; it < 400; it++) {
    const double h = it == 399 ? to : from + (to - from) / 2;
    ss = 0;
    for (int j = 0; j < m; j++) {
      u[j] = fmin(fmax(soft_of(a[j], t[j]) / (T / h + k), lo[j]), hi[j]);
      ss += u[j] * u[j];
    }
    if (sqrt(ss) < h) to = h;
    else from = h;
  }
  for (int j = 0; j < m && to < 1e-100; j++) u[j] = 0;
}

/* The operations of a block with limits */
static void test_box_laws(void) {
  static const double alphas[] = {1, 0.5, 0.05}, taus[] = {0, 0.05, 0.5, 0.95};
  for (int trial = 0; trial < 4000; trial++) {
    const int m = 1 + sp_below(6);
    const sp_penalty pen = {.ops = group_ops(), .alpha = alphas[trial % 3], .tau = taus[trial % 4]};
    double v[6], a[6], u[6], z[6], t[6], st[6], lo[6], hi[6], w[6], x[6], zero[6] = {0};
    const double lambda = pow(10, 2 * sp_uniform() - 1), size = lambda * pow(10, 2 * sp_uniform() - 0.5), unit = lambda + size;
    for (int j = 0; j < m; j++) {
      v[j] = 0.2 + sp_uniform();
      lo[j] = sp_below(3) == 0 ? -INFINITY : -size * sp_uniform() * sp_below(3);
      hi[j] = sp_below(3) == 0 ? INFINITY : size * sp_uniform() * sp_below(3);
      a[j] = size * sp_normal();
    }
    const sp_pen_block bl = {m, 0.3 + 2 * sp_uniform(), 0.5 + sp_uniform(), v, 1, 0, lo, hi};
    const double T = lambda * pen.alpha * (1 - pen.tau) * bl.w, k = lambda * (1 - pen.alpha) * bl.kv, step = pow(10, 2 * sp_uniform() - 1);
    for (int j = 0; j < m; j++) {
      t[j] = lambda * pen.alpha * pen.tau * v[j];
      st[j] = step * t[j];
    }
    pen.ops->block_prox(&pen, lambda, &bl, a, step, u);
    box_minimum(m, step * T, st, 1 + step * k, a, lo, hi, x);
    for (int j = 0; j < m; j++) {
      SP_CHECK(fabs(u[j] - x[j]) <= 1e-12 * unit, "prox in a box: %g, not %g, trial %d", u[j], x[j], trial);
      SP_CHECK(u[j] >= lo[j] && u[j] <= hi[j], "prox in the box, trial %d", trial);
      z[j] = (a[j] - u[j]) / step;
    }
    SP_CHECK(pen.ops->block_violation(&pen, lambda, &bl, u, z) <= 1e-12 * unit * (1 + 1 / step), "violation at the prox: %g, trial %d",
             pen.ops->block_violation(&pen, lambda, &bl, u, z), trial);
    SP_CHECK(pen.ops->block_fenchel_young(&pen, lambda, &bl, u, z) <= 1e-11 * unit * unit * (1 + 1 / step), "equality: %g, trial %d",
             pen.ops->block_fenchel_young(&pen, lambda, &bl, u, z), trial);
    /* zero: optimal exactly where the minimizer is zero */
    box_minimum(m, T, t, 1, a, lo, hi, x);
    const double excess = pen.ops->block_violation(&pen, lambda, &bl, zero, a);
    if (fabs(excess) > 1e-9 * unit || excess == 0) SP_CHECK((excess == 0) == (dot_of(x, x, m) < 1e-18 * unit * unit), "zero, trial %d", trial);
    /* the conjugate: any feasible point is a lower bound of it, the maximizer attains it */
    const double s = pen.ops->block_scale(&pen, lambda, &bl, a) * (trial % 2 ? 1 : 0.9);
    SP_CHECK(s > 0 && s <= 1, "scale, trial %d", trial);
    for (int j = 0; j < m; j++) {
      z[j] = s * a[j];
      w[j] = fmin(fmax(size * sp_normal(), lo[j]), hi[j]);
    }
    const double fy = pen.ops->block_fenchel_young(&pen, lambda, &bl, w, z), omega = pen.ops->block_value(&pen, lambda, &bl, w);
    const double at = omega - dot_of(z, w, m);
    double most = -INFINITY;
    for (int i = 0; i < 20; i++) {
      box_minimum(m, T, t, k, z, lo, hi, x);
      for (int j = 0; j < m && i; j++) x[j] = fmin(fmax((i % 3 + 1) * size * sp_normal(), lo[j]), hi[j]);
      const double here = dot_of(z, x, m) - pen.ops->block_value(&pen, lambda, &bl, x);
      SP_CHECK(fy >= at + here - 1e-10 * (fabs(at) + fabs(here) + unit * unit), "conjugate below a point, trial %d", trial);
      most = fmax(most, here);
    }
    /* at the edge of the domain the supremum may be at infinity */
    if (k > 0 || trial % 2 == 0) {
      SP_CHECK(fabs(fy - at - most) <= 1e-9 * (fabs(at) + fabs(most) + unit * unit), "conjugate: %g, not %g, trial %d", fy, at + most, trial);
    }
  }
}

static void test_limits(void) {
  fit f;
  sp_ctx ctx;
  sp_path path;
  open_fit(&f, 20, 10, 1, F_GAUSSIAN, 1, 0, 0, 1);
  double lower[10] = {0};
  f.q.spec.lower = lower;
  sp_ctx_init(&ctx);
  SP_CHECK(run_problem(&f.q, &ctx, &path) == SP_OK, "limits with groups");
  for (int l = 0; l < path.L; l++) {
    const sp_point *pt = &path.tasks[0].points[l];
    SP_CHECK(pt->gap <= 1e-7, "gap %g at %d", pt->gap, l);
    for (int i = 0; i < pt->count; i++) SP_CHECK(pt->b[i] >= 0, "below the limit");
  }
  sp_path_free(&path);
  close_fit(&f);
}

/* ---- several responses ---------------------------------------------------------------------------- */

static void test_mgaussian(void) {
  for (int trial = 0; trial < 200; trial++) {
    const int n = 1 + sp_below(9), K = 2 + sp_below(3);
    const size_t size = (size_t)(n * K);
    double *y = sp_normals(size), *eta = sp_normals(size), *w = sp_block((size_t)n, sizeof *w), *g = sp_block(size, sizeof *g),
           *h = sp_block(size, sizeof *h), b[4], f = 0, total = 0;
    const double s = sp_uniform();
    for (int i = 0; i < n; i++) total += w[i] = i && sp_below(4) == 0 ? 0 : 0.1 + sp_uniform();
    for (int i = 0; i < n; i++) {
      w[i] /= total;
      if (w[i] == 0) y[i] = NAN; /* not looked at */
    }
    sp_ctx ctx;
    sp_loss loss;
    const sp_loss_data data = {.K = K};
    sp_ctx_init(&ctx);
    if (sp_loss_open(&loss, &ctx, find_loss("mgaussian"), n, NULL, y, w, &data) != SP_OK) exit(2);
    loss.ops->grad_hess(&loss, eta, g, h);
    loss.ops->intercepts(&loss, eta, b);
    for (int k = 0; k < K; k++) {
      double mean = 0;
      for (int i = 0; i < n; i++) {
        const double e = w[i] > 0 ? y[i + k * n] - eta[i + k * n] : 0;
        f += w[i] * e * e / 2;
        mean += w[i] * e;
        SP_CHECK(fabs(g[i + k * n] - w[i] * e) <= 1e-15 && h[i + k * n] == w[i], "gradient %g", g[i + k * n]);
      }
      SP_CHECK(fabs(b[k] - mean) <= 1e-14, "intercept %g, not %g", b[k], mean);
    }
    SP_CHECK(fabs(loss.ops->value(&loss, eta) - f) <= 1e-14 * f && loss.ops->saturated(&loss) == 0, "value %g, not %g", loss.ops->value(&loss, eta), f);
    /* F(eta) + F*(-s g) + s g'eta = (1 - s)^2 F(eta) for a quadratic that vanishes at its least */
    SP_CHECK(fabs(loss.ops->fenchel_young(&loss, eta, s) - (1 - s) * (1 - s) * f) <= 1e-14 * f, "term at %g", s);
    sp_loss_close(&loss);
    void *all[] = {y, eta, w, g, h};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) free(all[i]);
  }
}

/* the metric of shares is that of the root: diag(s) u - s s'u / sum s = S'S u in every row */
static void test_shares(void) {
  for (int trial = 0; trial < 200; trial++) {
    const int n = 1 + sp_below(9), K = 2 + sp_below(4);
    const size_t size = (size_t)(n * K);
    double *y = sp_block(size, sizeof *y), *eta = sp_normals(size), *w = sp_block((size_t)n, sizeof *w), *s = sp_block(size, sizeof *s),
           *u = sp_normals(size), *v = sp_block(size, sizeof *v);
    for (int i = 0; i < n; i++) {
      w[i] = i && sp_below(4) == 0 ? 0 : 0.1 + sp_uniform();
      for (int k = 0; k < K; k++) y[i + k * n] = k == i % K;
    }
    sp_ctx ctx;
    sp_loss loss;
    const sp_loss_data data = {.K = K};
    sp_ctx_init(&ctx);
    if (sp_loss_open(&loss, &ctx, find_loss("multinomial"), n, NULL, y, w, &data) != SP_OK) exit(2);
    if (loss.ops->metric(&loss, eta) != SP_OK) exit(2);
    loss.ops->shares(&loss, s);
    memcpy(v, u, size * sizeof *v);
    loss.ops->root(&loss, SP_ROOT, v);
    loss.ops->root(&loss, SP_ROOT_T, v);
    for (int i = 0; i < n; i++) {
      double sum = 0, mean = 0;
      for (int k = 0; k < K; k++) {
        sum += s[i + k * n];
        mean += s[i + k * n] * u[i + k * n];
      }
      SP_CHECK(fabs(sum - w[i]) <= 1e-15, "shares add up to %g, not %g", sum, w[i]);
      for (int k = 0; k < K; k++) {
        const double e = sum > 0 ? s[i + k * n] * (u[i + k * n] - mean / sum) : 0;
        SP_CHECK(fabs(v[i + k * n] - e) <= 1e-13, "row %d, class %d: %g, not %g", i, k, e, v[i + k * n]);
      }
    }
    sp_loss_close(&loss);
    void *all[] = {y, eta, w, s, u, v};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) free(all[i]);
  }
}

int main(void) {
  test_mgaussian();
  test_shares();
  test_limits();
  test_box_laws();
  test_laws();
  test_fits();
  test_identities();
  test_slow();
  return spunit_end("test_group");
}
