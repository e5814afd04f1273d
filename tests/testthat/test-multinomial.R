# family = "multinomial", type.multinomial = "ungrouped": every solution proven by the verifier, closed forms and identities.

iris_data <- function() list(x = as.matrix(iris[, 1:4]), y = iris$Species)

stacked <- function(fit) do.call(rbind, lapply(fit$beta, as.matrix))

# predictors up to a number common to all classes of a row
contrast <- function(eta) {
  d <- dim(eta)
  level <- apply(eta, c(1, 3), mean)
  eta - array(level[, rep(seq_len(d[3]), each = d[2])], d)
}

test_that("every solution is optimal: tall, wide, real data, all settings", {
  d <- iris_data()
  expect_exact_classes(d$x, d$y, label = "iris")
  skip_if_not_installed("MASS")
  g <- MASS::fgl
  for (alpha in c(1, 0.5, 0)) expect_exact_classes(as.matrix(g[, 1:9]), g$type, alpha = alpha, label = paste("fgl", alpha))
  for (s in list(list(n = 60, p = 300, K = 3), list(n = 80, p = 200, K = 4), list(n = 150, p = 20, K = 5), list(n = 60, p = 100, K = 2))) {
    d <- make_classes(s$n, s$p, s$K, seed = 2201)
    pf <- replace(replace(with_seed(2202, runif(s$p, 0.2, 2)), c(2, 7), 0), 5, Inf)
    for (set in list(
      list(), list(alpha = 0.5), list(alpha = 0.05), list(alpha = 0), list(weights = d$w), list(weights = replace(d$w, 1:9, 0)),
      list(offset = d$o), list(alpha = 0.5, weights = d$w, offset = d$o), list(intercept = FALSE), list(standardize = FALSE),
      list(intercept = FALSE, standardize = FALSE, alpha = 0.5), list(penalty.factor = pf), list(penalty.factor = pf, alpha = 0.5, exclude = 1),
      list(lower.limits = -0.1, upper.limits = 0.2), list(lower.limits = 0), list(upper.limits = 0.05, alpha = 0.5)
    )) {
      label <- paste(s$n, s$p, s$K, paste(names(set), set$alpha, collapse = " "))
      do.call(expect_exact_classes, c(list(d$x, d$y, nlambda = 25, lambda.min.ratio = 0.02, label = label), set))
    }
  }
})

test_that("the verifier rejects coefficients that are not optimal, and agrees with kkt()", {
  d <- make_classes(60, 40, 3, seed = 2203)
  f <- sparsepath(d$x, d$y, family = "multinomial", lambda = c(0.1, 0.05), weights = d$w, offset = d$o, alpha = 0.7)
  judge <- function(f) verify_classes(d$x, d$y, f$lambda, f$a0, f$beta, alpha = 0.7, weights = d$w, offset = d$o)
  own <- function(f) kkt(f, d$x, d$y, weights = d$w, offset = d$o)
  expect_lt(max(judge(f)$gap), 1e-9)
  expect_lt(max(own(f)$rel.gap), 1e-9)
  g <- f
  g$beta[[2]][3, ] <- 0.2
  v <- judge(g)
  k <- own(g)
  expect_true(all(v$gap > 1e-4 & v$kkt > 1e-2))
  expect_equal(k$objective, v$objective, tolerance = 1e-12)
  expect_equal(k$kkt, v$kkt, tolerance = 1e-8)
  # a lower bound of the same optimum, whichever way it was found
  expect_true(all(k$dual <= judge(f)$objective + 1e-10))
  g <- f
  g$a0 <- g$a0 + c(0.1, 0, -0.1)
  expect_true(all(judge(g)$score > 1e-3 & own(g)$kkt > 1e-3))
})

test_that("kkt() takes fits, lists of coefficients and fits of other packages", {
  d <- iris_data()
  f <- sparsepath(d$x, d$y, family = "multinomial", lambda = c(0.1, 0.02))
  a <- kkt(f, d$x, d$y)
  expect_equal(kkt(coef(f), d$x, d$y, lambda = f$lambda, family = "multinomial"), a, ignore_attr = TRUE)
  expect_equal(kkt(list(a0 = f$a0, beta = f$beta, lambda = f$lambda), d$x, d$y, family = "multinomial"), a, ignore_attr = TRUE)
  expect_refused(kkt(coef(f)[1:2], d$x, d$y, lambda = f$lambda, family = "multinomial"), "type")
})

test_that("lambda_max is its closed form, and the model there is the null model", {
  d <- make_classes(60, 80, 3, seed = 2204)
  pf <- replace(with_seed(2205, runif(80, 0.2, 2)), 5, Inf)
  for (s in list(list(), list(alpha = 0.5), list(weights = d$w), list(penalty.factor = pf))) {
    w <- if (is.null(s$weights)) rep(1 / 60, 60) else s$weights / sum(s$weights)
    indicator <- vc_response(d$y)
    xc <- scale(d$x, colSums(w * d$x), FALSE)
    v <- if (is.null(s$penalty.factor)) rep(1, 80) else replace(pf, 5, 1) * 80 / sum(replace(pf, 5, 1))
    z <- abs(crossprod(xc, w * scale(indicator, colSums(w * indicator), FALSE))) / sqrt(colSums(w * xc^2)) / v
    if (!is.null(s$penalty.factor)) z[5, ] <- 0
    top <- max(z) / (if (is.null(s$alpha)) 1 else s$alpha)
    f <- do.call(sparsepath, c(list(d$x, d$y, family = "multinomial", nlambda = 5), s))
    expect_equal(f$lambda[1], top, tolerance = 1e-10)
    f <- do.call(sparsepath, c(list(d$x, d$y, family = "multinomial", lambda = top * c(3, 1 + 1e-9, 1 - 1e-4)), s))
    expect_identical(as.integer(f$df > 0), c(0L, 0L, 1L))
    share <- log(colSums(w * indicator))
    expect_equal(unname(f$a0[, 1]), unname(share - mean(share)), tolerance = 1e-12)
  }
})

test_that("lambda = 0 is maximum likelihood", {
  skip_if_not_installed("nnet")
  d <- make_classes(300, 5, 3, effect = 0.5, columns = 2, seed = 2206)
  ml <- function(...) nnet::multinom(d$y ~ d$x, trace = FALSE, maxit = 2000, reltol = 1e-15, abstol = 1e-15, ...)
  f <- sparsepath(d$x, d$y, family = "multinomial", lambda = c(0.1, 0))
  b <- vapply(coef(f, s = 0), as.vector, double(6))
  m <- ml()
  expect_equal(unname(t(b[, 2:3] - b[, 1])), unname(coef(m)), tolerance = 1e-5)
  expect_equal(deviance(f)[2], deviance(m), tolerance = 1e-9)
  expect_equal(as.vector(logLik(f))[2], as.vector(logLik(m)), tolerance = 1e-9)
  expect_identical(attr(logLik(f), "df")[2], attr(logLik(m), "df") + 0)
  f <- sparsepath(d$x, d$y, family = "multinomial", lambda = 0, weights = d$w)
  b <- vapply(coef(f), as.vector, double(6))
  expect_equal(unname(t(b[, 2:3] - b[, 1])), unname(coef(ml(weights = d$w))), tolerance = 1e-5)
  # unpenalized columns above lambda_max; their coefficients sum to zero over the classes
  f <- sparsepath(cbind(d$x, with_seed(1, rnorm(300))), d$y, family = "multinomial", lambda = 5, penalty.factor = rep(0:1, c(5, 1)))
  b <- vapply(coef(f), as.vector, double(7))
  expect_equal(unname(t(b[1:6, 2:3] - b[1:6, 1])), unname(coef(m)), tolerance = 1e-5)
  expect_lt(max(abs(rowSums(b))), 1e-12)
})

test_that("separated classes at lambda = 0 end within the promised gap of the infimum", {
  d <- iris_data()
  for (lambda in list(0, c(0.1, 0), c(1e-2, 1e-4, 1e-6, 0))) {
    f <- sparsepath(d$x, d$y, family = "multinomial", lambda = lambda)
    expect_true(all(f$status == 0))
    expect_lt(abs(deviance(f)[length(lambda)] - deviance(glm(iris$Species[51:150] == "virginica" ~ d$x[51:150, ], family = binomial,
      control = list(epsilon = 1e-14)))), 1e-4) # one class is apart from the other two
  }
})

test_that("two classes are the binomial path: the same lambda for the lasso, twice the lambda for ridge", {
  d <- make_classes(60, 90, 2, seed = 2207)
  f <- sparsepath(d$x, d$y, family = "multinomial", nlambda = 30)
  g <- sparsepath(d$x, d$y, family = "binomial", nlambda = 30)
  expect_equal(f$lambda, g$lambda, tolerance = 1e-12)
  expect_identical(length(f$beta[[1]]@x), 0L) # of an even number of classes, the first middle one is zero
  expect_equal(as.matrix(f$beta[[2]]), as.matrix(g$beta), tolerance = 1e-9)
  expect_equal(f$a0[2, ] - f$a0[1, ], g$a0, tolerance = 1e-9)
  expect_equal(f$dev.ratio, g$dev.ratio, tolerance = 1e-9)
  lambda <- c(0.5, 0.05)
  f <- sparsepath(d$x, d$y, family = "multinomial", alpha = 0, lambda = 2 * lambda)
  g <- sparsepath(d$x, d$y, family = "binomial", alpha = 0, lambda = lambda)
  expect_equal(as.matrix(f$beta[[2]] - f$beta[[1]]), as.matrix(g$beta), tolerance = 1e-9)
  # lambda alpha |d| + lambda (1 - alpha) d^2 / 4
  alpha <- 0.6
  mu <- lambda * (alpha + (1 - alpha) / 2)
  f <- sparsepath(d$x, d$y, family = "multinomial", alpha = alpha, lambda = lambda)
  g <- sparsepath(d$x, d$y, family = "binomial", alpha = alpha / (alpha + (1 - alpha) / 2), lambda = mu)
  expect_equal(as.matrix(f$beta[[2]] - f$beta[[1]]), as.matrix(g$beta), tolerance = 1e-8)
})

test_that("the level of coefficients is settled: median zero under the lasso, order of the classes without meaning", {
  for (K in 3:5) {
    d <- make_classes(80, 60, K, effect = 2, columns = 20, seed = 2208)
    f <- sparsepath(d$x, d$y, family = "multinomial")
    b <- array(stacked(f), c(60, K, length(f$lambda)))
    middle <- apply(b, c(1, 3), function(v) sort(v)[c((K + 1) %/% 2, K %/% 2 + 1)])
    expect_true(all(apply(middle == 0, 2:3, any)))
    swapped <- factor(d$y, levels = rev(levels(d$y)))
    g <- sparsepath(d$x, swapped, family = "multinomial")
    expect_equal(contrast(predict(f, d$x))[, levels(d$y), ], contrast(predict(g, d$x))[, levels(d$y), ], tolerance = 1e-8)
    if (K %% 2) for (k in levels(d$y)) expect_equal(f$beta[[k]], g$beta[[k]], tolerance = 1e-7)
  }
})

test_that("weights are replication, counts are replication, proportions go with trials", {
  d <- make_classes(50, 30, 3, seed = 2209)
  times <- with_seed(2210, sample(0:3, 50, TRUE))
  i <- rep(1:50, times)
  lambda <- sparsepath(d$x, d$y, family = "multinomial")$lambda[seq(2, 80, 6)]
  a <- sparsepath(d$x, d$y, family = "multinomial", weights = times, lambda = lambda)
  b <- sparsepath(d$x[i, ], d$y[i], family = "multinomial", lambda = lambda)
  expect_equal(stacked(a), stacked(b), tolerance = 1e-9)
  expect_equal(a$a0, b$a0, tolerance = 1e-9)
  expect_equal(a$nulldev, b$nulldev, tolerance = 1e-10)
  counts <- with_seed(2211, matrix(rpois(150, 1.5), 50, dimnames = list(NULL, letters[1:3])))
  row <- rep(1:50, 3)
  use <- rep(seq_along(row), counts)
  a <- sparsepath(d$x, counts, family = "multinomial", lambda = lambda)
  b <- sparsepath(d$x[row[use], ], factor(letters[rep(1:3, each = 50)][use]), family = "multinomial", lambda = lambda)
  expect_equal(stacked(a), stacked(b), tolerance = 1e-8) # up to the moments of the columns: the same weighted sums
  trials <- rowSums(counts)
  c <- sparsepath(d$x, counts / pmax(trials, 1), family = "multinomial", weights = trials, lambda = lambda)
  expect_equal(stacked(a), stacked(c), tolerance = 1e-9)
  expect_equal(sparsepath(d$x, vc_response(d$y), family = "multinomial", lambda = lambda)$beta, sparsepath(d$x, as.integer(d$y), family = "multinomial", lambda = lambda)$beta)
})

test_that("an offset common to all classes changes nothing; offsets are fixed coefficients", {
  d <- make_classes(60, 30, 3, seed = 2212)
  lambda <- c(0.1, 0.03)
  f <- sparsepath(d$x, d$y, family = "multinomial", lambda = lambda)
  g <- sparsepath(d$x, d$y, family = "multinomial", lambda = lambda, offset = matrix(d$o[, 1], 60, 3))
  expect_equal(stacked(f), stacked(g), tolerance = 1e-8)
  shift <- c(1, -2, 1)
  g <- sparsepath(d$x, d$y, family = "multinomial", lambda = lambda, offset = matrix(shift, 60, 3, byrow = TRUE))
  expect_equal(stacked(f), stacked(g), tolerance = 1e-8)
  expect_equal(f$a0, g$a0 + shift, tolerance = 1e-8)
})

test_that("sparse = dense, screening on = off, threads 1 = 2, cd = auto", {
  for (K in c(3, 4)) {
    d <- make_classes(70, 200, K, effect = 2, seed = 2213)
    x <- d$x * (abs(d$x) > 1)
    s <- Matrix::Matrix(x, sparse = TRUE)
    f <- sparsepath(x, d$y, family = "multinomial", nlambda = 40)
    for (g in list(
      sparsepath(s, d$y, family = "multinomial", nlambda = 40),
      sparsepath(x, d$y, family = "multinomial", nlambda = 40, control = sparsepath.control(screen = FALSE)),
      sparsepath(x, d$y, family = "multinomial", nlambda = 40, control = sparsepath.control(solver = "cd"))
    )) {
      expect_equal(g$lambda, f$lambda, tolerance = 1e-12)
      expect_lt(max(abs(stacked(g) - stacked(f))) / max(abs(stacked(f))), 1e-7)
    }
    g <- sparsepath(x, d$y, family = "multinomial", nlambda = 40, control = sparsepath.control(threads = 2))
    expect_identical(g$beta, f$beta)
    expect_identical(g$a0, f$a0)
  }
})

test_that("columns far from their mean, copies, constants and tiny classes", {
  d <- make_classes(60, 20, 3, seed = 2214)
  x <- cbind(d$x, d$x[, 1:2], 3, d$x[, 3] * 1e-6 + 1, d$x[, 4] * 1e5 + 1e7)
  expect_exact_classes(x, d$y, nlambda = 30, lambda.min.ratio = 0.02, kkt = 1e-5)
  y <- factor(c("rare", rep(c("a", "b"), c(30, 29))))
  expect_exact_classes(d$x, y, nlambda = 30, lambda.min.ratio = 0.02)
})

test_that("relaxed fits are unpenalized fits of the variables that any class has selected", {
  d <- make_classes(200, 12, 3, effect = 0.6, seed = 2215)
  f <- sparsepath(d$x, d$y, family = "multinomial", relax = TRUE, nlambda = 20, lambda.min.ratio = 0.1)
  l <- which(f$df >= 3 & f$df <= 6)[1]
  used <- which(rowSums(vapply(f$beta, function(b) b[, l] != 0, logical(12))) > 0)
  g <- sparsepath(d$x[, used], d$y, family = "multinomial", lambda = 0)
  s <- f$lambda[l]
  p <- predict(f, d$x, s = s, gamma = 0)
  expect_equal(contrast(p), contrast(predict(g, d$x[, used])), tolerance = 1e-4, ignore_attr = TRUE)
  expect_equal(predict(f, d$x, s = s, gamma = 0.3), 0.3 * predict(f, d$x, s = s) + 0.7 * p, tolerance = 1e-10)
  expect_s3_class(f, "sparsepath_relaxed")
  expect_output(print(f), "relaxed: all")
})
