#!/usr/bin/env bash
# A rankpool program as a job of PBS: edit the lines above "Nothing to edit", then qsub pbs.sh
#
# A while before its time is over the program stores the results it has and ends with status 75; the job is
# then queued again, and goes on from there. So a job may take longer than any time limit.
#PBS -N rankpool
#PBS -l select=4:ncpus=32:mpiprocs=32
#PBS -l walltime=01:00:00
#PBS -j oe
# (Torque takes -l nodes=4:ppn=32 for the nodes)

program=(./prog argument)
limit=3600               # seconds, the walltime above
journal=run.db           # the results so far, where the job finds them again
margin=60                # seconds before the end when no task begins any more: longer than a task takes
script=pbs.sh            # this file, in the directory where qsub is called
launch=(rankpool run --) # or (mpirun)

# ---- Nothing to edit from here on --------------------------------------------------------------
set -uo pipefail
cd "$PBS_O_WORKDIR" || exit

if [ "$margin" -ge "$limit" ]; then
    echo "pbs.sh: the job's time is not longer than the margin of $margin seconds" >&2
    exit 1
fi
deadline=$(($(date +%s) + limit - margin))
export RANKPOOL_JOURNAL=$journal RANKPOOL_DEADLINE=@$deadline

trap : TERM # comes to all processes of a job that has to go; this one waits for the program
"${launch[@]}" "${program[@]}"
status=$?

# A job that was cancelled has stored its results too, and stays away.
if [ $status = 75 ] && [ "$(date +%s)" -ge "$deadline" ]; then
    qsub "$script" || echo "pbs.sh: queue it again to go on" >&2
fi
exit $status
