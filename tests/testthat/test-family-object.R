# Family objects: stationarity by the verifier, glm(), glmnet, identities, and user functions that misbehave.

nb2 <- function() MASS::negative.binomial(2)

object_families <- function() {
  list(
    `Gamma(log)` = Gamma("log"), `Gamma(inverse)` = Gamma(), `inverse.gaussian(log)` = inverse.gaussian("log"),
    `gaussian(log)` = gaussian("log"), `poisson(sqrt)` = poisson("sqrt"), `quasipoisson(log)` = quasipoisson(),
    `quasi(log, mu^2)` = quasi(link = "log", variance = "mu^2"), `binomial(probit)` = binomial("probit"),
    `binomial(cloglog)` = binomial("cloglog"), `binomial(cauchit)` = binomial("cauchit"), `quasibinomial(logit)` = quasibinomial(),
    `negative.binomial(2)` = if (requireNamespace("MASS", quietly = TRUE)) nb2()
  )
}

# means well inside every family's domain
make_response <- function(x, name, seed) {
  with_seed(seed, {
    n <- nrow(x)
    mu <- exp(pmin(pmax(0.25 * x[, 1] - 0.25 * x[, 2], -1), 1))
    if (grepl("binom", name) && !grepl("negative", name)) return(as.double(runif(n) < plogis(2 * (mu - 1))))
    if (grepl("poisson", name)) return(rpois(n, 4 * mu) + 2)
    if (grepl("negative", name)) return(rnbinom(n, 2, mu = 2 * mu))
    mu * rgamma(n, 8, 8)
  })
}

expect_stationary <- function(x, y, family, name, ..., tol = 1e-6) {
  f <- sparsepath(x, y, family = family, ...)
  a <- list(...)
  pick <- function(n, default) if (is.null(a[[n]])) default else a[[n]]
  v <- verify_stationary(
    x, y, name, f$lambda, f$a0, f$beta, pick("alpha", 1), a$weights, a$offset, a$penalty.factor, a$exclude,
    pick("lower.limits", -Inf), pick("upper.limits", Inf), pick("standardize", TRUE), pick("intercept", TRUE)
  )
  worst <- which.max(v)
  expect(all(v <= tol), sprintf("%s %s: KKT / lambda %.1e at lambda %d of %d", name, paste(names(a), collapse = " "), v[worst], worst, length(v)))
  expect(all(f$status == 0) && all(is.na(f$gap)), sprintf("%s: status", name))
  expect(all(v <= 10 * f$kkt + 1e-9), sprintf("%s: the reported residual is better than the true one", name))
  invisible(f)
}

test_that("every solution of every family is stationary, whatever the options", {
  d <- make_problem(70, 40, "ar", 0.3, seed = 2300)
  pf <- replace(with_seed(2301, runif(40, 0.2, 2)), c(3, 5), c(0, Inf))
  families <- Filter(Negate(is.null), object_families())
  for (name in names(families)) {
    y <- make_response(d$x, name, 2302)
    o <- d$o / max(abs(d$o)) / 20
    ratio <- if (name %in% c("poisson(sqrt)", "Gamma(inverse)")) 0.1 else 0.05
    for (a in list(
      list(), list(alpha = 0.5, weights = d$w), list(alpha = 0, offset = o), list(penalty.factor = pf, alpha = 0.9),
      list(lower.limits = -0.05, upper.limits = 0.02), list(standardize = FALSE, weights = replace(d$w, 5:9, 0)), list(exclude = 1:2)
    )) {
      do.call(expect_stationary, c(list(d$x, y, families[[name]], name, nlambda = 20, lambda.min.ratio = ratio), a))
    }
    if (!name %in% c("Gamma(inverse)", "poisson(sqrt)")) {
      expect_stationary(d$x, y, families[[name]], name, nlambda = 10, lambda.min.ratio = 0.1, intercept = FALSE, offset = o)
    }
  }
})

test_that("more links, more rows than columns, sparse columns", {
  d <- make_problem(150, 10, seed = 2310)
  x <- d$x / 10
  y <- make_response(d$x, "Gamma", 2311)
  expect_stationary(x, y, Gamma("identity"), "Gamma(identity)", nlambda = 20)
  expect_stationary(x, y, inverse.gaussian(), "inverse.gaussian(1/mu^2)", nlambda = 20)
  expect_stationary(x, y + 1, gaussian("inverse"), "gaussian(inverse)", nlambda = 20)
  expect_stationary(x, make_response(d$x, "poisson", 2312), poisson("identity"), "poisson(identity)", nlambda = 20)
  s <- make_sparse(80, 120, 0.1, seed = 2313)
  z <- make_response(as.matrix(s), "Gamma", 2314)
  f <- expect_stationary(s, z, Gamma("log"), "Gamma(log)", nlambda = 20, lambda.min.ratio = 0.1)
  g <- sparsepath(as.matrix(s), z, family = Gamma("log"), nlambda = 20, lambda.min.ratio = 0.1)
  expect_same_fit(f, g, 1e-8, label = "sparse and dense")
})

test_that("lambda = 0 is glm(), with its residuals, deviance and likelihood", {
  d <- make_problem(150, 6, "equi", 0.3, seed = 2320)
  families <- Filter(Negate(is.null), object_families())
  w <- round(3 * d$w) + 1 # whole: binomial()$aic() rounds weights
  for (name in names(families)) {
    y <- make_response(d$x, name, 2321)
    f <- sparsepath(d$x, y, family = families[[name]], weights = w, lambda = c(0.05, 0))
    g <- suppressWarnings(glm(y ~ d$x,
      family = families[[name]], weights = w, control = list(epsilon = 1e-15, maxit = 500),
      etastart = if (name == "inverse.gaussian(log)") rep(log(mean(y)), 150)
    ))
    expect_equal(unname(c(f$a0[2], f$beta[, 2])), unname(coef(g)), tolerance = 1e-6, label = name)
    expect_equal(unname(deviance(f)[2]), g$deviance, tolerance = 1e-9)
    expect_equal(f$nulldev, g$null.deviance, tolerance = 1e-9)
    for (type in c("response", "deviance", "pearson", "working")) {
      expect_equal(unname(residuals(f, d$x, y, s = 0, type = type, newweights = w)[, 1]), unname(residuals(g, type)), tolerance = 1e-5, label = paste(name, type))
    }
    expect_equal(unname(fitted(f, d$x, s = 0)[, 1]), unname(fitted(g)), tolerance = 1e-6)
    expect_identical(predict(f, d$x, s = 0, type = "response"), fitted(f, d$x, s = 0))
    if (grepl("quasi", name)) {
      expect_refused(logLik(f), "unavailable")
      expect_refused(AIC(f), "unavailable")
    } else {
      expect_equal(as.vector(logLik(f))[2], as.vector(logLik(g)), tolerance = 1e-8, label = paste(name, "likelihood"))
      expect_equal(attr(logLik(f), "df")[2], attr(logLik(g), "df"))
      expect_equal(unname(AIC(f)[2]), AIC(g), tolerance = 1e-8)
      expect_equal(unname(BIC(f)[2]), BIC(g), tolerance = 1e-8)
    }
  }
})

test_that("a family under another name is the named family", {
  d <- make_problem(60, 40, seed = 2330)
  other <- function(family) {
    family$family <- paste(family$family, "under another name")
    family
  }
  for (family in c("gaussian", "binomial", "poisson")) {
    y <- make_problem(60, 40, seed = 2330, family = family)$y
    object <- other(switch(family, gaussian = gaussian(), binomial = binomial(), poisson = poisson()))
    f <- sparsepath(d$x, y, family = family, weights = d$w, lambda.min.ratio = 0.05, nlambda = 30)
    g <- sparsepath(d$x, y, family = object, weights = d$w, lambda = f$lambda)
    expect_same_fit(f, g, 1e-6, label = family)
    expect_equal(g$dev.ratio, f$dev.ratio, tolerance = 1e-8)
    expect_equal(g$nulldev, f$nulldev, tolerance = 1e-10)
    expect_s3_class(g, "sparsepath_glm")
    if (family == "gaussian") next # its ridge part is divided by the standard deviation of y
    f <- sparsepath(d$x, y, family = family, alpha = 0.3, lambda.min.ratio = 0.05, nlambda = 20)
    expect_same_fit(f, sparsepath(d$x, y, family = object, alpha = 0.3, lambda = f$lambda), 1e-6, label = paste(family, "elastic net"))
  }
})

test_that("weights are replication, rows of weight zero are not seen, units of y move the intercept", {
  d <- make_problem(40, 12, seed = 2340)
  y <- make_response(d$x, "Gamma", 2341)
  w <- rep_len(c(1, 2, 3, 0), 40)
  f <- sparsepath(d$x, y, family = Gamma("log"), weights = w, nlambda = 15)
  i <- rep(1:40, w)
  expect_same_fit(f, sparsepath(d$x[i, ], y[i], family = Gamma("log"), nlambda = 15), 1e-8, label = "replication")
  expect_same_fit(f, sparsepath(d$x, replace(y, w == 0, -5), family = Gamma("log"), weights = w, nlambda = 15), 0, label = "weight zero")
  for (unit in c(1e-6, 1e6)) {
    g <- sparsepath(d$x, unit * y, family = Gamma("log"), weights = w, nlambda = 15)
    expect_same_fit(f, g, 1e-7, a0 = function(a) a - log(unit), label = paste("unit", unit))
  }
  f <- sparsepath(d$x / 10, y, family = Gamma("identity"), nlambda = 15)
  for (unit in c(1e-6, 1e6)) {
    g <- sparsepath(d$x / 10, unit * y, family = Gamma("identity"), lambda = f$lambda / unit)
    expect_same_fit(f, g, 1e-6, map = function(b) b / unit, a0 = function(a) a / unit, lambda = function(l) l * unit, label = paste("unit", unit))
    expect_true(all(g$status == 0))
  }
})

test_that("screening, threads, alternative solver and storage do not change an answer", {
  d <- make_problem(60, 150, "ar", 0.5, seed = 2350)
  y <- make_response(d$x, "Gamma", 2351)
  fit <- function(...) sparsepath(d$x, y, family = Gamma("log"), nlambda = 25, lambda.min.ratio = 0.05, control = sparsepath.control(...))
  f <- fit()
  expect_identical(fit(threads = 2)[c("a0", "beta", "kkt")], f[c("a0", "beta", "kkt")])
  expect_same_fit(f, fit(screen = FALSE), 1e-8, label = "screening")
  expect_same_fit(f, fit(solver = "cd"), 1e-7, label = "coordinate descent")
})

test_that("cross-validation is a loop of single fits, for any number of threads", {
  d <- make_problem(80, 25, seed = 2360)
  for (name in c("Gamma(log)", "binomial(probit)", "quasipoisson(log)")) {
    family <- object_families()[[name]]
    y <- make_response(d$x, name, 2361)
    o <- d$o / max(abs(d$o)) / 20
    set <- list(d$x, y, family = family, weights = d$w, offset = o, nlambda = 20, lambda.min.ratio = 0.05, foldid = d$fold, keep = TRUE)
    cv <- do.call(cv.sparsepath, set)
    expect_identical(names(cv$name), "deviance")
    eta <- matrix(NA, 80, length(cv$lambda))
    for (k in 1:5) {
      held <- d$fold == k
      f <- sparsepath(d$x[!held, ], y[!held], family = family, weights = d$w[!held], offset = o[!held], lambda = cv$lambda)
      eta[held, ] <- predict(f, d$x[held, ], newoffset = o[held])
    }
    expect_lte(max(abs(eta - cv$fit.preval)), 1e-10)
    mu <- matrix(family$linkinv(eta), 80)
    loss <- list(mse = (y - mu)^2, mae = abs(y - mu), deviance = matrix(family$dev.resids(rep(y, ncol(mu)), as.vector(mu), rep(1, length(mu))), 80))
    for (measure in names(loss)) {
      by_fold <- vapply(1:5, function(k) colSums(d$w[d$fold == k] * loss[[measure]][d$fold == k, ]) / sum(d$w[d$fold == k]), numeric(ncol(mu)))
      share <- vapply(1:5, function(k) sum(d$w[d$fold == k]), 0) / sum(d$w)
      cvm <- drop(by_fold %*% share)
      got <- do.call(cv.sparsepath, c(set, type.measure = measure))
      expect_equal(got$cvm, cvm, tolerance = 1e-10, label = paste(name, measure))
      expect_equal(got$cvsd, drop(sqrt(((by_fold - cvm)^2 %*% share) / 4)), tolerance = 1e-9)
    }
    two <- do.call(cv.sparsepath, c(set, list(control = sparsepath.control(threads = 2))))
    expect_identical(two$fit.preval, cv$fit.preval)
    expect_true(all(is.na(cv$fold.gap)) && all(cv$fold.kkt <= 1e-8))
    expect_output(print(cv), "stationary: optimality conditions hold within .* lambda \\(no duality gap for this family\\)")
    if (!family$family %in% c("binomial", "quasibinomial")) {
      expect_refused(cv.sparsepath(d$x, y, family = family, type.measure = "auc"), "choice")
    }
  }
})

test_that("grid, ends of the path and coefficients are glmnet's", {
  skip_unless_glmnet()
  d <- make_problem(100, 30, seed = 2370)
  pf <- with_seed(2371, runif(30, 0.3, 2))
  families <- Filter(Negate(is.null), object_families())
  settings <- list(
    list(), list(alpha = 0.5, weights = d$w), list(alpha = 0.05), list(alpha = 0), list(penalty.factor = pf),
    list(lower.limits = -0.1, upper.limits = 0.05), list(standardize = FALSE), list(exclude = 2L)
  )
  for (name in setdiff(names(families), c("inverse.gaussian(log)", "binomial(cauchit)"))) { # glmnet stops with errors on the way
    y <- make_response(d$x, name, 2372)
    for (k in if (name %in% c("Gamma(log)", "binomial(probit)")) seq_along(settings) else 1:2) {
      s <- settings[[k]]
      label <- paste(name, paste(names(s), collapse = " "))
      f <- do.call(sparsepath, c(list(d$x, y, family = families[[name]], nlambda = 40), s))
      g <- do.call(glmnet_tight, c(list(d$x, y, family = families[[name]], nlambda = 40, thresh = 1e-14), s))
      expect_equal(f$lambda, g$lambda, tolerance = 1e-8, label = label)
      expect_equal(f$nulldev, g$nulldev, tolerance = 1e-8)
      l <- seq_len(min(length(f$lambda), length(g$lambda)))[-1]
      b <- as.matrix(coef(g))[, l]
      expect_lte(max(abs(as.matrix(coef(f))[, l] - b)) / max(abs(b[-1, ])), 1e-4, label = label)
      expect_equal(f$dev.ratio[l], g$dev.ratio[l], tolerance = 1e-6)
    }
  }
})

test_that("the certificate in R agrees, and has no gap", {
  d <- make_problem(60, 30, seed = 2380)
  y <- make_response(d$x, "Gamma", 2381)
  for (family in list(Gamma("log"), Gamma(), gaussian("log"), inverse.gaussian("log"))) {
    f <- sparsepath(d$x / 3, y, family = family, nlambda = 12, lambda.min.ratio = 0.05, weights = d$w, alpha = 0.8)
    k <- kkt(f, d$x / 3, y, weights = d$w)
    expect_true(all(is.na(k$gap)) && all(is.na(k$dual)) && all(is.finite(k$objective)))
    expect_true(all(k$kkt <= 1e-8))
    worse <- coef(f, s = f$lambda[8])
    worse[2, 1] <- worse[2, 1] + 0.01
    expect_gt(kkt(worse, d$x / 3, y, lambda = f$lambda[8], family = family, weights = d$w, alpha = 0.8)$kkt, 1e-3)
  }
})

test_that("print and summary say that solutions are stationary", {
  d <- make_problem(50, 10, seed = 2390)
  y <- make_response(d$x, "Gamma", 2391)
  f <- sparsepath(d$x, y, family = Gamma("log"), nlambda = 8)
  line <- "^all [0-9]+ solutions stationary: optimality conditions hold within [0-9e-]+ lambda \\(no duality gap for this family\\)$"
  expect_match(capture.output(print(f)), line, all = FALSE)
  expect_match(capture.output(print(summary(f))), line, all = FALSE)
  expect_match(capture.output(print(summary(f))), "Gamma regression, log link, lasso", all = FALSE)
  expect_true(is.na(summary(f)$gap))
  f$status[3] <- 1L
  f$kkt[3] <- 1e-3
  expect_match(capture.output(print(f)), "solutions stationary; NOT s2 \\(optimality conditions hold within 1e-03 lambda", all = FALSE)
})

test_that("formulas, relaxed fits, selection and assessment", {
  d <- make_problem(80, 5, seed = 2400)
  data <- data.frame(y = make_response(d$x, "Gamma", 2401), d$x, g = factor(rep_len(c("a", "b", "c"), 80)))
  f <- sparsepath(y ~ X1 + X2 * g, data, family = Gamma("log"), nlambda = 10, contrasts = "treatment", relax = TRUE)
  r <- glm(y ~ X1 + X2 * g, data = data, family = Gamma("log"), control = list(epsilon = 1e-15, maxit = 100))
  full <- which(f$df == length(coef(r)) - 1)
  expect_gt(length(full), 0)
  expect_equal(unname(predict(f, data, gamma = 0, s = f$lambda[full[1]], type = "response")[, 1]), unname(fitted(r)), tolerance = 1e-6)
  expect_equal(unname(f$relaxed$dev.ratio[full[1]]), 1 - r$deviance / r$null.deviance, tolerance = 1e-8)
  expect_output(print(f), "relaxed: all .* stationary")
  a <- assess(f, data, s = c(0.1, 0.01))
  mu <- predict(f, data, s = c(0.1, 0.01), type = "response")
  expect_equal(as.vector(a$deviance), unname(colMeans(apply(mu, 2, function(m) Gamma()$dev.resids(data$y, m, 1)))), tolerance = 1e-12)
  expect_equal(as.vector(a$mae), unname(colMeans(abs(data$y - mu))), tolerance = 1e-12)
  expect_s3_class(select_lambda(f, "BIC"), "sparsepath_selection")
  expect_identical(family(f), f$family)
  cv <- cv.sparsepath(y ~ X1 + X2 * g, data, family = Gamma("log"), nlambda = 10, foldid = d$fold, relax = TRUE)
  expect_true(all(cv$relaxed$fold.status == 0))
  expect_equal(as.vector(effective_df(sparsepath(d$x, data$y, family = Gamma("log"), alpha = 0.5, lambda = 0), x = d$x)), 5, tolerance = 1e-8)
})

# ---- binomial responses --------------------------------------------------------------------------------------------------

test_that("two classes, counts and proportions are one model", {
  d <- make_problem(90, 8, seed = 2410)
  trials <- with_seed(2411, 1 + rpois(90, 4))
  success <- with_seed(2412, rbinom(90, trials, plogis(d$x[, 1] - d$x[, 2] / 2)))
  counts <- cbind(good = success, bad = trials - success)
  for (link in c("logit", "probit", "cloglog")) {
    family <- binomial(link)
    lambda <- c(0.05, 0.01, 0)
    w <- round(2 * d$w) + 1
    # glm() and family objects: successes first
    f <- sparsepath(d$x, counts, family = family, weights = w, lambda = lambda)
    g <- glm(counts ~ d$x, family = family, weights = w, control = list(epsilon = 1e-15, maxit = 100))
    expect_equal(unname(c(f$a0[3], f$beta[, 3])), unname(coef(g)), tolerance = 1e-6, label = link)
    expect_identical(f$classnames, c("bad", "good"))
    expect_equal(f$nulldev, g$null.deviance, tolerance = 1e-9)
    expect_equal(as.vector(logLik(f))[3], as.vector(logLik(g)), tolerance = 1e-8)
    expect_equal(unname(residuals(f, d$x, counts, s = 0, type = "pearson", newweights = w)[, 1]), unname(residuals(g, "pearson")), tolerance = 1e-5)
    same <- sparsepath(d$x, success / trials, family = family, weights = w * trials, lambda = lambda)
    expect_equal(coef(same), coef(f), tolerance = 1e-9)
    i <- rep(seq_len(90), trials)
    y <- unlist(lapply(seq_len(90), function(k) rep(c("yes", "no"), counts[k, ])))
    rows <- sparsepath(d$x[i, ], factor(y), family = family, weights = w[i], lambda = lambda)
    expect_equal(coef(rows), coef(f), tolerance = 1e-8)
    expect_identical(rows$classnames, c("no", "yes"))
    # the name of the family: glmnet's order, the class that is modelled last
    if (link == "logit") {
      named <- sparsepath(d$x, counts[, 2:1], family = "binomial", weights = w, lambda = lambda)
      expect_equal(coef(named), coef(f), tolerance = 1e-12)
    }
  }
  class <- predict(f, d$x, s = 0.01, type = "class")
  expect_identical(as.vector(class), c("bad", "good")[1 + (predict(f, d$x, s = 0.01, type = "response") > 0.5)])
})

test_that("binomial responses of all forms are glmnet's", {
  skip_unless_glmnet()
  d <- make_problem(90, 8, seed = 2420)
  trials <- with_seed(2421, 1 + rpois(90, 4))
  success <- with_seed(2422, rbinom(90, trials, plogis(d$x[, 1] - d$x[, 2] / 2)))
  same <- function(y, family, ...) {
    f <- sparsepath(d$x, y, family = family, nlambda = 20, ...)
    g <- glmnet_tight(d$x, y, family = family, nlambda = 20, thresh = 1e-14, ...)
    expect_equal(f$lambda, g$lambda, tolerance = 1e-8)
    l <- -1
    expect_equal(unname(as.matrix(coef(f))[, l]), unname(as.matrix(coef(g))[, l]), tolerance = 1e-5)
    expect_equal(f$nulldev, g$nulldev, tolerance = 1e-8)
  }
  same(cbind(trials - success, success), "binomial")
  same(cbind(trials - success, success), "binomial", weights = d$w)
  same(cbind(1 - success / trials, success / trials), "binomial", weights = trials)
  same(cbind(success, trials - success), binomial("probit"))
  same(success / trials, binomial("probit"), weights = trials)
  same(factor(success > trials / 2), "binomial")
})

test_that("responses that a family does not allow are refused", {
  x <- make_problem(20, 4, seed = 2430)$x
  expect_refused(sparsepath(x, c(0, 1:19), family = Gamma()), "range")
  expect_refused(sparsepath(x, c(-1, 1:19), family = inverse.gaussian()), "range")
  expect_refused(sparsepath(x, factor(1:20), family = Gamma()), "type")
  expect_refused(sparsepath(x, cbind(1:20, 1), family = Gamma()), "unavailable")
  expect_refused(sparsepath(x, rep(1, 20), family = binomial("probit")), "one_class")
  expect_refused(sparsepath(x, c(NA, 1:19), family = Gamma()), "nonfinite")
  expect_refused(sparsepath(x, 1:20, family = binomial("probit")), "range")
  expect_refused(sparsepath(x, 1:20 + 0, family = structure(list(family = "f", link = "log"), class = "family")), "type")
  expect_refused(cv.sparsepath(x, rep(0:1, c(18, 2)), family = binomial("probit"), foldid = rep(1:2, c(18, 2))), "folds")
})

# ---- the domain, and user code ----------------------------------------------------------------------------------------------

test_that("a family that is not defined everywhere", {
  d <- make_problem(60, 8, seed = 2440)
  y <- make_response(d$x, "Gamma", 2441)
  expect_refused(sparsepath(d$x, y, family = Gamma(), intercept = FALSE), "range")
  expect_match(message_of(sparsepath(d$x, y, family = Gamma(), intercept = FALSE)), "Gamma\\(inverse\\) is not defined at its null model")
  # offsets that leave a narrow choice of intercepts
  o <- with_seed(2442, runif(60, 0, 50))
  f <- sparsepath(d$x, y, family = Gamma(), offset = o, nlambda = 3, lambda.min.ratio = 0.5)
  expect_true(all(predict(f, d$x, newoffset = o) > 0))
  expect_lte(max(verify_stationary(d$x, y, "Gamma(inverse)", f$lambda, f$a0, f$beta, offset = o)), 1e-6)
  # an optimum at the edge, a mean of zero, is not stationary: said so, and no mean is negative
  z <- as.double(rep(0:3, 15))
  found <- warnings_of(f <- sparsepath(cbind(z + d$x[, 1] / 10, d$x), z, family = poisson("identity"), nlambda = 30))
  expect_s3_class(found[[1]], "sparsepath_warning_uncertified")
  expect_match(conditionMessage(found[[1]]), "The largest violation of the optimality conditions is .* lambda \\(promised: 1e-06\\)")
  missed <- f$status != 0
  expect_true(any(missed) && all(f$kkt[missed] > 1e-6) && all(f$kkt[!missed] <= 1e-6))
})

misbehaving <- function(fun, f) {
  family <- Gamma("log")
  family[[fun]] <- f
  family
}

test_that("errors in the functions of a family name the function", {
  d <- make_problem(40, 5, seed = 2450)
  y <- make_response(d$x, "Gamma", 2451)
  for (fun in c("linkinv", "mu.eta", "variance", "dev.resids")) {
    for (after in c(1, 30)) { # at the null model, and in the middle of a path
      calls <- 0
      good <- Gamma("log")[[fun]]
      family <- misbehaving(fun, function(...) {
        calls <<- calls + 1
        if (calls > after) stop("not today.")
        good(...)
      })
      e <- tryCatch(sparsepath(d$x, y, family = family), error = identity)
      expect_s3_class(e, "sparsepath_error_family")
      expect_identical(e$fun, fun)
      expect_match(conditionMessage(e), sprintf("`%s` of the family Gamma(log) failed", fun), fixed = TRUE)
      expect_match(conditionMessage(e), "It said: not today.", fixed = TRUE)
    }
  }
  e <- tryCatch(sparsepath(d$x, y, family = misbehaving("variance", function(mu) mu[1])), error = identity)
  expect_match(conditionMessage(e), "it returned .* for 40 values")
  e <- tryCatch(cv.sparsepath(d$x, y, family = misbehaving("mu.eta", function(eta) if (length(eta) < 40) "a" else exp(eta)), foldid = d$fold[1:40]), error = identity)
  expect_s3_class(e, "sparsepath_error_family")
})

test_that("warnings, restarts and interrupts in the functions of a family neither leak nor jump through the engine", {
  d <- make_problem(40, 5, seed = 2460)
  y <- make_response(d$x, "Gamma", 2461)
  plain <- sparsepath(d$x, y, family = Gamma("log"))
  old <- options(warn = 2)
  on.exit(options(old))
  noisy <- misbehaving("linkinv", function(eta) {
    warning("hm")
    exp(eta)
  })
  expect_silent(f <- sparsepath(d$x, y, family = noisy))
  expect_identical(f$beta, plain$beta)
  options(old)
  leave <- function(how) {
    calls <- 0
    misbehaving("variance", function(mu) {
      calls <<- calls + 1
      if (calls == 20) how()
      mu^2
    })
  }
  out <- withRestarts(sparsepath(d$x, y, family = leave(function() invokeRestart("elsewhere"))), elsewhere = function() "left")
  expect_identical(out, "left")
  signal <- function(class) function() signalCondition(structure(list(message = "", call = NULL), class = c(class, "condition")))
  expect_identical(tryCatch(sparsepath(d$x, y, family = leave(signal("interrupt"))), interrupt = function(i) "stopped"), "stopped")
  expect_identical(tryCatch(sparsepath(d$x, y, family = leave(signal("own"))), own = function(i) "own"), "own")
  expect_identical(sparsepath(d$x, y, family = leave(signal("own")))$beta, plain$beta) # nobody listens
  # a family that fits another path in one of its functions
  nested <- leave(function() sparsepath(d$x, y, family = Gamma("log"), nlambda = 5))
  expect_identical(sparsepath(d$x, y, family = nested)$beta, plain$beta)
})
