# Progress reports: a function(fraction) that the engine calls now and then.

#' Progress function for a fit, or NULL
#'
#' progressr is used when it is loaded, which is the case whenever one of its
#' handlers is active; otherwise `trace.it = 1` shows a text bar.
#' @return list(report = function(fraction) or NULL, close = function()).
#' @noRd
progress_reporter <- function(control) {
  if (control$trace.it > 0L) return(text_reporter())
  if (isNamespaceLoaded("progressr")) return(progressr_reporter())
  list(report = NULL, close = function() NULL)
}

#' @noRd
text_reporter <- function() {
  bar <- utils::txtProgressBar(min = 0, max = 1, style = 3)
  list(
    report = function(fraction) {
      utils::setTxtProgressBar(bar, min(1, fraction))
      NULL
    },
    close = function() close(bar)
  )
}

#' @noRd
progressr_reporter <- function(steps = 100) {
  advance <- progressr::progressor(steps = steps, auto_finish = FALSE, on_exit = FALSE)
  done <- 0
  list(
    report = function(fraction) {
      amount <- floor(steps * min(1, fraction)) - done
      if (amount > 0) {
        done <<- done + amount
        advance(amount = amount)
      }
      NULL
    },
    close = function() advance(type = "finish")
  )
}
