#' A fit as an object of the glmnet package
#'
#' For code that expects a fit of glmnet: its methods `predict()`, `coef()`, `plot()`,
#' `print()` and `deviance()`, and other packages that build on it, take the result. The fields have
#' glmnet's names, shapes and meanings; nothing is computed. If glmnet is installed it is loaded (not attached), so that
#' its methods are found. They want a matrix: for a fit that was given a data frame or a formula, `make_x(data, like = fit)`.
#'
#' @param object A fit of [sparsepath()] or [cv.sparsepath()].
#' @returns An object of class `c("elnet", "glmnet")` (`"gaussian"`) or
#'   `c("lognet", "glmnet")` (`"binomial"`), `c("multnet", "glmnet")` (`"multinomial"`), ..., with `"relaxed"` in front for a
#'   relaxed path; for a cross-validation one of class `"cv.glmnet"`, or `c("cv.relaxed", "cv.glmnet")`.
#' @examples
#' fit <- as_glmnet(sparsepath(log2(colon$x), colon$y, family = "binomial"))
#' class(fit)
#' if (requireNamespace("glmnet", quietly = TRUE)) {
#'   head(predict(fit, newx = log2(colon$x), s = 0.1, type = "class"))
#' }
#' @export
as_glmnet <- function(object) {
  call <- shown_call("as_glmnet")
  requireNamespace("glmnet", quietly = TRUE) # its methods, if it is there
  if (inherits(object, "cv.sparsepath")) return(cv_as_glmnet(object, call))
  fit <- path_of(object, call)
  class <- c(gaussian = "elnet", binomial = "lognet", poisson = "fishnet", cox = "coxnet", multinomial = "multnet", mgaussian = "mrelnet")
  class <- if (inherits(fit$family, "family")) "glmnetfit" else class[[fit$family]]
  fields <- c("a0", "beta", "df", "dim", "lambda", "dev.ratio", "nulldev", "npasses", "jerr", "offset", "classnames", "dfmat", "grouped", "call", "nobs")
  out <- unclass(fit)[intersect(fields, names(fit))]
  if (inherits(fit$family, "family")) out$family <- fit$family
  if (!is.null(fit$relaxed)) {
    out$relaxed <- as_glmnet(fit$relaxed)
    class <- c("relaxed", class)
  }
  structure(out, class = c(class, "glmnet"))
}

#' @noRd
cv_as_glmnet <- function(cv, call) {
  fields <- c("lambda", "cvm", "cvsd", "cvup", "cvlo", "nzero", "call", "name", "fit.preval", "foldid", "lambda.min", "lambda.1se", "index", "relaxed")
  out <- unclass(cv)[intersect(fields, names(cv))]
  out$glmnet.fit <- as_glmnet(cv$fit)
  structure(out, class = c(if (!is.null(cv$relaxed)) "cv.relaxed", "cv.glmnet"))
}
