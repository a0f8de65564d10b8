/* One application of an operation: finding its tape, checking its inputs, putting it on the list. */
#include "autograd/running.h"
#include "autograd/tape.h"

#include <stdarg.h>
#include <string.h>

/* ---- entering a tape ---- */

/* A handle for a plain tensor in this step. Only a leaf that will receive a gradient must be held itself, and
 * in a trace, which is read when the step is over, all of them. */
static cnn_tensor *wrap(cnn_tape *tape, cnn_tensor *plain)
{
    cnn_tensor *t = cnn__tape_handle(tape, plain);
    bool wants = plain->requires_grad && cnn__tape_recording(tape);
    if (t && (wants || cnn__tape_tracing(tape))) {
        t->requires_grad = wants;
        t->leaf = cnn__tensor_retain(plain);
    }
    return t;
}

static bool is_on(const cnn_tensor *t, const cnn_tape *tape)
{
    return t && t->kind == CNN__TENSOR_TAPE && t->tape == tape;
}

/* Returns the tensor's handle in this step; NULL where there is none, and then the tape has failed. */
static cnn_tensor *call_enter(cnn_tape *tape, cnn_tensor *tensor)
{
    if (cnn__step_of(tape)->generation == 0) {
        cnn__tape_fail(tape, CNN_ERROR_STATE, "input: the tape has no step yet, expected cnn_tape_begin() first");
        return NULL;
    }
    if (cnn__tensor_check_current(tensor, "input") != CNN_OK) {
        cnn__tape_fail(tape, cnn__failure_status(), "%s", cnn__failure_message());
        return NULL;
    }
    if (tensor->kind == CNN__TENSOR_TAPE && !is_on(tensor, tape)) {
        cnn__tape_fail(tape, CNN_ERROR_STATE, "input: the tensor is a result on another tape");
        return NULL;
    }
    if (tensor->ctx != cnn__step_of(tape)->ctx) {
        cnn__tape_fail(tape, CNN_ERROR_STATE, "input: the tensor is of another context than the tape");
        return NULL;
    }
    return is_on(tensor, tape) ? tensor : wrap(tape, tensor);
}

cnn_tensor *cnn_input(cnn_tape *tape, cnn_tensor *tensor)
{
    if (!tape) {
        cnn_tape *current = cnn__current_tape(NULL);
        cnn_tensor *nil = cnn__found_fail(current, NULL, CNN_ERROR_INVALID_ARGUMENT, "input: tape is NULL");
        cnn__tape_blame(current, tensor);
        return nil;
    }
    cnn_tensor *t = cnn__step_of(tape)->status == CNN_OK ? call_enter(tape, tensor) : NULL;
    if (!t) {
        cnn__tape_blame(tape, tensor);
    }
    return t ? t : cnn__tape_nil(tape);
}

/* ---- beginning ---- */

cnn_tensor *cnn__call_fail(cnn__call *call, cnn_status status, const char *format, ...)
{
    char message[CNN__MESSAGE_SIZE];
    va_list arguments;
    va_start(arguments, format);
    cnn__message_list(message, sizeof message, format, arguments);
    va_end(arguments);
    if (call->tape) {
        return cnn__tape_fail(call->tape, status, "%s: %s", call->op->name, message);
    }
    cnn__fail(call->ctx, status, "%s: %s", call->op->name, message);
    return call->nil;
}

cnn_tensor *cnn__call_fail_newest(cnn__call *call)
{
    return !call->tape ? call->nil : cnn__tape_fail(call->tape, cnn__failure_status(), "%s", cnn__failure_message());
}

/* Whether t is a result of the step that this tape is at, and not dropped. Almost every operand is. */
static inline bool is_current(const cnn_tensor *t, const cnn_tape *tape)
{
    return is_on(t, tape) && t->generation == cnn__step_of(tape)->generation && t->storage;
}

static bool is_past(const cnn_tensor *t)
{
    return t->generation != cnn__step_of(t->tape)->generation;
}

/* The tape is that of the operands that are results of its step; else that of a nil operand, of a result of a past
 * step, or of the module's forward that is running. */
static void find_tape(cnn__call *call, cnn_tensor *const *inputs)
{
    cnn_tape *nil = NULL, *past = NULL;
    call->tape = NULL;
    call->ctx = NULL;
    for (int i = 0; i < call->count; i++) {
        const cnn_tensor *t = inputs[i];
        bool result = t && t->kind == CNN__TENSOR_TAPE;
        if (result && !is_past(t)) {
            call->tape = t->tape;
            break;
        }
        past = result && !past ? t->tape : past;
        nil = t && t->kind == CNN__TENSOR_NIL && !nil ? t->tape : nil;
        call->ctx = t && !call->ctx && (result || t->kind == CNN__TENSOR_PLAIN) ? t->ctx : call->ctx;
    }
    if (!call->tape) {
        cnn_tape *other = nil ? nil : past ? past : cnn__running_tape();
        call->tape = other && (!call->ctx || cnn__step_of(other)->ctx == call->ctx) ? other : NULL;
    }
    call->ctx = call->tape ? cnn__step_of(call->tape)->ctx : call->ctx;
    call->nil = cnn__tape_nil(call->tape);
}

static bool call_check_input(cnn__call *call, int i, const cnn_tensor *t)
{
    if (!t) {
        if (!(call->op->optional >> i & 1)) {
            cnn__call_fail(call, CNN_ERROR_INVALID_ARGUMENT, "operand %d is NULL", i);
        }
        return call->op->optional >> i & 1;
    }
    if (t->kind == CNN__TENSOR_NIL) { /* it is on no tape and in no step: what failed has said why */
        if (call->tape) {
            cnn__call_fail(call, CNN_ERROR_STATE, "operand %d is the result of a failed operation", i);
        }
        return false;
    }
    if (cnn__tensor_check_current(t, call->op->name) != CNN_OK) {
        cnn__call_fail_newest(call);
        return false;
    }
    if (call->tape && (t->ctx != call->ctx || (t->kind == CNN__TENSOR_TAPE && t->tape != call->tape))) {
        const char *there = cnn_context_device(t->ctx), *here = cnn_context_device(call->ctx);
        if (strcmp(there, here) != 0) {
            cnn__call_fail(call, CNN_ERROR_DEVICE, "operand %d is of another context, on the device %s, expected %s", i,
                           there, here);
        } else {
            cnn__call_fail(call, CNN_ERROR_STATE, "operand %d is %s", i,
                           t->ctx != call->ctx ? "of another context" : "a result on another tape");
        }
        return false;
    }
    return true;
}

static bool call_check_inputs(cnn__call *call, cnn_tensor *const *inputs)
{
    for (int i = 0; i < call->count; i++) {
        if (!call_check_input(call, i, inputs[i])) {
            return false;
        }
    }
    return true;
}

/* Checks the operands and turns plain ones into handles of the step. */
static bool enter_operands(cnn__call *call, cnn_tensor *const *inputs)
{
    unsigned wanted = 0;
    call->in = cnn__tape_arena(call->tape, (size_t)call->count * sizeof *call->in);
    for (int i = 0; call->in && i < call->count; i++) {
        cnn_tensor *t = inputs[i];
        if (!is_current(t, call->tape)) {
            bool usable = call_check_input(call, i, t), plain = t && t->kind == CNN__TENSOR_PLAIN;
            if (!usable || (plain && !(t = wrap(call->tape, t)))) {
                return false;
            }
        }
        call->in[i] = t;
        wanted |= (unsigned)(t && t->requires_grad) << i % 32;
    }
    call->wanted = wanted;
    call->record = wanted && call->op->backward && cnn__tape_recording(call->tape);
    return call->in != NULL;
}

/* What the operation would have used belongs to the failed step; so do the steps of the results among it. */
static void call_blame(const cnn__call *call, cnn_tensor *const *inputs)
{
    for (int i = 0; i < call->count; i++) {
        const cnn_tensor *t = inputs[i];
        cnn__tape_blame(call->tape, inputs[i]);
        if (t && t->kind == CNN__TENSOR_TAPE && t->tape != call->tape && !is_past(t)) {
            cnn__tape_fail(t->tape, cnn__step_of(call->tape)->status, "%s", cnn__step_of(call->tape)->message);
        }
    }
}

/* No operand leads to a tape: the operation fails, and so does the step that it counts for. */
static void call_refuse(cnn__call *call, cnn_tensor *const *inputs)
{
    cnn_tape *tape = cnn__current_tape(call->ctx);
    call->tape = tape;
    call->nil = cnn__tape_nil(tape);
    if ((!tape || cnn__step_of(tape)->status == CNN_OK) && call_check_inputs(call, inputs)) {
        cnn__call_fail(call, CNN_ERROR_STATE, "no operand is on a tape, expected one from cnn_input()");
    }
    for (int i = 0; i < call->count; i++) {
        cnn__tape_blame(tape, inputs[i]);
    }
}

bool cnn__call_begin(cnn__call *call, const cnn__op *op, int count, cnn_tensor *const *inputs)
{
    call->op = op;
    call->count = count;
    call->results = op->outputs ? op->outputs : 1;
    call->in = call->x = NULL;
    call->spec = NULL;
    call->wanted = 0;
    call->record = call->computes = call->differentiable = false;
    for (int j = 0; j < CNN__MAX_OUTPUTS; j++) {
        call->out[j] = NULL;
    }
    find_tape(call, inputs);
    if (!call->tape) {
        call_refuse(call, inputs);
        return false;
    }
    if (call->ctx->device) {
        cnn__step_check_device(call->tape);
    }
    bool begun = cnn__step_of(call->tape)->status == CNN_OK && enter_operands(call, inputs);
    if (!begun) {
        call_blame(call, inputs);
    }
    return begun;
}

/* ---- checks ---- */

bool cnn__call_real(cnn__call *call, int i)
{
    const cnn_tensor *t = call->in[i];
    bool real = cnn__dtype_is_real(t->dtype);
    if (!real) {
        cnn__call_fail(call, CNN_ERROR_DTYPE, "operand %d is %s, expected " CNN__REAL_DTYPES, i,
                       cnn_dtype_name(t->dtype));
    }
    return real;
}

bool cnn__call_same_dtype(cnn__call *call, int n)
{
    for (int i = 1; i < n; i++) {
        if (call->in[i] && call->in[i]->dtype != call->in[0]->dtype) {
            cnn__call_fail(call, CNN_ERROR_DTYPE, "operand %d is %s, expected %s like operand 0", i,
                           cnn_dtype_name(call->in[i]->dtype), cnn_dtype_name(call->in[0]->dtype));
            return false;
        }
    }
    return true;
}

cnn_tensor *cnn__call_contiguous(cnn__call *call, int i)
{
    cnn_tensor *t = call->in[i];
    if (cnn__contiguous(t)) {
        return t;
    }
    cnn_tensor *copy = cnn__result(call, t->dtype, t->ndim, t->shape);
    return copy && cnn__run_copy(call->tape, call->op->name, copy, t) ? copy : NULL;
}
