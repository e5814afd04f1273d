# A cross-validation is a loop of single fits over the folds: every family, ridge mix and option, to 1e-10.

test_that("held-out predictions are those of a loop", {
  skip_on_cran()
  rows <- function(y, i) if (is.matrix(y)) y[i, , drop = FALSE] else y[i]
  fold <- with_seed(72, sample(rep_len(1:5, 60)))
  for (f in family_problems()) for (alpha in c(1, 0.3, 0)) for (option in c("weights", "zero weights, offset", "limits", "sparse", "raw", "strata")) {
    a <- list(family = f$family, alpha = alpha)
    x <- f$x
    y <- f$y
    w <- o <- NULL
    if (option == "weights") w <- f$w
    if (option == "zero weights, offset") {
      w <- replace(f$w, c(3, 17, 44), 0)
      o <- f$o
    }
    if (option == "limits") a[c("lower.limits", "upper.limits")] <- list(-0.05, 0.2)
    if (option == "sparse") x <- Matrix::Matrix(x * (abs(x) > 0.8), sparse = TRUE)
    if (option == "raw") a[c("standardize", "penalty.factor")] <- list(FALSE, c(0, 1:6, Inf))
    if (option == "strata") {
      if (!identical(f$family, "cox")) next
      y <- stratify(y, rep(1:2, 30))
    }
    cv <- tryCatch(do.call(cv.sparsepath, c(list(x, y, weights = w, offset = o, foldid = fold, keep = TRUE, nlambda = 8, lambda.min.ratio = 0.05), a)),
      sparsepath_error_unavailable = function(e) NULL)
    if (is.null(cv)) next # limits with norms
    size <- seq_along(cv$lambda)
    for (k in 1:5) {
      held <- fold == k
      part <- function(i) if (is.matrix(o)) o[i, ] else o[i]
      one <- do.call(sparsepath, c(list(x[!held, ], rows(y, !held), weights = w[!held], offset = part(!held), lambda = cv$fit$lambda), a))
      mine <- predict(one, x[held, ], newoffset = part(held))
      e <- if (length(dim(mine)) == 3L) max(abs(cv$fit.preval[held, , size] - mine[, , size])) else max(abs(cv$fit.preval[held, size] - mine[, size]))
      expect(e <= 1e-10, sprintf("%s, alpha %g, %s, fold %d: %.1e", if (is.character(f$family)) f$family else f$family$family, alpha, option, k, e))
    }
  }
})
