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
#'   that the default of 200 is a safety net (reference solvers: most iterations
#'   for one lambda, by default 10000); solutions cut off by it have status 2 and
#'   are named in a warning. (The `maxit` of glmnet counts passes of coordinate
#'   descent over the whole path.)
#' @param dfmax The automatic grid ends at the first solution with more than
#'   `dfmax` nonzero coefficients. Default: no limit.
#' @param pmax The path ends when more than `pmax` variables have ever been in
#'   the model. Default: no limit; glmnet derives one from `dfmax`.
#' @param fdev,devmax The automatic grid ends when the deviance ratio exceeds
#'   `devmax`, or grows by less than `fdev` from one lambda to the next (as a
#'   fraction of itself for `"gaussian"`, of what is left to explain for `"mgaussian"`, in absolute terms for classes;
#'   for `"poisson"` by less than `10 * fdev`, for `"cox"` by less than `100 * fdev` of itself within four lambdas):
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
#'   fallback, or `"cd"`, coordinate descent alone, for comparisons; or a textbook
#'   method, see Reference solvers.
#' @param restart For `solver = "fista"`: start the momentum again whenever it
#'   points uphill (O'Donoghue and Candes 2015, equation 13)? The default `TRUE`
#'   converges faster wherever the problem is locally strongly convex; `FALSE`
#'   is the method of Beck and Teboulle, with its ripples.
#' @param rho For `solver = "admm"`: the penalty parameter, a positive number, in
#'   the units of the loss (observation weights that sum to 1, standardized
#'   columns). The default `NULL` begins with the mean curvature of the loss, 1
#'   for `"gaussian"`, and keeps primal and dual residual within a factor of 10
#'   of each other (Boyd et al. 2011, equation 3.13) for the first 300
#'   iterations.
#' @param screen Use screening rules? `FALSE` exists to test that screening
#'   never changes an answer.
#' @section Reference solvers:
#' For checking and teaching, `solver` can be a textbook method instead:
#' \describe{
#'   \item{`"ista"`}{proximal gradient descent with backtracking (Beck and
#'     Teboulle 2009, section 2.2)}
#'   \item{`"fista"`}{the same with momentum (their section 4), see `restart`}
#'   \item{`"admm"`}{alternating direction method of multipliers in scaled form
#'     (Boyd et al. 2011, sections 6.3 and 6.4), see `rho`; losses other than
#'     squared error are minimized by Newton's method in each iteration}
#'   \item{`"subgradient"`}{subgradient descent with step
#'     \eqn{a / \sqrt{k}}{a / sqrt(k)}, `a` the step of one proximal step; the
#'     best iterate is returned. It rarely reaches `thresh`: that is the lesson}
#' }
#' They solve the same problem for every family and convex penalty, along the same grid
#' from one solution to the next, without screening (`screen` is not used), and
#' every iterate gets the same certificate as every other solution:
#' [convergence()] returns objective and gap of each. Intercept and unpenalized
#' coefficients are brought to their optimum at every iterate, so that these are
#' methods for the penalized coefficients, in penalized (standardized) units. A
#' solution ends when its gap is at most `thresh`, or after `maxit` iterations
#' with status 2.
#' @section Errors:
#' `sparsepath_error_range` and `sparsepath_error_choice` for values that are
#' not allowed, `sparsepath_error_unavailable` for `restart` or `rho` given for
#' another solver, and, when the fit begins, for a penalty that is not convex and
#' for data too large for `"admm"`,
#' which copies `x` and factors a matrix of its smaller side.
#' @references
#' Beck A, Teboulle M (2009). A fast iterative shrinkage-thresholding algorithm
#' for linear inverse problems. *SIAM Journal on Imaging Sciences*, 2(1),
#' 183-202. \doi{10.1137/080716542}
#'
#' Boyd S, Parikh N, Chu E, Peleato B, Eckstein J (2011). Distributed
#' optimization and statistical learning via the alternating direction method of
#' multipliers. *Foundations and Trends in Machine Learning*, 3(1), 1-122.
#' \doi{10.1561/2200000016}
#'
#' O'Donoghue B, Candes E (2015). Adaptive restart for accelerated gradient
#' schemes. *Foundations of Computational Mathematics*, 15(3), 715-732.
#' \doi{10.1007/s10208-013-9150-3}
#' @returns A list of class `sparsepath.control` with one entry per argument.
#' @seealso [sparsepath()], [convergence()], `vignette("is-this-solution-right")`
#' @examples
#' sparsepath.control(threads = 2)
#' @export
sparsepath.control <- function(thresh = 1e-7, maxit = if (solver %in% c("auto", "cd")) 200L else 10000L,
                               dfmax = Inf, pmax = Inf, fdev = 1e-5, devmax = 0.999, threads = getOption("sparsepath.threads", 1L), trace.it = 0,
                               solver = c("auto", "cd", "ista", "fista", "subgradient", "admm"), screen = TRUE,
                               restart = TRUE, rho = NULL) {
  call <- shown_call("sparsepath.control")
  solver <- check_choice(solver, c("auto", "cd", reference_solvers), "solver", call)
  if (!missing(restart)) check_belongs("restart", solver, "fista", call)
  if (!is.null(rho)) check_belongs("rho", solver, "admm", call)
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
      solver = solver,
      screen = check_flag(screen, "screen", call),
      restart = check_flag(restart, "restart", call),
      rho = if (!is.null(rho)) check_scalar(rho, "rho", call, lower = 0, open = TRUE)
    ),
    class = "sparsepath.control"
  )
}

reference_solvers <- c("ista", "fista", "subgradient", "admm")

#' @noRd
check_belongs <- function(arg, solver, owner, call) {
  if (solver == owner) return(invisible())
  sp_abort("unavailable", sprintf("`%s` belongs to `solver = \"%s\"`.", arg, owner), why = sprintf("The solver is \"%s\".", solver),
    how = sprintf("Leave `%s` out.", arg), call = call, arg = arg
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
  values <- vapply(x, function(v) if (is.null(v)) "NULL" else if (is.character(v)) sprintf("\"%s\"", v) else format(v), "")
  cat(sprintf("  %-9s %s", names(x), values), sep = "\n")
  invisible(x)
}
