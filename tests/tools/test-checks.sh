#!/bin/sh
# Proves check-symbols.sh and check-hardening.sh on small libraries, each with one fault.
set -u
here=$(cd "$(dirname "$0")/.." && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work" || exit 1
failures=0
hard="-O2 -D_FORTIFY_SOURCE=2 -fstack-protector-strong -Wl,-z,relro,-z,now,-z,noexecstack"

cat >small.c <<'END'
#include <stdio.h>
#include <string.h>
__attribute__((visibility("default"))) int cnn_length(const char *text, int n)
{ char copy[64]; int c; snprintf(copy, sizeof copy, "%d%s", n, text); memcpy(copy, text, (size_t)n); c = copy[n]; return c; }
END
echo 'CNN_0.1 { global: cnn_[a-z]*; other; local: *; };' >small.map
echo cnn_length >list

# library NAME SOURCE FLAG...: NAME.so and NAME.a
library() {
    name=$1 source=$2
    shift 2
    # shellcheck disable=SC2086
    ${CC:-cc} -c -fPIC -fvisibility=hidden ${objects:-} "$source" -o "$name.o" && rm -f "$name.a" && ar rcs "$name.a" "$name.o" &&
        ${CC:-cc} -shared "$name.o" -o "$name.so" -Wl,-soname,libcnn.so.0.1 -Wl,--version-script=small.map "$@" || exit 1
}

# expect passes|fails WHAT COMMAND...
expect() {
    wanted=$1 what=$2
    shift 2
    if "$@" >log 2>&1; then result=passes; else result=fails; fi
    [ "$result" = "$wanted" ] && return
    echo "test-checks: $what: $result, expected that it $wanted" >&2
    sed 's/^/    /' log >&2
    failures=$((failures + 1))
}
symbols() { expect "$1" "$2" "$here/abi/check-symbols.sh" small.so small.a list; }
hardening() { expect "$1" "$2" "$here/hardening/check-hardening.sh" small.so; }

objects=$hard
library small small.c $hard
symbols passes "the list that is exported"
hardening passes "a hardened library"
echo cnn_more >>list
symbols fails "a name that is not exported"
: >list
symbols fails "a name that is not listed"
echo cnn_length >list
(cat small.c; echo '__attribute__((visibility("default"))) int other(void) { return 1; }') >other.c
printf 'cnn_length\nother\n' >list
library small other.c $hard
symbols fails "a listed name without cnn_"
echo cnn_length >list
(cat small.c; echo 'int helper(void) { return 1; }') >other.c
library small other.c $hard
symbols fails "a global name of the static library without cnn_"
sed -i 's/CNN_0.1/CNN_0.2/' small.map
library small small.c $hard
symbols fails "another version node than the SONAME's"
sed -i 's/CNN_0.2/CNN_0.1/' small.map

library small small.c -Wl,-z,relro,-z,lazy,-z,noexecstack
hardening fails "lazy binding"
library small small.c -Wl,-z,norelro,-z,now,-z,noexecstack
hardening fails "no RELRO"
library small small.c -Wl,-z,relro,-z,now,-z,execstack
hardening fails "an executable stack"
library small small.c -Wl,-z,relro,-z,now,-z,noexecstack -Wl,-rpath,/tmp
hardening fails "a search path"
objects="-O2 -U_FORTIFY_SOURCE -fstack-protector-strong"
library small small.c -Wl,-z,relro,-z,now,-z,noexecstack
hardening fails "no fortified function"
objects="-O2 -D_FORTIFY_SOURCE=2 -fno-stack-protector"
library small small.c -Wl,-z,relro,-z,now,-z,noexecstack
hardening fails "no stack protector"
objects=$hard
(cat small.c; echo '#include <stdlib.h>'; echo 'int cnn_end(void) { abort(); }') >other.c
library small other.c $hard
hardening fails "a call of abort"
(cat small.c; echo 'int cnn_big(int i); static const char big[1000001] = { 1 }; int cnn_big(int i) { return big[i]; }') >other.c
library small other.c $hard
hardening fails "more than a megabyte"
[ "$failures" = 0 ] && echo "test-checks: 15 libraries, each judged as it should be"
