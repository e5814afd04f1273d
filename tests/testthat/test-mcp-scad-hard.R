# MCP and SCAD where they are hard: classes that variables separate, wholly or in part, responses of any scale, conjugate gradients in
# every family, and against the best point there is.

penalties <- list(mcp = pen_mcp(), scad = pen_scad())
gammas <- c(mcp = 3, scad = 3.7)

# columns of 0/1 with few ones: each of them separates some rows, and without a slope its coefficient has no end
make_quasi_separated <- function(seed, n, p, density, noise = 2) {
  with_seed(seed, {
    x <- Matrix::sparseMatrix(sample.int(n, n * p * density, TRUE), sample.int(p, n * p * density, TRUE), x = 1, dims = c(n, p), use.last.ij = TRUE)
    x <- x[, Matrix::colSums(x) > 0]
    eta <- as.vector(x[, 1:5] %*% c(6, -6, 6, -6, 6)) + noise * rnorm(n)
    list(x = x, y = as.double(eta > median(eta)))
  })
}

# what a grid from the lasso's largest to a hundredth of it looks like under a penalty that lets go
wide_grid <- function(d, family = "binomial") sparsepath(d$x, d$y, family, nlambda = 100)$lambda

test_that("variables that separate some of the rows: quick, stationary at every lambda, nothing flagged", {
  for (a in list(list(1, 100, 500, 0.01), list(2, 200, 800, 0.02), list(3, 300, 500, 0.01))) {
    d <- do.call(make_quasi_separated, a)
    lambda <- wide_grid(d)
    for (name in names(penalties)) {
      took <- system.time(f <- sparsepath(d$x, d$y, "binomial", penalty = penalties[[name]], lambda = lambda))
      expect_lt(sum(took[1:2]), 10) # more than a minute with coordinate descent and whole approximations
      expect_true(all(f$status == 0))
      expect_lt(max(f$kkt), 1e-6)
      expect_lt(max(nc_path_kkt(f, d$x, d$y, "binomial", name, gammas[name])), 1e-6)
      expect_gt(max(f$dev.ratio), 0.95)
      # coefficients without end are no strict minimum
      expect_true(all(f$local[f$dev.ratio > 0.9999] == 0L))
    }
  }
})

test_that("separated classes: the whole grid is solved, and an automatic one ends with the deviance", {
  e <- colon_data()
  d <- list(x = log2(e$x), y = e$z) # two thirds of the lambdas used to be marked as missed
  for (name in names(penalties)) {
    f <- sparsepath(d$x, d$y, "binomial", penalty = penalties[[name]], lambda = wide_grid(d))
    expect_true(all(f$status == 0))
    expect_lt(max(f$kkt), 1e-9)
    expect_lt(max(nc_path_kkt(f, d$x, d$y, "binomial", name, gammas[name])), 1e-8)
    auto <- sparsepath(d$x, d$y, "binomial", penalty = penalties[[name]])
    expect_identical(auto$end, "devmax")
    expect_true(all(auto$status == 0))
  }
})

test_that("counts of zero in every row of a column, and censored ones", {
  for (family in c("poisson", "cox")) {
    d <- make_quasi_separated(4, 150, 300, 0.02)
    n <- length(d$y)
    y <- if (family == "poisson") as.double(with_seed(1, rpois(n, 2 * d$y))) else
      survival::Surv(with_seed(1, rexp(n)) / (1 + 9 * d$y), with_seed(2, rbinom(n, 1, 0.7)))
    for (name in names(penalties)) {
      took <- system.time(f <- sparsepath(d$x, y, family, penalty = penalties[[name]], nlambda = 60, lambda.min.ratio = 0.02))
      expect_lt(sum(took[1:2]), 10)
      expect_true(all(f$status == 0))
      expect_lt(max(f$kkt), 1e-6)
      if (family == "poisson") expect_lt(max(nc_path_kkt(f, d$x, y, family, name, gammas[name])), 1e-6)
    }
  }
})

test_that("classes of a multinomial model that variables separate", {
  d <- make_problem(60, 40, seed = 3)
  y <- cut(d$x[, 1] + d$x[, 2] / 2, 3, labels = c("a", "b", "c"))
  for (type in c("ungrouped", "grouped")) {
    for (name in names(penalties)) {
      took <- system.time(f <- sparsepath(d$x, y, "multinomial", type.multinomial = type, penalty = penalties[[name]], nlambda = 40, lambda.min.ratio = 0.05))
      expect_lt(sum(took[1:2]), 10)
      expect_true(all(f$status == 0))
      expect_lt(max(kkt(f, d$x, y)$kkt), 1e-6)
    }
  }
})

test_that("conjugate gradients find what factors find, in every family", {
  d <- with_seed(31, {
    n <- 4000
    p <- 3000
    x <- Matrix::sparseMatrix(sample(n, 20 * p, TRUE), rep(seq_len(p), each = 20), x = rnorm(20 * p), dims = c(n, p))
    eta <- as.double(x[, 1:250] %*% rnorm(250))
    list(x = x, binomial = rbinom(n, 1, plogis(2 * eta)), poisson = as.double(rpois(n, exp(pmin(eta, 3)))),
      cox = survival::Surv(rexp(n) * exp(-eta), rbinom(n, 1, 0.8)))
  })
  dense <- as.matrix(d$x)
  for (family in c("binomial", "poisson", "cox")) {
    for (name in names(penalties)) {
      f <- sparsepath(d$x, d[[family]], family, penalty = penalties[[name]], nlambda = 15, lambda.min.ratio = c(binomial = 0.3, poisson = 0.03, cox = 0.25)[[family]])
      expect_identical(f$end, "complete")
      expect_true(all(f$status == 0))
      expect_gt(max(f$df), 130)
      expect_lt(max(kkt(f, d$x, d[[family]])$kkt), 1e-6)
      convex <- which(f$local == 2L)
      g <- sparsepath(dense, d[[family]], family, penalty = penalties[[name]], lambda = f$lambda[convex])
      expect_lt(max(abs(f$beta[, convex] - g$beta)) / max(abs(g$beta)), 1e-5)
    }
  }
})

test_that("a path does not know the units of the response, as far as squares of them are numbers", {
  for (shape in list(c(60, 100), c(200, 20))) { # the second is reduced to its triangular factor
    d <- make_problem(shape[1], shape[2], seed = 1)
    for (name in names(penalties)) {
      for (alpha in c(1, 0.7)) {
        f <- sparsepath(d$x, d$y, penalty = penalties[[name]], alpha = alpha, nlambda = 30, lambda.min.ratio = 0.05)
        for (unit in 2^c(-400, -200, -1, 200, 380)) {
          g <- sparsepath(d$x, unit * d$y, penalty = penalties[[name]], alpha = alpha, nlambda = 30, lambda.min.ratio = 0.05)
          expect_same_fit(f, g, tol = 1e-12, map = function(b) b / unit, a0 = function(a) a / unit, lambda = function(l) l / unit)
          expect_identical(g$local, f$local)
          expect_true(all(g$status == 0))
          expect_lt(max(g$kkt), 1e-9)
        }
      }
    }
    expect_refused(sparsepath(d$x, 1e-150 * d$y, penalty = pen_mcp()), "range")
    expect_refused(sparsepath(d$x, 1e150 * d$y, penalty = pen_mcp()), "range")
  }
})

# the least objective over all patterns of pieces: zero, concave, flat, by sign
least_mcp <- function(G, z, yy, t, gamma) {
  p <- length(z)
  patterns <- as.matrix(expand.grid(rep(list(c(0, 1, -1, 2)), p))) # flat ones have no need of a sign
  best <- yy / 2
  for (i in seq_len(nrow(patterns))[-1]) {
    a <- patterns[i, ]
    on <- which(a != 0)
    bent <- abs(a[on]) == 1
    H <- G[on, on, drop = FALSE]
    diag(H) <- diag(H) - bent / gamma
    b <- tryCatch(solve.default(H, z[on] - ifelse(bent, a[on] * t, 0), tol = 1e-12), error = function(e) NULL)
    if (is.null(b)) next
    size <- abs(b)
    best <- min(best, yy / 2 - sum(z[on] * b) + sum(b * (G[on, on, drop = FALSE] %*% b)) / 2 +
      sum(ifelse(size <= gamma * t, t * size - size^2 / (2 * gamma), gamma * t^2 / 2)))
  }
  best
}

test_that("never below the least objective of an exhaustive search, and mostly at it", {
  excess <- NULL
  for (seed in 1:4) {
    d <- make_problem(40, 6, "equi", 0.5, seed = seed)
    x <- scale(d$x) * sqrt(40 / 39)
    y <- d$y - mean(d$y)
    f <- sparsepath(d$x, d$y, penalty = pen_mcp(2), nlambda = 8, lambda.min.ratio = 0.05)
    for (l in c(3, 5, 8)) {
      mine <- nc_judge(d$x, d$y, "gaussian", f$lambda[l], f$a0[l], f$beta[, l], "mcp", 2)$objective
      best <- least_mcp(crossprod(x) / 40, drop(crossprod(x, y)) / 40, mean(y^2), f$lambda[l], 2)
      excess <- c(excess, (mine - best) / mean(y^2))
    }
  }
  expect_gt(min(excess), -1e-10)
  expect_gte(mean(excess < 1e-9), 0.75)
  expect_lt(max(excess), 0.02)
})

test_that("from the same start ncvreg's objective is not better", {
  skip_if_not_installed("ncvreg")
  ncvfit <- getExportedValue("ncvreg", "ncvfit")
  for (d in list(make_problem(80, 200, seed = 1), make_problem(80, 200, "ar", 0.9, seed = 2), make_problem(100, 60, "equi", 0.5, seed = 3))) {
    n <- nrow(d$x)
    s <- apply(d$x, 2, function(z) sqrt(mean((z - mean(z))^2)))
    x <- scale(d$x, scale = s)
    y <- d$y - mean(d$y)
    attributes(x) <- list(dim = dim(x))
    for (name in names(penalties)) {
      f <- sparsepath(x, y, penalty = penalties[[name]], nlambda = 40, lambda.min.ratio = 0.05)
      null <- mean(y^2) / 2
      differ <- vapply(2:40, function(l) { # positive: ncvreg's is larger
        # its start is ours, the solution before
        g <- ncvfit(x, y, init = as.double(f$beta[, l - 1]), penalty = toupper(name), gamma = gammas[[name]], lambda = f$lambda[l], eps = 1e-12, max.iter = 1e6, warn = FALSE)
        mine <- nc_judge(x, y, "gaussian", f$lambda[l], f$a0[l], f$beta[, l], name, gammas[name])$objective
        (nc_judge(x, y, "gaussian", f$lambda[l], f$a0[l], g$beta, name, gammas[name])$objective - mine) / null
      }, 0)
      convex <- seq_along(differ) + 1 < if (is.na(f$convex.min)) Inf else f$convex.min
      expect_true(any(convex))
      expect_lt(max(abs(differ[convex])), 1e-8) # one solution within reach
      expect_gt(mean(differ), -5e-4) # beyond, now one and now the other
      expect_gt(min(differ), -0.02)
    }
  }
})
