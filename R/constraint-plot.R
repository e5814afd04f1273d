#' The picture of the lasso: contours of the loss touch a constraint
#'
#' Draws, for two variables, the contours of the squared error, the set of coefficients within a budget (a diamond for the lasso, a disc for ridge
#' regression, between the two for the elastic net), and the point where they touch: the solution. On the corners of the diamond a coefficient is
#' zero, and that is where the contours touch it for a whole range of least squares solutions.
#'
#' @section What is drawn:
#' In standardized coefficients (\eqn{s_j\beta_j}, as the penalty sees them), for each `alpha`,
#' \deqn{\min_b \; \tfrac{1}{2n}\|r - Z b\|^2 \quad \mbox{subject to} \quad \alpha \|b\|_1 + \frac{1-\alpha}{2}\|b\|_2^2 \le t}{
#'   minimize  |r - Z b|^2 / (2n)  subject to  alpha |b|_1 + (1 - alpha)/2 |b|_2^2 <= t}
#' (Hastie, Tibshirani and Friedman 2009, figure 3.11). For data, r is the centred response and t the fraction `budget` of what the least squares solution
#' of the two variables needs. For a fit, r is the partial residual that leaves the other variables where they are at `s`, `alpha` is that of the
#' fit, and t what its solution needs (for a gaussian fit that is the point where they touch).
#'
#' @param x Variables, a matrix or data frame; or a gaussian fit of [sparsepath()] or [cv.sparsepath()].
#' @param y Response, numeric.
#' @param j,k The two columns, by number or name.
#' @param alpha One panel for each: 1 lasso, 0 ridge, between them elastic net. Default: all three.
#' @param budget Fraction of what least squares needs, between 0 and 1. Default 0.5.
#' @param data The `x` of the fit.
#' @param s Lambda of the fit, one number; for a cross-validation also `"lambda.1se"` (the default) or `"lambda.min"`.
#' @param levels Number of contours outside the one that touches.
#' @param col Colours of contours, constraint and solution.
#' @param ... Further graphical parameters for [graphics::plot.default()].
#' @returns A data frame, invisibly, one row for each panel: `alpha`, `t`, the coefficients of the solution and of least squares in
#'   standardized units.
#' @section Errors:
#' `sparsepath_error_unavailable` for fits that are no gaussian elastic net, or have weights, an offset, penalty factors or limits;
#' `sparsepath_error_dependent` for two columns that are constant or proportional; `sparsepath_error_range` where both coefficients are zero at `s`.
#' @references
#' Tibshirani R (1996). Regression shrinkage and selection via the lasso. *Journal of the Royal Statistical Society B*, 58(1),
#' 267-288. \doi{10.1111/j.2517-6161.1996.tb02080.x} (figure 2)
#'
#' Hastie T, Tibshirani R, Friedman J (2009). *The Elements of Statistical Learning*, 2nd edition, section 3.4.3. Springer.
#' @examples
#' constraint_plot(swiss[, -1], swiss$Fertility, "Examination", "Catholic")
#'
#' # two variables of a fit, the others held
#' fit <- sparsepath(as.matrix(swiss[, -1]), swiss$Fertility)
#' constraint_plot(fit, swiss$Fertility, "Education", "Catholic", data = as.matrix(swiss[, -1]), s = 2)
#' @export
constraint_plot <- function(x, y, j = 1, k = 2, ...) UseMethod("constraint_plot")

#' @rdname constraint_plot
#' @export
constraint_plot.default <- function(x, y, j = 1, k = 2, alpha = c(1, 0.5, 0), budget = 0.5, levels = 4,
                                    col = c("grey55", "#56B4E9", "#D55E00"), ...) {
  call <- shown_call("constraint_plot")
  if (missing(x)) abort_missing("x", "Give the variables.", call)
  x <- check_x(encode_x(x, call), call)
  if (missing(y)) abort_missing("y", "Give the response.", call)
  y <- check_numeric(y, "y", call, n = nrow(x), of = "rows of `x`")
  alpha <- check_numeric(alpha, "alpha", call, lower = 0, upper = 1)
  if (!length(alpha)) sp_abort("length", "`alpha` must have at least one value.", why = "It is empty.", call = call, arg = "alpha")
  budget <- check_scalar(budget, "budget", call, lower = 0, upper = 1, open = TRUE)
  pair <- plane_columns(x, j, k, colnames(x) %||% default_names(ncol(x)), TRUE, call)
  n <- nrow(x)
  q <- plane_loss(pair$z, y - mean(y))
  if (!(sum(abs(q$least)) > 1e-12 * max(abs(y)))) {
    sp_abort("constant_y", "Least squares has zero coefficients for these two columns: there is no budget to share.", call = call, arg = "y")
  }
  draw_panels(q, pair, lapply(alpha, function(a) list(alpha = a, t = budget * plane_penalty(q$least, a))), levels, col, list(...), call)
}

#' @rdname constraint_plot
#' @export
constraint_plot.sparsepath <- function(x, y, j = 1, k = 2, data, s, levels = 4, col = c("grey55", "#56B4E9", "#D55E00"), ...) {
  call <- shown_call("constraint_plot")
  fit <- x
  if (family_traits(fit$family)$name != "gaussian") {
    sp_abort("unavailable", "The contours are those of least squares.", why = sprintf("The family is %s.", family_label(fit$family)), call = call, arg = "x")
  }
  refuse_penalty(fit, "The drawing is", call)
  limited <- !is.null(fit$settings$lower.limits) || !is.null(fit$settings$upper.limits)
  if (fit$settings$weighted || fit$offset || !is.null(fit$settings$penalty.factor) || limited) {
    sp_abort("unavailable", "Fits with weights, an offset, penalty factors or limits cannot be drawn.",
      how = "Fit without them, or draw the data: `constraint_plot(x, y, j, k)`.", call = call, arg = "x")
  }
  if (missing(y)) abort_missing("y", "The fit holds no data.", call)
  if (missing(data)) abort_missing("data", "The fit holds no data: give its `x` as `data`.", call)
  if (missing(s)) abort_missing("s", "Give one lambda.", call)
  s <- check_scalar(s, "s", call, lower = 0)
  data <- check_x(x_like(data, fit, call, "data"), call, "data")
  y <- check_numeric(y, "y", call, n = nrow(data), of = "rows of `data`")
  pair <- plane_columns(data, j, k, fit$varnames, fit$standardize, call, fit$intercept)
  b <- coefficients_at(fit, s, TRUE, list(x = data, y = y), call)
  beta <- b$beta[, 1L]
  held <- replace(beta, pair$columns, 0)
  r <- y - drop(as.matrix(data %*% held))
  if (fit$intercept) r <- r - mean(r)
  q <- plane_loss(pair$z, r)
  # the ridge part of the objective is divided by the standard deviation of y
  ridge <- (1 - fit$alpha) / sqrt(mean((y - if (fit$intercept) mean(y) else 0)^2))
  mix <- fit$alpha / (fit$alpha + ridge)
  own <- beta[pair$columns] * pair$scale
  if (all(own == 0)) {
    sp_abort("range", "Both coefficients are zero at `s`.", how = "Choose a smaller `s`, or columns that are selected.", call = call, arg = "s")
  }
  draw_panels(q, pair, list(list(alpha = mix, t = plane_penalty(own, mix), label = fit$alpha)), levels, col, list(...), call)
}

#' @rdname constraint_plot
#' @export
constraint_plot.cv.sparsepath <- function(x, y, j = 1, k = 2, data, s = c("lambda.1se", "lambda.min"), ...) {
  constraint_plot(x$fit, y, j, k, data = data, s = unname(chosen_lambda(x, s, shown_call("constraint_plot"))), ...)
}

#' The two columns, centred and scaled
#' @noRd
plane_columns <- function(x, j, k, varnames, standardize, call, intercept = TRUE) {
  if (ncol(x) < 2L) sp_abort("dimension", "The picture needs two columns.", why = "The data have one.", call = call, arg = "x")
  one <- function(column, arg) {
    if (length(column) != 1L) sp_abort("length", sprintf("`%s` must be one column.", arg), why = sprintf("It has length %d.", length(column)), call = call, arg = arg)
    check_columns(column, arg, ncol(x), varnames, call)
  }
  columns <- c(one(j, "j"), one(k, "k"))
  if (columns[1L] == columns[2L]) sp_abort("range", "`j` and `k` must be two columns.", why = sprintf("Both are %s.", some_names(varnames[columns[1L]])), call = call, arg = "k")
  z <- as.matrix(x[, columns])
  if (!all(is.finite(z))) abort_nonfinite_x(x, columns[which(colSums(!is.finite(z)) > 0)[1L]], call)
  centre <- if (intercept) colMeans(z) else c(0, 0)
  scale <- if (standardize) sqrt(colMeans((z - rep(colMeans(z), each = nrow(z)))^2)) else c(1, 1)
  z <- (z - rep(centre, each = nrow(z))) / rep(scale, each = nrow(z))
  if (!all(is.finite(z)) || qr(z, tol = 1e-7)$rank < 2L) {
    sp_abort("dependent", "The two columns must be linearly independent.", call = call, arg = "k")
  }
  list(columns = columns, z = unname(z), scale = unname(scale), names = varnames[columns])
}

#' Squared error in the plane: (b - least)'G(b - least) / 2
#' @noRd
plane_loss <- function(z, r) {
  G <- crossprod(z) / nrow(z)
  list(G = G, least = drop(solve(G, crossprod(z, r) / nrow(z))))
}

#' @noRd
plane_penalty <- function(b, alpha) {
  b <- matrix(b, ncol = 2L)
  alpha * rowSums(abs(b)) + (1 - alpha) / 2 * rowSums(b^2)
}

#' Boundary of the constraint at angles
#' @noRd
plane_boundary <- function(angle, alpha, t) {
  l1 <- alpha * (abs(cos(angle)) + abs(sin(angle)))
  radius <- 2 * t / (l1 + sqrt(l1^2 + 2 * (1 - alpha) * t)) # of (1 - alpha)/2 r^2 + l1 r = t
  cbind(radius * cos(angle), radius * sin(angle))
}

#' @noRd
plane_excess <- function(b, q) {
  d <- matrix(b, ncol = 2L) - rep(q$least, each = length(b) / 2L)
  rowSums((d %*% q$G) * d) / 2
}

#' The point of the boundary with the smallest loss
#' @noRd
plane_solution <- function(q, alpha, t) {
  if (plane_penalty(q$least, alpha) <= t) return(q$least)
  value <- function(angle) plane_excess(plane_boundary(angle, alpha, t), q)
  corners <- c(0, 0.5, 1, 1.5) * pi
  grid <- seq(0, 2 * pi, length.out = 721L)[-721L]
  near <- grid[which.min(value(grid))]
  found <- stats::optimize(value, near + c(-1, 1) * pi / 360, tol = 1e-12)
  if (min(value(corners)) <= found$objective + 1e-12 * max(found$objective, 1e-300)) {
    corner <- plane_boundary(corners[which.min(value(corners))], alpha, t)
    return(drop(ifelse(abs(corner) < 1e-9 * max(abs(corner)), 0, corner)))
  }
  drop(plane_boundary(found$minimum, alpha, t))
}

#' @noRd
draw_panels <- function(q, pair, panels, levels, col, given, call) {
  levels <- check_scalar(levels, "levels", call, lower = 0, upper = 50, integer = TRUE)
  col <- rep_len(col, 3L)
  angle <- seq(0, 2 * pi, length.out = 721L)
  root <- solve(chol(q$G))
  if (length(panels) > 1L) {
    old <- graphics::par(mfrow = c(1L, length(panels)), mar = c(4.1, 4.1, 2.6, 0.8))
    on.exit(graphics::par(old))
  }
  rows <- lapply(panels, function(panel) {
    solution <- plane_solution(q, panel$alpha, panel$t)
    ball <- plane_boundary(angle, panel$alpha, panel$t)
    own <- plane_excess(solution, q)
    ellipse <- function(level) t(q$least + root %*% rbind(cos(angle), sin(angle)) * sqrt(2 * level))
    touching <- ellipse(own)
    everything <- rbind(ball, q$least, touching, c(0, 0))
    middle <- colMeans(apply(everything, 2L, range))
    half <- max(apply(everything, 2L, function(v) diff(range(v)))) * 0.56
    label <- panel$label %||% panel$alpha
    arguments <- list(x = 0, y = 0, type = "n", xlim = middle[1L] + c(-1, 1) * half, ylim = middle[2L] + c(-1, 1) * half, asp = 1, las = 1,
      xlab = pair$names[1L], ylab = pair$names[2L], main = panel_title(label), bty = "n")
    arguments[names(given)] <- given
    do.call(graphics::plot, arguments)
    graphics::polygon(ball, col = grDevices::adjustcolor(col[2L], 0.35), border = col[2L])
    graphics::abline(h = 0, v = 0, col = "grey60", lwd = 0.8)
    for (i in rev(seq_len(levels))) graphics::lines(ellipse(own * (1 + 0.45 * i)^2), col = grDevices::adjustcolor(col[1L], 0.6), lwd = 0.8)
    if (own > 0) graphics::lines(touching, col = col[1L], lwd = 1.6)
    graphics::points(q$least[1L], q$least[2L], pch = 3, col = col[1L], lwd = 2)
    graphics::text(q$least[1L], q$least[2L], "least squares", pos = 3, cex = 0.8, col = "grey30")
    graphics::points(solution[1L], solution[2L], pch = 19, col = col[3L], cex = 1.3)
    data.frame(alpha = label, t = panel$t, solution.j = solution[1L], solution.k = solution[2L], least.j = q$least[1L], least.k = q$least[2L])
  })
  invisible(do.call(rbind, rows))
}

#' @noRd
panel_title <- function(alpha) {
  if (alpha == 1) "Lasso" else if (alpha == 0) "Ridge" else sprintf("Elastic net, alpha = %s", format(alpha, digits = 3))
}
