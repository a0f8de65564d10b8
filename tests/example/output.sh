#!/bin/sh
# Output that cannot be written is a failure with a line on stderr, and with closed standard streams no text lands in another file.
. "$(dirname "$0")/common.sh"
digits_make "${2:-}"
few="--data $digits --limit 40 --batch-size 20 --threads 1"

# written_to FILE ARGUMENT...: stdout goes to FILE.
written_to()
{
    to=$1
    shift
    status=0
    "$program" "$@" >"$to" 2>"$work/err" </dev/null || status=$?
    err=$(cat "$work/err")
}

# unwritten REASON WHAT
unwritten()
{
    same "the exit status of $2" "$status" 1
    same "the last line of $2" "$(printf '%s\n' "$err" | tail -n 1)" "mnist_cnn: cannot write to the standard output: $1"
    same "the lines about the output of $2" "$(printf '%s\n' "$err" | grep -c 'standard output')" 1
}

# shellcheck disable=SC2086
{
if [ -e /dev/full ]; then
    for options in "--epochs 1 --quiet" "--epochs 1 --quiet --digest" "--epochs 0" "--epochs 2"; do
        written_to /dev/full $few $options
        unwritten "No space left on device" "$options on a full disk"
    done
    for option in --help --version; do
        written_to /dev/full $option
        unwritten "No space left on device" "$option on a full disk"
    done
    # the first line already fails, so nothing is trained
    written_to /dev/full $few --epochs 1 --save "$work/never"
    [ ! -e "$work/never" ] || fail "it goes on when its output is lost"
else
    echo "output: skipped: a full disk (there is no /dev/full)"
fi

# A pipe that nobody reads: the program ends after the epoch that it cannot report.
python3 - "$program" $few --epochs 1000000 2>"$work/err" <<'P' || fail "a closed pipe: $(cat "$work/err")"
import subprocess, sys
program = subprocess.Popen(sys.argv[1:], stdout=subprocess.PIPE, stderr=subprocess.PIPE, stdin=subprocess.DEVNULL)
assert b"parameters" in program.stdout.readline()
program.stdout.close()
try:
    error = program.communicate(timeout=100)[1].decode().splitlines()
finally:
    program.kill()
assert program.returncode == 1, program.returncode
assert error[-1] == "mnist_cnn: cannot write to the standard output: Broken pipe", error[-3:]
P
checks=$((checks + 1))

# Each combination of closed streams: the log and the checkpoint hold what they should and nothing else.
ok $few --epochs 2 --quiet --save "$work/expected"
for closed in "<&-" ">&-" "2>&-" ">&- 2>&-" "<&- >&-" "<&- >&- 2>&-"; do
    rm -f "$work/log" "$work/model"
    status=0
    ( eval "exec $closed"; exec "$program" $few --epochs 2 --log "$work/log" --save "$work/model" ) \
        >"$work/out" 2>"$work/err" <"$work/expected" || status=$?
    same "the exit status with $closed" "$status" 0
    same "the lines of the log with $closed" "$(grep -c '^{"epoch": [12], .*}$' "$work/log") of $(wc -l <"$work/log")" "2 of 2"
    cmp -s "$work/model" "$work/expected" || fail "another checkpoint is written with $closed"
done

# A log on a full disk, also with --quiet, ends with its own line.
if [ -e /dev/full ]; then
    run $few --epochs 1 --quiet --log /dev/full
    same "the exit status with a log on a full disk" "$status" 1
    same "what is said about a log on a full disk" "$err" "mnist_cnn: cannot write /dev/full: No space left on device"
fi
}
passed
