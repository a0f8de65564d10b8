#!/bin/sh
# Runs a make that runs tests, then adds up what tests/run.sh wrote down: usage: count.sh RESULTS COMMAND...
# The last line is "N passed, N failed". A make that failed otherwise, such as a build, counts as one failure.
results=$1
shift
rm -rf "$results"
mkdir -p "$results"
"$@"
status=$?
set -- $(cat "$results"/*.count 2>/dev/null | awk '{ passed += $1; failed += $2 } END { print passed + 0, failed + 0 }')
passed=$1 failed=$2
if [ "$status" != 0 ] && [ "$failed" = 0 ]; then
    failed=1
fi
for count in "$results"/*.count; do
    read -r _ bad <"$count" && [ "$bad" != 0 ] && echo "failed: $(basename "$count" .count), see ${count%.count}.log"
done
echo "$passed passed, $failed failed"
[ "$failed" = 0 ] && [ "$passed" != 0 ]
