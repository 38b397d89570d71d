#!/usr/bin/env bash
# What takes too long for `make test`, and what is a matter of time rather than of
# right and wrong: `make soak`. About half an hour on two cores, and as long again
# to build what is not built yet.
#
#   SOAK_KILLS=200 SOAK_PURCHASES=1000 SOAK_TIMINGS=500 SOAK_SECONDS=10 SOAK_ROUNDS=6 SOAK_PROFILE=demo scripts/soak.sh
#
#   row 7   the store's process is killed at SOAK_KILLS random moments and at each
#           failpoint, on SQLite and on PostgreSQL (a debug build: only that has
#           failpoints)
#   row 8   SOAK_PURCHASES purchases while Stripe fails in every way, both databases
#   row 27  SOAK_TIMINGS requests for the library of an address that has bought and as
#           many of one that has not, in turns, alone on the machine, both databases
#   row 18  the catalogue's 99th percentile while a fifth of the requests to Stripe
#           fails, beside the same without failures, in SOAK_ROUNDS turns
#   row 42  webhooks while four times as many pages are asked for as can be made
#
# Prints a table, and fails if a figure misses.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
cd "$ROOT"

kills="${SOAK_KILLS:-200}"
purchases="${SOAK_PURCHASES:-1000}"
timings="${SOAK_TIMINGS:-500}"
seconds="${SOAK_SECONDS:-10}"
rounds="${SOAK_ROUNDS:-6}"
profile="${SOAK_PROFILE:-demo}"
[ "$(nproc)" -ge 2 ] || fail "needs two cores: one for the store, one for the load"
# 2 048 connections on either side.
ulimit -n 8192 2>/dev/null || fail "needs 8192 open files: ulimit -n"

say "[1/5] Packages"
scripts/setup.sh apt

say "[2/5] Building the tests, and the store with profile $profile"
scripts/host-tests.sh --no-run --test it
cargo build --locked --profile "$profile" -p server -p stripe-sandbox \
  --bin octavo --bin stripe-sandbox --example bench
case "$profile" in dev) folder=debug ;; *) folder=$profile ;; esac
octavo="$TARGET_DIR/$folder/octavo"
sandbox="$TARGET_DIR/$folder/stripe-sandbox"
bench="$TARGET_DIR/$folder/examples/bench"
if [ "$profile" != dev ] && grep -qa OCTAVO_ABORT_AT "$octavo"; then fail "profile $profile has failpoints in it"; fi

missed=0
rows=()
row() { # WHAT FIGURE GOAL STATUS
  local verdict=holds
  [ "$4" -eq 0 ] || { verdict=MISSED; missed=1; }
  rows+=("| $1 | $2 | $3 | $verdict |")
  say "      $1: $2 (goal: $3): $verdict"
}

data="$(mktemp -d "${TMPDIR:-/tmp}/octavo-soak.XXXXXX")"
pids=()
clean_up() {
  local status=$?
  trap '' INT TERM
  stop "${pids[@]}"
  [ "$status" -ne 0 ] || rm -rf "$data"
  exit "$status"
}
trap clean_up EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

say "[3/5] $kills kills, each failpoint and $purchases purchases at a bad Stripe, on both databases"
started=$SECONDS
# Four tests at once: they wait most of the time.
faults() {
  OCTAVO_TEST_KILLS="$kills" OCTAVO_TEST_REFUND_KILLS="$((kills / 2))" OCTAVO_TEST_PURCHASES="$purchases" scripts/with-postgres.sh \
    scripts/host-tests.sh --test it -- --nocapture --test-threads 4 row_7_ row_8_purchases
}
status=0
faults 2>&1 | tee "$data/faults.log" | awk '
  /^soak: / { sub(/^soak: /, "      "); print; fflush() }
  /panicked at|^assertion|^  left|^ right/ { print; fflush() }' || status=$?
[ "$status" -eq 0 ] || tail -n 60 "$data/faults.log" >&2
# How each test came out; with --nocapture its result may stand after what it printed.
failed() { grep -c "^    $1\$" "$data/faults.log" || true; }
for database in sqlite postgres; do
  for test in \
    "kills::row_7_killed_at_random_it_loses_and_doubles_nothing|row 7, $kills random kills|nothing acknowledged is lost or doubled" \
    "kills::row_7_killed_at_each_failpoint_it_goes_on_where_it_was|row 7, a kill at each failpoint|it goes on where it was" \
    "kills::later::row_7_killed_at_each_failpoint_of_[a-z_]*|row 7, a kill at each one of mail, refunds, disputes|the same" \
    "bad_stripe::row_8_purchases_through_every_fault_at_once_all_become_orders|row 8, $purchases purchases at a bad Stripe|paid sessions = succeeded orders"; do
    name="${test%%|*}" rest="${test#*|}"
    if [ "$status" -eq 0 ]; then
      row "${rest%%|*} ($database)" "passed" "${rest#*|}" 0
    else
      broken="$(failed "$name::$database")"
      row "${rest%%|*} ($database)" "$([ "$broken" -eq 0 ] && echo "see the log" || echo failed)" "${rest#*|}" 1
    fi
  done
done
say "      after $(duration $((SECONDS - started)))"

say "[4/5] 2 × $timings requests for libraries, on one database after the other"
status=0
OCTAVO_TEST_TIMINGS="$timings" scripts/with-postgres.sh \
  scripts/host-tests.sh --test it -- --nocapture --test-threads 1 row_27_both_answers >"$data/timings.log" 2>&1 || status=$?
[ "$status" -eq 0 ] || tail -n 60 "$data/timings.log" >&2
medians="$(sed -n 's/.*soak: row 27 //p' "$data/timings.log" | paste -sd ';')"
row "row 27, an address that has bought and one that has not" "${medians:-see the log}" "medians < 2 ms apart" "$status"

say "[5/5] Times: one core for the store, the other for the load (about $(duration $((rounds * 2 * seconds + 3 * seconds))))"
export DATA_DIR="$data" DATABASE_URL="sqlite://$data/octavo.db" OCTAVO_DEMO=1 RUST_LOG=error
export SECRET_KEY=a-key-that-only-this-soak-knows-of STRIPE_SECRET_KEY=sk_test_soaking_octavo STRIPE_WEBHOOK_SECRET=whsec_soaking_octavo
export LEPTOS_OUTPUT_NAME=octavo
"$octavo" seed --books 1000 --orders 0 >/dev/null
store_port="$(free_port)"
sandbox_port="$(free_port)"
while [ "$sandbox_port" = "$store_port" ]; do sandbox_port="$(free_port)"; done
store="http://127.0.0.1:$store_port"
taskset -c 1 "$sandbox" --listen "127.0.0.1:$sandbox_port" --log error >"$data/sandbox.log" 2>&1 &
pids+=("$!")
for _ in $(seq 100); do port_taken "$sandbox_port" && break; sleep 0.1; done
(
  # Away from Leptos.toml: no site was built, and none is needed for HTML.
  cd "$data"
  BASE_URL="$store" LISTEN_ADDR="127.0.0.1:$store_port" STRIPE_API_BASE="http://127.0.0.1:$sandbox_port" \
    exec taskset -c 0 "$octavo" serve
) >"$data/octavo.log" 2>&1 &
store_pid=$!
pids+=("$store_pid")
wait_ready "$store_port" /readyz "$store_pid" "$data/octavo.log" 30

status=0
out="$(taskset -c 1 "$bench" bad-stripe --url "$store" --sandbox "http://127.0.0.1:$sandbox_port" \
  --seconds "$seconds" --rounds "$rounds")" || status=$?
read -r without with begun refused <<<"${out:-0 0 0 0}"
row "row 18, catalogue p99 while a fifth of Stripe fails" \
  "$with µs; $without µs with a good Stripe ($begun checkouts went through meanwhile, $refused were told to wait)" \
  "≤ 1.2 × as long" "$status"
status=0
out="$(taskset -c 1 "$bench" overload --url "$store" --secret "$STRIPE_WEBHOOK_SECRET" --seconds "$seconds")" || status=$?
read -r made crowd away worst <<<"${out:-0 0 0 0}"
row "row 42, webhook p99 at 4 × capacity" \
  "$worst ms; $crowd pages/s asked for where $made/s can be made, $away/s sent away" "< 2 s" "$status"

say ""
say "| what | measured | goal | |"
say "| --- | --- | --- | --- |"
printf '%s\n' "${rows[@]}"
say ""
if [ "$missed" -ne 0 ]; then
  say "Logs: $data"
  fail "a figure was missed"
fi
say "Everything holds."
