# shellcheck shell=bash
# What `make demo` and `make watch` share: a store in $DATA beside a Stripe
# sandbox. Sourced after lib.sh.

PORT="${PORT:-3000}"
SANDBOX_PORT="${SANDBOX_PORT:-12111}"
DATA="${DATA:-$ROOT/data}"
case "$DATA" in /*) ;; *) DATA="$PWD/$DATA" ;; esac
STORE_URL="http://127.0.0.1:$PORT"
SANDBOX_URL="http://127.0.0.1:$SANDBOX_PORT"

# A port in use is said before anything is built or started.
need_ports() {
  [ "$PORT" != "$SANDBOX_PORT" ] || fail "PORT and SANDBOX_PORT are the same ($PORT)"
  if port_taken "$PORT"; then
    fail "port $PORT is in use (is a store running already?). Choose another: make ${MAKE_GOAL:-demo} PORT=3100"
  fi
  if port_taken "$SANDBOX_PORT"; then
    fail "port $SANDBOX_PORT is in use (is a sandbox running already?). Choose another: make ${MAKE_GOAL:-demo} SANDBOX_PORT=12211"
  fi
}

# The store's environment. Secrets are made once per data folder and kept
# there: links and sessions stay valid over restarts.
store_environment() {
  mkdir -p "$DATA/secrets"
  chmod 700 "$DATA/secrets"
  SECRET_KEY="$(kept_secret "$DATA/secrets/secret_key")"
  STRIPE_SECRET_KEY="$(kept_secret "$DATA/secrets/stripe_secret_key" sk_test_)"
  STRIPE_WEBHOOK_SECRET="$(kept_secret "$DATA/secrets/stripe_webhook_secret" whsec_)"
  export SECRET_KEY STRIPE_SECRET_KEY STRIPE_WEBHOOK_SECRET
  export DATABASE_URL="sqlite://$DATA/octavo.db" DATA_DIR="$DATA"
  export BASE_URL="$STORE_URL" LISTEN_ADDR="127.0.0.1:$PORT"
  export STRIPE_API_BASE="$SANDBOX_URL" OCTAVO_DEMO=1
  export RUST_LOG="${RUST_LOG:-info}"
}

# start_sandbox EXECUTABLE: sets sandbox_pid.
start_sandbox() {
  "$1" --listen "127.0.0.1:$SANDBOX_PORT" --webhook-url "$STORE_URL/webhooks/stripe" \
    --webhook-secret "$STRIPE_WEBHOOK_SECRET" --state "$DATA/stripe-sandbox.json" \
    >"$DATA/stripe-sandbox.log" 2>&1 </dev/null &
  sandbox_pid=$!
  local tries=0
  until port_taken "$SANDBOX_PORT"; do
    tries=$((tries + 1))
    if [ "$tries" -gt 100 ] || ! kill -0 "$sandbox_pid" 2>/dev/null; then
      tail -n 30 "$DATA/stripe-sandbox.log" >&2
      fail "the Stripe sandbox did not start; its log: $DATA/stripe-sandbox.log"
    fi
    sleep 0.1
  done
}
