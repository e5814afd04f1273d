# Folds of a cross-validation: drawing them and checking those of the user.

#' Folds as an n x repeats matrix of labels 1..K
#'
#' Random numbers are drawn here and nowhere else in the package.
#' @param classes Class of each row (0, 1, ...; status for Cox) for stratified folds, or NULL.
#' @noRd
make_folds <- function(foldid, nfolds, repeats, n, classes, call, cluster = NULL) {
  if (!is.null(cluster)) cluster <- check_cluster(cluster, foldid, n, call)
  if (!is.null(foldid)) return(check_foldid(foldid, n, call))
  repeats <- check_scalar(repeats, "repeats", call, lower = 1, upper = 10000, integer = TRUE)
  nfolds <- check_scalar(nfolds, "nfolds", call, lower = 2, integer = TRUE)
  if (n < 2L) sp_abort("folds", "Cross-validation needs at least two observations.", why = "`x` has one row.", call = call)
  if (!is.null(cluster) && nfolds > max(cluster)) {
    sp_warn("folds", sprintf("`nfolds` is larger than the number of clusters."),
      why = sprintf("`nfolds` is %d, `cluster` has %d clusters.", nfolds, max(cluster)), how = sprintf("%d folds of one cluster are used.", max(cluster)), call = call
    )
    nfolds <- max(cluster)
  }
  if (nfolds > n) {
    sp_warn("folds", sprintf("`nfolds` is larger than the number of observations."),
      why = sprintf("`nfolds` is %d, `x` has %d rows.", nfolds, n), how = sprintf("%d folds of one observation are used.", n), call = call
    )
    nfolds <- n
  }
  draw <- function(r) if (is.null(cluster)) draw_folds(n, nfolds, classes) else draw_cluster_folds(cluster, nfolds, classes)
  folds <- vapply(seq_len(repeats), draw, integer(n))
  matrix(folds, n, repeats)
}

#' One random partition
#'
#' Without classes this is the draw of cv.glmnet(), so that the same seed gives
#' the same folds. With classes, shuffled rows are dealt out class by class, so
#' that every fold has its share of each.
#' @noRd
draw_folds <- function(n, nfolds, classes) {
  labels <- rep_len(seq_len(nfolds), n)
  if (is.null(classes)) return(sample(labels))
  folds <- integer(n)
  folds[order(classes, sample.int(n))] <- labels
  folds
}

#' One random partition of clusters
#'
#' The largest clusters first, each goes to the fold that is least filled with
#' what it brings: rows, or rows of each class.
#' @param cluster Numbers 1..G of the clusters of the rows.
#' @noRd
draw_cluster_folds <- function(cluster, nfolds, classes) {
  classes <- if (is.null(classes)) rep(1L, length(cluster)) else match(classes, sort(unique(classes)))
  counts <- matrix(tabulate(cluster + max(cluster) * (classes - 1L), max(cluster) * max(classes)), max(cluster))
  share <- counts / rep(colSums(counts), each = nrow(counts))
  filled <- matrix(0, nfolds, ncol(share))
  rank <- sample.int(nfolds) # among folds that are filled alike
  fold <- integer(nrow(share))
  for (g in order(-rowSums(share), sample.int(nrow(share)))) {
    load <- drop(filled %*% share[g, ])
    fold[g] <- order(round(load, 12), round(rowSums(filled), 12), rank)[1L]
    filled[fold[g], ] <- filled[fold[g], ] + share[g, ]
  }
  fold[cluster]
}

#' Numbers 1..G of the clusters
#' @noRd
check_cluster <- function(cluster, foldid, n, call) {
  if (!is.null(foldid)) {
    sp_abort("unknown_argument", "`cluster` and `foldid` are given.", how = "`foldid` alone decides; leave one of them out.", call = call, arg = "cluster")
  }
  if (!is.atomic(cluster) || length(dim(cluster)) > 1L) {
    sp_abort("type", "`cluster` must be a vector or a factor.", why = sprintf("It is %s.", describe(cluster)), call = call, arg = "cluster")
  }
  if (length(cluster) != n) {
    sp_abort("length", sprintf("`cluster` must have one value for each of the %d rows of `x`.", n),
      why = sprintf("It has %d.", length(cluster)), call = call, arg = "cluster", value = length(cluster)
    )
  }
  if (anyNA(cluster)) {
    first <- which(is.na(cluster))[1L]
    sp_abort("nonfinite", "`cluster` must not contain missing values.",
      why = sprintf("NA at %s%s.", at_position(first, names(cluster)), and_more(sum(is.na(cluster)))), call = call, arg = "cluster", position = first
    )
  }
  cluster <- match(cluster, unique(cluster))
  if (max(cluster) < 2L) {
    sp_abort("folds", "`cluster` must have at least two clusters.", why = "All observations are in one.", call = call, arg = "cluster")
  }
  cluster
}

#' @noRd
check_foldid <- function(foldid, n, call) {
  if (is.factor(foldid)) foldid <- as.integer(foldid)
  if (!is.numeric(foldid) || length(dim(foldid)) > 2L) {
    sp_abort("type", "`foldid` must hold the numbers of folds.", why = sprintf("It is %s.", describe(foldid)), call = call, arg = "foldid")
  }
  if (NROW(foldid) != n || length(foldid) == 0L) {
    sp_abort("length", sprintf("`foldid` must have one value for each of the %d rows of `x` (and one column for each replicate).", n),
      why = sprintf("It has %d.", NROW(foldid)), call = call, arg = "foldid", value = NROW(foldid)
    )
  }
  bad <- which(!is.finite(foldid) | foldid != round(foldid) | foldid < 1)
  if (length(bad)) {
    sp_abort(if (is.finite(foldid[bad[1L]])) "range" else "nonfinite", "`foldid` must hold whole numbers from 1 on.",
      why = sprintf("It is %s at %s%s.", show_number(foldid[bad[1L]]), at_position(bad[1L], names(foldid)), and_more(length(bad))),
      call = call, arg = "foldid", position = bad[1L]
    )
  }
  foldid <- matrix(as.integer(foldid), n)
  for (r in seq_len(ncol(foldid))) {
    foldid[, r] <- match(foldid[, r], sort(unique(foldid[, r]))) # empty labels are no folds
    if (max(foldid[, r]) < 2L) {
      sp_abort("folds", "`foldid` must have at least two folds.", why = "All observations are in one.", call = call, arg = "foldid")
    }
  }
  foldid
}

#' Weights of all tasks: the full fit, then each fold of each replicate without its rows
#' @return list(weights [n x B], heldout [n x R]: number of the task without row i)
#' @noRd
fold_tasks <- function(weights, folds) {
  counts <- apply(folds, 2L, max)
  heldout <- folds + rep(1L + cumsum(c(0L, counts))[seq_along(counts)], each = nrow(folds))
  storage.mode(heldout) <- "integer"
  all <- matrix(weights, length(weights), 1L + sum(counts))
  all[cbind(as.vector(row(heldout)), as.vector(heldout))] <- 0
  list(weights = all, heldout = heldout, counts = counts)
}

#' Every training set must allow a fit
#' @noRd
check_training <- function(tasks, response, offset, traits, intercept, call) {
  where <- function(task) {
    before <- cumsum(c(0L, tasks$counts))
    r <- findInterval(task - 2L, before, rightmost.closed = FALSE)
    fold <- task - 1L - before[r]
    if (length(tasks$counts) > 1L) sprintf("fold %d of replicate %d", fold, r) else sprintf("fold %d", fold)
  }
  lack <- lacking_training(tasks$weights, response, offset, traits, intercept)
  bad <- lack$bad
  if (!length(bad)) return(invisible())
  sp_abort("folds", sprintf("Without %s there is nothing to fit.", where(bad[1L])),
    why = lack$why,
    how = c("Use folds that spread the observations better (`foldid`), or fewer of them.",
      if (traits$name %in% c("binomial", "multinomial")) "A class with a single observation cannot be cross-validated."),
    call = call
  )
}

#' Tasks whose rows of positive weight allow no fit
#' @param w Weights, n x B.
#' @return list(bad: their numbers; why: of the first)
#' @noRd
lacking_training <- function(w, response, offset, traits, intercept) {
  if (traits$name == "cox") {
    bad <- which(colSums(w * response$status) == 0)
    why <- "All the other observations are censored."
  } else if (traits$name == "multinomial") {
    absent <- crossprod(w, response$y) == 0
    bad <- which(rowSums(absent) > 0)
    why <- if (length(bad)) sprintf("Among all the other observations there is none of class \"%s\".", response$classnames[which(absent[bad[1L], ])[1L]])
  } else if (traits$name == "mgaussian") {
    rest <- if (is.null(offset)) response$y else response$y - offset
    bad <- which(vapply(seq_len(ncol(w)), function(task) nrow(unique(rest[w[, task] > 0, , drop = FALSE])) < 2L, NA))
    why <- "`y` is constant in all the others."
  } else if (traits$name == "binomial") {
    bad <- which(colSums(w * response$y) == 0 | colSums(w * (1 - response$y)) == 0)
    why <- "All the other observations are of one class."
  } else if (traits$name == "gaussian") {
    rest <- if (is.null(offset)) response$y else response$y - offset
    varies <- function(task) {
      r <- rest[w[, task] > 0]
      length(r) > 0L && any(r != if (intercept) r[1L] else 0)
    }
    bad <- which(!vapply(seq_len(ncol(w)), varies, NA))
    why <- "`y` is constant in all the others."
  } else {
    bad <- which(!vapply(seq_len(ncol(w)), function(task) any(w[, task] > 0) && has_null_model(response$y, w[, task], traits, intercept), NA))
    why <- "The mean of `y` in all the others has no finite linear predictor."
  }
  list(bad = bad, why = why)
}
