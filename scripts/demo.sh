#!/usr/bin/env bash
# A store with books in it, and a Stripe to pay at, from nothing: `make demo`.
#
#   PORT=3000 SANDBOX_PORT=12111 DATA=./data scripts/demo.sh
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
. "$(dirname "${BASH_SOURCE[0]}")/store.sh"

MAKE_GOAL=demo
need_ports
started=$SECONDS

say "[1/5] Tools and packages"
"$ROOT/scripts/setup.sh" wasm apt-build leptos

say "[2/5] Building what the browser loads (about 3 minutes the first time)"
"$ROOT/scripts/build-site.sh" demo

say "[3/5] Building the store and the Stripe sandbox (10 to 20 minutes the first time)"
cd "$ROOT"
# Together, so that what both need is compiled once.
cargo build --locked --profile demo -p server -p stripe-sandbox --bins
store="$TARGET_DIR/demo/octavo"
sandbox="$TARGET_DIR/demo/stripe-sandbox"

say "[4/5] Database and demo books in $DATA"
store_environment
export LEPTOS_SITE_ROOT="$SITE_DIR"
"$store" migrate
"$store" seed --demo

say "[5/5] Starting"
store_pid=""
sandbox_pid=""
clean_up() {
  local status=$?
  trap '' INT TERM
  # shellcheck disable=SC2086 # either may not have been started
  stop $store_pid $sandbox_pid
  exit "$status"
}
trap clean_up EXIT
trap 'say ""; say "Stopping."; exit 0' INT TERM

need_ports # building took its time
start_sandbox "$sandbox"
"$store" serve >"$DATA/octavo.log" 2>&1 </dev/null &
store_pid=$!
wait_ready "$PORT" /readyz "$store_pid" "$DATA/octavo.log" 60

cat <<TEXT

  Octavo is open (after $(duration $((SECONDS - started)))).

    The store            $STORE_URL
    The Stripe sandbox   $SANDBOX_URL
    The mail it sends    $STORE_URL/demo/mailbox
    The desk             $STORE_URL/admin (its sign-in shows the login)

  To buy a book: put it into the cart, check out, and pay on the sandbox's page
  with any e-mail address, any name, any future date and CVC, and the card

    4242 4242 4242 4242    is accepted
    4000 0000 0000 0002    is declined
    4000 0025 0000 3155    asks for authentication

  No money moves, nothing leaves this machine. Everything is kept in
    $DATA    (logs: octavo.log, stripe-sandbox.log)

  Ctrl-C stops both.

TEXT

status=0
wait -n "$store_pid" "$sandbox_pid" || status=$?
if kill -0 "$store_pid" 2>/dev/null; then
  tail -n 30 "$DATA/stripe-sandbox.log" >&2
  say "The Stripe sandbox ended by itself (status $status)." >&2
else
  tail -n 30 "$DATA/octavo.log" >&2
  say "The store ended by itself (status $status)." >&2
fi
exit 1
