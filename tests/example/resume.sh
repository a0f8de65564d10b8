#!/bin/sh
# The same options give the same weights for 1, 2 and 3 threads, and two epochs and two more after --resume equal four.
. "$(dirname "$0")/common.sh"
digits_make "${2:-}"
few="--data $digits --limit 250 --batch-size 60 --seed 5 --quiet --digest"

# shellcheck disable=SC2086
{
ok $few --threads 1 --epochs 4 --save "$work/four" --log "$work/log4"
four=$out
contains "the output" "$four" '^weights sha256 [0-9a-f]{64}$'
for threads in 2 3; do
    ok $few --threads $threads --epochs 4 --save "$work/four$threads"
    same "the last lines with $threads threads" "$out" "$four"
    cmp -s "$work/four" "$work/four$threads" || fail "$threads threads write another checkpoint than 1"
done
for threads in 1 2 3; do
    ok $few --threads $threads --epochs 2 --save "$work/two" --log "$work/log"
    [ "$out" != "$four" ] || fail "two epochs end where four do"
    # the seed comes from the file, not from the command line
    ok --data "$digits" --limit 250 --batch-size 60 --seed 77 --quiet --digest --threads $((4 - threads)) --epochs 4 \
        --resume "$work/two" --save "$work/two" --log "$work/log"
    same "the last lines of the resumed run" "$out" "$four"
    cmp -s "$work/four" "$work/two" || fail "the resumed run writes another checkpoint than the whole one"
    # the log goes on: the same numbers but the times and the memory
    numbers='s/"seconds".*//'
    same "the log of both runs" "$(sed "$numbers" "$work/log")" "$(sed "$numbers" "$work/log4")"
done
# Nothing is left to do: it is tested, not trained.
ok $few --epochs 4 --resume "$work/four"
same "the last lines of a finished run" "$out" "$four"
}
passed
