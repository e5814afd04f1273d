#' Choose lambda by cross-validation
#'
#' Cross-validates a path of [sparsepath()]. All folds, all replicates and the
#' full fit are solved together: one pass over the columns of `x` serves them
#' all, and held-out rows are rows with weight zero, so that `x` is never copied.
#' Each fold is centred and scaled by its own training rows. The results are
#' those of a loop of single fits.
#'
#' The full fit determines the grid of lambdas, and the folds use that grid.
#' (glmnet by default gives every fold a grid of its own and interpolates; with
#' a `lambda` of your own it does what is done here.)
#'
#' As in glmnet, `cvm` is the mean over folds of the mean loss in the fold, weighted by
#' the folds' total weights, and `cvsd` its standard error (`grouped = TRUE`). With
#' `grouped = FALSE`, which is also used when folds have fewer than three
#' observations, both come from the losses of single observations. The AUC is
#' computed within folds; with fewer than ten observations per fold the deviance
#' is used instead, with a warning.
#'
#' For `"cox"` the deviance of a fold is that of all observations minus that of the training set, both at the coefficients of the
#' training set, divided by the weight of the fold (`grouped = TRUE`; Verweij and van Houwelingen 1993); with `grouped = FALSE` that of the
#' fold by itself (below ten observations per fold `grouped = TRUE` is used instead, with a warning). The C-index (`"C"`) is computed within folds; of it, more is better. `cvm` and
#' `cvsd` are means and standard errors over folds in any case.
#'
#' Repeated cross-validation (`repeats`) averages over several random partitions,
#' which makes the choice of lambda depend less on the seed. The standard error
#' is that of all fold values, with the number of folds of one replicate in the
#' denominator: replicates use the same observations again and are no new data.
#'
#' @inheritParams sparsepath
#' @param ... Further arguments of [sparsepath()], by their full names:
#'   `family`, `alpha`, `nlambda`, `lambda.min.ratio`, `standardize`,
#'   `intercept`, `exclude`, `penalty.factor`, `lower.limits`, `upper.limits`, `penalty`.
#' @param type.measure What to measure on held-out observations: `"mse"` (the
#'   default for `"gaussian"`), `"mae"`; for `"binomial"` also `"deviance"` (the default; predicted probabilities
#'   are limited to `1e-5` and `1 - 1e-5`), `"class"` (misclassification error) or `"auc"`; `"multinomial"` has the same but `"auc"`, and family objects have `"deviance"`, `"mse"` and `"mae"`, with two classes (`binomial("probit")`) also `"class"` and `"auc"`; for `"cox"` `"deviance"` (the default) or `"C"`, the [concordance_index()]. With classes,
#'   `"mse"` and `"mae"` sum over all of them.
#' @param nfolds Number of folds, 2 or more. 10 is a good compromise of bias,
#'   variance and time. With classes, folds are stratified. `nfolds = n` is
#'   leave-one-out.
#' @param foldid Folds of your own: for each row the number of the fold in which it is
#'   held out; an n x R matrix for R replicates. `nfolds` and `repeats` are then
#'   ignored. Keep samples of one patient in one fold, or use `cluster`.
#' @param repeats Number of random partitions.
#' @param keep Keep the held-out predictions?
#' @param cluster For each row the cluster (patient, family, site) it belongs to. The
#'   rows of a cluster stay together in one fold, so that no model is judged on
#'   patients it has seen. Folds are balanced in size and, with two classes, in
#'   classes, as far as clusters allow. Cannot be combined with `foldid`.
#' @param relax Also cross-validate relaxed fits, and choose lambda and gamma together? See [relaxed]. Every fold
#'   fits its own active sets again.
#' @param gamma With `relax`: weights of the path in the blends to try, from 0 (unpenalized) to 1 (the path).
#' @param maxp With `relax`: sets of more than `maxp` variables are not fitted again. The default is n - 3, n
#'   the number of training rows.
#' @param grouped Average within folds first? See Details.
#'
#' @returns An object of class `"cv.sparsepath"`, a list with
#' \describe{
#'   \item{`lambda`}{the lambdas}
#'   \item{`cvm`, `cvsd`}{mean measure and its standard error for each lambda}
#'   \item{`cvup`, `cvlo`}{`cvm + cvsd`, `cvm - cvsd`}
#'   \item{`nzero`}{number of nonzero coefficients of the full fit}
#'   \item{`call`}{the call}
#'   \item{`name`}{the measure, a named string}
#'   \item{`fit`, `glmnet.fit`}{the full fit of [sparsepath()], under two names}
#'   \item{`lambda.min`}{the lambda with the best measure}
#'   \item{`lambda.1se`}{the largest lambda within one standard error of it}
#'   \item{`index`}{positions of the two, a 2 x 1 matrix}
#'   \item{`foldid`}{the folds used: a vector, or an n x R matrix}
#'   \item{`fit.preval`}{with `keep`: held-out linear predictors, n x L (x R); with K classes n x K x L (x R)}
#'   \item{`relaxed`}{with `relax`: `statlist`, a list with `lambda`, `cvm`, `cvsd`, `cvup`, `cvlo`
#'     and `nzero` for each gamma; `gamma`; the choices `lambda.min`, `gamma.min`,
#'     `lambda.1se`, `gamma.1se` (among all within one standard error the largest lambda, then the largest gamma),
#'     `nzero.min`, `nzero.1se`, `index`; `fold.gap` and `fold.status` of the relaxed fits; with `keep`
#'     `fit.preval`, a list. The other components are those of the path, gamma = 1}
#'   \item{`fold.gap`, `fold.kkt`, `fold.status`}{largest relative gap (`NA` for family objects), largest violation of the
#'     optimality conditions, and worst status of each fold's path}
#' }
#' @section Errors:
#' Those of [sparsepath()]; `sparsepath_error_folds` for folds that leave a training set without what the family needs (a class, an event),
#' `sparsepath_error_length`, `_range` and `_type` for `foldid`, `nfolds`, `repeats` and `cluster`, `sparsepath_error_choice` for a measure that
#' the family does not have.
#' @references
#' Verweij PJM, van Houwelingen HC (1993). Cross-validation in survival analysis. *Statistics in Medicine*, 12(24), 2305-2314.
#' \doi{10.1002/sim.4780122407}
#' @seealso [predict.cv.sparsepath()], [plot.cv.sparsepath()], [sparsepath()].
#' @examples
#' x <- log2(colon$x)
#' set.seed(1)
#' cv <- cv.sparsepath(x, colon$y, family = "binomial", type.measure = "class")
#' cv
#' plot(cv)
#' b <- coef(cv, s = "lambda.1se")
#' b[b[, 1] != 0, ]
#' @export
cv.sparsepath <- function(x, ...) {
  UseMethod("cv.sparsepath")
}

#' @rdname cv.sparsepath
#' @method cv.sparsepath default
#' @export
cv.sparsepath.default <- function(x, y, ..., weights = NULL, offset = NULL, lambda = NULL,
                                  type.measure = c("default", "mse", "mae", "deviance", "class", "auc", "C"), nfolds = 10,
                                  foldid = NULL, repeats = 1, keep = FALSE, grouped = TRUE, control = sparsepath.control(),
                                  cluster = NULL, relax = FALSE, gamma = c(0, 0.25, 0.5, 0.75, 1), maxp = NULL) {
  call <- shown_call("cv.sparsepath")
  check_cv_dots(dots_of(...), call)
  grouped <- check_flag(grouped, "grouped", call)
  keep <- check_flag(keep, "keep", call)
  relax <- check_flag(relax, "relax", call)
  if (relax) gamma <- check_gamma(gamma, call)
  maxp <- check_maxp(maxp, call)
  setup <- setup_problem(x, y, weights = weights, offset = offset, lambda = lambda, control = control, call = call, ...)
  family <- setup$family
  type.measure <- check_measure(type.measure, family, call)
  folds <- make_folds(foldid, nfolds, repeats, nrow(setup$x), setup$response$classes, call, cluster)
  rule <- cv_rule(type.measure, grouped, nrow(folds) / max(folds), family, call)
  tasks <- fold_tasks(setup$response$weights, folds)
  setup <- with_folds(setup, tasks, call)
  by_coefficients <- setup$traits$name == "cox" && rule$measure == "deviance"
  setup$problem$keep <- c(TRUE, rep(relax || by_coefficients, sum(tasks$counts)))
  out <- run_engine(setup)

  cv_call <- stored_call(match.call(), "cv.sparsepath")
  fit <- new_sparsepath(out$tasks[[1L]], out, setup, call_of_fit(cv_call))
  coefficients <- if (by_coefficients) fold_coefficients(out, setup, length(fit$lambda))
  if (by_coefficients) out$scores <- cox_fold_deviances(coefficients, setup, folds, rule$grouped)
  if (relax) fit <- add_relaxed(fit, setup, maxp, call)
  eta <- heldout_eta(out, folds, length(fit$lambda), setup$problem$predictors)
  cv <- new_cv(fit, eta, out, setup, folds, rule, keep, cv_call, call)
  if (!relax) return(cv)
  held <- heldout_relaxed(out, fit, setup, tasks, maxp)
  add_cv_relaxed(cv, eta, held, gamma, folds, setup, rule, keep, call, coefficients)
}

#' The tasks of a cross-validation in place of the single fit
#' @noRd
with_folds <- function(setup, tasks, call) {
  check_training(tasks, setup$response, setup$problem$offset, setup$traits, setup$problem$intercept, call)
  setup$problem$weights <- tasks$weights
  setup$problem$heldout <- tasks$heldout
  setup$fold_factors <- fold_factors(setup, tasks, call)
  setup
}

#' The call of sparsepath() that gives the full fit
#' @noRd
call_of_fit <- function(cv_call) {
  own <- c("type.measure", "nfolds", "foldid", "repeats", "keep", "grouped", "cluster", "gamma")
  stored_call(cv_call[!names(cv_call) %in% own], "sparsepath")
}

#' Arguments of sparsepath() that cv.sparsepath() passes on: full names only
#' @noRd
check_cv_dots <- function(dots, call) {
  own <- names(formals(cv.sparsepath.default))
  passed <- setdiff(fit_arguments(), own)
  given <- names(dots) %||% rep("", length(dots))
  check_dots(dots[!given %in% passed], c(setdiff(own, "..."), passed), call)
  if (anyDuplicated(given)) {
    sp_abort("unknown_argument", sprintf("`%s` is given twice.", given[duplicated(given)][1L]), call = call)
  }
}

#' Measure and grouping after the rules for small folds
#' @noRd
cv_rule <- function(measure, grouped, per_fold, family, call) {
  if (identical(family, "cox")) {
    if (!grouped && measure == "deviance" && per_fold < 10) {
      sp_warn("small_folds", "`grouped = TRUE` is used, because there are fewer than 10 observations per fold.",
        why = "Within a fold the risk sets would be nearly empty.", call = call
      )
      grouped <- TRUE
    }
    return(list(measure = measure, grouped = grouped))
  }
  if (measure == "auc" && per_fold < 10) {
    sp_warn("small_folds", "`type.measure = \"auc\"` needs at least 10 observations per fold; \"deviance\" is used.",
      why = sprintf("There are %s per fold.", format(per_fold, digits = 3)), how = "Use fewer folds.", call = call
    )
    measure <- "deviance"
  }
  if (grouped && measure != "auc" && per_fold < 3) {
    sp_warn("small_folds", "`grouped = FALSE` is used, because there are fewer than 3 observations per fold.", call = call)
    grouped <- FALSE
  }
  list(measure = measure, grouped = grouped)
}

#' The curve where it is known, as cv.glmnet() names its parts
#'
#' @param upto Positions that may be used.
#' @noRd
curve_fields <- function(curve, fit, upto = seq_along(fit$lambda)) {
  known <- !is.na(curve$cvsd)
  if (!any(known)) known[] <- TRUE
  known <- known & seq_along(known) %in% upto
  cvm <- curve$cvm[known]
  cvsd <- curve$cvsd[known]
  list(lambda = fit$lambda[known], cvm = cvm, cvsd = cvsd, cvup = cvm + cvsd, cvlo = cvm - cvsd, nzero = fit$df[known])
}

#' Score the held-out predictions and build the object
#' @noRd
new_cv <- function(fit, eta, out, setup, folds, rule, keep, cv_call, call) {
  upto <- seq_len(certified_to(fit, out, length(fit$lambda)))
  curve <- cv_curve(eta, folds, setup$response, setup$weights, setup$traits, rule$measure, rule$grouped, out$scores)
  cv <- c(curve_fields(curve, fit, upto), list(call = cv_call, name = setup$traits$measures[rule$measure], fit = fit, glmnet.fit = fit))
  cv <- c(cv, choose_lambda(cv$lambda, cv$cvm, cv$cvsd, rule$measure))
  cv$foldid <- if (ncol(folds) == 1L) folds[, 1L] else folds
  if (keep) {
    names(dim(eta)) <- NULL
    cv$fit.preval <- if (ncol(folds) == 1L) array(eta, dim(eta)[-length(dim(eta))]) else eta
    dimnames(cv$fit.preval) <- c(list(rownames(setup$x)), if (is_several(fit)) list(names(fit$beta)), list(step_names(fit)),
      if (ncol(folds) > 1L) list(NULL))
  }
  cv$fold.gap <- vapply(out$tasks[-1L], function(task) max(task$gap[upto]), 0)
  cv$fold.kkt <- vapply(out$tasks[-1L], function(task) max(task$kkt[upto]), 0)
  cv$fold.status <- vapply(out$tasks[-1L], function(task) max(task$status[upto]), 0L)
  warn_uncertified(fit, call)
  warn_uncertified_folds(cv, call)
  structure(cv, class = "cv.sparsepath")
}

#' With a non-convex penalty the curve ends before the first lambda at which a fold has no certified solution
#' @noRd
certified_to <- function(fit, out, size) {
  if (!is_nonconvex(fit$penalty)) return(size)
  missed <- Reduce(`|`, lapply(out$tasks[-1L], function(task) task$status[seq_len(size)] != 0L))
  max(1L, match(TRUE, missed, size + 1L) - 1L)
}

#' Held-out linear predictors at the lambdas of the full fit, n x L x R, or n x K x L x R
#' @noRd
heldout_eta <- function(out, folds, size, K = 1L) {
  if (K > 1L) {
    eta <- array(out$heldout, c(nrow(folds), K, length(out$heldout) / (length(folds) * K), ncol(folds)))
    return(eta[, , seq_len(size), , drop = FALSE])
  }
  eta <- array(out$heldout, c(nrow(folds), length(out$heldout) / length(folds), ncol(folds)))
  if (dim(eta)[2L] != size) eta <- eta[, seq_len(size), , drop = FALSE]
  eta
}

#' @noRd
warn_uncertified_folds <- function(cv, call) {
  missed <- which(cv$fold.status != 0L)
  if (!length(missed)) return(invisible())
  sp_warn("uncertified", sprintf("%d of %d folds have solutions that missed the promised accuracy.", length(missed), length(cv$fold.status)),
    why = worst_certificate(cv$fold.gap, cv$fold.kkt, cv$fit$control$thresh),
    how = "`fold.gap`, `fold.kkt` and `fold.status` have the details.", call = call, fold = missed
  )
}
