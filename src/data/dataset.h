/* The inside of datasets: how one sample is written into a batch.
 *
 * A dataset is reference-counted and does not change once a loader uses it, so any number of loaders may read it at
 * the same time. Only callbacks that are not concurrent are called one at a time. */
#ifndef CNN_DATA_DATASET_H
#define CNN_DATA_DATASET_H

#include "tensor/tensor.h"

#include <cnn/dataset.h>

/* Shape and dtype of one image or one label of a batch. */
typedef struct cnn__sample_shape {
    cnn_dtype dtype;
    int ndim; /* at most CNN_MAX_DIMS − 1: a batch has one more */
    int64_t shape[CNN_MAX_DIMS];
    int64_t numel;
    size_t bytes;
} cnn__sample_shape;

/* What the random numbers of a sample follow from, besides the sample's number. */
typedef struct cnn__sample_seed {
    uint64_t seed;
    int64_t epoch;
} cnn__sample_seed;

/* A chain of transforms and what applying it needs (augmented.c). */
typedef struct cnn__augmented cnn__augmented;

struct cnn_dataset {
    atomic_int references;
    atomic_int loaders; /* number of loaders that use it */
    cnn_context *ctx;   /* held */
    int64_t size;
    cnn__sample_shape image, label;
    bool has_labels;
    cnn_tensor *images, *labels; /* samples in memory (references held); NULL for callbacks */
    cnn_tensor *class_names;     /* u8 [classes, bytes]: a string per row (reference held); NULL: none */
    cnn_dataset *source; /* for an augmented dataset, and for a subset of one or of callbacks: what it is of (held) */
    cnn__augmented *augmented; /* its transforms; NULL: none */
    int64_t first,
        *indices; /* sample i is number indices[i] of the tensors or the source, or first + i if `indices` is NULL */
    int channels; /* number of normalised channels; 0: no normalisation */
    double *mean, *std;
    float *table; /* for u8 images: [channels or 1][256], maps a value to an image element */
    cnn_status (*get)(int64_t index, void *image, void *label, void *user);
    cnn_status (*make)(int64_t index, cnn_tensor **image, cnn_tensor **label, void *user);
    void (*free_user)(void *user);
    void *user;
    cnn__recursive_mutex lock; /* held during `get` and `make` unless they are concurrent */
    bool has_lock, concurrent;
    uint64_t process; /* the process that made it: after fork() the lock may be held by a thread that does not exist */
};

cnn_dataset *cnn__dataset_new(cnn_context *ctx, const char *call);
/* Sets the shape of one sample from the shape of the tensor of all samples. */
void cnn__dataset_set_images(cnn_dataset *dataset, cnn_tensor *images);
void cnn__dataset_set_labels(cnn_dataset *dataset, cnn_tensor *labels);
cnn_status cnn__dataset_normalize(cnn_dataset *dataset, const char *call, int channels, const double *mean,
                                  const double *std);
/* cnn_dataset_slice() of a range that is known to be right; the caller keeps its own reference to `dataset`. */
cnn_dataset *cnn__dataset_slice(cnn_dataset *dataset, const char *call, int64_t start, int64_t end);
void cnn__augmented_free(cnn_context *ctx, cnn__augmented *augmented);
/* Allocates what `threads` threads need that write samples at the same time. */
cnn_status cnn__dataset_reserve(cnn_dataset *dataset, const char *call, int threads);

/* The index of sample i among the tensors or the callbacks. */
static inline int64_t cnn__dataset_index(const cnn_dataset *dataset, int64_t i)
{
    return dataset->indices ? dataset->indices[i] : dataset->first + i;
}

/* The dataset that the samples come from. */
static inline const cnn_dataset *cnn__dataset_origin(const cnn_dataset *dataset)
{
    while (dataset->source) {
        dataset = dataset->source;
    }
    return dataset;
}

/* Whether samples are tensors of any shapes, which a collate callback puts into batches: a chain of transforms makes
 * images of one shape of them. */
static inline bool cnn__dataset_makes(const cnn_dataset *dataset)
{
    while (dataset->source && !dataset->augmented) {
        dataset = dataset->source;
    }
    return dataset->make != NULL;
}

/* Calls the dataset's `get`, or its `make` with the addresses of two handles, for sample `index` of the callbacks. */
cnn_status cnn__dataset_call(cnn_dataset *dataset, const char *call, int64_t index, void *image, void *label);

/* Makes sample `i`, which is in range, as two tensors that cnn_tensor_free() refuses (their `owned` is set); `label`
 * becomes NULL if there is none. On failure, which is reported as `call`, nothing is made. */
cnn_status cnn__dataset_make(cnn_dataset *dataset, const char *call, cnn__sample_seed seed, int64_t i,
                             cnn_tensor **image, cnn_tensor **label);

/* Writes sample `index`, which is in range, augmented and normalised; `label` may be NULL. Allocates nothing where
 * cnn__dataset_reserve() has, and fails only if a callback fails, which it reports as `call`. */
cnn_status cnn__dataset_write(cnn_dataset *dataset, const char *call, cnn__sample_seed seed, int64_t index, void *image,
                              void *label);
cnn_status cnn__augmented_write(cnn_dataset *dataset, const char *call, cnn__sample_seed seed, int64_t index,
                                void *image, void *label);

#endif
