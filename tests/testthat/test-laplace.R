test_that("the lasso maximizes the posterior density", {
  set.seed(1)
  x <- matrix(rnorm(50 * 4), 50) %*% diag(c(1, 2, 3, 4))
  y <- x[, 1] - x[, 3] + rnorm(50)
  fit <- sparsepath(x, y, lambda = 0.3)
  prior <- laplace_prior(fit, s = 0.3, sigma = 1.7, x = x)
  b <- drop(as.matrix(coef(fit)))
  posterior <- function(b) {
    sum(dnorm(y, drop(cbind(1, x) %*% b), 1.7, log = TRUE)) + sum(-log(2 * prior$by.column) - abs(b[-1]) / prior$by.column)
  }
  best <- posterior(b)
  for (i in 1:200) expect_lt(posterior(b + rnorm(5, sd = 10^runif(1, -4, 0))), best + 1e-9)
  sds <- apply(x, 2, function(v) sqrt(mean((v - mean(v))^2)))
  expect_equal(unname(prior$by.column), prior$scale / sds)
  # moments by integration
  density <- function(b) dexp(abs(b), prior$rate) / 2
  expect_equal(sqrt(2 * integrate(function(b) b^2 * density(b), 0, Inf)$value), prior$sd, tolerance = 1e-5)
  expect_equal(2 * integrate(density, 0, prior$interval[2])$value, 0.95, tolerance = 1e-6)
})

test_that("logistic: sigma is 1", {
  set.seed(2)
  x <- matrix(rnorm(100), 50)
  y <- as.numeric(runif(50) < plogis(x[, 1]))
  fit <- sparsepath(x, y, family = "binomial", lambda = 0.05, penalty.factor = c(1, 3))
  prior <- laplace_prior(fit, 0.05, x = x)
  b <- drop(as.matrix(coef(fit)))
  posterior <- function(b) sum(dbinom(y, 1, plogis(drop(cbind(1, x) %*% b)), log = TRUE)) - sum(abs(b[-1]) / prior$by.column)
  for (i in 1:100) expect_lt(posterior(b + rnorm(3, sd = 10^runif(1, -4, 0))), posterior(b) + 1e-9)
  expect_refused(laplace_prior(fit, 0.05, sigma = 1), "unknown_argument")
})

test_that("sigma is estimated from the residuals", {
  fit <- sparsepath(as.matrix(swiss[, -1]), swiss$Fertility)
  s <- fit$lambda[40]
  r <- swiss$Fertility - predict(fit, as.matrix(swiss[, -1]), s = s)
  expect_equal(laplace_prior(fit, s)$sigma, sqrt(sum(r^2) / (47 - 1 - fit$df[40])))
  expect_output(print(laplace_prior(fit, s)), "estimated")
  expect_refused(laplace_prior(fit), "missing_argument")
  expect_refused(laplace_prior(fit, 0), "range")
  expect_refused(laplace_prior(1, 1), "type")
  expect_refused(laplace_prior(sparsepath(as.matrix(swiss[, -1]), swiss$Fertility, alpha = 0.5), 1), "unavailable")
})
