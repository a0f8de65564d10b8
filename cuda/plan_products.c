/* Matrix products and convolutions: kernels/products.cu. How sums are cut follows from the sizes alone. */
#include "planner.h"

enum {
    TILE = 64,
    BUSY_TILES = 256, /* with as many no sum is cut into parts */
    PART_TERMS = 256, /* the fewest of a part */
    MOST_PARTS = 64,
    ACCUMULATES = 1, /* as products.cu has them */
    RELU = 2,
    TRANSPOSED_A = 4,
    TRANSPOSED_B = 8
};

static int64_t tiles_of(int64_t m, int64_t n)
{
    return (m + TILE - 1) / TILE * ((n + TILE - 1) / TILE);
}

/* Returns in how many parts the sums of k terms are made, and how many terms a part has: a multiple of 16. */
static int64_t parts_of(int64_t tiles, int64_t k, int64_t *part)
{
    int64_t parts = tiles && tiles < BUSY_TILES ? BUSY_TILES / tiles : 1, most = (k + PART_TERMS - 1) / PART_TERMS;
    parts = parts < most ? parts : most;
    parts = parts < 1 ? 1 : parts < MOST_PARTS ? parts : MOST_PARTS;
    *part = ((k + parts - 1) / parts + 15) / 16 * 16;
    parts = *part ? (k + *part - 1) / *part : 1;
    return parts < 1 ? 1 : parts;
}

/* ---- matrices ---- */

void plan_products(planner *p, const cnn_gemm *g, const kernel_nest *batch, const void *left, const void *right,
                   const void *bias, void *c)
{
    const int64_t count = batch->count, tiles = tiles_of(g->m, g->n) * count;
    nested_arguments a = { .in = { left, right, bias },
                           .out = { c },
                           .size = { g->m, g->n, g->k, g->lda, g->ldb, g->ldc },
                           .value = { (g->accumulate ? ACCUMULATES : 0) + (g->trans_a ? TRANSPOSED_A : 0) +
                                      (g->trans_b ? TRANSPOSED_B : 0) },
                           .nest = *batch };
    a.size[6] = parts_of(tiles, g->k, &a.size[7]);
    a.workspace = a.size[6] > 1 ? plan_take(p, a.size[6] * count * g->m * g->n, sizeof(double)) : NULL;
    plan_blocks(p, PRODUCTS, REAL_OF(p->l->dtype, "gemm"), tiles * a.size[6], &a, sizeof a);
    if (a.size[6] > 1) {
        plan_each(p, PRODUCTS, REAL_OF(p->l->dtype, "gemm_join"), count * g->m * g->n, &a, sizeof a);
    }
}

void plan_gemm(planner *p)
{
    const kernel_nest one = { .ndim = 0, .count = 1 };
    plan_products(p, p->l->parameters, &one, p->l->in[0], p->l->in[1], p->l->in[2], p->l->out[0]);
}

void plan_matmul(planner *p)
{
    const cnn_matmul_parameters *g = p->l->parameters;
    cnn_nest batch = { .ndim = g->ndim };
    int64_t stride = g->product.m * g->product.n;
    for (int d = g->ndim - 1; d >= 0; d--) {
        batch.shape[d] = g->batch[d];
        batch.stride[0][d] = stride;
        batch.stride[1][d] = g->a_stride[d];
        batch.stride[2][d] = g->b_stride[d];
        stride *= g->batch[d];
    }
    const kernel_nest nest = plan_nest(&batch, 7);
    plan_products(p, &g->product, &nest, p->l->in[0], p->l->in[1], NULL, p->l->out[0]);
}

/* ---- convolutions ---- */

/* A 2-D convolution as one of volumes with one slice. */
static cnn_conv3d_parameters volume_of(const cnn_conv *g)
{
    return (cnn_conv3d_parameters){
        .slice = *g, .in_d = 1, .out_d = 1, .kernel_d = 1, .stride_d = 1, .dilation_d = 1, .pad_front = 0
    };
}

typedef enum direction { FORWARD, DATA, WEIGHT } direction;

static void convolution(planner *p, const cnn_conv3d_parameters *v, direction to, const void *const in[4], void *out)
{
    static const char *const names[3][2][2] = {
        { { "conv_forward_f32", "conv_forward_f64" }, { "conv_forward_join_f32", "conv_forward_join_f64" } },
        { { "conv_data_f32", "conv_data_f64" }, { "conv_data_join_f32", "conv_data_join_f64" } },
        { { "conv_weight_f32", "conv_weight_f64" }, { "conv_weight_join_f32", "conv_weight_join_f64" } },
    };
    const cnn_conv *g = &v->slice;
    const int64_t ins = g->in_channels / g->groups, outs = g->out_channels / g->groups,
                  taps = v->kernel_d * g->kernel_h * g->kernel_w, results = g->batch * v->out_d * g->out_h * g->out_w;
    const int64_t m = to == DATA ? ins : outs,
                  n = to == FORWARD ? results
                      : to == DATA  ? g->batch * v->in_d * g->in_h * g->in_w
                                    : ins * taps,
                  k = to == FORWARD ? ins * taps
                      : to == DATA  ? outs * taps
                                    : results;
    const bool f64 = p->l->dtype == CNN_F64;
    plain_arguments a = { .in = { in[0], in[1], in[2], in[3] },
                          .out = { out },
                          .size = { g->batch,
                                    g->in_channels,
                                    v->in_d,
                                    g->in_h,
                                    g->in_w,
                                    g->out_channels,
                                    v->out_d,
                                    g->out_h,
                                    g->out_w,
                                    v->kernel_d,
                                    g->kernel_h,
                                    g->kernel_w,
                                    v->stride_d,
                                    g->stride_h,
                                    g->stride_w,
                                    v->dilation_d,
                                    g->dilation_h,
                                    g->dilation_w,
                                    v->pad_front,
                                    g->pad_top,
                                    g->pad_left,
                                    g->groups,
                                    m,
                                    n,
                                    k } };
    const int64_t tiles = tiles_of(m, n) * g->groups, parts = parts_of(tiles, k, &a.size[26]);
    a.size[25] = parts;
    a.size[27] = (to == FORWARD && g->relu ? RELU : 0) + (to == DATA && g->add ? ACCUMULATES : 0);
    a.workspace = parts > 1 ? plan_take(p, parts * g->groups * m * n, sizeof(double)) : NULL;
    plan_blocks(p, PRODUCTS, names[to][0][f64], tiles * parts, &a, sizeof a);
    if (parts > 1) {
        plan_each(p, PRODUCTS, names[to][1][f64], g->groups * m * n, &a, sizeof a);
    }
}

static void bias_gradient(planner *p, const cnn_conv *g, const void *dy, void *dbias)
{
    const int64_t plane = g->out_h * g->out_w;
    const cnn_nest outer = { .ndim = 1, .shape = { g->out_channels }, .stride = { { 1 }, { plane } } }, inner = {
        .ndim = 2, .shape = { g->batch, plane }, .stride = { { 0 }, { g->out_channels * plane, 1 } }
    };
    if (plan_has(p, dbias)) {
        plan_reduction(p, p->l->dtype, CNN_REDUCE_OF_SUM, &outer, &inner, dy, dbias, false, 0);
    }
}

void plan_conv_forward(planner *p)
{
    const cnn_conv3d_parameters v = volume_of(p->l->parameters);
    convolution(p, &v, FORWARD, (const void *const[4]){ p->l->in[0], p->l->in[1], p->l->in[2] }, p->l->out[0]);
}

void plan_conv_backward_data(planner *p)
{
    const cnn_conv3d_parameters v = volume_of(p->l->parameters);
    convolution(p, &v, DATA, p->l->in, p->l->out[0]);
}

void plan_conv_backward_weight(planner *p)
{
    const cnn_conv3d_parameters v = volume_of(p->l->parameters);
    convolution(p, &v, WEIGHT, (const void *const[4]){ p->l->in[0], p->l->in[1] }, p->l->out[0]);
    bias_gradient(p, &v.slice, p->l->in[1], p->l->out[1]);
}

void plan_conv3d_forward(planner *p)
{
    convolution(p, p->l->parameters, FORWARD, (const void *const[4]){ p->l->in[0], p->l->in[1], p->l->in[2] },
                p->l->out[0]);
}

void plan_conv3d_backward_data(planner *p)
{
    convolution(p, p->l->parameters, DATA, (const void *const[4]){ p->l->in[0], p->l->in[1], NULL, p->l->in[2] },
                p->l->out[0]);
}

void plan_conv3d_backward_weight(planner *p)
{
    convolution(p, p->l->parameters, WEIGHT, (const void *const[4]){ p->l->in[0], p->l->in[1] }, p->l->out[0]);
}

/* ---- convolution, ReLU and pooling in one: the chain itself ---- */

static int64_t dense_count(const cnn_conv *g)
{
    return g->batch * g->out_channels * g->out_h * g->out_w;
}

void plan_conv_relu_pool_forward(planner *p)
{
    const cnn_conv *g = p->l->parameters;
    cnn_conv3d_parameters v = volume_of(g);
    v.slice.relu = false;
    void *dense = plan_take(p, dense_count(g), plan_size(p->l->dtype));
    convolution(p, &v, FORWARD, (const void *const[4]){ p->l->in[0], p->l->in[1], p->l->in[2] }, dense);
    PLAIN(p, PRODUCTS, REAL_OF(p->l->dtype, "relu_pool"), g->batch * g->out_channels * (g->out_h / 2) * (g->out_w / 2),
          plan_each, .in = { dense }, .out = { p->l->out[0], p->l->out[1] },
          .size = { g->batch * g->out_channels, g->out_h, g->out_w });
}

static const void *unpooled(planner *p, const void *dy, const void *index)
{
    const cnn_conv *g = p->l->parameters;
    void *dense = plan_take(p, dense_count(g), plan_size(p->l->dtype));
    PLAIN(p, PRODUCTS, REAL_OF(p->l->dtype, "relu_unpool"), dense_count(g), plan_each, .in = { dy, index },
          .out = { dense }, .size = { g->batch * g->out_channels, g->out_h, g->out_w });
    return dense;
}

void plan_conv_relu_pool_backward_data(planner *p)
{
    const cnn_conv3d_parameters v = volume_of(p->l->parameters);
    const void *dy = unpooled(p, p->l->in[0], p->l->in[1]);
    convolution(p, &v, DATA, (const void *const[4]){ dy, p->l->in[2] }, p->l->out[0]);
}

void plan_conv_relu_pool_backward_weight(planner *p)
{
    const cnn_conv3d_parameters v = volume_of(p->l->parameters);
    const void *dy = unpooled(p, p->l->in[1], p->l->in[2]);
    convolution(p, &v, WEIGHT, (const void *const[4]){ p->l->in[0], dy }, p->l->out[0]);
    bias_gradient(p, &v.slice, dy, p->l->out[1]);
}
