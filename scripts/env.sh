# shellcheck shell=bash
# Sourced by every script, and by people who want the tools on their PATH
# (`. scripts/env.sh`): where the tools are, which versions, and the few
# settings that all builds share. Sets no secret and starts nothing.

ROOT="$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)"
export ROOT

# --- versions -------------------------------------------------------------
CARGO_LEPTOS_VERSION=0.3.11
BINARYEN_VERSION=132.0.0
CARGO_DENY_VERSION=0.20.2
# The command-line tool must equal the crate that the browser build links, so
# the lock file decides.
WASM_BINDGEN_VERSION="$(awk '
  $0 == "name = \"wasm-bindgen\"" { getline; gsub(/"/, "", $3); print $3; exit }' "$ROOT/Cargo.lock")"
export CARGO_LEPTOS_VERSION BINARYEN_VERSION CARGO_DENY_VERSION WASM_BINDGEN_VERSION

# --- places ---------------------------------------------------------------
# Built tools live outside the checkout, keyed by version, so that a fresh
# clone finds them again.
OCTAVO_TOOLS="${OCTAVO_TOOLS:-${XDG_CACHE_HOME:-$HOME/.cache}/octavo/tools}"
TARGET_DIR="${CARGO_TARGET_DIR:-$ROOT/target}"
case "$TARGET_DIR" in /*) ;; *) TARGET_DIR="$ROOT/$TARGET_DIR" ;; esac
SITE_DIR="$ROOT/target/site" # Cargo.toml, [[workspace.metadata.leptos]] site-root
# Stripe's client for Python; another list of requirements is another folder.
CLIENTS_REQUIREMENTS="$ROOT/end2end/clients/requirements.txt"
CLIENTS_VENV="$OCTAVO_TOOLS/clients-$(sha256sum "$CLIENTS_REQUIREMENTS" | cut -c1-16)"
# The SMTP server of the tests, likewise.
MAIL_REQUIREMENTS="$ROOT/end2end/mail/requirements.txt"
MAIL_VENV="$OCTAVO_TOOLS/mail-$(sha256sum "$MAIL_REQUIREMENTS" | cut -c1-16)"
# What tries the API, likewise.
CONTRACT_REQUIREMENTS="$ROOT/end2end/contract/requirements.txt"
CONTRACT_VENV="$OCTAVO_TOOLS/contract-$(sha256sum "$CONTRACT_REQUIREMENTS" | cut -c1-16)"
# What reads invoices, likewise.
INVOICES_REQUIREMENTS="$ROOT/end2end/invoices/requirements.txt"
INVOICES_VENV="$OCTAVO_TOOLS/invoices-$(sha256sum "$INVOICES_REQUIREMENTS" | cut -c1-16)"
export OCTAVO_TOOLS TARGET_DIR SITE_DIR CLIENTS_REQUIREMENTS CLIENTS_VENV MAIL_REQUIREMENTS MAIL_VENV
export CONTRACT_REQUIREMENTS CONTRACT_VENV INVOICES_REQUIREMENTS INVOICES_VENV

for tool in "cargo-leptos-$CARGO_LEPTOS_VERSION" "wasm-bindgen-cli-$WASM_BINDGEN_VERSION" \
  "binaryen-$BINARYEN_VERSION" "cargo-deny-$CARGO_DENY_VERSION"; do
  case ":$PATH:" in
    *":$OCTAVO_TOOLS/$tool/bin:"*) ;;
    *) PATH="$OCTAVO_TOOLS/$tool/bin:$PATH" ;;
  esac
done
unset tool
[ -d "$HOME/.cargo/bin" ] && case ":$PATH:" in *":$HOME/.cargo/bin:"*) ;; *) PATH="$PATH:$HOME/.cargo/bin" ;; esac
export PATH

# --- settings -------------------------------------------------------------
# A fresh clone is built once and thrown away in CI: incremental files would
# only cost time and space there.
if [ -n "${CI:-}" ]; then export CARGO_INCREMENTAL=0; fi
export CARGO_NET_RETRY="${CARGO_NET_RETRY:-5}"
# Playwright drives the machine's own Chromium, never one that it downloads.
export PLAYWRIGHT_SKIP_BROWSER_DOWNLOAD=1
