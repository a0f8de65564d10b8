#!/bin/sh
# Writes the manual pages of section 3, one per noun of docs/man/pages, and a page per function that leads to its noun's:
# usage: docs/man/make.sh FOLDER [LIBRARY...]; without libraries (libcnn, libcnn-image, libcnn-onnx, libcnn-mpi) the pages of all.
#        docs/man/make.sh --names [LIBRARY...]: the names of the files alone
set -eu
cd "$(dirname "$0")/../.."
folder=$1
shift
wanted=${*:-libcnn libcnn-image libcnn-onnx libcnn-mpi}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
names_only=
if [ "$folder" = --names ]; then
    names_only=1
    folder=$work/pages
fi
mkdir -p "$folder"
date=$(sed -n 's/^\.Dd //p' cli/cnn.1)

trim() { printf '%s' "$1" | sed 's/^ *//; s/ *$//'; }

grep -v '^#' docs/man/pages | while IFS='|' read -r page headers line see library; do
    page=$(trim "$page")
    library=lib$(trim "${library:-cnn}")
    case " $wanted " in *" $library "*) ;; *) continue ;; esac
    # shellcheck disable=SC2086
    LC_ALL=C awk -f docs/man/page.awk -v page="$page" -v line="$(trim "$line")" -v see="$(trim "$see")" -v date="$date" \
        -v library="$library" -v example="docs/man/examples/$page.c" -v status=include/cnn/status.h -v list="$work/functions" \
        $(printf ' %s' $headers | sed 's| | include/cnn/|g') >"$folder/$page.3"
    while read -r function; do
        [ "$function" = "$page" ] || printf '.so man3/%s.3\n' "$page" >"$folder/$function.3"
    done <"$work/functions"
done
[ -z "$names_only" ] || ls "$folder"
