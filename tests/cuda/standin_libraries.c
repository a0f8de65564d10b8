/* NVRTC and cuBLASLt of the stand-in. NVRTC "compiles" to a text that names the source; cuBLASLt computes with the library's
 * own kernels of the CPU. */
#include "standin.h"

#include <cnn/backend.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void standin_run_on_cpu(cnn_launch *l)
{
    l->struct_size = sizeof *l;
    size_t bytes = cnn_cpu_workspace(l);
    l->workspace = bytes ? aligned_alloc(64, (bytes + 63) / 64 * 64) : NULL;
    if (!cnn_cpu_launch(l, NULL)) {
        standin_wrong("the CPU cannot carry out a product or a convolution");
    }
    free(l->workspace);
}

float *standin_tf32(const void *elements, int64_t count)
{
    float *rounded = malloc((size_t)count * sizeof *rounded);
    for (int64_t i = 0; i < count; i++) {
        uint32_t bits;
        memcpy(&bits, (const char *)elements + i * 4, sizeof bits);
        bits = (bits + 0xfff + (bits >> 13 & 1)) & ~(uint32_t)0x1fff;
        memcpy(&rounded[i], &bits, sizeof bits);
    }
    return rounded;
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
    if (!standin_number("CNN_STANDIN_COMPILES", 1)) {
        return NVRTC_ERROR_COMPILATION;
    }
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
    if (p->compute == CUBLAS_COMPUTE_32F_FAST_TF32 && d->type != CUDA_R_32F) {
        standin_wrong("a product in TF32 that is not of float32");
    }
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

static int64_t span_of(const struct cublasLtMatrixLayout *m)
{
    return (m->columns - 1) * m->stride + m->rows;
}

/* Computes by rows what is stored by columns: so a and b change places. */
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
        float *tf32[2] = { NULL, NULL };
        if (w->p.compute == CUBLAS_COMPUTE_32F_FAST_TF32) {
            l.in[0] = tf32[0] = standin_tf32(l.in[0], span_of(&w->b));
            l.in[1] = tf32[1] = standin_tf32(l.in[1], span_of(&w->a));
        }
        standin_run_on_cpu(&l);
        free(tf32[0]);
        free(tf32[1]);
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
