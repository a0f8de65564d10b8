/* Reductions that take several kernels: a copy of x in the dtype that kernels compute in, which is worked on in
 * place, is reduced, and the result worked on in place. So a bfloat16 is rounded once. */
#ifndef CNN_OPS_REDUCED_H
#define CNN_OPS_REDUCED_H

#include "ops/operation.h"

typedef struct cnn__reduced {
    cnn__call *call;
    const cnn__axes *axes;
    cnn_tensor *x;           /* the copy, contiguous */
    const cnn_tensor *given; /* what x is a copy of, as long as x has not been written; then NULL */
    cnn_tensor *result;      /* the result of the reduction: the output, or wider */
} cnn__reduced;

/* Makes the result and room for the copy of input 0, which the first function writes; false: no memory, reported. */
bool cnn__reduced_begin(cnn__reduced *r, cnn__call *call, const cnn__axes *axes);
/* A result with size 1 where a dimension is reduced; NULL: no memory, reported. */
cnn_tensor *cnn__reduced_kept(cnn__reduced *r);
/* Where the elements of t are: t, or the input that t will be a copy of. */
const cnn_tensor *cnn__reduced_read(const cnn__reduced *r, const cnn_tensor *t);
/* Each element of t becomes a function of itself, with one number. */
bool cnn__reduced_map(cnn__reduced *r, cnn_tensor *t, cnn_unary function, double value);
/* Each element of t meets that of `other`, which is broadcast. */
bool cnn__reduced_with(cnn__reduced *r, cnn_tensor *t, cnn_binary function, const cnn_tensor *other);
/* `to` ← the copy reduced. Of no elements only a sum can be made. */
bool cnn__reduced_reduce(cnn__reduced *r, cnn_reduce function, const cnn_tensor *to);
/* Writes the output where it is not the result itself, and drops the copy. */
bool cnn__reduced_end(cnn__reduced *r);

/* y ← Σ a · b over the axes, in one pass that stores no products, with their bits; false: nothing has been done. */
bool cnn__sum_products(const cnn__step *step, const cnn__axes *axes, const cnn_tensor *a, const cnn_tensor *b,
                       const cnn_tensor *y);

/* ---- inside a backward, which computes in the wider dtype, too ---- */
cnn_tensor *cnn__reduced_widen(cnn_tensor *t);
/* y, a result or its gradient, widened and with the reduced dimensions as 1. */
cnn_tensor *cnn__reduced_spread(const cnn__node *node, const cnn__axes *axes, cnn_tensor *y);
/* Adds dx, which is rounded, to the gradient of input 0. */
void cnn__reduced_add(cnn__node *node, cnn_tensor *dx);

#endif
