# The lasso on data in pieces.

#' Lasso on blocks of rows by consensus ADMM
#'
#' Fits one lasso to data whose rows lie in several places: each block works on its own rows, and what it tells the others are sums
#' over its rows (once) and one vector of p coefficients in each iteration. The answer is the lasso of all rows together, the same that
#' [sparsepath()] computes, with its certificate. This is a reference implementation in plain R, run in one process.
#'
#' @section Objective:
#' That of the lasso by [sparsepath()]: with \eqn{A_i, y_i} the standardized rows of block i, and N rows in all,
#' \deqn{\min_x \; \frac{1}{2N} \sum_i \|y_i - A_i x\|^2 + \lambda \|x\|_1}{minimize  sum_i |y_i - A_i x|^2 / (2 N) + lambda |x|_1}
#' The iteration in scaled form is
#' \deqn{x_i \leftarrow (A_i^TA_i/N + \rho I)^{-1} (A_i^Ty_i/N + \rho (z - u_i)), \quad
#'   z \leftarrow S_{\lambda / (\rho m)}(\bar x + \bar u), \quad u_i \leftarrow u_i + x_i - z}{
#'   x_i = solve(A_i'A_i / N + rho I, A_i'y_i / N + rho (z - u_i));  z = S(mean(x) + mean(u), lambda / (rho m));  u_i = u_i + x_i - z}
#' (Boyd et al. 2011, section 8.2.1, for m blocks; S is [soft_threshold()]).
#'
#' @param x Numeric matrix, n x p, dense or sparse; for `plot()` a fit.
#' @param y Numeric response of length n.
#' @param blocks The block of each row: a vector or factor of length n, or one number of blocks of consecutive rows.
#' @param lambda One positive number, in the units of [sparsepath()].
#' @param rho Penalty parameter, positive. The default `NULL` is 1 / m for m blocks, about the mean curvature of a block's part of the
#'   loss with standardized columns; the iterations are fewest for values near that.
#' @param standardize,intercept As in [sparsepath()]; means and standard deviations come from the blocks' sums.
#' @param thresh The iteration ends when the relative duality gap is at most `thresh`. The default is that of [sparsepath.control()].
#' @param maxit Most iterations. A warning names the gap that was reached if they do not suffice.
#' @returns A list of class `"consensus_lasso"`: `a0`, `beta` (length p, original scale), `lambda`, `gap` (relative duality gap),
#'   `status` (0: at most `thresh`; 2: `maxit` was reached), `iterations`, `blocks` (rows of each), `rho`, `trace` (data frame with columns
#'   `iteration`, `objective`, `gap`, and `primal` and `dual`, the norms of the residuals of Boyd et al. section 7.1), `call`.
#'   `coef()` gives intercept and coefficients, `predict()` and `fitted()` the predictions for `newx`; `plot()` shows the gap of each iteration, as
#'   [convergence()] does.
#' @section Errors:
#' Of class `sparsepath_error`: `sparsepath_error_missing_argument`, `_type`, `_length`, `_range`, `_nonfinite` for arguments that are not as above.
#' @references
#' Boyd S, Parikh N, Chu E, Peleato B, Eckstein J (2011). Distributed optimization and statistical learning via the alternating
#' direction method of multipliers. *Foundations and Trends in Machine Learning*, 3(1), 1-122. \doi{10.1561/2200000016}
#' (sections 7.1, 8.2)
#' @seealso [convergence()] for the other reference solvers
#' @examples
#' x <- as.matrix(mtcars[, -1])
#' together <- sparsepath(x, mtcars$mpg, lambda = 0.5)
#' apart <- consensus_lasso(x, mtcars$mpg, blocks = 4, lambda = 0.5)
#' apart
#' max(abs(coef(apart) - as.vector(coef(together))))
#' @export
consensus_lasso <- function(x, y, blocks, lambda, rho = NULL, standardize = TRUE, intercept = TRUE, thresh = 1e-7, maxit = 10000) {
  call <- shown_call("consensus_lasso")
  for (arg in c("x", "y", "blocks", "lambda")) {
    if (do.call(missing, list(as.name(arg)))) abort_missing(arg, "See ?consensus_lasso.", call)
  }
  x <- as.matrix(check_x(x, call))
  n <- nrow(x)
  p <- ncol(x)
  bad <- which(!is.finite(colSums(x)))
  if (length(bad)) abort_nonfinite_x(x, bad[1L], call)
  y <- check_numeric(y, "y", call)
  if (length(y) != n) {
    sp_abort("length", sprintf("`y` must have one value for each of the %d rows of `x`.", n), why = sprintf("It has %d.", length(y)),
      call = call, arg = "y")
  }
  blocks <- check_blocks(blocks, n, call)
  lambda <- check_scalar(lambda, "lambda", call, lower = 0, open = TRUE)
  m <- nlevels(blocks)
  rho <- if (is.null(rho)) 1 / m else check_scalar(rho, "rho", call, lower = 0, open = TRUE)
  standardize <- check_flag(standardize, "standardize", call)
  intercept <- check_flag(intercept, "intercept", call)
  thresh <- check_scalar(thresh, "thresh", call, lower = 0, upper = 1, open = TRUE)
  maxit <- check_scalar(maxit, "maxit", call, lower = 1, integer = TRUE)

  rows <- split(seq_len(n), blocks)
  scale <- pooled_scale(x, y, rows, standardize, intercept)
  parts <- lapply(rows, function(i) consensus_part(x[i, , drop = FALSE], y[i], scale, n, rho))
  null <- sum(vapply(parts, `[[`, 0, "yy")) / 2
  if (!(null > 0)) {
    sp_abort("constant_y", "`y` is constant.", why = sprintf("All its values are %s.", show_number(y[1L])),
      how = "There is nothing to explain: the solution is zero for every lambda.", call = call, arg = "y")
  }
  z <- numeric(p)
  u <- lapply(parts, function(part) numeric(p))
  trace <- list()
  for (it in 0:maxit) {
    primal <- dual <- NA_real_
    if (it > 0) {
      b <- Map(function(part, ui) part$solve(z - ui), parts, u)
      before <- z
      z <- soft(Reduce(`+`, Map(`+`, b, u)) / m, lambda / (rho * m))
      u <- Map(function(ui, bi) ui + bi - z, u, b)
      primal <- sqrt(sum(vapply(b, function(bi) sum((bi - z)^2), 0)))
      dual <- rho * sqrt(m) * sqrt(sum((z - before)^2))
    }
    now <- consensus_gap(parts, z, lambda)
    trace[[it + 1L]] <- c(it, now$objective, now$gap / null, primal, dual)
    if (now$gap <= thresh * null) break
  }
  trace <- as.data.frame(do.call(rbind, trace))
  names(trace) <- c("iteration", "objective", "gap", "primal", "dual")
  gap <- trace$gap[nrow(trace)]
  beta <- stats::setNames(z / scale$sd, colnames(x) %||% default_names(p))
  out <- structure(
    list(
      a0 = scale$y - sum(scale$mean * beta), beta = beta, lambda = lambda, gap = gap, status = if (gap <= thresh) 0L else 2L,
      iterations = as.integer(it), blocks = lengths(rows), rho = rho, thresh = thresh, trace = trace, call = stored_call(match.call(), "consensus_lasso")
    ),
    class = "consensus_lasso"
  )
  if (out$status) {
    sp_warn("uncertified", "The blocks have not agreed on the promised accuracy.",
      why = sprintf("After %d iterations the relative gap is %s (promised: %s).", it, format(gap, digits = 2), format(thresh)),
      how = "Raise `maxit`, or try another `rho`.", call = call)
  }
  out
}

#' @noRd
check_blocks <- function(blocks, n, call) {
  if (is.numeric(blocks) && length(blocks) == 1L && n > 1L) {
    m <- check_scalar(blocks, "blocks", call, lower = 1, upper = n, integer = TRUE)
    return(factor(ceiling(seq_len(n) * m / n)))
  }
  if (!is.atomic(blocks) || is.null(blocks)) {
    sp_abort("type", "`blocks` must be a vector or factor.", why = sprintf("It is %s.", describe(blocks)), call = call, arg = "blocks")
  }
  if (length(blocks) != n) {
    sp_abort("length", sprintf("`blocks` must be one number, or have one value for each of the %d rows of `x`.", n),
      why = sprintf("It has %d.", length(blocks)), call = call, arg = "blocks")
  }
  if (anyNA(blocks)) {
    sp_abort("nonfinite", "`blocks` must not contain missing values.", why = sprintf("NA at position %d.", which(is.na(blocks))[1L]),
      call = call, arg = "blocks")
  }
  droplevels(factor(blocks))
}

#' Means and standard deviations of all rows from sums of the blocks. Columns that do not vary get sd Inf: coefficient 0.
#' @noRd
pooled_scale <- function(x, y, rows, standardize, intercept) {
  n <- nrow(x)
  total <- function(f) Reduce(`+`, lapply(rows, f))
  average <- total(function(i) colSums(x[i, , drop = FALSE])) / n
  square <- total(function(i) colSums(sweep(x[i, , drop = FALSE], 2, average)^2)) / n # a second round of sums: does not cancel
  constant <- sqrt(square) <= 1e-14 * abs(average) | square == 0
  sd <- if (standardize) sqrt(square) else rep(1, ncol(x))
  sd[constant] <- Inf
  list(mean = if (intercept) average else 0 * average, sd = sd, y = if (intercept) total(function(i) sum(y[i])) / n else 0)
}

#' What one block knows: its rows, and how to solve its own problem
#' @noRd
consensus_part <- function(x, y, scale, n, rho) {
  A <- sweep(sweep(x, 2, scale$mean), 2, scale$sd, `/`) / sqrt(n)
  y <- (y - scale$y) / sqrt(n)
  Ay <- drop(crossprod(A, y))
  wide <- ncol(A) > nrow(A)
  factor <- chol((if (wide) tcrossprod(A) else crossprod(A)) + diag(rho, min(dim(A))))
  solve <- function(at) {
    rhs <- Ay + rho * at
    if (!wide) return(backsolve(factor, backsolve(factor, rhs, transpose = TRUE)))
    (rhs - drop(crossprod(A, backsolve(factor, backsolve(factor, A %*% rhs, transpose = TRUE))))) / rho
  }
  list(A = A, y = y, yy = sum(y^2), solve = solve)
}

#' Objective and duality gap of z, by sums over blocks: residual and correlations
#' @noRd
consensus_gap <- function(parts, z, lambda) {
  r <- lapply(parts, function(part) part$y - drop(part$A %*% z))
  rr <- sum(unlist(r)^2)
  c <- Reduce(`+`, Map(function(part, ri) drop(crossprod(part$A, ri)), parts, r))
  s <- min(1, lambda / max(abs(c)))
  # both terms of the gap are non-negative: see kkt()
  list(objective = rr / 2 + lambda * sum(abs(z)), gap = (1 - s)^2 * rr / 2 + sum(pmax(0, lambda * abs(z) - s * c * z)))
}

#' @rdname consensus_lasso
#' @export
plot.consensus_lasso <- function(x, ...) plot(convergence(x), ...)

#' @method print consensus_lasso
#' @export
print.consensus_lasso <- function(x, digits = max(3L, getOption("digits") - 3L), ...) {
  cat(sprintf("Lasso on %s of rows at lambda %s: %d of %d coefficients are not zero\n", counted(length(x$blocks), "block"),
    format(x$lambda, digits = digits), sum(x$beta != 0), length(x$beta)))
  cat(sprintf("%d iterations, relative gap %s%s\n", x$iterations, format(x$gap, digits = 2), if (x$status) " (not certified)" else ""))
  invisible(x)
}

#' @param object,... For the methods: a fit; `...` must be empty, but for further graphical parameters of `plot()`.
#' @param newx New observations, a matrix with the columns of `x`.
#' @rdname consensus_lasso
#' @export
coef.consensus_lasso <- function(object, ...) c(`(Intercept)` = object$a0, object$beta)
