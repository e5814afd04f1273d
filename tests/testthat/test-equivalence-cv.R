# Cross-validation in lockstep equals a loop of single fits, measure by measure.

# the measures, written out for one fold: y proportions or numbers, eta linear predictors [rows x lambdas], w weights
fold_measure <- function(measure, family, y, eta, w) {
  if (family == "gaussian") {
    loss <- if (measure == "mae") abs(y - eta) else (y - eta)^2
    return(colSums(w * loss) / sum(w))
  }
  if (family == "poisson") {
    m <- exp(eta)
    loss <- switch(measure,
      mse = (y - m)^2, mae = abs(y - m), deviance = 2 * (dpois(y, y, log = TRUE) - dpois(y, m, log = TRUE))
    )
    return(colSums(w * loss) / sum(w))
  }
  p <- plogis(eta)
  if (measure == "auc") {
    return(apply(p, 2, function(q) { # share of correctly ordered pairs, ties one half, pairs weighted
      win <- outer(q, q, ">") + 0.5 * outer(q, q, "==")
      pair <- outer(w * y, w * (1 - y))
      sum(pair * win) / sum(pair)
    }))
  }
  loss <- switch(measure,
    class = y * (p <= 0.5) + (1 - y) * (p > 0.5),
    mse = y * ((0 - (1 - p))^2 + (1 - p)^2) + (1 - y) * ((1 - (1 - p))^2 + p^2),
    mae = y * (abs(0 - (1 - p)) + abs(1 - p)) + (1 - y) * (abs(1 - (1 - p)) + p),
    deviance = {
      q <- pmin(pmax(p, 1e-5), 1 - 1e-5)
      -2 * (y * log(q) + (1 - y) * log(1 - q))
    }
  )
  colSums(w * loss) / sum(w)
}

hand_cv <- function(x, y, family, fold, lambda, measures, weights = NULL, offset = NULL, ...) {
  n <- nrow(x)
  w <- if (is.null(weights)) rep(1, n) else weights
  eta <- matrix(NA_real_, n, length(lambda))
  y <- as.double(y)
  for (k in sort(unique(fold))) {
    i <- which(fold != k)
    f <- sparsepath(x[i, , drop = FALSE], y[i],
      family = family, weights = w[i], offset = offset[i], lambda = lambda, ...
    )
    eta[-i, ] <- as.matrix(x[-i, , drop = FALSE] %*% f$beta) + rep(f$a0, each = n - length(i)) + if (is.null(offset)) 0 else offset[-i]
  }
  size <- vapply(split(w, fold), sum, 0)
  out <- lapply(measures, function(m) {
    raw <- t(vapply(names(size), function(k) fold_measure(m, family, y[fold == k], eta[fold == k, , drop = FALSE], w[fold == k]), lambda))
    cvm <- colSums(size * raw) / sum(size)
    list(cvm = cvm, cvsd = sqrt(colSums(size * (raw - rep(cvm, each = nrow(raw)))^2) / sum(size) / (nrow(raw) - 1)))
  })
  names(out) <- measures
  list(eta = eta, measure = out)
}

measures_of <- function(family) {
  switch(family,
    gaussian = c("mse", "mae", "deviance"), binomial = c("deviance", "class", "auc", "mse", "mae"), poisson = c("deviance", "mse", "mae")
  )
}

for (family in c("gaussian", "binomial", "poisson")) {
  for (kind in c("dense", "sparse", "tall")) {
    test_that(paste("lockstep equals the hand loop:", family, kind), {
      p <- if (kind == "tall") 15 else 120
      d <- make_problem(75, p, "ar", 0.5, snr = 1, seed = 901, family = family)
      x <- d$x
      if (kind == "sparse") x <- Matrix::Matrix(x * (abs(x) > 1.2), sparse = TRUE)
      settings <- list(
        list(), list(weights = d$w), list(offset = d$o), list(alpha = 0.5, weights = d$w, offset = d$o), list(alpha = 0),
        list(standardize = FALSE), list(intercept = FALSE), list(lower.limits = -0.1, upper.limits = 0.2),
        list(penalty.factor = replace(rep(1, p), 1:2, 0))
      )
      for (a in settings) {
        label <- paste(family, kind, paste(names(a), collapse = " "))
        cv <- do.call(cv.sparsepath, c(list(x, d$y, family = family, foldid = d$fold, keep = TRUE, nlambda = 40), a))
        hand <- do.call(hand_cv, c(list(x, d$y, family, d$fold, cv$lambda, measures_of(family)), a))
        # coefficients agree to 1e-10 of their size, and so do predictions
        expect_lt(max(abs(cv$fit.preval - hand$eta)) / max(1, abs(hand$eta)), 1e-10)
        for (m in measures_of(family)) {
          cm <- do.call(cv.sparsepath, c(list(x, d$y, family = family, foldid = d$fold, type.measure = m, nlambda = 40), a))
          h <- hand$measure[[m]]
          e <- max(abs(cm$cvm / h$cvm - 1))
          # class and auc jump when two predictions that are equal in theory are ordered by rounding
          expect(e < if (m %in% c("class", "auc")) 1e-10 else 1e-10, sprintf("%s %s: cvm differs by %.1e", label, m, e))
          e <- max(abs(cm$cvsd - h$cvsd)) / max(h$cvsd)
          expect(e < 1e-10, sprintf("%s %s: cvsd differs by %.1e", label, m, e))
          best <- if (m == "auc") which.max(h$cvm) else which.min(h$cvm)
          expect(abs(h$cvm[match(cm$lambda.min, cv$lambda)] - h$cvm[best]) <= 1e-10, paste(label, m, ": lambda.min"))
          ok <- if (m == "auc") h$cvm >= h$cvm[best] - h$cvsd[best] - 1e-10 else h$cvm <= h$cvm[best] + h$cvsd[best] + 1e-10
          expect(cm$lambda.1se <= max(cv$lambda[ok]) && cm$lambda.1se >= cm$lambda.min, paste(label, m, ": lambda.1se"))
        }
        full <- do.call(sparsepath, c(list(x, d$y, family = family, nlambda = 40), a))
        expect_same_fit(full, cv$fit, 1e-10, label = paste(label, "full fit"))
        expect_true(all(cv$fold.status == 0))
      }
    })
  }
}

test_that("a fold whose columns are constant or whose rows have no weight is fitted like the loop does", {
  d <- make_problem(40, 30, seed = 902)
  fold <- rep_len(1:4, 40)
  x <- d$x
  x[fold != 2, 5] <- 1 # constant in every training set but three
  x[fold != 3, 6] <- 0
  w <- replace(d$w, c(1, 2, 7), 0)
  cv <- cv.sparsepath(x, d$y, foldid = fold, weights = w, keep = TRUE, nlambda = 30)
  hand <- hand_cv(x, d$y, "gaussian", fold, cv$lambda, "mse", w)
  expect_lt(max(abs(cv$fit.preval - hand$eta)), 1e-10)
  expect_equal(cv$cvm, hand$measure$mse$cvm, tolerance = 1e-10)
})

test_that("duplicated columns and separable folds: the fit agrees although coefficients need not", {
  d <- make_problem(60, 40, seed = 903, family = "binomial")
  x <- cbind(d$x, d$x)
  cv <- cv.sparsepath(x, d$y, family = "binomial", foldid = d$fold, keep = TRUE, nlambda = 40)
  hand <- hand_cv(x, d$y, "binomial", d$fold, cv$lambda, "deviance")
  expect_lt(max(abs(cv$fit.preval - hand$eta)) / max(abs(hand$eta)), 1e-10)
  y <- as.double(d$x[, 1] > 0)
  cv <- cv.sparsepath(d$x, y, family = "binomial", foldid = d$fold, keep = TRUE, nlambda = 40)
  hand <- hand_cv(d$x, y, "binomial", d$fold, cv$lambda, "deviance")
  expect_lt(max(abs(cv$fit.preval - hand$eta)) / max(abs(hand$eta)), 1e-10)
})

test_that("replicates are separate cross-validations", {
  d <- make_problem(60, 80, seed = 904)
  f2 <- with_seed(905, sample(rep_len(1:5, 60)))
  both <- cv.sparsepath(d$x, d$y, foldid = cbind(d$fold, f2), keep = TRUE)
  one <- cv.sparsepath(d$x, d$y, foldid = d$fold, keep = TRUE)
  two <- cv.sparsepath(d$x, d$y, foldid = f2, keep = TRUE)
  expect_equal(both$fit.preval[, , 1], one$fit.preval, tolerance = 1e-10, ignore_attr = TRUE)
  expect_equal(both$fit.preval[, , 2], two$fit.preval, tolerance = 1e-10, ignore_attr = TRUE)
  expect_equal(both$cvm, (one$cvm + two$cvm) / 2, tolerance = 1e-10)
})

test_that("leave-one-out, two folds, labels of folds", {
  d <- make_problem(20, 30, seed = 906)
  cv <- suppressWarnings(cv.sparsepath(d$x, d$y, foldid = 1:20, keep = TRUE, nlambda = 20))
  hand <- hand_cv(d$x, d$y, "gaussian", 1:20, cv$lambda, "mse")
  expect_lt(max(abs(cv$fit.preval - hand$eta)), 1e-10)
  expect_equal(cv$cvm, hand$measure$mse$cvm, tolerance = 1e-10)
  a <- cv.sparsepath(d$x, d$y, foldid = rep(1:2, 10))
  b <- cv.sparsepath(d$x, d$y, foldid = rep(c(9, 4), 10))
  expect_equal(a$cvm, b$cvm, tolerance = 1e-12)
})

test_that("the same seed gives the same folds, and only folds are random", {
  d <- make_problem(60, 40, seed = 907, family = "binomial")
  a <- with_seed(1, cv.sparsepath(d$x, d$y, family = "binomial", nfolds = 5))
  b <- with_seed(1, cv.sparsepath(d$x, d$y, family = "binomial", nfolds = 5))
  expect_identical(a$cvm, b$cvm)
  e <- cv.sparsepath(d$x, d$y, family = "binomial", foldid = a$foldid)
  expect_identical(a$cvm, e$cvm)
  # stratified: every fold has its share of each class
  tab <- table(a$foldid, d$y)
  expect_lte(max(tab) - min(tab), 1)
})

test_that("grouped = FALSE is the mean over observations, written out", {
  d <- make_problem(50, 20, seed = 911, family = "binomial")
  for (family in c("gaussian", "binomial")) for (measure in if (family == "gaussian") c("mse", "mae") else c("deviance", "class", "mse", "mae")) {
    y <- if (family == "gaussian") make_problem(50, 20, seed = 911)$y else d$y
    folds <- with_seed(912, replicate(2, sample(rep_len(1:5, 50))))
    cv <- cv.sparsepath(d$x, y, family = family, foldid = folds, grouped = FALSE, weights = d$w, type.measure = measure, nlambda = 20, keep = TRUE)
    loss <- lapply(1:2, function(r) {
      eta <- hand_cv(d$x, y, family, folds[, r], cv$lambda, measure, d$w)$eta
      expect_lt(max(abs(eta - cv$fit.preval[, , r])), 1e-10 * max(1, abs(eta)))
      t(vapply(seq_len(50), function(i) fold_measure(measure, family, y[i], eta[i, , drop = FALSE], d$w[i]), cv$lambda))
    })
    both <- do.call(rbind, loss)
    w <- rep(d$w, 2)
    cvm <- colSums(w * both) / sum(w)
    cvsd <- sqrt(colSums(w * (both - rep(cvm, each = 100))^2) / sum(w) / (50 - 1))
    expect_equal(cv$cvm, unname(cvm), tolerance = 1e-10)
    expect_equal(cv$cvsd, unname(cvsd), tolerance = 1e-10)
  }
})

test_that("repeats: drawn partitions, kept, averaged", {
  d <- make_problem(60, 30, seed = 913)
  cv <- with_seed(1, cv.sparsepath(d$x, d$y, nfolds = 5, repeats = 4, nlambda = 30))
  loop <- lapply(1:4, function(r) hand_cv(d$x, d$y, "gaussian", cv$foldid[, r], cv$lambda, "mse")$measure$mse)
  expect_equal(cv$cvm, unname(rowMeans(vapply(loop, `[[`, cv$lambda, "cvm"))), tolerance = 1e-10)
})
