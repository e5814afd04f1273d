# Non-convex penalties, written from their definition: slope, value, objective, stationarity. Plain R, no code of the package.

nc_slope <- function(x, lambda, name, gamma, h = 1) {
  x <- h * abs(x)
  if (name == "mcp") return(pmax(lambda - x / gamma, 0))
  ifelse(x <= lambda, lambda, pmax(gamma * lambda - x, 0) / (gamma - 1))
}

# by Simpson's rule on each piece, exact for a piecewise linear slope
nc_value <- function(x, lambda, name, gamma, h = 1) {
  x <- abs(as.vector(x))
  lambda <- rep_len(lambda, length(x))
  at <- cbind(0, if (name == "scad") pmin(lambda / h, x), pmin(gamma * lambda / h, x), x)
  f <- matrix(nc_slope(as.vector(at), rep(lambda, ncol(at)), name, gamma, h), length(x))
  to <- seq_len(ncol(at))[-1L]
  rowSums((at[, to, drop = FALSE] - at[, to - 1L, drop = FALSE]) * (f[, to, drop = FALSE] + f[, to - 1L, drop = FALSE]) / 2)
}

nc_null_curvature <- function(y, family, w = rep(1, NROW(y)), status = NULL) {
  w <- w / sum(w)
  switch(family, gaussian = 1, binomial = sum(w * y) * (1 - sum(w * y)), poisson = sum(w * y), cox = sum(w * status))
}

# objective and largest violation of stationarity / lambda of coefficients on the scale of x, for one lambda
nc_judge <- function(x, y, family, lambda, a0, beta, name, gamma, h = NULL, alpha = 1, w = rep(1, nrow(x)), offset = 0,
                     v = rep(1, ncol(x)), standardize = TRUE, intercept = TRUE, lower = -Inf, upper = Inf) {
  w <- w / sum(w)
  v <- v * ncol(x) / sum(v)
  x <- as.matrix(x)
  beta <- as.double(beta)
  s <- if (standardize) sqrt(colSums(w * sweep(x, 2, colSums(w * x))^2)) else rep(1, ncol(x))
  eta <- drop(offset + a0 + x %*% beta)
  if (is.null(h)) h <- nc_null_curvature(y, family, w)
  r <- w * (y - vf_mu(eta, family))
  s_y <- if (family == "gaussian") sqrt(sum(w * (y - offset - sum(w * (y - offset)))^2)) else 1
  b <- beta * s
  ridge <- lambda * v * (1 - alpha) / s_y
  z <- drop(crossprod(x, r)) / s - ridge * b
  slope <- nc_slope(b, lambda * alpha * v, name, gamma, h)
  off <- ifelse(b == 0, sign(z) * pmax(abs(z) - slope, 0), z - sign(b) * slope) # positive: the coefficient should grow
  stays <- off > 0 & beta >= upper * (1 - 1e-9) | off < 0 & beta <= lower * (1 - 1e-9)
  violation <- ifelse(stays, 0, abs(off))
  violation[beta > upper * (1 + 1e-9) | beta < lower * (1 + 1e-9)] <- Inf
  list(
    objective = sum(w * vf_loss(y, eta, family)) + sum(nc_value(b, lambda * alpha * v, name, gamma, h) + ridge * b^2 / 2),
    kkt = max(violation, if (intercept) abs(sum(r)), 0) / lambda
  )
}

nc_path_kkt <- function(fit, x, y, family, name, gamma, ...) {
  vapply(seq_along(fit$lambda), function(l) {
    nc_judge(x, y, family, fit$lambda[l], if (is.null(fit$a0)) 0 else fit$a0[l], fit$beta[, l], name, gamma, ...)$kkt
  }, 0)
}

# The same with norms of groups, and with several linear predictors, for all lambdas; y is n x K, v the weights of the groups in the order
# of sort(unique(group)). across: one norm for all predictors. Data frame of objective and kkt / lambda v.
nc_group_path <- function(fit, x, y, family, group, v, name, gamma, h = 1, alpha = 1, w = rep(1, nrow(x)), offset = 0, standardize = TRUE,
                          across = TRUE, lower = -Inf, upper = Inf, intercept = TRUE,
                          out = rep(FALSE, ncol(x))) {
  x <- as.matrix(x)
  y <- as.matrix(y)
  n <- nrow(x)
  K <- ncol(y)
  w <- w / sum(w)
  s <- if (standardize) sqrt(colSums(w * sweep(x, 2, colSums(w * x))^2)) else rep(1, ncol(x))
  r <- y - offset
  if (intercept) r <- r - rep(colSums(w * r), each = n)
  s[out] <- 1
  out <- rep(out, K)
  centre <- if (intercept) colSums(w * x) else rep(0, ncol(x))
  lower <- rep(rep_len(lower, ncol(x)), K)
  upper <- rep(rep_len(upper, ncol(x)), K)
  s_y <- if (family == "gaussian") sqrt(sum(w * r^2)) else 1
  co <- vg_coefficients(fit)
  block <- match(group, sort(unique(group)))
  block <- if (across) rep(block, K) else rep(block, K) + rep(seq_len(K) - 1, each = ncol(x)) * length(v)
  v <- rep(v, if (across) 1 else K)
  norm <- function(m) sqrt(as.vector(rowsum(m^2, block)))
  each <- lapply(seq_along(fit$lambda), function(l) {
    lambda <- fit$lambda[l]
    b <- matrix(vapply(co$b, function(b) b[, l], double(ncol(x))), ncol(x))
    eta <- offset + rep(co$a0[, l], each = n) + x %*% b
    r <- w * (y - vg_mean(eta, family))
    at <- as.vector(b)
    b <- as.vector(ifelse(out, 0, b * s))
    ridge <- lambda * (1 - alpha) * v / s_y
    size <- norm(b)
    slope <- nc_slope(size, lambda * alpha * v, name, gamma, h)
    z <- as.vector(crossprod(x - rep(centre, each = n), r) / s)
    z[out] <- 0 # columns that are left out
    pull <- z - (ifelse(size > 0, slope / size, 0) + ridge)[block] * b
    pull[pull > 0 & at >= upper | pull < 0 & at <= lower] <- 0 # pushed against its limit
    away <- norm(pull)
    if (any(at < lower | at > upper | (at != 0 & out))) away[] <- Inf
    away <- ifelse(size > 0, away, pmax(away - slope, 0))
    data.frame(
      objective = vg_loss(y, eta, w, family) + sum(nc_value(size, lambda * alpha * v, name, gamma, h) + ridge * size^2 / 2),
      kkt = max(away / ifelse(v > 0, v, 1), if (intercept) abs(colSums(r))) / lambda
    )
  })
  do.call(rbind, each)
}

# columns orthonormal within groups: X_g'X_g / n = 1
make_orthonormal_groups <- function(x, group) {
  x <- scale(x, scale = FALSE)
  for (g in unique(group)) x[, group == g] <- qr.Q(qr(x[, group == g])) * sqrt(nrow(x))
  attributes(x) <- list(dim = dim(x))
  x
}

# objective(b, lambda) in standardized coefficients, which are `s` times those of the fit: searches from random points
expect_nothing_better <- function(fit, objective, s, at = c(3, 6, 10)) {
  for (l in at) {
    mine <- objective(fit$beta[, l] * s, fit$lambda[l])
    tried <- vapply(1:5, function(k) {
      with_seed(k, optim(rnorm(length(s)), objective, t = fit$lambda[l], method = "BFGS", control = list(maxit = 1000))$value)
    }, 0)
    expect_lte(mine, min(tried) + 1e-9 * mine)
  }
}
