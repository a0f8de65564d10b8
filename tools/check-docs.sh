#!/bin/sh
# Keeps README.md and the pages of docs/ true: usage: [CC=cc] [LIB=lib] tools/check-docs.sh [PAGE...]
#
# Every block that opens with ```c is compiled: one with main() as a program of its own, which is linked too; one whose first
# line is a definition or an #include joins its page's file level; any other is the body of a function behind them. A block
# after <!-- quotes FILE --> must stand in that file instead, line by line but for indentation. And each message in the docs' list of
# usual errors is one that tools/check-docs/messages.c provokes, and the other way round. Paths and links must exist.
# CHANGELOG.md names what is exported. The Python that moves weights to PyTorch and back is run where PyTorch is.
set -u
cd "$(dirname "$0")/.."
cc=${CC:-cc} lib=${LIB:-lib}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
flags="-std=c11 -D_GNU_SOURCE -Wall -Wextra -Werror -Wno-unused -Wno-unused-parameter -Iinclude -I$work"
failures=0 blocks=0

fail() {
    echo "check-docs: $1" >&2
    [ -z "${2:-}" ] || sed 's/^/    /' "$2" >&2
    failures=$((failures + 1))
}

# Cuts a page into $work/block.LINE.c; $work/list says "LINE KIND FILE" of each (FILE: what it quotes, or -).
cut_blocks() {
    rm -f "$work"/block.*
    awk -v work="$work" '
        /^<!-- quotes .* -->$/ { quoted = $3; next }
        /^```c$/ { inside = 1; line = NR; kind = ""; out = work "/block." NR ".c"; printf "" >out; next }
        /^```/ && inside {
            inside = 0; close(out)
            print line, kind, quoted == "" ? "-" : quoted
            quoted = ""
            next
        }
        inside {
            if (kind == "") kind = $0 ~ /^(#include|static|typedef|struct|enum|\/\*)/ ? "file" : "body"
            if ($0 ~ /^int main\(/) kind = "program"
            print >out
            next
        }
        NF { quoted = "" }' "$1" >"$work/list"
}

squeeze() { sed 's/^[ \t]*//; s/[ \t]*$//' "$1" | sed '/^$/d'; }

# Are the lines of $1 in a row somewhere in $2?
check_quote() {
    squeeze "$1" >"$work/quote"
    squeeze "$2" >"$work/source"
    awk 'NR == FNR { q[++n] = $0; next } { s[++m] = $0 }
        END { for (i = 0; i + n <= m; i++) { for (k = 1; k <= n && s[i + k] == q[k]; k++); if (k > n) exit 0 } exit 1 }' \
        "$work/quote" "$work/source"
}

check_page() {
    page=$1
    cut_blocks "$page"
    cp tools/check-docs/fragment.h "$work/page.h"
    while read -r line kind quoted; do
        block=$work/block.$line.c
        blocks=$((blocks + 1))
        if [ "$quoted" != - ]; then
            check_quote "$block" "$quoted" || fail "$page:$line: these lines are not in $quoted:" "$block"
            continue
        fi
        case $kind in
        program)
            $cc $flags "$block" -o "$work/program" -L"$lib" -lcnn -lm 2>"$work/log" || fail "$page:$line:" "$work/log"
            continue
            ;;
        file)
            { echo "#line $((line + 1)) \"$page\""; cat "$block"; } >>"$work/page.h"
            echo '#include "page.h"' >"$work/unit.c"
            ;;
        *)
            { echo '#include "page.h"'; echo 'int fragment(void);'; echo 'int fragment(void) {'
              echo "#line $((line + 1)) \"$page\""; cat "$block"; echo 'return 0; }'; } >"$work/unit.c"
            ;;
        esac
        $cc $flags -fsyntax-only "$work/unit.c" 2>"$work/log" || fail "$page:$line:" "$work/log"
    done <"$work/list"
}

# Files and folders of this tree that a page names exist: `tests/test_ops.c`, [`docs/`](docs), \[here](abi.md).
check_paths() {
    folder=$(dirname "$1")
    { grep -o '`[a-z]*/[A-Za-z0-9_./-]*`' "$1" | tr -d '`' | grep -E '^(include|src|docs|examples|tests|bench|tools)/' | sed 's|^|./|'
      grep -oE '\]\([A-Za-z0-9_./-]+\)' "$1" | sed "s|^](|$folder/|; s|)\$||" | grep -v '\.html$'; } | sort -u >"$work/paths"
    while read -r path; do
        [ -e "$path" ] || fail "$1: there is no $path"
    done <"$work/paths"
}

# Doxygen ends a code span of single backticks at a quote, and breaks the table around it: such code stands between double ones.
check_quotes() {
    awk '/^```/ { fence = !fence } fence || /``/ { next }
        { n = split($0, part, "`"); for (i = 2; n % 2 && i < n; i += 2) if (part[i] ~ /\047/) print FILENAME ":" FNR ": `" part[i] "`" }' "$1" >"$work/quotes"
    [ ! -s "$work/quotes" ] || fail "$1: code with a quote in it needs two backticks:" "$work/quotes"
}

check_messages() {
    page=docs/troubleshooting.md
    if ! $cc $flags tools/check-docs/messages.c -o "$work/messages" -L"$lib" -Xlinker -rpath -Xlinker "$(cd "$lib" && pwd)" -lcnn \
        2>"$work/log" || ! (cd "$work" && ./messages >made 2>"$work/log"); then
        fail "tools/check-docs/messages.c:" "$work/log"
        return
    fi
    sort -u "$work/made" >"$work/is"
    sed -n 's/^    \([a-z0-9_.]*: .*\)/\1/p' $page | sort -u >"$work/said"
    diff "$work/said" "$work/is" >"$work/log" || fail "the messages of $page (<) are not those of the library (>):" "$work/log"
}

# CHANGELOG.md names every function that the libraries export, and none that it does not.
check_changelog() {
    image='' onnx=''
    [ ! -e "$lib/libcnn-image.so" ] || image=$lib/libcnn-image.so
    [ ! -e "$lib/libcnn-onnx.so" ] || onnx=$lib/libcnn-onnx.so
    for library in "$lib/libcnn.so" $image $onnx; do nm -D --defined-only "$library"; done |
        awk '$2 == "T" { sub(/@.*/, "", $3); print $3 }' | sort >"$work/exported"
    grep -o '`cnn_[a-z0-9_]*`' CHANGELOG.md | tr -d '`' | grep -v "^${image:+no }cnn_image_" | grep -v "^${onnx:+no }cnn_onnx_" | sort -u >"$work/named"
    diff "$work/named" "$work/exported" >"$work/log" || fail "CHANGELOG.md (<) and the exported functions (>) differ:" "$work/log"
}

# The Python of docs/pytorch.md carries weights from libcnn through PyTorch and back, bit for bit.
check_python() {
    python=$(for each in python3 /usr/bin/python3; do
        "$each" -c 'import torch' 2>/dev/null && echo "$each" && break
    done)
    if [ -z "$python" ]; then
        echo "skipped: the Python of docs/pytorch.md (no PyTorch here)"
        return
    fi
    awk '/^```python$/ { text = ""; inside = 1; next } /^```/ && inside { inside = 0; if (text ~ /def load_file/) printf "%s", text }
        inside { text = text $0 "\n" }' docs/pytorch.md >"$work/weights.py"
    echo 'save_file(load_file("one"), "two")' >>"$work/weights.py"
    if ! $cc $flags tools/check-docs/weights.c -o "$work/weights" -L"$lib" -Xlinker -rpath -Xlinker "$(cd "$lib" && pwd)" -lcnn 2>"$work/log" ||
        ! (cd "$work" && ./weights 1 one && "$python" weights.py && ./weights 2 three two && cmp one three) >"$work/log" 2>&1; then
        fail "docs/pytorch.md: weights do not come back as they were:" "$work/log"
    fi
}

all=
[ $# -gt 0 ] || all=1
[ $# -gt 0 ] || set -- README.md CONTRIBUTING.md docs/*.md docs/notes/*.md
for each in "$@"; do
    check_page "$each"
    check_paths "$each"
    check_quotes "$each"
done
check_messages
check_changelog
check_python
[ "$blocks" != 0 ] || [ -z "$all" ] || fail "no C blocks found"
[ "$failures" = 0 ] || exit 1
echo "check-docs: $blocks C blocks of $# pages compile, quotations and messages are literal"
