# Trend filtering, against a dual bound made here, sparsepath() on explicit bases, and closed forms.

trend_case <- function(n, seed) {
  set.seed(seed)
  t <- seq_len(n) / n
  sin(6 * t) + pmax(t - 0.5, 0) * 4 + rnorm(n, sd = 0.2)
}
differences <- function(n, k) diff(diag(n), differences = k + 1)

test_that("nothing is better than the fit, by a dual point of our own", {
  for (case in 1:12) {
    k <- case %% 3 + 1
    n <- c(5, 12, 40)[case %% 4 %% 3 + 1]
    y <- trend_case(n, case)
    w <- if (case %% 2) runif(n, 0.3, 2) else NULL
    ww <- if (is.null(w)) rep(1, n) else w
    fit <- trend_filter(y, k, weights = w, nlambda = 6, lambda.min.ratio = 1e-3)
    D <- differences(n, k)
    for (l in seq_along(fit$lambda)) {
      lambda <- fit$lambda[l]
      b <- fit$beta[, l]
      z <- qr.coef(qr(t(D)), ww * (y - b)) # D'z = w (y - b)
      z <- pmin(pmax(z, -lambda), lambda)
      value <- sum(ww * (y - b)^2) / 2 + lambda * sum(abs(D %*% b))
      u <- drop(crossprod(D, z))
      dual <- sum(u * y) - sum(u^2 / ww) / 2
      null <- sum(ww * lm.wfit(outer(seq_len(n), 0:k, "^"), y, ww)$residuals^2) / 2
      expect_lt(value - dual, 1e-8 * null)
    }
    expect_true(all(fit$gap < 1e-8))
    expect_false(is.unsorted(rev(fit$lambda)))
  }
})

test_that("the ends: a polynomial, and the data", {
  for (k in 1:3) {
    y <- trend_case(60, k)
    fit <- trend_filter(y, k, nlambda = 5)
    polynomial <- lm(y ~ poly(seq_along(y), k))$fitted.values
    expect_equal(unname(fit$beta[, 1]), unname(polynomial), tolerance = 1e-5)
    expect_equal(unname(coef(fit, lambda = 2 * fit$lambda[1])[, 1]), unname(polynomial), tolerance = 1e-5)
    expect_identical(trend_filter(y, k, lambda = 2 * fit$lambda[1])$df, k + 1L)
    # just below the largest lambda it is none any more
    below <- coef(fit, lambda = 0.99 * fit$lambda[1])[, 1]
    expect_gt(max(abs(below - polynomial)), 1e-6)
    expect_equal(unname(coef(fit, lambda = 0)[, 1]), y)
    # data that are a polynomial
    exact <- trend_filter(seq_len(20)^k, k, lambda = 1)
    expect_equal(unname(exact$beta[, 1]), seq_len(20)^k, tolerance = 1e-8)
  }
})

test_that("it is a lasso on hinges: the same from sparsepath(), knots too", {
  n <- 80
  y <- trend_case(n, 5)
  for (k in 1:2) {
    H <- sapply(seq_len(n - k - 1), function(j) pmax(choose(seq_len(n) - j - 1, k) * (seq_len(n) > j + k), 0))
    P <- poly(seq_len(n), k)
    v <- rep(c(0, 1), c(k, ncol(H)))
    fit <- trend_filter(y, k, nlambda = 8, lambda.min.ratio = 1e-4)
    grid <- sparsepath(cbind(P, H), y, penalty.factor = v, standardize = FALSE, lambda = fit$lambda / n * mean(v))
    expect_lt(max(abs(predict(grid, cbind(P, H)) - fit$beta)), 1e-5)
    for (l in 2:8) expect_identical(fit$knots[[l]], unname(which(grid$beta[-seq_len(k), l] != 0)) + (k + 1L) %/% 2L)
  }
})

test_that("weights are copies", {
  y <- trend_case(30, 6)
  double <- trend_filter(y, 1, weights = rep(2, 30), lambda = 2)
  expect_equal(double$beta, trend_filter(y, 1, lambda = 1)$beta, ignore_attr = TRUE, tolerance = 1e-6)
})

test_that("longer signals keep their certificate", {
  skip_on_cran()
  expect_true(all(trend_filter(trend_case(5000, 7), 1, nlambda = 4)$gap < 1e-8))
  expect_true(all(trend_filter(trend_case(1000, 8), 2, nlambda = 4)$gap < 1e-7))
  expect_true(all(trend_filter(trend_case(400, 9), 3, nlambda = 4)$gap < 1e-7))
  expect_silent(fit <- trend_filter(trend_case(1e4, 10), 3, nlambda = 2))
  expect_true(all(fit$gap < 1e-9))
})

# where differences of the rounded fit say nothing: z of D'z = y - b by summing the residuals k + 1 times, and the pieces themselves
test_that("long signals and large lambdas: optimality from the residuals and the pieces", {
  skip_on_cran()
  for (case in list(c(3000, 2), c(8000, 2), c(3000, 3), c(8000, 3))) {
    n <- case[1]
    k <- case[2]
    y <- trend_case(n, n)
    fit <- trend_filter(y, k, nlambda = 4, lambda.min.ratio = 1e-6)
    polynomial <- lm.fit(cbind(1, poly(seq_len(n), k, simple = TRUE)), y)$fitted.values
    expect_equal(unname(fit$beta[, 1]), polynomial, tolerance = 1e-6)
    for (l in seq_along(fit$lambda)) {
      b <- unname(fit$beta[, l])
      z <- y - b
      for (order in 0:k) z <- cumsum(z)
      z <- (-1)^(k + 1) * z / fit$lambda[l]
      expect_lt(max(abs(tail(z, k + 1))), 1e-3) # orthogonal to polynomials
      z <- z[seq_len(n - k - 1)]
      expect_lt(max(abs(z)), 1 + 1e-3)
      knots <- fit$knots[[l]] - (k + 1) %/% 2 # rows of D
      expect_equal(length(knots) + k + 1, fit$df[l])
      if (l > 1) expect_gt(min(abs(z[knots])), 1 - 1e-3)
      from <- c(1, knots + 1)
      to <- c(knots + k, n)
      whole <- which(to - from > 100)
      lead <- rep(NA_real_, length(from))
      for (i in whole) {
        at <- from[i]:to[i]
        piece <- lm.fit(cbind(1, poly(at, k, simple = TRUE)), b[at])
        expect_lt(max(abs(piece$residuals)), 1e-4)
        lead[i] <- diff(piece$fitted.values, differences = k)[1]
      }
      # at a knot between two long pieces the k-th difference jumps the way z points
      jump <- diff(lead)
      clear <- which(!is.na(jump) & abs(jump) > 1e-8)
      expect_true(all(sign(jump[clear]) == sign(z[knots][clear])))
    }
  }
})

test_that("methods and errors", {
  fit <- trend_filter(Nile, nlambda = 3)
  expect_output(print(fit), "piecewise linear")
  expect_identical(fitted(fit), coef(fit))
  expect_identical(predict(fit), coef(fit))
  expect_identical(names(predict(fit, lambda = c(a = 1e4), type = "knots")), "a")
  expect_equal(coef(fit, lambda = fit$lambda[2]), fit$beta[, 2, drop = FALSE], ignore_attr = TRUE)
  pdf(NULL)
  on.exit(dev.off())
  expect_null(plot(fit))
  expect_refused(plot(trend_filter(Nile)), "missing_argument")
  expect_refused(trend_filter(1:10, 0), "range")
  expect_refused(trend_filter(1:10, 4), "range")
  expect_refused(trend_filter(1:3, 2), "length")
  expect_refused(trend_filter(1:10, weights = c(0, rep(1, 9))), "range")
  expect_refused(trend_filter(c(1:5, NA)), "nonfinite")
  expect_refused(trend_filter(1:10, lambda = -1), "range")
  expect_refused(trend_filter(), "missing_argument")
})
