#!/bin/sh
# Runs one test and writes down how it ended, for tests/count.sh: usage: run.sh NAME RESULTS COMMAND...
# A Check program counts as many tests as it says; any other command is one. What it printed is shown if it failed.
name=$1 results=$2
shift 2
mkdir -p "$results"
log=$results/$name.log
rm -f "$results/$name.count"
begun=$(date +%s)
"$@" >"$log" 2>&1 </dev/null
status=$?
took=$(($(date +%s) - begun))

# The lines of Check: "100%: Checks: 21, Failures: 0, Errors: 0"
set -- $(awk -F'[:,]' '/^[0-9]+%: Checks: /{ n += $3; bad += $5 + $7 } END { print n + 0, bad + 0 }' "$log")
total=$1 failed=$2
if [ "$status" != 0 ] && [ "$failed" = 0 ]; then # it ended before it could count, or is no Check program
    failed=1
fi
[ "$total" -ge "$failed" ] && [ "$total" != 0 ] || total=1

echo "$((total - failed)) $failed" >"$results/$name.count"
if [ "$failed" != 0 ]; then
    echo "  FAILED  $name: $failed of $total after $took s (exit status $status)"
    sed 's/^/    /' "$log"
    exit 1
fi
echo "  ok      $name: $total passed in $took s"
sed -n 's/^skipped:/          skipped:/p' "$log"
