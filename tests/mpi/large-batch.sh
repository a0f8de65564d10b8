#!/bin/sh
# MNIST at a global batch of 4096 reaches 99.0 % within 20 epochs, as the mean of three seeds, by LAMB and by LARS: usage:
# large-batch.sh PROGRAM [ARGUMENT...], where PROGRAM is mnist_cnn and what follows it goes on its command line too. One process
# computes what any number up to 8 would, to the bit. It needs MNIST, in the folder that CNN_MNIST_DIR names, and about five minutes for each
# of six runs on two CPUs; LARGE_BATCH_SEEDS and LARGE_BATCH_OPTIMIZERS name others than "1 2 3" and "lamb lars".
set -u
if [ -z "${CNN_MNIST_DIR:-}" ]; then
    echo "skipped: large batches need MNIST, in the folder that CNN_MNIST_DIR names"
    exit 0
fi
program=$1
shift
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
failures=0

for optimizer in ${LARGE_BATCH_OPTIMIZERS:-lamb lars}; do
    case $optimizer in lamb) rate=0.01 ;; lars) rate=6 ;; *) echo "large-batch: there is no rate for $optimizer"; exit 1 ;; esac
    : >"$work/accuracies"
    for seed in ${LARGE_BATCH_SEEDS:-1 2 3}; do
        begun=$(date +%s)
        "$program" --mpi --data "$CNN_MNIST_DIR" --batch-size 4096 --epochs 20 --optimizer $optimizer --lr $rate --warmup 2 --seed "$seed" --quiet \
            "$@" >"$work/out" 2>"$work/error" </dev/null || { echo "large-batch: $optimizer, seed $seed: $(cat "$work/error")"; exit 1; }
        accuracy=$(sed -n 's/^test accuracy \([0-9.]*\) %.*/\1/p' "$work/out")
        [ -n "$accuracy" ] || { echo "large-batch: $optimizer, seed $seed: $(cat "$work/out")"; exit 1; }
        echo "$accuracy" >>"$work/accuracies"
        echo "$optimizer, seed $seed: $accuracy % in $(($(date +%s) - begun)) s"
    done
    awk -v of="$optimizer" '{ sum += $1 }
        END { printf "%s: %.3f %%, the mean of %d, expected 99.0 or more\n", of, sum / NR, NR; exit !(sum / NR >= 99.0) }' "$work/accuracies" ||
        failures=$((failures + 1))
done
[ $failures = 0 ]
