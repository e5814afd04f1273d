/* Entry point of every fit: a list that describes the problems in, a list of solutions out. */
#include <math.h>
#include <string.h>

#include "r_convert.h"
#include "r_glm.h"

/* Everything that must be freed however the call ends; owned by an external pointer with a finalizer. */
typedef struct handle {
  sp_ctx ctx;
  sp_design design;
  sp_design x, running; /* what a cumsum design reads, and one of intervals */
  sp_cumsum sums;
  sp_intervals intervals;
  double *each[3]; /* factors and limits of intervals */
  sp_penalty pen;
  sp_groups groups;
  sp_path path;
  sp_rc_host host;
  sp_rg_family family;
} handle;

static void release(SEXP ptr) {
  handle *h = R_ExternalPtrAddr(ptr);
  if (!h) return;
  sp_path_free(&h->path);
  for (int i = 0; i < 3; i++) sp_free(&h->ctx, h->each[i]);
  sp_intervals_close(&h->ctx, &h->intervals);
  sp_cumsum_close(&h->ctx, &h->sums);
  R_Free(h);
  R_ClearExternalPtr(ptr);
}

static const sp_loss_ops *find_loss(const char *name) {
  for (int i = 0; sp_registry_losses[i]; i++) {
    if (strcmp(sp_registry_losses[i]->name, name) == 0) return sp_registry_losses[i];
  }
  Rf_error("internal error: no loss '%s'", name);
}

static const sp_penalty_ops *find_penalty(const char *name) {
  for (int i = 0; sp_registry_penalties[i]; i++) {
    if (strcmp(sp_registry_penalties[i]->name, name) == 0) return sp_registry_penalties[i];
  }
  Rf_error("internal error: no penalty '%s'", name);
}

/* NULL where there is no such element */
static SEXP optional(SEXP list, const char *name) {
  SEXP names = Rf_getAttrib(list, R_NamesSymbol);
  for (R_xlen_t i = 0; i < Rf_xlength(list); i++) {
    if (strcmp(CHAR(STRING_ELT(names, i)), name) == 0) return VECTOR_ELT(list, i);
  }
  return R_NilValue;
}

/* Neither groups nor a penalty by name: the elastic net */
static void read_penalty(handle *h, SEXP problem, sp_spec *sp) {
  SEXP groups = sp_rc_get(problem, "groups"), pen = optional(problem, "penalty"), bilevel = optional(problem, "bilevel");
  h->pen.alpha = sp_rc_real(problem, "alpha");
  if (pen != R_NilValue) {
    h->pen.ops = find_penalty(sp_rc_string(pen, "name"));
    h->pen.gamma = sp_rc_real(pen, "gamma");
    sp->curvature = sp_rc_reals(problem, "curvature");
    if (h->pen.ops->outer) groups = bilevel; /* groups without norms */
  } else {
    h->pen.ops = find_penalty(groups == R_NilValue ? "enet" : "group");
  }
  if (groups == R_NilValue) return;
  h->groups.of = sp_rc_ints(groups, "of");
  h->groups.ptr = sp_rc_ints(groups, "ptr");
  h->groups.cols = sp_rc_ints(groups, "cols");
  h->groups.w = sp_rc_reals(groups, "w");
  h->groups.G = Rf_length(sp_rc_get(groups, "ptr")) - 1;
  h->groups.across = sp_rc_int(groups, "across");
  h->pen.tau = sp_rc_real(groups, "tau");
  h->pen.groups = &h->groups;
}

/* Sums of neighbouring columns in place of x: factors from those of steps and positions, limits from those of positions */
static sp_status open_intervals(handle *h, SEXP chains, sp_spec *sp) {
  const double *limits[] = {sp_rc_reals(chains, "lower"), sp_rc_reals(chains, "upper")};
  h->running = h->design;
  const sp_status st = sp_intervals_open(&h->ctx, &h->running, sp_rc_ints(chains, "first"), &h->intervals, &h->design);
  if (st != SP_OK) return st;
  for (int i = 0; i < (limits[0] ? 3 : 1); i++) {
    if (!(h->each[i] = sp_alloc(&h->ctx, (size_t)h->design.p, sizeof *h->each[i]))) return SP_ENOMEM;
    if (i) sp_intervals_limits(&h->intervals, limits[i - 1], h->each[i]);
  }
  sp_intervals_each(&h->intervals, sp_rc_reals(chains, "v"), sp_rc_reals(chains, "share"), h->each[0]);
  sp->v = h->each[0];
  sp->lower = h->each[1];
  sp->upper = h->each[2];
  if (sp->dfmax > h->running.p) sp->dfmax = h->design.p + 1;
  if (sp->pmax >= h->running.p) sp->pmax = h->design.p + 1;
  sp->reduce = 0; /* there are more columns than positions, and as many independent ones */
  return SP_OK;
}

/* Columns along chains: the design of their running sums in place of x */
static sp_status open_chains(handle *h, SEXP problem, sp_spec *sp) {
  SEXP chains = optional(problem, "chains");
  if (chains == R_NilValue) return SP_OK;
  h->x = h->design;
  const sp_status st = sp_cumsum_open(&h->ctx, &h->x, sp_rc_ints(chains, "col"), sp_rc_ints(chains, "first"), &h->sums, &h->design);
  return st == SP_OK && optional(chains, "share") != R_NilValue ? open_intervals(h, chains, sp) : st;
}

static enum sp_method find_method(const char *name) {
  static const char *const names[] = {"ista", "fista", "subgradient", "admm"};
  for (int i = 0; i < 4; i++) {
    if (strcmp(names[i], name) == 0) return (enum sp_method)(SP_METHOD_ISTA + i);
  }
  return SP_METHOD_DIRECT;
}

static void read_spec(handle *h, SEXP x, SEXP problem, SEXP control, sp_spec *sp) {
  SEXP lambda = sp_rc_get(problem, "lambda"), weights = sp_rc_get(problem, "weights");
  memset(sp, 0, sizeof *sp);
  sp_rc_design(x, &h->design);
  read_penalty(h, problem, sp);
  sp->design = &h->design;
  sp->loss = find_loss(sp_rc_string(problem, "family"));
  sp->data.entry = sp_rc_reals(problem, "entry");
  sp->data.status = sp_rc_ints(problem, "status");
  sp->data.strata = sp_rc_ints(problem, "strata");
  sp->data.efron = sp_rc_int(problem, "efron");
  sp->data.K = sp_rc_int_or(problem, "predictors", 1);
  sp->data.scale_response = sp_rc_int_or(problem, "standardize.response", 0);
  sp_rg_family_init(&h->family, sp_rc_get(problem, "glm"), &h->host);
  sp->data.host = &h->family.ops;
  sp->pen = &h->pen;
  sp->y = sp_rc_reals(problem, "y");
  sp->offset = sp_rc_reals(problem, "offset");
  sp->weights = sp_rc_reals(problem, "weights");
  sp->B = (int)(Rf_xlength(weights) / h->design.n);
  sp->v = sp_rc_reals(problem, "v");
  sp->y_each = sp_rc_int_or(problem, "y.each", 0);
  sp->v_each = sp_rc_int_or(problem, "v.each", 0);
  sp->v_own = sp_rc_int_or(problem, "v.own", 0);
  sp->w_each = sp_rc_int_or(problem, "w.each", 0);
  sp->lower = sp_rc_reals(problem, "lower");
  sp->upper = sp_rc_reals(problem, "upper");
  sp->lambda = sp_rc_reals(problem, "lambda");
  sp->nlambda = sp->lambda ? Rf_length(lambda) : sp_rc_int(problem, "nlambda");
  sp->lambda_min_ratio = sp_rc_real(problem, "lambda.min.ratio");
  sp->standardize = sp_rc_int(problem, "standardize");
  sp->intercept = sp_rc_int(problem, "intercept");
  sp->early_stop = sp_rc_int(problem, "early.stop");
  sp->fdev = sp_rc_real(problem, "fdev");
  sp->fdev_span = sp_rc_int(problem, "fdev.span");
  sp->fdev_relative = sp_rc_int(problem, "fdev.relative");
  sp->devmax = sp_rc_real(problem, "devmax");
  const double dfmax = sp_rc_real(problem, "dfmax"), pmax = sp_rc_real(problem, "pmax");
  sp->dfmax = dfmax < h->design.p ? (int)dfmax : h->design.p + 1;
  sp->pmax = pmax < h->design.p ? (int)pmax : h->design.p + 1;
  sp->thresh = sp_rc_real(control, "thresh");
  sp->max_iter = sp_rc_int(control, "maxit");
  sp->screen = sp_rc_int(control, "screen");
  sp->force_cd = strcmp(sp_rc_string(control, "solver"), "cd") == 0;
  sp->method = find_method(sp_rc_string(control, "solver"));
  sp->restart = sp_rc_int_or(control, "restart", 0);
  sp->rho = sp_rc_real(control, "rho");
  sp->reduce = sp_rc_int_or(control, "reduce", 1);
  h->ctx.threads = sp_rc_int(control, "threads");
}

static SEXP reals(SEXP list, int at, R_xlen_t n) {
  SEXP v = Rf_allocVector(REALSXP, n);
  SET_VECTOR_ELT(list, at, v);
  return v;
}

static const char *const end_names[] = {"complete", "devmax", "fdev", "dfmax", "pmax", "stalled"};

/* Coefficients of one task as the slots of K compressed matrices, and the intercepts a0 [K x L]; by predictor. */
static SEXP coefficients(const handle *h, const sp_task *t, double *a0) {
  const char *slots[] = {"i", "p", "x", ""};
  const int L = h->path.L, K = t->m.K;
  int room = 1, count;
  for (int l = 0; l < L; l++) {
    const int need = sp_heldout_room(t, l);
    if (need > room) room = need;
  }
  int *cols = (int *)R_alloc((size_t)room, sizeof(int)), *nnz = (int *)R_alloc((size_t)K, sizeof(int));
  double *vals = (double *)R_alloc((size_t)room, sizeof(double));
  memset(nnz, 0, (size_t)K * sizeof *nnz);
  for (int l = 0; l < L; l++) {
    sp_heldout_coef(t, l, cols, vals, &count, a0 + (R_xlen_t)l * K);
    for (int i = 0; i < count; i++) nnz[cols[i] % K]++;
  }
  SEXP all = PROTECT(Rf_allocVector(VECSXP, K));
  for (int k = 0; k < K; k++) {
    SEXP beta = Rf_mkNamed(VECSXP, slots);
    SET_VECTOR_ELT(all, k, beta);
    SET_VECTOR_ELT(beta, 0, Rf_allocVector(INTSXP, nnz[k]));
    SET_VECTOR_ELT(beta, 1, Rf_allocVector(INTSXP, (R_xlen_t)L + 1));
    reals(beta, 2, nnz[k]);
    nnz[k] = 0;
    INTEGER(VECTOR_ELT(beta, 1))[0] = 0;
  }
  for (int l = 0; l < L; l++) {
    sp_heldout_coef(t, l, cols, vals, &count, a0 + (R_xlen_t)l * K);
    for (int i = 0; i < count; i++) {
      const int k = cols[i] % K, at = nnz[k]++;
      INTEGER(VECTOR_ELT(VECTOR_ELT(all, k), 0))[at] = cols[i] / K;
      REAL(VECTOR_ELT(VECTOR_ELT(all, k), 2))[at] = vals[i];
    }
    for (int k = 0; k < K; k++) INTEGER(VECTOR_ELT(VECTOR_ELT(all, k), 1))[l + 1] = nnz[k];
  }
  UNPROTECT(1);
  return all;
}

/* What a textbook method noted, or NULL */
static SEXP trace_list(const sp_task *t) {
  const char *names[] = {"index", "iteration", "objective", "gap", ""};
  if (!t->ref) return R_NilValue;
  const sp_trace *tr = &t->ref->trace;
  SEXP out = PROTECT(Rf_mkNamed(VECSXP, names)), index = Rf_allocVector(INTSXP, tr->n);
  SET_VECTOR_ELT(out, 0, index);
  SEXP iteration = Rf_allocVector(INTSXP, tr->n);
  SET_VECTOR_ELT(out, 1, iteration);
  double *objective = REAL(reals(out, 2, tr->n)), *gap = REAL(reals(out, 3, tr->n));
  for (int i = 0; i < tr->n; i++) {
    INTEGER(index)[i] = tr->lambda[i] + 1;
    INTEGER(iteration)[i] = tr->iteration[i];
    objective[i] = tr->objective[i];
    gap[i] = isnan(tr->gap[i]) ? NA_REAL : tr->gap[i];
  }
  UNPROTECT(1);
  return out;
}

/* One task as a list; coefficients only when asked for. */
static SEXP task_list(handle *h, int index, int keep) {
  const char *names[] = {"a0", "beta", "df", "dev.ratio", "nulldev", "gap", "kkt", "status", "npasses", "end", "trace", "local", ""};
  const sp_task *t = &h->path.tasks[index];
  const sp_model *m = &t->m;
  const int L = h->path.L;
  SEXP out = PROTECT(Rf_mkNamed(VECSXP, names));
  double *a0 = REAL(reals(out, 0, (R_xlen_t)L * m->K)), *dev = REAL(reals(out, 3, L)), *gap = REAL(reals(out, 5, L)),
         *kkt = REAL(reals(out, 6, L));
  SEXP df = Rf_allocVector(INTSXP, L);
  SET_VECTOR_ELT(out, 2, df);
  SEXP status = Rf_allocVector(INTSXP, L);
  SET_VECTOR_ELT(out, 7, status);
  for (int l = 0; l < L; l++) {
    const sp_point *pt = &t->points[l];
    dev[l] = m->null_dev > 0 ? 1 - (pt->value - m->sat_value) / m->null_dev : 0;
    gap[l] = isnan(pt->gap) ? NA_REAL : pt->gap;
    kkt[l] = pt->kkt;
    INTEGER(df)[l] = pt->df;
    INTEGER(status)[l] = pt->status;
  }
  if (keep) SET_VECTOR_ELT(out, 1, coefficients(h, t, a0));
  SET_VECTOR_ELT(out, 4, Rf_ScalarReal(2 * m->null_dev * (double)m->design->n));
  SET_VECTOR_ELT(out, 8, Rf_ScalarInteger((int)(m->qp.n_rounds + m->qp.n_dual)));
  SET_VECTOR_ELT(out, 9, Rf_mkString(end_names[h->path.end]));
  if (keep) SET_VECTOR_ELT(out, 10, trace_list(t));
  if (m->pen->ops->pieces) {
    SEXP local = Rf_allocVector(INTSXP, L);
    SET_VECTOR_ELT(out, 11, local);
    for (int l = 0; l < L; l++) INTEGER(local)[l] = t->points[l].local;
  }
  UNPROTECT(1);
  return out;
}

static SEXP counters(const handle *h) {
  const char *const names[] = {"rounds",  "newton",    "metric", "linesearch", "homotopy", "events", "exchange", "dependent",
                               "rebuild", "cd", "dual",   "wdots", "cg", "sweeps", "tangents", "exact"};
  const int n = (int)(sizeof names / sizeof *names);
  SEXP out = PROTECT(Rf_allocVector(REALSXP, n)), nm = PROTECT(Rf_allocVector(STRSXP, n));
  double *v = REAL(out);
  memset(v, 0, (size_t)n * sizeof *v);
  for (int i = 0; i < n; i++) SET_STRING_ELT(nm, i, Rf_mkChar(names[i]));
  for (int t = 0; t < h->path.spec.B; t++) {
    const sp_model *m = &h->path.tasks[t].m;
    const sp_qp *q = &m->qp;
    const double add[] = {q->n_rounds,   m->n_newton,    m->n_metric,  m->n_linesearch, q->n_homotopy, q->n_events,
                          q->n_exchange, q->n_dependent, q->n_rebuild, q->n_cd,         q->n_dual,     q->n_dots, q->n_cg,
                          m->n_sweeps, m->n_tangent, 0};
    for (int i = 0; i < n; i++) v[i] += add[i];
  }
  v[n - 1] = h->path.counts.exact;
  Rf_setAttrib(out, R_NamesSymbol, nm);
  UNPROTECT(2);
  return out;
}

/* n x K x L x R, without the dimensions K and R where they are 1, filled with NA before the core writes its predictions */
static SEXP heldout_array(const handle *h, int R) {
  const int K = h->path.tasks->m.K, all[] = {(int)h->design.n, K, h->path.L, R};
  const R_xlen_t size = (R_xlen_t)h->design.n * K * h->path.L * R;
  SEXP out = PROTECT(Rf_allocVector(REALSXP, size)), dim = PROTECT(Rf_allocVector(INTSXP, 2 + (K > 1) + (R > 1)));
  for (R_xlen_t i = 0; i < size; i++) REAL(out)[i] = NA_REAL;
  for (int d = 0, at = 0; d < 4; d++) {
    if (all[d] > 1 || d == 0 || d == 2) INTEGER(dim)[at++] = all[d];
  }
  Rf_setAttrib(out, R_DimSymbol, dim);
  UNPROTECT(2);
  return out;
}

SEXP sp_r_path(SEXP x, SEXP problem, SEXP control) {
  const char *names[] = {"lambda", "tasks", "heldout", "passes", "dots", "counters", ""};
  handle *h = R_Calloc(1, handle);
  SEXP ptr = PROTECT(R_MakeExternalPtr(h, R_NilValue, R_NilValue));
  R_RegisterCFinalizerEx(ptr, release, TRUE);
  sp_ctx_init(&h->ctx);
  sp_spec spec;
  read_spec(h, x, problem, control, &spec);
  SEXP token = PROTECT(R_MakeUnwindCont());
  sp_rc_hooks(&h->ctx, &h->host, sp_rc_get(control, "progress"), token);
  sp_status st = SP_OK;
  if (h->design.ops == &sp_design_csc) {
    st = h->design.ptr ? sp_design_check(&h->ctx, &h->design) : SP_ECORRUPT;
  }
  if (st == SP_OK) st = open_chains(h, problem, &spec);
  if (st == SP_OK) st = sp_path_run(&h->path, &h->ctx, &spec);
  if (h->host.jumped) {
    release(ptr);
    R_ContinueUnwind(token);
  }
  if (st != SP_OK) {
    SEXP err = PROTECT(sp_rc_error(st, &h->ctx));
    release(ptr);
    UNPROTECT(3);
    return err;
  }
  SEXP out = PROTECT(Rf_mkNamed(VECSXP, names));
  double *lambda = REAL(reals(out, 0, h->path.L));
  memcpy(lambda, h->path.lambda, (size_t)h->path.L * sizeof *lambda);
  SEXP tasks = Rf_allocVector(VECSXP, spec.B), keep = sp_rc_get(problem, "keep");
  SET_VECTOR_ELT(out, 1, tasks);
  for (int t = 0; t < spec.B; t++) SET_VECTOR_ELT(tasks, t, task_list(h, t, LOGICAL_RO(keep)[t]));
  SEXP which = sp_rc_get(problem, "heldout");
  if (which != R_NilValue) {
    const int R = (int)(Rf_xlength(which) / h->design.n);
    SEXP held = PROTECT(heldout_array(h, R));
    st = sp_heldout_predict(&h->path, INTEGER_RO(which), R, REAL(held));
    SET_VECTOR_ELT(out, 2, held);
    UNPROTECT(1);
  }
  SET_VECTOR_ELT(out, 3, Rf_ScalarReal(h->path.counts.reads / h->design.p));
  SET_VECTOR_ELT(out, 4, Rf_ScalarReal((h->path.counts.dots + h->path.counts.exact) / h->design.p));
  SET_VECTOR_ELT(out, 5, counters(h));
  if (st != SP_OK) out = sp_rc_error(st, &h->ctx);
  release(ptr);
  UNPROTECT(3);
  return out;
}
