# Limits of coefficients with MCP and SCAD of norms: against the definition, by search, and the identities of every path.

shapes <- c("mcp", "scad")
make_pen <- list(mcp = pen_group_mcp, scad = pen_group_scad)
group_gamma <- c(mcp = 3, scad = 4)
boxes <- list(list(lower.limits = 0), list(upper.limits = 0.05), list(lower.limits = -0.1, upper.limits = 0.1),
  list(lower.limits = c(0, -Inf, -0.1, -0.2)[1 + 0:59 %% 4], upper.limits = c(0.1, Inf, 0)[1 + 0:59 %% 3]))

box_data <- function(seed, sparse = FALSE) {
  d <- grouped_problem(seed, 80, 60, 0.3, 20, sparse)
  d$v <- sqrt(as.vector(table(d$group)))
  u <- drop(scale(d$y))
  d$z <- with_seed(seed, rbinom(80, 1, 1 / (1 + exp(-u))))
  d$counts <- with_seed(seed, rpois(80, exp(u / 2)))
  d$class <- factor(with_seed(seed, cut(rank(u + rnorm(80)), 3, labels = c("a", "b", "c"))))
  d$Y <- cbind(u = u, v = 3 * d$o + d$x[, 1], w = d$z * 2)
  d$u <- u
  d
}
in_box <- function(box, name) if (is.null(box[[name]])) if (name == "lower.limits") -Inf else Inf else box[[name]]
beta_of <- function(fit) unlist(lapply(if (is.list(fit$beta)) fit$beta else list(fit$beta), as.matrix))

test_that("every lambda is stationary within its limits, for every family and option", {
  row <- 0
  for (family in c("gaussian", "binomial", "poisson", "mgaussian", "multinomial", "grouped")) {
    for (name in shapes) {
      for (box in boxes[if (name == "mcp") c(1, 3) else c(2, 4)]) {
        row <- row + 1
        d <- box_data(row, sparse = row %% 3 == 0)
        y <- switch(family, gaussian = d$u, binomial = d$z, poisson = d$counts, mgaussian = d$Y, d$class)
        Y <- if (is.factor(y)) 1 * outer(as.character(y), levels(y), "==") else as.matrix(y)
        alpha <- if (row %% 4 == 0) 0.6 else 1
        a <- c(list(d$x, y, if (family == "grouped") "multinomial" else family, penalty = make_pen[[name]](d$group), alpha = alpha,
          nlambda = 10, lambda.min.ratio = 0.1), box)
        if (family == "grouped") a$type.multinomial <- "grouped"
        if (row %% 3 != 1) a$weights <- d$w
        if (row %% 4 == 1 && family %in% c("gaussian", "binomial", "poisson")) a$offset <- d$o / 5
        if (row %% 5 == 2) a$standardize <- FALSE
        fit <- do.call(sparsepath, a)
        label <- paste(family, name, row)
        expect(length(fit$lambda) > 5 && all(fit$status == 0L), paste(label, "is not solved"))
        b <- beta_of(fit)
        lower <- in_box(box, "lower.limits")
        upper <- in_box(box, "upper.limits")
        held <- b != 0 & (b == rep_len(lower, 60) | b == rep_len(upper, 60))
        expect(any(held) || identical(box, boxes[[1]]), paste(label, "meets no limit"))
        verdict <- nc_group_path(fit, d$x, Y, if (family == "grouped") "multinomial" else family, d$group, d$v, name, group_gamma[name],
          fit$penalty$curvature, alpha, w = if (is.null(a$weights)) rep(1, 80) else a$weights, offset = if (is.null(a$offset)) 0 else a$offset,
          standardize = is.null(a$standardize), across = family != "multinomial", lower = lower, upper = upper)
        expect(max(verdict$kkt) < 1e-7, sprintf("%s: kkt %.1e", label, max(verdict$kkt)))
        own <- kkt(fit, d$x, y, weights = a$weights, offset = a$offset)
        expect(max(own$kkt) < 1e-7 && max(own$rel.gap) < 1e-6, sprintf("%s: own kkt %.1e, gap %.1e", label, max(own$kkt), max(own$rel.gap)))
        expect_equal(diff(own$objective), diff(verdict$objective), tolerance = 1e-8)
      }
    }
  }
})

test_that("rows of several responses and classes with pen_mcp() and pen_scad()", {
  d <- box_data(3)
  Y <- 1 * outer(as.character(d$class), levels(d$class), "==")
  for (name in shapes) {
    penalty <- if (name == "mcp") pen_mcp() else pen_scad()
    gamma <- if (name == "mcp") 3 else 3.7
    f <- sparsepath(d$x, d$Y, "mgaussian", penalty = penalty, lower.limits = -0.05, upper.limits = 0.1, nlambda = 15, lambda.min.ratio = 0.05)
    expect_true(all(f$status == 0L) && any(beta_of(f) == 0.1))
    expect_lt(max(nc_group_path(f, d$x, d$Y, "mgaussian", 1:60, rep(1, 60), name, gamma, lower = -0.05, upper = 0.1)$kkt), 1e-7)
    f <- sparsepath(d$x, d$class, "multinomial", type.multinomial = "grouped", penalty = penalty, lower.limits = -0.1, nlambda = 15, lambda.min.ratio = 0.3)
    expect_true(all(f$status == 0L) && any(beta_of(f) == -0.1))
    expect_lt(max(nc_group_path(f, d$x, Y, "multinomial", 1:60, rep(1, 60), name, gamma, f$penalty$curvature, lower = -0.1)$kkt), 1e-7)
  }
})

test_that("nothing in the box is better where the objective is convex, and nothing nearby where `local` says so", {
  found <- 0
  for (seed in 1:6) {
    d <- make_problem(60, 6, "equi", if (seed <= 3) 0.2 else 0.8, seed = seed)
    group <- c(1, 1, 2, 2, 2, 3)
    s <- apply(d$x, 2, function(z) sqrt(mean((z - mean(z))^2)))
    x <- scale(d$x) * sqrt(60 / 59)
    y <- d$y - mean(d$y)
    lower <- c(-0.3, -Inf, 0, -0.1, -0.5, -1) * sd(y)
    upper <- c(0.2, 0.4, 0.1, Inf, 0, 0.3) * sd(y)
    for (name in shapes) {
      f <- sparsepath(d$x, d$y, penalty = make_pen[[name]](group), nlambda = 10, lambda.min.ratio = 0.01, lower.limits = lower, upper.limits = upper)
      objective <- function(b, t) sum((y - x %*% b)^2) / 120 + sum(nc_value(sqrt(rowsum(b^2, group)), t * sqrt(c(2, 3, 1)), name, group_gamma[name]))
      convex <- min(eigen(crossprod(x) / 60)$values) > 1 / 3
      found <- found + convex
      for (l in c(3, 6, 10)) {
        mine <- objective(f$beta[, l] * s, f$lambda[l])
        if (convex) {
          tried <- vapply(1:5, function(k) {
            start <- pmin(pmax(with_seed(k, rnorm(6)), lower * s), upper * s)
            optim(start, objective, t = f$lambda[l], method = "L-BFGS-B", lower = lower * s, upper = upper * s, control = list(maxit = 1000, factr = 10))$value
          }, 0)
          expect_lte(mine, min(tried) + 1e-9 * mine)
        }
        if (f$local[l] == 0) next
        b <- as.double(f$beta[, l]) * s
        near <- vapply(1:200, function(k) {
          step <- with_seed(k, rnorm(6)) * 10^-with_seed(k + 1000, runif(1, 1, 4))
          on <- b != 0 # a group that is zero stays
          to <- pmin(pmax(b + step * rowsum(1 * on, group)[match(group, 1:3)], lower * s), upper * s)
          if (f$local[l] == 1) to <- b + (to - b) * 1e-3 # not in general further away
          objective(to, f$lambda[l])
        }, 0)
        expect_gte(min(near), mine * (1 - 1e-12))
      }
    }
  }
  expect_gt(found, 0)
})

test_that("limits that nothing meets change nothing, and limits of 0 allow nothing", {
  d <- box_data(4)
  for (family in c("gaussian", "poisson", "mgaussian")) {
    y <- switch(family, gaussian = d$u, poisson = d$counts, mgaussian = d$Y)
    for (make in make_pen) {
      f <- sparsepath(d$x, y, family, penalty = make(d$group), nlambda = 15, lambda.min.ratio = 0.1)
      g <- sparsepath(d$x, y, family, penalty = make(d$group), lambda = f$lambda, lower.limits = -1e3, upper.limits = 1e3)
      upto <- seq_len(if (is.na(f$convex.min)) 15 else f$convex.min)
      first <- function(f) unlist(lapply(if (is.list(f$beta)) f$beta else list(f$beta), function(b) as.matrix(b)[, upto]))
      expect_equal(first(f), first(g), tolerance = 1e-6)
      g <- sparsepath(d$x, y, family, penalty = make(d$group), nlambda = 5, lower.limits = 0, upper.limits = 0)
      expect_true(all(beta_of(g) == 0) && all(g$status == 0L))
    }
  }
})

test_that("sparse = dense, weights = replication, a fold = a fit of its rows", {
  d <- box_data(5, sparse = TRUE)
  for (family in c("gaussian", "binomial")) {
    y <- if (family == "gaussian") d$u else d$z
    a <- list(family = family, penalty = pen_group_scad(d$group), lower.limits = -0.1, upper.limits = 0.15)
    f <- do.call(sparsepath, c(list(d$x, y, nlambda = 12, lambda.min.ratio = 0.3), a))
    expect_equal(as.matrix(do.call(sparsepath, c(list(as.matrix(d$x), y, lambda = f$lambda), a))$beta), as.matrix(f$beta), tolerance = 1e-6)
    times <- rep_len(1:2, 80)
    i <- rep(seq_along(times), times)
    a$penalty <- pen_group_scad(d$group, curvature = 0.5)
    one <- do.call(sparsepath, c(list(d$x, y, weights = times, lambda = f$lambda), a))
    expect_equal(as.matrix(one$beta), as.matrix(do.call(sparsepath, c(list(d$x[i, ], y[i], lambda = f$lambda), a))$beta), tolerance = 1e-6)
    fold <- rep_len(1:4, 80)
    cv <- do.call(cv.sparsepath, c(list(d$x, y, lambda = f$lambda, foldid = fold, keep = TRUE), a))
    alone <- predict(do.call(sparsepath, c(list(d$x[fold != 1, ], y[fold != 1], lambda = f$lambda), a)), d$x[fold == 1, ])
    expect_lt(max(abs(cv$fit.preval[fold == 1, seq_len(ncol(alone))] - alone)), 1e-5)
  }
})
