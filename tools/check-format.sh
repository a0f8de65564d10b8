#!/bin/sh
# The library's files follow .clang-format, and no line of them is longer than 120 columns: usage: check-format.sh [FILE...];
# default: all of src/, include/, image/, onnx/, mpi/, cuda/ and cli/. FORMAT=1 lays them out instead.
# The layout is that of clang-format 14 (Debian 12): other versions break some lines elsewhere.
set -u
cd "$(dirname "$0")/.." || exit 1
formatter=${CLANG_FORMAT:-clang-format}
command -v "$formatter" >/dev/null 2>&1 || {
    echo "check-format: $formatter is missing; apt-get install clang-format"
    exit 1
}
case $("$formatter" --version) in
*"version 14."*) ;;
*) echo "skipped: check-format ($("$formatter" --version), the layout is that of clang-format 14)" && exit 0 ;;
esac
[ $# != 0 ] || {
    git ls-files -z 'src/*.[ch]' 'include/*.h' 'image/*.[ch]' 'onnx/*.[ch]' 'mpi/*.[ch]' 'cuda/*.[ch]' 'cuda/*.cu' 'cli/*.[ch]' |
        xargs -0 tools/check-format.sh
    exit
}
[ -z "${FORMAT:-}" ] || exec "$formatter" -i "$@"
"$formatter" --dry-run --Werror "$@" || exit 1
if LC_ALL=C.UTF-8 grep -nHE '^.{121}' "$@"; then
    echo "check-format: these lines have more than 120 columns"
    exit 1
fi
echo "check-format: $# files"
