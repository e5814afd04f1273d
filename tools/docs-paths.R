# Every path that README.md, CONTRIBUTING.md or docs/ names in backticks exists.
#
# A word in backticks counts as a path when it starts with a folder of the repository or is a file of its root, e.g.
# `src/core/path/path.c`, `tools/`, `.ci/run`, `Makefile`; `*` and `{a,b}` stand for what the shell makes of them; text
# with <placeholders> or that fenced code blocks contain is not looked at.
#
# Rscript tools/docs-paths.R     prints file:line: path for each that is missing; exit status 1 when there are any

self <- sub("^--file=", "", grep("^--file=", commandArgs(), value = TRUE))
setwd(dirname(dirname(normalizePath(self[1]))))

# made by running things, not kept
transient <- "^(\\.lib|demo-output|tests/c/build|bench/cache)(/|$)"
folders <- c("R", "src", "tests", "man", "data", "data-raw", "inst", "vignettes", "tools", "bench", "docs", "\\.ci", "core")
as_path <- sprintf("^(%s)/[A-Za-z0-9_./{},*-]*$", paste(folders, collapse = "|"))
root_file <- "^(Makefile|DESCRIPTION|NAMESPACE|[A-Z]+\\.md|\\.[a-z][a-z-]+|\\.Rbuildignore)$"

expand <- function(path) {
  m <- regexec("^(.*?)\\{([^{}]*)\\}(.*)$", path, perl = TRUE)
  parts <- regmatches(path, m)[[1]]
  if (!length(parts)) return(path)
  unlist(lapply(strsplit(parts[3], ",", fixed = TRUE)[[1]], function(a) expand(paste0(parts[2], a, parts[4]))))
}
present <- function(path) {
  path <- sub("/$", "", path)
  if (startsWith(path, "core/")) path <- file.path("src", path)
  length(Sys.glob(path)) > 0
}

files <- c("README.md", "CONTRIBUTING.md", list.files("docs", "\\.md$", recursive = TRUE, full.names = TRUE))
files <- sort(files[file.exists(files)], method = "radix")
missing <- character()
named <- 0L
for (file in files) {
  lines <- readLines(file, warn = FALSE)
  fenced <- cumsum(grepl("^\\s*```", lines)) %% 2 == 1
  for (at in which(!fenced)) {
    words <- regmatches(lines[at], gregexpr("`[^`]+`", lines[at]))[[1]]
    words <- gsub("`", "", words)
    words <- sub("^(bash|sh|Rscript) ", "", words)
    words <- sub(" .*", "", words)
    links <- regmatches(lines[at], gregexpr("\\]\\([^)#:]+\\)", lines[at]))[[1]]
    links <- substring(links, 3, nchar(links) - 1)
    for (word in c(words[grepl(as_path, words) | grepl(root_file, words)], links)) {
      if (grepl("\\(", word) || grepl(transient, word)) next
      named <- named + 1L
      tried <- expand(word)
      if (word %in% links) tried <- c(file.path(dirname(file), tried))
      gone <- tried[!vapply(tried, present, NA)]
      if (length(gone)) missing <- c(missing, sprintf("%s:%d: %s does not exist", file, at, gone))
    }
  }
}
if (length(missing)) {
  cat(missing, sep = "\n")
  quit(status = 1)
}
cat("paths named in the documents exist:", named, "in", length(files), "files\n")
