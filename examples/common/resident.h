/* A data set that stays on a device: its images and labels are copied there once, as bytes where they are bytes, and a batch is
 * gathered, changed and normalised there, by the numbers of its samples. Those are a data set themselves, so a loader shuffles
 * them as it does the samples. All of it consists of public operations, which every device has. */
#ifndef COMMON_RESIDENT_H
#define COMMON_RESIDENT_H

#include <cnn/cnn.h>

typedef struct resident resident;

/* How samples are changed anew in each epoch. What is random about it is drawn by the loader, on the host, as a chain of
 * augmentation draws for the sample: who asks for the same numbers in the same order gets the same ones. */
typedef struct resident_change {
    int64_t count; /* numbers per sample that a device is told */
    /* Writes those of one sample, whose images have this height and width. */
    void (*draw)(cnn_random_source *random, int64_t height, int64_t width, float *drawn);
    /* Images [B,C,H,W], f32, scaled to [0, 1] where they come from bytes, else as the data set gives them, and what was drawn for
     * them, [B,count]; returns as many images, which are normalised behind it. */
    cnn_tensor *(*make)(const resident *r, cnn_tensor *images, cnn_tensor *drawn);
} resident_change;

/* What becomes of samples on the way to the network. */
typedef struct resident_options {
    int channels;                  /* how many means and deviations there are; 1: the same for all channels */
    const double *mean, *deviation; /* (x − mean) / deviation, as cnn_dataset_normalize() */
    const resident_change *change; /* NULL: none */
} resident_options;

/* On the device of their context; images NULL: batches are used as they come. */
struct resident {
    cnn_tensor *images;                      /* [N,…], u8, or f32 where the data set has other numbers than bytes have */
    cnn_tensor *labels;                      /* [N], i64 */
    cnn_tensor *levels, *mean, *deviation;   /* for bytes: [1], 255; [C,1,1] or [1]; NULL for f32, which is normalised */
    cnn_tensor *grid;                        /* with a change: [2,H·W], the column and the row of each pixel; else NULL */
    cnn_tensor *limit;                       /* with a change: [2,1], W − 1 and H − 1 */
    const resident_change *change;
};

/* Copies the samples of a data set of f32 images and class indices, as a loader gives them out, and returns the data set of their
 * numbers, and of what is drawn for them. Bytes are told by their values: bytes scaled to [0, 1]. A data set of callbacks, whose
 * normalisation is its own, is copied as it is. Takes ownership of `dataset`, which is not augmented, also on failure; on failure
 * it is NULL, and cnn_last_error() says why. `options` and what it points to but for `change` ends with the call. */
cnn_dataset *resident_new(resident *r, cnn_context *ctx, cnn_dataset *dataset, const resident_options *options);
void resident_free(resident *r);

/* Puts the images and labels of a batch of numbers in their place, as tensors of the step that `tape` has begun. NULL
 * and a resident without images leave the batch as it is. */
void resident_batch(const resident *r, cnn_tape *tape, cnn_batch *batch);

#endif
