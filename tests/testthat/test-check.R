p <- make_problem(30, 8, seed = 11)
x <- p$x
colnames(x) <- letters[1:8]
y <- p$y
z <- as.double(y > 0)
n <- nrow(x)

test_that("vectors with missing or infinite values are refused, with the position", {
  for (bad in c(NA, NaN, Inf, -Inf)) {
    expect_refused(sparsepath(x, replace(y, 7, bad)), "nonfinite")
    expect_refused(sparsepath(x, y, weights = replace(rep(1, n), 7, bad)), "nonfinite")
    expect_refused(sparsepath(x, y, offset = replace(y, 7, bad)), "nonfinite")
    expect_refused(sparsepath(x, y, lambda = c(1, bad)), "nonfinite")
    for (m in list(x, Matrix::Matrix(x, sparse = TRUE))) {
      m[3, 2] <- bad
      expect_refused(sparsepath(m, y), "nonfinite")
    }
  }
  expect_refused(sparsepath(x, y, penalty.factor = replace(rep(1, 8), 2, NA)), "nonfinite")
  expect_refused(sparsepath(x, y, lower.limits = NaN), "nonfinite")
  expect_refused(cv.sparsepath(x, y, foldid = replace(rep(1:3, 10), 4, NA)), "nonfinite")
  e <- tryCatch(sparsepath(x, y, weights = replace(rep(1, n), 7, NA)), error = identity)
  expect_identical(e$position, 7L)
  expect_identical(e$arg, "weights")
  expect_identical(conditionCall(e), quote(sparsepath()))
})

test_that("an integer NA in x is found", {
  m <- round(3 * x)
  storage.mode(m) <- "integer"
  m[2, 2] <- NA
  expect_refused(sparsepath(m, y), "nonfinite")
})

test_that("nothing is recycled", {
  expect_refused(sparsepath(x, y[-1]), "length")
  expect_refused(sparsepath(x, y, weights = 1), "length")
  expect_refused(sparsepath(x, y, offset = 0), "length")
  expect_refused(sparsepath(x, y, penalty.factor = 1), "length")
  expect_refused(sparsepath(x, y, lower.limits = c(-1, -1)), "length")
  expect_refused(sparsepath(x, y, lambda = numeric()), "length")
  expect_refused(cv.sparsepath(x, y, foldid = 1:3), "length")
})

test_that("ranges", {
  expect_refused(sparsepath(x, y, weights = -p$w), "range")
  expect_refused(sparsepath(x, y, weights = rep(0, n)), "range")
  expect_refused(sparsepath(x, y, alpha = 1.5), "range")
  expect_refused(sparsepath(x, y, alpha = -0.1), "range")
  expect_refused(sparsepath(x, y, lambda = c(1, -1)), "range")
  expect_refused(sparsepath(x, y, nlambda = 0), "range")
  expect_refused(sparsepath(x, y, nlambda = 1.5), "range")
  expect_refused(sparsepath(x, y, lambda.min.ratio = 1), "range")
  expect_refused(sparsepath(x, y, lambda.min.ratio = 0), "range")
  expect_refused(sparsepath(x, y, penalty.factor = c(-1, rep(1, 7))), "range")
  expect_refused(sparsepath(x, y, penalty.factor = rep(0, 8)), "range")
  expect_refused(sparsepath(x, y, penalty.factor = rep(Inf, 8)), "range")
  expect_refused(sparsepath(x, y, lower.limits = 1), "range")
  expect_refused(sparsepath(x, y, upper.limits = -1), "range")
  expect_refused(sparsepath(x, y, exclude = 9), "range")
  expect_refused(sparsepath(x, y, exclude = 1.5), "range")
  expect_refused(sparsepath(x, y, exclude = 1:8), "range")
  expect_refused(cv.sparsepath(x, y, nfolds = 1), "range")
  expect_refused(cv.sparsepath(x, y, repeats = 0), "range")
})

test_that("types", {
  expect_refused(sparsepath(x, y, weights = "a"), "type")
  expect_refused(sparsepath(x, y, alpha = "a"), "type")
  expect_refused(sparsepath(x, y, alpha = NA), "type")
  expect_refused(sparsepath(x, y, alpha = c(0, 1)), "type")
  expect_refused(sparsepath(x, y, standardize = NA), "type")
  expect_refused(sparsepath(x, y, intercept = "no"), "type")
  expect_refused(sparsepath(x, y, control = 1), "type")
  expect_refused(sparsepath(x, factor(z)), "type")
  expect_refused(sparsepath(x, as.character(z)), "type")
  expect_refused(sparsepath(x, as.list(y)), "type")
})

test_that("x that is no numeric matrix is refused", {
  expect_refused(sparsepath(), "missing_argument")
  expect_refused(sparsepath(x), "missing_argument")
  for (bad in list(1:30, NULL, "a", list(x), x + 1i, array(x, c(30, 8, 1)), matrix("a", 30, 8), y ~ x)) {
    expect_refused(sparsepath(bad, y), "type")
  }
  expect_refused(sparsepath(data.frame(x, f = as.Date("2020-01-01")), y), "type")
  expect_refused(sparsepath(data.frame(x, f = I(rep(list(1), 30))), y), "type")
  expect_refused(sparsepath(x[0, ], y[0]), "dimension")
  expect_refused(sparsepath(x[, 0], y), "dimension")
})

test_that("x of every class gives the fit of the matrix", {
  m <- round(2 * x)
  m[abs(m) < 2] <- 0
  reference <- sparsepath(m, y)
  same <- function(other) expect_equal(other$beta, reference$beta, tolerance = 1e-9, ignore_attr = "Dimnames")
  integer <- m
  storage.mode(integer) <- "integer"
  same(sparsepath(integer, y))
  same(sparsepath(as.data.frame(m), y))
  same(sparsepath(as.data.frame(integer), y))
  sparse <- Matrix::Matrix(m, sparse = TRUE)
  same(sparsepath(sparse, y))
  for (class in c("RsparseMatrix", "TsparseMatrix")) same(sparsepath(methods::as(sparse, class), y))
  same(sparsepath(methods::as(sparse, "unpackedMatrix"), y))
  logical <- m != 0
  ones <- sparsepath(logical + 0, y)
  expect_equal(sparsepath(logical, y)$beta, ones$beta)
  expect_equal(sparsepath(methods::as(Matrix::Matrix(logical, sparse = TRUE), "nMatrix"), y)$beta, ones$beta, tolerance = 1e-9)
  square <- m[1:8, ]
  symmetric <- methods::as(methods::as(Matrix::Matrix(crossprod(square), sparse = TRUE), "symmetricMatrix"), "CsparseMatrix")
  expect_equal(sparsepath(symmetric, y[1:8])$lambda, sparsepath(as.matrix(symmetric), y[1:8])$lambda)
  expect_s3_class(sparsepath(Matrix::Diagonal(8), y[1:8]), "sparsepath")
  expect_s3_class(sparsepath(Matrix::Matrix(Matrix::tril(square), sparse = TRUE), y[1:8]), "sparsepath")
})

test_that("x and y are never changed", {
  x0 <- x + 0
  y0 <- y + 0
  sparsepath(x, y, weights = p$w)
  cv.sparsepath(x, y, nfolds = 3)
  expect_identical(x, x0)
  expect_identical(y, y0)
})

test_that("damaged sparse matrices are refused", {
  good <- Matrix::Matrix(x, sparse = TRUE)
  bad <- list(good, good, good, good, good)
  bad[[1]]@i[5] <- 2000000L
  bad[[2]]@i[5] <- -5L
  bad[[3]]@p[3] <- 50000000L
  bad[[4]]@i[1:2] <- bad[[4]]@i[2:1]
  bad[[5]]@x <- bad[[5]]@x[1:3]
  fit <- sparsepath(good, y)
  for (m in bad) {
    expect_refused(sparsepath(m, y), "corrupt")
    expect_refused(predict(fit, m), "corrupt")
    expect_refused(kkt(fit, m, y), "corrupt")
  }
  row <- methods::as(good, "RsparseMatrix")
  row@j[2] <- 999L
  expect_refused(sparsepath(row, y), "corrupt")
})

test_that("responses of a binomial model", {
  reference <- sparsepath(x, factor(z, labels = c("no", "yes")), family = "binomial")
  expect_identical(reference$classnames, c("no", "yes"))
  forms <- list(z, z > 0, as.character(z), z + 1, 2 * z - 1, cbind(1 - z, z), data.frame(1 - z, z), matrix(z), factor(z, levels = 0:5))
  for (form in forms) {
    fit <- sparsepath(x, form, family = "binomial")
    expect_identical(fit$beta, reference$beta)
    expect_identical(fit$a0, reference$a0)
  }
  # counts are proportions with weights
  m <- with_seed(1, rpois(n, 3))
  k <- with_seed(2, rbinom(n, m, 0.4))
  counts <- sparsepath(x, cbind(no = m - k, yes = k), family = "binomial")
  expect_identical(counts$classnames, c("no", "yes"))
  shares <- sparsepath(x, ifelse(m > 0, k / m, 0), family = "binomial", weights = m)
  expect_equal(counts$beta, shares$beta)
})

test_that("responses that a binomial model cannot have", {
  binomial <- function(y, ...) sparsepath(x, y, family = "binomial", ...)
  expect_refused(binomial(rep(1, n)), "one_class")
  expect_refused(binomial(factor(rep("a", n), levels = c("a", "b"))), "one_class")
  expect_refused(binomial(z, weights = z), "one_class")
  expect_refused(binomial(cbind(z, 0)), "one_class")
  expect_refused(binomial(gl(3, 10)), "unavailable")
  expect_refused(binomial(y), "range")
  expect_refused(binomial(cbind(z, -1)), "range")
  expect_refused(binomial(cbind(z, NA)), "nonfinite")
  expect_refused(binomial(cbind(z, 1, 1)), "dimension")
  expect_refused(binomial(cbind("a", z)), "type")
  expect_refused(binomial(replace(z, 3, NA)), "nonfinite")
  expect_refused(binomial(replace(factor(z), 3, NA)), "nonfinite")
})

test_that("responses that a gaussian model cannot have", {
  expect_refused(sparsepath(x, cbind(y, y)), "unavailable")
  expect_refused(sparsepath(x, rep(2, n)), "constant_y")
  expect_refused(sparsepath(x, c(5, rep(2, n - 1)), weights = c(0, rep(1, n - 1))), "constant_y")
  expect_refused(sparsepath(x, rep(0.1, n) + y, offset = y), "constant_y")
  expect_refused(sparsepath(x, rep(0, n), intercept = FALSE), "constant_y")
  expect_s3_class(sparsepath(x, rep(2, n), intercept = FALSE), "sparsepath")
})

test_that("families and their responses are checked", {
  expect_refused(sparsepath(x, y, family = "cox"), "type") # no survival response
  expect_refused(sparsepath(x, y, family = "gausian"), "choice")
  expect_identical(sparsepath(x, z, family = "binom")$family, "binomial")
})

test_that("unknown arguments are refused, with the nearest name", {
  suggestion <- function(expr) tryCatch(expr, sparsepath_error_unknown_argument = function(e) e$suggestion)
  expect_identical(suggestion(sparsepath(x, y, lamda = 1)), "lambda")
  expect_identical(suggestion(sparsepath(x, y, penalty.factors = 1)), "penalty.factor")
  expect_identical(suggestion(cv.sparsepath(x, y, nfold = 3)), "nfolds")
  expect_identical(suggestion(cv.sparsepath(x, y, type_measure = "mse")), "type.measure")
  for (name in c("thresh", "maxit", "dfmax", "pmax", "trace.it")) {
    call <- as.call(c(as.name("sparsepath"), list(quote(x), quote(y)), stats::setNames(list(1), name)))
    expect_match(message_of(eval(call)), "sparsepath.control(", fixed = TRUE)
    expect_refused(eval(call), "unknown_argument")
  }
  expect_refused(cv.sparsepath(x, y, p$w), "unknown_argument")
  expect_refused(cv.sparsepath(x, y, lam = 1), "unknown_argument")
  expect_refused(cv.sparsepath(x, y, alpha = 1, alpha = 0.5), "unknown_argument")
  expect_refused(predict(sparsepath(x, y), x, typo = 1), "unknown_argument")
})

test_that("columns are excluded by number, name or logical vector", {
  by_number <- sparsepath(x, y, exclude = c(2, 5))
  expect_identical(by_number$beta, sparsepath(x, y, exclude = c("e", "b"))$beta)
  expect_identical(by_number$beta, sparsepath(x, y, exclude = seq_len(8) %in% c(2, 5))$beta)
  expect_identical(by_number$beta, sparsepath(x, y, penalty.factor = replace(rep(1, 8), c(2, 5), Inf))$beta)
  expect_identical(sum(by_number$beta[c(2, 5), ] != 0), 0L)
  expect_refused(sparsepath(x, y, exclude = "zz"), "names")
  expect_refused(sparsepath(x, y, exclude = c(TRUE, FALSE)), "length")
  expect_refused(sparsepath(x, y, exclude = identity), "function")
})

test_that("penalty factors are rescaled as documented", {
  expect_equal(check_penalty_factor(c(1, 2, 3, 6), integer(), 4, NULL), c(1, 2, 3, 6) / 3)
  expect_equal(check_penalty_factor(c(1, Inf, 3, 6), integer(), 4, NULL), c(1, Inf, 3, 6) * 4 / 11)
  expect_equal(check_penalty_factor(NULL, 2L, 3, NULL), c(1, Inf, 1))
})

test_that("lambdas are sorted", {
  expect_identical(sparsepath(x, y, lambda = c(0.1, 0.5, 0.2))$lambda, c(0.5, 0.2, 0.1))
})

test_that("weights that overflow or vanish in a sum are rescaled", {
  one <- sparsepath(x, y)
  expect_equal(sparsepath(x, y, weights = rep(1e308, n))$beta, one$beta)
  expect_equal(sparsepath(x, y, weights = rep(1e-300, n))$beta, one$beta)
})

test_that("messages", {
  expect_snapshot({
    cat(message_of(sparsepath(x, y, weights = replace(rep(1, n), c(7, 9), NA))))
    cat(message_of(sparsepath(replace(x, 33, Inf), y)))
    cat(message_of(sparsepath(x, y, lamda = 1)))
    cat(message_of(sparsepath(x, y, thresh = 1e-9)))
    cat(message_of(sparsepath(x, y, family = "cox")))
    cat(message_of(sparsepath(data.frame(x, f = as.Date("2020-01-01")), y)))
    cat(message_of(predict(sparsepath(data.frame(f = gl(2, 15), y), y), data.frame(f = c("1", "3"), y = 0))))
    cat(message_of(predict(sparsepath(y ~ a, data.frame(y, x)), data.frame(A = 1))))
    cat(message_of(sparsepath(x, gl(3, 10), family = "binomial")))
    cat(message_of(sparsepath(x, y, exclude = c("a", "zz"))))
    cat(message_of(cv.sparsepath(x, c(1, rep(0, n - 1)), family = "binomial", foldid = rep(1:3, 10))))
    cat(message_of(predict(sparsepath(x, y), x[, 1:3])))
  })
})

test_that("responses of another kind are told apart", {
  p <- make_problem(40, 4, seed = 73)
  e <- expect_refused(sparsepath(p$x, cbind(time = exp(p$y), status = 1)), "unavailable")
  expect_match(conditionMessage(e), "cox")
  expect_refused(sparsepath(p$x, p$y, family = "multinomial"), "range") # 40 different numbers are no classes
  expect_identical(sparsepath(p$x, rep_len(c(1.5, 2, 3), 40), family = "multinomial")$classnames, c("1.5", "2", "3"))
  e <- expect_refused(concordance_index(p$y[1:3], cbind(time = exp(p$y), status = 1)), "length")
  expect_match(conditionMessage(e), "pred")
})
