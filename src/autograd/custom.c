/* Operations of the user's own: callbacks that see contiguous tensors, wrapped as an operation like any other. One with
 * a single result goes the same way as one with several, up to the calls of its callbacks. */
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

/* ---- the callbacks, of either form ---- */

typedef const cnn_tensor *const *tensors;

static tensors constant(cnn_tensor *const *list)
{
    return (tensors)(const void *)list;
}

static cnn_status custom_infer(const custom *c, const cnn__call *call, cnn_custom_output *outputs)
{
    const cnn_custom_op *op = &c->op;
    return op->forward_many
               ? op->infer_many(constant(call->x), call->count, outputs, call->results, c->user)
               : op->infer(constant(call->x), call->count, &outputs->dtype, &outputs->ndim, outputs->shape, c->user);
}

static cnn_status custom_forward(const custom *c, cnn__call *call)
{
    const cnn_custom_op *op = &c->op;
    return op->forward_many ? op->forward_many(constant(call->x), call->count, call->out, call->results, c->user)
                            : op->forward(constant(call->x), call->count, call->out[0], c->user);
}

static cnn_status callback_backward(const custom *c, const cnn__node *node, cnn_tensor *const *gradients)
{
    const cnn_custom_op *op = &c->op;
    tensors in = constant(node->saved), out = in + node->count, dy = constant(node->dy);
    return op->forward_many ? op->backward_many(in, node->count, out, dy, node->outputs, gradients, c->user)
                            : op->backward(in, node->count, out[0], dy[0], gradients, c->user);
}

static void custom_backward(cnn__node *node, cnn_tensor *dy)
{
    (void)dy;
    const custom *c = node->attributes;
    cnn_tensor *gradients[CNN__MAX_INPUTS] = { 0 };
    for (int i = 0; i < node->count; i++) {
        if (cnn__wants(node, i) && !(gradients[i] = cnn__grad_empty(node, i))) {
            return;
        }
    }
    unsigned long failures = cnn__failure_number();
    cnn__running running = { .tape = node->tape, .part = "the backward of", .name = c->op.name };
    cnn__running_enter(&running);
    set_writable(gradients, node->count, true);
    cnn_status status = callback_backward(c, node, gradients);
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

/* ---- applying one ---- */

/* Makes the results of what infer says of them. Whether one of them is real is noted in call->differentiable. */
static bool make_results(cnn__call *call, const cnn_custom_output *outputs)
{
    for (int j = 0; j < call->results; j++) {
        cnn_tensor *y = cnn__result(call, outputs[j].dtype, outputs[j].ndim, outputs[j].shape);
        if (!y) {
            return false;
        }
        call->out[j] = y;
        call->spec[j].kind = CNN__OUT_NEW;
        call->differentiable |= cnn__dtype_is_real(y->dtype);
    }
    return true;
}

/* The callbacks' results, computed from contiguous operands; false: failed and reported. */
static bool custom_compute(cnn__call *call, const custom *c)
{
    cnn_custom_output outputs[CNN__MAX_OUTPUTS] = { 0 };
    const char *part = "infer";
    char text[TEXT];
    for (int j = 0; j < call->results; j++) {
        outputs[j].dtype = call->in[0]->dtype;
    }
    unsigned long failures = cnn__failure_number();
    cnn__running running = { .tape = call->tape, .part = "the infer of", .name = c->op.name };
    cnn__running_enter(&running);
    cnn_status status = custom_infer(c, call, outputs);
    cnn__running_leave(&running);
    if (status == CNN_OK) {
        if (!make_results(call, outputs)) {
            return false;
        }
        if (!call->out[0]->traced) {
            part = "forward";
            running.part = "the forward of";
            cnn__running_enter(&running);
            set_writable(call->out, call->results, true);
            status = custom_forward(c, call);
            set_writable(call->out, call->results, false);
            cnn__running_leave(&running);
        }
    }
    if (status != CNN_OK) {
        cnn__call_fail(call, CNN_ERROR_CALLBACK, "%s returned %s", part, returned(text, status, failures));
    }
    return status == CNN_OK;
}

static bool custom_apply(cnn__call *call, custom *c)
{
    cnn_tensor *operands[CNN__MAX_INPUTS];
    cnn__spec spec[CNN__MAX_OUTPUTS];
    bool tracing = cnn__tape_tracing(call->tape);
    call->x = operands;
    call->spec = spec;
    for (int i = 0; i < call->count; i++) {
        if (!(operands[i] = tracing ? call->in[i] : cnn__call_contiguous(call, i))) {
            return false;
        }
    }
    if (!custom_compute(call, c)) {
        return false;
    }
    call->record &= call->differentiable;
    if (!tracing && cnn__step_of(call->tape)->anomaly && !cnn__anomaly_check_results(call)) {
        return false;
    }
    if (!call->record && !tracing) {
        return true;
    }
    unsigned all = ((1u << call->count) - 1) | (CNN__OUTPUT(call->results) - CNN__OUTPUT(0));
    cnn__node *node = cnn__call_record(call, c, sizeof *c, tracing ? 0 : all);
    if (node) {
        node->op = &((custom *)node->attributes)->descriptor;
    }
    return node != NULL;
}

/* Reads the operation into c; false: refused and reported. */
static bool read_op(cnn__call *call, const cnn_custom_op *op, custom *c)
{
    if (!op) {
        cnn__call_fail(call, CNN_ERROR_INVALID_ARGUMENT, "op is NULL");
        return false;
    }
    if (CNN__OPTIONS_READ(call->ctx, "custom", &c->op, op) != CNN_OK) {
        cnn__call_fail_newest(call);
        return false;
    }
    bool many = c->op.forward_many, differentiable = many ? c->op.backward_many != NULL : c->op.backward != NULL;
    if (!c->op.name || !(many ? c->op.infer_many != NULL : c->op.infer && c->op.forward)) {
        cnn__call_fail(call, CNN_ERROR_INVALID_ARGUMENT, "the op lacks its name, infer or forward");
        return false;
    }
    if (!many && call->results != 1) {
        cnn__call_fail(call, CNN_ERROR_INVALID_ARGUMENT, "%d outputs of an op without forward_many, expected 1",
                       call->results);
        return false;
    }
    c->descriptor = (cnn__op){ .name = c->op.name, .backward = differentiable ? custom_backward : NULL };
    call->op = &c->descriptor;
    call->record &= differentiable;
    return true;
}

static const cnn__op custom_op = { .name = "custom", .backward = custom_backward };

/* Writes the results, or nil to all. */
static void custom_all(const cnn_custom_op *op, cnn_tensor *const *inputs, int count, cnn_tensor **outputs,
                       int output_count, void *user)
{
    custom c = { .user = user };
    cnn__call call;
    bool done = cnn__call_begin(&call, &custom_op, count, inputs);
    call.results = output_count;
    done = done && read_op(&call, op, &c) && custom_apply(&call, &c);
    for (int j = 0; j < output_count; j++) {
        outputs[j] = done ? call.out[j] : call.nil;
    }
}

/* NULL: the operands may be looked at; else nil, reported. */
static cnn_tensor *refuse_operands(cnn_tensor *const *inputs, int count)
{
    return inputs && count >= 1 && count <= CNN__MAX_INPUTS
               ? NULL
               : cnn__current_fail(NULL, CNN_ERROR_INVALID_ARGUMENT, "custom: %d operands, expected 1 to %d",
                                   inputs ? count : 0, CNN__MAX_INPUTS);
}

cnn_tensor *cnn_custom(const cnn_custom_op *op, cnn_tensor *const *inputs, int count, void *user)
{
    cnn_tensor *y = refuse_operands(inputs, count);
    if (!y) {
        custom_all(op, inputs, count, &y, 1, user);
    }
    return y;
}

cnn_status cnn_custom_many(const cnn_custom_op *op, cnn_tensor *const *inputs, int count, cnn_tensor **outputs,
                           int output_count, void *user)
{
    cnn_tensor *y = refuse_operands(inputs, count);
    if (!y && (!outputs || output_count < 1 || output_count > CNN__MAX_OUTPUTS)) {
        y = cnn__current_fail(NULL, CNN_ERROR_INVALID_ARGUMENT, "custom: %d outputs, expected 1 to %d",
                              outputs ? output_count : 0, CNN__MAX_OUTPUTS);
    }
    for (int j = 0; y && outputs && j < output_count; j++) {
        outputs[j] = y;
    }
    if (!y) {
        custom_all(op, inputs, count, outputs, output_count, user);
        y = outputs[0];
    }
    return y->kind != CNN__TENSOR_NIL ? CNN_OK : y->tape ? cnn__step_report(y->tape) : cnn__failure_status();
}
