/* Launches of layers: kernels/layers.cu, kernels/losses.cu, kernels/attention.cu. */
#include "planner.h"

#include <cnn/ops.h>

#include <math.h>

/* ---- windows ---- */

#define POOL_SIZES(g) \
    (g)->planes, (g)->in_h, (g)->in_w, (g)->out_h, (g)->out_w, (g)->kernel_h, (g)->kernel_w, (g)->stride_h, \
        (g)->stride_w

static void pooling(planner *p, const char *kernel, int64_t per_plane)
{
    const cnn_maxpool *g = p->l->parameters;
    PLAIN(p, LAYERS, kernel, g->planes * per_plane, plan_each, .in = { p->l->in[0], p->l->in[1] },
          .out = { p->l->out[0], p->l->out[1] },
          .size = { POOL_SIZES(g), g->dilation_h, g->dilation_w, g->pad_top, g->pad_left });
}

static const cnn_maxpool *windows(const planner *p)
{
    return p->l->parameters;
}

void plan_maxpool_forward(planner *p)
{
    pooling(p, REAL_OF(p->l->dtype, "maxpool"), windows(p)->out_h * windows(p)->out_w);
}

void plan_adaptive_maxpool(planner *p)
{
    pooling(p, REAL_OF(p->l->dtype, "adaptive_maxpool"), windows(p)->out_h * windows(p)->out_w);
}

void plan_maxpool_backward(planner *p)
{
    pooling(p, REAL_OF(p->l->dtype, "maxpool_backward"), windows(p)->in_h * windows(p)->in_w);
}

void plan_unfold(planner *p)
{
    const cnn_maxpool *g = windows(p);
    pooling(p, REAL_OF(p->l->dtype, "unfold"), g->kernel_h * g->kernel_w * g->out_h * g->out_w);
}

void plan_fold(planner *p)
{
    pooling(p, REAL_OF(p->l->dtype, "fold"), windows(p)->in_h * windows(p)->in_w);
}

static void averaging(planner *p, const char *kernel, int64_t per_plane)
{
    const cnn_avg_pool_parameters *g = p->l->parameters;
    PLAIN(p, LAYERS, kernel, g->planes * per_plane, plan_each, .in = { p->l->in[0] }, .out = { p->l->out[0] },
          .size = { POOL_SIZES(g), g->divisor, g->exclude_padding, g->pad_top, g->pad_left });
}

void plan_avg_pool_forward(planner *p)
{
    const cnn_avg_pool_parameters *g = p->l->parameters;
    averaging(p, REAL_OF(p->l->dtype, "avg_pool"), g->out_h * g->out_w);
}

void plan_avg_pool_backward(planner *p)
{
    const cnn_avg_pool_parameters *g = p->l->parameters;
    averaging(p, REAL_OF(p->l->dtype, "avg_pool_backward"), g->in_h * g->in_w);
}

/* ---- resampling ---- */

enum { AXES = 3, AXIS_SIZES = 8, TAP_BYTES = 16 }; /* as layers.cu has them */

static int64_t taps_at_most(const cnn_resample_axis *axis)
{
    switch ((cnn_resample)axis->function) {
    case CNN_RESAMPLE_LINEAR: return 2 * axis->out;
    case CNN_RESAMPLE_CUBIC: return 4 * axis->out;
    case CNN_RESAMPLE_MEAN: return axis->in + axis->out;
    default: return axis->out;
    }
}

void plan_resample(planner *p)
{
    const cnn_resample_parameters *g = p->l->parameters;
    const bool transposed = p->l->kernel == CNN_KERNEL_RESAMPLE_BACKWARD;
    plain_arguments a = { .in = { p->l->in[0] }, .out = { p->l->out[0] } };
    int64_t bytes = 0, count = g->planes;
    for (int i = 0; i < AXES; i++) {
        const cnn_resample_axis *axis = &g->axis[i];
        int64_t *size = a.size + (ptrdiff_t)AXIS_SIZES * i, rows = transposed ? axis->in : axis->out;
        size[0] = axis->function;
        size[1] = axis->in;
        size[2] = axis->out;
        size[3] = axis->before;
        size[4] = axis->align_corners;
        size[5] = bytes;
        size[6] = bytes + taps_at_most(axis) * TAP_BYTES;
        bytes = size[6] + (rows + 1) * (int64_t)sizeof(int64_t);
        a.value[i] = axis->scale;
        count *= rows;
    }
    a.size[AXES * AXIS_SIZES] = g->planes;
    a.size[AXES * AXIS_SIZES + 1] = p->l->dtype == CNN_F64;
    a.size[AXES * AXIS_SIZES + 2] = transposed;
    a.workspace = plan_take(p, bytes, 1);
    plan_each(p, LAYERS, "resample_matrices", count > 0 ? AXES : 0, &a, sizeof a);
    plan_each(p, LAYERS, REAL_OF(p->l->dtype, "resample"), count, &a, sizeof a);
}

void plan_resample_backward(planner *p)
{
    plan_resample(p);
}

/* ---- normalisation ---- */

#define NORM_SIZES(g, scale_row) \
    { \
        (g)->batch, (g)->sets, (g)->channels, (g)->inner, (g)->groups, (g)->own, (g)->uncentred, scale_row \
    }

typedef struct normalisation {
    int64_t batch, sets, channels, inner, groups;
    bool own, uncentred;
    double eps;
} normalisation;

static normalisation of_batch(const planner *p)
{
    const cnn_batch_norm_parameters *g = p->l->parameters;
    return (normalisation){ g->batch, g->channels, 1, g->inner, g->channels, g->batch_statistics, false, g->eps };
}

static normalisation of_groups(const planner *p)
{
    const cnn_group_norm_parameters *g = p->l->parameters;
    return (normalisation){ 1, g->batch * g->groups, g->channels, g->inner, g->groups, true, g->uncentred, g->eps };
}

static void statistics(planner *p, const normalisation *g, void *to, int64_t scale_row)
{
    PLAIN(p, LAYERS, REAL_OF(p->l->dtype, "norm_statistics"), g->sets, plan_blocks, .in = { p->l->in[0] },
          .out = { to }, .size = NORM_SIZES(g, scale_row), .value = { g->eps });
}

static void normalised(planner *p, const normalisation *g, const void *from, int64_t scale_row)
{
    PLAIN(p, LAYERS, REAL_OF(p->l->dtype, "norm_forward"), g->batch * g->sets * g->channels * g->inner, plan_each,
          .in = { p->l->in[0], p->l->in[1], p->l->in[2], from }, .out = { p->l->out[0] },
          .size = NORM_SIZES(g, scale_row));
}

static void gradients(planner *p, const normalisation *g, int64_t scale_row)
{
    plain_arguments a = { .in = { p->l->in[0], p->l->in[1], p->l->in[2], p->l->in[3] },
                          .size = NORM_SIZES(g, scale_row) };
    if (plan_has(p, p->l->out[0])) {
        void *sums = plan_take(p, 2 * g->sets, sizeof(double));
        if (g->own) {
            a.out[0] = sums;
            plan_blocks(p, LAYERS, REAL_OF(p->l->dtype, "norm_products"), g->sets, &a, sizeof a);
        }
        a.in[4] = sums;
        a.out[0] = p->l->out[0];
        plan_each(p, LAYERS, REAL_OF(p->l->dtype, "norm_data"), g->batch * g->sets * g->channels * g->inner, &a,
                  sizeof a);
    }
    if (p->l->out[1] || p->l->out[2]) {
        a.out[0] = p->l->out[1];
        a.out[1] = p->l->out[2];
        plan_blocks(p, LAYERS, REAL_OF(p->l->dtype, "norm_weights"), g->groups * g->channels, &a, sizeof a);
    }
}

void plan_batch_norm_statistics(planner *p)
{
    const normalisation g = of_batch(p);
    statistics(p, &g, p->l->out[0], 1);
}

void plan_batch_norm_forward(planner *p)
{
    const normalisation g = of_batch(p);
    normalised(p, &g, p->l->in[3], 1);
}

void plan_batch_norm_backward(planner *p)
{
    const normalisation g = of_batch(p);
    gradients(p, &g, 1);
}

void plan_group_norm_forward(planner *p)
{
    const normalisation g = of_groups(p);
    statistics(p, &g, p->l->out[1], 2);
    normalised(p, &g, p->l->out[1], 2);
}

void plan_group_norm_backward(planner *p)
{
    const normalisation g = of_groups(p);
    gradients(p, &g, 2);
}

static void of_channels(planner *p, const char *kernel)
{
    const cnn_batch_norm_parameters *g = p->l->parameters;
    PLAIN(p, LAYERS, kernel, g->channels, plan_each,
          .in = { p->l->in[0], p->l->in[1], p->l->in[2], p->l->in[3], p->l->in[4] },
          .out = { p->l->out[0], p->l->out[1] }, .size = { g->channels, g->instances, g->batch * g->inner },
          .value = { g->momentum, g->eps });
}

void plan_batch_norm_move(planner *p)
{
    of_channels(p, REAL_OF(p->l->dtype, "batch_norm_move"));
}

void plan_batch_norm_scale(planner *p)
{
    of_channels(p, REAL_OF(p->l->dtype, "batch_norm_scale"));
}

void plan_batch_norm_fold(planner *p)
{
    of_channels(p, REAL_OF(p->l->dtype, "batch_norm_fold"));
}

static void responses(planner *p, const char *kernel)
{
    const cnn_local_response_norm_parameters *g = p->l->parameters;
    PLAIN(p, LAYERS, kernel, g->batch * g->channels * g->inner, plan_each, .in = { p->l->in[0], p->l->in[1] },
          .out = { p->l->out[0] }, .size = { g->batch, g->channels, g->inner, g->size },
          .value = { g->alpha / (double)g->size, g->beta, g->k });
}

void plan_local_response_norm(planner *p)
{
    responses(p, REAL_OF(p->l->dtype, "local_response_norm"));
}

void plan_local_response_norm_backward(planner *p)
{
    responses(p, REAL_OF(p->l->dtype, "local_response_norm_backward"));
}

/* ---- recurrent networks ---- */

static void recurrent(planner *p, const char *kernel)
{
    const cnn_rnn_parameters *g = p->l->parameters;
    PLAIN(p, LAYERS, kernel, g->rows * g->hidden, plan_each,
          .in = { p->l->in[0], p->l->in[1], p->l->in[2], p->l->in[3], p->l->in[4] },
          .out = { p->l->out[0], p->l->out[1], p->l->out[2], p->l->out[3] },
          .size = { g->cell, g->rows, g->hidden, g->time });
}

void plan_rnn_forward(planner *p)
{
    recurrent(p, REAL_OF(p->l->dtype, "rnn_forward"));
}

void plan_rnn_backward(planner *p)
{
    recurrent(p, REAL_OF(p->l->dtype, "rnn_backward"));
}

/* ---- losses over classes ---- */

static plain_arguments class_loss(const planner *p)
{
    const cnn_cross_entropy_parameters *g = p->l->parameters;
    const bool indices = g->target_dtype == CNN_I64 || g->target_dtype == CNN_I32 || g->target_dtype == CNN_U8;
    return (plain_arguments){ .in = { p->l->in[0], p->l->in[1], p->l->in[2] },
                              .size = { g->batch * g->inner, g->classes, g->inner, g->target_dtype, g->ignore_index,
                                        g->function, g->power, g->reduction == (int)CNN_REDUCE_NONE,
                                        g->reduction == (int)CNN_REDUCE_MEAN, indices },
                              .value = { g->smoothing, g->margin } };
}

void plan_cross_entropy(planner *p)
{
    plain_arguments a = class_loss(p);
    const bool each = a.size[7] != 0;
    void *sums = plan_take(p, 2 * a.size[0], sizeof(double));
    a.out[0] = p->l->out[1];
    a.out[1] = each ? p->l->out[0] : NULL;
    a.out[2] = sums;
    plan_each(p, LOSSES, REAL_OF(p->l->dtype, "class_loss"), a.size[0], &a, sizeof a);
    a.in[0] = sums;
    a.out[0] = each ? NULL : p->l->out[0];
    a.out[1] = p->l->out[2];
    plan_blocks(p, LOSSES, REAL_OF(p->l->dtype, "class_loss_total"), 1, &a, sizeof a);
}

void plan_cross_entropy_backward(planner *p)
{
    plain_arguments a = class_loss(p);
    a.in[3] = p->l->in[3];
    a.in[4] = p->l->in[4];
    a.in[5] = p->l->in[5];
    a.out[0] = p->l->out[0];
    a.out[1] = p->l->out[1];
    plan_each(p, LOSSES, REAL_OF(p->l->dtype, "class_loss_backward"), a.size[0] * a.size[1], &a, sizeof a);
}

/* ---- connectionist temporal classification ---- */

static plain_arguments ctc(planner *p)
{
    const cnn_ctc_parameters *g = p->l->parameters;
    const int64_t each = (2 * (2 * g->width + 1) + g->classes) * (int64_t)sizeof(double);
    return (plain_arguments){ .in = { p->l->in[0], p->l->in[1], p->l->in[2], p->l->in[3], p->l->in[4], p->l->in[5] },
                              .out = { p->l->out[0], p->l->out[1] },
                              .workspace = plan_take(p, g->batch * (each + (int64_t)sizeof(double)), 1),
                              .size = { g->steps, g->batch, g->classes, g->targets, g->width, g->blank, g->target_dtype,
                                        g->reduction, g->concatenated, g->zero_infinity, (int64_t)p->l->number,
                                        p->l->kernel, each } };
}

void plan_ctc_forward(planner *p)
{
    const cnn_ctc_parameters *g = p->l->parameters;
    const plain_arguments a = ctc(p);
    plan_each(p, LOSSES, REAL_OF(p->l->dtype, "ctc_check"), 1, &a, sizeof a);
    plan_each(p, LOSSES, REAL_OF(p->l->dtype, "ctc_forward"), g->batch, &a, sizeof a);
    plan_each(p, LOSSES, REAL_OF(p->l->dtype, "ctc_total"), 1, &a, sizeof a);
}

void plan_ctc_backward(planner *p)
{
    const cnn_ctc_parameters *g = p->l->parameters;
    const plain_arguments a = ctc(p);
    plan_each(p, LOSSES, REAL_OF(p->l->dtype, "ctc_backward"), g->batch, &a, sizeof a);
}

/* ---- attention ---- */

/* Products of the batch's matrices, whose operands lie `size` elements apart or, with a negative size, by the strides
 * of q, k or v, which are operands −1, −2, −3. */
static void multiply(planner *p, cnn_gemm product, const int64_t sizes[3], const void *x, const void *y, void *z)
{
    const cnn_attention_parameters *g = p->l->parameters;
    cnn_nest batch = { .ndim = g->ndim };
    int64_t count = 1;
    for (int d = g->ndim - 1; d >= 0; d--) {
        batch.shape[d] = g->batch[d];
        for (int k = 0; k < 3; k++) {
            batch.stride[k][d] = sizes[k] < 0 ? g->stride[-sizes[k] - 1][d] : sizes[k] * count;
        }
        count *= g->batch[d];
    }
    const kernel_nest nest = plan_nest(&batch, 7);
    plan_products(p, &product, &nest, x, y, NULL, z);
}

static int64_t matrices_of(const cnn_attention_parameters *g)
{
    int64_t count = 1;
    for (int d = 0; d < g->ndim; d++) {
        count *= g->batch[d];
    }
    return count;
}

static nested_arguments attention(const planner *p)
{
    const cnn_attention_parameters *g = p->l->parameters;
    cnn_nest batch = { .ndim = g->ndim };
    for (int d = 0; d < g->ndim; d++) {
        batch.shape[d] = g->batch[d];
        batch.stride[0][d] = g->stride[3][d];
    }
    const double threshold = floor(g->drop.p * 0x1p32);
    return (nested_arguments){
        .in = { NULL, p->l->in[3] },
        .size = { g->queries, g->keys, g->causal, g->mask_row, g->mask_column, g->mask_is_bool, (int64_t)g->drop.key[0],
                  (int64_t)g->drop.key[1] },
        .value = { g->scale,
                   !(g->drop.p > 0) ? -1
                   : g->drop.p < 1  ? 1 / (1 - g->drop.p)
                                    : 0,
                   threshold < 0x1p32 ? threshold : 0x1p32 - 1 },
        .nest = plan_nest(&batch, 1),
    };
}

enum { OF_Q = -1, OF_K = -2, OF_V = -3 };

/* The weights, and what is left of them after elements were dropped, which may be NULL. */
static void weights_of(planner *p, void *weights, void *dropped)
{
    const cnn_attention_parameters *g = p->l->parameters;
    nested_arguments a = attention(p);
    multiply(p,
             (cnn_gemm){ .trans_b = true,
                         .m = g->queries,
                         .n = g->keys,
                         .k = g->width,
                         .lda = g->row[0],
                         .ldb = g->row[1],
                         .ldc = g->keys },
             (const int64_t[]){ g->queries * g->keys, OF_Q, OF_K }, p->l->in[0], p->l->in[1], weights);
    a.in[0] = a.out[0] = weights;
    a.out[1] = dropped;
    plan_blocks(p, ATTENTION, REAL_OF(p->l->dtype, "attention_weights"), matrices_of(g) * g->queries, &a, sizeof a);
}

void plan_attention_forward(planner *p)
{
    const cnn_attention_parameters *g = p->l->parameters;
    const int64_t count = matrices_of(g) * g->queries * g->keys;
    void *weights = plan_take(p, count, plan_size(p->l->dtype)), *dropped = p->l->out[1];
    if (!dropped) {
        dropped = g->drop.p > 0 ? plan_take(p, count, plan_size(p->l->dtype)) : NULL;
    }
    weights_of(p, weights, dropped);
    multiply(p,
             (cnn_gemm){ .m = g->queries,
                         .n = g->value_width,
                         .k = g->keys,
                         .lda = g->keys,
                         .ldb = g->row[2],
                         .ldc = g->value_width },
             (const int64_t[]){ g->queries * g->value_width, g->queries * g->keys, OF_V }, dropped ? dropped : weights,
             p->l->in[2], p->l->out[0]);
}

/* dq, dk, dv from the gradient of the scores, and dy. */
static void operand_gradients(planner *p, const void *scores, const void *dropped)
{
    const cnn_attention_parameters *g = p->l->parameters;
    const int64_t q = g->queries, k = g->keys, e = g->width, v = g->value_width;
    const void *dy = p->l->in[4];
    if (plan_has(p, p->l->out[0])) {
        multiply(p, (cnn_gemm){ .m = q, .n = e, .k = k, .lda = k, .ldb = g->row[1], .ldc = e },
                 (const int64_t[]){ q * e, q * k, OF_K }, scores, p->l->in[1], p->l->out[0]);
    }
    if (plan_has(p, p->l->out[1])) {
        multiply(p, (cnn_gemm){ .trans_a = true, .m = k, .n = e, .k = q, .lda = k, .ldb = g->row[0], .ldc = e },
                 (const int64_t[]){ k * e, q * k, OF_Q }, scores, p->l->in[0], p->l->out[1]);
    }
    if (plan_has(p, p->l->out[2]) && plan_has(p, dy)) {
        multiply(p, (cnn_gemm){ .trans_a = true, .m = k, .n = v, .k = q, .lda = k, .ldb = v, .ldc = v },
                 (const int64_t[]){ k * v, q * k, q * v }, dropped, dy, p->l->out[2]);
    } else if (p->l->out[2]) {
        const int64_t count = matrices_of(g) * k * v;
        PLAIN(p, ELEMENTS, "fill", count, plan_each, .out = { p->l->out[2] }, .size = { p->l->dtype, count });
    }
}

void plan_attention_backward(planner *p)
{
    const cnn_attention_parameters *g = p->l->parameters;
    const int64_t q = g->queries, k = g->keys, v = g->value_width, count = matrices_of(g) * q * k;
    const size_t size = plan_size(p->l->dtype);
    void *weights = plan_take(p, count, size), *dropped = g->drop.p > 0 ? plan_take(p, count, size) : NULL,
         *gradient = plan_take(p, count, size);
    const bool from_y = plan_has(p, p->l->in[4]);
    nested_arguments a = attention(p);
    weights_of(p, weights, dropped);
    if (from_y) {
        multiply(p, (cnn_gemm){ .trans_b = true, .m = q, .n = k, .k = v, .lda = v, .ldb = g->row[2], .ldc = k },
                 (const int64_t[]){ q * k, q * v, OF_V }, p->l->in[4], p->l->in[2], gradient);
    }
    a.in[0] = weights;
    a.in[1] = NULL;
    a.in[2] = from_y ? gradient : NULL;
    a.in[3] = p->l->in[5];
    a.out[0] = p->l->out[3];
    a.out[1] = gradient;
    plan_blocks(p, ATTENTION, REAL_OF(p->l->dtype, "attention_slopes"), matrices_of(g) * q, &a, sizeof a);
    operand_gradients(p, gradient, dropped ? dropped : weights);
}
