# Logistic problems on which solvers stumble.

lambdas <- function(x, y, l = 40, ratio = 0.01, ...) {
  lambda_max_reference(x, y, "binomial", ...) * ratio^(seq(0, 1, length.out = l))
}

test_that("copies, flipped copies, near-copies, constants", {
  d <- make_problem(60, 60, seed = 501, family = "binomial")
  a <- expect_exact(cbind(d$x, d$x), d$y, "binomial", label = "pairs")
  b <- expect_exact(d$x, d$y, "binomial", lambda = a$fit$lambda, label = "single")
  expect_same_objective(a$v, b$v)
  expect_exact(cbind(d$x, -d$x), d$y, "binomial", label = "flipped")
  expect_exact(cbind(d$x, -d$x), d$y, "binomial", lower.limits = 0, label = "flipped, non-negative")
  expect_exact(cbind(d$x, d$x), d$y, "binomial", alpha = 0.5, label = "pairs, alpha .5")
  expect_exact(cbind(d$x, d$x), d$y, "binomial", penalty.factor = rep(c(1, 2), each = 60), label = "dearer copy")
  for (e in 10^-(3:8)) {
    noise <- with_seed(502, matrix(rnorm(3600), 60))
    expect_exact(cbind(d$x, d$x + e * noise), d$y, "binomial", nlambda = 20, label = paste("near-copies", e))
  }
  x <- cbind(0, d$x, 3.7, 1e8)
  for (i in c(TRUE, FALSE)) expect_exact(x, d$y, "binomial", intercept = i, label = paste("constants, intercept", i))
})

test_that("separation: perfect, by one column, by one row, without intercept, deep into the path", {
  d <- make_problem(40, 30, seed = 503)
  y <- as.double(d$x[, 4] > 0)
  expect_exact(d$x, y, "binomial", label = "one column separates")
  expect_exact(d$x, y, "binomial", lambda = lambdas(d$x, y, 60, 1e-4), label = "1e-4")
  expect_exact(d$x, y, "binomial", lambda = lambdas(d$x, y, 30, 1e-3), alpha = 0.5, label = "alpha .5")
  expect_exact(cbind(y, d$x), y, "binomial", label = "the response is a column")
  expect_exact(cbind(y, y, d$x), y, "binomial", label = "the response is two columns")
  expect_exact(d$x - 0.3, y, "binomial", intercept = FALSE, label = "no intercept")
  wide <- make_problem(30, 300, seed = 504, family = "binomial")
  expect_exact(wide$x, wide$y, "binomial", lambda = lambdas(wide$x, wide$y, 60, 1e-4), label = "p > n, 1e-4")
  quasi <- cbind(c(rep(0, 20), rep(1, 20)), d$x[, 1:5]) # separates one half only
  yq <- c(rep(0, 20), rep(c(0, 1), 10))
  expect_exact(quasi, yq, "binomial", lambda = lambdas(quasi, yq, 40, 1e-4), label = "quasi-separation")
})

test_that("one event, two events", {
  d <- make_problem(80, 120, seed = 505)
  for (k in 1:2) {
    y <- replace(numeric(80), seq_len(k), 1)
    expect_exact(d$x, y, "binomial", label = paste(k, "events"))
    expect_exact(d$x, 1 - y, "binomial", alpha = 0.5, label = paste(k, "non-events"))
  }
  w <- replace(rep(1, 80), 1, 1e-4)
  expect_exact(d$x, replace(numeric(80), 1, 1), "binomial", weights = w, label = "one light event")
})

test_that("two to five rows, one and two columns", {
  for (n in 2:5) {
    d <- make_problem(n, 60, k = 2, seed = 505 + n)
    y <- as.double(seq_len(n) %% 2)
    expect_exact(d$x, y, "binomial", label = paste(n, "rows"))
    expect_exact(d$x, y, "binomial", alpha = 0.5, label = paste(n, "rows, alpha .5"))
    expect_exact(d$x, y, "binomial", alpha = 0, nlambda = 10, label = paste(n, "rows, ridge"))
  }
  for (p in 1:2) {
    d <- make_problem(30, p, snr = 0.5, seed = 510 + p, family = "binomial")
    expect_exact(d$x, d$y, "binomial", label = paste(p, "columns"))
    expect_exact(d$x, d$y, "binomial", alpha = 0, label = paste(p, "columns, ridge"))
  }
})

test_that("offsets of any size return, and are right", {
  d <- make_problem(50, 8, seed = 513, family = "binomial")
  for (s in c(5, 30, 300, 1000)) {
    o <- s * rep_len(c(1, -1), 50)
    f <- sparsepath(d$x, d$y, family = "binomial", offset = o, nlambda = 10)
    expect_true(all(is.finite(f$a0)) && all(is.finite(f$beta@x)))
    if (s <= 30) expect_exact(d$x, d$y, "binomial", offset = o, nlambda = 10, label = paste("offsets", s))
  }
  # large offsets that agree with the response: nothing to explain, everything certain
  o <- 40 * (2 * d$y - 1)
  f <- sparsepath(d$x, d$y, family = "binomial", offset = o, lambda = c(0.1, 0.01))
  expect_identical(length(f$beta@x), 0L)
  # one common large offset is an intercept
  a <- sparsepath(d$x, d$y, family = "binomial", nlambda = 10)
  b <- sparsepath(d$x, d$y, family = "binomial", offset = rep(1000, 50), lambda = a$lambda)
  expect_same_fit(a, b, 1e-8, a0 = function(z) z + 1000)
})

test_that("zero weights, huge weight ratios, large counts", {
  d <- make_problem(60, 80, seed = 514, family = "binomial")
  for (k in c(3, 6)) {
    w <- 10^with_seed(515, runif(60, -k / 2, k / 2))
    expect_exact(d$x, d$y, "binomial", weights = w, label = paste0("weight ratio 1e", k))
    expect_exact(d$x, d$y, "binomial", weights = w, alpha = 0.5, label = paste0("weight ratio 1e", k, ", alpha .5"))
  }
  w <- replace(rep(1, 60), which(d$y == 1)[-1], 0)
  expect_exact(d$x, d$y, "binomial", weights = w, label = "one event left")
  counts <- with_seed(516, cbind(rpois(60, 1000), rpois(60, 3)))
  expect_exact(d$x, counts, "binomial", label = "counts")
  counts[1:3, ] <- 0
  expect_exact(d$x, counts, "binomial", label = "counts with empty rows")
})

test_that("coarse grids and single lambdas equal the fine path", {
  d <- make_problem(60, 300, "ar", 0.8, seed = 517, family = "binomial")
  fine <- expect_exact(d$x, d$y, "binomial", lambda = lambdas(d$x, d$y, 60), label = "fine")
  for (pick in list(c(1, 60), c(1, 20, 40, 60), 5, 30, 60)) {
    a <- expect_exact(d$x, d$y, "binomial", lambda = fine$fit$lambda[pick], label = paste("lambdas", paste(pick, collapse = " ")))
    expect_same_fit(
      list(lambda = fine$fit$lambda[pick], beta = fine$fit$beta[, pick, drop = FALSE], a0 = fine$fit$a0[pick]), a$fit, 1e-8
    )
  }
})

test_that("ties, dummy trap, identical genotypes", {
  h <- make_hadamard(32)
  expect_exact(h, as.double(rowSums(h[, 1:7]) > 0), "binomial", label = "Hadamard")
  g <- with_seed(518, lapply(1:5, function(k) sample(rep_len(1:6, 90))))
  x <- do.call(cbind, lapply(g, function(z) 1 * outer(z, 1:6, "==")))
  y <- with_seed(519, as.double(drop(x %*% rnorm(30)) + rnorm(90) > 0))
  expect_exact(x, y, "binomial", label = "dummy trap")
  expect_exact(x, y, "binomial", penalty.factor = rep(c(0, 1), c(12, 18)), label = "unpenalized dummies")
  snp <- with_seed(520, matrix(as.double(rbinom(90 * 40, 2, 0.2)), 90)[, sample.int(40, 300, TRUE)])
  expect_exact(snp, y, "binomial", label = "genotypes")
})

test_that("scales and shifts", {
  d <- make_problem(50, 80, seed = 521, family = "binomial")
  s <- 10^rep_len(seq(-8, 8, length.out = 17), 80)
  a <- expect_exact(d$x * rep(s, each = 50), d$y, "binomial", label = "scales")
  b <- expect_exact(d$x, d$y, "binomial", label = "no scales")
  expect_same_fit(b$fit, a$fit, 1e-8, map = function(z) z * s)
  expect_exact(d$x + 1e6, d$y, "binomial", label = "shift 1e6")
  expect_exact(d$x * rep(10^rep_len(-3:3, 80), each = 50), d$y, "binomial", standardize = FALSE, label = "scales, no standardization")
})

test_that("lambda = 0 is certified like any other", {
  d <- make_problem(200, 8, snr = 0.5, seed = 522, family = "binomial")
  for (alpha in c(1, 0)) {
    expect_silent(r <- expect_exact(d$x, d$y, "binomial", alpha = alpha, lambda = c(0.1, 0), label = "n > p"))
    expect_true(all(r$fit$gap <= 1e-7))
  }
})
