# `exclude` as a function of the training data: a fit is the one with the columns it chose, folds are single fits of their rows.

# keep the columns that are most correlated with the response, whatever that is
screen <- function(x, y, weights) {
  if (is.matrix(y)) y <- if ("time" %in% colnames(y)) y[, "time"] else y[, 1]
  r <- abs(cov.wt(cbind(as.matrix(x), as.numeric(y)), weights, cor = TRUE)$cor[seq_len(ncol(x)), ncol(x) + 1])
  order(r)[seq_len(ncol(x) %/% 2)]
}
rows <- function(y, i) if (is.matrix(y)) y[i, , drop = FALSE] else y[i]

test_that("the function sees the data and its columns are left out", {
  p <- make_problem(50, 20, seed = 51)
  colnames(p$x) <- paste0("g", 1:20)
  seen <- NULL
  spy <- function(x, y, weights) {
    seen <<- list(x = x, y = y, weights = weights)
    screen(x, y, weights)
  }
  f <- sparsepath(p$x, p$y, exclude = spy, weights = p$w)
  expect_identical(seen, list(x = p$x, y = p$y, weights = p$w))
  g <- sparsepath(p$x, p$y, exclude = screen(p$x, p$y, p$w), weights = p$w)
  expect_identical(f$beta, g$beta)
  expect_identical(f$lambda, g$lambda)
  s <- sqrt(f$lambda[5] * f$lambda[6])
  expect_equal(coef(f, s = s, exact = TRUE, x = p$x, y = p$y, weights = p$w), coef(g, s = s, exact = TRUE, x = p$x, y = p$y, weights = p$w))
  expect_lte(max(kkt(f, p$x, p$y, weights = p$w)$kkt), 1e-6)
  expect_identical(update(f, alpha = 0.5)$beta, update(g, alpha = 0.5)$beta)
  expect_identical(sparsepath(p$x, p$y, exclude = function(x, y, weights) colnames(x)[1:5])$settings$exclude, 1:5)
  expect_identical(sparsepath(p$x, p$y, exclude = function(...) NULL)$beta, sparsepath(p$x, p$y)$beta)
  d <- data.frame(p$x, y = p$y)
  expect_equal(sparsepath(y ~ ., d, exclude = screen)$beta, sparsepath(p$x, p$y, exclude = screen)$beta, tolerance = 1e-12)
})

test_that("cross-validation calls it in every fold: the held-out predictions are those of single fits", {
  fold <- rep_len(1:5, 60)
  for (f in family_problems()) for (sparse in c(FALSE, TRUE)) {
    x <- if (sparse) Matrix::Matrix(f$x * (abs(f$x) > 0.5), sparse = TRUE) else f$x
    extra <- if (identical(f$family, "mgaussian")) list() else list(penalty.factor = c(0, 1:7))
    cv <- do.call(cv.sparsepath, c(list(x, f$y, family = f$family, exclude = screen, foldid = fold, keep = TRUE, weights = f$w, nlambda = 10,
      lambda.min.ratio = 0.05), extra))
    for (k in 1:5) {
      one <- do.call(sparsepath, c(list(x[fold != k, ], rows(f$y, fold != k), family = f$family, exclude = screen, lambda = cv$fit$lambda,
        weights = f$w[fold != k]), extra))
      mine <- predict(one, x[fold == k, ])
      held <- if (length(dim(mine)) == 3L) cv$fit.preval[fold == k, , ] else cv$fit.preval[fold == k, ]
      expect_equal(c(held), c(mine), tolerance = 1e-9, label = paste(format(if (is.character(f$family)) f$family else f$family$family), if (sparse) "sparse"))
    }
  }
})

test_that("relaxed folds and adaptive factors keep to it", {
  p <- make_problem(60, 12, seed = 52)
  fold <- rep_len(1:4, 60)
  cv <- cv.sparsepath(p$x, p$y, exclude = screen, foldid = fold, relax = TRUE, gamma = c(0, 0.5), keep = TRUE)
  one <- sparsepath(p$x[fold != 2, ], p$y[fold != 2], exclude = screen, lambda = cv$fit$lambda, relax = TRUE)
  l <- 20
  expect_equal(unname(cv$relaxed$fit.preval[["g:0.5"]][fold == 2, l]), unname(predict(one, p$x[fold == 2, ], s = one$lambda[l], gamma = 0.5)[, 1]),
    tolerance = 1e-9)
  cv <- cv.sparsepath(p$x, p$y, exclude = screen, foldid = fold, penalty = pen_adaptive(), keep = TRUE)
  one <- sparsepath(p$x[fold != 3, ], p$y[fold != 3], exclude = screen, lambda = cv$fit$lambda, penalty = pen_adaptive())
  expect_equal(unname(cv$fit.preval[fold == 3, ]), unname(predict(one, p$x[fold == 3, ])), tolerance = 1e-9)
  expect_identical(which(is.finite(cv$fit$penalty$factor)), setdiff(1:12, screen(p$x, p$y, rep(1, 60))))
})

test_that("the same as glmnet", {
  skip_unless_glmnet()
  p <- make_problem(80, 30, seed = 53)
  fold <- rep_len(1:5, 80)
  for (family in c("gaussian", "binomial")) {
    y <- if (family == "gaussian") p$y else as.double(p$y > 0)
    cv <- cv.sparsepath(p$x, y, family = family, exclude = screen, foldid = fold)
    g <- glmnet::cv.glmnet(p$x, y, family = family, exclude = screen, foldid = fold, lambda = cv$lambda, control = list(thresh = 1e-14, maxit = 1e7))
    expect_equal(cv$cvm, unname(g$cvm), tolerance = 1e-5)
    expect_identical(which(as.matrix(g$glmnet.fit$beta)[, 20] != 0), which(as.matrix(cv$fit$beta)[, 20] != 0), ignore_attr = TRUE)
  }
})

test_that("what cannot be used is refused by name", {
  p <- make_problem(40, 10, seed = 54)
  e <- expect_refused(sparsepath(p$x, p$y, exclude = function(x, y, weights) stop("no such gene")), "function")
  expect_match(conditionMessage(e), "no such gene")
  expect_refused(sparsepath(p$x, p$y, exclude = function(x) 1), "function")
  expect_refused(sparsepath(p$x, p$y, exclude = function(...) list(1)), "type")
  expect_refused(sparsepath(p$x, p$y, exclude = function(...) 11), "range")
  expect_refused(sparsepath(p$x, p$y, exclude = function(...) 1:10), "range")
})

test_that("norms of groups: weights by default and factors are those of the columns that a fold keeps", {
  p <- make_problem(60, 12, seed = 55)
  fold <- rep_len(1:4, 60)
  y <- cbind(p$y, rev(p$y) + p$x[, 2])
  group <- rep(1:4, 3)
  problems <- list(
    list(p$y, penalty = pen_group(group)), list(p$y, penalty = pen_sparse_group(group, 0.4), penalty.factor = rep(c(1, 2, 0.5), 4)),
    list(p$y, penalty = pen_group_mcp(group), lambda.min.ratio = 0.1), list(p$y, penalty = pen_adaptive("univariate", group = group)),
    list(y, penalty.factor = rep(c(1, 2, 0.5), 4), family = "mgaussian"), list(p$y, penalty = pen_group(1:12))
  )
  sizes <- lapply(1:4, function(k) tabulate(group[screen(p$x[fold != k, ], p$y[fold != k], rep(1, 45))], 4))
  expect_gt(length(unique(sizes)), 1)
  for (a in problems) {
    cv <- do.call(cv.sparsepath, c(list(p$x), a, list(exclude = screen, foldid = fold, keep = TRUE, nlambda = 15)))
    for (k in 1:4) {
      train <- fold != k
      a[[1]] <- if (is.matrix(a[[1]])) y[train, ] else p$y[train]
      one <- do.call(sparsepath, c(list(p$x[train, ]), a, list(exclude = screen, lambda = cv$fit$lambda)))
      held <- array(cv$fit.preval, c(60, length(cv$fit.preval) / 60))[!train, ]
      expect_lt(max(abs(held - as.vector(predict(one, p$x[!train, ])))), 1e-10 * max(abs(held)))
    }
  }
})
