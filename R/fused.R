#' Fused lasso of a signal
#'
#' A piecewise constant fit to a sequence of values, such as intensities along a chromosome or over time: the
#' one-dimensional fused lasso, also known as total variation denoising. Exact, for one lambda or for all.
#'
#' @section Objective:
#' \deqn{\min_{b} \; \tfrac12 \sum_{i=1}^n w_i (y_i - b_i)^2 \; + \; \lambda \sum_{i=1}^{n-1} |b_{i+1} - b_i| \; + \;
#'   \lambda_1 \sum_{i=1}^n w_i |b_i|}{minimize  1/2 sum_i w_i (y_i - b_i)^2  +  lambda sum_i |b_(i+1) - b_i|
#'   +  lambda1 sum_i w_i |b_i|}
#' The loss is a plain sum, neither divided by n nor by the sum of the weights, as is usual for this problem; a lambda of
#' [sparsepath()] is n times smaller. Weights count observations: a value of weight 2 is two observations of the same place,
#' which is why they multiply `lambda1` as well.
#'
#' @section Method:
#' At given lambdas: dynamic programming over the values (Johnson 2013, section 2), linear in n. For all lambdas
#' (`lambda = NULL`): as lambda grows neighbours fuse and never part again (Friedman et al. 2007, Proposition 2; Hoefling 2010,
#' Theorem 1), so the whole path is one number for each pair of neighbours, found in O(n log n).
#'
#' With `lambda1` the solution is that of `lambda1 = 0` moved towards zero by `lambda1` (Friedman et al. 2007, Proposition 1,
#' with weights: where b solves the problem without `lambda1`, \eqn{w_i (b_i - y_i)} is in balance with the signs of the steps;
#' soft-thresholding takes \eqn{\lambda_1 w_i t_i} from the first, \eqn{t_i} a subgradient of \eqn{|b_i|}, and changes no sign of
#' a step).
#'
#' @section Accuracy:
#' `gap` is the duality gap divided by the objective of the best constant fit: the objective is proven to lie within that
#' distance of its minimum. The dual point is the running sums of \eqn{w_i (b_i - y_i)}, limited to \eqn{\pm\lambda}.
#' [kkt()][kkt.fused_lasso] gives it at any lambda.
#'
#' @section Errors:
#' Of class `sparsepath_error`: `sparsepath_error_type`, `sparsepath_error_nonfinite` (missing values: give them weight 0 and any
#' number), `sparsepath_error_length`, `sparsepath_error_range`.
#'
#' @param y Values in their order: a numeric vector of at least two, without missing values.
#' @param weights Weights of the values, zero or positive, or `NULL` for 1 each. A value of weight 0 is not looked at; the fit
#'   carries on the level before it.
#' @param lambda Penalties of the steps, zero or positive. The default `NULL` computes the path for all lambdas.
#' @param lambda1 Penalty of the levels themselves, one number; larger than 0 it gives levels that are exactly zero.
#' @returns An object of class `"fused_lasso"`, a list:
#' \describe{
#'   \item{`y`, `weights`, `lambda1`}{what was given}
#'   \item{`lambda`}{the lambdas given, decreasing; or the knots of the path, where neighbours fuse, decreasing}
#'   \item{`df`}{number of constant pieces for each lambda (with `lambda1`, and lambdas given, of those that are not zero): an
#'     unbiased estimate of the degrees of freedom, Tibshirani and Taylor (2011)}
#'   \item{`beta`}{lambdas given: fitted values, length(y) x length(lambda)}
#'   \item{`gap`}{lambdas given: certificate of each, see Accuracy}
#'   \item{`fuse`}{path: for each pair of neighbours the smallest lambda at which they have one value}
#'   \item{`call`}{the call}
#' }
#' Methods: [coef()][coef.fused_lasso], `fitted()`, `residuals()`, [predict()][coef.fused_lasso], [plot()][plot.fused_lasso],
#' [kkt()][kkt.fused_lasso], `summary()`, `print()`.
#' @references
#' Tibshirani R, Saunders M, Rosset S, Zhu J, Knight K (2005). Sparsity and smoothness via the fused lasso. *Journal of the Royal
#' Statistical Society B*, 67(1), 91-108. \doi{10.1111/j.1467-9868.2005.00490.x} (equation 3)
#'
#' Friedman J, Hastie T, Hoefling H, Tibshirani R (2007). Pathwise coordinate optimization. *Annals of Applied Statistics*, 1(2),
#' 302-332. \doi{10.1214/07-AOAS131}
#'
#' Hoefling H (2010). A path algorithm for the fused lasso signal approximator. *Journal of Computational and Graphical
#' Statistics*, 19(4), 984-1006. \doi{10.1198/jcgs.2010.09208}
#'
#' Johnson NA (2013). A dynamic programming algorithm for the fused lasso and L0-segmentation. *Journal of Computational and
#' Graphical Statistics*, 22(2), 246-260. \doi{10.1080/10618600.2012.681238}
#'
#' Tibshirani RJ, Taylor J (2011). The solution path of the generalized lasso. *Annals of Statistics*, 39(3), 1335-1371.
#' \doi{10.1214/11-AOS878}
#' @seealso `vignette("sparse-signals")`
#' @examples
#' # log2 ratios of copy numbers along a chromosome (simulated): gain, loss, short amplification
#' set.seed(1)
#' truth <- rep(c(0, 0.6, 0, -0.8, 0, 1.5, 0), c(120, 60, 90, 50, 80, 6, 94))
#' y <- truth + rnorm(500, sd = 0.3)
#'
#' path <- fused_lasso(y)
#' path
#' # a lambda by the BIC: pieces are degrees of freedom
#' s <- path$lambda[path$lambda > 0.1]
#' rss <- colSums((y - coef(path, lambda = s))^2)
#' best <- s[which.min(500 * log(rss / 500) + log(500) * path$df[path$lambda > 0.1])]
#' predict(path, lambda = best, type = "segments")
#' plot(path, lambda = best)
#'
#' # normal copies exactly at zero
#' fit <- fused_lasso(y, lambda = best, lambda1 = 0.1)
#' predict(fit, type = "segments")
#' @export
fused_lasso <- function(y, weights = NULL, lambda = NULL, lambda1 = 0) {
  call <- shown_call("fused_lasso")
  if (missing(y)) abort_missing("y", "Give the values, in their order.", call)
  labels <- names(y)
  y <- check_signal(y, 2L, call)
  w <- check_signal_weights(weights, length(y), call)
  lambda <- check_lambda(lambda, call)
  lambda1 <- check_scalar(lambda1, "lambda1", call, lower = 0)
  fit <- structure(list(call = stored_call(match.call(), "fused_lasso"), y = structure(y, names = labels), weights = w,
    lambda = lambda, lambda1 = lambda1), class = "fused_lasso")
  if (is.null(lambda)) {
    seen <- seen_values(fit)
    fit$fuse <- rep(0, length(y) - 1L)
    if (length(seen$y) > 1L) {
      fuse <- .Call(C_fused_path, seen$y, seen$w)
      if (is.list(fuse)) abort_engine(fuse, NULL, call)
      fit$fuse[seen$index[-1L] - 1L] <- fuse
    }
    sorted <- sort(fit$fuse)
    last <- which(c(sorted[-1L] != sorted[-length(sorted)], TRUE)) # of equal ones
    fit$lambda <- rev(sorted[last])
    fit$df <- 1L + length(sorted) - rev(last)
  } else {
    at <- solve_fused(fit, lambda, call)
    fit[c("beta", "df", "gap")] <- at[c("beta", "df", "gap")]
  }
  fit
}

#' Values of a signal
#' @noRd
check_signal <- function(y, least, call) {
  y <- check_numeric(y, "y", call)
  if (length(y) < least) {
    sp_abort("length", sprintf("`y` must have at least %d values.", least), why = sprintf("It has %d.", length(y)),
      call = call, arg = "y", value = length(y)
    )
  }
  y
}

#' @noRd
check_signal_weights <- function(weights, n, call) {
  if (is.null(weights)) return(NULL)
  weights <- check_numeric(weights, "weights", call, n = n, of = "values of `y`", lower = 0)
  if (all(weights == 0)) {
    sp_abort("range", "`weights` must have a positive value.", why = "All are zero.", call = call, arg = "weights")
  }
  weights
}

#' The values of positive weight, and for every value which of them stands for it
#' @noRd
seen_values <- function(fit) {
  w <- fit$weights %||% rep(1, length(fit$y))
  index <- which(w > 0)
  list(y = unname(fit$y[index]), w = w[index], index = index, of = pmax(1L, cumsum(w > 0)))
}

#' @return list(beta, df, gap, objective, null): gap relative to the objective of the best constant fit, null
#' @noRd
solve_fused <- function(fit, lambda, call) {
  seen <- seen_values(fit)
  fuse <- if (!is.null(fit$fuse)) fit$fuse[seen$index[-1L] - 1L]
  unit <- signal_unit(seen$y) # squares of huge or tiny values are no numbers
  seen$y <- seen$y / unit
  lambda1 <- fit$lambda1 / unit
  out <- .Call(C_fused, seen$y, seen$w, lambda / unit, lambda1, if (!is.null(fuse)) fuse / unit)
  if (!is.null(out$error)) abort_engine(out, NULL, call)
  level <- soft(sum(seen$w * seen$y) / sum(seen$w), lambda1)
  null <- sum(seen$w * (seen$y - level)^2) / 2 + lambda1 * sum(seen$w) * abs(level)
  labels <- names(lambda) %||% if (length(lambda)) paste0("s=", vapply(lambda, format, "", digits = 4))
  beta <- matrix(out$beta * unit, ncol = length(lambda))
  if (length(seen$index) < length(fit$y)) beta <- beta[seen$of, , drop = FALSE]
  dimnames(beta) <- list(names(fit$y), labels)
  list(
    beta = beta,
    df = as.integer(if (fit$lambda1 > 0) out$nonzero else out$segments), gap = out$gap / (if (null > 0) null else 1),
    objective = out$objective * unit^2, null = null * unit^2
  )
}

#' A power of two near the largest value, where its square leaves the range of numbers; else 1
#' @noRd
signal_unit <- function(y) {
  top <- max(abs(y))
  if (top > 0 && (top > 1e100 || top < 1e-100)) 2^floor(log2(top)) else 1
}

#' Coefficients, fitted values and segments of a fused lasso
#'
#' At any lambda, also one that was not given to the fit: the problem is solved again (or read off the path), never
#' interpolated.
#'
#' @param object A fit of [fused_lasso()].
#' @param lambda Lambdas; by default those given to the fit. Required for the path of all lambdas.
#' @param type `"fitted"`: fitted values, as `coef()`. `"segments"`: the constant pieces.
#' @param ... Must be empty.
#' @returns A matrix, one row for each value of `y`, one column for each lambda (`residuals()`: `y` minus the fitted values). For `"segments"` a data frame with columns
#'   `lambda`, `start`, `end` (positions in `y`), `length`, `level` and `mean` (of the data).
#' @examples
#' y <- c(1.1, 0.9, 1, 3.2, 3, 2.9)
#' fit <- fused_lasso(y)
#' coef(fit, lambda = c(0, 0.3, 10))
#' predict(fit, lambda = 0.3, type = "segments")
#' @export
coef.fused_lasso <- function(object, lambda = NULL, ...) {
  call <- shown_call("coef")
  check_dots(dots_of(...), names(formals(coef.fused_lasso)), call)
  fused_coefficients(object, lambda, call)
}

#' @noRd
fused_coefficients <- function(object, lambda, call) {
  if (is.null(lambda) && !is.null(object$beta)) return(object$beta)
  solve_fused(object, signal_lambda(object, lambda, call), call)$beta
}

#' Lambdas asked for, in the order of the question
#' @noRd
signal_lambda <- function(object, lambda, call) {
  if (is.null(lambda)) {
    if (!is.null(object$fuse)) abort_missing("lambda", "The fit is the path for all lambdas: say which.", call)
    return(object$lambda)
  }
  labels <- names(lambda)
  check_lambda(lambda, call)
  structure(as.double(lambda), names = labels)
}

#' @rdname coef.fused_lasso
#' @export
predict.fused_lasso <- function(object, lambda = NULL, type = c("fitted", "segments"), ...) {
  call <- shown_call("predict")
  check_dots(dots_of(...), names(formals(predict.fused_lasso)), call)
  type <- check_choice(type, c("fitted", "segments"), "type", call)
  beta <- fused_coefficients(object, lambda, call)
  if (type == "fitted") return(beta)
  lambda <- signal_lambda(object, lambda, call)
  w <- object$weights %||% rep(1, length(object$y))
  do.call(rbind, lapply(seq_along(lambda), function(l) {
    level <- beta[, l]
    n <- length(level)
    start <- c(1L, which(level[-1L] != level[-n]) + 1L)
    piece <- rep.int(seq_along(start), diff(c(start, n + 1L)))
    end <- c(start[-1L] - 1L, n)
    means <- rowsum(cbind(w * object$y, w), piece, reorder = FALSE)
    data.frame(lambda = lambda[[l]], start = start, end = end, length = end - start + 1L, level = unname(level[start]),
      mean = unname(means[, 1L] / means[, 2L]), row.names = NULL)
  }))
}

#' @rdname coef.fused_lasso
#' @export
fitted.fused_lasso <- function(object, lambda = NULL, ...) {
  call <- shown_call("fitted")
  check_dots(dots_of(...), names(formals(fitted.fused_lasso)), call)
  fused_coefficients(object, lambda, call)
}

#' Certificate of a fused lasso
#'
#' @param object A fit of [fused_lasso()].
#' @param lambda Lambdas; by default those given to the fit. Required for the path of all lambdas.
#' @param ... Must be empty.
#' @returns A data frame with one row per lambda: `lambda`, `df` (pieces, see [fused_lasso()]), `objective`, `dual` (a lower bound
#'   of its minimum), `gap` (their difference, a sum of terms none of which is negative), `rel.gap` (relative to the best
#'   constant fit).
#' @examples
#' set.seed(1)
#' kkt(fused_lasso(rnorm(1000)), lambda = c(1, 5))
#' @export
kkt.fused_lasso <- function(object, lambda = NULL, ...) {
  call <- shown_call("kkt")
  check_dots(dots_of(...), names(formals(kkt.fused_lasso)), call)
  lambda <- signal_lambda(object, lambda, call)
  at <- solve_fused(object, lambda, call)
  gap <- at$gap * (if (at$null > 0) at$null else 1)
  data.frame(lambda = unname(lambda), df = at$df, objective = at$objective, dual = at$objective - gap, gap = gap, rel.gap = at$gap)
}

#' @method print fused_lasso
#' @export
print.fused_lasso <- function(x, digits = 4, ...) {
  n <- length(x$y)
  cat(sprintf("Fused lasso of %s values%s\n", format(n, big.mark = ","),
    if (x$lambda1 > 0) sprintf(", lambda1 = %s", format(x$lambda1, digits = digits)) else ""))
  if (!is.null(x$fuse)) {
    cat(sprintf("All lambdas: %s from %s down to %s\n", counted(length(x$lambda), "knot"),
      format(x$lambda[1L], digits = digits), format(x$lambda[length(x$lambda)], digits = digits)))
  } else {
    shown <- data.frame(lambda = x$lambda, df = x$df, gap = signif(x$gap, 2))
    print(utils::head(shown, 20L), digits = digits, row.names = FALSE)
    if (nrow(shown) > 20L) cat(sprintf("... and %d more\n", nrow(shown) - 20L))
  }
  invisible(x)
}

#' Plot a fused lasso
#'
#' The data as points and the fit as a step line.
#'
#' @param x A fit of [fused_lasso()].
#' @param lambda Lambdas to show; by default those given to the fit. Required for the path of all lambdas.
#' @param col Colours of the fits.
#' @param pch,cex,points.col Symbol, size and colour of the data.
#' @param xlab,ylab Titles of the axes.
#' @param ... Further graphical parameters for [graphics::plot.default()].
#' @returns `NULL`, invisibly.
#' @examples
#' set.seed(1)
#' y <- rep(c(0, 1, -1), each = 50) + rnorm(150, sd = 0.4)
#' plot(fused_lasso(y, lambda = c(2, 10)))
#' @export
plot.fused_lasso <- function(x, lambda = NULL, col = NULL, pch = 20, cex = 0.5, points.col = "grey65", xlab = "Position",
                             ylab = "Value", ...) {
  plot_signal(x, fused_coefficients(x, lambda, shown_call("plot")), seq_along(x$y), "s", col,
    list(pch = pch, cex = cex, col = points.col, xlab = xlab, ylab = ylab, ...))
}

#' Data as points, fits as lines
#' @noRd
plot_signal <- function(x, beta, at, type, col, arguments) {
  force(beta) # may be an error, before anything is drawn
  arguments <- utils::modifyList(list(las = 1, bty = "l"), arguments)
  y <- unname(as.double(x$y))
  do.call(graphics::plot, c(list(x = at, y = y), arguments))
  col <- rep_len(col %||% c("#D55E00", "#0072B2", "#009E73", "#CC79A7", "#E69F00"), ncol(beta))
  for (l in seq_len(ncol(beta))) {
    if (type == "s") graphics::lines(c(at - 0.5, max(at) + 0.5), beta[c(at, max(at)), l], type = "s", col = col[l], lwd = 2) # to the end of the last value
    else graphics::lines(at, beta[, l], type = type, col = col[l], lwd = 2)
  }
  if (ncol(beta) > 1L) {
    graphics::legend("topright", legend = sub("^s=", "lambda = ", colnames(beta)), col = col, lwd = 2, cex = 0.8, box.col = NA,
      bg = grDevices::adjustcolor("white", 0.8))
  }
  invisible()
}
