/** @file
 * Loaders: shuffled, normalised batches, the next one prepared by a background thread while this one is used. Batches
 * of at most 16 kB that lie in memory are prepared when they are asked for, which is sooner done than waking a thread.
 *
 * A loader is used by one thread at a time; several loaders may share a dataset. Functions that take a loader that
 * is NULL because it could not be made keep the message that says why. */
#ifndef CNN_LOADER_H
#define CNN_LOADER_H

#include <cnn/dataset.h>

CNN_BEGIN_DECLS

/** Options of cnn_loader_create(); zero means the default. */
typedef struct cnn_loader_options {
    size_t struct_size;        /**< sizeof(cnn_loader_options) */
    uint64_t seed;             /**< of the order; default: the context's seed */
    bool shuffle;              /**< a new order every epoch, a function of the seed and the epoch's number alone */
    bool drop_last;            /**< leave out the last batch if it is not full */
    bool no_background;        /**< prepare batches in the caller's thread */
    unsigned char reserved[5]; /**< zero: room for later options */
} cnn_loader_options;

/** A batch. Its tensors belong to the loader. */
typedef struct cnn_batch {
    cnn_tensor *images; /**< [size, …] */
    cnn_tensor *labels; /**< [size, …]; NULL if the dataset has none */
    int64_t size;       /**< samples in this batch */
    int64_t index;      /**< its number in the epoch, from 0 */
    void *reserved[4];  /**< NULL */
} cnn_batch;

/**
 * Makes a loader.
 * @param dataset  takes ownership of this hold, also on failure. NULL fails and keeps the message of its failed call.
 * @param batch_size  samples in a batch, at least 1; a batch is never larger than the dataset.
 * @param options     NULL for the defaults.
 * @return a loader owned by the caller; NULL on failure (CNN_ERROR_INVALID_ARGUMENT, no memory, CNN_ERROR_THREAD).
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

/** Frees a loader, its thread and its hold on the dataset; NULL is fine. @since 0.1 */
CNN_API void cnn_loader_free(cnn_loader *loader);

/**
 * Gives the next batch of the epoch.
 * @return true with `batch` filled in: its tensors keep their values until the next call after the next one; false at
 *         the epoch's end, and the call after that begins the next epoch; false on failure too, also for a
 *         loader that is NULL: see cnn_loader_status().
 * @since 0.1
 */
CNN_API bool cnn_loader_next(cnn_loader *loader, cnn_batch *batch);

/** CNN_OK, or why the last cnn_loader_next() failed. For NULL the status of this thread's newest failure, which says
 * why the loader could not be made, and CNN_ERROR_INVALID_ARGUMENT if there is none: never CNN_OK. @since 0.1 */
CNN_API cnn_status cnn_loader_status(const cnn_loader *loader);

/** How many batches an epoch has; 0 for NULL. @since 0.1 */
CNN_API int64_t cnn_loader_batch_count(const cnn_loader *loader);
/** How many samples the dataset has; 0 for NULL. @since 0.1 */
CNN_API int64_t cnn_loader_sample_count(const cnn_loader *loader);
/** The number of the epoch that the next batch belongs to, from 0; 0 for NULL. @since 0.1 */
CNN_API int64_t cnn_loader_epoch(const cnn_loader *loader);
/** Begins epoch number `epoch` with the next batch: for resuming, or to start one over. CNN_ERROR_INVALID_ARGUMENT
 * unless it is 0 to 2^62. @since 0.1 */
CNN_API cnn_status cnn_loader_set_epoch(cnn_loader *loader, int64_t epoch);

CNN_END_DECLS

#endif
