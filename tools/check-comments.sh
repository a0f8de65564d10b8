#!/bin/sh
# No comment is a fragment that begins with "of", "and", "to", "but", "or" or "that" (CONTRIBUTING.md, "Style"):
# usage: check-comments.sh [FILE...]; default: all C, C++ and CUDA that git knows, or that lies here where there is no git, and the tables
# (.def) beside them.
# A formula may begin with a variable of such a name: /* to[row][column] ← … */.
set -u
cd "$(dirname "$0")/.." || exit 1
[ $# != 0 ] || {
    if git ls-files --error-unmatch tools/check-comments.sh >/dev/null 2>&1; then
        git ls-files -z '*.[ch]' '*.cpp' '*.cu' '*.def'
    else
        find . \( -path ./build -o -path ./lib -o -path ./data \) -prune -o -type f \( -name '*.[ch]' -o -name '*.cpp' -o -name '*.cu' -o -name '*.def' \) -print0
    fi | xargs -0r tools/check-comments.sh
    exit
}
if grep -nHEi '/\*+<?[[:space:]]*(of|and|to|but|or|that)([[:space:],:]|$)' "$@" |
    LC_ALL=C.UTF-8 grep -vE '/\*+<?[[:space:]]*to \+?[=←] '; then
    echo "check-comments: these comments are fragments; begin with a noun, or with what the function does"
    exit 1
fi
echo "check-comments: $# files"
