# Adaptive penalties: weights from an initial estimate, made anew from the rows that a task of the engine sees.

#' Adaptive lasso
#'
#' Penalty factors from an initial estimate: a variable with a large initial coefficient is penalized less. Give the result as
#' `penalty` to [sparsepath()] or [cv.sparsepath()].
#'
#' @section Objective:
#' That of [sparsepath()], with the penalty factors (Zou 2006, eq. 4)
#' \deqn{v_j = f_j / |\tilde\beta_j|^{power}}{v_j = f_j / |b~_j|^power}
#' rescaled, like all penalty factors, to sum to the number of columns (columns left out count as 1); \eqn{f_j} is the `penalty.factor` of the call, 1 by
#' default. \eqn{\tilde\beta}{b~} is the initial estimate, for standardized columns with `standardize`.
#' A variable whose initial coefficient is zero has an infinite factor and is left out. `alpha < 1` gives the
#' adaptive elastic net. The problem is convex, and solutions are certified like those of the lasso, *for these factors*.
#'
#' @section Cross-validation:
#' The initial estimate has seen the response. In [cv.sparsepath()] it is therefore made anew in every fold, from the training rows of the
#' fold alone; with factors computed once from all data (`penalty.factor = 1 / abs(b)`), the held-out rows
#' would already have been used, and errors come out too small. Only initial
#' estimates that you supply as a vector are the same in all folds: that they do not stem from `y` is then your promise.
#' Folds share the lambdas of the full fit.
#'
#' @param init The initial estimate:
#' \describe{
#'   \item{`"ridge"`}{ridge regression (Zou 2006, section 3.5). Never zero, so every variable stays in. The default,
#'     because it exists for any number of columns}
#'   \item{`"lasso"`}{the lasso: leaves out what it does not select, so the second stage only removes (Buehlmann and van de Geer 2011, section 2.8)}
#'   \item{`"univariate"`}{the score of each variable at the null model, divided by its standard deviation: for
#'     least squares the coefficient of a regression on that variable alone (Huang, Ma and Zhang 2008), otherwise
#'     proportional to the first Newton step towards it}
#'   \item{a numeric vector}{one coefficient for each column of `x`, on the original scale, without intercept}
#' }
#' The lambda of `"ridge"` and `"lasso"` is chosen by five-fold cross-validation of the deviance within the rows at hand (50
#' lambdas, smallest error; those of `"ridge"` go down to 1e-6 of their largest, because the grid of a ridge begins where coefficients nearly
#' vanish). These inner folds use no random numbers: rows are
#' ordered by response and dealt out in turn, so that folds have similar responses.
#' @param power Power of the initial coefficients, positive. 1 is usual; larger values separate large and small coefficients more.
#' @returns An object of class `"sparsepath_penalty"` for the argument `penalty` of [sparsepath()]. The
#'   `penalty` of a fit has also `factor`, the penalty factors of the full fit.
#' @references
#' Zou H (2006). The adaptive lasso and its oracle properties. *Journal of the American Statistical Association*,
#' 101(476), 1418-1429. \doi{10.1198/016214506000000735}
#'
#' Huang J, Ma S, Zhang CH (2008). Adaptive lasso for sparse high-dimensional regression models. *Statistica Sinica*, 18,
#' 1603-1618.
#' @seealso [pen_mcp()], [sparsepath()].
#' @examples
#' x <- log2(colon$x)
#' fit <- sparsepath(x, colon$y, family = "binomial", penalty = pen_adaptive("univariate"))
#' summary(fit)
#'
#' cv <- cv.sparsepath(x, colon$y, family = "binomial", penalty = pen_adaptive("lasso"), nfolds = 5)
#' cv
#' @export
pen_adaptive <- function(init = c("ridge", "lasso", "univariate"), power = 1) {
  call <- sys.call()
  init <- if (is.numeric(init)) check_numeric(init, "init", call) else check_choice(init, c("ridge", "lasso", "univariate"), "init", call)
  new_penalty("adaptive", init = init, power = check_scalar(power, "power", call, lower = 0, open = TRUE))
}

#' @noRd
check_adaptive <- function(penalty, p, traits, call) {
  check_single_family(penalty, traits, call)
  if (is.numeric(penalty$init) && length(penalty$init) != p) {
    sp_abort("length", sprintf("`init` of `pen_adaptive()` must have length %d, the number of columns of `x`.", p),
      why = sprintf("It has length %d.", length(penalty$init)), call = call, arg = "penalty", value = length(penalty$init)
    )
  }
}

#' Penalty factors of every task, p x B, not yet rescaled
#' @noRd
adaptive_factors <- function(setup) {
  weights <- setup$problem$weights
  v <- vapply(seq_len(ncol(weights)), function(task) {
    if (!is.null(setup$fold_factors)) setup$problem[c("v", "v.each")] <- list(setup$fold_factors[, task], FALSE)
    adaptive_task(setup, weights[, task])
  }, double(ncol(setup$x)))
  v <- matrix(v, ncol(setup$x))
  if (all(is.infinite(v[, 1L]))) {
    sp_abort("range", "The initial estimate of `pen_adaptive()` has no coefficient other than zero.",
      why = "All variables are left out.", how = if (!identical(setup$penalty$init, "ridge")) "Use `init = \"ridge\"`.", call = setup$call, arg = "penalty"
    )
  }
  v
}

#' @noRd
adaptive_task <- function(setup, weights) {
  penalty <- setup$penalty
  w <- weights / sum(weights)
  design <- column_moments(setup$x, w, setup$problem, setup$call)
  size <- if (is.numeric(penalty$init)) {
    abs(penalty$init * design$scale)
  } else if (penalty$init == "univariate") {
    univariate_size(setup, w, design)
  } else {
    abs(initial_estimate(setup, weights, if (penalty$init == "ridge") 0 else 1) * design$scale)
  }
  given <- setup$settings$penalty.factor %||% rep(1, length(size))
  v <- as.double(given) / size^penalty$power
  v[given == 0] <- 0
  v[is.infinite(setup$problem$v) | design$constant | is.nan(v)] <- Inf
  v
}

#' @noRd
univariate_size <- function(setup, w, design) {
  problem <- setup$problem
  problem <- with_joint(problem, setup$traits, w)
  null <- null_objective(problem, w, setup$traits)
  size <- abs(drop(scaled_crossprod(setup$x, w * residual_of(null$eta, problem, w, setup$traits), design)))
  # on the scale of the columns as they are penalized: a unit of 1 / variance without standardization
  if (!problem$standardize) size <- size / ifelse(design$constant, 1, design$variance)
  size
}

#' Coefficients at the lambda of an inner cross-validation, on the original scale
#' @noRd
initial_estimate <- function(setup, weights, alpha, intercept = FALSE) {
  setup[c("penalty", "fold_factors")] <- list(NULL)
  folds <- inner_folds(setup$response, weights)
  tasks <- fold_tasks(weights, folds)
  setup$problem[c("alpha", "nlambda", "early.stop")] <- list(alpha, 50L, TRUE)
  setup$problem["lambda"] <- list(NULL)
  if (alpha == 0) setup$problem$lambda.min.ratio <- 1e-6 # a ridge begins at 1000 times the lambda_max of a lasso, and its best lambda is far below
  setup$problem$weights <- tasks$weights
  setup$problem$heldout <- tasks$heldout
  cox <- setup$traits$name == "cox"
  setup$problem$keep <- c(TRUE, rep(cox, sum(tasks$counts)))
  out <- run_engine(setup, quiet = TRUE)
  size <- length(out$lambda)
  setup$weights <- setup$weights * (weights > 0)
  setup$response$weights <- weights
  if (cox) out$scores <- cox_fold_deviances(fold_coefficients(out, setup, size), setup, folds, TRUE)
  measure <- if (cox || setup$traits$name == "binomial") "deviance" else names(setup$traits$measures)[1L]
  curve <- cv_curve(heldout_eta(out, folds, size), folds, setup$response, setup$weights, setup$traits, measure, TRUE, out$scores)
  at <- if (all(is.na(curve$cvm))) size else which.min(curve$cvm)
  beta <- engine_matrix(out$tasks[[1L]]$beta[[1L]], c(ncol(setup$x), size), list(NULL, NULL))
  c(if (intercept) out$tasks[[1L]]$a0[at], as.double(beta[, at]))
}

#' Folds without random numbers: rows that are seen, ordered by response, dealt out in turn
#' @noRd
inner_folds <- function(response, weights, nfolds = 5L) {
  seen <- which(weights > 0)
  nfolds <- min(nfolds, length(seen))
  rank <- if (is.null(response$status)) order(response$y[seen]) else order(response$status[seen], response$y[seen])
  folds <- integer(length(weights)) + 1L
  folds[seen[rank]] <- rep_len(seq_len(nfolds), length(seen))
  matrix(folds, ncol = 1L)
}

#' How a fit's problem is set up again: its penalty, and factors that were made from data as plain factors
#' @noRd
penalty_again <- function(object) {
  if (is.null(object$penalty$factor)) {
    return(list(penalty = object$penalty, factor = object$settings$penalty.factor, exclude = object$settings$exclude))
  }
  list(penalty = NULL, factor = object$penalty$factor, exclude = NULL)
}
