/* What the loops of the cross-entropy kernel and their caller share. */
#ifndef CNN_KERNELS_ARRAY_SOFTMAX_NLL_LOOPS_H
#define CNN_KERNELS_ARRAY_SOFTMAX_NLL_LOOPS_H

#include "base/math.h"
#include "kernels/array/softmax_nll.h"

#include <cnn/ops.h>

#include <math.h>
#include <stddef.h>

/* CNN__NLL_LONG_ROWS: long rows of a run whose statistics are made, because logarithms are made so many at once. */
enum { CNN__NLL_RUN = 64, CNN__NLL_LONG_BLOCK = 512, CNN__NLL_LONG_ROWS = 8 };

/* Samples sample … sample + count − 1; `first` is the place of class 0 of the first one among the logits. */
typedef struct cnn__nll_run {
    int64_t sample, first;
    int count;
} cnn__nll_run;

typedef struct cnn__nll_gradients {
    const void *dy;
    bool each;
    double scale;
    void *dlogits, *dtarget;
} cnn__nll_gradients;

/* The loops of one dtype. */
struct cnn__nll_loops {
    /* Writes the statistics of the run's samples. */
    void (*statistics)(const cnn__softmax_nll *g, cnn__nll_run r);
    /* Returns the cross-entropy of one sample, with probabilities, or with smoothing. */
    double (*loss)(const cnn__softmax_nll *g, int64_t sample, int64_t first);
    /* dlogits = dy[sample] · d loss / d logit of the cross-entropy */
    void (*gradient)(const cnn__softmax_nll *g, cnn__nll_run r, const double *dy, void *dlogits);
};

/* What all dtypes share. */
void cnn__nll_forward(const cnn__softmax_nll *g, cnn__nll_run r, void *losses, double sums[2]);
void cnn__nll_backward(const cnn__softmax_nll *g, cnn__nll_run r, const cnn__nll_gradients *out);

/* Whether targets are indices; else they are probabilities. */
static inline bool cnn__nll_indexed(const cnn__softmax_nll *g)
{
    return g->target_dtype != CNN_F32 && g->target_dtype != CNN_F64;
}

static inline int64_t cnn__nll_index(const cnn__softmax_nll *g, int64_t sample)
{
    if (g->target_dtype == CNN_I64) {
        return ((const int64_t *)g->target)[sample];
    }
    return g->target_dtype == CNN_I32 ? ((const int32_t *)g->target)[sample] : ((const uint8_t *)g->target)[sample];
}

/* Whether samples are short rows, of which a run has several. */
static inline bool cnn__nll_short(const cnn__softmax_nll *g)
{
    return g->inner == 1 && g->classes < CNN__NLL_RUN;
}

/* The place of class 0 of sample i of a run. */
static inline int64_t cnn__nll_first(const cnn__softmax_nll *g, cnn__nll_run r, int64_t i)
{
    return r.first + (g->inner == 1 ? i * g->classes : i);
}

#endif
