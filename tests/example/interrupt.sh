#!/bin/sh
# Ctrl-C, SIGTERM and SIGHUP in the middle of an epoch: exit status 128 and the signal's number, one line that says how to go on, a
# checkpoint of the last whole epoch that --resume continues from to the same weights as a run that nobody interrupted.
. "$(dirname "$0")/common.sh"
digits_make "${2:-}"
few="--data $digits --limit 2000 --batch-size 50 --seed 6 --threads 1"

# shellcheck disable=SC2086
{
ok $few --epochs 2 --quiet --digest
whole=$out
for signal in INT TERM HUP; do
    if [ $signal = HUP ] && hangup_is_ignored; then
        echo "interrupt: skipped: SIGHUP, which is ignored here"
        continue
    fi
    case $signal in INT) expected=130 ;; TERM) expected=143 ;; HUP) expected=129 ;; esac
    interrupted $signal 2 $few --epochs 2 --save "$work/model" --log "$work/log" --digest
    same "the exit status after $signal" "$status" $expected
    same "the last line after $signal" "$(tail -n 1 "$work/err")" \
        "interrupted in epoch 2: $work/model holds the state after epoch 1; --resume $work/model continues"
    lacks "the output after $signal" "$out" 'test accuracy|sha256'
    same "the lines of the log" "$(wc -l <"$work/log")" 1
    ok $few --epochs 2 --resume "$work/model" --save "$work/model" --quiet --digest
    same "the last lines of the resumed run" "$out" "$whole"
    rm "$work/model"
    same "what is left beside the checkpoint" "$(find "$work" -name 'model*')" ""
done
interrupted INT 2 $few --epochs 2
same "the exit status without --save" "$status" 130
same "the last line without --save" "$(tail -n 1 "$work/err")" "interrupted in epoch 2; without --save nothing is kept"
}

# Ctrl-C while the data is being fetched: the terminal sends it to the whole group.
cat >"$work/ctrl-c.py" <<'P'
import os, pty, signal, socket, sys, time
listener = socket.socket()
listener.bind(("127.0.0.1", 0))
listener.listen(1)  # takes the connection and never answers
pid, terminal = pty.fork()
if pid == 0:
    os.environ["MNIST_MIRROR"] = "http://127.0.0.1:%d" % listener.getsockname()[1]
    os.execv(sys.argv[1], [sys.argv[1], "--data", sys.argv[2], "--epochs", "1", "--limit", "10"])
listener.settimeout(20)
connection, _ = listener.accept()
time.sleep(0.3)
os.write(terminal, b"\x03")
text = b""
try:
    while True:
        part = os.read(terminal, 1000)
        if not part:
            break
        text += part
except OSError:
    pass
status = os.waitpid(pid, 0)[1]
print(os.WEXITSTATUS(status) if os.WIFEXITED(status) else "killed by %d" % os.WTERMSIG(status))
if b"synthetic" in text or b"parameters" in text:
    print("went on: %r" % text)
P
same "the exit status after Ctrl-C while fetching" "$(python3 "$work/ctrl-c.py" "$program" "$work/fetched")" 130
same "what is left of the fetching" "$(ls -A "$work/fetched")" ""
passed
