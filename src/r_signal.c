/* Entry points of the signal fits: y, w double of one length, w positive; lambda double. */
#include "r_convert.h"

static void open_context(sp_ctx *ctx, sp_rc_host *host) {
  sp_ctx_init(ctx);
  sp_rc_hooks(ctx, host, R_NilValue, R_NilValue);
}

/* list(beta [n x L], objective, gap, segments, nonzero [L]); fuse: NULL, or the path to read the solutions from */
SEXP sp_r_fused(SEXP y, SEXP w, SEXP lambda, SEXP lambda1, SEXP fuse) {
  const char *names[] = {"beta", "objective", "gap", "segments", "nonzero", ""};
  const ptrdiff_t n = Rf_xlength(y);
  const int L = Rf_length(lambda);
  SEXP out = PROTECT(Rf_mkNamed(VECSXP, names));
  SET_VECTOR_ELT(out, 0, Rf_allocVector(REALSXP, n * L));
  for (int k = 1; k < 5; k++) SET_VECTOR_ELT(out, k, Rf_allocVector(REALSXP, L));
  sp_ctx ctx;
  sp_rc_host host;
  open_context(&ctx, &host);
  sp_status st = SP_OK;
  for (int l = 0; l < L && st == SP_OK; l++) {
    const double at = REAL_RO(lambda)[l];
    double *b = REAL(VECTOR_ELT(out, 0)) + n * l;
    st = fuse == R_NilValue ? sp_fused_fit(&ctx, n, REAL_RO(y), REAL_RO(w), at, b)
                            : sp_fused_at(&ctx, n, REAL_RO(y), REAL_RO(w), REAL_RO(fuse), at, b);
    if (st != SP_OK) break;
    sp_fused_verdict v;
    sp_fused_certify(n, REAL_RO(y), REAL_RO(w), at, Rf_asReal(lambda1), b, &v);
    REAL(VECTOR_ELT(out, 1))[l] = v.objective;
    REAL(VECTOR_ELT(out, 2))[l] = v.gap;
    REAL(VECTOR_ELT(out, 3))[l] = (double)v.segments;
    REAL(VECTOR_ELT(out, 4))[l] = (double)v.nonzero;
  }
  if (st != SP_OK) out = sp_rc_error(st, &ctx);
  UNPROTECT(1);
  return out;
}

/* [n - 1] lambdas at which neighbours fuse */
SEXP sp_r_fused_path(SEXP y, SEXP w) {
  const ptrdiff_t n = Rf_xlength(y);
  SEXP fuse = PROTECT(Rf_allocVector(REALSXP, n - 1));
  sp_ctx ctx;
  sp_rc_host host;
  open_context(&ctx, &host);
  const sp_status st = sp_fused_path(&ctx, n, REAL_RO(y), REAL_RO(w), REAL(fuse));
  UNPROTECT(1);
  return st == SP_OK ? fuse : sp_rc_error(st, &ctx);
}

/* list(beta [n x L], objective, gap, steps [L], knots: list of L vectors); enough: gap at which a fit is good enough */
SEXP sp_r_trend(SEXP y, SEXP w, SEXP lambda, SEXP order, SEXP enough) {
  const char *names[] = {"beta", "objective", "gap", "steps", "knots", ""};
  const ptrdiff_t n = Rf_xlength(y);
  const int L = Rf_length(lambda), k = Rf_asInteger(order);
  SEXP out = PROTECT(Rf_mkNamed(VECSXP, names));
  SET_VECTOR_ELT(out, 0, Rf_allocVector(REALSXP, n * L));
  for (int i = 1; i < 4; i++) SET_VECTOR_ELT(out, i, Rf_allocVector(REALSXP, L));
  SET_VECTOR_ELT(out, 4, Rf_allocVector(VECSXP, L));
  int *is_knot = (int *)R_alloc((size_t)n, sizeof(int));
  sp_ctx ctx;
  sp_rc_host host;
  open_context(&ctx, &host);
  sp_status st = SP_OK;
  for (int l = 0; l < L; l++) {
    sp_trend t;
    st = sp_trend_fit(&ctx, n, k, REAL_RO(y), REAL_RO(w), REAL_RO(lambda)[l], Rf_asReal(enough), REAL(VECTOR_ELT(out, 0)) + n * l,
                      is_knot, &t);
    if (st != SP_OK) break;
    REAL(VECTOR_ELT(out, 1))[l] = t.objective;
    REAL(VECTOR_ELT(out, 2))[l] = t.gap;
    REAL(VECTOR_ELT(out, 3))[l] = t.steps;
    SEXP at = Rf_allocVector(INTSXP, t.knots);
    SET_VECTOR_ELT(VECTOR_ELT(out, 4), l, at);
    for (int j = 0, i = 0; j < n - k - 1; j++) {
      if (is_knot[j]) INTEGER(at)[i++] = j + 1;
    }
  }
  if (st != SP_OK) out = sp_rc_error(st, &ctx);
  UNPROTECT(1);
  return out;
}

SEXP sp_r_trend_max(SEXP y, SEXP w, SEXP order) {
  double lambda = 0;
  sp_ctx ctx;
  sp_rc_host host;
  open_context(&ctx, &host);
  const sp_status st = sp_trend_lambda_max(&ctx, Rf_xlength(y), Rf_asInteger(order), REAL_RO(y), REAL_RO(w), &lambda);
  return st == SP_OK ? Rf_ScalarReal(lambda) : sp_rc_error(st, &ctx);
}
