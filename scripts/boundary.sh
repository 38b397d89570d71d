#!/usr/bin/env bash
# What must never be linked together, shown from cargo's own tree: the browser build
# holds no server crate, and the store holds no Stripe sandbox. And what is optimised
# has no debug assertions, with which the failpoints of shop::failpoint would come.
#
# `cargo tree -i CRATE` answers "did not match any packages" for one absent
# crate, "nothing to print" (and success) for another that some other target
# has, "ambiguous" for a present one with two versions. So we take the list of
# all packages instead, and look for names; any failure of cargo is a failure.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
cd "$ROOT"

# names TREE-ARGUMENTS…: the packages of that tree, one name a line.
names() { cargo tree --locked --quiet --prefix none --format '{p}' "$@" | awk '{ print $1 }' | sort -u; }

# absent WHAT LIST CONTROL CRATE…: none of the crates is in the list. CONTROL
# is one that must be, or the list is not what we think it is.
bad=0
absent() {
  local what=$1 list=$2 control=$3 crate
  shift 3
  grep -qx "$control" <<<"$list" || fail "$what: no $control in it; this check no longer sees the tree"
  for crate in "$@"; do
    if grep -qx "$crate" <<<"$list"; then
      say "$what must not contain $crate" >&2
      bad=1
    fi
  done
  say "$what: $(wc -l <<<"$list") packages, none of: $*"
}

browser="$(names -p frontend --target wasm32-unknown-unknown -e normal,build)"
absent "the browser build" "$browser" leptos \
  diesel diesel_migrations libsqlite3-sys pq-sys tokio axum leptos_axum hyper tower-sessions \
  typst invoice locale icu_decimal icu_datetime icu_experimental reqwest rustls async-stripe object_store comrak ammonia

for target in x86_64-unknown-linux-gnu aarch64-unknown-linux-gnu; do
  store="$(names -p server --target "$target" -e normal,build)"
  # libpq brings OpenSSL, and nobody else may: deny.toml says so.
  absent "the store ($target)" "$store" axum stripe-sandbox openssl native-tls ring
done
if grep -n 'debug-assertions' Cargo.toml; then
  say "Cargo.toml: no profile may set debug-assertions" >&2
  bad=1
fi
exit "$bad"
