# The fused lasso of ordered columns, pen_fused().

expect_fused <- function(fit, x, y, family, ..., gap = GAP, kkt = KKT) {
  v <- verify_fused(x, y, family, fit$lambda, fit$a0, as.matrix(fit$beta), ...)
  expect_lt(max(v$gap), gap)
  expect_lt(max(v$kkt), kkt)
  expect_lt(max(v$score), 1e-8)
  expect_true(all(fit$status == 0))
}

# all coefficients of two fits of one problem

for (family in c("gaussian", "binomial", "poisson")) {
  test_that(paste("solutions are optimal for the problem in b:", family), {
    for (shape in list(c(40, 90), c(120, 30))) {
      d <- make_fused(shape[1], shape[2], 3, family, seed = shape[1])
      fit <- sparsepath(d$x, d$y, family = family, penalty = pen_fused(), nlambda = 30)
      expect_gt(max(fit$df), 10)
      expect_fused(fit, d$x, d$y, family)
      fit <- sparsepath(d$x, d$y, family = family, penalty = pen_fused(chain = d$chain), weights = d$w, offset = d$o, nlambda = 30)
      expect_fused(fit, d$x, d$y, family, chain = d$chain, weights = d$w, offset = d$o)
      position <- with_seed(1, sample(shape[2]))
      v <- d$w[seq_len(shape[2])]
      if (anyNA(v)) v <- seq(0.5, 2, length.out = shape[2])
      fit <- sparsepath(d$x, d$y, family = family, penalty = pen_fused(d$chain[position], position, v), nlambda = 20, intercept = FALSE)
      expect_fused(fit, d$x, d$y, family, chain = d$chain[position], position = position, v = v, intercept = FALSE)
    }
  })

  test_that(paste("kkt() agrees with the fit:", family), {
    d <- make_fused(50, 70, 2, family)
    fit <- sparsepath(d$x, d$y, family = family, penalty = pen_fused(chain = d$chain), nlambda = 25)
    k <- kkt(fit, d$x, d$y)
    v <- verify_fused(d$x, d$y, family, fit$lambda, fit$a0, as.matrix(fit$beta), chain = d$chain)
    expect_identical(as.integer(k$df), fit$df)
    expect_lt(max(k$rel.gap, k$kkt), 1e-9)
    if (family == "gaussian") expect_lt(max(abs(k$objective / v$primal - 1)), 1e-12)
    # one coefficient moved: found by all
    b <- coef(fit, s = fit$lambda[15])
    b[31, 1] <- b[31, 1] + 0.1
    off <- kkt(b, d$x, d$y, lambda = fit$lambda[15], family = family, penalty = pen_fused(chain = d$chain))
    worse <- verify_fused(d$x, d$y, family, fit$lambda[15], b[1, ], as.matrix(b)[-1, , drop = FALSE], chain = d$chain)
    expect_gt(off$rel.gap, 1e-4)
    expect_equal(off$kkt, worse$kkt, tolerance = 0.5)
    expect_equal(off$objective - k$objective[15], worse$primal - v$primal[15], tolerance = 1e-8)
  })
}

test_that("it is the explicit lasso on running sums", {
  d <- make_fused(40, 60)
  z <- d$x %*% lower.tri(diag(60), TRUE)
  for (alpha in c(1, 0.5, 0)) {
    fit <- sparsepath(d$x, d$y, penalty = pen_fused(), alpha = alpha, nlambda = 30)
    lasso <- sparsepath(z, d$y, standardize = FALSE, penalty.factor = c(0, rep(1, 59)), alpha = alpha, lambda = fit$lambda * 59 / 60)
    expect_lt(apart(fit$beta, apply(as.matrix(lasso$beta), 2L, cumsum)), 1e-9)
    expect_lt(max(abs(fit$a0 - lasso$a0)), 1e-9)
    expect_identical(fit$df, lasso$df)
    k <- kkt(fit, d$x, d$y)
    expect_lt(max(k$rel.gap), 1e-9)
  }
})

test_that("the identity as x is the fused lasso of a signal", {
  y <- with_seed(1, rep(c(0, 2, -1, 0.5), each = 15) + rnorm(60) / 2)
  lambda <- c(5, 2, 1, 0.3, 0.1)
  signal <- fused_lasso(y, lambda = lambda)
  fit <- sparsepath(diag(60), y, penalty = pen_fused(), intercept = FALSE, lambda = lambda / 60)
  expect_lt(max(abs(as.matrix(fit$beta) - signal$beta)), 1e-10)
  expect_identical(fit$df, signal$df)
  # with an intercept the level of the chain is the intercept
  fit <- sparsepath(diag(60), y, penalty = pen_fused(), lambda = lambda / 60)
  expect_lt(max(abs(as.matrix(fit$beta) + rep(fit$a0, each = 60) - signal$beta)), 1e-10)
})

test_that("paths equal those of genlasso", {
  skip_if_not_installed("genlasso")
  d <- make_fused(60, 25)
  peer <- getExportedValue("genlasso", "fusedlasso1d")(d$y - mean(d$y), X = scale(d$x, scale = FALSE))
  lambda <- exp(seq(log(max(peer$lambda)) - 0.01, log(max(peer$lambda)) - 6, length.out = 20))
  theirs <- stats::coef(peer, lambda = lambda)$beta
  fit <- sparsepath(d$x, d$y, penalty = pen_fused(), lambda = lambda / 60)
  expect_lt(apart(fit$beta, theirs), 1e-7)
  expect_equal(fit$df, as.integer(stats::coef(peer, lambda = lambda)$df))
})

test_that("without a penalty it is glm()", {
  d <- make_fused(120, 12, 2, "binomial")
  fit <- sparsepath(d$x, d$y, family = "binomial", penalty = pen_fused(chain = d$chain), lambda = c(0.1, 0.01, 0))
  expect_lt(max(abs(coef(fit)[, 3] - coef(glm(d$y ~ d$x, family = binomial(), epsilon = 1e-14)))), 1e-7)
  k <- kkt(fit, d$x, d$y)
  expect_lt(max(k$rel.gap), 1e-9)
  # one step of weight 0, all others forbidden: two means of columns
  v <- replace(rep(Inf, 12), c(3, 8), c(1, 0))
  fit <- sparsepath(d$x, d$y, family = "binomial", penalty = pen_fused(weights = v), lambda = c(1e4, 1e3))
  pair <- cbind(rowSums(d$x[, 1:7]), rowSums(d$x[, 8:12]))
  expect_lt(max(abs(fit$beta[c(1, 8), 2] - coef(glm(d$y ~ pair, family = binomial(), epsilon = 1e-14))[-1])), 1e-8)
  expect_identical(fit$df, c(2L, 2L))
})

test_that("sparse, dense, screening, threads, weights and the order of columns make no difference", {
  d <- make_fused(50, 150, 3)
  x <- d$x
  x[abs(x) < 1] <- 0
  expect_equivalent_fused(d, x)
})

for (family in c("gaussian", "binomial")) {
  test_that(paste("cross-validation equals the hand loop:", family), {
    d <- make_fused(60, 80, 2, family)
    pen <- pen_fused(chain = d$chain)
    cv <- cv.sparsepath(d$x, d$y, family = family, penalty = pen, foldid = d$fold, keep = TRUE, nlambda = 25, weights = d$w, lambda.min.ratio = 0.05)
    eta <- 0 * cv$fit.preval
    for (k in 1:5) {
      i <- d$fold != k
      one <- sparsepath(d$x[i, ], d$y[i], family = family, penalty = pen, weights = d$w[i], lambda = cv$lambda)
      eta[!i, ] <- as.matrix(d$x[!i, ] %*% one$beta) + rep(one$a0, each = sum(!i))
    }
    expect_lt(max(abs(cv$fit.preval - eta)) / max(1, abs(eta)), 1e-10)
    loss <- if (family == "gaussian") (d$y - eta)^2 else -2 * (d$y * plogis(eta, log.p = TRUE) + (1 - d$y) * plogis(-eta, log.p = TRUE))
    folds <- vapply(1:5, function(k) colSums(d$w[d$fold == k] * loss[d$fold == k, ]), cv$lambda)
    expect_equal(cv$cvm, unname(rowSums(folds)) / sum(d$w), tolerance = 1e-8)
    expect_true(all(cv$fold.status == 0))
    expect_identical(dim(coef(cv)), c(81L, 1L))
    expect_s3_class(stretches(cv), "data.frame")
  })
}

test_that("cox: running sums, certificate, cross-validation", {
  d <- make_cox(80, 40, kind = "ar", rho = 0.5)
  z <- d$x %*% lower.tri(diag(40), TRUE)
  fit <- sparsepath(d$x, d$y, family = "cox", penalty = pen_fused(), nlambda = 20)
  lasso <- sparsepath(z, d$y, family = "cox", standardize = FALSE, penalty.factor = c(0, rep(1, 39)), lambda = fit$lambda * 39 / 40)
  expect_lt(apart(fit$beta, apply(as.matrix(lasso$beta), 2L, cumsum)), 1e-8)
  k <- kkt(fit, d$x, d$y)
  expect_lt(max(k$rel.gap), 1e-9)
  fold <- rep_len(1:4, 80)
  cv <- cv.sparsepath(d$x, d$y, family = "cox", penalty = pen_fused(), foldid = fold, lambda = fit$lambda, keep = TRUE)
  one <- sparsepath(d$x[fold != 2, ], d$y[fold != 2, ], family = "cox", penalty = pen_fused(), lambda = fit$lambda)
  expect_lt(max(abs(cv$fit.preval[fold == 2, ] - as.matrix(d$x[fold == 2, ] %*% one$beta))), 1e-8)
})

test_that("several predictors and family objects: running sums", {
  d <- make_fused(90, 30, 2, seed = 4)
  ends <- unlist(lapply(split(1:30, d$chain), function(at) rep(max(at), length(at))))
  unit <- outer(1:30, 1:30, function(i, k) i >= k & i <= ends[k])
  z <- d$x %*% unit
  first <- !duplicated(d$chain)
  pen <- pen_fused(chain = d$chain)
  sums <- function(b) as.matrix(unit %*% b)
  class <- factor(cut(rank(d$y), 3, labels = c("a", "b", "c")))
  for (type in c("ungrouped", "grouped")) {
    fit <- sparsepath(d$x, class, family = "multinomial", type.multinomial = type, penalty = pen, nlambda = 15, lambda.min.ratio = 0.05)
    lasso <- sparsepath(z, class, family = "multinomial", type.multinomial = type, standardize = FALSE, penalty.factor = 1 - first, lambda = fit$lambda * 28 / 30)
    for (k in 1:3) expect_lt(apart(fit$beta[[k]], sums(lasso$beta[[k]])), 1e-6)
    expect_identical(fit$df, lasso$df)
    expect_identical(fit$dfmat, lasso$dfmat)
    cert <- kkt(fit, d$x, class)
    expect_lt(max(cert$rel.gap), 1e-7)
    expect_identical(dim(predict(fit, d$x, type = "response")), c(90L, 3L, 15L))
  }
  y <- cbind(d$y, d$o - d$x[, 3])
  fit <- sparsepath(d$x, y, family = "mgaussian", penalty = pen, nlambda = 15)
  lasso <- sparsepath(z, y, family = "mgaussian", standardize = FALSE, penalty.factor = 1 - first, lambda = fit$lambda * 28 / 30)
  for (k in 1:2) expect_lt(apart(fit$beta[[k]], sums(lasso$beta[[k]])), 1e-6)
  expect_lt(max(kkt(fit, d$x, y)$rel.gap), 1e-7)

  y <- exp(d$y / 2)
  fit <- sparsepath(d$x, y, family = Gamma("log"), penalty = pen, nlambda = 15)
  lasso <- sparsepath(z, y, family = Gamma("log"), standardize = FALSE, penalty.factor = 1 - first, lambda = fit$lambda * 28 / 30)
  expect_lt(apart(fit$beta, sums(lasso$beta)), 1e-6)
  expect_lt(max(kkt(fit, d$x, y)$kkt), 1e-6)
})

test_that("methods: coef, predict, exact, stretches, criteria, plot, print", {
  d <- make_fused(60, 40, 2)
  colnames(d$x) <- paste0("probe", 1:40)
  fit <- sparsepath(d$x, d$y, penalty = pen_fused(chain = d$chain))
  s <- fit$lambda[20]
  at <- (fit$lambda[20] + fit$lambda[21]) / 2
  expect_lt(max(abs(predict(fit, d$x, s = s) - d$x %*% coef(fit, s = s)[-1, ] - coef(fit, s = s)[1, ])), 1e-12)
  exact <- coef(fit, s = at, exact = TRUE, x = d$x, y = d$y)
  expect_fused(list(lambda = at, a0 = exact[1, ], beta = exact[-1, , drop = FALSE], status = 0), d$x, d$y, "gaussian", chain = d$chain)
  parts <- stretches(fit, s = s)
  expect_identical(sum(parts$size), 40L)
  expect_identical(nrow(parts), fit$df[20])
  expect_equal(rep(parts$coefficient, parts$size), unname(fit$beta[, 20]))
  expect_identical(parts$from[1], "probe1")
  expect_identical(parts$to[nrow(parts)], "probe40")
  expect_equal(as.vector(effective_df(fit)), fit$df)
  expect_equal(attr(logLik(fit), "df"), fit$df + 2)
  expect_silent(coef(fit, s = 10 * fit$lambda[1])) # there only the levels of the chains are left
  expect_output(print(summary(fit)), "fused lasso, 2 chains of columns")
  expect_output(print(pen_fused()), "fused lasso of columns")
  grDevices::pdf(NULL)
  on.exit(grDevices::dev.off())
  expect_null(plot(fit))
  expect_identical(update(fit, alpha = 0)$alpha, 0)
  frame <- data.frame(y = d$y, d$x)
  form <- sparsepath(y ~ ., frame, penalty = pen_fused(chain = d$chain))
  expect_equal(form$beta, fit$beta, tolerance = 1e-12)
})

test_that("degrees of freedom are those of the lasso in steps", {
  d <- make_fused(90, 30)
  z <- d$x %*% lower.tri(diag(30), TRUE)
  class <- factor(cut(rank(d$y), 3, labels = c("a", "b", "c")))
  both <- cbind(d$y, d$o - d$x[, 3])
  responses <- list(gaussian = d$y, binomial = as.double(d$y > 0), multinomial = class, mgaussian = both)
  for (family in names(responses)) {
    for (alpha in c(1, 0.5)) {
      fit <- sparsepath(d$x, responses[[family]], family = family, penalty = pen_fused(), alpha = alpha, nlambda = 8, lambda.min.ratio = 0.05)
      lasso <- sparsepath(z, responses[[family]], family = family, standardize = FALSE, penalty.factor = c(0, rep(1, 29)), alpha = alpha,
        lambda = fit$lambda * 29 / 30)
      expect_equal(as.vector(effective_df(fit, d$x)), as.vector(effective_df(lasso, z)), tolerance = 1e-6)
    }
  }
})

test_that("what cannot be combined says so", {
  d <- make_fused(30, 20)
  pen <- pen_fused()
  for (a in list(list(standardize = TRUE), list(exclude = 2), list(penalty.factor = rep(1, 20)), list(lower.limits = -1), list(upper.limits = 1))) {
    expect_refused(do.call(sparsepath, c(list(d$x, d$y, penalty = pen), a)), "unavailable")
  }
  for (a in list(list(chain = 1:3), list(position = 1:3), list(weights = 1:3))) {
    expect_refused(sparsepath(d$x, d$y, penalty = do.call(pen_fused, a)), "length")
  }
  expect_refused(pen_fused(chain = c(1, NA)), "nonfinite")
  expect_refused(pen_fused(position = c(1, Inf)), "nonfinite")
  expect_refused(pen_fused(weights = c(1, -1)), "range")
  expect_refused(pen_fused(chain = list(1)), "type")
  expect_refused(sparsepath(d$x, d$y, penalty = pen_fused(chain = 1:20)), "range")
  expect_refused(sparsepath(d$x, d$y, penalty = pen_fused), "type")
  expect_refused(stretches(sparsepath(d$x, d$y), 0.1), "type")
  expect_refused(coef(sparsepath(d$x, d$y, penalty = pen), t = 1), "unavailable")
  # the position of a bad entry is that in x
  x <- d$x
  x[4, 7] <- NA
  err <- expect_refused(sparsepath(x, d$y, penalty = pen), "nonfinite")
  expect_identical(unname(err$position), c(4, 7))
  err <- expect_refused(sparsepath(x, d$y, penalty = pen_fused(position = 20:1)), "nonfinite")
  expect_identical(unname(err$position), c(4, 7))
  expect_error(sparsepath(d$x, d$y, penalty = pen, standardize = TRUE), "scale\\(x\\)")
})

test_that("degenerate columns", {
  d <- make_fused(30, 12)
  x <- d$x
  x[, 3] <- 0 # one coefficient that nothing determines but its neighbours
  x[, 5] <- 7
  fit <- sparsepath(x, d$y, penalty = pen_fused(), nlambda = 20)
  expect_fused(fit, x, d$y, "gaussian")
  # indicators of a factor: their sum is the intercept
  f <- factor(rep_len(1:6, 30))
  x <- stats::model.matrix(~ f - 1)
  fit <- sparsepath(x, d$y, penalty = pen_fused(), nlambda = 20)
  expect_true(all(fit$beta[1, ] == 0))
  expect_lt(max(kkt(fit, x, d$y)$rel.gap), 1e-9)
  expect_true(all(fit$status == 0))
})

test_that("spectra: columns that are nearly copies of their neighbours", {
  for (seed in 1:3) {
    d <- with_seed(seed, {
      t <- seq_len(200) / 200
      curves <- sapply(1:20, function(j) exp(-((t - runif(1)) / 0.1)^2))
      x <- 10 + 2 * (matrix(rnorm(60 * 20), 60) %*% t(curves) + 0.001 * matrix(rnorm(60 * 200), 60))
      list(x = x, y = drop(x %*% rep(c(0, 0.05, 0), c(60, 40, 100))) + rnorm(60) * 0.1)
    })
    fit <- sparsepath(d$x, d$y, penalty = pen_fused())
    expect_fused(fit, d$x, d$y, "gaussian")
    z <- as.double(d$y > median(d$y))
    fit <- sparsepath(d$x, z, family = "binomial", penalty = pen_fused(), lambda.min.ratio = 0.05)
    expect_fused(fit, d$x, z, "binomial")
  }
})

test_that("levels that separate the classes are an error of their own", {
  x <- matrix(c(-1, -2, 1, 2, -1, -1, 1, 3), 4)
  expect_error(sparsepath(x, c(0, 0, 1, 1), family = "binomial", penalty = pen_fused()), "levels of the chains", class = "sparsepath_error_separation")
})

test_that("random small problems are solved, or said not to be", {
  n <- if (identical(Sys.getenv("NOT_CRAN"), "true")) 300 else 30
  judge <- function(i) {
    a <- fuzz_case(i)
    a <- a[intersect(names(a), c("x", "y", "family", "alpha", "weights", "offset", "intercept", "nlambda", "lambda.min.ratio"))]
    p <- ncol(a$x)
    if (p < 3) return("solved")
    a$penalty <- with_seed(i, {
      v <- if (runif(1) < 0.3) sample(c(0.3, 1, 1, 2, Inf, 0), p, TRUE)
      if (a$family != "gaussian" && !is.null(v)) v <- pmax(v, 0.3)
      pen_fused(if (runif(1) < 0.5) sample(sample(1:5, 1), p, TRUE), if (runif(1) < 0.3) sample(p), v)
    })
    fit <- tryCatch(suppressWarnings(do.call(sparsepath, a)), sparsepath_error_range = identity, sparsepath_error_separation = identity)
    if (inherits(fit, "error")) return("refused") # no step to penalize; classes that levels separate
    k <- do.call(kkt, c(list(fit, a$x, a$y), a[intersect(names(a), c("weights", "offset"))]))
    good <- fit$status == 0
    if (!all(k$rel.gap[good] <= 2 * GAP)) return(sprintf("case %d: gap %.1e, certified", i, max(k$rel.gap[good])))
    if (all(good)) "solved" else "flagged"
  }
  said <- vapply(seq_len(n), judge, "")
  expect_identical(setdiff(said, c("solved", "refused", "flagged")), character())
  expect_lte(sum(said == "flagged"), max(1, 0.02 * n))
  expect_gt(mean(said == "solved"), 0.7)
})

test_that("paths equal those of penalized", {
  skip_if_not_installed("penalized")
  fit_by <- getExportedValue("penalized", "penalized")
  compared <- 0L
  for (family in c("gaussian", "binomial")) {
    d <- make_fused(100, 40, family = family)
    fit <- sparsepath(d$x, d$y, family = family, penalty = pen_fused(), lambda = c(0.1, 0.05))
    for (l in 1:2) {
      peer <- fit_by(d$y, penalized = d$x, lambda1 = 0, lambda2 = 100 * fit$lambda[l], fusedl = TRUE, standardize = FALSE, trace = FALSE,
        epsilon = 1e-10, maxiter = 5000, model = if (family == "gaussian") "linear" else "logistic")
      theirs <- getExportedValue("penalized", "coefficients")(peer, "all")
      gap <- kkt(theirs, d$x, d$y, lambda = fit$lambda[l], family = family, penalty = pen_fused())$rel.gap
      expect_gte(gap, 0)
      if (gap > 1e-7) next # it has not converged
      compared <- compared + 1L
      expect_lt(max(abs(theirs[-1] - fit$beta[, l])), 1e-3)
    }
  }
  expect_gt(compared, 0L)
})
