# Small helpers without a home of their own.

#' @noRd
`%||%` <- function(x, y) if (is.null(x)) y else x

#' A number as messages show it
#' @noRd
show_number <- function(x) {
  if (length(x) != 1L) return(describe(x))
  if (is.na(x)) return(if (is.nan(x)) "NaN" else "NA")
  format(x, digits = 7)
}

#' What an object is, in a few words, for messages
#' @noRd
describe <- function(x) {
  if (is.null(x)) return("NULL")
  if (is.data.frame(x)) return(sprintf("a data frame of %d x %d", nrow(x), ncol(x)))
  if (is.factor(x)) return(sprintf("a factor of length %d", length(x)))
  if (is.function(x)) return("a function")
  if (isS4(x)) return(sprintf("an object of class \"%s\"", class(x)[1]))
  if (is.object(x)) return(sprintf("an object of class \"%s\"", paste(class(x), collapse = "/")))
  if (is.array(x)) {
    return(sprintf("%s %s of %s", a_type(x), if (is.matrix(x)) "matrix" else "array", paste(dim(x), collapse = " x ")))
  }
  if (is.atomic(x) && length(x) == 1L) {
    return(if (is.character(x)) sprintf("\"%s\"", x) else if (is.na(x)) show_number(x) else format(x))
  }
  if (is.atomic(x)) return(sprintf("%s vector of length %d", a_type(x), length(x)))
  if (is.list(x)) return(sprintf("a list of length %d", length(x)))
  if (is.language(x)) return("an expression")
  sprintf("an object of type \"%s\"", typeof(x))
}

#' @noRd
a_type <- function(x) {
  type <- switch(typeof(x), double = "numeric", typeof(x))
  paste(if (grepl("^[aeio]", type)) "an" else "a", type)
}

#' Position of an element, with its name when there is one
#' @noRd
at_position <- function(i, names = NULL) {
  name <- if (!is.null(names)) names[i] else NA_character_
  if (is.na(name) || !nzchar(name)) sprintf("position %d", i) else sprintf("position %d (\"%s\")", i, name)
}

#' @noRd
plural <- function(n, one, many = paste0(one, "s")) if (n == 1) one else many

#' "a, b and c"
#' @noRd
and_list <- function(x, last = " and ") {
  if (length(x) < 2L) return(paste(x))
  paste0(paste(x[-length(x)], collapse = ", "), last, x[length(x)])
}

#' A few names for a message, and how many more there are
#' @noRd
some_names <- function(x, max = 5L) {
  shown <- sprintf("\"%s\"", utils::head(x, max))
  if (length(x) > max) paste0(paste(shown, collapse = ", "), sprintf(" and %d more", length(x) - max))
  else and_list(shown)
}

#' The name nearest to a misspelt one, or NULL
#' @noRd
nearest <- function(name, choices) {
  if (!length(choices) || is.na(name) || !nzchar(name)) return(NULL)
  squash <- function(s) gsub("[._ -]", "", tolower(s))
  distance <- drop(utils::adist(squash(name), squash(choices)))
  best <- which.min(distance)
  if (distance[best] <= ceiling(nchar(name) / 3) - (nchar(name) < 3L)) choices[best]
}

#' Call to keep in a fit: the data behind it stay out
#'
#' `match.call()` holds the values themselves when the function was called
#' through `do.call()`. Those are replaced by the name of their argument.
#' @noRd
stored_call <- function(call, name) {
  call[[1L]] <- as.name(name)
  for (i in seq_along(call)[-1L]) {
    value <- call[[i]]
    if (is.language(value) || (is.atomic(value) && length(value) <= 1L)) next
    if (inherits(value, "sparsepath.control")) next
    arg <- names(call)[i]
    call[[i]] <- as.name(if (length(arg) && nzchar(arg)) arg else "x")
  }
  call
}

# What costs as much as a small fit and is the same every time: the last vector of
# default names and an empty matrix. Neither influences any result.
memo <- new.env(parent = emptyenv())

#' V1, V2, ..., Vp
#' @noRd
default_names <- function(p) {
  if (length(memo$names) != p) memo$names <- paste0("V", seq_len(p))
  memo$names
}

#' A dgCMatrix from the engine's slots, which are valid as they come
#'
#' new() with slots validates them again, which takes longer than a small fit.
#' @noRd
engine_matrix <- function(slots, dim, dimnames) {
  if (is.null(memo$empty)) memo$empty <- new("dgCMatrix")
  m <- memo$empty
  m@i <- slots$i
  m@p <- slots$p
  m@x <- slots$x
  m@Dim <- dim
  m@Dimnames <- dimnames
  m
}
