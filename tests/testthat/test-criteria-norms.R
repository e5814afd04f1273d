# Likelihood of several responses against lm(); degrees of freedom with norms and of Cox fits against derivatives taken numerically.

p <- make_problem(60, 8, seed = 41)
Y <- with_seed(44, cbind(u = p$y, v = rnorm(60) - p$y / 3, w = p$x[, 1] + rnorm(60)))

# multivariate normal likelihood at the estimates of lm(), written out
normal_loglik <- function(r, w = rep(1, nrow(r))) {
  S <- crossprod(r, w * r) / nrow(r)
  sum(vapply(seq_len(nrow(r)), function(i) {
    V <- S / w[i]
    -(ncol(r) * log(2 * pi) + log(det(V)) + drop(r[i, ] %*% solve(V, r[i, ]))) / 2
  }, 0))
}

test_that("several responses: the likelihood has the covariance of the residuals", {
  m <- lm(Y ~ p$x)
  f <- sparsepath(p$x, Y, family = "mgaussian", lambda = 0)
  l <- suppressWarnings(logLik(f))
  expect_equal(as.vector(l), normal_loglik(residuals(m)), tolerance = 1e-10)
  expect_identical(attr(l, "df"), 9 * 3 + 6)
  expect_identical(attr(l, "nobs"), 60L)
  m <- lm(Y - p$o ~ p$x, weights = p$w)
  f <- sparsepath(p$x, Y, family = "mgaussian", lambda = 0, weights = p$w, offset = cbind(p$o, p$o, p$o))
  expect_equal(as.vector(suppressWarnings(logLik(f))), normal_loglik(residuals(m), p$w), tolerance = 1e-9)
  # independent errors with known standard deviations: the sum over the responses
  path <- sparsepath(p$x, Y, family = "mgaussian", standardize.response = TRUE, nlambda = 5)
  fitted <- predict(path, p$x)
  l <- suppressWarnings(logLik(path, sigma = c(1, 2, 3)))
  mine <- vapply(seq_along(path$lambda), function(k) sum(dnorm(Y, fitted[, , k], rep(1:3, each = 60), log = TRUE)), 0)
  expect_equal(as.vector(l), mine, tolerance = 1e-10)
  expect_identical(attr(l, "df"), as.double(colSums(path$dfmat)) + 3)
  expect_refused(logLik(path, sigma = c(1, 2)), "length")
  expect_refused(logLik(path, sigma = c(1, 0, 2)), "range")
})

test_that("several responses: criteria", {
  f <- sparsepath(p$x, Y, family = "mgaussian", nlambda = 30)
  k <- effective_df(f, x = p$x)
  l <- logLik(f, x = p$x)
  expect_equal(attr(l, "df"), as.vector(k) + 3 + 6)
  expect_equal(unname(BIC(f, x = p$x)), -2 * as.vector(l) + log(60) * attr(l, "df"))
  expect_equal(unname(EBIC(f, x = p$x, gamma = 0.5)), unname(BIC(f, x = p$x)) +
    (lgamma(9) - lgamma(k / 3 + 1) - lgamma(8 - k / 3 + 1)), ignore_attr = TRUE)
  # Bedrick and Tsai (1994): n log|S| + n K log(2 pi) + d (q + ...) with q coefficients for each response
  q <- as.vector(k) / 3 + 1
  aicc <- -2 * as.vector(l) + 2 * (3 * q + 6) * 60 / (60 - q - 3 - 1)
  s <- select_lambda(f, "AICc", x = p$x)
  expect_equal(s$table$value, aicc)
  expect_identical(s$index, which.min(aicc))
  # a response more does not make a fit saturated that is none
  expect_true(all(s$table$eligible))
  g <- sparsepath(p$x, Y, family = "mgaussian", nlambda = 5, relax = TRUE)
  last <- length(g$relaxed$lambda)
  expect_equal(as.vector(suppressWarnings(logLik(g$relaxed)))[last], normal_loglik(Y - predict(g, p$x, gamma = 0)[, , last]), tolerance = 1e-8)
})

# sum over responses of d fit / d y, by central differences
slope_trace <- function(fit, Y, h = 1e-4) {
  total <- 0
  for (i in seq_along(Y)) {
    moved <- lapply(c(h, -h), function(step) fit(replace(Y, i, Y[i] + step)))
    at <- arrayInd(i, dim(as.matrix(Y)))
    cell <- function(m) if (length(dim(m)) == 3L) m[at[1], at[2], ] else m[at[1], ]
    total <- total + (cell(moved[[1]]) - cell(moved[[2]])) / (2 * h)
  }
  unname(total)
}

test_that("least squares with norms: degrees of freedom are the divergence of the fit", {
  x <- p$x[1:30, ]
  Y2 <- Y[1:30, 1:2]
  w <- p$w[1:30]
  sharp <- list(thresh = 1e-12)
  lambda <- c(0.6, 0.2, 0.02)
  for (alpha in c(1, 0.6)) {
    fit <- function(Y) sparsepath(x, Y, family = "mgaussian", alpha = alpha, weights = w, lambda = lambda, control = sharp)
    f <- fit(Y2)
    expect_gt(min(f$df), 0)
    expect_equal(unname(c(effective_df(f, x, w))), slope_trace(function(Y) predict(fit(Y), x), Y2) - 2, tolerance = 1e-5, ignore_attr = TRUE)
  }
  # the ridge part of a gaussian fit depends on the spread of y, which is taken as given: alpha = 1
  for (penalty in list(pen_group(rep(1:4, 2)), pen_sparse_group(rep(1:4, 2), 0.3))) {
    fit <- function(y) sparsepath(x, y, penalty = penalty, lambda = lambda, control = sharp)
    f <- fit(Y2[, 1])
    k <- effective_df(f, x)
    expect_identical(attr(k, "method"), "trace")
    expect_equal(unname(c(k)), slope_trace(function(y) predict(fit(y), x), Y2[, 1]) - 1, tolerance = 1e-5, ignore_attr = TRUE)
  }
})

test_that("ridge of several responses is one ridge each", {
  f <- sparsepath(p$x, Y, family = "mgaussian", alpha = 0, lambda = c(2, 0.2), standardize.response = TRUE)
  x <- scale(p$x, scale = FALSE)
  x <- x / rep(sqrt(colMeans(x^2)), each = 60)
  d2 <- svd(x)$d^2 / 60
  expect_equal(unname(c(effective_df(f, p$x))), 3 * colSums(d2 / outer(d2, f$lambda, "+")), tolerance = 1e-10, ignore_attr = TRUE)
})

# trace of (H + P)^+ H from numerical second derivatives; `par` has the intercepts first
numeric_trace <- function(par, loss, penalty, rank) {
  H <- optimHess(par, loss, control = list(ndeps = rep(1e-4, length(par))))
  P <- optimHess(par, penalty, control = list(ndeps = rep(1e-4, length(par))))
  e <- eigen(H + P, TRUE)
  keep <- e$values > 1e-6 * max(e$values)
  u <- e$vectors[, keep]
  sum(diag(u %*% (crossprod(u, H) / e$values[keep]))) - rank
}

test_that("classes that are selected together", {
  g <- with_seed(45, factor(ifelse(p$y > median(p$y), "a", sample(c("b", "c"), 60, TRUE))))
  f <- sparsepath(p$x, g, family = "multinomial", type.multinomial = "grouped", alpha = 0.8, lambda = c(0.1, 0.03), standardize = FALSE)
  k <- effective_df(f, p$x)
  for (l in 1:2) {
    at <- which(f$beta[[1]][, l] != 0)
    expect_gt(length(at), 0)
    B <- vapply(f$beta, function(b) b[at, l], double(length(at)))
    loss <- function(par) {
      eta <- cbind(1, p$x[, at]) %*% matrix(par, ncol = 3)
      mean(log(rowSums(exp(eta))) - eta[cbind(1:60, as.integer(g))])
    }
    penalty <- function(par) {
      b <- matrix(par, ncol = 3)[-1, , drop = FALSE]
      f$lambda[l] * sum(0.8 * sqrt(rowSums(b^2)) + 0.1 * rowSums(b^2))
    }
    expect_equal(k[[l]], numeric_trace(as.vector(rbind(f$a0[, l], B)), loss, penalty, 2), tolerance = 1e-4)
  }
  expect_true(all(k <= 2 * f$df + 1e-9))
})

test_that("Cox: the trace is that of coxph() with a ridge", {
  skip_if_not_installed("survival")
  survival <- asNamespace("survival")
  y <- with_seed(46, survival$Surv(ceiling(8 * rexp(60, exp(p$x[, 1]))), rbinom(60, 1, 0.7)))
  for (ties in c("breslow", "efron")) {
    f <- sparsepath(p$x, y, alpha = 0, lambda = c(1, 0.1), standardize = FALSE, cox.ties = ties)
    k <- effective_df(f, p$x, y = y)
    expect_identical(attr(k, "method"), "trace")
    for (l in 1:2) {
      theta <- 60 * f$lambda[l]
      e <- new.env(parent = survival)
      list2env(list(y = y, x = p$x, theta = theta, ties = ties), e)
      r <- eval(quote(coxph(y ~ ridge(x, theta = theta, scale = FALSE), ties = ties)), e)
      expect_equal(unname(as.matrix(f$beta)[, l]), unname(coef(r)), tolerance = 1e-4)
      expect_equal(k[[l]], sum(r$df), tolerance = 1e-4)
    }
  }
  # more columns than rows: the same by numbers of coordinates
  wide <- make_problem(25, 60, seed = 47)
  y <- with_seed(48, cbind(time = rexp(25), status = rbinom(25, 1, 0.8)))
  f <- sparsepath(wide$x, y, family = "cox", alpha = 0.1, lambda = c(0.5, 0.1), penalty.factor = c(0, rep(1, 59)), weights = wide$w)
  k <- effective_df(f, wide$x, wide$w, y = y)
  w <- wide$w / sum(wide$w)
  x <- wide$x - rep(colSums(w * wide$x), each = 25)
  x <- x / rep(sqrt(colSums(w * x^2)), each = 25)
  for (l in 1:2) {
    at <- which(f$beta[, l] != 0)
    par <- f$beta[at, l] * sqrt(colSums(w * (wide$x - rep(colSums(w * wide$x), each = 25))^2))[at]
    loss <- function(par) {
      eta <- drop(x[, at] %*% par)
      dead <- which(y[, "status"] == 1)
      sum(vapply(dead, function(i) w[i] * (log(sum((w * exp(eta))[y[, "time"] >= y[i, "time"]])) - eta[i]), 0))
    }
    penalty <- function(par) f$lambda[l] * 0.9 / 2 * sum((c(0, rep(60 / 59, 59))[at]) * par^2)
    expect_equal(k[[l]], numeric_trace(par, loss, penalty, 0), tolerance = 1e-4)
  }
  expect_refused(effective_df(f, wide$x, wide$w), "missing_argument")
})

test_that("no attempt at a dense matrix of many gigabytes", {
  x <- Matrix::sparseMatrix(i = 1:3, j = 1:3, x = 1, dims = c(3e5, 3e5))
  e <- expect_refused(dense_columns(x, seq_len(3e5), quote(effective_df())), "nomem")
  expect_match(conditionMessage(e), "300000 x 300000")
})
