#!/bin/sh
# Checks the manual pages of section 3: usage: [CC=cc] [LIB=lib] docs/man/check.sh LIBRARY...
# They are well-formed (mandoc, and man where it is there); every exported function and every public header is in one page; pages refer
# to pages that exist; and each example compiles without a warning, runs, and prints what it says.
set -u
cd "$(dirname "$0")/../.."
cc=${CC:-cc} lib=$(cd "${LIB:-lib}" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
failures=0

fail() {
    echo "check-man: $1" >&2
    [ -z "${2:-}" ] || sed 's/^/    /' "$2" >&2
    failures=$((failures + 1))
}

if ! docs/man/make.sh "$work/man3" "$@"; then
    fail "docs/man/make.sh fails"
    exit 1
fi
pages=$(grep -L '^\.so' "$work"/man3/*.3)

if command -v mandoc >/dev/null 2>&1; then
    # shellcheck disable=SC2086
    mandoc -Tlint -Wwarning $pages >"$work/log" 2>&1 || fail "mandoc -Tlint:" "$work/log"
else
    echo "skipped: mandoc -Tlint (no mandoc here)"
fi
if command -v man >/dev/null 2>&1 && man --help 2>/dev/null | grep -q -e --warnings; then
    for page in $pages; do
        LC_ALL=C.UTF-8 MANROFFSEQ='' MANWIDTH=80 man --warnings -E UTF-8 -l -Tutf8 -Z "$page" 2>>"$work/man.log" >/dev/null
    done
    [ ! -s "$work/man.log" ] || fail "man --warnings:" "$work/man.log"
fi

# Each function that a library exports has a page, and no page is of a function that is gone. Macros are no symbols.
for library in "$@"; do
    nm -D --defined-only "$lib/$library.so"
done | awk '$2 == "T" { sub(/@.*/, "", $3); print $3 }' | sort >"$work/exported"
(cd "$work/man3" && ls) | sed 's/\.3$//' | sort >"$work/have"
comm -23 "$work/exported" "$work/have" >"$work/log"
[ ! -s "$work/log" ] || fail "exported functions without a page:" "$work/log"
grep -hoE '^#define cnn_[a-z0-9_]+' include/cnn/*.h include/cnn/*/*.h | awk '{ print $2 }' >"$work/macros"
grep -v '^#' docs/man/pages | awk '{ print $1 }' >>"$work/macros"
sort "$work/exported" "$work/macros" | comm -13 - "$work/have" >"$work/log"
[ ! -s "$work/log" ] || fail "pages of what is neither exported nor a macro nor a noun:" "$work/log"

grep -v '^#' docs/man/pages | awk -F'|' '{ print $2 }' | tr ' ' '\n' | sed '/^$/d' | sort >"$work/listed"
(cd include/cnn && find . -name '*.h') | sed 's|^\./||' | sort >"$work/headers"
diff "$work/headers" "$work/listed" >"$work/log" || fail "the headers (<) and those of docs/man/pages (>) differ:" "$work/log"

for page in cli/cnn.1 examples/mnist_cnn/mnist_cnn.1; do
    awk '/^\.Xr (mnist_)?cnn/ { print $2 "." $3 }' "$page" | while read -r other; do
        [ -e "$work/man3/$other" ] || [ "$other" = cnn.1 ] || [ "$other" = mnist_cnn.1 ] || echo "$page refers to $other, which does not exist"
    done
done >"$work/dead"
[ ! -s "$work/dead" ] || fail "references:" "$work/dead"
grep -v '^#' docs/man/pages | awk -F'|' '{ print $1, $4 }' | while read -r page others; do
    for other in $others; do
        grep -q "^$other |" docs/man/pages || [ "$other" = cnn.1 ] || [ "$other" = mnist_cnn.1 ] || echo "$page refers to $other(3), which does not exist"
    done
done >"$work/log"
[ ! -s "$work/log" ] || fail "references:" "$work/log"

examples=0
while IFS='|' read -r page _ _ _ library; do
    page=$(echo $page) library=lib$(echo ${library:-cnn})
    case " $* " in *" $library "*) ;; *) continue ;; esac
    source=docs/man/examples/$page.c
    examples=$((examples + 1))
    mkdir -p "$work/$page"
    extra=
    [ "$library" = libcnn ] || extra=-l${library#lib}
    [ "$library" != libcnn-mpi ] || extra="-DCNN_WITHOUT_MPI_H $extra" # so that no MPI's own header is needed
    # shellcheck disable=SC2086
    if ! $cc -std=c11 -D_GNU_SOURCE -Wall -Wextra -Werror -Iinclude "$source" -o "$work/$page/example" -L"$lib" \
        -Xlinker -rpath -Xlinker "$lib" $extra -lcnn -lm 2>"$work/log"; then
        fail "$source:" "$work/log"
        continue
    fi
    (cd "$work/$page" && ./example >is 2>log) || fail "$source: exit status $?" "$work/$page/log"
    sed -n '/^\/\* It prints:$/,/^\*\/$/p' "$source" | sed '1d;$d' >"$work/$page/said"
    [ -s "$work/$page/said" ] || fail "$source does not say what it prints"
    diff "$work/$page/said" "$work/$page/is" >"$work/log" || fail "$source prints (>) what it does not say (<):" "$work/log"
done <<END
$(grep -v '^#' docs/man/pages)
END

[ "$failures" = 0 ] || exit 1
echo "check-man: $(echo "$pages" | wc -l) pages and $(wc -l <"$work/exported") functions, $examples examples print what they say"
