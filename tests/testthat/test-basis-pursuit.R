# Basis pursuit: recovery of what is known, the dual bound, small problems solved by looking at all bases.

recovery <- function(n, p, k, seed) {
  set.seed(seed)
  A <- matrix(rnorm(n * p), n)
  x <- replace(numeric(p), sample(p, k), rnorm(k) + 2 * sample(c(-1, 1), k, TRUE))
  list(A = A, x = x, b = drop(A %*% x))
}

test_that("sparse solutions are recovered exactly", {
  for (seed in 1:8) {
    d <- recovery(40, 100, c(1, 4, 8)[seed %% 3 + 1], seed)
    found <- basis_pursuit(d$A, d$b)
    expect_lt(max(abs(found$x - d$x)), 1e-9)
    expect_identical(found$support, which(d$x != 0))
    expect_lt(found$gap, 1e-10)
    expect_lt(found$residual, 1e-9)
  }
})

test_that("the dual proves the norm, recovered or not", {
  for (seed in 1:8) {
    d <- recovery(15, 40, 12, seed) # too dense to be recovered
    found <- basis_pursuit(d$A, d$b)
    expect_lte(max(abs(crossprod(d$A, found$dual))), 1 + 1e-12)
    expect_equal(sum(d$b * found$dual), sum(abs(found$x)), tolerance = 1e-9)
    expect_equal(drop(d$A %*% found$x), d$b, tolerance = 1e-9)
    expect_lte(found$norm, sum(abs(d$x)) + 1e-9)
    expect_lte(length(found$support), 15)
  }
})

test_that("square and nearly square systems", {
  skip_on_cran()
  for (seed in 1:40) {
    n <- c(40, 38, 20)[seed %% 3 + 1]
    d <- recovery(n, 40, n %/% 2, seed)
    found <- basis_pursuit(d$A, d$b)
    expect_lt(found$residual, 1e-12 * sqrt(sum(d$b^2)))
    expect_lt(found$gap, 1e-9)
  }
})

test_that("the best of all bases", {
  for (seed in 1:30) { # constant columns among them
    set.seed(seed)
    A <- matrix(sample(-2:2, 3 * 7, TRUE), 3) + 0
    b <- drop(A %*% sample(-1:1, 7, TRUE)) + 0
    if (all(b == 0)) next
    best <- min(apply(combn(7, 3), 2, function(j) {
      if (abs(det(A[, j])) < 1e-9) Inf else sum(abs(solve(A[, j], b)))
    }))
    found <- basis_pursuit(A, b)
    expect_equal(found$norm, best, tolerance = 1e-9)
    expect_lt(found$gap, 1e-9)
  }
})

test_that("noise: the residual is used up, and the dual proves it", {
  for (seed in 1:5) {
    d <- recovery(30, 80, 4, seed)
    b <- d$b + rnorm(30, sd = 0.2)
    noise <- 0.2 * sqrt(30)
    found <- basis_pursuit(d$A, b, noise)
    expect_equal(sqrt(sum((d$A %*% found$x - b)^2)), noise, tolerance = 1e-9)
    expect_equal(found$residual, noise, tolerance = 1e-9)
    expect_lte(max(abs(crossprod(d$A, found$dual))), 1 + 1e-12)
    expect_equal(sum(b * found$dual) - noise * sqrt(sum(found$dual^2)), sum(abs(found$x)), tolerance = 1e-9)
    # it is the lasso at that lambda
    fit <- sparsepath(d$A, b, lambda = found$lambda, standardize = FALSE, intercept = FALSE)
    expect_lt(max(abs(fit$beta[, 1] - found$x)), 1e-8)
  }
})

test_that("a dictionary of spikes and cosines, sparse storage, more equations than unknowns", {
  n <- 64
  cosines <- sqrt(2 / n) * outer(seq_len(n) - 0.5, seq_len(n) - 1, function(t, k) cos(pi * t * k / n))
  A <- cbind(diag(n), cosines)
  x <- replace(numeric(2 * n), c(5, 40, 64 + 10, 64 + 33), c(1, -2, 3, 1))
  expect_lt(max(abs(basis_pursuit(A, drop(A %*% x))$x - x)), 1e-10)
  S <- Matrix::sparseMatrix(c(1, 2, 3, 1, 3), c(1, 2, 3, 4, 4), x = c(1, 1, 1, 2, 2))
  expect_equal(unname(basis_pursuit(S, c(2, 0, 2))$x), c(0, 0, 0, 1))
  expect_equal(unname(basis_pursuit(t(c(1, -4, 2)), 2)$x), c(0, -0.5, 0)) # one equation
  tall <- matrix(c(1, 2, 3, 1, 0, 1), 3)
  expect_equal(unname(basis_pursuit(tall, drop(tall %*% c(2, -1)))$x), c(2, -1), tolerance = 1e-10)
})

test_that("ends, errors, printing", {
  A <- diag(2)[, 1, drop = FALSE]
  expect_refused(basis_pursuit(A, c(1, 1)), "infeasible")
  expect_equal(tryCatch(basis_pursuit(A, c(1, 1)), error = function(e) e$residual), 1)
  expect_equal(unname(coef(basis_pursuit(A, c(1, 1), noise = sqrt(1.25)))), 0.5)
  expect_refused(basis_pursuit(A, c(1, 1), noise = 0.5), "infeasible")
  expect_identical(unname(basis_pursuit(A, c(0, 0))$x), 0)
  expect_identical(basis_pursuit(diag(2), c(3, 4), noise = 6)$support, integer())
  expect_refused(basis_pursuit(), "missing_argument")
  expect_refused(basis_pursuit(A), "missing_argument")
  expect_refused(basis_pursuit(A, 1), "length")
  expect_refused(basis_pursuit(A, c(1, NA)), "nonfinite")
  expect_refused(basis_pursuit(A + NA, c(1, 1)), "nonfinite")
  expect_refused(basis_pursuit(A, c(1, 1), -1), "range")
  expect_output(print(basis_pursuit(diag(2), c(1, 2))), "2 equations, 2 unknowns")
})
