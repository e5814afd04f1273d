# Adaptive lasso: factors by hand, and anew in every fold.

responses <- function(d) {
  size <- as.double(scale(d$y))
  list(gaussian = d$y, binomial = as.double(size > 0), poisson = round(exp(0.7 * size + 0.5)))
}

test_that("factors are powers of the initial coefficients, in standardized units", {
  d <- make_problem(50, 20, seed = 3)
  d$x <- sweep(d$x, 2, rep(c(1, 4), 10), `*`)
  s <- apply(d$x, 2, function(z) sqrt(mean((z - mean(z))^2)))
  b <- with_seed(1, rnorm(20))
  b[c(3, 7)] <- 0
  for (power in c(0.5, 1, 2)) {
    f <- sparsepath(d$x, d$y, penalty = pen_adaptive(b, power))
    g <- sparsepath(d$x, d$y, penalty.factor = 1 / abs(b * s)^power)
    expect_same_fit(f, g)
    expect_true(all(f$beta[c(3, 7), ] == 0))
    f <- sparsepath(d$x, d$y, penalty = pen_adaptive(b, power), standardize = FALSE)
    expect_same_fit(f, sparsepath(d$x, d$y, penalty.factor = 1 / abs(b)^power, standardize = FALSE))
  }
  v <- rep(c(0, 1, 3, Inf), 5)
  f <- sparsepath(d$x, d$y, penalty = pen_adaptive(b), penalty.factor = v, exclude = 2, alpha = 0.8)
  w <- v / abs(b * s)
  w[v == 0] <- 0
  w[2] <- Inf
  expect_same_fit(f, sparsepath(d$x, d$y, penalty.factor = w, alpha = 0.8))
  expect_equal(f$penalty$factor, w)
})

test_that("univariate: coefficients of regressions on one variable", {
  d <- make_problem(50, 20, seed = 4)
  x <- sweep(d$x, 2, rep(c(1, 5), 10), `*`)
  single <- function(w) vapply(1:20, function(j) unname(coef(lm(d$y ~ x[, j], weights = w))[2]), 0)
  for (standardize in c(TRUE, FALSE)) {
    f <- sparsepath(x, d$y, weights = d$w, penalty = pen_adaptive("univariate"), standardize = standardize)
    g <- sparsepath(x, d$y, weights = d$w, penalty = pen_adaptive(single(d$w)), standardize = standardize)
    expect_same_fit(f, g, lambda = identity, tol = 1e-8)
  }
})

test_that("ridge and lasso: coefficients at the smallest error of the inner folds", {
  for (p in c(30, 150)) {
    d <- make_problem(60, p, seed = 5)
    inner <- integer(60)
    inner[order(d$y)] <- rep_len(1:5, 60)
    for (init in c("ridge", "lasso")) {
      ratio <- if (init == "ridge") 1e-6 else if (p > 60) 0.01 else 1e-4
      cv <- cv.sparsepath(d$x, d$y, alpha = if (init == "lasso") 1 else 0, foldid = inner, nlambda = 50, lambda.min.ratio = ratio)
      # a minimum, not the end of the grid
      expect_gt(cv$index["min", 1], 1)
      expect_lt(cv$index["min", 1], length(cv$lambda))
      b <- coef(cv, s = "lambda.min")[-1, 1]
      expect_same_fit(sparsepath(d$x, d$y, penalty = pen_adaptive(init)), sparsepath(d$x, d$y, penalty = pen_adaptive(b)), tol = 1e-6,
        lambda = function(l) l)
    }
  }
})

test_that("cross-validation makes the initial estimate anew from the training rows: a loop by hand", {
  d <- make_problem(75, 25, seed = 6)
  y <- responses(d)
  for (family in names(y)) {
    for (init in c("univariate", "ridge", "lasso")) {
      cv <- cv.sparsepath(d$x, y[[family]], family = family, weights = d$w, penalty = pen_adaptive(init), foldid = d$fold, keep = TRUE, nlambda = 20)
      expect_true(all(cv$fit$status == 0))
      for (k in c(1, 4)) {
        train <- d$fold != k
        f <- sparsepath(d$x[train, ], y[[family]][train], family, weights = d$w[train], penalty = pen_adaptive(init), lambda = cv$fit$lambda)
        p <- unname(predict(f, d$x[!train, ], s = cv$fit$lambda))
        expect_lt(max(abs(unname(cv$fit.preval[!train, ]) - p)), if (init == "univariate") 1e-9 else 1e-6)
      }
      # the held-out responses have no part in a fold: change them, and its predictions stay
      if (init == "univariate") {
        z <- y[[family]]
        z[d$fold == 1] <- rev(z[d$fold == 1])
        again <- cv.sparsepath(d$x, z, family = family, weights = d$w, penalty = pen_adaptive(init), foldid = d$fold, keep = TRUE, lambda = cv$fit$lambda)
        expect_equal(again$fit.preval[d$fold == 1, ], cv$fit.preval[d$fold == 1, ], tolerance = 1e-9)
      }
    }
  }
})

test_that("cox", {
  skip_if_not_installed("survival")
  d <- make_problem(75, 25, seed = 7)
  y <- survival::Surv(with_seed(1, rexp(75, exp(drop(scale(d$y))))), rep(c(1, 1, 0), 25))
  for (init in c("univariate", "ridge")) {
    cv <- cv.sparsepath(d$x, y, family = "cox", penalty = pen_adaptive(init), foldid = d$fold, keep = TRUE, nlambda = 20)
    train <- d$fold != 2
    f <- sparsepath(d$x[train, ], y[train], "cox", penalty = pen_adaptive(init), lambda = cv$fit$lambda)
    expect_lt(max(abs(unname(cv$fit.preval[!train, ]) - unname(predict(f, d$x[!train, ], s = cv$fit$lambda)))), 1e-6)
    expect_lt(max(kkt(cv, d$x, y)$rel.gap), 1e-7)
  }
})

test_that("kkt(), exact refits and printing use the factors of the fit", {
  d <- make_problem(50, 20, seed = 8)
  f <- sparsepath(d$x, d$y, penalty = pen_adaptive("lasso"), nlambda = 20)
  expect_lt(max(kkt(f, d$x, d$y)$rel.gap), 1e-9)
  s <- sqrt(f$lambda[6] * f$lambda[7])
  g <- sparsepath(d$x, d$y, penalty.factor = f$penalty$factor, lambda = s)
  expect_equal(unname(coef(f, s = s, exact = TRUE, x = d$x, y = d$y)[, 1]), unname(coef(g)[, 1]), tolerance = 1e-8)
  expect_output(print(summary(f)), "adaptive lasso, initial estimate lasso")
  expect_output(print(pen_adaptive()), "ridge")
})

# ---- families with other losses and several predictors ------------------------------------------------------------------

# family_problems() and more family objects; `type`: of classes
adaptive_problems <- function() {
  all <- family_problems()
  all$grouped <- c(all$multinomial, type = "grouped")
  all$quasi <- replace(all[["Gamma(link = \"log\")"]], "family", list(quasi(link = "log", variance = "mu^2")))
  all$nb <- replace(all$poisson, "family", list(quasipoisson()))
  if (requireNamespace("MASS", quietly = TRUE)) all$nb$family <- getExportedValue("MASS", "negative.binomial")(2)
  all$entry <- replace(all$cox, "y", list(cbind(start = with_seed(10, runif(60, 0, 0.1)) * all$cox$y[, "time"], stop = all$cox$y[, "time"], status = all$cox$y[, "status"])))
  Map(function(f, label) {
    f$args <- c(list(family = f$family), if (!is.null(f$type)) list(type.multinomial = f$type))
    f$label <- label
    f
  }, all, names(all))
}
of_rows <- function(y, i) if (length(dim(y)) == 2L) y[i, , drop = FALSE] else y[i]
fit_of <- function(f, ..., x = f$x, y = f$y) do.call(sparsepath, c(list(x, y), f$args, list(...)))
# standard deviations, and a fit's coefficients in their units, p x K
sds <- function(x, w = rep(1, nrow(x))) apply(x, 2, function(z) sqrt(sum(w * (z - sum(w * z) / sum(w))^2) / sum(w)))
matrix_of <- function(b) if (is.list(b)) vapply(b, function(m) as.double(m), double(length(b[[1]]))) else as.matrix(b)

test_that("factors of single coefficients: equal ones are those of the column, infinite ones leave a class out", {
  d <- make_classes(60, 12, 3, seed = 1)
  v <- with_seed(2, runif(12, 0.3, 2))
  f <- sparsepath(d$x, d$y, "multinomial", penalty.factor = v, alpha = 0.7)
  g <- sparsepath(d$x, d$y, "multinomial", penalty.factor = matrix(v, 12, 3), alpha = 0.7, lambda = f$lambda)
  expect_lt(max(abs(matrix_of(f$beta) - matrix_of(g$beta))), 1e-11)
  expect_equal(f$a0, g$a0, tolerance = 1e-10)
  # two classes, the first without coefficients: logistic regression
  y <- factor(d$y == "a")
  for (alpha in c(1, 0.5)) {
    f <- sparsepath(d$x, as.character(y), "binomial", penalty.factor = v, alpha = alpha)
    g <- sparsepath(d$x, y, "multinomial", penalty.factor = cbind(rep(Inf, 12), v), alpha = alpha, lambda = f$lambda * mean(c(v, rep(1, 12))) / mean(v))
    expect_true(all(g$beta[[1]] == 0))
    expect_lt(max(abs(g$beta[[2]] - f$beta)), 1e-8)
    expect_true(all(g$status == 0))
  }
  # random factors, zeros and infinities among them, and all else
  for (seed in 1:6) {
    v <- with_seed(seed, matrix(sample(c(0.2, 1, 3, Inf), 36, TRUE), 12))
    v[5, ] <- 0
    expect_exact_classes(d$x, d$y, penalty.factor = v, exclude = 3, weights = d$w, offset = d$o, alpha = c(1, 0.6)[1 + seed %% 2],
      standardize = seed %% 3 > 0, intercept = seed != 4, lower.limits = if (seed == 5) -0.3 else -Inf, nlambda = 25, label = paste("seed", seed))
  }
  wide <- make_classes(40, 120, 4, seed = 2)
  v <- with_seed(3, matrix(rexp(480), 120))
  one <- expect_exact_classes(wide$x, wide$y, penalty.factor = v, nlambda = 30)$fit
  off <- sparsepath(wide$x, wide$y, "multinomial", penalty.factor = v, lambda = one$lambda, control = sparsepath.control(screen = FALSE))
  expect_lt(max(abs(matrix_of(one$beta) - matrix_of(off$beta))), 1e-6)
  expect_lt(max(kkt(one, wide$x, wide$y)$rel.gap), 1e-7)
  two <- sparsepath(wide$x, wide$y, "multinomial", penalty.factor = v, lambda = one$lambda, control = sparsepath.control(threads = 2))
  expect_identical(one$beta, two$beta)
  # with MCP, and where the exclusions differ between folds
  f <- sparsepath(d$x, d$y, "multinomial", penalty.factor = matrix(c(1, 2, 0.5), 12, 3), penalty = pen_mcp(), lambda.min.ratio = 0.2)
  expect_lt(max(kkt(f, d$x, d$y)$kkt), 1e-6)
  drop <- function(x, y, weights) order(colSums(weights * x^2))[1:4]
  v <- with_seed(4, matrix(rexp(36), 12))
  cv <- cv.sparsepath(d$x, d$y, family = "multinomial", penalty.factor = v, exclude = drop, foldid = d$fold, keep = TRUE, nlambda = 15)
  train <- d$fold != 2
  g <- sparsepath(d$x[train, ], d$y[train], "multinomial", penalty.factor = v, exclude = drop, lambda = cv$lambda)
  expect_lt(max(abs(unname(cv$fit.preval[!train, , ]) - unname(predict(g, d$x[!train, ])))), 1e-10)
  # degrees of freedom of a ridge part: at lambda = 0 all of them
  f <- sparsepath(d$x[, 1:4], d$y, "multinomial", penalty.factor = v[1:4, ], alpha = 0.5, lambda = c(0.1, 1e-9))
  expect_equal(effective_df(f, d$x[, 1:4])[[2]], 2 * 4, tolerance = 1e-4)
  for (bad in list(matrix(1, 12, 2), matrix(1, 3, 3))) expect_refused(sparsepath(d$x, d$y, "multinomial", penalty.factor = bad), "length")
  expect_refused(sparsepath(d$x, d$y, "multinomial", penalty.factor = matrix(c(1, NA), 12, 3)), "nonfinite")
  expect_refused(sparsepath(d$x, d$y, "multinomial", type.multinomial = "grouped", penalty.factor = v), "type")
  expect_refused(sparsepath(d$x, d$y, "multinomial", penalty = pen_sparse_group(rep(1:6, 2)), penalty.factor = v), "unavailable")
  expect_refused(sparsepath(d$x, as.double(d$y), penalty.factor = v), "type")
})

test_that("factors by hand from a given estimate, for every family", {
  for (f in adaptive_problems()) {
    K <- if (is.null(f$K)) 1 else f$K
    f$x <- sweep(f$x, 2, c(1, 5, 0.2, 1), `*`)
    init <- with_seed(3, matrix(rnorm(8 * K), 8))
    init[2, ] <- 0
    size <- abs(init) * sds(f$x, f$w)
    joint <- K > 1 && (identical(f$type, "grouped") || identical(f$family, "mgaussian"))
    v <- if (joint) sqrt(rowSums(size^2)) else size
    pf <- c(1, 1, 0, 2, 1, 1, Inf, 1)
    v <- pf / v^1.5
    if (!joint) v <- matrix(v, 8) else v <- matrix(v)
    v[3, ] <- 0
    g <- fit_of(f, weights = f$w, penalty = pen_adaptive(init, 1.5), penalty.factor = pf, offset = f$o, nlambda = 10, lambda.min.ratio = 0.05)
    h <- fit_of(f, weights = f$w, penalty.factor = if (ncol(v) == 1) v[, 1] else v, offset = f$o, lambda = g$lambda)
    expect_lt(max(abs(matrix_of(g$beta) - matrix_of(h$beta))), 1e-10, label = f$label)
    expect_equal(as.vector(g$penalty$factor), as.vector(v), label = f$label)
    expect_true(all(g$status == 0), label = f$label)
    # of rows alone, where there are several predictors
    if (K > 1) {
      rows <- sqrt(rowSums(init^2))
      g <- fit_of(f, penalty = pen_adaptive(rows), nlambda = 10)
      h <- fit_of(f, penalty.factor = 1 / (rows * sds(f$x)), lambda = g$lambda)
      expect_lt(max(abs(matrix_of(g$beta) - matrix_of(h$beta))), 1e-10, label = f$label)
    }
  }
})

test_that("univariate: Newton's first step, for every family", {
  for (f in adaptive_problems()) {
    x <- sweep(f$x, 2, c(1, 5, 0.2, 1), `*`)
    w <- f$w / sum(f$w)
    z <- sweep(x, 2, colSums(w * x)) / rep(sds(x, w), each = 60)
    if (is.factor(f$y) && nlevels(f$y) == 3) {
      # means of the classes, in standard deviations
      b <- sapply(levels(f$y), function(k) colSums((w * z)[f$y == k, ]) / sum(w[f$y == k]))
      b <- b - rowMeans(b)
      if (!is.null(f$type)) b <- sqrt(rowSums(b^2))
    } else if (identical(f$family, "cox")) {
      next # below
    } else if (is.matrix(f$y)) {
      b <- sqrt(rowSums(crossprod(z, w * sweep(f$y, 2, colSums(w * f$y)))^2))
    } else {
      y <- if (is.factor(f$y)) as.integer(f$y) - 1 else f$y
      b <- drop(crossprod(z, w * (y - sum(w * y)))) # the weight of the working response is a constant of the null model
    }
    g <- fit_of(f, x = x, weights = f$w, penalty = pen_adaptive("univariate"), nlambda = 8)
    ratio <- g$penalty$factor * abs(b)
    expect_lt(max(abs(ratio / mean(ratio) - 1)), 1e-10, label = f$label)
  }
  # no intercept: regressions through the origin
  d <- make_problem(40, 6, seed = 12)
  d$x <- d$x + rep(1:6, each = 40)
  single <- vapply(1:6, function(j) sum(d$x[, j] * d$y) / sum(d$x[, j]^2), 0)
  for (standardize in c(TRUE, FALSE)) {
    f <- sparsepath(d$x, d$y, intercept = FALSE, standardize = standardize, penalty = pen_adaptive("univariate"))
    expect_equal(f$penalty$factor, 1 / abs(single * if (standardize) sds(d$x) else 1), tolerance = 1e-10)
  }
  skip_if_not_installed("survival")
  d <- make_problem(50, 5, seed = 13)
  y <- survival::Surv(with_seed(1, rexp(50, exp(drop(scale(d$y))))), rep(c(1, 1, 0), length.out = 50))
  f <- sparsepath(d$x, y, "cox", penalty = pen_adaptive("univariate"), cox.ties = "efron")
  score <- vapply(1:5, function(j) {
    r <- residuals(survival::coxph(y ~ d$x[, j], init = 0, control = survival::coxph.control(iter.max = 0)), "martingale")
    sum(r * d$x[, j]) / 50
  }, 0)
  expect_equal(f$penalty$factor, 1 / abs(score / sds(d$x)), tolerance = 1e-9)
})

test_that("ridge and lasso: the estimate of an inner cross-validation by hand, for every family", {
  for (f in adaptive_problems()[c("multinomial", "grouped", "mgaussian", "Gamma(link = \"log\")", "cox")]) {
    # stronger effects, so that the lasso selects
    order_of <- if (is.factor(f$y)) order(f$y) else if (identical(f$family, "cox")) order(f$y[, 2], f$y[, 1]) else order(as.matrix(f$y)[, 1])
    inner <- integer(60)
    inner[order_of] <- rep_len(1:5, 60)
    for (init in c("ridge", "lasso")) {
      cv <- do.call(cv.sparsepath, c(list(f$x, f$y), f$args, list(alpha = if (init == "ridge") 0 else 1, nlambda = 50,
        lambda.min.ratio = if (init == "ridge") 1e-6 else 1e-4, foldid = inner)))
      b <- coef(cv, s = "lambda.min")
      b <- if (is.list(b)) matrix_of(lapply(b, function(m) m[-1, ])) else b[setdiff(rownames(b), "(Intercept)"), 1]
      if (all(b == 0)) {
        expect_refused(fit_of(f, penalty = pen_adaptive(init)), "range")
        next
      }
      g <- fit_of(f, penalty = pen_adaptive(init), nlambda = 10)
      h <- fit_of(f, penalty = pen_adaptive(b), lambda = g$lambda)
      expect_lt(max(abs(matrix_of(g$beta) - matrix_of(h$beta))), 1e-8 * max(abs(matrix_of(h$beta))), label = paste(f$label, init))
    }
  }
})

test_that("groups: weights by hand, groups of one column are the adaptive lasso", {
  group <- c("c", "a", "b", "a", "c", "c", "b", "d")
  for (f in adaptive_problems()) {
    K <- if (is.null(f$K)) 1 else f$K
    f$x <- sweep(f$x, 2, c(1, 5, 0.2, 1), `*`)
    init <- with_seed(4, matrix(rnorm(8 * K), 8))
    init[group == "b", ] <- 0
    h <- sqrt(rowsum(rowSums((init * sds(f$x, f$w))^2), group))[, 1]
    plain <- sqrt(c(a = 2, b = 2, c = 3, d = 1))
    w <- plain / h^2
    w <- w * sum(plain) / (sum(w[-2]) + plain[2])
    g <- fit_of(f, weights = f$w, offset = f$o, penalty = pen_adaptive(init, 2, group = group), nlambda = 8, lambda.min.ratio = 0.1)
    expect_equal(unname(g$penalty$factor), unname(w), tolerance = 1e-12, label = f$label)
    one <- fit_of(f, weights = f$w, offset = f$o, penalty = pen_group(group, replace(w, 2, 1)), exclude = which(group == "b"), lambda = g$lambda)
    expect_lt(max(abs(matrix_of(g$beta) - matrix_of(one$beta))), 1e-9, label = f$label)
    expect_true(all(g$status == 0), label = f$label)
    k <- kkt(g, f$x, f$y, weights = f$w, offset = f$o)
    expect_lt(max(k$kkt), 1e-6, label = f$label)
    # weights of one's own, an unpenalized group among them
    own <- c(a = 1, b = 2, c = 0, d = 3)
    g <- fit_of(f, penalty = pen_adaptive("univariate", group = group, weights = own), nlambda = 8)
    expect_equal(g$penalty$factor[[3]], 0)
    expect_equal(sum(g$penalty$factor), 6, tolerance = 1e-12)
    expect_lt(max(kkt(g, f$x, f$y)$kkt), 1e-6, label = f$label)
    rows <- sqrt(rowSums(init^2)) + 0.1
    g <- fit_of(f, penalty = pen_adaptive(rows, group = 8:1), nlambda = 8)
    h <- fit_of(f, penalty = pen_adaptive(rows), lambda = g$lambda)
    expect_lt(max(abs(matrix_of(g$beta) - matrix_of(h$beta))), 1e-7, label = f$label)
    expect_equal(unname(rev(g$penalty$factor)), h$penalty$factor * 8 / sum(h$penalty$factor))
  }
  # "lasso" is the group lasso: it only removes whole groups
  d <- make_problem(60, 12, seed = 21)
  g <- sparsepath(d$x, d$y, penalty = pen_adaptive("lasso", group = rep(1:6, 2)))
  first <- cv.sparsepath(d$x, d$y, penalty = pen_group(rep(1:6, 2)), nlambda = 50, foldid = order(order(d$y)) %% 5 + 1)
  expect_identical(is.infinite(g$penalty$factor), rowsum(coef(first, s = "lambda.min")[-1, 1]^2, rep(1:6, 2))[, 1] == 0, ignore_attr = TRUE)
})

test_that("cross-validation is a loop by hand, for every family and kind of estimate", {
  fold <- rep_len(1:4, 60)
  train <- fold != 3
  group <- c(1, 2, 1, 2, 3, 3, 4, 4)
  problems <- adaptive_problems()
  for (name in names(problems)) {
    f <- problems[[name]]
    kinds <- list(pen_adaptive("univariate", group = group), pen_adaptive("ridge"))
    if (is.character(f$family)) kinds <- c(kinds, list(pen_adaptive("univariate"), pen_adaptive("ridge", group = group, power = 2)))
    if (name %in% c("gaussian", "poisson", "multinomial", "mgaussian")) kinds <- c(kinds, list(pen_adaptive("lasso"), pen_adaptive("lasso", group = group)))
    for (penalty in kinds) {
      extra <- list(weights = replace(f$w, 7, 0), penalty = penalty, exclude = 6)
      if (is.null(penalty$group)) extra$penalty.factor <- c(1, 1, 1, 0, 1, 1, 2, 1)
      cv <- do.call(cv.sparsepath, c(list(Matrix::Matrix(f$x, sparse = TRUE), f$y, offset = f$o, foldid = fold, keep = TRUE, nlambda = 8, lambda.min.ratio = 0.1), f$args, extra))
      extra$weights <- extra$weights[train]
      one <- fit_of(c(f, extra = 1), x = f$x[train, ], y = of_rows(f$y, train), offset = of_rows(f$o, train), lambda = cv$fit$lambda,
        weights = extra$weights, penalty = penalty, exclude = 6, penalty.factor = extra$penalty.factor)
      held <- array(cv$fit.preval, c(60, length(cv$fit.preval) / 60))[!train, ]
      mine <- as.vector(predict(one, f$x[!train, ], newoffset = of_rows(f$o, !train)))
      expect_lt(max(abs(held - mine)), 1e-10 * max(1, abs(mine)), label = paste(name, penalty$init, penalty$power))
      expect_true(all(cv$fold.status == 0), label = name)
    }
  }
})

test_that("strata, limits, no intercept, formulas with factors and incomplete rows", {
  skip_if_not_installed("survival")
  d <- make_problem(80, 8, seed = 31)
  fold <- rep_len(1:4, 80)
  time <- with_seed(1, rexp(80, exp(drop(scale(d$y)))))
  y <- stratify(survival::Surv(time, rep(c(1, 1, 0, 1), 20)), rep(1:2, 40))
  for (penalty in list(pen_adaptive("ridge"), pen_adaptive("univariate", group = rep(1:4, 2)))) {
    cv <- cv.sparsepath(d$x, y, family = "cox", penalty = penalty, foldid = fold, keep = TRUE, nlambda = 10, cox.ties = "efron")
    one <- sparsepath(d$x[fold != 2, ], stratify(survival::Surv(time, rep(c(1, 1, 0, 1), 20))[fold != 2], rep(1:2, 40)[fold != 2]), "cox",
      penalty = penalty, lambda = cv$fit$lambda, cox.ties = "efron")
    expect_lt(max(abs(unname(cv$fit.preval[fold == 2, ]) - unname(predict(one, d$x[fold == 2, ])))), 1e-10)
    expect_lt(max(kkt(cv, d$x, y)$rel.gap), 1e-7)
  }
  m <- make_classes(60, 8, 3, seed = 32)
  for (type in c("ungrouped", "grouped")) {
    f <- sparsepath(m$x, m$y, "multinomial", penalty = pen_adaptive(), lower.limits = -0.1, upper.limits = 0.3, type.multinomial = type, intercept = FALSE)
    expect_true(all(f$status == 0))
    expect_gt(max(matrix_of(f$beta)), 0.3 - 1e-12)
    expect_lt(max(kkt(f, m$x, m$y)$rel.gap), 1e-7)
  }
  # standardized responses: factors do not depend on their units
  y <- cbind(d$y, 100 * rev(d$y) + d$x[, 1])
  for (init in list("univariate", "ridge", with_seed(1, matrix(rnorm(16), 8)))) {
    scaled <- function(y, init) sparsepath(d$x, y, "mgaussian", standardize.response = TRUE, penalty = pen_adaptive(init), nlambda = 10)
    other <- if (is.matrix(init)) init * rep(c(3, 0.01), each = 8) else init
    expect_equal(scaled(y, init)$penalty$factor, scaled(y * rep(c(3, 0.01), each = 80), other)$penalty$factor, tolerance = 1e-6)
  }
  frame <- data.frame(y = d$y, d$x[, 1:3], g = factor(rep(c("u", "v", "w", "u"), 20)), h = rep(c("s", "t"), 40))
  frame$X2[5] <- NA
  frame$g[9] <- NA
  fit <- suppressWarnings(sparsepath(y ~ ., frame, penalty = pen_adaptive("ridge", group = "factors")))
  used <- stats::complete.cases(frame)
  x <- suppressWarnings(make_x(frame[used, -1]))
  by_hand <- sparsepath(x, d$y[used], penalty = pen_adaptive("ridge", group = c(1:3, 4, 4, 4, 5, 5)), lambda = fit$lambda)
  expect_equal(unname(as.matrix(fit$beta)), unname(as.matrix(by_hand$beta)), tolerance = 1e-10)
  expect_lt(max(kkt(fit, frame[used, ])$rel.gap), 1e-9)
  b <- as.matrix(fit$beta)
  expect_true(all(apply(b[4:6, ] != 0, 2, function(z) all(z) || !any(z))))
})

test_that("weights are replications where the estimate is, sparse is dense", {
  for (f in adaptive_problems()) {
    w <- rep(c(1, 2, 0), 20)
    i <- rep(1:60, w)
    for (penalty in list(pen_adaptive("univariate"), pen_adaptive("univariate", group = rep(1:4, 2)))) {
      g <- fit_of(f, weights = w, penalty = penalty, nlambda = 8, lambda.min.ratio = 0.1)
      h <- fit_of(f, x = f$x[i, ], y = of_rows(f$y, i), penalty = penalty, lambda = g$lambda)
      expect_lt(max(abs(matrix_of(g$beta) - matrix_of(h$beta))), 1e-8, label = f$label)
    }
    x <- f$x
    x[abs(x) < 0.8] <- 0
    for (penalty in list(pen_adaptive("ridge"), pen_adaptive("ridge", group = rep(1:4, 2)))) {
      g <- fit_of(f, x = x, penalty = penalty, nlambda = 8, lambda.min.ratio = 0.1)
      h <- fit_of(f, x = Matrix::Matrix(x, sparse = TRUE), penalty = penalty, lambda = g$lambda)
      expect_lt(max(abs(matrix_of(g$beta) - matrix_of(h$beta))), 1e-8, label = f$label)
    }
  }
})

test_that("methods, for several predictors and groups", {
  problems <- adaptive_problems()
  group <- rep(1:4, 2)
  for (f in problems[c("gaussian", "multinomial", "mgaussian", "grouped", "Gamma(link = \"log\")")]) {
    for (penalty in list(pen_adaptive(), pen_adaptive("univariate", group = group))) {
      g <- fit_of(f, penalty = penalty, alpha = 0.8, nlambda = 12, lambda.min.ratio = 0.05, relax = TRUE)
      s <- sqrt(g$lambda[4] * g$lambda[5])
      refit <- coef(g, s = s, exact = TRUE, x = f$x, y = f$y)
      near <- fit_of(f, penalty = penalty, alpha = 0.8, lambda = c(g$lambda[1:4], s))
      expect_lt(max(abs(matrix_of(refit) - matrix_of(coef(near, s = s)))), 1e-8)
      k <- effective_df(g, x = f$x, y = f$y)
      expect_identical(attr(k, "method"), "trace")
      expect_true(all(k <= suppressWarnings(effective_df(g)) + 1e-8) && all(k >= 0) && max(k) > 1)
      expect_true(all(is.finite(suppressWarnings(BIC(g)))))
      expect_output(print(summary(g)), if (is.null(penalty$group)) "adaptive lasso" else "adaptive group lasso")
      grDevices::pdf(NULL)
      plot(g)
      grDevices::dev.off()
      expect_identical(dim(predict(g, f$x, s = s))[1], 60L)
    }
  }
})

test_that("glmnet and grpreg solve the second stage", {
  d <- make_problem(80, 30, seed = 5)
  m <- make_classes(80, 30, 3, seed = 3)
  skip_if_not_installed("grpreg")
  group <- rep(1:10, each = 3)
  x <- make_orthonormal_groups(d$x, group)
  f <- sparsepath(x, d$y, penalty = pen_adaptive("ridge", group = group), nlambda = 15, lambda.min.ratio = 0.05, standardize = FALSE)
  g <- getExportedValue("grpreg", "grpreg")(x, d$y, group, penalty = "grLasso", lambda = f$lambda, group.multiplier = unname(f$penalty$factor),
    eps = 1e-12, max.iter = 1e6)
  expect_equal(unname(as.matrix(f$beta)), unname(g$beta[-1, ]), tolerance = 1e-6)
  skip_unless_glmnet()
  same <- function(x, y, family, ...) {
    f <- sparsepath(x, y, family, penalty = pen_adaptive("ridge"), nlambda = 15, lambda.min.ratio = 0.05, ...)
    g <- glmnet_tight(x, y, family, penalty.factor = f$penalty$factor, lambda = f$lambda, ...)
    expect_equal(matrix_of(lapply(f$beta, as.matrix)), matrix_of(lapply(g$beta, as.matrix)), tolerance = 1e-6)
  }
  same(d$x, cbind(d$y, rev(d$y) + d$x[, 2]), "mgaussian")
  same(m$x, m$y, "multinomial", type.multinomial = "grouped")
})

test_that("the estimate depends on neither the grid nor the ends of the path that is asked for", {
  d <- make_problem(60, 70, seed = 41)
  for (init in c("ridge", "lasso")) {
    f <- sparsepath(d$x, d$y, penalty = pen_adaptive(init), nlambda = 10)
    g <- sparsepath(d$x, d$y, penalty = pen_adaptive(init), nlambda = 10, lambda.min.ratio = 0.5, control = sparsepath.control(dfmax = 3))
    expect_identical(f$penalty$factor, g$penalty$factor)
    # the training rows decide whether there are more columns than rows
    cv <- cv.sparsepath(rbind(d$x, d$x[1:20, ]), c(d$y, d$y[1:20]), penalty = pen_adaptive(init), foldid = rep(1:2, c(60, 20)), keep = TRUE, nlambda = 10)
    one <- sparsepath(d$x, d$y, penalty = pen_adaptive(init), lambda = cv$fit$lambda)
    expect_lt(max(abs(unname(cv$fit.preval[61:80, ]) - unname(predict(one, d$x[1:20, ])))), 1e-10)
  }
})

test_that("a class, an event or a count that stands alone is never held out", {
  x <- make_problem(30, 4, seed = 42)$x
  y <- factor(rep(c("a", "b", "c"), c(14, 15, 1)))
  for (type in c("ungrouped", "grouped")) {
    f <- sparsepath(x, y, "multinomial", type.multinomial = type, penalty = pen_adaptive(), nlambda = 8)
    expect_true(all(f$status == 0))
  }
  expect_true(all(sparsepath(x, rep(0:1, c(29, 1)), "binomial", penalty = pen_adaptive(), nlambda = 8)$status == 0))
  expect_true(all(sparsepath(x, rep(c(0, 4), c(29, 1)), "poisson", penalty = pen_adaptive(), nlambda = 8)$status == 0))
  expect_true(all(sparsepath(x, cbind(time = 1:30, status = rep(c(0, 1, 0), c(10, 1, 19))), "cox", penalty = pen_adaptive(), nlambda = 8)$status == 0))
})

test_that("errors", {
  d <- make_problem(20, 5, seed = 1)
  expect_refused(pen_adaptive("ols"), "choice")
  expect_refused(pen_adaptive(power = 0), "range")
  expect_refused(pen_adaptive(c(1, NA)), "nonfinite")
  expect_refused(sparsepath(d$x, d$y, penalty = pen_adaptive(1:3)), "length")
  expect_refused(sparsepath(d$x, d$y, penalty = pen_adaptive(rep(0, 5))), "range")
  expect_refused(pen_adaptive(matrix(c(1, Inf), 5, 2)), "nonfinite")
  expect_refused(sparsepath(d$x, d$y, penalty = pen_adaptive(matrix(1, 5, 2))), "length")
  expect_refused(sparsepath(d$x, cbind(d$y, d$y^2), "mgaussian", penalty = pen_adaptive(matrix(1, 5, 3))), "length")
  expect_refused(pen_adaptive(list(1)), "choice")
  expect_refused(pen_adaptive(weights = 1:2), "unknown_argument")
  expect_refused(pen_adaptive(group = c(1, NA)), "nonfinite")
  expect_refused(pen_adaptive(group = 1:2, weights = c(-1, 1)), "range")
  expect_refused(sparsepath(d$x, d$y, penalty = pen_adaptive(group = 1:2)), "length")
  expect_refused(sparsepath(d$x, d$y, penalty = pen_adaptive(group = rep(1, 5)), penalty.factor = 1:5), "unavailable")
  expect_refused(sparsepath(d$x, d$y, penalty = pen_adaptive(group = "factors")), "unavailable")
})

test_that("one column is the lasso on that column, in cross-validation too", {
  d <- make_problem(30, 1, seed = 4)
  for (init in c("ridge", "lasso", "univariate")) {
    lasso <- sparsepath(d$x, d$y, nlambda = 20)
    f <- sparsepath(d$x, d$y, penalty = pen_adaptive(init), lambda = lasso$lambda)
    expect_equal(as.double(f$beta), as.double(lasso$beta), tolerance = 1e-10)
    cv <- cv.sparsepath(d$x, d$y, penalty = pen_adaptive(init), lambda = lasso$lambda, foldid = d$fold)
    expect_equal(cv$cvm, cv.sparsepath(d$x, d$y, lambda = lasso$lambda, foldid = d$fold)$cvm, tolerance = 1e-10)
  }
})
