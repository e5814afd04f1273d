# The shapes of the trade: many more columns than rows, real and simulated.

EXACT_GAP <- 1e-11
EXACT_KKT <- 1e-8

test_that("colon expression data: gaussian on 0/1 coding, binomial, elastic net, weights, limits", {
  d <- colon_data()
  expect_identical(dim(d$x), c(62L, 2000L))
  w <- with_seed(301, runif(62, 0.2, 3))
  o <- with_seed(302, rnorm(62) / 2)
  expect_exact(d$x, d$z, gap = EXACT_GAP, kkt = EXACT_KKT, label = "gaussian")
  expect_exact(d$x, d$y, "binomial", gap = EXACT_GAP, kkt = EXACT_KKT, label = "binomial")
  for (alpha in c(0.5, 0.05, 0)) {
    expect_exact(d$x, d$z, alpha = alpha, label = paste("gaussian, alpha", alpha))
    expect_exact(d$x, d$y, "binomial", alpha = alpha, label = paste("binomial, alpha", alpha))
  }
  expect_exact(d$x, d$z, weights = w, offset = o, label = "gaussian, weights and offset")
  expect_exact(d$x, d$y, "binomial", weights = w, offset = o, label = "binomial, weights and offset")
  expect_exact(d$x, d$z, lower.limits = 0, label = "gaussian, non-negative")
  expect_exact(d$x, d$y, "binomial", lower.limits = -0.1, upper.limits = 0.1, label = "binomial, box")
  expect_exact(cbind(d$x, d$x), d$z, nlambda = 30, label = "gaussian, every column twice")
  expect_exact(cbind(d$x, -d$x), d$y, "binomial", nlambda = 30, label = "binomial, every column twice with other sign")
})

for (kind in list(list("iid", 0), list("ar", 0.8), list("equi", 0.95))) {
  test_that(paste("200 x 20,000", kind[[1]]), {
    skip_on_cran()
    d <- make_problem(200, 20000, kind[[1]], kind[[2]], k = 20, snr = 2, seed = 310)
    expect_exact(d$x, d$y, gap = EXACT_GAP, kkt = EXACT_KKT, label = "gaussian")
    expect_exact(d$x, as.double(d$y > 0), "binomial", gap = EXACT_GAP, kkt = EXACT_KKT, label = "binomial")
    if (kind[[1]] == "ar") {
      expect_exact(d$x, d$y, alpha = 0.5, nlambda = 40, label = "gaussian, alpha .5")
      expect_exact(d$x, d$y, alpha = 0, nlambda = 20, label = "gaussian, ridge")
      expect_exact(d$x, as.double(d$y > 0), "binomial", alpha = 0.05, nlambda = 20, label = "binomial, alpha .05")
    }
  })
}

test_that("400 x 40,000, neighbours correlated", {
  skip_on_cran()
  d <- make_problem(400, 40000, "ar", 0.4, k = 20, snr = 2, seed = 320)
  expect_exact(d$x, d$y, gap = EXACT_GAP, kkt = EXACT_KKT, label = "gaussian")
})

test_that("columns that matter late although they correlate with nothing early", {
  for (k in 1:4) {
    d <- make_suppressors(c(80, 120, 200, 60)[k], 2500, c(10, 25, 40, 5)[k], c(0.95, 0.99, 0.9, 0.999)[k], seed = 325 + k)
    expect_exact(d$x, d$y, gap = EXACT_GAP, kkt = EXACT_KKT, label = paste("gaussian", k))
    top <- lambda_max_reference(d$x, d$y)
    expect_exact(d$x, d$y, lambda = top * 10^seq(0, -3, length.out = 12), label = paste("gaussian, coarse", k))
    expect_exact(d$x, d$y, alpha = 0.5, nlambda = 30, label = paste("gaussian, alpha .5", k))
    expect_exact(d$x, as.double(d$y > 0), "binomial", weights = d$w, nlambda = 50, gap = EXACT_GAP, kkt = EXACT_KKT, label = paste("binomial", k))
  }
})

test_that("tall 2,000 x 200 with rho .8, where coordinate descent crawls", {
  skip_on_cran()
  d <- make_problem(2000, 200, "equi", 0.8, k = 20, seed = 330)
  expect_exact(d$x, d$y, gap = EXACT_GAP, kkt = EXACT_KKT, label = "gaussian")
  expect_exact(d$x, d$y, weights = d$w, alpha = 0.5, label = "gaussian, weights, alpha .5")
  expect_exact(d$x, as.double(d$y > 0), "binomial", gap = EXACT_GAP, kkt = EXACT_KKT, label = "binomial")
})

test_that("sparse text-like counts, both families", {
  x <- make_sparse(300, 3000, 0.01, seed = 340)
  d <- with_seed(341, {
    b <- rnorm(40)
    f <- drop(as.matrix(x[, order(-diff(x@p))[1:40]] %*% b))
    y <- f + rnorm(300) * sd(f)
    list(y = y, w = runif(300, 0.2, 3), o = rnorm(300) / 2)
  })
  # conjugate gradients may stand in for the factor here: below the promise, but not at machine precision
  expect_exact(x, d$y, gap = 2e-8, kkt = 2e-7, label = "gaussian")
  expect_exact(x, as.double(d$y > 0), "binomial", gap = 2e-8, kkt = 2e-7, label = "binomial")
  expect_exact(x, d$y, alpha = 0.5, weights = d$w, offset = d$o, label = "gaussian, alpha .5, weights, offset")
  expect_exact(x, as.double(d$y > 0), "binomial", intercept = FALSE, weights = d$w, label = "binomial, no intercept")
  expect_exact(x, d$y, lower.limits = 0, standardize = FALSE, label = "gaussian, non-negative, no standardization")
})
