/** @file
 * Profiles: where the time of a context goes, by operations and by modules, with the floating-point operations and the
 * bytes of each launch.
 *
 *     cnn_profile *profile = cnn_profile_begin(ctx, NULL);
 *     …                                                        // steps, or runs of a predictor
 *     cnn_profile_end(profile);
 *     cnn_profile_save(profile, "trace.json");                 // Perfetto and chrome://tracing open it
 *     cnn_profile_free(profile);
 *
 * An *event* is a launch of a kernel on behalf of an operation, or the forward of a module. Its time is the wall time
 * of the calling thread, while the threads of the context help: on the CPU, what the launch took. On another device it
 * is the time of handing over, which is said in the event; with the option `synchronize` each launch is waited for, and
 * is the time until it is done.
 *
 * FLOPs and bytes follow from shapes: a multiply-add is two FLOPs, and docs/profiling.md has the formulas.
 *
 * A context without a profile pays one branch per launch. One with a profile pays about a microsecond per event, and
 * computes the same bits.
 *
 * Threads. All threads that compute in the context are recorded. A profile begins, ends and is freed while no other
 * thread computes in the context; when it has ended, several threads may read it. */
#ifndef CNN_PROFILE_H
#define CNN_PROFILE_H

#include <cnn/trace.h>

CNN_BEGIN_DECLS

/** What a context did between two calls. */
typedef struct cnn_profile cnn_profile;

/** Options of cnn_profile_begin(); zero means the default. */
typedef struct cnn_profile_options {
    size_t struct_size;        /**< sizeof(cnn_profile_options) */
    int64_t limit;             /**< how many events are kept, at least 1; later ones are counted and dropped. Default
                                    1048576, of about 100 bytes each */
    bool synchronize;          /**< wait for each launch on a device that is not the CPU */
    unsigned char reserved[7]; /**< zero: room for later options */
} cnn_profile_options;

/** What an event is. */
typedef enum cnn_profile_kind {
    CNN_PROFILE_LAUNCH = 0, /**< a kernel */
    CNN_PROFILE_MODULE = 1  /**< a forward of a module, with all that happened in it */
} cnn_profile_kind;

/** An event. The library makes these; later versions may add members at the end. */
typedef struct cnn_profile_event {
    cnn_profile_kind kind; /**< what it is */
    int thread;            /**< the calling thread: they are numbered from 0 on as they appear */
    const char *name; /**< for a launch the operation, as messages say it: "conv2d"; for a module its type: "Conv2d" */
    const char *kernel; /**< for a launch the kernel, such as "conv_forward"; for a module "" */
    /** The path of the module, or of the module whose forward or backward the launch is in, such as "l1.0"; "" of one
     * that is no child, and where there is none */
    const char *path;
    bool backward; /**< in a backward */
    bool queued;   /**< `seconds` is the time of handing over to a device, where the launch may still wait */
    unsigned char reserved[6]; /**< room for later members */
    double start;              /**< seconds since the profile began */
    double seconds;            /**< wall time */
    double self_seconds;       /**< without the modules inside; of a launch the same as `seconds` */
    double flops;              /**< for a launch its floating-point operations; for a module 0 */
    double bytes;              /**< for a launch the operands that are read or written, each once; for a module 0 */
} cnn_profile_event;

/** The tables of cnn_profile_format(). */
typedef enum cnn_profile_table {
    CNN_PROFILE_OPERATIONS = 0, /**< a row for each operation, forward and backward apart */
    CNN_PROFILE_MODULES = 1     /**< a row for each module whose forward ran */
} cnn_profile_table;

/**
 * Begins to record what a context does. It holds the context until it is freed.
 *
 * @param options  NULL for the defaults.
 * @return a profile owned by the caller; NULL on failure: a NULL or an option out of its range
 *         (CNN_ERROR_INVALID_ARGUMENT), a profile of the context that has not ended (CNN_ERROR_STATE), no memory.
 * @since 0.2
 */
CNN_API cnn_profile *cnn_profile_begin(cnn_context *ctx, const cnn_profile_options *options);

/**
 * Ends the recording. A profile that has ended stays as it is.
 *
 * @return CNN_OK; CNN_ERROR_INVALID_ARGUMENT for NULL.
 * @since 0.2
 */
CNN_API cnn_status cnn_profile_end(cnn_profile *profile);

/** Ends a profile if it has not ended, and frees it; NULL is fine. @since 0.2 */
CNN_API void cnn_profile_free(cnn_profile *profile);

/** @name What is in a profile
 * The profile has ended; else, and for NULL, they return what is said here and report CNN_ERROR_STATE or
 * CNN_ERROR_INVALID_ARGUMENT. What is borrowed lasts until cnn_profile_free(); names of custom operations and kernels
 * are not copied.
 * @since 0.2
 * @{ */
/** Event number i, borrowed, in the order in which they ended; NULL past the end, and for a negative number, which is
 * an error. */
CNN_API const cnn_profile_event *cnn_profile_get_event(const cnn_profile *profile, int64_t i);
/** How many events there was no room or no memory for; 0 on failure. */
CNN_API int64_t cnn_profile_dropped(const cnn_profile *profile);
/**
 * Writes a table as text: operations with those that took longest first, modules in the order in which their forwards
 * first ran. As of snprintf, what does not fit into `size` bytes with the final 0 is left out.
 *
 * @param buffer  may be NULL where `size` is 0.
 * @return the length of the whole text; 0 on failure, also where there is no memory, and then `buffer` is "".
 */
CNN_API size_t cnn_profile_format(const cnn_profile *profile, cnn_profile_table table, char *buffer, size_t size);
/**
 * Writes all events as a file in the JSON format of Chrome's trace viewer, which https://ui.perfetto.dev opens, too.
 * Threads are its rows, modules and launches its nested bars, with kernel, FLOPs and bytes as arguments. The file is
 * replaced as a whole or not at all.
 *
 * @return CNN_OK; CNN_ERROR_INVALID_ARGUMENT, CNN_ERROR_STATE, CNN_ERROR_IO, CNN_ERROR_NO_MEMORY.
 */
CNN_API cnn_status cnn_profile_save(const cnn_profile *profile, const char *path);
/** @} */

/**
 * Writes what a module is made of as a table, from a trace (trace.h): nothing is computed. A line for each module says
 * its type and name, the shape of its first result, its own parameters, and of the operations in its own forward the
 * FLOPs and the bytes of their results; totals follow. Modules that the forward does not run have no shape.
 *
 * @param inputs   what the module gets, as for cnn_trace_create(); may be NULL where `count` is 0.
 * @param count    how many; 0 or more.
 * @param options  NULL for the defaults; `training` says which layers are run.
 * @param buffer   gets the text, as by snprintf; may be NULL where `size` is 0.
 * @return the length of the whole text; 0 on failure, and then `buffer` is "": the errors of cnn_trace_create(), no
 *         memory. Thread-safe while nobody changes the module.
 * @since 0.2
 */
CNN_API size_t cnn_module_summary(cnn_module *module, const cnn_trace_input *inputs, int count,
                                  const cnn_trace_options *options, char *buffer, size_t size);

CNN_END_DECLS

#endif
