#!/bin/sh
# Checks what make docs has written: usage: docs/check-site.sh HTML-FOLDER [MANUAL-FOLDER]
# No link leads nowhere; no markup is shown as text; pictures have a text for who cannot see them; the search, which runs in the browser and
# needs no server, finds every function; and the pages refer to manual pages that there are.
set -u
html=$1
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
here=$(cd "$(dirname "$0")" && pwd)
status=0
bad() {
    echo "docs: $1" >&2
    [ -z "${2:-}" ] || sed 's/^/    /' "$2" >&2
    status=1
}

(cd "$html" && find . -type f | sed 's|^\./||') >"$work/names"
(cd "$html" && awk -f "$here/check-links.awk" -v names="$work/names" *.html) >"$work/dead" 2>"$work/count" || bad "links that lead nowhere:" "$work/dead"

grep -Ho '<\(img\|object\)[^>]*>' "$html"/md_*.html "$html"/index.html | grep -v 'alt="[^"]\|title="[^"]\|<img[^>]*class="dynsvg\|<object' >"$work/log"
[ ! -s "$work/log" ] || bad "pictures without a text:" "$work/log"

# Where Doxygen loses its place, as behind a link whose text goes over two lines, it shows its own commands and tags.
grep -n '&lt;tt&gt;\|&lt;strong&gt;\|&lt;table class\|^@\(sub\)*section \|^@ref ' "$html"/md_*.html "$html"/index.html >"$work/log"
[ ! -s "$work/log" ] || bad "Doxygen's commands are shown as text (a link over two lines of Markdown?):" "$work/log"
grep -Ho '<a class="el"[^>]*>[^<]*`[^<]*</a>' "$html"/md_*.html "$html"/index.html >"$work/log"
[ ! -s "$work/log" ] || bad "links with backticks in them:" "$work/log"

# The names that the search knows, from its tables.
cat "$html"/search/all_*.js 2>/dev/null | tr '[' '\n' | sed -n "s/^'\([A-Za-z0-9_.]*\)',\$/\1/p" | sort -u >"$work/found"
grep -hE '^CNN_API' include/cnn/*.h include/cnn/*/*.h | grep -oE 'cnn_[a-z0-9_]+\(' | tr -d '(' | sort -u >"$work/functions"
comm -23 "$work/functions" "$work/found" >"$work/log"
[ ! -s "$work/log" ] || bad "functions that the search does not find:" "$work/log"
[ -e "$html/search/search.js" ] || bad "the site has no search"

# The reference by noun has every noun.
grep -v '^#' docs/man/pages | awk '{ print $1 }' | while read -r noun; do
    grep -q "\`man \(3 \)\{0,1\}$noun\`" docs/reference.md || echo "$noun"
done >"$work/log"
[ ! -s "$work/log" ] || bad "nouns that docs/reference.md lacks:" "$work/log"

if [ -n "${2:-}" ]; then
    # `man 3 cnn`, `man cnn_tape`
    grep -ohE 'man (3 |1 )?(cnn|mnist_cnn)[a-z0-9_]*`' docs/*.md README.md | sed 's/`//' | sort -u | while read -r _ section page; do
        [ -n "$page" ] || { page=$section; section=3; }
        [ -e "$2/$page.3" ] || [ "$page" = mnist_cnn ] || [ "$page" = cnn ] || echo "$page($section)"
    done >"$work/log"
    [ ! -s "$work/log" ] || bad "manual pages that do not exist:" "$work/log"
fi
[ $status = 0 ] && echo "docs: $(cat "$work/count") lead somewhere, the search finds $(wc -l <"$work/functions") functions"
exit $status
