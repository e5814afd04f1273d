/* The direct solvers against the truth: for few columns every combination of states (zero, free with either sign, at a limit)
 * is tried in extended precision, and the best feasible point is the solution; for more, coordinate descent in extended precision
 * runs until nothing moves. */
#include "quadratic.h"

enum { MOST = 6 };

/* ---- the truth ----------------------------------------------------------------------------------- */

typedef struct dense { /* the problem by its inner products */
  int p;
  real G[40][40], g[40], yy; /* Z'Z + K, Z'y, y'y */
  const quadratic *s;
} dense;

static void dense_of(dense *d, const quadratic *s) {
  d->p = s->p;
  d->s = s;
  d->yy = 0;
  for (int i = 0; i < s->n; i++) d->yy += (real)s->y[i] * s->y[i];
  for (int j = 0; j < s->p; j++) {
    const real *z = s->Z + j * s->n;
    d->g[j] = 0;
    for (int i = 0; i < s->n; i++) d->g[j] += z[i] * s->y[i];
    for (int l = 0; l < s->p; l++) d->G[j][l] = inner(z, s->Z + l * s->n, s->n) + (j == l ? s->k[j] : 0);
  }
}

static real objective(const dense *d, const real *b) {
  real f = d->yy / 2;
  for (int j = 0; j < d->p; j++) {
    real Gb = 0;
    for (int l = 0; l < d->p; l++) Gb += d->G[j][l] * b[l];
    f += (Gb / 2 - d->g[j]) * b[j] + d->s->t[j] * fabsl(b[j]);
  }
  return f;
}

/* A x = b, m x m; 0 when A is singular for all purposes */
static int solve(int m, real A[MOST][MOST], real *b) {
  for (int c = 0; c < m; c++) {
    int best = c;
    for (int r = c + 1; r < m; r++) best = fabsl(A[r][c]) > fabsl(A[best][c]) ? r : best;
    if (fabsl(A[best][c]) < 1e-11L) return 0;
    for (int k = 0; k < m; k++) {
      const real x = A[c][k];
      A[c][k] = A[best][k];
      A[best][k] = x;
    }
    const real x = b[c];
    b[c] = b[best];
    b[best] = x;
    for (int r = c + 1; r < m; r++) {
      const real f = A[r][c] / A[c][c];
      for (int k = c; k < m; k++) A[r][k] -= f * A[c][k];
      b[r] -= f * b[c];
    }
  }
  for (int c = m - 1; c >= 0; c--) {
    for (int k = c + 1; k < m; k++) b[c] -= A[c][k] * b[k];
    b[c] /= A[c][c];
  }
  return 1;
}

enum { AT_ZERO, POSITIVE, NEGATIVE, AT_HI, AT_LO, STATES };

/* Every feasible candidate is an upper bound of the minimum, and the solution (one whose free columns are independent) is among them. */
static real enumerate(const dense *d, real *solution) {
  real least = d->yy / 2;
  int state[MOST] = {0}, count = 1;
  memset(solution, 0, (size_t)d->p * sizeof *solution);
  for (int j = 0; j < d->p; j++) count *= STATES;
  for (int code = 0; code < count; code++) {
    real b[MOST] = {0}, A[MOST][MOST], rhs[MOST];
    int set[MOST], m = 0, feasible = 1;
    for (int j = 0, rest = code; j < d->p; j++, rest /= STATES) {
      state[j] = rest % STATES;
      if (state[j] == AT_HI) b[j] = d->s->hi[j];
      if (state[j] == AT_LO) b[j] = d->s->lo[j];
      if (state[j] == POSITIVE || state[j] == NEGATIVE) set[m++] = j;
      feasible &= isfinite(b[j]);
    }
    if (!feasible) continue;
    for (int r = 0; r < m; r++) {
      const int j = set[r];
      rhs[r] = d->g[j] - (state[j] == POSITIVE ? 1 : -1) * d->s->t[j];
      for (int l = 0; l < d->p; l++) rhs[r] -= d->G[j][l] * b[l];
      for (int c = 0; c < m; c++) A[r][c] = d->G[j][set[c]];
    }
    if (!solve(m, A, rhs)) continue;
    for (int r = 0; r < m; r++) {
      b[set[r]] = rhs[r];
      feasible &= rhs[r] <= d->s->hi[set[r]] && rhs[r] >= d->s->lo[set[r]];
    }
    if (!feasible) continue;
    const real f = objective(d, b);
    if (f < least) {
      least = f;
      memcpy(solution, b, (size_t)d->p * sizeof *b);
    }
  }
  return least;
}

static real descend(const dense *d, real *b) {
  memset(b, 0, (size_t)d->p * sizeof *b);
  for (int sweep = 0; sweep < 200000; sweep++) {
    real moved = 0;
    for (int j = 0; j < d->p; j++) {
      const real t = d->s->t[j];
      real c = d->g[j];
      if (d->G[j][j] < 1e-25L) continue;
      for (int l = 0; l < d->p; l++) c -= l == j ? 0 : d->G[j][l] * b[l];
      real to = (c > t ? c - t : c < -t ? c + t : 0) / d->G[j][j];
      to = fminl(fmaxl(to, d->s->lo[j]), d->s->hi[j]);
      moved = fmaxl(moved, fabsl(to - b[j]) * sqrtl(d->G[j][j]));
      b[j] = to;
    }
    if (moved < 1e-18L) break;
  }
  return objective(d, b);
}

/* largest violation of the optimality conditions at b, in units of lambda */
static double violation(const dense *d, const real *b) {
  real worst = 0;
  for (int j = 0; j < d->p; j++) {
    const real t = d->s->t[j];
    real c = d->g[j];
    for (int l = 0; l < d->p; l++) c -= d->G[j][l] * b[l];
    const real tiny = 1e-13L; /* what is left of a coefficient that cancelled has no sign */
    const real up = b[j] >= d->s->hi[j] - tiny ? 0 : c - (b[j] >= -tiny ? t : -t);
    const real down = b[j] <= d->s->lo[j] + tiny ? 0 : -c - (b[j] <= tiny ? t : -t);
    worst = fmaxl(worst, fmaxl(up, down));
  }
  return (double)(worst / d->s->q.lambda);
}

/* ---- one solver, one problem --------------------------------------------------------------------- */

typedef sp_status (*engine)(quadratic *s, int *ok);

static sp_status pdas(quadratic *s, int *ok) {
  sp_qp_take_all(&s->q);
  return sp_pdas(&s->q, 0, ok);
}
static sp_status homotopy(quadratic *s, int *ok) { return sp_homotopy(&s->q, ok); }
static sp_status descent(quadratic *s, int *ok) { return sp_cd(&s->q, 200000, ok); }
static sp_status dual(quadratic *s, int *ok) { return sp_dual(&s->q, s->y, ok); }
static sp_status iterative(quadratic *s, int *ok) { /* sparse designs only */
  if (!(s->q.view.design->ops->flags & SP_DESIGN_SPARSE)) return pdas(s, ok);
  sp_status st = sp_qp_set_iterative(&s->q, 1);
  s->q.tol = 1e-13 * s->q.lambda;
  s->q.cg = 1e-12;
  if (st != SP_OK) return st;
  return pdas(s, ok);
}
/* as the driver does: each picks up where the other gave up */
static sp_status escalation(quadratic *s, int *ok) {
  sp_status st = SP_OK;
  for (int round = 0; st == SP_OK && round < 6; round++) {
    st = pdas(s, ok);
    if (st == SP_OK && !*ok) st = round < 3 ? homotopy(s, ok) : descent(s, ok);
    if (st == SP_OK) st = sp_qp_residual(&s->q, s->y);
    sp_qp_corr_all(&s->q);
    if (sp_qp_kkt(&s->q) <= SP_TOL_ACCEPT) break;
  }
  return st;
}

typedef struct tally {
  int runs, solved;
} tally;

/* An engine may give up. What it leaves is consistent all the same, and what the driver would accept is the solution. */
static void run_engine(quadratic *s, const dense *d, const char *name, engine solver, real least, const real *truth,
                       tally *count) {
  sp_qp *q = &s->q;
  real b[40], away = 0, scale = 1;
  int ok = 0;
  if (solver(s, &ok) != SP_OK) exit(2);
  for (int k = 0; k < s->p; k++) {
    b[q->W[k]] = q->b[k];
    SP_CHECK(q->st[k] != SP_ZERO || q->b[k] == 0, "%s: %g in state zero", name, q->b[k]);
    SP_CHECK(q->st[k] != SP_HI || q->b[k] == q->hi[k], "%s: %g is not the upper limit", name, q->b[k]);
    SP_CHECK(q->st[k] != SP_LO || q->b[k] == q->lo[k], "%s: %g is not the lower limit", name, q->b[k]);
  }
  for (int i = 0; i < s->n; i++) { /* r belongs to b */
    real r = s->y[i];
    for (int j = 0; j < s->p; j++) r -= s->Z[j * s->n + i] * b[j];
    away = fmaxl(away, fabsl(r - q->r[i]));
    scale = fmaxl(scale, fabsl(r));
  }
  SP_CHECK(!ok || away <= 1e-8L * scale, "%s: residual off by %g", name, (double)away);
  if (sp_qp_residual(q, s->y) != SP_OK) exit(2);
  if (q->a == 0 && q->has_ridge) { /* the dual engine's free columns have no slot */
    sp_view_dot(&q->view, q->W, q->nW, q->r, q->c);
  } else {
    sp_qp_corr_all(q);
  }
  count->runs++;
  if (!(sp_qp_kkt(q) <= sp_qp_accept(q))) return;
  count->solved++;
  const real f = objective(d, b), size = 1 + d->yy;
  const double worst = violation(d, b);
  int inside = 1;
  for (int j = 0; j < s->p; j++) inside &= b[j] <= s->hi[j] + 1e-12L && b[j] >= s->lo[j] - 1e-12L;
  SP_CHECK(inside, "%s: outside its limits", name);
  SP_CHECK(f <= least + 1e-12L * size, "%s, n = %d, p = %d: objective %.15Lg, least %.15Lg", name, s->n, s->p, f, least);
  SP_CHECK(f >= least - 1e-12L * size, "%s: objective %.15Lg below the least %.15Lg", name, f, least);
  SP_CHECK(worst <= 1e-8, "%s, n = %d, p = %d: violation %g", name, s->n, s->p, worst);
  if (q->has_ridge) { /* unique */
    for (int j = 0; j < s->p; j++) {
      SP_CHECK(fabsl(b[j] - truth[j]) <= 1e-7L, "%s: coefficient %d: %Lg not %Lg", name, j, b[j], truth[j]);
    }
  }
}

static void reset(quadratic *s, const real *start) {
  sp_qp *q = &s->q;
  if (sp_qp_set_iterative(q, 0) != SP_OK) exit(2);
  for (int k = 0; k < s->p; k++) {
    const double b = start == NULL ? 0 : (double)start[q->W[k]];
    q->b[k] = fmin(fmax(b, q->lo[k]), q->hi[k]);
    q->s[k] = q->c[k] = q->q[k] = 0;
  }
  if (sp_qp_from_b(q) != SP_OK || sp_qp_residual(q, s->y) != SP_OK) exit(2);
}

static const struct {
  const char *name;
  engine run;
  int needs_ridge;
  double often; /* solves at least this share of the problems below */
} engines[] = {{"active set", pdas, 0, 0.85}, {"homotopy", homotopy, 0, 0.97},   {"descent", descent, 0, 0.9},
               {"dual", dual, 1, 0.9},        {"iterative", iterative, 0, 0.85}, {"escalation", escalation, 0, 1}};
enum { ENGINES = sizeof engines / sizeof *engines };

static void test_problem(int kind, int n, int p, int k0, double ridge, int limits, int uneven, tally *counts) {
  quadratic s;
  dense d;
  real truth[40], start[40];
  const double lambda = kind == Q_TIES ? 1 + sp_below(3) : pow(10, -2 * sp_uniform());
  open_quadratic(&s, n, p, k0, kind, kind == Q_SPARSE || sp_below(2), lambda, ridge, limits, uneven);
  dense_of(&d, &s);
  const real least = p <= MOST ? enumerate(&d, truth) : descend(&d, truth);
  SP_CHECK(violation(&d, truth) <= 1e-9, "the truth: violation %g, n = %d, p = %d", violation(&d, truth), n, p);
  for (int e = 0; e < ENGINES; e++) {
    if (engines[e].needs_ridge && ridge == 0) continue;
    for (int warm = 0; warm < 2; warm++) {
      /* a column in the span of the unpenalized directions never gets a coefficient */
      for (int j = 0; j < p; j++) {
        start[j] = sp_below(2) || d.G[j][j] - s.k[j] < 1e-20L ? 0 : truth[j] + 0.3L * (real)sp_normal();
      }
      reset(&s, warm ? start : NULL);
      run_engine(&s, &d, engines[e].name, engines[e].run, least, truth, &counts[e]);
    }
  }
  close_quadratic(&s);
}

/* fewer columns than directions to project off, none that any response could use */
static void test_nothing_to_do(void) {
  quadratic s;
  int ok;
  open_quadratic(&s, 5, 3, 0, Q_NORMAL, 0, 100.0, 0, 0, 0);
  for (int e = 0; e < ENGINES; e++) {
    if (engines[e].needs_ridge) continue;
    reset(&s, NULL);
    SP_CHECK(engines[e].run(&s, &ok) == SP_OK && ok && s.q.a == 0, "%s", engines[e].name);
    SP_CHECK(sp_same_bits(s.q.r, s.y, (size_t)s.n), "%s changes the residual", engines[e].name);
  }
  close_quadratic(&s);
}

int main(void) {
  tally counts[ENGINES] = {{0, 0}};
  for (int trial = 0; trial < 320; trial++) {
    const int p = 1 + sp_below(trial % 8 == 0 ? 6 : 5), n = 2 + sp_below(10);
    test_problem(trial % Q_KINDS, n, p, sp_below(2), trial / 4 % 3 == 0 ? 0.3 * sp_uniform() + 1e-3 : 0,
                 trial / 12 % 2, sp_below(2), counts);
  }
  for (int trial = 0; trial < 60; trial++) { /* more columns than rows: the dual's case, and long paths for the others */
    test_problem(trial % 2 ? Q_NORMAL : Q_SPARSE, 5 + sp_below(15), 10 + sp_below(28), sp_below(3),
                 0.02 + 0.3 * sp_uniform(), trial / 2 % 2, 1, counts);
  }
  test_nothing_to_do();
  for (int e = 0; e < ENGINES; e++) {
    SP_CHECK(counts[e].solved >= engines[e].often * counts[e].runs, "%s solved %d of %d", engines[e].name,
             counts[e].solved, counts[e].runs);
  }
  return spunit_end("test_solver");
}
