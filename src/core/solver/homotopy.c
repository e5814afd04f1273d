/* Parametric homotopy: the safety net. From any consistent state it shifts the gradient so that the state is optimal, then takes the
 * shift away, theta from 0 to 1, following the piecewise linear solution from event to event (enter, leave, reach a
 * limit, leave a limit). Every intermediate problem is convex whatever the start, so it serves lambda steps, repairs of violations,
 * limits and changes of weight alike. Osborne, Presnell & Turlach (2000); Efron et al. (2004). */
#include <math.h>
#include <string.h>

#include "../base/vec.h"
#include "qp.h"

#define TIE 1e-14       /* events closer than this in theta are simultaneous */
#define ZERO_STEP 1e-12 /* a step shorter than this counts towards Bland's rule */
#define BLAND_AFTER 50  /* consecutive zero steps before the lowest column number decides */
#define REACH 0.6       /* fraction of its threshold that makes a column worth watching */
#define REFRESH 50      /* events between fresh residuals */

typedef struct event {
  double theta, rate, dir;
  int k, leaves, state;
} event;

static void consider(const sp_qp *q, event *ev, int bland, double theta, int k, int leaves, int state, double rate,
                     double dir) {
  if (!(theta > 0)) theta = 0;
  if (theta >= 1) return;
  int win = theta < ev->theta - TIE;
  if (!win && theta <= ev->theta + TIE && ev->k >= 0) {
    win = bland ? q->W[k] < q->W[ev->k] : fabs(rate) > fabs(ev->rate);
  }
  if (!win) return;
  if (theta < ev->theta) ev->theta = theta;
  ev->k = k;
  ev->leaves = leaves;
  ev->state = state;
  ev->rate = rate;
  ev->dir = dir;
}

/* States that contradict themselves are clipped; then r and c from scratch. */
static sp_status make_consistent(sp_qp *q, double *y) {
  int failed;
  sp_status st = sp_qp_set_y(q, y);
  if (st != SP_OK) return st;
  for (int i = q->a - 1; i >= 0; i--) {
    double value;
    const int state = sp_qp_leaving(q, i, &value), k = q->A[i];
    if (state < 0) continue;
    q->b[k] = value;
    sp_factor_drop(q, i, state);
  }
  if (q->stale) {
    st = sp_factor_rebuild(q, &failed);
    if (st != SP_OK) return st;
  }
  st = sp_qp_residual(q, y);
  sp_qp_corr_all(q);
  if (q->nW) memset(q->blk, 0, (size_t)q->nW);
  return st;
}

/* The shift under which the present state is optimal. Away from the active columns it grows only where the one that is left does not
 * do: a column that was not watched may have gone past its threshold. c is fresh. */
static void shift_to_optimal(sp_qp *q) {
  for (int k = 0; k < q->nW; k++) {
    if (q->ia[k] >= 0) {
      q->q[k] = q->c[k] - q->k[k] * q->b[k] - q->t[k] * q->s[k];
    } else {
      const double c = q->c[k];
      double dir;
      q->c[k] = c - q->q[k];
      const double v = sp_qp_violation(q, k, &dir);
      q->c[k] = c;
      q->q[k] += dir * v;
    }
  }
}

/* Columns that could enter on the way: the others are left for the check that follows every solve. c is fresh. */
static void choose_reachable(sp_qp *q) {
  q->nV = 0;
  for (int k = 0; k < q->nW; k++) {
    if (q->ia[k] < 0 && (q->st[k] != SP_ZERO || fabs(q->c[k]) >= REACH * q->t[k])) q->V[q->nV++] = k;
  }
}

static void next_event(sp_qp *q, event *ev, int bland, int last, double last_dir) {
  ev->theta = 1;
  ev->rate = 0;
  ev->k = -1;
  for (int v = 0; v < q->nV; v++) {
    const int k = q->V[v];
    if (q->blk[k]) continue;
    const double t = q->t[k], df = q->q[k] - q->av[k], eps = 1e-13 * (t + fabs(q->q[k]));
    double f = q->c[k] - q->q[k];
    if (q->st[k] == SP_ZERO) {
      if (df > eps && q->hi[k] > 0 && !(k == last && last_dir > 0)) {
        consider(q, ev, bland, (t - f) / df, k, 0, 0, df, 1);
      } else if (df < -eps && q->lo[k] < 0 && !(k == last && last_dir < 0)) {
        consider(q, ev, bland, (t + f) / -df, k, 0, 0, df, -1);
      }
      continue;
    }
    f -= q->k[k] * q->b[k];
    if (q->st[k] == SP_HI) {
      if (df < -eps && k != last) consider(q, ev, bland, (f - t) / -df, k, 0, 0, df, -1);
    } else if (df > eps && k != last) {
      consider(q, ev, bland, (-t - f) / df, k, 0, 0, df, 1);
    }
  }
  for (int i = 0; i < q->a; i++) {
    const int k = q->A[i];
    const double b = q->b[k], d = q->d[i];
    if (d == 0) continue;
    if (q->s[k] * d < 0) consider(q, ev, bland, -b / d, k, 1, SP_ZERO, d, 0);
    if (d > 0 && isfinite(q->hi[k]) && q->s[k] >= 0) consider(q, ev, bland, (q->hi[k] - b) / d, k, 1, SP_HI, d, 0);
    if (d < 0 && isfinite(q->lo[k]) && q->s[k] <= 0) consider(q, ev, bland, (q->lo[k] - b) / d, k, 1, SP_LO, d, 0);
  }
}

static double state_value(const sp_qp *q, int k, int state) {
  return state == SP_HI ? q->hi[k] : state == SP_LO ? q->lo[k] : 0;
}

/* The entrant k is a combination w of the active columns: slide along the flat direction (the fit does not change) until a
 * coefficient reaches zero or a limit; that one leaves and k takes its place. */
static sp_status exchange(sp_qp *q, int k, double dir, double sign, int *last, double *last_dir) {
  q->n_exchange++;
  double wmax = 0, tau = INFINITY, best = 0, own, w;
  int who = -1, state = 0, own_state;
  for (int i = 0; i < q->a; i++) wmax = fmax(wmax, fabs(q->w[i]));
  for (int i = 0; i < q->a; i++) {
    const int ki = q->A[i];
    w = q->w[i];
    if (fabs(w) < 1e-7 * wmax) continue;
    const double d = -dir * w;
    double T = INFINITY;
    int to = 0;
    if (q->s[ki] * d < 0) {
      T = -q->b[ki] / d;
      to = SP_ZERO;
    } else if (d > 0 && isfinite(q->hi[ki])) {
      T = (q->hi[ki] - q->b[ki]) / d;
      to = SP_HI;
    } else if (d < 0 && isfinite(q->lo[ki])) {
      T = (q->lo[ki] - q->b[ki]) / d;
      to = SP_LO;
    }
    if (!(T > 0)) T = 0;
    if (T < tau - TIE || (T <= tau + TIE && fabs(w) > best)) {
      tau = T;
      who = i;
      state = to;
      best = fabs(w);
    }
  }
  if (q->st[k] == SP_ZERO) {
    own = dir > 0 ? q->hi[k] : -q->lo[k];
    own_state = dir > 0 ? SP_HI : SP_LO;
  } else if (q->t[k] == 0) {
    own = q->hi[k] - q->lo[k];
    own_state = q->st[k] == SP_HI ? SP_LO : SP_HI;
  } else {
    own = fabs(q->b[k]);
    own_state = SP_ZERO;
  }
  if (own <= tau && isfinite(own)) {
    for (int i = 0; i < q->a; i++) q->b[q->A[i]] -= dir * own * q->w[i];
    q->b[k] = state_value(q, k, own_state);
    q->st[k] = (char)own_state;
    *last = k;
    *last_dir = dir;
    return SP_OK;
  }
  if (who < 0 || !isfinite(tau)) {
    q->blk[k] = 1;
    return SP_OK;
  }
  for (int i = 0; i < q->a; i++) q->b[q->A[i]] -= dir * tau * q->w[i];
  q->b[k] += dir * tau;
  const int ki = q->A[who];
  *last = ki;
  *last_dir = q->s[ki];
  q->b[ki] = state_value(q, ki, state);
  sp_factor_drop(q, who, state);
  int dependent;
  const sp_status st = sp_factor_add(q, k, sign, &dependent);
  if (st == SP_OK && dependent) {
    q->blk[k] = 1;
    q->b[k] = state_value(q, k, q->st[k]);
  }
  return st;
}

sp_status sp_homotopy(sp_qp *q, int *ok) {
  sp_status st = SP_OK;
  int last = -1, zeros = 0, trouble;
  double last_dir = 0;
  double *y = sp_alloc(q->ctx, (size_t)q->n, sizeof *y);
  *ok = 0;
  if (!y) return SP_ENOMEM;
  q->n_homotopy++;
  SP_TRY(make_consistent(q, y));
  if (q->nW) memset(q->q, 0, (size_t)q->nW * sizeof *q->q);
  shift_to_optimal(q);
  choose_reachable(q);
  const ptrdiff_t cap = 2000 + 20 * (q->nW < q->n ? q->nW : q->n);
  for (ptrdiff_t ev = 1; ev <= cap; ev++) {
    event e;
    for (int i = 0; i < q->a; i++) q->rhs[i] = q->q[q->A[i]];
    SP_TRY(sp_qp_solve_active(q, q->rhs, &trouble));
    if (trouble) break;
    int inactive = 0;
    for (int v = 0; v < q->nV; v++) {
      if (q->ia[q->V[v]] < 0) q->V[inactive++] = q->V[v];
    }
    q->nV = inactive;
    sp_qp_corr(q, q->V, q->nV, q->u, q->val);
    for (int v = 0; v < q->nV; v++) q->av[q->V[v]] = q->val[v];
    next_event(q, &e, zeros > BLAND_AFTER, last, last_dir);
    const double th = e.k < 0 ? 1 : e.theta;
    for (int i = 0; i < q->a; i++) q->b[q->A[i]] += th * q->d[i];
    sp_axpy(-th, q->u, q->r, q->n);
    for (int v = 0; v < q->nV; v++) q->c[q->V[v]] -= th * q->av[q->V[v]];
    for (int k = 0; k < q->nW; k++) q->q[k] *= 1 - th;
    if (e.k < 0) {
      *ok = 1;
      break;
    }
    /* c of the active columns follows from their equation */
    for (int i = 0; i < q->a; i++) {
      const int k = q->A[i];
      q->c[k] = q->q[k] + q->k[k] * q->b[k] + q->t[k] * q->s[k];
    }
    q->n_events++;
    zeros = th < ZERO_STEP ? zeros + 1 : 0;
    last = -1;
    if (e.leaves) {
      q->b[e.k] = state_value(q, e.k, e.state);
      last = e.k;
      last_dir = q->s[e.k];
      sp_factor_drop(q, q->ia[e.k], e.state);
      q->V[q->nV++] = e.k;
    } else {
      int dependent;
      const double sign = sp_qp_free_sign(q, e.k, e.dir);
      SP_TRY(sp_factor_add(q, e.k, sign, &dependent));
      if (dependent == 1) SP_TRY(exchange(q, e.k, e.dir, sign, &last, &last_dir));
      if (dependent == 1 && last >= 0 && last != e.k) q->V[q->nV++] = last; /* what made room */
      if (dependent == 2) q->blk[e.k] = 1;
    }
    if (ev % REFRESH == 0) { /* drift goes into the shift */
      SP_TRY(sp_qp_residual(q, y));
      sp_qp_corr_all(q);
      shift_to_optimal(q);
      choose_reachable(q);
    }
  }
done:
  sp_free(q->ctx, y);
  return st;
}
