/* Callbacks that see the gradient of a result on its way and may replace it. They are in the tape's arena and end with
 * the step. */
#include "autograd/running.h"
#include "autograd/tape.h"

#include <cnn/autograd.h>

struct cnn__hook {
    struct cnn__hook *next;
    cnn_hook_fn call;
    void *user;
};

/* What a callback returned must be able to take the gradient's place. */
static cnn_tensor *hook_check(const cnn_tensor *result, cnn_tensor *returned)
{
    cnn_tape *tape = result->tape;
    const char *name = result->node->op->name;
    if (cnn__step_of(tape)->status != CNN_OK) {
        return NULL;
    }
    if (returned->kind != CNN__TENSOR_TAPE || returned->tape != tape ||
        returned->generation != cnn__step_of(tape)->generation || !returned->storage) {
        cnn__tape_fail(tape, CNN_ERROR_STATE, "backward: the hook of a result of %s returned no tensor of this step",
                       name);
        return NULL;
    }
    if (returned->dtype != result->dtype || !cnn__same_shape(returned, result)) {
        char given[CNN__SHAPE_TEXT], expected[CNN__SHAPE_TEXT];
        cnn__tape_fail(tape, CNN_ERROR_SHAPE, "backward: the hook of a result of %s returned %s %s, expected %s %s",
                       name, cnn_dtype_name(returned->dtype), cnn__shape_text(given, returned->ndim, returned->shape),
                       cnn_dtype_name(result->dtype), cnn__shape_text(expected, result->ndim, result->shape));
        return NULL;
    }
    cnn__call call = { .op = result->node->op, .tape = tape, .ctx = cnn__step_of(tape)->ctx, .in = &returned };
    return cnn__call_contiguous(&call, 0);
}

cnn_tensor *cnn__hooks_run(const cnn_tensor *result, cnn_tensor *gradient)
{
    for (const struct cnn__hook *h = result->hooks; h && gradient; h = h->next) {
        cnn__running running = { .tape = result->tape, .part = "the hook of", .name = result->node->op->name };
        cnn__running_enter(&running);
        cnn_tensor *returned = h->call(gradient, h->user);
        cnn__running_leave(&running);
        if (cnn__step_of(result->tape)->status != CNN_OK) {
            return NULL;
        }
        gradient = returned && returned != gradient ? hook_check(result, returned) : gradient;
    }
    return gradient;
}

cnn_status cnn_register_hook(cnn_tensor *tensor, cnn_hook_fn hook, void *user)
{
    if (cnn__tensor_check(tensor, "register_hook") != CNN_OK) {
        return cnn__failure_status();
    }
    if (!hook) {
        return cnn__fail(tensor->ctx, CNN_ERROR_INVALID_ARGUMENT, "register_hook: hook is NULL");
    }
    if (tensor->kind != CNN__TENSOR_TAPE || !tensor->node || !tensor->requires_grad) {
        return cnn__fail(tensor->ctx, CNN_ERROR_STATE,
                         "register_hook: the tensor %s, expected the result of an operation that requires a gradient",
                         tensor->kind == CNN__TENSOR_TAPE && tensor->node ? "requires no gradient" : "is no result");
    }
    struct cnn__hook *made = cnn__tape_arena(tensor->tape, sizeof *made);
    if (!made) {
        return cnn__step_report(tensor->tape);
    }
    *made = (struct cnn__hook){ NULL, hook, user };
    struct cnn__hook **end = &tensor->hooks;
    while (*end) {
        end = &(*end)->next;
    }
    *end = made;
    return CNN_OK;
}
