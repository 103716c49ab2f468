#!/usr/bin/env bash
# The cluster that tests share: shared.sh SKIPPED up N... | test COMMAND... | down
#
# Where there can be none, `up` leaves the reason in the file SKIPPED, and the tests say it.
set -uo pipefail
skipped=$1

up() {
    local status
    rm -f "$skipped"
    "$TESTBED" down && "$TESTBED" up "$@" 2>"$skipped.new"
    status=$?
    cat "$skipped.new" >&2
    [ $status != 77 ] || mv "$skipped.new" "$skipped"
    rm -f "$skipped.new"
    return $status
}

case $2 in
up) up "${@:3}" ;;
down) "$TESTBED" down ;;
test)
    [ ! -e "$skipped" ] || { cat "$skipped" >&2 && exit 77; }
    exec "${@:3}"
    ;;
esac
