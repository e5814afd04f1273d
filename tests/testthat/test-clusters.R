clusters_data <- function() {
  set.seed(1)
  base <- matrix(rnorm(80 * 6), 80)
  x <- cbind(base, base[, 1] + 0.1 * rnorm(80), -base[, 1] + 0.1 * rnorm(80), base[, 2] + 0.1 * rnorm(80))
  colnames(x) <- c(letters[1:6], "a2", "a3", "b2")
  list(x = x, y = 3 * base[, 1] - 2 * base[, 2] + 0.3 * rnorm(80))
}

test_that("stand-ins are found, with their clusters", {
  d <- clusters_data()
  fit <- sparsepath(d$x, d$y)
  out <- correlation_clusters(fit, d$x, s = 1)
  b <- coef(fit, s = 1)[-1, 1]
  expect_setequal(out$variable[out$selected], names(b)[b != 0])
  groups <- split(out$variable, out$cluster)
  expect_true(any(vapply(groups, setequal, NA, c("a", "a2", "a3"))))
  expect_true(any(vapply(groups, setequal, NA, c("b", "b2"))))
  at <- out$variable == "a3"
  r <- cor(d$x)["a3", setdiff(names(b)[b != 0], "a3")]
  expect_equal(out$correlation[at], r[[which.max(abs(r))]])
  expect_equal(out$coefficient, unname(b[out$variable]))
  expect_equal(out, correlation_clusters(fit, Matrix::Matrix(d$x, sparse = TRUE), s = 1))
})

test_that("scores are gradients over thresholds", {
  d <- clusters_data()
  for (family in c("gaussian", "binomial")) {
    y <- if (family == "gaussian") d$y else as.numeric(d$y + rnorm(80) > 0)
    fit <- sparsepath(d$x, y, family = family)
    s <- fit$lambda[20]
    out <- correlation_clusters(fit, d$x, s = s, y = y, cutoff = 0.999, near = 1)
    expect_identical(nrow(out), 9L)
    mu <- predict(fit, d$x, s = s, type = "response")
    z <- scale(d$x) / sqrt(79 / 80)
    expect_equal(out$score, unname(abs(drop(crossprod(z, y - mu)))[out$variable]) / 80 / s, tolerance = 1e-6)
    few <- correlation_clusters(fit, d$x, s = s, y = y, cutoff = 0.999, near = 0.2)
    expect_setequal(few$variable, out$variable[out$score >= 0.8])
  }
})

test_that("cross-validations, nothing selected, errors", {
  d <- clusters_data()
  set.seed(1)
  cv <- cv.sparsepath(d$x, d$y, nfolds = 4)
  expect_identical(correlation_clusters(cv, d$x), correlation_clusters(cv$fit, d$x, s = cv$lambda.1se))
  none <- correlation_clusters(cv$fit, d$x, s = cv$fit$lambda[1])
  expect_identical(nrow(none), 0L)
  expect_output(print(none), "0 selected")
  expect_output(print(correlation_clusters(cv, d$x)), "clusters")
  expect_refused(correlation_clusters(cv$fit, d$x), "missing_argument")
  expect_refused(correlation_clusters(cv$fit, s = 1), "missing_argument")
  expect_refused(correlation_clusters(1, d$x, s = 1), "type")
  expect_refused(correlation_clusters(cv$fit, d$x, s = 1, cutoff = 2), "range")
  expect_refused(correlation_clusters(cv, d$x, max.columns = 2), "range")
})
