# Verifier of the fused lasso of columns, in terms of the coefficients b and of D, the matrix of first differences within chains.
#
# minimize  F(eta) + lambda |V D b|_1,  F(eta) = sum w l(y, eta):  stationarity is D'u = X'g, g = -dF/d eta, |u_k| <= lambda v_k,
# u_k = lambda v_k sign(step). The u of a chain follow from the sums of X'g to the chain's end; the sum over a whole chain must be 0.

apart <- function(a, b) max(abs(as.matrix(a) - as.matrix(b))) / max(abs(as.matrix(b)))

# every place on a chain but the first: rows of D, in the order of `at`, the columns by chain and position
vfu_order <- function(p, chain = NULL, position = NULL) {
  if (is.null(chain)) chain <- rep(1, p)
  if (is.null(position)) position <- seq_len(p)
  split(seq_len(p)[order(position)], match(chain, unique(chain))[order(position)])
}

vfu_D <- function(p, chain = NULL, position = NULL) {
  rows <- lapply(vfu_order(p, chain, position), function(at) {
    t(vapply(seq_len(length(at) - 1L), function(k) replace(replace(double(p), at[k], -1), at[k + 1L], 1), double(p)))
  })
  do.call(rbind, rows[lengths(rows) > 0])
}

vfu_second <- function(p, chain = NULL, position = NULL) unlist(lapply(vfu_order(p, chain, position), function(at) at[-1L]))

# data frame: relative gap, violation in units of lambda, score of what is not penalized (relative to the largest |X'g| of the null model)
verify_fused <- function(x, y, family, lambda, a0, beta, chain = NULL, position = NULL, v = NULL, weights = NULL, offset = NULL, intercept = TRUE) {
  x <- as.matrix(x)
  n <- nrow(x)
  p <- ncol(x)
  w <- if (is.null(weights)) rep(1 / n, n) else weights / sum(weights)
  o <- if (is.null(offset)) double(n) else offset
  D <- vfu_D(p, chain, position)
  v <- if (is.null(v)) rep(1, nrow(D)) else v[vfu_second(p, chain, position)]
  ends <- vfu_order(p, chain, position)
  free <- cbind(if (intercept) rep(1, n), vapply(ends, function(at) rowSums(x[, at, drop = FALSE]), double(n)))
  F <- function(eta) sum(w * vf_loss(y, eta, family))
  link <- switch(family, gaussian = gaussian(), binomial = quasibinomial(), poisson = quasipoisson())
  null <- F(if (intercept) glm.fit(rep(1, n), y, weights = n * w, offset = o, family = link)$linear.predictors else o)
  rows <- lapply(seq_along(lambda), function(l) {
    b <- beta[, l]
    eta <- o + a0[l] + drop(x %*% b)
    r <- y - vf_mu(eta, family)
    # exactly orthogonal to what is not penalized, for a feasible dual point
    q <- qr(sqrt(w) * free)
    r <- qr.resid(q, sqrt(w) * r) / sqrt(w)
    r[w == 0] <- 0
    c <- drop(crossprod(x, w * r))
    u <- unlist(lapply(ends, function(at) -rev(cumsum(rev(-c[at])))[-1L]))
    step <- drop(D %*% b)
    stopifnot(max(abs(crossprod(D, u) - c)) < 1e-9 * max(1e-300, abs(c), abs(u)))
    s <- min(1, (lambda[l] * v / abs(u))[u != 0])
    primal <- F(eta) + lambda[l] * sum(v * abs(step))
    # F(eta) + F*(-s g) + s g'eta, and the penalty's part lambda v |step| - s u step: sums of non-negative terms
    gap <- sum(w * vf_fy(y - s * r, 1 - y + s * r, eta, family)) + sum(lambda[l] * v * abs(step) - s * u * step)
    t0 <- lambda[l] * v
    bad <- ifelse(abs(step) > 1e-9 * max(abs(b), 1e-300), abs(u - t0 * sign(step)), pmax(abs(u) - t0, 0))
    raw <- w * (y - vf_mu(eta, family))
    data.frame(primal = primal, gap = gap / null, kkt = max(bad) / max(lambda[l], 1e-300),
      score = max(abs(crossprod(free, raw))) / max(1, abs(crossprod(abs(x), abs(w * y)))))
  })
  do.call(rbind, rows)
}

# piecewise constant effects; columns that change slowly along the chain, as copy numbers do
make_fused <- function(n, p, chains = 1, family = "gaussian", seed = 1) {
  with_seed(seed, {
    x <- matrix(rnorm(n * p), n)
    for (j in seq_len(p)[-1]) x[, j] <- 0.5 * x[, j - 1] + x[, j]
    chain <- sort(rep_len(seq_len(chains), p))
    b <- rep(rnorm(ceiling(p / 10)) * rbinom(ceiling(p / 10), 1, 0.4), each = 10)[seq_len(p)]
    eta <- drop(x %*% b)
    eta <- eta / max(sd(eta), 1e-8)
    y <- switch(family, gaussian = eta + rnorm(n) / 2, binomial = rbinom(n, 1, plogis(2 * eta)), poisson = rpois(n, exp(eta)))
    list(x = x, y = y, chain = chain, b = b, w = runif(n, 0.2, 3), o = rnorm(n) / 3, fold = sample(rep_len(1:5, n)))
  })
}

# The sparse fused lasso, and coefficients of one sign: F(eta) + lambda [ (1 - tau) sum v |step| + tau sum f |b| ] over b with signs.
#
# A dual point c = X'g (c = D'u + s) is feasible if there are flows u with |u_k| <= lambda (1 - tau) v_k and s_j within
# lambda tau f_j, without bound towards a sign that b_j must not have. Along a chain the u that can still be reached are an interval:
# add c_j and the range of s_j, cut at the capacity of the step; none is left if and only if c is not feasible.
flow_exists <- function(c, capacity, low, high) {
  a <- b <- 0 # what has to leave the last column
  for (j in seq_along(c)) {
    a <- max(a + c[j] - high[j], -capacity[j])
    b <- min(b + c[j] - low[j], capacity[j])
    if (a > b) return(FALSE)
  }
  TRUE # the last capacity is zero: nothing leaves a chain
}

# data frame: relative gap, excess (how much smaller than c the dual point must be), slack (1 - c'b / penalty), score
verify_sparse_fused <- function(x, y, family, lambda, a0, beta, tau, chain = NULL, position = NULL, v = NULL, factor = NULL, lower = NULL,
                                upper = NULL, weights = NULL, offset = NULL, intercept = TRUE) {
  x <- as.matrix(x)
  n <- nrow(x)
  p <- ncol(x)
  w <- if (is.null(weights)) rep(1 / n, n) else weights / sum(weights)
  o <- if (is.null(offset)) double(n) else offset
  v <- if (is.null(v)) rep(1, p) else v
  f <- if (is.null(factor)) rep(1, p) else factor
  ends <- vfu_order(p, chain, position)
  free <- cbind(if (intercept) rep(1, n), if (tau == 0) vapply(ends, function(at) rowSums(x[, at, drop = FALSE]), double(n)))
  if (tau == 0 && !is.null(c(lower, upper))) free <- if (intercept) cbind(rep(1, n)) # levels may stand at zero
  if (is.null(free)) free <- matrix(0, n, 0L)
  F <- function(eta) sum(w * vf_loss(y, eta, family))
  link <- switch(family, gaussian = gaussian(), binomial = quasibinomial(), poisson = quasipoisson())
  null <- F(if (intercept) glm.fit(rep(1, n), y, weights = n * w, offset = o, family = link)$linear.predictors else o)
  feasible <- function(c, lambda, slack) {
    all(vapply(ends, function(at) {
      high <- lambda * tau * f[at]
      low <- -high
      if (!is.null(lower)) low[lower[at] == 0] <- -Inf
      if (!is.null(upper)) high[upper[at] == 0] <- Inf
      flow_exists(c[at], c(lambda * (1 - tau) * v[at][-1L], 0) + slack, low, high)
    }, NA))
  }
  rows <- lapply(seq_along(lambda), function(l) {
    b <- beta[, l]
    eta <- o + a0[l] + drop(x %*% b)
    r <- y - vf_mu(eta, family)
    if (ncol(free)) r <- qr.resid(qr(sqrt(w) * free), sqrt(w) * r) / sqrt(w)
    r[w == 0] <- 0
    c <- drop(crossprod(x, w * r))
    rounding <- (if (tau == 0) 1e-10 else 1e-14) * sum(abs(c)) # levels that are free have a sum of zero but for this
    scale <- 1
    if (!feasible(c, lambda[l], rounding)) {
      ends01 <- c(0, 1)
      for (i in 1:60) {
        scale <- mean(ends01)
        if (feasible(scale * c, lambda[l], rounding)) ends01[1] <- scale else ends01[2] <- scale
      }
      scale <- ends01[1]
    }
    steps <- sum(unlist(lapply(ends, function(at) v[at][-1L] * abs(diff(b[at])))), na.rm = TRUE)
    penalty <- lambda[l] * ((1 - tau) * steps + tau * sum((f * abs(b))[b != 0]))
    gap <- sum(w * suppressWarnings(vf_fy(y - scale * r, 1 - y + scale * r, eta, family))) + penalty - scale * sum(c * b)
    if (!is.null(lower)) stopifnot(all(b >= lower))
    if (!is.null(upper)) stopifnot(all(b <= upper))
    raw <- w * (y - vf_mu(eta, family))
    data.frame(primal = F(eta) + penalty, gap = gap / null, excess = 1 - scale, slack = if (penalty > 0) 1 - sum(c * b) / penalty else 0,
      score = if (ncol(free)) max(abs(crossprod(free, raw))) / max(1, abs(crossprod(abs(x), abs(w * y)))) else 0)
  })
  do.call(rbind, rows)
}

# sparse = dense, screening off = on, one thread = two, columns in another order, weights = rows repeated; ...: of pen_fused()
expect_equivalent_fused <- function(d, x, ...) {
  p <- ncol(x)
  pen <- pen_fused(chain = d$chain, ...)
  fit <- sparsepath(x, d$y, penalty = pen, nlambda = 40)
  same <- function(other, tol = 1e-9) {
    expect_identical(length(other$lambda), length(fit$lambda))
    expect_lt(apart(other$beta, fit$beta), tol)
    expect_lt(max(abs(other$a0 - fit$a0)), tol)
  }
  same(sparsepath(Matrix::Matrix(x, sparse = TRUE), d$y, penalty = pen, nlambda = 40))
  same(sparsepath(x, d$y, penalty = pen, nlambda = 40, control = sparsepath.control(screen = FALSE)))
  two <- sparsepath(x, d$y, penalty = pen, nlambda = 40, control = sparsepath.control(threads = 2))
  expect_identical(two$beta, sparsepath(x, d$y, penalty = pen, nlambda = 40, control = sparsepath.control(threads = 1))$beta)
  # columns shuffled, their places on the chromosomes given
  at <- with_seed(2, sample(p))
  other <- sparsepath(x[, at], d$y, penalty = pen_fused(chain = letters[d$chain][at], position = at, ...), nlambda = 40)
  other$beta <- other$beta[order(at), ]
  same(other)
  # two observations of one row
  count <- rep(1:2, length.out = nrow(x))
  weighted <- sparsepath(x, d$y, penalty = pen, weights = count, lambda = fit$lambda)
  again <- rep(seq_len(nrow(x)), count)
  repeated <- sparsepath(x[again, ], d$y[again], penalty = pen, lambda = fit$lambda)
  expect_lt(apart(weighted$beta, repeated$beta), 1e-8)
}
