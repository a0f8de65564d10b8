#!/bin/sh
# Fails when an option of a command's --help is not in the man page or the completions, or the other way round; and, where mandoc is
# there, when the page is not well-formed. Usage: man-page.sh PROGRAM FOLDER
set -eu
program=$1 page=$2/cnn.1 bash=$2/completion/cnn.bash zsh=$2/completion/_cnn
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
commands=$("$program" --help | sed -n 's/^  \([a-z]*\) [A-Z].*/\1/p')
for command in "" $commands; do
    # shellcheck disable=SC2086
    "$program" $command --help | sed -nE 's/^  -([A-Za-z]), --([a-z-]+)( [A-Z]+)? .*/\1 \2\3/p'
done | sort -u >"$work/help"
sed -nE 's/^\.It Fl ([A-Za-z]) , Fl \\-([a-z-]+)( Ar ([A-Z]+))?$/\1 \2 \4/p' "$page" | sed 's/ $//' | sort -u >"$work/page"
[ -s "$work/help" ] || { echo "man-page: no options found in $program --help" >&2; exit 1; }
diff "$work/help" "$work/page" >&2 || { echo "man-page: --help (<) and $page (>) differ" >&2; exit 1; }
for command in $commands; do
    grep -q "^\.It Cm $command\$" "$page" || { echo "man-page: $command is not in $page" >&2; exit 1; }
    for option in $("$program" "$command" --help | sed -nE 's/^  -[A-Za-z], (--[a-z-]+).*/\1/p'); do
        grep -q "^    $command) options=.*$option" "$bash" || { echo "man-page: $command $option is not in $bash" >&2; exit 1; }
        sed -n "/^$command)/,/;;/p" "$zsh" | grep -q -e "$option" || { echo "man-page: $command $option is not in $zsh" >&2; exit 1; }
    done
done
bash -n "$bash"
if command -v mandoc >/dev/null 2>&1; then
    mandoc -Tlint -Wwarning "$page"
else
    echo "skipped: mandoc -Tlint (no mandoc here)"
fi
echo "man-page: $(wc -l <"$work/help") options, the same in --help, in $page and in the completions"
