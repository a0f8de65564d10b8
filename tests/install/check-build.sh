#!/bin/sh
# What the build promises, of any folder and any flags: usage: check-build.sh BUILD LIB MAKE...
# A copy of the built tree works in a folder of an odd name, where nothing is compiled again, and installs into another; where there
# is no MPI its library is left out; objects do not depend on the folder, and kernels not on -march; quotes in flags arrive; flags
# that break the arithmetic are refused.
set -u
build=$1 lib=$2
shift 2
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
failures=0
export CCACHE_DISABLE=1 # it could hand one folder's object to the other

fail() {
    echo "check-build: $1" >&2
    [ ! -s "$work/log" ] || tail -n 30 "$work/log" | sed 's/^/    /' >&2
    failures=$((failures + 1))
}

# In the copies BUILD and LIB have their default names.
quietly() {
    "$@" >"$work/log" 2>&1
}

# ---- a folder with a space, both quotes, a dollar, a hash and a letter that is not ASCII ----
# shellcheck disable=SC2016
odd="$work/it's \"my\" \$HOME #1, modèles"
mkdir -p "$odd/build"
tar --exclude=./build --exclude=./lib --exclude=./.git --exclude=./data -cf - . | tar -C "$odd" -xf - || exit 1
cp -a "$build/src" "$build/flags" "$odd/build" && cp -a "$lib" "$odd/lib" || exit 1
for part in image onnx mpi cuda programs; do # where they are built
    [ ! -d "$build/$part" ] || cp -a "$build/$part" "$odd/build" || exit 1
done
cd "$odd" || exit 1
quietly "$@" all BUILD=build LIB=lib || fail "make fails in $odd"
! grep -q '^ *CC ' "$work/log" || fail "a tree that was moved is compiled again"
for example in examples/*; do
    [ "$example" != examples/common ] || continue # what programs share
    [ -x "build/$example" ] || fail "build/$example is not made"
done
build/examples/mnist_cnn --version >"$work/log" 2>&1 || fail "the example does not run"
quietly "$@" build/tests/test_json BUILD=build LIB=lib && build/tests/test_json >"$work/log" 2>&1 || fail "a test does not run"
mv "$odd" "$work/moved" && "$work/moved/build/examples/mnist_cnn" --version >"$work/log" 2>&1 ||
    fail "the example does not run after the tree was moved"
mv "$work/moved" "$odd"
cd "$odd" || exit 1

# ---- a prefix like it ----
prefix="$work/a place's \"own\""
quietly "$@" install PREFIX="$prefix" BUILD=build LIB=lib || fail "make install fails"
"$prefix/bin/mnist_cnn" --version >"$work/log" 2>&1 || fail "the installed example does not run"
flags=$(PKG_CONFIG_LIBDIR="$prefix/lib/pkgconfig:$(pkg-config --variable pc_path pkg-config)" pkg-config --cflags --libs cnn 2>"$work/log")
eval "${CC:-cc} tests/install/client.c -o ../client $flags" >"$work/log" 2>&1 &&
    LD_LIBRARY_PATH=$prefix/lib ../client "$work/weights" >"$work/log" 2>&1 || fail "a program with \"$flags\" is not built or does not run"
quietly "$@" uninstall PREFIX="$prefix" BUILD=build LIB=lib || fail "make uninstall fails"
[ -z "$(find "$prefix" ! -type d)" ] || fail "make uninstall leaves $(find "$prefix" ! -type d)"

# ---- a machine without an MPI ----
quietly "$@" mpi MPICC=no-such-mpicc BUILD=build LIB=without || fail "make fails where there is no MPI"
grep -q "libcnn-mpi is left out" "$work/log" && [ ! -e without ] || fail "without an MPI make does not leave libcnn-mpi out"

# ---- objects of other folders and other flags ----
x86_64=$(${CC:-cc} -dumpmachine | sed -n 's/^\(x86_64\)-.*/sse2 avx2/p')
plain=build/src/base/random.o # one whose optimisation the Makefile leaves as it is given
kernels=$(for isa in $x86_64; do echo "build/src/kernels/simd/elementwise/elementwise.$isa.o build/src/kernels/simd/vector/transpose.$isa.o"; done)
# shellcheck disable=SC2086
objects() { # FOLDER CFLAGS
    folder=$1 cflags=$2
    shift 2
    quietly "$@" $plain $kernels BUILD=build LIB=lib CFLAGS="$cflags" || fail "objects are not made with CFLAGS=$cflags"
    mkdir "$work/$folder" && cp $plain $kernels "$work/$folder" || exit 1
}
same() { # ONE OTHER OBJECT...
    one=$work/$1 other=$work/$2
    shift 2
    for object in "$@"; do
        cmp "$one/${object##*/}" "$other/${object##*/}" >"$work/log" 2>&1 || fail "${object##*/} differs"
    done
}
objects here "-O1 -g" "$@"
mkdir "$work/x" && tar --exclude=./build --exclude=./lib -cf - . | tar -C "$work/x" -xf - && cd "$work/x" || exit 1
objects there "-O1 -g" "$@"
# shellcheck disable=SC2086
same here there $plain $kernels
objects quotes "-O1 -DONE='a b' -DOTHER=\"'c d'\" -DHASH=\\#" "$@"
quietly "$@" -q $plain BUILD=build LIB=lib CFLAGS="-O1 -DONE='a b' -DOTHER=\"'c d'\" -DHASH=\\#" || fail "flags with quotes are new ones each time"
if [ -n "$x86_64" ]; then
    objects without-march "-O1" "$@"
    objects with-march "-O1 -march=haswell -mtune=znver2 -mfma" "$@"
    # shellcheck disable=SC2086
    same without-march with-march $kernels
    quietly "$@" build/src/kernels/array/unary.o BUILD=build LIB=lib CFLAGS="-O2 -march=haswell -ffp-contract=fast" || fail "array/unary.o"
    ! objdump -d build/src/kernels/array/unary.o | grep -q vfmadd || fail "with -march=haswell products and sums are fused outside simd/"
fi

# ---- flags that are refused ----
refused() { # WORD MAKE... VARIABLE=VALUE
    word=$1
    shift
    if quietly "$@" $plain BUILD=build LIB=lib || ! grep -qE "error.*libcnn|\*\*\* libcnn" "$work/log" || ! grep -qF -- "$word" "$work/log"; then
        fail "not refused, or not with a word of $word: $*"
    fi
}
for flag in -ffast-math -Ofast -ffinite-math-only -funsafe-math-optimizations; do
    refused math "$@" CFLAGS="-O2 $flag" WERROR=0
    ${CC:-cc} -O2 $flag -Wall -Werror -Iinclude -fsyntax-only tests/install/client.c >"$work/log" 2>&1 ||
        fail "programs that use the library cannot be compiled with $flag"
done
refused math "$@" LDFLAGS=-ffast-math
[ -z "$x86_64" ] || refused 64-bit "$@" CFLAGS="-O2 -m32"
cd "$odd" || exit 1
missing=$(find build/src -name '*.d' -exec grep -L 'src/platform/target.h' {} +)
[ -z "$missing" ] || fail "these do not include platform/target.h: $missing"
[ "$failures" = 0 ] && echo "check-build: the tree works in \"${odd##*/}\", and flags keep their promises"
