#' Fit a regularization path
#'
#' Computes the lasso or elastic-net solutions of a regression (linear, logistic, multinomial, Poisson, Cox, several
#' responses, or any family object) for
#' a whole grid of lambdas, each with a certificate of how near to the optimum
#' it is. A call to `glmnet()` becomes one of `sparsepath()` by changing the
#' name: arguments, defaults and returned fields are the same wherever the
#' meaning is the same.
#'
#' @section Objective:
#' Observation weights \eqn{w_i} are rescaled to sum to 1, the columns of `x` are
#' centred (with an intercept) and divided by their weighted standard deviations
#' with denominator n (with `standardize`), penalty factors \eqn{v_j} are rescaled to sum to
#' the number of columns, and then
#' \deqn{\min_{\beta_0, \beta} \; \sum_i w_i \, \ell(y_i,\; \beta_0 + o_i + x_i^T\beta) \; + \;
#'   \lambda \sum_j v_j \left[ \alpha |\beta_j| + \frac{1-\alpha}{2} \frac{\beta_j^2}{s_y} \right]}{
#'   minimize  sum_i w_i loss(y_i, b0 + o_i + x_i'b)  +  lambda sum_j v_j [ alpha |b_j| + (1 - alpha)/2 b_j^2 / s_y ]}
#' is solved, with offsets \eqn{o_i}. The loss is minus the log-likelihood up to a constant, per unit of weight:
#' \describe{
#'   \item{`"gaussian"`}{\eqn{(y-\eta)^2/2}}
#'   \item{`"binomial"`}{\eqn{\log(1+e^\eta) - y\eta}}
#'   \item{`"poisson"`}{\eqn{e^\eta - y\eta}}
#'   \item{`"multinomial"`}{\eqn{\log \sum_k e^{\eta_k} - \eta_y}{log sum_k exp(eta_k) - eta_y}, one linear predictor for each class}
#'   \item{`"mgaussian"`}{\eqn{\|y-\eta\|^2/2}{||y - eta||^2 / 2}, one linear predictor for each response}
#'   \item{`"cox"`}{the partial likelihood, which is no sum over observations; no intercept}
#'   \item{family objects}{half the unit deviance}
#' }
#' With `"mgaussian"`, and `"multinomial"` with `type.multinomial = "grouped"`, the coefficients of a variable in all predictors
#' enter or leave together: the penalty has their norm in place of the absolute value. \eqn{s_y} is 1
#' but for `"gaussian"`, where it is the weighted standard deviation of
#' `y` minus the offset (the root mean square without an intercept), which makes
#' an elastic-net path independent of the units of `y`. Coefficients are
#' returned on the original scale of `x`. All of this is what glmnet minimizes,
#' so that converged answers agree coefficient by coefficient.
#'
#' @section Ridge and elastic net:
#' With `alpha = 0` and least squares the solution is a formula: for standardized columns Z (centred, mean square 1), centred y, n observations of
#' equal weight and penalty factors of 1,
#' \deqn{\hat\beta = \left(Z^TZ/n + \frac{\lambda}{s_y} I\right)^{-1} Z^Ty/n}{b = solve(Z'Z / n + lambda / s_y I, Z'y / n)}
#' (Hoerl and Kennard 1970, equation 2.1, with \eqn{k = n\lambda/s_y}). Every coefficient is different from zero, and all move towards zero
#' together as lambda grows.
#'
#' A ridge part makes the coefficients of like columns alike, where the lasso chooses one of them: for two columns with correlation r whose
#' coefficients have one sign,
#' \deqn{|\beta_j - \beta_k| \le \frac{s_y^2 \sqrt{2(1-r)}}{\lambda(1-\alpha)}}{|b_j - b_k| <= s_y^2 sqrt(2 (1 - r)) / (lambda (1 - alpha))}
#' in standardized units (the *grouping effect*: Zou and Hastie 2005, Theorem 1); copies have equal coefficients.
#'
#' @section Cox regression:
#' For a survival response, with \eqn{e_i = w_i e^{\eta_i}}, the loss is
#' \deqn{\sum_g \frac{d_g}{m_g} \sum_{l=0}^{m_g-1} \log\Big(\sum_{i \in R_g} e_i - \frac{l}{m_g} \sum_{i \in D_g} e_i\Big)
#'   - \sum_{i \in D} w_i \eta_i}{sum over g of (d_g / m_g) sum over l < m_g of log(sum of e_i over R_g - (l / m_g) sum of e_i over D_g)
#'   - sum over deaths of w_i eta_i}
#' over the groups g of deaths at one time in one stratum: \eqn{D_g} those who die, \eqn{d_g} their weight, \eqn{R_g} those at risk (of the
#' same stratum, entered before that time, not gone before it), \eqn{m_g = 1} for Breslow's ties and the number of deaths for Efron's (Cox
#' 1972, equation 12; Breslow 1974; Efron 1977). A constant is added that makes the least possible loss zero, so that deviances are those of
#' glmnet. There is no intercept (`intercept` is ignored); columns are centred all the same. Strata are given by
#' [stratify()], or by `strata()` in a formula; entry times by `Surv(start, stop, status)`. Survival curves: [survfit()][survfit.sparsepath].
#'
#' @section Several classes:
#' With `family = "multinomial"` and K classes there are K intercepts and K coefficients for each column, and the
#' probability of class k is \eqn{P_k = e^{\eta_k} / \sum_h e^{\eta_h}} (Friedman et al. 2010, equation 17). The loss of an observation
#' is \eqn{-\sum_k y_k \log P_k}, \eqn{y_k} its share of class k (0 or 1 for a factor), \eqn{s_y} is 1, and the penalty is summed over
#' the classes: each class selects its own variables (`type.multinomial = "ungrouped"`; their equation 18).
#' `exclude`, the limits and a vector `penalty.factor` hold for all K coefficients of a column.
#'
#' The loss does not change when one number is added to all K coefficients of a column, or to all intercepts. So
#' intercepts are returned with sum zero over the classes, and so are the coefficients of a column without penalty. A penalty settles
#' the level of the others: with a ridge part uniquely; by the L1 norm alone their median is zero, and for an even number of classes, where
#' any level between the two middle coefficients is optimal, that of the two which belongs to the first class is set to zero (with factors by class, the median is weighted by them). (glmnet
#' takes the mean of the two instead; fitted probabilities and objective are the same.) With limits, the level is the one that the
#' solver ends at.
#'
#' Two classes give the `"binomial"` model. With the lasso it is the same at the same lambda, with ridge at half the lambda: the
#' difference d of two coefficients costs \eqn{\lambda v [\alpha |d| + (1 - \alpha) d^2 / 4]}.
#'
#' @section Accuracy:
#' For every lambda, `gap` is the duality gap divided by the objective of the
#' null model: the objective of the solution is proven to lie within that
#' distance of the optimum. `kkt` is the largest violation of the optimality
#' conditions over all columns, in units of lambda. `status` is 0 when the gap
#' is at most `thresh` (see [sparsepath.control()]), 1 when it is not, 2 when
#' the limit of rounds was reached; one warning of class
#' `sparsepath_warning_uncertified` names lambdas that missed the promise.
#' Coefficients that are zero are exactly zero. [kkt()] computes certificates
#' independently of the solver. For family objects no dual is known: see there.
#'
#' @section Family objects:
#' `family` may be any object of class `"family"` (see [stats::family()]), such as `Gamma("log")`,
#' `inverse.gaussian()`, `quasipoisson()`, `binomial("probit")`, `poisson("sqrt")`, `gaussian("log")` or
#' `MASS::negative.binomial(2)`, or one of your own. The loss is half its unit deviance. (`gaussian()`,
#' `binomial()` and `poisson()` with their canonical links are the named families.)
#'
#' Its functions are called from the solver, on the main thread whatever `threads` is: slower than a
#' named family, and the same answers for any number of threads. Newton's method uses the observed
#' curvature where it is positive. Means must stay where the family allows them (`valideta`, `validmu`);
#' when the best fit lies at the edge of that region, the points concerned are not certified.
#'
#' Most of these losses have no known dual, and some are not convex. Their solutions have no duality
#' gap (`gap` is `NA`); the certificate is stationarity: `kkt`, the largest violation of the
#' optimality conditions in units of lambda, must be at most `10 * thresh`, 1e-6 by default, and usually is
#' near 1e-11. For a convex loss, such as those of Gamma with link log or inverse, probit and
#' complementary log-log, negative binomial with link log, and Poisson with link sqrt, a stationary point is the optimum;
#' for others, such as `gaussian("log")`, `inverse.gaussian("log")` and `binomial("cauchit")`, it is the end of a
#' path of descent from the null model, as in [stats::glm()].
#'
#' An error in one of the functions becomes an error of class `sparsepath_error_family` that names the
#' function; their warnings are not shown.
#'
#' @section Errors:
#' All errors have class `sparsepath_error` and a more specific one, for instance
#' `sparsepath_error_nonfinite` (missing or infinite values; the message gives
#' the position), `sparsepath_error_length`, `sparsepath_error_range`,
#' `sparsepath_error_type`, `sparsepath_error_unknown_argument` (the message
#' suggests the nearest name), `sparsepath_error_constant_y`,
#' `sparsepath_error_one_class`, `sparsepath_error_corrupt` (a damaged sparse
#' matrix) and `sparsepath_error_unavailable` (not in this version). Nothing is
#' recycled, guessed or dropped in silence.
#'
#' @param x Variables: a numeric matrix, observations in rows; a matrix of any
#'   class of the Matrix package; or a data frame. A double matrix
#'   and a `dgCMatrix` are read where they lie, neither copied nor changed:
#'   centring and scaling are done in the arithmetic. Everything else (integer
#'   and logical matrices, other sparse classes, data frames) is converted once.
#'   In a data frame (tibble, data.table), factors and text become one column of
#'   zeros and ones for each level and logical values 0 and 1, see [make_x()];
#'   dates and the like are refused. Missing and infinite values are errors.
#' @param y Response. For `"gaussian"` a numeric vector. For `"binomial"` a
#'   factor, logical or text vector with two classes (the second level is the
#'   one that is modelled; text is sorted); a numeric vector of 0/1 or of any
#'   two values; proportions between 0 and 1, with the numbers of trials in
#'   `weights`; or a matrix of counts with two columns, the second one being the
#'   class that is modelled (with an object, `binomial()` or `binomial("probit")`, the first column has the
#'   successes, as in [stats::glm()]; both orders are glmnet's, too). For `"poisson"` counts or rates, zero or positive. For
#'   `"multinomial"` a factor, text, logical or numeric vector of classes, or a matrix with one column for each class:
#'   indicators, counts or proportions. Its rows are divided by their sums, which multiply `weights`. A class without
#'   observations is an error (`droplevels()` helps). For `"mgaussian"` a matrix with one column for each response. For
#'   `"cox"` a `Surv` object of the survival package, or a matrix with columns `time` and `status`, or `start`,
#'   `stop` and `status`; with strata, [stratify()], or `strata()` in a formula. For family objects what `glm()` takes.
#' @param family The default `NULL` is `"cox"` for a survival response (`Surv`, [stratify()]) and `"gaussian"` otherwise.
#'   `"gaussian"` (least squares), `"binomial"` (logistic), `"poisson"`, `"multinomial"`, `"mgaussian"`
#'   (several responses), `"cox"`; or a family object of [stats::family()], such as `Gamma(link = "log")`. Objects of a
#'   canonical pair, such as `poisson()`, are the family of that name; all others are evaluated by their own functions, see Family objects.
#' @param weights Observation weights, zero or positive; the default is 1 for
#'   each observation. They are rescaled, so only ratios matter.
#' @param offset A known part of the linear predictor, one value per row (a matrix with one column for each of several linear
#'   predictors). Given here, it is also required for prediction.
#' @param alpha Mix of the penalty, between 0 (ridge) and 1 (lasso, the default,
#'   because its solutions are sparse).
#' @param nlambda Number of lambdas of the automatic grid. 100 steps make
#'   neighbouring solutions alike enough to choose among and cost little.
#' @param lambda.min.ratio Smallest lambda of the automatic grid as a fraction
#'   of the largest, which is the smallest lambda at which every penalized
#'   coefficient is zero (for `alpha` below 0.001, where there is none, that for
#'   `alpha = 0.001`). The default is 0.01 when there are more columns than
#'   rows, because the fit is saturated below, and 0.0001 otherwise.
#' @param lambda Lambdas of your own, zero or positive; sorted in decreasing
#'   order, as glmnet does. All are fitted. The default `NULL` makes the
#'   automatic grid, evenly spaced in log(lambda).
#' @param standardize Divide the columns by their standard deviations, so that
#'   the penalty does not depend on their units? The default is `TRUE` (`FALSE` with [pen_fused()], which compares coefficients as they
#'   are). Columns without variation get coefficient zero.
#' @param intercept Include an (unpenalized) intercept? Default `TRUE`.
#' @param exclude Columns to leave out: numbers, names, or a logical vector; or a function that returns one of these, called as
#'   `exclude(x = , y = , weights = )`. In a cross-validation it is called again with the training rows of every fold, so that a
#'   choice of variables that looks at `y` is validated as part of the method. The fit keeps the columns it chose.
#' @param penalty.factor One factor per column that multiplies lambda; 0 for no
#'   penalty (the variable is always in the model), `Inf` to leave the column
#'   out. The default `NULL` means 1 for all. Factors are rescaled to sum to the
#'   number of columns; columns left out count as 1 in that sum. With `type.multinomial = "ungrouped"` also a matrix, columns of `x` by
#'   classes: a factor for each coefficient, with mean 1.
#' @param lower.limits,upper.limits Limits of the coefficients on the original
#'   scale, one number or one per column, for all coefficients of a column where
#'   it has several; `lower.limits` must be zero or
#'   negative and `upper.limits` zero or positive, so that zero is allowed.
#'   Default: none.
#' @param formula,data Instead of `x` and `y`: a formula as for [stats::lm()], with
#'   interactions, transformations, `.`, and `offset()`; `- 1` takes the intercept out. The
#'   other arguments are those of the default method, except that `weights`,
#'   `offset` and `subset` are evaluated in `data`. Terms and levels
#'   are kept in the fit, so that `predict()` takes a new data frame.
#'   The terms of a formula take memory that grows with the square of their number: with many thousands of variables give
#'   the data frame as `x` instead.
#'   In a survival formula, `Surv(time, status) ~ age + strata(centre)`, `strata()` terms are strata and no variables; neither function
#'   needs the survival package to be attached.
#' @param subset,na.action As in [stats::lm()]: rows to use, and what to do with missing
#'   values. The default leaves incomplete rows out; `print()` says how many.
#' @param contrasts How the formula codes factors: `"all"`, one column for each level
#'   (the default: with a penalty no reference level is needed, and choosing one
#'   changes the fit), or `"treatment"`, without the first level. Logical variables
#'   become 0 and 1.
#' @param sparse Make a sparse matrix from the formula? Worth it with many levels.
#' @param cox.ties With `"cox"`: tied event times by Breslow's approximation (the default, as in glmnet) or Efron's.
#' @param type.multinomial With `"multinomial"`: a penalty on each coefficient (`"ungrouped"`, the default), or on the norm
#'   of a variable's coefficients in all classes (`"grouped"`), so that it is selected for all classes or none.
#' @param control A list from [sparsepath.control()].
#' @param relax Also fit the variables selected at each lambda without penalty? See
#'   [relaxed].
#' @param maxp With `relax`: sets of more than `maxp` variables are not fitted again. The default `NULL`
#'   means n - 3 (n observations with positive weight), as in glmnet: beyond, the fit is saturated.
#' @param standardize.response With `"mgaussian"`: divide each response by its standard deviation (weighted, denominator n), so that
#'   the penalty treats responses of different units alike? Coefficients are returned on the original scale.
#' @param penalty The value of a function `pen_*()`, each with its objective and certificate on its help page: [pen_enet()], the elastic
#'   net of `alpha`; [pen_group()] and [pen_sparse_group()] for groups of variables; [pen_adaptive()], the adaptive lasso, of groups, too; [pen_fused()]
#'   for columns in an order; [pen_mcp()] and [pen_scad()], and for groups [pen_group_mcp()] and [pen_group_scad()], which are
#'   not convex, nor are [pen_cmcp()] and [pen_gel()], which select groups and variables within them.
#'   The default `NULL` is the elastic net; for
#'   `"mgaussian"` and `type.multinomial = "grouped"` it is the group lasso with the coefficients of one variable for all responses
#'   or classes as a group.
#' @param ... Must be empty; a misspelt argument is an error.
#'
#' @returns An object of class `"sparsepath_<family>"`, `"sparsepath"`: a list
#'   that holds no data and no functions (but those of a family object). With L lambdas and p columns:
#' \describe{
#'   \item{`a0`}{intercepts, length L, named `s0`, `s1`, ...; with K linear predictors (`"multinomial"`, `"mgaussian"`) a K x L
#'     matrix; absent for `"cox"`}
#'   \item{`beta`}{coefficients on the original scale, a sparse `dgCMatrix`, p x L; with K linear predictors a list of K of them,
#'     named by the classes or responses}
#'   \item{`df`}{number of nonzero coefficients for each lambda; with several predictors, of columns with a nonzero one}
#'   \item{`dfmat`, `grouped`}{several classes: nonzero coefficients of each, K x L; `type.multinomial = "grouped"`?}
#'   \item{`dim`}{dimensions of `beta`}
#'   \item{`lambda`}{the lambdas, decreasing}
#'   \item{`dev.ratio`}{fraction of (null) deviance explained for each lambda}
#'   \item{`nulldev`}{null deviance, of the model with intercept and offset only}
#'   \item{`npasses`}{rounds of the solver in all}
#'   \item{`jerr`}{0, kept for scripts that look at it}
#'   \item{`offset`}{`TRUE` if an offset was used}
#'   \item{`classnames`}{the classes (binomial, multinomial)}
#'   \item{`call`}{the call, for `update()`; data given by value are replaced by the argument's name}
#'   \item{`nobs`}{number of rows of `x`}
#'   \item{`gap`, `kkt`, `status`}{the certificate of each solution, see Accuracy}
#'   \item{`passes`}{how many times all columns of `x` were read}
#'   \item{`end`}{why the path ended: `"complete"`, or the rule that ended the
#'     automatic grid early (`"devmax"`, `"fdev"`, `"dfmax"`, `"pmax"`; with MCP and SCAD `"stalled"`)}
#'   \item{`family`, `alpha`, `standardize`, `intercept`, `nlambda`, `settings`,
#'     `control`, `varnames`}{what was asked for; `settings` has the exclusions, penalty
#'     factors and limits that were given}
#'   \item{`penalty`}{with `penalty`: that, with what was made from the data}
#'   \item{`local`, `convex.min`}{with MCP and SCAD, of groups too, see [pen_mcp()]}
#'   \item{`likelihood`}{number of observations with positive weight and likelihood of the saturated model, for [logLik()]
#'     (for `"cox"` the number of events)}
#'   \item{`baseline`}{`"cox"`: what [survfit()][survfit.sparsepath] needs. For each stratum the distinct times with the numbers at risk,
#'     of events and of censored patients, and a matrix of events (distinct times) by lambdas with the increments of the baseline hazard}
#'   \item{`trace`}{reference solvers only: what [convergence()] returns}
#'   \item{`encoding`}{how a data frame became a matrix, if it did; with a
#'     formula also `terms` and `na.action`. Terms refer to the environment of the
#'     formula, as in `lm()`}
#' }
#' Methods: [print()][print.sparsepath], [summary()][summary.sparsepath],
#' [coef()][coef.sparsepath], [predict()][predict.sparsepath],
#' [plot()][plot.sparsepath], [fitted()][fitted.sparsepath],
#' [residuals()][residuals.sparsepath], [deviance()][deviance.sparsepath],
#' [logLik()], `AIC()`, `BIC()`, [formula()][formula.sparsepath], `nobs()`, `family()` and `update()`.
#'
#' @references
#' Breslow NE (1974). Covariance analysis of censored survival data. *Biometrics*, 30(1), 89-99. \doi{10.2307/2529620}
#'
#' Cox DR (1972). Regression models and life-tables. *Journal of the Royal Statistical Society B*, 34(2), 187-220.
#' \doi{10.1111/j.2517-6161.1972.tb00899.x}
#'
#' Efron B (1977). The efficiency of Cox's likelihood function for censored data. *Journal of the American Statistical Association*,
#' 72(359), 557-565. \doi{10.1080/01621459.1977.10480613}
#'
#' Friedman J, Hastie T, Tibshirani R (2010). Regularization paths for
#' generalized linear models via coordinate descent. *Journal of Statistical
#' Software*, 33(1), 1-22. \doi{10.18637/jss.v033.i01} (the interface, the grid
#' of lambdas)
#'
#' Hoerl AE, Kennard RW (1970). Ridge regression: biased estimation for
#' nonorthogonal problems. *Technometrics*, 12(1), 55-67.
#' \doi{10.1080/00401706.1970.10488634}
#'
#' Zou H, Hastie T (2005). Regularization and variable selection via the elastic
#' net. *Journal of the Royal Statistical Society B*, 67(2), 301-320.
#' \doi{10.1111/j.1467-9868.2005.00503.x}
#'
#' Osborne MR, Presnell B, Turlach BA (2000). A new approach to variable
#' selection in least squares problems. *IMA Journal of Numerical Analysis*,
#' 20(3), 389-403. \doi{10.1093/imanum/20.3.389} (homotopy)
#'
#' Efron B, Hastie T, Johnstone I, Tibshirani R (2004). Least angle regression.
#' *Annals of Statistics*, 32(2), 407-499. \doi{10.1214/009053604000000067}
#'
#' Tibshirani R, Bien J, Friedman J, Hastie T, Simon N, Taylor J, Tibshirani RJ
#' (2012). Strong rules for discarding predictors in lasso-type problems.
#' *Journal of the Royal Statistical Society B*, 74(2), 245-266.
#' \doi{10.1111/j.1467-9868.2011.01004.x}
#'
#' Fercoq O, Gramfort A, Salmon J (2015). Mind the duality gap: safer rules for
#' the lasso. *Proceedings of the 32nd International Conference on Machine
#' Learning*, PMLR 37, 333-342.
#'
#' @seealso [cv.sparsepath()] to choose lambda, [kkt()] for certificates,
#'   `vignette("gene-expression")`.
#' @examples
#' x <- log2(colon$x)
#' fit <- sparsepath(x, colon$y, family = "binomial")
#' summary(fit)
#'
#' # the genes at one lambda, and the predicted probability of a tumour
#' s <- fit$lambda[40]
#' b <- coef(fit, s = s)
#' b[b[, 1] != 0, ]
#' head(predict(fit, newx = x, s = s, type = "response"))
#' plot(fit)
#'
#' # several classes
#' fit3 <- sparsepath(as.matrix(iris[, 1:4]), iris$Species, family = "multinomial")
#' coef(fit3, s = 0.05)$virginica
#' confusion(fit3, as.matrix(iris[, 1:4]), iris$Species, s = 0.05)
#'
#' # ridge regression is a formula
#' z <- scale(as.matrix(swiss[, -1])) * sqrt(47 / 46) # mean 0, mean square 1
#' y <- swiss$Fertility - mean(swiss$Fertility)
#' ridge <- sparsepath(z, y, alpha = 0, lambda = 5)
#' b <- solve(crossprod(z) / 47 + 5 / sqrt(mean(y^2)) * diag(5), crossprod(z, y) / 47)
#' max(abs(ridge$beta - b))
#'
#' # the grouping effect: of two columns that are nearly the same the lasso takes one, the elastic
#' # net both
#' set.seed(1)
#' twins <- cbind(z, Twin = z[, "Education"] + rnorm(47, sd = 0.05))
#' lasso <- sparsepath(twins, y, lambda = 2)
#' net <- sparsepath(twins, y, alpha = 0.3, lambda = 2)
#' cbind(coef(lasso), coef(net))[c("Education", "Twin"), ]
#'
#' # a formula
#' fit <- sparsepath(len ~ supp * dose, ToothGrowth)
#' predict(fit, newdata = data.frame(supp = "VC", dose = 1), s = 0.1)
#' @export
sparsepath <- function(x, ...) {
  base::UseMethod("sparsepath") # `base::`, or tools take sparsepath.control() for a method
}

#' @rdname sparsepath
#' @method sparsepath default
#' @export
sparsepath.default <- function(x, y, family = NULL, weights = NULL, offset = NULL, alpha = 1, nlambda = 100,
                               lambda.min.ratio = if (n < p) 0.01 else 1e-4, lambda = NULL, standardize = !is_fused(penalty),
                               intercept = TRUE, exclude = NULL, penalty.factor = NULL, lower.limits = -Inf,
                               upper.limits = Inf, cox.ties = c("breslow", "efron"),
                               type.multinomial = c("ungrouped", "grouped"), control = sparsepath.control(),
                               relax = FALSE, maxp = NULL, standardize.response = FALSE, penalty = NULL, ...) {
  call <- shown_call("sparsepath")
  check_dots(dots_of(...), fit_arguments(), call)
  if (!missing(x)) x <- encode_x(x, call)
  n <- if (missing(x)) 0L else NROW(x) # for the default of lambda.min.ratio
  p <- if (missing(x)) 0L else NCOL(x)
  setup <- setup_problem(
    x, y, family, weights, offset, alpha, nlambda, lambda.min.ratio, lambda, standardize, intercept,
    exclude, penalty.factor, lower.limits, upper.limits, cox.ties, type.multinomial, control,
    standardize.response, penalty, call
  )
  relax <- check_flag(relax, "relax", call)
  maxp <- check_maxp(maxp, call)
  out <- run_engine(setup)
  fit <- new_sparsepath(out$tasks[[1L]], out, setup, stored_call(match.call(), "sparsepath"))
  warn_uncertified(fit, call)
  if (relax) add_relaxed(fit, setup, maxp, call) else fit
}
