#!/usr/bin/env bash
# Installs what is missing and says so; does nothing, quickly, when all is there.
#
#   scripts/setup.sh PART…
#     wasm       rustup's target wasm32-unknown-unknown
#     leptos     cargo-leptos, wasm-bindgen and wasm-opt (built or fetched once,
#                kept in $OCTAVO_TOOLS, keyed by version)
#     apt-build  Debian packages that compiling and running the store needs
#     apt        those, and what the tests need: PostgreSQL, Chromium, …
#     npm        end2end/node_modules
#     python     Debian's python3 with venv; Stripe's client for Python, an
#                SMTP server, Schemathesis and what reads invoices, each in a
#                venv of its own (in $OCTAVO_TOOLS, keyed by its
#                requirements)
#     deny       cargo-deny
#     bench      wrk, nginx, curl: yardsticks and load
#
# Comes from: crates.io, npm, PyPI, Debian's packages, rustup. Nowhere else.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

[ $# -gt 0 ] || { sed -n '2,/^set/{/^#/s/^# \{0,1\}//p}' "$0"; exit 2; }

# --- what to do, one item a line: a function that answers "is it there?" and
# --- one that brings it
items=()
for part in "$@"; do
  case "$part" in
    wasm) items+=(wasm_target) ;;
    leptos) items+=(cargo_leptos wasm_bindgen binaryen) ;;
    apt-build) items+=(apt_build) ;;
    apt) items+=(apt_all) ;;
    npm) items+=(npm_packages) ;;
    python) items+=(apt_python python_client python_mail python_contract python_invoices) ;;
    deny) items+=(cargo_deny) ;;
    bench) items+=(apt_bench) ;;
    *) fail "unknown part \"$part\" (wasm leptos apt-build apt npm python deny)" ;;
  esac
done

# --- rustup ---------------------------------------------------------------
wasm_target_name() { say "Rust's wasm32-unknown-unknown"; }
wasm_target_there() { [ -d "$(rustc --print sysroot)/lib/rustlib/wasm32-unknown-unknown/lib" ]; }
wasm_target_bring() {
  have rustup || fail "rustup is missing: install Rust from https://rustup.rs first"
  say "$1: adding, seconds"
  rustup target add wasm32-unknown-unknown
}

# --- tools built from crates.io ---------------------------------------------
# Nobody waits for these tools, everybody waits for them to be built: no
# optimisation. A half-built tool is never taken for a finished one: the folder
# gets its name at the end.
install_crate() { # NAME VERSION cargo-install-arguments…
  local name=$1 version=$2 work
  shift 2
  work="$(mktemp -d "${TMPDIR:-/tmp}/octavo-$name.XXXXXX")"
  # From an own folder, so that nothing of this project (or of the caller's
  # flags) reaches the tool's build.
  (cd "$work" && quietly "$work/log" Compiling env -u RUSTFLAGS -u CARGO_BUILD_TARGET -u CARGO_ENCODED_RUSTFLAGS \
    CARGO_TARGET_DIR="$work/target" CARGO_INCREMENTAL=0 \
    CARGO_PROFILE_RELEASE_OPT_LEVEL=0 CARGO_PROFILE_RELEASE_DEBUG=false CARGO_PROFILE_RELEASE_LTO=off \
    CARGO_PROFILE_RELEASE_CODEGEN_UNITS=16 CARGO_PROFILE_RELEASE_STRIP=symbols \
    CARGO_RESOLVER_INCOMPATIBLE_RUST_VERSIONS=fallback \
    cargo install --root "$work/root" --version "=$version" "$@" "$name") || exit 1
  rm -rf "${OCTAVO_TOOLS:?}/$name-$version"
  mv "$work/root" "$OCTAVO_TOOLS/$name-$version"
  rm -rf "$work"
}

cargo_leptos_name() { say "cargo-leptos $CARGO_LEPTOS_VERSION"; }
cargo_leptos_there() { [ -x "$OCTAVO_TOOLS/cargo-leptos-$CARGO_LEPTOS_VERSION/bin/cargo-leptos" ]; }
cargo_leptos_bring() {
  say "$1: building, about 8 minutes the first time"
  # Its lock file holds, though some crate in it asks for a newer Rust than it needs.
  install_crate cargo-leptos "$CARGO_LEPTOS_VERSION" --locked --ignore-rust-version --features no_downloads
}

wasm_bindgen_name() { say "wasm-bindgen $WASM_BINDGEN_VERSION (as in Cargo.lock)"; }
wasm_bindgen_there() { [ -x "$OCTAVO_TOOLS/wasm-bindgen-cli-$WASM_BINDGEN_VERSION/bin/wasm-bindgen" ]; }
wasm_bindgen_bring() {
  say "$1: building, about 2 minutes the first time"
  install_crate wasm-bindgen-cli "$WASM_BINDGEN_VERSION"
}

cargo_deny_name() { say "cargo-deny $CARGO_DENY_VERSION"; }
cargo_deny_there() { [ -x "$OCTAVO_TOOLS/cargo-deny-$CARGO_DENY_VERSION/bin/cargo-deny" ]; }
cargo_deny_bring() {
  say "$1: building, about 5 minutes the first time"
  install_crate cargo-deny "$CARGO_DENY_VERSION" --locked
}

# --- wasm-opt from npm ------------------------------------------------------
binaryen_name() { say "wasm-opt (binaryen $BINARYEN_VERSION)"; }
binaryen_there() { [ -e "$OCTAVO_TOOLS/binaryen-$BINARYEN_VERSION/bin/wasm-opt" ]; }
binaryen_bring() {
  local work
  need_node
  say "$1: installing from npm, seconds"
  work="$(mktemp -d "${TMPDIR:-/tmp}/octavo-binaryen.XXXXXX")"
  (cd "$work" && npm install --prefix "$work" --no-save --no-audit --no-fund --loglevel=error "binaryen@$BINARYEN_VERSION")
  ln -s node_modules/.bin "$work/bin"
  chmod 755 "$work"
  rm -rf "${OCTAVO_TOOLS:?}/binaryen-$BINARYEN_VERSION"
  mv "$work" "$OCTAVO_TOOLS/binaryen-$BINARYEN_VERSION"
}

need_node() {
  have npm || fail "Node.js (20 or newer) with npm is missing"
  [ "$(node -p 'Number(process.versions.node.split(".")[0])')" -ge 20 ] || fail "Node.js 20 or newer is needed, this is $(node --version)"
}

# --- npm packages of the end-to-end tests -----------------------------------
npm_packages_name() { say "npm packages of end2end"; }
npm_stamp() { sha256sum "$ROOT/end2end/package.json" "$ROOT/end2end/package-lock.json" | cut -d' ' -f1; }
npm_packages_there() {
  [ -f "$ROOT/end2end/node_modules/.octavo-stamp" ] && [ "$(npm_stamp)" = "$(cat "$ROOT/end2end/node_modules/.octavo-stamp")" ]
}
npm_packages_bring() {
  need_node
  say "$1: npm ci, seconds"
  (cd "$ROOT/end2end" && npm ci --no-audit --no-fund --loglevel=error)
  npm_stamp >"$ROOT/end2end/node_modules/.octavo-stamp"
}

# --- Python packages: a client, a server, a tester -------------------------------
make_venv() { # FOLDER REQUIREMENTS
  # What is half made has another name. (Its python finds itself wherever it stands; its scripts, pip
  # among them, don't, and nobody calls them.)
  rm -rf "${1:?}" "$1.half"
  python3 -m venv "$1.half"
  "$1.half/bin/python" -m pip install --quiet --disable-pip-version-check --no-deps --requirement "$2"
  mv "$1.half" "$1"
}

python_client_name() { say "Stripe's client for Python"; }
python_client_there() { [ -x "$CLIENTS_VENV/bin/python" ]; }
python_client_bring() {
  say "$1: installing from PyPI, seconds"
  make_venv "$CLIENTS_VENV" "$CLIENTS_REQUIREMENTS"
}

python_mail_name() { say "an SMTP server for the tests (aiosmtpd)"; }
python_mail_there() { [ -x "$MAIL_VENV/bin/python" ]; }
python_mail_bring() {
  say "$1: installing from PyPI, seconds"
  make_venv "$MAIL_VENV" "$MAIL_REQUIREMENTS"
}

python_contract_name() { say "Schemathesis, which tries the API"; }
python_contract_there() { [ -x "$CONTRACT_VENV/bin/python" ]; }
python_contract_bring() {
  say "$1: installing from PyPI, seconds"
  make_venv "$CONTRACT_VENV" "$CONTRACT_REQUIREMENTS"
}

python_invoices_name() { say "what reads invoices (factur-x, saxonche)"; }
python_invoices_there() { [ -x "$INVOICES_VENV/bin/python" ]; }
python_invoices_bring() {
  say "$1: installing from PyPI, seconds"
  make_venv "$INVOICES_VENV" "$INVOICES_REQUIREMENTS"
}

# --- Debian packages --------------------------------------------------------
# Asked for by what they bring, so that the same thing from elsewhere counts too.
there_build_essential() { have cc && have c++ && have make; }
there_libssl_dev() { have pkg-config && pkg-config --exists openssl; }
there_pkg_config() { have pkg-config; }
there_postgresql() { have initdb || compgen -G '/usr/lib/postgresql/*/bin/initdb' >/dev/null; }
# The shell is the same browser without windows, and starts twice as fast.
there_chromium_headless_shell() { have chromium-headless-shell || have chromium; }
there_brotli() { have brotli; }
there_poppler_utils() { have pdftotext; }
there_shellcheck() { have shellcheck; }
there_python3() { have python3; }
there_python3_venv() { have python3 && python3 -c 'import ensurepip, venv' 2>/dev/null; }
there_fonts_liberation() { compgen -G '/usr/share/fonts/truetype/liberation*' >/dev/null; }
there_fonts_noto_cjk() { [ -e /usr/share/fonts/opentype/noto/NotoSansCJK-Regular.ttc ]; }
there_qpdf() { have qpdf; }
there_fonts_dejavu_core() { [ -d /usr/share/fonts/truetype/dejavu ]; }

# aws-lc-sys and the bundled SQLite need only a C compiler; the bundled libpq links the system's OpenSSL.
packages_build=(build-essential pkg-config libssl-dev)
packages_python=(python3 python3-venv)
packages_all=("${packages_build[@]}" postgresql chromium-headless-shell fonts-liberation fonts-dejavu-core fonts-noto-cjk brotli poppler-utils qpdf shellcheck)

missing=()
find_missing() {
  local package
  missing=()
  for package in "$@"; do "there_${package//-/_}" || missing+=("$package"); done
  [ ${#missing[@]} -eq 0 ]
}

apt_build_name() { say "Debian packages to build with"; }
apt_build_there() { find_missing "${packages_build[@]}"; }
apt_build_bring() { apt_install "$1"; find_missing "${packages_build[@]}" || fail "still missing: ${missing[*]}"; }
apt_all_name() { say "Debian packages to build and test with"; }
apt_all_there() { find_missing "${packages_all[@]}"; }
apt_all_bring() { apt_install "$1"; find_missing "${packages_all[@]}" || fail "still missing: ${missing[*]}"; }

apt_python_name() { say "Debian packages for Python"; }
apt_python_there() { find_missing "${packages_python[@]}"; }
apt_python_bring() { apt_install "$1"; find_missing "${packages_python[@]}" || fail "still missing: ${missing[*]}"; }

there_wrk() { have wrk; }
there_nginx() { have nginx || [ -x /usr/sbin/nginx ]; }
there_curl() { have curl; }
packages_bench=(wrk nginx curl)
apt_bench_name() { say "Debian packages to measure with"; }
apt_bench_there() { find_missing "${packages_bench[@]}"; }
apt_bench_bring() { apt_install "$1"; find_missing "${packages_bench[@]}" || fail "still missing: ${missing[*]}"; }

apt_install() {
  local try
  have apt-get || fail "this machine has no apt-get: please install what these Debian packages hold: ${missing[*]}"
  say "$1: installing ${missing[*]}, a minute or two"
  # The lists have a lock of their own that apt doesn't wait for.
  for try in 1 2 3 4 5 6 7 8 9 10 11 12; do
    as_root apt-get -q update >"$apt_log" 2>&1 && break
    if [ "$try" -eq 12 ] || ! grep -q 'Could not get lock' "$apt_log"; then
      tail -n 20 "$apt_log" >&2
      fail "apt-get update failed"
    fi
    say "      waiting for another apt-get to finish"
    sleep 10
  done
  as_root env DEBIAN_FRONTEND=noninteractive apt-get -q -y -o DPkg::Lock::Timeout=900 -o Acquire::Retries=3 \
    install --no-install-recommends "${missing[@]}" >"$apt_log" 2>&1 </dev/null ||
    { tail -n 30 "$apt_log" >&2; fail "apt-get install failed"; }
  rm -f "$apt_log"
}
apt_log="${TMPDIR:-/tmp}/octavo-apt.$$.log"

# --- go -----------------------------------------------------------------------
have cargo || fail "cargo is missing: install Rust from https://rustup.rs first"
[ -n "$WASM_BINDGEN_VERSION" ] || fail "Cargo.lock names no wasm-bindgen"

wanting=()
for item in "${items[@]}"; do "${item}_there" || wanting+=("$item"); done
if [ ${#wanting[@]} -eq 0 ]; then
  say "setup: all there ($*)"
  exit 0
fi

# Two set-ups at a time would build the same tool twice: the second one waits.
mkdir -p "$OCTAVO_TOOLS"
exec 9>"$OCTAVO_TOOLS/.lock"
if have flock; then
  flock -n 9 || { say "setup: waiting for another set-up on this machine to finish"; flock 9; }
fi

n=0
for item in "${wanting[@]}"; do
  n=$((n + 1))
  label="[$n/${#wanting[@]}] $("${item}_name")"
  started=$SECONDS
  if "${item}_there"; then
    say "$label: there by now"
  else
    "${item}_bring" "$label" 9>&-
    say "$label: done in $(duration $((SECONDS - started)))"
  fi
done
