#include "path.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../base/par.h"
#include "../base/vec.h"
#include "../solver/concave.h"
#include "../solver/tall.h"
#include "reference.h"
#include "screen.h"
#include "setup.h"

#define BATCH 20      /* lambdas between checks of all columns: flat optimum 20..34 */
#define BATCH_SPARSE 10 /* where a solution costs more than a check, fewer are worth doing again */
#define LEAST_STRIDE 4  /* see adapt_stride() */
#define BATCH_REDUCED 50 /* see batch_size() */
#define REDUCED_ROOM 2e6 /* doubles for residuals that reduced problems may always have */
#define SPAN 0.35     /* a batch ends when lambda has fallen to this fraction */
#define PARTS 8     /* of the way from the lambda before, when a solution was not found at once */
#define COARSE 0.5    /* a step to less than this fraction gets unreported lambdas in between */
#define MAX_REDO 200  /* rounds of checks per batch */
#define MOST_VIOLATORS 500 /* taken in at once */
#define MIN_LAMBDAS 5 /* glmnet: no early stop before that */

typedef struct batch {
  sp_path *path;
  sp_task **todo; /* [count] */
  int count, l0;
} batch;

static double fraction(const sp_task *t, const sp_point *pt) {
  const sp_model *m = &t->m;
  return m->null_dev > 0 ? 1 - (pt->value - m->sat_value) / m->null_dev : 0;
}

/* Columns of the design with a coefficient at any of the points 0..l */
static sp_status count_ever(const sp_path *path, const sp_task *t, int l, int *count) {
  char *ever = sp_calloc(path->ctx, (size_t)t->m.design->p, 1);
  if (!ever) return SP_ENOMEM;
  *count = 0;
  for (int k = 0; k <= l; k++) {
    const sp_point *pt = &t->points[k];
    for (int i = 0; i < pt->count; i++) {
      const int j = sp_model_base(&t->m, pt->cols[i]);
      if (pt->b[i] == 0 || ever[j]) continue;
      ever[j] = 1;
      ++*count;
    }
  }
  sp_free(path->ctx, ever);
  return SP_OK;
}

/* glmnet's rules, after the point at l; on task 0 only */
static int stops(sp_path *path, const sp_task *t, int l) {
  const sp_spec *sp = &path->spec;
  const sp_point *pt = &t->points[l];
  if (pt->df > sp->dfmax) {
    path->end = SP_END_DFMAX;
    return 1;
  }
  if (!sp->early_stop || l + 1 < MIN_LAMBDAS) return 0;
  const int span = sp->fdev_span > 0 ? sp->fdev_span : 1;
  const double dev = fraction(t, pt), before = l >= span ? fraction(t, &t->points[l - span]) : 0;
  if (dev > sp->devmax) {
    path->end = SP_END_DEVMAX;
    return 1;
  }
  const double of = sp->fdev_relative == 0 ? 1 : sp->fdev_relative == 1 ? dev : 1 - dev;
  if (dev - before < sp->fdev * of) {
    path->end = SP_END_FDEV;
    return 1;
  }
  return 0;
}

static sp_status solve_point(sp_path *path, sp_task *t, int l, int l0, double from) {
  sp_status st = SP_OK;
  const double lambda = path->lambda[l];
  double kkt = 0;
  int limit = 0;
  if (path->spec.method) return sp_reference_solve(path, t, l, l - l0);
  while (path->spec.pen->alpha > 0 && lambda > 0 && lambda < COARSE * from && !t->m.use_dual) {
    const double mid = fmax(COARSE * from, lambda);
    if (mid <= lambda) break;
    SP_TRY(sp_model_solve(&t->m, mid, from, &kkt, &limit));
    from = mid;
  }
  SP_TRY(sp_model_solve(&t->m, lambda, from, &kkt, &limit));
  if (limit && l > l0 && lambda > 0 && !path->spec.pen->ops->pieces) { /* again from the point before, in shorter steps */
    SP_TRY(sp_task_restore(t, &t->points[l - 1], l - 1 - l0));
    from = path->lambda[l - 1];
    for (int part = 1; part <= PARTS; part++) {
      const double mid = part < PARTS ? path->lambda[l - 1] * pow(lambda / path->lambda[l - 1], (double)part / PARTS) : lambda;
      SP_TRY(sp_model_solve(&t->m, mid, from, &kkt, &limit));
      from = mid;
    }
  }
  SP_TRY(sp_task_record(t, &t->points[l], lambda, l - l0, kkt, limit));
  SP_TRY(t->m.loss.status);
done:
  return st;
}

static int on_main_thread(const sp_path *path) {
  return path->spec.method || (path->spec.loss->flags & SP_LOSS_MAIN_THREAD) != 0;
}

/* The unresolved range of one task. */
static sp_status solve_task(void *arg, int i) {
  const batch *ba = arg;
  sp_path *path = ba->path;
  sp_task *t = ba->todo[i];
  sp_status st = SP_OK;
  for (int l = t->ls; l < t->l1; l++) {
    const double from = l == ba->l0 ? t->lambda_c : path->lambda[l - 1];
    SP_TRY(solve_point(path, t, l, ba->l0, fmax(from, path->lambda[l])));
    if (t == path->tasks && path->spec.pmax < path->spec.design->p) {
      int ever;
      SP_TRY(count_ever(path, t, l, &ever));
      if (ever > path->spec.pmax && l > 0) { /* glmnet leaves this point out */
        path->end = SP_END_PMAX;
        t->l1 = l;
        break;
      }
    }
    if (t == path->tasks && t->points[l].limit && path->spec.pen->ops->pieces && path->spec.early_stop && !(t->points[l].kkt <= SP_STATIONARY_CONCAVE)) {
      t->l1 = l + 1; /* certify_batch() will end the path here */
      path->end = SP_END_STALLED;
      break;
    }
    if (t == path->tasks && stops(path, t, l)) {
      t->l1 = l + 1;
      break;
    }
    if (ba->count == 1 || path->ctx->threads == 1 || on_main_thread(path)) SP_TRY(sp_poll(path->ctx)); /* on the main thread only */
  }
done:
  return st;
}

/* Several tasks at a time, in groups so that the host is asked in between. */
static sp_status solve_tasks(batch *ba) {
  sp_status st = SP_OK;
  if (ba->count == 1 || on_main_thread(ba->path)) {
    for (int i = 0; i < ba->count; i++) SP_TRY(solve_task(ba, i));
    return SP_OK;
  }
  const int size = 4 * ba->path->ctx->threads;
  for (int from = 0; from < ba->count; from += size) {
    batch part = {ba->path, ba->todo + from, ba->count - from < size ? ba->count - from : size, ba->l0};
    SP_TRY(sp_par_for(ba->path->ctx, part.count, solve_task, &part));
    SP_TRY(sp_poll(ba->path->ctx));
  }
done:
  return st;
}

/* Reduced tasks are judged on the true X: residuals and correlations of the whole range in one read. One that misses its
 * tolerance there is expanded and goes back to the start of the range. */
static sp_status verify_reduced(void *arg, int i) {
  const batch *ba = arg;
  sp_path *path = ba->path;
  sp_task *t = ba->todo[i];
  sp_model *m = &t->m;
  const int L = t->l1 - t->ls;
  const ptrdiff_t p = m->p;
  sp_status st = SP_OK;
  if (!m->reduced || L == 0) return SP_OK;
  double *B = sp_calloc(path->ctx, (size_t)p * (size_t)L, sizeof *B);
  double *C = sp_alloc(path->ctx, (size_t)p * (size_t)L, sizeof *C);
  if (!B || !C) {
    st = SP_ENOMEM;
    goto done;
  }
  for (int l = 0; l < L; l++) {
    const sp_point *pt = &t->points[t->ls + l];
    for (int k = 0; k < pt->count; k++) B[l * p + pt->cols[k]] = pt->b[k];
  }
  SP_TRY(sp_tall_residuals(m, B, L, t->rt + (t->ls - ba->l0) * m->n, C));
  t->first = t->l1;
  for (int l = 0; l < L; l++) {
    sp_point *pt = &t->points[t->ls + l];
    sp_task_judge(t, pt, path->lambda[t->ls + l], B + l * p, C + l * p);
    pt->value = sp_nrm2sq(t->rt + (t->ls + l - ba->l0) * m->n, m->n) / 2;
    /* the same tolerance as the solver's own, in its own unit */
    const double unit = fmax(m->pen->alpha, 1e-3);
    if (!(pt->kkt <= SP_TOL_ACCEPT * unit) && t->first == t->l1) t->first = t->ls + l;
  }
  memcpy(t->c, C + (L - 1) * p, (size_t)p * sizeof *C);
  if (t->first < t->l1) {
    for (int k = 0; k < m->qp.nW; k++) m->qp.b[k] = B[(t->first - t->ls) * p + m->qp.W[k]];
    sp_model_set_lambda(m, path->lambda[t->first]); /* at lambda = 0, where the range may have ended, coefficients have no signs */
    SP_TRY(sp_tall_expand(m));
  }
done:
  sp_free(path->ctx, B);
  sp_free(path->ctx, C);
  return st;
}

/* Check of every column for the tasks in ba; those with violators (or expanded) stay in ba. */
static sp_status check_batch(batch *ba, int check) {
  sp_status st = SP_OK;
  sp_path *path = ba->path;
  sp_task **screened = sp_alloc(path->ctx, (size_t)ba->count, sizeof *screened);
  int n_screened = 0, n_reduced = 0;
  if (!screened) return SP_ENOMEM;
  for (int i = 0; i < ba->count; i++) {
    sp_task *t = ba->todo[i];
    t->n_viol = 0;
    t->first = t->l1;
    if (t->m.reduced) n_reduced++;
    else screened[n_screened++] = t;
  }
  if (n_reduced) {
    SP_TRY(sp_par_for(path->ctx, ba->count, verify_reduced, ba));
    path->counts.reads += (double)n_reduced * path->spec.design->p;
  }
  if (n_screened && check) {
    SP_TRY(sp_bound_check(path->ctx, path->spec.design, screened, n_screened, path->lambda, ba->l0, &path->counts));
  }
done:
  sp_free(path->ctx, screened);
  return st;
}

static sp_status solve_batch(batch *ba) {
  sp_path *path = ba->path;
  const int p = path->spec.design->p;
  const int may_end = path->spec.early_stop || path->spec.dfmax < p || path->spec.pmax < p;
  if (ba->count == 1 || ba->todo[0] != path->tasks || !may_end) return solve_tasks(ba);
  /* task 0 decides where the grid ends, so it goes first */
  batch first = {path, ba->todo, 1, ba->l0}, rest = {path, ba->todo + 1, ba->count - 1, ba->l0};
  const sp_status st = solve_tasks(&first);
  for (int i = 0; i < rest.count; i++) {
    if (rest.todo[i]->l1 > path->tasks->l1) rest.todo[i]->l1 = path->tasks->l1;
  }
  return st == SP_OK ? solve_tasks(&rest) : st;
}

typedef struct scored {
  double score;
  int col;
} scored;

static int by_score(const void *a, const void *b) {
  const scored *x = a, *y = b;
  return x->score != y->score ? (x->score < y->score ? 1 : -1) : (x->col > y->col) - (x->col < y->col);
}

/* Where columns are made of fewer, and very many look alike: the worst violators, which stand for the others */
static sp_status worst_violators(sp_task *t) {
  const sp_model *m = &t->m;
  const int most = m->n > MOST_VIOLATORS ? (int)m->n : MOST_VIOLATORS;
  if (!m->design->ops->ranks || t->n_viol <= most) return SP_OK; /* where another check costs little */
  scored *all = sp_alloc(m->ctx, (size_t)t->n_viol, sizeof *all);
  if (!all) return SP_ENOMEM;
  for (int i = 0; i < t->n_viol; i++) {
    const sp_coord co = sp_model_coord(m, t->viol[i]);
    all[i] = (scored){m->pen->ops->gauge(m->pen, &co, t->c[t->viol[i]]), t->viol[i]};
  }
  qsort(all, (size_t)t->n_viol, sizeof *all, by_score);
  t->n_viol = most;
  for (int i = 0; i < most; i++) t->viol[i] = all[i].col;
  sp_free(m->ctx, all);
  return SP_OK;
}

/* After the check: tasks with violators take them in and go back to the first lambda concerned. Returns how many. */
static sp_status take_violators(batch *ba) {
  sp_status st = SP_OK;
  int left = 0;
  for (int i = 0; i < ba->count; i++) {
    sp_task *t = ba->todo[i];
    if (t->first == t->l1) continue;
    if (t->n_viol) { /* else: expanded, and already where it must be */
      sp_model_set_lambda(&t->m, ba->path->lambda[t->first]);
      SP_TRY(worst_violators(t));
      for (int v = 0; v < t->n_viol; v++) SP_TRY(sp_model_add(&t->m, t->viol[v]));
      SP_TRY(sp_task_restore(t, &t->points[t->first], t->first - ba->l0));
    }
    t->ls = t->first;
    ba->todo[left++] = t;
  }
  ba->count = left;
done:
  return st;
}

/* With every column in the working set the solver has checked them all. */
static int needs_check(const sp_path *path, int l1) {
  return path->spec.pen->alpha > 0 && path->spec.screen && path->lambda[l1 - 1] > 0;
}

/* c of the working set, which the check leaves out */
static void known_correlations(sp_task *t, double lambda) {
  for (int k = 0; !t->m.reduced && k < t->m.qp.nW; k++) t->c[t->m.qp.W[k]] = t->m.qp.c[k];
  t->lambda_c = lambda;
}

/* Solve and check until no task has a violator left. */
static sp_status resolve(batch *ba, int l1, int check) {
  sp_status st = SP_OK;
  sp_path *path = ba->path;
  for (int redo = 0; ba->count && redo <= MAX_REDO; redo++) {
    if (redo && path->stride > LEAST_STRIDE) path->redone = 1;
    SP_TRY(solve_batch(ba));
    SP_TRY(check_batch(ba, check));
    SP_TRY(sp_poll(path->ctx));
    const int task0_again = ba->todo[0] == path->tasks && path->tasks->first < path->tasks->l1;
    SP_TRY(take_violators(ba));
    if (task0_again) { /* an early stop was decided on a solution that changes */
      path->end = SP_END_COMPLETE;
      path->tasks->l1 = l1;
    }
  }
  if (check) { /* violators left after all rounds: those points must not look certified */
    for (int i = 0; i < ba->count; i++) {
      for (int l = ba->todo[i]->ls; l < ba->todo[i]->l1; l++) {
        sp_point *pt = &ba->todo[i]->points[l];
        pt->limit = 1;
        pt->kkt = INFINITY;
        pt->slack += ba->todo[i]->m.null_value;
      }
    }
  }
done:
  return st;
}

static sp_status run_batch(sp_path *path, int l0, int l1, sp_task **todo) {
  sp_status st = SP_OK;
  const int check = needs_check(path, l1);
  batch ba = {path, todo, path->spec.B, l0};
  for (int t = 0; t < ba.count; t++) {
    sp_task *task = todo[t] = &path->tasks[t];
    task->ls = l0;
    task->l1 = l1;
    SP_TRY(sp_screen_choose(task, path->lambda[l1 - 1], !check || task->m.reduced));
  }
  SP_TRY(resolve(&ba, l1, check));
  path->L = path->tasks->l1;
  /* tasks that stopped with an earlier, shorter version of task 0 go on to its end */
  ba.count = 0;
  for (int t = 1; t < path->spec.B; t++) {
    sp_task *task = &path->tasks[t];
    if (task->l1 < path->L) {
      task->ls = task->l1;
      task->l1 = path->L;
      todo[ba.count++] = task;
    }
  }
  SP_TRY(resolve(&ba, l1, check));
  for (int t = 0; t < path->spec.B; t++) known_correlations(&path->tasks[t], path->lambda[path->tasks[t].l1 - 1]);
done:
  return st;
}

/* A non-convex problem may have nothing to offer beyond some lambda, near saturation above all: an automatic grid ends before the
 * first point that is not certified. */
static void end_stalled(sp_path *path, int l) {
  if (!path->spec.pen->ops->pieces || !path->spec.early_stop || l == 0 || path->tasks->points[l].status == SP_POINT_OK) return;
  path->L = l;
  path->end = SP_END_STALLED;
}

static sp_status certify_batch(sp_path *path, int l0) {
  for (int t = 0; t < path->spec.B; t++) {
    sp_task *task = &path->tasks[t];
    for (int l = l0; l < path->L; l++) {
      sp_point *pt = &task->points[l];
      sp_task_certify(task, pt, path->lambda[l], l - l0, path->spec.thresh);
      sp_point_free_scratch(path->ctx, pt);
      if (t == 0) end_stalled(path, l);
    }
    task->n_points = path->L;
    if (task->m.loss.status != SP_OK) return task->m.loss.status;
  }
  return SP_OK;
}

static sp_status make_grid(sp_path *path) {
  const sp_spec *sp = &path->spec;
  path->grid = sp->nlambda;
  path->lambda = sp_alloc(path->ctx, (size_t)path->grid, sizeof *path->lambda);
  if (!path->lambda) return SP_ENOMEM;
  if (sp->lambda) {
    memcpy(path->lambda, sp->lambda, (size_t)path->grid * sizeof *path->lambda);
    return SP_OK;
  }
  double top = sp_setup_lambda_max(path->tasks);
  /* y is orthogonal to every column, or fitted by the unpenalized ones: any grid gives the null model */
  if (!(top > 1e-11 * path->tasks->m.unit)) top = 1;
  const double step = path->grid > 1 ? pow(sp->lambda_min_ratio, 1.0 / (path->grid - 1)) : 1;
  for (int l = 0; l < path->grid; l++) path->lambda[l] = top * pow(step, l);
  return SP_OK;
}

/* Unpenalized columns that separate a non-gaussian response have no finite estimate, at any lambda. */
static sp_status refuse_separation(sp_path *path, int t) {
  sp_model *m = &path->tasks[t].m;
  const double left = m->loss.ops->value(&m->loss, m->eta) - m->sat_value;
  if ((m->loss.ops->flags & SP_LOSS_QUADRATIC) || left > 1e-8 * m->null_dev) return SP_OK;
  snprintf(path->ctx->msg, sizeof path->ctx->msg,
           "the unpenalized columns alone fit the response perfectly (complete separation)%s: their coefficients are infinite",
           t ? " in a training fold" : "");
  return SP_ESEPARATION;
}

/* Worth it from twice as many rows as columns, as long as the factors stay small beside X. */
static int wants_reduction(const sp_spec *sp, const sp_model *m) {
  const double p = m->p, size = p * p * sp->B;
  return sp->reduce && (sp->loss->flags & SP_LOSS_QUADRATIC) && m->K == 1 && !m->blocks && !m->bilevel && m->nu == m->nu0 && (double)m->n >= 2 * p && p > 1 &&
         size <= fmax(0.5 * (double)m->n * p, 2e7);
}

static sp_status reduce_task(void *arg, int t) {
  sp_path *path = arg;
  int done_;
  return wants_reduction(&path->spec, &path->tasks[t].m) ? sp_tall_reduce(&path->tasks[t].m, &done_) : SP_OK;
}

/* Lambdas between checks. Reduced problems hold every column, so a check finds nothing to add and long ranges cost the fewest
 * reads of X, as long as the residuals stay small beside it. */
static int batch_size(const sp_path *path) {
  const sp_spec *sp = &path->spec;
  const double n = (double)sp->design->n;
  if (!path->tasks->m.reduced) return path->tasks->m.qp.iterative ? BATCH_SPARSE : BATCH;
  return (int)fmax(BATCH, fmin(BATCH_REDUCED, fmax(n * sp->design->p / 8, REDUCED_ROOM) / (n * sp->B)));
}

static sp_status start_tasks(sp_path *path) {
  sp_status st = SP_OK;
  const sp_spec *sp = &path->spec;
  const size_t p = (size_t)sp->design->p;
  for (int t = 0; t < sp->B; t++) {
    sp_task *task = &path->tasks[t];
    SP_TRY(sp_model_init(&task->m, path->ctx, sp->design, sp->loss, &sp->data, sp->pen,
                         sp->y + (sp->y_each ? t * sp->design->n * (sp->data.K > 1 ? sp->data.K : 1) : 0), sp->offset,
                         sp->weights + t * sp->design->n, sp->intercept));
    sp_model *m = &task->m;
    m->v = sp->v + (sp->v_each ? t * (sp->v_own ? m->p : sp->design->p) : 0);
    m->v_own = sp->v_own;
    if (sp->w_each) m->gw = sp->pen->groups->w + (ptrdiff_t)t * sp->pen->groups->G;
    if (sp->curvature) m->curvature = sp->curvature[t];
    m->lower = sp->lower;
    m->upper = sp->upper;
    m->max_iter = sp->max_iter;
    m->force_cd = sp->force_cd;
    m->cg = fmin(1e-3, fmax(2e-10, 0.3 * sp->thresh));
    sp_model_null(m);
    SP_TRY(m->loss.status);
    if (!sp->standardize || !m->centred) {
      m->ratio = sp_calloc(path->ctx, p, sizeof(double));
      if (!m->ratio) return SP_ENOMEM;
    }
    task->c = sp_calloc(path->ctx, (size_t)m->p, sizeof(double));
    task->seen = m->K > 1 ? sp_calloc(path->ctx, p, 1) : NULL;
    if (!task->c || (m->K > 1 && !task->seen)) return SP_ENOMEM;
  }
  SP_TRY(sp_setup_columns(path));
  for (int t = 0; t < sp->B; t++) {
    sp_task *task = &path->tasks[t];
    SP_TRY(sp_model_start(&task->m));
    SP_TRY(sp_task_reserve_blocks(task));
    if (task->m.nu > task->m.nu0) SP_TRY(refuse_separation(path, t));
    if (task->m.nu > task->m.nu0 || task->m.K > 1) SP_TRY(sp_setup_correlations(path, task));
  }
  SP_TRY(sp_par_for(path->ctx, sp->B, reduce_task, path));
  for (int t = 0; t < sp->B; t++) path->counts.reads += path->tasks[t].m.reduced ? sp->design->p : 0;
  SP_TRY(make_grid(path));
  const int most = batch_size(path);
  const size_t slots = (size_t)(path->grid < most ? path->grid : most);
  for (int t = 0; t < sp->B; t++) {
    sp_task *task = &path->tasks[t];
    const size_t n = (size_t)task->m.n;
    task->lambda_c = sp_setup_lambda_max(task);
    if (!(task->lambda_c > path->lambda[0])) task->lambda_c = path->lambda[0];
    sp_model_set_lambda(&task->m, task->lambda_c);
    task->points = sp_calloc(path->ctx, (size_t)path->grid, sizeof *task->points);
    task->rt = sp_alloc(path->ctx, n * slots, sizeof(double));
    if (!task->points || !task->rt) return SP_ENOMEM;
    if (!(sp->loss->flags & SP_LOSS_QUADRATIC) && !(task->eta = sp_alloc(path->ctx, n * slots, sizeof(double)))) {
      return SP_ENOMEM;
    }
  }
done:
  return st;
}

/* A non-convex penalty of norms lets go of large groups: others come in sooner than the strong rule says, and solutions, each worth many
 * checks, are done again. */
static void adapt_stride(sp_path *path) {
  if (!path->spec.pen->groups || !path->spec.pen->ops->pieces) return;
  const int all = batch_size(path), half = path->stride / 2;
  path->stride = path->redone ? (half > LEAST_STRIDE ? half : LEAST_STRIDE) : path->stride < all ? path->stride + 1 : all;
  path->redone = 0;
}

sp_status sp_path_run(sp_path *path, sp_ctx *ctx, const sp_spec *spec) {
  sp_status st = SP_OK;
  memset(path, 0, sizeof *path);
  path->ctx = ctx;
  path->spec = *spec;
  if (spec->method) path->spec.screen = path->spec.reduce = 0;
  sp_task **todo = sp_alloc(ctx, (size_t)spec->B, sizeof *todo);
  path->tasks = sp_calloc(ctx, (size_t)spec->B, sizeof *path->tasks);
  if (!path->tasks || !todo) {
    st = SP_ENOMEM;
    goto done;
  }
  SP_TRY(start_tasks(path));
  path->stride = batch_size(path);
  for (int l0 = 0; l0 < path->grid;) {
    const int all = batch_size(path), most = path->stride < all ? path->stride : all, whole = path->tasks->m.reduced;
    int l1 = l0 + 1;
    while (l1 < path->grid && l1 - l0 < most && (whole || path->lambda[l1] > SPAN * path->lambda[l0])) l1++;
    SP_TRY(run_batch(path, l0, l1, todo));
    SP_TRY(certify_batch(path, l0));
    adapt_stride(path);
    if (ctx->progress) ctx->progress(ctx->progress_data, (double)path->L / path->grid);
    if (path->end != SP_END_COMPLETE) break;
    l0 = l1;
  }
  /* where nothing is checked apart from the solver's own products, those are the reads */
  for (int t = 0; t < spec->B; t++) {
    const sp_model *m = &path->tasks[t].m;
    if ((spec->pen->alpha > 0 && path->spec.screen) || m->reduced) continue;
    path->counts.reads += m->qp.n_dots;
    path->counts.dots += m->qp.n_dots;
  }
done:
  sp_free(ctx, todo);
  return st;
}

void sp_path_free(sp_path *path) {
  if (!path->ctx) return;
  for (int t = 0; path->tasks && t < path->spec.B; t++) sp_task_free(&path->tasks[t], path->grid);
  sp_free(path->ctx, path->tasks);
  sp_free(path->ctx, path->lambda);
}
