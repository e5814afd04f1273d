# The certificate proves itself: it is zero at known optima, and never below the true distance elsewhere.

p <- make_problem(50, 30, seed = 71)
x <- p$x
z <- as.double(p$y > 0)

test_that("a simple lasso whose solution is known", {
  q <- make_orthonormal(40, 5)
  y <- drop(q %*% c(3, -2, 1, 0, 0)) + 7
  lambda <- c(2.5, 1.5, 0.5)
  soft <- vapply(lambda, function(l) sign(c(3, -2, 1, 0, 0)) * pmax(abs(c(3, -2, 1, 0, 0)) - l, 0), numeric(5))
  k <- kkt(rbind(7, soft), q, y, lambda = lambda)
  expect_lt(max(k$gap), 1e-13)
  expect_lt(max(k$kkt), 1e-13)
  expect_identical(k$df, c(1L, 2L, 3L))
  expect_equal(k$objective, vapply(1:3, function(i) sum((y - 7 - q %*% soft[, i])^2) / 80 + lambda[i] * sum(abs(soft[, i])), 0))
  expect_equal(k$rel.gap, k$gap / (sum((y - 7)^2) / 80))
})

test_that("fits are certified, whatever the arguments", {
  arguments <- list(
    list(), list(alpha = 0.5), list(alpha = 0), list(weights = p$w, offset = p$o), list(intercept = FALSE),
    list(standardize = FALSE), list(penalty.factor = rep(c(0, 1, Inf), 10), exclude = 2), list(lower.limits = -0.1, upper.limits = 0.2),
    list(lower.limits = 0), list(lower.limits = 0, alpha = 0.3, weights = p$w)
  )
  for (family in c("gaussian", "binomial", "poisson")) for (a in arguments) for (m in list(x, Matrix::Matrix(round(x), sparse = TRUE))) {
    y <- if (family == "gaussian") p$y else z
    fit <- do.call(sparsepath, c(list(m, y, family = family, lambda.min.ratio = 0.05), a))
    k <- kkt(fit, m, y, weights = a$weights, offset = a$offset)
    label <- paste(family, paste(names(a), collapse = " "))
    expect_lt(max(k$rel.gap), 1e-9, label = label)
    expect_lt(max(k$kkt), 1e-6, label = label)
    expect_identical(k$df, fit$df)
    # the same from coefficients alone
    again <- do.call(kkt, c(list(coef(fit), m, y, lambda = fit$lambda, family = family), a))
    expect_equal(again, k, tolerance = 1e-6, ignore_attr = TRUE)
  }
})

test_that("the gap is never below the true distance to the optimum", {
  for (family in c("gaussian", "binomial", "poisson")) for (alpha in c(1, 0.5, 0)) for (upper in c(Inf, 0.3)) {
    y <- if (family == "gaussian") p$y else z
    fit <- sparsepath(x, y, family = family, alpha = alpha, upper.limits = upper, lambda.min.ratio = 0.1)
    l <- 25
    best <- kkt(fit, x, y)$objective[l]
    b <- coef(fit)[, l]
    for (trial in 1:10) {
      off <- b
      j <- with_seed(trial, sample(which(b != 0), 2, replace = TRUE))
      off[j] <- off[j] * with_seed(trial, runif(2, 0.5, 1))
      k <- kkt(off, x, y, lambda = fit$lambda[l], family = family, alpha = alpha, upper.limits = upper)
      expect_gte(k$gap, k$objective - best - 1e-12)
      expect_lte(k$dual, best + 1e-12)
      expect_gte(k$gap, 0)
    }
  }
})

test_that("violated limits and coefficients of excluded columns are infinitely wrong", {
  b <- c(0, rep(0.1, 30))
  expect_identical(kkt(b, x, p$y, lambda = 0.1, upper.limits = 0.05)$objective, Inf)
  expect_identical(kkt(b, x, p$y, lambda = 0.1, exclude = 1)$gap, Inf)
})

test_that("lambda = 0 is least squares and maximum likelihood", {
  k <- kkt(unname(coef(lm(p$y ~ x))), x, p$y, lambda = 0)
  expect_lt(k$rel.gap, 1e-12)
  expect_lt(k$kkt, 1e-10)
  m <- with_seed(1, rbinom(50, 1, 0.5))
  k <- kkt(unname(coef(glm(m ~ x[, 1:5], family = "binomial", epsilon = 1e-14))), x[, 1:5], m, lambda = 0, family = "binomial")
  expect_lt(k$rel.gap, 1e-12)
})

test_that("other forms of coefficients", {
  fit <- sparsepath(x, p$y)
  k <- kkt(fit, x, p$y)
  expect_equal(kkt(as.matrix(coef(fit)), x, p$y, lambda = fit$lambda), k, ignore_attr = TRUE)
  expect_equal(kkt(list(a0 = fit$a0, beta = fit$beta, lambda = fit$lambda), x, p$y), k, ignore_attr = TRUE)
  expect_equal(kkt(fit, x, p$y, s = fit$lambda[4:6]), k[4:6, ], ignore_attr = TRUE)
  coarse <- sparsepath(x, z, family = "binomial", lambda = c(0.2, 0.02))
  expect_gt(kkt(coarse, x, z, s = 0.1)$rel.gap, 1e-6) # interpolation is not exact
  cv <- cv.sparsepath(x, p$y, foldid = p$fold)
  expect_equal(kkt(cv, x, p$y)$lambda, fit$lambda)
})

test_that("what cannot be certified is refused", {
  expect_refused(kkt(c(0, 1), x, p$y, lambda = 1), "type")
  expect_refused(kkt("a", x, p$y, lambda = 1), "type")
  expect_refused(kkt(rep(0, 31), x, p$y), "missing_argument")
  expect_refused(kkt(rep(0, 31), x, p$y, lambda = 1:2), "length")
  expect_refused(kkt(c(NA, rep(0, 30)), x, p$y, lambda = 1), "nonfinite")
  expect_refused(kkt(rep(0, 31), replace(x, 5, NA), p$y, lambda = 1), "nonfinite")
  fit <- sparsepath(x, p$y, weights = p$w, offset = p$o)
  expect_refused(kkt(fit, x, p$y, weights = p$w), "missing_argument")
  expect_refused(kkt(fit, x, p$y, offset = p$o), "missing_argument")
  expect_refused(kkt(fit), "missing_argument")
})

test_that("an unpenalized coefficient at its limit leaves the dual point alone", {
  p <- make_problem(80, 12, seed = 33)
  for (family in c("gaussian", "binomial")) for (alpha in c(0.5, 1)) {
    y <- if (family == "gaussian") p$y else as.double(p$y > 0)
    j <- which.max(abs(cor(p$x, y)))
    x <- p$x
    if (cor(x[, j], y) > 0) x[, j] <- -x[, j]
    f <- sparsepath(x, y, family = family, alpha = alpha, penalty.factor = replace(rep(1, 12), j, 0), lower.limits = -0.01)
    expect_true(any(f$beta[j, ] == -0.01))
    expect_lte(max(kkt(f, x, y)$rel.gap), 1e-7)
  }
})

test_that("Cox coefficients so large that risk sets vanish have no certificate, and no error", {
  d <- make_cox(40, 5, seed = 8)
  b <- Matrix::Matrix(cbind(c(1, 0, 0, 0, 0), c(3000, 0, 0, 0, -2000)), sparse = TRUE)
  k <- kkt(b, d$x, d$y, lambda = c(0.1, 0.1), family = "cox")
  expect_true(is.finite(k$gap[1]) && is.finite(k$kkt[1]))
  expect_identical(k$gap[2], Inf)
  expect_identical(k$kkt[2], Inf)
  k <- kkt(b, d$x, d$y, lambda = c(0.1, 0.1), family = "cox", penalty = pen_mcp(curvature = 0.5))
  expect_identical(is.finite(k$kkt), c(TRUE, FALSE))
})

test_that("lambda = 0 with more columns than rows, of which few are independent", {
  set.seed(6)
  x <- matrix(rnorm(12 * 4), 12)[, rep(1:4, 5)]
  y <- rnorm(12)
  for (intercept in c(TRUE, FALSE)) {
    path <- lars_path(x, y, intercept = intercept)
    expect_lt(max(kkt(path, x, y)$rel.gap), 1e-10)
    fit <- sparsepath(x, y, intercept = intercept, lambda = c(0.1, 0))
    expect_lt(max(kkt(fit, x, y)$rel.gap), 1e-10)
    least <- sum(lm.fit(if (intercept) cbind(1, x) else x, y)$residuals^2) / 24
    expect_equal(tail(kkt(path, x, y)$objective, 1), least, tolerance = 1e-10)
  }
  expect_gt(kkt(c(0, rep(0.1, 20)), x, y, lambda = 0)$rel.gap, 1e-3) # and what is not least squares is not certified
})
