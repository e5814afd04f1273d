test_that("divergence and penalty terms do not cancel", {
  mu <- c(0.3, 0.999, 1e-8)
  d <- c(1e-9, -1e-9, 1e-12)
  expect_equal(bernoulli_divergence(d, mu, 1 - mu), d^2 / (2 * mu * (1 - mu)), tolerance = 1e-3)
  q <- c(0.2, 0.9)
  m <- c(0.5, 0.4)
  expect_equal(bernoulli_divergence(q - m, m, 1 - m), q * log(q / m) + (1 - q) * log((1 - q) / (1 - m)))
  expect_equal(bernoulli_divergence(c(-0.5, 0.5), c(0.5, 0.5), c(0.5, 0.5)), rep(log(2), 2)) # q = 0 and 1
})

test_that("penalty terms are zero exactly at matching pairs and positive elsewhere", {
  pen <- list(l1 = matrix(1, 1, 1), l2 = matrix(0.5, 1, 1), lower = -1, upper = 2)
  direct <- function(z, b) { # penalty + conjugate - z b by a fine grid
    grid <- seq(-1, 2, length.out = 30001)
    1 * abs(b) + 0.25 * b^2 + max(z * grid - abs(grid) - 0.25 * grid^2) - z * b
  }
  for (z in c(-3, -1.2, 0, 0.7, 1.4, 5)) for (b in c(-1, -0.3, 0, 0.8, 2)) {
    term <- penalty_terms(matrix(z), matrix(b), pen)[1, 1]
    expect_gte(term, 0)
    expect_equal(term, direct(z, b), tolerance = 1e-6)
  }
})

test_that("moments of sparse and dense columns agree", {
  x <- round(make_problem(20, 6, seed = 3)$x)
  x[, 2] <- 4
  w <- with_seed(1, runif(20))
  w <- w / sum(w)
  problem <- list(intercept = TRUE, centred = TRUE, standardize = TRUE)
  dense <- column_moments(x, w, problem, NULL)
  expect_equal(column_moments(Matrix::Matrix(x, sparse = TRUE), w, problem, NULL), dense, ignore_attr = TRUE)
  expect_identical(which(dense$constant), 2L)
  expect_equal(dense$scale[1], sqrt(sum(w * (x[, 1] - sum(w * x[, 1]))^2)))
})
