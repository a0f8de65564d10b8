#!/bin/sh
# The examples on the test device: an epoch gives the CPU's weights, bit for bit, and a run that began on the one goes on on the other.
# Usage: epoch.sh MNIST_CNN DIGITS BACKENDS CIFAR10
. "$(dirname "$0")/../example/common.sh"
digits_make "${2:-}"
CNN_BACKEND_PATH=$(realpath "$3")
export CNN_BACKEND_PATH
few="--data $digits --limit 2000 --batch-size 100 --seed 5 --quiet --digest"

# shellcheck disable=SC2086
{
ok $few --device cpu --epochs 2 --save "$work/cpu"
cpu=$out
contains "the output" "$cpu" '^weights sha256 [0-9a-f]{64}$'
ok $few --device late --epochs 2 --save "$work/late"
same "the last lines on the device" "$out" "$cpu"
cmp -s "$work/cpu" "$work/late" || fail "the device writes another checkpoint than the CPU"
ok $few --device late --epochs 2 --copy-batches
same "the last lines with batches that the CPU makes" "$out" "$cpu"
ok $few --device late:1 --threads 1 --epochs 1 --save "$work/begun"
[ "$out" != "$cpu" ] || fail "one epoch ends where two do"
ok $few --device cpu --epochs 2 --resume "$work/begun"
same "the last lines of what began on the device" "$out" "$cpu"
ok $few --device cpu --epochs 1 --save "$work/begun"
ok $few --device late --epochs 2 --resume "$work/begun"
same "the last lines of what went on on the device" "$out" "$cpu"
ok $few --device late --epochs 1 --augment
augmented=$out
ok $few --device late --epochs 1 --augment --copy-batches
same "the test accuracy with digits that the device augments" "${augmented%% (*}" "${out%% (*}"

# Mirroring and shifting move pixels alone.
program=$(realpath "$4")
few='--synthetic --limit 300 --batch-size 50 --quiet --digest --epochs 1'
ok $few --device cpu
cpu=$out
ok $few --device late
same "the last lines of pictures that the device augments" "$out" "$cpu"
}
echo "$name: $checks checks passed"
