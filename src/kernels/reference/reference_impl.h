/* The plain loops of every kernel, for the type REAL: the specification of the table's slots and the oracle of its
 * tests. Included once a dtype by reference/reference.c; sums are kept in double. */

/* The reference reads weights as they are. */
size_t NAME(gemm_packed)(const cnn__gemm *g)
{
    (void)g;
    return 0;
}

size_t NAME(conv_forward_packed)(const cnn__conv *g, int64_t *algorithm)
{
    (void)g;
    (void)algorithm;
    return 0;
}

size_t NAME(conv_relu_pool_forward_packed)(const cnn__conv *g, int64_t *algorithm)
{
    (void)g;
    (void)algorithm;
    return 0;
}

size_t NAME(gemm_workspace)(const cnn__gemm *g, int workers)
{
    (void)g;
    (void)workers;
    return 0;
}

void NAME(gemm)(const cnn__gemm *g, const void *a_, const void *b_, const void *bias_, void *c_, void *workspace,
                cnn__pool *pool)
{
    (void)workspace;
    (void)pool;
    const REAL *a = a_, *b = b_, *bias = bias_;
    REAL *c = c_;
    for (int64_t i = 0; i < g->m; i++) {
        for (int64_t j = 0; j < g->n; j++) {
            double sum = bias ? (double)bias[j] : 0;
            sum += g->accumulate ? (double)c[i * g->ldc + j] : 0;
            for (int64_t k = 0; k < g->k; k++) {
                REAL left = g->trans_a ? a[k * g->lda + i] : a[i * g->lda + k];
                REAL right = g->trans_b ? b[j * g->ldb + k] : b[k * g->ldb + j];
                sum += (double)left * (double)right;
            }
            c[i * g->ldc + j] = (REAL)sum;
        }
    }
}

/* ---- ReLU ---- */

void NAME(relu)(int64_t n, const void *x_, void *y_, cnn__pool *pool)
{
    (void)pool;
    const REAL *x = x_;
    REAL *y = y_;
    for (int64_t i = 0; i < n; i++) {
        y[i] = x[i] < 0 ? 0 : x[i];
    }
}

void NAME(relu_backward)(int64_t n, const void *y_, const void *dy_, void *dx_, cnn__pool *pool)
{
    (void)pool;
    const REAL *y = y_, *dy = dy_;
    REAL *dx = dx_;
    for (int64_t i = 0; i < n; i++) {
        dx[i] = y[i] <= 0 ? 0 : dy[i];
    }
}

/* ---- convolution ---- */

size_t NAME(conv_forward_workspace)(const cnn__conv *g, int workers)
{
    (void)g;
    (void)workers;
    return 0;
}

size_t NAME(conv_backward_data_workspace)(const cnn__conv *g, int workers)
{
    (void)g;
    (void)workers;
    return 0;
}

size_t NAME(conv_backward_weight_workspace)(const cnn__conv *g, int workers)
{
    (void)g;
    (void)workers;
    return 0;
}

/* Where a tap of an output reads: its place in x of image n and channel c, or -1 in the padding. */
static int64_t NAME(reads)(const cnn__conv *g, int64_t n, int64_t c, int64_t h, int64_t w, int64_t i, int64_t j)
{
    int64_t in_h = h * g->stride_h - g->pad_top + i * g->dilation_h;
    int64_t in_w = w * g->stride_w - g->pad_left + j * g->dilation_w;
    bool inside = in_h >= 0 && in_h < g->in_h && in_w >= 0 && in_w < g->in_w;
    return inside ? ((n * g->in_channels + c) * g->in_h + in_h) * g->in_w + in_w : -1;
}

/* Σ x · weight of one output. */
static double NAME(output_sum)(const cnn__conv *g, const REAL *x, const REAL *weight, int64_t n, int64_t o, int64_t h,
                               int64_t w)
{
    int64_t per_group = g->in_channels / g->groups, first = o / (g->out_channels / g->groups) * per_group;
    double sum = 0;
    for (int64_t c = 0; c < per_group; c++) {
        for (int64_t i = 0; i < g->kernel_h; i++) {
            for (int64_t j = 0; j < g->kernel_w; j++) {
                int64_t at = NAME(reads)(g, n, first + c, h, w, i, j);
                if (at >= 0) {
                    sum += (double)x[at] * (double)weight[((o * per_group + c) * g->kernel_h + i) * g->kernel_w + j];
                }
            }
        }
    }
    return sum;
}

/* Which output reads place `at` of an axis through tap i; -1: none does. */
static int64_t NAME(reader)(int64_t at, int64_t i, int64_t pad, int64_t dilation, int64_t stride, int64_t out)
{
    int64_t from = at + pad - i * dilation;
    return from >= 0 && from % stride == 0 && from / stride < out ? from / stride : -1;
}

/* Σ dy · weight of one input. */
static double NAME(input_sum)(const cnn__conv *g, const REAL *dy, const REAL *weight, int64_t n, int64_t c, int64_t h,
                              int64_t w)
{
    int64_t per_group = g->in_channels / g->groups, outs = g->out_channels / g->groups, first = c / per_group * outs;
    double sum = 0;
    for (int64_t o = first; o < first + outs; o++) {
        for (int64_t i = 0; i < g->kernel_h; i++) {
            int64_t out_h = NAME(reader)(h, i, g->pad_top, g->dilation_h, g->stride_h, g->out_h);
            for (int64_t j = 0; j < g->kernel_w && out_h >= 0; j++) {
                int64_t out_w = NAME(reader)(w, j, g->pad_left, g->dilation_w, g->stride_w, g->out_w);
                if (out_w >= 0) {
                    sum += (double)dy[((n * g->out_channels + o) * g->out_h + out_h) * g->out_w + out_w] *
                           (double)weight[((o * per_group + c % per_group) * g->kernel_h + i) * g->kernel_w + j];
                }
            }
        }
    }
    return sum;
}

/* Σ dy · x of one weight; c counts the channels of x. */
static double NAME(weight_sum)(const cnn__conv *g, const REAL *x, const REAL *dy, int64_t o, int64_t c, int64_t i,
                               int64_t j)
{
    double sum = 0;
    for (int64_t n = 0; n < g->batch; n++) {
        for (int64_t h = 0; h < g->out_h; h++) {
            for (int64_t w = 0; w < g->out_w; w++) {
                int64_t at = NAME(reads)(g, n, c, h, w, i, j);
                if (at >= 0) {
                    sum += (double)dy[((n * g->out_channels + o) * g->out_h + h) * g->out_w + w] * (double)x[at];
                }
            }
        }
    }
    return sum;
}

void NAME(conv_forward)(const cnn__conv *g, const void *x, const void *weight, const void *bias_, void *y_,
                        void *workspace, cnn__pool *pool)
{
    (void)workspace;
    const REAL *bias = bias_;
    REAL *y = y_;
    int64_t count = g->batch * g->out_channels * g->out_h * g->out_w;
    for (int64_t k = 0; k < count; k++) {
        int64_t w = k % g->out_w, h = k / g->out_w % g->out_h, o = k / g->out_w / g->out_h % g->out_channels;
        y[k] = (bias ? bias[o] : 0) +
               (REAL)NAME(output_sum)(g, x, weight, k / g->out_w / g->out_h / g->out_channels, o, h, w);
    }
    if (g->relu) {
        NAME(relu)(count, y, y, pool);
    }
    for (int64_t k = 0; k < count && g->ceiling > 0; k++) {
        y[k] = y[k] > (REAL)g->ceiling ? (REAL)g->ceiling : y[k];
    }
}

void NAME(conv_backward_data)(const cnn__conv *g, const void *dy, const void *weight, void *dx_, void *workspace,
                              cnn__pool *pool)
{
    (void)workspace;
    REAL *dx = dx_;
    int64_t count = g->batch * g->in_channels * g->in_h * g->in_w;
    for (int64_t k = 0; k < count; k++) {
        int64_t w = k % g->in_w, h = k / g->in_w % g->in_h, c = k / g->in_w / g->in_h % g->in_channels;
        double sum = NAME(input_sum)(g, dy, weight, k / g->in_w / g->in_h / g->in_channels, c, h, w);
        sum += g->bias ? (double)((const REAL *)g->bias)[c] : 0;
        dx[k] = (REAL)(g->add ? (double)dx[k] + sum : sum);
    }
    if (g->relu_mask) {
        NAME(relu_backward)(count, g->relu_mask, dx, dx, pool);
    }
}

void NAME(conv_backward_weight)(const cnn__conv *g, const void *x, const void *dy_, void *dweight_, void *dbias_,
                                void *workspace, cnn__pool *pool)
{
    (void)workspace;
    (void)pool;
    const REAL *dy = dy_;
    REAL *dweight = dweight_, *dbias = dbias_;
    int64_t per_group = g->in_channels / g->groups, outs = g->out_channels / g->groups, plane = g->out_h * g->out_w;
    for (int64_t k = 0; k < g->out_channels * per_group * g->kernel_h * g->kernel_w; k++) {
        int64_t j = k % g->kernel_w, i = k / g->kernel_w % g->kernel_h, c = k / g->kernel_w / g->kernel_h % per_group;
        int64_t o = k / g->kernel_w / g->kernel_h / per_group;
        dweight[k] = (REAL)NAME(weight_sum)(g, x, dy, o, o / outs * per_group + c, i, j);
    }
    for (int64_t o = 0; dbias && o < g->out_channels; o++) {
        double sum = 0;
        for (int64_t n = 0; n < g->batch; n++) {
            for (int64_t i = 0; i < plane; i++) {
                sum += (double)dy[(n * g->out_channels + o) * plane + i];
            }
        }
        dbias[o] = (REAL)sum;
    }
}

/* ---- convolution, ReLU and pooling in one: the chain itself ---- */

/* The dense activations, or their gradient, in bytes. */
static size_t NAME(dense_size)(const cnn__conv *g)
{
    return (size_t)(g->batch * g->out_channels * g->out_h * g->out_w) * sizeof(REAL);
}

size_t NAME(conv_relu_pool_forward_workspace)(const cnn__conv *g, int workers)
{
    (void)workers;
    return NAME(dense_size)(g);
}

size_t NAME(conv_relu_pool_backward_data_workspace)(const cnn__conv *g, int workers)
{
    (void)workers;
    return NAME(dense_size)(g);
}

size_t NAME(conv_relu_pool_backward_weight_workspace)(const cnn__conv *g, int workers)
{
    (void)workers;
    return NAME(dense_size)(g);
}

void NAME(conv_relu_pool_forward)(const cnn__conv *g, const void *x, const void *weight, const void *bias, void *y_,
                                  uint8_t *index, void *workspace, cnn__pool *pool)
{
    const REAL *dense = workspace;
    REAL *y = y_;
    NAME(conv_forward)(g, x, weight, bias, workspace, NULL, pool);
    int64_t at = 0;
    for (int64_t plane = 0; plane < g->batch * g->out_channels; plane++) {
        for (int64_t h = 0; h < g->out_h / 2; h++) {
            for (int64_t w = 0; w < g->out_w / 2; w++, at++) {
                const REAL *corner = dense + (plane * g->out_h + 2 * h) * g->out_w + 2 * w;
                REAL best = corner[0];
                int winner = 0;
                for (int k = 1; k < 4; k++) {
                    REAL v = corner[k / 2 * g->out_w + k % 2];
                    if (v > best || v != v) {
                        best = v;
                        winner = k;
                    }
                }
                y[at] = best < 0 ? 0 : best;
                if (index) {
                    index[at] = (uint8_t)(best <= 0 ? CNN__CONV_RELU_POOL_NONE : winner);
                }
            }
        }
    }
}

/* The dense gradient before pooling, into the workspace. */
static void NAME(unpool)(const cnn__conv *g, const REAL *dy, const uint8_t *index, REAL *dense)
{
    memset(dense, 0, NAME(dense_size)(g));
    int64_t at = 0;
    for (int64_t plane = 0; plane < g->batch * g->out_channels; plane++) {
        for (int64_t h = 0; h < g->out_h / 2; h++) {
            for (int64_t w = 0; w < g->out_w / 2; w++, at++) {
                if (index[at] < 4) {
                    dense[(plane * g->out_h + 2 * h + index[at] / 2) * g->out_w + 2 * w + index[at] % 2] = dy[at];
                }
            }
        }
    }
}

void NAME(conv_relu_pool_backward_data)(const cnn__conv *g, const void *dy, const uint8_t *index, const void *weight,
                                        void *dx, void *workspace, cnn__pool *pool)
{
    NAME(unpool)(g, dy, index, workspace);
    NAME(conv_backward_data)(g, workspace, weight, dx, NULL, pool);
}

void NAME(conv_relu_pool_backward_weight)(const cnn__conv *g, const void *x, const void *dy, const uint8_t *index,
                                          void *dweight, void *dbias, void *workspace, cnn__pool *pool)
{
    NAME(unpool)(g, dy, index, workspace);
    NAME(conv_backward_weight)(g, x, workspace, dweight, dbias, NULL, pool);
}

/* ---- max pooling ---- */

void NAME(maxpool_forward)(const cnn__maxpool *g, const void *x_, void *y_, int32_t *index, cnn__pool *pool)
{
    (void)pool;
    const REAL *x = x_;
    REAL *y = y_;
    for (int64_t at = 0; at < g->planes * g->out_h * g->out_w; at++) {
        int64_t plane = at / (g->out_h * g->out_w), h = at / g->out_w % g->out_h, w = at % g->out_w;
        REAL best = (REAL)-INFINITY;
        int64_t winner = -1;
        for (int64_t i = 0; i < g->kernel_h; i++) {
            for (int64_t j = 0; j < g->kernel_w; j++) {
                int64_t in_h = h * g->stride_h - g->pad_top + i * g->dilation_h;
                int64_t in_w = w * g->stride_w - g->pad_left + j * g->dilation_w;
                if (in_h < 0 || in_h >= g->in_h || in_w < 0 || in_w >= g->in_w) {
                    continue;
                }
                REAL v = x[(plane * g->in_h + in_h) * g->in_w + in_w];
                if (winner < 0 || v > best || v != v) {
                    best = v;
                    winner = in_h * g->in_w + in_w;
                }
            }
        }
        y[at] = best;
        if (index) {
            index[at] = (int32_t)winner;
        }
    }
}

void NAME(maxpool_backward)(const cnn__maxpool *g, const void *dy_, const int32_t *index, void *dx_, cnn__pool *pool)
{
    (void)pool;
    const REAL *dy = dy_;
    REAL *dx = dx_;
    int64_t out = g->out_h * g->out_w, in = g->in_h * g->in_w;
    memset(dx, 0, (size_t)(g->planes * in) * sizeof(REAL));
    for (int64_t at = 0; at < g->planes * out; at++) {
        if (index[at] >= 0) {
            dx[at / out * in + index[at]] += dy[at];
        }
    }
}

/* ---- elementwise ---- */

void NAME(dropout)(int64_t n, double p, const uint64_t key[2], const void *x_, void *y_, cnn__pool *pool)
{
    (void)pool;
    const REAL *x = x_;
    REAL *y = y_, scale = (REAL)(p < 1 ? 1 / (1 - p) : 0);
    uint32_t threshold = cnn__dropout_threshold(p);
    for (int64_t i = 0; i < n; i++) {
        bool keep = p < 1 && cnn__random_u32(key, (uint64_t)i) >= threshold;
        y[i] = x[i] * (keep ? scale : 0);
    }
}

void NAME(sum_rows)(int64_t m, int64_t n, const void *x_, void *out_, cnn__pool *pool)
{
    (void)pool;
    const REAL *x = x_;
    REAL *out = out_;
    for (int64_t j = 0; j < n; j++) {
        double sum = 0;
        for (int64_t i = 0; i < m; i++) {
            sum += (double)x[i * n + j];
        }
        out[j] = (REAL)sum;
    }
}

const cnn__real_kernels NAME(reference) = {
#define CNN__KERNEL(source, result, name, parameters) .name = NAME(name),
#include "kernels/kernels.def"
#undef CNN__KERNEL
};
