#!/usr/bin/env bash
# PostgreSQL and RabbitMQ for the tests: throw-away, private to this clone, on free ports.
#
#   test.sh run [--durable] COMMAND...   starts them, runs the command with the environment below, stops and deletes them, also
#                                        on Ctrl-C, on failure, and when this script is killed. Ends with the command's exit code.
#   test.sh up [--durable]               starts them and leaves them, for repeated `cargo nextest run`; `run` then uses these
#   test.sh down [--durable] [--force]   stops and deletes them
#   test.sh env [--durable]              prints the environment as export lines:  eval "$(deploy/local/test.sh env)"
#
# --durable is another pair of servers with the settings of production (fsync on), for benchmarks.
#
# What the tests get:
#   TEST_DATABASE_URL      a superuser's URL of the maintenance database; TEST_PG_BINDIR: the programs of that server
#   TEST_AMQP_URL          without a virtual host; TEST_RABBITMQ_API: the management API, to make one per test
#   TEST_RABBITMQ_CTL_ENV  a file to source before calling $RABBITMQ_BIN/rabbitmqctl
# TEST_DATABASE_URL, or TEST_AMQP_URL with TEST_RABBITMQ_API, set by the caller are used as they are. DATABASE_URL and AMQP_URL
# are not: they may name servers whose data somebody wants to keep.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd -P)
# shellcheck source=deploy/local/lib.sh
. "$here/lib.sh"
root=$(absolute "$here/../..")

usage() {
  sed -n '2,/^set -/{/^#/s/^# \{0,1\}//p;}' "${BASH_SOURCE[0]}" >&2
  exit 2
}

state="$root/.run/test"
pg_options=--throwaway

# Only one process at a time starts or stops the servers of this clone.
lock() {
  local holder tries=0
  mkdir -p "$state/users"
  until mkdir "$state/lock" 2>/dev/null; do
    holder=$(cat "$state/lock/pid" 2>/dev/null || true)
    if [ -n "$holder" ] && ! alive "$holder"; then
      rm -rf "$state/lock"
      continue
    fi
    tries=$((tries + 1))
    [ "$tries" -le 600 ] || die "process $holder has been starting or stopping the test servers for two minutes" "If it hangs, stop it and remove $state/lock."
    sleep 0.2
  done
  echo $$ >"$state/lock/pid"
}

unlock() { rm -rf "$state/lock"; }

# Whoever runs tests right now; the last one to leave stops the servers, unless `up` asked to keep them.
live_users() {
  local file
  for file in "$state"/users/*; do
    [ -e "$file" ] || continue
    if alive "$(basename "$file")"; then basename "$file"; else rm -f "$file"; fi
  done
}

# A stretch of ten free ports below those that the system gives to clients, in a place that differs from clone to clone.
free_ports() {
  local first offset
  first=$((20000 + $(printf '%d' "0x$(short_hash "$state" | cut -c1-4)") % 1000 * 10))
  while [ "$first" -lt 32000 ]; do
    for offset in 0 1 2 3 8 9; do
      if port_in_use $((first + offset)); then
        first=$((first + 10))
        continue 2
      fi
    done
    echo "$first"
    return
  done
  die "no stretch of ten free ports between 20000 and 32000"
}

own_postgres() { [ -z "${TEST_DATABASE_URL:-}" ]; }
own_rabbitmq() { [ -z "${TEST_AMQP_URL:-}" ]; }

check_given() {
  local hostport
  if ! own_postgres; then
    hostport=$(host_and_port "$TEST_DATABASE_URL" 5432)
    answers "${hostport% *}" "${hostport#* }" || die "TEST_DATABASE_URL names a server that does not answer (${hostport% *}, port ${hostport#* })" "Start it, or unset TEST_DATABASE_URL to get a private one."
  fi
  if ! own_rabbitmq; then
    [ -n "${TEST_RABBITMQ_API:-}" ] || die "TEST_AMQP_URL is set without TEST_RABBITMQ_API" "The tests make a virtual host each through the management API, for example http://guest:guest@127.0.0.1:15672"
    hostport=$(host_and_port "$TEST_AMQP_URL" 5672)
    answers "${hostport% *}" "${hostport#* }" || die "TEST_AMQP_URL names a broker that does not answer (${hostport% *}, port ${hostport#* })" "Start it, or unset TEST_AMQP_URL to get a private one."
  fi
}

running() { [ -f "$state/env.sh" ] && "$here/postgres.sh" status "$state/postgres" >/dev/null && "$here/rabbitmq.sh" status "$state/rabbitmq" >/dev/null; }

# install WHAT FINDER: a package manager has much to say, of which only a failure is of interest.
install() {
  if "$2" bindir >/dev/null; then return; fi
  say "Installing $1 (log: ${state#"$root"/}/install.log) ..."
  if ! "$here/install.sh" "$1" >"$state/install.log" 2>&1; then
    last_lines "$state/install.log" 30
    die "$1 could not be installed" "The lines above are the end of $state/install.log."
  fi
}

starting=""

# Both at once: RabbitMQ takes seconds.
start_servers() {
  local first rabbitmq postgres failed=no
  if running; then return; fi
  install postgresql "$here/postgres.sh"
  install rabbitmq "$here/rabbitmq.sh"
  delete_servers
  first=$(free_ports)
  "$here/rabbitmq.sh" start "$state/rabbitmq" "$first" >/dev/null &
  rabbitmq=$!
  "$here/postgres.sh" start "$state/postgres" $((first + 8)) $pg_options >/dev/null &
  postgres=$!
  starting="$rabbitmq $postgres"
  wait "$postgres" || failed=yes
  wait "$rabbitmq" || failed=yes
  starting=""
  if [ "$failed" = yes ]; then
    delete_servers
    exit 1
  fi
  (
    umask 077
    cat >"$state/env.sh" <<EOF
export TEST_DATABASE_URL='$("$here/postgres.sh" url "$state/postgres")'
export TEST_PG_BINDIR='$("$here/postgres.sh" bindir)'
export TEST_AMQP_URL='$("$here/rabbitmq.sh" url "$state/rabbitmq")'
export TEST_RABBITMQ_API='$("$here/rabbitmq.sh" api "$state/rabbitmq")'
export TEST_RABBITMQ_CTL_ENV='$state/rabbitmq/env.sh'
EOF
  )
}

delete_servers() {
  rm -f "$state/env.sh"
  "$here/rabbitmq.sh" remove "$state/rabbitmq"
  "$here/postgres.sh" remove "$state/postgres"
}

up() {
  [ $# -eq 0 ] || usage
  lock
  trap 'abandon; unlock; exit 130' INT TERM HUP
  trap unlock EXIT
  start_servers
  touch "$state/keep"
  cat "$state/env.sh"
}

down() {
  local users
  lock
  trap unlock EXIT
  users=$(live_users | paste -sd' ' -)
  if [ -n "$users" ] && [ "${1:-}" != --force ]; then
    die "tests are running on these servers (process $users)" "Wait for them, or add --force."
  fi
  rm -f "$state/keep"
  delete_servers
}

# A start that was interrupted: whatever came up so far goes away.
abandon() {
  local pid
  for pid in $starting; do kill -TERM "$pid" 2>/dev/null || true; done
  [ -z "$starting" ] || delete_servers
}

# leave PID: called by `run` at its end, and by its reaper if it was killed.
leave() {
  lock
  rm -f "$state/users/$1"
  if [ ! -e "$state/keep" ] && [ -z "$(live_users)" ]; then delete_servers; fi
  unlock
}

finish() {
  trap '' INT TERM HUP
  [ -z "${reaper:-}" ] || kill -- "-$reaper" 2>/dev/null || true
  if [ "$(cat "$state/lock/pid" 2>/dev/null)" = $$ ]; then unlock; fi
  leave $$
}

run() {
  local child status=0
  [ $# -gt 0 ] || usage
  if own_postgres || own_rabbitmq; then
    lock
    touch "$state/users/$$"
    trap finish EXIT
    trap 'abandon; exit 130' INT TERM HUP
    set -m
    "$here/reaper.sh" $$ "$here/test.sh" leave $mode $$ </dev/null >/dev/null 2>&1 &
    reaper=$!
    set +m
    start_servers
    unlock
    environment
  fi
  # In the foreground's process group, and with Ctrl-C switched on again: bash switches it off for what runs behind `&`.
  (trap - INT QUIT && exec "$@") <&0 &
  child=$!
  trap ':' INT
  trap 'kill -TERM "$child" 2>/dev/null || true' TERM HUP
  wait "$child" || status=$?
  while kill -0 "$child" 2>/dev/null; do
    status=0
    wait "$child" || status=$?
  done
  exit "$status"
}

# The servers that the caller named win over those of this clone.
environment() {
  local database=${TEST_DATABASE_URL:-} amqp=${TEST_AMQP_URL:-} api=${TEST_RABBITMQ_API:-}
  # shellcheck disable=SC1091
  . "$state/env.sh"
  [ -z "$database" ] || export TEST_DATABASE_URL=$database
  [ -z "$amqp" ] || export TEST_AMQP_URL=$amqp TEST_RABBITMQ_API=$api
}

command=${1:-}
[ $# -eq 0 ] || shift
mode=""
if [ "${1:-}" = --durable ]; then
  mode=--durable
  state="$root/.run/bench"
  pg_options=""
  shift
fi
case $command in
  run)
    check_given
    run "$@"
    ;;
  up) up "$@" ;;
  down) down "$@" ;;
  leave) leave "$@" ;;
  env) cat "$state/env.sh" 2>/dev/null || die "the test servers are not up" "Start them:  deploy/local/test.sh up" ;;
  *) usage ;;
esac
