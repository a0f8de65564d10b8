#!/bin/bash
# shellcheck disable=SC2317 # phases are called by their names
# All that needs a GPU, in phases that are called one by one. Each builds what it needs, takes at most three minutes, writes its part of
# the report at once and ends with 0 where nothing has failed. CUDA's libraries are found as docs/cuda.md says.
#
#   tools/gpu-check.sh PHASE [REPORT]     REPORT: a folder, gpu-report without one
#
#   operations   compiles the kernels, operations beside the CPU, some of the battery of tests on the GPU
#   training     the example on the GPU: digests of two runs, of a run that is resumed, augmentation, beside the CPU's accuracy
#   speed        the tutorial's network at batch 200 beside PyTorch: eager, torch.compile in two modes, CUDA graphs; the floor
#   errors       full memory, two processes, a bad index, a kernel that faults; compute-sanitizer where it is installed
#   cpus         the CPU's kernels on many cores: training at batch 200 and 1000, and inference, beside PyTorch
#
# CNN_MNIST_DIR names the folder of MNIST (synthetic digits without it); PYTHON a Python with PyTorch. GPU_CHECK_STANDIN=1 proves the
# phases themselves where there is no GPU: on the stand-in of tests/cuda, which is slow, with a few images, PyTorch on the CPU.
set -u
cd "$(dirname "$0")/.." || exit 1
phase=${1:-}
report=${2:-gpu-report}
python=${PYTHON:-python3}
limit=170
standin=${GPU_CHECK_STANDIN:-}
export CNN_BACKEND_PATH=$PWD/build/cuda
mkdir -p "$report" || exit 1
if [ -n "${CNN_MNIST_DIR:-}" ]; then
    data=(--data "$CNN_MNIST_DIR")
else
    data=(--synthetic --data "$report/digits")
fi
few=()
standin_targets=()
if [ -n "$standin" ]; then
    few=(--limit 400 --batch-size 50)
    limit=1200
    standin_targets=(build/tests/cuda/standin/libcuda.so.1)
    export CNN_CUDA_LIBRARIES=$PWD/build/tests/cuda/standin XDG_CACHE_HOME=$PWD/build/tests/cuda/cache
fi
example=(build/examples/mnist_cnn "${data[@]}" "${few[@]}" --quiet --digest --seed 5)
failures=0
begun=$SECONDS

fail() {
    echo "FAILED: $1"
    failures=$((failures + 1))
}

# What is left of the phase's time, and at least a few seconds.
left() {
    local seconds=$((limit - SECONDS + begun))
    echo $((seconds > 5 ? seconds : 5))
}

# try WHAT COMMAND...
try() {
    local what=$1 begin=$SECONDS
    shift
    echo "== $what"
    timeout -k 3 "$(left)" "$@" 2>&1 || fail "$what: status $?"
    echo "($((SECONDS - begin)) s)"
}

# build TARGET...: quickly where it has been built before. Without a GPU a build takes minutes where others use the CPUs, too, and is not
# counted as the phase's time.
build() {
    local before=$SECONDS
    [ -z "$standin" ] || limit=3600
    try "build" make -s -j"$(nproc)" ${CC:+CC="$CC"} "$@" "${standin_targets[@]}" >"$report/build.txt" 2>&1
    if [ -n "$standin" ]; then
        limit=1200
        begun=$((begun + SECONDS - before))
    fi
    grep -q ^FAILED "$report/build.txt" || return 0
    cat "$report/build.txt"
    fail "the build"
}

# output_of OPTION...: what the example prints
output_of() {
    timeout -k 3 "$(left)" "${example[@]}" "$@" 2>&1
}

same() {
    if [ -n "$2" ] && [ "$2" = "$3" ]; then echo "$1: the same"; else fail "$1: \"$2\" and \"$3\""; fi
}

accuracy() {
    echo "$1" | grep -o '^test accuracy [0-9.]*'
}

machine() {
    date -u
    uname -srm
    if [ -n "$standin" ]; then
        echo "no GPU: the stand-in"
    else
        nvidia-smi --query-gpu=name,driver_version,memory.total --format=csv,noheader 2>/dev/null || echo "no nvidia-smi"
    fi
    git log -1 --format='%h %s' 2>/dev/null
}

# Programs of the battery that have the families of kernels; their values are PyTorch's, and their draws the CPU's bits.
battery=(activations attention batch_norm bfloat16 conv_options ctc_loss drops elementwise embedding fold groups indexing joined losses lstm
    norms pools resident rows step_failures)
[ -z "$standin" ] || battery=(drops losses norms resident)

phase_operations() {
    local program
    build lib cuda build/tests/cuda/grid build/tests/cuda/test_steps "${battery[@]/#/build/tests/test_}"
    try "operations beside the CPU, with the compilation of the kernels" build/tests/cuda/grid
    try "the same without graphs" env CNN_CUDA_GRAPHS=0 build/tests/cuda/grid
    try "steps of optimizers in one launch, and steps that come again as graphs" env CNN_TEST_GPU=1 build/tests/cuda/test_steps
    for program in "${battery[@]}"; do
        try "the battery: $program" env CNN_DEVICE=cuda CK_TIMEOUT_MULTIPLIER=5 "build/tests/test_$program"
    done
}

phase_training() {
    local first second whole
    build lib cuda build/examples/mnist_cnn
    first=$(output_of --device cuda --epochs 1 --save "$report/one") || fail "an epoch: $first"
    echo "$first"
    second=$(output_of --device cuda --epochs 1)
    same "two runs" "$first" "$second"
    second=$(CNN_CUDA_GRAPHS=0 output_of --device cuda --epochs 1)
    same "with and without graphs" "$first" "$second"
    second=$(output_of --device cuda --epochs 1 --copy-batches)
    same "batches that are gathered on the GPU, and that are copied" "$first" "$second"
    whole=$(output_of --device cuda --epochs 2)
    second=$(output_of --device cuda --epochs 2 --resume "$report/one")
    same "two epochs, and one that is resumed" "$whole" "$second"
    second=$(output_of --device cpu --epochs 0 --resume "$report/one")
    same "the checkpoint on the CPU: test accuracy" "$(accuracy "$first")" "$(accuracy "$second")"
    first=$(output_of --device cuda --epochs 1 --augment)
    second=$(output_of --device cuda --epochs 1 --augment)
    echo "augmented on the GPU: $(accuracy "$first")"
    same "two runs with images that are augmented on the GPU" "$first" "$second"
    second=$(output_of --device cpu --epochs 1) || fail "an epoch on the CPU: status $?"
    echo "the CPU: $second"
}

phase_speed() {
    build lib cuda build/examples/mnist_cnn
    local seconds
    seconds=$(($(left) > 110 ? $(left) - 90 : 20))
    [ -z "$standin" ] || seconds=16 # each is run once at least, whatever that takes
    try "the tutorial's network beside PyTorch" "$python" tools/gpu/speed.py --seconds "$seconds" ${standin:+--standin} -- \
        "${data[@]}"
}

sanitize() {
    local tool=$1
    shift
    try "compute-sanitizer $tool $*" compute-sanitizer --tool "$tool" "$@" --error-exitcode 9 build/examples/mnist_cnn "${data[@]}" \
        --quiet --limit 400 --epochs 1 --augment --device cuda
}

phase_errors() {
    local a b first second
    build lib cuda build/examples/mnist_cnn build/tests/cuda/gpu_errors
    first=$(output_of --device cuda --epochs 1) || fail "an epoch: $first"
    output_of --device cuda --epochs 1 >"$report/a" &
    a=$!
    output_of --device cuda --epochs 1 >"$report/b" &
    b=$!
    wait "$a" || fail "the first of two processes: $(cat "$report/a")"
    wait "$b" || fail "the second of two processes: $(cat "$report/b")"
    same "two processes on one GPU, the first" "$first" "$(cat "$report/a")"
    same "two processes on one GPU, the second" "$first" "$(cat "$report/b")"
    rm -f "$report/a" "$report/b"
    try "full memory, a bad index" env ${standin:+CNN_STANDIN_MEMORY=500000000} build/tests/cuda/gpu_errors
    try "a kernel that faults: the device is lost to its process" build/tests/cuda/gpu_errors fault
    second=$(output_of --device cuda --epochs 1)
    same "a run after it" "$first" "$second"
    second=$(CNN_CUDA_LIBRARIES='' CUDA_VISIBLE_DEVICES="" output_of --device cuda --epochs 1)
    [ $? = 1 ] || fail "without a GPU the example does not end with 1"
    echo "without a GPU: $second"
    if command -v compute-sanitizer >/dev/null && [ -z "$standin" ]; then
        sanitize memcheck --leak-check full
        sanitize initcheck
        sanitize racecheck
        sanitize synccheck
    else
        echo "compute-sanitizer is not installed, or there is no GPU: skipped"
    fi
}

phase_cpus() {
    build build/bench/bench_net
    try "the CPU's kernels on many cores" "$python" tools/gpu/cpus.py --seconds "$(($(left) - 20))" ${standin:+--standin}
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
