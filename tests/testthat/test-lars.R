# The exact gaussian path, against the verifier, sparsepath(), lm(), the package lars, and by hand.

lars_data <- function(n, p, seed, rho = 0) {
  set.seed(seed)
  x <- matrix(rnorm(n * p), n) + sqrt(rho / (1 - rho)) * rnorm(n)
  list(x = x, y = drop(x[, seq_len(min(5, p)), drop = FALSE] %*% rnorm(min(5, p))) + rnorm(n))
}

# every knot of positive lambda is optimal, and so are points between knots
expect_exact_path <- function(x, y, ..., weights = NULL, standardize = TRUE, intercept = TRUE) {
  fit <- lars_path(x, y, ..., weights = weights, standardize = standardize, intercept = intercept)
  top <- fit$lambda[1]
  between <- (utils::head(fit$lambda, -1) + fit$lambda[-1]) / 2
  s <- sort(unique(c(fit$lambda, between)), decreasing = TRUE)
  s <- s[s > 1e-8 * top]
  b <- coef(fit, lambda = s)
  v <- verify_path(x, y, "gaussian", s, b[1, ], b[-1, , drop = FALSE], weights = weights, standardize = standardize, intercept = intercept)
  expect_true(all(v$gap - v$floor_gap < 1e-10))
  expect_true(all(v$kkt - v$floor_kkt < 1e-8))
  expect_identical(fit$end, "complete")
  expect_true(all(diff(fit$lambda) <= 0))
  invisible(fit)
}

test_that("every point of the path is optimal", {
  for (case in 1:12) {
    d <- lars_data(c(30, 60, 12)[case %% 3 + 1], c(8, 100, 40)[case %% 3 + 1], case, rho = c(0, 0.9)[case %% 2 + 1])
    w <- if (case %% 4 == 0) runif(nrow(d$x)) else NULL
    expect_exact_path(d$x, d$y, weights = w, standardize = case %% 3 != 0, intercept = case %% 5 != 0)
  }
})

test_that("ties, copies and integers", {
  for (case in 1:25) {
    set.seed(case)
    x <- matrix(sample(-1:1, 10 * 15, TRUE), 10) + 0
    y <- sample(-2:2, 10, TRUE) + 0
    if (sd(y) == 0) next
    expect_exact_path(x, y, standardize = case %% 2 == 0, intercept = case %% 3 == 0)
  }
  d <- lars_data(40, 6, 1)
  fit <- expect_exact_path(cbind(d$x, d$x[, 1], -d$x[, 2]), d$y)
  expect_setequal(fit$refused$variable, c("V7", "V8"))
  expect_true(all(fit$beta[7:8, ] == 0))
  expect_identical(nrow(lars_path(d$x, d$y)$refused), 0L)
})

test_that("orthonormal columns: knots are the sorted correlations, several at once too", {
  set.seed(2)
  x <- qr.Q(qr(matrix(rnorm(20 * 8), 20)))
  z <- c(3, -3, 3, 2, 1, 1, 0, -0.5)
  fit <- lars_path(x, drop(x %*% z), standardize = FALSE, intercept = FALSE)
  expect_equal(fit$lambda * 20, c(3, 2, 1, 0.5, 0))
  expect_equal(as.matrix(fit$beta), sapply(c(3, 2, 1, 0.5, 0), function(l) soft_threshold(z, l)), ignore_attr = TRUE)
  expect_equal(fit$df, c(0L, 3L, 4L, 6L, 7L))
  expect_identical(fit$actions$knot, c(1L, 1L, 1L, 2L, 3L, 3L, 4L))
})

test_that("the same as sparsepath() at every lambda", {
  for (case in 1:6) {
    d <- lars_data(50, c(10, 120)[case %% 2 + 1], case)
    w <- if (case > 3) runif(50)
    std <- case %% 3 > 0
    fit <- lars_path(d$x, d$y, weights = w, standardize = std)
    grid <- sparsepath(d$x, d$y, weights = w, standardize = std)
    expect_lt(max(abs(coef(fit, lambda = grid$lambda) - coef(grid))), 1e-10)
  }
  x <- Matrix::rsparsematrix(80, 150, 0.1)
  y <- as.vector(x[, 1:3] %*% c(2, -1, 1)) + rnorm(80)
  grid <- sparsepath(x, y)
  expect_lt(max(abs(coef(lars_path(x, y), lambda = grid$lambda) - coef(grid))), 1e-10)
})

test_that("a ridge part: the lasso on augmented data", {
  d <- lars_data(30, 50, 3, rho = 0.5)
  x <- scale(d$x) / sqrt(29 / 30)
  y <- d$y - mean(d$y)
  lambda2 <- 0.3
  fit <- lars_path(x, y, lambda2 = lambda2)
  # 1/2n |y - xb|^2 + lambda2/2 |b|^2 over 80 rows of weight 1/80: scale 80/30 and 80
  xa <- rbind(x * sqrt(80 / 30), diag(sqrt(80 * lambda2), 50))
  ya <- c(y * sqrt(80 / 30), rep(0, 50))
  other <- lars_path(xa, ya, standardize = FALSE, intercept = FALSE)
  expect_equal(fit$lambda, other$lambda)
  expect_equal(as.matrix(fit$beta), as.matrix(other$beta), tolerance = 1e-10)
  expect_true(all(fit$gap < 1e-12))
  # one elastic net of sparsepath()
  s_y <- sqrt(mean(y^2))
  lambda <- 0.2 / 0.6
  enet <- sparsepath(d$x, d$y, alpha = 0.6, lambda = lambda)
  mine <- lars_path(d$x, d$y, lambda2 = lambda * 0.4 / s_y)
  expect_lt(max(abs(coef(mine, lambda = lambda * 0.6) - coef(enet))), 1e-10)
})

test_that("least angle regression: equal correlations, least squares at the end", {
  d <- lars_data(60, 9, 4, rho = 0.5)
  fit <- lars_path(d$x, d$y, type = "lar")
  expect_length(fit$lambda, 10)
  expect_true(all(fit$actions$action == "joins"))
  z <- scale(d$x) / sqrt(59 / 60)
  for (k in 2:10) {
    r <- d$y - drop(cbind(1, d$x) %*% coef(fit)[, k])
    c <- abs(crossprod(z, r)) / 60
    active <- match(fit$actions$variable[fit$actions$knot < k], fit$varnames)
    expect_equal(c[active], rep(fit$lambda[k], k - 1), tolerance = 1e-9)
    expect_lte(max(c), fit$lambda[k] + 1e-10)
  }
  expect_equal(unname(coef(fit)[, 10]), unname(coef(lm(d$y ~ d$x))), tolerance = 1e-9)
  expect_true(all(is.na(fit$gap)))
})

test_that("budgets are the constrained lasso", {
  d <- lars_data(40, 60, 5)
  fit <- lars_path(d$x, d$y)
  total <- max(fit$norm)
  t <- total * c(0, 0.1, 0.37, 0.8)
  b <- coef(fit, t = t)
  expect_equal(unname(Matrix::colSums(abs(b[-1, ]) * fit$unit)), t, tolerance = 1e-10)
  # optimal: the Frank-Wolfe gap over the ball
  z <- scale(d$x) / sqrt(39 / 40)
  for (k in 2:4) {
    r <- d$y - drop(cbind(1, d$x) %*% b[, k])
    g <- drop(crossprod(z, r)) / 40
    expect_lt(t[k] * max(abs(g)) - sum(g * b[-1, k] * fit$unit), 1e-9 * var(d$y))
  }
  expect_equal(coef(fit, t = 2 * total)[, 1], coef(fit)[, length(fit$lambda)])
  expect_refused(coef(lars_path(d$x, d$y, type = "lar"), t = 1), "unavailable")
  expect_refused(coef(fit, lambda = 1, t = 1), "unknown_argument")
})

test_that("the published path of the diabetes data", {
  peer <- "lars"
  skip_if_not_installed(peer)
  set <- new.env()
  utils::data(list = "diabetes", package = peer, envir = set)
  x <- unclass(set$diabetes$x)
  y <- set$diabetes$y
  fit <- lars_path(x, y)
  # Efron et al. (2004), section 3: bmi, ltg, map, hdl, sex, glu, tc, tch, ldl, age; hdl leaves and comes back
  expect_identical(fit$actions$variable, c("bmi", "ltg", "map", "hdl", "sex", "glu", "tc", "tch", "ldl", "age", "hdl", "hdl"))
  expect_identical(fit$actions$action, c(rep("joins", 10), "leaves", "joins"))
  lars <- getExportedValue("lars", "lars")
  for (type in c("lasso", "lar")) {
    peer <- lars(x, y, type = type)
    mine <- lars_path(x, y, type = type)
    expect_equal(mine$lambda[-length(mine$lambda)], peer$lambda / sqrt(442), tolerance = 1e-9)
    expect_equal(unname(t(as.matrix(mine$beta))), unname(coef(peer)), tolerance = 1e-8)
  }
})

test_that("ends: lambda.min, max.steps, a response without variation in the columns", {
  d <- lars_data(30, 50, 6)
  full <- lars_path(d$x, d$y)
  cut <- lars_path(d$x, d$y, lambda.min = 0.3)
  expect_equal(cut$lambda[length(cut$lambda)], 0.3)
  expect_lt(max(abs(coef(cut)[, length(cut$lambda)] - coef(full, lambda = 0.3))), 1e-12)
  expect_warning(coef(cut, lambda = 0.1), class = "sparsepath_warning_s_outside")
  few <- lars_path(d$x, d$y, max.steps = 3)
  expect_identical(few$end, "steps")
  expect_equal(few$lambda, full$lambda[1:4])
  none <- lars_path(d$x, d$y, lambda.min = 1e3)
  expect_identical(none$df, 0L)
  expect_equal(unname(none$a0), mean(d$y))
  flat <- lars_path(cbind(a = 1, b = d$x[, 1]), d$y)
  expect_true(all(flat$beta[1, ] == 0))
})

test_that("methods", {
  d <- lars_data(30, 5, 7)
  colnames(d$x) <- letters[1:5]
  fit <- lars_path(d$x, d$y)
  expect_identical(rownames(coef(fit)), c("(Intercept)", letters[1:5]))
  expect_equal(predict(fit, d$x, lambda = 0.1)[, 1], drop(cbind(1, d$x) %*% coef(fit, lambda = 0.1)[, 1]), ignore_attr = TRUE)
  expect_identical(predict(fit, lambda = c(a = 0.1), type = "nonzero")$a, unname(which(coef(fit, lambda = 0.1)[-1, 1] != 0)))
  expect_equal(predict(fit, d$x[, 5:1], t = 1), predict(fit, d$x, t = 1))
  expect_output(print(fit), "Exact lasso path")
  pdf(NULL)
  on.exit(dev.off())
  for (xvar in c("norm", "lambda", "step")) expect_null(plot(fit, xvar, label = TRUE))
  expect_identical(lars_path(d$x, d$y, threads = 2)[c("lambda", "beta")], fit[c("lambda", "beta")])
})

test_that("arguments are checked", {
  d <- lars_data(10, 3, 8)
  expect_refused(lars_path(d$x, d$y, type = "forward"), "choice")
  expect_refused(lars_path(d$x, d$y, type = "lar", lambda2 = 1), "unavailable")
  expect_refused(lars_path(d$x, d$y, lambda2 = -1), "range")
  expect_refused(lars_path(d$x, d$y[-1]), "length")
  expect_refused(lars_path(replace(d$x, 4, NA), d$y), "nonfinite")
  expect_refused(lars_path(d$x, rep(1, 10)), "constant_y")
  expect_refused(coef(lars_path(d$x, d$y), lambda = -1), "range")
})

test_that("kkt() certifies the knots independently", {
  d <- lars_data(30, 40, 9)
  fit <- lars_path(d$x, d$y)
  k <- kkt(fit, d$x, d$y)
  inner <- fit$lambda > 1e-6
  expect_true(all(k$rel.gap[inner] < 1e-10))
  expect_identical(k$df, fit$df)
})

test_that("kkt() judges the problem of the path: ridge part, weights, no standardization, any lambda", {
  d <- lars_data(30, 40, 10)
  for (a in list(list(lambda2 = 0.3), list(lambda2 = 2, weights = d$w), list(weights = d$w, standardize = FALSE), list(lambda2 = 0.1, intercept = FALSE))) {
    fit <- do.call(lars_path, c(list(d$x, d$y), a))
    k <- kkt(fit, d$x, d$y, weights = a$weights)
    expect_equal(k$lambda, fit$lambda)
    inner <- fit$lambda > 1e-6
    expect_lt(max(k$rel.gap), 1e-10)
    expect_lt(max(k$kkt[inner]), 1e-6)
    s <- fit$lambda[c(3, 8)] * 0.9
    k <- kkt(fit, d$x, d$y, weights = a$weights, lambda = s)
    expect_equal(k$lambda, s)
    expect_lt(max(k$kkt), 1e-8)
    worse <- fit
    worse$beta[, 5] <- 1.01 * worse$beta[, 5]
    expect_gt(kkt(worse, d$x, d$y, weights = a$weights)$kkt[5], 1e-4)
    if (!is.null(a$weights)) expect_refused(kkt(fit, d$x, d$y), "missing_argument")
  }
  expect_refused(kkt(lars_path(d$x, d$y, type = "lar"), d$x, d$y), "unavailable")
})
