# Scoring held-out predictions. The definitions are those of cv.glmnet().

#' @noRd
check_measure <- function(measure, family, call) {
  all <- c("default", "mse", "mae", "deviance", "class", "auc", "C")
  measure <- check_choice(measure, all, "type.measure", call)
  available <- names(family_traits(family)$measures)
  if (measure == "default") return(available[1L])
  if (!measure %in% available) {
    sp_abort("choice", sprintf("`type.measure = \"%s\"` is not defined for `family = %s`.", measure, family_label(family)),
      how = sprintf("Use one of %s.", and_list(sprintf("\"%s\"", available), " or ")), call = call, arg = "type.measure", value = measure
    )
  }
  measure
}

#' Loss of each held-out observation at each lambda, n x L
#' @param eta Held-out linear predictors, n x L, or n x K x L.
#' @param y Response or proportion of the second class.
#' @noRd
observation_loss <- function(eta, y, traits, measure) {
  if (traits$name == "multinomial") return(multinomial_score(eta, y, measure))
  if (traits$name == "mgaussian") return(mgaussian_score(eta, y, measure))
  mu <- traits$linkinv(eta)
  if (traits$name == "binomial") return(binomial_loss(mu, y, measure))
  switch(measure, mse = (y - mu)^2, mae = abs(y - mu), class = binomial_loss(mu, y, "class"), deviance = traits$deviance(eta, y))
}

#' @noRd
binomial_loss <- function(p, y, measure) {
  switch(measure,
    mse = 2 * (y - p)^2, # both classes count, as in the Brier score
    mae = 2 * abs(y - p),
    class = ifelse(p > 0.5, 1 - y, y),
    deviance = {
      p[p < 1e-5] <- 1e-5 # a certain and wrong prediction must not count as infinite
      p[p > 1 - 1e-5] <- 1 - 1e-5
      2 * (-entropy(y) - y * log(p) - (1 - y) * log(1 - p))
    }
  )
}

#' Area under the ROC curve of each fold at each lambda, folds x L
#'
#' Ties count half; observations count by weight. All folds and lambdas are
#' ranked in one sort.
#' @param p Predicted probabilities, n x L.
#' @param events,others Weights of each row as member of the second and the first class.
#' @noRd
fold_auc <- function(p, folds, events, others) {
  size <- ncol(p)
  p <- as.vector(p)
  nfolds <- max(folds)
  group <- rep(folds, size) + rep((seq_len(size) - 1L) * nfolds, each = length(folds))
  sorted <- order(group, p, method = "radix")
  group <- group[sorted]
  p <- p[sorted]
  w1 <- rep_len(events, length(p))[sorted]
  w0 <- rep_len(others, length(p))[sorted]
  starts <- c(TRUE, group[-1L] != group[-length(group)] | p[-1L] != p[-length(p)])
  tie <- cumsum(starts)
  tie_w1 <- rowsum(w1, tie, reorder = FALSE)[, 1L]
  tie_w0 <- rowsum(w0, tie, reorder = FALSE)[, 1L]
  tie_group <- group[starts]
  before <- cumsum(tie_w0) - tie_w0
  first <- match(tie_group, tie_group)
  below <- before - before[first]
  concordant <- rowsum(tie_w1 * (below + tie_w0 / 2), tie_group, reorder = FALSE)[, 1L]
  pairs <- rowsum(tie_w1, tie_group, reorder = FALSE)[, 1L] * rowsum(tie_w0, tie_group, reorder = FALSE)[, 1L]
  auc <- ifelse(pairs > 0, concordant / pairs, NA)
  matrix(auc, nfolds, size)
}

#' Weighted mean of each column, missing values left out
#' @noRd
column_means <- function(m, w) {
  if (all(is.finite(m))) return(colSums(m * w) / sum(w))
  ok <- is.finite(m)
  m[!ok] <- 0
  colSums(m * w) / colSums(ok * w)
}

#' Weighted means within folds, folds x L
#' @noRd
fold_means <- function(loss, w, folds) {
  if (all(is.finite(loss))) return(rowsum(loss * w, folds) / drop(rowsum(w, folds)))
  ok <- is.finite(loss)
  loss[!ok] <- 0
  rowsum(loss * w, folds) / rowsum(ok * w, folds)
}

#' Cross-validation curve of one or more replicates
#'
#' @param eta Held-out linear predictors, n x L x R, or n x K x L x R.
#' @param folds n x R.
#' @param scores For deviances of the partial likelihood: folds x L, one matrix for each replicate.
#' @param weights The user's weights; `response$weights` has trials in them.
#' @return list(cvm, cvsd)
#' @noRd
cv_curve <- function(eta, folds, response, weights, traits, measure, grouped, scores = NULL) {
  n <- nrow(folds)
  replicates <- lapply(seq_len(ncol(folds)), function(r) {
    fold <- folds[, r]
    one <- dim(eta)[-length(dim(eta))]
    slice <- array(eta[seq_len(prod(one)) + (r - 1L) * prod(one)], one)
    if (traits$name == "cox") {
      scored <- if (is.null(scores)) fold_scores_cox(slice, fold, response, weights, measure) else scores[[r]]
      return(list(scores = scored, weights = drop(rowsum(weights, fold)), count = colSums(is.finite(scored))))
    }
    if (measure == "auc") {
      scores <- fold_auc(traits$linkinv(slice), fold, response$weights * response$y, response$weights * (1 - response$y))
      return(list(scores = scores, weights = drop(rowsum(weights, fold)), count = max(fold)))
    }
    loss <- observation_loss(slice, response$y, traits, measure)
    if (!grouped) return(list(scores = loss, weights = response$weights, count = colSums(is.finite(loss))))
    list(
      scores = fold_means(loss, response$weights, fold), weights = drop(rowsum(response$weights, fold)), count = max(fold)
    )
  })
  scores <- do.call(rbind, lapply(replicates, `[[`, "scores"))
  w <- unlist(lapply(replicates, `[[`, "weights"), use.names = FALSE)
  # Replicates use the same observations again: they smooth the curve but are
  # no new data, so the standard error counts the values of one replicate.
  count <- Reduce(`+`, lapply(replicates, `[[`, "count")) / length(replicates)
  cvm <- column_means(scores, w)
  deviations <- (scores - rep(cvm, each = nrow(scores)))^2
  list(cvm = unname(cvm), cvsd = unname(sqrt(column_means(deviations, w) / (count - 1))))
}

#' The lambda with the best value, and the largest within one standard error
#' @noRd
choose_lambda <- function(lambda, cvm, cvsd, measure) {
  loss <- if (measure %in% c("auc", "C")) -cvm else cvm
  best <- which(loss <= min(loss, na.rm = TRUE))[1L] # lambdas decrease: the first is the largest
  within <- which(loss <= (loss + cvsd)[best])[1L]
  list(
    lambda.min = lambda[best], lambda.1se = lambda[within],
    index = matrix(c(best, within), 2L, 1L, dimnames = list(c("min", "1se"), "Lambda"))
  )
}
