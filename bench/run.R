# Benchmarks, in one run: accuracy measured beside every time.
#
#   Rscript bench/run.R                               everything (hours)
#   Rscript bench/run.R gaussian cv                   some topics
#   Rscript bench/run.R --quick gaussian cv memory    small stand-ins, to see that it works (minutes)
#
# Topics and options: bench/README.md. Writes bench/results/<date>-<topics>.md and .csv.

TOPICS <- c("gaussian", "large", "tall", "binomial", "sparse", "families", "penalties", "cv", "memory", "hessian")

options(warn = 1)
given <- commandArgs(TRUE)
if (!file.exists("bench/run.R")) stop("Run this from the root of the repository: Rscript bench/run.R")

# One thread for everybody, which must be said before R loads its BLAS.
ONE <- c("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS", "VECLIB_MAXIMUM_THREADS")
if (!all(Sys.getenv(ONE) == "1")) {
  do.call(Sys.setenv, as.list(stats::setNames(rep("1", length(ONE)), ONE)))
  quit(status = system2(file.path(R.home("bin"), "Rscript"), c("bench/run.R", shQuote(given))))
}

option <- function(name, default) {
  hit <- grep(sprintf("^--%s=", name), given, value = TRUE)
  if (length(hit)) sub("^[^=]*=", "", hit[length(hit)]) else default
}
QUICK <- "--quick" %in% given
CAP <- as.numeric(option("cap", if (QUICK) 10 else 120)) # seconds a single call of a peer may take
REPS <- as.integer(option("reps", if (QUICK) 3 else 7))
CLOCK <- match.arg(option("clock", "elapsed"), c("elapsed", "cpu"))
TARGET <- 1e-6
OUT <- option("out", "bench/results")
SETTINGS <- if (QUICK) tempfile() else "bench/settings.csv"
only <- strsplit(option("peers", "glmnet,biglasso,ncvreg,picasso,adelie"), ",")[[1]]
sets <- option("sets", "") # a regular expression on the names of the data sets
known <- c("quick", "cap", "reps", "clock", "out", "peers", "sets")
unknown <- setdiff(sub("^--([a-z]*).*", "\\1", grep("^--", given, value = TRUE)), known)
if (length(unknown)) stop("Unknown option: ", paste(unknown, collapse = ", "), ". Known: ", paste(known, collapse = ", "))
topics <- grep("^--", given, value = TRUE, invert = TRUE)
if (!length(topics)) topics <- TOPICS
if (length(setdiff(topics, TOPICS))) stop("Unknown topic: ", setdiff(topics, TOPICS)[1], ". Known: ", paste(TOPICS, collapse = ", "))

source("bench/peers.R")
bench_libraries()
source("bench/datasets.R")
source("bench/objective.R")
source("bench/families.R")
source("bench/penalties.R")
suppressPackageStartupMessages(library(Matrix))

ALL <- contestants()
if (is.null(ALL$sparsepath$version)) stop("sparsepath is not installed where R looks; set SPARSEPATH_BENCH_LIB to its library.")
absent <- Filter(function(n) is.null(ALL[[n]]$version), only)
if (length(absent)) message("Not installed, skipped: ", paste(absent, collapse = ", "))
PEERS <- setdiff(only, absent)

say <- function(...) cat(format(Sys.time(), "%H:%M:%S"), sprintf(...), "\n")
num <- function(v) ifelse(is.na(v), "-", formatC(v, digits = 3, format = "fg", flag = "#"))
sec <- function(v) ifelse(is.na(v), "-", ifelse(v < 0.0995, sprintf("%.1f ms", 1000 * v), ifelse(v < 9.95, sprintf("%.2f s", v), sprintf("%.0f s", v))))
small <- function(v) ifelse(is.na(v), "-", formatC(v, digits = 0, format = "e"))
times <- function(v) ifelse(is.na(v), "-", ifelse(v < 9.95, sprintf("%.1fx", v), sprintf("%.0fx", v)))
geomean <- function(v) exp(mean(log(v[!is.na(v)])))

# ---- clocks ---------------------------------------------------------------------------------------

clock <- function(call) {
  t <- system.time(value <- call(), gcFirst = TRUE)
  list(value = value, elapsed = t[["elapsed"]], cpu = sum(t[c("user.self", "sys.self")]))
}

# in a forked process that is ended after `cap` seconds: NULL when it does not return
capped <- function(call, cap) {
  job <- parallel::mcparallel(tryCatch(call(), error = function(e) conditionMessage(e)))
  got <- parallel::mccollect(job, wait = FALSE, timeout = cap)
  if (is.null(got)) {
    tools::pskill(job$pid, tools::SIGKILL)
    parallel::mccollect(job, wait = TRUE)
    return(NULL)
  }
  got[[1]]
}

# contestants in turn, again and again; each as often as its own speed allows
interleave <- function(calls, first) {
  runs <- vapply(first, function(t) if (t < 4) REPS else if (t < 20) min(REPS, 5L) else if (t < 60) min(REPS, 3L) else 1L, 1L)
  inner <- vapply(first, function(t) max(1, min(20, ceiling(0.05 / max(t, 1e-3)))), 1)
  log <- lapply(calls, function(i) NULL)
  for (r in seq_len(max(runs))) {
    for (n in names(calls)[order(sin(seq_along(calls) * 7 + r))]) { # another order each time, the same in every run
      if (r > runs[[n]]) next
      t <- clock(function() for (k in seq_len(inner[[n]])) calls[[n]]())
      log[[n]] <- rbind(log[[n]], data.frame(elapsed = t$elapsed / inner[[n]], cpu = t$cpu / inner[[n]]))
    }
  }
  log
}

summarize <- function(log) {
  t <- log[[CLOCK]]
  data.frame(seconds = stats::median(t), fastest = min(t), slowest = max(t), runs = length(t), other_clock = stats::median(log[[setdiff(c("elapsed", "cpu"), CLOCK)]]))
}

# ---- paths ------------------------------------------------------------------------------------------

# time and accuracy of one call, in a fork of its own
trial <- function(name, d, lambda, setting, judge, cap = CAP) {
  who <- ALL[[name]]
  capped(function() {
    prep <- who$prepare(d)
    t <- suppressWarnings(clock(function() who$fit(d, lambda, setting, prep)))
    got <- who$take(t$value, d)
    v <- judge$at(got$lambda, got$beta)
    list(
      seconds = t[[CLOCK]], gap = max(v$gap), kkt = max(v$kkt), lambdas = length(got$lambda),
      passes = if (is.null(got$passes)) NA else got$passes, own = if (is.null(got$own)) NA else got$own
    )
  }, cap)
}

remembered <- function() if (file.exists(SETTINGS)) utils::read.csv(SETTINGS, stringsAsFactors = FALSE) else NULL

remember <- function(...) {
  row <- data.frame(..., stringsAsFactors = FALSE)
  old <- remembered()
  if (!is.null(old)) old <- old[!(old$data == row$data & old$family == row$family & old$peer == row$peer), ]
  all <- rbind(old, row)
  utils::write.csv(all[order(all$data, all$family, all$peer), ], SETTINGS, row.names = FALSE)
}

# the loosest setting of the ladder that reaches TARGET on the whole grid; NA when none does within the cap
tight_setting <- function(name, d, lambda, judge) {
  who <- ALL[[name]]
  old <- remembered()
  i <- if (!is.null(old)) which(old$data == d$name & old$family == d$family & old$peer == name & old$version == who$version & old$cap >= CAP)
  if (length(i)) return(list(setting = old$setting[i], why = old$why[i]))
  best <- Inf
  why <- "never reached"
  setting <- NA
  for (s in who$ladder) {
    t <- trial(name, d, lambda, s, judge)
    if (is.null(t)) {
      why <- sprintf("%.0e not reached in %.0f s (%s = %.0e)", TARGET, CAP, who$says, s)
      break
    }
    if (is.character(t)) {
      why <- paste("error:", substr(gsub("[\r\n,|\"]+", " ", t), 1, 80))
      next
    }
    say("    %s %s = %.0e: %.2f s, gap %.1e, %d lambdas", name, who$says, s, t$seconds, t$gap, t$lambdas)
    if (t$lambdas < length(lambda)) {
      why <- sprintf("returns %d of %d lambdas (%s = %.0e)", t$lambdas, length(lambda), who$says, s)
      if (is.finite(t$gap) && t$gap <= TARGET) break # and will not return more at a tighter setting
      next
    }
    if (is.finite(t$gap)) best <- min(best, t$gap)
    if (is.finite(t$gap) && t$gap <= TARGET) {
      setting <- s
      why <- sprintf("%s = %.0e", who$says, s)
      break
    }
  }
  if (is.na(setting) && is.finite(best)) why <- sprintf("%s; best gap %.0e", why, best)
  remember(data = d$name, family = d$family, peer = name, version = who$version, cap = CAP, setting = setting, why = why)
  list(setting = setting, why = why)
}

# one data set: everybody at the default and at TARGET
bench_path <- function(topic, d, ratio, judge = make_judge(d$x, d$y, d$family)) {
  lambda <- judge$grid(100, ratio)
  say("%s: %s, %s", topic, d$name, d$family)
  plan <- list(list(name = "sparsepath", setting = ALL$sparsepath$default, role = "default"))
  skipped <- NULL
  for (p in PEERS) {
    if (!ALL[[p]]$supports(d)) {
      skipped <- c(skipped, p)
      next
    }
    plan <- c(plan, list(list(name = p, setting = ALL[[p]]$default, role = "default")))
    t <- tight_setting(p, d, lambda, judge)
    plan <- c(plan, list(list(name = p, setting = t$setting, role = "tight", why = t$why)))
  }
  rows <- lapply(plan, function(k) {
    row <- data.frame(
      topic = topic, data = d$name, n = nrow(d$x), p = ncol(d$x), family = d$family, contestant = k$name,
      version = ALL[[k$name]]$version, role = k$role, setting = k$setting, seconds = NA_real_, fastest = NA_real_, slowest = NA_real_,
      runs = 0L, other_clock = NA_real_, gap = NA_real_, kkt = NA_real_, lambdas = NA_integer_, passes = NA_real_, note = "", stringsAsFactors = FALSE
    )
    if (is.na(k$setting)) {
      row$note <- k$why
      return(row)
    }
    t <- trial(k$name, d, lambda, k$setting, judge)
    if (is.null(t)) row$note <- sprintf("more than %.0f s", CAP)
    if (is.character(t)) row$note <- paste("error:", substr(gsub("[\r\n,|\"]+", " ", t), 1, 80))
    if (is.list(t)) {
      row$seconds <- t$seconds # replaced by the median below
      row[c("gap", "kkt", "lambdas", "passes")] <- t[c("gap", "kkt", "lambdas", "passes")]
      if (t$lambdas < 100) row$note <- sprintf("%d of 100 lambdas", t$lambdas)
    }
    row
  })
  rows <- do.call(rbind, rows)
  go <- which(!is.na(rows$seconds))
  preps <- lapply(stats::setNames(nm = unique(rows$contestant[go])), function(n) ALL[[n]]$prepare(d))
  id <- paste(rows$contestant, rows$role)
  calls <- lapply(stats::setNames(go, id[go]), function(i) {
    force(i)
    who <- ALL[[rows$contestant[i]]]
    function() suppressWarnings(who$fit(d, lambda, rows$setting[i], preps[[rows$contestant[i]]]))
  })
  log <- interleave(calls, stats::setNames(rows$seconds[go], id[go]))
  for (i in go) rows[i, c("seconds", "fastest", "slowest", "runs", "other_clock")] <- summarize(log[[id[i]]])
  if (length(skipped)) message("  skipped, no sparse input: ", paste(skipped, collapse = ", "))
  ours <- rows[rows$contestant == "sparsepath", ]
  say("  ours %s (gap %.0e, kkt %.0e, %.1f passes)", sec(ours$seconds), ours$gap, ours$kkt, ours$passes)
  rows
}

path_tables <- function(rows, goals) {
  out <- NULL
  for (set in unique(paste(rows$data, rows$family))) {
    r <- rows[paste(rows$data, rows$family) == set, ]
    ours <- r[r$contestant == "sparsepath", ]
    gl <- r[r$contestant == "glmnet" & r$role == "default", ]
    tight <- r[r$role == "tight" & !is.na(r$seconds) & r$gap <= TARGET & r$lambdas == 100, ]
    best <- tight[which.min(tight$seconds), ]
    out <- rbind(out, data.frame(
      set = if (length(unique(rows$family)) > 1) paste(r$data[1], r$family[1], sep = ", ") else r$data[1], ours = ours$seconds, gap = ours$gap, kkt = ours$kkt, passes = ours$passes,
      glmnet = if (nrow(gl)) gl$seconds else NA, glgap = if (nrow(gl)) gl$gap else NA,
      best = if (nrow(best)) best$seconds else NA, who = if (nrow(best)) sprintf("%s (%.0e)", best$contestant, best$setting) else "none in time",
      bestgap = if (nrow(best)) best$gap else NA
    ))
  }
  out$r1 <- out$glmnet / out$ours
  out$r2 <- out$best / out$ours
  md <- c(
    "| data | sparsepath | gap / kkt | passes | glmnet default | its gap | ratio | best peer at gap 1e-6 | time | its gap | ratio |",
    "|---|---|---|---|---|---|---|---|---|---|---|",
    sprintf(
      "| %s | %s | %s / %s | %s | %s | %s | **%s** | %s | %s | %s | **%s** |", out$set, sec(out$ours), small(out$gap), small(out$kkt),
      num(out$passes), sec(out$glmnet), small(out$glgap), times(out$r1), out$who, sec(out$best), small(out$bestgap), times(out$r2)
    )
  )
  if (nrow(out) > 1) {
    md <- c(md, sprintf(
      "| **geometric mean (smallest)** | | | at most %s | | | **%s (%s)** | | | | **%s (%s)** |", num(max(out$passes)), times(geomean(out$r1)),
      times(min(out$r1, na.rm = TRUE)), times(geomean(out$r2)), times(min(out$r2, na.rm = TRUE))
    ))
  }
  detail <- c(
    "", "<details><summary>Every contestant</summary>", "",
    "| data | contestant | setting | time | fastest to slowest | runs | gap | kkt | remark |", "|---|---|---|---|---|---|---|---|---|",
    sprintf(
      "| %s | %s %s | %s %s | %s | %s to %s | %d | %s | %s | %s |", rows$data, rows$contestant, rows$version, rows$role,
      ifelse(is.na(rows$setting), "", sprintf("%.0e", rows$setting)), sec(rows$seconds), sec(rows$fastest), sec(rows$slowest), rows$runs,
      small(rows$gap), small(rows$kkt), rows$note
    ), "", "</details>"
  )
  list(md = c(if (length(goals)) c(goals, ""), md, detail), rows = rows)
}

wanted <- function(name) grepl(sets, name)

# ---- the topics ---------------------------------------------------------------------------------------

wide_sets <- function(family) {
  if (QUICK) {
    return(list(substitute(real_set("colon", f), list(f = family)), substitute(sim_ar(60, 500, .8, family = f), list(f = family))))
  }
  c(
    lapply(if (family == "gaussian") c("colon", "riboflavin", "singh", "leukemia", "prostate", "lymphoma") else c("colon", "singh", "leukemia", "prostate", "lymphoma"),
      function(s) substitute(real_set(s, f), list(s = s, f = family))),
    list(
      substitute(sim_iid(200, 20000, family = f), list(f = family)), substitute(sim_ar(200, 20000, .8, family = f), list(f = family)),
      substitute(sim_compound(200, 20000, .8, family = f), list(f = family))
    )
  )
}

run_paths <- function(topic, makers, ratio, goals) {
  rows <- NULL
  for (m in makers) {
    d <- eval(m)
    if (is.null(d) || !wanted(d$name)) next
    rows <- rbind(rows, bench_path(topic, d, ratio))
    rm(d)
    gc()
  }
  if (is.null(rows)) return(NULL)
  path_tables(rows, goals)
}

topic_gaussian <- function() {
  run_paths("gaussian", wide_sets("gaussian"), 0.01, "Floor 6x (none below 4x), goal 10x (6x) against glmnet's default; floor 20x, goal 80x (30x) at equal accuracy; 15 passes at most, goal 8.")
}
topic_large <- function() {
  run_paths("large", list(if (QUICK) quote(sim_iid(200, 3000)) else quote(sim_iid(1000, 100000))), 0.01, "Floor 5x, goal 8x; at equal accuracy floor 20x, goal 40x.")
}
topic_tall <- function() {
  run_paths("tall", if (QUICK) list(quote(sim_iid(500, 60)), quote(sim_compound(300, 40, .8))) else list(quote(sim_iid(10000, 1000)), quote(sim_compound(2000, 200, .8))), 1e-4, "Floor 1.5x, goal 3x; at equal accuracy floor 5x, goal 10x.")
}
topic_binomial <- function() {
  run_paths("binomial", wide_sets("binomial"), 0.01, "Floor 4x, goal 8x; at equal accuracy floor 5x, goal 12x.")
}
topic_sparse <- function() {
  makers <- if (QUICK) list(quote(sim_text(300, 2000, .01)), quote(sim_text(300, 2000, .01, family = "binomial"))) else list(quote(sim_text()), quote(sim_text(family = "binomial")))
  run_paths("sparse", makers, 0.01, "Floor 1x, goal 3x; at equal accuracy floor 2x, goal 10x.")
}

# shapes whose times the authors of Hessian screening published (2022): quoted, not measured here
topic_hessian <- function() {
  shapes <- list(
    list(quote(sim_compound(400, 40000, 0, k = 20, snr = 2)), 1.53), list(quote(sim_compound(400, 40000, .4, k = 20, snr = 2)), 2.00),
    list(quote(sim_compound(400, 40000, .8, k = 20, snr = 2)), 4.57),
    list(quote(sim_compound(400, 40000, 0, k = 20, snr = 2, family = "binomial")), 2.06),
    list(quote(sim_compound(400, 40000, .4, k = 20, snr = 2, family = "binomial")), 1.89),
    list(quote(sim_compound(400, 40000, .8, k = 20, snr = 2, family = "binomial")), 2.43), list(quote(real_set("colon", "binomial")), 0.054)
  )
  if (QUICK) shapes <- shapes[7]
  rows <- NULL
  for (s in shapes) {
    d <- eval(s[[1]])
    if (!wanted(d$name)) next
    judge <- make_judge(d$x, d$y, d$family)
    lambda <- judge$grid(100, 0.01)
    t <- trial("sparsepath", d, lambda, 1e-7, judge)
    log <- interleave(list(ours = function() sparsepath::sparsepath(d$x, d$y, family = d$family, lambda = lambda)), c(ours = t$seconds))
    rows <- rbind(rows, data.frame(
      topic = "hessian", data = d$name, n = nrow(d$x), p = ncol(d$x), family = d$family, contestant = "sparsepath", version = ALL$sparsepath$version,
      summarize(log$ours), gap = t$gap, kkt = t$kkt, passes = t$passes, published = s[[2]]
    ))
    say("  %s %s: %s, published %.3f s", d$name, d$family, sec(rows$seconds[nrow(rows)]), s[[2]])
  }
  if (is.null(rows)) return(NULL)
  list(rows = rows, md = c(
    "The seconds in the last column are as published by the authors of Hessian screening (2022; their computer, relative gap 1e-4, paths that may end early), not measured here.", "",
    "| data | family | sparsepath | gap / kkt | passes | published |", "|---|---|---|---|---|---|",
    sprintf("| %s | %s | %s | %s / %s | %s | %s s |", rows$data, rows$family, sec(rows$seconds), small(rows$gap), small(rows$kkt), num(rows$passes), rows$published)
  ))
}

topic_cv <- function() {
  rows <- NULL
  makers <- c(wide_sets("gaussian"), wide_sets("binomial"))
  for (m in makers) {
    d <- eval(m)
    if (is.null(d) || !wanted(d$name)) next
    say("cv: %s, %s", d$name, d$family)
    judge <- make_judge(d$x, d$y, d$family)
    lambda <- judge$grid(100, 0.01)
    set.seed(42)
    fold <- sample(rep_len(1:10, nrow(d$x)))
    measure <- if (d$family == "gaussian") "mse" else "deviance"
    calls <- list(
      ours_fit = function() sparsepath::sparsepath(d$x, d$y, family = d$family, lambda = lambda),
      ours_cv = function() sparsepath::cv.sparsepath(d$x, d$y, family = d$family, lambda = lambda, foldid = fold, type.measure = measure),
      ours_auto = function() sparsepath::cv.sparsepath(d$x, d$y, family = d$family, foldid = fold, type.measure = measure)
    )
    tight <- list(setting = NA)
    if ("glmnet" %in% PEERS) {
      calls$glmnet_fit <- function() glmnet::glmnet(d$x, d$y, family = d$family, lambda = lambda)
      calls$glmnet_cv <- function() glmnet::cv.glmnet(d$x, d$y, family = d$family, lambda = lambda, foldid = fold, type.measure = measure)
      calls$glmnet_auto <- function() glmnet::glmnet(d$x, d$y, family = d$family)
      tight <- tight_setting("glmnet", d, lambda, judge)
    }
    note <- ""
    estimate <- NA
    if (!is.na(tight$setting)) {
      one <- trial("glmnet", d, lambda, tight$setting, judge)
      if (is.list(one) && one$seconds * 11 < 2.5 * CAP) {
        calls$glmnet_tight <- function() {
          glmnet::cv.glmnet(d$x, d$y, family = d$family, lambda = lambda, foldid = fold, type.measure = measure, control = list(thresh = tight$setting, maxit = 1e8))
        }
      } else if (is.list(one)) {
        estimate <- 11 * one$seconds
        note <- "tight: 11 times its single fit, not run"
      }
    }
    first <- vapply(calls, function(f) suppressWarnings(clock(f))[[CLOCK]], 0)
    log <- interleave(lapply(calls, function(f) function() suppressWarnings(f())), first)
    t <- vapply(log, function(l) stats::median(l[[CLOCK]]), 0)
    get <- function(n) if (n %in% names(t)) t[[n]] else NA
    cv <- calls$ours_cv()
    curve <- function(n) {
      if (is.null(calls[[n]])) return(NA)
      g <- suppressWarnings(calls[[n]]())
      k <- seq_len(min(length(g$cvm), length(cv$cvm)))
      max(abs(g$cvm[k] / cv$cvm[k] - 1))
    }
    rows <- rbind(rows, data.frame(
      topic = "cv", data = d$name, n = nrow(d$x), p = ncol(d$x), family = d$family, version = ALL$sparsepath$version,
      glmnet = if (is.null(ALL$glmnet$version)) NA else ALL$glmnet$version, fit = get("ours_fit"), cv = get("ours_cv"), cv_auto = get("ours_auto"),
      glmnet_fit = get("glmnet_fit"), glmnet_auto = get("glmnet_auto"), glmnet_cv = get("glmnet_cv"),
      glmnet_tight = if (is.na(estimate)) get("glmnet_tight") else estimate, tight = tight$setting,
      gap = max(cv$fold.gap, cv$fit$gap), curve_default = curve("glmnet_cv"), curve_tight = curve("glmnet_tight"), note = note, stringsAsFactors = FALSE
    ))
    r <- rows[nrow(rows), ]
    say("  fit %s, CV %s; glmnet fit %s, CV %s, tight CV %s", sec(r$fit), sec(r$cv), sec(r$glmnet_fit), sec(r$glmnet_cv), sec(r$glmnet_tight))
    rm(d, judge)
    gc()
  }
  if (is.null(rows)) return(NULL)
  md <- NULL
  for (family in unique(rows$family)) {
    r <- rows[rows$family == family, ]
    q <- data.frame(own = r$cv / r$fit, def = r$glmnet_cv / r$cv, tight = r$glmnet_tight / r$cv, one = r$cv / r$glmnet_fit, auto = r$cv_auto / r$glmnet_auto)
    md <- c(md, "", paste0("### ", family), "",
      "| data | fit | 10-fold CV + fit | CV / own fit | cv.glmnet default | ratio | its curve is off by | cv.glmnet at gap 1e-6 | ratio | its curve is off by | our CV / ONE default glmnet path | the same, automatic grids |",
      "|---|---|---|---|---|---|---|---|---|---|---|---|",
      sprintf(
        "| %s | %s | %s | **%.1f** | %s | **%s** | %s | %s%s | **%s** | %s | **%.2f** | %.2f |", r$data, sec(r$fit), sec(r$cv), q$own, sec(r$glmnet_cv), times(q$def),
        small(r$curve_default), sec(r$glmnet_tight), ifelse(nzchar(r$note), " (estimate)", ""), times(q$tight), small(r$curve_tight), q$one, q$auto
      ),
      if (nrow(r) > 1) sprintf("| **geometric mean (worst)** | | | **%.1f (%.1f)** | | **%s (%s)** | | | **%s (%s)** | | **%.2f (%.2f)** | %.2f (%.2f) |",
        geomean(q$own), max(q$own), times(geomean(q$def)), times(min(q$def)), times(geomean(q$tight)), times(suppressWarnings(min(q$tight, na.rm = TRUE))),
        geomean(q$one), max(q$one), geomean(q$auto), max(q$auto))
    )
  }
  list(rows = rows, md = c(
    "Floors: CV at most 8 own fits (goal 5); 8x (20x) faster than cv.glmnet at its default, 25x (100x) at equal accuracy; at most 2 (1) single default glmnet paths.",
    "All with the same folds and 100 lambdas, except the last column. The largest relative gap of any of our fold fits is", sprintf("%s. Curves are compared with ours: largest relative difference of the mean loss over lambda.", small(max(rows$gap))), md
  ))
}

topic_memory <- function() {
  shape <- if (QUICK) c(200, 5000) else c(1000, 100000)
  jobs <- c("sparsepath fit", "sparsepath cv", if ("glmnet" %in% PEERS) c("glmnet fit", "glmnet cv"))
  rows <- NULL
  for (job in jobs) {
    say("memory: %s", job)
    out <- system2(file.path(R.home("bin"), "Rscript"), c("bench/memory.R", strsplit(job, " ")[[1]], shape), stdout = TRUE)
    v <- as.numeric(strsplit(grep("^memory ", out, value = TRUE), " ")[[1]][-1])
    rows <- rbind(rows, data.frame(topic = "memory", data = sprintf("iid %d x %d", shape[1], shape[2]), n = shape[1], p = shape[2], contestant = job, x_mb = v[1], beyond_mb = v[2], share = v[2] / v[1], result_mb = v[3], seconds = v[4]))
  }
  list(rows = rows, md = c(
    sprintf("n = %d, p = %d: x has %.0f MB. Peak resident memory above what is resident once x exists, each in a fresh process. Floors: 10 %% of x for a fit, 25 %% for 10-fold CV.", shape[1], shape[2], rows$x_mb[1]), "",
    "| call | beyond x | share of x | size of the result | time |", "|---|---|---|---|---|",
    sprintf("| %s | %.0f MB | **%.1f %%** | %.1f MB | %s |", rows$contestant, rows$beyond_mb, 100 * rows$share, rows$result_mb, sec(rows$seconds))
  ))
}

# ---- the report -----------------------------------------------------------------------------------------

titles <- c(
  gaussian = "Least squares, p >> n", large = "Least squares, 1,000 x 100,000", tall = "Least squares, tall", binomial = "Logistic, p >> n",
  sparse = "Sparse x", families = "Other families", penalties = "Penalties", cv = "Cross-validation", memory = "Memory", hessian = "Published shapes of Hessian screening"
)

machine <- function() {
  cpu <- tryCatch(sub(".*: *", "", grep("model name", readLines("/proc/cpuinfo"), value = TRUE)[1]), error = function(e) "unknown", warning = function(w) "unknown")
  blas <- basename(La_library())
  load <- tryCatch(strsplit(readLines("/proc/loadavg"), " ")[[1]][1], error = function(e) "unknown", warning = function(w) "unknown")
  versions <- unlist(lapply(ALL[c("sparsepath", PEERS)], `[[`, "version"))
  kernels <- tryCatch(.Call(sparsepath:::C_info)$isa, error = function(e) "unknown")
  c(
    sprintf("- %s, %d processors, %s; load when started %s", cpu, parallel::detectCores(), R.version$platform, load),
    sprintf("- %s, BLAS %s, LAPACK %s, one thread; kernels of sparsepath: %s", R.version.string, blas, La_version(), kernels),
    sprintf("- %s", paste(names(versions), versions, collapse = ", ")),
    if (length(absent)) sprintf("- not installed, left out: %s", paste(absent, collapse = ", ")),
    sprintf("- %s time, medians of up to %d interleaved runs, at least 5 below 20 s; a call of a peer is ended after %.0f s", if (CLOCK == "cpu") "CPU" else "Elapsed", REPS, CAP),
    "- whole calls from R, checks included, the same lambdas for all; biglasso's copy of x into a big.matrix is not counted",
    "- gap: duality gap / objective of the null model, kkt: largest violation / lambda, both the largest over the path, from bench/objective.R"
  )
}

head_lines <- machine()
dir.create(OUT, showWarnings = FALSE, recursive = TRUE)
stem <- file.path(OUT, sprintf("%s-%s%s", Sys.Date(), if (identical(topics, TOPICS)) "all" else paste(topics, collapse = "-"), if (QUICK) "-quick" else ""))
parts <- list()
for (topic in topics) {
  got <- tryCatch(get(paste0("topic_", topic))(), error = function(e) {
    message("Topic ", topic, " failed: ", conditionMessage(e))
    list(md = paste("failed:", conditionMessage(e)), rows = NULL)
  })
  if (is.null(got)) next
  parts[[topic]] <- got
  # written after each topic, so that a run that is cut short leaves what it has
  md <- c(sprintf("# Benchmarks, %s", Sys.Date()), "", head_lines, if (QUICK) c("", "**Quick run on small stand-ins: shows that the harness works, nothing more.**"))
  for (t in names(parts)) md <- c(md, "", paste("##", titles[[t]]), "", parts[[t]]$md)
  writeLines(md, paste0(stem, ".md"))
  rows <- lapply(parts, `[[`, "rows")
  rows <- rows[!vapply(rows, is.null, NA)]
  columns <- unique(unlist(lapply(rows, names)))
  rows <- lapply(rows, function(r) {
    r[setdiff(columns, names(r))] <- NA
    r[columns]
  })
  all <- do.call(rbind, rows)
  all$date <- as.character(Sys.Date())
  all$clock <- CLOCK
  utils::write.csv(all, paste0(stem, ".csv"), row.names = FALSE)
}
say("written: %s.md, .csv", stem)
