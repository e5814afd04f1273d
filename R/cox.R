# The partial likelihood in plain R: what the certificate, the scores of a
# cross-validation, residuals and baseline hazards need. It shares no code with the engine.
#
# With e_i = w_i exp(eta_i), a group g of events tied at one time in one stratum has mass d_g, the weight of its deaths, and
# terms l = 0, ..., m_g - 1: one for Breslow, one per death for Efron. The risk of a term is S = A - (1 - a) D, A the sum of e
# over those at risk, D over the deaths, a = 1 - l / m, and
#
#   F(eta) = sum_g (d_g / m_g) sum_l log(S_gl / (d_g a_l)) - sum_deaths w_i (eta_i - ...),
#
# the constant chosen so that the least possible value is zero.

#' A survival response with strata
#'
#' Adds strata to a response of [sparsepath()] with `family = "cox"`: each
#' stratum has a baseline hazard of its own, and risk sets do not reach across
#' strata; the coefficients are common.
#'
#' @param y A `Surv` object (right-censored or counting) of the survival
#'   package, or a matrix with columns `time` and `status`, or `start`,
#'   `stop` and `status`.
#' @param strata A vector or factor with one value for each observation.
#' @returns A list of class `"stratified"` with elements `y` and `strata`, to be
#'   given as `y`. `[` takes rows of both.
#' @seealso [sparsepath()]. A response of `glmnet::stratifySurv()` is
#'   understood as well.
#' @references
#' Cox DR (1972). Regression models and life-tables. *Journal of the Royal
#' Statistical Society B*, 34(2), 187-220. \doi{10.1111/j.2517-6161.1972.tb00899.x}
#' (the partial likelihood: equation 12)
#' @examples
#' set.seed(1)
#' x <- matrix(rnorm(1000), 50)
#' y <- cbind(time = rexp(50), status = rbinom(50, 1, 0.7))
#' centre <- rep(c("A", "B"), 25)
#' fit <- sparsepath(x, stratify(y, centre), family = "cox")
#' summary(fit)
#' @export
stratify <- function(y, strata) {
  call <- shown_call("stratify")
  if (missing(y) || missing(strata)) abort_missing(if (missing(y)) "y" else "strata", "Give the response and the strata.", call)
  if (inherits(y, "stratified")) y <- y$y
  if (is.data.frame(strata) || is.list(strata) || length(dim(strata)) > 1L) {
    sp_abort("type", "`strata` must be a vector or a factor.", why = sprintf("It is %s.", describe(strata)),
      how = "Combine several by `interaction()`.", call = call, arg = "strata"
    )
  }
  if (length(strata) != NROW(y)) {
    sp_abort("length", sprintf("`strata` must have one value for each of the %d observations.", NROW(y)),
      why = sprintf("It has %d.", length(strata)), call = call, arg = "strata", value = length(strata)
    )
  }
  if (anyNA(strata)) {
    first <- which(is.na(strata))[1L]
    sp_abort("nonfinite", "`strata` must not contain missing values.",
      why = sprintf("NA at %s%s.", at_position(first, names(strata)), and_more(sum(is.na(strata)))), call = call, arg = "strata",
      position = first
    )
  }
  with_strata(y, strata)
}

with_strata <- function(y, strata) structure(list(y = y, strata = factor(strata)), class = "stratified")

#' @export
`[.stratified` <- function(x, i, ...) {
  x <- unclass(x)
  structure(list(y = x$y[i, , drop = FALSE], strata = factor(x$strata[i])), class = "stratified")
}

#' Does a response by itself say that it is one of survival?
#' @noRd
is_survival <- function(y) inherits(y, "Surv") || inherits(y, "stratified")

# ---- the response -------------------------------------------------------------------

#' @param weights Of the rows; `NULL`: nothing is fitted, so that there need be no event.
#' @return list(y, entry, status, strata, strata_names, weights, classnames, classes)
#' @noRd
check_y_cox <- function(y, n, weights, call, arg) {
  strata <- attr(y, "strata")
  if (inherits(y, "stratified")) {
    strata <- y$strata
    y <- y$y
  }
  type <- if (inherits(y, "Surv")) attr(y, "type")
  if (length(type) && !type %in% c("right", "counting")) {
    sp_abort("unavailable", "Only right-censored and counting survival times are available.",
      why = sprintf("`%s` is of type \"%s\".", arg, type), call = call, arg = arg
    )
  }
  if (is.data.frame(y)) y <- as.matrix(y)
  names <- colnames(y)
  found <- if (is.matrix(y) && length(names)) {
    lapply(list(c("time", "status"), c("start", "stop", "status"), c("tstart", "tstop", "status")), match, names)
  }
  columns <- Filter(function(at) !anyNA(at) && length(at) == ncol(y), found)
  if (!is.matrix(y) || !(is.numeric(y) || is.logical(y)) || !length(columns)) {
    sp_abort("type", sprintf("`%s` must be a survival response for `family = \"cox\"`.", arg),
      why = sprintf("It is %s.", describe(y)),
      how = "Allowed: `survival::Surv()`, or a matrix with columns named `time` and `status`, or `start`, `stop` and `status`.",
      call = call, arg = arg
    )
  }
  if (nrow(y) != n) {
    sp_abort("length", sprintf("`%s` must have one row for each of the %d rows of `x`.", arg, n),
      why = sprintf("It has %d.", nrow(y)), call = call, arg = arg, value = nrow(y)
    )
  }
  y <- matrix(as.double(y), n)[, columns[[1L]], drop = FALSE]
  bad <- which(!is.finite(y), arr.ind = TRUE)
  if (nrow(bad)) {
    sp_abort("nonfinite", sprintf("`%s` must not contain missing or infinite values.", arg),
      why = sprintf("%s in row %d%s.", show_number(y[bad[1L, , drop = FALSE]]), bad[1L, 1L], and_more(nrow(bad))),
      call = call, arg = arg, position = bad[1L, 1L]
    )
  }
  time <- y[, ncol(y) - 1L]
  status <- y[, ncol(y)]
  entry <- if (ncol(y) == 3L) y[, 1L]
  if (!all(status %in% c(0, 1))) {
    first <- which(!status %in% c(0, 1))[1L]
    sp_abort("range", sprintf("The status in `%s` must be 0 (censored) or 1 (event).", arg),
      why = sprintf("%s in row %d.", show_number(status[first]), first), call = call, arg = arg, position = first
    )
  }
  if (!is.null(entry) && any(entry >= time)) {
    first <- which(entry >= time)[1L]
    sp_abort("range", sprintf("In `%s`, start must be before stop.", arg),
      why = sprintf("Row %d goes from %s to %s.", first, show_number(entry[first]), show_number(time[first])), call = call,
      arg = arg, position = first
    )
  }
  if (!is.null(strata) && length(strata) != n) {
    sp_abort("length", sprintf("The strata of `%s` must have one value for each of the %d rows of `x`.", arg, n),
      why = sprintf("They have %d.", length(strata)), call = call, arg = arg
    )
  }
  if (!is.null(weights) && arg != "newy" && !any(status == 1 & weights > 0)) {
    sp_abort("no_event", sprintf("`%s` must have events.", arg),
      why = if (any(status == 1)) "All events have weight zero." else "All observations are censored.", call = call, arg = arg
    )
  }
  if (!is.null(strata)) strata <- factor(strata)
  list(
    y = time, entry = entry, status = as.integer(status), strata = if (!is.null(strata)) as.integer(strata), strata_names = levels(strata),
    weights = weights, classnames = NULL, classes = as.integer(status)
  )
}

# ---- risk sets ----------------------------------------------------------------------

#' Rows and groups of events of each stratum
#'
#' @param data list(y, entry, status, strata, efron)
#' @param w Weights; rows of weight zero are left out.
#' @noRd
risk_structure <- function(data, w) {
  used <- which(w > 0)
  strata <- if (is.null(data$strata)) list(used) else unname(split(used, data$strata[used]))
  keep <- lapply(strata, function(rows) {
    rows <- rows[order(-data$y[rows], data$status[rows])]
    time <- data$y[rows]
    dead <- which(data$status[rows] == 1)
    times <- unique(time[dead])
    if (!length(times)) return(NULL)
    group <- match(time[dead], times)
    mass <- drop(rowsum(w[rows][dead], group))
    count <- if (data$efron) tabulate(group, length(times)) else rep(1L, length(times))
    list(
      rows = rows, w = w[rows], time = time, entry = data$entry[rows], dead = dead, times = times, group = group, mass = mass,
      last = findInterval(-times, -time), # how many have lived that long
      seen = findInterval(-time, -times), # the first group at which a row is at risk, minus one if it is none of its own
      term = rep(seq_along(times), count), count = count, a = 1 - (sequence(count) - 1) / rep(count, count)
    )
  })
  Filter(Negate(is.null), keep)
}

#' Sums over risk sets, groups x L
#' @noRd
at_risk_sums <- function(s, e) {
  if (is.null(s$entry)) return(column_cumsums(e)[s$last, , drop = FALSE])
  out <- matrix(0, length(s$times), ncol(e))
  chunk <- max(1L, 4000000L %/% length(s$time))
  for (k in split(seq_along(s$times), (seq_along(s$times) - 1L) %/% chunk)) {
    inside <- outer(s$entry, s$times[k], `<`) & outer(s$time, s$times[k], `>=`)
    out[k, ] <- crossprod(inside + 0, e)
  }
  out
}

#' Sums over the groups at which a row is at risk, rows x L
#' @noRd
over_own_groups <- function(s, per_group) {
  total <- rbind(0, column_cumsums(per_group[rev(seq_along(s$times)), , drop = FALSE])) # from the earliest event on
  size <- length(s$times)
  upto <- size - findInterval(-s$time, -s$times, left.open = TRUE)
  out <- total[upto + 1L, , drop = FALSE]
  if (is.null(s$entry)) return(out)
  out - total[size - findInterval(-s$entry, -s$times, left.open = TRUE) + 1L, , drop = FALSE]
}

#' @noRd
column_cumsums <- function(m) matrix(apply(m, 2L, cumsum), nrow(m))

#' e, and for each term its risk S, at the linear predictors of a stratum
#' @noRd
risks <- function(s, eta) {
  eta <- eta[s$rows, , drop = FALSE]
  eta <- eta - rep(apply(eta, 2L, max), each = nrow(eta))
  e <- s$w * exp(eta)
  all <- at_risk_sums(s, e)
  dying <- unname(rowsum(e[s$dead, , drop = FALSE], s$group))
  alive <- pmax(all - dying, 0)
  list(eta = eta, e = e, alive = alive[s$term, , drop = FALSE], S = alive[s$term, , drop = FALSE] + s$a * dying[s$term, , drop = FALSE])
}

#' Partial log-likelihood with the sign changed, minus its least possible value, for each column of eta
#' @noRd
cox_loss <- function(eta, risk_sets) {
  total <- double(ncol(eta))
  for (s in risk_sets) {
    r <- risks(s, eta)
    each <- (s$mass / s$count)[s$term]
    total <- total + colSums(each * (log(r$S) - log(s$mass[s$term] * s$a))) -
      colSums(s$w[s$dead] * r$eta[s$dead, , drop = FALSE])
  }
  total
}

#' -dF/d eta (weights included), n x L: martingale residuals
#' @noRd
cox_gradient <- function(eta, risk_sets) {
  g <- matrix(0, nrow(eta), ncol(eta))
  for (s in risk_sets) {
    r <- risks(s, eta)
    each <- (s$mass / s$count)[s$term] / r$S
    hazard <- unname(rowsum(each, s$term))
    mu <- r$e * over_own_groups(s, hazard)
    spared <- unname(rowsum(each * (1 - s$a), s$term))
    mu[s$dead, ] <- mu[s$dead, ] - r$e[s$dead, ] * spared[s$group, ]
    mu <- -mu
    mu[s$dead, ] <- mu[s$dead, ] + s$w[s$dead]
    g[s$rows, ] <- mu
  }
  g
}

#' Z'MZ, M the second derivative at one eta
#' @noRd
cox_curvature <- function(z, eta, risk_sets) {
  h <- matrix(0, ncol(z), ncol(z))
  for (s in risk_sets) {
    r <- risks(s, matrix(eta))
    zs <- z[s$rows, , drop = FALSE]
    zs <- zs - rep(colMeans(zs), each = nrow(zs))
    ez <- drop(r$e) * zs
    each <- (s$mass / s$count)[s$term]
    all <- at_risk_sums(s, ez)[s$term, , drop = FALSE]
    dying <- unname(rowsum(ez[s$dead, , drop = FALSE], s$group))[s$term, , drop = FALSE]
    centre <- (all - (1 - s$a) * dying) / drop(r$S)
    hazard <- unname(rowsum(each / drop(r$S), s$term))
    mu <- r$e * over_own_groups(s, hazard)
    spared <- unname(rowsum(each * (1 - s$a) / drop(r$S), s$term))
    mu[s$dead, ] <- mu[s$dead, ] - r$e[s$dead, ] * spared[s$group, ]
    h <- h + crossprod(zs, drop(mu) * zs) - crossprod(centre, each * centre)
  }
  h
}

#' Unpenalized coefficients to their optimum, from eta
#' @noRd
newton_cox <- function(basis, eta, risk_sets) {
  value <- cox_loss(matrix(eta), risk_sets)
  for (round in seq_len(100L)) {
    score <- crossprod(basis, cox_gradient(matrix(eta), risk_sets))
    h <- cox_curvature(basis, eta, risk_sets)
    if (!all(is.finite(h))) break # a model that tells all events apart
    step <- drop(basis %*% zero_na(qr.coef(qr(h), score)))
    down <- descend(eta, step, value, function(eta) cox_loss(matrix(eta), risk_sets))
    if (diff(range(down$eta)) > 500) break # on the way to an optimum at infinity, where sums over risk sets become 0
    eta <- down$eta
    value <- down$value
    if (max(abs(step)) <= 1e-14 * (1 + max(abs(eta)))) break
  }
  eta
}

#' Fenchel-Young terms: divergence of the dual point from p, the probabilities at eta, over the risk set of each term, per column
#'
#' The dual point is scale q + (1 - scale) y, q the probabilities at `best`: eta with free coefficients at their optimum.
#' @noRd
cox_divergence <- function(eta, scale, risk_sets, t, best = eta) {
  # q log(q / p) - q + p, by its series near q = p
  entropy_part <- function(q, p) {
    u <- ifelse(p > 0, (q - p) / p, Inf)
    small <- abs(u) < 1e-4
    far <- q * log(ifelse(q > 0, q, 1)) - ifelse(q > 0, q * log(p), 0) - q + p
    ifelse(small, p * u^2 * (1 / 2 - u / 6 + u^2 / 12), pmax(far, 0))
  }
  total <- double(ncol(eta))
  rest <- entropy_part(scale, rep(1, length(scale)))
  moved <- !identical(best, eta)
  for (s in risk_sets) {
    r <- risks(s, eta)
    each <- (s$mass / s$count)[s$term]
    q <- if (moved) risks(s, best) else r
    total <- total + rest * colSums(each * r$alive / r$S)
    if (moved) { # those who live on: sum of scale q log(scale q / p) - scale q + p, less what stands above
      shift <- q$eta - r$eta
      ratio <- (at_risk_sums(s, q$e * shift) - unname(rowsum((q$e * shift)[s$dead, , drop = FALSE], s$group)))[s$term, , drop = FALSE]
      from <- r$alive / r$S
      to <- q$alive / q$S
      by_term <- rep(scale, each = nrow(to))
      log_scale <- ifelse(by_term > 0, log(by_term), 0)
      total <- total + colSums(each * by_term * (ratio / q$S + to * (log(r$S) - log(q$S)) + (to - from) * (log_scale - 1)))
    }
    # each death in each term of its group
    terms <- split(seq_along(s$term), s$term)
    pairs <- terms[s$group]
    death <- rep(seq_along(s$dead), lengths(pairs))
    term <- unlist(pairs)
    p <- s$a[term] * r$e[s$dead[death], , drop = FALSE] / r$S[term, , drop = FALSE]
    y <- s$w[s$dead[death]] / s$mass[s$term[term]]
    by <- rep(scale, each = length(term))
    dual <- if (moved) s$a[term] * q$e[s$dead[death], , drop = FALSE] / q$S[term, , drop = FALSE] else p
    total <- total + colSums(each[term] * entropy_part(by * dual + (1 - by) * y, p))
  }
  pmax(total, 0)
}

# ---- scores -------------------------------------------------------------------------

#' Minus the logarithm of the largest possible partial likelihood, which is F = 0
#' @noRd
saturated_cox <- function(data, w) {
  -sum(vapply(risk_structure(data, w), function(s) sum((s$mass / s$count)[s$term] * log(s$mass[s$term] * s$a)), 0))
}

#' Martingale residuals of linear predictors, n x L: status minus cumulative hazard
#'
#' Without weights, as those of coxph(). A row of weight zero has the hazard of the others.
#' @noRd
martingale_residuals <- function(eta, data, w) {
  out <- matrix(0, nrow(eta), ncol(eta))
  used <- which(w > 0)
  out[used, ] <- cox_gradient(eta, risk_structure(data, w))[used, ] / w[used]
  rest <- which(!w > 0)
  if (!length(rest)) return(out)
  own <- data$strata %||% rep(1L, length(w))
  for (k in unique(own[rest])) {
    rows <- rest[own[rest] == k]
    data$strata <- NULL
    base <- baseline_hazard(eta, data, w * (own == k))
    total <- rbind(0, column_cumsums(base$hazard))
    upto <- function(t) total[findInterval(t, base$time[base$at]) + 1L, , drop = FALSE]
    hazard <- upto(data$y[rows]) - if (is.null(data$entry)) 0 else upto(data$entry[rows])
    out[rows, ] <- data$status[rows] - hazard * exp(eta[rows, , drop = FALSE] - rep(base$centre[1L, ], each = length(rows)))
  }
  out
}

#' Residuals of a Cox fit
#' @noRd
cox_residuals <- function(eta, data, w, type) {
  m <- martingale_residuals(eta, data, w)
  if (type == "martingale") return(structure(m, dimnames = dimnames(eta)))
  expected <- pmax(data$status - m, 0)
  structure(sign(m) * sqrt(2 * pmax(ifelse(data$status == 1, -log(expected), 0) - m, 0)), dimnames = dimnames(eta))
}

#' Deviance of linear predictors, weights as given
#' @noRd
cox_deviance <- function(eta, data, w) {
  if (!any(data$status == 1 & w > 0)) return(rep(0, ncol(eta)))
  2 * cox_loss(eta, risk_structure(data, w))
}

#' Concordance of linear predictors and times, for each column
#'
#' Of the pairs whose order is known (an event, and someone at risk at that time
#' who lives longer), the weighted share in which the event has the larger
#' linear predictor; ties of the predictor count half.
#' @noRd
concordance_of <- function(eta, data, w) {
  used <- which(w > 0)
  eta <- eta[used, , drop = FALSE]
  eta[] <- as.double(eta)
  known <- colSums(!is.finite(eta)) == 0
  eta[, !known] <- 0
  out <- .Call(C_concordance, as.double(data$y[used]), if (!is.null(data$entry)) as.double(data$entry[used]), as.integer(data$status[used]),
    if (!is.null(data$strata)) as.integer(data$strata[used]), as.double(w[used]), eta)
  if (!is.null(out$error)) abort_engine(out, NULL, NULL)
  ifelse(known & out$all > 0, out$agree / out$all, NA_real_)
}

#' C-index, or deviance per unit of weight, of each fold by itself at each lambda
#' @noRd
fold_scores_cox <- function(eta, fold, response, weights, measure) {
  do.call(rbind, lapply(seq_len(max(fold)), function(k) {
    w <- weights * (fold == k)
    if (measure == "C") concordance_of(eta, response, w) else cox_deviance(eta, response, w) / sum(w)
  }))
}

#' Deviance of each fold per unit of weight, one matrix folds x L for each replicate
#'
#' `grouped`: that of all observations minus that of the training set, at the
#' coefficients of the training set (van Houwelingen et al. 2006); otherwise that
#' of the fold by itself.
#' @param coefficients One matrix p x L for each fold of each replicate.
#' @noRd
cox_fold_deviances <- function(coefficients, setup, folds, grouped) {
  data <- survival_data(setup$problem)
  w <- setup$weights
  before <- cumsum(c(0L, apply(folds, 2L, max)))
  lapply(seq_len(ncol(folds)), function(r) {
    do.call(rbind, lapply(seq_len(max(folds[, r])), function(k) {
      eta <- training_eta(coefficients[[before[r] + k]], setup)
      inside <- folds[, r] == k
      total <- if (grouped) cox_deviance(eta, data, w) - cox_deviance(eta, data, w * !inside) else cox_deviance(eta, data, w * inside)
      total / sum(w[inside])
    }))
  })
}

#' What the functions of the partial likelihood need of a problem
#' @noRd
cox_data <- function(problem, w) risk_structure(survival_data(problem), w)

#' Coefficients of the fold tasks, p x size each
#' @noRd
fold_coefficients <- function(out, setup, size) {
  lapply(out$tasks[-1L], function(task) {
    engine_beta(task$beta[[1L]], length(setup$problem$v), list(NULL, NULL), setup$problem$chains)$beta[, seq_len(size), drop = FALSE]
  })
}

#' Linear predictors without intercept of all rows, n x L
#' @noRd
training_eta <- function(beta, setup) {
  (setup$problem$offset %||% 0) + support_product(setup$x, beta)
}

#' The response of a problem
#' @noRd
survival_data <- function(problem) problem[c("y", "entry", "status", "strata", "efron")]
