/* Operations of the user's own: callbacks that see contiguous tensors, wrapped as an operation like any other. */
#include "autograd/running.h"
#include "autograd/tape.h"

#include <string.h>

enum { TEXT = 480 };

typedef struct custom {
    cnn_custom_op op;
    void *user;
    cnn__op descriptor; /* what the node points at */
} custom;

/* Writes what a callback returned, with the message of the failure that it met in a call of ours. */
static const char *returned(char text[TEXT], cnn_status status, unsigned long failures_before)
{
    if (cnn__failure_number() != failures_before && cnn__failure_status() == status) {
        cnn__message(text, TEXT, "%s (%s)", cnn_status_name(status), cnn__failure_message());
    } else {
        cnn__message(text, TEXT, "%s", cnn_status_name(status));
    }
    return text;
}

/* What a callback is asked to write takes cnn_tensor_fill() and the like for as long as it runs. */
static void set_writable(cnn_tensor *const *tensors, int count, bool writable)
{
    for (int i = 0; i < count; i++) {
        if (tensors[i]) {
            tensors[i]->writable = writable;
        }
    }
}

static void custom_backward(cnn__node *node, cnn_tensor *dy)
{
    const custom *c = node->attributes;
    cnn_tensor *gradients[CNN__MAX_INPUTS] = { 0 };
    for (int i = 0; i < node->count; i++) {
        if (cnn__wants(node, i) && !(gradients[i] = cnn__grad_empty(node, i))) {
            return;
        }
    }
    const cnn_tensor *const *inputs = (const cnn_tensor *const *)(const void *)node->saved;
    unsigned long failures = cnn__failure_number();
    cnn__running running = { .tape = node->tape, .part = "the backward of", .name = c->op.name };
    cnn__running_enter(&running);
    set_writable(gradients, node->count, true);
    cnn_status status = c->op.backward(inputs, node->count, node->saved[node->count], dy, gradients, c->user);
    set_writable(gradients, node->count, false);
    cnn__running_leave(&running);
    if (status != CNN_OK) {
        char text[TEXT];
        cnn__tape_fail(node->tape, CNN_ERROR_CALLBACK, "%s: backward returned %s", c->op.name,
                       returned(text, status, failures));
        return;
    }
    for (int i = 0; i < node->count; i++) {
        cnn__grad_add(node, i, gradients[i]);
    }
}

/* The callbacks' result, computed from contiguous operands; NULL: failed and reported. */
static cnn_tensor *custom_compute(cnn__call *call, const custom *c)
{
    const cnn_tensor *const *inputs = (const cnn_tensor *const *)(const void *)call->x;
    cnn_dtype dtype = call->in[0]->dtype;
    int ndim = 0;
    int64_t shape[CNN_MAX_DIMS] = { 0 };
    char text[TEXT];
    unsigned long failures = cnn__failure_number();
    cnn__running running = { .tape = call->tape, .part = "the infer of", .name = c->op.name };
    cnn__running_enter(&running);
    cnn_status status = c->op.infer(inputs, call->count, &dtype, &ndim, shape, c->user);
    cnn__running_leave(&running);
    if (status != CNN_OK) {
        cnn__call_fail(call, CNN_ERROR_CALLBACK, "infer returned %s", returned(text, status, failures));
        return NULL;
    }
    cnn_tensor *y = cnn__result(call, dtype, ndim, shape);
    if (y && !y->traced) {
        running.part = "the forward of";
        cnn__running_enter(&running);
        set_writable(&y, 1, true);
        status = c->op.forward(inputs, call->count, y, c->user);
        set_writable(&y, 1, false);
        cnn__running_leave(&running);
    }
    if (status != CNN_OK) {
        cnn__call_fail(call, CNN_ERROR_CALLBACK, "forward returned %s", returned(text, status, failures));
        return NULL;
    }
    return y;
}

static cnn_tensor *custom_apply(cnn__call *call, custom *c)
{
    cnn_tensor *operands[CNN__MAX_INPUTS];
    cnn__spec spec = { .kind = CNN__OUT_NEW };
    bool tracing = cnn__tape_tracing(call->tape);
    call->x = operands;
    call->spec = &spec;
    for (int i = 0; i < call->count; i++) {
        if (!(operands[i] = tracing ? call->in[i] : cnn__call_contiguous(call, i))) {
            return call->nil;
        }
    }
    cnn_tensor *y = call->out[0] = custom_compute(call, c);
    if (!y) {
        return call->nil;
    }
    call->record &= cnn__dtype_is_real(y->dtype);
    if (!tracing && cnn__step_of(call->tape)->anomaly && !cnn__anomaly_check_results(call)) {
        return call->nil;
    }
    if (!call->record && !tracing) {
        return y;
    }
    unsigned all = ((1u << call->count) - 1) | CNN__OUTPUT(0);
    cnn__node *node = cnn__call_record(call, c, sizeof *c, tracing ? 0 : all);
    if (!node) {
        return call->nil;
    }
    node->op = &((custom *)node->attributes)->descriptor;
    return y;
}

static const cnn__op custom_op = { .name = "custom", .backward = custom_backward };

cnn_tensor *cnn_custom(const cnn_custom_op *op, cnn_tensor *const *inputs, int count, void *user)
{
    custom c = { .user = user };
    bool sound = inputs && count >= 1 && count <= CNN__MAX_INPUTS;
    cnn__call call;
    if (!sound) {
        return cnn__current_fail(NULL, CNN_ERROR_INVALID_ARGUMENT, "custom: %d operands, expected 1 to %d",
                                 inputs ? count : 0, CNN__MAX_INPUTS);
    }
    if (!cnn__call_begin(&call, &custom_op, count, inputs)) {
        return call.nil;
    }
    if (!op) {
        return cnn__call_fail(&call, CNN_ERROR_INVALID_ARGUMENT, "op is NULL");
    }
    if (CNN__OPTIONS_READ(call.ctx, "custom", &c.op, op) != CNN_OK) {
        return cnn__call_fail_newest(&call);
    }
    if (!c.op.name || !c.op.infer || !c.op.forward) {
        return cnn__call_fail(&call, CNN_ERROR_INVALID_ARGUMENT, "the op lacks its name, infer or forward");
    }
    c.descriptor = (cnn__op){ .name = c.op.name, .backward = c.op.backward ? custom_backward : NULL };
    call.op = &c.descriptor;
    call.record &= c.op.backward != NULL;
    return custom_apply(&call, &c);
}
