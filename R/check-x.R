# Validators of the design: what may be x, and how it is converted.

#' The design: a double matrix or a dgCMatrix, as it is or converted
#'
#' Non-finite values are not looked for here: the engine meets every value in
#' its first pass and names the column.
#' @noRd
check_x <- function(x, call, arg = "x", n = NULL) {
  x <- if (is.data.frame(x)) check_x_data_frame(x, call, arg) else check_x_class(x, call, arg)
  if (nrow(x) < 1L && arg != "newx" || ncol(x) < 1L) { # no rows: no predictions
    sp_abort("dimension", sprintf("`%s` must have at least one %scolumn.", arg, if (arg == "newx") "" else "row and one "),
      why = sprintf("It is %d x %d.", nrow(x), ncol(x)), call = call, arg = arg
    )
  }
  x
}

#' @noRd
check_x_data_frame <- function(x, call, arg) {
  ok <- vapply(x, function(column) {
    (is.numeric(column) || is.logical(column)) && is.null(dim(column)) && !is.factor(column)
  }, NA)
  if (!all(ok)) {
    first <- which(!ok)[1L]
    sp_abort("type", sprintf("`%s` is a data frame with columns that are not numbers.", arg),
      why = sprintf("Column %s is %s%s.", at_column(first, names(x)), describe(x[[first]]), and_more(sum(!ok))),
      how = c(
        if (arg == "newx") "The fit was given a matrix: make one with its columns first, for instance with `make_x()`."
        else "Make a matrix of its columns first, for instance with `make_x()`."
      ), call = call, arg = arg, position = first
    )
  }
  x <- as.matrix(x)
  storage.mode(x) <- "double"
  x
}

#' @noRd
at_column <- function(j, names) {
  if (is.null(names) || is.na(names[j]) || !nzchar(names[j])) sprintf("%d", j) else sprintf("%d (\"%s\")", j, names[j])
}

#' @noRd
check_x_class <- function(x, call, arg) {
  if (isS4(x) && is(x, "Matrix")) return(check_x_Matrix(x, call, arg))
  refuse <- function(how) {
    sp_abort("type", sprintf("`%s` must be a numeric matrix, a matrix of the Matrix package, or a data frame.", arg),
      why = sprintf("It is %s.", describe(x)), how = how, call = call, arg = arg
    )
  }
  if (inherits(x, "formula")) refuse("Give the data, without the formula.")
  if (!is.matrix(x)) {
    refuse(if (is.numeric(x) && is.null(dim(x))) sprintf("For one variable use `%s = cbind(x)`; for one observation `%s = rbind(x)`.", arg, arg))
  }
  if (is.object(x) && !inherits(x, c("matrix", "AsIs", "table"))) refuse("Convert it with `as.matrix()`.")
  switch(typeof(x),
    double = x,
    integer = , logical = {
      storage.mode(x) <- "double"
      x
    },
    refuse(if (is.character(x)) "Its values are text: convert them to numbers first.")
  )
}

#' @noRd
check_x_Matrix <- function(x, call, arg) {
  if (is(x, "dgCMatrix")) return(x)
  check_valid_sparse(x, call, arg)
  if (is(x, "sparseMatrix")) return(as(as(as(x, "dMatrix"), "generalMatrix"), "CsparseMatrix"))
  x <- as(x, "matrix")
  storage.mode(x) <- "double"
  x
}

#' Refuse a damaged object of the Matrix package before R code reads it
#' @noRd
check_valid_sparse <- function(x, call, arg) {
  valid <- tryCatch(validObject(x), error = conditionMessage)
  if (is.character(valid)) {
    sp_abort("corrupt", sprintf("`%s` is a damaged object of class \"%s\".", arg, class(x)[1]),
      why = gsub("[[:space:]]+", " ", valid), call = call, arg = arg
    )
  }
}

#' The engine found a non-finite value in a column: say where
#' @noRd
abort_nonfinite_x <- function(x, column, call, arg = "x") {
  why <- NULL
  row <- NA_integer_
  if (!is.na(column)) {
    values <- as.vector(x[, column])
    row <- which(!is.finite(values))[1L]
    if (is.na(row)) {
      sp_abort("range", sprintf("`%s` has values that are too large.", arg),
        why = sprintf("Squares of column %s, the largest of which is %s, have no finite sum.", at_column(column, colnames(x)),
          show_number(max(abs(values)))),
        how = "Use another unit.", call = call, arg = arg, position = c(row = row, column = column)
      )
    }
    why <- sprintf("%s in row %s, column %s.", show_number(values[row]), at_column(row, rownames(x)), at_column(column, colnames(x)))
  }
  sp_abort("nonfinite", sprintf("`%s` must not contain missing or infinite values.", arg),
    why = why, how = "Impute the missing values, for instance by `make_x(na.impute = TRUE)`, or leave out those rows or columns.",
    call = call, arg = arg, position = c(row = row, column = column)
  )
}
