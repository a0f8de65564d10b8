/* Cutting attention into tasks: a block of rows forward, and a matrix backward, because the gradients of keys and
 * values are sums over the blocks. Blocks depend on sizes alone. */
#include "base/dtype.h"
#include "kernels/array/attention.h"

#include <string.h>

enum { ATTENTION_BLOCK = 1 << 16, ATTENTION_ROWS = 16 }; /* weights of a block; and rows, at least */

static int64_t attention_matrices(const cnn_attention_parameters *p)
{
    int64_t count = 1;
    for (int d = 0; d < p->ndim; d++) {
        count *= p->batch[d];
    }
    return count;
}

static cnn__attention_job attention_plan(const cnn__cpu_call *j)
{
    const cnn_attention_parameters *p = j->l->parameters;
    cnn__attention_job job = { .p = p, .l = j->l, .real = j->real, .array = j->kernels->array };
    job.size = (int64_t)cnn_dtype_size(j->l->dtype);
    job.backward = j->l->kernel == CNN_KERNEL_ATTENTION_BACKWARD;
    int64_t most = ATTENTION_BLOCK / p->keys > ATTENTION_ROWS ? ATTENTION_BLOCK / p->keys : ATTENTION_ROWS;
    job.blocks = (p->queries + most - 1) / most;
    job.rows = (p->queries + job.blocks - 1) / job.blocks;
    job.blocks = (p->queries + job.rows - 1) / job.rows;
    return job;
}

/* ---- tasks ---- */

/* The part of matrix number `matrix` in an array with `count` elements for each, or NULL. What follows the `written`
 * ones that the first block writes becomes 0. */
static char *attention_sums(const cnn__attention_job *job, void *array, int64_t matrix, int64_t count, int64_t written)
{
    char *part = array ? (char *)array + matrix * count * job->size : NULL;
    if (array) {
        memset(part + written * job->size, 0, (size_t)((count - written) * job->size));
    }
    return part;
}

static size_t attention_room(const cnn__attention_job *job)
{
    return ((size_t)(job->rows * job->p->keys * job->size) + 63) / 64 * 64;
}

static void attention_task(void *arg, int64_t task, int worker)
{
    const cnn__attention_job *job = arg;
    const cnn_attention_parameters *p = job->p;
    cnn__attention_block b;
    b.weights = (char *)job->l->workspace + (size_t)worker * job->each;
    b.gradient = b.weights + attention_room(job);
    b.workspace = b.gradient + (job->backward ? attention_room(job) : 0);
    if (!job->backward) {
        cnn__attention_begin(&b, job, task / job->blocks, task % job->blocks);
        cnn__attention_forward(&b);
        return;
    }
    cnn__attention_begin(&b, job, task, 0);
    char *dk = attention_sums(job, job->l->out[1], task, p->keys * p->width, b.keys * p->width);
    char *dv = attention_sums(job, job->l->out[2], task, p->keys * p->value_width,
                              job->l->in[4] ? b.keys * p->value_width : 0);
    for (int64_t block = 0; block < job->blocks; block++) {
        cnn__attention_begin(&b, job, task, block);
        cnn__attention_backward(&b, dk, dv);
    }
}

/* Returns the bytes per worker: one or two blocks, and what the largest product needs. */
static size_t attention_workspace_each(const cnn__attention_job *job)
{
    size_t most = 0;
    for (int64_t block = 0; block < job->blocks; block++) {
        cnn__attention_block b;
        cnn__attention_begin(&b, job, 0, block);
        for (int which = CNN__SCORES; which < (job->backward ? CNN__ATTENTION_PRODUCTS : CNN__DVALUES); which++) {
            cnn__gemm g = cnn__attention_gemm(&b, (cnn__attention_product)which);
            size_t bytes = job->real->gemm_workspace(&g, 1);
            most = bytes > most ? bytes : most;
        }
    }
    return attention_room(job) * (job->backward ? 2 : 1) + (most + 63) / 64 * 64;
}

static size_t attention_workspace(cnn__cpu_call *j)
{
    cnn__attention_job job = attention_plan(j);
    return attention_workspace_each(&job) * (size_t)j->workers;
}

static bool attention_run(cnn__cpu_call *j)
{
    cnn__attention_job job = attention_plan(j);
    const cnn_attention_parameters *p = job.p;
    job.each = attention_workspace_each(&job);
    int64_t matrices = attention_matrices(p);
    double weights = (double)matrices * (double)p->queries * (double)p->keys;
    cnn__pool_run(j->pool, matrices * (job.backward ? 1 : job.blocks),
                  weights * (double)(p->width + p->value_width + 16), attention_task, &job);
    return true;
}

/* ---- operands ---- */

/* From the first element of a strided operand to its last one. */
static int64_t attention_span(const cnn_attention_parameters *p, int i, int64_t last)
{
    for (int d = 0; d < p->ndim; d++) {
        last += (p->batch[d] - 1) * p->stride[i][d];
    }
    return last + 1;
}

/* q, k, v and m as they lie; Q, K, V and Y, contiguous, and the weights w. */
static int64_t attention_measure(const cnn_launch *l, char letter, bool *updates)
{
    const cnn_attention_parameters *p = l->parameters;
    const int64_t count = attention_matrices(p);
    (void)updates;
    switch (letter) {
    case 'q': return attention_span(p, 0, (p->queries - 1) * p->row[0] + p->width - 1);
    case 'k': return attention_span(p, 1, (p->keys - 1) * p->row[1] + p->width - 1);
    case 'v': return attention_span(p, 2, (p->keys - 1) * p->row[2] + p->value_width - 1);
    case 'm':
        return p->mask_is_bool ? 0
                               : attention_span(p, 3, (p->queries - 1) * p->mask_row + (p->keys - 1) * p->mask_column);
    case 'Q': return count * p->queries * p->width;
    case 'K': return count * p->keys * p->width;
    case 'V': return count * p->keys * p->value_width;
    case 'Y': return count * p->queries * p->value_width;
    default: return count * p->queries * p->keys;
    }
}

const cnn__cpu_kernel cnn__cpu_attention_forward = {
    .run = attention_run, .workspace = attention_workspace, .measure = attention_measure, .in = "qkvm", .out = "Yw"
};
const cnn__cpu_kernel cnn__cpu_attention_backward = {
    .run = attention_run, .workspace = attention_workspace, .measure = attention_measure, .in = "qkvmYw", .out = "QKVw"
};
