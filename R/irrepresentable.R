#' The irrepresentable condition
#'
#' Whether the lasso can find a given support with given signs: if the variables outside are too much like a combination of those
#' inside, it cannot, however many observations there are.
#'
#' **Not verifiable from data.** The condition is about the true support and the true signs, which are what is looked for. It is of
#' use where they are known or assumed: in simulations, in teaching, or to see which of several conceivable truths the lasso could find with this
#' `x`. Applied to the support that a fit has selected it says nothing about whether that support is right.
#'
#' @section Condition:
#' With C the correlation matrix of the columns (second moments without `intercept` and `standardize`), 1 the support and 2 the rest,
#' \deqn{\max_j \left| C_{21} C_{11}^{-1} \mathrm{sign}(\beta_1) \right|_j < 1}{max | C21 C11^(-1) sign(beta1) | < 1}
#' (Zhao and Yu 2006, equation 2; necessary up to equality and, for a fixed number of variables, sufficient for selection with the right signs at
#' some lambda as n grows). Without signs, the largest value over all signs, \eqn{\max_j \sum_k |C_{21}C_{11}^{-1}|_{jk}}, which must be
#' below 1 for all of them to be found.
#'
#' @param x Variables, as in [sparsepath()].
#' @param support Columns of the true model: numbers, names or a logical vector.
#' @param sign Signs of their coefficients, one for each column of the support in its order, any numbers but 0; `NULL` (the default) for the worst
#'   case over all signs.
#' @param standardize,intercept As in [sparsepath()]: columns scaled to one size, and centred? Default `TRUE`.
#' @returns An object of class `"irrepresentable"`, a list: `value` (the maximum), `holds` (`value < 1`), `by.column` (the value for each column outside,
#'   decreasing in size), `support`, `sign`.
#' @section Errors:
#' `sparsepath_error_dependent` for a support with columns that are constant or depend on each other; `sparsepath_error_names`, `_range`,
#' `_length` for columns that `x` does not have; `sparsepath_error_length` and `_range` for signs.
#' @references
#' Zhao P, Yu B (2006). On model selection consistency of lasso. *Journal of Machine Learning Research*, 7, 2541-2563.
#'
#' Meinshausen N, Buehlmann P (2006). High-dimensional graphs and variable selection with the lasso. *Annals of Statistics*, 34(3),
#' 1436-1462. \doi{10.1214/009053606000000281}
#' @examples
#' # the third variable is much like the sum of the first two
#' set.seed(1)
#' x <- matrix(rnorm(300), 100)
#' x[, 3] <- 2 / 3 * (x[, 1] + x[, 2]) + rnorm(100) / 3
#' irrepresentable(x, 1:2, sign = c(1, 1))  # found too early, whatever lambda
#' irrepresentable(x, 1:2, sign = c(1, -1)) # no trouble with these signs
#' @export
irrepresentable <- function(x, support, sign = NULL, standardize = TRUE, intercept = TRUE) {
  call <- shown_call("irrepresentable")
  if (missing(x)) abort_missing("x", "Give the matrix of variables.", call)
  x <- check_x(encode_x(x, call), call)
  check_finite_matrix(x, "x", call)
  varnames <- colnames(x) %||% default_names(ncol(x))
  if (missing(support)) abort_missing("support", "Give the columns of the true model.", call)
  order_given <- check_columns(support, "support", ncol(x), varnames, call)
  if (!is.null(sign)) {
    sign <- base::sign(check_numeric(sign, "sign", call, n = length(order_given), of = "columns in `support`"))
    if (any(sign == 0)) sp_abort("range", "`sign` must not be 0.", why = sprintf("It is at position %d.", which(sign == 0)[1L]), call = call, arg = "sign")
  }
  standardize <- check_flag(standardize, "standardize", call)
  intercept <- check_flag(intercept, "intercept", call)
  n <- nrow(x)
  design <- column_moments(x, rep(1 / n, n), list(centred = intercept, standardize = standardize), call)
  flat <- order_given[design$constant[order_given]]
  if (length(flat)) {
    sp_abort("dependent", "The columns in `support` must vary.", why = sprintf("%s %s constant.", some_names(varnames[flat]), plural(length(flat), "is", "are")),
      call = call, arg = "support")
  }
  z <- (as.matrix(x[, order_given, drop = FALSE]) - rep(design$center[order_given], each = n)) / rep(design$scale[order_given], each = n)
  decomposition <- qr(z, tol = 1e-9)
  if (decomposition$rank < length(order_given)) {
    dependent <- order_given[decomposition$pivot[seq_along(order_given) > decomposition$rank]]
    sp_abort("dependent", "The columns in `support` must be linearly independent.",
      why = sprintf("%s %s on the others.", some_names(varnames[dependent]), plural(length(dependent), "depends", "depend")), call = call, arg = "support"
    )
  }
  others <- setdiff(which(!design$constant), order_given)
  # C21 C11^-1 is the regression of the columns outside on those inside
  inverse <- t(backsolve(qr.R(decomposition), t(qr.Q(decomposition)), k = length(order_given)))[, order(decomposition$pivot), drop = FALSE]
  weights <- scaled_crossprod(x, inverse, design)[others, , drop = FALSE]
  value <- if (is.null(sign)) rowSums(abs(weights)) else drop(weights %*% sign)
  names(value) <- varnames[others]
  value <- value[order(-abs(value))]
  most <- if (length(value)) abs(value[[1L]]) else 0
  structure(list(value = most, holds = most < 1, by.column = value, support = varnames[order_given], sign = sign), class = "irrepresentable")
}

#' Columns by number, name or logical vector, in the order given
#' @noRd
check_columns <- function(columns, arg, p, varnames, call) {
  if (is.character(columns)) {
    index <- match(columns, varnames)
    if (anyNA(index)) {
      near <- nearest(columns[is.na(index)][1L], varnames)
      sp_abort("names", sprintf("`%s` must name columns of `x`.", arg), why = sprintf("There is no column %s.", some_names(columns[is.na(index)])),
        how = if (length(near)) sprintf("Did you mean \"%s\"?", near), call = call, arg = arg)
    }
  } else if (is.logical(columns)) {
    if (length(columns) != p || anyNA(columns)) {
      sp_abort("length", sprintf("A logical `%s` must have %d values, one for each column of `x`, none of them missing.", arg, p),
        why = sprintf("It has %d.", length(columns)), call = call, arg = arg)
    }
    index <- which(columns)
  } else {
    index <- check_numeric(columns, arg, call, lower = 1, upper = p)
    if (any(index != round(index))) sp_abort("range", sprintf("`%s` must hold whole numbers.", arg), call = call, arg = arg)
    index <- as.integer(index)
  }
  if (!length(index)) sp_abort("length", sprintf("`%s` must have at least one column.", arg), why = "It is empty.", call = call, arg = arg)
  if (anyDuplicated(index)) sp_abort("range", sprintf("`%s` must not repeat a column.", arg), why = sprintf("Column %d occurs twice.", index[duplicated(index)][1L]), call = call, arg = arg)
  index
}

#' @method print irrepresentable
#' @export
print.irrepresentable <- function(x, ...) {
  cat(sprintf("Irrepresentable condition for %d %s%s: %s (%s %s 1)\n", length(x$support), plural(length(x$support), "column"),
    if (is.null(x$sign)) ", any signs" else "", if (x$holds) "holds" else "does not hold", format(x$value, digits = 4), if (x$holds) "<" else ">="))
  top <- utils::head(x$by.column, 5L)
  if (length(top)) print(signif(top, 4))
  cat("It is a statement about this support; that the true support satisfies it cannot be verified from data.\n")
  invisible(x)
}
