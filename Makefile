# Everything here is also what continuous integration runs. Works with GNU make 3.81, which is what macOS has.
.DEFAULT_GOAL := help
.PHONY: help run reset dashboard test test-up test-down bench fmt lint lint-fmt lint-invariants lint-scripts lint-manifests lint-clippy \
        lint-deny size test-scripts clean

export CARGO_TERM_COLOR ?= auto

help: ## this list
	@awk 'BEGIN { FS = ":.*## " } /^[a-z-]+:.*## / { printf "  %-16s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

dashboard: ## build the dashboard, which the query program embeds (gets Node.js by itself where it is missing)
	@deploy/local/dashboard.sh build

run: ## start everything on this machine (PORT_BASE=9080 moves the ports, RELEASE=1 optimises); Ctrl-C stops it
	@deploy/local/run.sh

reset: ## delete the local database, broker, secrets and logs of `make run`
	@deploy/local/run.sh reset

test: ## run all tests against a throw-away PostgreSQL and RabbitMQ (ARGS='-p ingest' narrows)
	@deploy/local/dashboard.sh build
	@cargo build --workspace --bins
	@deploy/local/cargo-test.sh --no-run $(ARGS)
	@deploy/local/test.sh run deploy/local/cargo-test.sh $(ARGS)

test-up: ## start the test servers and keep them; their environment: deploy/local/test.sh env
	@deploy/local/test.sh up

test-down: ## stop and delete them
	@deploy/local/test.sh down

test-scripts: ## try the scripts behind `make run` and `make test` with Ctrl-C, kill -9, ports in use (three minutes)
	@deploy/local/selftest.py

bench: ## run the benchmarks against a PostgreSQL that really syncs (ARGS='--lines 5000000 --only queries' narrows)
	@deploy/local/dashboard.sh build
	@cargo build --release -p ingest -p query -p alerting -p bench
	@deploy/local/test.sh run --durable cargo run --release -p bench -- $(ARGS)

fmt: ## format the code
	@cargo fmt --all

# The cheap checks come first.
lint: lint-fmt lint-invariants lint-scripts lint-manifests lint-clippy lint-deny ## every check that is not a test

lint-fmt:
	cargo fmt --all --check

lint-invariants: ## the rules of ARCHITECTURE.md, and that each of them can fail
	@deploy/lint/invariants.sh --self-test
	@deploy/lint/invariants.sh

lint-scripts: ## shellcheck
	@deploy/lint/scripts.sh

lint-manifests: ## Kubernetes manifests, Dockerfile, compose file, YAML style
	@deploy/lint/manifests.sh

lint-clippy:
	cargo clippy --workspace --all-targets -- -D warnings

lint-deny: ## licences, sources, banned crates, and advisories where their database can be reached
	@deploy/lint/deny.sh

size: ## lines of code by crate, and the files over budget
	@deploy/lint/size.sh

clean: ## delete what was built, and the test servers
	@deploy/local/test.sh down
	@deploy/local/test.sh down --durable
	@cargo clean
