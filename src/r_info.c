/* What this build and machine offer. */
#include "r_convert.h"

SEXP sp_r_info(void) {
  static const char *const all[] = {"portable", "avx2", "avx512"};
  const char *names[] = {"isa", "isas", "openmp", "processors", ""};
  SEXP out = PROTECT(Rf_mkNamed(VECSXP, names));
  const char *now = sp_vec_isa();
  SET_VECTOR_ELT(out, 0, Rf_mkString(now));
  int have[3], n = 0;
  for (int i = 0; i < 3; i++) n += have[i] = sp_vec_force(all[i]);
  sp_vec_force(now);
  SEXP isas = Rf_allocVector(STRSXP, n);
  SET_VECTOR_ELT(out, 1, isas);
  for (int i = 0, k = 0; i < 3; i++) {
    if (have[i]) SET_STRING_ELT(isas, k++, Rf_mkChar(all[i]));
  }
  SET_VECTOR_ELT(out, 2, Rf_ScalarLogical(sp_par_compiled()));
  SET_VECTOR_ELT(out, 3, Rf_ScalarInteger(sp_par_available()));
  UNPROTECT(1);
  return out;
}

/* Use the kernels of one instruction set (tests); NULL: the best. */
SEXP sp_r_isa(SEXP name) {
  return Rf_ScalarLogical(sp_vec_force(name == R_NilValue ? NULL : CHAR(Rf_asChar(name))));
}
