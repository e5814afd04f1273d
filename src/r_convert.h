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
double sp_rc_real(SEXP list, const char *name);
int sp_rc_int(SEXP list, const char *name);
int sp_rc_int_or(SEXP list, const char *name, int otherwise);
const char *sp_rc_string(SEXP list, const char *name);
/* A matrix or dgCMatrix as a design that borrows its buffers. */
void sp_rc_design(SEXP x, sp_design *d);
/* list(error =, where =, msg =) */
SEXP sp_rc_error(sp_status st, const sp_ctx *ctx);
/* Interrupts and progress of the host in ctx; progress_fn is a function(fraction) or NULL. */
void sp_rc_hooks(sp_ctx *ctx, SEXP progress_fn);

#endif
