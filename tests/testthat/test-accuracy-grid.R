# Every option on designs that are easy and hard, judged by the verifier at every lambda.
# Plain least squares and logistic lassos must be near machine precision: the polish promises it.

EXACT_GAP <- 1e-11
EXACT_KKT <- 1e-8

designs <- list(
  iid = list(60, 300, "iid", 0), ar = list(60, 300, "ar", 0.8), equi = list(60, 300, "equi", 0.95),
  tall = list(150, 25, "ar", 0.8)
)
design <- function(name, family) {
  d <- designs[[name]]
  make_problem(d[[1]], d[[2]], d[[3]], d[[4]], seed = 200 + match(name, names(designs)), family = family)
}

for (family in c("gaussian", "binomial", "poisson")) {
  for (kind in names(designs)) {
    test_that(paste(family, kind, "lasso, near machine precision"), {
      d <- design(kind, family)
      expect_exact(d$x, d$y, family, gap = EXACT_GAP, kkt = EXACT_KKT, label = "plain")
      expect_exact(d$x, d$y, family, weights = d$w, gap = EXACT_GAP, kkt = EXACT_KKT, label = "weights")
      expect_exact(d$x, d$y, family, offset = d$o, gap = EXACT_GAP, kkt = EXACT_KKT, label = "offset")
      expect_exact(d$x, d$y, family, intercept = FALSE, gap = EXACT_GAP, kkt = EXACT_KKT, label = "no intercept")
      expect_exact(d$x %*% diag(2^(seq_len(ncol(d$x)) %% 5 - 2)) + 1, d$y, family,
        standardize = FALSE, gap = EXACT_GAP, kkt = EXACT_KKT, label = "no standardization"
      )
    })

    test_that(paste(family, kind, "elastic net"), {
      d <- design(kind, family)
      for (alpha in c(0.999, 0.9, 0.5, 0.05, 0.001, 0)) {
        expect_exact(d$x, d$y, family, alpha = alpha, label = paste("alpha", alpha))
      }
      for (alpha in c(0.5, 0.05, 0)) {
        expect_exact(d$x, d$y, family, alpha = alpha, weights = d$w, offset = d$o, label = paste("weights, offset", alpha))
        expect_exact(d$x, d$y, family, alpha = alpha, intercept = FALSE, standardize = FALSE, label = paste("neither", alpha))
      }
    })

    test_that(paste(family, kind, "penalty factors, exclusions, limits"), {
      d <- design(kind, family)
      p <- ncol(d$x)
      pf <- with_seed(210, runif(p, 0.1, 3))
      pf0 <- replace(pf, c(2, 5), 0)
      pf0i <- replace(pf0, c(3, 11), Inf)
      expect_exact(d$x, d$y, family, penalty.factor = pf, label = "factors")
      expect_exact(d$x, d$y, family, penalty.factor = pf0, label = "factors with 0")
      expect_exact(d$x, d$y, family, penalty.factor = pf0i, exclude = c(1, 7), label = "factors with 0 and Inf, exclude")
      expect_exact(d$x, d$y, family, penalty.factor = pf0i, alpha = 0.5, weights = d$w, label = "factors, alpha .5, weights")
      expect_exact(d$x, d$y, family, penalty.factor = pf0, alpha = 0, label = "factors, ridge")
      expect_exact(d$x, d$y, family, lower.limits = 0, label = "non-negative")
      expect_exact(d$x, d$y, family, upper.limits = 0, label = "non-positive")
      expect_exact(d$x, d$y, family, lower.limits = -0.1, upper.limits = 0.15, label = "box")
      expect_exact(d$x, d$y, family, lower.limits = -0.1, upper.limits = 0.15, alpha = 0.5, label = "box, alpha .5")
      expect_exact(d$x, d$y, family, lower.limits = -0.05, upper.limits = 0.05, alpha = 0.05, label = "box, alpha .05")
      expect_exact(d$x, d$y, family, lower.limits = -0.02, upper.limits = 0.02, alpha = 0, label = "box, ridge")
      expect_exact(d$x, d$y, family,
        lower.limits = rep_len(c(-0.2, -Inf, 0), p), upper.limits = rep_len(c(Inf, 0.1, 0.3, 0), p),
        weights = d$w, offset = d$o, standardize = FALSE, label = "mixed limits"
      )
      expect_exact(d$x, d$y, family,
        penalty.factor = pf0, lower.limits = -0.1, upper.limits = 0.1, label = "limits on unpenalized columns"
      )
    })
  }
}

test_that("a longer path: down to 1e-4 and 1e-6 of lambda_max, also in the saturated range", {
  d <- design("iid", "gaussian")
  control <- list(lambda.min.ratio = 1e-4)
  lambda <- lambda_max_reference(d$x, d$y) * 10^seq(0, -4, length.out = 60)
  expect_exact(d$x, d$y, lambda = lambda, kkt = 1e-7, label = "1e-4, lasso")
  expect_exact(d$x, d$y, lambda = lambda_max_reference(d$x, d$y) * 10^seq(0, -6, length.out = 60), label = "1e-6, lasso")
  expect_exact(d$x, d$y, lambda = lambda * 2, alpha = 0.5, label = "1e-4, alpha .5")
  e <- design("tall", "gaussian")
  expect_exact(e$x, e$y, lambda = lambda_max_reference(e$x, e$y) * 10^seq(0, -8, length.out = 60), label = "tall, 1e-8")
})
