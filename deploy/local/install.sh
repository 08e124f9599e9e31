#!/usr/bin/env bash
# Gets a server program from the system's package manager, unless it is here already.
#
#   install.sh postgresql | rabbitmq
#
# Debian and Ubuntu: apt-get, as root or with a sudo that asks nothing. macOS: Homebrew. Elsewhere it prints what to type.
# Only the programs are wanted: a package must not start, or enable at boot, a server of the whole machine.
set -euo pipefail
# shellcheck source=deploy/local/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
here=$(dirname "${BASH_SOURCE[0]}")

# The way out that needs no package manager at all.
elsewhere() {
  case $1 in
    postgresql) echo "or use a server that exists:  export DATABASE_URL=postgres://owner:password@host:5432/sightline (for tests: TEST_DATABASE_URL)" ;;
    rabbitmq) echo "or use a broker that exists:  export AMQP_URL=amqp://user:password@host:5672 (for tests: TEST_AMQP_URL, TEST_RABBITMQ_API)" ;;
  esac
}

apt_package() {
  case $1 in
    rabbitmq) echo rabbitmq-server ;;
    postgresql) apt-cache search --names-only '^postgresql-[0-9]+$' | sed -n 's/^postgresql-\([0-9]*\) .*/\1/p' | sort -n | awk '$1 >= 15 { newest = $1 } END { if (newest) print "postgresql-" newest }' ;;
  esac
}

apt_install() {
  local package=$1 policy=/usr/sbin/policy-rc.d own_policy=no config=/etc/postgresql-common/createcluster.conf
  # The documented way to keep a package from starting its service; removed again below, whatever happens.
  if [ ! -e "$policy" ]; then
    own_policy=yes
    # shellcheck disable=SC2064
    trap "as_root rm -f '$policy'" EXIT
    printf '#!/bin/sh\nexit 101\n' | as_root tee "$policy" >/dev/null
    as_root chmod 755 "$policy"
  fi
  case $package in
    postgresql-*)
      if [ ! -e "$config" ]; then
        as_root mkdir -p "$(dirname "$config")"
        echo "create_main_cluster = false" | as_root tee "$config" >/dev/null
      fi
      ;;
  esac
  as_root env DEBIAN_FRONTEND=noninteractive UCF_FORCE_CONFFOLD=1 apt-get install -y -q --no-install-recommends "$package"
  if [ "$own_policy" = yes ]; then
    as_root rm -f "$policy"
    trap - EXIT
    # Not at the next boot either. Erlang's port mapper is left to its socket: other programs may want it.
    if [ "$package" = rabbitmq-server ] && have systemctl; then as_root systemctl disable rabbitmq-server >/dev/null 2>&1 || true; fi
  fi
}

install_with_apt() {
  local what=$1 package
  package=$(apt_package "$what")
  if ! may_become_root; then
    die "$what is not installed, and installing it needs root" "Type:  sudo apt-get install --no-install-recommends ${package:-$what}" "$(elsewhere "$what")"
  fi
  # A fresh machine or image may have no package lists, or lists whose files are gone from the mirror.
  if [ -z "$package" ] || ! apt_install "$package"; then
    as_root apt-get update -q || die "apt-get update failed" "The lines above say why; is this machine online?" "$(elsewhere "$what")"
    package=$(apt_package "$what")
    [ -n "$package" ] || die "this system's packages have no PostgreSQL 15 or newer" "Add the repository of https://wiki.postgresql.org/wiki/Apt" "$(elsewhere "$what")"
    apt_install "$package" || die "apt-get could not install $package" "The lines above say why." "$(elsewhere "$what")"
  fi
}

install_with_brew() {
  case $1 in
    postgresql) brew install postgresql@17 ;;
    rabbitmq) brew install rabbitmq ;;
  esac || die "Homebrew could not install $1" "The lines above say why." "$(elsewhere "$1")"
}

what=${1:-}
case $what in
  postgresql) finder=$here/postgres.sh ;;
  rabbitmq) finder=$here/rabbitmq.sh ;;
  *) die "usage: install.sh postgresql | rabbitmq" ;;
esac

"$finder" bindir >/dev/null 2>&1 && exit 0

if have apt-get && have apt-cache; then
  install_with_apt "$what"
elif have brew; then
  install_with_brew "$what"
elif [ "$(uname)" = Darwin ]; then
  die "$what is not installed, and there is no Homebrew to get it from" "Install Homebrew from https://brew.sh and run this again," "$(elsewhere "$what")"
elif have dnf; then
  die "$what is not installed" "Type:  sudo dnf install postgresql-server postgresql-contrib rabbitmq-server" "$(elsewhere "$what")"
elif have pacman; then
  die "$what is not installed" "Type:  sudo pacman -S postgresql rabbitmq" "$(elsewhere "$what")"
else
  die "$what is not installed, and no package manager that this script knows is here" "Install it by hand," "$(elsewhere "$what")"
fi

"$finder" bindir >/dev/null || die "$what was installed, but its programs are not where they were expected" "$(elsewhere "$what")"
