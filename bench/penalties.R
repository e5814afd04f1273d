# Group, sparse group, MCP and SCAD penalties against grpreg, sparsegl, gglasso and ncvreg: topic "penalties" of run.R, which
# has the clocks.
#
# Columns are standardized beforehand, so that no contestant's own standardization changes the problem. Groups are consecutive
# columns with weight sqrt(size). Accuracy is the largest violation of stationarity in units of lambda, of whole groups for
# penalties of groups, computed here from the coefficients, with the least squares loss RSS / (2 n).
# grpreg makes the columns of each group orthonormal, which is another problem: its answers are judged by that one, and its
# time compares, not its estimate.

TARGET_PENALTY <- 1e-6

# ---- data: list(name, x, y, group, penalty, ratio, tau) --------------------------------------------------------------------

penalty_set <- function(d, penalty, size = 10, tau = 0, ratio = 0.05) {
  p <- ncol(d$x) - if (penalty == "group") ncol(d$x) %% size else 0
  x <- d$x[, seq_len(p)]
  x <- x - rep(colMeans(x), each = nrow(x))
  d$x <- x / rep(sqrt(colMeans(x^2)), each = nrow(x))
  d$y <- d$y - mean(d$y)
  group <- (seq_len(p) - 1) %/% size + 1
  label <- switch(penalty, group = if (tau > 0) sprintf("sparse group (%g)", tau) else "group", toupper(penalty))
  if (penalty == "group") label <- sprintf("%s of %d", label, size)
  c(d[c("name", "x", "y")], list(penalty = penalty, label = label, group = group, tau = tau, ratio = ratio))
}

penalty_sets <- function(quick) {
  sets <- if (quick) list(quote(sim_iid(60, 300)), quote(real_set("colon", "gaussian"))) else
    list(quote(sim_iid(200, 10000)), quote(sim_ar(200, 10000, .95)), quote(real_set("colon", "gaussian")))
  kinds <- list(c(size = 3, tau = 0), c(size = 10, tau = 0), c(size = 10, tau = .05), c(size = 10, tau = .5), c(size = 10, tau = .95))
  unlist(lapply(sets, function(s) {
    c(
      lapply(kinds[if (quick) c(2, 4) else 1:5], function(k) substitute(penalty_set(s, "group", n, t), list(s = s, n = k[["size"]], t = k[["tau"]]))),
      lapply(c("mcp", "scad"), function(k) substitute(penalty_set(s, k), list(s = s, k = k)))
    )
  }))
}

# ---- the judge -----------------------------------------------------------------------------------------------------------

# smallest t with |S(c_g, t tau)| <= t (1 - tau) sqrt(p_g) for all g: the largest lambda
penalty_top <- function(d) {
  c <- abs(drop(crossprod(d$x, d$y))) / nrow(d$x)
  if (d$penalty != "group") return(max(c))
  v <- sqrt(tabulate(d$group))
  over <- function(t) max(sqrt(rowsum(pmax(c - t * d$tau, 0)^2, d$group)) - t * (1 - d$tau) * v)
  high <- max(c, sqrt(rowsum(c^2, d$group)) / v) / max(d$tau, 1 - d$tau)
  stats::uniroot(over, c(0, high), tol = 1e-14 * high)$root
}

penalty_slope <- function(b, lambda, kind) {
  if (kind == "mcp") pmax(lambda - b / 3, 0) else ifelse(b <= lambda, lambda, pmax(3.7 * lambda - b, 0) / 2.7)
}

penalty_kkt <- function(d, lambda, beta) {
  beta <- as.matrix(beta)
  residual <- d$y - d$x %*% beta
  residual <- residual - rep(colMeans(residual), each = nrow(residual))
  c <- crossprod(d$x, residual) / nrow(d$x)
  vapply(seq_along(lambda), function(l) {
    b <- beta[, l]
    z <- c[, l]
    on <- b != 0
    if (d$penalty != "group") {
      return(max(abs(z - sign(b) * penalty_slope(abs(b), lambda[l], d$penalty))[on], abs(z[!on]) - lambda[l], 0) / lambda[l])
    }
    v <- sqrt(tabulate(d$group))
    h <- sqrt(drop(rowsum(b^2, d$group)))[d$group]
    # in groups that are in: the gradient, what is left of it at zeros; in others: the distance of the group from its ball
    inside <- z - lambda[l] * (1 - d$tau) * v[d$group] * b / pmax(h, 1e-300)
    inside <- ifelse(on, inside - lambda[l] * d$tau * sign(b), sign(inside) * pmax(abs(inside) - lambda[l] * d$tau, 0))
    outside <- sqrt(drop(rowsum(pmax(abs(z) - lambda[l] * d$tau, 0)^2, d$group))) - lambda[l] * (1 - d$tau) * v
    active <- drop(rowsum(b^2, d$group)) > 0
    max(sqrt(drop(rowsum(inside^2, d$group)))[active], outside[!active], 0) / lambda[l]
  }, 0)
}

# ---- contestants: takes (which problems), default, ladder, fit(d, lambda, setting), beta(fit) ------------------------------------------

penalty_contestants <- list(
  sparsepath = list(
    takes = function(d) TRUE, default = NA, ladder = NULL, judged = TRUE,
    fit = function(d, lambda, setting) {
      penalty <- if (d$penalty == "mcp") sparsepath::pen_mcp() else if (d$penalty == "scad") sparsepath::pen_scad() else
        if (d$tau > 0) sparsepath::pen_sparse_group(d$group, asparse = d$tau) else sparsepath::pen_group(d$group)
      sparsepath::sparsepath(d$x, d$y, penalty = penalty, lambda = lambda)
    },
    beta = function(fit) fit$beta
  ),
  ncvreg = list(
    takes = function(d) d$penalty != "group", default = 1e-4, ladder = powers(-6, -10, -2), judged = TRUE,
    fit = function(d, lambda, setting) {
      ncvreg::ncvreg(d$x, d$y, penalty = toupper(d$penalty), lambda = lambda, eps = setting, max.iter = if (setting == 1e-4) 10000 else 1e7, returnX = FALSE)
    },
    beta = function(fit) fit$beta[-1, , drop = FALSE]
  ),
  grpreg = list(
    takes = function(d) d$penalty == "group" && d$tau == 0, default = 1e-4, ladder = powers(-7, -11, -2), judged = FALSE,
    fit = function(d, lambda, setting) grpreg::grpreg(d$x, d$y, d$group, penalty = "grLasso", lambda = lambda, eps = setting, max.iter = 1e7),
    beta = function(fit) fit$beta[-1, , drop = FALSE]
  ),
  sparsegl = list(
    takes = function(d) d$penalty == "group", default = 1e-8, ladder = powers(-10, -14, -2), judged = TRUE,
    fit = function(d, lambda, setting) {
      sparsegl::sparsegl(d$x, d$y, d$group, asparse = d$tau, lambda = lambda, eps = setting, maxit = if (setting == 1e-8) 3e6 else 1e9, standardize = FALSE)
    },
    beta = function(fit) fit$beta
  ),
  gglasso = list(
    takes = function(d) d$penalty == "group" && d$tau == 0, default = 1e-8, ladder = powers(-10, -14, -2), judged = TRUE,
    fit = function(d, lambda, setting) gglasso::gglasso(d$x, d$y, d$group, loss = "ls", lambda = lambda, eps = setting, maxit = if (setting == 1e-8) 3e8 else 1e9),
    beta = function(fit) fit$beta
  )
)

penalty_trial <- function(name, d, lambda, setting) {
  who <- penalty_contestants[[name]]
  capped(function() {
    t <- suppressWarnings(clock(function() who$fit(d, lambda, setting)))
    beta <- who$beta(t$value)
    got <- seq_len(ncol(beta))
    list(seconds = t[[CLOCK]], kkt = if (who$judged) max(penalty_kkt(d, lambda[got], beta)) else NA_real_, lambdas = length(got))
  }, CAP)
}

bench_penalty <- function(d, versions) {
  lambda <- penalty_top(d) * d$ratio^seq(0, 1, length.out = 100)
  say("penalties: %s, %s", d$name, d$label)
  row <- function(name, role, setting, t, note = "") {
    ok <- is.list(t)
    data.frame(
      topic = "penalties", data = d$name, n = nrow(d$x), p = ncol(d$x), family = "gaussian", penalty = d$label, ratio = d$ratio, contestant = name,
      version = versions[[name]], role = role, setting = setting, seconds = if (ok) t$seconds else NA_real_, fastest = NA_real_, slowest = NA_real_,
      runs = 0L, other_clock = NA_real_, kkt = if (ok) t$kkt else NA_real_, lambdas = if (ok) t$lambdas else NA_integer_,
      note = if (is.null(t)) sprintf("more than %.0f s", CAP) else if (!ok) paste("error:", substr(gsub("[\r\n,|\"]+", " ", t), 1, 80)) else
        if (t$lambdas < 100) sprintf("%d of 100 lambdas", t$lambdas) else note, stringsAsFactors = FALSE
    )
  }
  rows <- NULL
  for (name in names(versions)) {
    who <- penalty_contestants[[name]]
    if (!who$takes(d)) next
    note <- if (who$judged) "" else "another problem: orthonormal groups"
    first <- penalty_trial(name, d, lambda, who$default)
    rows <- rbind(rows, row(name, "default", who$default, first, note))
    done <- !is.list(first)
    for (s in who$ladder) {
      if (done) break
      t <- penalty_trial(name, d, lambda, s)
      done <- !is.list(t) || (!who$judged && s == min(who$ladder)) || isTRUE(t$kkt <= TARGET_PENALTY)
      if (done || s == min(who$ladder)) {
        missed <- is.list(t) && !isTRUE(t$kkt <= TARGET_PENALTY) && who$judged
        rows <- rbind(rows, row(name, "tight", s, t, if (missed) sprintf("%.0e not reached", TARGET_PENALTY) else note))
      }
    }
  }
  go <- which(!is.na(rows$seconds))
  id <- paste(rows$contestant, rows$role)
  calls <- lapply(stats::setNames(go, id[go]), function(i) {
    force(i)
    function() suppressWarnings(penalty_contestants[[rows$contestant[i]]]$fit(d, lambda, rows$setting[i]))
  })
  log <- interleave(calls, stats::setNames(rows$seconds[go], id[go]))
  for (i in go) rows[i, c("seconds", "fastest", "slowest", "runs", "other_clock")] <- summarize(log[[id[i]]])
  say("  %s", paste(sprintf("%s %s (kkt %s)", id[go], sec(rows$seconds[go]), small(rows$kkt[go])), collapse = ", "))
  rows
}

topic_penalties <- function() {
  versions <- Filter(Negate(is.null), lapply(stats::setNames(nm = names(penalty_contestants)), package_version))
  missing <- setdiff(names(penalty_contestants), names(versions))
  if (length(missing)) message("  not installed, left out: ", paste(missing, collapse = ", "))
  rows <- NULL
  for (m in penalty_sets(QUICK)) {
    d <- eval(m)
    if (is.null(d) || !wanted(paste(d$name, d$label))) next
    rows <- rbind(rows, bench_penalty(d, versions))
    rm(d)
    gc()
  }
  if (is.null(rows)) return(NULL)
  key <- paste(rows$data, rows$penalty)
  ours <- rows$seconds[rows$contestant == "sparsepath"][match(key, key[rows$contestant == "sparsepath"])]
  peer <- rows$contestant != "sparsepath"
  list(rows = rows, md = c(
    "Floors: group lasso 1x the best default of the peers (geometric mean 1.5x), 5x grpreg tight, 2.5x sparsegl's default on real data; sparse group 1, 1.5, 4x sparsegl's default",
    sprintf("for tau .05, .5, .95; MCP and SCAD 3x ncvreg's default, 6x its tight setting (the loosest with kkt <= %.0e, or its last). 100 lambdas down to 5 %%.", TARGET_PENALTY),
    if (length(missing)) sprintf("Not installed, left out: %s.", paste(missing, collapse = ", ")), "",
    "| data | penalty | contestant | setting | time | kkt | ratio to ours | remark |", "|---|---|---|---|---|---|---|---|",
    sprintf("| %s | %s | %s %s %s | %s | %s | %s | %s | %s |", rows$data, rows$penalty, rows$contestant, rows$version, rows$role, ifelse(is.na(rows$setting), "", sprintf("%.0e", rows$setting)),
      sec(rows$seconds), small(rows$kkt), ifelse(peer, paste0("**", times(rows$seconds / ours), "**"), ""), rows$note)
  ))
}
