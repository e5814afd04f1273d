#include "par.h"

#ifdef _OPENMP
#include <omp.h>
#endif
#if defined(_OPENMP) && !defined(_WIN32) && (defined(__GNUC__) || defined(__clang__))
#include <sys/types.h>
#include <unistd.h>
#define SP_CAN_FORK 1
#endif

/* room: the process in which the library was loaded, written once, before any call. A child made by fork() inherits
 * the thread pool of libgomp without its threads and would wait for them for ever, so it works alone. */
#ifdef SP_CAN_FORK
static pid_t home = -1; /* room: set at load, never changed */
__attribute__((constructor)) static void remember_home(void) { home = getpid(); }
static int is_forked(void) { return home != getpid(); }
#else
#ifdef _OPENMP
static int is_forked(void) { return 0; }
#endif
#endif

#ifdef _OPENMP

/* The lowest i that failed. Tasks above it are skipped, tasks below it still run: the answer is then the same
 * as that of the serial loop, which stops there. */
typedef struct first_failure {
  int i;
  sp_status status;
} first_failure;

static sp_status run_parallel(int threads, int n, sp_par_fn fn, void *arg) {
  first_failure bad = {n, SP_OK};
#pragma omp parallel for schedule(dynamic, 1) num_threads(threads)
  for (int i = 0; i < n; i++) {
    int limit;
#pragma omp atomic read
    limit = bad.i;
    if (i > limit) continue;
    sp_status s = fn(arg, i);
    if (s != SP_OK) {
#pragma omp critical(sp_par_failure)
      if (i < bad.i) {
        bad.status = s;
#pragma omp atomic write
        bad.i = i;
      }
    }
  }
  return bad.status;
}

#endif

sp_status sp_par_for(sp_ctx *ctx, int n, sp_par_fn fn, void *arg) {
#ifdef _OPENMP
  int threads = ctx->threads < n ? ctx->threads : n;
  if (threads > 1 && !is_forked() && !omp_in_parallel()) return run_parallel(threads, n, fn, arg);
#else
  (void)ctx;
#endif
  for (int i = 0; i < n; i++) {
    sp_status s = fn(arg, i);
    if (s != SP_OK) return s;
  }
  return SP_OK;
}

int sp_par_available(void) {
#ifdef _OPENMP
  if (is_forked()) return 1;
  int k = omp_get_num_procs(); /* honours the affinity mask */
  if (k > omp_get_max_threads()) k = omp_get_max_threads(); /* honours OMP_NUM_THREADS */
  if (k > omp_get_thread_limit()) k = omp_get_thread_limit();
  return k > 1 ? k : 1;
#else
  return 1;
#endif
}

int sp_par_compiled(void) {
#ifdef _OPENMP
  return 1;
#else
  return 0;
#endif
}
