/* Failures of steps. The first one stays: on the tape, and on the parameters that the step uses, where the optimizer
 * meets it.
 *
 * An operation that fails without an operand on a tape counts for the step that its thread began last. That step's
 * tape may be gone, so every tape is in a list, and a thread remembers its tape by a serial number and the number of
 * its step. */
#include "autograd/running.h"
#include "autograd/tape.h"

#include "platform/annotate.h"
#include "tensor/failed_step.h"

#include <stdarg.h>
#include <string.h>

/* ---- the list of all tapes ---- */

static cnn__mutex step_lock = CNN__MUTEX;
static cnn__step *first;
static uint64_t serials;

static void lock_list(void)
{
    cnn__mutex_lock(&step_lock);
}

static void unlock_list(void)
{
    cnn__mutex_unlock(&step_lock);
}

/* The child of a fork gets the list whole and its lock free, whatever the other threads were doing. */
static void survive_forks(void)
{
    cnn__at_fork(lock_list, unlock_list, unlock_list);
}

void cnn__step_check_device(cnn_tape *tape)
{
    cnn__step *step = cnn__step_of(tape);
    uint64_t failures = cnn__device_failures(step->ctx);
    if (failures != step->device_failures) {
        char message[CNN__MESSAGE_SIZE];
        cnn_status status = cnn__device_newest_failure(step->ctx, message, sizeof message);
        step->device_failures = failures;
        cnn__tape_fail(tape, status, "%s", message);
    }
}

void cnn__step_check_launches(cnn_tape *tape)
{
    const cnn__step *step = cnn__step_of(tape);
    if (cnn__device_lost_since(step->ctx, step->device_failures, step->launched)) {
        cnn__step_check_device(tape);
    }
}

/* The step of this thread that is under way, or that was the last; those of other threads find out for themselves. */
static void device_failed(cnn_context *ctx)
{
    cnn_tape *tape = cnn__current_tape(ctx);
    if (tape) {
        cnn__step_check_launches(tape);
    }
}

static void step_prepare(void)
{
    survive_forks();
    cnn__device_on_failure(device_failed);
}

bool cnn__step_init(cnn_tape *tape)
{
    static cnn__once once = CNN__ONCE;
    cnn__once_run(&once, step_prepare);
    cnn__step *step = cnn__step_of(tape);
    step->failed = cnn__failed_step_new(step->ctx);
    if (!step->failed) {
        return false;
    }
    CNN__ATOMIC(&step->generation);
    lock_list();
    step->serial = ++serials;
    step->next = first;
    if (first) {
        first->previous = step;
    }
    first = step;
    unlock_list();
    return true;
}

void cnn__step_end(cnn_tape *tape)
{
    cnn__step *step = cnn__step_of(tape);
    if (!step->serial) {
        return;
    }
    lock_list();
    if (step->previous) {
        step->previous->next = step->next;
    } else {
        first = step->next;
    }
    if (step->next) {
        step->next->previous = step->previous;
    }
    unlock_list();
    cnn__failed_step_end(step->ctx, step->failed);
}

cnn_status cnn__step_begin(cnn_tape *tape)
{
    cnn__step *step = cnn__step_of(tape);
    cnn__failed_step *next = cnn__failed_step_renew(step->ctx, step->failed);
    if (!next) {
        return CNN_ERROR_NO_MEMORY;
    }
    step->failed = next;
    step->status = CNN_OK;
    step->message[0] = '\0';
    step->device_failures = cnn__device_failures(step->ctx);
    step->launched = 0;
    step->generation++;
    cnn__begun_set((cnn__begun){ tape, step->serial, step->generation });
    return CNN_OK;
}

cnn_tape *cnn__current_tape(const cnn_context *ctx)
{
    cnn__begun begun = cnn__begun_get();
    lock_list();
    const cnn__step *step = first;
    while (step && step->serial != begun.serial) {
        step = step->next;
    }
    cnn_tape *tape = step && step->generation == begun.generation ? begun.tape : NULL;
    unlock_list(); /* allocators of the user's run while a step fails, and may make tapes */
    tape = cnn__running_tape() ? cnn__running_tape() : tape;
    return tape && ctx && cnn__step_of(tape)->ctx != ctx ? NULL : tape;
}

/* ---- failing ---- */

static bool records(const cnn_tape *tape)
{
    cnn_mode mode = cnn_tape_mode(tape);
    return mode == CNN_TRAIN || mode == CNN_EVAL_GRAD;
}

static void mark(cnn_tensor *leaf, void *failed)
{
    cnn__failed_step_mark(failed, leaf);
}

cnn_tensor *cnn__tape_fail(cnn_tape *tape, cnn_status status, const char *format, ...)
{
    cnn__step *step = cnn__step_of(tape);
    if (step->status != CNN_OK) {
        return cnn__tape_nil(tape);
    }
    const cnn__running *where = cnn__running_on(tape, CNN__RUNNING_MODULE);
    char path[CNN__MESSAGE_SIZE] = "";
    if (where) {
        where->path(where, path, sizeof path);
    }
    cnn__escape(step->message, sizeof step->message, path);
    size_t length = strlen(step->message);
    va_list arguments;
    va_start(arguments, format);
    cnn__message_list(step->message + length, sizeof step->message - length, format, arguments);
    va_end(arguments);
    step->status = status;
    cnn__undo_all(tape);
    cnn__fail(step->ctx, status, "%s", step->message);
    if (records(tape)) {
        cnn__failed_step_set(step->ctx, step->failed, status, step->message);
        cnn__tape_each_leaf(tape, mark, step->failed);
    }
    return cnn__tape_nil(tape);
}

void cnn__tape_blame(cnn_tape *tape, cnn_tensor *operand)
{
    const cnn__step *step = cnn__step_of(tape);
    bool failed = tape && step->status != CNN_OK && records(tape) && cnn__tape_recording(tape);
    if (!failed || !operand || operand->kind != CNN__TENSOR_PLAIN || !operand->requires_grad ||
        operand->ctx != step->ctx) {
        return;
    }
    cnn__failed_step_mark(step->failed, operand);
    cnn_tensor *handle = cnn__tape_handle(tape, NULL); /* so that backward finds it again */
    if (handle) {
        handle->leaf = cnn__tensor_retain(operand);
    }
}

cnn_tensor *cnn__found_fail(cnn_tape *found, const cnn_context *ctx, cnn_status status, const char *format, ...)
{
    char message[CNN__MESSAGE_SIZE];
    va_list arguments;
    va_start(arguments, format);
    cnn__message_list(message, sizeof message, format, arguments);
    va_end(arguments);
    if (found) {
        return cnn__tape_fail(found, status, "%s", message);
    }
    cnn__fail(ctx, status, "%s", message);
    return cnn__tape_nil(NULL);
}

cnn_tensor *cnn__current_fail(const cnn_context *ctx, cnn_status status, const char *format, ...)
{
    char message[CNN__MESSAGE_SIZE];
    va_list arguments;
    va_start(arguments, format);
    cnn__message_list(message, sizeof message, format, arguments);
    va_end(arguments);
    return cnn__found_fail(cnn__current_tape(ctx), ctx, status, "%s", message);
}

cnn_status cnn__step_report(cnn_tape *tape)
{
    const cnn__step *step = cnn__step_of(tape);
    if (records(tape)) {
        cnn__tape_each_leaf(tape, mark, step->failed);
        cnn__failed_step_reported(step->ctx, step->failed);
    }
    return cnn__fail(step->ctx, step->status, "%s", step->message);
}

/* ---- asking ---- */

cnn_status cnn_tape_status(const cnn_tape *tape)
{
    if (!tape) {
        return cnn__fail(NULL, CNN_ERROR_INVALID_ARGUMENT, "tape_status: tape is NULL");
    }
    const cnn__step *step = cnn__step_of(tape);
    if (step->status != CNN_OK && records(tape)) {
        cnn__failed_step_reported(step->ctx, step->failed);
    }
    return step->status;
}

const char *cnn_tape_error(const cnn_tape *tape)
{
    if (!tape) {
        cnn__fail(NULL, CNN_ERROR_INVALID_ARGUMENT, "tape_error: tape is NULL");
        return "";
    }
    return cnn__step_of(tape)->message;
}
