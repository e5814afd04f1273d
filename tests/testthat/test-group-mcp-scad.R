# Group MCP and group SCAD, MCP and SCAD with several linear predictors: against their definition, closed forms, search, grpreg, and the
# identities of every path.

shapes <- c("mcp", "scad")
make_pen <- list(mcp = pen_group_mcp, scad = pen_group_scad)
group_gamma <- c(mcp = 3, scad = 4)

concave_data <- function(seed, n = 80, p = 60, sparse = FALSE) {
  d <- grouped_problem(seed, n, p, 0.3, 20, sparse)
  d$size <- as.vector(table(d$group))
  u <- drop(scale(d$y))
  d$z <- with_seed(seed, rbinom(n, 1, 1 / (1 + exp(-u))))
  d$counts <- with_seed(seed, rpois(n, exp(u / 2)))
  d$class <- factor(with_seed(seed, cut(rank(u + rnorm(n)), 3, labels = c("a", "b", "c"))))
  d$Y <- cbind(u = d$y, v = 3 * d$o + d$x[, 1], w = d$z * 2)
  d
}

answer <- function(d, family) switch(family, gaussian = d$y, binomial = d$z, poisson = d$counts, multinomial = d$class, mgaussian = d$Y)
as_matrix <- function(y) if (is.factor(y)) 1 * outer(as.character(y), levels(y), "==") else as.matrix(y)
class_curvature <- function(Y, w = rep(1, nrow(Y))) {
  mu <- colSums(w * Y) / sum(w)
  mean(mu * (1 - mu))
}

test_that("every lambda is stationary by the definition, for every family and option", {
  row <- 0
  for (family in c("gaussian", "binomial", "poisson", "multinomial", "mgaussian")) {
    for (name in shapes) {
      for (alpha in c(1, 0.6)) {
        row <- row + 1
        d <- concave_data(row, sparse = row %% 3 == 0)
        y <- answer(d, family)
        Y <- as_matrix(y)
        v <- if (row %% 2) sqrt(d$size) else c(0, seq(0.5, 2.5, length.out = 19))
        a <- list(d$x, y, family, penalty = make_pen[[name]](d$group, weights = if (row %% 2) NULL else v), alpha = alpha, nlambda = 20,
          lambda.min.ratio = 0.15)
        if (row %% 3 != 1) a$weights <- d$w
        if (row %% 4 == 1 && family %in% c("gaussian", "binomial", "poisson")) a$offset <- d$o / 5
        if (row %% 5 == 2) a$standardize <- FALSE
        fit <- do.call(sparsepath, a)
        expect_gt(length(fit$lambda), 5)
        expect_true(all(fit$status == 0L))
        verdict <- nc_group_path(fit, d$x, Y, family, d$group, v, name, group_gamma[name], fit$penalty$curvature, alpha,
          w = if (is.null(a$weights)) rep(1, 80) else a$weights, offset = if (is.null(a$offset)) 0 else a$offset,
          standardize = is.null(a$standardize), across = family != "multinomial")
        expect_lt(max(verdict$kkt), 1e-7)
        own <- kkt(fit, d$x, y, weights = a$weights, offset = a$offset)
        expect_lt(max(own$kkt), 1e-7)
        expect_lt(max(own$rel.gap), 1e-6)
        expect_equal(diff(own$objective), diff(verdict$objective), tolerance = 1e-8) # losses may differ by a constant
      }
    }
  }
})

test_that("several predictors: rows or coefficients, in units of the null model's curvature", {
  d <- concave_data(5)
  Y <- as_matrix(d$class)
  own <- seq_len(60)
  for (name in shapes) {
    penalty <- if (name == "mcp") pen_mcp() else pen_scad()
    gamma <- if (name == "mcp") 3 else 3.7
    f <- sparsepath(d$x, d$class, "multinomial", penalty = penalty, weights = d$w, nlambda = 20, lambda.min.ratio = 0.3)
    expect_equal(f$penalty$curvature, class_curvature(Y, d$w))
    expect_lt(max(nc_group_path(f, d$x, Y, "multinomial", own, rep(1, 60), name, gamma, f$penalty$curvature, w = d$w, across = FALSE)$kkt), 1e-7)
    f <- sparsepath(d$x, d$class, "multinomial", type.multinomial = "grouped", penalty = penalty, nlambda = 20, lambda.min.ratio = 0.4)
    expect_lt(max(nc_group_path(f, d$x, Y, "multinomial", own, rep(1, 60), name, gamma, class_curvature(Y))$kkt), 1e-7)
    expect_true(all(f$local > 0)) # up to the shift that no prediction sees
    f <- sparsepath(d$x, d$Y, "mgaussian", penalty = penalty, nlambda = 20, lambda.min.ratio = 0.1)
    expect_lt(max(nc_group_path(f, d$x, d$Y, "mgaussian", own, rep(1, 60), name, gamma)$kkt), 1e-7)
    expect_lt(max(kkt(f, d$x, d$Y)$rel.gap), 1e-6)
    g <- sparsepath(d$x, d$Y, "mgaussian", penalty = make_pen[[name]](own, gamma), lambda = f$lambda)
    expect_equal(lapply(f$beta, as.matrix), lapply(g$beta, as.matrix), tolerance = 1e-8)
  }
})

test_that("family objects", {
  d <- concave_data(8)
  f <- sparsepath(d$x, d$counts, poisson(), penalty = pen_group_mcp(d$group), nlambda = 15, lambda.min.ratio = 0.2)
  g <- sparsepath(d$x, d$counts, "poisson", penalty = pen_group_mcp(d$group), lambda = f$lambda)
  expect_equal(as.matrix(f$beta), as.matrix(g$beta), tolerance = 1e-7)
  f <- sparsepath(d$x, d$counts + 0.5, Gamma("log"), penalty = pen_scad(), nlambda = 15, lambda.min.ratio = 0.2)
  expect_equal(f$penalty$curvature, 1) # expected curvature of Gamma with log link
  expect_lt(max(f$kkt), 1e-6)
  expect_true(all(is.na(f$gap)))
})

test_that("an infinite or huge gamma is the group lasso, groups of one column are MCP and SCAD", {
  d <- concave_data(2)
  for (family in c("gaussian", "poisson")) {
    y <- answer(d, family)
    lasso <- sparsepath(d$x, y, family, alpha = 0.9, penalty = pen_group(d$group), nlambda = 20, lambda.min.ratio = 0.1)
    for (make in make_pen) {
      for (gamma in c(1e12, Inf)) {
        f <- sparsepath(d$x, y, family, alpha = 0.9, penalty = make(d$group, gamma), lambda = lasso$lambda)
        expect_equal(as.matrix(f$beta), as.matrix(lasso$beta), tolerance = 1e-7)
      }
    }
    one <- sparsepath(d$x, y, family, penalty = pen_mcp(), nlambda = 20, lambda.min.ratio = 0.2)
    same <- sparsepath(d$x, y, family, penalty = pen_group_mcp(60:1), lambda = one$lambda)
    upto <- seq_len(if (is.na(one$convex.min)) 20 else one$convex.min)
    expect_equal(as.matrix(same$beta)[, upto], as.matrix(one$beta)[, upto], tolerance = 1e-7)
  }
})

test_that("an orthonormal design has the closed forms of firm thresholding of norms", {
  n <- 96
  x <- make_orthonormal(n, 20, seed = 1)
  group <- rep(1:6, c(1, 2, 3, 4, 4, 6))
  y <- with_seed(2, drop(x %*% c(3, -2, 1.5, 1, -0.7, rep(0.3, 15))) + rnorm(n) / 2)
  z <- drop(crossprod(x, y - mean(y))) / n
  size <- sqrt(as.vector(rowsum(z^2, group)))
  v <- sqrt(as.vector(table(group)))
  s_y <- sqrt(mean((y - mean(y))^2))
  for (alpha in c(1, 0.8)) {
    m <- sparsepath(x, y, penalty = pen_group_mcp(group, 2.5), alpha = alpha, nlambda = 20)
    s <- sparsepath(x, y, penalty = pen_group_scad(group, 3), alpha = alpha, nlambda = 20)
    for (l in seq_along(m$lambda)) {
      t <- m$lambda[l] * alpha * v
      k <- 1 + m$lambda[l] * (1 - alpha) * v / s_y
      to <- ifelse(size <= 2.5 * t * k, soft(size, t) / (k - 1 / 2.5), size / k)
      expect_equal(as.double(m$beta[, l]), z * (to / size)[group], tolerance = 1e-9)
    }
    for (l in seq_along(s$lambda)) {
      t <- s$lambda[l] * alpha * v
      k <- 1 + s$lambda[l] * (1 - alpha) * v / s_y
      to <- ifelse(size <= t * (1 + k), soft(size, t) / k, ifelse(size <= 3 * t * k, soft(size, 3 * t / 2) / (k - 1 / 2), size / k))
      expect_equal(as.double(s$beta[, l]), z * (to / size)[group], tolerance = 1e-9)
    }
    expect_true(all(m$local == 2L) && is.na(m$convex.min))
  }
})

test_that("where the objective is convex a search from anywhere finds nothing better", {
  for (seed in 1:3) {
    d <- make_problem(60, 6, "equi", 0.2, seed = seed)
    group <- c(1, 1, 2, 2, 2, 3)
    x <- scale(d$x) * sqrt(60 / 59)
    y <- d$y - mean(d$y)
    for (name in shapes) {
      f <- sparsepath(d$x, d$y, penalty = make_pen[[name]](group), nlambda = 10)
      s <- apply(d$x, 2, function(z) sqrt(mean((z - mean(z))^2)))
      objective <- function(b, t) sum((y - x %*% b)^2) / 120 + sum(nc_value(sqrt(rowsum(b^2, group)), t * sqrt(c(2, 3, 1)), name, group_gamma[name]))
      if (min(eigen(crossprod(x) / 60)$values) < 1 / 3) next
      expect_true(is.na(f$convex.min))
      expect_nothing_better(f, objective, s)
    }
  }
})

test_that("coefficients solve the group lasso weighted by their own slopes, and local tells strict local minima", {
  d <- make_problem(60, 60, "ar", 0.7, seed = 8)
  group <- rep(1:20, each = 3)
  f <- sparsepath(d$x, d$y, penalty = pen_group_mcp(group), nlambda = 25, lambda.min.ratio = 0.05)
  s <- apply(d$x, 2, function(z) sqrt(mean((z - mean(z))^2)))
  x <- scale(d$x) * sqrt(60 / 59)
  for (l in c(5, 10, 15, 20)) {
    b <- f$beta[, l] * s
    size <- sqrt(as.vector(rowsum(b^2, group)))
    w <- nc_slope(size, f$lambda[l] * sqrt(3), "mcp", 3) / f$lambda[l]
    g <- sparsepath(d$x, d$y, penalty = pen_group(group, w), lambda = f$lambda[l])
    expect_equal(as.double(g$beta), as.double(f$beta[, l]), tolerance = 1e-7)
    on <- which(b != 0)
    H <- crossprod(x[, on]) / 60
    for (k in unique(group[on])) {
      at <- group[on] == k
      u <- b[on][at] / size[k]
      inside <- size[k] < 3 * f$lambda[l] * sqrt(3)
      t <- f$lambda[l] * w[k] / size[k]
      H[at, at] <- H[at, at] + t * (diag(3) - outer(u, u)) - (if (inside) 1 / 3 else 0) * outer(u, u)
    }
    least <- min(eigen(H, only.values = TRUE)$values)
    if (abs(least) > 1e-6) expect_identical(f$local[l] >= 1L, least > 0)
    if (f$local[l] == 2L) expect_gt(min(eigen(crossprod(x[, on]) / 60 - diag(1 / 3, length(on)), only.values = TRUE)$values), -1e-8)
  }
  expect_false(is.na(f$convex.min))
  expect_output(print(f), "not convex")
  expect_output(print(f$penalty), "group MCP, 20 groups, gamma = 3")
})

test_that("grpreg agrees on groups of orthonormal columns", {
  skip_if_not_installed("grpreg")
  grpreg <- getExportedValue("grpreg", "grpreg")
  for (seed in 1:2) {
    d <- make_problem(100, 120, seed = seed)
    group <- rep(1:40, each = 3)
    x <- make_orthonormal_groups(d$x, group)
    for (name in shapes) {
      f <- sparsepath(x, d$y, penalty = make_pen[[name]](group), nlambda = 40, lambda.min.ratio = 0.1)
      g <- grpreg(x, d$y, group, penalty = paste0("gr", toupper(name)), lambda = f$lambda, eps = 1e-10, max.iter = 1e6)
      null <- sum((d$y - mean(d$y))^2) / 200
      mine <- nc_group_path(f, x, d$y, "gaussian", group, rep(sqrt(3), 40), name, group_gamma[name])
      theirs <- list(lambda = f$lambda, beta = g$beta[-1, ], a0 = g$beta[1, ])
      theirs <- nc_group_path(theirs, x, d$y, "gaussian", group, rep(sqrt(3), 40), name, group_gamma[name])
      upto <- seq_len(if (is.na(f$convex.min)) 40 else f$convex.min)
      expect_gt(length(upto), 5)
      expect_lt(max(abs(mine$objective - theirs$objective)[upto]) / null, 1e-8)
    }
  }
})

test_that("weights are replications, sparse is dense, columns may be scaled, and screening, threads change nothing", {
  # where `local` is 0 the objective has no curvature in some direction: the point along it is not determined
  same <- function(f, g, upto = length(f$lambda)) {
    at <- seq_len(upto)[f$local[seq_len(upto)] > 0]
    expect_gt(length(at), 5)
    b <- function(fit) do.call(rbind, lapply(vg_coefficients(fit)$b, function(b) b[, at]))
    expect_identical(length(f$lambda), length(g$lambda))
    expect_lt(max(abs(b(f) - b(g))) / max(abs(b(f))), 1e-7)
  }
  for (family in c("gaussian", "binomial", "multinomial")) {
    d <- concave_data(9)
    y <- answer(d, family)
    times <- rep(c(1L, 2L, 1L, 1L), 20)
    i <- rep(1:80, times)
    penalty <- pen_group_scad(d$group)
    f <- sparsepath(d$x, y, family, weights = times, penalty = penalty, nlambda = 15, lambda.min.ratio = 0.3)
    same(f, sparsepath(d$x[i, ], y[i], family, penalty = penalty, lambda = f$lambda))
    f <- sparsepath(d$x, y, family, penalty = penalty, nlambda = 15, lambda.min.ratio = 0.3)
    same(f, sparsepath(Matrix::Matrix(d$x, sparse = TRUE), y, family, penalty = penalty, lambda = f$lambda))
    other <- function(...) sparsepath(d$x, y, family, penalty = pen_group_scad(d$group, 30), lambda = f$lambda, control = sparsepath.control(...))
    convex <- other()
    upto <- if (is.na(convex$convex.min)) length(f$lambda) else convex$convex.min - 1L # beyond there are several solutions
    expect_gt(upto, 5)
    same(convex, other(screen = FALSE), upto)
    expect_identical(convex$beta, other(threads = 2)$beta)
  }
})

test_that("cross-validation is a loop of single fits", {
  for (family in c("gaussian", "binomial", "poisson", "mgaussian")) {
    d <- concave_data(21)
    y <- answer(d, family)
    rows <- function(i) if (is.matrix(y)) y[i, ] else y[i]
    penalty <- pen_group_mcp(d$group)
    cv <- cv.sparsepath(d$x, y, family = family, penalty = penalty, foldid = d$fold, keep = TRUE, nlambda = 15, lambda.min.ratio = 0.4)
    expect_true(all(cv$fold.status == 0))
    for (k in 1:5) {
      train <- d$fold != k
      f <- suppressWarnings(sparsepath(d$x[train, ], rows(train), family, penalty = penalty, lambda = cv$fit$lambda))
      ours <- if (is.matrix(y)) cv$fit.preval[!train, , ] else cv$fit.preval[!train, ]
      expect_equal(unname(ours), unname(predict(f, d$x[!train, ], s = cv$fit$lambda)), tolerance = 1e-9)
    }
  }
})

test_that("cox: stationary by the score of survival", {
  skip_if_not_installed("survival")
  d <- concave_data(14)
  time <- with_seed(3, rexp(80, exp(drop(scale(d$y)))))
  status <- rep(c(1, 1, 0, 1), 20)
  y <- survival::Surv(time, status)
  f <- sparsepath(d$x, y, "cox", penalty = pen_group_mcp(d$group), nlambda = 30, lambda.min.ratio = 0.4)
  expect_lt(max(f$kkt), 1e-6)
  expect_lt(max(kkt(f, d$x, y)$kkt), 1e-6)
  s <- apply(d$x, 2, function(z) sqrt(mean((z - mean(z))^2)))
  l <- length(f$lambda)
  b <- f$beta[, l] * s
  size <- sqrt(as.vector(rowsum(b^2, d$group)))
  fixed <- survival::coxph(y ~ d$x, init = f$beta[, l], ties = "breslow", control = survival::coxph.control(iter.max = 0))
  score <- colSums(as.matrix(residuals(fixed, type = "score"))) / 80 / s
  slope <- nc_slope(size, f$lambda[l] * sqrt(d$size), "mcp", 3, mean(status))
  on <- b != 0
  expect_gt(sum(on), 0)
  expect_equal(unname(score[on]), unname((slope / size)[d$group][on] * b[on]), tolerance = 1e-6)
  expect_true(all(sqrt(rowsum(score^2, d$group)) <= f$lambda[l] * sqrt(d$size) * (1 + 1e-6)))
})

test_that("exact refits, other methods, and what is refused", {
  d <- concave_data(4)
  f <- sparsepath(d$x, d$y, penalty = pen_group_scad(d$group), nlambda = 20, lambda.min.ratio = 0.2)
  s <- sqrt(f$lambda[5] * f$lambda[6])
  b <- coef(f, s = s, exact = TRUE, x = d$x, y = d$y)
  at <- list(lambda = s, beta = b[-1, 1, drop = FALSE], a0 = b[1, 1])
  expect_lt(nc_group_path(at, d$x, d$y, "gaussian", d$group, sqrt(d$size), "scad", 4)$kkt, 1e-8)
  expect_silent({
    pdf(NULL)
    plot(f)
    dev.off()
  })
  expect_warning(effective_df(f), class = "sparsepath_warning_df")
  expect_refused(effective_df(f, d$x), "unavailable")
  expect_output(print(pen_group_scad(1:3)), "group SCAD, 3 groups, gamma = 4")
  expect_refused(pen_group_mcp(), "missing_argument")
  expect_refused(pen_group_mcp(1:3, gamma = 1), "range")
  expect_refused(pen_group_scad(1:3, gamma = 2), "range")
  expect_refused(pen_group_mcp(1:3, weights = -1), "range")
  expect_refused(sparsepath(d$x, d$y, penalty = pen_group_mcp(1:3)), "length")
  expect_refused(sparsepath(d$x, d$y, penalty = pen_group_mcp(d$group), alpha = 0), "range")
  expect_refused(sparsepath(d$x, d$y, penalty = pen_group_mcp(d$group), penalty.factor = 1:60), "unavailable")
  expect_refused(sparsepath(d$x, d$y, penalty = pen_group_mcp(d$group), control = sparsepath.control(solver = "fista")), "unavailable")
})
