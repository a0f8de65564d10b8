/* The device of a context: its queue, launches, copies, and failures that come late.
 *
 * A context on the CPU has no device (NULL), and a launch is a call. Any other device is a queue of a back end
 * (<cnn/backend.h>). A failure is noticed when somebody waits: cnn__device_wait() says which launches were lost. */
#ifndef CNN_DEVICE_DEVICE_H
#define CNN_DEVICE_DEVICE_H

#include "base/context.h"
#include "base/dtype.h"
#include "device/profile.h"

enum { CNN__LOST = 16 };

typedef struct cnn__device {
    const cnn_backend *backend;
    char name[32]; /* "cuda:0" */
    void *queue;
    bool records;     /* it computes nothing, but notes what the CPU is to compute (predict/recorder.h) */
    const char *call; /* the call that the newest launch is for, as messages begin */
    cnn__mutex lock;  /* held around every call of the queue's functions */
    uint64_t number;  /* the number of the newest launch or copy */
    /* The newest failures, in a ring: the launches from `from` to `to` were not carried out. */
    struct cnn__lost {
        uint64_t from, to;
    } lost[CNN__LOST];
    atomic_uint_fast64_t failures; /* how many there were */
    cnn_status status;             /* the newest one's, and what is said of it; under the lock */
    char message[CNN__MESSAGE_SIZE];
} cnn__device;

/* ---- opening ---- */

/* Finds the back end and the number of a device's name; NULL: there is none. A back end that has no device at all is
 * found, so that opening one says why. */
const cnn_backend *cnn__backend_find(const char *name, int *index);
/* The names of all devices, as messages list them: "cpu, cuda:0". */
void cnn__device_names(char *text, size_t size);
/* Opens a queue; NULL: reported as `call`. */
cnn__device *cnn__device_open(cnn_context *ctx, const char *call, const char *name);
void cnn__device_close(cnn_context *ctx, cnn__device *device);
/* Gives a context on the CPU, which has no tensors yet, a recording device. false: no memory, reported. */
bool cnn__device_attach(cnn_context *ctx, const cnn_backend *backend, void *queue);
/* Whether the CPU's kernels carry out what is launched, now or later. */
static inline bool cnn__device_is_cpu(const cnn_context *ctx)
{
    return !ctx->device || ctx->device->records;
}

/* ---- memory ---- */

void *cnn__device_allocate(cnn_context *ctx, size_t bytes);
void cnn__device_deallocate(cnn_context *ctx, void *memory, size_t bytes);

/* ---- work ----
 * `call` is how messages begin. On the CPU these are plain calls and copies. */

/* Carries a launch out, or hands it over. Where a kernel fails at once, the caller finds its detail in `failure`, which
 * may be NULL, and reports; every other failure is reported. */
cnn_status cnn__launch_checked(cnn_context *ctx, const char *call, cnn_launch *launch, cnn_backend_failure *failure);
static inline cnn_status cnn__launch(cnn_context *ctx, const char *call, cnn_launch *launch)
{
    if (!ctx->device && !cnn__observed(ctx) && !cnn__dtype_is_stored(launch->dtype)) {
        cnn__cpu_run(launch, ctx->kernels, ctx->pool, NULL);
        return CNN_OK;
    }
    return cnn__launch_checked(ctx, call, launch, NULL);
}
size_t cnn__launch_workspace(cnn_context *ctx, const cnn_launch *launch);

/* Copies between the host and a device, or within a device. Reading waits. */
cnn_status cnn__device_write(cnn_context *ctx, const char *call, void *to, const void *from, size_t bytes);
cnn_status cnn__device_read(cnn_context *ctx, const char *call, void *to, const void *from, size_t bytes);
cnn_status cnn__device_copy(cnn_context *ctx, const char *call, void *to, const void *from, size_t bytes);

/* The number of the newest launch; 0 on the CPU. */
uint64_t cnn__device_number(const cnn_context *ctx);
/* Waits for everything up to `number`; a failure is reported as `call` and fails the steps that run on the context. */
cnn_status cnn__device_wait(cnn_context *ctx, const char *call, uint64_t number);
/* Was launch `number` lost in one of the newest failures? */
bool cnn__device_lost(const cnn_context *ctx, uint64_t number);

/* The number of failures so far; 0 on the CPU. A step that began before one of them has lost launches. */
static inline uint64_t cnn__device_failures(const cnn_context *ctx)
{
    return ctx->device ? atomic_load_explicit(&ctx->device->failures, memory_order_acquire) : 0;
}
/* Was launch `number`, or one before it, lost in a failure after the first `known`? */
bool cnn__device_lost_since(const cnn_context *ctx, uint64_t known, uint64_t number);
/* Copies what is said of the newest one, and returns its status. */
cnn_status cnn__device_newest_failure(cnn_context *ctx, char *message, size_t size);

/* The thread that notices a failure tells its own step at once (autograd/step.c). Set once. */
typedef void (*cnn__device_failed_fn)(cnn_context *ctx);
void cnn__device_on_failure(cnn__device_failed_fn fn);

#endif
