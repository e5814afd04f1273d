# Penalties against their peers: topic "penalties" of run.R, which has the clocks.
#
#   group lasso, sparse group lasso     sparsegl, gglasso, grpreg, adelie
#   MCP and SCAD, gaussian, binomial    ncvreg
#   group MCP and SCAD, both            grpreg, on orthonormal groups
#   fused lasso of a signal             genlasso
#   exact lasso path                    lars
#
# Columns are standardized beforehand (mean 0, mean square 1), so that no contestant's own standardization changes the problem.
# Groups are consecutive columns with weight sqrt(size). The common objective is
#   RSS / (2 n) + lambda sum_g sqrt(p_g) (1 - tau) |b_g| + lambda tau sum_j |b_j|        (groups)
#   loss + sum_j p(h |b_j|) / h, h the curvature of the loss at the null model           (MCP, SCAD)
#   loss + sum_g p(h |b_g|; lambda sqrt(p_g)) / h, h = 1 or, logistic, grpreg's 1/4      (group MCP, group SCAD)
# Scaling of each contestant: sparsepath, gglasso and adelie as above, with the same lambda; sparsegl as above, its L1 factors are 1;
# grpreg as above after it has made the columns of each group orthonormal, which is another problem unless they are: "orthonormal"
# sets have each group replaced by an orthonormal basis, and there all solve the same; ncvreg as above for least squares, while for
# logistic loss its penalty has the curvature of the present iterate, p'(v_j |b_j|), so that its answers are judged by that equation;
# genlasso RSS / 2 + lambda sum |b_i+1 - b_i|, the same as fused_lasso(); lars scales columns to length 1, its lambda is sqrt(n) times ours.
#
# Accuracy beside each time: kkt, the largest violation of stationarity in units of lambda (of whole groups for penalties of groups);
# gap, the largest duality gap relative to the null model, where the problem is convex. Both from the coefficients alone, below.

TIGHT_PENALTY <- c(sparsegl = 1e-12, gglasso = 1e-12, grpreg = 1e-9, adelie = 1e-14, ncvreg = 1e-9)

# ---- data: list(name, x, y, family, penalty, label, group, tau, ratio) --------------------------------------------------------

sim_groups <- function(n, p, size, rho = .8, seed = 1) {
  set.seed(seed)
  common <- matrix(stats::rnorm(n * (p %/% size)), n)[, rep(seq_len(p %/% size), each = size)]
  x <- sqrt(rho) * common + sqrt(1 - rho) * matrix(stats::rnorm(length(common)), n)
  respond(sprintf("groups(%g) %d x %d", rho, n, p), x, 20, 3, "gaussian")
}

of_groups <- function(penalty) startsWith(penalty, "group")

penalty_set <- function(d, penalty, size = 1, tau = 0, ratio = 0.05, orthonormal = FALSE) {
  n <- nrow(d$x)
  p <- ncol(d$x) - ncol(d$x) %% size
  x <- d$x[, seq_len(p)]
  x <- x - rep(colMeans(x), each = n)
  x <- x / rep(sqrt(colMeans(x^2)), each = n)
  if (orthonormal) {
    for (g in seq_len(p / size)) {
      j <- seq_len(size) + (g - 1) * size
      x[, j] <- svd(x[, j], nv = 0)$u * sqrt(n)
    }
  }
  if (d$family == "gaussian") d$y <- d$y - mean(d$y)
  label <- if (!of_groups(penalty)) toupper(penalty) else if (penalty != "group") {
    sprintf("group %s of %d%s", toupper(sub("group_", "", penalty)), size, if (orthonormal) ", orthonormal" else "")
  } else {
    sprintf("%sgroup of %d%s", if (tau > 0) "sparse " else "", size, if (tau > 0) sprintf(", tau %g", tau) else if (orthonormal) ", orthonormal" else "")
  }
  list(name = d$name, x = x, y = d$y, family = d$family, penalty = penalty, label = label, group = (seq_len(p) - 1) %/% size + 1,
    tau = tau, ratio = ratio, orthonormal = orthonormal)
}

penalty_sets <- function(quick) {
  one <- function(s, penalty, ...) as.call(c(list(quote(penalty_set), s, penalty), list(...)))
  if (quick) {
    iid <- quote(sim_iid(60, 300))
    return(list(
      one(iid, "group", size = 3), one(iid, "group", size = 3, orthonormal = TRUE), one(quote(real_set("colon", "gaussian")), "group", size = 10),
      one(iid, "group", size = 10, tau = .5), one(iid, "mcp"), one(iid, "group_scad", size = 3, orthonormal = TRUE), one(quote(real_set("colon", "gaussian")), "scad"), one(quote(real_set("colon")), "mcp", ratio = .2)
    ))
  }
  iid <- quote(sim_iid(200, 10000))
  ar <- quote(sim_ar(200, 10000, .95))
  real <- list(quote(real_set("colon", "gaussian")), quote(real_set("leukemia", "gaussian")), quote(real_set("prostate", "gaussian")))
  logistic <- list(quote(sim_iid(200, 10000, family = "binomial")), quote(sim_ar(200, 10000, .95, family = "binomial")), quote(real_set("leukemia")))
  c(
    list(one(iid, "group", size = 3), one(quote(sim_groups(200, 9999, 3)), "group", size = 3), one(iid, "group", size = 10),
      one(quote(sim_groups(200, 10000, 10)), "group", size = 10), one(ar, "group", size = 10), one(iid, "group", size = 50),
      one(quote(sim_groups(200, 10000, 50)), "group", size = 50)),
    lapply(list(list(iid, 3), list(iid, 10), list(quote(sim_groups(200, 10000, 10)), 10), list(ar, 10)),
      function(s) one(s[[1]], "group", size = s[[2]], orthonormal = TRUE)),
    lapply(real, one, penalty = "group", size = 10),
    list(one(quote(sim_groups(1000, 5000, 10)), "group", size = 10), one(quote(sim_iid(1000, 5000)), "group", size = 10)),
    unlist(lapply(c(iid, quote(sim_groups(200, 10000, 10)), real[2:3]), function(s) lapply(c(.05, .5, .95), function(t) one(s, "group", size = 10, tau = t)))),
    unlist(lapply(c("mcp", "scad"), function(k) lapply(c(iid, ar, real[2:3]), one, penalty = k))),
    unlist(lapply(c("mcp", "scad"), function(k) lapply(logistic, one, penalty = k))),
    unlist(lapply(c("group_mcp", "group_scad"), function(k) {
      c(lapply(list(quote(sim_iid(200, 2000)), iid, quote(sim_groups(200, 10000, 5)), real[[3]], quote(sim_iid(1000, 500))), one, penalty = k, size = 5, orthonormal = TRUE),
        lapply(logistic, one, penalty = k, size = 5, orthonormal = TRUE, ratio = .5)) # grpreg ends where a fit saturates
    }))
  )
}

# ---- the judge -----------------------------------------------------------------------------------------------------------

penalty_link <- function(d, eta) if (d$family == "binomial") stats::plogis(eta) else eta

penalty_curvature <- function(d) {
  if (d$family != "binomial") return(1)
  if (of_groups(d$penalty)) 0.25 else mean(d$y) * (1 - mean(d$y)) # grpreg majorizes by 1/4, and its penalty is in that unit
}

# smallest t with |S(c_g, t tau)| <= t (1 - tau) sqrt(p_g) for all g: the largest lambda
penalty_top <- function(d) {
  c <- abs(drop(crossprod(d$x, d$y - mean(d$y)))) / nrow(d$x)
  if (!of_groups(d$penalty)) return(max(c))
  v <- sqrt(tabulate(d$group))
  over <- function(t) max(sqrt(rowsum(pmax(c - t * d$tau, 0)^2, d$group)) - t * (1 - d$tau) * v)
  high <- max(c, sqrt(rowsum(c^2, d$group)) / v) / max(d$tau, 1 - d$tau)
  stats::uniroot(over, c(0, high), tol = 1e-14 * high)$root
}

penalty_slope <- function(b, lambda, kind) {
  if (kind == "group_scad") return(ifelse(b <= lambda, lambda, pmax(4 * lambda - b, 0) / 3))
  if (kind != "scad") pmax(lambda - b / 3, 0) else ifelse(b <= lambda, lambda, pmax(3.7 * lambda - b, 0) / 2.7)
}

penalty_value <- function(b, lambda, kind) {
  if (kind == "group_scad") return(ifelse(b <= lambda, lambda * b, ifelse(b <= 4 * lambda, (8 * lambda * b - b^2 - lambda^2) / 6, lambda^2 * 5 / 2)))
  if (kind != "scad") return(ifelse(b <= 3 * lambda, lambda * b - b^2 / 6, 1.5 * lambda^2))
  ifelse(b <= lambda, lambda * b, ifelse(b <= 3.7 * lambda, (2 * 3.7 * lambda * b - b^2 - lambda^2) / 5.4, lambda^2 * 4.7 / 2))
}

# kkt, relative gap (convex problems) and objective at each lambda. own: ncvreg's equation for logistic loss.
penalty_judge <- function(d, lambda, beta, a0 = NULL, own = FALSE) {
  beta <- as.matrix(beta)
  n <- nrow(d$x)
  eta <- d$x %*% beta
  eta <- if (is.null(a0)) eta + rep(mean(d$y) - colMeans(eta), each = n) else eta + rep(a0, each = n)
  mu <- penalty_link(d, eta)
  r <- d$y - mu
  z <- crossprod(d$x, r) / n
  score <- abs(colMeans(r))
  loss <- if (d$family == "binomial") colMeans(pmax(eta, 0) + log1p(exp(-abs(eta))) - d$y * eta) else colMeans(r^2) / 2
  if (d$penalty %in% c("group_mcp", "group_scad")) {
    h <- penalty_curvature(d)
    v <- sqrt(tabulate(d$group))
    at <- vapply(seq_along(lambda), function(l) {
      b <- beta[, l]
      size <- sqrt(drop(rowsum(b^2, d$group)))
      slope <- penalty_slope(h * size, lambda[l] * v, d$penalty)
      off <- sqrt(drop(rowsum((z[, l] - ifelse(size > 0, slope / size, 0)[d$group] * b)^2, d$group)))
      c(max(ifelse(size > 0, off, pmax(off - slope, 0)), score[l]) / lambda[l], loss[l] + sum(penalty_value(h * size, lambda[l] * v, d$penalty)) / h)
    }, double(2))
    return(list(kkt = at[1, ], gap = rep(NA_real_, length(lambda)), objective = at[2, ]))
  }
  if (d$penalty != "group") {
    h <- penalty_curvature(d)
    at <- vapply(seq_along(lambda), function(l) {
      b <- beta[, l]
      on <- b != 0
      v <- if (own) drop(crossprod(d$x[, on, drop = FALSE]^2, mu[, l] * (1 - mu[, l]))) / n else h
      c(
        max(abs(z[on, l] - sign(b[on]) * penalty_slope(v * abs(b[on]), lambda[l], d$penalty)), abs(z[!on, l]) - lambda[l], score[l], 0) / lambda[l],
        loss[l] + sum(penalty_value(h * abs(b[on]), lambda[l], d$penalty)) / h
      )
    }, double(2))
    return(list(kkt = at[1, ], gap = rep(NA_real_, length(lambda)), objective = at[2, ]))
  }
  v <- sqrt(tabulate(d$group))
  tau <- d$tau
  norms <- function(m) sqrt(rowsum(m^2, d$group))
  t1 <- rep(lambda * tau, each = nrow(beta))
  t2 <- outer(v, lambda * (1 - tau))
  h <- norms(beta)
  # in groups that are in: the gradient, what is left of it at zeros; in others: the distance of the group from its ball
  inside <- z - ifelse(h > 0, t2 / h, 0)[d$group, , drop = FALSE] * beta
  inside <- ifelse(beta != 0, inside - t1 * sign(beta), sign(inside) * pmax(abs(inside) - t1, 0))
  outside <- pmax(norms(pmax(abs(z) - t1, 0)) - t2, 0)
  kkt <- apply(ifelse(h > 0, norms(inside), outside), 2, max) / lambda
  # dual point: the residuals, scaled until every group is in its ball
  low <- double(length(lambda))
  high <- rep(1, length(lambda))
  fits <- function(s) colSums(norms(pmax(abs(z) * rep(s, each = nrow(z)) - t1, 0)) > t2) == 0
  if (tau == 0) s <- apply(pmin(t2 / norms(z), 1), 2, min) else {
    whole <- fits(high)
    for (k in 1:40) {
      middle <- (low + high) / 2
      good <- fits(middle)
      low <- ifelse(good, middle, low)
      high <- ifelse(good, high, middle)
    }
    s <- ifelse(whole, 1, low)
  }
  price <- colSums(t2 * h) + colSums(t1 * abs(beta))
  y2 <- sum((d$y - mean(d$y))^2) / n
  list(kkt = kkt, objective = loss + price, gap = (loss * (1 - s)^2 + price - s * colSums(beta * z)) / (y2 / 2))
}

# ---- contestants: takes (which problems), default setting, fit(d, lambda, setting), take(fit) = list(beta, a0), same: the same problem? ------

always_same <- function(d) TRUE
penalty_contestants <- list(
  sparsepath = list(
    takes = function(d) TRUE, default = NA, same = always_same,
    fit = function(d, lambda, setting) {
      unit <- if (d$family == "binomial") 0.25
      penalty <- if (d$penalty == "group_mcp") sparsepath::pen_group_mcp(d$group, curvature = unit) else
        if (d$penalty == "group_scad") sparsepath::pen_group_scad(d$group, curvature = unit) else
        if (d$penalty == "mcp") sparsepath::pen_mcp() else if (d$penalty == "scad") sparsepath::pen_scad() else
        if (d$tau > 0) sparsepath::pen_sparse_group(d$group, asparse = d$tau) else sparsepath::pen_group(d$group)
      sparsepath::sparsepath(d$x, d$y, family = d$family, penalty = penalty, lambda = lambda)
    },
    take = function(fit) list(beta = fit$beta, a0 = fit$a0, flagged = sum(fit$status != 0), convex = fit$convex.min)
  ),
  sparsegl = list(
    takes = function(d) d$penalty == "group", default = 1e-8, same = always_same,
    fit = function(d, lambda, setting) {
      sparsegl::sparsegl(d$x, d$y, d$group, asparse = d$tau, lambda = lambda, eps = setting, maxit = if (setting == 1e-8) 3e6 else 1e9, standardize = FALSE)
    },
    take = function(fit) list(beta = fit$beta)
  ),
  gglasso = list(
    takes = function(d) d$penalty == "group" && d$tau == 0, default = 1e-8, same = always_same,
    fit = function(d, lambda, setting) gglasso::gglasso(d$x, d$y, d$group, loss = "ls", lambda = lambda, eps = setting, maxit = if (setting == 1e-8) 3e8 else 1e9),
    take = function(fit) list(beta = fit$beta)
  ),
  grpreg = list(
    takes = function(d) of_groups(d$penalty) && d$tau == 0, default = 1e-4, same = function(d) d$orthonormal,
    fit = function(d, lambda, setting) {
      penalty <- switch(d$penalty, group = "grLasso", group_mcp = "grMCP", "grSCAD")
      grpreg::grpreg(d$x, d$y, d$group, family = d$family, penalty = penalty, lambda = lambda, eps = setting,
        max.iter = if (setting == 1e-4 && d$penalty != "group") 10000 else 1e7)
    },
    take = function(fit) list(beta = fit$beta[-1, , drop = FALSE], a0 = fit$beta[1, ])
  ),
  adelie = list(
    takes = function(d) d$penalty == "group" && d$tau == 0, default = 1e-7, same = always_same,
    fit = function(d, lambda, setting) {
      first <- which(!duplicated(d$group))
      adelie::grpnet(d$x, adelie::glm.gaussian(d$y), groups = first, lambda = lambda, tol = setting, standardize = FALSE, early_exit = FALSE, n_threads = 1)
    },
    take = function(fit) list(beta = Matrix::t(stats::coef(fit)$betas))
  ),
  ncvreg = list(
    takes = function(d) !of_groups(d$penalty), default = 1e-4, same = function(d) d$family == "gaussian",
    fit = function(d, lambda, setting) {
      ncvreg::ncvreg(d$x, d$y, family = d$family, penalty = toupper(d$penalty), gamma = if (d$penalty == "mcp") 3 else 3.7, lambda = lambda, eps = setting,
        max.iter = if (setting == 1e-4) 10000 else 1e7, returnX = FALSE)
    },
    take = function(fit) list(beta = fit$beta[-1, , drop = FALSE], a0 = fit$beta[1, ], convex = fit$convex.min)
  )
)

penalty_trial <- function(name, d, lambda, setting) {
  who <- penalty_contestants[[name]]
  capped(function() {
    t <- suppressWarnings(clock(function() who$fit(d, lambda, setting)))
    got <- who$take(t$value)
    at <- seq_len(ncol(got$beta))
    own <- name == "ncvreg" && d$family == "binomial"
    v <- if (who$same(d) || own) penalty_judge(d, lambda[at], got$beta, if (d$family == "binomial") got$a0, own)
    worst <- function(x) if (is.null(x) || all(is.na(x))) NA_real_ else max(x)
    list(seconds = t[[CLOCK]], kkt = worst(v$kkt), gap = worst(v$gap), lambdas = length(at), objective = v$objective,
      flagged = got$flagged, convex = got$convex)
  }, CAP)
}

penalty_row <- function(data, n, p, family, penalty, ratio, contestant, version, role, setting, t, note = "") {
  ok <- is.list(t)
  data.frame(
    topic = "penalties", data = data, n = n, p = p, family = family, penalty = penalty, ratio = ratio, contestant = contestant, version = version,
    role = role, setting = setting, seconds = if (ok) t$seconds else NA_real_, fastest = NA_real_, slowest = NA_real_, runs = 0L,
    other_clock = NA_real_, kkt = if (ok) t$kkt else NA_real_, gap = if (ok) t$gap else NA_real_, lambdas = if (ok) t$lambdas else NA_integer_,
    note = if (is.null(t)) sprintf("more than %.0f s", CAP) else if (!ok) paste("error:", substr(gsub("[\r\n,|\"]+", " ", t), 1, 80)) else note,
    stringsAsFactors = FALSE
  )
}

# the median of interleaved runs; with --reps=1, long calls count as they were first run
penalty_times <- function(rows, calls) {
  id <- paste(rows$contestant, rows$role)
  again <- !is.na(rows$seconds) & (REPS > 1 | rows$seconds < 1)
  alone <- !is.na(rows$seconds) & !again
  rows[alone, c("fastest", "slowest")] <- rows$seconds[alone]
  rows$runs[alone] <- 1L
  if (!any(again)) return(rows)
  log <- interleave(lapply(calls[id[again]], function(f) function() suppressWarnings(f())), stats::setNames(rows$seconds[again], id[again]))
  for (i in which(again)) rows[i, c("seconds", "fastest", "slowest", "runs", "other_clock")] <- summarize(log[[id[i]]])
  rows
}

penalty_say <- function(rows) {
  say("  %s", paste(sprintf("%s %s %s (kkt %s)", rows$contestant, rows$role, sec(rows$seconds), small(rows$kkt)), collapse = ", "))
}

bench_penalty <- function(d, versions) {
  lambda <- penalty_top(d) * d$ratio^seq(0, 1, length.out = 100)
  say("penalties: %s, %s, %s", d$name, d$family, d$label)
  rows <- ours <- NULL
  calls <- list()
  for (name in names(versions)) {
    who <- penalty_contestants[[name]]
    if (!who$takes(d)) next
    for (role in c("default", if (name %in% names(TIGHT_PENALTY) && who$same(d)) "tight")) {
      setting <- if (role == "default") who$default else TIGHT_PENALTY[[name]]
      t <- penalty_trial(name, d, lambda, setting)
      note <- if (name == "ncvreg" && d$family == "binomial") "another problem, judged by its own equation" else
        if (!who$same(d)) "another problem: makes groups orthonormal" else ""
      if (is.list(t)) {
        if (t$lambdas < 100) note <- paste0(note, if (nzchar(note)) "; ", sprintf("%d of 100 lambdas", t$lambdas))
        if (name == "sparsepath") ours <- t
        if (isTRUE(t$flagged > 0)) note <- paste0(note, if (nzchar(note)) "; ", sprintf("%d lambdas flagged", t$flagged))
        if (role == "tight" && is.list(ours) && (name == "ncvreg" || d$penalty %in% c("group_mcp", "group_scad"))) note <- paste0(note, if (nzchar(note)) "; ", penalty_compare(d, ours, t))
      }
      rows <- rbind(rows, penalty_row(d$name, nrow(d$x), ncol(d$x), d$family, d$label, d$ratio, name, versions[[name]], role, setting, t, note))
      calls[[paste(name, role)]] <- local({
        w <- who
        s <- setting
        function() w$fit(d, lambda, s)
      })
    }
  }
  rows <- penalty_times(rows, calls)
  penalty_say(rows)
  rows
}

# objectives of the same problem, in units of the null objective
penalty_compare <- function(d, ours, theirs) {
  k <- seq_len(min(ours$lambdas, theirs$lambdas))
  apart <- (ours$objective[k] - theirs$objective[k]) / (stats::var(d$y) / 2)
  before <- function(v) if (is.null(v) || is.na(v)) length(k) else v - 1
  convex <- min(before(ours$convex), before(theirs$convex))
  sprintf("objectives: apart %.0e at the %d lambdas before convex.min of both; of all %d: same %d, ours lower %d, higher %d", max(abs(apart[seq_len(convex)]), 0), convex,
    length(k), sum(abs(apart) <= 1e-8), sum(apart < -1e-8), sum(apart > 1e-8))
}

# ---- a signal: fused_lasso() beside genlasso --------------------------------------------------------------------------------------

# relative duality gap of a fit to a signal, u the running sums of b - y limited to lambda
signal_gap <- function(y, b, lambda) {
  u <- cumsum(b - y)[-length(y)]
  u <- pmax(-lambda, pmin(lambda, u))
  dual <- diff(c(0, u, 0)) # D'u: b = y + diff for the optimum
  null <- sum((y - mean(y))^2) / 2
  (sum((y - b)^2) / 2 + lambda * sum(abs(diff(b))) - (sum(y^2) - sum((y + dual)^2)) / 2) / null
}

bench_signal <- function(n, versions, lambdas = c(20, 5, 1, 0.2)) {
  set.seed(1)
  y <- rep(stats::rnorm(n %/% 25 + 1), each = 25)[seq_len(n)] + stats::rnorm(n, sd = .5)
  name <- sprintf("signal %d", n)
  say("penalties: %s, fused", name)
  jobs <- list(
    list("sparsepath", "4 lambdas", function() sparsepath::fused_lasso(y, lambda = lambdas), function(f) f$beta),
    list("sparsepath", "whole path", function() sparsepath::fused_lasso(y), function(f) stats::coef(f, lambda = lambdas)),
    if (n <= 2000 && !is.null(versions$genlasso)) {
      list("genlasso", "whole path", function() genlasso::fusedlasso1d(y, maxsteps = 1e5), function(f) stats::coef(f, lambda = lambdas)$beta)
    }
  )
  rows <- NULL
  calls <- list()
  for (job in Filter(Negate(is.null), jobs)) {
    t <- capped(function() {
      t <- clock(job[[3]])
      b <- as.matrix(job[[4]](t$value))
      gap <- max(vapply(seq_along(lambdas), function(l) signal_gap(y, b[, l], lambdas[l]), 0))
      list(seconds = t[[CLOCK]], kkt = NA_real_, gap = max(gap, 0), lambdas = length(lambdas))
    }, CAP)
    rows <- rbind(rows, penalty_row(name, n, n, "gaussian", "fused", NA, job[[1]], versions[[job[[1]]]], job[[2]], NA, t))
    calls[[paste(job[[1]], job[[2]])]] <- job[[3]]
  }
  rows <- penalty_times(rows, calls)
  say("  %s", paste(sprintf("%s %s %s (gap %s)", rows$contestant, rows$role, sec(rows$seconds), small(rows$gap)), collapse = ", "))
  rows
}

# ---- the exact path: lars_path() beside lars ------------------------------------------------------------------------------------------

bench_lars <- function(d, versions) {
  n <- nrow(d$x)
  d$penalty <- "group" # groups of one column: the lasso
  d$group <- seq_len(ncol(d$x))
  d$tau <- 0
  say("penalties: %s, exact path", d$name)
  few <- ncol(d$x) <= 500
  jobs <- list(
    list("sparsepath", function() sparsepath::lars_path(d$x, d$y), function(f) list(lambda = f$lambda, beta = f$beta)),
    if (!is.null(versions$lars)) list("lars", function() lars::lars(d$x, d$y, use.Gram = few), function(f) {
      k <- seq_along(f$lambda)
      list(lambda = f$lambda / sqrt(n), beta = t(f$beta)[, k, drop = FALSE])
    })
  )
  rows <- NULL
  calls <- list()
  for (job in Filter(Negate(is.null), jobs)) {
    t <- capped(function() {
      t <- suppressWarnings(clock(job[[2]]))
      got <- job[[3]](t$value)
      at <- got$lambda > 1e-3 * got$lambda[1]
      v <- penalty_judge(d, got$lambda[at], as.matrix(got$beta)[, at, drop = FALSE])
      list(seconds = t[[CLOCK]], kkt = max(v$kkt), gap = max(v$gap, 0), lambdas = length(got$lambda))
    }, CAP)
    rows <- rbind(rows, penalty_row(d$name, n, ncol(d$x), "gaussian", "exact path", NA, job[[1]], versions[[job[[1]]]], "default", NA, t,
      if (is.list(t)) sprintf("%d knots; accuracy at those above 0.1 %% of lambda_max", t$lambdas) else ""))
    calls[[paste(job[[1]], "default")]] <- job[[2]]
  }
  rows <- penalty_times(rows, calls)
  penalty_say(rows)
  rows
}

standardized <- function(d) {
  n <- nrow(d$x)
  d$x <- d$x - rep(colMeans(d$x), each = n)
  d$x <- d$x / rep(sqrt(colMeans(d$x^2)), each = n)
  d$y <- d$y - mean(d$y)
  d
}

# ---- goals ---------------------------------------------------------------------------------------------------------------------

# ratios to our time of the quickest of some peers, for each problem that `keep` accepts
penalty_ratios <- function(rows, keep, peers, role) {
  key <- paste(rows$data, rows$family, rows$penalty)
  ids <- unique(key[keep(rows)])
  r <- vapply(ids, function(k) {
    these <- rows[key == k, ]
    ours <- these$seconds[these$contestant == "sparsepath"][1]
    theirs <- these$seconds[these$contestant %in% peers & these$role %in% role]
    if (!length(theirs) || all(is.na(theirs))) NA_real_ else min(theirs, na.rm = TRUE) / ours
  }, 0)
  r[!is.na(r)]
}

penalty_goals <- function(rows) {
  real <- c("colon", "leukemia", "prostate")
  group <- grepl("^group of", rows$penalty)
  wide <- rows$n <= 200
  raw <- group & !grepl("orthonormal", rows$penalty)
  norms <- function(family) function(r) grepl("^group (MCP|SCAD)", r$penalty) & r$family == family
  sparse <- function(tau) function(r) grepl(sprintf("tau %s$", tau), r$penalty)
  concave <- function(family) function(r) r$penalty %in% c("MCP", "SCAD") & r$family == family
  defaults <- c("sparsegl", "gglasso", "grpreg")
  lines <- list(
    list("group lasso, n <= 200, quickest default of sparsegl, gglasso, grpreg", function(r) group & wide, defaults, "default", 1, 3),
    list("group lasso, n <= 200, adelie's default", function(r) group & wide, "adelie", "default", NA, NA),
    list("group lasso, orthonormal, grpreg eps 1e-9", function(r) group & !raw, "grpreg", "tight", 5, 10),
    list("group lasso, real data, sparsegl's default", function(r) raw & r$data %in% real, "sparsegl", "default", 2.5, 5),
    list("group lasso, n = 1000 iid, sparsegl's default", function(r) raw & r$n == 1000 & grepl("^iid", r$data), "sparsegl", "default", .75, 2),
    list("sparse group, tau .05, sparsegl's default", sparse("0.05"), "sparsegl", "default", 1, 3),
    list("sparse group, tau .5, sparsegl's default", sparse("0.5"), "sparsegl", "default", 1.5, 5),
    list("sparse group, tau .95, sparsegl's default", sparse("0.95"), "sparsegl", "default", 4, 10),
    list("MCP, SCAD, gaussian, ncvreg's default", concave("gaussian"), "ncvreg", "default", 3, 8),
    list("MCP, SCAD, gaussian, ncvreg eps 1e-9", concave("gaussian"), "ncvreg", "tight", 6, 20),
    list("MCP, SCAD, logistic, ncvreg's default (another problem)", concave("binomial"), "ncvreg", "default", NA, 5),
    list("group MCP, SCAD, gaussian, orthonormal, grpreg's default", norms("gaussian"), "grpreg", "default", NA, NA),
    list("group MCP, SCAD, gaussian, orthonormal, grpreg eps 1e-9", norms("gaussian"), "grpreg", "tight", NA, NA),
    list("group MCP, SCAD, logistic, orthonormal, grpreg's default", norms("binomial"), "grpreg", "default", NA, NA),
    list("fused lasso, whole path, genlasso", function(r) r$penalty == "fused" & r$role == "whole path", "genlasso", "whole path", NA, NA),
    list("exact path, lars", function(r) r$penalty == "exact path", "lars", "default", NA, NA)
  )
  md <- vapply(lines, function(g) {
    keep <- if (g[[4]] == "whole path") rows[rows$role == "whole path", ] else rows
    ratio <- penalty_ratios(keep, function(r) g[[2]](rows)[match(rownames(r), rownames(rows))], g[[3]], g[[4]])
    if (!length(ratio)) return(NA_character_)
    sprintf("| %s | %d | %s to %s | %s | %s | %s |", g[[1]], length(ratio), times(min(ratio)), times(max(ratio)), times(geomean(ratio)), times(g[[5]]), times(g[[6]]))
  }, "")
  c("| against | problems | ratio to ours | geometric mean | floor | goal |", "|---|---|---|---|---|---|", md[!is.na(md)])
}

topic_penalties <- function() {
  packages <- c(names(penalty_contestants), "genlasso", "lars")
  versions <- Filter(Negate(is.null), lapply(stats::setNames(nm = packages), package_version))
  missing <- setdiff(packages, names(versions))
  if (length(missing)) message("  not installed, left out: ", paste(missing, collapse = ", "))
  rows <- NULL
  for (m in penalty_sets(QUICK)) {
    d <- eval(m)
    if (is.null(d) || !wanted(paste(d$name, d$label))) next
    rows <- rbind(rows, bench_penalty(d, versions[intersect(names(penalty_contestants), names(versions))]))
    rm(d)
    gc()
  }
  for (n in if (QUICK) c(200, 1e4) else c(500, 2000, 1e6)) {
    if (wanted(sprintf("signal %.0f fused", n))) rows <- rbind(rows, bench_signal(n, versions))
  }
  exact <- list(quote(real_set("colon", "gaussian")), quote(real_set("leukemia", "gaussian")), quote(sim_iid(1000, 200)))
  for (m in if (QUICK) exact[1] else exact) {
    d <- eval(m)
    if (is.null(d) || !wanted(paste(d$name, "exact path"))) next
    rows <- rbind(rows, bench_lars(standardized(d), versions))
  }
  if (is.null(rows)) return(NULL)
  rownames(rows) <- NULL
  key <- paste(rows$data, rows$family, rows$penalty, ifelse(rows$penalty == "fused" & rows$role == "whole path", "path", ""))
  own <- rows$contestant == "sparsepath"
  ours <- rows$seconds[own][match(key, key[own])]
  convex <- own & !is.na(rows$gap)
  list(rows = rows, md = c(
    "Ratio: time of the peer over ours. Every contestant has the same 100 lambdas (down to 5 %), ours its default. Peers also at tight settings:",
    sprintf("%s. Scaling of each: bench/penalties.R.", paste(names(TIGHT_PENALTY), formatC(TIGHT_PENALTY, digits = 0, format = "e"), collapse = ", ")),
    sprintf("Our largest gap is %s, our largest kkt %s.", small(max(rows$gap[convex], 0)), small(max(rows$kkt[own], 0, na.rm = TRUE))),
    if (length(missing)) sprintf("Not installed, left out: %s.", paste(missing, collapse = ", ")), "",
    penalty_goals(rows), "",
    "| data | family | penalty | contestant | setting | time | kkt | gap | ratio to ours | remark |", "|---|---|---|---|---|---|---|---|---|---|",
    sprintf("| %s | %s | %s | %s %s %s | %s | %s | %s | %s | %s | %s |", rows$data, rows$family, rows$penalty, rows$contestant, rows$version, rows$role,
      ifelse(is.na(rows$setting), "", sprintf("%.0e", rows$setting)), sec(rows$seconds), small(rows$kkt), small(rows$gap),
      ifelse(own, "", paste0("**", times(rows$seconds / ours), "**")), rows$note)
  ))
}
