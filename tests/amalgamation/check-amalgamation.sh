#!/bin/sh
# Proves the amalgamation: check-amalgamation.sh FOLDER PROGRAM. cnn.c compiles alone, cnn.h is all that a program needs, and the
# example computes the same weights with it, to the bit, as PROGRAM does with the library, on each table that this CPU runs.
set -u
folder=$(realpath "$1") program=$(realpath "$2")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

fail() {
    echo "check-amalgamation: $1" >&2
    [ ! -s "$work/log" ] || sed 's/^/    /' "$work/log" >&2
    exit 1
}

# The sources are compiled in a folder that has nothing else; examples include <cnn/cnn.h>.
mkdir -p "$work/alone" "$work/include/cnn"
cp "$folder/cnn.c" "$folder/cnn.h" "$work/alone" || exit 1
cp "$folder/cnn.h" "$work/include/cnn" || exit 1
# mnist_cnn opens libcnn-mpi where it is installed: a library of its own, with headers of its own.
cp include/cnn/group.h include/cnn/mpi.h "$work/include/cnn" || exit 1
# shellcheck disable=SC2086
(cd "$work/alone" && ${CC:-cc} -O2 -c cnn.c) >"$work/log" 2>&1 || fail "cnn.c is not compiled by ${CC:-cc} -O2 -c"
[ ! -s "$work/log" ] || fail "the compiler has something to say about cnn.c"
for example in custom_layer mnist_cnn; do
    common=
    grep -q '"common/' examples/$example/*.c examples/$example/*.h 2>/dev/null && common=$(echo examples/common/*.c examples/common/*/*.c)
    # shellcheck disable=SC2086
    ${CC:-cc} -std=c11 -O2 -D_GNU_SOURCE -I"$work/include" -Iexamples examples/$example/*.c $common "$work/alone/cnn.o" -o "$work/$example" -lm -pthread \
        >"$work/log" 2>&1 || fail "examples/$example is not built with cnn.h and cnn.o"
done
"$work/custom_layer" >"$work/log" 2>&1 || fail "examples/custom_layer fails"

# digest PROGRAM TABLE: the SHA-256 of the weights after a short run
digest() {
    CNN_KERNELS=$2 "$1" --synthetic --data "$work" --limit 300 --epochs 1 --seed 7 --quiet --digest 2>"$work/log" |
        sed -n 's/^weights sha256 //p'
}

checked=
for table in generic avx2 avx512 neon; do
    expected=$(digest "$program" $table)
    [ -n "$expected" ] || continue # this CPU does not run it
    given=$(digest "$work/mnist_cnn" $table)
    [ "$given" = "$expected" ] || fail "with the kernels $table the weights are ${given:-missing}, expected $expected"
    checked="$checked $table"
done
[ -n "$checked" ] || fail "the example prints no digest"
echo "check-amalgamation: cnn.c compiles alone and gives the same weights as the library with:$checked"
