# Measures on given data, against their definitions written out.

p <- make_problem(60, 20, seed = 51)
x <- p$x
z <- factor(p$y > 0, labels = c("low", "high"))
f <- sparsepath(x, p$y, weights = p$w)
b <- sparsepath(x, z, family = "binomial")
s <- c(0.2, 0.05)

test_that("gaussian measures", {
  a <- assess(f, x, p$y, weights = p$w, s = s)
  eta <- predict(f, x, s = s)
  expect_identical(a$lambda, s)
  expect_equal(c(a$mse), unname(colSums(p$w * (p$y - eta)^2) / sum(p$w)), tolerance = 1e-12)
  expect_equal(c(a$mae), unname(colSums(p$w * abs(p$y - eta)) / sum(p$w)), tolerance = 1e-12)
  expect_identical(rownames(a), colnames(eta))
  expect_identical(nrow(assess(f, x, p$y)), length(f$lambda))
  expect_equal(assess(eta, newy = p$y, weights = p$w, family = "gaussian")$mse, a$mse)
})

test_that("binomial measures", {
  a <- assess(b, x, z, weights = p$w, s = s)
  q <- predict(b, x, s = s, type = "response")
  y <- z == "high"
  w <- p$w / sum(p$w)
  expect_equal(c(a$deviance), unname(-2 * colSums(w * log(ifelse(matrix(y, 60, 2), q, 1 - q)))), tolerance = 1e-10)
  expect_equal(c(a$class), unname(colSums(w * ((q > 0.5) != y))), tolerance = 1e-12)
  expect_equal(c(a$mse), unname(colSums(2 * w * (y - q)^2)), tolerance = 1e-12)
  expect_equal(c(a$mae), unname(colSums(2 * w * abs(y - q))), tolerance = 1e-12)
  auc <- function(q) sum(outer(w[y], w[!y]) * (outer(q[y], q[!y], ">") + outer(q[y], q[!y], "==") / 2)) / sum(w[y]) / sum(w[!y])
  expect_equal(c(a$auc), unname(apply(q, 2, auc)), tolerance = 1e-12)
  expect_identical(attr(a$auc, "measure"), "AUC")
  expect_equal(assess(predict(b, x, s = s), newy = z, weights = p$w, family = "binomial")$auc, a$auc)
  # new data may have one class only
  expect_equal(c(assess(b, x[y, ], z[y], s = 0.1)$class), mean(predict(b, x[y, ], s = 0.1) <= 0))
})

test_that("cross-validations, formulas, held-out predictions", {
  cv <- cv.sparsepath(x, z, family = "binomial", foldid = p$fold, keep = TRUE)
  expect_equal(c(assess(cv, x, z)$deviance), c(assess(b, x, z, s = cv$lambda.1se)$deviance))
  held <- assess(cv$fit.preval, newy = z, family = "binomial")
  expect_equal(c(held$deviance), cv$cvm, tolerance = 1e-10)
  d <- data.frame(x, z = z)
  g <- sparsepath(z ~ ., d, family = "binomial")
  expect_equal(assess(g, d, s = 0.1), assess(b, x, z, s = 0.1))
  expect_equal(confusion(g, d, s = 0.1), confusion(b, x, z, s = 0.1))
})

test_that("confusion tables", {
  one <- confusion(b, x, z, s = 0.05)
  expect_identical(c(one), c(table(factor(predict(b, x, s = 0.05, type = "class"), levels(z)), z)) + 0, ignore_attr = TRUE)
  expect_identical(names(dimnames(one)), c("Predicted", "True"))
  expect_output(print(one), "Correct")
  expect_named(confusion(b, x, z, s = s), colnames(predict(b, x, s = s)))
  expect_equal(sum(confusion(b, x, z, weights = p$w, s = 0.05)), sum(p$w))
  counts <- confusion(b, x, cbind(2, rep(1:2, 30)), s = 0.05)
  expect_equal(unname(colSums(counts)), c(120, 90))
  expect_refused(confusion(f, x, p$y), "choice")
})

test_that("ROC curves", {
  r <- roc(b, x, z, s = 0.1)
  eta <- predict(b, x, s = 0.1)[, 1]
  for (i in seq_len(nrow(r))) {
    expect_equal(r$TPR[i], mean(eta[z == "high"] > r$threshold[i]))
    expect_equal(r$FPR[i], mean(eta[z == "low"] > r$threshold[i]))
  }
  expect_equal(attr(r, "auc"), c(assess(b, x, z, s = 0.1)$auc))
  ties <- roc(round(eta), newy = z, weights = p$w, family = "binomial")
  expect_equal(attr(ties, "auc"), c(assess(round(eta), newy = z, weights = p$w, family = "binomial")$auc))
  expect_type(roc(b, x, z, s = s), "list")
  grDevices::pdf(NULL)
  expect_null(plot(r))
  expect_null(plot(r, add = TRUE))
  grDevices::dev.off()
  expect_refused(roc(b, x[z == "low", ], z[z == "low"], s = 0.1), "one_class")
  skip_if_not_installed("pROC")
  expect_equal(attr(r, "auc"), as.numeric(getExportedValue("pROC", "roc")(z, eta, direction = "<", quiet = TRUE)$auc))
})

test_that("concordance", {
  eta <- predict(f, x, s = s)
  pairs <- function(q, y) {
    bigger <- outer(y, y, ">")
    sum(bigger * (outer(q, q, ">") + outer(q, q, "==") / 2)) / sum(bigger)
  }
  expect_equal(concordance_index(eta, p$y), apply(eta, 2, pairs, p$y))
  expect_equal(concordance_index(round(eta[, 1]), round(p$y)), pairs(round(eta[, 1]), round(p$y)))
  expect_equal(concordance_index(eta[, 1], z), attr(roc(eta[, 1], newy = z, family = "binomial"), "auc"))
  expect_identical(concordance_index(1:3, c(1, 1, 1)), NA_real_)
  expect_refused(concordance_index(1:3, 1:2), "length")
  expect_refused(concordance_index(c(1, NA), 1:2), "nonfinite")
  expect_refused(concordance_index(1:3, factor(1:3)), "type")
  skip_if_not_installed("survival")
  time <- with_seed(1, round(rexp(60), 1)) # ties
  event <- with_seed(2, rbinom(60, 1, 0.6))
  y <- survival::Surv(time, event)
  q <- round(eta[, 1], 1)
  expect_equal(concordance_index(q, y), survival::concordance(y ~ q, reverse = TRUE)$concordance)
  expect_equal(concordance_index(q, y, p$w), survival::concordance(y ~ q, weights = p$w, reverse = TRUE)$concordance)
  expect_equal(concordance_index(q, p$y), survival::concordance(p$y ~ q)$concordance)
})

test_that("arguments", {
  expect_refused(assess(f, newy = p$y), "missing_argument")
  expect_refused(assess(f, x), "missing_argument")
  expect_refused(assess(predict(f, x), newy = p$y), "missing_argument")
  expect_refused(assess("a", newy = p$y, family = "gaussian"), "type")
  expect_refused(assess(f, x, p$y[-1]), "length")
  expect_refused(assess(b, x, rep("middle", 60)), "choice")
})

test_that("objects for glmnet", {
  fit <- as_glmnet(b)
  expect_s3_class(fit, c("lognet", "glmnet"), exact = TRUE)
  expect_s3_class(as_glmnet(f), c("elnet", "glmnet"), exact = TRUE)
  expect_refused(as_glmnet(1), "type")
  skip_unless_glmnet()
  theirs <- function(...) stats::predict(...)
  loadNamespace("glmnet")
  inner <- c(0.2, 0.0731)
  for (mine in list(f, b)) {
    g <- as_glmnet(mine)
    expect_equal(unname(as.matrix(theirs(g, x))), unname(predict(mine, x)))
    expect_equal(unname(as.matrix(theirs(g, x, s = inner, type = "response"))), unname(predict(mine, x, s = inner, type = "response")))
    expect_equal(unname(as.matrix(stats::coef(g, s = inner))), unname(as.matrix(coef(mine, s = inner))))
    expect_equal(unname(theirs(g, type = "nonzero", s = 0.1)[[1]]), unname(predict(mine, type = "nonzero", s = 0.1)[[1]]))
    expect_equal(stats::deviance(g), deviance(mine))
    grDevices::pdf(NULL)
    expect_silent(plot(g))
    grDevices::dev.off()
    expect_output(print(g), "%Dev")
  }
  expect_equal(unname(theirs(as_glmnet(b), x, s = 0.1, type = "class")), unname(predict(b, x, s = 0.1, type = "class")))
  o <- sparsepath(x, p$y, offset = p$o)
  expect_equal(unname(theirs(as_glmnet(o), x, s = 0.1, newoffset = p$o)), unname(predict(o, x, s = 0.1, newoffset = p$o)))
  cv <- cv.sparsepath(x, z, family = "binomial", foldid = p$fold)
  g <- as_glmnet(cv)
  expect_equal(unname(as.matrix(stats::coef(g, s = "lambda.min"))), unname(as.matrix(coef(cv, s = "lambda.min"))))
  expect_equal(unname(theirs(g, x)), unname(predict(cv, x)))
  expect_output(print(g), "Binomial Deviance")
  # its own assessment of the same predictions
  a <- glmnet::assess.glmnet(as_glmnet(b), newx = x, newy = z, s = s)
  mine <- assess(b, x, z, s = s)
  for (m in names(a)) expect_equal(c(mine[[m]]), unname(c(a[[m]])), ignore_attr = TRUE, tolerance = 1e-10)
})

test_that("classes of family objects: the more probable one, whatever the link", {
  d <- make_problem(100, 6, seed = 83)
  y <- factor(with_seed(84, runif(100)) < pnorm(scale(d$y)), labels = c("no", "yes"))
  link <- binomial("cloglog") # eta = 0 is no even chance
  f <- sparsepath(d$x, y, family = link)
  p <- predict(f, d$x, s = 0.05, type = "response")[, 1]
  said <- factor(p > 0.5, levels = c(FALSE, TRUE), labels = c("no", "yes"))
  counts <- unclass(table(Predicted = said, True = y))
  expect_equal(unclass(confusion(f, d$x, y, s = 0.05)), counts, ignore_attr = TRUE)
  expect_equal(unclass(confusion(predict(f, d$x, s = 0.05), newy = y, family = link)), counts, ignore_attr = TRUE)
  expect_identical(as.vector(predict(f, d$x, s = 0.05, type = "class")), as.character(said))
  expect_equal(attr(roc(f, d$x, y, s = 0.05), "auc"), unname(concordance_index(p, y)))
})

test_that("as_glmnet() for every family: predictions by the methods of glmnet are those of the fit", {
  skip_unless_glmnet()
  for (f in family_problems()) {
    fit <- sparsepath(f$x, f$y, family = f$family, nlambda = 20)
    theirs <- as_glmnet(fit)
    s <- mean(fit$lambda[7:8])
    for (type in c("link", "response")) {
      p <- stats::predict(theirs, newx = f$x, s = s, type = type)
      expect_equal(as.vector(p), as.vector(predict(fit, f$x, s = s, type = type)), tolerance = 1e-12, label = paste(class(theirs)[1], type))
    }
    expect_equal(unname(stats::deviance(theirs)), unname(deviance(fit)))
  }
})

test_that("rows of a formula's data with missing values are left out, and counted", {
  d <- make_problem(60, 3, seed = 74)
  data <- data.frame(y = d$y, d$x, time = exp(d$y), status = rep_len(c(1, 1, 0), 60), z = factor(d$y > 0), k = factor(rep_len(1:3, 60)))
  some <- data
  some$X2[3] <- NA
  some$y[5] <- some$time[5] <- NA
  some$z[5] <- some$k[5] <- NA
  w <- seq_len(60)
  for (f in list(sparsepath(y ~ X1 + X2, data), sparsepath(Surv(time, status) ~ X1 + X2, data), sparsepath(z ~ X1 + X2, data, family = "binomial"),
    sparsepath(k ~ X1 + X2, data, family = "multinomial"))) {
    expect_warning(a <- assess(f, some, s = 0.01, weights = w), "2 of 60 rows", class = "sparsepath_warning_incomplete")
    expect_equal(a, assess(f, data[-c(3, 5), ], s = 0.01, weights = w[-c(3, 5)]))
  }
  expect_warning(t <- confusion(f, some, s = 0.01), class = "sparsepath_warning_incomplete")
  expect_identical(sum(t), 58)
  expect_refused(suppressWarnings(assess(f, transform(some, X1 = NA_real_))), "nonfinite")
})
