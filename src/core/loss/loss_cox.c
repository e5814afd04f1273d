/* Cox's partial likelihood for times y, right-censored, perhaps with entry times, by strata, ties by Breslow or Efron. With weights w and e_i = w_i exp(eta_i),
 *
 *   F(eta) = sum over groups g of tied events of  mean over l of  d_g log( S_gl / (d_g a_l) ) - sum over deaths of w_i eta_i + const,
 *
 * d_g the weight of its deaths, S_gl = (sum of e over those at risk) - (1 - a_l) (sum of e over its deaths). Breslow: one l, a = 1;
 * Efron with m deaths: a_l = 1 - l / m, l = 0 .. m - 1. The constant makes the least possible F zero: S_gl = d_g a_l.
 *
 * Rows are put in order once: by stratum, then by falling time, survivors of a time before those who die at it. Risk sets are then
 * prefixes, and every sum is a running one of positive terms: nothing is subtracted. Within a group all is in units of
 * exp(largest eta so far), so that any range of eta works.
 *
 * Curvature: M_ij = -u_i v_j for i before j, with u = e, v_j = e_j sum over later events of mass / S^2, and M 1 = 0 in each stratum:
 * a graph Laplacian. Eliminating its vertices in order leaves Laplacians of the same kind, u_i + c v_i in place of u_i, so its
 * Cholesky factor has rows
 *
 *   (S x)_k = d_k ( x_k - mean of the later x, weighted by v ),   d_k^2 = (u_k + U v_k / V) V',
 *
 * U = sum of u before k, V and V' sums of v from k and after k. Deaths tied under Efron have smaller weights among themselves: in such a
 * block the mean gives the block's own rest the share t_k.
 *
 * With entry times risk sets are no prefixes: sums are formed for each group of events over those at risk, and the root of M is
 * that of an interval graph (interval.h). Everything is then in units of the largest exp(eta) of a stratum, and eta further than
 * FAR below that counts as FAR below. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "entropy.h"
#include "interval.h"
#include "loss.h"

#define FAR 300
#define PIVOT_FLOOR 1e-10 /* of a row of the metric, relative to the row's weight */

typedef struct group {
  int from, dead, to;  /* positions: survivors [from, dead), deaths [dead, to) */
  int first;           /* of its stratum */
  int m;               /* terms: the number of deaths for Efron, 1 for Breslow, 0 without deaths */
  double mass;         /* weight of the deaths */
  double top;          /* largest eta up to here */
  double decay;        /* exp(top of the group before - top); 0 at the first of a stratum */
  double alive, dying; /* sums of e: at risk but not dying here; dying here. In units of exp(top), as all e of the group */
  double merge;        /* metric: share of a block among what is left */
  double sums[5];      /* entry times only: terms() */
} group;

typedef struct cox {
  int *order;          /* [n] position -> row */
  double *e, *before;  /* [n] by position: e, and the sum of e before it, in the units of its group */
  double *d, *q, *t;   /* [n] metric, by position: size of the row, share of x_k in the mean from k on, share of the block in the mean */
  group *groups;
  int n_groups;
  /* entry times only */
  int *own, *until;    /* [n] by position: own group, last group at risk in (groups go back in time); until < own: none */
  double *hazard;      /* [2 n_groups] tree of sums of mass / S^2: leaf h at n_groups + h, node k the sum of 2 k and 2 k + 1 */
  double *least;       /* [n] by row: floor of the metric */
  int *position;       /* [n] of a row */
  sp_interval graph;   /* of rows */
} cox;

typedef struct row {
  int stratum, death, at;
  double time;
} row;

static int compare(const void *a, const void *b) {
  const row *x = a, *y = b;
  if (x->stratum != y->stratum) return x->stratum < y->stratum ? -1 : 1;
  if (x->time != y->time) return x->time > y->time ? -1 : 1;
  if (x->death != y->death) return x->death < y->death ? -1 : 1;
  return x->at < y->at ? -1 : x->at > y->at;
}

/* Entry times: the groups at which each row is at risk, and the graph of those that are at risk together. */
static sp_status open_entry(sp_loss *l) {
  cox *c = l->state;
  const size_t n = (size_t)l->n;
  c->own = sp_alloc(l->ctx, 5 * n, sizeof *c->own);
  c->hazard = sp_calloc(l->ctx, 3 * n, sizeof *c->hazard);
  if (!c->own || !c->hazard) return SP_ENOMEM;
  c->until = c->own + n;
  c->position = c->until + n;
  c->least = c->hazard + 2 * n;
  int *first = c->position + n, *last = first + n;
  for (size_t i = 0; i < n; i++) {
    first[i] = 1;
    last[i] = 0;
    c->least[i] = PIVOT_FLOOR * l->w[i];
  }
  for (int h = 0, k = 0; h < c->n_groups; h++) {
    for (; k < c->groups[h].to; k++) {
      const int i = c->order[k];
      const double entry = l->data->entry[l->rows ? l->rows[i] : i];
      c->position[i] = k;
      c->own[k] = h;
      c->until[k] = -1;
      for (int j = h; j < c->n_groups && (j == h || !c->groups[j].first); j++) {
        if (!(l->y[c->order[c->groups[j].from]] > entry)) break;
        if (!c->groups[j].m) continue;
        if (c->until[k] < 0) first[i] = j;
        last[i] = c->until[k] = j;
      }
      if (c->until[k] < 0) first[i] = 1, last[i] = 0;
    }
  }
  return sp_interval_open(&c->graph, l->ctx, l->n, first, last);
}

static sp_status cox_open(sp_loss *l) {
  const size_t n = (size_t)l->n;
  const sp_loss_data *data = l->data;
  cox *c = l->state = sp_calloc(l->ctx, 1, sizeof *c);
  if (!c) return SP_ENOMEM;
  c->order = sp_alloc(l->ctx, n, sizeof *c->order);
  c->e = sp_calloc(l->ctx, 5 * n, sizeof *c->e);
  c->groups = sp_calloc(l->ctx, n, sizeof *c->groups);
  row *rows = sp_alloc(l->ctx, n, sizeof *rows);
  if (!c->order || !c->e || !c->groups || !rows) {
    sp_free(l->ctx, rows);
    return SP_ENOMEM;
  }
  c->d = c->e + n;
  c->q = c->d + n;
  c->t = c->q + n;
  c->before = c->t + n;
  int count = 0;
  for (int i = 0; i < (int)n; i++) {
    const int at = l->rows ? l->rows[i] : i;
    if (l->w[i] > 0) rows[count++] = (row){data->strata ? data->strata[at] : 0, data->status[at] != 0, i, l->y[i]};
  }
  qsort(rows, (size_t)count, sizeof *rows, compare);
  for (int k = 0; k < count; k++) {
    const row *r = &rows[k];
    group *g = c->n_groups ? &c->groups[c->n_groups - 1] : NULL;
    c->order[k] = r->at;
    const int first = !k || r->stratum != rows[k - 1].stratum;
    if (first || r->time != rows[k - 1].time) {
      g = &c->groups[c->n_groups++];
      g->from = g->dead = k;
      g->first = first;
    }
    g->to = k + 1;
    if (r->death) {
      g->mass += l->w[r->at];
      g->m++;
    } else {
      g->dead = k + 1;
    }
  }
  for (int h = 0; h < c->n_groups; h++) {
    if (c->groups[h].m && !data->efron) c->groups[h].m = 1;
  }
  sp_free(l->ctx, rows);
  l->costly = data->entry != NULL;
  return data->entry ? open_entry(l) : SP_OK;
}

static void cox_close(sp_loss *l) {
  cox *c = l->state;
  if (!c) return;
  sp_free(l->ctx, c->order);
  sp_free(l->ctx, c->e);
  sp_free(l->ctx, c->groups);
  sp_free(l->ctx, c->own);
  sp_free(l->ctx, c->hazard);
  sp_interval_close(&c->graph);
  sp_free(l->ctx, c);
}

static double share(const group *g, int l) { return g->m > 1 ? 1 - (double)l / g->m : 1; }

static int last_of_stratum(const cox *c, int h) { return h + 1 == c->n_groups || c->groups[h + 1].first; }

/* The same for entry times, sum by sum */
static void risk_sets_entry(sp_loss *l, const double *eta) {
  cox *c = l->state;
  for (int begin = 0, end; begin < c->n_groups; begin = end) {
    double top = -INFINITY;
    for (end = begin + 1; !last_of_stratum(c, end - 1); end++) {
    }
    const int from = c->groups[begin].from, to = c->groups[end - 1].to;
    for (int k = from; k < to; k++) top = fmax(top, eta[c->order[k]]);
    for (int k = from; k < to; k++) c->e[k] = l->w[c->order[k]] * exp(fmax(eta[c->order[k]] - top, -FAR));
    for (int h = begin; h < end; h++) {
      group *g = &c->groups[h];
      g->top = top;
      g->alive = g->dying = 0;
      if (!g->m) continue;
      for (int k = from; k < g->dead; k++) {
        if (c->until[k] >= h) g->alive += c->e[k];
      }
      for (int k = g->dead; k < g->to; k++) g->dying += c->e[k];
    }
  }
}

/* e and the sums of each group at eta */
static void risk_sets(sp_loss *l, const double *eta) {
  cox *c = l->state;
  double sum = 0, top = 0;
  if (c->own) {
    risk_sets_entry(l, eta);
    return;
  }
  for (int h = 0; h < c->n_groups; h++) {
    group *g = &c->groups[h];
    const double before = top;
    if (g->first) {
      top = -INFINITY;
      sum = 0;
    }
    for (int k = g->from; k < g->to; k++) top = fmax(top, eta[c->order[k]]);
    g->top = top;
    g->decay = g->first ? 0 : exp(before - top);
    sum *= g->decay;
    for (int k = g->from; k < g->to; k++) {
      if (k == g->dead) g->alive = sum;
      c->e[k] = l->w[c->order[k]] * exp(eta[c->order[k]] - top);
      c->before[k] = sum;
      sum += c->e[k];
    }
    g->dying = 0;
    for (int k = g->dead; k < g->to; k++) g->dying += c->e[k];
    if (g->dead == g->to) g->alive = sum;
  }
}

static double cox_value(sp_loss *l, const double *eta) {
  const cox *c = l->state;
  double f = 0;
  risk_sets(l, eta);
  for (int h = 0; h < c->n_groups; h++) {
    const group *g = &c->groups[h];
    double logs = 0, fit = 0;
    for (int j = 0; j < g->m; j++) {
      const double a = share(g, j);
      logs += log((g->alive + a * g->dying) / (g->mass * a));
    }
    for (int k = g->dead; k < g->to; k++) fit += l->w[c->order[k]] * (eta[c->order[k]] - g->top);
    if (g->m) f += g->mass / g->m * logs - fit;
  }
  return f;
}

/* Sums over the terms of a group of mass a^i / S^j: sum[0] i = 0, j = 1; [1] i = 1, j = 1; [2..4] i = 0, 1, 2, j = 2 */
static void terms(const group *g, double *sum) {
  memset(sum, 0, 5 * sizeof *sum);
  for (int j = 0; j < g->m; j++) {
    const double a = share(g, j), s = 1 / (g->alive + a * g->dying), mass = g->mass / g->m;
    sum[0] += mass * s;
    sum[1] += mass * a * s;
    sum[2] += mass * s * s;
    sum[3] += mass * a * s * s;
    sum[4] += mass * a * a * s * s;
  }
}

static void gradient_entry(sp_loss *l, double *grad, double *hess) {
  cox *c = l->state;
  for (int h = 0; h < c->n_groups; h++) terms(&c->groups[h], c->groups[h].sums);
  for (int k = 0; k < c->groups[c->n_groups - 1].to; k++) {
    const group *own = &c->groups[c->own[k]];
    const int i = c->order[k], death = k >= own->dead;
    double first = own->sums[death], second = own->sums[death ? 4 : 2];
    for (int h = c->own[k] + 1; h <= c->until[k]; h++) {
      first += c->groups[h].sums[0];
      second += c->groups[h].sums[2];
    }
    grad[i] = (death ? l->w[i] : 0) - c->e[k] * first;
    hess[i] = fmax(0, c->e[k] * (first - c->e[k] * second));
  }
}

static void cox_grad_hess(sp_loss *l, const double *eta, double *grad, double *hess) {
  const cox *c = l->state;
  double first = 0, second = 0, sum[5];
  memset(grad, 0, (size_t)l->n * sizeof *grad);
  memset(hess, 0, (size_t)l->n * sizeof *hess);
  risk_sets(l, eta);
  if (c->own) {
    gradient_entry(l, grad, hess);
    return;
  }
  for (int h = c->n_groups - 1; h >= 0; h--) {
    const group *g = &c->groups[h];
    const double decay = h + 1 < c->n_groups ? c->groups[h + 1].decay : 0; /* 0 at the last of a stratum */
    first *= decay;
    second *= decay * decay;
    terms(g, sum);
    for (int k = g->from; k < g->to; k++) {
      const int i = c->order[k], death = k >= g->dead;
      const double mu = c->e[k] * (first + sum[death]);
      grad[i] = (death ? l->w[i] : 0) - mu;
      hess[i] = fmax(0, mu - c->e[k] * c->e[k] * (second + sum[death ? 4 : 2]));
    }
    first += sum[0];
    second += sum[2];
  }
}

static double cox_saturated(sp_loss *l) {
  (void)l;
  return 0;
}

/* F is a sum over terms of mass log sum_i a_i e_i, whose conjugate is the entropy: the divergence of s p + (1 - s) y from p, p the
 * distribution of the term over those at risk and y that of its deaths. An upper bound of the term of the whole F, 0 at s = 1. */
static double cox_fenchel_young(sp_loss *l, const double *eta, double s) {
  const cox *c = l->state;
  if (s >= 1) return 0;
  const double rest = sp_kl_term(s, 1, 0);
  double f = 0;
  risk_sets(l, eta);
  for (int h = 0; h < c->n_groups; h++) {
    const group *g = &c->groups[h];
    for (int j = 0; j < g->m; j++) {
      const double a = share(g, j), total = g->alive + a * g->dying, log_total = log(total / a);
      double kl = g->alive / total * rest;
      for (int k = g->dead; k < g->to; k++) {
        const int i = c->order[k];
        const double p = a * c->e[k] / total, log_p = log(l->w[i]) + eta[i] - g->top - log_total;
        kl += sp_kl_term(s * p + (1 - s) * l->w[i] / g->mass, p, log_p);
      }
      f += g->mass / g->m * kl;
    }
  }
  return f;
}

static double cox_start(sp_loss *l) {
  (void)l;
  return 0;
}

static double size_of(const sp_loss *l, int at, double pivot) { return sqrt(fmax(pivot, PIVOT_FLOOR * l->w[at])); }

/* mass / S^2 over the groups from .. to - 1, of no more than the terms needed: a difference of running sums would cancel */
static double hazard_sum(const cox *c, int from, int to) {
  double s = 0;
  for (from += c->n_groups, to += c->n_groups; from < to; from /= 2, to /= 2) {
    if (from & 1) s += c->hazard[from++];
    if (to & 1) s += c->hazard[--to];
  }
  return s;
}

/* -M_ij: sum over the groups at which both are at risk, smaller in a group in which one or both die */
static double edge(const void *data, int i, int j) {
  const cox *c = data;
  const int x = c->position[i], y = c->position[j];
  const int from = c->own[x] > c->own[y] ? c->own[x] : c->own[y], to = c->until[x] < c->until[y] ? c->until[x] : c->until[y];
  if (from > to) return 0;
  const group *g = &c->groups[from];
  const int deaths = (x >= g->dead && x < g->to) + (y >= g->dead && y < g->to);
  return c->e[x] * c->e[y] * (g->sums[2 + deaths] + hazard_sum(c, from + 1, to + 1));
}

static sp_status cox_metric(sp_loss *l, const double *eta) {
  cox *c = l->state;
  double later = 0, behind = 0, sum[5]; /* of mass / S^2; of v */
  risk_sets(l, eta);
  if (c->own) {
    for (int h = 0; h < c->n_groups; h++) {
      terms(&c->groups[h], c->groups[h].sums);
      c->hazard[c->n_groups + h] = c->groups[h].sums[2];
    }
    for (int k = c->n_groups - 1; k > 0; k--) c->hazard[k] = c->hazard[2 * k] + c->hazard[2 * k + 1];
    sp_interval_factor(&c->graph, edge, c, c->least);
    return SP_OK;
  }
  for (int h = c->n_groups - 1; h >= 0; h--) {
    group *g = &c->groups[h];
    const double decay = h + 1 < c->n_groups ? c->groups[h + 1].decay : 0;
    later *= decay * decay;
    behind *= decay;
    terms(g, sum);
    const double among = later + sum[4], dying = later + sum[3], alive = later + sum[2];
    if (g->m > 1) {
      /* weights among the deaths are smaller than v by the factor among / dying */
      const double own = dying * g->dying, all = behind + own, level = all > 0 ? g->alive / all : 0;
      double out = 1 + level * dying, in = among + level * dying * dying, rest = 0;
      g->merge = all > 0 ? own / all : 0;
      for (int k = g->to - 1; k >= g->dead; k--) {
        c->t[k] = rest; /* what of the block comes after */
        rest += c->e[k];
        c->q[k] = rest > 0 ? c->e[k] / rest : 0;
      }
      for (int k = g->dead; k < g->to; k++) {
        const double inner = in * c->t[k], total = out * behind + inner;
        c->d[k] = total > 0 ? size_of(l, c->order[k], c->e[k] * total) : 0;
        c->t[k] = total > 0 ? inner / total : 0;
        if (total > 0) {
          const double step = c->e[k] * in / total;
          out += out * step;
          in += in * step;
        }
      }
      behind += own;
    }
    for (int k = (g->m > 1 ? g->dead : g->to) - 1; k >= g->from; k--) {
      const double v = c->e[k] * (k >= g->dead ? dying : alive), all = behind + v;
      c->q[k] = all > 0 ? v / all : 0;
      c->d[k] = behind > 0 ? size_of(l, c->order[k], (c->e[k] + c->before[k] * c->q[k]) * behind) : 0;
      c->t[k] = 0;
      behind = all;
    }
    later += sum[2];
  }
  return SP_OK;
}

/* from the last position to the first: x <- S x, or S^-1 x */
static void backwards(const cox *c, double *x, int solve) {
  double mean = 0;
  for (int h = c->n_groups - 1; h >= 0; h--) {
    const group *g = &c->groups[h];
    double own = 0;
    if (last_of_stratum(c, h)) mean = 0;
    for (int k = g->to - 1; k >= g->from; k--) {
      const int i = c->order[k], block = g->m > 1 && k >= g->dead;
      const double d = c->d[k], centre = block ? mean + c->t[k] * (own - mean) : mean, old = x[i];
      const double at = solve ? (d > 0 ? old / d : 0) + centre : old;
      x[i] = solve ? at : d * (old - centre);
      if (block) own += c->q[k] * (at - own);
      else mean += c->q[k] * (at - mean);
      if (block && k == g->dead) mean += g->merge * (own - mean);
    }
  }
}

/* from the first position to the last: x <- S'x, or S'^-1 x. `due` is what the mean of the later x is still owed */
static void forwards(const cox *c, double *x, int solve) {
  double due = 0;
  for (int h = 0; h < c->n_groups; h++) {
    const group *g = &c->groups[h];
    double own = 0;
    if (g->first) due = 0;
    for (int k = g->from; k < g->to; k++) {
      const int i = c->order[k], block = g->m > 1 && k >= g->dead;
      if (block && k == g->dead) {
        own = g->merge * due;
        due -= own;
      }
      const double d = c->d[k], part = c->q[k] * (block ? own : due), scaled = solve ? x[i] - part : d * x[i];
      x[i] = solve ? (d > 0 ? scaled / d : 0) : scaled + part;
      if (block) {
        own -= part + c->t[k] * scaled;
        due -= scaled - c->t[k] * scaled;
      } else {
        due -= part + scaled;
      }
    }
  }
}

static void cox_root(const sp_loss *l, enum sp_root op, double *x) {
  const cox *c = l->state;
  const int solve = op == SP_ROOT_SOLVE || op == SP_ROOT_SOLVE_T;
  if (c->own) {
    sp_interval_root(&c->graph, op, x);
    return;
  }
  if (op == SP_ROOT || op == SP_ROOT_SOLVE) backwards(l->state, x, solve);
  else forwards(l->state, x, solve);
}

const sp_loss_ops sp_loss_cox = {
    .name = "cox",
    .flags = SP_LOSS_LEVEL_FREE,
    .open = cox_open,
    .close = cox_close,
    .value = cox_value,
    .grad_hess = cox_grad_hess,
    .saturated = cox_saturated,
    .metric = cox_metric,
    .root = cox_root,
    .fenchel_young = cox_fenchel_young,
    .start = cox_start,
};
