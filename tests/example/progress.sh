#!/bin/sh
# Progress: a bar like tqdm's on a terminal, plain lines elsewhere, nothing with --quiet.
. "$(dirname "$0")/common.sh"
digits_make "${2:-}"
few="--data $digits --limit 400 --batch-size 20 --epochs 2 --threads 2"
state='[0-9]+/20 \[[0-9]+:[0-9]{2}<[0-9]+:[0-9]{2}, [0-9]+ images/s, loss [0-9]+\.[0-9]{4}\]'

# shellcheck disable=SC2086
{
ok $few
for epoch in 1 2; do
    for percent in 25 50 75; do
        contains "the plain lines" "$err" "^epoch $epoch/2: +$percent%\|[^|]*\| $state$"
    done
done
same "the number of plain lines" "$(wc -l <"$work/err")" 6
lacks "the plain lines" "$err" "$(printf '\r|\033')"
ok $few --quiet
same "the messages of --quiet" "$err" ""
}

# On terminals: of every width, resized, dumb, without colours, in other locales.
here=$(dirname "$(realpath "$0")")
few="--data $digits --limit 400 --batch-size 5 --epochs 2 --threads 1"
status=0
# shellcheck disable=SC2086
terminal=$(python3 "$here/terminal.py" "$program" $few 2>"$work/err") || status=$?
case $status in
0) checks=$((checks + terminal)) ;;
77) echo "progress: skipped: the bar on terminals ($terminal)" ;;
*) fail "$(cat "$work/err")" ;;
esac
passed
