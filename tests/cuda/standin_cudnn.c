/* cuDNN of the stand-in: every object is a descriptor. It computes with the library's own kernels of the CPU. */
#include "standin.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_ATTRIBUTES = 10, ENGINE_WORKSPACE = 8192 };
/* The engines that heuristics propose, in their order: one adds up in any order, one is not there after all, one uses
 * tensor cores, which round float32 to TF32, and one is good. */
enum { ANY_ORDER, ABSENT, TENSOR_CORES, PLAIN, ENGINES };

typedef struct attribute {
    int name, type;
    int64_t count;
    union {
        int64_t i[5];
        int n[4];
        float f[4];
        double d[4];
        void *p[4];
        bool b[4];
    } value;
} attribute;

typedef struct descriptor {
    int kind;
    bool finalized;
    int engine; /* for an engine and its configuration */
    attribute attributes[MOST_ATTRIBUTES];
    int count;
} descriptor;

struct cudnnContext {
    CUstream stream;
};

EXPORTED const char *cudnnGetErrorString(int status)
{
    return status == CUDNN_STATUS_EXECUTION_FAILED ? "CUDNN_STATUS_EXECUTION_FAILED" : "CUDNN_STATUS_INTERNAL_ERROR";
}

EXPORTED int cudnnCreate(cudnnHandle_t *handle)
{
    CREATED("cuDNN", handle, CUDNN_STATUS_INTERNAL_ERROR);
    return 0;
}

EXPORTED int cudnnDestroy(cudnnHandle_t handle)
{
    DESTROYED("cuDNN", handle);
}

EXPORTED int cudnnSetStream(cudnnHandle_t handle, CUstream stream)
{
    CALL(CUDNN_STATUS_INTERNAL_ERROR);
    standin_object_check("stream", stream);
    handle->stream = stream;
    return 0;
}

EXPORTED int cudnnBackendCreateDescriptor(int kind, cudnnBackendDescriptor_t *place)
{
    CALL(CUDNN_STATUS_INTERNAL_ERROR);
    descriptor *d = standin_object_new("descriptor", sizeof *d);
    d->kind = kind;
    *place = d;
    return 0;
}

EXPORTED int cudnnBackendDestroyDescriptor(cudnnBackendDescriptor_t d)
{
    DESTROYED("descriptor", d);
}

static size_t size_of_type(int type)
{
    switch (type) {
    case CUDNN_TYPE_INT64:
    case CUDNN_TYPE_DOUBLE:
    case CUDNN_TYPE_HANDLE:
    case CUDNN_TYPE_VOID_PTR:
    case CUDNN_TYPE_BACKEND_DESCRIPTOR: return 8;
    case CUDNN_TYPE_BOOLEAN: return sizeof(bool);
    case CUDNN_TYPE_DATA_TYPE:
    case CUDNN_TYPE_CONVOLUTION_MODE:
    case CUDNN_TYPE_HEUR_MODE:
    case CUDNN_TYPE_POINTWISE_MODE:
    case CUDNN_TYPE_FLOAT: return 4;
    default: standin_wrong("%d is no type of an attribute that is set", type);
    }
}

EXPORTED int cudnnBackendSetAttribute(cudnnBackendDescriptor_t given, int name, int type, int64_t count, const void *elements)
{
    CALL(CUDNN_STATUS_INTERNAL_ERROR);
    descriptor *d = given;
    standin_object_check("descriptor", d);
    if (d->finalized || d->count == MOST_ATTRIBUTES || count < 1 || count > 5) {
        standin_wrong("attribute %d of descriptor %d cannot be set", name, d->kind);
    }
    attribute *a = &d->attributes[d->count++];
    *a = (attribute){ .name = name, .type = type, .count = count };
    memcpy(&a->value, elements, size_of_type(type) * (size_t)count);
    for (int64_t i = 0; type == CUDNN_TYPE_BACKEND_DESCRIPTOR && i < count; i++) {
        standin_object_check("descriptor", a->value.p[i]);
        if (!((const descriptor *)a->value.p[i])->finalized && ((const descriptor *)a->value.p[i])->kind != CUDNN_BACKEND_ENGINECFG_DESCRIPTOR) {
            standin_wrong("attribute %d of descriptor %d is not finalized", name, d->kind);
        }
    }
    return 0;
}

static const attribute *find(const descriptor *d, int name, int type, int64_t count)
{
    for (int i = 0; i < d->count; i++) {
        if (d->attributes[i].name == name && d->attributes[i].type == type && d->attributes[i].count == count) {
            return &d->attributes[i];
        }
    }
    standin_wrong("descriptor %d lacks attribute %d of type %d, %lld elements", d->kind, name, type, (long long)count);
}

static const descriptor *part(const descriptor *d, int name)
{
    return find(d, name, CUDNN_TYPE_BACKEND_DESCRIPTOR, 1)->value.p[0];
}

typedef struct convolution_work {
    cnn_launch launch;
    cnn_conv3d_parameters g; /* for two dimensions its slice alone is set */
    void *workspace;
    bool bias;
    int kind; /* 0: forward, 1: the gradient of the data, 2: of the weight */
    bool tf32;
    int64_t in_count[2];
} convolution_work;

/* The convolution of a graph, and what is added behind it; NULL: nothing. */
static const descriptor *operation_of(const descriptor *graph, const descriptor **add)
{
    find(graph, CUDNN_ATTR_OPERATIONGRAPH_HANDLE, CUDNN_TYPE_HANDLE, 1);
    for (int i = 0; i < graph->count; i++) {
        const attribute *a = &graph->attributes[i];
        if (a->name == CUDNN_ATTR_OPERATIONGRAPH_OPS && a->type == CUDNN_TYPE_BACKEND_DESCRIPTOR && a->count == 2) {
            *add = a->value.p[1];
            return a->value.p[0];
        }
    }
    *add = NULL;
    return part(graph, CUDNN_ATTR_OPERATIONGRAPH_OPS);
}

static bool is_virtual(const descriptor *tensor)
{
    bool found = false;
    for (int i = 0; i < tensor->count; i++) {
        found = found || (tensor->attributes[i].name == CUDNN_ATTR_TENSOR_IS_VIRTUAL && tensor->attributes[i].value.b[0]);
    }
    return found;
}

static const int64_t *sizes(const descriptor *tensor, int64_t id, int type, int64_t dims)
{
    const int64_t *s = find(tensor, CUDNN_ATTR_TENSOR_DIMENSIONS, CUDNN_TYPE_INT64, 2 + dims)->value.i;
    const int64_t *strides = find(tensor, CUDNN_ATTR_TENSOR_STRIDES, CUDNN_TYPE_INT64, 2 + dims)->value.i;
    bool dense = strides[1 + dims] == 1;
    for (int64_t i = 0; i < 1 + dims; i++) {
        dense = dense && s[i] > 0 && strides[i] == s[i + 1] * strides[i + 1];
    }
    const int64_t align = find(tensor, CUDNN_ATTR_TENSOR_BYTE_ALIGNMENT, CUDNN_TYPE_INT64, 1)->value.i[0];
    if (!dense || align < 1 ||
        find(tensor, CUDNN_ATTR_TENSOR_UNIQUE_ID, CUDNN_TYPE_INT64, 1)->value.i[0] != id ||
        find(tensor, CUDNN_ATTR_TENSOR_DATA_TYPE, CUDNN_TYPE_DATA_TYPE, 1)->value.n[0] != type) {
        standin_wrong("tensor %lld is another one than expected", (long long)id);
    }
    return s;
}

/* Checks that a sum of a convolution, which is in no memory, and a bias of each channel are added to y. */
static void check_bias(const descriptor *op, const descriptor *add, const descriptor *sum_of, int type, int compute, int64_t dims)
{
    const descriptor *mode = part(add, CUDNN_ATTR_OPERATION_POINTWISE_PW_DESCRIPTOR);
    const int64_t *sum = sizes(sum_of, 5, compute, dims), *b = sizes(part(add, CUDNN_ATTR_OPERATION_POINTWISE_BDESC), 4, type, dims),
                  *y = sizes(part(add, CUDNN_ATTR_OPERATION_POINTWISE_YDESC), 3, type, dims);
    bool fits = op->kind == CUDNN_BACKEND_OPERATION_CONVOLUTION_FORWARD_DESCRIPTOR && add->kind == CUDNN_BACKEND_OPERATION_POINTWISE_DESCRIPTOR &&
                mode->kind == CUDNN_BACKEND_POINTWISE_DESCRIPTOR && part(add, CUDNN_ATTR_OPERATION_POINTWISE_XDESC) == sum_of && is_virtual(sum_of) &&
                find(mode, CUDNN_ATTR_POINTWISE_MODE, CUDNN_TYPE_POINTWISE_MODE, 1)->value.n[0] == CUDNN_POINTWISE_ADD &&
                find(mode, CUDNN_ATTR_POINTWISE_MATH_PREC, CUDNN_TYPE_DATA_TYPE, 1)->value.n[0] == compute && b[1] == y[1];
    for (int64_t i = 0; i < 2 + dims; i++) {
        fits = fits && sum[i] == y[i] && (i == 1 || b[i] == 1);
    }
    if (!fits) {
        standin_wrong("a bias that does not fit its convolution");
    }
}

/* Reads a graph: its geometry, dtype and kernel, and whether a bias is added. */
static void read_graph(const descriptor *graph, convolution_work *w)
{
    const descriptor *add, *op = operation_of(graph, &add);
    static const int names[3][6] = { { 702, 704, 703, 705, 700, 701 }, { 708, 710, 709, 711, 706, 707 }, { 714, 716, 715, 717, 712, 713 } };
    static const cnn_kernel kernels[2][3] = {
        { CNN_KERNEL_CONV_FORWARD, CNN_KERNEL_CONV_BACKWARD_DATA, CNN_KERNEL_CONV_BACKWARD_WEIGHT },
        { CNN_KERNEL_CONV3D_FORWARD, CNN_KERNEL_CONV3D_BACKWARD_DATA, CNN_KERNEL_CONV3D_BACKWARD_WEIGHT }
    };
    int kind = op->kind == CUDNN_BACKEND_OPERATION_CONVOLUTION_FORWARD_DESCRIPTOR           ? 0
               : op->kind == CUDNN_BACKEND_OPERATION_CONVOLUTION_BACKWARD_DATA_DESCRIPTOR   ? 1
               : op->kind == CUDNN_BACKEND_OPERATION_CONVOLUTION_BACKWARD_FILTER_DESCRIPTOR ? 2
                                                                                            : -1;
    if (kind < 0) {
        standin_wrong("%d is no operation", op->kind);
    }
    const int *n = names[kind];
    const descriptor *c = part(op, n[0]), *x_of = part(op, n[1]);
    int type = find(x_of, CUDNN_ATTR_TENSOR_DATA_TYPE, CUDNN_TYPE_DATA_TYPE, 1)->value.n[0];
    bool f64 = type == CUDNN_DATA_DOUBLE;
    const int64_t dims = find(c, CUDNN_ATTR_CONVOLUTION_SPATIAL_DIMS, CUDNN_TYPE_INT64, 1)->value.i[0];
    if (dims != 2 && dims != 3) {
        standin_wrong("a convolution of %lld dimensions", (long long)dims);
    }
    const int64_t *x = sizes(x_of, 1, type, dims), *k = sizes(part(op, n[2]), 2, type, dims),
                  *y = sizes(part(op, n[3]), add ? 5 : 3, add ? f64 ? CUDNN_DATA_DOUBLE : CUDNN_DATA_FLOAT : type, dims);
    if (add) {
        check_bias(op, add, part(op, n[3]), type, f64 ? CUDNN_DATA_DOUBLE : CUDNN_DATA_FLOAT, dims);
    }
    w->bias = add != NULL;
    if (is_virtual(x_of) || is_virtual(part(op, n[2])) || is_virtual(part(op, n[3])) != w->bias) {
        standin_wrong("a convolution with operands in no memory");
    }
    const int64_t *before = find(c, CUDNN_ATTR_CONVOLUTION_PRE_PADDINGS, CUDNN_TYPE_INT64, dims)->value.i;
    const int64_t *behind = find(c, CUDNN_ATTR_CONVOLUTION_POST_PADDINGS, CUDNN_TYPE_INT64, dims)->value.i;
    const int64_t *stride = find(c, CUDNN_ATTR_CONVOLUTION_FILTER_STRIDES, CUDNN_TYPE_INT64, dims)->value.i;
    const int64_t *dilation = find(c, CUDNN_ATTR_CONVOLUTION_DILATIONS, CUDNN_TYPE_INT64, dims)->value.i;
    for (int64_t d = 0; d < dims; d++) {
        int64_t out = (x[d + 2] + before[d] + behind[d] - dilation[d] * (k[d + 2] - 1) - 1) / stride[d] + 1;
        if (out != y[d + 2]) {
            standin_wrong("a convolution of %lld elements gives %lld, not %lld", (long long)x[d + 2], (long long)out, (long long)y[d + 2]);
        }
    }
    double one = f64 ? find(op, n[4], CUDNN_TYPE_DOUBLE, 1)->value.d[0] : (double)find(op, n[4], CUDNN_TYPE_FLOAT, 1)->value.f[0];
    double zero = f64 ? find(op, n[5], CUDNN_TYPE_DOUBLE, 1)->value.d[0] : (double)find(op, n[5], CUDNN_TYPE_FLOAT, 1)->value.f[0];
    if (one != 1 || zero != 0 || x[1] % k[1] != 0 || x[0] != y[0] || k[0] != y[1] ||
        find(c, CUDNN_ATTR_CONVOLUTION_CONV_MODE, CUDNN_TYPE_CONVOLUTION_MODE, 1)->value.n[0] != CUDNN_CROSS_CORRELATION ||
        find(c, CUDNN_ATTR_CONVOLUTION_COMP_TYPE, CUDNN_TYPE_DATA_TYPE, 1)->value.n[0] != (f64 ? CUDNN_DATA_DOUBLE : CUDNN_DATA_FLOAT)) {
        standin_wrong("a convolution that does not fit");
    }
    const int64_t h = dims - 2; /* where the rows are: behind the depth */
    w->g.slice = (cnn_conv){ .batch = x[0], .in_channels = x[1], .in_h = x[2 + h], .in_w = x[3 + h], .out_channels = y[1], .out_h = y[2 + h],
                             .out_w = y[3 + h], .kernel_h = k[2 + h], .kernel_w = k[3 + h], .stride_h = stride[h], .stride_w = stride[1 + h],
                             .dilation_h = dilation[h], .dilation_w = dilation[1 + h], .pad_top = before[h], .pad_left = before[1 + h],
                             .groups = x[1] / k[1] };
    w->g.in_d = w->g.out_d = w->g.kernel_d = 1;
    if (dims == 3) {
        w->g.in_d = x[2], w->g.out_d = y[2], w->g.kernel_d = k[2];
        w->g.stride_d = stride[0], w->g.dilation_d = dilation[0], w->g.pad_front = before[0];
    }
    w->kind = kind;
    w->launch = (cnn_launch){ .kernel = kernels[dims == 3][kind],
                              .dtype = f64 ? CNN_F64 : type == CUDNN_DATA_BFLOAT16 ? CNN_BF16 : CNN_F32,
                              .parameters_size = dims == 3 ? sizeof w->g : sizeof w->g.slice };
}

EXPORTED int cudnnBackendFinalize(cudnnBackendDescriptor_t given)
{
    CALL(CUDNN_STATUS_INTERNAL_ERROR);
    descriptor *d = given;
    convolution_work w;
    standin_object_check("descriptor", d);
    if (d->finalized) {
        standin_wrong("descriptor %d is finalized twice", d->kind);
    }
    if (d->kind == CUDNN_BACKEND_OPERATIONGRAPH_DESCRIPTOR) {
        read_graph(d, &w);
        if (w.bias && !standin_number("CNN_STANDIN_FUSION", 1)) {
            return CUDNN_STATUS_NOT_SUPPORTED;
        }
    } else if (d->kind == CUDNN_BACKEND_EXECUTION_PLAN_DESCRIPTOR) {
        const descriptor *config = part(d, CUDNN_ATTR_EXECUTION_PLAN_ENGINE_CONFIG);
        find(d, CUDNN_ATTR_EXECUTION_PLAN_HANDLE, CUDNN_TYPE_HANDLE, 1);
        if (config->engine == ABSENT) {
            return CUDNN_STATUS_NOT_SUPPORTED; /* heuristics propose more than there is */
        }
    }
    d->finalized = true;
    return 0;
}

EXPORTED int cudnnBackendGetAttribute(cudnnBackendDescriptor_t given, int name, int type, int64_t requested, int64_t *count,
                                      void *elements)
{
    CALL(CUDNN_STATUS_INTERNAL_ERROR);
    descriptor *d = given, **outs = elements;
    standin_object_check("descriptor", d);
    if (name == CUDNN_ATTR_ENGINEHEUR_RESULTS && type == CUDNN_TYPE_BACKEND_DESCRIPTOR && d->finalized) {
        const descriptor *add;
        operation_of(part(d, CUDNN_ATTR_ENGINEHEUR_OPERATION_GRAPH), &add);
        find(d, CUDNN_ATTR_ENGINEHEUR_MODE, CUDNN_TYPE_HEUR_MODE, 1);
        *count = standin_number("CNN_STANDIN_ENGINES", ENGINES);
        for (int64_t i = 0; i < *count && i < requested; i++) {
            standin_object_check("descriptor", outs[i]);
            outs[i]->engine = (int)i;
            outs[i]->finalized = true;
            outs[i]->attributes[0] = *find(d, CUDNN_ATTR_ENGINEHEUR_OPERATION_GRAPH, CUDNN_TYPE_BACKEND_DESCRIPTOR, 1);
            outs[i]->count = 1;
        }
    } else if (name == CUDNN_ATTR_ENGINECFG_ENGINE && d->kind == CUDNN_BACKEND_ENGINECFG_DESCRIPTOR && requested == 1) {
        outs[0]->engine = d->engine;
        outs[0]->finalized = true;
        *count = 1;
    } else if (name == CUDNN_ATTR_ENGINE_NUMERICAL_NOTE && d->kind == CUDNN_BACKEND_ENGINE_DESCRIPTOR) {
        *count = d->engine == ANY_ORDER || d->engine == TENSOR_CORES;
        *(int *)elements = d->engine == ANY_ORDER ? CUDNN_NUMERICAL_NOTE_NONDETERMINISTIC : CUDNN_NUMERICAL_NOTE_TENSOR_CORE;
    } else if (name == CUDNN_ATTR_EXECUTION_PLAN_WORKSPACE_SIZE && d->finalized) {
        *(int64_t *)elements = ENGINE_WORKSPACE;
        *count = 1;
    } else {
        standin_wrong("attribute %d of descriptor %d is asked for", name, d->kind);
    }
    return 0;
}

static void run_convolution(void *data)
{
    convolution_work *w = data;
    w->launch.parameters = &w->g;
    memset(w->workspace, 0x5a, ENGINE_WORKSPACE);
    float *tf32[2] = { NULL, NULL };
    for (int i = 0; i < 2 && w->tf32; i++) {
        w->launch.in[i] = tf32[i] = standin_tf32(w->launch.in[i], w->in_count[i]);
    }
    standin_run_on_cpu(&w->launch);
    free(tf32[0]);
    free(tf32[1]);
}

EXPORTED int cudnnBackendExecute(cudnnHandle_t handle, cudnnBackendDescriptor_t plan, cudnnBackendDescriptor_t pack)
{
    CALL(CUDNN_STATUS_EXECUTION_FAILED);
    const descriptor *p = plan, *v = pack;
    convolution_work w;
    standin_object_check("cuDNN", handle);
    standin_object_check("descriptor", p);
    standin_object_check("descriptor", v);
    const descriptor *config = part(p, CUDNN_ATTR_EXECUTION_PLAN_ENGINE_CONFIG);
    if (!p->finalized || !v->finalized || (config->engine != PLAIN && config->engine != TENSOR_CORES)) {
        standin_wrong("a plan that is none is carried out");
    }
    read_graph(part(config, CUDNN_ATTR_ENGINEHEUR_OPERATION_GRAPH), &w);
    const int operands = w.bias ? 4 : 3;
    const int64_t *ids = find(v, CUDNN_ATTR_VARIANT_PACK_UNIQUE_IDS, CUDNN_TYPE_INT64, operands)->value.i;
    void *const *given = find(v, CUDNN_ATTR_VARIANT_PACK_DATA_POINTERS, CUDNN_TYPE_VOID_PTR, operands)->value.p;
    void *at[5] = { NULL };
    for (int i = 0; i < operands; i++) {
        at[ids[i]] = given[i];
    }
    w.workspace = find(v, CUDNN_ATTR_VARIANT_PACK_WORKSPACE, CUDNN_TYPE_VOID_PTR, 1)->value.p[0];
    standin_check_device("cudnnBackendExecute", w.workspace, ENGINE_WORKSPACE);
    bool weight = w.kind == 2, data = w.kind == 1;
    w.launch.in[0] = data ? at[3] : at[1];
    w.launch.in[1] = weight ? at[3] : at[2];
    if (w.bias) {
        standin_check_device("cudnnBackendExecute", at[4], (size_t)(w.g.slice.out_channels * (w.launch.dtype == CNN_F64 ? 8 : w.launch.dtype == CNN_BF16 ? 2 : 4)));
        w.launch.in[2] = at[4];
    }
    w.launch.out[0] = weight ? at[2] : data ? at[1] : at[3];
    const cnn_conv *g = &w.g.slice;
    const int64_t x_count = g->batch * g->in_channels * w.g.in_d * g->in_h * g->in_w,
                  y_count = g->batch * g->out_channels * w.g.out_d * g->out_h * g->out_w,
                  w_count = g->out_channels * (g->in_channels / g->groups) * w.g.kernel_d * g->kernel_h * g->kernel_w;
    const int64_t size = w.launch.dtype == CNN_F64 ? 8 : w.launch.dtype == CNN_BF16 ? 2 : 4;
    standin_check_device("cudnnBackendExecute", at[1], (size_t)(x_count * size));
    standin_check_device("cudnnBackendExecute", at[2], (size_t)(w_count * size));
    standin_check_device("cudnnBackendExecute", at[3], (size_t)(y_count * size));
    w.in_count[0] = data ? y_count : x_count;
    w.in_count[1] = weight ? y_count : w_count;
    w.tf32 = config->engine == TENSOR_CORES && w.launch.dtype == CNN_F32;
    standin_add(handle->stream, run_convolution, &w, sizeof w, false);
    return 0;
}
