# Random small problems for MCP and SCAD of norms, reproducible from their number alone: all families, identical columns and groups, groups
# larger than n, groups without penalty, constant columns, limits. bench/fuzz.R runs thousands of them.

fuzz_concave <- function(i) {
  with_seed(660000 + i, {
    n <- sample(c(3:6, 8, 12, 20, 40), 1)
    p <- sample(c(1:4, 7, 12, 30, 80), 1)
    x <- fuzz_matrix(n, p)
    kind <- attr(x, "kind")
    attr(x, "kind") <- NULL
    if (p > 3 && runif(1) < 0.2) { # the second half is the first again
      h <- p %/% 2
      x[, h + seq_len(h)] <- x[, seq_len(h)]
      kind <- paste(kind, "twice")
    }
    if (runif(1) < 0.15) x[, sample.int(p, 1)] <- 1
    family <- sample(c("gaussian", "gaussian", "binomial", "poisson", "mgaussian", "multinomial", "grouped"), 1)
    K <- if (family == "mgaussian") sample(2:4, 1) else 3
    level <- function() if (runif(1) < 0.5) drop(x %*% (rnorm(p) * (runif(p) < 0.3))) / max(1, abs(x)) + rnorm(n) * sample(c(1e-3, 1), 1) else rnorm(n)
    y <- switch(family,
      gaussian = level(), binomial = as.double(level() > 0),
      poisson = as.double(rpois(n, sample(c(0.3, 2, 50), 1) * exp(pmin(level(), 8) / 2))),
      mgaussian = matrix(rnorm(n * K), n) * rep(10^runif(K, -2, 2), each = n), sample(c(1:3, sample.int(3, n - 3, TRUE)))
    )
    if (family == "poisson" && all(y == 0)) y[1] <- 1
    if (family %in% c("gaussian", "binomial") && length(unique(y)) < 2) y[1] <- if (family == "binomial") 1 - y[1] else y[1] + 1
    a <- list(x = x, y = y, family = if (family == "grouped") "multinomial" else family, alpha = sample(c(1, 1, 1, 0.9, 0.5), 1))
    if (family == "grouped") a$type.multinomial <- "grouped"
    if (a$family == "multinomial") a$y <- factor(y)
    group <- switch(sample(5, 1), sample.int(max(1, p %/% 3), p, TRUE), rep(1, p), sample.int(p), rep_len(c("b", "a", "c"), p), (seq_len(p) - 1) %/% 5)
    w <- if (runif(1) < 0.3) runif(length(unique(group)), 0.2, 3)
    if (length(w) > 1 && runif(1) < 0.3 && family %in% c("gaussian", "mgaussian")) w[1] <- 0
    name <- sample(c("mcp", "scad"), 1)
    gamma <- if (name == "mcp") sample(c(1.001, 1.5, 3, 20), 1) else sample(c(2.001, 4, 20), 1)
    a$penalty <- (if (name == "mcp") pen_group_mcp else pen_group_scad)(group, gamma, w)
    if (runif(1) < 0.3) {
      a$weights <- sample(c(0, 0.5, 1, 1, 2, 7), n, TRUE)
      a$weights[if (is.factor(a$y) || is.matrix(y)) seq_len(n) else c(which.min(y), which.max(y))] <- 1
    }
    if (runif(1) < 0.2) a$offset <- if (is.matrix(y)) matrix(rnorm(n * K), n) else if (is.factor(a$y)) matrix(rnorm(n * 3), n) else rnorm(n)
    if (runif(1) < 0.4) {
      size <- sample(c(1e-3, 0.1, 1), 1)
      a$lower.limits <- -size * sample(c(0, 1, 2, Inf), p, TRUE)
      a$upper.limits <- size * sample(c(0, 1, 2, Inf), p, TRUE)
      a$lower.limits[is.nan(a$lower.limits)] <- 0
      a$upper.limits[is.nan(a$upper.limits)] <- 0
    }
    if (runif(1) < 0.2) a$intercept <- FALSE
    if (runif(1) < 0.2) a$standardize <- FALSE
    if (runif(1) < 0.2) a$x <- Matrix::Matrix(x, sparse = TRUE)
    a$nlambda <- sample(c(2, 8, 20), 1)
    a$lambda.min.ratio <- sample(c(0.3, 0.05, 0.001), 1)
    if (runif(1) < 0.2) { # not an automatic path, which ends where nothing is certified
      a$lambda <- exp(seq(0, log(a$lambda.min.ratio), length.out = a$nlambda))
      a$nlambda <- a$lambda.min.ratio <- NULL
    }
    attr(a, "kind") <- kind
    attr(a, "what") <- sprintf("group %s %g, %s%s", name, gamma, family, if (is.null(a$lower.limits)) "" else ", limits")
    a
  })
}

# NULL, or what is wrong; "flagged: ..." when the fit itself says that it is not solved
fuzz_concave_check <- function(i) {
  a <- fuzz_concave(i)
  run <- fuzz_run("fuzz_concave", i, a, 2)
  if (!is.null(run$wrong)) return(run$wrong)
  f <- run$fit
  warned <- run$warned
  tell <- run$tell
  pick <- function(n, default) if (is.null(a[[n]])) default else a[[n]]
  x <- as.matrix(a$x)
  n <- nrow(x)
  w <- pick("weights", rep(1, n))
  moments <- vf_moments(x, which(w > 0), w[w > 0] / sum(w), pick("intercept", TRUE))
  of <- as.integer(factor(a$penalty$group))
  v <- if (is.null(a$penalty$weights)) sqrt(tabulate(of)) else a$penalty$weights
  Y <- if (is.factor(a$y)) 1 * outer(as.character(a$y), levels(a$y), "==") else as.matrix(a$y)
  judged <- nc_group_path(f, x, Y, a$family, a$penalty$group, v, sub("group_", "", a$penalty$name), a$penalty$gamma, f$penalty$curvature, a$alpha,
    w = w, offset = pick("offset", 0), standardize = pick("standardize", TRUE), intercept = pick("intercept", TRUE),
    across = a$family != "multinomial" || !is.null(a$type.multinomial), lower = pick("lower.limits", -Inf), upper = pick("upper.limits", Inf),
    out = moments$constant)
  co <- vg_coefficients(f)
  sd <- if (pick("standardize", TRUE)) ifelse(moments$constant, 1, moments$sd) else rep(1, ncol(x))
  size <- Reduce(`+`, lapply(co$b, function(b) colSums(abs(b) * moments$norm))) + colSums(abs(co$a0)) + sqrt(mean(pick("offset", 0)^2)) + sqrt(mean(Y^2))
  worst <- max((moments$norm / sd)[!moments$constant], (abs(moments$mean) / sd)[!moments$constant], 1)
  floor <- 256 * .Machine$double.eps * worst * size / f$lambda
  ok <- f$status == 0
  over <- judged$kkt - floor
  if (any(ok) && !(max(over[ok]) <= 1e-5)) return(tell("kkt %.1e, certified", max(judged$kkt[ok])))
  if (any(!ok)) return(paste0(if (is.null(warned)) "silent: " else "flagged: ", tell("%d of %d lambdas missed, kkt up to %.1e, own %.1e, gap %.1e, dev %.6f", sum(!ok), length(ok), max(judged$kkt), max(f$kkt), max(f$gap), max(f$dev.ratio))))
  if (!is.null(warned)) return(tell("warning: %s", warned))
  NULL
}
