p <- make_problem(40, 6, seed = 31)
x <- p$x
m <- with_seed(1, rpois(40, 4)) + 1
k <- with_seed(2, rbinom(40, m, plogis(x[, 1])))

test_that("fitted values are predicted responses", {
  fit <- sparsepath(x, cbind(m - k, k), family = "binomial")
  expect_identical(fitted(fit, x), predict(fit, x, type = "response"))
  expect_refused(fitted(fit), "missing_argument")
})

test_that("residuals are those of glm", {
  for (family in c("gaussian", "binomial", "poisson")) {
    y <- switch(family, gaussian = p$y, binomial = cbind(m - k, k), poisson = k)
    fit <- sparsepath(x, y, family = family, weights = p$w, lambda = 0)
    reference <- suppressWarnings(glm(if (family == "binomial") cbind(k, m - k) ~ x else y ~ x, family = family, weights = p$w))
    for (type in c("response", "pearson", "deviance", "working")) {
      r <- residuals(fit, x, y, type = type, newweights = p$w)
      expect_equal(r[, 1], unname(residuals(reference, type)), tolerance = 1e-6, label = paste(family, type))
    }
  }
})

test_that("squared deviance residuals sum to the deviance", {
  z <- factor(p$y > 0)
  fit <- sparsepath(x, z, family = "binomial", weights = p$w)
  r <- residuals(fit, x, z, type = "deviance", newweights = p$w)
  expect_equal(unname(colSums(r^2)), deviance(fit))
  fit <- sparsepath(x, p$y)
  expect_equal(unname(colSums(residuals(fit, x, p$y)^2)), deviance(fit))
})

test_that("new responses may lack a class but not have others", {
  z <- factor(p$y > 0, labels = c("a", "b"))
  fit <- sparsepath(x, z, family = "binomial")
  one <- z == "a"
  expect_true(all(residuals(fit, x[one, ], z[one], s = fit$lambda[9]) < 0))
  expect_identical(residuals(fit, x[one, ], as.character(z[one])), residuals(fit, x[one, ], z[one]))
  expect_refused(residuals(fit, x, factor(rep(c("a", "c"), 20))), "choice")
  expect_refused(residuals(fit, x), "missing_argument")
  expect_refused(residuals(fit, x, z, type = "odd"), "choice")
})

test_that("fits of cv.sparsepath()", {
  cv <- cv.sparsepath(x, p$y, foldid = p$fold)
  expect_identical(fitted(cv, x), predict(cv, x))
  expect_identical(residuals(cv, x, p$y, s = "lambda.min"), p$y - predict(cv, x, s = "lambda.min"))
})
