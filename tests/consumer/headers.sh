#!/usr/bin/env bash
# Each public header can be included alone, in C11 and in C++17, without a warning.
#     headers.sh INCLUDEDIR MPI_INCLUDEDIR...
set -euo pipefail
include=$1
system=()
for directory in "${@:2}"; do
    system+=(-isystem "$directory")
done
warnings=(-Wall -Wextra -Wpedantic -Wshadow -Wconversion -Werror)

for header in "$include"/rankpool/*.h; do
    echo "<rankpool/${header##*/}>"
    text="#include <rankpool/${header##*/}>
int nothing;"
    "$CC" -std=c11 "${warnings[@]}" -Wstrict-prototypes -I "$include" "${system[@]}" -fsyntax-only -x c - <<<"$text"
    "$CXX" -std=c++17 "${warnings[@]}" -I "$include" "${system[@]}" -fsyntax-only -x c++ - <<<"$text"
done
