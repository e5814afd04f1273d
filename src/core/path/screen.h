#ifndef SP_SCREEN_H
#define SP_SCREEN_H

#include "task.h"

/* Working set for lambdas from lambda_prev down to lambda_end: the columns that the strong rule's idea picks out, from c at lambda_prev.
 * A heuristic only: sp_bound_check() has the last word. `all`: every usable column. */
sp_status sp_screen_choose(sp_task *t, double lambda_end, int all);

#endif
