# What the R side knows of a family, in one place: everything else asks family_traits().
#
# A family is a name ("gaussian", "binomial", "poisson", "cox", "multinomial", "mgaussian") or an
# object of class "family". Objects of a canonical pair are the named family; all others are
# evaluated by their own functions, on the main thread.

#' Traits of a family
#'
#' Losses are half the unit deviance up to a term without eta; score and curvature are the
#' derivatives of minus the loss and of its slope in eta. eta may be a matrix, y a vector along its
#' rows.
#'
#' @param family A name or a family object, as check_family() returns it.
#' @return list: `name` (for classes and messages), `text`, `linkinv`, `mu_eta`, `variance`, `loss`,
#'   `deviance` (unit deviance), `score`, `curvature`, `divergence` (Fenchel-Young term of the loss
#'   at eta and dual point `t`, NULL when there is no gap), `measures` (the default first, with the
#'   names printed), `early` (rule for the end of the automatic grid: `fdev` times `factor`, looking
#'   back `span` steps, `relative`: FALSE absolute, TRUE to the deviance ratio, 2 to what it leaves). Family objects: also `family`,
#'   `label`, `linkfun`, `expected` (curvature).
#' @noRd
family_traits <- function(family) {
  if (inherits(family, "family")) return(object_traits(family))
  switch(family, gaussian = gaussian_traits, binomial = binomial_traits, poisson = poisson_traits, cox = cox_traits,
    multinomial = multinomial_traits, mgaussian = mgaussian_traits)
}

#' @noRd
family_name <- function(family) if (inherits(family, "family")) family$family else family

#' How messages name a family
#' @noRd
family_label <- function(family) {
  if (inherits(family, "family")) sprintf("%s(%s)", family$family, family$link) else sprintf("\"%s\"", family)
}

#' @noRd
gaussian_traits <- list(
  name = "gaussian", text = "linear regression",
  linkinv = function(eta) eta,
  mu_eta = function(eta) eta * 0 + 1,
  variance = function(mu) mu * 0 + 1,
  loss = function(eta, y) (y - eta)^2 / 2,
  deviance = function(eta, y) (y - eta)^2,
  score = function(eta, y) y - eta,
  curvature = function(eta, y) eta * 0 + 1,
  divergence = function(eta, y, t) (y - eta - t)^2 / 2,
  measures = c(mse = "Mean-Squared Error", deviance = "Mean-squared Error", mae = "Mean Absolute Error"),
  early = list(relative = TRUE, span = 1L, factor = 1)
)

#' @noRd
binomial_traits <- list(
  name = "binomial", text = "logistic regression",
  linkinv = function(eta) 1 / (1 + exp(-eta)),
  mu_eta = function(eta) stats::plogis(eta) * stats::plogis(-eta),
  variance = function(mu) mu * (1 - mu),
  loss = function(eta, y) -y * log_sigmoid(eta) - (1 - y) * log_sigmoid(-eta),
  deviance = function(eta, y) 2 * pmax(-y * log_sigmoid(eta) - (1 - y) * log_sigmoid(-eta) - entropy(y), 0),
  score = function(eta, y) y - stats::plogis(eta),
  curvature = function(eta, y) stats::plogis(eta) * stats::plogis(-eta),
  divergence = function(eta, y, t) {
    mu <- stats::plogis(eta)
    bernoulli_divergence(y - t - mu, mu, stats::plogis(-eta))
  },
  measures = c(
    deviance = "Binomial Deviance", class = "Misclassification Error", auc = "AUC",
    mse = "Mean-Squared Error", mae = "Mean Absolute Error"
  ),
  early = list(relative = FALSE, span = 1L, factor = 1)
)

#' @noRd
poisson_traits <- list(
  name = "poisson", text = "Poisson regression",
  linkinv = exp,
  mu_eta = exp,
  variance = function(mu) mu,
  loss = function(eta, y) poisson_divergence(y, exp(eta), eta),
  deviance = function(eta, y) 2 * poisson_divergence(y, exp(eta), eta),
  score = function(eta, y) y - exp(eta),
  curvature = function(eta, y) exp(eta),
  divergence = function(eta, y, t) poisson_divergence(pmax(y - t, 0), exp(eta), eta),
  measures = c(deviance = "Poisson Deviance", mse = "Mean-Squared Error", mae = "Mean Absolute Error"),
  early = list(relative = TRUE, span = 4L, factor = 10) # glmnet's rule, for this family only
)

#' The partial likelihood is no sum over observations: `joint` has what depends on all of them, as
#' functions of eta and of what its `data` makes of the problem.
#' @noRd
cox_traits <- list(
  name = "cox", text = "Cox regression",
  linkinv = exp,
  joint = list(data = cox_data, gradient = cox_gradient, loss = cox_loss, newton = newton_cox, divergence = cox_divergence),
  measures = c(deviance = "Partial Likelihood Deviance", C = "C-index"),
  early = list(relative = TRUE, span = 4L, factor = 100) # glmnet's rule, for this family only
)

#' K responses
#' @noRd
mgaussian_traits <- list(
  name = "mgaussian", text = "linear regression of several responses",
  linkinv = function(eta) eta,
  joint = list(data = mgaussian_data, gradient = mgaussian_gradient, loss = mgaussian_loss, newton = fit_mgaussian,
    divergence = mgaussian_divergence),
  measures = c(mse = "Mean-Squared Error", deviance = "Mean-squared Error", mae = "Mean Absolute Error"),
  early = list(relative = 2L, span = 1L, factor = 1)
)

#' K linear predictors: those of the certificate's eta one below the other; in predictions eta is n x K x L
#' @noRd
multinomial_traits <- list(
  name = "multinomial", text = "multinomial regression",
  linkinv = softmax,
  joint = list(data = multinomial_data, gradient = multinomial_gradient, loss = multinomial_loss, newton = newton_multinomial,
    divergence = multinomial_divergence),
  measures = c(
    deviance = "Multinomial Deviance", class = "Misclassification Error", mse = "Mean-Squared Error", mae = "Mean Absolute Error"
  ),
  early = list(relative = FALSE, span = 1L, factor = 1)
)

#' q log(q / m) - q + m without cancellation, m = exp(log_m)
#' @noRd
poisson_divergence <- function(q, m, log_m) {
  q <- q + 0 * log_m
  far <- ifelse(q > 0, q * (log(q) - log_m) - q + m, m)
  u <- (q - m) / m
  near <- is.finite(u) & abs(u) < 1e-2
  u <- u[near]
  # (1 + u) log(1 + u) - u
  far[near] <- m[near] * u^2 * (1 / 2 - u * (1 / 6 - u * (1 / 12 - u * (1 / 20 - u * (1 / 30 - u * (1 / 42 - u / 56))))))
  pmax(far, 0)
}

#' log(1 / (1 + exp(-eta))) without overflow
#' @noRd
log_sigmoid <- function(eta) pmin(eta, 0) - log1p(exp(-abs(eta)))

#' -[y log y + (1 - y) log(1 - y)], zero at 0 and 1
#' @noRd
entropy <- function(y) {
  inside <- y > 0 & y < 1
  h <- y * 0
  h[inside] <- -(y[inside] * log(y[inside]) + (1 - y[inside]) * log1p(-y[inside]))
  h
}

#' KL(Bernoulli(mu + d) || Bernoulli(mu)) without cancellation
#' @noRd
bernoulli_divergence <- function(d, mu, other) {
  # (1 + u) log(1 + u) - u, by its series near zero; 1 at u = -1
  phi <- function(u) {
    far <- ifelse(u <= -1, 1, (1 + u) * suppressWarnings(log1p(u)) - u)
    ifelse(abs(u) < 1e-4, u^2 * (1 / 2 - u / 6 + u^2 / 12), far)
  }
  part <- function(d, m) ifelse(m > 0, m * phi(d / m), ifelse(d > 0, Inf, 0))
  part(d, mu) + part(-d, other)
}

# ---- family objects ----------------------------------------------------------------

#' Traits of a family object
#'
#' The loss is half the unit deviance. Its derivative in eta is -(y - mu) mu' / V(mu). The curvature
#' is the observed one, mu'^2 / V - (y - mu) d(mu' / V)/d eta: with the expected one alone (Fisher
#' scoring) convergence is linear at best.
#' @noRd
object_traits <- function(family) {
  mu_eta <- function(eta) like(family$mu.eta(eta), eta)
  linkinv <- function(eta) like(family$linkinv(eta), eta)
  variance <- function(mu) like(family$variance(mu), mu)
  bend <- link_bend(family)
  unit_deviance <- function(eta, y, mu) {
    d <- suppressWarnings(family$dev.resids(rep_len(y, length(mu)), as.vector(mu), rep_len(1, length(mu)))) # logarithms of invalid means
    d <- like(d, eta)
    d[!(is.finite(d) & is.finite(eta))] <- Inf
    d
  }
  poisson <- family$family == "poisson"
  list(
    name = "glm", family = family, label = family_label(family), text = sprintf("%s regression, %s link", family$family, family$link),
    linkinv = linkinv, linkfun = family$linkfun, mu_eta = mu_eta, variance = variance,
    loss = function(eta, y) unit_deviance(eta, y, linkinv(eta)) / 2,
    deviance = function(eta, y) unit_deviance(eta, y, linkinv(eta)),
    score = function(eta, y) {
      mu <- linkinv(eta)
      (y - mu) * mu_eta(eta) / variance(mu)
    },
    curvature = function(eta, y) {
      mu <- linkinv(eta)
      slope <- mu_eta(eta)
      v <- variance(mu)
      (slope^2 - (y - mu) * (bend(eta, mu, slope) - slope^2 * variance_slope(family, mu) / v)) / v
    },
    expected = function(eta) mu_eta(eta)^2 / variance(linkinv(eta)),
    divergence = NULL,
    measures = c(deviance = "GLM Deviance", if (has_classes(family)) c(class = "Misclassification Error", auc = "AUC"),
      mse = "Mean-Squared Error", mae = "Mean Absolute Error"),
    # glmnet's rules, by the name of the family
    early = list(relative = poisson || family$family == "gaussian", span = if (poisson) 4L else 1L, factor = if (poisson) 10 else 1)
  )
}

#' Does the family model the probability of one of two classes?
#' @noRd
has_classes <- function(family) family_name(family) %in% c("binomial", "quasibinomial", "multinomial")

#' Functions of a family may drop dimensions
#' @noRd
like <- function(value, shape) {
  dim(value) <- dim(shape)
  if (!is.null(dim(shape))) dimnames(value) <- dimnames(shape)
  value
}

#' Second derivative of the inverse link, as a function of eta, mu, mu'
#'
#' Known links in closed form; others by a difference of fourth order of the first derivative, good
#' to about 1e-11.
#' @noRd
link_bend <- function(family) {
  switch(family$link,
    identity = function(eta, mu, slope) 0 * eta,
    log = function(eta, mu, slope) mu,
    inverse = function(eta, mu, slope) 2 / eta^3,
    sqrt = function(eta, mu, slope) 0 * eta + 2,
    `1/mu^2` = function(eta, mu, slope) 0.75 * eta^-2.5,
    logit = function(eta, mu, slope) slope * (stats::plogis(-eta) - stats::plogis(eta)),
    probit = function(eta, mu, slope) -eta * slope,
    cloglog = function(eta, mu, slope) slope * (1 - exp(pmin(eta, 700))),
    cauchit = function(eta, mu, slope) -2 * eta * slope / (1 + eta^2),
    function(eta, mu, slope) difference(family$mu.eta, eta, 1e-3 * pmax(abs(eta), 0.1))
  )
}

#' Derivative of the variance function, exact but for rounding where it is a polynomial up to the
#' fourth degree
#' @noRd
variance_slope <- function(family, mu) difference(family$variance, mu, 1e-3 * pmax(abs(mu), 1e-8))

#' @noRd
difference <- function(f, at, h) {
  near <- f(at + h) - f(at - h)
  far <- f(at + 2 * h) - f(at - 2 * h)
  like((8 * near - far) / (12 * h), at)
}

# ---- what the engine calls ---------------------------------------------------------

#' A family object as functions for the engine
#'
#' They run hundreds of times for a path, so what need not be done each time is not: conditions of user code are taken care
#' of once, by `protect()`, around the call of the engine.
#'
#' @return list(evaluate, link, protect, failure); `evaluate(eta, y, loss)` and `link(mean)` return NULL where the family is not
#'   defined. The loss is left out (NULL) where it is not asked for. `protect(call)`: its value, or list(error = "ehost") when a
#'   function of the family failed; `failure()` then says which, and what it said. Their warnings are muffled.
#' @noRd
engine_family <- function(family) {
  state <- new.env(parent = emptyenv())
  state$busy <- FALSE
  family <- watched_family(family, state)
  linkinv <- family$linkinv
  slope_of <- family$mu.eta
  variance <- family$variance
  bend <- link_bend(family)
  bend_of_variance <- quick_variance_slope(family)
  valideta <- family$valideta
  validmu <- family$validmu
  deviance <- family$dev.resids
  ones <- NULL
  quietly <- function(expr) { # while it runs, conditions are those of the family
    state$busy <- TRUE
    value <- expr
    state$busy <- FALSE
    value
  }
  rows <- function(eta, y, loss) {
    mu <- linkinv(eta)
    if (!all(is.finite(mu)) || (!is.null(valideta) && !isTRUE(valideta(eta))) || (!is.null(validmu) && !isTRUE(validmu(mu)))) return(NULL)
    slope <- slope_of(eta)
    v <- variance(mu)
    rest <- y - mu
    expected <- slope * slope / v
    d <- NULL
    if (loss) {
      if (length(ones) != length(y)) ones <<- rep(1, length(y))
      d <- deviance(y, mu, ones)
      bad <- !(is.finite(d) & is.finite(eta))
      if (any(bad)) d[bad] <- Inf
      d <- d / 2
    }
    list(d, rest * slope / v, expected - rest * (bend(eta, mu, slope) / v - expected * bend_of_variance(mu) / v), expected)
  }
  list(
    evaluate = function(eta, y, loss) quietly(rows(eta, y, loss)),
    link = function(mean) {
      quietly({
        eta <- family$linkfun(mean)
        if (is.finite(eta)) eta
      })
    },
    protect = function(call) {
      state$busy <- FALSE
      withRestarts(
        withCallingHandlers(call,
          warning = function(w) if (state$busy) invokeRestart("muffleWarning"),
          error = function(e) {
            if (!state$busy) return()
            state$failure <- list(fun = state$fun, message = conditionMessage(e))
            invokeRestart("familyFailed")
          }
        ),
        familyFailed = function() list(error = "ehost")
      )
    },
    failure = function() state$failure
  )
}

#' Derivative of the variance function, for the engine
#'
#' Most are polynomials of at most the third degree: its coefficients are read off four values, and tested on others. It serves
#' Newton's metric only: a function that is something else elsewhere costs steps, not accuracy.
#' @noRd
quick_variance_slope <- function(family) {
  slow <- function(mu) variance_slope(family, mu)
  at <- c(0.2, 0.4, 0.6, 0.8)
  test <- c(0.1, 0.3, 0.5, 0.7, 0.9, 1.5, 7, 40)
  if (!is.null(family$validmu)) test <- Filter(function(m) isTRUE(tryCatch(family$validmu(m), error = function(e) FALSE)), test)
  b <- tryCatch(suppressWarnings(solve(outer(at, 0:3, "^"), family$variance(at))), error = function(e) NA)
  if (anyNA(b) || length(b) != 4) return(slow)
  fits <- tryCatch(suppressWarnings({
    v <- family$variance(test)
    length(test) >= 3 && all(abs(drop(outer(test, 0:3, "^") %*% b) - v) <= 1e-9 * (1 + abs(v)))
  }), error = function(e) FALSE)
  if (!isTRUE(fits)) return(slow)
  b[abs(b) < 1e-11 * max(abs(b))] <- 0
  if (b[4] != 0) return(function(mu) b[2] + mu * (2 * b[3] + 3 * b[4] * mu))
  if (b[3] != 0) return(function(mu) b[2] + 2 * b[3] * mu)
  function(mu) b[[2]]
}

#' The family with functions that say which of them runs, and that insist on numbers
#' @noRd
watched_family <- function(family, state) {
  watch <- function(fun) {
    f <- family[[fun]]
    force(fun)
    check <- function(value, size) {
      if (!is.numeric(value) || length(value) != size) stop(sprintf("it returned %s for %d values", describe(value), size))
      as.double(value)
    }
    if (fun == "dev.resids") {
      return(function(y, mu, wt) {
        state$fun <- fun
        check(f(y, mu, wt), length(y))
      })
    }
    function(x) {
      state$fun <- fun
      check(f(x), length(x))
    }
  }
  for (fun in c("linkfun", "linkinv", "mu.eta", "variance", "dev.resids")) family[[fun]] <- watch(fun)
  for (fun in intersect(c("valideta", "validmu"), names(family))) {
    family[[fun]] <- local({
      fun <- fun
      f <- family[[fun]]
      if (is.null(f)) NULL else function(x) {
        state$fun <- fun
        f(x)
      }
    })
  }
  family
}

#' Errors of the engine that only a family object can cause; nothing for the others
#' @noRd
abort_family <- function(out, setup) {
  label <- setup$traits$label
  if (out$error == "ehost") {
    failure <- setup$problem$glm$failure()
    sp_abort("family", sprintf("The function `%s` of the family %s failed.", failure$fun %||% "linkinv", label),
      why = sprintf("It said: %s.", sub("\\.$", "", failure$message %||% "unknown")), call = setup$call, arg = "family", fun = failure$fun
    )
  }
  if (out$error == "edomain") {
    sp_abort("range", sprintf("The family %s is not defined at its null model.", label),
      why = if (setup$problem$intercept) "No intercept makes all means valid with these offsets."
        else "Without an intercept the linear predictor starts at zero (or the offset).",
      how = "Use `intercept = TRUE`, other offsets, or a link that is defined everywhere, such as \"log\".",
      call = setup$call, arg = "family"
    )
  }
}
