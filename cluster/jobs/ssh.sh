#!/usr/bin/env bash
# A rankpool program on hosts that ssh reaches without a password, and that have no batch system: edit the lines
# above "Nothing to edit", then nohup ./ssh.sh >run.out 2>&1 &
#
# Stopped by kill, or when its time is over, the program stores the results it has and ends with status 75;
# started again, it goes on from there.

program=(./prog argument)
hosts=node1,node2:8      # where the program is, at the same place; :8 for no more than 8 workers
limit=                   # seconds that it may take; nothing: no limit
journal=run.db           # the results so far

# ---- Nothing to edit from here on --------------------------------------------------------------
set -uo pipefail

export RANKPOOL_JOURNAL=$journal RANKPOOL_DEADLINE=$limit
exec rankpool run --hosts "$hosts" -- "${program[@]}"
