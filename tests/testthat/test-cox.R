# Cox fits from the outside: responses, formulas, errors, methods.

d <- make_cox(60, 30, seed = 2601)
colnames(d$x) <- paste0("g", 1:30)

test_that("every form of the response gives the same fit", {
  skip_if_not_installed("survival")
  f <- sparsepath(d$x, d$y, family = "cox")
  y <- survival::Surv(d$time, d$status)
  expect_identical(sparsepath(d$x, y)$beta, f$beta) # the family of a survival response
  expect_identical(sparsepath(d$x, y)$family, "cox")
  expect_identical(sparsepath(d$x, as.data.frame(d$y), family = "cox")$beta, f$beta)
  expect_identical(sparsepath(d$x, d$y[, 2:1], family = "cox")$beta, f$beta)
  expect_identical(sparsepath(d$x, survival::Surv(d$time, d$status == 1))$beta, f$beta)
  expect_identical(sparsepath(d$x, survival::Surv(d$time, d$status + 1))$beta, f$beta)
  g <- sparsepath(d$x, d$yc, family = "cox")
  expect_identical(sparsepath(d$x, survival::Surv(d$start, d$time, d$status))$beta, g$beta)
  h <- sparsepath(d$x, stratify(d$y, d$strata), family = "cox")
  expect_identical(sparsepath(d$x, stratify(y, factor(d$strata, c("c", "b", "a"))))$lambda, h$lambda)
  expect_null(f$a0)
  expect_identical(rownames(coef(f)), colnames(d$x))
  expect_warning(cv.sparsepath(d$x, y, nfolds = 10, grouped = FALSE), class = "sparsepath_warning_small_folds")
})

test_that("wrong responses are refused, by position", {
  refused <- function(y, class, ...) expect_error(sparsepath(d$x, y, family = "cox", ...), class = paste0("sparsepath_error_", class))
  refused(d$time, "type")
  refused(unname(d$y), "type")
  refused(d$y[-1, ], "length")
  refused(replace(d$y, 3, NA), "nonfinite")
  refused(cbind(time = d$time, status = 0), "no_event")
  refused(d$y, "no_event", weights = 1 - d$status)
  refused(cbind(time = d$time, status = 2 * d$status), "range")
  refused(cbind(start = d$time, stop = d$time, status = d$status), "range")
  expect_error(stratify(d$y, d$strata[-1]), class = "sparsepath_error_length")
  expect_error(stratify(d$y, replace(d$strata, 5, NA)), class = "sparsepath_error_nonfinite")
  expect_error(stratify(d$y), class = "sparsepath_error_missing_argument")
  expect_error(sparsepath(d$x, stratify(d$y, d$strata), family = "gaussian"), class = "sparsepath_error_type")
  one <- cbind(time = 60:1, status = rep(c(0, 1), c(59, 1)))
  refused_folds <- tryCatch(cv.sparsepath(d$x, one, family = "cox", nfolds = 3), error = identity)
  expect_s3_class(refused_folds, "sparsepath_error")
  f <- sparsepath(d$x, one, family = "cox", lambda = c(0.01, 0.001)) # a single event
  expect_lt(max(cox_verify(f, d$x, one)$kkt), 1e-6)
  skip_if_not_installed("survival")
  refused(survival::Surv(d$time, d$status, type = "left"), "unavailable")
})

test_that("formulas: strata, offsets, factors, interactions, new data", {
  skip_if_not_installed("survival")
  data <- data.frame(time = d$time, status = d$status, a = d$x[, 1], b = d$x[, 2], size = factor(c("s", "m", "l"))[1 + seq_len(60) %% 3], centre = d$strata, o = d$o)
  lambda <- c(0.1, 0.02)
  x <- cbind(a = data$a, b = data$b, sizel = data$size == "l", sizem = data$size == "m", sizes = data$size == "s", `a:b` = data$a * data$b)
  f <- sparsepath(Surv(time, status) ~ a * b + size + strata(centre) + offset(o), data, lambda = lambda) # nothing attached
  g <- sparsepath(x, stratify(d$y, d$strata), family = "cox", offset = d$o, lambda = lambda)
  expect_setequal(rownames(f$beta), rownames(g$beta))
  expect_equal(as.matrix(f$beta)[rownames(g$beta), ], as.matrix(g$beta), tolerance = 1e-8)
  new <- data[4:9, ]
  expect_equal(predict(f, new), predict(g, x[4:9, ], newoffset = d$o[4:9]), tolerance = 1e-8, ignore_attr = TRUE)
  expect_equal(predict(f, new[setdiff(names(new), c("centre", "time", "status"))]), predict(f, new))
  expect_error(predict(f, new[c("a", "size", "o")]), class = "sparsepath_error_names")
  expect_identical(predict(f, new, type = "response"), exp(predict(f, new)))
  expect_identical(sparsepath(Surv(time, status) ~ ., data[c("time", "status", "a", "b")], lambda = 0.1)$varnames, c("a", "b"))
  sparse <- sparsepath(Surv(time, status) ~ a * b + size + strata(centre) + offset(o), data, lambda = lambda, sparse = TRUE)
  expect_equal(as.matrix(sparse$beta), as.matrix(f$beta), tolerance = 1e-8)
  two <- sparsepath(Surv(time, status) ~ a + strata(centre) + strata(size), data, lambda = lambda)
  both <- sparsepath(Surv(time, status) ~ a + strata(centre, size), data, lambda = lambda)
  expect_equal(two$beta, both$beta)
  expect_length(two$baseline$strata, length(unique(paste(data$centre, data$size))))
  expect_error(sparsepath(Surv(time, status) ~ a * strata(centre), data), class = "sparsepath_error_unavailable")
  cv <- cv.sparsepath(Surv(time, status) ~ a * b + size + strata(centre), data, foldid = d$fold)
  expect_identical(cv$fit$family, "cox")
  expect_equal(residuals(f, newx = data), residuals(g, newx = x, newy = stratify(d$y, d$strata), newoffset = d$o), tolerance = 1e-7, ignore_attr = TRUE)
})

test_that("residuals are those of coxph", {
  skip_if_not_installed("survival")
  Surv <- survival::Surv
  strata <- survival::strata
  data <- data.frame(time = d$time, start = d$start, status = d$status, d$x[, 1:3], centre = d$strata, w = round(d$w * 4) + 1)
  for (ties in c("breslow", "efron")) {
    for (formula in list(Surv(time, status) ~ g1 + g2 + g3, Surv(start, time, status) ~ g1 + g2 + g3 + strata(centre))) {
      f <- sparsepath(formula, data, lambda = 0.05, cox.ties = ties, weights = w)
      g <- suppressWarnings(do.call(survival::coxph, list(formula, data = data, weights = data$w, ties = ties, init = as.vector(f$beta), iter.max = 0)))
      for (type in c("martingale", "deviance")) {
        expect_equal(drop(residuals(f, newx = data, type = type, newweights = data$w)), residuals(g, type = type), tolerance = 1e-9, ignore_attr = TRUE)
      }
      expect_equal(residuals(f, newx = data, newweights = data$w), residuals(f, newx = data, type = "martingale", newweights = data$w))
    }
  }
  # a row of weight zero is judged by the others
  f <- sparsepath(d$x, d$y, family = "cox", lambda = 0.05)
  w <- replace(rep(1, 60), c(4, 20), 0)
  m <- residuals(f, d$x, d$y, newweights = w)
  tm <- cox_terms(d$y[-c(4, 20), ])
  eta <- drop(predict(f, d$x))
  jump <- tm$mass / drop(tm$A %*% exp(eta[-c(4, 20)]))
  when <- vapply(tm$owner, function(k) d$time[-c(4, 20)][k[1]], 0)
  expect_equal(m[4], d$status[4] - sum(jump[when <= d$time[4]]) * exp(eta[4]), tolerance = 1e-10)
  expect_error(residuals(f, d$x, d$y, type = "pearson"), class = "sparsepath_error_choice")
  expect_error(residuals(sparsepath(d$x, d$o), d$x, d$o, type = "martingale"), class = "sparsepath_error_choice")
})

test_that("concordance is survival's, and the sum over all pairs", {
  skip_if_not_installed("survival")
  pairs_by_hand <- function(eta, y, strata, w) {
    n <- nrow(y)
    time <- y[, ncol(y) - 1]
    status <- y[, ncol(y)]
    entry <- if (ncol(y) == 3) y[, 1] else rep(-Inf, n)
    up <- all <- 0
    for (i in seq_len(n)) for (j in seq_len(n)) {
      if (!(status[i] == 1 && strata[i] == strata[j] && entry[j] < time[i] && (time[j] > time[i] || (time[j] == time[i] && status[j] == 0)))) next
      all <- all + w[i] * w[j]
      up <- up + w[i] * w[j] * ((eta[i] > eta[j]) + (eta[i] == eta[j]) / 2)
    }
    up / all
  }
  eta <- cbind(round(d$x[, 1], 1), d$x[, 2], 0)
  for (y in list(d$y, d$yc)) for (w in list(rep(1, 60), d$w)) for (s in list(rep("a", 60), d$strata)) {
    ours <- concordance_index(eta, stratify(y, s), w)
    for (l in 1:3) expect_equal(ours[l], pairs_by_hand(eta[, l], y, s, w), tolerance = 1e-12)
  }
  surv <- survival::Surv(d$time, d$status)
  strata <- survival::strata
  for (l in 1:2) {
    expect_equal(concordance_index(eta[, l], stratify(surv, d$strata), d$w),
      survival::concordance(surv ~ eta[, l] + strata(d$strata), weights = d$w, reverse = TRUE)$concordance[[1]], tolerance = 1e-10)
    expect_equal(concordance_index(eta[, l], surv), survival::concordance(surv ~ eta[, l], reverse = TRUE)$concordance[[1]], tolerance = 1e-12)
    late <- survival::Surv(d$start, d$time, d$status)
    expect_equal(concordance_index(eta[, l], late), survival::concordance(late ~ eta[, l], reverse = TRUE)$concordance[[1]], tolerance = 1e-12)
  }
  expect_identical(concordance_index(eta[, 3], surv), 0.5)
  expect_true(is.na(concordance_index(1:3, cbind(time = 1:3, status = 0))))
})

test_that("assess: deviance per unit of weight and C, of a fit or of predictors", {
  f <- sparsepath(d$x[1:40, ], stratify(d$y[1:40, ], d$strata[1:40]), family = "cox", cox.ties = "efron")
  test <- 41:60
  s <- f$lambda[c(5, 20)]
  a <- assess(f, d$x[test, ], stratify(d$y[test, ], d$strata[test]), weights = d$w[test], s = s)
  eta <- predict(f, d$x[test, ], s = s)
  tm <- cox_terms(d$y[test, ], d$strata[test], d$w[test], TRUE)
  expect_equal(as.vector(a$deviance), c(2 * cox_F(tm, eta[, 1]), 2 * cox_F(tm, eta[, 2])), tolerance = 1e-9)
  expect_equal(as.vector(a$C), unname(concordance_index(eta, stratify(d$y[test, ], d$strata[test]), d$w[test])))
  b <- assess(eta, newy = d$y[test, ], family = "cox")
  expect_equal(as.vector(b$deviance)[1], 2 * cox_F(cox_terms(d$y[test, ]), eta[, 1]), tolerance = 1e-9)
})

test_that("likelihood, criteria and nobs", {
  f <- sparsepath(d$x, d$yc, family = "cox", cox.ties = "efron", weights = d$w)
  tm <- cox_terms(d$yc, NULL, d$w, TRUE)
  pl <- function(eta) sum(tm$y * eta) - sum(tm$mass * log(drop(tm$A %*% (tm$w * exp(eta)))))
  eta <- predict(f, d$x)
  for (l in c(1, 10, 30)) expect_equal(as.vector(logLik(f))[l], pl(eta[, l]), tolerance = 1e-9)
  expect_identical(attr(logLik(f), "nobs"), sum(d$status))
  expect_identical(attr(logLik(f), "df"), as.vector(as.double(f$df)))
  expect_equal(BIC(f)[[10]], -2 * pl(eta[, 10]) + log(sum(d$status)) * f$df[10], tolerance = 1e-9)
  expect_lt(select_lambda(f, "BIC")$df, sum(d$status))
  expect_identical(nobs(f), 60L)
})

test_that("relaxed fits are coxph() on the selected variables", {
  skip_if_not_installed("survival")
  f <- sparsepath(d$x, d$y, family = "cox", cox.ties = "efron", lambda = c(0.2, 0.12, 0.08), relax = TRUE)
  expect_null(f$relaxed$a0)
  for (l in 1:3) {
    set <- which(f$beta[, l] != 0)
    if (!length(set)) next
    y <- survival::Surv(d$time, d$status)
    g <- coxph_tight(y ~ d$x[, set, drop = FALSE], NULL)
    expect_equal(unname(coef(f, s = f$lambda[l], gamma = 0)[set, 1]), unname(coef(g)), tolerance = 1e-7)
    half <- coef(f, s = f$lambda[l], gamma = 0.5)
    expect_equal(as.vector(half)[set], unname((coef(g) + f$beta[set, l]) / 2), tolerance = 1e-7)
  }
  expect_output(print(f), "relaxed")
  expect_identical(rownames(coef(f, gamma = 0.5)), colnames(d$x))
})

test_that("print, summary, plot, update and kkt of a Cox fit", {
  skip_if_not_installed("survival")
  data <- data.frame(time = d$time, status = d$status, d$x)
  f <- sparsepath(Surv(time, status) ~ ., data, nlambda = 20)
  expect_output(print(f), "certified")
  expect_output(print(summary(f)), "Cox regression")
  grDevices::pdf(NULL)
  on.exit(grDevices::dev.off())
  expect_no_error(plot(f))
  expect_identical(update(f, cox.ties = "efron")$settings$cox.ties, "efron")
  expect_lt(max(kkt(f, data, d$y)$kkt), 1e-8)
})
