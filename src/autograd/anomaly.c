/* Finds the first NaN or infinity of a step. The largest size of an array's numbers says whether there is one: the
 * kernel of the maximum norm lets a NaN win. */
#include "autograd/running.h"
#include "autograd/tape.h"

#include "base/message.h"

#include <cnn/autograd.h>

#include <math.h>
#include <string.h>

static const cnn__op anomaly_op = { .name = "tape_set_anomaly" };

/* The maximum norm of a contiguous tensor. false: the step has failed. */
static bool anomaly_measure(cnn_tape *tape, const cnn_tensor *t, double *largest)
{
    cnn_context *ctx = cnn__step_of(tape)->ctx;
    const cnn_norm_parameters p = { .p = (double)INFINITY, .first = true };
    cnn__call call = { .op = &anomaly_op, .tape = tape, .ctx = ctx };
    cnn_tensor *on_device = ctx->device ? cnn__result(&call, CNN_F64, 0, NULL) : NULL;
    if (ctx->device && !on_device) {
        return false;
    }
    void *total = on_device ? cnn__data(on_device) : largest;
    cnn_launch l =
        CNN__LAUNCH(NORM, t->dtype, CNN__PARAMETERS(p), .count = t->numel, .in = { cnn__data(t) }, .out = { total });
    if (!cnn__run(tape, anomaly_op.name, &l)) {
        return false;
    }
    cnn_status status = on_device ? cnn__device_read(ctx, anomaly_op.name, largest, total, sizeof *largest) : CNN_OK;
    if (status != CNN_OK) {
        cnn__tape_fail(tape, status, "%s", cnn__failure_message());
    }
    if (on_device) {
        cnn__tape_drop(on_device);
    }
    return status == CNN_OK;
}

/* What is wrong with t, as messages say it; NULL: nothing, or the step has failed. What is not contiguous shares the
 * elements of something that was looked at. */
static const char *anomaly_of(cnn_tape *tape, const cnn_tensor *t)
{
    double largest = 0;
    if (!t || !t->storage || !t->numel || !cnn__dtype_is_real(t->dtype) || !cnn__contiguous(t) ||
        !anomaly_measure(tape, t, &largest)) {
        return NULL;
    }
    bool infinite = isinf(largest) && cnn__step_of(tape)->anomaly == CNN_ANOMALY_NONFINITE;
    return isnan(largest) ? "a NaN" : infinite ? "an infinity" : NULL;
}

/* The operations that a backward is made of are not looked at: the gradient that comes of them is. */
bool cnn__anomaly_check_results(cnn__call *call)
{
    int results = cnn__step_of(call->tape)->walking ? 0 : call->results;
    for (int j = 0; j < results; j++) {
        const char *what = call->spec[j].kind == CNN__OUT_NEW ? anomaly_of(call->tape, call->out[j]) : NULL;
        char shape[CNN__SHAPE_TEXT];
        int given = 0;
        if (!what) {
            continue;
        }
        while (given < call->count && !anomaly_of(call->tape, call->x[given])) {
            given++;
        }
        cnn__shape_text(shape, call->out[j]->ndim, call->out[j]->shape);
        if (given < call->count) {
            cnn__call_fail(call, CNN_ERROR_STATE, "result %d, of shape %s, has %s, and so has operand %d", j, shape,
                           what, given);
        } else {
            cnn__call_fail(call, CNN_ERROR_STATE, "result %d, of shape %s, has %s, and no operand has one", j, shape,
                           what);
        }
    }
    return cnn__step_of(call->tape)->status == CNN_OK;
}

bool cnn__anomaly_check_gradient(const cnn__node *node, int i, const cnn_tensor *gradient)
{
    const char *what = anomaly_of(node->tape, gradient);
    char shape[CNN__SHAPE_TEXT];
    if (what) {
        cnn__tape_fail(node->tape, CNN_ERROR_STATE, "backward: %s%s: the gradient of operand %d, of shape %s, has %s",
                       node->where ? node->where : "", node->op->name, i,
                       cnn__shape_text(shape, gradient->ndim, gradient->shape), what);
    }
    return cnn__step_of(node->tape)->status == CNN_OK;
}

const char *cnn__anomaly_where(cnn_tape *tape)
{
    const cnn__running *running = cnn__running_on(tape, CNN__RUNNING_MODULE);
    char path[CNN__QUOTE] = "", text[CNN__QUOTE];
    if (running) {
        running->path(running, path, sizeof path);
    }
    cnn__escape(text, sizeof text, path);
    const size_t size = strlen(text) + 1;
    char *where = path[0] ? cnn__tape_arena(tape, size) : NULL;
    return where ? memcpy(where, text, size) : NULL;
}

cnn_status cnn_tape_set_anomaly(cnn_tape *tape, cnn_anomaly anomaly)
{
    if (!tape || (int)anomaly < CNN_ANOMALY_NONE || anomaly > CNN_ANOMALY_NONFINITE) {
        return cnn__fail(tape ? cnn__step_of(tape)->ctx : NULL, CNN_ERROR_INVALID_ARGUMENT, "tape_set_anomaly: %s",
                         tape ? "the anomaly is none of cnn_anomaly" : "tape is NULL");
    }
    cnn__step_of(tape)->anomaly = (int)anomaly;
    return CNN_OK;
}
