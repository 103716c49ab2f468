#!/usr/bin/env bash
# A rankpool program as a job of Slurm: edit the lines above "Nothing to edit", then sbatch slurm.sh
#
# A while before its time is over the program stores the results it has and ends with status 75; the job is
# then queued again, and goes on from there. So a job may take longer than any time limit.
#SBATCH --job-name=rankpool
#SBATCH --nodes=4
#SBATCH --ntasks-per-node=32
#SBATCH --time=01:00:00
#SBATCH --output=%x-%j.out
#SBATCH --open-mode=append --requeue

program=(./prog argument)
journal=run.db           # the results so far, where the job finds them again
margin=60                # seconds before the end when no task begins any more: longer than a task takes
launch=(rankpool run --) # or (mpirun), or (srun --mpi=pmix)

# ---- Nothing to edit from here on --------------------------------------------------------------
set -uo pipefail

# The job's end as Slurm tells it: SLURM_JOB_END_TIME is younger than some versions in use.
end=${SLURM_JOB_END_TIME:-$(date +%s --date="$(squeue --noheader --jobs="$SLURM_JOB_ID" --format=%e)")} || exit
limit=$((end - $(date +%s)))
if [ "$margin" -ge "$limit" ]; then
    echo "slurm.sh: the job's time is not longer than the margin of $margin seconds" >&2
    exit 1
fi
deadline=$(($(date +%s) + limit - margin))
export RANKPOOL_JOURNAL=$journal RANKPOOL_DEADLINE=@$deadline

trap : TERM # comes to all processes of a job that has to go; this one waits for the program
"${launch[@]}" "${program[@]}"
status=$?

# A job that was cancelled has stored its results too, and stays away.
if [ $status = 75 ] && [ "$(date +%s)" -ge "$deadline" ]; then
    scontrol requeue "$SLURM_JOB_ID" || echo "slurm.sh: queue it again to go on" >&2
fi
exit $status
