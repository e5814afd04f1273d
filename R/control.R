#' Control how paths are computed
#'
#' Accuracy, limits and machinery of [sparsepath()] and [cv.sparsepath()]. The
#' defaults suit nearly every fit; what most users may want to set is `threads`.
#' Nothing here is global: settings belong to the call they are given to.
#'
#' @param thresh Promise of accuracy: the relative duality gap (gap divided by
#'   the objective of the null model) that every solution must reach. The gap is
#'   a proven bound, not a change between iterations as in glmnet, so the same
#'   number means much more here; the default `1e-7` leaves no doubt about which
#'   variables are selected in most data. The solver usually ends far below it,
#'   because its last step is a direct solve. Family objects have no gap: their `kkt` must be at most
#'   `10 * thresh`.
#' @param maxit Most Newton rounds for one lambda. Fewer than ten are usual, so
#'   that the default is a safety net; solutions cut off by it have status 2 and
#'   are named in a warning. (The `maxit` of glmnet counts passes of coordinate
#'   descent over the whole path.)
#' @param dfmax The automatic grid ends at the first solution with more than
#'   `dfmax` nonzero coefficients. Default: no limit.
#' @param pmax The path ends when more than `pmax` variables have ever been in
#'   the model. Default: no limit; glmnet derives one from `dfmax`.
#' @param fdev,devmax The automatic grid ends when the deviance ratio exceeds
#'   `devmax`, or grows by less than `fdev` from one lambda to the next (as a
#'   fraction of itself for `"gaussian"`, in absolute terms for `"binomial"`):
#'   beyond that the fit only interpolates the data. These are the rules and the
#'   values of glmnet; `fdev = 0` and `devmax = 1` switch them off. They
#'   do not apply to a `lambda` of your own. A limit of exactly zero in
#'   `lower.limits` or `upper.limits` switches `fdev` off, as in glmnet.
#' @param threads Number of threads. The answer does not depend on it, bit for
#'   bit. The default is one, as a polite guest of shared machines and of
#'   `future` workers; set `options(sparsepath.threads = )` for a session.
#' @param trace.it `1` shows a text progress bar. With the progressr package,
#'   progress is reported to its handlers instead, for instance within
#'   `progressr::with_progress()`.
#' @param solver `"auto"`, the direct solver with coordinate descent as its
#'   fallback, or `"cd"`, coordinate descent alone, for comparisons.
#' @param screen Use screening rules? `FALSE` exists to test that screening
#'   never changes an answer.
#' @returns A list of class `sparsepath.control` with one entry per argument.
#' @seealso [sparsepath()]
#' @examples
#' sparsepath.control(threads = 2)
#' @export
sparsepath.control <- function(thresh = 1e-7, maxit = 200L, dfmax = Inf, pmax = Inf, fdev = 1e-5,
                               devmax = 0.999, threads = getOption("sparsepath.threads", 1L), trace.it = 0,
                               solver = c("auto", "cd"), screen = TRUE) {
  call <- shown_call("sparsepath.control")
  structure(
    list(
      thresh = check_scalar(thresh, "thresh", call, lower = 0, upper = 1, open = TRUE),
      maxit = as.integer(check_scalar(maxit, "maxit", call, lower = 1, upper = .Machine$integer.max, integer = TRUE)),
      dfmax = check_scalar(dfmax, "dfmax", call, lower = 1, infinite = TRUE, integer = TRUE),
      pmax = check_scalar(pmax, "pmax", call, lower = 1, infinite = TRUE, integer = TRUE),
      fdev = check_scalar(fdev, "fdev", call, lower = 0, upper = 1),
      devmax = check_scalar(devmax, "devmax", call, lower = 0, upper = 1),
      threads = as.integer(check_scalar(threads, "threads", call, lower = 1, upper = 1024, integer = TRUE)),
      trace.it = check_trace(trace.it, call),
      solver = check_choice(solver, c("auto", "cd"), "solver", call),
      screen = check_flag(screen, "screen", call)
    ),
    class = "sparsepath.control"
  )
}

#' @noRd
check_trace <- function(trace.it, call) {
  if (is.logical(trace.it) && length(trace.it) == 1L && !is.na(trace.it)) trace.it <- as.integer(trace.it)
  as.integer(check_scalar(trace.it, "trace.it", call, lower = 0, upper = 1, integer = TRUE))
}

#' @method print sparsepath.control
#' @export
print.sparsepath.control <- function(x, ...) {
  cat("Control of sparsepath():\n")
  values <- vapply(x, function(v) if (is.character(v)) sprintf("\"%s\"", v) else format(v), "")
  cat(sprintf("  %-9s %s", names(x), values), sep = "\n")
  invisible(x)
}
