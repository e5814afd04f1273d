# What can be tested about a picture: that it is drawn, for every argument, and what is refused.

p <- make_problem(40, 12, seed = 91)
x <- p$x
colnames(x) <- letters[1:12]
fit <- sparsepath(x, p$y)

on_paper <- function(expr) {
  path <- tempfile(fileext = ".pdf")
  grDevices::pdf(path)
  on.exit({
    grDevices::dev.off()
    unlink(path)
  })
  force(expr)
}

test_that("paths", {
  for (xvar in c("lambda", "norm", "dev")) for (label in list(FALSE, TRUE, 3)) {
    expect_silent(on_paper(plot(fit, xvar = xvar, label = label)))
  }
  expect_silent(on_paper(plot(fit, sign.lambda = 1, label = TRUE, main = "title", col = "black", ylim = c(-1, 1))))
  expect_silent(on_paper(plot(sparsepath(x, p$y, lambda = c(1, 0.1, 0)))))
  expect_silent(on_paper(plot(sparsepath(x[, 1, drop = FALSE], p$y))))
  expect_null(on_paper(plot(fit)))
})

test_that("nothing to plot", {
  expect_warning(on_paper(plot(sparsepath(x, p$y, lambda = 100))), class = "sparsepath_warning_no_plot")
  expect_warning(on_paper(plot(sparsepath(x, p$y, lambda = 0.1))), class = "sparsepath_warning_no_plot")
  expect_refused(on_paper(plot(fit, xvar = "odd")), "choice")
  expect_refused(on_paper(plot(fit, label = -1)), "range")
})

test_that("cross-validation curves", {
  cv <- cv.sparsepath(x, p$y, foldid = p$fold)
  expect_silent(on_paper(plot(cv)))
  expect_silent(on_paper(plot(cv, sign.lambda = 1, main = "title", ylim = c(0, 5), cex = 2)))
  expect_silent(on_paper(plot(cv.sparsepath(x, p$y > 0, family = "binomial", type.measure = "class", foldid = p$fold, lambda = c(1, 0.1, 0)))))
})

test_that("labels are moved apart and stay inside", {
  y <- spread(c(1, 1.01, 1.02, 5), 0.5, c(0, 6))
  expect_true(all(diff(sort(y)) >= 0.49))
  expect_identical(order(y), 1:4)
  expect_true(all(y >= 0 & y <= 6))
  expect_identical(spread(3, 1, c(0, 6)), 3)
})
