/* One time step of an LSTM behind its matrix products (Hochreiter & Schmidhuber, "Long Short-Term Memory", 1997, with
 * the forget gate of Gers et al.), and its gradient. In the order of PyTorch's weights
 *
 *     i, f, o = sigmoid(…), g = tanh(…)       c = f · c_before + i · g       h = o · tanh(c)
 *
 * Rows are samples; all elements are f32 or f64. */
#ifndef CNN_KERNELS_ARRAY_LSTM_H
#define CNN_KERNELS_ARRAY_LSTM_H

#include "kernels/array/array.h"

typedef struct cnn__lstm_step {
    cnn_dtype dtype;
    int64_t rows, hidden;
    const void *bias;                /* [4·hidden], added to the gates; NULL: none */
    const void *c_before;            /* [rows,hidden]; NULL: zeros */
    void *gates;                     /* [rows,4·hidden]: i, f, g, o, which forward activates in place */
    void *c, *h;                     /* [rows,hidden] */
    const cnn__array_kernels *array; /* whose activations it takes */
} cnn__lstm_step;

/* Reads gates, writes gates, c and h. */
void cnn__lstm_forward(const cnn__lstm_step *s, cnn__pool *pool);

typedef struct cnn__lstm_grad {
    const void *dh[2]; /* two parts of the gradient of h; NULL: no such part */
    const void *dc;    /* of c from the steps behind; NULL: none */
    void *dgates;      /* of the gates before activation */
    void *dc_before;   /* may be dc */
} cnn__lstm_grad;

/* Reads gates, c and c_before of `s`; writes dgates and dc_before. */
void cnn__lstm_backward(const cnn__lstm_step *s, const cnn__lstm_grad *g, cnn__pool *pool);

#endif
