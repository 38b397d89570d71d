#!/usr/bin/env bash
# Schemathesis against the API of the store that was built ($TARGET_DIR/debug/octavo): does every answer keep to the
# document, is everything refused that the document does not allow, is nothing a server error? A demo store with made-up
# orders on SQLite, beside a sandbox for Stripe, each on a free port; the same requests every time.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
cd "$ROOT"

octavo="$TARGET_DIR/debug/octavo"
sandbox="$TARGET_DIR/debug/stripe-sandbox"
for program in "$octavo" "$sandbox"; do
  [ -x "$program" ] || fail "$program is missing: cargo build -p server -p stripe-sandbox"
done
[ -x "$CONTRACT_VENV/bin/python" ] || fail "Schemathesis is missing: scripts/setup.sh python"

work="$(mktemp -d "${TMPDIR:-/tmp}/octavo-contract.XXXXXX")"
pids=()
finish() {
  [ ${#pids[@]} -eq 0 ] || stop "${pids[@]}"
  rm -rf "$work"
}
trap finish EXIT

sandbox_port="$(free_port)"
"$sandbox" --listen "127.0.0.1:$sandbox_port" --log warn >"$work/sandbox.log" 2>&1 &
pids+=($!)
wait_ready "$sandbox_port" /_sandbox/webhooks "$!" "$work/sandbox.log" 20

port="$(free_port)"
url="http://127.0.0.1:$port"
# What one program may ask in a minute is tried elsewhere: here one asks all there is.
sed 's/^api_per_minute = .*/api_per_minute = 65535/; s/^upload_mb = .*/upload_mb = 4/' Leptos.toml >"$work/Leptos.toml"
export OCTAVO_CONFIG="$work/Leptos.toml" OCTAVO_DEMO=1 DATABASE_URL="sqlite://$work/octavo.db" DATA_DIR="$work"
export BASE_URL="$url" LISTEN_ADDR="127.0.0.1:$port" LEPTOS_OUTPUT_NAME=octavo
export SECRET_KEY="a key for the contract of the API" STRIPE_API_BASE="http://127.0.0.1:$sandbox_port"
export STRIPE_SECRET_KEY=sk_test_contract STRIPE_WEBHOOK_SECRET=whsec_contract RUST_LOG="${RUST_LOG:-error}"
export NO_PROXY=127.0.0.1 no_proxy=127.0.0.1
"$octavo" seed --books 60 --orders 240 --until 2026-11-01 >"$work/seed.log" 2>&1 || { tail "$work/seed.log" >&2; exit 1; }
"$octavo" serve >"$work/octavo.log" 2>&1 &
pids+=($!)
wait_ready "$port" /readyz "$!" "$work/octavo.log" 30
token="$("$CONTRACT_VENV/bin/python" end2end/contract/login.py "$url")"

say "$(grep '^schemathesis==' "$CONTRACT_REQUIREMENTS") for $("$CONTRACT_VENV/bin/python" --version)"
export OCTAVO_CONTRACT="$ROOT/end2end/contract"
cd "$work"
status=0
"$CONTRACT_VENV/bin/python" -B -m schemathesis.cli --config-file "$OCTAVO_CONTRACT/schemathesis.toml" \
  run "$url/api/v1/openapi.json" --header "Authorization: Bearer $token" "$@" || status=$?
if [ "$status" -ne 0 ] && [ -s octavo.log ]; then
  say "what the store said:"
  tail -n 30 octavo.log
fi
exit "$status"
