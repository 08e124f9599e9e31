#!/usr/bin/env bash
# Runs the tests of the workspace, or of the packages that -p names, with the better runner where it is installed.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
scope=--workspace
for argument in "$@"; do
  # Beside --workspace, cargo would ignore it without a word.
  case $argument in -p* | --package*) scope="" ;; esac
done
if cargo nextest --version >/dev/null 2>&1; then
  exec cargo nextest run ${scope:+"$scope"} "$@"
else
  exec cargo test ${scope:+"$scope"} --lib --bins --tests --no-fail-fast "$@"
fi
