/* The work on a block of attention (attention.h). */
#include "kernels/array/attention.h"

#include <math.h>
#include <string.h>

#define X float
#define FN(name) name##_f32
#include "kernels/array/attention_impl.h"

#define X double
#define FN(name) name##_f64
#include "kernels/array/attention_impl.h"

typedef struct attention_kernels {
    int (*mask)(const cnn_attention_parameters *p, int64_t n, const void *mask, void *row);
    void (*drop)(int64_t n, const uint32_t *draws, uint32_t threshold, double factor, void *row);
    void (*slope)(int64_t n, const void *weights, void *gradient);
    void (*add)(int64_t n, const void *more, void *sum);
    void (*scale)(int64_t n, double scale, void *row);
} attention_kernels;

static const attention_kernels attention_table[] = {
    [CNN_F32] = { attention_mask_f32, attention_drop_f32, attention_slope_f32, attention_add_f32, attention_scale_f32 },
    [CNN_F64] = { attention_mask_f64, attention_drop_f64, attention_slope_f64, attention_add_f64, attention_scale_f64 },
};

static const attention_kernels *attention_row(const cnn__attention_block *b)
{
    return &attention_table[b->job->l->dtype];
}

/* ---- products of a block ---- */

/* Rows of y, dy and the gradients are contiguous. The first block begins the sums of keys and values. */
cnn__gemm cnn__attention_gemm(const cnn__attention_block *b, cnn__attention_product which)
{
    const cnn_attention_parameters *p = b->job->p;
    const int64_t rows = b->rows, keys = b->keys, e = p->width, v = p->value_width, s = p->keys;
    switch (which) {
    case CNN__SCORES:
        return (
            cnn__gemm){ .trans_b = true, .m = rows, .n = keys, .k = e, .lda = p->row[0], .ldb = p->row[1], .ldc = s };
    case CNN__VALUES: return (cnn__gemm){ .m = rows, .n = v, .k = keys, .lda = s, .ldb = p->row[2], .ldc = v };
    case CNN__DVALUES:
        return (cnn__gemm){
            .trans_a = true, .accumulate = b->begin > 0, .m = keys, .n = v, .k = rows, .lda = s, .ldb = v, .ldc = v
        };
    case CNN__DWEIGHTS:
        return (cnn__gemm){ .trans_b = true, .m = rows, .n = keys, .k = v, .lda = v, .ldb = p->row[2], .ldc = s };
    case CNN__DQUERIES: return (cnn__gemm){ .m = rows, .n = e, .k = keys, .lda = s, .ldb = p->row[1], .ldc = e };
    default:
        return (cnn__gemm){ .trans_a = true,
                            .accumulate = b->begin > 0,
                            .m = keys,
                            .n = e,
                            .k = rows,
                            .lda = s,
                            .ldb = p->row[0],
                            .ldc = e };
    }
}

static void attention_multiply(const cnn__attention_block *b, cnn__attention_product which, const void *x,
                               const void *y, void *z)
{
    cnn__gemm g = cnn__attention_gemm(b, which);
    if (z) {
        b->job->real->gemm(&g, x, y, NULL, z, b->workspace, NULL);
    }
}

/* ---- blocks ---- */

void cnn__attention_begin(cnn__attention_block *b, const cnn__attention_job *job, int64_t matrix, int64_t block)
{
    const cnn_attention_parameters *p = job->p;
    int64_t at[4] = { 0 }, left = matrix;
    for (int d = p->ndim - 1; d >= 0; d--) {
        for (int i = 0; i < 4; i++) {
            at[i] += left % p->batch[d] * p->stride[i][d];
        }
        left /= p->batch[d];
    }
    b->job = job;
    b->matrix = matrix;
    b->begin = block * job->rows;
    b->rows = p->queries - b->begin < job->rows ? p->queries - b->begin : job->rows;
    b->keys = p->causal && b->begin + b->rows < p->keys ? b->begin + b->rows : p->keys;
    b->drawn = -1;
    b->q = (const char *)job->l->in[0] + (at[0] + b->begin * p->row[0]) * job->size;
    b->k = (const char *)job->l->in[1] + at[1] * job->size;
    b->v = (const char *)job->l->in[2] + at[2] * job->size;
    b->mask = job->l->in[3];
    if (b->mask) {
        b->mask += (at[3] + b->begin * p->mask_row) * (p->mask_is_bool ? 1 : job->size);
    }
}

/* Number of the first weight of row i of the block. */
static int64_t attention_number(const cnn__attention_block *b, int64_t i)
{
    const cnn_attention_parameters *p = b->job->p;
    return (b->matrix * p->queries + b->begin + i) * p->keys;
}

/* Where an array like the weights, or NULL, has the block. */
static void *attention_part(const cnn__attention_block *b, const void *array)
{
    return array ? (char *)(uintptr_t)array + attention_number(b, 0) * b->job->size : NULL;
}

/* The block's rows of an array like y, or NULL, that has `width` columns. */
static void *attention_rows(const cnn__attention_block *b, const void *array, int64_t width)
{
    int64_t row = b->matrix * b->job->p->queries + b->begin;
    return array ? (char *)(uintptr_t)array + row * width * b->job->size : NULL;
}

static void attention_weights(const cnn__attention_block *b)
{
    const cnn_attention_parameters *p = b->job->p;
    const int64_t size = b->job->size;
    attention_multiply(b, CNN__SCORES, b->q, b->k, b->weights);
    if (!b->mask && !p->causal) { /* all rows at once, unless there may be one of which nothing is left */
        if (attention_row(b)->mask(p, b->rows * p->keys, NULL, b->weights) == 0) {
            b->job->array->softmax(b->job->l->dtype, b->rows, p->keys, b->weights, b->weights, NULL);
            return;
        }
        attention_multiply(b, CNN__SCORES, b->q, b->k, b->weights);
    }
    for (int64_t i = 0; i < b->rows; i++) {
        char *row = b->weights + i * p->keys * size;
        int64_t seen = p->causal && b->begin + i + 1 < p->keys ? b->begin + i + 1 : p->keys;
        const char *mask = b->mask ? b->mask + i * p->mask_row * (p->mask_is_bool ? 1 : size) : NULL;
        if (attention_row(b)->mask(p, seen, mask, row) == seen) {
            seen = 0;
        } else {
            b->job->array->softmax(b->job->l->dtype, 1, seen, row, row, NULL);
        }
        memset(row + seen * size, 0, (size_t)((p->keys - seen) * size));
    }
}

/* Drops elements of row i of an array of the block. */
static void attention_dropout(cnn__attention_block *b, int64_t i, char *row)
{
    const cnn_draw_parameters *drop = &b->job->p->drop;
    if (drop->p <= 0) {
        return;
    }
    const uint32_t threshold = cnn__dropout_threshold(drop->p);
    const double factor = drop->p < 1 ? 1 / (1 - drop->p) : 0;
    int64_t first = attention_number(b, i), n = b->keys;
    for (int64_t done = 0; done < n;) {
        int64_t group = (first + done) / CNN__DRAWS, from = (first + done) % CNN__DRAWS;
        int64_t count = CNN__DRAWS - from < n - done ? CNN__DRAWS - from : n - done;
        if (group != b->drawn) {
            cnn__philox_group(drop->key, (uint64_t)group * CNN__GROUP, b->draws);
            b->drawn = group;
        }
        attention_row(b)->drop(count, b->draws + from, threshold, factor, row + done * b->job->size);
        done += count;
    }
}

void cnn__attention_forward(cnn__attention_block *b)
{
    const cnn__attention_job *job = b->job;
    char *given = attention_part(b, job->l->out[1]);
    b->weights = given ? given : b->weights;
    attention_weights(b);
    for (int64_t i = 0; i < b->rows; i++) {
        attention_dropout(b, i, b->weights + i * job->p->keys * job->size);
    }
    attention_multiply(b, CNN__VALUES, b->weights, b->v, attention_rows(b, job->l->out[0], job->p->value_width));
}

/* The gradient of the scores before `scale`, from those of y and of the weights; and the weights, dropped. */
static void attention_slopes(cnn__attention_block *b, const void *dy)
{
    const cnn__attention_job *job = b->job;
    const int64_t line = job->p->keys * job->size, written = dy ? b->keys * job->size : 0;
    const char *more = attention_part(b, job->l->in[5]);
    if (dy) {
        attention_multiply(b, CNN__DWEIGHTS, dy, b->v, b->gradient);
    }
    for (int64_t i = 0; i < b->rows; i++) {
        char *weights = b->weights + i * line, *gradient = b->gradient + i * line;
        memset(gradient + written, 0, (size_t)(line - written));
        if (more) {
            attention_row(b)->add(b->keys, more + i * line, gradient);
        }
        attention_dropout(b, i, gradient);
        attention_row(b)->slope(b->keys, weights, gradient);
        attention_dropout(b, i, weights);
    }
}

void cnn__attention_backward(cnn__attention_block *b, char *dk, char *dv)
{
    const cnn__attention_job *job = b->job;
    const cnn_attention_parameters *p = job->p;
    const void *dy = attention_rows(b, job->l->in[4], p->value_width);
    char *dmask = attention_part(b, job->l->out[3]);
    attention_weights(b);
    attention_slopes(b, dy);
    if (dmask) {
        memcpy(dmask, b->gradient, (size_t)(b->rows * p->keys * job->size));
    }
    if (dy) {
        attention_multiply(b, CNN__DVALUES, b->weights, dy, dv);
    }
    attention_row(b)->scale(b->rows * p->keys, p->scale, b->gradient);
    attention_multiply(b, CNN__DQUERIES, b->gradient, b->k, attention_rows(b, job->l->out[0], p->width));
    attention_multiply(b, CNN__DKEYS, b->gradient, b->q, dk);
}
