#' Print a path
#'
#' Shows the call, a table with one line per lambda, the certificate, and why
#' the path ended if it ended before the last lambda.
#'
#' @param x A fit of [sparsepath()].
#' @param digits Significant digits of lambda.
#' @param ... Ignored.
#' @returns The table, invisibly: a data frame with columns `Df`, `%Dev`, `Lambda`.
#' @method print sparsepath
#' @export
print.sparsepath <- function(x, digits = max(3, getOption("digits") - 3), ...) {
  cat("\nCall: ", call_text(x$call), "\n\n")
  table <- data.frame(
    Df = x$df, `%Dev` = round(x$dev.ratio * 100, 2), Lambda = signif(x$lambda, digits),
    check.names = FALSE, row.names = seq_along(x$df)
  )
  print(table)
  cat("\n", paste0(c(certificate_line(x), convex_line(x), end_line(x), na_line(x)), "\n"), sep = "")
  invisible(table)
}

#' Summary of a path
#'
#' @param object,x A fit of [sparsepath()], or its summary.
#' @param ... Ignored.
#' @returns An object of class `summary.sparsepath`: a list with `call`,
#'   `family`, `alpha`, `nobs`, `nvars`, `nlambda` (fitted and asked for), the ranges of
#'   `lambda`, `df` and `dev.ratio`, `gap` (largest; `NA` for family objects), `kkt` (largest), `missed`
#'   (lambdas without certificate), `end`, `npasses` and `passes`.
#' @examples
#' summary(sparsepath(log2(colon$x), colon$y, family = "binomial"))
#' @method summary sparsepath
#' @export
summary.sparsepath <- function(object, ...) {
  structure(
    list(
      call = object$call, family = object$family, alpha = object$alpha, nobs = object$nobs, nvars = object$dim[1L],
      classnames = object$classnames, responses = if (identical(object$family, "mgaussian")) names(object$beta),
      grouped = isTRUE(object$grouped), penalty = object$settings$penalty, nlambda = c(fitted = length(object$lambda), asked = object$nlambda),
      lambda = range(object$lambda), df = range(object$df), dev.ratio = range(object$dev.ratio), gap = max(object$gap),
      kkt = max(object$kkt), missed = object$lambda[object$status != 0L], gaps = object$gap, kkts = object$kkt, status = object$status,
      end = c(convex_line(object), end_line(object), na_line(object)), npasses = object$npasses, passes = object$passes
    ),
    class = "summary.sparsepath"
  )
}

#' @rdname summary.sparsepath
#' @method print summary.sparsepath
#' @export
print.summary.sparsepath <- function(x, ...) {
  number <- function(v) format(v, digits = 4, trim = TRUE)
  field <- function(label, ...) cat(sprintf("%-15s%s\n", label, paste0(...)))
  cat("\nCall: ", call_text(x$call), "\n\n")
  field("Model", model_text(x), class_text(x))
  field("Data", x$nobs, " observations, ", big(x$nvars), " variables")
  field("Path", x$nlambda[["fitted"]], " lambdas from ", number(x$lambda[2L]), " down to ", number(x$lambda[1L]))
  field("Variables", x$df[1L], " to ", x$df[2L], " selected")
  field("Deviance", "up to ", number(100 * x$dev.ratio[2L]), " % explained")
  field("Work", big(x$npasses), " solver rounds; all columns of x read ", number(x$passes), " times")
  cat("\n", paste0(c(certificate_line(list(gap = x$gaps, kkt = x$kkts, status = x$status)), x$end), "\n"), sep = "")
  if (length(x$missed)) cat("without certificate: lambda = ", paste(number(x$missed), collapse = ", "), "\n", sep = "")
  invisible(x)
}

#' Print and summarize a cross-validation
#'
#' @param x,object A fit of [cv.sparsepath()], or its summary.
#' @param digits Significant digits.
#' @param ... Ignored.
#' @returns `print()`: the table with the two chosen lambdas, invisibly.
#'   `summary()`: an object of class `summary.cv.sparsepath`: a list with that
#'   `table`, `name`, `nfolds`, `repeats` and the summary `fit` of the full fit.
#' @method print cv.sparsepath
#' @export
print.cv.sparsepath <- function(x, digits = max(3, getOption("digits") - 3), ...) {
  cat("\nCall: ", call_text(x$call), "\n\n")
  cat("Measure:", x$name, "\n\n")
  table <- cv_table(x)
  print(table, digits = digits)
  cat("\n", paste0(c(cv_certificate_line(x), convex_line(x$fit), end_line(x$fit), na_line(x$fit)), "\n"), sep = "")
  invisible(table)
}

#' @rdname print.cv.sparsepath
#' @method summary cv.sparsepath
#' @export
summary.cv.sparsepath <- function(object, ...) {
  folds <- as.matrix(object$foldid)
  structure(
    list(
      call = object$call, name = object$name, table = cv_table(object), nfolds = max(folds), repeats = ncol(folds),
      certificate = cv_certificate_line(object), fit = summary(object$fit)
    ),
    class = "summary.cv.sparsepath"
  )
}

#' @rdname print.cv.sparsepath
#' @method print summary.cv.sparsepath
#' @export
print.summary.cv.sparsepath <- function(x, digits = max(3, getOption("digits") - 3), ...) {
  print(x$fit)
  cat(sprintf("\nCross-validation: %d folds%s\n", x$nfolds, if (x$repeats > 1L) sprintf(", %d replicates", x$repeats) else ""))
  cat("Measure:", x$name, "\n\n")
  print(x$table, digits = digits)
  cat("\n", x$certificate, "\n", sep = "")
  invisible(x)
}

#' @noRd
cv_table <- function(x) {
  at <- x$index[, 1L]
  data.frame(
    Lambda = x$lambda[at], Index = at, Measure = x$cvm[at], SE = x$cvsd[at], Nonzero = x$nzero[at],
    row.names = c("min", "1se")
  )
}

# ---- the lines about the certificate and the end of the path ------------------------

#' "all 100 solutions certified: largest relative gap 3e-09"; where the family has no dual, and so no gap,
#' "all 100 solutions stationary: optimality conditions hold within 3e-12 lambda (no duality gap for this family)"
#' @param fit What has `gap`, `kkt`, `status`.
#' @noRd
certificate_line <- function(fit) {
  missed <- which(fit$status != 0L)
  total <- length(fit$status)
  verdict <- certificate_words(fit$gap, fit$kkt)
  if (!length(missed)) {
    return(sprintf("%s %s: %s", if (total == 1L) "the solution is" else sprintf("all %s solutions", big(total)), verdict$good, verdict$worst))
  }
  sprintf("%s of %s solutions %s; NOT %s (%s)", big(total - length(missed)), big(total), verdict$good,
    paste0("s", paste(utils::head(missed, 10L) - 1L, collapse = ", s"), if (length(missed) > 10L) ", ..."), verdict$worst)
}

#' @noRd
certificate_words <- function(gap, kkt) {
  if (!anyNA(gap)) return(list(good = "certified", worst = sprintf("largest relative gap %s", short_number(max(gap)))))
  list(good = "stationary", worst = sprintf("optimality conditions hold within %s lambda (no duality gap for this family)", short_number(max(kkt))))
}

#' @noRd
cv_certificate_line <- function(x) {
  folds <- sprintf("%s fold %s", big(length(x$fold.gap)), plural(length(x$fold.gap), "path"))
  bad <- sum(x$fold.status != 0L) + any(x$fit$status != 0L)
  verdict <- certificate_words(c(x$fit$gap, x$fold.gap), c(x$fit$kkt, x$fold.kkt))
  if (bad == 0L) return(sprintf("full path and %s %s: %s", folds, verdict$good, verdict$worst))
  sprintf("full path and %s: %d NOT %s (%s)", folds, bad, verdict$good, verdict$worst)
}

#' Where a non-convex penalty leaves more than one solution; NULL for convex ones
#' @noRd
convex_line <- function(fit) {
  if (is.null(fit$local)) return(NULL)
  if (is.na(fit$convex.min)) return("the certificate is local; the objective is convex over the selected variables at every lambda")
  sprintf("the certificate is local; from lambda %s (s%d) the objective is not convex over the selected variables: other solutions may exist",
    format(fit$lambda[fit$convex.min], digits = 4), fit$convex.min - 1L)
}

#' Why the path ended; NULL when all lambdas were fitted
#' @noRd
end_line <- function(fit) {
  done <- length(fit$lambda)
  reason <- switch(fit$end,
    devmax = sprintf("more than %s %% of the deviance is explained (devmax)", format(100 * fit$control$devmax)),
    fdev = sprintf("the explained deviance hardly grows any more (fdev = %s)", format(fit$control$fdev)),
    dfmax = sprintf("more than %s nonzero coefficients (dfmax)", format(fit$control$dfmax)),
    stalled = "no certified stationary point at the next lambda: the fit is nearly saturated, or not convex enough",
    pmax = sprintf("more than %s variables have entered (pmax)", format(fit$control$pmax)),
    NULL
  )
  if (!is.null(reason)) sprintf("path ended after %d of %d lambdas: %s", done, fit$nlambda, reason)
}

#' Rows that a formula's na.action left out
#' @noRd
na_line <- function(fit) {
  count <- length(fit$na.action)
  if (count) sprintf("%s %s with missing values left out", big(count), plural(count, "row"))
}

#' @noRd
model_text <- function(x) {
  whole <- x$grouped || length(x$responses) > 0L
  single <- if (whole) "group lasso of variables" else "lasso"
  penalty <- if (!is.null(x$penalty)) penalty_text(x$penalty) else single
  if (x$alpha == 0) penalty <- if (is_fused(x$penalty)) "squared steps between columns" else enet_text(0)
  else if (x$alpha < 1) penalty <- if (penalty == "lasso") enet_text(x$alpha) else sprintf("%s, with a ridge part, alpha = %s", penalty, format(x$alpha))
  paste(family_traits(x$family)$text, penalty, sep = ", ")
}

#' @noRd
class_text <- function(x) {
  if (length(x$responses)) return(sprintf(", %d responses: %s", length(x$responses), some_names(x$responses)))
  if (!length(x$classnames)) return("")
  if (identical(x$family, "multinomial")) return(sprintf(", %d classes: %s", length(x$classnames), some_names(x$classnames)))
  sprintf(", probability of \"%s\"", x$classnames[2L])
}

#' @noRd
call_text <- function(call) paste(trimws(deparse(call)), collapse = " ")

#' @noRd
big <- function(x) format(x, big.mark = ",", trim = TRUE, digits = 15)

#' @noRd
short_number <- function(x) format(x, digits = 1, scientific = x != 0 && abs(x) < 0.01)
