#!/bin/sh
# NVRTC and nvcc compile the kernels of the CUDA back end, on every CPU: usage: check-cuda-kernels.sh ARCHITECTURES FOLDER FILE...
# ARCHITECTURES are numbers with commas between. NVRTC, which is what a program uses, compiles every file for each. nvcc, which has the same
# compiler in it, compiles every file for the first one that it knows, and for the others products and layers of f32, whose kernels need
# most registers and shared memory. Without NVRTC, or without nvcc, it says so, and which package has it, and goes on.
set -u
architectures=$1
folder=$2
shift 2
failures=0
cpus=$(nproc 2>/dev/null || echo 1)

# The library is looked for once; 77: there is none.
"$folder/compile_kernels" none "$1" >/dev/null
if [ $? = 77 ]; then
    echo "skipped: check-cuda-kernels by NVRTC (there is no libnvrtc.so.13 or .12: PyPI's nvidia-cuda-nvrtc has it, as has CUDA's toolkit; CNN_NVRTC may name one)"
else
    for architecture in $(echo "$architectures" | tr , ' '); do
        for file in "$@"; do
            printf '%s\n%s\n' "$architecture" "$file"
        done
    done | xargs -r -n 2 -P "$cpus" "$folder/compile_kernels" || failures=1
fi

if command -v nvcc >/dev/null 2>&1; then
    known=$(nvcc --list-gpu-code)
    compiled=
    for architecture in $(echo "$architectures" | tr , ' '); do
        if echo "$known" | grep -qx "sm_$architecture"; then
            compiled="$compiled $architecture"
        else
            echo "skipped: sm_$architecture (this nvcc does not know it)" >&2
        fi
    done
    # shellcheck disable=SC2016 # the words are those of the inner shell
    for architecture in $compiled; do
        whole=
        case "$compiled" in " $architecture"*) whole=1 ;; esac
        for file in "$@"; do
            case $whole$file in
            1* | */products.cu | */layers.cu) printf '%s\n%s\n' "$architecture" "$file" ;;
            esac
        done
    done | xargs -r -n 2 -P "$cpus" sh -c 'nvcc -std=c++17 -fmad=false -diag-suppress 177 -arch="sm_$2" -cubin -o "$1/nvcc.$2.$(basename "$3").cubin" "$3" &&
        echo "$3 for sm_$2 by nvcc: compiles"' sh "$folder" || failures=1
else
    echo "skipped: check-cuda-kernels by nvcc (there is no nvcc: NVIDIA's cuda-nvcc-13-0 has it, or Debian's nvidia-cuda-toolkit, which takes several GB)"
fi
[ $failures = 0 ] && echo "check-cuda-kernels: $# files"
[ $failures = 0 ]
