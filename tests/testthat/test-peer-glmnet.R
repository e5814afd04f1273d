# glmnet at its tightest tolerance is a second opinion: same grids, same coefficients, same early stops, same fields.

setup <- function(family, n = 60, p = 100) {
  d <- make_problem(n, p, "ar", 0.4, snr = 1, seed = 1001, family = family)
  d$pf <- with_seed(1002, runif(p, 0.2, 2))
  d$pf0 <- replace(replace(d$pf, c(2, 7), 0), c(5, 9), Inf)
  d
}

settings <- function(d) {
  list(
    list(), list(alpha = 0.5), list(alpha = 0.05), list(alpha = 0), list(weights = d$w), list(offset = d$o),
    list(alpha = 0.5, weights = d$w, offset = d$o), list(intercept = FALSE), list(standardize = FALSE),
    list(intercept = FALSE, standardize = FALSE, alpha = 0.5, weights = d$w), list(penalty.factor = d$pf),
    list(penalty.factor = d$pf0), list(penalty.factor = d$pf, alpha = 0.5, exclude = c(1, 20)), list(exclude = c(1, 20)),
    list(lower.limits = -0.1, upper.limits = 0.2), list(lower.limits = 0), list(lower.limits = 0, alpha = 0.5),
    list(lower.limits = -0.05, upper.limits = 0.05, alpha = 0.05, weights = d$w)
  )
}

# glmnet's answer is compared as far as its own optimality reaches: coefficients where its KKT excess is tiny
for (family in c("gaussian", "binomial", "poisson")) {
  for (kind in c("wide", "tall", "sparse")) {
    test_that(paste("grids, coefficients and early stops equal glmnet's:", family, kind), {
      skip_unless_glmnet()
      d <- setup(family, if (kind == "tall") 150 else 60, if (kind == "tall") 30 else 100)
      x <- d$x
      if (kind == "sparse") x <- Matrix::Matrix(x * (abs(x) > 1), sparse = TRUE)
      for (s in settings(d)) {
        label <- paste(family, kind, paste(names(s), collapse = " "), s$alpha)
        g <- do.call(glmnet_tight, c(list(x, d$y, family), s))
        f <- do.call(sparsepath, c(list(x, d$y, family = family), s))
        first <- if (identical(s$alpha, 0)) 2L else 1L # glmnet reports the null model at its first lambda, which is not the solution for alpha = 0
        m <- min(length(f$lambda), length(g$lambda))
        e <- max(abs(f$lambda[1:m] / g$lambda[1:m] - 1))
        expect(e < 1e-10, sprintf("%s: lambda differs by %.1e", label, e))
        # the rule for stopping compares a difference with a bound: allow one step where the two meet it within rounding
        expect(abs(length(f$lambda) - length(g$lambda)) <= 1, sprintf("%s: %d lambdas, glmnet has %d", label, length(f$lambda), length(g$lambda)))
        i <- first:m
        v <- do.call(verify_fit, c(list(list(lambda = g$lambda[i], a0 = g$a0[i], beta = g$beta[, i])), list(x, d$y, family), s))
        bf <- as.matrix(f$beta)[, i]
        bg <- as.matrix(g$beta)[, i]
        e <- max(abs(bf - bg)) / max(abs(bg))
        tol <- max(1e-6, 1000 * max(v$kkt))
        expect(e < tol, sprintf("%s: coefficients differ by %.1e of the largest (glmnet's KKT excess %.1e)", label, e, max(v$kkt)))
        e <- max(abs(f$dev.ratio[i] - g$dev.ratio[i]))
        expect(e < 1e-7, sprintf("%s: dev.ratio differs by %.1e", label, e))
        expect(abs(f$nulldev / g$nulldev - 1) < 1e-10, sprintf("%s: nulldev %g, glmnet %g", label, f$nulldev, g$nulldev))
        expect(identical(names(f$a0), paste0("s", seq_along(f$a0) - 1)), paste(label, ": names of a0"))
      }
    })
  }
}

test_that("glmnet's stopping rules give the same path length", {
  skip_unless_glmnet()
  for (seed in 1:6) {
    d <- make_problem(40, 120, snr = c(50, 3, 0.3)[1 + seed %% 3], seed = 1010 + seed)
    for (s in list(list(), list(alpha = 0.5), list(weights = d$w), list(lambda.min.ratio = 1e-4), list(nlambda = 30))) {
      g <- do.call(glmnet_tight, c(list(d$x, d$y), s))
      f <- do.call(sparsepath, c(list(d$x, d$y), s))
      expect_identical(length(f$lambda), length(g$lambda))
      # a grid of one's own is honoured in full
      h <- do.call(sparsepath, c(list(d$x, d$y, lambda = f$lambda[1] * 10^seq(0, -3, length.out = 50)), s[setdiff(names(s), c("nlambda", "lambda.min.ratio"))]))
      expect_identical(length(h$lambda), 50L)
    }
    b <- as.double(d$y > 0)
    g <- glmnet_tight(d$x, b, "binomial")
    f <- sparsepath(d$x, b, family = "binomial")
    expect_identical(length(f$lambda), length(g$lambda))
  }
  # switched off in both
  d <- make_problem(40, 120, snr = 50, seed = 1020)
  g <- suppressWarnings(glmnet::glmnet(d$x, d$y, control = list(fdev = 0, devmax = 1, thresh = 1e-14, maxit = 1e7)))
  f <- sparsepath(d$x, d$y, control = sparsepath.control(fdev = 0, devmax = 1))
  expect_identical(length(f$lambda), 100L)
  expect_equal(f$lambda[seq_along(g$lambda)], g$lambda, tolerance = 1e-10)
})

test_that("two-column counts, factors and unsorted lambda are understood alike", {
  skip_unless_glmnet()
  d <- setup("binomial")
  counts <- with_seed(1030, cbind(rpois(60, 4) + 1, rpois(60, 4)))
  y <- factor(c("b", "a")[1 + d$y])
  for (yy in list(counts, y)) {
    g <- glmnet_tight(d$x, yy, "binomial", weights = d$w)
    f <- sparsepath(d$x, yy, family = "binomial", weights = d$w)
    m <- seq_len(min(length(f$lambda), length(g$lambda)))
    expect_equal(f$lambda[m], g$lambda[m], tolerance = 1e-10)
    expect_lt(max(abs(f$beta[, m] - g$beta[, m])), 1e-6 * max(abs(g$beta)))
    if (is.factor(yy)) expect_identical(f$classnames, g$classnames)
  }
  g <- glmnet_tight(d$x, d$y, "binomial", lambda = c(0.01, 0.2, 0.05))
  f <- sparsepath(d$x, d$y, family = "binomial", lambda = c(0.01, 0.2, 0.05))
  expect_equal(f$lambda, g$lambda)
})

test_that("real data: colon", {
  skip_unless_glmnet()
  d <- colon_data()
  for (family in c("gaussian", "binomial")) {
    y <- if (family == "gaussian") d$z else d$y
    g <- glmnet_tight(d$x, y, family, thresh = if (family == "gaussian") 1e-18 else 1e-20)
    f <- sparsepath(d$x, y, family = family)
    m <- seq_len(min(length(f$lambda), length(g$lambda)))
    expect_lte(abs(length(f$lambda) - length(g$lambda)), 1)
    expect_equal(f$lambda[m], g$lambda[m], tolerance = 1e-10)
    # control probes are copied in this array: compare fitted values
    e <- as.matrix(d$x %*% (f$beta[, m] - g$beta[, m])) + rep(f$a0[m] - g$a0[m], each = 62)
    expect_lt(max(abs(e)), 1e-5)
    expect_equal(f$dev.ratio[m], g$dev.ratio[m], tolerance = 1e-6)
  }
})
