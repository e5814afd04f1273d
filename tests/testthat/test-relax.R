# Relaxed fits against lm() and glm() on the selected columns, the cross-validation against a hand loop, and glmnet.

p <- make_problem(60, 30, seed = 71)
x <- p$x
z <- as.double(p$y > stats::quantile(p$y, 0.4))
flip <- with_seed(72, sample(60, 15))
z[flip] <- 1 - z[flip] # far from separable

test_that("gaussian: least squares on the selected columns", {
  for (a in list(list(), list(weights = p$w, offset = p$o), list(intercept = FALSE), list(alpha = 0.5, standardize = FALSE))) {
    f <- do.call(sparsepath, c(list(x, p$y, relax = TRUE, nlambda = 30), a))
    plain <- do.call(sparsepath, c(list(x, p$y, nlambda = 30), a))
    expect_s3_class(f, c("sparsepath_relaxed", "sparsepath_gaussian", "sparsepath"), exact = TRUE)
    expect_identical(f$beta, plain$beta)
    expect_identical(f$relaxed$lambda, f$lambda)
    w <- if (is.null(a$weights)) rep(1, 60) else a$weights
    y <- p$y - if (is.null(a$offset)) 0 else a$offset
    for (l in seq_along(f$lambda)) {
      set <- which(f$beta[, l] != 0)
      m <- cbind(if (!isFALSE(a$intercept)) 1, x[, set])
      if (!ncol(m)) next
      b <- lm.wfit(m, y, w)$coefficients
      mine <- c(if (!isFALSE(a$intercept)) f$relaxed$a0[l], f$relaxed$beta[set, l])
      expect_equal(unname(mine), unname(b), tolerance = 1e-9)
      expect_identical(which(f$relaxed$beta[, l] != 0), set)
    }
    dev <- colSums(w * (y - (x %*% as.matrix(f$relaxed$beta) + rep(f$relaxed$a0, each = 60)))^2)
    expect_equal(f$relaxed$dev.ratio, unname(1 - dev / f$nulldev), tolerance = 1e-9)
    expect_true(all(f$relaxed$status == 0))
  }
})

test_that("binomial: glm() on the selected columns", {
  f <- sparsepath(x, z, family = "binomial", relax = TRUE, weights = p$w, lambda.min.ratio = 0.15, nlambda = 15)
  for (l in which(f$df < 12)) {
    set <- which(f$beta[, l] != 0)
    b <- suppressWarnings(glm.fit(cbind(1, x[, set]), z, p$w, family = binomial(), control = glm.control(epsilon = 1e-14)))$coefficients
    expect_equal(unname(c(f$relaxed$a0[l], f$relaxed$beta[set, l])), unname(b), tolerance = 1e-6)
  }
})

test_that("a separable set has the infimum of the deviance, finite coefficients and a certificate", {
  y <- as.double(x[, 1] > 0)
  f <- sparsepath(x, y, family = "binomial", relax = TRUE, nlambda = 20)
  expect_true(all(is.finite(f$relaxed$beta@x)))
  expect_gt(max(f$relaxed$dev.ratio), 1 - 1e-6)
  expect_true(all(f$relaxed$gap <= 1e-7 | f$relaxed$status != 0))
})

test_that("limits stay, excluded columns stay out, unpenalized ones stay in", {
  f <- sparsepath(x, p$y, relax = TRUE, lower.limits = 0, upper.limits = 0.3, nlambda = 20)
  expect_true(all(f$relaxed$beta@x > 0 & f$relaxed$beta@x <= 0.3))
  for (l in c(5, 12, 20)) {
    set <- which(f$beta[, l] != 0)
    direct <- sparsepath(x[, set, drop = FALSE], p$y, lambda = 0, lower.limits = 0, upper.limits = 0.3)
    expect_equal(unname(f$relaxed$beta[set, l]), unname(direct$beta[, 1]), tolerance = 1e-8)
  }
  f <- sparsepath(x, p$y, relax = TRUE, exclude = 3, penalty.factor = rep(c(0, 1, 1), 10), nlambda = 20)
  expect_identical(sum(f$relaxed$beta[3, ] != 0), 0L)
  expect_true(all(f$relaxed$beta[1, ] != 0))
})

test_that("blends", {
  f <- sparsepath(x, p$y, relax = TRUE, nlambda = 30)
  for (g in c(0, 0.3, 1)) {
    b <- g * as.matrix(coef(f, gamma = 1)) + (1 - g) * rbind(f$relaxed$a0, as.matrix(f$relaxed$beta))
    expect_equal(as.matrix(coef(f, gamma = g)), b, ignore_attr = TRUE, tolerance = 1e-12)
    expect_equal(predict(f, x, gamma = g), cbind(1, x) %*% b, ignore_attr = TRUE, tolerance = 1e-12)
    s <- mean(f$lambda[10:11])
    expect_equal(coef(f, s = s, gamma = g)[, 1], rowMeans(b[, 10:11]), tolerance = 1e-12, ignore_attr = TRUE)
    expect_equal(fitted(f, x, gamma = g), predict(f, x, gamma = g))
    expect_equal(residuals(f, x, p$y, gamma = g), p$y - predict(f, x, gamma = g))
  }
  expect_identical(coef(f), coef(sparsepath(x, p$y, nlambda = 30)))
  expect_named(coef(f, gamma = c(0, 0.5)), c("0.0", "0.5"))
  expect_identical(predict(f, type = "nonzero", gamma = 0), predict(f, type = "nonzero"))
  expect_equal(c(assess(f, x, p$y, s = s, gamma = 0)$mse), mean((p$y - predict(f, x, s = s, gamma = 0))^2))
  expect_refused(coef(f, gamma = 2), "range")
  expect_refused(coef(f, gamma = numeric()), "length")
  expect_refused(coef(sparsepath(x, p$y), gamma = 0), "unknown_argument")
  expect_refused(sparsepath(x, p$y, relax = 1), "type")
  utils::capture.output(table <- print(f))
  expect_named(table, c("Df", "%Dev", "%Dev R", "Lambda"))
  grDevices::pdf(NULL)
  expect_null(plot(f, gamma = 0))
  expect_null(plot(f, gamma = c(0.5, 1), xvar = "norm"))
  grDevices::dev.off()
})

test_that("maxp: larger sets are not fitted, and the last relaxed fit stands in", {
  f <- sparsepath(x, p$y, relax = TRUE, maxp = 5, nlambda = 30)
  expect_identical(f$relaxed$lambda, f$lambda[f$df <= 5])
  last <- length(f$relaxed$lambda)
  size <- length(f$lambda)
  b <- coef(f, gamma = 0.5)[-1, size]
  expect_equal(b, 0.5 * f$beta[, size] + 0.5 * f$relaxed$beta[, last])
  wide <- make_problem(20, 50, seed = 73)
  expect_lte(max(sparsepath(wide$x, wide$y, relax = TRUE)$relaxed$df), 17)
  expect_refused(sparsepath(wide$x, wide$y, alpha = 0, relax = TRUE), "range")
  expect_refused(sparsepath(x, p$y, relax = TRUE, maxp = 1.5), "range")
})

test_that("sparse is dense, a formula is a matrix, update() keeps relax", {
  m <- x * (abs(x) > 1)
  f <- sparsepath(m, p$y, relax = TRUE, nlambda = 20)
  g <- sparsepath(Matrix::Matrix(m, sparse = TRUE), p$y, relax = TRUE, nlambda = 20)
  expect_equal(f$relaxed$beta, g$relaxed$beta, tolerance = 1e-8, ignore_attr = TRUE)
  d <- data.frame(x, y = p$y)
  h <- sparsepath(y ~ ., d, relax = TRUE, nlambda = 20)
  expect_equal(predict(h, newdata = d, s = 0.1, gamma = 0), predict(sparsepath(x, p$y, relax = TRUE, nlambda = 20), x, s = 0.1, gamma = 0), ignore_attr = TRUE)
  expect_s3_class(update(h, . ~ . - X1), "sparsepath_relaxed")
})

# the cross-validation, one fit at a time
hand_relaxed <- function(x, y, family, fold, lambda, gamma, ...) {
  a <- list(...)
  lapply(gamma, function(g) {
    eta <- matrix(NA_real_, nrow(x), length(lambda))
    for (k in unique(fold)) {
      i <- fold != k
      part <- a
      for (row in intersect(names(a), c("weights", "offset"))) part[[row]] <- a[[row]][i]
      one <- do.call(sparsepath, c(list(x[i, ], y[i], family = family, lambda = lambda, relax = TRUE), part))
      eta[!i, ] <- predict(one, x[!i, ], gamma = g, newoffset = a$offset[!i])
    }
    eta
  })
}

test_that("cross-validation is a loop of relaxed fits, for every gamma", {
  gamma <- c(0, 0.4, 1)
  for (family in c("gaussian", "binomial")) {
    if (family == "binomial") p <- make_problem(200, 15, seed = 76)
    x <- p$x
    n <- nrow(x)
    y <- if (family == "gaussian") p$y else as.double(p$y + with_seed(77, rnorm(n, 0, 2 * sd(p$y))) > 0) # not separable
    for (a in list(list(), list(weights = p$w, offset = p$o / 3), list(alpha = 0.5, maxp = 6), list(lower.limits = 0))) {
      cv <- do.call(cv.sparsepath, c(list(x, y, family = family, foldid = p$fold, relax = TRUE, gamma = gamma, keep = TRUE, nlambda = 15, lambda.min.ratio = 0.1), a))
      hand <- do.call(hand_relaxed, c(list(x, y, family, p$fold, cv$lambda, gamma), a))
      w <- if (is.null(a$weights)) rep(1, n) else a$weights
      size <- drop(rowsum(w, p$fold))
      for (g in seq_along(gamma)) {
        eta <- hand[[g]]
        expect_lt(max(abs(eta - cv$relaxed$fit.preval[[g]]) / pmax(1, abs(eta))), 1e-10)
        loss <- if (family == "gaussian") (y - eta)^2 else {
          q <- pmin(pmax(plogis(eta), 1e-5), 1 - 1e-5)
          -2 * (y * log(q) + (1 - y) * log(1 - q))
        }
        raw <- rowsum(w * loss, p$fold) / size
        cvm <- colSums(size * raw) / sum(size)
        cvsd <- sqrt(colSums(size * (raw - rep(cvm, each = 5))^2) / sum(size) / 4)
        expect_equal(cv$relaxed$statlist[[g]]$cvm, unname(cvm), tolerance = 1e-10)
        expect_equal(cv$relaxed$statlist[[g]]$cvsd, unname(cvsd), tolerance = 1e-10)
      }
      # the joint choice, by brute force
      grid <- vapply(cv$relaxed$statlist, `[[`, cv$lambda, "cvm")
      se <- vapply(cv$relaxed$statlist, `[[`, cv$lambda, "cvsd")
      best <- which(grid == min(grid), arr.ind = TRUE)[1, ]
      expect_identical(c(cv$relaxed$lambda.min, cv$relaxed$gamma.min), c(cv$lambda[best[[1]]], gamma[best[[2]]]))
      within <- which(grid <= grid[best[[1]], best[[2]]] + se[best[[1]], best[[2]]], arr.ind = TRUE)
      first <- within[within[, 1] == min(within[, 1]), , drop = FALSE]
      expect_identical(c(cv$relaxed$lambda.1se, cv$relaxed$gamma.1se), c(cv$lambda[first[1, 1]], gamma[max(first[, 2])]))
      expect_identical(cv$relaxed$index[["min", "Lambda"]], best[[1]])
      expect_true(all(cv$relaxed$fold.status == 0))
    }
  }
})

test_that("the path's own results stay, methods use the joint choice", {
  cv <- cv.sparsepath(x, p$y, foldid = p$fold, relax = TRUE, nlambda = 20)
  plain <- cv.sparsepath(x, p$y, foldid = p$fold, nlambda = 20)
  expect_s3_class(cv, c("cv.sparsepath_relaxed", "cv.sparsepath"), exact = TRUE)
  for (field in c("cvm", "cvsd", "lambda.min", "lambda.1se", "index")) expect_identical(cv[[field]], plain[[field]])
  expect_identical(cv$relaxed$gamma, c(0, 0.25, 0.5, 0.75, 1))
  r <- cv$relaxed
  expect_identical(coef(cv), coef(cv$fit, s = c(lambda.1se = r$lambda.1se), gamma = r$gamma.1se))
  expect_identical(predict(cv, x, s = "lambda.min"), predict(cv$fit, x, s = c(lambda.min = r$lambda.min), gamma = r$gamma.min))
  expect_identical(predict(cv, x, s = 0.1, gamma = 0), predict(cv$fit, x, s = 0.1, gamma = 0))
  expect_identical(fitted(cv, x), predict(cv, x))
  expect_equal(residuals(cv, x, p$y), p$y - predict(cv, x))
  utils::capture.output(table <- print(cv))
  expect_identical(rownames(table), c("min", "1se"))
  expect_equal(table$Lambda, c(r$lambda.min, r$lambda.1se))
  expect_output(print(summary(cv)), "Cross-validation")
  grDevices::pdf(NULL)
  expect_null(plot(cv))
  grDevices::dev.off()
  expect_identical(cv$fit$call, quote(sparsepath(x = x, y = p$y, nlambda = 20, relax = TRUE)))
  # replicates are averages
  folds <- cbind(p$fold, rev(p$fold))
  two <- cv.sparsepath(x, p$y, foldid = folds, relax = TRUE, nlambda = 20, gamma = 0, keep = TRUE)
  one <- lapply(1:2, function(k) cv.sparsepath(x, p$y, foldid = folds[, k], relax = TRUE, nlambda = 20, gamma = 0))
  expect_equal(two$relaxed$statlist[[1]]$cvm, rowMeans(vapply(one, function(o) o$relaxed$statlist[[1]]$cvm, two$lambda)), tolerance = 1e-10)
  expect_identical(two$relaxed$gamma.min, 0)
  by_formula <- cv.sparsepath(y ~ ., data.frame(x, y = p$y), foldid = p$fold, relax = TRUE, nlambda = 20)
  expect_identical(by_formula$relaxed$statlist, cv$relaxed$statlist)
  expect_refused(cv.sparsepath(x, p$y, relax = TRUE, gamma = -1), "range")
})

test_that("relaxed fits and cross-validations of glmnet", {
  skip_unless_glmnet()
  for (family in c("gaussian", "binomial")) {
    p <- make_problem(200, 15, seed = 74)
    x <- p$x
    y <- if (family == "gaussian") p$y else as.double(p$y + with_seed(75, rnorm(200, 0, 2 * sd(p$y))) > 0) # not separable
    lambda <- sparsepath(x, y, family = family, weights = p$w, lambda.min.ratio = 0.02, nlambda = 12)$lambda[-1] # at the first, rounding decides
    f <- sparsepath(x, y, family = family, weights = p$w, lambda = lambda, relax = TRUE)
    g <- suppressWarnings(do.call(glmnet::glmnet, list(x, y, family = family, weights = p$w, lambda = f$lambda, relax = TRUE, # evaluates its call again
      control = list(thresh = 1e-20, maxit = 1e7, epsnr = 1e-16, mxitnr = 200))))
    expect_equal(as.matrix(f$relaxed$beta), as.matrix(g$relaxed$beta), tolerance = 1e-5, ignore_attr = TRUE)
    expect_equal(f$relaxed$dev.ratio, g$relaxed$dev.ratio, tolerance = 1e-6)
    for (gamma in c(0, 0.5)) {
      expect_equal(unname(predict(f, x, gamma = gamma)), unname(stats::predict(g, x, gamma = gamma)), tolerance = 1e-4)
      expect_equal(unname(as.matrix(stats::predict(as_glmnet(f), x, s = 0.9 * lambda[5], gamma = gamma))), unname(predict(f, x, s = 0.9 * lambda[5], gamma = gamma)), tolerance = 2e-5)
    }
    cv <- cv.sparsepath(x, y, family = family, foldid = p$fold, lambda = f$lambda, relax = TRUE)
    theirs <- suppressWarnings(glmnet::cv.glmnet(x, y, family = family, foldid = p$fold, lambda = f$lambda, relax = TRUE, control = list(thresh = 1e-20, maxit = 1e7)))
    for (k in 1:5) {
      expect_equal(cv$relaxed$statlist[[k]]$cvm, theirs$relaxed$statlist[[k]]$cvm, tolerance = 1e-4, ignore_attr = TRUE)
      expect_equal(cv$relaxed$statlist[[k]]$cvsd, theirs$relaxed$statlist[[k]]$cvsd, tolerance = 1e-3, ignore_attr = TRUE)
    }
    for (field in c("lambda.min", "lambda.1se", "gamma.min", "gamma.1se", "nzero.min", "nzero.1se")) {
      expect_equal(unname(cv$relaxed[[field]]), unname(theirs$relaxed[[field]]))
    }
  }
})

test_that("exact = TRUE fits path and relaxed part again", {
  for (family in c("gaussian", "poisson")) {
    y <- if (family == "gaussian") p$y else round(exp(p$y / 4))
    f <- sparsepath(x, y, family = family, relax = TRUE, nlambda = 8, weights = p$w, offset = p$o / 3)
    s <- c(0.6 * f$lambda[3] + 0.4 * f$lambda[4], f$lambda[2])
    finer <- sparsepath(x, y, family = family, relax = TRUE, lambda = c(f$lambda[1:4], s[1]), weights = p$w, offset = p$o / 3)
    again <- function(...) coef(f, s = s, exact = TRUE, x = x, y = y, weights = p$w, offset = p$o / 3, ...)
    expect_equal(again(gamma = 0.3), coef(finer, s = s, gamma = 0.3), tolerance = 1e-7)
    expect_equal(again(gamma = c(0, 1)), list(`0` = coef(finer, s = s, gamma = 0), `1` = coef(finer, s = s, gamma = 1)), tolerance = 1e-7)
    expect_gt(max(abs(again(gamma = 0)[, 1] - coef(f, s = s, gamma = 0)[, 1])), 1e-4) # not what interpolation gives
    expect_equal(predict(f, x, s = s, gamma = 0.5, newoffset = p$o / 3, exact = TRUE, x = x, y = y, weights = p$w, offset = p$o / 3),
      predict(finer, x, s = s, gamma = 0.5, newoffset = p$o / 3), tolerance = 1e-7)
  }
  few <- sparsepath(x, p$y, relax = TRUE, nlambda = 8, maxp = 3)
  b <- coef(few, s = 0.01, gamma = 0, exact = TRUE, x = x, y = p$y)
  expect_lte(sum(b[-1, ] != 0), 3) # maxp is remembered
  expect_refused(coef(few, s = 0.01, gamma = 0, exact = TRUE), "missing_argument")
})

test_that("poisson: glm() on the selected columns, and the cross-validation is a loop", {
  y <- as.double(with_seed(78, rpois(60, exp(0.5 * scale(p$y)))))
  f <- sparsepath(x, y, family = "poisson", relax = TRUE, offset = p$o / 3, weights = p$w, nlambda = 12, lambda.min.ratio = 0.1)
  for (l in which(f$df < 12)) {
    set <- which(f$beta[, l] != 0)
    b <- glm.fit(cbind(1, x[, set]), y, p$w, offset = p$o / 3, family = poisson(), control = glm.control(epsilon = 1e-14))$coefficients
    expect_equal(unname(c(f$relaxed$a0[l], f$relaxed$beta[set, l])), unname(b), tolerance = 1e-6)
  }
  gamma <- c(0, 0.4)
  cv <- cv.sparsepath(x, y, family = "poisson", foldid = p$fold, relax = TRUE, gamma = gamma, keep = TRUE, lambda = f$lambda[1:7], maxp = 8)
  hand <- hand_relaxed(x, y, "poisson", p$fold, cv$lambda, gamma, maxp = 8)
  for (g in 1:2) {
    expect_lt(max(abs(hand[[g]] - cv$relaxed$fit.preval[[g]]) / pmax(1, abs(hand[[g]]))), 1e-10)
    loss <- 2 * (ifelse(y > 0, y * log(y), 0) - y * hand[[g]] - y + exp(hand[[g]]))
    raw <- rowsum(loss, p$fold) / tabulate(p$fold)
    expect_equal(cv$relaxed$statlist[[g]]$cvm, unname(colSums(raw * tabulate(p$fold)) / 60), tolerance = 1e-10)
  }
})
