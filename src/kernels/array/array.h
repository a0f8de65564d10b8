/* Kernels on arrays of every dtype and any strides: copies, elementwise operations and reductions.
 *
 * A nest is a loop nest of up to 8 dimensions with a stride, in elements, for each operand; a broadcast dimension has
 * stride 0. Operand 0 is the result, and results are never broadcast. A result may be one of the operands itself (same
 * address, same strides); other overlaps are not allowed. */
#ifndef CNN_KERNELS_ARRAY_ARRAY_H
#define CNN_KERNELS_ARRAY_ARRAY_H

#include "base/pool.h"

#include <cnn/tensor.h>

typedef struct cnn__nest {
    int ndim;
    int64_t shape[CNN_MAX_DIMS];
    int64_t stride[4][CNN_MAX_DIMS];
} cnn__nest;

typedef enum cnn__unary {
#define CNN__UNARY(NAME, name, cost) CNN__##NAME,
#include "kernels/array/unary.def"
#undef CNN__UNARY
    CNN__UNARY_COUNT
} cnn__unary;

typedef enum cnn__binary { CNN__ADD, CNN__SUB, CNN__MUL, CNN__DIV, CNN__POW, CNN__BINARY_COUNT } cnn__binary;

typedef enum cnn__compare { CNN__EQ, CNN__NE, CNN__LT, CNN__LE, CNN__GT, CNN__GE, CNN__COMPARE_COUNT } cnn__compare;

/* The sizes of an array before, along and after one dimension. */
typedef struct cnn__along {
    int64_t before, n, after;
} cnn__along;

typedef enum cnn__reduce { CNN__SUM, CNN__MAX, CNN__MIN, CNN__REDUCE_COUNT } cnn__reduce;

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
