#ifndef SP_SETUP_H
#define SP_SETUP_H

#include "path.h"

/* mean, iscale, ratio, c of every task; task->m.g holds the gradient of the null model */
sp_status sp_setup_columns(sp_path *path);
/* c of one task anew from its present solution, one pass */
sp_status sp_setup_correlations(sp_path *path, sp_task *t);
double sp_setup_lambda_max(const sp_task *t);

#endif
