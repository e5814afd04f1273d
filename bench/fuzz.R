# Random small problems of every kind by the thousands, judged by the verifier of the tests.
#
#   Rscript bench/fuzz.R            problems 1 to 5000
#   Rscript bench/fuzz.R 1 100000   other numbers; a number names a problem for ever
#   Rscript bench/fuzz.R wide 1 2000   problems with up to 2500 columns
#   Rscript bench/fuzz.R concave 1 5000   MCP and SCAD of norms, for all families, with limits
#   Rscript bench/fuzz.R bilevel 1 5000   composite MCP and group exponential lasso, for all families
#   Rscript bench/fuzz.R penalties 1 5000   groups, sparse groups, MCP, SCAD, adaptive factors, for all families
#
# Prints what is wrong, and leaves with status 1 when something is; a problem that is given up with status and warning is
# printed and counted apart. To look at one problem:
#   for (f in Sys.glob("tests/testthat/helper-*.R")) source(f); a <- fuzz_case(17); fit <- do.call(sparsepath, a)

if (!file.exists("bench/fuzz.R")) stop("Run this from the root of the repository: Rscript bench/fuzz.R")
extra <- Sys.getenv("SPARSEPATH_BENCH_LIB")
if (nzchar(extra)) .libPaths(c(strsplit(extra, .Platform$path.sep)[[1]], .libPaths()))
suppressPackageStartupMessages({
  library(Matrix)
  library(sparsepath)
  library(testthat)
})
for (f in Sys.glob("tests/testthat/helper-*.R")) source(f)

a0 <- a <- commandArgs(TRUE)
check <- if ("penalties" %in% a) fuzz_penalty_check else if ("bilevel" %in% a) fuzz_bilevel_check else if ("concave" %in% a) fuzz_concave_check else function(i) fuzz_check(i, if ("wide" %in% a0) fuzz_wide else fuzz_case)
a <- as.integer(setdiff(a, c("wide", "penalties", "concave", "bilevel")))
from <- if (length(a) > 0) a[1] else 1L
to <- if (length(a) > 1) a[2] else from + 4999L
wrong <- flagged <- slow <- 0L
start <- proc.time()[["elapsed"]]
for (i in from:to) {
  t <- proc.time()[["elapsed"]]
  said <- check(i)
  t <- proc.time()[["elapsed"]] - t
  if (!is.null(said)) {
    if (startsWith(said, "flagged")) flagged <- flagged + 1L else wrong <- wrong + 1L
    cat(said, "\n")
  }
  if (t > 2) {
    slow <- slow + 1L
    cat(sprintf("problem %d took %.1f s\n", i, t))
  }
}
cat(sprintf("%d problems: %d wrong, %d given up and said so, %d slow, %.0f s\n", to - from + 1L, wrong, flagged, slow, proc.time()[["elapsed"]] - start))
quit(status = as.integer(wrong > 0))
