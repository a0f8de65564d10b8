/* The inside of samplers: a number of samples per epoch and a function that writes the order of an epoch. */
#ifndef CNN_DATA_SAMPLER_H
#define CNN_DATA_SAMPLER_H

#include "base/context.h"

#include <cnn/sampler.h>

/* The largest epoch that may be asked for; counting up from it cannot overflow. */
#define CNN__LAST_EPOCH ((int64_t)1 << 62)

struct cnn_sampler {
    cnn_context *ctx; /* held */
    int64_t count;    /* samples per epoch */
    int64_t limit;    /* each of them is below this; 0: only the callback knows */
    cnn_status (*order)(cnn_sampler *sampler, const char *call, uint64_t seed, int64_t epoch, int64_t *order);
    int64_t *numbers; /* the listed samples of a subset; scratch memory for the order of all ranks */
    double *tree;     /* weighted: the tree of sums of an epoch, and the weights behind it */
    int64_t leaves;   /* weighted: of the tree, a power of two */
    int ranks, rank;
    bool shuffle, replacement;
    bool owned; /* a loader owns it */
    cnn_sampler_callbacks callbacks;
};

/* The random key of the order of an epoch: shuffles have streams above all those that a context uses. */
static inline void cnn__order_key(uint64_t seed, int64_t epoch, uint64_t key[2])
{
    key[0] = seed;
    key[1] = (uint64_t)1 << 63 | (uint64_t)epoch;
}

/* Frees a sampler, whoever owns it; NULL is fine. */
void cnn__sampler_release(cnn_sampler *sampler);

/* The seed, or the context's present one if it is 0. */
uint64_t cnn__order_seed(cnn_context *ctx, uint64_t seed);

#endif
