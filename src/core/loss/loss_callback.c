/* A family that the host evaluates: generalized linear models given by their functions. l is half the unit deviance, 0 at its
 * least. It need not be convex, so there is no dual; it may be defined in a part of the space only. One evaluation gives all that
 * is ever asked at an eta, so the last one is kept. */
#include <math.h>
#include <string.h>

#include "loss.h"

#define USABLE 1e-6  /* an observed curvature below this fraction of the expected one */
#define INSTEAD 1e-2 /* is replaced by that fraction of it */
#define EDGE 1e-8    /* rounding may carry a solution at the edge of the domain this far across, relative to the largest predictor */

typedef struct callback {
  int known, inside, any;
  int with_loss, valid_loss;                          /* known at eta; at valid */
  double *eta;                                        /* [n] last evaluated; owns the others */
  double *valid, *loss, *score, *curvature, *expected; /* [n] the last of them where the family is defined (any: there is one) */
  double *at;                                          /* [n] scratch of the intercept */
} callback;

static sp_status callback_open(sp_loss *l) {
  const size_t n = (size_t)l->n;
  if (!l->data || !l->data->host) return SP_EARG;
  callback *s = l->state = sp_calloc(l->ctx, 1, sizeof *s);
  if (!s) return SP_ENOMEM;
  if (!(s->eta = sp_alloc(l->ctx, 7 * n, sizeof(double)))) return SP_ENOMEM;
  s->loss = s->eta + n;
  s->score = s->loss + n;
  s->curvature = s->score + n;
  s->expected = s->curvature + n;
  s->at = s->expected + n;
  s->valid = s->at + n;
  return SP_OK;
}

static void callback_close(sp_loss *l) {
  callback *s = l->state;
  if (!s) return;
  sp_free(l->ctx, s->eta);
  sp_free(l->ctx, s);
  l->state = NULL;
}

static int is_beside(const sp_loss *l, const callback *s, const double *eta) {
  double top = 0, apart = 0;
  if (!s->any) return 0;
  for (ptrdiff_t i = 0; i < l->n; i++) {
    if (!(l->w[i] > 0)) continue;
    top = fmax(top, fabs(s->valid[i]));
    apart = fmax(apart, fabs(eta[i] - s->valid[i]));
  }
  return apart <= EDGE * top;
}

/* Is the family defined at eta? Then its values there are in the state; the loss where it is asked for. */
static int look_at(sp_loss *l, const double *eta, int with_loss) {
  callback *s = l->state;
  const sp_loss_host *host = l->data->host;
  const size_t bytes = (size_t)l->n * sizeof *eta;
  if (l->status != SP_OK) return 0;
  if (s->known && (s->with_loss || !with_loss || !s->inside) && memcmp(s->eta, eta, bytes) == 0) return s->inside;
  memcpy(s->eta, eta, bytes);
  s->known = 1;
  s->with_loss = with_loss;
  s->inside = 0;
  for (ptrdiff_t i = 0; i < l->n; i++) {
    if (l->w[i] > 0 && !isfinite(eta[i])) return 0;
  }
  const int answer = host->evaluate(host->data, l->n, eta, l->y, with_loss ? s->loss : NULL, s->score, s->curvature, s->expected);
  if (answer == 1) {
    s->inside = is_beside(l, s, eta);
    if (s->inside && with_loss && !s->valid_loss) {
      s->valid_loss = 1;
      if (host->evaluate(host->data, l->n, s->valid, l->y, s->loss, s->score, s->curvature, s->expected) != 0) l->status = SP_EHOST;
    }
    return s->inside && l->status == SP_OK;
  }
  s->any = 0;
  if (answer != 0) {
    l->status = SP_EHOST;
    return 0;
  }
  for (ptrdiff_t i = 0; i < l->n; i++) {
    if (l->w[i] > 0 && !((!with_loss || isfinite(s->loss[i])) && isfinite(s->score[i]) && isfinite(s->expected[i]))) return 0;
  }
  memcpy(s->valid, eta, bytes);
  s->valid_loss = with_loss;
  return s->any = s->inside = 1;
}

static int look(sp_loss *l, const double *eta) { return look_at(l, eta, 0); }

static double callback_value(sp_loss *l, const double *eta) {
  const callback *s = l->state;
  double f = 0;
  if (!look_at(l, eta, 1)) return l->status == SP_OK ? INFINITY : NAN;
  for (ptrdiff_t i = 0; i < l->n; i++) f += l->w[i] > 0 ? l->w[i] * s->loss[i] : 0;
  return f;
}

/* Observed curvature where it serves. Elsewhere little of the expected one: the less is added, the faster Newton's method, and the
 * line search sees to it that it descends. */
static double usable(const callback *s, ptrdiff_t i) {
  const double e = s->expected[i] > 0 ? s->expected[i] : 0, c = s->curvature[i];
  return isfinite(c) && c > USABLE * e ? c : INSTEAD * e;
}

static void callback_grad_hess(sp_loss *l, const double *eta, double *g, double *h) {
  const callback *s = l->state;
  const int inside = look(l, eta);
  if (!inside && l->status == SP_OK) l->status = SP_EDOMAIN;
  for (ptrdiff_t i = 0; i < l->n; i++) {
    const double w = l->w[i] > 0 ? l->w[i] : 0;
    g[i] = inside && w > 0 ? w * s->score[i] : 0;
    h[i] = inside && w > 0 ? w * usable(s, i) : w;
  }
}

static void callback_curvature(sp_loss *l, const double *eta, double *h) {
  const callback *s = l->state;
  const int inside = look(l, eta);
  for (ptrdiff_t i = 0; i < l->n; i++) {
    const double w = l->w[i] > 0 ? l->w[i] : 0;
    h[i] = !inside || w == 0 ? w : w * (isfinite(s->curvature[i]) ? s->curvature[i] : usable(s, i));
  }
}

/* No bound for an unknown function; the larger of the two curvatures is the safer step. */
static void callback_majorizer(sp_loss *l, const double *eta, double *h) {
  const callback *s = l->state;
  const int inside = look(l, eta);
  for (ptrdiff_t i = 0; i < l->n; i++) {
    const double w = l->w[i] > 0 ? l->w[i] : 0;
    h[i] = inside && w > 0 ? w * fmax(usable(s, i), s->expected[i]) : w;
  }
}

static double callback_saturated(sp_loss *l) {
  (void)l;
  return 0;
}

static double callback_start(sp_loss *l) {
  const sp_loss_host *host = l->data->host;
  double mean = 0, total = 0, eta = 0;
  if (l->status != SP_OK) return 0;
  for (ptrdiff_t i = 0; i < l->n; i++) {
    if (!(l->w[i] > 0)) continue;
    mean += l->w[i] * l->y[i];
    total += l->w[i];
  }
  const int answer = host->link(host->data, mean / total, &eta);
  if (answer != 0) l->status = answer == 1 ? SP_EDOMAIN : SP_EHOST;
  return answer == 0 ? eta : 0;
}

typedef struct along {
  double f, g, h, size; /* value, -derivative, curvature, size of the terms of g */
} along;

/* F(off + b); 0: outside */
static int at_intercept(sp_loss *l, const double *off, double b, along *a) {
  callback *s = l->state;
  for (ptrdiff_t i = 0; i < l->n; i++) s->at[i] = off[i] + b;
  a->f = callback_value(l, s->at);
  if (!isfinite(a->f)) return 0;
  a->g = a->h = a->size = 0;
  for (ptrdiff_t i = 0; i < l->n; i++) {
    if (!(l->w[i] > 0)) continue;
    a->g += l->w[i] * s->score[i];
    a->size += fabs(l->w[i] * s->score[i]);
    a->h += l->w[i] * usable(s, i);
  }
  return 1;
}

/* An intercept at which the family is defined: the constant model's without offsets, or one on the way out from there. */
static int find_inside(sp_loss *l, const double *off, double *b, along *a) {
  const double start = callback_start(l);
  double mean = 0, total = 0, low = INFINITY, high = -INFINITY;
  for (ptrdiff_t i = 0; i < l->n; i++) {
    if (!(l->w[i] > 0)) continue;
    mean += l->w[i] * off[i];
    total += l->w[i];
    low = fmin(low, off[i]);
    high = fmax(high, off[i]);
  }
  const double trials[] = {start - mean / total, start - low, start - high};
  for (int k = 0; k < 3 && l->status == SP_OK; k++) {
    if (at_intercept(l, off, *b = trials[k], a)) return 1;
  }
  double step = fmax(1e-3 * fabs(start), 1e-3 * (high - low));
  for (int k = 0; k < 40 && l->status == SP_OK; k++, step *= 2) {
    if (at_intercept(l, off, *b = trials[1] + step, a) || at_intercept(l, off, *b = trials[2] - step, a)) return 1;
  }
  if (l->status == SP_OK) l->status = SP_EDOMAIN;
  return 0;
}

/* Newton's method that stays inside and descends; near the end, where values do not tell, the gradient does. */
static void callback_intercepts(sp_loss *l, const double *off, double *b) {
  along now, next;
  *b = 0;
  if (!find_inside(l, off, b, &now)) return;
  for (int it = 0; it < 500 && fabs(now.g) > 1e-16 * now.size && l->status == SP_OK; it++) {
    double step = now.h > 0 ? now.g / now.h : now.g, best = *b;
    int better = 0;
    for (int half = 0; half < 60 && !better; half++, step /= 2) {
      best = *b + step;
      if (best == *b) break;
      better = at_intercept(l, off, best, &next) &&
               (next.f < now.f || (next.f <= now.f + 1e-12 * fabs(now.f) + 1e-15 && fabs(next.g) < fabs(now.g)));
    }
    if (!better) break;
    *b = best;
    now = next;
  }
}

const sp_loss_ops sp_loss_callback = {
    .name = "glm",
    .flags = SP_LOSS_MAIN_THREAD | SP_LOSS_DOMAIN,
    .open = callback_open,
    .close = callback_close,
    .value = callback_value,
    .grad_hess = callback_grad_hess,
    .defined = look,
    .curvature = callback_curvature,
    .majorizer = callback_majorizer,
    .saturated = callback_saturated,
    .start = callback_start,
    .intercepts = callback_intercepts,
};
