#' Deviance, number of observations and family of a fit
#'
#' @param object A fit of [sparsepath()] or [cv.sparsepath()].
#' @param ... Ignored.
#' @returns `deviance()`: the deviance at each lambda, `(1 - dev.ratio) *
#'   nulldev`. `nobs()`: number of rows of `x`. `family()`: the family object of
#'   the stats package, with links and variances; for `"cox"` and `"multinomial"`, which have none, the name.
#' @examples
#' fit <- sparsepath(log2(colon$x), colon$y, family = "binomial", lambda.min.ratio = 0.1)
#' range(deviance(fit))
#' nobs(fit)
#' family(fit)
#' @export
deviance.sparsepath <- function(object, ...) (1 - object$dev.ratio) * object$nulldev

#' @rdname deviance.sparsepath
#' @export
nobs.sparsepath <- function(object, ...) object$nobs

#' @rdname deviance.sparsepath
#' @export
nobs.cv.sparsepath <- function(object, ...) object$fit$nobs

#' @rdname deviance.sparsepath
#' @export
family.sparsepath <- function(object, ...) {
  if (inherits(object$family, "family")) return(object$family)
  switch(object$family,
    gaussian = stats::gaussian(), binomial = stats::binomial(), poisson = stats::poisson(), object$family
  )
}

#' @rdname deviance.sparsepath
#' @export
family.cv.sparsepath <- function(object, ...) family(object$fit)
