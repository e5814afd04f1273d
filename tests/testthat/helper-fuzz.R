# Random small problems of every kind, reproducible from their number alone: fuzz_case(i) is a list of arguments for
# sparsepath(). bench/fuzz.R runs thousands of them.

fuzz_matrix <- function(n, p) {
  kind <- sample(c("normal", "genotype", "sign", "resampled", "flipped", "near", "constant", "ar"), 1)
  x <- switch(kind,
    normal = matrix(rnorm(n * p), n),
    genotype = matrix(as.double(rbinom(n * p, 2, 0.3)), n),
    sign = matrix(as.double(sample(-1:1, n * p, TRUE)), n),
    resampled = matrix(rnorm(n * p), n)[, sample.int(p, p, TRUE), drop = FALSE],
    flipped = matrix(rnorm(n * p), n)[, sample.int(p, p, TRUE), drop = FALSE] * rep(sample(c(-1, 1), p, TRUE), each = n),
    near = matrix(rnorm(n * p), n)[, sample.int(p, p, TRUE), drop = FALSE] + 10^-sample(2:9, 1) * rnorm(n * p),
    constant = {
      z <- matrix(rnorm(n * p), n)
      z[, runif(p) < 0.3] <- sample(c(0, 1, -2.5), 1)
      z
    },
    ar = {
      z <- matrix(rnorm(n * p), n)
      for (j in seq_len(p)[-1]) z[, j] <- 0.95 * z[, j - 1] + 0.3 * z[, j]
      z
    }
  )
  if (runif(1) < 0.2) x <- x * rep(10^sample(-4:4, p, TRUE), each = n)
  if (runif(1) < 0.1) x <- x + sample(c(1, 100, 1e5), 1)
  structure(x, kind = kind)
}

fuzz_case <- function(i) {
  with_seed(900000 + i, {
    n <- sample(c(2:6, 8, 12, 20, 40), 1)
    p <- sample(c(1:4, 7, 12, 30, 80), 1)
    x <- fuzz_matrix(n, p)
    kind <- attr(x, "kind")
    attr(x, "kind") <- NULL
    family <- sample(c("gaussian", "binomial", "poisson"), 1)
    if (family == "gaussian") {
      y <- if (runif(1) < 0.5) rnorm(n) else as.double(sample(0:3, n, TRUE))
      if (runif(1) < 0.2) y <- drop(x %*% (rnorm(p) * (runif(p) < 0.3))) + rnorm(n) * sample(c(0, 1), 1)
      if (length(unique(y)) < 2) y[1] <- y[1] + 1
    } else if (family == "poisson") {
      y <- as.double(rpois(n, sample(c(0.3, 2, 50, 1e4), 1) * exp(rnorm(n))))
      if (runif(1) < 0.2) y <- y / 7
      if (all(y == 0)) y[1] <- 1
    } else {
      y <- as.double(runif(n) < sample(c(0.5, 0.2), 1))
      if (length(unique(y)) < 2) y[1] <- 1 - y[1]
    }
    a <- list(x = x, y = y, family = family, alpha = sample(c(1, 1, 1, 0.999, 0.9, 0.5, 0.05, 0), 1))
    if (runif(1) < 0.3) {
      a$weights <- sample(c(0, 0.5, 1, 1, 2, 7), n, TRUE)
      a$weights[c(which.min(y), which.max(y))] <- 1
      if (runif(1) < 0.2) a$weights <- a$weights * 10^runif(n, -3, 3)
    }
    if (runif(1) < 0.2) a$offset <- rnorm(n) * sample(c(0.5, 5), 1)
    if (p > 1 && runif(1) < 0.3) {
      a$penalty.factor <- sample(c(0, 0.3, 1, 1, 2, Inf), p, TRUE)
      if (!any(a$penalty.factor > 0 & is.finite(a$penalty.factor))) a$penalty.factor[1] <- 1
      if (family != "gaussian") a$penalty.factor <- pmax(a$penalty.factor, 0.1) # unpenalized columns may separate
    }
    if (p > 2 && is.null(a$penalty.factor) && runif(1) < 0.15) a$exclude <- sort(sample.int(p, sample.int(p - 1, 1)))
    if (runif(1) < 0.25) {
      a$lower.limits <- sample(c(-Inf, -0.5, -0.05, 0), 1)
      a$upper.limits <- sample(c(Inf, 0.5, 0.05, 0), 1)
    }
    if (runif(1) < 0.2) a$intercept <- FALSE
    if (runif(1) < 0.2) a$standardize <- FALSE
    if (runif(1) < 0.2) a$x <- Matrix::Matrix(x, sparse = TRUE) else if (runif(1) < 0.1 && all(x == round(x))) storage.mode(a$x) <- "integer"
    v <- a[setdiff(names(a), c("x", "y", "family", "penalty.factor", "exclude", "lower.limits", "upper.limits"))]
    top <- suppressWarnings(do.call(lambda_max_reference, c(list(a$x, y, family), v)))
    if (!is.finite(top) || top <= 1e-12 * max(abs(x), 1) * max(abs(y))) top <- 1 # x and y orthogonal
    a$lambda <- top * sample(c(0.05, 0.01, 0.001), 1)^(seq(0, 1, length.out = sample(c(1, 3, 20), 1)))
    if (length(a$lambda) == 1) a$lambda <- top * sample(c(0.5, 0.1, 0.01), 1)
    attr(a, "kind") <- kind
    a
  })
}

# The same with many columns, where screening, working sets and batches of lambdas have something to decide
fuzz_wide <- function(i) {
  with_seed(950000 + i, {
    n <- sample(c(20, 40, 70, 120), 1)
    p <- sample(c(300, 800, 2500), 1)
    z <- function(m = p) matrix(rnorm(n * m), n)
    kind <- sample(c("iid", "ar", "equi", "factor", "blocks", "genotype", "near", "heavy", "sparse", "suppressor"), 1)
    rho <- sample(c(0.5, 0.9, 0.99, 0.999), 1)
    x <- switch(kind,
      iid = z(),
      ar = {
        a <- z()
        for (j in 2:p) a[, j] <- rho * a[, j - 1] + sqrt(1 - rho^2) * a[, j]
        a
      },
      equi = sqrt(1 - rho) * z() + sqrt(rho) * rnorm(n),
      factor = z(5) %*% matrix(rnorm(5 * p), 5) + 0.3 * z(),
      blocks = z(p %/% 10)[, rep(seq_len(p %/% 10), each = 10)] + sample(c(0.5, 0.05), 1) * z(10 * (p %/% 10)),
      genotype = matrix(as.double(rbinom(n * p, 2, rep(runif(p, 0.02, 0.5), each = n))), n)[, sample.int(p, p, TRUE)],
      near = {
        a <- z(p %/% 2)
        cbind(a, a + 10^-sample(2:8, 1) * z(p %/% 2))
      },
      heavy = exp(z()),
      sparse = z() * (matrix(runif(n * p), n) < 0.05),
      suppressor = make_suppressors(n, p, sample(c(3, 15), 1), min(rho, 0.99), seed = i)$x
    )
    family <- sample(c("gaussian", "binomial", "poisson"), 1)
    k <- sample(c(0, 3, 15), 1)
    eta <- if (k) drop(x[, sample.int(ncol(x), k)] %*% rnorm(k)) else numeric(n)
    if (kind == "suppressor") eta <- make_suppressors(n, p, 5, 0.9, seed = i)$y + eta
    y <- eta + rnorm(n) * sample(c(0.01, 0.5, 2), 1) * max(sd(eta), 0.1)
    if (family == "poisson") y <- as.double(rpois(n, exp(2 * (y - mean(y)) / sd(y) + sample(c(-1, 1, 6), 1)))) + (seq_len(n) == 1)
    if (family == "binomial") {
      y <- as.double(y > quantile(y, sample(c(0.5, 0.2, 0.9), 1)))
      if (length(unique(y)) < 2) y[1] <- 1 - y[1]
    }
    a <- list(x = x, y = y, family = family, alpha = sample(c(1, 1, 1, 0.99, 0.8, 0.5, 0.05, 0), 1))
    if (kind == "sparse") a$x <- Matrix::Matrix(x, sparse = TRUE)
    if (runif(1) < 0.2) a$weights <- runif(n, 0.1, 3) * sample(0:1, n, TRUE, c(0.1, 0.9))
    if (!is.null(a$weights)) a$weights[c(which.min(y), which.max(y))] <- 1
    if (runif(1) < 0.15) a$offset <- rnorm(n)
    if (runif(1) < 0.2) a$penalty.factor <- sample(c(0.3, 1, 1, 2), ncol(x), TRUE)
    if (runif(1) < 0.15) a$lower.limits <- sample(c(-0.05, 0), 1)
    if (runif(1) < 0.1) a$upper.limits <- 0.1
    if (runif(1) < 0.15) a$intercept <- FALSE
    if (runif(1) < 0.15) a$standardize <- FALSE
    a$nlambda <- sample(c(4, 25, 100), 1)
    if (runif(1) < 0.2) a$lambda.min.ratio <- 1e-4
    attr(a, "kind") <- kind
    a
  })
}

# Is case `i` solved? Returns NULL, or what is wrong. Text that starts with "flagged" means: not solved, but the fit says so
# (status and warning); everything else would mislead a user.
# Scales and weights are wild here: the gap is the promise, and the dual point of the verifier is not the best one.
fuzz_check <- function(i, case = fuzz_case, gap = 2 * GAP, kkt = 1e-3) {
  a <- case(i)
  from <- if (identical(case, fuzz_case)) "fuzz_case" else "fuzz_wide"
  warned <- NULL
  f <- tryCatch(
    withCallingHandlers(do.call(sparsepath, a), warning = function(w) {
      warned <<- conditionMessage(w)
      invokeRestart("muffleWarning")
    }),
    error = function(e) e
  )
  tell <- function(...) {
    flag <- if (!inherits(f, "error") && any(f$status != 0) && !is.null(warned)) "flagged: " else ""
    sprintf(
      "%s%s(%d) [%s, %s, %d x %d, alpha %g]: %s", flag, from, i, a$family, attr(a, "kind"), nrow(a$x), ncol(a$x), a$alpha, sprintf(...)
    )
  }
  if (inherits(f, "error")) return(tell("error: %s", conditionMessage(f)))
  if (!all(is.finite(f$a0)) || !all(is.finite(f$beta@x))) return(tell("coefficients are not finite"))
  v <- tryCatch(do.call(verify_fit, c(list(f), a[setdiff(names(a), c("nlambda", "lambda.min.ratio", "lambda"))])), error = function(e) e)
  if (inherits(v, "error")) return(tell("not judged: %s", conditionMessage(v)))
  if (any(v$infeasible > 0)) return(sub("^flagged: ", "", tell("outside its limits")))
  ok <- f$status == 0 # what the fit vouches for must be right, whatever happened at other lambdas
  wrong <- function(...) sub("^flagged: ", "", tell(...))
  over <- function(d, floor) max(d[ok] - 10 * floor[ok], -Inf)
  if (any(!is.finite(v$gap[ok])) || over(v$gap, v$floor_gap) > gap) return(wrong("relative gap %.1e, certified", max(v$gap[ok])))
  if (over(v$kkt, v$floor_kkt) > kkt) return(wrong("KKT excess %.1e, certified", over(v$kkt, v$floor_kkt)))
  if (over(v$score, v$floor_score) > 1e-7) return(wrong("intercept score %.1e, certified", over(v$score, v$floor_score)))
  if (any(!ok)) return(tell("%d of %d lambdas missed, relative gap up to %.1e", sum(!ok), length(ok), max(v$gap)))
  if (!is.null(warned)) return(tell("warning: %s", warned))
  NULL
}

# The fit of a random problem, what it warned, and a sentence about it; `wrong`: NULL, or what went wrong before there was a fit to judge
fuzz_run <- function(label, i, a, seconds, args = a) {
  warned <- NULL
  took <- system.time(f <- tryCatch(
    withCallingHandlers(do.call(sparsepath, args), warning = function(w) {
      warned <<- conditionMessage(w)
      invokeRestart("muffleWarning")
    }),
    error = function(e) e
  ))
  took <- sum(took[1:2])
  tell <- function(...) sprintf("%s(%d) [%s, %s, %d x %d, alpha %g]: %s", label, i, attr(a, "what"), attr(a, "kind"), nrow(a$x), ncol(a$x), a$alpha, sprintf(...))
  wrong <- if (took > seconds) tell("took %.0f s", took)
  else if (inherits(f, "error")) tell("error: %s", conditionMessage(f))
  else if (!all(is.finite(unlist(vg_coefficients(f))))) tell("coefficients are not finite")
  list(fit = f, warned = warned, tell = tell, wrong = wrong)
}

# Data of a random problem as its judges take them: plain matrices, weights that sum to 1, moments of the columns
fuzz_data <- function(a) {
  pick <- function(n, default) if (is.null(a[[n]])) default else a[[n]]
  x <- as.matrix(a$x)
  dimnames(x) <- NULL
  y <- if (is.factor(a$y)) 1 * outer(as.character(a$y), levels(a$y), "==") else as.matrix(a$y)
  n <- nrow(x)
  w <- pick("weights", rep(1, n))
  w <- w / sum(w)
  intercept <- pick("intercept", TRUE)
  moments <- vf_moments(x, seq_len(n)[w > 0], w[w > 0], intercept)
  out <- moments$constant
  out[a$exclude] <- TRUE
  list(x = x, y = y, n = n, p = ncol(x), K = ncol(y), w = w, o = if (is.null(a$offset)) matrix(0, n, ncol(y)) else as.matrix(a$offset),
    intercept = intercept, moments = moments, out = out, z = if (intercept) sweep(x, 2, moments$mean) else x,
    sd = if (pick("standardize", TRUE)) ifelse(out, 1, moments$sd) else rep(1, ncol(x)), pick = pick)
}
