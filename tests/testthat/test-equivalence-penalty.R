# Identities of the penalty.

test_that("a penalty factor of zero is an unpenalized column", {
  for (family in c("gaussian", "binomial", "poisson")) {
    d <- make_problem(60, 40, snr = 1, seed = 801, family = family)
    pf <- replace(rep(1, 40), c(2, 9), 0)
    r <- expect_exact(d$x, d$y, family, penalty.factor = pf, nlambda = 40)
    expect_true(all(r$fit$beta[c(2, 9), ] != 0))
    # stationary in those columns: no first-order gain from moving them
    if (family == "gaussian") {
      res <- d$y - rep(r$fit$a0, each = 60) - as.matrix(d$x %*% r$fit$beta)
      expect_lt(max(abs(crossprod(d$x[, c(2, 9)], matrix(res, 60)))) / 60, 1e-10)
      # the rest is a lasso of residualized data, without intercept and with the original standard deviations
      q <- qr(cbind(1, d$x[, c(2, 9)]))
      sd <- apply(d$x, 2, function(z) sqrt(mean((z - mean(z))^2)))
      f <- sparsepath(qr.resid(q, d$x[, -c(2, 9)]), qr.resid(q, d$y),
        intercept = FALSE, standardize = FALSE, penalty.factor = sd[-c(2, 9)],
        lambda = r$fit$lambda * 40 / 38 * mean(sd[-c(2, 9)])
      )
      expect_lt(max(abs(as.matrix(f$beta) - as.matrix(r$fit$beta)[-c(2, 9), ])), 1e-9)
    }
  }
})

test_that("an infinite factor is an excluded column, by number, name or logical, and counts as 1", {
  for (family in c("gaussian", "binomial", "poisson")) {
    d <- make_problem(60, 40, seed = 802, family = family)
    colnames(d$x) <- paste0("g", 1:40)
    pf <- with_seed(803, runif(40, 0.5, 2))
    out <- c(3, 17, 40)
    for (alpha in c(1, 0.5, 0)) {
      a <- sparsepath(d$x, d$y, family = family, penalty.factor = replace(pf, out, Inf), alpha = alpha, nlambda = 30)
      b <- sparsepath(d$x, d$y, family = family, penalty.factor = pf, exclude = out, alpha = alpha, nlambda = 30)
      expect_same_fit(a, b, 1e-10)
      expect_identical(sum(a$beta[out, ] != 0), 0L)
      b <- sparsepath(d$x, d$y, family = family, penalty.factor = pf, exclude = c("g17", "g3", "g40"), alpha = alpha, nlambda = 30)
      expect_same_fit(a, b, 1e-10)
      # dropping the columns: the other factors keep their ratio; lambda absorbs the rescaling
      v <- replace(pf, out, 1) * 40 / sum(replace(pf, out, 1))
      b <- sparsepath(d$x[, -out], d$y, family = family, penalty.factor = pf[-out], alpha = alpha, lambda = a$lambda * mean(v[-out]))
      expect_same_fit(a, b, 1e-10, map = function(z) {
        m <- matrix(0, 40, ncol(z))
        m[-out, ] <- z
        m
      }, lambda = function(z) z / mean(v[-out]))
    }
  }
})

test_that("scaling all factors changes nothing; equal factors are none", {
  d <- make_problem(60, 40, seed = 804)
  pf <- with_seed(805, runif(40, 0.5, 2))
  expect_same_fit(sparsepath(d$x, d$y, penalty.factor = pf), sparsepath(d$x, d$y, penalty.factor = 100 * pf), 1e-10)
  expect_same_fit(sparsepath(d$x, d$y), sparsepath(d$x, d$y, penalty.factor = rep(7, 40)), 1e-12)
})

test_that("limits that do not bind change nothing; limits of zero exclude", {
  for (family in c("gaussian", "binomial", "poisson")) {
    d <- make_problem(60, 40, seed = 806, family = family)
    for (alpha in c(1, 0.5, 0)) {
      a <- sparsepath(d$x, d$y, family = family, alpha = alpha, nlambda = 30)
      big <- 2 * max(abs(a$beta))
      b <- sparsepath(d$x, d$y, family = family, alpha = alpha, nlambda = 30, lower.limits = -big, upper.limits = big)
      expect_same_fit(a, b, 1e-10)
      zero <- rep(c(0, Inf), c(5, 35))
      a <- sparsepath(d$x, d$y, family = family, alpha = alpha, lambda = a$lambda, lower.limits = -zero, upper.limits = zero)
      b <- sparsepath(d$x, d$y, family = family, alpha = alpha, lambda = a$lambda, exclude = 1:5)
      expect_same_fit(a, b, 1e-10)
    }
  }
})

test_that("elastic net is the lasso of augmented data", {
  # rows sqrt(n lambda (1 - alpha) / s_y) e_j with response 0 carry the ridge part; no intercept, no standardization
  d <- make_problem(40, 25, seed = 807)
  sy <- sqrt(mean(d$y^2))
  for (alpha in c(0.9, 0.4)) {
    lambda <- lambda_max_reference(d$x, d$y, alpha = alpha, intercept = FALSE, standardize = FALSE) * c(0.5, 0.1, 0.02)
    a <- sparsepath(d$x, d$y, alpha = alpha, lambda = lambda, intercept = FALSE, standardize = FALSE)
    for (l in 1:3) {
      x <- rbind(d$x, sqrt(40 * lambda[l] * (1 - alpha) / sy) * diag(25))
      b <- sparsepath(x, c(d$y, rep(0, 25)), lambda = lambda[l] * alpha * 40 / 65, intercept = FALSE, standardize = FALSE)
      expect_lt(max(abs(a$beta[, l] - b$beta[, 1])), 1e-9)
    }
  }
})

test_that("alpha tends to its ends continuously", {
  for (family in c("gaussian", "binomial", "poisson")) {
    d <- make_problem(40, 60, seed = 808, family = family)
    lambda <- lambda_max_reference(d$x, d$y, family) * c(0.5, 0.1)
    one <- sparsepath(d$x, d$y, family = family, lambda = lambda)
    near <- sparsepath(d$x, d$y, family = family, alpha = 1 - 1e-9, lambda = lambda)
    expect_lt(max(abs(one$beta - near$beta)), 1e-5)
    zero <- sparsepath(d$x, d$y, family = family, alpha = 0, lambda = lambda)
    near <- sparsepath(d$x, d$y, family = family, alpha = 1e-9, lambda = lambda)
    expect_lt(max(abs(zero$beta - near$beta)), 1e-6)
  }
})
