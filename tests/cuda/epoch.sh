#!/bin/sh
# The example on the CUDA back end without a GPU: an epoch with the CPU's kernels behind the plug-in has the CPU's bits where cuDNN and
# cuBLASLt take no part; with the plug-in's own kernels, cuDNN and cuBLASLt it has the same bits on every run, with and without graphs, and
# reaches what the CPU reaches.
# Usage: epoch.sh PROGRAM DIGITS REFERENCE     CNN_CUDA_LIBRARIES and CNN_BACKEND_PATH name the stand-in and the plug-in
. "$(dirname "$0")/../example/common.sh"
digits_make "${2:-}"
reference=$(dirname "$(realpath "$3")")
few="--data $digits --limit 2000 --batch-size 100 --seed 5 --quiet --digest --epochs 1"

# shellcheck disable=SC2086
{
ok $few --device cpu --save "$work/cpu"
cpu=$out
plugin=$CNN_BACKEND_PATH
CNN_STANDIN_ENGINES=0 CNN_BACKEND_PATH=$reference
export CNN_STANDIN_ENGINES CNN_BACKEND_PATH
ok $few --device cuda --save "$work/cuda"
same "the last lines with the CPU's kernels behind the plug-in" "$out" "$cpu"
cmp -s "$work/cpu" "$work/cuda" || fail "the plug-in writes another checkpoint than the CPU"
CNN_STANDIN_ENGINES=4 CNN_BACKEND_PATH=$plugin
ok $few --device cuda --save "$work/begun"
first=$out
ok $few --device cuda --copy-batches
same "the last lines with batches that the CPU makes" "$out" "$first"
CNN_CUDA_GRAPHS=0
export CNN_CUDA_GRAPHS
ok $few --device cuda
same "the last lines without graphs" "$out" "$first"
ok $few --device cpu --epochs 0 --resume "$work/begun"
same "the test accuracy of the checkpoint on the CPU" "${out%% (*}" "${first%% (*}"
}
echo "$name: $checks checks passed"
