# Textbook methods on the same tables: the same answers as the direct solver, verified by code that shares nothing with either.

certified <- c("ista", "fista", "admm")
direct <- function(x, y, ...) sparsepath(x, y, ..., control = sparsepath.control(thresh = 1e-10))
textbook <- function(x, y, solver, ..., thresh = 1e-9) {
  sparsepath(x, y, ..., control = sparsepath.control(solver = solver, thresh = thresh))
}
all_coef <- function(fit) if (is.list(fit$beta)) do.call(rbind, lapply(fit$beta, as.matrix)) else as.matrix(fit$beta)

small <- function(n = 50, p = 20, seed = 1) {
  set.seed(seed)
  x <- matrix(rnorm(n * p), n)
  x[, 2] <- 3 * x[, 1] + 2 * x[, 2] + 1
  eta <- drop(x[, 1:4] %*% c(1, -0.5, 0.5, 0.2))
  list(
    x = x, gaussian = eta + rnorm(n), binomial = rbinom(n, 1, plogis(eta)), poisson = rpois(n, exp(eta / 3)),
    cox = cbind(time = rexp(n, exp(eta)), status = rbinom(n, 1, 0.7)), multinomial = factor(sample(letters[1:3], n, TRUE)),
    mgaussian = cbind(eta + rnorm(n), -eta + rnorm(n)), w = runif(n, 0.5, 2), o = rnorm(n) / 4
  )
}

test_that("ista, fista and admm reach a relative gap of 1e-6 and better in every family", {
  d <- small()
  for (family in c("gaussian", "binomial", "poisson", "cox", "multinomial", "mgaussian")) {
    lambda <- sparsepath(d$x, d[[family]], family = family, nlambda = 6, lambda.min.ratio = 0.1)$lambda
    exact <- direct(d$x, d[[family]], family = family, lambda = lambda)
    for (solver in certified) {
      fit <- textbook(d$x, d[[family]], solver, family = family, lambda = lambda)
      label <- paste(family, solver)
      expect_true(all(fit$status == 0) && max(fit$gap) <= 1e-9, label = label)
      expect_lt(max(abs(all_coef(fit) - all_coef(exact))), 1e-3 * max(abs(all_coef(exact))), label = label)
      expect_lt(max(abs(fit$dev.ratio - exact$dev.ratio)), 1e-4, label = label)
    }
  }
})

test_that("the verifier agrees, with weights, offsets, factors, limits, mixes and without standardization", {
  d <- small(30, 40)
  settings <- list(
    list(), list(alpha = 0.4), list(weights = d$w, offset = d$o), list(penalty.factor = c(0, 0, rep(1, 38))),
    list(lower.limits = 0, upper.limits = 0.4), list(standardize = FALSE), list(intercept = FALSE),
    list(weights = replace(d$w, 1:4, 0), alpha = 0.7, penalty.factor = c(rep(1, 30), seq(0.5, 2, length.out = 9), Inf))
  )
  for (family in c("gaussian", "binomial")) {
    for (a in settings) {
      for (solver in certified) {
        do.call(expect_exact, c(list(d$x, d[[family]], family, lambda = c(0.3, 0.15, 0.08), gap = 1.1e-8, kkt = 0.05,
          control = sparsepath.control(solver = solver, thresh = 1e-8, maxit = 1e5), label = paste(family, solver)), a))
      }
    }
  }
})

test_that("groups and sparse groups", {
  d <- small()
  group <- rep(1:5, each = 4)
  for (penalty in list(pen_group(group), pen_sparse_group(group, 0.4))) {
    for (family in c("gaussian", "binomial", "multinomial")) {
      lambda <- c(0.2, 0.1, 0.04)
      exact <- direct(d$x, d[[family]], family = family, lambda = lambda, penalty = penalty)
      for (solver in certified) {
        fit <- textbook(d$x, d[[family]], solver, family = family, lambda = lambda, penalty = penalty)
        expect_true(all(fit$status == 0), label = paste(family, solver))
        expect_lt(max(abs(all_coef(fit) - all_coef(exact))), 2e-3 * max(abs(all_coef(exact))), label = paste(family, solver))
      }
    }
  }
})

test_that("lambda = 0, ridge, sparse matrices, family objects", {
  d <- small()
  for (solver in certified) {
    fit <- textbook(d$x, d$gaussian, solver, lambda = c(0.1, 0), thresh = 1e-12)
    ols <- lm(d$gaussian ~ d$x)
    expect_equal(unname(c(fit$a0[2], fit$beta[, 2])), unname(coef(ols)), tolerance = 1e-4)
    sparse <- textbook(Matrix::Matrix(d$x * (d$x > 1), sparse = TRUE), d$binomial, solver, family = "binomial", lambda = 0.05)
    dense <- textbook(d$x * (d$x > 1), d$binomial, solver, family = "binomial", lambda = 0.05)
    expect_equal(sparse$beta, dense$beta, tolerance = 1e-10)
    ridge <- textbook(d$x, d$gaussian, solver, alpha = 0, lambda = 1)
    expect_equal(as.matrix(ridge$beta), as.matrix(direct(d$x, d$gaussian, alpha = 0, lambda = 1)$beta), tolerance = 1e-3)
    probit <- textbook(d$x, d$binomial, solver, family = binomial("probit"), lambda = 0.05)
    expect_equal(as.matrix(probit$beta), as.matrix(direct(d$x, d$binomial, family = binomial("probit"), lambda = 0.05)$beta), tolerance = 1e-4)
    expect_true(all(is.na(convergence(probit)$gap)))
  }
})

test_that("the first ista steps are those of the textbook, written out", {
  set.seed(3)
  x <- qr.Q(qr(matrix(rnorm(200), 20))) * sqrt(20) # columns of unit norm with weights 1 / n, and orthogonal: L = 1, one step solves
  y <- rnorm(20)
  fit <- textbook(x, y, "ista", lambda = 0.1, standardize = FALSE, intercept = FALSE)
  expect_equal(as.vector(fit$beta), soft_threshold(drop(crossprod(x, y)) / 20, 0.1), tolerance = 1e-12)
  expect_equal(nrow(convergence(fit)), 2L)
  # not orthogonal: three steps by hand with the L that backtracking settles on
  x <- scale(matrix(rnorm(100), 20)) / sqrt(19 / 20)
  y <- y - mean(y)
  L <- 1
  b <- numeric(5)
  F <- function(b) sum((y - x %*% b)^2) / 40
  steps <- F(b)
  for (it in 1:3) {
    g <- -drop(crossprod(x, y - x %*% b)) / 20
    repeat {
      to <- soft_threshold(b - g / L, 0.05 / L)
      if (F(to) <= F(b) + sum(g * (to - b)) + L / 2 * sum((to - b)^2) * (1 + 1e-9)) break
      L <- 2 * L
    }
    b <- to
    steps <- c(steps, F(b) + 0.05 * sum(abs(b)))
  }
  fit <- suppressWarnings(sparsepath(x, y, lambda = 0.05, control = sparsepath.control(solver = "ista", maxit = 3)))
  expect_equal(convergence(fit)$objective, steps, tolerance = 1e-12)
  expect_equal(as.vector(fit$beta), b, tolerance = 1e-10)
})

test_that("admm with a fixed rho takes the steps of Boyd et al., section 6.4", {
  set.seed(4)
  x <- scale(matrix(rnorm(100), 20)) / sqrt(19 / 20)
  y <- rnorm(20)
  y <- y - mean(y)
  z <- u <- numeric(5)
  rho <- 0.7
  objective <- sum(y^2) / 40
  for (it in 1:4) {
    b <- solve(crossprod(x) / 20 + rho * diag(5), crossprod(x, y) / 20 + rho * (z - u))
    z <- soft_threshold(drop(b) + u, 0.05 / rho)
    u <- u + drop(b) - z
    objective <- c(objective, sum((y - x %*% z)^2) / 40 + 0.05 * sum(abs(z)))
  }
  fit <- suppressWarnings(sparsepath(x, y, lambda = 0.05, control = sparsepath.control(solver = "admm", rho = rho, maxit = 4)))
  expect_equal(convergence(fit)$objective, objective, tolerance = 1e-12)
  expect_equal(as.vector(fit$beta), z, tolerance = 1e-10)
})

test_that("traces: ista falls, fista needs fewer iterations, gaps bound the distance to the optimum", {
  d <- small(60, 30)
  lambda <- c(0.3, 0.05)
  fits <- lapply(certified, function(s) textbook(d$x, d$gaussian, s, lambda = lambda))
  traces <- lapply(fits, convergence)
  optimum <- kkt(direct(d$x, d$gaussian, lambda = lambda), d$x, d$gaussian)
  null <- optimum$gap / optimum$rel.gap
  for (trace in traces) {
    expect_named(trace, c("index", "lambda", "iteration", "objective", "gap"))
    expect_identical(unique(trace$lambda), lambda)
    for (i in 1:2) {
      part <- trace[trace$index == i, ]
      expect_identical(part$iteration, seq_len(nrow(part)) - 1L)
      distance <- part$objective - optimum$dual[i]
      expect_true(all(distance >= -1e-12))
      null <- kkt(rbind(mean(d$gaussian), matrix(0, 30, 1)), d$x, d$gaussian, lambda = lambda[i])$objective
      expect_true(all(distance <= part$gap * null + optimum$gap[i] + 1e-12))
      expect_lte(part$gap[nrow(part)], 1e-9)
      expect_true(all(part$gap[-nrow(part)] > 1e-9)) # it ends as soon as it may
    }
  }
  expect_true(all(diff(traces[[1]]$objective[traces[[1]]$index == 2]) <= 1e-12))
  expect_lt(nrow(traces[[2]]), nrow(traces[[1]]) / 2)
  expect_equal(vapply(fits, function(f) max(f$gap), 0) <= 1e-9, rep(TRUE, 3))
  plain <- sparsepath(d$x, d$gaussian, lambda = lambda, control = sparsepath.control(solver = "fista", restart = FALSE, thresh = 1e-9))
  expect_lt(nrow(traces[[2]]), nrow(convergence(plain)))
})

test_that("subgradient descent is slow and says so", {
  d <- small()
  control <- sparsepath.control(solver = "subgradient", maxit = 400)
  expect_warning(fit <- sparsepath(d$x, d$gaussian, lambda = 0.1, control = control), "1/sqrt\\(iterations\\)",
    class = "sparsepath_warning_uncertified")
  expect_identical(fit$status, 2L)
  trace <- convergence(fit)
  expect_identical(nrow(trace), 401L)
  optimum <- kkt(direct(d$x, d$gaussian, lambda = 0.1), d$x, d$gaussian)
  mine <- kkt(fit, d$x, d$gaussian)
  expect_equal(mine$objective, min(trace$objective), tolerance = 1e-12) # the best iterate
  expect_lt(mine$objective - optimum$objective, 0.05 * optimum$objective)
  expect_gt(mine$rel.gap, 1e-6)
  expect_equal(fit$gap, mine$rel.gap, tolerance = 1e-6) # the certificate of a bad solution is as true as any
})

test_that("maxit is honoured and reported", {
  d <- small()
  for (solver in certified) {
    expect_warning(fit <- sparsepath(d$x, d$gaussian, lambda = c(0.3, 0.01), control = sparsepath.control(solver = solver, maxit = 4)), "maxit",
      class = "sparsepath_warning_uncertified")
    expect_identical(fit$status[2L], 2L)
    expect_identical(max(convergence(fit)$iteration), 4L)
  }
  expect_identical(sparsepath.control(solver = "fista")$maxit, 10000L)
  expect_identical(sparsepath.control()$maxit, 200L)
})

test_that("cross-validation, threads and early stops go through the same driver", {
  d <- small()
  fold <- rep(1:5, 10)
  lambda <- c(0.5, 0.2, 0.1)
  a <- cv.sparsepath(d$x, d$gaussian, foldid = fold, lambda = lambda, control = sparsepath.control(solver = "fista", thresh = 1e-12, threads = 2))
  b <- cv.sparsepath(d$x, d$gaussian, foldid = fold, lambda = lambda)
  expect_equal(a$cvm, b$cvm, tolerance = 1e-5)
  expect_identical(max(convergence(a$fit)$index), 3L)
  expect_null(b$fit$trace)
  short <- textbook(d$x, d$gaussian, "fista", thresh = 1e-6)
  exact <- sparsepath(d$x, d$gaussian)
  m <- seq_len(min(length(short$lambda), length(exact$lambda)))
  expect_lte(abs(length(short$lambda) - length(exact$lambda)), 2)
  expect_equal(short$lambda[m], exact$lambda[m], tolerance = 1e-12)
  expect_setequal(convergence(short)$index, seq_along(short$lambda))
})

test_that("refusals", {
  d <- small()
  expect_refused(sparsepath.control(rho = 1), "unavailable")
  expect_refused(sparsepath.control(solver = "ista", restart = FALSE), "unavailable")
  expect_refused(sparsepath.control(solver = "admm", rho = 0), "range")
  expect_refused(sparsepath.control(solver = "newton"), "choice")
  expect_refused(convergence(sparsepath(d$x, d$gaussian)), "unavailable")
  expect_refused(convergence(1), "type")
  for (penalty in list(pen_mcp(), pen_scad())) {
    expect_refused(textbook(d$x, d$gaussian, "ista", lambda = 0.1, penalty = penalty), "unavailable")
  }
  fit <- textbook(d$x, d$gaussian, "fista", lambda = c(0.3, 0.1))
  expect_refused(plot(convergence(fit), index = 3), "range")
  grDevices::pdf(NULL)
  on.exit(grDevices::dev.off())
  expect_null(plot(convergence(fit)))
  expect_null(plot(convergence(fit), what = "objective", index = 2))
})

test_that("subgradient descent with a ridge part comes down, whatever lambda", {
  d <- small()
  for (family in c("gaussian", "binomial", "multinomial")) {
    for (alpha in c(0, 0.2)) {
      lambda <- sparsepath(d$x, d[[family]], family = family, alpha = alpha, nlambda = 3, lambda.min.ratio = 0.1)$lambda
      exact <- direct(d$x, d[[family]], family = family, alpha = alpha, lambda = lambda)
      fit <- suppressWarnings(sparsepath(d$x, d[[family]], family = family, alpha = alpha, lambda = lambda,
        control = sparsepath.control(solver = "subgradient", maxit = 2000)))
      label <- paste(family, alpha)
      trace <- convergence(fit)
      expect_true(all(is.finite(trace$objective)), label = label)
      best <- tapply(trace$objective, trace$index, min)
      optimum <- kkt(exact, d$x, d[[family]])$objective
      expect_lt(max(best - optimum), 0.02 * max(trace$objective), label = label)
      expect_lt(max(fit$gap), 0.5, label = label)
    }
  }
})

test_that("adaptive penalties and prior lassos: the first stage is that of the direct solver, so that all solve one problem", {
  d <- small()
  for (init in c("ridge", "lasso")) {
    exact <- direct(d$x, d$binomial, family = "binomial", lambda = 0.1, penalty = pen_adaptive(init))
    for (solver in c(certified, "subgradient")) {
      fit <- suppressWarnings(textbook(d$x, d$binomial, solver, family = "binomial", lambda = 0.1, penalty = pen_adaptive(init), thresh = 1e-8))
      expect_equal(fit$penalty$factor, exact$penalty$factor, tolerance = 1e-6, label = paste(init, solver))
    }
  }
  exact <- prior_lasso(d$x, d$gaussian, 1:3, eta = 1, lambda = 0.1)
  fit <- prior_lasso(d$x, d$gaussian, 1:3, eta = 1, lambda = 0.1, control = sparsepath.control(solver = "fista", thresh = 1e-12))
  expect_equal(fit$prior, exact$prior)
  expect_equal(as.matrix(fit$fits[[1]]$beta), as.matrix(exact$fits[[1]]$beta), tolerance = 1e-4)
})
