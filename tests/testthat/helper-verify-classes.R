# The verifier for family = "multinomial" (see helper-verify.R, whose column moments it uses): K linear predictors,
#
#   minimize  - sum_i w_i sum_k y_ik log P_ik + lambda sum_k sum_j v_j [alpha |s_j b_jk| + (1 - alpha)/2 (s_j b_jk)^2]
#
# subject to lower_j <= b_jk <= upper_j; P = softmax(eta). Written from the objective, sharing no code with the package.

vc_response <- function(y) {
  if (is.matrix(y)) return(y)
  y <- factor(y)
  outer(as.integer(y), seq_len(nlevels(y)), `==`) + 0
}

vc_log_p <- function(eta) {
  top <- do.call(pmax, as.data.frame(eta))
  eta - top - log(rowSums(exp(eta - top)))
}

vc_loss <- function(y, w, eta) -sum((w * y * vc_log_p(eta))[y > 0])

# sum_i w_i KL(q_i || P_i) for q that sums to 1 in each row
vc_divergence <- function(q, w, eta) {
  lp <- vc_log_p(eta)
  p <- exp(lp)
  u <- (q - p) / p
  near <- is.finite(u) & abs(u) < 0.5
  r <- ifelse(q > 0, q * (log(pmax(q, 1e-300)) - lp), 0) - q + p
  r[near] <- (p * vf_h(u))[near]
  sum(w * pmax(r, 0))
}

# the optimum over c of the loss at eta + z c[, k], k = 1..K; z = [1, unpenalized columns]. By Newton on the first K - 1 classes.
vc_profile <- function(y, w, eta, z) {
  if (is.null(z)) return(eta)
  K <- ncol(y)
  m <- ncol(z)
  for (it in 1:60) {
    p <- exp(vc_log_p(eta))
    g <- as.vector(crossprod(z, w * (y - p))[, -K])
    H <- matrix(0, m * (K - 1), m * (K - 1))
    for (a in 1:(K - 1)) for (b in 1:(K - 1)) {
      H[(a - 1) * m + 1:m, (b - 1) * m + 1:m] <- crossprod(z, w * p[, a] * ((a == b) - p[, b]) * z)
    }
    step <- z %*% cbind(matrix(tryCatch(solve(H, g), error = function(e) 0 * g), m), 0)
    f <- vc_loss(y, w, eta)
    t <- 1
    while (!(vc_loss(y, w, eta + t * step) <= f * (1 + 1e-15)) && t > 1e-9) t <- t / 2
    if (t <= 1e-9) break
    eta <- eta + t * step
    if (max(abs(step)) < 1e-14 * max(1, abs(eta))) break
  }
  eta
}

# one row per lambda: objective, gap relative to the objective of the intercept-only model, largest violation / lambda, score of the
# intercepts, and the loss
verify_classes <- function(x, y, lambda, a0, beta, alpha = 1, weights = NULL, offset = NULL, penalty.factor = NULL, exclude = NULL,
                           lower = -Inf, upper = Inf, standardize = TRUE, intercept = TRUE) {
  x <- as.matrix(x)
  y <- vc_response(y)
  n <- nrow(x)
  p <- ncol(x)
  K <- ncol(y)
  trials <- rowSums(y)
  w <- (if (is.null(weights)) rep(1, n) else weights) * trials
  keep <- which(w > 0)
  w <- w[keep] / sum(w[keep])
  y <- (y / trials)[keep, , drop = FALSE]
  o <- if (is.null(offset)) matrix(0, length(keep), K) else offset[keep, , drop = FALSE]
  mom <- vf_moments(x, keep, w, intercept)
  v <- if (is.null(penalty.factor)) rep(1, p) else penalty.factor
  v <- matrix(as.double(v), p, K) # one for each column, or for each column and class
  out <- matrix(mom$constant, p, K)
  out[exclude, ] <- TRUE
  out[is.infinite(v)] <- TRUE
  v[is.infinite(v)] <- 1
  v[exclude, ] <- 1
  v <- v * p * K / sum(v)
  s <- if (standardize) ifelse(mom$constant, 1, mom$sd) else rep(1, p)
  lo <- rep_len(lower, p)
  hi <- rep_len(upper, p)
  free <- which(rowSums(!out & v == 0) == K & is.infinite(lo) & is.infinite(hi))
  x <- x[keep, , drop = FALSE]
  xc <- if (intercept) x - rep(mom$mean, each = nrow(x)) else x
  z1 <- cbind(if (intercept) rep(1, nrow(x)), xc[, free, drop = FALSE])
  if (!ncol(z1)) z1 <- NULL
  null <- vc_loss(y, w, vc_profile(y, w, o, if (intercept) matrix(1, nrow(x)) else NULL))
  gradient <- function(eta) {
    g <- crossprod(xc, w * (y - exp(vc_log_p(eta)))) / s
    g[out] <- 0
    g
  }
  rows <- lapply(seq_along(lambda), function(l) {
    b <- vapply(beta, function(m) as.matrix(m[, l, drop = FALSE])[, 1], double(p))
    b <- matrix(b, p)
    stopifnot(all(b[out] == 0), all(b >= lo * (1 + 1e-12)), all(b <= hi * (1 + 1e-12)))
    eta <- o + rep(a0[, l], each = nrow(x)) + x %*% b
    best <- vc_profile(y, w, eta, z1)
    t <- lambda[l] * alpha * v
    k <- lambda[l] * (1 - alpha) * v
    bs <- b * s
    g <- gradient(eta) - k * bs
    up <- ifelse(is.finite(hi) & b >= hi - 1e-12 * abs(hi), -Inf, g - t * ifelse(b >= 0, 1, -1))
    down <- ifelse(is.finite(lo) & b <= lo + 1e-12 * abs(lo), -Inf, -g + t * ifelse(b > 0, 1, -1))
    violation <- pmax(up, down, 0)
    violation[out] <- 0
    zz <- gradient(best)
    zz[free, ] <- 0
    bound <- (zz > 0 & is.infinite(hi) | zz < 0 & is.infinite(lo)) & k == 0
    feasible <- min(1, ifelse(bound & zz != 0, t / abs(zz), Inf))
    r <- y - exp(vc_log_p(best))
    gap_at <- function(c) {
      z <- c * zz
      over <- sign(z) * pmax(abs(z) - t, 0)
      peak <- ifelse(over == 0, 0, ifelse(k > 0, over / ifelse(k > 0, k, 1), ifelse(over > 0, hi * s, lo * s)))
      peak[is.infinite(peak)] <- bs[is.infinite(peak)] # the edge of the constraint, up to rounding
      peak <- pmin(pmax(peak, lo * s), hi * s)
      value <- function(u) t * abs(u) + k * u^2 / 2 - z * u
      term <- pmax(value(bs) - value(peak), 0)
      vc_divergence(pmax(y - c * r, 0), w, eta) + sum(term[!out])
    }
    gap <- min(gap_at(feasible), if (any(k > 0)) gap_at(1))
    data.frame(
      lambda = lambda[l], objective = vc_loss(y, w, eta) + sum(t * abs(bs) + k * bs^2 / 2), gap = gap / null,
      kkt = max(violation) / if (lambda[l] > 0) lambda[l] else max(abs(gradient(o))),
      score = if (intercept) max(abs(colSums(w * (y - exp(vc_log_p(eta)))))) else 0, loss = vc_loss(y, w, eta), df = sum(rowSums(b != 0) > 0)
    )
  })
  structure(do.call(rbind, rows), null = null)
}

# sparsepath() plus proof
expect_exact_classes <- function(x, y, ..., gap = GAP, kkt = KKT, label = "fit") {
  fit <- sparsepath(x, y, family = "multinomial", ...)
  a <- list(...)
  names(a) <- sub(".limits", "", names(a), fixed = TRUE)
  a <- a[intersect(names(a), names(formals(verify_classes)))]
  a$lambda <- NULL
  v <- do.call(verify_classes, c(list(x, y, fit$lambda, fit$a0, fit$beta), a))
  expect(max(v$gap) <= gap, sprintf("%s: relative gap %.1e", label, max(v$gap)))
  expect(max(v$kkt) <= kkt, sprintf("%s: KKT excess / lambda %.1e", label, max(v$kkt)))
  expect(max(v$score) <= 1e-8, sprintf("%s: score of the intercepts %.1e", label, max(v$score)))
  expect(all(fit$status == 0), sprintf("%s: %d lambdas without certificate", label, sum(fit$status != 0)))
  expect(all(v$gap <= 10 * fit$gap + 1e-9), sprintf("%s: the reported gap is too small", label))
  expect(identical(as.integer(fit$df), as.integer(v$df)), sprintf("%s: df", label))
  expect(max(abs(colMeans(fit$a0))) < 1e-12 * max(1, abs(fit$a0)) || identical(a$intercept, FALSE), sprintf("%s: level of the intercepts", label))
  invisible(list(fit = fit, v = v))
}

# n x p data with K classes whose means differ in a few columns; `close`: classes overlap
make_classes <- function(n, p, K, effect = 1, columns = 5, seed = 1) {
  with_seed(seed, {
    y <- sample(rep_len(seq_len(K), n))
    x <- matrix(rnorm(n * p), n) + 0.5 * rnorm(n)
    for (k in seq_len(K)) {
      j <- sample.int(p, min(p, columns))
      x[y == k, j] <- x[y == k, j] + effect
    }
    list(x = x, y = factor(letters[y]), w = runif(n, 0.2, 3), o = matrix(rnorm(n * K) / 2, n), fold = sample(rep_len(1:5, n)))
  })
}
