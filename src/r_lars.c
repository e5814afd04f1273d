/* Entry point of the exact gaussian path: the problem as for `path`, and what kind of path. */
#include <string.h>

#include "r_convert.h"

typedef struct lars_handle {
  sp_ctx ctx;
  sp_design design;
  sp_penalty pen;
  sp_lars lars;
  sp_rc_host host;
} lars_handle;

static void release(SEXP ptr) {
  lars_handle *h = R_ExternalPtrAddr(ptr);
  if (!h) return;
  sp_lars_free(&h->lars);
  R_Free(h);
  R_ClearExternalPtr(ptr);
}

static double *reals(SEXP list, int at, R_xlen_t n) {
  SET_VECTOR_ELT(list, at, Rf_allocVector(REALSXP, n));
  return REAL(VECTOR_ELT(list, at));
}

static int *ints(SEXP list, int at, R_xlen_t n) {
  SET_VECTOR_ELT(list, at, Rf_allocVector(INTSXP, n));
  return INTEGER(VECTOR_ELT(list, at));
}

/* what to report: knots, the slots of the matrix of coefficients, who joins (+) and leaves (-) at which knot, both from 1 */
static SEXP report(const lars_handle *h) {
  static const char *const ends[] = {"complete", "residual", "steps", "stuck"};
  const char *names[] = {"lambda", "value", "gap", "kkt", "a0", "i", "p", "x", "action", "knot", "refused", "refused.knot",
                         "dual", "null", "unit", "end", ""};
  const sp_lars *s = &h->lars;
  const sp_model *m = &s->path.tasks->m;
  const int p = h->design.p;
  SEXP out = PROTECT(Rf_mkNamed(VECSXP, names));
  double *lambda = reals(out, 0, s->K), *value = reals(out, 1, s->K), *gap = reals(out, 2, s->K), *kkt = reals(out, 3, s->K),
         *a0 = reals(out, 4, s->K);
  int *start = ints(out, 6, (R_xlen_t)s->K + 1);
  for (int l = 0; l < s->K; l++) {
    const sp_lars_knot *kn = &s->knots[l];
    lambda[l] = kn->lambda;
    value[l] = kn->value;
    gap[l] = kn->gap;
    kkt[l] = kn->kkt;
    a0[l] = kn->a0;
    start[l] = (int)kn->start;
  }
  start[s->K] = (int)s->size;
  int *cols = ints(out, 5, s->size);
  double *b = reals(out, 7, s->size);
  if (s->size) {
    memcpy(cols, s->cols, (size_t)s->size * sizeof *cols);
    memcpy(b, s->b, (size_t)s->size * sizeof *b);
  }
  int *action = ints(out, 8, s->A), *knot = ints(out, 9, s->A);
  for (int i = 0; i < s->A; i++) {
    action[i] = s->action[i];
    knot[i] = s->action_knot[i] + 1;
  }
  int *refused = ints(out, 10, s->F), *refused_knot = ints(out, 11, s->F);
  for (int i = 0; i < s->F; i++) {
    refused[i] = s->refused[i] + 1;
    refused_knot[i] = s->refused_knot[i] + 1;
  }
  double *dual = reals(out, 12, h->design.n);
  memcpy(dual, s->dual, (size_t)h->design.n * sizeof *dual);
  SET_VECTOR_ELT(out, 13, Rf_ScalarReal(s->null_value));
  double *unit = reals(out, 14, p); /* what a coefficient is multiplied with in the penalty */
  for (int j = 0; j < p; j++) unit[j] = m->iscale[j] > 0 ? (m->ratio ? m->ratio[j] : 1) / m->iscale[j] : 0;
  SET_VECTOR_ELT(out, 15, Rf_mkString(ends[s->end]));
  UNPROTECT(1);
  return out;
}

SEXP sp_r_lars(SEXP x, SEXP problem) {
  lars_handle *h = R_Calloc(1, lars_handle);
  SEXP ptr = PROTECT(R_MakeExternalPtr(h, R_NilValue, R_NilValue));
  R_RegisterCFinalizerEx(ptr, release, TRUE);
  sp_ctx_init(&h->ctx);
  sp_rc_hooks(&h->ctx, &h->host, R_NilValue, R_NilValue);
  sp_rc_design(x, &h->design);
  h->ctx.threads = sp_rc_int(problem, "threads");
  sp_spec sp;
  memset(&sp, 0, sizeof sp);
  for (int i = 0; sp_registry_losses[i]; i++) {
    if (strcmp(sp_registry_losses[i]->name, "gaussian") == 0) sp.loss = sp_registry_losses[i];
  }
  for (int i = 0; sp_registry_penalties[i]; i++) {
    if (strcmp(sp_registry_penalties[i]->name, "enet") == 0) h->pen.ops = sp_registry_penalties[i];
  }
  h->pen.alpha = 1;
  sp.design = &h->design;
  sp.data.K = 1;
  sp.pen = &h->pen;
  sp.y = sp_rc_reals(problem, "y");
  sp.weights = sp_rc_reals(problem, "weights");
  sp.B = 1;
  sp.v = sp_rc_reals(problem, "v");
  sp.standardize = sp_rc_int(problem, "standardize");
  sp.intercept = sp_rc_int(problem, "intercept");
  sp.dfmax = sp.pmax = h->design.p + 1;
  sp.thresh = 1e-7;
  sp.max_iter = 100;
  sp_status st = SP_OK;
  if (h->design.ops == &sp_design_csc) st = h->design.ptr ? sp_design_check(&h->ctx, &h->design) : SP_ECORRUPT;
  if (st == SP_OK) {
    st = sp_lars_run(&h->lars, &h->ctx, &sp, sp_rc_int(problem, "lar") ? SP_LARS_LAR : SP_LARS_LASSO, sp_rc_real(problem, "lambda2"),
                     sp_rc_real(problem, "lambda.min"), sp_rc_real(problem, "residual"), sp_rc_int(problem, "max.steps"));
  }
  SEXP out = PROTECT(st == SP_OK ? report(h) : sp_rc_error(st, &h->ctx));
  release(ptr);
  UNPROTECT(2);
  return out;
}
