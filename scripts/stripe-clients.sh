#!/usr/bin/env bash
# Stripe's own clients for Node.js and Python against the sandbox that was built
# ($TARGET_DIR/debug/stripe-sandbox), started here on a free port.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
cd "$ROOT"

sandbox="$TARGET_DIR/debug/stripe-sandbox"
[ -x "$sandbox" ] || fail "$sandbox is missing: cargo build -p stripe-sandbox"
python="$CLIENTS_VENV/bin/python"
[ -x "$python" ] || fail "Stripe's client for Python is missing: scripts/setup.sh python"

work="$(mktemp -d "${TMPDIR:-/tmp}/octavo-clients.XXXXXX")"
pid=""
finish() {
  [ -z "$pid" ] || stop "$pid"
  rm -rf "$work"
}
trap finish EXIT

port="$(free_port)"
"$sandbox" --listen "127.0.0.1:$port" --settle-after 50 --log warn >"$work/log" 2>&1 &
pid=$!
wait_ready "$port" /_sandbox/webhooks "$pid" "$work/log" 20
export STRIPE_SANDBOX_URL="http://127.0.0.1:$port"
export NO_PROXY=127.0.0.1 no_proxy=127.0.0.1

say "stripe $(cat end2end/node_modules/stripe/VERSION) for Node.js $(node --version)"
(cd end2end && node --test --test-reporter=spec clients/)
say "$(grep '^stripe==' "$CLIENTS_REQUIREMENTS") for $("$python" --version)"
"$python" -B end2end/clients/test_stripe.py
