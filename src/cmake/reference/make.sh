#!/bin/sh
# Makes the reference in FOLDER: html/, and man3/ with a page for each call and type.
#     make.sh DOXYGEN DOXYFILE EXAMPLES FOLDER [SETTING...]
# EXAMPLES is the folder of the examples' sources; a SETTING is a further line of the Doxyfile.
set -eu
here=$(dirname "$0")
doxygen=$1 doxyfile=$2 examples=$3 folder=$4
shift 4

rm -rf "$folder/html" "$folder/xml" "$folder/man" "$folder/man3"
mkdir -p "$folder/man3"
{
    cat "$doxyfile"
    printf 'OUTPUT_DIRECTORY = "%s"\n' "$folder"
    printf '%s\n' "$@"
} | "$doxygen" -
awk -v out="$folder/man3" -v examples="$examples" -f "$here/pages.awk" "$folder"/man/man3/*.3
rm -r "$folder/man"
