#!/usr/bin/env bash
# A private RabbitMQ in a folder of its own: no system service, no root, no Docker, every socket on loopback.
#
#   rabbitmq.sh start DIR BASEPORT [--no-management]
#                                       starts it and waits until it serves; prints the path of the pid file. Does nothing when it
#                                       runs already. User guest; the password is guest unless RABBITMQ_PASSWORD says otherwise
#                                       at the first start. Without the management API it starts and stops seconds sooner.
#   rabbitmq.sh stop DIR [--immediate]  stops the node and the port mapper that it used; --immediate is a crash (kill -9)
#   rabbitmq.sh remove DIR              stops it and deletes everything that start made
#   rabbitmq.sh status DIR              exit code 0 and a line when it runs, 3 when it does not
#   rabbitmq.sh url DIR | api DIR       amqp://… without a virtual host, and http://… of the management API
#   rabbitmq.sh ctl DIR ARGS...         rabbitmqctl on this node
#   rabbitmq.sh bindir                  where the server's programs are (RABBITMQ_BIN overrides)
#
# Eight ports from BASEPORT: +0 AMQP, +1 between nodes, +2 port mapper, +3 to +6 rabbitmqctl, +7 management API.
# Any number may run side by side, each with its own DIR and ports; a test may start, kill and remove its own.
# The pid file holds the process id of the Erlang machine: kill -9 of it is a crash, and a later start recovers.
set -euo pipefail
# shellcheck source=deploy/local/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

usage() {
  sed -n '2,/^set -/{/^#/s/^# \{0,1\}//p;}' "${BASH_SOURCE[0]}" >&2
  exit 2
}

# The rabbitmq-server of Debian's PATH is a wrapper that insists on root or the system account: the one below /usr/lib does not.
candidate_bindirs() {
  [ -z "${RABBITMQ_BIN:-}" ] || { echo "$RABBITMQ_BIN"; return; }
  ls -d /usr/lib/rabbitmq/bin /usr/lib/rabbitmq/lib/rabbitmq_server-*/sbin 2>/dev/null || true
  ls -d /opt/homebrew/opt/rabbitmq/sbin /usr/local/opt/rabbitmq/sbin /home/linuxbrew/.linuxbrew/opt/rabbitmq/sbin 2>/dev/null || true
}

bindir() {
  local dir
  while IFS= read -r dir; do
    if [ -x "$dir/rabbitmq-server" ]; then echo "$dir"; return; fi
  done <<EOF
$(candidate_bindirs)
EOF
  return 1
}

require_bindir() {
  bindir || die "no RabbitMQ server programs found" \
    "Install them:  $(dirname "${BASH_SOURCE[0]}")/install.sh rabbitmq" \
    "or name the folder of rabbitmq-server:  RABBITMQ_BIN=/path/to/sbin"
}

quoted() { printf "'%s'" "$(printf '%s' "$1" | sed "s/'/'\\\\''/g")"; }

# Everything the node must not take from the system's installation, as export lines; `ctl` reads them too.
environment() {
  local dir=$1 port=$2 bin=$3 name value
  while IFS='=' read -r name value; do
    printf 'export %s=%s\n' "$name" "$(quoted "$value")"
  done <<EOF
HOME=$dir/home
LC_ALL=$(utf8_locale)
RABBITMQ_BIN=$bin
RABBITMQ_CONF_ENV_FILE=/dev/null
RABBITMQ_CONFIG_FILE=$dir/rabbitmq.conf
RABBITMQ_ADVANCED_CONFIG_FILE=$dir/advanced.config
RABBITMQ_NODENAME=sightline$port@localhost
RABBITMQ_MNESIA_BASE=$dir/data
RABBITMQ_LOG_BASE=$dir/log
RABBITMQ_LOGS=$dir/log/rabbitmq.log
RABBITMQ_GENERATED_CONFIG_DIR=$dir/generated
RABBITMQ_ENABLED_PLUGINS_FILE=$dir/enabled_plugins
RABBITMQ_FEATURE_FLAGS_FILE=$dir/feature_flags
RABBITMQ_PID_FILE=$dir/rabbitmq.pid
RABBITMQ_NODE_IP_ADDRESS=127.0.0.1
RABBITMQ_NODE_PORT=$port
RABBITMQ_DIST_PORT=$((port + 1))
RABBITMQ_CTL_DIST_PORT_MIN=$((port + 3))
RABBITMQ_CTL_DIST_PORT_MAX=$((port + 6))
RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS=-kernel inet_dist_use_interface {127,0,0,1} +S 2:2
ERL_EPMD_PORT=$((port + 2))
ERL_EPMD_ADDRESS=127.0.0.1
ERL_CRASH_DUMP=$dir/log/erl_crash.dump
EOF
}

configuration() {
  cat <<EOF
default_user = guest
default_pass = ${RABBITMQ_PASSWORD:-guest}
default_vhost = /
loopback_users.guest = true
log.console = false
log.file.level = info
disk_free_limit.absolute = 50MB
vm_memory_high_watermark.absolute = 512MB
EOF
  if [ "$2" = rabbitmq_management ]; then
    echo "management.tcp.ip = 127.0.0.1"
    echo "management.tcp.port = $(($1 + 7))"
  fi
}

pid_of() {
  local pid
  pid=$(cat "$1/rabbitmq.pid" 2>/dev/null || true)
  [ -n "$pid" ] || return 0
  # The number may belong to somebody else since a reboot.
  case $(command_of "$pid") in *"-home $1/home "*) echo "$pid" ;; esac
}

epmd_program() {
  local found
  if have epmd; then
    command -v epmd
    return
  fi
  for found in /usr/lib/erlang/erts-*/bin/epmd /opt/homebrew/opt/erlang/lib/erlang/erts-*/bin/epmd /usr/local/opt/erlang/lib/erlang/erts-*/bin/epmd; do
    if [ -x "$found" ]; then echo "$found"; return; fi
  done
}

# launcher_of DIR: the shell around the node. It exists before the node has written its pid file.
launcher_of() {
  local pid
  pid=$(cat "$1/launcher.pid" 2>/dev/null || true)
  [ -n "$pid" ] || return 0
  case $(command_of "$pid") in *rabbitmq-server*) echo "$pid" ;; esac
}

# The port mapper outlives its node, and is this node's alone: it has a port of its own.
stop_epmd() {
  local epmd
  epmd=$(epmd_program)
  if [ -n "$epmd" ] && port_in_use "$(($(cat "$1/port") + 2))"; then
    ERL_EPMD_PORT=$(($(cat "$1/port") + 2)) ERL_EPMD_ADDRESS=127.0.0.1 "$epmd" -kill >/dev/null 2>&1 || true
  fi
}

serves() {
  grep -q 'Server startup complete' "$1/log/rabbitmq.log" 2>/dev/null && port_in_use "$2"
}

start() {
  [ $# -ge 2 ] || usage
  local dir=$1 port=$2 plugins=rabbitmq_management bin offset launcher tries=0
  case ${3:-} in
    --no-management) plugins="" ;;
    "") ;;
    *) usage ;;
  esac
  mkdir -p "$dir"
  dir=$(absolute "$dir")
  if [ -n "$(pid_of "$dir")" ]; then
    [ "$(cat "$dir/port")" = "$port" ] || die "the RabbitMQ of $dir runs on port $(cat "$dir/port"), not $port" "Stop it first:  $0 stop $dir"
  else
    bin=$(require_bindir)
    if [ -f "$dir/port" ]; then stop_epmd "$dir"; fi
    for offset in 0 1 2 7; do
      if port_in_use $((port + offset)); then
        die "port $((port + offset)), meant for RabbitMQ, is taken$(port_owner $((port + offset)))" "Stop that program or choose another port."
      fi
    done
    mkdir -p "$dir/home" "$dir/log" "$dir/data"
    chmod 700 "$dir/home" "$dir/data"
    rm -f "$dir/rabbitmq.pid"
    echo "$port" >"$dir/port"
    (umask 077 && environment "$dir" "$port" "$bin" >"$dir/env.sh" && configuration "$port" "$plugins" >"$dir/rabbitmq.conf")
    echo "[$plugins]." >"$dir/enabled_plugins"
    echo '[].' >"$dir/advanced.config"
    [ -f "$dir/password" ] || (umask 077 && echo "${RABBITMQ_PASSWORD:-guest}" >"$dir/password")
    [ ! -f "$dir/log/rabbitmq.log" ] || mv "$dir/log/rabbitmq.log" "$dir/log/rabbitmq.log.1"
    # A process group of its own, so that Ctrl-C in the caller's terminal does not reach it.
    set -m
    # shellcheck disable=SC1091
    (cd "$dir" && . "$dir/env.sh" && exec "$bin/rabbitmq-server" </dev/null >"$dir/log/start.log" 2>&1) &
    launcher=$!
    set +m
    echo "$launcher" >"$dir/launcher.pid"
  fi
  until serves "$dir" "$port"; do
    tries=$((tries + 1))
    if [ "$tries" -gt 600 ] || { [ -n "${launcher:-}" ] && ! alive "$launcher"; }; then
      last_lines "$dir/log/start.log"
      last_lines "$dir/log/rabbitmq.log"
      stop "$dir"
      die "RabbitMQ did not start" "The lines above are the end of $dir/log/start.log and $dir/log/rabbitmq.log."
    fi
    sleep 0.2
  done
  echo "$dir/rabbitmq.pid"
}

stop() {
  [ $# -ge 1 ] || usage
  local dir pid signal=TERM
  case ${2:-} in
    --immediate) signal=KILL ;;
    "") ;;
    *) usage ;;
  esac
  [ -f "$1/port" ] || return 0
  dir=$(absolute "$1")
  pid=$(pid_of "$dir")
  # A node that is still starting answers SIGTERM late or never, and has nothing to lose.
  grep -q 'Server startup complete' "$dir/log/rabbitmq.log" 2>/dev/null || signal=KILL
  if [ -n "$pid" ]; then
    kill "-$signal" "$pid" 2>/dev/null || true
    # A frozen node (kill -STOP) does not hear SIGTERM.
    wait_gone "$pid" 30 || kill -KILL "$pid" 2>/dev/null || true
    wait_gone "$pid" 5 || die "RabbitMQ (pid $pid) of $dir does not stop" "Stop it by hand:  kill -9 $pid"
  fi
  # Where there was no node yet, its launcher would still make one.
  local patience=2
  [ -n "$pid" ] || patience=0
  pid=$(launcher_of "$dir")
  if [ -n "$pid" ] && ! wait_gone "$pid" "$patience"; then
    kill -KILL -- "-$pid" 2>/dev/null || true
    wait_gone "$pid" 5 || true
  fi
  rm -f "$dir/rabbitmq.pid" "$dir/launcher.pid"
  stop_epmd "$dir"
}

remove() {
  [ $# -eq 1 ] || usage
  [ -d "$1" ] || return 0
  local dir
  dir=$(absolute "$1")
  stop "$dir" --immediate
  (cd "$dir" && rm -rf home log data generated env.sh rabbitmq.conf advanced.config enabled_plugins feature_flags port password)
  rmdir "$dir" 2>/dev/null || true
}

status() {
  [ $# -eq 1 ] || usage
  local pid=""
  [ ! -f "$1/port" ] || pid=$(pid_of "$(absolute "$1")")
  if [ -z "$pid" ]; then
    echo "RabbitMQ of $1 is not running"
    return 3
  fi
  echo "RabbitMQ of $1 runs: pid $pid, port $(cat "$1/port")"
}

url() {
  [ -f "$1/password" ] || die "there is no RabbitMQ in $1"
  echo "amqp://guest:$(cat "$1/password")@127.0.0.1:$(cat "$1/port")"
}

api() {
  [ -f "$1/password" ] || die "there is no RabbitMQ in $1"
  echo "http://guest:$(cat "$1/password")@127.0.0.1:$(($(cat "$1/port") + 7))"
}

ctl() {
  [ $# -ge 2 ] || usage
  local dir
  dir=$(absolute "$1")
  shift
  # shellcheck disable=SC1091
  (cd "$dir" && . "$dir/env.sh" && exec "$RABBITMQ_BIN/rabbitmqctl" "$@")
}

command=${1:-}
[ $# -eq 0 ] || shift
case $command in
  start | stop | remove | status | ctl) "$command" "$@" ;;
  url | api)
    [ $# -eq 1 ] || usage
    "$command" "$@"
    ;;
  bindir) bindir ;;
  *) usage ;;
esac
