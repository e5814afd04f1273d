#include "r_convert.h"

#include <setjmp.h>
#include <string.h>

SEXP sp_rc_get(SEXP list, const char *name) {
  SEXP names = Rf_getAttrib(list, R_NamesSymbol);
  for (R_xlen_t i = 0; i < Rf_xlength(list); i++) {
    if (strcmp(CHAR(STRING_ELT(names, i)), name) == 0) return VECTOR_ELT(list, i);
  }
  Rf_error("internal error: no element '%s'", name);
}

const double *sp_rc_reals(SEXP list, const char *name) {
  SEXP e = sp_rc_get(list, name);
  if (e == R_NilValue) return NULL;
  if (TYPEOF(e) != REALSXP) Rf_error("internal error: '%s' must be double", name);
  return REAL_RO(e);
}

const int *sp_rc_ints(SEXP list, const char *name) {
  SEXP e = sp_rc_get(list, name);
  if (e == R_NilValue) return NULL;
  if (TYPEOF(e) != INTSXP) Rf_error("internal error: '%s' must be integer", name);
  return INTEGER_RO(e);
}

double sp_rc_real(SEXP list, const char *name) { return Rf_asReal(sp_rc_get(list, name)); }

int sp_rc_int(SEXP list, const char *name) { return Rf_asInteger(sp_rc_get(list, name)); }

int sp_rc_int_or(SEXP list, const char *name, int otherwise) {
  SEXP names = Rf_getAttrib(list, R_NamesSymbol);
  for (R_xlen_t i = 0; i < Rf_xlength(list); i++) {
    if (strcmp(CHAR(STRING_ELT(names, i)), name) == 0) return Rf_asInteger(VECTOR_ELT(list, i));
  }
  return otherwise;
}

const char *sp_rc_string(SEXP list, const char *name) { return CHAR(Rf_asChar(sp_rc_get(list, name))); }

void sp_rc_design(SEXP x, sp_design *d) {
  memset(d, 0, sizeof *d);
  if (TYPEOF(x) == REALSXP) {
    SEXP dim = Rf_getAttrib(x, R_DimSymbol);
    if (Rf_length(dim) != 2) Rf_error("internal error: x must be a matrix");
    d->ops = &sp_design_dense;
    d->n = INTEGER_RO(dim)[0];
    d->p = INTEGER_RO(dim)[1];
    d->x = REAL_RO(x);
    return;
  }
  if (!Rf_inherits(x, "dgCMatrix")) Rf_error("internal error: x must be a double matrix or a dgCMatrix");
  SEXP dim = R_do_slot(x, Rf_install("Dim")), i = R_do_slot(x, Rf_install("i"));
  SEXP p = R_do_slot(x, Rf_install("p")), val = R_do_slot(x, Rf_install("x"));
  d->ops = &sp_design_csc;
  d->n = INTEGER_RO(dim)[0];
  d->p = INTEGER_RO(dim)[1];
  d->x = REAL_RO(val);
  d->i = INTEGER_RO(i);
  d->ptr = INTEGER_RO(p);
  /* the lengths that sp_design_check() cannot see */
  if (Rf_xlength(p) != (R_xlen_t)d->p + 1 || Rf_xlength(i) != Rf_xlength(val) || d->ptr[d->p] > Rf_xlength(i)) {
    d->ptr = NULL;
  }
}

SEXP sp_rc_error(sp_status st, const sp_ctx *ctx) {
  const char *names[] = {"error", "where", "msg", ""};
  SEXP out = PROTECT(Rf_mkNamed(VECSXP, names));
  SET_VECTOR_ELT(out, 0, Rf_mkString(sp_status_name(st)));
  SET_VECTOR_ELT(out, 1, Rf_ScalarReal(ctx->where >= 0 ? (double)ctx->where + 1 : NA_REAL));
  SET_VECTOR_ELT(out, 2, Rf_mkString(ctx->msg));
  UNPROTECT(1);
  return out;
}

static void check_interrupt(void *unused) {
  (void)unused;
  R_CheckUserInterrupt();
}

/* R_CheckUserInterrupt() jumps; inside R_ToplevelExec() it cannot jump past the core */
static int poll_host(void *host) {
  return ((sp_rc_host *)host)->jumped || R_ToplevelExec(check_interrupt, NULL) == FALSE;
}

static void unwind(void *back, Rboolean jump) {
  if (jump) longjmp(*(jmp_buf *)back, 1);
}

int sp_rc_protected(sp_rc_host *host, SEXP (*fn)(void *), void *data) {
  jmp_buf back;
  if (host->jumped) return 0;
  if (setjmp(back)) {
    host->jumped = 1; /* R has unwound its own protection already */
    return 0;
  }
  R_UnwindProtect(fn, data, unwind, &back, host->token);
  return 1;
}

typedef struct progress_call {
  SEXP progress;
  double fraction;
} progress_call;

static SEXP call_progress(void *data) {
  const progress_call *pc = data;
  SEXP arg = PROTECT(Rf_ScalarReal(pc->fraction)), call = PROTECT(Rf_lang2(pc->progress, arg));
  Rf_eval(call, R_GlobalEnv);
  UNPROTECT(2);
  return R_NilValue;
}

static void report(void *data, double fraction) {
  sp_rc_host *host = data;
  progress_call pc = {host->progress, fraction};
  sp_rc_protected(host, call_progress, &pc);
}

void sp_rc_hooks(sp_ctx *ctx, sp_rc_host *host, SEXP progress, SEXP token) {
  host->progress = progress;
  host->token = token;
  host->jumped = 0;
  ctx->poll = poll_host;
  ctx->poll_data = host;
  if (progress != R_NilValue) {
    ctx->progress = report;
    ctx->progress_data = host;
  }
}
