test_that("errors have a class, the user's call, and the data behind the message", {
  e <- tryCatch(
    sp_abort("demo", "What.", why = "Why.", how = c("How.", "Or so."), call = shown_call("sparsepath"), value = 7),
    error = identity
  )
  expect_s3_class(e, c("sparsepath_error_demo", "sparsepath_error", "error", "condition"), exact = TRUE)
  expect_identical(conditionMessage(e), "What.\nx Why.\ni How.\ni Or so.")
  expect_identical(conditionCall(e), quote(sparsepath()))
  expect_identical(e$value, 7)
})

test_that("warnings have a class", {
  w <- warnings_of(sp_warn("demo", "What."))
  expect_length(w, 1)
  expect_s3_class(w[[1]], c("sparsepath_warning_demo", "sparsepath_warning", "warning", "condition"), exact = TRUE)
})

test_that("an interrupt is R's own condition, not an error", {
  caught <- tryCatch(sp_interrupt(), interrupt = function(i) "interrupt", error = function(e) "error")
  expect_identical(caught, "interrupt")
  caught <- tryCatch(abort_engine(list(error = "interrupt", where = NA, msg = ""), NULL, NULL), interrupt = function(i) "interrupt")
  expect_identical(caught, "interrupt")
})

test_that("statuses of the engine become classed errors", {
  x <- matrix(c(1, 2, NA, 4), 2, dimnames = list(NULL, c("a", "b")))
  expect_refused(abort_engine(list(error = "nomem", where = NA, msg = ""), x, NULL), "nomem")
  expect_refused(abort_engine(list(error = "corrupt", where = 2, msg = ""), x, NULL), "corrupt")
  expect_refused(abort_engine(list(error = "unsupported", where = NA, msg = "m"), x, NULL), "unavailable")
  expect_refused(abort_engine(list(error = "odd", where = NA, msg = ""), x, NULL), "engine")
  expect_match(message_of(abort_engine(list(error = "nonfinite", where = 2, msg = ""), x, NULL)), "NA in row 1, column 2 (\"b\")", fixed = TRUE)
})
