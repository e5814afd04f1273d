# Bi-level penalties from the formulas of their papers: f_outer(sum f_inner), in units in which response and curvature are 1. Plain R, no code of the
# package.

# MCP and its derivative, lambda and a as in Breheny & Huang (2009)
bl_mcp <- function(x, lambda, a) ifelse(x <= a * lambda, lambda * x - x^2 / (2 * a), a * lambda^2 / 2)
bl_dmcp <- function(x, lambda, a) pmax(lambda - x / a, 0)

# one group with threshold t: value, and slopes in |b|. m: its size
bl_group <- function(b, t, name, par, m = length(b)) {
  b <- abs(b)
  if (name == "gel") {
    decay <- exp(-par * sum(b) / t)
    return(list(value = t^2 / par * (1 - decay), slope = rep(t * decay, length(b))))
  }
  l <- sqrt(t)
  S <- sum(bl_mcp(b, l, par))
  outer <- m * par * l / 2
  list(value = bl_mcp(S, l, outer), slope = bl_dmcp(S, l, outer) * bl_dmcp(b, l, par))
}

# the same for a loss of curvature u and coefficients in units s
bl_scaled <- function(b, t, name, par, u, s, m) {
  one <- bl_group(b / s, t / (u * s), name, par, m)
  list(value = u * s^2 * one$value, slope = u * s * one$slope)
}

# objective and largest violation / lambda v of coefficients on the scale of x, for all lambdas; y is n x K, v by group in the order of
# sort(unique(group)), u the unit of curvature; lower and upper of one coefficient of x
bl_path <- function(fit, x, y, family, group, name, par, u = 1, v = rep(1, length(unique(group))), alpha = 1, w = rep(1, nrow(x)), offset = 0,
                    standardize = TRUE, intercept = TRUE, across = TRUE, out = integer(), lower = -Inf, upper = Inf) {
  x <- as.matrix(x)
  y <- as.matrix(y)
  n <- nrow(x)
  p <- ncol(x)
  K <- ncol(y)
  w <- w / sum(w)
  used <- setdiff(seq_len(p), out)
  s <- if (standardize) sqrt(colSums(w * sweep(x, 2, colSums(w * x))^2)) else rep(1, p)
  r <- y - offset
  if (intercept) r <- r - rep(colSums(w * r), each = n)
  s_y <- if (family %in% c("gaussian", "mgaussian")) sqrt(sum(w * r^2)) else 1
  ridge_unit <- if (family == "gaussian") s_y else 1
  co <- vg_coefficients(fit)
  of <- match(group, sort(unique(group)))
  each <- lapply(seq_along(fit$lambda), function(l) {
    lambda <- fit$lambda[l]
    B <- matrix(vapply(co$b, function(b) b[, l], double(p)), p)
    if (any(B[out, ] != 0)) return(data.frame(objective = Inf, kkt = Inf))
    eta <- offset + rep(co$a0[, l], each = n) + x %*% B
    R <- w * (y - vg_mean(eta, family))
    Z <- crossprod(x, R) / s
    b <- B * s
    value <- vg_loss(y, eta, w, family)
    worst <- if (intercept) max(abs(colSums(R))) else 0
    for (g in seq_along(v)) for (k in if (across) list(seq_len(K)) else as.list(seq_len(K))) {
      at <- intersect(which(of == g), used)
      if (!length(at)) next
      t <- lambda * alpha * v[g]
      bg <- b[at, k]
      pen <- if (t > 0) bl_scaled(bg, t, name, par, u, s_y, length(bg)) else list(value = 0, slope = 0 * bg)
      ridge <- lambda * v[g] * (1 - alpha) / ridge_unit
      z <- Z[at, k] - ridge * bg
      off <- ifelse(bg == 0, sign(z) * pmax(abs(z) - pen$slope, 0), z - sign(bg) * pen$slope)
      stays <- off > 0 & B[at, k] >= upper * (1 - 1e-9) | off < 0 & B[at, k] <= lower * (1 - 1e-9)
      worst <- max(worst, abs(off[!stays]) / (if (v[g] > 0) v[g] else 1))
      if (any(B[at, k] > upper * (1 + 1e-9) | B[at, k] < lower * (1 + 1e-9))) worst <- Inf
      value <- value + pen$value + sum(ridge * bg^2 / 2)
    }
    data.frame(objective = value, kkt = worst / lambda)
  })
  do.call(rbind, each)
}
