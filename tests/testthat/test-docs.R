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

test_that("the table of families says what the package does", {
  table <- family_table()
  expect_identical(broken_cells(table), character())
  file <- test_path("..", "..", "docs", "FAMILIES.md")
  skip_if_not(file.exists(file))
  text <- readLines(file)
  marks <- grep("^<!-- table", text)
  expect_identical(text[(marks[1] + 1):(marks[2] - 1)], family_table_lines(table), info = "Run `Rscript tools/families.R`.")
})
