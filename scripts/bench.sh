#!/usr/bin/env bash
# Measures the store against yardsticks of the same run: `make bench`.
#
#   BENCH_SECONDS=5 BENCH_PROFILE=release BENCH_DATA=target/bench scripts/bench.sh
#
# The server has one core, the load the other; everything stays on 127.0.0.1.
# Prints a table and writes it into docs/performance.md.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
cd "$ROOT"

seconds="${BENCH_SECONDS:-5}"
profile="${BENCH_PROFILE:-release}"
data="${BENCH_DATA:-$ROOT/target/bench}"
rounds=3

say "[1/4] Tools and packages"
scripts/setup.sh wasm apt-build leptos npm bench
say "[2/4] Building what the browser loads, the store and its yardsticks (fully optimised: 15 minutes the first time)"
scripts/build-site.sh "$profile"
# With the sandbox, as `make soak` builds them: another choice of packages would be another choice of features.
cargo build --locked --profile "$profile" -p server -p stripe-sandbox \
  --bin octavo --bin stripe-sandbox --example bench
case "$profile" in dev) folder=debug ;; *) folder=$profile ;; esac
octavo="$TARGET_DIR/$folder/octavo"
bench="$TARGET_DIR/$folder/examples/bench"

say "[3/4] Stores of 10 000 and of 100 000 books, and one of a file of 500 MB, in $data"
mkdir -p "$data"
# A store as one is run: a demo also hashes its owner's password before it opens.
unset OCTAVO_DEMO
export LEPTOS_SITE_ROOT="$SITE_DIR" RUST_LOG=error
export SECRET_KEY=a-key-that-only-the-benchmarks-use STRIPE_SECRET_KEY=sk_test_benchmarks
export STRIPE_WEBHOOK_SECRET=whsec_benchmarks STRIPE_API_BASE=http://127.0.0.1:9
choose() { # NAME: the store that the next commands are about
  export DATA_DIR="$data/$1" DATABASE_URL="sqlite://$data/$1/octavo.db"
  mkdir -p "$DATA_DIR"
}
# Each is made once; every run begins with what was made, and not with what the runs before have left.
as_made() { # COMMAND...: makes the chosen store, unless it is there
  if [ ! -e "$DATA_DIR/made.db" ]; then
    rm -rf "$DATA_DIR" && mkdir -p "$DATA_DIR"
    "$@"
    # Its log may hold what its file does not yet.
    for end in "" -wal; do
      [ ! -e "$DATA_DIR/octavo.db$end" ] || mv "$DATA_DIR/octavo.db$end" "$DATA_DIR/made.db$end"
    done
  fi
  rm -f "$DATA_DIR"/octavo.db*
  for end in "" -wal; do
    [ ! -e "$DATA_DIR/made.db$end" ] || cp "$DATA_DIR/made.db$end" "$DATA_DIR/octavo.db$end"
  done
}
books() { "$octavo" seed --books "$1" --orders 0; }
file_of() { "$bench" prepare --megabytes "$1" --orders 160 --out "$2"; }
books_and_file() { books "$1" && file_of "$2" "$3"; }
choose 100000 && as_made books 100000
choose 500mb
large_orders="$DATA_DIR/orders.json"
as_made file_of 500 "$large_orders"
choose 10000
orders="$DATA_DIR/orders.json"
as_made books_and_file 10000 5 "$orders"

# --- servers and load ---------------------------------------------------------
pids=()
clean_up() {
  local status=$?
  trap '' INT TERM
  stop "${pids[@]}"
  exit "$status"
}
trap clean_up EXIT
trap 'exit 130' INT TERM

# The kernel gives the first core to the servers, the second one to the load.
# Always in a subshell, which it replaces: its pid is the server's.
server() { exec taskset -c 0 "$@"; }
load() { taskset -c 1 "$@"; }

start_store() { # sets store_pid and store
  local port
  port="$(free_port)"
  store="http://127.0.0.1:$port"
  BASE_URL="$store" LISTEN_ADDR="127.0.0.1:$port" taskset -c 0 "$octavo" serve >"$data/octavo.log" 2>&1 &
  store_pid=$!
  pids+=("$store_pid")
  wait_ready "$port" /readyz "$store_pid" "$data/octavo.log" 20
}

# Requests a second: the median of three rounds. A wrong answer is no figure.
rate() { # CONNECTIONS URL
  local round out figures=()
  for ((round = 0; round < rounds; round++)); do
    out="$(load wrk -t1 -c"$1" -d"${seconds}s" "$2")"
    if grep -q 'Non-2xx' <<<"$out"; then
      printf '%s\n' "$out" >&2
      fail "$2 was not answered with 200"
    fi
    figures+=("$(awk '/^Requests\/sec:/ { printf "%d", $2 }' <<<"$out")")
  done
  printf '%s\n' "${figures[@]}" | sort -n | sed -n "$(((rounds + 1) / 2))p"
}

ratio() { awk -v a="$1" -v b="$2" 'BEGIN { printf "%.2f", (b > 0 ? a / b : 0) }'; }
rows=()
row() { # WHAT FIGURE YARDSTICK RATIO GOAL
  rows+=("| $1 | $2 | $3 | $4 | $5 |")
  say "  $1: $2${3:+; $3}${4:+; $4} (goal: $5)"
}

say "[4/4] Measuring ($rounds rounds of $seconds s each, the median counts)"

# Cold start, before anything is warm but the disk's cache.
port="$(free_port)"
starts=()
for _ in 1 2 3; do
  starts+=("$(BASE_URL="http://127.0.0.1:$port" LISTEN_ADDR="127.0.0.1:$port" server "$bench" start --url "http://127.0.0.1:$port/" "$octavo" serve)")
done
cold="$(printf '%s\n' "${starts[@]}" | sort -n | sed -n 2p)"
row "cold start to the first page, 10 000 books" "$cold ms" "" "" "≤ 100 ms"

start_store
# What is not anonymous are pages of the files of the program and its libraries: in memory in pieces of 64 KB around what ran.
memory() { awk -v field="$1:" '$1 == field { print $2 }' "/proc/$store_pid/status"; }
idle="$(memory VmRSS)" idle_own="$(memory RssAnon)"
book="$(curl -s "$store/" | grep -o '/books/[^"]*' | sed -n 5p)"

# The yardsticks over the same database, on the same core, one after the other.
yard_port="$(free_port)"
server "$bench" yardstick --listen "127.0.0.1:$yard_port" --store "$store" --book "${book#/books/}" >"$data/yardstick.log" 2>&1 &
yard_pid=$!
pids+=("$yard_pid")
for _ in $(seq 100); do
  grep -q ready "$data/yardstick.log" && break
  kill -0 "$yard_pid" 2>/dev/null || { cat "$data/yardstick.log" >&2; fail "the yardstick's pages are not the store's"; }
  sleep 0.1
done
yard="http://127.0.0.1:$yard_port"

rm -rf "$data/nginx"
mkdir -p "$data/nginx/html/books"
curl -s "$store/" >"$data/nginx/html/index.html"
curl -s "$store$book" >"$data/nginx/html/books/book.html"
cp "$DATA_DIR"/files/* "$data/nginx/html/" 2>/dev/null || true
heavy="$(find "$DATA_DIR/files" -type f -size +4M | head -n 1)"
cp "$heavy" "$data/nginx/html/heavy.epub"
nginx_port="$(free_port)"
cat >"$data/nginx/nginx.conf" <<CONF
worker_processes 1;
daemon off;
pid $data/nginx/nginx.pid;
error_log $data/nginx/error.log;
events { worker_connections 2048; }
http {
  access_log off;
  sendfile on;
  tcp_nopush on;
  keepalive_requests 100000000;
  open_file_cache max=100;
  types { text/html html; application/epub+zip epub; }
  client_body_temp_path $data/nginx/t1; proxy_temp_path $data/nginx/t2; fastcgi_temp_path $data/nginx/t3;
  uwsgi_temp_path $data/nginx/t4; scgi_temp_path $data/nginx/t5;
  server { listen 127.0.0.1:$nginx_port; root $data/nginx/html; location /copied/ { alias $data/nginx/html/; sendfile off; } }
}
CONF
# Its worker must be able to read below our folder.
[ "$(id -u)" -ne 0 ] || sed -i '1i user root;' "$data/nginx/nginx.conf"
server nginx -c "$data/nginx/nginx.conf" -p "$data/nginx" 2>/dev/null &
nginx_pid=$!
pids+=("$nginx_pid")
for _ in $(seq 50); do port_taken "$nginx_port" && break; sleep 0.1; done
nginx="http://127.0.0.1:$nginx_port"

# A parameter that the page cache does not know makes a page that is not kept.
fresh="?fresh=1"
for page in "/|catalogue" "$book|book"; do
  path=${page%%|*} name=${page#*|}
  hand="$(rate 32 "$yard$path$fresh")"
  ours="$(rate 32 "$store$path$fresh")"
  row "$name, made anew, 32 connections" "$ours pages/s" "hand-written: $hand" "$(ratio "$ours" "$hand")×" "≥ 0.35×"
  file=/index.html
  [ "$path" = / ] || file=/books/book.html
  theirs="$(rate 32 "$nginx$file")"
  ours="$(rate 32 "$store$path")"
  row "$name, anonymous, 32 connections" "$ours pages/s" "nginx, same bytes: $theirs" "$(ratio "$ours" "$theirs")×" "≥ 0.7×"
done
peak="$(memory VmHWM)" peak_file="$(memory RssFile)"
row "memory idle" "$((idle / 1024)) MB, $((idle_own / 1024)) MB of it anonymous" "" "" "≤ 48 MB"
row "memory at most while serving pages" "$((peak / 1024)) MB, $(((peak - peak_file) / 1024)) MB of it anonymous" "" "" "≤ 48 MB"

# --- downloads ------------------------------------------------------------------
# In turns, so that what the machine does besides meets all of them; the medians are compared.
median() { printf '%s\n' "$@" | sort -n | sed -n "$(((rounds + 1) / 2))p"; }
with_sendfile=() copied=() handed_out=() their_cpu=() our_cpu=()
# MB/s in this turn into `figure`, and the microseconds of CPU that 5 MB took the process into `cpu`.
downloads() { # PID ARGUMENTS…
  local pid=$1 before after began=$EPOCHREALTIME
  before="$(awk '{ print $14 + $15 }' "/proc/$pid/stat")"
  figure="$(load "$bench" download --connections 32 --seconds "$seconds" "${@:2}")"
  after="$(awk '{ print $14 + $15 }' "/proc/$pid/stat")"
  cpu="$(awk -v ticks="$((after - before))" -v rate="$figure" -v took="$(awk -v a="$EPOCHREALTIME" -v b="$began" 'BEGIN { print a - b }')" \
    'BEGIN { printf "%d", ticks * 10000 / (rate * took / 5) }')"
}
nginx_worker="$(awk '{ print $1 }' "/proc/$nginx_pid/task/$nginx_pid/children")"
for ((round = 0; round < rounds; round++)); do
  downloads "$nginx_worker" --url "$nginx/heavy.epub"
  with_sendfile+=("$figure") their_cpu+=("$cpu")
  downloads "$store_pid" --url "$store" --orders "$orders"
  handed_out+=("$figure") our_cpu+=("$cpu")
  downloads "$nginx_worker" --url "$nginx/copied/heavy.epub"
  copied+=("$figure")
done
ours="$(median "${handed_out[@]}")"
theirs="$(median "${with_sendfile[@]}")"
row "downloads of 5 MB, 32 connections" "$ours MB/s" "nginx, sendfile: $theirs" "$(ratio "$ours" "$theirs")×" "≥ 0.8×"
# As through TLS: the bytes are copied.
theirs="$(median "${copied[@]}")"
row "the same" "$ours MB/s" "nginx, sendfile off: $theirs" "$(ratio "$ours" "$theirs")×" ""
ours_cpu="$(median "${our_cpu[@]}")" theirs_cpu="$(median "${their_cpu[@]}")"
row "CPU for 5 MB of them" "$ours_cpu µs" "nginx, sendfile: $theirs_cpu µs" "$(ratio "$ours_cpu" "$theirs_cpu")×" "≤ 1.5×"
stop "$store_pid"
start_store
grown="$(load "$bench" slow-readers --url "$store" --orders "$orders" --readers 256 --pid "$store_pid")"
grown=${grown%% *}
row "256 slow readers of 5 MB" "$((grown / 1024)) MB above idle" "" "" "≤ 32 MB"
stop "$store_pid"
choose 500mb
start_store
grown="$(load "$bench" slow-readers --url "$store" --orders "$large_orders" --readers 256 --pid "$store_pid")"
grown=${grown%% *}
row "256 slow readers of 500 MB" "$((grown / 1024)) MB above idle" "" "" "≤ 32 MB"
stop "$store_pid"
choose 10000
start_store

# --- webhooks -------------------------------------------------------------------
commits="$(server "$bench" commits --folder "$DATA_DIR" --seconds "$seconds")"
read -r single micros commit_cpu <<<"$commits"
for connections in 1 32 256; do
  delivered="$(load "$bench" deliver --url "$store" --secret "$STRIPE_WEBHOOK_SECRET" --connections "$connections" --seconds "$seconds" --pid "$store_pid")"
  read -r kept cpu <<<"$delivered"
  case "$connections" in 1) goal=1 ;; 32) goal=12 ;; *) goal=30 ;; esac
  if [ "$micros" -ge 3000 ]; then goal="≥ $goal×"; else goal="≤ 120 µs CPU (a commit takes < 3 ms here)"; fi
  row "webhooks kept durably, $connections connections" "$kept/s, $cpu µs CPU each" "single commits: $single/s ($micros µs, $commit_cpu µs CPU)" "$(ratio "$kept" "$single")×" "$goal"
done
stop "$store_pid" "$yard_pid"

# --- a large catalogue ------------------------------------------------------------
choose 100000
start_store
last=$("$bench" last-page --currency USD)
first_rate="$(rate 32 "$store/$fresh")"
last_rate="$(rate 32 "$store/$fresh&after=$last")"
row "last catalogue page of 100 000 books" "$last_rate pages/s" "first page: $first_rate" "$(ratio "$first_rate" "$last_rate")× as long" "≤ 1.2×"

# --- invoices -----------------------------------------------------------------------
# One core for each, one after the other; PDFKit has neither tags nor PDF/A to write.
stop "$store_pid"
invoices() { server "$bench" invoices "$@"; }
pdfkit() { (cd end2end && server node yardsticks/pdfkit.js "$1" 1000); }
read -r plain_cpu plain_rate _ <<<"$(invoices)"
read -r xml_cpu xml_rate xml_bytes <<<"$(invoices --xml)"
read -r _ noto_rate _ <<<"$(pdfkit noto)"
read -r _ helvetica_rate _ <<<"$(pdfkit helvetica)"
row "an invoice of one page, tagged, PDF/A-3" "$plain_cpu µs CPU, $plain_rate/s" "PDFKit, embedded Noto Sans: $noto_rate/s" "$(ratio "$plain_rate" "$noto_rate")×" "≤ 3500 µs CPU, ≥ 3×"
row "the same" "$plain_rate/s" "PDFKit, built-in Helvetica: $helvetica_rate/s" "$(ratio "$plain_rate" "$helvetica_rate")×" "≥ 0.7×"
row "the same with EN 16931 inside, $((xml_bytes / 1024)) KB" "$xml_cpu µs CPU, $xml_rate/s" "" "" "≤ 3500 µs CPU"
read -r most _ <<<"$(server "$bench" invoice-memory)"
row "10 000 invoices" "$most MB above idle" "" "" "≤ 64 MB"

# --- the table ----------------------------------------------------------------------
table="$(mktemp)"
{
  # shellcheck disable=SC2016 # Markdown
  printf 'Measured on %s, %s, one core for the server and one for the load, profile `%s`.\n\n' \
    "$(date -u +%Y-%m-%d)" "$(awk -F': ' '/model name/ { print $2; exit }' /proc/cpuinfo)" "$profile"
  printf '| what | measured | yardstick | ratio | goal |\n| --- | --- | --- | --- | --- |\n'
  printf '%s\n' "${rows[@]}"
} >"$table"
awk -v table="$table" '
  /<!-- bench -->/ { print; print ""; while ((getline line < table) > 0) print line; print ""; skip = 1; next }
  /<!-- \/bench -->/ { skip = 0 }
  !skip' docs/performance.md >"$table.md"
cp "$table.md" docs/performance.md
rm -f "$table" "$table.md"
say ""
say "Written to docs/performance.md."
