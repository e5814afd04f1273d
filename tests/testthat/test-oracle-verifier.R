# The verifier itself is on trial here: against closed forms, against derivatives and against true suboptimality.
# Nothing in this file calls the package.

test_that("the verifier accepts the orthonormal closed form and its gap is at rounding level", {
  d <- make_problem(40, 12, seed = 3)
  x <- make_orthonormal(40, 12, seed = 4)
  z <- drop(crossprod(x, d$y)) / 40
  sy <- sqrt(mean((d$y - mean(d$y))^2))
  lambda <- max(abs(z)) * c(1, 0.7, 0.3, 0.05, 0.001)
  v <- runif_v <- with_seed(5, runif(12, 0.2, 2))
  v <- v * 12 / sum(v)
  for (alpha in c(1, 0.5, 0.05, 0)) {
    b <- vapply(lambda, function(l) soft(z, l * alpha * v) / (1 + l * (1 - alpha) * v / sy), z)
    r <- verify_path(x, d$y, "gaussian", lambda, rep(mean(d$y), 5), b, alpha = alpha, penalty.factor = runif_v)
    expect_lt(max(r$gap), 1e-14)
    expect_lt(max(r$kkt), 1e-11)
    expect_lt(max(r$score), 1e-14)
  }
})

test_that("the verifier rejects small errors, in proportion", {
  d <- make_problem(40, 12, seed = 3)
  x <- make_orthonormal(40, 12, seed = 4)
  z <- drop(crossprod(x, d$y)) / 40
  lambda <- max(abs(z)) * 0.3
  b <- soft(z, lambda)
  j <- which(b != 0)[1]
  k <- which(b == 0)[1]
  judge <- function(b, a0 = mean(d$y)) verify_path(x, d$y, "gaussian", lambda, a0, cbind(b))
  for (e in c(1e-2, 1e-4, 1e-6)) {
    wrong <- replace(b, j, b[j] + e)
    expect_equal(judge(wrong)$kkt, e / lambda, tolerance = 1e-4)
    dust <- replace(b, k, e)
    expect_gt(judge(dust)$kkt, (lambda - abs(z[k])) / lambda)
    expect_equal(judge(b, mean(d$y) + e)$score, e / sqrt(mean((d$y - mean(d$y))^2)), tolerance = 1e-6)
  }
  # a missing variable
  expect_gt(judge(replace(b, j, 0))$kkt, 1e-3)
  expect_error(verify_path(cbind(x, 1), d$y, "gaussian", lambda, 0, cbind(c(b, 1))), "constant or excluded")
})

test_that("the gap bounds the true suboptimality, for both families and every kind of problem", {
  settings <- list(
    list(), list(alpha = 0.5), list(alpha = 0.05, weights = TRUE), list(alpha = 0), list(offset = TRUE),
    list(penalty.factor = TRUE), list(lower = -0.1, upper = 0.15), list(lower = 0, alpha = 0.7),
    list(intercept = FALSE), list(standardize = FALSE, intercept = FALSE, alpha = 0.5),
    list(penalty.factor = TRUE, lower = -0.1, upper = 0.15, weights = TRUE, offset = TRUE)
  )
  for (family in c("gaussian", "binomial", "poisson")) {
    d <- make_problem(30, 8, "equi", 0.4, k = 3, seed = 11, family = family)
    pf <- c(0, 0.5, 1, 2, 1, 1, 0.3, 1)
    for (s in settings) {
      if (isTRUE(s$weights)) s$weights <- d$w
      if (isTRUE(s$offset)) s$offset <- d$o
      if (isTRUE(s$penalty.factor)) s$penalty.factor <- pf
      judge <- function(a0, b) do.call(verify_path, c(list(d$x, d$y, family, 0.05, a0, cbind(b)), s))
      # the objective written a second time, and minimized over b = u - l, u, l >= 0, by a general optimizer
      pick <- function(n, default) if (is.null(s[[n]])) default else s[[n]]
      w <- pick("weights", rep(1, 30)) / sum(pick("weights", rep(1, 30)))
      o <- pick("offset", rep(0, 30))
      int <- pick("intercept", TRUE)
      v <- pick("penalty.factor", rep(1, 8)) * 8 / sum(pick("penalty.factor", rep(1, 8)))
      alpha <- pick("alpha", 1)
      sd <- if (pick("standardize", TRUE)) apply(d$x, 2, function(z) sqrt(sum(w * z^2) - sum(w * z)^2)) else rep(1, 8)
      sy <- if (family != "gaussian") 1 else sqrt(sum(w * (d$y - o)^2) - if (int) sum(w * (d$y - o))^2 else 0)
      objective <- function(a0, b) {
        eta <- a0 + o + drop(d$x %*% b)
        l <- switch(family,
          gaussian = (d$y - eta)^2 / 2, binomial = log1p(exp(eta)) - d$y * eta, poisson = -dpois(d$y, exp(eta), log = TRUE) + dpois(d$y, d$y, log = TRUE)
        )
        sum(w * l) + 0.05 * sum(v * (alpha * abs(b * sd) + (1 - alpha) / 2 * (b * sd)^2 / sy))
      }
      lo <- pick("lower", -Inf)
      hi <- pick("upper", Inf)
      best <- optim(rep(0, 17), function(t) objective(if (int) t[1] else 0, t[2:9] - t[10:17]),
        method = "L-BFGS-B", lower = c(-Inf, rep(0, 16)), upper = c(Inf, rep(pmax(c(hi, -lo), 1e-12), each = 8)),
        control = list(factr = 10, maxit = 2000)
      )$value
      points <- with_seed(12, replicate(20, simplify = FALSE, list(
        a0 = if (int) rnorm(1) / 3 else 0, b = pmin(pmax(rnorm(8) * sample(c(0, 0.05, 0.3), 8, TRUE), lo), hi)
      )))
      for (t in points) {
        q <- judge(t$a0, t$b)
        expect_equal(q$objective, objective(t$a0, t$b), tolerance = 1e-12)
        expect_gte(q$gap * attr(q, "null"), q$objective - best)
        expect_gt(q$gap, 0)
      }
    }
  }
})

test_that("KKT excess is the derivative of the objective", {
  for (family in c("gaussian", "binomial", "poisson")) {
    d <- make_problem(25, 6, seed = 21, family = family)
    b <- c(0.3, -0.2, 0.1, 0.4, -0.5, 0.2)
    judge <- function(b) {
      verify_path(d$x, d$y, family, 0.1, 0, cbind(b),
        alpha = 0.4, weights = d$w, offset = d$o, standardize = FALSE, intercept = FALSE
      )
    }
    g <- vapply(1:6, function(j) {
      h <- 1e-5
      (judge(b + h * (1:6 == j))$objective - judge(b - h * (1:6 == j))$objective) / (2 * h)
    }, 0)
    expect_equal(judge(b)$kkt * 0.1, max(abs(g)), tolerance = 1e-7)
  }
})

test_that("columns shifted by 1e6 are judged like the unshifted ones", {
  d <- make_problem(40, 12, seed = 3)
  x <- make_orthonormal(40, 12, seed = 4)
  z <- drop(crossprod(x, d$y)) / 40
  lambda <- max(abs(z)) * c(0.5, 0.1)
  b <- vapply(lambda, function(l) soft(z, l), z)
  sx <- x + 1e6 # rounds x at 1e-10: the solution moves by as much
  r <- verify_path(sx, d$y, "gaussian", lambda, mean(d$y) - 1e6 * colSums(b), b)
  expect_lt(max(r$kkt), 1e-8)
  expect_lt(max(r$gap), 1e-9)
  expect_lt(max(r$score - r$floor_score), 1e-8)
})

test_that("gap terms keep their sign and accuracy where probabilities are extreme", {
  eta <- c(-800, -300, -40, -1, 0, 1, 40, 300, 800)
  q <- plogis(eta * 0.999)
  t <- vf_fy(q, plogis(-eta * 0.999), eta, "binomial")
  expect_true(all(is.finite(t)) && all(t >= 0))
  expect_equal(vf_fy(plogis(1e-6), plogis(-1e-6), 0, "binomial"), 1e-12 / 8, tolerance = 1e-5)
  u <- c(-0.5, -0.019, -1e-9, 0, 1e-12, 0.019, 0.021, 3)
  expect_equal(vf_h(u)[c(1, 8)], ((1 + u) * log(1 + u) - u)[c(1, 8)])
  expect_equal(vf_h(u)[c(3, 5)], u[c(3, 5)]^2 / 2, tolerance = 1e-8)
  expect_equal(vf_h(0.0199999999), vf_h(0.0200000001), tolerance = 1e-7)
  expect_equal(vf_loss(c(0, 1, 0.3), c(800, -800, 0), "binomial"), c(800, 800, log(2)))
})

test_that("the verifier agrees with glmnet at its tightest tolerance about what is optimal", {
  skip_unless_glmnet()
  for (family in c("gaussian", "binomial", "poisson")) {
    d <- make_problem(50, 60, seed = 31, family = family)
    x <- d$x %*% diag(with_seed(32, runif(60, 0.2, 5)))
    pf <- with_seed(33, runif(60))
    pf[c(2, 7)] <- 0
    pf[c(5, 9)] <- Inf
    w <- replace(d$w, c(3, 10), 0)
    xs <- x * (abs(d$x) > 1.3)
    settings <- list(
      list(), list(alpha = 0.5), list(alpha = 0.05), list(weights = w), list(offset = d$o), list(penalty.factor = pf),
      list(penalty.factor = pf, alpha = 0.5, exclude = 20), list(lower.limits = -0.05, upper.limits = 0.1),
      list(intercept = FALSE), list(standardize = FALSE), list(standardize = FALSE, intercept = FALSE, weights = w),
      list(x = Matrix::Matrix(xs, sparse = TRUE), alpha = 0.5, offset = d$o, weights = w)
    )
    for (s in settings) {
      xx <- if (is.null(s$x)) x else s$x
      s$x <- NULL
      f <- do.call(glmnet_tight, c(list(xx, d$y, family, nlambda = 20), s))
      v <- do.call(verify_fit, c(list(f, xx, d$y, family), s))
      expect_lt(max(v$kkt), 1e-6)
      expect_lt(max(v$gap), 1e-7)
      expect_lt(max(v$score), 1e-9)
      expect_equal(v$dev.ratio, f$dev.ratio, tolerance = 1e-9)
      # and its first lambda is the closed form (glmnet extrapolates it from the second and third)
      top <- do.call(lambda_max_reference, c(
        list(xx, d$y, family), s[intersect(names(s), c("alpha", "weights", "offset", "penalty.factor", "exclude", "standardize", "intercept"))]
      ))
      expect_equal(f$lambda[1], top, tolerance = 1e-9)
    }
    # its default tolerance is visibly not optimal
    f <- suppressWarnings(glmnet::glmnet(x, d$y, family, nlambda = 20))
    expect_gt(max(verify_fit(f, x, d$y, family)$kkt), 1e-5)
  }
})
