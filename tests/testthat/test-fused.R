# The fused lasso of a signal. The oracle works from the stated objective alone.

# relative gap of b, by a dual point made here; sorted out without the package
fused_gap <- function(y, w, b0, lambda, lambda1 = 0) {
  n <- length(y)
  b <- sign(b0) * pmax(abs(b0) - lambda1, 0)
  value <- sum(w * (y - b)^2) / 2 + lambda * sum(abs(diff(b))) + lambda1 * sum(w * abs(b))
  u <- pmin(pmax(cumsum(w * (b0 - y))[-n], -lambda), lambda)
  z <- c(0, u) - c(u, 0) # D'u
  v <- pmin(pmax(w * (y - b) - z, -lambda1 * w), lambda1 * w)
  dual <- sum((z + v) * y) - sum((z + v)^2 / w) / 2
  c(gap = value - dual, value = value, null = sum(w * (y - sum(w * y) / sum(w))^2) / 2)
}

signal <- function(n, seed, ties = FALSE) {
  set.seed(seed)
  y <- cumsum(rnorm(n) * (runif(n) < 0.1)) + rnorm(n, sd = 0.5)
  if (ties) round(y) else y
}

test_that("one lambda is optimal, whatever data, weights and lambda", {
  for (case in 1:40) {
    n <- c(2, 3, 5, 17, 100, 1000)[case %% 6 + 1]
    y <- signal(n, case, ties = case %% 5 == 0) + if (case %% 7 == 0) 1e6 else 0
    w <- if (case %% 3 == 0) runif(n, 0.1, 3) else NULL
    lambda <- c(0, 0.01, 0.1, 0.5, 2, 10, 1e4)
    fit <- fused_lasso(y, w, lambda)
    for (l in seq_along(fit$lambda)) {
      g <- fused_gap(y, if (is.null(w)) rep(1, n) else w, fit$beta[, l], fit$lambda[l])
      expect_lte(abs(g[["gap"]]), 1e-9 * max(g[["null"]], 1e-3))
    }
    expect_true(all(fit$gap >= 0 & fit$gap < 1e-12))
    expect_equal(fit$df, unname(apply(fit$beta, 2, function(b) 1 + sum(diff(b) != 0))))
  }
})

test_that("the ends of the path", {
  y <- signal(50, 1)
  fit <- fused_lasso(y)
  expect_equal(unname(coef(fit, lambda = 0)[, 1]), y, tolerance = 1e-14)
  top <- fit$lambda[1]
  # all fused: the largest running sum of the deviations from the mean
  expect_equal(top, max(abs(cumsum(y - mean(y)))), tolerance = 1e-12)
  expect_equal(unname(coef(fit, lambda = top)[, 1]), rep(mean(y), 50), tolerance = 1e-13)
  expect_gt(length(unique(coef(fit, lambda = top * (1 - 1e-6))[, 1])), 1)
  expect_identical(fit$df[1], 1L)
})

test_that("three values by hand", {
  # 0, 3, 1: at lambda the peak falls by 2 lambda, the ends rise by lambda; 3 - 2 l = 1 + l at 2/3, then level 5/3 and 0 + l,
  # (4 - l) / 2 = l at 4/3
  fit <- fused_lasso(c(0, 3, 1))
  expect_equal(fit$lambda, c(4 / 3, 2 / 3))
  expect_equal(fit$fuse, c(4 / 3, 2 / 3))
  expect_equal(unname(coef(fit, lambda = c(0.5, 1))), cbind(c(0.5, 2, 1.5), c(1, 1.5, 1.5)))
  expect_identical(fit$df, c(1L, 2L))
})

test_that("path and dynamic programme agree at every lambda", {
  for (case in 1:25) {
    n <- c(2, 3, 10, 60, 400)[case %% 5 + 1]
    y <- signal(n, 100 + case, ties = case %% 4 == 0)
    w <- if (case %% 2) sample(c(0.5, 1, 2), n, TRUE)
    path <- fused_lasso(y, w)
    knots <- path$lambda
    s <- unique(c(utils::head(knots, 15), knots * 0.999, 0.37 * knots[1], 0))
    s <- s[seq_len(min(length(s), 40))]
    direct <- fused_lasso(y, w, lambda = s)
    expect_lt(max(abs(coef(path, lambda = direct$lambda) - direct$beta)), 1e-11 * max(1, abs(y)))
    expect_true(all(kkt(path, lambda = s)$rel.gap < 1e-12))
  }
})

test_that("sparse fits are optimal, with weights too", {
  for (case in 1:20) {
    n <- c(2, 10, 200)[case %% 3 + 1]
    y <- signal(n, 200 + case)
    w <- if (case %% 2) runif(n, 0.2, 2) else rep(1, n)
    for (lambda1 in c(0.05, 0.4, 2)) {
      dense <- fused_lasso(y, w, lambda = c(1, 0.2))
      fit <- fused_lasso(y, w, lambda = c(1, 0.2), lambda1 = lambda1)
      for (l in 1:2) {
        g <- fused_gap(y, w, dense$beta[, l], fit$lambda[l], lambda1)
        expect_lte(abs(g[["gap"]]), 1e-10 * (1 + g[["null"]]))
        expect_equal(kkt(fit)$objective[l], g[["value"]], tolerance = 1e-12)
        expect_equal(unname(fit$beta[, l]), unname(soft_threshold(dense$beta[, l], lambda1)), tolerance = 1e-13)
      }
      expect_true(all(fit$gap < 1e-12))
    }
  }
})

test_that("the certificate is the gap of what is certified", {
  # not optimal: the solution of another lambda, through the path's own reader
  y <- signal(100, 3)
  path <- fused_lasso(y)
  wrong <- path
  wrong$fuse <- path$fuse * 1.5
  k <- kkt(wrong, lambda = 1)
  b <- coef(wrong, lambda = 1)[, 1]
  value <- sum((y - b)^2) / 2 + sum(abs(diff(b)))
  best <- kkt(path, lambda = 1)$objective
  expect_gt(value - best, 1e-4)
  expect_equal(k$objective, value)
  expect_gte(k$gap, value - best)
})

test_that("weights are copies, scale and order do not matter", {
  y <- signal(40, 4)
  w <- sample(1:3, 40, TRUE)
  many <- fused_lasso(rep(y, w), lambda = c(2, 0.5))
  few <- fused_lasso(y, w, lambda = c(2, 0.5))
  # copies of one place with different values of their own cannot part either
  expect_equal(unname(few$beta), unname(many$beta[cumsum(w), ]), tolerance = 1e-11)
  expect_equal(unname(coef(fused_lasso(rev(y)), lambda = 1)), unname(coef(fused_lasso(y), lambda = 1)[40:1, , drop = FALSE]), tolerance = 1e-12)
  expect_equal(unname(coef(fused_lasso(10 * y), lambda = 10)), 10 * unname(coef(fused_lasso(y), lambda = 1)), tolerance = 1e-12)
  expect_equal(unname(coef(fused_lasso(y, rep(5, 40)), lambda = 5)), unname(coef(fused_lasso(y), lambda = 1)), tolerance = 1e-12)
})

test_that("values of weight zero are not looked at", {
  y <- signal(30, 5)
  w <- rep(1, 30)
  hidden <- c(1, 2, 10, 11, 30)
  w[hidden] <- 0
  spoilt <- replace(y, hidden, 1e5)
  for (fit in list(fused_lasso(spoilt, w), fused_lasso(spoilt, w, lambda = 0.8))) {
    b <- coef(fit, lambda = 0.8)[, 1]
    expect_equal(unname(b[-hidden]), unname(coef(fused_lasso(y[-hidden]), lambda = 0.8)[, 1]), tolerance = 1e-13)
    expect_identical(unname(b[c(1, 2, 10, 11, 30)]), unname(b[c(3, 3, 9, 9, 29)]))
  }
  expect_equal(fused_lasso(c(1, 5), c(0, 1))$lambda, 0)
})

test_that("it is a lasso on steps: the same answer from sparsepath()", {
  y <- signal(60, 6)
  steps <- outer(1:60, 2:60, ">=") + 0
  fit <- sparsepath(steps, y, lambda = c(1.5, 0.3) / 60, standardize = FALSE)
  expect_equal(unname(predict(fit, steps)), unname(fused_lasso(y, lambda = c(1.5, 0.3))$beta), tolerance = 1e-9)
})

test_that("segments tile the signal and hold its means", {
  y <- signal(80, 7)
  w <- runif(80)
  fit <- fused_lasso(y, w, lambda = c(1, 0.2))
  s <- predict(fit, type = "segments")
  expect_equal(as.vector(table(s$lambda)[as.character(c(1, 0.2))]), fit$df)
  one <- s[s$lambda == 0.2, ]
  expect_equal(sum(one$length), 80)
  expect_equal(one$start[-1], one$end[-nrow(one)] + 1)
  expect_equal(rep(one$level, one$length), unname(fit$beta[, 2]))
  expect_equal(one$mean[2], weighted.mean(y[one$start[2]:one$end[2]], w[one$start[2]:one$end[2]]))
})

test_that("a million values", {
  skip_on_cran()
  set.seed(1)
  y <- rep(rnorm(100), each = 1e4) + rnorm(1e6)
  expect_lt(fused_lasso(y, lambda = 50)$gap, 1e-12)
})

test_that("methods", {
  y <- structure(signal(20, 8), names = letters[1:20])
  fit <- fused_lasso(y, lambda = c(1, 2))
  expect_identical(fit$lambda, c(2, 1))
  expect_identical(rownames(coef(fit)), letters[1:20])
  expect_identical(coef(fit, lambda = c(a = 1)), structure(fit$beta[, 2, drop = FALSE], dimnames = list(letters[1:20], "a")))
  expect_identical(fitted(fit), coef(fit))
  expect_identical(predict(fit), coef(fit))
  expect_output(print(fit), "Fused lasso of 20 values")
  expect_output(print(fused_lasso(y)), "All lambdas: 19 knots")
  pdf(NULL)
  on.exit(dev.off())
  expect_null(plot(fit, main = "x"))
})

test_that("arguments are checked", {
  expect_refused(fused_lasso(), "missing_argument")
  expect_refused(fused_lasso("a"), "type")
  expect_refused(fused_lasso(1), "length")
  expect_refused(fused_lasso(c(1, NA)), "nonfinite")
  expect_refused(fused_lasso(1:3, weights = 1:2), "length")
  expect_refused(fused_lasso(1:3, weights = c(1, -1, 1)), "range")
  expect_refused(fused_lasso(1:3, weights = c(0, 0, 0)), "range")
  expect_refused(fused_lasso(1:3, lambda = -1), "range")
  expect_refused(fused_lasso(1:3, lambda1 = -1), "range")
  expect_refused(coef(fused_lasso(1:3)), "missing_argument")
  expect_refused(coef(fused_lasso(1:3), s = 1), "unknown_argument")
  expect_refused(plot(fused_lasso(1:3)), "missing_argument")
})

test_that("soft-thresholding", {
  expect_equal(soft_threshold(c(-3, -1, 0, 0.5, 2), 1), c(-2, 0, 0, 0, 1))
  expect_equal(soft_threshold(matrix(1:4, 2), c(0, 1, 5, 2)), matrix(c(1, 1, 0, 2), 2))
  # it minimizes its objective
  z <- c(-2, 0.3, 1.7)
  for (i in 1:3) {
    best <- optimize(function(b) (z[i] - b)^2 / 2 + 0.6 * abs(b), c(-3, 3), tol = 1e-10)
    expect_equal(soft_threshold(z[i], 0.6), best$minimum, tolerance = 1e-6)
  }
  expect_identical(soft_threshold(NA_real_, 1), NA_real_)
  expect_refused(soft_threshold("a", 1), "type")
  expect_refused(soft_threshold(1, -1), "range")
  expect_refused(soft_threshold(1:3, 1:2), "length")
})

test_that("huge and tiny values have the same fit and certificate", {
  y <- with_seed(5, rep(rnorm(6), each = 10) + rnorm(60, sd = 0.3))
  s <- c(2, 0.5, 0.1)
  f <- fused_lasso(y, lambda = s, lambda1 = 0.05)
  for (unit in 2^c(-1000, -500, 500, 1000)) {
    g <- fused_lasso(y * unit, lambda = s * unit, lambda1 = 0.05 * unit)
    expect_equal(unname(g$beta) / unit, unname(f$beta), tolerance = 1e-14)
    expect_true(all(is.finite(g$gap)) && max(g$gap) < 1e-12)
    path <- fused_lasso(y * unit)
    expect_equal(unname(coef(path, lambda = s * unit)) / unit, unname(coef(fused_lasso(y), lambda = s)), tolerance = 1e-14)
  }
})
