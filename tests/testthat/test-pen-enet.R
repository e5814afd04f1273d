# pen_enet(): the argument `alpha` by another name.

test_that("pen_enet(a) is alpha = a, in fits, cross-validation, refits and updates", {
  d <- make_problem(40, 12, seed = 3)
  folds <- rep(1:5, 8)
  for (a in c(0, 0.3, 1)) {
    f <- sparsepath(d$x, d$y, alpha = a)
    g <- sparsepath(d$x, d$y, penalty = pen_enet(a))
    expect_identical(g[names(g) != "call"], f[names(f) != "call"])
    expect_identical(kkt(g, d$x, d$y), kkt(f, d$x, d$y))
    expect_identical(coef(update(g, nlambda = 7)), coef(update(f, nlambda = 7)))
    expect_identical(
      cv.sparsepath(d$x, d$y, penalty = pen_enet(a), foldid = folds)$cvm, cv.sparsepath(d$x, d$y, alpha = a, foldid = folds)$cvm
    )
  }
  expect_identical(sparsepath(d$x, d$y, alpha = 0.3, penalty = pen_enet(0.3))$alpha, 0.3)
})

test_that("two different mixes, or one out of range, are errors", {
  d <- make_problem(20, 3, seed = 4)
  expect_error(sparsepath(d$x, d$y, alpha = 0.3, penalty = pen_enet(0.5)), "0.3, and 0.5", class = "sparsepath_error_unknown_argument")
  expect_error(pen_enet(1.5), "`alpha`", class = "sparsepath_error_range")
  expect_error(pen_enet("a"), "`alpha`", class = "sparsepath_error_type")
})

test_that("it says what it is", {
  expect_identical(vapply(list(pen_enet(), pen_enet(0), pen_enet(0.25)), format, ""), c("lasso", "ridge", "elastic net, alpha = 0.25"))
  expect_output(print(pen_enet(0.25)), "elastic net, alpha = 0.25")
})
