# Schoenfeld and score residuals against coxph() at lambda = 0 and at the coefficients of penalized fits, and by their definition.

p <- make_problem(70, 6, seed = 61)
d <- with_seed(62, {
  time <- ceiling(6 * rexp(70, exp(p$x[, 1] - p$x[, 2]))) # many ties
  data.frame(time = time, start = time - runif(70, 0.5, 4), status = rbinom(70, 1, 0.6), p$x, centre = rep(c("A", "B", "C"), length.out = 70),
    w = round(p$w * 3) + 1)
})
d$start <- pmax(round(d$start), -1)

test_that("at lambda = 0 and elsewhere they are those of coxph()", {
  skip_if_not_installed("survival")
  Surv <- getExportedValue("survival", "Surv")
  strata <- getExportedValue("survival", "strata")
  coxph <- getExportedValue("survival", "coxph")
  terms <- c(Surv(time, status) ~ X1 + X2 + X3 + X4, Surv(start, time, status) ~ X1 + X2 + X3 + X4,
    Surv(start, time, status) ~ X1 + X2 + X3 + X4 + strata(centre))
  for (ties in c("breslow", "efron")) for (formula in terms) for (lambda in c(0, 0.03)) {
    f <- sparsepath(formula, d, lambda = lambda, cox.ties = ties, weights = w)
    active <- rownames(f$beta)[as.vector(f$beta != 0)]
    expect_gt(length(active), 1)
    own <- update(formula, reformulate(c(active, if (any(grepl("strata", formula))) "strata(centre)"), "."))
    g <- suppressWarnings(do.call(coxph, list(own, data = d, weights = d$w, ties = ties, init = f$beta[active, 1], iter.max = if (lambda) 0 else 20)))
    for (type in c("schoenfeld", "score")) {
      r <- residuals(f, d, type = type, newweights = d$w)
      expect_identical(colnames(r), active)
      expect_equal(unname(r), unname(residuals(g, type = type)), tolerance = if (lambda) 1e-9 else 1e-6, ignore_attr = TRUE,
        label = paste(type, ties, lambda))
    }
    if (!any(grepl("strata", formula))) {
      expect_identical(as.numeric(rownames(residuals(f, d, type = "schoenfeld", newweights = d$w))), sort(d$time[d$status == 1]))
    }
  }
})

test_that("sums of weighted residuals are the gradient that the penalty balances", {
  y <- as.matrix(d[c("time", "status")])
  f <- sparsepath(p$x, y, family = "cox", weights = d$w, standardize = FALSE, lambda = c(0.1, 0.05))
  for (l in 1:2) {
    s <- residuals(f, p$x, y, type = "score", newweights = d$w)[[l]]
    o <- order(d$time[d$status == 1], which(d$status == 1))
    sch <- residuals(f, p$x, y, type = "schoenfeld", newweights = d$w)[[l]]
    at <- which(f$beta[, l] != 0)
    expected <- sum(d$w) * f$lambda[l] * sign(f$beta[at, l])
    expect_equal(unname(colSums(d$w * s)), unname(expected), tolerance = 1e-6)
    expect_equal(unname(colSums(d$w[d$status == 1][o] * sch)), unname(expected), tolerance = 1e-6)
  }
  expect_identical(names(residuals(f, p$x, y, type = "score")), colnames(f$beta))
  # rows of weight zero: no event, and no score
  w <- replace(d$w, c(3, which(d$status == 1)[1]), 0)
  expect_identical(which(is.na(residuals(f, p$x, y, s = 0.1, type = "score", newweights = w)[, 1])), which(w == 0))
  expect_identical(nrow(residuals(f, p$x, y, s = 0.1, type = "schoenfeld", newweights = w)), sum(d$status[w > 0]))
  # sparse data, and no variable at all
  m <- Matrix::Matrix(p$x, sparse = TRUE)
  expect_equal(residuals(f, m, y, type = "score"), residuals(f, p$x, y, type = "score"), tolerance = 1e-12)
  none <- sparsepath(p$x, y, family = "cox", lambda = 10)
  expect_identical(dim(residuals(none, p$x, y, type = "schoenfeld")), c(sum(d$status), 0L))
  e <- expect_refused(residuals(f, p$x, y, type = "pearson"), "choice")
  expect_match(conditionMessage(e), "schoenfeld")
  expect_refused(residuals(sparsepath(p$x, p$y), p$x, p$y, type = "score"), "choice")
})

test_that("rows of a formula's data with missing values are NA and have no part in the risk sets", {
  d2 <- d
  d2$X2[5] <- NA
  d2$time[9] <- NA
  f <- sparsepath(Surv(time, status) ~ X1 + X2 + X3 + strata(centre), d, lambda = c(0.05, 0.02))
  for (type in c("martingale", "deviance", "score", "schoenfeld")) {
    r <- residuals(f, d2, type = type)
    mine <- residuals(f, d2[-c(5, 9), ], type = type)
    if (type == "schoenfeld") {
      expect_identical(r, mine)
    } else if (type == "score") {
      expect_identical(lapply(r, function(m) unname(m[-c(5, 9), ])), lapply(mine, unname))
      expect_true(all(is.na(r[[2]][c(5, 9), ])))
    } else {
      expect_equal(r[-c(5, 9), ], mine, ignore_attr = TRUE)
      expect_true(all(is.na(r[c(5, 9), ])))
    }
  }
  # several predictors
  i <- replace(iris, cbind(3, 2), NA)
  g <- sparsepath(Species ~ ., iris, family = "multinomial", lambda = c(0.1, 0.05))
  for (type in c("response", "deviance")) {
    r <- residuals(g, i, type = type)
    mine <- residuals(g, i[-3, ], type = type)
    expect_true(all(is.na(if (type == "deviance") r[3, ] else r[3, , ])))
    expect_equal(if (type == "deviance") r[-3, ] else r[-3, , ], mine, ignore_attr = TRUE)
  }
})
