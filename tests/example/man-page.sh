#!/bin/sh
# Fails when an option of the example's --help is not in its man page with the same letter and value, or the other way round, or
# when a default differs; and, where mandoc is there, when the page is not well-formed. Usage: man-page.sh PROGRAM PAGE [VARIABLE...]
set -eu
program=$1 page=$2
shift 2
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# "-d --data DIR 0.001": one line an option, with the default at its end where --help names one.
"$program" --help | awk '
    function flush() { if (option != "") print option (match(text, /\([^()]*\)$/) ? " " substr(text, RSTART + 1, RLENGTH - 2) : "") }
    /^  (-[A-Za-z],|   ) --[a-z]/ {
        flush()
        option = substr($0, 1, 24); text = substr($0, 25)
        gsub(/,/, "", option); gsub(/ +/, " ", option); gsub(/^ | $/, "", option)
        next
    }
    substr($0, 1, 25) ~ /^ +$/ { text = text " " $0; next }
    { flush(); option = "" }
    END { flush() }' | sort >"$work/help"

# The same of the page: ".It Fl d , Fl \-data Ar DIR", then "Default:" in the text of the option.
awk '
    function flush() { if (option != "") print option (value != "" ? " " value : "") }
    /^\.Sh/ || /^\.El/ { flush(); option = "" }
    /^\.It Fl/ {
        flush()
        option = ""; value = ""; wanted = 0
        for (i = 2; i <= NF; i++) {
            if ($i == "Fl") { name = $(++i); sub(/^\\-/, "-", name); option = option " -" name }
            else if ($i == "Ar") option = option " " $(++i)
        }
        sub(/^ /, "", option)
        next
    }
    option != "" && /^Default:/ { wanted = 1; sub(/^Default: */, "") }
    option != "" && wanted && NF {
        wanted = 0; value = $0
        sub(/^\.[A-Z][a-z] /, "", value); sub(/[ .,]*$/, "", value); sub(/, .*/, "", value)
    }' "$page" | sort >"$work/page"

if ! [ -s "$work/help" ]; then
    echo "man-page: no options found in $program --help" >&2
    exit 1
fi
if ! diff "$work/help" "$work/page" >"$work/diff"; then
    echo "man-page: --help (<) and $page (>) differ:" >&2
    cat "$work/diff" >&2
    exit 1
fi
for variable in "$@"; do
    "$program" --help | grep -q "$variable" && grep -q "^\.It Ev $variable$" "$page" ||
        { echo "man-page: $variable is not both in --help and in $page" >&2; exit 1; }
done
if command -v mandoc >/dev/null 2>&1; then
    mandoc -Tlint -Wwarning "$page"
else
    echo "skipped: mandoc -Tlint (no mandoc here)"
fi
echo "man-page: $(wc -l <"$work/help") options, the same in --help and in $page"
