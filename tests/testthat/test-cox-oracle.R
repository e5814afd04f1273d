# Cox against coxph(), closed forms and identities of the partial likelihood.

test_that("lambda = 0 is coxph(): lung, veteran, pbc, with ties, weights, offsets, strata, interactions", {
  skip_if_not_installed("survival")
  lung <- stats::na.omit(survival::lung[, c("time", "status", "age", "sex", "ph.ecog", "wt.loss", "inst")])
  lung$w <- with_seed(2201, runif(nrow(lung), 0.3, 2))
  pbc <- stats::na.omit(survival::pbc[1:312, c("time", "status", "age", "edema", "bili", "albumin", "sex", "stage")])
  strata <- survival::strata # as with the package attached
  Surv <- survival::Surv
  cases <- list(
    list(Surv(time, status) ~ age + sex + ph.ecog + wt.loss, lung),
    list(Surv(time, status) ~ age + factor(sex) * wt.loss + strata(ph.ecog) + offset(age / 50), lung),
    list(Surv(time, status) ~ trt + karno + diagtime + age + prior + celltype, survival::veteran),
    list(Surv(time, status) ~ karno + age + strata(celltype, trt), survival::veteran),
    list(Surv(ceiling(time / 60), status == 2) ~ age + edema + log(bili) + albumin + sex + strata(stage), pbc),
    list(Surv(tstart, tstop, status) ~ treat + age + height + steroids + sex, survival::cgd),
    list(Surv(start, stop, event) ~ age + year + surgery + transplant, survival::heart),
    list(Surv(start, stop, event) ~ age + surgery + strata(transplant), survival::heart)
  )
  for (case in cases) for (ties in c("breslow", "efron")) {
    f <- sparsepath(case[[1]], case[[2]], cox.ties = ties, lambda = c(0.1, 0.01, 0), contrasts = "treatment")
    g <- coxph_tight(case[[1]], case[[2]], ties = ties)
    label <- paste(deparse(case[[1]])[1], ties)
    b <- coef(f, s = 0)
    expect_identical(rownames(b), names(coef(g)))
    expect_lt(max(abs(b[, 1] - coef(g)) / (abs(coef(g)) + sqrt(diag(vcov(g))))), 1e-6, label = label)
    expect_equal(as.vector(logLik(f))[3], g$loglik[2], tolerance = 1e-10, info = label)
    expect_equal(f$nulldev - deviance(f)[[3]], 2 * diff(g$loglik), tolerance = 1e-7, info = label)
    expect_identical(attr(logLik(f), "nobs"), as.integer(g$nevent))
    expect_equal(AIC(f)[[3]], AIC(g), tolerance = 1e-8)
    expect_equal(BIC(f)[[3]], BIC(g), tolerance = 1e-8)
  }
  f <- sparsepath(Surv(time, status) ~ age + sex + wt.loss, lung, weights = w, lambda = 0, cox.ties = "efron")
  g <- survival::coxph(Surv(time, status) ~ age + sex + wt.loss, lung, weights = w, ties = "efron",
    control = survival::coxph.control(eps = 1e-14, toler.chol = 1e-15))
  expect_equal(f$beta[, 1], coef(g), tolerance = 1e-7)
})

test_that("lambda_max is its closed form, and the model there is null", {
  d <- make_cox(50, 80, seed = 2211)
  pf <- with_seed(2212, runif(80, 0.2, 2))
  for (s in list(list(), list(alpha = 0.5), list(weights = d$w), list(offset = d$o), list(standardize = FALSE), list(penalty.factor = pf, weights = d$w))) {
    for (ties in c("breslow", "efron")) {
      top <- do.call(cox_lambda_max, c(list(d$x, d$yc, d$strata, ties == "efron"), s))
      f <- do.call(sparsepath, c(list(d$x, stratify(d$yc, d$strata), family = "cox", cox.ties = ties, nlambda = 5), s))
      expect_equal(f$lambda[1], top, tolerance = 1e-10)
      g <- do.call(sparsepath, c(list(d$x, stratify(d$yc, d$strata), family = "cox", cox.ties = ties, lambda = top * c(1 + 1e-9, 1 - 1e-4)), s))
      expect_identical(as.integer(g$df), c(0L, 1L))
    }
  }
})

test_that("one binary variable and two deaths have a closed form", {
  # deaths at 1 (x = 1, two of each group at risk) and at 2 (x = 0, one of x = 1 and two of x = 0): score of b by hand
  x <- cbind(c(1, 0, 1, 0), 0)
  y <- cbind(time = c(1, 2, 3, 3), status = c(1, 1, 0, 0))
  s <- sqrt(mean((x[, 1] - 0.5)^2))
  score <- function(b) (1 - exp(b) * 2 / (2 * exp(b) + 2) - exp(b) / (exp(b) + 2)) / 4
  lambda <- 0.01 # the other column has no variation: the factors count it all the same
  b <- uniroot(function(b) score(b) / s - lambda * sign(b), c(1e-8, 5), tol = 1e-14)$root
  f <- sparsepath(x, y, family = "cox", lambda = lambda * s / s)
  expect_equal(f$beta[1, 1], b, tolerance = 1e-8)
})

test_that("unpenalized columns are coxph() once everything else is zero", {
  skip_if_not_installed("survival")
  d <- make_cox(80, 40, seed = 2221)
  f <- sparsepath(d$x, d$y, family = "cox", penalty.factor = rep(c(0, 1), c(3, 37)), lambda = c(50, 10))
  g <- coxph_tight(survival::Surv(d$time, d$status) ~ d$x[, 1:3], data = NULL, ties = "breslow")
  for (l in 1:2) expect_equal(unname(f$beta[1:3, l]), unname(coef(g)), tolerance = 1e-7)
  expect_identical(as.integer(f$df), c(3L, 3L))
})

test_that("the gap sees unpenalized coefficients that are not at their optimum", {
  skip_if_not_installed("survival")
  d <- make_problem(60, 20, seed = 1431)
  y <- with_seed(1432, survival::Surv(ceiling(5 * rexp(60, exp(d$x[, 1]))), rbinom(60, 1, 0.7)))
  v <- rep(0:1, c(2, 18))
  for (ties in c("breslow", "efron")) {
    fit <- sparsepath(d$x, y, family = "cox", penalty.factor = v, cox.ties = ties, nlambda = 5)
    best <- kkt(fit, d$x, y)
    for (off in c(1e-3, 0.1, 1)) {
      b <- as.matrix(fit$beta)
      b[1, ] <- b[1, ] + off
      moved <- kkt(b, d$x, y, lambda = fit$lambda, family = "cox", penalty.factor = v, cox.ties = ties)
      expect_equal(moved$gap, moved$objective - best$objective, tolerance = 1e-6) # the other coefficients are optimal
    }
  }
})
