#' Soft-thresholding
#'
#' The solution of the lasso with one standardized column, and with any number of orthonormal ones: every value moves towards
#' zero by `lambda`, and stays at zero once there.
#'
#' \deqn{S_\lambda(z) = \mathrm{sign}(z)\,(|z| - \lambda)_+ = \arg\min_b \tfrac12 (z - b)^2 + \lambda |b|}{
#'   S(z, lambda) = sign(z) max(|z| - lambda, 0) = argmin_b 1/2 (z - b)^2 + lambda |b|}
#'
#' @param z Numbers; a vector, matrix or array.
#' @param lambda Thresholds, zero or positive: one number, or as many as `z` has.
#' @returns As `z`: dimensions and names are kept, missing values stay missing.
#' @section Errors:
#' `sparsepath_error_missing_argument`, `_type` (`z` is not numeric), `_length` (`lambda` fits neither 1 nor `z`), `_range` (a negative
#' threshold), `_nonfinite` (a missing one).
#' @references
#' Donoho DL, Johnstone IM (1994). Ideal spatial adaptation by wavelet shrinkage. *Biometrika*, 81(3), 425-455.
#' \doi{10.1093/biomet/81.3.425} (section 2.3)
#'
#' Tibshirani R (1996). Regression shrinkage and selection via the lasso. *Journal of the Royal Statistical Society B*, 58(1),
#' 267-288. \doi{10.1111/j.2517-6161.1996.tb02080.x} (equation 3)
#' @examples
#' soft_threshold(c(-3, -0.5, 0, 0.5, 3), 1)
#' curve(soft_threshold(x, 1), -3, 3)
#'
#' # the lasso on orthonormal columns (n times lambda, as sparsepath() divides the loss by n)
#' x <- qr.Q(qr(matrix(rnorm(200), 20)))
#' y <- rnorm(20)
#' fit <- sparsepath(x, y, lambda = 0.02, standardize = FALSE, intercept = FALSE)
#' all.equal(as.vector(fit$beta), soft_threshold(drop(crossprod(x, y)), 20 * 0.02))
#' @export
soft_threshold <- function(z, lambda) {
  call <- shown_call("soft_threshold")
  if (missing(z)) abort_missing("z", "Give the numbers.", call)
  if (missing(lambda)) abort_missing("lambda", "Give the threshold.", call)
  if (!is.numeric(z)) {
    sp_abort("type", "`z` must be numeric.", why = sprintf("It is %s.", describe(z)), call = call, arg = "z")
  }
  lambda <- check_numeric(if (is.array(lambda)) as.vector(lambda) else lambda, "lambda", call, infinite = TRUE, lower = 0)
  if (length(lambda) != 1L && length(lambda) != length(z)) {
    sp_abort("length", sprintf("`lambda` must have length 1 or that of `z`, %d.", length(z)),
      why = sprintf("It has length %d.", length(lambda)), call = call, arg = "lambda", value = length(lambda)
    )
  }
  z[] <- soft(as.vector(z), lambda)
  z
}

#' @noRd
soft <- function(z, t) sign(z) * pmax(abs(z) - t, 0)
