# What the reference solvers note on their way: objective and certified gap of every iterate.

#' Convergence of the reference solvers
#'
#' Objective and certified gap of every iterate of a fit by `solver = "ista"`, `"fista"`, `"admm"` or `"subgradient"` of
#' [sparsepath.control()], and a plot of them.
#'
#' The gap is the one that every solution is judged by: a bound of the distance between the objective of this iterate and the optimum,
#' divided by the objective of the null model. A gap needs a dual point, so that it may be far above the true distance early on, and
#' need not fall from one iterate to the next; the objective falls with every iteration of `"ista"` alone. For the objective of the
#' optimum use a fit of the default solver: [kkt()] gives it.
#'
#' @param object A fit of [sparsepath()] (or [cv.sparsepath()]: its full fit) by a reference solver, or of [consensus_lasso()].
#' @param ... For `convergence()` must be empty; for `plot()` further graphical parameters for [graphics::matplot()].
#' @returns `convergence()`: a data frame of class `"sparsepath_convergence"` with one row for each iterate, in the order of time:
#' \describe{
#'   \item{`index`, `lambda`}{which lambda of the fit}
#'   \item{`iteration`}{0 is the start: the solution at the lambda before}
#'   \item{`objective`}{loss and penalty as [sparsepath()] states them (weights that sum to 1; responses of `"mgaussian"` with
#'     `standardize.response` on their standardized scale)}
#'   \item{`gap`}{relative duality gap; `NA` for families without a dual}
#' }
#' and attribute `"solver"`. `plot()`: `NULL`, invisibly.
#' @section Errors:
#' `sparsepath_error_unavailable` for a fit by a direct solver, which has no iterates. `sparsepath_error_range` for `index` outside the
#' path.
#' @references
#' For the dual point of a gap see Fercoq O, Gramfort A, Salmon J (2015). Mind the duality gap: safer rules for the lasso. *Proceedings of the
#' 32nd International Conference on Machine Learning*, PMLR 37, 333-342 (section 2).
#' @seealso [sparsepath.control()] for the methods and their papers, `vignette("is-this-solution-right")`, [consensus_lasso()].
#' @examples
#' x <- scale(mtcars[, -1])
#' fit <- sparsepath(x, mtcars$mpg, lambda = c(1, 0.1), control = sparsepath.control(solver = "fista"))
#' trace <- convergence(fit)
#' tail(trace)
#' plot(trace)
#' plot(trace, what = "objective", index = 2)
#' @export
convergence <- function(object, ...) {
  call <- shown_call("convergence")
  check_dots(dots_of(...), "object", call)
  if (inherits(object, "consensus_lasso")) {
    return(structure(data.frame(index = 1L, lambda = object$lambda, object$trace[c("iteration", "objective", "gap")]), solver = "consensus",
      thresh = object$thresh, class = c("sparsepath_convergence", "data.frame")))
  }
  if (inherits(object, "cv.sparsepath")) object <- object$fit
  if (!inherits(object, "sparsepath")) {
    sp_abort("type", "`object` must be a fit of `sparsepath()`.", why = sprintf("It is %s.", describe(object)), call = call, arg = "object")
  }
  if (is.null(object$trace)) {
    sp_abort("unavailable", "This fit has no iterates to show.",
      why = sprintf("It was made by `solver = \"%s\"`, which solves directly.", object$control$solver),
      how = "Fit with `control = sparsepath.control(solver = \"fista\")` or another reference solver.", call = call, arg = "object"
    )
  }
  structure(object$trace, solver = object$control$solver, thresh = object$control$thresh,
    class = c("sparsepath_convergence", "data.frame"))
}

#' @param x Value of `convergence()`.
#' @param what `"gap"` or `"objective"`; the vertical axis of gaps is logarithmic.
#' @param index Which lambdas to show, numbers along the path. The default is up to five, evenly spread.
#' @param col,lty Colours and line types, recycled over the lambdas.
#' @param xlab,ylab Titles of the axes.
#' @param legend Name the lambdas in a legend?
#' @rdname convergence
#' @export
plot.sparsepath_convergence <- function(x, what = c("gap", "objective"), index = NULL, col = NULL, lty = 1, xlab = "Iteration",
                                        ylab = NULL, legend = TRUE, ...) {
  call <- shown_call("plot")
  what <- check_choice(what, c("gap", "objective"), "what", call)
  present <- unique(x$index)
  if (is.null(index)) {
    moving <- present[tabulate(x$index)[present] > 1L] # a start that is the solution is no curve
    if (length(moving)) present <- moving
    index <- present[unique(round(seq(1, length(present), length.out = min(5L, length(present)))))]
  } else {
    index <- check_numeric(index, "index", call, lower = 1, upper = max(present))
    if (anyNA(match(index, present))) {
      sp_abort("range", "`index` must be among the lambdas of the trace.", why = sprintf("%s is not.", show_number(setdiff(index, present)[1L])), call = call, arg = "index")
    }
  }
  if (what == "gap" && all(is.na(x$gap))) what <- "objective" # a family without a dual
  parts <- lapply(index, function(i) x[x$index == i, c("iteration", what)])
  size <- max(vapply(parts, nrow, 0L))
  fill <- function(column) vapply(parts, function(d) c(d[[column]], rep(NA, size - nrow(d))), numeric(size))
  at <- matrix(fill("iteration"), size)
  y <- matrix(fill(what), size)
  if (what == "gap") y <- pmax(y, 1e-17) # none at all
  col <- rep_len(col %||% grDevices::hcl.colors(max(length(index), 2L), "Dark 3"), length(index))
  arguments <- list(x = at, y = y, type = if (size > 1L) "l" else "p", pch = 19, lty = lty, lwd = 1.5, col = col, log = if (what == "gap") "y" else "", xlab = xlab,
    ylab = ylab %||% if (what == "gap") "Relative duality gap" else "Objective", bty = "l")
  given <- list(...)
  arguments[names(given)] <- given
  do.call(graphics::matplot, arguments)
  if (what == "gap") graphics::abline(h = attr(x, "thresh"), lty = 3, col = "grey50")
  if (check_flag(legend, "legend", call)) {
    shown <- vapply(index, function(i) format(x$lambda[x$index == i][1L], digits = 3), "")
    graphics::legend("topright", legend = paste("lambda =", shown), col = col, lty = lty, lwd = 1.5, cex = 0.85, box.col = NA,
      bg = grDevices::adjustcolor("white", 0.8))
  }
  invisible()
}

#' @noRd
trace_frame <- function(trace, lambda) {
  if (is.null(trace)) return(NULL)
  shown <- trace$index <= length(lambda) # a point that an early stop leaves out
  data.frame(index = trace$index, lambda = lambda[trace$index], iteration = trace$iteration, objective = trace$objective,
    gap = trace$gap)[shown, ]
}

#' @noRd
slow_subgradient <- function(maxit) {
  paste0("Subgradient descent approaches the solution like 1/sqrt(iterations), and its coefficients are never exactly zero: ",
    sprintf("that is what this solver is there to show. %d iterations are not enough, and a hundred times as many gain one digit; ", maxit),
    "use another `solver` for answers.")
}
