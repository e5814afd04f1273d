#' Basis pursuit
#'
#' The solution of smallest L1 norm of an underdetermined system of linear equations, exactly or up to a given noise level. If few
#' entries of the true solution are not zero and the columns are not too much alike, it is the true solution (compressed
#' sensing).
#'
#' @section Objective:
#' \deqn{\min_x \; \|x\|_1 \quad \mbox{subject to} \quad A x = b \qquad \mbox{or} \qquad \|A x - b\|_2 \le \sigma}{
#'   minimize  sum_j |x_j|  subject to  A x = b  or  sqrt(sum (A x - b)^2) <= noise}
#' (Chen, Donoho and Saunders 1998, equation 1.3; for `noise` \eqn{= \sigma} > 0, Candes, Romberg and Tao 2006, equation 5). Columns are
#' neither centred nor scaled.
#'
#' @section Method:
#' The lasso path of [lars_path()], followed to its end at lambda = 0, or to the lambda where the residual reaches the noise
#' level, inside the last segment: both are solved exactly.
#'
#' @section Certificate:
#' A vector \eqn{\nu} with \eqn{\|A^T\nu\|_\infty \le 1} proves that no solution has an L1 norm below
#' \eqn{b^T\nu - \sigma\|\nu\|_2}. `gap` is the difference between the norm found and that bound, divided by the norm; `dual` is the
#' \eqn{\nu}, so that `max(abs(crossprod(A, dual)))` shows where else the solution could have had entries. `residual` is
#' \eqn{\|Ax-b\|_2}.
#'
#' @section Errors:
#' Of class `sparsepath_error`; `sparsepath_error_infeasible` if no x satisfies the equations: its field `residual` is the distance
#' of b from the span of A.
#'
#' @param A Matrix of the equations, one in each row, of any class that [sparsepath()] takes.
#' @param b Right-hand side, one number for each row.
#' @param noise Largest distance \eqn{\sigma} of `A x` from `b`, zero or positive. The default 0 asks for `A x = b`.
#' @returns An object of class `"basis_pursuit"`, a list: `x` (the solution, named by the columns of `A`), `support`
#'   (indices of its nonzero entries), `norm` (its L1 norm), `residual`, `dual`, `gap`, `lambda` (where the path ended), `steps` (of the path),
#'   `noise`, `call`. `coef()` gives `x`, `residuals()` \eqn{b-Ax}, `plot()` draws the solution, and `kkt()` computes the certificate again from
#'   `A` and `b`: a data frame with `df`, `objective`, `dual`, `gap`, `rel.gap` and `residual`.
#' @references
#' Chen SS, Donoho DL, Saunders MA (1998). Atomic decomposition by basis pursuit. *SIAM Journal on Scientific Computing*, 20(1),
#' 33-61. \doi{10.1137/S1064827596304010}
#'
#' Candes EJ, Romberg JK, Tao T (2006). Stable signal recovery from incomplete and inaccurate measurements. *Communications on
#' Pure and Applied Mathematics*, 59(8), 1207-1223. \doi{10.1002/cpa.20124}
#'
#' Donoho DL, Tsaig Y (2008). Fast solution of l1-norm minimization problems when the solution may be sparse. *IEEE Transactions on
#' Information Theory*, 54(11), 4789-4812. \doi{10.1109/TIT.2008.929958} (the homotopy)
#' @seealso `vignette("sparse-signals")`
#' @examples
#' # 10 spikes among 200 places, from 60 random measurements
#' set.seed(1)
#' A <- matrix(rnorm(60 * 200), 60)
#' x <- replace(numeric(200), sample(200, 10), rnorm(10))
#' found <- basis_pursuit(A, drop(A %*% x))
#' found
#' max(abs(found$x - x))
#'
#' # measured with noise
#' e <- rnorm(60, sd = 0.1)
#' basis_pursuit(A, drop(A %*% x) + e, noise = sqrt(sum(e^2)))
#' @export
basis_pursuit <- function(A, b, noise = 0) {
  call <- shown_call("basis_pursuit")
  if (missing(A)) abort_missing("A", "Give the matrix of the equations.", call)
  if (missing(b)) abort_missing("b", "Give the right-hand side.", call)
  A <- check_x(A, call, "A")
  n <- nrow(A)
  b <- check_numeric(b, "b", call, n = n, of = "rows of `A`")
  noise <- check_scalar(noise, "noise", call, lower = 0)
  check_finite_matrix(A, "A", call)
  labels <- colnames(A) %||% default_names(ncol(A))
  result <- list(x = structure(double(ncol(A)), names = labels), support = integer(), norm = 0, residual = sqrt(sum(b^2)),
    dual = double(n), gap = 0, lambda = 0, steps = 0L, noise = noise, call = stored_call(match.call(), "basis_pursuit"))
  if (result$residual > noise) {
    # a fit leaves constant columns out; with an equation 0 = 0 they are none
    rows <- n + has_constant(A)
    setup <- list(x = if (rows > n) rbind(A, 0) else A, call = call, problem = list(y = c(b, double(rows - n)), weights = rep(1, rows),
      v = rep(1, ncol(A)), standardize = FALSE, intercept = FALSE))
    out <- run_lars(setup, "lasso", 0, 0, noise / sqrt(rows), Inf)
    result <- end_of_path(result, A, b, rows, out, call)
  }
  structure(result, class = "basis_pursuit")
}

#' @noRd
end_of_path <- function(result, A, b, rows, out, call) {
  last <- length(out$lambda)
  own <- seq_len(out$p[last + 1L] - out$p[last]) + out$p[last]
  result$support <- out$i[own] + 1L
  result$x[result$support] <- out$x[own]
  rest <- b - as.vector(A[, result$support, drop = FALSE] %*% out$x[own])
  result$residual <- sqrt(sum(rest^2))
  if (result$residual > result$noise * (1 + 1e-8) + 1e-9 * sqrt(sum(b^2))) {
    if (out$end == "stuck") {
      sp_abort("engine", "The path ended early.", why = "Ties could not be resolved: columns of `A` are nearly dependent.", call = call)
    }
    sp_abort("infeasible", if (result$noise > 0) "No x brings `A x` that near to `b`." else "No x satisfies `A x = b`.",
      why = sprintf("The distance of `b` from the span of `A` is %s.", show_number(result$residual)),
      how = "Give a `noise` above that distance.", call = call, residual = result$residual
    )
  }
  # with noise the residual itself, without it what the residual shrinks along
  dual <- if (result$noise > 0) rest / (out$lambda[last] * rows) else out$dual[seq_along(b)]
  result$dual <- dual / max(1, abs(as.vector(Matrix::crossprod(A, dual))))
  result$norm <- sum(abs(result$x))
  bound <- sum(b * result$dual) - result$noise * sqrt(sum(result$dual^2))
  result$gap <- (result$norm - bound) / result$norm
  result$lambda <- out$lambda[last] * rows / length(b)
  result$steps <- last - 1L
  result
}

#' Is a column constant, and not zero?
#' @noRd
has_constant <- function(A) {
  if (is.matrix(A)) return(any(A[1L, ] != 0 & colSums(A != rep(A[1L, ], each = nrow(A))) == 0))
  full <- which(diff(A@p) == nrow(A))
  length(full) > 0L && has_constant(as.matrix(A[, full, drop = FALSE]))
}

#' The first non-finite value of a matrix is an error
#' @noRd
check_finite_matrix <- function(x, arg, call) {
  bad <- if (is.matrix(x)) which(colSums(!is.finite(x)) > 0) else which(Matrix::colSums(is_bad(x)) > 0)
  if (length(bad)) abort_nonfinite_x(x, bad[1L], call, arg)
}

#' @rdname basis_pursuit
#' @param object,x,... For the methods: the solution; further graphical parameters of `plot()`.
#' @export
coef.basis_pursuit <- function(object, ...) object$x

#' @rdname basis_pursuit
#' @export
residuals.basis_pursuit <- function(object, A, b, ...) {
  call <- shown_call("residuals")
  data <- equations_again(object, A, b, call)
  data$b - as.vector(data$A %*% object$x)
}

#' @rdname basis_pursuit
#' @export
kkt.basis_pursuit <- function(object, A, b, ...) {
  call <- shown_call("kkt")
  check_dots(dots_of(...), names(formals(kkt.basis_pursuit)), call)
  data <- equations_again(object, A, b, call)
  dual <- object$dual / max(1, abs(as.vector(Matrix::crossprod(data$A, object$dual))))
  objective <- sum(abs(object$x))
  bound <- sum(data$b * dual) - object$noise * sqrt(sum(dual^2))
  data.frame(df = sum(object$x != 0), objective = objective, dual = bound, gap = objective - bound,
    rel.gap = if (objective > 0) (objective - bound) / objective else objective - bound,
    residual = sqrt(sum((data$b - as.vector(data$A %*% object$x))^2)))
}

#' @noRd
equations_again <- function(object, A, b, call) {
  if (missing(A)) abort_missing("A", "The solution holds no data: give `A` and `b`.", call)
  if (missing(b)) abort_missing("b", "The solution holds no data: give `A` and `b`.", call)
  A <- check_x(A, call, "A")
  if (nrow(A) != length(object$dual) || ncol(A) != length(object$x)) {
    sp_abort("dimension", sprintf("`A` must be %d x %d, as in the problem that was solved.", length(object$dual), length(object$x)),
      why = sprintf("It is %d x %d.", nrow(A), ncol(A)), call = call, arg = "A")
  }
  list(A = A, b = check_numeric(b, "b", call, n = nrow(A), of = "rows of `A`"))
}

#' @param type,col,xlab,ylab For `plot()`: spikes at the indices of the unknowns, their colour, titles of the axes.
#' @rdname basis_pursuit
#' @export
plot.basis_pursuit <- function(x, type = "h", col = "#0072B2", xlab = "Index", ylab = "Solution", ...) {
  arguments <- list(x = seq_along(x$x), y = unname(x$x), type = type, col = col, lwd = 1.5, las = 1, bty = "l", xlab = xlab, ylab = ylab)
  given <- list(...)
  arguments[names(given)] <- given
  do.call(graphics::plot, arguments)
  graphics::abline(h = 0, col = "grey60", lwd = 0.8)
  invisible()
}

#' @method print basis_pursuit
#' @rdname basis_pursuit
#' @export
print.basis_pursuit <- function(x, ...) {
  cat(sprintf("Basis pursuit: %d equations, %d unknowns%s\n", length(x$dual), length(x$x),
    if (x$noise > 0) sprintf(", noise %s", format(x$noise, digits = 4)) else ""))
  cat(sprintf("%d nonzero, L1 norm %s, residual %s\n", length(x$support), format(x$norm, digits = 6), format(x$residual, digits = 3)))
  cat(sprintf("Certified: relative duality gap %s\n", format(x$gap, digits = 2)))
  invisible(x)
}
