#!/usr/bin/env bash
# The demo: installs what is missing, then sparsepath, then runs tools/demo.R on the gene expression data the package ships.
#
#   bash tools/demo.sh
#
# Everything stays inside this folder: .lib/ (R packages, logs) and demo-output/ (its output and plots).
. "$(dirname "${BASH_SOURCE[0]}")/setup.sh"

setup_r
install_sparsepath
mkdir -p demo-output || die "cannot create demo-output/"
step "demo: lasso path and 10-fold cross-validation on 62 colon samples x 2000 genes"
set -o pipefail
Rs tools/demo.R demo-output 2>&1 | tee demo-output/demo.txt || die "the demo failed"
