/* Batch normalisation: x [N,C,…], weight, bias, running mean and running variance [C], each of which may be left out.
 *
 * In training the statistics are the batch's own, and the running ones, if there are any, move towards them: they are
 * written in place, visible at once, and put back if the step fails. In evaluation the running statistics are used. */
#include "ops/operation.h"

#include <math.h>

enum { BATCH_NORM_INPUT, BATCH_NORM_WEIGHT, BIAS, MEAN, VAR, BATCH_NORM_INPUTS };
enum { STATISTICS = 1 }; /* the extra: means, then variances and at last scales, in f64 */

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

static bool batch_norm_check_options(cnn__call *call, norm *n)
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

static bool batch_norm_check_channels(cnn__call *call, int i, const char *name)
{
    const cnn_tensor *x = call->in[BATCH_NORM_INPUT], *t = call->in[i];
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

static bool batch_norm_check_inputs(cnn__call *call, norm *n)
{
    const cnn_tensor *x = call->in[BATCH_NORM_INPUT];
    char given[CNN__SHAPE_TEXT];
    if (!cnn__call_real(call, BATCH_NORM_INPUT) || !cnn__call_same_dtype(call, BATCH_NORM_INPUTS)) {
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
    if (!batch_norm_check_channels(call, BATCH_NORM_WEIGHT, "weight") ||
        !batch_norm_check_channels(call, BIAS, "bias") || !batch_norm_check_channels(call, MEAN, "running mean") ||
        !batch_norm_check_channels(call, VAR, "running variance")) {
        return false;
    }
    *n = (norm){ .momentum = n->momentum, .eps = n->eps, .batch = x->shape[0], .channels = x->shape[1], .inner = 1 };
    for (int d = 2; d < x->ndim; d++) {
        n->inner *= x->shape[d];
    }
    return true;
}

static bool batch_norm_infer(cnn__call *call, void *attributes)
{
    norm *n = attributes;
    if (!batch_norm_check_options(call, n) || !batch_norm_check_inputs(call, n)) {
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
    cnn__out_like(call, 0, BATCH_NORM_INPUT);
    cnn__out(call, STATISTICS, CNN_F64, 2, (const int64_t[]){ 2, n->channels });
    return true;
}

/* ---- forward ---- */

static cnn_batch_norm_parameters parameters_of(const norm *n)
{
    return (cnn_batch_norm_parameters){ .batch = n->batch,
                                        .channels = n->channels,
                                        .inner = n->inner,
                                        .batch_statistics = n->training,
                                        .momentum = n->momentum,
                                        .eps = n->eps };
}

/* The batch's own statistics, and the running ones moved towards them. */
static bool take_statistics(cnn__call *call, const norm *n, const cnn_batch_norm_parameters *p)
{
    const cnn_tensor *x = call->x[BATCH_NORM_INPUT], *statistics = call->out[STATISTICS];
    const cnn_tensor *mean = call->in[MEAN], *var = call->in[VAR];
    cnn_launch take = CNN__LAUNCH(BATCH_NORM_STATISTICS, x->dtype, CNN__PARAMETERS(*p), .in = { cnn__data(x) },
                                  .out = { cnn__data(statistics) });
    if (!cnn__run(call->tape, call->op->name, &take)) {
        return false;
    }
    if (!n->moves) {
        return true;
    }
    cnn_launch move = CNN__LAUNCH(BATCH_NORM_MOVE, x->dtype, CNN__PARAMETERS(*p), .in = { cnn__data(statistics) },
                                  .out = { cnn__data(mean), cnn__data(var) });
    return cnn__tape_protect(call->tape, mean) && cnn__tape_protect(call->tape, var) &&
           cnn__run(call->tape, call->op->name, &move);
}

static bool batch_norm_forward(cnn__call *call, void *attributes)
{
    const norm *n = attributes;
    const cnn_batch_norm_parameters p = parameters_of(n);
    cnn_tensor *const *x = call->x, *statistics = call->out[STATISTICS];
    cnn_dtype dtype = x[BATCH_NORM_INPUT]->dtype;
    if (call->out[0]->numel == 0) {
        return true;
    }
    if (n->training && !take_statistics(call, n, &p)) {
        return false;
    }
    cnn_launch scale = CNN__LAUNCH(BATCH_NORM_SCALE, dtype, CNN__PARAMETERS(p), .out = { cnn__data(statistics) });
    if (!n->training) {
        scale.in[0] = cnn__data(x[MEAN]);
        scale.in[1] = cnn__data(x[VAR]);
    }
    cnn_launch l = CNN__LAUNCH(BATCH_NORM_FORWARD, dtype, CNN__PARAMETERS(p),
                               .in = { cnn__data(x[BATCH_NORM_INPUT]), cnn__data_or_null(x[BATCH_NORM_WEIGHT]),
                                       cnn__data_or_null(x[BIAS]), cnn__data(statistics) },
                               .out = { cnn__data(call->out[0]) });
    return cnn__run(call->tape, call->op->name, &scale) && cnn__run(call->tape, call->op->name, &l);
}

/* ---- backward ---- */

static cnn_tensor *gradient_of(cnn__node *node, int i, bool *failed)
{
    cnn_tensor *gradient = cnn__wants(node, i) ? cnn__grad_empty(node, i) : NULL;
    *failed |= cnn__wants(node, i) && !gradient;
    return gradient;
}

static void batch_norm_backward(cnn__node *node, cnn_tensor *dy)
{
    const cnn_batch_norm_parameters p = parameters_of(node->attributes);
    bool failed = false;
    cnn_tensor *dx = gradient_of(node, BATCH_NORM_INPUT, &failed),
               *dweight = gradient_of(node, BATCH_NORM_WEIGHT, &failed);
    cnn_tensor *dbias = gradient_of(node, BIAS, &failed);
    if (failed) {
        return;
    }
    cnn_launch l =
        CNN__LAUNCH(BATCH_NORM_BACKWARD, dy->dtype, CNN__PARAMETERS(p),
                    .in = { cnn__data(node->saved[BATCH_NORM_INPUT]), cnn__data_or_null(node->saved[BATCH_NORM_WEIGHT]),
                            cnn__data(cnn__saved_output(node, STATISTICS)), cnn__data(dy) },
                    .out = { cnn__data_or_null(dx), cnn__data_or_null(dweight), cnn__data_or_null(dbias) });
    if (!cnn__run(node->tape, node->op->name, &l)) {
        return;
    }
    cnn__grad_add(node, BATCH_NORM_INPUT, dx);
    cnn__grad_add(node, BATCH_NORM_WEIGHT, dweight);
    cnn__grad_add(node, BIAS, dbias);
}

static const cnn__reads batch_norm_reads[BATCH_NORM_INPUTS + 1 + STATISTICS] = {
    [BATCH_NORM_INPUT] = { "the input", 1u << BATCH_NORM_INPUT | 1u << BATCH_NORM_WEIGHT },
    [BATCH_NORM_WEIGHT] = { "weight", 1u << BATCH_NORM_INPUT },
    [BATCH_NORM_INPUTS + STATISTICS] = { "statistics", 1u << BATCH_NORM_INPUT | 1u << BATCH_NORM_WEIGHT },
};
static const cnn__op batch_norm_op = {
    .name = "batch_norm",
    .extras = 1,
    .optional = 1u << BATCH_NORM_WEIGHT | 1u << BIAS | 1u << MEAN | 1u << VAR,
    .dense = (1u << BATCH_NORM_INPUTS) - 1,
    .saves = 1u << BATCH_NORM_INPUT | 1u << BATCH_NORM_WEIGHT | CNN__OUTPUT(STATISTICS),
    .size = sizeof(norm),
    .attributes = norm_attributes,
    .infer = batch_norm_infer,
    .forward = batch_norm_forward,
    .backward = batch_norm_backward,
    .reads = batch_norm_reads,
};

cnn_tensor *cnn_batch_norm(cnn_tensor *x, cnn_tensor *weight, cnn_tensor *bias, cnn_tensor *running_mean,
                           cnn_tensor *running_var, const cnn_batch_norm_options *options)
{
    norm n = { .momentum = 0 };
    n.status = CNN__OPTIONS_READ(NULL, "batch_norm", &n.options, options);
    return cnn__apply(&batch_norm_op, (cnn_tensor *const[]){ x, weight, bias, running_mean, running_var },
                      BATCH_NORM_INPUTS, &n);
}
