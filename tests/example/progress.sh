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

cat >"$work/terminal.py" <<'P'
import os, pty, sys
pid, terminal = pty.fork()
if pid == 0:
    os.environ["LC_ALL"] = sys.argv[1]
    os.execv(sys.argv[2], sys.argv[2:])
text = b""
try:
    while True:
        part = os.read(terminal, 1000)
        if not part:
            break
        text += part
except OSError:
    pass
sys.exit(os.WEXITSTATUS(os.waitpid(pid, 0)[1]) or not sys.stdout.buffer.write(text))
P
# shellcheck disable=SC2086
for locale in C C.UTF-8; do
    python3 "$work/terminal.py" $locale "$program" $few >"$work/terminal" || fail "the program fails on a terminal"
    tr '\r' '\n' <"$work/terminal" | sed "s/$(printf '\033')\[K//g" >"$work/bars"
    bars=$(grep -a '|' "$work/bars")
    [ -n "$bars" ] || fail "there is no bar on a terminal"
    same "the bars that are not as they should be in $locale" \
        "$(LC_ALL=C.UTF-8 grep -avE "^epoch [12]/2: +[0-9]+%\|.{20}\| $state$" "$work/bars" | grep -a '|')" ""
    if [ $locale = C ]; then lacks "the bar in $locale" "$bars" '█'; else contains "the bar in $locale" "$bars" '█|▏|▎|▍|▌|▋|▊|▉'; fi
    # each bar is drawn over the last, and taken away before the line of the epoch
    contains "the terminal" "$(cat -v "$work/terminal")" '\^M\^\[\[K.*epoch 1/2: train loss'
done

# No bar with --quiet, on a terminal neither.
# shellcheck disable=SC2086
python3 "$work/terminal.py" C "$program" $few --quiet >"$work/terminal" || fail "--quiet fails on a terminal"
lacks "the terminal with --quiet" "$(cat -v "$work/terminal")" '\||epoch'
passed
