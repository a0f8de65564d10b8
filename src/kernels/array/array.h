/* Kernels on arrays of every dtype and any strides: copies, elementwise operations and reductions.
 *
 * A nest is a loop nest of up to 8 dimensions with a stride, in elements, for each operand; a broadcast dimension has
 * stride 0. Operand 0 is the result, and results are never broadcast. A result may be one of the operands itself (same
 * address, same strides); other overlaps are not allowed. */
#ifndef CNN_KERNELS_ARRAY_ARRAY_H
#define CNN_KERNELS_ARRAY_ARRAY_H

#include "base/pool.h"

#include <cnn/backend.h>

/* What kernels are told, which back ends are told too (<cnn/backend.h>). A new elementwise operation is a line in one
 * of its lists and a loop body in its family's file. */
typedef cnn_nest cnn__nest;
typedef cnn_unary cnn__unary;
typedef cnn_binary cnn__binary;
typedef cnn_compare cnn__compare;
typedef cnn_reduce cnn__reduce;
typedef cnn_along cnn__along;

typedef struct cnn__array_kernels {
#define CNN__ARRAY_KERNEL(name, parameters) void(*name) parameters;
#include "kernels/array/array.def"
#undef CNN__ARRAY_KERNEL
} cnn__array_kernels;

#define CNN__ARRAY_KERNEL(name, parameters) void cnn__array_##name parameters;
#include "kernels/array/array.def"
#undef CNN__ARRAY_KERNEL

extern const cnn__array_kernels cnn__array_kernels_table;

#endif
