# Designs on which solvers stumble: ties, copies, near-copies, constants, saturation, very small n and p.
# All least squares here; test-robust-binomial.R has the logistic ones.

lambdas <- function(x, y, l = 40, ratio = 0.01, ...) {
  lambda_max_reference(x, y, ...) * ratio^(seq(0, 1, length.out = l))
}

test_that("duplicated columns", {
  d <- make_problem(50, 40, seed = 401)
  x <- cbind(d$x, d$x)
  a <- expect_exact(x, d$y, label = "pairs")
  # the fit is unique even if the coefficients are not
  b <- expect_exact(d$x, d$y, lambda = a$fit$lambda, label = "single")
  expect_same_objective(a$v, b$v)
  merged <- as.matrix(a$fit$beta)[1:40, ] + as.matrix(a$fit$beta)[41:80, ]
  expect_lt(max(abs(merged - as.matrix(b$fit$beta))), 1e-9)
  pf <- rep(c(1, 2), each = 40)
  a <- expect_exact(x, d$y, penalty.factor = pf, label = "the copy is dearer")
  expect_identical(sum(a$fit$beta[41:80, ] != 0), 0L)
  expect_exact(x, d$y, penalty.factor = rep(c(1, 0.5), each = 40), label = "the copy is cheaper")
  for (alpha in c(0.999, 0.9, 0.5, 0)) {
    a <- expect_exact(x, d$y, alpha = alpha, label = paste("pairs, alpha", alpha))
    bb <- as.matrix(a$fit$beta) # a strictly convex penalty shares equally
    expect_lt(max(abs(bb[1:40, ] - bb[41:80, ])), 1e-6 * max(abs(bb)))
  }
  expect_exact(x[, c(1:40, 1:20, 1:40)], d$y, weights = d$w, label = "three copies, weights")
  expect_exact(x, d$y, penalty.factor = rep(c(0, 1, 0, 1), each = 20), label = "unpenalized columns twice")
  expect_exact(x, d$y, lower.limits = -0.1, upper.limits = 0.1, label = "pairs within limits")
})

test_that("fifty copies of each of twenty columns", {
  d <- make_problem(40, 20, seed = 402)
  x <- d$x[, rep(1:20, 50)]
  expect_exact(x, d$y, label = "plain")
  expect_exact(x, d$y, lower.limits = -0.05, upper.limits = 0.05, label = "within limits")
})

test_that("sign-flipped copies", {
  d <- make_problem(50, 40, seed = 403)
  expect_exact(cbind(d$x, -d$x), d$y, label = "plain")
  a <- expect_exact(cbind(d$x, -d$x), d$y, lower.limits = 0, label = "non-negative")
  b <- expect_exact(d$x, d$y, lambda = a$fit$lambda, label = "unrestricted")
  bb <- as.matrix(a$fit$beta)
  expect_lt(max(abs(bb[1:40, ] - bb[41:80, ] - as.matrix(b$fit$beta))), 1e-9)
})

test_that("near-duplicates at every distance", {
  d <- make_problem(60, 120, seed = 404)
  for (e in 10^-(2:9)) {
    noise <- with_seed(405, matrix(rnorm(60 * 120), 60))
    expect_exact(cbind(d$x, d$x + e * noise), d$y, nlambda = 25, label = paste("distance", e))
  }
})

test_that("columns that are combinations of others", {
  d <- make_problem(60, 30, seed = 406)
  comb <- d$x %*% with_seed(407, matrix(rnorm(30 * 50), 30))
  expect_exact(cbind(d$x, comb), d$y, label = "combinations")
  expect_exact(cbind(d$x, comb), d$y, lambda = lambdas(cbind(d$x, comb), d$y, 40, 1e-4), label = "combinations, 1e-4")
  expect_exact(cbind(comb, d$x), d$y, alpha = 0.5, label = "combinations, alpha .5")
  expect_exact(cbind(d$x[, 1:3], d$x[, 1:3] %*% c(1, 1, 1), d$x[, 4:30]), d$y,
    penalty.factor = rep(c(0, 1), c(4, 27)), label = "four unpenalized columns of rank three"
  )
})

test_that("dummy trap: indicator columns that sum to one", {
  g <- with_seed(408, lapply(1:6, function(k) sample(rep_len(1:8, 80))))
  x <- do.call(cbind, lapply(g, function(z) 1 * outer(z, 1:8, "==")))
  y <- with_seed(409, drop(x %*% rnorm(48)) + rnorm(80))
  expect_exact(x, y, lambda = lambdas(x, y, 40, 1e-4), label = "plain")
  expect_exact(x, y, intercept = FALSE, standardize = FALSE, label = "no intercept, no standardization")
  expect_exact(x, y, penalty.factor = rep(c(0, 1), c(16, 32)), label = "two unpenalized groups")
  expect_exact(x, y, alpha = 0.5, label = "alpha .5")
})

test_that("genotypes with many identical columns", {
  x <- with_seed(410, {
    f <- rep(runif(60, 0.05, 0.5), each = 80)
    matrix(as.double(rbinom(80 * 60, 2, f)), 80)[, sample.int(60, 500, TRUE)]
  })
  y <- with_seed(411, drop(x[, 1:10] %*% rnorm(10)) + rnorm(80))
  expect_exact(x, y, label = "plain")
  expect_exact(x, y, lambda = lambdas(x, y, 40, 1e-4), label = "1e-4")
  expect_exact(x, y, alpha = 0.5, label = "alpha .5")
  storage.mode(x) <- "integer"
  expect_exact(x, y, nlambda = 20, label = "integer")
})

test_that("ties: all correlations equal, tied groups, tied groups of copies", {
  h <- make_hadamard(64)
  y <- drop(h %*% rep_len(c(1, -1), 63))
  expect_exact(h, y, label = "Hadamard, all 63 tied")
  y2 <- drop(h %*% rep_len(c(3, -3, 2, 2, 1, -1), 63))
  expect_exact(h, y2, label = "tied groups")
  expect_exact(cbind(h, h, -h), y2, label = "tied groups of copies")
  expect_exact(h, y, alpha = 0.5, label = "alpha .5")
  expect_exact(h, y, lower.limits = -0.5, upper.limits = 0.5, label = "tied limits")
  o <- make_orthonormal(30, 20, seed = 412)
  expect_exact(o, drop(o %*% rep(1, 20)), label = "orthogonal, equal correlations")
})

test_that("constant columns: zero, a number, a large number; with and without intercept", {
  d <- make_problem(40, 30, seed = 413)
  x <- cbind(0, d$x[, 1:15], 3.7, d$x[, 16:30], 1e8, 0.1)
  for (i in c(TRUE, FALSE)) {
    for (s in c(TRUE, FALSE)) {
      a <- expect_exact(x, d$y, intercept = i, standardize = s, label = paste("intercept", i, "standardize", s))
      expect_identical(sum(a$fit$beta[c(1, 17, 33, 34), ] != 0), 0L)
    }
  }
  expect_exact(x, d$y, penalty.factor = replace(rep(1, 34), c(1, 17), 0), label = "constant and unpenalized")
  z <- expect_exact(matrix(5, 10, 3), d$y[1:10], lambda = c(1, 0.1), label = "nothing but constants")
  expect_identical(length(z$fit$beta@x), 0L)
  w <- replace(rep(1, 40), 1:2, 0) # constant once the empty rows are gone
  expect_exact(cbind(d$x, replace(rep(2, 40), 1:2, 7)), d$y, weights = w, label = "constant on the weighted rows")
})

test_that("the response is a column, a duplicated column, a sparse noiseless sum", {
  d <- make_problem(50, 80, seed = 414)
  expect_exact(d$x, d$x[, 7], lambda = lambdas(d$x, d$x[, 7], 40, 1e-4), label = "a column")
  expect_exact(cbind(d$x, d$x), d$x[, 7], label = "a duplicated column")
  expect_exact(d$x, -2 * d$x[, 7] + 3, label = "a multiple of a column")
  y <- drop(d$x[, 1:5] %*% c(1, -2, 3, 1, -1))
  expect_exact(d$x, y, lambda = lambdas(d$x, y, 60, 1e-4), label = "noiseless")
  expect_exact(d$x, y, label = "noiseless, default grid")
})

test_that("constant response", {
  d <- make_problem(30, 20, seed = 415)
  expect_error(sparsepath(d$x, rep(2, 30), lambda = c(1, 0.1)), class = "sparsepath_error_constant_y")
  # an offset makes it vary
  expect_exact(d$x, rep(2, 30), offset = d$o, label = "constant with offset")
})

test_that("saturation: as many active columns as rows", {
  d <- make_problem(30, 200, seed = 416)
  expect_exact(d$x, d$y, lambda = lambdas(d$x, d$y, 60, 1e-4), label = "1e-4")
  expect_exact(d$x, d$y, lambda = lambdas(d$x, d$y, 60, 1e-6), label = "1e-6")
  expect_exact(d$x, d$y, lambda = lambdas(d$x, d$y, 60, 1e-4, intercept = FALSE), intercept = FALSE, label = "no intercept")
  r <- expect_exact(d$x, d$y, lambda = c(lambdas(d$x, d$y, 5, 1e-4), 0), kkt = 1e-5, label = "down to zero")
  expect_equal(r$fit$dev.ratio[6], 1, tolerance = 1e-6)
  expect_exact(d$x, d$y, alpha = 0.5, lambda = 2 * lambdas(d$x, d$y, 40, 1e-4), label = "alpha .5")
})

test_that("two to five rows", {
  for (n in 2:5) {
    d <- make_problem(n, 100, k = 2, seed = 416 + n)
    expect_exact(d$x, d$y, lambda = lambdas(d$x, d$y, 30, 1e-3), label = paste(n, "rows"))
    expect_exact(d$x, d$y, alpha = 0.5, nlambda = 20, label = paste(n, "rows, alpha .5"))
    expect_exact(d$x, d$y, alpha = 0, nlambda = 10, label = paste(n, "rows, ridge"))
    expect_exact(d$x, d$y, lambda = lambdas(d$x, d$y, 20, 1e-3, intercept = FALSE), intercept = FALSE, label = paste(n, "rows, no intercept"))
    expect_exact(d$x, d$y, nlambda = 20, lower.limits = -0.1, upper.limits = 0.2, label = paste(n, "rows, limits"))
    expect_exact(d$x, d$y, nlambda = 20, lower.limits = -0.1, upper.limits = 0.2, alpha = 0.5, label = paste(n, "rows, limits, .5"))
  }
})

test_that("one and two columns", {
  for (p in 1:2) {
    d <- make_problem(20, p, seed = 420 + p)
    for (alpha in c(1, 0.5, 0)) {
      expect_exact(d$x, d$y, alpha = alpha, label = paste(p, "columns, alpha", alpha))
      expect_exact(d$x, d$y, alpha = alpha, weights = d$w, offset = d$o, label = paste(p, "columns, weights"))
    }
    expect_exact(d$x, d$y, penalty.factor = rep(0.5, p), intercept = FALSE, label = paste(p, "columns, no intercept"))
  }
  d <- make_problem(20, 1, seed = 423)
  expect_exact(d$x[1:2, , drop = FALSE], d$y[1:2], label = "2 x 1")
})

test_that("coarse grids and single lambdas from a cold start equal the fine path", {
  d <- make_problem(60, 400, "ar", 0.8, seed = 424)
  fine <- expect_exact(d$x, d$y, lambda = lambdas(d$x, d$y, 100), label = "fine")
  for (l in c(2, 5, 10)) {
    pick <- unique(round(seq(1, 100, length.out = l)))
    a <- expect_exact(d$x, d$y, lambda = fine$fit$lambda[pick], label = paste(l, "lambdas"))
    expect_same_fit(
      list(lambda = fine$fit$lambda[pick], beta = fine$fit$beta[, pick], a0 = fine$fit$a0[pick]), a$fit, 1e-9
    )
  }
  for (k in c(2, 50, 100)) {
    for (alpha in c(1, 0.5, 0)) {
      expect_exact(d$x, d$y, lambda = fine$fit$lambda[k], alpha = alpha, label = paste("lambda", k, "alpha", alpha))
    }
  }
  expect_exact(d$x, d$y, lambda = fine$fit$lambda[1] * 1e-4, label = "one small lambda")
  expect_exact(d$x, d$y, lambda = fine$fit$lambda[1] * c(1, 1 - 1e-15, 1 - 1e-8, 0.5, 0.5 - 1e-12), label = "lambdas that almost coincide")
})

test_that("nearly equicorrelated columns, polynomials, steps", {
  for (rho in c(0.99, 0.999, 0.99999)) {
    d <- make_problem(50, 200, "equi", rho, seed = 425)
    expect_exact(d$x, d$y, label = paste("rho", rho))
  }
  t <- seq(-1, 1, length.out = 60)
  y <- with_seed(426, sin(3 * t) + rnorm(60) / 10)
  expect_exact(outer(t, 1:40, "^"), y, label = "powers")
  steps <- 1 * outer(seq_len(60), 1:59, ">")
  expect_exact(steps, y, lambda = lambdas(steps, y, 50, 1e-3), label = "steps")
  expect_exact(steps, y, standardize = FALSE, label = "steps, no standardization")
})

test_that("column scales from 1e-8 to 1e8, and columns shifted by 1e6", {
  d <- make_problem(50, 100, seed = 427)
  s <- 10^rep_len(seq(-8, 8, length.out = 17), 100)
  x <- d$x * rep(s, each = 50)
  a <- expect_exact(x, d$y, label = "scales")
  b <- expect_exact(d$x, d$y, label = "no scales")
  expect_same_fit(b$fit, a$fit, 1e-9, map = function(z) z * s)
  expect_exact(x, d$y, standardize = FALSE, label = "scales, no standardization")
  expect_exact(d$x * rep(10^rep_len(-3:3, 100), each = 50), d$y, standardize = FALSE, alpha = 0.5, label = "scales, alpha .5")
  # the shift rounds x itself at 1e-10 of its spread: the path is the path of the rounded x, and is close to the unshifted
  a <- expect_exact(d$x + 1e6, d$y, label = "shift 1e6")
  expect_same_fit(b$fit, a$fit, 1e-6, a0 = function(z) b$fit$a0)
  expect_exact(d$x + rep(c(1e6, -1e4, 10, 1e-6), each = 50 * 25), d$y, alpha = 0.5, label = "mixed shifts")
  xs <- Matrix::Matrix(x * (abs(d$x) > 1), sparse = TRUE)
  expect_exact(xs, d$y, label = "sparse with scales")
  xs@x <- xs@x + 1e6
  expect_exact(xs, d$y, label = "sparse, large values")
})

test_that("very small and very large units of x and y", {
  d <- make_problem(40, 60, seed = 428)
  b <- sparsepath(d$x, d$y, nlambda = 30)
  for (u in c(1e-100, 1e-9, 1e9, 1e100)) {
    f <- sparsepath(d$x, d$y * u, nlambda = 30)
    expect_same_fit(b, f, 1e-9, map = function(z) z / u, a0 = function(z) z / u, lambda = function(z) z / u, label = paste("y in units of", u))
    f <- sparsepath(d$x * u, d$y, nlambda = 30)
    expect_same_fit(b, f, 1e-9, map = function(z) z * u, label = paste("x in units of", u))
  }
})

test_that("zero weights and huge weight ratios", {
  d <- make_problem(60, 100, seed = 429)
  for (k in c(3, 6, 10)) {
    w <- 10^with_seed(430, runif(60, -k / 2, k / 2))
    for (alpha in c(1, 0.5, 0)) {
      expect_exact(d$x, d$y, weights = w, alpha = alpha, label = paste0("weight ratio 1e", k, ", alpha ", alpha))
    }
  }
  w <- replace(rep(1, 60), 1:55, 0)
  expect_exact(d$x, d$y, weights = w, label = "five rows left")
  expect_exact(d$x, d$y, weights = w, alpha = 0.5, label = "five rows left, alpha .5")
  expect_exact(d$x, d$y, weights = w, lower.limits = 0, label = "five rows left, non-negative")
})

test_that("limits at zero, on one side, tight; every coefficient fixed", {
  d <- make_problem(50, 80, seed = 431)
  f <- sparsepath(d$x, d$y, lower.limits = 0, upper.limits = 0, lambda = c(1, 0.1, 0.01))
  expect_identical(length(f$beta@x), 0L)
  expect_exact(d$x, d$y, lower.limits = -1e-6, upper.limits = 1e-6, label = "tight")
  expect_exact(d$x, d$y, lower.limits = -1e-6, upper.limits = 1e-6, alpha = 0.5, label = "tight, alpha .5")
  expect_exact(d$x, d$y, lower.limits = -1e6, upper.limits = 1e6, label = "wide")
  lo <- rep_len(c(0, -Inf), 80)
  hi <- rep_len(c(Inf, 0), 80)
  expect_exact(d$x, d$y, lower.limits = lo, upper.limits = hi, lambda = lambdas(d$x, d$y, 40, 1e-4), label = "sign pattern, 1e-4")
  expect_exact(d$x, d$y, lower.limits = lo, upper.limits = hi, penalty.factor = rep(c(0, 1), c(4, 76)), label = "sign pattern, unpenalized")
})

test_that("ridge with several unpenalized columns and limits", {
  # gave NaN when one side was infinite, and missed when there were more unpenalized columns than rows
  x <- with_seed(432, matrix(sample(-1:1, 140, TRUE) * 1, 20))
  y <- with_seed(433, rnorm(20))
  pf <- c(1, 1, 0, 0, 1, 1, 1)
  for (alpha in c(0, 0.5, 1)) {
    expect_exact(x, y, alpha = alpha, penalty.factor = pf, upper.limits = 0.05, nlambda = 10, label = paste("upper only", alpha))
    expect_exact(x, y, alpha = alpha, penalty.factor = pf, lower.limits = 0, nlambda = 10, label = paste("non-negative", alpha))
    expect_exact(x, y, alpha = alpha, penalty.factor = pf, lower.limits = -0.05, upper.limits = 0.1, nlambda = 10, label = paste("both", alpha))
  }
  x <- with_seed(434, matrix(rnorm(320), 4))
  y <- with_seed(435, rnorm(4))
  for (alpha in c(0, 0.5, 1)) {
    expect_exact(x, y,
      alpha = alpha, penalty.factor = rep(c(0, 1), c(13, 67)), lower.limits = -0.05, upper.limits = 0.5, lambda = c(1, 0.1),
      label = paste("13 unpenalized, 4 rows", alpha)
    )
  }
})

test_that("lambda = 0 is certified like any other", {
  d <- make_problem(60, 10, seed = 436)
  for (alpha in c(1, 0.5, 0)) {
    expect_silent(r <- expect_exact(d$x, d$y, alpha = alpha, lambda = c(0.5, 0), label = "n > p"))
    expect_true(all(r$fit$gap <= 1e-7))
  }
})

test_that("numbers whose squares overflow or vanish are refused by name", {
  p <- make_problem(40, 4, seed = 81)
  for (scale in c(1e-200, 1e-160, 1e160)) {
    e <- expect_refused(sparsepath(p$x, p$y * scale), "range")
    expect_match(conditionMessage(e), if (scale > 1) "too large" else "too small")
    expect_refused(sparsepath(p$x, cbind(p$y * scale, p$y), family = "mgaussian"), "range")
  }
  for (scale in c(1e-110, 1e110)) {
    expect_equal(as.matrix(sparsepath(p$x, p$y * scale)$beta) / scale, as.matrix(sparsepath(p$x, p$y)$beta), tolerance = 1e-8)
  }
  e <- expect_refused(sparsepath(p$x * 1e200, p$y), "range")
  expect_match(conditionMessage(e), "`x` has values that are too large")
})

test_that("the units of a gaussian response change neither the answer nor its certificate", {
  d <- make_problem(40, 30, seed = 1)
  group <- rep(1:10, each = 3)
  for (penalty in list(NULL, pen_group(group), pen_sparse_group(group, 0.5), pen_mcp(), pen_scad())) {
    f <- sparsepath(d$x, d$y, nlambda = 10, penalty = penalty)
    for (unit in 10^c(-4, -8, -12, -30, 9)) {
      g <- sparsepath(d$x, d$y * unit, nlambda = 10, penalty = penalty)
      expect_length(g$lambda, length(f$lambda))
      expect_true(all(g$status == 0))
      expect_lt(max(g$gap), 1e-11)
      expect_lt(max(abs(as.matrix(g$beta) / unit - as.matrix(f$beta))), 1e-9)
    }
  }
})

test_that("tall, nearly collinear columns: a lambda of 0 at the end does not change the solutions before it", {
  # the factor of X is not exact enough here: the solver goes back to X, from lambda = 0
  set.seed(1)
  n <- 100
  for (noise in 10^-(2:4)) {
    z <- matrix(rnorm(n * 8), n)
    x <- cbind(z, z + noise * matrix(rnorm(n * 8), n))
    y <- drop(x %*% rnorm(16)) + rnorm(n)
    top <- max(abs(crossprod(scale(x), y - mean(y)))) / n
    lambda <- top * c(1e-2, 1e-6, 1e-7)
    with <- sparsepath(x, y, lambda = c(lambda, 0))
    without <- sparsepath(x, y, lambda = lambda)
    expect_lt(max(kkt(with, x, y)$rel.gap), 1e-9)
    expect_lt(max(abs(with$beta[, 1:3] - without$beta)), 1e-6 * max(abs(without$beta)))
  }
})
