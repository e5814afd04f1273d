# Data for benchmarks: real expression sets, read from CRAN source packages at run time (nothing of them is kept in this
# repository), and simulators. Base R and Matrix only. Every function returns list(name, x, y, family).
#
#   source("bench/datasets.R")
#   d <- real_set("riboflavin")      # NULL, with a message, when it is neither cached nor to be had (off line)
#   d <- sim_ar(200, 20000, rho = .8)
#
# Source packages are kept in bench/cache/, or in the folder that SPARSEPATH_BENCH_CACHE names.

bench_cache <- function() {
  dir <- Sys.getenv("SPARSEPATH_BENCH_CACHE", file.path("bench", "cache"))
  dir.create(dir, recursive = TRUE, showWarnings = FALSE)
  dir
}

# The source tarball of a CRAN package: from the cache, else downloaded; NULL when that fails.
source_package <- function(package) {
  cached <- list.files(bench_cache(), sprintf("^%s_.*\\.tar\\.gz$", package), full.names = TRUE)
  if (length(cached)) return(cached[length(cached)])
  repos <- getOption("repos")
  if (is.null(repos) || "@CRAN@" %in% repos) repos <- c(CRAN = "https://cloud.r-project.org")
  got <- tryCatch(
    suppressWarnings(utils::download.packages(package, bench_cache(), repos = repos, type = "source", quiet = TRUE)),
    error = function(e) NULL
  )
  if (is.null(got) || !nrow(got) || !file.exists(got[1, 2])) NULL else got[1, 2]
}

# The objects of some data files of a source package, as an environment
package_data <- function(package, files) {
  tarball <- source_package(package)
  if (is.null(tarball)) return(NULL)
  dir <- tempfile("sparsepath-data-")
  dir.create(dir)
  on.exit(unlink(dir, recursive = TRUE))
  paths <- file.path(package, "data", files)
  utils::untar(tarball, files = paths, exdir = dir)
  env <- new.env()
  for (path in file.path(dir, paths)) load(path, env)
  env
}

# Class label in the last column
labelled <- function(...) {
  d <- rbind(...)
  list(x = as.matrix(d[-ncol(d)]), y = d[[ncol(d)]])
}

# name -> function returning list(x, y) or NULL; the first package that can be had is used
real_sets <- list(
  # Alon et al. (1999), shipped with sparsepath: 62 x 2000
  colon = function() {
    env <- new.env()
    load(file.path("data", "colon.rda"), env)
    list(x = log2(env$colon$x), y = as.integer(env$colon$y == "tumor"))
  },
  # Buehlmann, Kalisch and Meier (2014): 71 x 4088, quantitative
  riboflavin = function() {
    env <- package_data("hdi", "riboflavin.RData")
    if (is.null(env)) env <- package_data("ScaleSpikeSlab", "riboflavin.RData")
    if (is.null(env)) return(NULL)
    x <- env$riboflavin$x
    list(x = matrix(as.numeric(x), nrow(x), dimnames = list(NULL, colnames(x))), y = as.numeric(env$riboflavin$y))
  },
  # Alizadeh et al. (2000): 62 x 4026, diffuse large B-cell lymphoma against the two other kinds
  lymphoma = function() {
    env <- package_data("spls", "lymphoma.RData")
    if (!is.null(env)) list(x = env$lymphoma$x, y = as.integer(env$lymphoma$y == 0))
  },
  # Singh et al. (2002), preprocessed: 102 x 6033
  singh = function() {
    env <- package_data("sda", "singh2002.rda")
    if (!is.null(env)) list(x = env$singh2002$x, y = as.integer(env$singh2002$y == "cancer"))
  },
  # Golub et al. (1999): 72 x 7129
  leukemia = function() {
    env <- package_data("SIS", c("leukemia.train.rda", "leukemia.test.rda"))
    if (!is.null(env)) labelled(env$leukemia.train, env$leukemia.test)
  },
  # Singh et al. (2002), all probes of the training set: 102 x 12600
  prostate = function() {
    env <- package_data("SIS", "prostate.train.rda")
    if (!is.null(env)) labelled(env$prostate.train)
  }
)

# family "gaussian" on a binary response means: least squares on the 0/1 coding
real_set <- function(name, family = if (name == "riboflavin") "gaussian" else "binomial") {
  d <- real_sets[[name]]()
  if (is.null(d)) {
    message("data set ", name, " skipped: not cached, and it could not be downloaded")
    return(NULL)
  }
  x <- unname(d$x)
  storage.mode(x) <- "double"
  y <- as.numeric(d$y)
  stopifnot(is.matrix(x), all(is.finite(x)), length(y) == nrow(x), all(is.finite(y)))
  if (name != "riboflavin") {
    y <- as.numeric(y == max(y))
    stopifnot(length(unique(y)) == 2)
  } else stopifnot(family == "gaussian")
  list(name = name, x = x, y = y, family = family)
}

# ---- simulators ----------------------------------------------------------------------------------
# k effects of size 1 at even distances with alternating signs; the signal-to-noise ratio is var(eta) / var(noise).

respond <- function(name, x, k, snr, family) {
  n <- nrow(x)
  support <- unique(round(seq(1, ncol(x), length.out = k)))
  effect <- rep_len(c(1, -1), length(support))
  eta <- as.numeric(x[, support, drop = FALSE] %*% effect)
  y <- if (family == "gaussian") {
    eta + sqrt(stats::var(eta) / snr) * stats::rnorm(n)
  } else {
    as.numeric(stats::runif(n) < stats::plogis(sqrt(snr) * 2 * (eta - mean(eta)) / stats::sd(eta)))
  }
  list(name = name, x = x, y = y, family = family)
}

sim_iid <- function(n, p, k = 20, snr = 3, family = "gaussian", seed = 1) {
  set.seed(seed)
  respond(sprintf("iid %d x %d", n, p), matrix(stats::rnorm(n * p), n, p), k, snr, family)
}

# neighbouring columns correlate rho, columns at distance d rho^d
sim_ar <- function(n, p, rho = .8, k = 20, snr = 3, family = "gaussian", seed = 1) {
  set.seed(seed)
  x <- matrix(stats::rnorm(n * p), n, p)
  for (j in seq_len(p)[-1]) x[, j] <- rho * x[, j - 1] + sqrt(1 - rho^2) * x[, j]
  respond(sprintf("AR(%g) %d x %d", rho, n, p), x, k, snr, family)
}

# every pair of columns correlates rho
sim_compound <- function(n, p, rho = .8, k = 20, snr = 3, family = "gaussian", seed = 1) {
  set.seed(seed)
  x <- matrix(stats::rnorm(n * p), n, p)
  x <- sqrt(1 - rho) * x + sqrt(rho) * stats::rnorm(n)
  respond(sprintf("compound(%g) %d x %d", rho, n, p), x, k, snr, family)
}

# Like a table of word frequencies: a dgCMatrix whose column frequencies follow Zipf's law, values log(1 + count)
sim_text <- function(n = 5000, p = 50000, density = .002, k = 50, snr = 3, family = "gaussian", seed = 1) {
  set.seed(seed)
  weight <- 1 / seq_len(p)^.7
  count <- pmin(n %/% 2, pmax(1, round(weight / sum(weight) * n * p * density)))
  rows <- unlist(lapply(count, function(m) sort(sample.int(n, m))))
  x <- methods::new("dgCMatrix",
    i = rows - 1L, p = as.integer(c(0, cumsum(count))), Dim = as.integer(c(n, p)),
    x = log1p(1 + stats::rgeom(length(rows), .6))
  )
  x <- x[, sample.int(p)]
  # effects among the hundred most frequent words, where there is something to find
  frequent <- order(-diff(x@p))[seq_len(min(p, 2 * k))]
  d <- respond(sprintf("text %d x %d, %.2g%%", n, p, 100 * length(x@x) / n / p), x[, frequent], k, snr, family)
  d$x <- x
  d
}
