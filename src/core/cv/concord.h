/* Concordance of predictions and survival times. */
#ifndef SP_CONCORD_H
#define SP_CONCORD_H

#include "../base/ctx.h"

/* Pairs whose order is known: an event at t, and a row of the same stratum at risk at t that lives longer (or is censored at t). A
 * pair counts by the product of its weights, half if the predictions are equal. Rows of weight 0 are left out.
 * time, status (0 or 1), w, eta [n x L]; entry, strata [n] or NULL; out agree [L], the weight of the pairs in which the event has
 * the larger prediction, and all, the weight of all pairs. O(n log n) for each column. */
sp_status sp_concordance(sp_ctx *ctx, int n, int L, const double *time, const double *entry, const int *status, const int *strata,
                         const double *w, const double *eta, double *agree, double *all);

#endif
