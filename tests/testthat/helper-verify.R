# An independent verifier: given data, a penalty and coefficients, how far from optimal are they?
#
# Plain R, written from the objective on the help page alone. It shares no code with the package (not even kkt()) and knows
# nothing about how the coefficients were found, so any fit of any combination becomes a test.
#
#   minimize  sum_i w_i loss(y_i, b0 + o_i + x_i'b) + lambda sum_j v_j [alpha |s_j b_j| + (1 - alpha)/2 (s_j b_j)^2 / s_y]
#
# subject to lower <= b <= upper; w sums to 1; s_j is the weighted 1/n standard deviation of column j (1 without
# `standardize`); v sums to p with infinite and excluded entries counting 1; s_y is the weighted standard deviation of
# y - offset for gaussian (root mean square without intercept) and 1 for the others. Constant columns are out.
# The loss of poisson is half its unit deviance.
#
# verify_path() returns one row per lambda:
#   objective, gap (relative to the objective of the intercept-only model), kkt (largest violation / lambda over all
#   columns), score (of the intercept), and, for each, the part that double precision cannot resolve (floor_*).
#
# Every sum over rows is a sum of centred columns, so columns shifted by 1e6 are judged right.

vf_mu <- function(eta, family) switch(family, gaussian = eta, binomial = plogis(eta), poisson = exp(eta))

# curvature of the loss in eta
vf_curvature <- function(eta, family) switch(family, gaussian = 0 * eta + 1, binomial = plogis(eta) * plogis(-eta), poisson = exp(eta))

# q log(q / m) - q + m = m h(q / m - 1), where m may underflow
vf_kl <- function(q, eta) {
  m <- exp(eta)
  r <- ifelse(q > 0, q * (log(pmax(q, .Machine$double.xmin)) - eta) - q + m, m)
  n <- m > 0 & abs(q - m) <= 0.5 * m
  r[n] <- (m * vf_h((q - m) / m))[n]
  pmax(r, 0)
}

vf_loss <- function(y, eta, family) {
  if (family == "gaussian") return((y - eta)^2 / 2)
  if (family == "poisson") return(vf_kl(y + 0 * eta, eta))
  # log(1 + e^eta) - y eta, as a mixture of two non-negative terms: no cancellation for any eta
  -(y * plogis(eta, log.p = TRUE) + (1 - y) * plogis(-eta, log.p = TRUE))
}

# (1 + u) log(1 + u) - u, accurate near 0
vf_h <- function(u) {
  small <- abs(u) < 0.02
  us <- u[small]
  s <- 0
  for (k in 12:2) s <- s + (-1)^k * us^k / (k * (k - 1))
  r <- ifelse(u <= -1, 1, (1 + u) * log1p(u) - u)
  r[small] <- s
  r
}

# Fenchel-Young term of the loss at dual point q (fitted value that the dual point stands for), eta the reported one
vf_fy <- function(q, q1, eta, family) {
  if (family == "gaussian") return((q - eta)^2 / 2)
  if (family == "poisson") return(vf_kl(q, eta))
  m <- plogis(eta)
  m1 <- plogis(-eta)
  lm <- plogis(eta, log.p = TRUE)
  lm1 <- plogis(-eta, log.p = TRUE)
  far <- m == 0 | m1 == 0 | abs(q - m) > 0.5 * pmin(m, m1)
  r <- numeric(length(q))
  n <- !far
  r[n] <- m[n] * vf_h((q[n] - m[n]) / m[n]) + m1[n] * vf_h((q1[n] - m1[n]) / m1[n])
  xlog <- function(a, l) ifelse(a > 0, a * (log(pmax(a, .Machine$double.xmin)) - l), 0)
  r[far] <- pmax(xlog(q[far], lm[far]) + xlog(q1[far], lm1[far]), 0)
  r
}

# the response as numbers, the weights summing to 1, only rows that count
vf_response <- function(y, family, weights, offset) {
  n <- NROW(y)
  w <- if (is.null(weights)) rep(1, n) else as.double(weights)
  if (family == "binomial") {
    if (is.matrix(y) && ncol(y) == 2) {
      tot <- rowSums(y)
      w <- w * tot
      y <- ifelse(tot > 0, y[, 2] / tot, 0)
    } else if (is.factor(y)) {
      y <- as.double(y == levels(y)[2])
    } else if (!is.numeric(y)) {
      y <- as.double(factor(y) == levels(factor(y))[2])
    }
  }
  o <- if (is.null(offset)) rep(0, n) else as.double(offset)
  keep <- which(w > 0)
  list(y = as.double(y)[keep], w = w[keep] / sum(w[keep]), o = o[keep], keep = keep)
}

vf_dense <- function(x, rows, cols) {
  xb <- as.matrix(x[rows, cols, drop = FALSE])
  storage.mode(xb) <- "double"
  dimnames(xb) <- NULL
  xb
}

vf_blocks <- function(n, p, cells = 4e6) {
  size <- max(1, floor(cells / max(n, 1)))
  split(seq_len(p), (seq_len(p) - 1) %/% size)
}

# means and standard deviations in two passes; `norm` is the norm of the column as it enters the model
vf_moments <- function(x, rows, w, intercept) {
  p <- ncol(x)
  m <- s <- norm <- numeric(p)
  constant <- logical(p)
  for (b in vf_blocks(length(rows), p)) {
    xb <- vf_dense(x, rows, b)
    mb <- colSums(w * xb)
    xc <- xb - rep(mb, each = nrow(xb))
    d <- colSums(w * xc)
    mb <- mb + d
    xc <- xc - rep(d, each = nrow(xb))
    sb <- sqrt(colSums(w * xc^2))
    top <- apply(abs(xb), 2, max)
    constant[b] <- apply(xb, 2, function(z) min(z) == max(z)) | sb <= 64 * .Machine$double.eps * top
    m[b] <- mb
    s[b] <- sb
    norm[b] <- if (intercept) sb else sqrt(colSums(w * xb^2))
  }
  list(mean = m, sd = s, norm = norm, constant = constant)
}

# minimize sum w loss(y, eta + Z c) over c; Z = [1, unpenalized columns]. Returns the shift of eta.
vf_profile <- function(y, w, eta, z, family) {
  if (is.null(z) || ncol(z) == 0) return(0 * eta)
  start <- eta
  if (family == "gaussian") {
    q <- qr(sqrt(w) * z, tol = 1e-12)
    for (k in 1:3) {
      f <- qr.fitted(q, sqrt(w) * (y - eta))
      eta <- eta + f / sqrt(w)
    }
    return(eta - start)
  }
  if (family == "poisson" && ncol(z) == 1 && all(z == z[1])) { # sum w y = sum w exp(eta + c)
    top <- max(eta)
    return(rep(log(sum(w * y)) - top - log(sum(w * exp(eta - top))), length(eta)))
  }
  if (ncol(z) == 1 && all(z == z[1])) { # the intercept alone: bracketed Newton, safe for offsets of any size
    score <- function(c) sum(w * (y - plogis(eta + c)))
    lo <- -1
    hi <- 1
    while (score(lo) < 0 && lo > -1e8) lo <- lo * 2
    while (score(hi) > 0 && hi < 1e8) hi <- hi * 2
    c <- 0
    for (k in 1:200) {
      g <- score(c)
      if (g > 0) lo <- max(lo, c) else hi <- min(hi, c)
      mu <- plogis(eta + c)
      h <- sum(w * mu * plogis(-(eta + c)))
      new <- c + g / h
      if (!is.finite(new) || new <= lo || new >= hi) new <- (lo + hi) / 2
      if (abs(new - c) <= 2e-16 * max(abs(new), abs(c)) || g == 0) break
      c <- new
    }
    return(rep(c, length(eta)))
  }
  obj <- sum(w * vf_loss(y, eta, family))
  for (k in 1:100) {
    mu <- vf_mu(eta, family)
    h <- pmax(vf_curvature(eta, family), 1e-300)
    step <- tryCatch(qr.fitted(qr(sqrt(w * h) * z, tol = 1e-12), sqrt(w * h) * (y - mu) / h) / sqrt(w * h),
      error = function(e) NULL
    )
    if (is.null(step)) break
    t <- 1
    repeat {
      new <- sum(w * vf_loss(y, eta + t * step, family))
      if (is.finite(new) && new <= obj * (1 + 1e-15)) break
      t <- t / 2
      if (t < 1e-10) break
    }
    if (t < 1e-10) break
    eta <- eta + t * step
    obj <- new
    if (max(abs(step)) < 1e-14 * max(1, max(abs(eta)))) break
  }
  eta - start
}

# everything about the problem that does not depend on the coefficients
vf_problem <- function(x, y, family = "gaussian", alpha = 1, weights = NULL, offset = NULL, penalty.factor = NULL,
                       exclude = NULL, lower = -Inf, upper = Inf, standardize = TRUE, intercept = TRUE) {
  p <- ncol(x)
  r <- vf_response(y, family, weights, offset)
  mom <- vf_moments(x, r$keep, r$w, intercept)
  v <- if (is.null(penalty.factor)) rep(1, p) else as.double(penalty.factor)
  out <- mom$constant
  out[exclude] <- TRUE
  out[is.infinite(v)] <- TRUE
  v[is.infinite(v)] <- 1
  v[exclude] <- 1
  v <- v * p / sum(v)
  if (family == "gaussian") {
    yo <- r$y - r$o
    ym <- if (intercept) sum(r$w * yo) else 0
    sy <- sqrt(sum(r$w * (yo - ym)^2))
  } else {
    sy <- 1
  }
  pr <- list(
    p = p, family = family, alpha = alpha, y = r$y, w = r$w, o = r$o, keep = r$keep, mean = mom$mean, norm = mom$norm,
    s = if (standardize) ifelse(out, 1, mom$sd) else rep(1, p), v = v, out = out, sy = sy, intercept = intercept,
    lo = rep_len(as.double(lower), p), hi = rep_len(as.double(upper), p)
  )
  # the unit of scores: the size of residuals
  pr$sc <- if (family == "poisson") sqrt(sum(r$w * (r$y - sum(r$w * r$y))^2)) + sum(r$w * r$y) else sy
  # adding a constant to a gaussian response moves nothing but the intercept: rounding is charged from there
  pr$base <- if (family == "gaussian" && intercept) sum(r$w * (r$y - r$o)) else 0
  pr$free <- which(!out & v == 0 & is.infinite(pr$lo) & is.infinite(pr$hi))
  pr$centre <- if (intercept) mom$mean else rep(0, p)
  pr$null <- {
    e <- pr$o + vf_profile(pr$y, pr$w, pr$o, if (intercept) matrix(1, length(pr$y), 1), family)
    sum(pr$w * vf_loss(pr$y, e, family))
  }
  ent <- function(a) ifelse(a > 0, a * log(pmax(a, .Machine$double.xmin)), 0)
  pr$saturated <- if (family != "binomial") 0 else -sum(pr$w * (ent(pr$y) + ent(1 - pr$y)))
  pr
}

vf_columns <- function(x, pr, cols) {
  xb <- vf_dense(x, pr$keep, cols)
  xb <- xb - rep(pr$centre[cols], each = nrow(xb))
  if (pr$intercept) xb <- xb - rep(colSums(pr$w * xb), each = nrow(xb))
  xb
}

# z_j = sum_i w_i x_ij res_i / s_j for all columns and all columns of `res`
vf_gradient <- function(x, pr, res) {
  z <- matrix(0, pr$p, ncol(res))
  wr <- pr$w * res
  for (b in vf_blocks(length(pr$y), pr$p)) z[b, ] <- crossprod(vf_columns(x, pr, b), wr) / pr$s[b]
  z[pr$out, ] <- 0
  z
}

# largest lambda with an all-zero penalized part, from its closed form
lambda_max_reference <- function(x, y, family = "gaussian", alpha = 1, ...) {
  pr <- vf_problem(x, y, family, alpha, ...)
  if (length(setdiff(which(!pr$out & pr$v == 0), pr$free))) stop("no closed form with limits on unpenalized columns")
  zf <- cbind(if (pr$intercept) rep(1, length(pr$y)), if (length(pr$free)) vf_columns(x, pr, pr$free))
  eta <- pr$o + vf_profile(pr$y, pr$w, pr$o, zf, family)
  z <- abs(vf_gradient(x, pr, matrix(pr$y - vf_mu(eta, family))))
  z[pr$free] <- 0
  max((z / pr$v)[!pr$out & pr$v > 0]) / max(alpha, 1e-3)
}

verify_path <- function(x, y, family = "gaussian", lambda, a0, beta, alpha = 1, weights = NULL, offset = NULL,
                        penalty.factor = NULL, exclude = NULL, lower = -Inf, upper = Inf, standardize = TRUE,
                        intercept = TRUE) {
  pr <- vf_problem(
    x, y, family, alpha, weights, offset, penalty.factor, exclude, lower, upper, standardize, intercept
  )
  u <- .Machine$double.eps
  nl <- length(lambda)
  beta <- as.matrix(beta)
  stopifnot(ncol(beta) == nl, nrow(beta) == pr$p, length(a0) == nl)
  n <- length(pr$y)
  w <- pr$w
  if (any(beta[pr$out, ] != 0)) stop("a column that is constant or excluded has a coefficient")
  used <- which(rowSums(beta != 0) > 0)
  xu <- vf_columns(x, pr, used)
  shift <- drop(crossprod(beta[used, , drop = FALSE], pr$centre[used])) # what centring moves into the intercept
  eta <- pr$o + rep(a0 + shift, each = n) + xu %*% beta[used, , drop = FALSE]
  zf <- cbind(if (intercept) rep(1, n), if (length(pr$free)) vf_columns(x, pr, pr$free))
  prof <- vapply(seq_len(nl), function(l) eta[, l] + vf_profile(pr$y, w, eta[, l], zf, family), numeric(n))
  prof <- matrix(prof, n)
  mu <- vf_mu(prof, family)
  z <- vf_gradient(x, pr, pr$y - mu) # at the profiled intercept: the dual point
  z1 <- if (length(pr$free)) vf_gradient(x, pr, pr$y - vf_mu(eta, family)) else z # at the reported coefficients

  bs <- beta * pr$s
  los <- pr$lo * pr$s
  his <- pr$hi * pr$s
  eps_lim <- function(b) 1e-12 * pmax(abs(b), 1e-300)
  infeasible <- apply(beta, 2, function(b) {
    max(0, (b - pr$hi - eps_lim(pr$hi))[is.finite(pr$hi)], (pr$lo - b - eps_lim(pr$lo))[is.finite(pr$lo)])
  })
  at_hi <- matrix(FALSE, pr$p, nl)
  at_lo <- at_hi
  i <- which(is.finite(pr$hi))
  if (length(i)) at_hi[i, ] <- beta[i, ] >= pr$hi[i] - eps_lim(pr$hi[i])
  i <- which(is.finite(pr$lo))
  if (length(i)) at_lo[i, ] <- beta[i, ] <= pr$lo[i] + eps_lim(pr$lo[i])

  out <- data.frame(
    lambda = lambda, objective = NA_real_, gap = NA_real_, kkt = NA_real_, score = NA_real_, infeasible = infeasible,
    df = colSums(beta != 0), loss = NA_real_, floor_gap = NA_real_, floor_kkt = NA_real_, floor_score = NA_real_
  )
  lmax <- max(abs(vf_gradient(x, pr, matrix(pr$y - vf_mu(
    pr$o + vf_profile(pr$y, w, pr$o, if (intercept) matrix(1, n, 1), family), family
  )))), 1e-300)
  for (l in seq_len(nl)) {
    lam <- lambda[l]
    t <- lam * alpha * pr$v
    k <- lam * (1 - alpha) * pr$v / pr$sy
    if (pr$sy == 0) k[] <- 0
    b <- bs[, l]
    loss <- sum(w * vf_loss(pr$y, eta[, l], family))
    out$loss[l] <- loss
    out$objective[l] <- loss + sum(t * abs(b) + k * b^2 / 2)

    # KKT: q = z - k b must be in t d|b| + normal cone of the limits
    q <- z1[, l] - k * b
    up <- ifelse(at_hi[, l], -Inf, q - t * ifelse(b >= 0, 1, -1)) # how much it wants to increase
    dn <- ifelse(at_lo[, l], -Inf, -q + t * ifelse(b > 0, 1, -1)) # how much it wants to decrease
    viol <- pmax(up, dn, 0)
    viol[pr$out] <- 0
    den <- if (lam > 0) lam else lmax
    out$kkt[l] <- max(viol) / den
    res <- sqrt(sum(w * (pr$y - vf_mu(eta[, l], family))^2))
    size <- res + sum(pr$norm * abs(beta[, l])) + sqrt(sum(w * pr$o^2))
    # rounding of coefficients on the original scale, seen through the column that is checked; and of products with
    # columns that are centred in the arithmetic, not in memory
    worst <- max((pr$norm / pr$s)[!pr$out], 0)
    off_centre <- max((abs(pr$centre) / pr$s)[!pr$out], 0)
    out$floor_kkt[l] <- 16 * u * (worst * size + 4 * off_centre * res) / den

    out$score[l] <- if (intercept) abs(sum(w * (pr$y - vf_mu(eta[, l], family)))) / pr$sc else 0
    if (pr$sc == 0) out$score[l] <- 0
    out$floor_score[l] <- 16 * u * (abs(a0[l]) + sum(abs(pr$centre * beta[, l])) + max(abs(pr$o))) / max(pr$sy, 1e-300)
    # products z_j b_j with huge b_j, and the square of what rounding does to the intercept
    out$floor_gap[l] <- (16 * u * size * res + (out$floor_score[l] * pr$sy)^2) / max(pr$null, 1e-300)

    # duality gap with the dual point s (y - mu): sum of non-negative terms
    zz <- z[, l]
    pos_ind <- !pr$out & k == 0 & is.infinite(his) # an indicator on that side: s z <= t is needed
    neg_ind <- !pr$out & k == 0 & is.infinite(los)
    free <- logical(pr$p)
    free[pr$free] <- TRUE
    pos_ind <- pos_ind & !free
    neg_ind <- neg_ind & !free
    over <- max(0, (zz / t)[pos_ind & t > 0], (-zz / t)[neg_ind & t > 0])
    s_feas <- min(1, 1 / over)
    # unpenalized with one limit: no scaling helps; charged by the reach of the coefficient, as rounding of z has to be
    bad <- sum((pmax(zz * (pos_ind & t == 0), -zz * (neg_ind & t == 0), 0) * (abs(b) + pr$sy * pr$s / pr$norm))[!pr$out])
    gap_at <- function(s) {
      q <- (1 - s) * pr$y + s * mu[, l]
      q1 <- if (family != "binomial") NULL else (1 - s) * (1 - pr$y) + s * plogis(-prof[, l])
      fy <- sum(w * vf_fy(q, q1, eta[, l], family))
      zs <- s * zz
      pen <- t * abs(b) + k * b^2 / 2 - zs * b
      conj <- numeric(pr$p)
      g <- pmax(zs - t, 0)
      h <- pmax(-zs - t, 0)
      e <- k > 0
      bu <- ifelse(g > 0, pmin(g / ifelse(e, k, 1), his), pmax(-h / ifelse(e, k, 1), los)) # maximizer of the conjugate
      if (any(e)) conj[e] <- (ifelse(g > 0, g, -h) * bu - k * bu^2 / 2)[e]
      i <- !e & g > 0
      if (any(i)) conj[i] <- ifelse(is.finite(his[i]), g[i] * his[i], g[i] * abs(b[i]))
      i <- !e & h > 0
      if (any(i)) conj[i] <- ifelse(is.finite(los[i]), h[i] * -los[i], h[i] * abs(b[i]))
      term <- pmax(pen + conj, 0)
      term[free] <- abs(zs * b)[free]
      term[pr$out] <- 0
      charge <- if (intercept) abs(a0[l] + shift[l] - pr$base) * s * abs(sum(w * (pr$y - mu[, l]))) else 0
      fy + sum(term) + charge + bad
    }
    cand <- gap_at(s_feas)
    if (any(k > 0)) { # with a ridge term no scaling is needed; the lasso's may be better far from the optimum
      o2 <- max(s_feas, (abs(zz) / t)[t > 0 & !pr$out])
      if (o2 > 1) cand <- min(cand, gap_at(min(s_feas, 1 / o2)))
    }
    out$gap[l] <- cand / if (pr$null > 0) pr$null else 1
  }
  attr(out, "null") <- pr$null
  out$dev.ratio <- 1 - (out$loss - pr$saturated) / (pr$null - pr$saturated)
  out
}

# ---- family objects ------------------------------------------------------------------------------------------------
#
# No dual, so no gap: a solution is judged by its optimality conditions. Losses (half the unit deviance, up to a term without eta)
# are written down as expressions and differentiated by D(); nothing here asks a family object anything.

vf_losses <- list(
  `Gamma(log)` = quote(eta + y * exp(-eta)),
  `Gamma(inverse)` = quote(y * eta - log(eta)),
  `Gamma(identity)` = quote(y / eta + log(eta)),
  `inverse.gaussian(log)` = quote((y - exp(eta))^2 / (2 * y * exp(2 * eta))),
  `inverse.gaussian(1/mu^2)` = quote(y * eta / 2 - sqrt(eta)),
  `gaussian(log)` = quote((y - exp(eta))^2 / 2),
  `gaussian(inverse)` = quote((y - 1 / eta)^2 / 2),
  `poisson(sqrt)` = quote(eta^2 - 2 * y * log(eta)),
  `poisson(identity)` = quote(eta - y * log(eta)),
  `quasipoisson(log)` = quote(exp(eta) - y * eta),
  `quasibinomial(logit)` = quote(log(1 + exp(eta)) - y * eta),
  `quasi(log, mu^2)` = quote(eta + y * exp(-eta)),
  `binomial(probit)` = quote(-y * log(pnorm(eta)) - (1 - y) * log(pnorm(-eta))),
  `binomial(cloglog)` = quote(-y * log(1 - exp(-exp(eta))) + (1 - y) * exp(eta)),
  `binomial(cauchit)` = quote(-y * log(atan(eta) / pi + 1 / 2) - (1 - y) * log(1 / 2 - atan(eta) / pi)),
  `negative.binomial(2)` = quote((y + 2) * log(exp(eta) + 2) - y * eta)
)

# (the derivative table has no atan)
vf_slope <- function(name) {
  if (name == "binomial(cauchit)") {
    return(function(eta, y) {
      p <- atan(eta) / pi + 1 / 2
      (p - y) / (p * (1 - p)) / (pi * (1 + eta^2))
    })
  }
  slope <- D(vf_losses[[name]], "eta")
  function(eta, y) eval(slope, list(eta = eta, y = y))
}

# Largest violation of the optimality conditions / lambda for each lambda (lambda = 0: / largest gradient of the null model), the
# intercept's included. Arguments as verify_path(); `loss` is a name of vf_losses.
verify_stationary <- function(x, y, loss, lambda, a0, beta, alpha = 1, weights = NULL, offset = NULL, penalty.factor = NULL,
                              exclude = NULL, lower = -Inf, upper = Inf, standardize = TRUE, intercept = TRUE) {
  pr <- vf_problem(x, y, "gaussian", alpha, weights, offset, penalty.factor, exclude, lower, upper, standardize, intercept)
  slope <- vf_slope(loss)
  beta <- as.matrix(beta)
  if (any(beta[pr$out, ] != 0)) stop("a column that is constant or excluded has a coefficient")
  score <- vapply(seq_along(lambda), function(l) {
    eta <- pr$o + a0[l] + drop(vf_dense(x, pr$keep, seq_len(pr$p)) %*% beta[, l])
    -slope(eta, pr$y)
  }, numeric(length(pr$y)))
  z <- vf_gradient(x, pr, matrix(score, ncol = length(lambda)))
  vapply(seq_along(lambda), function(l) {
    b <- beta[, l] * pr$s
    t <- lambda[l] * alpha * pr$v
    q <- z[, l] - lambda[l] * (1 - alpha) * pr$v * b
    up <- ifelse(beta[, l] >= pr$hi * (1 - 1e-12) & is.finite(pr$hi), -Inf, q - t * ifelse(b >= 0, 1, -1))
    dn <- ifelse(beta[, l] <= pr$lo * (1 - 1e-12) & is.finite(pr$lo), -Inf, -q + t * ifelse(b > 0, 1, -1))
    viol <- pmax(up, dn, 0)
    viol[pr$out] <- 0
    beyond <- any(beta[, l] > pr$hi * (1 + 1e-12) | beta[, l] < pr$lo * (1 + 1e-12))
    unit <- if (lambda[l] > 0) lambda[l] else sqrt(sum(pr$w * score[, l]^2))
    if (beyond) Inf else max(viol, if (intercept) abs(sum(pr$w * matrix(score, ncol = length(lambda))[, l]))) / unit
  }, 0)
}
