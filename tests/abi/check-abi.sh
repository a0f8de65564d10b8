#!/bin/sh
# The library keeps the ABI of the release: usage: check-abi.sh BASELINE SHARED SYMBOLS CHANGELOG
# BASELINE is the folder of an unpacked baseline. A removal or a change fails; a new function must be in SYMBOLS and be named
# in CHANGELOG; a struct with struct_size may grow at its end.
set -u
here=$(dirname "$0")
baseline=$1 shared=$2 symbols=$3 changelog=$4
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
failures=0

fail() {
    echo "check-abi: $1" >&2
    failures=$((failures + 1))
}

readelf -S "$shared" | grep -q '\.debug_info' || fail "$shared has no debugging information, by which types are compared; build with -g"
[ "$(readelf -h "$shared" | sed -n 's/.*Machine: *//p')" = "$(cat "$baseline/machine")" ] || {
    echo "skipped: abidiff (the baseline is of $(cat "$baseline/machine"))"
    exit 0
}
abidiff --harmless --no-added-syms --suppressions "$here/suppressions.ini" "$baseline/libcnn.abi" "$shared" >"$work/abidiff" 2>&1 || {
    cat "$work/abidiff" >&2
    fail "the ABI of $(basename "$baseline") is broken: see docs/abi.md for what that costs"
}

# layout INCLUDE: the members of the baseline's structs, by the headers there
layout() {
    ${CC:-cc} -I"$1" -include "$baseline/members.def" "$here/layout.c" -o "$work/layout" && "$work/layout"
}
layout "$baseline/include" >"$work/then" || fail "the baseline's headers do not compile"
layout include >"$work/now" || fail "a member of a public struct is gone"
diff "$work/then" "$work/now" || fail "members have moved"

for name in $(LC_ALL=C comm -13 "$baseline/symbols.txt" "$symbols"); do
    grep -qw "$name" "$changelog" || fail "$name is new since the baseline, and $changelog does not name it"
done
for name in $(LC_ALL=C comm -23 "$baseline/symbols.txt" "$symbols"); do
    fail "$name is gone from $symbols"
done
[ "$failures" = 0 ] && echo "check-abi: $(wc -l <"$baseline/symbols.txt") functions as in $(basename "$baseline")," \
    "$(LC_ALL=C comm -13 "$baseline/symbols.txt" "$symbols" | wc -l) new"
