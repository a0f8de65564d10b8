/* Small products are shared out to the workers, each whole; large ones are done one after another by all of them. */
#include "kernels/matmul.h"

typedef struct products {
    const cnn__real_kernels *kernels;
    const cnn_matmul_parameters *m;
    const char *a, *b;
    char *c, *workspace;
    size_t size;           /* the size of an element */
    size_t workspace_each; /* the workspace per worker */
    cnn__pool *pool;       /* the pool for one product */
} products;

static void product_task(void *arg, int64_t task, int worker)
{
    const products *p = arg;
    const cnn__gemm *g = &p->m->product;
    int64_t left = task, a = 0, b = 0, size = (int64_t)p->size;
    for (int d = p->m->ndim - 1; d >= 0; d--) {
        int64_t index = left % p->m->batch[d];
        left /= p->m->batch[d];
        a += index * p->m->a_stride[d];
        b += index * p->m->b_stride[d];
    }
    p->kernels->gemm(g, p->a + a * size, p->b + b * size, NULL, p->c + task * g->m * g->n * size,
                     p->workspace + (size_t)worker * p->workspace_each, p->pool);
}

static int64_t products_of(const cnn_matmul_parameters *m)
{
    int64_t count = 1;
    for (int d = 0; d < m->ndim; d++) {
        count *= m->batch[d];
    }
    return count;
}

static double work_of_one(const cnn_matmul_parameters *m)
{
    return (double)m->product.m * (double)m->product.n * (double)m->product.k;
}

/* Each product by one worker, or all workers on each? */
static bool products_apart(const cnn_matmul_parameters *m)
{
    enum { WORTH_SHARING = 1 << 18 }; /* multiplications of one product */
    return products_of(m) > 1 && work_of_one(m) < WORTH_SHARING;
}

static size_t workspace_each(const cnn_matmul_parameters *m, const cnn__real_kernels *kernels, int workers)
{
    return (kernels->gemm_workspace(&m->product, products_apart(m) ? 1 : workers) + 63) / 64 * 64;
}

size_t cnn__matmul_workspace(const cnn_matmul_parameters *m, const cnn__real_kernels *kernels, int workers)
{
    return workspace_each(m, kernels, workers) * (size_t)(products_apart(m) ? workers : 1);
}

void cnn__matmul(const cnn_matmul_parameters *m, const cnn__real_kernels *kernels, size_t size, const void *a,
                 const void *b, void *c, void *workspace, cnn__pool *pool)
{
    bool apart = products_apart(m);
    products p = { .kernels = kernels, .m = m, .a = a, .b = b, .c = c, .workspace = workspace, .size = size };
    p.pool = apart ? NULL : pool;
    p.workspace_each = workspace_each(m, kernels, cnn__pool_size(pool));
    int64_t count = products_of(m);
    cnn__pool_run(apart ? pool : NULL, count, work_of_one(m) * (double)count, product_task, &p);
}
