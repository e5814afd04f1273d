# family = "multinomial": responses and their errors, predictions, cross-validation, criteria, plots.

x <- make_classes(60, 8, 3, effect = 1.5, seed = 2250)
y <- x$y
w <- x$w
x <- x$x
fit_of <- function(y, ...) sparsepath(x, y, family = "multinomial", ...)
fit <- fit_of(y, nlambda = 30, lambda.min.ratio = 0.02)

test_that("factor, text, numbers and indicators are one response", {
  lambda <- c(0.1, 0.05)
  a <- fit_of(y, lambda = lambda)
  expect_identical(fit_of(as.character(y), lambda = lambda)$beta, a$beta)
  expect_identical(unname(fit_of(as.integer(y), lambda = lambda)$beta), unname(a$beta))
  expect_identical(fit_of(as.integer(y), lambda = lambda)$classnames, c("1", "2", "3"))
  indicator <- vc_response(y)
  colnames(indicator) <- levels(y)
  expect_identical(fit_of(indicator, lambda = lambda)$beta, a$beta)
  expect_identical(fit_of(as.data.frame(indicator), lambda = lambda)$beta, a$beta)
  expect_identical(names(fit_of(unname(indicator), lambda = lambda)$beta), c("1", "2", "3"))
  expect_identical(fit_of(y == "a", lambda = lambda)$classnames, c("FALSE", "TRUE"))
  expect_identical(a$classnames, levels(y))
  expect_identical(colMeans(a$a0) < 1e-14, c(s0 = TRUE, s1 = TRUE))
})

test_that("responses that make no sense are refused", {
  expect_refused(fit_of(factor(y, levels = c("a", "b", "c", "d"))), "one_class")
  expect_match(message_of(fit_of(factor(y, levels = c("a", "b", "c", "d")))), "none of class \"d\"")
  expect_refused(fit_of(y, weights = as.double(y != "b")), "one_class")
  expect_refused(fit_of(factor(rep("a", 60))), "one_class")
  expect_refused(fit_of(replace(y, 4, NA)), "nonfinite")
  expect_refused(fit_of(y[-1]), "length")
  big <- matrix(rnorm(400), 400)
  expect_refused(sparsepath(cbind(big, 1), drop(big), family = "multinomial"), "range")
  m <- vc_response(y)
  expect_refused(fit_of(m[-1, ]), "length")
  expect_refused(fit_of(replace(m, 3, -1)), "range")
  expect_refused(fit_of(replace(m, 3, NA)), "nonfinite")
  expect_refused(fit_of(cbind(m, 0)), "one_class")
  expect_refused(fit_of(m, offset = rep(0, 60)), "type")
  expect_refused(fit_of(m, offset = matrix(0, 60, 2)), "dimension")
  expect_refused(fit_of(m, offset = replace(matrix(0, 60, 3), 7, NA)), "nonfinite")
  expect_match(message_of(sparsepath(x, y, family = "binomial")), "multinomial", fixed = TRUE)
})

test_that("shapes and names of coefficients and predictions", {
  L <- length(fit$lambda)
  expect_identical(dim(fit$a0), c(3L, L))
  expect_identical(dim(fit$dfmat), c(3L, L))
  expect_true(all(vapply(fit$beta, is, NA, "dgCMatrix")))
  expect_equal(fit$df, colSums(Reduce(`|`, lapply(fit$beta, function(b) as.matrix(b) != 0))), ignore_attr = TRUE)
  s <- c(one = 0.1, two = 0.07)
  b <- coef(fit, s = s)
  expect_identical(names(b), levels(y))
  expect_identical(dim(b$a), c(9L, 2L))
  link <- predict(fit, x[1:4, ], s = s)
  expect_identical(dimnames(link), list(NULL, levels(y), names(s)))
  by_hand <- vapply(b, function(m) as.matrix(cbind(1, x[1:4, ]) %*% m), matrix(0, 4, 2))
  expect_equal(unname(aperm(link, c(1, 3, 2))), unname(by_hand), tolerance = 1e-12)
  p <- predict(fit, x[1:4, ], s = s, type = "response")
  expect_equal(unname(apply(p, c(1, 3), sum)), matrix(1, 4, 2), tolerance = 1e-14)
  expect_equal(p, fitted(fit, x[1:4, ], s = s))
  expect_equal(log(p[, 1, ] / p[, 2, ]), link[, 1, ] - link[, 2, ], tolerance = 1e-10)
  k <- predict(fit, x[1:4, ], s = s, type = "class")
  expect_identical(unname(k), unname(apply(p, c(1, 3), function(q) levels(y)[which.max(q)])))
  # between lambdas coefficients are interpolated; on the path they are those of the fit
  at <- mean(fit$lambda[4:5])
  expect_equal(as.matrix(coef(fit, s = at)$b)[-1], as.vector(fit$beta$b[, 4] + fit$beta$b[, 5]) / 2, tolerance = 1e-12)
  expect_equal(as.vector(coef(fit, s = fit$lambda[4])$b), c(fit$a0["b", 4], fit$beta$b[, 4]), ignore_attr = TRUE)
  exact <- coef(fit, s = at, exact = TRUE, x = x, y = y)
  single <- fit_of(y, lambda = c(fit$lambda[1:4], at))
  expect_equal(as.vector(exact$c), c(single$a0["c", 5], single$beta$c[, 5]), ignore_attr = TRUE, tolerance = 1e-10)
  expect_warning(coef(fit, s = 1e-6), class = "sparsepath_warning_s_outside")
  expect_equal(predict(fit, x, s = 1)[1, , 1], fit$a0[, 1])
})

test_that("offsets are asked for in predictions", {
  o <- matrix(seq(-1, 1, length.out = 180), 60)
  f <- fit_of(y, lambda = c(0.1, 0.05), offset = o)
  expect_refused(predict(f, x), "missing_argument")
  expect_refused(predict(f, x, newoffset = o[, 1]), "type")
  a <- predict(f, x, newoffset = o)
  b <- predict(f, x, newoffset = 0 * o)
  for (l in 1:2) expect_equal(unname(a[, , l] - b[, , l]), o, tolerance = 1e-12)
})

test_that("residuals and deviance", {
  p <- fitted(fit, x, s = 0.05)[, , 1]
  i <- vc_response(y)
  expect_equal(unname(residuals(fit, x, y, s = 0.05)[, , 1]), unname(i - p), tolerance = 1e-12)
  expect_equal(unname(residuals(fit, x, y, s = 0.05, type = "pearson", newweights = w)[, , 1]), unname((i - p) * sqrt(w / (p * (1 - p)))), tolerance = 1e-10)
  d <- residuals(fit, x, y, s = fit$lambda, type = "deviance")
  expect_equal(unname(colSums(d^2)), deviance(fit), tolerance = 1e-9)
  expect_refused(residuals(fit, x, y, type = "working"), "choice")
  expect_equal(fit$nulldev, -2 * sum(table(y) * log(table(y) / 60)), tolerance = 1e-12)
})

test_that("a cross-validation is a loop of single fits", {
  for (K in c(3, 4)) {
    d <- make_classes(60, 80, K, effect = 1.5, seed = 2251)
    counts <- vc_response(d$y) * with_seed(2252, sample(1:3, 60, TRUE))
    for (set in list(
      list(y = d$y), list(y = d$y, alpha = 0.5, weights = d$w), list(y = counts, offset = d$o), list(y = d$y, intercept = FALSE),
      list(y = d$y, penalty.factor = rep(0:1, c(2, 78)))
    )) {
      a <- set[setdiff(names(set), "y")]
      cv <- do.call(cv.sparsepath, c(list(d$x, set$y, family = "multinomial", foldid = d$fold, keep = TRUE, nlambda = 20, lambda.min.ratio = 0.05), a))
      held <- array(NA, dim(cv$fit.preval))
      for (k in 1:5) {
        i <- d$fold != k
        own <- a
        own$weights <- a$weights[i]
        own$offset <- if (!is.null(a$offset)) a$offset[i, ]
        f <- do.call(sparsepath, c(list(d$x[i, ], if (is.factor(set$y)) set$y[i] else set$y[i, ], family = "multinomial", lambda = cv$lambda), own))
        new <- if (!is.null(a$offset)) a$offset[!i, ]
        held[!i, , ] <- predict(f, d$x[!i, ], newoffset = new)
      }
      level <- function(eta) eta - array(apply(eta, c(1, 3), mean)[, rep(seq_len(dim(eta)[3]), each = K)], dim(eta))
      expect_lt(max(abs(level(unname(held)) - level(unname(cv$fit.preval)))), 1e-8)
      if (is.null(a$penalty.factor)) expect_lt(max(abs(unname(held) - unname(cv$fit.preval))), 1e-8)
      # the deviance by hand, as the mean over folds weighted by their weights
      trials <- if (is.factor(set$y)) rep(1, 60) else rowSums(counts)
      wt <- trials * (if (is.null(a$weights)) 1 else a$weights)
      q <- if (is.factor(set$y)) vc_response(d$y) else counts / trials
      loss <- vapply(seq_along(cv$lambda), function(l) -2 * rowSums(q * pmax(pmin(vc_log_p(matrix(held[, , l], 60)), log(1 - 1e-5)), log(1e-5))), double(60))
      expect_equal(cv$cvm, colSums(wt * loss) / sum(wt), tolerance = 1e-10)
    }
  }
})

test_that("folds are stratified; a fold without a class is refused", {
  cv <- with_seed(2253, cv.sparsepath(x, y, family = "multinomial", nfolds = 5, nlambda = 10))
  expect_true(all(apply(table(cv$foldid, y), 2, function(k) diff(range(k)) <= 1)))
  by_indicator <- with_seed(2253, cv.sparsepath(x, vc_response(y), family = "multinomial", nfolds = 5, nlambda = 10))
  expect_identical(by_indicator$foldid, cv$foldid)
  expect_refused(cv.sparsepath(x, y, family = "multinomial", foldid = as.integer(y)), "folds")
  expect_match(message_of(cv.sparsepath(x, y, family = "multinomial", foldid = as.integer(y))), "none of class \"a\"")
  expect_refused(cv.sparsepath(x, y, family = "multinomial", type.measure = "auc"), "choice")
  r <- with_seed(2254, cv.sparsepath(x, y, family = "multinomial", nfolds = 4, repeats = 2, keep = TRUE, nlambda = 10))
  expect_identical(dim(r$fit.preval), c(60L, 3L, length(r$lambda), 2L))
  expect_equal(r$cvm[3], mean(vapply(1:2, function(k) cv.sparsepath(x, y, family = "multinomial", foldid = r$foldid[, k], nlambda = 10)$cvm[3], 0)), tolerance = 1e-10)
})

test_that("relaxed cross-validation: gamma = 1 is the path, gamma = 0 a loop of relaxed fits", {
  d <- make_classes(150, 6, 3, effect = 0.7, seed = 2255)
  lambda <- c(0.1, 0.05, 0.02)
  cv <- cv.sparsepath(d$x, d$y, family = "multinomial", foldid = d$fold, lambda = lambda, relax = TRUE, gamma = c(0, 1), keep = TRUE)
  expect_equal(cv$relaxed$statlist[["g:1"]]$cvm, cv$cvm, tolerance = 1e-12)
  for (k in 1:2) {
    i <- d$fold != k
    f <- sparsepath(d$x[i, ], d$y[i], family = "multinomial", lambda = lambda, relax = TRUE)
    expect_equal(unname(cv$relaxed$fit.preval[["g:0"]][!i, , ]), unname(predict(f, d$x[!i, ], gamma = 0)), tolerance = 1e-8)
  }
  expect_identical(dim(predict(cv, d$x[1:3, ])), c(3L, 3L, 1L))
  expect_output(print(cv), "Gamma")
})

test_that("confusion() and assess() count what predictions say", {
  t <- confusion(fit, x, y, s = 0.05)
  expect_equal(unclass(t), unclass(table(Predicted = factor(predict(fit, x, s = 0.05, type = "class"), levels(y)), True = y)), ignore_attr = TRUE)
  expect_output(print(t), "Correct")
  a <- assess(fit, x, y, s = c(0.1, 0.05))
  expect_equal(a$class[2], 1 - sum(diag(unclass(t))) / 60, ignore_attr = TRUE)
  p <- predict(fit, x, s = 0.05, type = "response")[, , 1]
  expect_equal(a$mse[2], mean(rowSums((vc_response(y) - p)^2)), ignore_attr = TRUE)
  expect_equal(a$mae[2], mean(rowSums(abs(vc_response(y) - p))), ignore_attr = TRUE)
  # predictors instead of a fit; new data without one of the classes
  expect_equal(assess(predict(fit, x, s = 0.05), newy = y, family = "multinomial")$deviance, assess(fit, x, y, s = 0.05)$deviance, ignore_attr = TRUE)
  keep <- y != "b"
  expect_equal(sum(confusion(fit, x[keep, ], droplevels(y[keep]), s = 0.05)[, "b"]), 0)
  expect_refused(assess(fit, x, replace(as.character(y), 2, "z")), "choice")
  expect_refused(roc(fit, x, y, s = 0.1), "choice")
})

test_that("likelihood, degrees of freedom and criteria", {
  p <- fitted(fit, x)
  l <- vapply(seq_along(fit$lambda), function(k) sum(log(p[cbind(1:60, as.integer(y), k)])), 0)
  ll <- logLik(fit)
  expect_equal(as.vector(ll), l, tolerance = 1e-8)
  nz <- Reduce(`+`, lapply(fit$beta, function(b) as.matrix(b) != 0))
  expect_equal(attr(ll, "df"), unname(colSums(pmin(nz, 2))) + 2)
  expect_equal(unname(BIC(fit)), -2 * l + log(60) * attr(ll, "df"), tolerance = 1e-8)
  expect_identical(select_lambda(fit, "BIC")$index, which.min(BIC(fit)), ignore_attr = TRUE)
  # the trace at a ridge fit: that of (H + lambda K)^-1 H with the Hessian written out
  f <- fit_of(y, alpha = 0, lambda = c(0.5, 0.05))
  by_hand <- vapply(1:2, function(l) {
    q <- fitted(f, x)[, , l]
    z <- cbind(1, scale(x) * sqrt(60 / 59))
    h <- matrix(0, 27, 27)
    for (a in 1:3) for (b in 1:3) h[(a - 1) * 9 + 1:9, (b - 1) * 9 + 1:9] <- crossprod(z, q[, a] * ((a == b) - q[, b]) * z) / 60
    ridge <- diag(rep(c(0, rep(f$lambda[l], 8)), 3))
    null <- rep(c(1, rep(0, 8)), 3) # the common level of the intercepts has no curvature
    sum(diag(solve(h + ridge + tcrossprod(null), h))) - 2
  }, 0)
  expect_equal(unname(effective_df(f, x)), by_hand, tolerance = 1e-7, ignore_attr = TRUE)
})

test_that("formula, print, summary, plot", {
  d <- data.frame(y = y, x)
  f <- sparsepath(y ~ ., d, family = "multinomial", nlambda = 30, lambda.min.ratio = 0.02)
  expect_equal(unname(lapply(f$beta, function(b) b@x)), unname(lapply(fit$beta, function(b) b@x)), tolerance = 1e-10)
  expect_identical(predict(f, d, s = 0.05, type = "class"), predict(fit, x, s = 0.05, type = "class"), ignore_attr = TRUE)
  expect_lt(max(kkt(f, d)$rel.gap), 1e-9)
  expect_output(print(fit), "certified")
  expect_output(print(summary(fit)), "3 classes: \"a\", \"b\" and \"c\"", fixed = TRUE)
  grDevices::pdf(NULL)
  on.exit(grDevices::dev.off())
  for (axis in c("lambda", "norm", "dev")) for (type in c("coef", "2norm")) expect_null(plot(fit, xvar = axis, type.coef = type, label = TRUE))
  expect_null(plot(cv.sparsepath(x, y, family = "multinomial", foldid = rep_len(1:5, 60), nlambda = 10)))
  expect_identical(family(fit), "multinomial")
  expect_identical(nobs(fit), 60L)
})
