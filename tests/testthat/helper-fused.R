# Verifier of the fused lasso of columns, in terms of the coefficients b and of D, the matrix of first differences within chains.
#
# minimize  F(eta) + lambda |V D b|_1,  F(eta) = sum w l(y, eta):  stationarity is D'u = X'g, g = -dF/d eta, |u_k| <= lambda v_k,
# u_k = lambda v_k sign(step). The u of a chain follow from the sums of X'g to the chain's end; the sum over a whole chain must be 0.

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
