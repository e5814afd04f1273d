# family = "mgaussian": several numeric responses, and in plain R what the certificate and the scores need. It shares no code with the
# engine. eta of the certificate is nK x L, response by response; in predictions n x K x L.

#' The response of "mgaussian"
#' @return list(y [n x K], weights, responses [names], predictors)
#' @noRd
check_y_mgaussian <- function(y, weights, call, arg) {
  if (!is.matrix(y) || ncol(y) < 2L || !(is.numeric(y) || is.logical(y))) {
    sp_abort("type", sprintf("`%s` must be a numeric matrix with two or more columns for `family = \"mgaussian\"`.", arg),
      why = sprintf("It is %s.", describe(y)), how = "For one response use `family = \"gaussian\"`.", call = call, arg = arg
    )
  }
  bad <- which(!is.finite(y), arr.ind = TRUE)
  if (nrow(bad)) {
    sp_abort("nonfinite", sprintf("`%s` must not contain missing or infinite values.", arg),
      why = sprintf("%s in row %d, column %d%s.", show_number(y[bad[1L, , drop = FALSE]]), bad[1L, 1L], bad[1L, 2L], and_more(nrow(bad))),
      call = call, arg = arg, position = bad[1L, ]
    )
  }
  names <- colnames(y) %||% paste0("y", seq_len(ncol(y)))
  list(y = matrix(as.double(y), nrow(y)), weights = weights, classnames = NULL, classes = NULL, responses = names, predictors = ncol(y))
}

#' Refuse responses that the null model fits perfectly: there is nothing to explain
#' @noRd
check_responses_vary <- function(y, offset, weights, call) {
  used <- weights > 0
  r <- (y - (offset %||% 0))[used, , drop = FALSE]
  spread <- apply(r, 2L, function(x) max(x) - min(x))
  if (any(spread > 1e-14 * apply(abs(r), 2L, max))) {
    for (k in which(spread > 0)) check_square(spread[k], call)
    return(invisible())
  }
  sp_abort("constant_y", "`y` must vary in at least one of its columns.", why = "All observations with positive weight have the same values.",
    call = call, arg = "y"
  )
}

#' Weighted standard deviations of the responses without their offsets
#' @noRd
response_scales <- function(y, offset, w) {
  r <- y - (offset %||% 0)
  r <- r - rep(colSums(w * r), each = nrow(r))
  scale <- sqrt(colSums(w * r^2))
  ifelse(scale > 0, scale, 1)
}

#' @noRd
mgaussian_data <- function(problem, w) list(y = as.vector(problem$y), w = rep(w, problem$predictors), K = problem$predictors)

#' @noRd
mgaussian_loss <- function(eta, data) colSums(data$w * (data$y - eta)^2) / 2

#' @noRd
mgaussian_gradient <- function(eta, data) (data$w * (data$y - eta))

#' @noRd
mgaussian_divergence <- function(eta, scale, data, t, ...) colSums(data$w * (data$y - eta - rep(scale, each = nrow(eta)) * t)^2) / 2

#' Unpenalized coefficients to their optimum: one response at a time
#' @noRd
fit_mgaussian <- function(bases, eta, data) {
  n <- length(eta) %/% data$K
  for (k in seq_len(data$K)) {
    at <- (k - 1L) * n + seq_len(n)
    if (!is.null(bases[[k]])) eta[at] <- eta[at] + weighted_projection(bases[[k]], (data$y - eta)[at], data$w[at])
  }
  eta
}

#' Loss of each observation at each lambda, summed over the responses, n x L
#' @noRd
mgaussian_score <- function(eta, y, measure) {
  e <- as.vector(y) - eta
  over_classes(if (measure == "mae") abs(e) else e^2)
}
