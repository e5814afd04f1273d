# MCP and SCAD: against their definition, closed forms, exhaustive search, ncvreg, and the identities of every path.

penalties <- list(mcp = pen_mcp(), scad = pen_scad())
gammas <- c(mcp = 3, scad = 3.7)

test_that("an infinite or huge gamma is the lasso", {
  for (family in c("gaussian", "binomial")) {
    d <- make_problem(60, 100, seed = 3, family = family)
    lasso <- sparsepath(d$x, d$y, family, alpha = 0.9, lambda.min.ratio = 0.1)
    for (make in list(pen_mcp, pen_scad)) {
      for (gamma in c(1e12, Inf)) {
        f <- sparsepath(d$x, d$y, family, alpha = 0.9, lambda = lasso$lambda, penalty = make(gamma))
        expect_equal(as.matrix(f$beta), as.matrix(lasso$beta), tolerance = 1e-7)
      }
    }
  }
})

test_that("an orthonormal design has the closed forms of firm thresholding", {
  n <- 64
  x <- make_orthonormal(n, 20, seed = 1)
  y <- with_seed(2, drop(x %*% c(3, -2, 1.5, 1, -0.7, rep(0.1, 15))) + rnorm(n) / 2)
  z <- drop(crossprod(x, y - mean(y))) / n
  s_y <- sqrt(mean((y - mean(y))^2))
  for (alpha in c(1, 0.8)) {
    m <- sparsepath(x, y, penalty = pen_mcp(2.5), alpha = alpha, nlambda = 30)
    s <- sparsepath(x, y, penalty = pen_scad(3), alpha = alpha, nlambda = 30)
    for (l in seq_along(m$lambda)) {
      t <- m$lambda[l] * alpha
      k <- 1 + m$lambda[l] * (1 - alpha) / s_y
      mcp <- ifelse(abs(z) <= 2.5 * t * k, soft(z, t) / (k - 1 / 2.5), z / k)
      expect_equal(as.double(m$beta[, l]), mcp, tolerance = 1e-9)
    }
    for (l in seq_along(s$lambda)) {
      t <- s$lambda[l] * alpha
      k <- 1 + s$lambda[l] * (1 - alpha) / s_y
      scad <- ifelse(abs(z) <= t * (1 + k), soft(z, t) / k, ifelse(abs(z) <= 3 * t * k, soft(z, 3 * t / 2) / (k - 1 / 2), z / k))
      expect_equal(as.double(s$beta[, l]), scad, tolerance = 1e-9)
    }
  }
})

test_that("every lambda is stationary by the definition, for every family and option", {
  for (family in c("gaussian", "binomial", "poisson")) {
    d <- make_problem(80, 120, "ar", 0.6, seed = 5, family = family)
    off <- d$o / 4
    v <- rep(c(1, 1, 2, 0.5), 30)
    v[7] <- 0
    for (name in names(penalties)) {
      for (alpha in c(1, 0.7)) {
        f <- sparsepath(d$x, d$y, family, penalty = penalties[[name]], alpha = alpha, nlambda = 40, lambda.min.ratio = 0.1)
        expect_gt(length(f$lambda), 5)
        expect_true(all(f$status == 0))
        expect_lt(max(f$kkt), 1e-6)
        expect_lt(max(nc_path_kkt(f, d$x, d$y, family, name, gammas[name], alpha = alpha)), 1e-6)
      }
      f <- sparsepath(d$x, d$y, family, weights = d$w, offset = off, penalty.factor = v, penalty = penalties[[name]], nlambda = 30, lambda.min.ratio = 0.2)
      h <- f$penalty$curvature
      expect_lt(max(nc_path_kkt(f, d$x, d$y, family, name, gammas[name], h = h, w = d$w, offset = off, v = v)), 1e-6)
      k <- kkt(f, d$x, d$y, weights = d$w, offset = off)
      expect_lt(max(k$kkt), 1e-6)
      expect_lt(max(k$rel.gap), 1e-6)
      f <- sparsepath(d$x, d$y, family, penalty = penalties[[name]], standardize = FALSE, nlambda = 30, lambda.min.ratio = 0.2)
      expect_lt(max(nc_path_kkt(f, d$x, d$y, family, name, gammas[name], standardize = FALSE)), 1e-6)
    }
  }
})

test_that("limits of the coefficients", {
  at_limit <- 0
  for (family in c("gaussian", "binomial", "poisson")) {
    d <- make_problem(80, 60, "ar", 0.5, seed = 15, family = family)
    for (name in names(penalties)) {
      for (limits in list(c(0, Inf), c(-0.1, 0.2), c(-Inf, 0.05))) {
        f <- sparsepath(d$x, d$y, family, penalty = penalties[[name]], lower.limits = limits[1], upper.limits = limits[2], nlambda = 25,
          lambda.min.ratio = 0.1)
        expect_true(all(f$status == 0))
        expect_lt(max(nc_path_kkt(f, d$x, d$y, family, name, gammas[name], lower = limits[1], upper = limits[2])), 1e-6)
        k <- kkt(f, d$x, d$y)
        expect_lt(max(k$kkt), 1e-6)
        expect_lt(max(k$rel.gap), 1e-6)
        at_limit <- at_limit + sum(f$beta == limits[2] | f$beta == limits[1] & f$beta != 0)
      }
    }
  }
  expect_gt(at_limit, 0)
  # limits that nothing meets change nothing
  d <- make_problem(60, 40, seed = 2)
  expect_same_fit(sparsepath(d$x, d$y, penalty = pen_mcp(), nlambda = 20),
    sparsepath(d$x, d$y, penalty = pen_mcp(), nlambda = 20, lower.limits = -1e3, upper.limits = 1e3), tol = 1e-10)
  # two variables, nearly orthogonal: the best point of a fine grid
  x <- make_orthonormal(50, 2, seed = 1) + 0.02 * with_seed(1, matrix(rnorm(100), 50))
  y <- with_seed(2, drop(x %*% c(2, -1)) + rnorm(50) / 5)
  f <- sparsepath(x, y, penalty = pen_scad(), lower.limits = c(-1, -0.4), upper.limits = c(1.2, 1), lambda = c(1, 0.3))
  expect_equal(unname(f$beta[, 2]), c(1.2, -0.4), tolerance = 1e-9)
  cv <- cv.sparsepath(d$x, d$y, penalty = pen_mcp(), lower.limits = 0, foldid = rep(1:5, 12), keep = TRUE, nlambda = 20)
  train <- rep(1:5, 12) != 2
  g <- sparsepath(d$x[train, ], d$y[train], penalty = pen_mcp(), lower.limits = 0, lambda = cv$fit$lambda)
  expect_equal(unname(cv$fit.preval[!train, ]), unname(predict(g, d$x[!train, ], s = cv$fit$lambda)), tolerance = 1e-9)
})

test_that("many active columns of a sparse matrix: conjugate gradients in place of factors", {
  d <- with_seed(31, {
    n <- 4000
    p <- 3000
    x <- Matrix::sparseMatrix(sample(n, 20 * p, TRUE), rep(seq_len(p), each = 20), x = rnorm(20 * p), dims = c(n, p))
    list(x = x, y = as.double(x[, 1:250] %*% rnorm(250)) + rnorm(n) / 3)
  })
  for (name in names(penalties)) {
    f <- sparsepath(d$x, d$y, penalty = penalties[[name]], nlambda = 15, lambda.min.ratio = 0.05)
    expect_true(all(f$status == 0))
    expect_gt(max(f$df), 130)
    expect_lt(max(nc_path_kkt(f, d$x, d$y, "gaussian", name, gammas[name])), 1e-6)
    expect_lt(max(kkt(f, d$x, d$y)$rel.gap), 1e-6)
    expect_true(all(f$local == 2L)) # nearly orthogonal columns
    g <- sparsepath(as.matrix(d$x), d$y, penalty = penalties[[name]], lambda = f$lambda)
    expect_lt(max(abs(f$beta - g$beta)) / max(abs(g$beta)), 1e-5)
  }
})

test_that("kkt() recognizes what is not stationary, and has the objective of the definition", {
  d <- make_problem(50, 30, seed = 2)
  f <- sparsepath(d$x, d$y, penalty = pen_scad(), nlambda = 20)
  k <- kkt(f, d$x, d$y)
  o <- vapply(seq_along(f$lambda), function(l) nc_judge(d$x, d$y, "gaussian", f$lambda[l], f$a0[l], f$beta[, l], "scad", 3.7)$objective, 0)
  expect_equal(k$objective, o, tolerance = 1e-12)
  expect_true(all(is.na(k$dual)))
  b <- coef(f, s = f$lambda[10])
  b[which(b[-1, 1] != 0)[1] + 1, 1] <- 0.01
  expect_gt(kkt(b, d$x, d$y, lambda = f$lambda[10], penalty = pen_scad())$kkt, 1e-3)
})

test_that("coefficients solve the lasso weighted by their own slopes", {
  d <- make_problem(60, 40, seed = 8)
  f <- sparsepath(d$x, d$y, penalty = pen_mcp(), nlambda = 20, lambda.min.ratio = 0.05)
  s <- apply(d$x, 2, function(z) sqrt(mean((z - mean(z))^2)))
  for (l in c(5, 10, 15, 20)) {
    w <- nc_slope(f$beta[, l] * s, f$lambda[l], "mcp", 3) / f$lambda[l]
    g <- sparsepath(d$x, d$y, penalty.factor = w, lambda = f$lambda[l] * sum(w) / 40)
    expect_equal(as.double(g$beta), as.double(f$beta[, l]), tolerance = 1e-7)
  }
})

test_that("up to convex.min the solution is the global minimum over the support, found by exhaustive search", {
  # one coordinate at a time over all patterns of pieces: with p = 5 there are 5^5 (MCP) linear systems
  for (seed in 1:3) {
    d <- make_problem(30, 5, "equi", 0.5, seed = seed)
    y <- d$y - mean(d$y)
    x <- scale(d$x) * sqrt(30 / 29)
    f <- sparsepath(d$x, d$y, penalty = pen_mcp(2), nlambda = 8, lambda.min.ratio = 0.05)
    G <- crossprod(x) / 30
    z <- drop(crossprod(x, y)) / 30
    patterns <- as.matrix(expand.grid(rep(list(c(0, 1, -1, 2, -2)), 5))) # zero, concave piece, flat piece, by sign
    for (l in c(3, 5, 8)) {
      t <- f$lambda[l]
      best <- Inf
      for (i in seq_len(nrow(patterns))) {
        a <- patterns[i, ]
        on <- which(a != 0)
        b <- numeric(5)
        if (length(on)) {
          H <- G[on, on, drop = FALSE] - diag(ifelse(abs(a[on]) == 1, 1 / 2, 0), length(on))
          if (abs(det(H)) < 1e-10) next
          b[on] <- solve(H, z[on] - ifelse(abs(a[on]) == 1, sign(a[on]) * t, 0))
        }
        best <- min(best, sum((y - x %*% b)^2) / 60 + sum(nc_value(b, t, "mcp", 2)))
      }
      mine <- nc_judge(d$x, d$y, "gaussian", t, f$a0[l], f$beta[, l], "mcp", 2)$objective
      expect_gte(mine, best - 1e-10)
      whole <- min(eigen(G, only.values = TRUE)$values) > 1 / 2 # convex in all variables: one minimum
      if (whole) expect_equal(mine, best, tolerance = 1e-9)
    }
  }
  # columns nearly orthogonal: convex, so the search must agree
  x <- make_orthonormal(40, 5, seed = 4) + 0.05 * with_seed(4, matrix(rnorm(200), 40))
  y <- with_seed(5, drop(x %*% c(1, -1, 0.5, 0, 0)) + rnorm(40))
  f <- sparsepath(x, y, penalty = pen_mcp(3), nlambda = 20)
  expect_true(is.na(f$convex.min))
  expect_true(all(f$local == 2L))
  s <- scale(x) * sqrt(40 / 39)
  objective <- function(b, t) sum((y - mean(y) - s %*% b)^2) / 80 + sum(nc_value(b, t, "mcp", 3))
  for (l in c(5, 12, 20)) {
    mine <- nc_judge(x, y, "gaussian", f$lambda[l], f$a0[l], f$beta[, l], "mcp", 3)$objective
    tried <- vapply(1:5, function(k) with_seed(k, optim(rnorm(5), objective, t = f$lambda[l], method = "BFGS")$value), 0)
    expect_lte(mine, min(tried) + 1e-9)
  }
})

test_that("local tells strict local minima", {
  d <- make_problem(60, 200, "ar", 0.8, seed = 6)
  f <- sparsepath(d$x, d$y, penalty = pen_mcp(), lambda.min.ratio = 0.05)
  x <- scale(d$x) * sqrt(60 / 59)
  for (l in seq(5, length(f$lambda), by = 12)) {
    b <- f$beta[, l] * apply(d$x, 2, function(z) sqrt(mean((z - mean(z))^2)))
    on <- which(b != 0)
    G <- crossprod(x[, on, drop = FALSE]) / 60
    at <- diag(ifelse(abs(b[on]) < 3 * f$lambda[l], 1 / 3, 0), length(on))
    least <- min(eigen(G - at, only.values = TRUE)$values)
    everywhere <- min(eigen(G - diag(1 / 3, length(on)), only.values = TRUE)$values)
    if (abs(least) > 1e-6) expect_identical(f$local[l] >= 1L, least > 0)
    if (is.na(f$convex.min) || l < f$convex.min) expect_gt(everywhere, -1e-8)
  }
  expect_false(is.na(f$convex.min))
  expect_identical(f$convex.min, match(TRUE, f$local < 2L))
  expect_output(print(f), "convex")
  expect_silent({
    pdf(NULL)
    plot(f)
    dev.off()
  })
})

test_that("ncvreg agrees before its convex.min", {
  skip_if_not_installed("ncvreg")
  ncvreg <- getExportedValue("ncvreg", "ncvreg")
  e <- colon_data()
  data <- list(list(x = log2(e$x), y = e$z), make_problem(100, 300, seed = 1), make_problem(100, 300, "ar", 0.9, seed = 2))
  for (d in data) {
    for (name in names(penalties)) {
      f <- sparsepath(d$x, d$y, penalty = penalties[[name]], nlambda = 40, lambda.min.ratio = 0.05)
      g <- ncvreg(d$x, d$y, penalty = toupper(name), gamma = gammas[name], lambda = f$lambda, eps = 1e-10, max.iter = 1e6, warn = FALSE)
      to <- min(ncol(g$beta), if (is.null(g$convex.min) || is.na(g$convex.min)) Inf else g$convex.min)
      expect_gt(to, 1)
      null <- sum((d$y - mean(d$y))^2) / (2 * length(d$y))
      for (l in seq_len(to)) {
        mine <- nc_judge(d$x, d$y, "gaussian", f$lambda[l], f$a0[l], f$beta[, l], name, gammas[name])$objective
        theirs <- nc_judge(d$x, d$y, "gaussian", f$lambda[l], g$beta[1, l], g$beta[-1, l], name, gammas[name])$objective
        expect_lt(abs(mine - theirs), 1e-8 * null)
      }
    }
  }
})

test_that("gamma is measured by the curvature of the null model", {
  d <- make_problem(80, 50, seed = 4, family = "binomial")
  d$y[1:10] <- 0
  f <- sparsepath(d$x, d$y, "binomial", penalty = pen_mcp(), nlambda = 30, lambda.min.ratio = 0.3)
  h <- mean(d$y) * (1 - mean(d$y))
  expect_equal(f$penalty$curvature, h)
  g <- sparsepath(d$x, d$y, "binomial", penalty = pen_mcp(3 / h, curvature = 1), lambda = f$lambda)
  expect_same_fit(f, g)
  p <- make_problem(80, 50, seed = 4, family = "poisson")
  expect_equal(sparsepath(p$x, p$y, "poisson", penalty = pen_mcp(), nlambda = 3)$penalty$curvature, mean(p$y))
  # gaussian: no dependence on the units of y
  a <- make_problem(80, 50, seed = 4)
  expect_same_fit(sparsepath(a$x, a$y, penalty = pen_scad(), alpha = 0.8), sparsepath(a$x, 1e3 * a$y, penalty = pen_scad(), alpha = 0.8),
    map = function(b) b / 1e3, a0 = function(b) b / 1e3, lambda = function(l) l / 1e3)
})

test_that("weights are replications, storages agree, columns may be scaled and shifted", {
  for (family in c("gaussian", "binomial", "poisson")) {
    d <- make_problem(60, 40, seed = 9, family = family)
    times <- rep(c(1L, 2L, 1L), 20)
    f <- sparsepath(d$x, d$y, family, weights = times, penalty = pen_mcp(), nlambda = 25, lambda.min.ratio = 0.2)
    i <- rep(1:60, times)
    expect_same_fit(f, sparsepath(d$x[i, ], d$y[i], family, penalty = pen_mcp(), lambda = f$lambda), tol = 1e-7)
    f <- sparsepath(d$x, d$y, family, penalty = pen_mcp(), nlambda = 25, lambda.min.ratio = 0.2)
    x <- sweep(d$x, 2, rep(c(1, 10), 20), `*`) + 5
    g <- sparsepath(x, d$y, family, penalty = pen_mcp(), nlambda = 25, lambda.min.ratio = 0.2)
    expect_same_fit(f, g, tol = 1e-7, map = function(b) b * rep(c(1, 10), 20), a0 = function(a) a + 5 * colSums(as.matrix(g$beta)))
    z <- make_sparse(60, 40, 0.3, seed = 3)
    expect_same_fit(sparsepath(z, d$y, family, penalty = pen_scad(), nlambda = 20, lambda.min.ratio = 0.3),
      sparsepath(as.matrix(z), d$y, family, penalty = pen_scad(), nlambda = 20, lambda.min.ratio = 0.3), tol = 1e-7)
  }
})

test_that("threads and, up to convex.min, screening do not change the answer", {
  d <- make_problem(60, 500, seed = 12)
  f <- sparsepath(d$x, d$y, penalty = pen_mcp(), lambda.min.ratio = 0.05)
  expect_identical(f$beta, sparsepath(d$x, d$y, penalty = pen_mcp(), lambda.min.ratio = 0.05, control = sparsepath.control(threads = 2))$beta)
  g <- sparsepath(d$x, d$y, penalty = pen_mcp(), lambda.min.ratio = 0.05, control = sparsepath.control(screen = FALSE))
  upto <- seq_len(if (is.na(f$convex.min)) length(f$lambda) else f$convex.min)
  expect_equal(as.matrix(g$beta[, upto]), as.matrix(f$beta[, upto]), tolerance = 1e-8)
})

test_that("tall data and lambda = 0", {
  d <- make_problem(300, 20, seed = 7)
  f <- sparsepath(d$x, d$y, penalty = pen_scad(), lambda = c(1, 0.3, 0.1, 0.01, 0))
  expect_lt(max(nc_path_kkt(f, d$x, d$y, "gaussian", "scad", 3.7)[1:4]), 1e-8)
  expect_equal(unname(coef(f)[, 5]), unname(coef(lm(d$y ~ d$x))), tolerance = 1e-8)
})

test_that("copies of a column: one of them stays", {
  d <- make_problem(50, 30, seed = 3)
  x <- cbind(d$x, d$x[, 1:10])
  f <- sparsepath(x, d$y, penalty = pen_mcp(), lambda.min.ratio = 0.05)
  g <- sparsepath(d$x, d$y, penalty = pen_mcp(), lambda = f$lambda)
  expect_true(all(f$status == 0))
  expect_lt(max(nc_path_kkt(f, x, d$y, "gaussian", "mcp", 3)), 1e-6)
  expect_true(all(as.matrix(f$beta)[1:10, ] * as.matrix(f$beta)[31:40, ] == 0))
})

test_that("cross-validation is a loop of single fits", {
  for (family in c("gaussian", "binomial", "poisson")) {
    d <- make_problem(60, 80, seed = 21, family = family)
    cv <- cv.sparsepath(d$x, d$y, family = family, penalty = pen_mcp(), foldid = d$fold, keep = TRUE, nlambda = 25, lambda.min.ratio = 0.3)
    expect_true(all(cv$fold.status == 0)) # the curve ends where a fold has no solution
    for (k in 1:5) {
      train <- d$fold != k
      f <- suppressWarnings(sparsepath(d$x[train, ], d$y[train], family, penalty = pen_mcp(), lambda = cv$fit$lambda))
      expect_true(all(f$status[seq_along(cv$lambda)] == 0))
      expect_equal(unname(cv$fit.preval[!train, ]), unname(predict(f, d$x[!train, ], s = cv$fit$lambda)), tolerance = 1e-9)
    }
    expect_output(print(cv), "Measure")
    expect_equal(dim(coef(cv)), c(81L, 1L))
  }
})

test_that("cox: stationary by kkt(), cross-validation equals the loop", {
  skip_if_not_installed("survival")
  d <- make_problem(80, 60, seed = 14)
  time <- with_seed(3, rexp(80, exp(drop(scale(d$y)))))
  status <- rep(c(1, 1, 0, 1), 20)
  y <- survival::Surv(time, status)
  f <- sparsepath(d$x, y, "cox", penalty = pen_scad(), nlambda = 30, lambda.min.ratio = 0.3)
  expect_equal(f$penalty$curvature, mean(status))
  expect_lt(max(f$kkt), 1e-6)
  k <- kkt(f, d$x, y)
  expect_lt(max(k$kkt), 1e-6)
  # stationarity with survival's own score
  s <- apply(d$x, 2, function(z) sqrt(mean((z - mean(z))^2)))
  l <- length(f$lambda)
  b <- f$beta[, l]
  on <- which(b != 0)
  fixed <- survival::coxph(y ~ d$x[, on], init = b[on], ties = "breslow", control = survival::coxph.control(iter.max = 0))
  score <- colSums(as.matrix(residuals(fixed, type = "score"))) / 80 / s[on]
  expect_equal(unname(score), unname(sign(b[on]) * nc_slope(b[on] * s[on], f$lambda[l], "scad", 3.7, mean(status))), tolerance = 1e-6)
  cv <- cv.sparsepath(d$x, y, family = "cox", penalty = pen_scad(), foldid = d$fold, keep = TRUE, lambda = f$lambda[1:15])
  train <- d$fold != 2
  g <- sparsepath(d$x[train, ], y[train], "cox", penalty = pen_scad(), lambda = f$lambda[1:15])
  expect_equal(unname(cv$fit.preval[!train, ]), unname(predict(g, d$x[!train, ], s = f$lambda[1:15])), tolerance = 1e-8)
})

test_that("a path that nears saturation ends before the first uncertified lambda", {
  d <- make_problem(60, 300, seed = 2, family = "binomial")
  f <- sparsepath(d$x, d$y, "binomial", penalty = pen_mcp())
  expect_true(all(f$status == 0))
  expect_lt(length(f$lambda), 100)
  expect_output(print(f), "path ended")
  expect_true(f$end %in% c("stalled", "devmax"))
  # a grid of the user's is fitted to its end, and what is missed is marked
  warned <- warnings_of(g <- sparsepath(d$x, d$y, "binomial", penalty = pen_mcp(), lambda = f$lambda[1] * 0.9^(0:60)))
  expect_identical(length(g$lambda), 61L)
  expect_identical(length(warned) > 0, any(g$status != 0))
  expect_true(all(g$kkt[g$status == 0] <= 1e-6))
})

test_that("predictions, exact refits and relaxed fits", {
  d <- make_problem(60, 40, seed = 5)
  f <- sparsepath(d$x, d$y, penalty = pen_mcp(), nlambda = 40)
  s <- sqrt(f$lambda[5] * f$lambda[6])
  b <- coef(f, s = s, exact = TRUE, x = d$x, y = d$y)
  expect_lt(nc_judge(d$x, d$y, "gaussian", s, b[1, 1], b[-1, 1], "mcp", 3)$kkt, 1e-8)
  r <- sparsepath(d$x, d$y, penalty = pen_mcp(), nlambda = 10, relax = TRUE)
  on <- which(r$beta[, 8] != 0)
  expect_equal(unname(coef(r, s = r$lambda[8], gamma = 0)[c(1, on + 1), 1]), unname(coef(lm(d$y ~ d$x[, on]))), tolerance = 1e-7)
})

test_that("what is not allowed is refused", {
  d <- make_problem(20, 5, seed = 1)
  expect_refused(pen_mcp(1), "range")
  expect_refused(pen_scad(2), "range")
  expect_refused(pen_mcp(curvature = 0), "range")
  expect_refused(sparsepath(d$x, d$y, penalty = pen_mcp), "type")
  expect_refused(sparsepath(d$x, d$y, penalty = "mcp"), "type")
  expect_refused(sparsepath(d$x, d$y, penalty = pen_mcp(), alpha = 0), "range")
  expect_refused(sparsepath(d$x, d$y, penalty = pen_mcp(), control = sparsepath.control(solver = "ista")), "unavailable")
  expect_output(print(pen_mcp()), "MCP, gamma = 3")
})
