# The demo; run it with `bash tools/demo.sh`, or here: Rscript tools/demo.R <folder for the plots>
# Which genes tell tumour from normal colon tissue? 62 samples, 2000 genes (Alon et al. 1999).

library(sparsepath)
out <- commandArgs(trailingOnly = TRUE)
out <- if (length(out)) out[1] else "."
options(width = 120)

heading <- function(text) cat("\n", text, "\n", strrep("-", nchar(text)), "\n", sep = "")
# seconds, the median of five runs
seconds <- function(run) sprintf("%.3f", stats::median(replicate(5, system.time(run(), gcFirst = FALSE)[["elapsed"]])))

# A PNG without a screen
picture <- function(name, draw) {
  file <- file.path(out, name)
  if (isTRUE(capabilities("cairo"))) {
    grDevices::png(file, 1500, 1000, res = 180, type = "cairo")
  } else {
    grDevices::bitmap(file, "png16m", width = 8.3, height = 5.6, res = 180) # by ghostscript
  }
  on.exit(grDevices::dev.off())
  draw()
  cat("wrote", file, "\n")
}

x <- log2(colon$x)
y <- colon$y
cat("\n", nrow(x), " samples (", sum(y == "tumor"), " tumour, ", sum(y == "normal"), " normal), ", ncol(x), " genes, log2 intensities\n", sep = "")

set.seed(1)
cv <- cv.sparsepath(x, y, family = "binomial", nfolds = 10, keep = TRUE)
fit <- cv$fit

heading("The path")
print(summary(fit))

heading("Cross-validation")
print(cv)

heading("Genes selected at lambda.1se")
b <- coef(cv, s = "lambda.1se")[-1, 1]
b <- b[b != 0]
b <- b[order(-abs(b))]
print(data.frame(coefficient = signif(unname(b), 4), `more of it` = ifelse(b > 0, "in tumour", "in normal"), row.names = names(b), check.names = FALSE))

heading("Held-out error (each sample predicted by the fit that did not see it)")
held_out <- function(eta, truth) {
  p <- stats::plogis(eta)
  r <- rank(p)
  n1 <- sum(truth)
  c(
    wrong = sum((p > .5) != truth), deviance = -2 * mean(log(pmin(pmax(ifelse(truth, p, 1 - p), 1e-5), 1))),
    AUC = (sum(r[truth]) - n1 * (n1 + 1) / 2) / n1 / sum(!truth)
  )
}
chosen <- match(c(cv$lambda.min, cv$lambda.1se), fit$lambda)
table <- t(apply(cv$fit.preval[, chosen], 2, held_out, truth = y == "tumor"))
print(data.frame(
  lambda = signif(fit$lambda[chosen], 4), genes = fit$df[chosen],
  wrong = sprintf("%d of %d", as.integer(table[, "wrong"]), nrow(x)), deviance = round(table[, "deviance"], 3),
  AUC = round(table[, "AUC"], 3), row.names = c("lambda.min", "lambda.1se")
))

heading("Certificate, recomputed in plain R by kkt()")
certificate <- kkt(fit, x, y)
cat(sprintf(
  "largest relative duality gap %.1e, largest violation of the optimality conditions %.1e lambda, over %d solutions\n",
  max(certificate$rel.gap), max(certificate$kkt), nrow(certificate)
))

heading("Time")
time_path <- seconds(function() sparsepath(x, y, family = "binomial"))
time_cv <- seconds(function() cv.sparsepath(x, y, family = "binomial", foldid = cv$foldid))
cat(sprintf("%s s for the path, %s s for the path and 10-fold cross-validation (11 paths of %d lambdas in all)\n",
  time_path, time_cv, length(fit$lambda)))

if (requireNamespace("glmnet", quietly = TRUE)) {
  version <- utils::packageVersion("glmnet")
  heading(paste("The same folds by glmnet", version))
  genes <- function(beta) lapply(seq_len(ncol(beta)), function(l) rownames(beta)[beta[, l] != 0])
  exact <- genes(fit$beta)
  row <- function(time_path, time_cv, cv, fit, certificate) {
    chosen <- match(cv$lambda.1se, fit$lambda)
    shared <- seq_len(min(ncol(fit$beta), length(exact)))
    data.frame(
      `path, s` = time_path, `CV, s` = time_cv, `largest gap` = sprintf("%.0e", max(certificate$rel.gap)),
      `largest KKT` = sprintf("%.0e lambda", max(certificate$kkt)),
      `other genes` = sprintf("at %d of %d lambdas", sum(!mapply(setequal, genes(fit$beta)[shared], exact[shared])), length(shared)),
      lambda.1se = signif(cv$lambda.1se, 4), genes = fit$df[chosen], check.names = FALSE
    )
  }
  table <- row(time_path, time_cv, cv, fit, certificate)
  for (thresh in c(1e-7, 1e-12)) {
    settings <- if (version >= "5.0") list(control = list(thresh = thresh, maxit = 1e7)) else list(thresh = thresh, maxit = 1e7)
    run_path <- function() do.call(glmnet::glmnet, c(list(x, y, family = "binomial"), settings))
    run_cv <- function() do.call(glmnet::cv.glmnet, c(list(x, y, family = "binomial", foldid = cv$foldid), settings))
    peer <- run_cv()
    table <- rbind(table, row(
      seconds(run_path), seconds(run_cv), peer, peer$glmnet.fit, kkt(peer$glmnet.fit, x, y, family = "binomial")
    ))
  }
  rownames(table) <- c("sparsepath", "glmnet, thresh 1e-7 (its default)", "glmnet, thresh 1e-12")
  print(table)
} else {
  cat("\n(glmnet is not installed; if it were, its time and certificate would stand beside ours here)\n")
}

heading("Plots")
picture("path.png", function() plot(fit, label = 8))
picture("cv.png", function() plot(cv))
