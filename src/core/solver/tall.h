/* Tall quadratic problems (n > p): work on the p x p triangular factor of the standardized X instead of X itself, and
 * judge every solution on the true X. With Z = QR, |y - Zb|^2 = |Q'y - Rb|^2 + const, so the solver sees p rows. R comes from
 * the Cholesky factorization of Z'Z, formed block of rows by block of rows; what that costs in accuracy shows in the true
 * correlations, and a problem that does not reach its tolerance there goes back to the rows of X. */
#ifndef SP_TALL_H
#define SP_TALL_H

#include "model.h"

/* Turn a started model into its reduced form; *done = 0 when the factor does not exist (dependent columns) or is too ill
 * conditioned to be worth it: the model is then as before. */
sp_status sp_tall_reduce(sp_model *m, int *done);
/* Back to the rows of X, keeping coefficients and working set. */
sp_status sp_tall_expand(sp_model *m);
/* rt [m->n x L]: residuals on the true X of coefficients B [p x L] (standardized units); C [p x L]: their correlations. One read of X. */
sp_status sp_tall_residuals(sp_model *m, const double *B, int L, double *rt, double *C);

#endif
