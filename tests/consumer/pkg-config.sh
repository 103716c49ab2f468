#!/usr/bin/env bash
# Builds and runs the consumer with plain compilers and pkg-config: in C and in C++, with the
# shared and with the static library.
#     pkg-config.sh LIBDIR WORKDIR
set -euo pipefail
libdir=$1 work=$2
here=$(cd "$(dirname "$0")" && pwd)
export PKG_CONFIG_PATH=$libdir/pkgconfig
mkdir -p "$work"
cd "$work"
warnings=(-Wall -Wextra -Wpedantic -Werror)

# flags_of ARGUMENT...: sets `flags` to what pkg-config says, which quotes spaces with a backslash.
flags=()
flags_of() { eval "flags=($(pkg-config "$@" rankpool))"; }

# build OUTPUT SOURCE COMPILER...: the program, with the flags in use.
build() { "${@:3}" "${warnings[@]}" "$2" -o "$1" -Wl,--fatal-warnings "${flags[@]}"; }

# needs_library PROGRAM: whether the loader has to find librankpool.so.
needs_library() { readelf -d "$1" | grep -q 'NEEDED.*librankpool\.so'; }

cp "$here/project/program.c" program.c
cp program.c program.cc

flags_of --cflags --libs
if printf '%s\n' "${flags[@]}" | grep -i mpi; then
    echo "pkg-config tells users of the shared library about MPI: ${flags[*]}"
    exit 1
fi
build c-shared program.c "$CC" -std=c11
build cxx-shared program.cc "$CXX" -std=c++17
flags_of --static --define-variable=library=-l:librankpool.a --cflags --libs
build c-static program.c "$CC" -std=c11
build cxx-static program.cc "$CXX" -std=c++17

for language in c cxx; do
    needs_library ./$language-shared || { echo "$language-shared is not linked with the shared library"; exit 1; }
    ! needs_library ./$language-static || { echo "$language-static needs the shared library"; exit 1; }
    LD_LIBRARY_PATH=$libdir${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH} ./$language-shared
    ./$language-static
done
