#!/usr/bin/env bash
# Everything that must hold before a commit lands: `make test`, and CI.
# Stops at the first failure; ends with a table of what each step took.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
cd "$ROOT"

setup() { scripts/setup.sh wasm apt npm python leptos deny; }
fmt() { scripts/check.sh fmt scripts types; }
clippy() { scripts/check.sh clippy; }
boundary() { scripts/boundary.sh; }
deny() { cargo deny --locked --offline check --hide-inclusion-graph licenses bans sources; }
domain_types() { cargo test --locked -p shop; }
compile_tests() { scripts/host-tests.sh --no-run; }
host() { scripts/with-postgres.sh scripts/host-tests.sh; }
site() {
  # The server of the end-to-end tests is the dev build: most of it is there
  # from the tests before. The browser's share is the one that ships, since
  # the tests weigh it.
  scripts/build-site.sh dev
  cargo build --locked -p server -p stripe-sandbox --bins
}
invoices() { scripts/invoice-check.sh; }
clients() { scripts/stripe-clients.sh; }
contract() { scripts/api-contract.sh; }
browser() { (cd end2end && npx --no-install playwright test); }

steps=(
  "setup|tools and packages"
  "fmt|formatting, shell scripts, TypeScript"
  "clippy|clippy, each package with its own features"
  "boundary|browser build and store hold nothing foreign"
  "deny|licences, bans, sources"
  "domain_types|domain types without a server"
  "compile_tests|compiling the tests"
  "host|unit and integration tests, SQLite and PostgreSQL"
  "invoices|invoices against EN 16931, Factur-X and qpdf"
  "site|site and servers for the browser tests"
  "clients|Stripe's own clients against the sandbox"
  "contract|Schemathesis against the API"
  "browser|Playwright, with and without JavaScript"
)

total=${#steps[@]}
summary=()
began=$SECONDS
passed=0
table() {
  say ""
  printf '%s\n' "${summary[@]}"
  say "$(printf '%8s  %s' "$(duration $((SECONDS - began)))" "in all")"
}
for step in "${steps[@]}"; do
  name=${step%%|*}
  title=${step#*|}
  started=$SECONDS
  say ""
  say "[$((passed + 1))/$total] $title"
  # In its own shell: `set -e` holds inside, which it would not within an `if`.
  set +e
  (
    set -e
    "$name"
  )
  status=$?
  set -e
  took="$(printf '%8s' "$(duration $((SECONDS - started)))")"
  if [ "$status" -ne 0 ]; then
    summary+=("$took  FAILED  $title")
    table
    say "steps: $passed passed, 1 failed"
    exit "$status"
  fi
  summary+=("$took  ok      $title")
  passed=$((passed + 1))
done
table
say "steps: $passed passed, 0 failed"
