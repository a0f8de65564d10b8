/** @file
 * Samplers: which samples of a dataset an epoch has, and in which order, as torch.utils.data has them.
 *
 * A sampler is given to a loader by its option `sampler`. The order of an epoch is a function of the seed and the
 * epoch's number alone, so cnn_loader_set_epoch() resumes any of them, and every process that has the same seed has the
 * same order. A sampler is used by one thread at a time. */
#ifndef CNN_SAMPLER_H
#define CNN_SAMPLER_H

#include <cnn/context.h>

CNN_BEGIN_DECLS

/** Which samples an epoch has, and in which order. */
typedef struct cnn_sampler cnn_sampler;

/**
 * Draws sample i with a probability in proportion to weights[i], as torch.utils.data.WeightedRandomSampler.
 *
 * @param weights      `size` finite numbers, 0 or more, whose sum is finite and above 0 (unless `count` is 0); copied.
 * @param size         how many samples there are to choose from: at most the dataset's size.
 * @param count        samples per epoch, 0 or more.
 * @param replacement  a sample may be drawn more than once; without it, at least `count` weights must be above 0.
 * @return a sampler owned by the caller; NULL on failure (CNN_ERROR_INVALID_ARGUMENT, CNN_ERROR_NO_MEMORY).
 * @since 0.2
 */
CNN_API cnn_sampler *cnn_weighted_random_sampler_create(cnn_context *ctx, const double *weights, int64_t size,
                                                        int64_t count, bool replacement);

/**
 * The samples that are listed, in a new order every epoch, as torch.utils.data.SubsetRandomSampler.
 *
 * @param indices  `count` numbers, 0 or more, also repeated; copied. May be NULL if `count` is 0.
 * @return a sampler owned by the caller; NULL on failure (CNN_ERROR_INVALID_ARGUMENT, CNN_ERROR_NO_MEMORY).
 * @since 0.2
 */
CNN_API cnn_sampler *cnn_subset_random_sampler_create(cnn_context *ctx, const int64_t *indices, int64_t count);

/**
 * The share of one of several processes, as torch.utils.data.DistributedSampler: of the epoch's order, rank r gets the
 * samples r, r + ranks, r + 2 · ranks, …. All ranks get as many: either the order begins anew where it ends too early,
 * or its last samples are left out. All ranks must have the same seed (a loader's option `seed`).
 *
 * @param size       the dataset's size, 0 or more.
 * @param ranks      how many processes share the samples, at least 1.
 * @param rank       which of them this is: 0 to ranks - 1.
 * @param shuffle    a new order every epoch, that of a loader with `.shuffle`; otherwise 0, 1, 2, ….
 * @param drop_last  leave samples out instead of repeating some.
 * @return a sampler owned by the caller; NULL on failure (CNN_ERROR_INVALID_ARGUMENT, CNN_ERROR_NO_MEMORY).
 * @since 0.2
 */
CNN_API cnn_sampler *cnn_distributed_sampler_create(cnn_context *ctx, int64_t size, int ranks, int rank, bool shuffle,
                                                    bool drop_last);

/** A sampler of the user's. */
typedef struct cnn_sampler_callbacks {
    size_t struct_size; /**< sizeof(cnn_sampler_callbacks) */
    int64_t count;      /**< samples per epoch, 0 or more */
    /** Fills `order` with the `count` samples of an epoch, as a function of `seed` and `epoch` alone. A loader calls it
     * from one of its threads, when the epoch's first batch is prepared: while the epoch before is still being used.
     * Anything but CNN_OK ends the epoch with CNN_ERROR_CALLBACK, and so does a number that is no sample of the
     * dataset. Must return normally. */
    cnn_status (*order)(uint64_t seed, int64_t epoch, int64_t *order, void *user);
    void (*free_user)(void *user); /**< may be NULL; called on failure too */
    void *user;                    /**< passed to both */
    unsigned char reserved[8];     /**< zero: room for later members */
} cnn_sampler_callbacks;

/** Makes a sampler of callbacks. Takes ownership of `user` by `free_user`, also on failure, unless struct_size is
 * garbage.
 * @return a sampler owned by the caller; NULL on failure (CNN_ERROR_INVALID_ARGUMENT, CNN_ERROR_NO_MEMORY).
 * @since 0.2 */
CNN_API cnn_sampler *cnn_sampler_from_callbacks(cnn_context *ctx, const cnn_sampler_callbacks *callbacks);

/** Frees a sampler; NULL is fine. CNN_ERROR_STATE, reported, for one that a loader owns. @since 0.2 */
CNN_API void cnn_sampler_free(cnn_sampler *sampler);

/** How many samples an epoch has; 0 for NULL. @since 0.2 */
CNN_API int64_t cnn_sampler_count(const cnn_sampler *sampler);

/**
 * Writes the order of an epoch: what a loader with this sampler and seed goes by.
 *
 * @param seed   of the order; 0: the context's seed.
 * @param epoch  0 to 2^62.
 * @param order  filled with cnn_sampler_count() numbers; undefined on failure.
 * @return CNN_OK, CNN_ERROR_INVALID_ARGUMENT, CNN_ERROR_STATE (a loader owns the sampler) or CNN_ERROR_CALLBACK.
 * @since 0.2
 */
CNN_API cnn_status cnn_sampler_order(cnn_sampler *sampler, uint64_t seed, int64_t epoch, int64_t *order);

CNN_END_DECLS

#endif
