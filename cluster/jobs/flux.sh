#!/usr/bin/env bash
# A rankpool program as a job of Flux: edit the lines above "Nothing to edit", then flux batch flux.sh
#
# A while before its time is over the program stores the results it has and ends with status 75; the job is
# then queued again, and goes on from there. So a job may take longer than any time limit.
#flux: --job-name=rankpool
#flux: --nodes=4
#flux: --exclusive
#flux: --time-limit=60m
#flux: --output=rankpool-{{id}}.out

program=(./prog argument)
journal=run.db           # the results so far, where the job finds them again
margin=60                # seconds before the end when no task begins any more: longer than a task takes
script=flux.sh           # this file, in the directory where flux batch is called
launch=(rankpool run --) # or (flux run --nodes=4 --tasks-per-node=32)

# ---- Nothing to edit from here on --------------------------------------------------------------
set -uo pipefail

limit=$(flux job timeleft) || exit
limit=${limit%.*}
if [ "$margin" -ge "$limit" ]; then
    echo "flux.sh: the job's time is not longer than the margin of $margin seconds" >&2
    exit 1
fi
deadline=$(($(date +%s) + limit - margin))
export RANKPOOL_JOURNAL=$journal RANKPOOL_DEADLINE=@$deadline

trap : TERM # comes to all processes of a job that has to go; this one waits for the program
"${launch[@]}" "${program[@]}"
status=$?

# A job that was cancelled has stored its results too, and stays away.
if [ $status = 75 ] && [ "$(date +%s)" -ge "$deadline" ]; then
    flux --parent batch "$script" || echo "flux.sh: queue it again to go on" >&2
fi
exit $status
