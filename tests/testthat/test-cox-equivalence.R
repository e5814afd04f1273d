# One Cox problem, said in different ways, has one answer.

d <- make_cox(45, 90, "ar", 0.4, seed = 2301)
response <- function(kind, rows = seq_len(45)) {
  switch(kind, right = d$y[rows, ], entry = d$yc[rows, ], strata = stratify(d$y[rows, ], d$strata[rows]), both = stratify(d$yc[rows, ], d$strata[rows]))
}
fit <- function(kind, ..., x = d$x, y = response(kind)) sparsepath(x, y, family = "cox", ..., nlambda = 40)
same <- function(f, g, tol = 1e-8, label = "") {
  expect(isTRUE(all.equal(f$lambda, g$lambda, tolerance = 1e-9)), paste(label, "lambda"))
  e <- max(abs(f$beta - g$beta)) / max(abs(f$beta))
  expect(e < tol, sprintf("%s: coefficients differ by %.1e", label, e))
}

for (kind in c("right", "entry", "strata", "both")) {
  test_that(paste("storage, threads, screening, order of the rows:", kind), {
    for (ties in c("breslow", "efron")) {
      f <- fit(kind, cox.ties = ties, weights = d$w)
      x <- d$x * (abs(d$x) > 1)
      same(fit(kind, x = x, cox.ties = ties), fit(kind, x = Matrix::Matrix(x, sparse = TRUE), cox.ties = ties), label = "sparse")
      same(f, fit(kind, cox.ties = ties, weights = d$w, control = sparsepath.control(screen = FALSE)), label = "screen")
      expect_identical(f$beta, fit(kind, cox.ties = ties, weights = d$w, control = sparsepath.control(threads = 2))$beta)
      o <- rev(seq_len(45))
      same(f, fit(kind, cox.ties = ties, weights = d$w[o], x = d$x[o, ], y = response(kind, o)), label = "order")
      same(f, fit(kind, cox.ties = ties, weights = 7 * d$w), label = "weights are relative")
    }
  })

  test_that(paste("weights are replication for Breslow:", kind), {
    w <- with_seed(2302, sample(0:3, 45, TRUE))
    rows <- rep(seq_len(45), w)
    f <- fit(kind, weights = w)
    g <- fit(kind, x = d$x[rows, ], y = response(kind, rows))
    same(f, g, label = kind)
    expect_equal(f$nulldev, g$nulldev, tolerance = 1e-10)
    expect_equal(f$dev.ratio, g$dev.ratio, tolerance = 1e-10)
  })
}

test_that("only the order of times matters", {
  y <- d$yc
  f <- fit("entry", cox.ties = "efron")
  y[, 1:2] <- log1p(y[, 1:2]) * 3
  same(f, fit("entry", cox.ties = "efron", y = y), label = "monotone")
})

test_that("entry before everything is no entry; an interval cut in two is the same patient", {
  f <- fit("right", cox.ties = "efron")
  same(f, fit("right", cox.ties = "efron", y = cbind(start = -1, stop = d$time, status = d$status)), label = "entry -1")
  cut <- 2.5
  long <- which(d$time > cut)
  y <- rbind(cbind(start = 0, stop = pmin(d$time, cut), status = ifelse(d$time > cut, 0, d$status)), cbind(start = cut, stop = d$time[long], status = d$status[long]))
  g <- sparsepath(d$x[c(1:45, long), ], y, family = "cox", cox.ties = "efron", lambda = f$lambda * 45 / (45 + length(long)), standardize = FALSE)
  h <- sparsepath(d$x, d$y, family = "cox", cox.ties = "efron", lambda = f$lambda, standardize = FALSE)
  expect_lt(max(abs(g$beta - h$beta)) / max(abs(h$beta)), 1e-8) # the loss is divided by the number of rows
})

test_that("an entry at a time of death is not yet at risk there", {
  y <- cbind(start = c(0, 0, 2, 0), stop = c(2, 3, 4, 4), status = c(1, 1, 1, 0))
  x <- cbind(c(1, 0, 1, 0), c(0.3, -1, 0.2, 1))
  f <- sparsepath(x, y, family = "cox", lambda = c(0.1, 0.02))
  v <- cox_verify(f, x, y)
  expect_lt(max(v$kkt), 1e-6)
  tm <- cox_terms(y)
  expect_identical(tm$A[1, ], c(1, 1, 0, 1))
})

test_that("strata without events, and rows that nobody's death sees, do not matter but for the scale", {
  n <- 45
  y <- rbind(d$y, cbind(time = c(5, 6, 7), status = 0))
  x <- rbind(d$x, d$x[1:3, ] + 1)
  f <- sparsepath(d$x, d$y, family = "cox", lambda = c(0.1, 0.05), standardize = FALSE)
  g <- sparsepath(x, stratify(y, rep(c("a", "b"), c(n, 3))), family = "cox", lambda = c(0.1, 0.05) * n / (n + 3), standardize = FALSE)
  expect_lt(max(abs(f$beta - g$beta)), 1e-9)
  y <- rbind(d$y, cbind(time = c(0.2, 0.5, 0.5), status = 0)) # censored before the first death
  h <- sparsepath(x, y, family = "cox", lambda = c(0.1, 0.05) * n / (n + 3), standardize = FALSE)
  expect_lt(max(abs(f$beta - h$beta)), 1e-9)
})

test_that("cross-validation is a loop of single fits: deviances and C-index", {
  for (kind in c("right", "both")) for (ties in c("breslow", "efron")) {
    fold <- with_seed(2311, sample(rep_len(1:4, 45)))
    w <- d$w
    cv <- function(...) cv.sparsepath(d$x, response(kind), family = "cox", cox.ties = ties, weights = w, offset = d$o, foldid = fold, nlambda = 20, ...)
    f <- cv(keep = TRUE)
    lambda <- f$fit$lambda
    y <- if (kind == "right") d$y else d$yc
    strata <- if (kind == "right") NULL else d$strata
    deviance_of <- function(rows, eta) {
      tm <- cox_terms(y[rows, ], strata[rows], w[rows], ties == "efron")
      apply(eta[rows, ], 2, function(e) 2 * cox_F(tm, e) * tm$total)
    }
    grouped <- alone <- cindex <- matrix(NA, 4, length(lambda))
    for (k in 1:4) {
      inside <- which(fold == k)
      g <- sparsepath(d$x[-inside, ], response(kind, -inside), family = "cox", cox.ties = ties, weights = w[-inside], offset = d$o[-inside], lambda = lambda)
      eta <- as.matrix(d$x %*% g$beta) + d$o
      expect_lt(max(abs(eta[inside, ] - f$fit.preval[inside, ])), 1e-8)
      grouped[k, ] <- (deviance_of(1:45, eta) - deviance_of(setdiff(1:45, inside), eta)) / sum(w[inside])
      alone[k, ] <- deviance_of(inside, eta) / sum(w[inside])
      cindex[k, ] <- concordance_index(eta[inside, ], response(kind, inside), w[inside])
    }
    total <- rowsum(w, fold)[, 1]
    curve <- function(m) colSums(m * total) / sum(total)
    spread <- function(m) sqrt(colSums(total * sweep(m, 2, curve(m))^2) / sum(total) / 3)
    expect_equal(f$cvm, curve(grouped), tolerance = 1e-9)
    expect_equal(f$cvsd, spread(grouped), tolerance = 1e-8)
    g <- cv(grouped = FALSE)
    expect_equal(g$cvm, curve(alone), tolerance = 1e-9)
    expect_equal(g$cvsd, spread(alone), tolerance = 1e-8)
    g <- cv(type.measure = "C")
    expect_lt(max(abs(g$cvm - curve(cindex))), 1e-10)
    expect_identical(unname(g$index["min", 1]), which.max(g$cvm))
    both <- cv(relax = TRUE, gamma = c(0, 0.5, 1), maxp = 6) # larger sets may order the few events perfectly
    expect_equal(both$relaxed$statlist[["g:1"]]$cvm, f$cvm, tolerance = 1e-10)
  }
})

test_that("the deviances of relaxed fits are those of refits in each fold", {
  fold <- with_seed(2321, sample(rep_len(1:4, 45)))
  lambda <- sparsepath(d$x, d$y, family = "cox", nlambda = 30)$lambda[1:8]
  f <- cv.sparsepath(d$x, d$y, family = "cox", foldid = fold, lambda = lambda, relax = TRUE, gamma = c(0, 0.3))
  all <- cox_terms(d$y)
  by_hand <- matrix(NA, 4, 8)
  for (k in 1:4) {
    out <- fold == k
    train <- cox_terms(d$y[!out, ])
    path <- sparsepath(d$x[!out, ], d$y[!out, ], family = "cox", lambda = lambda)
    for (l in 1:8) {
      set <- which(path$beta[, l] != 0)
      b <- numeric(90)
      if (length(set)) b[set] <- sparsepath(cbind(d$x[!out, set, drop = FALSE], 0), d$y[!out, ], family = "cox", lambda = 0)$beta[seq_along(set), 1]
      eta <- drop(d$x %*% (0.3 * path$beta[, l] + 0.7 * b))
      by_hand[k, l] <- 2 * (cox_F(all, eta) * 45 - cox_F(train, eta[!out]) * sum(!out)) / sum(out)
    }
  }
  expect_equal(f$relaxed$statlist[["g:0.3"]]$cvm, colSums(by_hand * tabulate(fold)) / 45, tolerance = 1e-6)
})
