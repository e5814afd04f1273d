# Poisson against glm(), closed forms and identities.

ml <- function(x, y, w = rep(1, NROW(y)), o = rep(0, NROW(y))) {
  unname(suppressWarnings(glm.fit(x, y, w, offset = o, family = poisson(), control = list(epsilon = 1e-15, maxit = 200)))$coefficients)
}

test_that("lambda = 0 is maximum likelihood when n > p", {
  d <- make_problem(200, 8, "equi", 0.5, snr = 1, seed = 1270, family = "poisson")
  f <- sparsepath(d$x, d$y, family = "poisson", lambda = c(0.1, 0))
  expect_equal(unname(c(f$a0[2], f$beta[, 2])), ml(cbind(1, d$x), d$y), tolerance = 1e-8)
  f <- sparsepath(d$x, d$y, family = "poisson", lambda = 0, weights = d$w, offset = d$o)
  expect_equal(unname(c(f$a0, f$beta[, 1])), ml(cbind(1, d$x), d$y, d$w, d$o), tolerance = 1e-8)
  expect_equal(f$nulldev, glm(d$y ~ 1, family = poisson, weights = d$w, offset = d$o)$deviance, tolerance = 1e-9)
  expect_equal(unname(deviance(f)), suppressWarnings(glm(d$y ~ d$x, family = poisson, weights = d$w, offset = d$o))$deviance, tolerance = 1e-8)
  f <- sparsepath(d$x, d$y, family = "poisson", lambda = 0, intercept = FALSE)
  expect_equal(unname(f$beta[, 1]), ml(d$x, d$y), tolerance = 1e-8)
  rate <- d$y / d$w # not whole: rates with exposures as weights
  f <- sparsepath(d$x, rate, family = "poisson", lambda = 0, weights = d$w)
  expect_equal(unname(c(f$a0, f$beta[, 1])), ml(cbind(1, d$x), d$y, o = log(d$w)), tolerance = 1e-8)
})

test_that("unpenalized columns are maximum likelihood once everything else is zero", {
  d <- make_problem(120, 30, snr = 1, seed = 1275, family = "poisson")
  pf <- rep(c(0, 1), c(3, 27))
  top <- lambda_max_reference(d$x, d$y, "poisson", weights = d$w, penalty.factor = pf)
  f <- sparsepath(d$x, d$y, family = "poisson", weights = d$w, penalty.factor = pf, lambda = top * c(2, 1 + 1e-8))
  for (l in 1:2) expect_equal(unname(c(f$a0[l], f$beta[1:3, l])), ml(cbind(1, d$x[, 1:3]), d$y, d$w), tolerance = 1e-8)
  expect_identical(as.integer(f$df), c(3L, 3L))
})

test_that("lambda_max is its closed form, and the model there is the null model exactly", {
  d <- make_problem(60, 80, seed = 1280, family = "poisson")
  pf <- replace(with_seed(1281, runif(80, 0, 2)), c(3, 5), c(0, Inf))
  x <- d$x %*% diag(with_seed(1282, runif(80, 0.1, 10))) + 3
  for (s in list(
    list(), list(alpha = 0.5), list(weights = d$w), list(offset = d$o), list(standardize = FALSE), list(intercept = FALSE),
    list(intercept = FALSE, standardize = FALSE, offset = d$o), list(penalty.factor = pf, alpha = 0.7, exclude = 7)
  )) {
    top <- do.call(lambda_max_reference, c(list(x, d$y, "poisson"), s))
    g <- do.call(sparsepath, c(list(x, d$y, family = "poisson", nlambda = 10), s))
    expect_equal(g$lambda[1], top, tolerance = 1e-9)
    g <- do.call(sparsepath, c(list(x, d$y, family = "poisson", lambda = top * c(10, 1 + 1e-9, 1 - 1e-4)), s))
    free <- if (is.null(s$penalty.factor)) 0L else 1L
    expect_identical(as.integer(g$df)[1:2], c(free, free))
    expect_gt(g$df[3], free)
  }
  f <- sparsepath(x, d$y, family = "poisson", weights = d$w, offset = d$o, lambda = 1e4)
  expect_equal(unname(f$a0), log(sum(d$w * d$y) / sum(d$w * exp(d$o))), tolerance = 1e-12)
})

test_that("one orthogonal column has a closed form", {
  # two groups of equal size: with an L1 penalty on the contrast, the group means move together by lambda
  x <- cbind(rep(c(-1, 1), each = 20))
  y <- c(with_seed(1283, rpois(20, 2)), with_seed(1284, rpois(20, 9)))
  low <- mean(y[1:20])
  high <- mean(y[21:40])
  lambda <- c(0.9, 0.5, 0.01) * (high - low) / 2
  f <- sparsepath(cbind(x, 0), y, family = "poisson", lambda = lambda)
  for (l in 1:3) {
    expect_equal(exp(f$a0[[l]] - f$beta[1, l]), low + lambda[l], tolerance = 1e-9)
    expect_equal(exp(f$a0[[l]] + f$beta[1, l]), high - lambda[l], tolerance = 1e-9)
  }
})

test_that("large counts, large and spread offsets, rare events", {
  d <- make_problem(100, 60, "ar", 0.5, seed = 1285, family = "gaussian")
  eta <- 4 * (d$y - mean(d$y)) / sd(d$y)
  y <- with_seed(1286, as.double(rpois(100, exp(eta + 3))))
  expect_gt(max(y), 1e5)
  expect_true(any(y == 0))
  expect_exact(d$x, y, "poisson", lambda.min.ratio = 1e-4, label = "counts up to 1e5")
  expect_exact(d$x, y, "poisson", alpha = 0.5, weights = d$w, label = "counts up to 1e5, elastic net")
  base <- sparsepath(d$x, y, family = "poisson", nlambda = 20)
  for (shift in c(-650, -300, 300, 650)) {
    f <- sparsepath(d$x, y, family = "poisson", offset = rep(shift, 100), lambda = base$lambda)
    expect_same_fit(base, f, 1e-8, a0 = function(a) a + shift, label = paste("offset", shift))
  }
  # exposures over eight orders of magnitude: the predictors matter beside them
  o <- with_seed(1287, runif(100, -20, 20))
  o[1:50] <- 0
  z <- with_seed(1288, rpois(100, exp(pmin(eta[1:50] / 4, 3)))) * (o < 5)
  expect_exact(d$x, z + (o > 5), "poisson", offset = o - 20 * (o > 0), label = "spread offsets")
  rare <- as.double(seq_len(100) %in% c(3, 50, 71))
  expect_exact(d$x, rare, "poisson", label = "three events")
  expect_exact(d$x, rare * 1e-6, "poisson", nlambda = 30, label = "tiny rates")
})

test_that("the problem is homogeneous in y, and an offset is an exposure", {
  d <- make_problem(60, 100, seed = 1290, family = "poisson")
  f <- sparsepath(d$x, d$y, family = "poisson", nlambda = 30)
  g <- sparsepath(d$x, 1000 * d$y, family = "poisson", lambda = 1000 * f$lambda)
  expect_same_fit(f, g, 1e-8, a0 = function(a) a - log(1000), lambda = function(l) l / 1000, label = "thousands")
  g <- sparsepath(d$x, d$y / d$w, family = "poisson", weights = d$w, nlambda = 30)
  h <- sparsepath(d$x, d$y, family = "poisson", offset = log(d$w), lambda = g$lambda * mean(d$w), standardize = FALSE)
  k <- sparsepath(d$x, d$y / d$w, family = "poisson", weights = d$w, lambda = g$lambda, standardize = FALSE)
  expect_same_fit(k, h, 1e-8, lambda = function(l) l / mean(d$w), label = "exposure")
})

test_that("responses that have no Poisson fit are refused", {
  x <- make_problem(20, 4, seed = 1291)$x
  expect_refused(sparsepath(x, rep(0, 20), family = "poisson"), "all_zero")
  expect_refused(sparsepath(x, c(5, rep(0, 19)), family = "poisson", weights = c(0, rep(1, 19))), "all_zero")
  expect_refused(sparsepath(x, c(-1, 1:19), family = "poisson"), "range")
  expect_refused(sparsepath(x, c(NA, 1:19), family = "poisson"), "nonfinite")
  expect_refused(sparsepath(x, factor(1:20), family = "poisson"), "type")
  expect_refused(sparsepath(x, cbind(1:20, 1), family = "poisson"), "unavailable")
  expect_refused(cv.sparsepath(x, c(1, rep(0, 19)), family = "poisson", foldid = rep(1:4, 5)), "folds")
  expect_true(all(sparsepath(x, rep(0, 20), family = "poisson", intercept = FALSE, nlambda = 5)$status == 0)) # means can go to 0 slowly
  expect_true(all(sparsepath(x, rep(3, 20), family = "poisson")$df == 0))
})

test_that("poisson() and the like are the named family", {
  d <- make_problem(40, 20, seed = 1292, family = "poisson")
  f <- sparsepath(d$x, d$y, family = "poisson")
  for (family in list(poisson(), poisson, "pois", poisson(link = "log"))) {
    g <- sparsepath(d$x, d$y, family = family)
    expect_identical(g$family, "poisson")
    expect_identical(g$beta, f$beta)
  }
  expect_identical(family(f)$link, "log")
  expect_identical(sparsepath(d$x, d$y, family = gaussian())$family, "gaussian")
  eta <- predict(f, d$x[1:3, ], s = 0.1)
  expect_equal(predict(f, d$x[1:3, ], s = 0.1, type = "response"), exp(eta))
  expect_refused(predict(f, d$x, type = "class"), "choice")
})

# Means differ by twenty to forty orders of magnitude, steps are shortened, and columns depend on each other where hardly any row
# has weight.
test_that("offsets far apart: nothing is given up for a dependence in the metric of another place", {
  for (seed in c(55, 68, 147, 177, 181)) {
    d <- with_seed(seed, {
      n <- sample(c(30, 60, 100), 1)
      p <- sample(c(20, 150, 300), 1)
      x <- matrix(rnorm(n * p), n)
      span <- sample(c(40, 60, 90, 140), 1)
      o <- runif(n, -span / 2, span / 2)
      if (seed %% 2) o <- sort(o)
      list(x = x, o = o, y = rpois(n, pmin(exp(pmin(o, 12) + 2 * x[, 1]), 1e6)))
    })
    expect_exact(d$x, d$y, "poisson", offset = d$o, nlambda = 40, label = paste("seed", seed))
  }
})
