# Validators of family and response.

#' @noRd
available_families <- c("gaussian", "binomial", "cox")

#' @noRd
check_family <- function(family, call) {
  if (identical(family, c("gaussian", "binomial"))) return("gaussian")
  if (is.character(family) && length(family) == 1L && !is.na(family)) {
    found <- pmatch(family, available_families)
    if (!is.na(found)) return(available_families[found])
  }
  name <- if (inherits(family, "family")) family$family else if (is.character(family) && length(family) == 1L) family
  known <- c("poisson", "multinomial", "mgaussian")
  if (inherits(family, "family") || is.function(family) || (length(name) && name %in% known)) {
    sp_abort("unavailable", "This `family` is not available in this version.",
      why = sprintf("It is %s.", if (inherits(family, "family")) sprintf("a family object (%s)", name) else describe(family)),
      how = "Available: \"gaussian\", \"binomial\" and \"cox\", given as strings.", call = call, arg = "family", value = name
    )
  }
  check_choice(family, available_families, "family", call)
}

#' The response in the form the engine uses
#'
#' @return list(y, weights, classnames, classes): numeric response or proportion
#'   of the second class; weights times the number of trials; names of the two
#'   classes; and the class of each row (0/1) or NULL when rows are mixtures.
#' @noRd
check_y <- function(y, family, n, weights, call, arg = "y") {
  if (family == "cox") return(check_y_cox(y, n, weights, call, arg))
  if (inherits(y, "Surv") || inherits(y, "stratified")) {
    sp_abort("type", sprintf("A survival response needs `family = \"cox\"`."), why = sprintf("The family is \"%s\".", family),
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
  if (family == "gaussian") check_y_gaussian(y, weights, call, arg) else check_y_binomial(y, weights, call, arg)
}

#' @noRd
check_y_gaussian <- function(y, weights, call, arg) {
  if (is.factor(y) || is.character(y)) {
    sp_abort("type", sprintf("`%s` must be numeric for `family = \"gaussian\"`.", arg),
      why = sprintf("It is %s.", describe(y)), how = "For classes use `family = \"binomial\"`.", call = call, arg = arg
    )
  }
  if (is.matrix(y)) {
    sp_abort("unavailable", "Several responses at once are not available in this version.",
      why = sprintf("`%s` has %d columns.", arg, ncol(y)), how = "Fit the columns one by one.", call = call, arg = arg
    )
  }
  if (is.logical(y)) y <- y + 0
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
        if (length(values) > 2L && all(values == round(values))) "More than two classes (multinomial) are not available in this version."
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
      how = "More than two classes (multinomial) are not available in this version.", call = call, arg = arg
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

#' Two columns of counts: failures, successes
#' @noRd
check_y_counts <- function(y, weights, call, arg) {
  if (ncol(y) != 2L) {
    sp_abort("dimension", sprintf("`%s` must have two columns of counts for `family = \"binomial\"`.", arg),
      why = sprintf("It has %d columns.", ncol(y)), call = call, arg = arg
    )
  }
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
}
