#!/usr/bin/env bash
# reaper.sh PID COMMAND...: waits until the process PID is gone, then runs the command.
# A script that starts servers leaves this behind it, so that even kill -9 of the script leaves nothing running.
set -euo pipefail
pid=$1
shift
while kill -0 "$pid" 2>/dev/null; do sleep 1; done
exec "$@"
