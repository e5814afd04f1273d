#' Fitted values and residuals
#'
#' A fit holds no data, so the data are given again; they may as well be other
#' data than those of the fit.
#'
#' @param object A fit of [sparsepath()] or [cv.sparsepath()].
#' @param newx Data, as in [predict.sparsepath()].
#' @param newy Response, in any form that `y` of [sparsepath()] may have. May be
#'   left out if the fit has a formula and `newx` is a data frame with the response;
#'   residuals are then `NA` in incomplete rows.
#' @param s Lambdas; by default all of a path, and `"lambda.1se"` of a
#'   cross-validation.
#' @param type `"response"`: observed minus fitted value (proportion).
#'   `"pearson"`: that divided by the standard deviation of the model, times the
#'   square root of the weight. `"deviance"`: signed square roots of the
#'   contributions to the deviance. `"working"`: `"response"` divided by the
#'   derivative of the inverse link. For `"gaussian"`, `"response"` and `"working"` are the same. For `"cox"` see Cox regression.
#' @param newweights Weights of the observations, default 1. For a two-column
#'   `newy` they are multiplied by the numbers of trials.
#' @param newoffset Offsets, required if the path was fitted with an offset.
#' @param ... Must be empty (`fitted`, `residuals` of a path) or arguments for
#'   the method of the path.
#' @section Cox regression:
#' Risk sets and baseline hazard are those of the observations that are given, at the coefficients of the fit; residuals are those of
#' [survival::residuals.coxph()] at these coefficients, without weights. `"martingale"` (the default) is the status minus the cumulative
#' hazard, and shows how a variable enters; `"deviance"` is made of it, and is more symmetric. `"schoenfeld"` has one row
#' for each event, ordered by stratum and time: its variables minus their mean over those at risk (Schoenfeld 1982); plotted
#' against time it shows hazards that are not proportional. `"score"` has one row for each observation, its part in the score (`NA` for
#' weight zero). These two have a column for each variable with a coefficient other than zero. With penalized
#' coefficients their sums are not zero but the gradient that the penalty balances, so that tests which scale them by a covariance matrix
#' (`cox.zph()`, robust variances) hold for unpenalized fits only.
#'
#' @returns A matrix of observations by lambdas (several responses or classes: observations x predictors x lambdas); for
#'   `"schoenfeld"` and `"score"` a matrix with a column for each variable of the model, and with several lambdas a list of such matrices.
#' @references
#' Schoenfeld D (1982). Partial residuals for the proportional hazards regression model. *Biometrika*, 69(1), 239-241.
#' \doi{10.1093/biomet/69.1.239}
#'
#' Therneau TM, Grambsch PM, Fleming TR (1990). Martingale-based residuals for survival models. *Biometrika*, 77(1), 147-160.
#' \doi{10.1093/biomet/77.1.147}
#' @examples
#' x <- log2(colon$x)
#' fit <- sparsepath(x, colon$y, family = "binomial", lambda.min.ratio = 0.1)
#' summary(residuals(fit, newx = x, newy = colon$y, s = 0.05, type = "deviance")[, 1])
#'
#' cox <- sparsepath(Surv(time, status) ~ ., vandevijver)
#' r <- residuals(cox, vandevijver, s = 0.1, type = "schoenfeld")
#' plot(as.numeric(rownames(r)), r[, 1], xlab = "Time", ylab = colnames(r)[1])
#' @export
fitted.sparsepath <- function(object, newx, s = NULL, newoffset = NULL, ...) {
  call <- shown_call("fitted")
  check_dots(dots_of(...), names(formals(fitted.sparsepath)), call)
  if (missing(newx)) abort_missing("newx", "The fit holds no data: give them as `newx`.", call)
  b <- coefficients_at(object, s, FALSE, NULL, call)
  family_traits(object$family)$linkinv(linear_predictor(object, b, newx, newoffset, call))
}

#' @rdname fitted.sparsepath
#' @export
residuals.sparsepath <- function(object, newx, newy, s = NULL, type = c("response", "deviance", "pearson", "working", "martingale", "schoenfeld", "score"),
                                 newweights = NULL, newoffset = NULL, ...) {
  call <- shown_call("residuals")
  check_dots(dots_of(...), names(formals(residuals.sparsepath)), call)
  cox <- identical(object$family, "cox")
  if (cox && missing(type)) type <- "martingale"
  types <- c("response", "deviance", "pearson", "working", "martingale", "schoenfeld", "score")
  type <- check_choice(type, types, "type", call)
  allowed <- if (cox) c("martingale", "deviance", "schoenfeld", "score") else types[1:4]
  if (!type %in% allowed) {
    sp_abort("choice", sprintf("`type = \"%s\"` is not defined for `family = %s`.", type, family_label(object$family)),
      how = sprintf("Use %s.", and_list(sprintf("\"%s\"", allowed), " or ")), call = call, arg = "type", value = type
    )
  }
  if (missing(newx)) abort_missing("newx", "The fit holds no data: give `newx` and `newy`.", call)
  from_data <- missing(newy)
  if (from_data) newy <- response_in(object, newx, call, "newx") %||% abort_missing("newy", "The fit holds no data: give `newx` and `newy`.", call)
  b <- coefficients_at(object, s, FALSE, NULL, call)
  eta <- linear_predictor(object, b, newx, newoffset, call)
  weights <- check_weights(newweights, nrow(eta), call, "newweights")
  one <- function(eta, newy, weights, rows = NULL) {
    observed <- response_like(newy, object, nrow(eta), weights, call)
    if (identical(object$family, "multinomial")) return(residuals_multinomial(eta, observed, type, call))
    if (identical(object$family, "mgaussian")) {
      return((as.vector(observed$y) - eta) * if (type %in% c("response", "working")) 1 else sqrt(weights))
    }
    if (cox) {
      observed$efron <- identical(object$settings$cox.ties, "efron")
      if (type %in% c("martingale", "deviance")) return(cox_residuals(eta, observed, weights, type))
      values <- check_newx(newx, object, call)
      if (!is.null(rows)) values <- values[rows, , drop = FALSE]
      return(one_or_list(cox_variable_residuals(eta, observed, weights, values, b$beta, type), colnames(eta)))
    }
    residuals_of(eta, observed, type, family_traits(object$family))
  }
  if (!from_data) return(one(eta, newy, weights))
  # rows of a formula's data with missing values: NA, as in predict()
  known <- complete_rows(eta, newy)
  if (all(known)) return(one(eta, newy, weights))
  several <- length(dim(eta)) > 2L
  if (!any(known)) return(if (several && type == "deviance" && !identical(object$family, "mgaussian")) eta[, 1L, ] * NA else eta * NA)
  out <- one(if (several) eta[known, , , drop = FALSE] else eta[known, , drop = FALSE], take_rows(newy, known), weights[known], known)
  if (type == "schoenfeld") return(out)
  fill <- function(m) {
    full <- array(NA_real_, c(nrow(eta), dim(m)[-1L]), c(list(rownames(eta)), dimnames(m)[-1L]))
    if (length(dim(m)) > 2L) full[known, , ] <- m else full[known, ] <- m
    full
  }
  if (is.list(out)) lapply(out, fill) else fill(out)
}

#' @noRd
take_rows <- function(y, rows) if (length(dim(y)) == 2L) y[rows, , drop = FALSE] else y[rows]

#' @rdname fitted.sparsepath
#' @export
fitted.cv.sparsepath <- function(object, newx, s = c("lambda.1se", "lambda.min"), ...) {
  fitted(object$fit, newx, s = chosen_lambda(object, s, shown_call("fitted")), ...)
}

#' @rdname fitted.sparsepath
#' @export
residuals.cv.sparsepath <- function(object, newx, newy, s = c("lambda.1se", "lambda.min"), ...) {
  s <- chosen_lambda(object, s, shown_call("residuals"))
  if (missing(newy)) residuals(object$fit, newx, s = s, ...) else residuals(object$fit, newx, newy, s = s, ...)
}

#' A new response, in terms of the classes of the fit
#'
#' New data may lack a class, which the response of a fit may not.
#' @noRd
response_like <- function(newy, object, n, weights, call) {
  if (identical(object$family, "multinomial")) return(class_response_like(newy, object$classnames, n, weights, call))
  if (length(object$classnames) == 2L && is.null(dim(newy)) && length(newy) == n) {
    text <- as.character(newy)
    if (all(text %in% object$classnames)) {
      return(list(y = as.double(text == object$classnames[2L]), weights = weights))
    }
    if (is.factor(newy) || is.character(newy) || is.logical(newy)) {
      bad <- which(!text %in% object$classnames)[1L]
      sp_abort("choice", "`newy` must have the classes of the fit.",
        why = sprintf("%s at %s; the classes are %s.", describe(text[bad]), at_position(bad, names(newy)), some_names(object$classnames)),
        call = call, arg = "newy", position = bad
      )
    }
  }
  check_y(newy, object$family, n, weights, call, "newy")
}

#' @noRd
residuals_of <- function(eta, observed, type, traits) {
  y <- observed$y
  mu <- traits$linkinv(eta)
  switch(type,
    response = y - mu,
    pearson = (y - mu) * sqrt(observed$weights) / sqrt(traits$variance(mu)),
    working = (y - mu) / traits$mu_eta(eta),
    deviance = sign(y - mu) * sqrt(observed$weights * traits$deviance(eta, y))
  )
}
