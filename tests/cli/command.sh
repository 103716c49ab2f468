#!/usr/bin/env bash
# command.sh RANKPOOL PROGRAM COMM: the command on this machine, as a user calls it. PROGRAM calls rp_open, and COMM
# rp_open_comm.
set -uo pipefail
rankpool=$1 program=$2 comm=$3
failures=0
folder=$(mktemp -d) || exit 1
trap 'rm -rf "$folder"' EXIT

# expect STATUS COMMAND...: it ends with that status; its output is in $out and $err.
expect() {
    "${@:2}" >"$folder/out" 2>"$folder/err" </dev/null
    local status=$?
    out=$(cat "$folder/out") err=$(cat "$folder/err")
    [ $status = "$1" ] || fail "${*:2}: ended with $status, not $1: $err"
}
fail() { echo "$*" >&2; failures=$((failures + 1)); }
has() { [[ $1 == *"$2"* ]] || fail "\"$2\" is not in: $1"; }
hasnt() { [[ $1 != *"$2"* ]] || fail "\"$2\" is in: $1"; }

# Wrong arguments are told, and are no failure of the program.
expect 64 "$rankpool"
expect 64 "$rankpool" dance
has "$err" 'there is no command "dance"'
expect 64 "$rankpool" run
has "$err" 'which program?'
for workers in 0 -1 x 99999999999; do
    expect 64 "$rankpool" run -n "$workers" true
    has "$err" "-n \"$workers\": give a number of workers"
done
expect 64 "$rankpool" run --per socket true
has "$err" 'per'
for patience in 0 -1 soon 3601 5s; do
    expect 64 "$rankpool" topo --patience="$patience"
    has "$err" "--patience=$patience: it takes 1 to 3600 seconds"
done
expect 64 "$rankpool" topo leftover
expect 0 "$rankpool" --version
expect 0 "$rankpool" run --help

# What cannot run is told in a sentence before anything does.
expect 127 "$rankpool" run ./nowhere
[ "$err" = 'rankpool: there is no program ./nowhere' ] || fail "$err"
expect 126 "$rankpool" run "$folder"
expect 1 "$rankpool" run --hosts 'a;b' true
has "$err" '"a;b" is not the name of a host'
expect 1 "$rankpool" run --hosts localhost:0 true
has "$err" 'host localhost has no slots'
expect 1 "$rankpool" run --hostfile /nowhere/hosts true
has "$err" '/nowhere/hosts cannot be read'
expect 1 "$rankpool" run --memory-per-worker 9000T true
has "$err" 'ask for less'
expect 1 env PBS_JOBID=7.s PBS_NODEFILE=/nowhere/nodes "$rankpool" run true
has "$err" 'PBS_NODEFILE names /nowhere/nodes'
[ -z "$out" ] || fail "something ran: $out"

# What ranks would start once each is refused.
expect 64 env PMIX_RANK=0 "$rankpool" run true
has "$err" 'rankpool run starts the ranks itself: call it once, not by a PMIx launcher'
hasnt "$err" several
expect 64 env PMI_RANK=0 PMI_SIZE=4 "$rankpool" run true
has "$err" 'not by a PMI launcher, which has started several of it'

# The plan is shown, and not when it is not wanted; what follows the program is the program's.
expect 0 "$rankpool" run --dry-run -n 3 "$program" --dry-run
has "$err" 'rankpool: workers: 3 asked for'
[ -z "$out" ] || fail "a dry run ran: $out"
expect 0 "$rankpool" run -q -n 3 "$program"
has "$out" '3 workers'
hasnt "$err" 'rankpool:'
expect 0 env RANKPOOL_WORKERS=5 "$rankpool" run -q -n 3 "$program"
has "$out" '3 workers'
has "$err" '5 workers are asked for (rp_options.workers or RANKPOOL_WORKERS), and the program has the 3 of the plan: rankpool run -n 5 plans for so many'
expect 0 env RANKPOOL_WORKERS=3 "$rankpool" run -q -n 3 "$program"
hasnt "$err" 'rankpool:'
expect 0 env PBS_JOBID=7.s PBS_NODEFILE="$folder/nodes" sh -c "hostname >$folder/nodes; '$rankpool' run '$program'"
has "$out" '1 worker'
has "$err" '1 worker, the slots of PBS job 7'

# The doctor: a name for each thing that it looks at, and the first sentence of an mpirun that fails, as a whole.
expect 0 env SLURM_JOB_ID=7 SLURM_JOB_NODELIST=a,b SLURM_JOB_CPUS_PER_NODE='2(x2)' SLURM_JOB_NUM_NODES=2 \
    SLURM_STEP_ID=0 "$rankpool" doctor
has "$out" 'note  nodes '
has "$out" 'ok    slots '
mkdir "$folder/bin"
cat >"$folder/bin/mpirun" <<END
#!/bin/sh
[ "\$1" != --version ] || exec $(command -v mpirun) --version
printf 'it broke\nfor a reason\n\nit lacks support for cpu binding\n' >&2
exit 1
END
chmod +x "$folder/bin/mpirun"
expect 1 env PATH="$folder/bin:$PATH" "$rankpool" doctor
has "$out" 'it broke for a reason'

# A program without pools gets a rank for each worker, in its folder and with its status.
expect 0 "$rankpool" run -q -n 2 sh -c 'echo $OMPI_COMM_WORLD_SIZE $PWD'
[ "$out" = "2 $PWD"$'\n'"2 $PWD" ] || fail "$out"
expect 5 "$rankpool" run -q -n 1 sh -c 'exit 5'

# How a program is started is told by what it calls.
expect 0 "$rankpool" run --dry-run "$program"
hasnt "$err" "$program"
expect 0 "$rankpool" run --dry-run sh
has "$err" 'sh has no pool: a rank for each worker'
expect 0 "$rankpool" run --dry-run "$comm"
has "$err" "its pools on MPI's communicators: a rank more on each node"

# The drawing is plain where nobody sees it.
expect 0 "$rankpool" topo
has "$out" "# a worker's"
hasnt "$out" $'\033'
expect 0 "$rankpool" topo --per package
[ $failures = 0 ]
