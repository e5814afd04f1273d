p <- make_problem(40, 12, seed = 21)
x <- p$x
colnames(x) <- letters[1:12]
fit <- sparsepath(x, p$y)
z <- factor(p$y > 0, labels = c("low", "high"))
fitb <- sparsepath(x, z, family = "binomial")

test_that("linear predictors are those of the coefficients", {
  by_hand <- cbind(1, x) %*% as.matrix(coef(fit))
  expect_equal(predict(fit, x), by_hand, ignore_attr = TRUE)
  expect_identical(colnames(predict(fit, x)), paste0("s", seq_along(fit$lambda) - 1L))
  expect_equal(predict(fit, Matrix::Matrix(x, sparse = TRUE)), predict(fit, x))
  expect_equal(predict(fit, as.data.frame(x)), predict(fit, x), ignore_attr = TRUE)
  expect_equal(predict(fit, x[3, ]), predict(fit, x[3, , drop = FALSE]))
  expect_identical(rownames(predict(fit, `rownames<-`(x, paste0("r", 1:40)))), paste0("r", 1:40))
})

test_that("coefficients at the path's lambdas are returned as they are", {
  expect_s4_class(coef(fit), "dgCMatrix")
  expect_true(methods::validObject(coef(fit)))
  expect_identical(rownames(coef(fit)), c("(Intercept)", letters[1:12]))
  expect_identical(coef(fit, s = fit$lambda[7])[-1, 1], fit$beta[, 7])
  expect_identical(coef(fit, s = fit$lambda)[1, ], structure(fit$a0, names = paste0("s=", format(fit$lambda))))
  none <- sparsepath(x, p$y, intercept = FALSE)
  expect_identical(unname(coef(none)[1, ]), rep(0, length(none$lambda)))
  expect_true(methods::validObject(coef(none)))
})

test_that("interpolation is linear in lambda", {
  l <- fit$lambda[10:11]
  s <- 0.3 * l[1] + 0.7 * l[2]
  expect_equal(coef(fit, s = s)[, 1], 0.3 * coef(fit)[, 10] + 0.7 * coef(fit)[, 11])
  expect_equal(predict(fit, x, s = s)[, 1], 0.3 * predict(fit, x)[, 10] + 0.7 * predict(fit, x)[, 11])
  several <- coef(fit, s = c(s, l[1], rev(fit$lambda)[1]))
  expect_identical(several[, 2], coef(fit)[, 10])
  expect_identical(several[, 3], coef(fit)[, length(fit$lambda)])
})

test_that("columns are named by s", {
  expect_identical(colnames(coef(fit, s = c(0.5, 0.25))), c("s=0.50", "s=0.25"))
  expect_identical(colnames(coef(fit, s = c(a = 0.5, b = 0.25))), c("a", "b"))
})

test_that("s outside the path is a warning unless the answer is right", {
  low <- min(fit$lambda) / 2
  expect_warning(b <- coef(fit, s = low), class = "sparsepath_warning_s_outside")
  expect_identical(b[, 1], coef(fit)[, length(fit$lambda)])
  expect_silent(b <- coef(fit, s = 10 * max(fit$lambda))) # null model there too
  expect_identical(b[, 1], coef(fit)[, 1])
  part <- sparsepath(x, p$y, lambda = fit$lambda[20:30])
  expect_warning(coef(part, s = fit$lambda[10]), class = "sparsepath_warning_s_outside")
  ridge <- sparsepath(x, p$y, alpha = 0)
  expect_warning(coef(ridge, s = 10 * max(ridge$lambda)), class = "sparsepath_warning_s_outside")
  expect_silent(coef(fit, s = fit$lambda * (1 + 1e-12)))
})

test_that("s is checked", {
  expect_refused(coef(fit, s = -1), "range")
  expect_refused(coef(fit, s = c(1, NA)), "nonfinite")
  expect_refused(coef(fit, s = "lambda.min"), "type")
  expect_refused(coef(fit, s = numeric()), "length")
})

test_that("exact = TRUE fits again", {
  s <- c(0.31, 0.123, 1e-5) * max(fit$lambda)
  direct <- sparsepath(x, p$y, lambda = s)
  exact <- coef(fit, s = s, exact = TRUE, x = x, y = p$y)
  expect_equal(unname(as.matrix(exact)), unname(as.matrix(coef(direct))), tolerance = 1e-9)
  expect_equal(predict(fit, x, s = s, exact = TRUE, x = x, y = p$y), predict(direct, x), tolerance = 1e-9, ignore_attr = TRUE)
  # lambdas of the path need no data
  expect_identical(coef(fit, s = fit$lambda[5], exact = TRUE), coef(fit, s = fit$lambda[5]))
  # the arguments of the fit are remembered
  full <- sparsepath(x, p$y, weights = p$w, offset = p$o, alpha = 0.5, exclude = 3, penalty.factor = 1:12,
    lower.limits = -0.2, standardize = FALSE)
  s <- 0.4 * max(full$lambda)
  direct <- sparsepath(x, p$y, weights = p$w, offset = p$o, alpha = 0.5, exclude = 3, penalty.factor = 1:12,
    lower.limits = -0.2, standardize = FALSE, lambda = s)
  again <- function(...) coef(full, s = s, exact = TRUE, x = x, y = p$y, ...)
  expect_equal(again(weights = p$w, offset = p$o)[, 1], coef(direct)[, 1], tolerance = 1e-9)
  expect_refused(again(weights = p$w), "missing_argument")
  expect_refused(again(offset = p$o), "missing_argument")
  expect_refused(again(weights = rev(p$w), offset = p$o), "data")
})

test_that("exact = TRUE refuses to guess the data", {
  expect_refused(coef(fit, s = 0.1, exact = TRUE), "missing_argument")
  expect_refused(coef(fit, s = 0.1, exact = TRUE, x = x), "missing_argument")
  expect_refused(coef(fit, s = 0.1, exact = TRUE, x = x, y = rev(p$y) * 2), "data")
  # columns in another order are put right
  expect_equal(coef(fit, s = 0.1, exact = TRUE, x = x[, 12:1], y = p$y), coef(fit, s = 0.1, exact = TRUE, x = x, y = p$y))
})

test_that("columns of new data are matched by name", {
  expect_identical(predict(fit, x[, 12:1]), predict(fit, x))
  expect_identical(predict(fit, cbind(extra = 1, x)), predict(fit, x))
  expect_identical(predict(fit, unname(x)), predict(fit, x)) # no names: by position
  expect_identical(predict(fit, data.frame(group = gl(2, 20), x)), predict(fit, x))
  e <- tryCatch(predict(fit, x[, -c(2, 5)]), error = identity)
  expect_s3_class(e, "sparsepath_error_names")
  expect_identical(e$missing, c("b", "e"))
  expect_refused(predict(fit, unname(x)[, 1:3]), "dimension")
  twice <- x
  colnames(twice)[2] <- "a"
  unnamed <- sparsepath(p$x, p$y)
  expect_identical(predict(unnamed, twice), predict(fit, x))
  both <- sparsepath(twice, p$y)
  expect_identical(predict(both, twice), predict(fit, x))
  expect_refused(predict(both, twice[, 12:1]), "names")
})

test_that("new data are checked where they are used", {
  used <- which(fit$beta[, 10] != 0)[1]
  bad <- x
  bad[3, used] <- NA
  expect_refused(predict(fit, bad), "nonfinite")
  expect_match(message_of(predict(fit, Matrix::Matrix(bad, sparse = TRUE))), "row 3")
  idle <- x
  idle[3, which(fit$beta[, 2] == 0)[1]] <- NA
  expect_identical(predict(fit, idle, s = fit$lambda[2]), predict(fit, x, s = fit$lambda[2]))
  expect_refused(predict(fit, "a"), "type")
  expect_refused(predict(fit), "missing_argument")
})

test_that("binomial predictions", {
  eta <- predict(fitb, x)
  expect_equal(predict(fitb, x, type = "response"), plogis(eta))
  expect_identical(predict(fitb, x, type = "class")[, 20], ifelse(eta[, 20] > 0, "high", "low"))
  expect_identical(dim(predict(fitb, x, type = "class")), dim(eta))
  expect_refused(predict(fit, x, type = "class"), "choice")
  expect_identical(predict(fit, x, type = "response"), predict(fit, x))
})

test_that("nonzero coefficients", {
  nonzero <- predict(fit, type = "nonzero")
  expect_named(nonzero, colnames(fit$beta))
  expect_null(nonzero[[1]])
  expect_identical(nonzero[[20]], unname(which(fit$beta[, 20] != 0)))
  expect_identical(lengths(nonzero, use.names = FALSE), fit$df)
})

test_that("offsets of new data are required exactly when there were offsets", {
  o <- sparsepath(x, p$y, offset = p$o)
  expect_refused(predict(o, x), "missing_argument")
  expect_refused(predict(o, x, newoffset = 1), "length")
  expect_equal(predict(o, x, newoffset = p$o), cbind(1, x) %*% as.matrix(coef(o)) + p$o, ignore_attr = TRUE)
  expect_refused(predict(fit, x, newoffset = p$o), "unknown_argument")
  expect_silent(coef(o))
})

test_that("the chosen lambda of a cross-validation", {
  cv <- cv.sparsepath(x, p$y, foldid = p$fold)
  expect_identical(coef(cv), coef(cv$fit, s = c(lambda.1se = cv$lambda.1se)))
  expect_identical(coef(cv, s = "lambda.min"), coef(cv$fit, s = c(lambda.min = cv$lambda.min)))
  expect_identical(predict(cv, x), predict(cv$fit, x, s = c(lambda.1se = cv$lambda.1se)))
  expect_identical(predict(cv, x, s = 0.1), predict(cv$fit, x, s = 0.1))
  expect_identical(predict(cv, s = "lambda.min", type = "nonzero")[[1]], which(unname(coef(cv, s = "lambda.min")[-1, 1] != 0)))
  expect_refused(predict(cv, x, s = "lambda.max"), "choice")
  expect_refused(predict(cv), "missing_argument")
})

test_that("one lambda", {
  one <- sparsepath(x, p$y, lambda = 0.1)
  expect_identical(coef(one, s = 0.1)[, 1], coef(one)[, 1])
  expect_warning(coef(one, s = 0.2), class = "sparsepath_warning_s_outside")
})

test_that("no rows, no predictions", {
  d <- data.frame(y = p$y, p$x, g = rep(c("a", "b"), 20))
  f <- sparsepath(p$x, p$y)
  expect_identical(dim(predict(f, p$x[0, ])), c(0L, length(f$lambda)))
  expect_identical(dim(predict(f, Matrix::Matrix(p$x, sparse = TRUE)[0, , drop = FALSE], s = 0.1)), c(0L, 1L))
  expect_identical(dim(predict(sparsepath(y ~ X1 * g + X2, d), d[0, ], s = 0.1)), c(0L, 1L))
  expect_identical(dim(predict(sparsepath(d[c("X1", "g")], d$y), d[0, ], s = 0.1)), c(0L, 1L))
  k <- factor(rep_len(c("u", "v", "w"), 40))
  m <- sparsepath(p$x, k, family = "multinomial")
  expect_identical(dim(predict(m, p$x[0, ], s = 0.01, type = "response")), c(0L, 3L, 1L))
  expect_identical(dim(predict(m, p$x[0, ], s = c(0.1, 0.01), type = "class")), c(0L, 2L))
})

test_that("exact = TRUE notices rows in another order", {
  f <- sparsepath(p$x, p$y)
  s <- mean(f$lambda[20:21])
  expect_silent(coef(f, s = s, exact = TRUE, x = p$x, y = p$y))
  e <- expect_refused(coef(f, s = s, exact = TRUE, x = p$x, y = rev(p$y)), "data")
  expect_match(conditionMessage(e), "same order")
})
