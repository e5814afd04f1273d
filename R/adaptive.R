# Adaptive penalties: weights from an initial estimate, made anew from the rows that a task of the engine sees.

#' Adaptive lasso and adaptive group lasso
#'
#' Penalty factors from an initial estimate: a variable with a large initial coefficient, or a group with large initial coefficients, is
#' penalized less. Give the result as `penalty` to [sparsepath()] or [cv.sparsepath()]. It is there for every family.
#'
#' @section Objective:
#' That of [sparsepath()], with the penalty factors (Zou 2006, eq. 4)
#' \deqn{v_j = f_j / |\tilde\beta_j|^{power}}{v_j = f_j / |b~_j|^power}
#' rescaled, like all penalty factors, to sum to the number of columns (columns left out count as 1); \eqn{f_j} is the `penalty.factor` of the call, 1 by
#' default. \eqn{\tilde\beta}{b~} is the initial estimate, for standardized columns with `standardize`.
#' A variable whose initial coefficient is zero has an infinite factor and is left out. `alpha < 1` gives the
#' adaptive elastic net. The problem is convex, and solutions are certified like those of the lasso, *for these factors*.
#'
#' *Several classes or responses.* With `type.multinomial = "ungrouped"` each coefficient has a factor of its own,
#' \eqn{v_{jk} = f_j / |\tilde\beta_{jk}|^{power}}{v_jk = f_j / |b~_jk|^power}, with mean 1: a class leaves out what its own estimate
#' leaves out. Coefficients that differ by a constant over the classes are the same model, so the estimate is made unique first: those of `"ridge"` and
#' `"univariate"` sum to zero over the classes, those of `"lasso"` have median zero. Where the penalty has the norm of a variable's
#' coefficients (`"mgaussian"`, `type.multinomial = "grouped"`), so has the factor:
#' \eqn{v_j = f_j / \|\tilde\beta_{j\cdot}\|_2^{power}}{v_j = f_j / |b~_j.|_2^power}; with `standardize.response` it is that of
#' the coefficients of standardized responses.
#'
#' *Groups.* With `group` the objective is that of [pen_group()], with the weights (Wang and Leng 2008; Wei and Huang 2010)
#' \deqn{v_g = f_g / \|\tilde\beta_g\|_2^{power}}{v_g = f_g / |b~_g|_2^power}
#' rescaled to have the sum of the \eqn{f_g} (groups left out count as \eqn{f_g}), where \eqn{f_g} are the `weights` of [pen_group()], the root of the
#' number of columns by default. Norms of the initial estimate are over all classes or responses, in ungrouped multinomial regression, too, where
#' the classes share one weight for each group.
#'
#' @section Cross-validation:
#' The initial estimate has seen the response. In [cv.sparsepath()] it is therefore made anew in every fold, from the training rows of the
#' fold alone; with factors computed once from all data (`penalty.factor = 1 / abs(b)`), the held-out rows
#' would already have been used, and errors come out too small. Only initial
#' estimates that you supply as numbers are the same in all folds: that they do not stem from `y` is then your promise.
#' Folds share the lambdas of the full fit. A fold whose estimate leaves out everything predicts by its null model.
#'
#' @param init The initial estimate:
#' \describe{
#'   \item{`"ridge"`}{ridge regression (Zou 2006, section 3.5). Never zero, so every variable stays in. The default,
#'     because it exists for any number of columns}
#'   \item{`"lasso"`}{the lasso: leaves out what it does not select, so the second stage only removes (Buehlmann and van de Geer 2011,
#'     section 2.8). With `group` the group lasso (Wei and Huang 2010)}
#'   \item{`"univariate"`}{for each variable alone, the first step of Newton's method from the null model: for
#'     least squares the coefficient of a regression on that variable (Huang, Ma and Zhang 2008), for classes the difference of the
#'     means of a class and of all, otherwise the score divided by the variance. Costs one read of `x`}
#'   \item{a numeric vector or matrix}{one coefficient for each column of `x`, on the original scale, without intercept. With several predictors
#'     a matrix with one column for each class or response, in their order, or a vector of one size for each column of `x`}
#' }
#' The lambda of `"ridge"` and `"lasso"` is chosen by five-fold cross-validation within the rows at hand (50
#' lambdas, smallest deviance; those of `"ridge"` go down to 1e-6 of their largest, because the grid of a ridge begins where coefficients nearly
#' vanish). These inner folds use no random numbers: rows are
#' ordered by response (events after censored times, each by time; several responses by the first) and dealt out in turn, so that folds have similar
#' responses. Rows without which nothing could be fitted, such as the only one of a class, are never held out. `penalty.factor`, `exclude`,
#' limits, weights and offset are those of the call in both stages; `lambda.min.ratio`, `dfmax` and `pmax` hold for the second one.
#' @param power Power of the initial coefficients or norms, positive. 1 is usual; larger values separate large and small coefficients more.
#' @param group,weights For the adaptive group lasso: the group of each column (also `"factors"` or `"terms"`), and \eqn{f_g}; see [pen_group()]. `NULL`, the
#'   default: no groups. With groups `penalty.factor` is not available.
#' @returns An object of class `"sparsepath_penalty"` for the argument `penalty` of [sparsepath()]. The
#'   `penalty` of a fit has also `factor`, the penalty factors of the full fit before they are rescaled (a matrix, columns by classes, where coefficients have
#'   factors of their own), or the weights of the groups, as the fit used them.
#' @section Errors:
#' `sparsepath_error_length` for an `init` or `group` that does not fit the columns of `x`, the classes or responses;
#' `sparsepath_error_range` when the initial estimate has no coefficient other than zero, as when the lasso of pure noise selects nothing;
#' `sparsepath_error_unavailable` for `group` with `penalty.factor`; `sparsepath_error_unknown_argument` for `weights` without `group`.
#' @references
#' Zou H (2006). The adaptive lasso and its oracle properties. *Journal of the American Statistical Association*,
#' 101(476), 1418-1429. \doi{10.1198/016214506000000735}
#'
#' Huang J, Ma S, Zhang CH (2008). Adaptive lasso for sparse high-dimensional regression models. *Statistica Sinica*, 18,
#' 1603-1618.
#'
#' Wang H, Leng C (2008). A note on adaptive group lasso. *Computational Statistics and Data Analysis*, 52(12), 5277-5286.
#' \doi{10.1016/j.csda.2008.05.006}
#'
#' Wei F, Huang J (2010). Consistent group selection in high-dimensional linear regression. *Bernoulli*, 16(4), 1369-1384.
#' \doi{10.3150/10-BEJ252}
#' @seealso [pen_mcp()], [pen_group()], [sparsepath()].
#' @examples
#' x <- log2(colon$x)
#' fit <- sparsepath(x, colon$y, family = "binomial", penalty = pen_adaptive("univariate"))
#' summary(fit)
#'
#' cv <- cv.sparsepath(x, colon$y, family = "binomial", penalty = pen_adaptive("lasso"), nfolds = 5)
#' cv
#'
#' # an estimate from elsewhere, one column for each class
#' x <- as.matrix(iris[, 1:4])
#' first <- sparsepath(x, iris$Species, family = "multinomial", alpha = 0, lambda = 0.1)
#' b <- sapply(first$beta, function(beta) beta[, 1])
#' fit <- sparsepath(x, iris$Species, family = "multinomial", penalty = pen_adaptive(b))
#' fit$penalty$factor
#'
#' # the columns of a factor enter and leave together
#' cars <- transform(mtcars, cyl = factor(cyl), gear = factor(gear))
#' fit <- sparsepath(mpg ~ ., cars, penalty = pen_adaptive("ridge", group = "factors"))
#' coef(fit, s = 1)
#' @export
pen_adaptive <- function(init = c("ridge", "lasso", "univariate"), power = 1, group = NULL, weights = NULL) {
  call <- shown_call("pen_adaptive")
  init <- check_init(init, call)
  power <- check_scalar(power, "power", call, lower = 0, open = TRUE)
  if (is.null(group)) {
    if (!is.null(weights)) {
      sp_abort("unknown_argument", "`weights` of `pen_adaptive()` are those of groups.", why = "There is no `group`.",
        how = "Give `group`, or the `penalty.factor` of the fit.", call = call, arg = "weights"
      )
    }
    return(new_penalty("adaptive", init = init, power = power))
  }
  penalty <- new_group_penalty("adaptive", group, weights, 0, call, FALSE)
  penalty[c("init", "power")] <- list(init, power)
  penalty
}

#' @noRd
check_init <- function(init, call) {
  if (!is.numeric(init)) return(check_choice(init, c("ridge", "lasso", "univariate"), "init", call))
  values <- check_numeric(as.vector(init), "init", call)
  if (is.matrix(init) && ncol(init) > 1L) matrix(values, nrow(init)) else values
}

#' Is an initial estimate that was given one for these columns and predictors?
#' @noRd
check_adaptive <- function(penalty, p, K, call) {
  init <- penalty$init
  if (!is.numeric(init) || NROW(init) == p && NCOL(init) %in% c(1L, K)) return(invisible())
  sp_abort("length", sprintf("`init` of `pen_adaptive()` must have length %d, the number of columns of `x`%s.", p,
    if (K > 1L) sprintf(", or be a %d x %d matrix", p, K) else ""),
    why = if (is.matrix(init)) sprintf("It is %s.", describe(init)) else sprintf("It has length %d.", length(init)),
    call = call, arg = "penalty", value = length(init)
  )
}

#' Factors of every task
#'
#' @return For each task list(v, groups), as setup_groups() makes them; factor: not yet rescaled, those of single columns, or of groups by
#'   name; left.out: columns that have no part.
#' @noRd
adaptive_factors <- function(setup) {
  weights <- setup$problem$weights
  parts <- lapply(seq_len(ncol(weights)), function(task) {
    if (!is.null(setup$fold_factors)) {
      part <- task_groups(setup$fold_factors[[task]], setup)
      setup$problem[c("v", "groups")] <- list(part$v, part$groups)
    }
    adaptive_task(setup, weights[, task])
  })
  if (all(is.infinite(parts[[1L]]$v))) {
    sp_abort("range", "The initial estimate of `pen_adaptive()` has no coefficient other than zero.",
      why = "All variables are left out.", how = if (!identical(setup$penalty$init, "ridge")) "Use `init = \"ridge\"`.", call = setup$call, arg = "penalty"
    )
  }
  parts
}

#' @noRd
adaptive_task <- function(setup, weights) {
  penalty <- setup$penalty
  problem <- setup$problem
  groups <- problem$groups
  design <- column_moments(setup$x, weights / sum(weights), problem, setup$call)
  size <- initial_size(setup, weights, design)
  out <- is.infinite(problem$v) | design$constant
  if (!is.null(penalty$group)) return(adaptive_groups(setup, size, out))
  given <- setup$settings$penalty.factor %||% 1
  if (!is.null(groups)) size <- matrix(sqrt(rowSums(size^2))) # of all predictors
  if (ncol(size) < NCOL(given)) size <- size[, rep(1L, ncol(given)), drop = FALSE]
  v <- powers_of(given, size, penalty$power)
  v[rep_len(as.vector(out), length(v))] <- Inf
  if (ncol(v) == 1L) v <- v[, 1L]
  scaled <- rescale_factors(v)
  if (!is.null(groups)) groups$w <- ifelse(is.finite(scaled), scaled, 1)
  list(v = scaled, groups = groups, factor = v)
}

#' Weights of groups; those of one column each are factors of columns
#' @noRd
adaptive_groups <- function(setup, size, out) {
  problem <- setup$problem
  groups <- problem$groups
  of <- group_numbers(setup$penalty$group, setup$x, setup$call)
  names <- attr(of, "levels")
  of <- as.vector(of)
  given <- if (is.null(groups)) ifelse(is.finite(problem$v), problem$v, 1)[order(of)] else groups$w
  size[out, ] <- 0
  w <- structure(powers_of(given, sqrt(rowsum(rowSums(size^2), of)), setup$penalty$power)[, 1L], names = names)
  left <- is.infinite(w)
  total <- sum(ifelse(left, given, w))
  if (total > 0) w <- w * (sum(given) / total)
  v <- problem$v
  if (is.null(groups)) v[is.finite(v)] <- unname(w)[of][is.finite(v)] else v[left[of]] <- Inf
  if (!is.null(groups)) groups$w <- unname(ifelse(left, 1, w))
  list(v = v, groups = groups, factor = w, left.out = which(is.infinite(v)))
}

#' given / size^power, infinite where size is zero, but 0 where the penalty is; of the shape of size
#' @noRd
powers_of <- function(given, size, power) {
  v <- as.vector(given) / size^power
  v[rep_len(as.vector(given) == 0, length(v))] <- 0
  v[is.nan(v)] <- Inf
  v
}

#' Sizes of the initial coefficients as they are penalized, p x K, or p x 1 where K predictors share them
#' @noRd
initial_size <- function(setup, weights, design) {
  problem <- setup$problem
  init <- setup$penalty$init
  if (identical(init, "univariate")) {
    b <- univariate_size(setup, weights / sum(weights), design)
  } else {
    b <- if (is.numeric(init)) as.matrix(init) else initial_estimate(setup, weights, if (init == "ridge") 0 else 1)$b
    b <- b * design$scale
  }
  if (isTRUE(problem$standardize.response) && ncol(b) == problem$predictors) {
    b <- b / rep(response_scales(problem$y, problem$offset, weights / sum(weights)), each = nrow(b))
  }
  abs(b)
}

#' Newton's first step from the null model, for each variable alone
#' @noRd
univariate_size <- function(setup, w, design) {
  problem <- with_joint(setup$problem, setup$traits, w)
  K <- problem$predictors
  null <- null_objective(problem, w, setup$traits)
  b <- matrix(scaled_crossprod(setup$x, w * residual_of(null$eta, problem, w, setup$traits), design), ncol = K)
  # on the scale of the columns as they are penalized: a unit of 1 / variance without standardization
  b <- b * ifelse(design$constant, 0, design$scale^2 / ifelse(design$constant, 1, design$moment))
  if (setup$traits$name != "multinomial") return(b)
  # the curvature diag(mu) - mu mu' of all classes: its generalized inverse, with coefficients that sum to zero
  b <- b / rep(colSums(w * matrix(exp(log_softmax(null$eta, K)), ncol = K)), each = nrow(b))
  b - rowMeans(b)
}

#' Coefficients at the lambda of an inner cross-validation, on the original scale
#' @return list(a0 [K], b [p x K])
#' @noRd
initial_estimate <- function(setup, weights, alpha) {
  p <- ncol(setup$x)
  seen <- sum(weights > 0)
  setup[c("penalty", "fold_factors")] <- list(NULL)
  if (setup$control$solver %in% reference_solvers) { # those are to solve the same problem as the direct solver: with the same factors
    setup$control <- sparsepath.control(threads = setup$control$threads)
  }
  folds <- inner_folds(setup$response, weights)
  tasks <- fold_tasks(weights, folds)
  # rows without which there is nothing to fit are never held out, and not scored
  lack <- lacking_training(tasks$weights, setup$response, setup$problem$offset, setup$traits, setup$problem$intercept)$bad
  needed <- tasks$heldout[, 1L] %in% lack
  tasks$weights[needed, ] <- weights[needed]
  setup$problem[c("alpha", "nlambda", "early.stop")] <- list(alpha, 50L, TRUE)
  setup$problem["lambda"] <- list(NULL)
  # a ridge begins at 1000 times the lambda_max of a lasso, and its best lambda is far below
  setup$problem$lambda.min.ratio <- if (alpha == 0) 1e-6 else check_lambda_min_ratio(NULL, seen, p)
  setup$problem[c("dfmax", "pmax")] <- list(p + 1L, p)
  if (alpha == 0 && !is.null(setup$problem$groups)) setup$problem$groups$w <- as.double(setup$problem$groups$w > 0)
  setup$problem$weights <- tasks$weights
  setup$problem$heldout <- tasks$heldout
  cox <- setup$traits$name == "cox"
  setup$problem$keep <- c(TRUE, rep(cox, sum(tasks$counts)))
  out <- run_engine(setup, quiet = TRUE)
  size <- length(out$lambda)
  K <- setup$problem$predictors
  scored <- weights > 0 & !needed
  setup$weights <- setup$weights * scored
  setup$response$weights <- weights * scored
  if (cox) out$scores <- cox_fold_deviances(fold_coefficients(out, setup, size), setup, folds, TRUE)
  eta <- heldout_eta(out, folds, size, K)
  if (isTRUE(setup$problem$standardize.response)) { # judged in the units of the penalty
    scale <- rep(response_scales(setup$problem$y, setup$problem$offset, weights / sum(weights)), each = nrow(setup$x))
    eta <- eta / scale
    setup$response$y <- setup$response$y / scale
  }
  curve <- cv_curve(eta, folds, setup$response, setup$weights, setup$traits, "deviance", TRUE, out$scores)
  at <- if (all(is.na(curve$cvm))) size else which.min(curve$cvm)
  task <- out$tasks[[1L]]
  beta <- engine_coefficients(task, K, p, NULL, NULL, NULL)$beta
  b <- if (K == 1L) as.double(beta[, at]) else vapply(beta, function(m) as.double(m[, at]), double(p))
  list(a0 = matrix(task$a0, K)[, at], b = matrix(b, p))
}

#' Folds without random numbers: rows that are seen, ordered by response, dealt out in turn
#' @noRd
inner_folds <- function(response, weights, nfolds = 5L) {
  seen <- which(weights > 0)
  nfolds <- min(nfolds, length(seen))
  y <- as.matrix(response$y)[seen, , drop = FALSE]
  if (ncol(y) > 1L && !is.null(response$classnames)) y <- -y # the first class first
  keys <- c(if (!is.null(response$status)) list(response$status[seen]), lapply(seq_len(ncol(y)), function(k) y[, k]))
  folds <- integer(length(weights)) + 1L
  folds[seen[do.call(order, keys)]] <- rep_len(seq_len(nfolds), length(seen))
  matrix(folds, ncol = 1L)
}

#' How a fit's problem is set up again: its penalty, and factors that were made from data as plain factors
#' @noRd
penalty_again <- function(object) {
  penalty <- object$penalty
  if (is.null(penalty$factor)) {
    return(list(penalty = penalty, factor = object$settings$penalty.factor, exclude = object$settings$exclude))
  }
  if (is.null(penalty$group)) return(list(penalty = NULL, factor = penalty$factor, exclude = NULL))
  weights <- ifelse(is.finite(penalty$factor), penalty$factor, 1)
  list(penalty = new_penalty("group", group = penalty$group, weights = weights, asparse = 0), factor = NULL, exclude = penalty$left.out)
}
