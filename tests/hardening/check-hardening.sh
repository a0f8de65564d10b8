#!/bin/sh
# The built library is hardened, asks for nothing but the C library (and zlib; libcnn-image for its two, libcnn-onnx for libcnn, libcnn-mpi for libcnn and an MPI), and is small: usage: check-hardening.sh SHARED
set -u
shared=$1
failures=0 most=1600000 beside=none
case $shared in *libcnn-image*) most=100000 beside="libcnn libpng16 libjpeg" ;; *libcnn-onnx*) most=250000 beside=libcnn ;; *libcnn-mpi*) most=100000 beside="libcnn libmpi libmpich" ;; esac

fail() {
    echo "check-hardening: $shared: $1" >&2
    failures=$((failures + 1))
}

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
readelf -lW "$shared" >"$work/segments"
readelf -dW "$shared" >"$work/dynamic"
nm -D --undefined-only "$shared" | awk '{ sub(/@.*/, "", $2); print $2 }' >"$work/undefined"

grep -q GNU_RELRO "$work/segments" || fail "no RELRO segment"
grep -qE '\(FLAGS\).*BIND_NOW|\(FLAGS_1\).*NOW' "$work/dynamic" || fail "symbols are bound lazily, so RELRO is not full"
grep -q 'GNU_STACK.* RW ' "$work/segments" || fail "the stack is executable, or the file does not say"
grep -q 'LOAD.* RWE ' "$work/segments" && fail "a segment is writable and executable"
grep -q TEXTREL "$work/dynamic" && fail "relocations in the code"
grep -qE '\((RPATH|RUNPATH)\)' "$work/dynamic" && fail "it carries a search path"
grep -qx __stack_chk_fail "$work/undefined" || fail "no stack protector"
grep -qE '^__(mem|str|v?snprintf|read).*_chk$' "$work/undefined" || fail "no fortified function"
for needless in gets strcpy strcat sprintf vsprintf system popen exit abort _exit __assert_fail printf puts mktemp tmpnam; do
    grep -qx "$needless" "$work/undefined" && fail "it calls $needless"
done
for needed in $(sed -n 's/.*(NEEDED).*\[\(.*\)\]/\1/p' "$work/dynamic"); do
    case $needed in
    libc.so.* | libm.so.* | libz.so.* | libpthread.so.* | ld-linux*) ;;
    *) case " $beside " in *" ${needed%%.so*} "*) ;; *) fail "it needs $needed" ;; esac ;;
    esac
done
strip -o "$work/stripped" "$shared"
size=$(wc -c <"$work/stripped")
[ "$size" -le "$most" ] || fail "stripped it has $size bytes, more than $most"
[ "$failures" = 0 ] && echo "check-hardening: RELRO, BIND_NOW, stack protector, fortified; $size bytes stripped"
