/* Plans of convolutions: an operation, the engines that cuDNN's heuristics propose for it, and a plan made of the first
 * that is as repeatable and as exact as is asked for.
 *
 * * An engine says of itself what it does to results. None is taken that sums in an order that changes; of float32
 * none that computes in less, unless TF32 is allowed; and where a launch is strict none that transforms what it
 * multiplies. */
#include "convolution.h"

enum { MOST_ENGINES = 24, MOST_NOTES = 16, X = 1, W = 2, Y = 3, BIAS = 4, SUM = 5 };
static const int64_t most_workspace = (int64_t)1 << 30;

/* ---- descriptors ---- */

static bool made(convolution_making *m, const char *function, int status)
{
    if (m->status == CUDNN_STATUS_SUCCESS && status != CUDNN_STATUS_SUCCESS) {
        m->function = function;
        m->status = status;
    }
    return m->status == CUDNN_STATUS_SUCCESS;
}

static cudnnBackendDescriptor_t create(convolution_making *m, int kind)
{
    cudnnBackendDescriptor_t d = NULL;
    if (m->c->part_count == CONVOLUTION_PARTS) {
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
void cuda_convolution_drop(convolution_making *m, int count)
{
    while (m->c->part_count > count) {
        m->q->library->cudnnBackendDestroyDescriptor(m->c->parts[--m->c->part_count]);
    }
}

static void set(convolution_making *m, cudnnBackendDescriptor_t d, int name, int type, int64_t count,
                const void *elements)
{
    if (m->status == CUDNN_STATUS_SUCCESS) {
        made(m, "cudnnBackendSetAttribute", m->q->library->cudnnBackendSetAttribute(d, name, type, count, elements));
    }
}

static bool finalize(convolution_making *m, cudnnBackendDescriptor_t d)
{
    return m->status == CUDNN_STATUS_SUCCESS && made(m, "cudnnBackendFinalize", m->q->library->cudnnBackendFinalize(d));
}

static int type_of(int32_t dtype)
{
    return dtype == CNN_F64 ? CUDNN_DATA_DOUBLE : dtype == CNN_BF16 ? CUDNN_DATA_BFLOAT16 : CUDNN_DATA_FLOAT;
}

/* Returns the type in which sums are made. */
static int compute_type(const convolution_making *m)
{
    return m->c->form.dtype == CNN_F64 ? CUDNN_DATA_DOUBLE : CUDNN_DATA_FLOAT;
}

/* The sum of a convolution whose bias is added behind it is in no memory. */
static cudnnBackendDescriptor_t tensor(convolution_making *m, int64_t id, const int64_t *sizes)
{
    const bool is_virtual = id == SUM;
    const int type = is_virtual ? compute_type(m) : type_of(m->c->form.dtype);
    const int64_t align = m->c->form.align, count = 2 + m->c->form.dims;
    int64_t strides[2 + CONVOLUTION_DIMS] = { 0 };
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
    if (is_virtual) {
        set(m, d, CUDNN_ATTR_TENSOR_IS_VIRTUAL, CUDNN_TYPE_BOOLEAN, 1, &is_virtual);
    }
    finalize(m, d);
    return d;
}

static cudnnBackendDescriptor_t convolution(convolution_making *m)
{
    const convolution_form *f = &m->c->form;
    const int compute = compute_type(m), mode = CUDNN_CROSS_CORRELATION;
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

/* Makes the operation of the form, with `y` in place of its result. */
static cudnnBackendDescriptor_t operation(convolution_making *m, cudnnBackendDescriptor_t y)
{
    const convolution_form *f = &m->c->form;
    const int *a = operations[f->kernel == CNN_KERNEL_CONV_FORWARD         ? 0
                              : f->kernel == CNN_KERNEL_CONV_BACKWARD_DATA ? 1
                                                                           : 2];
    cudnnBackendDescriptor_t parts[4] = { convolution(m), tensor(m, X, f->x), tensor(m, W, f->w), y };
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

/* y = sum + bias of each channel */
static cudnnBackendDescriptor_t bias_operation(convolution_making *m, cudnnBackendDescriptor_t sum,
                                               cudnnBackendDescriptor_t y)
{
    const int mode = CUDNN_POINTWISE_ADD, compute = compute_type(m);
    const int64_t sizes[2 + CONVOLUTION_DIMS] = { 1, m->c->form.y[1], 1, 1, 1 };
    cudnnBackendDescriptor_t add = create(m, CUDNN_BACKEND_POINTWISE_DESCRIPTOR), bias = NULL;
    set(m, add, CUDNN_ATTR_POINTWISE_MODE, CUDNN_TYPE_POINTWISE_MODE, 1, &mode);
    set(m, add, CUDNN_ATTR_POINTWISE_MATH_PREC, CUDNN_TYPE_DATA_TYPE, 1, &compute);
    finalize(m, add);
    bias = tensor(m, BIAS, sizes);
    cudnnBackendDescriptor_t d = create(m, CUDNN_BACKEND_OPERATION_POINTWISE_DESCRIPTOR);
    set(m, d, CUDNN_ATTR_OPERATION_POINTWISE_PW_DESCRIPTOR, CUDNN_TYPE_BACKEND_DESCRIPTOR, 1, &add);
    set(m, d, CUDNN_ATTR_OPERATION_POINTWISE_XDESC, CUDNN_TYPE_BACKEND_DESCRIPTOR, 1, &sum);
    set(m, d, CUDNN_ATTR_OPERATION_POINTWISE_BDESC, CUDNN_TYPE_BACKEND_DESCRIPTOR, 1, &bias);
    set(m, d, CUDNN_ATTR_OPERATION_POINTWISE_YDESC, CUDNN_TYPE_BACKEND_DESCRIPTOR, 1, &y);
    finalize(m, d);
    return d;
}

/* ---- engines ---- */

static bool note_fits(const convolution_making *m, int note)
{
    const convolution_form *f = &m->c->form;
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

static bool engine_fits(convolution_making *m, cudnnBackendDescriptor_t config)
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
static bool plan_of(convolution_making *m, cudnnBackendDescriptor_t config)
{
    const cuda_library *l = m->q->library;
    int64_t bytes = 0, count = 0;
    convolution_making own = { m->q, m->c, NULL, CUDNN_STATUS_SUCCESS };
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
static void try_mode(convolution_making *m, cudnnBackendDescriptor_t graph, int mode)
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
            cuda_convolution_drop(m, parts);
        }
    }
    if (!m->c->plan) {
        cuda_convolution_drop(m, before);
    }
}

void cuda_convolution_make(convolution_making *m)
{
    const convolution_form *f = &m->c->form;
    cudnnBackendDescriptor_t y = tensor(m, Y, f->y), sum = f->bias ? tensor(m, SUM, f->y) : y;
    cudnnBackendDescriptor_t ops[2] = { operation(m, sum), f->bias ? bias_operation(m, sum, y) : NULL };
    cudnnBackendDescriptor_t graph = create(m, CUDNN_BACKEND_OPERATIONGRAPH_DESCRIPTOR);
    set(m, graph, CUDNN_ATTR_OPERATIONGRAPH_HANDLE, CUDNN_TYPE_HANDLE, 1, &m->q->dnn);
    set(m, graph, CUDNN_ATTR_OPERATIONGRAPH_OPS, CUDNN_TYPE_BACKEND_DESCRIPTOR, f->bias ? 2 : 1, ops);
    if (!finalize(m, graph)) {
        return; /* such a graph has no engines at all */
    }
    try_mode(m, graph, CUDNN_HEUR_MODE_A);
    if (!m->c->plan && m->status / 1000 == CUDNN_STATUS_NOT_SUPPORTED / 1000) {
        m->status = CUDNN_STATUS_SUCCESS;
    }
    if (!m->c->plan && m->status == CUDNN_STATUS_SUCCESS) {
        try_mode(m, graph, CUDNN_HEUR_MODE_FALLBACK);
    }
}

/* ---- issuing ---- */

bool cuda_convolution_issue(cuda_queue *q, const cuda_entry *e)
{
    static const int64_t ids[4] = { X, W, Y, BIAS };
    const int64_t count = e->convolution->form.bias ? 4 : 3;
    void *scratch = e->convolution->workspace ? (void *)(uintptr_t)q->scratch : NULL;
    cuda_convolution parts = { .part_count = 0 };
    convolution_making m = { .q = q, .c = &parts };
    cudnnBackendDescriptor_t pack = create(&m, CUDNN_BACKEND_VARIANT_PACK_DESCRIPTOR);
    set(&m, pack, CUDNN_ATTR_VARIANT_PACK_UNIQUE_IDS, CUDNN_TYPE_INT64, count, ids);
    set(&m, pack, CUDNN_ATTR_VARIANT_PACK_DATA_POINTERS, CUDNN_TYPE_VOID_PTR, count, e->operand);
    set(&m, pack, CUDNN_ATTR_VARIANT_PACK_WORKSPACE, CUDNN_TYPE_VOID_PTR, 1, &scratch);
    if (finalize(&m, pack)) {
        made(&m, "cudnnBackendExecute", q->library->cudnnBackendExecute(q->dnn, e->convolution->plan, pack));
    }
    cuda_convolution_drop(&m, 0);
    if (m.status != CUDNN_STATUS_SUCCESS) {
        const char *words = q->library->cudnnGetErrorString(m.status);
        cuda_fail(q, e->number, e->kernel, "%s: %s", m.function, words ? words : "no reason given");
    }
    return m.status == CUDNN_STATUS_SUCCESS;
}
