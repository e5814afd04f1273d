# What the engine refuses, in words and classes that R users meet.

test_that("unpenalized variables that separate the classes are refused, others are not", {
  set.seed(1)
  x <- matrix(rnorm(400), 40)
  y <- as.numeric(x[, 1] > 0)
  expect_error(sparsepath(x, y, family = "binomial", penalty.factor = c(0, rep(1, 9))), class = "sparsepath_error_separation")
  fit <- sparsepath(x, y, family = "binomial") # penalized, the same variable is no trouble
  expect_true(all(fit$status == 0L))
})

test_that("pmax leaves out the lambda at which too many variables have entered; dfmax keeps it", {
  set.seed(2)
  x <- matrix(rnorm(2000), 40)
  y <- drop(x[, 1:10] %*% rnorm(10)) + rnorm(40)
  full <- sparsepath(x, y)
  ever <- vapply(seq_along(full$lambda), function(l) {
    sum(rowSums(as.matrix(full$beta[, seq_len(l), drop = FALSE] != 0)) > 0)
  }, 0)
  fit <- sparsepath(x, y, control = sparsepath.control(pmax = 8))
  expect_length(fit$lambda, sum(ever <= 8))
  expect_identical(fit$end, "pmax")
  fit <- sparsepath(x, y, control = sparsepath.control(dfmax = 8))
  expect_length(fit$lambda, which(full$df > 8)[1])
  expect_identical(fit$end, "dfmax")
})

test_that("the first bad column is named, whatever the number of threads", {
  x <- matrix(rnorm(4000 * 20), 20)
  x[3, c(700, 3100)] <- NaN
  for (threads in c(1L, 4L)) {
    e <- tryCatch(sparsepath(x, rnorm(20), control = sparsepath.control(threads = threads)), error = identity)
    expect_match(conditionMessage(e), "700")
  }
})

test_that("a solution that the solver had to give up is flagged and never worse than the null model", {
  x <- matrix(c(100001.5, 99999.2, 100001.52, 99999.47), 2)
  fit <- suppressWarnings(sparsepath(x, c(1, 0), family = "binomial", intercept = FALSE, standardize = FALSE))
  loss <- colMeans(log1p(exp(-(c(1, -1) * as.matrix(x %*% fit$beta)))))
  expect_true(all(loss + fit$lambda * colSums(abs(as.matrix(fit$beta))) <= log(2) * (1 + 1e-12)))
})
