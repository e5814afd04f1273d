/* The parallel loop on POSIX threads, in place of par.c under the thread sanitizer: it does not see how
 * OpenMP libraries synchronize and would report races that are none. */
#include "base/par.h"

#include <pthread.h>
#include <unistd.h>

enum { MOST = 64 };

typedef struct shared {
  sp_par_fn fn;
  void *arg;
  int n, next;
  pthread_mutex_t lock;
  int first;
  sp_status status;
} shared;

static _Thread_local int inside;
static pid_t home;
__attribute__((constructor)) static void remember_home(void) { home = getpid(); }

static void *work(void *data) {
  shared *s = data;
  inside = 1;
  for (;;) {
    pthread_mutex_lock(&s->lock);
    int i = s->next++;
    int skip = i > s->first;
    pthread_mutex_unlock(&s->lock);
    if (i >= s->n) break;
    if (skip) continue;
    sp_status st = s->fn(s->arg, i);
    if (st == SP_OK) continue;
    pthread_mutex_lock(&s->lock);
    if (i < s->first) {
      s->first = i;
      s->status = st;
    }
    pthread_mutex_unlock(&s->lock);
  }
  inside = 0;
  return NULL;
}

sp_status sp_par_for(sp_ctx *ctx, int n, sp_par_fn fn, void *arg) {
  int threads = ctx->threads < n ? ctx->threads : n;
  if (threads > MOST) threads = MOST;
  if (threads <= 1 || inside || home != getpid()) {
    for (int i = 0; i < n; i++) {
      sp_status st = fn(arg, i);
      if (st != SP_OK) return st;
    }
    return SP_OK;
  }
  shared s = {.fn = fn, .arg = arg, .n = n, .first = n, .status = SP_OK};
  pthread_t id[MOST];
  int started = 0;
  pthread_mutex_init(&s.lock, NULL);
  while (started < threads - 1 && pthread_create(&id[started], NULL, work, &s) == 0) started++;
  work(&s);
  for (int k = 0; k < started; k++) pthread_join(id[k], NULL);
  pthread_mutex_destroy(&s.lock);
  return s.status;
}

int sp_par_available(void) { return home != getpid() ? 1 : 2; }
int sp_par_compiled(void) { return 1; }
