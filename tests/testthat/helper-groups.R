# An independent verdict on fits with norms of groups and on several linear predictors, in plain R from the objective of ?pen_group:
# it shares no code with the package.

# coefficients of a fit at all lambdas, list of K matrices p x L, and intercepts K x L
vg_coefficients <- function(fit) {
  if (is.list(fit$beta)) return(list(b = lapply(fit$beta, as.matrix), a0 = fit$a0))
  list(b = list(as.matrix(fit$beta)), a0 = if (is.null(fit$a0)) matrix(0, 1, length(fit$lambda)) else t(fit$a0))
}

vg_mean <- function(eta, family) {
  switch(family,
    binomial = 1 / (1 + exp(-eta)), poisson = exp(eta), multinomial = exp(eta - apply(eta, 1, max)) / rowSums(exp(eta - apply(eta, 1, max))), eta)
}

# sum over rows of weights times the loss; y is n x K
vg_loss <- function(y, eta, w, family) {
  sum(w * switch(family,
    binomial = log1p(exp(-abs(eta))) + pmax(eta, 0) - y * eta,
    poisson = exp(eta) - y * eta,
    multinomial = {
      top <- apply(eta, 1, max)
      rowSums(y * (log(rowSums(exp(eta - top))) + top - eta))
    },
    rowSums((y - eta)^2) / 2
  ))
}

# group: one value for each column; v: weights of the norms by sort(unique(group)); u: factors of the L1 part
# lower, upper: limits of the coefficients; one that stands at a limit may be pushed against it
# returns a data frame with objective and kkt (largest violation over the groups, / (lambda times the group's weight))
vg_path <- function(fit, x, y, family, group, v, tau = 0, u = rep(1, ncol(x)), alpha = 1, weights = NULL, offset = NULL,
                    standardize = TRUE, intercept = TRUE, across = TRUE, lower = -Inf, upper = Inf) {
  x <- as.matrix(x)
  lower <- rep_len(lower, ncol(x))
  upper <- rep_len(upper, ncol(x))
  y <- as.matrix(y)
  n <- nrow(x)
  K <- ncol(y)
  w <- (if (is.null(weights)) rep(1, n) else weights)
  w <- w / sum(w)
  o <- if (is.null(offset)) matrix(0, n, K) else as.matrix(offset)
  m <- colSums(w * x)
  sd <- sqrt(colSums(w * sweep(x, 2, m)^2))
  if (!standardize) sd[] <- 1
  z <- if (intercept) sweep(x, 2, m) else x
  s_y <- 1
  if (family == "gaussian") {
    r <- y - o
    if (intercept) r <- r - sum(w * r)
    s_y <- sqrt(sum(w * r^2))
  }
  group <- as.integer(factor(group))
  co <- vg_coefficients(fit)
  rows <- lapply(seq_along(fit$lambda), function(l) {
    lambda <- fit$lambda[l]
    B <- matrix(vapply(co$b, function(b) b[, l], double(ncol(x))), ncol(x)) # p x K
    eta <- o + x %*% B + rep(co$a0[, l], each = n)
    R <- w * (y - vg_mean(eta, family))
    U <- B * sd
    C <- crossprod(z, R) / sd
    penalty <- 0
    worst <- if (all(B >= lower & B <= upper)) 0 else Inf
    for (g in unique(group)) {
      j <- which(group == g)
      wt <- (1 - tau) * v[g] + tau * mean(u[j])
      for (k in if (across) list(seq_len(K)) else as.list(seq_len(K))) {
        b <- U[j, k]
        c <- C[j, k]
        t <- rep_len(lambda * alpha * tau * u[j], length(b))
        ridge <- lambda * (1 - alpha) * wt / s_y
        big <- lambda * alpha * (1 - tau) * v[g]
        h <- sqrt(sum(b^2))
        penalty <- penalty + big * h + sum(t * abs(b)) + ridge * h^2 / 2
        shrunk <- sign(c) * pmax(abs(c) - t, 0)
        # what is left of the gradient, but for what a limit takes
        rest <- if (h == 0) shrunk else ifelse(b == 0, shrunk, c - t * sign(b) - (ridge + big / h) * b)
        rest[(B[j, k] == upper[j] & rest > 0) | (B[j, k] == lower[j] & rest < 0)] <- 0
        viol <- if (h == 0) max(sqrt(sum(rest^2)) - big, 0) else sqrt(sum(rest^2))
        worst <- max(worst, viol / (lambda * max(wt, if (wt == 0) 1 else 0)))
      }
    }
    score <- if (intercept && family != "cox") max(abs(colSums(R))) else 0
    data.frame(lambda = lambda, objective = vg_loss(y, eta, w, family) + penalty, kkt = worst, score = score)
  })
  do.call(rbind, rows)
}

# fit, verdict and certificates
expect_group_exact <- function(x, y, family, ..., Y = y, group = seq_len(ncol(x)), v = NULL, tau = 0, u = rep(1, ncol(x)), across = TRUE,
                               label = "fit") {
  a <- list(...)
  fit <- sparsepath(x, y, family = family, ...)
  if (is.null(v)) v <- rep(1, length(unique(group)))
  d <- vg_path(fit, x, Y, family, group, v, tau, u, alpha = if (is.null(a$alpha)) 1 else a$alpha, weights = a$weights, offset = a$offset,
    standardize = !isFALSE(a$standardize), intercept = !isFALSE(a$intercept), across = across,
    lower = if (is.null(a$lower.limits)) -Inf else a$lower.limits, upper = if (is.null(a$upper.limits)) Inf else a$upper.limits)
  expect(all(fit$gap <= GAP) && all(fit$status == 0L), sprintf("%s: gap %.1e", label, max(fit$gap)))
  expect(all(d$kkt <= KKT), sprintf("%s: kkt %.1e at lambda %d", label, max(d$kkt), which.max(d$kkt)))
  expect(all(d$score <= 1e-8 * max(1, abs(Y))), sprintf("%s: score %.1e", label, max(d$score)))
  own <- kkt(fit, x, y, weights = a$weights, offset = a$offset)
  expect(all(own$rel.gap <= GAP) && all(own$kkt <= KKT), sprintf("%s: kkt() says gap %.1e, kkt %.1e", label, max(own$rel.gap), max(own$kkt)))
  invisible(list(fit = fit, v = d, own = own))
}

# make_problem() with columns in groups of a random arrangement; dense ones have a column in other units
grouped_problem <- function(seed, n, p, rho, groups, sparse) {
  d <- make_problem(n, p, "equi", rho, seed = seed)
  if (sparse) {
    d$x[abs(d$x) < 1] <- 0
    d$x <- Matrix::Matrix(d$x, sparse = TRUE)
  } else {
    d$x[, 3] <- 20 * d$x[, 3] + 7
  }
  d$group <- with_seed(seed + 100, sample(rep_len(seq_len(groups), p)))
  d
}
