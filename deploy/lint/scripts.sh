#!/usr/bin/env bash
# Runs shellcheck over every shell script of the repository.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd -P)
# shellcheck source=deploy/lint/tools.sh
. "$here/tools.sh"
python_tools
cd "$here/../.."
set --
while IFS= read -r file; do set -- "$@" "$file"; done <<EOF
$(find deploy k8s .ci services crates -name target -prune -o -name node_modules -prune -o -type f -name '*.sh' -print | LC_ALL=C sort)
.ci/run
EOF
shellcheck --external-sources --source-path=. --severity=style "$@"
echo "  ok    shellcheck: $# scripts"
