/* A context's queue on a device. */
#include "device/device.h"

#include "base/error.h"
#include "platform/clock.h"

#include <stdio.h>
#include <string.h>

static _Atomic(cnn__device_failed_fn) on_failure;

void cnn__device_on_failure(cnn__device_failed_fn fn)
{
    atomic_store(&on_failure, fn);
}

/* ---- opening ---- */

cnn__device *cnn__device_open(cnn_context *ctx, const char *call, const char *name)
{
    int index = 0;
    char text[200] = "";
    const cnn_backend *backend = cnn__backend_find(name, &index);
    if (!backend) {
        cnn__device_names(text, sizeof text);
        cnn__fail(NULL, CNN_ERROR_DEVICE, "%s: there is no device \"%s\", expected one of: %s", call, CNN__Q(name),
                  text);
        return NULL;
    }
    cnn__device *device = cnn__calloc(ctx, 1, sizeof *device);
    if (!device) {
        cnn__fail_memory(NULL, call, sizeof *device);
        return NULL;
    }
    device->backend = backend;
    snprintf(device->name, sizeof device->name, "%s:%d", backend->name, index);
    int cancel = cnn__cancel_defer();
    device->queue = backend->open(index, text, sizeof text);
    cnn__cancel_restore(cancel);
    if (!device->queue) {
        cnn__fail(NULL, CNN_ERROR_DEVICE, "%s: the device %s could not be opened: %s", call, device->name,
                  *text ? text : "no reason given");
        cnn__free(ctx, device);
        return NULL;
    }
    if (backend->struct_size > offsetof(cnn_backend, math) && backend->math) {
        backend->math(device->queue, ctx->math);
    }
    cnn__mutex_init(&device->lock);
    return device;
}

bool cnn__device_attach(cnn_context *ctx, const cnn_backend *backend, void *queue)
{
    cnn__device *device = cnn__calloc(ctx, 1, sizeof *device);
    if (!device) {
        cnn__fail_memory(NULL, backend->name, sizeof *device);
        return false;
    }
    device->backend = backend;
    device->queue = queue;
    device->records = true;
    cnn__message(device->name, sizeof device->name, "%s", backend->name);
    cnn__mutex_init(&device->lock);
    ctx->device = device;
    return true;
}

void cnn__device_close(cnn_context *ctx, cnn__device *device)
{
    if (device) {
        int cancel = cnn__cancel_defer();
        device->backend->close(device->queue);
        cnn__cancel_restore(cancel);
        cnn__mutex_destroy(&device->lock);
        cnn__free(ctx, device);
    }
}

/* ---- the queue ---- */

/* Begins calls of the queue's functions. A back end may wait and read in them, which a cancelled thread must not leave
 * half way. */
static int device_enter(cnn__device *d)
{
    int cancel = cnn__cancel_defer();
    cnn__mutex_lock(&d->lock);
    return cancel;
}

static void device_leave(cnn__device *d, int cancel)
{
    cnn__mutex_unlock(&d->lock);
    cnn__cancel_restore(cancel);
}

/* ---- memory ---- */

void *cnn__device_allocate(cnn_context *ctx, size_t bytes)
{
    cnn__device *d = ctx->device;
    int cancel = device_enter(d);
    size_t size;
    char *why = cnn__memory_reason(&size);
    void *memory = d->backend->allocate(d->queue, bytes ? bytes : 1);
    if (!memory && d->backend->problem) {
        d->backend->problem(d->queue, why, size);
    }
    device_leave(d, cancel);
    return memory;
}

void cnn__device_deallocate(cnn_context *ctx, void *memory, size_t bytes)
{
    cnn__device *d = ctx->device;
    if (memory) {
        int cancel = device_enter(d);
        d->backend->deallocate(d->queue, memory, bytes ? bytes : 1);
        device_leave(d, cancel);
    }
}

/* ---- failures ---- */

static cnn_status tell(cnn_context *ctx, const char *call, const cnn_backend_failure *failure)
{
    cnn__device *d = ctx->device;
    cnn__mutex_lock(&d->lock);
    d->status = failure->status == CNN_OK ? CNN_ERROR_DEVICE : failure->status;
    cnn__message(d->message, sizeof d->message, "%s: on the device %s %s failed: %s", call, d->name,
                 cnn__kernel_name(failure->kernel), *failure->message ? failure->message : "no reason given");
    cnn__mutex_unlock(&d->lock);
    atomic_fetch_add(&d->failures, 1);
    cnn__device_failed_fn fn = atomic_load(&on_failure);
    if (fn) {
        fn(ctx);
    }
    char message[CNN__MESSAGE_SIZE];
    cnn_status status = cnn__device_newest_failure(ctx, message, sizeof message);
    return cnn__fail(ctx, status, "%s", message);
}

cnn_status cnn__device_newest_failure(cnn_context *ctx, char *message, size_t size)
{
    cnn__device *d = ctx->device;
    cnn__mutex_lock(&d->lock);
    cnn_status status = d->status;
    cnn__message(message, size, "%s", d->message);
    cnn__mutex_unlock(&d->lock);
    return status;
}

/* The queue's lock is held. */
static void note_lost(cnn__device *d, uint64_t from)
{
    d->lost[atomic_load(&d->failures) % CNN__LOST] = (struct cnn__lost){ from, d->number };
}

/* Asks the queue, whose lock is held, what has failed. */
static bool device_collect(cnn__device *d, uint64_t number, cnn_backend_failure *failure)
{
    *failure = (cnn_backend_failure){ .struct_size = sizeof *failure, .kernel = -1 };
    if (d->backend->wait(d->queue, number, failure)) {
        return true;
    }
    note_lost(d, failure->number);
    return false;
}

cnn_status cnn__device_wait(cnn_context *ctx, const char *call, uint64_t number)
{
    cnn__device *d = ctx->device;
    if (!d) {
        return CNN_OK;
    }
    cnn_backend_failure failure;
    int cancel = device_enter(d);
    bool done = device_collect(d, number, &failure);
    device_leave(d, cancel);
    return done ? CNN_OK : tell(ctx, call, &failure);
}

uint64_t cnn__device_number(const cnn_context *ctx)
{
    return ctx->device ? ctx->device->number : 0;
}

bool cnn__device_lost(const cnn_context *ctx, uint64_t number)
{
    cnn__device *d = ctx->device;
    bool lost = false;
    if (!d || !number) {
        return false;
    }
    cnn__mutex_lock(&d->lock);
    for (int i = 0; !lost && i < CNN__LOST; i++) {
        lost = number >= d->lost[i].from && number <= d->lost[i].to;
    }
    cnn__mutex_unlock(&d->lock);
    return lost;
}

bool cnn__device_lost_since(const cnn_context *ctx, uint64_t known, uint64_t number)
{
    cnn__device *d = ctx->device;
    bool lost = false;
    if (!d) {
        return false;
    }
    cnn__mutex_lock(&d->lock);
    for (uint64_t i = known; i < cnn__device_failures(ctx) && !lost; i++) {
        lost = d->lost[i % CNN__LOST].from <= number;
    }
    cnn__mutex_unlock(&d->lock);
    return lost;
}

cnn_status cnn_context_synchronize(cnn_context *ctx)
{
    if (!ctx) {
        return cnn__fail(NULL, CNN_ERROR_INVALID_ARGUMENT, "context_synchronize: ctx is NULL");
    }
    return cnn__device_wait(ctx, "context_synchronize", cnn__device_number(ctx));
}

/* ---- work ---- */

static cnn_status refused(cnn_context *ctx, const char *call, const cnn_launch *launch)
{
    return cnn__fail(ctx, CNN_ERROR_UNSUPPORTED, "%s: the device %s has no kernel %s for %s", call,
                     ctx->device ? ctx->device->name : "cpu", cnn__kernel_name((int)launch->kernel),
                     cnn_dtype_name(launch->dtype));
}

/* A hand-over that was not taken has failed like one that fails later; what came before it counts first. */
static cnn_status not_taken(cnn_context *ctx, const char *call, int kernel)
{
    cnn__device *d = ctx->device;
    cnn_backend_failure failure;
    int cancel = device_enter(d);
    if (device_collect(d, d->number, &failure)) {
        failure = (cnn_backend_failure){ .kernel = kernel, .number = d->number, .message = "it was not taken" };
        note_lost(d, failure.number);
    }
    device_leave(d, cancel);
    return tell(ctx, call, &failure);
}

static cnn_status hand_over(cnn_context *ctx, const char *call, cnn_launch *launch, cnn_backend_failure *failure)
{
    cnn__device *d = ctx->device;
    if (!d && !cnn__cpu_supports(launch)) {
        return refused(ctx, call, launch);
    }
    if (!d) {
        return cnn__cpu_run(launch, ctx->kernels, ctx->pool, failure) ? CNN_OK : CNN_ERROR_INVALID_ARGUMENT;
    }
    int cancel = device_enter(d);
    bool known = d->backend->supports(d->queue, launch->kernel, launch->dtype);
    launch->number = known ? ++d->number : 0;
    d->call = call;
    bool taken = known && d->backend->launch(d->queue, launch);
    device_leave(d, cancel);
    return taken ? CNN_OK : known ? not_taken(ctx, call, (int)launch->kernel) : refused(ctx, call, launch);
}

cnn_status cnn__launch_checked(cnn_context *ctx, const char *call, cnn_launch *launch, cnn_backend_failure *failure)
{
    if (!ctx->profile) {
        return hand_over(ctx, call, launch, failure);
    }
    double start = cnn__clock();
    cnn_status status = hand_over(ctx, call, launch, failure);
    if (status == CNN_OK && ctx->profile->synchronize) {
        status = cnn__device_wait(ctx, call, launch->number);
    }
    cnn__profile_launch(ctx, call, launch, start);
    return status;
}

size_t cnn__launch_workspace(cnn_context *ctx, const cnn_launch *launch)
{
    cnn__device *d = ctx->device;
    if (!d) {
        return cnn__cpu_workspace(launch, ctx->kernels, cnn__pool_size(ctx->pool));
    }
    int cancel = device_enter(d);
    bool known = d->backend->supports(d->queue, launch->kernel, launch->dtype);
    size_t bytes = known ? d->backend->workspace(d->queue, launch) : 0;
    device_leave(d, cancel);
    return bytes;
}

typedef bool (*copy_fn)(void *queue, void *to, const void *from, size_t bytes, uint64_t number);

static cnn_status transfer(cnn_context *ctx, const char *call, copy_fn copy, void *to, const void *from, size_t bytes)
{
    cnn__device *d = ctx->device;
    int cancel = device_enter(d);
    bool taken = copy(d->queue, to, from, bytes, ++d->number);
    device_leave(d, cancel);
    return taken ? CNN_OK : not_taken(ctx, call, -1);
}

cnn_status cnn__device_write(cnn_context *ctx, const char *call, void *to, const void *from, size_t bytes)
{
    if (ctx->device && bytes) {
        return transfer(ctx, call, ctx->device->backend->write, to, from, bytes);
    }
    if (bytes) {
        memmove(to, from, bytes);
    }
    return CNN_OK;
}

cnn_status cnn__device_copy(cnn_context *ctx, const char *call, void *to, const void *from, size_t bytes)
{
    if (ctx->device && bytes) {
        return transfer(ctx, call, ctx->device->backend->copy, to, from, bytes);
    }
    if (bytes) {
        memmove(to, from, bytes);
    }
    return CNN_OK;
}

cnn_status cnn__device_read(cnn_context *ctx, const char *call, void *to, const void *from, size_t bytes)
{
    if (ctx->device && bytes) {
        return transfer(ctx, call, ctx->device->backend->read, to, from, bytes);
    }
    if (bytes) {
        memmove(to, from, bytes);
    }
    return CNN_OK;
}
