/* Pairs of doubles: sums, products, quotients and roots that doubles cannot hold. */
#include "base/dd.h"
#include "spunit.h"

/* |a - b| in units of |b| */
static double apart(sp_dd a, sp_dd b) { return fabs(sp_dd_low(sp_dd_sub(a, b))) / fabs(b.h); }

int main(void) {
  for (int trial = 0; trial < 20000; trial++) {
    const double big = ldexp(sp_normal(), sp_below(60)), small = ldexp(sp_normal(), -sp_below(40)), c = 0.5 + sp_uniform();
    const sp_dd a = sp_dd_add(sp_dd_of(big), sp_dd_of(small));
    SP_CHECK(sp_dd_low(sp_dd_sub(a, sp_dd_of(big))) == small, "sum of %g and %g", big, small); /* exponents less than 104 apart */
    /* (a c) / c = a, (a + c)(a - c) = a^2 - c^2, root^2 = a */
    const sp_dd d = sp_dd_add(sp_dd_of(c), sp_dd_of(c * 0x1p-60));
    SP_CHECK(apart(sp_dd_div(sp_dd_mul(a, d), d), a) < 0x1p-99, "quotient: %g", apart(sp_dd_div(sp_dd_mul(a, d), d), a));
    const sp_dd e = sp_dd_of(c * c), root = sp_dd_sqrt(sp_dd_add(e, d));
    SP_CHECK(apart(sp_dd_mul(root, root), sp_dd_add(e, d)) < 0x1p-99, "root: %g", apart(sp_dd_mul(root, root), sp_dd_add(e, d)));
    const sp_dd x = sp_dd_add(sp_dd_of(2), d), y = sp_dd_sub(sp_dd_of(2), d);
    SP_CHECK(apart(sp_dd_mul(x, y), sp_dd_sub(sp_dd_of(4), sp_dd_mul(d, d))) < 0x1p-97, "difference of squares");
    const double two = ldexp(1, sp_below(30));
    SP_CHECK(apart(sp_dd_scale(two, a), sp_dd_mul(sp_dd_of(two), a)) == 0, "scaled");
    /* a product of doubles is exact */
    const sp_dd p = sp_dd_mul(sp_dd_of(big), sp_dd_of(c));
    SP_CHECK(p.h == big * c && p.l == fma(big, c, -p.h), "product");
  }
  SP_CHECK(sp_dd_low(sp_dd_sqrt(sp_dd_of(0))) == 0, "root of 0");
  return spunit_end("test_dd");
}
