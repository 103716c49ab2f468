#!/usr/bin/env bash
# The cluster that tests share: shared.sh SKIPPED up N... | test COMMAND... | slurm COMMAND... | down |
#     during N... -- COMMAND...
#
# Where there can be none, `up` leaves the reason in the file SKIPPED; where it can be no Slurm cluster, in
# SKIPPED.slurm. The tests say it.
set -uo pipefail
skipped=$1

# try REASON ARGUMENT...: `up`, which leaves in REASON why it skips.
try() {
    local status
    "$TESTBED" up "${@:2}" 2>"$1"
    status=$?
    cat "$1" >&2
    [ $status = 77 ] || rm "$1"
    return $status
}

up() {
    rm -f "$skipped" "$skipped.slurm"
    "$TESTBED" down # what a run before this one may have left
    try "$skipped.slurm" "$@" --slurm
    local status=$?
    [ $status = 77 ] || return $status
    try "$skipped" "$@"
}

# during ARGUMENT... -- COMMAND...: the command while the cluster is up.
during() {
    local arguments=()
    while [ "$1" != -- ]; do
        arguments+=("$1")
        shift
    done
    trap '"$TESTBED" down' EXIT
    up "${arguments[@]}" && "${@:2}"
}

skip_for() {
    if [ -e "$1" ]; then
        cat "$1" >&2
        exit 77
    fi
}

case $2 in
up) up "${@:3}" ;;
during) during "${@:3}" ;;
down) "$TESTBED" down ;;
test) skip_for "$skipped" && exec "${@:3}" ;;
slurm) skip_for "$skipped.slurm" && exec "${@:3}" ;;
esac
