# Cox paths, proven by the verifier of helper-cox.R: gap and optimality at every lambda.

test_that("the verifier itself: coxph's likelihood and score", {
  skip_if_not_installed("survival")
  d <- make_cox(60, 4, seed = 2101)
  strata <- survival::strata
  for (ties in c("breslow", "efron")) for (kind in c("y", "yc")) {
    s <- if (kind == "y") survival::Surv(d$time, d$status) else survival::Surv(d$start, d$time, d$status)
    b <- c(0.3, -0.2, 0.1, 0.5)
    f <- suppressWarnings(survival::coxph(s ~ d$x + strata(d$strata), weights = d$w, ties = ties, init = b, iter.max = 0))
    tm <- cox_terms(d[[kind]], d$strata, d$w, ties == "efron")
    zero <- 0 * d$w
    eta <- drop(d$x %*% b)
    null <- suppressWarnings(survival::coxph(s ~ d$x + strata(d$strata), weights = d$w, ties = ties, init = 0 * b, iter.max = 0))
    expect_equal(-(cox_F(tm, eta) - cox_F(tm, zero)) * tm$total, f$loglik[2] - null$loglik[2], tolerance = 1e-10)
    expect_equal(cox_g(tm, eta) * tm$total, unname(residuals(f) * d$w), tolerance = 1e-10)
  }
})

for (ties in c("breslow", "efron")) {
  test_that(paste("every solution is optimal:", ties), {
    d <- make_cox(40, 120, "ar", 0.5, seed = 2111)
    pf <- with_seed(2112, replace(runif(120, 0.2, 2), c(3, 4), 0))
    for (s in list(
      list(), list(alpha = 0.5), list(alpha = 0.05), list(alpha = 0), list(weights = d$w), list(offset = d$o), list(standardize = FALSE),
      list(penalty.factor = pf), list(penalty.factor = pf, exclude = c(1, 9), alpha = 0.7), list(lower.limits = 0), list(lower.limits = -0.1, upper.limits = 0.2),
      list(weights = replace(d$w, 1:9, 0), offset = d$o, alpha = 0.9)
    )) {
      label <- paste(ties, paste(names(s), collapse = " "), s$alpha)
      for (strata in list(NULL, d$strata)) {
        do.call(expect_exact_cox, c(list(d$x, d$y, strata, ties), s, nlambda = 40, label = paste(label, if (length(strata)) "strata")))
      }
      do.call(expect_exact_cox, c(list(d$x, d$yc, NULL, ties), s, nlambda = 40, label = paste(label, "entry")))
    }
    expect_exact_cox(d$x, d$yc, d$strata, ties, label = paste(ties, "entry and strata"))
  })

  test_that(paste("without ties, and with nothing but ties:", ties), {
    d <- make_cox(60, 150, seed = 2121, ties = FALSE)
    expect_exact_cox(d$x, d$y, NULL, ties, label = "no ties")
    expect_exact_cox(d$x, d$yc, NULL, ties, label = "no ties, entry")
    y <- d$y
    y[, "time"] <- 1
    expect_exact_cox(d$x, y, NULL, ties, label = "one time")
    y[, "status"] <- 1 # then every coefficient but 0 lowers the likelihood
    f <- sparsepath(d$x[, 1:5], y, family = "cox", cox.ties = ties, lambda = c(0.1, 0.01))
    expect_true(all(f$beta == 0))
    expect_equal(f$nulldev, 0)
  })
}

test_that("limits, strata and p > n: a path on which columns leave their limits again and again", {
  d <- make_cox(50, 200, "ar", 0.5, seed = 2111)
  for (ties in c("breslow", "efron")) {
    expect_exact_cox(d$x, d$y, d$strata, ties, lower.limits = -0.1, upper.limits = 0.2, label = paste("limits", ties))
  }
})

test_that("tall data, and columns of very different size", {
  d <- make_cox(400, 12, "equi", 0.5, seed = 2131)
  x <- sweep(d$x, 2, 10^seq(-3, 3, length.out = 12), "*") + 100
  expect_exact_cox(x, d$y, ties = "efron", label = "tall")
  expect_exact_cox(x, d$yc, ties = "efron", label = "tall, entry")
})

test_that("kkt() and the certificate of the fit agree with the verifier", {
  d <- make_cox(50, 80, seed = 2141)
  for (ties in c("breslow", "efron")) {
    f <- sparsepath(d$x, stratify(d$yc, d$strata), family = "cox", cox.ties = ties, weights = d$w, lambda = c(0.1, 0.05, 0.02))
    f$beta@x <- f$beta@x * 1.05 # no longer optimal
    k <- kkt(f, d$x, stratify(d$yc, d$strata), weights = d$w)
    v <- cox_verify(f, d$x, d$yc, d$strata, ties == "efron", d$w)
    expect_equal(k$kkt, v$kkt, tolerance = 1e-6)
    expect_equal(k$rel.gap, v$gap, tolerance = 1e-6)
    expect_equal(k$objective, v$objective, tolerance = 1e-8)
  }
})

test_that("expression data of real patients", {

  e <- new.env()
  utils::data("vantveer", package = "sparsepath", envir = e)
  d <- e$vantveer
  y <- cbind(time = d$time, status = d$status)
  for (ties in c("breslow", "efron")) {
    f <- sparsepath(d$x, y, family = "cox", cox.ties = ties)
    v <- cox_verify(f, d$x, y, efron = ties == "efron")
    expect_lte(max(v$gap), 1e-7)
    expect_lte(max(v$kkt), 1e-6)
    expect_true(all(f$status == 0))
  }
})

test_that("patients who die although nothing speaks for it: huge residuals in the metric of the curvature", {
  e <- new.env()
  utils::data("vandevijver", package = "sparsepath", envir = e)
  d <- e$vandevijver
  x <- as.matrix(d[, -(1:7)])
  y <- cbind(time = d$time, status = d$status)
  f <- sparsepath(x, y, family = "cox", control = sparsepath.control(fdev = 0))
  for (seed in 1:4) {
    w <- with_seed(seed, sample(rep_len(c(0, rep(1, 9)), 144)))
    g <- expect_exact_cox(x, y, weights = w, lambda = f$lambda[c(1, 30, 60, 70, 80:length(f$lambda))], label = paste("fold", seed))
  }
  cv <- cv.sparsepath(x, y, family = "cox", foldid = with_seed(2, replicate(5, sample(rep_len(1:10, 144)))))
  expect_true(all(cv$fold.status == 0))
})
