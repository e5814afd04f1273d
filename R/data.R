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
