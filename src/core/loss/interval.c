#include "interval.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

typedef struct key {
  int at, node;
} key;

static int compare(const void *a, const void *b) {
  const key *x = a, *y = b;
  return x->at != y->at ? (x->at < y->at ? -1 : 1) : x->node < y->node ? -1 : x->node > y->node;
}

static void sorted(key *keys, int n, int *out) {
  qsort(keys, (size_t)n, sizeof *keys, compare);
  for (int i = 0; i < n; i++) out[i] = keys[i].node;
}

/* Who is alive when, in a walk through the order: counts entries, then (fill) writes them; slots and their number. */
static void walk(sp_interval *f, const int *first, const int *last, int *alive, int *free_slots, int fill) {
  int count = 0, next = 0, spare = 0;
  ptrdiff_t at = 0;
  f->width = 0;
  for (int i = 0; i < f->live; i++) {
    const int k = f->order[i];
    for (; next < f->live && first[f->enter[next]] <= last[k]; next++) {
      const int j = f->enter[next];
      f->slot[j] = spare ? free_slots[--spare] : f->width++;
      alive[count++] = j;
    }
    f->entered[i] = next;
    f->ptr[i] = at;
    int left = 0;
    for (int c = 0; c < count; c++) {
      if (alive[c] == k) continue;
      alive[left++] = alive[c];
      if (fill) f->node[at] = alive[c];
      at++;
    }
    count = left;
    free_slots[spare++] = f->slot[k];
  }
  f->ptr[f->live] = at;
}

sp_status sp_interval_open(sp_interval *f, sp_ctx *ctx, ptrdiff_t n, const int *first, const int *last) {
  const size_t sn = (size_t)n;
  sp_status st = SP_OK;
  memset(f, 0, sizeof *f);
  f->ctx = ctx;
  f->n = n;
  key *keys = sp_alloc(ctx, sn, sizeof *keys);
  int *work = sp_alloc(ctx, 2 * sn, sizeof *work);
  f->order = sp_alloc(ctx, sn, sizeof *f->order);
  f->enter = sp_alloc(ctx, sn, sizeof *f->enter);
  f->entered = sp_alloc(ctx, sn, sizeof *f->entered);
  f->slot = sp_alloc(ctx, sn, sizeof *f->slot);
  f->ptr = sp_alloc(ctx, sn + 1, sizeof *f->ptr);
  f->d = sp_calloc(ctx, sn, sizeof *f->d);
  if (!keys || !work || !f->order || !f->enter || !f->entered || !f->slot || !f->ptr || !f->d) {
    st = SP_ENOMEM;
    goto done;
  }
  for (ptrdiff_t i = 0; i < n; i++) f->slot[i] = -1;
  for (int pass = 0; pass < 2; pass++) {
    f->live = 0;
    for (int i = 0; i < (int)n; i++) {
      if (first[i] <= last[i]) keys[f->live++] = (key){pass ? first[i] : last[i], i};
    }
    sorted(keys, f->live, pass ? f->enter : f->order);
  }
  walk(f, first, last, work, work + n, 0);
  const size_t entries = (size_t)f->ptr[f->live] + 1, width = (size_t)f->width;
  f->node = sp_alloc(ctx, entries, sizeof *f->node);
  f->p = sp_calloc(ctx, entries, sizeof *f->p);
  f->front = sp_calloc(ctx, width * width, sizeof *f->front);
  f->row = sp_calloc(ctx, width, sizeof *f->row);
  if (!f->node || !f->p || !f->front || !f->row) {
    st = SP_ENOMEM;
    goto done;
  }
  walk(f, first, last, work, work + n, 1);
done:
  sp_free(ctx, keys);
  sp_free(ctx, work);
  return st;
}

void sp_interval_close(sp_interval *f) {
  if (!f->ctx) return;
  void *all[] = {f->order, f->ptr, f->node, f->p, f->d, f->enter, f->entered, f->slot, f->front, f->row};
  for (size_t i = 0; i < sizeof all / sizeof *all; i++) sp_free(f->ctx, all[i]);
  memset(f, 0, sizeof *f);
}

void sp_interval_factor(sp_interval *f, double (*edge)(const void *, int, int), const void *data, const double *least) {
  const ptrdiff_t width = f->width;
  int next = 0;
  for (int i = 0; i < f->live; i++) {
    const int k = f->order[i];
    /* edges of the nodes that begin now, with those of the last step and with one another */
    for (; next < f->entered[i]; next++) {
      const int j = f->enter[next];
      double *to = f->front + f->slot[j] * width;
      const ptrdiff_t from = i ? f->ptr[i - 1] : 0, upto = i ? f->ptr[i] : 0;
      for (ptrdiff_t e = from; e < upto; e++) {
        const ptrdiff_t s = f->slot[f->node[e]];
        to[s] = f->front[s * width + f->slot[j]] = edge(data, j, f->node[e]);
      }
      for (int h = i ? f->entered[i - 1] : 0; h < next; h++) {
        const ptrdiff_t s = f->slot[f->enter[h]];
        to[s] = f->front[s * width + f->slot[j]] = edge(data, j, f->enter[h]);
      }
    }
    const double *own = f->front + f->slot[k] * width;
    double total = 0;
    for (ptrdiff_t e = f->ptr[i]; e < f->ptr[i + 1]; e++) total += own[f->slot[f->node[e]]];
    f->d[i] = total > 0 ? sqrt(fmax(total, least[k])) : 0;
    memset(f->row, 0, (size_t)width * sizeof *f->row);
    for (ptrdiff_t e = f->ptr[i]; e < f->ptr[i + 1]; e++) {
      const int s = f->slot[f->node[e]];
      f->p[e] = total > 0 ? own[s] / total : 0;
      f->row[s] = f->p[e];
    }
    for (ptrdiff_t e = f->ptr[i]; e < f->ptr[i + 1]; e++) {
      const int s = f->slot[f->node[e]];
      const double by = own[s];
      double *to = f->front + s * width;
      if (by == 0) continue;
      for (ptrdiff_t h = 0; h < width; h++) to[h] += by * f->row[h];
    }
  }
}

static void forwards(const sp_interval *f, double *x, int solve) {
  for (int i = 0; i < f->live; i++) {
    const int k = f->order[i];
    double sum = 0;
    for (ptrdiff_t e = f->ptr[i]; e < f->ptr[i + 1]; e++) {
      if (solve) x[f->node[e]] += f->p[e] * x[k];
      else sum += f->p[e] * x[f->node[e]];
    }
    x[k] = solve ? (f->d[i] > 0 ? x[k] / f->d[i] : 0) : f->d[i] * (x[k] - sum);
  }
}

static void backwards(const sp_interval *f, double *x, int solve) {
  for (int i = f->live - 1; i >= 0; i--) {
    const int k = f->order[i];
    double sum = 0;
    if (!solve) x[k] *= f->d[i];
    for (ptrdiff_t e = f->ptr[i]; e < f->ptr[i + 1]; e++) {
      if (solve) sum += f->p[e] * x[f->node[e]];
      else x[f->node[e]] -= f->p[e] * x[k];
    }
    if (solve) x[k] = (f->d[i] > 0 ? x[k] / f->d[i] : 0) + sum;
  }
}

void sp_interval_root(const sp_interval *f, enum sp_root op, double *x) {
  if (op == SP_ROOT || op == SP_ROOT_SOLVE_T) forwards(f, x, op == SP_ROOT_SOLVE_T);
  else backwards(f, x, op == SP_ROOT_SOLVE);
  for (ptrdiff_t i = 0; i < f->n && f->live < f->n; i++) {
    if (f->slot[i] < 0) x[i] = 0;
  }
}
