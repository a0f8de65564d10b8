/* Frozen modules: the module runs once on a device that records (recorder.c), the record becomes a program
 * (program.c), and calls take turns with the memory that programs run in. */
#include "predict/program.h"
#include "tensor/tensor.h"

#include <cnn/predictor.h>

#include <string.h>

enum { MOST_CALLS = 64, MOST_PORTS = 1 << 16 }; /* ports: inputs, or outputs */

/* The memory of one call. */
typedef struct call_memory {
    cnn__program_step *steps;
    char *memory;
} call_memory;

struct cnn_predictor {
    cnn__program program;
    int input_count, output_count;
    cnn_predictor_value *values; /* inputs, then outputs */
    const void **results;        /* elements of outputs that are constant; else NULL */
    call_memory calls[MOST_CALLS];
    atomic_uint_fast64_t idle;   /* a bit for each memory that no call uses */
    atomic_uint_fast64_t unmade; /* a bit for each that is not made yet, and is nobody's */
};

static const char create_call[] = "predictor_create";

/* Whether there is one; else it is reported. */
static bool predictor_given(const cnn_predictor *p, const char *call)
{
    if (!p) {
        cnn__fail(NULL, CNN_ERROR_INVALID_ARGUMENT, "%s: predictor is NULL", call);
    }
    return p != NULL;
}

/* ---- the memory of calls ---- */

/* Takes one of the bits; −1: there is none. */
static int take_bit(atomic_uint_fast64_t *bits)
{
    uint_fast64_t now = atomic_load_explicit(bits, memory_order_relaxed);
    while (now) {
        if (atomic_compare_exchange_weak_explicit(bits, &now, now & (now - 1), memory_order_acquire,
                                                  memory_order_relaxed)) {
            CNN__HAPPENS_AFTER(bits);
            return __builtin_ctzll(now);
        }
    }
    return -1;
}

static void give_bit(atomic_uint_fast64_t *bits, int number)
{
    CNN__HAPPENS_BEFORE(bits);
    atomic_fetch_or_explicit(bits, (uint_fast64_t)1 << number, memory_order_release);
}

static bool call_make(const cnn_predictor *p, call_memory *c)
{
    cnn_context *ctx = p->program.ctx;
    size_t bytes = (size_t)p->program.step_count * sizeof *c->steps;
    c->steps = cnn__alloc(ctx, bytes);
    c->memory = c->steps ? cnn__alloc(ctx, p->program.call_bytes) : NULL;
    if (!c->memory) {
        cnn__free(ctx, c->steps);
        c->steps = NULL;
        return false;
    }
    if (bytes) {
        memcpy(c->steps, p->program.steps, bytes);
    }
    cnn__program_bind(&p->program, c->steps, c->memory);
    return true;
}

static size_t call_bytes(const cnn_predictor *p)
{
    return (size_t)p->program.step_count * sizeof *p->program.steps + p->program.call_bytes;
}

/* The number of a memory that is the caller's now; −1: reported as `call`. Where all are in use there is one soon. */
static int call_take(cnn_predictor *p, const char *call)
{
    for (;;) {
        int number = take_bit(&p->idle);
        if (number >= 0) {
            return number;
        }
        number = take_bit(&p->unmade);
        if (number >= 0 && call_make(p, &p->calls[number])) {
            return number;
        }
        if (number >= 0) {
            give_bit(&p->unmade, number);
            cnn__fail_memory(p->program.ctx, call, call_bytes(p));
            return -1;
        }
        cnn__thread_yield();
    }
}

/* ---- running ---- */

static cnn_status check_pointers(const cnn_predictor *p, const void *const *pointers, int count, const char *what)
{
    if (!pointers && count) {
        return cnn__fail(p->program.ctx, CNN_ERROR_INVALID_ARGUMENT, "predictor_run: %ss is NULL", what);
    }
    for (int i = 0; i < count; i++) {
        const cnn_predictor_value *v = &p->values[i + (*what == 'o' ? p->input_count : 0)];
        if (!pointers[i] && v->bytes) {
            return cnn__fail(p->program.ctx, CNN_ERROR_INVALID_ARGUMENT, "predictor_run: %s %d is NULL", what, i);
        }
    }
    return CNN_OK;
}

cnn_status cnn_predictor_run(cnn_predictor *predictor, const void *const *inputs, void *const *outputs)
{
    cnn_predictor *p = predictor;
    if (!predictor_given(p, "predictor_run")) {
        return CNN_ERROR_INVALID_ARGUMENT;
    }
    if (check_pointers(p, inputs, p->input_count, "input") != CNN_OK ||
        check_pointers(p, (const void *const *)outputs, p->output_count, "output") != CNN_OK) {
        return CNN_ERROR_INVALID_ARGUMENT;
    }
    int number = call_take(p, "predictor_run");
    if (number < 0) {
        return CNN_ERROR_NO_MEMORY;
    }
    cnn_backend_failure failure = { .struct_size = sizeof failure };
    bool done = cnn__program_run(&p->program, p->calls[number].steps, inputs, p->input_count, outputs, &failure);
    give_bit(&p->idle, number);
    if (!done) {
        return cnn__fail(p->program.ctx, failure.status, "predictor_run: %s: %s", cnn__kernel_name(failure.kernel),
                         failure.message);
    }
    for (int i = 0; i < p->output_count; i++) {
        if (p->results[i]) {
            memcpy(outputs[i], p->results[i], p->values[p->input_count + i].bytes);
        }
    }
    return CNN_OK;
}

/* ---- recording ---- */

/* What recording needs. Its tensors are the recorder's. */
typedef struct recording {
    cnn_predictor *predictor;
    cnn__recorder recorder;
    cnn_context *ctx; /* on the recorder */
    cnn_module *module;
    cnn_tape *tape;
    cnn_tensor **inputs, **outputs; /* outputs: of the tape */
    cnn_tensor **copies;            /* copies of outputs that have no block of their own; else NULL */
    int *blocks;                    /* the blocks of each input and output */
    int first_step;
} recording;

static void recording_end(recording *r)
{
    const cnn_predictor *p = r->predictor;
    cnn_tape_free(r->tape);
    for (int i = 0; r->inputs && i < p->input_count; i++) {
        cnn_tensor_free(r->inputs[i]);
    }
    for (int i = 0; r->copies && i < p->output_count; i++) {
        cnn_tensor_free(r->copies[i]);
    }
    cnn_module_free(r->module);
    cnn_context *ctx = p->program.ctx;
    cnn__free(ctx, r->inputs);
    cnn__free(ctx, r->outputs);
    cnn__free(ctx, r->copies);
    cnn__free(ctx, r->blocks);
    cnn_context_free(r->ctx);
    cnn__recorder_end(&r->recorder);
}

static void describe(cnn_predictor_value *value, const cnn_tensor *t)
{
    *value = (cnn_predictor_value){ .struct_size = sizeof *value, .dtype = t->dtype, .ndim = t->ndim };
    value->bytes = (size_t)t->numel * cnn_dtype_size(t->dtype);
    for (int i = 0; i < t->ndim; i++) {
        value->shape[i] = t->shape[i];
    }
}

/* Reports on the module's context what has failed on the recorder's. */
static cnn_status recording_failed(const recording *r)
{
    char message[CNN__MESSAGE_SIZE];
    bool reason = r->recorder.status != CNN_OK;
    cnn_status status = reason ? r->recorder.status : cnn__failure_status();
    cnn__message(message, sizeof message, "%s", reason ? r->recorder.reason : cnn__failure_message());
    return cnn__fail(r->recorder.ctx, status, "%s: %s%s", create_call, reason ? "the module cannot be frozen: " : "",
                     message);
}

static cnn_status make_inputs(recording *r, const cnn_trace_input *inputs)
{
    cnn_predictor *p = r->predictor;
    for (int i = 0; i < p->input_count; i++) {
        const cnn_trace_input *x = &inputs[i];
        size_t offset;
        p->values[i].struct_size = sizeof p->values[i];
        r->blocks[i] = -1;
        if (x->left_out) {
            continue;
        }
        r->inputs[i] = cnn__tensor_new(r->ctx, create_call, x->dtype, x->ndim, x->shape);
        if (!r->inputs[i]) {
            return recording_failed(r);
        }
        describe(&p->values[i], r->inputs[i]);
        r->blocks[i] = cnn__recorder_block(&r->recorder, cnn__data(r->inputs[i]), &offset);
    }
    return CNN_OK;
}

/* Whether the block is an input or an earlier output. */
static bool block_is_taken(const recording *r, int block, int count)
{
    for (int i = 0; i < count; i++) {
        if (r->blocks[i] == block) {
            return true;
        }
    }
    return false;
}

/* An output whose elements are not all of a block that is nothing else is copied to one that is. */
static cnn_status find_output(recording *r, int i)
{
    cnn_predictor *p = r->predictor;
    const cnn_tensor *y = r->outputs[i];
    int port = p->input_count + i;
    size_t offset = 0;
    describe(&p->values[port], y);
    int block = cnn__recorder_block(&r->recorder, cnn__data(y), &offset);
    bool own = block >= 0 && offset == 0 && cnn__contiguous(y) && !block_is_taken(r, block, port) &&
               r->recorder.blocks[block].bytes == p->values[port].bytes;
    if (!own) {
        r->copies[i] = cnn__tensor_new(r->ctx, create_call, y->dtype, y->ndim, y->shape);
        if (!r->copies[i] || cnn__tensor_copy(r->copies[i], y, create_call) != CNN_OK) {
            return recording_failed(r);
        }
        block = cnn__recorder_block(&r->recorder, cnn__data(r->copies[i]), &offset);
    }
    r->blocks[port] = block;
    return CNN_OK;
}

static cnn_status record_forward(recording *r)
{
    const cnn_predictor *p = r->predictor;
    r->tape = cnn_tape_new(r->ctx);
    if (!r->tape || cnn_tape_begin(r->tape, CNN_EVAL) != CNN_OK ||
        cnn_forward_many(r->tape, r->module, r->inputs, p->input_count, r->outputs, p->output_count) != CNN_OK ||
        cnn_tape_status(r->tape) != CNN_OK) {
        return recording_failed(r);
    }
    cnn_status status = CNN_OK;
    for (int i = 0; i < p->output_count && status == CNN_OK; i++) {
        status = find_output(r, i);
    }
    return status != CNN_OK || r->recorder.status == CNN_OK ? status : recording_failed(r);
}

static cnn_status record_module(recording *r, const cnn_module *module, const cnn_trace_input *inputs)
{
    const cnn_predictor *p = r->predictor;
    cnn_context *ctx = p->program.ctx;
    size_t ports = (size_t)(p->input_count + p->output_count) + 1;
    r->inputs = cnn__calloc(ctx, ports, sizeof *r->inputs);
    r->outputs = cnn__calloc(ctx, ports, sizeof(cnn_tensor *));
    r->copies = cnn__calloc(ctx, ports, sizeof *r->copies);
    r->blocks = cnn__calloc(ctx, ports, sizeof *r->blocks);
    if (!r->inputs || !r->outputs || !r->copies || !r->blocks) {
        return cnn__fail_memory(ctx, create_call, ports * sizeof *r->inputs);
    }
    r->ctx = cnn__recorder_begin(&r->recorder, ctx);
    r->module = r->ctx ? cnn_module_to(module, r->ctx) : NULL;
    if (!r->module) {
        return recording_failed(r);
    }
    r->first_step = r->recorder.step_count;
    cnn_status status = make_inputs(r, inputs);
    return status == CNN_OK ? record_forward(r) : status;
}

/* ---- making ---- */

/* Runs what packs weights once, on zeros: from then on they are packed. */
static cnn_status pack_weights(cnn_predictor *p)
{
    int ports = p->input_count + p->output_count;
    size_t bytes = 0;
    cnn_context *ctx = p->program.ctx;
    for (int i = 0; i < ports; i++) {
        bytes += (p->values[i].bytes + 63) / 64 * 64;
    }
    void **pointers = cnn__calloc(ctx, (size_t)ports + 1, sizeof *pointers);
    char *zeros = cnn__calloc(ctx, 1, bytes);
    if (!pointers || !zeros) {
        cnn__free(ctx, pointers);
        cnn__free(ctx, zeros);
        return cnn__fail_memory(ctx, create_call, bytes);
    }
    size_t at = 0;
    for (int i = 0; i < ports; i++) {
        pointers[i] = zeros + at;
        at += (p->values[i].bytes + 63) / 64 * 64;
    }
    memset(p->calls[0].memory, 0, p->program.call_bytes);
    cnn__program_pack(&p->program, p->calls[0].steps, (const void *const *)pointers, p->input_count,
                      pointers + p->input_count);
    for (int i = 0; i < p->program.step_count; i++) {
        p->program.steps[i].kept.packs = p->calls[0].steps[i].kept.packs = false;
    }
    cnn__program_drop_packed(&p->program, p->calls[0].steps, p->results, p->output_count);
    cnn__free(ctx, pointers);
    cnn__free(ctx, zeros);
    return CNN_OK;
}

static cnn_status make_calls(cnn_predictor *p, int calls)
{
    for (int i = 0; i < calls; i++) {
        if (!call_make(p, &p->calls[i])) {
            return cnn__fail_memory(p->program.ctx, create_call, call_bytes(p));
        }
        cnn_status status = i == 0 ? pack_weights(p) : CNN_OK;
        if (status != CNN_OK) {
            return status;
        }
    }
    uint_fast64_t made = calls == MOST_CALLS ? ~(uint_fast64_t)0 : ((uint_fast64_t)1 << calls) - 1;
    atomic_init(&p->idle, made);
    CNN__ATOMIC(&p->idle);
    atomic_init(&p->unmade, ~made);
    CNN__ATOMIC(&p->unmade);
    return CNN_OK;
}

static cnn_status predictor_fill(cnn_predictor *p, const cnn_module *module, const cnn_trace_input *inputs, int calls)
{
    cnn_context *ctx = p->program.ctx;
    size_t ports = (size_t)(p->input_count + p->output_count) + 1;
    p->values = cnn__calloc(ctx, ports, sizeof *p->values);
    p->results = cnn__calloc(ctx, ports, sizeof(void *));
    if (!p->values || !p->results) {
        return cnn__fail_memory(ctx, create_call, ports * sizeof *p->values);
    }
    recording r = { .predictor = p, .recorder.ctx = ctx };
    cnn_status status = record_module(&r, module, inputs);
    if (status == CNN_OK) {
        const cnn__program_ports all = { r.blocks, p->input_count, p->output_count, r.first_step };
        status = cnn__program_make(&p->program, &r.recorder, &all, p->results, create_call);
    }
    recording_end(&r);
    return status == CNN_OK ? make_calls(p, calls) : status;
}

static cnn_status predictor_check(const cnn_module *module, const cnn_trace_input *inputs, int count,
                                  const cnn_predictor_options *options, cnn_predictor_options *ours)
{
    if (!module) {
        return cnn__fail(NULL, CNN_ERROR_INVALID_ARGUMENT, "%s: module is NULL", create_call);
    }
    cnn_context *ctx = cnn_module_context(module);
    if (count < 0 || count > MOST_PORTS || (!inputs && count)) {
        return cnn__fail(ctx, CNN_ERROR_INVALID_ARGUMENT, "%s: %d inputs%s, expected 0 to %d", create_call, count,
                         inputs ? "" : " at NULL", MOST_PORTS);
    }
    cnn_status status = CNN__OPTIONS_READ(ctx, create_call, ours, options);
    if (status != CNN_OK) {
        return status;
    }
    ours->calls = ours->calls ? ours->calls : 1;
    ours->output_count = ours->output_count ? ours->output_count : 1;
    if (ours->calls < 1 || ours->calls > MOST_CALLS) {
        return cnn__fail(ctx, CNN_ERROR_INVALID_ARGUMENT, "%s: calls is %d, expected 1 to %d", create_call, ours->calls,
                         MOST_CALLS);
    }
    if (ours->output_count < 1 || ours->output_count > MOST_PORTS) {
        return cnn__fail(ctx, CNN_ERROR_INVALID_ARGUMENT, "%s: output_count is %d, expected 1 to %d", create_call,
                         ours->output_count, MOST_PORTS);
    }
    return ctx->device ? cnn__fail(ctx, CNN_ERROR_UNSUPPORTED, "%s: the module is on %s, expected the CPU", create_call,
                                   ctx->device->name)
                       : CNN_OK;
}

cnn_predictor *cnn_predictor_create(const cnn_module *module, const cnn_trace_input *inputs, int count,
                                    const cnn_predictor_options *options)
{
    cnn_predictor_options ours = { .calls = 1 };
    if (predictor_check(module, inputs, count, options, &ours) != CNN_OK) {
        return NULL;
    }
    cnn_context *ctx = cnn_module_context(module);
    cnn_predictor *p = cnn__calloc(ctx, 1, sizeof *p);
    if (!p) {
        cnn__fail_memory(ctx, create_call, sizeof *p);
        return NULL;
    }
    p->program.ctx = cnn__context_retain(ctx);
    p->input_count = count;
    p->output_count = ours.output_count;
    if (predictor_fill(p, module, inputs, ours.calls) != CNN_OK) {
        cnn_predictor_free(p);
        return NULL;
    }
    return p;
}

void cnn_predictor_free(cnn_predictor *predictor)
{
    if (!predictor) {
        return;
    }
    cnn_context *ctx = predictor->program.ctx;
    for (int i = 0; i < MOST_CALLS; i++) {
        cnn__free(ctx, predictor->calls[i].steps);
        cnn__free(ctx, predictor->calls[i].memory);
    }
    cnn__program_end(&predictor->program);
    cnn__free(ctx, predictor->values);
    cnn__free(ctx, predictor->results);
    cnn__free(ctx, predictor);
    cnn__context_release(ctx);
}

/* ---- asking ---- */

int cnn_predictor_input_count(const cnn_predictor *predictor)
{
    return predictor_given(predictor, "predictor_input_count") ? predictor->input_count : 0;
}

int cnn_predictor_output_count(const cnn_predictor *predictor)
{
    return predictor_given(predictor, "predictor_output_count") ? predictor->output_count : 0;
}

static cnn_status value_get(const cnn_predictor *p, bool output, int i, cnn_predictor_value *value)
{
    const char *call = output ? "predictor_output" : "predictor_input";
    if (!p || !value) {
        return cnn__fail(NULL, CNN_ERROR_INVALID_ARGUMENT, "%s: %s is NULL", call, p ? "value" : "predictor");
    }
    int count = output ? p->output_count : p->input_count;
    if (i < 0 || i >= count) {
        return cnn__fail(p->program.ctx, CNN_ERROR_INVALID_ARGUMENT, "%s: there is no number %d, expected 0 to %d",
                         call, i, count - 1);
    }
    size_t given = value->struct_size;
    if (!cnn__struct_size_is_sane(given) || given < sizeof *value) {
        return cnn__fail(p->program.ctx, CNN_ERROR_INVALID_ARGUMENT, "%s: struct_size is %zu, expected at least %zu",
                         call, given, sizeof *value);
    }
    *value = p->values[output ? p->input_count + i : i];
    value->struct_size = given;
    return CNN_OK;
}

cnn_status cnn_predictor_input(const cnn_predictor *predictor, int i, cnn_predictor_value *value)
{
    return value_get(predictor, false, i, value);
}

cnn_status cnn_predictor_output(const cnn_predictor *predictor, int i, cnn_predictor_value *value)
{
    return value_get(predictor, true, i, value);
}

size_t cnn_predictor_memory(const cnn_predictor *predictor)
{
    if (!predictor_given(predictor, "predictor_memory")) {
        return 0;
    }
    int made = MOST_CALLS - __builtin_popcountll(atomic_load(&predictor->unmade));
    return cnn__program_bytes(&predictor->program) + (size_t)made * call_bytes(predictor);
}
