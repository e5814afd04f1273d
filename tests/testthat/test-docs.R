# What the documents say in tables is true and complete. They are there in the source tree only.

test_that("the vignette about glmnet names every argument and function of glmnet", {
  skip_unless_glmnet()
  file <- test_path("..", "..", "vignettes", "coming-from-glmnet.Rmd")
  skip_if_not(file.exists(file))
  text <- paste(readLines(file), collapse = "\n")
  mentioned <- function(names) names[!vapply(names, function(n) grepl(paste0("`", n, "[`(]"), text), NA)]
  for (f in list(glmnet::glmnet, glmnet::cv.glmnet)) expect_identical(mentioned(setdiff(names(formals(f)), "...")), character())
  methods <- c("predict.glmnet", "coef.glmnet", "predict.relaxed", "coef.relaxed", "print.cv.glmnet")
  expect_identical(mentioned(setdiff(getNamespaceExports("glmnet"), methods)), character())
})
