#' Clusters of correlated variables around the selected ones
#'
#' The lasso picks one of several variables that carry the same information, and which one may be an accident. This lists, for the
#' variables selected at one lambda, those that could have stood in for them: highly correlated columns, and columns whose correlation with the residuals
#' is nearly large enough to be selected; grouped by their correlations.
#'
#' A column counts if it is selected, if its absolute correlation with a selected one is at least `cutoff`, or (given `y`) if its `score` is
#' at least `1 - near`. The score is the size of its gradient relative to the threshold that it must reach, 1 for selected ones. Columns that count are clustered by
#' average linkage of one minus absolute correlation, cut at `1 - cutoff`.
#'
#' @param fit A fit of [sparsepath()] or [cv.sparsepath()], with one coefficient per variable.
#' @param x The data of the fit.
#' @param s One lambda; for a cross-validation also `"lambda.1se"` (the default then) or `"lambda.min"`.
#' @param y The response, for scores.
#' @param weights,offset Those of the fit, if it had any: required with `y` then. Correlations are weighted, too.
#' @param cutoff Absolute correlation from which columns belong together, between 0 and 1. Default 0.8.
#' @param near How near to selection, as a fraction of the threshold. Default 0.05.
#' @param max.columns Largest number of columns to cluster; more are an error. Default 2000.
#' @returns A data frame of class `"correlation_clusters"`, ordered by cluster, then selected first: `cluster`, `variable`, `selected`,
#'   `coefficient`, `partner` (the selected column it is most correlated with, itself apart; `NA` if there is none), `correlation` (with the partner), and,
#'   given `y`, `score`.
#' @section Errors:
#' `sparsepath_error_type` for a fit with several coefficients per variable, `sparsepath_error_range` for too many columns or a `cutoff` or `near`
#' outside 0 to 1, `sparsepath_error_unavailable` for scores of another penalty than the elastic net.
#' @references
#' Buehlmann P, Ruetimann P, van de Geer S, Zhang CH (2013). Correlated variables in regression: clustering and sparse estimation.
#' *Journal of Statistical Planning and Inference*, 143(11), 1835-1858. \doi{10.1016/j.jspi.2013.05.019}
#' @examples
#' x <- log2(colon$x)
#' fit <- sparsepath(x, as.numeric(colon$y == "tumor"))
#' correlation_clusters(fit, x, s = 0.1)
#' @export
correlation_clusters <- function(fit, x, s = NULL, y = NULL, cutoff = 0.8, near = 0.05, max.columns = 2000, weights = NULL, offset = NULL) {
  call <- shown_call("correlation_clusters")
  if (inherits(fit, "cv.sparsepath")) {
    s <- chosen_lambda(fit, s %||% "lambda.1se", call)
    fit <- fit$fit
  }
  if (!inherits(fit, "sparsepath") || !is(fit$beta, "dgCMatrix")) {
    sp_abort("type", "`fit` must be a fit of `sparsepath()` with one coefficient per variable.", why = sprintf("It is %s.", describe(fit)), call = call, arg = "fit")
  }
  if (missing(x)) abort_missing("x", "The fit holds no data.", call)
  if (is.null(s)) abort_missing("s", "Give one lambda.", call)
  s <- check_scalar(s, "s", call, lower = 0)
  cutoff <- check_scalar(cutoff, "cutoff", call, lower = 0, upper = 1, open = TRUE)
  near <- check_scalar(near, "near", call, lower = 0, upper = 1)
  max.columns <- check_scalar(max.columns, "max.columns", call, lower = 2, integer = TRUE)
  x <- check_x(x_like(x, fit, call, "x"), call)
  n <- nrow(x)
  w <- check_weights(weights, n, call)
  w <- w / sum(w)
  b <- coefficients_at(fit, s, FALSE, NULL, call)
  beta <- b$beta[, 1L]
  selected <- which(beta != 0)
  design <- column_moments(x, w, list(centred = TRUE, standardize = TRUE), call)
  standard <- function(j) (as.matrix(x[, j, drop = FALSE]) - rep(design$center[j], each = n)) / rep(design$scale[j], each = n)
  # correlations of all columns with the selected ones; none with itself
  r <- if (length(selected)) scaled_crossprod(x, w * standard(selected), design) else matrix(0, ncol(x), 0L)
  r[design$constant, ] <- 0
  r[cbind(selected, seq_along(selected))] <- 0
  strongest <- if (length(selected)) max.col(abs(r), ties.method = "first") else rep(NA_integer_, ncol(x))
  strength <- r[cbind(seq_len(ncol(x)), strongest)]
  strength[is.na(strength)] <- 0
  score <- if (!is.null(y)) entry_scores(fit, b, list(x = x, y = y, weights = weights, offset = offset), w, s, call)
  chosen <- sort(unique(c(selected, which(abs(strength) >= cutoff), which(score >= 1 - near))))
  if (length(chosen) > max.columns) {
    sp_abort("range", sprintf("%d columns count, more than `max.columns` = %d.", length(chosen), as.integer(max.columns)), how = "Raise `cutoff`, lower `near`, or raise `max.columns`.", call = call, arg = "max.columns")
  }
  cluster <- cluster_columns(sqrt(w) * standard(chosen), cutoff)
  out <- data.frame(cluster = cluster, variable = fit$varnames[chosen], selected = beta[chosen] != 0, coefficient = unname(beta[chosen]),
    partner = ifelse(strength[chosen] == 0, NA_character_, fit$varnames[selected[strongest[chosen]]]),
    correlation = ifelse(strength[chosen] == 0, NA_real_, strength[chosen]))
  if (!is.null(score)) out$score <- score[chosen]
  # clusters in the order of the largest coefficient in them
  rank <- tapply(-abs(out$coefficient) * design$scale[chosen], out$cluster, min)
  out$cluster <- match(out$cluster, names(rank)[order(rank)])
  out <- out[order(out$cluster, !out$selected, -abs(out$correlation)), ]
  rownames(out) <- NULL
  structure(out, class = c("correlation_clusters", "data.frame"))
}

#' @noRd
cluster_columns <- function(z, cutoff) {
  if (ncol(z) < 2L) return(rep(1L, ncol(z)))
  distance <- stats::as.dist(pmax(1 - abs(crossprod(z)), 0))
  stats::cutree(stats::hclust(distance, "average"), h = 1 - cutoff + 1e-12)
}

#' Gradient of each column relative to the threshold at which it is selected
#' @noRd
entry_scores <- function(fit, b, data, w, s, call) {
  refuse_penalty(fit, "Scores are", call)
  if (s * fit$alpha == 0) sp_abort("range", "Scores need a threshold.", why = "`s` or `alpha` is 0.", call = call, arg = "s")
  setup <- setup_again(fit, data, call)
  x <- setup$x
  problem <- setup$problem
  w <- problem$weights[, 1L] / sum(problem$weights[, 1L]) # with the trials of a binomial response
  problem <- with_joint(problem, setup$traits, w)
  design <- column_moments(x, w, problem, call)
  eta <- matrix((problem$offset %||% 0) + (b$a0 %||% 0), nrow(x), 1L) + as.matrix(x %*% b$beta)
  z <- drop(scaled_crossprod(x, w * residual_of(eta, problem, w, setup$traits), design))
  threshold <- problem$v * s * fit$alpha
  out <- ifelse(is.finite(threshold) & threshold > 0 & !design$constant, abs(z) / threshold, 0)
  ifelse(b$beta[, 1L] != 0, 1, out)
}

#' @method print correlation_clusters
#' @export
print.correlation_clusters <- function(x, digits = 3, ...) {
  cat(sprintf("%d selected and %d other columns in %d %s\n", sum(x$selected), sum(!x$selected), length(unique(x$cluster)),
    plural(length(unique(x$cluster)), "cluster")))
  shown <- utils::head(x, 40L)
  class(shown) <- "data.frame"
  if (nrow(shown)) print(shown, digits = digits, row.names = FALSE)
  if (nrow(x) > 40L) cat(sprintf("... and %d more\n", nrow(x) - 40L))
  invisible(x)
}
