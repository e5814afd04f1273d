# The dependency rule of docs/ARCHITECTURE.md, checked:
#
#   base <- { signal | design | loss | penalty } <- solver <- path <- { lars | cv } <- sparsepath.h <- src/r_*.c <- R/
#
# 1. A file under src/core includes only headers of its own folder or of a lower layer; siblings never include each other;
#    from outside a folder its variants (<folder>_<name>.h) and templates (t_*.h) are out of sight.
# 2. The glue src/r_*.c includes the facade core/sparsepath.h and its own headers, nothing else of the core.
# 3. Rooms: what may be touched where (R, OpenMP, allocation, output, random numbers, mutable state).
# 4. R/ calls registered entry points only.
#
# Rscript tools/layers.R [root]     prints each violation as file:line: text; exit status 1 when there are any
#
# State that lasts is allowed where a comment says why, on its line or just above:  /* room: <reason> */

args <- commandArgs(trailingOnly = TRUE)
self <- sub("^--file=", "", grep("^--file=", commandArgs(), value = TRUE))
setwd(if (length(args)) args[1] else dirname(dirname(normalizePath(self[1]))))

violations <- character()
report <- function(path, line, text) violations <<- c(violations, sprintf("%s:%d: %s", path, line, text))
read <- function(path) readLines(path, warn = FALSE)

# C text with comments and the contents of strings blanked, line by line
strip_c <- function(lines) {
  chars <- strsplit(paste(lines, collapse = "\n"), "", fixed = TRUE)[[1]]
  n <- length(chars)
  state <- "code"
  i <- 1
  while (i <= n) {
    a <- chars[i]
    b <- if (i < n) chars[i + 1] else ""
    if (state == "code") {
      if (a == "/" && b == "*") { state <- "block"; chars[i] <- " "; chars[i + 1] <- " "; i <- i + 1 }
      else if (a == "/" && b == "/") { state <- "line"; chars[i] <- " " }
      else if (a == "\"") state <- "string"
      else if (a == "'") state <- "char"
    } else if (state == "block") {
      if (a == "*" && b == "/") { state <- "code"; chars[i + 1] <- " "; chars[i] <- " "; i <- i + 1 }
      else if (a != "\n") chars[i] <- " "
    } else if (state == "line") {
      if (a == "\n") state <- "code" else chars[i] <- " "
    } else {
      end <- if (state == "string") "\"" else "'"
      if (a == "\\") { chars[i] <- " "; if (b != "\n") chars[i + 1] <- " "; i <- i + 1 }
      else if (a == end || a == "\n") state <- "code"
      else chars[i] <- " "
    }
    i <- i + 1
  }
  strsplit(paste(c(chars, "\n"), collapse = ""), "\n", fixed = TRUE)[[1]]
}

# ---- layers --------------------------------------------------------------------------------------

level <- c(base = 0, signal = 1, design = 1, loss = 1, penalty = 1, solver = 2, path = 3, lars = 4, cv = 4, facade = 5, registry = 5, glue = 6)

# layer of a path relative to src/
layer_of <- function(path) {
  if (grepl("^core/[^/]+/", path)) return(sub("^core/([^/]+)/.*", "\\1", path))
  if (grepl("^core/registry\\.[ch]$", path)) return("registry")
  if (path == "core/sparsepath.h") return("facade")
  if (grepl("^(r_[^/]*|init)\\.[ch]$", path)) return("glue")
  NA_character_
}

normalize <- function(path) {
  parts <- strsplit(path, "/", fixed = TRUE)[[1]]
  out <- character()
  for (part in parts) {
    if (part == "..") out <- utils::head(out, -1) else if (part != ".") out <- c(out, part)
  }
  paste(out, collapse = "/")
}

files <- sort(list.files("src", "\\.[ch]$", recursive = TRUE), method = "radix")
stripped <- list()

for (file in files) {
  path <- file.path("src", file)
  lines <- read(path)
  code <- stripped[[file]] <- strip_c(lines)
  from <- layer_of(file)
  if (is.na(from) || !from %in% names(level)) {
    report(path, 1L, "belongs to no layer (see the table in tools/layers.R)")
    next
  }
  for (at in grep("^\\s*#\\s*include\\s*\"", code)) {
    what <- sub(".*\"([^\"]*)\".*", "\\1", lines[at])
    target <- normalize(file.path(dirname(file), what))
    if (!target %in% files) {
      beside <- normalize(what) # relative to src/
      if (beside %in% files) target <- beside
      else { report(path, at, sprintf("includes \"%s\", which does not exist", what)); next }
    }
    to <- layer_of(target)
    if (is.na(to) || to == from) next
    if (to == "registry") {
      # read by the module that owns a kind (loss/loss.c ...) and from `path` upwards
      if (file != sprintf("core/%s/%s.c", from, from) && level[from] < level["path"]) {
        report(path, at, sprintf("includes %s: variants are reached through their operation tables", target))
      }
    } else if (from == "registry") {
      if (target != sprintf("core/%s/%s.h", to, to)) report(path, at, sprintf("includes %s", target))
    } else if (from == "glue") {
      if (to != "facade") report(path, at, sprintf("glue includes %s: only core/sparsepath.h is meant for it", target))
    } else if (level[to] > level[from]) {
      report(path, at, sprintf("upward include: %s (layer %s) from layer %s", target, to, from))
    } else if (level[to] == level[from]) {
      report(path, at, sprintf("sideways include: %s from its sibling %s", target, from))
    } else if (grepl(sprintf("/(%s_|t_)[^/]*$", to), target)) {
      report(path, at, sprintf("includes %s: a variant, not for other folders", target))
    }
  }
}

# ---- rooms ---------------------------------------------------------------------------------------

rooms <- list(
  list("#\\s*include\\s*<(R|Rinternals|Rmath|Rdefines|Rembedded|R_ext/[^>]*)(\\.h)?>|\\bSEXP\\b", "the core does not know R", ""),
  list("\\bomp(_\\w+|\\.h|)\\b|\\b_OPENMP\\b", "OpenMP belongs to base/par.c", "core/base/par.c"),
  list("\\b(f|v|vf|s|vs)?printf\\s*\\(|\\b(puts|putchar|perror)\\s*\\(|\\b(stdout|stderr)\\b", "the core does not print", ""),
  list("\\b(exit|_Exit|quick_exit|abort|assert|longjmp)\\s*\\(", "the core returns a status, it does not stop the process", ""),
  list("\\b(s?rand|rand_r|s?random|[dlm]rand48)\\s*\\(", "the core draws no random numbers", ""),
  list("\\b(malloc|calloc|realloc|free|aligned_alloc|posix_memalign|strdup|alloca)\\s*\\(",
    "memory comes from base/ctx.c", "core/base/ctx.c")
)

# A declaration (without initializer) that leaves something assignable
is_mutable <- function(decl) {
  if (grepl("\\*", decl)) return(!grepl("^[^*]*(\\*\\s*const\\b[^*]*)+$", decl))
  !grepl("\\bconst\\b", decl)
}

check_state <- function(path, file, code, lines) {
  excused <- function(at) {
    from <- at
    while (from > 1 && !grepl("\\S", code[from - 1]) && grepl("\\S", lines[from - 1])) from <- from - 1 # the comment above
    any(grepl("\\broom:", lines[from:at]))
  }
  flag <- function(at, what) {
    if (!excused(at)) report(path, at, paste0(what, ": no state outlives a call (or say why: /* room: ... */)"))
  }
  # static inside or outside functions
  for (at in setdiff(grep("\\b(static|_Thread_local|__thread)\\b", code), grep("^\\s*#", code))) {
    text <- paste(code[at:min(length(code), at + 3)], collapse = " ")
    for (from in gregexpr("\\b(static|_Thread_local|__thread)\\b", code[at])[[1]]) {
      decl <- sub("[=;{].*", "", substring(text, from))
      pointer <- grepl("^[^(]*\\(\\s*\\*", decl) # to a function
      changes <- if (pointer) !grepl("\\(\\s*\\*\\s*const\\b", decl) else !grepl("\\(", decl) && is_mutable(decl)
      if (changes) flag(at, "mutable static")
    }
  }
  # variables with external linkage: statements outside all braces that are neither functions nor types
  depth <- 0
  statement <- ""
  start <- NA_integer_
  for (at in seq_along(code)) {
    line <- code[at]
    if (grepl("^\\s*#", line) || (at > 1 && grepl("\\\\$", code[at - 1]) && is.na(start))) next
    for (ch in strsplit(line, "", fixed = TRUE)[[1]]) {
      if (ch == "{") { depth <- depth + 1; if (depth == 1) statement <- paste0(statement, "{"); next }
      if (ch == "}") {
        depth <- depth - 1
        if (depth == 0 && grepl("\\)\\s*\\{\\s*$", statement)) { statement <- ""; start <- NA_integer_ } # end of a function
        next
      }
      if (depth > 0) next
      if (is.na(start) && !grepl("\\s", ch)) start <- at
      if (ch == ";") {
        decl <- trimws(sub("=.*", "", statement))
        if (nzchar(decl) && !grepl("^(static|extern|typedef|struct|enum|union|_Static_assert)\\b", decl) &&
            !grepl("\\(", decl) && is_mutable(decl)) flag(start, "mutable global")
        statement <- ""
        start <- NA_integer_
      } else statement <- paste0(statement, ch)
    }
    statement <- paste0(statement, " ")
  }
}

for (file in grep("^core/", files, value = TRUE)) {
  path <- file.path("src", file)
  code <- stripped[[file]]
  for (room in rooms) {
    if (identical(file, room[[3]])) next
    for (at in grep(room[[1]], code, perl = TRUE)) report(path, at, paste0(room[[2]], ": ", trimws(code[at])))
  }
  check_state(path, file, code, read(path))
}

# ---- R calls what is registered ------------------------------------------------------------------

registered <- if (file.exists("src/init.c")) {
  hits <- grep("^  \\{\"[a-z0-9_]+\", ", read("src/init.c"), value = TRUE)
  paste0("C_", sub("^  \\{\"([a-z0-9_]+)\".*", "\\1", hits))
}
for (path in sort(list.files("R", "\\.[rR]$", full.names = TRUE), method = "radix")) {
  lines <- sub("^\\s*#.*", "", read(path))
  for (at in grep("\\.(Call|External2?|C|Fortran)\\s*\\(", lines)) {
    name <- sub(".*\\.(Call|External2?|C|Fortran)\\s*\\(\\s*([A-Za-z0-9_.]*).*", "\\2", lines[at])
    if (!nzchar(name) && at < length(lines)) name <- sub("^\\s*([A-Za-z0-9_.]*).*", "\\1", lines[at + 1])
    if (!name %in% registered) report(path, at, sprintf("calls `%s`, which is not registered in src/init.c", name))
  }
}

# --------------------------------------------------------------------------------------------------

if (length(violations)) {
  cat(violations, sep = "\n")
  cat(length(violations), "violation(s) of docs/ARCHITECTURE.md\n")
  quit(status = 1)
}
cat("layers and rooms are clean:", length(files), "C files\n")
