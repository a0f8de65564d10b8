/* What operations with index tensors share: checks of indices, and the launches that read or write where they say. */
#ifndef CNN_OPS_INDEXING_H
#define CNN_OPS_INDEXING_H

#include "ops/operation.h"

/* The attributes of an operation along one dimension. */
typedef struct cnn__indexing {
    int dim;
    double value; /* the number that some of them write */
} cnn__indexing;

extern const cnn__attribute cnn__indexing_attributes[];

/* Is input i int64 or int32? */
bool cnn__call_indices(cnn__call *call, int i);
/* Whether input 1, the index, has the rank of input i and, except along `dim`, no larger sizes; false: it has not,
 * reported. */
bool cnn__call_index_fits(cnn__call *call, int i, int dim);
/* Whether every index of input i, which is contiguous, is within dimension `dim` of size n; false: one is not,
 * reported. A device reports it later. */
bool cnn__indices_check(cnn__call *call, int i, int dim, int64_t n);

/* y ← x at the index along dimension `dim`. The index has the rank of x, and is as large as what is read; or it is one
 * list for all lines of x. */
bool cnn__run_gather(cnn_tape *tape, const char *call, const cnn_tensor *y, const cnn_tensor *x,
                     const cnn_tensor *index, int dim);
/* y at the index ← x, by CNN_KERNEL_SCATTER or CNN_KERNEL_SCATTER_ADD; x may be a scalar. */
bool cnn__run_scatter(cnn_tape *tape, const char *call, cnn_kernel kernel, const cnn_tensor *y, const cnn_tensor *x,
                      const cnn_tensor *index, int dim);

#endif
