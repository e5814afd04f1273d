# family = "multinomial": the response, and in plain R what the certificate, the scores and the residuals need. It shares no
# code with the engine.
#
# With K classes there are K linear predictors, P = softmax(eta), and the loss of a row is - sum_k y_k log P_k, y the row's
# proportions. Adding a number to all predictors of a row changes nothing.

# ---- the response -------------------------------------------------------------------

#' The response of "multinomial": proportions of K classes
#'
#' @return list(y [n x K], weights, classnames, classes [0..K-1 or NULL], predictors)
#' @noRd
check_y_multinomial <- function(y, weights, call, arg) {
  if (is.array(y) && !is.matrix(y)) y <- as.vector(y)
  if (is.matrix(y)) return(check_y_class_counts(y, weights, call, arg))
  if (is.logical(y)) y <- factor(y, levels = c(FALSE, TRUE))
  continuous <- FALSE
  if (!is.factor(y) && !is.character(y)) {
    y <- check_numeric(y, arg, call)
    continuous <- any(y != round(y)) # then many different values are no classes
  }
  if (anyNA(y)) {
    first <- which(is.na(y))[1L]
    sp_abort("nonfinite", sprintf("`%s` must not contain missing values.", arg),
      why = sprintf("NA at %s%s.", at_position(first, names(y)), and_more(sum(is.na(y)))), call = call, arg = arg, position = first
    )
  }
  y <- as.factor(y)
  if (nlevels(y) > max(if (continuous) 10 else 100, length(y) / 2)) {
    sp_abort("range", sprintf("`%s` must have classes for `family = \"multinomial\"`.", arg),
      why = sprintf("It has %d different values in %d observations.", nlevels(y), length(y)), call = call, arg = arg
    )
  }
  class_response(y, weights, call, arg)
}

#' @noRd
class_response <- function(y, weights, call, arg) {
  K <- nlevels(y)
  code <- as.integer(y)
  check_class_totals(levels(y), vapply(seq_len(K), function(k) sum(weights[code == k]), 0), tabulate(code, K), call, arg)
  indicator <- matrix(0, length(code), K)
  indicator[cbind(seq_along(code), code)] <- 1
  list(y = indicator, weights = weights, classnames = levels(y), classes = code - 1L, predictors = K)
}

#' Each class needs observations: without, its intercept would be minus infinity
#' @noRd
check_class_totals <- function(classnames, total, count, call, arg) {
  if (sum(count > 0) < 2L) {
    sp_abort("one_class", sprintf("`%s` must have observations of at least two classes.", arg),
      why = if (any(count > 0)) sprintf("All observations are in class \"%s\".", classnames[count > 0]), call = call, arg = arg
    )
  }
  empty <- total == 0
  if (!any(empty)) return(invisible())
  first <- which(empty)[1L]
  sp_abort("one_class", sprintf("`%s` must have observations of each of its classes.", arg),
    why = if (count[first] == 0) sprintf("There is none of class \"%s\"%s.", classnames[first], and_more(sum(empty)))
      else sprintf("All observations of class \"%s\" have weight zero.", classnames[first]),
    how = "Leave the class out, for instance with `droplevels()`.", call = call, arg = arg, value = classnames[empty]
  )
}

#' One column for each class: indicators, counts or proportions
#' @noRd
check_y_class_counts <- function(y, weights, call, arg) {
  check_counts(y, call, arg)
  classnames <- colnames(y) %||% as.character(seq_len(ncol(y)))
  y <- matrix(as.double(y), nrow(y))
  trials <- rowSums(y)
  check_class_totals(classnames, colSums(weights * y), colSums(y), call, arg)
  pure <- rowSums(y > 0) == 1
  y <- y / ifelse(trials > 0, trials, 1)
  y[trials == 0, ] <- 1 / ncol(y) # weight zero: nobody looks
  list(
    y = y, weights = weights * trials, classnames = classnames, classes = if (all(pure)) max.col(y, "first") - 1L, predictors = ncol(y)
  )
}

#' A new response in terms of the classes of a fit, which it need not all have
#' @noRd
class_response_like <- function(newy, classnames, n, weights, call) {
  if (is.data.frame(newy)) newy <- if (ncol(newy) == 1L) newy[[1L]] else as.matrix(newy)
  K <- length(classnames)
  if (is.matrix(newy) && ncol(newy) > 1L) {
    if (ncol(newy) != K || nrow(newy) != n) {
      sp_abort("dimension", sprintf("`newy` must have %d rows and one column for each of the %d classes of the fit.", n, K),
        why = sprintf("It is %d x %d.", nrow(newy), ncol(newy)), call = call, arg = "newy"
      )
    }
    if (!is.null(colnames(newy)) && setequal(colnames(newy), classnames)) newy <- newy[, classnames, drop = FALSE]
    y <- matrix(as.double(newy), n)
    if (any(!is.finite(y) | y < 0)) {
      sp_abort("range", "The counts in `newy` must be finite and not negative.", call = call, arg = "newy")
    }
    trials <- rowSums(y)
    return(list(y = y / ifelse(trials > 0, trials, 1), weights = weights * trials))
  }
  if (length(newy) != n) {
    sp_abort("length", sprintf("`newy` must have one value for each of the %d rows.", n), why = sprintf("It has %d.", length(newy)),
      call = call, arg = "newy"
    )
  }
  code <- match(as.character(newy), classnames)
  if (anyNA(code)) {
    bad <- which(is.na(code))[1L]
    sp_abort("choice", "`newy` must have the classes of the fit.",
      why = sprintf("%s at %s; the classes are %s.", describe(as.character(newy[bad])), at_position(bad, names(newy)), some_names(classnames)),
      call = call, arg = "newy", position = bad
    )
  }
  y <- matrix(0, n, K)
  y[cbind(seq_len(n), code)] <- 1
  list(y = y, weights = weights)
}

# ---- the likelihood -----------------------------------------------------------------
# eta of the certificate: nK x L, predictor by predictor; data: y [n x K], w [n], K

#' log of the probabilities, rows in the order of eta
#' @noRd
log_softmax <- function(eta, K) {
  d <- dim(eta)
  n <- d[1L] / K
  by_class <- array(eta, c(n, K, d[2L]))
  at <- function(k) matrix(by_class[, k, ], n)
  top <- at(1L)
  for (k in seq_len(K)[-1L]) top <- pmax(top, at(k))
  total <- 0
  for (k in seq_len(K)) total <- total + exp(at(k) - top)
  log_total <- top + log(total)
  for (k in seq_len(K)) by_class[, k, ] <- at(k) - log_total
  matrix(by_class, d[1L])
}

#' @noRd
multinomial_data <- function(problem, w) list(y = problem$y, w = w, K = problem$predictors)

#' @noRd
multinomial_loss <- function(eta, data) {
  each <- as.vector(data$w * data$y) * log_softmax(eta, data$K)
  -colSums(each[as.vector(data$y) > 0, , drop = FALSE])
}

#' -dF/d eta
#' @noRd
multinomial_gradient <- function(eta, data) data$w * (as.vector(data$y) - exp(log_softmax(eta, data$K)))

#' KL divergence of the dual point y - scale t from P, for each column; t are residuals y - P, perhaps of another eta
#' @noRd
multinomial_divergence <- function(eta, scale, data, t, ...) {
  log_p <- log_softmax(eta, data$K)
  q <- pmax(as.vector(data$y) - rep(scale, each = nrow(eta)) * t, 0)
  colSums(data$w * poisson_divergence(q, exp(log_p), log_p))
}

#' Unpenalized coefficients to their optimum, from eta
#' @param bases One matrix of columns for each predictor, or NULL for none.
#' @noRd
newton_multinomial <- function(bases, eta, data) {
  K <- data$K
  n <- length(data$w)
  predictor <- rep(seq_len(K), vapply(bases, function(b) if (is.null(b)) 0L else ncol(b), 0L))
  if (!length(predictor)) return(eta)
  value <- multinomial_loss(matrix(eta), data)
  for (round in seq_len(100L)) {
    p <- matrix(exp(log_softmax(matrix(eta), K)), n)
    score <- data$w * (data$y - p)
    g <- unlist(lapply(seq_len(K), function(k) if (!is.null(bases[[k]])) crossprod(bases[[k]], score[, k])))
    h <- matrix(0, length(g), length(g))
    for (k in unique(predictor)) for (l in unique(predictor)) {
      h[predictor == k, predictor == l] <- crossprod(bases[[k]], data$w * p[, k] * ((k == l) - p[, l]) * bases[[l]])
    }
    d <- zero_na(qr.coef(qr(h), g))
    gain <- sum(g * d) # of a quadratic; nothing is left to gain, or separated classes make h singular
    if (!is.finite(gain) || gain <= 1e-20 * (1 + abs(value))) break
    step <- double(n * K)
    for (k in unique(predictor)) step[(k - 1) * n + seq_len(n)] <- bases[[k]] %*% d[predictor == k]
    down <- descend(eta, step, value, function(eta) multinomial_loss(matrix(eta), data))
    if (down$factor < 1e-8) break
    eta <- down$eta
    value <- down$value
    if (max(abs(step)) <= 1e-13 * (1 + max(abs(eta)))) break
  }
  eta
}

# ---- predictions, scores, residuals: arrays n x K x L --------------------------------

#' Probabilities
#' @noRd
softmax <- function(eta) {
  d <- dim(eta)
  p <- exp(log_softmax(matrix(eta, d[1L] * d[2L]), d[2L]))
  array(p, d, dimnames(eta))
}

#' Number of the most probable class, n x L; the first of equal ones
#' @noRd
top_class <- function(eta) {
  d <- dim(eta)
  top <- matrix(1L, d[1L], d[3L], dimnames = dimnames(eta)[c(1L, 3L)])
  most <- matrix(eta[, 1L, ], d[1L])
  for (k in seq_len(d[2L])[-1L]) {
    now <- matrix(eta[, k, ], d[1L])
    above <- now > most
    top[above] <- k
    most <- pmax(most, now)
  }
  top
}

#' Sum over the classes, n x L
#' @noRd
over_classes <- function(a) {
  d <- dim(a)
  total <- 0
  for (k in seq_len(d[2L])) total <- total + a[, k, ]
  matrix(total, d[1L], d[3L])
}

#' Loss of each observation at each lambda, n x L
#' @noRd
multinomial_score <- function(eta, y, measure) {
  d <- dim(eta)
  y <- as.vector(y)
  if (measure == "class") {
    top <- top_class(eta)
    return(matrix(1 - y[(as.vector(top) - 1L) * d[1L] + rep(seq_len(d[1L]), d[3L])], d[1L]))
  }
  p <- softmax(eta)
  switch(measure,
    mse = over_classes((y - p)^2),
    mae = over_classes(abs(y - p)),
    deviance = {
      p[p < 1e-5] <- 1e-5 # a certain and wrong prediction must not count as infinite
      p[p > 1 - 1e-5] <- 1 - 1e-5
      2 * over_classes(array(xlogx(y) - y * log(p), d))
    }
  )
}

#' @noRd
xlogx <- function(y) ifelse(y > 0, y * log(ifelse(y > 0, y, 1)), 0)

#' @noRd
residuals_multinomial <- function(eta, observed, type, call) {
  y <- as.vector(observed$y)
  p <- softmax(eta)
  switch(type,
    response = y - p,
    pearson = (y - p) * sqrt(observed$weights) / sqrt(p * (1 - p)),
    deviance = {
      log_p <- array(log_softmax(matrix(eta, length(y)), dim(eta)[2L]), dim(eta))
      each <- array(xlogx(y) - y * log_p, dim(eta))
      d <- sqrt(2 * observed$weights * pmax(over_classes(each), 0))
      dimnames(d) <- dimnames(eta)[c(1L, 3L)]
      d
    },
    sp_abort("choice", "`type = \"working\"` is not defined for `family = \"multinomial\"`.",
      how = "Use \"response\", \"pearson\" or \"deviance\".", call = call, arg = "type"
    )
  )
}

#' Tables of predicted (rows) and true classes, one for each lambda
#' @noRd
class_tables <- function(eta, response, classnames) {
  K <- length(classnames)
  top <- top_class(eta)
  lapply(seq_len(ncol(top)), function(l) {
    counts <- matrix(0, K, K, dimnames = list(Predicted = classnames, True = classnames))
    sums <- rowsum(response$weights * response$y, top[, l])
    counts[as.integer(rownames(sums)), ] <- sums
    structure(counts, class = c("sparsepath_confusion", "table"))
  })
}
