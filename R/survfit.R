# Survival curves of Cox fits. A fit keeps the baseline hazard at every lambda, so that curves need no data but those of the
# patients they are for.

#' Survival curves of a Cox fit
#'
#' A method for `survfit()` of the survival package: the predicted survival of
#' patients with given variables, from a fit of [sparsepath()] or [cv.sparsepath()] with
#' `family = "cox"`. The data of the fit are not needed again.
#'
#' The curve of a patient with linear predictor \eqn{\eta} is
#' \deqn{S(t) = \exp\{-H_0(t) e^{\eta}\}, \quad H_0(t) = \sum_{t_g \le t} \frac{d_g}{m_g} \sum_{l=0}^{m_g-1}
#'   \frac{1}{A_g - (l / m_g) D_g}}{S(t) = exp{-H0(t) exp(eta)}, H0(t) = sum over event times t_g <= t of (d_g / m_g) sum over l of 1 / (A_g - (l/m_g) D_g)}
#' with \eqn{d_g} the weight of the deaths at \eqn{t_g}, \eqn{A_g} and \eqn{D_g} the sums of \eqn{w_i e^{\eta_i}} over those at risk and over
#' the deaths, and \eqn{m_g} the number of deaths for Efron's ties, 1 for Breslow's (Breslow 1972; Efron 1977). That is what
#' `survfit()` gives for a `coxph()` with these coefficients.
#'
#' A fit keeps the increments of \eqn{H_0} at every lambda, one number for each event time and lambda. At lambdas between those of
#' the path, the logarithms of the increments are interpolated, as the coefficients are; give `x` and `y` (and `weights` and
#' `offset`, if used) to compute them at the interpolated coefficients instead. For blends of a relaxed fit with `gamma`
#' between 0 and 1 that is required, except for the two that [cv.sparsepath()] chose.
#'
#' There are no standard errors and confidence bands: those of an unpenalized fit do not hold for a model that was
#' selected and shrunk on the same data. For the same reason the curves of the patients that the
#' model was fitted to are further apart than those of new patients will be.
#'
#' @param formula A fit of [sparsepath()] or [cv.sparsepath()] with `family = "cox"`. (The name is that of the generic.)
#' @param newx,newdata Patients, as `newx` of [predict.sparsepath()]: one curve for each row. Without it, one
#'   curve (for each stratum) at the mean linear predictor of the data of the fit.
#' @param s Lambdas; by default all of a path, and `"lambda.1se"` of a cross-validation.
#' @param newoffset Offsets of the patients, required if the fit has an offset.
#' @param newstrata Stratum of each row of `newx`. Without it (and without the variables of
#'   `strata()` of a formula in `newx`) there is one curve for each stratum and row.
#' @param x,y,weights,offset The data of the fit, for lambdas that are not on the path and for blends.
#' @param gamma For a relaxed fit: weight of the path in the blend, see [relaxed].
#' @param ... Arguments of the method of the path; there, must be empty.
#' @returns An object of class `"survfitcox"`, `"survfit"` for one lambda, with components `n`, `time`, `n.risk`, `n.event`, `n.censor`
#'   (weighted), `surv` and `cumhaz` (times, with those of all strata one after the other, by rows of `newx`; if each
#'   row has its stratum, the curves one after the other), `strata`, `call`; so that `print()`, `plot()`, `summary()` and
#'   `quantile()` of the survival package apply. For several lambdas a list of them.
#' @references
#' Breslow NE (1972). Discussion of the paper by D. R. Cox. *Journal of the Royal Statistical Society B*, 34(2), 216-217.
#' \doi{10.1111/j.2517-6161.1972.tb00900.x}
#'
#' Efron B (1977). The efficiency of Cox's likelihood function for censored data. *Journal of the American Statistical
#' Association*, 72(359), 557-565. \doi{10.1080/01621459.1977.10480613} (ties)
#' @seealso [predict.sparsepath()], [concordance_index()], `vignette("survival")`.
#' @examplesIf requireNamespace("survival", quietly = TRUE)
#' d <- na.omit(survival::pbc[1:312, c("time", "status", "age", "edema", "bili", "albumin",
#'   "protime", "stage")])
#' fit <- sparsepath(Surv(time, status == 2) ~ ., d, family = "cox")
#' curves <- survival::survfit(fit, newx = d[1:2, ], s = 0.05)
#' curves
#' plot(curves, col = 1:2, xlab = "Days")
#' summary(curves, times = c(1000, 2000))
#' @exportS3Method survival::survfit sparsepath
survfit.sparsepath <- function(formula, newx, s = NULL, newoffset = NULL, newstrata = NULL, x = NULL, y = NULL, weights = NULL,
                               offset = NULL, newdata = NULL, ...) {
  call <- shown_call("survfit")
  object <- formula
  check_dots(dots_of(...), names(formals(survfit.sparsepath)), call)
  if (family_traits(object$family)$name != "cox") {
    sp_abort("unavailable", "Survival curves need a fit with `family = \"cox\"`.", why = sprintf("The family is %s.", family_label(object$family)),
      call = call, arg = "formula"
    )
  }
  b <- coefficients_at(object, s, FALSE, NULL, call)
  baseline <- baseline_at(object, s, b, list(x = x, y = y, weights = weights, offset = offset), call)
  if (!is.null(newdata)) newx <- newdata
  if (missing(newx)) {
    eta <- matrix(baseline$mean, 1L)
    stratum <- NULL
  } else {
    eta <- linear_predictor(object, b, newx, newoffset, call)
    stratum <- newstrata %||% attr(check_newx(newx, object, call), "strata")
    # missing in the data of a formula: a curve of NA, as for other variables
    lost <- if (is.null(newstrata)) which(is.na(stratum))
    if (length(lost)) stratum[lost] <- names(baseline$strata)[1L]
    stratum <- check_newstrata(stratum, names(baseline$strata), nrow(eta), call)
    if (length(lost)) stratum[lost] <- NA
  }
  shown <- stored_call(match.call(), "survfit")
  curves <- lapply(seq_len(ncol(eta)), function(l) survival_curves(baseline, l, structure(eta[, l], names = rownames(eta)), stratum, shown))
  one_or_list(curves, colnames(b$beta))
}

#' @rdname survfit.sparsepath
#' @exportS3Method survival::survfit cv.sparsepath
survfit.cv.sparsepath <- function(formula, newx, s = c("lambda.1se", "lambda.min"), ...) {
  s <- chosen_lambda(formula, s, shown_call("survfit"))
  curves <- if (missing(newx)) survfit.sparsepath(formula$fit, s = s, ...) else survfit.sparsepath(formula$fit, newx, s = s, ...)
  with_call(curves, stored_call(match.call(), "survfit"))
}

#' @rdname survfit.sparsepath
#' @exportS3Method survival::survfit sparsepath_relaxed
survfit.sparsepath_relaxed <- function(formula, ..., gamma = 1) {
  gamma <- check_gamma(gamma, shown_call("survfit"))
  shown <- stored_call(match.call(), "survfit")
  each_gamma(gamma, function(g) with_call(survfit.sparsepath(blended(formula, g), ...), shown))
}

#' @rdname survfit.sparsepath
#' @exportS3Method survival::survfit cv.sparsepath_relaxed
survfit.cv.sparsepath_relaxed <- function(formula, ..., s = c("lambda.1se", "lambda.min"), gamma = NULL) {
  at <- chosen_pair(formula, s, gamma, shown_call("survfit"))
  chosen <- formula$relaxed$baseline
  k <- if (length(at$s) == 1L && length(at$gamma) == 1L) which(chosen$lambda == at$s & chosen$gamma == at$gamma)
  object <- formula$fit
  if (!length(k)) return(with_call(survfit.sparsepath_relaxed(object, ..., s = at$s, gamma = at$gamma), stored_call(match.call(), "survfit")))
  object <- blended(object, at$gamma)
  l <- match(at$s, object$lambda)
  object$beta <- object$beta[, l, drop = FALSE]
  object$lambda <- object$lambda[l]
  object$baseline <- chosen$baseline[[k[1L]]]
  with_call(survfit.sparsepath(object, ..., s = at$s), stored_call(match.call(), "survfit"))
}

#' @noRd
with_call <- function(curves, call) {
  if (!inherits(curves, "survfit")) return(lapply(curves, with_call, call))
  curves$call <- call
  curves
}

#' Baselines of the blends that a cross-validation chose
#' @noRd
chosen_baselines <- function(fit, chosen, setup) {
  lambda <- c(chosen$lambda.min, chosen$lambda.1se)
  gamma <- c(chosen$gamma.min, chosen$gamma.1se)
  each <- lapply(1:2, function(k) {
    path <- blended(fit, gamma[k])
    path$beta <- path$beta[, match(lambda[k], path$lambda), drop = FALSE]
    path_baseline(path, setup)
  })
  list(lambda = lambda, gamma = gamma, baseline = each)
}

# ---- baseline hazard ----------------------------------------------------------------

#' Baseline hazards of a path, kept in the fit
#'
#' @param fit A path of the problem of `setup`; its coefficients are used.
#' @noRd
path_baseline <- function(fit, setup) {
  baseline_hazard(training_eta(fit$beta, setup), survival_data(setup$problem), setup$weights, setup$response$strata_names)
}

#' Times, numbers at risk and increments of the baseline hazard
#'
#' @param eta n x L.
#' @return list: `n`, `strata` (numbers of times, named, or NULL), `time`, `n.risk`, `n.event`, `n.censor` (strata one after the other),
#'   `at` (which of the times have events), `hazard` (length(at) x L, of a patient with linear predictor `centre`), `centre` (strata x L),
#'   `mean` (weighted mean of eta, length L).
#' @noRd
baseline_hazard <- function(eta, data, w, names = NULL) {
  strata <- data$strata %||% rep(1L, length(w))
  each <- lapply(seq_len(max(strata)), function(k) {
    rows <- which(strata == k & w > 0)
    time <- sort(unique(data$y[rows]))
    at_time <- function(v) drop(rowsum(v, factor(data$y[rows], time), reorder = TRUE))
    from <- function(t, v) { # sum of v over t >= time
      o <- order(t)
      sum(v) - c(0, cumsum(v[o]))[findInterval(time, t[o], left.open = TRUE) + 1L]
    }
    risk <- from(data$y[rows], w[rows])
    if (!is.null(data$entry)) risk <- risk - from(data$entry[rows], w[rows])
    event <- unname(at_time(w[rows] * data$status[rows]))
    out <- list(n = length(rows), time = time, risk = risk, event = event, censor = unname(at_time(w[rows] * (1 - data$status[rows]))),
      centre = rep(0, ncol(eta)), hazard = matrix(0, 0L, ncol(eta)), at = integer())
    own <- data
    own$strata <- NULL
    set <- risk_structure(own, w * (strata == k))
    if (!length(set)) return(out)
    set <- set[[1L]]
    r <- risks(set, eta)
    out$centre <- apply(eta[set$rows, , drop = FALSE], 2L, max)
    jump <- unname(rowsum((set$mass / set$count)[set$term] / r$S, set$term))
    order <- rev(seq_along(set$times)) # from the latest to the earliest in a risk structure
    out$hazard <- jump[order, , drop = FALSE]
    out$at <- match(set$times[order], time)
    out
  })
  field <- function(name) unlist(lapply(each, `[[`, name), use.names = FALSE)
  size <- lengths(lapply(each, `[[`, "time"))
  before <- cumsum(c(0L, size))
  list(
    n = field("n"), strata = if (!is.null(data$strata)) structure(size, names = names), time = field("time"), n.risk = field("risk"),
    n.event = field("event"), n.censor = field("censor"), at = unlist(lapply(seq_along(each), function(k) before[k] + each[[k]]$at)),
    hazard = do.call(rbind, lapply(each, `[[`, "hazard")), centre = do.call(rbind, lapply(each, `[[`, "centre")),
    mean = colSums(w * eta) / sum(w)
  )
}

#' @noRd
baseline_columns <- function(base, at) {
  base$hazard <- base$hazard[, at, drop = FALSE]
  base$centre <- base$centre[, at, drop = FALSE]
  base$mean <- base$mean[at]
  base
}

#' Baseline at lambdas asked for
#' @noRd
baseline_at <- function(object, s, b, data, call) {
  if (!is.null(data$x) || !is.null(data$y)) return(baseline_from(object, b, data, call))
  base <- object$baseline
  if (is.null(base)) {
    for (arg in c("x", "y")) abort_missing(arg, "A blend of the path and its relaxed fit has a baseline hazard of its own: give `x` and `y`.", call)
  }
  if (is.null(s)) return(base)
  at <- interpolation(object$lambda, check_s(s, call))
  between <- function(m, log = FALSE) {
    left <- m[, at$left, drop = FALSE]
    if (all(at$weight == 1)) return(left)
    right <- m[, at$right, drop = FALSE]
    weight <- rep(at$weight, each = nrow(m))
    out <- if (log) exp(weight * log(left) + (1 - weight) * log(right)) else weight * left + (1 - weight) * right
    out[, at$weight == 1] <- left[, at$weight == 1]
    out
  }
  base$hazard <- between(base$hazard, log = TRUE)
  base$centre <- between(base$centre)
  base$mean <- drop(between(t(base$mean)))
  base
}

#' Baseline at coefficients, from the data of the fit
#' @noRd
baseline_from <- function(object, b, data, call) {
  for (arg in c("x", "y")) {
    if (is.null(data[[arg]])) abort_missing(arg, "The baseline hazard is computed from the data of the fit: give `x` and `y`.", call)
  }
  if (object$settings$weighted && is.null(data$weights)) abort_missing("weights", "The path was fitted with weights.", call)
  x <- x_like(data$x, object, call, "x")
  if (nrow(x) != object$nobs) {
    sp_abort("data", "`x` is not the data of the fit.", why = sprintf("It has %d rows, the fit had %d.", nrow(x), object$nobs), call = call, arg = "x")
  }
  offset <- data$offset %||% attr(x, "offset")
  if (object$offset && is.null(offset)) abort_missing("offset", "The path was fitted with an offset.", call)
  w <- check_weights(data$weights, nrow(x), call)
  y <- check_y_cox(data$y, nrow(x), w, call, "y")
  y$efron <- identical(object$settings$cox.ties, "efron")
  baseline_hazard(linear_predictor(object, b, x, offset, call), y, w, y$strata_names)
}

# ---- curves --------------------------------------------------------------------------

#' Strata of new patients as numbers, or NULL when they are not told
#' @noRd
check_newstrata <- function(newstrata, names, n, call) {
  if (is.null(newstrata)) return(NULL)
  if (is.null(names)) sp_abort("unknown_argument", "`newstrata` is not expected.", why = "The fit has no strata.", call = call, arg = "newstrata")
  if (length(newstrata) != n) {
    sp_abort("length", sprintf("`newstrata` must have one value for each of the %d rows of `newx`.", n), why = sprintf("It has %d.", length(newstrata)),
      call = call, arg = "newstrata"
    )
  }
  at <- match(as.character(newstrata), names)
  if (anyNA(at)) {
    bad <- which(is.na(at))[1L]
    sp_abort("levels", "`newstrata` must be strata of the fit.",
      why = sprintf("%s at %s; the strata are %s.", describe(as.character(newstrata)[bad]), at_position(bad), some_names(names)),
      call = call, arg = "newstrata", position = bad
    )
  }
  at
}

#' The curves of one lambda
#' @param stratum For each patient, or NULL for all strata.
#' @noRd
survival_curves <- function(base, l, eta, stratum, call) {
  size <- base$strata %||% length(base$time)
  of <- rep(seq_along(size), size)
  jump <- double(length(base$time))
  jump[base$at] <- base$hazard[, l]
  h0 <- unlist(lapply(split(jump, of), cumsum), use.names = FALSE)
  centre <- base$centre[, l]
  curve <- function(rows, i) h0[rows] * exp(eta[i] - centre[of[rows]])
  out <- list(n = base$n, time = base$time, n.risk = base$n.risk, n.event = base$n.event, n.censor = base$n.censor)
  names <- names(eta) %||% as.character(seq_along(eta))
  if (is.null(stratum)) {
    out$strata <- base$strata
    cumhaz <- vapply(seq_along(eta), function(i) curve(seq_along(h0), i), double(length(h0)))
    dim(cumhaz) <- c(length(h0), length(eta))
    out$surv <- exp(-cumhaz)
    dimnames(out$surv) <- list(NULL, names)
    out$cumhaz <- cumhaz
    if (length(eta) == 1L) {
      out$surv <- drop(unname(out$surv))
      out$cumhaz <- drop(cumhaz)
    }
  } else {
    if (anyNA(stratum)) { # a stratum without patients, at time 0
      stratum[is.na(stratum)] <- length(size) + 1L
      of <- c(of, length(size) + 1L)
      size <- c(size, 1L)
      h0 <- c(h0, NA)
      centre <- c(centre, NA)
      for (field in c("n", "time", "n.risk", "n.event", "n.censor")) base[[field]] <- c(base[[field]], 0)
    }
    rows <- lapply(stratum, function(k) which(of == k))
    out$n <- base$n[stratum]
    for (field in c("time", "n.risk", "n.event", "n.censor")) out[[field]] <- base[[field]][unlist(rows)]
    out$strata <- structure(unname(size[stratum]), names = names)
    out$cumhaz <- unlist(lapply(seq_along(eta), function(i) curve(rows[[i]], i)))
    out$surv <- exp(-out$cumhaz)
    out <- out[c("n", "time", "n.risk", "n.event", "n.censor", "strata", "surv", "cumhaz")]
  }
  out$call <- call
  structure(out, class = c("survfitcox", "survfit"))
}
