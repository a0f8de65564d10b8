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

typedef struct cnn__map_tables cnn__map_tables; /* map.h */

typedef struct cnn__array_kernels {
    const cnn__map_tables *maps;
#define CNN__ARRAY_KERNEL(source, name, parameters) void(*name) parameters;
#include "kernels/array/array.def"
#undef CNN__ARRAY_KERNEL
} cnn__array_kernels;

#define CNN__PROTOTYPE_SHARED(name, parameters) void cnn__array_##name parameters;
#define CNN__PROTOTYPE_MAP(name, parameters)
#define CNN__ARRAY_KERNEL(source, name, parameters) CNN__PROTOTYPE_##source(name, parameters)
#include "kernels/array/array.def"
#undef CNN__ARRAY_KERNEL
#undef CNN__PROTOTYPE_MAP
#undef CNN__PROTOTYPE_SHARED

/* What MAP kernels do with integers and bool. */
void cnn__array_unary_of_integers(cnn__unary op, const cnn__nest *nest, cnn_dtype dtype, const double values[2],
                                  void *y, const void *x, cnn__pool *pool);
void cnn__array_binary_of_integers(const cnn__map_tables *tables, cnn__binary op, const cnn__nest *nest,
                                   cnn_dtype dtype, void *y, const void *a, const void *b, cnn__pool *pool);
void cnn__array_compare_integers(cnn__compare op, const cnn__nest *nest, cnn_dtype dtype, void *y, const void *a,
                                 const void *b, cnn__pool *pool);

#endif
