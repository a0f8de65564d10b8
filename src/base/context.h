/* The inside of a context, and what every room takes from it: memory, failures, options.
 *
 * A context is reference-counted: each object made from it holds it, so the order in which users free things does not
 * matter. Nothing here is global except the calling thread's newest failure. */
#ifndef CNN_BASE_CONTEXT_H
#define CNN_BASE_CONTEXT_H

#include "base/known.h"
#include "base/message.h"
#include "base/pool.h"

#include <cnn/context.h>

#include <pthread.h>
#include <stdatomic.h>

struct cnn__kernels;

struct cnn_context {
    atomic_int references;
    uint64_t serial; /* from 1; no two contexts of a process have the same */
    int threads;
    cnn_device device;
    cnn_math math;
    atomic_uint_fast64_t seed;
    atomic_uint_fast64_t stream; /* the next unused random stream */
    cnn_allocate_fn allocate;
    cnn_deallocate_fn deallocate;
    void *allocator_user;
    cnn_log_fn log;
    void *log_user;
    const struct cnn__kernels *kernels;
    cnn__pool *pool;
    pthread_mutex_t
        lock; /* guards log and what its failed steps have marked (tensor/failed_step.h); see cnn__context_lock() */
    atomic_uint_fast64_t
        lock_process; /* twice the number of the process that made it; 1 more while one makes it anew */
};

cnn_context *cnn__context_retain(cnn_context *ctx);
void cnn__context_release(cnn_context *ctx);

/* A forked child takes the context's lock too, even if a thread held it that the child does not have. */
void cnn__context_lock(cnn_context *ctx);
void cnn__context_unlock(cnn_context *ctx);

/* Takes the next random stream: key = { seed, stream number }. */
void cnn__context_next_stream(cnn_context *ctx, uint64_t key[2]);

void cnn__log(cnn_context *ctx, cnn_log_level level, const char *format, ...) __attribute__((format(printf, 3, 4)));

/* Memory from the context's allocator, aligned to 64 bytes; size 0 gives a valid pointer. NULL when there is none,
 * without a report: the caller knows the call's name (see cnn__fail_memory). cnn__free takes NULL. */
void *cnn__alloc(cnn_context *ctx, size_t size); /* ctx NULL: the C library's memory */
void *cnn__calloc(cnn_context *ctx, size_t count, size_t size);
char *cnn__strdup(cnn_context *ctx, const char *text);
void cnn__free(cnn_context *ctx, void *memory);

void cnn__allocator_default(cnn_context *ctx);

/* Records the calling thread's newest failure and returns `status`. The format makes the whole message, which begins
 * with the call's name without "cnn_": "conv2d: input has …". Allocates nothing. */
cnn_status cnn__fail(const cnn_context *ctx, cnn_status status, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
cnn_status cnn__fail_memory(const cnn_context *ctx, const char *call, size_t bytes);
/* The newest failure of this thread, whatever its context. */
const char *cnn__failure_message(void);
cnn_status cnn__failure_status(void);
/* How many failures this thread has had: tells whether a callback of the user's has met one of ours. */
unsigned long cnn__failure_number(void);

/* Copies an options struct that may be shorter (older) or longer (newer) than ours: missing fields become 0, unknown
 * ones must be 0. Unknown is whatever lies at `known` or after it: the reserved bytes, of which a newer header may
 * have made options, and what a newer struct has past our end. `given` NULL gives all zeros. Both structs begin with
 * size_t struct_size. Where only the unknown part is at fault, `ours` is filled in on failure too, so that a call
 * can free what it has taken. */
cnn_status cnn__options_read(const cnn_context *ctx, const char *call, void *ours, size_t our_size, size_t known,
                             const void *given);
/* The same for a pointer to one of the public structs, all of which end in `reserved`. */
#define CNN__OPTIONS_READ(ctx, call, ours, given) \
    cnn__options_read((ctx), (call), (ours), sizeof *(ours), offsetof(__typeof__(*(ours)), reserved), (given))
/* Is it anything but 0? */
bool cnn__option_given(double given);
/* 0 → the default, CNN_ZERO, also that of version 0.1, → 0. */
double cnn__option(double given, double otherwise);
int64_t cnn__option_int(int64_t given, int64_t otherwise);

#endif
