# One problem told in different words has one answer.

FAMILIES <- c("gaussian", "binomial", "poisson")
problem <- function(family, seed = 601, ...) make_problem(50, 80, "ar", 0.5, seed = seed, family = family, ...)

test_that("integer weights are replicated rows", {
  for (family in FAMILIES) {
    d <- problem(family)
    w <- with_seed(602, sample(1:3, 50, TRUE))
    i <- rep(1:50, w)
    for (alpha in c(1, 0.5, 0)) {
      a <- sparsepath(d$x, d$y, family = family, weights = w, alpha = alpha, nlambda = 40)
      b <- sparsepath(d$x[i, ], d$y[i], family = family, alpha = alpha, lambda = a$lambda)
      expect_same_fit(a, b, 1e-10, label = paste(family, "replication"))
      expect_equal(a$dev.ratio, b$dev.ratio[seq_along(a$dev.ratio)], tolerance = 1e-10)
    }
  }
})

test_that("only ratios of weights matter, and a zero weight drops its row", {
  for (family in FAMILIES) {
    d <- problem(family)
    a <- sparsepath(d$x, d$y, family = family, weights = d$w, offset = d$o, nlambda = 40)
    b <- sparsepath(d$x, d$y, family = family, weights = d$w * 1e6, offset = d$o, nlambda = 40)
    expect_same_fit(a, b, 1e-10, label = "rescaled weights")
    w <- replace(d$w, c(1, 20, 50), 0)
    i <- which(w > 0)
    for (alpha in c(1, 0.5, 0)) {
      a <- sparsepath(d$x, d$y, family = family, weights = w, offset = d$o, alpha = alpha, nlambda = 40)
      b <- sparsepath(d$x[i, ], d$y[i], family = family, weights = w[i], offset = d$o[i], alpha = alpha, nlambda = 40)
      expect_same_fit(a, b, 1e-10, label = paste(family, "dropped rows"))
    }
    # what is in an empty row does not matter
    x <- d$x
    x[1, ] <- 1e3
    e <- sparsepath(x, d$y, family = family, weights = w, offset = d$o, nlambda = 40)
    a <- sparsepath(d$x, d$y, family = family, weights = w, offset = d$o, nlambda = 40)
    expect_same_fit(a, e, 1e-10, label = "content of an empty row")
  }
})

test_that("order of rows and columns, and signs of columns, do not matter", {
  for (family in FAMILIES) {
    d <- problem(family)
    pf <- with_seed(603, runif(80, 0.5, 2))
    rows <- with_seed(604, sample.int(50))
    cols <- with_seed(605, sample.int(80))
    sign <- with_seed(606, sample(c(-1, 1), 80, TRUE))
    for (alpha in c(1, 0.5)) {
      a <- sparsepath(d$x, d$y, family = family, weights = d$w, penalty.factor = pf, alpha = alpha, nlambda = 40)
      b <- sparsepath(d$x[rows, ], d$y[rows], family = family, weights = d$w[rows], penalty.factor = pf, alpha = alpha, nlambda = 40)
      expect_same_fit(a, b, 1e-10, label = "rows")
      b <- sparsepath(d$x[, cols], d$y, family = family, weights = d$w, penalty.factor = pf[cols], alpha = alpha, nlambda = 40)
      expect_same_fit(a, b, 1e-10, map = function(z) z[order(cols), ], label = "columns")
      b <- sparsepath(d$x * rep(sign, each = 50), d$y, family = family, weights = d$w, penalty.factor = pf, alpha = alpha, nlambda = 40)
      expect_same_fit(a, b, 1e-10, map = function(z) z * sign, label = "signs")
    }
    a <- sparsepath(d$x, d$y, family = family, lower.limits = -0.1, upper.limits = 0.2, nlambda = 30)
    b <- sparsepath(-d$x, d$y, family = family, lower.limits = -0.2, upper.limits = 0.1, nlambda = 30)
    expect_same_fit(a, b, 1e-10, map = function(z) -z, label = "signs and limits")
  }
})

test_that("units of x under standardization, and shifts of x, change nothing but units and intercept", {
  for (family in FAMILIES) {
    d <- problem(family)
    s <- with_seed(607, 10^runif(80, -3, 3))
    m <- with_seed(608, rnorm(80) * 5)
    a <- sparsepath(d$x, d$y, family = family, nlambda = 40, alpha = 0.8)
    b <- sparsepath(d$x * rep(s, each = 50), d$y, family = family, nlambda = 40, alpha = 0.8)
    expect_same_fit(a, b, 1e-10, map = function(z) z * s, label = "units")
    b <- sparsepath(d$x + rep(m, each = 50), d$y, family = family, nlambda = 40, alpha = 0.8)
    expect_same_fit(a, b, 1e-10, a0 = function(z) z + drop(crossprod(as.matrix(b$beta)[, seq_along(z)], m)), label = "shift")
    # without standardization, dividing a column by s is multiplying its factor by s (ridge part: s^2, so lasso only)
    x <- d$x * rep(s^0.2, each = 50)
    a <- sparsepath(x, d$y, family = family, standardize = FALSE, nlambda = 40)
    v <- s^0.2
    b <- sparsepath(x / rep(v, each = 50), d$y,
      family = family, standardize = FALSE, penalty.factor = 1 / v, lambda = a$lambda * mean(1 / v)
    )
    expect_same_fit(a, b, 1e-10, map = function(z) z / v, lambda = function(z) z / mean(1 / v), label = "units as factors")
  }
})

test_that("units and origin of a gaussian y", {
  d <- problem("gaussian")
  for (alpha in c(1, 0.5, 0.05, 0)) {
    a <- sparsepath(d$x, d$y, alpha = alpha, nlambda = 40)
    b <- sparsepath(d$x, 1000 * d$y - 7, alpha = alpha, nlambda = 40)
    expect_same_fit(a, b, 1e-10,
      map = function(z) z / 1000, a0 = function(z) (z + 7) / 1000, lambda = function(z) z / 1000, label = paste("alpha", alpha)
    )
    expect_equal(a$dev.ratio, b$dev.ratio, tolerance = 1e-10)
  }
})

test_that("an offset is part of y for gaussian; a constant offset is an intercept for both", {
  d <- problem("gaussian")
  a <- sparsepath(d$x, d$y, offset = d$o, nlambda = 40, alpha = 0.7)
  b <- sparsepath(d$x, d$y - d$o, nlambda = 40, alpha = 0.7)
  expect_same_fit(a, b, 1e-10)
  for (family in FAMILIES) {
    d <- problem(family)
    a <- sparsepath(d$x, d$y, family = family, offset = d$o, nlambda = 40)
    b <- sparsepath(d$x, d$y, family = family, offset = d$o + 2.5, nlambda = 40)
    expect_same_fit(a, b, 1e-10, a0 = function(z) z + 2.5, label = family)
  }
})

test_that("swapping the classes flips signs; factor, text, logical, 0/1, proportions and counts agree", {
  d <- problem("binomial")
  a <- sparsepath(d$x, d$y, family = "binomial", weights = d$w, nlambda = 40)
  b <- sparsepath(d$x, 1 - d$y, family = "binomial", weights = d$w, nlambda = 40)
  expect_same_fit(a, b, 1e-10, map = function(z) -z, a0 = function(z) -z)
  same <- function(y, ...) {
    f <- sparsepath(d$x, y, family = "binomial", ..., nlambda = 40)
    expect_equal(f$beta@x, a$beta@x, tolerance = 1e-10)
    expect_equal(unname(f$a0), unname(a$a0), tolerance = 1e-10)
  }
  same(factor(c("no", "yes")[1 + d$y], levels = c("no", "yes")), weights = d$w)
  same(c("a", "b")[1 + d$y], weights = d$w)
  same(d$y == 1, weights = d$w)
  same(as.integer(d$y), weights = d$w)
  same(cbind(1 - d$y, d$y), weights = d$w)
  counts <- with_seed(610, cbind(rpois(50, 2) + 1, rpois(50, 2)))
  tot <- rowSums(counts)
  a <- sparsepath(d$x, counts, family = "binomial", nlambda = 40)
  same(counts[, 2] / tot, weights = tot)
  # a row of counts is two weighted rows
  b <- sparsepath(rbind(d$x, d$x), rep(0:1, each = 50), family = "binomial", weights = as.vector(counts), lambda = a$lambda)
  expect_same_fit(a, b, 1e-10)
})

test_that("sparse, dense, integer and logical matrices give one answer", {
  s <- make_sparse(60, 100, 0.15, seed = 611)
  m <- as.matrix(s)
  d <- with_seed(612, {
    f <- drop(m[, 1:6] %*% c(1, -1, 1, 1, -1, 1))
    list(y = f + rnorm(60), w = runif(60, 0.2, 3), o = rnorm(60) / 2)
  })
  settings <- list(
    list(), list(alpha = 0.5), list(alpha = 0), list(weights = d$w, offset = d$o), list(intercept = FALSE),
    list(standardize = FALSE, weights = d$w), list(lower.limits = 0), list(penalty.factor = rep(c(0, 1, Inf, 2), c(2, 48, 5, 45)))
  )
  for (family in FAMILIES) {
    y <- switch(family, gaussian = d$y, binomial = as.double(d$y > median(d$y)), poisson = round(exp(d$y / 4)))
    for (a in settings) {
      f <- do.call(sparsepath, c(list(m, y, family = family, nlambda = 40), a))
      g <- do.call(sparsepath, c(list(s, y, family = family, nlambda = 40), a))
      expect_same_fit(f, g, 1e-10, label = paste(family, paste(names(a), collapse = " ")))
    }
    k <- round(m)
    f <- sparsepath(k, y, family = family, nlambda = 40)
    for (x in list(
      matrix(as.integer(k), nrow(k)), Matrix::Matrix(k, sparse = TRUE), as(Matrix::Matrix(k, sparse = TRUE), "TsparseMatrix"),
      as(Matrix::Matrix(k, sparse = TRUE), "RsparseMatrix"), Matrix::Matrix(k, sparse = FALSE), as.data.frame(k)
    )) {
      expect_same_fit(f, sparsepath(x, y, family = family, nlambda = 40), 1e-10, label = class(x)[1])
    }
    f <- sparsepath(1 * (k > 0), y, family = family, nlambda = 40)
    expect_same_fit(f, sparsepath(k > 0, y, family = family, nlambda = 40), 1e-10, label = "logical")
    # a sparse matrix may store zeros
    z <- s
    z@x[1:20] <- 0
    expect_same_fit(sparsepath(as.matrix(z), y, family = family, nlambda = 40), sparsepath(z, y, family = family, nlambda = 40), 1e-10)
  }
})

test_that("inputs are not modified and the random state is not touched", {
  d <- problem("gaussian")
  keep <- unserialize(serialize(d, NULL))
  seed <- with_seed(1, {
    before <- get(".Random.seed", globalenv())
    sparsepath(d$x, d$y, weights = d$w, offset = d$o)
    identical(before, get(".Random.seed", globalenv()))
  })
  expect_true(seed)
  expect_identical(d, keep)
})
