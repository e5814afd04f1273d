# Likelihood and criteria against lm() and glm(); degrees of freedom against hat matrices written out.

p <- make_problem(60, 8, seed = 41)
d <- data.frame(p$x, y = p$y, w = p$w, o = p$o, z = as.double(p$y > 0))
all <- reformulate(paste0("X", 1:8), "y")

test_that("at lambda = 0 likelihood and criteria are those of lm() and glm()", {
  same <- function(fit, reference) {
    l <- logLik(fit)
    r <- logLik(reference)
    expect_equal(as.vector(l), as.vector(r), tolerance = 1e-8)
    expect_equal(attr(l, "df"), attr(r, "df"))
    expect_equal(attr(l, "nobs"), attr(r, "nobs"))
    expect_equal(unname(AIC(fit)), AIC(reference), tolerance = 1e-8)
    expect_equal(unname(AIC(fit, k = 3)), AIC(reference, k = 3), tolerance = 1e-8)
    expect_equal(unname(BIC(fit)), BIC(reference), tolerance = 1e-8)
  }
  same(sparsepath(all, d, lambda = 0), lm(all, d))
  same(sparsepath(all, d, lambda = 0, weights = w, offset = o), lm(all, d, weights = w, offset = o))
  d$w0 <- replace(d$w, 1:4, 0)
  same(sparsepath(all, d, lambda = 0, weights = w0), lm(all, d, weights = w0))
  same(sparsepath(p$x, p$y, lambda = 0, intercept = FALSE), lm(p$y ~ p$x - 1))
  few <- reformulate(paste0("X", 1:3), "z")
  same(sparsepath(few, d, family = "binomial", lambda = 0), glm(few, binomial, d))
  d$m <- with_seed(1, rpois(60, 4) + 1)
  d$k <- with_seed(2, rbinom(60, d$m, 0.4))
  counts <- cbind(m - k, k) ~ X1 + X2
  r <- glm(cbind(k, m - k) ~ X1 + X2, binomial, d)
  same(sparsepath(counts, d, family = "binomial", lambda = 0), r)
  same(sparsepath(I(k / m) ~ X1 + X2, d, family = "binomial", lambda = 0, weights = m), r)
})

test_that("known sigma", {
  f <- sparsepath(p$x, p$y)
  l <- logLik(f, sigma = 1.5)
  fitted <- predict(f, p$x)
  expect_equal(as.vector(l), unname(colSums(dnorm(p$y - fitted, sd = 1.5, log = TRUE))), tolerance = 1e-10)
  expect_equal(attr(l, "df"), f$df + 1)
  expect_refused(logLik(f, sigma = 0), "range")
  expect_refused(logLik(sparsepath(p$x, d$z, family = "binomial"), sigma = 1), "unknown_argument")
})

test_that("criteria are their formulas", {
  wide <- make_problem(40, 100, seed = 42)
  f <- sparsepath(wide$x, wide$y)
  k <- f$df + 2
  ll <- as.vector(logLik(f))
  bic <- -2 * ll + k * log(40)
  expect_equal(unname(EBIC(f, gamma = 0.5)), bic + lchoose(100, f$df))
  expect_equal(unname(EBIC(f, gamma = 0)), bic)
  value <- list(AIC = -2 * ll + 2 * k, BIC = bic, EBIC = bic + 2 * lchoose(100, f$df), AICc = -2 * ll + 2 * k + 2 * k * (k + 1) / (40 - k - 1))
  for (criterion in names(value)) {
    s <- select_lambda(f, criterion)
    v <- value[[criterion]]
    v[if (criterion == "AICc") k >= 39 else k >= 40] <- Inf
    expect_identical(s$index, which.min(v))
    expect_identical(s$lambda, f$lambda[s$index])
    expect_equal(s$value, min(v))
    expect_identical(s$method, "nonzero")
  }
  expect_output(print(s), "AICc")
  expect_lte(select_lambda(f, "EBIC")$df, select_lambda(f, "AIC")$df)
  cv <- cv.sparsepath(wide$x, wide$y, foldid = rep_len(1:5, 40))
  expect_identical(AIC(cv), AIC(f))
  expect_identical(select_lambda(cv)$lambda, select_lambda(f)$lambda)
  expect_refused(select_lambda(1), "type")
  expect_refused(select_lambda(f, "GCV"), "choice")
})

# trace of the map from y to the fit on the free columns, by solve()
hat_trace <- function(x, q, ridge, intercept) {
  m <- if (intercept) cbind(1, x) else x
  ridge <- c(if (intercept) 0, ridge)
  h <- m %*% solve(crossprod(m, q * m) + diag(ridge, length(ridge)), t(q * m))
  sum(diag(h)) - intercept
}

test_that("the trace is that of the hat matrix", {
  for (family in c("gaussian", "binomial")) for (alpha in c(0, 0.4)) for (intercept in c(TRUE, FALSE)) for (standardize in c(TRUE, FALSE)) {
    y <- if (family == "gaussian") p$y else d$z
    pf <- c(0, 1, 2, 1, 0.5, 1, 1, 1)
    f <- sparsepath(p$x, y, family = family, alpha = alpha, weights = p$w, penalty.factor = pf, intercept = intercept,
      standardize = standardize, lambda = c(1, 0.1, 0.01))
    w <- p$w / sum(p$w)
    centre <- colSums(w * p$x)
    sd <- sqrt(colSums(w * (p$x - rep(centre, each = 60))^2))
    x <- if (standardize) p$x / rep(sd, each = 60) else p$x
    v <- pf * 8 / sum(pf)
    sy <- if (family == "binomial") 1 else if (intercept) sqrt(sum(w * (y - sum(w * y))^2)) else sqrt(sum(w * y^2))
    mine <- effective_df(f, p$x, p$w)
    for (l in 1:3) {
      a <- which(f$beta[, l] != 0)
      mu <- if (family == "binomial") plogis(predict(f, p$x)[, l])
      q <- if (family == "binomial") w * mu * (1 - mu) else w
      expect_equal(mine[[l]], hat_trace(x[, a, drop = FALSE], q, f$lambda[l] * (1 - alpha) * v[a] / sy, intercept), tolerance = 1e-8)
    }
    expect_identical(attr(mine, "method"), "trace")
  }
})

test_that("more columns than rows; limits; what is used without data", {
  wide <- make_problem(30, 80, seed = 43)
  f <- sparsepath(wide$x, wide$y, alpha = 0, lambda = c(10, 1, 0.1))
  sy <- sqrt(mean((wide$y - mean(wide$y))^2))
  x <- scale(wide$x, scale = FALSE)
  x <- x / rep(sqrt(colMeans(x^2)), each = 30)
  d2 <- svd(x)$d^2 / 30
  expect_equal(unname(effective_df(f, wide$x))[1:3], colSums(d2 / outer(d2, f$lambda / sy, "+")), tolerance = 1e-8, ignore_attr = TRUE)
  w <- warnings_of(k <- effective_df(f))
  expect_s3_class(w[[1]], "sparsepath_warning_df")
  expect_identical(attr(k, "method"), "nonzero")
  expect_identical(unname(c(k)), c(80, 80, 80))
  expect_silent(effective_df(sparsepath(wide$x, wide$y)))
  bound <- sparsepath(p$x, p$y, upper.limits = 0.05, lower.limits = -0.05, lambda = 0)
  expect_identical(as.vector(effective_df(bound)), as.double(sum(abs(bound$beta) < 0.05 - 1e-9 & bound$beta != 0)))
  expect_lt(as.vector(effective_df(bound)), bound$df)
  expect_refused(effective_df(f, wide$x[1:5, ]), "data")
  expect_refused(effective_df(sparsepath(p$x, p$y, alpha = 0.5, weights = p$w), p$x), "missing_argument")
})
