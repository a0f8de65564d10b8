/* Scaled dot-product attention, block by block: of the weights of a matrix only a block of rows exists at a time, in
 * the workspace, unless the caller wants them. Backward computes them once more. */
#ifndef CNN_KERNELS_ARRAY_ATTENTION_H
#define CNN_KERNELS_ARRAY_ATTENTION_H

#include "base/random.h"
#include "kernels/array/array.h"
#include "kernels/launch.h"

/* A launch, cut into blocks. */
typedef struct cnn__attention_job {
    const cnn_attention_parameters *p;
    const cnn_launch *l;
    const cnn__real_kernels *real;
    const cnn__array_kernels *array; /* whose softmax it takes */
    int64_t size;                    /* the size of an element */
    int64_t rows;                    /* the rows per block */
    int64_t blocks;
    size_t each; /* workspace of a worker */
    bool backward;
} cnn__attention_job;

/* A block of a matrix. */
typedef struct cnn__attention_block {
    const cnn__attention_job *job;
    int64_t matrix, begin, rows, keys; /* keys that any of its queries sees */
    const char *q, *k, *v, *mask;
    char *weights, *gradient, *workspace; /* [rows,job->p->keys] the first two */
    int64_t drawn;                        /* the group of blocks that `draws` holds; −1: none */
    uint32_t draws[CNN__DRAWS];
} cnn__attention_block;

/* The products of a block. */
typedef enum cnn__attention_product {
    CNN__SCORES, /* q · kᵀ */
    CNN__VALUES, /* weights · v */
    CNN__DVALUES,
    CNN__DWEIGHTS,
    CNN__DQUERIES,
    CNN__DKEYS,
    CNN__ATTENTION_PRODUCTS
} cnn__attention_product;

cnn__gemm cnn__attention_gemm(const cnn__attention_block *b, cnn__attention_product which);
/* Block number `block` of a matrix, with its operands, but without memory for weights, gradient and workspace. */
void cnn__attention_begin(cnn__attention_block *b, const cnn__attention_job *job, int64_t matrix, int64_t block);
void cnn__attention_forward(cnn__attention_block *b);
/* Writes the gradients of queries and mask, and adds to those of keys and values. */
void cnn__attention_backward(cnn__attention_block *b, char *dk, char *dv);

#endif
