/* Concordance of survival times and predictions: vectors in, agree and all for each column of eta out. */
#include "r_convert.h"

SEXP sp_r_concordance(SEXP time, SEXP entry, SEXP status, SEXP strata, SEXP w, SEXP eta) {
  const int n = Rf_length(time), L = n ? (int)(Rf_xlength(eta) / n) : 0;
  const char *names[] = {"agree", "all", ""};
  SEXP out = PROTECT(Rf_mkNamed(VECSXP, names));
  for (int k = 0; k < 2; k++) SET_VECTOR_ELT(out, k, Rf_allocVector(REALSXP, L));
  sp_ctx ctx;
  sp_ctx_init(&ctx); /* no poll: nothing jumps past the core */
  const sp_status st =
      sp_concordance(&ctx, n, L, REAL_RO(time), entry == R_NilValue ? NULL : REAL_RO(entry), INTEGER_RO(status),
                     strata == R_NilValue ? NULL : INTEGER_RO(strata), REAL_RO(w), REAL_RO(eta), REAL(VECTOR_ELT(out, 0)),
                     REAL(VECTOR_ELT(out, 1)));
  if (st != SP_OK) out = sp_rc_error(st, &ctx);
  UNPROTECT(1);
  return out;
}
