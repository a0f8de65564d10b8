/* What a recurrent step and its loops on rows of each dtype have in common (rnn.c, rnn_impl.h). */
#ifndef CNN_KERNELS_ARRAY_RNN_H
#define CNN_KERNELS_ARRAY_RNN_H

#include "kernels/array/map.h"

typedef struct cnn__rnn_step {
    cnn_dtype dtype;
    int cell;
    int64_t rows, hidden, time;
    int64_t parts;                        /* gates */
    int64_t stride;                       /* elements from one row of the gates to the next */
    const void *bias, *before, *h_before; /* before: c; of a GRU forward the recurrent product, backward h */
    const int64_t *lengths;               /* NULL: all sequences take part */
    void *gates, *kept, *h, *y;           /* kept: c; of a GRU n's part of the recurrent product */
    const cnn__array_kernels *array;      /* whose activations it takes */
} cnn__rnn_step;

typedef struct cnn__rnn_gradient {
    const void *dy;
    void *dgates, *dh, *more; /* more: dc; of a GRU the gradient of the recurrent product */
} cnn__rnn_gradient;

/* The loops of a dtype, each of one row. */
struct cnn__rnn_loops {
    void (*add)(int64_t n, int64_t first, const void *from, const void *bias, void *to);
    void (*cell)(const cnn__rnn_step *s, int64_t row);
    void (*reset)(const cnn__rnn_step *s, int64_t row);
    void (*relu)(const cnn__rnn_step *s, int64_t row);
    void (*output)(const cnn__rnn_step *s, int64_t row);
    void (*slopes[4])(const cnn__rnn_step *s, const cnn__rnn_gradient *grad, int64_t row);
};

extern const cnn__rnn_loops cnn__rnn_loops_f64;

#endif
