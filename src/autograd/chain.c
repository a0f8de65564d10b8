#include "autograd/chain.h"

#include "kernels/kernels.h"

bool cnn__may_join(const cnn__step *step, cnn_dtype dtype)
{
    return (dtype == CNN_F32 || dtype == CNN_F64) && !step->ctx->device && !step->anomaly && !cnn__observed(step->ctx);
}

bool cnn__chain_pays(const cnn__step *step, const cnn_tensor *dy)
{
    enum { LEAST = 1 << 15 };
    return dy->numel >= LEAST && cnn__may_join(step, dy->dtype);
}

/* Whether the operation that made input i comes next, gets no other gradient, and can take a deferred one. */
static bool passes_on(const cnn__chain *c, const cnn__node *node, int i, const cnn_tensor *dy)
{
    const cnn_tensor *in = node->in[i];
    const cnn__node *next = node->previous;
    const bool beside = dy->deferred && c->side && c->side->in[c->side_operand] == in;
    return next && in->node == next && next->op->chains && !in->grad && !in->hooks && !in->retain_grad && !beside &&
           cnn__same_shape(in, dy) && cnn__wants(node, i);
}

static cnn_tensor *chain_hold(cnn_tape *tape, const cnn_tensor *t)
{
    cnn_tensor *held = t ? cnn__tape_handle(tape, t) : NULL;
    if (held) {
        held->kept = true;
    }
    return held;
}

static void chain_let_go(cnn_tensor *t)
{
    if (t) {
        t->kept = false;
        cnn__tape_drop(t);
    }
}

/* The next step, with `other` and, for a side, `with`. NULL: no memory, the tape has failed. */
static cnn__gradient_step *chain_step(cnn__chain *c, cnn_tape *tape, const cnn_tensor *dy, const cnn_tensor *other,
                                      const cnn_tensor *with)
{
    if (!dy->deferred) {
        c->tail = NULL;
        c->count = 0;
        c->side = NULL;
        c->dy = chain_hold(tape, dy);
    }
    cnn_tensor **held = &c->operands[2 * c->count];
    cnn__gradient_step *s = &c->steps[c->count++];
    held[0] = chain_hold(tape, other);
    held[1] = chain_hold(tape, with);
    s->other = other ? cnn__data(other) : NULL;
    s->with = with ? cnn__data(with) : NULL;
    s->side = NULL;
    s->second = false;
    return cnn__step_of(tape)->status == CNN_OK ? s : NULL;
}

static void chain_pass(cnn__chain *c, const cnn__node *node, int i, const cnn_tensor *dy)
{
    cnn_tensor *tail = chain_hold(node->tape, dy);
    if (tail) {
        tail->deferred = true;
        c->tail = node->in[i]->grad = tail;
    }
}

/* Computes the gradient that is deferred, or would be, into `to`, and lets go of what that read. */
static void chain_run(cnn__chain *c, const cnn__step *step, const cnn_tensor *to)
{
    cnn__node *side = c->side;
    cnn__map_gradient_steps(step->ctx->kernels->array->maps, c->dy->dtype, c->dy->numel, cnn__data(to),
                            cnn__data(c->dy), c->steps, c->count, step->ctx->pool);
    c->tail = NULL;
    c->side = NULL;
    if (side) {
        cnn__grad_add(side, c->side_operand, c->side_gradient);
        chain_let_go(c->side_gradient);
    }
    for (int i = 0; i < 2 * c->count; i++) {
        chain_let_go(c->operands[i]);
    }
    chain_let_go(c->dy);
}

void cnn__chain_settle(cnn_tape *tape, cnn_tensor *dy)
{
    const cnn__step *step = cnn__step_of(tape);
    cnn_tensor *to = dy->deferred ? cnn__grad_new(tape, dy) : NULL;
    if (!to) {
        return;
    }
    chain_run(step->chain, step, to);
    cnn__storage_release(dy->storage);
    dy->storage = cnn__storage_retain(to->storage);
    dy->offset = to->offset;
    dy->deferred = false;
    cnn__tape_drop(to);
}

bool cnn__chain_map(cnn__node *node, cnn_kernel kernel, int function, const double *value, cnn_tensor *dy,
                    const cnn_tensor *other, bool second)
{
    cnn_tape *tape = node->tape;
    cnn__step *step = cnn__step_of(tape);
    cnn__chain *c = step->chain;
    if (!c || !(dy->deferred || cnn__chain_pays(step, dy))) {
        return false;
    }
    const bool passes = passes_on(c, node, 0, dy), fits = !other || cnn__contiguous(other);
    if (!fits || (dy->deferred && c->count == CNN__CHAIN_STEPS)) {
        cnn__chain_settle(tape, dy);
    }
    if (step->status != CNN_OK) {
        return true;
    }
    if (!fits || !(passes || dy->deferred) || !cnn__wants(node, 0)) {
        return false;
    }
    cnn__gradient_step *s = chain_step(c, tape, dy, other, NULL);
    if (!s) {
        return true;
    }
    s->second = second;
    cnn__map_of(step->ctx->kernels->array->maps, kernel, function, dy->dtype, value, &s->map);
    if (passes) {
        chain_pass(c, node, 0, dy);
        return true;
    }
    cnn_tensor *dx = cnn__grad_empty(node, 0);
    if (dx) {
        chain_run(c, step, dx);
        cnn__grad_add(node, 0, dx);
    }
    return true;
}

bool cnn__chain_product(cnn__node *node, cnn_tensor *dy)
{
    cnn__step *step = cnn__step_of(node->tape);
    cnn__chain *c = step->chain;
    for (int i = 0; c && i < 2; i++) {
        const cnn_tensor *other = node->saved[1 - i], *with = cnn__wants(node, 1 - i) ? node->saved[i] : NULL;
        if (node->in[0] == node->in[1] || !passes_on(c, node, i, dy) || !cnn__contiguous(other) ||
            (with && !cnn__contiguous(with))) {
            continue;
        }
        if (dy->deferred && (c->count == CNN__CHAIN_STEPS || (with && c->side))) {
            break;
        }
        cnn_tensor *side = with ? cnn__grad_empty(node, 1 - i) : NULL;
        cnn__gradient_step *s = !with || side ? chain_step(c, node->tape, dy, other, with) : NULL;
        if (!s) {
            return true;
        }
        if (side) {
            side->kept = true;
            s->side = cnn__data(side);
            c->side = node;
            c->side_operand = 1 - i;
            c->side_gradient = side;
        }
        cnn__map_of(step->ctx->kernels->array->maps, CNN_KERNEL_BINARY, CNN_BINARY_MUL, dy->dtype, NULL, &s->map);
        chain_pass(c, node, i, dy);
        return true;
    }
    cnn__chain_settle(node->tape, dy);
    return step->status != CNN_OK;
}

void cnn__chain_close(cnn_tape *tape)
{
    const cnn__step *step = cnn__step_of(tape);
    cnn__chain *c = step->chain;
    if (!c || !c->tail) {
        return;
    }
    cnn_tensor *leaf = c->side ? c->side->in[c->side_operand]->leaf : NULL;
    if (step->status == CNN_OK) {
        cnn__chain_settle(tape, c->tail);
    }
    if (leaf && step->status != CNN_OK) { /* it stays as it was */
        leaf->grad_pending = false;
    }
}

const cnn_tensor *cnn__chain_leaf(const cnn__step *step)
{
    const cnn__chain *c = step->chain;
    return c && c->tail && c->side ? c->side->in[c->side_operand]->leaf : NULL;
}
