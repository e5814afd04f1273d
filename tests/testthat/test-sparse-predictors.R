# Several predictors and partial likelihoods with a sparse x and many active columns: products of the stored entries by conjugate
# gradients (src/core/solver/scores.c). The fits of the same x as a dense matrix take the factor.

sparse_classes <- function(n, p, K, fill = 0.02, seed = 1) {
  with_seed(seed, {
    x <- as.matrix(Matrix::rsparsematrix(n, p, fill, rand.x = function(m) stats::runif(m, 0.5, 2)))
    eta <- x %*% matrix(stats::rnorm(p * K) * (stats::runif(p * K) < 0.2), p)
    y <- max.col(2 * eta / stats::sd(eta) - log(-log(matrix(stats::runif(n * K), n))))
    list(x = x, sparse = Matrix::Matrix(x, sparse = TRUE), y = factor(y, seq_len(K)), w = stats::rexp(n), o = matrix(stats::rnorm(n * K) / 3, n))
  })
}

test_that("sparse classes: proven by the verifier, the same path as with a dense x", {
  d <- sparse_classes(1200, 300, 4, seed = 2301)
  pf <- replace(replace(with_seed(2302, runif(300, 0.5, 2)), c(2, 7), 0), 5, Inf)
  for (set in list(
    list(), list(alpha = 0.7), list(weights = replace(d$w, 1:50, 0)), list(offset = d$o, weights = d$w), list(intercept = FALSE),
    list(standardize = FALSE), list(penalty.factor = pf), list(lower.limits = -0.2, upper.limits = 0.3)
  )) {
    label <- paste("sparse classes", paste(names(set), collapse = " "))
    args <- c(list(y = d$y, nlambda = 15, lambda.min.ratio = 0.03), set)
    f <- do.call(expect_exact_classes, c(list(x = d$sparse, label = label), args))$fit
    g <- do.call(sparsepath, c(list(x = d$x, family = "multinomial"), args))
    expect_lte(max(f$kkt), 1e-9)
    expect_gt(max(f$df), 150) # enough for conjugate gradients
    p <- function(fit, x) predict(fit, x, type = "response", newoffset = set$offset)
    off <- max(abs(p(f, d$sparse) - p(g, d$x))) # unique, other than coefficients
    expect(off <= 1e-7, sprintf("%s: probabilities differ by %.1e", label, off))
  }
})

test_that("sparse classes: threads, screening, dependent columns, cross-validation by hand", {
  d <- sparse_classes(1200, 250, 3, seed = 2303)
  fit <- function(x, ...) sparsepath(x, d$y, "multinomial", nlambda = 12, lambda.min.ratio = 0.03, ...)
  f <- fit(d$sparse)
  g <- fit(d$sparse, control = sparsepath.control(threads = 2L))
  expect_identical(lapply(f$beta, function(b) b@x), lapply(g$beta, function(b) b@x))
  g <- fit(d$sparse, control = sparsepath.control(screen = FALSE))
  for (k in 1:3) expect_equal(as.matrix(f$beta[[k]]), as.matrix(g$beta[[k]]), tolerance = 1e-7)

  twice <- cbind(d$sparse, d$sparse[, 1:40])
  v <- expect_exact_classes(twice, d$y, nlambda = 10, lambda.min.ratio = 0.05, label = "copies")

  id <- rep_len(1:3, 1200)
  a <- cv.sparsepath(d$sparse, d$y, family = "multinomial", foldid = id, lambda = f$lambda, keep = TRUE)
  for (k in 1:3) {
    h <- sparsepath(d$sparse[id != k, ], d$y[id != k], "multinomial", lambda = f$lambda)
    eta <- predict(h, d$sparse[id == k, ])
    expect_equal(a$fit.preval[id == k, , ], unclass(eta), tolerance = 1e-7, ignore_attr = TRUE)
  }
})

test_that("sparse Cox: proven by the verifier, the same path as with a dense x", {
  d <- sparse_classes(1500, 400, 2, seed = 2304)
  y <- with_seed(2305, cbind(time = stats::rexp(1500, exp(d$o[, 1] + rowSums(d$x[, 1:60]) / 3)), status = stats::rbinom(1500, 1, 0.8)))
  f <- expect_exact_cox(d$sparse, y, nlambda = 12, lambda.min.ratio = 0.03, label = "sparse cox")
  g <- sparsepath(d$x, y, "cox", nlambda = 12, lambda.min.ratio = 0.03)
  expect_gt(max(f$df), 200)
  expect_equal(as.matrix(f$beta), as.matrix(g$beta), tolerance = 1e-6)
})

test_that("dense classes with many rows (src/core/solver/classed.c): proven by the verifier", {
  d <- with_seed(2306, {
    n <- 1500
    x <- matrix(stats::rnorm(n * 100), n)
    eta <- x[, 1:40] %*% matrix(stats::rnorm(160), 40) / 4
    list(x = x, y = factor(max.col(eta - log(-log(matrix(stats::runif(n * 4), n))))), w = stats::rexp(n), o = matrix(stats::rnorm(n * 4) / 3, n))
  })
  pf <- replace(rep(1, 100), c(3, 50), 0)
  far <- d$x
  far[, 90:100] <- far[, 90:100] + 1e5 # centred entry by entry: whole columns after all
  for (set in list(
    list(), list(alpha = 0.6), list(weights = replace(d$w, 1:80, 0)), list(offset = d$o), list(intercept = FALSE), list(penalty.factor = pf),
    list(standardize = FALSE), list(lower.limits = -0.1, upper.limits = 0.2), list(far = TRUE)
  )) {
    x <- if (is.null(set$far)) d$x else far
    set$far <- NULL
    f <- do.call(expect_exact_classes, c(list(x = x, y = d$y, nlambda = 12, lambda.min.ratio = 1e-3, label = paste("many rows", names(set)[1])), set))$fit
    expect_gt(sum(vapply(f$beta, function(b) sum(b[, 12] != 0), 0)), 185) # enough for it
    expect_lte(max(f$kkt), 1e-9)
  }
  twice <- cbind(d$x, d$x[, 1:30])
  expect_exact_classes(twice, d$y, nlambda = 10, lambda.min.ratio = 1e-3, label = "many rows, copies")
  f <- sparsepath(d$x, d$y, "multinomial", nlambda = 10, lambda.min.ratio = 1e-3)
  g <- sparsepath(d$x, d$y, "multinomial", nlambda = 10, lambda.min.ratio = 1e-3, control = sparsepath.control(threads = 2L))
  expect_identical(lapply(f$beta, function(b) b@x), lapply(g$beta, function(b) b@x))
})
