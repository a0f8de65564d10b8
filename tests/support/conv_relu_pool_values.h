/* Compares a table's fused kernels for convolution, ReLU and pooling with the chain of the reference, including
 * values that are not finite (conv_values.h). */
#ifndef CNN_TESTS_SUPPORT_CONV_RELU_POOL_VALUES_H
#define CNN_TESTS_SUPPORT_CONV_RELU_POOL_VALUES_H

#include "support/conv_values.h"

/* What the reference's chain makes, and a table's kernels with the chain's index. */
typedef struct fused_results {
    float *y, *dx, *dw;
    uint8_t *index;
} fused_results;

static inline fused_results fused_run(const cnn__real_kernels *table, const conv_operands *o, int64_t pooled,
                                      const uint8_t *index, cnn__pool *pool)
{
    const cnn__conv *g = &o->g;
    int workers = cnn__pool_size(pool);
    fused_results r = { numbers(pooled, 9), numbers(o->count[X], 9), numbers(o->count[WEIGHT], 9), block((size_t)pooled) };
    void *memory[3] = { workspace_new(table->conv_relu_pool_forward_workspace(g, workers)),
                        workspace_new(table->conv_relu_pool_backward_data_workspace(g, workers)),
                        workspace_new(table->conv_relu_pool_backward_weight_workspace(g, workers)) };
    table->conv_relu_pool_forward(g, o->of[X], o->of[WEIGHT], NULL, r.y, r.index, memory[0], pool);
    index = index ? index : r.index;
    table->conv_relu_pool_backward_data(g, o->of[Y], index, o->of[WEIGHT], r.dx, memory[1], pool);
    table->conv_relu_pool_backward_weight(g, o->of[X], o->of[Y], index, r.dw, NULL, memory[2], pool);
    for (int k = 0; k < 3; k++) {
        free(memory[k]);
    }
    return r;
}

static inline void fused_free(fused_results *r)
{
    free(r->y);
    free(r->dx);
    free(r->dw);
    free(r->index);
}

static inline void same_as_chain(const conv_operands *o, const char *what, const char *table, const float *given,
                                 const float *expected, int64_t n)
{
    double *wide = block((size_t)n * sizeof *wide);
    for (int64_t k = 0; k < n; k++) {
        wide[k] = (double)expected[k];
    }
    same_values(what, table, given, wide, n, 2e-5 * magnitude(o, wide, n));
    free(wide);
}

/* Every table for 1 and 3 threads against the reference's chain. */
static inline void compare_fused(const conv_operands *o, int64_t pooled, const char *what)
{
    fused_results expected = fused_run(reference(), o, pooled, NULL, NULL);
    FOR_TABLES(k)
    {
        fused_results one = fused_run(k->f32, o, pooled, expected.index, contexts[0]->pool);
        fused_results three = fused_run(k->f32, o, pooled, expected.index, contexts[1]->pool);
        same_bits(what, k->name, "forward", one.y, three.y, (size_t)pooled * sizeof(float));
        same_bits(what, k->name, "the data", one.dx, three.dx, (size_t)o->count[X] * sizeof(float));
        same_bits(what, k->name, "the weights", one.dw, three.dw, (size_t)o->count[WEIGHT] * sizeof(float));
        same_as_chain(o, what, k->name, one.y, expected.y, pooled);
        same_as_chain(o, what, k->name, one.dx, expected.dx, o->count[X]);
        same_as_chain(o, what, k->name, one.dw, expected.dw, o->count[WEIGHT]);
        for (int64_t i = 0; i < pooled; i++) {
            ck_assert_msg(isfinite(expected.y[i]) || one.index[i] == expected.index[i],
                          "%s %s: window %lld of %g is won by %d, expected %d", k->name, what, (long long)i,
                          (double)expected.y[i], one.index[i], expected.index[i]);
        }
        fused_free(&one);
        fused_free(&three);
    }
    fused_free(&expected);
}

static inline int64_t pooled_count(const cnn__conv *g)
{
    return g->batch * g->out_channels * (g->out_h / 2) * (g->out_w / 2);
}

#endif
