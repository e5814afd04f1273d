# Adaptive lasso: factors by hand, and anew in every fold.

responses <- function(d) {
  size <- as.double(scale(d$y))
  list(gaussian = d$y, binomial = as.double(size > 0), poisson = round(exp(0.7 * size + 0.5)))
}

test_that("factors are powers of the initial coefficients, in standardized units", {
  d <- make_problem(50, 20, seed = 3)
  d$x <- sweep(d$x, 2, rep(c(1, 4), 10), `*`)
  s <- apply(d$x, 2, function(z) sqrt(mean((z - mean(z))^2)))
  b <- with_seed(1, rnorm(20))
  b[c(3, 7)] <- 0
  for (power in c(0.5, 1, 2)) {
    f <- sparsepath(d$x, d$y, penalty = pen_adaptive(b, power))
    g <- sparsepath(d$x, d$y, penalty.factor = 1 / abs(b * s)^power)
    expect_same_fit(f, g)
    expect_true(all(f$beta[c(3, 7), ] == 0))
    f <- sparsepath(d$x, d$y, penalty = pen_adaptive(b, power), standardize = FALSE)
    expect_same_fit(f, sparsepath(d$x, d$y, penalty.factor = 1 / abs(b)^power, standardize = FALSE))
  }
  v <- rep(c(0, 1, 3, Inf), 5)
  f <- sparsepath(d$x, d$y, penalty = pen_adaptive(b), penalty.factor = v, exclude = 2, alpha = 0.8)
  w <- v / abs(b * s)
  w[v == 0] <- 0
  w[2] <- Inf
  expect_same_fit(f, sparsepath(d$x, d$y, penalty.factor = w, alpha = 0.8))
  expect_equal(f$penalty$factor, w)
})

test_that("univariate: coefficients of regressions on one variable", {
  d <- make_problem(50, 20, seed = 4)
  x <- sweep(d$x, 2, rep(c(1, 5), 10), `*`)
  single <- function(w) vapply(1:20, function(j) unname(coef(lm(d$y ~ x[, j], weights = w))[2]), 0)
  for (standardize in c(TRUE, FALSE)) {
    f <- sparsepath(x, d$y, weights = d$w, penalty = pen_adaptive("univariate"), standardize = standardize)
    g <- sparsepath(x, d$y, weights = d$w, penalty = pen_adaptive(single(d$w)), standardize = standardize)
    expect_same_fit(f, g, lambda = identity, tol = 1e-8)
  }
})

test_that("ridge and lasso: coefficients at the smallest error of the inner folds", {
  for (p in c(30, 150)) {
    d <- make_problem(60, p, seed = 5)
    inner <- integer(60)
    inner[order(d$y)] <- rep_len(1:5, 60)
    for (init in c("ridge", "lasso")) {
      ratio <- if (init == "ridge") 1e-6 else if (p > 60) 0.01 else 1e-4
      cv <- cv.sparsepath(d$x, d$y, alpha = if (init == "lasso") 1 else 0, foldid = inner, nlambda = 50, lambda.min.ratio = ratio)
      # a minimum, not the end of the grid
      expect_gt(cv$index["min", 1], 1)
      expect_lt(cv$index["min", 1], length(cv$lambda))
      b <- coef(cv, s = "lambda.min")[-1, 1]
      expect_same_fit(sparsepath(d$x, d$y, penalty = pen_adaptive(init)), sparsepath(d$x, d$y, penalty = pen_adaptive(b)), tol = 1e-6,
        lambda = function(l) l)
    }
  }
})

test_that("cross-validation makes the initial estimate anew from the training rows: a loop by hand", {
  d <- make_problem(75, 25, seed = 6)
  y <- responses(d)
  for (family in names(y)) {
    for (init in c("univariate", "ridge", "lasso")) {
      cv <- cv.sparsepath(d$x, y[[family]], family = family, weights = d$w, penalty = pen_adaptive(init), foldid = d$fold, keep = TRUE, nlambda = 20)
      expect_true(all(cv$fit$status == 0))
      for (k in c(1, 4)) {
        train <- d$fold != k
        f <- sparsepath(d$x[train, ], y[[family]][train], family, weights = d$w[train], penalty = pen_adaptive(init), lambda = cv$fit$lambda)
        p <- unname(predict(f, d$x[!train, ], s = cv$fit$lambda))
        expect_lt(max(abs(unname(cv$fit.preval[!train, ]) - p)), if (init == "univariate") 1e-9 else 1e-6)
      }
      # the held-out responses have no part in a fold: change them, and its predictions stay
      if (init == "univariate") {
        z <- y[[family]]
        z[d$fold == 1] <- rev(z[d$fold == 1])
        again <- cv.sparsepath(d$x, z, family = family, weights = d$w, penalty = pen_adaptive(init), foldid = d$fold, keep = TRUE, lambda = cv$fit$lambda)
        expect_equal(again$fit.preval[d$fold == 1, ], cv$fit.preval[d$fold == 1, ], tolerance = 1e-9)
      }
    }
  }
})

test_that("cox", {
  skip_if_not_installed("survival")
  d <- make_problem(75, 25, seed = 7)
  y <- survival::Surv(with_seed(1, rexp(75, exp(drop(scale(d$y))))), rep(c(1, 1, 0), 25))
  for (init in c("univariate", "ridge")) {
    cv <- cv.sparsepath(d$x, y, family = "cox", penalty = pen_adaptive(init), foldid = d$fold, keep = TRUE, nlambda = 20)
    train <- d$fold != 2
    f <- sparsepath(d$x[train, ], y[train], "cox", penalty = pen_adaptive(init), lambda = cv$fit$lambda)
    expect_lt(max(abs(unname(cv$fit.preval[!train, ]) - unname(predict(f, d$x[!train, ], s = cv$fit$lambda)))), 1e-6)
    expect_lt(max(kkt(cv, d$x, y)$rel.gap), 1e-7)
  }
})

test_that("kkt(), exact refits and printing use the factors of the fit", {
  d <- make_problem(50, 20, seed = 8)
  f <- sparsepath(d$x, d$y, penalty = pen_adaptive("lasso"), nlambda = 20)
  expect_lt(max(kkt(f, d$x, d$y)$rel.gap), 1e-9)
  s <- sqrt(f$lambda[6] * f$lambda[7])
  g <- sparsepath(d$x, d$y, penalty.factor = f$penalty$factor, lambda = s)
  expect_equal(unname(coef(f, s = s, exact = TRUE, x = d$x, y = d$y)[, 1]), unname(coef(g)[, 1]), tolerance = 1e-8)
  expect_output(print(summary(f)), "adaptive lasso, initial estimate lasso")
  expect_output(print(pen_adaptive()), "ridge")
})

test_that("errors", {
  d <- make_problem(20, 5, seed = 1)
  expect_refused(pen_adaptive("ols"), "choice")
  expect_refused(pen_adaptive(power = 0), "range")
  expect_refused(pen_adaptive(c(1, NA)), "nonfinite")
  expect_refused(sparsepath(d$x, d$y, penalty = pen_adaptive(1:3)), "length")
  expect_refused(sparsepath(d$x, d$y, penalty = pen_adaptive(rep(0, 5))), "range")
})

test_that("one column is the lasso on that column, in cross-validation too", {
  d <- make_problem(30, 1, seed = 4)
  for (init in c("ridge", "lasso", "univariate")) {
    lasso <- sparsepath(d$x, d$y, nlambda = 20)
    f <- sparsepath(d$x, d$y, penalty = pen_adaptive(init), lambda = lasso$lambda)
    expect_equal(as.double(f$beta), as.double(lasso$beta), tolerance = 1e-10)
    cv <- cv.sparsepath(d$x, d$y, penalty = pen_adaptive(init), lambda = lasso$lambda, foldid = d$fold)
    expect_equal(cv$cvm, cv.sparsepath(d$x, d$y, lambda = lasso$lambda, foldid = d$fold)$cvm, tolerance = 1e-10)
  }
})
