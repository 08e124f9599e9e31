#!/usr/bin/env bash
# A private PostgreSQL in a folder of its own: no system service, no Docker, loopback only.
#
#   postgres.sh start DIR PORT [--throwaway] [--set NAME=VALUE]...
#       Makes the cluster on the first call and starts it; prints the path of the pid file. Does nothing when it runs already.
#       --throwaway trades durability for speed (fsync and friends off) and allows more connections: for tests only.
#       --set adds a line to the configuration, and wins over the built-in ones.
#   postgres.sh stop DIR [--immediate]      --immediate is a crash: no checkpoint, recovery at the next start
#   postgres.sh remove DIR                  stops it and deletes everything that start made
#   postgres.sh status DIR                  exit code 0 and a line when it runs, 3 when it does not
#   postgres.sh url DIR [DATABASE]          the superuser's URL, password included
#   postgres.sh createdb DIR DATABASE       makes the database unless it is there
#   postgres.sh bindir                      where the server's programs are (PG_BINDIR overrides)
#
# Any number may run side by side, each with its own DIR and PORT; a test may start, crash and remove its own.
# Root is fine: the server then runs as the account `postgres` or `nobody`, and where that account cannot reach DIR (a clone below
# a closed home folder) the data is kept under /var/lib/sightline instead. The pid file's first line is the server's process id.
set -euo pipefail
# shellcheck source=deploy/local/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

# A developer's own client settings must not steer the private server.
unset PGDATA PGHOST PGHOSTADDR PGPORT PGUSER PGPASSWORD PGPASSFILE PGDATABASE PGOPTIONS PGSERVICE PGSSLMODE

minimum_version=15

usage() {
  sed -n '2,/^set -/{/^#/s/^# \{0,1\}//p;}' "${BASH_SOURCE[0]}" >&2
  exit 2
}

major_of() { "$1/postgres" --version 2>/dev/null | sed -n 's/^[^0-9]*\([0-9][0-9]*\).*/\1/p'; }

candidate_bindirs() {
  [ -z "${PG_BINDIR:-}" ] || { echo "$PG_BINDIR"; return; }
  if have pg_config; then pg_config --bindir; fi
  ls -d /usr/lib/postgresql/*/bin /usr/pgsql-*/bin 2>/dev/null || true
  ls -d /opt/homebrew/opt/postgresql@*/bin /usr/local/opt/postgresql@*/bin /home/linuxbrew/.linuxbrew/opt/postgresql@*/bin 2>/dev/null || true
}

# bindir [MAJOR]: the newest server here that is new enough, or the one of that major version.
bindir() {
  local wanted=${1:-} best="" best_major=0 dir major
  while IFS= read -r dir; do
    if [ ! -x "$dir/postgres" ] || [ ! -x "$dir/initdb" ]; then continue; fi
    major=$(major_of "$dir")
    if [ -n "$wanted" ]; then
      if [ "$major" = "$wanted" ]; then echo "$dir"; return; fi
    elif [ "${major:-0}" -ge "$minimum_version" ] && [ "$major" -gt "$best_major" ]; then
      best=$dir best_major=$major
    fi
  done <<EOF
$(candidate_bindirs)
EOF
  [ -n "$best" ] || return 1
  echo "$best"
}

require_bindir() {
  bindir "$@" || die "no PostgreSQL ${1:-$minimum_version or newer} server programs found" \
    "Install them:  $(dirname "${BASH_SOURCE[0]}")/install.sh postgresql" \
    "or name their folder:  PG_BINDIR=/path/to/bin"
}

# fallback_place DIR: where the data lives when the server's account cannot reach DIR. Not /var/tmp: systems tidy that by age,
# file by file, which would eat a database that is only now and then in use.
fallback_place() { echo "/var/lib/sightline/$(short_hash "$1")"; }

# place DIR: the folder that belongs to the server's account, or nothing when there is none yet.
place() {
  if [ -L "$1/server" ]; then
    # A copied clone brings the link of the original along; it must not share the original's data.
    if [ "$(readlink "$1/server")" = "$(fallback_place "$1")" ]; then fallback_place "$1"; fi
  elif [ -d "$1/server" ]; then
    echo "$1/server"
  fi
}

make_place() {
  local dir=$1 elsewhere
  rm -f "$dir/server"
  mkdir -m 700 "$dir/server"
  is_root || return 0
  chown "$(id -u "$(server_user)"):$(id -g "$(server_user)")" "$dir/server"
  if (cd / && as_server_user test -w "$dir/server" 2>/dev/null); then return 0; fi
  rmdir "$dir/server"
  elsewhere=$(fallback_place "$dir")
  # Left by a DIR that was deleted by hand, and its password with it.
  ln -s "$elsewhere" "$dir/server"
  stop "$dir" --immediate
  rm -rf "$elsewhere"
  mkdir -p "$elsewhere"
  chmod 711 /var/lib/sightline
  chmod 700 "$elsewhere"
  chown "$(id -u "$(server_user)"):$(id -g "$(server_user)")" "$elsewhere"
  say "note: PostgreSQL runs as $(server_user), who cannot enter $dir: its data is in $elsewhere"
}

pid_of() {
  local server pid
  server=$(place "$1")
  [ -n "$server" ] || return 0
  pid=$(head -n 1 "$server/data/postmaster.pid" 2>/dev/null || true)
  case $(command_of "${pid:-0}") in *postgres*) echo "$pid" ;; esac
}

create_cluster() {
  local dir=$1 server=$2 bin=$3 throwaway=$4 password_file="$2/password.new" locale
  locale=$(utf8_locale)
  random_hex 16 >"$dir/password"
  chmod 600 "$dir/password"
  # The server's account has to read it once, and cannot read a file in DIR.
  cat "$dir/password" >"$password_file"
  if is_root; then chown "$(id -u "$(server_user)")" "$password_file"; fi
  chmod 600 "$password_file"
  rm -rf "$server/data.new"
  set -- --pgdata="$server/data.new" --username=postgres --pwfile="$password_file" --auth=scram-sha-256 --encoding=UTF8 --locale="$locale"
  if [ "$throwaway" = yes ]; then set -- "$@" --no-sync; else set -- "$@" --data-checksums; fi
  if ! as_server_user "$bin/initdb" "$@" >"$dir/initdb.log" 2>&1; then
    last_lines "$dir/initdb.log"
    die "initdb could not make a PostgreSQL cluster in $server" "The lines above are the end of $dir/initdb.log."
  fi
  rm -f "$password_file"
  # shellcheck disable=SC2016
  as_server_user sh -c 'echo "include = '\''../settings.conf'\''" >>"$1/data.new/postgresql.conf" && mv "$1/data.new" "$1/data"' sh "$server"
}

settings() {
  local server=$1 bin=$2 port=$3 throwaway=$4
  cat <<EOF
listen_addresses = '127.0.0.1'
port = $port
unix_socket_directories = ''
timezone = 'UTC'
log_timezone = 'UTC'
log_line_prefix = '%m [%p] %q%u@%d '
log_lock_waits = on
EOF
  if [ "$throwaway" = yes ]; then
    cat <<EOF
max_connections = 300
shared_buffers = 256MB
max_wal_size = 2GB
wal_level = minimal
max_wal_senders = 0
fsync = off
synchronous_commit = off
full_page_writes = off
EOF
  else
    cat <<EOF
max_connections = 200
shared_buffers = 512MB
max_wal_size = 4GB
# Files of the write-ahead log are used again: to make one stops every commit for about 50 ms.
min_wal_size = 2GB
EOF
    if as_server_user "$bin/postgres" -D "$server/data" -C wal_compression -c wal_compression=lz4 >/dev/null 2>&1; then
      echo "wal_compression = lz4"
    fi
  fi
}

# forget_dead_server DATA: a server that was killed, and whose parent has not taken notice yet, still has a process id; a new server
# would take it for a live one. Its lock file may go once no process of it works in the data folder any more.
forget_dead_server() {
  local pid data tries=0 folder
  pid=$(head -n 1 "$1/postmaster.pid" 2>/dev/null || true)
  if [ -z "$pid" ] || [ ! -d /proc/self ] || ! kill -0 "$pid" 2>/dev/null || alive "$pid"; then return; fi
  data=$(as_server_user readlink -f "$1")
  while :; do
    for folder in /proc/[0-9]*/cwd; do
      if [ "$(readlink "$folder" 2>/dev/null)" = "$data" ]; then
        tries=$((tries + 1))
        [ "$tries" -le 100 ] || die "processes of a killed PostgreSQL still work in $data" "Stop them, then try again."
        sleep 0.1
        continue 2
      fi
    done
    break
  done
  as_server_user rm -f "$1/postmaster.pid"
}

start() {
  [ $# -ge 2 ] || usage
  local dir=$1 port=$2 throwaway=no extra="" server bin pid log tries=0
  shift 2
  while [ $# -gt 0 ]; do
    case $1 in
      --throwaway) throwaway=yes ;;
      --set)
        [ $# -ge 2 ] || usage
        extra="$extra${2%%=*} = '${2#*=}'"$'\n'
        shift
        ;;
      *) usage ;;
    esac
    shift
  done
  mkdir -p "$dir"
  dir=$(absolute "$dir")
  pid=$(pid_of "$dir")
  server=$(place "$dir")
  if [ -n "$pid" ]; then
    [ "$(cat "$dir/port")" = "$port" ] || die "the PostgreSQL of $dir runs on port $(cat "$dir/port"), not $port" "Stop it first:  $0 stop $dir"
    echo "$server/data/postmaster.pid"
    return
  fi
  if port_in_use "$port"; then
    die "port $port, meant for PostgreSQL, is taken$(port_owner "$port")" "Stop that program or choose another port."
  fi
  if [ -n "$server" ] && [ -s "$server/data/PG_VERSION" ]; then
    bin=$(require_bindir "$(cat "$server/data/PG_VERSION")")
  else
    bin=$(require_bindir)
    if [ -z "$server" ] || [ ! -d "$server/" ]; then
      make_place "$dir"
      server=$(place "$dir")
    fi
  fi
  # The server's account may not be allowed to stand where the caller stands.
  cd "$server"
  [ -s "$server/data/PG_VERSION" ] || create_cluster "$dir" "$server" "$bin" "$throwaway"
  # The server is asked below whether it knows a setting, and reads this file to answer.
  as_server_user touch "$server/settings.conf"
  { settings "$server" "$bin" "$port" "$throwaway"; printf '%s' "$extra"; } >"$server/settings.conf.new"
  if is_root; then chown "$(id -u "$(server_user)")" "$server/settings.conf.new"; fi
  mv "$server/settings.conf.new" "$server/settings.conf"
  echo "$port" >"$dir/port"
  forget_dead_server "$server/data"
  log="$server/postgres.log"
  [ ! -f "$log" ] || mv "$log" "$log.1"
  # After a crash the old backends may hold the shared memory for another moment.
  until as_server_user "$bin/pg_ctl" start -D "$server/data" -l "$log" -w -t 120 >"$dir/start.log" 2>&1 </dev/null; do
    tries=$((tries + 1))
    if [ "$tries" -lt 20 ] && grep -q 'pre-existing shared memory block' "$log" 2>/dev/null; then
      sleep 0.5
      rm -f "$log"
      continue
    fi
    last_lines "$dir/start.log" 5
    last_lines "$log"
    die "PostgreSQL did not start" "The lines above are the end of $dir/start.log and $log."
  done
  echo "$server/data/postmaster.pid"
}

stop() {
  [ $# -ge 1 ] || usage
  local dir=$1 mode=fast server bin pid
  case ${2:-} in
    --immediate) mode=immediate ;;
    "") ;;
    *) usage ;;
  esac
  [ -d "$dir" ] || return 0
  dir=$(absolute "$dir")
  pid=$(pid_of "$dir")
  [ -n "$pid" ] || return 0
  server=$(place "$dir")
  bin=$(require_bindir "$(cat "$server/data/PG_VERSION")")
  cd "$server"
  as_server_user "$bin/pg_ctl" stop -D "$server/data" -m "$mode" -w -t 30 >/dev/null 2>&1 \
    || as_server_user "$bin/pg_ctl" stop -D "$server/data" -m immediate -w -t 10 >/dev/null 2>&1 \
    || kill -9 "$pid" 2>/dev/null || true
  wait_gone "$pid" 10 || die "PostgreSQL (pid $pid) of $dir does not stop" "Stop it by hand:  kill -9 $pid"
}

remove() {
  [ $# -eq 1 ] || usage
  [ -d "$1" ] || return 0
  local dir server
  dir=$(absolute "$1")
  stop "$dir" --immediate
  server=$(place "$dir")
  cd /
  [ -z "$server" ] || rm -rf "$server"
  rm -rf "$dir/server" "$dir/password" "$dir/port" "$dir/initdb.log" "$dir/start.log"
  rmdir "$dir" 2>/dev/null || true
}

status() {
  [ $# -eq 1 ] || usage
  local pid=""
  [ ! -d "$1" ] || pid=$(pid_of "$(absolute "$1")")
  if [ -z "$pid" ]; then
    echo "PostgreSQL of $1 is not running"
    return 3
  fi
  echo "PostgreSQL of $1 runs: pid $pid, port $(cat "$1/port")"
}

url() {
  [ $# -ge 1 ] || usage
  [ -f "$1/password" ] || die "there is no PostgreSQL cluster in $1"
  echo "postgres://postgres:$(cat "$1/password")@127.0.0.1:$(cat "$1/port")/${2:-postgres}"
}

createdb() {
  [ $# -eq 2 ] || usage
  local psql
  psql="$(require_bindir "$(cat "$(place "$(absolute "$1")")/data/PG_VERSION")")/psql"
  if [ "$("$psql" -XAtq "$(url "$1")" -c "SELECT 1 FROM pg_database WHERE datname = '$2'")" != 1 ]; then
    "$psql" -Xq "$(url "$1")" -c "CREATE DATABASE \"$2\""
  fi
}

command=${1:-}
[ $# -eq 0 ] || shift
case $command in
  start | stop | remove | status | url | createdb) "$command" "$@" ;;
  bindir) bindir "$@" ;;
  *) usage ;;
esac
