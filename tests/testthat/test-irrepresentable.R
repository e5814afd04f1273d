test_that("the value is that of the formula, with and without scaling", {
  set.seed(1)
  x <- matrix(rnorm(40 * 6), 40) %*% matrix(rnorm(36), 6) + 3
  for (how in 1:4) {
    std <- how %% 2 == 0
    int <- how > 2
    z <- scale(x, center = int, scale = FALSE)
    if (std) z <- sweep(z, 2, apply(x, 2, function(v) sqrt(mean((v - mean(v))^2))), "/")
    C <- crossprod(z) / 40
    s <- c(5, 2)
    sign <- c(-1, 1)
    value <- drop(C[-s, s] %*% solve(C[s, s], sign))
    out <- irrepresentable(x, s, sign, standardize = std, intercept = int)
    expect_equal(out$value, max(abs(value)))
    expect_equal(unname(out$by.column[paste0("V", setdiff(1:6, s))]), value)
    worst <- irrepresentable(x, s, standardize = std, intercept = int)
    all_signs <- expand.grid(c(-1, 1), c(-1, 1))
    expect_equal(worst$value, max(abs(C[-s, s] %*% solve(C[s, s], t(all_signs)))))
  }
  expect_equal(irrepresentable(Matrix::Matrix(x, sparse = TRUE), 1:2, c(1, 1))$value, irrepresentable(x, 1:2, c(1, 1))$value)
})

test_that("it says what the lasso does without noise", {
  set.seed(1)
  x <- scale(matrix(rnorm(600), 200))
  x[, 3] <- 2 / 3 * (x[, 1] + x[, 2]) + x[, 3] / 3
  for (sign in list(c(1, 1), c(1, -1))) {
    fit <- lars_path(x, drop(x[, 1:2] %*% sign))
    wrong <- any(fit$beta[3, ] != 0)
    expect_identical(irrepresentable(x, 1:2, sign)$holds, !wrong)
  }
})

test_that("errors and printing", {
  x <- cbind(a = c(1, 2, 3, 5), b = c(2, 1, 4, 3), c = c(3, 3, 7, 8), d = 1)
  expect_output(print(irrepresentable(x, "a", 1)), "cannot be verified from data")
  expect_identical(names(irrepresentable(x, "a", 1)$by.column), c("c", "b")) # constant columns are out
  expect_refused(irrepresentable(x, c("a", "b", "c")), "dependent")
  expect_refused(irrepresentable(x, "e"), "names")
  expect_refused(irrepresentable(x, 1:2, 1), "length")
  expect_refused(irrepresentable(x, 1, 0), "range")
  expect_refused(irrepresentable(x, c(1, 1)), "range")
  expect_refused(irrepresentable(x, 9), "range")
  expect_refused(irrepresentable(x), "missing_argument")
})
