# Fits with K linear predictors (classes of "multinomial"): `beta` is a list of K sparse matrices of p x L, `a0` a matrix of
# K x L, predictions are arrays of n x K x L. Everything else takes one predictor for a fit whose `beta` is no list.

#' Has the fit several linear predictors?
#' @noRd
is_several <- function(fit) is.list(fit$beta)

#' Names of the lambdas
#' @noRd
step_names <- function(fit) colnames(if (is_several(fit)) fit$beta[[1L]] else fit$beta)

#' Coefficients of all predictors in one matrix of pK x L, predictor by predictor
#' @noRd
stacked_beta <- function(beta) if (is.list(beta)) do.call(rbind, unname(beta)) else beta

#' Columns with a coefficient in any predictor, for each lambda
#' @noRd
active_columns <- function(beta) {
  if (is.list(beta)) {
    p <- nrow(beta[[1L]])
    each <- active_columns(stacked_beta(beta))
    return(lapply(each, function(j) sort(unique((j - 1L) %% p + 1L))))
  }
  lapply(seq_len(ncol(beta)), function(l) beta@i[beta@p[l] + seq_len(beta@p[l + 1L] - beta@p[l])] + 1L)
}

#' Coefficients of one task of the engine: list(a0, beta, df, dfmat)
#' @noRd
engine_coefficients <- function(task, K, p, names, steps, classnames, chains = NULL) {
  size <- length(task$df)
  each <- lapply(task$beta, engine_beta, p = p, dimnames = list(names, steps), chains = chains)
  beta <- lapply(each, `[[`, "beta")
  counts <- lapply(each, `[[`, "count")
  if (by_intervals(chains)) task$df <- count_stretches(beta, chains)$all # the engine counts intervals
  if (K == 1L) return(list(a0 = structure(task$a0, names = steps), beta = beta[[1L]], df = task$df))
  classnames <- classnames %||% as.character(seq_len(K))
  names(beta) <- classnames
  a0 <- matrix(task$a0, K, size, dimnames = list(classnames, steps))
  dfmat <- matrix(unlist(counts), size, K)
  list(a0 = a0, beta = beta, df = task$df, dfmat = structure(t(dfmat), dimnames = dimnames(a0)))
}

#' Linear predictors of several coefficient matrices, n x K x L
#'
#' @param b list(a0 [K x L], beta).
#' @param values Columns `used` of the data.
#' @noRd
several_predictors <- function(b, values, used, n) {
  K <- length(b$beta)
  size <- ncol(b$a0)
  eta <- array(rep(b$a0, each = n), c(n, K, size))
  if (length(used)) {
    coefs <- array(0, c(length(used), K, size))
    for (k in seq_len(K)) coefs[, k, ] <- as.matrix(b$beta[[k]][used, , drop = FALSE])
    eta <- eta + as.vector(as.matrix(values %*% matrix(coefs, length(used))))
  }
  eta
}

#' Offsets of K predictors
#' @noRd
check_offset_matrix <- function(offset, n, K, call, arg = "offset", of = "`x`") {
  if (is.null(offset)) return(NULL)
  if (is.data.frame(offset)) offset <- as.matrix(offset)
  if (!is.numeric(offset) || length(dim(offset)) != 2L) {
    sp_abort("type", sprintf("`%s` must be a numeric matrix with one column for each of the %d linear predictors.", arg, K),
      why = sprintf("It is %s.", describe(offset)), call = call, arg = arg
    )
  }
  if (nrow(offset) != n || ncol(offset) != K) {
    sp_abort("dimension", sprintf("`%s` must be a matrix of %d x %d: rows of %s by linear predictors.", arg, n, K, of),
      why = sprintf("It is %d x %d.", nrow(offset), ncol(offset)), call = call, arg = arg
    )
  }
  bad <- which(!is.finite(offset), arr.ind = TRUE)
  if (nrow(bad)) {
    sp_abort("nonfinite", sprintf("`%s` must not contain missing or infinite values.", arg),
      why = sprintf("%s in row %d, column %d%s.", show_number(offset[bad[1L, , drop = FALSE]]), bad[1L, 1L], bad[1L, 2L], and_more(nrow(bad))),
      call = call, arg = arg, position = bad[1L, ]
    )
  }
  matrix(as.double(offset), n)
}

#' How the penalty treats the coefficients of one variable
#' @noRd
check_type_multinomial <- function(type, traits, call) {
  if (is.null(type) || identical(type, c("ungrouped", "grouped"))) return("ungrouped")
  check_choice(type, c("ungrouped", "grouped"), "type.multinomial", call)
}

#' x %*% beta, by the columns that have a coefficient
#' @noRd
support_product <- function(x, beta) {
  used <- sort(unique(beta@i)) + 1L
  if (!length(used)) return(matrix(0, nrow(x), ncol(beta)))
  as.matrix(x[, used, drop = FALSE] %*% as.matrix(beta[used, , drop = FALSE]))
}
