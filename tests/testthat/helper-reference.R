# Slow, obvious solvers.

# Exact lasso path (gaussian, intercept, standardized): Lars with drops, everything solved afresh at each knot.
# Returns a function of lambda giving standardized coefficients; columns in general position.
lars_reference <- function(x, y, lambda_min, w = rep(1, nrow(x))) {
  w <- w / sum(w)
  m <- colSums(w * x)
  xc <- x - rep(m, each = nrow(x))
  s <- sqrt(colSums(w * xc^2))
  xs <- sqrt(w) * (xc / rep(s, each = nrow(x)))
  yc <- sqrt(w) * (y - sum(w * y))
  p <- ncol(x)
  b <- numeric(p)
  z <- drop(crossprod(xs, yc))
  lam <- max(abs(z))
  act <- which.max(abs(z))
  sgn <- sign(z[act])
  knots <- lam
  coefs <- list(b)
  dropped <- 0L
  while (lam > lambda_min) {
    # along lambda: b_act = solve(G, x_act'y - lambda sgn)
    g <- crossprod(xs[, act, drop = FALSE])
    b0 <- solve(g, crossprod(xs[, act, drop = FALSE], yc))
    d <- solve(g, sgn)
    at <- function(l) drop(b0 - l * d)
    c0 <- drop(crossprod(xs, yc - xs[, act, drop = FALSE] %*% b0)) # z(lambda) = c0 + lambda a
    a <- drop(crossprod(xs, xs[, act, drop = FALSE] %*% d))
    ina <- setdiff(seq_len(p), act)
    join <- c(c0[ina] / (1 - a[ina]), -c0[ina] / (1 + a[ina]))
    who <- c(ina, ina)
    ok <- is.finite(join) & join < lam * (1 - 1e-12) & join > 0
    if (dropped > 0) ok <- ok & !(who == dropped & abs(join - lam) < 1e-9 * lam)
    nj <- if (any(ok)) max(join[ok]) else 0
    leave <- drop(b0 / d)
    okl <- is.finite(leave) & leave < lam * (1 - 1e-12) & leave > 0
    nl <- if (any(okl)) max(leave[okl]) else 0
    lam <- max(nj, nl, lambda_min)
    b <- numeric(p)
    b[act] <- at(lam)
    if (lam > lambda_min) {
      if (nl >= nj) {
        k <- which(okl)[which.max(leave[okl])]
        b[act[k]] <- 0
        dropped <- act[k]
        act <- act[-k]
        sgn <- sgn[-k]
      } else {
        j <- who[ok][which.max(join[ok])]
        dropped <- 0L
        act <- c(act, j)
        sgn <- c(sgn, sign(c0[j] + lam * a[j]))
      }
    }
    knots <- c(knots, lam)
    coefs <- c(coefs, list(b))
  }
  cf <- do.call(cbind, coefs)
  drops <- sum(diff(colSums(cf != 0)) < 0)
  list(knots = knots, drops = drops, coef = function(l) { # original scale
    if (l >= knots[1]) return(numeric(p))
    k <- findInterval(-l, -knots)
    k <- min(k, length(knots) - 1)
    f <- (knots[k] - l) / (knots[k] - knots[k + 1])
    ((1 - f) * cf[, k] + f * cf[, k + 1]) / s
  })
}

# ridge (alpha = 0) by its normal equations; any weights, factors, with or without intercept and standardization
ridge_reference <- function(x, y, lambda, v = rep(1, ncol(x)), w = rep(1, nrow(x)), standardize = TRUE, intercept = TRUE) {
  w <- w / sum(w)
  v <- v * ncol(x) / sum(v)
  m <- if (intercept) colSums(w * x) else rep(0, ncol(x))
  ym <- if (intercept) sum(w * y) else 0
  xc <- x - rep(m, each = nrow(x))
  s <- if (standardize) sqrt(colSums(w * (x - rep(colSums(w * x), each = nrow(x)))^2)) else rep(1, ncol(x))
  xc <- xc / rep(s, each = nrow(x))
  sy <- sqrt(sum(w * (y - ym)^2))
  b <- solve(crossprod(sqrt(w) * xc) + diag(lambda * v / sy, ncol(x)), crossprod(xc, w * (y - ym)))
  b <- drop(b) / s
  list(a0 = ym - sum(m * b), beta = b)
}

# ridge for binomial: Newton with the full Hessian
ridge_logit_reference <- function(x, y, lambda, w = rep(1, nrow(x)), offset = rep(0, nrow(x))) {
  w <- w / sum(w)
  m <- colSums(w * x)
  xc <- x - rep(m, each = nrow(x))
  s <- sqrt(colSums(w * xc^2))
  z <- cbind(1, xc / rep(s, each = nrow(x)))
  pen <- diag(c(0, rep(lambda, ncol(x))))
  b <- numeric(ncol(z))
  for (k in 1:100) {
    mu <- plogis(offset + drop(z %*% b))
    step <- solve(crossprod(z, (w * mu * (1 - mu)) * z) + pen, crossprod(z, w * (y - mu)) - pen %*% b)
    b <- b + drop(step)
    if (max(abs(step)) < 1e-15) break
  }
  cf <- b[-1] / s
  list(a0 = b[1] - sum(m * cf), beta = cf)
}

soft <- function(z, t) sign(z) * pmax(abs(z) - t, 0)
