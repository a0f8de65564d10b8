#!/bin/bash
# shellcheck disable=SC2317 # phases are called by their names
# All that needs a GPU, in phases that are called one by one. Each takes at most three minutes, writes its part of the report at once
# and ends with 0 where nothing has failed. CUDA's libraries are found as docs/cuda.md says.
#
#   tools/gpu-check.sh PHASE [REPORT]     REPORT: a folder, gpu-report without one
#
#   operations   builds, compiles the kernels, operations beside the CPU
#   training     the example on the GPU: digests of two runs, of a run that is resumed, beside the CPU's accuracy
#   speed        the tutorial's network at batch 200 beside PyTorch: eager, torch.compile, CUDA graphs
#   errors       full memory, two processes, a bad index; compute-sanitizer where it is installed
#   cpus         the CPU's kernels on many cores: training at batch 200 and 1000, and inference, beside PyTorch
#
# CNN_MNIST_DIR names the folder of MNIST (synthetic digits without it); PYTHON a Python with PyTorch.
set -u
cd "$(dirname "$0")/.." || exit 1
phase=${1:-}
report=${2:-gpu-report}
python=${PYTHON:-python3}
limit=170
export CNN_BACKEND_PATH=$PWD/build/cuda
mkdir -p "$report" || exit 1
if [ -n "${CNN_MNIST_DIR:-}" ]; then
    data=(--data "$CNN_MNIST_DIR")
else
    data=(--synthetic)
fi
example=(build/examples/mnist_cnn "${data[@]}" --quiet --digest --seed 5)
failures=0
begun=$SECONDS

fail() {
    echo "FAILED: $1"
    failures=$((failures + 1))
}

# try WHAT COMMAND...: within what is left of the phase's time
try() {
    local what=$1 begin=$SECONDS left=$((limit - SECONDS + begun))
    shift
    echo "== $what"
    timeout "$((left > 5 ? left : 5))" "$@" 2>&1 || fail "$what: status $?"
    echo "($((SECONDS - begin)) s)"
}

same() {
    if [ -n "$2" ] && [ "$2" = "$3" ]; then echo "$1: the same"; else fail "$1: \"$2\" and \"$3\""; fi
}

machine() {
    date -u
    uname -srm
    nvidia-smi --query-gpu=name,driver_version,memory.total --format=csv,noheader 2>/dev/null || echo "no nvidia-smi"
    git log -1 --format='%h %s' 2>/dev/null
}

phase_operations() {
    try "build" make -s -j"$(nproc)" all cuda build/tests/cuda/grid build/tests/cuda/gpu_errors build/tests/cuda/test_steps
    try "operations beside the CPU, with the compilation of the kernels" build/tests/cuda/grid
    try "the same without graphs" env CNN_CUDA_GRAPHS=0 build/tests/cuda/grid
    try "steps of optimizers in one launch, and steps that come again as graphs" env CNN_TEST_GPU=1 build/tests/cuda/test_steps
}

phase_training() {
    local first second whole
    first=$(timeout 60 "${example[@]}" --device cuda --epochs 1 --save "$report/one" 2>&1) || fail "an epoch: $first"
    second=$(timeout 60 "${example[@]}" --device cuda --epochs 1 2>&1)
    echo "$first"
    same "two runs" "$first" "$second"
    second=$(CNN_CUDA_GRAPHS=0 timeout 60 "${example[@]}" --device cuda --epochs 1 2>&1)
    same "with and without graphs" "$first" "$second"
    second=$(timeout 60 "${example[@]}" --device cuda --epochs 1 --copy-batches 2>&1)
    same "batches that are gathered on the GPU, and that are copied" "$first" "$second"
    whole=$(timeout 60 "${example[@]}" --device cuda --epochs 2 2>&1)
    second=$(timeout 60 "${example[@]}" --device cuda --epochs 2 --resume "$report/one" 2>&1)
    same "two epochs, and one that is resumed" "$whole" "$second"
    second=$(timeout 60 "${example[@]}" --device cpu --eval-only --resume "$report/one" 2>&1)
    same "the checkpoint on the CPU: test accuracy" "$(echo "$first" | grep -o '^test accuracy [0-9.]*')" \
        "$(echo "$second" | grep -o '^test accuracy [0-9.]*')"
    second=$(timeout 90 "${example[@]}" --device cpu --epochs 1 2>&1)
    echo "the CPU: $second"
}

phase_speed() {
    try "the tutorial's network beside PyTorch" "$python" tools/gpu/speed.py --seconds 100 -- "${data[@]}"
}

phase_errors() {
    local a b first second
    first=$(timeout 60 "${example[@]}" --device cuda --epochs 1 2>&1)
    timeout 60 "${example[@]}" --device cuda --epochs 1 >"$report/a" 2>&1 &
    a=$!
    timeout 60 "${example[@]}" --device cuda --epochs 1 >"$report/b" 2>&1 &
    b=$!
    wait "$a" || fail "the first of two processes: $(cat "$report/a")"
    wait "$b" || fail "the second of two processes: $(cat "$report/b")"
    same "two processes on one GPU, the first" "$first" "$(cat "$report/a")"
    same "two processes on one GPU, the second" "$first" "$(cat "$report/b")"
    rm -f "$report/a" "$report/b"
    try "full memory, a bad index" build/tests/cuda/gpu_errors
    second=$(CUDA_VISIBLE_DEVICES="" "${example[@]}" --device cuda --epochs 1 2>&1)
    [ $? = 1 ] || fail "without a GPU the example does not end with 1"
    echo "without a GPU: $second"
    if command -v compute-sanitizer >/dev/null; then
        for tool in memcheck initcheck; do
            try "compute-sanitizer $tool" compute-sanitizer --tool "$tool" --error-exitcode 9 build/examples/mnist_cnn "${data[@]}" \
                --quiet --limit 400 --epochs 1 --device cuda
        done
    else
        echo "compute-sanitizer is not installed: skipped"
    fi
}

phase_cpus() {
    try "the CPU's kernels on many cores" "$python" tools/gpu/cpus.py --seconds 140 -- "${data[@]}"
}

case $phase in
operations | training | speed | errors | cpus)
    {
        echo "# $phase"
        machine
        "phase_$phase"
        echo "$phase: $failures failed, $((SECONDS - begun)) s"
        [ "$failures" = 0 ]
    } 2>&1 | tee "$report/$phase.txt"
    exit "${PIPESTATUS[0]}"
    ;;
*)
    sed -n '3,/^set /s/^# \{0,1\}//p' "$0"
    exit 2
    ;;
esac
