#!/bin/sh
# Makes the reference in FOLDER: html/, and man3/ with a page for each call and type.
#     make.sh DOXYGEN DOXYFILE EXAMPLES FOLDER [SETTING...]
# EXAMPLES is the folder of the examples' sources; a SETTING is a further line of the Doxyfile.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
doxygen=$1 doxyfile=$2 examples=$3 folder=$4
shift 4

mkdir -p "$folder"
folder=$(cd "$folder" && pwd)
rm -rf "$folder/html" "$folder/xml" "$folder/man" "$folder/man3"
mkdir "$folder/man3"
{
    cat "$doxyfile"
    printf 'OUTPUT_DIRECTORY = "%s"\n' "$folder"
    printf '%s\n' "$@"
} | "$doxygen" -
# The pages of files and folders are left out.
cd "$folder/man/man3"
awk -v out="$folder/man3" -v examples="$examples" -f "$here/pages.awk" rankpool.3 rankpool_*.3 rp_*.3
cd "$folder"
rm -r man
