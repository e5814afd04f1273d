# The families beyond least squares and logistic regression, against glmnet: topic "families" of run.R, which has the clocks.
#
# Accuracy is the violation of the optimality conditions over all columns and intercepts, in units of lambda, from the
# coefficients as they are returned. It is computed here, in plain R, and belongs to no contestant.

TARGET_KKT <- 1e-4

# ---- data: list(name, x, y, family, args (for both), ratio, K, rows (norm penalty), theirs (y for glmnet)) --------------------

sim_family <- function(family, n, p, rho = 0, k = 20, ratio = 0.01, K = 1, grouped = FALSE, strata = 0, seed = 1) {
  d <- if (rho > 0) sim_ar(n, p, rho, k, seed = seed) else sim_iid(n, p, k, seed = seed)
  set.seed(seed + 1)
  support <- unique(round(seq(1, p, length.out = k)))
  signal <- function() {
    eta <- drop(d$x[, support] %*% sample(c(-1, 1), k, TRUE))
    (eta - mean(eta)) / stats::sd(eta)
  }
  eta <- signal()
  d$family <- d$label <- family
  d$theirs <- d$y <- switch(family,
    poisson = stats::rpois(n, exp(eta / 2 + 1)),
    gamma = stats::rgamma(n, 2, 2 * exp(-eta / 2)),
    cox = cbind(time = stats::rexp(n, exp(eta)), status = stats::rbinom(n, 1, 0.7)),
    multinomial = {
      scores <- 2 * vapply(seq_len(K), function(k) signal(), double(n)) - log(-log(matrix(stats::runif(n * K), n)))
      factor(max.col(scores), levels = seq_len(K))
    },
    mgaussian = vapply(seq_len(K), function(k) signal() + stats::rnorm(n), double(n))
  )
  if (family == "gamma") {
    d$family <- stats::Gamma(link = "log")
    d$label <- "Gamma(log)"
  }
  d <- c(d, list(ratio = ratio, K = K, rows = family == "mgaussian" || grouped))
  if (family == "cox") {
    d$args <- list(cox.ties = "breslow")
    d$survival <- list(y = d$y, strata = if (strata) rep_len(seq_len(strata), n) else rep(1, n))
    if (strata) {
      d$label <- sprintf("cox, %d strata", strata)
      d$y <- sparsepath::stratify(d$y, d$survival$strata)
      d$theirs <- glmnet::stratifySurv(survival::Surv(d$survival$y[, 1], d$survival$y[, 2]), d$survival$strata)
    }
  }
  if (family == "multinomial") d <- multinomial_args(d, grouped)
  d
}

multinomial_args <- function(d, grouped) {
  d$label <- if (grouped) "multinomial, grouped" else "multinomial"
  d$args <- list(type.multinomial = if (grouped) "grouped" else "ungrouped")
  d
}

# khan: 63 x 2308, 4 classes (Khan et al. 2001); lymphoma: 62 x 4026, 3 classes (Alizadeh et al. 2000)
real_classes <- function(name, grouped = FALSE) {
  env <- if (name == "khan") package_data("sda", "khan2001.rda") else package_data("spls", "lymphoma.RData")
  if (is.null(env)) {
    message("data set ", name, " skipped: not cached, and it could not be downloaded")
    return(NULL)
  }
  e <- if (name == "khan") env$khan2001 else env$lymphoma
  x <- unname(as.matrix(e$x))
  y <- factor(e$y)
  keep <- y %in% levels(y)[table(y) >= 5]
  x <- x[keep, ]
  y <- droplevels(y[keep])
  storage.mode(x) <- "double"
  d <- list(name = name, x = x, y = y, theirs = y, family = "multinomial", ratio = 0.01, K = nlevels(y), rows = grouped)
  multinomial_args(d, grouped)
}

family_sets <- function(quick) {
  if (quick) {
    return(list(
      quote(sim_family("poisson", 60, 300)), quote(sim_family("gamma", 60, 300, ratio = 0.1)), quote(sim_family("cox", 60, 300, ratio = 0.05)),
      quote(sim_family("cox", 80, 200, ratio = 0.05, strata = 4)), quote(sim_family("multinomial", 90, 200, K = 3, ratio = 0.05)),
      quote(sim_family("multinomial", 90, 200, K = 3, ratio = 0.1, grouped = TRUE)), quote(sim_family("mgaussian", 60, 300, K = 3, ratio = 0.1))
    ))
  }
  list(
    quote(sim_family("poisson", 200, 10000)), quote(sim_family("poisson", 200, 10000, ratio = 0.05)), quote(sim_family("gamma", 200, 10000, ratio = 0.05)),
    quote(sim_family("cox", 200, 20000)), quote(sim_family("cox", 500, 5000, rho = 0.8)), quote(sim_family("cox", 200, 20000, strata = 4)),
    quote(real_classes("khan")), quote(real_classes("lymphoma")), quote(sim_family("multinomial", 300, 3000, K = 4, ratio = 0.02)),
    quote(real_classes("khan", TRUE)), quote(real_classes("lymphoma", TRUE)), quote(sim_family("multinomial", 300, 3000, K = 4, ratio = 0.05, grouped = TRUE)),
    quote(sim_family("mgaussian", 150, 5000, K = 5, ratio = 0.05)), quote(sim_family("mgaussian", 150, 5000, K = 5, ratio = 0.17))
  )
}

# ---- the judge --------------------------------------------------------------------------------------------------------

# residuals of the mean loss: minus its derivative in eta, times n; eta and result are n x K
family_residual <- function(d) {
  switch(sub(",.*", "", d$label),
    poisson = function(eta) d$y - exp(eta),
    `Gamma(log)` = function(eta) d$y * exp(-eta) - 1,
    mgaussian = function(eta) d$y - eta,
    multinomial = {
      Y <- outer(as.integer(d$y), seq_len(d$K), "==") + 0
      function(eta) {
        e <- exp(eta - apply(eta, 1, max))
        Y - e / rowSums(e)
      }
    },
    cox = {
      time <- d$survival$y[, 1]
      status <- d$survival$y[, 2]
      parts <- split(seq_along(time), d$survival$strata)
      function(eta) { # martingale residuals, Breslow
        r <- eta
        for (i in parts) {
          o <- i[order(-time[i])]
          e <- exp(eta[o] - max(eta[o]))
          at_risk <- cumsum(e)[cumsum(rle(time[o])$lengths)] # by distinct time, decreasing
          group <- match(time[o], unique(time[o]))
          deaths <- as.vector(rowsum(status[o], group))
          hazard <- rev(cumsum(rev(deaths / at_risk)))
          r[o] <- status[o] - e * hazard[group]
        }
        r
      }
    }
  )
}

family_judge <- function(d) {
  n <- nrow(d$x)
  mom <- judge_moments(d$x)
  inv <- ifelse(mom$sd > 1e-14 * pmax(1, abs(mom$mean)), 1 / mom$sd, 0)
  residual <- family_residual(d)
  gradient <- function(r) (as.matrix(Matrix::crossprod(d$x, r)) / n - outer(mom$mean, colMeans(r))) * inv
  size <- function(c) if (d$rows) sqrt(rowSums(c^2)) else c
  at <- function(fit) {
    beta <- if (is.list(fit$beta)) fit$beta else list(fit$beta)
    a0 <- if (is.null(fit$a0)) matrix(0, 1, length(fit$lambda)) else matrix(fit$a0, length(beta))
    vapply(seq_along(fit$lambda), function(l) {
      b <- matrix(vapply(beta, function(m) m[, l], double(ncol(d$x))), ncol(d$x))
      used <- which(rowSums(b != 0) > 0)
      eta <- rep(a0[, l], each = n) + d$x[, used, drop = FALSE] %*% b[used, , drop = FALSE]
      r <- residual(eta)
      c <- gradient(r)
      b <- b / ifelse(inv > 0, inv, 1)
      lambda <- fit$lambda[l]
      direction <- if (d$rows) b / pmax(sqrt(rowSums(b^2)), 1e-300) else sign(b)
      on <- if (d$rows) rowSums(b != 0) > 0 else b != 0
      miss <- abs(size(c - lambda * direction))[on]
      max(miss, abs(size(c))[!on] - lambda, if (!is.null(fit$a0)) abs(colMeans(r)), 0) / lambda
    }, 0)
  }
  # the null model: intercepts at the observed means, or eta = 0 for Cox
  null <- switch(sub(",.*", "", d$label),
    poisson = , `Gamma(log)` = log(mean(d$y)), mgaussian = colMeans(d$y), multinomial = log(as.vector(table(d$y)) / n), 0
  )
  top <- max(abs(size(gradient(residual(matrix(rep(null, each = n), n))))))
  list(at = at, grid = function(count) top * d$ratio^seq(0, 1, length.out = count))
}

# ---- contestants ------------------------------------------------------------------------------------------------------------

family_calls <- list(
  sparsepath = function(d, lambda, setting) do.call(sparsepath::sparsepath, c(list(quote(d$x), quote(d$y), family = d$family, lambda = lambda), d$args)),
  glmnet = function(d, lambda, setting) {
    # family objects have an outer loop with a tolerance of its own
    control <- if (is.na(setting) || setting == 1e-7) list() else list(control = c(list(thresh = setting, maxit = 1e8), if (inherits(d$family, "family")) list(epsnr = setting, mxitnr = 1000)))
    do.call(glmnet::glmnet, c(list(quote(d$x), quote(d$theirs), family = d$family, lambda = lambda), d$args, control))
  },
  sparsepath_cv = function(d, lambda, fold) do.call(sparsepath::cv.sparsepath, c(list(quote(d$x), quote(d$y), family = d$family, lambda = lambda, foldid = fold), d$args)),
  glmnet_cv = function(d, lambda, fold) do.call(glmnet::cv.glmnet, c(list(quote(d$x), quote(d$theirs), family = d$family, lambda = lambda, foldid = fold), d$args))
)

# does the installed package have this family?
family_exists <- function(d) {
  i <- seq_len(min(60, nrow(d$x)))
  small <- d
  small$x <- d$x[i, 1:5]
  small$y <- if (inherits(d$y, "stratified")) d$y[i] else if (is.matrix(d$y)) d$y[i, ] else d$y[i]
  if (is.factor(small$y)) small$y <- droplevels(small$y)
  got <- tryCatch(suppressWarnings(family_calls$sparsepath(small, 1e-2, NA)), error = conditionMessage)
  if (is.character(got)) message("  skipped, not in the installed package: ", d$label, " (", gsub("\n.*", "", got), ")")
  !is.character(got)
}

family_trial <- function(name, d, lambda, setting, judge) {
  capped(function() {
    t <- suppressWarnings(clock(function() family_calls[[name]](d, lambda, setting)))
    list(seconds = t[[CLOCK]], kkt = max(judge$at(t$value)), lambdas = length(t$value$lambda))
  }, CAP)
}

bench_family <- function(d) {
  judge <- family_judge(d)
  lambda <- judge$grid(100)
  say("families: %s, %s, ratio %g", d$name, d$label, d$ratio)
  row <- function(contestant, role, setting, t, note = "") {
    ok <- is.list(t)
    data.frame(
      topic = "families", data = d$name, n = nrow(d$x), p = ncol(d$x), family = d$label, ratio = d$ratio, contestant = contestant,
      version = ALL[[contestant]]$version, role = role, setting = setting, seconds = if (ok) t$seconds else NA_real_, fastest = NA_real_,
      slowest = NA_real_, runs = 0L, other_clock = NA_real_, kkt = if (ok) t$kkt else NA_real_, lambdas = if (ok) t$lambdas else NA_integer_,
      note = if (is.null(t)) sprintf("more than %.0f s", CAP) else if (!ok) paste("error:", substr(gsub("[\r\n,|\"]+", " ", t), 1, 80)) else note, stringsAsFactors = FALSE
    )
  }
  rows <- row("sparsepath", "default", 1e-7, family_trial("sparsepath", d, lambda, NA, judge))
  if ("glmnet" %in% PEERS) {
    rows <- rbind(rows, row("glmnet", "default", 1e-7, family_trial("glmnet", d, lambda, 1e-7, judge)))
    for (s in if (is.na(rows$seconds[2])) numeric() else powers(-10, -18, -2)) {
      t <- family_trial("glmnet", d, lambda, s, judge)
      done <- !is.list(t) || t$kkt <= TARGET_KKT
      if (done) break
    }
    if (!is.na(rows$seconds[2])) rows <- rbind(rows, row("glmnet", "tight", s, t, if (is.list(t) && !done) sprintf("best of the ladder; %.0e not reached", TARGET_KKT) else ""))
  }
  go <- which(!is.na(rows$seconds))
  id <- paste(rows$contestant, rows$role)
  calls <- lapply(stats::setNames(go, id[go]), function(i) {
    force(i)
    function() suppressWarnings(family_calls[[rows$contestant[i]]](d, lambda, rows$setting[i]))
  })
  log <- interleave(calls, stats::setNames(rows$seconds[go], id[go]))
  for (i in go) rows[i, c("seconds", "fastest", "slowest", "runs", "other_clock")] <- summarize(log[[id[i]]])
  say("  %s", paste(sprintf("%s %s (kkt %.0e)", id[go], sec(rows$seconds[go]), rows$kkt[go]), collapse = ", "))
  rows
}

bench_family_cv <- function(d) {
  lambda <- family_judge(d)$grid(100)
  set.seed(42)
  classes <- if (is.factor(d$y)) d$y else rep(1, nrow(d$x))
  fold <- integer(nrow(d$x))
  fold[order(classes, stats::runif(nrow(d$x)))] <- rep_len(1:10, nrow(d$x))
  run <- function(name) capped(function() {
    t <- suppressWarnings(clock(function() family_calls[[name]](d, lambda, fold)))
    list(seconds = t[[CLOCK]], cvm = t$value$cvm)
  }, CAP)
  ours <- run("sparsepath_cv")
  theirs <- if ("glmnet" %in% PEERS) run("glmnet_cv")
  # one run decides which call can be repeated in this process
  calls <- list(ours = function() suppressWarnings(family_calls$sparsepath_cv(d, lambda, fold)), glmnet = function() suppressWarnings(family_calls$glmnet_cv(d, lambda, fold)))
  calls <- calls[c(is.list(ours), is.list(theirs))]
  first <- c(ours = if (is.list(ours)) ours$seconds, glmnet = if (is.list(theirs)) theirs$seconds)
  log <- interleave(calls, first)
  t <- vapply(log, function(l) stats::median(l[[CLOCK]]), 0)
  get <- function(n) if (n %in% names(t)) t[[n]] else NA_real_
  k <- if (is.list(ours) && is.list(theirs)) seq_len(min(length(ours$cvm), length(theirs$cvm)))
  off <- if (length(k)) max(abs(theirs$cvm[k] / ours$cvm[k] - 1)) else NA_real_
  say("  CV: ours %s, glmnet %s, curves differ by %.0e", sec(get("ours")), sec(get("glmnet")), off)
  data.frame(topic = "families", data = d$name, n = nrow(d$x), p = ncol(d$x), family = d$label, ratio = d$ratio, role = "cv", cv = get("ours"), glmnet_cv = get("glmnet"),
    curve_default = off, note = if (is.character(ours)) ours else if (is.character(theirs)) theirs else if (is.null(theirs)) sprintf("glmnet: none, or more than %.0f s", CAP) else "", stringsAsFactors = FALSE)
}

topic_families <- function() {
  rows <- cv <- NULL
  for (m in family_sets(QUICK)) {
    d <- eval(m)
    if (is.null(d) || !wanted(paste(d$name, d$label)) || !family_exists(d)) next
    first <- !d$label %in% rows$family
    rows <- rbind(rows, bench_family(d))
    if (first) cv <- rbind(cv, bench_family_cv(d))
    rm(d)
    gc()
  }
  if (is.null(rows)) return(NULL)
  pick <- function(key, contestant, role, column) {
    v <- rows[rows$contestant == contestant & rows$role == role & paste(rows$data, rows$family, rows$ratio) == key, column]
    if (length(v)) v[1] else NA
  }
  keys <- unique(paste(rows$data, rows$family, rows$ratio))
  r <- do.call(rbind, lapply(keys, function(key) {
    i <- match(key, paste(rows$data, rows$family, rows$ratio))
    data.frame(
      set = sprintf("%s, %s, to %s", rows$family[i], rows$data[i], format(rows$ratio[i])), ours = pick(key, "sparsepath", "default", "seconds"),
      kkt = pick(key, "sparsepath", "default", "kkt"), default = pick(key, "glmnet", "default", "seconds"), default_kkt = pick(key, "glmnet", "default", "kkt"),
      tight = pick(key, "glmnet", "tight", "seconds"), setting = pick(key, "glmnet", "tight", "setting"), tight_kkt = pick(key, "glmnet", "tight", "kkt")
    )
  }))
  all <- merge(rows, cv, all = TRUE, sort = FALSE)
  list(rows = all, md = c(
    sprintf("100 lambdas from the largest down to the fraction given. kkt: largest violation of the optimality conditions over all columns, lambdas and intercepts, in units of lambda. Tight: the loosest `thresh` of glmnet with kkt <= %.0e, or its best.", TARGET_KKT), "",
    "| family, data | sparsepath | its kkt | glmnet default | its kkt | ratio | glmnet tight | its kkt | ratio |", "|---|---|---|---|---|---|---|---|---|",
    sprintf("| %s | %s | %s | %s | %s | **%s** | %s (%s) | %s | **%s** |", r$set, sec(r$ours), small(r$kkt), sec(r$default), small(r$default_kkt), times(r$default / r$ours),
      sec(r$tight), small(r$setting), small(r$tight_kkt), times(r$tight / r$ours)),
    "", "10-fold cross-validation with the full fit, the same folds and lambdas; cv.glmnet at its default:", "",
    "| family, data | cv.sparsepath | cv.glmnet | ratio | curves differ by | remark |", "|---|---|---|---|---|---|",
    sprintf("| %s, %s | %s | %s | **%s** | %s | %s |", cv$family, cv$data, sec(cv$cv), sec(cv$glmnet_cv), times(cv$glmnet_cv / cv$cv), small(cv$curve_default), gsub("[\r\n|]+", " ", cv$note))
  ))
}
