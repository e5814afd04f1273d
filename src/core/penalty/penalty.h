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
  SP_PENALTY_BOUNDS = 4,   /* box limits allowed */
  SP_PENALTY_BLOCKS = 8    /* norms of blocks beside the separable part: the functions block_* */
};

typedef struct sp_penalty sp_penalty;

/* One coordinate: v, the penalty factor times column scale (multiplies the L1 part); kv, what multiplies the ridge part;
 * lo <= 0 <= hi, box limits (infinite when absent); cv, what multiplies |b| in the shape of a non-convex penalty; one, a unit of
 * coefficients: that of a response which has units, else 1. */
typedef struct sp_coord {
  double v, kv, lo, hi, cv, one;
} sp_coord;

/* Slope t + k |b| of a non-convex penalty, its ridge part apart, up to |b| = upto; k <= 0. */
typedef struct sp_piece {
  double t, k, upto;
} sp_piece;
#define SP_MAX_PIECES 3

/* Groups of the columns of a design. With K linear predictors a block is made of a group's coefficients in all of them (across), or
 * there is one for each predictor. */
typedef struct sp_groups {
  int G;
  const int *of;         /* [p] group of a column */
  const int *ptr, *cols; /* [G + 1], [p] columns of group g: cols[ptr[g]] to cols[ptr[g + 1] - 1], increasing */
  const double *w;       /* [G] weights of the norms; a column with infinite penalty factor is not in its group */
  int across;
} sp_groups;

/* One block, in penalized units: coefficients u_j = unit_j b_j, gradients z_j = c_j / unit_j. w: weight of the norm; v [m]: factors of
 * the L1 part; kv: factor of the ridge part; one: as for a coordinate; cv: what multiplies |u| in the shape of a non-convex penalty
 * of the norm; lo <= 0 <= hi [m]: limits of u, NULL without. */
typedef struct sp_pen_block {
  int m;
  double w, kv;
  const double *v;
  double one, cv;
  const double *lo, *hi;
} sp_pen_block;

/* x, or 0 where the limits do not let coefficient j leave zero towards the side of x */
static inline double sp_pen_allowed(const sp_pen_block *bl, int j, double x) {
  return bl->lo && (x > 0 ? bl->hi[j] : bl->lo[j]) == 0 ? 0 : x;
}

/* Outer function of a bi-level penalty at one point: value, slope, derivative of the slope. */
typedef struct sp_outer {
  double value, slope, curve;
} sp_outer;

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

  /* minimizer of (b - x)^2 / (2 step) + Omega(b), box included; step > 0 */
  double (*prox)(const sp_penalty *pen, double lambda, const sp_coord *co, double x, double step);

  /* The same for a block (SP_PENALTY_BLOCKS; NULL otherwise): penalty = T |u|_2 + sum_j t_j |u_j| + k |u|_2^2 / 2 */
  void (*block_norms)(const sp_penalty *pen, double lambda, const sp_pen_block *bl, double *T, double *t_by_v, double *k); /* t = t_by_v v */
  double (*block_gauge)(const sp_penalty *pen, const sp_pen_block *bl, const double *z);
  double (*block_value)(const sp_penalty *pen, double lambda, const sp_pen_block *bl, const double *u);
  double (*block_violation)(const sp_penalty *pen, double lambda, const sp_pen_block *bl, const double *u, const double *z);
  double (*block_scale)(const sp_penalty *pen, double lambda, const sp_pen_block *bl, const double *z);
  double (*block_fenchel_young)(const sp_penalty *pen, double lambda, const sp_pen_block *bl, const double *u, const double *z);
  void (*block_prox)(const sp_penalty *pen, double lambda, const sp_pen_block *bl, const double *x, double step, double *u); /* x may be u */

  /* Bi-level penalties, the sum over groups of f_outer(sum_j f_inner(|u_j|)), both concave; NULL otherwise. All functions of a coordinate
   * are those of f_inner times the slope of f_outer, a factor of v and cv: see sp_bilevel_coord(). `shape`: cv of a coefficient in
   * penalized units, whose threshold alone is t. `outer`: slope 1 at 0; at S, for a group of m coefficients. */
  double (*shape)(const sp_penalty *pen, double t, double curvature, double one);
  sp_outer (*outer)(const sp_penalty *pen, double t, double cv, int m, double S);
} sp_penalty_ops;

struct sp_penalty {
  const sp_penalty_ops *ops;
  double alpha; /* elastic-net mixing */
  double gamma; /* MCP, SCAD: concavity */
  double tau;   /* blocks: share of the separable part, the rest is that of the norms */
  const sp_groups *groups; /* blocks, or NULL */
};

/* soft threshold */
static inline double sp_soft(double z, double t) { return z > t ? z - t : z < -t ? z + t : 0; }

/* the Fenchel-Young term of t |b| + k b^2 / 2 + indicator of the box: penalty_enet.c */
double sp_l1_ridge_fenchel_young(double t, double k, const sp_coord *co, double b, double z);

/* the Fenchel-Young term of T |u|_2 + sum_j t v_j |u_j| + k |u|_2^2 / 2 within the limits of the block: penalty_group.c */
double sp_norms_fenchel_young(double T, double t, double k, const sp_pen_block *bl, const double *u, const double *z);

double sp_pen_norm(const double *u, int m); /* |u|_2, whatever the size of u: penalty_group.c */

/* The norm of the minimizer of k |u|^2 / 2 - z'u + T |u|_2 + sum_j t v_j |u_j| in the box of the block,
 * u = clip(S(z) h / (T + k h)) with |u| = h; T > 0. Infinite where k = 0 and the directions without a limit alone reach T. penalty_group.c */
double sp_norm_in_box(const sp_pen_block *bl, double t, const double *z, double T, double k);
void sp_prox_in_box(const sp_pen_block *bl, double t, const double *z, double T, double k,
                    double *u); /* that minimizer, k > 0; u may be z */

/* Of a penalty with pieces: concave.c */
/* slope at |b|, the ridge part apart; *k: its derivative there */
double sp_penalty_slope(const sp_penalty *pen, double lambda, const sp_coord *co, double b, double *k);
/* from |b| = h to h + by >= 0, the ridge part apart, without cancellation where it is on one piece */
double sp_penalty_rise(const sp_penalty *pen, double lambda, const sp_coord *co, double h, double by);
/* the least that the second derivative is anywhere, the ridge part apart; <= 0 */
double sp_penalty_concavity(const sp_penalty *pen, double lambda, const sp_coord *co);
/* the b with the least a b^2 / 2 - z b + penalty, ridge part included; a > 0 */
double sp_penalty_minimum(const sp_penalty *pen, double lambda, const sp_coord *co, double a, double z);

#endif
