# Answers known without a solver.

grid_of <- function(top, l = 20, ratio = 0.01) top * ratio^(seq(0, 1, length.out = l))

test_that("orthonormal design: soft thresholds, for every alpha, factor and limit", {
  n <- 60
  p <- 20
  d <- make_problem(n, p, seed = 1)
  x <- make_orthonormal(n, p, seed = 2)
  z <- drop(crossprod(x, d$y)) / n
  sy <- sqrt(mean((d$y - mean(d$y))^2))
  pf <- with_seed(3, runif(p, 0.2, 3))
  pf[4] <- 0
  v <- pf * p / sum(pf)
  for (alpha in c(1, 0.5, 0.05, 0)) {
    lambda <- grid_of(max(abs(z)))
    f <- sparsepath(x, d$y, alpha = alpha, lambda = lambda)
    want <- vapply(lambda, function(l) soft(z, l * alpha) / (1 + l * (1 - alpha) / sy), z)
    expect_lt(max(abs(as.matrix(f$beta) - want)), 1e-12 * max(abs(z)))
    expect_identical(unname(as.matrix(f$beta) != 0), unname(abs(want) > 1e-13))
    expect_equal(unname(f$a0), rep(mean(d$y), 20), tolerance = 1e-12)

    f <- sparsepath(x, d$y, alpha = alpha, lambda = lambda, penalty.factor = pf)
    want <- vapply(lambda, function(l) soft(z, l * alpha * v) / (1 + l * (1 - alpha) * v / sy), z)
    expect_lt(max(abs(as.matrix(f$beta) - want)), 1e-12 * max(abs(z)))

    f <- sparsepath(x, d$y, alpha = alpha, lambda = lambda, lower.limits = -0.1, upper.limits = 0.2)
    want <- vapply(lambda, function(l) pmin(pmax(soft(z, l * alpha) / (1 + l * (1 - alpha) / sy), -0.1), 0.2), z)
    expect_lt(max(abs(as.matrix(f$beta) - want)), 1e-12 * max(abs(z)))
  }
})

test_that("without standardization, orthogonal columns of any length: soft thresholds at their own scale", {
  n <- 60
  d <- make_problem(n, 10, seed = 1)
  g <- 10^seq(-3, 3, length.out = 10)
  x <- make_orthonormal(n, 10, seed = 2) %*% diag(g)
  z <- drop(crossprod(x, d$y)) / n
  lambda <- grid_of(max(abs(z)), ratio = 1e-6)
  f <- sparsepath(x, d$y, lambda = lambda, standardize = FALSE)
  want <- vapply(lambda, function(l) soft(z, l) / g^2, z)
  expect_lt(max(abs(g * (as.matrix(f$beta) - want))), 1e-11 * max(abs(g * want)))
})

test_that("Hadamard design with every correlation equal: all enter together", {
  h <- make_hadamard(16)
  s <- rep_len(c(1, -1, -1), 15)
  y <- drop(h %*% s) + 2 # x_j'y / n = s_j for every j
  lambda <- c(2, 1, 0.75, 0.5, 0.125, 0)
  f <- sparsepath(h, y, lambda = lambda)
  want <- vapply(lambda, function(l) soft(s, l), s)
  expect_lt(max(abs(as.matrix(f$beta) - want)), 1e-13)
  expect_equal(unname(f$a0), rep(2, 6))
  expect_identical(as.integer(f$df), c(0L, 0L, 15L, 15L, 15L, 15L))
  # elastic net: S(1, l a) / (1 + l (1 - a) / s_y), s_y^2 = sum s_j^2 = 15
  f <- sparsepath(h, y, lambda = lambda, alpha = 0.25)
  want <- vapply(lambda, function(l) soft(s, l / 4) / (1 + l * 0.75 / sqrt(15)), s)
  expect_lt(max(abs(as.matrix(f$beta) - want)), 1e-13)
})

test_that("two columns and three rows, by hand", {
  # x1 = (1, 0, 0), x2 = (1, 1, 0), y = (3, 1, 0), no intercept, no standardization; z_j = x_j'r / 3. With m = 3 lambda / 2:
  # m >= 2: zero. 1 <= m <= 2: b2 = 2 - m (then x1'r = 1 + m <= 2 m). m <= 1: b2 = 1 and b1 = 2 - 2 m.
  x <- cbind(c(1, 0, 0), c(1, 1, 0))
  y <- c(3, 1, 0)
  m <- c(3, 2, 1.5, 1, 0.5, 0.25, 0)
  f <- sparsepath(x, y, lambda = m * 2 / 3, intercept = FALSE, standardize = FALSE)
  want <- rbind(pmax(2 - 2 * m, 0), ifelse(m < 1, 1, pmax(2 - m, 0)))
  expect_lt(max(abs(as.matrix(f$beta) - want)), 1e-14)
  expect_equal(unname(f$a0), rep(0, 7))
  # with b2 <= 3/4: nothing changes above m = 5/4; then b2 stays, x1'r = 9/4 - b1 reaches 2 m at 9/8
  f <- sparsepath(x, y, lambda = m * 2 / 3, intercept = FALSE, standardize = FALSE, upper.limits = c(Inf, 0.75))
  want <- rbind(pmax(9 / 4 - 2 * m, 0), pmin(pmax(2 - m, 0), 0.75))
  expect_lt(max(abs(as.matrix(f$beta) - want)), 1e-14)
})

test_that("a coefficient that rises, falls and leaves, by hand", {
  # Gram matrix G = [1 a; a 1] with a = 3/5 and z(0) = (1, 4/5) on unit-norm (1/n) columns without intercept:
  # b1 = 1 - l enters at l = 1; z2 = 4/5 - a (1 - l) = 1/5 + 3l/5 meets l at 1/2; below, b solves G b = (1 - l, 4/5 - l):
  # b1 = ((1 - l) - a (4/5 - l)) / (1 - a^2) = (13/25 - 2l/5) 25/16, b2 = ((4/5 - l) - a (1 - l)) 25/16 = (1/5 - 2l/5) 25/16
  x <- sqrt(2) * cbind(c(1, 0), c(3 / 5, 4 / 5))
  y <- solve(t(x) / 2, c(1, 4 / 5))
  lambda <- c(1.2, 1, 0.75, 0.5, 0.3, 0.1, 0)
  f <- sparsepath(x, y, lambda = lambda, intercept = FALSE, standardize = FALSE)
  low <- lambda < 0.5
  want <- rbind(
    ifelse(low, (13 / 25 - 2 * lambda / 5) * 25 / 16, pmax(1 - lambda, 0)),
    ifelse(low, (1 / 5 - 2 * lambda / 5) * 25 / 16, 0)
  )
  expect_lt(max(abs(as.matrix(f$beta) - want)), 1e-13)
})

test_that("the exact piecewise-linear path, drops included", {
  drops <- 0
  for (k in 1:6) {
    d <- make_problem(c(20, 30, 15, 25, 40, 12)[k], c(40, 12, 60, 25, 80, 100)[k], c("iid", "ar", "equi")[1 + k %% 3], 0.9,
      k = 6, seed = 50 + k
    )
    w <- if (k %% 2) d$w else rep(1, nrow(d$x))
    top <- lambda_max_reference(d$x, d$y, weights = w)
    lambda <- grid_of(top, 30, 0.005)
    path <- lars_reference(d$x, d$y, min(lambda), w)
    drops <- drops + path$drops
    want <- vapply(lambda, path$coef, numeric(ncol(d$x)))
    f <- sparsepath(d$x, d$y, lambda = lambda, weights = w)
    expect_lt(max(abs(as.matrix(f$beta) - want)), 1e-9 * max(abs(want)))
    expect_identical(unname(as.matrix(f$beta) != 0), abs(want) > 1e-11 * max(abs(want)))
    expect_equal(path$knots[1], top, tolerance = 1e-12)
  }
  expect_gt(drops, 5) # the examples do exercise leaving variables
})

test_that("alpha = 0 is ridge regression, in closed form, also for p > n", {
  for (p in c(1, 6, 50, 120)) {
    d <- make_problem(40, p, "ar", 0.5, seed = 60 + p)
    v <- with_seed(61, runif(p, 0.2, 3))
    for (s in list(list(TRUE, TRUE), list(FALSE, TRUE), list(TRUE, FALSE), list(FALSE, FALSE))) {
      lambda <- c(30, 3, 0.3, 0.03)
      f <- sparsepath(d$x, d$y,
        alpha = 0, lambda = lambda, weights = d$w, penalty.factor = v, standardize = s[[1]], intercept = s[[2]]
      )
      for (l in 1:4) {
        r <- ridge_reference(d$x, d$y, lambda[l], v, d$w, s[[1]], s[[2]])
        expect_equal(unname(f$beta[, l]), unname(r$beta), tolerance = 1e-10)
        expect_equal(unname(f$a0[l]), r$a0, tolerance = 1e-9)
      }
    }
  }
})

test_that("lambda = 0 is least squares when n > p", {
  d <- make_problem(60, 10, "equi", 0.6, seed = 70)
  for (alpha in c(1, 0.3, 0)) {
    f <- sparsepath(d$x, d$y, lambda = c(0.5, 0.1, 0), alpha = alpha)
    expect_equal(unname(c(f$a0[3], f$beta[, 3])), unname(coef(lm(d$y ~ d$x))), tolerance = 1e-9)
  }
  f <- sparsepath(d$x, d$y, lambda = 0, weights = d$w, offset = d$o)
  expect_equal(unname(c(f$a0, f$beta[, 1])), unname(coef(lm(d$y ~ d$x, weights = d$w, offset = d$o))), tolerance = 1e-9)
  f <- sparsepath(d$x, d$y, lambda = 0, intercept = FALSE)
  expect_equal(unname(f$beta[, 1]), unname(coef(lm(d$y ~ d$x - 1))), tolerance = 1e-9)
  expect_equal(unname(f$a0), 0)
})

test_that("unpenalized columns are least squares once everything else is zero", {
  d <- make_problem(50, 30, seed = 75)
  pf <- rep(c(0, 1), c(3, 27))
  top <- lambda_max_reference(d$x, d$y, weights = d$w, penalty.factor = pf)
  f <- sparsepath(d$x, d$y, weights = d$w, penalty.factor = pf, lambda = top * c(2, 1 + 1e-9))
  want <- unname(coef(lm(d$y ~ d$x[, 1:3], weights = d$w)))
  for (l in 1:2) expect_equal(unname(c(f$a0[l], f$beta[1:3, l])), want, tolerance = 1e-9)
  expect_identical(as.integer(f$df), c(3L, 3L))
})

test_that("lambda_max is its closed form, and the model there is the null model exactly", {
  d <- make_problem(40, 60, seed = 80)
  pf <- with_seed(81, runif(60, 0, 2))
  pf[3] <- 0
  pf[5] <- Inf
  settings <- list(
    list(), list(alpha = 0.5), list(alpha = 0.05), list(weights = d$w), list(offset = d$o), list(standardize = FALSE),
    list(intercept = FALSE), list(intercept = FALSE, standardize = FALSE), list(exclude = c(1, 9)),
    list(penalty.factor = pf), list(penalty.factor = pf, weights = d$w, alpha = 0.7, exclude = 7)
  )
  x <- d$x %*% diag(with_seed(82, runif(60, 0.1, 10))) + 3
  for (s in settings) {
    top <- do.call(lambda_max_reference, c(list(x, d$y), s))
    f <- do.call(sparsepath, c(list(x, d$y, nlambda = 20), s))
    expect_equal(f$lambda[1], top, tolerance = 1e-10)
    expect_equal(f$lambda / f$lambda[1], 0.01^(seq(0, 1, length.out = 20))[seq_along(f$lambda)], tolerance = 1e-10)
    free <- if (is.null(s$penalty.factor)) integer(0) else 3L
    g <- do.call(sparsepath, c(list(x, d$y, lambda = top * c(10, 1 + 1e-10, 1 - 1e-4)), s))
    expect_identical(as.integer(g$df)[1:2], rep(length(free), 2))
    expect_gt(g$df[3], length(free))
    if (!length(free)) {
      w <- if (is.null(s$weights)) rep(1, 40) else s$weights
      o <- if (is.null(s$offset)) 0 else s$offset
      a0 <- if (identical(s$intercept, FALSE)) 0 else weighted.mean(d$y - o, w)
      expect_equal(unname(g$a0[1:2]), c(a0, a0), tolerance = 1e-12)
      expect_equal(unname(g$dev.ratio[1:2]), c(0, 0), tolerance = 1e-12)
    }
  }
  # alpha = 0: the grid starts where alpha = .001 would
  f <- sparsepath(x, d$y, alpha = 0, nlambda = 5)
  expect_equal(f$lambda[1], lambda_max_reference(x, d$y) * 1000, tolerance = 1e-10)
})

test_that("along the path loss falls and the l1 norm rises", {
  d <- make_problem(40, 100, "ar", 0.8, seed = 85)
  r <- expect_exact(d$x, d$y)
  expect_true(all(diff(r$fit$dev.ratio) > -1e-12))
  sd <- apply(d$x, 2, function(z) sqrt(mean((z - mean(z))^2)))
  expect_true(all(diff(colSums(abs(as.matrix(r$fit$beta)) * sd)) > -1e-10))
  expect_true(all(r$fit$df <= 39)) # general position: at most n - 1
})
