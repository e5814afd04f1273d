# Methods of the paths beside the engine that R would otherwise answer with NULL or with a list of their parts: residuals, fitted values,
# predictions, summaries.

# ---- residuals and fitted values -----------------------------------------------------

#' @rdname coef.fused_lasso
#' @export
residuals.fused_lasso <- function(object, lambda = NULL, ...) {
  call <- shown_call("residuals")
  check_dots(dots_of(...), names(formals(residuals.fused_lasso)), call)
  unname(as.double(object$y)) - fused_coefficients(object, lambda, call)
}

#' @rdname coef.trend_filter
#' @export
residuals.trend_filter <- function(object, lambda = NULL, ...) {
  call <- shown_call("residuals")
  check_dots(dots_of(...), names(formals(residuals.trend_filter)), call)
  unname(as.double(object$y)) - trend_at(object, lambda, call)$beta
}

#' @rdname coef.lars_path
#' @export
fitted.lars_path <- function(object, newx, lambda = NULL, t = NULL, ...) {
  call <- shown_call("fitted")
  check_dots(dots_of(...), names(formals(fitted.lars_path)), call)
  if (missing(newx)) abort_missing("newx", "The fit holds no data: give them as `newx`.", call)
  linear_predictor(object, lars_at(object, lambda, t, call), newx, NULL, call)
}

#' @rdname coef.lars_path
#' @export
residuals.lars_path <- function(object, newx, newy, lambda = NULL, t = NULL, ...) {
  call <- shown_call("residuals")
  check_dots(dots_of(...), names(formals(residuals.lars_path)), call)
  if (missing(newx)) abort_missing("newx", "The fit holds no data: give them as `newx` and `newy`.", call)
  if (missing(newy)) abort_missing("newy", "The fit holds no data: give them as `newx` and `newy`.", call)
  eta <- linear_predictor(object, lars_at(object, lambda, t, call), newx, NULL, call)
  check_numeric(newy, "newy", call, n = nrow(eta), of = "rows of `newx`") - eta
}

#' @rdname prior_lasso_methods
#' @export
fitted.prior_lasso <- function(object, newx, eta = NULL, s = NULL, ...) {
  call <- shown_call("fitted")
  if (missing(newx)) abort_missing("newx", "The fit holds no data: give them as `newx`.", call)
  fitted(fit_of_eta(object, eta, call), newx, s = s, ...)
}

#' @rdname prior_lasso_methods
#' @export
residuals.prior_lasso <- function(object, newx, newy, eta = NULL, s = NULL, ...) {
  call <- shown_call("residuals")
  if (missing(newx)) abort_missing("newx", "The fit holds no data: give them as `newx` and `newy`.", call)
  if (missing(newy)) abort_missing("newy", "The fit holds no data: give them as `newx` and `newy`.", call)
  residuals(fit_of_eta(object, eta, call), newx, newy, s = s, ...)
}

#' @rdname prior_lasso_methods
#' @export
fitted.cv.prior_lasso <- function(object, newx, s = c("lambda.1se", "lambda.min"), eta = NULL, ...) {
  pair <- prior_pair(object, s, eta, shown_call("fitted"))
  fitted(object$fit, newx, eta = pair$eta, s = pair$s, ...)
}

#' @rdname prior_lasso_methods
#' @export
residuals.cv.prior_lasso <- function(object, newx, newy, s = c("lambda.1se", "lambda.min"), eta = NULL, ...) {
  pair <- prior_pair(object, s, eta, shown_call("residuals"))
  residuals(object$fit, newx, newy, eta = pair$eta, s = pair$s, ...)
}

#' @rdname prior_lasso_methods
#' @export
kkt.cv.prior_lasso <- function(object, x, y, eta = object$eta.min, weights = NULL, offset = NULL, ...) {
  call <- shown_call("kkt")
  check_dots(dots_of(...), names(formals(kkt.cv.prior_lasso)), call)
  if (missing(x)) abort_no_data("x", call)
  if (missing(y)) abort_no_data("y", call)
  kkt(object$fit, x, y, eta = eta, weights = weights, offset = offset)
}

#' @rdname consensus_lasso
#' @export
predict.consensus_lasso <- function(object, newx, ...) {
  call <- shown_call("predict")
  check_dots(dots_of(...), names(formals(predict.consensus_lasso)), call)
  if (missing(newx)) abort_missing("newx", "Give the data to predict.", call)
  newx <- check_x(newx, call, "newx")
  if (ncol(newx) != length(object$beta)) {
    sp_abort("dimension", sprintf("`newx` must have %d columns, as the data of the fit.", length(object$beta)),
      why = sprintf("It has %d.", ncol(newx)), call = call, arg = "newx")
  }
  structure(object$a0 + as.vector(newx %*% object$beta), names = rownames(newx))
}

#' @rdname consensus_lasso
#' @export
fitted.consensus_lasso <- function(object, newx, ...) {
  if (missing(newx)) abort_missing("newx", "The fit holds no data: give them as `newx`.", shown_call("fitted"))
  predict(object, newx, ...)
}

# ---- summaries -----------------------------------------------------------------------

#' Summaries of exact paths, signals and prior lassos
#'
#' What was fitted, to which data, with which result and certificate, in a few lines, as [summary()][summary.sparsepath] of a path.
#'
#' @param object A fit of [lars_path()], [fused_lasso()], [trend_filter()], [basis_pursuit()], [consensus_lasso()], [prior_lasso()] or
#'   [cv.prior_lasso()].
#' @param x A summary.
#' @param ... Ignored.
#' @returns An object of class `"summary.sparsepath_beside"`, a list: `call`; `fields`, the lines of the summary as a named character
#'   vector; `certificate`, the last line; `gap`, the largest relative gap (`NA` where there is none).
#' @examples
#' summary(lars_path(swiss[, -1], swiss$Fertility))
#' summary(fused_lasso(as.vector(Nile), lambda = c(200, 50)))
#' @name summary.sparsepath_beside
NULL

#' @noRd
beside_summary <- function(object, fields, gap, certificate = gap_line(gap)) {
  structure(list(call = object$call, fields = fields, certificate = certificate, gap = if (length(gap)) max(gap) else NA_real_),
    class = "summary.sparsepath_beside")
}

#' @noRd
gap_line <- function(gap) {
  certificate_line(list(gap = gap, kkt = gap, status = ifelse(gap <= 1e-7, 0L, 1L)))
}

#' @noRd
span_text <- function(values, what) {
  sprintf("%s from %s down to %s", counted(length(values), what), format(max(values), digits = 4), format(min(values), digits = 4))
}

#' @noRd
counted <- function(count, what) paste(big(count), plural(count, what))

#' @rdname summary.sparsepath_beside
#' @method print summary.sparsepath_beside
#' @export
print.summary.sparsepath_beside <- function(x, ...) {
  cat("\nCall: ", call_text(x$call), "\n\n")
  cat(sprintf("%-15s%s\n", names(x$fields), x$fields), sep = "")
  cat("\n", x$certificate, "\n", sep = "")
  invisible(x)
}

#' @rdname summary.sparsepath_beside
#' @method summary lars_path
#' @export
summary.lars_path <- function(object, ...) {
  lasso <- object$type == "lasso"
  leave <- sum(object$actions$action == "leaves")
  model <- if (!lasso) "least angle regression" else if (object$lambda2 > 0) sprintf("elastic net with lambda2 = %s", format(object$lambda2, digits = 4)) else "lasso"
  fields <- c(
    Model = paste("linear regression,", model, "from knot to knot"), Data = sprintf("%s, %s", counted(object$nobs, "observation"), counted(object$dim[1L], "variable")),
    Path = paste0(span_text(object$lambda, "knot"), switch(object$end, complete = "", steps = " (max.steps)", " (not resolved beyond)")),
    Variables = paste0(sprintf("%d to %d selected", min(object$df), max(object$df)), if (leave) sprintf(", %d times one leaves", leave)),
    Deviance = sprintf("up to %s %% explained", format(100 * max(object$dev.ratio), digits = 4)),
    if (nrow(object$refused)) c(Refused = sprintf("%s, dependent on others", some_names(object$refused$variable)))
  )
  if (lasso) return(beside_summary(object, fields, object$gap))
  beside_summary(object, fields, double(), sprintf("all knots exact: correlations of the active variables equal within %s lambda (no objective, no gap)", short_number(max(object$kkt))))
}

#' @rdname summary.sparsepath_beside
#' @method summary fused_lasso
#' @export
summary.fused_lasso <- function(object, ...) {
  path <- is.null(object$beta)
  fields <- c(
    Model = paste0("fused lasso", if (object$lambda1 > 0) sprintf(", lambda1 = %s", format(object$lambda1, digits = 4))),
    Data = paste0(counted(length(object$y), "value"), if (!is.null(object$weights)) ", weighted"),
    Path = if (path) paste(span_text(object$lambda, "knot"), "(all lambdas)") else span_text(object$lambda, "lambda"),
    Pieces = sprintf("%s to %s", big(min(object$df)), big(max(object$df)))
  )
  if (!path) return(beside_summary(object, fields, object$gap))
  beside_summary(object, fields, double(), "exact for every lambda; kkt(fit, lambda) gives the certificate of any")
}

#' @rdname summary.sparsepath_beside
#' @method summary trend_filter
#' @export
summary.trend_filter <- function(object, ...) {
  beside_summary(object, c(
    Model = sprintf("trend filtering, piecewise %s", c("linear", "quadratic", "cubic")[object$k]),
    Data = paste0(counted(length(object$y), "value"), if (!is.null(object$weights)) ", weighted"),
    Path = span_text(object$lambda, "lambda"),
    Knots = sprintf("%s to %s", big(min(lengths(object$knots))), big(max(lengths(object$knots))))
  ), object$gap)
}

#' @rdname summary.sparsepath_beside
#' @method summary basis_pursuit
#' @export
summary.basis_pursuit <- function(object, ...) {
  size <- length(object$support)
  beside_summary(object, c(
    Model = paste0("basis pursuit", if (object$noise > 0) sprintf(", noise %s", format(object$noise, digits = 4))),
    Data = sprintf("%s, %s", counted(length(object$dual), "equation"), counted(length(object$x), "unknown")),
    Solution = sprintf("%s nonzero, L1 norm %s", big(size), format(object$norm, digits = 6)),
    Largest = if (size) some_names(names(object$x)[order(-abs(object$x))][seq_len(min(size, 5L))]) else "none",
    Residual = format(object$residual, digits = 3), Path = counted(object$steps, "step")
  ), object$gap)
}

#' @rdname summary.sparsepath_beside
#' @method summary consensus_lasso
#' @export
summary.consensus_lasso <- function(object, ...) {
  beside_summary(object, c(
    Model = sprintf("lasso by consensus ADMM, lambda = %s", format(object$lambda, digits = 4)),
    Data = sprintf("%s in %s, %s", counted(sum(object$blocks), "observation"), counted(length(object$blocks), "block"), counted(length(object$beta), "variable")),
    Variables = sprintf("%d selected", sum(object$beta != 0)), Work = sprintf("%s, rho = %s", counted(object$iterations, "iteration"), format(object$rho, digits = 4))
  ), object$gap, certificate_line(list(gap = object$gap, kkt = object$gap, status = object$status)))
}

#' @rdname summary.sparsepath_beside
#' @method summary prior_lasso
#' @export
summary.prior_lasso <- function(object, ...) {
  first <- object$fits[[1L]]
  pick <- function(field) unlist(lapply(object$fits, `[[`, field))
  beside_summary(object, c(
    Model = sprintf("%s, prior lasso (%s)", family_traits(first$family)$text, object$prior.type),
    Data = sprintf("%s, %s", counted(first$nobs, "observation"), counted(first$dim[1L], "variable")),
    Eta = paste(format(object$eta, trim = TRUE), collapse = ", "),
    Path = paste(span_text(pick("lambda"), "lambda"), "in all"), Variables = sprintf("%d to %d selected", min(pick("df")), max(pick("df")))
  ), pick("gap"), certificate_line(list(gap = pick("gap"), kkt = pick("kkt"), status = pick("status"))))
}

#' @rdname summary.sparsepath_beside
#' @method summary cv.prior_lasso
#' @export
summary.cv.prior_lasso <- function(object, ...) {
  out <- summary(object$fit)
  out$call <- object$call
  at <- function(lambda, eta) {
    curve <- object$cv[[match(eta, object$eta)]]
    sprintf("eta = %s, lambda = %s: %s, %d selected", format(eta), format(lambda, digits = 4), format(curve$cvm[match(lambda, curve$lambda)], digits = 4),
      curve$nzero[match(lambda, curve$lambda)])
  }
  folds <- as.matrix(object$foldid)
  out$fields <- c(out$fields, Measure = sprintf("%s, %d folds%s", object$name, max(folds), if (ncol(folds) > 1L) sprintf(", %d replicates", ncol(folds)) else ""),
    Smallest = at(object$lambda.min, object$eta.min), "Within 1 SE" = at(object$lambda.1se, object$eta.1se))
  out
}
