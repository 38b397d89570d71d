#!/usr/bin/env bash
# Makes the invoices of server/invoice/tests/documents and holds them against what others say of such files: qpdf, the
# schema and the schematron of Factur-X (EN 16931). Broken copies must be refused (end2end/invoices/check.py).
# Takes the program that the tests were built with: scripts/host-tests.sh --no-run.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
cd "$ROOT"

program="$TARGET_DIR/debug/examples/invoice"
python="$INVOICES_VENV/bin/python"
[ -x "$program" ] || fail "$program is missing: cargo build -p invoice --example invoice"
[ -x "$python" ] || fail "what reads invoices is missing: scripts/setup.sh python"
have qpdf || fail "qpdf is missing: scripts/setup.sh apt"

work="$(mktemp -d "${TMPDIR:-/tmp}/octavo-invoices.XXXXXX")"
trap 'rm -rf "$work"' EXIT
pairs=()
for document in server/invoice/tests/documents/*.json; do
  pairs+=("$document" "$work/$(basename "$document" .json).pdf")
done
"$program" "${pairs[@]}" >"$work/log"
say "$(grep '^factur-x==' "$INVOICES_REQUIREMENTS"), $(grep '^saxonche==' "$INVOICES_REQUIREMENTS"), $(qpdf --version | head -n 1)"
"$python" -B end2end/invoices/check.py server/invoice/tests/documents "$work"
