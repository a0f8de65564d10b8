#!/bin/sh
# Proves the floors of docs/architecture.md: usage: check-layers.sh [TREE]
# A file of src/ includes its own room, lower floors and the public headers; a public header includes public headers; an
# example includes public headers and its own folder. Nobody's rooms are unknown. Headers of the system, and whatever else
# ISO C does not give to every program, are included in src/platform/ alone.
set -u
cd "${1:-.}" || exit 1
failures=0

fail() {
    echo "check-layers: $1" >&2
    failures=$((failures + 1))
}

floor_of() {
    case $1 in
    platform) echo 0 ;;
    base) echo 1 ;;
    kernels) echo 2 ;;
    device) echo 3 ;;
    tensor) echo 4 ;;
    autograd) echo 5 ;;
    ops) echo 6 ;;
    nn | optim | data | io | predict) echo 7 ;;
    *) return 1 ;;
    esac
}

# The rooms of src/kernels/simd have floors of their own.
simd_floor_of() {
    case $1 in
    kernels/simd/vector/*) echo 0 ;;
    kernels/simd/gemm/* | kernels/simd/layout/* | kernels/simd/elementwise/* | kernels/simd/map/*) echo 1 ;;
    kernels/simd/conv/*) echo 2 ;;
    kernels/simd/winograd/* | kernels/simd/depthwise/*) echo 3 ;;
    kernels/simd/conv_relu_pool/*) echo 4 ;;
    *) return 1 ;;
    esac
}

# The exception by design: saving and loading look into what they save.
excepted() {
    case "$1 $2" in
    "io nn/"* | "io optim/"*) return 0 ;;
    *) return 1 ;;
    esac
}

# includes KIND FILE...: "FILE LINE NAME" of each #include "NAME" (KIND: ") or <NAME> (KIND: <)
includes() {
    kind=$1
    shift
    awk -v kind="$kind" '
        kind == "\"" && match($0, /^[ \t]*#[ \t]*include[ \t]*"[^"]*"/) || kind == "<" && match($0, /^[ \t]*#[ \t]*include[ \t]*<[^>]*>/) {
            name = substr($0, RSTART, RLENGTH)
            gsub(/^[^"<]*["<]|[">]$/, "", name)
            print FILENAME, FNR, name
        }' "$@"
}

check_source() {
    room=${1#src/} room=${room%%/*}
    floor=$(floor_of "$room") || { fail "$1: src/$room is no room of docs/architecture.md"; return; }
    target=${3%%/*}
    [ -e "src/$3" ] || { fail "$1:$2: \"$3\" is not named from src/ on, or does not exist"; return; }
    other=$(floor_of "$target") || { fail "$1:$2: \"$3\" is in no room"; return; }
    if [ "$target" != "$room" ] && [ "$other" -ge "$floor" ] && ! excepted "$room" "$3"; then
        fail "$1:$2: src/$room (floor $floor) includes \"$3\" (floor $other)"
    fi
    own=${1#src/}
    if [ "${own%/*}" != "${3%/*}" ] && floor=$(simd_floor_of "$own") && other=$(simd_floor_of "$3") && [ "$other" -ge "$floor" ]; then
        fail "$1:$2: src/${own%/*} includes \"$3\", whose room is no lower one"
    fi
}

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
find src -name '*.[ch]' -o -name '*.def' | sort >"$work/files"
# shellcheck disable=SC2046
includes '"' $(cat "$work/files") >"$work/includes"
while read -r file line name; do
    check_source "$file" "$line" "$name"
done <"$work/includes"

# check_system FILE LINE NAME: what every C11 compiler has, and what one room may include besides
check_system() {
    case $3 in
    cnn/*) [ -e "include/$3" ] || fail "$1:$2: there is no $3" ;;
    ctype.h | float.h | inttypes.h | limits.h | math.h | stdarg.h | stdatomic.h | stdbool.h | stddef.h | stdint.h | stdio.h | \
        stdlib.h | string.h) ;;
    *)
        case "$1 $3" in
        src/platform/*) return ;;
        "src/kernels/"*" immintrin.h" | "src/kernels/"*" xmmintrin.h" | "src/kernels/"*" arm_neon.h") return ;; # the compiler's
        "src/data/bytes.c zlib.h" | "src/io/member.c zlib.h" | "src/io/npz_save.c zlib.h") return ;;
        esac
        fail "$1:$2: <$3> is included outside of src/platform"
        ;;
    esac
}

# shellcheck disable=SC2046
includes '<' $(cat "$work/files") >"$work/system"
while read -r file line name; do
    check_system "$file" "$line" "$name"
done <"$work/system"

# A platform's own headers are for it and for the headers of the room, which choose.
while read -r file line name; do
    case "$file $name" in
    src/platform/*) ;;
    *" platform/posix/"* | *" platform/win32/"* | *" platform/none/"*)
        fail "$file:$line: \"$name\" is one platform's; include the header of src/platform that chooses" ;;
    esac
done <"$work/includes"

for file in include/cnn/*.h include/cnn/*/*.h; do
    includes '"' "$file" | while read -r _ line name; do echo "$file:$line: a public header includes \"$name\""; done
    includes '<' "$file" | while read -r _ line name; do
        case $name in
        cnn/*) [ -e "include/$name" ] || echo "$file:$line: there is no $name" ;;
        stdbool.h | stddef.h | stdint.h) ;;
        mpi.h) [ "$file" = include/cnn/mpi.h ] || echo "$file:$line: a public header includes <$name>" ;;
        *) echo "$file:$line: a public header includes <$name>" ;;
        esac
    done
done >"$work/public"
# libcnn-image, libcnn-onnx and libcnn-mpi know nothing of the inside of libcnn.
for file in image/*.[ch] onnx/*.[ch] mpi/*.[ch]; do
    [ -e "$file" ] || continue
    room=${file%/*}
    includes '"' "$file" | while read -r _ line name; do [ -e "$room/$name" ] || echo "$file:$line: libcnn-$room includes \"$name\""; done
done >>"$work/public"
# Nor does the CUDA back end, but its kernels share the CPU's formulas, and lists that are made of the public headers.
for file in cuda/*.[ch] cuda/driver/*.h cuda/kernels/*.h cuda/kernels/*.cu; do
    [ -e "$file" ] || continue
    includes '"' "$file" | while read -r _ line name; do
        case "$file $name" in
        cuda/kernels/*" base/math.h" | cuda/kernels/*" kernels/simd/map/math.h" | cuda/kernels/*" kernels/array/unary.def" | \
            cuda/kernels/*" enumerations.h") ;;
        cuda/driver/*" driver/"*) [ -e "cuda/$name" ] || echo "$file:$line: there is no $name" ;;
        *) [ -e "${file%/*}/$name" ] || echo "$file:$line: libcnn-cuda includes \"$name\"" ;;
        esac
    done
done >>"$work/public"
for file in cli/*.[ch]; do
    includes '"' "$file" | while read -r _ line name; do
        [ -e "cli/$name" ] || [ -e "examples/$name" ] || echo "$file:$line: cnn includes \"$name\""
    done
done >>"$work/public"
for folder in examples/*/; do
    includes '"' "$folder"*.[ch] | while read -r file line name; do
        [ -e "$folder$name" ] || [ -e "examples/$name" ] || echo "$file:$line: an example includes \"$name\""
    done
done >>"$work/public" 2>/dev/null
while read -r found; do
    fail "$found"
done <"$work/public"

[ -s "$work/includes" ] || fail "no #include found in src/"
[ "$failures" = 0 ] && echo "check-layers: $(wc -l <"$work/files") files of src/, $(wc -l <"$work/includes") includes"
