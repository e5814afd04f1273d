/* Families that R evaluates: the functions of a stats::family object as a loss of the core. */
#ifndef SP_R_GLM_H
#define SP_R_GLM_H

#include "r_convert.h"

typedef struct sp_rg_family {
  SEXP evaluate; /* function(eta, y): list(loss, score, curvature, expected), NULL where the family is not defined, FALSE after an error */
  SEXP link;     /* function(mean): one number, NULL or FALSE */
  sp_rc_host *host;
  sp_loss_host ops;
} sp_rg_family;

/* From the element "glm" of the problem; nothing to do when it is NULL. */
void sp_rg_family_init(sp_rg_family *f, SEXP glm, sp_rc_host *host);

#endif
