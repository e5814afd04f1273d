# One judge for every contestant: how far from optimal are given lasso coefficients?
#
#   judge <- make_judge(x, y, family)              # moments of x once per data set
#   judge$at(lambda, beta, a0)                     # data.frame: gap, kkt per lambda
#   judge$grid(100, .01)                           # lambdas from lambda_max down
#
# The lasso with intercept and standardized columns (1/n standard deviations), dense or sparse x, least squares or
# logistic. `gap` is the duality gap divided by the objective of the null model, `kkt` the largest violation of the
# optimality conditions over all columns divided by lambda. The intercept is set to its best value first, in favour of
# whoever reports a poor one. Base R and Matrix only; nothing here comes from a contestant.

column_blocks <- function(x, cells = 2e7) {
  size <- max(1, floor(cells / nrow(x)))
  split(seq_len(ncol(x)), (seq_len(ncol(x)) - 1) %/% size)
}

judge_moments <- function(x) {
  n <- nrow(x)
  if (inherits(x, "dgCMatrix")) {
    m <- Matrix::colSums(x) / n
    return(list(mean = m, sd = sqrt(pmax(Matrix::colSums(x * x) / n - m^2, 0))))
  }
  m <- s <- numeric(ncol(x))
  for (b in column_blocks(x)) {
    z <- x[, b, drop = FALSE]
    m[b] <- colMeans(z)
    s[b] <- sqrt(colMeans((z - rep(m[b], each = n))^2))
  }
  list(mean = m, sd = s)
}

make_judge <- function(x, y, family) {
  n <- nrow(x)
  mom <- judge_moments(x)
  varies <- mom$sd > 1e-14 * pmax(1, abs(mom$mean))
  inv <- ifelse(varies, 1 / mom$sd, 0)
  mu <- function(eta) if (family == "gaussian") eta else stats::plogis(eta)
  loss <- function(eta) {
    if (family == "gaussian") (y - eta)^2 / 2 else -(y * stats::plogis(eta, log.p = TRUE) + (1 - y) * stats::plogis(-eta, log.p = TRUE))
  }
  # best intercept for each column of eta: Newton, with steps of at most 1
  centre <- function(eta) {
    if (family == "gaussian") return(eta + rep(colMeans(y - eta), each = n))
    for (k in 1:50) {
      p <- stats::plogis(eta)
      step <- colMeans(y - p) / pmax(colMeans(p * (1 - p)), 1e-12)
      step <- pmax(-1, pmin(1, step))
      eta <- eta + rep(step, each = n)
      if (max(abs(step)) < 1e-14) break
    }
    eta
  }
  gradient <- function(res) { # p x L: x_j'res / (n sd_j); res sums to zero
    z <- as.matrix(Matrix::crossprod(x, res)) / n
    (z - outer(mom$mean, colMeans(res))) * inv
  }
  null_eta <- centre(matrix(0, n, 1))
  null <- mean(loss(null_eta))
  zmax <- max(abs(gradient(y - mu(null_eta))))

  bernoulli_kl <- function(q, m) {
    h <- function(u) ifelse(abs(u) < 1e-2, u^2 / 2 - u^3 / 6 + u^4 / 12 - u^5 / 20 + u^6 / 30, (1 + u) * log1p(pmax(u, -1 + 1e-300)) - u)
    m * h((q - m) / m) + (1 - m) * h(-(q - m) / (1 - m))
  }

  at <- function(lambda, beta, a0 = NULL) {
    beta <- as.matrix(beta)
    used <- which(rowSums(beta != 0) > 0)
    eta <- if (length(used)) as.matrix(x[, used, drop = FALSE] %*% beta[used, , drop = FALSE]) else matrix(0, n, ncol(beta))
    eta <- centre(eta)
    m <- mu(eta)
    res <- y - m
    out <- data.frame(lambda = lambda, gap = NA_real_, kkt = NA_real_)
    for (block in split(seq_along(lambda), (seq_along(lambda) - 1) %/% 20)) {
      z <- gradient(res[, block, drop = FALSE])
      for (k in seq_along(block)) {
        l <- block[k]
        b <- beta[, l] / ifelse(varies, inv, 1) # standardized
        zl <- z[, k]
        on <- b != 0
        out$kkt[l] <- max(abs(zl[on] - lambda[l] * sign(b[on])), abs(zl[!on]) - lambda[l], 0) / lambda[l]
        s <- min(1, lambda[l] / max(abs(zl)))
        # gap as a sum of non-negative terms, at the dual point s * residual
        fit <- if (family == "gaussian") (1 - s)^2 * mean(res[, l]^2) / 2 else mean(bernoulli_kl((1 - s) * y + s * m[, l], m[, l]))
        out$gap[l] <- (fit + sum(lambda[l] * abs(b[on]) - s * zl[on] * b[on])) / null
      }
    }
    out
  }
  grid <- function(count = 100, ratio = 0.01) zmax * ratio^seq(0, 1, length.out = count)
  list(at = at, grid = grid, lambda_max = zmax, null = null, constant = sum(!varies))
}
