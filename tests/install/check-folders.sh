#!/bin/sh
# The long form of check-build.sh: the whole library, compiled in two folders of different names, is the same byte for byte, with and
# without its debugging information; make check and make docs pass in the one whose name is odd; and with -march=native the generic
# kernels give the same weights. Usage: check-folders.sh MAKE...
set -u
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
failures=0
export CCACHE_DISABLE=1 # it could hand one folder's objects to the other

fail() {
    echo "check-folders: $1" >&2
    [ ! -s "$work/log" ] || tail -n 40 "$work/log" | sed 's/^/    /' >&2
    failures=$((failures + 1))
}

# built FOLDER MAKE...: a copy of the sources there, and the library
built() {
    mkdir -p "$1" && tar --exclude=./build --exclude=./lib --exclude=./.git --exclude=./data -cf - . | tar -C "$1" -xf - || exit 1
    folder=$1
    shift
    (cd "$folder" && "$@" BUILD=build LIB=lib) >"$work/log" 2>&1 || fail "make fails in $folder"
}

# shellcheck disable=SC2016
odd="$work/it's \"my\" \$HOME #1, modèles"
built "$odd" "$@" all
built "$work/other" "$@" lib
for library in lib/libcnn.a lib/libcnn.so; do
    cmp "$odd/$library" "$work/other/$library" >"$work/log" 2>&1 || fail "$library differs from folder to folder"
    cp -L "$odd/$library" "$work/one" && cp -L "$work/other/$library" "$work/two" && strip "$work/one" "$work/two" &&
        cmp "$work/one" "$work/two" >"$work/log" 2>&1 || fail "the stripped $library differs from folder to folder"
done
(cd "$odd" && "$@" check docs BUILD=build LIB=lib) >"$work/log" 2>&1 || {
    fail "make check or make docs fails in $odd"
    sed -n 's/^failed: .*, see //p' "$work/log" | while IFS= read -r log; do tail -n 20 "$odd/$log" | sed 's/^/    /' >&2; done
}
tail -n 3 "$work/log"

# weights FOLDER: those after an epoch on the generic kernels
weights() {
    (cd "$1" && CNN_KERNELS=generic build/trust/epoch-static 1 fused 33)
}
built "$work/native" "$@" build/trust/epoch-static CFLAGS='-O2 -march=native -ffp-contract=fast'
(cd "$work/other" && "$@" build/trust/epoch-static BUILD=build LIB=lib) >"$work/log" 2>&1 || fail "the epoch is not built"
[ -n "$(weights "$work/other")" ] && [ "$(weights "$work/other")" = "$(weights "$work/native")" ] ||
    fail "with -march=native the generic kernels give $(weights "$work/native"), without it $(weights "$work/other")"
[ "$failures" = 0 ] && echo "check-folders: the same library from two folders, and the same weights for two machines"
