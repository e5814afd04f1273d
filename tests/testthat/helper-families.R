# What each family can do, found out by doing it: the table of docs/FAMILIES.md. A cell is "yes", a list of words, or "no" if the
# package refuses with one of its own errors. Everything that works is checked against something: an identity, a refit, a
# certificate. `Rscript tools/families.R` writes the table, test-docs.R compares.

family_problems <- function() {
  d <- make_problem(60, 8, seed = 2101)
  eta <- drop(scale(d$y))
  draw <- function(seed, expr) with_seed(seed, expr)
  all <- list(
    gaussian = list(family = "gaussian", y = d$y),
    binomial = list(family = "binomial", y = factor(draw(1, runif(60)) < plogis(eta), labels = c("no", "yes"))),
    poisson = list(family = "poisson", y = draw(2, rpois(60, exp(eta / 2 + 0.5)))),
    cox = list(family = "cox", y = cbind(time = draw(3, rexp(60, exp(eta))), status = draw(4, rbinom(60, 1, 0.7)))),
    multinomial = list(family = "multinomial", y = factor(draw(5, ifelse(runif(60) < 0.3, 3, 1 + (runif(60) < plogis(2 * eta)))), labels = c("a", "b", "c")), K = 3),
    mgaussian = list(family = "mgaussian", y = cbind(d$y, draw(6, rnorm(60)) - d$y), K = 2),
    `binomial(link = "probit")` = list(family = binomial(link = "probit"), y = factor(draw(1, runif(60)) < plogis(eta), labels = c("no", "yes"))),
    `Gamma(link = "log")` = list(family = Gamma(link = "log"), y = draw(7, rgamma(60, 2, exp(-eta / 2))))
  )
  # families that the package does not have
  absent <- function(f) {
    e <- tryCatch(sparsepath(d$x, f$y, family = f$family, lambda = 0.5), error = identity)
    inherits(e, "sparsepath_error_unavailable") || inherits(e, "error") && grepl("no loss", conditionMessage(e))
  }
  all <- all[!vapply(all, absent, NA)]
  lapply(all, function(f) c(f, list(x = d$x, w = d$w, o = if (is.null(f$K)) d$o / 4 else cbind(d$o / 4, matrix(0, 60, f$K - 1)))))
}

family_features <- function() {
  fit <- function(f, ..., x = f$x, y = f$y) sparsepath(x, y, family = f$family, ..., lambda.min.ratio = 0.05, nlambda = 15)
  cv <- function(f, ...) cv.sparsepath(f$x, f$y, family = f$family, ..., lambda.min.ratio = 0.1, nlambda = 8)
  rows <- function(y, i) if (length(dim(y)) == 2L) y[i, , drop = FALSE] else y[i]
  flat <- function(b) unlist(lapply(if (is.list(b)) b else list(b), as.matrix), use.names = FALSE)
  near <- function(a, b, tolerance = 1e-6) {
    a <- flat(a)
    b <- flat(b)
    length(a) == length(b) && max(abs(a - b)) <= tolerance * max(1, abs(b))
  }
  works <- function(names, try) names[vapply(names, function(n) !inherits(refusal(try(n)), "refusal"), NA)]
  list(
    "lasso, elastic net, ridge" = function(f) all(vapply(c(1, 0.5, 0), function(a) all(fit(f, alpha = a)$status == 0L), NA)),
    "certificate" = function(f) {
      k <- kkt(fit(f), f$x, f$y)
      if (max(k$kkt) > 1e-6) return(FALSE)
      if (anyNA(k$rel.gap)) "optimality conditions" else if (max(k$rel.gap) <= 1e-7) "duality gap" else FALSE
    },
    "observation weights" = function(f) {
      w <- c(2, rep(1, 59))
      lambda <- fit(f)$lambda[2:9]
      i <- c(1, 1:60)
      near(sparsepath(f$x, f$y, family = f$family, weights = w, lambda = lambda)$beta,
        sparsepath(f$x[i, ], rows(f$y, i), family = f$family, lambda = lambda)$beta)
    },
    "offset" = function(f) {
      g <- fit(f, offset = f$o)
      near(predict(g, f$x, newoffset = f$o) - predict(g, f$x, newoffset = 0 * f$o), array(f$o, dim(predict(g, f$x, newoffset = f$o))), 1e-9) &&
        max(kkt(g, f$x, f$y, offset = f$o)$kkt) < 1e-6
    },
    "penalty factors, `exclude`" = function(f) {
      b <- fit(f, penalty.factor = c(0, rep(1, 7)), exclude = 8)$beta
      b <- if (is.list(b)) b[[1L]] else b
      all(b[1L, ] != 0) && all(b[8L, ] == 0)
    },
    "limits of coefficients" = function(f) {
      b <- flat(fit(f, lower.limits = 0, upper.limits = 0.2)$beta)
      all(b >= 0 & b <= 0.2) && any(b == 0.2) && any(flat(fit(f)$beta) < 0)
    },
    "ordered columns, `pen_fused()`" = function(f) {
      penalty <- pen_fused(rep(1:2, each = 4))
      g <- fit(f, penalty = penalty)
      one <- as.matrix(if (is.list(g$beta)) g$beta[[1L]] else g$beta)
      all(g$status == 0L) && max(kkt(g, f$x, f$y)$kkt) < 1e-6 && all(one[1:3, 1] == one[2:4, 1]) && any(one[1:3, ] != one[2:4, ]) &&
        near(cv.sparsepath(f$x, f$y, family = f$family, penalty = penalty, lambda = g$lambda, nfolds = 3)$fit$beta, g$beta)
    },
    "the same with zeros, `pen_fused(asparse = )`" = function(f) {
      penalty <- pen_fused(rep(1:2, each = 4), asparse = 0.05)
      g <- fit(f, penalty = penalty)
      one <- as.matrix(if (is.list(g$beta)) g$beta[[1L]] else g$beta)
      all(g$status == 0L) && max(kkt(g, f$x, f$y)$kkt) < 1e-6 && all(one[, 1] == 0) && any(one[-8, ] == one[-1, ] & one[-1, ] != 0) &&
        near(cv.sparsepath(f$x, f$y, family = f$family, penalty = penalty, lambda = g$lambda, nfolds = 3)$fit$beta, g$beta)
    },
    "sparse `x`" = function(f) {
      m <- f$x * (abs(f$x) > 0.7)
      near(fit(f, x = Matrix::Matrix(m, sparse = TRUE))$beta, fit(f, x = m)$beta)
    },
    "data frame with factors, formula" = function(f) {
      d <- data.frame(a = f$x[, 1], b = f$x[, 2], g = gl(3, 20, labels = c("u", "v", "w")))
      y <- f$y
      m <- make_x(d)
      lambda <- fit(f, x = m)$lambda
      by_matrix <- sparsepath(m, y, family = f$family, lambda = lambda)
      by_formula <- sparsepath(y ~ a + b + g, d, family = f$family, lambda = lambda)
      near(by_formula$beta, by_matrix$beta) && near(sparsepath(d, y, family = f$family, lambda = lambda)$beta, by_matrix$beta) &&
        near(predict(by_formula, d[40:33, ]), predict(by_matrix, m[40:33, ])) &&
        inherits(tryCatch(predict(by_formula, transform(d, g = "z")), error = identity), "sparsepath_error_levels")
    },
    "`predict(type = )`" = function(f) {
      g <- fit(f)
      works(c("link", "response", "class", "coefficients", "nonzero"), function(type) predict(g, f$x, s = 0.1, type = type))
    },
    "`exact = TRUE`" = function(f) {
      g <- fit(f)
      s <- sqrt(g$lambda[6] * g$lambda[7])
      near(coef(g, s = s, exact = TRUE, x = f$x, y = f$y), coef(fit(f, lambda = c(g$lambda[1:6], s)), s = s))
    },
    "`residuals(type = )`" = function(f) {
      g <- fit(f)
      types <- setdiff(eval(formals(utils::getFromNamespace("residuals.sparsepath", "sparsepath"))$type), "working")
      works(types, function(type) residuals(g, f$x, f$y, s = 0.1, type = type))
    },
    "`logLik()`, AIC, BIC, EBIC, `select_lambda()`" = function(f) {
      g <- fit(f)
      suppressWarnings({ # with norms and no data: an upper bound
        k <- attr(logLik(g), "df")
        all(is.finite(EBIC(g))) && near(AIC(g), -2 * as.vector(logLik(g)) + 2 * k) &&
          identical(which.min(BIC(g))[[1L]], as.integer(select_lambda(g, "BIC")$index))
      })
    },
    "degrees of freedom with a ridge part" = function(f) {
      g <- fit(f, alpha = 0.5)
      k <- effective_df(g, x = f$x, y = f$y)
      identical(attr(k, "method"), "trace") && all(k >= -1e-9) && all(k <= suppressWarnings(effective_df(g)) + 1e-9) && max(k) > 1
    },
    "`relax = TRUE`" = function(f) {
      g <- fit(f, relax = TRUE)
      l <- 6L
      b <- if (is.list(g$beta)) g$beta[[1L]] else g$beta
      near(predict(g, f$x, s = g$lambda[l], gamma = 0.4),
        0.4 * predict(g, f$x, s = g$lambda[l]) + 0.6 * predict(g, f$x, s = g$lambda[l], gamma = 0), 1e-9) && any(b[, l] != 0) &&
        all(g$relaxed$dev.ratio >= g$dev.ratio[match(g$relaxed$lambda, g$lambda)] - 1e-8)
    },
    "cross-validation, measures" = function(f) {
      works(c("deviance", "class", "auc", "C", "mse", "mae"), function(m) cv(f, type.measure = m, foldid = rep_len(1:5, 60)))
    },
    "held-out predictions are those of single fits" = function(f) {
      fold <- rep_len(1:5, 60)
      g <- cv(f, foldid = fold, keep = TRUE)
      one <- sparsepath(f$x[fold != 2, ], rows(f$y, fold != 2), family = f$family, lambda = g$lambda)
      held <- if (length(dim(g$fit.preval)) == 3L) g$fit.preval[fold == 2, , ] else g$fit.preval[fold == 2, ]
      size <- seq_len(length(g$lambda))
      mine <- predict(one, f$x[fold == 2, ])
      near(held, if (length(dim(mine)) == 3L) mine[, , size] else mine[, size], 1e-10)
    },
    "folds stratified by" = function(f) {
      of <- if (is.factor(f$y)) f$y else if (identical(f$family, "cox")) f$y[, "status"] else return("no")
      counts <- table(with_seed(8, cv(f, nfolds = 5))$foldid, of)
      if (max(apply(counts, 2L, function(k) diff(range(k)))) > 1L) FALSE else if (is.factor(f$y)) "class" else "event"
    },
    "`cluster`, `repeats`" = function(f) {
      g <- with_seed(9, cv(f, nfolds = 4, repeats = 2, cluster = rep(1:15, 4)))
      identical(dim(g$foldid), c(60L, 2L)) && all(apply(g$foldid, 2L, function(k) all(k == rep(k[1:15], 4))))
    },
    "`relax = TRUE` in cross-validation" = function(f) {
      g <- suppressWarnings(cv(f, foldid = rep_len(1:5, 60), relax = TRUE, gamma = c(0, 1)))
      near(g$relaxed$statlist[[2L]]$cvm, g$cvm, 1e-10) && all(is.finite(g$relaxed$statlist[[1L]]$cvm))
    },
    "`assess()`" = function(f) {
      a <- assess(fit(f), f$x, f$y, s = c(0.2, 0.1))
      measures <- setdiff(names(a), "lambda")
      values <- unlist(a[2L, measures])
      if (!all(is.finite(values)) || (length(values) > 1L && "C" %in% measures && values[["C"]] == values[["deviance"]])) FALSE else measures
    },
    "`confusion()`" = function(f) {
      g <- fit(f)
      table <- confusion(g, f$x, f$y, s = 0.1)
      sum(table) == 60 && sum(diag(unclass(table))) == sum(predict(g, f$x, s = 0.1, type = "class") == f$y)
    },
    "`roc()`" = function(f) {
      g <- fit(f)
      near(attr(roc(g, f$x, f$y, s = 0.1), "auc"), assess(g, f$x, f$y, s = 0.1)$auc, 1e-12)
    },
    "`as_glmnet()` gives a" = function(f) class(as_glmnet(fit(f)))[1L]
  )
}

# the value, or an object of class "refusal" if the package said no in one of its own ways
refusal <- function(expr) {
  tryCatch(expr, sparsepath_error = function(e) {
    if (!inherits(e, paste0("sparsepath_error_", c("unavailable", "choice", "unknown_argument")))) stop(e)
    structure(list(), class = "refusal")
  })
}

family_table <- function() {
  problems <- family_problems()
  cell <- function(feature, f) {
    value <- tryCatch(refusal(feature(f)), error = function(e) paste("ERROR:", conditionMessage(e)))
    if (inherits(value, "refusal")) return("no")
    if (isTRUE(value)) return("yes")
    if (is.character(value)) return(if (length(value)) paste(value, collapse = ", ") else "no")
    "WRONG"
  }
  out <- lapply(family_features(), function(feature) vapply(problems, function(f) cell(feature, f), ""))
  do.call(rbind, out)
}

# cells that are neither an answer nor a proper refusal
broken_cells <- function(table) {
  at <- which(array(grepl("^(ERROR|WRONG)", table), dim(table)), arr.ind = TRUE)
  if (nrow(at)) paste0(colnames(table)[at[, 2L]], ": ", rownames(table)[at[, 1L]]) else character()
}

family_table_lines <- function(table) {
  table[] <- sub("^(ERROR|WRONG).*", "no", table)
  line <- function(x) paste0("| ", paste(x, collapse = " | "), " |")
  labels <- sub("Gamma(link = \"log\")", "family objects (`Gamma(link = \"log\")`)", colnames(table), fixed = TRUE)
  labels <- sub("binomial(link = \"probit\")", "of two classes (`binomial(link = \"probit\")`)", labels, fixed = TRUE)
  c(line(c("", labels)), line(rep("---", ncol(table) + 1L)), vapply(rownames(table), function(r) line(c(r, table[r, ])), "", USE.NAMES = FALSE))
}
