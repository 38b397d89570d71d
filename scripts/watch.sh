#!/usr/bin/env bash
# `cargo leptos watch` with the Stripe sandbox beside it: `make watch`.
# Demo books are put in once the store first answers.
#
#   PORT=3000 SANDBOX_PORT=12111 DATA=./data scripts/watch.sh
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
. "$(dirname "${BASH_SOURCE[0]}")/store.sh"

MAKE_GOAL=watch
need_ports
"$ROOT/scripts/setup.sh" wasm apt-build leptos
cd "$ROOT"
cargo build --locked -p stripe-sandbox
store_environment

watch_pid=""
sandbox_pid=""
seeder_pid=""
clean_up() {
  local status=$? ours=()
  trap '' INT TERM
  # cargo-leptos stops the store that it started when it is told to stop.
  # shellcheck disable=SC2086 # any of them may not have been started
  stop $watch_pid $sandbox_pid
  if [ -n "$seeder_pid" ]; then
    mapfile -t ours < <(descendants "$seeder_pid")
    kill -TERM "${ours[@]}" 2>/dev/null || true
  fi
  exit "$status"
}
trap clean_up EXIT
trap 'exit 0' INT TERM

start_sandbox "$TARGET_DIR/debug/stripe-sandbox"

# Plain names instead of hashed ones, so that an edit is served at once; in a
# folder of its own, so that the site that `make demo` and the tests use stays.
export LEPTOS_HASH_FILES=false LEPTOS_SITE_ROOT=target/site-watch LEPTOS_SITE_ADDR="127.0.0.1:$PORT"
export LEPTOS_RELOAD_PORT="${RELOAD_PORT:-3001}"
cargo leptos watch &
watch_pid=$!

(
  until [ "$(http_status "$PORT" /readyz 2>/dev/null)" = 200 ]; do sleep 1; done
  "$TARGET_DIR/debug/octavo" seed --demo || say "watch: the demo books could not be put in"
  say "watch: the store is at $STORE_URL, the Stripe sandbox at $SANDBOX_URL"
) &
seeder_pid=$!

wait -n "$watch_pid" "$sandbox_pid" || true
fail "cargo leptos watch or the Stripe sandbox ended by itself (the sandbox's log: $DATA/stripe-sandbox.log)"
