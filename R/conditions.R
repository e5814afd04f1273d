# Classed conditions. Every error and warning of the package is raised here.
#
# A message has up to three parts: what is wrong, in terms of the user's
# argument; why, with the offending value and its position ("x" bullets); and
# how to go on ("i" bullets).

#' Build the text of a condition
#' @noRd
condition_text <- function(what, why = NULL, how = NULL) {
  bullets <- c(if (length(why)) paste("x", why), if (length(how)) paste("i", how))
  paste(c(what, bullets), collapse = "\n")
}

#' Raise a classed error
#'
#' @param slug The class is `sparsepath_error_<slug>`, then `sparsepath_error`.
#' @param what,why,how Strings (`why`, `how`: one per bullet).
#' @param call The call shown to the user.
#' @param ... Further fields of the condition: the data behind the message.
#' @noRd
sp_abort <- function(slug, what, why = NULL, how = NULL, call = NULL, ...) {
  stop(structure(
    class = c(paste0("sparsepath_error_", slug), "sparsepath_error", "error", "condition"),
    list(message = condition_text(what, why, how), call = call, ...)
  ))
}

#' Raise a classed warning
#' @inheritParams sp_abort
#' @noRd
sp_warn <- function(slug, what, why = NULL, how = NULL, call = NULL, ...) {
  warning(structure(
    class = c(paste0("sparsepath_warning_", slug), "sparsepath_warning", "warning", "condition"),
    list(message = condition_text(what, why, how), call = call, ...)
  ))
}

#' Signal that the user pressed Ctrl-C, as R itself does
#'
#' `tryCatch(interrupt = )` sees the condition; without a handler R goes back to
#' the prompt, or a script ends, without an error message.
#' @noRd
sp_interrupt <- function() {
  signalCondition(structure(class = c("interrupt", "condition"), list(message = "", call = NULL)))
  invokeRestart("abort")
}

#' The call shown in messages: the user's function, without its arguments
#'
#' Arguments are left out because they may be a whole matrix (do.call()).
#' @noRd
shown_call <- function(name) as.call(list(as.name(name)))

#' Translate a status of the engine into a condition
#'
#' @param out What the engine returned instead of a fit: list(error, where, msg).
#' @noRd
abort_engine <- function(out, x, call) {
  where <- out$where
  if (is.null(where)) where <- NA_integer_
  switch(sub("^e", "", out$error),
    interrupt = sp_interrupt(),
    nonfinite = abort_nonfinite_x(x, where, call),
    corrupt = sp_abort("corrupt", "`x` is a damaged sparse matrix.",
      why = corrupt_why(out$msg, where),
      how = "Check it with `validObject(x)`, or build it again with `Matrix::sparseMatrix()`.",
      call = call, where = where
    ),
    nomem = sp_abort("nomem", "There is not enough memory for this fit.",
      why = nonempty(out$msg),
      how = "Free memory, fit fewer lambdas, or limit the size of the models with `sparsepath.control(dfmax = )`.",
      call = call
    ),
    separation = sp_abort("separation", "The variables with penalty factor 0 separate the classes perfectly.",
      why = nonempty(out$msg),
      how = "Give some of them a positive `penalty.factor`, or limits.",
      call = call
    ),
    unsupported = sp_abort("unavailable", "This combination of arguments is not available in this version.",
      why = nonempty(out$msg), call = call
    ),
    sp_abort("engine", sprintf("The solver stopped with status \"%s\".", out$error),
      why = nonempty(out$msg), call = call, status = out$error, where = where
    )
  )
}

#' @noRd
nonempty <- function(msg) if (length(msg) && nzchar(msg)) msg

#' @noRd
corrupt_why <- function(msg, where) {
  if (length(msg) && nzchar(msg)) return(msg)
  if (is.na(where)) "Its row indices or column pointers are not valid."
  else sprintf("The row indices or pointers of column %d are not valid.", where)
}
