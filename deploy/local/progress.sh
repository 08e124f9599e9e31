# shellcheck shell=bash
# One line per part while the platform starts. In a terminal the line shows the seconds and what the part is doing; elsewhere
# (a log file, CI) it is printed once at the start and once at the end. Sourced, after lib.sh; the caller sets state_dir.
: "${state_dir:?}"

if [ -t 2 ] && [ "${TERM:-dumb}" != dumb ]; then interactive=yes; else interactive=no; fi

# The process group of the step under way, so that an interrupt can end it; also in $state_dir/step.pid, for the reaper.
step_group=""

draw() {
  local text width
  width=$(tput cols 2>/dev/null || echo 80)
  text=$(printf '  ..   %-12s %3d s  %s' "$1" "$2" "$3" | tr -d '\r\033' | cut -c1-$((width - 1)))
  printf '\r\033[K%s' "$text" >&2
}

# step NAME LOG COMMAND...: runs the command with its output in the log, of which lines that begin with "note: " are shown; on failure shows the log's end and ends the script.
step() {
  local name=$1 log=$2 began=$SECONDS pid
  shift 2
  [ "$interactive" = yes ] || say "  ..   $name"
  : >"$log"
  set -m
  "$@" </dev/null >"$log" 2>&1 &
  pid=$!
  set +m
  step_group=$pid
  echo "$pid" >"$state_dir/step.pid"
  while kill -0 "$pid" 2>/dev/null; do
    if [ "$interactive" = yes ]; then draw "$name" $((SECONDS - began)) "$(tail -n 1 "$log" | sed 's/^ *//')"; fi
    sleep 0.2
  done
  rm -f "$state_dir/step.pid"
  if wait "$pid"; then
    step_group=""
    done_line ok "$name" $((SECONDS - began))
    sed -n 's/^note: /                     /p' "$log" >&2
  else
    step_group=""
    done_line FAIL "$name" $((SECONDS - began))
    sed 's/^/      /' "$log" | tail -n 30 >&2
    exit 1
  fi
}

done_line() {
  [ "$interactive" = no ] || printf '\r\033[K' >&2
  printf '  %-4s %-12s %3d s\n' "$1" "$2" "$3" >&2
}

# notice TEXT: a line that does not mix with the one that is being drawn.
notice() {
  [ "$interactive" = no ] || printf '\r\033[K' >&2
  say "$*"
}

stop_step() {
  [ -n "$step_group" ] || return 0
  [ "$interactive" = no ] || printf '\r\033[K' >&2
  kill -TERM -- "-$step_group" 2>/dev/null || true
  wait_gone "$step_group" 20 || kill -KILL -- "-$step_group" 2>/dev/null || true
  step_group=""
}
