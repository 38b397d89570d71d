# The entry points. What they do stands in scripts/, in full sentences.

.DEFAULT_GOAL := help
.PHONY: help demo watch test check bench soak fuzz fmt release

# Settings go on the command line: make demo PORT=3100 SANDBOX_PORT=12211 DATA=/tmp/shop

help: ## This list
	@echo "Octavo, a bookstore of your own. From a fresh checkout on Debian, with Rust and Node:"
	@echo
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-9s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: ## A store with books and a Stripe to pay at, on this machine
	@scripts/demo.sh

watch: ## The same while you work on it: rebuilds and reloads on every edit
	@scripts/watch.sh

test: ## Everything that CI checks
	@scripts/test.sh

check: ## Only what can be said without running: fmt, clippy, shell scripts, types
	@scripts/setup.sh wasm apt npm
	@scripts/check.sh

bench: ## How fast it is, beside yardsticks of the same run (writes docs/performance.md)
	@scripts/bench.sh

soak: ## Kill it, starve it and crowd it for half an hour (SOAK_KILLS=200 SOAK_PURCHASES=1000)
	@scripts/soak.sh

fuzz: ## Fuzz the parsers that read what strangers send: FUZZ_SECONDS=600 each
	@scripts/fuzz.sh

fmt: ## Format the code
	@cargo fmt --all
	@cargo fmt --manifest-path fuzz/Cargo.toml

release: ## The store as it is shipped, in target/dist/octavo
	@scripts/release.sh
