/** @file
 * Loaders: shuffled, normalised batches, the next one prepared by background threads while this one is used. Batches of
 * at most 16 kB that lie in memory are prepared when they are asked for, which is cheaper than waking a thread.
 *
 * A loader is used by one thread at a time; several loaders may share a dataset. Functions that take a loader that
 * is NULL because it could not be made keep the message that says why. */
#ifndef CNN_LOADER_H
#define CNN_LOADER_H

#include <cnn/dataset.h>
#include <cnn/sampler.h>

CNN_BEGIN_DECLS

/** A batch. Its tensors belong to the loader. */
typedef struct cnn_batch {
    cnn_tensor *images;        /**< [size, …], or as a collate callback makes them */
    cnn_tensor *labels;        /**< [size, …]; NULL if the dataset has none */
    int64_t size;              /**< samples in this batch */
    int64_t index;             /**< its number in the epoch, from 0 */
    cnn_tensor *lengths;       /**< from a collate callback, such as the images' lengths before padding; else NULL */
    cnn_tensor *label_lengths; /**< the same of the labels */
    void *reserved[2];         /**< NULL */
} cnn_batch;

/**
 * Makes a batch of samples that are tensors, of any shapes: what torch.utils.data calls collate_fn. Called from one of
 * the loader's threads, one call at a time per loader. Must return normally.
 *
 * @param images  the `count` images of the batch, in order. They belong to the loader, which frees them afterwards:
 *                what the batch shares with one of them it takes by cnn_tensor_share().
 * @param labels  the labels in the same order; NULL if no sample has one, and NULL for a sample that has none.
 * @param batch   `size` and `index` are set. The callback sets `images` and, if it likes, `labels`, `lengths` and
 *                `label_lengths` to plain tensors that it makes in the loader's context. The loader owns them then.
 * @param user    the loader's option `collate_user`.
 * @return CNN_OK; anything else ends the epoch with CNN_ERROR_CALLBACK, or with CNN_ERROR_NO_MEMORY where a call of the
 *         library had none, and the callback has given nothing away then.
 * @since 0.2
 */
typedef cnn_status (*cnn_collate_fn)(cnn_tensor *const *images, cnn_tensor *const *labels, int64_t count,
                                     cnn_batch *batch, void *user);

/** Options of cnn_loader_create(); zero means the default. */
typedef struct cnn_loader_options {
    size_t struct_size; /**< sizeof(cnn_loader_options) */
    uint64_t seed;      /**< the seed of the order; default: the context's seed */
    /** Which samples an epoch has, in place of `shuffle`. The loader takes ownership, also on failure, unless
     * struct_size is garbage. NULL means none: look whether a sampler could be made before you give it. @since 0.2 */
    cnn_sampler *sampler;
    /** Makes batches of samples that are tensors, such as cnn_pad_collate(); required for a dataset of callbacks that
     * has `make`. Default: samples are written into batches whose memory is used again. @since 0.2 */
    cnn_collate_fn collate;
    void *collate_user; /**< passed to `collate`; the caller's, and kept until the loader is freed; @since 0.2 */
    /** Background threads that divide the samples of each batch, at most 1024; default: one. The batches are the same
     * for any number. Callbacks of a dataset that are not `concurrent` are called from one. @since 0.2 */
    int threads;
    bool shuffle;              /**< a new order every epoch, a function of the seed and the epoch's number alone */
    bool drop_last;            /**< leave out the last batch if it is not full */
    bool no_background;        /**< prepare batches in the caller's thread */
    unsigned char reserved[1]; /**< zero: room for later options */
} cnn_loader_options;

/**
 * Makes a loader.
 * @param dataset  takes ownership of this hold, also on failure. NULL fails and keeps the message of its failed call.
 * @param batch_size  samples in a batch, at least 1; a batch is never larger than an epoch.
 * @param options     NULL for the defaults.
 * @return a loader owned by the caller; NULL on failure (CNN_ERROR_INVALID_ARGUMENT, no memory, CNN_ERROR_THREAD, and
 *         CNN_ERROR_STATE for a sampler of another context or another loader).
 * @since 0.1
 */
CNN_API cnn_loader *cnn_loader_create(cnn_dataset *dataset, int64_t batch_size, const cnn_loader_options *options);

#ifndef __cplusplus
/** `cnn_loader_new(dataset, 200, .shuffle = true)` */
#define cnn_loader_new(...) CNN__LOADER_NEW(__VA_ARGS__, .struct_size = sizeof(cnn_loader_options))
#define CNN__LOADER_NEW(dataset, ...) CNN__LOADER_NEW2(dataset, __VA_ARGS__)
#define CNN__LOADER_NEW2(dataset, batch_size, ...) \
    cnn_loader_create((dataset), (batch_size), &(cnn_loader_options){ CNN__KEYWORDS_ONLY, __VA_ARGS__ })
#endif

/** Frees a loader, its threads, its sampler and its hold on the dataset; NULL is fine. @since 0.1 */
CNN_API void cnn_loader_free(cnn_loader *loader);

/**
 * Gives the next batch of the epoch.
 * @return true with `batch` filled in: its tensors remain valid through the next call, until the one after
 *         it; false at the epoch's end, and the call after that begins the next epoch; false on failure too, also for a
 *         loader that is NULL: see cnn_loader_status().
 * @since 0.1
 */
CNN_API bool cnn_loader_next(cnn_loader *loader, cnn_batch *batch);

/** CNN_OK, or why the last cnn_loader_next() failed. For NULL the status of this thread's newest failure, which says
 * why the loader could not be made, and CNN_ERROR_INVALID_ARGUMENT if there is none: never CNN_OK. @since 0.1 */
CNN_API cnn_status cnn_loader_status(const cnn_loader *loader);

/** How many batches an epoch has; 0 for NULL. @since 0.1 */
CNN_API int64_t cnn_loader_batch_count(const cnn_loader *loader);
/** How many samples an epoch has, the last batch included even if it is left out: as many as the dataset, or as the
 * sampler says; 0 for NULL. @since 0.1 */
CNN_API int64_t cnn_loader_sample_count(const cnn_loader *loader);
/** The number of the epoch that the next batch belongs to, from 0; 0 for NULL. @since 0.1 */
CNN_API int64_t cnn_loader_epoch(const cnn_loader *loader);
/** Begins epoch number `epoch` with the next batch: for resuming, or to start one over. CNN_ERROR_INVALID_ARGUMENT
 * unless it is 0 to 2^62. @since 0.1 */
CNN_API cnn_status cnn_loader_set_epoch(cnn_loader *loader, int64_t epoch);

/** Options of cnn_pad_collate(); zero means the default. */
typedef struct cnn_pad_collate_options {
    size_t struct_size;        /**< sizeof(cnn_pad_collate_options) */
    double value;              /**< what images are padded with; default: 0 */
    double label_value;        /**< what labels are padded with; default: 0 */
    bool batch_first;          /**< [size, length, …]; otherwise [length, size, …], as PyTorch's default */
    unsigned char reserved[7]; /**< zero: room for later options */
} cnn_pad_collate_options;

/**
 * A collate callback for sequences, as torch.nn.utils.rnn.pad_sequence: images [length, …] of the same dtype and the
 * same sizes after the first become one tensor as long as the longest, padded at the end, and batch.lengths, i64
 * [size], says how long each was. Labels of rank 0 become [size]; labels of higher rank are padded in the same way,
 * with batch.label_lengths. Give it to a loader as `.collate = cnn_pad_collate`. Thread-safe.
 *
 * @param user  a cnn_pad_collate_options, or NULL for the defaults.
 * @return CNN_OK, CNN_ERROR_INVALID_ARGUMENT, CNN_ERROR_SHAPE, CNN_ERROR_DTYPE, CNN_ERROR_STATE (two contexts) or
 *         CNN_ERROR_NO_MEMORY.
 * @since 0.2
 */
CNN_API cnn_status cnn_pad_collate(cnn_tensor *const *images, cnn_tensor *const *labels, int64_t count,
                                   cnn_batch *batch, void *user);

CNN_END_DECLS

#endif
