# The validators: one per argument, used by every function that has the argument
# (x and y have files of their own, check-x.R and check-y.R). Each returns the
# value in the form the engine and the methods use, or raises a classed error that
# names the argument, the offending value, its position, and what is allowed.
#
# Slugs: type, length, nonfinite, range, choice, dimension, names, unknown_argument,
# missing_argument, unavailable, function, constant_y, all_zero, one_class, no_event, folds, data, corrupt,
# levels, formula.

# ---- building blocks ---------------------------------------------------------

#' Numeric vector without missing values
#'
#' @param n Required length, or NULL; `scalar = TRUE` also allows length 1.
#' @param of What `n` counts, for the message.
#' @param infinite Are infinite values allowed?
#' @param lower,upper Range, inclusive.
#' @noRd
check_numeric <- function(x, arg, call, n = NULL, of = NULL, scalar = FALSE, infinite = FALSE,
                          lower = -Inf, upper = Inf) {
  if (is.matrix(x) && ncol(x) == 1L) x <- x[, 1L]
  if (!is.numeric(x) || is.array(x) && length(dim(x)) > 1L) {
    sp_abort("type", sprintf("`%s` must be a numeric vector.", arg),
      why = sprintf("It is %s.", describe(x)), call = call, arg = arg
    )
  }
  labels <- names(x)
  x <- as.double(x)
  if (!is.null(n) && length(x) != n && !(scalar && length(x) == 1L)) {
    sp_abort("length", sprintf("`%s` must have length %d%s%s.", arg, n,
      if (scalar) " or 1" else "", if (is.null(of)) "" else sprintf(", the number of %s", of)),
      why = sprintf("It has length %d.", length(x)), call = call, arg = arg, value = length(x)
    )
  }
  bad <- if (infinite) is.na(x) else !is.finite(x)
  if (any(bad)) {
    first <- which(bad)[1L]
    sp_abort("nonfinite", sprintf("`%s` must not contain missing%s values.", arg, if (infinite) "" else " or infinite"),
      why = sprintf("%s at %s%s.", show_number(x[first]), at_position(first, labels), and_more(sum(bad))),
      call = call, arg = arg, position = first, value = x[first]
    )
  }
  out <- x < lower | x > upper
  if (any(out)) {
    first <- which(out)[1L]
    sp_abort("range", sprintf("`%s` must be %s.", arg, show_range(lower, upper)),
      why = sprintf("It is %s at %s%s.", show_number(x[first]), at_position(first, labels), and_more(sum(out))),
      call = call, arg = arg, position = first, value = x[first]
    )
  }
  x
}

#' @noRd
and_more <- function(count) if (count > 1L) sprintf(", and %d more", count - 1L) else ""

#' @noRd
show_range <- function(lower, upper) {
  if (upper == Inf) {
    if (lower == 0) "zero or positive" else sprintf("%s or larger", show_number(lower))
  } else if (lower == -Inf) {
    if (upper == 0) "zero or negative" else sprintf("%s or smaller", show_number(upper))
  } else {
    sprintf("between %s and %s", show_number(lower), show_number(upper))
  }
}

#' One number
#' @param open Exclude the ends of the range.
#' @noRd
check_scalar <- function(x, arg, call, lower = -Inf, upper = Inf, infinite = FALSE, open = FALSE, integer = FALSE) {
  if (!is.numeric(x) || length(x) != 1L || is.na(x)) {
    sp_abort("type", sprintf("`%s` must be one number%s.", arg, scalar_range(lower, upper, open)),
      why = sprintf("It is %s.", describe(x)), call = call, arg = arg, value = x
    )
  }
  x <- as.double(x)
  outside <- x < lower || x > upper || (open && (x == lower || x == upper)) || (!infinite && !is.finite(x))
  if (outside || (integer && is.finite(x) && x != round(x))) {
    sp_abort("range", sprintf("`%s` must be one %s%s.", arg, if (integer) "whole number" else "number",
      scalar_range(lower, upper, open)),
      why = sprintf("It is %s.", show_number(x)), call = call, arg = arg, value = x
    )
  }
  x
}

#' @noRd
scalar_range <- function(lower, upper, open) {
  if (lower == -Inf && upper == Inf) return("")
  if (upper == Inf) return(if (open) sprintf(" larger than %s", show_number(lower)) else sprintf(", %s or larger", show_number(lower)))
  sprintf(" %sbetween %s and %s", if (open) "strictly " else "", show_number(lower), show_number(upper))
}

#' TRUE or FALSE
#' @noRd
check_flag <- function(x, arg, call) {
  if (!is.logical(x) || length(x) != 1L || is.na(x)) {
    sp_abort("type", sprintf("`%s` must be TRUE or FALSE.", arg),
      why = sprintf("It is %s.", describe(x)), call = call, arg = arg
    )
  }
  as.logical(x)
}

#' One of a few strings; unique beginnings are enough, as in match.arg()
#' @noRd
check_choice <- function(x, choices, arg, call) {
  if (identical(x, choices)) return(choices[1L])
  if (is.character(x) && length(x) == 1L && !is.na(x)) {
    found <- pmatch(x, choices)
    if (!is.na(found)) return(choices[found])
  }
  near <- if (is.character(x) && length(x) == 1L) nearest(x, choices)
  sp_abort("choice", sprintf("`%s` must be one of %s.", arg, and_list(sprintf("\"%s\"", choices), " or ")),
    why = sprintf("It is %s.", describe(x)),
    how = if (length(near)) sprintf("Did you mean \"%s\"?", near), call = call, arg = arg, value = x
  )
}

#' A required argument was left out
#' @noRd
abort_missing <- function(arg, what, call) {
  sp_abort("missing_argument", sprintf("`%s` is missing.", arg), how = what, call = call, arg = arg)
}

#' @noRd
abort_no_data <- function(arg, call) abort_missing(arg, "The fit holds no data: give `x` and `y`.", call)

# ---- arguments that do not exist ----------------------------------------------

#' Arguments of glmnet that live elsewhere or do not exist here
#' @noRd
moved_arguments <- function() {
  inside <- function(a) sprintf("Use `control = sparsepath.control(%s = )`.", a)
  c(
    vapply(c(thresh = "thresh", maxit = "maxit", dfmax = "dfmax", pmax = "pmax", trace.it = "trace.it",
      fdev = "fdev", devmax = "devmax", threads = "threads"), inside, ""),
    type.gaussian = "There is one solver; leave the argument out.",
    type.logistic = "There is one solver, with exact Newton steps; leave the argument out.",
    parallel = "Folds are solved together; use `control = sparsepath.control(threads = )`.",
    alignment = "All folds share the lambdas of the full fit (\"lambda\"); leave the argument out.",
    gamma = "It belongs to `cv.sparsepath()`, and to `predict()` and `coef()` of a fit with `relax = TRUE`.",
    formula = "A formula must come first: `sparsepath(y ~ x1 + x2, data)`.",
    data = "It belongs to a formula: `sparsepath(y ~ x1 + x2, data)`."
  )
}

#' Refuse whatever arrived in `...`
#'
#' @param dots Expressions of the dots, from `dots_of(...)`.
#' @param known Arguments to compare a misspelt name with.
#' @noRd
check_dots <- function(dots, known, call) {
  if (!length(dots)) return(invisible())
  given <- names(dots)
  if (is.null(given)) given <- rep("", length(dots))
  name <- given[1L]
  if (!nzchar(name)) {
    sp_abort("unknown_argument", "An argument without a name is not expected here.",
      why = sprintf("It is `%s`.", paste(deparse(dots[[1L]], nlines = 1L), collapse = "")),
      how = "Name every argument after `x` and `y`.", call = call
    )
  }
  moved <- moved_arguments()
  twin <- intersect(c(s = "lambda", lambda = "s")[name], known) # methods of paths of one kind say s, those of the other lambda
  near <- if (length(twin)) twin else nearest(name, known)
  sp_abort("unknown_argument", sprintf("`%s` is not an argument of `%s()`.", name, as.character(call[[1L]])),
    how = if (name %in% names(moved)) moved[[name]] else if (length(near)) sprintf("Did you mean `%s`?", near),
    call = call, arg = name, suggestion = near
  )
}

#' The expressions in `...`, none of them evaluated
#' @noRd
dots_of <- function(...) as.list(substitute(list(...)))[-1L]

#' Names of the arguments of a fit
#' @noRd
fit_arguments <- function() setdiff(names(formals(sparsepath.default)), "...")

#' @noRd
check_ties <- function(ties, call) {
  if (identical(ties, c("breslow", "efron"))) return("breslow")
  check_choice(ties, c("breslow", "efron"), "cox.ties", call)
}

# ---- other arguments of a fit ------------------------------------------------------

#' @noRd
check_weights <- function(weights, n, call, arg = "weights") {
  if (is.null(weights)) return(rep(1, n))
  weights <- check_numeric(weights, arg, call, n = n, of = "rows of `x`", lower = 0)
  if (all(weights == 0)) {
    sp_abort("range", sprintf("`%s` must have a positive value.", arg), why = "All are zero.", call = call, arg = arg)
  }
  total <- sum(weights)
  if (!is.finite(total) || total < 1e-290) weights <- weights / max(weights)
  weights
}

#' @noRd
check_offset <- function(offset, n, call, arg = "offset") {
  if (is.null(offset)) return(NULL)
  check_numeric(offset, arg, call, n = n, of = "rows of `x`")
}

#' @noRd
check_alpha <- function(alpha, call) check_scalar(alpha, "alpha", call, lower = 0, upper = 1)

#' Lambdas in decreasing order, as glmnet sorts them
#' @noRd
check_lambda <- function(lambda, call, arg = "lambda") {
  if (is.null(lambda)) return(NULL)
  lambda <- check_numeric(lambda, arg, call, lower = 0)
  if (!length(lambda)) sp_abort("length", sprintf("`%s` must have at least one value.", arg), why = "It is empty.", call = call, arg = arg)
  sort(lambda, decreasing = TRUE)
}

#' @noRd
check_nlambda <- function(nlambda, call) {
  as.integer(check_scalar(nlambda, "nlambda", call, lower = 1, upper = 1e6, integer = TRUE))
}

#' @noRd
check_lambda_min_ratio <- function(ratio, n, p, call) {
  if (is.null(ratio)) return(if (n < p) 0.01 else 1e-4)
  check_scalar(ratio, "lambda.min.ratio", call, lower = 0, upper = 1, open = TRUE)
}

#' Indices of the columns to leave out
#' @noRd
check_exclude <- function(exclude, p, varnames, call) {
  if (is.null(exclude) || length(exclude) == 0L) return(integer())
  if (is.character(exclude)) {
    index <- match(exclude, varnames)
    if (anyNA(index)) {
      unknown <- exclude[is.na(index)]
      near <- nearest(unknown[1L], varnames)
      sp_abort("names", "`exclude` must name columns of `x`.",
        why = sprintf("There is no column %s.", some_names(unknown)),
        how = if (length(near)) sprintf("Did you mean \"%s\"?", near), call = call, arg = "exclude", value = unknown
      )
    }
    return(sort(unique(index)))
  }
  if (is.logical(exclude)) {
    if (length(exclude) != p || anyNA(exclude)) {
      sp_abort("length", sprintf("A logical `exclude` must have %d values, one for each column of `x`, none of them missing.", p),
        why = sprintf("It has %d%s.", length(exclude), if (anyNA(exclude)) ", some missing" else ""), call = call, arg = "exclude"
      )
    }
    return(which(exclude))
  }
  exclude <- check_numeric(exclude, "exclude", call, lower = 1, upper = p)
  if (any(exclude != round(exclude))) {
    sp_abort("range", "`exclude` must hold whole numbers.",
      why = sprintf("It has %s.", show_number(exclude[exclude != round(exclude)][1L])), call = call, arg = "exclude"
    )
  }
  sort(unique(as.integer(exclude)))
}

#' Penalty factors, rescaled to sum to p; Inf for columns left out
#'
#' Columns left out count as 1 in the sum.
#' @noRd
check_penalty_factor <- function(penalty.factor, exclude, p, call, classes = 1L) {
  out <- rep(FALSE, p)
  out[exclude] <- TRUE
  if (is.null(penalty.factor)) {
    v <- rep(1, p)
  } else if (is.matrix(penalty.factor) && is.numeric(penalty.factor) && ncol(penalty.factor) > 1L && classes > 1L) {
    if (!identical(dim(penalty.factor), c(p, classes))) {
      sp_abort("length", sprintf("`penalty.factor` must have length %d or be a %d x %d matrix, columns of `x` by classes.", p, p, classes),
        why = sprintf("It is %s.", describe(penalty.factor)), call = call, arg = "penalty.factor", value = dim(penalty.factor)
      )
    }
    v <- matrix(check_numeric(as.vector(penalty.factor), "penalty.factor", call, infinite = TRUE, lower = 0), p)
  } else {
    v <- check_numeric(penalty.factor, "penalty.factor", call, n = p, of = "columns of `x`", infinite = TRUE, lower = 0)
  }
  out <- v == Inf | out
  if (all(out)) {
    sp_abort("range", "At least one column of `x` must stay in the model.",
      why = "All are left out by `exclude` or an infinite `penalty.factor`.", call = call, arg = "exclude"
    )
  }
  if (all(v[!out] == 0)) {
    sp_abort("range", "`penalty.factor` must have a positive value.",
      why = "All are zero, so that nothing is penalized.", how = "For an unpenalized fit use `lambda = 0`.",
      call = call, arg = "penalty.factor"
    )
  }
  v[out] <- Inf
  rescale_factors(v)
}

#' Mean 1; infinite factors count as 1
#' @noRd
rescale_factors <- function(v) {
  out <- v == Inf
  v[out] <- 1
  if (all(v[!out] == 0)) v[!out] <- 0 else v <- v * (length(v) / sum(v))
  v[out] <- Inf
  v
}

#' Box limits of the coefficients: NULL when there are none
#' @noRd
check_limits <- function(limits, side, p, call) {
  arg <- paste0(side, ".limits")
  limits <- check_numeric(limits, arg, call, n = p, of = "columns of `x`", scalar = TRUE, infinite = TRUE,
    lower = if (side == "lower") -Inf else 0, upper = if (side == "lower") 0 else Inf)
  if (all(is.infinite(limits))) return(NULL)
  rep_len(limits, p)
}

#' @noRd
check_control <- function(control, call) {
  if (inherits(control, "sparsepath.control")) return(control)
  if (!is.list(control) || (length(control) && is.null(names(control)))) {
    sp_abort("type", "`control` must come from `sparsepath.control()`.",
      why = sprintf("It is %s.", describe(control)), call = call, arg = "control"
    )
  }
  unknown <- setdiff(names(control), names(formals(sparsepath.control)))
  if (length(unknown)) {
    near <- nearest(unknown[1L], names(formals(sparsepath.control)))
    sp_abort("unknown_argument", sprintf("`control` has no entry `%s`.", unknown[1L]),
      how = if (length(near)) sprintf("Did you mean `%s`?", near), call = call, arg = unknown[1L]
    )
  }
  do.call(sparsepath.control, control)
}

#' Lambdas asked for in coef() and predict()
#' @noRd
check_s <- function(s, call) {
  if (is.character(s)) {
    sp_abort("type", "`s` must be numeric for a path.",
      why = sprintf("It is %s.", describe(s)),
      how = "\"lambda.min\" and \"lambda.1se\" belong to fits of `cv.sparsepath()`.", call = call, arg = "s"
    )
  }
  labels <- names(s)
  s <- check_numeric(s, "s", call, lower = 0)
  if (!length(s)) sp_abort("length", "`s` must have at least one value.", why = "It is empty.", call = call, arg = "s")
  names(s) <- labels
  s
}
