#' Certificate of optimality for any coefficients
#'
#' Computes, in R and independently of the solver, how near coefficients are to
#' the optimum of the problem that [sparsepath()] states: the objective, a lower
#' bound of its minimum (the dual value), their difference (the duality gap), and
#' the largest violation of the optimality conditions. The coefficients may come
#' from [sparsepath()], from another package, or from anywhere.
#'
#' The minimum of the objective lies between `dual` and `objective`. The dual
#' point is made from the residuals: intercept and unpenalized coefficients are
#' first brought to their optimum, then the residuals are shrunk, if necessary,
#' until they satisfy the constraints of the dual. The gap is summed from
#' terms that are non-negative each (Fenchel-Young), so it suffers no
#' cancellation and is never negative.
#'
#' @param object A fit of [sparsepath()] or [cv.sparsepath()]; or a list with
#'   `a0`, `beta` and `lambda`, such as a fit of glmnet for one response; or coefficients: a
#'   vector, matrix or Matrix with the intercept in the first row, one row for
#'   each column of `x`, and one column for each lambda.
#' @param x,y Data, as in [sparsepath()].
#' @param weights,offset As used in the fit; a fit of [sparsepath()] insists on
#'   them if they were used.
#' @param s For a fit: lambdas at which to certify its (interpolated)
#'   coefficients; by default those of the path.
#' @param lambda The lambda of each column, if `object` is not a fit.
#' @param family,alpha,standardize,intercept,exclude,penalty.factor,lower.limits,upper.limits,cox.ties,type.multinomial,standardize.response
#'   The problem, as in [sparsepath()], if `object` is not a fit of it.
#' @param penalty As in [sparsepath()]. With MCP and SCAD there is no lower bound of the minimum: `dual` is `NA`, and `gap` is that
#'   of the local linear approximation, see [pen_mcp()].
#' @param ... Must be empty.
#' @returns A data frame with one row per lambda:
#' \describe{
#'   \item{`lambda`, `df`}{lambda and number of nonzero coefficients}
#'   \item{`objective`}{value of the objective; `Inf` if a limit is violated, and for Cox regression where linear predictors are
#'     further than 600 apart, so that sums over risk sets vanish in double precision}
#'   \item{`dual`}{lower bound of the minimum}
#'   \item{`gap`}{`objective - dual`}
#'   \item{`rel.gap`}{gap divided by the objective of the null model}
#'   \item{`kkt`}{largest violation of the optimality conditions in units of
#'     lambda (for `lambda = 0`, of the largest gradient of the null model)}
#' }
#' @section Errors:
#' `sparsepath_error_missing_argument` without data, `lambda`, or weights and offset that the fit had; `sparsepath_error_type` and `_nonfinite` for
#' coefficients that are no fit or not finite; and those of [sparsepath()] for the data.
#' @references
#' Fercoq O, Gramfort A, Salmon J (2015). Mind the duality gap: safer rules for
#' the lasso. *Proceedings of the 32nd International Conference on Machine
#' Learning*, PMLR 37, 333-342.
#' @examples
#' x <- log2(colon$x)
#' fit <- sparsepath(x, colon$y, family = "binomial", lambda.min.ratio = 0.1)
#' certificate <- kkt(fit, x, colon$y)
#' max(certificate$rel.gap)
#'
#' # the gap of coefficients that are not optimal
#' b <- coef(fit, s = 0.05)
#' b[2, 1] <- 0.1
#' kkt(b, x, colon$y, lambda = 0.05, family = "binomial")
#' @export
kkt <- function(object, ...) {
  UseMethod("kkt")
}

#' @rdname kkt
#' @export
kkt.sparsepath <- function(object, x, y, weights = NULL, offset = NULL, s = NULL, ...) {
  call <- shown_call("kkt")
  check_dots(dots_of(...), names(formals(kkt.sparsepath)), call)
  if (missing(x)) abort_no_data("x", call)
  data <- data_of_fit(object, x, if (!missing(y)) y, weights, offset, call)
  if (is.null(data$y)) abort_no_data("y", call)
  setup <- setup_again(object, data, call)
  b <- coefficients_at(object, s, FALSE, NULL, call)
  certify(b$a0, b$beta, if (is.null(s)) object$lambda else s, setup)
}

#' @rdname kkt
#' @export
kkt.cv.sparsepath <- function(object, x, y, ...) kkt(object$fit, x, y, ...)

#' @rdname kkt
#' @export
kkt.default <- function(object, x, y, lambda = NULL, family = NULL, weights = NULL, offset = NULL, alpha = 1,
                        standardize = !is_fused(penalty), intercept = TRUE, exclude = NULL, penalty.factor = NULL,
                        lower.limits = -Inf, upper.limits = Inf, cox.ties = c("breslow", "efron"),
                        type.multinomial = c("ungrouped", "grouped"), standardize.response = FALSE, penalty = NULL, ...) {
  call <- shown_call("kkt")
  check_dots(dots_of(...), names(formals(kkt.default)), call)
  setup <- setup_problem(
    x, y, family, weights, offset, alpha = alpha, standardize = standardize, intercept = intercept, exclude = exclude,
    penalty.factor = penalty.factor, lower.limits = lower.limits, upper.limits = upper.limits,
    cox.ties = cox.ties, type.multinomial = type.multinomial, standardize.response = standardize.response, penalty = penalty, call = call
  )
  K <- setup$problem$predictors
  b <- if (K > 1L) check_several(object, ncol(setup$x), K, call)
    else check_coefficients(object, ncol(setup$x), setup$problem$family != "cox", call)
  lambda <- lambda %||% b$lambda
  if (is.null(lambda)) abort_missing("lambda", "Give the lambda of each column of the coefficients.", call)
  lambda <- check_numeric(lambda, "lambda", call, n = NCOL(if (K > 1L) b$a0 else t(b$a0)), of = "columns of the coefficients", lower = 0)
  certify(b$a0, b$beta, lambda, setup)
}

#' Coefficients as list(a0, beta, lambda)
#' @noRd
check_coefficients <- function(object, p, intercept, call) {
  refuse <- function(why) {
    sp_abort("type", sprintf("`object` must be a fit or coefficients%s.", if (intercept) " with the intercept in the first row" else ""), why = why, call = call, arg = "object")
  }
  if (is.list(object) && all(c(if (intercept) "a0", "beta", "lambda") %in% names(object)) && !is.list(object$beta)) {
    b <- list(a0 = if (intercept) as.double(object$a0) else double(ncol(object$beta)), beta = object$beta, lambda = object$lambda)
  } else {
    if (is.numeric(object) && is.null(dim(object))) object <- matrix(object)
    if (!is.matrix(object) && !is(object, "Matrix")) refuse(sprintf("It is %s.", describe(object)))
    if (nrow(object) != p + intercept) refuse(sprintf("It has %d rows; `x` has %d columns.", nrow(object), p))
    b <- if (intercept) list(a0 = as.double(object[1L, ]), beta = object[-1L, , drop = FALSE]) else list(a0 = double(ncol(object)), beta = object)
  }
  if (nrow(b$beta) != p) refuse(sprintf("It has %d coefficients; `x` has %d columns.", nrow(b$beta), p))
  if (is.matrix(b$beta)) storage.mode(b$beta) <- "double"
  b$beta <- as(as(as(b$beta, "dMatrix"), "generalMatrix"), "CsparseMatrix")
  if (!all(is.finite(b$a0)) || !all(is.finite(b$beta@x))) {
    sp_abort("nonfinite", "The coefficients must be finite.", call = call, arg = "object")
  }
  b
}

#' The same with K predictors: a fit with lists, or a list of K matrices
#' @noRd
check_several <- function(object, p, K, call) {
  each <- if (is.list(object) && is.list(object$beta)) {
    lapply(seq_along(object$beta), function(k) list(a0 = object$a0[k, ], beta = object$beta[[k]], lambda = object$lambda))
  } else {
    object
  }
  if (!is.list(each) || length(each) != K) {
    sp_abort("type", sprintf("`object` must be a fit with %d classes, or a list of %d matrices of coefficients.", K, K),
      why = sprintf("It is %s.", describe(object)), call = call, arg = "object"
    )
  }
  parts <- lapply(each, check_coefficients, p = p, intercept = TRUE, call = call)
  list(a0 = do.call(rbind, lapply(parts, `[[`, "a0")), beta = lapply(parts, `[[`, "beta"), lambda = object$lambda)
}
