#!/bin/sh
# What the library exports is what the public headers declare, every name of it in the version node of its SONAME, and the static library
# defines nothing outside cnn_ either: usage: check-symbols.sh SHARED STATIC LIST
set -u
shared=$1 static=$2 list=$3
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
failures=0

fail() {
    echo "check-symbols: $1" >&2
    failures=$((failures + 1))
}

soname=$(readelf -d "$shared" | sed -n 's/.*SONAME.*\[\(.*\)\]/\1/p')
case $soname in
libcnn-image.so.*) node=CNN_IMAGE_${soname#libcnn-image.so.} ;;
libcnn-onnx.so.*) node=CNN_ONNX_${soname#libcnn-onnx.so.} ;;
libcnn-mpi-*.so.*) node=CNN_MPI_${soname#libcnn-mpi-*.so.} ;;
*) node=CNN_${soname#libcnn.so.} ;;
esac
nm -D --defined-only --with-symbol-versions "$shared" | awk '$2 != "A" { print $3 }' | LC_ALL=C sort >"$work/exported"
grep -v "@@$node\$" "$work/exported" >"$work/strangers" && fail "not in the version node $node: $(tr '\n' ' ' <"$work/strangers")"
sed 's/@.*//' "$work/exported" | LC_ALL=C sort >"$work/names"
grep -vE '^cnn_[a-z]' "$work/names" >"$work/strangers" && fail "not of the form cnn_name: $(tr '\n' ' ' <"$work/strangers")"
LC_ALL=C sort -c "$list" 2>/dev/null || fail "$list is not sorted"
diff "$list" "$work/names" >"$work/diff" || {
    fail "$list (<) and what $shared exports (>) differ:"
    cat "$work/diff" >&2
}
nm -g --defined-only "$static" 2>/dev/null | awk 'NF == 3 { print $3 }' | grep -v '^cnn_' >"$work/strangers" &&
    fail "$static defines $(tr '\n' ' ' <"$work/strangers")"
[ "$failures" = 0 ] && echo "check-symbols: $(wc -l <"$list") exported functions, all in $node"
