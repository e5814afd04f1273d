# Sourced by tools/test.sh and .ci/run after tools/setup.sh: the checks, each of which says its name, counts what passed and
# failed, and shows the output of what failed.

passed=0
failed=0
broken=()
finished=no

# However the script ends, it says how many checks passed, and that it did not get to the end if so.
finish() {
  finished=yes
  if [ "$failed" -gt 0 ]; then
    printf '\nfailed:\n'
    printf '  %s\n' "${broken[@]}"
  fi
  printf '\n%d passed, %d failed\n' "$passed" "$failed"
  [ "$failed" -eq 0 ]
}
trap '[ "$finished" = yes ] || { broken+=("stopped before the end"); failed=$((failed + 1)); finish; exit 1; }' EXIT

ok() { passed=$((passed + ${1:-1})); }
not_ok() {
  failed=$((failed + 1))
  broken+=("$1")
  printf '   FAILED: %s\n' "$1"
}
show() { sed 's/^/   | /' | tail -n "${1:-40}"; }

# check <name> command...: one check; its output is shown when it fails
check() {
  local name=$1 log
  shift
  log=$logs/$(printf %s "$name" | tr -c 'A-Za-z0-9\n' '-').log
  step "$name"
  if "$@" >"$log" 2>&1; then
    ok
  else
    not_ok "$name"
    show <"$log"
    return 1
  fi
}

# check_counted <name> command...: the command reports `N passed, N failed` or `N checks, N failed`, once or several times; a
# line that begins with "total" repeats what was said before. A command that fails without saying so counts as one failure.
check_counted() {
  local name=$1 log status=0 counts p f
  shift
  log=$logs/$(printf %s "$name" | tr -c 'A-Za-z0-9\n' '-').log
  step "$name"
  "$@" >"$log" 2>&1 || status=$?
  counts=$(grep -v -i '^total' "$log" | grep -oE '[0-9]+ (passed|checks), [0-9]+ failed' |
    awk '{p += $1; f += $3} $2 == "checks," {p -= $3} END {print p + 0, f + 0}')
  read -r p f <<<"$counts"
  passed=$((passed + p))
  printf '   %d passed, %d failed\n' "$p" "$f"
  if [ "$f" -gt 0 ]; then
    failed=$((failed + f))
    broken+=("$name")
    grep -vE ', 0 failed|^(gcc|clang|cc|ar|make)' "$log" | show 120
  elif [ "$status" -ne 0 ]; then
    not_ok "$name (exit status $status)"
    show <"$log"
  elif [ "$p" -eq 0 ]; then
    not_ok "$name ran no test"
    show <"$log"
  fi
}

check_registry() { check "generated files are current" Rs tools/registry.R --check; }

check_lint() {
  check "layers and rooms" Rs tools/layers.R
  check "paths named in the documents" Rs tools/docs-paths.R
}

c_tests() { make --no-print-directory -C tests/c "$@"; }
check_core() { check_counted "C core" c_tests test; }
check_r() { check_counted "R package" Rs tools/testthat.R; }

# ---- for .ci/run only ----------------------------------------------------------------------------

warnings=(-O2 -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wno-sign-conversion -Wmissing-prototypes -Wstrict-prototypes
  -Wpointer-arith -Wvla -Werror)

# compile_core compiler flags...: every file of the core on its own
compile_core() {
  local status=0 file
  while read -r file; do
    "$@" "${warnings[@]}" -c "$file" -o /dev/null || status=1
  done < <(find src/core -name '*.c' | LC_ALL=C sort)
  return $status
}
compile_glue() {
  local status=0 file
  for file in src/*.c; do
    gcc -std=gnu11 -O2 -Wall -Wextra -Wshadow -Wno-cast-function-type -Wno-unused-parameter -Werror \
      -I"$(R RHOME)/include" -I"$(Rs -e 'cat(R.home("include"))')" -c "$file" -o /dev/null || status=1
  done
  return $status
}

check_warnings() {
  command -v gcc >/dev/null 2>&1 && {
    check "core compiles without warnings: gcc, C11, OpenMP" compile_core gcc -std=c11 -fopenmp
    check "core compiles without warnings: gcc, C23" compile_core gcc -std=c2x -fopenmp -fsyntax-only
    check "glue compiles without warnings: gcc" compile_glue
  }
  if command -v clang >/dev/null 2>&1; then
    check "core compiles without warnings: clang, C11, serial" compile_core clang -std=c11
  else
    step "clang is not installed: its warnings are not checked"
  fi
}

check_san() { check_counted "C core under AddressSanitizer and UBSan" c_tests san; }
check_tsan() { check_counted "C core under ThreadSanitizer" c_tests tsan; }

# roxygenise <dir>: man/ and NAMESPACE in a copy of the package, from the comments in R/
roxygenise() {
  copy_package "$1" && (cd "$1" && Rs -e 'suppressMessages(roxygen2::roxygenise(load_code = "source"))')
}
roxygen_version() { Rs -e 'cat(as.character(packageVersion("roxygen2")))' 2>/dev/null; }
wanted_roxygen() { sed -n 's/^RoxygenNote: *//p' DESCRIPTION; }

docs_current() {
  local dir status=0
  dir=$(mktemp -d) || return 1
  { roxygenise "$dir" && diff -r "$dir/man" man && diff "$dir/NAMESPACE" NAMESPACE; } || status=1
  rm -rf "$dir"
  [ $status -eq 0 ] || echo 'run `make doc`'
  return $status
}

check_doc() {
  if [ "$(roxygen_version)" = "$(wanted_roxygen)" ]; then
    check "man/ and NAMESPACE are what roxygen2 makes of R/" docs_current
  else
    step "man/ and NAMESPACE not compared: roxygen2 $(wanted_roxygen) is needed, found $(roxygen_version)"
  fi
}

# R CMD build and R CMD check --as-cran, off line. Fails on any ERROR or WARNING; NOTEs are shown.
r_cmd_check() {
  local dir=$1 tarball args=(--as-cran)
  command -v pdflatex >/dev/null 2>&1 || args+=(--no-manual)
  # the tree as it is, so that .Rbuildignore is tested too
  mkdir "$dir/sparsepath" || return 1
  tar -cf - --exclude=./.git --exclude=./.lib --exclude=./demo-output --exclude='*.o' --exclude='*.so' . | tar -xf - -C "$dir/sparsepath"
  cd "$dir" || return 1
  if command -v pandoc >/dev/null 2>&1 && [ -z "$(r_missing knitr rmarkdown)" ]; then
    R CMD build sparsepath || return 1
  else
    echo "knitr, rmarkdown or pandoc missing: without the vignettes"
    R CMD build --no-build-vignettes sparsepath || return 1
    args+=(--ignore-vignettes)
  fi
  tarball=$(echo sparsepath_*.tar.gz)
  ls -l "$tarball"
  if ! command -v qpdf >/dev/null 2>&1; then export R_QPDF=true; fi
  _R_CHECK_CRAN_INCOMING_=false _R_CHECK_CRAN_INCOMING_REMOTE_=false _R_CHECK_FORCE_SUGGESTS_=false _R_CHECK_SYSTEM_CLOCK_=false \
    _R_CHECK_ORPHANED_=false R CMD check "${args[@]}" "$tarball"
  ! grep -qE '(ERROR|WARNING)' <(grep '^Status' sparsepath.Rcheck/00check.log || echo ERROR)
}

check_rcmd() {
  local dir log=$logs/R-CMD-check.log
  dir=$(mktemp -d) || die "no temporary folder"
  step "R CMD build, R CMD check --as-cran"
  if (r_cmd_check "$dir") >"$log" 2>&1; then ok; else
    not_ok "R CMD check"
    grep -q '^Status' "$log" || show 30 <"$log"
  fi
  grep -E '^(Status|-rw)' "$log" | sed 's/^/   /'
  awk '/^\* /{on = / (NOTE|WARNING|ERROR)$/} /^ \[.*ERROR$/{on = 1} on' "$log" | sed 's/^/   /' # the text of each of them
  rm -rf "$dir"
}
