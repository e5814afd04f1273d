# Cox regression from its definition: every term of the partial likelihood is a row of a dense matrix. Shares no code with the package.
#
# With e_i = w_i exp(eta_i), the term t has the sum S_t = sum_i A_ti e_i over those at risk, A_ti = 1 or, for the deaths of that time
# under Efron, 1 - l / m; and the mass c_t, the weight of the deaths divided by the number of terms:
#
#   F(eta) = sum_t c_t log(S_t / (m_t c_t a_t)) - sum_deaths w_i eta_i,   a_t = 1 - l / m (1 for Breslow), divided by the sum of weights.

survival_response <- function(n, seed, kind = "right", ties = TRUE) {
  with_seed(seed, {
    time <- rexp(n)
    time <- if (ties) ceiling(5 * time) else time
    status <- rbinom(n, 1, 0.7)
    if (kind == "right") return(cbind(time = time, status = status))
    start <- pmax(0, time - ceiling(6 * rexp(n)) * if (ties) 1 else 0.3)
    cbind(start = start, stop = time, status = status)
  })
}

# p columns of which a few matter; ties, censoring, and what else a test may want
make_cox <- function(n, p, kind = "iid", rho = 0, k = min(6, p), seed = 1, ties = TRUE) {
  d <- make_problem(n, p, kind, rho, k = k, snr = 1, seed = seed)
  with_seed(seed + 1e6, {
    eta <- (d$y - mean(d$y)) / sd(d$y)
    death <- rexp(n, exp(eta))
    censored <- rexp(n, 0.4)
    time <- pmin(death, censored)
    if (ties) time <- ceiling(8 * rank(time) / n * 3)
    d$time <- time
    d$status <- as.integer(death <= censored)
    d$y <- cbind(time = time, status = d$status)
    d$start <- pmax(0, time - if (ties) 1 + rpois(n, 8) else rexp(n, 0.5))
    d$yc <- cbind(start = d$start, stop = time, status = d$status)
    d$strata <- sample(c("a", "b", "c"), n, TRUE)
    d$o <- rnorm(n) / 2
    d$w <- runif(n, 0.2, 3)
    d
  })
}

cox_terms <- function(y, strata = NULL, weights = NULL, efron = FALSE) {
  y <- unclass(y)
  n <- nrow(y)
  w <- if (is.null(weights)) rep(1, n) else weights
  strata <- if (is.null(strata)) rep(1, n) else strata
  time <- y[, ncol(y) - 1]
  status <- y[, ncol(y)]
  entry <- if (ncol(y) == 3) y[, 1] else rep(-Inf, n)
  a <- list()
  mass <- numeric()
  least <- numeric()
  owner <- integer()
  dead <- which(status == 1 & w > 0)
  for (key in unique(paste(strata, time)[dead])) {
    d <- dead[paste(strata, time)[dead] == key]
    at_risk <- strata == strata[d[1]] & entry < time[d[1]] & time >= time[d[1]] & w > 0
    m <- if (efron) length(d) else 1
    for (l in seq_len(m) - 1) {
      row <- at_risk + 0
      row[d] <- 1 - l / m
      a <- c(a, list(row))
      mass <- c(mass, sum(w[d]) / m)
      least <- c(least, sum(w[d]) * (1 - l / m))
      owner <- c(owner, list(d))
    }
  }
  list(A = do.call(rbind, a), mass = mass, least = least, owner = owner, y = w * status, w = w, total = sum(w), n = n)
}

cox_F <- function(tm, eta) {
  top <- max(eta)
  e <- tm$w * exp(eta - top)
  (sum(tm$mass * log(drop(tm$A %*% e) / tm$least)) - sum(tm$y * (eta - top))) / tm$total
}

cox_g <- function(tm, eta) { # -dF
  e <- tm$w * exp(eta - max(eta))
  (tm$y - e * drop(crossprod(tm$A, tm$mass / drop(tm$A %*% e)))) / tm$total
}

cox_setting <- function(x, weights = NULL, standardize = TRUE, penalty.factor = NULL, exclude = NULL) {
  x <- as.matrix(x)
  w <- if (is.null(weights)) rep(1, nrow(x)) else weights
  w <- w / sum(w)
  xc <- sweep(x, 2, colSums(w * x))
  s <- if (standardize) sqrt(colSums(w * xc^2)) else rep(1, ncol(x))
  v <- if (is.null(penalty.factor)) rep(1, ncol(x)) else penalty.factor
  out <- is.infinite(v) | seq_len(ncol(x)) %in% exclude | colSums(w * xc^2) < 1e-28
  v[is.infinite(v) | seq_len(ncol(x)) %in% exclude] <- 1
  list(z = sweep(xc, 2, ifelse(out, 1, s), "/"), s = s, v = v * ncol(x) / sum(v), out = out)
}

# one row per lambda: gap (of the objective of the null model), kkt (largest violation / lambda), dev.ratio
cox_verify <- function(fit, x, y, strata = NULL, efron = FALSE, weights = NULL, offset = NULL, alpha = 1, penalty.factor = NULL,
                       lower = -Inf, upper = Inf, standardize = TRUE, exclude = NULL) {
  tm <- cox_terms(y, strata, weights, efron)
  st <- cox_setting(x, weights, standardize, penalty.factor, exclude)
  o <- if (is.null(offset)) rep(0, tm$n) else offset
  p <- ncol(st$z)
  lo <- rep_len(lower, p) * st$s
  hi <- rep_len(upper, p) * st$s
  null <- cox_F(tm, o)
  beta <- as.matrix(fit$beta)
  stopifnot(all(beta[st$out, ] == 0))
  res <- lapply(seq_along(fit$lambda), function(l) {
    b <- beta[, l] * st$s
    b[st$out] <- 0
    eta <- o + drop(st$z %*% b)
    g <- cox_g(tm, eta)
    z <- drop(crossprod(st$z, g))
    z[st$out] <- 0
    t <- fit$lambda[l] * alpha * st$v
    k <- fit$lambda[l] * (1 - alpha) * st$v
    q <- z - k * b
    tiny <- 1e-12 * pmax(1, abs(b))
    up <- ifelse(b >= hi - tiny, -Inf, q - t * ifelse(b >= 0, 1, -1))
    down <- ifelse(b <= lo + tiny, -Inf, -q + t * ifelse(b > 0, 1, -1))
    viol <- pmax(up, down, 0)
    viol[st$out] <- 0
    # dual point: the distributions s p + (1 - s) q over each risk set, p the model's and q the deaths'
    feasible <- !st$out & k == 0 & t > 0
    over <- max(0, ifelse(is.infinite(hi), z, 0)[feasible] / t[feasible], ifelse(is.infinite(lo), -z, 0)[feasible] / t[feasible])
    s <- min(1, 1 / over)
    e <- tm$w * exp(eta - max(eta))
    weighted <- sweep(tm$A, 2, e, "*")
    P <- weighted / rowSums(weighted)
    Q <- t(vapply(tm$owner, function(d) replace(rep(0, tm$n), d, tm$w[d] / sum(tm$w[d])), numeric(tm$n)))
    R <- s * P + (1 - s) * Q
    base <- sweep(tm$A, 2, tm$w, "*")
    entropy <- ifelse(R > 0, R * log(ifelse(R > 0, base / R, 1)), 0)
    lower_F <- (sum(tm$mass * (rowSums(entropy) - log(tm$least)))) / tm$total
    zs <- s * z
    best <- pmin(pmax(ifelse(k > 0, sign(zs) * pmax(abs(zs) - t, 0) / ifelse(k > 0, k, 1), b), lo), hi)
    finite_side <- k == 0 & abs(zs) > t
    best[finite_side & zs > 0] <- pmin(hi, ifelse(is.finite(hi), hi, b))[finite_side & zs > 0]
    best[finite_side & zs < 0] <- pmax(lo, ifelse(is.finite(lo), lo, b))[finite_side & zs < 0]
    conj <- zs * best - t * abs(best) - k * best^2 / 2
    conj <- pmax(conj, 0)
    conj[k == 0 & t == 0] <- (abs(zs * b))[k == 0 & t == 0]
    conj[st$out] <- 0
    primal <- cox_F(tm, eta) + sum(t * abs(b) + k * b^2 / 2)
    dual <- lower_F - s * sum(g * o) - sum(conj)
    c(gap = (primal - dual) / max(null, 1e-300), kkt = max(viol) / if (fit$lambda[l] > 0) fit$lambda[l] else max(abs(crossprod(st$z, cox_g(tm, o)))),
      dev.ratio = 1 - cox_F(tm, eta) / null, objective = primal)
  })
  out <- as.data.frame(do.call(rbind, res))
  attr(out, "null") <- null
  out
}

cox_lambda_max <- function(x, y, strata = NULL, efron = FALSE, weights = NULL, offset = NULL, alpha = 1, penalty.factor = NULL, standardize = TRUE) {
  tm <- cox_terms(y, strata, weights, efron)
  st <- cox_setting(x, weights, standardize, penalty.factor)
  stopifnot(all(st$v > 0))
  z <- abs(drop(crossprod(st$z, cox_g(tm, if (is.null(offset)) rep(0, tm$n) else offset))))
  max((z / st$v)[!st$out]) / max(alpha, 1e-3)
}

# fit, and prove the fit
expect_exact_cox <- function(x, y, strata = NULL, ties = "breslow", ..., gap = GAP, kkt = KKT, label = "fit") {
  f <- sparsepath(x, if (is.null(strata)) y else stratify(y, strata), family = "cox", cox.ties = ties, ...)
  a <- list(...)
  v <- cox_verify(f, x, y, strata, ties == "efron", a$weights, a$offset, if (is.null(a$alpha)) 1 else a$alpha, a$penalty.factor,
    if (is.null(a$lower.limits)) -Inf else a$lower.limits, if (is.null(a$upper.limits)) Inf else a$upper.limits,
    if (is.null(a$standardize)) TRUE else a$standardize, a$exclude)
  say <- function(what, d, limit) sprintf("%s: %s %.2e > %.0e at lambda %d of %d", label, what, max(d), limit, which.max(d), length(d))
  expect(all(is.finite(v$gap)) && all(v$gap <= gap), say("relative gap", v$gap, gap))
  expect(all(v$gap >= -1e-9), paste0(label, ": the verifier's gap is negative"))
  expect(all(v$kkt <= kkt), say("KKT excess / lambda", v$kkt, kkt))
  expect(max(abs(v$dev.ratio - f$dev.ratio)) < 1e-8, say("dev.ratio is off by", abs(v$dev.ratio - f$dev.ratio), 1e-8))
  expect(all(f$status == 0), paste0(label, ": a lambda without certificate"))
  expect(all(v$gap - 10 * f$gap <= 1e-9), say("true gap above the reported one by", v$gap - 10 * f$gap, 1e-9))
  invisible(f)
}

coxph_tight <- function(formula, data, ...) {
  suppressWarnings(survival::coxph(formula, data, control = survival::coxph.control(eps = 1e-14, iter.max = 100, toler.chol = 1e-15), ...))
}
