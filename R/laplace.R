#' The prior that a lasso corresponds to
#'
#' A lasso fit is the posterior mode under independent Laplace (double exponential) priors of the coefficients. This gives the
#' scale of those priors for one lambda.
#'
#' @section Correspondence:
#' \eqn{n/\sigma^2} times the objective of [sparsepath()] is minus the log posterior density, but for constants, of
#' \deqn{y_i \sim N(\beta_0 + x_i^T\beta, \sigma^2), \qquad p(\beta_j) = \frac{r_j}{2} e^{-r_j|\beta_j|}, \qquad
#'   r_j = \frac{n \lambda v_j s_j}{\sigma^2}}{y_i ~ N(b0 + x_i'b, sigma^2),  p(b_j) = r_j / 2 exp(-r_j |b_j|),  r_j = n lambda v_j s_j / sigma^2}
#' (Tibshirani 1996, section 5; Park and Casella 2008, equation 1), with the standard deviation \eqn{s_j} of column j (1 without
#' `standardize`) and its penalty factor \eqn{v_j}. For the other families \eqn{\sigma = 1}. Weights, which [sparsepath()] rescales, are taken to have mean 1.
#'
#' Only the mode of that posterior is sparse. Its mean is not, a draw from it never is, and most of the prior's mass is where no coefficient is
#' zero: the lasso is not what a believer in this prior would report.
#'
#' @param fit A fit of [sparsepath()] with `alpha = 1`, or of [cv.sparsepath()].
#' @param s One lambda, larger than 0; for a cross-validation also `"lambda.min"` or `"lambda.1se"`.
#' @param sigma Standard deviation of the noise (gaussian only). The default `NULL` estimates it from the residuals of the fit at `s`,
#'   with n - 1 - df degrees of freedom.
#' @param x The data of the fit: adds the scale for each column on its original scale.
#' @param weights With `x`: the observation weights of the fit, if it had any.
#' @returns An object of class `"laplace_prior"`, a list: `rate`, `scale` (1 / rate), `sd`, `interval` (central 95 % of the prior), all for a
#'   standardized coefficient with penalty factor 1; `sigma`, `estimated`, `lambda`, `n`; with `x` also `by.column`, the scale of each
#'   coefficient (`Inf` for a column that is not penalized, 0 for one left out).
#' @section Errors:
#' `sparsepath_error_unavailable` for fits that are no lasso with one coefficient per variable (the message says why),
#' `sparsepath_error_missing_argument`, `_type`, `_range` for `s` and `sigma`, and for a saturated fit without `sigma`.
#' @references
#' Tibshirani R (1996). Regression shrinkage and selection via the lasso. *Journal of the Royal Statistical Society B*, 58(1),
#' 267-288. \doi{10.1111/j.2517-6161.1996.tb02080.x}
#'
#' Park T, Casella G (2008). The Bayesian lasso. *Journal of the American Statistical Association*, 103(482), 681-686.
#' \doi{10.1198/016214508000000337}
#' @examples
#' fit <- sparsepath(as.matrix(swiss[, -1]), swiss$Fertility)
#' laplace_prior(fit, s = 1)
#' laplace_prior(fit, s = 1, sigma = 7, x = as.matrix(swiss[, -1]))$by.column
#' @export
laplace_prior <- function(fit, s, sigma = NULL, x = NULL, weights = NULL) {
  call <- shown_call("laplace_prior")
  if (missing(s)) abort_missing("s", "Give one lambda.", call)
  if (inherits(fit, "cv.sparsepath") && is.character(s)) s <- unname(chosen_lambda(fit, s, call))
  fit <- check_lasso_fit(fit, "fit", call)
  s <- check_scalar(s, "s", call, lower = 0, open = TRUE)
  traits <- family_traits(fit$family)
  estimated <- FALSE
  if (traits$name != "gaussian") {
    if (!is.null(sigma)) sp_abort("unknown_argument", "`sigma` is for `family = \"gaussian\"`.", why = sprintf("The family is %s.", family_label(fit$family)), call = call, arg = "sigma")
    sigma <- 1
  } else if (is.null(sigma)) {
    at <- interpolation(fit$lambda, s)
    explained <- fit$dev.ratio[at$left] * at$weight + fit$dev.ratio[at$right] * (1 - at$weight)
    rest <- fit$nobs - fit$intercept - fit$df[at$right]
    if (rest < 1) sp_abort("missing_argument", "`sigma` is missing.", why = "The fit leaves no degrees of freedom to estimate it from.", call = call, arg = "sigma")
    warn_outside(fit, s, call)
    sigma <- sqrt(fit$nulldev * (1 - explained) / rest)
    estimated <- TRUE
  } else {
    sigma <- check_scalar(sigma, "sigma", call, lower = 0, open = TRUE)
  }
  rate <- fit$nobs * s / sigma^2
  out <- list(rate = rate, scale = 1 / rate, sd = sqrt(2) / rate, interval = c(-1, 1) * log(20) / rate, sigma = sigma,
    estimated = estimated, lambda = s, n = fit$nobs)
  if (!is.null(x)) {
    x <- check_x(x_like(x, fit, call, "x"), call)
    check_given_again(fit, weights, if (fit$offset) 0, call)
    w <- check_weights(weights, nrow(x), call)
    v <- check_penalty_factor(fit$settings$penalty.factor, fit$settings$exclude, ncol(x), call)
    design <- column_moments(x, w / sum(w), list(centred = fit$intercept, standardize = fit$standardize), call)
    out$by.column <- structure(ifelse(is.infinite(v) | design$constant, 0, 1 / (rate * v * design$scale)), names = fit$varnames)
  }
  structure(out, class = "laplace_prior")
}

#' @noRd
check_lasso_fit <- function(fit, arg, call) {
  if (inherits(fit, "cv.sparsepath")) fit <- fit$fit
  if (!inherits(fit, "sparsepath")) {
    sp_abort("type", sprintf("`%s` must be a fit of `sparsepath()`.", arg), why = sprintf("It is %s.", describe(fit)), call = call, arg = arg)
  }
  refuse_penalty(fit, "This is", call)
  if (!is(fit$beta, "dgCMatrix")) {
    sp_abort("unavailable", "This is for a lasso with one coefficient per variable.", why = "The fit has several.", call = call, arg = arg)
  }
  if (fit$alpha != 1) {
    sp_abort("unavailable", "This is for the lasso, `alpha = 1`.", why = sprintf("The fit has `alpha = %s`.", show_number(fit$alpha)), call = call, arg = arg)
  }
  fit
}

#' @method print laplace_prior
#' @export
print.laplace_prior <- function(x, digits = 4, ...) {
  show <- function(v) format(v, digits = digits)
  cat(sprintf("Laplace prior of the standardized coefficients at lambda = %s (n = %d, sigma = %s%s)\n", show(x$lambda), x$n, show(x$sigma),
    if (x$estimated) ", estimated" else ""))
  cat(sprintf("rate %s, scale %s, standard deviation %s\n", show(x$rate), show(x$scale), show(x$sd)))
  cat(sprintf("95 %% of the prior lies between %s and %s\n", show(x$interval[1L]), show(x$interval[2L])))
  cat("The lasso is the mode of the posterior; its mean is not sparse.\n")
  invisible(x)
}
