# glmnet's Cox models at a tight tolerance: grids, coefficients, stops, cross-validation curves.

cox_tight <- function(..., thresh = 1e-14) suppressWarnings(glmnet::glmnet(..., family = "cox", control = list(thresh = thresh, maxit = 1e6)))

# stop where glmnet stops being exact: compared as far as its own optimality, judged by the verifier, reaches
compare <- function(label, x, y, strata = NULL, ties = "breslow", ...) {
  yg <- survival::Surv(y[, 1], y[, 2])
  if (ncol(y) == 3) yg <- survival::Surv(y[, 1], y[, 2], y[, 3])
  g <- cox_tight(x, if (is.null(strata)) yg else glmnet::stratifySurv(yg, strata), cox.ties = ties, nlambda = 50, lambda.min.ratio = 0.02, ...)
  f <- sparsepath(x, if (is.null(strata)) yg else stratify(yg, strata), cox.ties = ties, nlambda = 50, lambda.min.ratio = 0.02, ...)
  a <- list(...)
  first <- if (identical(a$alpha, 0)) 2L else 1L # glmnet reports the null model at its first lambda
  m <- min(length(f$lambda), length(g$lambda))
  expect_gt(m, 20)
  e <- max(abs(f$lambda[1:m] / g$lambda[1:m] - 1))
  expect(e < 1e-9, sprintf("%s: lambda differs by %.1e", label, e))
  i <- first:m
  e <- max(abs(f$beta[, i] - g$beta[, i])) / max(abs(g$beta))
  expect(e < 1e-4, sprintf("%s: coefficients differ by %.1e of the largest", label, e))
  e <- max(abs(f$dev.ratio[i] - g$dev.ratio[i]))
  expect(e < 1e-5, sprintf("%s: dev.ratio differs by %.1e", label, e))
}

d <- make_cox(80, 40, "ar", 0.3, seed = 2401)

for (ties in c("breslow", "efron")) {
  test_that(paste("grids and coefficients equal glmnet's:", ties), {
    skip_unless_glmnet()
    skip_if_not_installed("survival")
    pf <- with_seed(2402, replace(runif(40, 0.3, 2), c(2, 9), c(0, Inf)))
    for (s in list(
      list(), list(alpha = 0.5), list(alpha = 0.05), list(alpha = 0), list(weights = d$w), list(offset = d$o), list(standardize = FALSE),
      list(penalty.factor = pf), list(exclude = c(1, 5), alpha = 0.7), list(lower.limits = -0.1, upper.limits = 0.15), list(weights = d$w, offset = d$o, alpha = 0.3)
    )) {
      do.call(compare, c(list(paste(ties, paste(names(s), collapse = " "), s$alpha), d$x, d$y, NULL, ties), s))
    }
    compare(paste(ties, "sparse"), Matrix::Matrix(d$x * (abs(d$x) > 0.8), sparse = TRUE), d$y, NULL, ties)
  })

  test_that(paste("strata and entry times:", ties), {
    skip_unless_glmnet()
    skip_if_not_installed("survival")
    compare(paste(ties, "entry"), d$x, d$yc, NULL, ties)
    compare(paste(ties, "entry, weights"), d$x, d$yc, NULL, ties, weights = d$w, alpha = 0.5)
    compare(paste(ties, "strata"), d$x, d$y, d$strata, ties)
    compare(paste(ties, "strata, weights"), d$x, d$y, d$strata, ties, weights = d$w, alpha = 0.5)
    compare(paste(ties, "entry and strata"), d$x, d$yc, d$strata, ties)
  })
}

test_that("cross-validation curves equal cv.glmnet's: deviance, grouped or not, and C-index", {
  skip_unless_glmnet()
  skip_if_not_installed("survival")
  y <- survival::Surv(d$time, d$status)
  for (s in list(list(), list(weights = d$w), list(offset = d$o))) {
    lambda <- do.call(sparsepath, c(list(d$x, y, nlambda = 30, lambda.min.ratio = 0.05), s))$lambda
    for (m in list(list(), list(grouped = FALSE), list(type.measure = "C"))) {
      label <- paste(c(names(s), names(m)), collapse = " ")
      g <- suppressWarnings(do.call(glmnet::cv.glmnet, c(
        list(d$x, y, family = "cox", foldid = d$fold, lambda = lambda, cox.ties = "breslow"), s, m, list(control = list(thresh = 1e-14, maxit = 1e6))
      )))
      f <- do.call(cv.sparsepath, c(list(d$x, y, family = "cox", foldid = d$fold, lambda = lambda), s, m))
      expect_equal(f$lambda, g$lambda, tolerance = 1e-12)
      tol <- if (identical(m$type.measure, "C")) 5e-3 else 1e-5 # steps: one swapped pair
      expect(max(abs(f$cvm / g$cvm - 1)) < tol, sprintf("%s: cvm differs by %.1e", label, max(abs(f$cvm / g$cvm - 1))))
      expect(max(abs(f$cvsd - g$cvsd)) < 10 * tol * max(g$cvsd), sprintf("%s: cvsd differs by %.1e", label, max(abs(f$cvsd - g$cvsd)) / max(g$cvsd)))
      if (tol < 1e-3) {
        expect_equal(f$lambda.min, g$lambda.min)
        expect_equal(f$lambda.1se, g$lambda.1se)
      }
      expect_identical(unname(f$name), unname(g$name))
    }
  }
})

test_that("survival curves equal glmnet's", {
  skip_unless_glmnet()
  skip_if_not_installed("survival")
  y <- survival::Surv(d$time, d$status)
  g <- cox_tight(d$x, y, cox.ties = "efron", lambda = c(0.1, 0.05))
  f <- sparsepath(d$x, y, cox.ties = "efron", lambda = c(0.1, 0.05))
  a <- survival::survfit(f, newx = d$x[1:3, ], s = 0.05)
  b <- survival::survfit(g, s = 0.05, x = d$x, y = y, newx = d$x[1:3, ])
  expect_equal(unname(a$surv), unname(b$surv), tolerance = 1e-6)
  expect_equal(a$time, b$time)
})
