# Limits of coefficients with norms of blocks: several responses, grouped multinomial, groups of columns.

limits_data <- function(seed, n = 80, p = 25, K = 3, sparse = FALSE) with_seed(seed, {
  x <- matrix(rnorm(n * p), n) + 0.5 * rnorm(n)
  if (sparse) x <- x * (abs(x) > 0.8)
  x[, 2] <- 5 * x[, 2] + 3
  B <- rbind(matrix(rnorm(6 * K), 6), matrix(0, p - 6, K))
  B[2, ] <- B[2, ] / 5
  eta <- x %*% B
  Y <- eta + matrix(rnorm(n * K), n)
  list(
    x = if (sparse) Matrix::Matrix(x, sparse = TRUE) else x, Y = Y, y = Y[, 1L], z = as.double(Y[, 2L] > 0),
    counts = rpois(n, exp(pmin(2, Y[, 3L] / 3))), class = factor(letters[max.col(eta + matrix(rlogis(n * K), n))]), w = runif(n) + 0.3,
    o = matrix(rnorm(n * K) / 4, n), group = sample(rep_len(1:7, p))
  )
})

indicators <- function(y) outer(as.integer(y), seq_len(nlevels(y)), `==`) + 0

boxes <- list(
  "lower 0" = list(lower.limits = 0), "upper 0.1" = list(upper.limits = 0.1), "0 to 0.1" = list(lower.limits = 0, upper.limits = 0.1),
  "both" = list(lower.limits = -0.3, upper.limits = 0.2), "some" = list(lower.limits = c(0, -Inf, -0.1, -Inf, 0)[1 + 0:24 %% 5])
)

test_that("several responses and grouped classes are optimal within limits", {
  for (sparse in c(FALSE, TRUE)) {
    d <- limits_data(31, sparse = sparse)
    for (name in names(boxes)) {
      box <- boxes[[name]]
      for (more in list(list(), list(alpha = 0.5, weights = d$w), list(standardize = FALSE, offset = d$o), list(intercept = FALSE, alpha = 0.1))) {
        label <- paste(name, paste(names(more), collapse = " "), if (sparse) "sparse")
        r <- do.call(expect_group_exact, c(list(d$x, d$Y, "mgaussian", Y = d$Y, nlambda = 15, label = paste("mgaussian", label)), box, more))
        expect_lte(max(r$v$kkt), 1e-9)
        do.call(expect_group_exact, c(list(d$x, d$class, "multinomial", type.multinomial = "grouped", Y = indicators(d$class), nlambda = 15,
          label = paste("multinomial", label)), box, more))
      }
    }
  }
})

test_that("more columns than rows, checks of all columns included", {
  d <- limits_data(32, n = 40, p = 400)
  for (box in boxes[1:4]) {
    do.call(expect_group_exact, c(list(d$x, d$Y, "mgaussian", Y = d$Y, nlambda = 20), box))
    do.call(expect_group_exact, c(list(d$x, d$class, "multinomial", type.multinomial = "grouped", Y = indicators(d$class), nlambda = 20), box))
    a <- c(list(d$x, d$Y, "mgaussian", nlambda = 20), box)
    one <- do.call(sparsepath, a)
    for (control in list(sparsepath.control(threads = 2), sparsepath.control(screen = FALSE))) {
      other <- do.call(sparsepath, c(a, list(control = control)))
      expect_lt(max(abs(vg_coefficients(one)$b[[2]] - vg_coefficients(other)$b[[2]])), if (is.null(control$screen) || control$screen) 1e-15 else 1e-6)
    }
  }
})

test_that("groups of columns, for every loss", {
  d <- limits_data(33)
  v <- sqrt(tabulate(d$group))
  for (box in boxes) {
    for (family in c("gaussian", "binomial", "poisson")) {
      y <- switch(family, gaussian = d$y, binomial = d$z, poisson = d$counts)
      do.call(expect_group_exact, c(list(d$x, y, family, Y = as.matrix(y), penalty = pen_group(d$group), group = d$group, v = v, nlambda = 15,
        label = family), box))
      do.call(expect_group_exact, c(list(d$x, y, family, Y = as.matrix(y), penalty = pen_sparse_group(d$group, 0.3), group = d$group, v = v,
        tau = 0.3, alpha = 0.7, nlambda = 15, label = paste("sparse", family)), box))
    }
    do.call(expect_group_exact, c(list(d$x, d$Y, "mgaussian", Y = d$Y, penalty = pen_sparse_group(d$group, 0.3), group = d$group, v = v,
      tau = 0.3, nlambda = 15, label = "groups of mgaussian"), box))
    do.call(expect_group_exact, c(list(d$x, d$class, "multinomial", Y = indicators(d$class), penalty = pen_group(d$group), group = d$group, v = v,
      across = FALSE, nlambda = 15, label = "ungrouped classes"), box))
  }
})

test_that("the edges: no norm, no penalty, no direction, limits that nothing meets", {
  d <- limits_data(34)
  u <- replace(rep(1, 25), c(1, 4), 0)
  for (family in c("mgaussian", "multinomial")) {
    a <- list(d$x, if (family == "mgaussian") d$Y else d$class, family, type.multinomial = if (family == "multinomial") "grouped")
    a <- a[!vapply(a, is.null, NA)]
    # unpenalized columns with limits
    f <- do.call(sparsepath, c(a, list(penalty.factor = u, lower.limits = -0.05, upper.limits = 0.05, nlambda = 10)))
    k <- kkt(f, d$x, a[[2]])
    expect_true(all(f$status == 0L) && all(k$rel.gap <= GAP) && all(k$kkt <= KKT))
    expect_true(all(f$beta[[1]][1, ] != 0))
    # alpha = 0, lambda = 0
    f <- do.call(sparsepath, c(a, list(alpha = 0, lambda = c(1, 0.1, 0.01), lower.limits = 0)))
    k <- kkt(f, d$x, a[[2]])
    expect_true(all(f$status == 0L) && all(k$rel.gap <= GAP) && all(k$kkt <= KKT))
    f <- do.call(sparsepath, c(a, list(lambda = c(0.1, 0.01, 0), upper.limits = 0.1)))
    k <- kkt(f, d$x, a[[2]])
    expect_true(all(f$status == 0L) && all(k$rel.gap <= GAP) && all(k$kkt <= KKT))
    # nothing may move
    f <- do.call(sparsepath, c(a, list(lower.limits = 0, upper.limits = 0, nlambda = 5)))
    expect_true(all(vapply(f$beta, function(b) length(b@x), 0L) == 0L) && all(f$status == 0L))
    # limits that nothing meets
    f <- do.call(sparsepath, c(a, list(nlambda = 15)))
    g <- do.call(sparsepath, c(a, list(nlambda = 15, lower.limits = -1e3, upper.limits = 1e3)))
    expect_identical(f$lambda, g$lambda)
    expect_lt(max(abs(unlist(lapply(f$beta, as.matrix)) - unlist(lapply(g$beta, as.matrix)))), 1e-6)
  }
  f <- sparsepath(d$x, d$y, penalty = pen_group(d$group), nlambda = 10)
  g <- sparsepath(d$x, d$y, penalty = pen_group(d$group), nlambda = 10, upper.limits = 1e3)
  expect_lt(max(abs(f$beta - g$beta)), 1e-7)
})

test_that("sparse = dense, weights = replication, held-out predictions = single fits", {
  d <- limits_data(35, sparse = TRUE)
  flat <- function(f) unlist(lapply(f$beta, as.matrix))
  for (family in c("mgaussian", "multinomial")) {
    y <- if (family == "mgaussian") d$Y else d$class
    rows <- function(i) if (is.matrix(y)) y[i, ] else y[i]
    fit <- function(x, y, ...) {
      a <- list(x, y, family = family, lower.limits = -0.1, upper.limits = 0.2, ...)
      if (family == "multinomial") a$type.multinomial <- "grouped"
      do.call(sparsepath, a)
    }
    f <- fit(d$x, y, nlambda = 12)
    expect_lt(max(abs(flat(f) - flat(fit(as.matrix(d$x), y, lambda = f$lambda)))), 1e-6)
    times <- rep_len(1:2, nrow(d$x))
    i <- rep(seq_along(times), times)
    expect_lt(max(abs(flat(fit(d$x, y, weights = times, lambda = f$lambda)) - flat(fit(d$x[i, ], rows(i), lambda = f$lambda)))), 1e-6)
    fold <- rep_len(1:4, nrow(d$x))
    a <- list(d$x, y, family = family, lower.limits = -0.1, upper.limits = 0.2, lambda = f$lambda, foldid = fold, keep = TRUE)
    if (family == "multinomial") a$type.multinomial <- "grouped"
    cv <- do.call(cv.sparsepath, a)
    for (k in 1:2) {
      alone <- predict(fit(d$x[fold != k, ], rows(fold != k), lambda = f$lambda), d$x[fold == k, ])
      expect_lt(max(abs(cv$fit.preval[fold == k, , ] - alone)), 1e-5)
    }
  }
})

test_that("glmnet solves the same problem, as far as it does", {
  skip_unless_glmnet()
  d <- limits_data(36)
  value <- function(f, y, family, alpha, w, l) {
    B <- vapply(f$beta, function(b) as.matrix(b)[, l], double(25))
    w <- w / sum(w)
    U <- B * sqrt(colSums(w * sweep(d$x, 2, colSums(w * d$x))^2))
    eta <- d$x %*% B + rep(f$a0[, l], each = nrow(d$x))
    vg_loss(y, eta, w, if (family == "mgaussian") "gaussian" else family) +
      f$lambda[l] * (alpha * sum(sqrt(rowSums(U^2))) + (1 - alpha) / 2 * sum(U^2))
  }
  for (family in c("mgaussian", "multinomial")) {
    y <- if (family == "mgaussian") d$Y else d$class
    Y <- if (family == "mgaussian") d$Y else indicators(d$class)
    for (alpha in c(1, 0.5)) {
      for (name in names(boxes)[1:4]) {
        a <- c(list(d$x, y, family = family, alpha = alpha, weights = d$w, nlambda = 15, lambda.min.ratio = 0.05), boxes[[name]])
        if (family == "multinomial") a$type.multinomial <- "grouped"
        label <- paste(family, alpha, name)
        f <- do.call(sparsepath, a)
        g <- suppressWarnings(do.call(glmnet::glmnet, c(a, list(control = list(thresh = 1e-14, maxit = 1e7, epsnr = 1e-12)))))
        m <- seq_len(min(length(f$lambda), length(g$lambda)))
        expect(max(abs(f$lambda[m] / g$lambda[m] - 1)) < 1e-10, paste(label, "grids differ"))
        # within the limits glmnet's block updates may stop short of the optimum, never below it
        excess <- vapply(m, function(l) value(g, Y, family, alpha, d$w, l) - value(f, Y, family, alpha, d$w, l), 0)
        null <- value(f, Y, family, alpha, d$w, 1L)
        expect(min(excess) > -1e-9 * null, sprintf("%s: glmnet is lower by %.1e", label, -min(excess)))
        expect(max(excess) < 5e-3 * null, sprintf("%s: glmnet is higher by %.1e", label, max(excess)))
        if (name != "lower 0") next
        e <- max(abs(unlist(lapply(f$beta, function(b) as.matrix(b)[, m])) - unlist(lapply(g$beta, function(b) as.matrix(b)[, m]))))
        expect(e < 1e-3, sprintf("%s: coefficients differ by %.1e", label, e))
      }
    }
  }
})

test_that("scaled responses have limits in their own units, as in glmnet", {
  d <- limits_data(37)
  Y <- d$Y * rep(c(1, 10, 0.2), each = 80)
  f <- sparsepath(d$x, Y, "mgaussian", standardize.response = TRUE, lower.limits = 0, upper.limits = 0.5, lambda = 2^-(1:8))
  k <- kkt(f, d$x, Y)
  expect_true(all(f$status == 0L) && all(k$rel.gap <= GAP) && all(k$kkt <= KKT))
  b <- unlist(lapply(f$beta, as.matrix))
  expect_true(all(b >= 0 & b <= 0.5) && any(b == 0.5))
  skip_unless_glmnet()
  g <- glmnet::glmnet(d$x, Y, "mgaussian", standardize.response = TRUE, lower.limits = 0, upper.limits = 0.5, lambda = f$lambda)
  expect_equal(max(unlist(lapply(g$beta, as.matrix))), 0.5)
})

test_that("refits stay within the limits, and degrees of freedom are those of the coefficients that no limit holds", {
  d <- limits_data(38)
  f <- sparsepath(d$x, d$Y, "mgaussian", lower.limits = -0.2, upper.limits = 0.3, alpha = 0.5, nlambda = 12, relax = TRUE)
  b <- unlist(lapply(f$relaxed$beta, as.matrix))
  expect_true(all(b >= -0.2 & b <= 0.3) && any(b == 0.3))
  # how the fit moves with the responses, by differences
  f <- sparsepath(d$x, d$Y, "mgaussian", lower.limits = -0.2, upper.limits = 0.3, alpha = 0.5, lambda = c(1, 0.3))
  expect_true(any(unlist(lapply(f$beta, as.matrix)) == 0.3))
  step <- 1e-4
  moved <- vapply(seq_along(d$Y), function(i) {
    fitted <- lapply(c(step, -step), function(e) {
      predict(sparsepath(d$x, replace(d$Y, i, d$Y[i] + e), "mgaussian", lower.limits = -0.2, upper.limits = 0.3, alpha = 0.5, lambda = c(1, 0.3)), d$x)
    })
    vapply(1:2, function(l) (fitted[[1L]][, , l][i] - fitted[[2L]][, , l][i]) / (2 * step), 0)
  }, double(2))
  expect_lt(max(abs(rowSums(moved) - 3 - as.vector(effective_df(f, x = d$x)))), 1e-3) # the intercepts are not counted
})
