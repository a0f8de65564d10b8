/** @file
 * libcnn-mpi: groups of processes, and training one network with all of them.
 *
 * A library of its own beside libcnn (link with `-lcnn-mpi -lcnn`, or `pkg-config cnn-mpi`); <cnn/cnn.h> does not
 * include this header. <cnn/mpi.h> makes a group of an MPI communicator; this header needs no MPI, so that groups of
 * other transports (cnn_transport) work in the same way. docs/scaling.md teaches both.
 *
 * A call that is said to be collective must be made by every process of the group, in the same order; it returns when
 * this process's part is done. The library never prints and ends a process only by cnn_group_abort().
 *
 * A group, and everything made from it, is used by one thread at a time. Unless it is said otherwise, functions return
 * CNN_OK, CNN_ERROR_INVALID_ARGUMENT for a NULL, CNN_ERROR_IO where a process of the group cannot be reached, or
 * CNN_ERROR_NO_MEMORY. A collective call that fails with a message that does not begin with "rank N: " has failed here
 * alone, unless its arguments are wrong: the group is broken, and each later call fails with the same message. The
 * other processes are told, and those that wait for a message fail with CNN_ERROR_IO within a second, as long as the
 * transport reaches them (`tell` and `hear` of cnn_transport); cnn_group_abort() ends them all. */
#ifndef CNN_GROUP_H
#define CNN_GROUP_H

#include <cnn/cnn.h>

CNN_BEGIN_DECLS

/** Processes that work together. */
typedef struct cnn_group cnn_group;

/** @name Groups
 * @{ */

/** What cnn_transport.pulse() says of another process. */
typedef enum cnn_pulse {
    CNN_PULSE_NONE = 0,  /**< nothing since the last call */
    CNN_PULSE_ALIVE = 1, /**< a sign, and more will come */
    CNN_PULSE_LAST = 2   /**< it has freed its group, and will give no other sign */
} cnn_pulse;

/** How processes reach each other. Messages between two processes arrive in the order in which they were sent. All
 * functions are called by one thread at a time, which may be another one than made the group, and return normally. */
typedef struct cnn_transport {
    size_t struct_size; /**< sizeof(cnn_transport) */
    int rank;           /**< the number of this process, from 0 */
    int size;           /**< how many processes there are, at least 1 */
    /** Begins to send `bytes` (1 to 2^30) to process `to`; `data` stays as it is until `request` is done. */
    cnn_status (*send)(int to, const void *data, size_t bytes, void **request, void *user);
    /** Begins to receive the next message of process `from`, which has exactly `bytes`. */
    cnn_status (*receive)(int from, void *data, size_t bytes, void **request, void *user);
    /** Says without waiting whether a request is done, or fails; either is the end of the request. */
    cnn_status (*test)(void **request, bool *done, void *user);
    /** Gives up a request that is not done, because the group is broken; may be NULL. The memory of one of allreduce
     * stays. */
    void (*cancel)(void *request, void *user);
    /** Begins to replace `count` elements (CNN_F32 or CNN_F64) by their sum over all processes, in any order. NULL: the
     * library sums by messages. */
    cnn_status (*allreduce)(void *data, int64_t count, cnn_dtype dtype, void **request, void *user);
    void (*abort)(int status, void *user); /**< ends all processes with this exit status, and does not return */
    /** Begins to tell all other processes that the group is broken here, and why, in a text of at most 255 bytes and a
     * 0; called at most once, and does not wait. May be NULL, as `hear` may: others then wait for the timeout. */
    void (*tell)(const char *why, void *user);
    /** Whether another process has told so: returns its number and copies what it told, cut to `size` bytes with the 0;
     * −1 if none has. Does not wait. What is told may overtake other messages. */
    int (*hear)(char *why, size_t size, void *user);
    /** Begins to give process rank + 1 (0 after the last) a sign of life, which is the last where `leaves`. Called
     * twice a second, also while nothing is sent; does not wait, and may give none while an earlier one is on its way.
     * NULL, as `pulse` and `part` are then: a process that hangs is found by the timeout alone. Not used with
     * `one_thread`. */
    void (*beat)(bool leaves, void *user);
    /** The newest sign of process rank - 1 (the last before 0). Does not wait. */
    cnn_pulse (*pulse)(void *user);
    /** Begins to wait, as the last of all requests, until every process has called it. NULL as those two are. */
    cnn_status (*part)(void **request, void *user);
    void (*free_user)(void *user); /**< may be NULL; called on failure too */
    void *user;                    /**< passed to all of them */
    bool one_thread;           /**< it may be called by the thread alone that made the group: then nothing is sent while
                          another thing is computed */
    unsigned char reserved[7]; /**< zero: room for later members */
} cnn_transport;

/** Makes a group of a transport. Takes ownership of `user` by `free_user`, also on failure, unless struct_size is
 * garbage.
 * @return a group owned by the caller; NULL on failure (CNN_ERROR_INVALID_ARGUMENT, CNN_ERROR_NO_MEMORY,
 *         CNN_ERROR_THREAD). @since 0.2 */
CNN_API cnn_group *cnn_group_create(cnn_context *ctx, const cnn_transport *transport);

/** Frees a group, which nothing made from it uses any more; NULL is fine. Where the transport has signs of life it
 * waits for all other processes to free theirs, as a collective call would, unless the group is broken. @since 0.2 */
CNN_API void cnn_group_free(cnn_group *group);

/** The number of this process, from 0; 0 for NULL. @since 0.2 */
CNN_API int cnn_group_rank(const cnn_group *group);
/** How many processes there are; 1 for NULL. @since 0.2 */
CNN_API int cnn_group_size(const cnn_group *group);

/** Replaces `count` numbers by their sum over all processes. Collective. The sum has an order that depends on the
 * number of processes alone, and every process gets the same bits.
 * @param data   `count` elements; `count` and `dtype` are the same everywhere.
 * @param dtype  CNN_F32, CNN_F64 or CNN_I64; others are CNN_ERROR_DTYPE. @since 0.2 */
CNN_API cnn_status cnn_group_allreduce(cnn_group *group, void *data, int64_t count, cnn_dtype dtype);

/** Copies `bytes` from process `root` to all others. Collective. @since 0.2 */
CNN_API cnn_status cnn_group_broadcast(cnn_group *group, void *data, size_t bytes, int root);

/** Copies the parameters and buffers of process 0's module to those of all others, which have the same names, shapes
 * and dtypes; else CNN_ERROR_MISMATCH everywhere. Collective. @since 0.2 */
CNN_API cnn_status cnn_group_broadcast_module(cnn_group *group, cnn_module *module);

/** Returns when all processes have called it. Collective. @since 0.2 */
CNN_API cnn_status cnn_group_barrier(cnn_group *group);

/** Finds out whether something failed anywhere. Collective. Every process says with `status` whether it may go on.
 * @return CNN_OK if all may; else, everywhere, the status of the first process that may not, and cnn_last_error() says
 *         there which one it is and what its own cnn_last_error() said, as "rank 2: …". @since 0.2 */
CNN_API cnn_status cnn_group_agree(cnn_group *group, cnn_status status);

/** Makes every call fail (CNN_ERROR_IO) that waits longer than this for another process, in seconds; 0: it waits for
 * ever; default: 600. @since 0.2 */
CNN_API cnn_status cnn_group_set_timeout(cnn_group *group, double seconds);

/** Breaks the group where a process gives no sign of life for this long, in seconds, because it is stopped or its
 * machine or network is gone; one that only computes for long gives signs. A call that waits for a process which has
 * freed its group has the same limit, and so has a single call of the transport, such as of an MPI that hangs: then the
 * group's call returns CNN_ERROR_IO while memory that it was given may still be written, and cnn_group_abort() is all
 * that may follow. Time for which this process is stopped itself does not count. 0: no limit, for a debugger that stops
 * a process; default: 6. Only where the transport has signs: MPI has with MPI_THREAD_MULTIPLE, which cnn_mpi_begin()
 * asks for. @since 0.2 */
CNN_API cnn_status cnn_group_set_silence(cnn_group *group, double seconds);

/** Ends all processes at once with this exit status, 1 to 255, as a broken group must; for NULL this process alone.
 * Does not return. @since 0.2 */
CNN_API void cnn_group_abort(cnn_group *group, int status);
/** @} */

/** @name Data
 * @{ */

/** How an epoch is cut, for cnn_group_sampler_create(). */
typedef struct cnn_group_sampler_options {
    size_t struct_size;        /**< sizeof(cnn_group_sampler_options) */
    int64_t batch_size;        /**< samples per step of all processes together; required */
    int shards;                /**< parts of equal size that a batch is cut into; default: one per process */
    bool shuffle;              /**< a new order every epoch, that of a loader with `.shuffle` */
    bool drop_last;            /**< leave out the last batch if it is not full */
    unsigned char reserved[2]; /**< zero: room for later options */
} cnn_group_sampler_options;

/**
 * The samples of an epoch that this process reads: batch k of the epoch's order has the samples k · batch_size, …, is
 * cut into `shards` parts of batch_size / shards consecutive samples, and process r of n gets the parts from
 * ⌈r · shards / n⌉ to ⌈(r + 1) · shards / n⌉ - 1. The last batch fills its parts from the first on. A loader whose
 * batch_size is that of a part hands out one part at a time. No sample is repeated.
 *
 * @param size  of the dataset, 0 or more.
 * @return a sampler owned by the caller; NULL on failure (CNN_ERROR_INVALID_ARGUMENT, CNN_ERROR_NO_MEMORY).
 * @since 0.2
 */
CNN_API cnn_sampler *cnn_group_sampler_create(cnn_group *group, int64_t size, const cnn_group_sampler_options *options);
/** @} */

/** @name Training
 * @{ */

/** A network that is trained by all processes of a group, with a dataset. */
typedef struct cnn_data_parallel cnn_data_parallel;

/** Options of cnn_data_parallel_create(); zero means the default. */
typedef struct cnn_data_parallel_options {
    size_t struct_size; /**< sizeof(cnn_data_parallel_options) */
    int64_t batch_size; /**< samples per step of all processes together, a multiple of `shards`; required */
    /** Bytes of gradients that are sent together, at least 1; a larger parameter is summed in pieces of at most that.
     * Default: 2^22, and pieces of 2^18 for each process. */
    int64_t bucket_bytes;
    uint64_t seed; /**< the seed of the order; default: the context's */
    /** Parts that each batch is cut into, whatever the number of processes: as long as it stays the same, weights are
     * the same to the bit. More processes than parts would idle. Default: 8; with `fast` one per process, and no other
     * number. */
    int shards;
    int loader_threads;        /**< the loader's option `threads` */
    bool fast;                 /**< sums by the transport's own allreduce, whose order may differ from run to run */
    bool no_shuffle;           /**< samples in the dataset's order */
    bool drop_last;            /**< leave out the last batch if it is not full */
    unsigned char reserved[5]; /**< zero: room for later options */
} cnn_data_parallel_options;

/**
 * Prepares a network for training by all processes; collective. Process 0's parameters, buffers and random state (seed
 * and stream) become everybody's. The parameters are those that ask for a gradient now; each has one from now on.
 *
 * A step is
 *
 *     while (cnn_data_parallel_begin(parallel)) {
 *         while (cnn_data_parallel_next(parallel, &batch)) {
 *             cnn_tape_begin(tape, CNN_TRAIN);
 *             cnn_tensor *loss = cnn_cross_entropy(cnn_forward(model, cnn_input(tape, batch.images)), batch.labels);
 *             cnn_data_parallel_backward(parallel, loss);
 *         }
 *         if (cnn_data_parallel_end(parallel, CNN_OK) != CNN_OK || cnn_optimizer_step(optimizer) != CNN_OK) …
 *     }
 *
 * Each part of the batch is a step of its own for the tape, with the random stream that its number gives, and with the
 * buffers as they were before the step. Afterwards each gradient is the mean over the batch, weighted by samples, and
 * each floating-point buffer has moved by the weighted mean of what the parts moved it by: batch normalisation is local
 * to a part. The sums form a binary tree over the parts, so that they do not depend on how many processes there are.
 *
 * @param group    borrowed, as `module` is: they outlive the result.
 * @param dataset  takes ownership of this hold, also on failure. NULL fails and keeps the message of its failed call.
 * @return owned by the caller; NULL on failure, everywhere: CNN_ERROR_INVALID_ARGUMENT; CNN_ERROR_STATE (the group's
 *         context is not the module's); CNN_ERROR_MISMATCH where the processes differ in what decides the bits:
 *         version, kernels, options, dataset's size, names, shapes and dtypes of the module, and which of its
 *         parameters ask for a gradient; CNN_ERROR_NO_MEMORY.
 *         @since 0.2
 */
CNN_API cnn_data_parallel *cnn_data_parallel_create(cnn_group *group, cnn_module *module, cnn_dataset *dataset,
                                                    const cnn_data_parallel_options *options);

#ifndef __cplusplus
/** `cnn_data_parallel_new(group, module, dataset, .batch_size = 200)` */
#define cnn_data_parallel_new(...) CNN__DATA_PARALLEL_NEW(__VA_ARGS__, .struct_size = sizeof(cnn_data_parallel_options))
#define CNN__DATA_PARALLEL_NEW(group, module, dataset, ...) \
    cnn_data_parallel_create((group), (module), (dataset), \
                             &(cnn_data_parallel_options){ CNN__KEYWORDS_ONLY, __VA_ARGS__ })
#endif

/** Frees it, with its loader; NULL is fine. The module stays. Within a step of several processes it breaks the group,
 * because the others wait for this process's part: call cnn_data_parallel_end() first. @since 0.2 */
CNN_API void cnn_data_parallel_free(cnn_data_parallel *parallel);

/** Begins a step: the next batch of the epoch. @return false at the epoch's end, and the call after that begins the
 * next epoch; also for NULL and where the step before was not ended by cnn_data_parallel_end() (CNN_ERROR_STATE).
 * @since 0.2 */
CNN_API bool cnn_data_parallel_begin(cnn_data_parallel *parallel);

/** Gives the next of this process's parts of the batch, which may have none. Its tensors remain valid through the
 * next call, until the one after it. @return false after the last, and on failure, which cnn_data_parallel_end()
 * returns. @since 0.2 */
CNN_API bool cnn_data_parallel_next(cnn_data_parallel *parallel, cnn_batch *batch);

/** Computes the gradients of this part from its mean loss. In the process's last part, gradients are sent as they
 * become final, bucket by bucket from the last layer on, while backward goes on. What cnn_tape_on_gradient() has the
 * tape call is called before, for each part, and stays: what it writes to a gradient is summed. @return the first error
 * of the tape's step, which cnn_data_parallel_end() also returns. @since 0.2 */
CNN_API cnn_status cnn_data_parallel_backward(cnn_data_parallel *parallel, cnn_tensor *loss);

/**
 * Ends a step: waits for the sums and writes them to the gradients, and the new buffers. Collective.
 * @param status  CNN_OK; or why this process wants to end, such as CNN_ERROR_CALLBACK after a signal, with a message of
 *                cnn_context_set_error().
 * @return CNN_OK; or, everywhere, what failed first anywhere in this step, as cnn_group_agree() says it. Then gradients
 *         are undefined, buffers are as before the step, and the epoch is over: the next cnn_data_parallel_begin()
 *         begins the next one.
 * @since 0.2
 */
CNN_API cnn_status cnn_data_parallel_end(cnn_data_parallel *parallel, cnn_status status);

/** How many steps an epoch has, on every process; 0 for NULL. @since 0.2 */
CNN_API int64_t cnn_data_parallel_step_count(const cnn_data_parallel *parallel);
/** How many samples an epoch has, those of all processes together; 0 for NULL. @since 0.2 */
CNN_API int64_t cnn_data_parallel_sample_count(const cnn_data_parallel *parallel);
/** How many samples the step's batch has, those of all processes together; 0 outside of a step and for NULL.
 * @since 0.2 */
CNN_API int64_t cnn_data_parallel_batch_size(const cnn_data_parallel *parallel);
/** How many parts a batch has; 0 for NULL. @since 0.2 */
CNN_API int cnn_data_parallel_shards(const cnn_data_parallel *parallel);
/** Begins epoch number `epoch`, 0 to 2^62, with the next step: for resuming. CNN_ERROR_STATE within a step.
 * @since 0.2 */
CNN_API cnn_status cnn_data_parallel_set_epoch(cnn_data_parallel *parallel, int64_t epoch);

/** What the steps so far took, on this process. */
typedef struct cnn_data_parallel_times {
    size_t struct_size;        /**< sizeof(cnn_data_parallel_times) */
    int64_t steps;             /**< how many */
    int64_t bytes_sent;        /**< bytes of gradients and buffers; 0 with `fast`, where the transport alone knows */
    double seconds;            /**< from cnn_data_parallel_begin() to the end of cnn_data_parallel_end() */
    double communication;      /**< seconds in which buckets were summed over the group */
    double waiting;            /**< seconds that cnn_data_parallel_end() waited for them: 1 - waiting / communication
                                    of the communication was hidden behind backward */
    unsigned char reserved[8]; /**< zero: room for later members */
} cnn_data_parallel_times;

/** Reads the times and sets them to zero; struct_size is set by the caller. @since 0.2 */
CNN_API cnn_status cnn_data_parallel_take_times(cnn_data_parallel *parallel, cnn_data_parallel_times *times);

/**
 * torch.nn.SyncBatchNorm over x [N,channels,H,W]: a BatchNorm2d whose mean and variance are those of all processes'
 * samples together, and whose gradients are theirs too; in evaluation it is cnn_batch_norm2d_create(), with the same
 * parameters and buffers. Its training forward and backward are collective: all processes have a sample in each step
 * (use `.drop_last`), and one part each (`.shards` is the size of the group, or `.fast`). A process whose part fails
 * breaks the group, because the others may wait within their forward: they fail with CNN_ERROR_IO and its message.
 *
 * @param group    borrowed: it outlives the module. It is in no cnn_forward_recomputed().
 * @param options  NULL for the defaults.
 * @return a module owned by the caller; NULL on failure, as cnn_batch_norm2d_create() says. @since 0.2
 */
CNN_API cnn_module *cnn_sync_batch_norm2d_create(cnn_group *group, int64_t channels,
                                                 const cnn_batch_norm_options *options);

/** The same over x [N,channels] or [N,channels,L]: a BatchNorm1d over the samples of all processes. @since 0.2 */
CNN_API cnn_module *cnn_sync_batch_norm1d_create(cnn_group *group, int64_t channels,
                                                 const cnn_batch_norm_options *options);

/**
 * torch.nn.SyncBatchNorm.convert_sync_batchnorm(): makes every BatchNorm1d and BatchNorm2d in a module, and the module
 * itself where it is one, a synchronised one with the same options. Each stays where it is, with its name, mode,
 * parameters and buffers, so that optimizers and files go on with them. Before cnn_data_parallel_create(), and by every
 * process; not collective.
 * @param group  borrowed: it outlives the module.
 * @return CNN_OK, also where there is none; CNN_ERROR_INVALID_ARGUMENT (a NULL); CNN_ERROR_STATE (the group's context
 *         is not the module's); CNN_ERROR_DTYPE (one is neither float32 nor float64), and none is changed;
 *         CNN_ERROR_NO_MEMORY, after which some are. @since 0.2
 */
CNN_API cnn_status cnn_sync_batch_norm_convert(cnn_group *group, cnn_module *module);
/** @} */

CNN_END_DECLS

#endif
