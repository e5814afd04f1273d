# How an answer is computed must not show in it.

same_bits <- function(a, b, label) {
  for (n in c("a0", "beta", "lambda", "df", "dev.ratio", "gap", "kkt", "status", "npasses", "passes")) {
    expect(identical(a[[n]], b[[n]]), paste0(label, ": ", n, " differs"))
  }
}

settings <- function(family) {
  d <- make_problem(60, 300, "ar", 0.6, seed = 701, family = family)
  list(
    list(d$x, d$y), list(d$x, d$y, alpha = 0.5, weights = d$w), list(d$x, d$y, alpha = 0),
    list(d$x, d$y, lower.limits = -0.1, upper.limits = 0.1), list(make_sparse(60, 300, 0.1, seed = 702), d$y, offset = d$o),
    list(d$x[, 1:20], d$y)
  )
}

test_that("the same call gives the same bits", {
  for (family in c("gaussian", "binomial", "poisson")) {
    for (a in settings(family)) {
      same_bits(do.call(sparsepath, c(a, family = family)), do.call(sparsepath, c(a, family = family)), family)
    }
  }
})

test_that("one thread and two threads give the same bits", {
  for (family in c("gaussian", "binomial", "poisson")) {
    for (a in settings(family)) {
      one <- do.call(sparsepath, c(a, family = family, list(control = sparsepath.control(threads = 1))))
      two <- do.call(sparsepath, c(a, family = family, list(control = sparsepath.control(threads = 2))))
      same_bits(one, two, family)
    }
  }
  d <- make_problem(60, 300, seed = 703)
  for (k in 2:3) {
    one <- cv.sparsepath(d$x, d$y, foldid = d$fold, keep = TRUE, control = sparsepath.control(threads = 1))
    more <- cv.sparsepath(d$x, d$y, foldid = d$fold, keep = TRUE, control = sparsepath.control(threads = k))
    expect_identical(one$cvm, more$cvm)
    expect_identical(one$fit.preval, more$fit.preval)
    expect_identical(one$fit$beta, more$fit$beta)
  }
})

test_that("screening never changes an answer", {
  for (family in c("gaussian", "binomial", "poisson")) {
    for (a in settings(family)) {
      on <- do.call(sparsepath, c(a, family = family))
      off <- do.call(sparsepath, c(a, family = family, list(control = sparsepath.control(screen = FALSE))))
      expect_same_fit(on, off, 1e-10, label = family)
      expect_identical(on$df, off$df)
    }
  }
})

test_that("coordinate descent gets to the same place", {
  for (family in c("gaussian", "binomial", "poisson")) {
    d <- make_problem(60, 40, seed = 704, family = family)
    for (alpha in c(1, 0.5)) {
      a <- sparsepath(d$x, d$y, family = family, alpha = alpha, nlambda = 30)
      b <- sparsepath(d$x, d$y, family = family, alpha = alpha, lambda = a$lambda, control = sparsepath.control(solver = "cd"))
      expect_same_fit(a, b, 1e-5, label = paste(family, alpha))
    }
  }
})

test_that("every kernel set computes the same path", {
  info <- .Call(sparsepath:::C_info)
  best <- info$isa
  on.exit(.Call(sparsepath:::C_isa, best))
  expect_true("portable" %in% info$isas)
  # remainders of every kernel: n around the widths of the vectors
  for (n in c(2, 3, 5, 8, 15, 16, 17, 31, 64, 65, 100)) {
    d <- make_problem(n, 150, k = 3, seed = 710 + n)
    expect_true(.Call(sparsepath:::C_isa, best))
    ref <- sparsepath(d$x, d$y, nlambda = 30)
    cvref <- if (n >= 16) cv.sparsepath(d$x, d$y, foldid = d$fold, lambda = ref$lambda, keep = TRUE)
    for (isa in info$isas) {
      expect_true(.Call(sparsepath:::C_isa, isa))
      f <- sparsepath(d$x, d$y, nlambda = 30)
      expect_same_fit(ref, f, 1e-10, label = paste(isa, n))
      if (n >= 16) {
        cv <- cv.sparsepath(d$x, d$y, foldid = d$fold, lambda = ref$lambda, keep = TRUE)
        expect_equal(cv$fit.preval, cvref$fit.preval, tolerance = 1e-9)
      }
    }
  }
  expect_false(isTRUE(tryCatch(.Call(sparsepath:::C_isa, "no such set"), error = function(e) FALSE)))
  expect_true(.Call(sparsepath:::C_isa, best))
})

test_that("a lambda alone, in a part of the path, or in the whole path: one answer", {
  for (family in c("gaussian", "binomial", "poisson")) {
    d <- make_problem(60, 300, "ar", 0.8, seed = 705, family = family)
    for (alpha in c(1, 0.5, 0)) {
      f <- sparsepath(d$x, d$y, family = family, alpha = alpha, nlambda = 50)
      last <- length(f$lambda)
      for (pick in list(1, 10, last, c(3, last), seq(2, last, by = 7))) {
        g <- sparsepath(d$x, d$y, family = family, alpha = alpha, lambda = f$lambda[pick])
        part <- list(lambda = f$lambda[pick], a0 = f$a0[pick], beta = f$beta[, pick, drop = FALSE])
        expect_same_fit(part, g, 1e-10, label = paste(family, alpha, "picked", length(pick)))
      }
    }
  }
})

test_that("thresh changes what is promised, never the promise", {
  d <- make_problem(60, 300, "ar", 0.8, seed = 706)
  for (thresh in c(1e-3, 1e-5, 1e-10)) {
    f <- sparsepath(d$x, d$y, control = sparsepath.control(thresh = thresh))
    expect_lt(max(verify_fit(f, d$x, d$y)$gap), thresh)
    expect_true(all(f$status == 0))
  }
})

test_that("columns are read a few times per path, not once per lambda", {
  d <- make_problem(100, 4000, seed = 707)
  f <- sparsepath(d$x, d$y)
  expect_gt(length(f$lambda), 60)
  expect_lt(f$passes, 15)
  expect_gt(f$passes, 1)
})
