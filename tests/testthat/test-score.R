# Held-out predictions of cv.glmnet() scored by our code must give its curves.

test_that("curves are those of cv.glmnet() for the same predictions", {
  skip_unless_glmnet()
  p <- make_problem(83, 20, seed = 51)
  fold <- with_seed(1, sample(rep_len(1:5, 83)))
  m <- with_seed(2, rpois(83, 4))
  k <- with_seed(3, rbinom(83, m, plogis(p$x[, 1])))
  responses <- list(
    gaussian = list(p$y), binomial = list(as.double(p$y > 0), cbind(m - k, k), round(plogis(p$y), 1) > 0.5),
    poisson = list(k, k / 3)
  )
  for (family in names(responses)) for (y in responses[[family]]) for (offset in list(NULL, p$o)) {
    traits <- family_traits(family)
    for (measure in names(traits$measures)) for (grouped in c(TRUE, FALSE)) {
      peer <- suppressWarnings(glmnet::cv.glmnet(p$x, y,
        family = family, weights = p$w, offset = offset, foldid = fold, type.measure = measure, grouped = grouped,
        keep = TRUE, nlambda = 12
      ))
      response <- check_y(y, family, 83, p$w, NULL)
      curve <- cv_curve(array(peer$fit.preval, c(dim(peer$fit.preval), 1)), matrix(fold), response, p$w, traits, measure, grouped)
      label <- paste(family, measure, grouped)
      expect_equal(curve$cvm, as.vector(peer$cvm), tolerance = 1e-12, label = label)
      expect_equal(curve$cvsd, as.vector(peer$cvsd), tolerance = 1e-10, label = label)
      chosen <- choose_lambda(peer$lambda, curve$cvm, curve$cvsd, measure)
      expect_identical(chosen$index, peer$index)
      expect_identical(chosen$lambda.min, peer$lambda.min)
      expect_identical(chosen$lambda.1se, peer$lambda.1se)
      expect_identical(stats::setNames(traits$measures[measure], measure), peer$name)
    }
  }
})

test_that("AUC by counting pairs", {
  p <- with_seed(1, round(rnorm(40), 1)) # with ties
  y <- with_seed(2, rbinom(40, 1, 0.5))
  w <- with_seed(3, runif(40))
  fold <- rep(1:2, 20)
  auc <- fold_auc(cbind(p, -p), fold, w * y, w * (1 - y))
  for (f in 1:2) {
    one <- which(fold == f & y == 1)
    zero <- which(fold == f & y == 0)
    wins <- outer(p[one], p[zero], function(a, b) (a > b) + (a == b) / 2)
    pairs <- outer(w[one], w[zero])
    expect_equal(auc[f, 1], sum(pairs * wins) / sum(pairs))
    expect_equal(auc[f, 2], 1 - auc[f, 1])
  }
  expect_true(is.na(fold_auc(cbind(p), fold, w * (fold == 1), w * 0)[1, 1]))
})

test_that("certain and wrong predictions count as a finite deviance", {
  loss <- observation_loss(cbind(c(1e4, -1e4)), c(0, 1), family_traits("binomial"), "deviance")
  expect_equal(loss[, 1], rep(-2 * log(1e-5), 2))
})

test_that("folds of weight zero and missing scores are left out", {
  expect_identical(column_means(cbind(c(1, NA, 3), 1:3), c(1, 1, 1)), c(2, 2))
  expect_identical(column_means(cbind(c(1, NaN, 3)), c(1, 0, 1)), 2)
  means <- fold_means(cbind(c(1, 2, 3, 4)), c(1, 1, 0, 0), c(1, 1, 2, 2))
  expect_identical(unname(means[, 1]), c(1.5, NaN))
})

test_that("measures are checked against the family", {
  expect_identical(check_measure("default", "gaussian", NULL), "mse")
  expect_identical(check_measure("default", "binomial", NULL), "deviance")
  expect_refused(check_measure("auc", "gaussian", NULL), "choice")
  expect_refused(check_measure("C", "binomial", NULL), "choice")
})

test_that("lambda.min is the largest of equals", {
  chosen <- choose_lambda(c(3, 2, 1), c(5, 4, 4), c(0.1, 0.1, 0.1), "mse")
  expect_identical(chosen$lambda.min, 2)
  chosen <- choose_lambda(c(3, 2, 1), c(0.5, 0.6, 0.9), c(0.1, 0.1, 0.35), "auc")
  expect_identical(chosen$lambda.min, 1)
  expect_identical(chosen$lambda.1se, 2)
})
