test_that("without classes the draw is that of cv.glmnet()", {
  set.seed(4)
  ours <- draw_folds(23, 5, NULL)
  set.seed(4)
  expect_identical(ours, sample(rep(seq(5), length = 23)))
})

test_that("folds are stratified by class", {
  classes <- rep(0:1, c(33, 14))
  set.seed(1)
  for (k in c(2, 5, 10)) {
    folds <- draw_folds(47, k, classes)
    counts <- table(classes, folds)
    expect_lte(max(apply(counts, 1, function(r) diff(range(r)))), 1)
    expect_lte(diff(range(colSums(counts))), 1)
  }
})

test_that("set.seed() governs the folds", {
  p <- make_problem(40, 6)
  draw <- function(seed) {
    set.seed(seed)
    cv.sparsepath(p$x, p$y, nfolds = 4)$foldid
  }
  expect_identical(draw(1), draw(1))
  expect_false(identical(draw(1), draw(2)))
})

test_that("a given foldid draws nothing", {
  p <- make_problem(40, 6)
  set.seed(1)
  before <- .Random.seed
  cv <- cv.sparsepath(p$x, p$y, foldid = p$fold)
  expect_identical(.Random.seed, before)
  expect_identical(cv$foldid, p$fold)
})

test_that("foldid with gaps, factors and matrices", {
  folds <- check_foldid(rep(c(2, 7, 9), 4), 12, NULL)
  expect_identical(folds[, 1], rep(1:3, 4))
  expect_identical(check_foldid(gl(3, 4), 12, NULL)[, 1], rep(1:3, each = 4))
  expect_identical(dim(check_foldid(matrix(1:3, 12, 2), 12, NULL)), c(12L, 2L))
  expect_refused(check_foldid(rep(1, 12), 12, NULL), "folds")
  expect_refused(check_foldid(rep(c(0, 1), 6), 12, NULL), "range")
  expect_refused(check_foldid(rep(c(1.5, 1), 6), 12, NULL), "range")
  expect_refused(check_foldid(letters[1:12], 12, NULL), "type")
})

test_that("more folds than observations become leave-one-out", {
  p <- make_problem(12, 4)
  w <- warnings_of(cv <- cv.sparsepath(p$x, p$y, nfolds = 20))
  expect_identical(sort(cv$foldid), 1:12)
  expect_true(any(vapply(w, inherits, NA, "sparsepath_warning_folds")))
})

test_that("tasks: the full fit, then every fold with its rows at weight zero", {
  folds <- cbind(rep(1:3, 4), rep(1:2, 6))
  tasks <- fold_tasks(1:12, folds)
  expect_identical(dim(tasks$weights), c(12L, 6L))
  expect_equal(tasks$weights[, 1], 1:12)
  for (i in 1:12) {
    expect_identical(which(tasks$weights[i, ] == 0), c(1L + folds[i, 1], 4L + folds[i, 2]))
    expect_identical(tasks$heldout[i, ], c(1L + folds[i, 1], 4L + folds[i, 2]))
  }
})

test_that("folds that leave nothing to fit are refused", {
  p <- make_problem(12, 4)
  lone <- c(1, rep(0, 11))
  expect_refused(cv.sparsepath(p$x, lone, family = "binomial", nfolds = 3), "folds")
  expect_refused(cv.sparsepath(p$x, rep(0:1, each = 6), family = "binomial", foldid = rep(1:2, each = 6)), "folds")
  expect_refused(cv.sparsepath(p$x, lone, nfolds = 3), "folds")
  expect_match(
    message_of(cv.sparsepath(p$x, rep(0:1, each = 6), family = "binomial", foldid = cbind(1:2, rep(1:2, each = 6)))),
    "fold 1 of replicate 2"
  )
})

test_that("clusters stay together, and folds are balanced as far as they allow", {
  cluster <- with_seed(3, sample(sprintf("p%02d", 1:20), 120, TRUE))
  z <- with_seed(4, rbinom(20, 1, 0.4))[as.integer(factor(cluster))]
  p <- make_problem(120, 10, seed = 5)
  for (family in c("gaussian", "binomial")) {
    y <- if (family == "gaussian") p$y else z
    cv <- with_seed(6, cv.sparsepath(p$x, y, family = family, cluster = cluster, nfolds = 4, repeats = 3, nlambda = 10))
    expect_identical(dim(cv$foldid), c(120L, 3L))
    for (r in 1:3) {
      expect_true(all(tapply(cv$foldid[, r], cluster, function(f) length(unique(f))) == 1))
      expect_setequal(cv$foldid[, r], 1:4)
      rows <- if (family == "gaussian") table(cv$foldid[, r]) else table(cv$foldid[y == 1, r])
      expect_lte(diff(range(rows)), max(table(cluster))) # a greedy filling is never off by more than one cluster
    }
    expect_false(identical(cv$foldid[, 1], cv$foldid[, 2]))
    same <- cv.sparsepath(p$x, y, family = family, foldid = cv$foldid, nlambda = 10)
    expect_identical(same$cvm, cv$cvm)
  }
  one_each <- with_seed(7, draw_cluster_folds(1:10, 10, NULL))
  expect_setequal(one_each, 1:10)
  expect_setequal(with_seed(7, draw_cluster_folds(rep(1:5, 2), 5, rep(0:1, 5))), 1:5)
})

test_that("clusters are checked", {
  p <- make_problem(30, 5, seed = 5)
  fit <- function(...) cv.sparsepath(p$x, p$y, nlambda = 5, ...)
  expect_refused(fit(cluster = 1:29), "length")
  expect_refused(fit(cluster = rep(1, 30)), "folds")
  expect_refused(fit(cluster = replace(1:30, 4, NA)), "nonfinite")
  expect_refused(fit(cluster = list(1)), "type")
  expect_refused(fit(cluster = rep(1:6, 5), foldid = rep(1:6, 5)), "unknown_argument")
  w <- warnings_of(cv <- fit(cluster = rep(1:6, 5)))
  expect_s3_class(w[[1]], "sparsepath_warning_folds")
  expect_identical(max(cv$foldid), 6L)
  d <- data.frame(p$x, y = p$y, id = rep(1:6, 5))
  cv <- cv.sparsepath(y ~ . - id, d, cluster = id, nfolds = 3)
  expect_true(all(tapply(cv$foldid, d$id, function(f) length(unique(f))) == 1))
})
