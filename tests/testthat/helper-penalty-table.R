# What every penalty can do with every family, found out by doing it: the table of docs/PENALTIES.md. A cell (feature, penalty, family)
# works and is right by some identity or by the judge below, or is refused by an error of the package that says what would work.
# `Rscript tools/penalties.R` writes the table, test-penalty-table.R goes through it.

# ---- problems: 80 rows, 12 columns, 4 groups ---------------------------------------------------------------------------

penalty_problems <- function() {
  n <- 80
  d <- make_problem(n, 12, "equi", 0.3, k = 5, snr = 1, seed = 4101)
  x <- sweep(d$x, 2, c(1, 3, 0.5), `*`)
  eta <- 0.8 * as.double(scale(d$y))
  draw <- function(seed, expr) with_seed(seed, expr)
  two <- factor(draw(1, runif(n)) < plogis(eta), labels = c("no", "yes"))
  three <- factor(draw(5, 1 + (eta + rnorm(n) > -0.5) + (eta + rnorm(n) > 0.7)), labels = c("a", "b", "c"))
  all <- list(
    gaussian = list(family = "gaussian", y = d$y),
    binomial = list(family = "binomial", y = two),
    poisson = list(family = "poisson", y = draw(2, rpois(n, exp(eta / 2 + 0.5)))),
    cox = list(family = "cox", y = cbind(time = draw(3, rexp(n, exp(eta))), status = draw(4, rbinom(n, 1, 0.8)))),
    multinomial = list(family = "multinomial", y = three, K = 3, type = "ungrouped"),
    `grouped multinomial` = list(family = "multinomial", y = three, K = 3, type = "grouped"),
    mgaussian = list(family = "mgaussian", y = cbind(d$y, draw(6, rnorm(n)) * 2 - d$y), K = 2),
    probit = list(family = binomial(link = "probit"), y = two, loss = "binomial(probit)"),
    Gamma = list(family = Gamma(link = "log"), y = draw(7, rgamma(n, 2, exp(-eta / 2))), loss = "Gamma(log)")
  )
  Map(function(f, label) {
    K <- if (is.null(f$K)) 1 else f$K
    o <- matrix(d$o / 5, n, K) * rep(seq_len(K) - 1 + (K == 1), each = n)
    prior <- draw(8, runif(n))
    c(f, list(label = label, x = x, w = rep(c(2, 1, 0, 1), n / 4), o = if (K == 1) o[, 1] else o, prior = prior, fold = rep_len(1:4, n),
      args = c(list(family = f$family), if (!is.null(f$type)) list(type.multinomial = f$type))))
  }, all, names(all))
}

pt_chain <- c(1, 2, rep(3, 5), rep(4, 5)) # of the sparse fused lasso: two columns are chains of their own
pt_group <- c(3, 1, 2, 1, 4, 3, 3, 2, 2, 4, 1, 4)

# penalty: of a list of parameters (weights of groups, of steps); alpha; free: what leaves columns without penalty, as arguments
penalty_kinds <- function() {
  kind <- function(penalty = function(...) NULL, alpha = 1, groups = FALSE, ...) list(penalty = penalty, alpha = alpha, groups = groups, ...)
  grouped <- function(make) kind(function(weights = NULL, group = pt_group) make(group, weights), groups = TRUE)
  list(
    `lasso` = kind(),
    `elastic net` = kind(alpha = 0.5),
    `ridge` = kind(alpha = 0),
    `pen_group()` = grouped(function(g, w) pen_group(g, w)),
    `pen_sparse_group()` = c(grouped(function(g, w) pen_sparse_group(g, 0.3, w)), factor = TRUE),
    `pen_mcp()` = kind(function(...) pen_mcp(8)),
    `pen_scad()` = kind(function(...) pen_scad(9)),
    `pen_group_mcp()` = grouped(function(g, w) pen_group_mcp(g, 8, w)),
    `pen_group_scad()` = grouped(function(g, w) pen_group_scad(g, 9, w)),
    `pen_adaptive()` = kind(function(...) pen_adaptive("univariate")),
    `pen_adaptive(group = )` = grouped(function(g, w) pen_adaptive("univariate", group = g, weights = w)),
    `pen_fused()` = kind(function(weights = NULL, ...) pen_fused(chain = rep(1:2, each = 6), weights = weights)),
    `pen_fused(asparse = )` = kind(function(...) pen_fused(chain = pt_chain, asparse = 0.2)),
    `prior_lasso()` = kind()
  )
}

# a path, of few lambdas that do not come near saturation; `lambda` replaces them
pt_fit <- function(f, kind, ..., x = f$x, y = f$y, prior = f$prior, weights.of = NULL) {
  a <- list(...)
  if (is.null(a$lambda)) a <- c(a, list(nlambda = 6, lambda.min.ratio = if (kind$alpha == 0) 1e-4 else 0.2))
  if (is.null(a$alpha)) a$alpha <- kind$alpha
  if (kind$name == "prior_lasso()") return(do.call(prior_lasso, c(list(x, y, prior = prior, eta = 0.7), f$args, a)))
  do.call(sparsepath, c(list(x, y), f$args, list(penalty = kind$penalty(weights = weights.of)), a))
}
pt_path <- function(fit) if (inherits(fit, "prior_lasso")) fit$fits[[1]] else fit
pt_beta <- function(fit) {
  b <- pt_path(fit)$beta
  if (is.list(b)) do.call(rbind, lapply(b, as.matrix)) else as.matrix(b)
}
pt_rows <- function(y, i) if (length(dim(y)) == 2L) y[i, , drop = FALSE] else y[i]
pt_near <- function(a, b, tolerance) length(a) == length(b) && max(abs(as.vector(a) - as.vector(b))) <= tolerance * max(1, abs(b))

# ---- the judge: stationarity of every family and penalty, from their definitions -------------------------------------------

# w times minus the derivative of the loss in each linear predictor
pt_residual <- function(f, y, w, eta) {
  if (f$label == "cox") return(matrix(cox_g(cox_terms(f$y, NULL, w), eta[, 1])))
  if (!is.null(f$loss)) return(matrix(-w * vf_slope(f$loss)(eta[, 1], y[, 1])))
  w * (y - vg_mean(eta, f$family))
}

pt_response <- function(f) {
  if (!is.factor(f$y)) return(as.matrix(f$y))
  y <- 1 * outer(as.character(f$y), levels(f$y), "==")
  if (nlevels(f$y) == 2) y[, 2, drop = FALSE] else y
}

# Largest violation / lambda over all blocks and lambdas; Inf where an intercept is off or a column that is left out has a coefficient.
pt_judge <- function(fit, f, kind, alpha = kind$alpha, weights = NULL, offset = NULL, penalty.factor = NULL, exclude = NULL, lower.limits = -Inf,
                     upper.limits = Inf, standardize = TRUE, intercept = TRUE, weights.of = NULL, ...) {
  path <- pt_path(fit)
  x <- as.matrix(f$x)
  n <- nrow(x)
  p <- ncol(x)
  y <- pt_response(f)
  if (kind$name == "prior_lasso()") y <- (y + 0.7 * f$prior) / 1.7
  K <- if (f$label == "cox") 1 else ncol(y)
  w <- if (is.null(weights)) rep(1, n) else weights
  w <- w / sum(w)
  o <- if (is.null(offset)) matrix(0, n, K) else as.matrix(offset)
  centred <- intercept || f$label == "cox"
  mean <- colSums(w * x)
  s <- if (standardize && !grepl("fused", kind$name)) sqrt(colSums(w * sweep(x, 2, mean)^2)) else rep(1, p)
  s_y <- 1
  if (f$label == "gaussian") {
    r <- y - o
    if (intercept) r <- r - sum(w * r)
    s_y <- sqrt(sum(w * r^2))
  }
  across <- f$label %in% c("grouped multinomial", "mgaussian")

  # blocks of rows `of`, weights of norms W [G x K], or [G x 1] across; tau, u: share and factors of the L1 part
  out <- seq_len(p) %in% exclude
  of <- seq_len(p)
  tau <- 0
  u <- if (is.null(penalty.factor)) rep(1, p) else penalty.factor
  out <- out | is.infinite(u)
  own <- u
  u[out] <- 1
  u <- u * p / sum(u)
  if (kind$groups) {
    of <- pt_group
    W <- if (is.null(weights.of)) sqrt(tabulate(of[!out], 4)) else weights.of
    if (kind$name == "pen_sparse_group()") tau <- 0.3
    if (kind$name == "pen_adaptive(group = )") {
      W <- unname(path$penalty$factor)
      out <- out | is.infinite(W)[of]
      W[is.infinite(W)] <- 1
    }
  } else if (kind$name == "pen_adaptive()") {
    W <- as.matrix(path$penalty$factor)
    gone <- is.infinite(W)
    W[gone] <- 1
    W <- W / mean(W)
    if (all(rowSums(gone) == ncol(W) | rowSums(gone) == 0)) out <- out | rowSums(gone) > 0 else stop("not covered")
  } else if (kind$name == "pen_fused()") {
    W <- if (is.null(weights.of)) rep(1, p) else weights.of
    W[c(1, 7)] <- 0
  } else {
    W <- u
  }
  W <- as.matrix(W)
  if (!across && ncol(W) < K) W <- W[, rep(1, K), drop = FALSE]
  mean_u <- as.vector(rowsum(u * !out, of)) / pmax(as.vector(rowsum(1 * !out, of)), 1)
  ridge_W <- (1 - tau) * W + tau * mean_u
  block <- if (across) rep(of, K) else rep(of, K) + rep((seq_len(K) - 1) * nrow(W), each = p)

  co <- vg_coefficients(path)
  worst <- vapply(seq_along(path$lambda), function(l) {
    lambda <- path$lambda[l]
    B <- matrix(vapply(co$b, function(b) b[, l], double(p)), p)
    a0 <- if (f$label == "cox") 0 else co$a0[, l]
    if (any(B[out, ] != 0) || any(B > upper.limits) || any(B < lower.limits)) return(Inf)
    R <- pt_residual(f, y, w, o + x %*% B + rep(a0, each = n))
    if (intercept && f$label != "cox" && max(abs(colSums(R))) > 1e-8 * max(1, abs(y))) return(Inf)
    Z <- crossprod(if (centred) sweep(x, 2, mean) else x, R) / s
    U <- B * s
    if (kind$name == "pen_fused(asparse = )") return(pt_judge_stretches(B, Z, lambda, own))
    if (kind$name == "pen_fused()") { # steps, and running sums of the gradient
      U <- apply(U, 2, function(b) c(b[1], diff(b[1:6]), b[7], diff(b[7:12])))
      Z <- apply(Z, 2, function(z) c(rev(cumsum(rev(z[1:6]))), rev(cumsum(rev(z[7:12])))))
      U[abs(U) < 1e-12 * max(1, abs(B))] <- 0
    }
    Z[out, ] <- 0
    norm <- function(m) sqrt(as.vector(rowsum(as.vector(m)^2, block)))
    h <- norm(U)
    T <- lambda * alpha * (1 - tau) * as.vector(W)
    if (!is.null(path$penalty$gamma)) {
      T <- nc_slope(h, T, sub(".*(mcp|scad).*", "\\1", kind$name), path$penalty$gamma, path$penalty$curvature)
    }
    l1 <- matrix(lambda * alpha * tau * u, p, K)
    ridge <- matrix((lambda * (1 - alpha) * as.vector(ridge_W) / s_y)[block], p)
    pull <- matrix(ifelse(h > 0, T / h, 0)[block], p)
    e <- ifelse(U == 0, sign(Z) * pmax(abs(Z) - l1, 0), Z - l1 * sign(U) - (ridge + pull) * U)
    e[e > 0 & B >= upper.limits * (1 - 1e-12) | e < 0 & B <= lower.limits * (1 - 1e-12)] <- 0
    e[out, ] <- 0
    max(ifelse(h > 0, norm(e), pmax(norm(e) - T, 0)) / (lambda * pmax(1, as.vector(W))))
  }, 0)
  max(worst)
}

# Sparse fused lasso: no stretch has a gradient beyond its penalty, and b has gradients as large as its own.
pt_judge_stretches <- function(B, Z, lambda, factor) {
  omega <- function(b) 0.8 * sum(abs(diff(b))[diff(pt_chain) == 0]) + 0.2 * sum((factor * abs(b))[b != 0])
  at <- which(upper.tri(diag(length(factor)), TRUE), arr.ind = TRUE)
  at <- at[pt_chain[at[, 1]] == pt_chain[at[, 2]], ]
  each <- apply(at, 1, function(a) {
    stretch <- as.double(seq_along(factor) >= a[1] & seq_along(factor) <= a[2])
    max(abs(crossprod(Z, stretch))) / lambda - omega(stretch)
  })
  equal <- vapply(seq_len(ncol(B)), function(k) abs(omega(B[, k]) - sum(Z[, k] * B[, k]) / lambda), 0)
  max(0, each, equal / pmax(1, max(abs(B))))
}

# ---- features --------------------------------------------------------------------------------------------------------------

penalty_features <- function() {
  # fit and judge with the same arguments
  right <- function(f, kind, ...) {
    g <- pt_fit(f, kind, ...)
    all(pt_path(g)$status == 0L) && pt_judge(g, f, kind, ...) <= 2e-6
  }
  first_free <- list(penalty.factor = c(0, 0, rep(1, 10)))
  concave <- function(kind) grepl("mcp|scad", kind$name)
  list(
    "certificate" = function(f, kind) {
      g <- pt_fit(f, kind)
      k <- kkt(g, f$x, f$y)
      if (!all(pt_path(g)$status == 0L) || max(k$kkt) > 1e-6 || pt_judge(g, f, kind) > 1e-6) return(FALSE)
      if (anyNA(k$gap)) return(if (concave(kind)) "stationarity" else "optimality conditions")
      if (max(k$rel.gap) > 1e-7) return(FALSE)
      if (concave(kind)) "stationarity, gap of the tangent" else "duality gap"
    },
    "ridge part, `alpha`" = function(f, kind) right(f, kind, alpha = 0.6),
    "observation weights" = function(f, kind) {
      g <- pt_fit(f, kind, weights = f$w)
      i <- rep(seq_len(80), f$w)
      h <- pt_fit(f, kind, x = f$x[i, ], y = pt_rows(f$y, i), prior = f$prior[i], lambda = pt_path(g)$lambda)
      pt_judge(g, f, kind, weights = f$w) <= 2e-6 && pt_near(pt_beta(g), pt_beta(h), 1e-6)
    },
    "offset" = function(f, kind) right(f, kind, offset = f$o),
    "unpenalized columns" = function(f, kind) {
      a <- if (kind$groups && is.null(kind$factor)) list(weights.of = c(0, 1, 2, 1)) else if (kind$name == "pen_fused()") list(weights.of = rep(c(1, 0, 1, 1), 3)) else first_free
      free <- if (kind$groups && is.null(kind$factor)) which(pt_group == 1) else if (kind$name == "pen_fused()") 1 else 1:2
      g <- do.call(pt_fit, c(list(f, kind), a))
      if (kind$name == "pen_sparse_group()") free <- integer() # its groups are penalized still
      all(pt_path(g)$status == 0L) && do.call(pt_judge, c(list(g, f, kind), a)) <= 2e-6 && all(pt_beta(g)[free, 1] != 0)
    },
    "`penalty.factor`" = function(f, kind) right(f, kind, penalty.factor = rep(c(0.5, 1, 3, Inf), 3)),
    "`exclude`" = function(f, kind) right(f, kind, exclude = c(2, 7)),
    "limits of coefficients" = function(f, kind) {
      limit <- max(abs(pt_beta(pt_fit(f, kind)))) / 2
      g <- pt_fit(f, kind, upper.limits = limit, lower.limits = -limit)
      any(abs(pt_beta(g)) == limit) && all(pt_path(g)$status == 0L) && pt_judge(g, f, kind, upper.limits = limit, lower.limits = -limit) <= 2e-6
    },
    "sparse `x`" = function(f, kind) {
      x <- f$x
      x[abs(x) < 0.5] <- 0
      g <- pt_fit(f, kind, x = x)
      h <- pt_fit(f, kind, x = Matrix::Matrix(x, sparse = TRUE), lambda = pt_path(g)$lambda)
      pt_judge(g, replace(f, "x", list(x)), kind) <= 2e-6 && pt_near(pt_beta(g), pt_beta(h), 1e-7)
    },
    "data frame with factors" = function(f, kind) {
      frame <- data.frame(f$x[, 1:9], u = factor(rep(c("l", "m", "r", "l"), 20)))
      x <- make_x(frame)
      near <- function(g, h) pt_near(pt_beta(g), pt_beta(h), 1e-10)
      a <- pt_fit(f, kind, x = frame)
      near(a, pt_fit(f, kind, x = as.matrix(x))) && pt_near(predict(a, frame), predict(a, as.matrix(x)), 1e-12)
    },
    "`standardize = FALSE`" = function(f, kind) right(f, kind, standardize = FALSE),
    "`intercept = FALSE`" = function(f, kind) right(f, kind, intercept = FALSE),
    "cross-validation in lockstep" = function(f, kind) {
      a <- list(nlambda = 5, lambda.min.ratio = if (kind$alpha == 0) 1e-3 else 0.3, alpha = kind$alpha)
      train <- f$fold != 2
      if (kind$name == "prior_lasso()") {
        g <- do.call(cv.prior_lasso, c(list(f$x, f$y, prior = f$prior, eta = c(0, 0.7), foldid = f$fold), f$args, a))
        each <- vapply(1:4, function(k) {
          one <- pt_fit(f, kind, x = f$x[f$fold != k, ], y = pt_rows(f$y, f$fold != k), prior = f$prior[f$fold != k], lambda = g$fit$fits[[2]]$lambda)
          colSums(cv_loss(f, predict(one, f$x[f$fold == k, ], type = "response"), pt_rows(f$y, f$fold == k)))
        }, double(length(g$fit$fits[[2]]$lambda)))
        return(pt_near(g$cv[[2]]$cvm, rowSums(each) / 80, 1e-10))
      }
      g <- do.call(cv.sparsepath, c(list(f$x, f$y, foldid = f$fold, keep = TRUE, penalty = kind$penalty()), f$args, a))
      one <- pt_fit(f, kind, x = f$x[train, ], y = pt_rows(f$y, train), lambda = g$fit$lambda)
      mine <- predict(one, f$x[!train, ])
      held <- array(g$fit.preval, c(80, length(g$fit.preval) / 80))[!train, ]
      all(g$fold.status == 0) && pt_near(held, as.vector(mine), 1e-10)
    },
    "`coef()`, `predict()`, `plot()`, `exact = TRUE`" = function(f, kind) {
      g <- pt_fit(f, kind)
      path <- pt_path(g)
      s <- sqrt(path$lambda[3] * path$lambda[4])
      weight <- (s - path$lambda[4]) / (path$lambda[3] - path$lambda[4])
      flat <- function(b) unlist(lapply(if (is.list(b)) b else list(b), as.matrix))
      between <- weight * flat(coef(g, s = path$lambda[3])) + (1 - weight) * flat(coef(g, s = path$lambda[4]))
      eta <- if (is.list(path$beta)) array(vapply(seq_along(path$beta), function(k) f$x %*% path$beta[[k]][, 4] + path$a0[k, 4], double(80)), c(80, length(path$beta)))
        else f$x %*% path$beta[, 4] + if (is.null(path$a0)) 0 else path$a0[4]
      grDevices::pdf(NULL)
      on.exit(grDevices::dev.off())
      suppressWarnings(plot(g)) # a class may have no coefficient
      utils::capture.output(print(g))
      exact <- kind$name == "prior_lasso()" || pt_near(flat(coef(g, s = s, exact = TRUE, x = f$x, y = f$y)), flat(coef(pt_fit(f, kind, lambda = c(path$lambda[1:3], s)), s = s)), 1e-7)
      exact && pt_near(flat(coef(g, s = s)), between, 1e-10) && pt_near(predict(g, f$x, s = path$lambda[4]), eta, 1e-10)
    },
    "degrees of freedom, AIC, BIC" = function(f, kind) {
      g <- pt_path(pt_fit(f, kind))
      suppressWarnings({
        k <- effective_df(g)
        all(k >= 0) && all(is.finite(AIC(g))) && all(is.finite(BIC(g)))
      })
    },
    "`effective_df()` by the trace" = function(f, kind) {
      g <- pt_path(pt_fit(f, kind, alpha = min(kind$alpha, 0.7)))
      k <- effective_df(g, x = f$x, y = f$y)
      identical(attr(k, "method"), "trace") && all(k >= -1e-9) && all(k <= suppressWarnings(effective_df(g)) + 1e-8)
    },
    "`relax = TRUE`" = function(f, kind) {
      g <- pt_fit(f, kind, relax = TRUE)
      at <- match(g$relaxed$lambda, g$lambda)
      l <- at[length(at)]
      near <- function(a, b) pt_near(a, b, 1e-9)
      # without penalty: the gradient in the columns of the set is zero
      y <- pt_response(f)
      co <- vg_coefficients(g$relaxed)
      B <- vapply(co$b, function(b) b[, length(at)], double(12))
      R <- pt_residual(f, y, rep(1 / 80, 80), f$x %*% B + rep(if (f$label == "cox") 0 else co$a0[, length(at)], each = 80))
      set <- f$x[, rowSums(B != 0) > 0, drop = FALSE]
      if (grepl("fused", kind$name)) { # the sums of stretches that are equal in all predictors
        P <- vapply(vg_coefficients(g)$b, function(b) b[, l], double(12))
        chain <- if (kind$name == "pen_fused()") rep(1:2, each = 6) else pt_chain
        run <- cumsum(c(TRUE, diff(chain) != 0 | rowSums(abs(P[-1, , drop = FALSE] - P[-12, , drop = FALSE])) > 0))
        set <- t(rowsum(t(f$x), run))[, rowSums(rowsum(abs(P), run)) > 0, drop = FALSE]
      }
      flat <- max(abs(crossprod(set, R))) <= 1e-5
      flat && any(B != 0) && all(g$relaxed$dev.ratio >= g$dev.ratio[at] - 1e-7) && all(g$relaxed$status == 0L) &&
        near(predict(g, f$x, s = g$lambda[l], gamma = 0.4), 0.4 * predict(g, f$x, s = g$lambda[l]) + 0.6 * predict(g, f$x, s = g$lambda[l], gamma = 0))
    },
    "screening off, two threads" = function(f, kind) {
      g <- pt_fit(f, kind)
      lambda <- pt_path(g)$lambda
      off <- pt_fit(f, kind, lambda = lambda, control = sparsepath.control(screen = FALSE))
      two <- pt_fit(f, kind, lambda = lambda, control = sparsepath.control(threads = 2))
      pt_near(pt_beta(g), pt_beta(off), 1e-6) && pt_near(pt_beta(g), pt_beta(two), 1e-12)
    }
  )
}

# the default measures of the families that prior_lasso() knows, by row
cv_loss <- function(f, mu, y) {
  mu <- matrix(mu, length(y))
  if (f$label == "gaussian") return((y - mu)^2)
  if (f$label == "poisson") return(2 * (y * log(pmax(y, 1) / mu) - y + mu))
  y <- as.integer(y) - 1
  mu <- pmin(pmax(mu, 1e-5), 1 - 1e-5)
  -2 * (y * log(mu) + (1 - y) * log(1 - mu))
}

# an array features x penalties x families: "yes", words, "no", or what is wrong
penalty_cells <- function(features = penalty_features(), kinds = penalty_kinds(), problems = penalty_problems()) {
  for (name in names(kinds)) kinds[[name]]$name <- name
  cell <- function(feature, kind, f) {
    value <- tryCatch(
      withCallingHandlers(feature(f, kind), warning = function(w) stop("warning: ", conditionMessage(w))),
      sparsepath_error = function(e) {
        refused <- inherits(e, paste0("sparsepath_error_", c("unavailable", "choice", "unknown_argument"))) ||
          kind$alpha == 0 && inherits(e, "sparsepath_error_range")
        if (!refused) return(paste("ERROR:", conditionMessage(e)))
        # it has to say what would work
        if (grepl("\n[i\u2139] ", conditionMessage(e))) "no" else paste("ERROR: no way out:", conditionMessage(e))
      },
      error = function(e) paste("ERROR:", conditionMessage(e))
    )
    if (isTRUE(value)) "yes" else if (is.character(value)) value else "WRONG"
  }
  array(
    unlist(lapply(problems, function(f) lapply(kinds, function(kind) lapply(features, cell, kind = kind, f = f)))),
    c(length(features), length(kinds), length(problems)), list(names(features), names(kinds), names(problems))
  )
}

broken_penalty_cells <- function(cells) {
  at <- which(array(grepl("^(ERROR|WRONG)", cells), dim(cells)), arr.ind = TRUE)
  if (!nrow(at)) return(character())
  names <- dimnames(cells)
  sprintf("%s, %s, %s: %s", names[[2]][at[, 2]], names[[3]][at[, 3]], names[[1]][at[, 1]], cells[at])
}

# one line for each penalty and one column for each feature would be too wide: features by penalties, families in the cells
penalty_table_lines <- function(cells) {
  cells[] <- sub("^(ERROR|WRONG).*", "no", cells)
  families <- dimnames(cells)[[3]]
  summary <- apply(cells, 1:2, function(v) {
    kinds <- unique(v)
    if (length(kinds) == 1L) return(kinds)
    if (setequal(kinds, c("yes", "no"))) {
      with <- families[v == "yes"]
      without <- families[v == "no"]
      return(if (length(with) <= length(without)) paste(with, collapse = ", ") else paste("all but", paste(without, collapse = ", ")))
    }
    main <- names(sort(table(v), decreasing = TRUE))[1]
    rest <- vapply(setdiff(kinds, main), function(k) sprintf("%s: %s", paste(families[v == k], collapse = ", "), k), "")
    paste(c(main, rest), collapse = "; ")
  })
  line <- function(x) paste0("| ", paste(x, collapse = " | "), " |")
  columns <- ifelse(grepl("(", colnames(summary), fixed = TRUE), paste0("`", colnames(summary), "`"), colnames(summary))
  c(line(c("", columns)), line(rep("---", ncol(summary) + 1L)), vapply(rownames(summary), function(r) line(c(r, summary[r, ])), "", USE.NAMES = FALSE))
}
