/* Penalty: functions of lambda and one block of coefficients; no X, y or n.
 * lambda is always an argument, never state. Coefficients and gradients are in the units of the caller's columns: a caller that
 * rescales a column by a factor passes that factor in sp_coord, and the penalty accounts for it. A new penalty is
 * one file that ends in a const sp_penalty_ops. */
#ifndef SP_PENALTY_H
#define SP_PENALTY_H

#include <stddef.h>

enum {
  SP_PENALTY_CONVEX = 1,
  SP_PENALTY_L1_RIDGE = 2, /* separable, t |b| + k b^2 / 2 per coordinate: what the direct solvers take */
  SP_PENALTY_BOUNDS = 4    /* box limits allowed */
};

typedef struct sp_penalty sp_penalty;

/* One coordinate: v, the penalty factor times column scale (multiplies the L1 part); kv, what multiplies the ridge part;
 * lo <= 0 <= hi, box limits (infinite when absent); cv, what multiplies |b| in the shape of a non-convex penalty. */
typedef struct sp_coord {
  double v, kv, lo, hi, cv;
} sp_coord;

/* Slope t + k |b| of a non-convex penalty, its ridge part apart, up to |b| = upto; k <= 0. */
typedef struct sp_piece {
  double t, k, upto;
} sp_piece;
#define SP_MAX_PIECES 3

typedef struct sp_penalty_ops {
  const char *name;
  unsigned flags;
  /* penalty = t |b| + k b^2 / 2 (SP_PENALTY_L1_RIDGE) */
  void (*l1_ridge)(const sp_penalty *pen, double lambda, const sp_coord *co, double *t, double *k);
  /* smallest lambda at which the coefficient is zero when the gradient is c: lambda_max, strong rule */
  double (*gauge)(const sp_penalty *pen, const sp_coord *co, double c);
  double (*value)(const sp_penalty *pen, double lambda, const sp_coord *co, double b);
  /* distance of the gradient c from the subdifferential at b (box included), >= 0 */
  double (*violation)(const sp_penalty *pen, double lambda, const sp_coord *co, double b, double c);
  /* largest s <= 1 such that s c is in the domain of the conjugate */
  double (*scale)(const sp_penalty *pen, double lambda, const sp_coord *co, double c);
  /* Fenchel-Young term Omega(b) + Omega*(z) - z b >= 0, z in the domain of Omega* (rounding is forgiven) */
  double (*fenchel_young)(const sp_penalty *pen, double lambda, const sp_coord *co, double b, double z);
  /* NULL where the penalty is convex. Otherwise its pieces in order, the first beginning at 0 with slope t of l1_ridge, the
   * last of slope 0 without end; returns how many. */
  int (*pieces)(const sp_penalty *pen, double lambda, const sp_coord *co, sp_piece *out);
} sp_penalty_ops;

struct sp_penalty {
  const sp_penalty_ops *ops;
  double alpha; /* elastic-net mixing */
  double gamma; /* MCP, SCAD: concavity */
};

/* the Fenchel-Young term of t |b| + k b^2 / 2 + indicator of the box: penalty_enet.c */
double sp_l1_ridge_fenchel_young(double t, double k, const sp_coord *co, double b, double z);


/* Of a penalty with pieces: concave.c */
/* slope at |b|, the ridge part apart; *k: its derivative there */
double sp_penalty_slope(const sp_penalty *pen, double lambda, const sp_coord *co, double b, double *k);
/* the b with the least a b^2 / 2 - z b + penalty, ridge part included; a > 0 */
double sp_penalty_minimum(const sp_penalty *pen, double lambda, const sp_coord *co, double a, double z);

#endif
