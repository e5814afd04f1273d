# The contestants behind one interface. contestants(d)[[name]] is a list of
#   version   of the package, NULL when it is not installed
#   default   its own setting
#   ladder    settings from loose to tight, for the search of the loosest one that reaches a given accuracy
#   says      how the setting is written in the report
#   supports  function(d): can it take these data?
#   prepare   function(d): what it needs beyond x and y (not timed)
#   fit       function(d, lambda, setting, prep): the timed call, whole and from R
#   take      function(fit, d): list(beta, lambda) on the scale of the data
#
# d is list(name, x, y, family). Every contestant gets the same lambdas; all of them count lambda alike (loss divided by
# n, 1/n standard deviations), except picasso, which divides by n - 1 and gets its lambdas accordingly.

bench_libraries <- function() {
  extra <- Sys.getenv("SPARSEPATH_BENCH_LIB")
  if (nzchar(extra)) .libPaths(c(strsplit(extra, .Platform$path.sep)[[1]], .libPaths()))
}

package_version <- function(package) {
  if (requireNamespace(package, quietly = TRUE)) as.character(utils::packageVersion(package)) else NULL
}

always <- function(d) TRUE
dense_only <- function(d) is.matrix(d$x)
nothing <- function(d) NULL
powers <- function(from, to, by = -1) 10^seq(from, to, by)

contestants <- function() {
  list(
    sparsepath = list(
      version = package_version("sparsepath"), default = 1e-7, ladder = NULL, says = "thresh", supports = always, prepare = nothing,
      fit = function(d, lambda, setting, prep) sparsepath::sparsepath(d$x, d$y, family = d$family, lambda = lambda),
      take = function(fit, d) list(beta = fit$beta, lambda = fit$lambda, passes = fit$passes, own = max(fit$gap))
    ),
    glmnet = list(
      version = package_version("glmnet"), default = 1e-7, ladder = powers(-9, -18), says = "thresh", supports = always, prepare = nothing,
      fit = function(d, lambda, setting, prep) {
        if (setting == 1e-7) return(glmnet::glmnet(d$x, d$y, d$family, lambda = lambda))
        glmnet::glmnet(d$x, d$y, d$family, lambda = lambda, control = list(thresh = setting, maxit = 1e8))
      },
      take = function(fit, d) list(beta = fit$beta, lambda = fit$lambda)
    ),
    biglasso = list(
      version = package_version("biglasso"), default = 1e-7, ladder = powers(-9, -15), says = "eps", supports = dense_only,
      prepare = function(d) bigmemory::as.big.matrix(d$x),
      fit = function(d, lambda, setting, prep) {
        limit <- if (setting == 1e-7) 1000 else 1e7
        biglasso::biglasso(prep, d$y, family = d$family, lambda = lambda, eps = setting, max.iter = limit, ncores = 1)
      },
      take = function(fit, d) list(beta = fit$beta[-1, , drop = FALSE], lambda = fit$lambda)
    ),
    ncvreg = list(
      version = package_version("ncvreg"), default = 1e-4, ladder = powers(-5, -11), says = "eps", supports = dense_only, prepare = nothing,
      fit = function(d, lambda, setting, prep) {
        limit <- if (setting == 1e-4) 10000 else 1e7
        ncvreg::ncvreg(d$x, d$y, family = d$family, penalty = "lasso", lambda = lambda, eps = setting, max.iter = limit, returnX = FALSE)
      },
      take = function(fit, d) list(beta = fit$beta[-1, , drop = FALSE], lambda = fit$lambda)
    ),
    picasso = list(
      version = package_version("picasso"), default = 1e-7, ladder = powers(-9, -17, -2), says = "prec", supports = dense_only, prepare = nothing,
      fit = function(d, lambda, setting, prep) {
        limit <- if (setting == 1e-7) 1000 else 1e6
        scaled <- lambda * sqrt((nrow(d$x) - 1) / nrow(d$x))
        picasso::picasso(d$x, d$y, lambda = scaled, family = d$family, prec = setting, max.ite = limit)
      },
      take = function(fit, d) list(beta = fit$beta, lambda = fit$lambda[seq_len(ncol(fit$beta))] * sqrt(nrow(d$x) / (nrow(d$x) - 1)))
    ),
    adelie = list(
      version = package_version("adelie"), default = 1e-7, ladder = powers(-10, -17), says = "tol", supports = always, prepare = nothing,
      fit = function(d, lambda, setting, prep) {
        glm <- if (d$family == "gaussian") adelie::glm.gaussian(d$y) else adelie::glm.binomial(d$y)
        adelie::grpnet(d$x, glm, lambda = lambda, tol = setting, irls_tol = min(setting, 1e-7), early_exit = FALSE, n_threads = 1)
      },
      take = function(fit, d) {
        co <- stats::coef(fit)
        beta <- as(as(co$betas, "CsparseMatrix"), "generalMatrix")
        list(beta = Matrix::t(beta), lambda = co$lambda)
      }
    )
  )
}
