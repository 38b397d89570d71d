#!/usr/bin/env bash
# Fuzzes the parsers that read what strangers send, each for FUZZ_SECONDS (600):
#
#   scripts/fuzz.sh [webhook|mail_webhook|form|ranges]…      all of them by default
#
# Every run begins with the seeds in fuzz/corpus; what is found on the way is
# kept in target/fuzz/corpus, which is no part of the checkout, and used again by
# the next run. A finding ends it: the input stays in target/fuzz/findings. One
# worker: set FUZZ_JOBS for more.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
cd "$ROOT/fuzz"

seconds="${FUZZ_SECONDS:-600}"
work="$TARGET_DIR/fuzz"
targets=("$@")
[ $# -gt 0 ] || targets=(webhook mail_webhook form ranges)
for target in "${targets[@]}"; do
  [ -f "src/bin/$target.rs" ] || fail "unknown target \"$target\" (webhook form ranges)"
done

# libFuzzer's coverage is an LLVM pass of the stable compiler; the address
# sanitizer is not there, and the code has no `unsafe` that it could watch.
instrument="-Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4
  -Cllvm-args=-sanitizer-coverage-inline-8bit-counters -Cllvm-args=-sanitizer-coverage-pc-table
  -Cllvm-args=-sanitizer-coverage-trace-compares -Ccodegen-units=1"
host="$(rustc -vV | sed -n 's/^host: //p')"
say "building the fuzz targets"
# With --target the flags are for the targets only, not for build scripts.
CARGO_TARGET_DIR="$work/build" RUSTFLAGS="$(tr -s ' \n' ' ' <<<"$instrument")" \
  cargo build --locked --quiet --release --target "$host"

for target in "${targets[@]}"; do
  mkdir -p "$work/corpus/$target" "$work/findings"
  say "fuzzing $target for $(duration "$seconds")"
  log="$work/$target.log"
  # A line now and then says how far it is; the whole output is in the log.
  if ! "$work/build/$host/release/$target" -max_total_time="$seconds" -max_len=4096 -timeout=10 -rss_limit_mb=1024 \
    -print_final_stats=1 -artifact_prefix="$work/findings/$target-" -jobs="${FUZZ_JOBS:-0}" \
    "$work/corpus/$target" "corpus/$target" 2>&1 | tee "$log" | awk '
      /INITED|DONE|ERROR|SUMMARY|panicked|Test unit written/ { print; fflush(); next }
      /pulse|REDUCE|NEW/ && systime() >= next_line { print; fflush(); next_line = systime() + 60 }'; then
    tail -n 40 "$log" >&2
    fail "$target: a finding; its input is in $work/findings"
  fi
  say "$target: $(awk '/number_of_executed_units/ { print $2 }' "$log") executions, nothing found"
done
