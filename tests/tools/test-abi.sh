#!/bin/sh
# Proves tests/abi/check-abi.sh on a library of one function: what may change passes, what may not is noticed.
set -u
abi=$(cd "$(dirname "$0")/../abi" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work" || exit 1
failures=0 judged=0

# The library as released; each case below edits a copy of it.
mkdir -p released/include/cnn
cat >released/include/cnn/thing.h <<'END'
#pragma once
#include <stdbool.h>
#include <stddef.h>
typedef struct cnn_thing cnn_thing;
typedef enum cnn_kind { CNN_A = 0, CNN_B = 1 } cnn_kind;
typedef struct cnn_thing_options { size_t struct_size; double a; int b; int c; int (*f)(int); unsigned char reserved[8]; } cnn_thing_options;
cnn_thing *cnn_thing_create(const cnn_thing_options *options, cnn_kind kind);
double cnn_thing_value(const cnn_thing *thing);
END
printf '#include <%s>\n' stdbool.h stddef.h stdint.h cnn/thing.h >released/include/cnn/cnn.h
cat >released/thing.c <<'END'
#include <cnn/thing.h>
#include <stdlib.h>
struct cnn_thing { double a; cnn_kind kind; };
cnn_thing *cnn_thing_create(const cnn_thing_options *options, cnn_kind kind)
{ cnn_thing *t = calloc(1, sizeof *t); if (t) { t->a = options->a; t->kind = kind; } return t; }
double cnn_thing_value(const cnn_thing *thing) { return thing->a; }
END
echo "the first release" >released/CHANGELOG.md

# build FOLDER: its library and the list of its functions
build() {
    (cd "$1" && ${CC:-cc} -shared -fPIC -g -O1 -Iinclude thing.c -o libthing.so &&
        nm -D --defined-only libthing.so | awk '{ print $3 }' | grep '^cnn_' | LC_ALL=C sort >symbols.txt)
}

# expect passes|fails WHAT: runs the check on the folder `now`; with the page for those who move, if `moving` is its name
moving=
expect() {
    build now || exit 1
    judged=$((judged + 1))
    # shellcheck disable=SC2086
    if (cd now && "$abi/check-abi.sh" ../thing-1 libthing.so symbols.txt CHANGELOG.md $moving) >log 2>&1; then result=passes; else result=fails; fi
    if [ "$result" != "$1" ]; then
        echo "test-abi: $2: $result, expected that it $1" >&2
        sed 's/^/    /' log >&2
        failures=$((failures + 1))
    fi
    rm -r now
    cp -r released now
}

build released && (cd released && "$abi/make-baseline.sh" libthing.so symbols.txt ../thing-1.tar.gz >/dev/null) &&
    tar -xzf thing-1.tar.gz || exit 1
cp -r released now
header=now/include/cnn/thing.h source=now/thing.c
expect passes "the same library"
sed -i 's/struct cnn_thing { double a;/struct cnn_thing { int more; float a;/' $source
expect passes "another private struct"
sed -i 's/reserved.8.;/reserved[8]; double d; unsigned char more_reserved[8];/' $header
expect passes "an option at the end"
sed -i 's/unsigned char reserved.8.;/bool d; unsigned char reserved[7];/' $header
expect passes "an option of reserved bytes"
sed -i 's/unsigned char reserved.8.;/bool d; unsigned char reserved_then[7]; double e; unsigned char reserved[8];/' $header
expect passes "an option of reserved bytes and one behind them"
sed -i 's/unsigned char reserved.8.;/long d; unsigned char reserved[8];/; s/int (\*f)(int)/int (*f)(double)/' $header
expect fails "an option of reserved bytes and a callback of another type"
sed -i 's/double a; int b; int c;/float a; int b; int c; double d;/' $header
expect fails "an option before others and another of another type"
sed -i 's/double a; int b;/double a; double d; int b;/' $header
expect fails "an option in the middle"
sed -i 's/double a; int b;/float a; float pad; int b;/' $header
expect fails "an option of another type"
sed -i 's/int b; int c;/int c; int b;/' $header
expect fails "options in another order"
sed -i 's/int b; int c;/int b;/' $header
expect fails "an option less"
sed -i 's/CNN_B = 1/CNN_B = 2/' $header
expect fails "another value of an enum"
sed -i 's/cnn_kind kind)/cnn_kind kind, int more)/' $header $source
expect fails "another argument"
sed -i 's/^double cnn_thing_value/float cnn_thing_value/' $header $source
expect fails "another result"
sed -i 's/cnn_thing_value/cnn_thing_worth/' $header $source
expect fails "another name"
sed -i '/cnn_thing_value/d' $header $source
expect fails "a function less"
echo 'int cnn_thing_more(void) { return 1; }' >>$source
expect fails "a function more that the changelog does not name"
echo 'int cnn_thing_more(void) { return 1; }' >>$source
echo 'new: `cnn_thing_more`' >>now/CHANGELOG.md
expect passes "a function more that the changelog names"

# Another SONAME: what breaks must be named, by its own name, and nothing else changes.
moving=moving.md
echo 'moving' >released/$moving
cp released/$moving now
expect passes "the same library under another SONAME"
broken() { # WHAT NAME: passes where the page has the name, and only there
    cp -r now changed
    expect fails "$1, which the page does not name"
    rm -r now
    cp -r changed now
    # shellcheck disable=SC2016
    printf '`%s_or_so`, %s\n' "$2" "$2" >>now/$moving
    expect fails "$1, and the page names another"
    rm -r now
    mv changed now
    # shellcheck disable=SC2016
    printf '`%s`\n' "$2" >>now/$moving
    expect passes "$1, which the page names"
}
sed -i 's/int b; int c;/int c; int b;/' $header
broken "options in another order" cnn_thing_options
sed -i 's/int b; int c;/int b;/' $header
broken "an option less" cnn_thing_options
sed -i 's/int (\*f)(int)/int (*f)(double)/' $header
broken "a callback of another type" cnn_thing_options
sed -i 's/CNN_B = 1/CNN_B = 2/' $header
broken "another value of an enum" cnn_kind
sed -i 's/cnn_kind kind)/cnn_kind kind, int more)/' $header $source
broken "another argument" cnn_thing_create
sed -i 's/^double cnn_thing_value/float cnn_thing_value/' $header $source
broken "another result" cnn_thing_value
sed -i '/cnn_thing_value/d' $header $source
broken "a function less" cnn_thing_value
sed -i '/cnn_thing_value/d; s/int b; int c;/int c; int b;/' $header $source
echo '`cnn_thing_value`' >>now/$moving
expect fails "two breaks of which the page names one"
echo 'int cnn_thing_more(void) { return 1; }' >>$source
echo '`cnn_thing_more`' >>now/$moving
expect fails "a function more that the page names, not the changelog"
[ "$failures" = 0 ] && echo "test-abi: $judged changes, each judged as it should be"
