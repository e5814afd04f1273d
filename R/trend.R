#' Trend filtering
#'
#' A piecewise polynomial fit to a sequence of values: straight lines, parabolas or cubics that change where the data ask for it. Where
#' [fused_lasso()] penalizes steps, this penalizes changes of slope (`k = 1`), of curvature (`k = 2`) or of the third
#' difference (`k = 3`).
#'
#' @section Objective:
#' \deqn{\min_{b} \; \tfrac12 \sum_{i=1}^n w_i (y_i - b_i)^2 \; + \; \lambda \sum_j |(D^{(k+1)} b)_j|}{
#'   minimize  1/2 sum_i w_i (y_i - b_i)^2  +  lambda sum_j |(D b)_j|}
#' with D the differences of order k + 1 (Kim et al. 2009, equation 2 for `k = 1`; Tibshirani 2014, equation 2). Values are taken at even steps. As
#' in [fused_lasso()] the loss is a plain sum.
#'
#' @section Method and accuracy:
#' A primal-dual interior point method with banded orthogonal factorizations, linear in n for each of about 20 steps. `gap`, the duality
#' gap divided by the objective of one polynomial of degree k, proves how near the objective is to its minimum. Differences of order k + 1
#' of a smooth signal are tiny and lambda, in proportion, is large (it grows as n to the power k + 1), beyond the digits of doubles for long signals:
#' where the gap of a solution is above 1e-8, it is computed again with numbers of 32 digits. With both, every lambda reaches 1e-7
#' for 100,000 values and any `k`, usually 1e-12. A lambda takes 0.02 s for 10,000 values and
#' 0.3 s for 100,000 in doubles, 0.5 s and 8 s where 32 digits are needed: `k = 2` or 3 and the upper half of the grid (one core). What misses 1e-7 is named in a warning of class `sparsepath_warning_uncertified`.
#'
#' `beta` is rounded to doubles, which is exact enough for everything but its own differences: those of order k + 1 of `beta` are rounding noise, and their sum
#' times a large lambda is not the penalty of the solution. The gap is that before rounding.
#'
#' Numbers that an interior point method leaves near zero are not zero: `knots` are where the dual variable has reached its limit.
#'
#' @param y Values in their order, at least k + 2 of them.
#' @param k Degree of the polynomials: 1 (the default), 2 or 3. (`k = 0` is [fused_lasso()].)
#' @param weights Weights of the values, larger than 0, or `NULL` for 1 each.
#' @param lambda Penalties, zero or positive. The default `NULL` makes a grid of `nlambda` values down from the smallest lambda at which the
#'   fit is one polynomial, evenly spaced in the logarithm.
#' @param nlambda,lambda.min.ratio Length of that grid (default 30) and its smallest value as a fraction of its largest (default 1e-5).
#' @returns An object of class `"trend_filter"`, a list: `y`, `weights`, `k`, `lambda` (decreasing), `beta` (fitted values, one column for each
#'   lambda), `knots` (a list: positions at which the polynomial changes), `df` (knots + k + 1, an unbiased estimate of the degrees of freedom,
#'   Tibshirani and Taylor 2011), `gap`, `steps` (of the method), `call`. Methods: `coef()`, `fitted()`, `predict()`, `residuals()`, `kkt()`, `plot()`, `summary()`, `print()`.
#' @section Errors:
#' Of class `sparsepath_error`: `sparsepath_error_type`, `sparsepath_error_nonfinite`, `sparsepath_error_length` (fewer than k + 2 values),
#' `sparsepath_error_range` (`k`, weights that are not positive, negative lambdas).
#' @references
#' Kim SJ, Koh K, Boyd S, Gorinevsky D (2009). l1 trend filtering. *SIAM Review*, 51(2), 339-360. \doi{10.1137/070690274}
#'
#' Tibshirani RJ (2014). Adaptive piecewise polynomial estimation via trend filtering. *Annals of Statistics*, 42(1), 285-323.
#' \doi{10.1214/13-AOS1189}
#'
#' Tibshirani RJ, Taylor J (2011). The solution path of the generalized lasso. *Annals of Statistics*, 39(3), 1335-1371.
#' \doi{10.1214/11-AOS878}
#' @examples
#' # the flow of the Nile: a fall around 1900, in straight lines
#' y <- as.vector(Nile)
#' fit <- trend_filter(y)
#' bic <- colSums((y - coef(fit))^2) / (var(diff(y)) / 2) + log(100) * fit$df
#' best <- fit$lambda[which.min(bic)]
#' plot(fit, lambda = best)
#' predict(fit, lambda = best, type = "knots")
#' @export
trend_filter <- function(y, k = 1, weights = NULL, lambda = NULL, nlambda = 30, lambda.min.ratio = 1e-5) {
  call <- shown_call("trend_filter")
  if (missing(y)) abort_missing("y", "Give the values, in their order.", call)
  if (is.numeric(k) && identical(as.double(k), 0)) sp_abort("range", "`k` must be 1, 2 or 3.", how = "`k = 0` is `fused_lasso()`.", call = call, arg = "k")
  k <- as.integer(check_scalar(k, "k", call, lower = 1, upper = 3, integer = TRUE))
  labels <- names(y)
  y <- check_signal(y, k + 2L, call)
  w <- check_signal_weights(weights, length(y), call)
  if (any(w == 0)) {
    sp_abort("range", "`weights` must be larger than 0.", why = sprintf("It is 0 at position %d.", which(w == 0)[1L]), call = call, arg = "weights")
  }
  lambda <- check_lambda(lambda, call)
  fit <- structure(list(call = stored_call(match.call(), "trend_filter"), y = structure(y, names = labels), weights = w, k = k),
    class = "trend_filter")
  if (is.null(lambda)) {
    nlambda <- check_nlambda(nlambda, call)
    ratio <- check_scalar(lambda.min.ratio, "lambda.min.ratio", call, lower = 0, upper = 1, open = TRUE)
    top <- .Call(C_trend_max, y, w %||% rep(1, length(y)), k)
    if (is.list(top)) abort_engine(top, NULL, call)
    if (!(top > 0)) top <- 1
    lambda <- top * ratio^(if (nlambda > 1L) seq(0, 1, length.out = nlambda) else 0)
  }
  fit$lambda <- lambda
  at <- solve_trend(fit, lambda, call)
  fit[c("beta", "knots", "df", "gap", "steps")] <- at[c("beta", "knots", "df", "gap", "steps")]
  fit
}

#' @noRd
solve_trend <- function(fit, lambda, call) {
  y <- unname(fit$y)
  w <- fit$weights %||% rep(1, length(y))
  null <- sum(stats::lm.wfit(cbind(1, stats::poly(seq_along(y), fit$k)), y, w)$residuals^2 * w) / 2
  out <- .Call(C_trend, y, w, lambda, fit$k, 1e-12 * null)
  if (!is.null(out$error)) abort_engine(out, NULL, call)
  labels <- names(lambda) %||% paste0("s=", vapply(lambda, format, "", digits = 4))
  # nothing but rounding is left where one polynomial fits all
  gap <- out$gap / max(null, 1e-20 * sum(w * y^2), .Machine$double.xmin)
  missed <- which(gap > 1e-7)
  if (length(missed)) {
    sp_warn("uncertified", sprintf("%d of %d solutions missed the promised accuracy.", length(missed), length(lambda)),
      why = sprintf("lambda %s%s: the largest relative gap is %s (promised: 1e-7).", paste(format(utils::head(lambda[missed], 5L), digits = 4), collapse = ", "),
        if (length(missed) > 5L) " ..." else "", format(max(gap), digits = 2)),
      how = "Large lambdas for very long signals are beyond 32 digits; smaller ones are not.", call = call, lambda = lambda[missed], gap = gap[missed]
    )
  }
  list(objective = out$objective, absolute = out$gap, beta = matrix(out$beta, length(y), dimnames = list(names(fit$y), labels)), gap = gap, steps = as.integer(out$steps),
    knots = lapply(out$knots, `+`, (fit$k + 1L) %/% 2L), df = lengths(out$knots) + fit$k + 1L)
}

#' Coefficients and knots of trend filtering
#'
#' At any lambda, also one that was not given to the fit: the problem is solved again, never interpolated.
#'
#' @param object,x A fit of [trend_filter()].
#' @param lambda Lambdas; by default those of the fit. Others are solved for, not interpolated.
#' @param type `"fitted"`: fitted values, as `coef()`. `"knots"`: a list with the positions of the knots for each lambda; a knot is where
#'   the polynomial changes (between positions for `k = 2`: the one before).
#' @param ... Must be empty; for `plot()` further graphical parameters.
#' @param col Colours of the fits.
#' @param pch,cex,points.col Symbol, size and colour of the data.
#' @param xlab,ylab Titles of the axes.
#' @returns `coef()`, `fitted()`, `predict()`: a matrix, one row for each value of `y`, one column for each lambda; or see `type`. `residuals()`: `y` minus that.
#'   `kkt()`: a data frame with one row per lambda: `lambda`, `df`, `objective`, `dual` (a lower bound of its minimum), `gap`, `rel.gap` (see
#'   [trend_filter()]). `plot()`: `NULL`, invisibly.
#' @examples
#' fit <- trend_filter(Nile, k = 2, lambda = c(1e5, 1e3))
#' head(coef(fit))
#' plot(fit)
#' @export
coef.trend_filter <- function(object, lambda = NULL, ...) {
  call <- shown_call("coef")
  check_dots(dots_of(...), names(formals(coef.trend_filter)), call)
  trend_at(object, lambda, call)$beta
}

#' @noRd
trend_at <- function(object, lambda, call) {
  if (is.null(lambda)) return(object[c("beta", "knots")])
  solve_trend(object, signal_lambda(object, lambda, call), call)
}

#' @rdname coef.trend_filter
#' @export
fitted.trend_filter <- function(object, lambda = NULL, ...) {
  call <- shown_call("fitted")
  check_dots(dots_of(...), names(formals(fitted.trend_filter)), call)
  trend_at(object, lambda, call)$beta
}

#' @rdname coef.trend_filter
#' @export
predict.trend_filter <- function(object, lambda = NULL, type = c("fitted", "knots"), ...) {
  call <- shown_call("predict")
  check_dots(dots_of(...), names(formals(predict.trend_filter)), call)
  type <- check_choice(type, c("fitted", "knots"), "type", call)
  at <- trend_at(object, lambda, call)
  if (type == "fitted") at$beta else structure(at$knots, names = colnames(at$beta))
}

#' @rdname coef.trend_filter
#' @export
kkt.trend_filter <- function(object, lambda = NULL, ...) {
  call <- shown_call("kkt")
  check_dots(dots_of(...), names(formals(kkt.trend_filter)), call)
  lambda <- signal_lambda(object, lambda, call)
  at <- solve_trend(object, lambda, call)
  data.frame(lambda = unname(lambda), df = at$df, objective = at$objective, dual = at$objective - at$absolute, gap = at$absolute, rel.gap = at$gap)
}

#' @method print trend_filter
#' @export
print.trend_filter <- function(x, digits = 4, ...) {
  cat(sprintf("Trend filtering of %s values, piecewise %s\n", format(length(x$y), big.mark = ","), c("linear", "quadratic", "cubic")[x$k]))
  shown <- data.frame(lambda = signif(x$lambda, digits), df = x$df, gap = signif(x$gap, 2))
  print(utils::head(shown, 20L), row.names = FALSE)
  if (nrow(shown) > 20L) cat(sprintf("... and %d more\n", nrow(shown) - 20L))
  invisible(x)
}

#' @rdname coef.trend_filter
#' @export
plot.trend_filter <- function(x, lambda = NULL, col = NULL, pch = 20, cex = 0.5, points.col = "grey65", xlab = "Position", ylab = "Value", ...) {
  call <- shown_call("plot")
  if (is.null(lambda) && length(x$lambda) > 5L) abort_missing("lambda", "The fit has more than five lambdas: say which to show.", call)
  plot_signal(x, trend_at(x, lambda, call)$beta, seq_along(x$y), "l", col, list(pch = pch, cex = cex, col = points.col, xlab = xlab, ylab = ylab, ...))
}
