# The text of the error (or of the warnings) that an expression raises.

message_of <- function(expr) {
  conditionMessage(tryCatch(expr, error = identity))
}

warnings_of <- function(expr) {
  found <- list()
  withCallingHandlers(expr, warning = function(w) {
    found[[length(found) + 1L]] <<- w
    invokeRestart("muffleWarning")
  })
  found
}

# class without its prefix
expect_refused <- function(expr, slug) {
  testthat::expect_error(expr, class = paste0("sparsepath_error_", slug))
}
