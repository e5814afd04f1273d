# Judging predictions on data that are given: all measures, confusion tables, ROC
# curves, concordance. The measures are those of the cross-validation (score.R).

#' Judge predictions on new data
#'
#' `assess()` computes every measure of the family, at every lambda asked for;
#' `confusion()` the tables of predicted and true classes; `roc()` ROC curves.
#' The measures are computed as in [cv.sparsepath()], all observations in one group.
#'
#' For a `newx` that the model was fitted to, they are optimistic. Judge on data that
#' were not used, or give the held-out predictions of a cross-validation:
#' `assess(cv$fit.preval, newy = y, family = "binomial")`.
#'
#' @param object A fit of [sparsepath()] or [cv.sparsepath()]; or linear predictors, a vector
#'   or a matrix with one column for each lambda, for `"multinomial"` observations x classes (x lambdas)
#'   (then `family` is needed, and no `newx`).
#' @param newx,newy Data and response. `newy` may have any form that `y` may
#'   have in the fit; it may be left out if the fit has a formula and `newx` is a data frame with
#'   the response; rows with missing values are then left out with a warning of class `sparsepath_warning_incomplete`.
#' @param weights Observation weights, default 1.
#' @param s Lambdas; by default all of a path, and `"lambda.1se"` of a
#'   cross-validation.
#' @param newoffset Offsets, required if the path was fitted with an offset.
#' @param family Family of the predictors, if `object` is not a fit.
#' @param classnames The classes (`"binomial"`: the two), if `object` is not a fit and `newy` does not tell: the
#'   second is the one whose linear predictor is positive.
#' @param ... Further arguments of [predict.sparsepath()], such as `gamma` for a relaxed fit.
#' @returns `assess()`: a data frame with one row for each lambda, a column `lambda` (if
#'   known) and one column for each measure, whose attribute `"measure"` is its full name.
#'
#'   `confusion()`: a table of (weighted) counts, predicted classes in rows and true ones in columns,
#'   of class `"sparsepath_confusion"`; with several lambdas a list of tables.
#'
#'   `roc()`: a data frame with columns `threshold` (of the linear predictor; the
#'   second class is predicted above it), `FPR` and `TPR`, of class `"sparsepath_roc"`,
#'   with the area under the curve as attribute `"auc"`; with several lambdas a list of them. It has a
#'   `plot()` method.
#' @seealso [concordance_index()], [cv.sparsepath()].
#' @examples
#' x <- log2(colon$x)
#' train <- seq_len(62) %% 3 > 0
#' fit <- sparsepath(x[train, ], colon$y[train], family = "binomial")
#' s <- fit$lambda[c(10, 30)]
#' assess(fit, x[!train, ], colon$y[!train], s = s)
#' confusion(fit, x[!train, ], colon$y[!train], s = s[2])
#' plot(roc(fit, x[!train, ], colon$y[!train], s = s[2]))
#' @export
assess <- function(object, newx = NULL, newy, weights = NULL, s = NULL, newoffset = NULL, family = NULL, classnames = NULL, ...) {
  call <- shown_call("assess")
  given <- judged(object, newx, if (missing(newy)) NULL else newy, weights, s, newoffset, family, classnames, call, ...)
  traits <- family_traits(given$family)
  measures <- traits$measures
  fold <- matrix(1L, nrow(given$eta), 1L)
  eta <- array(given$eta, c(dim(given$eta), 1L))
  values <- lapply(names(measures), function(m) {
    value <- cv_curve(eta, fold, given$response, given$weights, traits, m, TRUE)$cvm
    structure(value, measure = measures[[m]])
  })
  names(values) <- names(measures)
  if (!is.null(given$lambda)) values <- c(list(lambda = unname(given$lambda)), values)
  structure(values, class = "data.frame", row.names = eta_labels(given$eta) %||% seq_len(dim(given$eta)[length(dim(given$eta))]))
}

#' @rdname assess
#' @export
confusion <- function(object, newx = NULL, newy, weights = NULL, s = NULL, newoffset = NULL, family = NULL, classnames = NULL, ...) {
  call <- shown_call("confusion")
  given <- judged(object, newx, if (missing(newy)) NULL else newy, weights, s, newoffset, family, classnames, call, ...)
  if (family_traits(given$family)$name == "multinomial") {
    return(one_or_list(class_tables(given$eta, given$response, given$classnames), eta_labels(given$eta)))
  }
  check_two_classes(given, call)
  classes <- given$classnames
  y <- given$response$y
  w <- given$response$weights
  tables <- lapply(seq_len(ncol(given$eta)), function(l) {
    second <- likely(given$eta[, l], given$family)
    counts <- c(sum((w * (1 - y))[!second]), sum((w * (1 - y))[second]), sum((w * y)[!second]), sum((w * y)[second]))
    structure(matrix(counts, 2L, dimnames = list(Predicted = classes, True = classes)), class = c("sparsepath_confusion", "table"))
  })
  one_or_list(tables, colnames(given$eta))
}

#' @rdname assess
#' @export
roc <- function(object, newx = NULL, newy, weights = NULL, s = NULL, newoffset = NULL, family = NULL, classnames = NULL, ...) {
  call <- shown_call("roc")
  given <- judged(object, newx, if (missing(newy)) NULL else newy, weights, s, newoffset, family, classnames, call, ...)
  check_two_classes(given, call)
  curves <- lapply(seq_len(ncol(given$eta)), function(l) {
    roc_curve(given$eta[, l], given$response$weights * given$response$y, given$response$weights * (1 - given$response$y), call)
  })
  one_or_list(curves, colnames(given$eta))
}

#' Print a table of predicted and true classes
#'
#' @param x Result of [confusion()].
#' @param digits Significant digits.
#' @param ... Ignored.
#' @returns `x`, invisibly.
#' @method print sparsepath_confusion
#' @export
print.sparsepath_confusion <- function(x, digits = 4, ...) {
  total <- sum(x)
  shown <- rbind(cbind(unclass(x), Total = rowSums(x)), Total = c(colSums(x), total))
  names(dimnames(shown)) <- c("Predicted", "True")
  print(signif(shown, max(digits, ceiling(log10(max(total, 1))))))
  cat("\nCorrect:", format(sum(diag(unclass(x))) / total, digits = digits), "\n")
  invisible(x)
}

#' Plot an ROC curve
#'
#' @param x Result of [roc()] for one lambda.
#' @param add Add to a plot?
#' @param col,xlab,ylab,main,... Graphical parameters.
#' @returns `NULL`, invisibly.
#' @method plot sparsepath_roc
#' @export
plot.sparsepath_roc <- function(x, add = FALSE, col = "#0072B2", xlab = "False positive rate", ylab = "True positive rate",
                                main = sprintf("AUC %s", format(attr(x, "auc"), digits = 3)), ...) {
  add <- check_flag(add, "add", shown_call("plot"))
  if (!add) {
    graphics::plot(c(0, 1), c(0, 1), type = "n", xlab = xlab, ylab = ylab, main = main, las = 1, bty = "l", asp = 1)
    graphics::abline(0, 1, lty = 2, col = "grey60")
  }
  graphics::lines(x$FPR, x$TPR, col = col, lwd = 1.5, ...)
  invisible()
}

#' Concordance of predictions and outcomes
#'
#' The probability that of two observations whose order is known the one with the
#' larger prediction has the larger outcome; pairs tied in the prediction count
#' half. 0.5 is guessing. For a survival outcome, a
#' larger prediction means a higher risk: it should go with the *shorter* time, and a
#' pair counts when the shorter time is an event (Harrell's C). With entry times both must be at risk
#' at that event, and with strata ([stratify()]) both must be in the same stratum. For two classes
#' this is the area under the ROC curve. Time is O(n log n) for each column.
#'
#' @param pred Predictions: a vector, or a matrix with one column for each lambda.
#' @param y Outcome: numeric, a factor with two classes or ordered, logical, or any response that
#'   [sparsepath()] takes for `family = "cox"`.
#' @param weights Observation weights, default 1; a pair counts by the product.
#' @returns One number for each column of `pred`; `NA` if no pair can be ordered.
#' @references
#' Harrell FE, Lee KL, Mark DB (1996). Multivariable prognostic models. *Statistics in
#' Medicine*, 15(4), 361-387.
#' @examples
#' fit <- sparsepath(mpg ~ ., mtcars)
#' concordance_index(predict(fit, mtcars, s = c(1, 0.1)), mtcars$mpg)
#' @export
concordance_index <- function(pred, y, weights = NULL) {
  call <- shown_call("concordance_index")
  if (is.null(dim(pred))) pred <- matrix(pred, dimnames = list(names(pred), NULL))
  if (!is.numeric(pred) || length(dim(pred)) != 2L) {
    sp_abort("type", "`pred` must be a numeric vector or matrix.", why = sprintf("It is %s.", describe(pred)), call = call, arg = "pred")
  }
  n <- nrow(pred)
  if (any(!is.finite(pred))) {
    sp_abort("nonfinite", "`pred` must not contain missing or infinite values.",
      why = sprintf("%s at position %d.", show_number(pred[!is.finite(pred)][1L]), which(!is.finite(pred))[1L]), call = call, arg = "pred"
    )
  }
  w <- if (is.null(weights)) rep(1, n) else check_numeric(weights, "weights", call, n = n, of = "rows of `pred`", lower = 0)
  if (is_survival(y) || is.matrix(y) && ncol(y) > 1L) {
    rows <- response_rows(y)
    if (rows != n) {
      sp_abort("length", sprintf("`y` must have one row for each of the %d rows of `pred`.", n), why = sprintf("It has %d.", rows), call = call, arg = "y")
    }
    data <- check_y_cox(y, n, NULL, call, "y")
  } else {
    if (is.factor(y)) {
      if (nlevels(y) > 2L && !is.ordered(y)) {
        sp_abort("type", "A factor `y` must be ordered or have two levels.", why = sprintf("It has %d.", nlevels(y)), call = call, arg = "y")
      }
      y <- as.integer(y)
    } else if (is.logical(y)) y <- y + 0
    y <- check_numeric(y, "y", call, n = n, of = "rows of `pred`")
    data <- list(y = -y, status = rep(1L, n)) # a larger outcome is an earlier event
  }
  structure(concordance_of(pred, data, w), names = colnames(pred))
}

# ---- pieces ---------------------------------------------------------------------------

#' Linear predictors and response, from a fit and data or as they are given
#' @return list(eta [n x L], response, weights, family, classnames, lambda)
#' @noRd
judged <- function(object, newx, newy, weights, s, newoffset, family, classnames, call, ...) {
  fitted <- inherits(object, "sparsepath") || inherits(object, "cv.sparsepath")
  if (fitted) {
    path <- path_of(object, call)
    if (is.null(newx)) abort_missing("newx", "The fit holds no data: give `newx`.", call)
    own <- is.null(newy)
    newy <- newy %||% response_in(path, newx, call, "newx") %||% abort_missing("newy", "Give the response.", call)
    eta <- if (is.null(s)) predict(object, newx, newoffset = newoffset, ...) else predict(object, newx, s = s, newoffset = newoffset, ...)
    known <- complete_rows(eta, if (own) newy)
    if (!all(known) && response_rows(newy) == length(known) && (is.null(weights) || length(weights) == length(known))) {
      if (!any(known)) sp_abort("nonfinite", "No row of `newx` is complete.", call = call, arg = "newx")
      sp_warn("incomplete", sprintf("%d of %d rows of `newx` have missing values and are left out.", sum(!known), length(known)), call = call)
      eta <- if (length(dim(eta)) == 3L) eta[known, , , drop = FALSE] else eta[known, , drop = FALSE]
      newy <- take_rows(newy, known)
      weights <- weights[known]
    }
    lambda <- if (is.numeric(s)) s else if (is.null(s) && inherits(object, "sparsepath")) path$lambda
    family <- path$family
    classnames <- path$classnames
  } else {
    if (is.null(newy)) abort_missing("newy", "Give the response.", call)
    several <- identical(family, "multinomial")
    if (!is.numeric(object) || length(dim(object)) > 2L + several) {
      sp_abort("type", "`object` must be a fit, or linear predictors.", why = sprintf("It is %s.", describe(object)), call = call, arg = "object")
    }
    if (is.null(family)) abort_missing("family", "Predictors alone do not tell their family.", call)
    family <- check_family(family, call)
    eta <- if (several) several_eta(object, call) else as.matrix(object)
    lambda <- NULL
    if (several && is.null(classnames)) {
      classnames <- dimnames(eta)[[2L]] %||% (if (is.matrix(newy)) colnames(newy) else levels(as.factor(newy)))
      classnames <- classnames %||% as.character(seq_len(dim(eta)[2L]))
    }
    if (several && length(classnames) != dim(eta)[2L]) {
      sp_abort("dimension", "`object` must have one linear predictor for each class.",
        why = sprintf("It has %d for the %d classes %s.", dim(eta)[2L], length(classnames), some_names(classnames)), call = call, arg = "object"
      )
    }
    if (has_classes(family) && is.null(classnames)) {
      classnames <- if (is.factor(newy)) levels(newy) else if (is.null(dim(newy)) && !is.numeric(newy)) sort(unique(as.character(newy)))
      classnames <- classnames %||% c("0", "1")
    }
  }
  n <- nrow(eta)
  weights <- check_weights(weights, n, call)
  rows <- response_rows(newy)
  if (length(newy) && rows != n) {
    sp_abort("length", sprintf("`newy` must have one value for each of the %d rows.", n), why = sprintf("It has %d.", rows), call = call, arg = "newy")
  }
  response <- response_like(newy, list(family = family, classnames = classnames), n, weights, call)
  if (identical(family, "cox")) response$efron <- fitted && identical(path$settings$cox.ties, "efron")
  list(eta = eta, response = response, weights = weights, family = family, classnames = classnames, lambda = lambda)
}

#' @noRd
response_rows <- function(y) NROW(if (inherits(y, "stratified")) y$y else y)

#' Rows without a missing value in the linear predictors, and in the response if it is given
#' @noRd
complete_rows <- function(eta, y = NULL) {
  known <- stats::complete.cases(matrix(eta, nrow(eta)))
  if (is.null(y)) return(known)
  if (inherits(y, "stratified")) y <- y$y
  known & stats::complete.cases(if (inherits(y, "Surv")) as.matrix(y) else y)
}

#' Names of the lambdas of linear predictors
#' @noRd
eta_labels <- function(eta) dimnames(eta)[[length(dim(eta))]]

#' @noRd
check_two_classes <- function(given, call) {
  if (has_classes(given$family) && !identical(given$family, "multinomial")) return(invisible())
  sp_abort("choice", sprintf("`%s()` needs two classes.", as.character(call[[1L]])), why = sprintf("The family is %s.", family_label(given$family)), call = call)
}

#' Predictors of several classes: n x K x L, or n x K for one lambda
#' @noRd
several_eta <- function(object, call) {
  if (length(dim(object)) == 3L) return(object)
  if (is.matrix(object)) return(array(object, c(dim(object), 1L), c(dimnames(object) %||% list(NULL, NULL), list(NULL))))
  sp_abort("type", "`object` must be linear predictors of all classes: observations x classes x lambdas.",
    why = sprintf("It is %s.", describe(object)), call = call, arg = "object"
  )
}

#' @noRd
one_or_list <- function(x, names) if (length(x) == 1L) x[[1L]] else structure(x, names = names)

#' @noRd
roc_curve <- function(eta, events, others, call) {
  if (sum(events) == 0 || sum(others) == 0) {
    sp_abort("one_class", "An ROC curve needs observations of both classes.", call = call, arg = "newy")
  }
  value <- sort(unique(eta), decreasing = TRUE)
  at <- match(eta, value)
  tpr <- cumsum(tapply(events, factor(at, seq_along(value)), sum)) / sum(events)
  fpr <- cumsum(tapply(others, factor(at, seq_along(value)), sum)) / sum(others)
  curve <- data.frame(threshold = c(value, -Inf), FPR = c(0, unname(fpr)), TPR = c(0, unname(tpr))) # above the threshold, strictly
  area <- sum(diff(curve$FPR) * (utils::head(curve$TPR, -1L) + utils::tail(curve$TPR, -1L)) / 2)
  structure(curve, auc = area, class = c("sparsepath_roc", "data.frame"))
}
