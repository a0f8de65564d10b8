#!/bin/sh
# Proves tests/run.sh and tests/count.sh: what failed, crashed or never ran is counted so, and skips are told.
set -u
here=$(cd "$(dirname "$0")/.." && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work" || exit 1
failures=0

# expect STATUS LAST-LINE COMMANDS: the commands run under count.sh
expect() {
    "$here/count.sh" results sh -c "$3" >log 2>&1
    status=$?
    if [ "$status" != "$1" ] || [ "$(tail -n 1 log)" != "$2" ]; then
        echo "test-run: \"$3\": status $status and \"$(tail -n 1 log)\", expected $1 and \"$2\"" >&2
        failures=$((failures + 1))
    fi
}

# By a name of its own, because the commands are text and the folder may have quotes.
ln -s "$here/run.sh" run.sh
run=./run.sh
expect 0 "1 passed, 0 failed" "$run a results true"
expect 0 "21 passed, 0 failed" "$run a results echo '100%: Checks: 21, Failures: 0, Errors: 0'"
expect 0 "22 passed, 0 failed" "$run a results echo '100%: Checks: 21, Failures: 0, Errors: 0'; $run b results true"
expect 1 "0 passed, 1 failed" "$run a results false"
expect 1 "18 passed, 3 failed" "$run a results sh -c 'echo \"80%: Checks: 21, Failures: 1, Errors: 2\"; exit 1'"
expect 1 "18 passed, 3 failed" "$run a results echo '80%: Checks: 21, Failures: 1, Errors: 2'"
expect 1 "20 passed, 1 failed" "$run a results sh -c 'echo \"100%: Checks: 21, Failures: 0, Errors: 0\"; kill -SEGV \$\$'"
expect 1 "1 passed, 1 failed" "$run a results true; $run b results no-such-command"
expect 1 "1 passed, 1 failed" "$run a results true; false"
expect 1 "0 passed, 0 failed" "true"
"$here/run.sh" a results echo "skipped: the moon" | grep -q "skipped: the moon" || { echo "test-run: a skip is not told" >&2; failures=$((failures + 1)); }
[ "$failures" = 0 ] && echo "test-run: 11 runs, each counted as it should be"
