#!/usr/bin/env bash
# pages.sh RANKPOOL SOURCES: the help, the manual page and the completion say the same options of each command.
set -uo pipefail
rankpool=$1 sources=$2
failures=0

fail() { echo "$*" >&2; failures=$((failures + 1)); }

# The long options that a command's help has.
options() { "$rankpool" "$1" --help | grep -oE '^ .*--[a-z-]+' | grep -oE -- '--[a-z-]+' | grep -vx -- --usage; }

# What the completion offers for words that are typed so far.
completed() {
    (
        # shellcheck disable=SC1091
        . "$sources/rankpool.bash"
        COMP_WORDS=("$@") COMP_CWORD=$(($# - 1))
        _rankpool
        printf '%s\n' "${COMPREPLY[@]}"
    )
}

commands=$("$rankpool" --help | sed -n 's/^  \([a-z]*\)  .*/\1/p')
[ -n "$commands" ] || fail "rankpool --help lists no commands"
page=$(sed 's/\\-/-/g' "$sources/rankpool.1")

for command in $commands; do
    completed rankpool "${command:0:1}" | grep -qx -- "$command" || fail "completion does not know $command"
    grep -q -- "rankpool $command" <<<"$page" || fail "the manual page does not know $command"
    for option in $(options "$command"); do
        grep -qE -- "$option([^a-z-]|\$)" <<<"$page" || fail "the manual page does not know $option of $command"
        completed rankpool "$command" "$option" | grep -qx -- "$option" ||
            fail "completion does not know $option of $command"
    done
    for option in $(completed rankpool "$command" --); do
        options "$command" | grep -qx -- "$option" || fail "$command has no $option, which completion offers"
    done
done
[ "$(completed rankpool run --per nu)" = numa ] || fail "completion does not know what --per takes"
[ "$(completed rankpool run --per = nu)" = numa ] || fail "completion does not know what --per= takes"

if command -v groff >/dev/null; then
    complaints=$(groff -man -Tutf8 -ww -z "$sources/rankpool.1" 2>&1)
    [ -z "$complaints" ] || fail "groff: $complaints"
else
    echo "the manual page is not checked: there is no groff" >&2
fi
[ $failures = 0 ]
