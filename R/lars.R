#' The exact lasso path, and least angle regression
#'
#' The coefficients of a gaussian lasso are piecewise linear in lambda. `lars_path()` computes them at every knot, where a variable
#' joins or leaves, and with that at all lambdas, exactly. `type = "lar"` is least angle regression, the same path without
#' leaving.
#'
#' @section Objective:
#' As [sparsepath()] with `alpha = 1`: weights sum to 1, columns are centred with an intercept, and
#' \deqn{\min_{\beta_0, \beta} \; \tfrac12 \sum_i w_i (y_i - \beta_0 - x_i^T\beta)^2 + \lambda \sum_j s_j |\beta_j| +
#'   \frac{\lambda_2}{2} \sum_j s_j^2 \beta_j^2}{minimize  1/2 sum_i w_i (y_i - b0 - x_i'b)^2  +  lambda sum_j s_j |b_j|
#'   +  lambda2 / 2 sum_j s_j^2 b_j^2}
#' where \eqn{s_j} is the weighted standard deviation of column j (denominator n) with `standardize = TRUE`, and 1 without.
#' With `lambda2 > 0` it is the (naive) elastic net for a fixed ridge penalty. In terms of [sparsepath()]'s `lambda` and `alpha`
#' that is `lambda * alpha` here and `lambda2 = lambda * (1 - alpha) / s_y` with `s_y` the standard deviation of y; along the
#' path of [sparsepath()] both move, so that its elastic-net path is another one, and not piecewise linear.
#'
#' The package lars scales columns to unit length instead: its lambda is `sqrt(n)` times the one here with `standardize = TRUE`, and
#' n times with `standardize = FALSE`.
#'
#' @section Method:
#' Along a segment the coefficients move in the direction \eqn{(Z_A^T W Z_A + \lambda_2 I)^{-1} \mathrm{sign}_A}, with a maintained
#' Cholesky factor that columns join and leave. Ties are resolved exactly: among all columns at their threshold, the
#' set that joins is that of a small non-negative least squares problem. A column that depends on the active ones (what is left
#' of it beside them has less than 1e-9 of its sum of squares) cannot join; it
#' is listed in `refused`, with the knot. At each knot residual and correlations are computed anew from the data, and the
#' solution is certified.
#'
#' A path has rarely more than 2 min(n, p) knots, though it can have many more. It costs one read of `x` for each knot:
#' with very many columns a grid ([sparsepath()]) is cheaper.
#'
#' @param x Variables, as in [sparsepath()]: a matrix, a matrix of the Matrix package, or a data frame.
#' @param y Response, numeric.
#' @param type `"lasso"` (the default) or `"lar"`.
#' @param lambda2 Ridge penalty, zero or positive; only for `"lasso"`.
#' @param weights,standardize,intercept As in [sparsepath()].
#' @param lambda.min Where to stop; the default 0 gives the whole path.
#' @param max.steps Stop after so many steps.
#' @param threads Threads for the products with all columns.
#' @returns An object of class `"lars_path"`, a list. With K knots and p columns:
#' \describe{
#'   \item{`lambda`}{the knots, decreasing; at the first the coefficients are about to leave zero}
#'   \item{`a0`, `beta`}{intercepts and coefficients on the original scale at the knots, a `dgCMatrix`, p x K}
#'   \item{`norm`}{\eqn{\sum_j s_j |\beta_j|} at the knots}
#'   \item{`df`, `dev.ratio`}{nonzero coefficients, fraction of deviance explained}
#'   \item{`actions`}{data frame: `knot`, `lambda`, `variable`, `action` ("joins" or "leaves")}
#'   \item{`refused`}{data frame: `variable` that depends on active ones and `knot` at which that was found first}
#'   \item{`gap`, `kkt`}{certificate of each knot: duality gap relative to the null model (`NA` for `"lar"`, which minimizes
#'     nothing), largest violation of the optimality conditions in units of lambda}
#'   \item{`end`}{`"complete"`, `"steps"` (`max.steps`), or, with a warning, `"stuck"`: ties that rounding does not let resolve}
#'   \item{`unit`}{the \eqn{s_j}}
#'   \item{`type`, `lambda2`, `standardize`, `intercept`, `nobs`, `nulldev`, `dim`, `varnames`, `call`}{what was asked for, and sizes}
#' }
#' Methods: [coef()][coef.lars_path], [predict()][coef.lars_path], `fitted()`, `residuals()`, [plot()][plot.lars_path], [kkt()][kkt.lars_path],
#' `summary()`, `print()`.
#' @section Errors:
#' Those of [sparsepath()] for `x`, `y` and `weights`; `sparsepath_error_unavailable` for `lambda2` with least angle regression. A path that
#' could not be certified at every knot is named in one warning of class `sparsepath_warning_uncertified`.
#' @references
#' Efron B, Hastie T, Johnstone I, Tibshirani R (2004). Least angle regression. *Annals of Statistics*, 32(2), 407-499.
#' \doi{10.1214/009053604000000067} (section 2; equations 2.13 for the step, 3.5 for leaving)
#'
#' Osborne MR, Presnell B, Turlach BA (2000). A new approach to variable selection in least squares problems. *IMA Journal of
#' Numerical Analysis*, 20(3), 389-403. \doi{10.1093/imanum/20.3.389}
#'
#' Zou H, Hastie T (2005). Regularization and variable selection via the elastic net. *Journal of the Royal Statistical Society
#' B*, 67(2), 301-320. \doi{10.1111/j.1467-9868.2005.00503.x} (section 3.4, LARS-EN)
#'
#' Lawson CL, Hanson RJ (1974). *Solving Least Squares Problems*, chapter 23. Prentice-Hall.
#' @seealso [sparsepath()] for grids, other families and large problems; [basis_pursuit()] for the end of the path; [kkt()] certifies
#'   the knots independently, `kkt(fit, x, y)`.
#' @examples
#' fit <- lars_path(swiss[, -1], swiss$Fertility)
#' fit
#' fit$actions
#' plot(fit, label = TRUE)
#'
#' # anywhere on the path, by lambda or by a budget for the penalized norm
#' coef(fit, lambda = c(2, 0.5))
#' coef(fit, t = 10)
#'
#' # the same as a grid
#' grid <- sparsepath(swiss[, -1], swiss$Fertility, lambda = c(2, 0.5))
#' max(abs(coef(fit, lambda = c(2, 0.5)) - coef(grid)))
#' @export
lars_path <- function(x, y, type = c("lasso", "lar"), lambda2 = 0, weights = NULL, standardize = TRUE, intercept = TRUE,
                      lambda.min = 0, max.steps = Inf, threads = 1) {
  call <- shown_call("lars_path")
  type <- check_choice(type, c("lasso", "lar"), "type", call)
  lambda2 <- check_scalar(lambda2, "lambda2", call, lower = 0)
  if (type == "lar" && lambda2 > 0) {
    sp_abort("unavailable", "`lambda2` needs `type = \"lasso\"`.", why = "Least angle regression has no ridge penalty.",
      call = call, arg = "lambda2")
  }
  setup <- setup_problem(x, y, "gaussian", weights, standardize = standardize, intercept = intercept, call = call)
  out <- run_lars(setup, type, lambda2, check_scalar(lambda.min, "lambda.min", call, lower = 0), 0,
    check_scalar(max.steps, "max.steps", call, lower = 1, infinite = TRUE),
    check_scalar(threads, "threads", call, lower = 1, upper = 1024, integer = TRUE))
  fit <- new_lars(out, setup, type, lambda2, stored_call(match.call(), "lars_path"))
  warn_lars(fit, call)
  fit
}

#' @noRd
run_lars <- function(setup, type, lambda2, lambda.min, residual, max.steps, threads = 1) {
  problem <- setup$problem
  out <- .Call(C_lars, setup$x, list(
    y = problem$y, weights = as.double(problem$weights), v = problem$v, standardize = problem$standardize,
    intercept = problem$intercept, threads = as.integer(threads), lar = type == "lar", lambda2 = lambda2, lambda.min = lambda.min,
    residual = residual, max.steps = as.integer(min(max.steps, .Machine$integer.max - 1L))
  ))
  if (!is.null(out$error)) abort_engine(out, setup$x, setup$call)
  out
}

#' @noRd
new_lars <- function(out, setup, type, lambda2, call) {
  size <- length(out$lambda)
  p <- ncol(setup$x)
  knots <- paste0("k", seq_len(size) - 1L)
  beta <- engine_matrix(out, c(p, size), list(setup$varnames, knots))
  actions <- data.frame(knot = out$knot, lambda = out$lambda[out$knot], variable = setup$varnames[abs(out$action)],
    action = ifelse(out$action > 0, "joins", "leaves"))
  null <- if (out$null > 0) out$null else 1
  structure(list(
    lambda = out$lambda, a0 = structure(out$a0, names = knots), beta = beta, norm = unname(Matrix::colSums(abs(beta) * out$unit)),
    df = diff(out$p), dev.ratio = 1 - out$value / null, actions = actions,
    refused = data.frame(variable = setup$varnames[out$refused], knot = out$refused.knot),
    gap = if (type == "lasso") out$gap / null else rep(NA_real_, size), kkt = out$kkt, end = out$end, unit = structure(out$unit, names = setup$varnames), type = type,
    lambda2 = lambda2, standardize = setup$problem$standardize, intercept = setup$problem$intercept, nobs = nrow(setup$x),
    nulldev = 2 * out$null * sum(setup$weights), dim = dim(beta), varnames = setup$varnames,
    settings = list(named = setup$settings$named, weighted = setup$settings$weighted), offset = FALSE,
    encoding = setup$encoding, call = call
  ), class = "lars_path")
}

#' @noRd
warn_lars <- function(fit, call) {
  missed <- which(if (fit$type == "lasso") fit$gap > 1e-7 else fit$kkt > 1e-6)
  if (fit$end != "stuck" && !length(missed)) return(invisible())
  sp_warn("uncertified", "The path is not proven to be exact.",
    why = c(
      if (fit$end == "stuck") sprintf("Ties could not be resolved at lambda = %s; the path ends there.", show_number(fit$lambda[length(fit$lambda)])),
      if (length(missed)) sprintf("%d of %d knots missed their certificate; the largest violation is %s of lambda.", length(missed),
        length(fit$lambda), format(max(fit$kkt), digits = 2))
    ),
    how = "`fit$gap`, `fit$kkt` and `fit$refused` have the details; nearly dependent columns are the usual cause.", call = call
  )
}

#' Coefficients and predictions anywhere on an exact path
#'
#' Between two knots coefficients are linear in lambda; so is, for the lasso, their penalized norm, and the interpolation is exact for
#' both.
#'
#' A budget `t` gives the solution of the lasso in its constrained form, least squares subject to
#' \eqn{\sum_j s_j |\beta_j| \le t} (Tibshirani 1996, equation 1), with the \eqn{s_j} of [lars_path()]. A budget above that of
#' the last knot gives the last knot.
#'
#' @param object A fit of [lars_path()].
#' @param lambda Lambdas, zero or positive; the default is the knots. Below the last knot the last knot is returned, with a warning.
#' @param t Budgets, instead of lambdas; only for `type = "lasso"`.
#' @param newx New data, as in [predict.sparsepath()].
#' @param type `"link"` or `"response"`: fitted values; `"coefficients"`; `"nonzero"`: indices of the nonzero coefficients.
#' @param ... Must be empty.
#' @param newy The response of `newx`.
#' @returns `coef()`: a `dgCMatrix` with the intercept as first row. `predict()`: a matrix of observations by lambdas, or see `type`.
#'   `fitted()` is `predict()`, `residuals()` `newy` minus that.
#' @references Tibshirani R (1996). Regression shrinkage and selection via the lasso. *Journal of the Royal Statistical Society B*,
#' 58(1), 267-288. \doi{10.1111/j.2517-6161.1996.tb02080.x}
#' @examples
#' fit <- lars_path(swiss[, -1], swiss$Fertility)
#' coef(fit, t = c(5, 10, 20))
#' head(predict(fit, swiss[, -1], lambda = 1))
#' @export
coef.lars_path <- function(object, lambda = NULL, t = NULL, ...) {
  call <- shown_call("coef")
  check_dots(dots_of(...), names(formals(coef.lars_path)), call)
  bind_intercept(lars_at(object, lambda, t, call))
}

#' @rdname coef.lars_path
#' @export
predict.lars_path <- function(object, newx, lambda = NULL, t = NULL, type = c("link", "response", "coefficients", "nonzero"), ...) {
  call <- shown_call("predict")
  check_dots(dots_of(...), names(formals(predict.lars_path)), call)
  type <- check_choice(type, c("link", "response", "coefficients", "nonzero"), "type", call)
  b <- lars_at(object, lambda, t, call)
  if (type == "coefficients") return(bind_intercept(b))
  if (type == "nonzero") return(nonzero_rows(b$beta))
  if (missing(newx)) abort_missing("newx", "Give the data to predict; only `type = \"coefficients\"` and \"nonzero\" do without.", call)
  linear_predictor(object, b, newx, NULL, call)
}

#' @return list(a0, beta), a column for each lambda or budget
#' @noRd
lars_at <- function(object, lambda, t, call) {
  if (!is.null(lambda) && !is.null(t)) {
    sp_abort("unknown_argument", "Give `lambda` or `t`, not both.", call = call, arg = "t")
  }
  if (is.null(lambda) && is.null(t)) return(list(a0 = object$a0, beta = object$beta))
  knots <- object$lambda
  size <- length(knots)
  if (is.null(t)) {
    labels <- names(lambda)
    lambda <- check_numeric(lambda, "lambda", call, lower = 0)
    labels <- labels %||% paste0("s=", vapply(lambda, format, "", digits = 4))
    warn_below(object, lambda, call)
    at <- pmin(pmax(lambda, knots[size]), knots[1L])
    left <- pmin(findInterval(-at, -knots), max(size - 1L, 1L))
    right <- pmin(left + 1L, size)
    width <- knots[left] - knots[right]
    part <- ifelse(width > 0, (knots[left] - at) / width, 0)
  } else {
    if (object$type != "lasso") {
      sp_abort("unavailable", "`t` needs a path with `type = \"lasso\"`.", why = "The norm along a least angle path may fall.",
        call = call, arg = "t")
    }
    labels <- names(t)
    t <- check_numeric(t, "t", call, lower = 0)
    labels <- labels %||% paste0("t=", vapply(t, format, "", digits = 4))
    norm <- cummax(object$norm) # rounding
    left <- pmin(pmax(findInterval(t, norm), 1L), max(size - 1L, 1L))
    right <- pmin(left + 1L, size)
    width <- norm[right] - norm[left]
    part <- ifelse(width > 0, pmin((t - norm[left]) / width, 1), 1)
  }
  picked <- function(index, weight) methods::as(Matrix::sparseMatrix(index, seq_along(index), x = weight, dims = c(size, length(index))), "CsparseMatrix")
  beta <- object$beta %*% picked(left, 1 - part) + object$beta %*% picked(right, part)
  beta <- Matrix::drop0(methods::as(beta, "generalMatrix"))
  dimnames(beta) <- list(object$varnames, labels)
  list(a0 = structure(object$a0[left] * (1 - part) + object$a0[right] * part, names = labels), beta = beta)
}

#' @noRd
warn_below <- function(object, lambda, call) {
  last <- object$lambda[length(object$lambda)]
  below <- lambda < last * (1 - 1e-8)
  if (!any(below)) return(invisible())
  sp_warn("s_outside", "`lambda` lies below the end of the path; its last knot is returned.",
    why = sprintf("lambda = %s; the path ends at %s.", paste(format(lambda[below], digits = 4), collapse = ", "), format(last, digits = 4)),
    call = call, value = lambda[below]
  )
}

#' Certificate of an exact path
#'
#' Objective, duality gap and violation of the optimality conditions at the knots of [lars_path()], or anywhere between them, computed
#' from the data in plain R. The fit's `lambda2`, `standardize` and `intercept` are used; least angle regression minimizes nothing, and
#' is refused (class `sparsepath_error_unavailable`).
#'
#' @param object A fit of [lars_path()] with `type = "lasso"`.
#' @param x,y,weights The data of the fit, which does not hold them.
#' @param lambda Lambdas, by default the knots.
#' @param ... Must be empty.
#' @returns A data frame as from [kkt()]: `lambda`, `df`, `objective`, `dual`, `gap`, `rel.gap`, `kkt` (in units of lambda).
#' @examples
#' fit <- lars_path(swiss[, -1], swiss$Fertility, lambda2 = 0.5)
#' kkt(fit, swiss[, -1], swiss$Fertility)
#' @export
kkt.lars_path <- function(object, x, y, weights = NULL, lambda = NULL, ...) {
  call <- shown_call("kkt")
  check_dots(dots_of(...), names(formals(kkt.lars_path)), call)
  if (missing(x)) abort_no_data("x", call)
  if (missing(y)) abort_no_data("y", call)
  if (object$type == "lar") {
    sp_abort("unavailable", "Least angle regression has no certificate.", why = "It minimizes nothing.",
      how = "`type = \"lasso\"` is the path that does.", call = call, arg = "object")
  }
  if (object$settings$weighted && is.null(weights)) abort_missing("weights", "The path was fitted with weights.", call)
  b <- if (is.null(lambda)) object[c("a0", "beta", "lambda")] else lars_at(object, lambda, NULL, call)
  lambda <- if (is.null(lambda)) object$lambda else as.double(lambda)
  setup <- setup_problem(x_like(x, object, call, "x"), y, "gaussian", weights, standardize = object$standardize, intercept = object$intercept, call = call)
  ridge <- object$lambda2
  if (ridge == 0) return(certify(b$a0, b$beta, lambda, setup))
  # lambda and lambda2 as lambda and alpha of an elastic net, another pair at each knot
  w <- setup$problem$weights[, 1L] / sum(setup$problem$weights[, 1L])
  whole <- lambda + ridge * response_scale(setup$problem, w)
  rows <- lapply(seq_along(lambda), function(l) {
    setup$problem$alpha <- lambda[l] / whole[l]
    certify(b$a0[l], b$beta[, l, drop = FALSE], whole[l], setup)
  })
  rows <- do.call(rbind, rows)
  rows$kkt <- rows$kkt * ifelse(lambda > 0, whole / lambda, 1)
  rows$lambda <- lambda
  rows
}

#' @method print lars_path
#' @export
print.lars_path <- function(x, digits = 4, ...) {
  cat(sprintf("%s: %d knots, lambda from %s down to %s%s\n",
    if (x$type == "lasso") "Exact lasso path" else "Least angle regression", length(x$lambda),
    format(x$lambda[1L], digits = digits), format(x$lambda[length(x$lambda)], digits = digits),
    if (x$lambda2 > 0) sprintf(", lambda2 = %s", format(x$lambda2, digits = digits)) else ""))
  cat(sprintf("%s, %s, at most %d selected\n", counted(x$nobs, "observation"), counted(x$dim[1L], "variable"), max(x$df)))
  if (x$type == "lasso") cat(sprintf("Certified at every knot: largest relative gap %s\n", format(max(x$gap), digits = 2)))
  if (nrow(x$refused)) {
    cat(sprintf("Refused, as they depend on others: %s\n", some_names(x$refused$variable)))
  }
  shown <- utils::head(x$actions, 10L)
  if (nrow(shown)) {
    shown$lambda <- signif(shown$lambda, digits)
    print(shown, row.names = FALSE)
    if (nrow(x$actions) > 10L) cat(sprintf("... and %d more\n", nrow(x$actions) - 10L))
  }
  invisible(x)
}

#' Plot an exact path
#'
#' @param x A fit of [lars_path()].
#' @param xvar Horizontal axis: `"norm"` (\eqn{\sum_j s_j|\beta_j|}, the budget), `"lambda"` or `"step"`.
#' @param standardized Show \eqn{s_j \beta_j}, the coefficients that the penalty compares, instead of \eqn{\beta_j}?
#' @param label Label curves with the names of their variables? `TRUE` labels the ten largest; a number that many.
#' @param col Colours.
#' @param knots Mark the knots by vertical lines? Default: up to 40 of them.
#' @param xlab,ylab,main Titles.
#' @param ... Further graphical parameters for [graphics::matplot()].
#' @returns `NULL`, invisibly.
#' @examples
#' plot(lars_path(swiss[, -1], swiss$Fertility), label = TRUE)
#' @export
plot.lars_path <- function(x, xvar = c("norm", "lambda", "step"), standardized = TRUE, label = FALSE, col = NULL,
                           knots = length(x$lambda) <= 40L, xlab = NULL, ylab = NULL, main = "", ...) {
  call <- shown_call("plot")
  xvar <- check_choice(xvar, c("norm", "lambda", "step"), "xvar", call)
  standardized <- check_flag(standardized, "standardized", call)
  rows <- sort(unique(x$beta@i)) + 1L
  if (!length(rows) || length(x$lambda) < 2L) {
    sp_warn("no_plot", "There is nothing to plot.", why = "All coefficients are zero.", call = call)
    return(invisible())
  }
  beta <- t(as.matrix(x$beta[rows, , drop = FALSE] * if (standardized) x$unit[rows] else 1))
  at <- switch(xvar, norm = x$norm, lambda = -x$lambda, step = seq_along(x$lambda) - 1)
  final <- beta[nrow(beta), ]
  labelled <- labelled_curves(final, label, call)
  col <- col %||% curve_colors(final)
  xlim <- range(at)
  if (length(labelled)) xlim[2L] <- xlim[2L] + diff(xlim) * (0.02 + 0.013 * max(nchar(colnames(beta)[labelled])))
  arguments <- list(x = at, y = beta, type = "l", lty = 1, lwd = 1.2, col = col, xlim = xlim, las = 1, bty = "l", main = "",
    xlab = xlab %||% switch(xvar, norm = "Penalized L1 norm", lambda = expression(lambda), step = "Step"),
    ylab = ylab %||% if (standardized && x$standardize) "Standardized coefficients" else "Coefficients")
  if (xvar == "lambda") arguments$xaxt <- "n"
  given <- list(...)
  arguments[names(given)] <- given
  do.call(graphics::matplot, arguments)
  if (xvar == "lambda") {
    ticks <- pretty(x$lambda)
    graphics::axis(1, at = -ticks, labels = ticks)
  }
  if (check_flag(knots, "knots", call)) graphics::abline(v = at, col = "grey85", lwd = 0.8)
  graphics::abline(h = 0, col = "grey60", lwd = 0.8)
  ticks <- pretty(at, n = 8)
  ticks <- ticks[ticks >= min(at) & ticks <= max(at)]
  # between two knots the number is that of the right one
  inside <- pmin(findInterval(ticks, at, left.open = TRUE) + 1L, length(at))
  graphics::axis(3, at = ticks, labels = x$df[inside], tick = FALSE, line = -0.6, cex.axis = 0.85)
  graphics::mtext("nonzero coefficients", side = 3, line = 1.4, cex = 0.8 * graphics::par("cex"))
  if (nzchar(main)) graphics::title(main = main, line = 2.6)
  if (length(labelled)) label_curves(at, final, labelled, colnames(beta), col, FALSE)
  invisible()
}
