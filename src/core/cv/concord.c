/* Times are gone through from the latest to the earliest; the rows at risk are in a Fenwick tree over the ranks of their predictions,
 * so that the weight of those below an event's is a sum of log n terms. With entry times, rows leave it when time has come down to their
 * entry. */
#include "concord.h"

#include <stdlib.h>

typedef struct key {
  double value, second;
  int stratum, at;
} key;

/* by stratum, then falling value, then falling second */
static int compare(const void *a, const void *b) {
  const key *x = a, *y = b;
  if (x->stratum != y->stratum) return x->stratum < y->stratum ? -1 : 1;
  if (x->value != y->value) return x->value > y->value ? -1 : 1;
  if (x->second != y->second) return x->second > y->second ? -1 : 1;
  return x->at < y->at ? -1 : x->at > y->at;
}

/* tree [n + 1], positions from 1 */
static void add(double *tree, int n, int at, double w) {
  for (; at <= n; at += at & -at) tree[at] += w;
}

static double below(const double *tree, int at) {
  double s = 0;
  for (; at > 0; at -= at & -at) s += tree[at];
  return s;
}

/* Orders of the used rows: by time, by entry; room for the ranks of one column */
typedef struct work {
  key *time, *entry, *pred;
  int *rank;    /* [n] by row: 1 for the smallest prediction of the stratum */
  double *tree; /* [n + 1] */
  int n;
} work;

static void rank_predictions(const work *k, const double *eta) {
  for (int i = 0; i < k->n; i++) k->pred[i] = (key){eta[k->time[i].at], 0, k->time[i].stratum, k->time[i].at};
  qsort(k->pred, (size_t)k->n, sizeof *k->pred, compare);
  for (int to = k->n, rank = 0; to > 0; to--) {
    const key *now = &k->pred[to - 1], *after = now + 1;
    if (to == k->n || now->stratum != after->stratum) rank = 0;
    if (rank == 0 || now->value != after->value) rank++;
    k->rank[now->at] = rank;
  }
}

static void one_column(const work *k, const double *w, const double *eta, double *agree, double *all) {
  int left = 0;
  rank_predictions(k, eta);
  *agree = *all = 0;
  for (int from = 0, to; from < k->n; from = to) {
    const int stratum = k->time[from].stratum;
    double inside = 0;
    for (to = from; to < k->n && k->time[to].stratum == stratum; to++) {
    }
    const int size = to - from;
    for (int i = 0; i <= size; i++) k->tree[i] = 0;
    for (int i = from; i < to;) {
      const double t = k->time[i].value;
      int dead = i, next;
      for (; dead < to && k->time[dead].value == t && k->time[dead].second == 0; dead++) {
      }
      for (next = dead; next < to && k->time[next].value == t; next++) {
      }
      for (int j = i; j < dead; j++) {
        add(k->tree, size, k->rank[k->time[j].at], w[k->time[j].at]);
        inside += w[k->time[j].at];
      }
      for (; k->entry && left < to && k->entry[left].value >= t; left++) { /* in the tree: its time is later than its entry */
        add(k->tree, size, k->rank[k->entry[left].at], -w[k->entry[left].at]);
        inside -= w[k->entry[left].at];
      }
      for (int j = dead; j < next; j++) {
        const int at = k->time[j].at, rank = k->rank[at];
        const double less = below(k->tree, rank - 1), equal = below(k->tree, rank) - less;
        *agree += w[at] * (less + equal / 2);
        *all += w[at] * inside;
      }
      for (int j = dead; j < next; j++) {
        add(k->tree, size, k->rank[k->time[j].at], w[k->time[j].at]);
        inside += w[k->time[j].at];
      }
      i = next;
    }
    left = to;
  }
}

sp_status sp_concordance(sp_ctx *ctx, int n, int L, const double *time, const double *entry, const int *status, const int *strata,
                         const double *w, const double *eta, double *agree, double *all) {
  work k = {0};
  sp_status st = SP_ENOMEM;
  k.time = sp_alloc(ctx, (size_t)n, sizeof *k.time);
  k.pred = sp_alloc(ctx, (size_t)n, sizeof *k.pred);
  k.rank = sp_alloc(ctx, (size_t)n, sizeof *k.rank);
  k.tree = sp_alloc(ctx, (size_t)n + 1, sizeof *k.tree);
  if (entry) k.entry = sp_alloc(ctx, (size_t)n, sizeof *k.entry);
  if (!k.time || !k.pred || !k.rank || !k.tree || (entry && !k.entry)) goto done;
  for (int i = 0; i < n; i++) {
    const int stratum = strata ? strata[i] : 0;
    if (!(w[i] > 0)) continue;
    /* the censored of a time come before its events */
    k.time[k.n] = (key){time[i], -(status[i] != 0), stratum, i};
    if (entry) k.entry[k.n] = (key){entry[i], 0, stratum, i};
    k.n++;
  }
  qsort(k.time, (size_t)k.n, sizeof *k.time, compare);
  if (entry) qsort(k.entry, (size_t)k.n, sizeof *k.entry, compare);
  st = SP_OK;
  for (int l = 0; l < L; l++) one_column(&k, w, eta + (ptrdiff_t)l * n, &agree[l], &all[l]);
done:
  sp_free(ctx, k.time);
  sp_free(ctx, k.pred);
  sp_free(ctx, k.rank);
  sp_free(ctx, k.tree);
  sp_free(ctx, k.entry);
  return st;
}
