/* Predictions for rows that a task did not see, and coefficients in the units of X. */
#ifndef SP_HELDOUT_H
#define SP_HELDOUT_H

#include "../path/path.h"

/* Coefficients of point l of a task on the original scale, increasing: coefficient j of predictor k is cols = j K + k; cols, vals
 * [sp_heldout_room()], count; the intercepts a0 [K]. Where only differences between predictors count, intercepts and unpenalized
 * coefficients sum to 0 over them, and coefficients with an L1 penalty alone have median 0. */
void sp_heldout_coef(const sp_task *t, int l, int *cols, double *vals, int *count, double *a0);
int sp_heldout_room(const sp_task *t, int l);
/* out [n x K x L x R]: linear predictors (offset included) of row i at lambda l by task which[i + r n] - 1; untouched where which
 * is 0 */
sp_status sp_heldout_predict(sp_path *path, const int *which, int R, double *out);

#endif
