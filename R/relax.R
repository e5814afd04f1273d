# Relaxed fits: the active sets of a path, fitted again without penalty, and their
# blends with the path. The refits go through the same engine, at lambda = 0 on the
# columns of the set.

#' Relaxed fits
#'
#' With `relax = TRUE`, [sparsepath()] also fits the variables selected at each lambda
#' without penalty (the limits of the coefficients stay). Coefficients and predictions are
#' then available for any blend
#' \deqn{\beta(\gamma) = \gamma \, \beta_{path} + (1-\gamma) \, \beta_{relaxed}}{b(gamma) = gamma b(path) + (1 - gamma) b(relaxed)}
#' (Hastie, Tibshirani and Tibshirani 2020, equation 4; the idea is that of Meinshausen 2007): `gamma = 1` is the
#' path, `gamma = 0` the unpenalized fit of the selected variables.
#'
#' Each distinct set of variables is fitted once. With [pen_fused()] what is fitted without penalty is one coefficient for each stretch
#' of equal ones that are not zero (with several classes: equal in each of them), and `maxp` counts stretches. With several classes (`"multinomial"`) a variable belongs to the set if any class
#' has selected it, and the refit gives it a coefficient in each. Sets of more than `maxp` variables are not
#' fitted; at their lambdas, blends use the last relaxed fit of the path, as glmnet does. If
#' the selected variables separate the classes of a binomial model perfectly, the unpenalized
#' likelihood has no maximum; the refit then has large coefficients whose deviance is within
#' `thresh` of its infimum, zero, or nearly so, and then a warning says it.
#'
#' The component `relaxed` of the fit holds the unpenalized fits, an object like the path with the
#' lambdas whose sets were fitted, with a certificate for each.
#'
#' [cv.sparsepath()] with `relax = TRUE` refits within each fold, on what that fold's own path selected, and chooses lambda
#' and gamma together; see there.
#'
#' @param object,x A fit of [sparsepath()] with `relax = TRUE`.
#' @param newx,s,... As in [predict.sparsepath()], [coef.sparsepath()] and [plot.sparsepath()].
#' @param gamma Weight of the path in the blend, from 0 to 1, the default. With several values, `predict()` and
#'   `coef()` return a list with one element for each.
#' @param digits Significant digits of lambda.
#' @returns As for a path. `print()` has one more column, the deviance explained by the relaxed fit. In plots over
#'   the deviance, that of a blend is interpolated.
#' @references
#' Meinshausen N (2007). Relaxed lasso. *Computational Statistics and Data Analysis*,
#' 52(1), 374-393. \doi{10.1016/j.csda.2006.12.019}
#'
#' Hastie T, Tibshirani R, Tibshirani R (2020). Best subset, forward stepwise or lasso?
#' Analysis and recommendations based on extensive comparisons. *Statistical Science*,
#' 35(4), 579-592. \doi{10.1214/19-STS733}
#' @examples
#' fit <- sparsepath(mpg ~ ., mtcars, relax = TRUE)
#' print(fit)
#' coef(fit, s = 1, gamma = c(0, 0.5, 1))
#' predict(fit, mtcars[1:3, ], s = 1, gamma = 0)
#' @name relaxed
NULL

#' @rdname relaxed
#' @export
predict.sparsepath_relaxed <- function(object, newx, s = NULL, gamma = 1, ...) {
  gamma <- check_gamma(gamma, shown_call("predict"))
  if (any(gamma < 1)) object <- relaxed_at(object, s, "predict", ...)
  if (missing(newx)) {
    each_gamma(gamma, function(g) predict.sparsepath(blended(object, g), s = s, ...))
  } else {
    each_gamma(gamma, function(g) predict.sparsepath(blended(object, g), newx, s = s, ...))
  }
}

#' @rdname relaxed
#' @export
coef.sparsepath_relaxed <- function(object, s = NULL, gamma = 1, ...) {
  gamma <- check_gamma(gamma, shown_call("coef"))
  if (any(gamma < 1)) object <- relaxed_at(object, s, "coef", ...)
  each_gamma(gamma, function(g) coef.sparsepath(blended(object, g), s = s, ...))
}

#' @rdname relaxed
#' @export
fitted.sparsepath_relaxed <- function(object, ..., gamma = 1) {
  gamma <- check_gamma(gamma, shown_call("fitted"))
  each_gamma(gamma, function(g) fitted.sparsepath(blended(object, g), ...))
}

#' @rdname relaxed
#' @export
residuals.sparsepath_relaxed <- function(object, ..., gamma = 1) {
  gamma <- check_gamma(gamma, shown_call("residuals"))
  each_gamma(gamma, function(g) residuals.sparsepath(blended(object, g), ...))
}

#' @rdname relaxed
#' @export
plot.sparsepath_relaxed <- function(x, gamma = 1, ...) {
  gamma <- check_gamma(gamma, shown_call("plot"))
  for (g in gamma) plot.sparsepath(blended(x, g), ...)
  invisible()
}

#' @rdname relaxed
#' @method print sparsepath_relaxed
#' @export
print.sparsepath_relaxed <- function(x, digits = max(3, getOption("digits") - 3), ...) {
  cat("\nCall: ", call_text(x$call), "\n\n")
  relaxed <- x$relaxed$dev.ratio[match(x$lambda, x$relaxed$lambda)]
  table <- data.frame(
    Df = x$df, `%Dev` = round(x$dev.ratio * 100, 2), `%Dev R` = round(relaxed * 100, 2), Lambda = signif(x$lambda, digits),
    check.names = FALSE, row.names = seq_along(x$df)
  )
  print(table)
  lines <- c(certificate_line(x), paste("relaxed:", certificate_line(x$relaxed)), end_line(x), na_line(x))
  cat("\n", paste0(lines, "\n"), sep = "")
  invisible(table)
}

#' @noRd
check_gamma <- function(gamma, call, arg = "gamma") {
  gamma <- check_numeric(gamma, arg, call, lower = 0, upper = 1)
  if (!length(gamma)) sp_abort("length", sprintf("`%s` must have at least one value.", arg), why = "It is empty.", call = call, arg = arg)
  gamma
}

#' @noRd
check_maxp <- function(maxp, call) {
  if (is.null(maxp)) return(NULL)
  check_scalar(maxp, "maxp", call, lower = 0, infinite = TRUE, integer = TRUE)
}

#' @noRd
each_gamma <- function(gamma, f) {
  if (length(gamma) == 1L) return(f(gamma))
  structure(lapply(gamma, f), names = format(gamma))
}

# ---- blends -------------------------------------------------------------------------

#' The path with coefficients blended, without its relaxed part
#' @noRd
blended <- function(object, gamma) {
  relaxed <- object$relaxed
  object$relaxed <- NULL
  class(object) <- setdiff(class(object), "sparsepath_relaxed")
  if (gamma == 1) return(object)
  chains <- if (is_fused(object$penalty)) chains_of(object)
  at <- nearest_relaxed(match(object$lambda, relaxed$lambda), length(relaxed$lambda))
  object$dev.ratio <- gamma * object$dev.ratio + (1 - gamma) * relaxed$dev.ratio[at]
  if (is_several(object)) {
    object$beta <- Map(function(path, own) blend(path, own[, at, drop = FALSE], gamma), object$beta, relaxed$beta)
    object$a0 <- structure(gamma * object$a0 + (1 - gamma) * relaxed$a0[, at, drop = FALSE], dimnames = dimnames(object$a0))
    object$df <- count_selected(object$beta, chains)
    object$dfmat[] <- count_each(object$beta, chains)
    return(object)
  }
  object$beta <- blend(object$beta, relaxed$beta[, at, drop = FALSE], gamma)
  if (!is.null(object$a0)) object$a0 <- structure(gamma * object$a0 + (1 - gamma) * relaxed$a0[at], names = names(object$a0))
  if (!is.null(object$baseline)) object["baseline"] <- list(if (gamma == 0) baseline_columns(relaxed$baseline, at)) # of blends: not kept
  object$df <- count_selected(object$beta, chains)
  object
}

#' Variables that any predictor uses, or stretches of equal coefficients
#' @noRd
count_selected <- function(beta, chains) if (is.null(chains)) lengths(active_columns(beta)) else count_stretches(beta, chains)$all

#' The same for each predictor, K x L
#' @noRd
count_each <- function(beta, chains) {
  if (is.null(chains)) do.call(rbind, lapply(beta, function(b) diff(b@p))) else count_stretches(beta, chains)$each
}

#' With `exact = TRUE`: path and relaxed fits computed again, with s among the lambdas
#' @noRd
relaxed_at <- function(object, s, name, exact = FALSE, x = NULL, y = NULL, weights = NULL, offset = NULL, ...) {
  if (!isTRUE(exact) || is.null(s)) return(object)
  call <- shown_call(name)
  s <- check_s(s, call)
  if (all(s %in% object$lambda)) return(object)
  refit_at(object, s, list(x = x, y = y, weights = weights, offset = offset), call, relaxed = TRUE)
}

#' Where a set was not fitted, the last one that was
#' @noRd
nearest_relaxed <- function(at, last) {
  at[is.na(at)] <- last
  at
}

#' @noRd
blend <- function(path, relaxed, gamma) {
  out <- if (gamma == 0) relaxed else path * gamma + relaxed * (1 - gamma)
  out <- Matrix::drop0(as(out, "CsparseMatrix"))
  dimnames(out) <- dimnames(path)
  out
}

# ---- refits -----------------------------------------------------------------------------

#' Fit every active set of a path without penalty
#'
#' With several predictors a set has the columns that any of them uses, and all predictors get them.
#'
#' @param beta Coefficients of the path, p x L, or a list of such; `a0` its intercepts.
#' @param weights Of the rows; those a fold does not see have weight zero.
#' @return list(at: which lambdas have a refit; a0, beta, dev.ratio, gap, kkt, status for those; npasses, passes)
#' @noRd
relax_sets <- function(beta, a0, dev.ratio, setup, weights, maxp) {
  maxp <- maxp %||% (sum(weights > 0) - 3)
  fused <- if (!is.null(setup$problem$chains)) nonzero_stretches(beta, setup$problem$chains)
  all_sets <- if (is.null(fused)) active_columns(beta) else lapply(fused, `[[`, "columns")
  size <- lengths(all_sets)
  key <- vapply(if (is.null(fused)) all_sets else lapply(fused, unlist), paste, "", collapse = " ")
  count <- if (is.null(fused)) size else vapply(fused, function(s) max(0L, s$piece), 1L)
  several <- is.list(beta)
  at <- which(count <= maxp)
  if (!length(at)) {
    sp_abort("range", "There is nothing to relax.",
      why = sprintf("All solutions have more than %s %s (`maxp`).", format(maxp), if (is.null(fused)) "nonzero coefficients" else "stretches of nonzero coefficients"), call = setup$call, arg = "maxp"
    )
  }
  first <- at[!duplicated(key[at])]
  refits <- lapply(first, function(l) {
    set <- all_sets[[l]]
    if (!length(set)) return(list(a0 = if (several) a0[, l] else a0[l], x = matrix(0, 0L, max(1L, length(a0) %/% length(size))), dev.ratio = dev.ratio[l], gap = if (setup$traits$name == "glm") NA_real_ else 0, kkt = 0, status = 0L, npasses = 0L, passes = 0))
    refit(set, setup, weights, fused[[l]])
  })
  of <- match(key[at], key[first])
  field <- function(name, type) vapply(refits, function(r) r[[name]], type)
  relaxed <- list(at = at)
  of_predictor <- function(k, like) {
    b <- engine_matrix(
      list(i = as.integer(unlist(all_sets[at], use.names = FALSE)) - 1L, p = as.integer(cumsum(c(0L, size[at]))),
        x = as.double(unlist(lapply(of, function(r) refits[[r]]$x[, k]), use.names = FALSE))),
      c(nrow(like), length(at)), list(rownames(like), colnames(like)[at])
    )
    if (any(b@x == 0)) Matrix::drop0(b) else b # at a limit of zero
  }
  if (several) {
    relaxed$a0 <- matrix(vapply(refits, function(r) r$a0, double(length(beta))), length(beta))[, of, drop = FALSE]
    relaxed$beta <- structure(Map(of_predictor, seq_along(beta), beta), names = names(beta))
  } else {
    relaxed$a0 <- unname(field("a0", 0)[of])
    relaxed$beta <- of_predictor(1L, beta)
  }
  for (name in c("dev.ratio", "gap", "kkt")) relaxed[[name]] <- unname(field(name, 0)[of])
  relaxed$status <- field("status", 0L)[of]
  relaxed$npasses <- sum(vapply(refits, function(r) as.double(r$npasses), 0))
  relaxed$passes <- sum(vapply(refits, function(r) as.double(r$passes), 0))
  relaxed
}

#' One set without penalty: the engine at lambda = 0 on its columns
#' @noRd
refit <- function(set, setup, weights, stretches = NULL) {
  problem <- setup$problem
  if (!is.null(stretches)) {
    problem <- one_for_each(problem, stretches)
    setup$x <- summed_columns(setup$x, stretches)
    set <- seq_len(ncol(setup$x))
  }
  setup[c("penalty", "fold_factors")] <- list(NULL)
  size <- length(set)
  problem[c("alpha", "lambda", "nlambda", "early.stop", "keep", "dfmax", "pmax")] <- list(1, 0, 1L, FALSE, TRUE, size + 1L, size)
  problem[c("heldout", "groups")] <- list(NULL)
  problem$weights <- matrix(weights, length(weights), 1L)
  problem$v <- rep(1, size)
  problem$v.own <- FALSE
  if (!is.null(problem$lower)) {
    problem$lower <- problem$lower[set]
    problem$upper <- problem$upper[set]
  }
  setup$problem <- problem
  setup$x <- setup$x[, set, drop = FALSE]
  out <- run_engine(setup, quiet = TRUE)
  task <- out$tasks[[1L]]
  x <- matrix(0, size, length(task$beta))
  for (k in seq_along(task$beta)) x[task$beta[[k]]$i + 1L, k] <- task$beta[[k]]$x
  if (!is.null(stretches)) x <- x[stretches$piece, , drop = FALSE]
  list(a0 = unname(task$a0), x = x, dev.ratio = task$dev.ratio, gap = task$gap, kkt = task$kkt, status = task$status,
    npasses = task$npasses, passes = out$passes)
}

#' Give a path its relaxed part
#' @noRd
add_relaxed <- function(fit, setup, maxp, call) {
  sets <- relax_sets(fit$beta, fit$a0 %||% double(length(fit$lambda)), fit$dev.ratio, setup, setup$problem$weights[, 1L], maxp)
  relaxed <- fit
  at <- sets$at
  relaxed$beta <- sets$beta
  if (is_several(fit)) {
    relaxed$a0 <- structure(sets$a0, dimnames = list(names(fit$beta), colnames(fit$a0)[at]))
    relaxed$dfmat <- structure(count_each(sets$beta, setup$problem$chains), dimnames = dimnames(relaxed$a0))
  } else if (!is.null(fit$a0)) {
    relaxed$a0 <- structure(sets$a0, names = names(fit$a0)[at])
  }
  relaxed$df <- count_selected(sets$beta, setup$problem$chains)
  relaxed$dim <- c(fit$dim[1L], length(at))
  relaxed$lambda <- fit$lambda[at]
  if (!is.null(fit$baseline)) relaxed$baseline <- path_baseline(relaxed, setup)
  for (name in c("dev.ratio", "gap", "kkt", "status", "npasses", "passes")) relaxed[[name]] <- sets[[name]]
  relaxed$likelihood <- likelihood_constants(setup, relaxed)
  fit$relaxed <- relaxed
  fit$settings["maxp"] <- list(maxp)
  class(fit) <- c("sparsepath_relaxed", class(fit))
  missed <- which(relaxed$status != 0L)
  if (length(missed)) {
    sp_warn("uncertified", sprintf("%d of %d relaxed fits missed the promised accuracy.", length(missed), length(relaxed$lambda)),
      why = worst_certificate(relaxed$gap[missed], relaxed$kkt[missed], fit$control$thresh),
      how = "`fit$relaxed$gap` and `fit$relaxed$status` have the details.", call = call, lambda = relaxed$lambda[missed]
    )
  }
  fit
}

# ---- cross-validation ----------------------------------------------------------------------

#' Held-out predictions of the relaxed fits of all folds, n x L x R
#' @return list(eta, beta, gap, kkt, status): the last three for each fold; `beta` without relaxed fits has the last one
#' @noRd
heldout_relaxed <- function(out, fit, setup, tasks, maxp) {
  heldout <- tasks$heldout
  size <- length(fit$lambda)
  K <- setup$problem$predictors
  eta <- array(NA_real_, c(nrow(heldout), if (K > 1L) K, size, ncol(heldout)))
  folds <- ncol(tasks$weights) - 1L
  gap <- kkt <- double(folds)
  coefficients <- vector("list", folds)
  status <- integer(folds)
  offset <- setup$problem$offset %||% 0
  for (b_task in seq_len(folds) + 1L) {
    task <- out$tasks[[b_task]]
    b <- engine_coefficients(task, K, NROW(setup$problem$v), NULL, NULL, NULL, setup$problem$chains)
    cut <- function(beta) beta[, seq_len(size), drop = FALSE]
    sets <- relax_sets(if (K > 1L) lapply(b$beta, cut) else cut(b$beta), if (K > 1L) cut(b$a0) else b$a0[seq_len(size)], task$dev.ratio[seq_len(size)], setup, tasks$weights[, b_task], maxp)
    at <- nearest_relaxed(match(seq_len(size), sets$at), length(sets$at))
    r <- which(colSums(heldout == b_task) > 0)
    rows <- which(heldout[, r] == b_task)
    if (K > 1L) {
      used <- sort(unique(unlist(lapply(sets$beta, function(m) m@i)))) + 1L
      own <- several_predictors(sets, setup$x[rows, used, drop = FALSE], used, length(rows))
      eta[rows, , , r] <- (own + if (length(offset) > 1L) as.vector(offset[rows, ]) else 0)[, , at]
    } else {
      own <- rep(sets$a0, each = length(rows)) + support_product(setup$x[rows, , drop = FALSE], sets$beta)
      eta[rows, , r] <- (own + if (length(offset) > 1L) offset[rows] else 0)[, at]
      coefficients[[b_task - 1L]] <- sets$beta[, at, drop = FALSE]
    }
    gap[b_task - 1L] <- max(sets$gap)
    kkt[b_task - 1L] <- max(sets$kkt)
    status[b_task - 1L] <- max(sets$status)
  }
  list(eta = eta, beta = coefficients, gap = gap, kkt = kkt, status = status)
}

#' Curves of all gammas, and the choice of lambda and gamma together
#'
#' @param eta Held-out predictions of the path, n x L x R; `held` those of the relaxed fits.
#' @param coefficients Of the folds' paths, where the measure is computed from coefficients.
#' @noRd
add_cv_relaxed <- function(cv, eta, held, gamma, folds, setup, rule, keep, call, coefficients = NULL) {
  gamma <- sort(unique(gamma))
  fit <- cv$fit
  blends <- lapply(gamma, function(g) if (g == 1) eta else if (g == 0) held$eta else g * eta + (1 - g) * held$eta)
  stats <- lapply(seq_along(gamma), function(k) {
    scores <- if (!is.null(coefficients)) {
      cox_fold_deviances(Map(function(path, relaxed) blend(path, relaxed, gamma[k]), coefficients, held$beta), setup, folds, rule$grouped)
    }
    curve <- cv_curve(blends[[k]], folds, setup$response, setup$weights, setup$traits, rule$measure, rule$grouped, scores)
    curve_fields(curve, fit)
  })
  names(stats) <- paste0("g:", gamma)
  cv$relaxed <- c(list(statlist = stats, gamma = gamma), choose_lambda_gamma(stats, gamma, rule$measure))
  if (!is.null(fit$baseline)) cv$relaxed$baseline <- chosen_baselines(fit, cv$relaxed, setup)
  cv$relaxed$fold.gap <- held$gap
  cv$relaxed$fold.kkt <- held$kkt
  cv$relaxed$fold.status <- held$status
  if (keep) {
    cv$relaxed$fit.preval <- lapply(blends, function(e) if (ncol(folds) == 1L) array(e, dim(cv$fit.preval), dimnames(cv$fit.preval)) else e)
    names(cv$relaxed$fit.preval) <- names(stats)
  }
  if (any(held$status != 0L)) {
    sp_warn("uncertified", sprintf("%d of %d folds have relaxed fits that missed the promised accuracy.", sum(held$status != 0L), length(held$status)),
      why = worst_certificate(held$gap, held$kkt, fit$control$thresh),
      how = "`relaxed$fold.gap` and `relaxed$fold.status` have the details.", call = call
    )
  }
  class(cv) <- c("cv.sparsepath_relaxed", class(cv))
  cv
}

#' Among the best, and among those within one standard error: the largest lambda, then the largest gamma
#' @noRd
choose_lambda_gamma <- function(stats, gamma, measure) {
  each <- lapply(stats, `[[`, "lambda")
  lambda <- unlist(each, use.names = FALSE)
  which_gamma <- rep(seq_along(gamma), lengths(each))
  which_lambda <- unlist(lapply(each, seq_along), use.names = FALSE)
  loss <- unlist(lapply(stats, `[[`, "cvm"), use.names = FALSE) * if (measure %in% c("auc", "C")) -1 else 1
  se <- unlist(lapply(stats, `[[`, "cvsd"), use.names = FALSE)
  nzero <- unlist(lapply(stats, `[[`, "nzero"), use.names = FALSE)
  largest <- function(among) among[order(-lambda[among], -which_gamma[among])[1L]]
  best <- largest(which(loss <= min(loss, na.rm = TRUE)))
  within <- largest(which(loss <= (loss + se)[best]))
  if (is.na(within)) within <- best
  pair <- c(best, within)
  list(
    lambda.min = lambda[best], lambda.1se = lambda[within], gamma.min = gamma[which_gamma[best]], gamma.1se = gamma[which_gamma[within]],
    nzero.min = nzero[best], nzero.1se = nzero[within],
    index = matrix(c(which_lambda[pair], which_gamma[pair]), 2L, dimnames = list(c("min", "1se"), c("Lambda", "Gamma")))
  )
}

#' Methods for a relaxed cross-validation
#'
#' As [predict.cv.sparsepath()] and the others, at the lambda and gamma that [cv.sparsepath()] with `relax = TRUE` chose together.
#'
#' @param object,x A fit of [cv.sparsepath()] with `relax = TRUE`.
#' @param newx New data.
#' @param s `"lambda.1se"` (the default), `"lambda.min"`, or numbers.
#' @param gamma `"gamma.1se"`, `"gamma.min"`, or numbers. By default the one chosen
#'   with `s`, and `"gamma.1se"` if `s` is numeric.
#' @param digits Significant digits.
#' @param sign.lambda `-1` for -log(lambda), `1` for log(lambda).
#' @param col,xlab,ylab,main,ylim Colours (one for each gamma), titles and limits.
#' @param ... Further arguments of the methods of the path.
#' @returns As the methods of [cv.sparsepath()]; `print()` the table with the two choices, invisibly.
#' @examples
#' set.seed(1)
#' cv <- cv.sparsepath(mpg ~ ., mtcars, relax = TRUE, nfolds = 5)
#' cv
#' coef(cv, s = "lambda.min")
#' plot(cv)
#' @export
predict.cv.sparsepath_relaxed <- function(object, newx, s = c("lambda.1se", "lambda.min"), gamma = NULL, ...) {
  at <- chosen_pair(object, s, gamma, shown_call("predict"))
  if (missing(newx)) predict(object$fit, s = at$s, gamma = at$gamma, ...) else predict(object$fit, newx, s = at$s, gamma = at$gamma, ...)
}

#' @rdname predict.cv.sparsepath_relaxed
#' @export
coef.cv.sparsepath_relaxed <- function(object, s = c("lambda.1se", "lambda.min"), gamma = NULL, ...) {
  at <- chosen_pair(object, s, gamma, shown_call("coef"))
  coef(object$fit, s = at$s, gamma = at$gamma, ...)
}

#' @rdname predict.cv.sparsepath_relaxed
#' @export
fitted.cv.sparsepath_relaxed <- function(object, newx, s = c("lambda.1se", "lambda.min"), gamma = NULL, ...) {
  at <- chosen_pair(object, s, gamma, shown_call("fitted"))
  fitted(object$fit, newx, s = at$s, gamma = at$gamma, ...)
}

#' @rdname predict.cv.sparsepath_relaxed
#' @export
residuals.cv.sparsepath_relaxed <- function(object, newx, ..., s = c("lambda.1se", "lambda.min"), gamma = NULL) {
  at <- chosen_pair(object, s, gamma, shown_call("residuals"))
  residuals(object$fit, newx, ..., s = at$s, gamma = at$gamma)
}

#' @noRd
chosen_pair <- function(object, s, gamma, call) {
  relaxed <- object$relaxed
  if (!is.numeric(s)) {
    s <- check_choice(s, c("lambda.1se", "lambda.min"), "s", call)
    gamma <- gamma %||% sub("lambda", "gamma", s)
    s <- structure(relaxed[[s]], names = s)
  }
  gamma <- gamma %||% "gamma.1se"
  if (is.character(gamma)) gamma <- relaxed[[check_choice(gamma, c("gamma.1se", "gamma.min"), "gamma", call)]]
  list(s = s, gamma = check_gamma(gamma, call))
}

#' @rdname predict.cv.sparsepath_relaxed
#' @method print cv.sparsepath_relaxed
#' @export
print.cv.sparsepath_relaxed <- function(x, digits = max(3, getOption("digits") - 3), ...) {
  cat("\nCall: ", call_text(x$call), "\n\n")
  cat("Measure:", x$name, "\n\n")
  at <- x$relaxed$index
  pick <- function(field) unname(mapply(function(g, l) x$relaxed$statlist[[g]][[field]][l], at[, "Gamma"], at[, "Lambda"]))
  table <- data.frame(
    Gamma = x$relaxed$gamma[at[, "Gamma"]], Index = at[, "Gamma"], Lambda = pick("lambda"), Index = at[, "Lambda"], Measure = pick("cvm"),
    SE = pick("cvsd"), Nonzero = pick("nzero"), row.names = c("min", "1se"), check.names = FALSE
  )
  print(table, digits = digits)
  cat("\n", paste0(c(cv_certificate_line(x), end_line(x$fit), na_line(x$fit)), "\n"), sep = "")
  invisible(table)
}

#' @rdname predict.cv.sparsepath_relaxed
#' @method plot cv.sparsepath_relaxed
#' @export
plot.cv.sparsepath_relaxed <- function(x, sign.lambda = -1, col = NULL, xlab = NULL, ylab = NULL, main = "", ylim = NULL, ...) {
  sign.lambda <- sign(check_scalar(sign.lambda, "sign.lambda", shown_call("plot")))
  stats <- x$relaxed$statlist
  gamma <- x$relaxed$gamma
  if (is.null(col)) col <- grDevices::hcl.colors(length(gamma), "Viridis")
  col <- rep_len(col, length(gamma))
  at <- lapply(stats, function(s) sign.lambda * log(s$lambda))
  cvm <- lapply(stats, `[[`, "cvm")
  finite <- function(v) range(v[is.finite(v)])
  graphics::plot(finite(unlist(at)), finite(unlist(cvm)), type = "n", xlab = xlab %||% (if (sign.lambda < 0) expression(-log(lambda)) else expression(log(lambda))),
    ylab = ylab %||% unname(x$name), ylim = ylim %||% finite(unlist(cvm)), las = 1, bty = "l", main = "", ...)
  for (g in seq_along(gamma)) graphics::lines(at[[g]], cvm[[g]], col = col[g], lwd = 1.5)
  chosen <- c(x$relaxed$lambda.min, x$relaxed$lambda.1se)
  graphics::abline(v = sign.lambda * log(chosen[chosen > 0]), lty = 2, col = "grey30")
  graphics::legend("topright", legend = format(gamma), col = col, lwd = 1.5, title = expression(gamma), bty = "n", cex = 0.8)
  graphics::mtext(sprintf("min: gamma = %s;  1se: gamma = %s", format(x$relaxed$gamma.min), format(x$relaxed$gamma.1se)), side = 3, line = 0.3, cex = 0.8)
  if (nzchar(main)) graphics::title(main = main, line = 2.6)
  invisible()
}
