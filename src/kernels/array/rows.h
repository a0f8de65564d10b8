/* Rows of a contiguous table [n,width], f32 or f64, that are named by i64, i32 or u8 indices. */
#ifndef CNN_KERNELS_ARRAY_ROWS_H
#define CNN_KERNELS_ARRAY_ROWS_H

#include "base/pool.h"

#include <cnn/tensor.h>

typedef struct cnn__rows {
    cnn_dtype dtype, index_dtype;
    int64_t n, width;
    int64_t count; /* the number of indices */
    const void *index;
} cnn__rows;

/* The position of the first index that names no row and is not *skip (NULL: none is let pass), whose value is
 * written; −1: there is none. */
int64_t cnn__rows_bad_index(const cnn__rows *g, const int64_t *skip, int64_t *value);

/* y[i] = x[index[i]], a row each. */
void cnn__rows_take(const cnn__rows *g, const void *x, void *y, cnn__pool *pool);

/* The gradient of that: dx[r] is the sum of dy[i] over the i with index[i] = r, made in double and in the order of i;
 * row `skip` is 0 (−1: none is skipped). `workspace` has as many bytes as the other function says. */
size_t cnn__rows_sum_workspace(const cnn__rows *g);
void cnn__rows_sum(const cnn__rows *g, int64_t skip, const void *dy, void *dx, void *workspace, cnn__pool *pool);

#endif
