/* A reduction that is under way, for what reduces elements that it makes itself (product.c). */
#ifndef CNN_KERNELS_ARRAY_REDUCTION_H
#define CNN_KERNELS_ARRAY_REDUCTION_H

#include "kernels/array/map.h"

enum { CNN__REDUCE_WIDTH = 512 }; /* results that are reduced at once, at most */

typedef struct cnn__array_reduction {
    cnn__nest outer, inner;
    bool columns; /* are neighbouring results reduced at once? */
    /* The loop of the same name in map.h, or NULL. */
    void (*sum_columns)(const float *x, int64_t n, int64_t stride, int64_t width, float *y);
    cnn__short_sums_fn short_sums; /* for sums of so few floats that rows are summed together; else NULL */
    int64_t outer_count, inner_count;
    int64_t group;          /* results of a task */
    bool few;               /* so few results that they are cut into stretches? */
    int64_t y_step, x_step; /* strides along the last outer dimension */
    const cnn__reducer *reduce, *join;
    cnn_dtype accumulator, result;
    size_t x_size, y_size;
    char *y;
    const char *x;
    const cnn__product_gradients *products; /* what makes the elements that are reduced; NULL: those of x are */
    cnn__map product;
    cnn__product_sums_fn product_sums; /* sums of neighbours in its dtype; NULL: there are none */
    bool product_rows;                 /* whether one call makes the results of a run */
} cnn__array_reduction;

/* All but the operands and the products. */
void cnn__reduction_prepare(cnn__array_reduction *r, const cnn__map_tables *tables, cnn__reduce op,
                            const cnn__nest *outer, const cnn__nest *inner, cnn_dtype dtype);
void cnn__reduction_run(const cnn__array_reduction *r, cnn__pool *pool);

/* What r->reduce makes of the products dy · a of `width` columns from x on, whose results lie from y on, over a
 * stretch of the inner nest. */
void cnn__reduce_products(const cnn__array_reduction *r, int64_t y, int64_t x, int64_t first, int64_t count,
                          int64_t width, double *results);

#endif
