# Prior lasso: the response is blended with what prior knowledge predicts.

#' Prior lasso: a lasso that is told what is already known
#'
#' Blends the response with the predictions of a prior model, and fits a path of [sparsepath()] to the blend, for
#' each of several weights `eta` of the prior. `cv.prior_lasso()` chooses lambda and eta together, judged on the
#' observed response. With a good prior this needs fewer observations; a bad one is
#' recognized by cross-validation, which then chooses `eta = 0`, the plain lasso.
#'
#' @section Objective:
#' Jiang, He and Zhang (2016, eq. 2.3) add to the loss \eqn{\eta} times the loss of the predictions
#' \eqn{\hat y_i^p}{yp_i} of the prior model as if they had been observed. For the canonical links here that is the same as the problem of [sparsepath()] with the
#' pseudo-response (their eq. 2.5)
#' \deqn{\tilde y_i = (y_i + \eta \hat y_i^p) / (1 + \eta)}{y~_i = (y_i + eta yp_i) / (1 + eta)}
#' and lambda divided by \eqn{1+\eta}. Lambdas here are those of the problem with the pseudo-response; deviance
#' ratios of the paths (`fits`) refer to it too.
#'
#' @section The prior:
#' *A set of variables* (numbers or names of columns, or a logical vector). They are fitted by a ridge
#' regression on these variables alone, its lambda chosen by an inner five-fold cross-validation without random numbers (see [pen_adaptive()])
#' among 50 down to a millionth of the largest. The paper
#' leaves them unpenalized; the ridge comes near that for few variables, and exists for many, and for classes
#' that they separate. In `cv.prior_lasso()` this
#' is done anew in every fold from its training rows, so that no held-out response enters the prior.
#'
#' *Predictions* (one number for each row): expected values for `"gaussian"` and `"poisson"`, probabilities of
#' the second class for `"binomial"`, from another study, say. They are used as they are in every fold. That the
#' responses of `y` have not been used to make them is your promise.
#'
#' @inheritParams sparsepath
#' @param y Response, as in [sparsepath()].
#' @param prior The prior: columns of `x`, or one prediction for each row, see below. A numeric vector as long as `x` has rows is taken
#'   for predictions.
#' @param eta Weights of the prior relative to the data, zero or positive. Zero is the plain lasso.
#' @param family `"gaussian"`, `"binomial"` or `"poisson"`.
#' @param ... `prior_lasso()`: further arguments of [sparsepath()] (`offset`, `alpha`, `nlambda`, `penalty.factor`, ...).
#'   `cv.prior_lasso()`: these and `type.measure`, `nfolds`, `foldid`, `repeats`, `grouped` and `cluster` of [cv.sparsepath()]. Methods:
#'   passed on to those of [sparsepath()].
#' @param type.measure,nfolds,foldid,repeats,grouped,cluster As in [cv.sparsepath()].
#' @returns `prior_lasso()`: an object of class `"prior_lasso"`, a list with `eta`, `fits` (a path of [sparsepath()] for
#'   each eta), `prior` (the prior predictions of the rows), `prior.type` (`"variables"` or `"predictions"`) and `call`.
#'   `cv.prior_lasso()`: an object of class `"cv.prior_lasso"`, a list with
#' \describe{
#'   \item{`cv`}{for each eta a list with `lambda`, `cvm`, `cvsd`, `nzero`}
#'   \item{`lambda.min`, `eta.min`}{the pair with the smallest error; of equal ones the smaller eta}
#'   \item{`lambda.1se`, `eta.1se`}{at most one standard error from it: the smallest eta, then the largest lambda}
#'   \item{`name`, `foldid`, `fit`, `call`}{the measure; the folds; the `"prior_lasso"` of all rows; the call}
#' }
#' @references
#' Jiang Y, He Y, Zhang H (2016). Variable selection with prior information for generalized linear models via the
#' prior LASSO method. *Journal of the American Statistical Association*, 111(513), 355-376.
#' \doi{10.1080/01621459.2015.1008363}
#' @section Errors:
#' Those of [sparsepath()]; `sparsepath_error_unavailable` for other families and for `relax`; `sparsepath_error_length`, `_range`, `_names`,
#' `_nonfinite`, `_type` for a `prior` that is neither columns nor predictions, and `_range` for a negative `eta`.
#' @seealso [prior_lasso_methods] for `coef()`, `predict()`, `plot()` and `kkt()`; [sparsepath()], [pen_adaptive()].
#' @examples
#' x <- log2(colon$x)
#' cv <- cv.prior_lasso(x, colon$y, prior = c(249, 493, 765), eta = c(0, 0.5, 2),
#'   family = "binomial", nfolds = 5)
#' cv
#' b <- coef(cv)
#' b[b[, 1] != 0, ]
#' @export
prior_lasso <- function(x, y, prior, eta = c(0, 0.25, 0.5, 1, 2, 4), family = "gaussian", weights = NULL, ...) {
  call <- shown_call("prior_lasso")
  check_prior_dots(dots_of(...), call)
  setup <- setup_problem(x, y, family, weights, call = call, ...)
  info <- check_prior(prior, setup, call)
  eta <- check_prior_weights(eta, call)
  predictions <- prior_predictions(info, setup, setup$problem$weights)
  own <- stored_call(match.call(), "prior_lasso")
  fits <- lapply(eta, function(e) {
    run <- pseudo_problem(setup, predictions, e)
    out <- run_engine(run)
    fit <- new_sparsepath(out$tasks[[1L]], out, run, own)
    warn_uncertified(fit, call)
    fit
  })
  new_prior_lasso(eta, fits, predictions[, 1L], info, own)
}

#' @noRd
new_prior_lasso <- function(eta, fits, predictions, info, call) {
  structure(list(eta = eta, fits = fits, prior = predictions, prior.type = info$type, call = call), class = "prior_lasso")
}

#' @rdname prior_lasso
#' @export
cv.prior_lasso <- function(x, y, prior, eta = c(0, 0.25, 0.5, 1, 2, 4), family = "gaussian", weights = NULL, ...,
                           type.measure = c("default", "mse", "mae", "deviance", "class", "auc"), nfolds = 10, foldid = NULL,
                           repeats = 1, grouped = TRUE, cluster = NULL) {
  call <- shown_call("cv.prior_lasso")
  check_prior_dots(dots_of(...), call)
  grouped <- check_flag(grouped, "grouped", call)
  if (identical(type.measure, eval(formals(cv.prior_lasso)$type.measure))) type.measure <- "default"
  setup <- setup_problem(x, y, family, weights, call = call, ...)
  info <- check_prior(prior, setup, call)
  eta <- check_prior_weights(eta, call)
  measure <- check_measure(type.measure, setup$family, call)
  folds <- make_folds(foldid, nfolds, repeats, nrow(setup$x), setup$response$classes, call, cluster)
  rule <- cv_rule(measure, grouped, nrow(folds) / max(folds), setup$family, call)
  tasks <- fold_tasks(setup$response$weights, folds)
  setup <- with_folds(setup, tasks, call)
  setup$problem$keep <- c(TRUE, rep(FALSE, sum(tasks$counts)))
  predictions <- prior_predictions(info, setup, tasks$weights)
  own <- stored_call(match.call(), "cv.prior_lasso")
  fits <- curves <- vector("list", length(eta))
  for (k in seq_along(eta)) {
    run <- pseudo_problem(setup, predictions, eta[k])
    out <- run_engine(run)
    fits[[k]] <- new_sparsepath(out$tasks[[1L]], out, run, own)
    warn_uncertified(fits[[k]], call)
    size <- length(fits[[k]]$lambda)
    # judged on what was observed, not on the blend
    curve <- cv_curve(heldout_eta(out, folds, size), folds, setup$response, setup$weights, setup$traits, rule$measure, rule$grouped)
    curves[[k]] <- list(lambda = fits[[k]]$lambda, cvm = curve$cvm, cvsd = curve$cvsd, nzero = fits[[k]]$df)
  }
  fit <- new_prior_lasso(eta, fits, predictions[, 1L], info, own)
  structure(
    c(list(eta = eta, cv = curves), choose_prior(eta, curves, rule$measure), list(
      name = setup$traits$measures[rule$measure], foldid = if (ncol(folds) == 1L) folds[, 1L] else folds, fit = fit, call = own
    )),
    class = "cv.prior_lasso"
  )
}

#' Arguments of sparsepath() by their full names
#' @noRd
check_prior_dots <- function(dots, call) {
  if (any(names(dots) %in% c("relax", "maxp"))) {
    sp_abort("unavailable", "`relax` cannot be combined with `prior_lasso()`.", why = "What is blended with the prior is not the response.",
      how = "Fit the selected columns by `sparsepath(lambda = 0)`.", call = call, arg = "relax"
    )
  }
  passed <- setdiff(fit_arguments(), c("relax", "maxp"))
  given <- names(dots) %||% rep("", length(dots))
  relaxed <- intersect(given, c("relax", "maxp"))
  if (length(relaxed)) {
    sp_abort("unavailable", sprintf("`%s` cannot be combined with a prior lasso.", relaxed[1L]), why = "A refit without penalty to the blended response would be no estimate from the data.",
      how = "Fit the variables selected with `sparsepath(x[, selected], y, lambda = 0)`.", call = call, arg = relaxed[1L])
  }
  check_dots(dots[!given %in% passed], c("prior", "eta", passed), call)
}

#' Best pair, and the simplest within one standard error
#' @noRd
choose_prior <- function(eta, curves, measure) {
  all <- do.call(rbind, lapply(seq_along(eta), function(k) {
    data.frame(eta = eta[k], lambda = curves[[k]]$lambda, loss = if (measure == "auc") -curves[[k]]$cvm else curves[[k]]$cvm, se = curves[[k]]$cvsd)
  }))
  all <- all[order(all$eta, -all$lambda), ]
  best <- which.min(all$loss)
  within <- which(all$loss <= all$loss[best] + all$se[best])[1L]
  list(lambda.min = all$lambda[best], eta.min = all$eta[best], lambda.1se = all$lambda[within], eta.1se = all$eta[within])
}

#' @noRd
check_prior_weights <- function(eta, call) {
  eta <- check_numeric(eta, "eta", call, lower = 0)
  if (!length(eta)) sp_abort("length", "`eta` must have at least one value.", why = "It is empty.", call = call, arg = "eta")
  sort(unique(eta))
}

#' A set of columns, or one prediction per row
#' @noRd
check_prior <- function(prior, setup, call) {
  if (!setup$traits$name %in% c("gaussian", "binomial", "poisson")) {
    sp_abort("unavailable", sprintf("`prior_lasso()` is not available for `family = %s`.", family_label(setup$family)),
      how = "Use \"gaussian\", \"binomial\" or \"poisson\".", call = call, arg = "family"
    )
  }
  if (missing(prior)) abort_missing("prior", "Give columns of `x`, or one prediction for each row.", call)
  n <- nrow(setup$x)
  if (is.matrix(prior) && is.numeric(prior) && ncol(prior) == 1L) prior <- prior[, 1L] # as predict() returns it
  if (is.numeric(prior) && length(prior) == n && n != 0L) {
    range <- switch(setup$traits$name, gaussian = c(-Inf, Inf), binomial = c(0, 1), poisson = c(0, Inf))
    return(list(type = "predictions", values = check_numeric(prior, "prior", call, lower = range[1L], upper = range[2L])))
  }
  p <- ncol(setup$x)
  if (is.logical(prior) && !is.null(prior)) prior <- check_columns(prior, "prior", p, setup$varnames, call)
  if (!is.numeric(prior) && !is.character(prior)) {
    sp_abort("type", "`prior` must be columns of `x` (numbers, names or a logical vector) or one prediction for each row.",
      why = sprintf("It is %s.", describe(prior)), how = if (inherits(prior, c("sparsepath", "cv.sparsepath", "glm", "lm"))) "Give what that model predicts for the rows of `x`: `predict(, type = \"response\")`.",
      call = call, arg = "prior"
    )
  }
  if (is.character(prior)) {
    columns <- match(prior, setup$varnames)
    if (anyNA(columns)) {
      sp_abort("names", "`prior` must name columns of `x`.", why = sprintf("There is no column %s.", some_names(prior[is.na(columns)])),
        call = call, arg = "prior", value = prior[is.na(columns)]
      )
    }
  } else {
    columns <- check_numeric(prior, "prior", call)
    bad <- which(columns < 1 | columns > p | columns != round(columns))
    if (length(bad)) {
      sp_abort(if (length(columns) > p || any(columns != round(columns))) "length" else "range",
        sprintf("`prior` must hold columns of `x` (numbers from 1 to %d), or one prediction for each of the %d rows.", p, n),
        why = sprintf("It has length %d, and %s at position %d.", length(columns), show_number(columns[bad[1L]]), bad[1L]), call = call, arg = "prior", position = bad[1L]
      )
    }
  }
  if (!length(columns)) sp_abort("length", "`prior` must have at least one column.", why = "It is empty.", call = call, arg = "prior")
  list(type = "variables", columns = sort(unique(as.integer(columns))))
}

#' Predictions of the prior model for all rows, one column for each task; rows that a task does not see have no part in its model
#' @noRd
prior_predictions <- function(info, setup, weights) {
  if (info$type == "predictions") return(matrix(info$values, nrow(weights), ncol(weights)))
  small <- setup
  small["penalty"] <- list(NULL)
  small$x <- setup$x[, info$columns, drop = FALSE]
  small$problem$v <- rep(1, length(info$columns))
  small$problem[c("lower", "upper", "chains", "groups")] <- list(NULL)
  small$problem[c("dfmax", "pmax")] <- list(length(info$columns) + 1L, length(info$columns))
  vapply(seq_len(ncol(weights)), function(task) {
    estimate <- initial_estimate(small, weights[, task], 0)
    setup$traits$linkinv((setup$problem$offset %||% 0) + estimate$a0 + as.double(small$x %*% estimate$b))
  }, double(nrow(weights)))
}

#' The problem with the pseudo-responses
#' @noRd
pseudo_problem <- function(setup, predictions, eta) {
  setup$problem$y <- as.vector((setup$response$y + eta * predictions) / (1 + eta))
  setup$problem$y.each <- ncol(predictions) > 1L
  setup
}

# ---- methods -----------------------------------------------------------------------

#' @noRd
fit_of_eta <- function(object, eta, call) {
  if (is.null(eta)) {
    if (length(object$eta) == 1L) return(object$fits[[1L]])
    abort_missing("eta", sprintf("Choose one of %s.", paste(format(object$eta, trim = TRUE), collapse = ", ")), call)
  }
  eta <- check_scalar(eta, "eta", call, lower = 0)
  at <- which(abs(object$eta - eta) <= 1e-9 * (1 + eta))
  if (!length(at)) {
    sp_abort("choice", sprintf("`eta` must be one of %s.", paste(format(object$eta, trim = TRUE), collapse = ", ")),
      why = sprintf("It is %s.", show_number(eta)), call = call, arg = "eta", value = eta
    )
  }
  object$fits[[at[1L]]]
}

#' Coefficients, predictions and plots of a prior lasso
#'
#' @param object A fit of [prior_lasso()] or [cv.prior_lasso()].
#' @param eta The weight of the prior: one of those of the fit.
#' @param s For a fit: lambdas, as in [predict.sparsepath()]. For a cross-validation: `"lambda.1se"` (the default) or `"lambda.min"`, each with its own
#'   eta, or numbers, with the `eta` given or else `eta.min`.
#' @param newx,newy New observations, and for `residuals()` their response.
#' @param digits Significant digits.
#' @param ... Passed on to the methods of [sparsepath()]: `type`, `newoffset`, ...
#' @returns Those of [coef.sparsepath()], [predict.sparsepath()], [fitted.sparsepath()], [kkt()]; `print()`: the table, invisibly; `plot()`: `NULL`, invisibly. The plot of a fit is
#'   that of the path with the largest eta unless `eta` says otherwise; that of a cross-validation has one curve for each eta.
#' @examples
#' x <- log2(colon$x)[, 1:200]
#' fit <- prior_lasso(x, colon$y, prior = c(26, 43), eta = c(0, 1), family = "binomial", nlambda = 30)
#' summary(fit)
#' b <- coef(fit, eta = 1, s = 0.1)
#' b[b[, 1] != 0, ]
#' plot(fit, eta = 1)
#' max(kkt(fit, x, colon$y, eta = 1)$rel.gap)
#' @name prior_lasso_methods
#' @export
coef.prior_lasso <- function(object, eta = NULL, s = NULL, ...) coef(fit_of_eta(object, eta, shown_call("coef")), s = s, ...)

#' @rdname prior_lasso_methods
#' @export
predict.prior_lasso <- function(object, newx, eta = NULL, s = NULL, ...) {
  predict(fit_of_eta(object, eta, shown_call("predict")), newx = newx, s = s, ...)
}

#' @rdname prior_lasso_methods
#' @export
plot.prior_lasso <- function(x, eta = NULL, ...) plot(fit_of_eta(x, eta %||% x$eta[length(x$eta)], shown_call("plot")), ...)

#' @param x For `print()` and `plot()` the fit, for `kkt()` the matrix of variables.
#' @param y,weights,offset For `kkt()`: the data of the fit. The certificate is that of the problem with the blended response, which is
#'   made from `y` and the prior predictions that the fit holds; `eta` must be given if the fit has several.
#' @rdname prior_lasso_methods
#' @export
kkt.prior_lasso <- function(object, x, y, eta = NULL, weights = NULL, offset = NULL, ...) {
  call <- shown_call("kkt")
  check_dots(dots_of(...), names(formals(kkt.prior_lasso)), call)
  if (missing(x)) abort_no_data("x", call)
  if (missing(y)) abort_no_data("y", call)
  fit <- fit_of_eta(object, eta, call)
  eta <- eta %||% object$eta
  setup <- setup_again(fit, list(x = x, y = y, weights = weights, offset = offset), call)
  certify(fit$a0, fit$beta, fit$lambda, pseudo_problem(setup, matrix(object$prior), eta))
}

#' @rdname prior_lasso_methods
#' @method print prior_lasso
#' @export
print.prior_lasso <- function(x, digits = max(3, getOption("digits") - 3), ...) {
  cat("\nCall: ", call_text(x$call), "\n\n")
  fits <- x$fits
  table <- data.frame(
    Eta = x$eta, Lambdas = lengths(lapply(fits, `[[`, "lambda")), Lambda.max = vapply(fits, function(f) f$lambda[1L], 0),
    Df = vapply(fits, function(f) max(f$df), 0L)
  )
  print(table, digits = digits, row.names = FALSE)
  cat("\nprior: ", x$prior.type, "; ", certificate_line(list(gap = unlist(lapply(fits, `[[`, "gap")), kkt = unlist(lapply(fits, `[[`, "kkt")), status = unlist(lapply(fits, `[[`, "status")))), "\n", sep = "")
  invisible(table)
}

#' @noRd
prior_pair <- function(object, s, eta, call) {
  if (is.numeric(s)) return(list(s = s, eta = eta %||% object$eta.min))
  s <- check_choice(s, c("lambda.1se", "lambda.min"), "s", call)
  if (s == "lambda.1se") list(s = object$lambda.1se, eta = object$eta.1se) else list(s = object$lambda.min, eta = object$eta.min)
}

#' @rdname prior_lasso_methods
#' @export
coef.cv.prior_lasso <- function(object, s = c("lambda.1se", "lambda.min"), eta = NULL, ...) {
  pair <- prior_pair(object, s, eta, shown_call("coef"))
  coef(object$fit, eta = pair$eta, s = pair$s, ...)
}

#' @rdname prior_lasso_methods
#' @export
predict.cv.prior_lasso <- function(object, newx, s = c("lambda.1se", "lambda.min"), eta = NULL, ...) {
  pair <- prior_pair(object, s, eta, shown_call("predict"))
  predict(object$fit, newx = newx, eta = pair$eta, s = pair$s, ...)
}

#' @rdname prior_lasso_methods
#' @method print cv.prior_lasso
#' @export
print.cv.prior_lasso <- function(x, digits = max(3, getOption("digits") - 3), ...) {
  cat("\nCall: ", call_text(x$call), "\n\n")
  cat("Measure:", x$name, "\n\n")
  row <- function(lambda, eta) {
    curve <- x$cv[[match(eta, x$eta)]]
    at <- match(lambda, curve$lambda)
    data.frame(Eta = eta, Lambda = lambda, Index = at, Measure = curve$cvm[at], SE = curve$cvsd[at], Nonzero = curve$nzero[at])
  }
  table <- rbind(min = row(x$lambda.min, x$eta.min), `1se` = row(x$lambda.1se, x$eta.1se))
  print(table, digits = digits)
  invisible(table)
}

#' @rdname prior_lasso_methods
#' @export
plot.cv.prior_lasso <- function(x, ...) {
  shown <- lapply(x$cv, function(curve) curve$lambda > 0)
  at <- lapply(seq_along(x$cv), function(k) -log(x$cv[[k]]$lambda[shown[[k]]]))
  value <- lapply(seq_along(x$cv), function(k) x$cv[[k]]$cvm[shown[[k]]])
  col <- grDevices::hcl.colors(length(x$cv), "Viridis", rev = TRUE)
  arguments <- list(x = range(unlist(at)), y = range(unlist(value), na.rm = TRUE), type = "n", xlab = expression(-log(lambda)), ylab = unname(x$name),
    las = 1, bty = "l")
  given <- list(...)
  arguments[names(given)] <- given
  do.call(graphics::plot, arguments)
  for (k in seq_along(at)) graphics::lines(at[[k]], value[[k]], col = col[k], lwd = 1.5)
  graphics::points(-log(x$lambda.min), x$cv[[match(x$eta.min, x$eta)]]$cvm[match(x$lambda.min, x$cv[[match(x$eta.min, x$eta)]]$lambda)], pch = 19)
  graphics::legend("topright", legend = paste("eta =", format(x$eta, trim = TRUE)), col = col, lty = 1, lwd = 1.5, bty = "n", cex = 0.8)
  invisible()
}
