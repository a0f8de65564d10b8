/* Batch normalisation: x [N,C,…], weight, bias, running mean and running variance [C], each of which may be left out.
 *
 * In training the statistics are the batch's own, and the running ones, if there are any, move towards them: they are
 * written in place, visible at once, and put back if the step fails. In evaluation the running statistics are used. */
#include "kernels/array/batch_norm.h"
#include "ops/operation.h"

#include <math.h>

enum { INPUT, WEIGHT, BIAS, MEAN, VAR, INPUTS };
enum { STATISTICS = 1 }; /* the extra: means, then scales, in f64 */

typedef struct norm {
    double momentum, eps;
    bool training; /* the batch's statistics are used */
    bool moves;    /* and the running ones are written */
    int64_t batch, channels, inner;
    cnn_batch_norm_options options; /* for infer, with how reading them went */
    cnn_status status;
} norm;

static const cnn__attribute norm_attributes[] = { CNN__ATTRIBUTE(CNN__FLOAT, norm, momentum),
                                                  CNN__ATTRIBUTE(CNN__FLOAT, norm, eps),
                                                  CNN__ATTRIBUTE(CNN__BOOL, norm, training),
                                                  { .name = NULL } };

/* ---- checks ---- */

static bool check_options(cnn__call *call, norm *n)
{
    if (n->status != CNN_OK) {
        cnn__call_fail_newest(call);
        return false;
    }
    n->momentum = cnn__option(n->options.momentum, 0.1);
    n->eps = cnn__option(n->options.eps, 1e-5);
    if (!(n->momentum >= 0 && n->momentum <= 1)) {
        cnn__call_fail(call, CNN_ERROR_INVALID_ARGUMENT, "momentum is %s, expected 0 to 1", CNN__G(n->momentum));
        return false;
    }
    if (!(n->eps >= 0) || isinf(n->eps)) {
        cnn__call_fail(call, CNN_ERROR_INVALID_ARGUMENT, "eps is %s, expected at least 0", CNN__G(n->eps));
        return false;
    }
    return true;
}

static bool check_channels(cnn__call *call, int i, const char *name)
{
    const cnn_tensor *x = call->in[INPUT], *t = call->in[i];
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
    bool stays = !result && !t->requires_grad && cnn__contiguous(t);
    if (!stays) {
        cnn__call_fail(call, CNN_ERROR_STATE, "%s is %s, expected a buffer, which training writes", name,
                       t->requires_grad ? "a tensor that requires a gradient"
                       : result         ? "a result of an operation"
                                        : "not contiguous");
    }
    return stays;
}

static bool check_inputs(cnn__call *call, norm *n)
{
    const cnn_tensor *x = call->in[INPUT];
    char given[CNN__SHAPE_TEXT];
    if (!cnn__call_real(call, INPUT) || !cnn__call_same_dtype(call, INPUTS)) {
        return false;
    }
    if (x->ndim < 2) {
        cnn__call_fail(call, CNN_ERROR_SHAPE, "input is %s, expected [N,C] or [N,C,...]",
                       cnn__shape_text(given, x->ndim, x->shape));
        return false;
    }
    if (!call->in[MEAN] != !call->in[VAR]) {
        cnn__call_fail(call, CNN_ERROR_INVALID_ARGUMENT, "running %s is NULL, expected both statistics or none",
                       call->in[MEAN] ? "variance" : "mean");
        return false;
    }
    if (!check_channels(call, WEIGHT, "weight") || !check_channels(call, BIAS, "bias") ||
        !check_channels(call, MEAN, "running mean") || !check_channels(call, VAR, "running variance")) {
        return false;
    }
    *n = (norm){ .momentum = n->momentum, .eps = n->eps, .batch = x->shape[0], .channels = x->shape[1], .inner = 1 };
    for (int d = 2; d < x->ndim; d++) {
        n->inner *= x->shape[d];
    }
    return true;
}

static bool infer(cnn__call *call, void *attributes)
{
    norm *n = attributes;
    if (!check_options(call, n) || !check_inputs(call, n)) {
        return false;
    }
    n->moves = cnn_tape_training(call->tape) && call->in[MEAN];
    n->training = cnn_tape_training(call->tape) || !call->in[MEAN];
    if (n->moves && (!check_running(call, MEAN, "running mean") || !check_running(call, VAR, "running variance"))) {
        return false;
    }
    if (n->training && n->channels && n->batch * n->inner == 1) {
        cnn__call_fail(call, CNN_ERROR_SHAPE, "there is one value per channel, expected two or more in training");
        return false;
    }
    cnn__out_like(call, 0, INPUT);
    cnn__out(call, STATISTICS, CNN_F64, 2, (const int64_t[]){ 2, n->channels });
    return true;
}

/* ---- forward ---- */

static cnn__batch_norm kernel_of(const norm *n, cnn_tensor *const *in, const cnn_tensor *statistics)
{
    return (cnn__batch_norm){ .dtype = in[INPUT]->dtype,
                              .batch = n->batch,
                              .channels = n->channels,
                              .inner = n->inner,
                              .batch_statistics = n->training,
                              .x = cnn__data(in[INPUT]),
                              .weight = in[WEIGHT] ? cnn__data(in[WEIGHT]) : NULL,
                              .bias = in[BIAS] ? cnn__data(in[BIAS]) : NULL,
                              .mean = cnn__data(statistics),
                              .scale = (double *)cnn__data(statistics) + n->channels };
}

static double read(const cnn_tensor *t, int64_t i)
{
    return t->dtype == CNN_F64 ? ((const double *)cnn__data(t))[i] : (double)((const float *)cnn__data(t))[i];
}

static void write(const cnn_tensor *t, int64_t i, double value)
{
    if (t->dtype == CNN_F64) {
        ((double *)cnn__data(t))[i] = value;
    } else {
        ((float *)cnn__data(t))[i] = (float)value;
    }
}

/* The running variance takes the unbiased one, as in PyTorch. */
static bool move(cnn__call *call, const norm *n, const double *mean, const double *var)
{
    const cnn_tensor *running[2] = { call->in[MEAN], call->in[VAR] };
    double count = (double)n->batch * (double)n->inner, unbiased = count / (count - 1);
    if (!cnn__tape_protect(call->tape, running[0]) || !cnn__tape_protect(call->tape, running[1])) {
        return false;
    }
    for (int64_t c = 0; c < n->channels; c++) {
        write(running[0], c, (1 - n->momentum) * read(running[0], c) + n->momentum * mean[c]);
        write(running[1], c, (1 - n->momentum) * read(running[1], c) + n->momentum * var[c] * unbiased);
    }
    return true;
}

static bool forward(cnn__call *call, void *attributes)
{
    const norm *n = attributes;
    cnn__batch_norm g = kernel_of(n, call->x, call->out[STATISTICS]);
    if (call->out[0]->numel == 0) {
        return true;
    }
    if (n->training) {
        cnn__batch_norm_statistics(&g, g.scale, call->ctx->pool);
    }
    if (n->moves && !move(call, n, g.mean, g.scale)) {
        return false;
    }
    for (int64_t c = 0; c < n->channels; c++) {
        g.mean[c] = n->training ? g.mean[c] : read(call->x[MEAN], c);
        g.scale[c] = 1 / sqrt((n->training ? g.scale[c] : read(call->x[VAR], c)) + n->eps);
    }
    cnn__batch_norm_forward(&g, cnn__data(call->out[0]), call->ctx->pool);
    return true;
}

/* ---- backward ---- */

static cnn_tensor *gradient_of(cnn__node *node, int i, bool *failed)
{
    cnn_tensor *gradient = cnn__wants(node, i) ? cnn__grad_empty(node, i) : NULL;
    *failed |= cnn__wants(node, i) && !gradient;
    return gradient;
}

static void *data_or_null(const cnn_tensor *t)
{
    return t ? cnn__data(t) : NULL;
}

static void batch_norm_backward(cnn__node *node, cnn_tensor *dy)
{
    cnn__batch_norm g = kernel_of(node->attributes, node->saved, cnn__saved_output(node, STATISTICS));
    bool failed = false;
    cnn_tensor *dx = gradient_of(node, INPUT, &failed), *dweight = gradient_of(node, WEIGHT, &failed);
    cnn_tensor *dbias = gradient_of(node, BIAS, &failed);
    if (failed) {
        return;
    }
    cnn__batch_norm_backward(&g, cnn__data(dy), data_or_null(dx), data_or_null(dweight), data_or_null(dbias),
                             dy->ctx->pool);
    cnn__grad_add(node, INPUT, dx);
    cnn__grad_add(node, WEIGHT, dweight);
    cnn__grad_add(node, BIAS, dbias);
}

static const cnn__reads reads[INPUTS + 1 + STATISTICS] = {
    [INPUT] = { "the input", 1u << INPUT | 1u << WEIGHT },
    [WEIGHT] = { "weight", 1u << INPUT },
    [INPUTS + STATISTICS] = { "statistics", 1u << INPUT | 1u << WEIGHT },
};
static const cnn__op batch_norm_op = {
    .name = "batch_norm",
    .extras = 1,
    .optional = 1u << WEIGHT | 1u << BIAS | 1u << MEAN | 1u << VAR,
    .dense = (1u << INPUTS) - 1,
    .saves = 1u << INPUT | 1u << WEIGHT | CNN__OUTPUT(STATISTICS),
    .size = sizeof(norm),
    .attributes = norm_attributes,
    .infer = infer,
    .forward = forward,
    .backward = batch_norm_backward,
    .reads = reads,
};

cnn_tensor *cnn_batch_norm(cnn_tensor *x, cnn_tensor *weight, cnn_tensor *bias, cnn_tensor *running_mean,
                           cnn_tensor *running_var, const cnn_batch_norm_options *options)
{
    norm n = { .momentum = 0 };
    n.status = CNN__OPTIONS_READ(NULL, "batch_norm", &n.options, options);
    return cnn__apply(&batch_norm_op, (cnn_tensor *const[]){ x, weight, bias, running_mean, running_var }, INPUTS, &n);
}
