/* Gradients that pass several elementwise operations one after the other, each the only use of the result before it:
 * what single launches would write and read again between two of them is computed a block at a time, in the cache.
 *
 * The gradient that an operation of a chain hands on is *deferred*: a handle that shows the elements with which the
 * chain began, until the chain ends. It ends where the next operation of the list is none of a chain, or not the one
 * that made the operand. The bits are those of single launches. */
#ifndef CNN_AUTOGRAD_CHAIN_H
#define CNN_AUTOGRAD_CHAIN_H

#include "autograd/tape.h"
#include "kernels/array/map.h"

enum { CNN__CHAIN_STEPS = 4 };

/* The chain of a walk; only `tail` need be set before. */
typedef struct cnn__chain {
    cnn_tensor *tail; /* the deferred gradient; NULL: there is no chain */
    cnn_tensor *dy;   /* what the steps begin with */
    int count;
    cnn__gradient_step steps[CNN__CHAIN_STEPS];
    cnn_tensor *operands[2 * CNN__CHAIN_STEPS]; /* what the steps read; NULL: nothing */
    /* The gradient of a factor, which the pass makes beside the one that is handed on; no node: there is none */
    cnn__node *side;
    int side_operand;
    cnn_tensor *side_gradient;
} cnn__chain;

/* Whether kernels of a dtype run here, and nobody watches single launches: several may be one pass over memory. */
bool cnn__may_join(const cnn__step *step, cnn_dtype dtype);
/* Whether they may, and a chain that begins with dy is worth it. */
bool cnn__chain_pays(const cnn__step *step, const cnn_tensor *dy);
/* Hands on what a kernel of CNN_KERNEL_UNARY, BINARY or SLOPE makes of dy and of `other`, of which dy is the second
 * operand for `second`; false: it has to be launched, and dy is not deferred. */
bool cnn__chain_map(cnn__node *node, cnn_kernel kernel, int function, const double *value, cnn_tensor *dy,
                    const cnn_tensor *other, bool second);
/* Hands on the gradient of one factor of a product, of which none was broadcast, with that of the other at its side;
 * false: it has to be launched, and dy is not deferred. */
bool cnn__chain_product(cnn__node *node, cnn_tensor *dy);
/* Computes dy if it is deferred. */
void cnn__chain_settle(cnn_tape *tape, cnn_tensor *dy);
/* The walk ends. */
void cnn__chain_close(cnn_tape *tape);
/* The leaf whose gradient the chain writes; NULL: none. */
const cnn_tensor *cnn__chain_leaf(const cnn__step *step);

#endif
