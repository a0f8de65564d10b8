/** @file
 * The context: threads, random numbers, memory and messages of everything that is made from it. */
#ifndef CNN_CONTEXT_H
#define CNN_CONTEXT_H

#include <cnn/export.h>
#include <cnn/status.h>

CNN_BEGIN_DECLS

/** How much exactness sums may give up for speed. */
typedef enum cnn_math {
    /** The fastest algorithm. Its rounding error may be some times that of a plain sum, or be relative to what lies
     * beside a sum's own terms: cnn_conv2d() says when. */
    CNN_MATH_FAST = 0,
    /** Only algorithms with a plain sum's error bound: a result is off by at most a multiple of the sum of its own
     * terms' sizes. */
    CNN_MATH_STRICT = 1,
    /** As CNN_MATH_FAST, and a device may round each factor of a product or convolution in float32 to the 10 bits of
     * TF32: a result is off by up to 2^-10 of the sum of its terms' sizes. On the CPU and on devices without TF32 it is
     * CNN_MATH_FAST (docs/cuda.md). @since 0.2 */
    CNN_MATH_TF32 = 2
} cnn_math;

/** What a log line is about. */
typedef enum cnn_log_level { CNN_LOG_DEBUG = 0, CNN_LOG_INFO = 1, CNN_LOG_WARNING = 2 } cnn_log_level;

/** Receives one line without a newline: when a context is made, its number of threads and its kernels (CNN_LOG_INFO),
 * the CPU quota of the process if it has one (CNN_LOG_INFO), and whether faster kernels could have been used
 * (CNN_LOG_WARNING); later versions may have more to say. May be called from any thread, never from two at once for one
 * context. Like every callback it must return normally: no exception, longjmp() or pthread_exit() may leave it
 * (docs/concepts.md). */
typedef void (*cnn_log_fn)(cnn_log_level level, const char *message, void *user);

/** Returns memory for `size` > 0 bytes aligned to `alignment` (a power of two up to 64), or NULL. Must be callable from
 * several threads at once, and return normally. */
typedef void *(*cnn_allocate_fn)(size_t size, size_t alignment, void *user);

/** Takes back what cnn_allocate_fn returned, with the same size; never NULL. Must return normally. */
typedef void (*cnn_deallocate_fn)(void *memory, size_t size, void *user);

/** Options of cnn_context_create(); zero means the default. */
typedef struct cnn_context_options {
    size_t struct_size;           /**< sizeof(cnn_context_options) */
    uint64_t seed;                /**< the seed of all random numbers; default 0, which is a seed as good as any */
    int threads;                  /**< computing threads, the caller's included, 1 to 8192; default: the CPUs that this
                                       process may run on, or fewer where the CPU quota of its container is for fewer */
    cnn_math math;                /**< default CNN_MATH_FAST; since 0.2 */
    const char *device;           /**< where tensors are and operations run, as PyTorch names it: "cpu", "cuda:0" or
                                       "cuda", or "auto", which is the first device that is not the CPU, if there is
                                       one that can be opened, else the CPU; default: the environment variable
                                       CNN_DEVICE, else "cpu". <cnn/device.h> says which there are; since 0.2 */
    cnn_allocate_fn allocate;     /**< default: the C library's; give both or none */
    cnn_deallocate_fn deallocate; /**< goes with `allocate` */
    void *allocator_user;         /**< passed to both */
    cnn_log_fn log; /**< default: none; the library itself never prints. Called within this call already */
    void *log_user; /**< passed to `log` */
    /** The kernels to use: "reference", "generic", "avx2", "avx512", "neon"; default: the environment variable
     * CNN_KERNELS, else the fastest that this CPU runs */
    const char *kernels;
    unsigned char reserved[8]; /**< zero: room for later options */
} cnn_context_options;

/**
 * Makes a context. Contexts are independent: two of them share no state.
 *
 * @param options NULL for the defaults.
 * @return the context, owned by the caller; NULL on failure (invalid options, no memory, no such device or kernels),
 *         and then cnn_last_error(NULL) says why.
 * @since 0.1
 */
CNN_API cnn_context *cnn_context_create(const cnn_context_options *options);

#ifndef __cplusplus
/** cnn_context_create() with keyword arguments: `cnn_context_new(.seed = 1, .threads = 2)`. */
#define cnn_context_new(...) \
    cnn_context_create( \
        &(cnn_context_options){ .struct_size = sizeof(cnn_context_options), CNN__KEYWORDS_ONLY, __VA_ARGS__ })
#endif

/**
 * Drops the caller's hold on a context; NULL is fine. The memory and threads go when the last object made from it is
 * freed too, so the order in which things are freed does not matter.
 * @since 0.1
 */
CNN_API void cnn_context_free(cnn_context *ctx);

/**
 * The bytes of weights that are kept in the forms which the CPU's kernels read. A step that records no gradient for a
 * weight transforms or packs it once for each version of its elements, into memory that belongs to the weight and is
 * freed with it: up to four times the weight's own size, and a training run in between leaves it in place. Where there
 * is no memory for a form each launch packs for itself, with the same results. 0 for NULL. Thread-safe.
 * @since 0.2
 */
CNN_API size_t cnn_context_packed_memory(const cnn_context *ctx);

/** How many threads compute, the caller's included; 0 for NULL. @since 0.1 */
CNN_API int cnn_context_threads(const cnn_context *ctx);

/** The device of the context's tensors, such as "cpu" or "cuda:0"; "" for NULL. Valid as long as the context.
 * @since 0.1 */
CNN_API const char *cnn_context_device(const cnn_context *ctx);

/** The name of the kernels in use, such as "avx2"; "" for NULL. @since 0.1 */
CNN_API const char *cnn_context_kernels(const cnn_context *ctx);

/** How exact sums are; CNN_MATH_FAST for NULL. @since 0.2 */
CNN_API cnn_math cnn_context_math(const cnn_context *ctx);

/** Works on items `begin` to `end` - 1 of cnn_parallel_for(). Called from several threads at once, each with a range
 * of its own. Returns CNN_OK or a failure. Must return normally, and uses no tape. */
typedef cnn_status (*cnn_range_fn)(int64_t begin, int64_t end, void *user);

/**
 * Runs a function for `count` items on the context's threads, the caller's included, and returns when all are done: for
 * custom operations (cnn_custom()) and whatever prepares data.
 *
 * The items are cut into consecutive ranges, whose borders follow from `count` and `cost` alone, and each range is run
 * once. So whatever `fn` computes does not depend on the number of threads, as long as no range reads what another
 * writes. All ranges run, also after one has failed. Threads of the context that compute already, those of a library
 * call or of an outer cnn_parallel_for() around this one, are not waited for: the calling thread then runs all ranges
 * itself, in order; so do small jobs. The threads compute with the caller's rounding mode. Thread-safe.
 *
 * @param cost  about how many additions an item is worth, at least 0: ranges are made large enough to be worth a
 *              thread.
 * @return CNN_OK, also for no items; CNN_ERROR_INVALID_ARGUMENT; CNN_ERROR_CALLBACK where `fn` failed, with a message
 *         that names the first range that did, what it returned and which call of the library's failed in it.
 * @since 0.2
 */
CNN_API cnn_status cnn_parallel_for(cnn_context *ctx, int64_t count, double cost, cnn_range_fn fn, void *user);

/** The state of the random generator: restoring it resumes a run bit for bit. */
typedef struct cnn_random_state {
    uint64_t seed;        /**< the key of all draws */
    uint64_t stream;      /**< the number of the next unused stream, below 2^40; each draw of a tensor, each training
                               step and each evaluation step that draws takes one, and after the last comes the first
                               again */
    uint64_t reserved[2]; /**< zero: room for later members */
} cnn_random_state;

/** Reads the random state. CNN_ERROR_INVALID_ARGUMENT for a NULL. Thread-safe. @since 0.1 */
CNN_API cnn_status cnn_context_random_state(const cnn_context *ctx, cnn_random_state *state);

/** Replaces the random state; not while other threads draw from the context. CNN_ERROR_INVALID_ARGUMENT for a NULL and
 * for a stream of 2^40 or more. @since 0.1 */
CNN_API cnn_status cnn_context_set_random_state(cnn_context *ctx, const cnn_random_state *state);

/**
 * The message of this thread's newest failed call on `ctx` (or on anything made from it): one line, such as `conv2d:
 * input has 3 channels, weight [32,1,5,5] expects 1`. Like errno it belongs to the calling thread and is not cleared by
 * success; a call on NULL belongs to no context and leaves it in place. A thread remembers the messages of the eight
 * contexts that failed last. `ctx` NULL: the newest failure of this thread whatever its context, also of
 * cnn_context_create(), whose message calls on the NULL that it returned leave in place. In a step that has failed it
 * is the step's first error, which operations on nil tensors leave in place.
 *
 * @return "" when nothing failed; valid until the next failing call of this thread. Never NULL.
 * @since 0.1
 */
CNN_API const char *cnn_last_error(const cnn_context *ctx);

/** The status that goes with cnn_last_error(); CNN_OK when nothing failed. @since 0.1 */
CNN_API cnn_status cnn_context_status(const cnn_context *ctx);

/**
 * Reports a failure of this thread on `ctx` as the library reports its own, to be read by cnn_last_error(): for
 * libraries that build on this one, and for callbacks, whose message then stands in that of the call that failed
 * because of them. Thread-safe.
 *
 * @param ctx      NULL: a failure that belongs to no context.
 * @param status   one of cnn_status but CNN_OK.
 * @param message  one line that names the call, what it was given and what it expected; copied. Control characters are
 *                 escaped (cnn_name_escape()), and what does not fit into 511 bytes is cut off.
 * @return `status`, so that a failing function can end with this call; CNN_ERROR_INVALID_ARGUMENT where `message` is
 *         NULL or empty, or `status` is not that of a failure.
 * @since 0.2
 */
CNN_API cnn_status cnn_context_set_error(cnn_context *ctx, cnn_status status, const char *message);

/** Forgets this thread's newest failure on `ctx`; NULL: all failures of this thread. @since 0.1 */
CNN_API void cnn_context_clear_error(cnn_context *ctx);

CNN_END_DECLS

#endif
