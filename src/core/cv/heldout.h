/* Predictions for rows that a task did not see, and coefficients in the units of X. */
#ifndef SP_HELDOUT_H
#define SP_HELDOUT_H

#include "../path/path.h"

/* Coefficients of point l of a task on the original scale, columns increasing: cols, vals [at most df], count; the intercept. */
void sp_heldout_coef(const sp_task *t, int l, int *cols, double *vals, int *count, double *a0);
/* out [n x L x R]: linear predictor (offset included) of row i at lambda l by task which[i + r n] - 1; untouched where which is 0 */
sp_status sp_heldout_predict(sp_path *path, const int *which, int R, double *out);

#endif
