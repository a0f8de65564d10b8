/* torch.autograd.grad: a backward that hands the gradients of chosen tensors to the caller. While it runs, the step
 * points to what is captured; the walk is that of backward.c, which asks here what is needed, and leaves get nothing.
 * Nothing is written to a tensor that is not of the tape, so that several tapes may take gradients of one parameter. */
#include "autograd/running.h"
#include "autograd/tape.h"

#include <cnn/autograd.h>

/* One tensor that is asked for, and the first of the inputs that name it. */
typedef struct grad_wanted {
    const cnn_tensor *key;
    int place;
} grad_wanted;

struct cnn__capture {
    cnn_tape *tape;
    int count;
    const grad_wanted *wanted; /* sorted by key */
    cnn_tensor **sums;         /* by place; NULL: nothing yet */
};

/* ---- what is wanted ---- */

/* A parameter enters a step by many handles, which are all the same tensor. */
static const cnn_tensor *grad_key(const cnn_tensor *t)
{
    return t->leaf ? t->leaf : t;
}

static bool grad_precedes(grad_wanted a, grad_wanted b)
{
    uintptr_t p = (uintptr_t)a.key, q = (uintptr_t)b.key;
    return p != q ? p < q : a.place < b.place;
}

/* Shell's sort, because qsort() may allocate. */
static void grad_sort(grad_wanted *wanted, int count)
{
    for (int gap = count / 2; gap > 0; gap /= 2) {
        for (int i = gap; i < count; i++) {
            grad_wanted moving = wanted[i];
            int k = i;
            for (; k >= gap && grad_precedes(moving, wanted[k - gap]); k -= gap) {
                wanted[k] = wanted[k - gap];
            }
            wanted[k] = moving;
        }
    }
}

/* The place of the first input that is t; −1: it is none. */
static int grad_find(const cnn__capture *c, const cnn_tensor *t)
{
    uintptr_t key = (uintptr_t)grad_key(t);
    int low = 0;
    for (int high = c->count; low < high;) {
        int middle = low + (high - low) / 2;
        if ((uintptr_t)c->wanted[middle].key < key) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low < c->count && (uintptr_t)c->wanted[low].key == key ? c->wanted[low].place : -1;
}

bool cnn__captured(const cnn__capture *capture, const cnn_tensor *t)
{
    return grad_find(capture, t) >= 0;
}

bool cnn__capture_needs(const cnn__capture *capture, const cnn_tensor *t)
{
    return (t->node && t->node->reached) || cnn__captured(capture, t);
}

void cnn__capture_add(const cnn__capture *capture, const cnn_tensor *t, cnn_tensor *gradient)
{
    int place = grad_find(capture, t);
    if (place >= 0) {
        cnn__backward_sum(capture->tape, &capture->sums[place], t, gradient);
    }
}

/* The list from its other end; returns the new beginning. */
static cnn__node *grad_reverse(cnn__node *last)
{
    cnn__node *before = NULL;
    for (cnn__node *node = last, *next; node; node = next) {
        next = node->previous;
        node->previous = before;
        before = node;
    }
    return before;
}

/* Marks the nodes that a wanted tensor leads to: a walk passes these alone. */
static void grad_mark(const cnn__capture *c)
{
    cnn__node *first = grad_reverse(cnn__tape_last_node(c->tape));
    for (cnn__node *node = first; node; node = node->previous) {
        node->reached = false;
        for (int i = 0; i < node->count && !node->reached; i++) {
            const cnn_tensor *in = node->in[i];
            node->reached = in && in->requires_grad && cnn__capture_needs(c, in);
        }
    }
    grad_reverse(first);
}

/* ---- the walk ---- */

typedef struct grad_call {
    cnn_tensor *const *outputs;
    int output_count;
    cnn_tensor *const *inputs;
    int input_count;
    cnn_tensor **grads;
    cnn_grad_options options;
} grad_call;

static const cnn_tensor *grad_given(const grad_call *g, int i)
{
    return g->options.grad_outputs ? g->options.grad_outputs[i] : NULL;
}

static void grad_begin(const grad_call *g, const cnn__capture *c)
{
    for (int i = 0; i < g->output_count; i++) {
        cnn_tensor *output = g->outputs[i], *first = cnn__backward_seed(output, grad_given(g, i));
        if (first && output->node) {
            cnn__backward_sum(c->tape, &output->grad, output, first);
        } else if (first) {
            cnn__capture_add(c, output, first);
        }
    }
}

/* Whoever reads a gradient expects its elements in row-major order. */
static cnn_tensor *grad_dense(cnn__call *call, cnn_tensor *sum)
{
    if (cnn__contiguous(sum)) {
        return sum;
    }
    cnn_tensor *dense = cnn__result(call, sum->dtype, sum->ndim, sum->shape);
    bool copied = dense && cnn__run_copy(call->tape, "grad", dense, sum);
    if (copied) {
        dense->kept = true;
    }
    return copied ? dense : NULL;
}

static void grad_finish(const grad_call *g, const cnn__capture *c)
{
    static const cnn__op grad_op = { .name = "grad" };
    cnn__call call = { .op = &grad_op, .tape = c->tape, .ctx = cnn__step_of(c->tape)->ctx };
    const cnn__step *step = cnn__step_of(c->tape);
    for (int i = 0; i < g->input_count && step->status == CNN_OK; i++) {
        const cnn_tensor *input = g->inputs[i];
        cnn_tensor *sum = c->sums[grad_find(c, input)];
        char text[CNN__SHAPE_TEXT];
        if (!sum && !g->options.allow_unused) {
            cnn__tape_fail(c->tape, CNN_ERROR_STATE,
                           "grad: no output depends on inputs[%d], of shape %s, expected allow_unused there", i,
                           cnn__shape_text(text, input->ndim, input->shape));
        }
        g->grads[i] = sum ? grad_dense(&call, sum) : NULL;
    }
}

static void grad_walk(const grad_call *g, cnn_tape *tape, grad_wanted *wanted, cnn_tensor **sums)
{
    cnn__capture c = { .tape = tape, .count = g->input_count, .wanted = wanted, .sums = sums };
    bool recording = cnn_tape_set_recording(tape, false);
    for (int i = 0; i < c.count; i++) {
        wanted[i] = (grad_wanted){ grad_key(g->inputs[i]), i };
        sums[i] = NULL;
    }
    grad_sort(wanted, c.count);
    grad_mark(&c);
    cnn__step_of(tape)->capture = &c;
    grad_begin(g, &c);
    cnn__backward_walk(tape, cnn__tape_last_node(tape), NULL, g->options.retain_graph);
    cnn__step_of(tape)->capture = NULL;
    grad_finish(g, &c);
    cnn_tape_set_recording(tape, recording);
}

/* ---- checks ---- */

static cnn_status grad_fail(cnn_tape *tape, cnn_status status, const char *message, int i)
{
    cnn__tape_fail(tape, status, message, i);
    return cnn__step_report(tape);
}

static cnn_status grad_check_output(const grad_call *g, cnn_tape *tape, int i)
{
    cnn_tensor *output = g->outputs[i];
    const cnn_tensor *given = grad_given(g, i);
    if (cnn__tensor_check(output, "grad") != CNN_OK) {
        cnn__tape_fail(tape, cnn__failure_status(), "%s", cnn__failure_message());
        return cnn__step_report(tape);
    }
    if (output->kind != CNN__TENSOR_TAPE || output->tape != tape) {
        return grad_fail(tape, CNN_ERROR_STATE, "grad: outputs[%d] is no result on the tape of outputs[0]", i);
    }
    if (!given && output->numel != 1) {
        char text[CNN__SHAPE_TEXT];
        cnn__tape_fail(tape, CNN_ERROR_SHAPE,
                       "grad: outputs[%d] has shape %s, expected one element or an element of grad_outputs", i,
                       cnn__shape_text(text, output->ndim, output->shape));
        return cnn__step_report(tape);
    }
    return cnn__backward_check("grad", output, given);
}

static cnn_status grad_check_input(const grad_call *g, cnn_tape *tape, int i)
{
    const cnn_tensor *input = g->inputs[i];
    if (cnn__tensor_check(input, "grad") != CNN_OK) {
        cnn__tape_fail(tape, cnn__failure_status(), "%s", cnn__failure_message());
        return cnn__step_report(tape);
    }
    if (input->ctx != cnn__step_of(tape)->ctx || (input->kind == CNN__TENSOR_TAPE && input->tape != tape)) {
        return grad_fail(tape, CNN_ERROR_STATE, "grad: inputs[%d] is of another context or a result on another tape",
                         i);
    }
    return input->requires_grad ? CNN_OK
                                : grad_fail(tape, CNN_ERROR_STATE, "grad: inputs[%d] does not require a gradient", i);
}

static cnn_status grad_check(const grad_call *g, cnn_tape *tape)
{
    const cnn__running *running = cnn__running_on(tape, CNN__RUNNING_OPERATION);
    cnn__step_check_device(tape);
    if (running) {
        cnn__tape_fail(tape, CNN_ERROR_STATE, "grad: called inside %s %s, which works on this tape", running->part,
                       running->name);
    }
    cnn_status status = cnn__step_of(tape)->status == CNN_OK ? CNN_OK : cnn__step_report(tape);
    for (int i = 0; i < g->output_count && status == CNN_OK; i++) {
        status = grad_check_output(g, tape, i);
    }
    for (int i = 0; i < g->input_count && status == CNN_OK; i++) {
        status = grad_check_input(g, tape, i);
    }
    return status;
}

/* The step that the first output belongs to; NULL: it is none, which is reported. */
static cnn_tape *grad_tape(const grad_call *g)
{
    const cnn_tensor *first = g->output_count > 0 && g->outputs ? g->outputs[0] : NULL;
    bool whole = first && g->inputs && g->grads && g->input_count > 0;
    cnn_tape *tape = first && first->kind != CNN__TENSOR_PLAIN ? first->tape : NULL;
    if (whole && tape) {
        return tape;
    }
    tape = tape ? tape : cnn__current_tape(NULL);
    cnn__found_fail(tape, NULL, whole ? CNN_ERROR_STATE : CNN_ERROR_INVALID_ARGUMENT, "grad: %s",
                    whole                 ? "outputs[0] is on no tape, expected a result"
                    : g->output_count < 1 ? "output_count is below 1"
                    : g->input_count < 1  ? "input_count is below 1"
                    : !first              ? "outputs is NULL, or its first element"
                    : !g->inputs          ? "inputs is NULL"
                                          : "grads is NULL");
    return NULL;
}

cnn_status cnn_grad(cnn_tensor *const *outputs, int output_count, cnn_tensor *const *inputs, int input_count,
                    cnn_tensor **grads, const cnn_grad_options *options)
{
    grad_call g = { outputs, output_count, inputs, input_count, grads, { 0 } };
    for (int i = 0; grads && i < input_count; i++) {
        grads[i] = NULL;
    }
    cnn_tape *tape = grad_tape(&g);
    if (!tape) {
        return cnn__failure_status();
    }
    const cnn__step *step = cnn__step_of(tape);
    if (CNN__OPTIONS_READ(step->ctx, "grad", &g.options, options) != CNN_OK) {
        cnn__tape_fail(tape, cnn__failure_status(), "%s", cnn__failure_message());
        return cnn__step_report(tape);
    }
    cnn_status status = grad_check(&g, tape);
    if (status != CNN_OK) {
        return status;
    }
    grad_wanted *wanted = cnn__tape_arena(tape, (size_t)input_count * sizeof *wanted);
    cnn_tensor **sums = wanted ? cnn__tape_arena(tape, (size_t)input_count * sizeof(cnn_tensor *)) : NULL;
    if (sums) {
        grad_walk(&g, tape, wanted, sums);
    }
    for (int i = 0; step->status != CNN_OK && i < input_count; i++) {
        grads[i] = NULL;
    }
    return step->status == CNN_OK ? CNN_OK : cnn__step_report(tape);
}
