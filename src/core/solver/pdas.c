/* Primal-dual active set (semismooth Newton): solve the active equations for the current signs, drop what changed sign or left its
 * box, add what violates, repeat. Finite and fast from a neighbouring solution; gives up early when it does not settle, for
 * the homotopy to take over. Hintermueller, Ito & Kunisch (2002); feature-sign search of Lee et al. (2007) is a relative. */
#include <math.h>
#include <string.h>

#include "../base/vec.h"
#include "qp.h"

#define MAX_ROUNDS 15 /* from a neighbouring solution 2 to 3 are usual */
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

sp_status sp_pdas(sp_qp *q, int c_fresh, int *ok) {
  sp_status st = SP_OK;
  int stall = 0, best = q->p + q->nW + 1;
  *ok = 0;
  for (int round = 0; round < MAX_ROUNDS; round++) {
    int trouble, leave = 0, enter = 0, blocked = 0;
    const int a = q->a;
    q->n_rounds++;
    if (round == 0 && c_fresh) {
      for (int i = 0; i < a; i++) q->g[i] = q->c[q->A[i]];
    } else {
      sp_gemv_t(q->XA, q->n, q->n, a, q->r, q->g);
    }
    for (int i = 0; i < a; i++) {
      const int k = q->A[i];
      q->rhs[i] = q->g[i] - q->k[k] * q->b[k] - q->t[k] * q->s[k];
    }
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
      *ok = !blocked;
      break;
    }
    if (leave + enter < best) {
      best = leave + enter;
      stall = 0;
    } else if (++stall >= MAX_STALL) {
      break;
    }
    /* near saturation only the worst violators: half of the room that is left */
    const ptrdiff_t rank = q->n - q->k0;
    if (!q->has_ridge && enter > 4 && (double)(a - leave + enter) > 0.95 * (double)rank) {
      ptrdiff_t room = (rank - (a - leave)) / 2;
      if (room < 1) room = 1;
      if (enter > room) enter = keep_worst(q, enter, (int)room);
    }
    for (int i = a - 1; leave && i >= 0; i--) {
      const int state = sp_qp_leaving(q, i, &value), k = q->A[i];
      if (state < 0) continue;
      sp_axpy(q->b[k] - value, q->XA + i * q->n, q->r, q->n);
      q->b[k] = value;
      sp_factor_drop(q, i, state);
      q->V[q->nV++] = k;
    }
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
  return st;
}
