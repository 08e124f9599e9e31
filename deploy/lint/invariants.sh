#!/usr/bin/env bash
# The rules of ARCHITECTURE.md that no compiler checks. Prints a line per rule, and under a broken one each place that breaks it.
#
#   invariants.sh               checks this workspace
#   invariants.sh --self-test   breaks every rule in a made-up workspace and sees that it is noticed
#
# Only production code is looked at: comments, and a file from its first `#[cfg(test)] mod` on, are left out.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd -P)
root=$(cd "$here/../.." && pwd -P)

# production_code: "path:line:code" for every line of Rust that ships.
production_code() {
  local file
  find crates services -name '*.rs' -not -path '*/target/*' -not -path '*/tests/*' -not -path '*/benches/*' -not -path '*/examples/*' -not -path '*/node_modules/*' 2>/dev/null \
    | LC_ALL=C sort | while IFS= read -r file; do
    awk -v file="$file" '
      held != "" && /^[[:space:]]*(pub )?mod / { exit }
      held != "" && /^[[:space:]]*#\[/ { next }
      held != "" { print held; held = "" }
      /^[[:space:]]*#\[cfg\(test\)\]/ { held = file ":" FNR ":" $0; next }
      /^[[:space:]]*\/\// { next }
      { print file ":" FNR ":" $0 }
      END { if (held != "") print held }
    ' "$file"
  done
}

# dependencies: "package kind dependency" for every dependency of one workspace package on another.
dependencies() {
  cargo metadata --format-version 1 --no-deps --offline | python3 -c '
import json, sys
packages = json.load(sys.stdin)["packages"]
names = {package["name"] for package in packages}
for package in packages:
    place = "service" if "/services/" in package["manifest_path"] else "crate"
    for dependency in package["dependencies"]:
        if dependency["name"] in names:
            print(package["name"], place, dependency["kind"] or "normal", dependency["name"])
'
}

service_names() {
  local manifest
  for manifest in services/*/Cargo.toml; do
    [ -e "$manifest" ] || continue
    sed -n 's/^name *= *"\(.*\)"/\1/p' "$manifest" | head -n 1
  done
}

# --- the rules: each prints the places that break it ---------------------------------------------------------------------------

services_stand_alone() {
  local service
  for service in $(service_names); do
    awk -v service="$service" '$4 == service && $1 != service { print $1 " depends on the service " service }' "$dependencies_file"
  done
}

domain_is_pure() { awk '$1 == "domain" { print "domain depends on " $4 }' "$dependencies_file"; }

sdk_stands_alone() { awk '$1 == "sightline-sdk" && $3 != "dev" { print "sightline-sdk depends on " $4 }' "$dependencies_file"; }

testkit_stays_in_tests() {
  awk '$4 == "testkit" && $3 != "dev" && $1 != "bench" { print $1 " depends on testkit outside its dev-dependencies" }' "$dependencies_file"
}

dependencies_point_one_way() {
  awk '
    $3 == "dev" { next }
    $1 == "db" && $4 != "domain" { print $1 " depends on " $4 }
    ($1 == "bus" || $1 == "logstore" || $1 == "service-kit") && $4 != "domain" && $4 != "db" { print $1 " depends on " $4 }
  ' "$dependencies_file"
}

sql_lives_in_storage() {
  grep -vE '^crates/(db|logstore|testkit|bench)/' "$code_file" \
    | grep -E '\b(SELECT|INSERT INTO|DELETE FROM|TRUNCATE|(CREATE|ALTER|DROP) (TABLE|INDEX|ROLE|FUNCTION|DATABASE)) |\bUPDATE [a-z_]+ +SET\b|\bCOPY [a-z_]+ *(\(|FROM)|"(select|insert into|delete from|update [a-z_]+ set) ' || true
}

no_mod_rs() { find crates services -name mod.rs -not -path '*/target/*' -not -path '*/node_modules/*'; }

environment_in_config() {
  grep -vE '^crates/(testkit|bench)/|/build\.rs:|/config\.rs:' "$code_file" | grep -E '\benv::(var|vars|var_os|vars_os)\b' || true
}

time_from_the_clock() {
  grep -vE '^crates/(testkit|bench|sdk|cli)/|^crates/service-kit/src/clock\.rs:' "$code_file" \
    | grep -E '\b(OffsetDateTime|PrimitiveDateTime|UtcDateTime)::now|\bSystemTime::now\b' || true
}

# A logger that is given an error prints its first line only: "database request failed".
causes_are_logged() { grep -E '\bas &dyn (std::error::)?Error\b' "$code_file" || true; }

migrations_are_named() {
  local file number
  for file in migrations/*; do
    case $(basename "$file") in
      README.md) continue ;;
    esac
    basename "$file" | grep -qE '^V[1-9][0-9]*__[a-z0-9]+(_[a-z0-9]+)*\.sql$' || echo "$file is not V<number>__<words_in_snake_case>.sql"
  done
  for number in $(basename -a migrations/V*.sql 2>/dev/null | sed -n 's/^V\([0-9]*\)__.*/\1/p' | sort -n | uniq -d); do
    echo "migration number $number is used twice"
  done
}

rules='
services_stand_alone|no service is a dependency of anything
domain_is_pure|domain depends on no workspace crate
sdk_stands_alone|the SDK depends on no workspace crate
testkit_stays_in_tests|testkit is a dev-dependency only
dependencies_point_one_way|services -> service-kit, bus, logstore -> db -> domain
sql_lives_in_storage|SQL only in crates/db, crates/logstore and migrations
no_mod_rs|foo.rs beside foo/, never mod.rs
environment_in_config|the environment is read in config.rs only
time_from_the_clock|the time is read through Clock only
causes_are_logged|errors are logged with db::causes::chain, which says why
migrations_are_named|migrations are named V<n>__<snake_case>.sql
'

# check: runs every rule in the current folder; the names of the broken ones are in $broken.
check() {
  local name words places
  broken=""
  work=$(mktemp -d)
  dependencies_file=$work/dependencies code_file=$work/code
  dependencies >"$dependencies_file"
  production_code >"$code_file"
  while IFS='|' read -r name words; do
    [ -n "$name" ] || continue
    places=$("$name")
    if [ -z "$places" ]; then
      echo "  ok    $words"
    else
      echo "  FAIL  $words"
      printf '%s\n' "$places" | sed 's/^/          /'
      broken="$broken $name"
    fi
  done <<EOF
$rules
EOF
  rm -rf "$work"
}

# --- the self-test -------------------------------------------------------------------------------------------------------------

# package PATH NAME [MORE LINES]: a small member of the made-up workspace.
package() {
  mkdir -p "$1/src"
  printf '[package]\nname = "%s"\nversion = "0.1.0"\nedition = "2024"\n%s\n' "$2" "${3:-}" >"$1/Cargo.toml"
  echo "//! Nothing." >"$1/src/lib.rs"
}

sound_workspace() {
  printf '[workspace]\nresolver = "3"\nmembers = ["crates/*", "services/*"]\n' >Cargo.toml
  package crates/domain domain
  package crates/db db $'[dependencies]\ndomain = { path = "../domain" }'
  package crates/testkit testkit $'[dependencies]\ndb = { path = "../db" }'
  package crates/sdk sightline-sdk $'[dev-dependencies]\ntestkit = { path = "../testkit" }'
  package crates/logstore logstore $'[dependencies]\ndb = { path = "../db" }'
  package crates/service-kit service-kit $'[dependencies]\ndb = { path = "../db" }'
  package services/ingest ingest $'[dependencies]\ndb = { path = "../../crates/db" }\n[dev-dependencies]\ntestkit = { path = "../../crates/testkit" }'
  package services/query query $'[dependencies]\ndb = { path = "../../crates/db" }'
  mkdir -p migrations services/query/tests
  echo "SELECT 1;" >migrations/V1__create_things.sql
  # Everything that is allowed, so that a rule which refuses too much shows as well.
  cat >services/ingest/src/lib.rs <<'EOF'
//! SELECT in a comment, std::env::var in a comment, SystemTime::now in a comment.
mod config;
// let now = OffsetDateTime::now_utc();
const WORDS: &str = "please SELECT_ one, update the set, select a row";
#[cfg(test)]
#[expect(dead_code)]
mod tests {
    const SQL: &str = "SELECT 1";
}
EOF
  echo 'fn read() { std::env::var("X"); }' >services/ingest/src/config.rs
  echo 'const SQL: &str = "SELECT 1"; fn f() { std::env::var("X"); SystemTime::now(); }' >services/query/tests/api.rs
  echo 'const SQL: &str = "SELECT 1";' >crates/db/src/lib.rs
  echo 'fn now() { OffsetDateTime::now_utc(); }' >crates/service-kit/src/clock.rs
}

# expect RULE COMMAND...: the command spoils a sound workspace; exactly that rule must notice.
expect() {
  local rule=$1 workspace
  shift
  workspace=$(mktemp -d)
  (
    cd "$workspace"
    sound_workspace
    "$@"
    check >"$workspace/report"
    if [ "$broken" != "${rule:+ $rule}" ]; then
      echo "  FAIL  $*: expected '${rule:-nothing}' to be broken, found '${broken# }'"
      sed 's/^/          /' "$workspace/report"
      exit 1
    fi
    echo "  ok    ${rule:-a sound workspace}: $*"
  ) || failed=yes
  rm -rf "$workspace"
}

depend() { printf '[%s]\n%s = { path = "../../%s" }\n' "$2" "$(basename "$3")" "$3" >>"$1/Cargo.toml"; }

append() {
  mkdir -p "$(dirname "$1")"
  printf '%s\n' "$2" >>"$1"
}

# shellcheck disable=SC2016
self_test() {
  failed=no
  expect "" true
  expect services_stand_alone depend services/query build-dependencies services/ingest
  expect services_stand_alone depend services/query dev-dependencies services/ingest
  expect services_stand_alone depend crates/testkit build-dependencies services/ingest
  expect domain_is_pure depend crates/domain build-dependencies crates/service-kit
  expect sdk_stands_alone depend crates/sdk dependencies crates/domain
  expect testkit_stays_in_tests depend services/query build-dependencies crates/testkit
  expect dependencies_point_one_way depend crates/db build-dependencies crates/service-kit
  expect dependencies_point_one_way depend crates/service-kit build-dependencies crates/logstore
  expect sql_lives_in_storage append services/query/src/lib.rs 'const Q: &str = "SELECT id FROM logs";'
  expect sql_lives_in_storage append services/query/src/lib.rs '    INSERT INTO logs (id)'
  expect sql_lives_in_storage append services/query/src/lib.rs 'const Q: &str = "UPDATE logs SET a = 1";'
  expect sql_lives_in_storage append services/query/src/rows.rs 'const Q: &str = "DELETE FROM logs WHERE id = $1";'
  expect sql_lives_in_storage append crates/service-kit/src/lib.rs 'const Q: &str = "select 1";'
  expect sql_lives_in_storage append crates/domain/src/lib.rs 'const Q: &str = "COPY logs (id) FROM STDIN";'
  expect no_mod_rs append services/query/src/routes/mod.rs '//! Routes.'
  expect environment_in_config append services/query/src/lib.rs 'fn f() { std::env::var("X"); }'
  expect environment_in_config append crates/db/src/lib.rs 'fn f() { env::var_os("X"); }'
  expect time_from_the_clock append services/query/src/lib.rs 'fn f() { OffsetDateTime::now_utc(); }'
  expect time_from_the_clock append crates/service-kit/src/lib.rs 'fn f() { std::time::SystemTime::now(); }'
  expect causes_are_logged append services/query/src/lib.rs 'fn f(e: &DbError) { tracing::warn!(error = e as &dyn Error, "no"); }'
  expect migrations_are_named append migrations/V2_one_underscore.sql 'SELECT 1;'
  expect migrations_are_named append migrations/V2__CamelCase.sql 'SELECT 1;'
  expect migrations_are_named append migrations/V1__again.sql 'SELECT 1;'
  [ "$failed" = no ]
}

case ${1:-} in
  --self-test) self_test ;;
  "")
    cd "$root"
    check
    [ -z "$broken" ]
    ;;
  *)
    echo "usage: invariants.sh [--self-test]" >&2
    exit 2
    ;;
esac
