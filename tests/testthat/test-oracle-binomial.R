# Logistic answers known without a penalized solver.

test_that("one binary column: the lasso shifts both group means towards each other, in closed form", {
  # share q of rows has x = 1; fitted means p1, p0 satisfy q (y1 - p1) = lambda sd and q (y1 - p1) + (1 - q)(y0 - p0) = 0
  x <- rep(c(1, 0), c(12, 20))
  y <- c(rep(c(1, 0), c(9, 3)), rep(c(1, 0), c(6, 14)))
  q <- 12 / 32
  y1 <- 9 / 12
  y0 <- 6 / 20
  sd <- sqrt(q * (1 - q))
  top <- q * (1 - q) * (y1 - y0) / sd
  lambda <- top * c(1.5, 1, 0.8, 0.5, 0.1, 0.001, 0)
  e <- pmin(lambda, top) * sd
  a0 <- qlogis(y0 + e / (1 - q))
  b <- qlogis(y1 - e / q) - a0
  expect_equal(lambda_max_reference(cbind(x), y, "binomial"), top, tolerance = 1e-14)
  f <- sparsepath(cbind(x), y, family = "binomial", lambda = lambda)
  expect_lt(max(abs(f$beta[1, ] - b)), 1e-10)
  expect_lt(max(abs(f$a0 - a0)), 1e-10)
  expect_identical(as.integer(f$df), c(0L, 0L, rep(1L, 5)))
  # the same as counts, with the two groups as rows, and as proportions with weights
  counts <- cbind(failure = c(3, 14), success = c(9, 6))
  f <- sparsepath(cbind(c(1, 0)), counts, family = "binomial", lambda = lambda)
  expect_lt(max(abs(f$beta[1, ] - b)), 1e-10)
  expect_lt(max(abs(f$a0 - a0)), 1e-10)
})

test_that("disjoint groups without intercept: one equation per column", {
  # indicator columns, no intercept, no standardization: n_j / n (ybar_j - plogis(b_j)) = lambda sign(b_j)
  g <- rep(1:3, c(10, 20, 30))
  x <- 1 * outer(g, 1:3, "==")
  y <- as.double(c(seq_len(10) <= 8, seq_len(20) <= 5, seq_len(30) <= 18))
  share <- c(10, 20, 30) / 60
  m <- c(0.8, 0.25, 0.6)
  z <- share * (m - 0.5)
  lambda <- max(abs(z)) * c(1.1, 0.9, 0.6, 0.2, 0)
  want <- vapply(lambda, function(l) ifelse(abs(z) > l, qlogis(m - l * sign(z) / share), 0), z)
  f <- sparsepath(x, y, family = "binomial", lambda = lambda, intercept = FALSE, standardize = FALSE)
  expect_lt(max(abs(as.matrix(f$beta) - want)), 1e-10)
  expect_equal(unname(f$a0), rep(0, 5))
})

test_that("alpha = 0 is logistic ridge by full Newton, also for p > n", {
  for (p in c(1, 8, 90)) {
    d <- make_problem(50, p, "ar", 0.5, seed = 160 + p, family = "binomial")
    lambda <- c(3, 0.3, 0.03)
    f <- sparsepath(d$x, d$y, family = "binomial", alpha = 0, lambda = lambda, weights = d$w, offset = d$o)
    for (l in 1:3) {
      r <- ridge_logit_reference(d$x, d$y, lambda[l], d$w, d$o)
      expect_equal(unname(f$beta[, l]), r$beta, tolerance = 1e-8)
      expect_equal(unname(f$a0[l]), r$a0, tolerance = 1e-8)
    }
  }
})

test_that("lambda = 0 is maximum likelihood when n > p", {
  d <- make_problem(200, 8, "equi", 0.5, snr = 0.5, seed = 170, family = "binomial")
  ml <- function(x, y, w = rep(1, NROW(y)), o = rep(0, NROW(y))) {
    control <- list(epsilon = 1e-15, maxit = 100)
    unname(suppressWarnings(glm.fit(x, y, w, offset = o, family = binomial(), control = control))$coefficients)
  }
  f <- sparsepath(d$x, d$y, family = "binomial", lambda = c(0.1, 0))
  expect_equal(unname(c(f$a0[2], f$beta[, 2])), ml(cbind(1, d$x), d$y), tolerance = 1e-8)
  f <- sparsepath(d$x, d$y, family = "binomial", lambda = 0, weights = d$w, offset = d$o)
  expect_equal(unname(c(f$a0, f$beta[, 1])), ml(cbind(1, d$x), d$y, d$w, d$o), tolerance = 1e-8)
  f <- sparsepath(d$x, d$y, family = "binomial", lambda = 0, intercept = FALSE)
  expect_equal(unname(f$beta[, 1]), ml(d$x, d$y), tolerance = 1e-8)
  counts <- with_seed(171, cbind(rpois(200, 3), rpois(200, 3)) + 1)
  f <- sparsepath(d$x, counts, family = "binomial", lambda = 0)
  expect_equal(unname(c(f$a0, f$beta[, 1])), ml(cbind(1, d$x), counts[, 2:1]), tolerance = 1e-8)
})

test_that("unpenalized columns are maximum likelihood once everything else is zero", {
  d <- make_problem(120, 30, snr = 0.5, seed = 175, family = "binomial")
  pf <- rep(c(0, 1), c(3, 27))
  top <- lambda_max_reference(d$x, d$y, "binomial", weights = d$w, penalty.factor = pf)
  f <- sparsepath(d$x, d$y, family = "binomial", weights = d$w, penalty.factor = pf, lambda = top * c(2, 1 + 1e-8))
  want <- coef(suppressWarnings(glm(d$y ~ d$x[, 1:3],
    weights = d$w, family = binomial, control = list(epsilon = 1e-15, maxit = 100)
  )))
  for (l in 1:2) expect_equal(unname(c(f$a0[l], f$beta[1:3, l])), unname(want), tolerance = 1e-8)
  expect_identical(as.integer(f$df), c(3L, 3L))
})

test_that("lambda_max is its closed form, and the model there is the null model exactly", {
  d <- make_problem(60, 80, seed = 180, family = "binomial")
  pf <- with_seed(181, runif(80, 0, 2))
  pf[3] <- 0
  pf[5] <- Inf
  x <- d$x %*% diag(with_seed(182, runif(80, 0.1, 10))) + 3
  for (s in list(
    list(), list(alpha = 0.5), list(weights = d$w), list(offset = d$o), list(standardize = FALSE), list(intercept = FALSE),
    list(intercept = FALSE, standardize = FALSE, offset = d$o), list(penalty.factor = pf, alpha = 0.7, exclude = 7)
  )) {
    top <- do.call(lambda_max_reference, c(list(x, d$y, "binomial"), s))
    f <- do.call(sparsepath, c(list(x, d$y, family = "binomial", nlambda = 10), s))
    expect_equal(f$lambda[1], top, tolerance = 1e-9)
    g <- do.call(sparsepath, c(list(x, d$y, family = "binomial", lambda = top * c(10, 1 + 1e-9, 1 - 1e-4)), s))
    free <- if (is.null(s$penalty.factor)) 0L else 1L
    expect_identical(as.integer(g$df)[1:2], c(free, free))
    expect_gt(g$df[3], free)
  }
  f <- sparsepath(x, d$y, family = "binomial", weights = d$w, lambda = 100)
  expect_equal(unname(f$a0), qlogis(weighted.mean(d$y, d$w)), tolerance = 1e-12)
  expect_equal(f$nulldev, { # glmnet's scale: the weights as given
    m <- weighted.mean(d$y, d$w)
    -2 * sum(d$w) * (m * log(m) + (1 - m) * log(1 - m))
  }, tolerance = 1e-12)
})
