/* Batch normalisation: x [N,C,…], weight, bias, running mean and running variance [C], each of which may be left out.
 *
 * In training the statistics are the batch's own, and the running ones, if there are any, move towards them: they are
 * written in place, visible at once, and put back if the step fails. In evaluation the running statistics are used.
 *
 * On the CPU each channel of images is normalised right after its statistics are made, while it is cached, and ReLU or
 * ReLU6 may be part of it. Backward then knows from x where y was cut off. A device gets the launches one by one. */
#include "ops/norms.h"

#include <math.h>

const cnn__attribute cnn__norm_attributes[] = { CNN__ATTRIBUTE(CNN__FLOAT, cnn__norm, momentum),
                                                CNN__ATTRIBUTE(CNN__FLOAT, cnn__norm, eps),
                                                CNN__ATTRIBUTE(CNN__BOOL, cnn__norm, training),
                                                { .name = NULL } };

/* ---- checks ---- */

static bool batch_norm_check_options(cnn__call *call, cnn__norm *n)
{
    if (n->status != CNN_OK) {
        cnn__call_fail_newest(call);
        return false;
    }
    n->momentum = cnn__option(n->options.momentum, 0.1);
    if (!(n->momentum >= 0 && n->momentum <= 1)) {
        cnn__call_fail(call, CNN_ERROR_INVALID_ARGUMENT, "momentum is %s, expected 0 to 1", CNN__G(n->momentum));
        return false;
    }
    return cnn__norm_check_eps(call, n->options.eps, 1e-5, &n->eps);
}

static bool batch_norm_check_channels(cnn__call *call, int i, const char *name)
{
    const cnn_tensor *x = call->in[CNN__NORM_INPUT], *t = call->in[i];
    char given[CNN__SHAPE_TEXT];
    bool fits = !t || (t->ndim == 1 && t->shape[0] == x->shape[1]);
    if (!fits) {
        cnn__call_fail(call, CNN_ERROR_SHAPE, "%s is %s, expected [%lld], the input's channels", name,
                       cnn__shape_text(given, t->ndim, t->shape), (long long)x->shape[1]);
    }
    return fits;
}

/* What is written in place must be a tensor that stays: not a result, and with its elements in a row. */
static bool check_running(cnn__call *call, int i, const char *name)
{
    const cnn_tensor *t = call->in[i];
    bool result = t->node || t->traced || t->storage->cache;
    bool stays = !result && !t->requires_grad && cnn__contiguous(t) && !t->storage->read_only;
    if (!stays) {
        cnn__call_fail(call, CNN_ERROR_STATE, "%s is %s, expected a buffer, which training writes", name,
                       t->requires_grad        ? "a tensor that requires a gradient"
                       : result                ? "a result of an operation"
                       : t->storage->read_only ? "read-only"
                                               : "not contiguous");
    }
    return stays;
}

static bool batch_norm_check_inputs(cnn__call *call, cnn__norm *n)
{
    const cnn_tensor *x = call->in[CNN__NORM_INPUT];
    char given[CNN__SHAPE_TEXT];
    if (!cnn__call_real(call, CNN__NORM_INPUT) || !cnn__call_same_dtype(call, CNN__NORM_INPUTS)) {
        return false;
    }
    if (x->ndim < 2) {
        cnn__call_fail(call, CNN_ERROR_SHAPE, "input is %s, expected [N,C] or [N,C,...]",
                       cnn__shape_text(given, x->ndim, x->shape));
        return false;
    }
    if (!call->in[CNN__NORM_MEAN] != !call->in[CNN__NORM_VAR]) {
        cnn__call_fail(call, CNN_ERROR_INVALID_ARGUMENT, "running %s is NULL, expected both statistics or none",
                       call->in[CNN__NORM_MEAN] ? "variance" : "mean");
        return false;
    }
    if (!batch_norm_check_channels(call, CNN__NORM_WEIGHT, "weight") ||
        !batch_norm_check_channels(call, CNN__NORM_BIAS, "bias") ||
        !batch_norm_check_channels(call, CNN__NORM_MEAN, "running mean") ||
        !batch_norm_check_channels(call, CNN__NORM_VAR, "running variance")) {
        return false;
    }
    *n = (cnn__norm){
        .momentum = n->momentum, .eps = n->eps, .batch = x->shape[0], .channels = x->shape[1], .inner = 1
    };
    for (int d = 2; d < x->ndim; d++) {
        n->inner *= x->shape[d];
    }
    return true;
}

bool cnn__norm_check(cnn__call *call, cnn__norm *n)
{
    if (!batch_norm_check_options(call, n) || !batch_norm_check_inputs(call, n)) {
        return false;
    }
    n->moves = cnn_tape_training(call->tape) && call->in[CNN__NORM_MEAN] && !cnn__step_of(call->tape)->recomputing;
    n->training = cnn_tape_training(call->tape) || !call->in[CNN__NORM_MEAN];
    return !n->moves || (check_running(call, CNN__NORM_MEAN, "running mean") &&
                         check_running(call, CNN__NORM_VAR, "running variance"));
}

static bool runs_on_images(const cnn_tensor *x, const cnn__norm *n)
{
    return cnn__device_is_cpu(x->ctx) && !cnn__dtype_is_stored(x->dtype) && n->inner > 1;
}

static bool batch_norm_infer(cnn__call *call, void *attributes)
{
    cnn__norm *n = attributes;
    if (!cnn__norm_check(call, n)) {
        return false;
    }
    n->relu = call->op->relu || call->op->ceiling > 0;
    n->ceiling = call->op->ceiling;
    n->joined = n->training && runs_on_images(call->in[CNN__NORM_INPUT], n);
    if (n->training && n->channels && n->batch * n->inner == 1) {
        cnn__call_fail(call, CNN_ERROR_SHAPE, "there is one value per channel, expected two or more in training");
        return false;
    }
    cnn__out_like(call, 0, CNN__NORM_INPUT);
    cnn__out(call, CNN__NORM_STATISTICS, CNN_F64, 2, (const int64_t[]){ n->joined ? 4 : 2, n->channels });
    return true;
}

/* ---- forward ---- */

static cnn_batch_norm_parameters parameters_of(const cnn__norm *n)
{
    return (cnn_batch_norm_parameters){ .batch = n->batch,
                                        .channels = n->channels,
                                        .inner = n->inner,
                                        .batch_statistics = n->training,
                                        .momentum = n->momentum,
                                        .eps = n->eps,
                                        .instances = 1,
                                        .relu = n->relu,
                                        .ceiling = n->ceiling };
}

bool cnn__norm_move(cnn__call *call, const cnn__norm *n, int64_t instances)
{
    const cnn_tensor *mean = call->in[CNN__NORM_MEAN], *var = call->in[CNN__NORM_VAR];
    if (cnn__tape_tracing(call->tape)) { /* a trace writes no buffer */
        return true;
    }
    cnn_batch_norm_parameters p = parameters_of(n);
    p.batch = n->batch / instances;
    p.instances = instances;
    const double *statistics = cnn__data(call->out[CNN__NORM_STATISTICS]);
    statistics += n->joined ? 2 * n->channels : 0;
    cnn_launch move = CNN__LAUNCH(BATCH_NORM_MOVE, mean->dtype, CNN__PARAMETERS(p), .in = { statistics },
                                  .out = { cnn__data(mean), cnn__data(var) });
    return cnn__tape_protect(call->tape, mean) && cnn__tape_protect(call->tape, var) &&
           cnn__run(call->tape, call->op->name, &move);
}

/* The batch's own statistics, and the running ones moved towards them. */
static bool take_statistics(cnn__call *call, const cnn__norm *n, const cnn_batch_norm_parameters *p)
{
    const cnn_tensor *x = call->x[CNN__NORM_INPUT];
    cnn_launch take = CNN__LAUNCH(BATCH_NORM_STATISTICS, x->dtype, CNN__PARAMETERS(*p), .in = { cnn__data(x) },
                                  .out = { cnn__data(call->out[CNN__NORM_STATISTICS]) });
    return cnn__run(call->tape, call->op->name, &take) && (!n->moves || cnn__norm_move(call, n, 1));
}

/* Statistics and result set by set. */
static bool forward_joined(cnn__call *call, const cnn__norm *n)
{
    cnn_tensor *const *x = call->x;
    cnn_batch_norm_parameters p = parameters_of(n);
    p.joined = true;
    cnn_launch l = CNN__LAUNCH(BATCH_NORM_FORWARD, x[CNN__NORM_INPUT]->dtype, CNN__PARAMETERS(p),
                               .in = { cnn__data(x[CNN__NORM_INPUT]), cnn__data_or_null(x[CNN__NORM_WEIGHT]),
                                       cnn__data_or_null(x[CNN__NORM_BIAS]) },
                               .out = { cnn__data(call->out[0]), cnn__data(call->out[CNN__NORM_STATISTICS]) });
    return cnn__run(call->tape, call->op->name, &l) && (!n->moves || cnn__norm_move(call, n, 1));
}

static bool batch_norm_forward(cnn__call *call, void *attributes)
{
    const cnn__norm *n = attributes;
    const cnn_batch_norm_parameters p = parameters_of(n);
    cnn_tensor *const *x = call->x, *statistics = call->out[CNN__NORM_STATISTICS];
    cnn_dtype dtype = x[CNN__NORM_INPUT]->dtype;
    if (call->out[0]->numel == 0) {
        return true;
    }
    if (n->joined) {
        return forward_joined(call, n);
    }
    if (n->training && !take_statistics(call, n, &p)) {
        return false;
    }
    cnn_launch scale = CNN__LAUNCH(BATCH_NORM_SCALE, dtype, CNN__PARAMETERS(p), .out = { cnn__data(statistics) });
    if (!n->training) {
        scale.in[0] = cnn__data(x[CNN__NORM_MEAN]);
        scale.in[1] = cnn__data(x[CNN__NORM_VAR]);
    }
    cnn_launch l = CNN__LAUNCH(BATCH_NORM_FORWARD, dtype, CNN__PARAMETERS(p),
                               .in = { cnn__data(x[CNN__NORM_INPUT]), cnn__data_or_null(x[CNN__NORM_WEIGHT]),
                                       cnn__data_or_null(x[CNN__NORM_BIAS]), cnn__data(statistics) },
                               .out = { cnn__data(call->out[0]) });
    return cnn__run(call->tape, call->op->name, &scale) && cnn__run(call->tape, call->op->name, &l);
}

/* ---- backward ---- */

/* Memory for a gradient that is wanted, else NULL; sets *failed where there is none. */
static cnn_tensor *norm_gradient(cnn__node *node, int i, bool *failed)
{
    cnn_tensor *gradient = cnn__wants(node, i) ? cnn__grad_empty(node, i) : NULL;
    *failed |= cnn__wants(node, i) && !gradient;
    return gradient;
}

void cnn__norm_backward(cnn__node *node, const cnn_tensor *dy, cnn_kernel kernel, const void *parameters, size_t size,
                        const cnn_tensor *bias)
{
    const int count = node->count > CNN__NORM_BIAS ? 3 : 2;
    cnn_tensor *gradient[3] = { NULL };
    bool failed = false;
    for (int i = CNN__NORM_INPUT; i < count; i++) {
        gradient[i] = norm_gradient(node, i, &failed);
    }
    for (int i = CNN__NORM_INPUT; dy->numel == 0 && i < count; i++) { /* sums of nothing; there are no statistics */
        failed = failed || !cnn__run_fill(node->tape, node->op->name, gradient[i], 0);
    }
    if (failed) {
        return;
    }
    cnn_launch l = CNN__LAUNCH(
        BATCH_NORM_BACKWARD, dy->dtype, .parameters = parameters, .parameters_size = size,
        .in = { cnn__data(node->saved[CNN__NORM_INPUT]), cnn__data_or_null(node->saved[CNN__NORM_WEIGHT]),
                cnn__data(cnn__saved_output(node, CNN__NORM_STATISTICS)), cnn__data(dy), cnn__data_or_null(bias) },
        .out = { cnn__data_or_null(gradient[CNN__NORM_INPUT]), cnn__data_or_null(gradient[CNN__NORM_WEIGHT]),
                 cnn__data_or_null(gradient[CNN__NORM_BIAS]) });
    l.kernel = kernel;
    if (dy->numel && !cnn__run(node->tape, node->op->name, &l)) {
        return;
    }
    for (int i = CNN__NORM_INPUT; i < count; i++) {
        cnn__grad_add(node, i, gradient[i]);
    }
}

static void batch_norm_backward(cnn__node *node, cnn_tensor *dy)
{
    cnn_batch_norm_parameters p = parameters_of(node->attributes);
    const cnn_tensor *bias = p.relu ? node->saved[CNN__NORM_BIAS] : NULL;
    p.relu = p.relu && !dy->masked;
    cnn__norm_backward(node, dy, CNN_KERNEL_BATCH_NORM_BACKWARD, &p, sizeof p, bias);
}

static const cnn__reads batch_norm_reads[CNN__NORM_INPUTS + 1 + CNN__NORM_STATISTICS] = {
    [CNN__NORM_INPUT] = { "the input", 1u << CNN__NORM_INPUT | 1u << CNN__NORM_WEIGHT },
    [CNN__NORM_WEIGHT] = { "weight", 1u << CNN__NORM_INPUT },
    [CNN__NORM_INPUTS + CNN__NORM_STATISTICS] = { "statistics", 1u << CNN__NORM_INPUT | 1u << CNN__NORM_WEIGHT },
};
/* The gradients behind ReLU ask where y is above 0. */
enum { NORM_GRADIENTS = 1u << CNN__NORM_INPUT | 1u << CNN__NORM_WEIGHT | 1u << CNN__NORM_BIAS };
static const cnn__reads batch_norm_relu_reads[CNN__NORM_INPUTS + 1 + CNN__NORM_STATISTICS] = {
    [CNN__NORM_INPUT] = { "the input", NORM_GRADIENTS },
    [CNN__NORM_WEIGHT] = { "weight", NORM_GRADIENTS },
    [CNN__NORM_BIAS] = { "bias", NORM_GRADIENTS },
    [CNN__NORM_INPUTS + CNN__NORM_STATISTICS] = { "statistics", NORM_GRADIENTS },
};

/* What the two descriptors have in common; `...` are further members. */
#define BATCH_NORM(...) \
    { \
        .name = "batch_norm", .extras = 1, \
        .optional = 1u << CNN__NORM_WEIGHT | 1u << CNN__NORM_BIAS | 1u << CNN__NORM_MEAN | 1u << CNN__NORM_VAR, \
        .dense = (1u << CNN__NORM_INPUTS) - 1, .size = sizeof(cnn__norm), .attributes = cnn__norm_attributes, \
        .infer = batch_norm_infer, .forward = batch_norm_forward, .backward = batch_norm_backward, __VA_ARGS__ \
    }
enum { NORM_SAVES = 1u << CNN__NORM_INPUT | 1u << CNN__NORM_WEIGHT | CNN__OUTPUT(CNN__NORM_STATISTICS) };
const cnn__op cnn__batch_norm_op = BATCH_NORM(.saves = NORM_SAVES, .reads = batch_norm_reads);
/* For images on the CPU (cnn__batch_norm_takes_relu). */
const cnn__op cnn__batch_norm_relu_op =
    BATCH_NORM(.saves = NORM_SAVES | 1u << CNN__NORM_BIAS, .reads = batch_norm_relu_reads, .relu = true);
const cnn__op cnn__batch_norm_relu6_op =
    BATCH_NORM(.saves = NORM_SAVES | 1u << CNN__NORM_BIAS, .reads = batch_norm_relu_reads, .ceiling = 6);

bool cnn__batch_norm_takes_relu(const cnn_tensor *x)
{
    return cnn__device_is_cpu(x->ctx) && (x->dtype == CNN_F32 || x->dtype == CNN_F64) && x->ndim == 4 &&
           x->shape[2] * x->shape[3] > 1;
}

cnn_tensor *cnn__batch_norm(const cnn__op *op, cnn_tensor *const in[CNN__NORM_INPUTS],
                            const cnn_batch_norm_options *options)
{
    cnn__norm n = { .momentum = 0 };
    n.status = CNN__OPTIONS_READ(NULL, "batch_norm", &n.options, options);
    return cnn__apply(op, in, CNN__NORM_INPUTS, &n);
}

cnn_tensor *cnn_batch_norm(cnn_tensor *x, cnn_tensor *weight, cnn_tensor *bias, cnn_tensor *running_mean,
                           cnn_tensor *running_var, const cnn_batch_norm_options *options)
{
    return cnn__batch_norm(&cnn__batch_norm_op, (cnn_tensor *const[]){ x, weight, bias, running_mean, running_var },
                           options);
}
