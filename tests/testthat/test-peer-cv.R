# cv.glmnet with the same folds and lambdas, at its tightest tolerance.

for (family in c("gaussian", "binomial", "poisson")) {
  test_that(paste("cross-validation curves equal cv.glmnet's:", family), {
    skip_unless_glmnet()
    d <- make_problem(80, 60, "ar", 0.4, snr = 1, seed = 1101, family = family)
    ratio <- if (family == "poisson") 0.05 else NULL # towards saturation glmnet takes minutes and gets no closer
    measures <- switch(family,
      gaussian = c("mse", "mae"), binomial = c("deviance", "class", "auc", "mse", "mae"), poisson = c("deviance", "mse", "mae")
    )
    for (s in list(list(), list(weights = d$w), list(offset = d$o, alpha = 0.5))) {
      lambda <- do.call(sparsepath, c(list(d$x, d$y, family = family, nlambda = 40, lambda.min.ratio = ratio), s))$lambda
      for (m in measures) {
        g <- suppressWarnings(do.call(glmnet::cv.glmnet, c(
          list(d$x, d$y, family = family, foldid = d$fold, lambda = lambda, type.measure = m, keep = TRUE),
          s, list(control = list(thresh = 1e-18, maxit = 1e7, epsnr = 1e-16, mxitnr = 200))
        )))
        f <- do.call(cv.sparsepath, c(
          list(d$x, d$y, family = family, foldid = d$fold, lambda = lambda, type.measure = m, keep = TRUE), s
        ))
        label <- paste(family, m, paste(names(s), collapse = " "))
        k <- seq_len(min(length(f$lambda), length(g$lambda)))
        e <- max(abs(f$fit.preval[, k] - g$fit.preval[, k])) / max(abs(g$fit.preval[, k]))
        tol <- if (family == "poisson") 5e-4 else 1e-5 # the KKT excess of glmnet reaches 2e-5 here, of exp(eta)
        expect(e < tol, sprintf("%s: held-out predictors differ by %.1e", label, e))
        loose <- m %in% c("class", "auc") # steps: one swapped pair
        expect(max(abs(f$cvm[k] - g$cvm[k])) < if (loose) 0.01 else tol * max(g$cvm), paste(label, "cvm"))
        expect(max(abs(f$cvsd[k] - g$cvsd[k])) < if (loose) 0.01 else 10 * tol * max(g$cvsd), paste(label, "cvsd"))
        if (!loose) {
          expect_equal(f$lambda.min, g$lambda.min)
          expect_equal(f$lambda.1se, g$lambda.1se)
          expect_equal(as.vector(f$index), as.vector(g$index))
        }
        expect_identical(unname(f$name), unname(g$name))
        expect_identical(names(f$name), names(g$name))
        i <- k[-1] # at lambda_max itself the first variable is in or out by rounding
        expect_equal(unname(as.integer(f$nzero[i])), unname(as.integer(g$nzero[i])))
      }
    }
  })
}

test_that("the same seed draws the folds of cv.glmnet (gaussian)", {
  skip_unless_glmnet()
  d <- make_problem(50, 20, seed = 1102)
  g <- with_seed(5, glmnet::cv.glmnet(d$x, d$y, keep = TRUE))
  f <- with_seed(5, cv.sparsepath(d$x, d$y))
  expect_identical(as.integer(f$foldid), as.integer(g$foldid))
})

test_that("every measure of every family, grouped or not, with weights: the curve, its error and the choices of cv.glmnet", {
  skip_unless_glmnet()
  skip_on_cran()
  n <- 120
  x <- with_seed(2201, matrix(rnorm(n * 12), n))
  eta <- x[, 1] - x[, 2]
  w <- with_seed(2202, runif(n, 0.5, 1.5))
  fold <- with_seed(2203, sample(rep_len(1:6, n)))
  noise <- with_seed(2204, matrix(rnorm(n * 2), n))
  y <- list(
    gaussian = eta + noise[, 1], binomial = factor(with_seed(2208, runif(n)) < plogis(eta)), poisson = with_seed(2205, rpois(n, exp(eta / 2))),
    multinomial = factor(1 + (eta + noise[, 1] > -0.5) + (eta + noise[, 2] > 0.5)), mgaussian = eta + noise,
    cox = cbind(time = with_seed(2206, rexp(n, exp(eta))), status = with_seed(2207, rbinom(n, 1, 0.7)))
  )
  for (family in intersect(names(y), names(family_problems()))) {
    measures <- if (family == "gaussian" || family == "mgaussian") c("mse", "mae", "deviance") else glmnet::glmnet.measures()[[family]]
    for (measure in measures) for (grouped in if (measure %in% c("auc", "C")) TRUE else c(TRUE, FALSE)) {
      mine <- cv.sparsepath(x, y[[family]], family = family, foldid = fold, weights = w, type.measure = measure, grouped = grouped,
        nlambda = 15, lambda.min.ratio = 0.05)
      theirs <- suppressWarnings(glmnet::cv.glmnet(x, y[[family]], family = family, foldid = fold, weights = w, type.measure = measure,
        grouped = grouped, lambda = mine$lambda, control = list(thresh = 1e-14, maxit = 1e7)))
      k <- seq_along(theirs$cvm)
      label <- paste(family, measure, if (grouped) "grouped")
      expect_equal(mine$cvm[k], unname(theirs$cvm), tolerance = 1e-6, label = label)
      expect_equal(mine$cvsd[k], unname(theirs$cvsd), tolerance = 1e-5, label = label)
      expect_equal(c(mine$lambda.min, mine$lambda.1se), c(theirs$lambda.min, theirs$lambda.1se), tolerance = 1e-12, label = label)
    }
  }
})

test_that("relaxed cross-validation names its gammas as cv.glmnet does", {
  skip_unless_glmnet()
  d <- make_problem(60, 6, seed = 1103)
  f <- cv.sparsepath(d$x, d$y, foldid = d$fold, relax = TRUE, keep = TRUE)
  g <- suppressWarnings(glmnet::cv.glmnet(d$x, d$y, foldid = d$fold, relax = TRUE, keep = TRUE, lambda = f$fit$lambda))
  expect_identical(names(f$relaxed$statlist), names(g$relaxed$statlist))
  expect_identical(names(f$relaxed$fit.preval), names(f$relaxed$statlist))
})
