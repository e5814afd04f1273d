# none of the problems 1 to n is wrong; extreme scales may defeat the solver now and then, and then it must say so
expect_solved_or_said <- function(n, check) {
  said <- unlist(lapply(seq_len(n), check))
  flagged <- grepl("^flagged", said)
  wrong <- said[!flagged]
  expect(length(wrong) == 0, paste(c(paste(length(wrong), "of", n, "are wrong:"), head(wrong, 20)), collapse = "\n"))
  expect(sum(flagged) <= n / 200, paste(c(paste(sum(flagged), "of", n, "are given up:"), head(said[flagged], 20)), collapse = "\n"))
}

test_that("random small problems of every kind are solved, or said not to be", {
  n <- if (identical(Sys.getenv("NOT_CRAN"), "true")) 600 else 60
  expect_solved_or_said(n, fuzz_check)
})

test_that("random problems with many columns are solved", {
  n <- if (identical(Sys.getenv("NOT_CRAN"), "true")) 60 else 5
  said <- unlist(lapply(seq_len(n), fuzz_check, case = fuzz_wide))
  expect(length(said) == 0, paste(c(paste(length(said), "of", n, "are not:"), head(said, 20)), collapse = "\n"))
})

test_that("random small problems with every penalty are solved, or said not to be", {
  n <- if (identical(Sys.getenv("NOT_CRAN"), "true")) 400 else 40
  expect_solved_or_said(n, fuzz_penalty_check)
})

test_that("random small problems with bi-level penalties are solved, or said not to be", {
  n <- if (identical(Sys.getenv("NOT_CRAN"), "true")) 150 else 20
  expect_solved_or_said(n, fuzz_bilevel_check)
})
