#include "fused.h"

#include <math.h>

#define POLL_EVERY 0xffff

static double sign_of(double x) { return (double)(x > 0) - (double)(x < 0); }

/* Rounding must not turn a step round. */
static double in_order(double level, double last, double step) {
  return (step > 0 && level < last) || (step < 0 && level > last) ? last : level;
}

/* Levels of the constant pieces anew, from the equation of each piece: sums over a piece alone, instead of what went through
 * the knots of the dynamic programme. b [n] tells pieces and order. */
static void polish(ptrdiff_t n, const double *y, const double *w, double lambda, double *b) {
  double before = 0, last = 0; /* sign of the step into the piece, level that it comes from */
  for (ptrdiff_t i = 0, j; i < n; i = j) {
    double top = 0, weight = 0;
    const double level = b[i];
    for (j = i; j < n && b[j] == level; j++) weight += w[j];
    for (ptrdiff_t k = i; k < j; k++) top += w[k] * (y[k] - level);
    const double after = j < n ? sign_of(b[j] - level) : 0;
    last = in_order(level + (top + lambda * (after - before)) / weight, last, before);
    for (ptrdiff_t k = i; k < j; k++) b[k] = last;
    before = after;
  }
}

/* The derivative of the value function is piecewise linear: knots x[l..r], at each of which slope and intercept grow by a, c. */
typedef struct knots {
  double *x, *a, *c;
  ptrdiff_t l, r;
  double a0, c0, a1, c1; /* leftmost and rightmost piece */
} knots;

/* where the function passes `value`, from the left; drops the knots before; *a, *c: the piece */
static double from_left(knots *k, double value, double *a, double *c) {
  *a = k->a0;
  *c = k->c0;
  while (k->l <= k->r && *a * k->x[k->l] + *c < value) {
    *a += k->a[k->l];
    *c += k->c[k->l++];
  }
  return (value - *c) / *a;
}

static double from_right(knots *k, double value, double *a, double *c) {
  *a = k->a1;
  *c = k->c1;
  while (k->r >= k->l && *a * k->x[k->r] + *c > value) {
    *a -= k->a[k->r];
    *c -= k->c[k->r--];
  }
  return (value - *c) / *a;
}

static double mean_of(ptrdiff_t n, const double *y, const double *w) {
  double top = 0, weight = 0;
  for (ptrdiff_t i = 0; i < n; i++) {
    top += w[i] * (y[i] - y[0]);
    weight += w[i];
  }
  return y[0] + top / weight;
}

sp_status sp_fused_fit(sp_ctx *ctx, ptrdiff_t n, const double *y, const double *w, double lambda, double *b) {
  sp_status st = SP_OK;
  const size_t room = 2 * (size_t)n + 2;
  double *block = NULL, *lo, *hi, a, c;
  if (lambda == 0 || n == 1) {
    for (ptrdiff_t i = 0; i < n; i++) b[i] = y[i];
    return SP_OK;
  }
  if (!(block = sp_alloc(ctx, 3 * room + 2 * (size_t)n, sizeof *block))) return SP_ENOMEM;
  const double centre = mean_of(n, y, w);
  knots k = {block, block + room, block + 2 * room, n, n - 1, w[0], -w[0] * (y[0] - centre), w[0], -w[0] * (y[0] - centre)};
  lo = block + 3 * room;
  hi = lo + n;
  for (ptrdiff_t i = 0; i < n - 1; i++) {
    if (!(i & POLL_EVERY)) SP_TRY(sp_poll(ctx));
    lo[i] = from_left(&k, -lambda, &a, &c);
    k.l--;
    k.x[k.l] = lo[i];
    k.a[k.l] = a;
    k.c[k.l] = c + lambda;
    k.a0 = 0;
    k.c0 = -lambda;
    hi[i] = from_right(&k, lambda, &a, &c);
    k.r++;
    k.x[k.r] = hi[i];
    k.a[k.r] = -a;
    k.c[k.r] = lambda - c;
    const double target = y[i + 1] - centre;
    k.a0 = k.a1 = w[i + 1];
    k.c0 = -lambda - w[i + 1] * target;
    k.c1 = lambda - w[i + 1] * target;
  }
  b[n - 1] = from_left(&k, 0, &a, &c);
  for (ptrdiff_t i = n - 2; i >= 0; i--) b[i] = b[i + 1] < lo[i] ? lo[i] : b[i + 1] > hi[i] ? hi[i] : b[i + 1];
  for (ptrdiff_t i = 0; i < n; i++) b[i] += centre;
  polish(n, y, w, lambda, b);
done:
  sp_free(ctx, block);
  return st;
}

/* ---- all lambdas ------------------------------------------------------------------------------- */

/* Heap of edges with four children, the smallest key on top. An entry whose key is not the present one of its edge is void. */
typedef struct entry {
  double key;
  ptrdiff_t edge;
} entry;

typedef struct merge {
  entry *heap;
  size_t count, room;
  double *sum, *weight;  /* [n] of a piece, at its first point; sum: of w (y - centre) */
  ptrdiff_t *end;        /* [n] first point of a piece -> its last; last -> its first */
  double *step, *key;    /* [n - 1] sign of b_(i+1) - b_i while it is not zero; present key */
  ptrdiff_t n;
} merge;

static int before(const entry *a, const entry *b) { return a->key < b->key || (a->key == b->key && a->edge < b->edge); }

static void sift_down(merge *m, size_t i) {
  const entry e = m->heap[i];
  for (;;) {
    const size_t first = 4 * i + 1, last = first + 4 < m->count ? first + 4 : m->count;
    size_t best = i;
    const entry *least = &e;
    for (size_t c = first; c < last; c++) {
      if (before(&m->heap[c], least)) least = &m->heap[best = c];
    }
    if (best == i) break;
    m->heap[i] = m->heap[best];
    i = best;
  }
  m->heap[i] = e;
}

static sp_status push(sp_ctx *ctx, merge *m, double key, ptrdiff_t edge) {
  if (m->count == m->room) {
    const sp_status st = sp_grow(ctx, &m->heap, m->room, m->room * 2, sizeof *m->heap);
    if (st != SP_OK) return st;
    m->room *= 2;
  }
  size_t i = m->count++;
  const entry e = {key, edge};
  while (i > 0 && before(&e, &m->heap[(i - 1) / 4])) {
    m->heap[i] = m->heap[(i - 1) / 4];
    i = (i - 1) / 4;
  }
  m->heap[i] = e;
  return SP_OK;
}

/* lambda >= now at which the pieces on both sides of an edge meet, or infinity */
static double meeting(const merge *m, ptrdiff_t e, double now) {
  const ptrdiff_t left = m->end[e], right = e + 1, last = m->end[right];
  const double into = left > 0 ? m->step[left - 1] : 0, out = last < m->n - 1 ? m->step[last] : 0, s = m->step[e];
  const double apart = s * (m->sum[right] / m->weight[right] - m->sum[left] / m->weight[left]);
  const double rate = s * ((out - s) / m->weight[right] - (s - into) / m->weight[left]);
  if (s == 0) return now;
  if (!(rate < 0)) return INFINITY;
  const double at = -apart / rate;
  return at > now ? at : now;
}

static sp_status renew(sp_ctx *ctx, merge *m, ptrdiff_t e, double now) {
  if (e < 0 || e >= m->n - 1) return SP_OK;
  const double key = meeting(m, e, now);
  if (key == m->key[e]) return SP_OK;
  m->key[e] = key;
  return isfinite(key) ? push(ctx, m, key, e) : SP_OK;
}

sp_status sp_fused_path(sp_ctx *ctx, ptrdiff_t n, const double *y, const double *w, double *fuse) {
  sp_status st = SP_OK;
  const size_t size = (size_t)n;
  if (n < 2) return SP_OK;
  merge m = {.n = n, .room = size + 16};
  m.heap = sp_alloc(ctx, m.room, sizeof *m.heap);
  m.sum = sp_alloc(ctx, 4 * size, sizeof *m.sum);
  m.end = sp_alloc(ctx, size, sizeof *m.end);
  if (!m.heap || !m.sum || !m.end) {
    st = SP_ENOMEM;
    goto done;
  }
  m.weight = m.sum + n;
  m.step = m.weight + n;
  m.key = m.step + n;
  const double centre = mean_of(n, y, w);
  for (ptrdiff_t i = 0; i < n; i++) {
    m.sum[i] = w[i] * (y[i] - centre);
    m.weight[i] = w[i];
    m.end[i] = i;
    if (i < n - 1) m.step[i] = sign_of(y[i + 1] - y[i]);
  }
  for (ptrdiff_t e = 0; e < n - 1; e++) {
    m.key[e] = meeting(&m, e, 0);
    if (isfinite(m.key[e])) {
      m.heap[m.count].key = m.key[e];
      m.heap[m.count++].edge = e;
    }
  }
  for (size_t i = m.count; i-- > 0;) sift_down(&m, i);
  for (ptrdiff_t left = n - 1, rounds = 0; left > 0; rounds++) {
    if (!(rounds & POLL_EVERY)) SP_TRY(sp_poll(ctx));
    if (m.count == 0) { /* rounding alone: two pieces always meet in the end */
      st = SP_EARG;
      goto done;
    }
    const entry top = m.heap[0];
    m.heap[0] = m.heap[--m.count];
    if (m.count) sift_down(&m, 0);
    const ptrdiff_t e = top.edge;
    if (!(top.key == m.key[e])) continue;
    fuse[e] = top.key;
    m.key[e] = NAN; /* void from now on */
    const ptrdiff_t a = m.end[e], b = e + 1, z = m.end[b];
    m.sum[a] += m.sum[b];
    m.weight[a] += m.weight[b];
    m.end[a] = z;
    m.end[z] = a;
    left--;
    SP_TRY(renew(ctx, &m, a - 1, top.key));
    SP_TRY(renew(ctx, &m, z, top.key));
  }
done:
  sp_free(ctx, m.heap);
  sp_free(ctx, m.sum);
  sp_free(ctx, m.end);
  return st;
}

sp_status sp_fused_at(sp_ctx *ctx, ptrdiff_t n, const double *y, const double *w, const double *fuse, double lambda, double *b) {
  double into = 0, last = 0;
  const sp_status st = sp_poll(ctx);
  if (st != SP_OK) return st;
  for (ptrdiff_t i = 0, j; i < n; i = j) {
    double top = 0, weight = w[i];
    for (j = i + 1; j < n && fuse[j - 1] <= lambda; j++) {
      top += w[j] * (y[j] - y[i]);
      weight += w[j];
    }
    /* the sign of a step that has not gone is that of the data */
    const double out = j < n ? sign_of(y[j] - y[j - 1]) : 0;
    last = in_order(y[i] + (top + lambda * (out - into)) / weight, last, into);
    for (ptrdiff_t k = i; k < j; k++) b[k] = last;
    into = out;
  }
  return SP_OK;
}

/* ---- certificate ------------------------------------------------------------------------------- */

void sp_fused_certify(ptrdiff_t n, const double *y, const double *w, double lambda, double lambda1, double *b,
                      sp_fused_verdict *out) {
  double loss = 0, steps = 0, size = 0, gap = 0, u = 0, last = 0;
  ptrdiff_t segments = 0, nonzero = 0;
  for (ptrdiff_t i = 0; i < n; i++) {
    const double level = b[i], next = i < n - 1 ? b[i + 1] : level;
    const double fit = level > lambda1 ? level - lambda1 : level < -lambda1 ? level + lambda1 : 0;
    if (i == 0 || level != last) {
      segments++;
      if (fit != 0) nonzero++;
    }
    double to = i < n - 1 ? u + w[i] * (level - y[i]) : 0;
    /* at a step u is known: the next piece does not inherit rounding */
    const double edge = lambda * sign_of(next - level);
    if (edge != 0 && fabs(to - edge) < 1e-6 * lambda) to = edge;
    to = to > lambda ? lambda : to < -lambda ? -lambda : to;
    /* w (y - fit) - D'u - v with |v| <= lambda1 w */
    double rest = w[i] * (y[i] - fit) - (u - to), limit = lambda1 * w[i];
    /* v: its limit where the level is not zero, else what makes the rest smallest */
    rest -= fit > 0 ? limit : fit < 0 ? -limit : rest > limit ? limit : rest < -limit ? -limit : rest;
    gap += rest * rest / (2 * w[i]);
    loss += w[i] * (y[i] - fit) * (y[i] - fit) / 2;
    size += w[i] * fabs(fit);
    if (next != level) {
      const double low = next > lambda1 ? next - lambda1 : next < -lambda1 ? next + lambda1 : 0, d = low - fit;
      steps += fabs(d);
      gap += lambda * fabs(d) - to * d;
    }
    u = to;
    last = level;
    b[i] = fit;
  }
  out->objective = loss + lambda * steps + lambda1 * size;
  out->gap = gap;
  out->segments = segments;
  out->nonzero = nonzero;
}
