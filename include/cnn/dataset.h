/** @file
 * Datasets: samples of an image (or of other numbers, such as token ids) and a label, from IDX files, from tensors, or
 * from callbacks, and chosen parts of them.
 *
 * A dataset may be read by several threads at once (its callbacks are called one at a time, unless they are said to be
 * concurrent); cnn_dataset_normalize() is for one thread, before a loader uses it. */
#ifndef CNN_DATASET_H
#define CNN_DATASET_H

#include <cnn/tensor.h>

CNN_BEGIN_DECLS

/** Which part of MNIST. */
typedef enum cnn_mnist_split { CNN_MNIST_TRAIN = 0, CNN_MNIST_TEST = 1 } cnn_mnist_split;

/** Which of the two files of a split. */
typedef enum cnn_mnist_part { CNN_MNIST_IMAGES = 0, CNN_MNIST_LABELS = 1 } cnn_mnist_part;

/**
 * Opens MNIST or any dataset in its form: `train-images-idx3-ubyte` and `train-labels-idx1-ubyte` (or `t10k-…`) in
 * `directory`, plain or with `.gz`. Images come out as f32 [1, rows, columns], normalised by mean 0.1307 and standard
 * deviation 0.3081 (change it with cnn_dataset_normalize()), labels as i64.
 *
 * @return a dataset owned by the caller; NULL on failure. CNN_ERROR_NOT_FOUND names the files that were looked for.
 * @since 0.1
 */
CNN_API cnn_dataset *cnn_mnist_open(cnn_context *ctx, const char *directory, cnn_mnist_split split);

/**
 * Looks for one of MNIST's files under all the names that cnn_mnist_open() takes, without reading it: for programs that
 * fetch what is missing. Thread-safe.
 *
 * @return CNN_OK if something of such a name is there, whether it can be read or not; CNN_ERROR_NOT_FOUND if nothing
 *         is; CNN_ERROR_IO if the folder may not be searched; CNN_ERROR_INVALID_ARGUMENT; CNN_ERROR_NO_MEMORY.
 * @since 0.2
 */
CNN_API cnn_status cnn_mnist_find(cnn_context *ctx, const char *directory, cnn_mnist_split split, cnn_mnist_part part);

/** Which part of CIFAR-10 or CIFAR-100. */
typedef enum cnn_cifar_split { CNN_CIFAR_TRAIN = 0, CNN_CIFAR_TEST = 1 } cnn_cifar_split;

/**
 * Opens CIFAR-10 in its binary form: `data_batch_1.bin` to `data_batch_5.bin`, or `test_batch.bin`, each plain or with
 * `.gz`, in `directory` or in the folder `cifar-10-batches-bin` in it, which the archive makes. Images come out as f32
 * [3, 32, 32], normalised by the means 0.4914, 0.4822, 0.4465 and the standard deviations 0.2470, 0.2435, 0.2616
 * (change them with cnn_dataset_normalize()), labels as i64. A file holds 1 to 50000 samples. Class names are those of
 * `batches.meta.txt` where it exists (cnn_dataset_class_name()).
 *
 * @return a dataset owned by the caller; NULL on failure. CNN_ERROR_NOT_FOUND names the file that was looked for,
 *         CNN_ERROR_FORMAT the file and the byte.
 * @since 0.2
 */
CNN_API cnn_dataset *cnn_cifar10_open(cnn_context *ctx, const char *directory, cnn_cifar_split split);

/**
 * Opens CIFAR-100 as cnn_cifar10_open() does CIFAR-10: `train.bin` or `test.bin`, also in the folder
 * `cifar-100-binary`; means 0.5071, 0.4865, 0.4409 and standard deviations 0.2673, 0.2564, 0.2762. Class names are
 * those of `fine_label_names.txt` or `coarse_label_names.txt`.
 *
 * @param coarse  labels are the 20 superclasses; otherwise the 100 classes.
 * @return a dataset owned by the caller; NULL on failure, as of cnn_cifar10_open().
 * @since 0.2
 */
CNN_API cnn_dataset *cnn_cifar100_open(cnn_context *ctx, const char *directory, cnn_cifar_split split, bool coarse);

/** How many class names the dataset has: 0 if none came with it, and for NULL. @since 0.2 */
CNN_API int64_t cnn_dataset_class_count(const cnn_dataset *dataset);

/** The name of class `i`, which lives as long as the dataset; NULL, reported, if there is none (CNN_ERROR_NOT_FOUND for
 * a dataset without names, CNN_ERROR_INVALID_ARGUMENT). @since 0.2 */
CNN_API const char *cnn_dataset_class_name(const cnn_dataset *dataset, int64_t i);

/**
 * Reads an IDX file, plain or gzipped (told apart by its first bytes), as a tensor of the caller's. IDX types: ubyte →
 * u8, int → i32, float → f32, double → f64, byte and short → i32.
 * @return NULL on failure; the message names the file and the byte.
 * @since 0.1
 */
CNN_API cnn_tensor *cnn_idx_read(cnn_context *ctx, const char *path);

/**
 * A dataset over tensors in memory: sample i is images[i] and labels[i].
 * @param images  [N, …], u8 (given out as f32, scaled to [0, 1]), f32 or f64 (as they are), or i64 or i32 (given out as
 *                i64: token ids and other numbers that are no image); contiguous; kept alive by the dataset, not
 *                copied, but for tensors on a device, whose elements are copied to the host's memory.
 * @param labels  [N, …], i64, i32 or u8 (given out as i64), or f32 or f64 (as they are); contiguous; of the same
 *                context; may be NULL.
 * @return a dataset owned by the caller; NULL on failure (CNN_ERROR_DTYPE, CNN_ERROR_SHAPE, CNN_ERROR_STATE, no
 *         memory).
 * @since 0.1
 */
CNN_API cnn_dataset *cnn_dataset_from_tensors(cnn_tensor *images, cnn_tensor *labels);

/** A dataset whose samples the user makes. */
typedef struct cnn_dataset_callbacks {
    size_t struct_size;         /**< sizeof(cnn_dataset_callbacks) */
    int64_t size;               /**< how many samples, 0 or more */
    const int64_t *image_shape; /**< the shape of one image; copied */
    const int64_t *label_shape; /**< the shape of one label; copied; rank 0 for a class index */
    int image_ndim;             /**< the rank of one image, 0 to 7: a batch has one more */
    int label_ndim;             /**< the rank of one label, 0 to 7 */
    cnn_dtype image_dtype;      /**< CNN_F32, CNN_F64 or CNN_I64 */
    cnn_dtype label_dtype;      /**< CNN_I64 (class indices), CNN_F32 or CNN_F64; note that 0 means CNN_F32 */
    /** Writes sample `index`. Called from the loader's threads, one call at a time unless `concurrent` is set. Anything
     * but CNN_OK ends the epoch with CNN_ERROR_CALLBACK, whose message includes that of the newest call that failed in
     * `get` (cnn_context_set_error() reports your own). Must return normally: a lock is held, which an exception,
     * longjmp() or pthread_exit() that left it would leave locked (docs/concepts.md). */
    cnn_status (*get)(int64_t index, void *image, void *label, void *user);
    void (*free_user)(void *user); /**< may be NULL; called on failure too */
    void *user;                    /**< passed to all of them */
    /** In place of `get`, for samples of different shapes, which a loader's `collate` puts into batches: makes the
     * tensors of sample `index` in the dataset's context and gives them away. `*label` may stay NULL. Called as `get`
     * is; on failure it gives nothing away. The shapes, ranks and dtypes above are not used. @since 0.2 */
    cnn_status (*make)(int64_t index, cnn_tensor **image, cnn_tensor **label, void *user);
    bool concurrent;           /**< `get` or `make` may be called by several threads at once; @since 0.2 */
    unsigned char reserved[7]; /**< zero: room for later members */
} cnn_dataset_callbacks;

/** Makes a dataset of callbacks. Takes ownership of `user` by `free_user`, also on failure, unless struct_size is
 * garbage.
 * @return a dataset owned by the caller; NULL on failure (CNN_ERROR_INVALID_ARGUMENT, CNN_ERROR_DTYPE, CNN_ERROR_SHAPE,
 *         no memory). @since 0.1 */
CNN_API cnn_dataset *cnn_dataset_from_callbacks(cnn_context *ctx, const cnn_dataset_callbacks *callbacks);

/** Another hold on the same dataset, for a second loader: each hold is given away or freed once. Thread-safe; NULL only
 * for NULL. @since 0.1 */
CNN_API cnn_dataset *cnn_dataset_share(cnn_dataset *dataset);

/**
 * Chosen samples of a dataset as a dataset of its own, as torch.utils.data.Subset: its sample i is sample indices[i] of
 * `dataset`. No sample is copied; a loader reads the subset as fast as the dataset. The subset begins with the
 * normalisation that the dataset has now and keeps it: cnn_dataset_normalize() changes one without the other.
 * Thread-safe.
 *
 * @param dataset  takes ownership of this hold, also on failure; cnn_dataset_share() keeps another. NULL fails and
 *                 keeps the message of its failed call.
 * @param indices  `count` numbers from 0 to the dataset's size - 1, in any order, also repeated; copied. May be NULL if
 *                 `count` is 0.
 * @return a dataset owned by the caller; NULL on failure (CNN_ERROR_INVALID_ARGUMENT, CNN_ERROR_NO_MEMORY).
 * @since 0.2
 */
CNN_API cnn_dataset *cnn_dataset_subset(cnn_dataset *dataset, const int64_t *indices, int64_t count);

/**
 * The samples from `start` to `end` - 1 as a dataset of its own: cnn_dataset_subset() of a range, which needs no memory
 * for indices. Thread-safe.
 *
 * @param dataset    takes ownership of this hold, also on failure. NULL fails and keeps the message of its failed call.
 * @param start,end  0 <= start <= end <= the dataset's size, else CNN_ERROR_INVALID_ARGUMENT.
 * @return a dataset owned by the caller; NULL on failure.
 * @since 0.2
 */
CNN_API cnn_dataset *cnn_dataset_slice(cnn_dataset *dataset, int64_t start, int64_t end);

/**
 * Splits a dataset at random, as torch.utils.data.random_split: every sample is in exactly one piece. The split is a
 * function of the seed, the dataset's size and the lengths alone, so a run that is resumed splits as before.
 * Thread-safe.
 *
 * @param dataset  takes ownership of this hold, also on failure. NULL fails and keeps the message of its failed call.
 * @param lengths  `count` numbers, one per piece, 0 or more. If they sum to 1 they are fractions of the dataset: each
 *                 piece is rounded down, and the samples left over go to the pieces in turn, one each. Otherwise they
 *                 are numbers of samples that sum to the dataset's size.
 * @param count    the number of pieces, at least 1.
 * @param seed     of the split; 0: the context's seed.
 * @param pieces   filled with `count` datasets owned by the caller, each as cnn_dataset_subset() makes it; with NULLs
 *                 on failure.
 * @return CNN_OK, CNN_ERROR_INVALID_ARGUMENT or CNN_ERROR_NO_MEMORY.
 * @since 0.2
 */
CNN_API cnn_status cnn_dataset_random_split(cnn_dataset *dataset, const double *lengths, int count, uint64_t seed,
                                            cnn_dataset **pieces);

/** Gives up a hold on a dataset; NULL is fine. @since 0.1 */
CNN_API void cnn_dataset_free(cnn_dataset *dataset);

/** How many samples; 0 for NULL. @since 0.1 */
CNN_API int64_t cnn_dataset_size(const cnn_dataset *dataset);

/**
 * Images come out as (x − mean[c]) / std[c], after u8 was scaled to [0, 1]; c is the image's first dimension, or
 * `channels` is 1 for all. Not for datasets of callbacks or augmented ones (augment.h), nor while a loader is using the
 * dataset (CNN_ERROR_STATE), nor for images of integers (CNN_ERROR_DTYPE).
 * @param mean,std  `channels` finite numbers each, in units of the scaled elements; those of `std` above 0.
 * @since 0.1
 */
CNN_API cnn_status cnn_dataset_normalize(cnn_dataset *dataset, int channels, const double *mean, const double *std);

/** Sample i as tensors of the caller's, as a loader would give it; `label` may be NULL. @since 0.1 */
CNN_API cnn_status cnn_dataset_get(const cnn_dataset *dataset, int64_t i, cnn_tensor **image, cnn_tensor **label);

CNN_END_DECLS

#endif
