#!/bin/sh
# No comment is a fragment that begins with "of", "and", "to", "but", "or" or "that" (CONTRIBUTING.md, "Style"):
# usage: check-comments.sh [FILE...]; default: the C and C++ of src/, include/, image/, onnx/, cli/, examples/, bench/, docs/ and tests/
# without tests/cuda/ and tests/mpi/.
# A formula may begin with a variable of such a name: /* to[row][column] ← … */.
set -u
cd "$(dirname "$0")/.." || exit 1
[ $# != 0 ] || {
    git ls-files -z 'src/*.[ch]' 'src/*.def' 'include/*.h' 'image/*.[ch]' 'onnx/*.[ch]' 'cli/*.[ch]' 'examples/*.[ch]' \
        'bench/*.[ch]' 'docs/*.[ch]' 'tests/*.[ch]' 'tests/*.cpp' ':!tests/cuda' ':!tests/mpi' | xargs -0 tools/check-comments.sh
    exit
}
if grep -nHEi '/\*+<?[[:space:]]*(of|and|to|but|or|that)([[:space:],:]|$)' "$@" |
    LC_ALL=C.UTF-8 grep -vE '/\*+<?[[:space:]]*to \+?[=←] '; then
    echo "check-comments: these comments are fragments; begin with a noun, or with what the function does"
    exit 1
fi
echo "check-comments: $# files"
