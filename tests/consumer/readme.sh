#!/usr/bin/env bash
# What the README says can be done as it stands there: its programs are built with its commands
# against the installed tree, and print what it shows. It names all calls, and no other.
#     readme.sh README PREFIX LIBDIR MPIEXEC JOURNALS
set -euo pipefail
export LC_ALL=C OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1
unset RANKPOOL_LAUNCH RANKPOOL_PROGRESS RANKPOOL_WORKERS
readme=$1 prefix=$2 libdir=$3 mpiexec=$4 journals=$5 # "": the library has none

top=$(mktemp -d)
trap 'rm -rf "$top"' EXIT
ln -s "$prefix" "$top/rankpool" # its commands are for a prefix without spaces
libdir=$top/rankpool${libdir#"$prefix"}
export PKG_CONFIG_PATH=$libdir/pkgconfig LD_LIBRARY_PATH=$libdir${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}
cd "$top"

# The commands in the README, but for what it need not say: the compiler, warnings, few cores.
cc() { "$CC" -Wall -Wextra -Werror "$@"; }
mpicc() { OMPI_CC=$CC command mpicc -Wall -Wextra -Werror "$@"; }
mpirun() { "$mpiexec" --oversubscribe --bind-to none "$@"; }

fail() {
    echo "FAILED: $*"
    exit 1
}

# block PATTERN: the lines of the first indented block in the README that has a line like this.
block() {
    awk -v pattern="$1" '
        function end_block() { if (found) { printf "%s", text; done = 1; exit } text = "" }
        /^    / { line = substr($0, 5); if (line ~ pattern) found = 1; text = text line "\n"; next }
        /^$/ && text != "" { text = text "\n"; next }
        { end_block() }
        END { if (!done) end_block() }' "$readme"
}

# command_of PATTERN: the line that it matches, of such a block.
command_of() { block "$1" | grep -E "$1" || fail "the README has no command like $1"; }

# shown COMMAND: what the README shows below `$ COMMAND`.
shown() { block "^[$] $1\$" | awk -v line="\$ $1" '/^[$] / { mine = $0 == line; next } mine && NF'; }

# What may differ: how the machine is sized, which worker ran a task, and the order.
blurred() {
    awk 'NR == 1 && /^[0-9]+ cores?,/ { sizing = 1 } / failed with / { sizing = 0 } !sizing' |
        sed -E 's/on worker [0-9]+ \([^)]*\)/on a worker/' | sort
}

# try PROGRAM COMMAND: builds the program and compares what the command prints.
try() {
    local name=$1 run=$2 build
    echo "- $name: $run"
    block "${name}[(]rp_call" >"$name.c"
    [ -s "$name.c" ] || fail "the README has no program with the task $name"
    build=$(command_of "^(mpi)?cc ${name}[.]c ")
    eval "$build" || fail "it cannot be built: $build"
    shown "$run" | blurred >wanted
    [ -s wanted ] || fail "the README does not show: $run"
    eval "$run" >out 2>&1 || fail "exit status $?: $(cat out)"
    blurred <out | diff wanted - || fail "it prints something else"
}

try area ./area
try collatz 'mpirun -n 4 ./collatz'

# ---- Journals ------------------------------------------------------------------------------

# ask WORDS: the answer to the question that has these words, in the README.
ask() {
    local question
    question=$(command_of "^[$] sqlite3 run[.]db .*$1")
    eval "${question#"$ "}" || fail "it cannot be asked: $question"
}

if [ -n "$journals" ]; then
    echo "- a journal answers questions"
    RANKPOOL_JOURNAL=run.db ./area >out 2>&1 || fail "exit status $?: $(cat out)"
    ask 'kind, ' | cut -d'|' -f1,3 | sort >answer
    printf '%s\n' 'map|997' 'tasks|2' | diff - answer || fail "it answers something else"
    [ "$(ask 'host, pid' | awk -F'|' '{ n += $3 } END { print n }')" = 999 ] || fail "not all results have a host"
fi

# ---- Names ---------------------------------------------------------------------------------

echo "- every call is named, and no other"
headers=$(cat "$prefix"/include/rankpool/*.h)
declared=$(tr '\n' ' ' <<<"$headers" | grep -oE 'RP_API [^;(]*\(' | grep -oE 'rp_[a-z_]+ *\($' | tr -d ' (' | sort -u)
named=$(grep -oE '\b(rp|RP)_[A-Za-z_]+' "$readme" | sort -u)
for name in $declared; do
    grep -qx "$name" <<<"$named" || fail "the README does not name $name"
done
for name in $named; do
    grep -qw -- "$name" <<<"$headers" || fail "the README names $name, which is not in the headers"
done
