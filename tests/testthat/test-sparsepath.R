p <- make_problem(40, 60, seed = 5)
x <- p$x
colnames(x) <- sprintf("g%02d", 1:60)
fit <- sparsepath(x, p$y)

test_that("the fit has the fields of glmnet", {
  size <- length(fit$lambda)
  expect_s3_class(fit, c("sparsepath_gaussian", "sparsepath"), exact = TRUE)
  expect_s4_class(fit$beta, "dgCMatrix")
  expect_true(methods::validObject(fit$beta))
  expect_identical(dim(fit$beta), c(60L, size))
  expect_identical(fit$dim, dim(fit$beta))
  expect_identical(dimnames(fit$beta), list(colnames(x), paste0("s", seq_len(size) - 1L)))
  expect_identical(names(fit$a0), colnames(fit$beta))
  for (field in c("df", "lambda", "dev.ratio", "gap", "kkt", "status")) expect_length(fit[[field]], size)
  expect_identical(fit$df, unname(diff(fit$beta@p)))
  expect_identical(fit$jerr, 0L)
  expect_identical(fit$offset, FALSE)
  expect_identical(fit$nobs, 40L)
  expect_true(all(diff(fit$lambda) < 0))
  expect_equal(fit$nulldev, sum((p$y - mean(p$y))^2))
  expect_identical(fit$df[1], 0L)
})

test_that("null deviances are those of raw weights", {
  y <- p$y
  m <- weighted.mean(y, p$w)
  expect_equal(sparsepath(x, y, weights = p$w)$nulldev, sum(p$w * (y - m)^2))
  expect_equal(sparsepath(x, y, weights = p$w, intercept = FALSE)$nulldev, sum(p$w * y^2))
  z <- as.double(y > 0)
  m <- weighted.mean(z, p$w)
  b <- sparsepath(x, z, family = "binomial", weights = p$w)
  expect_equal(b$nulldev, -2 * sum(p$w * (z * log(m) + (1 - z) * log(1 - m))))
  expect_s3_class(b, c("sparsepath_binomial", "sparsepath"), exact = TRUE)
  expect_identical(b$classnames, c("0", "1"))
})

test_that("columns without names get those of glmnet", {
  expect_identical(rownames(sparsepath(p$x, p$y)$beta), paste0("V", 1:60))
})

test_that("the fit holds no data and no functions", {
  large <- do.call(sparsepath, list(x, p$y, weights = p$w))
  expect_identical(large$call, quote(sparsepath(x = x, y = y, weights = weights)))
  expect_lt(as.numeric(object.size(large)) - as.numeric(object.size(sparsepath(x, p$y, weights = p$w))), 1000)
  functions <- rapply(unclass(fit), is.function, how = "unlist")
  expect_false(any(functions))
  expect_identical(fit, unserialize(serialize(fit, NULL)))
})

test_that("update() and the stored call", {
  y <- p$y
  first <- sparsepath(x, y, alpha = 0.5)
  expect_identical(first$call, quote(sparsepath(x = x, y = y, alpha = 0.5)))
  expect_identical(update(first, alpha = 1)$beta, fit$beta)
})

test_that("argument order is that of glmnet", {
  expect_identical(names(formals(sparsepath.default))[1:4], c("x", "y", "family", "weights"))
  a <- sparsepath(x, p$y, "gaussian", p$w, p$o)
  b <- sparsepath(x, p$y, offset = p$o, weights = p$w)
  expect_identical(a$beta, b$beta)
})

test_that("solutions that miss the promise are named in one warning", {
  bad <- fit
  bad$status[c(3, 8)] <- c(1L, 2L)
  bad$gap[c(3, 8)] <- c(1e-4, 1e-3)
  w <- warnings_of(warn_uncertified(bad, shown_call("sparsepath")))
  expect_length(w, 1)
  expect_s3_class(w[[1]], "sparsepath_warning_uncertified")
  expect_identical(w[[1]]$index, c(3L, 8L))
  expect_identical(w[[1]]$lambda, bad$lambda[c(3, 8)])
  expect_silent(warn_uncertified(fit, NULL))
})

test_that("the random state is not touched", {
  set.seed(1)
  before <- .Random.seed
  sparsepath(x, p$y)
  expect_identical(.Random.seed, before)
})

test_that("one variable, two observations", {
  one <- sparsepath(x[, 1, drop = FALSE], p$y)
  expect_identical(nrow(one$beta), 1L)
  expect_true(all(one$status == 0L))
  two <- sparsepath(x[1:2, ], p$y[1:2])
  expect_true(all(two$status == 0L))
})

test_that("ridge is a formula, and a ridge part makes like columns alike, within the bound of the help page", {
  set.seed(5)
  n <- 40
  common <- rnorm(n)
  x <- cbind(common + 0.1 * matrix(rnorm(n * 4), n), matrix(rnorm(n * 6), n))
  z <- sweep(x, 2, colMeans(x))
  z <- sweep(z, 2, sqrt(colMeans(z^2)), `/`)
  y <- common + rnorm(n)
  s <- sqrt(mean((y - mean(y))^2))
  for (lambda in c(2, 0.3, 0.02)) {
    ridge <- sparsepath(z, y, alpha = 0, lambda = lambda)
    expect_equal(as.vector(ridge$beta), as.vector(solve(crossprod(z) / n + lambda / s * diag(10), crossprod(z, y) / n)), tolerance = 1e-10)
    for (alpha in c(0, 0.3, 0.8)) {
      b <- as.vector(sparsepath(z, y, alpha = alpha, lambda = lambda)$beta)
      r <- crossprod(z) / n
      same <- outer(sign(b), sign(b)) > 0
      expect_true(all((abs(outer(b, b, `-`)) <= s^2 * sqrt(2 * pmax(1 - r, 0)) / (lambda * (1 - alpha)) + 1e-9)[same]))
    }
  }
  twins <- sparsepath(cbind(z, z[, 1]), y, alpha = 0.5, lambda = 0.1)$beta
  expect_equal(twins[1, 1], twins[11, 1], tolerance = 1e-8)
})
