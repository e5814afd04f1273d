#!/usr/bin/env bash
# Runs every test: generated files, layers and rooms, paths in the documents, the C core, the R package.
#
#   bash tools/test.sh
#
# Installs what is missing first. The last line is `N passed, N failed`; the exit status is 0 when none failed.
. "$(dirname "${BASH_SOURCE[0]}")/setup.sh"
. tools/checks.sh

setup_r
setup_r_packages 'testthat>=3.1.5'
check_registry
check_lint
check_core
install_sparsepath
check_r
finish
