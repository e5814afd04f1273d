/* Primal-dual active set (semismooth Newton): solve the active equations for the current signs, drop what changed sign or left its
 * box, add what violates, repeat. Finite and fast from a neighbouring solution; gives up early when it does not settle, for
 * the homotopy to take over. Hintermueller, Ito & Kunisch (2002); feature-sign search of Lee et al. (2007) is a relative. */
#include <math.h>
#include <string.h>

#include "../base/vec.h"
#include "qp.h"

#define MAX_ROUNDS 15 /* from a neighbouring solution 2 to 3 are usual */
#define MAX_ITERATIVE 60
#define LOOSE 0.05    /* iterative solves: reduction of the residual while the active set still moves */
#define MAX_STALL 4   /* rounds without fewer changes */

/* The worst `room` of the m entrants q->ent, by relative violation (ties: lower position). */
static int keep_worst(sp_qp *q, int m, int room) {
  double dir;
  for (int e = 0; e < m; e++) q->vv[e] = sp_qp_violation(q, q->ent[e], &dir) / q->vs[q->ent[e]];
  for (int e = 0; e < room; e++) { /* selection: room is small next to m only near saturation */
    int best = e;
    for (int f = e + 1; f < m; f++) {
      if (q->vv[f] > q->vv[best]) best = f;
    }
    const double v = q->vv[e], sg = q->esg[e];
    const int k = q->ent[e];
    q->vv[e] = q->vv[best], q->ent[e] = q->ent[best], q->esg[e] = q->esg[best];
    q->vv[best] = v, q->ent[best] = k, q->esg[best] = sg;
  }
  return room;
}

/* What left its sign or its box takes its new value and state; r follows. */
static void drop_leaving(sp_qp *q) {
  double value;
  if (q->a) memset(q->d, 0, (size_t)q->a * sizeof *q->d);
  for (int i = 0; i < q->a; i++) {
    if (sp_qp_leaving(q, i, &value) >= 0) q->d[i] = q->b[q->A[i]] - value;
  }
  if (q->iterative || q->classed) {
    sp_active_n(q, q->d, q->r);
  } else {
    for (int i = 0; i < q->a; i++) {
      if (q->d[i] != 0) sp_axpy(q->d[i], q->XA + i * q->n, q->r, q->n);
    }
  }
  for (int i = q->a - 1; i >= 0; i--) {
    const int state = sp_qp_leaving(q, i, &value), k = q->A[i];
    if (state < 0) continue;
    q->b[k] = value;
    sp_factor_drop(q, i, state);
    q->V[q->nV++] = k;
  }
}

sp_status sp_pdas(sp_qp *q, int c_fresh, int *ok) {
  sp_status st = SP_OK;
  int stall = 0, best = q->p + q->nW + 1, settled = 0;
  const double goal = q->tol;
  const int rounds = q->iterative ? MAX_ITERATIVE : MAX_ROUNDS;
  *ok = 0;
  for (int round = 0; round < rounds; round++) {
    int trouble, leave = 0, enter = 0, blocked = 0;
    const int a = q->a;
    q->n_rounds++;
    SP_TRY(sp_active_refresh(q));
    if (round == 0 && c_fresh) {
      for (int i = 0; i < a; i++) q->g[i] = q->c[q->A[i]];
    } else {
      sp_active_t(q, q->r, q->g);
    }
    for (int i = 0; i < a; i++) {
      const int k = q->A[i];
      q->rhs[i] = q->g[i] - q->k[k] * q->b[k] - q->t[k] * q->s[k];
    }
    /* an iterative solve is only as exact as the present set deserves, until the set settles */
    double worst = 0;
    for (int i = 0; i < a; i++) worst = sp_max(worst, fabs(q->rhs[i]));
    q->tol = settled ? goal : fmax(goal, LOOSE * worst);
    SP_TRY(sp_qp_solve_active(q, q->rhs, &trouble));
    if (trouble) break;
    for (int i = 0; i < a; i++) q->b[q->A[i]] += q->d[i];
    sp_axpy(-1, q->u, q->r, q->n);

    int m = 0;
    for (int v = 0; v < q->nV; v++) {
      if (q->ia[q->V[v]] < 0) q->V[m++] = q->V[v];
    }
    q->nV = m;
    sp_qp_corr(q, q->V, m, q->r, q->val);
    double value;
    for (int i = 0; i < a; i++) leave += sp_qp_leaving(q, i, &value) >= 0;
    for (int v = 0; v < m; v++) {
      const int k = q->V[v];
      double dir;
      q->c[k] = q->val[v];
      if (sp_qp_violation(q, k, &dir) > sp_qp_entry_tol(q, k)) {
        if (q->blk[k]) {
          blocked++;
        } else {
          q->ent[enter] = k;
          q->esg[enter++] = sp_qp_free_sign(q, k, dir);
        }
      }
    }
    if (!leave && !enter) {
      if (q->iterative && q->tol > goal) {
        settled = 1;
        continue;
      }
      *ok = !blocked;
      break;
    }
    if (leave + enter < best) {
      best = leave + enter;
      stall = 0;
    } else if (++stall >= (q->iterative ? 3 * MAX_STALL : MAX_STALL)) {
      break;
    }
    /* near saturation only the worst violators: half of the room that is left */
    const ptrdiff_t rank = q->rank - q->k0;
    if (!q->has_ridge && enter > 4 && (double)(a - leave + enter) > 0.95 * (double)rank) {
      ptrdiff_t room = (rank - (a - leave)) / 2;
      if (room < 1) room = 1;
      if (enter > room) enter = keep_worst(q, enter, (int)room);
    }
    if (leave) drop_leaving(q);
    if (enter) {
      int refused = 1;
      if (enter > 2) SP_TRY(sp_factor_add_block(q, q->ent, q->esg, enter, &refused));
      for (int e = 0; refused && e < enter; e++) {
        int dependent;
        SP_TRY(sp_factor_add(q, q->ent[e], q->esg[e], &dependent));
        if (dependent) q->blk[q->ent[e]] = 1;
      }
    }
  }
done:
  q->tol = goal;
  return st;
}
