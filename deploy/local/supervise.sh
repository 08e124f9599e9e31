# shellcheck shell=bash
# Starts the platform's programs, starts again the ones that die, and stops them all. Sourced, after lib.sh and progress.sh.
#
# The caller sets state_dir (pid files and logs) and defines `launch NAME`, which replaces the calling shell by the program with
# its environment.
: "${state_dir:?}"

part_names=()
part_pids=()
part_deaths=()
part_began=()
part_due=()

quick_death_seconds=10
quick_deaths_allowed=5

log_of() { echo "$state_dir/logs/$1.log"; }

# start_part INDEX. Each program gets a process group of its own: Ctrl-C in the terminal must reach this script alone, which
# then stops the programs before the servers that they need.
start_part() {
  local name=${part_names[$1]}
  set -m
  if [ "$name" = demo ]; then
    (launch "$name" </dev/null) &
  else
    (launch "$name" </dev/null >>"$(log_of "$name")" 2>&1) &
  fi
  part_pids[$1]=$!
  set +m
  echo "${part_pids[$1]}" >"$state_dir/pids/$name"
  part_began[$1]=$SECONDS
  part_due[$1]=""
}

# add_part NAME: starts it and watches it from now on.
add_part() {
  local index=${#part_names[@]}
  part_names[index]=$1
  part_deaths[index]=0
  start_part "$index"
}

describe_exit() {
  if [ "$1" -gt 128 ]; then echo "was ended by signal $(($1 - 128))"; else echo "ended with exit code $1"; fi
}

# watch_parts: one look at every part; returns 1 when one of them cannot be kept alive.
watch_parts() {
  local index name status delay
  for index in "${!part_names[@]}"; do
    name=${part_names[$index]}
    if [ -n "${part_due[$index]}" ]; then
      if [ "$SECONDS" -ge "${part_due[$index]}" ]; then start_part "$index"; fi
      continue
    fi
    if kill -0 "${part_pids[$index]}" 2>/dev/null; then continue; fi
    status=0
    wait "${part_pids[$index]}" || status=$?
    if [ $((SECONDS - part_began[index])) -lt "$quick_death_seconds" ]; then
      part_deaths[index]=$((part_deaths[index] + 1))
    else
      part_deaths[index]=1
    fi
    if [ "${part_deaths[$index]}" -ge "$quick_deaths_allowed" ]; then
      notice "$name $(describe_exit "$status"), $quick_deaths_allowed times within seconds of its start"
      if [ "$name" != demo ]; then
        last_lines "$(log_of "$name")"
        say "The lines above are the end of $(log_of "$name")."
      fi
      return 1
    fi
    delay=$((1 << (part_deaths[index] - 1)))
    notice "$name $(describe_exit "$status"); starting it again in $delay s"
    part_due[index]=$((SECONDS + delay))
  done
}

# stop_parts: asks every program to end, waits, and insists. Works from the pid files, so another process can do it too.
stop_parts() {
  local file pid
  for file in "$state_dir"/pids/*; do
    [ -e "$file" ] || continue
    pid=$(part_pid "$file")
    [ -z "$pid" ] || kill -TERM "$pid" 2>/dev/null || true
  done
  for file in "$state_dir"/pids/*; do
    [ -e "$file" ] || continue
    pid=$(part_pid "$file")
    if [ -n "$pid" ] && ! wait_gone "$pid" 20; then
      say "$(basename "$file") did not stop within 20 s and is killed"
      kill -KILL "$pid" 2>/dev/null || true
    fi
    rm -f "$file"
  done
}

# part_pid FILE: the process id in it, if that process is still the program that it was written for.
part_pid() {
  local pid
  pid=$(cat "$1")
  case $(command_of "$pid") in *"/$(basename "$1")"*) echo "$pid" ;; esac
}
