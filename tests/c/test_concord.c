/* Concordance against the sum over all pairs. */
#include <math.h>
#include <stdlib.h>

#include "cv/concord.h"
#include "spunit.h"

enum { N = 60, L = 3 };

static unsigned state = 7;
static double uniform(void) {
  state = state * 1664525u + 1013904223u;
  return (state >> 8) / 16777216.0;
}

static void by_pairs(const double *time, const double *entry, const int *status, const int *strata, const double *w,
                     const double *eta, double *agree, double *all) {
  *agree = *all = 0;
  for (int i = 0; i < N; i++) {
    if (!status[i] || !(w[i] > 0)) continue;
    for (int j = 0; j < N; j++) {
      if (!(w[j] > 0) || (strata && strata[i] != strata[j]) || (entry && entry[j] >= time[i])) continue;
      if (!(time[j] > time[i] || (time[j] == time[i] && !status[j]))) continue;
      *all += w[i] * w[j];
      if (eta[i] > eta[j]) *agree += w[i] * w[j];
      else if (eta[i] == eta[j]) *agree += w[i] * w[j] / 2;
    }
  }
}

int main(void) {
  static double time[N], entry[N], w[N], eta[N * L], agree[L], all[L];
  static int status[N], strata[N];
  for (int round = 0; round < 40; round++) {
    for (int i = 0; i < N; i++) {
      const int coarse = round % 2;
      time[i] = coarse ? 1 + floor(6 * uniform()) : uniform();
      entry[i] = time[i] - (coarse ? 1 + floor(4 * uniform()) : uniform() / 2);
      status[i] = uniform() < 0.6;
      strata[i] = (int)(3 * uniform());
      w[i] = round % 3 ? floor(4 * uniform()) : uniform();
      for (int l = 0; l < L; l++) eta[i + l * N] = l == 2 ? 0 : floor(10 * uniform()) / (l + 1);
    }
    for (int kind = 0; kind < 4; kind++) {
      const double *from = kind & 1 ? entry : NULL;
      const int *by = kind & 2 ? strata : NULL;
      sp_ctx ctx;
      sp_ctx_init(&ctx);
      SP_CHECK(sp_concordance(&ctx, N, L, time, from, status, by, w, eta, agree, all) == SP_OK, "%s", "concordance");
      SP_CHECK(ctx.n_live == 0, "%s", "concordance");
      for (int l = 0; l < L; l++) {
        double up, total;
        by_pairs(time, from, status, by, w, eta + l * N, &up, &total);
        SP_CHECK(fabs(agree[l] - up) <= 1e-11 * (1 + total), "%s", "concordance");
        SP_CHECK(fabs(all[l] - total) <= 1e-11 * (1 + total), "%s", "concordance");
      }
    }
  }
  for (long fail = 1; fail <= 5; fail++) { /* every allocation may fail */
    sp_ctx ctx;
    sp_ctx_init(&ctx);
    ctx.fail_at = fail;
    SP_CHECK(sp_concordance(&ctx, N, 1, time, entry, status, strata, w, eta, agree, all) == SP_ENOMEM, "%s", "concordance");
    SP_CHECK(ctx.n_live == 0, "%s", "concordance");
  }
  sp_ctx ctx;
  sp_ctx_init(&ctx);
  SP_CHECK(sp_concordance(&ctx, 0, 1, time, entry, status, strata, w, eta, agree, all) == SP_OK && all[0] == 0, "%s", "concordance");
  return spunit_end("test_concord");
}
