# Sourced by tools/demo.sh, tools/test.sh and .ci/run: everything that gets a machine ready, and says so step by step.
# Nothing is downloaded when what is needed is already there. Written for bash on Debian and its relatives; with R and a
# compiler already installed it works on any Unix.
#
#   setup_r                      R (>= 4.1) with Matrix, headers, compiler, make, BLAS and LAPACK
#   setup_r_packages name[>=v]   R packages, by apt where that suffices, else from CRAN into the project's library
#   setup_tools cmd:package ...  programs, by apt when root; returns 1 when some are missing afterwards
#   install_sparsepath           the package itself, from a clean copy, into the project's library
#
# The project's library is .lib/<platform>-<R version>/ under the root, ignored by git. Logs are in .lib/log/.

set -u
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd) || exit 1
cd "$root" || exit 1

export PATH="${PATH:-/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin}"
export DEBIAN_FRONTEND=noninteractive TZ="${TZ:-UTC}"
export R_PROFILE_USER=/dev/null # the user's own start-up file has no say in what happens here
if [ -z "${HOME:-}" ]; then # pandoc insists on one
  export HOME=$root/.lib/home
fi
if [ "$(locale charmap 2>/dev/null)" != UTF-8 ]; then export LC_ALL=C.UTF-8; fi
exec </dev/null

step() { printf '== %s\n' "$*"; }
die() {
  printf '\nerror: %s\n' "$1" >&2
  shift
  [ $# -eq 0 ] || printf '  %s\n' "$@" >&2
  exit 1
}

logs=$root/.lib/log
{ mkdir -p "$logs" && [ -w "$logs" ] && [ -w "$root/.lib" ]; } 2>/dev/null || die "cannot write to $root/.lib" "The project's library and logs go there; check the permissions of this folder."

mkdir -p "$HOME" 2>/dev/null

# run_logged <log name> <what, for the error message> command...: quiet when it works, the end of its output when not
run_logged() {
  local log=$logs/$1.log what=$2
  shift 2
  if ! "$@" >"$log" 2>&1; then
    printf '\n--- the last lines of %s\n' "$log" >&2
    tail -n 25 "$log" >&2
    die "$what"
  fi
}

now() { date +%s; }

# ---- apt -----------------------------------------------------------------------------------------

is_root() { [ "$(id -u)" -eq 0 ]; }
has_apt() { command -v apt-get >/dev/null 2>&1 && command -v dpkg-query >/dev/null 2>&1; }
apt_updated=no

apt_get() { apt-get -q -y -o DPkg::Lock::Timeout=300 -o Acquire::Retries=2 -o Acquire::http::Timeout=30 "$@"; }

# try_apt log package...: 0 when they are installed afterwards. Refreshes the package lists once, when needed.
try_apt() {
  local log=$logs/$1.log
  shift
  : >"$log"
  if [ "$apt_updated" = no ] && ! apt-get -s -qq install "$@" >/dev/null 2>&1; then
    apt_get update >>"$log" 2>&1
    apt_updated=yes
  fi
  apt_get install --no-install-recommends "$@" >>"$log" 2>&1 && return 0
  if [ "$apt_updated" = no ]; then # the lists may be older than the mirror
    apt_get update >>"$log" 2>&1
    apt_updated=yes
    apt_get install --no-install-recommends "$@" >>"$log" 2>&1 && return 0
  fi
  return 1
}

# need_apt <what is missing> <how long> package...
need_apt() {
  local what=$1 effort=$2
  shift 2
  local by_hand="apt-get install --no-install-recommends $*"
  has_apt || die "missing: $what. This machine has no apt to install it with." \
    "Install R (>= 4.1) with its headers, a C compiler, make, and the R package Matrix, then run this again."
  is_root || die "missing: $what. Only root can install system packages." "Ask for it, or run:  sudo $by_hand"
  step "installing $what with apt$effort"
  if ! try_apt apt "$@"; then
    printf '\n--- the last lines of %s\n' "$logs/apt.log" >&2
    tail -n 4 "$logs/apt.log" >&2
    die "apt could not install $what." "Is there a network connection? The command was:  $by_hand"
  fi
}

# setup_tools command:package ...
setup_tools() {
  local pair missing=() packages=()
  for pair in "$@"; do
    command -v "${pair%%:*}" >/dev/null 2>&1 || { missing+=("${pair%%:*}"); packages+=("${pair#*:}"); }
  done
  [ ${#missing[@]} -eq 0 ] && return 0
  if is_root && has_apt; then
    step "installing ${missing[*]} with apt"
    try_apt apt-tools "${packages[@]}" && return 0
  fi
  return 1
}

# ---- R -------------------------------------------------------------------------------------------

Rs() { Rscript --no-init-file --no-save --no-restore "$@"; }
debian_r() { [ "$(command -v R)" = /usr/bin/R ] && dpkg-query -W r-base-core >/dev/null 2>&1; }

# Can this R compile and link C against its headers, LAPACK and BLAS?
r_compiles() {
  local dir status=0
  dir=$(mktemp -d) || return 1
  printf '%s\n' '#define USE_FC_LEN_T' '#include <Rinternals.h>' '#include <R_ext/Lapack.h>' \
    'SEXP probe(SEXP x) { int n = 1, info; double a = 1; F77_CALL(dpotrf)("U", &n, &a, &n, &info FCONE); return x; }' >"$dir/probe.c"
  printf '%s\n' 'PKG_LIBS = $(LAPACK_LIBS) $(BLAS_LIBS) $(FLIBS)' >"$dir/Makevars"
  (cd "$dir" && R CMD SHLIB probe.c) >"$logs/probe.log" 2>&1 || status=1
  rm -rf "$dir"
  return $status
}

setup_r() {
  local system=(r-base-core r-base-dev r-cran-matrix libopenblas-dev ca-certificates)
  if ! command -v Rscript >/dev/null 2>&1; then
    need_apt "R, compilers and OpenBLAS" " (about 180 MB, a minute or more)" "${system[@]}"
    command -v Rscript >/dev/null 2>&1 || die "R was installed, but Rscript is not on the PATH: $PATH"
  fi
  local version
  version=$(Rs -e 'cat(as.character(getRversion()))' 2>/dev/null) || die "R is installed but does not start." "Try:  Rscript -e 1"
  case $version in
    [0-3].* | 4.0.*) die "R $version is too old: sparsepath needs R 4.1 or newer." ;;
  esac
  lib=$root/.lib/$(Rs -e 'cat(R.version$platform, paste(R.version$major, sub("[.].*", "", R.version$minor), sep = "."), sep = "-")')
  mkdir -p "$lib" || die "cannot create $lib"
  export R_LIBS="$lib${R_LIBS:+:$R_LIBS}"
  if ! r_compiles; then
    need_apt "compilers, make, R's headers and OpenBLAS" "" r-base-dev libopenblas-dev ca-certificates
    r_compiles || die "R $version cannot compile C code here; see $logs/probe.log"
  fi
  setup_r_packages Matrix
  step "R $version, $(R CMD config CC | awk '{print $1}'), library .lib/${lib##*/}"
}

# Which of name>=version are missing, too old or broken?
r_missing() {
  Rs -e 'for (a in commandArgs(TRUE)) {
    s <- strsplit(a, ">=", fixed = TRUE)[[1]]
    ok <- tryCatch(suppressWarnings(suppressMessages(requireNamespace(s[1], quietly = TRUE))) &&
      (length(s) < 2 || packageVersion(s[1]) >= s[2]), error = function(e) FALSE)
    if (!ok) cat(a, "")
  }' "$@" 2>/dev/null
}

# Is what apt offers for name>=version new enough, as far as one can tell before its lists are fetched?
apt_suffices() {
  local offer
  [ "$1" != "${1%%>=*}" ] || return 0
  offer=$(apt-cache policy "$(deb_name "$1")" 2>/dev/null | awk '/Candidate:/ {print $2}')
  [ -z "$offer" ] || [ "$offer" = "(none)" ] || dpkg --compare-versions "${offer#*:}" ge "${1#*>=}"
}
deb_name() { printf 'r-cran-%s' "${1%%>=*}" | tr '[:upper:]' '[:lower:]'; }

setup_r_packages() {
  local want missing names one deb=()
  want=$(r_missing "$@") || die "R failed while looking for the packages $*"
  [ -z "$want" ] && return 0
  read -ra missing <<<"$want"
  if is_root && has_apt && debian_r; then
    for one in "${missing[@]}"; do if apt_suffices "$one"; then deb+=("$(deb_name "$one")"); fi; done
  fi
  if [ ${#deb[@]} -gt 0 ]; then
    step "installing ${deb[*]} with apt"
    try_apt apt-r "${deb[@]}"
    want=$(r_missing "$@")
    [ -z "$want" ] && return 0
    read -ra missing <<<"$want"
  fi
  step "installing ${missing[*]%%>=*} (R) from CRAN into .lib/${lib##*/} (may take some minutes)"
  # fs, which testthat needs, wants the headers of libuv
  if is_root && has_apt; then try_apt apt-libuv libuv1-dev; fi
  Rs -e 'a <- commandArgs(TRUE); repos <- getOption("repos")
    if (is.null(repos) || "@CRAN@" %in% repos) repos <- c(CRAN = "https://cloud.r-project.org")
    options(timeout = max(600, getOption("timeout")))
    install.packages(a[-1], lib = a[1], repos = repos, Ncpus = max(1L, parallel::detectCores(), na.rm = TRUE))' \
    "$lib" "${missing[@]%%>=*}" >"$logs/cran.log" 2>&1
  want=$(r_missing "$@")
  if [ -n "$want" ]; then
    printf '\n--- from %s\n' "$logs/cran.log" >&2
    grep -E 'cannot open URL|not available|[Ee]rror|ERROR| \* deb:' "$logs/cran.log" | sort -u | tail -n 12 >&2
    names=$(printf '"%s", ' "${missing[@]%%>=*}")
    die "these R packages could not be installed: $want" "Is there a network connection? By hand it would be" \
      "  Rscript -e 'install.packages(c(${names%, }))'" \
      "or, on Debian, as root:  apt-get install$(for one in "${missing[@]}"; do printf ' %s' "$(deb_name "$one")"; done)"
  fi
}

# ---- the package itself --------------------------------------------------------------------------

# The files that make the package, without objects and editor files, one per line.
package_files() {
  local parts=(DESCRIPTION NAMESPACE) d
  for d in R src man data inst vignettes tests NEWS.md README.md LICENSE.md .Rbuildignore; do [ -e "$d" ] && parts+=("$d"); done
  find "${parts[@]}" -type f ! -name '*.o' ! -name '*.so' ! -name '*.d' ! -name '*~' ! -name '.*.sw?' ! -path 'tests/c/build/*' |
    LC_ALL=C sort
}

# copy_package <dir>: a clean copy of the package sources
copy_package() { package_files | tar -cf - -T - | tar -xf - -C "$1"; }

install_sparsepath() {
  local stamp old dir began
  stamp=$( (Rs -e 'cat(R.version.string, "\n")'; R CMD config CC; package_files | tr '\n' '\0' | xargs -0 cksum) | cksum)
  old=$(cat "$lib/sparsepath/installed.stamp" 2>/dev/null)
  if [ "$stamp" = "$old" ]; then
    step "sparsepath is installed and current"
    return 0
  fi
  step "installing sparsepath (compiles C, about half a minute)"
  began=$(now)
  dir=$(mktemp -d) || die "no temporary folder"
  copy_package "$dir" || die "could not copy the sources to $dir"
  if ! (cd "$dir" && MAKEFLAGS="-j$(nproc 2>/dev/null || echo 1)" R CMD INSTALL --no-docs --no-multiarch --no-test-load -l "$lib" .) \
    >"$logs/install.log" 2>&1; then
    rm -rf "$dir"
    grep -E -m 20 'error|ERROR|undefined' "$logs/install.log" >&2
    die "sparsepath could not be installed; the whole log is $logs/install.log"
  fi
  rm -rf "$dir"
  run_logged load "sparsepath was installed but cannot be loaded" Rs -e 'library(sparsepath)'
  printf '%s\n' "$stamp" >"$lib/sparsepath/installed.stamp"
  step "installed in $(($(now) - began)) s"
}
