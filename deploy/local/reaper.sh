#!/usr/bin/env bash
# reaper.sh PID COMMAND...: waits until the process PID is gone, then runs the command.
# A script that starts servers leaves this behind it, so that even kill -9 of the script leaves nothing running.
set -euo pipefail
# shellcheck source=deploy/local/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
pid=$1
shift
while alive "$pid"; do sleep 1; done
exec "$@"
