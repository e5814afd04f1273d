# survfit() of a fit equals survfit() of a coxph() with the same coefficients.

skip_if_not_installed("survival")
Surv <- survival::Surv
strata <- survival::strata
survfit <- survival::survfit

same_curves <- function(a, b, tol = 1e-10, label = "") {
  expect_s3_class(a, "survfit")
  for (f in c("n", "time", "n.risk", "n.event", "n.censor", "surv", "cumhaz", "strata")) {
    expect(isTRUE(all.equal(unclass(a)[[f]], unclass(b)[[f]], tolerance = tol, check.attributes = f != "surv")), paste(label, f))
  }
  expect_identical(names(a$strata), names(b$strata))
}

pbc <- stats::na.omit(survival::pbc[1:312, c("time", "status", "age", "edema", "bili", "albumin", "sex", "trt")])
pbc$w <- with_seed(2501, sample(1:3, nrow(pbc), TRUE))
rownames(pbc) <- NULL

frozen <- function(formula, data, b, ties) {
  suppressWarnings(eval(substitute(survival::coxph(formula, data = data, init = b, iter.max = 0, ties = ties), list(formula = formula, data = data, b = as.vector(b), ties = ties))))
}

test_that("right-censored, ties, strata, weights, offsets, entry times", {
  cases <- list(
    list(Surv(time, status == 2) ~ age + edema + bili * albumin + sex, pbc),
    list(Surv(ceiling(time / 90), status == 2) ~ age + edema + bili + sex, pbc),
    list(Surv(ceiling(time / 90), status == 2) ~ age + bili + offset(edema) + strata(trt), pbc),
    list(Surv(start, stop, event) ~ age + year + surgery, survival::heart),
    list(Surv(start, stop, event) ~ age + surgery + strata(transplant), survival::heart)
  )
  for (case in cases) for (ties in c("breslow", "efron")) {
    f <- sparsepath(case[[1]], case[[2]], cox.ties = ties, lambda = c(0.2, 0.05, 0.01), contrasts = "treatment")
    new <- case[[2]][c(1, 7, 100), ]
    for (l in 1:3) {
      g <- frozen(case[[1]], case[[2]], f$beta[, l], ties = ties)
      same_curves(survfit(f, newx = new, s = f$lambda[l]), survfit(g, newdata = new, se.fit = FALSE), label = deparse(case[[1]])[1])
    }
  }
  f <- sparsepath(Surv(ceiling(time / 90), status == 2) ~ age + bili, pbc, weights = w, cox.ties = "efron", lambda = 0.05)
  b <- f$beta[, 1]
  g <- suppressWarnings(survival::coxph(Surv(ceiling(time / 90), status == 2) ~ age + bili, pbc, weights = w, ties = "efron", init = b, iter.max = 0))
  same_curves(survfit(f, newx = pbc[1:2, ], s = 0.05), survfit(g, newdata = pbc[1:2, ], se.fit = FALSE), label = "weights")
})

test_that("without the stratum of a patient there is a curve for each stratum", {
  y <- stratify(Surv(pbc$time, pbc$status == 2), pbc$trt)
  x <- as.matrix(pbc[, c("age", "edema", "bili")])
  f <- sparsepath(x, y, lambda = c(0.1, 0.05))
  g <- frozen(Surv(time, status == 2) ~ age + edema + bili + strata(trt), pbc, f$beta[, 2], ties = "breslow")
  a <- survfit(f, newx = x[1:2, ], s = 0.05)
  new <- pbc[1:2, c("age", "edema", "bili")]
  b <- survfit(g, newdata = new, se.fit = FALSE)
  expect_equal(unname(a$surv), unname(b$surv), tolerance = 1e-10)
  expect_equal(unname(a$strata), unname(b$strata))
  a <- survfit(f, newx = x[1:2, ], s = 0.05, newstrata = c(2, 1))
  expect_equal(a$n, b$n[2:1])
  expect_equal(a$surv, c(b$surv[-seq_len(b$strata[1]), 1], b$surv[seq_len(b$strata[1]), 2]), tolerance = 1e-10, ignore_attr = TRUE)
  expect_error(survfit(f, newx = x[1:2, ], s = 0.05, newstrata = c(2, 3)), class = "sparsepath_error_levels")
  expect_error(survfit(f, newx = x[1:2, ], s = 0.05, newstrata = 1), class = "sparsepath_error_length")
  # through a formula: only the variables of the linear predictor are needed
  h <- sparsepath(Surv(time, status == 2) ~ age + edema + bili + strata(trt), pbc, lambda = c(0.1, 0.05))
  expect_equal(survfit(h, newx = new, s = 0.05)$surv, b$surv, tolerance = 1e-10, ignore_attr = TRUE)
  expect_equal(predict(h, new, s = 0.05), predict(f, x[1:2, ], s = 0.05), ignore_attr = TRUE)
})

test_that("lambdas between: interpolated without the data, exact with them", {
  x <- as.matrix(pbc[, c("age", "edema", "bili", "albumin")])
  y <- Surv(pbc$time, pbc$status == 2)
  f <- sparsepath(x, y)
  s <- sqrt(f$lambda[11] * f$lambda[12])
  g <- frozen(y ~ x, NULL, coef(f, s = s), ties = "breslow")
  x1 <- x[1:3, ]
  b <- survfit(g, newdata = list(x = x1), se.fit = FALSE)
  expect_equal(unname(survfit(f, newx = x1, s = s, x = x, y = y)$surv), unname(b$surv), tolerance = 1e-10)
  expect_equal(unname(survfit(f, newx = x1, s = s)$surv), unname(b$surv), tolerance = 1e-4)
  all <- survfit(f, newx = x1)
  expect_length(all, length(f$lambda))
  expect_equal(all[[5]]$surv, survfit(f, newx = x1, s = f$lambda[5])$surv)
})

test_that("the mean curve, print, summary, quantiles, plot", {
  x <- as.matrix(pbc[, c("age", "edema", "bili", "albumin")])
  y <- Surv(pbc$time, pbc$status == 2)
  f <- sparsepath(x, y)
  s <- f$lambda[20]
  a <- survfit(f, s = s)
  centre <- mean(predict(f, x, s = s))
  by_hand <- survfit(f, newx = x[1, ], s = s)
  expect_equal(a$cumhaz, by_hand$cumhaz * exp(centre - predict(f, x[1, ], s = s)[1]), tolerance = 1e-10)
  expect_output(print(survfit(f, newx = x[1:2, ], s = s)), "median")
  table <- summary(survfit(f, newx = x[1:2, ], s = s), times = c(500, 2000))
  expect_equal(dim(table$surv), c(2L, 2L))
  grDevices::pdf(NULL)
  on.exit(grDevices::dev.off())
  expect_no_error(plot(survfit(f, newx = x[1:2, ], s = s)))
  expect_error(survfit(sparsepath(x, pbc$age)), class = "sparsepath_error_unavailable")
})

test_that("cross-validated and relaxed fits", {
  x <- as.matrix(pbc[, c("age", "edema", "bili", "albumin")])
  y <- Surv(pbc$time, pbc$status == 2)
  fold <- with_seed(2511, sample(rep_len(1:5, nrow(x))))
  cv <- cv.sparsepath(x, y, family = "cox", foldid = fold, relax = TRUE)
  for (s in c("lambda.min", "lambda.1se")) {
    g <- frozen(y ~ x, NULL, coef(cv, s = s), ties = "breslow")
    expect_equal(unname(survfit(cv, newx = x[1:3, ], s = s)$surv), unname(survfit(g, newdata = list(x = x[1:3, ]), se.fit = FALSE)$surv), tolerance = 1e-9)
  }
  f <- sparsepath(x, y, relax = TRUE)
  s <- f$lambda[8]
  for (gamma in c(0, 1)) {
    g <- frozen(y ~ x, NULL, coef(f, s = s, gamma = gamma), ties = "breslow")
    expect_equal(unname(survfit(f, newx = x[1:3, ], s = s, gamma = gamma)$surv), unname(survfit(g, newdata = list(x = x[1:3, ]), se.fit = FALSE)$surv), tolerance = 1e-9)
  }
  expect_error(survfit(f, newx = x, s = s, gamma = 0.5), class = "sparsepath_error_missing_argument")
  g <- frozen(y ~ x, NULL, coef(f, s = s, gamma = 0.5), ties = "breslow")
  expect_equal(unname(survfit(f, newx = x[1:3, ], s = s, gamma = 0.5, x = x, y = y)$surv), unname(survfit(g, newdata = list(x = x[1:3, ]), se.fit = FALSE)$surv), tolerance = 1e-9)
  plain <- cv.sparsepath(x, y, family = "cox", foldid = fold)
  expect_equal(survfit(plain, newx = x[1:2, ])$surv, survfit(plain$fit, newx = x[1:2, ], s = plain$lambda.1se)$surv)
})

test_that("a missing stratum of new data makes its row incomplete, like a missing value of any other variable", {
  pbc <- subset(survival::pbc, !is.na(trt))
  f <- sparsepath(Surv(time, status == 2) ~ age + edema + bili + strata(trt), pbc, lambda = c(0.1, 0.05))
  new <- pbc[1:20, ]
  new$trt[3] <- NA
  eta <- predict(f, new)
  expect_equal(eta[-3, ], predict(f, pbc[1:20, ])[-3, ], tolerance = 1e-12)
  expect_true(all(is.na(eta[3, ])))
  curves <- survfit(f, newdata = new[1:4, ], s = 0.05)
  whole <- survfit(f, newdata = pbc[c(1, 2, 4), ], s = 0.05)
  of <- rep(1:4, curves$strata)
  expect_true(all(is.na(curves$surv[of == 3])))
  expect_equal(unname(curves$surv[of != 3]), unname(whole$surv), tolerance = 1e-12)
  expect_warning(a <- assess(f, new), class = "sparsepath_warning_incomplete")
  expect_equal(a, assess(f, new[-3, ]), tolerance = 1e-12)
  expect_error(survfit(f, newdata = new[1:4, ], s = 0.05, newstrata = c(1, 2, NA, 1)), class = "sparsepath_error_levels")
})
