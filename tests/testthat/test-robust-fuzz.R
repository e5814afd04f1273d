test_that("random small problems of every kind are solved", {
  n <- if (identical(Sys.getenv("NOT_CRAN"), "true")) 600 else 60
  wrong <- unlist(lapply(seq_len(n), fuzz_check))
  expect(is.null(wrong), paste(c(paste(length(wrong), "of", n, "are not:"), head(wrong, 20)), collapse = "\n"))
})
