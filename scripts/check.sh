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
    say "fmt: as rustfmt writes it"
  fi
  if [ "$what" = clippy ] || [ "$what" = all ]; then
    wasm=(--target wasm32-unknown-unknown)
    lint -p shop --all-targets
    lint -p shop "${wasm[@]}"
    lint -p shop --features ssr --all-targets
    lint -p app --features ssr --all-targets
    lint -p app --features hydrate "${wasm[@]}"
    lint -p frontend "${wasm[@]}"
    # First as it is shipped, then with its tests: what the tests need must not
    # be what makes the store compile.
    lint -p server
    lint -p server --all-targets
    lint -p stripe-sandbox
    lint -p stripe-sandbox --all-targets
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
