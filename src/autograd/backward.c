/* Reverse mode: the Wengert list is walked from the loss to its beginning, once, and each node turns the gradient of
 * its output into gradients of its inputs (Griewank & Walther, "Evaluating Derivatives", ch. 3).
 *
 * When a node is reached all uses of its output have been passed, so its gradient is complete and, once passed on, its
 * memory and that of the saved elements can serve the nodes that follow. */
#include "autograd/chain.h"
#include "autograd/running.h"

#include <stdio.h>
#include <string.h>

static const cnn__op backward_op = { .name = "backward" };

/* ---- gradients of inputs ---- */

static const cnn__capture *capture_of(const cnn_tape *tape)
{
    return cnn__step_of(tape)->capture;
}

bool cnn__wants(const cnn__node *node, int i)
{
    if (i >= node->count || !node->in[i] || !node->in[i]->requires_grad) {
        return false;
    }
    const cnn__capture *capture = capture_of(node->tape);
    return !capture || cnn__capture_needs(capture, node->in[i]);
}

/* As much of a call as making results needs. */
static void make_call(cnn__call *call, cnn_tape *tape)
{
    call->op = &backward_op;
    call->tape = tape;
    call->ctx = cnn__step_of(tape)->ctx;
    call->nil = cnn__tape_nil(tape);
}

cnn_tensor *cnn__grad_new(cnn_tape *tape, const cnn_tensor *like)
{
    cnn__call call;
    make_call(&call, tape);
    return cnn__result_like(&call, like->dtype, like);
}

cnn_tensor *cnn__grad_empty(cnn__node *node, int i)
{
    cnn_tensor *in = node->in[i], *plain = in->leaf;
    bool direct = plain && !capture_of(node->tape) && !plain->grad_pending && (!plain->grad || plain->grad_is_zero);
    if (direct && in->numel == plain->numel) {
        cnn_tensor *buffer = cnn__tensor_grad_buffer(plain);
        if (!buffer) {
            cnn__tape_fail(node->tape, CNN_ERROR_NO_MEMORY, "%s", cnn__failure_message());
            return NULL;
        }
        plain->grad_pending = true;
        cnn__tensor_written(buffer);
        return cnn__tape_handle(node->tape, buffer);
    }
    return cnn__grad_new(node->tape, in);
}

static bool add_into(cnn_tape *tape, cnn_tensor *sum, const cnn_tensor *a, const cnn_tensor *b)
{
    return cnn__run_elementwise(tape, "backward", CNN_KERNEL_BINARY, CNN_BINARY_ADD, NULL, 3,
                                (const cnn_tensor *const[]){ sum, a, b });
}

/* The sum of a gradient over the dimensions along which the operand was broadcast to its shape. */
static void sum_nests(cnn_reduce_parameters *p, const cnn_tensor *sum, const cnn_tensor *g)
{
    p->function = CNN_REDUCE_OF_SUM;
    p->outer.ndim = p->inner.ndim = 0;
    for (int d = 0; d < g->ndim; d++) {
        int own = d - (g->ndim - sum->ndim);
        bool summed = own < 0 || sum->shape[own] != g->shape[d];
        cnn__nest *nest = summed ? &p->inner : &p->outer;
        nest->shape[nest->ndim] = g->shape[d];
        nest->stride[0][nest->ndim] = summed ? 0 : sum->stride[own];
        nest->stride[1][nest->ndim++] = g->stride[d];
    }
}

static cnn_tensor *sum_to(cnn_tape *tape, const cnn_tensor *g, const cnn_tensor *like)
{
    cnn_tensor *sum = cnn__grad_new(tape, like);
    if (!sum || !sum->numel) {
        return sum;
    }
    cnn_reduce_parameters p;
    sum_nests(&p, sum, g);
    bool run = cnn__run_on(tape, "backward", CNN_KERNEL_REDUCE, &p, sizeof p, 2, (const cnn_tensor *const[]){ sum, g });
    return run ? sum : NULL;
}

static void add_to_leaf(cnn_tape *tape, cnn_tensor *plain, const cnn_tensor *g)
{
    cnn_tensor *buffer = cnn__tensor_grad_buffer(plain);
    if (!buffer) {
        cnn__tape_fail(tape, CNN_ERROR_NO_MEMORY, "%s", cnn__failure_message());
        return;
    }
    cnn__tensor_written(buffer);
    if (g->storage == buffer->storage) { /* it came from cnn__grad_empty and is in place already */
        plain->grad_pending = false;
        plain->grad_is_zero = false;
    } else if (plain->grad_is_zero) {
        plain->grad_is_zero = !cnn__run_copy(tape, "backward", buffer, g);
    } else {
        add_into(tape, buffer, buffer, g);
    }
}

/* The first gradient of a result is shared, not copied; a second one is added in place only where nobody else sees
 * it. */
void cnn__backward_sum(cnn_tape *tape, cnn_tensor **sum_of, const cnn_tensor *like, cnn_tensor *g)
{
    cnn_tensor *old = *sum_of;
    if (old) {
        cnn__chain_settle(tape, old);
        old->masked = false;
    }
    if (old == g) { /* it came from cnn__grad_so_far and is in place already */
        return;
    }
    if (old && cnn__contiguous(old) && cnn__grad_own(old)) {
        add_into(tape, old, old, g);
        return;
    }
    cnn_tensor *sum = old ? cnn__grad_new(tape, like) : cnn__tape_handle(tape, g);
    if (!sum) {
        return;
    }
    if (old) {
        add_into(tape, sum, old, g);
        cnn__tape_drop(old);
    }
    sum->kept = true;
    *sum_of = sum;
}

void cnn__grad_add(cnn__node *node, int i, cnn_tensor *gradient)
{
    const cnn__step *step = cnn__step_of(node->tape);
    if (!gradient || gradient->kind == CNN__TENSOR_NIL || step->status != CNN_OK || !cnn__wants(node, i)) {
        return;
    }
    if (step->anomaly && !cnn__anomaly_check_gradient(node, i, gradient)) {
        return;
    }
    cnn_tensor *target = node->in[i];
    if (!cnn__same_shape(gradient, target) && !(gradient = sum_to(node->tape, gradient, target))) {
        return;
    }
    if (!target->leaf) {
        cnn__backward_sum(node->tape, &target->grad, target, gradient);
    } else if (step->capture) {
        cnn__capture_add(step->capture, target, gradient);
    } else {
        add_to_leaf(node->tape, target->leaf, gradient);
    }
}

/* A backward that failed half way may have left gradients unwritten: they are the zeros that they were. */
static void forget_pending(const cnn__node *node)
{
    for (int i = 0; i < node->count; i++) {
        if (node->in[i] && node->in[i]->leaf && node->in[i]->leaf != cnn__chain_leaf(cnn__step_of(node->tape))) {
            node->in[i]->leaf->grad_pending = false;
        }
    }
}

/* Single launches have their messages, counts and checks where somebody watches, and what they cost on few elements. */
bool cnn__grad_products(cnn__node *node, cnn_tensor *dy)
{
    const cnn__step *step = cnn__step_of(node->tape);
    if (!dy->deferred && !cnn__chain_pays(step, dy)) {
        return false;
    }
    const int whole = cnn__same_shape(dy, node->in[0]) ? 0 : 1, other = 1 - whole;
    const bool both = cnn__wants(node, whole), dense = cnn__same_shape(dy, node->in[other]);
    const cnn_tensor *a = node->saved[whole], *b = node->saved[other];
    if (dense && cnn__same_shape(dy, node->in[whole]) && cnn__chain_product(node, dy)) {
        return true;
    }
    cnn__chain_settle(node->tape, dy);
    if (step->status != CNN_OK) {
        return true;
    }
    if (!cnn__same_shape(dy, node->in[whole]) || !cnn__wants(node, other) || (dense && !both) || !cnn__contiguous(a) ||
        (both && !cnn__contiguous(b))) {
        return false;
    }
    cnn_tensor *gradients[2] = { NULL };
    for (int i = 0; i < 2; i++) {
        if (cnn__wants(node, i) && !(gradients[i] = cnn__grad_empty(node, i))) {
            return true;
        }
    }
    cnn_reduce_parameters sums;
    sum_nests(&sums, gradients[other], dy);
    cnn__product_gradients g = {
        .count = dy->numel, .dy = cnn__data(dy), .a = cnn__data(a), .db = cnn__data(gradients[other])
    };
    if (both) {
        g.b = cnn__data(b);
        g.da = cnn__data(gradients[whole]);
    }
    g.sums = dense ? NULL : &sums;
    const bool done = cnn__map_product_gradients(step->ctx->kernels->array->maps, dy->dtype, &g, step->ctx->pool);
    for (int i = 0; i < 2; i++) {
        if (done) {
            cnn__grad_add(node, i, gradients[i]);
        } else if (gradients[i]) {
            cnn__tape_drop(gradients[i]);
        }
    }
    if (!done) {
        forget_pending(node);
    }
    return done;
}

bool cnn__grad_maskable(const cnn__node *node, int i)
{
    const cnn_tensor *in = node->in[i];
    const cnn__capture *capture = capture_of(node->tape);
    bool seen = in->retain_grad || in->hooks || (capture && cnn__captured(capture, in));
    return in->node && in->node->op->relu && !seen;
}

void cnn__grad_add_masked(cnn__node *node, int i, cnn_tensor *gradient)
{
    const cnn_tensor *target = node->in[i];
    bool whole = !target->grad || target->grad == gradient;
    cnn__grad_add(node, i, gradient);
    if (whole && target->grad) {
        target->grad->masked = true;
    }
}

cnn_tensor *cnn__grad_so_far(const cnn__node *node, int i)
{
    cnn_tensor *old = node->in[i]->grad;
    return old && cnn__contiguous(old) && cnn__grad_own(old) ? old : NULL;
}

bool cnn__grad_own(const cnn_tensor *gradient)
{
    return atomic_load(&gradient->storage->references) == 1;
}

cnn_tensor *cnn__grad_like(cnn__node *node, const cnn_tensor *gradient)
{
    return cnn__grad_new(node->tape, gradient);
}

cnn_tensor *cnn__grad_matrix(cnn__node *node, cnn_dtype dtype, int64_t rows, int64_t columns)
{
    cnn__call call;
    make_call(&call, node->tape);
    return cnn__result(&call, dtype, 2, (const int64_t[]){ rows, columns });
}

/* ---- the walk ---- */

static int saved_count(const cnn__node *node)
{
    return node->saved ? node->count + node->outputs + node->op->extras : 0;
}

void cnn__backward_release(cnn__node *node)
{
    for (int i = 0; i < saved_count(node); i++) {
        if (node->saved[i]) {
            cnn__tape_drop(node->saved[i]);
        }
    }
    node->done = true;
}

/* Hands the complete gradient of a result to whoever asked for it. */
static void retain(cnn_tape *tape, cnn_tensor *output, const cnn_tensor *dy)
{
    cnn_tensor *old = output->retained;
    cnn_tensor *kept = old ? cnn__grad_new(tape, output) : cnn__tape_handle(tape, dy);
    if (kept && old) {
        add_into(tape, kept, old, dy);
    }
    if (kept) {
        kept->kept = true;
        output->retained = kept;
    }
}

static bool is_read(const cnn__node *node, int saved)
{
    bool read = !node->op->reads;
    for (int i = 0; !read && i < node->count; i++) {
        read = node->op->reads[saved].by >> i & 1 && cnn__wants(node, i);
    }
    return read;
}

/* Are the elements that the node's gradients read those of the forward pass? */
static bool check_saved(const cnn__node *node)
{
    for (int i = 0; i < saved_count(node); i++) {
        const cnn_tensor *t = node->saved[i];
        if (!t || cnn__tensor_version(t) == t->version || !is_read(node, i)) {
            continue;
        }
        char operand[24], text[CNN__SHAPE_TEXT];
        const char *name = node->op->reads ? node->op->reads[i].name : NULL;
        snprintf(operand, sizeof operand, i < node->count ? "operand %d" : "result %d",
                 i < node->count ? i : i - node->count);
        cnn__tape_fail(node->tape, CNN_ERROR_STATE,
                       "backward: %s: %s of shape %s was written after the forward pass (version %u, expected %u)",
                       node->op->name, name ? name : operand, cnn__shape_text(text, t->ndim, t->shape),
                       cnn__tensor_version(t), t->version);
        return false;
    }
    return true;
}

/* Takes the complete gradient of a result, in row-major order, and hands it to whoever retains it. */
static bool take(cnn_tape *tape, cnn_tensor *output, cnn_tensor *dy, cnn_tensor **taken)
{
    cnn_tensor *dense = dy;
    if (!cnn__contiguous(dy) && (dense = cnn__grad_new(tape, dy)) != NULL &&
        !cnn__run_copy(tape, "backward", dense, dy)) {
        dense = NULL;
    }
    if (dense && output->hooks) {
        dense = cnn__hooks_run(output, dense);
    }
    if (dense && capture_of(tape)) {
        cnn__capture_add(capture_of(tape), output, dense);
    } else if (dense && output->retain_grad) {
        retain(tape, output, dense);
    }
    *taken = dense;
    return dense != NULL;
}

static bool take_all(cnn__node *node, cnn_tensor *const *dy)
{
    for (int j = 0; j < node->outputs; j++) {
        node->dy[j] = NULL;
        if (dy[j] && !take(node->tape, node->out[j], dy[j], &node->dy[j])) {
            return false;
        }
    }
    return true;
}

static void backward_pass(cnn_tape *tape, cnn__node *node, bool retain_graph)
{
    cnn_tensor *dy[CNN__MAX_OUTPUTS] = { NULL };
    cnn__mark mark = cnn__tape_mark(tape);
    for (int j = 0; j < node->outputs; j++) {
        if (node->out[j]) {
            dy[j] = node->out[j]->grad;
            node->out[j]->grad = NULL;
        }
    }
    const cnn__capture *capture = capture_of(tape);
    bool runs = !capture || node->reached; /* else it only hands over what is asked for of its results */
    if (node->done && runs) {
        cnn__tape_fail(tape, CNN_ERROR_STATE,
                       "backward: the graph behind %s was freed by an earlier backward, expected retain_graph there",
                       node->op->name);
        return;
    }
    if (runs && !check_saved(node)) {
        return;
    }
    cnn__profile_frame frame;
    cnn_profile *profile = cnn__step_of(tape)->ctx->profile;
    if (profile) {
        cnn__profile_enter(&frame, profile, cnn__profile_find(profile, node->module), true);
    }
    if (take_all(node, dy) && runs) {
        node->op->backward(node, node->dy[0]);
    }
    if (profile) {
        cnn__profile_leave(&frame, false);
    }
    if (!capture) {
        forget_pending(node);
    }
    cnn__tape_drop_since(tape, mark, NULL);
    for (int j = 0; j < node->outputs; j++) {
        if (dy[j]) {
            dy[j]->kept = false;
            cnn__tape_drop(dy[j]);
        }
    }
    cnn__scratch_done(tape);
    if (!retain_graph && runs) {
        cnn__backward_release(node);
    }
}

/* The seed: `grad` itself or ones. A tensor that somebody owns may be the gradient of a leaf, which changes on the
 * way. */
cnn_tensor *cnn__backward_seed(cnn_tensor *output, const cnn_tensor *grad)
{
    if (grad && !grad->owned) {
        return cnn__tape_handle(output->tape, grad);
    }
    cnn_tensor *first = cnn__grad_new(output->tape, output);
    bool written = first && (grad ? cnn__run_copy(output->tape, "backward", first, grad)
                                  : cnn__run_fill(output->tape, "backward", first, 1));
    return written ? first : NULL;
}

static bool has_gradient(const cnn__node *node)
{
    for (int j = 0; j < node->outputs; j++) {
        if (node->out[j] && node->out[j]->grad) {
            return true;
        }
    }
    return false;
}

void cnn__backward_walk(cnn_tape *tape, cnn__node *from, const cnn__node *end, bool retain_graph)
{
    const cnn__step *step = cnn__step_of(tape);
    const cnn__listener *listener = cnn__tape_listener(tape);
    bool walking = step->walking;
    cnn__chain chain, *outer = step->chain;
    chain.tail = NULL;
    cnn__step_of(tape)->walking = true;
    cnn__step_of(tape)->chain = listener->call || step->capture ? NULL : &chain;
    for (cnn__node *node = from; node && node != end && step->status == CNN_OK; node = node->previous) {
        if (has_gradient(node)) {
            backward_pass(tape, node, retain_graph);
        }
        if (listener->call && !step->capture) {
            cnn__final_passed(listener, node);
        }
    }
    cnn__chain_close(tape);
    cnn__step_of(tape)->walking = walking;
    cnn__step_of(tape)->chain = outer;
}

static void walk(cnn_tensor *output, const cnn_tensor *grad, bool retain_graph)
{
    cnn_tape *tape = output->tape;
    bool recording = cnn_tape_set_recording(tape, false);
    cnn_tensor *first = cnn__backward_seed(output, grad);
    if (first) {
        first->kept = true;
        output->grad = first;
    }
    if (cnn__tape_listener(tape)->call) {
        cnn__final_prepare(output);
    }
    cnn__backward_walk(tape, output->node, NULL, retain_graph);
    cnn_tape_set_recording(tape, recording);
}

static cnn_status backward_fail(const char *call, const cnn_tensor *output, cnn_status status, const char *message)
{
    cnn__tape_fail(output->tape, status, "%s: %s", call, message);
    return cnn__step_report(output->tape);
}

/* A leaf itself has no node: its gradient is the seed. */
static void backward_leaf(cnn_tensor *leaf, const cnn_tensor *grad)
{
    cnn_tensor *first = cnn__backward_seed(leaf, grad);
    if (first) {
        const cnn__listener *listener = cnn__tape_listener(leaf->tape);
        add_to_leaf(leaf->tape, leaf->leaf, first);
        if (listener->call) {
            cnn__final_tell(listener, leaf->tape, leaf->leaf);
        }
    }
}

/* There is no result to begin at: its tape's step fails, or the one that counts now, unless that has failed already. */
static cnn_status no_result(const cnn_tensor *output)
{
    cnn_status status = cnn__tensor_check(output, "backward");
    cnn_tape *own =
        output && output->kind != CNN__TENSOR_PLAIN && status != CNN_ERROR_INVALID_ARGUMENT ? output->tape : NULL;
    if (status == CNN_OK) {
        status = cnn__fail(output->ctx, CNN_ERROR_STATE, "backward: the tensor is on no tape, expected a result");
    }
    cnn_tape *tape = own ? own : cnn__current_tape(output && output->kind == CNN__TENSOR_PLAIN ? output->ctx : NULL);
    if (tape) {
        cnn__tape_fail(tape, status, "%s", cnn__failure_message());
        cnn__tape_blame(tape, (cnn_tensor *)(uintptr_t)output);
        status = cnn__step_report(tape);
    }
    return status;
}

cnn_status cnn__backward_check(const char *call, cnn_tensor *output, const cnn_tensor *grad)
{
    if (grad && cnn__tensor_check(grad, call) != CNN_OK) {
        cnn__tape_fail(output->tape, cnn__failure_status(), "%s", cnn__failure_message());
        return cnn__step_report(output->tape);
    }
    if (!output->requires_grad) {
        return backward_fail(call, output, CNN_ERROR_STATE,
                             "the tensor depends on none that requires a gradient, or recording is off");
    }
    if (grad && (grad->ctx != output->ctx || (grad->kind == CNN__TENSOR_TAPE && grad->tape != output->tape))) {
        return backward_fail(call, output, CNN_ERROR_STATE,
                             grad->ctx != output->ctx ? "the gradient given is of another context"
                                                      : "the gradient given is a result on another tape");
    }
    if (grad && (grad->dtype != output->dtype || !cnn__same_shape(grad, output))) {
        char given[CNN__SHAPE_TEXT], expected[CNN__SHAPE_TEXT];
        cnn__tape_fail(output->tape, CNN_ERROR_SHAPE, "%s: the gradient given is %s %s, expected %s %s", call,
                       cnn_dtype_name(grad->dtype), cnn__shape_text(given, grad->ndim, grad->shape),
                       cnn_dtype_name(output->dtype), cnn__shape_text(expected, output->ndim, output->shape));
        return cnn__step_report(output->tape);
    }
    return CNN_OK;
}

static cnn_status backward(cnn_tensor *output, const cnn_tensor *grad, bool retain_graph, bool scalar)
{
    if (!output || output->kind != CNN__TENSOR_TAPE || cnn__tensor_check(output, "backward") != CNN_OK) {
        return no_result(output);
    }
    cnn_tape *tape = output->tape;
    const cnn__step *step = cnn__step_of(tape);
    const cnn__running *running = cnn__running_on(tape, CNN__RUNNING_OPERATION);
    cnn__step_check_device(tape);
    if (running) {
        cnn__tape_fail(tape, CNN_ERROR_STATE, "backward: called inside %s %s, which works on this tape", running->part,
                       running->name);
    } else if (step->status == CNN_OK && scalar && output->numel != 1) {
        char text[CNN__SHAPE_TEXT];
        cnn__tape_fail(tape, CNN_ERROR_SHAPE, "backward: the loss has shape %s, expected one element",
                       cnn__shape_text(text, output->ndim, output->shape));
    }
    if (step->status != CNN_OK) {
        return cnn__step_report(tape);
    }
    cnn_status status = cnn__backward_check("backward", output, grad);
    if (status != CNN_OK) {
        return status;
    }
    if (output->node) {
        walk(output, grad, retain_graph);
    } else {
        backward_leaf(output, grad);
    }
    return step->status == CNN_OK ? CNN_OK : cnn__step_report(tape);
}

cnn_status cnn_backward_with(cnn_tensor *output, const cnn_tensor *grad, bool retain_graph)
{
    return backward(output, grad, retain_graph, false);
}

cnn_status cnn_backward(cnn_tensor *loss)
{
    return backward(loss, NULL, false, true);
}

cnn_status cnn_retain_grad(cnn_tensor *tensor)
{
    if (cnn__tensor_check(tensor, "retain_grad") != CNN_OK) {
        return cnn__failure_status();
    }
    if (!tensor->requires_grad) {
        return cnn__fail(tensor->ctx, CNN_ERROR_STATE, "retain_grad: the tensor does not require a gradient");
    }
    tensor->retain_grad = tensor->kind == CNN__TENSOR_TAPE;
    return CNN_OK;
}
