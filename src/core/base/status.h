/* Status codes: the only error vocabulary of the core. The core returns them, never prints, jumps or exits;
 * the host turns (status, ctx->msg, ctx->where) into words. */
#ifndef SP_STATUS_H
#define SP_STATUS_H

typedef enum sp_status {
  SP_OK = 0,
  SP_ENOMEM,       /* an allocation failed, or a size overflowed */
  SP_EINTERRUPT,   /* the host asked to stop */
  SP_ENONFINITE,   /* x has NaN or Inf: ctx->where is the 0-based column */
  SP_ECORRUPT,     /* a sparse matrix with impossible indices or pointers */
  SP_EUNSUPPORTED, /* no solver for this combination */
  SP_EHOST,        /* a function of the host failed; the host knows why */
  SP_EDOMAIN,      /* the null model is outside the region where the loss is defined */
  SP_ESEPARATION,  /* unpenalized columns separate the response: no finite estimate */
  SP_EARG          /* an argument the host should have refused */
} sp_status;

const char *sp_status_name(sp_status s);

/* Evaluate an sp_status expression; leave through `done:` of the calling function when it is not SP_OK.
 * The function must have `sp_status st` and a label `done`. */
#define SP_TRY(expr)          \
  do {                        \
    st = (expr);              \
    if (st != SP_OK) goto done; \
  } while (0)

#endif
