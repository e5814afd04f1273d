#' The lasso with a budget
#'
#' The constrained form of the lasso: the smallest loss that a given L1 norm can buy. Each budget t has a lambda whose solution spends
#' it; that lambda is found by fitting again between the lambdas of a path until the budget is met.
#'
#' @section Objective:
#' \deqn{\min_{\beta_0, \beta} \; F(\beta_0, \beta) \quad \mbox{subject to} \quad \sum_j v_j s_j |\beta_j| \le t}{
#'   minimize  F(b0, b)  subject to  sum_j v_j s_j |b_j| <= t}
#' (Tibshirani 1996, equation 1) with the weighted mean loss F, penalty factors \eqn{v_j} and standard deviations \eqn{s_j} (1 without
#' `standardize`) of [sparsepath()]; every family whose fits have one coefficient per variable.
#'
#' @section Certificate:
#' With \eqn{z = -\nabla F} in standardized units, \eqn{F(\beta) - \min F \le t \max_j |z_j|/v_j - z^T\beta} (Frank and Wolfe 1956;
#' Jaggi 2013, equation 2): the loss is proven to be within that of the best that any coefficients within the budget can reach. What the
#' intercept could still gain is added. `gap` is relative to the null model; `NA` for family objects, whose loss is not known to be convex.
#'
#' @param object A fit of [sparsepath()] with `alpha = 1` and without limits of the coefficients.
#' @param t Budgets, zero or positive. What the last lambda of the path spends is the most that can be asked for; beyond it the
#'   last solution is returned, with a warning.
#' @param x,y,weights,offset The data of the fit, which does not hold them.
#' @returns A list: `coef`, a `dgCMatrix` with one column for each budget (intercept first, if the family has one); `lambda`, at which
#'   these are the solutions; `norm`, what they spend; `gap`. `coef(fit, t = )` gives `coef` alone.
#' @section Errors:
#' `sparsepath_error_unavailable` for fits that are no lasso with one coefficient per variable and without limits (the message says why),
#' `sparsepath_error_data` for data that are not those of the fit, `sparsepath_error_range` for negative budgets.
#' @references
#' Tibshirani R (1996). Regression shrinkage and selection via the lasso. *Journal of the Royal Statistical Society B*, 58(1),
#' 267-288. \doi{10.1111/j.2517-6161.1996.tb02080.x}
#'
#' Jaggi M (2013). Revisiting Frank-Wolfe: projection-free sparse convex optimization. *Proceedings of the 30th International
#' Conference on Machine Learning*, PMLR 28, 427-435.
#' @seealso [lars_path()] for all budgets of a gaussian lasso at once.
#' @examples
#' fit <- sparsepath(as.matrix(swiss[, -1]), swiss$Fertility)
#' spent <- budget(fit, c(2, 8), as.matrix(swiss[, -1]), swiss$Fertility)
#' spent
#' @export
budget <- function(object, t, x, y, weights = NULL, offset = NULL) {
  call <- shown_call("budget")
  if (!inherits(object, "sparsepath")) {
    sp_abort("type", "`object` must be a fit of `sparsepath()`.", why = sprintf("It is %s.", describe(object)), call = call, arg = "object")
  }
  if (missing(t)) abort_missing("t", "Give one or more budgets.", call)
  spend(object, t, list(x = if (!missing(x)) x, y = if (!missing(y)) y, weights = weights, offset = offset), call)
}

#' @noRd
spend <- function(object, t, data, call) {
  refuse <- function(why) sp_abort("unavailable", "A budget needs a lasso with one coefficient per variable, without limits.", why = why, call = call, arg = "t")
  if (!is.null(object$penalty)) refuse(sprintf("The penalty is %s.", penalty_text(object$penalty)))
  if (object$alpha != 1) refuse(sprintf("The fit has `alpha = %s`.", show_number(object$alpha)))
  if (!is(object$beta, "dgCMatrix")) refuse("It has several coefficients per variable.")
  if (!is.null(object$settings$lower.limits) || !is.null(object$settings$upper.limits)) refuse("Coefficients have limits.")
  labels <- names(t)
  t <- check_numeric(t, "t", call, lower = 0)
  if (!length(t)) sp_abort("length", "`t` must have at least one value.", why = "It is empty.", call = call, arg = "t")
  labels <- labels %||% paste0("t=", vapply(t, format, "", digits = 4))
  first <- refit_at(object, object$lambda, data, call) # the whole path again: its data are checked on the way
  problem <- budget_problem(object, data, call)
  norms <- budget_norm(first$beta, problem)
  parts <- lapply(t, function(target) spend_one(object, target, first, norms, problem, data, call))
  pick <- function(field) vapply(parts, `[[`, 0, field)
  beta <- do.call(cbind, lapply(parts, `[[`, "beta"))
  a0 <- pick("a0")
  over <- which(t > norms[length(norms)] * (1 + 1e-8))
  if (length(over)) {
    sp_warn("s_outside", "`t` is more than the path spends; its last solution is returned.",
      why = sprintf("t = %s; at the last lambda, %s, the path spends %s.", paste(format(t[over], digits = 4), collapse = ", "),
        format(object$lambda[length(object$lambda)], digits = 4), format(norms[length(norms)], digits = 4)),
      how = "Fit with smaller lambdas.", call = call, value = t[over]
    )
  }
  dimnames(beta) <- list(rownames(object$beta), labels)
  list(coef = if (is.null(object$a0)) beta else bind_intercept(list(a0 = structure(a0, names = labels), beta = beta)),
    lambda = structure(pick("lambda"), names = labels), norm = structure(pick("norm"), names = labels),
    gap = structure(mapply(frank_wolfe_gap, parts, t, MoreArgs = list(problem = problem)), names = labels))
}

#' The problem in the units of the penalty
#' @noRd
budget_problem <- function(object, data, call) {
  setup <- setup_again(object, data, call)
  problem <- setup$problem
  w <- problem$weights[, 1L] / sum(problem$weights[, 1L])
  problem <- with_joint(problem, setup$traits, w)
  design <- column_moments(setup$x, w, problem, call)
  list(setup = setup, problem = problem, w = w, design = design,
    unit = ifelse(is.infinite(problem$v) | design$constant, 0, problem$v * design$scale))
}

#' @noRd
budget_norm <- function(beta, problem) colSums(as.matrix(abs(beta) * problem$unit))

#' @return list(a0, beta, lambda, norm) of one budget
#' @noRd
spend_one <- function(object, target, fit, norms, problem, data, call) {
  solution <- function(fit, l, norm) {
    list(a0 = if (is.null(fit$a0)) 0 else unname(fit$a0[l]), beta = fit$beta[, l, drop = FALSE], lambda = fit$lambda[l], norm = norm)
  }
  size <- length(norms)
  if (target >= norms[size]) return(solution(fit, size, norms[size]))
  if (norms[1L] > target) { # a grid of the user's that starts below
    side <- list(lambda = rep(fit$lambda[1L], 2L), miss = rep(norms[1L], 2L) - target)
    while (side$miss[1L] > 0) {
      side <- list(lambda = c(2 * side$lambda[1L], side$lambda[1L]), miss = rep(side$miss[1L], 2L))
      above <- refit_at(object, side$lambda[1L], data, call)
      side$miss[1L] <- budget_norm(above$beta, problem) - target
    }
    found <- solution(above, 1L, side$miss[1L] + target)
  } else {
    low <- which(norms >= target)[1L]
    if (low == 1L) return(solution(fit, 1L, norms[1L]))
    side <- list(lambda = fit$lambda[c(low - 1L, low)], miss = norms[c(low - 1L, low)] - target)
    found <- solution(fit, low, norms[low])
  }
  kept <- 0L
  for (round in seq_len(60L)) { # regula falsi, Illinois variant: exact where the norm is linear between the two
    if (abs(found$norm - target) <= 1e-11 * target) break
    miss <- side$miss * if (kept >= 2L) c(0.5, 1) else if (kept <= -2L) c(1, 0.5) else 1
    s <- side$lambda[1L] - miss[1L] * (side$lambda[2L] - side$lambda[1L]) / (miss[2L] - miss[1L])
    if (!(s < side$lambda[1L] && s > side$lambda[2L])) break
    again <- refit_at(object, s, data, call)
    l <- match(s, again$lambda)
    found <- solution(again, l, budget_norm(again$beta[, l, drop = FALSE], problem))
    above <- found$norm >= target
    at <- 1L + above
    side$lambda[at] <- s
    side$miss[at] <- found$norm - target
    kept <- if (above) max(kept, 0L) + 1L else min(kept, 0L) - 1L
  }
  found
}

#' Frank-Wolfe gap relative to the null model
#' @noRd
frank_wolfe_gap <- function(solution, t, problem) {
  setup <- problem$setup
  if (!has_gap(setup$traits)) return(NA_real_)
  p <- problem$problem
  w <- problem$w
  x <- setup$x
  eta <- (p$offset %||% 0) + solution$a0 + support_product(x, solution$beta)
  free <- matrix(p$v == 0 & !problem$design$constant, ncol(x), 1L)
  best <- profile_free(eta, p, w, x, free, setup$traits)
  z <- drop(scaled_crossprod(x, w * residual_of(best, p, w, setup$traits), problem$design))
  b <- as.matrix(solution$beta)[, 1L] * problem$design$scale
  paid <- problem$unit > 0
  profit <- total_loss(eta, p, w, setup$traits) - total_loss(best, p, w, setup$traits)
  gap <- t * max(abs(z[paid]) / p$v[paid]) - sum(z[paid] * b[paid]) + max(profit, 0)
  max(gap, 0) / null_objective(p, w, setup$traits)$value
}
