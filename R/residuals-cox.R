# Residuals of the partial likelihood that have one column for each variable of the model.

#' Schoenfeld and score residuals at each lambda
#'
#' @param newx Checked data, all columns of the fit; `beta` p x L.
#' @return A list with one matrix for each lambda: events (or rows) x columns with a coefficient other than zero.
#' @noRd
cox_variable_residuals <- function(eta, data, w, newx, beta, type) {
  risk_sets <- risk_structure(data, w)
  active <- active_columns(beta)
  each <- lapply(seq_len(ncol(eta)), function(l) {
    used <- active[[l]]
    z <- as.matrix(newx[, used, drop = FALSE])
    dimnames(z) <- list(rownames(newx), rownames(beta)[used])
    if (type == "schoenfeld") schoenfeld_residuals(z, eta[, l], data, risk_sets) else score_residuals(z, eta[, l], risk_sets, w)
  })
  structure(each, names = colnames(eta))
}

#' Means of z over the risk sets of one stratum: one for each term
#' @noRd
risk_means <- function(s, r, z) {
  ez <- drop(r$e) * z
  all <- at_risk_sums(s, ez)[s$term, , drop = FALSE]
  dying <- unname(rowsum(ez[s$dead, , drop = FALSE], s$group))[s$term, , drop = FALSE]
  (all - (1 - s$a) * dying) / drop(r$S)
}

#' Of each event: its z minus the mean over those at risk; ordered by stratum and time
#' @noRd
schoenfeld_residuals <- function(z, eta, data, risk_sets) {
  centre <- colMeans(z)
  parts <- lapply(risk_sets, function(s) {
    zs <- z[s$rows, , drop = FALSE] - rep(centre, each = length(s$rows))
    mean <- unname(rowsum(risk_means(s, risks(s, matrix(eta)), zs) / s$count[s$term], s$term))
    out <- zs[s$dead, , drop = FALSE] - mean[s$group, , drop = FALSE]
    rows <- s$rows[s$dead]
    list(out = out, rows = rows)
  })
  out <- do.call(rbind, lapply(parts, `[[`, "out"))
  rows <- unlist(lapply(parts, `[[`, "rows"))
  o <- order(data$strata[rows] %||% rep(1L, length(rows)), data$y[rows], rows)
  structure(out[o, , drop = FALSE], dimnames = list(format(data$y[rows][o], trim = TRUE, digits = 15), colnames(z)))
}

#' Of each row: z minus the means over the risk sets, integrated over its martingale. NA for rows of weight zero.
#' @noRd
score_residuals <- function(z, eta, risk_sets, w) {
  out <- z * 0
  out[w == 0, ] <- NA
  centre <- colMeans(z)
  for (s in risk_sets) {
    r <- risks(s, matrix(eta))
    zs <- z[s$rows, , drop = FALSE] - rep(centre, each = length(s$rows))
    mean <- risk_means(s, r, zs)
    hazard <- (s$mass / s$count)[s$term] / drop(r$S)
    risk <- drop(r$e) / s$w
    grouped <- function(v) unname(rowsum(v, s$term))
    own <- zs * drop(over_own_groups(s, grouped(hazard))) - over_own_groups(s, grouped(hazard * mean))
    g <- s$group
    d <- s$dead
    spared <- zs[d, , drop = FALSE] * drop(grouped(hazard * (1 - s$a)))[g] - grouped(hazard * (1 - s$a) * mean)[g, , drop = FALSE]
    own[d, ] <- own[d, , drop = FALSE] - spared
    own <- -risk * own
    own[d, ] <- own[d, , drop = FALSE] + zs[d, , drop = FALSE] - grouped(mean / s$count[s$term])[g, , drop = FALSE]
    out[s$rows, ] <- own
  }
  out
}
