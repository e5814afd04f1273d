# Fit, and prove the fit with the verifier (helper-verify.R).

# limits at every lambda unless a test states its own
GAP <- 1e-7
KKT <- 1e-6

# arguments of the fit that define the problem, in the verifier's words
verify_fit <- function(fit, x, y, family = "gaussian", ...) {
  a <- list(...)
  pick <- function(n, default) if (is.null(a[[n]])) default else a[[n]]
  verify_path(
    x, y, family, fit$lambda, fit$a0, fit$beta,
    alpha = pick("alpha", 1), weights = a$weights, offset = a$offset, penalty.factor = a$penalty.factor,
    exclude = a$exclude, lower = pick("lower.limits", -Inf), upper = pick("upper.limits", Inf),
    standardize = pick("standardize", TRUE), intercept = pick("intercept", TRUE)
  )
}

# sparsepath() plus proof: gap, KKT, intercept score, feasibility, and that the fit's own certificate says the same
expect_exact <- function(x, y, family = "gaussian", ..., gap = GAP, kkt = KKT, score = 1e-8, certified = TRUE,
                         label = "fit") {
  fit <- sparsepath(x, y, family = family, ...)
  v <- verify_fit(fit, x, y, family, ...)
  worst <- function(d) which.max(replace(d, is.na(d), Inf))
  say <- function(what, d, lim) {
    l <- worst(d)
    sprintf("%s: %s %.2e > %.0e at lambda %d of %d (%g)", label, what, d[l], lim, l, length(d), fit$lambda[l])
  }
  ok <- function(d, lim) all(is.finite(d)) && all(d <= lim)
  expect(ok(v$gap - v$floor_gap, gap), say("relative gap", v$gap, gap))
  expect(ok(v$kkt - v$floor_kkt, kkt), say("KKT excess / lambda", v$kkt, kkt))
  expect(ok(v$score - v$floor_score, score), say("intercept score", v$score, score))
  expect(all(v$infeasible == 0), paste0(label, ": a coefficient is outside its limits"))
  expect(all(is.finite(fit$a0)) && all(is.finite(fit$beta@x)), paste0(label, ": a coefficient is not finite"))
  expect(all(fit$beta@x != 0), paste0(label, ": explicit zeros are stored"))
  expect(identical(as.integer(fit$df), as.integer(v$df)), paste0(label, ": df is not the number of non-zeros"))
  expect(all(diff(fit$lambda) < 0), paste0(label, ": lambda is not decreasing"))
  if (attr(v, "null") > 0 && all(is.finite(v$dev.ratio))) {
    d <- abs(v$dev.ratio - fit$dev.ratio)
    expect(ok(d, 1e-7), say("dev.ratio is off by", d, 1e-7))
  }
  if (certified) {
    expect(all(fit$status == 0), paste0(label, ": lambdas without certificate: ", paste(which(fit$status != 0), collapse = " ")))
    # the reported certificate is never much better than the truth
    optimistic <- v$gap - v$floor_gap - (10 * fit$gap + 1e-9)
    expect(ok(optimistic, 0), say("true gap above the reported one by", optimistic, 0))
  }
  invisible(list(fit = fit, v = v))
}

# two fits of one problem are the same path; `map` turns the second fit's coefficients into the first's
expect_same_fit <- function(f, g, tol = 1e-9, map = identity, a0 = identity, lambda = identity, label = "fits") {
  expect(length(f$lambda) == length(g$lambda), paste0(label, ": ", length(f$lambda), " and ", length(g$lambda), " lambdas"))
  m <- seq_len(min(length(f$lambda), length(g$lambda)))
  dl <- max(abs(lambda(g$lambda[m]) / f$lambda[m] - 1))
  expect(dl <= 1e-10, sprintf("%s: lambda differs by %.1e", label, dl))
  bf <- as.matrix(f$beta)[, m, drop = FALSE]
  bg <- map(as.matrix(g$beta)[, m, drop = FALSE])
  db <- max(abs(bf - bg)) / max(abs(bf), 1e-300)
  expect(db <= tol, sprintf("%s: coefficients differ by %.1e of the largest", label, db))
  da <- max(abs(f$a0[m] - a0(g$a0[m])) / pmax(1, abs(f$a0[m])))
  expect(da <= max(tol, 1e-9), sprintf("%s: intercepts differ by %.1e", label, da))
  invisible(db)
}

# where coefficients are not unique, fits agree in fitted values, penalty and objective
expect_same_objective <- function(v, w, tol = 1e-10, label = "objective") {
  d <- max(abs(v$objective - w$objective)) / attr(v, "null")
  expect(is.finite(d) && d <= tol, sprintf("%s differs by %.1e of the null objective", label, d))
}

glmnet_tight <- function(x, y, family = "gaussian", ..., thresh = 1e-20) {
  suppressWarnings(glmnet::glmnet(
    x, y, family = family, ...,
    control = list(thresh = thresh, maxit = 1e7, epsnr = 1e-16, mxitnr = 200)
  ))
}

skip_unless_glmnet <- function() {
  testthat::skip_if_not_installed("glmnet", "5.0")
}
