p <- make_problem(40, 12, seed = 81)
x <- p$x
y <- p$y
fit <- sparsepath(x, y, nlambda = 20, lambda.min.ratio = 0.05)
fit$gap[] <- 3e-9 # machines differ in the last digits of a gap
fit$npasses <- 40L
fit$passes <- 2

test_that("a path", {
  expect_snapshot(print(fit))
  utils::capture.output(table <- print(fit))
  expect_named(table, c("Df", "%Dev", "Lambda"))
})

test_that("a summary says how many solutions are certified", {
  expect_snapshot(print(summary(fit)))
  expect_match(utils::capture.output(summary(fit)), "all 20 solutions certified: largest relative gap 3e-09", fixed = TRUE, all = FALSE)
})

test_that("solutions without certificate are named", {
  bad <- fit
  bad$status[c(3, 8)] <- 1L
  bad$gap[8] <- 2e-3
  line <- certificate_line(bad)
  expect_identical(line, "18 of 20 solutions certified; NOT s2, s7 (largest relative gap 2e-03)")
  expect_match(utils::capture.output(summary(bad)), "without certificate: lambda =", all = FALSE)
})

test_that("a path that ended early says why", {
  for (control in list(sparsepath.control(devmax = 0.5), sparsepath.control(dfmax = 3), sparsepath.control(fdev = 0.5), sparsepath.control(pmax = 3))) {
    early <- sparsepath(x, y, control = control)
    reason <- intersect(c("devmax", "dfmax", "fdev", "pmax"), early$end)
    expect_length(reason, 1)
    expect_match(utils::capture.output(print(early)), sprintf("path ended after %d of 100 lambdas: .*%s", length(early$lambda), reason), all = FALSE)
  }
  expect_null(end_line(sparsepath(x, y, lambda = c(1, 0.1))))
})

test_that("a cross-validation", {
  cv <- cv.sparsepath(x, y > 0, family = "binomial", foldid = p$fold, nlambda = 20)
  cv$fit$gap[] <- cv$fold.gap[] <- 3e-9
  cv$fit$npasses <- 40L
  cv$fit$passes <- 2
  expect_snapshot(print(cv))
  expect_snapshot(print(summary(cv)))
  utils::capture.output(table <- print(cv))
  expect_named(table, c("Lambda", "Index", "Measure", "SE", "Nonzero"))
  expect_identical(rownames(table), c("min", "1se"))
})
