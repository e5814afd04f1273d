# The elastic net as a value of `penalty`: the same problem as with the argument `alpha`.

#' Elastic net, lasso and ridge
#'
#' A value for the argument `penalty` of [sparsepath()] and [cv.sparsepath()], beside the other functions `pen_*()`:
#' `penalty = pen_enet(a)` is the same as `alpha = a`, with the same fit, for scripts that go through several penalties.
#'
#' @section Objective:
#' That of [sparsepath()] (Zou and Hastie 2005, eq. 3, with \eqn{\lambda_1 = \lambda\alpha} and \eqn{\lambda_2 = \lambda(1-\alpha)/2};
#' the mix is that of Friedman, Hastie and Tibshirani 2010, eq. 2).
#' @param alpha Mix of the penalty, from 0 (ridge) to 1, the lasso. 1 is the default because its solutions are sparse.
#' @returns An object of class `"sparsepath_penalty"`, a list with `name` and `alpha`. A fit has it as its `alpha`.
#' @section Errors:
#' `sparsepath_error_range` for `alpha` outside its range, `sparsepath_error_unknown_argument` when the argument `alpha` of the fit says something else.
#' @references
#' Zou H, Hastie T (2005). Regularization and variable selection via the elastic net. *Journal of the Royal Statistical Society B*,
#' 67(2), 301-320. \doi{10.1111/j.1467-9868.2005.00503.x}
#'
#' Friedman J, Hastie T, Tibshirani R (2010). Regularization paths for generalized linear models via coordinate descent. *Journal of
#' Statistical Software*, 33(1), 1-22. \doi{10.18637/jss.v033.i01}
#' @seealso [pen_group()], [pen_mcp()], [pen_adaptive()], [pen_fused()].
#' @examples
#' x <- log2(colon$x)
#' penalties <- list(pen_enet(1), pen_enet(0.5), pen_mcp(), pen_group(rep(1:400, each = 5)))
#' fit <- function(penalty) sparsepath(x, colon$y, family = "binomial", penalty = penalty)
#' fits <- lapply(penalties, fit)
#' data.frame(penalty = sapply(penalties, format), selected = sapply(fits, function(fit) fit$df[30]))
#' @export
pen_enet <- function(alpha = 1) new_penalty("enet", alpha = check_alpha(alpha, shown_call("pen_enet")))

#' @noRd
is_enet <- function(penalty) inherits(penalty, "sparsepath_penalty") && penalty$name == "enet"

#' The mix of `pen_enet()`, said once
#' @noRd
enet_alpha <- function(penalty, alpha, call) {
  if (!identical(as.double(alpha), 1) && !identical(as.double(alpha), penalty$alpha)) {
    sp_abort("unknown_argument", "`alpha` is given twice.",
      why = sprintf("It is %s, and %s in `pen_enet()`.", describe(alpha), format(penalty$alpha)), how = "Give one of the two.",
      call = call, arg = "alpha"
    )
  }
  penalty$alpha
}

#' @noRd
enet_text <- function(alpha) {
  if (alpha == 1) "lasso" else if (alpha == 0) "ridge" else sprintf("elastic net, alpha = %s", format(alpha))
}
