# Penalties with norms of groups: the verifier of helper-groups.R, identities, closed forms, errors.

group_data <- function(seed, n = 60, p = 60, sparse = FALSE) {
  d <- grouped_problem(seed, n, p, 0.4, 15, sparse)
  d$z <- as.double(d$y > median(d$y))
  d$counts <- as.double(round(exp(pmin(2, d$y / sd(d$y)))))
  d$class <- factor(c("a", "b", "c")[cut(rank(d$y + sd(d$y) * d$o), 3, labels = FALSE)])
  d$Y <- cbind(u = d$y, v = 3 * d$o + d$x[, 1], w = d$z * 2)
  d
}

response_of <- function(d, family) switch(family, gaussian = d$y, binomial = d$z, poisson = d$counts, multinomial = d$class, mgaussian = d$Y)
matrix_of <- function(y) if (is.factor(y)) 1 * outer(as.character(y), levels(y), "==") else as.matrix(y)

test_that("every family, alpha and share is optimal by the verifier and by kkt()", {
  row <- 0
  for (family in c("gaussian", "binomial", "poisson", "multinomial", "mgaussian")) {
    for (alpha in c(1, 0.5, 0.05)) {
      for (tau in c(0, 0.4)) {
        row <- row + 1
        d <- group_data(row, sparse = row %% 3 == 0)
        y <- response_of(d, family)
        size <- as.vector(table(d$group))
        penalty <- if (tau == 0) pen_group(d$group) else pen_sparse_group(d$group, tau)
        a <- list(d$x, y, family, Y = matrix_of(y), penalty = penalty, alpha = alpha, group = d$group, v = sqrt(size), tau = tau,
          nlambda = 12, lambda.min.ratio = 0.05, across = family != "multinomial", label = paste(family, alpha, tau))
        if (row %% 2) a$weights <- d$w
        if (row %% 4 == 1 && !family %in% c("multinomial", "mgaussian")) a$offset <- d$o / 5
        if (row %% 5 == 2) a$standardize <- FALSE
        if (row %% 7 == 3) a$intercept <- FALSE
        do.call(expect_group_exact, a)
      }
    }
  }
})

test_that("with groups over all classes, weights of groups, unpenalized groups and columns left out", {
  d <- group_data(3)
  v <- c(0, seq(0.5, 2, length.out = 14))
  for (family in c("gaussian", "mgaussian")) {
    y <- response_of(d, family)
    r <- expect_group_exact(d$x, y, family, Y = matrix_of(y), penalty = pen_group(d$group, v), group = d$group, v = v, nlambda = 10)
    b <- vg_coefficients(r$fit)$b[[1]]
    expect_true(all(b[d$group == 1, ] != 0))
    expect_true(all(b[d$group != 1, 1] == 0))
  }
  y <- d$class
  r <- expect_group_exact(d$x, y, "multinomial", Y = matrix_of(y), type.multinomial = "grouped", penalty = pen_group(d$group),
    group = d$group, v = sqrt(as.vector(table(d$group))), nlambda = 10)
  on <- Reduce(`|`, lapply(vg_coefficients(r$fit)$b, function(b) b != 0))
  expect_true(all(rowsum(1 * on, d$group) %in% c(0, 4))) # whole groups
  expect_true(all(rowSums(abs(sapply(vg_coefficients(r$fit)$b, function(b) b[, 5]))) < 1e3))
  out <- sparsepath(d$x, d$y, penalty = pen_group(d$group), exclude = 1:5, nlambda = 10)
  left <- 6:60
  size <- as.vector(table(factor(d$group[left], levels = 1:15)))
  same <- sparsepath(d$x[, left], d$y, penalty = pen_group(d$group[left], sqrt(size)[sort(unique(d$group[left]))]), lambda = out$lambda)
  expect_lt(max(abs(as.matrix(out$beta)[left, ] - as.matrix(same$beta))), 1e-8)
  expect_true(all(as.matrix(out$beta)[1:5, ] == 0))
})

test_that("groups of one column are the lasso, and so is a share of 1", {
  d <- group_data(4)
  for (family in c("gaussian", "binomial", "poisson", "multinomial")) {
    for (alpha in c(1, 0.3)) {
      y <- response_of(d, family)
      one <- sparsepath(d$x, y, family, alpha = alpha, penalty = pen_group(sample(1000, 60)), nlambda = 15, lambda.min.ratio = 0.1, weights = d$w)
      whole <- sparsepath(d$x, y, family, alpha = alpha, penalty = pen_sparse_group(d$group, 1), nlambda = 15, lambda.min.ratio = 0.1, weights = d$w)
      plain <- sparsepath(d$x, y, family, alpha = alpha, nlambda = 15, lambda.min.ratio = 0.1, weights = d$w)
      f <- function(fit) unlist(vg_coefficients(fit)$b)
      expect_equal(one$lambda, plain$lambda, tolerance = 1e-12)
      expect_equal(whole$lambda, plain$lambda, tolerance = 1e-12)
      expect_lt(max(abs(f(one) - f(plain))) / max(abs(f(plain))), 1e-7)
      expect_lt(max(abs(f(whole) - f(plain))) / max(abs(f(plain))), 1e-7)
    }
  }
})

test_that("an orthonormal design has the closed form", {
  x <- make_orthonormal(50, 12, seed = 2)
  y <- drop(x %*% rnorm(12)) + 5
  y <- y / sqrt(mean((y - mean(y))^2)) # s_y = 1
  group <- rep(1:4, each = 3)
  ls <- drop(crossprod(x, y - mean(y))) / 50
  for (tau in c(0, 0.3)) for (alpha in c(1, 0.6)) {
    fit <- sparsepath(x, y, alpha = alpha, penalty = pen_sparse_group(group, tau), nlambda = 20, control = sparsepath.control(fdev = 0, devmax = 1))
    for (l in c(2, 8, 15)) {
      lambda <- fit$lambda[l]
      s <- sign(ls) * pmax(abs(ls) - lambda * alpha * tau, 0)
      h <- sqrt(rowsum(s^2, group))[group]
      wt <- (1 - tau) * sqrt(3) + tau
      want <- s * pmax(1 - lambda * alpha * (1 - tau) * sqrt(3) / pmax(h, 1e-300), 0) / (1 + lambda * (1 - alpha) * wt)
      expect_equal(as.vector(fit$beta[, l]), want, tolerance = 1e-10)
    }
  }
  # two responses, columns as groups
  Y <- cbind(y, 2 * x[, 1] + x[, 5] + rnorm(50) / 10)
  fit <- sparsepath(x, Y, "mgaussian", nlambda = 20)
  LS <- crossprod(x, sweep(Y, 2, colMeans(Y))) / 50
  h <- sqrt(rowSums(LS^2))
  for (l in c(2, 10)) {
    want <- LS * pmax(1 - fit$lambda[l] / h, 0)
    expect_equal(cbind(fit$beta[[1]][, l], fit$beta[[2]][, l]), want, tolerance = 1e-10, ignore_attr = TRUE)
  }
})

test_that("weights are replications, sparse is dense, and screening, threads and batches of folds change nothing", {
  d <- group_data(5)
  sparse <- group_data(5, sparse = TRUE)
  w <- with_seed(1, sample(0:3, 60, TRUE))
  rows <- rep(1:60, w)
  flat <- function(fit) unlist(vg_coefficients(fit)[c("b", "a0")])
  for (family in c("gaussian", "binomial", "multinomial", "mgaussian")) {
    y <- response_of(d, family)
    take <- function(i) if (is.matrix(y)) y[i, ] else y[i]
    fit <- function(x, y, ...) {
      args <- list(x, y, family, nlambda = 15, lambda.min.ratio = 0.1, ...)
      if (is.null(args$penalty)) args$penalty <- pen_sparse_group(d$group, 0.3)
      if (family == "multinomial") args$type.multinomial <- "grouped"
      do.call(sparsepath, args)
    }
    a <- fit(d$x, y, weights = w)
    b <- fit(d$x[rows, ], take(rows), lambda = a$lambda)
    expect_lt(max(abs(flat(a) - flat(b))) / max(abs(flat(a))), 1e-8)
    a <- fit(sparse$x, y)
    b <- fit(as.matrix(sparse$x), y)
    expect_lt(max(abs(flat(a) - flat(b))) / max(abs(flat(a))), 1e-8)
    a <- fit(d$x, y)
    b <- fit(d$x, y, control = sparsepath.control(screen = FALSE))
    expect_lt(max(abs(flat(a) - flat(b))) / max(abs(flat(a))), 1e-7)
    b <- fit(d$x, y, control = sparsepath.control(threads = 2))
    expect_identical(flat(a), flat(b))
  }
})

test_that("cross-validation equals a loop of single fits", {
  d <- group_data(6)
  fold <- rep_len(1:4, 60)
  for (family in c("gaussian", "binomial", "multinomial", "mgaussian")) {
    y <- response_of(d, family)
    take <- function(i) if (is.matrix(y)) y[i, ] else y[i]
    args <- list(family = family, penalty = if (family != "mgaussian") pen_group(d$group), alpha = 0.8)
    if (family == "multinomial") args$type.multinomial <- "grouped"
    if (family == "mgaussian") args$standardize.response <- TRUE
    cv <- do.call(cv.sparsepath, c(list(d$x, y, foldid = fold, keep = TRUE, weights = d$w, nlambda = 12, lambda.min.ratio = 0.1), args))
    again <- do.call(cv.sparsepath, c(list(d$x, y, foldid = fold, keep = TRUE, weights = d$w, nlambda = 12, lambda.min.ratio = 0.1,
      control = sparsepath.control(threads = 2)), args))
    expect_identical(cv$cvm, again$cvm)
    held <- cv$fit.preval
    K <- if (length(dim(held)) == 3L) dim(held)[2L] else 1L
    for (k in 1:4) {
      i <- fold != k
      single <- do.call(sparsepath, c(list(d$x[i, ], take(i), weights = d$w[i], lambda = cv$lambda), args))
      eta <- predict(single, d$x[!i, ])
      own <- if (K > 1L) held[!i, , ] else held[!i, ]
      expect_lt(max(abs(eta - own)) / max(abs(eta)), 1e-10)
    }
    expect_true(all(cv$fold.gap <= GAP))
  }
})

test_that("Cox takes groups", {
  skip_if_not_installed("survival")
  d <- group_data(7)
  time <- with_seed(2, rexp(60, exp(d$x[, 1] / 3 + d$x[, 2] / 3)))
  y <- survival::Surv(time, rep_len(c(1, 1, 0), 60))
  fit <- sparsepath(d$x, y, "cox", penalty = pen_sparse_group(d$group, 0.2), nlambda = 15, lambda.min.ratio = 0.1)
  own <- kkt(fit, d$x, y)
  expect_true(all(fit$gap <= GAP) && all(own$kkt <= KKT) && all(own$rel.gap <= GAP))
})

test_that("kkt() measures what is not optimal", {
  d <- group_data(8)
  for (tau in c(0, 0.5)) {
    penalty <- pen_sparse_group(d$group, tau)
    fit <- sparsepath(d$x, d$y, penalty = penalty, nlambda = 8)
    b <- as.matrix(coef(fit))
    best <- kkt(fit, d$x, d$y)
    b[2, ] <- b[2, ] + 0.05
    worse <- kkt(b, d$x, d$y, lambda = fit$lambda, penalty = penalty)
    expect_true(all(worse$gap >= worse$objective - best$objective - 1e-12))
    expect_true(all(worse$objective > best$objective))
    expect_true(all(worse$kkt > 1e-3))
  }
})

test_that("lambda = 0 is least squares, alpha = 0 a ridge", {
  d <- group_data(9, n = 80, p = 10)
  group <- rep(1:5, 2)
  fit <- sparsepath(d$x, d$Y[1:80, ], "mgaussian", lambda = c(0.5, 0))
  ls <- coef(stats::lm(d$Y ~ d$x))
  ours <- cbind(coef(fit)[[1]][, 2], coef(fit)[[2]][, 2], coef(fit)[[3]][, 2])
  expect_equal(unname(ours), unname(ls), tolerance = 1e-8)
  fit <- sparsepath(d$x, d$y, penalty = pen_group(group), lambda = c(0.5, 0))
  expect_equal(unname(coef(fit)[, 2]), unname(coef(stats::lm(d$y ~ d$x))), tolerance = 1e-8)
  expect_group_exact(d$x, d$y, "gaussian", penalty = pen_group(group), alpha = 0, group = group, v = rep(sqrt(2), 5), nlambda = 5)
  expect_group_exact(d$x, d$Y, "mgaussian", Y = d$Y, alpha = 0, nlambda = 5)
})

test_that("a formula's terms can be groups", {
  d <- data.frame(a = gl(4, 15), b = rep(gl(3, 5), 4), z = with_seed(1, rnorm(60)))
  d$y <- as.integer(d$a) + d$z + with_seed(2, rnorm(60))
  for (sparse in c(FALSE, TRUE)) {
    fit <- sparsepath(y ~ a + b + z, d, penalty = pen_group("terms"), sparse = sparse, nlambda = 20)
    on <- rowsum(1 * (as.matrix(fit$beta) != 0), c(rep("a", 4), rep("b", 3), "z"))
    expect_true(all(on["a", ] %in% c(0, 4)) && all(on["b", ] %in% c(0, 3)))
    expect_identical(dim(predict(fit, newdata = d[1:3, ])), c(3L, length(fit$lambda)))
  }
  expect_error(sparsepath(as.matrix(d[c("z", "y")]), d$y, penalty = pen_group("terms")), class = "sparsepath_error_unavailable")
})

test_that("factors are groups, in formulas, data frames and their matrices, whatever the order of their levels", {
  n <- 60
  d <- data.frame(z = with_seed(1, rnorm(n)), a = gl(4, 15, labels = c("p", "q", "r", "s")), b = rep(c("u", "v", "w"), 20),
    l = rep(c(TRUE, FALSE), 30), w = with_seed(3, rnorm(n)))
  y <- as.integer(d$a) + d$z * (d$b == "v") + with_seed(2, rnorm(n))
  by_hand <- c("z", rep("a", 4), rep("b", 3), "l", "w")
  f <- sparsepath(d, y, penalty = pen_group("factors"), nlambda = 20)
  g <- sparsepath(make_x(d), y, penalty = pen_group(by_hand), lambda = f$lambda)
  expect_equal(f$beta, g$beta, tolerance = 1e-12)
  expect_equal(sparsepath(make_x(d, sparse = TRUE), y, penalty = pen_group("factors"), nlambda = 20)$beta, f$beta, tolerance = 1e-9)
  expect_equal(sparsepath(d, y, penalty = pen_group("terms"), nlambda = 20)$beta, f$beta, tolerance = 1e-12)
  expect_identical(f$penalty$group, "factors")
  expect_output(print(f$penalty), "factors")
  cv <- cv.sparsepath(d, y, penalty = pen_group("factors"), lambda = f$lambda, foldid = rep_len(1:3, n))
  expect_equal(cv$cvm, cv.sparsepath(make_x(d), y, penalty = pen_group(by_hand), lambda = f$lambda, foldid = rep_len(1:3, n))$cvm, tolerance = 1e-10)
  expect_lt(max(kkt(f, d, y)$kkt), 1e-6)

  # poly() is one term, but no factor; an interaction with a factor is one
  d$y <- y
  f <- sparsepath(y ~ poly(z, 2) + a + w:b, d, penalty = pen_group("factors"), nlambda = 20)
  g <- sparsepath(make_x(~ poly(z, 2) + a + w:b, d), y, penalty = pen_group(c(1:2, rep(3, 4), rep(4, 3))), lambda = f$lambda)
  expect_equal(as.matrix(f$beta), as.matrix(g$beta), tolerance = 1e-12, ignore_attr = TRUE)
  f <- sparsepath(y ~ poly(z, 2) + a, d, penalty = pen_group("terms"), nlambda = 20)
  g <- sparsepath(make_x(~ poly(z, 2) + a, d), y, penalty = pen_group(c(1, 1, rep(3, 4))), lambda = f$lambda)
  expect_equal(as.matrix(f$beta), as.matrix(g$beta), tolerance = 1e-12, ignore_attr = TRUE)

  # another reference level, another order of levels: the same predictions, at every lambda
  e <- d
  e$a <- factor(as.character(e$a), levels = c("s", "q", "p", "r"))
  for (penalty in list(pen_group("factors"), pen_sparse_group("factors", 0.3))) {
    f <- sparsepath(y ~ z + a + b, d, penalty = penalty, nlambda = 20)
    g <- sparsepath(y ~ z + a + b, e, penalty = penalty, lambda = f$lambda)
    expect_lt(max(abs(predict(f, newdata = d) - predict(g, newdata = e))), 1e-8)
  }
  expect_error(sparsepath(as.matrix(d[c("z", "w")]), y, penalty = pen_group("factors")), class = "sparsepath_error_unavailable")
  expect_error(sparsepath(d[c("z", "a")], y, penalty = pen_group("factor s")), class = "sparsepath_error_choice")
})

test_that("methods of fits with groups", {
  d <- group_data(11)
  fit <- sparsepath(d$x, d$y, penalty = pen_sparse_group(d$group, 0.3), nlambda = 10)
  s <- summary(fit)
  expect_match(utils::capture.output(print(s)), "sparse group lasso, 15 groups, share of the lasso 0.3", all = FALSE)
  expect_warning(df <- effective_df(fit), class = "sparsepath_warning_df")
  expect_equal(as.vector(df), fit$df)
  at <- mean(fit$lambda[5:6])
  exact <- predict(fit, d$x, s = at, exact = TRUE, x = d$x, y = d$y)
  again <- sparsepath(d$x, d$y, penalty = pen_sparse_group(d$group, 0.3), lambda = at)
  expect_equal(exact, predict(again, d$x), tolerance = 1e-8, ignore_attr = TRUE)
  relaxed <- sparsepath(d$x, d$y, penalty = pen_group(d$group), nlambda = 10, relax = TRUE)
  on <- which(relaxed$beta[, 3] != 0)
  ls <- stats::lm(d$y ~ d$x[, on])
  expect_equal(unname(coef(relaxed, s = relaxed$lambda[3], gamma = 0)[c(1, on + 1), 1]), unname(coef(ls)), tolerance = 1e-7)
  several <- sparsepath(d$x, d$Y, "mgaussian", nlambda = 10)
  expect_match(utils::capture.output(print(summary(several))), "3 responses: \"u\", \"v\" and \"w\"|3 responses: u, v, w|3 responses: .*u.*v.*w", all = FALSE)
  r <- residuals(several, d$x, d$Y, s = several$lambda[4])
  expect_equal(as.vector(r), as.vector(d$Y) - as.vector(predict(several, d$x, s = several$lambda[4])))
  expect_silent({
    grDevices::pdf(NULL)
    plot(several)
    plot(several, type.coef = "2norm")
    grDevices::dev.off()
  })
})

test_that("what cannot be is refused", {
  d <- group_data(10)
  refused <- function(class, ...) expect_error(sparsepath(d$x, d$y, ...), class = paste0("sparsepath_error_", class))
  refused("length", penalty = pen_group(1:3))
  refused("type", penalty = "group")
  refused("unavailable", penalty = pen_group(d$group), penalty.factor = 1:60)
  refused("length", penalty = pen_group(d$group, weights = 1:3))
  refused("names", penalty = pen_group(d$group, weights = c(a = 1, stats::setNames(1:14, 2:15))))
  expect_error(pen_group(c(1, NA)), class = "sparsepath_error_nonfinite")
  expect_error(pen_group(), class = "sparsepath_error_missing_argument")
  expect_error(pen_group(1:3, weights = -1), class = "sparsepath_error_range")
  expect_error(pen_sparse_group(1:3, asparse = 2), class = "sparsepath_error_range")
  expect_error(sparsepath(d$x, d$y, "mgaussian"), class = "sparsepath_error_type")
  expect_error(sparsepath(d$x, cbind(d$y, NA), "mgaussian"), class = "sparsepath_error_nonfinite")
  expect_error(sparsepath(d$x, matrix(1, 60, 2), "mgaussian"), class = "sparsepath_error_constant_y")
})

test_that("a sparse group lasso without norms is the lasso, bit for bit", {
  # on these data the block solver did not end
  x <- log2(colon$x[, !colon$genes$control])
  x <- x - apply(x, 1, stats::median)
  group <- stats::cutree(stats::hclust(stats::as.dist(1 - stats::cor(x)), "average"), h = 0.5)
  f <- sparsepath(x, colon$y, family = "binomial", penalty = pen_sparse_group(group, asparse = 1))
  g <- sparsepath(x, colon$y, family = "binomial")
  expect_identical(f$beta, g$beta)
  expect_identical(f$lambda, g$lambda)
  expect_lt(max(kkt(f, x, colon$y)$rel.gap), 1e-9)
})

test_that("a share of 1 is the lasso over several predictors, too", {
  d <- group_data(6)
  penalty <- pen_sparse_group(d$group, 1)
  a <- list(d$x, d$class, "multinomial", nlambda = 15, lambda.min.ratio = 0.01)
  f <- do.call(sparsepath, c(a, list(penalty = penalty, type.multinomial = "grouped")))
  expect_identical(f$beta, do.call(sparsepath, a)$beta)
  expect_lt(max(kkt(f, d$x, d$class)$kkt), 1e-6)
  f <- sparsepath(d$x, d$Y, "mgaussian", penalty = penalty, nlambda = 15)
  v <- vg_path(f, d$x, d$Y, "mgaussian", d$group, rep(1, 15), tau = 1)
  expect_lt(max(v$kkt), 1e-6)
  # responses are apart without norms: each is a lasso of its own
  for (k in 1:3) {
    g <- sparsepath(d$x, d$Y[, k], lambda = f$lambda)
    expect_lt(max(abs(as.matrix(f$beta[[k]]) - as.matrix(g$beta))) / max(abs(f$beta[[k]])), 1e-8)
  }
  # five observations: the block solver took half a minute
  s <- fuzz_penalty(2871)
  took <- system.time(f <- do.call(sparsepath, s))
  expect_true(all(f$status == 0))
  expect_lt(sum(took[1:2]), 5)
})

test_that("groups of one column are solved as the lasso with the weights as factors", {
  d <- group_data(7)
  w <- c(0, with_seed(1, runif(59, 0.3, 2)))
  label <- with_seed(2, sample(60))
  for (family in c("gaussian", "poisson")) {
    y <- response_of(d, family)
    for (alpha in c(1, 0.4)) {
      a <- list(d$x, y, family, alpha = alpha, weights = d$w, nlambda = 12)
      f <- do.call(sparsepath, c(a, list(penalty = pen_group(label, w))))
      v <- w[label] # weights are in the order of the groups
      g <- do.call(sparsepath, c(a, list(penalty.factor = v)))
      expect_equal(f$lambda, g$lambda * 60 / sum(v), tolerance = 1e-10) # factors are rescaled, weights are not
      expect_equal(as.matrix(f$beta), as.matrix(g$beta), tolerance = 1e-9)
      expect_lt(max(vg_path(f, d$x, y, family, label, w, alpha = alpha, weights = d$w)$kkt), 1e-6)
      expect_lt(max(kkt(f, d$x, y, weights = d$w)$kkt), 1e-6)
    }
  }
  f <- sparsepath(d$x, d$y, penalty = pen_sparse_group(label, 0.3, w), penalty.factor = rep(1:2, 30), nlambda = 12)
  u <- rep(1:2, 30) / 1.5
  expect_lt(max(vg_path(f, d$x, d$y, "gaussian", label, w, tau = 0.3, u = u)$kkt), 1e-6)
  expect_s3_class(cv.sparsepath(d$x, d$y, penalty = pen_group(label, w), foldid = rep_len(1:3, 60), nlambda = 10), "cv.sparsepath")
  # nearly equal columns: the block solver took seconds here and gave up at one lambda
  s <- fuzz_penalty(4685)
  took <- system.time(f <- do.call(sparsepath, s))
  expect_true(all(f$status == 0))
  expect_lt(sum(took[1:2]), 2)
})

test_that("shares of the L1 part at and near 1 are solved as the rest", {
  # groups of strongly correlated columns, down to where the fit is nearly perfect: more coefficients want to enter than there are rows
  d <- with_seed(3, {
    x <- matrix(stats::rnorm(100 * 300), 100)
    x <- x / 2 + matrix(stats::rnorm(100 * 30), 100)[, rep(1:30, each = 10)]
    list(x = x, y = drop(x[, 1:5] %*% stats::rnorm(5)) + stats::rnorm(100))
  })
  group <- rep(1:30, each = 10)
  for (share in c(0.999, 1 - 1e-5, 1 - 1e-9)) {
    expect_group_exact(d$x, d$y, "gaussian", penalty = pen_sparse_group(group, share), group = group, v = rep(sqrt(10), 30), tau = share,
      lambda.min.ratio = 1e-3, nlambda = 50, label = paste("1 -", 1 - share))
  }
  u <- rep_len(c(1, 1.5), 300)
  for (alpha in c(0.9, 0.5, 0.1)) {
    expect_group_exact(d$x, d$y, "gaussian", penalty = pen_sparse_group(group, 1), penalty.factor = u, group = group, v = rep(sqrt(10), 30),
      tau = 1, u = u * 300 / sum(u), alpha = alpha, lambda.min.ratio = 1e-3, nlambda = 50, label = paste("alpha", alpha))
  }
})

test_that("columns over all classes or responses, for every shape of data and block", {
  row <- 0
  for (shape in list(c(150, 12), c(60, 60), c(40, 120))) {
    for (family in c("multinomial", "mgaussian")) {
      for (tau in c(0, 0.5)) {
        for (size in c(1, 4)) {
          row <- row + 1
          d <- group_data(row, shape[1], shape[2], sparse = row %% 3 == 0)
          group <- (seq_len(shape[2]) - 1) %/% size
          y <- response_of(d, family)
          a <- list(d$x, y, family, Y = matrix_of(y), penalty = if (tau == 0) pen_group(group) else pen_sparse_group(group, tau), group = group,
            v = rep(sqrt(size), shape[2] / size), tau = tau, nlambda = 15, lambda.min.ratio = 0.01, weights = d$w,
            alpha = if (row %% 3 == 1) 0.7 else 1, intercept = row %% 5 != 2, standardize = row %% 7 != 3,
            label = paste(family, "of", paste(shape, collapse = " x "), "share", tau, "size", size))
          if (family == "multinomial") a$type.multinomial <- "grouped"
          do.call(expect_group_exact, a)
        }
      }
    }
  }
})

test_that("equal blocks do not take each other's place from one lambda to the next", {
  d <- with_seed(8, {
    x <- matrix(stats::rnorm(60 * 120), 60)
    list(x = x, y = x[, 1:6] %*% matrix(stats::rnorm(18), 6) + matrix(stats::rnorm(180), 60))
  })
  entries <- function(...) {
    b <- sparsepath(...)$beta
    sum(diff(t(as.matrix(if (is.list(b)) b[[1]] else b) != 0)) == 1)
  }
  three <- rep(1:120, each = 3)
  expect_steady <- function(x, more, ...) expect_lte(entries(more, ...), 1.5 * entries(x, ...))
  expect_steady(d$x, d$x[, three], d$y, family = "mgaussian", lambda.min.ratio = 0.01)
  expect_steady(d$x, d$x[, three], factor(max.col(d$y)), family = "multinomial", type.multinomial = "grouped", lambda.min.ratio = 0.05)
  groups <- function(m) pen_group(rep(seq_len(m), each = 6))
  expect_lte(entries(d$x[, c(1:120, 1:120)], d$y[, 1], penalty = groups(40), lambda.min.ratio = 0.01),
    1.5 * entries(d$x, d$y[, 1], penalty = groups(20), lambda.min.ratio = 0.01))
})

test_that("long groups with more active coefficients than rows, down to a saturated fit", {
  size <- rep(c(12, 5, 20, 9), 12)
  d <- make_problem(40, 140 + sum(size), "equi", 0.6, seed = 31)
  group <- c(rep(1, 140), rep(1 + seq_along(size), size))
  w <- with_seed(32, stats::runif(40, 0.5, 2))
  for (alpha in c(1, 0.9)) {
    r <- expect_group_exact(d$x, d$y, "gaussian", Y = d$y, penalty = pen_group(group), group = group, v = sqrt(tabulate(group)), alpha = alpha,
      weights = if (alpha < 1) w, nlambda = 40, lambda.min.ratio = 1e-4, label = sprintf("alpha %g", alpha))
    expect_gt(max(colSums(as.matrix(r$fit$beta) != 0)), 3 * 40)
  }
  expect_group_exact(d$x, d$y, "gaussian", Y = d$y, penalty = pen_sparse_group(group, 0.1), group = group, v = sqrt(tabulate(group)), tau = 0.1,
    nlambda = 40, lambda.min.ratio = 1e-3, label = "sparse")
})
