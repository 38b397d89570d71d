#!/usr/bin/env bash
# Builds what the browser loads, as it is shipped: the islands' wasm (profile
# wasm-release, wasm-opt), the CSS bundle and the assets, each name with its
# hash, each file precompressed. Ends in target/site.
#
#   scripts/build-site.sh PROFILE…
#
# A server finds the hashed names in a hash.txt beside its executable: one is
# put into the folder of each named cargo profile (dev, demo, release). Does
# nothing when nothing has changed since the last time.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

cd "$ROOT"
stamp="$ROOT/target/site.stamp" # holds the hash.txt of the site that was built
inputs=()
for path in app frontend server/shop/Cargo.toml server/shop/src style public Cargo.toml Cargo.lock scripts/build-site.sh scripts/env.sh; do
  [ ! -e "$path" ] || inputs+=("$path")
done

# Up to date: no input is newer, and the files that were made are still there
# (a plain `cargo leptos build` or `watch` empties the folder).
up_to_date() {
  [ -s "$stamp" ] || return 1
  [ -z "$(find "${inputs[@]}" -newer "$stamp" -print -quit)" ] || return 1
  local kind hash
  while read -r kind hash; do
    case "$kind" in
      js: | wasm: | css:)
        [ -f "$SITE_DIR/pkg/octavo.$hash.${kind%:}" ] && [ -f "$SITE_DIR/pkg/octavo.$hash.${kind%:}.br" ] || return 1
        ;;
      split:)
        [ -f "$SITE_DIR/pkg/__wasm_split.$hash.js" ] && [ -f "$SITE_DIR/pkg/__wasm_split.$hash.js.br" ] || return 1
        ;;
    esac
  done <"$stamp"
}

if up_to_date; then
  say "site: unchanged"
else
  rm -f "$stamp"
  started="$(mktemp)"
  # cargo-leptos takes the profiles from Cargo.toml only, and a server that it
  # builds gets its own set of features: here it makes the browser's share, and
  # the servers come from plain cargo, which has most of their crates already.
  # --split: an island that is marked lazy becomes a chunk of its own.
  cargo leptos build --release --precompress --frontend-only --cargo-locked --split --lib-features split
  # Nobody asks for wasm-bindgen's TypeScript declarations nor for the list of
  # chunks, and what is compressed already only grows by being compressed again.
  find "$SITE_DIR" \( -name '__wasm_split_manifest.*' -o -path '*/pkg/*.ts' -o -path '*/pkg/*.ts.br' -o -path '*/pkg/*.ts.gz' \
    -o -name '*.woff2.br' -o -name '*.woff2.gz' -o -name '*.png.br' -o -name '*.png.gz' \
    -o -name '*.jpg.br' -o -name '*.jpg.gz' -o -name '*.webp.br' -o -name '*.webp.gz' \
    -o -name '*.avif.br' -o -name '*.avif.gz' \) -delete
  # --frontend-only puts hash.txt where the release server would stand.
  cp "$TARGET_DIR/demo/hash.txt" "$stamp"
  # A file edited while we were building must count as newer.
  touch -r "$started" "$stamp"
  rm -f "$started"
fi

for profile in "$@"; do
  case "$profile" in dev) folder=debug ;; *) folder=$profile ;; esac
  mkdir -p "$TARGET_DIR/$folder"
  cmp -s "$stamp" "$TARGET_DIR/$folder/hash.txt" || cp "$stamp" "$TARGET_DIR/$folder/hash.txt"
done
