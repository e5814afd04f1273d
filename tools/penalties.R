# Writes the table of docs/PENALTIES.md: what each penalty can do with each family, found out by doing it
# (tests/testthat/helper-penalty-table.R).
#
#   Rscript tools/penalties.R          the installed package decides; run it from the root of the repository
#
# tests/testthat/test-penalty-table.R fails when the table is not what this writes.

library(sparsepath)
for (helper in c("data", "cox", "verify", "groups", "nonconvex", "penalty-table")) source(sprintf("tests/testthat/helper-%s.R", helper))
cells <- penalty_cells()
broken <- broken_penalty_cells(cells)
if (length(broken)) message("neither works nor is refused properly, written as \"no\":\n", paste0("  ", broken, collapse = "\n"))
file <- "docs/PENALTIES.md"
text <- readLines(file)
marks <- match(c("<!-- table: begin (made by tools/penalties.R) -->", "<!-- table: end -->"), text)
if (anyNA(marks)) stop(file, " lacks the marks of the table")
writeLines(c(text[seq_len(marks[1])], penalty_table_lines(cells), text[marks[2]:length(text)]), file)
