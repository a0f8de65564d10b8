#!/bin/sh
# Runs Doxygen: usage: docs/doxygen.sh DOXYGEN OUTPUT-FOLDER
# Doxygen and dot put the whole path of the project into commands and links, and stumble over quotes and spaces in it. From such a
# folder Doxygen reads a copy in a folder with a plain name.
set -eu
doxygen=$1
output=$2

case $PWD in
*[!A-Za-z0-9/._+-]*) ;;
*)
    CNN_DOCS=$output exec "$doxygen" docs/Doxyfile
    ;;
esac
plain=$(mktemp -d)
trap 'rm -rf "$plain"' EXIT
trap 'exit 1' HUP INT TERM
cp -R docs include examples SECURITY.md "$plain"
mkdir "$plain/output"
(cd "$plain" && CNN_DOCS=output "$doxygen" docs/Doxyfile)
cp -R "$plain/output/." "$output"
