#!/usr/bin/env bash
# Makes a host a node of the testbed's Slurm cluster; h1 is its controller too. Ends when the node can be used.
#     slurm.sh STATE
set -uo pipefail
state=$1
read -r host </proc/sys/kernel/hostname

start_munge() {
    mkdir -m 755 /run/munge && install -m 400 "$state/munge.key" /run/munge/munge.key &&
        munged --key-file /run/munge/munge.key --seed-file /run/munge/seed --log-file /run/munge/log
}

# wait_for WHAT COMMAND...
wait_for() {
    local until=$((SECONDS + 30))
    until "${@:2}" >/dev/null 2>&1; do
        [ $SECONDS -lt $until ] || { echo "$1 is not there after half a minute" && return 1; }
        sleep 0.05
    done
}

is_idle() { [ "$(sinfo --noheader --nodes "$host" --format %T)" = idle ]; }

mkdir -p /run/slurm/state /run/slurm/spool && start_munge &&
    { [ "$host" != h1 ] || slurmctld -c; } &&
    wait_for slurmctld scontrol ping &&
    slurmd -N "$host" &&
    wait_for slurmd is_idle
