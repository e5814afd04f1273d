# Writes the table of docs/FAMILIES.md: what each family can do, found out by doing it (tests/testthat/helper-families.R).
#
#   Rscript tools/families.R          the installed package decides; run it from the root of the repository
#
# tests/testthat/test-docs.R fails when the table is not what this writes.

library(sparsepath)
for (helper in c("data", "families")) source(sprintf("tests/testthat/helper-%s.R", helper))
table <- family_table()
broken <- broken_cells(table)
if (length(broken)) message("neither works nor is refused properly, written as \"no\":\n", paste0("  ", broken, collapse = "\n"))
file <- "docs/FAMILIES.md"
text <- readLines(file)
marks <- match(c("<!-- table: begin (made by tools/families.R) -->", "<!-- table: end -->"), text)
if (anyNA(marks)) stop(file, " lacks the marks of the table")
writeLines(c(text[seq_len(marks[1])], family_table_lines(table), text[marks[2]:length(text)]), file)
