/* The kernel of losses over classes, and their gradients. The cross-entropy is log-softmax and negative log-likelihood
 * in one pass:
 *
 * loss[s] = −Σ_c q[s,c] · logp[s,c] with logp = log softmax of the logits over the classes and, ε being the smoothing,
 *   class indices:       q = (1 − ε) · w[t] · (c == t) + ε/C · w[c];  0 for an ignored sample
 *   class probabilities: q = w[c] · ((1 − ε) · target[s,c] + ε/C)
 * (torch.nn.functional.cross_entropy). Only the largest logit and the log-sum of each sample are kept for backward.
 * CNN_LOSS_NLL and CNN_LOSS_MULTI_MARGIN, whose formulas are in <cnn/kernels/elements.h>, take class indices. */
#ifndef CNN_KERNELS_ARRAY_SOFTMAX_NLL_H
#define CNN_KERNELS_ARRAY_SOFTMAX_NLL_H

#include "kernels/array/map.h"

#include <cnn/backend.h>

/* Samples are (n, d): number n·inner + d, logits at [n, c, d] of a contiguous [batch, classes, inner]. */
typedef struct cnn__softmax_nll {
    cnn_dtype dtype; /* f32 or f64, of everything but indices */
    int64_t batch, classes, inner;
    const void *logits;
    const void *weight;     /* [classes] or NULL for ones */
    cnn_dtype target_dtype; /* i64, i32, u8: indices [batch, inner]; else probabilities, like the logits */
    const void *target;
    int64_t ignore_index;
    double smoothing, share; /* ε and ε/C */
    void *stats; /* [2, samples]: the largest logit; the log of Σ exp(logit − largest); only the cross-entropy has it */
    const cnn__nll_loops *loops;         /* the loops of that dtype */
    cnn__map_fn exp;                     /* the map exp of that dtype */
    const cnn__reducer *largest, *total; /* the same */
    cnn__transpose_fn transpose;         /* a transposition of f32, or NULL */
    cnn_class_loss function;
    int power;
    double margin;
} cnn__softmax_nll;

extern const cnn__nll_loops cnn__nll_loops_f64;

size_t cnn__softmax_nll_workspace(const cnn__softmax_nll *g);

/* Writes stats and, where not NULL, the loss of each sample. sums[0] is the sum of all losses, sums[1] what the mean
 * divides by: indices: Σ w[t] over samples not ignored; probabilities and CNN_LOSS_MULTI_MARGIN: the samples.
 * Indices have been checked. */
void cnn__softmax_nll_forward(const cnn__softmax_nll *g, void *losses, double sums[2], double *workspace,
                              cnn__pool *pool);

/* dy holds one gradient for all samples (each false) or one for each. Writes, where not NULL, scale·dy times the
 * derivative to the logits, and to the target's probabilities. */
void cnn__softmax_nll_backward(const cnn__softmax_nll *g, const void *dy, bool each, double scale, void *dlogits,
                               void *dtarget, cnn__pool *pool);

/* The loss by its reduction, a cnn_reduction: `y` is one number, or one for each sample. `totals` gets the sum of all
 * losses and what they are divided by (1 where they are not), which backward reads. */
void cnn__cross_entropy(const cnn__softmax_nll *g, int reduction, void *y, double totals[2], double *workspace,
                        cnn__pool *pool);
void cnn__cross_entropy_backward(const cnn__softmax_nll *g, int reduction, const void *dy, const double totals[2],
                                 void *dlogits, void *dtarget, cnn__pool *pool);

#endif
