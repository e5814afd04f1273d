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

# The problem fuzz_penalty(i) with a bi-level penalty in the place of its own.
fuzz_bilevel <- function(i) {
  a <- fuzz_penalty(i)
  p <- ncol(a$x)
  with_seed(330000 + i, {
    a$penalty.factor <- NULL
    group <- switch(sample(4, 1), sample.int(max(1, p %/% 3), p, TRUE), rep(1, p), sample.int(p), rep_len(sample(c("b", "a", "c")), p))
    v <- if (runif(1) < 0.3) runif(length(unique(group)), 0.2, 3)
    if (!is.null(v) && runif(1) < 0.2 && a$family %in% c("gaussian", "mgaussian")) v[1] <- 0
    h <- if (runif(1) < 0.2) 10^runif(1, -1, 1)
    name <- sample(c("cmcp", "gel"), 1)
    par <- if (name == "cmcp") sample(c(0.3, 1, 3, 20), 1) else sample(c(2, 1, 1 / 3, 0.05), 1)
    a$penalty <- (if (name == "cmcp") pen_cmcp else pen_gel)(group, par, v, h)
    if (p > 1 && runif(1) < 0.15) a$lower.limits <- sample(c(0, -0.1, -Inf), p, TRUE)
    if (p > 1 && runif(1) < 0.15) a$upper.limits <- sample(c(0, 0.1, Inf), p, TRUE)
    a$bilevel <- list(name = name, par = par, group = group, v = if (is.null(v)) rep(1, length(unique(group))) else v)
    attr(a, "what") <- sprintf("%s, %s", name, a$family)
    a
  })
}

# NULL, or what is wrong; "flagged: ..." when the fit itself says that it is not solved
fuzz_bilevel_check <- function(i) {
  a <- fuzz_bilevel(i)
  run <- fuzz_run("fuzz_bilevel", i, a, 5, a[names(a) != "bilevel"])
  if (!is.null(run$wrong)) return(run$wrong)
  f <- run$fit
  warned <- run$warned
  tell <- run$tell
  ok <- f$status == 0
  own <- tryCatch(kkt(f, a$x, a$y, weights = a$weights, offset = a$offset), error = function(e) NULL)
  if (is.null(own)) return(tell("kkt() failed"))
  d <- bilevel_judge(f, a)
  if (any((d$kkt - 10 * d$floor)[ok] > 1e-5)) return(tell("kkt %.1e, certified", max(d$kkt[ok])))
  if (any((abs(own$kkt - f$kkt) - 20 * d$floor - 1e-3 * f$kkt)[ok] > 1e-6)) return(tell("kkt() says %.1e, the fit %.1e", max(own$kkt[ok]), max(f$kkt[ok])))
  if (any(!ok)) return(paste0(if (is.null(warned)) "silent: " else "flagged: ", tell("%d of %d lambdas missed, kkt up to %.1e, gap %.1e", sum(!ok), length(ok), max(f$kkt), max(f$gap))))
  if (!is.null(warned)) return(tell("warning: %s", warned))
  NULL
}

# bl_path() for data of any kind: centred products, and what rounding leaves of them
bilevel_judge <- function(fit, a) {
  list2env(fuzz_data(a), environment())
  r <- y - o
  if (intercept) r <- r - rep(colSums(w * r), each = n)
  unit <- if (a$family %in% c("gaussian", "mgaussian")) sqrt(sum(w * r^2)) else 1
  s_y <- if (a$family == "gaussian") unit else 1
  co <- vg_coefficients(fit)
  across <- a$family == "mgaussian" || identical(a$type.multinomial, "grouped")
  of <- match(a$bilevel$group, sort(unique(a$bilevel$group)))
  lower <- rep_len(pick("lower.limits", -Inf), p)
  upper <- rep_len(pick("upper.limits", Inf), p)
  rows <- lapply(seq_along(fit$lambda), function(l) {
    lambda <- fit$lambda[l]
    B <- matrix(vapply(co$b, function(b) b[, l], double(p)), p)
    if (any(B[out, ] != 0) || any(B > upper | B < lower)) return(data.frame(kkt = Inf, floor = 0))
    shift <- if (intercept) drop(crossprod(B, moments$mean)) else 0
    eta <- o + z %*% B + rep(co$a0[, l] + shift, each = n)
    R <- y - vg_mean(eta, a$family)
    Z <- crossprod(z, w * R) / sd
    U <- B * sd
    res <- sqrt(sum(w * R^2))
    size <- res + sum(moments$norm * rowSums(abs(B))) + sqrt(sum(w * o^2)) + max(abs(co$a0[, l]))
    den <- if (lambda > 0) lambda else 1
    floor <- 64 * .Machine$double.eps * (max((moments$norm / sd)[!out], 0) * size + 4 * max((abs(moments$mean) / sd)[!out], 0) * res) / den
    worst <- if (intercept) max(abs(colSums(w * R))) else 0
    for (g in seq_along(a$bilevel$v)) for (k in if (across) list(seq_len(K)) else as.list(seq_len(K))) {
      at <- which(of == g & !out)
      if (!length(at)) next
      v <- a$bilevel$v[g]
      b <- U[at, k]
      slope <- if (v > 0) bl_scaled(b, lambda * a$alpha * v, a$bilevel$name, a$bilevel$par, fit$penalty$curvature, unit, length(b))$slope else 0 * b
      e <- Z[at, k] - lambda * v * (1 - a$alpha) / s_y * b
      off <- ifelse(b == 0, sign(e) * pmax(abs(e) - slope, 0), e - sign(b) * slope)
      stays <- off > 0 & B[at, k] >= upper[at] * (1 - 1e-9) | off < 0 & B[at, k] <= lower[at] * (1 - 1e-9)
      worst <- max(worst, abs(off[!stays]) / (if (v > 0) v else 1))
    }
    data.frame(kkt = worst / den, floor = floor)
  })
  do.call(rbind, rows)
}
