# From a data frame to a numeric matrix, and the same way again for new data. What
# was done is kept in an encoding: a list that holds names, levels and, for
# formulas, terms, but no data.
#
# Fields: `kind` ("frame" or "formula"), `contrasts`, `sparse`, `columns` (names of the
# result), `variables` (names needed in new data). For "frame" also `type`
# ("numeric", "logical", "factor") and `levels`; for "formula" also `terms`,
# `xlevels`, `flags` (names of logical variables) and `offset` (has offset() terms?).

#' Numeric matrix from a data frame
#'
#' Turns a data frame into the matrix that [sparsepath()] fits, and remembers how, so
#' that new data get the same columns. `sparsepath()` does this by itself when `x`
#' is a data frame; call `make_x()` for a sparse matrix, for the other coding of
#' factors, or to see the columns.
#'
#' Numbers stay as they are, logical values become 0 and 1, and a factor or a text
#' variable becomes one column of zeros and ones for each level, named by
#' variable and level (`"treeoak"`, `"treepine"`), in the order of the levels; text is sorted.
#' A factor is never replaced by its integer codes. Declared levels that do not
#' occur get a column of zeros, whose coefficient is zero.
#'
#' With a penalty, no level need be left out to make the model identifiable, and
#' which one was left out would change the fit: leaving none out (`"all"`) is the
#' default. `"treatment"` leaves out the first level, as `lm()` does; coefficients
#' are then differences from it.
#'
#' Dates, times, complex numbers, lists and matrices inside the data frame are
#' refused with an error of class `sparsepath_error_type`; convert them to the
#' number that is meant (`as.numeric(date)`, months since ...). Missing values stay
#' missing, in all columns of a factor, and are refused by the fit. With `na.impute = TRUE` each is
#' replaced by the mean of its column, as in `glmnet::makeX()`: for the columns of a factor these are
#' the shares of the levels. The means are remembered, and new data are completed with them.
#'
#' With a formula, the matrix has the columns that `sparsepath()` would make from it: interactions, transformations,
#' polynomials. A response is ignored, and there is never a column for the intercept.
#'
#' @param data A data frame, tibble or data.table. Or a formula, followed by the data frame.
#' @param like What to encode by: a matrix that `make_x()` returned, or a fit. The
#'   result has its columns, in its order, whatever order `data` have; further
#'   variables are ignored. A variable that is missing, and a level that did not
#'   exist, are errors (classes `sparsepath_error_names`, `sparsepath_error_levels`)
#'   that name it.
#' @param contrasts Coding of factors: `"all"`, one column for each level, or
#'   `"treatment"`, one for each but the first. Taken from `like` if that is given.
#' @param sparse Return a sparse `dgCMatrix`? Saves memory and time with many
#'   levels. By default as `like`, and `FALSE` without it.
#' @param na.impute Replace missing values by the means of their columns? With `like`, the means are those
#'   remembered there, and the argument is not needed.
#' @param formula A formula, as in [sparsepath()]; `make_x(~ a * g, data)` is the same as `make_x(data, formula = ~ a * g)`.
#' @returns A numeric matrix (or a `dgCMatrix`), rows and row names as in `data`, with
#'   an attribute `"encoding"`. [sparsepath()] moves the encoding to the fit, so that
#'   `predict()` accepts data frames. Taking a part of the matrix loses the
#'   attribute: take the part of the data frame.
#' @seealso [sparsepath()], whose formula method does the same for interactions and
#'   transformations.
#' @examples
#' d <- data.frame(age = c(31, 54, 47), tree = c("oak", "pine", "oak"), wet = c(TRUE, FALSE, TRUE))
#' x <- make_x(d)
#' x
#' make_x(data.frame(wet = FALSE, tree = "pine", age = 40), like = x)
#' make_x(d, contrasts = "treatment", sparse = TRUE)
#' make_x(~ age * wet, d)
#'
#' # missing values
#' d$age[2] <- NA
#' make_x(d, na.impute = TRUE)
#' @export
make_x <- function(data, like = NULL, contrasts = c("all", "treatment"), sparse = NULL, na.impute = FALSE, formula = NULL) {
  call <- shown_call("make_x")
  if (!missing(data) && inherits(data, "formula")) { # make_x(~ a, data)
    swapped <- list(formula = data, data = like)
    formula <- swapped$formula
    data <- swapped$data
    like <- NULL
    if (is.null(data)) abort_missing("data", "A data frame must follow the formula: `make_x(~ a + b, data)`.", call)
  } else if (missing(data)) abort_missing("data", "Give a data frame.", call)
  if (!is.data.frame(data)) {
    sp_abort("type", "`data` must be a data frame.", why = sprintf("It is %s.", describe(data)),
      how = if (is.matrix(data) || isS4(data)) "A matrix needs no conversion: give it to the fit.", call = call, arg = "data")
  }
  if (!is.null(sparse)) sparse <- check_flag(sparse, "sparse", call)
  na.impute <- check_flag(na.impute, "na.impute", call)
  contrasts <- check_choice(contrasts, c("all", "treatment"), "contrasts", call)
  if (!is.null(formula) && !is.null(like)) {
    sp_abort("unknown_argument", "`formula` and `like` are given.", how = "`like` remembers how its columns were made; leave `formula` out.", call = call, arg = "formula")
  }
  if (is.null(like)) {
    x <- if (is.null(formula)) encode_frame(data, contrasts, sparse %||% FALSE, call, "data", keep = TRUE)
      else encode_formula(formula, data, contrasts, sparse %||% FALSE, call)
    return(if (na.impute) impute_means(x, column_averages(x, call), TRUE) else x)
  }
  encoding <- encoding_of(like)
  if (is.null(encoding)) {
    sp_abort("type", "`like` must come from `make_x()`, or be a fit that was given a data frame.",
      why = sprintf("It is %s%s.", describe(like), if (is.matrix(like) || isS4(like)) " without an encoding" else ""),
      how = "Taking a part of a matrix loses its encoding.", call = call, arg = "like"
    )
  }
  apply_encoding(data, encoding, call, "data", sparse %||% encoding$sparse)
}

#' @noRd
new_encoding <- function(...) structure(list(...), class = "sparsepath_encoding")

# One line, or a matrix of make_x() would print all that is remembered
#' @method print sparsepath_encoding
#' @export
print.sparsepath_encoding <- function(x, ...) {
  cat(sprintf("columns made from %s%s; predict() takes data frames\n",
    if (x$kind == "formula") paste("a formula of", and_list(x$variables[seq_len(min(5L, length(x$variables)))]))
    else sprintf("%d %s", length(x$variables), plural(length(x$variables), "variable")),
    if (is.null(x$means)) "" else ", missing values replaced by means"))
  invisible(x)
}

#' The encoding that an object carries, or NULL
#' @noRd
encoding_of <- function(object) {
  if (inherits(object, "cv.sparsepath")) object <- object$fit
  if (inherits(object, "sparsepath")) return(object$encoding)
  encoding <- attr(object, "encoding", exact = TRUE)
  if (is.null(encoding) || !identical(colnames(object), encoding$columns)) return(NULL) # columns were renamed
  encoding
}

#' x of a fit: a data frame becomes a matrix that carries its encoding
#' @noRd
encode_x <- function(x, call, arg = "x") {
  if (is.data.frame(x)) encode_frame(x, "all", FALSE, call, arg) else x
}

#' Data for a fit, as a matrix with its columns
#'
#' @return What the engine and the methods read. For a formula, attributes
#'   `incomplete` (rows with missing values) and `offset` (of offset() terms).
#' @noRd
x_like <- function(x, object, call, arg) {
  if (is.data.frame(x) && !is.null(object$encoding)) return(apply_encoding(x, object$encoding, call, arg))
  if (is.data.frame(x)) return(check_x(align_columns(as.data.frame(x), object, call, arg), call, arg))
  x <- check_x(x, call, arg)
  if (isS4(x)) check_valid_sparse(x, call, arg) # before any indexing
  align_columns(x, object, call, arg)
}

# ---- data frames ---------------------------------------------------------------

#' @param keep Return an encoding even if there is nothing to remember but names?
#' @noRd
encode_frame <- function(data, contrasts, sparse, call, arg, keep = FALSE) {
  data <- as.data.frame(data) # a data.table indexes in its own way
  if (!nrow(data) || !length(data)) {
    sp_abort("dimension", sprintf("`%s` must have at least one row and one column.", arg),
      why = sprintf("It is %d x %d.", nrow(data), length(data)), call = call, arg = arg
    )
  }
  type <- variable_types(data, call, arg)
  plain <- all(type != "factor")
  if (plain && !keep) return(check_x(data, call, arg))
  levels <- lapply(data[type == "factor"], function(v) levels(as.factor(v)))
  none <- vapply(levels, length, 0L) == 0L
  if (any(none)) {
    sp_abort("levels", sprintf("Variable `%s` of `%s` has no value.", names(levels)[none][1L], arg),
      why = "All its values are missing.", call = call, arg = arg, variable = names(levels)[none][1L]
    )
  }
  encoding <- new_encoding(kind = "frame", contrasts = contrasts, sparse = sparse, variables = names(data), type = unname(type), levels = levels)
  x <- expand_frame(data, encoding, sparse)
  encoding$columns <- colnames(x)
  attr(x, "encoding") <- encoding
  x
}

#' Type of each variable; everything that is no number, flag or class is refused
#' @noRd
variable_types <- function(data, call, arg) {
  one <- function(v) {
    if (length(dim(v)) > 0L && !(is.array(v) && length(dim(v)) == 1L)) return(NA_character_)
    if (is.factor(v) || is.character(v)) return("factor")
    if (is.logical(v)) return("logical")
    if (is.numeric(v) && !inherits(v, c("integer64", "Date", "POSIXt", "difftime"))) return("numeric")
    NA_character_
  }
  type <- vapply(data, one, "")
  if (anyNA(type)) {
    bad <- which(is.na(type))
    sp_abort("type", sprintf("`%s` has variables that are no numbers, flags or classes.", arg),
      why = sprintf("Variable %s is %s%s.", at_column(bad[1L], names(data)), describe(data[[bad[1L]]]), and_more(length(bad))),
      how = "Convert it to the number or factor that is meant, or leave it out.", call = call, arg = arg,
      position = bad[[1L]], variable = names(data)[bad]
    )
  }
  type
}

#' The matrix, column by column
#' @noRd
expand_frame <- function(data, encoding, sparse) {
  n <- nrow(data)
  parts <- lapply(seq_along(data), function(j) {
    v <- data[[j]]
    if (encoding$type[j] != "factor") {
      v <- as.double(v)
      if (!sparse) return(list(names = encoding$variables[j], x = v))
      at <- which(v != 0 | is.na(v))
      return(list(names = encoding$variables[j], i = at, j = rep(1L, length(at)), x = v[at]))
    }
    levels <- encoding$levels[[encoding$variables[j]]]
    code <- match(as.character(v), levels)
    missing <- which(is.na(v))
    if (encoding$contrasts == "treatment") {
      levels <- levels[-1L]
      code <- code - 1L
    }
    size <- length(levels)
    at <- which(!is.na(code) & code > 0L)
    i <- c(at, rep(missing, size))
    k <- c(code[at], rep(seq_len(size), each = length(missing)))
    value <- rep(c(1, NA_real_), c(length(at), length(missing) * size))
    names <- if (size) paste0(encoding$variables[j], levels) else character()
    if (sparse) return(list(names = names, i = i, j = k, x = value))
    x <- matrix(0, n, size)
    x[cbind(i, k)] <- value
    list(names = names, x = x)
  })
  columns <- unlist(lapply(parts, `[[`, "names"))
  rows <- if (.row_names_info(data) > 0L) row.names(data)
  if (!sparse) {
    x <- matrix(unlist(lapply(parts, `[[`, "x"), use.names = FALSE), n, length(columns))
    dimnames(x) <- list(rows, columns)
    return(x)
  }
  before <- cumsum(c(0L, lengths(lapply(parts, `[[`, "names"))))[seq_along(parts)]
  Matrix::sparseMatrix(
    i = unlist(lapply(parts, `[[`, "i")),
    j = unlist(lapply(parts, `[[`, "j")) + rep(before, lengths(lapply(parts, `[[`, "i"))),
    x = unlist(lapply(parts, `[[`, "x")), dims = c(n, length(columns)), dimnames = list(rows, columns)
  )
}

# ---- new data --------------------------------------------------------------------

#' @noRd
apply_encoding <- function(data, encoding, call, arg, sparse = encoding$sparse) {
  data <- as.data.frame(data)
  check_variables(data, encoding$variables, call, arg)
  x <- if (encoding$kind == "formula") formula_matrix(data, encoding, call, arg, sparse) else {
    if (!identical(names(data), encoding$variables)) {
      twice <- intersect(encoding$variables, names(data)[duplicated(names(data))])
      if (length(twice)) {
        sp_abort("names", sprintf("The variables of `%s` cannot be matched by name.", arg),
          why = sprintf("Names that occur more than once: %s.", some_names(twice)), call = call, arg = arg
        )
      }
      data <- data[match(encoding$variables, names(data))]
    }
    for (j in which(encoding$type == "factor")) {
      check_levels(data[[j]], encoding$levels[[encoding$variables[j]]], encoding$variables[j], call, arg)
    }
    is_class <- vapply(data, function(v) is.factor(v) || is.character(v), NA)
    check_no_class(data, encoding$type != "factor" & is_class, call, arg)
    variable_types(data, call, arg)
    expand_frame(data, encoding, sparse)
  }
  if (!is.null(encoding$means)) {
    x <- impute_means(x, encoding$means)
    attr(x, "incomplete") <- NULL
  }
  encoding$sparse <- sparse
  attr(x, "encoding") <- encoding
  x
}

#' Replace missing values by the means of their columns
#' @param remember Keep the means in the encoding?
#' @noRd
impute_means <- function(x, means, remember = FALSE) {
  if (is.matrix(x)) {
    at <- which(is.na(x))
    x[at] <- means[(at - 1L) %/% nrow(x) + 1L]
  } else {
    at <- which(is.na(x@x))
    x@x[at] <- means[rep(seq_len(ncol(x)), diff(x@p))[at]]
  }
  if (remember) attr(x, "encoding")$means <- means
  x
}

#' @noRd
column_averages <- function(x, call) {
  means <- unname(Matrix::colMeans(x, na.rm = TRUE))
  none <- which(!is.finite(means))
  if (length(none)) {
    sp_abort("nonfinite", "The mean of a column is not finite.",
      why = sprintf("Column %s has no value, or infinite ones%s.", at_column(none[1L], colnames(x)), and_more(length(none))), call = call, arg = "data"
    )
  }
  means
}

#' @noRd
check_variables <- function(data, variables, call, arg) {
  absent <- setdiff(variables, names(data))
  if (!length(absent)) return(invisible())
  near <- nearest(absent[1L], setdiff(names(data), variables))
  sp_abort("names", sprintf("`%s` lacks variables of the fit.", arg),
    why = sprintf("%s %s missing.", some_names(absent), plural(length(absent), "is", "are")),
    how = if (length(near)) sprintf("It has a variable \"%s\".", near), call = call, arg = arg, missing = absent
  )
}

#' A class variable of new data: its levels must be known
#' @noRd
check_levels <- function(v, levels, name, call, arg) {
  if (!is.factor(v) && !is.character(v)) {
    if (all(is.na(v))) return(invisible())
    sp_abort("type", sprintf("Variable `%s` of `%s` must be a factor or text, as in the fit.", name, arg),
      why = sprintf("It is %s.", describe(v)), call = call, arg = arg, variable = name
    )
  }
  unknown <- setdiff(unique(as.character(v[!is.na(v)])), levels)
  if (!length(unknown)) return(invisible())
  first <- match(unknown[1L], as.character(v))
  sp_abort("levels", sprintf("Variable `%s` of `%s` has levels that the fit does not know.", name, arg),
    why = sprintf("%s, first in row %d; the levels of the fit are %s.", some_names(unknown), first, some_names(levels)),
    how = "Leave those rows out, set them to a known level, or fit with data that have the level.",
    call = call, arg = arg, variable = name, levels = unknown
  )
}

#' A class where the fit had a number
#' @noRd
check_no_class <- function(data, bad, call, arg) {
  bad <- which(bad)
  if (!length(bad)) return(invisible())
  sp_abort("type", sprintf("Variable `%s` of `%s` must be numeric, as in the fit.", names(data)[bad[1L]], arg),
    why = sprintf("It is %s%s.", describe(data[[bad[1L]]]), and_more(length(bad))), call = call, arg = arg,
    variable = names(data)[bad]
  )
}
