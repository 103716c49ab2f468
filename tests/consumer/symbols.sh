#!/usr/bin/env bash
# Both libraries define all that the headers declare, and show their users nothing else.
#     symbols.sh INCLUDEDIR LIBDIR
set -euo pipefail
declared=$(cat "$1"/rankpool/*.h | tr '\n' ' ' | grep -oE 'RP_API [^;(]*\(' | grep -oE 'rp_[a-z_]+ *\($' |
    tr -d ' (' | sort)
[ -n "$declared" ] || { echo "no RP_API found in the headers"; exit 1; }

cd "$2"
# Says which names stand on one side alone.
compare() { # compare LIBRARY SYMBOLS
    diff <(echo "$declared") <(echo "$2") | sed -n "s|^< |$1 lacks |p; s|^> |$1 shows |p"
}
found=$(
    compare librankpool.so "$(nm -D --defined-only --format=posix librankpool.so | cut -d' ' -f1 | sort)"
    compare librankpool.a "$(nm -g --defined-only --format=posix librankpool.a | grep ' ' | cut -d' ' -f1 | sort)"
) || true
[ -z "$found" ] || { echo "$found"; exit 1; }
echo "both libraries show the $(wc -l <<<"$declared") functions declared"
