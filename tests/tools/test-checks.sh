#!/bin/sh
# Proves check-symbols.sh and check-hardening.sh on small libraries, each with one fault, and what check-abi compares with.
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
(cat small.c; echo 'int cnn_big(int i); static const char big[1600001] = { 1 }; int cnn_big(int i) { return big[i]; }') >other.c
library small other.c $hard
hardening fails "more than 1.6 MB"

# Which baseline stands in: baseline WANTED VERSION HEADING ARCHIVE... (WANTED: the archive, and the page for those who move)
mkdir abi && cp "$here/abi/abi.mk" abi || exit 1
{
    # shellcheck disable=SC2016
    printf '%s\n' 'SONAME := libcnn.so.$(SOVERSION)' 'HASH := \#' 'include abi.mk' '.DEFAULT_GOAL := print' \
        'print: ; @echo $(ABI_AGAINST) $(ABI_MOVING)' 'lib check-test-abi: ;'
} >abi/Makefile
baseline() {
    wanted=$1 version=$2 heading=$3
    shift 3
    rm -rf abi/tests && mkdir -p abi/tests/abi
    for archive in "$@"; do : >"abi/tests/abi/libcnn-$archive.tar.gz"; done
    printf '# Changelog\n\n## [%s]\n\n## [0.1.0]\n' "$heading" >abi/CHANGELOG.md
    got=$(make --no-print-directory -C abi SOVERSION="$version" BUILD=build)
    [ "$got" = "$wanted" ] || expect passes "$version under the heading $heading is compared with \"$got\", expected \"$wanted\"" false
}
baseline "tests/abi/libcnn-0.1.tar.gz docs/moving-to-0.2.md" 0.2 Unreleased 0.1
baseline "tests/abi/libcnn-0.10.tar.gz docs/moving-to-0.11.md" 0.11 Unreleased 0.1 0.9 0.10
baseline tests/abi/libcnn-0.2.tar.gz 0.2 Unreleased 0.1 0.2
baseline tests/abi/libcnn-0.2.tar.gz 0.2 0.2.0 0.1 0.2
baseline tests/abi/libcnn-0.2.tar.gz 0.2 0.2.1 0.1
baseline "tests/abi/libcnn-0.1.tar.gz docs/moving-to-0.2.md" 0.2 0.20.0 0.1
# A release without its archive, and a version that is not released without its page, fail before anything is compared.
abi_says() { # WHAT MESSAGE HEADING
    mkdir -p abi/tools && printf '#!/bin/sh\n' >abi/tools/install-dependencies.sh && chmod +x abi/tools/install-dependencies.sh
    printf '## [%s]\n' "$3" >abi/CHANGELOG.md
    make --no-print-directory -C abi SOVERSION=0.2 BUILD=build check-abi >log 2>&1 && expect passes "$1 passes" false
    grep -qF "$2" log || expect passes "$1 is not what fails" false
}
baseline tests/abi/libcnn-0.2.tar.gz 0.2 0.2.0 0.1
abi_says "a release without its archive" "tests/abi/libcnn-0.2.tar.gz is missing" 0.2.0
abi_says "a version without its page" "docs/moving-to-0.2.md must say how" Unreleased
[ "$failures" = 0 ] && echo "test-checks: 15 libraries and 9 states of a release, each judged as it should be"
