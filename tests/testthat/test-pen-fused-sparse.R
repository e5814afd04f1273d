# The sparse fused lasso of ordered columns, pen_fused(asparse = ), coefficients of one sign, and relaxed fits of stretches.

expect_sparse_fused <- function(fit, x, y, family, ..., gap = GAP) {
  v <- verify_sparse_fused(x, y, family, fit$lambda, fit$a0, as.matrix(fit$beta), ...)
  expect_lt(max(v$gap), gap)
  expect_lt(max(v$excess), 1e-8)
  expect_lt(max(abs(v$slack)), 1e-7)
  expect_lt(max(v$score), 1e-8)
  expect_true(all(fit$status == 0))
}


# f_I and the columns of all intervals of one chain, by the definition
all_intervals <- function(x, tau, v = rep(1, ncol(x)), f = rep(1, ncol(x))) {
  p <- ncol(x)
  at <- which(upper.tri(diag(p), TRUE), arr.ind = TRUE)
  unit <- apply(at, 1L, function(a) as.double(seq_len(p) >= a[1] & seq_len(p) <= a[2]))
  cost <- apply(unit, 2L, function(b) (1 - tau) * sum(v[-1] * abs(diff(b))) + tau * sum(f * b))
  list(unit = unit, x = x %*% unit, cost = cost)
}

test_that("the verifier's flows are those of a linear programme", {
  # c is in the dual ball if and only if no interval has a sum beyond its penalty: Omega is the norm of intervals
  for (case in 1:60) {
    d <- with_seed(case, list(c = rnorm(6), v = runif(6), f = runif(6), tau = runif(1), lambda = runif(1, 0.3, 3)))
    all <- all_intervals(diag(6), d$tau, d$v, d$f)
    inside <- all(abs(crossprod(all$unit, d$c)) <= d$lambda * all$cost)
    flows <- flow_exists(d$c, c(d$lambda * (1 - d$tau) * d$v[-1], 0), -d$lambda * d$tau * d$f, d$lambda * d$tau * d$f)
    expect_identical(flows, inside)
  }
})

for (family in c("gaussian", "binomial", "poisson")) {
  test_that(paste("solutions are optimal for the problem in b:", family), {
    for (shape in list(c(40, 90), c(120, 30))) {
      d <- make_fused(shape[1], shape[2], 3, family, seed = shape[1])
      for (tau in c(0.02, 0.5)) {
        fit <- sparsepath(d$x, d$y, family = family, penalty = pen_fused(asparse = tau), nlambda = 12)
        expect_gt(max(fit$df), 10)
        if (tau == 0.5) expect_true(any(fit$beta[, 3] == 0) && any(fit$beta[, 3] != 0))
        expect_sparse_fused(fit, d$x, d$y, family, tau = tau)
      }
      fit <- sparsepath(d$x, d$y, family = family, penalty = pen_fused(chain = d$chain, asparse = 0.2), weights = d$w, offset = d$o, nlambda = 12)
      expect_sparse_fused(fit, d$x, d$y, family, tau = 0.2, chain = d$chain, weights = d$w, offset = d$o)
      more <- with_seed(1, list(position = sample(shape[2]), v = runif(shape[2], 0.3, 2), f = sample(c(0.5, 1, 2), shape[2], TRUE)))
      fit <- sparsepath(d$x, d$y, family = family, penalty = pen_fused(d$chain[more$position], more$position, more$v, asparse = 0.4),
        penalty.factor = more$f, nlambda = 10, intercept = FALSE)
      expect_sparse_fused(fit, d$x, d$y, family, tau = 0.4, chain = d$chain[more$position], position = more$position, v = more$v,
        factor = more$f, intercept = FALSE)
    }
  })

  test_that(paste("signs of coefficients:", family), {
    d <- make_fused(60, 50, 2, family)
    lower <- with_seed(2, sample(c(0, -Inf, -Inf), 50, TRUE))
    upper <- ifelse(lower == 0, Inf, with_seed(3, sample(c(0, Inf), 50, TRUE)))
    for (tau in c(0, 0.2)) {
      fit <- sparsepath(d$x, d$y, family = family, penalty = pen_fused(chain = d$chain, asparse = tau), lower.limits = lower,
        upper.limits = upper, nlambda = 10)
      expect_sparse_fused(fit, d$x, d$y, family, tau = tau, chain = d$chain, lower = lower, upper = upper)
      k <- kkt(fit, d$x, d$y)
      expect_lt(max(k$rel.gap, k$kkt), 1e-9)
      fit <- sparsepath(d$x, d$y, family = family, penalty = pen_fused(asparse = tau), lower.limits = 0, nlambda = 10)
      expect_gte(min(fit$beta), 0)
      expect_sparse_fused(fit, d$x, d$y, family, tau = tau, lower = rep(0, 50))
    }
  })

  test_that(paste("kkt() agrees with the fit:", family), {
    d <- make_fused(50, 70, 2, family)
    pen <- pen_fused(chain = d$chain, asparse = 0.2)
    fit <- sparsepath(d$x, d$y, family = family, penalty = pen, nlambda = 25)
    k <- kkt(fit, d$x, d$y)
    v <- verify_sparse_fused(d$x, d$y, family, fit$lambda, fit$a0, as.matrix(fit$beta), 0.2, chain = d$chain)
    expect_identical(k$df, fit$df)
    expect_lt(max(k$rel.gap, k$kkt), 1e-9)
    expect_lt(max(abs(k$objective - v$primal)), 1e-12 * max(abs(v$primal), 1))
    # one coefficient moved: found by all, and the same objective
    b <- coef(fit, s = fit$lambda[15])
    b[31, 1] <- b[31, 1] + 0.1
    off <- kkt(b, d$x, d$y, lambda = fit$lambda[15], family = family, penalty = pen)
    worse <- verify_sparse_fused(d$x, d$y, family, fit$lambda[15], b[1, ], as.matrix(b)[-1, , drop = FALSE], 0.2, chain = d$chain)
    expect_gt(off$rel.gap, 1e-4)
    expect_equal(off$objective - k$objective[15], worse$primal - v$primal[15], tolerance = 1e-8)
    # residuals without intercept need no projection: the gap is that of the flows, unless a smaller multiple does better
    bare <- sparsepath(d$x, d$y, family = family, penalty = pen, nlambda = 5, intercept = FALSE)
    b <- as.matrix(bare$beta)
    b[20, ] <- b[20, ] + 0.05
    k <- kkt(list(a0 = double(5), beta = b, lambda = bare$lambda), d$x, d$y, family = family, penalty = pen, intercept = FALSE)
    v <- verify_sparse_fused(d$x, d$y, family, bare$lambda, double(5), b, 0.2, chain = d$chain, intercept = FALSE)
    expect_true(all(k$gap <= v$gap * (k$gap / k$rel.gap) * (1 + 1e-9)))
    if (family != "gaussian") expect_equal(k$rel.gap, v$gap, tolerance = 1e-6)
  })
}

test_that("it is the explicit lasso on sums of neighbours", {
  d <- make_fused(40, 25)
  for (tau in c(0.1, 0.6)) {
    all <- all_intervals(d$x, tau)
    fit <- sparsepath(d$x, d$y, penalty = pen_fused(asparse = tau), nlambda = 30)
    lasso <- sparsepath(all$x, d$y, standardize = FALSE, penalty.factor = all$cost, lambda = fit$lambda * mean(all$cost))
    expect_lt(apart(fit$beta, all$unit %*% lasso$beta), 1e-9)
    expect_lt(max(abs(fit$a0 - lasso$a0)), 1e-9)
    expect_equal(fit$lambda[1], max(abs(crossprod(all$x, d$y - mean(d$y))) / 40 / all$cost), tolerance = 1e-12)
  }
})

test_that("its ends: nearly no share of the lasso, nearly all of it", {
  d <- make_fused(80, 30)
  lambda <- c(0.5, 0.1, 0.02)
  fused <- sparsepath(d$x, d$y, penalty = pen_fused(), lambda = lambda)
  fit <- sparsepath(d$x, d$y, penalty = pen_fused(asparse = 1e-9), lambda = lambda)
  expect_lt(apart(fit$beta, fused$beta), 1e-6)
  lasso <- sparsepath(d$x, d$y, standardize = FALSE, lambda = lambda)
  fit <- sparsepath(d$x, d$y, penalty = pen_fused(asparse = 1 - 1e-9), lambda = lambda)
  expect_lt(apart(fit$beta, lasso$beta), 1e-6)
  fit <- sparsepath(d$x, d$y, penalty = pen_fused(asparse = 0.5, weights = c(0, 1, rep(0, 28))), lambda = 2 * lambda) # one step alone
  bare <- sparsepath(d$x, d$y, penalty = pen_fused(asparse = 0.5, weights = c(0, 1e-12, rep(0, 28))), lambda = 2 * lambda)
  expect_lt(apart(bare$beta, lasso$beta), 1e-8)
  expect_sparse_fused(fit, d$x, d$y, "gaussian", tau = 0.5, v = c(0, 1, rep(0, 28)))
})

test_that("the identity as x is the sparse fused lasso of a signal", {
  y <- with_seed(1, rep(c(0, 2, -1, 0.5), each = 15) + rnorm(60) / 2)
  lambda <- c(5, 2, 1, 0.3, 0.1)
  for (tau in c(0.05, 1 / 3, 0.8)) {
    fit <- sparsepath(diag(60), y, penalty = pen_fused(asparse = tau), intercept = FALSE, lambda = lambda / 60)
    for (l in 1:5) {
      signal <- fused_lasso(y, lambda = (1 - tau) * lambda[l], lambda1 = tau * lambda[l])
      expect_lt(max(abs(fit$beta[, l] - signal$beta)), 1e-12)
      expect_identical(fit$df[l], signal$df)
    }
  }
})

test_that("paths equal those of genlasso", {
  skip_if_not_installed("genlasso")
  d <- make_fused(60, 25)
  for (tau in c(0.1, 0.5)) {
    peer <- getExportedValue("genlasso", "fusedlasso")(d$y - mean(d$y), X = scale(d$x, scale = FALSE),
      D = getExportedValue("genlasso", "getD1d")(25), gamma = tau / (1 - tau))
    lambda <- exp(seq(log(max(peer$lambda)) - 0.01, log(max(peer$lambda)) - 6, length.out = 20))
    theirs <- stats::coef(peer, lambda = lambda)
    fit <- sparsepath(d$x, d$y, penalty = pen_fused(asparse = tau), lambda = lambda / 60 / (1 - tau))
    expect_lt(apart(fit$beta, theirs$beta), 1e-9)
    expect_equal(fit$df, as.integer(theirs$df))
  }
})

test_that("columns without penalty: clinical variables beside a chain", {
  d <- make_fused(80, 40)
  extra <- with_seed(5, matrix(rnorm(160), 80))
  x <- cbind(d$x, extra)
  y <- d$y + extra[, 1]
  factor <- rep(1:0, c(40, 2))
  chain <- c(rep("a", 40), "b", "c")
  fit <- sparsepath(x, y, penalty = pen_fused(chain, asparse = 0.3), penalty.factor = factor, nlambda = 30)
  expect_identical(fit$df[1], 2L)
  expect_lt(max(abs(coef(fit)[c(1, 42, 43), 1] - coef(lm(y ~ extra)))), 1e-10)
  expect_lt(max(kkt(fit, x, y)$rel.gap), 1e-12)
  eta <- drop(x %*% fit$beta[, 20]) + fit$a0[20]
  expect_lt(max(abs(crossprod(cbind(1, extra), y - eta))), 1e-8)
  # what is left of the response, on what is left of the columns
  q <- qr(cbind(1, extra))
  rest <- sparsepath(qr.resid(q, d$x), qr.resid(q, y), penalty = pen_fused(asparse = 0.3), intercept = FALSE, lambda = fit$lambda)
  expect_lt(apart(rest$beta, fit$beta[1:40, ]), 1e-9)
  # a coefficient with an infinite factor stays at zero, its neighbours pay for their steps to it
  held <- sparsepath(d$x, d$y, penalty = pen_fused(asparse = 0.3), penalty.factor = replace(rep(1, 40), 12, Inf), nlambda = 20)
  expect_true(all(held$beta[12, ] == 0))
  expect_lt(max(kkt(held, d$x, d$y)$rel.gap), 1e-12)
  near <- sparsepath(d$x, d$y, penalty = pen_fused(asparse = 0.3), penalty.factor = replace(rep(1, 40), 12, 1e6), lambda = held$lambda)
  expect_lt(apart(held$beta, near$beta), 1e-9)
})

test_that("sparse, dense, screening, threads, weights and the order of columns make no difference", {
  d <- make_fused(50, 90, 3)
  x <- d$x
  x[abs(x) < 1] <- 0
  expect_equivalent_fused(d, x, asparse = 0.2)
})

for (family in c("gaussian", "binomial")) {
  for (relax in c(FALSE, TRUE)) {
    test_that(paste("cross-validation equals the hand loop:", family, if (relax) "relaxed"), {
      d <- make_fused(60, 60, 2, family)
      for (pen in list(pen_fused(chain = d$chain, asparse = 0.3), if (relax) pen_fused(chain = d$chain))) {
        if (is.null(pen)) next
        cv <- suppressWarnings(cv.sparsepath(d$x, d$y, family = family, penalty = pen, foldid = d$fold, keep = TRUE, nlambda = 12, weights = d$w,
          lambda.min.ratio = 0.2, relax = relax, gamma = if (relax) c(0, 0.5) else 0, maxp = if (relax) 8 else NULL))
        eta <- if (relax) 0 * cv$relaxed$fit.preval[[1]] else 0 * cv$fit.preval
        for (k in 1:5) {
          i <- d$fold != k
          one <- suppressWarnings(sparsepath(d$x[i, ], d$y[i], family = family, penalty = pen, weights = d$w[i], lambda = cv$lambda,
            relax = relax, maxp = if (relax) 8 else NULL))
          eta[!i, ] <- if (relax) predict(one, d$x[!i, ], gamma = 0.5) else predict(one, d$x[!i, ])
        }
        got <- if (relax) cv$relaxed$fit.preval[["g:0.5"]] else cv$fit.preval
        expect_lt(max(abs(got - eta)) / max(1, abs(eta)), if (relax && family == "binomial") 1e-6 else 1e-10)
        expect_true(all(cv$fold.status == 0))
        expect_s3_class(stretches(cv, s = "lambda.min"), "data.frame")
      }
    })
  }
}

test_that("relaxed fits are unpenalized fits of the sums of the nonzero stretches", {
  d <- make_fused(80, 40, 2)
  for (pen in list(pen_fused(chain = d$chain), pen_fused(chain = d$chain, asparse = 0.4))) {
    fit <- sparsepath(d$x, d$y, penalty = pen, relax = TRUE, nlambda = 20, weights = d$w)
    for (l in c(1, 4, 9)) {
      s <- fit$lambda[l]
      parts <- stretches(fit, s)
      columns <- split(1:40, rep(seq_along(parts$size), parts$size))[parts$coefficient != 0]
      z <- vapply(columns, function(at) rowSums(d$x[, at, drop = FALSE]), double(80))
      b <- if (length(columns)) coef(lm(d$y ~ z, weights = d$w)) else c(weighted.mean(d$y, d$w))
      expect_lt(max(abs(coef(fit, s = s, gamma = 0)[, 1] - c(b[1], replace(double(40), unlist(columns), rep(b[-1], lengths(columns)))))), 1e-9)
      expect_identical(fit$relaxed$df[l], length(columns))
    }
    half <- coef(fit, s = fit$lambda[9], gamma = 0.5)
    expect_lt(max(abs(half - (coef(fit, s = fit$lambda[9]) + coef(fit, s = fit$lambda[9], gamma = 0)) / 2)), 1e-12)
    expect_output(print(fit), "relaxed: all")
    grDevices::pdf(NULL)
    expect_no_error(plot(fit, gamma = 0))
    grDevices::dev.off()
  }
  # signs stay
  z <- d$x
  fit <- sparsepath(z, d$y, penalty = pen_fused(asparse = 0.3), lower.limits = 0, relax = TRUE, nlambda = 15)
  expect_gte(min(fit$relaxed$beta), 0)
  # classes: a stretch is one for all of them
  class <- factor(cut(rank(d$y), 3, labels = c("a", "b", "c")))
  fit <- suppressWarnings(sparsepath(d$x, class, family = "multinomial", penalty = pen_fused(asparse = 0.3), relax = TRUE, nlambda = 8, lambda.min.ratio = 0.3))
  l <- 4L
  own <- vapply(fit$beta, function(b) b[, l], double(40))
  run <- cumsum(c(TRUE, rowSums(own[-1, ] != own[-40, ]) > 0))
  on <- rowSums(own != 0) > 0
  sums <- vapply(split(which(on), run[on]), function(at) rowSums(d$x[, at, drop = FALSE]), double(80))
  direct <- sparsepath(cbind(sums, 0), class, family = "multinomial", lambda = 0)
  for (k in 1:3) expect_lt(max(abs(coef(fit, s = fit$lambda[l], gamma = 0)[[k]][-1][which(on)] - direct$beta[[k]][match(run[on], unique(run[on])), 1])), 1e-5)
  expect_identical(fit$relaxed$df[l], ncol(sums))
})

test_that("cox, several classes and family objects: the explicit lasso", {
  d <- make_cox(80, 20, kind = "ar", rho = 0.5)
  all <- all_intervals(d$x, 0.2)
  against <- function(y, family, tol = 1e-6, x = d$x, each = all, ...) {
    fit <- sparsepath(x, y, family = family, penalty = pen_fused(asparse = 0.2), nlambda = 15, lambda.min.ratio = 0.05, ...)
    lasso <- sparsepath(each$x, y, family = family, standardize = FALSE, penalty.factor = each$cost, lambda = fit$lambda * mean(each$cost), ...)
    for (k in seq_len(if (is.list(fit$beta)) length(fit$beta) else 1L)) {
      own <- if (is.list(fit$beta)) fit$beta[[k]] else fit$beta
      theirs <- if (is.list(fit$beta)) lasso$beta[[k]] else lasso$beta
      expect_lt(apart(own, each$unit %*% theirs), tol)
    }
    expect_true(all(fit$status == 0))
    k <- kkt(fit, x, y)
    expect_lt(max(k$kkt), 1e-8)
    if (!anyNA(k$rel.gap)) expect_lt(max(k$rel.gap), 1e-9)
    expect_identical(k$df, fit$df)
    fit
  }
  against(d$y, "cox")
  fold <- rep_len(1:4, 80)
  fit <- cv.sparsepath(d$x, d$y, family = "cox", penalty = pen_fused(asparse = 0.2), foldid = fold, nlambda = 10, lambda.min.ratio = 0.1, keep = TRUE)
  one <- sparsepath(d$x[fold != 2, ], d$y[fold != 2, ], family = "cox", penalty = pen_fused(asparse = 0.2), lambda = fit$lambda)
  expect_lt(max(abs(fit$fit.preval[fold == 2, ] - as.matrix(d$x[fold == 2, ] %*% one$beta))), 1e-8)
  expect_true(all(is.finite(fit$cvm)))
  d <- make_fused(90, 20, 1, seed = 4)
  all <- all_intervals(d$x, 0.2)
  class <- factor(cut(rank(d$y), 3, labels = c("a", "b", "c")))
  fit <- against(class, "multinomial", x = d$x, each = all)
  expect_identical(dim(fit$dfmat), c(3L, 15L))
  expect_identical(unname(fit$dfmat[2, 8]), sum(stretches(fit, fit$lambda[8])[[2]]$coefficient != 0))
  expect_identical(dim(predict(fit, d$x, type = "response")), c(90L, 3L, 15L))
  against(exp(d$y / 2), Gamma("log"), x = d$x, each = all)
})

test_that("methods: coef, predict, exact, stretches, criteria, plot, print", {
  d <- make_fused(60, 40, 2)
  colnames(d$x) <- paste0("probe", 1:40)
  pen <- pen_fused(chain = d$chain, asparse = 0.3)
  fit <- sparsepath(d$x, d$y, penalty = pen)
  s <- fit$lambda[20]
  at <- (fit$lambda[20] + fit$lambda[21]) / 2
  expect_lt(max(abs(predict(fit, d$x, s = s) - d$x %*% coef(fit, s = s)[-1, ] - coef(fit, s = s)[1, ])), 1e-12)
  exact <- coef(fit, s = at, exact = TRUE, x = d$x, y = d$y)
  expect_sparse_fused(list(lambda = at, a0 = exact[1, ], beta = exact[-1, , drop = FALSE], status = 0), d$x, d$y, "gaussian", tau = 0.3, chain = d$chain)
  parts <- stretches(fit, s = s)
  expect_identical(sum(parts$coefficient != 0), fit$df[20])
  expect_equal(rep(parts$coefficient, parts$size), unname(fit$beta[, 20]))
  expect_equal(as.vector(effective_df(fit)), fit$df)
  expect_equal(as.vector(effective_df(fit, d$x)), fit$df)
  expect_equal(attr(logLik(fit), "df"), fit$df + 2)
  expect_identical(fit$df[1], 0L)
  expect_identical(unname(predict(fit, s = s, type = "nonzero")[[1]]), unname(which(fit$beta[, 20] != 0)))
  expect_output(print(summary(fit)), "sparse fused lasso, 2 chains of columns, share of the lasso 0.3")
  expect_output(print(pen_fused(asparse = 0.1)), "sparse fused lasso of columns, share of the lasso 0.1")
  grDevices::pdf(NULL)
  on.exit(grDevices::dev.off())
  expect_null(plot(fit))
  expect_identical(update(fit, penalty = pen_fused(chain = d$chain))$penalty$asparse, 0)
  frame <- data.frame(y = d$y, d$x)
  form <- sparsepath(y ~ ., frame, penalty = pen)
  expect_equal(form$beta, fit$beta, tolerance = 1e-12)
  few <- sparsepath(d$x, d$y, penalty = pen, control = sparsepath.control(dfmax = 5))
  expect_lt(length(few$lambda), length(fit$lambda))
})

test_that("what cannot be combined says so", {
  d <- make_fused(30, 20)
  pen <- pen_fused(asparse = 0.1)
  for (a in list(list(standardize = TRUE), list(exclude = 2), list(lower.limits = -1), list(alpha = 0.5), list(penalty = pen_fused(), alpha = 0.5, lower.limits = 0))) {
    expect_refused(do.call(sparsepath, utils::modifyList(list(x = d$x, y = d$y, penalty = pen), a)), "unavailable")
  }
  expect_refused(sparsepath(d$x, cbind(d$y, d$o), family = "mgaussian", penalty = pen), "unavailable")
  expect_refused(sparsepath(d$x, rep(c("a", "b", "c"), 10), family = "multinomial", type.multinomial = "grouped", penalty = pen), "unavailable")
  expect_refused(sparsepath(d$x, rep(c("a", "b", "c"), 10), family = "multinomial", penalty = pen, penalty.factor = matrix(1, 20, 3)), "unavailable")
  expect_refused(pen_fused(asparse = 1), "range")
  expect_refused(pen_fused(asparse = -0.1), "range")
  expect_refused(pen_fused(asparse = "a"), "type")
  expect_refused(sparsepath(matrix(0, 2, 10001), 1:2, penalty = pen), "range")
  x <- d$x
  x[4, 7] <- NA
  err <- expect_refused(sparsepath(x, d$y, penalty = pen), "nonfinite")
  expect_identical(unname(err$position), c(4, 7))
})

test_that("degenerate columns, and columns that are nearly copies of their neighbours", {
  d <- make_fused(30, 12)
  x <- d$x
  x[, 3] <- 0
  x[, 5] <- 7
  x[, 8] <- x[, 9]
  fit <- sparsepath(x, d$y, penalty = pen_fused(asparse = 0.2), nlambda = 20)
  expect_sparse_fused(fit, x, d$y, "gaussian", tau = 0.2)
  f <- factor(rep_len(1:6, 30)) # indicators: their sum is the intercept
  x <- stats::model.matrix(~ f - 1)
  for (intercept in c(TRUE, FALSE)) {
    fit <- sparsepath(x, d$y, penalty = pen_fused(asparse = 0.1), nlambda = 20, intercept = intercept)
    expect_sparse_fused(fit, x, d$y, "gaussian", tau = 0.1, intercept = intercept)
    expect_lt(max(kkt(fit, x, d$y)$rel.gap), 1e-9)
  }
  for (seed in 1:2) {
    d <- with_seed(seed, {
      t <- seq_len(120) / 120
      curves <- sapply(1:20, function(j) exp(-((t - runif(1)) / 0.1)^2))
      x <- 10 + 2 * (matrix(rnorm(60 * 20), 60) %*% t(curves) + 0.001 * matrix(rnorm(60 * 120), 60))
      list(x = x, y = drop(x %*% rep(c(0, 0.05, 0), c(40, 25, 55))) + rnorm(60) * 0.1)
    })
    fit <- sparsepath(d$x, d$y, penalty = pen_fused(asparse = 0.2))
    expect_sparse_fused(fit, d$x, d$y, "gaussian", tau = 0.2)
    z <- as.double(d$y > median(d$y))
    fit <- sparsepath(d$x, z, family = "binomial", penalty = pen_fused(asparse = 0.2), lambda.min.ratio = 0.05)
    expect_sparse_fused(fit, d$x, z, "binomial", tau = 0.2)
  }
})

test_that("random small problems are solved, or said not to be", {
  n <- if (identical(Sys.getenv("NOT_CRAN"), "true")) 100 else 20
  judge <- function(i) {
    a <- fuzz_case(i)
    a <- a[intersect(names(a), c("x", "y", "family", "weights", "offset", "intercept", "nlambda", "lambda.min.ratio"))]
    p <- ncol(a$x)
    if (p < 3 || p > 120) return("solved")
    a <- c(a, with_seed(i, {
      v <- if (runif(1) < 0.3) sample(c(0.3, 1, 1, 2, Inf, 0), p, TRUE)
      list(penalty = pen_fused(if (runif(1) < 0.5) sample(sample(1:5, 1), p, TRUE), if (runif(1) < 0.3) sample(p), v, asparse = runif(1)^2),
        lower.limits = if (runif(1) < 0.3) sample(c(0, -Inf), p, TRUE) else -Inf)
    }))
    fit <- tryCatch(suppressWarnings(do.call(sparsepath, a)), sparsepath_error_range = identity, sparsepath_error_separation = identity)
    if (inherits(fit, "error")) return("refused")
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
