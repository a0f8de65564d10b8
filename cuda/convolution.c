/* Convolutions by cuDNN's graphs: an operation, the engines that cuDNN's heuristics propose for it, and a plan made of
 * the first that is as repeatable and as exact as is asked for. Every plan is made once and kept.
 *
 * * An engine says of itself what it does to results. None is taken that sums in an order that changes; of float32
 * none that computes in less, unless TF32 is allowed; and where a launch is strict none that transforms what it
 * multiplies. */
#include "queue.h"

#include <stdlib.h>
#include <string.h>

enum { MOST_ENGINES = 24, MOST_NOTES = 16, MOST_PARTS = 80, MOST_PLANS = 512, MOST_DIMS = 3, X = 1, W = 2, Y = 3 };
static const int64_t most_workspace = (int64_t)1 << 30;

/* What makes a convolution another one, of two or three dimensions. Filled with zeros first, for memcmp(). */
typedef struct form {
    int64_t dims, x[2 + MOST_DIMS], w[2 + MOST_DIMS], y[2 + MOST_DIMS];
    int64_t stride[MOST_DIMS], dilation[MOST_DIMS], before[MOST_DIMS], behind[MOST_DIMS];
    int32_t kernel, dtype; /* the kernel is that of two dimensions */
    uint32_t align;
    uint8_t strict;
} form;

struct cuda_convolution {
    form form;
    cudnnBackendDescriptor_t plan; /* NULL: cuDNN has none */
    size_t workspace;
    cudnnBackendDescriptor_t parts[MOST_PARTS]; /* what the plan was made of, which lives as long */
    int part_count;
};

typedef struct making {
    cuda_queue *q;
    cuda_convolution *c;
    const char *function; /* that has failed */
    int status;
} making;

/* ---- descriptors ---- */

static bool made(making *m, const char *function, int status)
{
    if (m->status == CUDNN_STATUS_SUCCESS && status != CUDNN_STATUS_SUCCESS) {
        m->function = function;
        m->status = status;
    }
    return m->status == CUDNN_STATUS_SUCCESS;
}

static cudnnBackendDescriptor_t create(making *m, int kind)
{
    cudnnBackendDescriptor_t d = NULL;
    if (m->c->part_count == MOST_PARTS) {
        made(m, "cudnnBackendCreateDescriptor", CUDNN_STATUS_INTERNAL_ERROR);
    }
    if (m->status != CUDNN_STATUS_SUCCESS ||
        !made(m, "cudnnBackendCreateDescriptor", m->q->library->cudnnBackendCreateDescriptor(kind, &d))) {
        return NULL;
    }
    m->c->parts[m->c->part_count++] = d;
    return d;
}

/* Destroys what was created behind the first `count` parts. */
static void drop_parts(making *m, int count)
{
    while (m->c->part_count > count) {
        m->q->library->cudnnBackendDestroyDescriptor(m->c->parts[--m->c->part_count]);
    }
}

static void set(making *m, cudnnBackendDescriptor_t d, int name, int type, int64_t count, const void *elements)
{
    if (m->status == CUDNN_STATUS_SUCCESS) {
        made(m, "cudnnBackendSetAttribute", m->q->library->cudnnBackendSetAttribute(d, name, type, count, elements));
    }
}

static bool finalize(making *m, cudnnBackendDescriptor_t d)
{
    return m->status == CUDNN_STATUS_SUCCESS && made(m, "cudnnBackendFinalize", m->q->library->cudnnBackendFinalize(d));
}

static int type_of(int32_t dtype)
{
    return dtype == CNN_F64 ? CUDNN_DATA_DOUBLE : dtype == CNN_BF16 ? CUDNN_DATA_BFLOAT16 : CUDNN_DATA_FLOAT;
}

static cudnnBackendDescriptor_t tensor(making *m, int64_t id, const int64_t *sizes)
{
    const int type = type_of(m->c->form.dtype);
    const int64_t align = m->c->form.align, count = 2 + m->c->form.dims;
    int64_t strides[2 + MOST_DIMS] = { 0 };
    strides[count - 1] = 1;
    for (int64_t i = count - 1; i > 0; i--) {
        strides[i - 1] = strides[i] * sizes[i];
    }
    cudnnBackendDescriptor_t d = create(m, CUDNN_BACKEND_TENSOR_DESCRIPTOR);
    set(m, d, CUDNN_ATTR_TENSOR_DATA_TYPE, CUDNN_TYPE_DATA_TYPE, 1, &type);
    set(m, d, CUDNN_ATTR_TENSOR_DIMENSIONS, CUDNN_TYPE_INT64, count, sizes);
    set(m, d, CUDNN_ATTR_TENSOR_STRIDES, CUDNN_TYPE_INT64, count, strides);
    set(m, d, CUDNN_ATTR_TENSOR_UNIQUE_ID, CUDNN_TYPE_INT64, 1, &id);
    set(m, d, CUDNN_ATTR_TENSOR_BYTE_ALIGNMENT, CUDNN_TYPE_INT64, 1, &align);
    finalize(m, d);
    return d;
}

static cudnnBackendDescriptor_t convolution(making *m)
{
    const form *f = &m->c->form;
    const int compute = f->dtype == CNN_F64 ? CUDNN_DATA_DOUBLE : CUDNN_DATA_FLOAT, mode = CUDNN_CROSS_CORRELATION;
    const int64_t dims = f->dims;
    cudnnBackendDescriptor_t d = create(m, CUDNN_BACKEND_CONVOLUTION_DESCRIPTOR);
    set(m, d, CUDNN_ATTR_CONVOLUTION_COMP_TYPE, CUDNN_TYPE_DATA_TYPE, 1, &compute);
    set(m, d, CUDNN_ATTR_CONVOLUTION_CONV_MODE, CUDNN_TYPE_CONVOLUTION_MODE, 1, &mode);
    set(m, d, CUDNN_ATTR_CONVOLUTION_SPATIAL_DIMS, CUDNN_TYPE_INT64, 1, &dims);
    set(m, d, CUDNN_ATTR_CONVOLUTION_PRE_PADDINGS, CUDNN_TYPE_INT64, dims, f->before);
    set(m, d, CUDNN_ATTR_CONVOLUTION_POST_PADDINGS, CUDNN_TYPE_INT64, dims, f->behind);
    set(m, d, CUDNN_ATTR_CONVOLUTION_DILATIONS, CUDNN_TYPE_INT64, dims, f->dilation);
    set(m, d, CUDNN_ATTR_CONVOLUTION_FILTER_STRIDES, CUDNN_TYPE_INT64, dims, f->stride);
    finalize(m, d);
    return d;
}

/* The attributes of the three operations, in the order in which attach() takes them. */
static const int operations[3][7] = {
    { CUDNN_BACKEND_OPERATION_CONVOLUTION_FORWARD_DESCRIPTOR, CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_CONV_DESC,
      CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_X, CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_W,
      CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_Y, CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_ALPHA,
      CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_BETA },
    { CUDNN_BACKEND_OPERATION_CONVOLUTION_BACKWARD_DATA_DESCRIPTOR, CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_CONV_DESC,
      CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_DX, CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_W,
      CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_DY, CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_ALPHA,
      CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_BETA },
    { CUDNN_BACKEND_OPERATION_CONVOLUTION_BACKWARD_FILTER_DESCRIPTOR,
      CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_CONV_DESC, CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_X,
      CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_DW, CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_DY,
      CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_ALPHA, CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_BETA }
};

static cudnnBackendDescriptor_t operation(making *m)
{
    const form *f = &m->c->form;
    const int *a = operations[f->kernel == CNN_KERNEL_CONV_FORWARD         ? 0
                              : f->kernel == CNN_KERNEL_CONV_BACKWARD_DATA ? 1
                                                                           : 2];
    cudnnBackendDescriptor_t parts[4] = { convolution(m), tensor(m, X, f->x), tensor(m, W, f->w), tensor(m, Y, f->y) };
    cudnnBackendDescriptor_t d = create(m, a[0]);
    const double one = 1, zero = 0;
    const float one_f = 1, zero_f = 0;
    const bool f64 = f->dtype == CNN_F64;
    for (int i = 0; i < 4; i++) {
        set(m, d, a[i + 1], CUDNN_TYPE_BACKEND_DESCRIPTOR, 1, &parts[i]);
    }
    set(m, d, a[5], f64 ? CUDNN_TYPE_DOUBLE : CUDNN_TYPE_FLOAT, 1, f64 ? (const void *)&one : &one_f);
    set(m, d, a[6], f64 ? CUDNN_TYPE_DOUBLE : CUDNN_TYPE_FLOAT, 1, f64 ? (const void *)&zero : &zero_f);
    finalize(m, d);
    return d;
}

/* ---- engines ---- */

static bool note_fits(const making *m, int note)
{
    const form *f = &m->c->form;
    switch (note) {
    case CUDNN_NUMERICAL_NOTE_NONDETERMINISTIC: return false;
    case CUDNN_NUMERICAL_NOTE_TENSOR_CORE: return f->dtype != CNN_F32 || m->q->tf32;
    case CUDNN_NUMERICAL_NOTE_DOWN_CONVERT_INPUTS:
    case CUDNN_NUMERICAL_NOTE_REDUCED_PRECISION_REDUCTION: return false;
    case CUDNN_NUMERICAL_NOTE_FFT:
    case CUDNN_NUMERICAL_NOTE_WINOGRAD: return !f->strict;
    default: return true;
    }
}

static bool engine_fits(making *m, cudnnBackendDescriptor_t config)
{
    const cuda_library *l = m->q->library;
    int notes[MOST_NOTES];
    int64_t count = 0;
    cudnnBackendDescriptor_t engine = create(m, CUDNN_BACKEND_ENGINE_DESCRIPTOR);
    bool known = engine &&
                 l->cudnnBackendGetAttribute(config, CUDNN_ATTR_ENGINECFG_ENGINE, CUDNN_TYPE_BACKEND_DESCRIPTOR, 1,
                                             &count, &engine) == CUDNN_STATUS_SUCCESS &&
                 l->cudnnBackendGetAttribute(engine, CUDNN_ATTR_ENGINE_NUMERICAL_NOTE, CUDNN_TYPE_NUMERICAL_NOTE,
                                             MOST_NOTES, &count, notes) == CUDNN_STATUS_SUCCESS;
    for (int64_t i = 0; i < count && known; i++) {
        known = note_fits(m, notes[i]);
    }
    return known;
}

/* Makes a plan of an engine. False: it is not possible with this one. */
static bool plan_of(making *m, cudnnBackendDescriptor_t config)
{
    const cuda_library *l = m->q->library;
    int64_t bytes = 0, count = 0;
    making own = { m->q, m->c, NULL, CUDNN_STATUS_SUCCESS };
    cudnnBackendDescriptor_t plan = create(&own, CUDNN_BACKEND_EXECUTION_PLAN_DESCRIPTOR);
    set(&own, plan, CUDNN_ATTR_EXECUTION_PLAN_HANDLE, CUDNN_TYPE_HANDLE, 1, &m->q->dnn);
    set(&own, plan, CUDNN_ATTR_EXECUTION_PLAN_ENGINE_CONFIG, CUDNN_TYPE_BACKEND_DESCRIPTOR, 1, &config);
    if (!finalize(&own, plan) ||
        l->cudnnBackendGetAttribute(plan, CUDNN_ATTR_EXECUTION_PLAN_WORKSPACE_SIZE, CUDNN_TYPE_INT64, 1, &count,
                                    &bytes) != CUDNN_STATUS_SUCCESS ||
        bytes < 0 || bytes > most_workspace) {
        return false;
    }
    m->c->plan = plan;
    m->c->workspace = (size_t)bytes;
    return true;
}

/* Asks for engines in one of the modes of the heuristics, and takes the first that fits. */
static void try_mode(making *m, cudnnBackendDescriptor_t graph, int mode)
{
    const int before = m->c->part_count;
    int64_t count = 0;
    cudnnBackendDescriptor_t configs[MOST_ENGINES], heuristics = create(m, CUDNN_BACKEND_ENGINEHEUR_DESCRIPTOR);
    set(m, heuristics, CUDNN_ATTR_ENGINEHEUR_OPERATION_GRAPH, CUDNN_TYPE_BACKEND_DESCRIPTOR, 1, &graph);
    set(m, heuristics, CUDNN_ATTR_ENGINEHEUR_MODE, CUDNN_TYPE_HEUR_MODE, 1, &mode);
    finalize(m, heuristics);
    for (int i = 0; i < MOST_ENGINES && m->status == CUDNN_STATUS_SUCCESS; i++) {
        configs[i] = create(m, CUDNN_BACKEND_ENGINECFG_DESCRIPTOR);
    }
    if (m->status == CUDNN_STATUS_SUCCESS) {
        made(m, "cudnnBackendGetAttribute",
             m->q->library->cudnnBackendGetAttribute(heuristics, CUDNN_ATTR_ENGINEHEUR_RESULTS,
                                                     CUDNN_TYPE_BACKEND_DESCRIPTOR, MOST_ENGINES, &count, configs));
    }
    for (int64_t i = 0; i < count && m->status == CUDNN_STATUS_SUCCESS && !m->c->plan; i++) {
        int parts = m->c->part_count;
        if (!engine_fits(m, configs[i]) || !plan_of(m, configs[i])) {
            drop_parts(m, parts);
        }
    }
    if (!m->c->plan) {
        drop_parts(m, before);
    }
}

static void make_plan(making *m)
{
    cudnnBackendDescriptor_t op = operation(m), graph = create(m, CUDNN_BACKEND_OPERATIONGRAPH_DESCRIPTOR);
    set(m, graph, CUDNN_ATTR_OPERATIONGRAPH_HANDLE, CUDNN_TYPE_HANDLE, 1, &m->q->dnn);
    set(m, graph, CUDNN_ATTR_OPERATIONGRAPH_OPS, CUDNN_TYPE_BACKEND_DESCRIPTOR, 1, &op);
    finalize(m, graph);
    if (m->status == CUDNN_STATUS_SUCCESS) {
        try_mode(m, graph, CUDNN_HEUR_MODE_A);
    }
    if (!m->c->plan && m->status / 1000 == CUDNN_STATUS_NOT_SUPPORTED / 1000) {
        m->status = CUDNN_STATUS_SUCCESS;
    }
    if (!m->c->plan && m->status == CUDNN_STATUS_SUCCESS) {
        try_mode(m, graph, CUDNN_HEUR_MODE_FALLBACK);
    }
}

/* ---- finding ---- */

static void destroy(cuda_queue *q, cuda_convolution *c)
{
    making m = { .q = q, .c = c };
    drop_parts(&m, 0);
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

/* False: not one that cuDNN is asked for. */
static bool form_of(form *f, const cnn_launch *launch)
{
    int dims;
    const cnn_conv3d_parameters v = volume_of(launch, &dims);
    const cnn_conv *g = &v.slice;
    const int from = MOST_DIMS - dims; /* the depth is left out */
    memset(f, 0, sizeof *f);
    const cnn_kernel operation = plain_kernel(launch->kernel);
    bool kind = operation == CNN_KERNEL_CONV_FORWARD || operation == CNN_KERNEL_CONV_BACKWARD_DATA ||
                operation == CNN_KERNEL_CONV_BACKWARD_WEIGHT;
    bool real = launch->dtype == CNN_F32 || launch->dtype == CNN_F64 || launch->dtype == CNN_BF16;
    if (!kind || !real || g->batch < 1 || g->groups < 1 || g->out_h < 1 || g->out_w < 1 || v.out_d < 1 ||
        g->pad_top < 0 || g->pad_left < 0 || v.pad_front < 0) {
        return false;
    }
    const int64_t x[MOST_DIMS] = { v.in_d, g->in_h, g->in_w }, y[MOST_DIMS] = { v.out_d, g->out_h, g->out_w },
                  w[MOST_DIMS] = { v.kernel_d, g->kernel_h, g->kernel_w },
                  stride[MOST_DIMS] = { v.stride_d, g->stride_h, g->stride_w },
                  dilation[MOST_DIMS] = { v.dilation_d, g->dilation_h, g->dilation_w },
                  before[MOST_DIMS] = { v.pad_front, g->pad_top, g->pad_left };
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

const cuda_convolution *cuda_convolution_find(cuda_queue *q, const cnn_launch *launch)
{
    form f;
    if (!launch->parameters || !form_of(&f, launch)) {
        return NULL;
    }
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
    making m = { .q = q, .c = c };
    c->form = f;
    make_plan(&m);
    if (!c->plan && m.status != CUDNN_STATUS_SUCCESS && m.status / 1000 != CUDNN_STATUS_NOT_SUPPORTED / 1000) {
        const char *words = q->library->cudnnGetErrorString(m.status);
        cuda_fail(q, launch->number, (int)launch->kernel, "%s: %s", m.function, words ? words : "no reason given");
        destroy(q, c);
        return NULL;
    }
    if (!c->plan) {
        drop_parts(&m, 0);
    }
    q->convolutions[q->convolution_count++] = c;
    return c->plan ? c : NULL;
}

/* ---- adding and issuing ---- */

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
    return cuda_scratch(q, c->workspace) && cuda_add(q, &entry, NULL);
}

bool cuda_convolution_issue(cuda_queue *q, const cuda_entry *e)
{
    static const int64_t ids[3] = { X, W, Y };
    void *scratch = e->convolution->workspace ? (void *)(uintptr_t)q->scratch : NULL;
    cuda_convolution parts = { .part_count = 0 };
    making m = { .q = q, .c = &parts };
    cudnnBackendDescriptor_t pack = create(&m, CUDNN_BACKEND_VARIANT_PACK_DESCRIPTOR);
    set(&m, pack, CUDNN_ATTR_VARIANT_PACK_UNIQUE_IDS, CUDNN_TYPE_INT64, 3, ids);
    set(&m, pack, CUDNN_ATTR_VARIANT_PACK_DATA_POINTERS, CUDNN_TYPE_VOID_PTR, 3, e->operand);
    set(&m, pack, CUDNN_ATTR_VARIANT_PACK_WORKSPACE, CUDNN_TYPE_VOID_PTR, 1, &scratch);
    if (finalize(&m, pack)) {
        made(&m, "cudnnBackendExecute", q->library->cudnnBackendExecute(q->dnn, e->convolution->plan, pack));
    }
    drop_parts(&m, 0);
    if (m.status != CUDNN_STATUS_SUCCESS) {
        const char *words = q->library->cudnnGetErrorString(m.status);
        cuda_fail(q, e->number, e->kernel, "%s: %s", m.function, words ? words : "no reason given");
    }
    return m.status == CUDNN_STATUS_SUCCESS;
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

/* The activations before the pooling are in the launch's workspace. */
static bool add_pooled(cuda_queue *q, const cnn_launch *l, const cuda_convolution *c, const cnn_conv *g)
{
    void *dense = l->workspace;
    if (l->kernel == CNN_KERNEL_CONV_RELU_POOL_FORWARD) {
        const void *const in[2] = { dense, NULL };
        return add_convolution(q, l, c, l->in[0], l->in[1], dense) &&
               (!l->in[2] || add_bias(q, l, dense, l->in[2], g->batch, g->out_channels, g->out_h * g->out_w)) &&
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

/* Of three dimensions: x, weight, bias → y; dy, weight, bias → dx; x, dy → the gradient of the weight. */
static bool add_deep(cuda_queue *q, const cnn_launch *l, const cuda_convolution *c)
{
    const form *f = &c->form;
    const bool forward = f->kernel == CNN_KERNEL_CONV_FORWARD, data = f->kernel == CNN_KERNEL_CONV_BACKWARD_DATA;
    const int64_t *out = forward ? f->y : f->x;
    return add_convolution(q, l, c, data ? l->out[0] : l->in[0], forward || data ? l->in[1] : l->out[0],
                           forward ? l->out[0]
                           : data  ? l->in[0]
                                   : l->in[1]) &&
           ((!forward && !data) || !l->in[2] ||
            add_bias(q, l, l->out[0], l->in[2], out[0], out[1], out[2] * out[3] * out[4]));
}

static bool add_parts(cuda_queue *q, const cnn_launch *l, const cuda_convolution *c, const cnn_conv *g)
{
    const int64_t x_count = g->batch * g->in_channels * g->in_h * g->in_w, y_inner = g->out_h * g->out_w;
    switch (l->kernel) {
    case CNN_KERNEL_CONV_FORWARD:
        return add_convolution(q, l, c, l->in[0], l->in[1], l->out[0]) &&
               (!l->in[2] || add_bias(q, l, l->out[0], l->in[2], g->batch, g->out_channels, y_inner)) &&
               (!g->relu || add_relu(q, l, l->out[0], NULL, g->batch * g->out_channels * y_inner));
    case CNN_KERNEL_CONV_BACKWARD_DATA:
        return add_convolution(q, l, c, l->out[0], l->in[1], l->in[0]) &&
               (!l->in[2] || add_relu(q, l, l->out[0], l->in[2], x_count)) &&
               (!l->in[3] || add_bias(q, l, l->out[0], l->in[3], g->batch, g->in_channels, g->in_h * g->in_w));
    default:
        return add_convolution(q, l, c, l->in[0], l->out[0], l->in[1]) &&
               (!l->out[1] || sum_channels(q, l, l->in[1], l->out[1], g));
    }
}

/* A bfloat16 is rounded once: with a bias, which is added to what cuDNN has rounded, it is our own kernels'; so it is
 * with ReLU and pooling, whose kernels here have no bfloat16. */
bool cuda_convolution_fits(const cnn_launch *launch, bool unset)
{
    const cnn_conv *g = launch->parameters;
    const cnn_kernel kernel = launch->kernel;
    const void *bias = kernel == CNN_KERNEL_CONV_FORWARD || kernel == CNN_KERNEL_CONV_RELU_POOL_FORWARD ||
                               kernel == CNN_KERNEL_CONV3D_FORWARD || kernel == CNN_KERNEL_CONV3D_BACKWARD_DATA
                           ? launch->in[2]
                       : kernel == CNN_KERNEL_CONV_BACKWARD_DATA ? launch->in[3]
                                                                 : NULL;
    return g && !g->add && (launch->dtype != CNN_BF16 || (!unset && !bias && !cuda_is_pooled(launch)));
}

int cuda_convolution_add(cuda_queue *q, const cnn_launch *launch)
{
    const cnn_conv *g = launch->parameters;
    const cuda_convolution *c = cuda_convolution_find(q, launch);
    if (!c) {
        return q->failed ? -1 : 0;
    }
    if (c->form.dims == 3) {
        return add_deep(q, launch, c) ? 1 : -1;
    }
    return (cuda_is_pooled(launch) ? add_pooled : add_parts)(q, launch, c, g) ? 1 : -1;
}
