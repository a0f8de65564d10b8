#!/bin/sh
# cifar10 --mpi on pictures that it draws: usage: check-cifar.sh PROGRAM FLAVOUR... The same weights for any number of processes, also
# after a checkpoint, with augmentation and the schedule; synchronised batch normalisation; and failures that end all.
. "$(dirname "$0")/../example/common.sh"
shift
. "$(dirname "$0")/launch.sh"
few="--mpi --synthetic --limit 80 --batch-size 32 --quiet --digest --threads 1"

refused '^cifar10: --predict, --best and --patience are one process.s, and --mpi is given$' --mpi --best x
refused '^cifar10: --shards or --sync-bn needs --mpi$' --sync-bn
refused '^cifar10: --shards or --sync-bn needs --mpi$' --shards 4
# shellcheck disable=SC2086
ok $few --epochs 2
two=$out
# shellcheck disable=SC2086
ok $few --epochs 4
four=$out
# With one part per process, one process is the plain training; small steps keep roundings small.
sync="--mpi --synthetic --limit 80 --batch-size 32 --quiet --threads 1 --epochs 2 --lr 0.001 --no-augment"
# shellcheck disable=SC2086
ok $sync --sync-bn
whole=$out
for flavour; do
    command -v "mpirun.$flavour" >/dev/null 2>&1 || { echo "skipped: $flavour: there is no mpirun.$flavour"; continue; }
    # shellcheck disable=SC2086
    {
    launched 3 $few --epochs 2 --loader-threads 2
    same "$flavour: three processes" "$out" "$two"
    launched 4 $few --epochs 2 --save "$work/whole" --csv "$work/table" --log "$work/log"
    same "$flavour: four processes" "$out" "$two"
    same "$flavour: the lines of the table and of the log" "$(wc -l <"$work/table") $(wc -l <"$work/log")" "3 2"
    # SIGINT to one rank ends all after some epoch; another number of processes goes on. Where all epochs were over, none is left.
    rm -f "$work/part.log"
    timeout 60 "mpirun.$flavour" -n 4 "$program" $few --epochs 4 --save "$work/part" --log "$work/part.log" >"$work/out" 2>"$work/err" </dev/null &
    launcher=$!
    until [ -s "$work/part.log" ] || ! kill -0 $launcher 2>/dev/null; do
        sleep 0.05
    done
    for pid in $(pgrep -f "$work/part.log"); do
        [ "$(readlink "/proc/$pid/exe")" != "$program" ] || { kill -INT "$pid"; break; }
    done
    wait $launcher || true
    launched 3 $few --epochs 4 --resume "$work/part"
    same "$flavour: four processes, then three" "$out" "$four"
    launched 2 $few --epochs 2 --log /dev/full
    ended "a full disk on rank 0" '^cifar10: cannot write /dev/full: No space left on device$'
    launched 3 $few --resume "$work/whole" --eval-only
    same "$flavour: the test of a checkpoint by three" "$out" "$two"
    launched 2 $few --epochs 1 --shards 0
    same "$flavour: the exit status of the fast sum" "$status" 0
    launched 2 $sync --sync-bn
    same "$flavour: two processes that normalise together" "$status ${out%% (*}" "0 ${whole%% (*}"
    launched 3 $few --epochs 1 --resume /nonexistent
    ended "a checkpoint that is not there" '^cifar10: checkpoint_load: .*/nonexistent'
    launched 3 $few --epochs 1 --sync-bn
    ended "a batch that cannot be divided" '^cifar10: rank 0: data_parallel: batch_size is 32, expected a multiple of the 3 shards$'
    }
done
echo "check-mpi-cifar: $checks checks passed"
