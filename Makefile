# Two commands are enough: `make run` and `make test`.
# A line with two hashes after a target is its help.

.DEFAULT_GOAL := help
.SUFFIXES:
MAKEFLAGS += --silent --no-print-directory

TARGET ?= $(or $(CARGO_TARGET_DIR),target)
ASSETS := crates/web/assets
# More words for the program behind a target: make run ARGS="--help"
ARGS ?=

# npm writes this file when it has installed all that the lock file names.
NPM_DONE := node_modules/.package-lock.json

.PHONY: help run test bench soak fmt lint screens clean

help: ## Show this help
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-8s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

run: $(ASSETS)/$(NPM_DONE) ## Build, start two hubs and a road, play the sample trade, keep serving
	@echo "ehub: building"
	@cargo build --quiet -p cli
	@exec "$(TARGET)/debug/ehub" demo $(ARGS)

test: ## Run every test, in a real browser too; installs what they need
	@exec tests/all

bench: $(ASSETS)/$(NPM_DONE) ## Measure speed with a full release build
	@cargo build --quiet --release -p cli
	@$(if $(ARGS),exec "$(TARGET)/release/ehub" bench $(ARGS),"$(TARGET)/release/ehub" bench quote && exec "$(TARGET)/release/ehub" bench clear)

soak: ## Run the long tests: 10,000 seeds, 100 kills, fuzzing; writes to docs/soak
	@exec tests/soak

fmt: ## Format the Rust code
	@cargo fmt

lint: $(ASSETS)/$(NPM_DONE) ## Check form, walls between crates, and lints
	@cargo fmt --check
	@python3 tests/tidy.py
	@cargo clippy --quiet --workspace --all-targets -- -D warnings

screens: $(ASSETS)/$(NPM_DONE) tests/browser/$(NPM_DONE) ## Take the pictures of docs/screens anew
	@cargo build --quiet -p cli
	@node tests/browser/screens.mjs

clean: ## Remove what was built, downloaded, and played (.ehub)
	@cargo clean --quiet
	@rm -rf .ehub $(ASSETS)/node_modules tests/browser/node_modules

%/$(NPM_DONE): %/package-lock.json
	@echo "npm: packages of $*"
	@npm ci --prefix "$*" --no-audit --no-fund --loglevel=error </dev/null >/dev/null
	@mkdir -p "$*/node_modules" && touch "$@"
