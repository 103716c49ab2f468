#!/usr/bin/env bash
# A rankpool program as a job of LSF: edit the lines above "Nothing to edit", then bsub < lsf.sh
#
# A while before its time is over the program stores the results it has and ends with status 75; the job is
# then queued again, and goes on from there. So a job may take longer than any time limit.
#BSUB -J rankpool
#BSUB -n 128
#BSUB -R "span[ptile=32]"
#BSUB -W 60
#BSUB -o rankpool-%J.out
#BSUB -Q "75"

program=(./prog argument)
limit=3600               # seconds, the minutes of -W above
journal=run.db           # the results so far, where the job finds them again
margin=60                # seconds before the end when no task begins any more: longer than a task takes
launch=(rankpool run --) # or (mpirun)

# ---- Nothing to edit from here on --------------------------------------------------------------
set -uo pipefail

if [ "$margin" -ge "$limit" ]; then
    echo "lsf.sh: the job's time is not longer than the margin of $margin seconds" >&2
    exit 1
fi
deadline=$(($(date +%s) + limit - margin))
export RANKPOOL_JOURNAL=$journal RANKPOOL_DEADLINE=@$deadline

trap : TERM USR2 # come to all processes of a job that has to go; this one waits for the program
"${launch[@]}" "${program[@]}"
status=$?

# A job that was cancelled has stored its results too, and stays away.
if [ $status = 75 ] && [ "$(date +%s)" -ge "$deadline" ]; then
    exit 75 # with which LSF queues a job again, by -Q
fi
[ $status != 75 ] || status=143
exit $status
