#!/usr/bin/env bash
# A rankpool program as a job of Grid Engine: edit the lines above "Nothing to edit", then qsub sge.sh
#
# A while before its time is over the program stores the results it has and ends with status 75; the job is
# then queued again, and goes on from there. So a job may take longer than any time limit.
#$ -N rankpool
#$ -pe mpi 128
#$ -l h_rt=01:00:00
#$ -cwd -j y -r y -S /bin/bash -notify

program=(./prog argument)
limit=3600               # seconds, h_rt above
journal=run.db           # the results so far, where the job finds them again
margin=60                # seconds before the end when no task begins any more: longer than a task takes
launch=(rankpool run --) # or (mpirun)

# ---- Nothing to edit from here on --------------------------------------------------------------
set -uo pipefail

if [ "$margin" -ge "$limit" ]; then
    echo "sge.sh: the job's time is not longer than the margin of $margin seconds" >&2
    exit 1
fi
deadline=$(($(date +%s) + limit - margin))
export RANKPOOL_JOURNAL=$journal RANKPOOL_DEADLINE=@$deadline

# A job that has to go gets SIGUSR2 a while before it is killed, by -notify; for the program that is SIGTERM.
# SIGUSR1, before it is stopped, is for nobody. This script waits for the program.
trap '' USR1
(trap '' USR2 && exec "${launch[@]}" "${program[@]}") &
told=
trap 'told=yes; kill -TERM $!' USR2
trap 'told=yes' TERM
wait $!
status=$?
while [ "$told" ]; do
    told=
    wait $!
    status=$?
done

# A job that was cancelled has stored its results too, and stays away.
if [ $status = 75 ] && [ "$(date +%s)" -ge "$deadline" ]; then
    exit 99 # with which Grid Engine queues a job again
fi
exit $status
