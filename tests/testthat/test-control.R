test_that("defaults", {
  control <- sparsepath.control()
  expect_s3_class(control, "sparsepath.control")
  expect_identical(control$thresh, 1e-7)
  expect_identical(control$fdev, 1e-5)
  expect_identical(control$devmax, 0.999)
  expect_identical(control$threads, 1L)
  expect_identical(control$solver, "auto")
})

test_that("the number of threads is an option of the session", {
  old <- options(sparsepath.threads = 2)
  on.exit(options(old))
  expect_identical(sparsepath.control()$threads, 2L)
})

test_that("values are checked", {
  expect_refused(sparsepath.control(thresh = 0), "range")
  expect_refused(sparsepath.control(thresh = NA), "type")
  expect_refused(sparsepath.control(threads = 0), "range")
  expect_refused(sparsepath.control(threads = 1.5), "range")
  expect_refused(sparsepath.control(maxit = 0), "range")
  expect_refused(sparsepath.control(dfmax = 0), "range")
  expect_refused(sparsepath.control(solver = "newton"), "choice")
  expect_refused(sparsepath.control(screen = NA), "type")
  expect_refused(sparsepath.control(trace.it = 2), "range")
})

test_that("a plain list is accepted if its names are known", {
  p <- make_problem(20, 5)
  expect_identical(sparsepath(p$x, p$y, control = list(thresh = 1e-9))$control, sparsepath.control(thresh = 1e-9))
  expect_refused(sparsepath(p$x, p$y, control = list(tresh = 1e-9)), "unknown_argument")
  expect_refused(sparsepath(p$x, p$y, control = list(1e-9)), "type")
})

test_that("limits of the path", {
  p <- make_problem(40, 60, seed = 3)
  all <- sparsepath(p$x, p$y, control = sparsepath.control(fdev = 0, devmax = 1))
  expect_length(all$lambda, 100)
  expect_identical(all$end, "complete")
  few <- sparsepath(p$x, p$y, control = sparsepath.control(dfmax = 5))
  expect_identical(few$end, "dfmax")
  expect_lte(max(few$df[-length(few$df)]), 5)
  expect_gt(few$df[length(few$df)], 5)
  early <- sparsepath(p$x, p$y, control = sparsepath.control(devmax = 0.5))
  expect_identical(early$end, "devmax")
  expect_equal(early$beta, all$beta[, seq_along(early$lambda)])
  # a lambda of one's own is honoured in full
  own <- sparsepath(p$x, p$y, lambda = all$lambda, control = sparsepath.control(devmax = 0.5))
  expect_identical(own$end, "complete")
  expect_length(own$lambda, 100)
})

test_that("print", {
  expect_snapshot(print(sparsepath.control(threads = 2)))
})
