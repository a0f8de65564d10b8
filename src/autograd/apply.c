/* Applies an operation as its descriptor says: infer, make the outputs, forward, record. */
#include "autograd/tape.h"

#include <string.h>

/* ---- what infer says of outputs ---- */

void cnn__out(cnn__call *call, int j, cnn_dtype dtype, int ndim, const int64_t *shape)
{
    cnn__spec *spec = &call->spec[j];
    spec->kind = CNN__OUT_NEW;
    spec->dtype = dtype;
    spec->ndim = ndim;
    for (int d = 0; d < ndim && d < CNN_MAX_DIMS; d++) {
        spec->shape[d] = shape[d];
    }
}

void cnn__out_like(cnn__call *call, int j, int i)
{
    const cnn_tensor *t = call->in[i];
    cnn__out(call, j, t->dtype, t->ndim, t->shape);
}

cnn__spec *cnn__out_view(cnn__call *call, int j, int i)
{
    const cnn_tensor *t = call->in[i];
    cnn__spec *spec = &call->spec[j];
    cnn__out(call, j, t->dtype, t->ndim, t->shape);
    spec->kind = CNN__OUT_VIEW;
    spec->of = i;
    spec->offset = t->offset;
    memcpy(spec->stride, t->stride, sizeof spec->stride);
    return spec;
}

void cnn__out_same(cnn__call *call, int j, int i)
{
    call->spec[j].kind = CNN__OUT_SAME;
    call->spec[j].of = i;
}

void cnn__out_none(cnn__call *call, int j)
{
    call->spec[j].kind = CNN__OUT_NONE;
}

/* ---- making what forward works on ---- */

static int results_of(const cnn__op *op)
{
    return op->outputs ? op->outputs : 1;
}

static cnn_tensor *make_view(cnn__call *call, const cnn__spec *spec)
{
    cnn_tensor *t = cnn__tape_handle(call->tape, call->in[spec->of]);
    if (t) {
        t->ndim = spec->ndim;
        t->offset = spec->offset;
        t->numel = 1;
        for (int d = 0; d < spec->ndim; d++) {
            t->shape[d] = spec->shape[d];
            t->stride[d] = spec->stride[d];
            t->numel *= spec->shape[d];
        }
    }
    return t;
}

static bool make_outputs(cnn__call *call, bool tracing)
{
    int count = results_of(call->op) + (tracing ? 0 : call->op->extras);
    for (int j = 0; j < count; j++) {
        const cnn__spec *spec = &call->spec[j];
        if (spec->kind == CNN__OUT_NONE) {
            continue;
        }
        bool view = spec->kind == CNN__OUT_VIEW && !tracing;
        call->out[j] = spec->kind == CNN__OUT_SAME ? call->in[spec->of]
                       : view                      ? make_view(call, spec)
                                                   : cnn__result(call, spec->dtype, spec->ndim, spec->shape);
        if (!call->out[j]) {
            return false;
        }
    }
    return true;
}

/* call->x, with contiguous copies where the descriptor asks for them. */
static bool make_dense(cnn__call *call)
{
    call->x = call->in;
    for (int i = 0; call->op->dense >> i && i < call->count; i++) {
        if (!(call->op->dense >> i & 1) || !call->in[i] || cnn__contiguous(call->in[i])) {
            continue;
        }
        if (call->x == call->in) {
            call->x = cnn__tape_arena(call->tape, (size_t)call->count * sizeof *call->x);
            if (!call->x) {
                return false;
            }
            memcpy(call->x, call->in, (size_t)call->count * sizeof *call->x);
        }
        if (!(call->x[i] = cnn__call_contiguous(call, i))) {
            return false;
        }
    }
    return true;
}

static bool only_views(const cnn__call *call)
{
    for (int j = 0; j < results_of(call->op); j++) {
        if (call->spec[j].kind == CNN__OUT_NEW) {
            return false;
        }
    }
    return true;
}

/* ---- recording ---- */

static cnn__node *make_node(cnn__call *call, const void *attributes, size_t size)
{
    cnn__node *node = cnn__tape_arena(call->tape, sizeof *node);
    void *copy = node && size ? cnn__tape_arena(call->tape, size) : NULL;
    if (!node || (size && !copy)) {
        return NULL;
    }
    *node = (cnn__node){ .op = call->op, .count = call->count, .in = call->in, .attributes = copy };
    node->outputs = results_of(call->op);
    memcpy(node->out, call->out, sizeof node->out);
    if (size) {
        memcpy(copy, attributes, size);
    }
    return node;
}

/* The elements of `t` stay until backward has passed. */
static cnn_tensor *save(cnn__call *call, const cnn_tensor *t)
{
    cnn_tensor *saved = cnn__tape_handle(call->tape, t);
    if (saved) {
        saved->kept = true;
        saved->version = cnn__tensor_version(t);
    }
    return saved;
}

static bool save_all(cnn__call *call, cnn__node *node, unsigned saves)
{
    int outputs = node->outputs + call->op->extras, total = call->count + outputs;
    node->saved = cnn__tape_arena(call->tape, (size_t)total * sizeof *node->saved);
    if (!node->saved) {
        return false;
    }
    for (int k = 0; k < total; k++) {
        int j = k - call->count;
        const cnn_tensor *t = j < 0 ? call->x[k] : call->out[j];
        bool wanted = t && saves & (j < 0 ? 1u << k : CNN__OUTPUT(j));
        node->saved[k] = NULL;
        if (wanted && !(node->saved[k] = save(call, t))) {
            return false;
        }
    }
    return true;
}

static void link(cnn__call *call, cnn__node *node)
{
    for (int j = 0; j < node->outputs; j++) {
        cnn_tensor *y = call->out[j];
        if (y && call->spec[j].kind != CNN__OUT_SAME) {
            y->node = node;
            y->requires_grad = call->record && cnn__dtype_is_real(y->dtype);
        }
    }
    cnn__tape_link(call->tape, node);
}

cnn__node *cnn__call_record(cnn__call *call, const void *attributes, size_t size, unsigned saves)
{
    cnn__node *node = make_node(call, attributes, size);
    if (!node || (saves && !save_all(call, node, saves))) {
        return NULL;
    }
    link(call, node);
    return node;
}

/* Does a result have a gradient to hand back? */
static bool worth_recording(const cnn__call *call)
{
    for (int j = 0; j < results_of(call->op); j++) {
        if (call->out[j] && call->spec[j].kind != CNN__OUT_SAME && cnn__dtype_is_real(call->out[j]->dtype)) {
            return true;
        }
    }
    return false;
}

/* ---- the whole ---- */

static bool run(cnn__call *call, void *attributes)
{
    const cnn__op *op = call->op;
    if (!make_outputs(call, false)) {
        return false;
    }
    if (!only_views(call) && (!make_dense(call) || !op->forward(call, attributes))) {
        return false;
    }
    bool recorded =
        !call->record || !worth_recording(call) || cnn__call_record(call, attributes, op->size, op->saves) != NULL;
    for (int j = 0; j < op->extras; j++) {
        cnn_tensor *extra = call->out[results_of(op) + j];
        if (extra) {
            cnn__tape_drop(extra);
        }
    }
    return recorded;
}

static bool trace(cnn__call *call, const void *attributes)
{
    if (!make_outputs(call, true)) {
        return false;
    }
    bool same = results_of(call->op) == 1 && call->spec[0].kind == CNN__OUT_SAME;
    call->record = false;
    return same || cnn__call_record(call, attributes, call->op->size, 0) != NULL;
}

bool cnn__apply_all(const cnn__op *op, cnn_tensor *const *inputs, int count, void *attributes, cnn_tensor **results)
{
    cnn__call call;
    cnn__spec spec[CNN__MAX_OUTPUTS];
    bool done = cnn__call_begin(&call, op, count, inputs);
    call.spec = spec;
    if (done) {
        call.x = call.in;
        done = op->infer(&call, attributes) &&
               (cnn__tape_tracing(call.tape) ? trace(&call, attributes) : run(&call, attributes));
    }
    for (int j = 0; j < results_of(op); j++) {
        results[j] = done ? call.out[j] : call.nil;
    }
    return done;
}

cnn_tensor *cnn__apply(const cnn__op *op, cnn_tensor *const *inputs, int count, void *attributes)
{
    cnn_tensor *result;
    cnn__apply_all(op, inputs, count, attributes, &result);
    return result;
}
