test_that("blocks of rows agree on the coefficients of coordinate descent", {
  set.seed(1)
  n <- 60
  for (p in c(10, 80)) {
    x <- matrix(rnorm(n * p), n)
    x[, 2] <- 5 + x[, 1] + 3 * x[, 2]
    y <- drop(x[, 1:3] %*% c(2, -1, 0.5)) + rnorm(n) + 10
    for (options in list(list(), list(standardize = FALSE), list(intercept = FALSE, standardize = FALSE))) {
      one <- do.call(sparsepath, c(list(x, y, lambda = 0.2, control = sparsepath.control(solver = "cd", thresh = 1e-12)), options))
      for (blocks in list(4, sample(letters[1:3], n, TRUE))) {
        fit <- do.call(consensus_lasso, c(list(x, y, blocks, 0.2, thresh = 1e-13, maxit = 20000), options))
        expect_identical(fit$status, 0L)
        expect_lt(max(abs(coef(fit) - as.vector(coef(one)))), 1e-6 * max(abs(coef(one))))
        proof <- do.call(kkt, c(list(as.matrix(coef(fit)), x, y, lambda = 0.2), options))
        expect_lt(proof$rel.gap, 1e-11)
      }
    }
  }
})

test_that("its gap is that of kkt(), its trace ends where it says", {
  set.seed(2)
  x <- matrix(rnorm(200), 40)
  x <- cbind(x, 3)
  y <- x[, 1] + rnorm(40)
  expect_warning(fit <- consensus_lasso(x, y, 5, 0.1, maxit = 6), class = "sparsepath_warning_uncertified")
  expect_identical(fit$status, 2L)
  expect_identical(unname(fit$beta[6]), 0)
  expect_equal(kkt(as.matrix(coef(fit)), x, y, lambda = 0.1)$rel.gap, fit$gap, tolerance = 1e-8)
  expect_equal(kkt(as.matrix(coef(fit)), x, y, lambda = 0.1)$objective, fit$trace$objective[7], tolerance = 1e-10)
  expect_identical(fit$trace$iteration, as.numeric(0:6))
  done <- consensus_lasso(x, y, 5, 0.1)
  expect_lte(done$gap, 1e-7)
  expect_output(print(done), "5 blocks")
})

test_that("refusals", {
  x <- matrix(rnorm(30), 10)
  y <- rnorm(10)
  expect_refused(consensus_lasso(x, y, 2), "missing_argument")
  expect_refused(consensus_lasso(x, y[-1], 2, 0.1), "length")
  expect_refused(consensus_lasso(x, y, 11, 0.1), "range")
  expect_refused(consensus_lasso(x, y, 1:9, 0.1), "length")
  expect_refused(consensus_lasso(x, y, c(NA, 1:9), 0.1), "nonfinite")
  expect_refused(consensus_lasso(x, y, list(), 0.1), "type")
  expect_refused(consensus_lasso(x, y, 2, 0), "range")
  expect_refused(consensus_lasso(x, y, 2, 0.1, rho = -1), "range")
  expect_refused(consensus_lasso(replace(x, 3, NA), y, 2, 0.1), "nonfinite")
})
