# shellcheck shell=bash
# Small helpers. Every script begins by sourcing this (and with it env.sh).
. "$(dirname "${BASH_SOURCE[0]}")/env.sh"

say() { printf '%s\n' "$*"; }
fail() {
  printf '%s: %s\n' "$(basename "$0")" "$*" >&2
  exit 1
}
have() { command -v "$1" >/dev/null 2>&1; }

# 75 -> "1m15s"
duration() {
  local seconds=$1
  if [ "$seconds" -ge 60 ]; then printf '%dm%02ds' $((seconds / 60)) $((seconds % 60)); else printf '%ds' "$seconds"; fi
}

# Runs a long command with its output in a log file, and says every half
# minute that it is still alive. Shows the end of the log if it fails.
#   quietly LOG WORD COMMAND…     WORD: log lines with it are counted as progress
quietly() {
  local log=$1 word=$2 started=$SECONDS pid status=0 beat=0
  shift 2
  "$@" >"$log" 2>&1 </dev/null &
  pid=$!
  while kill -0 "$pid" 2>/dev/null; do
    sleep 1
    beat=$((beat + 1))
    if [ $((beat % 30)) -eq 0 ]; then
      say "      … $(duration $((SECONDS - started))), $(grep -c "$word" "$log" || true) × $word"
    fi
  done
  wait "$pid" || status=$?
  if [ "$status" -ne 0 ]; then
    tail -n 40 "$log" >&2
    say "      failed after $(duration $((SECONDS - started))); the whole log: $log" >&2
  fi
  return "$status"
}

# Is something listening on 127.0.0.1:PORT?
port_taken() { (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }

# A port on 127.0.0.1 that nothing listens on at the moment.
free_port() {
  local port
  while :; do
    port=$((20000 + (RANDOM * 32768 + RANDOM) % 12000))
    port_taken "$port" || { printf '%s' "$port"; return; }
  done
}

# The status line's code of GET http://127.0.0.1:PORT/PATH, without needing curl.
http_status() {
  local port=$1 path=$2 line=""
  {
    printf 'GET %s HTTP/1.1\r\nHost: 127.0.0.1:%s\r\nConnection: close\r\n\r\n' "$path" "$port" >&3
    IFS= read -r -t 5 line <&3
  } 3<>"/dev/tcp/127.0.0.1/$port" 2>/dev/null || true
  line=${line#* }
  printf '%s' "${line%% *}"
}

# wait_ready PORT PATH PID LOG SECONDS: until GET answers 200; fails when the
# process ends or the time is up.
wait_ready() {
  local port=$1 path=$2 pid=$3 log=$4 limit=$5 started=$SECONDS
  until [ "$(http_status "$port" "$path" 2>/dev/null)" = 200 ]; do
    if ! kill -0 "$pid" 2>/dev/null; then
      tail -n 30 "$log" >&2
      say "It ended before it was ready; its log: $log" >&2
      return 1
    fi
    if [ $((SECONDS - started)) -ge "$limit" ]; then
      tail -n 30 "$log" >&2
      say "Not ready after $limit s; its log: $log" >&2
      return 1
    fi
    sleep 0.2
  done
}

# The process ids of PID and all its descendants, children first.
descendants() {
  local child
  for child in $(cat /proc/"$1"/task/*/children 2>/dev/null || true); do descendants "$child"; done
  printf '%s\n' "$1"
}

# stop PID…: TERM, ten seconds to finish, then KILL. Only what is ours: the
# ids of processes that the caller started.
stop() {
  local pid tries
  for pid in "$@"; do kill -TERM "$pid" 2>/dev/null || true; done
  for pid in "$@"; do
    tries=0
    while kill -0 "$pid" 2>/dev/null; do
      tries=$((tries + 1))
      if [ "$tries" -gt 100 ]; then
        kill -KILL "$pid" 2>/dev/null || true
        break
      fi
      sleep 0.1
    done
    wait "$pid" 2>/dev/null || true
  done
}

# kept_secret FILE [PREFIX]: a random secret, made once and then read again.
kept_secret() {
  local file=$1 prefix=${2:-}
  if [ ! -s "$file" ]; then
    (umask 077 && printf '%s%s\n' "$prefix" "$(od -An -N32 -tx1 /dev/urandom | tr -d ' \n')" >"$file")
  fi
  cat "$file"
}

# Runs "$@" as root: directly, or through sudo.
as_root() {
  if [ "$(id -u)" -eq 0 ]; then "$@"; elif have sudo; then sudo "$@"; else
    fail "needs root or sudo for: $*"
  fi
}
