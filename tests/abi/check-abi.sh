#!/bin/sh
# The library keeps the ABI of a baseline: usage: check-abi.sh BASELINE SHARED SYMBOLS CHANGELOG [MOVING]
# BASELINE is the folder of an unpacked baseline. Whatever of it is gone or changed fails; a new function must be in SYMBOLS and be
# named in CHANGELOG; an options struct may grow as docs/abi.md says. With MOVING, the page for those who come from the baseline's
# release, the library is of another SONAME: there each function, struct or enum that is gone or changed must be named, as `name`.
set -u
here=$(dirname "$0")
baseline=$1 shared=$2 symbols=$3 changelog=$4 moving=${5:-}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
failures=0
: >"$work/named"

fail() {
    echo "check-abi: $1" >&2
    failures=$((failures + 1))
}

# broken NAME WHAT [FILE]: NAME of the baseline is not what it was; FILE tells more
broken() {
    if [ -n "$moving" ] && grep -qF "\`$1\`" "$moving"; then
        echo "$1" >>"$work/named"
        return
    fi
    [ -z "${3:-}" ] || cat "$3" >&2
    fail "$1 $2${moving:+, and $moving does not name it}"
}

# ---- functions ----
for name in $(LC_ALL=C comm -13 "$baseline/symbols.txt" "$symbols"); do
    grep -qw "$name" "$changelog" || fail "$name is new since the baseline, and $changelog does not name it"
done
for name in $(LC_ALL=C comm -23 "$baseline/symbols.txt" "$symbols"); do
    broken "$name" "is gone from $symbols"
done

# ---- types ----
readelf -S "$shared" | grep -q '\.debug_info' || fail "$shared has no debugging information, by which types are compared; build with -g"

# Under another version node every function would be another one, so the baseline gets today's.
node=$(nm -D --defined-only --with-symbol-versions "$shared" | sed -n 's/.* cnn_[a-z][a-z0-9_]*@@*//p' | sort -u | head -n 1)
compare() { # SUPPRESSIONS OPTION...
    suppressions=$1
    shift
    sed -e "/<elf-symbol /s/ version='[^']*'/ version='$node'/" -e "s/ elf-symbol-id='\([^@']*\)@@*[^']*'/ elf-symbol-id='\1@@$node'/" \
        "$baseline/libcnn.abi" >"$work/libcnn.abi"
    abidiff "$@" --harmless --no-added-syms --suppressions "$suppressions" "$work/libcnn.abi" "$shared" >"$work/abidiff" 2>&1
    result=$?
    [ $((result & 3)) = 0 ] || { cat "$work/abidiff" >&2; fail "abidiff fails"; }
}

# What abidiff says of each thing that is itself changed, as "NAME". Its count of them must be the number of those found here.
leaves() {
    sed -n -e "s/^'\(struct\|union\|enum\|typedef\|class\) \([A-Za-z0-9_]*\).*/\2/p" \
        -e "s/^ *\[[CD]\] 'function [^(]*[ *]\(cnn_[a-z0-9_]*\)(.*/\1/p" "$work/abidiff" | sort -u
}

if [ "$(readelf -h "$shared" | sed -n 's/.*Machine: *//p')" != "$(cat "$baseline/machine")" ]; then
    echo "skipped: abidiff (the baseline is of $(cat "$baseline/machine"))"
elif [ -n "$moving" ]; then
    compare "$here/suppressions.ini" --leaf-changes-only
    for name in $(leaves); do
        case $name in cnn__*) continue ;; esac # of the inside, seen through a pointer to an opaque struct
        broken "$name" "is another type" "$work/abidiff"
    done
    told=$(sed -n 's/^Leaf changes summary: \([0-9]*\) .*/\1/p' "$work/abidiff")
    [ "${told:-0}" -le "$(leaves | wc -l)" ] || { cat "$work/abidiff" >&2; fail "abidiff tells of more than is understood here"; }
else
    compare "$here/suppressions.ini"
    [ $result = 0 ] || { cat "$work/abidiff" >&2; fail "the ABI of $(basename "$baseline") is broken: see docs/abi.md for what that costs"; }
fi
# A struct that grew passes as a whole, and a pointer to another function is no change of the struct itself: once more for the types
# of members, under the suppressions' first section alone.
if [ -e "$work/abidiff" ]; then
    awk '/^\[suppress_type\]/ && sections++ { exit } { print }' "$here/suppressions.ini" >"$work/suppressions.ini"
    compare "$work/suppressions.ini"
    awk -F"'" "/ 'struct [a-z0-9_]*' .*changed/ { struct = \$0; sub(/.* 'struct /, \"\", struct); sub(/'.*/, \"\", struct) }
        /^ *type of '/ && !/ reserved\[/ { print struct }" "$work/abidiff" | sort -u >"$work/types"
    while read -r name; do
        broken "$name" "has a member of another type" "$work/abidiff"
    done <"$work/types"
fi

# ---- the members of the public structs ----
sed 's/^#define MEMBERS//; s/ MEMBER(/\nMEMBER(/g' "$baseline/members.def" | grep '^MEMBER(' >"$work/members"

# layout INCLUDE STRUCT: where its members of the baseline are, by the headers there
layout() {
    { printf '#define MEMBERS '; grep "^MEMBER($2," "$work/members" | tr '\n' ' '; echo; } >"$work/members.def"
    ${CC:-cc} -I"$1" -include "$work/members.def" "$here/layout.c" -o "$work/layout" && "$work/layout"
}
for struct in $(sed 's/MEMBER(\([^,]*\),.*/\1/' "$work/members" | sort -u); do
    layout "$baseline/include" "$struct" >"$work/then" || fail "the baseline's headers do not compile"
    if layout include "$struct" >"$work/now" 2>"$work/log"; then
        diff "$work/then" "$work/now" >"$work/diff" || broken "$struct" "has members that moved" "$work/diff"
    else
        broken "$struct" "is gone, or a member of it" "$work/log"
    fi
done

[ "$failures" = 0 ] && echo "check-abi: $(wc -l <"$baseline/symbols.txt") functions of $(basename "$baseline")," \
    "$(LC_ALL=C comm -13 "$baseline/symbols.txt" "$symbols" | wc -l) new" \
    "${moving:+, $(sort -u "$work/named" | wc -l) gone or changed and named in $moving}"
