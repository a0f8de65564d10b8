# shellcheck shell=sh disable=SC2034
# What the scripts of this folder share; sourced. A script takes the program and a folder of digits: SCRIPT PROGRAM [DIGITS], where
# DIGITS has the four files of MNIST's form (left out: the program draws them). A failed check says what differed and ends it.
set -u
program=$(realpath "$1")
name=$(basename "$0" .sh)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
checks=0

fail()
{
    echo "$name: $*" >&2
    exit 1
}

# same WHAT GIVEN EXPECTED
same()
{
    checks=$((checks + 1))
    [ "$2" = "$3" ] || fail "$1 is \"$2\", expected \"$3\""
}

# contains WHAT TEXT PATTERN: an extended regular expression
contains()
{
    checks=$((checks + 1))
    printf '%s\n' "$2" | grep -qE -e "$3" || fail "$1 does not have \"$3\": $2"
}

lacks()
{
    checks=$((checks + 1))
    ! printf '%s\n' "$2" | grep -qE -e "$3" || fail "$1 has \"$3\": $2"
}

# run ARGUMENT...: its output in $out, its messages in $err, its exit status in $status.
run()
{
    status=0
    "$program" "$@" >"$work/out" 2>"$work/err" </dev/null || status=$?
    out=$(cat "$work/out")
    err=$(cat "$work/err")
}

# ok ARGUMENT...: the same, and it must succeed.
ok()
{
    run "$@"
    same "the exit status of $*" "$status" 0
}

# interrupted SIGNAL EPOCH ARGUMENT...: sends it once a quarter of that epoch is over; not for --quiet. A shell without job control
# starts background programs with SIGINT ignored; the programs ask for it all the same.
interrupted()
{
    signal=$1 epoch=$2
    shift 2
    : >"$work/err" # what a run before has written is not waited for
    "$program" "$@" >"$work/out" 2>"$work/err" </dev/null &
    pid=$!
    tries=0
    until grep -qE "epoch $epoch/.* (2[5-9]|3[0-9])%" "$work/err"; do
        tries=$((tries + 1))
        [ $tries -lt 6000 ] && kill -0 $pid 2>/dev/null || { kill -KILL $pid; fail "epoch $epoch does not begin: $(cat "$work/err")"; }
        sleep 0.02
    done
    kill -"$signal" $pid
    status=0
    wait $pid || status=$?
    out=$(cat "$work/out")
    err=$(cat "$work/err")
}

# refused PATTERN ARGUMENT...: a bad command line
refused()
{
    expected=$1
    shift
    run "$@"
    same "the exit status of $*" "$status" 2
    contains "what $* says" "$err" "$expected"
}

# fails STATUS PATTERN ARGUMENT...: one line on stderr, and nothing on stdout
fails()
{
    expected=$1 pattern=$2
    shift 2
    run "$@"
    same "the exit status of \"$*\"" "$status" "$expected"
    same "the output of \"$*\"" "$out" ""
    same "the number of lines about \"$*\"" "$(wc -l <"$work/err")" 1
    contains "the message about \"$*\"" "$err" "^$pattern"
}

# Is SIGHUP ignored from the start, as under nohup? Then it is for every program that a script starts.
hangup_is_ignored()
{
    [ $((0x$(awk '/^SigIgn/ { print substr($2, 16) }' /proc/self/status) & 1)) = 1 ]
}

digits_make()
{
    digits=${1:-}
    if [ -z "$digits" ]; then
        "$program" --synthetic --data "$work/data" --limit 1 --epochs 0 --quiet >/dev/null || fail "no digits could be made"
        digits=$work/data/synthetic
    fi
}

passed()
{
    echo "$name: $checks checks passed"
}
