# Runs tests/testthat on the installed package, in a copy of the tests so that nothing in the tree changes.
# Prints what fails, then `N passed, N failed`. Rscript tools/testthat.R [filter]

args <- commandArgs(trailingOnly = TRUE)
Sys.setenv(NOT_CRAN = "true")
dir <- tempfile("sparsepath-tests-")
dir.create(dir)
file.copy("tests/testthat", dir, recursive = TRUE)

library(testthat)
results <- test_dir(
  file.path(dir, "testthat"),
  package = "sparsepath", load_package = "installed", filter = if (length(args)) args[1],
  reporter = CheckReporter$new(), stop_on_failure = FALSE, stop_on_warning = FALSE
)
table <- as.data.frame(results)
n_failed <- sum(table$failed) + sum(table$error)
n_passed <- sum(vapply(results, function(test) sum(vapply(test$results, inherits, NA, "expectation_success")), 0L))
n_skipped <- sum(table$skipped)
slow <- utils::head(table[order(-table$real), c("file", "test", "real")], 5)
cat("slowest:\n")
cat(sprintf("  %6.1f s  %s: %s\n", slow$real, slow$file, slow$test), sep = "")
if (n_skipped) cat(n_skipped, "tests skipped\n")
cat(sprintf("%d passed, %d failed\n", n_passed, n_failed))
quit(status = as.integer(n_failed > 0))
