#' Plot a path
#'
#' One curve per variable that is ever selected. The upper axis counts the
#' nonzero coefficients (with [pen_fused()] the stretches of equal ones). With several classes (`"multinomial"`) there is one plot for each class, or one of the norms.
#' With MCP and SCAD the range of lambdas at which the objective is not convex over the selected variables is grey (see [pen_mcp()]).
#'
#' @param x A fit of [sparsepath()].
#' @param xvar Horizontal axis: `"lambda"` (-log lambda, so that models grow to
#'   the right), `"norm"` (L1 norm of the coefficients) or `"dev"` (fraction of
#'   deviance explained).
#' @param label Label curves with the names of their variables at the right end? `TRUE`
#'   labels the ten largest final coefficients; a number labels that many.
#' @param sign.lambda `-1` for -log(lambda), `1` for log(lambda).
#' @param type.coef With several classes: `"coef"`, one plot for each class, or `"2norm"`, one plot of the Euclidean norms over the
#'   classes.
#' @param col Colours, recycled over the variables.
#' @param xlab,ylab,main Titles.
#' @param ... Further graphical parameters for [graphics::matplot()].
#' @returns `NULL`, invisibly.
#' @examples
#' fit <- sparsepath(log2(colon$x), colon$y, family = "binomial", lambda.min.ratio = 0.05)
#' plot(fit, label = TRUE)
#' plot(fit, xvar = "dev")
#' @export
plot.sparsepath <- function(x, xvar = c("lambda", "norm", "dev"), label = FALSE, sign.lambda = -1, col = NULL,
                            xlab = NULL, ylab = "Coefficients", main = "", type.coef = c("coef", "2norm"), ...) {
  call <- shown_call("plot")
  type.coef <- check_choice(type.coef, c("coef", "2norm"), "type.coef", call)
  if (is_several(x)) {
    x$norm <- Reduce(`+`, lapply(x$beta, function(b) Matrix::colSums(abs(b))))
    parts <- if (type.coef == "2norm") list(norms_of(x)) else lapply(seq_along(x$beta), function(k) part_of(x, k))
    for (part in parts) {
      title <- if (missing(ylab)) part$title else ylab
      plot.sparsepath(part, xvar, label, sign.lambda, col, xlab, title, main, ...)
    }
    return(invisible())
  }
  xvar <- check_choice(xvar, c("lambda", "norm", "dev"), "xvar", call)
  sign.lambda <- sign(check_scalar(sign.lambda, "sign.lambda", call))
  rows <- sort(unique(x$beta@i)) + 1L
  shown <- if (xvar == "lambda") x$lambda > 0 else rep(TRUE, length(x$lambda)) # log(0) has no place
  if (!length(rows) || sum(shown) < 2L) {
    sp_warn("no_plot", "There is nothing to plot.",
      why = if (length(rows)) "The path has fewer than two lambdas to show." else "All coefficients are zero.", call = call
    )
    return(invisible())
  }
  beta <- as.matrix(x$beta[rows, , drop = FALSE])
  axis_x <- path_axis(x, beta, xvar, sign.lambda)
  beta <- t(beta[, shown, drop = FALSE])
  at <- axis_x$at[shown]
  final <- beta[if (xvar == "lambda" && sign.lambda > 0) which.min(at) else nrow(beta), ]
  labelled <- labelled_curves(final, label, call)
  if (is.null(col)) col <- curve_colors(final)

  xlim <- range(at)
  if (length(labelled)) {
    room <- diff(xlim) * (0.02 + 0.013 * max(nchar(rownames(x$beta)[rows[labelled]])))
    if (xvar == "lambda" && sign.lambda > 0) xlim[1L] <- xlim[1L] - room else xlim[2L] <- xlim[2L] + room
  }
  arguments <- list(x = at, y = beta, type = "l", lty = 1, lwd = 1.2, col = col, xlim = xlim, xlab = xlab %||% axis_x$label,
    ylab = ylab, main = "", las = 1, bty = "l")
  given <- list(...)
  arguments[names(given)] <- given
  do.call(graphics::matplot, arguments)
  shade_nonconvex(x, axis_x$at, shown)
  graphics::abline(h = 0, col = "grey60", lwd = 0.8)
  df_axis(at, x$df[shown], df_text(x))
  if (nzchar(main)) graphics::title(main = main, line = 2.6)
  if (length(labelled)) label_curves(at, final, labelled, rownames(x$beta)[rows], col, xvar == "lambda" && sign.lambda > 0)
  invisible()
}

#' Grey where the objective of a non-convex penalty is not convex over the selected variables
#' @noRd
shade_nonconvex <- function(fit, at, shown) {
  first <- fit$convex.min
  if (is.null(first) || is.na(first)) return(invisible())
  inside <- at[shown & seq_along(at) >= first]
  if (!length(inside)) return(invisible())
  region <- range(inside)
  edge <- graphics::par("usr")
  graphics::rect(region[1L], edge[3L], region[2L], edge[4L], col = grDevices::adjustcolor("grey", 0.25), border = NA)
}

#' One class of a fit with several, as a fit with one
#' @noRd
part_of <- function(fit, k) {
  fit$title <- sprintf("Coefficients: %s", names(fit$beta)[k])
  fit$df <- fit$dfmat[k, ]
  fit$beta <- fit$beta[[k]]
  fit$a0 <- fit$a0[k, ]
  fit
}

#' Euclidean norms of the coefficients of each variable over the classes
#' @noRd
norms_of <- function(fit) {
  fit$title <- "Coefficients: 2-norm over the classes"
  fit$beta <- as(sqrt(Reduce(`+`, lapply(fit$beta, function(b) b^2))), "CsparseMatrix")
  fit
}

#' Horizontal positions and their title
#' @noRd
path_axis <- function(fit, beta, xvar, sign.lambda) {
  switch(xvar,
    lambda = list(
      at = suppressWarnings(sign.lambda * log(fit$lambda)),
      label = if (sign.lambda < 0) expression(-log(lambda)) else expression(log(lambda))
    ),
    norm = list(at = unname(fit$norm %||% colSums(abs(beta))), label = "L1 norm of the coefficients"),
    dev = list(at = fit$dev.ratio, label = "Fraction of deviance explained")
  )
}

#' Colours that tell neighbours apart: strong for large coefficients
#' @noRd
curve_colors <- function(final) {
  palette <- c("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#5D3A9B", "#8C510A")
  rank <- order(order(-abs(final)))
  grDevices::adjustcolor(palette[(rank - 1L) %% length(palette) + 1L], alpha.f = 0.85)
}

#' Upper axis: number of nonzero coefficients
#' @noRd
df_axis <- function(at, df, text = "nonzero coefficients") {
  ticks <- pretty(at, n = 8)
  ticks <- ticks[ticks >= min(at) & ticks <= max(at)]
  nearest <- vapply(ticks, function(tick) which.min(abs(at - tick)), 0L)
  graphics::axis(3, at = ticks, labels = df[nearest], tick = FALSE, line = -0.6, cex.axis = 0.85)
  graphics::mtext(text, side = 3, line = 1.4, cex = 0.8 * graphics::par("cex"))
}

#' @noRd
df_text <- function(fit) if (is_fused(fit$penalty)) "stretches of equal coefficients" else "nonzero coefficients"

#' @noRd
labelled_curves <- function(final, label, call) {
  if (is.logical(label)) label <- if (check_flag(label, "label", call)) 10 else 0
  count <- check_scalar(label, "label", call, lower = 0, integer = TRUE)
  utils::head(order(-abs(final)), min(count, sum(final != 0)))
}

#' Names at the ends of curves, moved apart where they would overlap
#' @noRd
label_curves <- function(at, final, labelled, names, col, left) {
  col <- rep_len(col, length(final))
  cex <- 0.7
  height <- 1.05 * graphics::strheight("X", cex = cex) * 1.25
  y <- spread(final[labelled], height, graphics::par("usr")[3:4])
  end <- if (left) min(at) else max(at)
  graphics::text(end, y, names[labelled], pos = if (left) 2 else 4, offset = 0.3, cex = cex,
    col = grDevices::adjustcolor(col[labelled], alpha.f = 1), xpd = NA)
}

#' Move positions apart until neighbours are at least `gap` apart
#' @noRd
spread <- function(y, gap, limits) {
  if (length(y) < 2L) return(y)
  sorted <- order(y)
  v <- y[sorted]
  for (round in seq_len(100L)) {
    close <- diff(v) < gap * 0.999
    if (!any(close)) break
    move <- pmax(0, gap - diff(v)) / 2
    v <- v - c(move, 0) + c(0, move)
  }
  v <- v + max(0, limits[1L] - v[1L]) - max(0, v[length(v)] - limits[2L])
  y[sorted] <- v
  y
}

#' Plot a cross-validation curve
#'
#' Mean held-out error with standard errors against lambda; dashed lines mark
#' `lambda.min` and `lambda.1se`, and the upper axis counts the nonzero coefficients of the
#' full fit.
#'
#' @param x A fit of [cv.sparsepath()].
#' @param sign.lambda `-1` for -log(lambda), `1` for log(lambda).
#' @param col,bar.col Colours of the points and of the error bars.
#' @param xlab,ylab,main,ylim Titles and limits.
#' @param ... Further graphical parameters for [graphics::plot.default()].
#' @returns `NULL`, invisibly.
#' @examples
#' set.seed(1)
#' plot(cv.sparsepath(log2(colon$x), colon$y, family = "binomial", nfolds = 5))
#' @export
plot.cv.sparsepath <- function(x, sign.lambda = -1, col = "#D55E00", bar.col = "grey65", xlab = NULL, ylab = NULL,
                               main = "", ylim = NULL, ...) {
  call <- shown_call("plot")
  sign.lambda <- sign(check_scalar(sign.lambda, "sign.lambda", call))
  shown <- x$lambda > 0
  at <- sign.lambda * log(x$lambda[shown])
  upper <- x$cvup[shown]
  lower <- x$cvlo[shown]
  arguments <- list(
    x = at, y = x$cvm[shown], type = "n", ylim = ylim %||% range(upper, lower, na.rm = TRUE),
    xlab = xlab %||% (if (sign.lambda < 0) expression(-log(lambda)) else expression(log(lambda))),
    ylab = ylab %||% unname(x$name), las = 1, bty = "l", main = ""
  )
  given <- list(...)
  arguments[names(given)] <- given
  do.call(graphics::plot, arguments)
  chosen <- c(min = x$lambda.min, `1se` = x$lambda.1se)
  marks <- sign.lambda * log(chosen[chosen > 0])
  graphics::abline(v = marks, lty = 2, col = "grey30")
  graphics::segments(at, lower, at, upper, col = bar.col)
  half <- diff(range(at)) * 0.004
  graphics::segments(c(at - half, at - half), c(lower, upper), c(at + half, at + half), c(lower, upper), col = bar.col)
  graphics::points(at, x$cvm[shown], pch = 20, col = col)
  df_axis(at, x$nzero[shown], df_text(x$fit))
  same <- length(marks) == 2L && marks[1L] == marks[2L]
  labels <- if (same) "min = 1se" else names(marks)
  graphics::text(if (same) marks[1L] else marks, graphics::par("usr")[4L], labels, pos = 4, offset = 0.2, cex = 0.75,
    col = "grey30", xpd = NA, adj = c(0, 1))
  if (nzchar(main)) graphics::title(main = main, line = 2.6)
  invisible()
}
