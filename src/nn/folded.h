/* A batch normalisation folded into the weight and the bias of the convolution before it, kept for as long as nobody
 * writes what they were made of. */
#ifndef CNN_NN_FOLDED_H
#define CNN_NN_FOLDED_H

#include "ops/geometry.h"
#include "tensor/kept.h"

/* What a normalisation layer keeps; the context's lock guards it. All zero: nothing. */
typedef struct cnn__folded {
    cnn_tensor *made[CNN__FOLDED]; /* plain tensors */
    cnn__elements_state of[CNN__FOLDS];
    double eps;
} cnn__folded;

/* The folded weight and bias of the inputs, with a reference each for the caller. false: they are not kept, because
 * they are on a device or computed in another dtype, or because there is no memory. */
bool cnn__folded_take(cnn__folded *f, cnn_tensor *const inputs[CNN__FOLDS], double eps, cnn_tensor *folded[2]);
void cnn__folded_free(cnn__folded *f);

#endif
