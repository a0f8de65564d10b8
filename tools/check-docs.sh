#!/bin/sh
# Keeps README.md and the pages of docs/ true: usage: [CC=cc] [LIB=lib] tools/check-docs.sh [PAGE...]
#
# Every block that opens with ```c is compiled and run. One with main() is a program of its own; where a block ```text follows before
# the next block of C, that is what it must print. One whose first line is a definition or an #include joins its page's file level; any
# other is the body of a function behind them, which runs in a process of its own in the world of tools/check-docs/world.c: it must not
# crash, return a failure or leave its step failed. <!-- before: CODE --> stands unseen before such a block, and <!-- not run: REASON -->
# says why one cannot. A block after <!-- quotes FILE --> must stand in that file instead, line by line but for indentation. And each
# message in the docs' list of usual errors is one that tools/check-docs/messages.c provokes, and the other way round. Paths and links
# must exist. CHANGELOG.md names what is exported. The Python that moves weights to PyTorch and back is run where PyTorch is.
set -u
cd "$(dirname "$0")/.."
cc=${CC:-cc} lib=${LIB:-lib}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
flags="-std=c11 -D_GNU_SOURCE -Wall -Wextra -Werror -Wno-unused -Wno-unused-parameter -Iinclude -I$work"
failures=0 blocks=0 programs=0 fragments=0 idle=0
lib=$(cd "$lib" && pwd) || exit 1
extra= with=
for each in image onnx; do
    [ ! -e "$lib/libcnn-$each.so" ] || { extra="$extra -lcnn-$each" with="$with -DWITH_$(echo $each | tr a-z A-Z)"; }
done
# A program that hangs must not hang the check.
limit=$(command -v timeout >/dev/null 2>&1 && echo "timeout 120")

fail() {
    echo "check-docs: $1" >&2
    [ -z "${2:-}" ] || sed 's/^/    /' "$2" >&2
    failures=$((failures + 1))
}

# Cuts a page into $work/block.LINE.c; $work/list says "LINE KIND FILE" of each (FILE: what it quotes, or -). What is to stand before a
# body goes to block.LINE.before, why it is not run to block.LINE.idle, what a program must print to block.LINE.out.
cut_blocks() {
    rm -f "$work"/block.*
    awk -v work="$work" '
        /^<!-- quotes .* -->$/ { quoted = $3; next }
        /^<!-- before: .* -->$/ { before = before substr($0, 14, length($0) - 17) "\n"; next }
        /^<!-- not run: .* -->$/ { idle = substr($0, 15, length($0) - 18); next }
        /^```c$/ { inside = 1; line = NR; kind = ""; out = work "/block." NR ".c"; printf "" >out; program = ""; next }
        /^```text$/ && program != "" { printing = work "/block." program ".out"; printf "" >printing; program = ""; next }
        /^```/ && printing != "" { close(printing); printing = ""; next }
        printing != "" { print >printing; next }
        /^```/ && inside {
            inside = 0; close(out)
            print line, kind, quoted == "" ? "-" : quoted
            if (before != "") printf "%s", before >(work "/block." line ".before")
            if (idle != "") print idle >(work "/block." line ".idle")
            if (kind == "program") program = line
            quoted = before = idle = ""
            next
        }
        inside {
            if (kind == "") kind = $0 ~ /^(#include|static|typedef|struct|enum|\/\*)/ ? "file" : "body"
            if ($0 ~ /^int main\(/) kind = "program"
            print >out
            next
        }
        NF { quoted = before = idle = "" }' "$1" >"$work/list"
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

# run_program PAGE LINE BLOCK: in a folder with the files that the pages speak of
run_program() {
    programs=$((programs + 1))
    # shellcheck disable=SC2086
    if ! $cc $flags -pthread "$3" -o "$work/program" -L"$lib" -Xlinker -rpath -Xlinker "$lib" $extra -lcnn -lm 2>"$work/log"; then
        fail "$1:$2:" "$work/log"
        return
    fi
    (cd "$work/run" && $limit "$work/program" >"$work/is" 2>"$work/log") || { fail "$1:$2: exit status $?" "$work/log"; return; }
    [ ! -e "${3%.c}.out" ] || diff "${3%.c}.out" "$work/is" >"$work/log" || fail "$1:$2: prints (>) what does not stand below it (<):" "$work/log"
}

# The bodies of a page as functions of one program, which runs one in a process of its own for each number that it is given.
run_fragments() {
    [ -s "$work/fragments.c" ] || return
    { echo '#include "page.h"'; cat "$work/fragments.c"; echo 'int run_fragment(int line) {'; echo 'switch (line) {'
      for line in $lines; do echo "case $line: return fragment_$line();"; done; echo '} return 1; }'; } >"$work/unit.c"
    # A page about a library that is not built here is only compiled.
    libraries=$extra
    ! grep -q '<cnn/mpi.h>' "$work/page.h" || libraries="-lcnn-mpi $extra"
    for library in image onnx mpi; do
        ! grep -q "<cnn/$library.h>" "$work/page.h" || [ -e "$lib/libcnn-$library.so" ] || libraries=none
    done
    if [ "$libraries" = none ]; then
        $cc $flags -fsyntax-only "$work/unit.c" 2>"$work/log" || fail "$1:" "$work/log"
        return
    fi
    # shellcheck disable=SC2086
    $cc $flags "$work/unit.c" "$work/world.o" -o "$work/fragments" -L"$lib" -Xlinker -rpath -Xlinker "$lib" $libraries -lcnn -lm 2>"$work/log" ||
        { fail "$1:" "$work/log"; return; }
    for line in $lines; do
        if [ -e "$work/block.$line.idle" ]; then
            idle=$((idle + 1))
            continue
        fi
        fragments=$((fragments + 1))
        (cd "$work/run" && $limit "$work/fragments" "$line" >"$work/is" 2>"$work/log") ||
            fail "$1:$line: fails when it is run (exit status $?):" "$work/log"
    done
}

check_page() {
    page=$1
    cut_blocks "$page"
    cp tools/check-docs/fragment.h "$work/page.h"
    : >"$work/fragments.c"
    lines=
    while read -r line kind quoted; do
        block=$work/block.$line.c
        blocks=$((blocks + 1))
        if [ "$quoted" != - ]; then
            check_quote "$block" "$quoted" || fail "$page:$line: these lines are not in $quoted:" "$block"
            continue
        fi
        case $kind in
        program)
            run_program "$page" "$line" "$block"
            ;;
        file)
            { echo "#line $((line + 1)) \"$page\""; cat "$block"; } >>"$work/page.h"
            ;;
        *)
            lines="$lines $line"
            { echo "int fragment_$line(void);"; echo "int fragment_$line(void) {"; [ ! -e "$work/block.$line.before" ] || cat "$work/block.$line.before"
              echo "{"; echo "#line $((line + 1)) \"$page\""; cat "$block"; echo '} return 0; }'; } >>"$work/fragments.c"
            ;;
        esac
    done <"$work/list"
    if [ -n "$lines" ]; then
        run_fragments "$page"
    elif grep -q '^#line' "$work/page.h"; then
        echo '#include "page.h"' >"$work/unit.c"
        $cc $flags -fsyntax-only "$work/unit.c" 2>"$work/log" || fail "$page:" "$work/log"
    fi
}

# The anchors of a page's headings, as Markdown's readers make them: small letters, hyphens for spaces, nothing else but letters and digits.
headings() {
    awk '/^```/ { fence = !fence } !fence && /^##* / { sub(/^#* /, ""); print }' "$1" |
        sed 's/\[\([^]]*\)\]([^)]*)/\1/g' | tr 'A-Z ' 'a-z-' | sed 's/[^a-z0-9_-]//g'
}

# Files and folders of this tree that a page names exist: `tests/test_ops.c`, [`docs/`](docs), \[here](abi.md).
check_paths() {
    folder=$(dirname "$1")
    { grep -o '`[a-z]*/[A-Za-z0-9_./-]*`' "$1" | tr -d '`' | grep -E '^(include|src|docs|examples|tests|bench|tools)/' | sed 's|^|./|'
      grep -oE '\]\([A-Za-z0-9_./-]+(#[^)]*)?\)' "$1" | sed "s|^](|$folder/|; s|)\$||; s|#.*||" | grep -v '\.html$'; } | sort -u >"$work/paths"
    while read -r path; do
        [ -e "$path" ] || fail "$1: there is no $path"
    done <"$work/paths"
    # Headings that links lead to: [a page](page.md#heading), [here](#heading).
    grep -oE '\]\(([A-Za-z0-9_./-]+\.md)?#[^)]*\)' "$1" | sed 's|^](||; s|)$||' | sort -u >"$work/anchors"
    while IFS='#' read -r path anchor; do
        headings "${path:+$folder/}${path:-$1}" | grep -qxF -e "$anchor" || fail "$1: ${path:-it} has no heading #$anchor"
    done <"$work/anchors"
}

# Doxygen ends a code span of single backticks at a quote, and breaks the table around it: such code stands between double ones.
check_quotes() {
    awk '/^```/ { fence = !fence } fence || /``/ { next }
        { n = split($0, part, "`"); for (i = 2; n % 2 && i < n; i += 2) if (part[i] ~ /\047/) print FILENAME ":" FNR ": `" part[i] "`" }' "$1" >"$work/quotes"
    [ ! -s "$work/quotes" ] || fail "$1: code with a quote in it needs two backticks:" "$work/quotes"
}

check_messages() {
    page=docs/troubleshooting.md
    if ! $cc $flags tools/check-docs/messages.c -o "$work/messages" -L"$lib" -Xlinker -rpath -Xlinker "$lib" -lcnn \
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
    libraries=libcnn
    : >"$work/absent" # the functions of libraries that are not built
    for each in image:image.h onnx:onnx.h mpi:mpi.h mpi:group.h; do
        if [ -e "$lib/libcnn-${each%:*}.so" ]; then
            libraries="$libraries libcnn-${each%:*}"
        else
            grep '^CNN_API' "include/cnn/${each#*:}" | grep -oE 'cnn_[a-z0-9_]+\(' | tr -d '(' >>"$work/absent"
        fi
    done
    for library in $libraries; do nm -D --defined-only "$lib/$library.so"; done |
        awk '$2 == "T" { sub(/@.*/, "", $3); print $3 }' | sort -u >"$work/exported"
    grep -o '`cnn_[a-z0-9_]*`' CHANGELOG.md | tr -d '`' | grep -vxFf "$work/absent" | sort -u >"$work/named"
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
    if ! $cc $flags tools/check-docs/weights.c -o "$work/weights" -L"$lib" -Xlinker -rpath -Xlinker "$lib" -lcnn 2>"$work/log" ||
        ! (cd "$work" && ./weights 1 one && "$python" weights.py && ./weights 2 three two && cmp one three) >"$work/log" 2>&1; then
        fail "docs/pytorch.md: weights do not come back as they were:" "$work/log"
    fi
}

mkdir "$work/run"
# shellcheck disable=SC2086
if ! $cc $flags $with -c tools/check-docs/world.c -Itools/check-docs \
    -o "$work/world.o" 2>"$work/log" || ! echo 'int run_fragment(int line); int run_fragment(int line) { return line; }' |
    $cc -x c - -x none "$work/world.o" -o "$work/files" -L"$lib" -Xlinker -rpath -Xlinker "$lib" $extra -lcnn -lm 2>"$work/log" ||
    ! (cd "$work/run" && "$work/files") 2>"$work/log"; then
    fail "tools/check-docs/world.c:" "$work/log"
    exit 1
fi
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
echo "check-docs: $blocks C blocks of $# pages compile, $programs programs and $fragments other blocks run ($idle cannot, and say why)," \
    "quotations and messages are literal"
