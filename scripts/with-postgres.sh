#!/usr/bin/env bash
# Runs a command with a throw-away PostgreSQL beside it:
#
#   scripts/with-postgres.sh COMMAND…
#
# The command finds the cluster's address in TEST_POSTGRES_URL (a superuser who
# may create databases). Nothing is kept: the cluster lives in a temporary
# folder, listens on 127.0.0.1 on a free port, writes without fsync, and goes
# when the command ends, however it ends.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

[ $# -gt 0 ] || { sed -n '2,/^set/{/^#/s/^# \{0,1\}//p}' "$0"; exit 2; }

# The newest server on the machine.
bin=""
for folder in /usr/lib/postgresql/*/bin; do
  if [ -x "$folder/initdb" ] && { [ -z "$bin" ] || [ "$(basename "${folder%/bin}")" -gt "$(basename "${bin%/bin}")" ]; }; then bin=$folder; fi
done
if [ -z "$bin" ] && have initdb; then bin="$(dirname "$(command -v initdb)")"; fi
[ -n "$bin" ] || fail "no PostgreSQL server on this machine: scripts/setup.sh apt"

# The server refuses to run as root; Debian's package brings a user for it.
as_owner=()
[ "$(id -u)" -ne 0 ] || as_owner=(runuser -u postgres --)

folder="$(mktemp -d "${TMPDIR:-/tmp}/octavo-pg.XXXXXX")"
child=""
clean_up() {
  local status=$?
  trap '' INT TERM
  if [ -n "$child" ]; then
    local ours
    mapfile -t ours < <(descendants "$child")
    kill -TERM "${ours[@]}" 2>/dev/null || true
  fi
  if [ -f "$folder/data/postmaster.pid" ]; then
    "${as_owner[@]}" "$bin/pg_ctl" -D "$folder/data" -m immediate -w stop >/dev/null 2>&1 || true
  fi
  rm -rf "$folder"
  exit "$status"
}
trap clean_up EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

password="$(od -An -N16 -tx1 /dev/urandom | tr -d ' \n')"
printf '%s\n' "$password" >"$folder/password"
chmod 600 "$folder/password"
[ "$(id -u)" -ne 0 ] || chown -R postgres "$folder"

# A real language's collation, so that a test can't pass only because text
# happens to sort by bytes; servers built without ICU get the C library's.
init() {
  "${as_owner[@]}" "$bin/initdb" -D "$folder/data" -U postgres --pwfile="$folder/password" \
    --auth=scram-sha-256 --encoding=UTF8 --no-sync "$@" >"$folder/log" 2>&1
}
(
  cd "$folder"
  init --locale=C.UTF-8 --locale-provider=icu --icu-locale=en ||
    { rm -rf data && init --locale=C.UTF-8; } || { cat log >&2; exit 1; }
)

# Between finding a free port and taking it, somebody else may: try again then.
for try in 1 2 3 4 5; do
  port="$(free_port)"
  if (cd "$folder" && "${as_owner[@]}" "$bin/pg_ctl" -D data -w -l "$folder/server.log" -o "\
      -c listen_addresses=127.0.0.1 -c port=$port -c unix_socket_directories=$folder \
      -c fsync=off -c synchronous_commit=off -c full_page_writes=off \
      -c max_connections=300 -c shared_buffers=128MB" start >/dev/null 2>&1); then
    break
  fi
  if [ "$try" -eq 5 ]; then
    cat "$folder/server.log" >&2
    fail "PostgreSQL did not start"
  fi
done

export TEST_POSTGRES_URL="postgres://postgres:$password@127.0.0.1:$port/postgres"

# In the background, so that a signal to this script is handled at once and not
# only when the command ends; but it may still be interrupted from the keyboard.
(
  trap - INT
  exec "$@"
) <&0 &
child=$!
status=0
wait "$child" || status=$?
child=""
exit "$status"
