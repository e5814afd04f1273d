#include "concave.h"

#include <math.h>

void sp_concave_l1_ridge(const sp_penalty *pen, double lambda, const sp_coord *co, double *t, double *k) {
  *t = lambda * pen->alpha * co->v;
  *k = lambda * (1 - pen->alpha) * co->kv;
}

double sp_concave_gauge(const sp_penalty *pen, const sp_coord *co, double c) {
  return co->v > 0 ? fabs(c) / (co->v * fmax(pen->alpha, 1e-3)) : 0;
}

double sp_penalty_slope(const sp_penalty *pen, double lambda, const sp_coord *co, double b, double *k) {
  sp_piece pieces[SP_MAX_PIECES];
  const int count = pen->ops->pieces(pen, lambda, co, pieces);
  const double x = fabs(b);
  int h = 0;
  while (h < count - 1 && x >= pieces[h].upto) h++;
  *k = pieces[h].k;
  return fmax(0, pieces[h].t + pieces[h].k * x);
}

double sp_penalty_rise(const sp_penalty *pen, double lambda, const sp_coord *co, double h, double by) {
  sp_piece pieces[SP_MAX_PIECES];
  const int count = pen->ops->pieces(pen, lambda, co, pieces);
  const double least = fmin(h, h + by), most = fmax(h, h + by);
  double from = 0, f = 0;
  for (int i = 0; i < count && from < most; i++) {
    const double a = fmax(from, least), b = fmin(pieces[i].upto, most), step = a == least && b == most ? fabs(by) : b - a;
    if (step > 0) f += (pieces[i].t + pieces[i].k * (a + step / 2)) * step;
    from = pieces[i].upto;
  }
  return by < 0 ? -f : f;
}

double sp_penalty_concavity(const sp_penalty *pen, double lambda, const sp_coord *co) {
  sp_piece pieces[SP_MAX_PIECES];
  const int count = pen->ops->pieces(pen, lambda, co, pieces);
  double least = 0;
  for (int h = 0; h < count; h++) least = fmin(least, pieces[h].k);
  return least;
}

double sp_penalty_minimum(const sp_penalty *pen, double lambda, const sp_coord *co, double a, double z) {
  sp_piece pieces[SP_MAX_PIECES];
  const int count = pen->ops->pieces(pen, lambda, co, pieces);
  const double x = fabs(z), most = z < 0 ? -co->lo : co->hi;
  double t, ridge, best = 0, least = 0, from = 0, area = 0; /* area: the penalty at `from` */
  pen->ops->l1_ridge(pen, lambda, co, &t, &ridge);
  for (int h = 0; h < count && from < most; h++) {
    const sp_piece *pc = &pieces[h];
    const double curve = a + ridge + pc->k, to = fmin(pc->upto, most);
    double b = curve > 0 ? (x - pc->t) / curve : to;
    b = fmin(fmax(b, from), to);
    if (isfinite(b)) {
      const double p = area + pc->t * (b - from) + pc->k * (b * b - from * from) / 2;
      const double f = (a + ridge) * b * b / 2 - x * b + p;
      if (f < least) {
        least = f;
        best = b;
      }
    }
    if (isfinite(to)) area += pc->t * (to - from) + pc->k * (to * to - from * from) / 2;
    from = to;
  }
  return z < 0 ? -best : best;
}

double sp_concave_value(const sp_penalty *pen, double lambda, const sp_coord *co, double b) {
  sp_piece pieces[SP_MAX_PIECES];
  const int count = pen->ops->pieces(pen, lambda, co, pieces);
  const double x = fabs(b);
  double t, ridge, from = 0, f = 0;
  pen->ops->l1_ridge(pen, lambda, co, &t, &ridge);
  for (int h = 0; h < count && x > from; h++) {
    const double to = fmin(x, pieces[h].upto);
    f += pieces[h].t * (to - from) + pieces[h].k * (to * to - from * from) / 2;
    from = to;
  }
  return f + ridge * b * b / 2;
}

double sp_concave_violation(const sp_penalty *pen, double lambda, const sp_coord *co, double b, double c) {
  double t, ridge, k;
  pen->ops->l1_ridge(pen, lambda, co, &t, &ridge);
  if (b > co->hi || b < co->lo) return INFINITY;
  if (b != 0) t = sp_penalty_slope(pen, lambda, co, b, &k);
  const double g = c - ridge * b, d = b > 0 ? g - t : b < 0 ? g + t : sp_soft(g, t);
  if ((b >= co->hi && d > 0) || (b <= co->lo && d < 0)) return 0;
  return fabs(d);
}

double sp_concave_scale(const sp_penalty *pen, double lambda, const sp_coord *co, double c) {
  double t, k;
  pen->ops->l1_ridge(pen, lambda, co, &t, &k);
  if (isfinite(c > 0 ? co->hi : co->lo)) return 1; /* the box makes the conjugate finite on that side */
  return k > 0 || fabs(c) <= t || t == 0 ? 1 : t / fabs(c);
}

/* A coefficient with little or no slope left is charged for its gradient, like an unpenalized one: see enet_scale(). */
double sp_concave_fenchel_young(const sp_penalty *pen, double lambda, const sp_coord *co, double b, double z) {
  double t, ridge, k;
  pen->ops->l1_ridge(pen, lambda, co, &t, &ridge);
  if (b != 0) t = sp_penalty_slope(pen, lambda, co, b, &k);
  return sp_l1_ridge_fenchel_young(t, ridge, co, b, z);
}
