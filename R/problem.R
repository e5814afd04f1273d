# From the arguments of a fit to the problem the engine solves, and back. One
# setup for single fits and for cross-validation, which only adds columns of
# weights.

#' Check the arguments of a fit and build the engine's problem
#'
#' The arguments are those of sparsepath(); see there.
#'
#' @return list with `x` (checked), `problem` (what the engine reads), `control`,
#'   `call`, and what the fit object and the methods need to know.
#' @noRd
setup_problem <- function(x, y, family = NULL, weights = NULL, offset = NULL, alpha = 1, nlambda = 100,
                          lambda.min.ratio = NULL, lambda = NULL, standardize = !is_fused(penalty), intercept = TRUE,
                          exclude = NULL, penalty.factor = NULL, lower.limits = -Inf, upper.limits = Inf,
                          cox.ties = "breslow", type.multinomial = NULL, control = sparsepath.control(), standardize.response = FALSE,
                          penalty = NULL, call) {
  if (missing(x)) abort_missing("x", "Give the matrix of variables.", call)
  x <- check_x(encode_x(x, call), call)
  if (missing(y)) abort_missing("y", "Give the response.", call)
  n <- nrow(x)
  p <- ncol(x)
  varnames <- colnames(x) %||% default_names(p)
  family <- check_family(family %||% if (is_survival(y)) "cox" else "gaussian", call)
  traits <- family_traits(family)
  user_weights <- check_weights(weights, n, call)
  response <- check_y(y, family, n, user_weights, call)
  K <- response$predictors %||% 1L
  offset <- if (is.null(response$predictors)) check_offset(offset, n, call) else check_offset_matrix(offset, n, K, call)
  intercept <- check_flag(intercept, "intercept", call) && traits$name != "cox"
  cox.ties <- check_ties(cox.ties, call)
  type.multinomial <- check_type_multinomial(type.multinomial, traits, call)
  standardize.response <- check_flag(standardize.response, "standardize.response", call) && traits$name == "mgaussian"
  if (traits$name == "mgaussian") check_responses_vary(response$y, offset, user_weights, call)
  else if (traits$name == "gaussian") check_varies(response$y, offset, user_weights, intercept, call)
  else if (traits$name != "cox") check_null_model(response, traits, intercept, call)
  lambda <- check_lambda(lambda, call)
  choose <- if (is.function(exclude)) list(fun = exclude, y = y) # each fold asks again
  exclude <- if (is.null(choose)) check_exclude(exclude, p, varnames, call) else chosen_columns(exclude, x, y, user_weights, NULL, call)
  classes <- if (identical(type.multinomial, "ungrouped")) K else 1L
  v <- check_penalty_factor(penalty.factor, exclude, p, call, classes)
  lower <- check_limits(lower.limits, "lower", p, call)
  upper <- check_limits(upper.limits, "upper", p, call)
  control <- check_control(control, call)
  alpha <- check_alpha(alpha, call)
  if (is_enet(penalty)) {
    alpha <- enet_alpha(penalty, alpha, call)
    penalty <- NULL
  }
  penalty <- check_penalty(penalty, p, K, alpha, control$solver, call)
  joint <- traits$name == "mgaussian" || traits$name == "multinomial" && type.multinomial == "grouped"
  chains <- NULL
  limits <- list(lower = lower, upper = upper)
  if (is_fused(penalty)) {
    check_fused(penalty, p, alpha, joint, standardize, exclude, penalty.factor, lower, upper, call)
    chains <- fused_chains(penalty, p, call, penalty.factor, lower, upper)
    v <- if (by_intervals(chains)) rep(1, p) else chains$v # lambda has the unit of the steps: not rescaled
    limits <- NULL # part of the chains
  }
  norms <- setup_groups(penalty, joint, v, penalty.factor, x, alpha, call)

  if (traits$name == "cox") response$efron <- cox.ties == "efron"
  problem <- list(
    family = traits$name, predictors = K, y = response$y, entry = response$entry, status = response$status, strata = response$strata,
    efron = cox.ties == "efron", centred = intercept || traits$name == "cox", offset = offset,
    weights = matrix(response$weights, n, 1L),
    alpha = alpha, v = norms$v, v.own = is.matrix(norms$v), chains = chains, groups = norms$groups, bilevel = norms$bilevel, standardize.response = standardize.response,
    lower = if (is.null(limits$lower) && !is.null(limits$upper)) rep(-Inf, p) else limits$lower,
    upper = if (is.null(limits$upper) && !is.null(limits$lower)) rep(Inf, p) else limits$upper,
    lambda = lambda, nlambda = check_nlambda(nlambda, call),
    lambda.min.ratio = check_lambda_min_ratio(lambda.min.ratio, n, p, call),
    standardize = check_flag(standardize, "standardize", call), intercept = intercept,
    early.stop = is.null(lambda), fdev = if (is_nonconvex(penalty)) -Inf else if (any(lower == 0, upper == 0)) 0 else control$fdev * traits$early$factor,
    fdev.span = traits$early$span, fdev.relative = as.integer(traits$early$relative), glm = if (traits$name == "glm") engine_family(family),
    devmax = control$devmax, dfmax = as.integer(min(control$dfmax, p + 1)),
    pmax = as.integer(min(control$pmax, p)), heldout = NULL, keep = TRUE
  )
  list(
    x = x, family = family, traits = traits, problem = problem, control = control, call = call, response = response,
    weights = user_weights, penalty = penalty, joint = joint, choose = choose, varnames = varnames, encoding = encoding_of(x),
    settings = list(named = !is.null(colnames(x)), weighted = !is.null(weights), cox.ties = if (traits$name == "cox") cox.ties,
      type.multinomial = if (traits$name == "multinomial") type.multinomial,
      standardize.response = if (traits$name == "mgaussian") standardize.response, penalty = penalty,
      exclude = if (length(exclude)) exclude, penalty.factor = penalty.factor, lower.limits = lower, upper.limits = upper)
  )
}

#' The problem that a fit solved, with its data given again
#'
#' @param data list(x, y, weights, offset)
#' @param lambda NULL: the grid plays no part.
#' @noRd
setup_again <- function(object, data, call, lambda = NULL) {
  check_given_again(object, data$weights, data$offset, call)
  settings <- object$settings
  again <- penalty_again(object)
  setup_problem(
    x_like(data$x, object, call, "x"), data$y, object$family, data$weights, data$offset, alpha = object$alpha, lambda = lambda,
    standardize = object$standardize, intercept = object$intercept, exclude = again$exclude,
    penalty.factor = again$factor, lower.limits = settings$lower.limits %||% -Inf,
    upper.limits = settings$upper.limits %||% Inf, cox.ties = settings$cox.ties %||% "breslow",
    type.multinomial = settings$type.multinomial, standardize.response = settings$standardize.response %||% FALSE,
    penalty = again$penalty, control = object$control, call = call
  )
}

#' Weights and offset that the fit had cannot be left out
#' @noRd
check_given_again <- function(object, weights, offset, call) {
  if (object$offset && is.null(offset)) abort_missing("offset", "The path was fitted with an offset.", call)
  if (object$settings$weighted && is.null(weights)) abort_missing("weights", "The path was fitted with weights.", call)
}

#' With what depends on all observations together, where the loss has such a part
#' @noRd
with_joint <- function(problem, traits, w) {
  if (!is.null(traits$joint)) problem$joint <- traits$joint$data(problem, w)
  problem
}

#' Solve, or raise a classed condition
#' @noRd
run_engine <- function(setup, quiet = FALSE) {
  progress <- if (quiet) list(report = NULL, close = function() NULL) else progress_reporter(setup$control)
  on.exit(progress$close())
  control <- setup$control
  setup <- resolve_penalty(setup)
  protect <- setup$problem$glm$protect %||% identity
  out <- protect(.Call(C_path, setup$x, by_coefficient(setup$problem), list(
    thresh = control$thresh, threads = control$threads, maxit = control$maxit, solver = control$solver,
    screen = control$screen, restart = control$restart, rho = control$rho %||% 0, progress = progress$report
  )))
  if (!is.null(out$error)) {
    abort_family(out, setup)
    if (is_fused(setup$penalty) && grepl("separation", out$error)) abort_levels(setup$call)
    abort_engine(out, setup$x, setup$call)
  }
  if (!is.null(progress$report)) progress$report(1)
  out$penalty <- setup$penalty
  out
}

#' Penalty factors in the order of the engine's coefficients, class by class within a column, where each has its own
#' @noRd
by_coefficient <- function(problem) {
  if (isTRUE(problem$v.own)) problem$v <- as.vector(aperm(problem$v, replace(seq_along(dim(problem$v)), 1:2, 2:1)))
  problem
}

#' The fit object of one task
#'
#' @param task One entry of the engine's `tasks`.
#' @param call The call to store.
#' @noRd
new_sparsepath <- function(task, out, setup, call) {
  problem <- setup$problem
  p <- NROW(problem$v)
  size <- length(task$df)
  b <- engine_coefficients(task, problem$predictors, p, setup$varnames, paste0("s", seq_len(size) - 1L), setup$response$classnames %||% setup$response$responses, problem$chains)
  n <- nrow(setup$x)
  weight_scale <- sum(problem$weights[, 1L]) / n # the engine's null deviance is for weights that sum to n
  fit <- c(b, list(
    dim = c(p, size), lambda = out$lambda[seq_len(size)],
    dev.ratio = task$dev.ratio, nulldev = task$nulldev * weight_scale, npasses = task$npasses, jerr = 0L,
    offset = !is.null(problem$offset)
  ))
  if (problem$family == "cox") fit$a0 <- NULL
  if (!is.null(setup$response$classnames)) fit$classnames <- setup$response$classnames
  if (problem$family == "multinomial") fit$grouped <- setup$settings$type.multinomial == "grouped"
  asked <- if (is.null(problem$lambda)) problem$nlambda else length(problem$lambda)
  fit <- c(fit, list(
    call = call, nobs = n, gap = task$gap, kkt = task$kkt, status = task$status, passes = out$passes,
    end = if (size < asked) task$end else "complete",
    family = setup$family, alpha = problem$alpha, standardize = problem$standardize, intercept = problem$intercept,
    nlambda = asked,
    settings = setup$settings, control = setup$control, varnames = setup$varnames
  ))
  fit$likelihood <- likelihood_constants(setup, fit)
  if (problem$family == "cox") fit$baseline <- path_baseline(fit, setup)
  fit$penalty <- out$penalty
  if (!is.null(task$local)) {
    fit$local <- task$local
    fit$convex.min <- convex_min(task$local)
  }
  fit$encoding <- setup$encoding
  fit$trace <- trace_frame(task$trace, fit$lambda)
  structure(fit, class = c(paste0("sparsepath_", setup$traits$name), "sparsepath"))
}

#' One warning that names the solutions without a certificate
#' @noRd
warn_uncertified <- function(fit, call) {
  missed <- which(fit$status != 0L)
  if (!length(missed)) return(invisible())
  sp_warn("uncertified", sprintf("%d of %d solutions missed the promised accuracy.", length(missed), length(fit$lambda)),
    why = c(
      sprintf("lambda %s%s.", paste(sprintf("[%d] = %s", utils::head(missed, 5L), format(fit$lambda[utils::head(missed, 5L)], digits = 4)),
        collapse = ", "), and_more_missed(missed)),
      worst_certificate(fit$gap[missed], fit$kkt[missed], fit$control$thresh)
    ),
    how = c(
      if (is_nonconvex(fit$penalty)) {
        "No stationary point could be certified there: the fit is nearly saturated, or not convex enough. Use larger lambdas or a larger gamma."
      } else if (any(fit$status == 2L)) {
        if (identical(fit$control$solver, "subgradient")) slow_subgradient(fit$control$maxit)
        else if (anyNA(fit$gap)) "The best fit may lie at the edge of what the family allows (a mean of zero, say): stop at a larger lambda, or use another link."
        else "The limit of rounds was reached: raise `sparsepath.control(maxit = )`."
      },
      "`fit$status`, `fit$gap` and `fit$kkt` have the details for each lambda."
    ),
    call = call, index = missed, lambda = fit$lambda[missed], gap = fit$gap[missed]
  )
}

#' What was promised and missed: a gap, or where there is none the optimality conditions
#' @noRd
worst_certificate <- function(gap, kkt, thresh) {
  if (!anyNA(gap)) return(sprintf("The largest relative gap is %s (promised: %s).", format(max(gap), digits = 2), format(thresh)))
  sprintf("The largest violation of the optimality conditions is %s lambda (promised: %s).", format(max(kkt), digits = 2),
    format(max(10 * thresh, 1e-9)))
}

#' @noRd
and_more_missed <- function(missed) if (length(missed) > 5L) sprintf(" and %d more", length(missed) - 5L) else ""
