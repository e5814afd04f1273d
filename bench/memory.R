# One call in a fresh process: peak resident memory above what is resident once x exists. Called by bench/run.R:
#   Rscript bench/memory.R sparsepath fit 1000 100000
# Prints "memory <MB of x> <MB beyond> <MB of the result> <seconds>".

a <- commandArgs(TRUE)
package <- a[1]
what <- a[2]
n <- as.integer(a[3])
p <- as.integer(a[4])

extra <- Sys.getenv("SPARSEPATH_BENCH_LIB")
if (nzchar(extra)) .libPaths(c(strsplit(extra, .Platform$path.sep)[[1]], .libPaths()))
suppressPackageStartupMessages(library(package, character.only = TRUE))

status <- function(field) { # MB
  line <- grep(paste0("^", field, ":"), readLines("/proc/self/status"), value = TRUE)
  as.numeric(gsub("[^0-9]", "", line)) / 1024
}

# code, BLAS buffers and lazy loading are paid before the measurement
set.seed(1)
tiny <- matrix(rnorm(40 * 20), 40)
run <- function(x, y) {
  if (package == "glmnet") {
    if (what == "cv") cv.glmnet(x, y, foldid = rep_len(1:10, nrow(x))) else glmnet(x, y)
  } else {
    if (what == "cv") cv.sparsepath(x, y, foldid = rep_len(1:10, nrow(x))) else sparsepath(x, y)
  }
}
invisible(run(tiny, rnorm(40)))

# x without temporary copies: filled column by column where it lies. Garbage is collected often, because freed memory that
# the process still holds would be taken for part of x and could hide what the call needs.
x <- matrix(0, n, p)
for (j in seq_len(p)) {
  x[, j] <- rnorm(n)
  if (j %% 200 == 0) gc()
}
y <- numeric(n)
for (j in seq(1, p, length.out = 20)) y <- y + x[, round(j)] * (-1)^round(j)
y <- y + sqrt(20 / 3) * rnorm(n)
invisible(gc(full = TRUE))

writeLines("5", "/proc/self/clear_refs") # the high-water mark starts again from here
base <- status("VmRSS")
t <- system.time(fit <- run(x, y))[["elapsed"]]
peak <- status("VmHWM")
cat("memory", n * p * 8 / 1024^2, peak - base, as.numeric(object.size(fit)) / 1024^2, t, "\n")
