#!/bin/sh
# mnist_cnn --mpi, as users start it: usage: check-example.sh PROGRAM DIGITS FLAVOUR...
# The same weights for any number of processes, also after a checkpoint; and whatever goes wrong on one rank ends all with one
# message of rank 0's and a failure, within ten seconds.
. "$(dirname "$0")/../example/common.sh"
digits_make "${2:-}"
shift 2
. "$(dirname "$0")/launch.sh"
few="--mpi --data $digits --limit 100 --batch-size 40 --quiet --digest --threads 1"

# overlap RANKS: what the log, the table and the last lines say of the communication, and all files that rank 0 writes. RANKS is 1, 2 or 4.
overlap() {
    launched "$1" --mpi --data "$digits" --limit 96 --batch-size 32 --threads 1 --epochs 2 --csv "$work/overlap.csv" --log "$work/overlap.log" \
        --tensorboard "$work/runs-$flavour-$1" --report "$work/report-$flavour-$1" --profile "$work/profile.json"
    same "$flavour, $1 processes: the exit status" "$status" 0
    # Three whole batches per epoch; each rank sends its gradients' bytes times 2 (ranks - 1) / ranks per step.
    python3 - "$work" "$1" 3199106 <<'EOF' || fail "$flavour: the overlap of $1 processes is not what it should be: $out"
import csv, json, math, re, sys
work, ranks, parameters = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
table = list(csv.DictReader(open(f"{work}/overlap.csv")))
log = [json.loads(line) for line in open(f"{work}/overlap.log")]
assert len(table) == len(log) == 2, (table, log)
for row, line in zip(table, log):
    for name in ("communication", "hidden", "bytes_sent"):
        assert float(row[name]) == line[name], (row, line)
    assert 0 < line["communication"] < line["seconds"] and 0 <= line["hidden"] <= 1, line
    expected = 0 if ranks == 1 else 3 * 4 * parameters * 2 * (ranks - 1) / ranks
    assert abs(line["bytes_sent"] - expected) <= ranks * 64 * 3, (line, expected)
told = re.search(r"gradients: ([\d.]+) s of communication per process, (\d+) % of it hidden behind backward, ([\d.]+) MB sent", open(f"{work}/out").read())
assert abs(float(told[1]) - sum(line["communication"] for line in log)) < 0.006, told[0]
hidden = sum(line["hidden"] * line["communication"] for line in log) / sum(line["communication"] for line in log)
assert abs(float(told[2]) - 100 * hidden) < 1, (told[0], hidden)
assert abs(float(told[3]) * 1e6 - sum(line["bytes_sent"] for line in log)) < 1e5, told[0]
events = json.load(open(f"{work}/profile.json"))["traceEvents"]
assert any("conv2d" in e["name"] for e in events)
EOF
    contains "$flavour: what the report says of $1 processes" "$(cat "$work/report-$flavour-$1/report.html")" "processes"
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
    launched 3 --mpi --data "$digits" --limit 100 --batch-size 40 --quiet --digest --threads 2 --epochs 2
    same "$flavour: three processes of two threads" "$out" "$two"
    for ranks in 1 2 4; do
        overlap $ranks
    done
    # The files of rank 0 have what one process writes: the losses of all.
    read=0
    "${PYTHON:-python3}" "$(dirname "$0")/../example/read_events.py" "$work/runs-$flavour-4" "$work/overlap.csv" 2 3 2>"$work/err" || read=$?
    [ "$read" = 0 ] || [ "$read" = 77 ] || fail "$flavour: TensorBoard does not read the events: $(cat "$work/err")"
    launched 3 $few --epochs 1 --report "$work/one"
    ended "a report that cannot be written" "^mnist_cnn: cannot .*$work/one: "
    launched 3 $few --epochs 1 --tensorboard "$work/one/runs"
    ended "events that cannot be written" '^mnist_cnn: cannot open an event file in '

    # The first checkpoint fits, the next one has the optimizer's state too and does not.
    started 3 sh -c "trap '' XFSZ && ulimit -f 49152 && exec \"\$@\"" sh "$program" $few --epochs 100000 --save "$work/full"
    ended "a full disk for the checkpoint" "^mnist_cnn: .*$work/full.*: File too large\$"
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
    signalled STOP 1
    ended "a rank that is stopped" '^mnist_cnn: rank 2: .*process 1 has given no sign of life for 6 seconds$'
    signalled KILL 2
    ended "a rank that dies" ''
    # It can say nothing: the launcher does, and no rank adds lines of its own.
    same "$flavour, a rank that dies: the lines of the program" "$(grep -cE '^(mnist_cnn|interrupted)' "$work/err")" 0
    contains "$flavour, a rank that dies: the launcher's message" "$out$err" 'exited on signal 9|EXIT CODE: 9|KILLED BY SIGNAL: 9'
    }
done
echo "check-mpi-example: $checks checks passed"
