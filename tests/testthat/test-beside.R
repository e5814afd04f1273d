# Methods and messages of the functions beside the engine.

beside_data <- function(n = 50) {
  set.seed(1)
  x <- matrix(rnorm(n * 8), n, dimnames = list(NULL, letters[1:8]))
  x[, 2] <- x[, 1] + 0.1 * x[, 2]
  list(x = x, y = x[, 1] - x[, 3] + rnorm(n), w = runif(n, 0.2, 2))
}

test_that("residuals, fitted values and certificates of signals", {
  set.seed(2)
  y <- cumsum(rnorm(80))
  fit <- fused_lasso(y, lambda = c(3, 1))
  expect_equal(residuals(fit), y - fit$beta)
  expect_equal(residuals(fused_lasso(y), lambda = 2), y - coef(fused_lasso(y, lambda = 2)))
  for (k in 1:3) {
    trend <- trend_filter(y, k = k, lambda = c(50, 5))
    expect_equal(residuals(trend), y - trend$beta)
    certificate <- kkt(trend)
    D <- diff(diag(80), differences = k + 1)
    objective <- colSums(residuals(trend)^2) / 2 + c(50, 5) * colSums(abs(D %*% trend$beta))
    expect_equal(certificate$objective, unname(objective), tolerance = 1e-8)
    expect_equal(certificate$objective - certificate$dual, certificate$gap, tolerance = 1e-6)
    expect_lt(max(certificate$rel.gap), 1e-9)
    expect_identical(certificate$df, trend$df)
    expect_equal(kkt(trend, lambda = 20)$lambda, 20)
  }
})

test_that("fitted values and residuals of exact paths", {
  d <- beside_data()
  fit <- lars_path(d$x, d$y)
  b <- coef(fit, lambda = c(0.5, 0.1))
  eta <- cbind(1, d$x) %*% b
  expect_equal(as.matrix(fitted(fit, d$x, lambda = c(0.5, 0.1))), as.matrix(eta))
  expect_equal(as.matrix(residuals(fit, d$x, d$y, lambda = c(0.5, 0.1))), d$y - as.matrix(eta))
  expect_error(residuals(fit), class = "sparsepath_error_missing_argument")
  expect_error(fitted(fit), class = "sparsepath_error_missing_argument")
  expect_error(residuals(fit, d$x, d$y[-1]), class = "sparsepath_error_length")
  expect_true(all(is.na(lars_path(d$x, d$y, type = "lar")$gap)) && !any(is.nan(lars_path(d$x, d$y, type = "lar")$gap)))
})

test_that("basis pursuit: certificate from the data, residuals, plot", {
  set.seed(3)
  A <- matrix(rnorm(20 * 50), 20)
  b <- rnorm(20)
  for (noise in c(0, 0.5)) {
    fit <- basis_pursuit(A, b, noise = noise)
    certificate <- kkt(fit, A, b)
    expect_equal(certificate$objective, sum(abs(fit$x)))
    expect_lt(certificate$rel.gap, 1e-10)
    expect_gt(certificate$rel.gap, -1e-12)
    expect_equal(certificate$residual, sqrt(sum((b - A %*% fit$x)^2)), tolerance = 1e-6)
    expect_equal(residuals(fit, A, b), b - drop(A %*% fit$x), tolerance = 1e-12)
  }
  expect_error(kkt(fit), class = "sparsepath_error_missing_argument")
  expect_error(kkt(fit, A[-1, ], b[-1]), class = "sparsepath_error_dimension")
  grDevices::pdf(NULL)
  on.exit(grDevices::dev.off())
  expect_null(plot(fit))
})

test_that("consensus: predictions, trace, a constant response", {
  d <- beside_data()
  fit <- consensus_lasso(d$x, d$y, 4, 0.1)
  expect_equal(predict(fit, d$x), drop(cbind(1, d$x) %*% coef(fit)))
  expect_equal(fitted(fit, d$x), predict(fit, d$x))
  expect_error(predict(fit, d$x[, -1]), class = "sparsepath_error_dimension")
  trace <- convergence(fit)
  expect_identical(trace$gap, fit$trace$gap)
  grDevices::pdf(NULL)
  on.exit(grDevices::dev.off())
  expect_null(plot(fit))
  expect_error(consensus_lasso(d$x, rep(2, 50), 4, 0.1), class = "sparsepath_error_constant_y")
})

test_that("prior lasso: logical columns, predictions as predict() returns them, fitted values, certificates of the cross-validation", {
  d <- beside_data()
  by.name <- prior_lasso(d$x, d$y, c("a", "c"), eta = 1)
  expect_equal(prior_lasso(d$x, d$y, letters[1:8] %in% c("a", "c"), eta = 1)$fits[[1]]$beta, by.name$fits[[1]]$beta)
  expect_equal(prior_lasso(d$x, d$y, cbind(d$y / 2), eta = 1)$prior.type, "predictions")
  expect_equal(fitted(by.name, d$x, s = 0.1), predict(by.name, d$x, s = 0.1))
  expect_equal(unname(residuals(by.name, d$x, d$y, s = 0.1)), unname(d$y - predict(by.name, d$x, s = 0.1)))
  set.seed(1)
  cv <- cv.prior_lasso(d$x, d$y, c("a", "c"), eta = c(0, 1), nfolds = 4)
  expect_equal(fitted(cv, d$x), predict(cv, d$x))
  expect_equal(unname(residuals(cv, d$x, d$y, s = "lambda.min")), unname(d$y - predict(cv, d$x, s = "lambda.min")))
  expect_equal(kkt(cv, d$x, d$y), kkt(cv$fit, d$x, d$y, eta = cv$eta.min))
  expect_error(prior_lasso(d$x, d$y, d$y[-1]), "one prediction for each of the 50 rows", class = "sparsepath_error_length")
  expect_error(prior_lasso(d$x, d$y, 9), "from 1 to 8", class = "sparsepath_error_range")
  expect_error(prior_lasso(d$x, d$y, 1, relax = TRUE), class = "sparsepath_error_unavailable")
  expect_error(prior_lasso(d$x, d$y, 1, etta = 1), "Did you mean `eta`", class = "sparsepath_error_unknown_argument")
  expect_error(prior_lasso(d$x, d$y, sparsepath(d$x, d$y)), "predict", class = "sparsepath_error_type")
})

test_that("summaries say what was fitted and how well", {
  d <- beside_data()
  set.seed(1)
  all <- list(
    lars_path(d$x, d$y), lars_path(d$x, d$y, type = "lar"), lars_path(cbind(d$x, z = d$x[, 1]), d$y, lambda2 = 0), fused_lasso(d$y),
    fused_lasso(d$y, lambda = 1, lambda1 = 0.1), trend_filter(d$y), basis_pursuit(t(d$x), 1:8), consensus_lasso(d$x, d$y, 2, 0.1),
    prior_lasso(d$x, d$y, 1:2), cv.prior_lasso(d$x, d$y, 1:2, nfolds = 3)
  )
  for (fit in all) {
    s <- summary(fit)
    expect_s3_class(s, "summary.sparsepath_beside")
    expect_output(print(s), "Model .*certif|Model .*exact")
    expect_true(is.na(s$gap) || s$gap <= 1e-7)
  }
  expect_match(summary(all[[3]])$fields[["Refused"]], "z")
})

test_that("laplace_prior() of weighted fits and cross-validations", {
  d <- beside_data()
  fit <- sparsepath(d$x, d$y, weights = d$w)
  w <- d$w / sum(d$w)
  sd <- sqrt(colSums(w * sweep(d$x, 2, colSums(w * d$x))^2))
  prior <- laplace_prior(fit, 0.1, sigma = 1, x = d$x, weights = d$w)
  expect_equal(prior$by.column, 1 / (50 * 0.1 * sd))
  expect_error(laplace_prior(fit, 0.1, sigma = 1, x = d$x), class = "sparsepath_error_missing_argument")
  set.seed(1)
  cv <- cv.sparsepath(d$x, d$y)
  expect_equal(laplace_prior(cv, "lambda.min"), laplace_prior(cv$fit, cv$lambda.min))
})

test_that("correlation_clusters() with weights and offset", {
  d <- beside_data()
  o <- d$x[, 8] / 3
  fit <- sparsepath(d$x, d$y, weights = d$w, offset = o)
  found <- correlation_clusters(fit, d$x, 0.1, y = d$y, weights = d$w, offset = o, cutoff = 0.05, near = 1)
  w <- d$w / sum(d$w)
  z <- sweep(d$x, 2, colSums(w * d$x))
  z <- sweep(z, 2, sqrt(colSums(w * z^2)), `/`)
  b <- coef(fit, s = 0.1)
  r <- d$y - o - as.vector(cbind(1, d$x) %*% b)
  score <- abs(colSums(w * r * z)) / 0.1
  expect_equal(found$score[!found$selected], unname(score[found$variable[!found$selected]]), tolerance = 1e-5)
  pair <- found[which(found$variable == "a"), ]
  expect_equal(pair$correlation, sum(w * z[, "a"] * z[, pair$partner]))
  expect_error(correlation_clusters(fit, d$x, 0.1, y = d$y), class = "sparsepath_error_missing_argument")
})

test_that("irrepresentable() refuses what does not vary", {
  d <- beside_data()
  expect_error(irrepresentable(cbind(d$x, k = 1), 9), "\"k\" is constant", class = "sparsepath_error_dependent")
  expect_error(irrepresentable(d$x[1, , drop = FALSE], 1), "constant", class = "sparsepath_error_dependent")
})

test_that("constraint_plot(): cross-validations, and clear refusals", {
  d <- beside_data()
  grDevices::pdf(NULL)
  on.exit(grDevices::dev.off())
  set.seed(1)
  cv <- cv.sparsepath(d$x, d$y)
  expect_equal(constraint_plot(cv, d$y, "b", "c", data = d$x), constraint_plot(cv$fit, d$y, "b", "c", data = d$x, s = cv$lambda.1se))
  expect_error(constraint_plot(d$x, d$y, 1:2, 3), class = "sparsepath_error_length")
  expect_error(constraint_plot(d$x[, 1, drop = FALSE], d$y), class = "sparsepath_error_dimension")
  expect_error(constraint_plot(d$x, rep(1, 50)), class = "sparsepath_error_constant_y")
  expect_error(constraint_plot(sparsepath(d$x, d$y, lower.limits = 0), d$y, 1, 3, data = d$x, s = 0.1), class = "sparsepath_error_unavailable")
})

test_that("names of the penalty parameter: s here, lambda there", {
  d <- beside_data()
  fit <- sparsepath(d$x, d$y)
  expect_error(coef(fit, lambda = 1), "Did you mean `s`", class = "sparsepath_error_unknown_argument")
  expect_error(coef(fused_lasso(d$y), s = 1), "Did you mean `lambda`", class = "sparsepath_error_unknown_argument")
  expect_error(coef(lars_path(d$x, d$y), s = 1), "Did you mean `lambda`", class = "sparsepath_error_unknown_argument")
  set.seed(1)
  cv <- cv.sparsepath(d$x, d$y)
  expect_equal(coef(cv, t = 0.5, x = d$x, y = d$y), coef(cv$fit, t = 0.5, x = d$x, y = d$y))
  expect_error(soft_threshold(1), class = "sparsepath_error_missing_argument")
  expect_error(soft_threshold(), class = "sparsepath_error_missing_argument")
})

test_that("convergence() of a cross-validation, and which curves are drawn", {
  d <- beside_data()
  set.seed(1)
  cv <- cv.sparsepath(d$x, d$y, nlambda = 4, nfolds = 3, control = sparsepath.control(solver = "fista"))
  trace <- convergence(cv)
  expect_identical(trace, convergence(cv$fit))
  grDevices::pdf(NULL)
  on.exit(grDevices::dev.off())
  expect_null(plot(trace))
  expect_error(plot(trace, index = 1.5), class = "sparsepath_error_range")
  first <- convergence(sparsepath(d$x, d$y, lambda = 10, control = sparsepath.control(solver = "ista"))) # solved at the start
  expect_null(plot(first))
  expect_null(plot(first, what = "objective"))
})
