/* NVRTC, cuBLASLt and cuDNN of the stand-in. NVRTC "compiles" to a text that names the source; the others compute with
 * the library's own kernels of the CPU. */
#include "standin.h"

#include <cnn/backend.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CALL(failure) \
    do { \
        int failed = standin_call(__func__, failure); \
        if (failed) { \
            return failed; \
        } \
    } while (0)

static void run_on_cpu(cnn_launch *l)
{
    l->struct_size = sizeof *l;
    size_t bytes = cnn_cpu_workspace(l);
    l->workspace = bytes ? aligned_alloc(64, (bytes + 63) / 64 * 64) : NULL;
    if (!cnn_cpu_launch(l, NULL)) {
        standin_wrong("the CPU cannot carry out a product or a convolution");
    }
    free(l->workspace);
}

/* ---- NVRTC ---- */

struct _nvrtcProgram {
    char cubin[256];
    bool compiled;
};

EXPORTED int nvrtcVersion(int *major, int *minor)
{
    *major = 13;
    *minor = 0;
    return NVRTC_SUCCESS;
}

EXPORTED const char *nvrtcGetErrorString(int result)
{
    return result == NVRTC_ERROR_COMPILATION ? "NVRTC_ERROR_COMPILATION" : "NVRTC_ERROR_OUT_OF_MEMORY";
}

EXPORTED int nvrtcCreateProgram(nvrtcProgram *program, const char *source, const char *name, int header_count,
                                const char *const *headers, const char *const *header_names)
{
    CALL(1);
    (void)headers;
    (void)header_names;
    if (header_count != 0 || !source) {
        standin_wrong("a source with headers");
    }
    *program = standin_object_new("program", sizeof **program);
    snprintf((*program)->cubin, sizeof (*program)->cubin, "cubin of %s", name);
    return NVRTC_SUCCESS;
}

EXPORTED int nvrtcDestroyProgram(nvrtcProgram *program)
{
    standin_object_free("program", *program);
    *program = NULL;
    return NVRTC_SUCCESS;
}

EXPORTED int nvrtcCompileProgram(nvrtcProgram program, int option_count, const char *const *options)
{
    CALL(NVRTC_ERROR_COMPILATION);
    standin_object_check("program", program);
    if (option_count < 1 || strcmp(options[option_count - 1], "--gpu-architecture=sm_90") != 0) {
        standin_wrong("compiled for %s", option_count ? options[option_count - 1] : "nothing");
    }
    program->compiled = true;
    return NVRTC_SUCCESS;
}

EXPORTED int nvrtcGetCUBINSize(nvrtcProgram program, size_t *bytes)
{
    CALL(1);
    standin_object_check("program", program);
    *bytes = program->compiled ? sizeof program->cubin : 0;
    return NVRTC_SUCCESS;
}

EXPORTED int nvrtcGetCUBIN(nvrtcProgram program, char *cubin)
{
    CALL(1);
    standin_object_check("program", program);
    memcpy(cubin, program->cubin, sizeof program->cubin);
    return NVRTC_SUCCESS;
}

static const char log_text[] = "elements(3): note: a note\nelements(7): error: planted\n";

EXPORTED int nvrtcGetProgramLogSize(nvrtcProgram program, size_t *bytes)
{
    standin_object_check("program", program);
    *bytes = sizeof log_text;
    return NVRTC_SUCCESS;
}

EXPORTED int nvrtcGetProgramLog(nvrtcProgram program, char *log)
{
    standin_object_check("program", program);
    memcpy(log, log_text, sizeof log_text);
    return NVRTC_SUCCESS;
}

/* ---- cuBLASLt ---- */

struct cublasLtContext {
    int unused;
};
struct cublasLtMatmulDesc {
    int compute, scale;
    int32_t trans_a, trans_b;
    uint32_t epilogue;
    const void *bias;
};
struct cublasLtMatrixLayout {
    int type;
    int64_t rows, columns, stride, step;
    int32_t batch;
};
struct cublasLtMatmulPreference {
    uint64_t workspace;
    uint32_t schemes;
    uint32_t align[4];
};

EXPORTED const char *cublasLtGetStatusString(int status)
{
    return status == CUBLAS_STATUS_ALLOC_FAILED ? "CUBLAS_STATUS_ALLOC_FAILED" : "CUBLAS_STATUS_EXECUTION_FAILED";
}

#define CREATED(kind, place, failure) \
    CALL(failure); \
    *(place) = standin_object_new(kind, sizeof **(place))
#define DESTROYED(kind, object) \
    standin_object_free(kind, object); \
    return 0

EXPORTED int cublasLtCreate(cublasLtHandle_t *handle)
{
    CREATED("cuBLASLt", handle, CUBLAS_STATUS_ALLOC_FAILED);
    return 0;
}

EXPORTED int cublasLtDestroy(cublasLtHandle_t handle)
{
    DESTROYED("cuBLASLt", handle);
}

EXPORTED int cublasLtMatmulDescCreate(cublasLtMatmulDesc_t *product, int compute, int scale)
{
    CREATED("product", product, CUBLAS_STATUS_ALLOC_FAILED);
    (*product)->compute = compute;
    (*product)->scale = scale;
    (*product)->epilogue = 1;
    return 0;
}

EXPORTED int cublasLtMatmulDescDestroy(cublasLtMatmulDesc_t product)
{
    DESTROYED("product", product);
}

static void take(void *to, size_t wanted, const void *value, size_t bytes)
{
    if (bytes != wanted) {
        standin_wrong("an attribute of %zu bytes, expected %zu", bytes, wanted);
    }
    memcpy(to, value, bytes);
}

EXPORTED int cublasLtMatmulDescSetAttribute(cublasLtMatmulDesc_t p, int attribute, const void *value, size_t bytes)
{
    CALL(13);
    standin_object_check("product", p);
    switch (attribute) {
    case CUBLASLT_MATMUL_DESC_TRANSA: take(&p->trans_a, sizeof p->trans_a, value, bytes); break;
    case CUBLASLT_MATMUL_DESC_TRANSB: take(&p->trans_b, sizeof p->trans_b, value, bytes); break;
    case CUBLASLT_MATMUL_DESC_EPILOGUE: take(&p->epilogue, sizeof p->epilogue, value, bytes); break;
    case CUBLASLT_MATMUL_DESC_BIAS_POINTER: take(&p->bias, sizeof p->bias, value, bytes); break;
    default: standin_wrong("attribute %d of a product", attribute);
    }
    return 0;
}

EXPORTED int cublasLtMatrixLayoutCreate(cublasLtMatrixLayout_t *layout, int type, uint64_t rows, uint64_t columns, int64_t stride)
{
    CREATED("layout", layout, CUBLAS_STATUS_ALLOC_FAILED);
    **layout = (struct cublasLtMatrixLayout){ type, (int64_t)rows, (int64_t)columns, stride, 0, 1 };
    if (stride < (int64_t)rows) {
        standin_wrong("a matrix of %lld rows with a stride of %lld", (long long)rows, (long long)stride);
    }
    return 0;
}

EXPORTED int cublasLtMatrixLayoutDestroy(cublasLtMatrixLayout_t layout)
{
    DESTROYED("layout", layout);
}

EXPORTED int cublasLtMatrixLayoutSetAttribute(cublasLtMatrixLayout_t layout, int attribute, const void *value, size_t bytes)
{
    CALL(13);
    standin_object_check("layout", layout);
    if (attribute == CUBLASLT_MATRIX_LAYOUT_BATCH_COUNT) {
        take(&layout->batch, sizeof layout->batch, value, bytes);
    } else if (attribute == CUBLASLT_MATRIX_LAYOUT_STRIDED_BATCH_OFFSET) {
        take(&layout->step, sizeof layout->step, value, bytes);
    } else {
        standin_wrong("attribute %d of a layout", attribute);
    }
    return 0;
}

EXPORTED int cublasLtMatmulPreferenceCreate(cublasLtMatmulPreference_t *preference)
{
    CREATED("preference", preference, CUBLAS_STATUS_ALLOC_FAILED);
    (*preference)->schemes = 7;
    return 0;
}

EXPORTED int cublasLtMatmulPreferenceDestroy(cublasLtMatmulPreference_t preference)
{
    DESTROYED("preference", preference);
}

EXPORTED int cublasLtMatmulPreferenceSetAttribute(cublasLtMatmulPreference_t p, int attribute, const void *value, size_t bytes)
{
    CALL(13);
    standin_object_check("preference", p);
    if (attribute == CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES) {
        take(&p->workspace, sizeof p->workspace, value, bytes);
    } else if (attribute == CUBLASLT_MATMUL_PREF_REDUCTION_SCHEME_MASK) {
        take(&p->schemes, sizeof p->schemes, value, bytes);
    } else if (attribute >= CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_A_BYTES && attribute <= CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_D_BYTES) {
        take(&p->align[attribute - CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_A_BYTES], sizeof *p->align, value, bytes);
    } else {
        standin_wrong("attribute %d of a preference", attribute);
    }
    return 0;
}

enum { PRODUCT_WORKSPACE = 4096 };

/* The sizes of a product by columns: d[m, n] = op(a)[m, k] · op(b)[k, n]. */
static void check_sizes(const struct cublasLtMatmulDesc *p, const struct cublasLtMatrixLayout *a,
                        const struct cublasLtMatrixLayout *b, const struct cublasLtMatrixLayout *d)
{
    int64_t m = p->trans_a ? a->columns : a->rows, k = p->trans_a ? a->rows : a->columns;
    int64_t n = p->trans_b ? b->rows : b->columns, k_of_b = p->trans_b ? b->columns : b->rows;
    if (m != d->rows || n != d->columns || k != k_of_b || a->batch != d->batch || b->batch != d->batch) {
        standin_wrong("a product whose sizes do not fit");
    }
    bool f64 = d->type == CUDA_R_64F;
    if (f64 != (p->compute == CUBLAS_COMPUTE_64F) || f64 != (p->scale == CUDA_R_64F) || (f64 && p->epilogue != 1)) {
        standin_wrong("a product whose types do not fit");
    }
}

EXPORTED int cublasLtMatmulAlgoGetHeuristic(cublasLtHandle_t handle, cublasLtMatmulDesc_t product, cublasLtMatrixLayout_t a,
                                            cublasLtMatrixLayout_t b, cublasLtMatrixLayout_t c, cublasLtMatrixLayout_t d,
                                            cublasLtMatmulPreference_t preference, int requested,
                                            cublasLtMatmulHeuristicResult_t *results, int *returned)
{
    CALL(13);
    standin_object_check("cuBLASLt", handle);
    standin_object_check("preference", preference);
    check_sizes(product, a, b, d);
    if (c != d || requested != 1 || (preference->schemes & 1) || preference->workspace < PRODUCT_WORKSPACE) {
        standin_wrong("a product whose sums may have any order");
    }
    *returned = 0;
    if (standin_number("CNN_STANDIN_ENGINES", 1) == 0) {
        return CUBLAS_STATUS_NOT_SUPPORTED;
    }
    memset(results, 0, sizeof *results);
    results->algo.data[0] = 42;
    results->workspaceSize = PRODUCT_WORKSPACE;
    *returned = 1;
    return 0;
}

typedef struct product_work {
    struct cublasLtMatmulDesc p;
    struct cublasLtMatrixLayout a, b, d;
    const char *a_data, *b_data;
    char *d_data, *workspace;
    bool accumulate;
} product_work;

/* By columns, so a and b change places by rows. */
static void run_product(void *data)
{
    const product_work *w = data;
    size_t size = w->d.type == CUDA_R_64F ? 8 : w->d.type == CUDA_R_16BF ? 2 : 4;
    cnn_gemm g = { .trans_a = w->p.trans_b, .trans_b = w->p.trans_a, .accumulate = w->accumulate, .m = w->d.columns, .n = w->d.rows,
                   .k = w->p.trans_a ? w->a.rows : w->a.columns, .lda = w->b.stride, .ldb = w->a.stride, .ldc = w->d.stride };
    memset(w->workspace, 0x5a, PRODUCT_WORKSPACE);
    for (int32_t i = 0; i < w->d.batch; i++) {
        cnn_launch l = { .kernel = CNN_KERNEL_GEMM, .dtype = size == 8 ? CNN_F64 : size == 2 ? CNN_BF16 : CNN_F32, .parameters = &g,
                         .parameters_size = sizeof g };
        l.in[0] = w->b_data + i * w->b.step * (int64_t)size;
        l.in[1] = w->a_data + i * w->a.step * (int64_t)size;
        l.in[2] = w->p.epilogue == CUBLASLT_EPILOGUE_BIAS ? w->p.bias : NULL;
        l.out[0] = w->d_data + i * w->d.step * (int64_t)size;
        run_on_cpu(&l);
    }
}

EXPORTED int cublasLtMatmul(cublasLtHandle_t handle, cublasLtMatmulDesc_t product, const void *alpha, const void *a,
                            cublasLtMatrixLayout_t a_layout, const void *b, cublasLtMatrixLayout_t b_layout, const void *beta,
                            const void *c, cublasLtMatrixLayout_t c_layout, void *d, cublasLtMatrixLayout_t d_layout,
                            const cublasLtMatmulAlgo_t *algorithm, void *workspace, size_t workspace_bytes, CUstream stream)
{
    CALL(13);
    standin_object_check("cuBLASLt", handle);
    standin_object_check("product", product);
    check_sizes(product, a_layout, b_layout, d_layout);
    bool f64 = d_layout->type == CUDA_R_64F;
    double one = f64 ? *(const double *)alpha : (double)*(const float *)alpha;
    double kept = f64 ? *(const double *)beta : (double)*(const float *)beta;
    if (one != 1 || (kept != 0 && kept != 1) || c != d || c_layout != d_layout || algorithm->data[0] != 42 ||
        workspace_bytes < PRODUCT_WORKSPACE) {
        standin_wrong("a product with other operands than the algorithm is for");
    }
    size_t size = f64 ? 8 : d_layout->type == CUDA_R_16BF ? 2 : 4;
    standin_check_device("cublasLtMatmul", d, (size_t)((d_layout->columns - 1) * d_layout->stride + d_layout->rows) * size);
    standin_check_device("cublasLtMatmul", a, (size_t)((a_layout->columns - 1) * a_layout->stride + a_layout->rows) * size);
    standin_check_device("cublasLtMatmul", b, (size_t)((b_layout->columns - 1) * b_layout->stride + b_layout->rows) * size);
    standin_check_device("cublasLtMatmul", workspace, workspace_bytes);
    product_work w = { *product, *a_layout, *b_layout, *d_layout, a, b, d, workspace, kept != 0 };
    standin_add(stream, run_product, &w, sizeof w, false);
    return 0;
}

/* ---- cuDNN: every object is a descriptor ---- */

enum { MOST_ATTRIBUTES = 10, ENGINES = 3, ENGINE_WORKSPACE = 8192 };

typedef struct attribute {
    int name, type;
    int64_t count;
    union {
        int64_t i[4];
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
    int engine; /* of an engine and its configuration */
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
    case CUDNN_TYPE_FLOAT: return 4;
    default: standin_wrong("%d is no type of an attribute that is set", type);
    }
}

EXPORTED int cudnnBackendSetAttribute(cudnnBackendDescriptor_t given, int name, int type, int64_t count, const void *elements)
{
    CALL(CUDNN_STATUS_INTERNAL_ERROR);
    descriptor *d = given;
    standin_object_check("descriptor", d);
    if (d->finalized || d->count == MOST_ATTRIBUTES || count < 1 || count > 4) {
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
    cnn_conv g;
    void *workspace;
} convolution_work;

static const descriptor *operation_of(const descriptor *graph)
{
    find(graph, CUDNN_ATTR_OPERATIONGRAPH_HANDLE, CUDNN_TYPE_HANDLE, 1);
    return part(graph, CUDNN_ATTR_OPERATIONGRAPH_OPS);
}

static const int64_t *sizes(const descriptor *tensor, int64_t id, int type)
{
    const int64_t *s = find(tensor, CUDNN_ATTR_TENSOR_DIMENSIONS, CUDNN_TYPE_INT64, 4)->value.i;
    const int64_t *strides = find(tensor, CUDNN_ATTR_TENSOR_STRIDES, CUDNN_TYPE_INT64, 4)->value.i;
    const int64_t align = find(tensor, CUDNN_ATTR_TENSOR_BYTE_ALIGNMENT, CUDNN_TYPE_INT64, 1)->value.i[0];
    if (strides[3] != 1 || strides[2] != s[3] || strides[1] != s[2] * s[3] || strides[0] != s[1] * strides[1] || align < 1 ||
        find(tensor, CUDNN_ATTR_TENSOR_UNIQUE_ID, CUDNN_TYPE_INT64, 1)->value.i[0] != id ||
        find(tensor, CUDNN_ATTR_TENSOR_DATA_TYPE, CUDNN_TYPE_DATA_TYPE, 1)->value.n[0] != type) {
        standin_wrong("tensor %lld is another one than expected", (long long)id);
    }
    return s;
}

/* Reads an operation: its geometry, dtype and kernel. */
static void read_operation(const descriptor *op, convolution_work *w)
{
    static const int names[3][6] = { { 702, 704, 703, 705, 700, 701 }, { 708, 710, 709, 711, 706, 707 }, { 714, 716, 715, 717, 712, 713 } };
    static const cnn_kernel kernels[3] = { CNN_KERNEL_CONV_FORWARD, CNN_KERNEL_CONV_BACKWARD_DATA, CNN_KERNEL_CONV_BACKWARD_WEIGHT };
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
    const int64_t *x = sizes(x_of, 1, type), *k = sizes(part(op, n[2]), 2, type), *y = sizes(part(op, n[3]), 3, type);
    const int64_t *before = find(c, CUDNN_ATTR_CONVOLUTION_PRE_PADDINGS, CUDNN_TYPE_INT64, 2)->value.i;
    const int64_t *behind = find(c, CUDNN_ATTR_CONVOLUTION_POST_PADDINGS, CUDNN_TYPE_INT64, 2)->value.i;
    const int64_t *stride = find(c, CUDNN_ATTR_CONVOLUTION_FILTER_STRIDES, CUDNN_TYPE_INT64, 2)->value.i;
    const int64_t *dilation = find(c, CUDNN_ATTR_CONVOLUTION_DILATIONS, CUDNN_TYPE_INT64, 2)->value.i;
    for (int d = 0; d < 2; d++) {
        int64_t out = (x[d + 2] + before[d] + behind[d] - dilation[d] * (k[d + 2] - 1) - 1) / stride[d] + 1;
        if (out != y[d + 2]) {
            standin_wrong("a convolution of %lld elements gives %lld, not %lld", (long long)x[d + 2], (long long)out, (long long)y[d + 2]);
        }
    }
    double one = f64 ? find(op, n[4], CUDNN_TYPE_DOUBLE, 1)->value.d[0] : (double)find(op, n[4], CUDNN_TYPE_FLOAT, 1)->value.f[0];
    double zero = f64 ? find(op, n[5], CUDNN_TYPE_DOUBLE, 1)->value.d[0] : (double)find(op, n[5], CUDNN_TYPE_FLOAT, 1)->value.f[0];
    if (one != 1 || zero != 0 || x[1] % k[1] != 0 || x[0] != y[0] || k[0] != y[1] ||
        find(c, CUDNN_ATTR_CONVOLUTION_SPATIAL_DIMS, CUDNN_TYPE_INT64, 1)->value.i[0] != 2 ||
        find(c, CUDNN_ATTR_CONVOLUTION_CONV_MODE, CUDNN_TYPE_CONVOLUTION_MODE, 1)->value.n[0] != CUDNN_CROSS_CORRELATION ||
        find(c, CUDNN_ATTR_CONVOLUTION_COMP_TYPE, CUDNN_TYPE_DATA_TYPE, 1)->value.n[0] != (f64 ? CUDNN_DATA_DOUBLE : CUDNN_DATA_FLOAT)) {
        standin_wrong("a convolution that does not fit");
    }
    w->g = (cnn_conv){ .batch = x[0], .in_channels = x[1], .in_h = x[2], .in_w = x[3], .out_channels = y[1], .out_h = y[2], .out_w = y[3],
                       .kernel_h = k[2], .kernel_w = k[3], .stride_h = stride[0], .stride_w = stride[1], .dilation_h = dilation[0],
                       .dilation_w = dilation[1], .pad_top = before[0], .pad_left = before[1], .groups = x[1] / k[1] };
    w->launch = (cnn_launch){ .kernel = kernels[kind], .dtype = f64 ? CNN_F64 : type == CUDNN_DATA_BFLOAT16 ? CNN_BF16 : CNN_F32,
                              .parameters_size = sizeof w->g };
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
        read_operation(operation_of(d), &w);
    } else if (d->kind == CUDNN_BACKEND_EXECUTION_PLAN_DESCRIPTOR) {
        const descriptor *config = part(d, CUDNN_ATTR_EXECUTION_PLAN_ENGINE_CONFIG);
        find(d, CUDNN_ATTR_EXECUTION_PLAN_HANDLE, CUDNN_TYPE_HANDLE, 1);
        if (config->engine == 1) {
            return CUDNN_STATUS_NOT_SUPPORTED; /* heuristics propose more than there is */
        }
    }
    d->finalized = true;
    return 0;
}

/* The first engine adds up in any order, the second is not there after all, the third is good. */
EXPORTED int cudnnBackendGetAttribute(cudnnBackendDescriptor_t given, int name, int type, int64_t requested, int64_t *count,
                                      void *elements)
{
    CALL(CUDNN_STATUS_INTERNAL_ERROR);
    descriptor *d = given, **outs = elements;
    standin_object_check("descriptor", d);
    if (name == CUDNN_ATTR_ENGINEHEUR_RESULTS && type == CUDNN_TYPE_BACKEND_DESCRIPTOR && d->finalized) {
        operation_of(part(d, CUDNN_ATTR_ENGINEHEUR_OPERATION_GRAPH));
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
        *count = d->engine == 0;
        *(int *)elements = CUDNN_NUMERICAL_NOTE_NONDETERMINISTIC;
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
    run_on_cpu(&w->launch);
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
    if (!p->finalized || !v->finalized || config->engine != 2) {
        standin_wrong("a plan that is none is carried out");
    }
    read_operation(operation_of(part(config, CUDNN_ATTR_ENGINEHEUR_OPERATION_GRAPH)), &w);
    const int64_t *ids = find(v, CUDNN_ATTR_VARIANT_PACK_UNIQUE_IDS, CUDNN_TYPE_INT64, 3)->value.i;
    void *const *given = find(v, CUDNN_ATTR_VARIANT_PACK_DATA_POINTERS, CUDNN_TYPE_VOID_PTR, 3)->value.p;
    void *at[4] = { NULL };
    for (int i = 0; i < 3; i++) {
        at[ids[i]] = given[i];
    }
    w.workspace = find(v, CUDNN_ATTR_VARIANT_PACK_WORKSPACE, CUDNN_TYPE_VOID_PTR, 1)->value.p[0];
    standin_check_device("cudnnBackendExecute", w.workspace, ENGINE_WORKSPACE);
    bool weight = w.launch.kernel == CNN_KERNEL_CONV_BACKWARD_WEIGHT, data = w.launch.kernel == CNN_KERNEL_CONV_BACKWARD_DATA;
    w.launch.in[0] = data ? at[3] : at[1];
    w.launch.in[1] = weight ? at[3] : at[2];
    w.launch.out[0] = weight ? at[2] : data ? at[1] : at[3];
    standin_add(handle->stream, run_convolution, &w, sizeof w, false);
    return 0;
}
