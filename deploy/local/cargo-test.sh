#!/usr/bin/env bash
# Runs the workspace's tests in the environment that test.sh gives, with the better runner where it is installed.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
if cargo nextest --version >/dev/null 2>&1; then
  exec cargo nextest run --workspace --no-fail-fast "$@"
else
  exec cargo test --workspace --lib --bins --tests --no-fail-fast "$@"
fi
