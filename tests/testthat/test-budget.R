# The constrained lasso: the budget is spent, and nothing within it is better.

budget_data <- function(seed, n = 60, p = 30) {
  set.seed(seed)
  x <- matrix(rnorm(n * p), n) %*% diag(seq(0.5, 2, length.out = p))
  list(x = x, eta = drop(x[, 1:4] %*% c(1, -1, 0.5, 0.5)))
}
sds <- function(x, w = rep(1, nrow(x))) apply(x, 2, function(v) sqrt(sum(w * (v - sum(w * v) / sum(w))^2) / sum(w)))

test_that("gaussian: the same as the exact path", {
  d <- budget_data(1)
  y <- d$eta + rnorm(60)
  fit <- sparsepath(d$x, y)
  path <- lars_path(d$x, y)
  t <- c(0.3, 1, 2.5)
  spent <- budget(fit, t, d$x, y)
  expect_lt(max(abs(spent$coef - coef(path, t = t))), 1e-8)
  expect_equal(unname(spent$norm), t, tolerance = 1e-10)
  expect_true(all(spent$gap < 1e-9))
  expect_identical(coef(fit, t = t, x = d$x, y = y), spent$coef)
  expect_lt(max(abs(coef(sparsepath(d$x, y, lambda = spent$lambda)) - spent$coef[, order(-spent$lambda)])), 1e-9)
})

test_that("families: spent exactly, with weights and offset, and certified by an own Frank-Wolfe gap", {
  d <- budget_data(2)
  set.seed(2)
  w <- runif(60, 0.5, 2)
  w <- w / sum(w)
  offset <- rnorm(60, sd = 0.2)
  z <- scale(d$x, center = drop(crossprod(d$x, w)), scale = sds(d$x, w))
  cases <- list(
    gaussian = list(y = d$eta + rnorm(60), mean = identity),
    binomial = list(y = as.numeric(runif(60) < plogis(d$eta)), mean = plogis),
    poisson = list(y = rpois(60, exp(d$eta / 2)), mean = exp)
  )
  for (family in names(cases)) {
    y <- cases[[family]]$y
    fit <- sparsepath(d$x, y, family = family, weights = w, offset = offset, lambda.min.ratio = 0.02)
    for (t in c(0.2, 0.9)) {
      spent <- budget(fit, t, d$x, y, weights = w, offset = offset)
      b <- spent$coef[-1, 1] * sds(d$x, w)
      expect_equal(sum(abs(b)), t, tolerance = 1e-9)
      residual <- w * (y - cases[[family]]$mean(offset + spent$coef[1, 1] + drop(d$x %*% spent$coef[-1, 1])))
      g <- drop(crossprod(z, residual))
      expect_lt(t * max(abs(g)) - sum(g * b), 1e-8)
      expect_lt(abs(sum(residual)), 1e-8)
      expect_lt(spent$gap, 1e-7)
    }
  }
})

test_that("penalty factors count, a factor of zero is free", {
  d <- budget_data(3)
  y <- d$eta + rnorm(60)
  v <- rep(c(0, 1, 2), 10)
  fit <- sparsepath(d$x, y, penalty.factor = v)
  spent <- budget(fit, 1.5, d$x, y)
  expect_equal(sum(v * 30 / sum(v) * sds(d$x) * abs(spent$coef[-1, 1])), 1.5, tolerance = 1e-9)
  expect_lt(spent$gap, 1e-8)
})

test_that("the gap is above the truth when the budget is not well spent", {
  d <- budget_data(4)
  y <- d$eta + rnorm(60)
  fit <- sparsepath(d$x, y)
  problem <- sparsepath:::budget_problem(fit, list(x = d$x, y = y), quote(f()))
  bad <- list(a0 = mean(y), beta = fit$beta[, 1, drop = FALSE]) # nothing spent
  best <- budget(fit, 2, d$x, y)
  loss <- function(b) sum((y - drop(cbind(1, d$x) %*% b))^2) / 120
  null <- sum((y - mean(y))^2) / 120
  lost <- (null - loss(best$coef[, 1])) / null
  expect_gt(lost, 0.1)
  expect_gte(sparsepath:::frank_wolfe_gap(bad, 2, problem), lost - 1e-12)
})

test_that("cox, and families whose loss is not known to be convex", {
  skip_if_not_installed("survival")
  d <- budget_data(6)
  y <- survival::Surv(rexp(60, exp(d$eta)), rbinom(60, 1, 0.8))
  fit <- sparsepath(d$x, y, family = "cox")
  spent <- budget(fit, 0.5, d$x, y)
  expect_equal(sum(abs(spent$coef[, 1]) * sds(d$x)), 0.5, tolerance = 1e-9)
  # nothing within the budget has a larger partial likelihood: the gradient, by differences
  loglik <- function(b) survival::coxph(y ~ d$x, init = b, control = survival::coxph.control(iter.max = 0), ties = "breslow")$loglik[1] / 60
  b <- spent$coef[, 1]
  g <- vapply(1:30, function(j) {
    h <- replace(numeric(30), j, 1e-4)
    (suppressWarnings(loglik(b + h)) - suppressWarnings(loglik(b - h))) / 2e-4
  }, 0) / sds(d$x)
  expect_lt(0.5 * max(abs(g)) - sum(g * b * sds(d$x)), 1e-5)
  expect_lt(spent$gap, 1e-8)
  y <- rgamma(60, 2, 2 / exp(d$eta))
  own <- budget(sparsepath(d$x, y, family = Gamma(link = "log")), 0.5, d$x, y)
  expect_equal(unname(own$norm), 0.5, tolerance = 1e-9)
  expect_identical(unname(own$gap), NA_real_)
})

test_that("ends and errors", {
  d <- budget_data(5)
  y <- d$eta + rnorm(60)
  fit <- sparsepath(d$x, y, lambda = c(1, 0.5, 0.2))
  expect_warning(out <- budget(fit, 1e3, d$x, y), class = "sparsepath_warning_s_outside")
  expect_equal(out$coef[, 1], coef(fit)[, 3])
  # a grid that starts below
  low <- sparsepath(d$x, y, lambda = c(0.1, 0.05))
  expect_equal(budget(low, c(0, 0.5), d$x, y)$coef, budget(sparsepath(d$x, y), c(0, 0.5), d$x, y)$coef, tolerance = 1e-8)
  expect_true(all(budget(low, 0, d$x, y)$coef[-1, ] == 0))
  expect_refused(budget(fit, -1, d$x, y), "range")
  expect_refused(budget(fit, 1), "missing_argument")
  expect_refused(budget(fit, x = d$x, y = y), "missing_argument")
  expect_refused(budget(1, 1, d$x, y), "type")
  expect_refused(coef(fit, t = 1), "missing_argument")
  expect_refused(coef(fit, s = 1, t = 1), "unknown_argument")
  expect_refused(budget(fit, 1, d$x, y + 1e-3 * seq_along(y)), "data")
  expect_refused(budget(sparsepath(d$x, y, alpha = 0.5), 1, d$x, y), "unavailable")
  expect_refused(budget(sparsepath(d$x, y, penalty = pen_group(rep(1:10, 3))), 1, d$x, y), "unavailable")
  expect_refused(budget(sparsepath(d$x, y, lower.limits = 0), 1, d$x, y), "unavailable")
})
