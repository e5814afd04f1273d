p <- make_problem(60, 300, seed = 95)

test_that("trace.it shows a bar that reaches the end", {
  shown <- utils::capture.output(fit <- sparsepath(p$x, p$y, control = sparsepath.control(trace.it = 1)))
  expect_match(paste(shown, collapse = ""), "100%", fixed = TRUE)
  expect_identical(fit$beta, sparsepath(p$x, p$y)$beta)
  expect_silent(sparsepath(p$x, p$y))
})

test_that("progressr is used when it is loaded", {
  skip_if_not_installed("progressr")
  loadNamespace("progressr")
  old <- options(progressr.enable = TRUE)
  on.exit(options(old))
  types <- character()
  withCallingHandlers(
    sparsepath(p$x, p$y),
    progression = function(condition) types <<- c(types, condition$type)
  )
  expect_true("initiate" %in% types)
  expect_true("update" %in% types)
  expect_true("finish" %in% types)
})
