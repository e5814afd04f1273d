#include "bilevel.h"

#include <math.h>
#include <string.h>

sp_coord sp_bilevel_coord(const sp_model *m, double lambda, int coefficient, double slope) {
  sp_coord co = sp_model_coord(m, coefficient);
  const double unit = sp_model_unit(m, coefficient), t = lambda * m->pen->alpha * co.v / unit;
  co.cv = slope * unit * unit * m->pen->ops->shape(m->pen, t, m->curvature, co.one);
  co.v *= slope;
  return co;
}

/* f_inner of a coefficient */
static double inner(const sp_model *m, double lambda, int coefficient, double b) {
  if (b == 0) return 0;
  sp_coord co = sp_bilevel_coord(m, lambda, coefficient, 1);
  co.kv = 0;
  return m->pen->ops->value(m->pen, lambda, &co, b);
}

/* f_outer at S, for the group of this coefficient */
static sp_outer outer(const sp_model *m, double lambda, int coefficient, int size, double S) {
  const sp_penalty *pen = m->pen;
  const sp_coord co = sp_model_coord(m, coefficient);
  const double t = lambda * pen->alpha * co.v / sp_model_unit(m, coefficient);
  if (!(t > 0)) return (sp_outer){0, 1, 0}; /* no penalty */
  return pen->ops->outer(pen, t, pen->ops->shape(pen, t, m->curvature, co.one), size, S);
}

sp_outer sp_bilevel_outer(const sp_model *m, double lambda, int size, const int *coef, const double *b, int count) {
  double S = 0;
  for (int i = 0; i < count; i++) S += inner(m, lambda, coef[i], b[i]);
  return outer(m, lambda, coef[0], size, S);
}

int sp_bilevel_size(const sp_model *m, int coefficient) {
  const sp_groups *gr = m->pen->groups;
  const int j = sp_model_base(m, coefficient), g = gr->of[j], from = gr->across ? 0 : coefficient - j * m->K, to = gr->across ? m->K : from + 1;
  int size = 0;
  for (int i = gr->ptr[g]; i < gr->ptr[g + 1]; i++) {
    for (int k = from; k < to; k++) size += sp_model_usable(m, gr->cols[i] * m->K + k);
  }
  return size;
}

/* Of the group that begins at position k. What a coefficient adds is in qp.wt, the coefficient it belongs to in qp.unit. */
static sp_outer outer_at(const sp_model *m, int k) {
  const sp_qp *q = &m->qp;
  double S = 0;
  for (int j = k; j < k + q->len[k]; j++) {
    if (q->b[j] == 0) continue;
    if (q->unit[j] != q->b[j]) {
      q->wt[j] = inner(m, m->lambda, q->W[j], q->b[j]);
      q->unit[j] = q->b[j];
    }
    S += q->wt[j];
  }
  return outer(m, m->lambda, q->W[k], q->len[k], S);
}

sp_coord sp_bilevel_at(const sp_model *m, int k) {
  int first = k;
  while (!m->qp.len[first]) first--;
  return sp_bilevel_coord(m, m->lambda, m->qp.W[k], outer_at(m, first).slope);
}

void sp_bilevel_tangent(sp_model *m) {
  sp_qp *q = &m->qp;
  if (q->nW) memset(q->unit, 0, (size_t)q->nW * sizeof *q->unit); /* lambda may be another one */
  for (int k = 0; k < q->nW; k += q->len[k]) {
    const double slope = outer_at(m, k).slope;
    for (int j = k; j < k + q->len[k]; j++) {
      double curve;
      q->t[j] = slope * m->lambda * q->t1[j];
      if (q->b[j] == 0) continue;
      const sp_coord co = sp_bilevel_coord(m, m->lambda, q->W[j], slope);
      q->t[j] = sp_penalty_slope(m->pen, m->lambda, &co, q->b[j], &curve);
      q->s[j] = q->t[j] == 0 ? 0 : q->b[j] > 0 ? 1 : -1;
    }
  }
}

double sp_bilevel_penalty(const sp_model *m) {
  const sp_qp *q = &m->qp;
  double f = 0;
  for (int k = 0; k < q->nW; k += q->len[k]) {
    int any = 0;
    for (int j = k; j < k + q->len[k]; j++) {
      f += q->k[j] * q->b[j] * q->b[j] / 2;
      any |= q->b[j] != 0;
    }
    if (any) f += outer_at(m, k).value;
  }
  return f;
}

/* Where f_outer bends, its curvature times the product of the inner slopes; those are at most t, it is the strongest at 0, and a sum
 * over a row bounds an eigenvalue. */
void sp_bilevel_curvature(const sp_model *m, int worst, double *H, int ld) {
  const sp_qp *q = &m->qp;
  for (int k = 0; k < q->nW; k += q->len[k]) {
    double sum = 0;
    int active = 0;
    for (int j = k; j < k + q->len[k]; j++) {
      if (q->ia[j] < 0) continue;
      active = 1;
      sum += m->lambda * q->t1[j];
    }
    if (!active) continue;
    if (worst) {
      const double curve = outer(m, m->lambda, q->W[k], q->len[k], 0).curve;
      for (int j = k; j < k + q->len[k]; j++) {
        if (q->ia[j] >= 0) H[(ptrdiff_t)q->ia[j] * ld + q->ia[j]] += curve * m->lambda * q->t1[j] * sum;
      }
      continue;
    }
    const sp_outer f = outer_at(m, k);
    for (int j = k; j < k + q->len[k]; j++) {
      q->vv[j] = 0;
      if (q->ia[j] < 0 || q->b[j] == 0) continue;
      double curve;
      const sp_coord co = sp_bilevel_coord(m, m->lambda, q->W[j], 1);
      q->vv[j] = sp_penalty_slope(m->pen, m->lambda, &co, q->b[j], &curve) * (q->b[j] > 0 ? 1 : -1);
    }
    for (int j = k; j < k + q->len[k]; j++) {
      for (int i = k; i < k + q->len[k] && q->vv[j] != 0; i++) {
        if (q->vv[i] == 0 || q->ia[i] > q->ia[j]) continue; /* upper triangle */
        H[(ptrdiff_t)q->ia[j] * ld + q->ia[i]] += f.curve * q->vv[i] * q->vv[j];
      }
    }
  }
}
