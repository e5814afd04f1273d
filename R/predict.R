#' Coefficients and predictions of a path
#'
#' `coef()` gives coefficients, `predict()` linear predictors, fitted values,
#' classes, coefficients or the selected variables, at the lambdas of the path
#' or at any others.
#'
#' Between two lambdas of the path the coefficients are interpolated linearly in
#' lambda, as glmnet does; on the default grid that is accurate, on a coarse
#' one it may not be. `exact = TRUE` fits the model at the lambdas asked for
#' instead; as the fit holds no data, `x` and `y` (and `weights` and `offset`,
#' if they were used) must be given again. They are checked against the fit.
#'
#' An `s` outside the path gives the nearest solution with a warning of class
#' `sparsepath_warning_s_outside`, unless that solution is right because all
#' coefficients are zero there anyway.
#'
#' @param object A fit of [sparsepath()].
#' @param newx New data, as `x` of [sparsepath()]. If both it and the training data have
#'   column names, columns are matched by name, so that their order does not
#'   matter, further columns are ignored, and missing ones are an error. A
#'   plain vector is taken as one observation. For a fit that was given a formula or
#'   a data frame with factors: a data frame with the same variables, expanded as
#'   for the fit; missing variables and new levels are errors that name them. With a
#'   formula, incomplete rows give `NA`.
#' @param newdata The same as `newx`, under the name used by `lm()`.
#' @param s Lambdas; the default is the path's own. Columns of the result are
#'   named by the names of `s` or else `s=<value>`; without `s` they are `s0`, `s1`, ...
#' @param type `"link"`: linear predictor. `"response"`: the same for
#'   `"gaussian"`, probability of the second class for `"binomial"`, of each class for `"multinomial"`.
#'   `"coefficients"`: as `coef()`. `"nonzero"`: a list with the indices of the
#'   nonzero coefficients for each lambda (`NULL` for none). `"class"` (binomial
#'   and multinomial): the most probable class.
#' @param exact Refit at the values of `s` that are not on the path, instead of
#'   interpolating?
#' @param newoffset Offsets of the new observations; required if the path was
#'   fitted with an offset. `offset()` terms of a formula are computed from `newx`,
#'   unless `newoffset` is given.
#' @param x,y,weights,offset The data of the fit, for `exact = TRUE` and for `t`. For a fit with a formula the data frame,
#'   as `x`, is enough: response, weights, offset and subset are found in it as they were.
#' @param t Budgets for the L1 norm, instead of lambdas: the constrained form of the lasso, see [budget()].
#' @param ... Must be empty.
#' @returns `coef()`: a sparse `dgCMatrix` with one row for the intercept and
#'   one for each column of `x`, one column for each lambda; with several classes a list of such, one for each.
#'   `predict()`: a matrix of observations by lambdas; for `"link"` and `"response"` with several classes an array of
#'   observations by classes by lambdas (for `"link"`, `"response"`, `"class"`),
#'   otherwise see `type`.
#' @seealso [coef.cv.sparsepath()] for the chosen lambda.
#' @examples
#' x <- log2(colon$x)
#' fit <- sparsepath(x, colon$y, family = "binomial", lambda.min.ratio = 0.1)
#' predict(fit, newx = x[1:3, ], s = c(0.1, 0.05), type = "response")
#'
#' # exactly at these lambdas, not interpolated
#' coef(fit, s = 0.05, exact = TRUE, x = x, y = colon$y)[1:3, ]
#' @export
predict.sparsepath <- function(object, newx, s = NULL, type = c("link", "response", "coefficients", "nonzero", "class"),
                               exact = FALSE, newoffset = NULL, x = NULL, y = NULL, weights = NULL, offset = NULL,
                               newdata = NULL, ...) {
  call <- shown_call("predict")
  check_dots(dots_of(...), names(formals(predict.sparsepath)), call)
  type <- check_type(type, object$family, call)
  b <- coefficients_at(object, s, check_flag(exact, "exact", call), list(x = x, y = y, weights = weights, offset = offset), call)
  if (type == "coefficients") return(coefficient_rows(object, b))
  if (type == "nonzero") return(if (is.list(b$beta)) lapply(b$beta, nonzero_rows) else nonzero_rows(b$beta))
  if (!is.null(newdata)) newx <- newdata
  if (missing(newx)) abort_missing("newx", sprintf("Give the data to predict; only `type = \"coefficients\"` and \"nonzero\" do without."), call)
  eta <- linear_predictor(object, b, newx, newoffset, call)
  switch(type, link = eta, response = family_traits(object$family)$linkinv(eta), class = to_classes(eta, object))
}

#' @rdname predict.sparsepath
#' @export
coef.sparsepath <- function(object, s = NULL, exact = FALSE, x = NULL, y = NULL, weights = NULL, offset = NULL, t = NULL, ...) {
  call <- shown_call("coef")
  check_dots(dots_of(...), names(formals(coef.sparsepath)), call)
  if (!is.null(t)) {
    if (!is.null(s)) sp_abort("unknown_argument", "Give `s` or `t`, not both.", call = call, arg = "t")
    return(spend(object, t, list(x = x, y = y, weights = weights, offset = offset), call)$coef)
  }
  exact <- check_flag(exact, "exact", call)
  b <- coefficients_at(object, s, exact, list(x = x, y = y, weights = weights, offset = offset), call)
  coefficient_rows(object, b)
}

#' Predictions and coefficients at the chosen lambda
#'
#' As [predict.sparsepath()] and [coef.sparsepath()], at the lambda chosen by
#' cross-validation.
#'
#' @param object A fit of [cv.sparsepath()].
#' @param newx New data.
#' @param s `"lambda.1se"`, the largest lambda whose error is within one
#'   standard error of the smallest, the default as in glmnet; `"lambda.min"`,
#'   the lambda with the smallest error; or numbers.
#' @param ... Further arguments of [predict.sparsepath()] or
#'   [coef.sparsepath()], such as `type`.
#' @returns As [predict.sparsepath()] and [coef.sparsepath()].
#' @examples
#' set.seed(1)
#' cv <- cv.sparsepath(log2(colon$x), colon$y, family = "binomial", nfolds = 5)
#' b <- coef(cv, s = "lambda.min")
#' b[b[, 1] != 0, ]
#' @export
predict.cv.sparsepath <- function(object, newx, s = c("lambda.1se", "lambda.min"), ...) {
  s <- chosen_lambda(object, s, shown_call("predict"))
  if (missing(newx)) predict(object$fit, s = s, ...) else predict(object$fit, newx, s = s, ...)
}

#' @rdname predict.cv.sparsepath
#' @export
coef.cv.sparsepath <- function(object, s = c("lambda.1se", "lambda.min"), ...) {
  if (missing(s) && "t" %in% names(dots_of(...))) return(coef(object$fit, ...)) # a budget in place of a lambda
  coef(object$fit, s = chosen_lambda(object, s, shown_call("coef")), ...)
}

#' @noRd
chosen_lambda <- function(object, s, call) {
  if (is.numeric(s)) return(s)
  s <- check_choice(s, c("lambda.1se", "lambda.min"), "s", call)
  structure(object[[s]], names = s)
}

#' @noRd
check_type <- function(type, family, call) {
  type <- check_choice(type, c("link", "response", "coefficients", "nonzero", "class"), "type", call)
  if (type == "class" && !has_classes(family)) {
    sp_abort("choice", "`type = \"class\"` needs a fit with `family = \"binomial\"` or \"multinomial\".",
      why = sprintf("The family is %s.", family_label(family)), call = call, arg = "type"
    )
  }
  type
}

# ---- coefficients at any lambda ------------------------------------------------

#' @return list(a0, beta) with one column for each lambda asked for; with several predictors a0 is K x L and beta a list
#' @noRd
coefficients_at <- function(object, s, exact, data, call) {
  if (is.null(object$a0)) object$a0 <- double(length(object$lambda)) # no intercept in the model
  if (is.null(s)) return(list(a0 = object$a0, beta = object$beta))
  s <- check_s(s, call)
  labels <- names(s) %||% paste0("s=", format(s))
  if (exact && !all(s %in% object$lambda)) {
    object <- refit_at(object, s, data, call)
    if (is.null(object$a0)) object$a0 <- double(length(object$lambda))
  } else if (!exact) {
    warn_outside(object, s, call)
  }
  at <- interpolation(object$lambda, s)
  if (!is_several(object)) return(interpolate(object$a0, object$beta, at, labels))
  each <- lapply(seq_along(object$beta), function(k) interpolate(object$a0[k, ], object$beta[[k]], at, labels))
  a0 <- matrix(vapply(each, function(b) b$a0, double(length(s))), length(s), length(each))
  list(a0 = structure(t(a0), dimnames = list(names(object$beta), labels)), beta = structure(lapply(each, `[[`, "beta"), names = names(object$beta)))
}

#' @noRd
interpolate <- function(a0, beta, at, labels) {
  inner <- at$left != at$right
  intercept <- unname(a0[at$left])
  out <- beta[, at$left, drop = FALSE]
  if (any(inner)) {
    intercept <- intercept * at$weight + unname(a0[at$right]) * (1 - at$weight)
    right <- beta[, at$right, drop = FALSE]
    out <- scale_columns(out, at$weight) + scale_columns(right, 1 - at$weight)
    out <- Matrix::drop0(as(out, "CsparseMatrix"))
  }
  dimnames(out) <- list(rownames(beta), labels)
  list(a0 = structure(intercept, names = labels), beta = out)
}

#' @noRd
scale_columns <- function(m, by) {
  m@x <- m@x * rep(by, diff(m@p))
  m
}

#' Neighbours of each s among decreasing lambdas, and the weight of the left one
#' @noRd
interpolation <- function(lambda, s) {
  size <- length(lambda)
  left <- findInterval(-s, -lambda)
  left <- pmin(pmax(left, 1L), size)
  right <- pmin(left + 1L, size)
  width <- lambda[left] - lambda[right]
  weight <- ifelse(width > 0, (s - lambda[right]) / width, 1)
  weight <- pmin(pmax(weight, 0), 1)
  exactly <- weight == 1
  right[exactly] <- left[exactly]
  list(left = left, right = right, weight = weight)
}

#' @noRd
warn_outside <- function(object, s, call) {
  lambda <- object$lambda
  slack <- 1e-8 * lambda
  below <- s < lambda[length(lambda)] - slack[length(lambda)]
  penalized <- object$settings$penalty.factor
  if (is.matrix(penalized)) penalized <- apply(penalized, 1L, max)
  first <- if (is_several(object)) Reduce(`+`, lapply(object$beta, function(b) abs(b[, 1L]))) else object$beta[, 1L]
  empty <- object$alpha > 0 && if (is_fused(object$penalty)) no_steps(object)
    else all(if (is.null(penalized)) first == 0 else first[penalized > 0] == 0)
  above <- s > lambda[1L] + slack[1L] & !empty
  out <- which(below | above)
  if (!length(out)) return(invisible())
  sp_warn("s_outside", sprintf("`s` lies outside the path; the nearest solution is returned."),
    why = sprintf("s = %s; the path goes from %s down to %s.", paste(format(s[out], digits = 4), collapse = ", "),
      format(lambda[1L], digits = 4), format(lambda[length(lambda)], digits = 4)),
    how = "Use `exact = TRUE`, or fit with lambdas that include it.", call = call, value = s[out]
  )
}

#' Fit again so that the path includes s
#' @noRd
refit_at <- function(object, s, data, call, relaxed = FALSE) {
  if (!is.null(data$x)) data <- data_of_fit(object, data$x, data$y, data$weights, data$offset, call)
  for (arg in c("x", "y")) {
    if (is.null(data[[arg]])) abort_missing(arg, "`exact = TRUE` fits again, and the fit holds no data: give `x` and `y`.", call)
  }
  setup <- setup_again(object, data, call, lambda = unique(c(object$lambda[object$lambda > min(s)], s)))
  out <- run_engine(setup)
  fit <- new_sparsepath(out$tasks[[1L]], out, setup, object$call)
  fit$penalty <- object$penalty
  other <- fit$nobs != object$nobs || abs(fit$nulldev - object$nulldev) > 1e-8 * abs(object$nulldev)
  # rows in another order have the same null model: compare what the lambdas of both paths explain
  both <- match(fit$lambda, object$lambda)
  moved <- abs(fit$dev.ratio - object$dev.ratio[both])
  sure <- !is.na(both) & fit$status == 0L & object$status[both] == 0L
  explained <- which(sure & moved > 1e-3 + 100 * object$control$thresh)
  if (other || length(explained)) {
    sp_abort("data", "`x` and `y` are not the data of the fit.",
      why = if (other) sprintf("The fit has %d observations and null deviance %s, these data have %d and %s.", object$nobs,
        format(object$nulldev, digits = 8), fit$nobs, format(fit$nulldev, digits = 8))
        else sprintf("At lambda = %s the fit explains %s of the deviance; with these data it is %s. Are the rows in the same order?",
          format(fit$lambda[explained[1L]], digits = 4), format(object$dev.ratio[both[explained[1L]]], digits = 4),
          format(fit$dev.ratio[explained[1L]], digits = 4)),
      how = "`exact = TRUE` needs the same data, weights and offset.", call = call
    )
  }
  warn_uncertified(fit, call)
  if (relaxed) add_relaxed(fit, setup, object$settings$maxp, call) else fit
}

#' What coef() gives: the intercept on top, where there is one; a list with several predictors
#' @noRd
coefficient_rows <- function(object, b) {
  if (is.null(object$a0)) return(b$beta)
  if (!is.list(b$beta)) return(bind_intercept(b))
  each <- lapply(seq_along(b$beta), function(k) bind_intercept(list(a0 = b$a0[k, ], beta = b$beta[[k]])))
  structure(each, names = names(b$beta))
}

#' Coefficients with the intercept as first row, as a dgCMatrix
#' @noRd
bind_intercept <- function(b) {
  beta <- b$beta
  size <- ncol(beta)
  has <- b$a0 != 0
  counts <- diff(beta@p) + has
  p <- c(0L, cumsum(counts))
  first <- p[-(size + 1L)][has] + 1L # where the intercepts go
  i <- integer(p[size + 1L])
  x <- double(p[size + 1L])
  rest <- if (length(first)) -first else seq_along(i)
  i[rest] <- beta@i + 1L
  x[rest] <- beta@x
  x[first] <- b$a0[has]
  new("dgCMatrix", i = i, p = as.integer(p), x = x, Dim = beta@Dim + c(1L, 0L),
    Dimnames = list(c("(Intercept)", rownames(beta)), colnames(beta)))
}

#' @noRd
nonzero_rows <- function(beta) {
  beta <- Matrix::drop0(beta)
  rows <- split(beta@i + 1L, factor(rep(seq_len(ncol(beta)), diff(beta@p)), levels = seq_len(ncol(beta))))
  names(rows) <- colnames(beta)
  lapply(rows, function(r) if (length(r)) r)
}

# ---- new data ---------------------------------------------------------------------

#' Linear predictors of new data, n x lambdas, or n x K x lambdas
#' @noRd
linear_predictor <- function(object, b, newx, newoffset, call) {
  newx <- check_newx(newx, object, call)
  n <- nrow(newx)
  offset <- check_newoffset(newoffset %||% attr(newx, "offset"), object, n, call)
  incomplete <- attr(newx, "incomplete") # rows of a formula's data with missing values: NA, as in lm()
  several <- is.list(b$beta)
  used <- if (several) sort(unique(unlist(lapply(b$beta, function(m) m@i)))) + 1L else sort(unique(b$beta@i)) + 1L
  values <- NULL
  if (length(used)) {
    values <- newx[, used, drop = FALSE]
    if (!is.null(incomplete)) values[incomplete, ] <- 0
    bad <- if (is.matrix(values)) !is.finite(values) else !is.finite(values@x)
    if (any(bad)) abort_nonfinite_x(newx, used[which(Matrix::colSums(is_bad(values)) > 0)[1L]], call, "newx")
  }
  if (several) {
    eta <- several_predictors(b, values, used, n)
    dimnames(eta) <- list(rownames(newx), names(b$beta), colnames(b$a0))
    if (!is.null(offset)) eta <- eta + as.vector(offset)
    if (!is.null(incomplete)) eta[incomplete, , ] <- NA
    return(eta)
  }
  eta <- matrix(rep(b$a0, each = n), n, length(b$a0), dimnames = list(rownames(newx), colnames(b$beta)))
  if (length(used)) eta <- eta + as.matrix(values %*% as.matrix(b$beta[used, , drop = FALSE]))
  if (!is.null(offset)) eta <- eta + offset
  if (!is.null(incomplete)) eta[incomplete, ] <- NA
  eta
}

#' @noRd
is_bad <- function(values) {
  if (is.matrix(values)) return(!is.finite(values))
  values@x <- as.double(!is.finite(values@x))
  values
}

#' @noRd
check_newx <- function(newx, object, call) {
  p <- object$dim[1L]
  if (is.numeric(newx) && is.null(dim(newx)) && length(newx) == p && p > 1L) newx <- t(newx)
  x_like(newx, object, call, "newx")
}

#' Put the columns in the order of the fit, by name where both sides have names
#' @noRd
align_columns <- function(x, object, call, arg) {
  p <- object$dim[1L]
  have <- colnames(x)
  want <- object$varnames
  if (is.null(have) || !object$settings$named) {
    if (ncol(x) != p) abort_columns(x, p, arg, call)
    return(x)
  }
  if (identical(have, want)) return(x)
  index <- match(want, have)
  if (anyNA(index)) {
    absent <- want[is.na(index)]
    near <- nearest(absent[1L], setdiff(have, want))
    sp_abort("names", sprintf("`%s` lacks columns of the fit.", arg),
      why = sprintf("%d of %d %s missing: %s.", length(absent), p, plural(length(absent), "is", "are"), some_names(absent)),
      how = c(
        if (length(near)) sprintf("It has a column \"%s\".", near),
        sprintf("To match columns by position, remove the names: `colnames(%s) <- NULL`.", arg)
      ), call = call, arg = arg, missing = absent
    )
  }
  if (anyDuplicated(want) || anyDuplicated(have[have %in% want])) {
    twice <- unique(c(want[duplicated(want)], have[duplicated(have)]))
    sp_abort("names", sprintf("The columns of `%s` cannot be matched by name.", arg),
      why = sprintf("Names that occur more than once: %s.", some_names(twice)),
      how = sprintf("Make the names unique, or put the columns in the order of the fit and use `colnames(%s) <- NULL`.", arg),
      call = call, arg = arg
    )
  }
  if (is.data.frame(x)) x[index] else x[, index, drop = FALSE]
}

#' @noRd
abort_columns <- function(x, p, arg, call) {
  sp_abort("dimension", sprintf("`%s` must have %d columns, as the data of the fit.", arg, p),
    why = sprintf("It has %d.", ncol(x)), call = call, arg = arg, value = ncol(x)
  )
}

#' @noRd
check_newoffset <- function(newoffset, object, n, call) {
  if (is.null(newoffset)) {
    if (object$offset) abort_missing("newoffset", "The path was fitted with an offset: give the offsets of the new observations.", call)
    return(NULL)
  }
  if (!object$offset) {
    sp_abort("unknown_argument", "`newoffset` is not expected.", why = "The path was fitted without an offset.", call = call, arg = "newoffset")
  }
  if (is_several(object)) return(check_offset_matrix(newoffset, n, length(object$beta), call, "newoffset", "`newx`"))
  check_numeric(newoffset, "newoffset", call, n = n, of = "rows of `newx`")
}

#' @noRd
to_classes <- function(eta, object) {
  classnames <- object$classnames
  if (length(dim(eta)) == 3L) {
    top <- top_class(eta)
    return(array(classnames[top], dim(top), dimnames(top)))
  }
  array(classnames[likely(eta, object$family) + 1L], dim(eta), dimnames(eta))
}

#' Is the second of two classes the more probable one?
#' @noRd
likely <- function(eta, family) if (inherits(family, "family")) family_traits(family)$linkinv(eta) > 0.5 else eta > 0
