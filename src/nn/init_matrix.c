/* First values that are computed on the host, in f64: identities, orthogonal and sparse matrices, truncated normal
 * numbers. A buffer of doubles is filled and then written to the tensor, converted. */
#include "base/math.h"
#include "base/random.h"
#include "nn/init.h"

#include <math.h>
#include <string.h>

/* Zeros, one double per element; NULL: reported. */
static double *init_buffer(const cnn_tensor *t, const char *call)
{
    double *values = cnn__calloc(t->ctx, (size_t)t->numel, sizeof *values);
    if (!values) {
        cnn__fail_memory(t->ctx, call, (size_t)t->numel * sizeof *values);
    }
    return values;
}

/* Writes and frees the buffer. */
static cnn_status init_write(cnn_tensor *t, const char *call, double *values)
{
    cnn_tensor *wide = cnn__tensor_new(t->ctx, call, CNN_F64, t->ndim, t->shape);
    cnn_status status = wide ? cnn__elements_put(wide, call, values) : cnn__failure_status();
    if (status == CNN_OK && t->numel) {
        cnn__tensor_written(t);
        status = cnn__tensor_copy(t, wide, call);
    }
    cnn__tensor_release(wide);
    cnn__free(t->ctx, values);
    return status;
}

/* As many standard normal numbers as the tensor has elements. */
static cnn_status init_normals(const cnn_tensor *t, const char *call, double *values)
{
    uint64_t key[2];
    cnn_tensor *drawn = cnn__tensor_new(t->ctx, call, CNN_F64, t->ndim, t->shape);
    cnn__context_next_stream(t->ctx, key);
    cnn_status status = drawn ? cnn__draw(drawn, call, key, CNN_DRAW_NORMAL, 0) : cnn__failure_status();
    if (status == CNN_OK) {
        status = cnn__elements_get(drawn, call, values);
    }
    cnn__tensor_release(drawn);
    return status;
}

/* ---- identities ---- */

cnn_status cnn_init_eye(cnn_tensor *tensor)
{
    const char *call = "init_eye";
    cnn_status status = cnn__init_check(tensor, call, 2, 2);
    double *values = status == CNN_OK ? init_buffer(tensor, call) : NULL;
    if (!values) {
        return status == CNN_OK ? CNN_ERROR_NO_MEMORY : status;
    }
    for (int64_t i = 0; i < tensor->shape[0] && i < tensor->shape[1]; i++) {
        values[i * tensor->shape[1] + i] = 1;
    }
    return init_write(tensor, call, values);
}

static void dirac_fill(const cnn_tensor *t, int64_t groups, double *values)
{
    const int64_t *shape = t->shape, per_group = shape[0] / groups;
    int64_t field = 1, middle = 0;
    for (int d = 2; d < t->ndim; d++) {
        middle = middle * shape[d] + shape[d] / 2;
        field *= shape[d];
    }
    for (int64_t out = 0; field && out < shape[0]; out++) {
        if (out % per_group < shape[1]) {
            values[(out * shape[1] + out % per_group) * field + middle] = 1;
        }
    }
}

cnn_status cnn_init_dirac(cnn_tensor *tensor, int64_t groups)
{
    const char *call = "init_dirac";
    cnn_status status = cnn__init_check(tensor, call, 3, 5);
    if (status == CNN_OK && (groups < 1 || tensor->shape[0] % groups != 0)) {
        return cnn__fail(tensor->ctx, CNN_ERROR_INVALID_ARGUMENT, "%s: groups is %lld, expected a divisor of %lld",
                         call, (long long)groups, (long long)tensor->shape[0]);
    }
    double *values = status == CNN_OK ? init_buffer(tensor, call) : NULL;
    if (!values) {
        return status == CNN_OK ? CNN_ERROR_NO_MEMORY : status;
    }
    dirac_fill(tensor, groups, values);
    return init_write(tensor, call, values);
}

/* ---- orthogonal: Q of the QR decomposition with a positive diagonal ---- */

/* `count` vectors of `length` numbers, one after the other, are made orthonormal: each is normalised and its part is
 * taken from those behind it (modified Gram-Schmidt). */
typedef struct orthogonal_job {
    double *vectors;
    int64_t count, length, done;
} orthogonal_job;

static double orthogonal_dot(const double *a, const double *b, int64_t n)
{
    double strand[4] = { 0 };
    int64_t i = 0;
    for (; i + 4 <= n; i += 4) {
        for (int k = 0; k < 4; k++) {
            strand[k] += a[i + k] * b[i + k];
        }
    }
    for (; i < n; i++) {
        strand[0] += a[i] * b[i];
    }
    return (strand[0] + strand[1]) + (strand[2] + strand[3]);
}

static void orthogonal_task(void *arg, int64_t task, int worker)
{
    const orthogonal_job *j = arg;
    const double *q = j->vectors + j->done * j->length;
    double *v = j->vectors + (j->done + 1 + task) * j->length;
    double along = orthogonal_dot(q, v, j->length);
    (void)worker;
    for (int64_t i = 0; i < j->length; i++) {
        v[i] -= along * q[i];
    }
}

static void orthonormalise(orthogonal_job *j, cnn__pool *pool)
{
    for (j->done = 0; j->done < j->count; j->done++) {
        double *v = j->vectors + j->done * j->length;
        double norm = sqrt(orthogonal_dot(v, v, j->length));
        int64_t left = j->count - j->done - 1;
        for (int64_t i = 0; i < j->length; i++) {
            v[i] /= norm;
        }
        cnn__pool_run(pool, left, 2 * (double)left * (double)j->length, orthogonal_task, j);
    }
}

/* to[c][r] = from[r][c] · scale */
static void transpose_scaled(const double *from, int64_t rows, int64_t columns, double scale, double *to)
{
    for (int64_t r = 0; r < rows; r++) {
        for (int64_t c = 0; c < columns; c++) {
            to[c * rows + r] = from[r * columns + c] * scale;
        }
    }
}

/* A wide matrix has its rows as vectors; a tall one its columns, for which it is transposed there and back. PyTorch
 * draws a tall matrix in both cases. */
static void orthogonal_fill(const cnn_tensor *t, double gain, double *values, double *other)
{
    int64_t rows = t->shape[0], columns = t->numel / rows;
    bool wide = rows < columns;
    orthogonal_job j = { .vectors = other, .count = wide ? rows : columns, .length = wide ? columns : rows };
    transpose_scaled(values, j.length, j.count, 1, other);
    orthonormalise(&j, t->ctx->pool);
    if (wide) {
        for (int64_t i = 0; i < t->numel; i++) {
            values[i] = other[i] * gain;
        }
    } else {
        transpose_scaled(other, j.count, j.length, gain, values);
    }
}

cnn_status cnn_init_orthogonal(cnn_tensor *tensor, double gain)
{
    const char *call = "init_orthogonal";
    cnn_status status = cnn__init_check(tensor, call, 2, CNN_MAX_DIMS);
    if (status == CNN_OK) {
        status = cnn__init_number(tensor, call, "gain", gain, true, "a finite number");
    }
    if (status != CNN_OK || !tensor->numel) {
        return status;
    }
    double *values = init_buffer(tensor, call), *other = values ? init_buffer(tensor, call) : NULL;
    status = other ? init_normals(tensor, call, values) : CNN_ERROR_NO_MEMORY;
    if (status == CNN_OK) {
        orthogonal_fill(tensor, gain, values, other);
        status = init_write(tensor, call, values);
        values = NULL;
    }
    cnn__free(tensor->ctx, values);
    cnn__free(tensor->ctx, other);
    return status;
}

/* ---- sparse ---- */

/* Sets that many elements of each column to 0, chosen by a permutation. */
static void sparse_fill(const cnn_tensor *t, int64_t zeros, double std, double *values, int64_t *order)
{
    int64_t rows = t->shape[0], columns = t->shape[1];
    for (int64_t i = 0; i < t->numel; i++) {
        values[i] *= std;
    }
    for (int64_t c = 0; c < columns; c++) {
        uint64_t key[2];
        cnn__context_next_stream(t->ctx, key);
        cnn__random_permutation(key, rows, order);
        for (int64_t i = 0; i < zeros; i++) {
            values[order[i] * columns + c] = 0;
        }
    }
}

cnn_status cnn_init_sparse(cnn_tensor *tensor, double sparsity, double std)
{
    const char *call = "init_sparse";
    cnn_status status = cnn__init_check(tensor, call, 2, 2);
    if (status == CNN_OK) {
        status = cnn__init_number(tensor, call, "sparsity", sparsity, sparsity >= 0 && sparsity <= 1, "0 to 1");
    }
    if (status == CNN_OK) {
        status = cnn__init_number(tensor, call, "std", std, std >= 0, "a finite number of at least 0");
    }
    if (status != CNN_OK || !tensor->numel) {
        return status;
    }
    double *values = init_buffer(tensor, call);
    size_t bytes = (size_t)tensor->shape[0] * sizeof(int64_t);
    int64_t *order = values ? cnn__alloc(tensor->ctx, bytes) : NULL;
    status = order ? init_normals(tensor, call, values) : cnn__fail_memory(tensor->ctx, call, bytes);
    if (status == CNN_OK) {
        sparse_fill(tensor, (int64_t)ceil(sparsity * (double)tensor->shape[0]), std, values, order);
        status = init_write(tensor, call, values);
        values = NULL;
    }
    cnn__free(tensor->ctx, order);
    cnn__free(tensor->ctx, values);
    return status;
}
