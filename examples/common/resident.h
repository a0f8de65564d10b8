/* A data set that stays on a device: its images and labels are copied there once, and a batch is gathered there, by the
 * numbers of its samples. Those are a data set themselves, so a loader shuffles them as it does the samples. */
#ifndef COMMON_RESIDENT_H
#define COMMON_RESIDENT_H

#include <cnn/cnn.h>

/* Images [N, …], f32, and labels [N], i64, on the device of their context; NULL: batches are used as they come. */
typedef struct resident {
    cnn_tensor *images, *labels;
} resident;

/* Copies the samples of a data set of f32 images and class indices, as a loader gives them out, and returns the data
 * set of their numbers, i64. Takes ownership of `dataset`, also on failure, which is NULL; cnn_last_error() says why. */
cnn_dataset *resident_new(resident *r, cnn_context *ctx, cnn_dataset *dataset);
void resident_free(resident *r);

/* Puts the images and labels of a batch of numbers in their place, as tensors of the step that `tape` has begun. NULL
 * and a resident without images leave the batch as it is. */
void resident_batch(const resident *r, cnn_tape *tape, cnn_batch *batch);

#endif
