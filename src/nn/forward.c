/* Running a module. What its forward made on the tape is dropped when it returns, except the result, so that only what
 * backward needs stays alive; a module is not changed by it. */
#include "autograd/tape.h"
#include "nn/module.h"

static const cnn__step *step_of(const cnn_tape *tape)
{
    return (const cnn__step *)(const void *)tape;
}

static cnn_status check(const cnn_module *module, const cnn_tensor *x)
{
    if (!module) {
        return cnn__fail(x ? x->ctx : NULL, CNN_ERROR_INVALID_ARGUMENT, "forward: module is NULL");
    }
    cnn_status status = cnn__tensor_check(x, "forward");
    if (status != CNN_OK) {
        return status;
    }
    CNN__KNOWN(x != NULL);
    if (x->kind != CNN__TENSOR_TAPE) {
        return cnn__fail(x->ctx, CNN_ERROR_STATE, "forward: the input of %s is on no tape, expected one from cnn_input()",
                         cnn_module_type(module));
    }
    if (x->ctx != module->ctx) {
        return cnn__fail(x->ctx, CNN_ERROR_STATE, "forward: the input is of another context than %s",
                         cnn_module_type(module));
    }
    return CNN_OK;
}

/* What a forward of the user's may hand back by mistake. */
static cnn_status check_result(const cnn_module *module, const cnn_tape *tape, uint64_t generation, const cnn_tensor *y)
{
    const char *type = cnn_module_type(module);
    cnn_context *ctx = module->ctx;
    if (step_of(tape)->generation != generation) {
        return cnn__fail(ctx, CNN_ERROR_STATE, "forward: %s began another step on the tape of its input", type);
    }
    if (!y) {
        return cnn__fail(ctx, CNN_ERROR_CALLBACK, "forward: %s returned NULL, expected a tensor", type);
    }
    if (y->kind == CNN__TENSOR_PLAIN || (y->kind == CNN__TENSOR_TAPE && y->tape != tape)) {
        return cnn__fail(ctx, CNN_ERROR_STATE, "forward: %s returned a tensor on %s, expected a result of this step", type,
                         y->kind == CNN__TENSOR_PLAIN ? "no tape" : "another tape");
    }
    return cnn__tensor_check(y, "forward");
}

cnn_tensor *cnn_forward(cnn_module *module, cnn_tensor *x)
{
    if (x && x->kind == CNN__TENSOR_NIL) {
        return x;
    }
    cnn_tape *tape = x && x->kind == CNN__TENSOR_TAPE ? x->tape : NULL;
    if (check(module, x) != CNN_OK) {
        return tape ? cnn__tape_fail(tape, cnn__failure_status(), "%s", cnn__failure_message()) : cnn__tape_nil(NULL);
    }
    CNN__KNOWN(tape != NULL);
    if (step_of(tape)->status != CNN_OK) {
        return cnn__tape_nil(tape);
    }
    uint64_t generation = step_of(tape)->generation;
    cnn__mark mark = cnn__tape_mark(tape);
    cnn_tensor *y = module->class->forward(module, x);
    if (step_of(tape)->status != CNN_OK) {
        return cnn__tape_nil(tape);
    }
    if (check_result(module, tape, generation, y) != CNN_OK) {
        return cnn__tape_fail(tape, cnn__failure_status(), "%s", cnn__failure_message());
    }
    cnn__tape_drop_since(tape, mark, y);
    return y;
}
