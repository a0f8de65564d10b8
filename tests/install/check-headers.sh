#!/bin/sh
# Every public header compiles alone, twice in a row, as C99, C11 and C++17 without a warning, with each compiler there is;
# every one of them is in cnn.h; and no function has varargs. Usage: check-headers.sh HEADER...
set -u
failures=0
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# compile COMPILER LANGUAGE STANDARD HEADER
compile() {
    printf '#include <cnn/%s>\n#include <cnn/%s>\nint cnn_header_is_alone;\n' "$4" "$4" >"$work/alone"
    "$1" -x "$2" -std="$3" -Wall -Wextra -Wpedantic -Wshadow -Wundef -Werror -DCNN_WITHOUT_MPI_H -Iinclude -fsyntax-only "$work/alone" || {
        echo "check-headers: cnn/$4 does not compile alone as $3 with $1" >&2
        failures=$((failures + 1))
    }
}

for compiler in "${CC:-cc}:c" "${CXX:-c++}:c++" clang:c clang++:c++; do
    language=${compiler##*:} compiler=${compiler%:*}
    compiler=${compiler##* } # without ccache and the like
    if ! command -v "$compiler" >/dev/null 2>&1; then
        echo "skipped: headers with $compiler (not here)"
        continue
    fi
    for header in "$@"; do
        header=${header#include/cnn/}
        case $language in
        c) compile "$compiler" c c99 "$header"; compile "$compiler" c c11 "$header" ;;
        *) compile "$compiler" c++ c++17 "$header" ;;
        esac
    done
done
# shellcheck disable=SC2086
reached=$(echo '#include <cnn/cnn.h>' | ${CC:-cc} -Iinclude -M -x c -)
for header in "$@"; do
    case $reached in
    *"$header"*) ;;
    *)
        case $header in include/cnn/backend.h | include/cnn/kernels/* | include/cnn/image.h | include/cnn/onnx.h | include/cnn/group.h | include/cnn/mpi.h) continue ;; esac # for back ends, and of libraries of their own
        echo "check-headers: cnn.h does not include ${header#include/}" >&2
        failures=$((failures + 1))
        ;;
    esac
done
# What CNN_API is on Windows: "" for the static library.
api() {
    wanted=$1
    shift
    # shellcheck disable=SC2086
    said=$(printf '#include <cnn/export.h>\nCNN_API here\n' | ${CC:-cc} -Iinclude -E -P "$@" -x c - 2>/dev/null | tail -n 1 | sed 's/^ *//')
    [ "$said" = "${wanted:+$wanted }here" ] && return
    echo "check-headers: CNN_API with $* is \"$said\", expected \"$wanted\"" >&2
    failures=$((failures + 1))
}
api '__attribute__((visibility("default")))' -U_WIN32
api '__attribute__((visibility("default")))' -U_WIN32 -DCNN_USING_SHARED
api '' -D_WIN32
api '__declspec(dllexport)' -D_WIN32 -DCNN_BUILDING_SHARED
api '__declspec(dllimport)' -D_WIN32 -DCNN_USING_SHARED
# shellcheck disable=SC2086
! echo '#include <cnn/export.h>' | ${CC:-cc} -Iinclude -E -DCNN_BUILDING_SHARED -DCNN_USING_SHARED -x c - >/dev/null 2>&1 || {
    echo "check-headers: CNN_BUILDING_SHARED and CNN_USING_SHARED are accepted together" >&2
    failures=$((failures + 1))
}
! grep -nE '^CNN_API.*, \.\.\.\)' "$@" || failures=$((failures + 1))
[ "$failures" = 0 ] && echo "check-headers: $# headers, each alone"
