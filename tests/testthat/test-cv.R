p <- make_problem(60, 30, seed = 61)
x <- p$x
colnames(x) <- sprintf("g%02d", 1:30)
z <- factor(p$y > 0, labels = c("low", "high"))

test_that("the object has the fields of glmnet", {
  cv <- cv.sparsepath(x, z, family = "binomial", foldid = p$fold, keep = TRUE)
  expect_s3_class(cv, "cv.sparsepath", exact = TRUE)
  size <- length(cv$lambda)
  for (field in c("cvm", "cvsd", "cvup", "cvlo", "nzero")) expect_length(cv[[field]], size)
  expect_identical(cv$cvup, cv$cvm + cv$cvsd)
  expect_identical(cv$cvlo, cv$cvm - cv$cvsd)
  expect_identical(cv$name, c(deviance = "Binomial Deviance"))
  expect_identical(cv$fit, cv$glmnet.fit)
  expect_identical(cv$nzero, cv$fit$df)
  expect_identical(dim(cv$fit.preval), c(60L, size))
  expect_identical(cv$foldid, p$fold)
  expect_identical(dim(cv$index), c(2L, 1L))
  expect_identical(cv$lambda[cv$index[, 1]], c(cv$lambda.min, cv$lambda.1se))
  expect_identical(cv$call[[1]], quote(cv.sparsepath))
  expect_identical(cv$fit$call, quote(sparsepath(x = x, y = z, family = "binomial")))
  expect_length(cv$fold.gap, 5)
  expect_true(all(cv$fold.gap <= 1e-7))
})

test_that("the full fit is the single fit", {
  cv <- cv.sparsepath(x, p$y, foldid = p$fold, alpha = 0.5, weights = p$w)
  single <- sparsepath(x, p$y, alpha = 0.5, weights = p$w)
  expect_equal(cv$fit$beta, single$beta, tolerance = 1e-10)
  expect_identical(cv$lambda, single$lambda)
  expect_identical(cv$fit$end, single$end)
})

test_that("held-out predictions are those of a loop of single fits", {
  arguments <- list(
    list(), list(weights = p$w, offset = p$o), list(alpha = 0.3, standardize = FALSE), list(intercept = FALSE),
    list(lower.limits = 0, exclude = "g02"), list(penalty.factor = rep(c(0, 1, 2), 10))
  )
  for (family in c("gaussian", "binomial", "poisson")) for (a in arguments) {
    y <- switch(family, gaussian = p$y, binomial = z, poisson = round(exp(p$y / 3)))
    cv <- do.call(cv.sparsepath, c(list(x, y, family = family, foldid = p$fold, keep = TRUE, lambda.min.ratio = 0.05), a))
    loop <- cv$fit.preval * NA
    for (f in 1:5) {
      out <- p$fold == f
      part <- a
      for (row in intersect(names(a), c("weights", "offset"))) part[[row]] <- a[[row]][!out]
      one <- do.call(sparsepath, c(list(x[!out, ], y[!out], family = family, lambda = cv$lambda), part))
      loop[out, ] <- predict(one, x[out, ], newoffset = a$offset[out])
    }
    expect_lt(max(abs(loop - cv$fit.preval)), 1e-8 * max(1, abs(loop)))
  }
})

test_that("replicates are averages of cross-validations", {
  folds <- with_seed(1, replicate(3, sample(rep_len(1:5, 60))))
  all <- cv.sparsepath(x, p$y, foldid = folds, keep = TRUE)
  single <- lapply(1:3, function(r) cv.sparsepath(x, p$y, foldid = folds[, r], keep = TRUE))
  expect_equal(all$cvm, rowMeans(vapply(single, `[[`, all$cvm, "cvm")))
  expect_identical(dim(all$fit.preval), c(60L, length(all$lambda), 3L))
  for (r in 1:3) expect_equal(all$fit.preval[, , r], single[[r]]$fit.preval, ignore_attr = TRUE, tolerance = 1e-8)
  expect_identical(all$foldid, folds)
  # the same replicate again changes nothing, not even the standard error
  same <- cv.sparsepath(x, p$y, foldid = folds[, c(1, 1)])
  expect_equal(same$cvm, single[[1]]$cvm)
  expect_equal(same$cvsd, single[[1]]$cvsd)
  set.seed(2)
  expect_identical(dim(cv.sparsepath(x, p$y, repeats = 4)$foldid), c(60L, 4L))
})

test_that("small folds", {
  w <- warnings_of(cv <- cv.sparsepath(x, z, family = "binomial", type.measure = "auc"))
  expect_s3_class(w[[1]], "sparsepath_warning_small_folds")
  expect_named(cv$name, "deviance")
  w <- warnings_of(cv <- cv.sparsepath(x[1:20, ], p$y[1:20]))
  expect_s3_class(w[[1]], "sparsepath_warning_small_folds")
})

test_that("rows of weight zero are held out without effect", {
  w <- replace(rep(1, 60), c(3, 17), 0)
  a <- cv.sparsepath(x, p$y, weights = w, foldid = p$fold, lambda = c(0.5, 0.2, 0.1))
  b <- cv.sparsepath(x[w > 0, ], p$y[w > 0], foldid = p$fold[w > 0], lambda = c(0.5, 0.2, 0.1))
  expect_equal(a$cvm, b$cvm)
  expect_equal(a$cvsd, b$cvsd)
})

test_that("a path that ends early ends for all folds", {
  cv <- cv.sparsepath(x, p$y, foldid = p$fold, keep = TRUE, control = sparsepath.control(devmax = 0.5))
  expect_identical(cv$fit$end, "devmax")
  expect_length(cv$cvm, length(cv$fit$lambda))
  expect_false(anyNA(cv$fit.preval))
})

test_that("one lambda", {
  cv <- cv.sparsepath(x, p$y, foldid = p$fold, lambda = 0.2)
  expect_length(cv$cvm, 1)
  expect_identical(cv$lambda.min, 0.2)
})

test_that("family objects of two classes are judged by misclassification and AUC as well", {
  d <- make_problem(120, 6, seed = 71)
  z <- as.double(d$y > 0)
  y <- factor(z, labels = c("no", "yes"))
  fold <- rep_len(1:5, 120)
  for (family in list(binomial("probit"), binomial("cloglog"), quasibinomial())) {
    cv <- lapply(c(class = "class", auc = "auc", mse = "mse", mae = "mae"), function(m) {
      cv.sparsepath(d$x, y, family = family, type.measure = m, foldid = fold, weights = d$w, keep = TRUE, nlambda = 12, lambda.min.ratio = 0.05)
    })
    p <- family$linkinv(cv$class$fit.preval)
    mean_of <- function(loss) vapply(seq_len(ncol(p)), function(l) weighted.mean(loss(p[, l]), d$w), 0)
    expect_equal(cv$class$cvm, mean_of(function(q) (q > 0.5) != z))
    expect_equal(cv$mse$cvm, mean_of(function(q) (q - z)^2))
    expect_equal(cv$mae$cvm, mean_of(function(q) abs(q - z)))
    auc <- vapply(seq_len(ncol(p)), function(l) {
      each <- vapply(1:5, function(k) concordance_index(p[fold == k, l], z[fold == k], d$w[fold == k]), 0)
      weighted.mean(each, drop(rowsum(d$w, fold)))
    }, 0)
    expect_equal(cv$auc$cvm, auc)
    expect_identical(cv$auc$index["min", 1], which.max(auc))
    expect_identical(names(cv$auc$name), "auc")
  }
  # the logit link by its own functions is the named family
  own <- binomial()
  own$link <- "my logit"
  for (m in c("class", "auc")) {
    f <- function(family) cv.sparsepath(d$x, y, family = family, type.measure = m, foldid = fold, nlambda = 12, lambda.min.ratio = 0.05)
    expect_equal(f(own)$cvm, f("binomial")$cvm, tolerance = 1e-8)
  }
  expect_refused(cv.sparsepath(d$x, exp(d$y), family = Gamma("log"), type.measure = "auc"), "choice")
  # 4 observations in a fold: no AUC
  w <- warnings_of(few <- cv.sparsepath(d$x[1:40, ], y[1:40], family = binomial("probit"), type.measure = "auc", nlambda = 5, nfolds = 10))
  expect_true(any(vapply(w, inherits, NA, "sparsepath_warning_small_folds")))
  expect_identical(names(few$name), "deviance")
})
