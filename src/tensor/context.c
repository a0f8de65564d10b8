/* Creating, sharing and freeing a context. This file is in src/tensor because a context chooses its kernels, which
 * are above base/; everything else about contexts is in base/context.h. */
#include "base/context.h"

#include "base/random.h"
#include "base/references.h"
#include "device/device.h"
#include "kernels/kernels.h"
#include "platform/cpu.h"
#include "platform/process.h"
#include "platform/thread.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_THREADS = 8192 }; /* the largest number of CPUs that Linux supports */

static int available_cpus(void)
{
    int count = cnn__cpu_count();
    return count > MAX_THREADS ? MAX_THREADS : count;
}

static cnn_status context_check(const cnn_context_options *o)
{
    const char *call = "context_create";
    if (o->threads < 0 || o->threads > MAX_THREADS) {
        return cnn__fail(NULL, CNN_ERROR_INVALID_ARGUMENT, "%s: threads is %d, expected 1 to %d, or 0 for all CPUs",
                         call, o->threads, MAX_THREADS);
    }
    if ((unsigned)o->math > CNN_MATH_TF32) {
        return cnn__fail(NULL, CNN_ERROR_INVALID_ARGUMENT,
                         "%s: math is %d, expected CNN_MATH_FAST, CNN_MATH_STRICT or CNN_MATH_TF32", call,
                         (int)o->math);
    }
    if (!o->allocate != !o->deallocate) {
        return cnn__fail(NULL, CNN_ERROR_INVALID_ARGUMENT, "%s: allocate and deallocate go together, %s is missing",
                         call, o->allocate ? "deallocate" : "allocate");
    }
    return CNN_OK;
}

static const cnn__kernels *choose_kernels(const cnn_context_options *o)
{
    const char *name = o->kernels && *o->kernels ? o->kernels : o->kernels ? NULL : cnn__kernels_wanted();
    const cnn__kernels *kernels = cnn__kernels_select(name);
    if (!kernels) {
        cnn__fail(NULL, CNN_ERROR_DEVICE, "context_create: this CPU has no kernels named \"%s\"%s", CNN__Q(name),
                  o->kernels ? "" : " (from the environment variable CNN_KERNELS)");
    }
    return kernels;
}

/* The device that the options or the environment ask for; NULL: the CPU. */
static const char *choose_device(const cnn_context_options *o, char text[32])
{
    const char *name = o->device ? o->device : getenv("CNN_DEVICE");
    if (!name || !*name || strcmp(name, "cpu") == 0) {
        return NULL;
    }
    if (strcmp(name, "auto") != 0) {
        return name;
    }
    cnn_device_properties p = { .struct_size = sizeof p };
    if (cnn_device_count() < 2 || cnn_device_describe(1, &p) != CNN_OK) {
        return NULL;
    }
    memcpy(text, p.name, sizeof p.name);
    return text;
}

static bool open_device(cnn_context *ctx, const cnn_context_options *o)
{
    char text[32];
    const char *name = choose_device(o, text);
    ctx->device = name ? cnn__device_open(ctx, "context_create", name) : NULL;
    if (ctx->device || !name) {
        return true;
    }
    if (name != text || cnn__failure_status() != CNN_ERROR_DEVICE) {
        return false;
    }
    cnn_context_clear_error(NULL); /* a device that was not asked for cannot be used: the CPU can */
    return true;
}

static void fill(cnn_context *ctx, const cnn_context_options *o)
{
    static atomic_uint_fast64_t contexts;
    cnn__references_init(&ctx->references);
    ctx->serial = atomic_fetch_add_explicit(&contexts, 1, memory_order_relaxed) + 1;
    atomic_init(&ctx->seed, o->seed);
    CNN__ATOMIC(&ctx->seed);
    atomic_init(&ctx->stream, 0);
    CNN__ATOMIC(&ctx->stream);
    atomic_init(&ctx->lock_process, 2 * cnn__process());
    CNN__ATOMIC(&ctx->lock_process);
    atomic_init(&ctx->kept_bytes, 0);
    atomic_init(&ctx->observers, 0);
    ctx->threads = !CNN__THREADS ? 1 : o->threads ? o->threads : available_cpus();
    ctx->math = o->math;
    ctx->log = o->log;
    ctx->log_user = o->log_user;
}

/* What a context made of its options and its machine, for those who ask why it is slow. */
static void announce(cnn_context *ctx, const cnn_context_options *o)
{
    const cnn__kernels *fastest = cnn__kernels_select(NULL);
    int quota = ctx->log && !o->threads ? cnn__cpu_quota("") : 0;
    cnn__log(ctx, CNN_LOG_INFO, "context: %d thread%s, %s kernels", ctx->threads, ctx->threads == 1 ? "" : "s",
             ctx->kernels->name);
    if (quota > 0) {
        cnn__log(ctx, CNN_LOG_INFO, "context: the CPU quota of this process is worth %d CPU%s", quota,
                 quota == 1 ? "" : "s");
    }
    if (fastest != ctx->kernels) {
        cnn__log(ctx, CNN_LOG_WARNING, "context: %s kernels were asked for%s, this CPU also runs %s",
                 ctx->kernels->name, o->kernels ? "" : " (by the environment variable CNN_KERNELS)", fastest->name);
    }
}

static cnn_context *context_make(const cnn_context_options *options)
{
    cnn_context_options o;
    if (CNN__OPTIONS_READ(NULL, "context_create", &o, options) != CNN_OK || context_check(&o) != CNN_OK) {
        return NULL;
    }
    const cnn__kernels *kernels = choose_kernels(&o);
    if (!kernels) {
        return NULL;
    }
    cnn_context bootstrap = { .allocate = o.allocate, .deallocate = o.deallocate, .allocator_user = o.allocator_user };
    if (!bootstrap.allocate) {
        cnn__allocator_default(&bootstrap);
    }
    cnn_context *ctx = cnn__calloc(&bootstrap, 1, sizeof *ctx);
    if (!ctx) {
        cnn__fail_memory(NULL, "context_create", sizeof *ctx);
        return NULL;
    }
    ctx->allocate = bootstrap.allocate;
    ctx->deallocate = bootstrap.deallocate;
    ctx->allocator_user = bootstrap.allocator_user;
    ctx->kernels = kernels;
    fill(ctx, &o);
    cnn__mutex_init(&ctx->lock);
    if (ctx->threads > 1 && !(ctx->pool = cnn__pool_new(ctx, ctx->threads))) {
        cnn__context_release(ctx);
        return NULL;
    }
    if (!open_device(ctx, &o)) {
        cnn__context_release(ctx);
        return NULL;
    }
    announce(ctx, &o);
    return ctx;
}

cnn_context *cnn_context_create(const cnn_context_options *options)
{
    cnn__failure_keep(false);
    cnn_context *ctx = context_make(options);
    cnn__failure_keep(!ctx);
    return ctx;
}

cnn_context *cnn__context_retain(cnn_context *ctx)
{
    cnn__references_add(&ctx->references);
    return ctx;
}

void cnn__context_release(cnn_context *ctx)
{
    if (!ctx || !cnn__references_drop(&ctx->references)) {
        return;
    }
    cnn__device_close(ctx, ctx->device);
    cnn__pool_free(ctx->pool);
    cnn__mutex_destroy(&ctx->lock);
    cnn_context last = { .deallocate = ctx->deallocate, .allocator_user = ctx->allocator_user };
    cnn__free(&last, ctx);
}

void cnn_context_free(cnn_context *ctx)
{
    cnn__context_release(ctx);
}

/* Threads of the parent that may hold the lock do not exist in a forked child, so the first user in the child
 * initialises the lock again, and its other threads wait for that. */
void cnn__context_lock(cnn_context *ctx)
{
    const uint64_t made = 2 * cnn__process(), in_the_making = made + 1;
    uint_fast64_t owner = atomic_load(&ctx->lock_process);
    while (owner != made) {
        if (owner == in_the_making) {
            cnn__thread_yield();
            owner = atomic_load(&ctx->lock_process);
        } else if (atomic_compare_exchange_strong(&ctx->lock_process, &owner, in_the_making)) {
            cnn__mutex_init(&ctx->lock);
            atomic_store(&ctx->lock_process, made);
            owner = made;
        }
    }
    cnn__mutex_lock(&ctx->lock);
}

void cnn__context_unlock(cnn_context *ctx)
{
    cnn__mutex_unlock(&ctx->lock);
}

static void context_missing(const char *call)
{
    cnn__fail(NULL, CNN_ERROR_INVALID_ARGUMENT, "%s: ctx is NULL", call);
}

int cnn_context_threads(const cnn_context *ctx)
{
    if (!ctx) {
        context_missing("context_threads");
        return 0;
    }
    return ctx->threads;
}

const char *cnn_context_device(const cnn_context *ctx)
{
    if (!ctx) {
        context_missing("context_device");
        return "";
    }
    return ctx->device ? ctx->device->name : "cpu";
}

const char *cnn_context_kernels(const cnn_context *ctx)
{
    if (!ctx) {
        context_missing("context_kernels");
        return "";
    }
    return ctx->kernels->name;
}

cnn_math cnn_context_math(const cnn_context *ctx)
{
    if (!ctx) {
        context_missing("context_math");
        return CNN_MATH_FAST;
    }
    return ctx->math;
}

void cnn__context_next_stream(cnn_context *ctx, uint64_t key[2])
{
    key[0] = ctx->seed;
    key[1] = atomic_fetch_add(&ctx->stream, 1) % CNN__STREAMS;
}

cnn_status cnn_context_random_state(const cnn_context *ctx, cnn_random_state *state)
{
    if (!ctx || !state) {
        return cnn__fail(ctx, CNN_ERROR_INVALID_ARGUMENT, "context_random_state: %s is NULL", ctx ? "state" : "ctx");
    }
    *state = (cnn_random_state){ .seed = ctx->seed, .stream = atomic_load(&ctx->stream) % CNN__STREAMS };
    return CNN_OK;
}

cnn_status cnn_context_set_random_state(cnn_context *ctx, const cnn_random_state *state)
{
    if (!ctx || !state) {
        return cnn__fail(ctx, CNN_ERROR_INVALID_ARGUMENT, "context_set_random_state: %s is NULL",
                         ctx ? "state" : "ctx");
    }
    if (state->stream >= CNN__STREAMS) {
        return cnn__fail(ctx, CNN_ERROR_INVALID_ARGUMENT,
                         "context_set_random_state: stream is %" PRIu64 ", expected 0 to 2^40 - 1", state->stream);
    }
    if (state->reserved[0] || state->reserved[1]) {
        return cnn__fail(ctx, CNN_ERROR_UNSUPPORTED,
                         "context_set_random_state: a reserved member is set, which this library does not know");
    }
    ctx->seed = state->seed;
    atomic_store(&ctx->stream, state->stream);
    return CNN_OK;
}

void cnn__log(cnn_context *ctx, cnn_log_level level, const char *format, ...)
{
    if (!ctx->log) {
        return;
    }
    char message[CNN__MESSAGE_SIZE];
    va_list arguments;
    va_start(arguments, format);
    cnn__message_list(message, sizeof message, format, arguments);
    va_end(arguments);
    int cancel = cnn__cancel_defer();
    cnn__context_lock(ctx);
    ctx->log(level, message, ctx->log_user);
    cnn__context_unlock(ctx);
    cnn__cancel_restore(cancel);
}
