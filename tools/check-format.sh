#!/bin/sh
# The C files follow .clang-format, and no line of them is longer than 120 columns: usage: check-format.sh [FILE...]; default: all.
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
    git ls-files -z '*.c' '*.h' '*.cpp' | xargs -0 "$0"
    exit
}
"$formatter" --dry-run --Werror "$@" || exit 1
awk 'length > 120 { print FILENAME ":" FNR ": " length " columns, expected at most 120"; bad = 1 } END { exit bad }' "$@" &&
    echo "check-format: $# files"
