# The fused lasso of columns in an order: the constructor, chains of columns, and the way between coefficients and their steps.
#
# The engine works on steps: theta_k = b_k - b_(k-1) at the positions k of a chain, theta_1 = b_1 at its start, on the running sums of
# the columns (src/core/design/design_cumsum.c). Everything a user sees is in terms of b.

#' Fused lasso of ordered columns
#'
#' For variables with an order, such as copy numbers or methylation along the chromosomes, wavelengths, or time points:
#' coefficients of neighbours are equal in stretches, and the penalty is on the steps between them. Give the result as `penalty` to
#' [sparsepath()] or [cv.sparsepath()], with any family. For the values of a signal, without `x`, see [fused_lasso()].
#'
#' @section Objective:
#' \deqn{\min_{\beta_0, \beta} \; \sum_i w_i \, \ell(y_i, \beta_0 + o_i + x_i^T\beta) + \lambda \Big[ (1-\tau) \sum_{(j, k)} v_k
#'   |\beta_k - \beta_j| + \tau \sum_j f_j |\beta_j| \Big]}{
#'   minimize  sum_i w_i loss(y_i, b0 + o_i + x_i'b) + lambda [ (1 - tau) sum_(j, k) v_k |b_k - b_j| + tau sum_j f_j |b_j| ]}
#' over the pairs (j, k) of neighbours of one chain, with loss and weights of [sparsepath()] and \eqn{\tau} = `asparse`, the share of
#' the lasso. With `asparse = 0`, the default, there are steps alone (Land and Friedman 1997; Tibshirani and Taylor 2011, equation 2,
#' with their D of first differences and \eqn{\lambda} divided by n), and the level of a chain is not penalized. With `asparse` > 0
#' it is the sparse fused lasso (Tibshirani et al. 2005, equation 3, with the bounds as penalties, \eqn{\lambda_1 = \lambda\tau}{lambda1 = lambda tau} and
#' \eqn{\lambda_2 = \lambda(1-\tau)}{lambda2 = lambda (1 - tau)}): stretches of equal coefficients, many of them exactly zero. One share along the path, and not a
#' fixed \eqn{\lambda_1}, so that all coefficients are zero from some lambda on, where the path starts;
#' to try several shares, fit each and compare the `cvm` of [cv.sparsepath()] with the same `foldid`. \eqn{f} is
#' `penalty.factor` of [sparsepath()], 1 by default, here not rescaled: 0 leaves a coefficient free but for the steps beside it
#' (a variable that is a chain of its own is then not penalized at all, such as age or sex), and `Inf` keeps it at zero.
#'
#' With `asparse = 0`, `alpha` < 1 puts \eqn{\alpha |\beta_k - \beta_j| + \frac{1-\alpha}{2 s_y} (\beta_k - \beta_j)^2}{alpha |b_k - b_j| +
#' (1 - alpha)/2 (b_k - b_j)^2 / s_y} in place of \eqn{|\beta_k - \beta_j|}{|b_k - b_j|}, with the \eqn{s_y} of [sparsepath()]: coefficients may change gradually;
#' `alpha = 0` is that alone.
#'
#' With several linear predictors (`"multinomial"`, `"mgaussian"`) each has such steps; where a variable's coefficients enter together
#' (`"mgaussian"`, `type.multinomial = "grouped"`), the penalty is on the norm of a step over all predictors, and `asparse` must be 0.
#'
#' Limits of coefficients can be 0, which fixes signs: `lower.limits = 0` for coefficients that are not negative. Others cannot be combined with it.
#'
#' @section Scale:
#' Coefficients are compared as they are, so columns are not standardized: `standardize` is `FALSE` with this penalty, and `TRUE` an
#' error. Columns should be in the same units. If they are not, standardize them before (`scale(x)`); equal coefficients
#' then mean equal effects of one standard deviation. `weights` are not rescaled: `lambda` has the meaning of the formula above.
#'
#' @section Other packages:
#' `genlasso::fusedlasso1d(y, X)` has no intercept and does not divide by n: its lambda is n times that of `intercept = FALSE` here (with
#' more columns than rows it adds a small ridge part, and differs by that). Its `gamma` is \eqn{\tau/(1-\tau)}, and its lambda then
#' \eqn{n (1-\tau)} times that here. The `lambda2` of `penalized::penalized(fusedl = TRUE)` is n
#' times `lambda`. For `flsa` and other fused lassos of a signal see [fused_lasso()], whose `lambda` and `lambda1` are \eqn{n(1-\tau)\lambda}
#' and \eqn{n\tau\lambda} when `x` is the identity.
#'
#' @section Method:
#' Without `asparse`: with \eqn{\theta_k = \beta_k - \beta_{k-1}} within a chain, \eqn{X\beta = Z\theta}, where column k of Z is the sum of the columns of x
#' from k to the end of its chain: a lasso in \eqn{\theta}, whose first element in each chain is not penalized. It is solved by the
#' same engine as every other, with screening, warm starts and certificates. Z is not formed: the sum of every 32nd column is stored
#' (for a sparse x of at most as many as it has entries), 3 % of the memory of a dense x, beside the
#' active columns of each fit. `gap` and `kkt` of a fit are those of the lasso in \eqn{\theta}, which are those of the problem in
#' \eqn{\beta}; [kkt()] computes them from `x` itself.
#'
#' With `asparse` or limits: a vector is the sum of its level sets, a level set is made of stretches, and the penalty adds up over
#' these. It is therefore the least \eqn{\sum_I f_I |c_I|} over all ways to write \eqn{\beta} as a sum of indicators of stretches I times
#' \eqn{c_I}, where \eqn{f_I} is the penalty of the indicator: again a lasso, with one column for each stretch of neighbours, the sum of the
#' columns of x in it. The p (p + 1) / 2 columns of a chain are not formed, but the engine keeps about 50 bytes for each and
#' for each fit of a cross-validation (25 MB and 250 MB for p = 1000; at most 50 million, 10,000 columns in one chain).
#' A dual point is feasible when no stretch has a sum of gradients beyond \eqn{\lambda f_I}: the
#' gap is exact for the problem in \eqn{\beta}.
#'
#' @section What a fit holds:
#' `beta` has the coefficients \eqn{\beta}, which without `asparse` are in general not sparse: a fit takes 12 bytes for each variable and lambda. `df` is the
#' number of stretches of nonzero coefficients: an unbiased estimate of the
#' degrees of freedom for `"gaussian"` with `alpha = 1` (Tibshirani and Taylor 2011, section 7, when columns are linearly independent;
#' without limits). [stretches()] lists them. `dfmax` and `pmax` of [sparsepath.control()] count steps, or the stretches that \eqn{\beta} is
#' a sum of. A chain whose columns sum to a constant has no level of its own beside an intercept; without `asparse` its first coefficient is then 0.
#'
#' With `relax = TRUE`, each [relaxed] fit has one free coefficient for each stretch of nonzero coefficients, and `maxp` counts stretches.
#'
#' @param chain A vector or factor with one value for each column, such as the chromosome: columns of equal value are one chain. There
#'   is no step from one chain to the next. The default `NULL` is one chain.
#' @param position Numbers, one for each column, that order the columns within their chains, such as positions in base pairs. Ties
#'   keep the order of the columns, which the default `NULL` takes as it is.
#' @param weights One number for each column, zero or positive: \eqn{v_k}, the weight of the step from its predecessor to it, for instance
#'   1 / distance. `Inf` forbids the step; 0 leaves it unpenalized. Those of the first columns of chains are not used. The default `NULL` is 1.
#' @param asparse \eqn{\tau}, the share of the penalty on coefficients, at least 0 and less than 1, as in [pen_sparse_group()]. The
#'   default 0 is a penalty on steps alone. Beside a step a coefficient counts little: with 0.1 a stretch of 20 columns at level b pays 1.8 |b| for
#'   its two steps and 2 |b| for its coefficients.
#' @returns `pen_fused()`: an object of class `"sparsepath_penalty"`, a list with `name`, `chain`, `position`, `weights`, `asparse`.
#' @section Errors:
#' `sparsepath_error_length` when an argument does not have one value for each column; `sparsepath_error_nonfinite`,
#' `sparsepath_error_range` and `sparsepath_error_type` for their values; `sparsepath_error_separation` when the levels of the chains alone fit
#' the response perfectly; `sparsepath_error_unavailable` for what cannot be combined:
#' `standardize = TRUE`, `exclude`, limits of coefficients other than 0, `penalty.factor` without `asparse`; and `alpha` < 1, `"mgaussian"`
#' or `type.multinomial = "grouped"` with `asparse` or limits; `sparsepath_error_range` also for more than 50 million stretches.
#' @references
#' Land SR, Friedman JH (1997). Variable fusion: a new adaptive signal regression method. Technical report 656, Department of
#' Statistics, Carnegie Mellon University.
#'
#' Tibshirani R, Saunders M, Rosset S, Zhu J, Knight K (2005). Sparsity and smoothness via the fused lasso. *Journal of the Royal
#' Statistical Society B*, 67(1), 91-108. \doi{10.1111/j.1467-9868.2005.00490.x}
#'
#' Tibshirani RJ, Taylor J (2011). The solution path of the generalized lasso. *Annals of Statistics*, 39(3), 1335-1371.
#' \doi{10.1214/11-AOS878}
#' @seealso [fused_lasso()] for signals, [pen_group()] for groups without an order.
#' @examples
#' # copy numbers of 80 tumours at 200 places on two chromosomes (simulated); a region of each matters
#' set.seed(1)
#' chromosome <- rep(1:2, c(120, 80))
#' steps <- function(m) cumsum(rbinom(m, 1, 0.05) * rnorm(m, sd = 0.5))
#' x <- t(replicate(80, c(steps(120), steps(80)))) + rnorm(80 * 200, sd = 0.2)
#' beta <- rep(c(0, 0.1, 0, -0.1, 0), c(40, 25, 85, 20, 30))
#' y <- rbinom(80, 1, plogis(drop(x %*% beta)))
#'
#' fit <- sparsepath(x, y, family = "binomial", penalty = pen_fused(chain = chromosome))
#' fit$df[c(1, 20, 40)]
#' stretches(fit, s = fit$lambda[20])
#' max(kkt(fit, x, y)$rel.gap)
#'
#' cv <- cv.sparsepath(x, y, family = "binomial", penalty = pen_fused(chain = chromosome), nfolds = 5)
#' plot(coef(cv, s = "lambda.min")[-1, ], type = "s", ylab = "coefficient")
#' lines(beta, type = "s", col = 2)
#'
#' # most regions at exactly zero: a share of the lasso
#' sparse <- cv.sparsepath(x, y, family = "binomial", nfolds = 5,
#'   penalty = pen_fused(chain = chromosome, asparse = 0.1))
#' subset(stretches(sparse, s = "lambda.min"), coefficient != 0)
#' max(kkt(sparse, x, y)$rel.gap)
#' @export
pen_fused <- function(chain = NULL, position = NULL, weights = NULL, asparse = 0) {
  call <- shown_call("pen_fused")
  if (!is.null(chain)) {
    if (!is.atomic(chain) || length(dim(chain)) > 1L) {
      sp_abort("type", "`chain` must be a vector or factor with one value for each column.", why = sprintf("It is %s.", describe(chain)),
        call = call, arg = "chain"
      )
    }
    if (anyNA(chain)) {
      sp_abort("nonfinite", "`chain` must not contain missing values.",
        why = sprintf("NA at %s%s.", at_position(which(is.na(chain))[1L], names(chain)), and_more(sum(is.na(chain)))), call = call, arg = "chain"
      )
    }
  }
  if (!is.null(position)) position <- check_numeric(position, "position", call)
  if (!is.null(weights)) weights <- check_numeric(weights, "weights", call, lower = 0, infinite = TRUE)
  asparse <- check_scalar(asparse, "asparse", call, lower = 0, upper = 1)
  if (asparse == 1) {
    sp_abort("range", "`asparse` must be less than 1.", why = "Nothing would be left of the penalty on steps.",
      how = "Leave out `penalty`: the lasso is the default.", call = call, arg = "asparse"
    )
  }
  new_penalty("fused", chain = chain, position = position, weights = weights, asparse = asparse)
}

#' @noRd
is_fused <- function(penalty) inherits(penalty, "sparsepath_penalty") && penalty$name == "fused"

#' What cannot be combined with it
#' @param joint Are the coefficients of all predictors penalized together?
#' @noRd
check_fused <- function(penalty, p, alpha, joint, standardize, exclude, penalty.factor, lower, upper, call) {
  refuse <- function(arg, why, how, with = "`pen_fused()`") {
    sp_abort("unavailable", sprintf("`%s` cannot be combined with %s.", arg, with), why = why, how = how, call = call, arg = sub(" .*", "", arg))
  }
  if (check_flag(standardize, "standardize", call)) {
    refuse("standardize = TRUE", "Coefficients of neighbours are compared in the units of the columns.",
      "Leave it out, or standardize the columns before: `scale(x)`.")
  }
  if (length(exclude)) refuse("exclude", NULL, "Leave the columns out of `x`.")
  if (!is.null(penalty.factor) && penalty$asparse == 0) {
    refuse("penalty.factor", "It multiplies the penalty on coefficients; here only steps have one.",
      "Give `pen_fused()` the `weights` of the steps, or `asparse` > 0.", "`pen_fused()` without `asparse`")
  }
  if (is.matrix(penalty.factor)) {
    refuse("penalty.factor", "It is a matrix, with factors of each class.", "Give one factor for each column.")
  }
  limits <- list(lower.limits = lower, upper.limits = upper)
  for (name in names(limits)) {
    bad <- which(limits[[name]] != 0 & is.finite(limits[[name]]))
    if (!length(bad)) next
    refuse(name, sprintf("`%s[%d]` is %s.", name, bad[1L], show_number(limits[[name]][bad[1L]])),
      "Limits of 0 are possible, which fix the sign of coefficients, and infinite ones.", "`pen_fused()` unless it is 0")
  }
  if (penalty$asparse > 0 || !is.null(lower) || !is.null(upper)) {
    what <- if (penalty$asparse > 0) "`pen_fused(asparse = )`" else "`pen_fused()` and limits"
    if (alpha < 1) refuse("alpha", sprintf("It is %s: part of the penalty would be on squared steps.", show_number(alpha)), "Use `alpha = 1`.", what)
    if (joint) {
      refuse("family", "The coefficients of all predictors have norms together.",
        "Use `type.multinomial = \"ungrouped\"`, or a fit for each response.", what)
    }
  }
  for (name in c("chain", "position", "weights")) {
    value <- penalty[[name]]
    if (is.null(value) || length(value) == p) next
    sp_abort("length", sprintf("`%s` of `pen_fused()` must have length %d, the number of columns of `x`.", name, p),
      why = sprintf("It has length %d.", length(value)), call = call, arg = name, value = length(value)
    )
  }
}

#' What is not penalized fits all by itself
#' @noRd
abort_levels <- function(call) {
  sp_abort("separation", "The levels of the chains separate the classes perfectly, or fit the response without error.",
    why = "They are not penalized: their best values are infinite.",
    how = "Use fewer chains, or centre the columns (and use an intercept), so that their sums say less.", call = call
  )
}

#' The chains of a penalty
#'
#' @return list(col, first: for the engine, 0-based columns by position and whether a chain starts there; columns: the columns of each
#'   chain in their order; v: the factor of each step, by position; with `asparse` or limits what interval_chains() adds)
#' @noRd
fused_chains <- function(penalty, p, call, penalty.factor = NULL, lower = NULL, upper = NULL) {
  chain <- match(penalty$chain %||% rep(1L, p), unique(penalty$chain %||% 1L))
  order <- order(chain, penalty$position %||% seq_len(p))
  first <- !duplicated(chain[order])
  v <- ifelse(first, 0, (penalty$weights %||% rep(1, p))[order])
  if (!any(v > 0 & is.finite(v))) {
    sp_abort("range", "`pen_fused()` must have a step to penalize.",
      why = if (all(first)) "Every column is a chain of its own." else "No step has a positive and finite weight.", call = call, arg = "penalty"
    )
  }
  chains <- list(col = order - 1L, first = as.integer(first), columns = unname(split(order, cumsum(first))), v = v)
  if (penalty$asparse == 0 && is.null(lower) && is.null(upper)) chains else interval_chains(chains, penalty, penalty.factor, lower, upper, call)
}

#' Those of a fit
#' @noRd
chains_of <- function(object) {
  s <- object$settings
  fused_chains(object$penalty, object$dim[1L], NULL, s$penalty.factor, s$lower.limits, s$upper.limits)
}

#' Coefficients of columns from steps, or products of running sums from those of columns (`back`)
#'
#' @param m Matrix with one row for each position; with `back` one row for each column.
#' @noRd
run_along <- function(m, chains, back = FALSE) {
  out <- m
  at <- 0L
  for (columns in chains$columns) {
    positions <- at + seq_along(columns)
    at <- at + length(columns)
    from <- if (back) rev(columns) else positions
    sums <- m[from, , drop = FALSE]
    if (length(from) > 1L) sums <- matrix(apply(sums, 2L, cumsum), length(from))
    out[if (back) rev(positions) else columns, ] <- sums
  }
  out
}

#' Steps, by position, of coefficients
#' @noRd
steps_of <- function(b, chains) {
  out <- b[chains$col + 1L, , drop = FALSE]
  if (nrow(out) > 1L) {
    before <- rbind(0, out[-nrow(out), , drop = FALSE])
    before[chains$first == 1L, ] <- 0
    out <- out - before
  }
  out
}

#' Are all penalized steps zero at the first lambda of a fit?
#' @noRd
no_steps <- function(object) {
  p <- object$dim[1L]
  chains <- chains_of(object)
  b <- as.matrix(stacked_beta(object$beta)[, 1L, drop = FALSE])
  if (by_intervals(chains) && any(matrix(b, p)[chains$col[chains$share > 0] + 1L, ] != 0)) return(FALSE)
  all(stacked_steps(b, chains, nrow(b) %/% p)[chains$v > 0, ] == 0) # factors are recycled over the predictors
}

#' Steps of coefficients of K predictors below each other
#' @noRd
stacked_steps <- function(b, chains, K) {
  p <- nrow(b) %/% K
  do.call(rbind, lapply(seq_len(K), function(k) steps_of(b[(k - 1L) * p + seq_len(p), , drop = FALSE], chains)))
}

#' Coefficients of one predictor as the engine has them, and how many it counts at each lambda: columns, or stretches
#' @return list(beta [p x L], count)
#' @noRd
engine_beta <- function(slots, p, dimnames, chains) {
  size <- length(slots$p) - 1L
  if (by_intervals(chains)) {
    beta <- coefficients_of_intervals(slots, p, dimnames, chains)
    return(list(beta = beta, count = as.integer(count_stretches(beta, chains)$all)))
  }
  beta <- engine_matrix(slots, c(p, size), dimnames)
  list(beta = if (is.null(chains)) beta else coefficients_of_steps(beta, chains), count = diff(slots$p))
}

#' A sparse matrix of steps as a sparse matrix of coefficients, some lambdas at a time
#' @noRd
coefficients_of_steps <- function(theta, chains) {
  names <- dimnames(theta)
  parts <- split(seq_len(ncol(theta)), (seq_len(ncol(theta)) - 1L) %/% max(1L, 2000000L %/% nrow(theta)))
  each <- lapply(unname(parts), function(l) {
    as(as(as(run_along(as.matrix(theta[, l, drop = FALSE]), chains), "dMatrix"), "generalMatrix"), "CsparseMatrix")
  })
  beta <- do.call(cbind, each)
  dimnames(beta) <- names
  beta
}

#' Weighted means of the running sums, and their variances
#' @noRd
running_moments <- function(x, center, w, chains) {
  size <- max(1L, 500000L %/% nrow(x))
  variance <- double(ncol(x))
  at <- ncol(x)
  for (columns in rev(chains$columns)) {
    sum <- double(nrow(x))
    for (block in split(rev(columns), (seq_along(columns) - 1L) %/% size)) {
      values <- as.matrix(x[, block, drop = FALSE])
      for (k in seq_along(block)) {
        sum <- sum + (values[, k] - center[block[k]])
        variance[at] <- sum(w * sum^2)
        at <- at - 1L
      }
    }
  }
  list(center = drop(run_along(matrix(center), chains, back = TRUE)), variance = variance)
}

#' A fit and its data in terms of steps, for what is known of the lasso
#'
#' Only the columns with a step at some lambda, and one that is penalized, so that factors can be rescaled.
#' @return list(object, data)
#' @noRd
fit_in_steps <- function(object, data) {
  chains <- chains_of(object)
  each <- if (is_several(object)) object$beta else list(object$beta)
  steps <- lapply(each, function(b) steps_of(as.matrix(b), chains))
  used <- sort(union(which(Reduce(`|`, lapply(steps, function(b) rowSums(b != 0) > 0))), which(chains$v > 0 & is.finite(chains$v))[1L]))
  data$x <- design_columns(data$x, used, chains)
  v <- chains$v[used]
  v[is.infinite(v)] <- 0 # without a step
  object$lambda <- object$lambda * mean(v)
  beta <- lapply(steps, function(b) as(as(as(b[used, , drop = FALSE], "dMatrix"), "generalMatrix"), "CsparseMatrix"))
  object$beta <- if (is_several(object)) structure(beta, names = names(object$beta)) else beta[[1L]]
  object$dim[1L] <- length(used)
  object$varnames <- NULL
  object$settings[c("penalty", "named", "penalty.factor")] <- list(NULL, FALSE, v)
  object["penalty"] <- list(NULL)
  list(object = object, data = data)
}

#' Columns of the design as the coefficients have them: of x, or running sums
#' @noRd
design_columns <- function(x, positions, chains) {
  if (is.null(chains)) return(as.matrix(x[, positions, drop = FALSE]))
  order <- chains$col + 1L
  end <- cumsum(lengths(chains$columns))[cumsum(chains$first)] # of the chain, by position
  members <- lapply(positions, function(k) order[k:end[k]])
  each <- rep(seq_along(members), lengths(members))
  if (ncol(x) * length(positions) > 5e6) {
    return(as.matrix(x %*% Matrix::sparseMatrix(i = unlist(members), j = each, x = 1, dims = c(ncol(x), length(positions)))))
  }
  unit <- matrix(0, ncol(x), length(positions))
  unit[cbind(unlist(members), each)] <- 1
  as.matrix(x %*% unit)
}

#' Stretches of equal coefficients
#'
#' For a fit with [pen_fused()]: the stretches of neighbouring columns that have one coefficient.
#'
#' @param object A fit of [sparsepath()] or [cv.sparsepath()] with `penalty = pen_fused()`.
#' @param s One lambda; for a cross-validation also `"lambda.min"` or `"lambda.1se"` (the default).
#' @returns A data frame with one row for each stretch: `chain`, `from` and `to` (names of its first and last column, in their order on
#'   the chain), `first` and `last` (their positions on the chain, or numbers of columns without `position`), `size` (number of columns)
#'   and `coefficient`. With several linear predictors a list of such, one for each.
#' @seealso [pen_fused()]
#' @examples
#' set.seed(1)
#' x <- matrix(rnorm(100 * 60), 100)
#' y <- drop(x[, 21:40] %*% rep(0.5, 20)) + rnorm(100)
#' fit <- sparsepath(x, y, penalty = pen_fused())
#' stretches(fit, s = fit$lambda[10])
#' @export
stretches <- function(object, s = NULL) {
  call <- shown_call("stretches")
  if (inherits(object, "cv.sparsepath")) {
    s <- chosen_lambda(object, s %||% "lambda.1se", call)
    object <- object$fit
  }
  if (!inherits(object, "sparsepath") || !is_fused(object$penalty)) {
    sp_abort("type", "`object` must be a fit with `penalty = pen_fused()`.", why = sprintf("It is %s.", describe(object)), call = call, arg = "object")
  }
  if (is.null(s) || length(s) != 1L) {
    sp_abort("length", "`s` must be one lambda.", why = sprintf("It has length %d.", length(s)), call = call, arg = "s", value = length(s))
  }
  beta <- coefficients_at(object, s, FALSE, NULL, call)$beta
  chains <- chains_of(object)
  if (is.list(beta)) return(lapply(beta, stretch_frame, object, chains))
  stretch_frame(beta, object, chains)
}

#' @noRd
stretch_frame <- function(beta, object, chains) {
  order <- chains$col + 1L
  b <- as.matrix(beta)[order, 1L]
  begins <- chains$first == 1L | c(TRUE, diff(b) != 0)
  from <- which(begins)
  to <- c(from[-1L] - 1L, length(b))
  chain <- object$penalty$chain %||% rep(1L, length(b))
  place <- object$penalty$position %||% seq_along(b)
  names <- object$varnames[order]
  data.frame(
    chain = chain[order][from], from = names[from], to = names[to], first = place[order][from], last = place[order][to],
    size = to - from + 1L, coefficient = unname(b[from]), stringsAsFactors = FALSE, row.names = NULL
  )
}
