/* Writes that a step takes back if it fails. The elements of a tensor are copied before the step's first write to it;
 * the copies lie in the tape's arena, so that equal steps allocate nothing, and end with the step. */
#include "autograd/tape.h"

#include <string.h>

struct cnn__undo {
    cnn__undo *next;
    cnn__storage *storage; /* held */
    void *elements, *copy;
    size_t bytes;
};

static cnn__step *step_of(const cnn_tape *tape)
{
    return (cnn__step *)(uintptr_t)tape;
}

static bool is_protected(const cnn__step *step, const void *elements, size_t bytes)
{
    for (const cnn__undo *u = step->undo; u; u = u->next) {
        if (u->elements == elements && u->bytes == bytes) {
            return true;
        }
    }
    return false;
}

bool cnn__tape_protect(cnn_tape *tape, const cnn_tensor *t)
{
    cnn__step *step = step_of(tape);
    size_t bytes = (size_t)t->numel * cnn_dtype_size(t->dtype);
    void *elements = cnn__data(t);
    if (bytes && !is_protected(step, elements, bytes)) {
        cnn__undo *u = cnn__tape_arena(tape, sizeof *u);
        void *copy = u ? cnn__tape_arena(tape, bytes) : NULL;
        if (!copy) {
            return false;
        }
        memcpy(copy, elements, bytes);
        *u = (cnn__undo){ step->undo, cnn__storage_retain(t->storage), elements, copy, bytes };
        step->undo = u;
    }
    cnn__tensor_written(t);
    return true;
}

void cnn__undo_all(cnn_tape *tape)
{
    for (const cnn__undo *u = step_of(tape)->undo; u; u = u->next) {
        memcpy(u->elements, u->copy, u->bytes);
        atomic_fetch_add_explicit(&u->storage->version, 1, memory_order_relaxed);
    }
}

void cnn__undo_forget(cnn_tape *tape)
{
    cnn__step *step = step_of(tape);
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
    const cnn__step *step = step_of(tape);
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
