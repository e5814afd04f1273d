# Every family x alpha x option against glmnet at a tight tolerance: grid, deviances, coefficients to 1e-4 of the largest.

test_that("glmnet agrees for every family, alpha and option", {
  skip_unless_glmnet()
  skip_on_cran()
  d <- make_problem(80, 12, "ar", 0.4, snr = 2, seed = 2501)
  eta <- drop(scale(d$y))
  draw <- function(k, expr) with_seed(2501 + k, expr)
  two <- factor(draw(1, runif(80)) < plogis(2 * eta), labels = c("a", "b"))
  three <- factor(draw(2, ifelse(runif(80) < 0.3, 3, 1 + (runif(80) < plogis(2 * eta)))), labels = c("a", "b", "c"))
  problems <- list(
    gaussian = list(d$y), binomial = list(two), poisson = list(draw(3, rpois(80, exp(eta / 2 + 0.5)))),
    cox = list(cbind(time = draw(4, ceiling(20 * rexp(80, exp(eta)))), status = draw(5, rbinom(80, 1, 0.7)))),
    multinomial = list(three, K = 3), grouped = list(three, family = "multinomial", K = 3, type.multinomial = "grouped"),
    mgaussian = list(cbind(d$y, draw(6, rnorm(80)) - d$y / 2), K = 2),
    `mgaussian, standardized` = list(cbind(d$y, 10 * draw(6, rnorm(80)) - d$y), family = "mgaussian", K = 2, standardize.response = TRUE),
    `Gamma(log)` = list(draw(7, rgamma(80, 2, exp(-eta / 2))), family = Gamma("log")), `binomial(probit)` = list(two, family = binomial("probit"))
  )
  pf <- draw(8, replace(replace(runif(12, 0.3, 2), 3, 0), 7, Inf))
  options <- function(K) {
    list(
      none = list(), weights = list(weights = d$w), offset = list(offset = if (is.null(K)) d$o / 4 else cbind(d$o / 4, matrix(0, 80, K - 1))),
      limits = list(lower.limits = -0.1, upper.limits = 0.15), positive = list(lower.limits = 0), factors = list(penalty.factor = pf),
      exclude = list(exclude = c(1, 5)), sparse = list(), raw = list(standardize = FALSE), origin = list(intercept = FALSE),
      all = list(weights = d$w, penalty.factor = pf, standardize = FALSE)
    )
  }
  flat <- function(b) unlist(lapply(if (is.list(b)) b else list(b), as.matrix))
  compared <- 0L
  for (name in names(problems)) for (alpha in c(1, 0.5, 0.05, 0)) {
    given <- problems[[name]]
    y <- given[[1]]
    family <- if (is.null(given$family)) name else given$family
    own <- given[setdiff(names(given), c("", "K", "family"))]
    every <- options(given$K)
    if (name == "cox") every$origin <- NULL
    for (option in names(every)) {
      label <- paste(name, alpha, option)
      x <- if (option == "sparse") Matrix::Matrix(d$x * (abs(d$x) > 0.7), sparse = TRUE) else d$x
      a <- c(list(x, y, family = family, alpha = alpha, nlambda = 12, lambda.min.ratio = 0.05), own, every[[option]])
      f <- tryCatch(do.call(sparsepath, a), sparsepath_error_unavailable = function(e) e)
      if (inherits(f, "error")) { # limits with norms
        expect(grepl("limits|positive", option) && name %in% c("grouped", "mgaussian", "mgaussian, standardized"), paste(label, "is refused"))
        next
      }
      # With unpenalized columns and alpha = 0 exactly, glmnet takes the first lambda of all families but gaussian from a model that is
      # not fitted yet: it jumps from what alpha = 1e-4 has. Ours does not; the solutions are compared on glmnet's grid.
      jumps <- alpha == 0 && any(every[[option]]$penalty.factor == 0) && name != "gaussian"
      if (jumps) {
        near <- do.call(sparsepath, replace(a, "alpha", 1e-4))
        expect(max(abs(near$lambda / f$lambda - 1)) < 1e-10, paste(label, ": the grid does not jump at alpha = 0"))
      }
      if (name == "cox") a[[2]] <- do.call(getExportedValue("survival", "Surv"), unname(as.list(as.data.frame(y))))
      g <- suppressWarnings(do.call(glmnet::glmnet, c(a, list(control = list(thresh = 1e-14, maxit = 1e7, epsnr = 1e-13, mxitnr = 200)))))
      if (jumps) f <- do.call(sparsepath, c(a[names(a) != "lambda"], list(lambda = g$lambda)))
      m <- min(length(f$lambda), length(g$lambda))
      expect(abs(length(f$lambda) - length(g$lambda)) <= 1, sprintf("%s: %d lambdas, glmnet has %d", label, length(f$lambda), length(g$lambda)))
      e <- max(abs(f$lambda[1:m] / g$lambda[1:m] - 1))
      expect(e < 2e-5, sprintf("%s: lambda differs by %.1e", label, e))
      i <- (if (alpha == 0) 2 else 1):m # glmnet's first solution is the null model
      e <- max(abs(f$dev.ratio[i] - g$dev.ratio[i]))
      # glmnet does not converge for family objects without intercept
      slack <- if (inherits(family, "family")) max(kkt(rbind(g$a0, g$beta)[, i], x, y, g$lambda[i], family, every[[option]]$weights,
        every[[option]]$offset, alpha, penalty.factor = every[[option]]$penalty.factor, exclude = every[[option]]$exclude,
        standardize = !isFALSE(every[[option]]$standardize), intercept = !isFALSE(every[[option]]$intercept),
        lower.limits = if (is.null(every[[option]]$lower.limits)) -Inf else every[[option]]$lower.limits,
        upper.limits = if (is.null(every[[option]]$upper.limits)) Inf else every[[option]]$upper.limits)$kkt) else 0
      expect(e < max(1e-5, slack), sprintf("%s: dev.ratio differs by %.1e", label, e))
      if (name == "multinomial" && (alpha == 1 || any(every[[option]]$penalty.factor == 0) || grepl("limits|positive", option))) {
        # the level of a variable's coefficients is a convention there: probabilities
        o <- every[[option]]$offset
        p <- predict(f, x, type = "response", newoffset = o)[, , i]
        q <- if (is.null(o)) stats::predict(g, x, type = "response")[, , i] else stats::predict(g, x, type = "response", newoffset = o)[, , i]
        e <- max(abs(p - q))
      } else {
        bf <- flat(if (is.list(f$beta)) lapply(f$beta, function(b) b[, i]) else f$beta[, i])
        bg <- flat(if (is.list(g$beta)) lapply(g$beta, function(b) b[, i]) else g$beta[, i])
        e <- max(abs(bf - bg)) / max(abs(bg))
      }
      expect(e < max(1e-4, slack), sprintf("%s: coefficients differ by %.1e of the largest", label, e))
      compared <- compared + 1L
    }
  }
  expect_gt(compared, 400L)
})

test_that("automatic paths of several responses and of Cox models end where glmnet's end", {
  skip_unless_glmnet()
  skip_if_not_installed("survival")
  for (seed in 1:6) for (nlambda in c(20, 100)) {
    d <- make_problem(c(60, 200, 80)[1 + seed %% 3], c(8, 30, 12)[1 + seed %% 3], snr = c(0.3, 2, 1)[1 + seed %% 3], seed = 2600 + seed)
    n <- length(d$y)
    Y <- cbind(d$y, with_seed(seed, rnorm(n)))
    time <- with_seed(seed, rexp(n, exp(scale(d$y)[, 1])))
    y <- getExportedValue("survival", "Surv")(time, with_seed(seed + 10, rbinom(n, 1, 0.7)))
    for (family in c("mgaussian", "cox")) {
      f <- sparsepath(d$x, if (family == "cox") y else Y, family = family, nlambda = nlambda)
      g <- suppressWarnings(glmnet::glmnet(d$x, if (family == "cox") y else Y, family = family, nlambda = nlambda,
        control = list(thresh = 1e-12, maxit = 1e7)))
      expect_identical(length(f$lambda), length(g$lambda), label = paste(family, seed, nlambda))
    }
  }
})
