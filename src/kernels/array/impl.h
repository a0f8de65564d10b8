/* The entries of the array kernels' table, each in the file of its family. */
#ifndef CNN_KERNELS_ARRAY_IMPL_H
#define CNN_KERNELS_ARRAY_IMPL_H

#include "kernels/array/array.h"

void cnn__array_fill(cnn_dtype dtype, int64_t n, double value, void *y, cnn__pool *pool);
void cnn__array_copy(const cnn__nest *nest, cnn_dtype to, void *y, cnn_dtype from, const void *x, cnn__pool *pool);
void cnn__array_unary(cnn__unary op, const cnn__nest *nest, cnn_dtype dtype, const double parameters[2], void *y,
                      const void *x, cnn__pool *pool);
void cnn__array_binary(cnn__binary op, const cnn__nest *nest, cnn_dtype dtype, void *y, const void *a, const void *b,
                       cnn__pool *pool);
void cnn__array_compare(cnn__compare op, const cnn__nest *nest, cnn_dtype dtype, void *y, const void *a, const void *b,
                        cnn__pool *pool);
void cnn__array_where(const cnn__nest *nest, cnn_dtype dtype, void *y, const void *condition, const void *a,
                      const void *b, cnn__pool *pool);
void cnn__array_reduce(cnn__reduce op, const cnn__nest *outer, const cnn__nest *inner, cnn_dtype dtype, void *y,
                       const void *x, cnn__pool *pool);
void cnn__array_argmax(const cnn__nest *outer, const cnn__nest *inner, cnn_dtype dtype, int64_t *y, const void *x,
                       cnn__pool *pool);
void cnn__array_log_softmax(cnn_dtype dtype, int64_t rows, int64_t n, const void *x, void *y, cnn__pool *pool);
void cnn__array_softmax(cnn_dtype dtype, int64_t rows, int64_t n, const void *x, void *y, cnn__pool *pool);

#endif
