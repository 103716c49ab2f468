#!/usr/bin/env bash
# sha256tree beside sha256sum, on a tree made for it.
#     sha256tree.sh PROGRAM START MPIEXEC
# START is how the program is started: alone, inline, or a number of ranks under MPIEXEC.
# Each case below is a function whose name says what it shows; `fail` notes why it does not.
# shellcheck disable=SC2317 # they are called by name
set -uo pipefail
export LC_ALL=C OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1
unset RANKPOOL_LAUNCH RANKPOOL_PROGRESS RANKPOOL_WORKERS POSIXLY_CORRECT
program=$1 start=$2

case $start in
alone) launch=() && export RANKPOOL_WORKERS=2 ;; # more would leave no time to look at the bar
inline) launch=(env RANKPOOL_LAUNCH=inline) ;;
*) launch=("$3" --oversubscribe --bind-to none -n "$start") ;;
esac
# Under sanitizers: what Open MPI leaves behind is not ours.
[ "$start" = inline ] || export ASAN_OPTIONS=detect_leaks=0
as_user=() # who is subject to permissions: root is not, unless it gives that up
[ "$(id -u)" != 0 ] || as_user=(setpriv "--bounding-set=-dac_override,-dac_read_search")

before=()  # words before the whole command

top=$(mktemp -d) || exit
trap 'chmod -R u+rwx "$top"; rm -rf "$top"' EXIT
err=$top/err

# run ARGUMENT...: the program, with its standard error in $err.
run() {
    timeout -k 5 60 ${before[@]+"${before[@]}"} ${launch[@]+"${launch[@]}"} "$program" "$@" 2>"$err"
}

fail() {
    echo "    $1"
    : >"$top/failed"
}

# ---- The tree ------------------------------------------------------------------------------

make_odd_names() {
    local name
    for name in plain 'a b' ' before' 'after ' $'new\nline' $'\n' 'back\slash' $'\\' '\n' $'carriage\rreturn' \
        -rf -- --help $'tab\there' $'\e[31mred' $'\xff\xfe\x80' $'k\xc3\xa4se' "it's" '"quoted"' '*' '&' '~' \
        "$(printf '%0255d' 0)"; do
        printf 'this is %s' "$name" >"./$name"
    done
    : >empty
    mkdir -p $'odd\n\\folder /\xc0' .hidden empty-folder
    echo inside >$'odd\n\\folder /\xc0/file'
    echo hidden >.hidden/.file
}

make_tree() {
    local i
    mkdir "$top/tree" "$top/tree/many" "$top/big" && cd "$top/tree" || exit
    make_odd_names
    for i in {1..3000}; do echo "$i" >"many/$i"; done
    head -c 52428800 /dev/urandom >50MiB
    head -c 262144 /dev/urandom >256KiB # just what is read at a time
    ln -s plain link-to-file
    ln -s many link-to-folder
    ln -s .. link-upwards
    ln -s . loop
    mkfifo fifo
    # Two gigabytes to read, on the disk once.
    for i in {1..40}; do ln 50MiB "$top/big/$i"; done
    sha256sum 50MiB | sed 's/50MiB/big/' >"$top/digest"
    cd "$top" || exit
}

# lines_below FOLDER...: what sha256sum says of the regular files there, sorted.
lines_below() { find "$@" -type f -print0 | xargs -0 sha256sum | sort; }

# said PATTERN: the lines of the program's standard error that match.
said() { grep -a "^sha256tree: .*$1" "$err"; }

# The same of the folder big.
lines_of_big() { for i in {1..40}; do sed "s/$/\/$i/" digest; done | sort; }

# ---- What holds however it is started ------------------------------------------------------

lines_are_those_of_sha256sum() {
    run tree >lines || fail "exit status $?"
    sort lines | cmp - <(lines_below tree) || fail "other lines"
    sha256sum --check --strict --quiet lines || fail "sha256sum --check refuses them"
}

what_cannot_be_read_is_named_as_sha256sum_does_and_the_rest_goes_on() {
    local names=('no such' 'folder/dang
ling' folder/loop folder/secret) closed=(folder/closed)
    mkdir folder folder/closed
    echo readable >folder/readable
    echo secret >folder/secret
    ln -s nowhere $'folder/dang\nling'
    ln -s loop folder/loop
    chmod 0 folder/secret folder/closed
    if ${as_user[@]+"${as_user[@]}"} cat folder/secret >/dev/null 2>&1; then
        echo "    (nothing is unreadable to this user: permissions are not tested)"
        chmod 700 folder/secret && rm -r folder/secret folder/closed
        unset 'names[3]'
        closed=()
    fi
    before=(${as_user[@]+"${as_user[@]}"})
    run folder 'no such' tree/plain >lines
    [ $? = 1 ] || fail "wrong exit status"
    before=()
    cmp <(sort lines) <(sha256sum folder/readable tree/plain | sort) || fail "the others are missing"
    {
        ${as_user[@]+"${as_user[@]}"} sha256sum "${names[@]}" 2>&1 | sed 's/^sha256sum/sha256tree/'
        [ ${#closed[@]} = 0 ] || echo 'sha256tree: folder/closed: Permission denied'
    } | sort >wanted
    said ': \(No such file\|Too many levels\|Permission denied\)' | sort | diff wanted - || fail "other messages"
    said "2 files, .* $(wc -l <wanted) failed$" >/dev/null || fail "they are not counted"
    chmod -R u+rwx folder
}

a_wrong_option_is_exit_status_2_and_a_sentence() {
    run --wrong >lines
    [ $? = 2 ] || fail "wrong exit status"
    [ ! -s lines ] || fail "lines on standard output"
    [ "$(grep -c 'sha256tree: unrecognized option' "$err")" = 1 ] || fail "not one sentence"
}

every=(
    lines_are_those_of_sha256sum
    what_cannot_be_read_is_named_as_sha256sum_does_and_the_rest_goes_on
    a_wrong_option_is_exit_status_2_and_a_sentence
)

# ---- What a launcher in between would blur, or has nothing to do with ----------------------

how_the_pool_was_sized_comes_first_and_a_summary_last() {
    local files bytes workers
    run tree/many tree/256KiB >lines
    files=$(wc -l <lines)
    bytes=$(cat tree/many/* tree/256KiB | wc -c)
    grep -a '^sha256tree: ' "$err" >mine
    head -n 1 mine | grep -Eq 'worker|in this process' || fail "no sizing first"
    [ "$files" = 3001 ] || fail "$files lines"
    said "$files files, $bytes bytes in [0-9.]* s (.* files/s, .* MB/s), 0 failed$" >/dev/null || fail "no summary"
    workers=$(tail -n 1 mine | grep -Eo '^sha256tree: [0-9]+ workers? (was|were) busy for( [0-9]+)+ % of the time$' |
        grep -Eo ' [0-9]+' | paste -sd' ')
    # shellcheck disable=SC2086 # a count, and as many shares
    set -- $workers
    [ $# -gt 1 ] || fail "no workers in the summary"
    [ $# = $((${1-0} + 1)) ] || fail "other workers: $workers"
}

arguments_are_folders_files_and_links_to_them() {
    (cd tree && run -- many/1 -rf link-to-file link-to-folder many/ >../lines) || fail "exit status $?"
    (cd tree && {
        sha256sum -- many/1 -rf link-to-file
        find link-to-folder/ many/ -type f -print0 | xargs -0 sha256sum
    }) | sort | cmp - <(sort lines) || fail "other lines"
    run tree/fifo >lines
    [ $? = 1 ] || fail "a fifo: exit status"
    said 'tree/fifo: neither' >/dev/null || fail "a fifo: no sentence"
}

help_is_on_standard_output() {
    run --help >lines || fail "--help: exit status $?"
    grep -q '^Usage: sha256tree' lines || fail "--help does not help"
}

paths_may_be_longer_than_the_system_takes_at_once() {
    local part i
    part=$(printf '%0200d' 0)
    mkdir -p "deep/$(printf "$part/%.0s" {1..50})"
    (cd deep && for i in {1..50}; do cd -P "$part" || exit; done && echo far >end)
    run deep >lines || fail "exit status $?"
    [ "$(cut -c 1-64 lines)" = "$(echo far | sha256sum | cut -c 1-64)" ] || fail "another digest"
    [ "$(cut -c 67- lines)" = "$(find deep -type f)" ] || fail "another path"
}

lines_come_while_work_goes_on() {
    run big/{1..20} | {
        read -r _ || fail "no line"
        grep -q 'failed$' "$err" && fail "they come at the end"
    }
}

files_that_vanish_are_named() {
    local status
    echo "soon gone" >victim
    run big victim | {
        read -r _
        rm victim
        cat
    } >lines
    status=("${PIPESTATUS[@]}")
    [ "${status[0]}" = 1 ] || fail "exit status ${status[0]}"
    said 'victim: No such file or directory$' >/dev/null || fail "it is not named"
    [ "$(wc -l <lines)" = 39 ] || fail "the others are missing"
}

many_more_files_than_are_open_at_once_are_all_there() {
    local i folders=()
    for i in {1..25}; do folders+=(tree/many); done
    run tree/50MiB "${folders[@]}" >lines || fail "exit status $?"
    [ "$(wc -l <lines)" = 75001 ] || fail "$(wc -l <lines) lines"
    sort -u lines | cmp - <(lines_below tree/50MiB tree/many) || fail "other lines"
}

a_reader_that_leaves_ends_it_quietly() {
    local status
    before=(env --default-signal=PIPE)
    run big | head -n 1 >lines
    status=("${PIPESTATUS[@]}")
    [ "${status[0]}" = 141 ] || fail "exit status ${status[0]}"
    [ "$(wc -l <lines)" = 1 ] || fail "no line"
    grep -q 'error\|failed$' "$err" && fail "it is not quiet, or went on to the end"
    before=()
}

lines_that_cannot_be_written_end_it_with_a_sentence() {
    local status
    run big >/dev/full
    status=$?
    [ "$status" = 1 ] || fail "a full disk: exit status $status"
    said 'write error: No space left on device$' >/dev/null || fail "a full disk: no sentence"
    before=(env --ignore-signal=PIPE)
    run big | head -n 1 >lines
    status=("${PIPESTATUS[@]}")
    [ "${status[0]}" = 1 ] || fail "a closed pipe: exit status ${status[0]}"
    said 'write error: Broken pipe$' >/dev/null || fail "a closed pipe: no sentence"
    said 'failed$' && fail "a closed pipe: it went on to the end"
    before=()
}

# What a terminal shows in the end of what was written to it.
shown() {
    awk 'BEGIN { RS = "^$" } {
        for (i = 1; i <= length($0); i++) {
            c = substr($0, i, 1)
            if (c == "\r") column = 0
            else if (c == "\n") { print row; row = ""; column = 0 }
            else if (substr($0, i, 3) == "\033[K") { row = substr(row, 1, column); i += 2 }
            else { row = substr(row, 1, column) c substr(row, column + 2); column++ }
        }
        if (row != "") print row
    }'
}

# on_terminal REDIRECTION: the program on 100 columns. So many files make the bar longer than a
# line, and the last cannot be read.
on_terminal() {
    local command
    command="stty cols 100; exec $(printf '%q ' ${launch[@]+"${launch[@]}"} "$program" tree/many big /proc/self/mem) $1"
    timeout -k 5 60 script -qec "$command" /dev/null </dev/null
}

bar_lines_and_messages_do_not_garble_each_other() {
    if ! command -v script >/dev/null; then
        echo "    (there is no script command: terminals are not tested)"
        return
    fi
    run tree/plain >lines
    head -n -2 "$err" >messages
    echo "sha256tree: /proc/self/mem: Input/output error" >>messages
    { lines_of_big && lines_below tree/many; } | sort >wanted
    on_terminal '' >raw
    grep -q '[0-9] left' raw || fail "there is no bar with an estimate"
    shown <raw >screen
    grep '^[0-9a-f]\{64\}  ' screen | sort | cmp - wanted || fail "garbled lines"
    grep -v '^[0-9a-f]\{64\}  ' screen | just_messages || fail "garbled messages"

    on_terminal '>lines' >raw
    grep -q '[0-9] left' raw || fail "lines to a file: there is no bar"
    shown <raw | just_messages || fail "lines to a file: garbled messages"
    sort lines | cmp - wanted || fail "lines to a file: there is more in it"
}

# just_messages: whether standard input is what `messages` says, and the summary.
just_messages() {
    sed -E 's/^sha256tree: 3040 files, .*, 1 failed$/(files)/
            s/^sha256tree: [0-9]+ worker.* busy for( [5-9][0-9]| 10[01])+ % of the time$/(workers)/' |
        diff - <(cat messages && echo '(files)' && echo '(workers)')
}

direct=(
    how_the_pool_was_sized_comes_first_and_a_summary_last
    arguments_are_folders_files_and_links_to_them
    help_is_on_standard_output
    paths_may_be_longer_than_the_system_takes_at_once
    lines_come_while_work_goes_on
    files_that_vanish_are_named
    many_more_files_than_are_open_at_once_are_all_there
    a_reader_that_leaves_ends_it_quietly
    lines_that_cannot_be_written_end_it_with_a_sentence
    bar_lines_and_messages_do_not_garble_each_other
)

# ---- All of it -----------------------------------------------------------------------------

make_tree
case $start in alone | inline) every+=("${direct[@]}") ;; esac
result=0
for name in ${4:-"${every[@]}"}; do
    rm -f failed
    echo "- ${name//_/ }"
    "$name"
    if [ -e failed ]; then
        result=1
        echo "  FAILED ($start); standard error:"
        sed 's/^/    | /' "$err"
    fi
done
exit $result
