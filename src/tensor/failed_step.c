/* Marks on the parameters of failed steps. A mark is a pointer in the tensor, written under the context's lock and
 * tested without it, so that a step that succeeds pays one load per parameter. */
#include "tensor/failed_step.h"

#include <string.h>

cnn__failed_step *cnn__failed_step_new(cnn_context *ctx)
{
    cnn__failed_step *failed = cnn__calloc(ctx, 1, sizeof *failed);
    if (failed) {
        failed->references = 1;
    }
    return failed;
}

/* Called with the lock held. If it returns true, the caller frees the record after it has released the lock. */
static bool drop_reference(cnn__failed_step *failed)
{
    return failed && --failed->references == 0;
}

cnn__failed_step *cnn__failed_step_renew(cnn_context *ctx, cnn__failed_step *failed)
{
    if (failed->status == CNN_OK) {
        return failed;
    }
    cnn__context_lock(ctx);
    bool marked = failed->references > 1;
    cnn__context_unlock(ctx);
    if (!marked) {
        failed->status = CNN_OK;
        failed->over = failed->reported = false;
        return failed;
    }
    cnn__failed_step *fresh = cnn__failed_step_new(ctx);
    if (fresh) {
        cnn__failed_step_end(ctx, failed);
    }
    return fresh;
}

void cnn__failed_step_end(cnn_context *ctx, cnn__failed_step *failed)
{
    if (!failed) {
        return;
    }
    cnn__context_lock(ctx);
    failed->over = true;
    bool last = drop_reference(failed);
    cnn__context_unlock(ctx);
    cnn__free(ctx, last ? failed : NULL);
}

void cnn__failed_step_set(cnn_context *ctx, cnn__failed_step *failed, cnn_status status, const char *message)
{
    cnn__context_lock(ctx);
    failed->status = status;
    size_t length = strnlen(message, sizeof failed->message - 1);
    memcpy(failed->message, message, length);
    failed->message[length] = '\0';
    cnn__context_unlock(ctx);
}

void cnn__failed_step_reported(cnn_context *ctx, cnn__failed_step *failed)
{
    cnn__context_lock(ctx);
    failed->reported = true;
    cnn__context_unlock(ctx);
}

/* Replaces the mark by `failed`, which may be NULL; called with the lock held. Returns a record that has no
 * reference left, or NULL. */
static cnn__failed_step *exchange(cnn_tensor *parameter, cnn__failed_step *failed)
{
    cnn__failed_step *old = atomic_load_explicit(&parameter->failed_step, memory_order_relaxed);
    if (failed) {
        failed->references++;
    }
    atomic_store_explicit(&parameter->failed_step, failed, memory_order_relaxed);
    return drop_reference(old) ? old : NULL;
}

static bool forgivable(const cnn__failed_step *failed)
{
    return !failed || failed->over || failed->reported;
}

void cnn__failed_step_mark(cnn__failed_step *failed, cnn_tensor *parameter)
{
    if (parameter->kind != CNN__TENSOR_PLAIN || !parameter->requires_grad) {
        return;
    }
    cnn__failed_step *unused = NULL;
    cnn__context_lock(parameter->ctx);
    if (forgivable(atomic_load_explicit(&parameter->failed_step, memory_order_relaxed))) {
        unused = exchange(parameter, failed);
    }
    cnn__context_unlock(parameter->ctx);
    cnn__free(parameter->ctx, unused);
}

static bool marked(const cnn_tensor *parameter)
{
    return atomic_load_explicit(&parameter->failed_step, memory_order_relaxed) != NULL;
}

static void unmark(cnn_tensor *parameter, bool always)
{
    if (!marked(parameter)) {
        return;
    }
    cnn__failed_step *unused = NULL;
    cnn__context_lock(parameter->ctx);
    if (always || forgivable(atomic_load_explicit(&parameter->failed_step, memory_order_relaxed))) {
        unused = exchange(parameter, NULL);
    }
    cnn__context_unlock(parameter->ctx);
    cnn__free(parameter->ctx, unused);
}

void cnn__failed_step_forgive(cnn_tensor *parameter)
{
    unmark(parameter, false);
}

void cnn__failed_step_drop(cnn_tensor *parameter)
{
    unmark(parameter, true);
}

cnn_status cnn__failed_step_check(const cnn_tensor *parameter)
{
    if (!marked(parameter)) {
        return CNN_OK;
    }
    cnn_status status = CNN_OK;
    char message[sizeof((cnn__failed_step *)0)->message] = "";
    cnn__context_lock(parameter->ctx);
    cnn__failed_step *failed = atomic_load_explicit(&parameter->failed_step, memory_order_relaxed);
    if (failed) {
        failed->reported = true;
        status = failed->status;
        memcpy(message, failed->message, sizeof message);
    }
    cnn__context_unlock(parameter->ctx);
    return status == CNN_OK ? CNN_OK : cnn__fail(parameter->ctx, status, "%s", message);
}
