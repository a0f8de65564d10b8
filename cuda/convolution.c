/* Convolutions by cuDNN's graphs. Every plan is made once (convolution_plan.c) and kept. */
#include "convolution.h"

#include <stdlib.h>
#include <string.h>

enum { MOST_PLANS = 512 };

/* ---- finding ---- */

static void destroy(cuda_queue *q, cuda_convolution *c)
{
    convolution_making m = { .q = q, .c = c };
    cuda_convolution_drop(&m, 0);
    free(c);
}

void cuda_convolutions_free(cuda_queue *q)
{
    for (size_t i = 0; i < q->convolution_count; i++) {
        destroy(q, q->convolutions[i]);
    }
    free(q->convolutions);
    q->convolutions = NULL;
    q->convolution_count = q->convolution_room = 0;
}

static bool convolutions_room(cuda_queue *q)
{
    if (q->convolution_count == MOST_PLANS) {
        /* A plan may have code of its own on the device, which runs until then. */
        if (!cuda_flush(q) ||
            !cuda_ok(q, q->newest, -1, "cuStreamSynchronize", q->library->cuStreamSynchronize(q->stream))) {
            return false;
        }
        cuda_graphs_forget(q);
        cuda_convolutions_free(q);
    }
    if (q->convolution_count == q->convolution_room) {
        size_t room = q->convolution_room ? 2 * q->convolution_room : 16;
        cuda_convolution **more = realloc(q->convolutions, room * sizeof(cuda_convolution *));
        if (!more) {
            return false;
        }
        q->convolutions = more;
        q->convolution_room = room;
    }
    return true;
}

static int64_t padding_behind(int64_t in, int64_t out, int64_t kernel, int64_t stride, int64_t dilation, int64_t before)
{
    int64_t behind = (out - 1) * stride + dilation * (kernel - 1) + 1 - in - before;
    return behind > 0 ? behind : 0;
}

/* The convolution that a kernel makes, maybe of three dimensions, or with ReLU and pooling around it. */
static cnn_kernel plain_kernel(cnn_kernel kernel)
{
    switch (kernel) {
    case CNN_KERNEL_CONV3D_FORWARD: return CNN_KERNEL_CONV_FORWARD;
    case CNN_KERNEL_CONV3D_BACKWARD_DATA: return CNN_KERNEL_CONV_BACKWARD_DATA;
    case CNN_KERNEL_CONV3D_BACKWARD_WEIGHT: return CNN_KERNEL_CONV_BACKWARD_WEIGHT;
    case CNN_KERNEL_CONV_RELU_POOL_FORWARD: return CNN_KERNEL_CONV_FORWARD;
    case CNN_KERNEL_CONV_RELU_POOL_BACKWARD_DATA: return CNN_KERNEL_CONV_BACKWARD_DATA;
    case CNN_KERNEL_CONV_RELU_POOL_BACKWARD_WEIGHT: return CNN_KERNEL_CONV_BACKWARD_WEIGHT;
    default: return kernel;
    }
}

bool cuda_is_pooled(const cnn_launch *launch)
{
    return launch->kernel == CNN_KERNEL_CONV_RELU_POOL_FORWARD ||
           launch->kernel == CNN_KERNEL_CONV_RELU_POOL_BACKWARD_DATA ||
           launch->kernel == CNN_KERNEL_CONV_RELU_POOL_BACKWARD_WEIGHT;
}

/* What a launch convolves in, as a volume; `dims`: 2 where that is one slice. */
static cnn_conv3d_parameters volume_of(const cnn_launch *launch, int *dims)
{
    const bool deep = launch->kernel == CNN_KERNEL_CONV3D_FORWARD ||
                      launch->kernel == CNN_KERNEL_CONV3D_BACKWARD_DATA ||
                      launch->kernel == CNN_KERNEL_CONV3D_BACKWARD_WEIGHT;
    *dims = deep ? 3 : 2;
    return deep ? *(const cnn_conv3d_parameters *)launch->parameters
                : (cnn_conv3d_parameters){ .slice = *(const cnn_conv *)launch->parameters,
                                           .in_d = 1,
                                           .out_d = 1,
                                           .kernel_d = 1,
                                           .stride_d = 1,
                                           .dilation_d = 1 };
}

/* The bias that a convolution is followed by; NULL: none. */
static const void *bias_of(const cnn_launch *launch)
{
    const bool forward = plain_kernel(launch->kernel) == CNN_KERNEL_CONV_FORWARD;
    return forward || launch->kernel == CNN_KERNEL_CONV3D_BACKWARD_DATA ? launch->in[2]
           : launch->kernel == CNN_KERNEL_CONV_BACKWARD_DATA            ? launch->in[3]
                                                                        : NULL;
}

/* False: not one that cuDNN is asked for. */
static bool form_of(convolution_form *f, const cnn_launch *launch)
{
    int dims;
    const cnn_conv3d_parameters v = volume_of(launch, &dims);
    const cnn_conv *g = &v.slice;
    const int from = CONVOLUTION_DIMS - dims; /* the depth is left out */
    memset(f, 0, sizeof *f);
    const cnn_kernel operation = plain_kernel(launch->kernel);
    bool kind = operation == CNN_KERNEL_CONV_FORWARD || operation == CNN_KERNEL_CONV_BACKWARD_DATA ||
                operation == CNN_KERNEL_CONV_BACKWARD_WEIGHT;
    bool real = launch->dtype == CNN_F32 || launch->dtype == CNN_F64 || launch->dtype == CNN_BF16;
    if (!kind || !real || g->batch < 1 || g->groups < 1 || g->out_h < 1 || g->out_w < 1 || v.out_d < 1 ||
        g->pad_top < 0 || g->pad_left < 0 || v.pad_front < 0) {
        return false;
    }
    const int64_t x[CONVOLUTION_DIMS] = { v.in_d, g->in_h, g->in_w },
                  y[CONVOLUTION_DIMS] = { v.out_d, g->out_h, g->out_w },
                  w[CONVOLUTION_DIMS] = { v.kernel_d, g->kernel_h, g->kernel_w },
                  stride[CONVOLUTION_DIMS] = { v.stride_d, g->stride_h, g->stride_w },
                  dilation[CONVOLUTION_DIMS] = { v.dilation_d, g->dilation_h, g->dilation_w },
                  before[CONVOLUTION_DIMS] = { v.pad_front, g->pad_top, g->pad_left };
    f->dims = dims;
    f->x[0] = f->y[0] = g->batch;
    f->x[1] = g->in_channels, f->y[1] = f->w[0] = g->out_channels, f->w[1] = g->in_channels / g->groups;
    for (int d = 0; d < dims; d++) {
        const int k = from + d;
        f->x[2 + d] = x[k], f->y[2 + d] = y[k], f->w[2 + d] = w[k];
        f->stride[d] = stride[k], f->dilation[d] = dilation[k], f->before[d] = before[k];
        f->behind[d] = padding_behind(x[k], y[k], w[k], stride[k], dilation[k], before[k]);
    }
    f->kernel = (int32_t)operation;
    f->dtype = (int32_t)launch->dtype;
    f->align = 4;
    f->align = launch->dtype == CNN_F64 ? 8 : launch->dtype == CNN_BF16 ? 2 : f->align;
    f->strict = g->strict;
    return true;
}

const cuda_convolution *cuda_convolution_find(cuda_queue *q, const cnn_launch *launch, bool bias)
{
    convolution_form f;
    if (!launch->parameters || !form_of(&f, launch)) {
        return NULL;
    }
    f.bias = bias;
    for (size_t i = 0; i < q->convolution_count; i++) {
        if (memcmp(&q->convolutions[i]->form, &f, sizeof f) == 0) {
            return q->convolutions[i]->plan ? q->convolutions[i] : NULL;
        }
    }
    cuda_convolution *c = convolutions_room(q) ? calloc(1, sizeof *c) : NULL;
    if (!c) {
        cuda_fail(q, launch->number, (int)launch->kernel, "no memory for a convolution");
        return NULL;
    }
    convolution_making m = { .q = q, .c = c };
    c->form = f;
    cuda_convolution_make(&m);
    /* A graph of two operations may also be none that is known. */
    const bool none = m.status / 1000 == CUDNN_STATUS_NOT_SUPPORTED / 1000 ||
                      (bias && m.status / 1000 == CUDNN_STATUS_BAD_PARAM / 1000);
    if (!c->plan && m.status != CUDNN_STATUS_SUCCESS && !none) {
        const char *words = q->library->cudnnGetErrorString(m.status);
        cuda_fail(q, launch->number, (int)launch->kernel, "%s: %s", m.function, words ? words : "no reason given");
        destroy(q, c);
        return NULL;
    }
    if (!c->plan) {
        cuda_convolution_drop(&m, 0);
    }
    q->convolutions[q->convolution_count++] = c;
    return c->plan ? c : NULL;
}

/* ---- adding ---- */

/* x, weight and y of a launch, whichever of them it writes. */
static bool add_convolution(cuda_queue *q, const cnn_launch *launch, const cuda_convolution *c, const void *x,
                            const void *w, const void *y)
{
    cuda_entry entry = { .kind = CUDA_CONVOLUTION,
                         .convolution = c,
                         .scratch = c->workspace,
                         .kernel = (int)launch->kernel,
                         .number = launch->number };
    entry.operand[0] = (void *)(uintptr_t)x;
    entry.operand[1] = (void *)(uintptr_t)w;
    entry.operand[2] = (void *)(uintptr_t)y;
    entry.operand[3] = (void *)(uintptr_t)(c->form.bias ? bias_of(launch) : NULL);
    return cuda_scratch(q, c->workspace) && cuda_add(q, &entry, NULL);
}

/* ---- what stands around a convolution: bias, ReLU, mask, sum ---- */

static bool plan_rest(cuda_queue *q, const cnn_launch *of, cnn_launch *rest)
{
    cuda_target target = { q, of->number, (int)of->kernel };
    rest->struct_size = sizeof *rest;
    rest->dtype = of->dtype;
    rest->number = of->number;
    const size_t bytes = cuda_plan_workspace(rest); /* the convolution is done with the scratch memory by then */
    if (bytes > 0 && !cuda_scratch(q, bytes)) {
        return false;
    }
    rest->workspace = (void *)(uintptr_t)(bytes ? q->scratch : 0);
    if (!cuda_plan(rest, (void *)(uintptr_t)q->record, cuda_add_call, &target)) {
        cuda_fail(q, of->number, (int)of->kernel, "there is no kernel for what follows the convolution");
        return false;
    }
    return true;
}

/* y += bias of each channel */
static bool add_bias(cuda_queue *q, const cnn_launch *launch, void *y, const void *bias, int64_t batch,
                     int64_t channels, int64_t inner)
{
    cnn_elementwise_parameters p = { .function = CNN_BINARY_ADD,
                                     .nest = { .ndim = 3, .shape = { batch, channels, inner } } };
    const int64_t whole[3] = { channels * inner, inner, 1 }, each[3] = { 0, 1, 0 };
    memcpy(p.nest.stride[0], whole, sizeof whole);
    memcpy(p.nest.stride[1], whole, sizeof whole);
    memcpy(p.nest.stride[2], each, sizeof each);
    cnn_launch rest = { .kernel = CNN_KERNEL_BINARY,
                        .parameters = &p,
                        .parameters_size = sizeof p,
                        .in = { y, bias },
                        .out = { y },
                        .count = batch * channels * inner };
    return plan_rest(q, launch, &rest);
}

static bool add_relu(cuda_queue *q, const cnn_launch *launch, void *y, const void *mask, int64_t count)
{
    cnn_launch rest = { .kernel = mask ? CNN_KERNEL_RELU_BACKWARD : CNN_KERNEL_RELU,
                        .count = count,
                        .in = { mask ? mask : y, mask ? y : NULL },
                        .out = { y } };
    return plan_rest(q, launch, &rest);
}

/* bias[c] = Σ dy[n, c, i] */
static bool sum_channels(cuda_queue *q, const cnn_launch *launch, const void *dy, void *bias, const cnn_conv *g)
{
    const int64_t inner = g->out_h * g->out_w;
    cnn_reduce_parameters p = { .function = CNN_REDUCE_OF_SUM,
                                .outer = { .ndim = 1, .shape = { g->out_channels } },
                                .inner = { .ndim = 2, .shape = { g->batch, inner } } };
    p.outer.stride[0][0] = 1;
    p.outer.stride[1][0] = inner;
    p.inner.stride[1][0] = g->out_channels * inner;
    p.inner.stride[1][1] = 1;
    cnn_launch rest = {
        .kernel = CNN_KERNEL_REDUCE, .parameters = &p, .parameters_size = sizeof p, .in = { dy }, .out = { bias }
    };
    return plan_rest(q, launch, &rest);
}

/* The bias that is to be added behind a convolution; NULL: none. */
static const void *separate_bias(const cnn_launch *launch, const cuda_convolution *c)
{
    return c->form.bias ? NULL : bias_of(launch);
}

/* The activations before the pooling are in the launch's workspace. */
static bool add_pooled(cuda_queue *q, const cnn_launch *l, const cuda_convolution *c, const cnn_conv *g)
{
    void *dense = l->workspace;
    const void *separate = separate_bias(l, c);
    if (l->kernel == CNN_KERNEL_CONV_RELU_POOL_FORWARD) {
        const void *const in[2] = { dense, NULL };
        return add_convolution(q, l, c, l->in[0], l->in[1], dense) &&
               (!separate || add_bias(q, l, dense, separate, g->batch, g->out_channels, g->out_h * g->out_w)) &&
               cuda_pooling_add(q, l, g, true, in, l->out);
    }
    const bool data = l->kernel == CNN_KERNEL_CONV_RELU_POOL_BACKWARD_DATA;
    void *const out[2] = { dense, NULL };
    if (!cuda_pooling_add(q, l, g, false, data ? l->in : l->in + 1, out)) {
        return false;
    }
    return data ? add_convolution(q, l, c, l->out[0], l->in[2], dense)
                : add_convolution(q, l, c, l->in[0], l->out[0], dense) &&
                      (!l->out[1] || sum_channels(q, l, dense, l->out[1], g));
}

/* Adds one of three dimensions: x, weight, bias → y; dy, weight, bias → dx; x, dy → the gradient of the weight. */
static bool add_deep(cuda_queue *q, const cnn_launch *l, const cuda_convolution *c)
{
    const convolution_form *f = &c->form;
    const bool forward = f->kernel == CNN_KERNEL_CONV_FORWARD, data = f->kernel == CNN_KERNEL_CONV_BACKWARD_DATA;
    const int64_t *out = forward ? f->y : f->x;
    const void *separate = separate_bias(l, c);
    return add_convolution(q, l, c, data ? l->out[0] : l->in[0], forward || data ? l->in[1] : l->out[0],
                           forward ? l->out[0]
                           : data  ? l->in[0]
                                   : l->in[1]) &&
           (!separate || add_bias(q, l, l->out[0], separate, out[0], out[1], out[2] * out[3] * out[4]));
}

static bool add_parts(cuda_queue *q, const cnn_launch *l, const cuda_convolution *c, const cnn_conv *g)
{
    const int64_t x_count = g->batch * g->in_channels * g->in_h * g->in_w, y_inner = g->out_h * g->out_w;
    const void *separate = separate_bias(l, c);
    switch (l->kernel) {
    case CNN_KERNEL_CONV_FORWARD:
        return add_convolution(q, l, c, l->in[0], l->in[1], l->out[0]) &&
               (!separate || add_bias(q, l, l->out[0], separate, g->batch, g->out_channels, y_inner)) &&
               (!g->relu || add_relu(q, l, l->out[0], NULL, g->batch * g->out_channels * y_inner));
    case CNN_KERNEL_CONV_BACKWARD_DATA:
        return add_convolution(q, l, c, l->out[0], l->in[1], l->in[0]) &&
               (!l->in[2] || add_relu(q, l, l->out[0], l->in[2], x_count)) &&
               (!separate || add_bias(q, l, l->out[0], separate, g->batch, g->in_channels, g->in_h * g->in_w));
    default:
        return add_convolution(q, l, c, l->in[0], l->out[0], l->in[1]) &&
               (!l->out[1] || sum_channels(q, l, l->in[1], l->out[1], g));
    }
}

static bool is_forward(const cnn_launch *launch)
{
    return plain_kernel(launch->kernel) == CNN_KERNEL_CONV_FORWARD;
}

/* A bfloat16 is rounded once: a bias that is added to what cuDNN has rounded would round it again, and the kernels of
 * ReLU and pooling here have no bfloat16. Forward cuDNN may add the bias itself. */
bool cuda_convolution_fits(const cnn_launch *launch, bool unset)
{
    const cnn_conv *g = launch->parameters;
    return g && !g->add &&
           (launch->dtype != CNN_BF16 ||
            (!unset && (!bias_of(launch) || is_forward(launch)) && !cuda_is_pooled(launch)));
}

/* Forward with the bias in cuDNN's graph, if it has an engine for both. */
int cuda_convolution_add(cuda_queue *q, const cnn_launch *launch)
{
    const cnn_conv *g = launch->parameters;
    const bool bias = is_forward(launch) && bias_of(launch);
    const cuda_convolution *c = bias ? cuda_convolution_find(q, launch, true) : NULL;
    if (!c && !q->failed && !(bias && launch->dtype == CNN_BF16)) {
        c = cuda_convolution_find(q, launch, false);
    }
    if (!c) {
        return q->failed ? -1 : 0;
    }
    if (c->form.dims == 3) {
        return add_deep(q, launch, c) ? 1 : -1;
    }
    return (cuda_is_pooled(launch) ? add_pooled : add_parts)(q, launch, c, g) ? 1 : -1;
}
