# The formula interface: formula and data to x, y, weights and offset, and again for
# new data. The model frame is that of lm(); the coding of factors is that of make_x().

#' @rdname sparsepath
#' @method sparsepath formula
#' @export
sparsepath.formula <- function(formula, data, ..., weights, subset, na.action, offset, contrasts = c("all", "treatment"),
                               sparse = FALSE) {
  call <- shown_call("sparsepath")
  if (missing(formula)) abort_missing("formula", "Put it first: `sparsepath(y ~ x1 + x2, data)`.", call)
  matched <- match.call()
  model <- read_formula(formula, if (missing(data)) NULL else data, matched, parent.frame(), contrasts, sparse, call)
  intercept <- formula_intercept(model, dots_of(...), call)
  fit <- if (is.null(intercept)) {
    sparsepath.default(model$x, model$y, ..., weights = model$weights, offset = model$offset)
  } else {
    sparsepath.default(model$x, model$y, ..., weights = model$weights, offset = model$offset, intercept = intercept)
  }
  formula_fields(fit, model, stored_call(matched, "sparsepath"))
}

#' @rdname cv.sparsepath
#' @method cv.sparsepath formula
#' @export
cv.sparsepath.formula <- function(formula, data, ..., weights, subset, na.action, offset, foldid, cluster,
                                  contrasts = c("all", "treatment"), sparse = FALSE) {
  call <- shown_call("cv.sparsepath")
  if (missing(formula)) abort_missing("formula", "Put it first: `cv.sparsepath(y ~ x1 + x2, data)`.", call)
  matched <- match.call()
  model <- read_formula(formula, if (missing(data)) NULL else data, matched, parent.frame(), contrasts, sparse, call)
  intercept <- formula_intercept(model, dots_of(...), call)
  arguments <- list(weights = model$weights, offset = model$offset, foldid = model$foldid, cluster = model$cluster)
  if (!is.null(intercept)) arguments$intercept <- intercept
  fit_cv <- function(...) do.call(cv.sparsepath.default, c(list(quote(model$x), quote(model$y)), list(...), arguments))
  cv <- fit_cv(...)
  cv$call <- stored_call(matched, "cv.sparsepath")
  cv$fit <- cv$glmnet.fit <- formula_fields(cv$fit, model, call_of_fit(cv$call))
  cv
}

#' Formula and data to what the default methods take
#'
#' @param matched The matched call; weights, subset, na.action, offset, foldid and cluster
#'   in it are evaluated in `data`, as lm() does.
#' @noRd
read_formula <- function(formula, data, matched, env, contrasts, sparse, call) {
  contrasts <- check_choice(contrasts, c("all", "treatment"), "contrasts", call)
  sparse <- check_flag(sparse, "sparse", call)
  formula <- check_formula(formula, data, call)
  if (is.data.frame(data)) data <- as.data.frame(data)
  frame <- matched[c(1L, match(c("subset", "weights", "na.action", "offset", "foldid", "cluster"), names(matched), 0L))]
  frame[[1L]] <- quote(stats::model.frame)
  frame$formula <- stats::terms(with_survival(formula), specials = "strata", data = if (is.data.frame(data) || is.list(data)) data)
  frame$data <- data
  frame$drop.unused.levels <- TRUE
  frame <- tryCatch(eval(frame, env), error = function(e) {
    if (inherits(e, "sparsepath_error")) stop(e)
    if ("na.action" %in% names(frame)) { # na.fail does not say where
      frame$na.action <- stats::na.pass
      whole <- tryCatch(eval(frame, env), error = function(e) NULL)
      if (!is.null(whole)) check_complete(whole, call)
    }
    sp_abort("formula", "The formula cannot be evaluated.", why = gsub("[[:space:]]+", " ", conditionMessage(e)), call = call, arg = "formula")
  })
  terms <- attr(frame, "terms")
  if (!nrow(frame)) {
    sp_abort("dimension", "No observation is left.", why = "`subset` or `na.action` leaves out all rows.", call = call, arg = "data")
  }
  y <- stats::model.response(frame)
  if (is.null(y)) {
    sp_abort("formula", "The formula must have a response.", how = "Write it as `y ~ x1 + x2`.", call = call, arg = "formula")
  }
  check_complete(frame, call)
  strata <- strata_variables(terms, frame, y, call)
  if (length(strata)) y <- stratify(y, joint_strata(frame[strata]))
  encoding <- formula_encoding(frame, data, contrasts, sparse, call, strata)
  x <- frame_matrix(frame, encoding, sparse, call)
  encoding$columns <- colnames(x)
  encoding$term <- attr(x, "term")
  attr(x, "term") <- NULL
  attr(x, "encoding") <- encoding
  list(
    x = x, y = y, weights = stats::model.weights(frame), offset = stats::model.offset(frame), foldid = frame[["(foldid)"]],
    cluster = frame[["(cluster)"]], terms = terms, na.action = attr(frame, "na.action"), encoding = encoding
  )
}

#' A survival formula knows `Surv()` and `strata()` without the survival package attached
#' @noRd
with_survival <- function(formula) {
  needed <- intersect(c("Surv", "strata"), setdiff(all.names(formula), all.vars(formula)))
  env <- environment(formula) %||% globalenv()
  needed <- needed[!vapply(needed, exists, NA, envir = env, mode = "function")]
  if (!length(needed) || !requireNamespace("survival", quietly = TRUE)) return(formula)
  environment(formula) <- list2env(lapply(structure(needed, names = needed), getExportedValue, ns = "survival"), parent = env)
  formula
}

#' The variables of strata() terms, as the model frame names them
#' @noRd
strata_variables <- function(terms, frame, y, call) {
  at <- attr(terms, "specials")$strata
  if (!length(at) || !is_survival(y)) return(character())
  factors <- attr(terms, "factors")
  names <- rownames(factors)[at]
  together <- colSums(factors[at, , drop = FALSE] > 0) > 0 & colSums(factors > 0) > 1L
  if (any(together)) {
    sp_abort("unavailable", "Interactions with strata are not available.", why = sprintf("The formula has `%s`.", colnames(factors)[together][1L]),
      how = "Use the variable itself in the interaction, and `strata()` as a term of its own.", call = call, arg = "formula"
    )
  }
  names
}

#' One factor of all strata() terms
#' @noRd
joint_strata <- function(strata) {
  if (length(strata) == 1L) return(strata[[1L]])
  interaction(strata, drop = TRUE, sep = ", ", lex.order = TRUE)
}

#' @noRd
deparse_one <- function(v) paste(deparse(v, width.cutoff = 500L, backtick = TRUE), collapse = " ")

#' How the formula makes a matrix, but for the names of its columns
#' @noRd
formula_encoding <- function(frame, data, contrasts, sparse, call, strata = character()) {
  terms <- attr(frame, "terms")
  predictors <- setdiff(rownames(attr(terms, "factors")), c(names(frame)[attr(terms, "response")], strata))
  types <- vapply(frame[predictors], formula_type, "")
  check_formula_types(types, frame, call)
  variables <- formula_variables(terms, data, nrow(frame))
  optional <- NULL # of strata only: predictions do without
  if (length(strata)) {
    needed <- unlist(lapply(attr(terms, "variables")[-(1L:2L)], function(v) if (!deparse_one(v) %in% strata) all.vars(v)))
    optional <- setdiff(variables, needed)
    variables <- setdiff(variables, optional)
  }
  new_encoding(
    kind = "formula", contrasts = contrasts, sparse = sparse, variables = variables, optional = optional,
    terms = terms, xlevels = lapply(frame[predictors[types == "factor"]], function(v) levels(as.factor(v))),
    flags = predictors[types == "logical"], strata = strata, offset = length(attr(terms, "offset")) > 0L,
    argument = !is.null(frame[["(offset)"]]) # offset given as an argument: new data cannot tell it
  )
}

#' Matrix of a formula without a fit, for make_x(); missing values stay
#' @noRd
encode_formula <- function(formula, data, contrasts, sparse, call) {
  formula <- check_formula(formula, data, call)
  data <- as.data.frame(data)
  frame <- tryCatch({
    terms <- stats::delete.response(stats::terms(formula, data = data))
    stats::model.frame(terms, data, na.action = stats::na.pass, drop.unused.levels = TRUE)
  }, error = function(e) {
    sp_abort("formula", "The formula cannot be evaluated.", why = gsub("[[:space:]]+", " ", conditionMessage(e)), call = call, arg = "formula")
  })
  if (!nrow(frame)) sp_abort("dimension", "`data` must have at least one row.", call = call, arg = "data")
  if (length(attr(attr(frame, "terms"), "offset"))) {
    sp_abort("formula", "A matrix has no offset.", how = "Leave `offset()` out here, and give the offset to the fit.", call = call, arg = "formula")
  }
  encoding <- formula_encoding(frame, data, contrasts, sparse, call)
  x <- frame_matrix(frame, encoding, sparse, call)
  encoding$columns <- colnames(x)
  encoding$term <- attr(x, "term")
  attr(x, "term") <- NULL
  attr(x, "encoding") <- encoding
  x
}

#' The data of a fit, as the fit read them
#'
#' For a fit with a formula and a data frame that has the response, everything comes from the formula and from the call:
#' subset, na.action, and weights and offset unless they are given. Otherwise what was given is returned.
#' @return list(x, y, weights, offset)
#' @noRd
data_of_fit <- function(object, x, y, weights, offset, call, arg = "x") {
  given <- list(x = x, y = y, weights = weights, offset = offset)
  if (is.null(object$terms) || !is.data.frame(x) || !is.null(y)) return(given)
  response_in(object, x, call, arg) # for its message
  matched <- object$call
  for (a in intersect(c("subset", "weights", "na.action", "offset"), names(matched))) {
    # a value that the call does not hold, see stored_call()
    if (identical(matched[[a]], as.name(a)) && !a %in% names(x)) matched[[a]] <- NULL
  }
  for (a in c("weights", "offset")) if (!is.null(given[[a]])) matched[[a]] <- given[[a]]
  encoding <- object$encoding
  model <- read_formula(stats::formula(object$terms), x, matched, environment(object$terms), encoding$contrasts, encoding$sparse, call)
  model[c("x", "y", "weights", "offset")]
}

#' The formula, with names that exist
#' @noRd
check_formula <- function(formula, data, call) {
  if (!inherits(formula, "formula")) {
    sp_abort("type", "`formula` must be a formula.", why = sprintf("It is %s.", describe(formula)), call = call, arg = "formula")
  }
  if (!is.null(data) && !is.data.frame(data) && !is.environment(data) && (!is.list(data) || is.null(names(data)))) {
    sp_abort("type", "`data` must be a data frame.", why = sprintf("It is %s.", describe(data)), call = call, arg = "data")
  }
  env <- environment(formula) %||% globalenv()
  known <- if (is.environment(data)) ls(data) else names(data)
  absent <- setdiff(all.vars(formula), c(known, "."))
  absent <- absent[!vapply(absent, exists, NA, envir = env)]
  if (length(absent)) {
    near <- nearest(absent[1L], known)
    sp_abort("names", sprintf("The formula has variables that do not exist."),
      why = sprintf("There is no %s%s.", some_names(absent), if (is.null(data)) "" else " in `data`"),
      how = if (length(near)) sprintf("Did you mean \"%s\"?", near), call = call, arg = "formula", missing = absent
    )
  }
  formula
}

#' @noRd
check_complete <- function(frame, call) {
  bad <- which(vapply(frame, anyNA, NA))
  if (!length(bad)) return(invisible())
  v <- frame[[bad[1L]]]
  row <- which(if (is.null(dim(v)) || inherits(v, "Surv")) is.na(v) else rowSums(is.na(v)) > 0)[1L]
  sp_abort("nonfinite", "The variables of the formula must not have missing values.",
    why = sprintf("NA in `%s`, row %s%s.", names(frame)[bad[1L]], row.names(frame)[row], and_more(length(bad))),
    how = "Use `na.action = na.omit`, or impute the missing values: `make_x(na.impute = TRUE)`.", call = call, arg = "data", variable = names(frame)[bad]
  )
}

#' @noRd
formula_type <- function(v) {
  if (is.factor(v) || is.character(v)) return("factor")
  if (is.logical(v) && is.null(dim(v))) return("logical")
  if (is.numeric(v) && !inherits(v, c("Date", "POSIXt", "difftime", "integer64"))) return("numeric")
  NA_character_
}

#' @noRd
check_formula_types <- function(types, frame, call, arg = "data") {
  if (!anyNA(types)) return(invisible())
  bad <- names(types)[is.na(types)]
  sp_abort("type", sprintf("`%s` has variables that are no numbers, flags or classes.", arg),
    why = sprintf("`%s` is %s%s.", bad[1L], describe(frame[[bad[1L]]]), and_more(length(bad))),
    how = sprintf("Convert it in the formula to the number that is meant, for instance `as.numeric(%s)`.", bad[1L]),
    call = call, arg = arg, variable = bad
  )
}

#' Variables that new data must have: not the constants and functions of the formula
#' @noRd
formula_variables <- function(terms, data, n) {
  variables <- all.vars(stats::delete.response(terms))
  if (is.data.frame(data) || is.list(data)) return(intersect(variables, names(data)))
  env <- if (is.environment(data)) data else environment(terms) %||% globalenv()
  variables[vapply(variables, function(v) NROW(get(v, envir = env)) >= n && n > 1L, NA)]
}

#' Model matrix without the intercept
#' @noRd
frame_matrix <- function(frame, encoding, sparse, call) {
  terms <- stats::delete.response(encoding$terms)
  for (v in encoding$flags) frame[[v]] <- as.double(frame[[v]])
  for (v in names(encoding$xlevels)) {
    levels <- encoding$xlevels[[v]]
    code <- factor(as.character(frame[[v]]), levels = levels)
    coding <- diag(length(levels))
    dimnames(coding) <- list(levels, levels)
    if (encoding$contrasts == "treatment") coding <- coding[, -1L, drop = FALSE]
    attr(code, "contrasts") <- coding
    frame[[v]] <- code
  }
  for (v in encoding$strata) frame[[v]] <- 0 # one column, dropped below
  if (sparse) {
    x <- Matrix::sparse.model.matrix(terms, frame)
    one <- frame[1L, , drop = FALSE] # for the names: those of matrix variables are shortened in a sparse matrix
    attr(one, "terms") <- terms
    named <- stats::model.matrix(terms, one)
    colnames(x) <- colnames(named)
    assign <- attr(named, "assign")
    for (v in rownames(attr(terms, "factors"))) { # where a class is missing, a sparse matrix has zeros
      missing <- which(!stats::complete.cases(frame[[v]]))
      if (length(missing)) x[missing, c(FALSE, attr(terms, "factors")[v, ] > 0)[assign + 1L]] <- NA
    }
  } else {
    x <- stats::model.matrix(terms, frame)
    assign <- attr(x, "assign")
    attr(x, "assign") <- attr(x, "contrasts") <- NULL
  }
  out <- c(0L, match(encoding$strata, attr(terms, "term.labels")))
  if (any(assign %in% out)) x <- x[, !assign %in% out, drop = FALSE]
  if (!ncol(x)) sp_abort("formula", "The formula must have at least one variable.", call = call, arg = "formula")
  attr(x, "term") <- attr(terms, "term.labels")[assign[!assign %in% out]]
  x
}

#' Matrix of new data
#' @noRd
formula_matrix <- function(data, encoding, call, arg, sparse) {
  terms <- stats::delete.response(encoding$terms)
  only_strata <- setdiff(encoding$optional, names(data)) # not needed but for survival curves
  data[only_strata] <- 0
  frame <- tryCatch(stats::model.frame(terms, data, na.action = stats::na.pass), error = function(e) {
    sp_abort("formula", sprintf("The formula of the fit cannot be evaluated in `%s`.", arg),
      why = gsub("[[:space:]]+", " ", conditionMessage(e)), call = call, arg = arg
    )
  })
  for (v in names(encoding$xlevels)) check_levels(frame[[v]], encoding$xlevels[[v]], v, call, arg)
  numbers <- setdiff(rownames(attr(terms, "factors")), c(names(encoding$xlevels), encoding$strata))
  types <- vapply(frame[numbers], formula_type, "")
  check_no_class(frame[numbers], types == "factor" & !is.na(types), call, arg)
  check_formula_types(types, frame, call, arg)
  x <- frame_matrix(frame, encoding, sparse, call)
  attr(x, "term") <- NULL
  if (!identical(colnames(x), encoding$columns)) {
    sp_abort("dimension", sprintf("The formula gives other columns for `%s` than for the data of the fit.", arg),
      why = sprintf("%d columns, not %d.", ncol(x), length(encoding$columns)),
      how = "A function of the formula may depend on the data in a way that cannot be repeated.", call = call, arg = arg
    )
  }
  if (length(encoding$strata) && !length(only_strata)) attr(x, "strata") <- joint_strata(frame[encoding$strata])
  incomplete <- !stats::complete.cases(frame[setdiff(names(frame), if (length(only_strata)) encoding$strata)])
  if (any(incomplete)) attr(x, "incomplete") <- incomplete
  if (encoding$offset && !encoding$argument) attr(x, "offset") <- stats::model.offset(frame)
  x
}

#' Does the formula say anything about the intercept?
#' @return FALSE after `- 1`, otherwise NULL
#' @noRd
formula_intercept <- function(model, dots, call) {
  taken <- intersect(c("x", "y"), names(dots))
  if (length(taken)) {
    sp_abort("unknown_argument", sprintf("`%s` is not expected with a formula.", taken[1L]), call = call, arg = taken[1L])
  }
  if (attr(model$terms, "intercept") == 1L) return(NULL)
  if ("intercept" %in% names(dots)) {
    sp_abort("unknown_argument", "`intercept` is given, and the formula takes the intercept out.",
      how = "Use one of the two.", call = call, arg = "intercept"
    )
  }
  FALSE
}

#' @noRd
formula_fields <- function(fit, model, call) {
  fit$call <- call
  fit$terms <- model$terms
  if (!is.null(model$na.action)) fit$na.action <- model$na.action
  if (!is.null(fit$relaxed)) fit$relaxed$terms <- model$terms
  fit
}

#' Variables of the response of a formula fit
#' @noRd
response_names <- function(object) {
  if (!is.null(object$terms)) all.vars(attr(object$terms, "variables")[[attr(object$terms, "response") + 1L]])
}

#' Response of a formula fit, in other data
#' @return NULL when the object or the data cannot tell
#' @noRd
response_in <- function(object, data, call, arg) {
  if (is.null(object$terms) || !is.data.frame(data)) return(NULL)
  terms <- object$terms
  response <- attr(terms, "variables")[[attr(terms, "response") + 1L]]
  absent <- setdiff(all.vars(response), names(data))
  absent <- absent[!vapply(absent, exists, NA, envir = environment(terms) %||% globalenv())]
  if (length(absent)) {
    sp_abort("names", sprintf("`%s` lacks the response of the fit.", arg), why = sprintf("%s is missing.", some_names(absent)),
      how = "Give the response by itself.", call = call, arg = arg, missing = absent
    )
  }
  y <- eval(response, as.data.frame(data), environment(terms))
  strata <- object$encoding$strata
  if (!length(strata)) return(y)
  # rows without a stratum are incomplete like others: complete_rows()
  with_strata(y, joint_strata(lapply(structure(strata, names = strata), function(v) eval(str2lang(v), as.data.frame(data), environment(terms)))))
}

#' Formula of a fit
#'
#' @param x A fit of [sparsepath()] or [cv.sparsepath()] that was given a formula.
#' @param ... Ignored.
#' @returns The formula, with `.` written out.
#' @examples
#' fit <- sparsepath(mpg ~ . - qsec, mtcars)
#' formula(fit)
#' fit2 <- update(fit, . ~ . + wt:hp, alpha = 0.5)
#' @export
formula.sparsepath <- function(x, ...) {
  if (is.null(x$terms)) {
    sp_abort("data", "The fit has no formula.", why = "It was given `x` and `y`.", call = shown_call("formula"))
  }
  stats::formula(x$terms)
}

#' @rdname formula.sparsepath
#' @method formula cv.sparsepath
#' @export
formula.cv.sparsepath <- function(x, ...) formula.sparsepath(x$fit)
