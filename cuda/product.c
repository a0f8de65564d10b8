/* Products of matrices by cuBLASLt. It stores matrices by columns, so a row-major C = A · B is made as Cᵀ = Bᵀ · Aᵀ.
 *
 * For each form of product the algorithm is chosen once, the first that cuBLASLt proposes; those whose sums depend on
 * the order in which blocks come are excluded. So results have the same bits on every run on the same GPU. */
#include "queue.h"

#include <stdlib.h>
#include <string.h>

enum { MOST_WORKSPACE = 32 << 20, MOST_PRODUCTS = 1024, MOST_OUTER = 4096 };

/* What makes a product another one. Filled with zeros first, for memcmp(). */
typedef struct form {
    int64_t m, n, k, lda, ldb, ldc;
    int64_t batch, a_step, b_step, c_step; /* a batch of 1: steps of 0 */
    int32_t dtype;
    uint32_t align[4]; /* those of a, b, c, bias */
    uint8_t trans_a, trans_b, accumulate, bias;
} form;

struct cuda_product {
    form form;
    bool possible;
    cublasLtMatmulDesc_t product;
    cublasLtMatrixLayout_t a, b, c;
    cublasLtMatmulAlgo_t algorithm;
    size_t workspace;
};

/* ---- what fits ---- */

static bool strides_fit(const cnn_gemm *g)
{
    int64_t a_columns = g->trans_a ? g->m : g->k, b_columns = g->trans_b ? g->k : g->n;
    return g->lda >= a_columns && g->ldb >= b_columns && g->ldc >= g->n && g->m > 0 && g->n > 0 && g->k > 0;
}

bool cuda_product_fits(const cnn_launch *launch)
{
    bool real = launch->dtype == CNN_F32 || launch->dtype == CNN_F64 || launch->dtype == CNN_BF16;
    if (!real || (launch->kernel != CNN_KERNEL_GEMM && launch->kernel != CNN_KERNEL_MATMUL) || !launch->parameters) {
        return false;
    }
    const cnn_gemm *g = launch->kernel == CNN_KERNEL_GEMM
                            ? launch->parameters
                            : &((const cnn_matmul_parameters *)launch->parameters)->product;
    bool bias = launch->kernel == CNN_KERNEL_GEMM && launch->in[2];
    return strides_fit(g) && !(bias && launch->dtype == CNN_F64);
}

/* ---- making one ---- */

static int type_of(cnn_dtype dtype)
{
    return dtype == CNN_F64 ? CUDA_R_64F : dtype == CNN_BF16 ? CUDA_R_16BF : CUDA_R_32F;
}

typedef struct making {
    cuda_queue *q;
    const char *function; /* the one that has failed */
    int status;
} making;

static bool made(making *m, const char *function, int status)
{
    if (m->status == CUBLAS_STATUS_SUCCESS && status != CUBLAS_STATUS_SUCCESS) {
        m->function = function;
        m->status = status;
    }
    return m->status == CUBLAS_STATUS_SUCCESS;
}

static bool make_layout(making *m, cublasLtMatrixLayout_t *layout, const form *f, int64_t rows, int64_t columns,
                        int64_t stride, int64_t step)
{
    const cuda_library *l = m->q->library;
    int32_t count = (int32_t)f->batch;
    if (!made(m, "cublasLtMatrixLayoutCreate",
              l->cublasLtMatrixLayoutCreate(layout, type_of((cnn_dtype)f->dtype), (uint64_t)rows, (uint64_t)columns,
                                            stride))) {
        *layout = NULL;
        return false;
    }
    return f->batch == 1 || (made(m, "cublasLtMatrixLayoutSetAttribute",
                                  l->cublasLtMatrixLayoutSetAttribute(*layout, CUBLASLT_MATRIX_LAYOUT_BATCH_COUNT,
                                                                      &count, sizeof count)) &&
                             made(m, "cublasLtMatrixLayoutSetAttribute",
                                  l->cublasLtMatrixLayoutSetAttribute(
                                      *layout, CUBLASLT_MATRIX_LAYOUT_STRIDED_BATCH_OFFSET, &step, sizeof step)));
}

static bool set_product(making *m, cuda_product *p, int attribute, const void *value, size_t bytes)
{
    return made(m, "cublasLtMatmulDescSetAttribute",
                m->q->library->cublasLtMatmulDescSetAttribute(p->product, attribute, value, bytes));
}

/* cuBLASLt's first factor is our second. */
static bool make_descriptors(making *m, cuda_product *p, const void *bias)
{
    const form *f = &p->form;
    bool f64 = f->dtype == CNN_F64;
    int compute = f64                                 ? CUBLAS_COMPUTE_64F
                  : m->q->tf32 && f->dtype == CNN_F32 ? CUBLAS_COMPUTE_32F_FAST_TF32
                                                      : CUBLAS_COMPUTE_32F;
    int32_t first = f->trans_b ? CUBLAS_OP_T : CUBLAS_OP_N, second = f->trans_a ? CUBLAS_OP_T : CUBLAS_OP_N;
    uint32_t epilogue = CUBLASLT_EPILOGUE_BIAS;
    if (!made(m, "cublasLtMatmulDescCreate",
              m->q->library->cublasLtMatmulDescCreate(&p->product, compute, f64 ? CUDA_R_64F : CUDA_R_32F))) {
        p->product = NULL;
        return false;
    }
    return set_product(m, p, CUBLASLT_MATMUL_DESC_TRANSA, &first, sizeof first) &&
           set_product(m, p, CUBLASLT_MATMUL_DESC_TRANSB, &second, sizeof second) &&
           (!f->bias || (set_product(m, p, CUBLASLT_MATMUL_DESC_EPILOGUE, &epilogue, sizeof epilogue) &&
                         set_product(m, p, CUBLASLT_MATMUL_DESC_BIAS_POINTER, &bias, sizeof bias))) &&
           make_layout(m, &p->a, f, f->trans_a ? f->m : f->k, f->trans_a ? f->k : f->m, f->lda, f->a_step) &&
           make_layout(m, &p->b, f, f->trans_b ? f->k : f->n, f->trans_b ? f->n : f->k, f->ldb, f->b_step) &&
           make_layout(m, &p->c, f, f->n, f->m, f->ldc, f->c_step);
}

static bool prefer(making *m, cublasLtMatmulPreference_t preference, int attribute, const void *value, size_t bytes)
{
    return made(m, "cublasLtMatmulPreferenceSetAttribute",
                m->q->library->cublasLtMatmulPreferenceSetAttribute(preference, attribute, value, bytes));
}

static bool choose(making *m, cuda_product *p)
{
    const cuda_library *l = m->q->library;
    static const uint32_t schemes = CUBLASLT_REDUCTION_SCHEME_COMPUTE_TYPE | CUBLASLT_REDUCTION_SCHEME_OUTPUT_TYPE;
    const uint64_t most = MOST_WORKSPACE;
    const uint32_t *align = p->form.align;
    cublasLtMatmulPreference_t preference = NULL;
    cublasLtMatmulHeuristicResult_t result;
    int found = 0;
    if (!made(m, "cublasLtMatmulPreferenceCreate", l->cublasLtMatmulPreferenceCreate(&preference))) {
        return false;
    }
    bool set = prefer(m, preference, CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES, &most, sizeof most) &&
               prefer(m, preference, CUBLASLT_MATMUL_PREF_REDUCTION_SCHEME_MASK, &schemes, sizeof schemes) &&
               prefer(m, preference, CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_A_BYTES, &align[1], sizeof *align) &&
               prefer(m, preference, CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_B_BYTES, &align[0], sizeof *align) &&
               prefer(m, preference, CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_C_BYTES, &align[2], sizeof *align) &&
               prefer(m, preference, CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_D_BYTES, &align[2], sizeof *align);
    set = set && made(m, "cublasLtMatmulAlgoGetHeuristic",
                      l->cublasLtMatmulAlgoGetHeuristic(m->q->blas, p->product, p->b, p->a, p->c, p->c, preference, 1,
                                                        &result, &found));
    l->cublasLtMatmulPreferenceDestroy(preference);
    if (!set || found < 1 || result.state != CUBLAS_STATUS_SUCCESS) {
        made(m, "cublasLtMatmulAlgoGetHeuristic", CUBLAS_STATUS_NOT_SUPPORTED);
        return false;
    }
    p->algorithm = result.algo;
    p->workspace = result.workspaceSize;
    return true;
}

static void destroy(cuda_queue *q, cuda_product *p)
{
    const cuda_library *l = q->library;
    cublasLtMatrixLayout_t layouts[] = { p->a, p->b, p->c };
    for (int i = 0; i < 3; i++) {
        if (layouts[i]) {
            l->cublasLtMatrixLayoutDestroy(layouts[i]);
        }
    }
    if (p->product) {
        l->cublasLtMatmulDescDestroy(p->product);
    }
    free(p);
}

void cuda_products_free(cuda_queue *q)
{
    for (size_t i = 0; i < q->product_count; i++) {
        destroy(q, q->products[i]);
    }
    free(q->products);
    q->products = NULL;
    q->product_count = q->product_room = 0;
}

static bool products_room(cuda_queue *q)
{
    if (q->product_count == MOST_PRODUCTS) {
        if (!cuda_flush(q)) {
            return false;
        }
        cuda_graphs_forget(q);
        cuda_products_free(q);
    }
    if (q->product_count == q->product_room) {
        size_t room = q->product_room ? 2 * q->product_room : 32;
        cuda_product **more = realloc(q->products, room * sizeof(cuda_product *));
        if (!more) {
            return false;
        }
        q->products = more;
        q->product_room = room;
    }
    return true;
}

/* NULL: a failure, which is recorded. One that is not possible is kept, too, so that it is not asked for again. */
static cuda_product *product_find(cuda_queue *q, const form *f, const void *bias, const cnn_launch *launch)
{
    for (size_t i = 0; i < q->product_count; i++) {
        if (memcmp(&q->products[i]->form, f, sizeof *f) == 0) {
            return q->products[i];
        }
    }
    making m = { .q = q };
    cuda_product *p = products_room(q) ? calloc(1, sizeof *p) : NULL;
    if (!p) {
        cuda_fail(q, launch->number, (int)launch->kernel, "no memory for a product");
        return NULL;
    }
    p->form = *f;
    p->possible = make_descriptors(&m, p, bias) && choose(&m, p);
    if (!p->possible && m.status != CUBLAS_STATUS_NOT_SUPPORTED) {
        cuda_fail(q, launch->number, (int)launch->kernel, "%s: %s", m.function,
                  q->library->cublasLtGetStatusString(m.status));
        destroy(q, p);
        return NULL;
    }
    q->products[q->product_count++] = p;
    return p;
}

/* ---- adding and issuing ---- */

/* The power of two that an address is a multiple of, up to 256, and with it all that are steps of bytes from it. */
static uint32_t alignment(const void *address, uintptr_t steps)
{
    uintptr_t bits = (uintptr_t)address | steps | 256;
    return (uint32_t)(bits & (~bits + 1));
}

/* All products of a launch have one form, so that cuBLASLt makes all or none. */
static void align(form *f, const cnn_launch *launch, const uintptr_t steps[3])
{
    f->align[0] = alignment(launch->in[0], steps[0]);
    f->align[1] = alignment(launch->in[1], steps[1]);
    f->align[2] = alignment(launch->out[0], steps[2]);
    f->align[3] = alignment(f->bias ? launch->in[2] : NULL, 0);
}

static int add_one(cuda_queue *q, const cnn_launch *launch, const form *f, const char *a, const char *b, char *c)
{
    const void *bias = f->bias ? launch->in[2] : NULL;
    const cuda_product *p = product_find(q, f, bias, launch);
    if (!p || !p->possible) {
        return p ? 0 : -1;
    }
    cuda_entry entry = { .kind = CUDA_PRODUCT,
                         .product = p,
                         .scratch = p->workspace,
                         .kernel = (int)launch->kernel,
                         .number = launch->number };
    entry.operand[0] = (void *)(uintptr_t)a;
    entry.operand[1] = (void *)(uintptr_t)b;
    entry.operand[2] = c;
    entry.operand[3] = (void *)(uintptr_t)bias;
    return cuda_scratch(q, p->workspace) && cuda_add(q, &entry, NULL) ? 1 : -1;
}

static void fill_form(form *f, const cnn_gemm *g, const cnn_launch *launch)
{
    memset(f, 0, sizeof *f);
    f->m = g->m, f->n = g->n, f->k = g->k;
    f->lda = g->lda, f->ldb = g->ldb, f->ldc = g->ldc;
    f->trans_a = g->trans_a, f->trans_b = g->trans_b, f->accumulate = g->accumulate;
    f->bias = launch->kernel == CNN_KERNEL_GEMM && launch->in[2] != NULL;
    f->dtype = (int32_t)launch->dtype;
    f->batch = 1;
}

/* The last dimension of the batch is cuBLASLt's; the others are gone through here. */
static int add_batch(cuda_queue *q, const cnn_launch *launch)
{
    const cnn_matmul_parameters *p = launch->parameters;
    const int64_t size = (launch->dtype == CNN_F64 ? 8 : launch->dtype == CNN_BF16 ? 2 : 4);
    const int last = p->ndim - 1;
    int64_t outer = 1, index[CNN_MAX_DIMS] = { 0 }, step = p->product.m * p->product.n;
    form f;
    fill_form(&f, &p->product, launch);
    uintptr_t steps[3] = { 0 };
    for (int d = 0; d < last; d++) {
        outer *= p->batch[d];
        steps[0] |= (uintptr_t)(p->a_stride[d] * size);
        steps[1] |= (uintptr_t)(p->b_stride[d] * size);
    }
    if (p->ndim > 0) {
        f.batch = p->batch[last];
        f.a_step = f.batch > 1 ? p->a_stride[last] : 0;
        f.b_step = f.batch > 1 ? p->b_stride[last] : 0;
        f.c_step = f.batch > 1 ? step : 0;
    }
    if (outer <= 0 || f.batch <= 0) {
        return 1;
    }
    if (outer > MOST_OUTER || f.batch > INT32_MAX || p->product.ldc != p->product.n) {
        return 0;
    }
    steps[2] = outer > 1 ? (uintptr_t)(f.batch * step * size) : 0;
    align(&f, launch, steps);
    for (int64_t i = 0; i < outer; i++) {
        int64_t a = 0, b = 0;
        for (int d = 0; d < last; d++) {
            a += index[d] * p->a_stride[d];
            b += index[d] * p->b_stride[d];
        }
        int added = add_one(q, launch, &f, (const char *)launch->in[0] + a * size,
                            (const char *)launch->in[1] + b * size, (char *)launch->out[0] + i * f.batch * step * size);
        if (added <= 0) {
            return added; /* 0: the first is not possible */
        }
        for (int d = last - 1; d >= 0 && ++index[d] == p->batch[d]; d--) {
            index[d] = 0;
        }
    }
    return 1;
}

int cuda_product_add(cuda_queue *q, const cnn_launch *launch)
{
    form f;
    if (launch->kernel == CNN_KERNEL_MATMUL) {
        return add_batch(q, launch);
    }
    fill_form(&f, launch->parameters, launch);
    align(&f, launch, (const uintptr_t[3]){ 0 });
    return add_one(q, launch, &f, launch->in[0], launch->in[1], launch->out[0]);
}

bool cuda_product_issue(cuda_queue *q, const cuda_entry *e)
{
    const cuda_library *l = q->library;
    const cuda_product *p = e->product;
    const double one = 1, zero = 0;
    const float one_f = 1, zero_f = 0;
    bool f64 = p->form.dtype == CNN_F64;
    const void *alpha = f64 ? (const void *)&one : &one_f, *none = f64 ? (const void *)&zero : &zero_f;
    int status = CUBLAS_STATUS_SUCCESS;
    const char *function = "cublasLtMatmulDescSetAttribute";
    if (p->form.bias) {
        status = l->cublasLtMatmulDescSetAttribute(p->product, CUBLASLT_MATMUL_DESC_BIAS_POINTER, &e->operand[3],
                                                   sizeof e->operand[3]);
    }
    if (status == CUBLAS_STATUS_SUCCESS) {
        function = "cublasLtMatmul";
        status = l->cublasLtMatmul(q->blas, p->product, alpha, e->operand[1], p->b, e->operand[0], p->a,
                                   p->form.accumulate ? alpha : none, e->operand[2], p->c, e->operand[2], p->c,
                                   &p->algorithm, (void *)(uintptr_t)q->scratch, p->workspace, q->stream);
    }
    if (status != CUBLAS_STATUS_SUCCESS) {
        cuda_fail(q, e->number, e->kernel, "%s: %s", function, l->cublasLtGetStatusString(status));
    }
    return status == CUBLAS_STATUS_SUCCESS;
}
