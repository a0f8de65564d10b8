#!/bin/sh
# Proves tools/check-layers.sh: in a copy of the tree it finds each planted include, and nothing where none is planted.
set -u
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir "$work/tree"
cp -r src include examples image onnx cuda "$work/tree"
failures=0

# plant FILE LINE: the include must be found and the file named
plant() {
    cp "$work/tree/$1" "$work/whole"
    sed -i "1i $2" "$work/tree/$1"
    if tools/check-layers.sh "$work/tree" >"$work/log" 2>&1 || ! grep -q "^check-layers: $1" "$work/log"; then
        echo "test-layers: check-layers does not find $2 in $1" >&2
        sed 's/^/    /' "$work/log" >&2
        failures=$((failures + 1))
    fi
    cp "$work/whole" "$work/tree/$1"
}

tools/check-layers.sh "$work/tree" >"$work/log" 2>&1 || { cat "$work/log" >&2; exit 1; }
plant src/base/file.c '#include "tensor/tensor.h"'
plant src/kernels/kernels.h '#include "tensor/tensor.h"'
plant src/kernels/simd/gemm/gemm.c '#include "ops/geometry.h"'
plant src/kernels/simd/gemm/gemm.c '#include "kernels/simd/layout/plan.h"'
plant src/kernels/simd/layout/padded.h '#include "kernels/simd/conv/epilogue.h"'
plant src/autograd/tape.h '#include "ops/operation.h"'
plant src/tensor/shape.c '  #  include   "autograd/tape.h"'
plant src/optim/sgd.c '#include "nn/module.h"'
plant src/data/idx.c '#include "io/json.h"'
plant src/nn/module.c '#include "io/json.h"'
plant src/platform/posix/files.c '#include "base/message.h"'
plant src/base/file.c '#include <errno.h>'
plant src/data/loader.c '#include <pthread.h>'
plant src/kernels/select.c '#include <sys/auxv.h>'
plant src/kernels/kernels.h '#include <zlib.h>'
plant src/io/json.c '#include <immintrin.h>'
plant src/base/pool.c '#include "platform/posix/thread.h"'
plant src/ops/relu.c '#include "operation.h"'
plant include/cnn/tape.h '#include "tensor/tensor.h"'
plant include/cnn/tape.h '#include <stdio.h>'
plant include/cnn/ops/conv.h '#include <stdio.h>'
plant image/picture.h '#include "base/error.h"'
plant onnx/internal.h '#include "base/error.h"'
plant cuda/queue.c '#include "base/error.h"'
plant cuda/kernels/losses.cu '#include "queue.h"'
plant include/cnn/tape.h '#include <cnn/nothing.h>'
plant examples/mnist_cnn/main.c '#include "tensor/tensor.h"'
mkdir "$work/tree/src/attic"
echo '#include "base/file.h"' >"$work/tree/src/attic/old.c"
tools/check-layers.sh "$work/tree" >"$work/log" 2>&1 && { echo "test-layers: an unknown room passes" >&2; failures=$((failures + 1)); }
[ "$failures" = 0 ] && echo "test-layers: 23 planted violations found"
