# Other packages for penalties of groups, exact paths and signals, at their tightest tolerances, when they are installed.
# How each scales its problem is said beside it.

peer_function <- function(package, name) {
  skip_if_not_installed(package)
  getExportedValue(package, name)
}

# columns with mean 0 and mean square 1, of which no package's standardization makes anything else
peer_groups <- function(seed, n = 60, groups = 12, size = 3, rho = 0.5, orthonormal = FALSE) {
  p <- groups * size
  d <- make_problem(n, p, "ar", rho, k = 6, seed = seed)
  x <- sweep(d$x, 2, colMeans(d$x))
  group <- rep(seq_len(groups), each = size)
  if (orthonormal) for (g in seq_len(groups)) x[, group == g] <- svd(x[, group == g])$u
  x <- sweep(x, 2, sqrt(colMeans(x^2)), `/`)
  list(x = x, y = d$y - mean(d$y), z = as.double(d$y > median(d$y)), group = group)
}

# largest difference of standardized coefficients, relative to the largest
apart <- function(a, b) max(abs(as.matrix(a) - as.matrix(b))) / max(abs(as.matrix(a)))

test_that("group lasso equals grpreg on orthonormalized groups", {
  # grpreg: mean loss + lambda sum_g sqrt(p_g) |b_g| after it has made the columns of each group orthonormal (mean square 1)
  grpreg <- peer_function("grpreg", "grpreg")
  d <- peer_groups(1, orthonormal = TRUE)
  for (family in c("gaussian", "binomial")) {
    y <- if (family == "gaussian") d$y else d$z
    f <- sparsepath(d$x, y, family, penalty = pen_group(d$group), nlambda = 20, lambda.min.ratio = 0.1)
    g <- grpreg(d$x, y, d$group, penalty = "grLasso", family = family, lambda = f$lambda, eps = 1e-12, max.iter = 1e6)
    expect_lt(apart(f$beta, g$beta[-1, ]), 1e-6)
    expect_equal(unname(f$a0), unname(g$beta[1, ]), tolerance = 1e-6)
  }
})

test_that("its first lambda is grpreg's", {
  grpreg <- peer_function("grpreg", "grpreg")
  d <- peer_groups(2, orthonormal = TRUE)
  expect_equal(sparsepath(d$x, d$y, penalty = pen_group(d$group))$lambda[1], grpreg(d$x, d$y, d$group)$lambda[1], tolerance = 1e-9)
})

test_that("group lasso equals gglasso", {
  # gglasso: RSS / (2 n) + lambda sum_g sqrt(p_g) |b_g|; its logit loss has y = -1, 1 and the same mean of log(1 + exp(-y eta))
  gglasso <- peer_function("gglasso", "gglasso")
  d <- peer_groups(3)
  f <- sparsepath(d$x, d$y, penalty = pen_group(d$group), nlambda = 20, lambda.min.ratio = 0.1)
  g <- gglasso(d$x, d$y, d$group, loss = "ls", lambda = f$lambda, eps = 1e-16, maxit = 1e8)
  expect_lt(apart(f$beta, g$beta), 1e-5)
  f <- sparsepath(d$x, d$z, "binomial", penalty = pen_group(d$group), nlambda = 15, lambda.min.ratio = 0.2)
  g <- gglasso(d$x, 2 * d$z - 1, d$group, loss = "logit", lambda = f$lambda, eps = 1e-14, maxit = 1e8)
  expect_lt(apart(f$beta, g$beta), 1e-4)
  # weights of groups
  w <- seq(0.5, 2, length.out = 12)
  f <- sparsepath(d$x, d$y, penalty = pen_group(d$group, w), nlambda = 15, lambda.min.ratio = 0.1)
  g <- gglasso(d$x, d$y, d$group, loss = "ls", lambda = f$lambda, pf = w, eps = 1e-16, maxit = 1e8)
  expect_lt(apart(f$beta, g$beta), 1e-5)
})

test_that("group and sparse group lasso equal sparsegl", {
  # sparsegl: RSS / (2 n) + lambda ((1 - a) sum_g sqrt(p_g) |b_g| + a sum_j |b_j|)
  sparsegl <- peer_function("sparsegl", "sparsegl")
  d <- peer_groups(4)
  for (tau in c(0, 0.05, 0.5, 0.95)) {
    f <- sparsepath(d$x, d$y, penalty = pen_sparse_group(d$group, tau), nlambda = 15, lambda.min.ratio = 0.1)
    g <- sparsegl(d$x, d$y, d$group, asparse = tau, lambda = f$lambda, eps = 1e-16, maxit = 1e8, standardize = FALSE)
    expect_lt(apart(f$beta, g$beta), 1e-5)
  }
  # factors of the L1 part, which both rescale to sum p
  u <- rep(c(0.5, 1, 2), 12)
  f <- sparsepath(d$x, d$y, penalty = pen_sparse_group(d$group, 0.5), penalty.factor = u, nlambda = 15, lambda.min.ratio = 0.1)
  g <- sparsegl(d$x, d$y, d$group, asparse = 0.5, pf_sparse = u, lambda = f$lambda, eps = 1e-16, maxit = 1e8, standardize = FALSE)
  expect_lt(apart(f$beta, g$beta), 1e-5)
})

test_that("group lasso equals adelie", {
  # adelie: loss / n + lambda sum_g sqrt(p_g) (alpha |b_g| + (1 - alpha) |b_g|^2 / 2): the ridge part is not divided by sd(y)
  grpnet <- peer_function("adelie", "grpnet")
  gaussian <- peer_function("adelie", "glm.gaussian")
  binomial <- peer_function("adelie", "glm.binomial")
  d <- peer_groups(5)
  d$y <- d$y / sqrt(mean(d$y^2))
  first <- which(!duplicated(d$group))
  tight <- list(groups = first, standardize = FALSE, early_exit = FALSE, tol = 1e-15, irls_tol = 1e-13, progress_bar = FALSE)
  for (alpha in c(1, 0.6)) {
    f <- sparsepath(d$x, d$y, penalty = pen_group(d$group), alpha = alpha, nlambda = 8, lambda.min.ratio = 0.1)
    g <- do.call(grpnet, c(list(d$x, gaussian(d$y), lambda = f$lambda, alpha = alpha), tight))
    expect_lt(apart(f$beta, t(as.matrix(coef(g)$betas))), 1e-5)
  }
  f <- sparsepath(d$x, d$z, "binomial", penalty = pen_group(d$group), nlambda = 8, lambda.min.ratio = 0.2)
  g <- do.call(grpnet, c(list(d$x, binomial(d$z), lambda = f$lambda), tight))
  expect_lt(apart(f$beta, t(as.matrix(coef(g)$betas))), 1e-4)
})

test_that("exact paths equal lars on the diabetes data", {
  # lars: columns of length 1, so that its lambda is sqrt(n) times ours
  peer <- "lars"
  lars <- peer_function(peer, "lars")
  set <- new.env()
  utils::data(list = "diabetes", package = peer, envir = set)
  y <- set$diabetes$y
  for (x in list(unclass(set$diabetes$x), unclass(set$diabetes$x2))) {
    for (type in c("lasso", "lar")) {
      peer <- lars(x, y, type = type, use.Gram = FALSE, eps = 1e-14)
      mine <- lars_path(x, y, type = type)
      k <- seq_along(peer$lambda)
      expect_equal(mine$lambda[k], peer$lambda / sqrt(442), tolerance = 1e-10)
      # quadratic terms are nearly dependent: there lars is further from least squares at the end of its path than this
      tol <- if (ncol(x) == 10) 1e-10 else 1e-9
      expect_lt(apart(mine$beta, t(coef(peer))), tol)
      # between knots, by lambda
      s <- peer$lambda[c(2, 5, 9)] * 0.97
      there <- t(predict(peer, s = s, type = "coefficients", mode = "lambda")$coefficients)
      expect_lt(apart(coef(mine, lambda = s / sqrt(442))[-1, ], there), tol)
    }
  }
})

test_that("fused lasso and trend filter equal genlasso", {
  # genlasso: RSS / 2 + lambda |D b|_1, as fused_lasso() and trend_filter()
  fusedlasso1d <- peer_function("genlasso", "fusedlasso1d")
  trendfilter <- peer_function("genlasso", "trendfilter")
  y <- with_seed(1, rep(rnorm(8), each = 10) + rnorm(80, sd = 0.4))
  path <- fusedlasso1d(y)
  s <- c(5, 1, 0.3, 0.05)
  at <- function(path, s) coef(path, lambda = s)$beta
  expect_lt(apart(at(path, s), fused_lasso(y, lambda = s)$beta), 1e-9)
  mine <- fused_lasso(y)
  expect_lt(apart(at(path, s), coef(mine, lambda = s)), 1e-9)
  knots <- path$lambda[path$lambda > 1e-6]
  expect_equal(mine$lambda[seq_along(knots)], knots, tolerance = 1e-9)
  for (order in 1:3) {
    path <- trendfilter(y, ord = order)
    s <- path$lambda[1] * c(0.5, 0.05, 0.005)
    expect_lt(apart(at(path, s), trend_filter(y, lambda = s, k = order)$beta), 1e-6)
  }
})
