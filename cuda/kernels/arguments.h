/* The arguments of the kernels, which plan.c fills in. Every kernel has one of three structs; the comment in front of
 * it says what its sizes and values are. */
#ifndef CNN_CUDA_ARGUMENTS_H
#define CNN_CUDA_ARGUMENTS_H

#include "portable.h"

enum { PLAIN_SIZES = 32, PLAIN_VALUES = 12, NESTED_SIZES = 8, NESTED_VALUES = 4, NEST_DIMS = 8, NEST_OPERANDS = 4 };

/* cuda_status of plan.h */
typedef struct queue_status {
    uint64_t failed, position;
    int64_t value, kernel;
} queue_status;

typedef struct plain_arguments {
    queue_status *status;
    const void *in[6];
    void *out[4];
    void *workspace;
    int64_t size[PLAIN_SIZES];
    double value[PLAIN_VALUES];
} plain_arguments;

/* The argument of those variants of kernels (KERNEL_OF_STEPS) whose own argument is in the device's memory. */
typedef struct distant_arguments {
    queue_status *status;
    const void *argument;
} distant_arguments;

/* cnn_nest, with neighbouring dimensions joined where that is possible, and the number of its elements. */
typedef struct kernel_nest {
    int ndim;
    int64_t count;
    int64_t shape[NEST_DIMS];
    int64_t stride[NEST_OPERANDS][NEST_DIMS];
} kernel_nest;

typedef struct nested_arguments {
    queue_status *status;
    const void *in[6];
    void *out[4];
    void *workspace;
    int64_t size[NESTED_SIZES];
    double value[NESTED_VALUES];
    kernel_nest nest, inner;
} nested_arguments;

/* Steps of many parameters with the same numbers, a row each. There are as many rows as there is room for in an
 * argument of 4 KiB, which is all that CUDA allows; only those that are used need to be handed over. A row's blocks are
 * numbered from `begin`. */
enum { TABLE_VALUES = 12, TABLE_ROWS = 60 };

typedef struct table_row {
    const void *in[2];
    void *out[4];
    int64_t n; /* elements of every operand but totals, in[1], which are at most two doubles */
    int32_t begin, blocks;
} table_row;

typedef struct table_arguments {
    queue_status *status;
    int64_t rows;
    int64_t element; /* bytes of an element of an operand but totals */
    int64_t doubles; /* whether out[0] has a double for each block of the row, and in[0] alone n elements */
    int64_t flag;
    double value[TABLE_VALUES];
    table_row row[TABLE_ROWS];
} table_arguments;

/* The row that a block belongs to. */
DEVICE const table_row *table_row_of(const table_arguments *a, int64_t block)
{
    int low = 0, high = (int)a->rows; /* it is in low … high − 1 */
    while (high - low > 1) {
        const int middle = (low + high) / 2;
        if (a->row[middle].begin <= block) {
            low = middle;
        } else {
            high = middle;
        }
    }
    return &a->row[low];
}

#define EACH_OF(i, row) EACH_AMONG(i, (row)->n, BLOCK - (row)->begin, (row)->blocks)

/* Where element i of a nest is in each operand. */
DEVICE void nest_seek(const kernel_nest *nest, int64_t i, int operands, int64_t *at)
{
    for (int k = 0; k < operands; k++) {
        at[k] = 0;
    }
    for (int d = nest->ndim - 1; d >= 0; d--) {
        int64_t rest = d ? quotient(i, nest->shape[d]) : 0, index = d ? i - rest * nest->shape[d] : i;
        for (int k = 0; k < operands; k++) {
            at[k] += index * nest->stride[k][d];
        }
        i = rest;
    }
}

/* The same for one operand. */
DEVICE int64_t nest_at(const kernel_nest *nest, int64_t i, int operand)
{
    int64_t at = 0;
    for (int d = nest->ndim - 1; d >= 0; d--) {
        int64_t rest = d ? quotient(i, nest->shape[d]) : 0;
        at += (d ? i - rest * nest->shape[d] : i) * nest->stride[operand][d];
        i = rest;
    }
    return at;
}

#endif
