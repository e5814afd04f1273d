# The formula interface against model.matrix() and the matrix interface.

frame <- with_seed(31, {
  n <- 80
  d <- data.frame(
    a = rnorm(n), b = runif(n, 1, 4), tree = factor(sample(c("oak", "pine", "fir"), n, TRUE)),
    soil = sample(c("clay", "sand"), n, TRUE), wet = sample(c(TRUE, FALSE), n, TRUE), w = runif(n, 0.5, 2), o = rnorm(n) / 3
  )
  d$y <- d$a + (d$tree == "oak") - d$wet * d$b / 2 + rnorm(n) / 2
  d$z <- factor(ifelse(d$y > median(d$y), "high", "low"), levels = c("low", "high"))
  d
})
one_hot <- function(v) outer(v, if (is.factor(v)) levels(v) else sort(unique(v)), "==") + 0
by_hand <- cbind(
  a = frame$a, b = frame$b, one_hot(as.character(frame$tree)), one_hot(frame$soil), wet = frame$wet + 0
)
colnames(by_hand)[3:7] <- c("treefir", "treeoak", "treepine", "soilclay", "soilsand")

test_that("the columns are those written by hand, for formula, data frame and make_x()", {
  f <- sparsepath(y ~ a + b + tree + soil + wet, frame)
  x <- sparsepath(by_hand, frame$y)
  expect_identical(f$varnames, colnames(by_hand))
  expect_identical(f$beta, x$beta)
  expect_identical(f$lambda, x$lambda)
  part <- frame[c("a", "b", "tree", "soil", "wet")]
  expect_identical(sparsepath(part, frame$y)$beta, x$beta)
  expect_identical(sparsepath(make_x(part), frame$y)$beta, x$beta)
  expect_equal(sparsepath(make_x(part, sparse = TRUE), frame$y)$beta, x$beta, tolerance = 1e-9)
  m <- make_x(part)
  attr(m, "encoding") <- NULL
  expect_identical(m, by_hand)
  expect_equal(as.matrix(make_x(part, sparse = TRUE)), by_hand, ignore_attr = "encoding")
})

test_that("interactions, transformations, `.` and `- 1` mean what they mean in lm()", {
  d <- frame[c("y", "a", "b", "tree")]
  contrasts <- list(tree = contrasts(d$tree, contrasts = FALSE))
  for (f in list(y ~ ., y ~ a * b, y ~ a:tree + b, y ~ tree:b, y ~ poly(a, 3) + log(b), y ~ I(a^2) + tree, y ~ . - a, y ~ (a + b + tree)^2)) {
    tt <- stats::delete.response(terms(f, data = d))
    m <- if ("tree" %in% all.vars(tt)) model.matrix(tt, d, contrasts.arg = contrasts) else model.matrix(tt, d)
    m <- m[, -1, drop = FALSE]
    mine <- sparsepath(f, d)
    expect_identical(mine$varnames, colnames(m))
    expect_equal(mine$beta, sparsepath(m, d$y)$beta, tolerance = 1e-12)
    expect_equal(sparsepath(f, d, sparse = TRUE)$beta, mine$beta, tolerance = 1e-8)
  }
  without <- sparsepath(y ~ a + b - 1, d)
  expect_false(without$intercept)
  expect_equal(without$beta, sparsepath(as.matrix(d[c("a", "b")]), d$y, intercept = FALSE)$beta)
  expect_refused(sparsepath(y ~ a - 1, d, intercept = TRUE), "unknown_argument")
})

test_that("treatment contrasts", {
  f <- sparsepath(y ~ a * tree + soil, frame, contrasts = "treatment")
  m <- model.matrix(~ a * tree + soil, frame)[, -1]
  expect_identical(f$varnames, colnames(m))
  expect_equal(f$beta, sparsepath(m, frame$y)$beta, tolerance = 1e-12)
  expect_identical(colnames(make_x(frame["tree"], contrasts = "treatment")), c("treeoak", "treepine"))
})

test_that("at lambda = 0 the formula gives lm() and glm()", {
  f <- sparsepath(y ~ a * tree + wet + offset(o), frame, weights = w, lambda = 0, contrasts = "treatment")
  reference <- lm(y ~ a * tree + wet + offset(o), frame, weights = w)
  expect_equal(coef(f)[, 1], coef(reference), tolerance = 1e-8, ignore_attr = TRUE)
  expect_equal(predict(f, newdata = frame)[, 1], predict(reference, frame), tolerance = 1e-8, ignore_attr = TRUE)
  g <- sparsepath(z ~ b + tree + log(b), frame, family = "binomial", lambda = 0, contrasts = "treatment")
  reference <- glm(z ~ b + tree + log(b), binomial, frame)
  expect_equal(coef(g)[, 1], coef(reference), tolerance = 1e-6, ignore_attr = TRUE)
})

test_that("weights, offset, subset are evaluated in data", {
  keep <- frame$b > 1.5
  f <- sparsepath(y ~ a + tree, frame, weights = w^2, offset = o, subset = b > 1.5)
  x <- sparsepath(make_x(frame[keep, c("a", "tree")]), frame$y[keep], weights = frame$w[keep]^2, offset = frame$o[keep])
  expect_identical(f$beta, x$beta)
  both <- sparsepath(y ~ a + tree + offset(2 * o), frame, offset = o)
  expect_equal(both$beta, sparsepath(make_x(frame[c("a", "tree")]), frame$y, offset = 3 * frame$o)$beta)
})

test_that("counts and classes on the left", {
  d <- transform(frame, k = round(b), m = 5)
  f <- sparsepath(cbind(m - k, k) ~ a + tree, d, family = "binomial")
  expect_equal(f$beta, sparsepath(make_x(d[c("a", "tree")]), cbind(d$m - d$k, d$k), family = "binomial")$beta)
  expect_identical(sparsepath(z ~ a, frame, family = "binomial")$classnames, c("low", "high"))
  expect_identical(sparsepath(z ~ a, frame, "binomial")$family, "binomial")
})

test_that("missing values: left out as in lm(), said in print(), or refused", {
  d <- frame
  d$a[3] <- NA
  d$tree[7] <- NA
  d$y[9] <- NA
  f <- sparsepath(y ~ a + tree, d)
  expect_identical(f$nobs, 77L)
  expect_equal(f$beta, sparsepath(y ~ a + tree, d[-c(3, 7, 9), ])$beta)
  expect_identical(unclass(f$na.action), unclass(lm(y ~ a + tree, d)$na.action))
  expect_match(utils::capture.output(print(f)), "3 rows with missing values left out", all = FALSE)
  e <- expect_refused(sparsepath(y ~ a + tree, d, na.action = na.pass), "nonfinite")
  expect_match(conditionMessage(e), "`y`, row 9")
  e <- expect_refused(sparsepath(y ~ a + tree, d, na.action = na.fail), "nonfinite")
  expect_match(conditionMessage(e), "`y`, row 9, and 2 more")
  expect_refused(sparsepath(d[c("a", "b")], frame$y), "nonfinite")
  expect_refused(sparsepath(d[c("b", "tree")], frame$y), "nonfinite")
  expect_refused(sparsepath(make_x(d[c("b", "tree")], sparse = TRUE), frame$y), "nonfinite")
  # new data: NA in, NA out, for formulas
  for (sparse in c(FALSE, TRUE)) {
    g <- sparsepath(y ~ a + tree, frame, sparse = sparse)
    p <- predict(g, newdata = d)
    expect_identical(unname(which(is.na(p[, 50]))), c(3L, 7L))
    expect_equal(p[-c(3, 7), ], predict(g, frame)[-c(3, 7), ], tolerance = 1e-12)
  }
})

test_that("predictions do not depend on order, further columns or lost levels of new data", {
  fits <- list(
    sparsepath(y ~ a * tree + soil + wet + poly(b, 2), frame), sparsepath(frame[c("a", "tree", "soil", "wet", "b")], frame$y),
    sparsepath(make_x(frame[c("a", "tree", "soil", "wet", "b")], sparse = TRUE), frame$y)
  )
  for (f in fits) {
    all <- predict(f, frame, s = 0.02)
    expect_equal(unname(predict(f, newdata = frame[5, rev(names(frame))], s = 0.02)), unname(all[5, , drop = FALSE]))
    d <- frame[11:14, ]
    d$tree <- as.character(d$tree)
    d$soil <- factor(d$soil)
    expect_equal(unname(predict(f, d, s = 0.02)), unname(all[11:14, , drop = FALSE]))
    expect_equal(predict(f, frame, s = 0.02, type = "response"), fitted(f, frame, s = 0.02))
  }
  expect_equal(unname(predict(fits[[2]], frame)), unname(predict(sparsepath(by_hand[, c(1, 3:8, 2)], frame$y), by_hand)))
  # the matrix works as well
  expect_equal(predict(fits[[2]], by_hand), predict(fits[[2]], frame), ignore_attr = TRUE)
})

test_that("tibbles and data.tables", {
  part <- frame[c("a", "tree", "wet")]
  reference <- sparsepath(part, frame$y)
  for (package in c("tibble", "data.table")) {
    if (!requireNamespace(package, quietly = TRUE)) next
    as <- getExportedValue(package, if (package == "tibble") "as_tibble" else "as.data.table")
    expect_identical(sparsepath(as(part), frame$y)$beta, reference$beta)
    expect_equal(predict(reference, as(frame)), predict(reference, frame), ignore_attr = TRUE)
    expect_equal(sparsepath(y ~ a + tree + wet, as(frame))$beta, reference$beta)
    numbers <- sparsepath(as(frame[c("a", "b")]), frame$y)
    expect_equal(predict(numbers, as(frame[c("b", "w", "a")])), predict(numbers, as.matrix(frame[c("a", "b")])), ignore_attr = TRUE)
  }
  succeed()
})

test_that("errors name variable and level", {
  f <- sparsepath(y ~ a + tree, frame)
  g <- sparsepath(frame[c("a", "tree")], frame$y)
  for (fit in list(f, g)) {
    e <- expect_refused(predict(fit, newdata = data.frame(a = 1:2, tree = c("oak", "elm"))), "levels")
    expect_identical(e$levels, "elm")
    expect_identical(e$variable, "tree")
    e <- expect_refused(predict(fit, newdata = data.frame(a = 1)), "names")
    expect_identical(e$missing, "tree")
    expect_refused(predict(fit, newdata = data.frame(a = 1, tree = 2)), "type")
    expect_refused(predict(fit, newdata = data.frame(a = "1", tree = "oak")), "type")
  }
  d <- transform(frame, day = as.Date("2020-01-01") + seq_len(80))
  e <- expect_refused(sparsepath(d[c("a", "day")], d$y), "type")
  expect_identical(e$variable, "day")
  expect_refused(sparsepath(y ~ a + day, d), "type")
  expect_s3_class(sparsepath(y ~ a + as.numeric(day), d), "sparsepath")
  d$l <- as.list(d$a)
  expect_refused(make_x(d), "type")
  e <- expect_refused(sparsepath(y ~ a + tre, frame), "names")
  expect_match(conditionMessage(e), "Did you mean \"tree\"")
  expect_refused(sparsepath(~ a, frame), "formula")
  expect_refused(sparsepath(y ~ 1, frame), "formula")
  expect_refused(sparsepath(y ~ a, as.matrix(1:3)), "type")
  expect_refused(sparsepath(y ~ a, frame, lamda = 1), "unknown_argument")
  expect_refused(sparsepath(y ~ a, frame, subset = a > 100), "dimension")
  expect_refused(sparsepath(data = frame, y = 1), "unknown_argument")
  expect_refused(make_x(1), "type")
  expect_refused(make_x(frame, like = 1), "type")
  expect_refused(make_x(frame[0, ]), "dimension")
})

test_that("offset() terms are computed from new data", {
  f <- sparsepath(y ~ a + offset(o), frame)
  plain <- sparsepath(as.matrix(frame["a"]), frame$y, offset = frame$o)
  expect_equal(unname(predict(f, frame)), unname(predict(plain, as.matrix(frame["a"]), newoffset = frame$o)))
  expect_equal(unname(predict(f, frame, newoffset = 0 * frame$o)), unname(predict(plain, as.matrix(frame["a"]), newoffset = 0 * frame$o)))
  e <- expect_refused(predict(f, frame["a"]), "names")
  expect_identical(e$missing, "o")
  g <- sparsepath(y ~ a, frame, offset = o)
  expect_refused(predict(g, frame), "missing_argument")
})

test_that("formula(), terms(), update(), kkt(), residuals()", {
  f <- sparsepath(y ~ . - w - o - z, frame)
  expect_identical(attr(terms(f), "term.labels"), c("a", "b", "tree", "soil", "wet"))
  expect_s3_class(formula(f), "formula")
  expect_refused(formula(sparsepath(by_hand, frame$y)), "data")
  g <- update(f, . ~ a + tree, alpha = 0.5)
  expect_identical(g$beta, sparsepath(y ~ a + tree, frame, alpha = 0.5)$beta)
  expect_identical(f$call, quote(sparsepath(formula = y ~ . - w - o - z, data = frame)))
  expect_lt(max(kkt(f, frame)$rel.gap), 1e-7)
  expect_equal(residuals(f, frame), frame$y - fitted(f, frame))
  s <- 0.7 * f$lambda[20] + 0.3 * f$lambda[21]
  expect_equal(predict(f, frame, s = s, exact = TRUE, x = frame, y = frame$y), predict(f, frame, s = s), tolerance = 0.01)
  expect_identical(unserialize(serialize(g$encoding$columns, NULL)), g$varnames)
})

test_that("cross-validation by formula", {
  fold <- with_seed(5, sample(rep_len(1:5, 80)))
  d <- transform(frame, fold = fold)
  d$a[2] <- NA
  cv <- cv.sparsepath(y ~ a + tree + wet, d, foldid = fold, weights = w, type.measure = "mae")
  x <- make_x(d[-2, c("a", "tree", "wet")])
  ref <- cv.sparsepath(x, d$y[-2], foldid = fold[-2], weights = d$w[-2], type.measure = "mae")
  expect_identical(cv$cvm, ref$cvm)
  expect_identical(cv$lambda.1se, ref$lambda.1se)
  expect_equal(predict(cv, newdata = frame, s = "lambda.min"), predict(ref, frame, s = "lambda.min"), ignore_attr = TRUE)
  expect_equal(predict(cv, frame), predict(ref, frame), ignore_attr = TRUE)
  expect_identical(cv$call[[1]], quote(cv.sparsepath))
  expect_identical(cv$fit$call, quote(sparsepath(formula = y ~ a + tree + wet, data = d, weights = w)))
  expect_s3_class(update(cv, . ~ . - tree), "cv.sparsepath")
  expect_s3_class(formula(cv), "formula")
  expect_refused(cv.sparsepath(y ~ a, d, nfold = 3), "unknown_argument")
  expect_false(cv.sparsepath(y ~ a + b - 1, frame, foldid = fold)$fit$intercept)
})

test_that("a formula inside a function sees the variables there", {
  inside <- function(k) {
    y <- frame$y
    v <- frame$a
    list(fit = sparsepath(y ~ poly(v, k)), v = v)
  }
  r <- inside(3)
  expect_identical(nrow(r$fit$beta), 3L)
  expect_equal(dim(predict(r$fit, newdata = data.frame(v = r$v[1:4]))), c(4L, length(r$fit$lambda)))
  expect_refused(predict(r$fit, newdata = data.frame(u = 1)), "names")
  wrapper <- function(...) sparsepath(...)
  expect_identical(wrapper(y ~ a, frame)$beta, sparsepath(y ~ a, frame)$beta)
})

test_that("make_x() takes a formula, and its matrix stands for it", {
  for (f in list(~ a * tree, ~ poly(a, 2) + soil:wet + log(b), y ~ a + tree - 1)) {
    m <- make_x(f, frame)
    expect_identical(attributes(make_x(frame, formula = f)), attributes(m))
    full <- stats::update(f, y ~ . + 1)
    fit <- sparsepath(full, frame, nlambda = 20)
    mine <- sparsepath(m, frame$y, nlambda = 20)
    expect_identical(mine$beta, fit$beta)
    expect_identical(predict(mine, frame[7:3, ]), predict(fit, frame[7:3, ]))
    expect_equal(as.matrix(make_x(f, frame, sparse = TRUE)), m, ignore_attr = TRUE)
    expect_equal(make_x(frame[4:9, ], like = m), m[4:9, ], ignore_attr = "encoding", tolerance = 1e-12)
  }
  expect_identical(colnames(make_x(~tree, frame, contrasts = "treatment")), c("treeoak", "treepine"))
  expect_refused(make_x(~tree), "missing_argument")
  expect_refused(make_x(~tre, frame), "names")
  expect_refused(make_x(~ a + offset(o), frame), "formula")
  expect_refused(make_x(frame, like = make_x(frame["a"]), formula = ~a), "unknown_argument")
  expect_refused(make_x(~ a + log(tree), frame), "formula")
  expect_identical(nrow(make_x(~a, transform(frame, a = replace(a, 2, NA)))), 80L) # rows stay
  expect_output(print(make_x(~ a + tree, frame)), "predict() takes data frames", fixed = TRUE)
})

test_that("missing values are replaced by means, in new data by the same means", {
  d <- frame[c("a", "tree", "wet", "y")]
  d$a[c(3, 9)] <- NA
  d$tree[7] <- NA
  d$wet[3] <- NA
  by_hand <- cbind(a = d$a, one_hot(as.character(d$tree)), wet = d$wet + 0)
  colnames(by_hand)[2:4] <- c("treefir", "treeoak", "treepine")
  means <- colMeans(by_hand, na.rm = TRUE)
  for (j in 1:5) by_hand[is.na(by_hand[, j]), j] <- means[j]
  new <- data.frame(wet = NA, tree = "oak", a = c(NA, 1))
  expected <- cbind(a = c(means[["a"]], 1), treefir = 0, treeoak = 1, treepine = 0, wet = means[["wet"]])
  for (sparse in c(FALSE, TRUE)) {
    for (m in list(make_x(d[1:3], sparse = sparse, na.impute = TRUE), make_x(~ a + tree + wet, d, sparse = sparse, na.impute = TRUE))) {
      expect_equal(as.matrix(m), by_hand, ignore_attr = TRUE)
      expect_equal(as.matrix(make_x(new, like = m)), expected, ignore_attr = TRUE)
      fit <- sparsepath(m, frame$y, nlambda = 20)
      expect_equal(predict(fit, new), predict(fit, expected), ignore_attr = TRUE)
      expect_false(anyNA(predict(fit, new)))
    }
  }
  # an interaction: its own columns have means
  m <- make_x(~ a:tree, d, na.impute = TRUE)
  s <- make_x(~ a:tree, d, sparse = TRUE)
  expect_equal(as.matrix(s)[7, ], rep(NA_real_, 3), ignore_attr = TRUE)
  expect_equal(m[7, ], colMeans(as.matrix(s), na.rm = TRUE))
  skip_if_not_installed("glmnet")
  reference <- suppressWarnings(glmnet::makeX(transform(d[1:3], wet = wet + 0), na.impute = TRUE))
  expect_equal(as.matrix(make_x(d[1:3], na.impute = TRUE)), reference, ignore_attr = TRUE)
  expect_refused(make_x(data.frame(a = c(NA_real_, NA), b = 1:2), na.impute = TRUE), "nonfinite")
  expect_refused(make_x(d, na.impute = NA), "type")
})

test_that("the data frame of a formula is enough to fit again, to certify, and for degrees of freedom", {
  d <- frame
  d$a[4] <- NA
  d$y[6] <- NA
  keep <- which(d$b > 1.3 & !is.na(d$a) & !is.na(d$y))
  f <- sparsepath(y ~ poly(b, 2) + a * tree + offset(o), d, weights = w, subset = b > 1.3, alpha = 0.7, nlambda = 30)
  expect_identical(f$nobs, length(keep))
  s <- sqrt(prod(f$lambda[12:13]))
  finer <- update(f, lambda = c(f$lambda[1:12], s))
  expect_equal(coef(f, s = s, exact = TRUE, x = d), coef(finer, s = s), tolerance = 1e-8)
  expect_equal(predict(f, frame, s = s, exact = TRUE, x = d), predict(finer, frame, s = s), tolerance = 1e-8)
  expect_lt(max(kkt(f, d)$rel.gap), 1e-7)
  m <- make_x(frame[keep, ], like = f)
  expect_equal(kkt(f, d), kkt(f, m, d$y[keep], weights = d$w[keep], offset = d$o[keep]))
  expect_equal(effective_df(f, x = d), effective_df(f, x = m, weights = d$w[keep], offset = d$o[keep]))
  expect_refused(coef(f, s = s, exact = TRUE, x = d[-1, ]), "data")
  e <- expect_refused(coef(f, s = s, exact = TRUE, x = d[names(d) != "y"]), "names")
  expect_identical(e$missing, "y")
  g <- do.call(sparsepath, list(y ~ a, frame, weights = frame$w)) # the call has lost the values
  expect_refused(kkt(g, frame), "missing_argument")
  expect_lt(max(kkt(g, frame, weights = frame$w)$rel.gap), 1e-7)
  expect_lt(max(kkt(cv.sparsepath(z ~ a + tree, frame, family = "binomial", nfolds = 3, weights = w), frame)$rel.gap), 1e-7)
})

test_that("residuals of incomplete rows are NA, as predictions are", {
  d <- frame
  d$a[3] <- NA
  d$y[9] <- NA
  f <- sparsepath(y ~ a + tree, d)
  r <- residuals(f, d, s = 0.05)
  expect_identical(which(is.na(r[, 1])), c(`3` = 3L, `9` = 9L))
  expect_equal(r[-c(3, 9), ], frame$y[-c(3, 9)] - predict(f, frame, s = 0.05)[-c(3, 9), ])
  expect_identical(is.na(fitted(f, d, s = 0.05)[, 1]), is.na(d$a), ignore_attr = TRUE)
  expect_true(all(is.na(residuals(f, d[c(3, 9), ], s = 0.05))))
})
