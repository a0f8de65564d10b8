/* What several operations share: checks that report, constants inside a backward, dimensions to reduce. */
#ifndef CNN_OPS_OPERATION_H
#define CNN_OPS_OPERATION_H

#include "autograd/tape.h"

#include <cnn/ops.h>

/* Reads a call's options (NULL: all defaults); false: bad ones, reported. */
#define CNN__CALL_OPTIONS(call, ours, given) \
    cnn__call_options((call), (ours), sizeof *(ours), offsetof(__typeof__(*(ours)), reserved), (given))
bool cnn__call_options(cnn__call *call, void *ours, size_t size, size_t known, const void *given);

/* The descriptor of a public function that is made of others, which compute and have the gradients: a name for messages
 * and, as `...`, what cnn__call_begin() reads. */
#define CNN__COMPOSITION(function, ...) \
    { \
        .name = #function, __VA_ARGS__ \
    }

/* Is input i f32, f64 or an integer? */
bool cnn__call_number(cnn__call *call, int i);

/* Dimension `dim` of a tensor of `ndim` dimensions as 0..ndim-1; −1: there is none, reported. */
int cnn__call_dim(cnn__call *call, int dim, int ndim);

/* The common shape of inputs a and b; false: they do not broadcast, reported. */
bool cnn__call_broadcast(cnn__call *call, int a, int b, int *ndim, int64_t *shape);

/* Output 0 is new and has the common shape of inputs 0 and 1; false: they do not broadcast, reported. */
bool cnn__call_out_broadcast(cnn__call *call, cnn_dtype dtype);

/* Row `row` of `rows` as 0..rows-1, counted from the end where it is negative; −1: there is none. */
static inline int64_t cnn__row_number(int64_t row, int64_t rows)
{
    int64_t found = row < 0 ? row + rows : row;
    return found >= 0 && found < rows ? found : -1;
}

/* "[2,0,5]": where element `number` of t is, in row-major order. */
const char *cnn__position_text(char text[CNN__SHAPE_TEXT], const cnn_tensor *t, int64_t number);

/* Inside a backward: a scalar on the tape. NULL: no memory, the tape has failed. */
cnn_tensor *cnn__constant(const cnn__node *node, cnn_dtype dtype, double value);

/* The dimensions of a reduction. */
typedef struct cnn__axes {
    bool reduced[CNN_MAX_DIMS];
    int ndim;                    /* the rank of the result */
    int64_t shape[CNN_MAX_DIMS]; /* the shape of the result */
    int64_t keep[CNN_MAX_DIMS];  /* the shape of the result with keepdim */
    int64_t elements;            /* elements that one result is reduced from */
} cnn__axes;

/* The attributes of a reduction: `axes`, which its infer finds by cnn__call_axes() from the rest. */
typedef struct cnn__reduction {
    cnn__axes axes; /* first: gradients read it alone */
    int count;
    int dims[CNN_MAX_DIMS]; /* from 0 on */
    bool keepdim;
    const int *given; /* for infer: with dimensions counted from the end */
} cnn__reduction;

extern const cnn__attribute cnn__reduction_attributes[];

/* Which dimensions of input 0 a reduction removes; false: bad ones, reported. */
bool cnn__call_axes(cnn__call *call, cnn__reduction *reduction);

/* The nests of a reduction of x to a contiguous result. */
void cnn__axes_nests(const cnn__axes *axes, const cnn_tensor *x, cnn__nest *outer, cnn__nest *inner);

#endif
