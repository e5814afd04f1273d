/* Template of trend filtering: the interior point method in numbers of type REAL. trend.c includes it for doubles and for pairs of
 * doubles, with
 *   REAL, FN(name)                      the type; the name of a function for it
 *   OF(double), LOW(real)               from and to double
 *   ADD, SUB, MUL, DIV, ROOT            arithmetic
 *   SCALE(double, real)                 product
 * Lengths of steps and other choices are made in doubles. */

typedef struct FN(banded) {
  ptrdiff_t n, m; /* m = n - k - 1 */
  int width;      /* k + 2 */
  double c[WIDTH]; /* a row of D */
  const double *w;
  REAL *R;        /* [m x width] triangular factor, by rows */
} FN(banded);

static void FN(set_order)(FN(banded) *d, ptrdiff_t n, int k, const double *w) {
  d->n = n;
  d->m = n - k - 1;
  d->width = k + 2;
  d->w = w;
  memset(d->c, 0, sizeof d->c);
  d->c[0] = 1;
  for (int order = 0; order <= k; order++) {
    for (int l = order + 1; l >= 0; l--) d->c[l] = (l > 0 ? d->c[l - 1] : 0) - d->c[l];
  }
}

/* out [m] = D x */
static void FN(differences)(const FN(banded) *d, const REAL *x, REAL *out) {
  for (ptrdiff_t j = 0; j < d->m; j++) {
    REAL s = OF(0);
    for (int l = 0; l < d->width; l++) s = ADD(s, SCALE(d->c[l], x[j + l]));
    out[j] = s;
  }
}

/* out [n] = D'z */
static void FN(adjoint)(const FN(banded) *d, const REAL *z, REAL *out) {
  for (ptrdiff_t i = 0; i < d->n; i++) out[i] = OF(0);
  for (ptrdiff_t j = 0; j < d->m; j++) {
    for (int l = 0; l < d->width; l++) out[j + l] = ADD(out[j + l], SCALE(d->c[l], z[j]));
  }
}

/* Fold a row that starts at the first column of the window, its right-hand side last, into the triangle T, by Givens rotations. */
static void FN(fold)(REAL T[WIDTH][WIDTH + 1], REAL *row, int width) {
  for (int i = 0; i < width; i++) {
    if (LOW(row[i]) == 0) continue;
    const REAL h = ROOT(ADD(MUL(T[i][i], T[i][i]), MUL(row[i], row[i]))), cs = DIV(T[i][i], h), sn = DIV(row[i], h);
    for (int l = i; l <= width; l++) {
      const REAL a = T[i][l], b = row[l];
      T[i][l] = ADD(MUL(cs, a), MUL(sn, b));
      row[l] = SUB(MUL(cs, b), MUL(sn, a));
    }
  }
}

/* x [m] minimizes |W^-1/2 (D'x - top)|^2 + |J^1/2 x - J^-1/2 low|^2, by QR: D W^-1 D' is never formed, so that only the root of its
 * condition number counts, which grows as n^(2k + 2), and rounding in `top`, a difference of large numbers, stays where it is. Without
 * J the first part alone. */
static void FN(solve)(FN(banded) *d, const REAL *J, const REAL *top, const REAL *low, REAL *x) {
  const int width = d->width;
  REAL T[WIDTH][WIDTH + 1], row[WIDTH + 1];
  ptrdiff_t next = 0; /* row of D' */
  for (int i = 0; i < WIDTH; i++) {
    for (int l = 0; l <= WIDTH; l++) T[i][l] = OF(0);
  }
  for (ptrdiff_t j = 0; j < d->m; j++) {
    for (; next < d->n && next - (width - 1) <= j; next++) { /* rows whose first column is j */
      const REAL scale = DIV(OF(1), ROOT(OF(d->w[next])));
      for (int l = 0; l < width; l++) {
        const ptrdiff_t at = next - (j + l);
        row[l] = j + l < d->m && at >= 0 && at < width ? SCALE(d->c[at], scale) : OF(0);
      }
      row[width] = MUL(top[next], scale);
      FN(fold)(T, row, width);
    }
    if (J) {
      for (int l = 1; l < width; l++) row[l] = OF(0);
      row[0] = ROOT(J[j]);
      row[width] = DIV(low[j], row[0]);
      FN(fold)(T, row, width);
    }
    memcpy(d->R + j * width, T[0], (size_t)width * sizeof(REAL));
    x[j] = T[0][width];
    for (int i = 0; i < width; i++) {
      for (int l = 0; l < width; l++) T[i][l] = i + 1 < width && l + 1 < width ? T[i + 1][l + 1] : OF(0);
      T[i][width] = i + 1 < width ? T[i + 1][width] : OF(0);
    }
  }
  for (ptrdiff_t j = d->m - 1; j >= 0; j--) {
    const REAL *r = d->R + j * width;
    for (int l = 1; l < width && j + l < d->m; l++) x[j] = SUB(x[j], MUL(r[l], x[j + l]));
    x[j] = LOW(r[0]) != 0 ? DIV(x[j], r[0]) : OF(0);
  }
}

/* rest [n] = w (y - b) - D'z, db [m] = D b, and the duality gap of b and z */
static double FN(measure)(const FN(banded) *d, const double *y, const REAL *b, const REAL *z, double lambda, REAL *rest, REAL *db) {
  REAL gap = OF(0);
  FN(adjoint)(d, z, rest);
  for (ptrdiff_t i = 0; i < d->n; i++) {
    rest[i] = SUB(SCALE(d->w[i], SUB(OF(y[i]), b[i])), rest[i]);
    gap = ADD(gap, DIV(MUL(rest[i], rest[i]), OF(2 * d->w[i])));
  }
  FN(differences)(d, b, db);
  for (ptrdiff_t j = 0; j < d->m; j++) {
    const REAL room = SUB(OF(lambda), LOW(db[j]) < 0 ? SCALE(-1, z[j]) : z[j]);
    gap = ADD(gap, MUL(room, LOW(db[j]) < 0 ? SCALE(-1, db[j]) : db[j]));
  }
  return LOW(gap);
}

/* The point between steps. s1, s2: slacks lambda -+ z, m1, m2: their multipliers, in the end the two signs of D b. */
typedef struct FN(point) {
  REAL *z, *b, *m1, *m2, *s1, *s2, *J, *dz, *d1, *d2, *low, *rest, *db, *spare;
} FN(point);

static double FN(complementarity)(const FN(point) *p, ptrdiff_t m, double by) {
  double sum = 0;
  for (ptrdiff_t j = 0; j < m; j++) {
    sum += (LOW(p->m1[j]) + by * LOW(p->d1[j])) * (LOW(p->s1[j]) - by * LOW(p->dz[j])) +
           (LOW(p->m2[j]) + by * LOW(p->d2[j])) * (LOW(p->s2[j]) + by * LOW(p->dz[j]));
  }
  return sum / (2 * (double)m);
}

/* One step of the interior point method: predictor straight to the solution, corrector to the middle, with what the predictor has
 * taught of the curvature (Mehrotra 1992). */
static void FN(advance)(FN(banded) *d, FN(point) *p, double lambda) {
  const ptrdiff_t m = d->m;
  double tau = 0;
  for (ptrdiff_t j = 0; j < m; j++) {
    p->s1[j] = SUB(OF(lambda), p->z[j]);
    p->s2[j] = ADD(OF(lambda), p->z[j]);
    p->J[j] = ADD(DIV(p->m1[j], p->s1[j]), DIV(p->m2[j], p->s2[j]));
    p->d1[j] = p->d2[j] = OF(0);
  }
  const double mu = FN(complementarity)(p, m, 0);
  for (int corrector = 0; corrector < 2; corrector++) {
    for (ptrdiff_t j = 0; j < m; j++) { /* d1, d2: what m1 s1, m2 s2 are to be */
      p->d1[j] = corrector ? ADD(OF(tau), MUL(p->dz[j], p->d1[j])) : OF(0);
      p->d2[j] = corrector ? SUB(OF(tau), MUL(p->dz[j], p->d2[j])) : OF(0);
      p->low[j] = ADD(SUB(p->db[j], DIV(p->d1[j], p->s1[j])), DIV(p->d2[j], p->s2[j]));
    }
    FN(solve)(d, p->J, p->rest, p->low, p->dz);
    double by = 1 / SHORTEN;
    for (ptrdiff_t j = 0; j < m; j++) {
      p->d1[j] = SUB(DIV(ADD(p->d1[j], MUL(p->m1[j], p->dz[j])), p->s1[j]), p->m1[j]);
      p->d2[j] = SUB(DIV(SUB(p->d2[j], MUL(p->m2[j], p->dz[j])), p->s2[j]), p->m2[j]);
      const double dz = LOW(p->dz[j]), d1 = LOW(p->d1[j]), d2 = LOW(p->d2[j]);
      if (LOW(p->s1[j]) - by * dz < 0) by = LOW(p->s1[j]) / dz;
      if (LOW(p->s2[j]) + by * dz < 0) by = -LOW(p->s2[j]) / dz;
      if (LOW(p->m1[j]) + by * d1 < 0) by = -LOW(p->m1[j]) / d1;
      if (LOW(p->m2[j]) + by * d2 < 0) by = -LOW(p->m2[j]) / d2;
    }
    if (!corrector) {
      tau = mu * pow(fmax(FN(complementarity)(p, m, fmin(by, 1)), 0) / mu, 3);
      continue;
    }
    by = fmin(by * SHORTEN, 1);
    FN(adjoint)(d, p->dz, p->spare);
    for (ptrdiff_t i = 0; i < d->n; i++) p->b[i] = ADD(p->b[i], SCALE(by, DIV(SUB(p->rest[i], p->spare[i]), OF(d->w[i]))));
    for (ptrdiff_t j = 0; j < m; j++) {
      p->z[j] = ADD(p->z[j], SCALE(by, p->dz[j]));
      p->m1[j] = ADD(p->m1[j], SCALE(by, p->d1[j]));
      p->m2[j] = ADD(p->m2[j], SCALE(by, p->d2[j]));
    }
  }
}

/* As sp_trend_fit(), for lambda > 0 and data that are no polynomial; objective and knots of the best point seen */
static sp_status FN(fit)(sp_ctx *ctx, ptrdiff_t n, int k, const double *y, const double *w, double lambda, double enough, double *b,
                         int *is_knot, sp_trend *out) {
  sp_status st = SP_OK;
  FN(banded) d;
  FN(set_order)(&d, n, k, w);
  const ptrdiff_t m = d.m;
  const size_t sm = (size_t)m, sn = (size_t)n;
  REAL *block = sp_calloc(ctx, sm * (size_t)(d.width + 11) + 3 * sn, sizeof *block);
  if (!block) return SP_ENOMEM;
  d.R = block;
  FN(point) p;
  REAL **parts[] = {&p.z, &p.m1, &p.m2, &p.s1, &p.s2, &p.J, &p.dz, &p.d1, &p.d2, &p.low, &p.db}, *at = d.R + sm * (size_t)d.width;
  for (size_t i = 0; i < sizeof parts / sizeof *parts; i++, at += m) *parts[i] = at;
  p.b = at;
  p.rest = p.b + n;
  p.spare = p.rest + n;
  double least = INFINITY, top = 0;
  int stalled = 0;
  for (ptrdiff_t i = 0; i < n; i++) p.b[i] = OF(y[i]);
  FN(differences)(&d, p.b, p.db);
  for (ptrdiff_t j = 0; j < m; j++) top = fmax(top, fabs(LOW(p.db[j])));
  for (ptrdiff_t j = 0; j < m; j++) p.m1[j] = p.m2[j] = OF(top);
  for (int step = 0; step < MOST_STEPS; step++) {
    SP_TRY(sp_poll(ctx));
    const double gap = FN(measure)(&d, y, p.b, p.z, lambda, p.rest, p.db);
    out->steps++;
    stalled = gap < 0.9 * least ? 0 : stalled + 1;
    if (gap < least) {
      least = gap;
      out->objective = 0;
      for (ptrdiff_t i = 0; i < n; i++) {
        const double r = LOW(SUB(OF(y[i]), p.b[i]));
        b[i] = LOW(p.b[i]);
        out->objective += w[i] * r * r / 2;
      }
      out->knots = 0;
      for (ptrdiff_t j = 0; j < m; j++) {
        out->objective += lambda * fabs(LOW(p.db[j]));
        is_knot[j] = fmax(LOW(p.m1[j]), LOW(p.m2[j])) / top > (lambda - fabs(LOW(p.z[j]))) / lambda;
        out->knots += is_knot[j];
      }
    }
    if (least <= enough || stalled > 8 || !isfinite(gap)) break;
    FN(advance)(&d, &p, lambda);
  }
  out->gap = least;
done:
  sp_free(ctx, block);
  return st;
}

#undef REAL
#undef FN
#undef OF
#undef LOW
#undef ADD
#undef SUB
#undef MUL
#undef DIV
#undef ROOT
#undef SCALE
