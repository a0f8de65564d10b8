/* One function a kernel, which takes the operands from the launch and hands them to the table. */
#include "kernels/launch.h"

#include "base/message.h"
#include "kernels/array/array.h"
#include "kernels/array/batch_norm.h"
#include "kernels/array/draw.h"
#include "kernels/array/lstm.h"
#include "kernels/array/rows.h"
#include "kernels/array/softmax_nll.h"
#include "kernels/matmul.h"
#include "kernels/stored.h"

#include <string.h>

/* What a runner gets. */
typedef struct job {
    const cnn_launch *l;
    const cnn__kernels *kernels;
    const cnn__real_kernels *real; /* for the launch's dtype */
    cnn__pool *pool;
    int workers;
    int64_t position, value; /* of what makes it fail */
} job;

typedef const cnn_elementwise_parameters elementwise_parameters;
typedef const cnn_reduce_parameters reduce_parameters;

/* ---- elements, copies, reductions ---- */

static bool run_fill(job *j)
{
    const cnn_fill_parameters *p = j->l->parameters;
    j->kernels->array->fill(j->l->dtype, j->l->count, p->value, j->l->out[0], j->pool);
    return true;
}

static bool run_copy(job *j)
{
    const cnn_copy_parameters *p = j->l->parameters;
    j->kernels->array->copy(&p->nest, j->l->dtype, j->l->out[0], p->from, j->l->in[0], j->pool);
    return true;
}

static bool run_unary(job *j)
{
    elementwise_parameters *p = j->l->parameters;
    j->kernels->array->unary((cnn_unary)p->function, &p->nest, j->l->dtype, p->value, j->l->out[0], j->l->in[0],
                             j->pool);
    return true;
}

static bool run_binary(job *j)
{
    elementwise_parameters *p = j->l->parameters;
    j->kernels->array->binary((cnn_binary)p->function, &p->nest, j->l->dtype, j->l->out[0], j->l->in[0], j->l->in[1],
                              j->pool);
    return true;
}

static bool run_compare(job *j)
{
    elementwise_parameters *p = j->l->parameters;
    j->kernels->array->compare((cnn_compare)p->function, &p->nest, j->l->dtype, j->l->out[0], j->l->in[0], j->l->in[1],
                               j->pool);
    return true;
}

static bool run_where(job *j)
{
    elementwise_parameters *p = j->l->parameters;
    j->kernels->array->where(&p->nest, j->l->dtype, j->l->out[0], j->l->in[0], j->l->in[1], j->l->in[2], j->pool);
    return true;
}

static bool run_reduce(job *j)
{
    reduce_parameters *p = j->l->parameters;
    j->kernels->array->reduce((cnn_reduce)p->function, &p->outer, &p->inner, j->l->dtype, j->l->out[0], j->l->in[0],
                              j->pool);
    return true;
}

static bool run_argmax(job *j)
{
    reduce_parameters *p = j->l->parameters;
    j->kernels->array->argmax(p->function != 0, &p->outer, &p->inner, j->l->dtype, j->l->out[0], j->l->in[0], j->pool);
    return true;
}

static bool run_pick(job *j)
{
    j->kernels->array->pick(j->l->parameters, j->l->dtype, j->l->in[0], j->l->in[1], j->l->out[0], j->pool);
    return true;
}

static bool run_place(job *j)
{
    j->kernels->array->place(j->l->parameters, j->l->dtype, j->l->out[0], j->l->in[1], j->l->in[0], j->pool);
    return true;
}

static bool run_softmax(job *j)
{
    const cnn_matrix *p = j->l->parameters;
    const cnn__array_kernels *k = j->kernels->array;
    (j->l->kernel == CNN_KERNEL_SOFTMAX ? k->softmax : k->log_softmax)(j->l->dtype, p->rows, p->columns, j->l->in[0],
                                                                       j->l->out[0], j->pool);
    return true;
}

static bool run_draw(job *j)
{
    const cnn_draw_parameters *p = j->l->parameters;
    cnn__array_draw(p, j->l->dtype, j->l->count, j->l->out[0], j->pool);
    return true;
}

/* ---- activations, products, convolutions, pooling ---- */

static bool run_dropout(job *j)
{
    const cnn_draw_parameters *p = j->l->parameters;
    j->real->dropout(j->l->count, p->p, p->key, j->l->in[0], j->l->out[0], j->pool);
    return true;
}

static bool run_relu(job *j)
{
    j->real->relu(j->l->count, j->l->in[0], j->l->out[0], j->pool);
    return true;
}

static bool run_relu_backward(job *j)
{
    j->real->relu_backward(j->l->count, j->l->in[0], j->l->in[1], j->l->out[0], j->pool);
    return true;
}

static bool run_sum_rows(job *j)
{
    const cnn_matrix *p = j->l->parameters;
    j->real->sum_rows(p->rows, p->columns, j->l->in[0], j->l->out[0], j->pool);
    return true;
}

static bool run_gemm(job *j)
{
    j->real->gemm(j->l->parameters, j->l->in[0], j->l->in[1], j->l->in[2], j->l->out[0], j->l->workspace, j->pool);
    return true;
}

static size_t gemm_workspace(job *j)
{
    return j->real->gemm_workspace(j->l->parameters, j->workers);
}

static bool run_matmul(job *j)
{
    cnn__matmul(j->l->parameters, j->real, cnn_dtype_size(j->l->dtype), j->l->in[0], j->l->in[1], j->l->out[0],
                j->l->workspace, j->pool);
    return true;
}

static size_t matmul_workspace(job *j)
{
    return cnn__matmul_workspace(j->l->parameters, j->real, j->workers);
}

static bool run_conv_forward(job *j)
{
    j->real->conv_forward(j->l->parameters, j->l->in[0], j->l->in[1], j->l->in[2], j->l->out[0], j->l->workspace,
                          j->pool);
    return true;
}

static size_t conv_forward_workspace(job *j)
{
    return j->real->conv_forward_workspace(j->l->parameters, j->workers);
}

static bool run_conv_backward_data(job *j)
{
    cnn__conv g = *(const cnn__conv *)j->l->parameters;
    g.relu_mask = j->l->in[2];
    j->real->conv_backward_data(&g, j->l->in[0], j->l->in[1], j->l->out[0], j->l->workspace, j->pool);
    return true;
}

static size_t conv_backward_data_workspace(job *j)
{
    return j->real->conv_backward_data_workspace(j->l->parameters, j->workers);
}

static bool run_conv_backward_weight(job *j)
{
    j->real->conv_backward_weight(j->l->parameters, j->l->in[0], j->l->in[1], j->l->out[0], j->l->out[1],
                                  j->l->workspace, j->pool);
    return true;
}

static size_t conv_backward_weight_workspace(job *j)
{
    return j->real->conv_backward_weight_workspace(j->l->parameters, j->workers);
}

static bool run_pooled_forward(job *j)
{
    j->real->conv_relu_pool_forward(j->l->parameters, j->l->in[0], j->l->in[1], j->l->in[2], j->l->out[0], j->l->out[1],
                                    j->l->workspace, j->pool);
    return true;
}

static size_t pooled_forward_workspace(job *j)
{
    return j->real->conv_relu_pool_forward_workspace(j->l->parameters, j->workers);
}

static bool run_pooled_backward_data(job *j)
{
    j->real->conv_relu_pool_backward_data(j->l->parameters, j->l->in[0], j->l->in[1], j->l->in[2], j->l->out[0],
                                          j->l->workspace, j->pool);
    return true;
}

static size_t pooled_backward_data_workspace(job *j)
{
    return j->real->conv_relu_pool_backward_data_workspace(j->l->parameters, j->workers);
}

static bool run_pooled_backward_weight(job *j)
{
    j->real->conv_relu_pool_backward_weight(j->l->parameters, j->l->in[0], j->l->in[1], j->l->in[2], j->l->out[0],
                                            j->l->out[1], j->l->workspace, j->pool);
    return true;
}

static size_t pooled_backward_weight_workspace(job *j)
{
    return j->real->conv_relu_pool_backward_weight_workspace(j->l->parameters, j->workers);
}

static bool run_maxpool_forward(job *j)
{
    j->real->maxpool_forward(j->l->parameters, j->l->in[0], j->l->out[0], j->l->out[1], j->pool);
    return true;
}

static bool run_maxpool_backward(job *j)
{
    j->real->maxpool_backward(j->l->parameters, j->l->in[0], j->l->in[1], j->l->out[0], j->pool);
    return true;
}

/* ---- normalisation, lookups, losses, recurrence ---- */

static cnn__batch_norm norm_of(const job *j, const void *x, const void *weight, const void *bias,
                               const void *statistics)
{
    const cnn_batch_norm_parameters *p = j->l->parameters;
    double *mean = (double *)(uintptr_t)statistics;
    return (cnn__batch_norm){ .dtype = j->l->dtype,
                              .batch = p->batch,
                              .channels = p->channels,
                              .inner = p->inner,
                              .batch_statistics = p->batch_statistics,
                              .x = x,
                              .weight = weight,
                              .bias = bias,
                              .mean = mean,
                              .scale = mean + p->channels };
}

static bool run_norm_statistics(job *j)
{
    cnn__batch_norm g = norm_of(j, j->l->in[0], NULL, NULL, j->l->out[0]);
    cnn__batch_norm_statistics(&g, g.scale, j->pool);
    return true;
}

static bool run_norm_move(job *j)
{
    cnn__batch_norm_move(j->l->parameters, j->l->dtype, j->l->in[0], j->l->out[0], j->l->out[1]);
    return true;
}

static bool run_norm_scale(job *j)
{
    cnn__batch_norm_scale(j->l->parameters, j->l->dtype, j->l->in[0], j->l->in[1], j->l->out[0]);
    return true;
}

static bool run_norm_fold(job *j)
{
    cnn__batch_norm_fold(j->l->parameters, j->l->dtype, j->l->in, j->l->out[0], j->l->out[1]);
    return true;
}

static bool run_norm_forward(job *j)
{
    cnn__batch_norm g = norm_of(j, j->l->in[0], j->l->in[1], j->l->in[2], j->l->in[3]);
    cnn__batch_norm_forward(&g, j->l->out[0], j->pool);
    return true;
}

static bool run_norm_backward(job *j)
{
    cnn__batch_norm g = norm_of(j, j->l->in[0], j->l->in[1], NULL, j->l->in[2]);
    cnn__batch_norm_backward(&g, j->l->in[3], j->l->out[0], j->l->out[1], j->l->out[2], j->pool);
    return true;
}

static cnn__rows rows_of(const job *j, const void *index)
{
    const cnn_lookup_parameters *p = j->l->parameters;
    return (cnn__rows){ .dtype = j->l->dtype,
                        .index_dtype = p->index_dtype,
                        .n = p->n,
                        .width = p->width,
                        .count = p->count,
                        .index = index };
}

static bool run_index_check(job *j)
{
    const cnn_lookup_parameters *p = j->l->parameters;
    cnn__rows g = rows_of(j, j->l->in[0]);
    j->position = cnn__rows_bad_index(&g, p->skips ? &p->skip : NULL, &j->value);
    return j->position < 0;
}

static bool run_lookup(job *j)
{
    cnn__rows g = rows_of(j, j->l->in[1]);
    cnn__rows_take(&g, j->l->in[0], j->l->out[0], j->pool);
    return true;
}

static bool run_lookup_backward(job *j)
{
    const cnn_lookup_parameters *p = j->l->parameters;
    cnn__rows g = rows_of(j, j->l->in[1]);
    cnn__rows_sum(&g, p->skips ? p->skip : -1, j->l->in[0], j->l->out[0], j->l->workspace, j->pool);
    return true;
}

static size_t lookup_backward_workspace(job *j)
{
    cnn__rows g = rows_of(j, NULL);
    return cnn__rows_sum_workspace(&g);
}

static cnn__softmax_nll loss_of(const job *j, const void *statistics)
{
    const cnn_cross_entropy_parameters *p = j->l->parameters;
    return (cnn__softmax_nll){ .dtype = j->l->dtype,
                               .batch = p->batch,
                               .classes = p->classes,
                               .inner = p->inner,
                               .target_dtype = cnn__dtypes[p->target_dtype].compute,
                               .ignore_index = p->ignore_index,
                               .smoothing = p->smoothing,
                               .logits = j->l->in[0],
                               .target = j->l->in[1],
                               .weight = j->l->in[2],
                               .stats = (void *)(uintptr_t)statistics };
}

static bool run_cross_entropy(job *j)
{
    const cnn_cross_entropy_parameters *p = j->l->parameters;
    cnn__softmax_nll g = loss_of(j, j->l->out[1]);
    cnn__cross_entropy(&g, p->reduction, j->l->out[0], j->l->out[2], j->l->workspace, j->pool);
    return true;
}

static size_t cross_entropy_workspace(job *j)
{
    cnn__softmax_nll g = loss_of(j, NULL);
    return cnn__softmax_nll_workspace(&g);
}

static bool run_cross_entropy_backward(job *j)
{
    const cnn_cross_entropy_parameters *p = j->l->parameters;
    cnn__softmax_nll g = loss_of(j, j->l->in[3]);
    cnn__cross_entropy_backward(&g, p->reduction, j->l->in[5], j->l->in[4], j->l->out[0], j->l->out[1], j->pool);
    return true;
}

static bool run_lstm_forward(job *j)
{
    const cnn_lstm_parameters *p = j->l->parameters;
    cnn__lstm_step s = { j->l->dtype, p->rows,      p->hidden,    j->l->in[0],
                         j->l->in[1], j->l->out[0], j->l->out[1], j->l->out[2] };
    cnn__lstm_forward(&s, j->pool);
    return true;
}

static bool run_lstm_backward(job *j)
{
    const cnn_lstm_parameters *p = j->l->parameters;
    const cnn__lstm_step s = { .dtype = j->l->dtype,
                               .rows = p->rows,
                               .hidden = p->hidden,
                               .c_before = j->l->in[5],
                               .gates = (void *)(uintptr_t)j->l->in[3],
                               .c = (void *)(uintptr_t)j->l->in[4] };
    const cnn__lstm_grad g = { { j->l->in[0], j->l->in[1] }, j->l->in[2], j->l->out[0], j->l->out[1] };
    cnn__lstm_backward(&s, &g, j->pool);
    return true;
}

/* ---- optimizers ---- */

static bool run_adam(job *j)
{
    j->real->adam(j->l->parameters, j->l->count, j->l->out[0], j->l->in[0], j->l->out[1], j->l->out[2], j->l->out[3],
                  j->pool);
    return true;
}

static bool run_sgd(job *j)
{
    j->real->sgd(j->l->parameters, j->l->count, j->l->out[0], j->l->in[0], j->l->out[1], j->pool);
    return true;
}

/* ---- the table ---- */

typedef struct runner {
    const char *name;
    bool (*run)(job *j);
    size_t (*workspace)(job *j); /* NULL: none */
} runner;

static const runner runners[CNN_KERNEL_COUNT] = {
    [CNN_KERNEL_FILL] = { "fill", run_fill, NULL },
    [CNN_KERNEL_COPY] = { "copy", run_copy, NULL },
    [CNN_KERNEL_UNARY] = { "unary", run_unary, NULL },
    [CNN_KERNEL_BINARY] = { "binary", run_binary, NULL },
    [CNN_KERNEL_COMPARE] = { "compare", run_compare, NULL },
    [CNN_KERNEL_WHERE] = { "where", run_where, NULL },
    [CNN_KERNEL_REDUCE] = { "reduce", run_reduce, NULL },
    [CNN_KERNEL_ARGMAX] = { "argmax", run_argmax, NULL },
    [CNN_KERNEL_PICK] = { "pick", run_pick, NULL },
    [CNN_KERNEL_PLACE] = { "place", run_place, NULL },
    [CNN_KERNEL_SOFTMAX] = { "softmax", run_softmax, NULL },
    [CNN_KERNEL_LOG_SOFTMAX] = { "log_softmax", run_softmax, NULL },
    [CNN_KERNEL_DRAW] = { "draw", run_draw, NULL },
    [CNN_KERNEL_DROPOUT] = { "dropout", run_dropout, NULL },
    [CNN_KERNEL_RELU] = { "relu", run_relu, NULL },
    [CNN_KERNEL_RELU_BACKWARD] = { "relu_backward", run_relu_backward, NULL },
    [CNN_KERNEL_SUM_ROWS] = { "sum_rows", run_sum_rows, NULL },
    [CNN_KERNEL_GEMM] = { "gemm", run_gemm, gemm_workspace },
    [CNN_KERNEL_MATMUL] = { "matmul", run_matmul, matmul_workspace },
    [CNN_KERNEL_CONV_FORWARD] = { "conv_forward", run_conv_forward, conv_forward_workspace },
    [CNN_KERNEL_CONV_BACKWARD_DATA] = { "conv_backward_data", run_conv_backward_data, conv_backward_data_workspace },
    [CNN_KERNEL_CONV_BACKWARD_WEIGHT] = { "conv_backward_weight", run_conv_backward_weight,
                                          conv_backward_weight_workspace },
    [CNN_KERNEL_CONV_RELU_POOL_FORWARD] = { "conv_relu_pool_forward", run_pooled_forward, pooled_forward_workspace },
    [CNN_KERNEL_CONV_RELU_POOL_BACKWARD_DATA] = { "conv_relu_pool_backward_data", run_pooled_backward_data,
                                                  pooled_backward_data_workspace },
    [CNN_KERNEL_CONV_RELU_POOL_BACKWARD_WEIGHT] = { "conv_relu_pool_backward_weight", run_pooled_backward_weight,
                                                    pooled_backward_weight_workspace },
    [CNN_KERNEL_MAXPOOL_FORWARD] = { "maxpool_forward", run_maxpool_forward, NULL },
    [CNN_KERNEL_MAXPOOL_BACKWARD] = { "maxpool_backward", run_maxpool_backward, NULL },
    [CNN_KERNEL_BATCH_NORM_STATISTICS] = { "batch_norm_statistics", run_norm_statistics, NULL },
    [CNN_KERNEL_BATCH_NORM_MOVE] = { "batch_norm_move", run_norm_move, NULL },
    [CNN_KERNEL_BATCH_NORM_SCALE] = { "batch_norm_scale", run_norm_scale, NULL },
    [CNN_KERNEL_BATCH_NORM_FORWARD] = { "batch_norm_forward", run_norm_forward, NULL },
    [CNN_KERNEL_BATCH_NORM_BACKWARD] = { "batch_norm_backward", run_norm_backward, NULL },
    [CNN_KERNEL_BATCH_NORM_FOLD] = { "batch_norm_fold", run_norm_fold, NULL },
    [CNN_KERNEL_INDEX_CHECK] = { "index_check", run_index_check, NULL },
    [CNN_KERNEL_LOOKUP] = { "lookup", run_lookup, NULL },
    [CNN_KERNEL_LOOKUP_BACKWARD] = { "lookup_backward", run_lookup_backward, lookup_backward_workspace },
    [CNN_KERNEL_CROSS_ENTROPY] = { "cross_entropy", run_cross_entropy, cross_entropy_workspace },
    [CNN_KERNEL_CROSS_ENTROPY_BACKWARD] = { "cross_entropy_backward", run_cross_entropy_backward, NULL },
    [CNN_KERNEL_LSTM_FORWARD] = { "lstm_forward", run_lstm_forward, NULL },
    [CNN_KERNEL_LSTM_BACKWARD] = { "lstm_backward", run_lstm_backward, NULL },
    [CNN_KERNEL_ADAM] = { "adam", run_adam, NULL },
    [CNN_KERNEL_SGD] = { "sgd", run_sgd, NULL },
};

const char *cnn__kernel_name(int kernel)
{
    return kernel >= 0 && kernel < CNN_KERNEL_COUNT ? runners[kernel].name : "copy";
}

static job job_of(const cnn_launch *launch, const cnn__kernels *kernels)
{
    return (job){ .l = launch, .kernels = kernels, .real = launch->dtype == CNN_F64 ? kernels->f64 : kernels->f32 };
}

/* The copies and fills take every dtype as it is stored. */
static bool is_stored(const cnn_launch *launch)
{
    return cnn__dtype_is_stored(launch->dtype) && launch->kernel != CNN_KERNEL_COPY &&
           launch->kernel != CNN_KERNEL_FILL;
}

static void describe_failure(const job *j, cnn_backend_failure *failure)
{
    failure->number = j->l->number;
    failure->status = CNN_ERROR_INVALID_ARGUMENT;
    failure->kernel = j->l->kernel;
    failure->position = j->position;
    failure->value = j->value;
    cnn__message(failure->message, sizeof failure->message, "the index at %lld is %lld", (long long)j->position,
                 (long long)j->value);
}

static __attribute__((noinline)) bool run_stored(const cnn_launch *launch, const cnn__kernels *kernels, cnn__pool *pool,
                                                 cnn_backend_failure *failure)
{
    cnn_launch computed;
    bool done = cnn__stored_begin(launch, &computed, pool);
    if (done) {
        job j = job_of(&computed, kernels);
        j.pool = pool;
        done = runners[launch->kernel].run(&j);
        cnn__stored_end(launch, &computed, pool);
    } else if (failure) {
        failure->number = launch->number;
        failure->status = CNN_ERROR_UNSUPPORTED;
        failure->kernel = launch->kernel;
        cnn__message(failure->message, sizeof failure->message, "there is no kernel for %s",
                     cnn_dtype_name(launch->dtype));
    }
    return done;
}

bool cnn__cpu_run(const cnn_launch *launch, const cnn__kernels *kernels, cnn__pool *pool, cnn_backend_failure *failure)
{
    if (is_stored(launch)) {
        return run_stored(launch, kernels, pool, failure);
    }
    job j = job_of(launch, kernels);
    j.pool = pool;
    bool done = runners[launch->kernel].run(&j);
    if (!done && failure) {
        describe_failure(&j, failure);
    }
    return done;
}

size_t cnn__cpu_workspace(const cnn_launch *launch, const cnn__kernels *kernels, int workers)
{
    cnn_launch computed;
    size_t operands = 0;
    if (is_stored(launch)) {
        operands = cnn__stored_workspace(launch);
        computed = *launch;
        computed.dtype = cnn__dtypes[launch->dtype].compute;
        launch = &computed;
    }
    job j = job_of(launch, kernels);
    j.workers = workers;
    return operands + (runners[launch->kernel].workspace ? runners[launch->kernel].workspace(&j) : 0);
}

/* ---- for back ends ---- */

static bool known(const cnn_launch *launch)
{
    return launch && launch->struct_size >= sizeof *launch && (int)launch->kernel >= 0 &&
           launch->kernel < CNN_KERNEL_COUNT && cnn__dtype_valid(launch->dtype);
}

bool cnn_cpu_launch(const cnn_launch *launch, cnn_backend_failure *failure)
{
    return known(launch) && cnn__cpu_run(launch, cnn__kernels_select(cnn__kernels_wanted()), NULL, failure);
}

size_t cnn_cpu_workspace(const cnn_launch *launch)
{
    return known(launch) ? cnn__cpu_workspace(launch, cnn__kernels_select(cnn__kernels_wanted()), 1) : 0;
}
