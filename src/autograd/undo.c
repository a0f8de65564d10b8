/* Writes that a step takes back if it fails. The elements of a tensor are copied before the step's first write to it;
 * the copies lie in the tape's arena, so that equal steps allocate nothing, and end with the step. */
#include "autograd/tape.h"

struct cnn__undo {
    cnn__undo *next;
    cnn__storage *storage; /* held */
    void *elements, *copy;
    size_t bytes;
    /* The number of the copying, among the device's launches: where that was lost, so was the write behind it */
    uint64_t number;
};

static bool is_protected(const cnn__step *step, const void *elements, size_t bytes)
{
    for (const cnn__undo *u = step->undo; u; u = u->next) {
        if (u->elements == elements && u->bytes == bytes) {
            return true;
        }
    }
    return false;
}

/* The memory for a copy lasts as long as the step: the tape's arena, or on a device a block of the tape's cache. */
static void *memory_like(cnn_tape *tape, const cnn_tensor *t, size_t bytes)
{
    static const cnn__op protect_op = { .name = "tape_protect" };
    cnn_context *ctx = cnn__step_of(tape)->ctx;
    if (!ctx->device) {
        return cnn__tape_arena(tape, bytes);
    }
    cnn__call call = { .op = &protect_op, .tape = tape, .ctx = ctx, .nil = cnn__tape_nil(tape) };
    cnn_tensor *block = cnn__result(&call, t->dtype, t->ndim, t->shape);
    if (block) {
        block->kept = true;
    }
    return block ? cnn__data(block) : NULL;
}

bool cnn__tape_protect(cnn_tape *tape, const cnn_tensor *t)
{
    cnn__step *step = cnn__step_of(tape);
    size_t bytes = (size_t)t->numel * cnn_dtype_size(t->dtype);
    void *elements = cnn__data(t);
    if (bytes && !is_protected(step, elements, bytes)) {
        cnn__undo *u = cnn__tape_arena(tape, sizeof *u);
        void *copy = u ? memory_like(tape, t, bytes) : NULL;
        if (!copy) {
            return false;
        }
        cnn_status copied = cnn__device_copy(step->ctx, "tape_protect", copy, elements, bytes);
        step->launched = cnn__device_number(step->ctx);
        if (copied != CNN_OK) {
            cnn__tape_fail(tape, cnn__failure_status(), "%s", cnn__failure_message());
            return false;
        }
        *u = (cnn__undo){ step->undo, cnn__storage_retain(t->storage), elements, copy,
                          bytes,      cnn__device_number(step->ctx) };
        step->undo = u;
    }
    cnn__tensor_written(t);
    return true;
}

void cnn__undo_all(cnn_tape *tape)
{
    cnn_context *ctx = cnn__step_of(tape)->ctx;
    for (const cnn__undo *u = cnn__step_of(tape)->undo; u; u = u->next) {
        if (!cnn__device_lost(ctx, u->number)) {
            cnn__device_copy(ctx, "tape_protect", u->elements, u->copy, u->bytes);
        }
        atomic_fetch_add_explicit(&u->storage->version, 1, memory_order_relaxed);
    }
}

void cnn__undo_forget(cnn_tape *tape)
{
    cnn__step *step = cnn__step_of(tape);
    for (cnn__undo *u = step->undo, *next; u; u = next) {
        next = u->next;
        cnn__storage_release(u->storage);
    }
    step->undo = NULL;
}

cnn_status cnn_tape_protect(cnn_tape *tape, cnn_tensor *tensor)
{
    if (!tape) {
        return cnn__fail(NULL, CNN_ERROR_INVALID_ARGUMENT, "tape_protect: tape is NULL");
    }
    const cnn__step *step = cnn__step_of(tape);
    if (step->status != CNN_OK) {
        return cnn__fail(step->ctx, step->status, "tape_protect: the step has failed: %s", step->message);
    }
    if (step->generation == 0) {
        return cnn__fail(step->ctx, CNN_ERROR_STATE,
                         "tape_protect: the tape has no step yet, expected cnn_tape_begin()");
    }
    if (cnn__tensor_check(tensor, "tape_protect") != CNN_OK) {
        return cnn__failure_status();
    }
    if (tensor->kind != CNN__TENSOR_PLAIN || tensor->ctx != step->ctx) {
        return cnn__fail(step->ctx, CNN_ERROR_STATE,
                         "tape_protect: the tensor is %s, expected a tensor such as a buffer",
                         tensor->kind == CNN__TENSOR_PLAIN ? "of another context than the tape" : "a result on a tape");
    }
    if (!cnn__contiguous(tensor)) {
        return cnn__fail(
            step->ctx, CNN_ERROR_UNSUPPORTED,
            "tape_protect: the tensor's elements are not contiguous, expected one that cnn_tensor_is_contiguous()");
    }
    return cnn__tape_protect(tape, tensor) ? CNN_OK : cnn__failure_status();
}
