# shellcheck shell=bash
# What the scripts of this folder share: messages, ports, processes, and the unprivileged user that PostgreSQL wants.
# Sourced, never run. Everything works with bash 3.2, which is what macOS has.

say() { printf '%s\n' "$*" >&2; }

# die MESSAGE [REMEDY...]: what is wrong on the first line, what to do about it on the next ones.
die() {
  printf 'error: %s\n' "$1" >&2
  shift
  local line
  for line in "$@"; do printf '       %s\n' "$line" >&2; done
  exit 1
}

have() { command -v "$1" >/dev/null 2>&1; }

is_root() { [ "$(id -u)" -eq 0 ]; }

as_root() { if is_root; then "$@"; else sudo -n "$@"; fi; }

may_become_root() { is_root || { have sudo && sudo -n true 2>/dev/null; }; }

# random_hex BYTES
random_hex() { head -c "$1" /dev/urandom | od -An -v -tx1 | tr -d ' \n'; }

# short_hash TEXT: twelve hex digits, the same on every run.
short_hash() {
  if have sha256sum; then
    printf '%s' "$1" | sha256sum | cut -c1-12
  else
    printf '%s' "$1" | shasum -a 256 | cut -c1-12
  fi
}

# utf8_locale: a UTF-8 locale that this machine has; code point order where it exists, so that sorting is the same everywhere.
utf8_locale() {
  local name
  for name in C.UTF-8 C.utf8 en_US.UTF-8 en_US.utf8; do
    if locale -a 2>/dev/null | grep -qx "$name"; then
      echo "$name"
      return
    fi
  done
  echo C
}

# answers HOST PORT: something accepts TCP connections there.
answers() { (exec 3<>"/dev/tcp/$1/$2") 2>/dev/null; }

port_in_use() { answers 127.0.0.1 "$1"; }

# port_owner PORT: " (used by NAME, pid N)" where the system tells.
port_owner() {
  local owner=""
  if have ss; then
    owner=$(ss -Hltnp "sport = :$1" 2>/dev/null | sed -n 's/.*users:((\("[^"]*"\),pid=\([0-9]*\).*/\1, pid \2/p' | head -n 1)
  elif have lsof; then
    owner=$(lsof -nP -iTCP:"$1" -sTCP:LISTEN -Fpc 2>/dev/null | sed -n 's/^p\(.*\)/pid \1/p; s/^c\(.*\)/"\1"/p' | head -n 2 | paste -sd, -)
  fi
  [ -z "$owner" ] || printf ' (used by %s)' "$owner"
}

# alive PID: it runs; one that has ended and only waits for its parent to notice does not count.
alive() {
  local state
  [ -n "${1:-}" ] && kill -0 "$1" 2>/dev/null || return 1
  if [ -d /proc/self ]; then
    state=$(cat "/proc/$1/stat" 2>/dev/null || true)
    state=${state##*) }
  else
    state=$(ps -o stat= -p "$1" 2>/dev/null || true)
  fi
  case $state in Z* | "") return 1 ;; esac
}

# command_of PID: its command line, empty when it is gone.
command_of() {
  if [ -d /proc/self ]; then
    tr '\0' ' ' 2>/dev/null <"/proc/$1/cmdline" || true
  else
    ps -ww -o command= -p "$1" 2>/dev/null || true
  fi
}

# wait_gone PID SECONDS: true once the process has ended.
wait_gone() {
  local tries=$(($2 * 10))
  while alive "$1"; do
    tries=$((tries - 1))
    [ "$tries" -gt 0 ] || return 1
    sleep 0.1
  done
}

# absolute DIR: its full name with no symbolic links; the folder must exist.
absolute() { (cd "$1" && pwd -P); }

# last_lines FILE [COUNT]: the end of a log, indented, on standard error.
last_lines() { [ ! -f "$1" ] || tail -n "${2:-15}" "$1" | sed 's/^/    | /' >&2; }

# PostgreSQL refuses to run as root. For root, server_user names an ordinary account, and as_server_user runs a command as it.
server_user() {
  if id -u postgres >/dev/null 2>&1; then echo postgres; else echo nobody; fi
}

as_server_user() {
  if ! is_root; then
    "$@"
  elif have setpriv; then
    setpriv --reuid="$(id -u "$(server_user)")" --regid="$(id -g "$(server_user)")" --clear-groups -- "$@"
  elif have runuser; then
    runuser -u "$(server_user)" -- "$@"
  else
    die "PostgreSQL does not run as root, and neither setpriv nor runuser is here" "Run this as an ordinary user."
  fi
}

# host_and_port URL DEFAULT_PORT: "HOST PORT" of postgres://…, amqp://… or http://….
host_and_port() {
  local rest=${1#*://} host port
  rest=${rest%%[/?]*}
  rest=${rest##*@}
  case $rest in
    \[*\]:*) host=${rest%]:*} port=${rest##*:} ;;
    \[*) host=${rest%]} port=$2 ;;
    *:*) host=${rest%:*} port=${rest##*:} ;;
    *) host=$rest port=$2 ;;
  esac
  echo "${host#\[} $port"
}

# http_status PORT PATH: the status code of a GET on loopback, or nothing. Needs no curl.
http_status() {
  (
    exec 3<>"/dev/tcp/127.0.0.1/$1" || exit 0
    printf 'GET %s HTTP/1.0\r\nHost: 127.0.0.1\r\n\r\n' "$2" >&3
    IFS=' ' read -r -t 3 _ code _ <&3 || exit 0
    echo "$code"
  ) 2>/dev/null
}
