# Validators of family and response.

#' @noRd
available_families <- c("gaussian", "binomial", "poisson", "cox", "multinomial", "mgaussian")

#' The family as a name, or as a family object that has no name here
#'
#' A two-column response has its successes in the first column for `glm()` and for family objects in glmnet, and in the second
#' one for `family = "binomial"` in glmnet: the name of a family given as an object carries the attribute `counts`.
#' @noRd
check_family <- function(family, call) {
  if (is.character(family) && length(family) > 1L && identical(family[1L], "gaussian")) return("gaussian") # glmnet's default
  if (is.function(family)) family <- tryCatch(family(), error = function(e) family)
  if (inherits(family, "family")) return(check_family_object(family, call))
  if (is.character(family) && length(family) == 1L && !is.na(family)) {
    if (identical(c(family), "binomial") && identical(attr(family, "counts"), "successes first")) return(family)
    found <- pmatch(family, available_families)
    if (!is.na(found)) return(available_families[found])
  }
  check_choice(family, available_families, "family", call)
}

#' @noRd
check_family_object <- function(family, call) {
  needed <- c("linkfun", "linkinv", "mu.eta", "variance", "dev.resids")
  absent <- needed[!vapply(needed, function(f) is.function(family[[f]]), NA)]
  if (length(absent) || !is.character(family$family) || !is.character(family$link)) {
    sp_abort("type", "`family` is not a complete family object.",
      why = if (length(absent)) sprintf("It lacks the functions %s.", and_list(sprintf("`%s`", absent))),
      how = "See `?stats::family`.", call = call, arg = "family"
    )
  }
  canonical <- c(gaussian = "identity", binomial = "logit", poisson = "log")
  name <- family$family
  if (!name %in% names(canonical) || family$link != canonical[[name]]) return(family)
  if (name == "binomial") structure(name, counts = "successes first") else name
}

#' The response in the form the engine uses
#'
#' @return list(y, weights, classnames, classes): numeric response or proportion
#'   of the second class; weights times the number of trials; names of the two
#'   classes; and the class of each row (0/1) or NULL when rows are mixtures. With
#'   several linear predictors y has one column for each, and `predictors` is their number.
#' @noRd
check_y <- function(y, family, n, weights, call, arg = "y") {
  if (identical(family, "cox")) return(check_y_cox(y, n, weights, call, arg))
  if (is_survival(y)) {
    sp_abort("type", sprintf("A survival response needs `family = \"cox\"`."), why = sprintf("The family is %s.", family_label(family)),
      call = call, arg = arg
    )
  }
  if (is.data.frame(y)) y <- if (ncol(y) == 1L) y[[1L]] else as.matrix(y)
  if (is.matrix(y) && ncol(y) == 1L) y <- y[, 1L]
  if (is.list(y)) {
    sp_abort("type", sprintf("`%s` must be a vector, a factor or a matrix.", arg),
      why = sprintf("It is %s.", describe(y)), call = call, arg = arg
    )
  }
  rows <- if (is.null(dim(y))) length(y) else dim(y)[1L]
  if (rows != n) {
    sp_abort("length", sprintf("`%s` must have one value for each of the %d rows of `x`.", arg, n),
      why = sprintf("It has %d.", rows), call = call, arg = arg, value = rows
    )
  }
  if (inherits(family, "family")) return(check_y_object(y, family, weights, call, arg))
  switch(family,
    gaussian = check_y_gaussian(y, weights, call, arg),
    binomial = check_y_binomial(if (identical(attr(family, "counts"), "successes first")) failures_first(y) else y, weights, call, arg),
    poisson = check_y_poisson(y, weights, call, arg),
    multinomial = check_y_multinomial(y, weights, call, arg),
    mgaussian = check_y_mgaussian(y, weights, call, arg)
  )
}

#' @noRd
failures_first <- function(y) if (is.matrix(y) && ncol(y) == 2L) y[, 2:1, drop = FALSE] else y

#' Counts and other numbers from zero on
#' @noRd
check_y_poisson <- function(y, weights, call, arg) {
  y <- check_y_number(y, "\"poisson\"", call, arg)
  labels <- names(y)
  y <- check_numeric(y, arg, call)
  if (any(y < 0)) {
    first <- which(y < 0)[1L]
    sp_abort("range", sprintf("`%s` must not be negative for `family = \"poisson\"`.", arg),
      why = sprintf("It is %s at %s%s.", show_number(y[first]), at_position(first, labels), and_more(sum(y < 0))),
      call = call, arg = arg, position = first, value = y[first]
    )
  }
  list(y = y, weights = weights, classnames = NULL, classes = NULL)
}

#' The response of a family object, as its own `initialize` wants it
#' @noRd
check_y_object <- function(y, family, weights, call, arg) {
  if (family$family %in% c("binomial", "quasibinomial")) return(check_y_binomial(failures_first(y), weights, call, arg))
  y <- check_numeric(check_y_number(y, family_label(family), call, arg), arg, call)
  used <- weights > 0
  problem <- tryCatch({
    suppressWarnings(eval(family$initialize, list(
      y = y[used], weights = weights[used], nobs = sum(used), etastart = NULL, mustart = NULL, start = NULL, offset = NULL
    )))
    NULL
  }, error = conditionMessage)
  if (!is.null(problem)) {
    sp_abort("range", sprintf("`%s` has values that the family does not allow.", arg),
      why = sprintf("%s: %s.", family_label(family), problem), call = call, arg = arg
    )
  }
  list(y = y, weights = weights, classnames = NULL, classes = NULL)
}

#' One column of numbers, not classes
#' @noRd
check_y_number <- function(y, family, call, arg) {
  if (is.factor(y) || is.character(y)) {
    sp_abort("type", sprintf("`%s` must be numeric for `family = %s`.", arg, family),
      why = sprintf("It is %s.", describe(y)), how = "For classes use `family = \"binomial\"` or \"multinomial\".", call = call, arg = arg
    )
  }
  if (is.matrix(y)) {
    sp_abort("unavailable", sprintf("`%s` must be one response for `family = %s`.", arg, family),
      why = sprintf("It has %d columns.", ncol(y)),
      how = if ("status" %in% colnames(y)) "For survival times use `family = \"cox\"`." else "For several numeric responses use `family = \"mgaussian\"`.",
      call = call, arg = arg
    )
  }
  if (is.logical(y)) y + 0 else y
}

#' The mean of the response must have a finite linear predictor
#' @noRd
check_null_model <- function(response, traits, intercept, call) {
  if (has_null_model(response$y, response$weights, traits, intercept)) return(invisible())
  zero <- all(response$y[response$weights > 0] == 0)
  sp_abort(if (zero) "all_zero" else "range", if (zero) "`y` is zero everywhere." else "The mean of `y` has no finite linear predictor.",
    why = sprintf("For `family = %s` the intercept would be infinite.", traits$label %||% sprintf("\"%s\"", traits$name)),
    how = "There is nothing to fit.", call = call, arg = "y"
  )
}

#' @noRd
has_null_model <- function(y, weights, traits, intercept) {
  if (!intercept) return(TRUE)
  if (is.null(traits$linkfun)) return(traits$name != "poisson" || sum(weights * y) > 0)
  eta <- tryCatch(traits$linkfun(sum(weights * y) / sum(weights)), error = function(e) NA_real_)
  length(eta) == 1L && is.finite(eta)
}

#' @noRd
check_y_gaussian <- function(y, weights, call, arg) {
  y <- check_y_number(y, "\"gaussian\"", call, arg)
  list(y = check_numeric(y, arg, call), weights = weights, classnames = NULL, classes = NULL)
}

#' @noRd
check_y_binomial <- function(y, weights, call, arg) {
  if (is.array(y) && !is.matrix(y)) y <- as.vector(y)
  if (is.matrix(y)) return(check_y_counts(y, weights, call, arg))
  if (is.logical(y)) y <- factor(y, levels = c(FALSE, TRUE))
  if (is.factor(y) || is.character(y)) return(check_y_classes(y, weights, call, arg))
  y <- check_numeric(y, arg, call)
  values <- sort(unique(y))
  if (length(values) <= 2L && !(all(values >= 0 & values <= 1) && !all(values %in% c(0, 1)))) {
    if (all(values %in% c(0, 1))) values <- c(0, 1)
    return(check_y_classes(factor(y, levels = values), weights, call, arg))
  }
  if (values[1L] < 0 || values[length(values)] > 1) {
    first <- which(y < 0 | y > 1)[1L]
    sp_abort("range", sprintf("`%s` must have two classes for `family = \"binomial\"`.", arg),
      why = sprintf("It has %d different values; the one at %s is %s.", length(values), at_position(first, names(y)), show_number(y[first])),
      how = c(
        "Allowed: a factor, text or logical vector with two classes, 0/1, proportions between 0 and 1, or a matrix of counts with two columns.",
        if (length(values) > 2L && all(values == round(values))) "For more than two classes use `family = \"multinomial\"`."
      ), call = call, arg = arg, position = first, value = y[first]
    )
  }
  list(y = y, weights = weights, classnames = c("0", "1"), classes = NULL)
}

#' Two classes: factor or text
#' @noRd
check_y_classes <- function(y, weights, call, arg) {
  if (anyNA(y)) {
    first <- which(is.na(y))[1L]
    sp_abort("nonfinite", sprintf("`%s` must not contain missing values.", arg),
      why = sprintf("NA at %s%s.", at_position(first, names(y)), and_more(sum(is.na(y)))), call = call, arg = arg, position = first
    )
  }
  y <- as.factor(y)
  used <- tabulate(y, nlevels(y)) > 0L
  if (sum(used) > 2L) {
    sp_abort("unavailable", sprintf("`%s` must have two classes for `family = \"binomial\"`.", arg),
      why = sprintf("It has %d: %s.", sum(used), some_names(levels(y)[used])),
      how = "For more than two classes use `family = \"multinomial\"`.", call = call, arg = arg
    )
  }
  if (nlevels(y) > 2L) y <- droplevels(y)
  total <- vapply(seq_len(2L), function(k) sum(weights[as.integer(y) == k]), 0)
  if (sum(used) < 2L || any(total == 0)) abort_one_class(levels(y), used, total, call, arg)
  classes <- as.integer(y) - 1L
  list(y = as.double(classes), weights = weights, classnames = levels(y), classes = classes)
}

#' @noRd
abort_one_class <- function(levels, used, total, call, arg) {
  sp_abort("one_class", sprintf("`%s` must have observations of both classes.", arg),
    why = if (sum(used) < 2L) sprintf("All observations are in class \"%s\".", levels[used][1L])
      else sprintf("All observations of class \"%s\" have weight zero.", levels[total == 0][1L]),
    call = call, arg = arg
  )
}

#' @noRd
check_counts <- function(y, call, arg) {
  if (!is.numeric(y) && !is.logical(y)) {
    sp_abort("type", sprintf("`%s` must be a matrix of counts.", arg), why = sprintf("It is %s.", describe(y)), call = call, arg = arg)
  }
  bad <- which(!is.finite(y) | y < 0, arr.ind = TRUE)
  if (nrow(bad)) {
    value <- y[bad[1L, 1L], bad[1L, 2L]]
    sp_abort(if (is.finite(value)) "range" else "nonfinite", sprintf("The counts in `%s` must be finite and not negative.", arg),
      why = sprintf("%s in row %d, column %d%s.", show_number(value), bad[1L, 1L], bad[1L, 2L], and_more(nrow(bad))),
      call = call, arg = arg, position = bad[1L, ]
    )
  }
}

#' Two columns of counts: failures, successes
#' @noRd
check_y_counts <- function(y, weights, call, arg) {
  if (ncol(y) != 2L) {
    sp_abort("dimension", sprintf("`%s` must have two columns of counts for `family = \"binomial\"`.", arg),
      why = sprintf("It has %d columns.", ncol(y)), call = call, arg = arg
    )
  }
  check_counts(y, call, arg)
  classnames <- colnames(y) %||% c("0", "1")
  failures <- as.double(y[, 1L])
  successes <- as.double(y[, 2L])
  trials <- failures + successes
  total <- c(sum(weights * failures), sum(weights * successes))
  if (any(total == 0)) abort_one_class(classnames, total > 0, total, call, arg)
  list(
    y = ifelse(trials > 0, successes / trials, 0), weights = weights * trials,
    classnames = classnames, classes = NULL
  )
}

#' A gaussian response must vary
#' @noRd
check_varies <- function(y, offset, weights, intercept, call) {
  used <- weights > 0
  rest <- if (is.null(offset)) y[used] else y[used] - offset[used]
  size <- max(abs(y[used]), if (!is.null(offset)) abs(offset[used]))
  centre <- if (intercept) rest[1L] else 0
  if (all(abs(rest - centre) <= 8 * .Machine$double.eps * size * !is.null(offset))) {
    sp_abort("constant_y", "`y` is constant.",
      why = sprintf("All its values%s%s are %s.", if (is.null(offset)) "" else " minus `offset`",
        if (all(used)) "" else " with positive weight", show_number(rest[1L])),
      how = "There is nothing to explain: the solution is zero for every lambda.", call = call, arg = "y"
    )
  }
  check_square(rest - centre, call)
}

#' Squares of the response must neither overflow nor vanish
#' @noRd
check_square <- function(r, call) {
  size <- sum(r^2)
  if (is.finite(size) && size > 1e-240 && size < 1e240) return(invisible())
  sp_abort("range", sprintf("`y` has values that are too %s.", if (size > 1) "large" else "small"),
    why = sprintf("The largest is %s: sums of squares are beyond the range of numbers.", show_number(max(abs(r)))),
    how = "Use another unit.", call = call, arg = "y"
  )
}
