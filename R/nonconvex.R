# MCP and SCAD: constructors, validator, and what depends on the training rows of a task.

#' Non-convex penalties: MCP and SCAD
#'
#' The minimax concave penalty and the smoothly clipped absolute deviation select
#' variables like the lasso, but shrink large coefficients less or not at all. Give the result as `penalty` to
#' [sparsepath()] or [cv.sparsepath()].
#'
#' @section Objective:
#' With weights, columns, penalty factors and offsets as in [sparsepath()],
#' \deqn{\sum_i w_i\,\ell(y_i, \beta_0 + o_i + x_i^T\beta) + \sum_j \left[ \frac{1}{h} \, p_{\alpha\lambda v_j,\gamma}(h |\beta_j|) +
#'   \lambda v_j \frac{1-\alpha}{2} \frac{\beta_j^2}{s_y} \right]}{
#'   sum_i w_i loss(y_i, b0 + o_i + x_i'b)  +  sum_j [ p(h |b_j|; alpha lambda v_j, gamma) / h  +  lambda v_j (1 - alpha)/2 b_j^2 / s_y ]}
#' is made stationary, where p is given by its slope (Zhang 2010, eq. 2.1; Fan and Li 2001, eq. 2.7)
#' \describe{
#'   \item{MCP}{\eqn{p'(x) = \lambda - x/\gamma} for \eqn{x \le \gamma\lambda}{x <= gamma lambda}, then 0;}
#'   \item{SCAD}{\eqn{p'(x) = \lambda} for \eqn{x \le \lambda}{x <= lambda}, \eqn{(\gamma\lambda - x)/(\gamma - 1)} for
#'     \eqn{x \le \gamma\lambda}{x <= gamma lambda}, then 0.}
#' }
#' The coefficients are those of standardized columns (with `standardize`). `alpha` mixes with a ridge part as in
#' ncvreg; only here is it divided by \eqn{s_y} for `"gaussian"`, as in [sparsepath()], so that the
#' path does not depend on the units of `y`.
#'
#' *The curvature h.* What a concave penalty does depends on its curvature, -1/gamma or -1/(gamma - 1), beside
#' that of the loss. Least squares has curvature 1 in a standardized variable, logistic loss at most 1/4: with a plain gamma of 3 it would
#' not be convex even in one variable. gamma is therefore measured in units of the curvature of
#' the loss at the null model, h: 1 for `"gaussian"`; the mean of mu (1 - mu) for
#' `"binomial"`, of mu for `"poisson"`, with mu the fitted means of the null model; the weighted fraction of events for `"cox"`; 1 for
#' `"mgaussian"`; the mean of mu (1 - mu) over the classes too for `"multinomial"`; the mean expected curvature for a family object. The penalty's concavity is
#' then at most h / gamma in every family, and gamma = 3 begins a path in the same way in all of them. With `curvature` you fix h
#' yourself; `curvature = 1` gives the textbook penalty. In cross-validation each fold has the h of its
#' own training rows. For least squares all this is ncvreg's objective. For other families ncvreg has no
#' objective: it rescales the penalty by the curvature of the *present* iterate, \eqn{p'(v_j|\beta_j|)}{p'(v_j |b_j|)}; here h
#' is fixed, and what is reported is a stationary point of the function above. The two agree
#' where coefficients are small and differ where they are large.
#'
#' @section What is certified:
#' The objective is not convex, and no method promises its global minimum. For every lambda a fit reports
#' \describe{
#'   \item{`kkt`}{the violation of stationarity in units of lambda, over *all* columns; at most 1e-6, or the solution is marked}
#'   \item{`gap`}{the duality gap of the local linear approximation (Zou and Li 2008): the lasso with the weights
#'     \eqn{p'(|\hat\beta_j|)}{p'(|b_j|)}. A gap of 0 proves that the coefficients solve that lasso, hence that they are
#'     stationary. It is a *local* certificate and says nothing of other minima}
#'   \item{`local`}{2: the objective is convex over the selected variables, whatever the
#'     size of their coefficients (at the curvature of the loss at the solution); 1: it curves upwards in all directions of the
#'     selected variables, so this is a strict local minimum among them; 0: neither could be shown}
#' }
#' `convex.min` is the position of the first lambda at which `local` falls below 2, `NA` if it never does (the idea of Breheny and Huang 2011). Up to there
#' paths of different programs usually agree. They need not: variables that are not selected can make another local solution, and with
#' strongly correlated columns they do. Beyond, several local solutions may exist within the selected variables, too. Which one is found
#' depends on the way there: on the lambdas before it, for instance. `print()` and `plot()` show it.
#'
#' Solutions start from the one at the lambda before. Newton's method on the pieces
#' of the penalty is tried first. Where the curvature is not positive coordinate descent follows for least squares, then the local linear
#' approximation, each solution of which lowers the objective (Zou and Li 2008, Theorem 1); for other losses each such step takes the
#' penalty's tangent, the same bound from above.
#'
#' When the selected variables of a logistic, Poisson or Cox model separate responses, wholly or in part, a coefficient that the penalty has let go
#' of has no finite end: the objective falls for ever, ever more slowly. Such a point is reported once it is stationary within the
#' tolerance above, with large coefficients; `local` is 0 there. An automatic grid ends as for the lasso, or before the first lambda without a
#' certified stationary point (`end` is `"stalled"`).
#'
#' In [cv.sparsepath()] the folds reach saturation before the full data. The error curve ends before the
#' first lambda at which a fold has no certified stationary point.
#'
#' @param gamma Concavity, larger than 1 (MCP) or 2 (SCAD): the smaller, the sooner a coefficient is left
#'   unshrunk, and the less convex the problem. `Inf` gives the lasso. The defaults are those of ncvreg; 3.7 is the recommendation of
#'   Fan and Li (2001).
#' @param curvature The unit h of concavity, positive; `NULL`, the default, takes it from the null model, see above.
#' @returns An object of class `"sparsepath_penalty"` for the argument `penalty` of [sparsepath()]. `alpha` must be positive.
#'
#'   With several linear predictors the penalty is on the coefficients of a variable for all responses or classes together, on
#'   their norm, where the lasso is so too (`"mgaussian"`, `type.multinomial = "grouped"`), else on each coefficient.
#' @references
#' Fan J, Li R (2001). Variable selection via nonconcave penalized likelihood and its oracle properties.
#' *Journal of the American Statistical Association*, 96(456), 1348-1360. \doi{10.1198/016214501753382273}
#'
#' Zhang CH (2010). Nearly unbiased variable selection under minimax concave penalty. *Annals of Statistics*, 38(2),
#' 894-942. \doi{10.1214/09-AOS729}
#'
#' Breheny P, Huang J (2011). Coordinate descent algorithms for nonconvex penalized regression, with applications to
#' biological feature selection. *Annals of Applied Statistics*, 5(1), 232-253. \doi{10.1214/10-AOAS388}
#'
#' Zou H, Li R (2008). One-step sparse estimates in nonconcave penalized likelihood models. *Annals of Statistics*,
#' 36(4), 1509-1533. \doi{10.1214/009053607000000802}
#' @seealso [pen_group_mcp()] for groups, [pen_adaptive()], [sparsepath()].
#' @examples
#' x <- log2(colon$x)
#' fit <- sparsepath(x, as.numeric(colon$y == levels(colon$y)[2]), penalty = pen_mcp())
#' fit$convex.min
#' plot(fit)
#' fit <- sparsepath(x, colon$y, family = "binomial", penalty = pen_scad(), lambda.min.ratio = 0.2)
#' max(fit$kkt)
#' @name nonconvex
#' @export
pen_mcp <- function(gamma = 3, curvature = NULL) nonconvex_penalty("mcp", gamma, 1, curvature, sys.call())

#' @rdname nonconvex
#' @export
pen_scad <- function(gamma = 3.7, curvature = NULL) nonconvex_penalty("scad", gamma, 2, curvature, sys.call())

#' Non-convex penalties of groups: group MCP and group SCAD
#'
#' Variables that belong together enter and leave the model together, as with [pen_group()], and groups with large
#' coefficients are shrunk less or not at all, as with [pen_mcp()] and [pen_scad()]. Give the result as `penalty` to [sparsepath()] or
#' [cv.sparsepath()].
#'
#' @section Objective:
#' With weights, columns and offsets as in [sparsepath()], groups g of columns with weights \eqn{v_g},
#' \deqn{\sum_i w_i\,\ell(y_i, \beta_0 + o_i + x_i^T\beta) + \sum_g \left[ \frac{1}{h} \, p_{\alpha\lambda v_g,\gamma}(h \|\beta_g\|_2) +
#'   \lambda v_g \frac{1-\alpha}{2} \frac{\|\beta_g\|_2^2}{s_y} \right]}{
#'   sum_i w_i loss(y_i, b0 + o_i + x_i'b)  +  sum_g [ p(h |b_g|_2; alpha lambda v_g, gamma) / h  +  lambda v_g (1 - alpha)/2 |b_g|_2^2 / s_y ]}
#' is made stationary: the function p of [pen_mcp()] or [pen_scad()] with the norm of a group in place of one coefficient (Huang, Breheny
#' and Ma 2012, section 2.2; Breheny and Huang 2015). h, the unit of concavity, is explained in [pen_mcp()]. With gamma = `Inf`
#' this is [pen_group()], with groups of one column it is [pen_mcp()] or [pen_scad()].
#'
#' *Scaling.* The norm is that of the coefficients of standardized columns, which are not made orthonormal within a group. grpreg makes
#' them orthonormal first, so that its norm is that of a group's fitted values, \eqn{\|X_g\beta_g\|_2/\sqrt{n}}{|X_g b_g|_2 / sqrt(n)}. For
#' least squares on columns that are orthonormal within groups (\eqn{X_g^TX_g/n = I}{X_g'X_g / n = I}, as from [qr()] or [svd()]) the two
#' problems are the same, with lambda, `gamma` and the default weights the same too. Where the columns of a group are correlated a penalty
#' with a given gamma is less convex here: the least eigenvalue of \eqn{X_g^TX_g/n}{X_g'X_g / n}, not 1, has to make up for its concavity.
#'
#' With several linear predictors (`"mgaussian"`, `type.multinomial = "grouped"`) a group's norm is over all predictors; with
#' `type.multinomial = "ungrouped"` each class has its own norms. There `pen_mcp()` and `pen_scad()` act on the norms of the rows of the
#' matrix of coefficients, or on single coefficients, in the same way.
#'
#' @section What is certified:
#' As for [pen_mcp()]: stationarity over all groups (`kkt`, at most 1e-6), the duality gap of the local linear approximation, here the
#' group lasso with the weights \eqn{p'(\|\hat\beta_g\|)}{p'(|b_g|)} (`gap`), and `local` with `convex.min`. `local` is 2 where the objective is convex over the selected
#' groups whatever their coefficients: no eigenvalue of the Hessian of the loss is below the largest concavity. With
#' `type.multinomial = "grouped"` it is so up to a shift of a variable's coefficients in all classes, which a flat penalty does not see.
#'
#' The engine of the group lasso does it, with the slope and the curvature of the penalty at the norm of each group: sweeps, each of which
#' takes a group to its own minimum, and Newton's method on norms and directions where its matrix is positive definite. The local linear
#' approximation (Zou and Li 2008) is solved where neither arrives. Each of them lowers the objective.
#'
#' @param group The group of each column: a vector or factor with one value for each column of `x`; equal values make a group. With a
#'   formula also `"terms"`, see [pen_group()].
#' @param weights One weight for each group, zero or positive, 0 for no penalty, in the order of `sort(unique(group))` or named by group.
#'   The default `NULL` is the square root of the number of columns, by which large groups are not selected for their size.
#' @param gamma Concavity, larger than 1 (MCP) or 2 (SCAD), `Inf` for none. The defaults, 3 and 4, are those of grpreg.
#' @param curvature The unit h of concavity, positive; `NULL`, the default, takes it from the null model, see [pen_mcp()].
#' @returns An object of class `"sparsepath_penalty"` for the argument `penalty` of [sparsepath()]. `penalty.factor` cannot be combined
#'   with it, and `alpha` must be positive. Within `lower.limits` and `upper.limits` a solution is stationary but for what limits hold, and
#'   `local` is about the coefficients that no limit holds.
#' @references
#' Huang J, Breheny P, Ma S (2012). A selective review of group selection in high-dimensional models. *Statistical Science*, 27(4),
#' 481-499. \doi{10.1214/12-STS392}
#'
#' Breheny P, Huang J (2015). Group descent algorithms for nonconvex penalized linear and logistic regression models with grouped
#' predictors. *Statistics and Computing*, 25(2), 173-187. \doi{10.1007/s11222-013-9424-2}
#'
#' Zou H, Li R (2008). One-step sparse estimates in nonconcave penalized likelihood models. *Annals of Statistics*,
#' 36(4), 1509-1533. \doi{10.1214/009053607000000802}
#' @seealso [pen_group()], [pen_mcp()], [sparsepath()].
#' @examples
#' x <- log2(colon$x)[, 1:200]
#' group <- rep(1:40, each = 5)
#' fit <- sparsepath(x, colon$y, family = "binomial", penalty = pen_group_mcp(group),
#'   lambda.min.ratio = 0.2)
#' b <- coef(fit, s = fit$lambda[10])[-1, ]
#' table(group[b != 0]) # whole groups
#' max(fit$kkt)
#' @name group_nonconvex
#' @export
pen_group_mcp <- function(group, gamma = 3, weights = NULL, curvature = NULL) {
  group_nonconvex(new_group_penalty("group_mcp", group, weights, 0, sys.call(), missing(group)), gamma, curvature, sys.call())
}

#' @rdname group_nonconvex
#' @export
pen_group_scad <- function(group, gamma = 4, weights = NULL, curvature = NULL) {
  group_nonconvex(new_group_penalty("group_scad", group, weights, 0, sys.call(), missing(group)), gamma, curvature, sys.call())
}

#' @noRd
group_nonconvex <- function(penalty, gamma, curvature, call) {
  parameters <- unclass(nonconvex_penalty(penalty$name, gamma, if (shape_of(penalty) == "mcp") 1 else 2, curvature, call))
  penalty[c("gamma", "curvature")] <- parameters[c("gamma", "curvature")]
  penalty
}

#' @noRd
nonconvex_penalty <- function(name, gamma, least, curvature, call) {
  gamma <- check_scalar(gamma, "gamma", call, lower = least, infinite = TRUE)
  if (gamma == least) {
    sp_abort("range", sprintf("`gamma` must be larger than %s.", least), why = sprintf("It is %s.", show_number(gamma)),
      call = call, arg = "gamma", value = gamma
    )
  }
  if (!is.null(curvature)) curvature <- check_scalar(curvature, "curvature", call, lower = 0, open = TRUE)
  new_penalty(name, gamma = gamma, curvature = curvature)
}

#' @noRd
is_nonconvex <- function(penalty) !is.null(penalty) && penalty$name %in% c("mcp", "scad", "group_mcp", "group_scad", "cmcp", "gel")

#' "mcp" or "scad", of coefficients or of norms
#' @noRd
shape_of <- function(penalty) sub("^group_", "", penalty$name)

#' @noRd
check_nonconvex <- function(penalty, alpha, solver, call) {
  if (solver %in% reference_solvers) {
    sp_abort("unavailable", sprintf("`solver = \"%s\"` cannot be combined with `pen_%s()`.", solver, penalty$name),
      why = "The reference solvers are for convex problems.", call = call, arg = "control"
    )
  }
  if (alpha == 0) {
    sp_abort("range", sprintf("`alpha` must be positive with `pen_%s()`.", penalty$name), why = "It is 0, a ridge.", how = "For a ridge leave `penalty` out.", call = call, arg = "alpha", value = 0)
  }
}

#' What the engine needs to know of a penalty, for the tasks of one call
#'
#' @return `setup`, with the fields of `problem` that depend on the penalty, and `penalty` as it belongs to the first task.
#' @noRd
resolve_penalty <- function(setup) {
  penalty <- setup$penalty
  if (!is.null(penalty) && penalty$name == "adaptive") {
    parts <- adaptive_factors(setup)
    setup$penalty[c("factor", "left.out")] <- parts[[1L]][c("factor", "left.out")]
    setup$problem <- with_factors(setup$problem, parts)
  } else if (!is.null(setup$fold_factors)) {
    setup$problem <- with_factors(setup$problem, lapply(setup$fold_factors, task_groups, setup = setup))
  }
  if (is_nonconvex(penalty)) {
    weights <- setup$problem$weights
    unit <- penalty$curvature %||% apply(weights, 2L, null_curvature, problem = setup$problem, traits = setup$traits)
    setup$problem$curvature <- rep_len(as.double(unit), ncol(weights))
    # no concavity at all is the lasso, and solved as such
    if (is.finite(penalty$gamma)) setup$problem$penalty <- list(name = shape_of(penalty), gamma = penalty$gamma)
    setup$penalty$curvature <- setup$problem$curvature[1L]
  }
  setup
}

#' Factors and groups of a task with other columns left out
#' @param v Penalty factors, infinite for columns left out.
#' @return list(groups, v), see setup_groups()
#' @noRd
task_groups <- function(v, setup) {
  setup_groups(setup$penalty, setup$joint, v, setup$settings$penalty.factor, setup$x, setup$problem$alpha, setup$call)
}

#' A problem whose tasks have penalty factors, and weights of groups, of their own
#' @param parts For each task list(v, groups).
#' @noRd
with_factors <- function(problem, parts) {
  v <- lapply(parts, `[[`, "v")
  several <- length(parts) > 1L
  problem$v.own <- is.matrix(v[[1L]])
  problem$v.each <- several
  problem$v <- if (!several) v[[1L]] else array(unlist(v), c(dim(v[[1L]]) %||% length(v[[1L]]), length(v)))
  if (!is.null(problem$groups)) {
    problem$groups$w <- unlist(lapply(parts, function(part) part$groups$w))
    problem$w.each <- several
  }
  problem
}

#' Curvature of the loss at the null model in a standardized variable
#' @noRd
null_curvature <- function(weights, problem, traits) {
  w <- weights / sum(weights)
  if (traits$name %in% c("gaussian", "mgaussian")) return(1)
  if (traits$name == "cox") return(sum(w * problem$status))
  seen <- w > 0
  K <- problem$predictors
  rows <- function(a) if (is.matrix(a)) a[seen, , drop = FALSE] else a[seen]
  part <- list(y = rows(problem$y), offset = if (!is.null(problem$offset)) rows(problem$offset), intercept = problem$intercept, predictors = K)
  part <- with_joint(part, traits, w[seen])
  eta <- null_objective(part, w[seen], traits)$eta
  if (traits$name == "multinomial") {
    mu <- exp(log_softmax(eta, K))
    return(sum(w[seen] * mu * (1 - mu)) / K) # the mean over the classes
  }
  sum(w[seen] * if (is.null(traits$expected)) traits$curvature(eta, part$y) else traits$expected(eta))
}

#' Position of the first lambda at which the objective is no longer convex over the selected variables
#' @noRd
convex_min <- function(local) {
  first <- match(TRUE, local < 2L)
  if (is.na(first)) NA_integer_ else first
}
