#!/usr/bin/env bash
# Unit and integration tests of all packages of the host, in one invocation:
# what they share is compiled once. (Clippy shows that each package also stands
# on its own.) Arguments go to `cargo test`. With TEST_POSTGRES_URL in the
# environment (scripts/with-postgres.sh) the integration tests run on both
# databases. The SMTP server that they send mail to comes with
# `scripts/setup.sh python`.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
cd "$ROOT"
export TEST_MAIL_SINK="$MAIL_VENV/bin/python"
exec cargo test --locked -p shop -p app -p server -p stripe-sandbox -p locale -p invoice --features shop/ssr,app/ssr "$@"
