# glmnet's group lasso of variables: several responses, and multinomial with type.multinomial = "grouped".

peer_settings <- list(
  lasso = list(alpha = 1),
  half = list(alpha = 0.5),
  nearly_ridge = list(alpha = 0.05),
  ridge = list(alpha = 0),
  weights_offset = list(alpha = 1, weights = TRUE, offset = TRUE),
  factors = list(alpha = 0.7, weights = TRUE, penalty.factor = c(0.5, 2, rep(1, 38))),
  sparse = list(alpha = 1, sparse = TRUE),
  raw = list(alpha = 0.9, standardize = FALSE, sparse = TRUE),
  no_intercept = list(alpha = 1, intercept = FALSE)
)

peer_path <- function(fit) list(b = sapply(fit$beta, as.matrix, simplify = "array"), a0 = fit$a0)

expect_peer_path <- function(f, g, first, tol, label) {
  n <- min(length(f$lambda), length(g$lambda))
  at <- first:n
  expect_lte(abs(length(f$lambda) - length(g$lambda)), 1)
  expect_lt(max(abs(f$lambda[at] / g$lambda[at] - 1)), 1e-8)
  a <- peer_path(f)
  b <- peer_path(g)
  apart <- max(abs(a$b[, at, ] - b$b[, at, ])) / max(abs(b$b[, at, ]))
  expect(apart <= tol, sprintf("%s: coefficients differ by %.1e of the largest", label, apart))
  apart <- max(abs(a$a0[, at] - b$a0[, at])) / max(1, abs(b$a0))
  expect(apart <= tol, sprintf("%s: intercepts differ by %.1e", label, apart))
  expect_lt(max(abs(f$dev.ratio[at] - g$dev.ratio[at])), 10 * tol)
}

for (family in c("mgaussian", "multinomial")) {
  test_that(paste("paths equal glmnet's:", family), {
    skip_unless_glmnet()
    for (name in names(peer_settings)) {
      s <- peer_settings[[name]]
      if (family == "multinomial" && name == "factors") s$penalty.factor[1] <- 0.5
      d <- make_problem(60, 40, "equi", 0.3, seed = match(name, names(peer_settings)))
      x <- d$x
      x[, 2] <- 5 * x[, 2] + 3
      if (isTRUE(s$sparse)) {
        x[abs(x) < 1] <- 0
        x <- Matrix::Matrix(x, sparse = TRUE)
      }
      y <- if (family == "mgaussian") cbind(d$y, 4 * d$o + d$x[, 1], d$x[, 2] + d$o)
        else factor(c("a", "b", "c")[cut(rank(d$y + 2 * sd(d$y) * with_seed(1, rnorm(60))), 3, labels = FALSE)])
      s$sparse <- NULL
      if (isTRUE(s$weights)) s$weights <- d$w
      if (isTRUE(s$offset)) s$offset <- cbind(d$o, -d$o, 0) / 3
      if (family == "multinomial") s$type.multinomial <- "grouped"
      s <- c(s, list(nlambda = 25, lambda.min.ratio = 0.05))
      f <- do.call(sparsepath, c(list(x, y, family), s))
      g <- do.call(glmnet_tight, c(list(x, y, family), s, list(thresh = 1e-14)))
      expect_peer_path(f, g, if (s$alpha == 0) 2L else 1L, 1e-4, paste(family, name))
      expect_equal(f$df[-1], g$df[seq_along(f$df)][-1])
    }
  })
}

test_that("standardize.response, fields, predictions and cross-validation are glmnet's", {
  skip_unless_glmnet()
  d <- make_problem(60, 40, "equi", 0.3, seed = 12)
  y <- cbind(u = 9 * d$y, v = d$o + d$x[, 1])
  a <- list(d$x, y, "mgaussian", standardize.response = TRUE, weights = d$w, nlambda = 25, lambda.min.ratio = 0.05)
  f <- do.call(sparsepath, a)
  g <- do.call(glmnet_tight, c(a, list(thresh = 1e-14)))
  expect_peer_path(f, g, 1L, 1e-5, "standardize.response")
  a$standardize.response <- NULL
  f <- do.call(sparsepath, a)
  g <- do.call(glmnet_tight, c(a, list(thresh = 1e-14)))
  expect_equal(f$nulldev, g$nulldev, tolerance = 1e-12)
  expect_identical(names(f$beta), names(g$beta))
  expect_equal(dim(f$a0), dim(g$a0))
  expect_equal(unname(f$dfmat), unname(g$dfmat))
  s <- f$lambda[c(3, 10)]
  expect_equal(predict(f, d$x[1:4, ], s = s), predict(g, d$x[1:4, ], s = s), tolerance = 1e-5, ignore_attr = TRUE)
  expect_equal(dim(predict(f, d$x[1:4, ], s = s)), c(4L, 2L, 2L))
  expect_equal(lapply(coef(f, s = s), as.matrix), lapply(coef(g, s = s), as.matrix), tolerance = 1e-5, ignore_attr = TRUE)
  for (measure in c("mse", "mae", "deviance")) {
    args <- list(d$x, y, family = "mgaussian", type.measure = measure, foldid = rep_len(1:5, 60), weights = d$w, lambda = f$lambda)
    ours <- do.call(cv.sparsepath, args)
    theirs <- suppressWarnings(do.call(glmnet::cv.glmnet, c(args, list(control = list(thresh = 1e-14, maxit = 1e7)))))
    expect_equal(ours$cvm, theirs$cvm, tolerance = 1e-6)
    expect_equal(ours$cvsd, theirs$cvsd, tolerance = 1e-5)
    expect_identical(unname(ours$name), unname(theirs$name))
  }
})
