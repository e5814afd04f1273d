test_that("the contours touch at the solution", {
  pdf(NULL)
  on.exit(dev.off())
  x <- as.matrix(swiss[, -1])
  y <- swiss$Fertility
  out <- constraint_plot(x, y, "Education", "Catholic")
  expect_identical(out$alpha, c(1, 0.5, 0))
  sds <- apply(x, 2, function(v) sqrt(mean((v - mean(v))^2)))
  two <- x[, c("Education", "Catholic")]
  expect_equal(unlist(out[1, 5:6], use.names = FALSE), unname(coef(lm(y ~ two))[-1] * sds[colnames(two)]))
  # the lasso of the same budget
  expect_equal(unlist(out[1, 3:4], use.names = FALSE), unname(coef(lars_path(two, y), t = out$t[1])[-1, 1] * sds[colnames(two)]), tolerance = 1e-6)
  # ridge and elastic net: on the boundary, and no point of it is better
  z <- scale(two) / sqrt(46 / 47)
  loss <- function(b) mean((y - mean(y) - drop(z %*% b))^2)
  for (i in 2:3) {
    b <- unlist(out[i, 3:4], use.names = FALSE)
    a <- out$alpha[i]
    expect_equal(a * sum(abs(b)) + (1 - a) / 2 * sum(b^2), out$t[i])
    for (angle in seq(0, 2 * pi, length.out = 100)) {
      u <- c(cos(angle), sin(angle))
      r <- uniroot(function(r) a * r * sum(abs(u)) + (1 - a) / 2 * r^2 - out$t[i], c(0, 100), tol = 1e-10)$root
      expect_gte(loss(r * u), loss(b) - 1e-8)
    }
  }
})

test_that("corners: a coefficient is exactly zero", {
  pdf(NULL)
  on.exit(dev.off())
  x <- scale(cbind(a = c(1, -1, 1, -1, 2, -2), b = c(1, 1, -1, -1, 0.1, -0.1)))
  out <- constraint_plot(x, 3 * x[, 1] + 0.2 * x[, 2], alpha = 1)
  expect_identical(out$solution.k, 0)
})

test_that("for a fit the touching point is its solution", {
  pdf(NULL)
  on.exit(dev.off())
  x <- as.matrix(swiss[, -1])
  y <- swiss$Fertility
  sds <- apply(x, 2, function(v) sqrt(mean((v - mean(v))^2)))
  for (alpha in c(1, 0.4, 0)) for (standardize in c(TRUE, FALSE)) {
    fit <- sparsepath(x, y, alpha = alpha, standardize = standardize)
    s <- fit$lambda[if (alpha > 0) 30 else 60]
    out <- constraint_plot(fit, y, "Education", "Catholic", data = x, s = s)
    own <- fit$beta[c("Education", "Catholic"), fit$lambda == s] * if (standardize) sds[c("Education", "Catholic")] else 1
    expect_equal(unlist(out[1, 3:4], use.names = FALSE), unname(own), tolerance = 1e-5)
  }
})

test_that("errors", {
  x <- as.matrix(swiss[, -1])
  fit <- sparsepath(x, swiss$Fertility)
  expect_refused(constraint_plot(x, swiss$Fertility, 1, 1), "range")
  expect_refused(constraint_plot(x, swiss$Fertility, 1, "z"), "names")
  expect_refused(constraint_plot(cbind(x[, 1], x[, 1]), swiss$Fertility), "dependent")
  expect_refused(constraint_plot(x, swiss$Fertility, budget = 1), "range")
  expect_refused(constraint_plot(x, swiss$Fertility, alpha = 2), "range")
  expect_refused(constraint_plot(fit, swiss$Fertility, data = x), "missing_argument")
  expect_refused(constraint_plot(fit, swiss$Fertility, s = 1), "missing_argument")
  expect_refused(constraint_plot(fit, swiss$Fertility, data = x, s = 1e3), "range")
})
