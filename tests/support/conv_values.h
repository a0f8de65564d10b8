/* Direct sums of a convolution in f64, term by term and without padding, and their comparison with a kernel's
 * results: a result is not finite if one of its terms is not or if the sum leaves the range of f32, and in no other
 * case. */
#ifndef CNN_TESTS_SUPPORT_CONV_VALUES_H
#define CNN_TESTS_SUPPORT_CONV_VALUES_H

#include "kernels/conv_relu_pool.h"
#include "support/kernels.h"

/* Floats behind each other: x, weight, dy. */
typedef struct conv_operands {
    cnn__conv g;
    int64_t count[3]; /* how many elements x, weight and y have */
    float *of[3];
} conv_operands;

enum { X, WEIGHT, Y };

static inline conv_operands operands_make(const cnn__conv *g)
{
    conv_operands o = { .g = *g };
    o.count[X] = g->batch * g->in_channels * g->in_h * g->in_w;
    o.count[WEIGHT] = g->out_channels * (g->in_channels / g->groups) * g->kernel_h * g->kernel_w;
    o.count[Y] = g->batch * g->out_channels * g->out_h * g->out_w;
    for (int k = 0; k < 3; k++) {
        o.of[k] = numbers(o.count[k], (uint64_t)k + 1);
    }
    return o;
}

static inline void operands_free(conv_operands *o)
{
    for (int k = 0; k < 3; k++) {
        free(o->of[k]);
    }
}

/* All sums of a pass, whose result is `to`: Σ over its terms of the product of the other two operands; `sizes` are the sums of the
 * products' sizes, if wanted. */
static inline void direct_sums(const conv_operands *o, int to, double *sums, double *sizes)
{
    const cnn__conv *g = &o->g;
    int64_t in = g->in_channels / g->groups, out = g->out_channels / g->groups;
    for (int64_t k = 0; k < o->count[to]; k++) {
        sums[k] = 0;
        if (sizes) {
            sizes[k] = 0;
        }
    }
    for (int64_t y = 0; y < o->count[Y]; y++) {
        int64_t w = y % g->out_w, h = y / g->out_w % g->out_h, channel = y / g->out_w / g->out_h % g->out_channels;
        int64_t n = y / g->out_w / g->out_h / g->out_channels;
        for (int64_t t = 0; t < in * g->kernel_h * g->kernel_w; t++) {
            int64_t j = t % g->kernel_w, i = t / g->kernel_w % g->kernel_h, c = t / g->kernel_w / g->kernel_h;
            int64_t row = h * g->stride_h - g->pad_top + i * g->dilation_h;
            int64_t column = w * g->stride_w - g->pad_left + j * g->dilation_w;
            if (row < 0 || row >= g->in_h || column < 0 || column >= g->in_w) {
                continue;
            }
            int64_t at[3] = { ((n * g->in_channels + channel / out * in + c) * g->in_h + row) * g->in_w + column,
                              channel * in * g->kernel_h * g->kernel_w + t, y };
            int a = to == X ? WEIGHT : X, b = to == Y ? WEIGHT : Y;
            double product = (double)o->of[a][at[a]] * (double)o->of[b][at[b]];
            sums[at[to]] += product;
            if (sizes) {
                sizes[at[to]] += fabs(product);
            }
        }
    }
}

/* A pass of a table; the result is to be freed. */
static inline float *run_pass(const cnn__real_kernels *table, const conv_operands *o, int to, cnn__pool *pool)
{
    const cnn__conv *g = &o->g;
    int workers = cnn__pool_size(pool);
    float *result = numbers(o->count[to], 9);
    void *workspace;
    if (to == Y) {
        workspace = workspace_new(table->conv_forward_workspace(g, workers));
        table->conv_forward(g, o->of[X], o->of[WEIGHT], NULL, result, workspace, pool);
    } else if (to == X) {
        workspace = workspace_new(table->conv_backward_data_workspace(g, workers));
        table->conv_backward_data(g, o->of[Y], o->of[WEIGHT], result, workspace, pool);
    } else {
        workspace = workspace_new(table->conv_backward_weight_workspace(g, workers));
        table->conv_backward_weight(g, o->of[X], o->of[Y], result, NULL, workspace, pool);
    }
    free(workspace);
    return result;
}

/* The largest finite size among them, at least 1. */
static inline double largest(const double *p, int64_t n)
{
    double most = 1;
    for (int64_t i = 0; i < n; i++) {
        most = isfinite(p[i]) && fabs(p[i]) > most ? fabs(p[i]) : most;
    }
    return most;
}

/* What errors of fast math are relative to: the largest finite size among the results and the operands. */
static inline double magnitude(const conv_operands *o, const double *expected, int64_t n)
{
    double most = largest(expected, n);
    for (int operand = 0; operand < 3; operand++) {
        for (int64_t i = 0; i < o->count[operand]; i++) {
            double size = fabs((double)o->of[operand][i]);
            most = isfinite(size) && size > most ? size : most;
        }
    }
    return most;
}

/* NaN where `expected` is, the same infinities, and otherwise within `error`. */
static inline void same_values(const char *what, const char *table, const float *given, const double *expected, int64_t n,
                               double error)
{
    for (int64_t i = 0; i < n; i++) {
        float e = (float)expected[i];
        bool good = isnan(e) ? isnan(given[i]) : isinf(e) ? given[i] == e : fabs((double)given[i] - expected[i]) <= error;
        if (!good) {
            ck_abort_msg("%s %s: element %lld of %lld is %g, expected %g", table, what, (long long)i, (long long)n,
                         (double)given[i], expected[i]);
        }
    }
}

/* Those that are not finite, and one whose products with the others' are. */
static const float odd[] = { NAN, INFINITY, -INFINITY, 3e37f };
enum { ODD = sizeof odd / sizeof *odd };

static const char *const passes[] = { "gradient of the data", "gradient of the weights", "forward" }; /* by result */

/* Every table for 1 and 3 threads, and the reference, against direct sums. */
static inline void compare_pass(const conv_operands *o, int to, const char *what)
{
    double *expected = block((size_t)o->count[to] * sizeof *expected);
    direct_sums(o, to, expected, NULL);
    double error = 1e-5 * magnitude(o, expected, o->count[to]);
    FOR_TABLES(k)
    {
        float *one = run_pass(k->f32, o, to, contexts[0]->pool), *three = run_pass(k->f32, o, to, contexts[1]->pool);
        same_bits(what, k->name, passes[to], one, three, (size_t)o->count[to] * sizeof *one);
        same_values(what, k->name, one, expected, o->count[to], error);
        free(one);
        free(three);
    }
    float *plain = run_pass(reference(), o, to, NULL);
    same_values(what, "reference", plain, expected, o->count[to], error);
    free(plain);
    free(expected);
}

/* The size of the output follows from as much padding on all sides. */
static inline cnn__conv conv_sized(cnn__conv g)
{
    g.out_h = (g.in_h + 2 * g.pad_top - g.dilation_h * (g.kernel_h - 1) - 1) / g.stride_h + 1;
    g.out_w = (g.in_w + 2 * g.pad_left - g.dilation_w * (g.kernel_w - 1) - 1) / g.stride_w + 1;
    return g;
}

#define CONV(n, c, h, w, o, kh, kw, s, d, p, groups_)                                                                \
    { .batch = n, .in_channels = c, .in_h = h, .in_w = w, .out_channels = o, .kernel_h = kh, .kernel_w = kw,         \
      .stride_h = s, .stride_w = s, .dilation_h = d, .dilation_w = d, .pad_top = p, .pad_left = p, .groups = groups_ }

#endif
