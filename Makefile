# What a developer runs. `make help` lists the targets.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
CARGO := eval "$$(scripts/rocksdb.sh)" && cargo
RUN_ARGS ?=
BENCH_ARGS ?=

.PHONY: help setup setup-test build run test check fresh fresh-probes fmt fmt-check lint doc deny bench clean-data

help: ## List the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /\1\t/' | expand -t 14

setup: ## Install what building needs (a C++ compiler, libclang, protoc, Rust)
	@scripts/setup.sh build

setup-test: setup ## Install what the tests need besides (etcd, kcat, client libraries)
	@scripts/setup.sh test

build: setup ## Build the binary: target/release/barnabas
	@$(CARGO) build --locked --release -p barnabas-cli
	@scripts/strip.sh target/release/barnabas

run: build ## Start one broker on 127.0.0.1:9092, with its coordinator (RUN_ARGS: more options)
	@exec target/release/barnabas dev $(RUN_ARGS)

test: setup-test build ## Run all tests, with real etcd, real clients and killed processes
	@$(CARGO) test --locked --release --workspace
	@scripts/strip.sh target/release/barnabas

check: fmt-check lint doc deny fresh-probes test ## Run exactly what CI runs

fresh: ## Prove `make run` and `make test` from a clean clone in minimal Debian systems (root; an hour)
	@scripts/fresh.sh all

fresh-probes: ## Prove in minimal Debian systems that the set-up finds what is missing (root; minutes)
	@scripts/fresh.sh probes

fmt: ## Format the code
	@cargo fmt --all

fmt-check: ## Check the format
	@cargo fmt --all --check

lint: setup ## Run clippy; warnings are errors
	@$(CARGO) clippy --locked --release --workspace --all-targets -- -D warnings

doc: setup ## Build the documentation; warnings are errors
	@export RUSTDOCFLAGS='-D warnings' && $(CARGO) doc --locked --release --workspace --no-deps --quiet

deny: ## Check licences, bans and sources of the dependencies, where cargo-deny is installed
	@if command -v cargo-deny >/dev/null; then cargo deny --log-level error check bans licenses sources; \
	else echo "skipped: cargo-deny is not installed (cargo install cargo-deny)"; fi

bench: build ## Measure the storage engine, and the broker side by side with Apache Kafka (BENCH_ARGS: see docs/benchmarks.md)
	@benchmarks/run.sh storage
	@benchmarks/run.sh $(BENCH_ARGS)

clean-data: ## Remove the data of `make run`
	rm -rf barnabas-data
