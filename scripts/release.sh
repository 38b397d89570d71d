#!/usr/bin/env bash
# The store as it is shipped, in target/dist/octavo: `make release`.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

cd "$ROOT"
say "[1/4] Tools and packages"
scripts/setup.sh wasm apt-build leptos
say "[2/4] Building what the browser loads"
scripts/build-site.sh release
say "[3/4] Building the store, fully optimised (about 15 minutes the first time)"
cargo build --locked --release -p server --bins
say "[4/4] Putting it together"
dist="$ROOT/target/dist/octavo"
rm -rf "$dist"
mkdir -p "$dist"
cp "$TARGET_DIR/release/octavo" "$TARGET_DIR/release/hash.txt" LICENSE LICENSE-MIT LICENSE-APACHE .env.example "$dist/"
# shop::failpoint, which only a debug build has.
! grep -qa OCTAVO_ABORT_AT "$dist/octavo" || fail "the program can be told to die: it was built with debug assertions"
# Line numbers for backtraces are seven times the program: in a file of their own, which is found beside it.
(
  cd "$dist"
  objcopy --only-keep-debug octavo octavo.debug
  strip --strip-all octavo
  objcopy --add-gnu-debuglink=octavo.debug octavo
)
[ ! -f Leptos.toml ] || cp Leptos.toml "$dist/"
cp -R "$SITE_DIR" "$dist/site"
say "target/dist/octavo: start it there with LEPTOS_SITE_ROOT=site ./octavo ($(du -h "$dist/octavo" | cut -f1); octavo.debug is for backtraces only)"
