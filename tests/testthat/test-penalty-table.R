# Every penalty with every family and feature: it works and is right, or is refused by an error that says what would work.

test_that("every cell works or is refused, and the table of penalties says which", {
  cells <- penalty_cells()
  expect_identical(broken_penalty_cells(cells), character())
  file <- test_path("..", "..", "docs", "PENALTIES.md")
  skip_if_not(file.exists(file))
  text <- readLines(file)
  marks <- grep("^<!-- table", text)
  expect_identical(text[(marks[1] + 1):(marks[2] - 1)], penalty_table_lines(cells), info = "Run `Rscript tools/penalties.R`.")
})

test_that("the judge of the table knows wrong coefficients", {
  problems <- penalty_problems()
  kinds <- penalty_kinds()
  for (name in names(kinds)) {
    kinds[[name]]$name <- name
    for (f in problems) {
      g <- tryCatch(pt_path(pt_fit(f, kinds[[name]])), sparsepath_error_unavailable = function(e) NULL)
      if (is.null(g)) next
      l <- length(g$lambda)
      nudge <- function(b) {
        b[2, l] <- b[2, l] + 1e-4
        b
      }
      g$beta <- if (is.list(g$beta)) c(lapply(g$beta[1], nudge), g$beta[-1]) else nudge(g$beta)
      expect_gt(pt_judge(g, f, kinds[[name]]), 1e-5, label = paste(name, f$label))
    }
  }
})
