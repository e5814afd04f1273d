#' sparsepath: exact regularization paths with certificates
#'
#' Whole lasso and elastic-net paths for linear and logistic regression with
#' far more variables than observations. [sparsepath()] fits a path,
#' [cv.sparsepath()] chooses lambda by cross-validation, [kkt()] certifies any
#' coefficients on any data. Arguments, defaults and returned fields are those
#' of the glmnet package wherever the meaning is the same.
#'
#' The vignette `vignette("gene-expression", package = "sparsepath")` goes from
#' an expression matrix to a list of genes; `vignette("sparse-signals")` is about
#' basis pursuit and signals of a few levels.
#'
#' @keywords internal
#' @useDynLib sparsepath, .registration = TRUE, .fixes = "C_"
#' @importFrom methods new as is validObject
#' @importClassesFrom Matrix dgCMatrix
#' @importFrom stats coef predict deviance nobs fitted residuals family formula logLik AIC BIC
#' @docType package
#' @name sparsepath-package
#' @aliases sparsepath-package
NULL

.onUnload <- function(libpath) {
  library.dynam.unload("sparsepath", libpath)
}
