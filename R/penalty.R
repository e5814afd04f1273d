# The argument `penalty`: NULL for the elastic net, or a list of class "sparsepath_penalty" with `name` and parameters, made by a
# constructor; it holds no data. Here the validator, and penalties of groups: constructors, what the engine reads, and the
# certificate's part in plain R. MCP and SCAD are in nonconvex.R, adaptive factors in adaptive.R.

#' Group lasso and sparse group lasso
#'
#' Values for the argument `penalty` of [sparsepath()] and [cv.sparsepath()]: variables that belong together, such as the genes of a
#' pathway or the columns of a factor, enter and leave the model together.
#'
#' @section Objective:
#' With columns standardized as in [sparsepath()], groups g of columns with weights \eqn{v_g} and \eqn{\tau} = `asparse`,
#' \deqn{\min_{\beta_0, \beta} \; \sum_i w_i \, \ell(y_i, \beta_0 + o_i + x_i^T\beta) + \lambda \sum_g (1-\tau) v_g
#'   \left[ \alpha \|\beta_g\|_2 + \frac{1-\alpha}{2} \|\beta_g\|_2^2 \right] + \lambda \sum_j \tau u_j
#'   \left[ \alpha |\beta_j| + \frac{1-\alpha}{2} \beta_j^2 \right]}{
#'   minimize  sum_i w_i loss(y_i, b0 + o_i + x_i'b) + lambda sum_g (1 - tau) v_g [ alpha |b_g|_2 + (1 - alpha)/2 |b_g|_2^2 ]
#'     + lambda sum_j tau u_j [ alpha |b_j| + (1 - alpha)/2 b_j^2 ]}
#' is solved. `pen_group()` is \eqn{\tau = 0}: a group is in the model as a whole (Yuan and Lin 2006, eq. 2.1; in contrast to that
#' paper, columns of a group are not made orthonormal). `pen_sparse_group()` has both parts, so that within a selected group some
#' coefficients are zero (Simon et al. 2013, eq. 3). As always a gaussian response has its ridge part divided by the standard deviation
#' of `y`. \eqn{u_j} is the mean factor of the group in the ridge part, so that this part is the same for all of a group.
#'
#' The norm acts on standardized coefficients. It is not the same for other codings of a factor. With a column for each level, the
#' default of formulas and data frames (`contrasts = "all"`), no level is special and their order plays no part;
#' with `contrasts = "treatment"` the penalty depends on which level is the reference.
#'
#' With several linear predictors (`"mgaussian"`, `type.multinomial = "grouped"`) a group's norm is over all predictors; with
#' `type.multinomial = "ungrouped"` each class has its own norms.
#'
#' @param group The group of each column: a vector or factor with one value for each column of `x`, in any order; equal values make a
#'   group. With a formula or a data frame also `"factors"`, the columns of each factor (or text variable, or interaction with one) are
#'   a group and all others stand alone; or `"terms"`, the columns of each term or variable are a group, those of `poly(z, 3)` too.
#' @param weights One weight for each group, zero or positive, 0 for no penalty on the group: in the order of `sort(unique(group))` (of
#'   the levels of a factor), or named by group. The default `NULL` is the square root of the number of columns, by which large groups
#'   are not selected for their size. Weights are not rescaled.
#' @param asparse \eqn{\tau}, the share of the lasso, from 0 to 1. 0 is `pen_group()`, 1 the lasso or elastic net. The default 0.05
#'   lets groups compete first.
#' @returns An object of class `"sparsepath_penalty"`, a list with `name`, `group`, `weights`, `asparse`.
#' @section Errors:
#' `sparsepath_error_length` when `group` does not have one value for each column, `sparsepath_error_range` for weights or `asparse`
#' outside their range, `sparsepath_error_unavailable` for what cannot be combined: `penalty.factor` with `pen_group()` (give
#' `weights` of groups; with `pen_sparse_group()`, `penalty.factor` is \eqn{u_j}).
#' @references
#' Yuan M, Lin Y (2006). Model selection and estimation in regression with grouped variables. *Journal of the Royal Statistical Society
#' B*, 68(1), 49-67. \doi{10.1111/j.1467-9868.2005.00532.x}
#'
#' Simon N, Friedman J, Hastie T, Tibshirani R (2013). A sparse-group lasso. *Journal of Computational and Graphical Statistics*,
#' 22(2), 231-245. \doi{10.1080/10618600.2012.681250}
#' @examples
#' x <- log2(colon$x)[, 1:200]
#' group <- rep(1:40, each = 5)
#' fit <- sparsepath(x, colon$y, family = "binomial", penalty = pen_group(group))
#' b <- coef(fit, s = fit$lambda[10])[-1, ]
#' table(group[b != 0]) # whole groups
#'
#' fit <- sparsepath(x, colon$y, family = "binomial", penalty = pen_sparse_group(group, asparse = 0.5))
#' b <- coef(fit, s = fit$lambda[10])[-1, ]
#' table(group[b != 0])
#' @name penalties
#' @export
pen_group <- function(group, weights = NULL) {
  new_group_penalty("group", group, weights, 0, shown_call("pen_group"), missing(group))
}

#' @rdname penalties
#' @export
pen_sparse_group <- function(group, asparse = 0.05, weights = NULL) {
  call <- shown_call("pen_sparse_group")
  asparse <- check_scalar(asparse, "asparse", call, lower = 0, upper = 1)
  new_group_penalty("sparse_group", group, weights, asparse, call, missing(group))
}

#' @noRd
new_group_penalty <- function(name, group, weights, asparse, call, absent) {
  if (absent) abort_missing("group", "Give the group of each column.", call)
  if (!is.atomic(group) || is.null(group) || length(dim(group)) > 1L) {
    sp_abort("type", "`group` must be a vector or factor with one value for each column.", why = sprintf("It is %s.", describe(group)),
      call = call, arg = "group"
    )
  }
  if (anyNA(group)) {
    sp_abort("nonfinite", "`group` must not contain missing values.",
      why = sprintf("NA at %s%s.", at_position(which(is.na(group))[1L], names(group)), and_more(sum(is.na(group)))), call = call, arg = "group"
    )
  }
  if (!is.null(weights)) weights <- structure(check_numeric(weights, "weights", call, lower = 0), names = names(weights))
  new_penalty(name, group = group, weights = weights, asparse = asparse)
}

#' @noRd
new_penalty <- function(name, ...) structure(list(name = name, ...), class = "sparsepath_penalty")

#' @noRd
is_group_penalty <- function(penalty) {
  !is.null(penalty) && (penalty$name %in% c("group", "sparse_group", "group_mcp", "group_scad") || penalty$name == "adaptive" && !is.null(penalty$group))
}

#' For what is known of the elastic net alone
#' @noRd
refuse_penalty <- function(fit, what, call) {
  if (is.null(fit$penalty)) return(invisible())
  sp_abort("unavailable", sprintf("%s for fits of the lasso or elastic net.", what), why = sprintf("The penalty is %s.", penalty_text(fit$penalty)),
    call = call
  )
}

#' The argument `penalty`
#' @noRd
check_penalty <- function(penalty, p, K, alpha, solver, call) {
  if (is.null(penalty)) return(NULL)
  if (!inherits(penalty, "sparsepath_penalty")) {
    sp_abort("type", "`penalty` must come from a function `pen_*()`, such as `pen_group()`, `pen_mcp()` or `pen_adaptive()`.",
      why = sprintf("It is %s.", describe(penalty)),
      how = if (is.function(penalty)) "Call it, as in `penalty = pen_mcp()`." else "The elastic net, `pen_enet()`, is the default; `alpha` mixes it.",
      call = call, arg = "penalty"
    )
  }
  if (is_nonconvex(penalty)) check_nonconvex(penalty, alpha, solver, call)
  if (penalty$name == "adaptive") check_adaptive(penalty, p, K, call)
  penalty
}

#' @method print sparsepath_penalty
#' @export
print.sparsepath_penalty <- function(x, ...) {
  cat(format(x), "\n", sep = "")
  invisible(x)
}

#' @method format sparsepath_penalty
#' @export
format.sparsepath_penalty <- function(x, ...) penalty_text(x)

#' @noRd
penalty_text <- function(penalty) {
  if (is_enet(penalty)) return(enet_text(penalty$alpha))
  if (is_fused(penalty)) {
    count <- length(unique(penalty$chain))
    text <- if (count > 1L) sprintf("fused lasso, %d chains of columns", count) else "fused lasso of columns"
    return(if (penalty$asparse > 0) sprintf("sparse %s, share of the lasso %s", text, format(penalty$asparse)) else text)
  }
  if (is_nonconvex(penalty) && is.null(penalty$group)) return(sprintf("%s, gamma = %s", toupper(penalty$name), format(penalty$gamma)))
  count <- if (length(penalty$group) == 1L && penalty$group %in% c("terms", "factors")) penalty$group else sprintf("%d groups", length(unique(penalty$group)))
  if (penalty$name == "adaptive") {
    return(sprintf("adaptive %slasso%s, initial estimate %s", if (is.null(penalty$group)) "" else "group ", if (is.null(penalty$group)) "" else paste0(", ", count),
      if (is.numeric(penalty$init)) "given" else penalty$init))
  }
  if (is_bilevel(penalty)) return(bilevel_text(penalty, count))
  if (is_nonconvex(penalty)) return(sprintf("group %s, %s, gamma = %s", toupper(shape_of(penalty)), count, format(penalty$gamma)))
  if (penalty$name == "group") return(sprintf("group lasso, %s", count))
  sprintf("sparse group lasso, %s, share of the lasso %s", count, format(penalty$asparse))
}

# ---- the engine's groups -----------------------------------------------------------

#' Groups and penalty factors of a problem
#'
#' @param joint Are the coefficients of all predictors penalized together?
#' @param v Penalty factors, infinite for columns left out; `penalty.factor`: as given, or NULL.
#' @return list(groups: see penalty_groups(), NULL where no norm is left; v)
#' @noRd
setup_groups <- function(penalty, joint, v, penalty.factor, x, alpha, call) {
  if (is.matrix(v) && (joint || is_group_penalty(penalty) || is_bilevel(penalty))) {
    sp_abort("unavailable", "Penalty factors by class cannot be combined with penalties of groups.",
      how = "Give one for each column of `x`.", call = call, arg = "penalty.factor"
    )
  }
  unequal <- !is.null(penalty.factor) && any(diff(v[is.finite(v)]) != 0)
  if (is_bilevel(penalty)) return(bilevel_groups(penalty, joint, v, unequal, x, alpha, call))
  groups <- penalty_groups(if (is_group_penalty(penalty)) penalty, joint, v, unequal, x, alpha, call)
  v <- group_factors(groups, penalty, v)
  list(groups = if (!groups_stand_alone(groups, penalty)) groups, v = v)
}

#' factor(group); whole numbers need not become text one by one
#' @noRd
as_groups <- function(group) {
  if (!is.numeric(group) || is.object(group) || anyNA(group) || any(group != round(group)) || any(abs(group) > 1e15)) return(factor(group))
  levels <- sort(unique(group))
  structure(match(group, levels), levels = as.character(levels), class = "factor")
}

#' Groups as the engine reads them, or NULL when coefficients stand alone
#'
#' @param penalty From a constructor, or NULL.
#' @param across Are the coefficients of all predictors penalized together?
#' @param v Penalty factors; infinite for columns left out. `factors`: were any given?
#' @param alpha The ridge part has the mean factor of each group, so that with factors it makes a difference.
#' @return list(of, ptr, cols [0-based], w, across, tau)
#' @noRd
penalty_groups <- function(penalty, across, v, factors, x, alpha, call) {
  if (is.null(penalty) && !across) return(NULL)
  p <- length(v)
  if (is.null(penalty)) {
    at <- seq_len(p) - 1L
    return(list(of = at, ptr = c(at, p), cols = at, w = ifelse(is.finite(v), v, 1), across = TRUE, tau = 0))
  }
  if (penalty$name != "sparse_group" && factors) {
    sp_abort("unavailable", sprintf("`penalty.factor` cannot be combined with `pen_%s()`.", penalty$name),
      how = sprintf("Give `pen_%s()` the `weights` of the groups.", penalty$name), call = call, arg = "penalty.factor"
    )
  }
  of <- group_numbers(penalty$group, x, call)
  count <- max(of)
  used <- tabulate(of[is.finite(v)], count)
  weights <- group_weights(penalty$weights, attr(of, "levels"), used, call)
  of <- as.vector(of)
  if (penalty$asparse == 1 && (alpha == 1 || !factors)) return(NULL) # no norms: the lasso
  list(
    of = of - 1L, ptr = c(0L, cumsum(tabulate(of, count))), cols = order(of) - 1L, w = weights,
    across = across, tau = penalty$asparse
  )
}

#' The number of each column's group, with the names of the groups as attribute `levels`
#' @noRd
group_numbers <- function(group, x, call) {
  p <- ncol(x)
  if (is.character(group) && length(group) == 1L && p != 1L) group <- group_by_name(group, x, call)
  if (length(group) != p) {
    sp_abort("length", sprintf("`group` must have length %d, the number of columns of `x`.", p),
      why = sprintf("It has length %d.", length(group)), call = call, arg = "group", value = length(group)
    )
  }
  group <- if (is.factor(group)) droplevels(group) else as_groups(group)
  structure(as.integer(group), levels = levels(group))
}

#' @noRd
group_weights <- function(weights, names, size, call) {
  if (is.null(weights)) return(sqrt(size))
  if (length(weights) != length(names)) {
    sp_abort("length", sprintf("`weights` of the penalty must have length %d, the number of groups.", length(names)),
      why = sprintf("It has length %d.", length(weights)), call = call, arg = "weights", value = length(weights)
    )
  }
  if (!is.null(names(weights))) {
    absent <- setdiff(names, names(weights))
    if (length(absent)) {
      sp_abort("names", "`weights` of the penalty must be named by group, or not at all.",
        why = sprintf("There is none for group %s%s.", describe(absent[1L]), and_more(length(absent))), call = call, arg = "weights"
      )
    }
    weights <- weights[names]
  }
  as.double(weights)
}

#' Factors of the L1 part for the engine: with groups of whole columns, or without factors, 1
#' @noRd
group_factors <- function(groups, penalty, v) {
  if (is.null(groups) || !is_group_penalty(penalty)) return(v)
  if (penalty$name != "sparse_group") v <- ifelse(is.finite(v), 1, v)
  if (groups_stand_alone(groups, penalty)) v <- ifelse(is.finite(v), (1 - groups$tau) * groups$w[groups$of + 1L] + groups$tau * v, v)
  v
}

#' The norm of one coefficient is its absolute value: groups of one column are a lasso with the weights as factors, and solved as such
#' @noRd
groups_stand_alone <- function(groups, penalty) {
  !is.null(groups) && !is.null(penalty) && penalty$name %in% c("group", "sparse_group", "adaptive") && !groups$across && all(diff(groups$ptr) == 1L)
}

#' Groups of the columns of a formula or data frame: "terms" or "factors"
#' @noRd
group_by_name <- function(group, x, call) {
  group <- check_choice(group, c("factors", "terms"), "group", call)
  made <- columns_of_terms(encoding_of(x))
  if (length(made$term) != ncol(x)) {
    sp_abort("unavailable", sprintf("`group = \"%s\"` needs a formula, or a data frame with factors.", group), how = "Give the group of each column.",
      call = call, arg = "group"
    )
  }
  of <- match(made$term, unique(made$term))
  if (group == "terms") return(of)
  alone <- !made$term %in% made$factors
  of[alone] <- max(of) + seq_len(sum(alone))
  match(of, unique(of))
}

#' The term of each column, and which terms have a factor
#' @noRd
columns_of_terms <- function(encoding) {
  if (is.null(encoding)) return(NULL)
  if (encoding$kind == "frame") {
    factors <- encoding$variables[encoding$type == "factor"]
    size <- rep(1L, length(encoding$variables))
    size[encoding$type == "factor"] <- lengths(encoding$levels) - (encoding$contrasts == "treatment")
    return(list(term = rep(encoding$variables, size), factors = factors))
  }
  terms <- attr(encoding$terms, "factors")
  with_factor <- colSums(terms[rownames(terms) %in% names(encoding$xlevels), , drop = FALSE] > 0) > 0
  list(term = encoding$term, factors = colnames(terms)[with_factor])
}

#' Has the penalty of a fit norms of groups?
#' @noRd
has_norms <- function(fit) {
  penalty <- fit$settings$penalty
  if (is_group_penalty(penalty)) return(penalty$asparse < 1)
  if (is_bilevel(penalty)) return(FALSE)
  isTRUE(fit$grouped) || identical(fit$family, "mgaussian")
}

# ---- the certificate ------------------------------------------------------------------
# Coefficients b and products z are pK x L, predictor by predictor; `blocks` has the block of each row, `T` [blocks x L] the factors
# of the norms; l1 and l2 are those of single coefficients.

#' @noRd
block_state <- function(groups, lambda, alpha, v, K, s_y) {
  p <- length(groups$of)
  G <- length(groups$w)
  block <- if (groups$across) rep(groups$of + 1L, K) else rep(groups$of + 1L, K) + rep((seq_len(K) - 1L) * G, each = p)
  w <- rep(groups$w, if (groups$across) 1L else K)
  finite <- is.finite(v)
  mean_v <- as.vector(rowsum(ifelse(finite, v, 0), groups$of + 1L)) / pmax(as.vector(rowsum(as.double(finite), groups$of + 1L)), 1)
  total <- (1 - groups$tau) * groups$w + groups$tau * mean_v
  list(
    blocks = block, T = outer(w, lambda * alpha * (1 - groups$tau)),
    l1 = outer(rep(ifelse(finite, v, 1), K), lambda * alpha * groups$tau),
    l2 = outer(rep(total[groups$of + 1L], K), lambda * (1 - alpha) / s_y), total = rep(total[groups$of + 1L], K)
  )
}

#' @noRd
block_norms <- function(m, pen) sqrt(rowsum(m^2, pen$blocks))

#' z where limits let a coefficient leave zero towards it; `open`: where there is no limit on that side
#' @noRd
block_allowed <- function(z, pen, open = FALSE) {
  limit <- ifelse(z > 0, pen$upper, -pen$lower)
  ifelse(if (open) is.finite(limit) else limit == 0, 0, z)
}

#' @noRd
block_violation <- function(z, b, pen, dropped) {
  h <- block_norms(b, pen)
  ratio <- ifelse(h > 0, pen$T / h, 0)[pen$blocks, , drop = FALSE]
  e <- ifelse(b == 0, soft(z, pen$l1), z - pen$l1 * sign(b) - (pen$l2 + ratio) * b)
  e[e > 0 & at_upper(b, pen) | e < 0 & at_lower(b, pen)] <- 0
  e[dropped, ] <- 0
  size <- block_norms(e, pen)
  violation <- ifelse(h > 0, size, pmax(size - pen$T, 0))
  apply(violation, 2L, max)
}

#' Largest scale at which every block of z is in the domain of the conjugate without a ridge part
#' @noRd
block_scale <- function(z, pen) {
  lower <- double(ncol(z))
  upper <- rep(1, ncol(z))
  z <- block_allowed(z, pen, open = TRUE)
  inside <- function(s) {
    size <- block_norms(soft(z * rep(s, each = nrow(z)), pen$l1), pen)
    colSums(size > pen$T * (1 + 1e-15)) == 0
  }
  whole <- inside(upper)
  for (round in seq_len(60L)) {
    middle <- (lower + upper) / 2
    good <- inside(middle)
    lower <- ifelse(good, middle, lower)
    upper <- ifelse(good, upper, middle)
  }
  ifelse(whole, 1, lower)
}

#' Penalty(b) + conjugate(z) - z b for each block
#' @noRd
block_terms <- function(z, b, pen) {
  if (any(is.finite(pen$upper), is.finite(pen$lower))) return(limited_block_terms(z, b, pen))
  z2 <- soft(z, pen$l1)
  size <- block_norms(z2, pen)
  h <- block_norms(b, pen)
  cut <- ifelse(size > pen$T, pen$T / size, 1)[pen$blocks, , drop = FALSE]
  over <- ifelse(size > pen$T, (size - pen$T) / size, 0)[pen$blocks, , drop = FALSE]
  peak <- ifelse(pen$l2 > 0, over / pen$l2, 0) * z2
  norms <- pen$T * h - rowsum(cut * z2 * b, pen$blocks)
  pmax(norms, 0) + rowsum(pmax(pen$l1 * abs(b) - (z - z2) * b, 0) + pen$l2 / 2 * (b - peak)^2, pen$blocks)
}

#' The same with limits
#'
#' Any q of norm at most T bounds the term by T|b| - q b and the terms of single coefficients at z - q. The best one is T u / |u|, u the
#' maximizer of the conjugate, u = clip(S(z) h / (T + l2 h)) with |u| = h: h by bisection of its logarithm.
#' @noRd
limited_block_terms <- function(z, b, pen) {
  s <- block_allowed(soft(z, pen$l1), pen)
  limit <- ifelse(s > 0, pen$upper, -pen$lower)
  norm_of <- pen$T
  rows <- function(m) m[pen$blocks, , drop = FALSE]
  push <- function(h) {
    q <- pmin(abs(s) / (1 + pen$l2 * rows(ifelse(norm_of > 0, h / norm_of, 0))), ifelse(is.finite(limit), rows(norm_of / h) * limit, Inf))
    q[!rows(norm_of > 0)] <- 0
    q
  }
  low <- 0 * norm_of - 80
  high <- 0 * norm_of + 80
  for (round in seq_len(80L)) {
    middle <- (low + high) / 2
    beyond <- block_norms(push(exp(middle)), pen) > norm_of
    low <- ifelse(beyond, middle, low)
    high <- ifelse(beyond, high, middle)
  }
  q <- ifelse(rows(block_norms(s, pen) <= norm_of), abs(s), push(exp(high)))
  q[!rows(norm_of > 0)] <- 0
  q <- q * rows(pmin(norm_of / pmax(block_norms(q, pen), .Machine$double.xmin), 1)) * sign(s)
  # without a ridge part or a limit z - q may pass l1 by rounding only
  rest <- z - q
  edge <- pen$l2 == 0 & is.infinite(ifelse(rest > 0, pen$upper, pen$lower)) & abs(rest) > pen$l1
  rest[edge] <- (sign(rest) * pen$l1)[edge]
  norms <- norm_of * block_norms(b, pen) - rowsum(q * b, pen$blocks)
  pmax(norms, 0) + rowsum(penalty_terms(rest, b, pen), pen$blocks)
}
