#!/bin/sh
# NVRTC and nvcc compile every kernel of the CUDA back end: usage: check-cuda-kernels.sh ARCHITECTURES FOLDER FILE...
# ARCHITECTURES are numbers with commas between. Without NVRTC, or without nvcc, it says so and goes on.
set -u
architectures=$1
folder=$2
shift 2
failures=0

"$folder/compile_kernels" "$architectures" "$@"
status=$?
if [ $status = 77 ]; then
    echo "skipped: check-cuda-kernels by NVRTC (there is no libnvrtc.so.13 or .12; CNN_NVRTC may name one)"
elif [ $status != 0 ]; then
    failures=1
fi

if command -v nvcc >/dev/null 2>&1; then
    for architecture in $(echo "$architectures" | tr , ' '); do
        nvcc --list-gpu-code | grep -qx "sm_$architecture" || {
            echo "skipped: sm_$architecture (this nvcc does not know it)"
            continue
        }
        for file in "$@"; do
            nvcc -std=c++17 -fmad=false -arch="sm_$architecture" -cubin -o "$folder/nvcc.cubin" "$file" || failures=1
        done
    done
else
    echo "skipped: check-cuda-kernels by nvcc (there is no nvcc)"
fi
[ $failures = 0 ] && echo "check-cuda-kernels: $# files"
[ $failures = 0 ]
