test_that("misspelt names find their neighbours", {
  expect_identical(nearest("lamda", c("alpha", "lambda")), "lambda")
  expect_identical(nearest("penaltyFactor", c("penalty.factor", "weights")), "penalty.factor")
  expect_null(nearest("foo", c("alpha", "lambda")))
  expect_null(nearest("", "alpha"))
  expect_null(nearest("a", character()))
})

test_that("objects are described in few words", {
  expect_identical(describe(1:3), "an integer vector of length 3")
  expect_identical(describe("a"), "\"a\"")
  expect_identical(describe(NULL), "NULL")
  expect_identical(describe(NA), "NA")
  expect_identical(describe(gl(2, 2)), "a factor of length 4")
  expect_identical(describe(matrix(1, 2, 3)), "a numeric matrix of 2 x 3")
  expect_identical(describe(array("a", c(1, 2, 3))), "a character array of 1 x 2 x 3")
  expect_identical(describe(data.frame(a = 1)), "a data frame of 1 x 1")
  expect_identical(describe(mean), "a function")
  expect_identical(describe(list(1)), "a list of length 1")
  expect_identical(describe(y ~ x), "an object of class \"formula\"")
  expect_identical(describe(Matrix::Diagonal(2)), "an object of class \"ddiMatrix\"")
})

test_that("lists of words", {
  expect_identical(and_list("a"), "a")
  expect_identical(and_list(c("a", "b", "c")), "a, b and c")
  expect_identical(and_list(c("a", "b"), " or "), "a or b")
  expect_identical(some_names(letters[1:7]), "\"a\", \"b\", \"c\", \"d\", \"e\" and 2 more")
})
