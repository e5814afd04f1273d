/* SEXP <-> core structs: the only type translation. */
#ifndef SP_R_CONVERT_H
#define SP_R_CONVERT_H

#define R_NO_REMAP
#define STRICT_R_HEADERS
#include <R.h>
#include <Rinternals.h>

#include "core/sparsepath.h"

SEXP sp_rc_get(SEXP list, const char *name);            /* element of a named list; an R error when it is missing */
const double *sp_rc_reals(SEXP list, const char *name); /* NULL for R's NULL */
const int *sp_rc_ints(SEXP list, const char *name);     /* NULL for R's NULL */
double sp_rc_real(SEXP list, const char *name);
int sp_rc_int(SEXP list, const char *name);
int sp_rc_int_or(SEXP list, const char *name, int otherwise);
const char *sp_rc_string(SEXP list, const char *name);
/* A matrix or dgCMatrix as a design that borrows its buffers. */
void sp_rc_design(SEXP x, sp_design *d);
/* list(error =, where =, msg =) */
SEXP sp_rc_error(sp_status st, const sp_ctx *ctx);
/* Interrupts, progress and families of the host. A condition raised by an R function must not jump past the core: it is held
 * until the core has returned (as if interrupted), then goes on. */
typedef struct sp_rc_host {
  SEXP progress; /* function(fraction) or NULL */
  SEXP token;    /* of R_UnwindProtect */
  int jumped;
} sp_rc_host;
/* fn(data), where fn may run any R code; 0 when it jumped, now or earlier */
int sp_rc_protected(sp_rc_host *host, SEXP (*fn)(void *), void *data);
/* token: R_MakeUnwindCont(), protected by the caller */
void sp_rc_hooks(sp_ctx *ctx, sp_rc_host *host, SEXP progress, SEXP token);

#endif
