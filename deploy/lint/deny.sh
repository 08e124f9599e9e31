#!/usr/bin/env bash
# Licences, sources and banned crates from the lock file alone; advisories where their database can be fetched.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd -P)
# shellcheck source=deploy/lint/tools.sh
. "$here/tools.sh"
cargo_deny
cd "$here/../.."
cargo deny --all-features check --hide-inclusion-graph licenses bans sources

# `fetch` exits with the failure of git; an advisory that is found afterwards is a failure of this check.
limit=""
if command -v timeout >/dev/null 2>&1; then limit="timeout 60"; fi # macOS has none
if $limit cargo deny --all-features fetch db >/dev/null 2>&1; then
  cargo deny --all-features check --disable-fetch advisories
else
  echo "  skip  advisories: their database (github.com/rustsec/advisory-db) cannot be reached from here"
fi
