# Prior lasso: the pseudo-response, the fold's own prior, scores on what was observed.

test_that("eta = 0 is the lasso, and each path is the lasso of its pseudo-response", {
  for (family in c("gaussian", "binomial", "poisson")) {
    d <- make_problem(60, 40, seed = 2, family = family)
    guess <- with_seed(1, switch(family, gaussian = rnorm(60), binomial = runif(60), poisson = rexp(60)))
    f <- prior_lasso(d$x, d$y, guess, eta = c(0, 0.5, 2), family = family, weights = d$w, nlambda = 20)
    expect_identical(f$prior.type, "predictions")
    plain <- sparsepath(d$x, d$y, family, weights = d$w, nlambda = 20)
    expect_identical(f$fits[[1]]$beta, plain$beta)
    for (k in 2:3) {
      z <- (d$y + f$eta[k] * guess) / (1 + f$eta[k])
      g <- if (family == "poisson") suppressWarnings(sparsepath(d$x, z, family, weights = d$w, nlambda = 20)) else
        sparsepath(d$x, z, family, weights = d$w, nlambda = 20)
      expect_same_fit(f$fits[[k]], g)
      # stationarity of loss(y) + eta loss(prior) + (1 + eta) lambda |b|
      l <- length(g$lambda)
      e <- f$eta[k]
      w <- d$w / sum(d$w)
      s <- sqrt(colSums(w * sweep(d$x, 2, colSums(w * d$x))^2))
      mu <- vf_mu(drop(g$a0[l] + d$x %*% g$beta[, l]), family)
      score <- drop(crossprod(d$x, w * (d$y - mu + e * (guess - mu)))) / s
      expect_lt(max(abs(score)) / ((1 + e) * g$lambda[l]), 1 + 1e-6)
    }
  }
})

test_that("cross-validation: a loop by hand, the prior from training rows, scores on the observed response", {
  for (family in c("gaussian", "binomial", "poisson")) {
    d <- make_problem(75, 30, seed = 3, family = family)
    set <- c(2, 5, 9)
    cv <- cv.prior_lasso(d$x, d$y, prior = set, eta = c(0, 1), family = family, foldid = d$fold, nlambda = 15, type.measure = "mse")
    expect_identical(cv$fit$prior.type, "variables")
    lambda <- cv$cv[[2]]$lambda
    error <- matrix(NA, 5, length(lambda))
    for (k in 1:5) {
      train <- d$fold != k
      inner <- integer(sum(train))
      inner[order(d$y[train])] <- rep_len(1:5, sum(train))
      first <- cv.sparsepath(d$x[train, set], d$y[train], family = family, alpha = 0, foldid = inner, nlambda = 50, lambda.min.ratio = 1e-6)
      guess <- drop(predict(first, d$x[train, set], s = "lambda.min", type = "response"))
      f <- suppressWarnings(sparsepath(d$x[train, ], (d$y[train] + guess) / 2, family, lambda = lambda)) # fractional counts
      mu <- predict(f, d$x[!train, ], s = lambda, type = "response")
      error[k, ] <- colMeans((d$y[!train] - mu)^2) * if (family == "binomial") 2 else 1
    }
    w <- as.vector(table(d$fold))
    expect_equal(cv$cv[[2]]$cvm, colSums(error * w) / sum(w), tolerance = 1e-6)
    plain <- cv.sparsepath(d$x, d$y, family = family, foldid = d$fold, nlambda = 15, type.measure = "mse")
    expect_equal(cv$cv[[1]]$cvm, plain$cvm, tolerance = 1e-12)
    expect_equal(cv$cv[[1]]$cvsd, plain$cvsd, tolerance = 1e-12)
    best <- min(unlist(lapply(cv$cv, `[[`, "cvm")))
    expect_identical(cv$cv[[match(cv$eta.min, cv$eta)]]$cvm[match(cv$lambda.min, cv$cv[[match(cv$eta.min, cv$eta)]]$lambda)], best)
  }
})

test_that("a good prior helps, and a useless one is not chosen", {
  d <- make_problem(40, 200, k = 5, seed = 11)
  truth <- with_seed(4, d$y + rnorm(40) * sd(d$y) / 10)
  cv <- cv.prior_lasso(d$x, d$y, truth, eta = c(0, 4), foldid = d$fold[1:40])
  expect_lt(min(cv$cv[[2]]$cvm), min(cv$cv[[1]]$cvm))
  wrong <- with_seed(5, rnorm(40) * 10 * sd(d$y))
  cv <- cv.prior_lasso(d$x, d$y, wrong, eta = c(0, 4), foldid = d$fold[1:40])
  expect_identical(cv$eta.min, 0)
})

test_that("methods", {
  d <- make_problem(50, 20, seed = 5)
  colnames(d$x) <- paste0("g", 1:20)
  cv <- cv.prior_lasso(d$x, d$y, c("g3", "g4"), eta = c(0, 1), foldid = rep_len(1:5, 50), nlambda = 20)
  expect_equal(coef(cv, s = "lambda.min"), coef(cv$fit$fits[[match(cv$eta.min, cv$eta)]], s = cv$lambda.min))
  expect_equal(predict(cv, d$x[1:3, ]), predict(cv$fit, d$x[1:3, ], eta = cv$eta.1se, s = cv$lambda.1se))
  expect_equal(dim(coef(cv$fit, eta = 1)), c(21L, length(cv$fit$fits[[2]]$lambda)))
  expect_output(print(cv), "1se")
  expect_output(print(cv$fit), "variables")
  expect_silent({
    pdf(NULL)
    plot(cv)
    plot(cv$fit)
    dev.off()
  })
  expect_refused(coef(cv$fit, eta = 3), "choice")
  expect_refused(coef(cv$fit), "missing_argument")
})

test_that("what is not allowed is refused", {
  d <- make_problem(20, 5, seed = 1)
  expect_refused(prior_lasso(d$x, d$y), "missing_argument")
  expect_refused(prior_lasso(d$x, d$y, 9), "range")
  expect_refused(prior_lasso(d$x, d$y, "a"), "names")
  expect_refused(prior_lasso(d$x, d$y, 1, eta = -1), "range")
  expect_refused(prior_lasso(d$x, d$y > 0, rep(2, 20), family = "binomial"), "range")
  expect_refused(prior_lasso(d$x, d$y, TRUE), "length")
  expect_refused(prior_lasso(d$x, d$y, 1, lamda = 1), "unknown_argument")
})

test_that("the model of few known variables is hardly shrunken, however many columns x has", {
  d <- with_seed(4, {
    x <- matrix(rnorm(60 * 300), 60)
    list(x = x, y = drop(x[, 1:5] %*% c(2, -1.5, 1, -1, 0.75)) + rnorm(60))
  })
  f <- prior_lasso(d$x, d$y, prior = 1:5, eta = c(0, 1), nlambda = 10)
  ls <- lm.fit(cbind(1, d$x[, 1:5]), d$y)$fitted.values
  expect_lt(sqrt(sum((f$prior - ls)^2) / sum((ls - mean(ls))^2)), 0.1)
})

test_that("the prior model has its columns alone, whatever the penalty of the fit", {
  d <- make_problem(50, 12, seed = 6)
  for (penalty in list(pen_fused(), pen_fused(asparse = 0.3), pen_group(rep(1:4, each = 3)), pen_sparse_group(rep(1:4, each = 3)))) {
    f <- prior_lasso(d$x, d$y, prior = c(2, 5), eta = 1, nlambda = 10, penalty = penalty)
    plain <- prior_lasso(d$x, d$y, prior = c(2, 5), eta = 1, nlambda = 10, standardize = penalty$name != "fused")
    expect_equal(f$prior, plain$prior)
    expect_lt(max(f$fits[[1]]$kkt), 1e-9)
  }
})

test_that("print methods are found from outside of the package", {
  names <- sub("^print\\.", "", ls(asNamespace("sparsepath"), pattern = "^print\\."))
  expect_true(all(paste0("print.", names) %in% ls(get(".__S3MethodsTable__.", baseenv()))))
})

test_that("kkt() judges the problem with the blended response", {
  for (family in c("gaussian", "binomial", "poisson")) {
    d <- make_problem(50, 30, seed = 9, family = family)
    f <- prior_lasso(d$x, d$y, prior = 1:3, eta = c(0, 1, 3), family = family, weights = d$w, offset = d$o / 5, nlambda = 15)
    for (eta in f$eta) expect_lt(max(kkt(f, d$x, d$y, eta = eta, weights = d$w, offset = d$o / 5)$rel.gap), 1e-9)
    expect_error(kkt(f, d$x, d$y, weights = d$w, offset = d$o / 5), class = "sparsepath_error_missing_argument")
    expect_error(kkt(f, d$x, d$y, eta = 1), class = "sparsepath_error_missing_argument")
  }
})
