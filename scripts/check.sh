#!/usr/bin/env bash
# What can be said about the code without running it.
#
#   scripts/check.sh [fmt|clippy|scripts|types]…      all of them by default
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
cd "$ROOT"

# Every package on its own, with the features that it is really built with:
# `--all-features` would put `ssr` and `hydrate` into one build.
lint() {
  say "clippy $*"
  cargo clippy --locked --quiet "$@" -- -D warnings
}

for what in "${@:-all}"; do
  case "$what" in
    fmt | clippy | scripts | types | all) ;;
    *) fail "unknown check \"$what\" (fmt clippy scripts types)" ;;
  esac
  if [ "$what" = fmt ] || [ "$what" = all ]; then
    cargo fmt --all --check
    cargo fmt --manifest-path fuzz/Cargo.toml --check
    say "fmt: as rustfmt writes it"
  fi
  if [ "$what" = clippy ] || [ "$what" = all ]; then
    # Few invocations: each other set of features compiles the crates below once
    # more. That the store compiles without what its tests need is shown by the
    # build for the browser tests.
    lint -p shop --all-targets
    lint -p shop -p app -p frontend --features app/hydrate --target wasm32-unknown-unknown
    lint -p frontend -p app --features app/hydrate,frontend/split --target wasm32-unknown-unknown
    lint -p shop -p app -p server -p stripe-sandbox -p locale -p invoice --features shop/ssr,app/ssr --all-targets
  fi
  if [ "$what" = scripts ] || [ "$what" = all ]; then
    shellcheck scripts/*.sh .ci/run
    say "shellcheck: nothing to say"
  fi
  if [ "$what" = types ] || [ "$what" = all ]; then
    (cd end2end && npm run --silent check)
    say "end2end: types hold"
  fi
done
