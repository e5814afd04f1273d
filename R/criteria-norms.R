# What criteria.R needs beyond one predictor: the likelihood of several responses, and the trace formula where the penalty has norms or
# the loss is no sum over observations.

#' Cross-products of the residuals at each lambda, K x K x L: what the likelihood needs that the deviance does not tell
#'
#' @return list(n, log_w, residual [K x K x L, divided by n], scale)
#' @noRd
likelihood_mgaussian <- function(setup, fit) {
  problem <- setup$problem
  w <- setup$weights
  used <- which(w > 0)
  K <- problem$predictors
  L <- length(fit$lambda)
  rest <- problem$y - (problem$offset %||% 0)
  products <- array(0, c(K, K, L))
  chunk <- max(1L, 4000000L %/% (nrow(rest) * K)) # lambdas at a time
  for (part in split(seq_len(L), (seq_len(L) - 1L) %/% chunk)) {
    eta <- vapply(seq_len(K), function(k) support_product(setup$x, fit$beta[[k]][, part, drop = FALSE]), matrix(0, nrow(rest), length(part)))
    for (l in seq_along(part)) {
      r <- (rest - matrix(eta[, l, ], ncol = K) - rep(fit$a0[, part[l]], each = nrow(rest)))[used, , drop = FALSE]
      products[, , part[l]] <- crossprod(r, w[used] * r) / length(used)
    }
  }
  c(list(n = length(used), log_w = sum(log(w[used])), residual = products),
    if (isTRUE(problem$standardize.response)) list(scale = response_scales(problem$y, problem$offset, w / sum(w))))
}

#' Multivariate normal errors: covariance estimated at each lambda, or independent with known standard deviations
#' @noRd
loglik_mgaussian <- function(object, sigma) {
  known <- object$likelihood
  K <- dim(known$residual)[1L]
  n <- known$n
  each <- vapply(seq_along(object$lambda), function(l) {
    r <- matrix(known$residual[, , l], K)
    if (!is.null(sigma)) return(sum(log(2 * pi * rep_len(sigma, K)^2) + diag(r) / sigma^2))
    # by the correlations, so that units do not matter
    d <- diag(r)
    if (any(d <= 0)) return(-Inf)
    root <- eigen(r / sqrt(outer(d, d)), TRUE, only.values = TRUE)$values
    if (min(root) <= K * .Machine$double.eps) return(-Inf)
    K * (log(2 * pi) + 1) + sum(log(d)) + sum(log(root))
  }, 0)
  K * known$log_w / 2 - n / 2 * each
}

#' Known standard deviations: one, or with several responses one for each
#' @noRd
check_sigma <- function(sigma, object, call) {
  if (!identical(object$family, "mgaussian") || length(sigma) == 1L) {
    return(check_scalar(sigma, "sigma", call, lower = 0, upper = Inf, open = TRUE))
  }
  sigma <- check_numeric(sigma, "sigma", call, n = length(object$beta), of = "responses", scalar = TRUE, lower = 0)
  if (any(sigma == 0)) sp_abort("range", "`sigma` must be positive.", why = "It has a zero.", call = call, arg = "sigma")
  sigma
}

#' Trace of (H + P)^-1 H, H the second derivative of the loss in the free coefficients with the intercepts at their optimum, P that of
#' the penalty: ridge, and of a norm T |b|, T (I / |b| - b b' / |b|^3)
#' @noRd
trace_df_curvature <- function(object, free, data, call) {
  p <- object$dim[1L]
  K <- if (is_several(object)) length(object$beta) else 1L
  x <- data$x
  total <- sum(data$w)
  w <- data$w / total
  cox <- identical(object$family, "cox")
  again <- penalty_again(object)
  joint <- isTRUE(object$grouped) || identical(object$family, "mgaussian")
  norms <- setup_groups(again$penalty, joint, factors_again(object, call), again$factor, x, object$alpha, call)
  groups <- norms$groups
  v <- norms$v
  beta <- stacked_beta(object$beta)
  rows <- active_columns(free)
  all_rows <- active_columns(beta) # those at a limit are part of the norm
  used <- sort(unique(beta@i %% p)) + 1L
  scaled <- scaled_columns(x, used, w, object$standardize, call)
  values <- scaled$values
  scale <- scaled$scale
  unit <- rep(1, K)
  if (!is.null(object$likelihood$scale)) unit <- object$likelihood$scale # of the responses
  s_y <- if (is_gaussian(object)) sqrt(object$nulldev / total) else 1
  pen <- if (!is.null(groups)) block_state(groups, object$lambda, object$alpha, v, K, s_y)
  of_cox <- if (cox) cox_hessian(object, data, w, call)
  curvature <- if (cox) function(column, k, l) of_cox(values[, column, drop = FALSE], l) else sum_hessian(object, data, values, w, call)
  vapply(seq_along(object$lambda), function(l) {
    at <- rows[[l]]
    if (!length(at)) return(0)
    column <- match((at - 1L) %% p + 1L, used)
    k <- (at - 1L) %/% p + 1L
    ridge <- if (is.null(pen)) object$lambda[l] * (1 - object$alpha) / s_y * v[used[column]] else pen$l2[at, l]
    if (cox && is.null(pen)) return(ridge_trace(function(z) of_cox(z, l), values[, column, drop = FALSE], ridge))
    H <- curvature(column, k, l)
    P <- diag(ridge, length(at))
    if (!is.null(pen)) {
      b <- beta[at, l] * scale[column] / unit[k]
      some <- all_rows[[l]]
      sizes <- rowsum((beta[some, l] * scale[match((some - 1L) %% p + 1L, used)] / unit[(some - 1L) %/% p + 1L])^2, pen$blocks[some])
      for (own in split(seq_along(at), pen$blocks[at])) {
        strength <- pen$T[pen$blocks[at[own[1L]]], l]
        h <- sqrt(sizes[as.character(pen$blocks[at[own[1L]]]), 1L])
        if (strength > 0) P[own, own] <- P[own, own] + strength * (diag(1 / h, length(own)) - tcrossprod(b[own]) / h^3)
      }
    }
    sum(diag(solve_psd(H + P, H)))
  }, 0)
}

#' Second derivative of the partial likelihood, as a function of columns and lambda
#' @noRd
cox_hessian <- function(object, data, w, call) {
  if (is.null(data$y)) abort_missing("y", "The trace formula of the partial likelihood needs `y`.", call)
  response <- check_y_cox(data$y, nrow(data$x), w, call, "y")
  response$efron <- identical(object$settings$cox.ties, "efron")
  risk_sets <- risk_structure(response, w)
  eta <- linear_predictor(object, list(a0 = double(length(object$lambda)), beta = object$beta), data$x, data$offset, call)
  function(z, l) cox_curvature(z, eta[, l], risk_sets)
}

#' Second derivative of a loss that is a sum over observations, the intercepts projected out, as a function of columns, predictors and lambda
#' @noRd
sum_hessian <- function(object, data, values, w, call) {
  traits <- family_traits(object$family)
  several <- is_several(object)
  K <- if (several) length(object$beta) else 1L
  constant <- identical(object$family, "gaussian") || identical(object$family, "mgaussian")
  eta <- if (!constant) linear_predictor(object, list(a0 = object$a0, beta = object$beta), data$x, data$offset, call)
  of_weights <- function(z, q) {
    H <- crossprod(z, q * z)
    if (!object$intercept) return(H)
    m <- colSums(q * z)
    H - tcrossprod(m) / sum(q)
  }
  function(columns, k, l) {
    z <- values[, columns, drop = FALSE]
    if (identical(object$family, "multinomial")) {
      prob <- matrix(softmax(eta[, , l, drop = FALSE]), ncol = K)
      block <- function(a, b, ka, kb) { # sum of w P_k ((k == h) - P_h) a b
        crossprod(a, w * prob[, ka] * ((ka == kb) - prob[, kb]) * b)
      }
      both <- function(z1, k1, z2, k2) {
        H <- matrix(0, ncol(z1), ncol(z2))
        for (a in unique(k1)) for (b in unique(k2)) H[k1 == a, k2 == b] <- block(z1[, k1 == a, drop = FALSE], z2[, k2 == b, drop = FALSE], a, b)
        H
      }
      H <- both(z, k, z, k)
      if (!object$intercept) return(H)
      ones <- matrix(1, nrow(z), K - 1L) # the last intercept is determined by the others
      cross <- both(ones, seq_len(K - 1L), z, k)
      return(H - crossprod(cross, solve(both(ones, seq_len(K - 1L), ones, seq_len(K - 1L)), cross)))
    }
    q <- if (constant) w else {
      e <- eta[, l, drop = FALSE]
      w * drop(if (is.null(traits$expected)) traits$curvature(e, NULL) else traits$expected(e))
    }
    H <- of_weights(z, q)
    if (several) H <- H * outer(k, k, `==`) # responses share no coefficient
    H
  }
}

#' The trace for many columns with a ridge part: those are replaced by as many coordinates as there are rows
#' @noRd
ridge_trace <- function(curvature, z, ridge) {
  base <- z[, ridge == 0, drop = FALSE]
  z <- z[, ridge > 0, drop = FALSE] / rep(sqrt(ridge[ridge > 0]), each = nrow(z))
  if (ncol(z) > nrow(z)) {
    s <- svd(z, nv = 0L)
    z <- s$u * rep(s$d, each = nrow(z))
  }
  H <- curvature(cbind(base, z))
  sum(diag(solve_psd(H + diag(rep(c(0, 1), c(ncol(base), ncol(z))), ncol(H)), H)))
}

#' A^+ B for a symmetric A without negative eigenvalues
#' @noRd
solve_psd <- function(A, B) {
  root <- tryCatch(chol(A), error = function(e) NULL)
  if (!is.null(root) && min(diag(root)) > 1e-7 * max(diag(root))) return(backsolve(root, backsolve(root, B, transpose = TRUE)))
  e <- eigen(A, TRUE)
  keep <- e$values > 1e-12 * max(e$values, 0)
  u <- e$vectors[, keep, drop = FALSE]
  u %*% (crossprod(u, B) / e$values[keep])
}

#' Penalty factors of the fit, Inf where a column is excluded
#' @noRd
factors_again <- function(object, call) {
  p <- object$dim[1L]
  again <- penalty_again(object)
  check_penalty_factor(again$factor, check_exclude(again$exclude, p, object$varnames, call), p, call, NCOL(again$factor))
}

#' Columns in units of their standard deviations, where those are the fit's units
#' @return list(values, scale)
#' @noRd
scaled_columns <- function(x, used, w, standardize, call) {
  values <- dense_columns(x, used, call)
  scale <- rep(1, length(used))
  if (standardize) scale <- sqrt(pmax(colSums(w * values^2) - colSums(w * values)^2, 0))
  list(values = values / rep(scale, each = nrow(values)), scale = scale)
}

#' Columns as a dense matrix, if that is not too much to ask for
#' @noRd
dense_columns <- function(x, used, call, most = 5e8) {
  size <- as.double(nrow(x)) * length(used)
  if (size > most) {
    sp_abort("nomem", "The trace formula needs the selected columns as a dense matrix, which would be too large.",
      why = sprintf("It would be %d x %d, %s GB.", nrow(x), length(used), format(size * 8 / 2^30, digits = 2)),
      how = "Without `x` the nonzero coefficients are counted; or keep fewer lambdas.", call = call, arg = "x"
    )
  }
  as.matrix(x[, used, drop = FALSE])
}
