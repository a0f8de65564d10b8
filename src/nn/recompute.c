/* torch.utils.checkpoint: a module's forward that keeps only its input, and runs again when backward comes by. The
 * second forward is recorded behind the end of the list, walked down to there, and taken off again. */
#include "autograd/tape.h"
#include "nn/module.h"

typedef struct recompute_node {
    cnn_module *module;
    uint64_t draws; /* the draws of the step before the first forward */
} recompute_node;

/* The second forward of x, recorded. */
static cnn_tensor *recompute_forward(const recompute_node *r, cnn_tape *tape, cnn_tensor *x)
{
    cnn__step *step = cnn__step_of(tape);
    uint64_t draws = cnn__tape_draws(tape);
    bool recording = cnn_tape_set_recording(tape, true), recomputing = step->recomputing;
    step->recomputing = true;
    cnn__tape_set_draws(tape, r->draws);
    cnn_tensor *y = cnn_forward(r->module, x);
    cnn__tape_set_draws(tape, draws);
    step->recomputing = recomputing;
    cnn_tape_set_recording(tape, recording);
    return y;
}

/* Walks what the second forward has recorded behind `before`; parameters get their gradients, and x its own. */
static void recompute_walk(cnn_tape *tape, cnn__node *before, cnn_tensor *y, cnn_tensor *dy)
{
    cnn__backward_sum(tape, &y->grad, y, dy);
    cnn__backward_walk(tape, cnn__tape_last_node(tape), before, false);
    for (cnn__node *node = cnn__tape_last_node(tape); node && node != before; node = node->previous) {
        if (!node->done) {
            cnn__backward_release(node);
        }
    }
}

/* The module has computed nothing: its result is x or a parameter. */
static void recompute_pass_on(cnn__node *node, const cnn_tensor *x, const cnn_tensor *y, cnn_tensor *dy)
{
    for (int i = 0; i < node->count; i++) {
        if (i == 0 ? y == x : y->leaf && node->in[i]->leaf == y->leaf) {
            cnn__grad_add(node, i, dy);
        }
    }
}

static void recompute_backward(cnn__node *node, cnn_tensor *dy)
{
    const recompute_node *r = node->attributes;
    cnn_tape *tape = node->tape;
    const cnn__step *step = cnn__step_of(tape);
    if (step->capture) {
        cnn__tape_fail(tape, CNN_ERROR_UNSUPPORTED,
                       "grad: %s was run by cnn_forward_recomputed(), which cnn_backward() alone passes",
                       cnn_module_type(r->module));
        return;
    }
    cnn__node *before = cnn__tape_last_node(tape);
    cnn_tensor *x = cnn__tape_handle(tape, node->saved[0]);
    if (!x) {
        return;
    }
    x->requires_grad = cnn__wants(node, 0);
    cnn_tensor *y = recompute_forward(r, tape, x);
    if (step->status == CNN_OK && !y->node) {
        recompute_pass_on(node, x, y, dy);
    } else if (step->status == CNN_OK) {
        recompute_walk(tape, before, y, dy);
        cnn__grad_add(node, 0, x->grad);
    }
    if (x->grad) {
        x->grad->kept = false;
        cnn__tape_drop(x->grad);
    }
    cnn__tape_unlink(tape, before);
}

static const cnn__op recompute_op = { .name = "forward_recomputed", .backward = recompute_backward };

/* The input and the parameters that ask for a gradient: what the node depends on. Returns how many. */
static int recompute_inputs(const cnn_module *module, cnn_tensor *x, cnn_tensor **inputs)
{
    int count = 0;
    inputs[count++] = x;
    for (cnn__state s = cnn__state_begin(module); cnn__state_next(&s);) {
        if (s.is_parameter && s.tensor->requires_grad) {
            inputs[count++] = s.tensor;
        }
    }
    return count;
}

/* Puts the forward that gave y on the list as one operation. */
static cnn_tensor *recompute_record(cnn_module *module, cnn_tensor *x, cnn_tensor *y, uint64_t draws)
{
    const recompute_node r = { module, draws };
    cnn_tape *tape = x->tape;
    cnn__spec spec = { .kind = CNN__OUT_NEW };
    cnn__call call;
    cnn_tensor *result = cnn__tape_handle(tape, y);
    cnn_tensor **inputs =
        cnn__tape_arena(tape, (1 + (size_t)cnn_module_parameter_count(module)) * sizeof(cnn_tensor *));
    if (!result || !inputs || !cnn__call_begin(&call, &recompute_op, recompute_inputs(module, x, inputs), inputs)) {
        return cnn__tape_nil(tape);
    }
    call.spec = &spec;
    call.x = call.in;
    call.out[0] = result;
    if (call.record && !cnn__call_record(&call, &r, sizeof r, 1)) {
        return call.nil;
    }
    if (y != x) {
        cnn__tape_drop(y);
    }
    return result;
}

cnn_tensor *cnn_forward_recomputed(cnn_module *module, cnn_tensor *x)
{
    bool on_tape = x && x->kind == CNN__TENSOR_TAPE && cnn__tensor_check_current(x, "forward_recomputed") == CNN_OK;
    cnn_tape *tape = on_tape ? x->tape : NULL;
    if (!module || !tape || !cnn__tape_recording(tape) || cnn__tape_tracing(tape)) {
        return cnn_forward(module, x);
    }
    uint64_t draws = cnn__tape_draws(tape);
    cnn_tape_set_recording(tape, false);
    cnn_tensor *y = cnn_forward(module, x);
    cnn_tape_set_recording(tape, true);
    return y->kind == CNN__TENSOR_TAPE ? recompute_record(module, x, y, draws) : y;
}
