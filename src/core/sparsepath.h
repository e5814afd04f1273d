/* sparsepath core: the only header that a host includes.
 *
 * Conventions. Column-major arrays; n rows, p columns, B tasks, L lambdas; sizes are ptrdiff_t, indices of rows and columns int
 * (the host's limit); 0-based. Arguments in the order inputs, in/out, outputs. Functions return sp_status unless they
 * are plain scalars; SP_OK is 0. Every array argument has its shape in the comment. Arrays in sp_spec are borrowed for the call.
 * The core allocates through sp_ctx only, prints nothing, never jumps or exits, keeps no state between calls, and asks the host
 * (interrupt, progress) on the calling thread only. Results do not depend on the number of threads.
 *
 * Objective of one task, weights rescaled to sum 1, columns centred (with an intercept) and scaled (standardize):
 *   sum_i w_i l(y_i, o_i + b0 + x_i'b) + lambda sum_j v_j (alpha |b_j| + (1 - alpha) / 2 b_j^2 ridge_scale)
 */
#ifndef SPARSEPATH_H
#define SPARSEPATH_H

#include "base/ctx.h"
#include "base/par.h"
#include "base/vec.h"
#include "cv/concord.h"
#include "cv/heldout.h"
#include "design/design.h"
#include "lars/lars.h"
#include "path/path.h"
#include "path/reference.h"
#include "registry.h"
#include "signal/fused.h"
#include "signal/trend.h"

#endif
