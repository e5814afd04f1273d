# Random small problems for every penalty, reproducible from their number alone, and their judge: the objectives of ?pen_group,
# ?pen_mcp and ?pen_adaptive in plain R, sharing no code with the package. bench/fuzz.R runs thousands of them.

fuzz_penalty <- function(i) {
  with_seed(970000 + i, {
    n <- sample(c(2:6, 8, 12, 20, 40), 1)
    p <- sample(c(1:4, 7, 12, 30, 80), 1)
    x <- fuzz_matrix(n, p)
    kind <- attr(x, "kind")
    attr(x, "kind") <- NULL
    name <- sample(c("group", "group", "sparse_group", "mcp", "scad", "adaptive"), 1)
    groups <- name %in% c("group", "sparse_group")
    family <- sample(c("gaussian", "gaussian", "binomial", "poisson", if (groups) c("mgaussian", "multinomial", "grouped")), 1)
    K <- if (family == "mgaussian") sample(2:4, 1) else 3
    level <- function(m = n) if (runif(1) < 0.3) drop(x %*% (rnorm(p) * (runif(p) < 0.3))) / max(1, abs(x)) + rnorm(m) * sample(c(1e-3, 1), 1) else rnorm(m)
    y <- switch(family,
      gaussian = if (runif(1) < 0.7) level() else as.double(sample(0:3, n, TRUE)),
      binomial = as.double(level() > sample(c(0, 0.8), 1)),
      poisson = as.double(rpois(n, sample(c(0.3, 2, 50), 1) * exp(level() / 2))),
      mgaussian = matrix(rnorm(n * K), n) * rep(10^runif(K, -2, 2), each = n),
      { # classes, each present
        m <- min(n, 3)
        sample(c(seq_len(m), sample.int(m, n - m, TRUE)))
      }
    )
    if (family == "poisson" && all(y == 0)) y[1] <- 1
    if (family %in% c("gaussian", "binomial") && length(unique(y)) < 2) y[1] <- if (family == "binomial") 1 - y[1] else y[1] + 1
    a <- list(x = x, y = y, family = if (family == "grouped") "multinomial" else family, alpha = sample(c(1, 1, 1, 0.9, 0.5, 0.05), 1))
    if (family == "grouped") a$type.multinomial <- "grouped"
    if (family == "multinomial" || family == "grouped") a$y <- factor(y)
    if (groups) {
      group <- switch(sample(4, 1), sample.int(max(1, p %/% 3), p, TRUE), rep(1, p), sample.int(p), rep_len(sample(c("b", "a", "c")), p))
      w <- if (runif(1) < 0.3) runif(length(unique(group)), 0.2, 3)
      if (!is.null(w) && runif(1) < 0.2 && family %in% c("gaussian", "mgaussian")) w[1] <- 0
      tau <- if (name == "group") 0 else sample(c(0.05, 0.5, 0.95, 0, 1), 1)
      a$penalty <- if (name == "group") pen_group(group, w) else pen_sparse_group(group, tau, w)
    } else if (name == "adaptive") {
      a$penalty <- pen_adaptive(if (runif(1) < 0.5) rnorm(p) * sample(0:1, p, TRUE, c(0.2, 0.8)) + (seq_len(p) == 1) else sample(c("univariate", "ridge", "lasso"), 1),
        power = sample(c(0.5, 1, 2), 1))
    } else {
      a$penalty <- if (name == "mcp") pen_mcp(sample(c(1.001, 1.5, 3, 20), 1)) else pen_scad(sample(c(2.001, 3.7, 20), 1))
    }
    if (runif(1) < 0.3) {
      a$weights <- sample(c(0, 0.5, 1, 1, 2, 7), n, TRUE)
      a$weights[if (is.factor(a$y) || is.matrix(y)) seq_len(n) else c(which.min(y), which.max(y))] <- 1
    }
    if (runif(1) < 0.2) a$offset <- if (K > 1 && family %in% c("mgaussian", "multinomial", "grouped")) matrix(rnorm(n * if (is.factor(a$y)) nlevels(a$y) else K), n) else rnorm(n)
    if (!is.null(a$offset) && family == "mgaussian") a$offset <- matrix(rnorm(n * K), n)
    if (p > 1 && name != "group" && name != "adaptive" && runif(1) < 0.2) a$penalty.factor <- sample(c(0.3, 1, 1, 2), p, TRUE)
    if (p > 2 && is.null(a$penalty.factor) && runif(1) < 0.15) a$exclude <- sort(sample.int(p, sample.int(p - 1, 1)))
    if (runif(1) < 0.2) a$intercept <- FALSE
    if (runif(1) < 0.2) a$standardize <- FALSE
    if (runif(1) < 0.2) a$x <- Matrix::Matrix(x, sparse = TRUE)
    a$nlambda <- sample(c(2, 8, 20), 1)
    a$lambda.min.ratio <- sample(c(0.3, 0.05, 0.001), 1)
    attr(a, "kind") <- kind
    attr(a, "what") <- sprintf("%s, %s", name, family)
    a
  })
}

# kkt, gap (convex problems; relative to the null deviance), score and what rounding leaves of them, for each lambda
fuzz_judge <- function(fit, a) {
  list2env(fuzz_data(a), environment())
  alpha <- a$alpha
  v <- pick("penalty.factor", rep(1, p))
  v[a$exclude] <- 1
  v <- v * p / sum(v)
  s_y <- 1
  if (a$family == "gaussian") {
    r <- y - o
    if (intercept) r <- r - sum(w * r)
    s_y <- sqrt(sum(w * r^2))
  }
  co <- vg_coefficients(fit)
  null <- fit$nulldev / 2 / sum(pick("weights", rep(1, n)))
  penalty <- a$penalty
  concave <- penalty$name %in% c("mcp", "scad")
  if (!concave) {
    tau <- penalty$asparse
    of <- as.integer(factor(penalty$group))
    across <- a$family == "mgaussian" || identical(a$type.multinomial, "grouped")
    used <- setdiff(seq_len(p), a$exclude) # weights by default: columns that are not left out by request
    wg <- if (is.null(penalty$weights)) sqrt(tabulate(of[used], max(of))) else penalty$weights
    mean_v <- as.vector(rowsum(replace(v, a$exclude, 0), of)) / pmax(tabulate(of[used], max(of)), 1)
    u <- if (penalty$name == "group") rep(1, p) else v
    block <- if (across) rep(of, K) else of + rep((seq_len(K) - 1) * max(of), each = p)
    blocks <- match(block, sort(unique(block)))
    wt <- rep_len(wg, max(blocks))
    total <- rep_len((1 - tau) * wg + tau * (if (penalty$name == "group") 1 else mean_v), max(blocks))
  }
  rows <- lapply(seq_along(fit$lambda), function(l) {
    lambda <- fit$lambda[l]
    B <- matrix(vapply(co$b, function(b) b[, l], double(p)), p)
    if (any(B[out, ] != 0)) return(data.frame(kkt = Inf, gap = Inf, score = Inf, floor = 0, floor_gap = 0, rises = 0))
    shift <- if (intercept) drop(crossprod(B, moments$mean)) else 0
    eta <- o + z %*% B + rep(co$a0[, l] + shift, each = n)
    R <- y - vg_mean(eta, a$family)
    score <- if (intercept) max(abs(colSums(w * R))) else 0
    Z <- crossprod(z, w * R) / sd
    Z[out, ] <- 0
    U <- B * sd
    res <- sqrt(sum(w * R^2))
    size <- res + sum(moments$norm * rowSums(abs(B))) + sqrt(sum(w * o^2)) + max(abs(co$a0[, l]))
    den <- if (lambda > 0) lambda else 1
    worst <- max((moments$norm / sd)[!out], 0)
    floor <- 64 * .Machine$double.eps * (worst * size + 4 * max((abs(moments$mean) / sd)[!out], 0) * res) / den
    floor_gap <- 64 * .Machine$double.eps * size * res / max(null, 1e-300)
    if (concave) {
      b <- drop(U)
      h <- fit$penalty$curvature
      slope <- nc_slope(b, lambda * alpha * v, penalty$name, penalty$gamma, h)
      e <- drop(Z) - lambda * v * (1 - alpha) / s_y * b
      viol <- ifelse(b == 0, pmax(abs(e) - slope, 0), abs(e - sign(b) * slope))
      viol[out] <- 0
      rises <- 0
      on <- which(b != 0)
      if (fit$local[l] >= 1 && length(on)) { # a strict local minimum over the selected variables: no small step gains
        f <- function(b, a0) {
          eta <- drop(o + z %*% (b / sd)) + a0 + shift
          sum(w * switch(a$family, binomial = log1p(exp(-abs(eta))) + pmax(eta, 0) - y * eta, poisson = exp(eta) - y * eta, (y - eta)^2 / 2)) +
            sum(nc_value(b[on], (lambda * alpha * v)[on], penalty$name, penalty$gamma, h)) + sum(lambda * v * (1 - alpha) / s_y * b^2 / 2)
        }
        f0 <- f(b, co$a0[1, l])
        steps <- with_seed(l, matrix(rnorm(20 * length(on)), length(on)))
        for (k in seq_len(20)) {
          d <- 0 * b
          d[on] <- steps[, k] * abs(b[on]) * 1e-3
          rises <- max(rises, (f0 - f(b + d, co$a0[1, l])) / max(null, 1e-300))
        }
      }
      return(data.frame(kkt = max(viol) / den, gap = 0, score = score, floor = floor, floor_gap = floor_gap, rises = rises))
    }
    norm <- function(m) sqrt(drop(rowsum(m^2, blocks)))
    U <- as.vector(U)
    Z <- as.vector(Z)
    l1 <- rep(lambda * alpha * tau * u, K)
    T <- lambda * alpha * (1 - tau) * wt
    l2 <- lambda * (1 - alpha) * total / s_y
    h <- norm(U)
    soften <- function(q) sign(q) * pmax(abs(q) - l1, 0)
    e <- ifelse(U == 0, soften(Z), Z - l1 * sign(U) - (l2[blocks] + ifelse(h > 0, T / h, 0)[blocks]) * U)
    viol <- ifelse(h > 0, norm(e), pmax(norm(e) - T, 0))
    # dual point s (R - mean): feasible for blocks without ridge
    Rc <- if (intercept) R - rep(colSums(w * R), each = n) else R
    Zc <- as.vector(replace(crossprod(z, w * Rc) / sd, cbind(rep(which(out), K), rep(seq_len(K), each = sum(out))), 0))
    inside <- function(s) all(norm(soften(s * Zc))[l2 == 0] <= T[l2 == 0])
    s <- 1
    if (!inside(1)) {
      lo <- 0
      for (k in 1:60) if (inside((lo + s) / 2)) lo <- (lo + s) / 2 else s <- (lo + s) / 2
      s <- lo
    }
    Q <- y - s * Rc
    divergence <- if (a$family %in% c("gaussian", "mgaussian")) rowSums((Q - eta)^2) / 2 else if (a$family == "multinomial") {
      P <- vg_mean(eta, "multinomial")
      if (any(Q < 0) || any(P < 1e-290 & Q > 0)) NA else rowSums(ifelse(Q > 0, Q * log(pmax(Q, 1e-300) / P), 0))
    } else if (any(Q < 0) || a$family == "binomial" && any(Q > 1)) NA else vf_fy(drop(Q), drop(1 - Q), drop(eta), a$family)
    gap <- sum(w * divergence) + sum(T * h) + sum(l1 * abs(U)) + sum(l2 * h^2) / 2 - s * sum(Zc * U) +
      sum(ifelse(l2 > 0, pmax(norm(soften(s * Zc)) - T, 0)^2 / (2 * l2), 0))
    if (any(total == 0 & norm(moments$norm[rep(seq_len(p), K)] * !rep(out, K)) > 0)) gap <- NA # a group without penalty: judged by kkt
    data.frame(kkt = max(viol) / den, gap = gap / max(null, 1e-300), score = score, floor = floor, floor_gap = floor_gap, rises = 0)
  })
  do.call(rbind, rows)
}

# NULL, or what is wrong; "flagged: ..." when the fit itself says that it is not solved
fuzz_penalty_check <- function(i) {
  a <- fuzz_penalty(i)
  run <- fuzz_run("fuzz_penalty", i, a, 5)
  # an initial estimate without any coefficient cannot make factors
  if (a$penalty$name == "adaptive" && inherits(run$fit, "sparsepath_error_range")) return(NULL)
  if (!is.null(run$wrong)) return(run$wrong)
  f <- run$fit
  warned <- run$warned
  tell <- run$tell
  ok <- f$status == 0
  if (a$penalty$name == "adaptive") {
    b <- a[setdiff(names(a), c("nlambda", "lambda.min.ratio", "penalty", "exclude"))]
    b$penalty.factor <- f$penalty$factor
    d <- do.call(verify_fit, c(list(f), b))
    d$floor <- d$floor_kkt
    d$rises <- 0
  } else d <- fuzz_judge(f, a)
  over <- function(v, floor) max((v - 10 * floor)[ok & !is.na(v)], -Inf)
  if (over(d$gap, d$floor_gap) > 2 * GAP) return(tell("relative gap %.1e, certified", max(d$gap[ok], na.rm = TRUE)))
  if (over(d$kkt, d$floor) > if (a$penalty$name %in% c("mcp", "scad")) 1e-5 else 1e-3) return(tell("kkt %.1e, certified", max(d$kkt[ok])))
  if (over(d$rises, d$floor_gap) > 1e-9) return(tell("not the local minimum it says: %.1e lower nearby", max(d$rises[ok])))
  if (any(!ok)) return(paste0(if (is.null(warned)) "silent: " else "flagged: ", tell("%d of %d lambdas missed, kkt up to %.1e, own gap up to %.1e, gap %.1e", sum(!ok), length(ok), max(d$kkt), max(f$gap), max(d$gap))))
  if (!is.null(warned)) return(tell("warning: %s", warned))
  NULL
}
