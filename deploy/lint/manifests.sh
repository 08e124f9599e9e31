#!/usr/bin/env bash
# Dockerfile, compose file and Kubernetes manifests, without a container engine and without a cluster.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd -P)
# shellcheck source=deploy/lint/tools.sh
. "$here/tools.sh"
python_tools
cd "$here/../.."

# The oldest Kubernetes that the manifests are for, and the newest that the checker knows.
versions="1.27 1.37"

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
failed=no

report() {
  if [ "$1" -eq 0 ]; then echo "  ok    $2"; else echo "  FAIL  $2"; failed=yes; fi
}

check() {
  local words=$1 status=0
  shift
  "$@" >"$work/output" 2>&1 || status=$?
  report "$status" "$words"
  [ "$status" -eq 0 ] || sed 's/^/          /' "$work/output"
}

check "yamllint" yamllint --strict k8s deploy
check "hadolint: deploy/Dockerfile" hadolint deploy/Dockerfile
check "compose file: variables, references" python3 "$here/manifest_rules.py" compose deploy/compose.yaml deploy/.env.example
if docker compose version >/dev/null 2>&1; then
  sed 's/^\([A-Z_]*\)=$/\1=lint/' deploy/.env.example >"$work/env"
  check "compose file: docker compose config" docker compose --env-file "$work/env" -f deploy/compose.yaml config --quiet
fi

if kubectl kustomize --help >/dev/null 2>&1; then
  build="kubectl kustomize"
elif command -v kustomize >/dev/null 2>&1; then
  build="kustomize build"
else
  build=""
fi
if [ -n "$build" ]; then
  for overlay in k8s/overlays/*; do
    rendered=$work/$(basename "$overlay").yaml
    # shellcheck disable=SC2086
    check "$overlay: kustomize" $build "$overlay"
    cp "$work/output" "$rendered"
  done
else
  echo "  skip  kustomize is not here: the base is checked as it is, the overlays' changes are not"
  for file in k8s/base/*.yaml; do
    [ "$(basename "$file")" = kustomization.yaml ] || { echo ---; cat "$file"; }
  done >"$work/base.yaml"
fi
k8s/make-secrets.sh --database postgres://owner:pw@db.example.com:5432/sightline?sslmode=require --broker amqps://user:pw@mq.example.com/sightline >"$work/secrets.yaml"
for rendered in "$work"/*.yaml; do
  name=$(basename "$rendered" .yaml)
  for version in $versions; do
    check "$name: schema of Kubernetes $version" kubernetes-validate --strict --quiet --no-warn -k "$version" "$rendered"
  done
  [ "$name" = secrets ] || check "$name: our rules (pod security, probes, limits, policies, Secrets)" python3 "$here/manifest_rules.py" kubernetes "$rendered" "$work/secrets.yaml"
done
check "the rules notice what they should" python3 "$here/manifest_rules.py" self-test "$work"

[ "$failed" = no ]
