# Rebuilds data/colon.rda from the CRAN source package plsgenomics (GPL (>= 2); version 1.5-3 was used).
#
#   Rscript data-raw/colon.R [plsgenomics_<version>.tar.gz]
#
# Values: exactly those of plsgenomics::Colon, which are those of AlonDS in the CRAN package HiDimDA and those that
# Alon et al. (1999) published: intensities, not logarithms. Nothing is rounded, scaled, filtered or imputed.

self <- sub("^--file=", "", grep("^--file=", commandArgs(), value = TRUE))
root <- dirname(dirname(normalizePath(self)))
tarball <- commandArgs(trailingOnly = TRUE)
if (!length(tarball)) {
  repos <- getOption("repos")
  if (!length(repos) || identical(unname(repos[["CRAN"]]), "@CRAN@")) repos <- c(CRAN = "https://cloud.r-project.org")
  tarball <- download.packages("plsgenomics", tempdir(), repos = repos, type = "source")[1, 2]
}
untar(tarball, files = "plsgenomics/data/Colon.rda", exdir = tempdir())
load(file.path(tempdir(), "plsgenomics/data/Colon.rda"))

id <- trimws(Colon$gene.names)
# Three identifiers lost their first letters on the way into the source package.
id <- sub("^(a|sa)\\.", "Hsa.", id)
control <- !grepl("^Hsa\\.[0-9]+$", id)

x <- Colon$X
storage.mode(x) <- "double"
name <- make.unique(id)
dimnames(x) <- list(sprintf("S%02d", seq_len(nrow(x))), name)
y <- factor(ifelse(Colon$Y == 2, "tumor", "normal"), levels = c("normal", "tumor"))

stopifnot(
  dim(x) == c(62, 2000), !anyDuplicated(name), all(is.finite(x)), x > 0,
  table(y) == c(22, 40), sum(control) == 12,
  all.equal(range(x), c(5.81625, 20903.177)), all.equal(sum(x), 50069500.3061456, tolerance = 1e-12)
)

colon <- list(x = x, y = y, genes = data.frame(name = name, id = id, control = control, stringsAsFactors = FALSE))
dir.create(file.path(root, "data"), showWarnings = FALSE)
save(colon, file = file.path(root, "data", "colon.rda"), compress = "xz", compression_level = 9, version = 2)
cat("data/colon.rda:", file.size(file.path(root, "data", "colon.rda")), "bytes\n")
