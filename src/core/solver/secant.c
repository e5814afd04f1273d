#include "secant.h"

#include <math.h>
#include <string.h>

#include "../base/vec.h"

#define PAIRS 6
#define DISTINCT 1e-6 /* a pair whose change of the residual is less than this fraction of it, earlier pairs apart, tells nothing */
#define LONGEST 4     /* times the step of the metric: more is not a correction */

typedef struct sp_secant {
  int count, a, live;
  double metric;           /* number of the metric */
  int *A;                  /* [capA] */
  double *Q, *W, *B;       /* [n x PAIRS] orthonormal changes of the residual; correction that goes with each; [capA x PAIRS] in coefficients */
  double *last, *taken;    /* [n] residual of the last step, the step itself */
  double *last_b, *taken_b; /* [capA] */
  size_t cap;
} sp_secant;

void sp_secant_free(sp_model *m) {
  sp_secant *s = m->secant;
  if (!s) return;
  sp_free(m->ctx, s->A);
  sp_free(m->ctx, s->Q);
  sp_free(m->ctx, s->B);
  sp_free(m->ctx, s);
  m->secant = NULL;
}

void sp_secant_break(sp_model *m) {
  if (m->secant) m->secant->live = 0;
}

void sp_secant_reset(sp_model *m) {
  if (m->secant) m->secant->a = -1;
}

static sp_status reserve(sp_model *m, int a) {
  const size_t n = (size_t)m->n;
  sp_secant *s = m->secant;
  if (!s) {
    if (!(s = m->secant = sp_calloc(m->ctx, 1, sizeof *s))) return SP_ENOMEM;
    if (!(s->Q = sp_alloc(m->ctx, (2 * PAIRS + 2) * n, sizeof *s->Q))) return SP_ENOMEM;
    s->W = s->Q + PAIRS * n;
    s->last = s->W + PAIRS * n;
    s->taken = s->last + n;
  }
  if ((size_t)a <= s->cap) return SP_OK;
  const size_t to = (size_t)m->qp.capA;
  sp_free(m->ctx, s->A);
  sp_free(m->ctx, s->B);
  s->cap = 0;
  s->A = sp_alloc(m->ctx, to, sizeof *s->A);
  s->B = sp_alloc(m->ctx, (PAIRS + 2) * to, sizeof *s->B);
  if (!s->A || !s->B) return SP_ENOMEM;
  s->last_b = s->B + PAIRS * to;
  s->taken_b = s->last_b + to;
  s->cap = to;
  s->a = -1;
  return SP_OK;
}

/* What the last step has done: a new pair */
static void learn(sp_secant *s, ptrdiff_t n, const double *fit, const double *d) {
  if (s->count == PAIRS) s->count = 0;
  const int a = s->a;
  double *q = s->Q + s->count * n, *w = s->W + s->count * n, *b = s->B + (ptrdiff_t)s->count * (ptrdiff_t)s->cap;
  for (ptrdiff_t i = 0; i < n; i++) {
    q[i] = fit[i] - s->last[i];
    w[i] = s->taken[i] + q[i];
  }
  for (int i = 0; i < a; i++) b[i] = s->taken_b[i] + d[i] - s->last_b[i];
  for (int h = 0; h < s->count; h++) {
    const double c = -sp_dot(s->Q + h * n, q, n);
    sp_axpy(c, s->Q + h * n, q, n);
    sp_axpy(c, s->W + h * n, w, n);
    sp_axpy(c, s->B + (ptrdiff_t)h * (ptrdiff_t)s->cap, b, a);
  }
  const double size = sqrt(sp_nrm2sq(q, n));
  if (!(size > DISTINCT * sqrt(sp_nrm2sq(s->last, n)))) return;
  for (ptrdiff_t i = 0; i < n; i++) {
    q[i] /= size;
    w[i] /= size;
  }
  for (int i = 0; i < a; i++) b[i] /= size;
  s->count++;
}

static int keeps_signs(const sp_qp *q, const double *to) {
  for (int i = 0; i < q->a; i++) {
    const int k = q->A[i];
    const double b = q->b[k] - q->d[i] + to[i];
    if (!isfinite(b) || (q->t[k] > 0 && b * q->s[k] < 0) || b > q->hi[k] || b < q->lo[k]) return 0;
  }
  return 1;
}

sp_status sp_secant_step(sp_model *m, double *fit) {
  sp_qp *q = &m->qp;
  const ptrdiff_t n = m->n;
  const int a = q->a;
  const sp_status st = reserve(m, a);
  if (st != SP_OK) return st;
  sp_secant *s = m->secant;
  if (s->a != a || s->metric != m->n_metric || (a && memcmp(s->A, q->A, (size_t)a * sizeof *s->A) != 0)) {
    s->count = s->live = 0;
    s->a = a;
    s->metric = m->n_metric;
    if (a) memcpy(s->A, q->A, (size_t)a * sizeof *s->A);
  }
  if (s->live) learn(s, n, fit, q->d);
  memcpy(s->last, fit, (size_t)n * sizeof *fit);
  memcpy(s->taken, fit, (size_t)n * sizeof *fit);
  if (a) memcpy(s->last_b, q->d, (size_t)a * sizeof *q->d);
  if (a) memcpy(s->taken_b, q->d, (size_t)a * sizeof *q->d);
  s->live = 1;
  if (!s->count) return SP_OK;
  for (int h = 0; h < s->count; h++) {
    const double c = -sp_dot(s->Q + h * n, fit, n);
    sp_axpy(c, s->W + h * n, s->taken, n);
    sp_axpy(c, s->B + (ptrdiff_t)h * (ptrdiff_t)s->cap, s->taken_b, a);
  }
  if (sp_nrm2sq(s->taken, n) <= LONGEST * LONGEST * sp_nrm2sq(fit, n) && keeps_signs(q, s->taken_b)) {
    for (int i = 0; i < a; i++) q->b[q->A[i]] += s->taken_b[i] - q->d[i];
    memcpy(fit, s->taken, (size_t)n * sizeof *fit);
    if (a) memcpy(q->d, s->taken_b, (size_t)a * sizeof *q->d);
  } else {
    memcpy(s->taken, fit, (size_t)n * sizeof *fit);
    if (a) memcpy(s->taken_b, q->d, (size_t)a * sizeof *q->d);
  }
  return SP_OK;
}
