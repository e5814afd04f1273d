# family = "multinomial" against glmnet: grids, coefficients, early stops, cross-validation, fields.

level_free <- function(fit, size) {
  b <- array(do.call(rbind, lapply(fit$beta, function(m) as.matrix(m)[, size, drop = FALSE])), c(nrow(fit$beta[[1]]), length(fit$beta), length(size)))
  b - array(apply(b, c(1, 3), mean)[, rep(seq_along(size), each = dim(b)[2])], dim(b))
}

test_that("grids, coefficients and deviances equal glmnet's", {
  skip_unless_glmnet()
  for (case in list(list(n = 60, p = 100, K = 3), list(n = 150, p = 30, K = 4), list(n = 60, p = 60, K = 3, sparse = TRUE))) {
    d <- make_classes(case$n, case$p, case$K, effect = 1, seed = 2230)
    pf <- with_seed(2231, runif(case$p, 0.2, 2))
    x <- d$x
    if (isTRUE(case$sparse)) x <- Matrix::Matrix(x * (abs(x) > 1), sparse = TRUE)
    for (s in list(
      list(), list(alpha = 0.5), list(alpha = 0.05), list(alpha = 0), list(weights = d$w), list(offset = d$o),
      list(penalty.factor = pf), list(penalty.factor = replace(pf, 2, 0), exclude = 3), list(intercept = FALSE), list(standardize = FALSE),
      list(lower.limits = -0.1, upper.limits = 0.2), list(lower.limits = 0, alpha = 0.5)
    )) {
      label <- paste(case$n, case$p, case$K, paste(names(s), s$alpha, collapse = " "))
      a <- c(list(x, d$y, family = "multinomial", nlambda = 20, lambda.min.ratio = 0.05), s)
      f <- do.call(sparsepath, a)
      g <- suppressWarnings(do.call(glmnet::glmnet, c(a, list(control = list(thresh = 1e-14, maxit = 1e7, epsnr = 1e-12)))))
      m <- min(length(f$lambda), length(g$lambda))
      expect(abs(length(f$lambda) - length(g$lambda)) <= 1, sprintf("%s: %d lambdas, glmnet has %d", label, length(f$lambda), length(g$lambda)))
      e <- max(abs(f$lambda[1:m] / g$lambda[1:m] - 1))
      # glmnet fits unpenalized columns by iterations
      expect(e < (if (any(s$penalty.factor == 0)) 1e-6 else 1e-10), sprintf("%s: lambda differs by %.1e", label, e))
      i <- (if (identical(s$alpha, 0)) 2 else 1):m # glmnet's first solution is the null model
      # the level of a variable's coefficients does not matter where no ridge part or limit settles it
      flat <- is.null(s$alpha) && (is.null(s$lower.limits) || case$K %% 2 == 0)
      bf <- if (flat) level_free(f, i) else unlist(lapply(f$beta, function(b) as.matrix(b)[, i]))
      bg <- if (flat) level_free(g, i) else unlist(lapply(g$beta, function(b) as.matrix(b)[, i]))
      e <- max(abs(bf - bg)) / max(abs(bg))
      expect(e < 1e-4, sprintf("%s: coefficients differ by %.1e of the largest", label, e))
      e <- max(abs(f$dev.ratio[i] - g$dev.ratio[i]))
      expect(e < 1e-5, sprintf("%s: dev.ratio differs by %.1e", label, e))
      expect(abs(f$nulldev / g$nulldev - 1) < 1e-10, sprintf("%s: nulldev %g, glmnet %g", label, f$nulldev, g$nulldev))
      if (flat && case$K == 3) for (k in 1:3) { # an odd number of classes has a unique median, glmnet's as well
        pen <- if (is.null(s$penalty.factor)) TRUE else s$penalty.factor > 0
        expect_lt(max(abs(as.matrix(f$beta[[k]])[pen, i] - as.matrix(g$beta[[k]])[pen, i])), 1e-4 * max(abs(bg)))
      }
    }
  }
})

test_that("an automatic path ends where glmnet's ends", {
  skip_unless_glmnet()
  for (seed in 1:3) {
    d <- make_classes(50, c(100, 20, 8)[seed], 3, effect = 2, seed = 2232 + seed)
    f <- sparsepath(d$x, d$y, family = "multinomial")
    g <- suppressWarnings(glmnet::glmnet(d$x, d$y, family = "multinomial", control = list(thresh = 1e-10, maxit = 1e7)))
    expect_lte(abs(length(f$lambda) - length(g$lambda)), 1)
  }
})

test_that("fields, shapes and names are glmnet's", {
  skip_unless_glmnet()
  d <- make_classes(60, 8, 3, seed = 2236)
  colnames(d$x) <- paste0("gene", 1:8)
  lambda <- c(0.1, 0.05)
  f <- sparsepath(d$x, d$y, family = "multinomial", lambda = lambda)
  g <- glmnet::glmnet(d$x, d$y, family = "multinomial", lambda = lambda, control = list(thresh = 1e-14))
  expect_true(all(setdiff(names(g), "call") %in% names(f)))
  for (field in c("dfmat", "df", "dim", "lambda", "classnames", "grouped", "offset", "nobs")) expect_equal(f[[!!field]], g[[!!field]], ignore_attr = field == "dfmat")
  expect_identical(dimnames(f$a0), dimnames(g$a0))
  expect_equal(f$a0, g$a0, tolerance = 1e-5)
  expect_identical(names(f$beta), names(g$beta))
  expect_identical(dimnames(f$beta$b), dimnames(g$beta$b))
  x <- d$x[1:5, ]
  s <- c(0.1, 0.07)
  for (type in c("link", "response", "class")) {
    a <- predict(f, x, s = s, type = type)
    b <- predict(g, x, s = s, type = type)
    expect_identical(dim(a), dim(b))
    if (type == "class") expect_identical(as.vector(a), as.vector(b)) else expect_equal(as.vector(a), as.vector(b), tolerance = 1e-5)
  }
  expect_identical(names(coef(f)), names(coef(g)))
  expect_equal(as.matrix(coef(f, s = 0.07)$c), as.matrix(coef(g, s = 0.07)$c), tolerance = 1e-5, ignore_attr = TRUE)
  expect_identical(lapply(predict(f, type = "nonzero"), unname), lapply(predict(g, type = "nonzero"), function(l) lapply(unname(l), as.integer)))
  h <- as_glmnet(f)
  expect_s3_class(h, c("multnet", "glmnet"), exact = TRUE)
  expect_equal(as.vector(predict(h, x, s = s)), as.vector(predict(f, x, s = s)), tolerance = 1e-12)
})

test_that("cross-validation scores are glmnet's", {
  skip_unless_glmnet()
  d <- make_classes(80, 40, 3, effect = 1.5, seed = 2237)
  counts <- with_seed(2238, matrix(rpois(240, 2), 80, dimnames = list(NULL, letters[1:3])) + 0)
  lambda <- sparsepath(d$x, d$y, family = "multinomial")$lambda[seq(5, 60, 5)]
  for (y in list(d$y, counts)) for (measure in c("deviance", "class", "mse", "mae")) for (grouped in c(TRUE, FALSE)) {
    a <- cv.sparsepath(d$x, y, family = "multinomial", lambda = lambda, foldid = d$fold, type.measure = measure, grouped = grouped, weights = d$w)
    b <- suppressWarnings(glmnet::cv.glmnet(d$x, y, family = "multinomial", lambda = lambda, foldid = d$fold, type.measure = measure,
      grouped = grouped, weights = d$w, control = list(thresh = 1e-12, maxit = 1e7)))
    expect_equal(a$cvm, unname(b$cvm), tolerance = 1e-4, label = paste("cvm", measure, grouped))
    expect_equal(a$cvsd, unname(b$cvsd), tolerance = 1e-4, label = paste("cvsd", measure, grouped))
    expect_identical(a$name[[1]], b$name[[1]])
  }
  f <- a$fit
  mine <- assess(f, d$x, counts, s = lambda[4])
  theirs <- suppressWarnings(glmnet::assess.glmnet(as_glmnet(f), d$x, counts, s = lambda[4]))
  for (m in c("deviance", "class", "mse", "mae")) expect_equal(mine[[m]][1], as.vector(theirs[[m]]), tolerance = 1e-8, label = m)
})
