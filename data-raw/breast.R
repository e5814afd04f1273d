# Rebuilds data/vantveer.rda and data/vandevijver.rda from two CRAN source packages.
#
#   Rscript data-raw/breast.R [randomForestSRC_<version>.tar.gz penalized_<version>.tar.gz]
#
# Licences. randomForestSRC (3.9.0 was used) is under GPL (>= 3), the licence of this package; penalized (0.9-53 was used) under
# GPL (>= 2), which may be passed on under version 3. Both packages ship the data as part of themselves, without a licence of their own.
# Sets that are nearer to what was wanted (more patients, clinical variables and all genes together) are in packages under GPL version 2
# alone, which cannot be combined with version 3.
#
# Values: vantveer$x is randomForestSRC::vdv without its first two columns. They are log10 ratios of three decimals, as published, times
# log2(10), but for 106 values (103 of them of the 54th patient, for whom much was missing) that must have been imputed in the source.
# Nothing is filtered, scaled or imputed here. vandevijver is penalized::nki70; its ordered factor Grade becomes a plain one,
# in the order of its levels.

self <- sub("^--file=", "", grep("^--file=", commandArgs(), value = TRUE))
root <- dirname(dirname(normalizePath(self)))
tarballs <- commandArgs(trailingOnly = TRUE)
if (!length(tarballs)) {
  repos <- getOption("repos")
  if (!length(repos) || identical(unname(repos[["CRAN"]]), "@CRAN@")) repos <- c(CRAN = "https://cloud.r-project.org")
  known <- available.packages(repos = repos, filters = character()) # whatever R the packages need: only their data are read
  tarballs <- download.packages(c("randomForestSRC", "penalized"), tempdir(), available = known, repos = repos, type = "source")[, 2]
}
member <- function(tarball, path) {
  untar(tarball, files = path, exdir = tempdir())
  e <- new.env()
  load(file.path(tempdir(), path), e)
  e
}
write <- function(name, value) {
  assign(name, value)
  path <- file.path(root, "data", paste0(name, ".rda"))
  save(list = name, file = path, compress = "xz", compression_level = 9, version = 2)
  cat(name, ":", file.size(path), "bytes\n")
}

vdv <- member(tarballs[1], "randomForestSRC/data/vdv.rda")$vdv
x <- as.matrix(vdv[, -(1:2)])
storage.mode(x) <- "double"
thousandths <- x / log2(10) * 1000
stopifnot(
  names(vdv)[1:2] == c("Time", "Censoring"), dim(x) == c(78, 4705), !anyDuplicated(colnames(x)), all(is.finite(x)),
  sum(abs(thousandths - round(thousandths)) > 1e-3) == 106, table(vdv$Censoring) == c(44, 34),
  # 34 patients with metastases within five years, 44 free of them for five years or more
  vdv$Time[vdv$Censoring == 1] < 5, vdv$Time[vdv$Censoring == 0] >= 5
)
rownames(x) <- sprintf("P%02d", seq_len(nrow(x)))
write("vantveer", list(x = x, time = vdv$Time, status = as.integer(vdv$Censoring)))

nki70 <- member(tarballs[2], "penalized/data/nki70.RData")$nki70
stopifnot(dim(nki70) == c(144, 77), names(nki70)[1:7] == c("time", "event", "Diam", "N", "ER", "Grade", "Age"), !anyNA(nki70),
  sum(nki70$event) == 48)
nki70$Grade <- factor(nki70$Grade, ordered = FALSE)
names(nki70)[2] <- "status"
nki70$status <- as.integer(nki70$status)
rownames(nki70) <- NULL
write("vandevijver", nki70)
