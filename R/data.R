#' Gene expression in tumour and normal colon tissue
#'
#' Intensities of 2,000 genes in 40 tumour and 22 normal colon tissue samples,
#' measured with Affymetrix Hum6000 oligonucleotide arrays. The 2,000 genes are
#' those with the highest minimal intensity across the samples, out of about
#' 6,500 on the array.
#'
#' The values are intensities, not logarithms; the usual analysis takes
#' `log2(colon$x)`. Twelve columns are array control features, and the four
#' copies of each of the three controls are exact duplicates of one another: a
#' real example of ties.
#'
#' Some of the normal samples come from patients who also gave a tumour sample.
#' The source does not record the pairs, so cross-validation cannot keep them
#' together, and its error on these data is, if anything, optimistic.
#'
#' @format A list with components
#' \describe{
#'   \item{`x`}{numeric matrix, 62 samples x 2,000 genes: intensities, from 5.8
#'     to 20,903, all positive. Row names `S01` to `S62` number the samples in
#'     the published order; column names are unique.}
#'   \item{`y`}{factor of length 62 with levels `normal` (22) and `tumor` (40).}
#'   \item{`genes`}{data frame with 2,000 rows: `name`, the column name of `x`;
#'     `id`, the identifier of the source, such as `Hsa.37937` (identifiers that
#'     occur several times get suffixes in `name`); `control`, `TRUE` for the 12
#'     control features.}
#' }
#' @source Data set `Colon` of the CRAN package plsgenomics 1.5-3, licence
#'   GPL (>= 2). Three identifiers that had lost their first letters there were
#'   completed; the values are unchanged.
#' @references
#' Alon U, Barkai N, Notterman DA, Gish K, Ybarra S, Mack D, Levine AJ (1999).
#' Broad patterns of gene expression revealed by clustering analysis of tumor
#' and normal colon tissues probed by oligonucleotide arrays. *Proceedings of
#' the National Academy of Sciences of the USA*, 96(12), 6745-6750.
#' \doi{10.1073/pnas.96.12.6745}
#' @examples
#' dim(colon$x)
#' table(colon$y)
#' x <- log2(colon$x)
#' @name colon
#' @docType data
#' @usage colon
#' @keywords datasets
NULL

#' Gene expression and metastasis in 78 patients with breast cancer
#'
#' Log ratios of 4,705 genes in the tumours of 78 patients with lymph-node-negative sporadic breast cancer, and
#' the time to distant metastasis: the patients from whom the 70-gene signature was derived.
#'
#' The patients were chosen by outcome: 34 had metastases within five years, 44 were free of
#' them for at least five. Effects of genes can be estimated from such a sample, but its survival
#' curves are not those of patients in general.
#'
#' @format A list with components
#' \describe{
#'   \item{`x`}{numeric matrix, 78 patients x 4,705 genes: binary logarithms of the expression relative to a pool of
#'     all tumours. Column names are the accession numbers of the source; the genes are those that varied
#'     over the tumours, chosen without the outcome. 106 values, 103 of them of patient `P54`, were imputed in the source.}
#'   \item{`time`}{years to distant metastasis or to the end of follow-up.}
#'   \item{`status`}{1: metastasis (34 patients), 0: censored (44).}
#' }
#' @source Data set `vdv` of the CRAN package randomForestSRC 3.9.0, licence GPL (>= 3), which is the licence of
#'   this package; the values are unchanged.
#' @references
#' van 't Veer LJ, Dai H, van de Vijver MJ, He YD, Hart AAM, Mao M, et al. (2002). Gene expression profiling predicts
#' clinical outcome of breast cancer. *Nature*, 415, 530-536. \doi{10.1038/415530a}
#' @seealso [vandevijver], `vignette("survival")`.
#' @examples
#' fit <- sparsepath(vantveer$x, cbind(time = vantveer$time, status = vantveer$status), family = "cox")
#' summary(fit)
#' @name vantveer
#' @docType data
#' @usage vantveer
#' @keywords datasets
NULL

#' Clinical variables, 70 genes and metastasis in 144 patients with breast cancer
#'
#' Metastasis-free survival of 144 patients with lymph-node-positive breast cancer, five clinical
#' variables, and the expression of the 70 genes of the signature, which was derived from other
#' patients: [vantveer].
#'
#' @format A data frame with 144 rows and 77 variables:
#'
#' * `time`: years to metastasis or death, or to the end of follow-up.
#' * `status`: 1 metastasis or death (48 patients), 0 censored.
#' * `Diam`: diameter of the tumour, a factor: `<=2cm`, `>2cm`.
#' * `N`: number of affected lymph nodes, a factor: `>=4`, `1-3`.
#' * `ER`: oestrogen receptor, a factor: `Negative`, `Positive`.
#' * `Grade`: a factor: `Poorly diff`, `Intermediate`, `Well diff`.
#' * `Age`: age at diagnosis in years.
#' * `TSPYL5` to `C20orf46`: expression of 70 genes.
#' @source Data set `nki70` of the CRAN package penalized 0.9-53, licence GPL (>= 2), which may be passed on under
#'   version 3. `event` is called `status` here, and `Grade` is not ordered; the values are unchanged. The help page there gives
#'   the unit of time as months; follow-up was for years in the reference, and the values go from 0.05 to 17.7.
#' @references
#' van de Vijver MJ, He YD, van 't Veer LJ, Dai H, Hart AAM, Voskuil DW, et al. (2002). A gene-expression signature as a
#' predictor of survival in breast cancer. *New England Journal of Medicine*, 347(25), 1999-2009.
#' \doi{10.1056/NEJMoa021967}
#' @seealso [vantveer], `vignette("survival")`.
#' @examples
#' x <- make_x(vandevijver[-(1:2)], contrasts = "treatment")
#' # the clinical variables come first, and go without penalty
#' clinical <- ncol(make_x(vandevijver[3:7], contrasts = "treatment"))
#' free <- seq_len(ncol(x)) <= clinical
#' fit <- sparsepath(x, vandevijver[c("time", "status")], family = "cox",
#'   penalty.factor = as.numeric(!free))
#' coef(fit, s = fit$lambda[10])[1:10, ]
#' @name vandevijver
#' @docType data
#' @usage vandevijver
#' @keywords datasets
NULL
