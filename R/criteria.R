# Likelihood, degrees of freedom, and the criteria made of them.

#' Likelihood, degrees of freedom and information criteria of a path
#'
#' One value for each lambda. `select_lambda()` picks the lambda with the smallest
#' criterion: a choice without cross-validation, on the same fit.
#'
#' @section Likelihood:
#' For `"gaussian"` the profile likelihood, with the variance estimated by RSS/n
#' (n observations with positive weight), as [stats::logLik()] of `lm()`; or, with `sigma`,
#' the likelihood for that standard deviation. As RSS goes to zero, the profile likelihood
#' goes to infinity: with more columns than rows, AIC may then prefer the saturated
#' end of the path. Give `sigma`, or use EBIC. For `"binomial"` the binomial
#' likelihood, as `glm()` computes it; for `"multinomial"` the sum of log probabilities, without multinomial
#' coefficients. For `"poisson"` that of `glm()`, with the gamma function in place of the
#' factorial where `y` is not whole, as for rates with exposures as weights. For `"cox"` the
#' partial likelihood, and n, also in BIC and `nobs`, is the number of events, as in `coxph()` (Volinsky and Raftery 2000).
#' For `"mgaussian"` with K responses the errors of an observation are multivariate normal with any covariance matrix (divided by its
#' weight), estimated at each lambda by the cross-products of the residuals over n: the likelihood behind MANOVA, which takes account of
#' responses that are correlated. It is infinite when the residuals of the responses are linearly dependent. With `sigma`, a number or
#' one for each response, the errors are independent with these standard deviations.
#'
#' @section Degrees of freedom:
#' `effective_df()` counts coefficients, without the intercept. For the lasso
#' (`alpha = 1`) that is the number of nonzero coefficients that are not at one
#' of the limits, an unbiased estimate for `"gaussian"` (Zou et al. 2007,
#' Theorem 1; Tibshirani and Taylor 2012). With a ridge part the
#' coefficients are shrunk, and the number is the trace of the matrix that maps
#' `y` to the fit on the active columns A,
#' \deqn{tr\{ X_A (X_A^T W X_A + K_A)^{-1} X_A^T W \}, \quad K = \lambda (1-\alpha) \, diag(v_j / s_y)}{
#'   trace of X_A (X_A'W X_A + K_A)^-1 X_A'W, K = lambda (1 - alpha) diag(v_j / s_y)}
#' (Hastie, Tibshirani and Friedman 2009, equation 3.50), for columns as they are
#' standardized in the fit, intercept projected out. For `"gaussian"` that is exact, \eqn{s_y} and A
#' taken as given. For other families W has the curvatures of the loss at the solution,
#' which is the usual approximation; for `"cox"` it is the second derivative of the partial likelihood (Gray 1992; as
#' `coxph()` counts penalized terms). With norms of groups ([pen_group()], `"mgaussian"`,
#' `type.multinomial = "grouped"`) K is the second derivative of the penalty, which for a group with coefficients b and factor T adds
#' \eqn{T (I / \|b\| - b b^T / \|b\|^3)}{T (I / |b| - b b' / |b|^3)}: for least squares an unbiased estimate (Vaiter et al. 2017).
#' The fit holds no data, so the trace needs `x`
#' (and `weights` and `offset`, if used, and `y` for `"cox"`). Without `x` the nonzero coefficients are counted, an upper
#' bound, with a warning of class `sparsepath_warning_df`. The attribute
#' `"method"` says which it was: `"nonzero"` or `"trace"`.
#'
#' `logLik()` adds 1 for the intercept and, for `"gaussian"` without `sigma`, 1 for
#' the variance. With K classes (`"multinomial"`) it adds K - 1 for the intercepts: one of the predictors is determined by the
#' others, so that a variable counts K - 1 times at most, and EBIC takes p(K - 1) for p; if variables are selected for all classes or
#' responses together it takes m / (K - 1) of p (for `"mgaussian"` m / K). `"mgaussian"` adds K for the intercepts, and K(K + 1) / 2 for
#' the covariances. For family objects it is that of
#' [stats::glm()], from the family's `aic()`: Gamma, inverse Gaussian and Gaussian families have a dispersion, deviance over
#' weights, which counts as 1 too. Quasi-families have no likelihood: an error.
#'
#' @section Criteria:
#' With k these degrees of freedom, m those of `effective_df()`, p columns and n observations:
#' AIC = -2 logLik + 2k; AICc = AIC + 2k(k+1)/(n-k-1), infinite for k >= n - 1
#' (Hurvich and Tsai 1989); BIC = -2 logLik + k log(n); EBIC = BIC + 2 `gamma` log(p choose m) (Chen
#' and Chen 2008, equation 2). Solutions with k >= n cannot be selected: they
#' have no residual degrees of freedom. For `"mgaussian"` n is that of one response: with q coefficients for each,
#' AICc = -2 logLik + 2 k n / (n - q - K - 1) (Bedrick and Tsai 1994), and q + K >= n is saturated.
#'
#' @param object A fit of [sparsepath()] or [cv.sparsepath()].
#' @param ... For the criteria: further arguments of `logLik()`.
#' @param x,weights,offset The data of the fit, for the trace (`x` may be a data
#'   frame if the fit was given one; with a formula, weights, offset and subset are then found in it).
#' @param y The response of the fit, for the trace of `"cox"` (with a formula it is found in the data frame `x`).
#' @param sigma Known standard deviation of the errors (`"gaussian"`; `"mgaussian"`: one, or one for each response); `NULL`
#'   estimates it at each lambda.
#' @param k Penalty for each degree of freedom.
#' @param gamma Weight of the prior over model sizes in EBIC, from 0 (BIC) to 1, the default, which is
#'   consistent for any p that grows like a power of n.
#' @param criterion `"AIC"`, `"BIC"`, `"EBIC"` or `"AICc"`.
#' @returns `logLik()`: a vector of class `"logLik"` with attributes `df` (one for each lambda),
#'   `nobs`, `method`, and `dispersion`, how many variances and covariances are in `df`. `AIC()`, `BIC()`, `EBIC()`, `effective_df()`: vectors named as the
#'   columns of `coef()`. `select_lambda()`: an object of class
#'   `"sparsepath_selection"` with `lambda`, `index`, `df`, `criterion`, `value`,
#'   `method`, `extra` (degrees of freedom of intercepts and variances) and `table`, a data frame of all lambdas.
#' @references
#' Zou H, Hastie T, Tibshirani R (2007). On the "degrees of freedom" of the lasso.
#' *Annals of Statistics*, 35(5), 2173-2192. \doi{10.1214/009053607000000127}
#'
#' Tibshirani RJ, Taylor J (2012). Degrees of freedom in lasso problems. *Annals of
#' Statistics*, 40(2), 1198-1232. \doi{10.1214/12-AOS1003}
#'
#' Hastie T, Tibshirani R, Friedman J (2009). *The Elements of Statistical
#' Learning*, 2nd edition. Springer.
#'
#' Gray RJ (1992). Flexible methods for analyzing survival data using splines, with applications to breast cancer prognosis. *Journal of
#' the American Statistical Association*, 87(420), 942-951. \doi{10.1080/01621459.1992.10476248}
#'
#' Vaiter S, Deledalle C, Fadili J, Peyre G, Dossal C (2017). The degrees of freedom of partly smooth regularizers. *Annals of the
#' Institute of Statistical Mathematics*, 69(4), 791-832. \doi{10.1007/s10463-016-0563-z}
#'
#' Bedrick EJ, Tsai CL (1994). Model selection for multivariate regression in small samples. *Biometrics*, 50(1), 226-231.
#' \doi{10.2307/2533213}
#'
#' Volinsky CT, Raftery AE (2000). Bayesian information criterion for censored survival models. *Biometrics*, 56(1), 256-262.
#' \doi{10.1111/j.0006-341X.2000.00256.x}
#'
#' Hurvich CM, Tsai CL (1989). Regression and time series model selection in small
#' samples. *Biometrika*, 76(2), 297-307. \doi{10.1093/biomet/76.2.297}
#'
#' Chen J, Chen Z (2008). Extended Bayesian information criteria for model selection
#' with large model spaces. *Biometrika*, 95(3), 759-771. \doi{10.1093/biomet/asn034}
#' @examples
#' x <- log2(colon$x)
#' fit <- sparsepath(x, colon$y, family = "binomial")
#' best <- select_lambda(fit, "EBIC")
#' best
#' b <- coef(fit, s = best$lambda)
#' b[b[, 1] != 0, ]
#'
#' # with a ridge part, the data are needed
#' ridge <- sparsepath(mpg ~ ., mtcars, alpha = 0, nlambda = 5)
#' effective_df(ridge, x = mtcars)
#' @name criteria
NULL

#' @rdname criteria
#' @export
logLik.sparsepath <- function(object, x = NULL, weights = NULL, offset = NULL, sigma = NULL, y = NULL, ...) {
  call <- shown_call("logLik")
  check_dots(dots_of(...), names(formals(logLik.sparsepath)), call)
  if (!is.null(sigma)) sigma <- check_sigma(sigma, object, call)
  size <- effective_df(object, x, weights, offset, y)
  value <- loglik_values(object, sigma, call)
  extra <- intercept_df(object) + if (is.null(sigma)) dispersion_df(object) else 0
  structure(value, df = as.vector(size) + extra, nobs = object$likelihood$n, method = attr(size, "method"),
    dispersion = if (is.null(sigma)) dispersion_df(object) else 0, class = "logLik")
}

#' @rdname criteria
#' @export
logLik.cv.sparsepath <- function(object, ...) logLik(object$fit, ...)

#' @rdname criteria
#' @export
AIC.sparsepath <- function(object, ..., k = 2) {
  k <- check_scalar(k, "k", shown_call("AIC"))
  l <- logLik(object, ...)
  criterion_vector(object, -2 * as.vector(l) + k * attr(l, "df"))
}

#' @rdname criteria
#' @export
AIC.cv.sparsepath <- function(object, ..., k = 2) AIC(object$fit, ..., k = k)

#' @rdname criteria
#' @export
BIC.sparsepath <- function(object, ...) {
  l <- logLik(object, ...)
  criterion_vector(object, -2 * as.vector(l) + log(attr(l, "nobs")) * attr(l, "df"))
}

#' @rdname criteria
#' @export
BIC.cv.sparsepath <- function(object, ...) BIC(object$fit, ...)

#' @rdname criteria
#' @export
EBIC <- function(object, ..., gamma = 1) {
  call <- shown_call("EBIC")
  object <- path_of(object, call)
  gamma <- check_scalar(gamma, "gamma", call, lower = 0, upper = 1)
  l <- logLik(object, ...)
  criterion_vector(object, ebic(l, object, gamma))
}

#' @rdname criteria
#' @export
effective_df <- function(object, x = NULL, weights = NULL, offset = NULL, y = NULL) {
  call <- shown_call("effective_df")
  object <- path_of(object, call)
  count <- free_coefficients(object)
  norms <- object$alpha > 0 && has_norms(object)
  shrunk <- norms || object$alpha < 1
  if (shrunk && is.null(x)) {
    sp_warn("df", "Degrees of freedom are the number of nonzero coefficients, an upper bound.",
      why = if (norms) "The norms of groups shrink coefficients."
        else sprintf("`alpha` is %s, so that coefficients are shrunk.", show_number(object$alpha)),
      how = sprintf("Give %s for the trace formula.", if (identical(object$family, "cox")) "`x` and `y` (and `weights` and `offset`, if used)"
        else "`x` (and `weights` and `offset`, if used)"), call = call
    )
  }
  if (!shrunk || is.null(x)) {
    return(structure(count_df(object, count), names = step_names(object), method = "nonzero"))
  }
  if (is_nonconvex(object$penalty)) {
    sp_abort("unavailable", sprintf("The trace formula is not available with `pen_%s()`.", object$penalty$name),
      how = "Without `x` the nonzero coefficients are counted.", call = call, arg = "x"
    )
  }
  data <- rows_of_fit(object, x, weights, offset, y, call)
  if (is_fused(object$penalty)) {
    if (by_intervals(chains_of(object))) return(structure(stretch_ranks(object, data), names = step_names(object), method = "trace"))
    again <- fit_in_steps(object, data)
    object <- again$object
    data <- again$data
    count <- free_coefficients(object)
  }
  trace <- if (norms || identical(object$family, "cox")) trace_df_curvature(object, count, data, call)
    else if (identical(object$family, "multinomial")) trace_df_classes(object, count, data, call)
    else trace_df(object, count, data, call)
  structure(trace, names = step_names(object), method = "trace")
}

#' @rdname criteria
#' @export
select_lambda <- function(object, criterion = c("AIC", "BIC", "EBIC", "AICc"), ..., gamma = 1) {
  call <- shown_call("select_lambda")
  object <- path_of(object, call)
  criterion <- check_choice(criterion, c("AIC", "BIC", "EBIC", "AICc"), "criterion", call)
  gamma <- check_scalar(gamma, "gamma", call, lower = 0, upper = 1)
  l <- logLik(object, ...)
  k <- attr(l, "df")
  n <- attr(l, "nobs")
  each <- row_df(object, l)
  value <- switch(criterion,
    AIC = -2 * as.vector(l) + 2 * k,
    BIC = -2 * as.vector(l) + log(n) * k,
    EBIC = ebic(l, object, gamma),
    AICc = -2 * as.vector(l) + ifelse(each < n - 1, 2 * k * n / (n - each - 1), Inf)
  )
  eligible <- each < n & is.finite(value)
  if (!any(eligible)) {
    sp_abort("range", "No solution of the path can be selected.",
      why = if (any(each < n)) "The likelihood or the criterion is infinite at all of them: residuals are zero, or linearly dependent."
        else sprintf("All have at least as many degrees of freedom as there are observations (%d).", n), call = call
    )
  }
  best <- which(eligible)[which.min(value[eligible])]
  structure(
    list(
      criterion = criterion, lambda = object$lambda[best], index = best, df = k[best], value = value[best], method = attr(l, "method"),
      extra = intercept_df(object) + attr(l, "dispersion"),
      table = data.frame(lambda = object$lambda, df = k, logLik = as.vector(l), value = value, eligible = eligible,
        row.names = step_names(object))
    ),
    class = "sparsepath_selection"
  )
}

#' @method print sparsepath_selection
#' @export
print.sparsepath_selection <- function(x, ...) {
  cat(sprintf(
    "lambda = %s by %s, number %d of %d\n%s = %s with %s degrees of freedom (%s)\n", format(x$lambda, digits = 4), x$criterion, x$index,
    nrow(x$table), x$criterion, format(x$value, digits = 6), format(x$df, digits = 4),
    paste0(if (x$method == "trace") "trace formula" else "nonzero coefficients",
      if (x$extra > 0) sprintf(", %s of them for intercept or variance", format(x$extra)))
  ))
  if (any(!x$table$eligible)) cat(sprintf("%d saturated solutions left aside\n", sum(!x$table$eligible)))
  invisible(x)
}

# ---- pieces -----------------------------------------------------------------------

#' @noRd
path_of <- function(object, call) {
  if (inherits(object, "cv.sparsepath")) return(object$fit)
  if (inherits(object, "sparsepath")) return(object)
  sp_abort("type", "`object` must be a fit of `sparsepath()` or `cv.sparsepath()`.",
    why = sprintf("It is %s.", describe(object)), call = call, arg = "object"
  )
}

#' @noRd
criterion_vector <- function(object, value) structure(value, names = step_names(object))

#' @noRd
is_gaussian <- function(object) identical(object$family, "gaussian")

#' @noRd
dispersion_df <- function(object) {
  K <- length(object$beta)
  if (identical(object$family, "mgaussian")) K * (K + 1) / 2 else is_gaussian(object) || !is.null(object$likelihood$dispersion)
}

#' Degrees of freedom that an observation pays for: with several responses those of one, and K for the covariances
#' @noRd
row_df <- function(object, l) {
  if (!identical(object$family, "mgaussian")) return(attr(l, "df"))
  K <- length(object$beta)
  (attr(l, "df") - attr(l, "dispersion")) / K + if (attr(l, "dispersion") > 0) K else 0
}

#' @noRd
ebic <- function(l, object, gamma) {
  m <- pmax(attr(l, "df") - intercept_df(object) - attr(l, "dispersion"), 0) # the variance is no column
  each <- contrasts_of(object)
  models <- if (isTRUE(object$grouped) || identical(object$family, "mgaussian")) lchoose_real(object$dim[1L], m / each)
    else lchoose_real(object$dim[1L] * each, m)
  -2 * as.vector(l) + log(attr(l, "nobs")) * attr(l, "df") + 2 * gamma * models
}

#' log(p choose m) for m that is not whole
#' @noRd
lchoose_real <- function(p, m) lgamma(p + 1) - lgamma(m + 1) - lgamma(pmax(p - m, 0) + 1)

#' What the likelihood needs of the data: kept in the fit
#' @return list(n, saturated), or for a dispersion what dispersion_loglik() needs, or NULL for a family without a likelihood here
#' @noRd
likelihood_constants <- function(setup, fit) {
  if (setup$traits$name == "mgaussian") return(likelihood_mgaussian(setup, fit))
  w <- setup$weights
  used <- w > 0
  name <- family_name(setup$family)
  if (setup$traits$name == "glm" && name %in% names(dispersion_loglik)) return(dispersion_constants(name, setup$response$y[used], w[used]))
  saturated <- switch(name,
    gaussian = sum(log(w[used])) / 2,
    binomial = saturated_binomial(setup$response, w, used),
    poisson = sum((w * saturated_poisson(setup$response$y))[used]),
    multinomial = sum((setup$response$weights * xlogx(setup$response$y))[used, ]),
    cox = saturated_cox(survival_data(setup$problem), w),
    if (inherits(setup$family, "family")) saturated_object(setup$family, setup$response$y[used], w[used])
  )
  if (setup$problem$family == "cox") used <- used & setup$response$status == 1
  if (!is.null(saturated)) list(n = sum(used), saturated = saturated)
}

#' Log-likelihood of counts, and of other numbers with y! = gamma(y + 1), under a mean of their own
#' @noRd
saturated_poisson <- function(y) xlogx(y) - y - lgamma(y + 1)

#' Families with a dispersion, estimated by deviance / weights as in their aic(): the log-likelihood depends on the fit by its
#' deviance only
#' @noRd
dispersion_loglik <- list(
  gaussian = function(dev, k) (k$log_w - k$n * (log(2 * pi * dev / k$n) + 1)) / 2,
  Gamma = function(dev, k) {
    a <- k$w / dev
    k$w * (a * log(a) - lgamma(a) - a - 1 / 2) - k$log_y
  },
  inverse.gaussian = function(dev, k) -(k$w * (log(2 * pi * dev / k$w) + 1) + 3 * k$log_y) / 2
)

#' @noRd
dispersion_constants <- function(name, y, w) {
  list(n = length(y), dispersion = name, w = sum(w), log_w = sum(log(w)), log_y = if (name != "gaussian") sum(w * log(y)))
}

#' Log-likelihood of the saturated model of a family object, from its aic(); NULL if that is not a constant minus half the
#' deviance (quasi-families have none)
#' @noRd
saturated_object <- function(family, y, w) {
  if (!is.function(family$aic)) return(NULL)
  mean <- sum(w * y) / sum(w)
  at <- function(share) {
    mu <- share * y + (1 - share) * mean
    dev <- sum(family$dev.resids(y, mu, w))
    (dev - family$aic(y, rep(1, length(y)), mu, w, dev)) / 2
  }
  value <- tryCatch(suppressWarnings(c(at(0), at(0.5))), error = function(e) NA)
  if (length(value) == 2L && all(is.finite(value)) && abs(diff(value)) <= 1e-8 * (1 + abs(value[1L]))) value[1L]
}

#' Log-likelihood of the saturated model, as binomial()$aic() counts it
#' @noRd
saturated_binomial <- function(response, w, used) {
  if (!is.null(response$classes)) return(0)
  y <- response$y[used]
  trials <- (response$weights / w)[used]
  case <- w[used]
  if (all(trials == 1)) { # proportions: weights are the trials
    trials <- case
    case <- 1
  }
  whole <- function(v) all(abs(v - round(v)) < 1e-8)
  if (!whole(trials) || !whole(trials * y)) return(-sum(case * trials * entropy(y)))
  sum(case * stats::dbinom(round(trials * y), round(trials), y, log = TRUE))
}

#' @noRd
loglik_values <- function(object, sigma, call) {
  known <- object$likelihood
  if (is.null(known)) {
    sp_abort("unavailable", sprintf("The likelihood is not available for `family = %s`.", family_label(object$family)), call = call)
  }
  if (identical(object$family, "mgaussian")) return(loglik_mgaussian(object, sigma))
  dev <- pmax(deviance(object), 0)
  if (!is_gaussian(object)) {
    if (!is.null(known$dispersion) && is.null(sigma)) return(dispersion_loglik[[known$dispersion]](dev, known))
    if (!is.null(sigma)) sp_abort("unknown_argument", "`sigma` belongs to `family = \"gaussian\"`.", call = call, arg = "sigma")
    return(known$saturated - dev / 2)
  }
  n <- known$n
  if (is.null(sigma)) return(known$saturated - n / 2 * (log(2 * pi * dev / n) + 1))
  known$saturated - n / 2 * log(2 * pi * sigma^2) - dev / (2 * sigma^2)
}

#' Coefficients that are free to move: not zero, not at a limit
#' @return A sparse logical pattern, p x L; with several predictors pK x L
#' @noRd
free_coefficients <- function(object) {
  count <- stacked_beta(object$beta)
  if (is_fused(object$penalty)) {
    chains <- chains_of(object)
    if (by_intervals(chains)) {
      begins <- lapply(if (is_several(object)) object$beta else list(object$beta), stretch_begins, chains)
      return(as(do.call(rbind, begins) * 1, "CsparseMatrix"))
    }
    count <- as(as(stacked_steps(as.matrix(count), chains, nrow(count) %/% object$dim[1L]), "generalMatrix"), "CsparseMatrix")
  }
  x <- count@x
  free <- x != 0
  rows <- count@i %% object$dim[1L] + 1L
  for (limit in list(object$settings$lower.limits, object$settings$upper.limits)) {
    if (!is.null(limit)) free <- free & !(abs(x - limit[rows]) <= 1e-9 * abs(limit[rows]))
  }
  count@x <- as.double(free)
  Matrix::drop0(count)
}

#' Of K predictors of classes one is determined by the others
#' @noRd
contrasts_of <- function(object) {
  if (!is_several(object)) return(1L)
  length(object$beta) - identical(object$family, "multinomial")
}

#' @noRd
intercept_df <- function(object) object$intercept * contrasts_of(object)

#' Number of free coefficients, with classes at most K - 1 for each column
#' @noRd
count_df <- function(object, free) {
  if (!is_several(object)) return(as.double(Matrix::colSums(free)))
  p <- object$dim[1L]
  vapply(active_columns(free), function(rows) sum(pmin(tabulate((rows - 1L) %% p + 1L, p), contrasts_of(object))), 0)
}

#' The data of a fit again, with weights as numbers
#' @return list(x, w, offset, y)
#' @noRd
rows_of_fit <- function(object, x, weights, offset, y, call) {
  if (is.data.frame(x) && length(response_names(object)) && all(response_names(object) %in% names(x))) {
    data <- data_of_fit(object, x, y, weights, offset, call)
    x <- data$x
    y <- data$y
    weights <- data$weights
    offset <- data$offset
  }
  if (object$settings$weighted && is.null(weights)) abort_missing("weights", "The path was fitted with weights.", call)
  x <- x_like(x, object, call, "x")
  if (nrow(x) != object$nobs) {
    sp_abort("data", "`x` is not the data of the fit.", why = sprintf("It has %d rows, the fit had %d.", nrow(x), object$nobs), call = call, arg = "x")
  }
  list(x = x, w = check_weights(weights, nrow(x), call), offset = offset %||% attr(x, "offset"), y = y)
}

#' Of columns without a ridge part, `base`, the rank less that of the intercepts; of those with one, what the base leaves: eigenvalues
#' @return list(rank, d)
#' @noRd
trace_parts <- function(base, z, intercepts) {
  rank <- 0
  if (!is.null(base)) {
    decomposition <- qr(base)
    rank <- decomposition$rank - intercepts
    if (ncol(z)) z <- qr.resid(decomposition, z)
  }
  if (!ncol(z)) return(list(rank = rank, d = numeric()))
  gram <- if (ncol(z) <= nrow(z)) crossprod(z) else tcrossprod(z)
  list(rank = rank, d = pmax(eigen(gram, TRUE, only.values = TRUE)$values, 0))
}

#' The trace with K predictors: the same formula on the rows S x, S'S = diag(P) - PP' the curvature of an observation
#' @noRd
trace_df_classes <- function(object, free, data, call) {
  x <- data$x
  n <- nrow(x)
  w <- data$w / sum(data$w)
  p <- object$dim[1L]
  K <- length(object$beta)
  v <- factors_again(object, call)
  prob <- softmax(linear_predictor(object, list(a0 = object$a0, beta = object$beta), x, data$offset, call))
  used <- sort(unique(free@i %% p)) + 1L
  z_used <- scaled_columns(x, used, w, object$standardize, call)$values
  rows <- active_columns(free)
  rows_of <- function(m, k, q) { # S times columns m of predictor k, the classes below each other
    do.call(rbind, lapply(seq_len(K), function(h) sqrt(w) * q[, k] * ((h == k) - q[, h] * q[, k]) * m))
  }
  vapply(seq_along(object$lambda), function(l) {
    at <- rows[[l]] - 1L
    if (!length(at)) return(0)
    q <- sqrt(matrix(prob[, , l], n))
    column <- at %% p + 1L
    z <- do.call(cbind, lapply(seq_len(K), function(k) {
      own <- match(column[at %/% p == k - 1L], used)
      if (length(own)) rows_of(z_used[, own, drop = FALSE], k, q)
    }))
    column <- column[order(at %/% p)]
    ridge <- (1 - object$alpha) * if (is.matrix(v)) v[sort(at + 1L)] else v[column]
    base <- cbind(if (object$intercept) do.call(cbind, lapply(seq_len(K), function(k) rows_of(matrix(1, n), k, q))), z[, ridge == 0, drop = FALSE])
    z <- z[, ridge > 0, drop = FALSE] / rep(sqrt(ridge[ridge > 0]), each = nrow(z))
    parts <- trace_parts(base, z, intercept_df(object))
    parts$rank + sum(parts$d / (parts$d + object$lambda[l]))
  }, 0)
}

#' The trace, lambda by lambda
#' @noRd
trace_df <- function(object, free, data, call) {
  traits <- family_traits(object$family)
  if (identical(object$family, "mgaussian")) { # without norms the responses are one ridge regression each
    K <- length(object$beta)
    free <- free[seq_len(object$dim[1L]), , drop = FALSE]
    object$beta <- object$beta[[1L]]
    object$family <- "gaussian"
    object$nulldev <- sum(data$w)
    return(K * trace_df(object, free, data, call))
  }
  x <- data$x
  total <- sum(data$w)
  w <- data$w / total
  v <- factors_again(object, call)
  s_y <- if (is_gaussian(object)) sqrt(object$nulldev / total) else 1
  eta <- if (!is_gaussian(object)) linear_predictor(object, list(a0 = object$a0, beta = object$beta), x, data$offset, call)
  used <- sort(unique(free@i)) + 1L
  z_used <- scaled_columns(x, used, w, object$standardize, call)$values
  rows <- active_columns(free)
  curvature <- function(l) {
    if (is_gaussian(object)) return(w)
    e <- eta[, l, drop = FALSE]
    w * drop(if (is.null(traits$expected)) traits$curvature(e, NULL) else traits$expected(e))
  }
  last <- NULL
  vapply(seq_along(object$lambda), function(l) {
    at <- match(rows[[l]], used)
    if (!length(at)) return(0)
    lambda <- object$lambda[l]
    if (is.null(last) || !is_gaussian(object) || !identical(last$at, at)) {
      q <- curvature(l)
      z <- sqrt(q) * z_used[, at, drop = FALSE]
      ridge <- (1 - object$alpha) * v[rows[[l]]] / s_y
      base <- cbind(if (object$intercept) sqrt(q), z[, ridge == 0, drop = FALSE])
      z <- z[, ridge > 0, drop = FALSE] / rep(sqrt(ridge[ridge > 0]), each = nrow(z))
      last <<- c(list(at = at), trace_parts(base, z, object$intercept))
    }
    last$rank + sum(last$d / (last$d + lambda))
  }, 0)
}
