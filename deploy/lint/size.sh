#!/usr/bin/env bash
# Lines of production Rust by crate, and the files over the budget of 400 lines.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
for folder in crates/* services/*; do
  [ -d "$folder/src" ] || continue
  printf '%7d  %s\n' "$(find "$folder/src" -name '*.rs' -exec cat {} + | wc -l)" "$folder"
done
echo
echo "over 400 lines:"
find crates services -path '*/src/*' -name '*.rs' -not -path '*/target/*' -exec wc -l {} + | awk '$1 > 400 && $2 != "total" { printf "%7d  %s\n", $1, $2; found = 1 } END { if (!found) print "      -" }'
