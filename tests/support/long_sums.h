/* Sums of very many terms of one sign: every operand is one constant, so the exact sums follow from counting. The
 * relative error of each element is at most 1e-4 for any number of terms. */
#ifndef CNN_TESTS_SUPPORT_LONG_SUMS_H
#define CNN_TESTS_SUPPORT_LONG_SUMS_H

#include "kernels/conv_relu_pool.h"
#include "support/kernels.h"

#define TERM 0.1f

enum { FORWARD = 1, DATA = 2, WEIGHT = 4, ALL_PASSES = 7 };

/* The operands: so many times TERM. */
static float *terms;
static int64_t term_count;

static inline const float *operand(int64_t count)
{
    if (count > term_count) {
        free(terms);
        terms = block((size_t)count * sizeof *terms);
        for (int64_t i = 0; i < count; i++) {
            terms[i] = TERM;
        }
        term_count = count;
    }
    return terms;
}

static inline void expect_sum(const cnn__kernels *k, const char *what, const char *shape, double given, double exact)
{
    if (!(fabs(given - exact) <= 1e-4 * exact)) {
        ck_abort_msg("%s %s %s: %.9g, expected %.9g, an error of %.2g", k->name, what, shape, given, exact,
                     exact > 0 ? given / exact - 1 : given);
    }
}

/* ---- products ---- */

static inline void check_product(const cnn__kernels *k, bool trans_a, bool trans_b, int64_t m, int64_t n, int64_t depth)
{
    cnn__gemm g = { .trans_a = trans_a,
                    .trans_b = trans_b,
                    .accumulate = m % 2 == 0,
                    .m = m,
                    .n = n,
                    .k = depth,
                    .lda = trans_a ? m : depth,
                    .ldb = trans_b ? depth : n,
                    .ldc = n };
    char shape[96];
    snprintf(shape, sizeof shape, "%lld x %lld x %lld%s%s", (long long)m, (long long)n, (long long)depth,
             trans_a ? " At" : "", trans_b ? " Bt" : "");
    const float *x = operand((m > n ? m : n) * depth);
    float *c = block((size_t)(m * n) * sizeof *c);
    for (int64_t i = 0; i < m * n; i++) {
        c[i] = 1;
    }
    void *workspace = workspace_new(k->f32->gemm_workspace(&g, 1));
    k->f32->gemm(&g, x, x, x, c, workspace, contexts[0]->pool);
    for (int64_t i = 0; i < m * n; i++) {
        expect_sum(k, "gemm", shape, (double)c[i],
                   (double)TERM * (double)TERM * (double)depth + (double)TERM + g.accumulate);
    }
    free(workspace);
    free(c);
}

static inline void check_rows(const cnn__kernels *k, int64_t m, int64_t n)
{
    float out[256];
    char shape[64];
    snprintf(shape, sizeof shape, "%lld x %lld", (long long)m, (long long)n);
    k->f32->sum_rows(m, n, operand(m * n), out, contexts[0]->pool);
    for (int64_t j = 0; j < n; j++) {
        expect_sum(k, "sum_rows", shape, (double)out[j], (double)TERM * (double)m);
    }
}

/* ---- convolutions ---- */

/* How many taps of an axis output q reads inside of the input. */
static inline int64_t taps_inside(int64_t q, int64_t taps, int64_t stride, int64_t dilation, int64_t pad, int64_t in)
{
    int64_t count = 0;
    for (int64_t i = 0; i < taps; i++) {
        int64_t at = q * stride - pad + i * dilation;
        count += at >= 0 && at < in;
    }
    return count;
}

/* For each place of an axis of the input: how many outputs read it. */
static inline int64_t *readers_of(int64_t in, int64_t out, int64_t taps, int64_t stride, int64_t dilation, int64_t pad)
{
    int64_t *count = calloc((size_t)in + 1, sizeof *count);
    for (int64_t q = 0; q < out; q++) {
        for (int64_t i = 0; i < taps; i++) {
            int64_t at = q * stride - pad + i * dilation;
            if (at >= 0 && at < in) {
                count[at]++;
            }
        }
    }
    return count;
}

/* How many outputs read inside of the input through a tap. */
static inline int64_t outputs_of_tap(int64_t i, int64_t out, int64_t stride, int64_t dilation, int64_t pad, int64_t in)
{
    int64_t count = 0;
    for (int64_t q = 0; q < out; q++) {
        int64_t at = q * stride - pad + i * dilation;
        count += at >= 0 && at < in;
    }
    return count;
}

static inline void conv_text(char *text, size_t size, const cnn__conv *g)
{
    snprintf(text, size, "[%lld,%lld,%lld,%lld] by [%lld,.,%lld,%lld] stride %lld groups %lld", (long long)g->batch,
             (long long)g->in_channels, (long long)g->in_h, (long long)g->in_w, (long long)g->out_channels,
             (long long)g->kernel_h, (long long)g->kernel_w, (long long)g->stride_h, (long long)g->groups);
}

static inline void check_forward(const cnn__kernels *k, const cnn__conv *g, const char *shape)
{
    int64_t per_group = g->in_channels / g->groups, count = g->batch * g->out_channels * g->out_h * g->out_w;
    float *y = block((size_t)count * sizeof *y);
    void *workspace = workspace_new(k->f32->conv_forward_workspace(g, 1));
    const float *x = operand(g->batch * g->in_channels * g->in_h * g->in_w);
    k->f32->conv_forward(g, x, terms, terms, y, workspace, contexts[0]->pool);
    for (int64_t i = 0; i < count; i++) {
        int64_t h = taps_inside(i / g->out_w % g->out_h, g->kernel_h, g->stride_h, g->dilation_h, g->pad_top, g->in_h);
        int64_t w = taps_inside(i % g->out_w, g->kernel_w, g->stride_w, g->dilation_w, g->pad_left, g->in_w);
        expect_sum(k, "forward", shape, (double)y[i],
                   (double)TERM * (double)TERM * (double)(per_group * h * w) + (double)TERM);
    }
    free(workspace);
    free(y);
}

static inline void check_data(const cnn__kernels *k, const cnn__conv *g, const char *shape)
{
    int64_t outs = g->out_channels / g->groups, count = g->batch * g->in_channels * g->in_h * g->in_w;
    float *dx = block((size_t)count * sizeof *dx);
    void *workspace = workspace_new(k->f32->conv_backward_data_workspace(g, 1));
    k->f32->conv_backward_data(g, terms, terms, dx, workspace, contexts[0]->pool);
    int64_t *h = readers_of(g->in_h, g->out_h, g->kernel_h, g->stride_h, g->dilation_h, g->pad_top);
    int64_t *w = readers_of(g->in_w, g->out_w, g->kernel_w, g->stride_w, g->dilation_w, g->pad_left);
    for (int64_t i = 0; i < count; i++) {
        int64_t n = outs * h[i / g->in_w % g->in_h] * w[i % g->in_w];
        expect_sum(k, "gradient of the data", shape, (double)dx[i], (double)TERM * (double)TERM * (double)n);
    }
    free(h);
    free(w);
    free(workspace);
    free(dx);
}

static inline void check_weight(const cnn__kernels *k, const cnn__conv *g, const char *shape)
{
    int64_t taps = g->kernel_h * g->kernel_w, count = g->out_channels * (g->in_channels / g->groups) * taps;
    float *dweight = block((size_t)count * sizeof *dweight), *dbias = block((size_t)g->out_channels * sizeof *dbias);
    void *workspace = workspace_new(k->f32->conv_backward_weight_workspace(g, 1));
    k->f32->conv_backward_weight(g, terms, terms, dweight, dbias, workspace, contexts[0]->pool);
    for (int64_t i = 0; i < count; i++) {
        int64_t h =
            outputs_of_tap(i / g->kernel_w % g->kernel_h, g->out_h, g->stride_h, g->dilation_h, g->pad_top, g->in_h);
        int64_t w = outputs_of_tap(i % g->kernel_w, g->out_w, g->stride_w, g->dilation_w, g->pad_left, g->in_w);
        expect_sum(k, "gradient of the weights", shape, (double)dweight[i],
                   (double)TERM * (double)TERM * (double)(g->batch * h * w));
    }
    for (int64_t o = 0; o < g->out_channels; o++) {
        expect_sum(k, "gradient of the bias", shape, (double)dbias[o],
                   (double)TERM * (double)(g->batch * g->out_h * g->out_w));
    }
    free(workspace);
    free(dweight);
    free(dbias);
}

/* Some passes of a convolution whose `pad` is on all sides; the output's size follows. */
static inline void check_conv(const cnn__kernels *k, int passes, cnn__conv g, int64_t pad)
{
    char shape[160];
    g.groups = g.groups ? g.groups : 1;
    g.stride_h = g.stride_w = g.stride_h ? g.stride_h : 1;
    g.dilation_h = g.dilation_w = 1;
    g.pad_top = g.pad_left = pad;
    g.out_h = (g.in_h + 2 * pad - g.kernel_h) / g.stride_h + 1;
    g.out_w = (g.in_w + 2 * pad - g.kernel_w) / g.stride_w + 1;
    int64_t x = g.batch * g.in_channels * g.in_h * g.in_w, y = g.batch * g.out_channels * g.out_h * g.out_w;
    int64_t weight = g.out_channels * (g.in_channels / g.groups) * g.kernel_h * g.kernel_w, most = x > y ? x : y;
    operand(most > weight ? most : weight);
    conv_text(shape, sizeof shape, &g);
    if (passes & FORWARD) {
        check_forward(k, &g, shape);
    }
    if (passes & DATA) {
        check_data(k, &g, shape);
    }
    if (passes & WEIGHT) {
        check_weight(k, &g, shape);
    }
}

/* ---- convolution, ReLU and pooling in one, without padding: every window's first position wins ---- */

static inline void check_conv_relu_pool(const cnn__kernels *k, int passes, cnn__conv g)
{
    char shape[160];
    g.groups = g.stride_h = g.stride_w = g.dilation_h = g.dilation_w = 1;
    g.out_h = g.in_h - g.kernel_h + 1;
    g.out_w = g.in_w - g.kernel_w + 1;
    conv_text(shape, sizeof shape, &g);
    ck_assert(cnn__conv_relu_pool_fits(&g));
    const cnn__real_kernels *f = k->f32;
    int64_t taps = g.kernel_h * g.kernel_w, windows = (g.out_h / 2) * (g.out_w / 2),
            pooled = g.batch * g.out_channels * windows;
    int64_t x = g.batch * g.in_channels * g.in_h * g.in_w, weight = g.out_channels * g.in_channels * taps;
    operand((x > weight ? x : weight) > pooled ? (x > weight ? x : weight) : pooled);
    float *y = block((size_t)(pooled > weight ? pooled : weight) * sizeof *y),
          *dbias = block((size_t)g.out_channels * sizeof *dbias);
    uint8_t *index = calloc((size_t)pooled, 1);
    size_t sizes[2] = { f->conv_relu_pool_forward_workspace(&g, 1), f->conv_relu_pool_backward_weight_workspace(&g, 1) };
    void *workspace = workspace_new(sizes[0] > sizes[1] ? sizes[0] : sizes[1]);
    if (passes & FORWARD) {
        f->conv_relu_pool_forward(&g, terms, terms, terms, y, NULL, workspace, contexts[0]->pool);
        for (int64_t i = 0; i < pooled; i++) {
            expect_sum(k, "fused forward", shape, (double)y[i],
                       (double)TERM * (double)TERM * (double)(g.in_channels * taps) + (double)TERM);
        }
    }
    if (passes & WEIGHT) {
        f->conv_relu_pool_backward_weight(&g, terms, terms, index, y, dbias, workspace, contexts[0]->pool);
        for (int64_t i = 0; i < weight; i++) {
            expect_sum(k, "fused gradient of the weights", shape, (double)y[i],
                       (double)TERM * (double)TERM * (double)(g.batch * windows));
        }
        for (int64_t o = 0; o < g.out_channels; o++) {
            expect_sum(k, "fused gradient of the bias", shape, (double)dbias[o],
                       (double)TERM * (double)(g.batch * windows));
        }
    }
    free(workspace);
    free(index);
    free(dbias);
    free(y);
}

static inline void long_sums_end(void)
{
    free(terms);
    terms = NULL;
    term_count = 0;
    pools_free();
}

#endif
