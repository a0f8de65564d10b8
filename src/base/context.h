/* The inside of a context, and what every room uses of it: memory, failures, options.
 *
 * A context is reference-counted: each object that is made from it holds a reference, so users may free objects in
 * any order. Only the newest failure of the calling thread is global. */
#ifndef CNN_BASE_CONTEXT_H
#define CNN_BASE_CONTEXT_H

#include "base/known.h"
#include "base/message.h"
#include "base/pool.h"
#include "platform/thread.h"

#include <cnn/context.h>

#include <stdatomic.h>

struct cnn__device;
struct cnn__kernels;

struct cnn_context {
    atomic_int references;
    uint64_t serial; /* unique within the process, counted from 1 */
    int threads;
    struct cnn__device *device; /* NULL: the CPU (device/device.h) */
    atomic_int observers;       /* a profile, and traces that are being made (device/profile.h) */
    struct cnn_profile *profile;
    cnn_math math;
    atomic_uint_fast64_t seed;
    atomic_uint_fast64_t stream; /* the next unused random stream */
    cnn_allocate_fn allocate;
    cnn_deallocate_fn deallocate;
    void *allocator_user;
    cnn_log_fn log;
    void *log_user;
    const struct cnn__kernels *kernels;
    atomic_size_t kept_bytes; /* in weights that are packed for kernels (tensor/kept.h) */
    cnn__pool *pool;
    cnn__mutex
        lock; /* guards log and what its failed steps have marked (tensor/failed_step.h); see cnn__context_lock() */
    atomic_uint_fast64_t
        lock_process; /* twice the number of the process that made it; 1 more while one makes it anew */
};

cnn_context *cnn__context_retain(cnn_context *ctx);
void cnn__context_release(cnn_context *ctx);

/* Also works in a forked child, even if a thread that the child does not have held the lock. */
void cnn__context_lock(cnn_context *ctx);
void cnn__context_unlock(cnn_context *ctx);

/* Takes the next random stream: key = { seed, stream number }. */
void cnn__context_next_stream(cnn_context *ctx, uint64_t key[2]);

void cnn__log(cnn_context *ctx, cnn_log_level level, const char *format, ...) __attribute__((format(printf, 3, 4)));

/* Memory from the context's allocator, aligned to 64 bytes; size 0 gives a valid pointer. Returns NULL without a
 * report if there is no memory, because only the caller knows the name of the call (see cnn__fail_memory). cnn__free
 * accepts NULL. */
void *cnn__alloc(cnn_context *ctx, size_t size); /* ctx NULL: the C library's memory */
void *cnn__calloc(cnn_context *ctx, size_t count, size_t size);
char *cnn__strdup(cnn_context *ctx, const char *text);
void cnn__free(cnn_context *ctx, void *memory);

void cnn__allocator_default(cnn_context *ctx);

/* Records the calling thread's newest failure and returns `status`. The format produces the whole message, which
 * begins with the name of the call without "cnn_": "conv2d: input has …". Allocates nothing. */
cnn_status cnn__fail(const cnn_context *ctx, cnn_status status, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
cnn_status cnn__fail_memory(const cnn_context *ctx, const char *call, size_t bytes);
/* The newest failure of this thread in any context. */
const char *cnn__failure_message(void);
cnn_status cnn__failure_status(void);
/* The number of failures that this thread has had. Comparing it before and after a user's callback tells whether the
 * callback caused one. */
unsigned long cnn__failure_number(void);
/* Makes the newest failure stay until another but a call on NULL fails: a context could not be made. `keep` false: no
 * failure stays. */
void cnn__failure_keep(bool keep);

/* Whether a struct's size can be one that somebody has set. */
bool cnn__struct_size_is_sane(size_t size);

/* Copies an options struct that may be shorter (older) or longer (newer) than ours: missing fields become 0, and
 * unknown ones must be 0. Everything from offset `known` on is unknown: the reserved bytes, which a newer header may
 * use for options, and what a newer struct has beyond our end. If `given` is NULL, all fields become 0. Both structs
 * begin with size_t struct_size. If only the unknown part is at fault, `ours` is filled in even on failure, so that
 * a call can free what it has taken ownership of. */
cnn_status cnn__options_read(const cnn_context *ctx, const char *call, void *ours, size_t our_size, size_t known,
                             const void *given);
/* The same for a pointer to one of the public structs, all of which end in `reserved`. */
#define CNN__OPTIONS_READ(ctx, call, ours, given) \
    cnn__options_read((ctx), (call), (ours), sizeof *(ours), offsetof(__typeof__(*(ours)), reserved), (given))
/* Whether an option is set, that is, not 0. */
bool cnn__option_given(double given);
/* Maps 0 to the default `otherwise`, and CNN_ZERO (also that of version 0.1) to 0. */
double cnn__option(double given, double otherwise);
int64_t cnn__option_int(int64_t given, int64_t otherwise);

#endif
