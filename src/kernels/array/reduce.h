/* Reductions of one tile: `width` neighbouring columns, reduced over a stretch of a nest into accumulators.
 *
 * Reals are accumulated in double and integers in int64_t, so that there are two kinds of accumulators; both have 8
 * bytes. */
#ifndef CNN_KERNELS_ARRAY_REDUCE_H
#define CNN_KERNELS_ARRAY_REDUCE_H

#include "kernels/array/nest.h"

/* One operation on elements of one dtype. */
typedef struct cnn__reducer {
    /* Joins n elements to an accumulator. */
    void (*part)(const void *x, int64_t n, int64_t stride, void *accumulator);
    /* Joins n rows, `stride` elements from one to the next, to `width` accumulators. */
    void (*rows)(const void *x, int64_t n, int64_t stride, int64_t width, void *restrict accumulators);
    union {
        double real;
        int64_t integer;
    } start;      /* an accumulator that nothing was joined to */
    int64_t size; /* bytes of an element */
} cnn__reducer;

/* By operation and dtype. Those of CNN_F64 and CNN_I64 also combine accumulators. */
extern const cnn__reducer cnn__reducers[CNN_REDUCE_OF_COUNT][CNN_BOOL + 1];

/* Reduces the `count` elements of the nest (operand 1) from position `first` on, for each of the columns x, x + 1, … */
void cnn__reduce_tile(const cnn__reducer *reducer, const void *x, const cnn__nest *nest, int64_t first, int64_t count,
                      int64_t width, void *accumulators);

/* Whether each of some neighbouring rows of n elements is reduced as one, not cut into stretches. */
bool cnn__reduces_rows(int64_t rows, int64_t n);

/* Neighbouring reals. */
static inline double cnn__reduce_row(const cnn__reducer *reducer, const void *x, int64_t n)
{
    double result = reducer->start.real;
    reducer->part(x, n, 1, &result);
    return result;
}

/* The smallest and the sum of f32 by AVX2, which AVX-512 shares, too, or with some processors. */
void cnn__part_min_avx2(const void *x, int64_t n, int64_t stride, void *accumulator);
void cnn__rows_min_avx2(const void *x, int64_t n, int64_t stride, int64_t width, void *restrict accumulators);
void cnn__part_sum_avx2(const void *x, int64_t n, int64_t stride, void *accumulator);
void cnn__rows_sum_avx2(const void *x, int64_t n, int64_t stride, int64_t width, void *restrict accumulators);

/* map_tables.sum_columns of AVX2, which AVX-512 shares: it waits for conversions and memory. */
enum { CNN__SUM_COLUMNS = 8 }; /* columns at least */
void cnn__sum_columns_avx2(const float *x, int64_t n, int64_t stride, int64_t width, float *y);

/* Sums of rows of n floats, `step` from one to the next, where a call for each would take longer than its sum; with the
 * bits of reduce_impl.h. */
enum { CNN__SHORT_ROW = 24 }; /* less elements than it sums in more lanes than 8 */
typedef void (*cnn__short_sums_fn)(int64_t rows, int64_t step, int64_t n, const float *x, double *sums);
void cnn__store_floats(int64_t n, const double *from, float *to);
void cnn__short_sums(int64_t rows, int64_t step, int64_t n, const float *x, double *sums);
void cnn__short_sums_avx2(int64_t rows, int64_t step, int64_t n, const float *x, double *sums); /* the same bits */

/* Sums of x · y, each product rounded to f32, of neighbouring rows of at most 4096 elements: with the bits of sums of
 * stored products. */
typedef void (*cnn__product_sums_fn)(int64_t rows, int64_t n, const float *x, const float *y, double *sums);
void cnn__product_sums_avx2(int64_t rows, int64_t n, const float *x, const float *y, double *sums);

/* Products of f32, for all instruction sets. */
void cnn__part_product_f32(const void *x, int64_t n, int64_t stride, void *accumulator);
void cnn__rows_product_f32(const void *x, int64_t n, int64_t stride, int64_t width, void *restrict accumulators);

#endif
