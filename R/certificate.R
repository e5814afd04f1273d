# The certificate behind kkt(): objective, dual value, gap and KKT violations, in plain R.
#
# Columns are centred and scaled in the arithmetic; lambdas are taken in chunks, so
# that the arrays of p x lambdas stay small.

#' @param a0,beta,lambda Coefficients on the original scale.
#' @param setup From setup_problem().
#' @noRd
certify <- function(a0, beta, lambda, setup) {
  if (isS4(setup$x)) check_valid_sparse(setup$x, setup$call, "x") # R code reads it, not only the engine
  setup <- resolve_penalty(setup)
  problem <- setup$problem
  w <- problem$weights[, 1L] / sum(problem$weights[, 1L])
  if (isTRUE(problem$standardize.response)) {
    scale <- response_scales(problem$y, problem$offset, w)
    problem$y <- problem$y / rep(scale, each = nrow(problem$y))
    if (!is.null(problem$offset)) problem$offset <- problem$offset / rep(scale, each = nrow(problem$y))
    a0 <- matrix(a0, problem$predictors) / scale
    beta <- Map(`/`, beta, scale)
    problem$limit.scale <- rep(1 / scale, each = ncol(setup$x))
  }
  problem <- with_joint(problem, setup$traits, w)
  a0 <- matrix(a0, problem$predictors)
  beta <- stacked_beta(beta)
  if (by_intervals(problem$chains)) return(certify_by_intervals(a0, beta, lambda, setup$x, w, problem, setup$traits, setup$call))
  design <- column_moments(setup$x, w, problem, setup$call)
  # Enough lambdas at a time that p x lambdas arrays stay below 16 MB.
  chunk <- max(1L, 2000000L %/% nrow(beta))
  parts <- split(seq_along(lambda), (seq_along(lambda) - 1L) %/% chunk)
  rows <- lapply(parts, function(k) {
    certify_chunk(a0[, k, drop = FALSE], Matrix::drop0(beta[, k, drop = FALSE]), lambda[k], setup$x, w, design, problem, setup$traits)
  })
  do.call(rbind, unname(rows))
}

#' Weighted means and scales of the columns; which columns can be in the model
#' @noRd
column_moments <- function(x, w, problem, call) {
  p <- ncol(x)
  center <- drop(as.matrix(Matrix::crossprod(x, w)))
  if (!all(is.finite(center))) abort_nonfinite_x(x, which(!is.finite(center))[1L], call)
  variance <- double(p)
  square <- double(p)
  if (is.matrix(x)) {
    for (block in split(seq_len(p), (seq_len(p) - 1L) %/% max(1L, 500000L %/% nrow(x)))) {
      values <- x[, block, drop = FALSE]
      square[block] <- crossprod(values^2, w)
      variance[block] <- crossprod((values - rep(center[block], each = nrow(x)))^2, w)
    }
  } else {
    moments <- x
    moments@x <- (x@x - rep(center, diff(x@p)))^2
    filled <- x
    filled@x <- rep(1, length(x@x))
    missing_weight <- pmax(0, 1 - drop(as.matrix(Matrix::crossprod(filled, w))))
    variance <- drop(as.matrix(Matrix::crossprod(moments, w))) + missing_weight * center^2
    square <- variance + center^2
  }
  if (!is.null(problem$chains)) {
    sums <- running_moments(x, center, w, problem$chains)
    center <- sums$center
    variance <- sums$variance
    square <- variance + center^2
  }
  constant <- variance <= 1e-26 * square | square == 0
  if (!is.null(problem$chains) && !problem$centred) constant <- square == 0 # the level of a chain may be constant
  list(
    center = if (problem$centred) center else double(p),
    scale = if (problem$standardize) ifelse(constant, 1, sqrt(variance)) else rep(1, p),
    constant = constant, variance = variance, moment = if (problem$centred) variance else square, chains = problem$chains
  )
}

#' X'M for an n x k matrix, columns of x centred and scaled; predictor by predictor if m has those of several below each other
#' @noRd
scaled_crossprod <- function(x, m, design) {
  if (nrow(m) > nrow(x)) return(matrix(scaled_crossprod(x, matrix(m, nrow(x)), design), ncol(x) * (nrow(m) %/% nrow(x))))
  product <- as.matrix(Matrix::crossprod(x, m))
  if (!is.null(design$chains)) product <- run_along(product, design$chains, back = TRUE)
  (product - outer(design$center, colSums(m))) / design$scale
}

#' With K predictors, rows of eta and of the coefficients are those of the first one, then the second one, ...
#' @noRd
certify_chunk <- function(a0, beta, lambda, x, w, design, problem, traits) {
  size <- length(lambda)
  K <- problem$predictors
  p <- ncol(x)
  offset <- as.vector(problem$offset %||% 0)
  scale <- rep(design$scale, K)
  v <- rep_len(as.vector(problem$v), p * K)
  dropped <- is.infinite(v) | design$constant
  v[dropped] <- 1

  eta <- matrix(offset + rep(a0, each = nrow(x)), nrow(x) * K, size)
  for (k in seq_len(K)) {
    at <- (k - 1L) * nrow(x) + seq_len(nrow(x))
    eta[at, ] <- eta[at, ] + support_product(x, if (K == 1L) beta else beta[(k - 1L) * p + seq_len(p), , drop = FALSE])
  }
  b <- as.matrix(beta)
  if (!is.null(design$chains)) b <- stacked_steps(b, design$chains, K)
  b <- b * scale
  # sums over risk sets would be 0 in double precision: nothing can be said there
  far <- if (traits$name == "cox") apply(eta, 2L, function(e) diff(range(e))) > 600 else logical(size)
  eta[, far] <- 0

  s_y <- if (traits$name == "gaussian") response_scale(problem, w) else 1
  pen <- list(
    l1 = outer(v, lambda * problem$alpha), l2 = outer(v, lambda * (1 - problem$alpha) / s_y),
    lower = rep(problem$lower %||% rep(-Inf, p), K) * scale * (problem$limit.scale %||% 1),
    upper = rep(problem$upper %||% rep(Inf, p), K) * scale * (problem$limit.scale %||% 1)
  )
  if (!is.null(problem$groups)) {
    pen <- c(block_state(problem$groups, lambda, problem$alpha, problem$v, K, s_y), pen[c("lower", "upper")])
    v <- pen$total
    b[dropped & b == 0] <- 0
  }
  concave <- problem$penalty
  if (!is.null(concave)) {
    pen <- if (is.null(problem$bilevel)) tangent_at(pen, b, concave, problem$curvature[1L])
      else bilevel_tangent(pen, b, concave, problem, dropped, if (traits$name == "mgaussian") response_scale(problem, w) else s_y)
  }
  feasible <- colSums(b < pen$lower * (1 + 1e-9) | b > pen$upper * (1 + 1e-9) | (b != 0 & dropped)) == 0

  free <- outer(v == 0, lambda == 0 & p < nrow(x), `|`)
  if (!is.null(concave)) free <- free | pen$l2 == 0 & (if (is.null(pen$T)) b != 0 & pen$l1 == 0 else pen$T[pen$blocks, , drop = FALSE] == 0)
  t_raw <- residual_of(eta, problem, w, traits)
  z_raw <- scaled_crossprod(x, w * t_raw, design)
  # a limit holds what is pushed against it; nothing but rounding does not push
  push <- 1e-8 * rep(lambda, each = nrow(z_raw))
  free <- free & !dropped & !(at_upper(b, pen) & z_raw >= push) & !(at_lower(b, pen) & z_raw <= -push)
  best <- if (has_gap(traits)) profile_free(eta, problem, w, x, free, traits) else eta
  t_best <- residual_of(best, problem, w, traits)
  astray <- colSums(!is.finite(t_best)) > 0 # free coefficients without a finite optimum
  if (any(astray)) {
    t_best[, astray] <- t_raw[, astray]
    best[, astray] <- eta[, astray]
    free[, astray] <- FALSE
  }
  z_best <- scaled_crossprod(x, w * t_best, design)
  z_best[dropped, ] <- 0
  z_raw[dropped, ] <- 0
  z_best[free] <- 0 # zero but for rounding: that is what profile_free() does

  primal <- total_loss(eta, problem, w, traits) + colSums((pen$value %||% (pen$l1 * abs(b))) + pen$l2 * b^2 / 2)
  if (!is.null(pen$T)) primal <- primal + colSums(pen$norm.value %||% (pen$T * block_norms(b, pen)))
  primal[!feasible] <- Inf
  gap <- best_gap(list(
    y = problem$y, offset = offset, w = w, eta = eta, t = t_best, z = z_best, b = b, pen = pen, traits = traits,
    joint = problem$joint, best = best
  ))
  gap[!feasible | far] <- Inf
  primal[far] <- Inf
  null <- null_objective(problem, w, traits)

  violation <- if (is.null(pen$T)) kkt_violation(z_raw, b, pen, dropped) else block_violation(z_raw, b, pen, dropped)
  if (problem$intercept) {
    scores <- matrix(colSums(matrix(w * t_raw, nrow(x))), K)
    violation <- pmax(violation, apply(abs(scores), 2L, max))
  }
  unit <- lambda
  if (any(lambda == 0)) {
    z_null <- scaled_crossprod(x, w * residual_of(null$eta, problem, w, traits), design)
    unit[lambda == 0] <- max(abs(z_null[!dropped]), .Machine$double.xmin)
  }
  data.frame(
    lambda = lambda, df = if (is.null(design$chains)) diff(beta@p) else as.integer(colSums(b != 0)), objective = primal, dual = if (is.null(concave)) primal - gap else NA_real_, gap = gap,
    rel.gap = gap / null$value, kkt = ifelse(feasible & !far, violation / unit, Inf)
  )
}

#' Weighted standard deviation of a gaussian response (root mean square without intercept)
#' @noRd
response_scale <- function(problem, w) {
  r <- problem$y - (problem$offset %||% 0)
  if (problem$intercept) r <- r - rep(colSums(w * as.matrix(r)), each = length(w))
  sqrt(sum(w * r^2))
}

#' @noRd
has_gap <- function(traits) !is.null(traits$divergence) || !is.null(traits$joint)

#' -dF/d eta divided by the weights, n x L
#' @noRd
residual_of <- function(eta, problem, w, traits) {
  if (is.null(traits$joint)) return(traits$score(eta, problem$y))
  traits$joint$gradient(eta, problem$joint) / ifelse(w > 0, w, 1)
}

#' F for each column of eta
#' @noRd
total_loss <- function(eta, problem, w, traits) {
  if (is.null(traits$joint)) return(colSums(w * traits$loss(eta, problem$y)))
  traits$joint$loss(eta, problem$joint)
}

#' @noRd
null_objective <- function(problem, w, traits) {
  n <- length(w)
  eta <- matrix(as.vector(problem$offset %||% 0), n * problem$predictors, 1L)
  if (traits$name == "glm" && problem$intercept) eta <- eta + traits$linkfun(sum(w * problem$y)) - sum(w * eta) # zero may not be allowed
  eta <- profile_free(eta, problem, w, NULL, matrix(FALSE, 0L, 1L), traits)
  list(eta = eta, value = total_loss(eta, problem, w, traits))
}

#' Bring intercept and free (unpenalized) coefficients to their optimum
#'
#' @param eta n x L linear predictors to start from.
#' @param free p x L: which coefficients are free.
#' @return Linear predictors at the optimum.
#' @noRd
profile_free <- function(eta, problem, w, x, free, traits) {
  K <- problem$predictors
  for (k in seq_len(ncol(eta))) {
    columns <- which(free[, k])
    if (K > 1L) {
      bases <- lapply(seq_len(K), function(h) {
        own <- columns[columns > (h - 1L) * ncol(x) & columns <= h * ncol(x)] - (h - 1L) * ncol(x)
        cbind(if (problem$intercept) rep(1, length(w)), if (length(own)) design_columns(x, own, problem$chains))
      })
      eta[, k] <- traits$joint$newton(bases, eta[, k], problem$joint)
      next
    }
    basis <- cbind(if (problem$intercept) rep(1, nrow(eta)), if (length(columns)) design_columns(x, columns, problem$chains))
    if (is.null(basis)) next
    eta[, k] <- if (!is.null(traits$joint)) {
      traits$joint$newton(basis, eta[, k], problem$joint)
    } else if (traits$name == "gaussian") {
      eta[, k] + weighted_projection(basis, problem$y - eta[, k], w)
    } else {
      newton_glm(basis, eta[, k], problem$y, w, traits)
    }
  }
  eta
}

#' @noRd
weighted_projection <- function(basis, r, w) {
  if (ncol(basis) == 1L && all(basis == 1)) return(sum(w * r))
  root <- sqrt(w)
  decomposition <- qr(basis * root)
  drop(basis %*% zero_na(qr.coef(decomposition, r * root)))
}

#' @noRd
zero_na <- function(b) {
  b[is.na(b)] <- 0
  b
}

#' @noRd
newton_glm <- function(basis, eta, y, w, traits) {
  constant <- ncol(basis) == 1L && all(basis == 1)
  if (constant && traits$name == "poisson") { # in closed form
    top <- max(eta[w > 0])
    return(eta + log(sum(w * y)) - top - log(sum(w * exp(eta - top))))
  }
  value <- sum(w * traits$loss(eta, y))
  for (round in seq_len(100L)) {
    score <- w * traits$score(eta, y)
    curvature <- w * traits$curvature(eta, y)
    if (!is.null(traits$expected)) { # not positive where the family is not convex
      expected <- w * traits$expected(eta)
      curvature <- ifelse(curvature > 1e-6 * expected, curvature, 0.01 * expected)
    }
    curvature <- pmax(curvature, .Machine$double.xmin)
    step <- if (constant) sum(score) / sum(curvature) else weighted_projection(basis, score / curvature, curvature / sum(curvature))
    down <- descend(eta, step, value, function(eta) sum(w * traits$loss(eta, y)))
    eta <- down$eta
    value <- down$value
    if (max(abs(step)) <= 1e-14 * (1 + max(abs(eta)))) break
  }
  eta
}

#' A step, halved until the loss does not rise
#' @noRd
descend <- function(eta, step, value, loss) {
  factor <- 1
  repeat {
    new_value <- loss(eta + factor * step)
    if (is.finite(new_value) && new_value <= value + 1e-14 * abs(value) || factor < 1e-8) break
    factor <- factor / 2
  }
  list(eta = eta + factor * step, value = new_value, factor = factor)
}

#' Smallest duality gap over scalings of the dual point, one value per lambda
#' @noRd
best_gap <- function(state) {
  if (!has_gap(state$traits)) return(rep(NA_real_, ncol(state$eta))) # no dual is known
  feasible <- feasible_scale(state)
  w <- state$w
  gap <- gap_at(state, pmin(1, feasible))
  if (state$traits$name == "gaussian") {
    # Without a penalty conjugate to pay, this scale maximizes the dual.
    size <- colSums(w * state$t^2)
    scale <- ifelse(size > 0, colSums(w * (state$y - state$offset) * state$t) / size, 1)
    gap <- pmin(gap, gap_at(state, pmin(pmax(scale, -feasible), feasible)))
  }
  smooth <- apply(state$pen$l2 > 0 | !unlimited(state), 2L, all) %in% TRUE # NA: predictors beyond what exp() can tell apart
  if (any(smooth)) {
    # An elastic net has no constraint, nor has a coefficient that its limit holds: full residuals are allowed, and best near the optimum.
    gap <- pmin(gap, ifelse(smooth, gap_at(state, rep(1, length(gap))), Inf))
    if (any(smooth & gap > 1e-8 * colSums(w * state$t^2))) gap <- pmin(gap, golden_gap(state, ifelse(smooth, 1, pmin(1, feasible))))
  }
  gap
}

#' @noRd
golden_gap <- function(state, upper, rounds = 40L) {
  ratio <- (sqrt(5) - 1) / 2
  lower <- 0 * upper
  for (round in seq_len(rounds)) {
    left <- upper - ratio * (upper - lower)
    right <- lower + ratio * (upper - lower)
    better <- gap_at(state, left) < gap_at(state, right)
    upper <- ifelse(better, right, upper)
    lower <- ifelse(better, lower, left)
  }
  gap_at(state, (lower + upper) / 2)
}

#' Where the coefficient has no limit on the side it is pushed to, so that only l1 makes its conjugate finite
#' @noRd
unlimited <- function(state) {
  z <- state$z
  (z > 0 & is.infinite(state$pen$upper) | z < 0 & is.infinite(state$pen$lower)) & z != 0
}

#' Largest scale at which no infinite limit makes the conjugate infinite
#' @noRd
feasible_scale <- function(state) {
  pen <- state$pen
  z <- state$z
  if (!is.null(pen$T)) return(block_scale(z, pen))
  ratio <- ifelse(unlimited(state), (pen$l1 + (pen$rounding %||% 0)) / abs(z), Inf)
  apply(ratio, 2L, min)
}

#' Duality gap as a sum of non-negative Fenchel-Young terms
#' @noRd
gap_at <- function(state, scale) {
  n <- length(state$w)
  by_row <- rep(scale, each = n)
  z <- state$z * rep(scale, each = nrow(state$z))
  penalty <- colSums(if (is.null(state$pen$T)) penalty_terms(z, state$b, state$pen) else block_terms(z, state$b, state$pen))
  # thresholds that are tiny beside lambda: what rounding leaves beyond them is charged, as for an unpenalized coefficient
  if (!is.null(state$pen$rounding)) penalty <- penalty + colSums(ifelse(state$pen$l2 == 0 & unlimited(state), pmax(abs(z) - state$pen$l1, 0) * (1 + abs(state$b)), 0))
  if (!is.null(state$traits$joint)) return(state$traits$joint$divergence(state$eta, scale, state$joint, state$t, state$best) + penalty)
  colSums(state$w * state$traits$divergence(state$eta, state$y, by_row * state$t)) + penalty
}

#' Penalty(b) + conjugate(z) - z b for each coefficient
#'
#' `peak` maximizes z b - penalty(b) within the limits; the term is then a ridge
#' part and two products of non-negative numbers. z beyond an infinite limit
#' without a ridge part is not allowed here.
#' @noRd
penalty_terms <- function(z, b, pen) {
  over <- soft(z, pen$l1)
  limit <- ifelse(over > 0, pen$upper, ifelse(over < 0, pen$lower, 0))
  peak <- ifelse(over == 0, 0, ifelse(pen$l2 > 0, over / pen$l2, limit))
  # rounding at the edge of the constraint is not "beyond" it
  peak[is.infinite(peak)] <- 0
  peak <- pmin(pmax(peak, pen$lower), pen$upper)
  g <- z - pen$l2 * peak
  side <- sign(peak)
  pen$l2 / 2 * (b - peak)^2 + pmax(pen$l1 * (abs(b) - side * b) + (g - pen$l1 * side) * (peak - b), 0)
}

#' Coefficients at their limits, as far as rounding lets one tell
#' @noRd
at_upper <- function(b, pen) is.finite(pen$upper) & b >= pen$upper * (1 - 1e-9)

#' @noRd
at_lower <- function(b, pen) is.finite(pen$lower) & b <= pen$lower * (1 - 1e-9)

#' Largest violation of the optimality conditions, per lambda
#' @noRd
kkt_violation <- function(z, b, pen, dropped) {
  g <- z - pen$l2 * b
  too_high <- g - pen$l1 * ifelse(b >= 0, 1, -1) # the coefficient should grow
  too_low <- -g - pen$l1 * ifelse(b <= 0, 1, -1) # the coefficient should fall
  violation <- pmax(ifelse(at_upper(b, pen), 0, too_high), ifelse(at_lower(b, pen), 0, too_low), 0)
  violation[dropped, ] <- 0
  apply(violation, 2L, max)
}

#' The local linear approximation at b, and what the penalty itself is there
#' @noRd
tangent_at <- function(pen, b, penalty, unit) {
  if (is.null(pen$T)) {
    pen$value <- concave_value(abs(b), pen$l1, penalty, unit)
    pen$l1 <- concave_slope(abs(b), pen$l1, penalty, unit)
  } else {
    size <- block_norms(b, pen)
    pen$norm.value <- concave_value(size, pen$T, penalty, unit)
    pen$T <- concave_slope(size, pen$T, penalty, unit)
  }
  pen
}

#' Slope of MCP and SCAD, see pen_mcp()
#'
#' @param x |b|, p x L.
#' @param l1 Slope at zero, p x L.
#' @param unit The curvature h.
#' @noRd
concave_slope <- function(x, l1, penalty, unit) {
  x <- x * unit
  gamma <- penalty$gamma
  if (penalty$name == "mcp") return(pmax(l1 - x / gamma, 0))
  ifelse(x <= l1, l1, pmax(gamma * l1 - x, 0) / (gamma - 1))
}

#' The penalty itself: the area under its slope
#' @noRd
concave_value <- function(x, l1, penalty, unit) {
  x <- x * unit
  gamma <- penalty$gamma
  flat <- x >= gamma * l1
  if (penalty$name == "mcp") return(ifelse(flat, gamma * l1^2 / 2, l1 * x - x^2 / (2 * gamma)) / unit)
  ifelse(x <= l1, l1 * x, ifelse(flat, l1^2 * (gamma + 1) / 2, (2 * gamma * l1 * x - x^2 - l1^2) / (2 * (gamma - 1)))) / unit
}
