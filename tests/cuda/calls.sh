#!/bin/sh
# What a step of the example asks of the driver, on the stand-in, with images that stay on the device and are augmented there: one graph, one
# copy of the numbers that change, and one wait for the step before it, where it trains; the score waits once for many steps. Counted as what twelve more steps of
# training and of testing cost.
# Usage: calls.sh PROGRAM DIGITS     CNN_CUDA_LIBRARIES and CNN_BACKEND_PATH name the stand-in and the plug-in
. "$(dirname "$0")/../example/common.sh"
digits_make "${2:-}"

# Writes how often each function of the driver was called in a run of so many batches.
calls_of() {
    rm -f "$work/log"
    CNN_STANDIN_LOG=$work/log ok --data "$digits" --limit $((4 * $1)) --batch-size 4 --seed 5 --quiet --epochs 1 --device cuda --augment
    awk '{ count[$2]++ } END { for (name in count) print name, count[name] }' "$work/log" >"$work/calls.$1"
}
count() {
    awk -v name="$2" '$1 == name { found = $2 } END { print found + 0 }' "$work/calls.$1"
}
more() {
    echo $(($(count 36 "$1") - $(count 24 "$1")))
}
# usage: costs FUNCTION LEAST MOST
costs() {
    checks=$((checks + 1))
    calls=$(more "$1")
    [ "$calls" -ge "$2" ] && [ "$calls" -le "$3" ] ||
        fail "24 steps, of which half train, cost $calls calls of $1, expected $2 to $3"
}

calls_of 24
calls_of 36
costs cuGraphLaunch 24 24
costs cuGraphInstantiateWithFlags 0 0
costs cuGraphExecKernelNodeSetParams_v2 0 0
costs cuMemcpyHtoDAsync_v2 24 24
costs cuEventSynchronize 11 12
costs cuStreamSynchronize 0 3
costs cuLaunchKernel 0 12
costs cuMemAlloc_v2 0 0

# Without a GPU the example says why it has none, and ends; left to choose it takes the CPU. A variable of CUDA's own hides one that is there.
few="--data $digits --limit 20 --batch-size 10 --epochs 1 --quiet"
CNN_CUDA_LIBRARIES= CUDA_VISIBLE_DEVICES=
export CNN_CUDA_LIBRARIES CUDA_VISIBLE_DEVICES
# shellcheck disable=SC2086
{
run $few --device cuda
same "the exit status without a GPU" "$status" 1
contains "what is said without a GPU" "$err" '^mnist_cnn: context_create: the device cuda:0 could not be opened: no CUDA device: .'
lacks "the output without a GPU" "$out" .
ok $few --device auto
}
echo "$name: $checks checks passed"
