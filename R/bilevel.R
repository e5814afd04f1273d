# Bi-level selection: composite MCP and the group exponential lasso. Groups and single coefficients are selected at once.

#' Bi-level selection: composite MCP and group exponential lasso
#'
#' Groups of variables are selected, and within them single variables: a coefficient that is not zero lowers the threshold of
#' the others of its group. Give the result as `penalty` to [sparsepath()] or [cv.sparsepath()].
#'
#' @section Objective:
#' With weights, columns and offsets as in [sparsepath()], groups g of columns with weights \eqn{v_g} and
#' \eqn{t_g = \alpha\lambda v_g}{t_g = alpha lambda v_g},
#' \deqn{\sum_i w_i\,\ell(y_i, \beta_0 + o_i + x_i^T\beta) + \sum_g \left[ P_g(\beta_g) +
#'   \lambda v_g \frac{1-\alpha}{2} \frac{\|\beta_g\|_2^2}{s_y} \right]}{
#'   sum_i w_i loss(y_i, b0 + o_i + x_i'b)  +  sum_g [ P_g(b_g)  +  lambda v_g (1 - alpha)/2 |b_g|_2^2 / s_y ]}
#' is made stationary. P is a concave function of a sum of functions of single coefficients; its slope
#' in the size of a coefficient is \eqn{t_g} times
#' \describe{
#'   \item{`pen_cmcp()`}{\eqn{(1 - u_j)\,\left(1 - \frac{1}{m_g}\sum_{k \in g} (2 u_k - u_k^2)\right)}{(1 - u_j) (1 - mean over the group of 2 u_k - u_k^2)} with
#'     \eqn{u_j = \min(1, h_g|\beta_j| / (\gamma t_g))}{u_j = min(1, h_g |b_j| / (gamma t_g))}: an MCP of the sum of the MCPs of the \eqn{m_g} coefficients
#'     of a group, flat where all of them are (Breheny and Huang 2009; Huang, Breheny and Ma 2012, section 4);}
#'   \item{`pen_gel()`}{\eqn{\exp(-\tau h \|\beta_g\|_1 / t_g)}{exp(-tau h |b_g|_1 / t_g)}:
#'     \eqn{P_g = \frac{t_g^2}{\tau h} (1 - \exp(-\tau h \|\beta_g\|_1 / t_g))}{P_g = t_g^2 / (tau h) (1 - exp(-tau h |b_g|_1 / t_g))} (Breheny 2015);}
#' }
#' Each coefficient of a group that is zero has the threshold \eqn{t_g}, as in the lasso. The coefficients are those of standardized columns
#' (with `standardize`); `alpha` mixes with a ridge part as in [pen_mcp()].
#'
#' *Scaling.* For `pen_gel()` h is the unit of concavity of [pen_mcp()]. The composite MCP of the paper and of grpreg has the lambda of both functions
#' in a product, so that their lambda is the square root of the threshold; in terms of the threshold its inner function has
#' \eqn{h_g = \sqrt{h\, t_g / s_y}}{h_g = sqrt(h t_g / s_y)}, h as in [pen_mcp()] and \eqn{s_y} the standard deviation of a gaussian response, 1 for other
#' families. For least squares both penalties are those of grpreg (`"gel"`; `"cMCP"` for a response of standard deviation 1), with its default
#' weights, lambda, `gamma` and `tau`. grpreg's composite MCP depends on the unit of a gaussian response, this one does not. For other families
#' grpreg evaluates the penalty at multiples of the coefficients that its updates do not keep, and has no objective to compare.
#'
#' With several linear predictors a group is made of its columns' coefficients in all of them (`"mgaussian"`, `type.multinomial =
#' "grouped"`), or in one class (`"ungrouped"`).
#'
#' @section What is certified:
#' As for [pen_mcp()]: stationarity over all columns (`kkt`, at most 1e-6), the duality gap of the local linear approximation (Zou and Li
#' 2008), here the lasso with the slopes of P at the coefficients as weights (`gap`), and `local` with `convex.min`. `local` is 2 where
#' the Hessian of the loss over the selected variables is above a bound of the concavity of P, whatever the size of their coefficients and
#' whatever their signs. For a group with m selected variables that bound is
#' \eqn{\tau h m}{tau h m} or \eqn{(1 + 2 m / m_g)\, h_g / \gamma}{(1 + 2 m / m_g) h_g / gamma}: with `pen_gel()` it is large for large groups, and `local`
#' then says 0 or 1 early, as the problem soon has several solutions.
#'
#' Newton's method with the curvature of P over the selected variables is tried first, coordinate descent where that is not positive definite, then the
#' local linear approximation, each solution of which lowers the objective. A group enters the working set as a whole, so that
#' every column outside it has the threshold \eqn{t_g}.
#'
#' The group bridge (Huang, Ma, Xie and Zhang 2009) is not offered: its slope at zero is infinite, so that no coefficient of a group that is zero ever enters, there is
#' no largest lambda, and zero is stationary everywhere. The group exponential lasso was made in its place.
#'
#' @param group The group of each column: a vector or factor with one value for each column of `x`; equal values make a group. With a
#'   formula also `"terms"`, see [pen_group()].
#' @param gamma Concavity of the composite MCP, positive: the smaller, the sooner a coefficient is left unshrunk. `Inf` gives the lasso. The default is
#'   that of grpreg.
#' @param tau Rate at which the threshold of a group falls with its coefficients, 0 or positive; 0 gives the lasso. The default is that of
#'   grpreg and of the paper.
#' @param weights One weight for each group, zero or positive, 0 for no penalty, in the order of `sort(unique(group))` or named by group.
#'   The default `NULL` is 1, as thresholds are those of single coefficients.
#' @param curvature The unit h of concavity, positive; `NULL`, the default, takes it from the null model, see [pen_mcp()].
#' @returns An object of class `"sparsepath_penalty"` for the argument `penalty` of [sparsepath()]. `penalty.factor` cannot be combined with it, and
#'   `alpha` must be positive.
#' @references
#' Breheny P, Huang J (2009). Penalized methods for bi-level variable selection. *Statistics and Its Interface*, 2(3), 369-380.
#' \doi{10.4310/SII.2009.v2.n3.a10}
#'
#' Breheny P (2015). The group exponential lasso for bi-level variable selection. *Biometrics*, 71(3), 731-740. \doi{10.1111/biom.12300}
#'
#' Huang J, Breheny P, Ma S (2012). A selective review of group selection in high-dimensional models. *Statistical Science*, 27(4),
#' 481-499. \doi{10.1214/12-STS392}
#'
#' Huang J, Ma S, Xie H, Zhang CH (2009). A group bridge approach for variable selection. *Biometrika*, 96(2), 339-355.
#' \doi{10.1093/biomet/asp020}
#'
#' Zou H, Li R (2008). One-step sparse estimates in nonconcave penalized likelihood models. *Annals of Statistics*,
#' 36(4), 1509-1533. \doi{10.1214/009053607000000802}
#' @seealso [pen_sparse_group()] for a convex penalty with the same purpose, [pen_group_mcp()] for whole groups, [pen_mcp()], [sparsepath()].
#' @examples
#' x <- log2(colon$x)[, 1:200]
#' group <- rep(1:40, each = 5)
#' fit <- sparsepath(x, colon$y, family = "binomial", penalty = pen_cmcp(group),
#'   lambda.min.ratio = 0.2)
#' b <- coef(fit, s = fit$lambda[20])[-1, ]
#' table(group[b != 0]) # some of the five of each group
#' max(fit$kkt)
#' fit <- sparsepath(x, colon$y, family = "binomial", penalty = pen_gel(group),
#'   lambda.min.ratio = 0.3)
#' b <- coef(fit, s = fit$lambda[20])[-1, ]
#' table(group[b != 0])
#' @name bilevel
#' @export
pen_cmcp <- function(group, gamma = 3, weights = NULL, curvature = NULL) {
  call <- sys.call()
  penalty <- new_group_penalty("cmcp", group, weights, 0, call, missing(group))
  penalty[c("gamma", "curvature")] <- unclass(nonconvex_penalty("cmcp", gamma, 0, curvature, call))[c("gamma", "curvature")]
  penalty
}

#' @rdname bilevel
#' @export
pen_gel <- function(group, tau = 1 / 3, weights = NULL, curvature = NULL) {
  call <- sys.call()
  penalty <- new_group_penalty("gel", group, weights, 0, call, missing(group))
  tau <- check_scalar(tau, "tau", call, lower = 0)
  penalty[c("gamma", "curvature")] <- unclass(nonconvex_penalty("gel", 1 / tau, 0, curvature, call))[c("gamma", "curvature")]
  penalty
}

#' @noRd
is_bilevel <- function(penalty) !is.null(penalty) && penalty$name %in% c("cmcp", "gel")

#' @noRd
bilevel_text <- function(penalty, count) {
  if (penalty$name == "cmcp") return(sprintf("composite MCP, %s, gamma = %s", count, format(penalty$gamma)))
  sprintf("group exponential lasso, %s, tau = %s", count, format(1 / penalty$gamma))
}

#' What setup_groups() returns: `bilevel`, groups without norms, as the engine reads them
#' @noRd
bilevel_groups <- function(penalty, joint, v, unequal, x, alpha, call) {
  groups <- penalty_groups(penalty, joint, v, unequal, x, alpha, call)
  if (is.null(penalty$weights)) groups$w[] <- 1
  list(groups = NULL, bilevel = groups, v = ifelse(is.finite(v), bilevel_factors(groups), v))
}

#' @noRd
bilevel_factors <- function(groups) groups$w[groups$of + 1L]

#' The local linear approximation at b, and what the penalty is there
#'
#' @param b p K x L.
#' @param pen As in certify_chunk(); its l1 is the threshold of a coefficient whose group is zero.
#' @param unit Standard deviation of a response with units.
#' @noRd
bilevel_tangent <- function(pen, b, penalty, problem, dropped, unit) {
  groups <- problem$bilevel
  K <- problem$predictors
  G <- length(groups$w)
  group <- rep(groups$of + 1L, K) + if (groups$across) 0L else rep((seq_len(K) - 1L) * G, each = length(groups$of))
  x <- abs(b)
  h <- problem$curvature[1L]
  gamma <- penalty$gamma
  total <- function(m) {
    m[dropped, ] <- 0
    unname(rowsum(m, group))[match(group, sort(unique(group))), , drop = FALSE]
  }
  penalized <- pen$l1 > 0
  t <- ifelse(penalized, pen$l1, 1)
  if (penalty$name == "gel") {
    share <- exp(-total(h * x / t) / gamma)
    pen$value <- t^2 * gamma / h * -expm1(-total(h * x / t) / gamma)
  } else {
    h <- sqrt(h * t / unit)
    m <- pmax(total(1 + 0 * x), 1)
    u <- pmin(h * x / (gamma * t), 1)
    filled <- total(1 - (1 - u)^2) / m
    share <- (1 - u) * (1 - filled)
    pen$value <- m * gamma * t^2 / (2 * h) * (filled - filled^2 / 2)
  }
  pen$l1 <- ifelse(penalized, t * share, 0)
  pen$rounding <- ifelse(penalized, 1e-9 * t, 0)
  pen$value <- ifelse(penalized & !duplicated(group), pen$value, 0) # once for each group
  pen
}
