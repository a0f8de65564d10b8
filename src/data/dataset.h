/* The inside of datasets: how one sample is written into a batch.
 *
 * A dataset is reference-counted and, once a loader uses it, does not change; so any number of loaders may read it
 * at once. Only callbacks are taken one at a time. */
#ifndef CNN_DATA_DATASET_H
#define CNN_DATA_DATASET_H

#include "tensor/tensor.h"

#include <cnn/dataset.h>

/* Shape and dtype of one image or one label as they are given out. */
typedef struct cnn__sample_shape {
    cnn_dtype dtype;
    int ndim; /* at most CNN_MAX_DIMS − 1: a batch has one more */
    int64_t shape[CNN_MAX_DIMS];
    int64_t numel;
    size_t bytes;
} cnn__sample_shape;

struct cnn_dataset {
    atomic_int references;
    atomic_int loaders; /* that use it now */
    cnn_context *ctx;   /* held */
    int64_t size;
    cnn__sample_shape image, label;
    bool has_labels;
    cnn_tensor *images, *labels; /* in memory, held; NULL for callbacks */
    cnn_dataset *source;         /* of a subset of a dataset of callbacks: that dataset, held */
    int64_t first, *indices; /* sample i is the tensors' or the source's indices[i], or first + i where that is NULL */
    int channels;            /* of the normalisation; 0: none */
    double *mean, *std;
    float *table; /* u8 images: [channels or 1][256], value → image element */
    cnn_status (*get)(int64_t index, void *image, void *label, void *user);
    void (*free_user)(void *user);
    void *user;
    pthread_mutex_t lock; /* held during `get` */
    bool has_lock;
    uint64_t process; /* that made it: after fork() the lock may be held by a thread that is not there */
};

cnn_dataset *cnn__dataset_new(cnn_context *ctx, const char *call);
/* Takes the shape of one sample out of that of all of them. */
void cnn__dataset_set_images(cnn_dataset *dataset, cnn_tensor *images);
void cnn__dataset_set_labels(cnn_dataset *dataset, cnn_tensor *labels);
cnn_status cnn__dataset_normalize(cnn_dataset *dataset, const char *call, int channels, const double *mean,
                                  const double *std);

/* Where the tensors or the callbacks have sample i. */
static inline int64_t cnn__dataset_index(const cnn_dataset *dataset, int64_t i)
{
    return dataset->indices ? dataset->indices[i] : dataset->first + i;
}

/* Writes sample `index` (in range), normalised; `label` may be NULL. Allocates nothing; fails only in callbacks, and
 * reports as `call`. */
cnn_status cnn__dataset_write(cnn_dataset *dataset, const char *call, int64_t index, void *image, void *label);

#endif
