# The sparse fused lasso, and signs of coefficients: a lasso on sums of neighbouring columns.
#
# For b >= 0 the penalty is that of its level sets added up, and a level set is made of intervals that do not touch; so too for the
# negative part. With a_I the sum of the columns in an interval I of a chain and f_I the penalty of its indicator,
#   Omega(b) = min { sum_I f_I |c_I| : b = sum_I c_I 1_I },
# a lasso in c (src/core/design/design_intervals.c). Its dual norm, max_I |z(I)| / f_I with z(I) the sum of z over I, is found in
# O(p): the interval with the largest z(I) - mu f_I, and so on with its ratio as mu.

#' @noRd
by_intervals <- function(chains) !is.null(chains$share)

#' Chains with what the lasso in intervals needs: `v`, `share`: factors of steps and coefficients by position; signs as limits
#' @noRd
interval_chains <- function(chains, penalty, penalty.factor, lower, upper, call) {
  p <- length(chains$v)
  order <- chains$col + 1L
  limits <- !is.null(lower) || !is.null(upper)
  share <- as.double((penalty.factor %||% rep(1, p))[order])
  chains$v <- as.double(chains$v) * (1 - penalty$asparse)
  chains$share <- if (penalty$asparse > 0) share * penalty$asparse else double(p)
  chains["lower"] <- list(if (limits) as.double((lower %||% rep(-Inf, p))[order]))
  chains["upper"] <- list(if (limits) as.double((upper %||% rep(Inf, p))[order]))
  sizes <- as.double(lengths(chains$columns))
  count <- sum(sizes * (sizes + 1) / 2)
  if (count > 5e7) {
    sp_abort("range", sprintf("`pen_fused()` with %s has %s stretches to choose from; at most 50 million are possible.",
      if (penalty$asparse > 0) "`asparse` > 0" else "limits", format(count, big.mark = ",")),
      why = "Each pair of a first and a last column of one chain is one: p (p + 1) / 2 for p columns.",
      how = c("Give `chain`, so that the chains are shorter (10,000 columns at most).", "`asparse = 0` without limits has no such bound."),
      call = call, arg = "penalty"
    )
  }
  chains
}

#' Coefficients of columns from those of intervals
#'
#' @param slots i, p, x of a compressed matrix with one row for each interval.
#' @return p x L, sparse
#' @noRd
coefficients_of_intervals <- function(slots, p, dimnames, chains) {
  ends <- rep(cumsum(lengths(chains$columns)), lengths(chains$columns)) # of the chain of each position
  begin <- cumsum(c(0, ends - seq_len(p) + 1)) # of the intervals from each position on
  from <- findInterval(slots$i, begin)
  to <- from + as.integer(slots$i - begin[from])
  one <- function(l) {
    at <- slots$p[l] + seq_len(slots$p[l + 1L] - slots$p[l])
    if (!length(at)) return(list(i = integer(), x = double()))
    x <- slots$x[at]
    place <- c(from[at], to[at] + 1L)
    o <- order(place)
    value <- cumsum(c(x, -x)[o])
    value[cumsum(rep(c(1L, -1L), each = length(at))[o]) == 0L] <- 0
    last <- !duplicated(place[o], fromLast = TRUE)
    start <- place[o][last]
    value <- value[last]
    size <- c(diff(start), 0L)
    some <- value != 0
    positions <- sequence(size[some], start[some])
    columns <- chains$col[positions]
    o <- order(columns)
    list(i = columns[o], x = rep(value[some], size[some])[o])
  }
  each <- lapply(seq_len(length(slots$p) - 1L), one)
  engine_matrix(list(i = as.integer(unlist(lapply(each, `[[`, "i"))), p = as.integer(cumsum(c(0L, vapply(each, function(e) length(e$i), 1L)))),
    x = as.double(unlist(lapply(each, `[[`, "x")))), c(p, length(each)), dimnames)
}

#' By position and lambda: does a stretch of equal coefficients, not zero, begin here?
#' @param b Coefficients of one predictor, p x L.
#' @noRd
stretch_begins <- function(b, chains) {
  b <- as.matrix(b)[chains$col + 1L, , drop = FALSE]
  changed <- matrix(TRUE, nrow(b), ncol(b))
  if (nrow(b) > 1L) changed[-1L, ] <- b[-1L, , drop = FALSE] != b[-nrow(b), , drop = FALSE]
  changed[chains$first == 1L, ] <- TRUE
  changed & b != 0
}

#' Nonzero stretches: of each predictor (K x L), and those of all together
#' @param beta p x L, or a list of such.
#' @noRd
count_stretches <- function(beta, chains) {
  begins <- lapply(if (is.list(beta)) beta else list(beta), stretch_begins, chains)
  list(each = do.call(rbind, lapply(begins, colSums)), all = as.integer(colSums(Reduce(`|`, begins))))
}

#' Stretches of equal coefficients that are not all zero, for each lambda
#'
#' @param beta p x L, or a list of such: a stretch is one for all predictors.
#' @return list(columns, piece): columns in increasing order, the number of the stretch of each
#' @noRd
nonzero_stretches <- function(beta, chains) {
  order <- chains$col + 1L
  each <- lapply(if (is.list(beta)) beta else list(beta), function(b) as.matrix(b)[order, , drop = FALSE])
  lapply(seq_len(ncol(each[[1L]])), function(l) {
    b <- vapply(each, function(e) e[, l], double(length(order)))
    dim(b) <- c(length(order), length(each))
    begins <- chains$first == 1L
    if (nrow(b) > 1L) begins[-1L] <- begins[-1L] | rowSums(b[-1L, , drop = FALSE] != b[-nrow(b), , drop = FALSE]) > 0
    on <- which(rowSums(b != 0) > 0)
    o <- order(order[on])
    list(columns = order[on][o], piece = match(cumsum(begins)[on], unique(cumsum(begins)[on]))[o])
  })
}

#' Degrees of freedom: independent columns among intercept and nonzero stretches
#' @noRd
stretch_ranks <- function(object, data) {
  chains <- chains_of(object)
  w <- sqrt(data$w / sum(data$w))
  constant <- object$intercept || identical(object$family, "cox")
  vapply(nonzero_stretches(object$beta, chains), function(s) {
    z <- summed_columns(data$x, s)
    qr(cbind(if (constant) rep(1, nrow(z)), z) * w)$rank - constant
  }, 0)
}

#' The sums of the columns of each stretch
#' @noRd
summed_columns <- function(x, s) {
  count <- max(0L, s$piece)
  if (!count) return(matrix(0, nrow(x), 0L))
  as.matrix(x[, s$columns, drop = FALSE] %*% Matrix::sparseMatrix(i = seq_along(s$columns), j = s$piece, x = 1, dims = c(length(s$columns), count)))
}

#' A problem with one column for each stretch
#' @noRd
one_for_each <- function(problem, stretches) {
  chains <- problem$chains
  if (!is.null(chains$lower)) {
    place <- match(stretches$columns, chains$col + 1L)
    tightest <- function(limit, f) as.double(tapply(limit[place], stretches$piece, f))
    problem$lower <- tightest(chains$lower, max)
    problem$upper <- tightest(chains$upper, min)
  }
  problem["chains"] <- list(NULL)
  problem
}

# ---- certificate ---------------------------------------------------------------------

#' As certify_chunk(), from the intervals that b is made of and those that bound the dual norm
#' @noRd
certify_by_intervals <- function(a0, beta, lambda, x, w, problem, traits, call) {
  chains <- problem$chains
  center <- drop(as.matrix(Matrix::crossprod(x, w)))
  if (!all(is.finite(center))) abort_nonfinite_x(x, which(!is.finite(center))[1L], call)
  if (!problem$centred) center[] <- 0
  order <- chains$col + 1L
  K <- problem$predictors
  free <- unpenalized_intervals(chains)
  each <- lapply(seq_along(lambda), function(l) {
    b <- matrix(beta[, l], ncol(x))[order, , drop = FALSE]
    made <- lapply(seq_len(K), function(k) if (lambda[l] > 0) intervals_in(b[, k], chains) else cbind(seq_along(order), seq_along(order), b[, k]))
    pieces <- unique(rbind(do.call(rbind, made)[, 1:2, drop = FALSE], if (lambda[l] > 0) free))
    part <- interval_problem(pieces, made, x, w, problem)
    if (lambda[l] > 0) {
      found <- lapply(dual_residuals(part, a0[, l], w, traits), function(r) {
        g <- matrix(w * r, nrow(x))
        z <- as.matrix(Matrix::crossprod(x, g)) - outer(center, colSums(g))
        do.call(rbind, lapply(seq_len(K), function(k) worst_intervals(z[order, k], chains, lambda[l])))
      })
      more <- unique(rbind(pieces, do.call(rbind, found)))
      if (nrow(more) > nrow(pieces)) part <- interval_problem(more, made, x, w, problem)
    }
    out <- certify_chunk(matrix(a0[, l]), part$beta, lambda[l], part$x, w, part$design, part$problem, traits)
    out$df <- count_stretches(lapply(seq_len(K), function(k) matrix(beta[(k - 1L) * ncol(x) + seq_len(ncol(x)), l])), chains)$all
    out
  })
  do.call(rbind, each)
}

#' Level sets of b, by position: from, to, height of each interval; those that begin last end first
#' @noRd
intervals_in <- function(b, chains) {
  p <- length(b)
  out <- list()
  for (sign in c(1, -1)) {
    h <- pmax(sign * b, 0)
    starts <- low <- high <- double() # a stack
    before <- 0
    for (k in seq_len(p + 1L)) {
      new <- k > p || chains$first[k] == 1L
      if (!new && h[k] == before) next
      floor <- if (new) 0 else h[k]
      while (length(high) && high[length(high)] > floor) {
        top <- length(high)
        out[[length(out) + 1L]] <- c(starts[top], k - 1L, sign * (high[top] - max(low[top], floor)))
        if (low[top] < floor) {
          high[top] <- floor
        } else {
          starts <- starts[-top]
          low <- low[-top]
          high <- high[-top]
        }
      }
      if (k > p) break
      now <- if (length(high)) high[length(high)] else 0
      if (h[k] > now) {
        starts <- c(starts, k)
        low <- c(low, now)
        high <- c(high, h[k])
      }
      before <- h[k]
    }
  }
  if (length(out)) do.call(rbind, out) else matrix(0, 0L, 3L)
}

#' Intervals without a penalty, as short as can be
#' @noRd
unpenalized_intervals <- function(chains) {
  free <- chains$share == 0
  if (!any(free)) return(NULL)
  p <- length(free)
  from <- which(chains$first == 1L | c(TRUE, !free[-1L] | !free[-p]) | chains$v == 0)
  at <- cbind(from, c(from[-1L] - 1L, p))
  at[interval_factors(at, chains) == 0, , drop = FALSE]
}

#' Penalties of intervals with coefficient 1
#' @noRd
interval_factors <- function(at, chains) {
  before <- ifelse(chains$first == 1L, 0, chains$v)
  count <- function(what) {
    sums <- c(0, cumsum(what))
    sums[at[, 2L] + 1L] - sums[at[, 1L]]
  }
  share <- ifelse(count(chains$share > 0) > 0, count(ifelse(is.finite(chains$share), chains$share, 0)), 0)
  ifelse(count(!is.finite(chains$share)) > 0, Inf, before[at[, 1L]] + c(before[-1L], 0)[at[, 2L]] + share)
}

#' The lasso in some intervals, with the coefficients that b has in them (a list for the predictors)
#' @noRd
interval_problem <- function(at, made, x, w, problem) {
  chains <- problem$chains
  m <- nrow(at)
  size <- at[, 2L] - at[, 1L] + 1
  unit <- Matrix::sparseMatrix(i = chains$col[sequence(size, at[, 1L])] + 1L, j = rep(seq_len(m), size), x = 1, dims = c(ncol(x), m))
  z <- as.matrix(x %*% unit)
  coefficients <- vapply(made, function(own) {
    c <- double(m)
    c[match(own[, 1L] * ncol(x) + own[, 2L], at[, 1L] * ncol(x) + at[, 2L])] <- own[, 3L]
    c
  }, double(m))
  problem["chains"] <- list(NULL)
  problem$v <- interval_factors(at, chains)
  if (!is.null(chains$lower)) {
    held <- function(limit) diff(matrix(c(0, cumsum(limit == 0))[t(cbind(at[, 1L], at[, 2L] + 1))], 2L))[1L, ] > 0
    problem$lower <- ifelse(held(chains$lower), 0, -Inf)
    problem$upper <- ifelse(held(chains$upper), 0, Inf)
  }
  design <- column_moments(z, w, problem, NULL)
  if (!problem$centred) design$constant <- colSums(z^2) == 0 # as the levels of chains
  list(x = z, problem = problem, design = design, beta = as(as(as(matrix(as.double(coefficients)), "dMatrix"), "generalMatrix"), "CsparseMatrix"))
}

#' -dF/d eta divided by the weights, as it is and with free coefficients at their best
#' @noRd
dual_residuals <- function(part, a0, w, traits) {
  problem <- part$problem
  K <- problem$predictors
  b <- as.matrix(part$beta)
  m <- ncol(part$x)
  eta <- as.vector(problem$offset %||% 0) + as.vector(rep(a0, each = nrow(part$x)) + part$x %*% matrix(b, m, K))
  eta <- matrix(eta, ncol = 1L)
  free <- rep(problem$v == 0 & !part$design$constant, K)
  if (!is.null(problem$lower)) free <- free & !(b == 0 & (problem$lower == 0 | problem$upper == 0))
  best <- if (has_gap(traits)) profile_free(eta, problem, w, part$x, matrix(free), traits) else eta
  out <- lapply(list(eta, best), function(e) residual_of(e, problem, w, traits))
  out[vapply(out, function(r) all(is.finite(r)), NA)]
}

#' Intervals with the largest |z| - lambda f, and the largest |z| / f, in each direction that limits leave open
#' @noRd
worst_intervals <- function(z, chains, lambda) {
  p <- length(z)
  before <- ifelse(chains$first == 1L, 0, chains$v)
  after <- c(before[-1L], 0)
  search <- function(z, limit) {
    shut <- is.infinite(chains$share) | if (is.null(limit)) FALSE else limit == 0
    if (all(shut)) return(NULL)
    runs <- cumsum(chains$first == 1L | shut | c(FALSE, shut[-p]))
    parts <- split(which(!shut), runs[!shut])
    best_at <- function(mu) {
      each <- vapply(parts, function(at) {
        total <- cumsum(z[at] - mu * chains$share[at])
        base <- c(0, total[-length(at)]) + mu * before[at]
        over <- total - mu * after[at] - cummin(base)
        k <- which.max(over)
        c(at[which.min(base[seq_len(k)])], at[k], over[k])
      }, double(3L))
      each[1:2, which.max(each[3L, ])]
    }
    at <- best_at(lambda)
    found <- matrix(at, 1L)
    ratio <- -Inf
    for (round in 1:50) {
      f <- interval_factors(matrix(at, 1L), chains)
      own <- sum(z[at[1L]:at[2L]]) / f
      if (!is.finite(own) || own <= max(ratio, 0)) break
      ratio <- own
      found <- rbind(found, at)
      at <- best_at(ratio)
    }
    found[unique(c(1L, nrow(found))), , drop = FALSE]
  }
  unname(rbind(search(z, chains$upper), search(-z, chains$lower)))
}
