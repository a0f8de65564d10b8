#!/bin/sh
# mnist_cnn --mpi, as users start it: usage: check-example.sh PROGRAM DIGITS FLAVOUR...
# The same weights for any number of processes, also after a checkpoint; and whatever goes wrong on one rank ends all with one
# message of rank 0's and a failure, within ten seconds.
. "$(dirname "$0")/../example/common.sh"
digits_make "${2:-}"
shift 2
export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1 OMPI_MCA_btl_base_warn_component_unused=0
export OMPI_MCA_btl=self,vader,tcp OMPI_MCA_btl_tcp_if_include=lo OMPI_MCA_rmaps_base_oversubscribe=1 HYDRA_IFACE=lo
few="--mpi --data $digits --limit 100 --batch-size 40 --quiet --digest --threads 1"

# launched RANKS ARGUMENT...: as run
launched() {
    ranks=$1
    shift
    status=0 begun=$(date +%s)
    timeout 60 "mpirun.$flavour" -n "$ranks" "$program" "$@" >"$work/out" 2>"$work/err" </dev/null || status=$?
    took=$(($(date +%s) - begun))
    out=$(cat "$work/out")
    err=$(cat "$work/err")
}

# ended WHAT PATTERN: a failure in time, and one line of the program's
ended() {
    [ "$status" != 0 ] && [ "$status" != 124 ] || fail "$flavour, $1: exit status $status"
    [ $took -le 10 ] || fail "$flavour, $1: it took $took seconds"
    [ -z "$2" ] || same "$flavour, $1: the number of messages" "$(grep -cE '^(mnist_cnn|interrupted)' "$work/err")" 1
    [ -z "$2" ] || contains "$flavour, $1: the message" "$err" "$2"
    checks=$((checks + 1))
}

# The process of a rank, by the variable of its launcher.
process_of() {
    for pid in $(pgrep -f "$work/marked"); do
        tr '\0' '\n' <"/proc/$pid/environ" 2>/dev/null | grep -qE "^(OMPI_COMM_WORLD_RANK|PMI_RANK)=$1\$" &&
            [ "$(readlink "/proc/$pid/exe")" = "$program" ] && echo "$pid"
    done
}

# signal SIGNAL RANK: to a run without end, once it trains
signalled() {
    rm -f "$work/log"
    timeout 60 "mpirun.$flavour" -n 3 "$program" $few --epochs 100000 --log "$work/log" --save "$work/marked" >"$work/out" 2>"$work/err" </dev/null &
    launcher=$!
    waits=0
    until [ -s "$work/log" ]; do
        sleep 0.1
        waits=$((waits + 1))
        [ $waits -lt 400 ] || fail "$flavour: no epoch ends"
    done
    begun=$(date +%s) status=0
    kill -s "$1" "$(process_of "$2")"
    wait $launcher || status=$?
    took=$(($(date +%s) - begun))
    out=$(cat "$work/out")
    err=$(cat "$work/err")
}

ok $few --epochs 2
two=$out
for flavour; do
    command -v "mpirun.$flavour" >/dev/null 2>&1 || { echo "skipped: $flavour: there is no mpirun.$flavour"; continue; }
    # shellcheck disable=SC2086
    {
    launched 4 $few --epochs 1 --save "$work/one" --csv "$work/table.csv"
    same "$flavour: the exit status" "$status" 0
    one=$out
    lacks "$flavour: the output of one epoch" "$one" "$(echo "$two" | tail -n 1)"
    for ranks in 1 2 ${CNN_MPI_LONG:+8}; do
        cp "$work/table.csv" "$work/both.csv"
        launched $ranks $few --epochs 2 --resume "$work/one" --csv "$work/both.csv"
        same "$flavour: four processes, then $ranks" "$out" "$two"
    done
    same "$flavour: the table of two runs" "$(cut -d, -f1,6 "$work/both.csv" | tr '\n' ' ')" "epoch,lr 1,0.001 2,0.001 "
    launched 2 $few --eval-only --resume "$work/one"
    same "$flavour: the test of a checkpoint by two" "$out" "$one"
    launched 2 $few --epochs 1 --shards 0
    same "$flavour: the exit status of the fast sum" "$status" 0

    launched 3 $few --epochs 100000 --log /dev/full
    ended "a full disk on rank 0" '^mnist_cnn: cannot write /dev/full: No space left on device$'
    status=0 begun=$(date +%s)
    timeout 60 "mpirun.$flavour" -n 2 "$program" $few : -n 1 "$program" $few --data /nonexistent --limit 90 >"$work/out" 2>"$work/err" </dev/null || status=$?
    took=$(($(date +%s) - begun)) err=$(cat "$work/err")
    ended "other data on one rank" '^mnist_cnn: rank 2: '
    launched 3 $few --device nosuch
    ended "a bad option" '^mnist_cnn: --device is "nosuch"'
    signalled INT 1
    ended "SIGINT to one rank" '^interrupted in epoch'
    same "$flavour: the exit status after SIGINT" "$status" 130
    ok --data "$digits" --limit 100 --quiet --eval-only --resume "$work/marked"
    signalled KILL 2
    ended "a rank that dies" ''
    }
done
echo "check-mpi-example: $checks checks passed"
