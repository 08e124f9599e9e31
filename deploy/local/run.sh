#!/usr/bin/env bash
# The whole platform on this machine: PostgreSQL, RabbitMQ, the five services, and a demo organisation. Ctrl-C stops all of it.
#
#   run.sh          what `make run` does
#   run.sh reset    deletes the local database, broker, secrets and logs
#
# Environment, all optional:
#   PORT_BASE      8080. The services listen on PORT_BASE to +4 (query, ingest, identity, alerting, webhook), the demo's receiver
#                  on +5, PostgreSQL on +6, RabbitMQ on +10 to +16; all on loopback.
#   DATABASE_URL   an owner's URL of an existing database of PostgreSQL 15 or newer, instead of a private server. The migrations
#                  make the services' roles there.
#   AMQP_URL       an existing RabbitMQ, instead of a private one
#   RELEASE        1 builds with optimisation
#   RUST_LOG       info; what the services log to .run/dev/logs
#   BIN_DIR        a folder of ready programs; nothing is built
#   SERVICE_ROLE_PASSWORD, INTERNAL_SECRET, SEALING_KEYS   generated once into .run/dev/secrets.env where not set
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd -P)
# shellcheck source=deploy/local/lib.sh
. "$here/lib.sh"
root=$(absolute "$here/../..")
state_dir="$root/.run/dev"
# shellcheck source=deploy/local/progress.sh
. "$here/progress.sh"
# shellcheck source=deploy/local/supervise.sh
. "$here/supervise.sh"

port_base=${PORT_BASE:-8080}
profile=$([ "${RELEASE:-}" = 1 ] && echo release || echo debug)
bin_dir=${BIN_DIR:-${CARGO_TARGET_DIR:-$root/target}/$profile}
case $bin_dir in /*) ;; *) bin_dir=$PWD/$bin_dir ;; esac
services="query ingest identity alerting webhook"
started_by=""
[ -z "${MAKELEVEL:-}" ] || started_by=$PPID

port_of() {
  case $1 in
    query) echo "$port_base" ;;
    ingest) echo $((port_base + 1)) ;;
    identity) echo $((port_base + 2)) ;;
    alerting) echo $((port_base + 3)) ;;
    webhook) echo $((port_base + 4)) ;;
    demo) echo $((port_base + 5)) ;;
    postgresql) echo $((port_base + 6)) ;;
    rabbitmq) echo $((port_base + 10)) ;;
  esac
}

url_of() { echo "http://127.0.0.1:$(port_of "$1")"; }

# --- before anything is started ------------------------------------------------------------------------------------------------

check_tools() {
  [ -z "${BIN_DIR:-}" ] || return 0
  have cargo || die "cargo is not installed" "Install Rust from https://rustup.rs and run this again."
  have cc || have gcc || have clang || die "no C compiler, which Rust needs for linking" "Debian, Ubuntu:  sudo apt-get install gcc libc6-dev     macOS:  xcode-select --install"
}

check_ports() {
  local part port
  for part in $services demo; do
    port=$(port_of "$part")
    if port_in_use "$port"; then
      die "port $port, meant for $part, is taken$(port_owner "$port")" "Stop that program, or use other ports:  make run PORT_BASE=$((port_base + 1000))"
    fi
  done
  for part in postgresql rabbitmq; do
    [ "$part" = postgresql ] && [ -n "${DATABASE_URL:-}" ] && continue
    [ "$part" = rabbitmq ] && [ -n "${AMQP_URL:-}" ] && continue
    for port in $(ports_of_server "$part"); do
      if port_in_use "$port"; then
        die "port $port, meant for $part, is taken$(port_owner "$port")" "Stop that program, or use other ports:  make run PORT_BASE=$((port_base + 1000))"
      fi
    done
  done
}

ports_of_server() {
  local first
  first=$(port_of "$1")
  case $1 in
    postgresql) echo "$first" ;;
    rabbitmq) echo "$first" $((first + 1)) $((first + 2)) ;;
  esac
}

check_database_url() {
  local hostport psql version
  [ -n "${DATABASE_URL:-}" ] || return 0
  case $DATABASE_URL in
    postgres://*/?* | postgresql://*/?*) ;;
    *) die "DATABASE_URL has to look like postgres://owner:password@host:5432/database" "or be unset, to get a private server." ;;
  esac
  hostport=$(host_and_port "$DATABASE_URL" 5432)
  answers "${hostport% *}" "${hostport#* }" || die "DATABASE_URL names a PostgreSQL that does not answer (${hostport% *}, port ${hostport#* })" \
    "Start it, correct the variable, or unset it to get a private server."
  psql=$(command -v psql || echo "$("$here/postgres.sh" bindir)/psql")
  [ -x "$psql" ] || return 0
  version=$(PGCONNECT_TIMEOUT=5 "$psql" -XAtq "$DATABASE_URL" -c "SHOW server_version_num" 2>&1) \
    || die "DATABASE_URL does not work: $version" "Correct it (owner's name and password, database), or unset it to get a private server."
  [ "$version" -ge 150000 ] || die "DATABASE_URL names a PostgreSQL older than 15 (server_version_num $version)" "Use a newer one, or unset the variable to get a private server."
}

check_amqp_url() {
  local hostport
  [ -n "${AMQP_URL:-}" ] || return 0
  hostport=$(host_and_port "$AMQP_URL" 5672)
  answers "${hostport% *}" "${hostport#* }" || die "AMQP_URL names a RabbitMQ that does not answer (${hostport% *}, port ${hostport#* })" \
    "Start it, correct the variable, or unset it to get a private one."
}

check_alone() {
  local other
  other=$(cat "$state_dir/run.pid" 2>/dev/null || true)
  if [ -n "$other" ] && [ "$other" != $$ ] && alive "$other"; then
    case $(command_of "$other") in
      *run.sh*) die "the platform of this clone runs already (process $other)" "Stop it with Ctrl-C there, or:  kill $other" ;;
    esac
  fi
  # The reaper of a run that was killed may still be stopping things.
  other=$(cat "$state_dir/reaper.pid" 2>/dev/null || true)
  if [ -n "$other" ] && alive "$other"; then
    case $(command_of "$other") in
      *reaper.sh* | *run.sh*) wait_gone "$other" 90 || die "process $other, which tidies up after an earlier run, does not end" "Stop it:  kill $other" ;;
    esac
  fi
}

# --- configuration -------------------------------------------------------------------------------------------------------------

# Made once and kept, so that sessions, sealed secrets and passwords outlive a restart.
load_secrets() {
  local file="$state_dir/secrets.env"
  if [ ! -f "$file" ]; then
    (
      umask 077
      cat >"$file" <<EOF
generated_role_password=$(random_hex 16)
generated_internal_secret=$(random_hex 24)
generated_sealing_keys=local1:$(head -c 32 /dev/urandom | base64)
generated_broker_password=$(random_hex 16)
EOF
    )
  fi
  # shellcheck disable=SC1090
  . "$file"
  # shellcheck disable=SC2154
  {
    service_role_password=${SERVICE_ROLE_PASSWORD:-$generated_role_password}
    internal_secret=${INTERNAL_SECRET:-$generated_internal_secret}
    sealing_keys=${SEALING_KEYS:-$generated_sealing_keys}
    broker_password=$generated_broker_password
  }
}

# role_url SERVICE: the owner's URL with that service's role in place of the owner.
role_url() {
  local rest=${owner_url#*://} authority
  authority=${rest%%[/?]*}
  printf 'postgres://sightline_%s:%s@%s%s\n' "$1" "$service_role_password" "${authority##*@}" "${rest#"$authority"}"
}

# launch NAME: becomes that program, with exactly the settings that it reads.
launch() {
  local name=$1
  unset DATABASE_URL AMQP_URL SERVICE_ROLE_PASSWORD INTERNAL_SECRET SEALING_KEYS LISTEN_ADDR
  export RUST_LOG=${RUST_LOG:-info}
  export LISTEN_ADDR
  LISTEN_ADDR=127.0.0.1:$(port_of "$name")
  if [ "$name" = demo ]; then
    export GATEWAY_URL INGEST_URL DEMO_STATE="$state_dir/demo.json"
    GATEWAY_URL=$(url_of query) INGEST_URL=$(url_of ingest)
    exec "$bin_dir/demo"
  fi
  export DATABASE_URL INTERNAL_SECRET=$internal_secret
  DATABASE_URL=$(role_url "$name")
  case $name in
    query)
      export IDENTITY_URL INGEST_URL ALERTING_URL WEBHOOK_URL
      IDENTITY_URL=$(url_of identity) INGEST_URL=$(url_of ingest) ALERTING_URL=$(url_of alerting) WEBHOOK_URL=$(url_of webhook)
      # As in its image.
      export MALLOC_ARENA_MAX=2 MALLOC_MMAP_THRESHOLD_=1048576 MALLOC_TRIM_THRESHOLD_=33554432
      ;;
    ingest)
      export AMQP_URL=$broker_url DEFAULT_RATE_LIMIT_PER_MINUTE=${DEFAULT_RATE_LIMIT_PER_MINUTE:-0} COMPACTOR_DATABASE_URL
      COMPACTOR_DATABASE_URL=$(role_url compactor)
      # As in its image.
      export MALLOC_MMAP_THRESHOLD_=262144
      ;;
    identity) export SEALING_KEYS=$sealing_keys PUBLIC_URL ;;
    alerting) export AMQP_URL=$broker_url SEALING_KEYS=$sealing_keys PUBLIC_URL EGRESS_ALLOW=${EGRESS_ALLOW:-127.0.0.0/8,::1/128} ;;
    webhook) export AMQP_URL=$broker_url SEALING_KEYS=$sealing_keys PUBLIC_URL ;;
  esac
  PUBLIC_URL=${PUBLIC_URL:-$(url_of query)}
  exec "$bin_dir/$name"
}

# --- the steps -----------------------------------------------------------------------------------------------------------------

start_postgresql() {
  "$here/install.sh" postgresql
  "$here/postgres.sh" start "$state_dir/postgres" "$(port_of postgresql)"
  "$here/postgres.sh" createdb "$state_dir/postgres" sightline
}

start_rabbitmq() {
  "$here/install.sh" rabbitmq
  RABBITMQ_PASSWORD=$broker_password "$here/rabbitmq.sh" start "$state_dir/rabbitmq" "$(port_of rabbitmq)" --no-management
}

build() {
  local release="" name
  [ "$profile" = debug ] || release=--release
  set -- --bin migrate --bin demo
  for name in $services; do set -- "$@" --bin "$name"; done
  # shellcheck disable=SC2086
  (cd "$root" && cargo build $release "$@")
}

migrate() { DATABASE_URL=$owner_url SERVICE_ROLE_PASSWORD=$service_role_password "$bin_dir/migrate"; }

# Waits for one service; the others start meanwhile, and one that dies is started again meanwhile.
wait_ready() {
  local name=$1 began=$SECONDS
  [ "$interactive" = yes ] || say "  ..   $name"
  until [ "$(http_status "$(port_of "$name")" /readyz)" = 200 ]; do
    watch_parts || exit 1
    check_parent
    if [ "$interactive" = yes ]; then draw "$name" $((SECONDS - began)) "starting"; fi
    if [ $((SECONDS - began)) -gt 120 ]; then
      done_line FAIL "$name" $((SECONDS - began))
      last_lines "$(log_of "$name")"
      die "$name was not ready within two minutes" "The lines above are the end of $(log_of "$name")."
    fi
    sleep 0.2
  done
  done_line ok "$name" $((SECONDS - began))
}

# A `make` that was killed cannot pass the signal on.
check_parent() {
  if [ -n "$started_by" ] && ! kill -0 "$started_by" 2>/dev/null; then exit 1; fi
}

# --- the end -------------------------------------------------------------------------------------------------------------------

stop_everything() {
  local group
  group=$(cat "$state_dir/step.pid" 2>/dev/null || true)
  if [ -n "$group" ]; then
    case $(command_of "$group") in *run.sh*) kill -TERM -- "-$group" 2>/dev/null || true ;; esac
    rm -f "$state_dir/step.pid"
  fi
  stop_parts
  "$here/rabbitmq.sh" stop "$state_dir/rabbitmq" || true
  "$here/postgres.sh" stop "$state_dir/postgres" || true
  rm -f "$state_dir/run.pid" "$state_dir/reaper.pid"
}

finish() {
  trap '' INT TERM HUP
  set +e
  [ -z "${reaper:-}" ] || kill -- "-$reaper" 2>/dev/null
  stop_step
  say "Stopping everything ..."
  stop_everything
  say "Stopped. The data stays in ${state_dir#"$root"/} for the next run; deploy/local/run.sh reset deletes it."
}

reset() {
  check_alone
  stop_everything
  "$here/rabbitmq.sh" remove "$state_dir/rabbitmq"
  "$here/postgres.sh" remove "$state_dir/postgres"
  rm -rf "$state_dir"
}

run() {
  local name log
  check_tools
  check_alone
  check_database_url
  check_amqp_url
  mkdir -p "$state_dir/logs" "$state_dir/pids"
  # Whatever a run that was killed together with its reaper (a crash of the machine, say) has left.
  stop_everything
  check_ports
  load_secrets

  echo $$ >"$state_dir/run.pid"
  trap finish EXIT
  trap 'exit 130' INT
  trap 'exit 143' TERM HUP
  # Bash reports a child's death by signal in its own words, unless that signal is trapped.
  # shellcheck disable=SC2173
  trap : KILL ABRT SEGV BUS
  set -m
  "$here/reaper.sh" $$ "$here/run.sh" stop </dev/null >/dev/null 2>&1 &
  reaper=$!
  set +m
  echo "$reaper" >"$state_dir/reaper.pid"
  for log in "$state_dir"/logs/*.log; do [ ! -e "$log" ] || mv "$log" "$log.1"; done

  if [ -n "${DATABASE_URL:-}" ]; then
    owner_url=$DATABASE_URL
  else
    step PostgreSQL "$(log_of postgresql)" start_postgresql
    owner_url=$("$here/postgres.sh" url "$state_dir/postgres" sightline)
  fi
  if [ -n "${AMQP_URL:-}" ]; then
    broker_url=$AMQP_URL
  else
    step RabbitMQ "$(log_of rabbitmq)" start_rabbitmq
    broker_url="$("$here/rabbitmq.sh" url "$state_dir/rabbitmq")/%2f"
  fi
  [ -n "${BIN_DIR:-}" ] || step dashboard "$(log_of dashboard)" "$here/dashboard.sh" build
  [ -n "${BIN_DIR:-}" ] || step build "$(log_of build)" build
  step migrations "$(log_of migrate)" migrate

  for name in $services; do add_part "$name"; done
  for name in $services; do wait_ready "$name"; done
  say "Logs: ${state_dir#"$root"/}/logs    Stop: Ctrl-C"
  add_part demo
  while watch_parts; do
    check_parent
    sleep 0.5
  done
  exit 1
}

case ${1:-run} in
  run) run ;;
  reset) reset ;;
  stop) stop_everything ;; # for the reaper
  *) die "usage: run.sh [reset]" ;;
esac
