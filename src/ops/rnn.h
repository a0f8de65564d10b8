/* What forward and backward of recurrent networks share. */
#ifndef CNN_OPS_RNN_INSIDE_H
#define CNN_OPS_RNN_INSIDE_H

#include "ops/operation.h"

enum {
    CNN__RNN_X,
    CNN__RNN_H0,
    CNN__RNN_C0, /* only an LSTM has it */
    CNN__RNN_W_IH,
    CNN__RNN_W_HH,
    CNN__RNN_B_IH,
    CNN__RNN_B_HH,
    CNN__RNN_LENGTHS,
    CNN__RNN_INPUTS,
    CNN__RNN_FILLING = 31 /* columns that a packed form may have besides */
};
/* Behind the results are the gates of all steps, activated; c of all steps, or a GRU's part of the recurrent product;
 * and with lengths h of all steps, because the states of sequences that have ended are not in y. */
enum {
    CNN__RNN_Y,
    CNN__RNN_H_N,
    CNN__RNN_C_N,
    CNN__RNN_RESULTS,
    CNN__RNN_GATES = CNN__RNN_RESULTS,
    CNN__RNN_KEPT,
    CNN__RNN_STATES,
    CNN__RNN_OUTPUTS
};

typedef struct cnn__rnn {
    int64_t steps, batch, in, hidden;
    int64_t width;  /* the width of the gates */
    int64_t stride; /* elements from one of their rows to the next */
    bool reverse;
    int cell;
    const cnn_rnn_options *given; /* for infer */
} cnn__rnn;

/* The elements of t from row `row` of `width` on; NULL for NULL. */
static inline void *cnn__rnn_rows(const cnn_tensor *t, int64_t row, int64_t width)
{
    return t ? (char *)cnn__data(t) + (size_t)(row * width) * cnn_dtype_size(t->dtype) : NULL;
}

/* The time of step k. */
static inline int64_t cnn__rnn_time(const cnn__rnn *r, int64_t k)
{
    return r->reverse ? r->steps - 1 - k : k;
}

/* State number k − 1 in `states`, which has those of all steps, or the first one; NULL: zeros. */
static inline void *cnn__rnn_before(const cnn__rnn *r, int64_t k, const cnn_tensor *first, const cnn_tensor *states)
{
    return k ? cnn__rnn_rows(states, cnn__rnn_time(r, k - 1) * r->batch, r->hidden) : cnn__rnn_rows(first, 0, 0);
}

/* The product of a launch; `weight` is b where that is a weight whose packed form may be kept, else NULL. */
bool cnn__rnn_multiply(cnn_tape *tape, const char *call, cnn_dtype dtype, const cnn__gemm *g, const void *a,
                       const void *b, const void *bias, void *c, const cnn_tensor *weight);
/* The product a · weight of a step. `memory`, which is like the weight, has room for its packed form, which the first
 * step writes; NULL: the form is kept, if any, with the weight. */
bool cnn__rnn_multiply_step(cnn_tape *tape, const char *call, const cnn__gemm *g, const void *a,
                            const cnn_tensor *weight, void *c, const cnn_tensor *memory, bool first);
void cnn__rnn_backward(cnn__node *node, cnn_tensor *dy);

#endif
