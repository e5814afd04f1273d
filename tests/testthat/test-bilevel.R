# Composite MCP and group exponential lasso: against the formulas of their papers, closed forms, search, grpreg, and the identities of every path.

kinds <- c("cmcp", "gel")
make_bilevel <- list(cmcp = pen_cmcp, gel = pen_gel)
parameter <- c(cmcp = 3, gel = 1 / 3)

bilevel_data <- function(seed, n = 80, p = 60, sparse = FALSE) {
  d <- grouped_problem(seed, n, p, 0.3, 20, sparse)
  u <- drop(scale(d$y))
  d$z <- with_seed(seed, rbinom(n, 1, 1 / (1 + exp(-u))))
  d$counts <- with_seed(seed, rpois(n, exp(u / 2)))
  d$class <- factor(with_seed(seed, cut(rank(u + rnorm(n)), 3, labels = c("a", "b", "c"))))
  d$Y <- cbind(u = d$y, v = 3 * d$o + d$x[, 1], w = d$z * 2)
  d
}
response_of <- function(d, family) switch(sub("grouped", "multinomial", family), gaussian = d$y, binomial = d$z, poisson = d$counts, multinomial = d$class, mgaussian = d$Y)
matrix_of <- function(y) if (is.factor(y)) 1 * outer(as.character(y), levels(y), "==") else as.matrix(y)

test_that("every lambda is stationary by the definition, for every family and option", {
  row <- 0
  for (family in c("gaussian", "binomial", "poisson", "multinomial", "grouped", "mgaussian")) {
    for (name in kinds) {
      for (alpha in c(1, 0.6)) {
        row <- row + 1
        d <- bilevel_data(row, sparse = row %% 3 == 0)
        y <- response_of(d, family)
        v <- if (row %% 2) rep(1, 20) else c(0, seq(0.5, 2.5, length.out = 19))
        a <- list(d$x, y, sub("grouped", "multinomial", family), penalty = make_bilevel[[name]](d$group, weights = if (row %% 2) NULL else v), alpha = alpha, nlambda = 20,
          lambda.min.ratio = 0.15)
        if (family == "grouped") a$type.multinomial <- "grouped"
        if (row %% 3 != 1) a$weights <- d$w
        if (row %% 4 < 2 && family %in% c("gaussian", "binomial", "poisson")) a$offset <- d$o / 5
        if (row %% 5 == 2) a$standardize <- FALSE
        if (row %% 7 == 3) a$intercept <- FALSE
        if (row %% 4 == 3) a$exclude <- c(2, 17)
        if (row %% 8 == 1) a[c("lower.limits", "upper.limits")] <- c(-0.1, 0.2)
        fit <- do.call(sparsepath, a)
        expect_gt(length(fit$lambda), 5)
        expect_true(all(fit$status == 0L))
        or <- function(x, default) if (is.null(x)) default else x
        verdict <- bl_path(fit, d$x, matrix_of(y), a[[3]], d$group, name, parameter[name], fit$penalty$curvature, v, alpha, w = or(a$weights, rep(1, 80)),
          offset = or(a$offset, 0), standardize = is.null(a$standardize), intercept = is.null(a$intercept), across = family != "multinomial", out = or(a$exclude, integer()),
          lower = or(a$lower.limits, -Inf), upper = or(a$upper.limits, Inf))
        expect_lt(max(verdict$kkt), 1e-7)
        own <- kkt(fit, d$x, y, weights = a$weights, offset = a$offset)
        expect_lt(max(own$kkt), 1e-7)
        expect_lt(max(own$rel.gap), 1e-6)
        expect_true(all(is.na(own$dual)))
        counted <- is.finite(verdict$objective) # classes that are told apart: exp() overflows there
        expect_gt(sum(counted), 5)
        expect_equal(diff(own$objective[counted]), diff(verdict$objective[counted]), tolerance = 1e-8) # losses may differ by a constant
      }
    }
  }
})

test_that("without concavity both are the lasso, whose factors are the weights of the groups", {
  d <- bilevel_data(2)
  v <- seq(0.5, 1.5, length.out = 20)
  factors <- v[match(d$group, sort(unique(d$group)))]
  for (family in c("gaussian", "poisson", "multinomial", "mgaussian")) {
    y <- response_of(d, family)
    K <- if (family == "mgaussian") next else 1
    lasso <- sparsepath(d$x, y, family, alpha = 0.9, penalty.factor = factors, nlambda = 20, lambda.min.ratio = 0.1)
    unit <- sum(factors) / length(factors) # factors are rescaled there
    for (penalty in list(pen_cmcp(d$group, Inf, v), pen_cmcp(d$group, 1e12, v), pen_gel(d$group, 0, v), pen_gel(d$group, 1e-12, v))) {
      f <- sparsepath(d$x, y, family, alpha = 0.9, penalty = penalty, lambda = lasso$lambda / unit)
      expect_equal(do.call(rbind, vg_coefficients(f)$b), do.call(rbind, vg_coefficients(lasso)$b), tolerance = 1e-7)
    }
  }
})

test_that("the first lambda is that of the lasso, and a group of zeros has its thresholds", {
  d <- bilevel_data(3)
  for (make in make_bilevel) {
    f <- sparsepath(d$x, d$y, penalty = make(d$group), nlambda = 5)
    expect_equal(f$lambda[1], sparsepath(d$x, d$y, nlambda = 5)$lambda[1], tolerance = 1e-12)
    expect_identical(f$df[1], 0L)
  }
})

test_that("an orthonormal design with groups of one column has the roots of one equation", {
  n <- 96
  x <- make_orthonormal(n, 8, seed = 1)
  y <- with_seed(2, drop(x %*% c(3, -2, 1.5, 1, -0.7, rep(0.3, 3))) + rnorm(n) / 2)
  y <- y / sqrt(mean((y - mean(y))^2))
  z <- drop(crossprod(x, y - mean(y))) / n
  for (name in kinds) {
    f <- sparsepath(x, y, penalty = make_bilevel[[name]](1:8), nlambda = 15)
    expect_true(all(f$local >= 1L))
    for (l in seq_along(f$lambda)) {
      t <- f$lambda[l]
      # composite MCP of one: t (1 - x)^3, x = |b| / (3 sqrt(t))
      slope <- if (name == "cmcp") function(b) t * pmax(1 - b / (3 * sqrt(t)), 0)^3 else function(b) t * exp(-b / (3 * t))
      root <- vapply(abs(z), function(z) if (z <= t) 0 else uniroot(function(b) b + slope(b) - z, c(0, z), tol = 1e-14)$root, 0)
      expect_equal(abs(as.double(f$beta[, l])), root, tolerance = 1e-9)
    }
  }
})

test_that("where the objective is convex a search from anywhere finds nothing better", {
  for (seed in 1:3) {
    d <- make_problem(60, 6, "equi", 0.2, seed = seed)
    group <- c(1, 1, 2, 2, 2, 3)
    x <- scale(d$x) * sqrt(60 / 59)
    y <- d$y - mean(d$y)
    s <- apply(d$x, 2, function(z) sqrt(mean((z - mean(z))^2)))
    unit <- sqrt(mean(y^2))
    for (name in kinds) {
      par <- if (name == "cmcp") 3 else 0.1
      f <- sparsepath(d$x, d$y, penalty = make_bilevel[[name]](group, par), nlambda = 10)
      objective <- function(b, t) {
        sum((y - x %*% b)^2) / 120 + sum(vapply(1:3, function(g) bl_scaled(b[group == g], t, name, par, 1, unit, sum(group == g))$value, 0))
      }
      expect_true(is.na(f$convex.min))
      expect_nothing_better(f, objective, s)
    }
  }
})

test_that("coefficients solve the lasso weighted by their own slopes, and local tells strict local minima", {
  d <- make_problem(60, 60, "ar", 0.7, seed = 8)
  group <- rep(1:20, each = 3)
  y <- d$y / sqrt(mean((d$y - mean(d$y))^2))
  s <- apply(d$x, 2, function(z) sqrt(mean((z - mean(z))^2)))
  x <- scale(d$x) * sqrt(60 / 59)
  for (name in kinds) {
    f <- sparsepath(d$x, y, penalty = make_bilevel[[name]](group), nlambda = 25, lambda.min.ratio = 0.05)
    expect_false(name == "gel" && is.na(f$convex.min))
    expect_true(all(diff(f$local == 2L) <= 0)) # asked for until it fails
    for (l in c(4, 8, 12, 16, 20)) {
      b <- f$beta[, l] * s
      t <- f$lambda[l]
      slopes <- function(b) unlist(lapply(split(b, group), function(b) bl_scaled(b, t, name, parameter[name], 1, 1, 3)$slope))
      w <- unname(slopes(b))
      g <- sparsepath(d$x, y, penalty.factor = w, lambda = mean(w))
      expect_equal(as.double(g$beta), as.double(f$beta[, l]), tolerance = 1e-7)
      on <- which(b != 0)
      step <- 1e-5
      bend <- vapply(on, function(j) (sign(b) * (slopes(replace(b, j, b[j] + step)) - slopes(replace(b, j, b[j] - step))) / (2 * step))[on], double(length(on)))
      least <- min(eigen(crossprod(x[, on]) / 60 + (bend + t(bend)) / 2, symmetric = TRUE, only.values = TRUE)$values)
      if (abs(least) > 1e-4) expect_identical(f$local[l] >= 1L, least > 0)
      # convex whatever the coefficients are: try some, with their signs
      for (k in if (f$local[l] == 2L) 1:5) {
        b[on] <- with_seed(k, rnorm(length(on)) * 10^runif(length(on), -4, 0))
        bend <- vapply(on, function(j) (sign(b) * (slopes(replace(b, j, b[j] * (1 + 1e-5))) - slopes(replace(b, j, b[j] * (1 - 1e-5)))) / (2e-5 * b[j]))[on], double(length(on)))
        expect_gt(min(eigen(crossprod(x[, on]) / 60 + (bend + t(bend)) / 2, symmetric = TRUE, only.values = TRUE)$values), -1e-5)
      }
    }
  }
})

test_that("a zero coefficient enters at a lower threshold where its group has others", {
  # two orthonormal columns of one group and one of another, with the same correlation: the second of the active group enters first
  x <- make_orthonormal(64, 3, seed = 4)
  y <- drop(x %*% c(2, 0.5, 0.5))
  f <- sparsepath(x, y, penalty = pen_gel(c(1, 1, 2)), lambda = c(1, 0.55, 0.45))
  expect_identical(as.matrix(f$beta != 0)[, 2], c(V1 = TRUE, V2 = TRUE, V3 = FALSE))
  expect_lt(max(bl_path(f, x, y, "gaussian", c(1, 1, 2), "gel", 1 / 3)$kkt), 1e-9)
})

test_that("grpreg agrees for least squares, in a unit of the response of 1", {
  skip_if_not_installed("grpreg")
  grpreg <- getExportedValue("grpreg", "grpreg")
  for (seed in 1:3) {
    d <- make_problem(100, 120, seed = seed)
    group <- rep(1:30, each = 4)
    x <- scale(d$x) * sqrt(100 / 99)
    attributes(x) <- list(dim = dim(x))
    y <- (d$y - mean(d$y)) / sqrt(mean((d$y - mean(d$y))^2))
    for (name in kinds) {
      for (alpha in c(1, 0.7)) {
        f <- sparsepath(x, y, penalty = make_bilevel[[name]](group), alpha = alpha, nlambda = 40, lambda.min.ratio = 0.1)
        g <- grpreg(x, y, group, penalty = if (name == "cmcp") "cMCP" else "gel", alpha = alpha, lambda = f$lambda, eps = 1e-10, max.iter = 1e6)
        judge <- function(fit) bl_path(fit, x, y, "gaussian", group, name, parameter[name], alpha = alpha)
        mine <- judge(f)
        theirs <- judge(list(lambda = f$lambda, beta = g$beta[-1, ], a0 = g$beta[1, ]))
        expect_lt(max(mine$kkt), 1e-9)
        expect_lt(max(theirs$kkt), 1e-6) # the same problem
        upto <- seq_len(if (is.na(f$convex.min)) 40 else f$convex.min)
        expect_gt(length(upto), 5)
        expect_lt(max(abs(mine$objective - theirs$objective)[upto]), 1e-10)
        expect_lt(max(abs(f$beta[, upto] - g$beta[-1, upto])), 1e-6)
      }
    }
  }
})

test_that("units do not matter, weights are replications, sparse is dense, screening and threads change nothing", {
  same <- function(f, g, upto = length(f$lambda), by = 1) {
    b <- function(fit) do.call(rbind, lapply(vg_coefficients(fit)$b, function(b) b[, seq_len(upto)]))
    expect_lt(max(abs(b(f) * by - b(g))) / max(abs(b(g))), 1e-7)
  }
  for (name in kinds) {
    for (family in c("gaussian", "binomial", "multinomial")) {
      d <- bilevel_data(9)
      y <- response_of(d, family)
      times <- rep(c(1L, 2L, 1L, 1L), 20)
      i <- rep(1:80, times)
      penalty <- make_bilevel[[name]](d$group)
      f <- sparsepath(d$x, y, family, weights = times, penalty = penalty, nlambda = 15, lambda.min.ratio = 0.3)
      same(f, sparsepath(d$x[i, ], y[i], family, penalty = penalty, lambda = f$lambda))
      f <- sparsepath(d$x, y, family, penalty = penalty, nlambda = 15, lambda.min.ratio = 0.3)
      same(f, sparsepath(Matrix::Matrix(d$x, sparse = TRUE), y, family, penalty = penalty, lambda = f$lambda))
      scaled <- 10^seq(-2, 2, length.out = 60)
      same(f, sparsepath(d$x %*% diag(scaled), y, family, penalty = penalty, lambda = f$lambda), by = 1 / scaled)
      if (family == "gaussian") same(f, sparsepath(d$x, 100 * y, penalty = penalty, lambda = 100 * f$lambda), by = 100)
      other <- function(...) sparsepath(d$x, y, family, penalty = make_bilevel[[name]](d$group, if (name == "gel") 0.02 else 8), lambda = f$lambda, control = sparsepath.control(...))
      convex <- other()
      upto <- if (is.na(convex$convex.min)) length(f$lambda) else convex$convex.min - 1L # beyond there are several solutions
      expect_gt(upto, 5)
      same(convex, other(screen = FALSE), upto)
      expect_identical(convex$beta, other(threads = 2)$beta)
    }
  }
})

test_that("many columns: screening leaves out whole groups only", {
  d <- make_problem(60, 3000, "ar", 0.5, k = 12, seed = 3)
  group <- rep(1:300, each = 10)
  for (name in kinds) {
    f <- sparsepath(d$x, d$y, penalty = make_bilevel[[name]](group), nlambda = 40, lambda.min.ratio = 0.2)
    expect_gt(max(f$df), 10)
    expect_lt(max(bl_path(f, d$x, d$y, "gaussian", group, name, parameter[name])$kkt), 1e-7)
  }
})

test_that("cross-validation is a loop of single fits", {
  for (name in kinds) {
    for (family in c("gaussian", "binomial", "poisson", "mgaussian")) {
      d <- bilevel_data(21)
      y <- response_of(d, family)
      rows <- function(i) if (is.matrix(y)) y[i, ] else y[i]
      penalty <- make_bilevel[[name]](d$group)
      cv <- cv.sparsepath(d$x, y, family = family, penalty = penalty, foldid = d$fold, keep = TRUE, nlambda = 15, lambda.min.ratio = 0.4)
      expect_true(all(cv$fold.status == 0))
      for (k in 1:5) {
        train <- d$fold != k
        f <- suppressWarnings(sparsepath(d$x[train, ], rows(train), family, penalty = penalty, lambda = cv$fit$lambda))
        ours <- if (is.matrix(y)) cv$fit.preval[!train, , ] else cv$fit.preval[!train, ]
        expect_equal(unname(ours), unname(predict(f, d$x[!train, ], s = cv$fit$lambda)), tolerance = 1e-9)
      }
    }
  }
})

test_that("exclude may be a function in cross-validation", {
  d <- bilevel_data(6)
  drop <- function(x, y, weights) which(abs(cor(x, y)) < 0.05)
  v <- seq(0.8, 1.2, length.out = 20)
  cv <- cv.sparsepath(d$x, d$y, penalty = pen_cmcp(d$group, weights = v), exclude = drop, foldid = d$fold, keep = TRUE, nlambda = 12, lambda.min.ratio = 0.2)
  for (k in 1:5) {
    train <- d$fold != k
    f <- sparsepath(d$x[train, ], d$y[train], penalty = pen_cmcp(d$group, weights = v), exclude = drop(d$x[train, ], d$y[train]), lambda = cv$fit$lambda)
    expect_equal(unname(cv$fit.preval[!train, ]), unname(predict(f, d$x[!train, ], s = cv$fit$lambda)), tolerance = 1e-9)
  }
})

test_that("cox: stationary by the score of survival; family objects", {
  skip_if_not_installed("survival")
  d <- bilevel_data(14)
  time <- with_seed(3, rexp(80, exp(drop(scale(d$y)))))
  status <- rep(c(1, 1, 0, 1), 20)
  y <- survival::Surv(time, status)
  s <- apply(d$x, 2, function(z) sqrt(mean((z - mean(z))^2)))
  for (name in kinds) {
    f <- sparsepath(d$x, y, "cox", penalty = make_bilevel[[name]](d$group), nlambda = 30, lambda.min.ratio = 0.4)
    expect_equal(f$penalty$curvature, 0.75)
    expect_lt(max(f$kkt), 1e-6)
    expect_lt(max(kkt(f, d$x, y)$kkt), 1e-6)
    l <- length(f$lambda)
    b <- f$beta[, l] * s
    fixed <- survival::coxph(y ~ d$x, init = f$beta[, l], ties = "breslow", control = survival::coxph.control(iter.max = 0))
    score <- unname(colSums(as.matrix(residuals(fixed, type = "score"))) / 80 / s)
    for (g in unique(d$group)) {
      at <- d$group == g
      slope <- bl_scaled(b[at], f$lambda[l], name, parameter[name], 0.75, 1, sum(at))$slope
      off <- ifelse(b[at] == 0, pmax(abs(score[at]) - slope, 0), score[at] - sign(b[at]) * slope)
      expect_lt(max(abs(off)), 1e-6 * f$lambda[l])
    }
    expect_gt(sum(b != 0), 0)
    f <- sparsepath(d$x, d$counts, poisson(), penalty = make_bilevel[[name]](d$group), nlambda = 15, lambda.min.ratio = 0.3)
    g <- sparsepath(d$x, d$counts, "poisson", penalty = make_bilevel[[name]](d$group), lambda = f$lambda)
    expect_equal(as.matrix(f$beta), as.matrix(g$beta), tolerance = 1e-7)
    f <- sparsepath(d$x, d$counts + 0.5, Gamma("log"), penalty = make_bilevel[[name]](d$group), nlambda = 15, lambda.min.ratio = 0.3)
    expect_lt(max(f$kkt), 1e-6)
    expect_true(all(is.na(f$gap)))
  }
})

test_that("a formula's terms, exact refits, other methods, and what is refused", {
  d <- bilevel_data(4)
  f <- sparsepath(d$x, d$y, penalty = pen_gel(d$group), nlambda = 20, lambda.min.ratio = 0.2)
  s <- sqrt(f$lambda[5] * f$lambda[6])
  b <- coef(f, s = s, exact = TRUE, x = d$x, y = d$y)
  expect_lt(bl_path(list(lambda = s, beta = b[-1, 1, drop = FALSE], a0 = b[1, 1]), d$x, d$y, "gaussian", d$group, "gel", 1 / 3)$kkt, 1e-8)
  expect_equal(unname(predict(f, d$x, s = f$lambda[7])), unname(d$x %*% f$beta[, 7] + f$a0[7]), tolerance = 1e-12)
  expect_silent({
    pdf(NULL)
    plot(f)
    dev.off()
  })
  expect_output(print(summary(f)), "group exponential lasso, 20 groups, tau = 0.333")
  expect_output(print(pen_cmcp(1:3, 2)), "composite MCP, 3 groups, gamma = 2")
  frame <- data.frame(y = d$y, a = factor(rep(1:4, 20)), b = d$x[, 1], c = d$x[, 2])
  f <- sparsepath(y ~ a + b * c, frame, penalty = pen_cmcp("terms"), nlambda = 10)
  expect_output(print(f$penalty), "terms")
  expect_true(all(f$status == 0L))
  expect_equal(as.double(effective_df(f)), as.double(f$df))
  expect_refused(effective_df(sparsepath(d$x, d$y, penalty = pen_cmcp(d$group), alpha = 0.5, nlambda = 3), d$x), "unavailable")
  wide <- sparsepath(d$x, d$Y, "mgaussian", penalty = pen_cmcp(d$group), nlambda = 5)
  expect_equal(as.double(effective_df(wide)), unname(rowSums(vapply(wide$beta, function(b) Matrix::colSums(b != 0), double(length(wide$lambda))))))
  for (make in make_bilevel) {
    expect_refused(make(), "missing_argument")
    expect_refused(make(1:3, -1), "range")
    expect_refused(make(1:3, weights = -1), "range")
    expect_refused(make(1:3, curvature = 0), "range")
    expect_refused(sparsepath(d$x, d$y, penalty = make(1:3)), "length")
    expect_refused(sparsepath(d$x, d$y, penalty = make(d$group), alpha = 0), "range")
    expect_refused(sparsepath(d$x, d$y, penalty = make(d$group), penalty.factor = 1:60), "unavailable")
    expect_refused(sparsepath(d$x, d$y, penalty = make(d$group), control = sparsepath.control(solver = "fista")), "unavailable")
  }
  expect_refused(pen_cmcp(1:3, 0), "range")
})
