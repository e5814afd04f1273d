# Data for the tests. Every generator takes a seed and leaves the session's random state alone.

with_seed <- function(seed, expr) {
  old <- get0(".Random.seed", globalenv(), inherits = FALSE)
  kind <- RNGkind()
  on.exit({
    RNGkind(kind[1], kind[2], kind[3])
    if (is.null(old)) {
      rm(list = intersect(".Random.seed", ls(globalenv(), all.names = TRUE)), envir = globalenv())
    } else {
      assign(".Random.seed", old, globalenv())
    }
  })
  set.seed(seed, "Mersenne-Twister", "Inversion", "Rejection")
  expr
}

# n x p normal columns: "iid", "ar" (neighbours correlate rho), "equi" (all pairs correlate rho);
# k effects of alternating sign and signal-to-noise ratio snr
make_problem <- function(n, p, kind = "iid", rho = 0, k = min(10, p), snr = 3, seed = 1, family = "gaussian") {
  with_seed(seed, {
    x <- matrix(rnorm(n * p), n, p)
    if (kind == "ar") for (j in seq_len(p)[-1]) x[, j] <- rho * x[, j - 1] + sqrt(1 - rho^2) * x[, j]
    if (kind == "equi") x <- sqrt(1 - rho) * x + sqrt(rho) * rnorm(n)
    j <- sort(sample.int(p, k))
    b <- rep_len(c(1, -1), k) * runif(k, 0.5, 1.5)
    f <- drop(x[, j, drop = FALSE] %*% b)
    y <- f + rnorm(n) * sd(f) / sqrt(snr)
    if (family == "binomial") y <- as.double(y > median(y))
    if (family == "poisson") y <- as.double(qpois(runif(n), exp(0.7 * (y - mean(y)) / sd(y) + 0.5)))
    list(x = x, y = y, w = runif(n, 0.2, 3), o = rnorm(n) * sd(y) / 2, fold = sample(rep_len(1:5, n)))
  })
}

# the expression set that the package ships: 62 tissues, 2000 genes
colon_data <- function() {
  e <- new.env()
  utils::data("colon", package = "sparsepath", envir = e)
  list(x = e$colon$x, y = e$colon$y, z = as.double(e$colon$y == levels(e$colon$y)[2]))
}

# sparse counts, most cells empty
make_sparse <- function(n, p, density = 0.1, seed = 1) {
  with_seed(seed, {
    m <- max(1, round(n * p * density))
    cell <- sort(sample.int(n * p, m)) - 1L
    Matrix::sparseMatrix(
      i = cell %% n + 1L, j = cell %/% n + 1L, x = rpois(m, 1) + 1 + runif(m), dims = c(n, p)
    )
  })
}

# columns with mean 0 and sum of squares n, orthogonal to each other
make_orthonormal <- function(n, p, seed = 1) {
  stopifnot(p < n)
  with_seed(seed, {
    q <- qr.Q(qr(cbind(1, matrix(rnorm(n * p), n))))[, -1, drop = FALSE] * sqrt(n)
    for (k in 1:2) q <- q - rep(colMeans(q), each = n)
    q
  })
}

# Sylvester's Hadamard matrix without its constant column
make_hadamard <- function(n) {
  h <- matrix(1, 1, 1)
  while (nrow(h) < n) h <- rbind(cbind(h, h), cbind(h, -h))
  stopifnot(nrow(h) == n)
  h[, -1, drop = FALSE]
}

# Suppressors: pairs of highly correlated columns whose difference drives y. The second of each pair has no correlation with
# y at first and becomes important late in the path; screening that trusts early correlations misses it.
make_suppressors <- function(n, p, pairs = 10, rho = 0.95, seed = 1) {
  with_seed(seed, {
    x <- matrix(rnorm(n * p), n)
    at <- round(seq(1, p - 1, length.out = pairs))
    y <- rnorm(n) / 5
    for (j in at) {
      x[, j + 1] <- rho * x[, j] + sqrt(1 - rho^2) * x[, j + 1]
      y <- y + 2 * (x[, j] - rho * x[, j + 1]) * sample(c(-1, 1), 1)
    }
    w <- runif(n, 0.3, 2)
    x <- x[, sample.int(p)]
    list(x = x, y = y, w = w)
  })
}
