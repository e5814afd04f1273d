# `exclude` as a function of the training data: columns that each fold leaves out for itself.

#' The columns that a function chooses
#'
#' @param rows Rows to show it: numbers, or NULL for all.
#' @return What check_exclude() returns.
#' @noRd
chosen_columns <- function(fun, x, y, weights, rows, call) {
  if (!is.null(rows)) {
    x <- x[rows, , drop = FALSE]
    y <- take_rows(y, rows)
    weights <- weights[rows]
  }
  attr(x, "encoding") <- NULL
  chosen <- withCallingHandlers(
    fun(x = x, y = y, weights = weights),
    error = function(e) {
      if (inherits(e, "sparsepath_error")) return()
      sp_abort("function", "The function `exclude` failed.", why = sprintf("It said: %s", sub("\\.?$", ".", conditionMessage(e))),
        how = "It is called as `exclude(x = , y = , weights = )` and must return columns to leave out.", call = call, arg = "exclude"
      )
    }
  )
  if (!(is.null(chosen) || is.atomic(chosen))) {
    sp_abort("type", "The function `exclude` must return column numbers, names, or a logical vector.",
      why = sprintf("It returned %s.", describe(chosen)), call = call, arg = "exclude"
    )
  }
  check_exclude(chosen, ncol(x), colnames(x) %||% default_names(ncol(x)), call)
}

#' Penalty factors of all tasks of a cross-validation, a list, if `exclude` is a function
#' @noRd
fold_factors <- function(setup, tasks, call) {
  if (is.null(setup$choose)) return(NULL)
  folds <- max(tasks$heldout) - 1L
  penalty.factor <- setup$settings$penalty.factor
  factors <- function(exclude) check_penalty_factor(penalty.factor, exclude, ncol(setup$x), call, NCOL(penalty.factor))
  c(list(factors(setup$settings$exclude)), lapply(seq_len(folds) + 1L, function(task) {
    rows <- which(rowSums(tasks$heldout == task) == 0)
    factors(chosen_columns(setup$choose$fun, setup$x, setup$choose$y, setup$weights, rows, call))
  }))
}
