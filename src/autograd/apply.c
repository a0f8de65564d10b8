/* Applies an operation as its descriptor says: infer, make the outputs, forward, record. */
#include "autograd/running.h"
#include "autograd/tape.h"

#include <string.h>

/* ---- what infer says of outputs ---- */

void cnn__out(cnn__call *call, int j, cnn_dtype dtype, int ndim, const int64_t *shape)
{
    cnn__spec *spec = &call->spec[j];
    spec->kind = CNN__OUT_NEW;
    spec->dtype = dtype;
    spec->like = NULL;
    spec->ndim = ndim;
    for (int d = 0; d < ndim && d < CNN_MAX_DIMS; d++) {
        spec->shape[d] = shape[d];
    }
}

void cnn__out_shaped(cnn__call *call, int j, int i, cnn_dtype dtype)
{
    cnn__spec *spec = &call->spec[j];
    spec->kind = CNN__OUT_NEW;
    spec->dtype = dtype;
    spec->like = call->in[i];
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

static bool make_output(cnn__call *call, int j, bool tracing)
{
    const cnn__spec *spec = &call->spec[j];
    bool view = spec->kind == CNN__OUT_VIEW && !tracing;
    call->out[j] = spec->kind == CNN__OUT_SAME ? call->in[spec->of]
                   : view                      ? make_view(call, spec)
                   : spec->like                ? cnn__result_like(call, spec->dtype, spec->like)
                                               : cnn__result(call, spec->dtype, spec->ndim, spec->shape);
    return call->out[j] != NULL;
}

/* Makes the outputs, and notes what the results are like. */
static bool make_outputs(cnn__call *call, bool tracing)
{
    int count = call->results + call->op->extras;
    for (int j = 0; j < count; j++) {
        cnn__out_kind kind = call->spec[j].kind;
        if (kind == CNN__OUT_NONE) {
            continue;
        }
        if (!make_output(call, j, tracing)) {
            return false;
        }
        if (j < call->results) {
            call->computes |= kind == CNN__OUT_NEW;
            call->differentiable |= kind != CNN__OUT_SAME && cnn__dtype_is_real(call->out[j]->dtype);
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

/* ---- recording ---- */

enum { APPLY_ALIGNMENT = 16 };

static size_t aligned(size_t size)
{
    return (size + APPLY_ALIGNMENT - 1) / APPLY_ALIGNMENT * APPLY_ALIGNMENT;
}

/* The node with its attributes and, where `saved` is not 0, room for as many saved tensors. */
static cnn__node *make_node(cnn__call *call, const void *attributes, size_t size, int saved)
{
    size_t behind = aligned(sizeof(cnn__node)), last = behind + aligned(size);
    char *memory = cnn__tape_arena(call->tape, last + (size_t)saved * sizeof(cnn_tensor *));
    if (!memory) {
        return NULL;
    }
    cnn__node *node = (cnn__node *)(void *)memory;
    node->op = call->op;
    node->count = call->count;
    node->outputs = call->results;
    node->in = call->in;
    for (int j = 0; j < node->outputs; j++) {
        node->out[j] = call->out[j];
    }
    node->saved = saved ? (cnn_tensor **)(void *)(memory + last) : NULL;
    node->attributes = size ? memory + behind : NULL;
    node->done = node->reached = false;
    node->module = NULL;
    if (cnn__observed(call->ctx)) {
        const cnn__running *running = cnn__running_on(call->tape, CNN__RUNNING_MODULE);
        cnn__counts *work = &cnn__step_of(call->tape)->work;
        node->module = running ? running->module : NULL;
        node->work = *work;
        *work = (cnn__counts){ 0 }; /* what is recorded without trace(), such as a custom operation, counts its own */
    }
    node->where = cnn__step_of(call->tape)->anomaly ? cnn__anomaly_where(call->tape) : NULL;
    if (size) {
        memcpy(node->attributes, attributes, size);
    }
    return node;
}

/* The elements of `t` stay until backward has passed. */
static cnn_tensor *apply_save(cnn__call *call, const cnn_tensor *t)
{
    cnn_tensor *saved = cnn__tape_handle(call->tape, t);
    if (saved) {
        saved->kept = true;
        saved->version = cnn__tensor_version(t);
    }
    return saved;
}

static bool save_all(cnn__call *call, cnn__node *node, unsigned saves, int total)
{
    const cnn__reads *reads = call->op->saves_read ? call->op->reads : NULL;
    for (int k = 0; k < total; k++) {
        node->saved[k] = NULL;
    }
    for (unsigned left = saves; left; left &= left - 1) {
        int bit = __builtin_ctz(left), j = bit - CNN__MAX_INPUTS, k = j < 0 ? bit : call->count + j;
        const cnn_tensor *t = j < 0 ? call->x[bit] : call->out[j];
        if (t && (!reads || reads[k].by & call->wanted) && !(node->saved[k] = apply_save(call, t))) {
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
    int total = saves ? call->count + call->results + call->op->extras : 0;
    cnn__node *node = make_node(call, attributes, size, total);
    if (!node || !save_all(call, node, saves, total)) {
        return NULL;
    }
    link(call, node);
    return node;
}

/* ---- the whole ---- */

static bool apply_run(cnn__call *call, void *attributes)
{
    const cnn__op *op = call->op;
    if (!make_outputs(call, false)) {
        return false;
    }
    if (call->computes && (!make_dense(call) || !op->forward(call, attributes))) {
        return false;
    }
    if (cnn__step_of(call->tape)->anomaly && !cnn__anomaly_check_results(call)) {
        return false;
    }
    bool recorded =
        !call->record || !call->differentiable || cnn__call_record(call, attributes, op->size, op->saves) != NULL;
    for (int j = 0; j < op->extras; j++) {
        cnn_tensor *extra = call->out[call->results + j];
        if (extra) {
            cnn__tape_drop(extra);
        }
    }
    return recorded;
}

/* The operation's forward runs, but what it launches is only counted (run.c). */
static bool trace(cnn__call *call, void *attributes)
{
    if (!make_outputs(call, true)) {
        return false;
    }
    bool same = call->results == 1 && call->spec[0].kind == CNN__OUT_SAME;
    call->record = false;
    cnn__step_of(call->tape)->work = (cnn__counts){ 0 };
    if (call->computes && !call->op->forward(call, attributes)) {
        return false;
    }
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
               (cnn__tape_tracing(call.tape) ? trace(&call, attributes) : apply_run(&call, attributes));
    }
    for (int j = 0; j < call.results; j++) {
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
